//! `omni-bench store`: what opening, reading all, and reading at random take.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use crate::image::{Page, SIDE};
use crate::seed::{Purpose, Stream};
use crate::store::{PageCache, Store};
use anyhow::{Result, ensure};
use clap::{Args, value_parser};

/// Time opening a store, reading all of it, and reading at random.
///
/// One thread; the file lies in the system's cache after the first round, which is not
/// counted. Checksums are verified as always. Medians of several rounds.
#[derive(Args)]
pub struct StoreTimes {
    /// The store to time.
    store: PathBuf,
    /// Rounds that count.
    #[arg(long, default_value_t = 5, value_parser = value_parser!(u16).range(1..=1000))]
    rounds: u16,
    /// Drawings to read at random in each round.
    #[arg(long, default_value_t = 2000, value_parser = value_parser!(u32).range(1..=1_000_000))]
    random: u32,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// What is timed, as the table and the JSON name it, and its unit.
const NAMES: [(&str, &str); 5] = [
    ("open", "ms"),
    ("open and read all, one bit a pixel", "ms"),
    ("open and read all, one byte a pixel", "ms"),
    ("one random drawing, decoded", "us"),
    ("one random drawing, from the page cache", "us"),
];

impl StoreTimes {
    pub fn run(self) -> Result<()> {
        let store = Arc::new(Store::open(&self.store)?);
        ensure!(store.drawings() > 0, "{}: is empty", self.store.display());
        let cache = PageCache::new(Arc::clone(&store));
        for id in 0..store.drawings() {
            cache.page(id)?;
        }
        let mut times = [const { Vec::new() }; NAMES.len()];
        for round in 0..=u64::from(self.rounds) {
            let measured = self.round(round, &store, &cache)?;
            if round > 0 {
                for (times, measured) in times.iter_mut().zip(measured) {
                    times.push(measured);
                }
            }
        }
        let medians = times.map(|mut times| {
            times.sort_by(f64::total_cmp);
            times[times.len() / 2]
        });
        self.print(&store, medians);
        Ok(())
    }

    fn round(&self, round: u64, store: &Store, cache: &PageCache) -> Result<[f64; NAMES.len()]> {
        let began = Instant::now();
        drop(Store::open(&self.store)?);
        let open = began.elapsed().as_secs_f64() * 1e3;

        let mut pixels = vec![0; store.drawings() as usize * SIDE * SIDE];
        let mut read_all = |expanded: bool| -> Result<f64> {
            let began = Instant::now();
            let store = Store::open(&self.store)?;
            let mut decoder = store.decoder();
            let mut out = pixels.chunks_exact_mut(SIDE * SIDE);
            let mut ink = 0;
            for id in 0..store.characters().len() as u32 {
                for page in decoder.character(id)? {
                    match out.next().filter(|_| expanded) {
                        Some(out) => expand(page, out),
                        None => ink += u32::from(page.bands()[0]),
                    }
                }
            }
            std::hint::black_box(ink);
            Ok(began.elapsed().as_secs_f64() * 1e3)
        };
        let bits = read_all(false)?;
        let bytes = read_all(true)?;

        let mut stream = Stream::new(round, Purpose::Batch, 0);
        let ids: Vec<u32> = (0..self.random)
            .map(|_| stream.below(store.drawings()))
            .collect();
        let mut image = [0; SIDE * SIDE];
        let mut ink = [0u32; 2];
        let mut decoder = store.decoder();
        let began = Instant::now();
        for &id in &ids {
            expand(decoder.drawing(id)?, &mut image);
            ink[0] += u32::from(image[id as usize % image.len()]);
        }
        let decoded = began.elapsed().as_secs_f64() * 1e6 / f64::from(self.random);
        let began = Instant::now();
        for &id in &ids {
            expand(cache.page(id)?, &mut image);
            ink[1] += u32::from(image[id as usize % image.len()]);
        }
        let cached = began.elapsed().as_secs_f64() * 1e6 / f64::from(self.random);
        ensure!(ink[0] == ink[1], "the page cache differs from the store");
        Ok([open, bits, bytes, decoded, cached])
    }

    fn print(&self, store: &Store, medians: [f64; NAMES.len()]) {
        if self.json {
            let json = serde_json::json!({
                "bytes": store.len(),
                "drawings": store.drawings(),
                "open_ms": medians[0],
                "read_all_bits_ms": medians[1],
                "read_all_bytes_ms": medians[2],
                "random_decoded_us": medians[3],
                "random_cached_us": medians[4],
            });
            print_line!("{json:#}");
            return;
        }
        let path = self.store.display();
        print_line!(
            "{path}: {} drawings in {} bytes",
            store.drawings(),
            store.len()
        );
        for ((name, unit), median) in NAMES.iter().zip(medians) {
            print_line!("{name:<40} {median:>10.3} {unit}");
        }
    }
}

/// One byte a pixel, 1 for ink.
fn expand(page: &Page, out: &mut [u8]) {
    let (rows, _) = out.as_chunks_mut::<SIDE>();
    for (y, row) in rows.iter_mut().enumerate() {
        page.expand_row(y, 1, row);
    }
}
