//! Koch's comparison of two drawings: a weighted distance between their features.

use tch::nn::{self, Init, Module, Path};
use tch::{Kind, Tensor};

/// The logit of p(a, b), a weighted sum of |a - b| and a bias, for features of `d` components.
#[derive(Debug)]
pub struct Distance(nn::Linear);

impl Distance {
    /// Makes its variables, `weight` `[1, d]` and `bias` `[1]`, under `path`, all zero.
    pub(super) fn new(path: Path, d: i64) -> Distance {
        let zero = Init::Const(0.0);
        let config = nn::LinearConfig {
            ws_init: zero,
            bs_init: Some(zero),
            bias: true,
        };
        Distance(nn::linear(path, d, 1, config))
    }

    /// The logits `[n]` of p(a, b) for features `a` and `b` of `[n, d]`, symmetric in both bit
    /// for bit.
    pub fn logits(&self, a: &Tensor, b: &Tensor) -> Tensor {
        self.0.forward(&(a - b).abs()).squeeze_dim(1)
    }

    /// The weights `[d]` of |a - b|, and the bias.
    #[must_use]
    pub fn weights(&self) -> (Vec<f32>, f32) {
        let flat = |tensor: &Tensor| {
            let flat = tensor.detach().to_device(tch::Device::Cpu).flatten(0, -1);
            Vec::<f32>::try_from(flat.to_kind(Kind::Float)).expect("the tensor is flat and f32")
        };
        let bias = self.0.bs.as_ref().map_or(0.0, |bias| flat(bias)[0]);
        (flat(&self.0.ws), bias)
    }
}
