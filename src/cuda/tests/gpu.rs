//! What needs a GPU. Where there is none, each test says on standard error that it was skipped.

use std::io::Write;

use tch::{Device, Kind, Tensor};

use super::super::{
    CudaError, Event, FusedAdamW, Graph, Numbers, PageLocked, Stream, Upload, available, average,
};

const GPU: Device = Device::Cuda(0);

/// Whether there is a GPU; if not, says so to the system itself, past what tests capture.
fn gpu_for(test: &str) -> bool {
    if !available() {
        let line = format!("skipped: {test}: there is no GPU here\n"); // at once, beside others' lines
        let _ = std::io::stderr().write_all(line.as_bytes());
    }
    available()
}

fn full(shape: &[i64], value: f64) -> Tensor {
    Tensor::full(shape, value, (Kind::Float, GPU))
}

#[test]
fn an_upload_is_seen_by_a_stream_that_waits_for_it() {
    if !gpu_for("an upload is seen by a stream that waits for it") {
        return;
    }
    let (uploads, work) = (Stream::new(0).unwrap(), Stream::new(0).unwrap());
    let to = [Tensor::zeros([1 << 20], (Kind::Float, GPU))];
    tch::Cuda::synchronize(0);
    let mut batch = PageLocked::<f32>::locked(1 << 20).unwrap();
    for round in 1..=3_u8 {
        batch.fill(f32::from(round));
        let upload = Upload::start(Some(&uploads), batch, &to, |batch| {
            vec![Numbers::from(&batch[..])]
        });
        let upload = upload.unwrap();
        let sum = {
            let _current = work.enter().unwrap();
            work.wait(upload.event().unwrap()).unwrap();
            to[0].sum(Kind::Double)
        };
        work.synchronize().unwrap();
        assert_eq!(sum.double_value(&[]), f64::from(round) * f64::from(1 << 20));
        batch = upload.finish().unwrap();
    }
    assert!(batch.is_locked());
    assert_ne!(Stream::current(0).unwrap(), work);
}

#[test]
fn a_replay_reads_what_was_filled_in_since() {
    if !gpu_for("a replay reads what was filled in since") {
        return;
    }
    let stream = Stream::new(0).unwrap();
    let values = [full(&[4097], 1.0), full(&[3, 3], 1.0)];
    let averages = [full(&[4097], 0.0), full(&[3, 3], 0.0)];
    let gradients = [full(&[4097], 1.0), full(&[3, 3], -1.0)];
    let [first, second] = [0, 1].map(|_| values.each_ref().map(Tensor::zeros_like));
    let (mut step, mut rate, weight) = (full(&[], 0.0), full(&[], 0.0), full(&[], 0.5));
    let mut once = || -> Result<(), CudaError> {
        let _ = step.g_add_scalar_(1.0);
        FusedAdamW {
            values: &values,
            gradients: &gradients,
            first: &first,
            second: &second,
            step: &step,
            rate: &rate,
            decay: 0.0,
            betas: [0.9, 0.999],
            epsilon: 1e-8,
        }
        .step()?;
        average(&averages, &values, &weight)
    };
    tch::Cuda::synchronize(0);
    {
        let _current = stream.enter().unwrap();
        once().unwrap();
    }
    let (graph, ()) = Graph::capture(&stream, None, once).unwrap();
    for own_rate in [0.25, 0.125] {
        let _ = rate.fill_(own_rate);
        tch::Cuda::synchronize(0);
        graph.replay().unwrap();
        stream.synchronize().unwrap();
    }
    // A constant gradient: each step is one rate long. The first one's rate was 0.
    assert!((values[0].double_value(&[4096]) - (1.0 - 0.375)).abs() < 1e-5);
    assert!((values[1].double_value(&[2, 2]) - (1.0 + 0.375)).abs() < 1e-5);
    // 0, half of 1, half way to 0.75, half way to 0.625.
    assert!((averages[0].double_value(&[0]) - 0.625).abs() < 1e-5);
}

#[test]
fn a_capture_that_fails_leaves_the_stream_and_random_numbers_fit_for_use() {
    if !gpu_for("a capture that fails leaves the stream and random numbers fit for use") {
        return;
    }
    let stream = Stream::new(0).unwrap();
    let noise = full(&[1024], 0.0);
    let draw = || noise.shallow_clone().normal_(0.0, 1.0);
    tch::Cuda::synchronize(0);
    {
        let _current = stream.enter().unwrap();
        let _ = draw();
    }
    for round in 0..3 {
        let result = Graph::capture(&stream, None, || {
            let _ = draw();
            if round > 0 {
                // Reading a number back is what a capture cannot hold.
                let _ = noise.f_double_value(&[0]).map_err(failed)?;
            }
            Err::<(), _>(failed("given up"))
        });
        assert!(result.is_err());
        assert!(draw().std(true).double_value(&[]) > 0.5);
    }
    let (graph, drawn) =
        Graph::capture(&stream, None, || Ok::<_, CudaError>(draw() * 1.0)).unwrap();
    let mut seen = Vec::new();
    for _ in 0..3 {
        graph.replay().unwrap();
        stream.synchronize().unwrap();
        seen.push(drawn.double_value(&[0]));
    }
    assert!(
        seen[0] != seen[1] && seen[1] != seen[2],
        "new numbers each time: {seen:?}"
    );
}

fn failed(said: impl ToString) -> CudaError {
    CudaError::Failed {
        message: said.to_string(),
    }
}

#[test]
fn an_event_is_done_when_its_stream_has_come_past_it() {
    if !gpu_for("an event is done when its stream has come past it") {
        return;
    }
    let (stream, event) = (Stream::new(0).unwrap(), Event::new().unwrap());
    assert!(event.is_done().unwrap());
    event.record(&stream).unwrap();
    event.synchronize().unwrap();
    assert!(event.is_done().unwrap());
    assert!(Stream::new(4096).is_err());
}

#[test]
fn memory_that_there_is_not_is_told_as_such() {
    if !gpu_for("memory that there is not is told as such") {
        return;
    }
    let result = PageLocked::<u8>::locked(1 << 44);
    assert!(matches!(result, Err(CudaError::OutOfMemory { .. })));
}
