//! `omni-bench digest`: the loader's contract as a command. What it prints hangs on the
//! store, the seed and the stream, never on workers, ranks, depth or machine.

use std::sync::Arc;

use crate::loader::{Loader, LoaderOptions, Pictures, Produce, RankSlice};
use crate::sheet::Replay;
use crate::store::PageCache;
use anyhow::{Context, Result, bail};
use clap::{Args, value_parser};

use crate::cli::stream::{StreamArguments, Visit};

/// Print one digest of a stream: the same on every machine, for any workers and ranks.
///
/// BLAKE3 over the batches in order: of each its number (u64), its labels, and every pixel
/// (f32 or u8), all little-endian and without gaps. The labels of a batch of pairs: of each
/// its left and right drawing (u32 each), and 1 if they show one character, else 0 (u8);
/// the pixels are those of all left drawings, then of all right ones. Of a batch of classes:
/// the drawing (u32), the pose (u8) and the class (i64) of each drawing, and the
/// number of those at the front that are of one alphabet (u64). Of a batch of tasks: the
/// support drawings way by way, the query (u32 each) and the right way (i64) of each task; the
/// pixels are those of all supports, then of all queries. Of a batch of a table: of each pair its
/// place in the table (u32) and its copy (u8), then what a pair has.
#[derive(Args)]
pub struct Digest {
    #[command(flatten)]
    stream: StreamArguments,
    /// First batch.
    #[arg(long, default_value_t = 0, value_name = "I")]
    from: u64,
    /// The batch after the last one.
    #[arg(long, default_value_t = 64, value_name = "J", value_parser = value_parser!(u64).range(..1 << 28))]
    to: u64,
    /// Threads that make batches, for each rank.
    #[arg(long, default_value_t = 1, value_parser = value_parser!(u16).range(1..=256))]
    workers: u16,
    /// Batches made ahead, for each rank.
    #[arg(long, default_value_t = 4, value_parser = value_parser!(u16).range(1..=1024))]
    depth: u16,
    /// Loaders that share the stream, as the processes of a larger training would; put
    /// together again in order.
    #[arg(long, default_value_t = 1, value_parser = value_parser!(u16).range(1..=64))]
    ranks: u16,
    /// Print the digest of each batch as well.
    #[arg(long)]
    each: bool,
}

impl Digest {
    pub fn run(self) -> Result<()> {
        if self.from >= self.to {
            bail!("there is no batch from {} to {}", self.from, self.to);
        }
        self.stream.visit(&self)
    }
}

impl Visit for &Digest {
    fn visit<P>(self, producer: P, _: &PageCache) -> Result<()>
    where
        P: Produce<Batch: Pictures + Replay>,
    {
        let producer = Arc::new(producer);
        let world = u64::from(self.ranks);
        let mut loaders: Vec<_> = (0..world)
            .map(|rank| {
                let options = LoaderOptions {
                    workers: usize::from(self.workers),
                    depth: usize::from(self.depth),
                    batches: RankSlice::of(rank, world),
                };
                Loader::start(Arc::clone(&producer), self.from..self.to, options)
            })
            .collect();
        let (mut whole, mut bytes) = (blake3::Hasher::new(), Vec::new());
        for index in self.from..self.to {
            let batch = loaders[(index % world) as usize]
                .next_batch()
                .with_context(|| format!("batch {index} is missing"))??;
            bytes.clear();
            batch.append_to(index, &mut bytes);
            whole.update(&bytes);
            if self.each {
                print_line!("{}  batch {index}", blake3::hash(&bytes));
            }
        }
        let stream = self.stream.describe();
        let (from, to) = (self.from, self.to);
        print_line!("{}  {stream}, batches {from}..{to}", whole.finalize());
        Ok(())
    }
}
