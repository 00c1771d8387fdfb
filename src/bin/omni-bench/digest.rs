//! `omni-bench digest`: the loader's contract as a command. What it prints hangs on the
//! store, the seed and the stream, never on workers, ranks, depth or machine.

use anyhow::{Context, Result, bail};
use clap::{Args, value_parser};
use omnishot::loader::{ClassBatch, Loader, LoaderOptions};

use crate::stream::StreamArguments;

/// Print one digest of a stream: the same on every machine, for any workers and ranks.
///
/// BLAKE3 over the batches in order: of each its number (u64), then the drawing (u32), the
/// quarter turns (u8) and the class (i64) of each of its drawings, the number of those at
/// the front that are of one alphabet (u64), and every pixel (f32), all little-endian.
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
    #[arg(long, default_value_t = 8, value_parser = value_parser!(u16).range(1..=1024))]
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
        let (producer, _) = self.stream.producer()?;
        let world = u64::from(self.ranks);
        let mut loaders: Vec<_> = (0..world)
            .map(|rank| {
                let options = LoaderOptions {
                    workers: usize::from(self.workers),
                    depth: usize::from(self.depth),
                    rank,
                    world,
                };
                Loader::start(producer.clone(), self.from..self.to, options)
            })
            .collect();
        let (mut whole, mut bytes) = (blake3::Hasher::new(), Vec::new());
        for index in self.from..self.to {
            let batch = loaders[(index % world) as usize]
                .next_batch()
                .with_context(|| format!("batch {index} is missing"))??;
            bytes.clear();
            serialize(index, &batch, &mut bytes);
            whole.update(&bytes);
            if self.each {
                println!("{}  batch {index}", blake3::hash(&bytes));
            }
        }
        let stream = self.stream.describe();
        let (from, to) = (self.from, self.to);
        println!("{}  {stream}, batches {from}..{to}", whole.finalize());
        Ok(())
    }
}

fn serialize(index: u64, batch: &ClassBatch, bytes: &mut Vec<u8>) {
    bytes.extend(index.to_le_bytes());
    for (item, class) in batch.items.iter().zip(&batch.classes) {
        bytes.extend(item.drawing.to_le_bytes());
        bytes.push(item.quarter);
        bytes.extend(class.to_le_bytes());
    }
    bytes.extend((batch.alphabet_part as u64).to_le_bytes());
    bytes.extend(batch.images.iter().flat_map(|pixel| pixel.to_le_bytes()));
}
