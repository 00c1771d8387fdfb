//! Drawings as the page sends them: PNG pictures in base64, by class.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use super::limits::{MOST_CLASSES, MOST_DRAWINGS, MOST_SIDE};
use super::refusal::Refusal;

/// How a PNG file begins, up to its sides: signature, and length and name of its first chunk.
const BEGIN: &[u8] = b"\x89PNG\r\n\x1A\n\0\0\0\x0DIHDR";

/// A PNG file whose header was looked at: nothing is decoded yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Png {
    /// What errors call it.
    pub name: String,
    bytes: Vec<u8>,
}

impl Png {
    /// Takes the bytes of a file; an error names it `name`.
    ///
    /// # Errors
    /// [`Refusal::NotPng`] and [`Refusal::Sides`].
    pub fn new(bytes: Vec<u8>, name: String) -> Result<Png, Refusal> {
        let sides = bytes.strip_prefix(BEGIN).and_then(|rest| {
            let (width, rest) = rest.split_first_chunk()?;
            let (height, _) = rest.split_first_chunk()?;
            Some((u32::from_be_bytes(*width), u32::from_be_bytes(*height)))
        });
        let Some((width, height)) = sides else {
            return Err(Refusal::NotPng(name));
        };
        if width.min(height) == 0 || width.max(height) > MOST_SIDE {
            return Err(Refusal::Sides {
                drawing: name,
                width,
                height,
            });
        }
        Ok(Png { name, bytes })
    }

    /// Takes the base64 of a file, as [`Png::new`] does its bytes.
    ///
    /// # Errors
    /// As [`Png::new`].
    pub fn from_base64(text: &str, name: String) -> Result<Png, Refusal> {
        match STANDARD.decode(text) {
            Ok(bytes) => Png::new(bytes, name),
            Err(_) => Err(Refusal::NotPng(name)),
        }
    }

    /// The file's bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// A class as it is sent.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct SentClass {
    /// Its name.
    pub name: String,
    /// Its drawings, as PNG files in base64.
    pub drawings: Vec<String>,
}

/// A class with its drawings.
pub struct DrawnClass {
    /// Its name.
    pub name: String,
    /// Its drawings: 1 to [`MOST_DRAWINGS`].
    pub drawings: Vec<Png>,
}

/// The classes of a page: 1 to [`MOST_CLASSES`].
pub struct Classes(pub Vec<DrawnClass>);

impl Classes {
    /// Takes classes as they were sent.
    ///
    /// # Errors
    /// If there are none or too many, one has no drawings or too many, or a drawing is no PNG
    /// picture of a drawing's size.
    pub fn taken(sent: &[SentClass]) -> Result<Classes, Refusal> {
        if sent.is_empty() {
            return Err(Refusal::NoClasses);
        }
        if sent.len() > MOST_CLASSES {
            return Err(Refusal::ManyClasses(sent.len()));
        }
        let class = |sent: &SentClass| {
            let name = sent.name.clone();
            let got = sent.drawings.len();
            if got == 0 || got > MOST_DRAWINGS {
                return Err(Refusal::Drawings { class: name, got });
            }
            let drawings = sent.drawings.iter().enumerate().map(|(place, text)| {
                Png::from_base64(text, format!("drawing {} of class {name:?}", place + 1))
            });
            Ok(DrawnClass {
                drawings: drawings.collect::<Result<_, _>>()?,
                name,
            })
        };
        sent.iter()
            .map(class)
            .collect::<Result<_, _>>()
            .map(Classes)
    }

    /// As they are sent.
    #[must_use]
    pub fn sent(&self) -> Vec<SentClass> {
        let class = |class: &DrawnClass| SentClass {
            name: class.name.clone(),
            drawings: (class.drawings.iter())
                .map(|png| STANDARD.encode(png.bytes()))
                .collect(),
        };
        self.0.iter().map(class).collect()
    }
}
