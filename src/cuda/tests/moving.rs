//! Buffers, uploads and switches as far as a CPU goes, and what a build without CUDA says.

use std::rc::Rc;

use tch::{Device, Kind, Tensor};

use super::super::{Arithmetic, CudaError, Numbers, PageLocked, Upload, face, set_arithmetic};

struct Batch {
    images: PageLocked<u8>,
    classes: Vec<i64>,
    weights: [f32; 2],
    _held: Rc<()>,
}

fn batch(held: &Rc<()>) -> Batch {
    let mut images = PageLocked::heap(6);
    images.copy_from_slice(&[1, 2, 3, 4, 5, 250]);
    Batch {
        images,
        classes: vec![i64::MIN, 7],
        weights: [0.5, -2.0],
        _held: Rc::clone(held),
    }
}

fn slices(batch: &Batch) -> Vec<Numbers<'_>> {
    vec![
        Numbers::from(&batch.images[..]),
        Numbers::from(&batch.classes[..]),
        Numbers::from(&batch.weights[..]),
    ]
}

fn targets() -> Vec<Tensor> {
    let zeros = |shape: &[i64], kind| Tensor::zeros(shape, (kind, Device::Cpu));
    vec![
        zeros(&[2, 1, 3], Kind::Uint8),
        zeros(&[2], Kind::Int64),
        zeros(&[2], Kind::Float),
    ]
}

fn message<T>(result: Result<T, CudaError>) -> String {
    match result {
        Err(CudaError::Failed { message }) => message,
        Err(other) => panic!("{other:?}"),
        Ok(_) => panic!("not refused"),
    }
}

#[test]
fn a_buffer_is_zeros_and_a_slice() {
    let mut buffer = PageLocked::<f32>::heap(3);
    assert_eq!(*buffer, [0.0; 3]);
    buffer[1] = 2.5;
    assert_eq!(buffer.iter().sum::<f32>(), 2.5);
    assert!(!buffer.is_locked());
    assert!(PageLocked::<i64>::heap(0).is_empty());
    assert_eq!(PageLocked::<u8>::new(5).unwrap().len(), 5);
}

#[test]
fn an_upload_writes_all_tensors_and_gives_the_batch_back() {
    let (held, to) = (Rc::new(()), targets());
    let upload = Upload::start(None, batch(&held), &to, slices).unwrap();
    assert!(upload.event().is_none() && upload.is_done().unwrap());
    let batch = upload.finish().unwrap();
    assert_eq!(batch.classes, [i64::MIN, 7]);
    assert_eq!(to[0].int64_value(&[1, 0, 2]), 250);
    assert_eq!(Vec::<i64>::try_from(&to[1]).unwrap(), [i64::MIN, 7]);
    assert_eq!(Vec::<f32>::try_from(&to[2]).unwrap(), [0.5, -2.0]);
    drop(batch);
    assert_eq!(Rc::strong_count(&held), 1);
}

#[test]
fn an_upload_that_does_not_fit_is_refused_and_gives_the_batch_up() {
    let held = Rc::new(());
    let start = |to: &[Tensor]| message(Upload::start(None, batch(&held), to, slices));
    let mut to = targets();
    assert_eq!(start(&to[..2]), "3 slices for 2 tensors");
    to[2] = Tensor::zeros([3], (Kind::Float, Device::Cpu));
    assert!(start(&to).contains("a tensor of 3 Float cannot take 2 Float"));
    to[2] = Tensor::zeros([2], (Kind::Int, Device::Cpu));
    assert!(start(&to).contains("a tensor of 2 Int cannot take 2 Float"));
    to[2] = Tensor::zeros([4], (Kind::Float, Device::Cpu)).slice(0, 0, 4, 2);
    assert!(start(&to).contains("gaps in memory"));
    assert_eq!(Rc::strong_count(&held), 1);
}

#[test]
fn a_dropped_upload_gives_the_batch_up() {
    let held = Rc::new(());
    drop(Upload::start(None, batch(&held), &targets(), slices).unwrap());
    assert_eq!(Rc::strong_count(&held), 1);
}

#[test]
fn running_out_of_memory_is_told_from_other_errors() {
    let memory = face::error("mCUDA out of memory. Tried to allocate 20 MiB\n");
    assert!(matches!(memory, CudaError::OutOfMemory { .. }));
    assert_eq!(
        memory.to_string(),
        "out of memory: CUDA out of memory. Tried to allocate 20 MiB"
    );
    let other = face::error("emore than there is");
    assert_eq!(other.to_string(), "libtorch: more than there is");
    assert!(matches!(
        face::page_locked(None),
        Err(CudaError::OutOfMemory { .. })
    ));
}

#[test]
fn switches_say_what_was_set() {
    for (tf32, deterministic) in [(true, false), (false, true), (true, true), (false, false)] {
        face::switch(tf32, deterministic).unwrap();
        let switched = face::switches().unwrap();
        assert_eq!(switched, [tf32, tf32, deterministic, !deterministic]);
    }
}

#[cfg(not(omnishot_cuda))]
#[test]
fn a_build_without_cuda_says_so() {
    use super::super::{Event, Graph, Stream, available};

    fn not_built<T>(result: Result<T, CudaError>) -> bool {
        matches!(result, Err(CudaError::NotBuilt))
    }
    assert!(!available());
    assert!(not_built(Stream::new(0)) && not_built(Stream::current(0)));
    assert!(not_built(Event::new()));
    assert!(not_built(PageLocked::<u8>::locked(8)));
    assert!(
        CudaError::NotBuilt
            .to_string()
            .contains("tools/libtorch --cuda")
    );
    // Of the calls beneath, each has its own word from libtorch, and none ends the process.
    let says_cuda = |said: String| assert!(said.to_lowercase().contains("cuda"), "{said}");
    says_cuda(message(face::stream_new(0)));
    says_cuda(message(face::Event::new()));
    says_cuda(message(face::page_locked(Some(8))));
    let stream = face::Stream::default();
    says_cuda(message(face::stream_synchronize(stream)));
    says_cuda(message(face::stream_enter(stream)));
    assert!(message(face::Capture::begin(stream, None)).contains("no CUDA graphs"));
    let graph = Graph::capture(&Stream(stream), None, || Ok::<_, CudaError>(()));
    assert!(not_built(graph));
}

#[test]
fn arithmetic_of_a_build_without_cuda_is_left_alone() {
    let arithmetic = Arithmetic {
        tf32: true,
        deterministic: true,
    };
    if !cfg!(omnishot_cuda) {
        set_arithmetic(arithmetic).unwrap();
        assert!(std::env::var_os("CUBLAS_WORKSPACE_CONFIG").is_none());
    }
}
