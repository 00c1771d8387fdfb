//! The queue's own code over many orders in which its threads may go on: every batch once and
//! in order, no thread left waiting, errors at their place, no buffer made or lost.
//!
//! The file `src/loader/queue.rs` is compiled here a second time, with what its threads meet
//! through under the scheduler's hand: at each lock, channel and counter shuttle decides
//! who goes on, by dice (`RandomScheduler`) or by few well-placed changes of priority (`PctScheduler`:
//! Burckhardt et al. 2010). Threads that all wait fail the test, and a failure prints its
//! schedule. Memory orders are not weakened: all is seen as if sequentially consistent.
//!
//! `QUEUE_SCHEDULES=100000 cargo test --no-default-features --test schedules` looks longer.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

#[path = "../src/loader/queue.rs"]
#[allow(
    dead_code,
    reason = "the queue is the loader's, and not all of it is asked for"
)]
mod queue;
#[path = "../src/loader/rank_slice.rs"]
#[allow(dead_code, reason = "the queue wants a part of it")]
mod rank_slice;
#[path = "common/scheduled.rs"]
mod sync;
/// What the queue uses of the crate.
mod store {
    pub use omnishot::store::StoreError;
}

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};

use queue::{LoadError, Loader, LoaderOptions, Produce, Ready};
use rank_slice::RankSlice;
use shuttle::rand::Rng;
use shuttle::scheduler::{PctScheduler, RandomScheduler, Scheduler};
use shuttle::{Config, Runner};
use store::StoreError;

/// Changes of priority in a run of the second scheduler.
const CHANGES: usize = 3;

/// Runs a check over many schedules, half of them of each kind, the same at each call.
fn over_schedules(check: impl Fn() + Send + Sync + 'static) {
    let schedules = std::env::var("QUEUE_SCHEDULES").map_or(1000, |n| n.parse().unwrap());
    let check = Arc::new(check);
    let run = |scheduler: Box<dyn Scheduler + Send>| {
        let check = Arc::clone(&check);
        Runner::new(scheduler, Config::new()).run(move || check());
    };
    run(Box::new(RandomScheduler::new_from_seed(7, schedules / 2)));
    run(Box::new(PctScheduler::new_from_seed(
        7,
        CHANGES,
        schedules / 2,
    )));
}

/// How many of something there are, and were ever made.
#[derive(Default)]
struct Tally {
    living: AtomicUsize,
    made: AtomicUsize,
}

/// One of those that a tally counts.
struct Counted(Arc<Tally>);

impl Counted {
    fn new(tally: &Arc<Tally>) -> Counted {
        tally.living.fetch_add(1, SeqCst);
        tally.made.fetch_add(1, SeqCst);
        Counted(Arc::clone(tally))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.living.fetch_sub(1, SeqCst);
    }
}

/// Makes batches that hold their own number, keeps what was made, and fails where told to.
#[derive(Default)]
struct Numbers {
    fails_at: Option<u64>,
    filled: Mutex<Vec<u64>>,
    buffers: Arc<Tally>,
    workers: Arc<Tally>,
}

impl Produce for Numbers {
    type Batch = (u64, Counted);
    type Scratch = Counted;

    fn batch(&self) -> (u64, Counted) {
        (u64::MAX, Counted::new(&self.buffers))
    }

    fn scratch(&self) -> Counted {
        Counted::new(&self.workers)
    }

    fn fill(
        &self,
        index: u64,
        _: &mut Counted,
        batch: &mut (u64, Counted),
    ) -> Result<(), StoreError> {
        shuttle::thread::yield_now(); // a batch takes its time
        self.filled.lock().unwrap().push(index);
        if self.fails_at == Some(index) {
            return Err(StoreError::Unpackable("made to fail".to_owned()));
        }
        batch.0 = index;
        Ok(())
    }
}

/// The least of everything, one of all, and more than there is use for.
const SIZES: [(usize, usize); 6] = [(1, 1), (2, 1), (1, 2), (2, 2), (3, 2), (2, 3)];

fn options((workers, depth): (usize, usize), rank: u64, world: u64) -> LoaderOptions {
    LoaderOptions {
        workers,
        depth,
        batches: RankSlice::of(rank, world),
    }
}

/// Takes a batch that is there, and holds it to its number.
fn takes(loader: &mut Loader<Numbers>, index: u64) -> Ready<(u64, Counted)> {
    let batch = loader.next_batch().unwrap().unwrap();
    assert_eq!((batch.index(), batch.0), (index, index));
    batch
}

/// Ends a loader and looks at what is left.
fn ends(loader: Loader<Numbers>, numbers: &Numbers) {
    drop(loader);
    assert_eq!(numbers.workers.living.load(SeqCst), 0, "a worker is left");
    assert_eq!(numbers.buffers.living.load(SeqCst), 0, "a buffer is left");
}

#[test]
fn every_batch_comes_once_and_in_order() {
    for size in SIZES {
        for (range, rank, world) in [(0..5, 0, 1), (3..12, 1, 2), (2..2, 0, 1)] {
            over_schedules(move || {
                let numbers = Arc::new(Numbers::default());
                let options = options(size, rank, world);
                let mut loader = Loader::start(Arc::clone(&numbers), range.clone(), options);
                let due: Vec<u64> = range.clone().filter(|n| n % world == rank).collect();
                for &index in &due {
                    takes(&mut loader, index);
                }
                assert!(loader.next_batch().is_none(), "a batch too many");
                ends(loader, &numbers);
                let mut filled = numbers.filled.lock().unwrap().clone();
                filled.sort_unstable();
                assert_eq!(filled, due, "a batch was made twice or not at all");
                assert_eq!(numbers.buffers.made.load(SeqCst), size.1);
            });
        }
    }
}

/// The consumer keeps as many batches as it may and still ask for one more, and gives back
/// whichever it likes, from this thread or another.
#[test]
fn held_batches_go_back_and_none_is_lost() {
    for size in SIZES {
        over_schedules(move || {
            let numbers = Arc::new(Numbers::default());
            let mut loader = Loader::start(Arc::clone(&numbers), 0..u64::MAX, options(size, 0, 1));
            let (mut held, mut others) = (VecDeque::new(), Vec::new());
            for index in 0..6 {
                while held.len() == size.1 {
                    let at = shuttle::rand::thread_rng().gen_range(0..held.len());
                    let given = held.remove(at).unwrap();
                    if shuttle::rand::thread_rng().r#gen() {
                        others.push(shuttle::thread::spawn(move || drop(given)));
                    }
                }
                held.push_back(takes(&mut loader, index));
                assert_eq!(numbers.buffers.living.load(SeqCst), size.1);
            }
            held.clear();
            for other in others {
                other.join().unwrap();
            }
            ends(loader, &numbers);
            assert_eq!(numbers.buffers.made.load(SeqCst), size.1);
        });
    }
}

#[test]
fn a_loader_dropped_anywhere_ends_its_threads() {
    for size in SIZES {
        for taken in 0..4 {
            over_schedules(move || {
                let numbers = Arc::new(Numbers::default());
                let options = options(size, 0, 1);
                let mut loader = Loader::start(Arc::clone(&numbers), 0..u64::MAX, options);
                let mut last = None;
                for index in 0..taken {
                    drop(last.take()); // with one buffer, nothing comes while it is held
                    last = Some(takes(&mut loader, index));
                }
                drop(loader);
                assert_eq!(numbers.workers.living.load(SeqCst), 0, "a worker is left");
                if let Some(batch) = &last {
                    assert_eq!(batch.0, taken - 1, "a batch outlives its loader");
                }
                drop(last);
                assert_eq!(numbers.buffers.living.load(SeqCst), 0, "a buffer is left");
            });
        }
    }
}

#[test]
fn an_error_comes_at_its_place_and_nothing_after_it() {
    for size in SIZES {
        for at in [0, 2, 4] {
            over_schedules(move || {
                let numbers = Arc::new(Numbers {
                    fails_at: Some(at),
                    ..Numbers::default()
                });
                let mut loader = Loader::start(Arc::clone(&numbers), 0..5, options(size, 0, 1));
                for index in 0..at {
                    takes(&mut loader, index);
                }
                match loader.next_batch().unwrap().err().unwrap() {
                    LoadError::Store { index, .. } => assert_eq!(index, at),
                    LoadError::Panic { message, .. } => panic!("{message}"),
                }
                assert!(loader.next_batch().is_none(), "nothing follows an error");
                ends(loader, &numbers);
            });
        }
    }
}
