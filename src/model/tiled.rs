//! The compact network in training on tile registers: `amx` between libtorch's tensors.

use std::cell::RefCell;

use tch::nn::BatchNorm;
use tch::{Device, Kind, Tensor, no_grad};

use crate::amx::{self, Layer, Parameters, Pass};
use crate::weights::CompactShape;

/// What batch norm's running statistics take of a batch's: PyTorch's default.
const MOMENTUM: f64 = 0.1;

/// What a compact network learns up to the norm of its embeddings.
pub(super) struct Learning<'a> {
    /// Kernels and the norms after them: the stem's, and three of each block.
    pub layers: Vec<(&'a Tensor, &'a BatchNorm)>,
    /// The weight of the projection, `[dimensions, features]`.
    pub projection: &'a Tensor,
}

/// A pass, and what it left for the gradients.
#[derive(Debug)]
pub(super) struct Tiled {
    shape: CompactShape,
    state: RefCell<State>,
}

#[derive(Debug, Default)]
struct State {
    /// For the last size of a batch.
    pass: Option<(usize, Pass)>,
    /// What the last pass made, until the gradients were taken.
    projected: Option<Tensor>,
    own: Values,
}

impl Tiled {
    pub(super) fn new(shape: CompactShape) -> Tiled {
        Tiled {
            shape,
            state: RefCell::default(),
        }
    }

    /// Whether this machine and this batch are for it: bf16 on a CPU with tile registers, and sizes of
    /// whole blocks.
    pub(super) fn serves(&self, kind: Kind, images: &Tensor) -> bool {
        kind == Kind::BFloat16
            && images.device() == Device::Cpu
            && amx::fits(self.shape, images.size()[0] as usize)
            && amx::available()
    }

    /// What the network makes of a training batch before the norm of embeddings, `[n, dimensions]`: a
    /// leaf, through which [`Tiled::gradients`] goes on.
    ///
    /// # Panics
    /// If such a pass follows another before the gradients were taken.
    pub(super) fn project(
        &self,
        network: &Learning<'_>,
        images: &Tensor,
        mask: Option<&Tensor>,
    ) -> Tensor {
        let drawings = images.size()[0] as usize;
        let mut state = self.state.borrow_mut();
        assert!(
            state.projected.is_none(),
            "gradients are taken after each pass"
        );
        if state
            .pass
            .as_ref()
            .is_none_or(|(size, _)| *size != drawings)
        {
            state.pass = Some((drawings, Pass::new(self.shape, drawings)));
        }
        let State {
            pass,
            projected,
            own,
        } = &mut *state;
        let (_, pass) = pass.as_mut().expect("it was just made");

        own.copy(network);
        let mask = mask.map(values);
        let embeddings = pass.forward(&own.borrowed(), &values(images), mask.as_deref());
        no_grad(|| keep_statistics(network, pass));
        let size = [drawings as i64, self.shape.dimensions];
        let leaf = Tensor::from_slice(&embeddings)
            .view(size)
            .set_requires_grad(true);
        *projected = Some(leaf.shallow_clone());
        leaf
    }

    /// The gradients of a loss by `parameters`, after a pass; none if there was none.
    pub(super) fn gradients(
        &self,
        network: &Learning<'_>,
        loss: &Tensor,
        parameters: &[&Tensor],
    ) -> Option<Vec<Tensor>> {
        let mut state = self.state.borrow_mut();
        let projected = state.projected.take()?;
        let (_, pass) = state.pass.as_mut()?;
        let own = own_parameters(network);
        let place = |parameter: &Tensor| {
            let is = |own: &&Tensor| own.data_ptr() == parameter.data_ptr();
            own.iter().position(is)
        };
        let places: Vec<Option<usize>> = parameters.iter().map(|tensor| place(tensor)).collect();
        let others = parameters
            .iter()
            .zip(&places)
            .filter(|(_, place)| place.is_none());
        let inputs: Vec<&Tensor> = std::iter::once(&projected)
            .chain(others.map(|(parameter, _)| *parameter))
            .collect();
        let mut gradients = Tensor::run_backward(&[loss], &inputs, false, false).into_iter();
        let gradient = gradients.next()?;
        let made = in_order(&pass.backward(&values(&gradient)));
        let all = places
            .into_iter()
            .zip(parameters)
            .map(|(place, parameter)| match place {
                Some(place) => Some(Tensor::from_slice(made[place]).view_as(parameter)),
                None => gradients.next(),
            });
        all.collect()
    }
}

/// The tensors of [`Parameters`], in the order of [`in_order`].
fn own_parameters<'a>(network: &Learning<'a>) -> Vec<&'a Tensor> {
    let layers = network.layers.iter().flat_map(|&(kernel, norm)| {
        let (scale, shift) = (norm.ws.as_ref(), norm.bs.as_ref());
        [Some(kernel), scale, shift].map(|own| own.expect("norms learn both"))
    });
    layers.chain([network.projection]).collect()
}

fn in_order<'a>(parameters: &Parameters<&'a [f32]>) -> Vec<&'a [f32]> {
    let layers =
        (parameters.layers.iter()).flat_map(|layer| [layer.kernel, layer.scale, layer.shift]);
    layers.chain([parameters.project]).collect()
}

/// Copies of the parameters' values, whose memory is kept from step to step.
#[derive(Debug, Default)]
struct Values(Vec<Vec<f32>>);

impl Values {
    fn copy(&mut self, network: &Learning<'_>) {
        let own = own_parameters(network);
        self.0.resize(own.len(), Vec::new());
        for (values, tensor) in self.0.iter_mut().zip(own) {
            values.resize(tensor.numel(), 0.0);
            tensor.detach().copy_data(values, tensor.numel());
        }
    }

    fn borrowed(&self) -> Parameters<&[f32]> {
        let (project, layers) = self.0.split_last().expect("a network has parameters");
        let layers = layers.chunks_exact(3).map(|of| Layer {
            kernel: &of[0][..],
            scale: &of[1][..],
            shift: &of[2][..],
        });
        Parameters {
            layers: layers.collect(),
            project,
        }
    }
}

/// A tensor's values in order.
fn values(tensor: &Tensor) -> Vec<f32> {
    let mut values = vec![0.0; tensor.numel()];
    tensor
        .detach()
        .contiguous()
        .copy_data(&mut values, tensor.numel());
    values
}

/// Moves the running statistics of the norms by those of the batch.
fn keep_statistics(network: &Learning<'_>, pass: &Pass) {
    for ((_, norm), of_batch) in network.layers.iter().zip(pass.statistics()) {
        let running = [&norm.running_mean, &norm.running_var];
        for (running, of_batch) in running.into_iter().zip(of_batch) {
            let _ = running
                .shallow_clone()
                .lerp_(&Tensor::from_slice(&of_batch), MOMENTUM);
        }
    }
}
