//! Threads that make batches ahead of the one who takes them, in order.
//!
//! ```text
//! worker:   take an empty buffer; take the next number; fill; send
//! consumer: receive until the number that is due has come; hand it out;
//!           when it is dropped, its buffer goes back to the workers
//! ```
//!
//! A worker takes its buffer *before* its number. So the lowest number that is not
//! delivered always has a buffer, and the consumer, who waits for just that number,
//! cannot be starved by batches that came early: no deadlock at any depth. The buffers
//! are made once; there is nothing else to wait for, which is the back-pressure.
//!
//! The buffer that came back last goes out first: it is the one that is still in the
//! processor's cache, and where the consumer is the faster side, a few of many are in use.
//!
//! What a batch holds depends on its number alone, so that the number of workers changes
//! nothing but speed.
//!
//! `tests/schedules.rs` runs this file over many orders in which threads may go on.

use std::collections::VecDeque;
use std::ops::{Deref, Range};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use thiserror::Error;

use super::rank_slice::RankSlice;
use super::sync::{AtomicU64, Mutex, Receiver, Sender, bounded, thread, word_unless_stopped};
use crate::store::StoreError;

/// What makes batches: shared by all workers.
pub trait Produce: Send + Sync + 'static {
    /// A batch: made once, filled again and again.
    type Batch: Send + 'static;
    /// What a worker keeps from batch to batch.
    type Scratch;

    /// An empty batch with room for everything [`Produce::fill`] writes.
    fn batch(&self) -> Self::Batch;

    /// A worker's own scratch.
    fn scratch(&self) -> Self::Scratch;

    /// Makes batch `index`: a pure function of the index, whatever the batch held before.
    ///
    /// # Errors
    /// If a drawing cannot be read.
    fn fill(
        &self,
        index: u64,
        scratch: &mut Self::Scratch,
        batch: &mut Self::Batch,
    ) -> Result<(), StoreError>;
}

/// Why a batch was not made.
#[derive(Debug, Error)]
pub enum LoadError {
    /// A drawing could not be read.
    #[error("batch {index} could not be made")]
    Store {
        /// The batch's number.
        index: u64,
        /// What the store said.
        source: StoreError,
    },
    /// A worker panicked.
    #[error("batch {index}: a worker panicked: {message}; this is an error in the program")]
    Panic {
        /// The batch's number.
        index: u64,
        /// What the panic said.
        message: String,
    },
}

/// How batches are made ahead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoaderOptions {
    /// Threads that make batches, at least 1.
    pub workers: usize,
    /// Batches that are made ahead or held by the consumer at once, at least 1.
    pub depth: usize,
    /// Which batches of the stream it makes, each of them whole. Processes that share every batch
    /// leave this [`RankSlice::WHOLE`], and slice the producer's places.
    pub batches: RankSlice,
}

impl LoaderOptions {
    /// The depth at which `workers` threads are all busy: each of them fills a batch, the
    /// consumer holds one, and some lie ready.
    #[must_use]
    pub fn depth_for(workers: usize) -> usize {
        workers + 3
    }
}

impl Default for LoaderOptions {
    fn default() -> LoaderOptions {
        LoaderOptions {
            workers: 1,
            depth: LoaderOptions::depth_for(1),
            batches: RankSlice::WHOLE,
        }
    }
}

/// How a loader has fared.
#[derive(Clone, Copy, Debug, Default)]
pub struct LoaderCounts {
    /// Batches handed out.
    pub batches: u64,
    /// Time that the consumer waited for them.
    pub waited: Duration,
    /// Batches that lay ready when the last one was asked for.
    pub ready: usize,
}

type Filled<B> = (B, Result<(), LoadError>);
type Made<B> = (u64, Filled<B>);

/// Batches of a stream, in order, made ahead by threads of its own.
///
/// Dropping it ends the threads, at once or when each has finished its batch.
pub struct Loader<P: Produce> {
    made: Receiver<Made<P::Batch>>,
    empty: Returns<P::Batch>,
    stop: Option<Sender<()>>,
    workers: Vec<thread::JoinHandle<()>>,
    /// A place for each number from the one that is due on, as far as there are buffers;
    /// taken by those that came before their turn. Workers take numbers in turn and hold a
    /// buffer with each, so that none lies further ahead.
    early: VecDeque<Option<Filled<P::Batch>>>,
    due: u64,
    end: u64,
    step: u64,
    failed: bool,
    counts: LoaderCounts,
}

impl<P: Produce> Loader<P> {
    /// Starts the threads for the batches of `range` that are in the options' slice. Starting in
    /// the middle costs what starting at 0 costs.
    ///
    /// # Panics
    /// If there are no workers or buffers, or the system makes no thread.
    #[must_use]
    pub fn start(producer: Arc<P>, range: Range<u64>, options: LoaderOptions) -> Loader<P> {
        let LoaderOptions {
            workers,
            depth,
            batches,
        } = options;
        assert!(
            workers > 0 && depth > 0,
            "a loader has at least one worker and one buffer"
        );
        let (first, step) = (batches.first_from(range.start), batches.step());
        let (returned, returns) = bounded(depth);
        let empty = Returns {
            stack: Arc::new(Mutex::new(Vec::with_capacity(depth))),
            returned,
        };
        for _ in 0..depth {
            empty.give(producer.batch());
        }
        let (send, made) = bounded(depth);
        // Nothing is ever sent. With room for none, each wait on it would allocate a packet.
        let (stop, stopped) = bounded(1);
        let next = Arc::new(AtomicU64::new(0));
        let workers = (0..workers)
            .map(|worker| {
                let work = Worker {
                    producer: Arc::clone(&producer),
                    stack: Arc::clone(&empty.stack),
                    returns: returns.clone(),
                    made: send.clone(),
                    stopped: stopped.clone(),
                    next: Arc::clone(&next),
                    numbers: (first, range.end, step),
                };
                thread::Builder::new()
                    .name(format!("loader-{worker}"))
                    .spawn(move || work.run())
                    .expect("the system makes a thread")
            })
            .collect();
        Loader {
            made,
            empty,
            stop: Some(stop),
            workers,
            early: (0..depth).map(|_| None).collect(),
            due: first,
            end: range.end,
            step,
            failed: false,
            counts: LoaderCounts::default(),
        }
    }

    /// The next batch in order, or `None` after the last one and after an error.
    ///
    /// # Errors
    /// [`LoadError`] in place of the first batch that could not be made.
    pub fn next_batch(&mut self) -> Option<Result<Ready<P::Batch>, LoadError>> {
        if self.due >= self.end || self.failed {
            return None;
        }
        let asked = Instant::now();
        self.counts.ready = self.made.len() + self.early.iter().flatten().count();
        let (batch, result) = loop {
            if let Some(filled) = self.early[0].take() {
                break filled;
            }
            let (index, filled) = self
                .made
                .recv()
                .expect("workers run until every batch is sent");
            let ahead = (index - self.due) / self.step;
            self.early[ahead as usize] = Some(filled);
        };
        self.early.rotate_left(1);
        self.counts.waited += asked.elapsed();
        if let Err(error) = result {
            self.failed = true;
            return Some(Err(error));
        }
        self.counts.batches += 1;
        let index = self.due;
        self.due = self.due.saturating_add(self.step);
        Some(Ok(Ready {
            index,
            batch: Some(batch),
            empty: self.empty.clone(),
        }))
    }

    /// How it has fared so far.
    #[must_use]
    pub fn counts(&self) -> LoaderCounts {
        self.counts
    }
}

impl<P: Produce> Drop for Loader<P> {
    fn drop(&mut self) {
        self.stop = None; // every worker that waits sees the channel close
        for worker in self.workers.drain(..) {
            // A worker catches the panics of its batches, so there is nothing to pass on.
            let _ = worker.join();
        }
    }
}

/// A batch on loan: when dropped, its buffer goes back to the workers.
pub struct Ready<B> {
    index: u64,
    batch: Option<B>,
    empty: Returns<B>,
}

impl<B> Ready<B> {
    /// The batch's number in its stream.
    #[must_use]
    pub fn index(&self) -> u64 {
        self.index
    }

    /// The batch, to be changed by one who leaves it fit to be filled again.
    pub(super) fn batch_mut(&mut self) -> &mut B {
        self.batch
            .as_mut()
            .expect("the batch is taken out only by drop")
    }
}

impl<B> Deref for Ready<B> {
    type Target = B;

    fn deref(&self) -> &B {
        self.batch
            .as_ref()
            .expect("the batch is taken out only by drop")
    }
}

impl<B> Drop for Ready<B> {
    fn drop(&mut self) {
        if let Some(batch) = self.batch.take() {
            self.empty.give(batch);
        }
    }
}

/// The empty buffers, and a word for each that wakes a worker.
struct Returns<B> {
    stack: Arc<Mutex<Vec<B>>>,
    returned: Sender<()>,
}

impl<B> Clone for Returns<B> {
    fn clone(&self) -> Returns<B> {
        Returns {
            stack: Arc::clone(&self.stack),
            returned: self.returned.clone(),
        }
    }
}

impl<B> Returns<B> {
    fn give(&self, batch: B) {
        // Nothing can panic while it is locked.
        let mut stack = self.stack.lock().unwrap_or_else(PoisonError::into_inner);
        stack.push(batch);
        drop(stack);
        // It fits: the channel holds a word for each buffer. It fails only when all workers
        // have gone.
        let _ = self.returned.try_send(());
    }
}

struct Worker<P: Produce> {
    producer: Arc<P>,
    stack: Arc<Mutex<Vec<P::Batch>>>,
    returns: Receiver<()>,
    made: Sender<Made<P::Batch>>,
    stopped: Receiver<()>,
    next: Arc<AtomicU64>,
    /// First number, end, and step.
    numbers: (u64, u64, u64),
}

impl<P: Produce> Worker<P> {
    fn run(self) {
        let (first, end, step) = self.numbers;
        let mut scratch = self.producer.scratch();
        loop {
            if !word_unless_stopped(&self.returns, &self.stopped) {
                return;
            }
            let mut stack = self.stack.lock().unwrap_or_else(PoisonError::into_inner);
            let mut batch = stack.pop().expect("each word is sent after its buffer");
            drop(stack);
            let ticket = self.next.fetch_add(1, Ordering::Relaxed);
            let index = ticket
                .checked_mul(step)
                .and_then(|steps| first.checked_add(steps));
            let Some(index) = index.filter(|&index| index < end) else {
                return;
            };
            let filled = catch_unwind(AssertUnwindSafe(|| {
                self.producer.fill(index, &mut scratch, &mut batch)
            }));
            let result = match filled {
                Ok(result) => result.map_err(|source| LoadError::Store { index, source }),
                Err(panic) => {
                    scratch = self.producer.scratch();
                    Err(LoadError::Panic {
                        index,
                        message: message(panic.as_ref()),
                    })
                }
            };
            // It never waits: the channel holds all buffers. It fails only when the loader has gone.
            if self.made.try_send((index, (batch, result))).is_err() {
                return;
            }
        }
    }
}

fn message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".to_owned())
}
