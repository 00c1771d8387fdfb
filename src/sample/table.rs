//! Fixed tables of pairs: written once, mapped, and read at random.
#![doc = include_str!("TABLE.md")]

mod error;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

pub use error::TableError;

use super::koch::TableRecipe;
use super::pairs::PairItem;
use crate::files::{Bytes, publish};
use crate::seed::{Purpose, Stream};
use crate::store::{AlphabetId, Store, StoreDigest};

const MAGIC: [u8; 8] = *b"\x89OMNP\r\n\x1a";
/// Version of the format that this code writes and reads.
pub const TABLE_VERSION: u32 = 1;

// Offsets, each from the one before.
const AT_VERSION: usize = MAGIC.len();
const AT_PAIRS: usize = AT_VERSION + 4;
const AT_ALPHABETS: usize = AT_PAIRS + 4;
const AT_COPIES: usize = AT_ALPHABETS + 4;
const AT_DRAWERS: usize = AT_COPIES + 4;
const AT_DRAWINGS: usize = AT_DRAWERS + 4;
const AT_SEED: usize = AT_DRAWINGS + 4;
const AT_FILE_LEN: usize = AT_SEED + 8;
const AT_ZERO: usize = AT_FILE_LEN + 8;
const AT_STORE: usize = AT_ZERO + 16;
const AT_DIGEST: usize = AT_STORE + 32;
const HEADER_LEN: usize = AT_DIGEST + 32;
const _: () = assert!(AT_STORE == 64 && HEADER_LEN == 128);

/// One entry of a table: a pair, undistorted or in one of its distorted copies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TableEntry {
    /// The pair's place in the table.
    pub pair: u32,
    /// 0 is undistorted; the others are distorted, each in its own way.
    pub copy: u8,
    /// Its drawings.
    pub item: PairItem,
}

/// An open table: mapped, proved, and read at random by any number of threads.
#[derive(Debug)]
pub struct PairTable {
    path: PathBuf,
    bytes: Bytes,
    recipe: TableRecipe,
    store: StoreDigest,
    drawings: u32,
}

impl PairTable {
    /// Draws a table from a store and writes it; returns its length in bytes.
    ///
    /// # Errors
    /// As [`TableRecipe::draw`], and [`TableError::Publish`] if the file cannot be written or,
    /// unless `overwrite`, exists. Nothing is left half written.
    pub fn write(
        path: &Path,
        store: &Store,
        recipe: &TableRecipe,
        overwrite: bool,
    ) -> Result<u64, TableError> {
        let bytes = PairTable::encode(store, recipe)?;
        publish(path, overwrite, |file| file.write_all(&bytes))?;
        Ok(bytes.len() as u64)
    }

    /// Draws a table from a store without writing it.
    ///
    /// # Errors
    /// As [`TableRecipe::draw`].
    pub fn draw(store: &Store, recipe: &TableRecipe) -> Result<PairTable, TableError> {
        PairTable::from_bytes("the table", PairTable::encode(store, recipe)?)
    }

    /// The bytes of a table's file.
    fn encode(store: &Store, recipe: &TableRecipe) -> Result<Vec<u8>, TableError> {
        let items = recipe.draw(store)?;
        let file_len = file_len(recipe.alphabets.len() as u64, u64::from(recipe.pairs));
        let mut bytes = Vec::with_capacity(file_len as usize);
        bytes.extend(MAGIC);
        for field in [
            TABLE_VERSION,
            recipe.pairs,
            recipe.alphabets.len() as u32,
            recipe.copies.into(),
        ] {
            bytes.extend(field.to_le_bytes());
        }
        bytes.extend(recipe.drawers.start().to_le_bytes());
        bytes.extend(recipe.drawers.end().to_le_bytes());
        bytes.extend(store.drawings().to_le_bytes());
        bytes.extend(recipe.seed.to_le_bytes());
        bytes.extend(file_len.to_le_bytes());
        bytes.extend([0; AT_STORE - AT_ZERO]);
        bytes.extend(store.digest().as_bytes());
        bytes.extend([0; HEADER_LEN - AT_DIGEST]);
        let lefts = items.iter().map(|item| item.left);
        let rights = items.iter().map(|item| item.right);
        for field in recipe.alphabets.iter().copied().chain(lefts).chain(rights) {
            bytes.extend(field.to_le_bytes());
        }
        bytes.extend(items.iter().map(|item| u8::from(item.same)));
        let checksum = digest(&bytes);
        bytes[AT_DIGEST..HEADER_LEN].copy_from_slice(&checksum);
        Ok(bytes)
    }

    /// Maps a table and proves it whole: its checksum, every length and every id.
    ///
    /// # Errors
    /// [`TableError::Read`] if the file cannot be read, [`TableError::Magic`],
    /// [`TableError::Version`] or [`TableError::Damaged`] if it is no sound table.
    pub fn open(path: &Path) -> Result<PairTable, TableError> {
        let bytes = Bytes::map(path).map_err(|source| TableError::Read {
            path: path.to_owned(),
            source,
        })?;
        PairTable::new(path.to_owned(), bytes)
    }

    /// A table that lies in memory; errors name it `name`.
    ///
    /// # Errors
    /// As [`PairTable::open`], without those of reading.
    pub fn from_bytes(name: &str, bytes: Vec<u8>) -> Result<PairTable, TableError> {
        PairTable::new(name.into(), Bytes::Owned(bytes))
    }

    fn new(path: PathBuf, bytes: Bytes) -> Result<PairTable, TableError> {
        let begins = bytes.len().min(MAGIC.len());
        if begins == 0 || bytes[..begins] != MAGIC[..begins] {
            return Err(TableError::Magic { path });
        }
        if let Some(got) = version(&bytes).filter(|&got| got != TABLE_VERSION) {
            return Err(TableError::Version { path, got });
        }
        let (recipe, store, drawings) = match parse(&bytes) {
            Ok(parsed) => parsed,
            Err((offset, what)) => {
                return Err(TableError::Damaged { path, offset, what });
            }
        };
        Ok(PairTable {
            path,
            bytes,
            recipe,
            store,
            drawings,
        })
    }

    /// What it was drawn from.
    #[must_use]
    pub fn recipe(&self) -> &TableRecipe {
        &self.recipe
    }

    /// The store that its ids belong to.
    #[must_use]
    pub fn store(&self) -> StoreDigest {
        self.store
    }

    /// Length of the file.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// The checksum that stands in its header, over everything else, in hexadecimal.
    #[must_use]
    pub fn checksum(&self) -> String {
        let checksum = &self.bytes[AT_DIGEST..HEADER_LEN];
        checksum.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Pairs times copies, the undistorted one counted: 270,000 for 30,000 pairs of 8 copies.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "a table always has pairs")]
    pub fn len(&self) -> u64 {
        u64::from(self.recipe.pairs) * (u64::from(self.recipe.copies) + 1)
    }

    /// Makes sure that its ids are those of `store`, and that its pairs are what they say.
    ///
    /// # Errors
    /// [`TableError::OtherStore`] if it was drawn from another store, and
    /// [`TableError::Damaged`] if a pair does not show what it says.
    pub fn check(&self, store: &Store) -> Result<(), TableError> {
        if store.digest() != self.store || store.drawings() != self.drawings {
            return Err(TableError::OtherStore {
                path: self.path.clone(),
                wanted: self.store,
                got: store.digest(),
            });
        }
        let lies = |p: &u32| {
            let item = self.pair(*p);
            let characters = [item.left, item.right].map(|id| store.character_of(id));
            let alphabet = self.recipe.alphabets[*p as usize % self.recipe.alphabets.len()];
            (characters[0] == characters[1]) != item.same
                || characters.map(|c| store.character(c).alphabet) != [alphabet; 2]
        };
        match (0..self.recipe.pairs).find(lies) {
            None => Ok(()),
            Some(pair) => Err(TableError::Damaged {
                path: self.path.clone(),
                offset: HEADER_LEN + 4 * (self.recipe.alphabets.len() + pair as usize),
                what: format!("pair {pair} does not show what it says"),
            }),
        }
    }

    /// Pair `p`.
    ///
    /// # Panics
    /// If `p` is not below the number of pairs.
    #[must_use]
    pub fn pair(&self, p: u32) -> PairItem {
        let pairs = self.recipe.pairs as usize;
        assert!(p < self.recipe.pairs, "pair {p} of {pairs}");
        pair(&self.bytes, self.recipe.alphabets.len(), pairs, p as usize)
    }

    /// Entry `e`: the copies of a pair lie together.
    ///
    /// # Panics
    /// If `e` is not below [`PairTable::len`].
    #[must_use]
    pub fn entry(&self, e: u64) -> TableEntry {
        assert!(e < self.len(), "entry {e} of {}", self.len());
        let copies = u64::from(self.recipe.copies) + 1;
        let pair = (e / copies) as u32;
        TableEntry {
            pair,
            copy: (e % copies) as u8,
            item: self.pair(pair),
        }
    }

    /// What an entry's left and right drawing are distorted by; `None` for copy 0, which is
    /// not distorted. A pure function of seed, pair and copy.
    #[must_use]
    pub fn distortion(&self, entry: &TableEntry) -> Option<[Stream; 2]> {
        let first = 2 * (256 * u64::from(entry.pair) + u64::from(entry.copy));
        let stream = |item| Stream::new(self.recipe.seed, Purpose::Copy, item);
        (entry.copy > 0).then(|| [stream(first), stream(first + 1)])
    }
}

fn file_len(alphabets: u64, pairs: u64) -> u64 {
    HEADER_LEN as u64 + 4 * alphabets + 9 * pairs // below 2^36
}

/// Over every byte but the checksum's own.
fn digest(bytes: &[u8]) -> [u8; 32] {
    let mut sha = Sha256::new();
    sha.update(&bytes[..AT_DIGEST]);
    sha.update(&bytes[HEADER_LEN..]);
    sha.finalize().into()
}

fn version(bytes: &[u8]) -> Option<u32> {
    let field = bytes.get(AT_VERSION..AT_VERSION + 4)?;
    Some(u32::from_le_bytes(field.try_into().ok()?))
}

/// The field at a place that the caller has proved to be there.
fn field<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    bytes[at..at + N].try_into().expect("the slice has N bytes")
}

fn number(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(field(bytes, at))
}

/// Pair `p` of a file that is long enough for its header's counts.
fn pair(bytes: &[u8], alphabets: usize, pairs: usize, p: usize) -> PairItem {
    let lefts = HEADER_LEN + 4 * alphabets;
    PairItem {
        left: number(bytes, lefts + 4 * p),
        right: number(bytes, lefts + 4 * (pairs + p)),
        same: bytes[lefts + 8 * pairs + p] == 1,
    }
}

type Parsed = (TableRecipe, StoreDigest, u32);

/// Proves everything that a table says of itself; where and what, if something is wrong.
fn parse(bytes: &[u8]) -> Result<Parsed, (usize, String)> {
    let damaged = |offset, what: &str| Err((offset, what.to_owned()));
    if bytes.len() < HEADER_LEN {
        return damaged(
            bytes.len(),
            "the file ends here, inside the header (128 bytes)",
        );
    }
    let pairs = number(bytes, AT_PAIRS);
    let alphabets = number(bytes, AT_ALPHABETS);
    let stated = u64::from_le_bytes(field(bytes, AT_FILE_LEN));
    let counted = file_len(alphabets.into(), pairs.into());
    if stated != bytes.len() as u64 || counted != stated {
        let got = bytes.len();
        let what =
            format!("the file has {got} bytes, its header says {stated}, its counts {counted}");
        return Err((AT_FILE_LEN, what));
    }
    if digest(bytes) != bytes[AT_DIGEST..HEADER_LEN] {
        return damaged(AT_DIGEST, "the checksum over the table differs");
    }
    let even = pairs > 0 && u64::from(pairs).is_multiple_of(2 * u64::from(alphabets));
    if !even {
        return damaged(AT_PAIRS, "the pairs do not part evenly over the alphabets");
    }
    let Ok(copies) = u8::try_from(number(bytes, AT_COPIES)) else {
        return damaged(AT_COPIES, "more than 255 copies");
    };
    let first = u16::from_le_bytes(field(bytes, AT_DRAWERS));
    let last = u16::from_le_bytes(field(bytes, AT_DRAWERS + 2));
    if first > last || bytes[AT_ZERO..AT_STORE].iter().any(|&byte| byte != 0) {
        return damaged(
            AT_DRAWERS,
            "drawers out of order, or bytes not zero that must be",
        );
    }
    let list: Vec<AlphabetId> = (0..alphabets as usize)
        .map(|place| number(bytes, HEADER_LEN + 4 * place))
        .collect();
    if !list.is_sorted_by(|a, b| a < b) {
        return damaged(HEADER_LEN, "the alphabets do not ascend");
    }
    let drawings = number(bytes, AT_DRAWINGS);
    let kinds = bytes.len() - pairs as usize;
    for p in 0..pairs as usize {
        let PairItem { left, right, .. } = pair(bytes, list.len(), pairs as usize, p);
        let same = u8::from((p / list.len()).is_multiple_of(2));
        if left == right || left.max(right) >= drawings || bytes[kinds + p] != same {
            let what = format!("pair {p}: drawings {left} and {right} of {drawings}, or its kind");
            return Err((HEADER_LEN + 4 * (list.len() + p), what));
        }
    }
    let recipe = TableRecipe {
        alphabets: list,
        drawers: first..=last,
        pairs,
        copies,
        seed: u64::from_le_bytes(field(bytes, AT_SEED)),
    };
    let store = StoreDigest::from_bytes(field(bytes, AT_STORE));
    Ok((recipe, store, drawings))
}
