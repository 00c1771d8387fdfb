//! The work: pair `i`, distorted, as a pure function of `i`. Every loader gets this same
//! function, so that only what they do with it differs.

use std::cell::RefCell;
use std::path::Path;
use std::sync::Arc;

use anyhow::Result;
use omnishot::distort::{Distorter, Distortion};
use omnishot::sample::{PairItem, TableRecipe};
use omnishot::seed::{Purpose, Stream};
use omnishot::store::{PageCache, Store};

pub const SIDE: usize = 105;
pub const AREA: usize = SIDE * SIDE;
/// Pairs in a batch.
pub const PAIRS: usize = 64;
/// Batches in an epoch; enough for any window.
pub const BATCHES: usize = 1 << 15;

/// A pair's pixels, left then right, and whether they show one character.
pub type Sample = (Vec<f32>, bool);
/// Pixels [2, 64, 1, 105, 105], and 64 labels.
pub type Batch = (Vec<f32>, Vec<bool>);

thread_local! {
    /// Each thread's own, as each worker of ours has it.
    static DISTORTER: RefCell<Distorter> =
        RefCell::new(Distorter::new(Distortion::KOCH).expect("Koch's law is in range"));
}

#[derive(Clone)]
pub struct Work {
    pages: Arc<PageCache>,
    same: Arc<Vec<PairItem>>,
    different: Arc<Vec<PairItem>>,
    /// The pair at which a worker panics, to see who hears of it.
    pub panics_at: Option<usize>,
}

impl Work {
    pub fn new(path: &Path) -> Result<Work> {
        let store = Arc::new(Store::open(path)?);
        let items = TableRecipe::training(&store, 0, 90_000, 0, 0)?.draw(&store)?;
        let (same, different) = items.iter().partition(|item| item.same);
        let pages = PageCache::new(Arc::clone(&store));
        for id in 0..store.drawings() {
            pages.page(id)?; // decoded before any clock runs
        }
        Ok(Work {
            pages: Arc::new(pages),
            same: Arc::new(same),
            different: Arc::new(different),
            panics_at: None,
        })
    }

    /// Draws pair `i` into two pictures; says whether they show one character.
    pub fn draw(&self, i: usize, left: &mut [f32], right: &mut [f32]) -> bool {
        assert!(
            self.panics_at != Some(i),
            "pair {i} panics, as it was told to"
        );
        let same = i.is_multiple_of(2);
        let items = if same { &self.same } else { &self.different };
        let item = items[i / 2 % items.len()];
        for (tower, id, picture) in [(0, item.left, left), (1, item.right, right)] {
            let page = self.pages.page(id).expect("the store is sound");
            let stream = &mut Stream::new(0, Purpose::PairDistort, 2 * i as u64 + tower);
            DISTORTER.with_borrow_mut(|d| d.draw(page, 0, stream, picture));
        }
        same
    }

    /// Pair `i` on its own, as a data set's item.
    pub fn sample(&self, i: usize) -> Sample {
        let mut pixels = vec![0.0; 2 * AREA];
        let (left, right) = pixels.split_at_mut(AREA);
        let same = self.draw(i, left, right);
        (pixels, same)
    }
}

/// A batch of samples.
pub fn collate(samples: &[Sample]) -> Batch {
    let mut pixels = Vec::with_capacity(samples.len() * 2 * AREA);
    for half in [0..AREA, AREA..2 * AREA] {
        for (sample, _) in samples {
            pixels.extend_from_slice(&sample[half.clone()]);
        }
    }
    (pixels, samples.iter().map(|sample| sample.1).collect())
}
