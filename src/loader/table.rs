//! Batches from a fixed table of pairs, in an order shuffled afresh for every epoch.
//!
//! An epoch visits every entry of the table once: each pair as often as it has copies, the
//! undistorted one counted. With `e` entries, the pair at place `j` of batch `i` is number
//! `n = i · pairs + j` of the stream: entry number `n mod e` of the order of epoch `n / e`. So
//! all batches are full; a batch in which an epoch ends goes on with the next one, and may
//! hold an entry of both. [`Order`] computes any place of an order alone: no epoch is ever
//! written down, and resuming in its middle costs nothing.
//!
//! Koch's balance (as many pairs of each alphabet, half of each kind) holds for the table, and so for
//! every whole epoch. It does not hold for a batch, which is a random part of the table.

use std::sync::Arc;

use thiserror::Error;

use super::painter::Painter;
use super::pairs::PairBatch;
use super::picture::Pictures;
use super::queue::Produce;
use super::rank_slice::RankSlice;
use crate::distort::{Distorter, Distortion, DistortionError, Pixel};
use crate::sample::{MOST_PAIRS, Order, PairTable, TableEntry, TableError};
use crate::store::{PageCache, StoreError};

/// Pairs of a table.
#[derive(Clone, Debug, PartialEq)]
pub struct TableBatch<P> {
    /// Pictures and labels, as those of pairs that are drawn afresh.
    pub pairs: PairBatch<P>,
    /// Which entries they are, in order.
    pub entries: Vec<TableEntry>,
}

/// In bytes: of each pair its place in the table (`u32`), its copy (`u8`), its left and right
/// drawing (`u32` each), and 1 if it shows one character, else 0 (`u8`); the pixels.
impl<P: Pixel> Pictures for TableBatch<P> {
    type Pixel = P;

    fn pixels(&self) -> [&[P]; 2] {
        self.pairs.pixels()
    }

    fn pixels_mut(&mut self) -> [&mut [P]; 2] {
        self.pairs.pixels_mut()
    }

    fn labels(&self, bytes: &mut Vec<u8>) {
        for entry in &self.entries {
            bytes.extend(entry.pair.to_le_bytes());
            bytes.push(entry.copy);
            entry.item.append_to(bytes);
        }
    }
}

/// Why a table makes no batches.
#[derive(Debug, Error)]
pub enum TableBatchError {
    /// It is another store's, or not what it says.
    #[error(transparent)]
    Table(#[from] TableError),
    /// A value of the distortion is out of its range.
    #[error(transparent)]
    Distortion(#[from] DistortionError),
    /// No batch has so many pairs.
    #[error("a batch of {pairs} pairs of a table: give 1 to {MOST_PAIRS}")]
    Pairs {
        /// Pairs that were asked for.
        pairs: usize,
    },
}

/// Makes [`TableBatch`]es: which entries, the seed says; how a copy is distorted, the table says
/// ([`PairTable::distortion`]), so that it looks the same in every epoch and under every seed.
pub struct TableBatches<P> {
    painter: Painter<P>,
    table: Arc<PairTable>,
    pairs: usize,
}

impl<P: Pixel> TableBatches<P> {
    /// Batches of `pairs` pairs, 1 to [`MOST_PAIRS`], of pictures `side` pixels wide and high,
    /// 2 to 105. The seed orders the epochs; it need not be the table's.
    ///
    /// # Errors
    /// [`TableBatchError`] if the table was drawn from another store than the pages' or does not
    /// show what it says, if `pairs` is out of its range, or a value of the distortion is.
    pub fn new(
        pages: Arc<PageCache>,
        table: Arc<PairTable>,
        pairs: usize,
        distortion: Distortion,
        side: usize,
        seed: u64,
    ) -> Result<TableBatches<P>, TableBatchError> {
        table.check(pages.store())?;
        if !(1..=MOST_PAIRS).contains(&pairs) {
            return Err(TableBatchError::Pairs { pairs });
        }
        Ok(TableBatches {
            painter: Painter::new(pages, distortion, side, seed)?,
            table,
            pairs,
        })
    }

    /// The same batches, of each the `places` alone.
    #[must_use]
    pub fn sliced(self, places: RankSlice) -> TableBatches<P> {
        TableBatches {
            painter: self.painter.sliced(places),
            ..self
        }
    }

    /// The table that the pairs stand in; an epoch visits all its entries.
    #[must_use]
    pub fn table(&self) -> &PairTable {
        &self.table
    }

    /// Width and height of the pictures in pixels.
    #[must_use]
    pub fn side(&self) -> usize {
        self.painter.side()
    }

    /// Puts the entries of batch `index` into `entries`.
    fn draw(&self, index: u64, entries: &mut Vec<TableEntry>) {
        assert!(index < 1 << 48, "batch {index} is not below 2^48");
        let all = self.table.len();
        let first = index * self.pairs as u64;
        let mut epoch = first / all;
        let (seed, places) = (self.painter.seed(), self.painter.places);
        let mut order = Order::new(seed, epoch, all);
        entries.clear();
        for place in 0..places.count(self.pairs) {
            let number = first + places.place(place);
            if number / all != epoch {
                epoch = number / all;
                order = Order::new(seed, epoch, all);
            }
            entries.push(self.table.entry(order.entry(number % all)));
        }
    }
}

impl<P: Pixel> Produce for TableBatches<P> {
    type Batch = TableBatch<P>;
    type Scratch = Distorter;

    fn batch(&self) -> TableBatch<P> {
        let pairs = self.painter.places.count(self.pairs);
        TableBatch {
            pairs: PairBatch::empty(pairs, &self.painter),
            entries: Vec::with_capacity(pairs),
        }
    }

    fn scratch(&self) -> Distorter {
        self.painter.distorter()
    }

    fn fill(
        &self,
        index: u64,
        distorter: &mut Distorter,
        batch: &mut TableBatch<P>,
    ) -> Result<(), StoreError> {
        let TableBatch { pairs, entries } = batch;
        self.draw(index, entries);
        pairs.items.clear();
        pairs.items.extend(entries.iter().map(|entry| entry.item));
        pairs.paint(self.painter.area(), |place, tower, drawing, picture| {
            let mut streams = self.table.distortion(&entries[place]);
            let stream = streams.as_mut().map(|both| &mut both[tower as usize]);
            (self.painter).paint(distorter, (drawing, 0), stream, picture)
        })
    }
}
