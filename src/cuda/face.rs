//! The Rust side of `shim.cpp`: its calls, and what they make as owned values.
#![allow(unsafe_code)]

use std::ffi::{CStr, c_char, c_void};
use std::ptr;
use std::{env, fs};

use tch::{Kind, Tensor};
use torch_sys::C_tensor;

use super::error::CudaError;

/// As `omnishot_stream` in `shim.cpp`: a name, of which nothing is owned.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Stream {
    id: i64,
    device: i32,
}

impl Stream {
    pub(super) fn device(self) -> usize {
        usize::try_from(self.device).unwrap_or(0)
    }
}

/// As `omnishot_before` in `shim.cpp`.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub(super) struct Before {
    stream: Stream,
    device: i32,
}

/// libtorch's `c10::Event`.
#[repr(C)]
struct EventHandle {
    _private: [u8; 0],
}

/// What `shim.cpp` calls `Graph`.
#[repr(C)]
struct GraphHandle {
    _private: [u8; 0],
}

unsafe extern "C" {
    fn omnishot_cuda_free(said: *mut c_char);
    fn omnishot_stream_new(device: i32, made: *mut Stream) -> *mut c_char;
    fn omnishot_stream_current(device: i32, current: *mut Stream) -> *mut c_char;
    fn omnishot_stream_synchronize(stream: Stream) -> *mut c_char;
    fn omnishot_stream_enter(stream: Stream, before: *mut Before) -> *mut c_char;
    fn omnishot_stream_leave(before: Before) -> *mut c_char;
    fn omnishot_event_new(made: *mut *mut EventHandle) -> *mut c_char;
    fn omnishot_event_drop(event: *mut EventHandle);
    fn omnishot_event_record(event: *mut EventHandle, stream: Stream) -> *mut c_char;
    fn omnishot_event_block(event: *const EventHandle, stream: Stream) -> *mut c_char;
    fn omnishot_event_synchronize(event: *const EventHandle) -> *mut c_char;
    fn omnishot_event_query(event: *const EventHandle, done: *mut bool) -> *mut c_char;
    fn omnishot_page_locked(bytes: i64, made: *mut *mut C_tensor) -> *mut c_char;
    fn omnishot_copy(
        to: *const C_tensor,
        from: *const c_void,
        count: i64,
        kind: i32,
    ) -> *mut c_char;
    fn omnishot_arithmetic(tf32: bool, deterministic: bool) -> *mut c_char;
    #[cfg(test)]
    fn omnishot_arithmetic_now(switches: *mut bool) -> *mut c_char;
    fn omnishot_graph_begin(
        stream: Stream,
        shared: *const GraphHandle,
        made: *mut *mut GraphHandle,
    ) -> *mut c_char;
    fn omnishot_graph_end(graph: *mut GraphHandle) -> *mut c_char;
    fn omnishot_graph_abandon(graph: *mut GraphHandle);
    fn omnishot_graph_replay(graph: *mut GraphHandle) -> *mut c_char;
    fn omnishot_graph_drop(graph: *mut GraphHandle);
}

/// What a call has told (see `told.hpp`): nothing, or what went wrong.
pub(super) fn heard(told: *mut c_char) -> Result<(), CudaError> {
    if told.is_null() {
        return Ok(());
    }
    // SAFETY: what is not null is a string of C that the call made with `malloc` for us alone.
    let said = unsafe { CStr::from_ptr(told) }
        .to_string_lossy()
        .into_owned();
    // SAFETY: as above; the text has been copied, and nothing refers to it any more.
    unsafe { omnishot_cuda_free(told) };
    Err(error(&said))
}

/// The error that a text of `told.hpp` stands for.
pub(super) fn error(said: &str) -> CudaError {
    match said.split_at_checked(1) {
        Some(("m", message)) => CudaError::OutOfMemory {
            message: message.trim().to_owned(),
        },
        Some((_, message)) => CudaError::Failed {
            message: message.trim().to_owned(),
        },
        None => CudaError::Failed {
            message: String::new(),
        },
    }
}

/// The number of a GPU; one that is too large for libtorch, which says so, if it is for C.
fn number(device: usize) -> i32 {
    i32::try_from(device).unwrap_or(i32::MAX)
}

pub(super) fn stream_new(device: usize) -> Result<Stream, CudaError> {
    let mut made = Stream::default();
    // SAFETY: `made` is a place for the one stream that the call writes.
    heard(unsafe { omnishot_stream_new(number(device), &raw mut made) }).map(|()| made)
}

pub(super) fn stream_current(device: usize) -> Result<Stream, CudaError> {
    let mut current = Stream::default();
    // SAFETY: as in `stream_new`.
    heard(unsafe { omnishot_stream_current(number(device), &raw mut current) }).map(|()| current)
}

pub(super) fn stream_synchronize(stream: Stream) -> Result<(), CudaError> {
    // SAFETY: streams are made by the calls above alone, and libtorch never gives one back.
    heard(unsafe { omnishot_stream_synchronize(stream) })
}

pub(super) fn stream_enter(stream: Stream) -> Result<Before, CudaError> {
    let mut before = Before::default();
    // SAFETY: as in `stream_synchronize`; `before` is a place for what the call writes.
    heard(unsafe { omnishot_stream_enter(stream, &raw mut before) }).map(|()| before)
}

pub(super) fn stream_leave(before: Before) -> Result<(), CudaError> {
    // SAFETY: as in `stream_synchronize`: what was current before is a stream of libtorch's too.
    heard(unsafe { omnishot_stream_leave(before) })
}

/// An owned `c10::Event`.
pub(super) struct Event(*mut EventHandle);

// SAFETY: an event may be used by any one thread at a time; it is not Sync.
unsafe impl Send for Event {}

impl Event {
    pub(super) fn new() -> Result<Event, CudaError> {
        let mut made = ptr::null_mut();
        // SAFETY: `made` is a place for the one pointer that the call writes.
        heard(unsafe { omnishot_event_new(&raw mut made) }).map(|()| Event(made))
    }

    pub(super) fn record(&self, stream: Stream) -> Result<(), CudaError> {
        // SAFETY: the event lives as long as `self`, which no other thread shares.
        heard(unsafe { omnishot_event_record(self.0, stream) })
    }

    pub(super) fn block(&self, stream: Stream) -> Result<(), CudaError> {
        // SAFETY: as in `record`.
        heard(unsafe { omnishot_event_block(self.0, stream) })
    }

    pub(super) fn synchronize(&self) -> Result<(), CudaError> {
        // SAFETY: as in `record`.
        heard(unsafe { omnishot_event_synchronize(self.0) })
    }

    pub(super) fn query(&self) -> Result<bool, CudaError> {
        let mut done = false;
        // SAFETY: as in `record`; `done` is a place for the one truth value that is written.
        heard(unsafe { omnishot_event_query(self.0, &raw mut done) }).map(|()| done)
    }
}

impl Drop for Event {
    fn drop(&mut self) {
        // SAFETY: the handle came from `new`, and no one has given it back before.
        unsafe { omnishot_event_drop(self.0) };
    }
}

/// A tensor of so many bytes, page-locked and zeros; None is of more than there can be.
pub(super) fn page_locked(bytes: Option<usize>) -> Result<Tensor, CudaError> {
    let bytes = bytes.and_then(|bytes| i64::try_from(bytes).ok());
    let bytes = bytes.ok_or_else(|| error("m more bytes than there can be"))?;
    let mut made = ptr::null_mut();
    // SAFETY: `made` is a place for the one pointer that the call writes.
    heard(unsafe { omnishot_page_locked(bytes, &raw mut made) })?;
    // SAFETY: the call made the tensor with `new` for us alone, as `from_ptr` takes one over.
    Ok(unsafe { Tensor::from_ptr(made) })
}

/// Copies `len` numbers into `to`, on the current stream of its device, without waiting.
///
/// # Safety
/// From `from` on there are `len` numbers of that kind until the stream has come past the copy,
/// and no one changes them.
pub(super) unsafe fn copy(
    to: &Tensor,
    from: *const c_void,
    len: usize,
    kind: Kind,
) -> Result<(), CudaError> {
    // As in libtorch's c10/core/ScalarType.h.
    let kind = match kind {
        Kind::Uint8 => 0,
        Kind::Int64 => 4,
        Kind::Float => 6,
        _ => return Err(error("e numbers of a kind that is not uploaded")),
    };
    let len = i64::try_from(len).unwrap_or(i64::MAX);
    // SAFETY: the tensor is borrowed until the call returns, and of the numbers the caller has
    // promised what the call asks for; it refuses a tensor of another kind or number of elements.
    heard(unsafe { omnishot_copy(to.as_ptr(), from, len, kind) })
}

pub(super) fn switch(tf32: bool, deterministic: bool) -> Result<(), CudaError> {
    // SAFETY: it takes and gives nothing that could be invalid; the switches are plain values
    // which libtorch reads as it goes.
    heard(unsafe { omnishot_arithmetic(tf32, deterministic) })
}

/// TF32 of matrices, TF32 of cuDNN, cuDNN deterministic, cuDNN's search.
#[cfg(test)]
pub(super) fn switches() -> Result<[bool; 4], CudaError> {
    let mut switches = [false; 4];
    // SAFETY: it writes four truth values, for which there is place.
    heard(unsafe { omnishot_arithmetic_now(switches.as_mut_ptr()) }).map(|()| switches)
}

/// Sets what cuBLAS reads when its first handle is made, unless it is set, or there are threads
/// that may be reading the environment.
pub(super) fn fix_workspaces() {
    const NAME: &str = "CUBLAS_WORKSPACE_CONFIG";
    let alone = || fs::read_dir("/proc/self/task").is_ok_and(|threads| threads.count() == 1);
    if env::var_os(NAME).is_none() && alone() {
        // SAFETY: the system has just said that this process has no other thread, and only this
        // one could start any.
        unsafe { env::set_var(NAME, ":4096:8") };
    }
}

/// A capture that is under way; given up when dropped.
pub(super) struct Capture(*mut GraphHandle);

impl Capture {
    /// Begins one of `stream`, which is current.
    pub(super) fn begin(stream: Stream, shared: Option<&Graph>) -> Result<Capture, CudaError> {
        let shared = shared.map_or(ptr::null(), |graph| graph.0.cast_const());
        let mut made = ptr::null_mut();
        // SAFETY: `shared` is null or of a graph borrowed until the call returns, which reads
        // only the name of its pool; `made` is a place for the one pointer that it writes.
        heard(unsafe { omnishot_graph_begin(stream, shared, &raw mut made) })
            .map(|()| Capture(made))
    }

    pub(super) fn end(self) -> Result<Graph, CudaError> {
        let graph = self.0;
        std::mem::forget(self);
        // SAFETY: the handle came from `begin` and was owned by `self`, which gives it back no
        // more; after an error the call has given it back.
        heard(unsafe { omnishot_graph_end(graph) }).map(|()| Graph(graph))
    }
}

impl Drop for Capture {
    fn drop(&mut self) {
        // SAFETY: the handle came from `begin`, and no one has given it back before.
        unsafe { omnishot_graph_abandon(self.0) };
    }
}

/// An owned `Graph` of `shim.cpp`, captured.
pub(super) struct Graph(*mut GraphHandle);

// SAFETY: once captured, a graph may be used by any one thread at a time; it is not Sync.
unsafe impl Send for Graph {}

impl Graph {
    pub(super) fn replay(&self) -> Result<(), CudaError> {
        // SAFETY: the graph lives as long as `self`, which no other thread shares.
        heard(unsafe { omnishot_graph_replay(self.0) })
    }
}

impl Drop for Graph {
    fn drop(&mut self) {
        // SAFETY: the handle came from `Capture::end`, and no one has given it back before.
        unsafe { omnishot_graph_drop(self.0) };
    }
}
