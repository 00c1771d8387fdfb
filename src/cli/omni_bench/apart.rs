//! The machine's own scaling: threads that make the same batches with nothing between them.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use crate::loader::Produce;
use crate::store::StoreError;
use anyhow::{Result, anyhow};

use super::windows::Rates;

/// A counter on cache lines of its own: processors fetch them by twos.
#[repr(align(128))]
struct Count(AtomicU64);

/// Rates of `threads` threads, each of which fills a batch of its own again and again with every
/// so manieth of the stream: no queue, no buffer that another thread sees. What a loader falls
/// short of this, its threads lose to each other; what this falls short of so many times one
/// thread, the machine does not have. `size` is what a batch counts for.
pub fn measure<P: Produce>(
    producer: &P,
    threads: u16,
    (windows, seconds): (u16, f64),
    size: f64,
) -> Result<Rates> {
    let counts: Vec<_> = (0..threads).map(|_| Count(AtomicU64::new(0))).collect();
    let stop = AtomicBool::new(false);
    let work = |thread: usize| -> Result<(), StoreError> {
        let (mut scratch, mut batch) = (producer.scratch(), producer.batch());
        for index in (thread as u64..).step_by(usize::from(threads)) {
            if stop.load(Ordering::Relaxed) {
                break;
            }
            producer.fill(index, &mut scratch, &mut batch)?;
            std::hint::black_box(&batch);
            counts[thread].0.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    };
    let work = &work;
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..counts.len())
            .map(|thread| scope.spawn(move || work(thread)))
            .collect();
        let all = || {
            counts
                .iter()
                .map(|count| count.0.load(Ordering::Relaxed))
                .sum::<u64>()
        };
        let mut before = all();
        let pause = Duration::from_secs_f64(seconds / 50.0);
        let rates = Rates::measure(usize::from(windows), seconds, || {
            // Until there is something, or nothing more can come.
            loop {
                std::thread::sleep(pause);
                if all() > before || threads.iter().any(|thread| thread.is_finished()) {
                    break;
                }
            }
            let made = all() - before;
            before += made;
            Ok(made as f64 * size)
        });
        stop.store(true, Ordering::Relaxed);
        for thread in threads {
            thread.join().map_err(|_| anyhow!("a thread panicked"))??;
        }
        rates
    })
}
