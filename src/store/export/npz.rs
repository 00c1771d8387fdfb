//! A store to one compressed `.npz` file, which `numpy.load` reads without pickle.
//!
//! | array | type and shape | holds |
//! |---|---|---|
//! | `pages` | uint8 `[D, 105, 105]` | 1 for ink, row by row |
//! | `shades` | uint8 `[D, 105, 105]` | 0 for ground to 255 for full ink; of a store in shades alone |
//! | `alphabet` | uint32 `[D]` | index into `alphabet_names` |
//! | `character` | uint32 `[D]` | index into `character_names` |
//! | `drawer` | uint16 `[D]` | the person who drew it, from 1 |
//! | `split` | uint8 `[D]` | 0 background, 1 evaluation |
//! | `alphabet_names` | str `[A]` | |
//! | `character_names` | str `[C]` | names inside their alphabets |
//! | `character_numbers` | uint32 `[C]` | Omniglot's numbers |
//! | `character_alphabets` | uint32 `[C]` | index into `alphabet_names` |
//! | `run_names` | str `[R]` | |
//! | `run_support` | uint32 `[S, 2]` | run, drawing |
//! | `run_queries` | uint32 `[Q, 3]` | run, drawing, index of the answer in the run's support |
//!
//! Every index counts what is in the file, so that one split alone begins at 0 as well.
//! Characters are decoded and compressed one after another: memory does not grow with the store.

use std::io::{self, Write};
use std::path::Path;

use npyz::{AutoSerialize, DType, Serialize, TypeStr, WriterBuilder};
use zip::write::{SimpleFileOptions, StreamWriter};
use zip::{CompressionMethod, ZipWriter};

use super::error::ExportError;
use super::{ExportOptions, Exported};
use crate::files::publish;
use crate::image::{Page, SIDE};
use crate::store::{
    AlphabetEntry, CharacterEntry, CharacterId, DrawingId, RunEntry, Store, StoreError,
};

/// The part of a store that is exported. It is one stretch of each table, since a
/// store's alphabets lie in the order of their splits.
struct Part<'a> {
    store: &'a Store,
    alphabets: Vec<&'a AlphabetEntry>,
    first_character: CharacterId,
    first_drawing: DrawingId,
    first_alphabet: u32,
    runs: Vec<&'a RunEntry>,
}

impl<'a> Part<'a> {
    fn of(store: &'a Store, options: ExportOptions) -> Option<Part<'a>> {
        let is_taken = |alphabet: &&AlphabetEntry| options.takes(alphabet.split);
        let first_alphabet = store.alphabets().iter().position(|a| is_taken(&a))?;
        let alphabets: Vec<_> = store.alphabets().iter().filter(is_taken).collect();
        let first_character = alphabets[0].characters.start;
        Some(Part {
            store,
            first_character,
            first_drawing: store.character(first_character).drawings.start,
            first_alphabet: first_alphabet as u32, // a store has fewer than 2^32
            runs: (store.runs().iter())
                .filter(|run| options.takes_run(store, run))
                .collect(),
            alphabets,
        })
    }

    fn ids(&self) -> impl Iterator<Item = CharacterId> + '_ {
        self.alphabets.iter().flat_map(|a| a.characters.clone())
    }

    fn characters(&self) -> impl Iterator<Item = &'a CharacterEntry> + '_ {
        self.ids().map(|id| self.store.character(id))
    }

    fn drawings(&self) -> usize {
        self.characters().map(|c| c.drawings.len()).sum()
    }

    /// One value a drawing, made from its character.
    fn for_drawings<T: Copy + 'a>(
        &self,
        value: impl Fn(CharacterId, &CharacterEntry) -> T,
    ) -> Vec<T> {
        self.ids()
            .flat_map(|id| {
                let character = self.store.character(id);
                std::iter::repeat_n(value(id, character), character.drawings.len())
            })
            .collect()
    }
}

/// Writes a store's drawings, labels and runs into the `.npz` file at `path`. `done` is
/// called with the number of drawings of each finished character.
///
/// # Errors
/// [`ExportError::Nothing`] if the store has no drawings of the split;
/// [`ExportError::Store`] if a block is damaged, the file exists and is not to be
/// replaced, or the system refuses to write; nothing is left half written.
pub fn to_npz(
    store: &Store,
    path: &Path,
    options: ExportOptions,
    done: impl Fn(usize),
) -> Result<Exported, ExportError> {
    let part = Part::of(store, options).ok_or_else(|| ExportError::Nothing {
        store: store.path().to_owned(),
    })?;
    // The closure of `publish` can only fail with an I/O error: a damaged block waits here.
    let mut damaged: Option<StoreError> = None;
    let published = publish(path, options.overwrite, |file| {
        let mut zip = ZipWriter::new_stream(file);
        write_pages(&mut zip, &part, &done, &mut damaged)?;
        if store.is_grey() {
            write_shades(&mut zip, &part, &mut damaged)?;
        }
        write_labels(&mut zip, &part)?;
        write_runs(&mut zip, &part)?;
        zip.finish()?;
        Ok(())
    });
    if let Some(error) = damaged {
        return Err(error.into());
    }
    published.map_err(StoreError::from)?;
    Ok(Exported {
        drawings: part.drawings(),
        runs: part.runs.len(),
    })
}

type Zip<'a> = ZipWriter<StreamWriter<&'a mut dyn Write>>;

fn start(zip: &mut Zip, name: &str) -> io::Result<()> {
    // A fixed date (zip's first), so that equal stores give equal files.
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .last_modified_time(zip::DateTime::default())
        .large_file(true);
    Ok(zip.start_file(format!("{name}.npy"), options)?)
}

/// Writes these pages alone as a compressed `.npz` file of one array, `name`: uint8
/// `[n, 105, 105]`, 1 for ink, row by row. Equal pages give equal bytes.
///
/// # Errors
/// What `file` says.
pub fn pages_to_npz(file: &mut dyn Write, name: &str, pages: &[Page]) -> io::Result<()> {
    let mut zip = ZipWriter::new_stream(file);
    start(&mut zip, name)?;
    let mut array = begin_pages(&mut zip, pages.len())?;
    add_pages(&mut array, pages)?;
    array.finish()?;
    zip.finish()?;
    Ok(())
}

/// Writes rows of numbers, and a text for each, as a compressed `.npz` file: array `rows`, float32
/// `[n, width]`, and array `texts`, str `[n]`.
///
/// # Errors
/// What `file` or a row says.
pub fn rows_to_npz(
    file: &mut dyn Write,
    (rows, width, values): (&str, usize, impl Iterator<Item = io::Result<Vec<f32>>>),
    (texts, of_rows): (&str, &[String]),
) -> io::Result<()> {
    let mut zip = ZipWriter::new_stream(file);
    start(&mut zip, rows)?;
    let mut array = npyz::WriteOptions::new()
        .default_dtype()
        .shape(&[of_rows.len() as u64, width as u64])
        .writer(&mut zip)
        .begin_nd()?;
    for row in values {
        array.extend(row?)?;
    }
    array.finish()?;
    names(&mut zip, texts, of_rows.iter())?;
    zip.finish()?;
    Ok(())
}

type PageWriter<'z, 'f> = npyz::NpyWriter<u8, &'z mut Zip<'f>>;

/// Begins an array of so many pages.
fn begin_pages<'z, 'f>(zip: &'z mut Zip<'f>, count: usize) -> io::Result<PageWriter<'z, 'f>> {
    let side = SIDE as u64;
    npyz::WriteOptions::new()
        .default_dtype()
        .shape(&[count as u64, side, side])
        .writer(zip)
        .begin_nd()
}

fn add_pages(array: &mut PageWriter, pages: &[Page]) -> io::Result<()> {
    let mut row = [0u8; SIDE];
    for page in pages {
        for y in 0..SIDE {
            page.expand_row(y, 1, &mut row);
            array.extend(row)?;
        }
    }
    Ok(())
}

fn write_pages(
    zip: &mut Zip,
    part: &Part,
    done: &impl Fn(usize),
    damaged: &mut Option<StoreError>,
) -> io::Result<()> {
    start(zip, "pages")?;
    let mut array = begin_pages(zip, part.drawings())?;
    let mut decoder = part.store.decoder();
    for id in part.ids() {
        let pages = decoder.character(id).map_err(|error| {
            *damaged = Some(error);
            io::Error::from(io::ErrorKind::InvalidData)
        })?;
        add_pages(&mut array, pages)?;
        done(pages.len());
    }
    array.finish()
}

fn write_shades(zip: &mut Zip, part: &Part, damaged: &mut Option<StoreError>) -> io::Result<()> {
    start(zip, "shades")?;
    let mut array = begin_pages(zip, part.drawings())?;
    let mut decoder = part.store.decoder();
    for id in part.ids() {
        let shades = decoder.shades(id).map_err(|error| {
            *damaged = Some(error);
            io::Error::from(io::ErrorKind::InvalidData)
        })?;
        array.extend(shades.iter().copied())?;
    }
    array.finish()
}

fn write_labels(zip: &mut Zip, part: &Part) -> io::Result<()> {
    let store = part.store;
    let alphabet = |c: &CharacterEntry| c.alphabet - part.first_alphabet;
    let drawers: Vec<u16> = part.ids().flat_map(|id| store.drawers(id)).collect();
    let splits = part.for_drawings(|_, c| store.alphabet(c.alphabet).split as u8);
    array(zip, "alphabet", &[], &part.for_drawings(|_, c| alphabet(c)))?;
    let characters = part.for_drawings(|id, _| id - part.first_character);
    array(zip, "character", &[], &characters)?;
    array(zip, "drawer", &[], &drawers)?;
    array(zip, "split", &[], &splits)?;
    names(
        zip,
        "alphabet_names",
        part.alphabets.iter().map(|a| &a.name),
    )?;
    names(zip, "character_names", part.characters().map(|c| &c.name))?;
    let numbers: Vec<u32> = part.characters().map(|c| c.number).collect();
    array(zip, "character_numbers", &[], &numbers)?;
    let alphabets: Vec<u32> = part.characters().map(alphabet).collect();
    array(zip, "character_alphabets", &[], &alphabets)
}

fn write_runs(zip: &mut Zip, part: &Part) -> io::Result<()> {
    names(zip, "run_names", part.runs.iter().map(|run| &run.name))?;
    let (mut support, mut queries) = (Vec::new(), Vec::new());
    for (index, run) in (0u32..).zip(&part.runs) {
        for &id in &run.support {
            support.extend([index, id - part.first_drawing]);
        }
        for &(id, answer) in &run.queries {
            queries.extend([index, id - part.first_drawing, u32::from(answer)]);
        }
    }
    array(zip, "run_support", &[2], &support)?;
    array(zip, "run_queries", &[3], &queries)
}

/// An array of numbers; `inner` are the lengths after the first.
fn array<T: AutoSerialize>(
    zip: &mut Zip,
    name: &str,
    inner: &[u64],
    values: &[T],
) -> io::Result<()> {
    start(zip, name)?;
    let rows = values.len() as u64 / inner.iter().product::<u64>();
    let shape: Vec<u64> = [rows].iter().chain(inner).copied().collect();
    extend(zip, T::default_dtype(), &shape, values)
}

/// An array of texts, each as long as the longest (NumPy's type `<U`).
fn names<'a>(zip: &mut Zip, name: &str, names: impl Iterator<Item = &'a String>) -> io::Result<()> {
    start(zip, name)?;
    let names: Vec<&str> = names.map(String::as_str).collect();
    let longest = names.iter().map(|name| name.chars().count()).max();
    let text: TypeStr = format!("<U{}", longest.unwrap_or(1))
        .parse()
        .expect("<U and a number name a type");
    extend(zip, DType::Plain(text), &[names.len() as u64], &names)
}

fn extend<T: Serialize>(
    zip: &mut Zip,
    dtype: DType,
    shape: &[u64],
    values: &[T],
) -> io::Result<()> {
    let mut array = npyz::WriteOptions::new()
        .dtype(dtype)
        .shape(shape)
        .writer(zip)
        .begin_nd()?;
    array.extend(values)?;
    array.finish()
}
