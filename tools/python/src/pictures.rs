//! The pictures of a request: files, folders of them, and arrays of the caller.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::slice;

use anyhow::{Context, Result, ensure};
use omnishot::archive::{PictureFiles, ScanOptions, Scanned, read_picture, scan};
use rayon::prelude::*;
use serde::Deserialize;

/// The longest side of a picture, in pixels: that of the pictures of files.
const MOST_SIDE: u64 = 16_384;
/// Pictures of a folder that are read at once.
const AT_ONCE: usize = 512;

/// A picture of grey in the caller's memory: rows without gaps, a byte a pixel.
#[repr(C)]
pub struct OmnishotPicture {
    /// Its first pixel.
    pub pixels: *const u8,
    /// Its rows.
    pub height: u64,
    /// Pixels of a row.
    pub width: u64,
}

/// A picture to be read.
#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Input {
    /// A file, or a folder or zip of them.
    Path(PathBuf),
    /// An array of the caller's, by its place among them, and what an error calls it.
    Array(usize, String),
}

/// Arrays of the caller.
#[derive(Clone, Copy)]
pub struct Pictures<'a>(&'a [OmnishotPicture]);

// SAFETY: the pixels are read alone, and the caller owes that nothing writes to them meanwhile.
unsafe impl Send for Pictures<'_> {}
// SAFETY: as above.
unsafe impl Sync for Pictures<'_> {}

impl<'a> Pictures<'a> {
    /// Arrays that may be read.
    ///
    /// # Safety
    /// `first` is null, or `count` pictures lie there, whose `height` times `width` pixels may be read
    /// and are not written to as long as this lives.
    pub unsafe fn new(first: *const OmnishotPicture, count: usize) -> Pictures<'a> {
        if first.is_null() || count == 0 {
            return Pictures(&[]);
        }
        // SAFETY: it is not null, and the caller owes `count` readable pictures.
        Pictures(unsafe { slice::from_raw_parts(first, count) })
    }

    /// The pixels of one, with its width and height.
    fn pixels(self, number: usize) -> Result<(&'a [u8], u32, u32)> {
        let picture = self.0.get(number).context("there is no such array")?;
        let (height, width) = (picture.height, picture.width);
        let fits = |side| (1..=MOST_SIDE).contains(&side);
        ensure!(
            fits(height) && fits(width) && !picture.pixels.is_null(),
            "it has {height} rows of {width} pixels; each side must be 1 to {MOST_SIDE}"
        );
        let all = (height * width) as usize;
        // SAFETY: it is not null, and `new`'s caller owes as many readable pixels; their number is
        // below 2^28, so it overflows nothing.
        let pixels = unsafe { slice::from_raw_parts(picture.pixels, all) };
        Ok((pixels, width as u32, height as u32))
    }
}

/// Reads pictures, each with its name, in their order; those of a folder or zip ascending by name.
///
/// # Errors
/// For the first that cannot be read or shows no drawing, and for a folder without pictures.
pub fn read(
    inputs: &[Input],
    arrays: Pictures<'_>,
    options: ScanOptions,
) -> Result<Vec<(String, Scanned)>> {
    let one = |input: &Input| match input {
        Input::Path(path) => read_path(path, options),
        Input::Array(number, name) => {
            let scanned = read_array(arrays, *number, options).with_context(|| name.clone())?;
            Ok(vec![(name.clone(), scanned)])
        }
    };
    let each: Vec<Result<Vec<_>>> = inputs.par_iter().map(one).collect();
    let mut pictures = Vec::new();
    for few in each {
        pictures.extend(few?);
    }
    Ok(pictures)
}

/// The same drawing as that of a file of these pixels.
fn read_array(arrays: Pictures<'_>, number: usize, options: ScanOptions) -> Result<Scanned> {
    let (pixels, width, height) = arrays.pixels(number)?;
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, width, height);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::Fast);
    encoder.write_header()?.write_image_data(pixels)?;
    Ok(scan(&file, options)?)
}

fn read_path(path: &Path, options: ScanOptions) -> Result<Vec<(String, Scanned)>> {
    let name = path.display().to_string();
    if !path.is_dir() && !is_zip(path).with_context(|| format!("{name}: cannot be read"))? {
        return Ok(vec![(name, read_picture(path, options)?)]);
    }
    let mut files = PictureFiles::open(path, options)?;
    let mut pictures = Vec::new();
    while files.left() > 0 {
        for (file, picture) in files.next_few(AT_ONCE) {
            pictures.push((format!("{name}/{file}"), picture?));
        }
    }
    Ok(pictures)
}

fn is_zip(path: &Path) -> std::io::Result<bool> {
    let mut first = Vec::new();
    File::open(path)?.take(4).read_to_end(&mut first)?;
    Ok(matches!(first[..], [b'P', b'K', 3 | 5, 4 | 6]))
}
