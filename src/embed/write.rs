//! Embeddings of any number of pictures for other programs, each with the picture's path.
//!
//! | format | holds |
//! |---|---|
//! | JSON lines | a line each: `{"path": "a/b.png", "embedding": [0.1, ...]}` |
//! | `.npz` | arrays `embeddings`, float32 `[n, d]`, and `paths`, str `[n]` |
//! | `.safetensors` | tensor `embeddings`, F32 `[n, d]`; `paths`, a JSON list, and `card` in its metadata |

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::Path;

use serde::Serialize;
use serde_json::json;

use crate::files::{PublishError, publish};
use crate::store::export::rows_to_npz;
use crate::weights::Card;

/// How embeddings are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "cli", derive(clap::ValueEnum))]
pub enum EmbeddingFormat {
    /// A line of JSON for each picture.
    Jsonl,
    /// Arrays for numpy.load.
    Npz,
    /// A tensor for safetensors.
    Safetensors,
}

impl EmbeddingFormat {
    /// The format that a file's name ends with, if it ends with one.
    #[must_use]
    pub fn of(path: &Path) -> Option<EmbeddingFormat> {
        match path.extension()?.to_str()? {
            "jsonl" | "ndjson" => Some(EmbeddingFormat::Jsonl),
            "npz" => Some(EmbeddingFormat::Npz),
            "safetensors" => Some(EmbeddingFormat::Safetensors),
            _ => None,
        }
    }
}

#[derive(Serialize)]
struct Line<'a> {
    path: &'a str,
    embedding: &'a [f32],
}

/// A picture's line of JSON, without its end. Numbers are read back as the same `f32`.
#[must_use]
pub fn json_line(path: &str, embedding: &[f32]) -> String {
    serde_json::to_string(&Line { path, embedding }).expect("texts and numbers are plain data")
}

/// Collects embeddings in a temporary file, so that memory holds their paths alone, and writes
/// them as one file that is there whole or not at all.
pub struct EmbeddingWriter {
    values: BufWriter<File>,
    paths: Vec<String>,
    width: usize,
}

impl EmbeddingWriter {
    /// A writer of embeddings of `width` numbers each.
    ///
    /// # Errors
    /// If the system has no room for a temporary file.
    pub fn new(width: usize) -> io::Result<EmbeddingWriter> {
        Ok(EmbeddingWriter {
            values: BufWriter::new(tempfile::tempfile()?),
            paths: Vec::new(),
            width,
        })
    }

    /// Adds a picture's embedding.
    ///
    /// # Errors
    /// If the temporary file cannot be written.
    ///
    /// # Panics
    /// If it has another width.
    pub fn push(&mut self, path: &str, embedding: &[f32]) -> io::Result<()> {
        assert_eq!(embedding.len(), self.width);
        for value in embedding {
            self.values.write_all(&value.to_le_bytes())?;
        }
        self.paths.push(path.to_owned());
        Ok(())
    }

    /// Writes all that were added, in their order, and says how many they are. `card` is that of
    /// the network, which safetensors alone have room for.
    ///
    /// # Errors
    /// As [`publish`].
    pub fn finish(
        self,
        out: &Path,
        format: EmbeddingFormat,
        card: &Card,
        overwrite: bool,
    ) -> Result<usize, PublishError> {
        let (paths, width) = (self.paths, self.width);
        publish(out, overwrite, |file| {
            let mut values = self
                .values
                .into_inner()
                .map_err(|error| error.into_error())?;
            values.seek(SeekFrom::Start(0))?;
            let mut values = BufReader::new(values);
            match format {
                EmbeddingFormat::Jsonl => paths.iter().try_for_each(|path| {
                    let row = read_row(&mut values, width)?;
                    writeln!(file, "{}", json_line(path, &row))
                }),
                EmbeddingFormat::Npz => {
                    let rows = paths.iter().map(|_| read_row(&mut values, width));
                    rows_to_npz(file, ("embeddings", width, rows), ("paths", &paths))
                }
                EmbeddingFormat::Safetensors => {
                    file.write_all(&safetensors_header(&paths, width, card))?;
                    io::copy(&mut values, file).map(drop)
                }
            }
        })?;
        Ok(paths.len())
    }
}

/// The next row of a file of little-endian numbers.
fn read_row(values: &mut impl Read, width: usize) -> io::Result<Vec<f32>> {
    let mut bytes = vec![0; 4 * width];
    values.read_exact(&mut bytes)?;
    let (numbers, _) = bytes.as_chunks::<4>();
    Ok((numbers.iter()).map(|n| f32::from_le_bytes(*n)).collect())
}

/// The length of the header, and the header, by the format's own rules: the `safetensors` crate
/// writes two texts of metadata in any order, and equal embeddings shall give equal bytes.
fn safetensors_header(paths: &[String], width: usize, card: &Card) -> Vec<u8> {
    let card = serde_json::to_string(card).expect("a card is plain data");
    let listed = serde_json::to_string(paths).expect("paths are plain data");
    let header = json!({
        "__metadata__": { "card": card, "paths": listed },
        "embeddings": {
            "dtype": "F32",
            "shape": [paths.len(), width],
            "data_offsets": [0, 4 * paths.len() * width],
        },
    });
    let mut header = header.to_string().into_bytes();
    header.resize(header.len().next_multiple_of(8), b' ');
    [&(header.len() as u64).to_le_bytes()[..], &header].concat()
}
