//! The stream that is timed or digested, as it is said on the command line.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Result, bail};
use clap::{Args, ValueEnum, value_parser};
use omnishot::archive::Split;
use omnishot::distort::Distortion;
use omnishot::loader::ClassBatches;
use omnishot::sample::{BatchSampler, BatchShape, alphabets_of};
use omnishot::store::{PageCache, Store};

/// Which stream, of which store.
#[derive(Args)]
pub struct StreamArguments {
    /// The store to draw from; its background set alone is used.
    pub store: PathBuf,
    /// Which stream.
    #[arg(long, value_enum, default_value_t = StreamName::Classes)]
    pub stream: StreamName,
    /// Seed of every random decision.
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
    /// Drawings in a batch; half of it comes from one alphabet.
    #[arg(long, default_value_t = 128, value_parser = value_parser!(u32).range(2..=65536))]
    pub drawings: u32,
    /// Width and height of the images in pixels.
    #[arg(long, default_value_t = 105, value_parser = value_parser!(u32).range(2..=105))]
    pub side: u32,
    /// How drawings are distorted.
    #[arg(long, value_enum, default_value_t = Law::Koch)]
    pub law: Law,
}

/// A stream's name.
#[derive(Clone, Copy, ValueEnum)]
pub enum StreamName {
    /// Drawings by class.
    Classes,
}

/// A law of distortion's name.
#[derive(Clone, Copy, ValueEnum)]
pub enum Law {
    /// Affine, as Koch (2015) has it.
    Koch,
    /// Affine, stroke width and elastic.
    Compact,
}

impl StreamArguments {
    /// Opens the store and makes what produces the stream's batches, and the pages behind it.
    pub fn producer(&self) -> Result<(Arc<ClassBatches>, Arc<PageCache>)> {
        let store = Arc::new(Store::open(&self.store)?);
        let alphabets = alphabets_of(&store, Split::Background);
        if alphabets.is_empty() {
            bail!("{}: holds no background alphabet", self.store.display());
        }
        let shape = BatchShape {
            drawings: self.drawings as usize,
            alphabet_characters: self.drawings as usize / 4,
        };
        let StreamName::Classes = self.stream;
        let sampler = BatchSampler::new(&store, &alphabets, shape, self.seed);
        let distortion = match self.law {
            Law::Koch => Distortion::KOCH,
            Law::Compact => Distortion::COMPACT,
        };
        let pages = Arc::new(PageCache::new(store));
        let side = self.side as usize;
        let batches = ClassBatches::new(pages.clone(), sampler, distortion, side, self.seed)?;
        Ok((Arc::new(batches), pages))
    }

    /// The stream in words: what two machines must have in common for equal digests.
    pub fn describe(&self) -> String {
        format!(
            "{} of {} drawings, {} at {} x {}, seed {}",
            name(self.stream),
            self.drawings,
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
