//! Opening a store and reading drawings from it.

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use zstd::bulk::Decompressor;

use super::error::StoreError;
use super::format;
use super::header::FormatError;
use super::index::{
    AlphabetEntry, AlphabetId, CharacterEntry, CharacterId, DrawingId, Index, RunEntry,
};
use crate::archive::ScanOptions;
use crate::files::Bytes;
use crate::image::{Drawn, PAGE_BYTES, Page};

/// An open store. It can be shared by any number of threads; each decodes with a
/// [`Decoder`] of its own.
///
/// Opening reads and proves the front (about 57 KB for Omniglot); drawings are read
/// from the map when they are asked for, so that a reader's memory is the index, what it
/// touched of the file, and one decoded character.
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
/// let store = Store::open(&path)?;
/// store.verify()?; // every checksum; opening proves the front alone
/// for alphabet in store.alphabets() {
///     println!("{}: {} characters", alphabet.name, alphabet.characters.len());
/// }
/// let mut decoder = store.decoder();
/// let pages = decoder.character(0)?; // all drawings of the first character
/// assert_eq!(pages.len(), store.character(0).drawings.len());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Store {
    path: PathBuf,
    bytes: Bytes,
    index: Index,
}

/// The SHA-256 that names a store: equal drawings, packed alike, have equal digests.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct StoreDigest([u8; format::DIGEST_LEN]);

impl StoreDigest {
    /// The digest of these bytes, as another file states it.
    #[must_use]
    pub fn from_bytes(bytes: [u8; format::DIGEST_LEN]) -> StoreDigest {
        StoreDigest(bytes)
    }

    /// Its bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; format::DIGEST_LEN] {
        &self.0
    }
}

impl fmt::Display for StoreDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for StoreDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Store {
    /// Maps a store and proves its front: every length, count, name and id in it.
    ///
    /// A file that is replaced by another, or removed, stays mapped as it was. One that is
    /// rewritten in its place is found damaged when a block of it is decoded. One that is cut
    /// short in its place ends the process by SIGBUS when what is gone is touched: nothing
    /// in this program does that to a store; [`Store::read`] is safe from it.
    ///
    /// # Errors
    /// [`StoreError::Read`] if the file cannot be read, [`StoreError::Magic`],
    /// [`StoreError::Version`] or [`StoreError::Damaged`] if it is no sound store.
    pub fn open(path: &Path) -> Result<Store, StoreError> {
        let bytes = Bytes::map(path).map_err(|source| StoreError::Read {
            path: path.to_owned(),
            source,
        })?;
        Store::new(path.to_owned(), bytes)
    }

    /// Reads a store whole, for who works long with it: whatever becomes of the file afterwards,
    /// even if it is rewritten or cut short in its place, this store stays as it was. Takes the
    /// file's length in memory, 3 MB for Omniglot.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn read(path: &Path) -> Result<Store, StoreError> {
        let bytes = std::fs::read(path).map_err(|source| StoreError::Read {
            path: path.to_owned(),
            source,
        })?;
        Store::new(path.to_owned(), Bytes::Owned(bytes))
    }

    /// A store that lies in memory; errors name it `name`.
    ///
    /// # Errors
    /// As [`Store::open`], without those of reading.
    pub fn from_bytes(name: &str, bytes: Vec<u8>) -> Result<Store, StoreError> {
        Store::new(name.into(), Bytes::Owned(bytes))
    }

    fn new(path: PathBuf, bytes: Bytes) -> Result<Store, StoreError> {
        match Index::parse(&bytes) {
            Ok(index) => Ok(Store { path, bytes, index }),
            Err(FormatError::Magic) => Err(StoreError::Magic { path }),
            Err(FormatError::Version(got)) => {
                let expected = format::GREY_VERSION;
                Err(StoreError::Version {
                    path,
                    expected,
                    got,
                })
            }
            Err(FormatError::Damaged { offset, what }) => Err(StoreError::Damaged {
                path,
                offset: offset as u64,
                what,
            }),
        }
    }

    /// Where the store was opened.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Bytes of the whole file.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "a store always has a header")]
    pub fn len(&self) -> u64 {
        self.bytes.len() as u64
    }

    /// The store's identity, as its writer computed it; [`Store::verify`] proves it.
    #[must_use]
    pub fn digest(&self) -> StoreDigest {
        let tail = self.bytes.len() - format::DIGEST_LEN;
        StoreDigest(
            self.bytes[tail..]
                .try_into()
                .expect("the tail has 32 bytes"),
        )
    }

    /// Whether its drawings are kept in shades as well.
    #[must_use]
    pub fn is_grey(&self) -> bool {
        self.index.grey
    }

    /// How pictures were made into its pages: what pictures that are compared with them should be
    /// made by. None if its drawings are no such pictures, or a program before 0.9 packed it.
    #[must_use]
    pub fn pictures(&self) -> Option<ScanOptions> {
        self.index.pictures
    }

    /// All alphabets: background first, then ascending by name.
    #[must_use]
    pub fn alphabets(&self) -> &[AlphabetEntry] {
        &self.index.alphabets
    }

    /// One alphabet.
    ///
    /// # Panics
    /// If `id` is not below the number of alphabets.
    #[must_use]
    pub fn alphabet(&self, id: AlphabetId) -> &AlphabetEntry {
        &self.index.alphabets[id as usize]
    }

    /// All characters, in the order of their alphabets.
    #[must_use]
    pub fn characters(&self) -> &[CharacterEntry] {
        &self.index.characters
    }

    /// One character.
    ///
    /// # Panics
    /// If `id` is not below the number of characters.
    #[must_use]
    pub fn character(&self, id: CharacterId) -> &CharacterEntry {
        &self.index.characters[id as usize]
    }

    /// Number of drawings; ids are below it.
    #[must_use]
    pub fn drawings(&self) -> u32 {
        self.index
            .characters
            .last()
            .map_or(0, |last| last.drawings.end)
    }

    /// The character that a drawing shows.
    ///
    /// # Panics
    /// If `id` is not below the number of drawings.
    #[must_use]
    pub fn character_of(&self, id: DrawingId) -> CharacterId {
        assert!(id < self.drawings(), "drawing {id} of {}", self.drawings());
        self.index
            .characters
            .partition_point(|c| c.drawings.end <= id) as CharacterId
    }

    /// The drawers of a character's drawings, in their order.
    pub fn drawers(&self, id: CharacterId) -> impl Iterator<Item = u16> + '_ {
        self.index.drawers(self.character(id))
    }

    /// Where in the file a character's block lies, in bytes from its start.
    ///
    /// # Panics
    /// If `id` is not below the number of characters.
    #[must_use]
    pub fn block_range(&self, id: CharacterId) -> Range<usize> {
        self.character(id).block.clone()
    }

    /// The one-shot tasks that were packed, ascending by name.
    #[must_use]
    pub fn runs(&self) -> &[RunEntry] {
        &self.index.runs
    }

    /// Something to read drawings with.
    #[must_use]
    pub fn decoder(&self) -> Decoder<'_> {
        Decoder {
            store: self,
            zstd: Decompressor::new().expect("zstd makes a context unless memory has run out"),
            bytes: Vec::new(),
            pages: Vec::new(),
            held: None,
        }
    }

    /// Checks every block, page and checksum of the file.
    ///
    /// # Errors
    /// [`StoreError::DamagedCharacter`] for the first character that is not as it was
    /// written, [`StoreError::Damaged`] if only the checksum over the file differs.
    pub fn verify(&self) -> Result<(), StoreError> {
        let mut decoder = self.decoder();
        for id in 0..self.index.characters.len() as CharacterId {
            decoder.character(id)?;
        }
        let (body, tail) = self.bytes.split_at(self.bytes.len() - format::DIGEST_LEN);
        if Sha256::digest(body)[..] != *tail {
            return Err(StoreError::Damaged {
                path: self.path.clone(),
                offset: body.len() as u64,
                what: "the checksum over the file differs".to_owned(),
            });
        }
        Ok(())
    }
}

/// Decodes characters of a store, one at a time, into buffers that it keeps.
pub struct Decoder<'a> {
    store: &'a Store,
    zstd: Decompressor<'static>,
    bytes: Vec<u8>,
    pages: Vec<Page>,
    held: Option<CharacterId>,
}

impl Decoder<'_> {
    /// All drawings of a character, ascending by drawer.
    ///
    /// # Errors
    /// [`StoreError::DamagedCharacter`] if the block is not what was written.
    ///
    /// # Panics
    /// If `id` is not below the number of characters.
    pub fn character(&mut self, id: CharacterId) -> Result<&[Page], StoreError> {
        if self.held != Some(id) {
            self.held = None;
            let character = self.store.character(id);
            self.decode(character)
                .map_err(|what| StoreError::DamagedCharacter {
                    path: self.store.path.clone(),
                    offset: character.block.start as u64,
                    alphabet: self.store.alphabet(character.alphabet).name.clone(),
                    character: character.name.clone(),
                    what,
                })?;
            self.held = Some(id);
        }
        Ok(&self.pages)
    }

    /// A character's drawings in shades, one after the other, 11,025 bytes each; none if the store
    /// has none.
    ///
    /// # Errors
    /// As [`Decoder::character`].
    ///
    /// # Panics
    /// As [`Decoder::character`].
    pub fn shades(&mut self, id: CharacterId) -> Result<&[u8], StoreError> {
        self.character(id)?;
        Ok(&self.bytes[self.pages.len() * PAGE_BYTES..])
    }

    /// One drawing, in shades if the store has them.
    ///
    /// # Errors
    /// As [`Decoder::character`].
    ///
    /// # Panics
    /// As [`Decoder::drawing`].
    pub fn drawn(&mut self, id: DrawingId) -> Result<Drawn<'_>, StoreError> {
        let character = self.store.character_of(id);
        let at = (id - self.store.character(character).drawings.start) as usize;
        self.character(character)?;
        let (shades, _) = self.bytes[self.pages.len() * PAGE_BYTES..].as_chunks();
        Ok(Drawn {
            page: &self.pages[at],
            shades: shades.get(at),
        })
    }

    /// One drawing. Asking for those of one character in turn decodes it once.
    ///
    /// # Errors
    /// As [`Decoder::character`].
    ///
    /// # Panics
    /// If `id` is not below the number of drawings.
    pub fn drawing(&mut self, id: DrawingId) -> Result<&Page, StoreError> {
        let character = self.store.character_of(id);
        let first = self.store.character(character).drawings.start;
        Ok(&self.character(character)?[(id - first) as usize])
    }

    fn decode(&mut self, character: &CharacterEntry) -> Result<(), String> {
        let block = &self.store.bytes[character.block.clone()];
        let crc = crc32fast::hash(block);
        if crc != character.crc {
            return Err(format!(
                "its checksum is {crc:08x}, not {:08x}",
                character.crc
            ));
        }
        // Nothing is allocated before the block itself confirms the size that the index claims.
        let drawings = character.drawings.len();
        let expected = drawings * format::drawing_len(self.store.index.grey);
        let states = zstd::zstd_safe::get_frame_content_size(block)
            .ok()
            .flatten();
        if states != Some(expected as u64) {
            return Err(format!("its frame does not state {expected} bytes"));
        }
        self.bytes.resize(expected, 0);
        let written = self
            .zstd
            .decompress_to_buffer(block, &mut self.bytes[..])
            .map_err(|e| format!("zstd: {e}"))?;
        if written != expected {
            return Err(format!("it decodes to {written} bytes, not {expected}"));
        }
        self.pages.clear();
        for bands in self.bytes[..drawings * PAGE_BYTES].chunks_exact(PAGE_BYTES) {
            let bands = bands.try_into().expect("chunks have a page's length");
            let page = Page::from_bands(bands).ok_or("it has ink below the last row")?;
            self.pages.push(page);
        }
        Ok(())
    }
}
