//! The Rust side of `c10d.cpp`: a group of processes as an owned value.
#![allow(unsafe_code)]

use std::ffi::{CStr, CString, c_char};
use std::ptr;
use std::time::Duration;

use tch::{Device, Tensor};
use torch_sys::C_tensor;

use super::error::RankError;
use super::place::Place;

/// What `c10d.cpp` calls `Group`.
#[repr(C)]
struct Handle {
    _private: [u8; 0],
}

/// What it calls `Watch`.
#[repr(C)]
struct WatchHandle {
    _private: [u8; 0],
}

/// As `omnishot_c10d_options` in `c10d.cpp`.
#[repr(C)]
struct Options {
    host: *const c_char,
    prefix: *const c_char,
    interface: *const c_char,
    timeout: i64,
    port: u16,
    rank: i32,
    world: i32,
    gpu: i32,
    serves: bool,
}

unsafe extern "C" {
    fn omnishot_c10d_free(told: *mut c_char);
    fn omnishot_c10d_join(options: *const Options, joined: *mut *mut Handle) -> *mut c_char;
    fn omnishot_c10d_leave(group: *mut Handle);
    fn omnishot_c10d_barrier(group: *mut Handle) -> *mut c_char;
    fn omnishot_c10d_broadcast(group: *mut Handle, tensor: *mut C_tensor) -> *mut c_char;
    fn omnishot_c10d_all_gather(
        group: *mut Handle,
        gathered: *mut C_tensor,
        tensor: *mut C_tensor,
    ) -> *mut c_char;
    fn omnishot_c10d_all_reduce(group: *mut Handle, tensor: *mut C_tensor) -> *mut c_char;
    fn omnishot_c10d_watch(
        group: *mut Handle,
        tensors: *const *mut C_tensor,
        count: usize,
        watch: *mut *mut WatchHandle,
    ) -> *mut c_char;
    fn omnishot_c10d_unwatch(watch: *mut WatchHandle);
    fn omnishot_c10d_begin(watch: *mut WatchHandle);
    fn omnishot_c10d_end(watch: *mut WatchHandle, gradients: *const *mut C_tensor) -> *mut c_char;
}

/// What a call has told: nothing, or what went wrong.
fn heard(told: *mut c_char) -> Result<(), String> {
    if told.is_null() {
        return Ok(());
    }
    // SAFETY: what is not null is a string of C that the call made with `strdup` for us alone.
    let said = unsafe { CStr::from_ptr(told) }
        .to_string_lossy()
        .trim()
        .to_owned();
    // SAFETY: as above; the text has been copied, and nothing refers to it any more.
    unsafe { omnishot_c10d_free(told) };
    Err(said)
}

/// A process's membership, given back when dropped.
pub(super) struct Group {
    handle: *mut Handle,
    device: Device,
}

impl Group {
    /// Meets the others; waits for them no longer than `timeout`.
    pub(super) fn join(
        place: &Place,
        device: Device,
        timeout: Duration,
    ) -> Result<Group, RankError> {
        let meeting = |said: String| RankError::Meeting {
            rank: place.rank,
            world: place.world,
            address: format!("{}:{}", place.address, place.port),
            said,
        };
        let text = |text: &str| CString::new(text).map_err(|error| meeting(error.to_string()));
        let (host, prefix, interface) = (
            text(&place.address)?,
            text(&place.prefix)?,
            text(&place.interface)?,
        );
        let number = |number: u64| i32::try_from(number).map_err(|e| meeting(e.to_string()));
        let options = Options {
            host: host.as_ptr(),
            prefix: prefix.as_ptr(),
            interface: interface.as_ptr(),
            timeout: i64::try_from(timeout.as_millis()).unwrap_or(i64::MAX),
            port: place.port,
            rank: number(place.rank)?,
            world: number(place.world)?,
            gpu: match device {
                Device::Cuda(gpu) => number(gpu as u64)?,
                _ => -1,
            },
            serves: place.rank == 0 && !place.store_is_there,
        };
        let mut handle = ptr::null_mut();
        // SAFETY: the options' strings outlive the call, which copies what it keeps, and
        // `handle` is a place for the one pointer that it writes.
        heard(unsafe { omnishot_c10d_join(&raw const options, &raw mut handle) })
            .map_err(meeting)?;
        Ok(Group { handle, device })
    }

    /// Where tensors lie that are exchanged.
    pub(super) fn device(&self) -> Device {
        self.device
    }

    /// The sum over all ranks in place of a tensor.
    pub(super) fn all_reduce(&self, tensor: &mut Tensor) -> Result<(), String> {
        // SAFETY: the group lives as long as `self`; the tensor is borrowed alone until the call
        // returns, with its work done or given up: c10d keeps counted references of its own to
        // what is still on its way.
        heard(unsafe { omnishot_c10d_all_reduce(self.handle, tensor.as_mut_ptr()) })
    }

    /// Into `gathered` from each rank its `tensor`.
    pub(super) fn all_gather(
        &self,
        gathered: &mut Tensor,
        mut tensor: Tensor,
    ) -> Result<(), String> {
        let (all, own) = (gathered.as_mut_ptr(), tensor.as_mut_ptr());
        // SAFETY: as in `all_reduce`.
        heard(unsafe { omnishot_c10d_all_gather(self.handle, all, own) })
    }

    pub(super) fn barrier(&self) -> Result<(), String> {
        // SAFETY: the group lives as long as `self`.
        heard(unsafe { omnishot_c10d_barrier(self.handle) })
    }

    /// The first rank's values into `tensor`.
    pub(super) fn broadcast(&self, tensor: &mut Tensor) -> Result<(), String> {
        // SAFETY: as in `all_reduce`.
        heard(unsafe { omnishot_c10d_broadcast(self.handle, tensor.as_mut_ptr()) })
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // SAFETY: the handle came from `join`, and no one has given it back before.
        unsafe { omnishot_c10d_leave(self.handle) };
    }
}

/// Tensors whose gradients are added up over all ranks while a backward pass makes them.
pub(super) struct Watch {
    handle: *mut WatchHandle,
    tensors: usize,
}

impl Watch {
    /// Watches `tensors`, which learn and are of one kind.
    pub(super) fn new(group: &Group, mut tensors: Vec<Tensor>) -> Result<Watch, String> {
        let all: Vec<*mut C_tensor> = tensors.iter_mut().map(Tensor::as_mut_ptr).collect();
        let mut handle = ptr::null_mut();
        // SAFETY: the group lives through the call, and its engine as long as the watch, which
        // holds a counted reference to it, as it does to each of the `all.len()` tensors.
        heard(unsafe {
            omnishot_c10d_watch(group.handle, all.as_ptr(), all.len(), &raw mut handle)
        })?;
        let tensors = all.len();
        Ok(Watch { handle, tensors })
    }

    /// Takes the gradients of the backward pass that follows.
    pub(super) fn begin(&mut self) {
        // SAFETY: the handle lives as long as `self`, and no backward pass is under way that tells
        // it anything: one is only between `begin` and `end`, both of which borrow `self` alone.
        unsafe { omnishot_c10d_begin(self.handle) };
    }

    /// Puts the sums in the places of the gradients, one of each tensor.
    pub(super) fn end(&mut self, gradients: &mut [Tensor]) -> Result<(), String> {
        assert_eq!(gradients.len(), self.tensors, "a gradient for each tensor");
        let all: Vec<*mut C_tensor> = gradients.iter_mut().map(Tensor::as_mut_ptr).collect();
        // SAFETY: as in `begin`; the pointers are of as many tensors as are watched, borrowed
        // alone until the call returns.
        heard(unsafe { omnishot_c10d_end(self.handle, all.as_ptr()) })
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        // SAFETY: the handle came from `new`, and no one has given it back before.
        unsafe { omnishot_c10d_unwatch(self.handle) };
    }
}
