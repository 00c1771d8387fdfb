//! The pictures of a folder or zip one after another, whatever classes they are of.

use std::path::Path;
use std::vec::IntoIter;

use rayon::prelude::*;

use super::error::ArchiveError;
use super::gather::{PICTURE_LIMIT, gather};
use super::problem::Problem;
use super::scan::{ScanOptions, Scanned, scan};
use super::source::{Entry, Source};

/// The pictures of a folder or zip, ascending by name; each is read when its turn comes.
pub struct PictureFiles {
    source: Source,
    entries: IntoIter<Entry>,
    options: ScanOptions,
}

impl PictureFiles {
    /// Lists the pictures of a folder or zip.
    ///
    /// # Errors
    /// If it cannot be listed, or holds no pictures.
    pub fn open(input: &Path, options: ScanOptions) -> Result<PictureFiles, ArchiveError> {
        let mut source = Source::open(input)?;
        let pictures = gather(&mut source)?.pictures;
        if pictures.is_empty() {
            return Err(ArchiveError::whole(input, Problem::NoPictures));
        }
        Ok(PictureFiles {
            source,
            entries: pictures.into_iter(),
            options,
        })
    }

    /// How many are left.
    #[must_use]
    pub fn left(&self) -> usize {
        self.entries.len()
    }

    /// Reads the next `most` of them, on all cores: each name with `/` between its parts, and the
    /// picture or why there is none. Fewer at the end, and none after it.
    pub fn next_few(&mut self, most: usize) -> Vec<(String, Result<Scanned, ArchiveError>)> {
        let entries: Vec<Entry> = self.entries.by_ref().take(most).collect();
        let (input, options) = (&self.source.path, self.options);
        // Each thread reads with a clone of its own.
        let read = |source: &mut Source, entry: Entry| {
            let bytes = source.read_up_to(&entry, PICTURE_LIMIT);
            let picture = bytes.and_then(|bytes| {
                scan(&bytes, options).map_err(|why| ArchiveError::entry(input, &entry.name, why))
            });
            (entry.name, picture)
        };
        (entries.into_par_iter())
            .map_init(|| self.source.clone(), read)
            .collect()
    }
}
