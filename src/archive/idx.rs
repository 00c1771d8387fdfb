//! MNIST's files: handwritten digits in the IDX format, plain or compressed by gzip.
//!
//! ```text
//! images  0x00000803  count  rows  columns  rows · columns bytes for each, ink 255, ground 0
//! labels  0x00000801  count                 one byte for each, 0 to 9
//! ```
//!
//! Numbers are `u32`, big-endian (LeCun, Cortes & Burges 1998). A header's claims are held
//! against what comes after it, and take no memory by themselves.

mod error;

use std::fmt;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use flate2::bufread::MultiGzDecoder;

use crate::image::SIDE;
pub use error::{IdxError, IdxProblem};

/// The most bytes that are read of one file, unpacked; MNIST's largest has 47 MB.
const BYTES_LIMIT: u64 = 1 << 30;
/// The most images that are read; MNIST's largest file has 60,000. Who works with them may take
/// more memory for each than its file does.
const IMAGES_LIMIT: u32 = 1 << 20;
/// What a file of images begins with: bytes, in three dimensions.
const IMAGES_MAGIC: u32 = 0x0803;
/// What a file of labels begins with: bytes, in one dimension.
const LABELS_MAGIC: u32 = 0x0801;
/// The names in use of the test set's images.
const IMAGES_NAMES: [&str; 4] = [
    "t10k-images-idx3-ubyte",
    "t10k-images.idx3-ubyte",
    "t10k-images-idx3-ubyte.gz",
    "t10k-images.idx3-ubyte.gz",
];
/// The names in use of the test set's labels.
const LABELS_NAMES: [&str; 4] = [
    "t10k-labels-idx1-ubyte",
    "t10k-labels.idx1-ubyte",
    "t10k-labels-idx1-ubyte.gz",
    "t10k-labels.idx1-ubyte.gz",
];

/// Handwritten digits: grey pictures, ink 255 on ground 0, each with its label.
#[derive(Clone, PartialEq, Eq)]
pub struct Digits {
    side: usize,
    images: Vec<u8>,
    labels: Vec<u8>,
}

impl Digits {
    /// Reads MNIST's test set from a folder: the first that is there of
    /// `t10k-images-idx3-ubyte`, `t10k-images.idx3-ubyte` and each of them with `.gz`, and the
    /// labels likewise (`t10k-labels-idx1-ubyte`).
    ///
    /// # Errors
    /// [`IdxProblem::Missing`] if one is not there, and as [`Digits::read`].
    pub fn open(folder: &Path) -> Result<Digits, IdxError> {
        fs::metadata(folder).map_err(|error| IdxError::new(folder, error.into()))?;
        Digits::read(&find(folder, IMAGES_NAMES)?, &find(folder, LABELS_NAMES)?)
    }

    /// Reads a file of images and the file of their labels, each plain or compressed by gzip,
    /// whatever its name.
    ///
    /// # Errors
    /// If a file cannot be read, is not such a file, is longer or shorter than its header says,
    /// holds labels above 9, or images that are not square or larger than 105 pixels, or if the
    /// two have not the same number.
    pub fn read(images_path: &Path, labels_path: &Path) -> Result<Digits, IdxError> {
        Digits::of(Input::open(images_path)?, || Input::open(labels_path))
    }

    /// Reads the bytes of two such files; errors call them `images` and `labels`.
    ///
    /// # Errors
    /// As [`Digits::read`], without those of reading.
    pub fn from_bytes(images: &[u8], labels: &[u8]) -> Result<Digits, IdxError> {
        Digits::of(Input::new(Path::new("images"), images)?, || {
            Input::new(Path::new("labels"), labels)
        })
    }

    /// The labels are opened once the images are sound.
    fn of<'a>(
        images: Input<'a>,
        labels: impl FnOnce() -> Result<Input<'a>, IdxError>,
    ) -> Result<Digits, IdxError> {
        let images_path = images.file;
        let (side, images) = images.images()?;
        let labels = labels()?;
        let labels_path = labels.file;
        let labels = labels.labels()?;
        let count = images.len() / (side * side);
        if labels.len() != count {
            let problem = IdxProblem::Counts {
                images_file: images_path.to_owned(),
                images: count,
                labels: labels.len(),
            };
            return Err(IdxError::new(labels_path, problem));
        }
        Ok(Digits {
            side,
            images,
            labels,
        })
    }

    /// Width and height of every image in pixels, 1 to 105; MNIST's have 28.
    #[must_use]
    pub fn side(&self) -> usize {
        self.side
    }

    /// How many there are; MNIST's test set has 10,000.
    #[must_use]
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// All images one after the other, `side`² pixels each, row by row.
    #[must_use]
    pub fn images(&self) -> &[u8] {
        &self.images
    }

    /// The `side`² pixels of image `at`, row by row.
    ///
    /// # Panics
    /// If `at` is not below the number of images.
    #[must_use]
    pub fn image(&self, at: usize) -> &[u8] {
        let pixels = self.side * self.side;
        &self.images[at * pixels..][..pixels]
    }

    /// Which digit each image shows, 0 to 9.
    #[must_use]
    pub fn labels(&self) -> &[u8] {
        &self.labels
    }
}

impl fmt::Debug for Digits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (len, side) = (self.len(), self.side);
        write!(f, "Digits({len} of {side} x {side} pixels)")
    }
}

/// The first of `names` that is a file in the folder.
fn find(folder: &Path, names: [&'static str; 4]) -> Result<PathBuf, IdxError> {
    for name in names {
        let path = folder.join(name);
        match fs::metadata(&path) {
            // Some unpackers make a folder of each archive's name.
            Ok(metadata) if metadata.is_file() => return Ok(path),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(IdxError::new(&path, error.into())),
        }
    }
    Err(IdxError::new(
        folder,
        IdxProblem::Missing { name: names[0] },
    ))
}

/// An IDX file, read from its beginning.
struct Input<'a> {
    file: &'a Path,
    reader: Box<dyn Read + 'a>,
    zipped: bool,
    /// Unpacked bytes that were read.
    offset: u64,
}

impl<'a> Input<'a> {
    fn open(file: &'a Path) -> Result<Input<'a>, IdxError> {
        let failed = |problem| IdxError::new(file, problem);
        let metadata = fs::metadata(file).map_err(|error| failed(error.into()))?;
        if !metadata.is_file() {
            return Err(failed(IdxProblem::NotAFile));
        }
        let opened = File::open(file).map_err(|error| failed(error.into()))?;
        Input::new(file, BufReader::new(opened))
    }

    /// Reads what `file` holds from `reader`; whether it is compressed is seen by its first bytes.
    fn new(file: &'a Path, mut reader: impl BufRead + 'a) -> Result<Input<'a>, IdxError> {
        let first = reader
            .fill_buf()
            .map_err(|error| IdxError::new(file, error.into()))?;
        let zipped = first.starts_with(&[0x1F, 0x8B]);
        let reader: Box<dyn Read + 'a> = if zipped {
            Box::new(MultiGzDecoder::new(reader))
        } else {
            Box::new(reader)
        };
        Ok(Input {
            file,
            reader,
            zipped,
            offset: 0,
        })
    }

    fn error<T>(&self, problem: IdxProblem) -> Result<T, IdxError> {
        Err(IdxError::new(self.file, problem))
    }

    /// The next `len` bytes, or fewer at the end; memory is taken as they come.
    fn take(&mut self, len: u64) -> Result<Vec<u8>, IdxError> {
        let mut bytes = Vec::new();
        let result = self.reader.by_ref().take(len).read_to_end(&mut bytes);
        self.offset += bytes.len() as u64;
        match result {
            Ok(_) => Ok(bytes),
            Err(source) if self.zipped => self.error(IdxProblem::Gzip {
                offset: self.offset,
                source,
            }),
            Err(error) => self.error(error.into()),
        }
    }

    /// The next number of the header, which has `header` bytes.
    fn number(&mut self, header: u64) -> Result<u32, IdxError> {
        match <[u8; 4]>::try_from(self.take(4)?) {
            Ok(bytes) => Ok(u32::from_be_bytes(bytes)),
            Err(_) => self.error(IdxProblem::Short {
                offset: self.offset,
                expected: header,
            }),
        }
    }

    /// The header: the magic number, then `N` dimensions.
    fn header<const N: usize>(
        &mut self,
        what: &'static str,
        expected: u32,
    ) -> Result<[u32; N], IdxError> {
        let header = 4 + 4 * N as u64;
        let got = self.number(header)?;
        if got != expected {
            return self.error(IdxProblem::Magic {
                what,
                expected,
                got,
            });
        }
        let mut dimensions = [0; N];
        for dimension in &mut dimensions {
            *dimension = self.number(header)?;
        }
        Ok(dimensions)
    }

    /// All that follows the header, which must be `len` bytes.
    fn body(&mut self, len: u64) -> Result<Vec<u8>, IdxError> {
        let end = self.offset + len;
        if end > BYTES_LIMIT {
            return self.error(IdxProblem::TooLarge {
                claimed: end,
                limit: BYTES_LIMIT,
            });
        }
        // One byte more, to see the end; a compressed file's own checksum is checked there.
        let bytes = self.take(len + 1)?;
        if self.offset < end {
            return self.error(IdxProblem::Short {
                offset: self.offset,
                expected: end,
            });
        }
        if self.offset > end {
            return self.error(IdxProblem::Tail { offset: end });
        }
        Ok(bytes)
    }

    /// The side of the images of this file, and their pixels.
    fn images(mut self) -> Result<(usize, Vec<u8>), IdxError> {
        let [count, rows, columns] = self.header("images", IMAGES_MAGIC)?;
        if count > IMAGES_LIMIT {
            return self.error(IdxProblem::TooMany {
                claimed: count,
                limit: IMAGES_LIMIT,
            });
        }
        if rows != columns {
            return self.error(IdxProblem::NotSquare { rows, columns });
        }
        let side = rows as usize;
        if !(1..=SIDE).contains(&side) {
            return self.error(IdxProblem::Side { side: rows });
        }
        let pixels = self.body(u64::from(count) * (side * side) as u64)?;
        Ok((side, pixels))
    }

    /// The labels of this file.
    fn labels(mut self) -> Result<Vec<u8>, IdxError> {
        let [count] = self.header("labels", LABELS_MAGIC)?;
        let start = self.offset;
        let labels = self.body(u64::from(count))?;
        match labels.iter().position(|&label| label > 9) {
            Some(at) => self.error(IdxProblem::Label {
                offset: start + at as u64,
                label: labels[at],
            }),
            None => Ok(labels),
        }
    }
}
