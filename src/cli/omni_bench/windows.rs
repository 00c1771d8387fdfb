//! Timing by windows: run for a while, again and again, and tell the median and the spread.

use std::time::{Duration, Instant};

use crate::loader::{Loader, Produce};
use crate::store::{PageCache, StoreError};
use anyhow::{Context, Result};

/// Rates of several windows, per second.
pub struct Rates(Vec<f64>);

impl Rates {
    /// Calls `work`, which returns how much it did, for `seconds` in each of `windows`
    /// windows, after one window that is not counted.
    pub fn measure(
        windows: usize,
        seconds: f64,
        mut work: impl FnMut() -> Result<f64>,
    ) -> Result<Rates> {
        let length = Duration::from_secs_f64(seconds);
        let mut rates = Vec::with_capacity(windows);
        for window in 0..=windows {
            let (began, mut done) = (Instant::now(), 0.0);
            while began.elapsed() < length {
                done += work()?;
            }
            if window > 0 {
                rates.push(done / began.elapsed().as_secs_f64());
            }
        }
        rates.sort_by(f64::total_cmp);
        Ok(Rates(rates))
    }

    /// Rates of a loader's batches, each of which counts for `size`, in so many windows of so many
    /// seconds.
    pub fn of_loader<P: Produce>(
        loader: &mut Loader<P>,
        (windows, seconds): (u16, f64),
        size: f64,
    ) -> Result<Rates> {
        Rates::measure(usize::from(windows), seconds, || {
            loader.next_batch().context("the stream has ended")??;
            Ok(size)
        })
    }

    /// The middle rate, the higher one of two.
    pub fn median(&self) -> f64 {
        self.0[self.0.len() / 2]
    }

    /// The least and the greatest rate.
    pub fn range(&self) -> [f64; 2] {
        [self.0[0], self.0[self.0.len() - 1]]
    }
}

/// Decodes every page, before any clock runs.
pub fn decode_all(pages: &PageCache) -> Result<(), StoreError> {
    (0..pages.store().drawings()).try_for_each(|id| pages.page(id).map(drop))
}

/// Reads the length of a window.
pub fn seconds(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(seconds) if (0.001..=3600.0).contains(&seconds) => Ok(seconds),
        _ => Err("a window is 0.001 to 3600 seconds long".to_owned()),
    }
}
