//! The card of a trained network: what it is and what it has seen.

use serde::{Deserialize, Serialize};

use super::error::ModelError;
use super::file::TensorFile;
use super::shape::NetworkShape;
use crate::archive::ScanOptions;
use crate::distort::{Distortion, DistortionError};

/// The file of the network that comes with the program.
pub static PRETRAINED: &[u8] = include_bytes!("pretrained.safetensors");

/// The name of [`PRETRAINED`] in errors.
pub const PRETRAINED_NAME: &str = "pretrained.safetensors";

/// The longest file that is read; Koch's network has 156 MB.
pub const FILE_LIMIT: u64 = 1 << 30;

/// What a trained network is and what it has seen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Card {
    /// Program and version that trained it.
    pub program: String,
    /// The network's shape.
    pub network: NetworkShape,
    /// How its drawings were distorted, and so how it takes undistorted ones.
    pub distortion: Distortion,
    /// The seed that everything was drawn from.
    pub seed: u64,
    /// Batches it was trained on.
    pub steps: u64,
    /// Drawings in a batch.
    pub batch: usize,
    /// SHA-256 of the store it was trained from.
    pub store: String,
    /// Alphabets it was trained on.
    pub training: Vec<String>,
    /// Alphabets that were held out to choose by.
    pub validation: Vec<String>,
    /// How its drawings were made from pictures, if they were: how pictures that it is asked
    /// about should be made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pictures: Option<ScanOptions>,
}

impl Card {
    /// The card of a file of weights, whose tensors have as many values as it says.
    ///
    /// # Errors
    /// If it is not a card, or its network is none.
    pub fn of(file: &TensorFile) -> Result<Card, ModelError> {
        let card: Card = serde_json::from_str(&file.card)
            .map_err(|error| file.other(checkpoint(&file.card).unwrap_or(error.to_string())))?;
        card.network
            .check()
            .map_err(|error| file.other(error.to_string()))?;
        let refused = |error: DistortionError| file.other(error.to_string());
        card.distortion.check().map_err(refused)?;
        // A card of a few bytes can speak of a network that no machine holds.
        let (says, has) = (card.network.values(), file.values());
        if says != has {
            let what = format!("its card says {says} values, and its tensors have {has}");
            return Err(file.other(what));
        }
        Ok(card)
    }
}

/// What to say of the card of a run's checkpoint, which is no network's; `None` for other cards.
fn checkpoint(card: &str) -> Option<String> {
    let card: serde_json::Value = serde_json::from_str(card).ok()?;
    let is_checkpoint = card["preset"].is_object() && card["steps"].is_u64();
    is_checkpoint.then(|| {
        "it is a run's checkpoint; the weights lie beside it in weights.safetensors once the run \
         has ended or was stopped, and the best so far in best.safetensors where the run keeps them"
            .to_owned()
    })
}
