//! A batch on loan to the caller: arrays that lie in the loader's own buffer.

use std::any::Any;
use std::ffi::{CStr, c_void};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use omnishot::distort::Pixel;
use omnishot::loader::{ClassBatch, PairBatch, Pictures, Ready, TaskBatch};

/// The most dimensions of an array: `[tasks, ways, shots, 1, side, side]`.
pub const MOST_DIMENSIONS: usize = 6;

/// What an array holds, by its letter in Python's `struct` and `memoryview`.
#[derive(Clone, Copy)]
#[repr(u8)]
pub enum Kind {
    /// `f32`
    Float = b'f',
    /// `i64`
    Long = b'q',
    /// `u8`
    Byte = b'B',
}

/// A kind of pixel with its letter.
pub trait Letter: Pixel {
    /// The letter.
    const KIND: Kind;
}

impl Letter for f32 {
    const KIND: Kind = Kind::Float;
}

impl Letter for u8 {
    const KIND: Kind = Kind::Byte;
}

/// An array of a lease. Its pointer is good as long as the lease is.
pub struct Array {
    /// Its name.
    pub name: &'static CStr,
    /// What it holds.
    pub kind: Kind,
    /// Its dimensions, row by row; none for a single number.
    pub shape: Vec<usize>,
    /// Its first element.
    pub data: *mut c_void,
}

/// What is known of a stream's batches beside the batches.
#[derive(Clone, Copy)]
pub struct Frame {
    /// Width and height of the pictures.
    pub side: usize,
    /// Ways of a task.
    pub ways: usize,
    /// Shots of a task.
    pub shots: usize,
}

type Name = &'static CStr;
/// Numbers that are no buffer of a loader: labels, ids, and what a network makes.
pub type Numbers = (Name, Vec<usize>, Values);

/// Numbers of a kind.
pub enum Values {
    /// `f32`
    Floats(Vec<f32>),
    /// `i64`
    Longs(Vec<i64>),
    /// `u8`
    Bytes(Vec<u8>),
}

/// A batch whose arrays have names.
pub trait Lend: Pictures<Pixel: Letter> + Send + 'static {
    /// Names and shapes of [`Pictures::pixels`], of those that the batch has.
    fn pictures(&self, frame: Frame) -> Vec<(Name, Vec<usize>)>;
    /// All else.
    fn numbers(&self, frame: Frame) -> Vec<Numbers>;
}

impl<P: Letter> Lend for PairBatch<P> {
    fn pictures(&self, Frame { side, .. }: Frame) -> Vec<(Name, Vec<usize>)> {
        vec![(c"images", vec![2, self.items.len(), 1, side, side])]
    }

    fn numbers(&self, _: Frame) -> Vec<Numbers> {
        let pairs = self.items.len();
        let left = self.items.iter().map(|item| i64::from(item.left));
        let right = self.items.iter().map(|item| i64::from(item.right));
        let drawings = Values::Longs(left.chain(right).collect());
        vec![
            (c"same", vec![pairs], Values::Floats(self.same.clone())),
            (c"drawings", vec![2, pairs], drawings),
        ]
    }
}

impl<P: Letter> Lend for ClassBatch<P> {
    fn pictures(&self, Frame { side, .. }: Frame) -> Vec<(Name, Vec<usize>)> {
        vec![(c"images", vec![self.items.len(), 1, side, side])]
    }

    fn numbers(&self, _: Frame) -> Vec<Numbers> {
        let n = self.items.len();
        let drawings = self.items.iter().map(|item| i64::from(item.drawing));
        let poses = self.items.iter().map(|item| item.pose).collect();
        let part = Values::Longs(vec![self.alphabet_part as i64]);
        vec![
            (c"classes", vec![n], Values::Longs(self.classes.clone())),
            (c"drawings", vec![n], Values::Longs(drawings.collect())),
            (c"poses", vec![n], Values::Bytes(poses)),
            (c"alphabet_part", vec![], part),
        ]
    }
}

impl<P: Letter> Lend for TaskBatch<P> {
    fn pictures(&self, Frame { side, ways, shots }: Frame) -> Vec<(Name, Vec<usize>)> {
        let tasks = self.tasks.len();
        vec![
            (c"support", vec![tasks, ways, shots, 1, side, side]),
            (c"queries", vec![tasks, 1, side, side]),
        ]
    }

    fn numbers(&self, Frame { ways, shots, .. }: Frame) -> Vec<Numbers> {
        let tasks = self.tasks.len();
        let support = self.tasks.iter().flat_map(|task| &task.support);
        let support = Values::Longs(support.map(|&id| id.into()).collect());
        let queries = self.tasks.iter().map(|task| task.query.into());
        let queries = Values::Longs(queries.collect());
        let shape = vec![tasks, ways, shots];
        vec![
            (c"answers", vec![tasks], Values::Longs(self.answers.clone())),
            (c"support_drawings", shape, support),
            (c"query_drawings", vec![tasks], queries),
        ]
    }
}

/// Counts a buffer as lent until it is dropped.
pub struct Lent(Arc<AtomicUsize>);

impl Lent {
    /// One more.
    pub fn new(count: &Arc<AtomicUsize>) -> Lent {
        count.fetch_add(1, Ordering::AcqRel);
        Lent(Arc::clone(count))
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// A batch on loan.
pub struct Lease {
    /// Its number in the stream.
    pub index: u64,
    /// Its arrays.
    arrays: Vec<Array>,
    /// What they point into. Rust does not look at it again before it is dropped.
    _kept: Box<dyn Any + Send>,
}

// SAFETY: the pointers lead into `_kept`, which may go to any thread; a lease only hands them
// out, and what threads of the caller do to one array at once is theirs to settle, as with any
// tensor.
unsafe impl Send for Lease {}
// SAFETY: as above; a shared lease gives out copies of the pointers and reads nothing.
unsafe impl Sync for Lease {}

impl Lease {
    /// Lends the buffer itself.
    pub fn of<B: Lend>(ready: Ready<B>, lent: Lent, frame: Frame) -> Lease {
        let (index, numbers, pictures) =
            (ready.index(), ready.numbers(frame), ready.pictures(frame));
        // The buffer before its count: it is back when it no longer counts.
        let mut kept = Box::new((ready, numbers, lent));
        let mut arrays = of_pictures(pictures, kept.0.pixels_mut());
        arrays.extend(kept.1.iter_mut().map(of_numbers));
        Lease {
            index,
            arrays,
            _kept: kept,
        }
    }

    /// Lends a copy; the buffer goes back at once.
    pub fn copy<B: Lend>(ready: Ready<B>, frame: Frame) -> Lease {
        let (index, numbers, pictures) =
            (ready.index(), ready.numbers(frame), ready.pictures(frame));
        let mut kept = Box::new((ready.pixels().map(<[_]>::to_vec), numbers));
        drop(ready);
        let mut arrays = of_pictures(pictures, kept.0.each_mut().map(|all| all.as_mut_slice()));
        arrays.extend(kept.1.iter_mut().map(of_numbers));
        Lease {
            index,
            arrays,
            _kept: kept,
        }
    }

    /// Lends numbers that are no loader's.
    pub fn of_numbers(numbers: Vec<Numbers>) -> Lease {
        let mut kept = Box::new(numbers);
        let arrays = kept.iter_mut().map(of_numbers).collect();
        Lease {
            index: 0,
            arrays,
            _kept: kept,
        }
    }

    /// Array `number` of it, from 0.
    pub fn array(&self, number: usize) -> Option<&Array> {
        self.arrays.get(number)
    }
}

fn of_pictures<P: Letter>(named: Vec<(Name, Vec<usize>)>, pixels: [&mut [P]; 2]) -> Vec<Array> {
    let both = named.into_iter().zip(pixels);
    both.map(|((name, shape), pixels)| {
        assert_eq!(shape.iter().product::<usize>(), pixels.len(), "{name:?}");
        array(name, P::KIND, shape, pixels.as_mut_ptr())
    })
    .collect()
}

fn of_numbers((name, shape, values): &mut Numbers) -> Array {
    match values {
        Values::Floats(all) => array(name, Kind::Float, shape.clone(), all.as_mut_ptr()),
        Values::Longs(all) => array(name, Kind::Long, shape.clone(), all.as_mut_ptr()),
        Values::Bytes(all) => array(name, Kind::Byte, shape.clone(), all.as_mut_ptr()),
    }
}

fn array<T>(name: Name, kind: Kind, shape: Vec<usize>, data: *mut T) -> Array {
    assert!(shape.len() <= MOST_DIMENSIONS, "{name:?}");
    Array {
        name,
        kind,
        shape,
        data: data.cast(),
    }
}
