//! `omni-bench loader`: how many distorted pairs a second this machine makes, and what
//! writing that many pixels alone would take.

use std::sync::Arc;

use crate::distort::Pixel;
use crate::loader::{Loader, LoaderOptions, Pictures, Produce};
use crate::sheet::Replay;
use crate::store::{PageCache, StoreError};
use anyhow::{Context, Result, ensure};
use clap::{Args, value_parser};

use super::windows::{Rates, decode_all};
use crate::cli::stream::{StreamArguments, Visit};

/// Time the batches of a stream, in pairs a second.
///
/// A pair is two distorted drawings, in every stream. Four kinds of rows: batches through the loader, with
/// each number of workers; the same work in the caller's thread, without any loader; the same
/// work in as many threads as there are workers, each for itself, which is what this machine has
/// to give; and batches that are only written, with one value, which is the limit that memory sets.
/// The cores are those that the system gives the process (see taskset).
#[derive(Args)]
pub struct LoaderTimes {
    #[command(flatten)]
    stream: StreamArguments,
    /// Numbers of workers to time.
    #[arg(long, value_delimiter = ',', default_values_t = [1, 2], value_parser = value_parser!(u16).range(1..=256))]
    workers: Vec<u16>,
    /// Batches made ahead, for each number of workers. Unless told, 3 more than there are
    /// workers: each of them fills one, and the caller reads one, so that with fewer some would
    /// stand idle.
    #[arg(long, value_parser = value_parser!(u16).range(1..=1024))]
    depth: Option<u16>,
    /// Windows of time for each row; one more goes before them uncounted.
    #[arg(long, default_value_t = 5, value_parser = value_parser!(u16).range(1..=1000))]
    windows: u16,
    /// Seconds of a window.
    #[arg(long, default_value_t = 1.0, value_parser = super::windows::seconds)]
    seconds: f64,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// One row of the answer.
struct Row {
    what: &'static str,
    workers: u16,
    /// Batches made ahead; none without a loader.
    depth: usize,
    rates: Rates,
    /// Share of the time that the consumer waited for a batch.
    waited: Option<f64>,
}

impl LoaderTimes {
    pub fn run(self) -> Result<()> {
        self.stream.visit(&self)
    }
}

impl Visit for &LoaderTimes {
    fn visit<P>(self, producer: P, pages: &PageCache) -> Result<()>
    where
        P: Produce<Batch: Pictures + Replay>,
    {
        decode_all(pages)?;
        let side = f64::from(self.stream.side);
        let pixels = producer.batch().pixels().concat().len() as f64;
        let pairs = pixels / (2.0 * side * side);
        let producer = Arc::new(producer);
        let mean_ink = self.check(&producer)?;
        let mut rows = Vec::new();
        for &workers in &self.workers {
            rows.push(self.time("loader", &producer, pairs, workers)?);
        }
        rows.push(self.time_alone(&*producer, pairs)?);
        for &workers in &self.workers {
            rows.push(self.time_apart(&*producer, pairs, workers)?);
        }
        let writer = Arc::new(Writer(Arc::clone(&producer)));
        for &workers in &self.workers {
            rows.push(self.time("writing only", &writer, pairs, workers)?);
        }
        self.print(&rows, mean_ink);
        Ok(())
    }
}

impl LoaderTimes {
    /// A wrong answer cannot win: batches through the loader are those made directly, and
    /// have ink and ground. Returns the mean ink.
    fn check<P>(&self, producer: &Arc<P>) -> Result<f64>
    where
        P: Produce<Batch: Pictures>,
    {
        let (mut scratch, mut direct) = (producer.scratch(), producer.batch());
        let mut ink = 0.0;
        let mut loader = Loader::start(Arc::clone(producer), 0..4, self.options(2));
        for index in 0..4 {
            producer.fill(index, &mut scratch, &mut direct)?;
            let batch = loader.next_batch().context("a batch is missing")??;
            ensure!(*batch == direct, "batch {index} differs through the loader");
            ink += mean_ink(&*batch)? / 4.0;
        }
        ensure!((0.005..0.5).contains(&ink), "the mean ink is {ink}");
        Ok(ink)
    }

    fn options(&self, workers: u16) -> LoaderOptions {
        LoaderOptions {
            workers: usize::from(workers),
            depth: (self.depth)
                .map_or_else(|| LoaderOptions::depth_for(workers.into()), usize::from),
            ..LoaderOptions::default()
        }
    }

    fn time<P: Produce>(
        &self,
        what: &'static str,
        producer: &Arc<P>,
        pairs: f64,
        workers: u16,
    ) -> Result<Row> {
        let options = self.options(workers);
        let mut loader = Loader::start(Arc::clone(producer), 0..1 << 28, options);
        let began = std::time::Instant::now();
        let rates = Rates::of_loader(&mut loader, (self.windows, self.seconds), pairs)?;
        let waited = loader.counts().waited.as_secs_f64() / began.elapsed().as_secs_f64();
        Ok(Row {
            what,
            workers,
            depth: options.depth,
            rates,
            waited: Some(waited),
        })
    }

    /// In this thread, into one buffer: what the loader adds is the difference.
    fn time_alone<P: Produce>(&self, producer: &P, pairs: f64) -> Result<Row> {
        let (mut scratch, mut batch) = (producer.scratch(), producer.batch());
        let mut indices = 0..;
        let rates = Rates::measure(usize::from(self.windows), self.seconds, || {
            let index = indices.next().context("the stream has ended")?;
            producer.fill(index, &mut scratch, &mut batch)?;
            std::hint::black_box(&batch);
            Ok(pairs)
        })?;
        Ok(Row {
            what: "no loader",
            workers: 0,
            depth: 0,
            rates,
            waited: None,
        })
    }

    /// In threads that share nothing that changes: what the loader has less, its threads lose to
    /// each other.
    fn time_apart<P: Produce>(&self, producer: &P, pairs: f64, workers: u16) -> Result<Row> {
        let time = (self.windows, self.seconds);
        Ok(Row {
            what: "apart",
            workers,
            depth: 0,
            rates: super::apart::measure(producer, workers, time, pairs)?,
            waited: None,
        })
    }

    fn print(&self, rows: &[Row], mean_ink: f64) {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let stream = self.stream.describe();
        if self.json {
            let rows: Vec<_> = rows
                .iter()
                .map(|row| {
                    let [least, most] = row.rates.range();
                    serde_json::json!({
                        "what": row.what,
                        "workers": row.workers,
                        "depth": row.depth,
                        "pairs_per_second": row.rates.median(),
                        "least": least,
                        "most": most,
                        "waited": row.waited,
                    })
                })
                .collect();
            let json = serde_json::json!({
                "stream": stream, "cores": cores, "mean_ink": mean_ink, "rows": rows,
            });
            print_line!("{json:#}");
            return;
        }
        print_line!("{stream}; {cores} cores; mean ink {mean_ink:.4}");
        print_line!(
            "what          workers  depth    pairs/s      least       most  consumer waited"
        );
        for row in rows {
            let [least, most] = row.rates.range();
            let waited = row
                .waited
                .map_or_else(String::new, |share| format!("{:.0}%", 100.0 * share));
            print_line!(
                "{:<12} {:>8} {:>6} {:>10.0} {least:>10.0} {most:>10.0}  {waited:>15}",
                row.what,
                row.workers,
                row.depth,
                row.rates.median(),
            );
        }
    }
}

/// Ink as a share of all pixels; refuses a pixel that is neither ground, ink nor between.
fn mean_ink<B: Pictures>(batch: &B) -> Result<f64> {
    let (mut sum, mut count) = (0.0, 0.0);
    let full: f64 = B::Pixel::INK.into();
    for &pixel in batch.pixels().into_iter().flatten() {
        let ink = pixel.into() / full;
        ensure!((0.0..=1.0).contains(&ink), "a pixel is {ink}");
        (sum, count) = (sum + ink, count + 1.0);
    }
    Ok(sum / count)
}

/// Batches as large as the stream's that are only filled, each with another value than the
/// one before.
struct Writer<P>(Arc<P>);

impl<P: Produce<Batch: Pictures>> Produce for Writer<P> {
    type Batch = Vec<<P::Batch as Pictures>::Pixel>;
    type Scratch = ();

    fn batch(&self) -> Self::Batch {
        self.0.batch().pixels().concat()
    }

    fn scratch(&self) {}

    fn fill(&self, index: u64, (): &mut (), batch: &mut Self::Batch) -> Result<(), StoreError> {
        let ink = <P::Batch as Pictures>::Pixel::INK;
        batch.fill(if index.is_multiple_of(2) {
            ink
        } else {
            Default::default()
        });
        Ok(())
    }
}
