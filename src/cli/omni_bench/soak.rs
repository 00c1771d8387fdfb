//! `omni-bench soak`: a loader for hours, with its memory, threads and open files watched.

use std::fs;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use crate::loader::{Loader, LoaderOptions, Pictures, Produce};
use crate::sheet::Replay;
use crate::store::PageCache;
use anyhow::{Context, Result, bail};
use clap::{Args, value_parser};
use serde::Serialize;

use crate::cli::stream::{StreamArguments, Visit};

/// The most that resident memory may grow from a tenth of the time to its end: what an
/// allocator holds back may come and go by less.
const SLACK_KIB: u64 = 1024;

/// Run a loader for hours and fail if anything grows.
///
/// The stream is read from batch 0 on; the loader is dropped and started again where it was
/// after each period. After each, the process's resident memory, its threads and its open
/// files are read (Linux alone tells them), with the loader gone. Fails if memory at the end is
/// more than 1 MiB over that of a tenth of the time, or if threads or files are left.
#[derive(Args)]
pub struct Soak {
    #[command(flatten)]
    stream: StreamArguments,
    /// How long, in minutes.
    #[arg(long, default_value_t = 120.0, value_parser = minutes)]
    minutes: f64,
    /// Seconds from one start of the loader to the next.
    #[arg(long, default_value_t = 30.0, value_parser = super::windows::seconds)]
    period: f64,
    /// Threads that make batches.
    #[arg(long, default_value_t = 2, value_parser = value_parser!(u16).range(1..=256))]
    workers: u16,
    /// Batches made ahead.
    #[arg(long, default_value_t = 4, value_parser = value_parser!(u16).range(1..=1024))]
    depth: u16,
    /// Print every reading as a line of JSON.
    #[arg(long)]
    json: bool,
}

/// What the system says of this process.
#[derive(Clone, Copy, Serialize)]
struct Reading {
    seconds: u64,
    batches: u64,
    resident_kib: u64,
    threads: usize,
    files: usize,
}

impl Soak {
    pub fn run(self) -> Result<()> {
        self.stream.visit(&self)
    }

    fn judge(&self, readings: &[Reading]) -> Result<()> {
        let last = readings.last().context("nothing was read")?;
        let tenth = (self.minutes * 6.0) as u64;
        let settled = readings.iter().find(|reading| reading.seconds >= tenth);
        let settled = settled.unwrap_or(last);
        let most = readings.iter().map(|r| r.resident_kib).max().unwrap_or(0);
        print_line!(
            "{}: {} batches by {} loaders in {} s; resident {} KiB at a tenth, {} at the end, {most} at most; \
             {} thread, {} files",
            self.stream.describe(),
            last.batches,
            readings.len(),
            last.seconds,
            settled.resident_kib,
            last.resident_kib,
            last.threads,
            last.files,
        );
        if last.resident_kib > settled.resident_kib + SLACK_KIB {
            bail!("memory has grown");
        }
        if readings
            .iter()
            .any(|r| r.threads > readings[0].threads || r.files > readings[0].files)
        {
            bail!("threads or files were left by a loader");
        }
        Ok(())
    }
}

impl Visit for &Soak {
    fn visit<P>(self, producer: P, _: &PageCache) -> Result<()>
    where
        P: Produce<Batch: Pictures + Replay>,
    {
        let producer = Arc::new(producer);
        let options = LoaderOptions {
            workers: usize::from(self.workers),
            depth: usize::from(self.depth),
            ..LoaderOptions::default()
        };
        let (whole, period) = (
            Duration::from_secs_f64(60.0 * self.minutes),
            Duration::from_secs_f64(self.period),
        );
        let (began, mut batches, mut readings) = (Instant::now(), 0, Vec::new());
        while began.elapsed() < whole {
            let started = Instant::now();
            let mut loader = Loader::start(Arc::clone(&producer), batches..1 << 40, options);
            while started.elapsed() < period {
                let batch = loader.next_batch().context("the stream has ended")??;
                if batch.index() != batches {
                    bail!("batch {} came for batch {batches}", batch.index());
                }
                batches += 1;
            }
            drop(loader);
            let reading = Reading::settled(began.elapsed().as_secs(), batches)?;
            if self.json {
                print_line!("{}", serde_json::to_string(&reading)?);
            }
            readings.push(reading);
        }
        self.judge(&readings)
    }
}

impl Reading {
    /// A reading with the loader's threads gone. The system may list a thread for a moment after
    /// it was joined, so there is a second in which it may still go.
    fn settled(seconds: u64, batches: u64) -> Result<Reading> {
        for _ in 0..100 {
            let reading = Reading::take(seconds, batches)?;
            if reading.threads == 1 {
                return Ok(reading);
            }
            thread::sleep(Duration::from_millis(10));
        }
        Reading::take(seconds, batches)
    }

    fn take(seconds: u64, batches: u64) -> Result<Reading> {
        let status = fs::read_to_string("/proc/self/status")
            .context("/proc/self/status: cannot be read; a soak needs Linux")?;
        let number = |name: &str| {
            status
                .lines()
                .find_map(|line| line.strip_prefix(name)?.split_whitespace().next())
                .and_then(|number| number.parse::<u64>().ok())
                .with_context(|| format!("/proc/self/status: has no {name}"))
        };
        Ok(Reading {
            seconds,
            batches,
            resident_kib: number("VmRSS:")?,
            threads: number("Threads:")? as usize,
            files: fs::read_dir("/proc/self/fd")?.count(),
        })
    }
}

/// Reads a time in minutes.
fn minutes(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(minutes) if (0.01..=10_000.0).contains(&minutes) => Ok(minutes),
        _ => Err("a soak takes 0.01 to 10000 minutes".to_owned()),
    }
}
