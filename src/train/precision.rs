//! What arithmetic a network learns in.

use serde::{Deserialize, Serialize};
use tch::{Device, Kind};

/// What arithmetic is done in. Weights, their gradients and the loss are f32 in all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// 32-bit floats, on a GPU too: no rounding of factors.
    F32,
    /// 32-bit floats whose products a GPU takes of factors rounded to 10 bits after the point.
    Tf32,
    /// bfloat16: the range of f32, and 8 bits of precision, which needs no scaling of losses.
    Bf16,
    /// bf16 on a GPU, and on a CPU that multiplies it, else f32; a run resolves it where it begins.
    Auto,
}

impl Precision {
    /// What it comes to on a device of this machine: never [`Precision::Auto`].
    ///
    /// A CPU counts that multiplies bf16 (AVX-512 BF16, which all processors with AMX have
    /// too): without, libtorch takes longer over bf16 than over f32.
    #[must_use]
    pub fn resolve(self, device: Device) -> Precision {
        match self {
            Precision::Auto if device.is_cuda() || multiplies_bf16() => Precision::Bf16,
            Precision::Auto => Precision::F32,
            resolved => resolved,
        }
    }

    /// The kind of tensors on a device of this machine.
    #[must_use]
    pub fn kind(self, device: Device) -> Kind {
        match self.resolve(device) {
            Precision::Bf16 => Kind::BFloat16,
            Precision::F32 | Precision::Tf32 | Precision::Auto => Kind::Float,
        }
    }
}

#[cfg(target_arch = "x86_64")]
fn multiplies_bf16() -> bool {
    std::arch::is_x86_feature_detected!("avx512bf16")
}

#[cfg(not(target_arch = "x86_64"))]
fn multiplies_bf16() -> bool {
    false
}
