//! What the queue's threads meet through, in one place.
//!
//! `tests/schedules.rs` compiles `queue.rs` with models of these in their stead, and so
//! decides which thread goes on at each of them. Whatever the queue shares between threads
//! and changes must come from here.

pub use std::sync::Mutex;
pub use std::sync::atomic::AtomicU64;
pub use std::thread;

use crossbeam::channel::select;
pub use crossbeam::channel::{Receiver, Sender, bounded};

/// Waits until a word has come, and takes it: true; or until all senders of either channel
/// have gone: false. If both hold, either may be said.
pub fn word_unless_stopped(words: &Receiver<()>, stopped: &Receiver<()>) -> bool {
    select! {
        recv(stopped) -> _ => false,
        recv(words) -> word => word.is_ok(),
    }
}
