//! `omni-bench plan`: how many workers keep a consumer busy on this machine.

use std::path::PathBuf;
use std::sync::Arc;

use crate::archive::Split;
use crate::distort::Distortion;
use crate::loader::{Loader, LoaderOptions, PairBatches};
use crate::presets::PRESETS;
use crate::sample::{PairSampler, PairShape, alphabets_of};
use crate::store::{PageCache, Store};
use anyhow::{Context, Result};
use clap::{Args, value_parser};
use serde::Deserialize;

use super::apart;
use super::windows::{Rates, decode_all};

/// Say how many workers keep a consumer busy on this machine.
///
/// Times the loader with a preset's distortion and size of pictures, f32, in batches of as many
/// drawings as the preset has, for 1, 2, 4 workers and so on up to the cores that the system
/// gives the process (see taskset). Drawings come from pairs, whatever the preset's own batches
/// hold: what a drawing costs hangs on its distortion and its size. Beside it stands what as many
/// threads make apart, each for itself: the machine's own limit.
#[derive(Args)]
pub struct Plan {
    /// The store to draw from; its background set alone is used.
    store: PathBuf,
    /// Whose distortion, pictures and batches.
    #[arg(long, value_parser = PRESETS.map(|(name, _)| name))]
    preset: String,
    /// Drawings a second that the consumer takes: a training prints its own.
    #[arg(long, value_name = "DRAWINGS", value_parser = value_parser!(u32).range(1..))]
    consumer: Option<u32>,
    /// Windows of time for each row; one more goes before them uncounted.
    #[arg(long, default_value_t = 3, value_parser = value_parser!(u16).range(1..=1000))]
    windows: u16,
    /// Seconds of a window.
    #[arg(long, default_value_t = 0.5, value_parser = super::windows::seconds)]
    seconds: f64,
}

/// What a loader has to know of a preset.
#[derive(Deserialize)]
struct Settings {
    batch: Batch,
    network: Network,
    distortion: Distortion,
}

#[derive(Deserialize)]
struct Batch {
    pairs: Option<usize>,
    drawings: Option<usize>,
}

#[derive(Deserialize)]
struct Network {
    side: Option<usize>,
    embedder: Option<Box<Network>>,
}

impl Network {
    fn side(&self) -> Option<usize> {
        self.side.or_else(|| self.embedder.as_ref()?.side())
    }
}

/// Drawings a second with so many workers: of the loader, and of as many threads apart.
struct Row {
    workers: u16,
    loader: f64,
    apart: f64,
}

impl Plan {
    pub fn run(self) -> Result<()> {
        let preset = PRESETS.iter().find(|(name, _)| *name == self.preset);
        let (_, text) = preset.context("the command line takes no other")?;
        let settings: Settings = toml::from_str(text)?;
        let side = settings.network.side().context("a network has a side")?;
        let drawings = settings.batch.drawings.map(|drawings| drawings / 2);
        let pairs = settings.batch.pairs.or(drawings);
        let pairs = pairs.context("a batch has drawings")?;
        let producer = Arc::new(self.producer(pairs, side, settings.distortion)?);
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        print_line!("{pairs} pairs a batch of {side} x {side}; {cores} cores\n");
        print_line!("| workers | drawings/s | as many threads apart |");
        print_line!("|---|---|---|");
        let mut rows = Vec::new();
        for workers in counts(cores.min(256) as u16) {
            let row = self.row(&producer, pairs, workers)?;
            print_line!("| {workers} | {:.0} | {:.0} |", row.loader, row.apart);
            rows.push(row);
        }
        print_line!("\n{}", advice(&rows, self.consumer));
        Ok(())
    }

    fn producer(
        &self,
        pairs: usize,
        side: usize,
        distortion: Distortion,
    ) -> Result<PairBatches<f32>> {
        let store = Arc::new(Store::open(&self.store)?);
        let path = self.store.display();
        let alphabets = alphabets_of(&store, Split::Background);
        let shape = PairShape {
            pairs,
            within_alphabet: 128,
        };
        let sampler = PairSampler::new(&store, &alphabets, shape, 0)
            .with_context(|| format!("{path}: has no such pairs"))?;
        let pages = Arc::new(PageCache::new(store));
        decode_all(&pages)?;
        Ok(PairBatches::new(pages, sampler, distortion, side, 0)?)
    }

    fn row(&self, producer: &Arc<PairBatches<f32>>, pairs: usize, workers: u16) -> Result<Row> {
        let drawings = 2.0 * pairs as f64;
        let options = LoaderOptions {
            workers: usize::from(workers),
            depth: LoaderOptions::depth_for(workers.into()),
            ..LoaderOptions::default()
        };
        let mut loader = Loader::start(Arc::clone(producer), 0..1 << 28, options);
        let time = (self.windows, self.seconds);
        let made = Rates::of_loader(&mut loader, time, drawings)?;
        drop(loader);
        let apart = apart::measure(&**producer, workers, time, drawings)?;
        Ok(Row {
            workers,
            loader: made.median(),
            apart: apart.median(),
        })
    }
}

/// 1, 2, 4 and so on, and all of them.
fn counts(cores: u16) -> Vec<u16> {
    let mut counts: Vec<u16> = (0..)
        .map(|k| 1 << k)
        .take_while(|&count| count < cores)
        .collect();
    counts.push(cores);
    counts
}

/// The answer in words. A tenth more than the consumer takes is asked of the workers, so that it
/// never waits.
fn advice(rows: &[Row], consumer: Option<u32>) -> String {
    let best = rows.iter().max_by(|a, b| a.loader.total_cmp(&b.loader));
    let (Some(best), Some(one)) = (best, rows.first()) else {
        return String::new();
    };
    let Some(consumer) = consumer else {
        return format!(
            "With a tenth to spare, 1 worker keeps a consumer of {:.0} drawings/s busy; most is made \
             with {}, for one of {:.0}.",
            one.loader / 1.1,
            best.workers,
            best.loader / 1.1
        );
    };
    let enough = rows
        .iter()
        .find(|row| row.loader >= 1.1 * f64::from(consumer));
    match enough {
        Some(row) => format!(
            "Workers for a consumer of {consumer} drawings/s: {}, with a tenth to spare.",
            row.workers
        ),
        None => format!(
            "No number of workers here keeps a consumer of {consumer} drawings/s busy: {} make \
             {:.0}. Draw smaller pictures, or give the loader more cores.",
            best.workers, best.loader
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(rates: &[f64]) -> Vec<Row> {
        let row = |(at, &rate): (usize, &f64)| Row {
            workers: 1 << at,
            loader: rate,
            apart: rate,
        };
        rates.iter().enumerate().map(row).collect()
    }

    #[test]
    fn the_fewest_workers_that_suffice_are_named() {
        let rows = rows(&[1000.0, 1900.0, 3500.0]);
        for (consumer, workers) in [(900, 1), (1000, 2), (3000, 4)] {
            let want = format!("{consumer} drawings/s: {workers}, with a tenth to spare.");
            let said = advice(&rows, Some(consumer));
            assert!(said.ends_with(&want), "{said}");
        }
        assert!(advice(&rows, Some(3400)).starts_with("No number of workers"));
        assert!(advice(&rows, None).contains("with 4, for one of 3182"));
    }

    #[test]
    fn workers_double_up_to_the_cores() {
        assert_eq!(counts(1), [1]);
        assert_eq!(counts(2), [1, 2]);
        assert_eq!(counts(6), [1, 2, 4, 6]);
        assert_eq!(counts(16), [1, 2, 4, 8, 16]);
    }

    #[test]
    fn every_preset_says_what_a_loader_has_to_know() {
        for (_, text) in PRESETS {
            let settings: Settings = toml::from_str(text).unwrap();
            settings.distortion.check().unwrap();
            assert!(settings.network.side().is_some_and(|side| side <= 105));
            assert!(settings.batch.pairs.or(settings.batch.drawings).is_some());
        }
    }
}
