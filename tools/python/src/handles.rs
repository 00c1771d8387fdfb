//! Loaders and leases by number.
//!
//! Whoever calls over a C ABI holds numbers, never pointers: one that is stale, forged or of
//! another process is an error, not a wild read.

use std::collections::HashMap;
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use anyhow::{Result, bail};

use crate::lease::Lease;
use crate::network::Engine;
use crate::stream::Batches;

/// A loader that threads of the caller may ask in turn.
pub type Shared = Arc<Mutex<Box<dyn Batches>>>;

/// All that one process has open. A forked child has the memory of its parent and none of its
/// threads, and a lock that was held when it was forked stays so for ever. So a child never
/// looks at its parent's handles: it gets handles of its own, and leaves the parent's.
struct Handles {
    process: u32,
    next: AtomicU64,
    loaders: Mutex<HashMap<u64, Shared>>,
    leases: Mutex<HashMap<u64, Arc<Lease>>>,
    engine: Engine,
    /// Those of a forked child.
    child: OnceLock<Box<Handles>>,
}

impl Handles {
    fn new() -> Handles {
        Handles {
            process: process::id(),
            next: AtomicU64::new(1),
            loaders: Mutex::default(),
            leases: Mutex::default(),
            engine: Engine::default(),
            child: OnceLock::new(),
        }
    }

    /// Those of this process.
    fn own() -> &'static Handles {
        static FIRST: OnceLock<Handles> = OnceLock::new();
        let mut handles = FIRST.get_or_init(Handles::new);
        while handles.process != process::id() {
            handles = handles.child.get_or_init(|| Box::new(Handles::new()));
        }
        handles
    }

    /// A number that no other process of this family gives out.
    fn number(&self) -> u64 {
        u64::from(self.process) << 40 | self.next.fetch_add(1, Ordering::Relaxed)
    }
}

/// A panic while one is held leaves a map that is whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Keeps a loader, and gives its number.
pub fn keep_loader(batches: Box<dyn Batches>) -> u64 {
    let handles = Handles::own();
    let number = handles.number();
    lock(&handles.loaders).insert(number, Arc::new(Mutex::new(batches)));
    number
}

/// The loader of a number.
///
/// # Errors
/// If it is closed, or another process's.
pub fn loader(number: u64) -> Result<Shared> {
    let handles = Handles::own();
    if let Some(loader) = lock(&handles.loaders).get(&number) {
        return Ok(Arc::clone(loader));
    }
    let owner = number >> 40;
    if owner != u64::from(handles.process) {
        bail!(
            "this loader is process {owner}'s, and its threads are not in this process: make a \
             loader after the fork"
        );
    }
    bail!("the loader is closed")
}

/// Forgets a loader; its threads end when the last call on it has.
pub fn close_loader(number: u64) {
    let closed = lock(&Handles::own().loaders).remove(&number);
    drop(closed); // joins threads: not under the lock
}

/// Keeps a lease, and gives its number.
pub fn keep_lease(lease: Lease) -> u64 {
    let handles = Handles::own();
    let number = handles.number();
    lock(&handles.leases).insert(number, Arc::new(lease));
    number
}

/// The lease of a number.
///
/// # Errors
/// If it has ended, or is another process's.
pub fn lease(number: u64) -> Result<Arc<Lease>> {
    match lock(&Handles::own().leases).get(&number) {
        Some(lease) => Ok(Arc::clone(lease)),
        None => bail!("the batch has been given back"),
    }
}

/// Ends a lease: its buffer goes back to the workers.
pub fn end_lease(number: u64) {
    let ended = lock(&Handles::own().leases).remove(&number);
    drop(ended);
}

/// What this process asks its network by.
pub fn engine() -> &'static Engine {
    &Handles::own().engine
}
