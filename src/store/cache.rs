//! Decoded drawings, kept: each character is decoded once, by whoever asks first.

use std::sync::{Arc, OnceLock};

use super::error::StoreError;
use super::index::DrawingId;
use super::read::Store;
use crate::image::{Drawn, Page};

/// Pages of a store at random, from any number of threads.
///
/// A character is decoded when a drawing of it is first asked for and then kept:
/// 1,470 bytes a drawing, 28 MB for the whole background set; 12,495 bytes in a store of shades. Decoding every page
/// once costs less than distorting it once, so nothing is ever thrown out.
///
/// ```
/// # use omnishot_data::archive::Archive;
/// # use omnishot_data::synthetic::{SyntheticOptions, synthesize};
/// # use omnishot_data::store::{self, Store, WriteOptions};
/// # let options = SyntheticOptions { background: 2, evaluation: 1, drawers: 3, ..Default::default() };
/// # let archive = Archive { alphabets: synthesize(&options), runs: Vec::new() };
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("made-up.omni");
/// # store::write(&path, &archive, WriteOptions::default(), |_| ())?;
/// use std::sync::Arc;
///
/// use omnishot_data::store::PageCache;
///
/// let pages = PageCache::new(Arc::new(Store::open(&path)?));
/// let page = pages.page(0)?; // decodes its character; the character's other drawings cost nothing now
/// assert!(page.ink_count() > 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct PageCache {
    store: Arc<Store>,
    characters: Vec<OnceLock<Kept>>,
}

/// A character's pages, and their shades one after the other.
type Kept = (Box<[Page]>, Box<[u8]>);

impl PageCache {
    /// An empty cache over a store.
    #[must_use]
    pub fn new(store: Arc<Store>) -> PageCache {
        let characters = store.characters().iter().map(|_| OnceLock::new()).collect();
        PageCache { store, characters }
    }

    /// The store behind it.
    #[must_use]
    pub fn store(&self) -> &Arc<Store> {
        &self.store
    }

    /// One drawing.
    ///
    /// # Errors
    /// [`StoreError::DamagedCharacter`] if its block is not what was written.
    ///
    /// # Panics
    /// If `id` is not below the number of drawings.
    pub fn page(&self, id: DrawingId) -> Result<&Page, StoreError> {
        Ok(self.drawn(id)?.page)
    }

    /// One drawing, in shades if the store has them.
    ///
    /// # Errors
    /// As [`PageCache::page`].
    ///
    /// # Panics
    /// As [`PageCache::page`].
    pub fn drawn(&self, id: DrawingId) -> Result<Drawn<'_>, StoreError> {
        let character = self.store.character_of(id);
        let cell = &self.characters[character as usize];
        let (pages, shades) = match cell.get() {
            Some(kept) => kept,
            None => {
                let mut decoder = self.store.decoder();
                let pages = decoder.character(character)?.into();
                let kept: Kept = (pages, decoder.shades(character)?.into());
                cell.get_or_init(|| kept)
            }
        };
        let at = (id - self.store.character(character).drawings.start) as usize;
        let (shades, _) = shades.as_chunks();
        Ok(Drawn {
            page: &pages[at],
            shades: shades.get(at),
        })
    }
}
