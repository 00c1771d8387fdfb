//! Models of what `src/loader/sync.rs` names, under a scheduler that decides which thread
//! goes on at each use. Channels act at once, as crossbeam promises of its own; its own inside
//! is not looked at.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex as Cell, MutexGuard, PoisonError};

use shuttle::rand::Rng;
pub use shuttle::sync::Mutex;
pub use shuttle::sync::atomic::AtomicU64;
use shuttle::sync::{Condvar, MutexGuard as Turn};
pub use shuttle::thread;

shuttle::lazy_static! {
    /// Held for each use of any channel; all who wait for one wait for its bell.
    static ref TURN: Mutex<()> = Mutex::new(());
    static ref BELL: Condvar = Condvar::new();
}

fn turn() -> Turn<'static, ()> {
    // Poisoned only if a check has failed, which is told where it failed.
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Channel<T> {
    waiting: VecDeque<T>,
    room: usize,
    senders: usize,
    receivers: usize,
}

/// Only looked into by the one whose turn it is.
struct Shared<T>(Arc<Cell<Channel<T>>>);

impl<T> Shared<T> {
    fn look(&self) -> MutexGuard<'_, Channel<T>> {
        self.0.try_lock().unwrap()
    }
}

pub struct Sender<T>(Shared<T>);
pub struct Receiver<T>(Shared<T>);

pub fn bounded<T>(room: usize) -> (Sender<T>, Receiver<T>) {
    let channel = Arc::new(Cell::new(Channel {
        waiting: VecDeque::new(),
        room,
        senders: 1,
        receivers: 1,
    }));
    (
        Sender(Shared(Arc::clone(&channel))),
        Receiver(Shared(channel)),
    )
}

impl<T> Sender<T> {
    /// Gives the value back if there is no room, or nobody to receive it.
    pub fn try_send(&self, value: T) -> Result<(), T> {
        let _turn = turn();
        let mut channel = self.0.look();
        if channel.receivers == 0 || channel.waiting.len() == channel.room {
            return Err(value);
        }
        channel.waiting.push_back(value);
        BELL.notify_all();
        Ok(())
    }
}

/// There is nothing, and nobody to send any more.
#[derive(Debug)]
pub struct Closed;

impl<T> Receiver<T> {
    pub fn len(&self) -> usize {
        let _turn = turn();
        self.0.look().waiting.len()
    }

    pub fn recv(&self) -> Result<T, Closed> {
        let mut turn = turn();
        loop {
            if let Some(come) = self.ready() {
                return come;
            }
            turn = BELL.wait(turn).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// What there is now for one who receives, if it need not wait.
    fn ready(&self) -> Option<Result<T, Closed>> {
        let mut channel = self.0.look();
        let closed = channel.senders == 0;
        let come = channel.waiting.pop_front().map(Ok);
        come.or(closed.then_some(Err(Closed)))
    }
}

/// As in `src/loader/sync.rs`; which of two is said, if both hold, is drawn.
pub fn word_unless_stopped(words: &Receiver<()>, stopped: &Receiver<()>) -> bool {
    let mut turn = turn();
    loop {
        let stop = stopped.0.look().senders == 0;
        if stop && shuttle::rand::thread_rng().r#gen() {
            return false;
        }
        if let Some(word) = words.ready() {
            return word.is_ok();
        }
        if stop {
            return false;
        }
        turn = BELL.wait(turn).unwrap_or_else(PoisonError::into_inner);
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Sender<T> {
        let _turn = turn();
        self.0.look().senders += 1;
        Sender(Shared(Arc::clone(&self.0.0)))
    }
}

impl<T> Clone for Receiver<T> {
    fn clone(&self) -> Receiver<T> {
        let _turn = turn();
        self.0.look().receivers += 1;
        Receiver(Shared(Arc::clone(&self.0.0)))
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        let _turn = turn();
        self.0.look().senders -= 1;
        BELL.notify_all();
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        let _turn = turn();
        let mut channel = self.0.look();
        channel.receivers -= 1;
        if channel.receivers == 0 {
            channel.waiting.clear();
        }
    }
}
