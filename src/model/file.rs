//! A trained network in one file: weights that any safetensors reader takes, and the card
//! that says what they are and what they have seen.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use safetensors::tensor::{Dtype, TensorView};
use safetensors::{SafeTensorError, SafeTensors};
use serde::{Deserialize, Serialize};
use tch::nn::VarStore;
use tch::{Device, Kind, Tensor, no_grad};
use thiserror::Error;

use super::compact::{Compact, CompactShape};
use super::weights::ordered;
use crate::distort::Distortion;
use crate::store::{StoreError, publish};

/// The only key of the file's metadata: one, so that equal models are equal files.
const CARD: &str = "omnishot";
/// The longest file that is read; the compact network has 7.5 MB.
const FILE_LIMIT: u64 = 1 << 30;

/// What a trained network is and what it has seen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Card {
    /// Program and version that trained it.
    pub program: String,
    /// The network's shape.
    pub network: CompactShape,
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
}

/// A trained network, ready to embed.
pub struct Model {
    /// What it is.
    pub card: Card,
    /// The network.
    pub network: Compact,
    weights: VarStore,
}

/// Why a model cannot be loaded or saved.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ModelError {
    /// The system refused to read it.
    #[error("{path}: cannot be read", path = path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Not a safetensors file, or a damaged one.
    #[error("{path}: is not a sound safetensors file", path = path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: SafeTensorError,
    },
    /// Not one of ours, or of another shape than it says.
    #[error("{path}: is not a model of this program: {what}", path = path.display())]
    Other {
        /// The file.
        path: PathBuf,
        /// What is missing or different.
        what: String,
    },
    /// It could not be written.
    #[error(transparent)]
    Write(#[from] StoreError),
}

impl Model {
    /// A network of the card's shape whose weights are still to be set.
    #[must_use]
    pub fn new(card: Card, device: Device) -> Model {
        let weights = VarStore::new(device);
        let network = Compact::new(&weights.root(), card.network);
        Model {
            card,
            network,
            weights,
        }
    }

    /// Its variables, statistics of norms included.
    #[must_use]
    pub fn weights(&self) -> &VarStore {
        &self.weights
    }

    /// Its variables, to be changed.
    pub fn weights_mut(&mut self) -> &mut VarStore {
        &mut self.weights
    }

    /// Embeds images `[n, 1, side, side]` to unit vectors `[n, dimensions]` without
    /// recording gradients.
    pub fn embed(&self, images: &Tensor) -> Tensor {
        no_grad(|| self.network.embed(&images.to_device(self.weights.device())))
    }

    /// Writes the file, whole or not at all, over one that is there.
    ///
    /// # Errors
    /// If the system refuses to write.
    pub fn save(&self, path: &Path) -> Result<(), ModelError> {
        let other = |what: String| ModelError::Other {
            path: path.to_owned(),
            what,
        };
        let tensors: Vec<(String, Vec<usize>, Vec<u8>)> = ordered(&self.weights)
            .into_iter()
            .map(|(name, tensor)| {
                let shape = tensor.size().iter().map(|&n| n as usize).collect();
                let flat = tensor
                    .to_device(Device::Cpu)
                    .to_kind(Kind::Float)
                    .flatten(0, -1);
                let values = Vec::<f32>::try_from(flat).expect("the tensor is flat and f32");
                (
                    name,
                    shape,
                    values
                        .iter()
                        .flat_map(|value| value.to_le_bytes())
                        .collect(),
                )
            })
            .collect();
        let views = tensors
            .iter()
            .map(|(name, shape, bytes)| {
                Ok((
                    name.as_str(),
                    TensorView::new(Dtype::F32, shape.clone(), bytes)?,
                ))
            })
            .collect::<Result<Vec<_>, SafeTensorError>>()
            .map_err(|e| other(e.to_string()))?;
        let card = serde_json::to_string(&self.card).map_err(|e| other(e.to_string()))?;
        let metadata = HashMap::from([(CARD.to_owned(), card)]);
        let bytes =
            safetensors::serialize(views, Some(metadata)).map_err(|e| other(e.to_string()))?;
        Ok(publish(path, true, |file| file.write_all(&bytes))?)
    }

    /// Reads a file that [`Model::save`] wrote.
    ///
    /// # Errors
    /// If it cannot be read, is damaged, or is not such a file.
    pub fn load(path: &Path, device: Device) -> Result<Model, ModelError> {
        let read = |source| ModelError::Read {
            path: path.to_owned(),
            source,
        };
        let format = |source| ModelError::Format {
            path: path.to_owned(),
            source,
        };
        let other = |what: String| ModelError::Other {
            path: path.to_owned(),
            what,
        };
        if fs::metadata(path).map_err(read)?.len() > FILE_LIMIT {
            return Err(other(format!("it has more than {FILE_LIMIT} bytes")));
        }
        let bytes = fs::read(path).map_err(read)?;
        let (_, header) = SafeTensors::read_metadata(&bytes).map_err(format)?;
        let file = SafeTensors::deserialize(&bytes).map_err(format)?;
        let card = header
            .metadata()
            .as_ref()
            .and_then(|metadata| metadata.get(CARD));
        let card = card.ok_or_else(|| other(format!("its metadata has no {CARD:?}")))?;
        let card: Card = serde_json::from_str(card).map_err(|e| other(e.to_string()))?;
        card.network.check().map_err(&other)?;
        let model = Model::new(card, device);
        let variables = ordered(&model.weights);
        if variables.len() != file.len() {
            return Err(other(format!(
                "{} tensors, not {}",
                file.len(),
                variables.len()
            )));
        }
        for (name, mut variable) in variables {
            let view = file.tensor(&name).map_err(format)?;
            let shape: Vec<i64> = view.shape().iter().map(|&n| n as i64).collect();
            if view.dtype() != Dtype::F32 || shape != variable.size() {
                return Err(other(format!("{name} is {:?} {shape:?}", view.dtype())));
            }
            let values: Vec<f32> = view
                .data()
                .chunks_exact(4)
                .map(|four| f32::from_le_bytes(four.try_into().expect("chunks have 4 bytes")))
                .collect();
            let values = Tensor::from_slice(&values).view(shape.as_slice());
            no_grad(|| variable.copy_(&values));
        }
        Ok(model)
    }
}
