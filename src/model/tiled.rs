//! The compact network in training on tile registers: `amx` between libtorch's tensors.

use std::cell::RefCell;

use tch::{Device, Kind, Tensor, no_grad};

use super::compact::Compact;
use crate::amx::{self, Layer, Parameters, Pass};
use crate::weights::CompactShape;

/// What batch norm's running statistics take of a batch's: PyTorch's default.
const MOMENTUM: f64 = 0.1;

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
        network: &Compact,
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
        network: &Compact,
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
fn own_parameters(network: &Compact) -> Vec<&Tensor> {
    let layers = network
        .layers()
        .into_iter()
        .flat_map(|(convolution, norm)| {
            let (scale, shift) = (norm.ws.as_ref(), norm.bs.as_ref());
            [Some(convolution.kernel()), scale, shift].map(|own| own.expect("norms learn both"))
        });
    layers.chain([network.projection()]).collect()
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
    fn copy(&mut self, network: &Compact) {
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
fn keep_statistics(network: &Compact, pass: &Pass) {
    for ((_, norm), of_batch) in network.layers().into_iter().zip(pass.statistics()) {
        let running = [&norm.running_mean, &norm.running_var];
        for (running, of_batch) in running.into_iter().zip(of_batch) {
            let _ = running
                .shallow_clone()
                .lerp_(&Tensor::from_slice(&of_batch), MOMENTUM);
        }
    }
}

#[cfg(test)]
mod tests {
    use tch::nn::{ModuleT, VarStore};

    use super::*;
    use crate::weights::NetworkShape;

    const SHAPE: CompactShape = CompactShape {
        side: 32,
        width: 32,
        dimensions: 32,
        dropout: 0.1,
    };
    const DRAWINGS: i64 = 32;

    /// Strokes here and there.
    fn images() -> Tensor {
        let side = SHAPE.side as i64;
        let wave = Tensor::arange(DRAWINGS * side * side, (Kind::Double, Device::Cpu));
        let wave = (&wave * 0.37).sin() + (&wave * 0.011).cos();
        let ink = wave.gt(0.9).to_kind(Kind::Float);
        ink.view([DRAWINGS, 1, side, side])
    }

    struct Learned {
        projected: Tensor,
        gradients: Vec<(String, Tensor)>,
        statistics: Vec<(String, Tensor)>,
    }

    /// What a step finds, by tile registers or by libtorch in `kind`.
    fn learned(tiled: bool, kind: Kind) -> Learned {
        let store = VarStore::new(Device::Cpu);
        let network = Compact::new(&store.root(), SHAPE);
        NetworkShape::from(SHAPE).initialise(&store, 3);
        let all = super::super::ordered(&store);
        let wave = |tensor: &Tensor, rate: f64| {
            let at = Tensor::arange(tensor.numel() as i64, (Kind::Float, Device::Cpu));
            (at * rate).sin().view_as(tensor)
        };
        no_grad(|| {
            for (name, tensor) in &all {
                if name.contains("norm") && name.ends_with("weight") {
                    let _ = tensor.shallow_clone().g_add_(&(wave(tensor, 0.7) * 0.3));
                }
                if name.ends_with("bias") {
                    let _ = tensor.shallow_clone().g_add_(&(wave(tensor, 0.9) * 0.2));
                }
            }
        });
        let features = SHAPE.features();
        let mask = wave(
            &Tensor::zeros([DRAWINGS, features], (Kind::Float, Device::Cpu)),
            1.3,
        );
        let mask = mask.gt(-0.9).to_kind(Kind::Float) / 0.9;
        let projected = if tiled {
            let projected = network.tiled().project(&network, &images(), Some(&mask));
            network.embedding_norm().forward_t(&projected, true)
        } else {
            network.forward(&images().to_kind(kind), true, Some(&mask.to_kind(kind)))
        };
        let loss = (&projected * wave(&projected, 0.3)).sum(Kind::Float);
        let (learns, still): (Vec<_>, Vec<_>) = all
            .into_iter()
            .partition(|(_, tensor)| tensor.requires_grad());
        let tensors: Vec<&Tensor> = learns.iter().map(|(_, tensor)| tensor).collect();
        let gradients = network.gradients(&loss, &tensors);
        let names = learns.iter().map(|(name, _)| name.clone());
        Learned {
            projected: projected.detach(),
            gradients: names.zip(gradients).collect(),
            statistics: still,
        }
    }

    /// How far two tensors are apart, as a share of the second.
    fn apart(one: &Tensor, other: &Tensor) -> f64 {
        assert_eq!(one.size(), other.size());
        let length = |tensor: &Tensor| tensor.norm().double_value(&[]);
        length(&(one - other)) / length(other)
    }

    /// Rounding between layers moves gradients by a sixth in such a network, in libtorch's form too: so the
    /// two are held together, and each to the exact one.
    #[test]
    fn a_pass_on_tiles_finds_what_libtorch_finds_but_for_rounding() {
        let ours = learned(true, Kind::BFloat16);
        let exact = learned(false, Kind::Float);
        let rounded = learned(false, Kind::BFloat16);
        let pairs = |of: fn(&Learned) -> &Vec<(String, Tensor)>| {
            let both = of(&ours).iter().zip(of(&rounded)).zip(of(&exact));
            both.map(|(((name, ours), (_, rounded)), (_, exact))| {
                (name.clone(), apart(ours, exact), apart(rounded, exact))
            })
            .collect::<Vec<_>>()
        };
        let mut all = pairs(|learned| &learned.gradients);
        all.extend(pairs(|learned| &learned.statistics));
        assert_eq!(all.len(), 33 + 22);
        for (name, ours, rounded) in all {
            assert!(rounded < 0.3, "{name}: {rounded}");
            assert!(
                ours < 1.5 * rounded + 0.01,
                "{name}: {ours}, libtorch {rounded}"
            );
        }
        let (ours, rounded) = (&ours.projected, &rounded.projected);
        assert!(apart(ours, &exact.projected) < 1.5 * apart(rounded, &exact.projected) + 0.01);
    }

    #[test]
    fn running_statistics_move_as_libtorchs() {
        let (ours, exact) = (learned(true, Kind::BFloat16), learned(false, Kind::Float));
        for ((name, ours), (_, exact)) in ours.statistics.iter().zip(&exact.statistics) {
            assert!(apart(ours, exact) < 0.01, "{name}");
        }
    }
}
