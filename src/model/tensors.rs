//! Named tensors of libtorch in a safetensors file: written one by one, so that a file costs no
//! memory of its own size, and copied out of one.

use std::borrow::Cow;
use std::collections::HashMap;
use std::io::{self, Write};
use std::path::Path;

use safetensors::tensor::{Dtype, View};
use tch::{Device, Kind, Tensor, no_grad};

use crate::files::publish;
use crate::weights::{CARD, ModelError, SEAL, SEAL_LEN, TensorFile};

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

impl TensorFile {
    /// Copies the file's tensors into `variables`, all of them by name.
    ///
    /// # Errors
    /// If the names or the shapes are not the same.
    pub fn copy_into(&self, variables: Vec<(String, Tensor)>) -> Result<(), ModelError> {
        if variables.len() != self.tensors() {
            let (has, wants) = (self.tensors(), variables.len());
            return Err(self.other(format!("{has} tensors, not {wants}")));
        }
        for (name, mut variable) in variables {
            let shape = variable.size();
            let values = Tensor::from_slice(&self.tensor(&name, &shape)?).view(shape.as_slice());
            no_grad(|| variable.copy_(&values));
        }
        Ok(())
    }
}
