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

impl<'a> Learning<'a> {
    fn learned(&self) -> Parameters<&'a Tensor> {
        let own = |tensor: &'a Option<Tensor>| tensor.as_ref().expect("norms learn both");
        let layers = self.layers.iter().map(|&(kernel, norm)| Layer {
            kernel,
            scale: own(&norm.ws),
            shift: own(&norm.bs),
        });
        Parameters {
            layers: layers.collect(),
            project: self.projection,
        }
    }
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
    /// Copies of what the network learns, whose memory is kept from step to step.
    own: Parameters<Vec<f32>>,
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

        let learned = network.learned();
        let mut kept = std::mem::take(own).into_each();
        *own = learned.map(|tensor| copied(tensor, kept.next().unwrap_or_default()));
        let own = own.map(|values| &values[..]);
        let mask = mask.map(values);
        let embeddings = pass.forward(&own, &values(images), mask.as_deref());
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
        let own = network.learned();
        let place = |parameter: &Tensor| {
            let is = |own: &&Tensor| own.data_ptr() == parameter.data_ptr();
            own.each().position(is)
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
        let made = pass.backward(&values(&gradient));
        let made: Vec<&[f32]> = made.each().copied().collect();
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

/// A tensor's values in order.
fn values(tensor: &Tensor) -> Vec<f32> {
    copied(tensor, Vec::new())
}

/// The same in memory that is there.
fn copied(tensor: &Tensor, mut values: Vec<f32>) -> Vec<f32> {
    values.resize(tensor.numel(), 0.0);
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
