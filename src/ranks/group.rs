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
    fn omnishot_c10d_all_reduce(
        group: *mut Handle,
        tensors: *const *mut C_tensor,
        count: usize,
    ) -> *mut c_char;
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

    pub(super) fn all_reduce(&self, tensors: &mut [Tensor]) -> Result<(), String> {
        let all: Vec<*mut C_tensor> = tensors.iter_mut().map(Tensor::as_mut_ptr).collect();
        // SAFETY: the group lives as long as `self`; the pointers are of `all.len()` tensors that
        // are borrowed alone until the call returns, with all its work done or given up: c10d
        // keeps counted references of its own to what is still on its way.
        heard(unsafe { omnishot_c10d_all_reduce(self.handle, all.as_ptr(), all.len()) })
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
