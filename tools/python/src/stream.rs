//! Which batches a caller asked for, and the loader that makes them.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, Result, ensure};
use omnishot::archive::Split;
use omnishot::distort::Distortion;
use omnishot::loader::{
    ClassBatches, Loader, LoaderCounts, LoaderOptions, PairBatches, Produce, RankSlice, TaskBatches,
};
use omnishot::sample::{
    BatchSampler, BatchShape, PairSampler, PairShape, Scope, TaskSampler, TaskShape, alphabets_of,
};
use omnishot::store::{PageCache, Store};
use serde::Deserialize;

use crate::lease::{Frame, Lease, Lend, Lent, Letter};

/// The most drawings of a batch.
const MOST_DRAWINGS: usize = 1 << 15;
/// The most bytes of all buffers together, and batches of a stream: so no number overflows.
const MOST_BYTES: usize = 1 << 33;
const MOST_BATCHES: u64 = 1 << 32;

/// What a caller asks for, as JSON. Nothing is left out: defaults are the caller's.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    store: PathBuf,
    stream: Stream,
    seed: u64,
    side: usize,
    law: Law,
    pixel: PixelName,
    workers: usize,
    depth: usize,
    start: u64,
    stop: u64,
    rank: u64,
    world: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
enum Stream {
    Pairs {
        pairs: usize,
        within_alphabet: u32,
    },
    Classes {
        drawings: usize,
        alphabet_characters: usize,
        poses: u32,
    },
    Tasks {
        tasks: usize,
        ways: usize,
        shots: usize,
        scope: ScopeName,
        plain: bool,
    },
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Law {
    Koch,
    Compact,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum PixelName {
    F32,
    U8,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum ScopeName {
    Within,
    Between,
}

/// A loader, whatever its stream.
pub trait Batches: Send {
    /// The next batch in order, or nothing after the last.
    ///
    /// # Errors
    /// In place of the first batch that cannot be made.
    fn next(&mut self) -> Result<Option<Lease>>;
    /// How it has fared, and how many batches it had to copy.
    fn counts(&self) -> (LoaderCounts, u64);
}

struct Lending<P: Produce> {
    loader: Loader<P>,
    frame: Frame,
    depth: usize,
    lent: Arc<AtomicUsize>,
    copies: u64,
}

impl<P: Produce<Batch: Lend>> Batches for Lending<P> {
    /// The last buffer is never lent: a caller who keeps all others gets copies, and the workers
    /// go on. So nobody waits for a buffer that the waiting caller holds.
    fn next(&mut self) -> Result<Option<Lease>> {
        let Some(ready) = self.loader.next_batch().transpose()? else {
            return Ok(None);
        };
        if self.lent.load(Ordering::Acquire) + 1 < self.depth {
            return Ok(Some(Lease::of(ready, Lent::new(&self.lent), self.frame)));
        }
        self.copies += 1;
        Ok(Some(Lease::copy(ready, self.frame)))
    }

    fn counts(&self) -> (LoaderCounts, u64) {
        (self.loader.counts(), self.copies)
    }
}

impl Settings {
    /// Reads the JSON.
    ///
    /// # Errors
    /// If it is none, or a name or a value is not known.
    pub fn parse(json: &[u8]) -> Result<Settings> {
        Ok(serde_json::from_slice(json)?)
    }

    /// Opens the store and starts the threads.
    ///
    /// # Errors
    /// If a value is out of its range or the store cannot serve.
    pub fn start(self) -> Result<Box<dyn Batches>> {
        match self.pixel {
            PixelName::F32 => self.start_pixels::<f32>(),
            PixelName::U8 => self.start_pixels::<u8>(),
        }
    }

    fn start_pixels<P: Letter>(&self) -> Result<Box<dyn Batches>> {
        self.check(size_of::<P>())?;
        let store = Arc::new(Store::open(&self.store)?);
        let path = self.store.display();
        let alphabets = alphabets_of(&store, Split::Background);
        ensure!(
            !alphabets.is_empty(),
            "{path}: holds no background alphabet"
        );
        let law = match self.law {
            Law::Koch => Distortion::KOCH,
            Law::Compact => Distortion::COMPACT,
        };
        let pages = Arc::new(PageCache::new(Arc::clone(&store)));
        let (side, seed) = (self.side, self.seed);
        match self.stream {
            Stream::Pairs {
                pairs,
                within_alphabet,
            } => {
                let shape = PairShape {
                    pairs,
                    within_alphabet,
                };
                let sampler = PairSampler::new(&store, &alphabets, shape, seed)
                    .with_context(|| format!("{path}: has no such pairs"))?;
                self.load(PairBatches::<P>::new(pages, sampler, law, side, seed)?)
            }
            Stream::Classes {
                drawings,
                alphabet_characters,
                poses,
            } => {
                let shape = BatchShape {
                    drawings,
                    alphabet_characters,
                    poses,
                };
                let sampler = BatchSampler::new(&store, &alphabets, shape, seed);
                self.load(ClassBatches::<P>::new(pages, sampler, law, side, seed)?)
            }
            Stream::Tasks {
                tasks,
                ways,
                shots,
                scope,
                plain,
            } => {
                let scope = match scope {
                    ScopeName::Within => Scope::Within,
                    ScopeName::Between => Scope::Between,
                };
                let shape = TaskShape { ways, shots, scope };
                let sampler = TaskSampler::new(&store, &alphabets, shape, seed)
                    .with_context(|| format!("{path}: has no such tasks"))?;
                let batches = TaskBatches::<P>::new(pages, sampler, tasks, law, side, seed)?;
                self.load(if plain { batches.plain() } else { batches })
            }
        }
    }

    fn check(&self, pixel: usize) -> Result<()> {
        let within = |name: &str, value: usize, least: usize, most: usize| {
            ensure!(
                (least..=most).contains(&value),
                "{name} is {value}; it must lie from {least} to {most}"
            );
            Ok(())
        };
        within("workers", self.workers, 1, 256)?;
        within("depth", self.depth, 1, 1024)?;
        within("side", self.side, 2, 105)?;
        let (start, stop) = (self.start, self.stop);
        ensure!(
            start <= stop && stop <= MOST_BATCHES,
            "batches {start} to {stop}: start is at most stop, and stop at most 2^32"
        );
        let (rank, world) = (self.rank, self.world);
        ensure!(
            rank < world && world <= MOST_BATCHES,
            "rank {rank} of world {world}: rank lies below world, and world at 2^32 at most"
        );
        let drawings = match self.stream {
            Stream::Pairs { pairs, .. } => pairs.saturating_mul(2),
            Stream::Classes {
                drawings,
                alphabet_characters,
                poses,
            } => {
                within("poses", poses as usize, 1, 8)?;
                within("alphabet_characters", alphabet_characters, 0, drawings / 2)?;
                drawings
            }
            Stream::Tasks {
                tasks, ways, shots, ..
            } => {
                let support = ways.saturating_mul(shots);
                tasks.saturating_mul(support.saturating_add(1))
            }
        };
        within(
            "the number of drawings in a batch",
            drawings,
            1,
            MOST_DRAWINGS,
        )?;
        let bytes = self.depth * drawings * self.side * self.side * pixel;
        within("depth times the bytes of a batch", bytes, 1, MOST_BYTES)
    }

    fn load<P: Produce<Batch: Lend>>(&self, producer: P) -> Result<Box<dyn Batches>> {
        let options = LoaderOptions {
            workers: self.workers,
            depth: self.depth,
            batches: RankSlice::of(self.rank, self.world),
        };
        let (ways, shots) = match self.stream {
            Stream::Tasks { ways, shots, .. } => (ways, shots),
            Stream::Pairs { .. } | Stream::Classes { .. } => (0, 0),
        };
        Ok(Box::new(Lending {
            loader: Loader::start(Arc::new(producer), self.start..self.stop, options),
            frame: Frame {
                side: self.side,
                ways,
                shots,
            },
            depth: self.depth,
            lent: Arc::new(AtomicUsize::new(0)),
            copies: 0,
        }))
    }
}
