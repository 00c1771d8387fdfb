//! An archive to a store: blocks compressed in parallel, then one atomic write.

use std::collections::HashMap;
use std::path::Path;

use rayon::prelude::*;
use sha2::{Digest, Sha256};

use super::error::StoreError;
use super::format::{self, Counts};
use crate::archive::{Alphabet, Archive, Character, ScanOptions};
use crate::files::{PublishError, publish};
use crate::image::{Page, SIDE};

/// How a store is written.
#[derive(Clone, Copy, Debug)]
pub struct WriteOptions {
    /// zstd's level, 1 to 22. Level 16 makes 3.05 MB of Omniglot; 19 makes 3.03 MB in
    /// two and a half times the time, 22 makes 2.96 MB in ten times.
    pub level: i32,
    /// Replace a file that is there already.
    pub overwrite: bool,
    /// How pictures were made into the pages, to be remembered; none if they were not made so.
    pub pictures: Option<ScanOptions>,
}

impl Default for WriteOptions {
    fn default() -> Self {
        WriteOptions {
            level: 16,
            overwrite: false,
            pictures: None,
        }
    }
}

/// Packs an archive into the file at `path` and returns its length in bytes.
/// `done` is called, on any thread, with the number of drawings of each finished character.
///
/// # Errors
/// [`StoreError::Unpackable`] if the drawings break a rule of the format (order, names,
/// numbers of drawings) or a run's drawing is not among them; [`PublishError::Exists`]
/// and [`PublishError::Write`] as [`publish`] gives them. Nothing is left half written.
///
/// # Example
///
/// ```
/// use omnishot_data::archive::Archive;
/// use omnishot_data::synthetic::{SyntheticOptions, synthesize};
/// use omnishot_data::files::PublishError;
/// use omnishot_data::store::{self, Store, StoreError, WriteOptions};
///
/// let options = SyntheticOptions { background: 2, evaluation: 1, drawers: 3, ..Default::default() };
/// let archive = Archive { alphabets: synthesize(&options), runs: Vec::new() };
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("made-up.omni");
/// let bytes = store::write(&path, &archive, WriteOptions::default(), |_| ())?;
/// assert_eq!(Store::open(&path)?.len(), bytes);
///
/// let again = store::write(&path, &archive, WriteOptions::default(), |_| ());
/// assert!(matches!(again, Err(StoreError::Publish(PublishError::Exists { .. })))); // unless `overwrite` is set
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn write(
    path: &Path,
    archive: &Archive,
    options: WriteOptions,
    done: impl Fn(usize) + Sync,
) -> Result<u64, StoreError> {
    if !options.overwrite && path.symlink_metadata().is_ok() {
        // Said before the work as well as after it.
        return Err(PublishError::Exists {
            path: path.to_owned(),
        }
        .into());
    }
    check(&archive.alphabets)?;
    let shades = is_grey(&archive.alphabets);
    if options.pictures.is_some_and(|made| made.grey != shades) {
        let what = "shades are there if pictures were made with them, and only then";
        return Err(StoreError::Unpackable(what.to_owned()));
    }
    let characters: Vec<&Character> = archive
        .alphabets
        .iter()
        .flat_map(|alphabet| &alphabet.characters)
        .collect();
    let blocks: Vec<Vec<u8>> = characters
        .par_iter()
        .map(|character| {
            let block = encode(character, options.level)?;
            done(character.drawings.len());
            Ok(block)
        })
        .collect::<Result<_, StoreError>>()?;
    let front = front(archive, &characters, &blocks, options.pictures)?;
    let mut sha = Sha256::new();
    for part in std::iter::once(&front).chain(&blocks) {
        sha.update(part);
    }
    let digest: [u8; format::DIGEST_LEN] = sha.finalize().into();
    publish(path, options.overwrite, |file| {
        file.write_all(&front)?;
        blocks.iter().try_for_each(|block| file.write_all(block))?;
        file.write_all(&digest)
    })?;
    let blocks_len: usize = blocks.iter().map(Vec::len).sum();
    Ok((front.len() + blocks_len + digest.len()) as u64)
}

/// One character's drawings as a zstd frame.
fn encode(character: &Character, level: i32) -> Result<Vec<u8>, StoreError> {
    let drawings = character.drawings.iter();
    let mut bytes: Vec<u8> = drawings
        .clone()
        .flat_map(|drawing| *drawing.page.bands())
        .collect();
    let shades = drawings.filter_map(|drawing| drawing.shades.as_ref());
    shades.for_each(|shades| bytes.extend(shades.bytes()));
    zstd::bulk::compress(&bytes, level)
        .map_err(|e| StoreError::Unpackable(format!("zstd refused level {level}: {e}")))
}

/// The rules that a reader holds a store to, held to before anything is written.
fn check(alphabets: &[Alphabet]) -> Result<(), StoreError> {
    let unpackable = |what: String| Err(StoreError::Unpackable(what));
    let ascending = |names: &[&str]| names.is_sorted_by(|a, b| a < b);
    if alphabets.is_empty() {
        return unpackable("there are no alphabets".to_owned());
    }
    if !alphabets.is_sorted_by(|a, b| (a.split, &a.name) < (b.split, &b.name)) {
        return unpackable("the alphabets are out of order, or one is there twice".to_owned());
    }
    let grey = is_grey(alphabets);
    for alphabet in alphabets {
        let name = &alphabet.name;
        let names: Vec<&str> = alphabet
            .characters
            .iter()
            .map(|c| c.name.as_str())
            .collect();
        if names.is_empty() || !ascending(&names) {
            return unpackable(format!("{name} has no characters, or not in order"));
        }
        if !names
            .iter()
            .chain([&name.as_str()])
            .all(|name| format::is_name(name))
        {
            return unpackable(format!(
                "{name:?}: its name or a character's is empty, over 255 bytes long, or has control \
                 characters"
            ));
        }
        for character in &alphabet.characters {
            let drawings = &character.drawings;
            if drawings.iter().any(|d| d.shades.is_some() != grey) {
                return unpackable("some drawings have shades, and some have none".to_owned());
            }
            let place = || format!("{name}/{}", character.name);
            if !(1..=format::MAX_DRAWINGS).contains(&drawings.len()) {
                let most = format::MAX_DRAWINGS;
                return unpackable(format!(
                    "{} has {} drawings, not 1 to {most}",
                    place(),
                    drawings.len()
                ));
            }
            if !drawings.is_sorted_by(|a, b| a.drawer < b.drawer) || drawings[0].drawer == 0 {
                return unpackable(format!("{}: its drawers are out of order", place()));
            }
        }
    }
    Ok(())
}

/// Whether the first drawing has shades, and so all have to have.
fn is_grey(alphabets: &[Alphabet]) -> bool {
    let mut drawings = (alphabets.iter())
        .flat_map(|alphabet| &alphabet.characters)
        .flat_map(|character| &character.drawings);
    (drawings.next()).is_some_and(|drawing| drawing.shades.is_some())
}

/// Runs of consecutive drawers, as (first, count).
fn ranges(character: &Character) -> Vec<(u16, u16)> {
    let mut ranges: Vec<(u16, u16)> = Vec::new();
    for drawing in &character.drawings {
        match ranges.last_mut() {
            Some((first, count))
                if u32::from(*first) + u32::from(*count) == u32::from(drawing.drawer) =>
            {
                *count += 1;
            }
            _ => ranges.push((drawing.drawer, 1)),
        }
    }
    ranges
}

/// Header, tables and names.
fn front(
    archive: &Archive,
    characters: &[&Character],
    blocks: &[Vec<u8>],
    pictures: Option<ScanOptions>,
) -> Result<Vec<u8>, StoreError> {
    let alphabets = &archive.alphabets;
    let ranges: Vec<Vec<(u16, u16)>> = characters.iter().map(|c| ranges(c)).collect();
    let (runs, supports, queries) = run_tables(archive, characters)?;
    let count = |n: usize| {
        u32::try_from(n)
            .map_err(|_| StoreError::Unpackable("there are 2^32 drawings or more".into()))
    };
    let counts = Counts {
        alphabets: count(alphabets.len())?,
        characters: count(characters.len())?,
        drawings: count(characters.iter().map(|c| c.drawings.len()).sum())?,
        ranges: count(ranges.iter().map(Vec::len).sum())?,
        runs: count(archive.runs.len())?,
        supports: count(supports.len() / format::SUPPORT_LEN as usize)?,
        queries: count(queries.len() / format::QUERY_LEN as usize)?,
    };
    let mut out = vec![0; format::HEADER_LEN];
    for alphabet in alphabets {
        out.extend(count(alphabet.characters.len())?.to_le_bytes());
        out.extend([alphabet.split as u8, 0, 0, 0]);
    }
    for ((character, ranges), block) in characters.iter().zip(&ranges).zip(blocks) {
        // Both fit: a character has at most 4,096 drawings, and its block less than 60 MB.
        out.extend(character.number.to_le_bytes());
        out.extend((character.drawings.len() as u16).to_le_bytes());
        out.extend((ranges.len() as u16).to_le_bytes());
        out.extend((block.len() as u32).to_le_bytes());
        out.extend(crc32fast::hash(block).to_le_bytes());
    }
    for (first, count) in ranges.iter().flatten() {
        out.extend(first.to_le_bytes());
        out.extend(count.to_le_bytes());
    }
    out.extend(runs);
    out.extend(supports);
    out.extend(queries);
    debug_assert_eq!(out.len() as u64, counts.before_names());
    let names = (alphabets.iter().map(|a| &a.name))
        .chain(characters.iter().map(|c| &c.name))
        .chain(archive.runs.iter().map(|r| &r.name));
    for name in names {
        out.push(name.len() as u8); // checked by is_name
        out.extend(name.as_bytes());
    }
    let blocks_len: u64 = blocks.iter().map(|block| block.len() as u64).sum();
    let file_len = out.len() as u64 + blocks_len + format::DIGEST_LEN as u64;
    let mut put = |at: usize, bytes: &[u8]| out[at..at + bytes.len()].copy_from_slice(bytes);
    put(0, &format::MAGIC);
    let version = if is_grey(alphabets) {
        format::GREY_VERSION
    } else {
        format::FORMAT_VERSION
    };
    put(format::AT_VERSION, &version.to_le_bytes());
    put(format::AT_WIDTH, &(SIDE as u16).to_le_bytes());
    put(format::AT_HEIGHT, &(SIDE as u16).to_le_bytes());
    put(format::AT_FILE_LEN, &file_len.to_le_bytes());
    for (index, count) in counts.to_array().into_iter().enumerate() {
        put(format::AT_COUNTS + 4 * index, &count.to_le_bytes());
    }
    put(format::AT_PICTURES, &[format::pictures_to_byte(pictures)]);
    let front_len = count(out.len())?;
    out[format::AT_FRONT_LEN..][..4].copy_from_slice(&front_len.to_le_bytes());
    let digest = format::front_digest(&out);
    out[format::AT_DIGEST..][..format::DIGEST_LEN].copy_from_slice(&digest);
    Ok(out)
}

type Table = Vec<u8>;

/// The runs' drawings, each replaced by the id of the stored drawing of the same bytes.
fn run_tables(
    archive: &Archive,
    characters: &[&Character],
) -> Result<(Table, Table, Table), StoreError> {
    let (mut runs, mut supports, mut queries) = (Table::new(), Table::new(), Table::new());
    if archive.runs.is_empty() {
        return Ok((runs, supports, queries));
    }
    let mut ids: HashMap<&Page, u32> = HashMap::new();
    let drawings = characters.iter().flat_map(|character| &character.drawings);
    for (id, drawing) in (0u32..).zip(drawings) {
        ids.entry(&drawing.page).or_insert(id); // the first of equal drawings
    }
    if !archive.runs.is_sorted_by(|a, b| a.name < b.name) {
        let names: Vec<&str> = archive.runs.iter().map(|run| run.name.as_str()).collect();
        let what = format!("the runs are out of order, or one is there twice: {names:?}");
        return Err(StoreError::Unpackable(what));
    }
    for run in &archive.runs {
        let unpackable = |what: &str| StoreError::Unpackable(format!("{}: {what}", run.name));
        let find = |page: &Page| {
            ids.get(page).ok_or_else(|| {
                unpackable("a drawing is not among those to be packed; add images_evaluation.zip")
            })
        };
        if !format::is_name(&run.name) {
            return Err(unpackable(
                "its name is empty, over 255 bytes long, or has control characters",
            ));
        }
        for count in [run.support.len(), run.queries.len()] {
            let count = u16::try_from(count).map_err(|_| unpackable("has over 65,535 drawings"))?;
            runs.extend(count.to_le_bytes());
        }
        for page in &run.support {
            supports.extend(find(page)?.to_le_bytes());
        }
        for query in &run.queries {
            if query.answer >= run.support.len() {
                return Err(unpackable("an answer is not among its supports"));
            }
            queries.extend(find(&query.page)?.to_le_bytes());
            // It fits: it indexes the support, which has at most 65,535 drawings.
            queries.extend((query.answer as u16).to_le_bytes());
            queries.extend([0, 0]);
        }
    }
    Ok((runs, supports, queries))
}
