//! `omni-bench growth`: how the cost of a stream grows, one thing changed at a time.

use std::sync::Arc;

use crate::loader::{Loader, LoaderOptions, Pictures, Produce};
use crate::sheet::Replay;
use crate::store::PageCache;
use anyhow::Result;
use clap::{Args, value_parser};

use super::windows::{Rates, decode_all};
use crate::cli::stream::{StreamArguments, Visit};

/// Time how the cost of a stream grows with its batch, its pictures, workers and classes.
///
/// One thing is changed at a time from what the flags say. Prints a Markdown table: pairs
/// a second through the loader, the time of a picture for each worker, and that of one of its
/// pixels. The cores are those that the system gives the process (see taskset).
#[derive(Args)]
pub struct Growth {
    #[command(flatten)]
    stream: StreamArguments,
    /// Pairs in a batch to time.
    #[arg(long, value_delimiter = ',', default_values_t = [2, 8, 64, 512], value_parser = value_parser!(u32).range(1..=16384))]
    batches: Vec<u32>,
    /// Sides of pictures to time, in pixels.
    #[arg(long, value_delimiter = ',', default_values_t = [28, 48, 64, 105], value_parser = value_parser!(u32).range(2..=105))]
    sides: Vec<u32>,
    /// Numbers of workers to time.
    #[arg(long, value_delimiter = ',', default_values_t = [1, 2], value_parser = value_parser!(u16).range(1..=256))]
    workers: Vec<u16>,
    /// Numbers of background alphabets to time.
    #[arg(long, value_delimiter = ',', default_values_t = [1, 3, 30], value_parser = value_parser!(u32).range(1..))]
    classes: Vec<u32>,
    /// Windows of time for each row; one more goes before them uncounted.
    #[arg(long, default_value_t = 5, value_parser = value_parser!(u16).range(1..=1000))]
    windows: u16,
    /// Seconds of a window.
    #[arg(long, default_value_t = 0.5, value_parser = super::windows::seconds)]
    seconds: f64,
}

impl Growth {
    pub fn run(self) -> Result<()> {
        print_line!(
            "{}; 1 worker where nothing else is said\n",
            self.stream.describe()
        );
        print_line!("| changed | pairs/s | µs a picture | ns a pixel |");
        print_line!("|---|---|---|---|");
        let base = || self.stream.clone();
        for &pairs in &self.batches {
            self.row(
                format!("{pairs} pairs a batch"),
                StreamArguments { pairs, ..base() },
                1,
            )?;
        }
        for &side in &self.sides {
            self.row(
                format!("{side} x {side} pixels"),
                StreamArguments { side, ..base() },
                1,
            )?;
        }
        for &workers in &self.workers {
            self.row(format!("{workers} workers"), base(), workers)?;
        }
        for &some in &self.classes {
            let stream = StreamArguments {
                alphabets: Some(some),
                ..base()
            };
            self.row(format!("{some} alphabets"), stream, 1)?;
        }
        Ok(())
    }

    fn row(&self, changed: String, stream: StreamArguments, workers: u16) -> Result<()> {
        stream.visit(Timing {
            growth: self,
            changed,
            side: stream.side,
            workers,
        })
    }
}

/// One row.
struct Timing<'a> {
    growth: &'a Growth,
    changed: String,
    side: u32,
    workers: u16,
}

impl Visit for Timing<'_> {
    fn visit<P>(self, producer: P, pages: &PageCache) -> Result<()>
    where
        P: Produce<Batch: Pictures + Replay>,
    {
        decode_all(pages)?;
        let area = f64::from(self.side).powi(2);
        let pixels: usize = producer
            .batch()
            .pixels()
            .iter()
            .map(|part| part.len())
            .sum();
        let pairs = pixels as f64 / (2.0 * area);
        let options = LoaderOptions {
            workers: usize::from(self.workers),
            depth: LoaderOptions::depth_for(self.workers.into()),
            ..LoaderOptions::default()
        };
        let mut loader = Loader::start(Arc::new(producer), 0..1 << 28, options);
        let Growth {
            windows, seconds, ..
        } = *self.growth;
        let rates = Rates::of_loader(&mut loader, (windows, seconds), pairs)?;
        let rate = rates.median();
        let picture = f64::from(self.workers) / (2.0 * rate); // seconds
        print_line!(
            "| {} | {rate:.0} | {:.2} | {:.2} |",
            self.changed,
            1e6 * picture,
            1e9 * picture / area
        );
        Ok(())
    }
}
