//! Named tensors in a safetensors file: written one by one, so that a file costs no
//! memory of its own size, and read by a map.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use safetensors::tensor::{Dtype, View};
use safetensors::{SafeTensorError, SafeTensors};
use tch::{Device, Kind, Tensor, no_grad};
use thiserror::Error;

use crate::files::{Bytes, PublishError, publish};

/// The only key of the file's metadata: one, so that equal tensors are equal files.
const CARD: &str = "omnishot";
/// The last tensor of a sealed file: BLAKE3 of all bytes before it. Tensors of bytes are
/// laid out after those of floats.
const SEAL: &str = "blake3";
const SEAL_LEN: usize = 32;

/// Why a file of tensors cannot be loaded or saved.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ModelError {
    /// The system refused to read it.
    #[error("{path}: cannot be read", path = path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
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
    Publish(#[from] PublishError),
}

/// A tensor's place in the header; its bytes are written later.
struct Outline {
    kind: Dtype,
    shape: Vec<usize>,
}

impl View for Outline {
    fn dtype(&self) -> Dtype {
        self.kind
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(&[])
    }

    fn data_len(&self) -> usize {
        self.shape.iter().product::<usize>() * self.kind.bitsize() / 8
    }
}

/// Counts what is written into the seal.
struct Sealing<'a> {
    out: &'a mut dyn Write,
    seal: Option<blake3::Hasher>,
}

impl Sealing<'_> {
    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        if let Some(seal) = &mut self.seal {
            seal.update(bytes);
        }
        self.out.write_all(bytes)
    }
}

/// Writes tensors of f32 with their card, whole or not at all, over a file that is there.
/// A `sealed` file ends with a digest of all the rest.
///
/// # Errors
/// If the system refuses to write.
pub fn save_tensors(
    path: &Path,
    card: String,
    mut tensors: Vec<(String, Tensor)>,
    sealed: bool,
) -> Result<(), ModelError> {
    tensors.sort_unstable_by(|a, b| a.0.cmp(&b.0)); // as they lie in the file
    let mut outlines: Vec<_> = (tensors.iter())
        .map(|(name, tensor)| {
            let shape = tensor.size().iter().map(|&n| n as usize).collect();
            let kind = Dtype::F32;
            (name.as_str(), Outline { kind, shape })
        })
        .collect();
    if sealed {
        let kind = Dtype::U8;
        let shape = vec![SEAL_LEN];
        outlines.push((SEAL, Outline { kind, shape }));
    }
    let metadata = HashMap::from([(CARD.to_owned(), card)]);
    let header =
        safetensors::serialize(outlines, Some(metadata)).map_err(|e| ModelError::Other {
            path: path.to_owned(),
            what: e.to_string(),
        })?;
    Ok(publish(path, true, |out| {
        let seal = sealed.then(blake3::Hasher::new);
        let mut out = Sealing { out, seal };
        out.put(&header)?;
        // In pieces that stay in the cache on their way.
        let mut bytes = Vec::with_capacity(4 * PIECE);
        for (_, tensor) in &tensors {
            let flat = tensor.detach().to_kind(Kind::Float).flatten(0, -1);
            let mut values = [0f32; PIECE];
            for start in (0..flat.numel()).step_by(PIECE) {
                let len = PIECE.min(flat.numel() - start);
                let piece = flat.narrow(0, start as i64, len as i64);
                piece.to_device(Device::Cpu).copy_data(&mut values, len);
                bytes.clear();
                bytes.extend(values[..len].iter().flat_map(|value| value.to_le_bytes()));
                out.put(&bytes)?;
            }
        }
        match out.seal.take() {
            Some(seal) => out.out.write_all(seal.finalize().as_bytes()),
            None => Ok(()),
        }
    })?)
}

/// Values that are written at once.
const PIECE: usize = 1 << 14;

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
    /// Opens a file of at most `limit` bytes that [`save_tensors`] wrote, and proves the
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

    /// Copies the file's tensors into `variables`, all of them by name.
    ///
    /// # Errors
    /// If the names or the shapes are not the same.
    pub fn copy_into(&self, variables: Vec<(String, Tensor)>) -> Result<(), ModelError> {
        if variables.len() != self.places.len() {
            let (has, wants) = (self.places.len(), variables.len());
            return Err(self.other(format!("{has} tensors, not {wants}")));
        }
        for (name, mut variable) in variables {
            let Some((shape, place)) = self.places.get(&name) else {
                return Err(self.other(format!("it has no tensor {name}")));
            };
            if *shape != variable.size() {
                return Err(self.other(format!("{name} is {shape:?}")));
            }
            let values: Vec<f32> = (self.bytes[place.clone()].chunks_exact(4))
                .map(|four| f32::from_le_bytes(four.try_into().expect("chunks have 4 bytes")))
                .collect();
            let values = Tensor::from_slice(&values).view(shape.as_slice());
            no_grad(|| variable.copy_(&values));
        }
        Ok(())
    }
}
