//! The pictures of a folder or zip: which files they are, and all of them read or all that cannot
//! be named at once.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use rayon::prelude::*;

use super::error::ArchiveError;
use super::names::has_end;
use super::problem::Problem;
use super::scan::{ScanOptions, Scanned, is_read, scan};
use super::source::{Entry, Source};

/// The longest picture file that is read.
pub(super) const PICTURE_LIMIT: u64 = 64 << 20;

/// How names of pictures end that are read.
const READ: [&str; 13] = [
    "png", "apng", "jpg", "jpeg", "jpe", "jfif", "jif", "webp", "gif", "bmp", "dib", "tif", "tiff",
];
/// How names of pictures end that are not read.
const UNREAD: [&str; 37] = [
    "heic",
    "heif",
    "hif",
    "avif",
    "jxl",
    "jp2",
    "j2k",
    "jpx",
    "svg",
    "svgz",
    "pdf",
    "eps",
    "ps",
    "ai",
    "psd",
    "xcf",
    "kra",
    "clip",
    "procreate",
    "ico",
    "tga",
    "pbm",
    "pgm",
    "ppm",
    "pnm",
    "qoi",
    "exr",
    "hdr",
    "dng",
    "cr2",
    "cr3",
    "nef",
    "arw",
    "raf",
    "orf",
    "rw2",
    "djvu",
];

/// The files of a source, parted.
#[derive(Default)]
pub(super) struct Gathered {
    /// Pictures, ascending by name.
    pub pictures: Vec<Entry>,
    /// The others.
    pub left_out: Vec<Entry>,
}

/// Parts pictures from other files by how their names end; a file whose name has no end is a
/// picture if its content is.
///
/// # Errors
/// If the files cannot be listed, or none is a picture.
pub(super) fn gather(source: &mut Source) -> Result<Gathered, ArchiveError> {
    let mut gathered = Gathered::default();
    for entry in source.entries()? {
        let is_picture = match end(&entry.name) {
            Some(end) => READ.contains(&&*end),
            None => (source.read_up_to(&entry, PICTURE_LIMIT)).is_ok_and(|bytes| is_read(&bytes)),
        };
        if is_picture {
            gathered.pictures.push(entry);
        } else {
            gathered.left_out.push(entry);
        }
    }
    if gathered.pictures.is_empty() {
        let zip = (gathered.left_out.iter()).find(|entry| has_end(&entry.name, &["zip"]));
        let none = zip.map_or(Problem::NoPictures, |zip| Problem::OnlyZips {
            zip: zip.name.clone(),
        });
        return Err(ArchiveError::whole(&source.path, none));
    }
    Ok(gathered)
}

fn end(name: &str) -> Option<String> {
    let end = Path::new(name).extension()?.to_str()?;
    Some(end.to_ascii_lowercase())
}

impl Gathered {
    /// How many files each end of a name has among those that are left out.
    pub fn ends(&self) -> BTreeMap<String, usize> {
        let mut ends = BTreeMap::new();
        for entry in &self.left_out {
            let end = end(&entry.name).map_or("without an end".to_owned(), |end| format!(".{end}"));
            *ends.entry(end).or_default() += 1;
        }
        ends
    }

    /// Folders of files of which none is a picture that is read; their names end as said. If files
    /// at the top are classes by themselves, so are pictures there that are not read.
    ///
    /// # Errors
    /// [`Problem::LostClasses`] if some of them hold pictures that are not read.
    pub fn without_pictures(&self, top_too: bool) -> Result<Vec<String>, Problem> {
        let folders = |name: &str| {
            let slashes = name.match_indices('/').map(|(at, _)| name[..at].to_owned());
            slashes.collect::<Vec<_>>()
        };
        let with: BTreeSet<String> = (self.pictures.iter())
            .flat_map(|entry| folders(&entry.name))
            .collect();
        let mut without: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
        for entry in &self.left_out {
            let folder = entry.name.rsplit_once('/').map(|(folder, _)| folder);
            let name = folder.or(top_too.then_some(&*entry.name));
            if let Some(name) = name.filter(|name| !with.contains(*name)) {
                without.entry(name).or_default().extend(end(&entry.name));
            }
        }
        let (lost, others): (Vec<_>, Vec<_>) = (without.into_iter())
            .partition(|(_, ends)| ends.iter().any(|end| UNREAD.contains(&&**end)));
        if lost.is_empty() {
            let folders = others
                .into_iter()
                .filter(|&(name, _)| self.left_out.iter().all(|entry| entry.name != name));
            return Ok(folders.map(|(name, _)| name.to_owned()).collect());
        }
        let listed = |ends: BTreeSet<String>| {
            let ends: Vec<String> = ends.iter().map(|end| format!(".{end}")).collect();
            ends.join(", ")
        };
        let classes = lost
            .into_iter()
            .map(|(name, ends)| (name.to_owned(), listed(ends)));
        Err(Problem::LostClasses {
            classes: classes.collect(),
        })
    }
}

/// Reads pictures, on all cores: each, or why it cannot be taken, in the entries' order.
pub(super) fn read_each(
    source: &Source,
    entries: &[Entry],
    options: ScanOptions,
) -> Vec<Result<Scanned, Problem>> {
    // Each thread reads with a clone of its own.
    let read = |source: &mut Source, entry: &Entry| {
        let bytes = source
            .read_up_to(entry, PICTURE_LIMIT)
            .map_err(|error| error.problem)?;
        scan(&bytes, options)
    };
    (entries.par_iter())
        .map_init(|| source.clone(), read)
        .collect()
}

/// Reads pictures; results keep the entries' order.
///
/// # Errors
/// Names every picture that cannot be taken: one as its own error, several in one.
pub(super) fn read_all(
    source: &Source,
    entries: &[Entry],
    options: ScanOptions,
) -> Result<Vec<Scanned>, ArchiveError> {
    let (mut pictures, mut bad) = (Vec::new(), Vec::new());
    for (entry, result) in entries.iter().zip(read_each(source, entries, options)) {
        match result {
            Ok(picture) => pictures.push(picture),
            Err(problem) => bad.push((entry.name.clone(), problem)),
        }
    }
    let of = entries.len();
    match bad.len() {
        0 => Ok(pictures),
        1 => {
            let (name, problem) = bad.remove(0);
            Err(ArchiveError::entry(&source.path, &name, problem))
        }
        _ => Err(ArchiveError::whole(
            &source.path,
            Problem::Pictures { bad, of },
        )),
    }
}
