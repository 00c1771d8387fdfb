//! omnishot's loader and its network over a C ABI; the package `omnishot` beside it is the caller.
//!
//! ```text
//! omnishot_open(settings as JSON)  -> loader       its threads start
//! omnishot_next(loader)            -> batch        waits for it; a lease on a buffer
//! omnishot_array(batch, 0, 1, ...) -> name, kind, shape, pointer
//! omnishot_release(batch)                          the buffer goes back to the workers
//! omnishot_close(loader)                           its threads end; leases stay good
//!
//! omnishot_embed(request as JSON, pictures)    -> batch   embeddings, and a report
//! omnishot_classify(request as JSON, pictures) -> batch   a report, as JSON
//! ```
//!
//! Loaders and batches are numbers, never 0. A function that fails says so by what it
//! returns, and [`omnishot_error`] has the message, for the thread that called. No panic leaves
//! the library. All functions may be called from any thread.

mod handles;
mod lease;
mod network;
mod pictures;
mod stream;

use std::cell::RefCell;
use std::ffi::{c_char, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::{ptr, slice};

use anyhow::{Context, Result, ensure};

use lease::MOST_DIMENSIONS;
use network::{ClassifyRequest, EmbedRequest, Request};
use pictures::{OmnishotPicture, Pictures};
use stream::Settings;

/// The version of this ABI; raised with any change of a function, a struct or the settings.
const ABI: u32 = 2;

/// A batch.
#[repr(C)]
pub struct OmnishotBatch {
    /// What the other functions call it.
    pub batch: u64,
    /// Its number in the stream.
    pub index: u64,
}

/// An array of a batch, good until the batch is released. It may be written to.
#[repr(C)]
pub struct OmnishotArray {
    /// Its name, ended by a zero; good for ever.
    pub name: *const c_char,
    /// Its first element, row by row and without gaps.
    pub data: *mut c_void,
    /// `'f'` for f32, `'q'` for i64, `'B'` for u8.
    pub kind: u32,
    /// How many of `shape` hold.
    pub dimensions: u32,
    /// Its dimensions.
    pub shape: [u64; MOST_DIMENSIONS],
}

/// How a loader has fared.
#[repr(C)]
pub struct OmnishotCounts {
    /// Batches handed out.
    pub batches: u64,
    /// Those of them that were copied, since the caller kept all other buffers.
    pub copies: u64,
    /// Batches that lay ready when the last one was asked for.
    pub ready: u64,
    /// Seconds that the caller waited.
    pub waited: f64,
}

thread_local! {
    static ERROR: RefCell<String> = const { RefCell::new(String::new()) };
}

/// What `work` gives; `failed`, if it fails or panics, and the message is kept.
fn guarded<T>(failed: T, work: impl FnOnce() -> Result<T>) -> T {
    let message = match catch_unwind(AssertUnwindSafe(work)) {
        Ok(Ok(value)) => return value,
        Ok(Err(error)) => format!("{error:#}"),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(|&text| text.to_owned()));
            let text = text.unwrap_or_else(|| "no message".to_owned());
            format!("panicked: {text}; this is an error in the program")
        }
    };
    ERROR.with_borrow_mut(|error| *error = message);
    failed
}

/// The version of the ABI.
#[unsafe(no_mangle)]
pub extern "C" fn omnishot_abi() -> u32 {
    ABI
}

/// Copies the last error of this thread, in UTF-8 and without a zero, as far as `length` reaches;
/// gives the bytes that it has.
///
/// # Safety
/// `text` is null, or `length` bytes there may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omnishot_error(text: *mut u8, length: usize) -> usize {
    ERROR.with_borrow(|error| {
        if !text.is_null() {
            // SAFETY: the caller owes `length` writable bytes, and no more than that are
            // written; the message is Rust's own and overlaps nothing of the caller's.
            unsafe { ptr::copy_nonoverlapping(error.as_ptr(), text, length.min(error.len())) };
        }
        error.len()
    })
}

/// Opens a store and starts a loader's threads by settings in JSON: see `stream.rs`. Gives the
/// loader, or 0 after an error.
///
/// # Safety
/// `settings` is null, or `length` bytes there may be read.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omnishot_open(settings: *const u8, length: usize) -> u64 {
    guarded(0, || {
        // SAFETY: the caller owes what `bytes` wants.
        let json = unsafe { bytes(settings, length) }?;
        Ok(handles::keep_loader(Settings::parse(json)?.start()?))
    })
}

/// The bytes of a caller's text.
///
/// # Safety
/// `text` is null, or `length` bytes there may be read for as long as they are used.
unsafe fn bytes<'a>(text: *const u8, length: usize) -> Result<&'a [u8]> {
    ensure!(!text.is_null(), "no settings");
    // SAFETY: it is not null, and the caller owes `length` readable bytes.
    Ok(unsafe { slice::from_raw_parts(text, length) })
}

/// Waits for a loader's next batch. Gives 1 and sets `out`, 0 after the last one, -1 after an
/// error.
///
/// # Safety
/// `out` is null, or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omnishot_next(loader: u64, out: *mut OmnishotBatch) -> i32 {
    guarded(-1, || {
        ensure!(!out.is_null(), "no place for a batch");
        let loader = handles::loader(loader)?;
        let mut batches = loader.lock().ok().context("this loader has panicked")?;
        let Some(lease) = batches.next()? else {
            return Ok(0);
        };
        let index = lease.index;
        let batch = handles::keep_lease(lease);
        // SAFETY: it is not null, and the caller owes that it may be written.
        unsafe { out.write(OmnishotBatch { batch, index }) };
        Ok(1)
    })
}

/// Describes array `number` of a batch. Gives 1 and sets `out`, 0 after the last one, -1 after
/// an error.
///
/// # Safety
/// `out` is null, or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omnishot_array(batch: u64, number: u32, out: *mut OmnishotArray) -> i32 {
    guarded(-1, || {
        ensure!(!out.is_null(), "no place for an array");
        let lease = handles::lease(batch)?;
        let Some(array) = lease.array(number as usize) else {
            return Ok(0);
        };
        let mut shape = [0; MOST_DIMENSIONS];
        for (out, &len) in shape.iter_mut().zip(&array.shape) {
            *out = len as u64;
        }
        let described = OmnishotArray {
            name: array.name.as_ptr(),
            data: array.data,
            kind: array.kind as u32,
            dimensions: array.shape.len() as u32,
            shape,
        };
        // SAFETY: it is not null, and the caller owes that it may be written.
        unsafe { out.write(described) };
        Ok(1)
    })
}

/// How a loader has fared. Gives 1 and sets `out`, -1 after an error.
///
/// # Safety
/// `out` is null, or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omnishot_counts(loader: u64, out: *mut OmnishotCounts) -> i32 {
    guarded(-1, || {
        ensure!(!out.is_null(), "no place for counts");
        let loader = handles::loader(loader)?;
        let batches = loader.lock().ok().context("this loader has panicked")?;
        let (counts, copies) = batches.counts();
        let counts = OmnishotCounts {
            batches: counts.batches,
            copies,
            ready: counts.ready as u64,
            waited: counts.waited.as_secs_f64(),
        };
        // SAFETY: it is not null, and the caller owes that it may be written.
        unsafe { out.write(counts) };
        Ok(1)
    })
}

/// Gives a batch back: its arrays are gone. A batch that is given back already is left alone.
#[unsafe(no_mangle)]
pub extern "C" fn omnishot_release(batch: u64) {
    guarded((), || {
        handles::end_lease(batch);
        Ok(())
    });
}

/// Ends a loader's threads, once a call on it that waits in another thread has come back. Its
/// batches stay good. A loader that is closed already is left alone.
#[unsafe(no_mangle)]
pub extern "C" fn omnishot_close(loader: u64) {
    guarded((), || {
        handles::close_loader(loader);
        Ok(())
    });
}

/// Answers a request in JSON on this process's threads; gives what was made, or 0 after an error.
///
/// # Safety
/// `request` is null, or `length` bytes there may be read; `pictures` is null, or `count` pictures
/// there and their pixels may be read. Nothing writes to them meanwhile.
unsafe fn asked<R: Request>(
    request: *const u8,
    length: usize,
    pictures: *const OmnishotPicture,
    count: usize,
) -> u64 {
    // SAFETY: the caller owes what both want.
    let (json, arrays) = unsafe { (bytes(request, length), Pictures::new(pictures, count)) };
    guarded(0, || {
        let engine = handles::engine();
        let answer = || {
            let request: R = serde_json::from_slice(json?)?;
            request.answer(engine, arrays)
        };
        Ok(handles::keep_lease(engine.run(answer)?))
    })
}

/// Embeds pictures by a request in JSON: see `network.rs`. Gives a batch of `embeddings` and a
/// `report` in JSON, or 0 after an error.
///
/// # Safety
/// `request` is null, or `length` bytes there may be read; `pictures` is null, or `count` pictures
/// there and their pixels may be read. Nothing writes to them meanwhile.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omnishot_embed(
    request: *const u8,
    length: usize,
    pictures: *const OmnishotPicture,
    count: usize,
) -> u64 {
    // SAFETY: the caller owes the same.
    unsafe { asked::<EmbedRequest>(request, length, pictures, count) }
}

/// Ranks classes for pictures by a request in JSON: see `network.rs`. Gives a batch of a
/// `report` in JSON, or 0 after an error.
///
/// # Safety
/// As [`omnishot_embed`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omnishot_classify(
    request: *const u8,
    length: usize,
    pictures: *const OmnishotPicture,
    count: usize,
) -> u64 {
    // SAFETY: the caller owes the same.
    unsafe { asked::<ClassifyRequest>(request, length, pictures, count) }
}
