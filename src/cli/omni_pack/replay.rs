//! `omni-pack replay`: a batch of a stream as a picture.

use std::path::PathBuf;

use crate::loader::{Pictures, Produce};
use crate::sheet::{Replay as Replayed, replay_sheet};
use crate::store::PageCache;
use anyhow::{Context, Result};
use clap::{Args, value_parser};

use super::save;
use crate::cli::stream::{StreamArguments, Visit};

/// Draw a batch of a stream as a picture, just as a network gets it.
///
/// Say the stream as to omni-bench digest. Every drawing is there, distorted, pixel for pixel,
/// with its alphabet, character and drawer. The same words give the same picture.
#[derive(Args)]
pub struct Replay {
    #[command(flatten)]
    stream: StreamArguments,
    /// The PNG picture to write.
    output: PathBuf,
    /// Number of the batch.
    #[arg(long, default_value_t = 0, value_name = "I", value_parser = value_parser!(u64).range(..1 << 28))]
    index: u64,
    /// Only the pair or task at this place of the batch, from 0.
    #[arg(long, value_name = "J")]
    place: Option<usize>,
    /// Replace a picture that is there already.
    #[arg(long)]
    force: bool,
}

impl Replay {
    pub fn run(self) -> Result<()> {
        self.stream.visit(&self)
    }
}

impl Visit for &Replay {
    fn visit<P>(self, producer: P, pages: &PageCache) -> Result<()>
    where
        P: Produce<Batch: Pictures + Replayed>,
    {
        let mut batch = producer.batch();
        producer.fill(self.index, &mut producer.scratch(), &mut batch)?;
        let mut panels = batch.panels(pages.store(), self.index);
        if let Some(place) = self.place {
            let all = panels.len();
            let one = panels.into_iter().nth(place);
            panels = vec![one.with_context(|| format!("place {place}: the batch has {all}"))?];
        }
        let title = format!("batch {}: {}", self.index, self.stream.describe());
        let canvas = replay_sheet(&title, self.stream.side as usize, &panels)?;
        save(&canvas, &self.output, self.force)
    }
}
