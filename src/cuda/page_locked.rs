//! Memory of the host that a GPU reads by itself.
#![allow(unsafe_code)]

use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;
use std::slice;

use tch::{Kind, Tensor};

use super::error::CudaError;
use super::{available, built, face};

mod sealed {
    /// Numbers of which every pattern of bits is one, and zeros are [`Default`].
    pub trait Number: Copy + Default + Send + Sync + 'static {
        const KIND: tch::Kind;
    }
}

pub(super) use sealed::Number;

/// Numbers that can be uploaded: `u8`, `f32` and `i64`.
pub trait Element: Number {}

impl Number for u8 {
    const KIND: Kind = Kind::Uint8;
}
impl Number for f32 {
    const KIND: Kind = Kind::Float;
}
impl Number for i64 {
    const KIND: Kind = Kind::Int64;
}
impl<T: Number> Element for T {}

/// Numbers in memory that the system does not move, so that a GPU copies them by itself while the
/// CPU goes on; on the heap where that was not asked for. Used as a slice.
///
/// libtorch keeps such memory for later, in sizes of powers of two: make a buffer once and fill
/// it again.
pub struct PageLocked<T: Element>(Memory<T>);

enum Memory<T> {
    Heap(Vec<T>),
    Locked {
        /// Owns the memory.
        _owner: Tensor,
        start: NonNull<T>,
        len: usize,
    },
}

// SAFETY: the memory belongs to the buffer alone, and its owner is a counted reference that any
// thread may give up; `T` is plain numbers.
unsafe impl<T: Element> Send for PageLocked<T> {}
// SAFETY: through a shared reference there is only the slice of plain numbers; the owner is not
// reached.
unsafe impl<T: Element> Sync for PageLocked<T> {}

impl<T: Element> PageLocked<T> {
    /// `len` zeros, page-locked if there is a GPU ([`available`]), else on the heap.
    ///
    /// # Errors
    /// [`CudaError::OutOfMemory`] if the system does not lock so much.
    pub fn new(len: usize) -> Result<PageLocked<T>, CudaError> {
        if available() {
            PageLocked::locked(len)
        } else {
            Ok(PageLocked::heap(len))
        }
    }

    /// `len` zeros on the heap.
    #[must_use]
    pub fn heap(len: usize) -> PageLocked<T> {
        PageLocked(Memory::Heap(vec![T::default(); len]))
    }

    /// `len` zeros, page-locked. Not while a graph is captured.
    ///
    /// # Errors
    /// [`CudaError::NotBuilt`]; [`CudaError::OutOfMemory`] if the system does not lock so much;
    /// [`CudaError::Failed`] if there is no GPU.
    pub fn locked(len: usize) -> Result<PageLocked<T>, CudaError> {
        built()?;
        if len == 0 {
            return Ok(PageLocked::heap(0));
        }
        let owner = face::page_locked(len.checked_mul(size_of::<T>()))?;
        let start = NonNull::new(owner.data_ptr().cast::<T>()).filter(|start| start.is_aligned());
        let start = start.ok_or_else(|| CudaError::Failed {
            message: "page-locked memory is not where numbers can be".to_owned(),
        })?;
        Ok(PageLocked(Memory::Locked {
            _owner: owner,
            start,
            len,
        }))
    }

    /// Whether it is page-locked.
    #[must_use]
    pub fn is_locked(&self) -> bool {
        matches!(self.0, Memory::Locked { .. })
    }
}

impl<T: Element> Deref for PageLocked<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        match &self.0 {
            Memory::Heap(numbers) => numbers,
            // SAFETY: `start` is aligned, and the owner, which no one else has, holds `len`
            // numbers from there, zeros at first; no one writes them while `self` is borrowed.
            Memory::Locked { start, len, .. } => unsafe {
                slice::from_raw_parts(start.as_ptr(), *len)
            },
        }
    }
}

impl<T: Element> DerefMut for PageLocked<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        match &mut self.0 {
            Memory::Heap(numbers) => numbers,
            // SAFETY: as in `deref`, and `self` is borrowed alone.
            Memory::Locked { start, len, .. } => unsafe {
                slice::from_raw_parts_mut(start.as_ptr(), *len)
            },
        }
    }
}
