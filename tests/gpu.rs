//! Training on a GPU: repeatable, the same with graphs and without, near a CPU's. Each test says
//! on standard error that it was skipped where there is no GPU. And what can be told of all that
//! without one.
#![cfg(all(feature = "cli", feature = "torch"))]
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod common;

use common::runs;
use common::small;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicBool, Ordering};

use common::drawings::made_up;
use common::small::with;
use omnishot::cuda;
use omnishot::eval;
use omnishot::train::{
    Checkpoint, Pixels, Preset, RunOptions, StepRecord, TrainError, Trained, train,
};
use tch::Device;

const PRESETS: [&str; 9] = [
    "fast", "thorough", "composed", "compact", "siamese", "softmax", "matching", "keras", "koch",
];
/// More steps than are taken before one is captured, and two checkpoints.
const STEPS: u64 = 16;

/// A GPU, or a word that the test was skipped: to the system itself, past what tests capture.
fn gpu(test: &str) -> Option<Device> {
    if cuda::available() {
        return Some(Device::Cuda(0));
    }
    let why = match cfg!(omnishot_cuda) {
        true => "there is no GPU here",
        false => "this build has no CUDA",
    };
    let line = format!("skipped: {test}: {why}\n"); // at once, beside other tests' lines
    let _ = std::io::stderr().write_all(line.as_bytes());
    None
}

/// Settings that both kinds of devices take as they are.
fn exact(name: &str, changes: &[&str]) -> Preset {
    let mut all = vec!["precision=f32", "pixels=u8"];
    if !["siamese", "keras", "koch"].contains(&name) {
        all.push("batch.shards=1");
    }
    if !["keras", "koch"].contains(&name) {
        all.push("optimizer.learning_rate=1e-4"); // at higher ones, roundings grow
    }
    all.extend(changes);
    with(name, STEPS, &all)
}

/// What came of a run: its losses, and its weights as bytes.
struct Ran {
    losses: Vec<f64>,
    weights: Vec<u8>,
}

fn options(device: Device, workers: usize, folder: &Path) -> RunOptions {
    RunOptions {
        device,
        checkpoint_every: 5,
        ..small::options(7, workers, folder)
    }
}

/// Trains; stopped after the step `until`, if that is not 0.
fn try_run(
    preset: &Preset,
    options: &RunOptions,
    until: u64,
) -> Result<(Vec<f64>, Trained), TrainError> {
    tch::set_num_threads(1); // sums on a CPU depend on it
    let (store, stop) = (made_up(), AtomicBool::new(false));
    let mut losses = Vec::new();
    let trained = train(
        &store,
        preset,
        options,
        |model, split| eval::validate(model, &store, split, 50),
        |record: &StepRecord| {
            losses.push(record.loss);
            stop.fetch_or(record.step == until, Ordering::Relaxed);
        },
        &stop,
    )?;
    Ok((losses, trained))
}

fn run(preset: &Preset, device: Device, workers: usize) -> Ran {
    let folder = tempfile::tempdir().unwrap();
    let ran = try_run(preset, &options(device, workers, folder.path()), 0);
    saved(ran.unwrap(), folder.path())
}

fn saved((losses, trained): (Vec<f64>, Trained), folder: &Path) -> Ran {
    let path = folder.join("w.safetensors");
    trained.model.save(&path).unwrap();
    Ran {
        losses,
        weights: fs::read(path).unwrap(),
    }
}

/// Of two lists of losses the largest difference, as a share.
fn apart(one: &[f64], other: &[f64]) -> f64 {
    assert_eq!((one.len(), other.len()), (STEPS as usize, STEPS as usize));
    let pairs = one.iter().zip(other);
    pairs.map(|(a, b)| (a / b - 1.0).abs()).fold(0.0, f64::max)
}

#[test]
fn a_gpu_takes_the_same_steps_with_graphs_and_without_for_any_workers() {
    let Some(gpu) = gpu("the same steps with graphs and without") else {
        return;
    };
    for name in PRESETS {
        let own = if name == "matching" { "tf32" } else { "bf16" };
        for precision in ["f32", own] {
            let change = format!("precision={precision}");
            let graph = with(name, STEPS, &[&change]);
            let first = run(&graph, gpu, 1);
            let second = run(&graph, gpu, 5);
            let one_by_one = run(&with(name, STEPS, &[&change, "graph=false"]), gpu, 1);
            for (other, what) in [(second, "five workers"), (one_by_one, "without graphs")] {
                assert_eq!(first.losses, other.losses, "{name}, {precision}, {what}");
                assert!(
                    first.weights == other.weights,
                    "{name}, {precision}, {what}: other weights"
                );
            }
        }
    }
}

#[test]
fn a_run_on_a_gpu_goes_on_as_if_never_stopped() {
    let Some(gpu) = gpu("a resumed run") else {
        return;
    };
    for name in PRESETS {
        let preset = with(name, STEPS, &[]);
        let whole = run(&preset, gpu, 2);
        let folder = tempfile::tempdir().unwrap();
        let (mut losses, stopped) = try_run(&preset, &options(gpu, 2, folder.path()), 5).unwrap();
        assert!(stopped.stopped && stopped.steps < STEPS, "{name}");
        let checkpoint = Checkpoint::open(folder.path()).unwrap();
        let preset = checkpoint.progress.preset.clone();
        let resumed = RunOptions {
            resume: Some(checkpoint),
            ..options(gpu, 1, folder.path())
        };
        let (rest, trained) = try_run(&preset, &resumed, 0).unwrap();
        losses.extend(rest);
        let resumed = saved((losses, trained), folder.path());
        assert_eq!(whole.losses, resumed.losses, "{name}");
        assert!(whole.weights == resumed.weights, "{name}: other weights");
    }
}

#[test]
fn a_gpu_has_the_losses_of_a_cpu() {
    let Some(gpu) = gpu("the losses of a CPU") else {
        return;
    };
    for name in PRESETS {
        let preset = exact(name, &[]);
        let (on_cpu, on_gpu) = (run(&preset, Device::Cpu, 1), run(&preset, gpu, 2));
        let apart = apart(&on_cpu.losses, &on_gpu.losses);
        assert!(apart < 1e-3, "{name}: {apart}");
    }
}

#[test]
fn a_loss_that_explodes_on_a_gpu_names_its_batch_and_keeps_it() {
    let Some(gpu) = gpu("a loss that explodes") else {
        return;
    };
    let large = ["optimizer.learning_rate=1e30", "optimizer.warmup_steps=0"];
    for graph in ["graph=true", "graph=false"] {
        let preset = with("compact", 200, &[&large[..], &[graph]].concat());
        let folder = tempfile::tempdir().unwrap();
        let diverged = try_run(&preset, &options(gpu, 2, folder.path()), 0).err();
        let Some(TrainError::Diverged { batch, kept, .. }) = diverged else {
            panic!("{graph}: it did not diverge");
        };
        assert_eq!(batch, 1, "{graph}");
        let bytes = fs::read(kept).unwrap();
        let tensors = safetensors::SafeTensors::deserialize(&bytes).unwrap();
        assert_eq!(tensors.tensor("images").unwrap().shape(), [24, 1, 32, 32]);
        assert_eq!(tensors.tensor("labels").unwrap().shape(), [24]);
    }
}

#[test]
fn bytes_on_a_cpu_teach_what_floats_do_for_any_workers() {
    for name in PRESETS {
        let bytes = exact(name, &[]);
        assert_eq!(bytes.pixels, Pixels::U8);
        let floats = exact(name, &["pixels=f32"]);
        let first = run(&bytes, Device::Cpu, 1);
        let again = run(&bytes, Device::Cpu, 3);
        assert_eq!(first.losses, again.losses, "{name}");
        assert!(first.weights == again.weights, "{name}: other weights");
        // A byte rounds ink to one of 255 shades, which so small a network of Koch's does not notice.
        let exact = run(&floats, Device::Cpu, 1);
        let notices = !["keras", "koch"].contains(&name);
        assert!(exact.losses != first.losses || !notices, "{name}");
        let apart = apart(&exact.losses, &first.losses);
        assert!(apart < 5e-3, "{name}: {apart}");
    }
}

const TRAIN: &str = env!("CARGO_BIN_EXE_siamese-train");

fn call(folder: &Path, arguments: &[String]) -> Output {
    let mut command = Command::new(TRAIN);
    command.current_dir(folder).args(arguments);
    command.output().unwrap()
}

fn words(text: &str) -> Vec<String> {
    text.split(' ').map(str::to_owned).collect()
}

#[test]
fn tf32_is_refused_on_a_cpu_in_a_sentence() {
    let folder = runs::prepared();
    for name in PRESETS {
        let refused = "s.omni --out run --device cpu --precision tf32 --preset";
        let output = call(folder.path(), &[&words(refused)[..], &words(name)].concat());
        assert_eq!(output.status.code(), Some(1), "{name}: {output:?}");
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains("precision is tf32"), "{name}: {said}");
        assert!(said.contains("tf32 is an arithmetic of GPUs"), "{said}");
        assert_eq!(said.lines().count(), 1, "{said}");
        assert!(!folder.path().join("run").exists(), "nothing was begun");
    }
}

#[test]
fn settings_of_gpus_are_read_printed_and_kept() {
    let folder = runs::prepared();
    let printed = |change: &str| {
        let print = "--print --device cpu --preset fast --set";
        call(folder.path(), &[&words(print)[..], &words(change)].concat())
    };
    for (change, line) in [
        ("graph=false", "graph = false"),
        ("graph=true", "graph = true"),
        ("deterministic=false", "deterministic = false"),
        ("deterministic=true", "deterministic = true"),
        ("pixels=u8", "pixels = \"u8\""),
        ("pixels=f32", "pixels = \"f32\""),
        ("pixels=auto", "pixels = \"f32\""), // settled for a CPU
    ] {
        let output = printed(change);
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{change}");
        assert!(text.lines().any(|known| known == line), "{change}: {text}");
        let again = Preset::parse(&text, &[]).unwrap();
        assert_eq!(toml::to_string(&again).unwrap(), text, "{change}");
    }
    for (mistake, says) in [
        ("graph=maybe", "invalid type"),
        ("deterministic=1", "invalid type"),
        ("pixels=u16", "unknown variant `u16`"),
    ] {
        let output = printed(mistake);
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && said.contains(says), "{said}");
    }
    // A run keeps them, and goes on with them.
    let sets = ["graph=false", "deterministic=false", "pixels=u8"];
    let sets = [&runs::COMPACT[..], &sets].concat();
    let begun = call(folder.path(), &runs::small_run("run", ("fast", &sets), 6));
    assert!(begun.status.success(), "{begun:?}");
    let kept = fs::read_to_string(folder.path().join("run/settings.toml")).unwrap();
    let resumed = Checkpoint::open(&folder.path().join("run")).unwrap();
    let settings = resumed.progress.preset;
    assert_eq!(toml::to_string(&settings).unwrap(), kept);
    assert!(!settings.graph && !settings.deterministic);
    assert_eq!(settings.pixels, Pixels::U8);
    let resumed = call(
        folder.path(),
        &words("s.omni --out run --resume --device cpu"),
    );
    assert!(resumed.status.success(), "{resumed:?}");
}
