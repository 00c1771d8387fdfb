//! A stream of batches as it is said on the command line: one text for every program that
//! times, digests or draws one, so that the same words name the same batches in all of them.

use std::path::PathBuf;
use std::sync::Arc;

use crate::archive::Split;
use crate::distort::{Distortion, Pixel, Resize};
use crate::loader::{ClassBatches, PairBatches, Pictures, Produce, TableBatches, TaskBatches};
use crate::sample::{
    BatchSampler, BatchShape, PairSampler, PairShape, PairTable, Scope, TaskSampler, TaskShape,
    alphabets_of,
};
use crate::sheet::Replay;
use crate::store::{PageCache, Store};
use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum, value_parser};

/// The most drawings of a batch of tasks.
const MOST_DRAWINGS: usize = 1 << 15;

/// Which stream, of which store.
#[derive(Args, Clone)]
pub struct StreamArguments {
    /// The store to draw from; its background set alone is used.
    pub store: PathBuf,
    /// Which stream.
    #[arg(long, value_enum, default_value_t = StreamName::Pairs)]
    pub stream: StreamName,
    /// Seed of every random decision.
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
    /// Draw from the first so many background alphabets alone.
    #[arg(long, value_name = "N", value_parser = value_parser!(u32).range(1..))]
    pub alphabets: Option<u32>,
    /// Pairs in a batch; a batch of classes holds as many drawings, two for each pair.
    #[arg(long, default_value_t = 64, value_parser = value_parser!(u32).range(1..=16384))]
    pub pairs: u32,
    /// Share of the different pairs that is drawn within one alphabet, in 1/256.
    #[arg(long, default_value_t = 128, value_name = "SHARE", value_parser = value_parser!(u32).range(0..=256))]
    pub within: u32,
    /// Tasks in a batch of tasks.
    #[arg(long, default_value_t = 8, value_parser = value_parser!(u32).range(1..=1024))]
    pub tasks: u32,
    /// Characters to choose among in a task.
    #[arg(long, default_value_t = 20, value_parser = value_parser!(u32).range(1..=1000))]
    pub ways: u32,
    /// Support drawings of each character of a task.
    #[arg(long, default_value_t = 1, value_parser = value_parser!(u32).range(1..=19))]
    pub shots: u32,
    /// Where the characters of a task come from.
    #[arg(long, value_enum, default_value_t = Scope::Within)]
    pub scope: Scope,
    /// Leave the drawings of tasks undistorted.
    #[arg(long)]
    pub plain: bool,
    /// The table of pairs that omni-pack table wrote, for the stream of that name.
    #[arg(long, value_name = "FILE")]
    pub table: Option<PathBuf>,
    /// Width and height of the pictures in pixels.
    #[arg(long, default_value_t = 105, value_parser = value_parser!(u32).range(2..=105))]
    pub side: u32,
    /// How drawings are distorted.
    #[arg(long, value_enum, default_value_t = Law::Koch)]
    pub law: Law,
    /// How a picture smaller than 105 pixels comes to its size.
    #[arg(long, value_enum, default_value_t = Resize::Warp)]
    pub resize: Resize,
    /// How a pixel is kept.
    #[arg(long, value_enum, default_value_t = PixelName::F32)]
    pub pixel: PixelName,
}

/// A stream's name.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum StreamName {
    /// Pairs, half of them of one character.
    Pairs,
    /// Drawings by class, half of a batch from one alphabet.
    Classes,
    /// One-shot tasks: a support and a query each.
    Tasks,
    /// The pairs of a fixed table, each epoch in another order.
    Table,
}

/// A law of distortion's name.
#[derive(Clone, Copy, ValueEnum)]
pub enum Law {
    /// Affine, as Koch (2015) has it.
    Koch,
    /// Affine, stroke width and elastic.
    Compact,
}

/// A kind of pixel's name.
#[derive(Clone, Copy, ValueEnum)]
pub enum PixelName {
    /// 0.0 to 1.0.
    F32,
    /// 0 to 255.
    U8,
}

/// What is done with a stream, whichever it is.
pub trait Visit {
    /// Does it with what makes the stream's batches, and the pages behind it.
    fn visit<P>(self, producer: P, pages: &PageCache) -> Result<()>
    where
        P: Produce<Batch: Pictures + Replay>;
}

impl StreamArguments {
    /// Opens the store, and hands the stream's producer to `visit`.
    pub fn visit(&self, visit: impl Visit) -> Result<()> {
        match self.pixel {
            PixelName::F32 => self.visit_pixels::<f32>(visit),
            PixelName::U8 => self.visit_pixels::<u8>(visit),
        }
    }

    fn visit_pixels<P: Pixel>(&self, visit: impl Visit) -> Result<()> {
        let store = Arc::new(Store::open(&self.store)?);
        let path = self.store.display();
        let mut alphabets = alphabets_of(&store, Split::Background);
        if alphabets.is_empty() {
            bail!("{path}: holds no background alphabet");
        }
        if let Some(some) = self.alphabets {
            alphabets.truncate(some as usize);
        }
        let law = self.distortion();
        let (side, seed, pairs) = (self.side as usize, self.seed, self.pairs as usize);
        let pages = Arc::new(PageCache::new(Arc::clone(&store)));
        let kept = Arc::clone(&pages);
        match self.stream {
            StreamName::Pairs => {
                let shape = PairShape {
                    pairs,
                    within_alphabet: self.within,
                };
                let sampler = PairSampler::new(&store, &alphabets, shape, seed)
                    .with_context(|| format!("{path}: has no such pairs"))?;
                visit.visit(
                    PairBatches::<P>::new(kept, sampler, law, side, seed)?,
                    &pages,
                )
            }
            StreamName::Classes => {
                let shape = BatchShape {
                    drawings: 2 * pairs,
                    alphabet_characters: pairs / 2,
                    poses: 4,
                };
                let sampler = BatchSampler::new(&store, &alphabets, shape, seed);
                visit.visit(
                    ClassBatches::<P>::new(kept, sampler, law, side, seed)?,
                    &pages,
                )
            }
            StreamName::Tasks => {
                let shape = self.task_shape();
                let tasks = self.tasks as usize;
                let drawings = tasks * (shape.ways * shape.shots + 1);
                if drawings > MOST_DRAWINGS {
                    bail!("a batch of {drawings} drawings; the most is {MOST_DRAWINGS}");
                }
                let sampler = TaskSampler::new(&store, &alphabets, shape, seed)
                    .with_context(|| format!("{path}: has no such tasks"))?;
                let batches = TaskBatches::<P>::new(kept, sampler, tasks, law, side, seed)?;
                visit.visit(if self.plain { batches.plain() } else { batches }, &pages)
            }
            StreamName::Table => {
                let table = self.table.as_ref();
                let table = table.context("--stream table wants --table FILE")?;
                let table = Arc::new(PairTable::open(table)?);
                let batches = TableBatches::<P>::new(kept, table, pairs, law, side, seed)?;
                visit.visit(batches, &pages)
            }
        }
    }

    fn distortion(&self) -> Distortion {
        let law = match self.law {
            Law::Koch => Distortion::KOCH,
            Law::Compact => Distortion::COMPACT,
        };
        if self.resize.is_warp() {
            return law;
        }
        Distortion {
            resize: self.resize,
            source_side: 105, // filters take the page itself
            ..law
        }
    }

    fn task_shape(&self) -> TaskShape {
        TaskShape {
            ways: self.ways as usize,
            shots: self.shots as usize,
            scope: self.scope,
        }
    }

    /// The stream in words: what two machines must have in common for equal digests.
    pub fn describe(&self) -> String {
        let batch = match self.stream {
            StreamName::Pairs => format!(
                "{} pairs a batch, {}/256 of the different ones within an alphabet",
                self.pairs, self.within
            ),
            StreamName::Classes => format!("{} drawings by class a batch", 2 * self.pairs),
            StreamName::Tasks => format!(
                "{} tasks a batch, {} ways {} shots {} alphabets{}",
                self.tasks,
                self.ways,
                self.shots,
                name(self.scope),
                if self.plain { ", plain" } else { "" }
            ),
            StreamName::Table => format!("{} pairs of a table a batch", self.pairs),
        };
        let resize = match self.resize {
            Resize::Warp => String::new(),
            filter => format!(" by {}", name(filter)),
        };
        let alphabets = self
            .alphabets
            .map_or_else(String::new, |some| format!(" of {some} alphabets"));
        format!(
            "{batch}{alphabets}; {}, {} at {} x {}{resize}, seed {}",
            name(self.pixel),
            name(self.law),
            self.side,
            self.side,
            self.seed
        )
    }
}

/// A value as it is said on the command line.
fn name(value: impl ValueEnum) -> String {
    value
        .to_possible_value()
        .map_or_else(String::new, |value| value.get_name().to_owned())
}
