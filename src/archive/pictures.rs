//! The pictures of a folder or zip one after another, whatever classes they are of.

use std::path::Path;
use std::vec::IntoIter;

use super::error::ArchiveError;
use super::gather::{gather, read_each};
use super::scan::{ScanOptions, Scanned};
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
        let entries = gather(&mut source)?.pictures.into_iter();
        Ok(PictureFiles {
            source,
            entries,
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
        let pictures = read_each(&self.source, &entries, self.options);
        (entries.into_iter().zip(pictures))
            .map(|(Entry { name, .. }, picture)| {
                let input = &self.source.path;
                let picture = picture.map_err(|why| ArchiveError::entry(input, &name, why));
                (name, picture)
            })
            .collect()
    }
}
