//! A zip or a folder as a list of named entries, read one at a time and never
//! further than a drawing can be long.

use std::fs::{self, File};
use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use walkdir::{DirEntry, WalkDir};
use zip::{CompressionMethod, ZipArchive};

use super::error::ArchiveError;
use super::magic;
use super::names::{inside, is_left_behind};
use super::problem::Problem;

/// The longest entry that is read: official drawings have at most 600 bytes.
const ENTRY_LIMIT: u64 = 64 << 10;
/// The longest zip that is read: the largest official one has 8.6 MB.
const ZIP_LIMIT: u64 = 1 << 30;
/// The most entries that are listed: the largest official zip has 20,275.
const ENTRIES_LIMIT: usize = 4 << 20;
/// Folders deeper than this hold no drawings: images/alphabet/character/file is 4.
const DEPTH_LIMIT: usize = 16;

/// One file inside a source.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// Its path inside the source, with `/` between the parts.
    pub name: String,
    index: usize,
}

/// A place that drawings come from. Clones share their bytes, so that each
/// thread can read with its own.
#[derive(Clone)]
pub(super) struct Source {
    /// The zip or the folder.
    pub path: PathBuf,
    kind: Kind,
}

#[derive(Clone)]
enum Kind {
    Zip(ZipArchive<Cursor<Arc<[u8]>>>),
    Folder,
}

impl Source {
    /// Opens a zip file or a folder.
    pub fn open(path: &Path) -> Result<Source, ArchiveError> {
        let whole = |problem: Problem| ArchiveError::whole(path, problem);
        let metadata = fs::metadata(path).map_err(|e| whole(e.into()))?;
        let kind = if metadata.is_dir() {
            Kind::Folder
        } else {
            let bytes = read_at_most(File::open(path).map_err(|e| whole(e.into()))?, ZIP_LIMIT)
                .map_err(whole)?;
            if let Some(problem) = magic::no_zip(&bytes) {
                return Err(whole(problem));
            }
            let mut zip =
                ZipArchive::new(Cursor::new(Arc::from(bytes))).map_err(|e| whole(e.into()))?;
            if zip.has_duplicate_names() {
                return Err(whole(Problem::RepeatedName));
            }
            if zip.has_overlapping_entries().map_err(|e| whole(e.into()))? {
                return Err(whole(Problem::Overlapping));
            }
            Kind::Zip(zip)
        };
        Ok(Source {
            path: path.to_owned(),
            kind,
        })
    }

    /// The files inside, ascending by name; what systems leave behind is left out.
    pub fn entries(&self) -> Result<Vec<Entry>, ArchiveError> {
        let mut entries = match &self.kind {
            Kind::Zip(zip) => self.zip_entries(zip)?,
            Kind::Folder => self.folder_entries()?,
        };
        entries.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        // Names that differ in a zip may be one once their separators are.
        if entries.windows(2).any(|pair| pair[0].name == pair[1].name) {
            return Err(ArchiveError::whole(&self.path, Problem::RepeatedName));
        }
        Ok(entries)
    }

    fn zip_entries(&self, zip: &ZipArchive<Cursor<Arc<[u8]>>>) -> Result<Vec<Entry>, ArchiveError> {
        let mut entries = Vec::new();
        for index in 0..zip.len() {
            let name = zip
                .name_for_index(index)
                .expect("the index is below the archive's length")
                .map_err(|e| ArchiveError::whole(&self.path, e))?;
            let name = inside(&name)
                .ok_or_else(|| ArchiveError::entry(&self.path, &name, Problem::UnsafeName))?;
            let is_file = !name.is_empty() && !name.ends_with('/');
            if is_file && !name.split('/').any(is_left_behind) {
                entries.push(Entry { name, index });
            }
        }
        Ok(entries)
    }

    fn folder_entries(&self) -> Result<Vec<Entry>, ArchiveError> {
        let mut entries = Vec::new();
        let own = |found: &DirEntry| {
            found.depth() == 0 || !is_left_behind(&found.file_name().to_string_lossy())
        };
        let walk = WalkDir::new(&self.path)
            .follow_links(true)
            .max_depth(DEPTH_LIMIT);
        for found in walk.into_iter().filter_entry(own) {
            let found =
                found.map_err(|e| ArchiveError::whole(&self.path, std::io::Error::from(e)))?;
            let inside = found
                .path()
                .strip_prefix(&self.path)
                .expect("a walk stays below its root");
            let error =
                |problem| ArchiveError::entry(&self.path, &inside.to_string_lossy(), problem);
            if found.file_type().is_dir() && found.depth() == DEPTH_LIMIT {
                let limit = DEPTH_LIMIT;
                return Err(error(Problem::TooDeep { limit }));
            }
            if !found.file_type().is_file() {
                continue;
            }
            let parts: Option<Vec<&str>> = inside.iter().map(|part| part.to_str()).collect();
            let name = parts.ok_or_else(|| error(Problem::Misnamed))?.join("/");
            entries.push(Entry { name, index: 0 });
            if entries.len() > ENTRIES_LIMIT {
                let limit = ENTRIES_LIMIT as u64;
                return Err(ArchiveError::whole(&self.path, Problem::TooMany { limit }));
            }
        }
        Ok(entries)
    }

    /// The name that the user knows it by, without its end.
    pub fn own_name(&self) -> String {
        // `.` and `..` have no name of their own.
        let named = |path: &Path| Some(path.file_stem()?.to_string_lossy().into_owned());
        let real = || named(&fs::canonicalize(&self.path).ok()?);
        named(&self.path).or_else(real).unwrap_or_default()
    }

    /// Whether it is a folder.
    pub fn is_folder(&self) -> bool {
        matches!(self.kind, Kind::Folder)
    }

    /// The bytes of an entry, at most 64 KiB of them.
    pub fn read(&mut self, entry: &Entry) -> Result<Vec<u8>, ArchiveError> {
        self.read_up_to(entry, ENTRY_LIMIT)
    }

    /// The bytes of an entry, at most `limit` of them.
    pub fn read_up_to(&mut self, entry: &Entry, limit: u64) -> Result<Vec<u8>, ArchiveError> {
        let bytes = match &mut self.kind {
            Kind::Zip(zip) => (zip.by_index(entry.index))
                .map_err(Problem::from)
                .and_then(|file| match file.compression() {
                    CompressionMethod::Stored | CompressionMethod::Deflated => {
                        read_at_most(file, limit)
                    }
                    method => Err(Problem::ForeignZip {
                        what: format!("compression method {method:?}"),
                    }),
                }),
            Kind::Folder => File::open(self.path.join(&entry.name))
                .map_err(Problem::from)
                .and_then(|file| read_at_most(file, limit)),
        };
        bytes.map_err(|problem| ArchiveError::entry(&self.path, &entry.name, problem))
    }
}

/// Reads to the end, but never more than `limit` bytes, whatever a header claims.
pub(super) fn read_at_most(reader: impl Read, limit: u64) -> Result<Vec<u8>, Problem> {
    let mut bytes = Vec::new();
    reader.take(limit + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Err(Problem::TooLarge { limit });
    }
    Ok(bytes)
}
