//! What ranks that train together must have in common before they begin.

use tch::{Device, Kind, Tensor};

use super::checkpoint::Progress;
use super::learner::Learner;
use crate::ranks::{RankError, Ranks};

/// Refuses ranks of which one has another program, store, seed or setting, goes on from another
/// step, or has other parameters: they would learn something, and it would be nonsense.
pub(super) fn agree(
    ranks: &Ranks,
    learner: &Learner,
    progress: &Progress,
) -> Result<(), RankError> {
    if ranks.world() == 1 {
        return Ok(());
    }
    let Progress {
        program,
        store,
        seed,
        preset,
        steps,
        ..
    } = progress;
    ranks.agree(&[
        ("a program", program.clone()),
        ("a store", store.clone()),
        ("a seed", seed.to_string()),
        ("settings", format!("{preset:?}")),
        ("a first step", steps.to_string()),
        ("parameters", digest(&learner.state())),
    ])
}

/// BLAKE3 of the values of all tensors, in hexadecimal.
fn digest(tensors: &[(String, Tensor)]) -> String {
    let mut hasher = blake3::Hasher::new();
    for (name, tensor) in tensors {
        hasher.update(name.as_bytes());
        let flat = tensor.detach().to_device(Device::Cpu).to_kind(Kind::Float);
        let values = Vec::<f32>::try_from(flat.flatten(0, -1)).expect("the tensor is flat and f32");
        for piece in values.chunks(1 << 14) {
            let bytes: Vec<u8> = piece.iter().flat_map(|value| value.to_le_bytes()).collect();
            hasher.update(&bytes);
        }
    }
    hasher.finalize().to_string()
}
