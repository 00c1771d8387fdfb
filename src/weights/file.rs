//! Named tensors in a safetensors file, read by a map.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use safetensors::SafeTensors;
use safetensors::tensor::Dtype;

use super::error::ModelError;
use crate::files::Bytes;

/// The only key of the file's metadata: one, so that equal tensors are equal files.
pub(crate) const CARD: &str = "omnishot";
/// The last tensor of a sealed file: BLAKE3 of all bytes before it. Tensors of bytes are
/// laid out after those of floats.
pub(crate) const SEAL: &str = "blake3";
pub(crate) const SEAL_LEN: usize = 32;

/// A file of tensors, open: its card, and its tensors by name.
pub struct TensorFile {
    path: PathBuf,
    bytes: Bytes,
    /// What its writer says that it is.
    pub card: String,
    /// Of each tensor its shape, and its place in the file.
    places: BTreeMap<String, (Vec<i64>, std::ops::Range<usize>)>,
}

impl TensorFile {
    /// Opens a file of at most `limit` bytes that this program wrote, and proves the
    /// seal of a `sealed` one.
    ///
    /// # Errors
    /// If it cannot be read, is damaged, or is not such a file.
    pub fn open(path: &Path, limit: u64, sealed: bool) -> Result<TensorFile, ModelError> {
        let read = |source| ModelError::Read {
            path: path.to_owned(),
            source,
        };
        if fs::metadata(path).map_err(read)?.len() > limit {
            return Err(ModelError::Other {
                path: path.to_owned(),
                what: format!("it has more than {limit} bytes"),
            });
        }
        TensorFile::of(path, Bytes::map(path).map_err(read)?, sealed)
    }

    /// Reads the bytes of such a file; errors name it `path`.
    pub(crate) fn of(path: &Path, bytes: Bytes, sealed: bool) -> Result<TensorFile, ModelError> {
        let format = |source| ModelError::Format {
            path: path.to_owned(),
            source,
        };
        let other = |what: String| ModelError::Other {
            path: path.to_owned(),
            what,
        };
        let (_, header) = SafeTensors::read_metadata(&bytes).map_err(format)?;
        let file = SafeTensors::deserialize(&bytes).map_err(format)?;
        let metadata = header.metadata().as_ref();
        let card = (metadata.and_then(|metadata| metadata.get(CARD)))
            .ok_or_else(|| other(format!("its metadata has no {CARD:?}")))?
            .clone();
        let mut places = BTreeMap::new();
        for (name, view) in file.iter() {
            if name == SEAL {
                continue;
            }
            if view.dtype() != Dtype::F32 {
                return Err(other(format!("{name} is {:?}", view.dtype())));
            }
            let start = view.data().as_ptr() as usize - bytes.as_ptr() as usize;
            let shape = view.shape().iter().map(|&n| n as i64).collect();
            places.insert(name.to_owned(), (shape, start..start + view.data().len()));
        }
        if sealed {
            let end = bytes.len() - SEAL_LEN.min(bytes.len());
            let seal = file.tensor(SEAL).map_err(format)?;
            if seal.data() != &bytes[end..] || seal.data() != blake3::hash(&bytes[..end]).as_bytes()
            {
                return Err(other("its digest is not that of its bytes".to_owned()));
            }
        }
        Ok(TensorFile {
            path: path.to_owned(),
            bytes,
            card,
            places,
        })
    }

    /// Values of all its tensors together; four bytes each lie in the file.
    #[must_use]
    pub fn values(&self) -> u64 {
        let bytes: usize = self.places.values().map(|(_, place)| place.len()).sum();
        bytes as u64 / 4
    }

    /// The refusal of a file that is sound and yet not what was asked for.
    #[must_use]
    pub fn other(&self, what: String) -> ModelError {
        ModelError::Other {
            path: self.path.clone(),
            what,
        }
    }

    /// How many tensors it has.
    #[must_use]
    pub fn tensors(&self) -> usize {
        self.places.len()
    }

    /// The values of a tensor, row by row.
    ///
    /// # Errors
    /// If the file has no such tensor, or one of another shape.
    pub fn tensor(&self, name: &str, shape: &[i64]) -> Result<Vec<f32>, ModelError> {
        let Some((own, place)) = self.places.get(name) else {
            return Err(self.other(format!("it has no tensor {name}")));
        };
        if own != shape {
            return Err(self.other(format!("{name} is {own:?}")));
        }
        let (values, _) = self.bytes[place.clone()].as_chunks::<4>();
        Ok(values
            .iter()
            .map(|four| f32::from_le_bytes(*four))
            .collect())
    }
}
