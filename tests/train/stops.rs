//! Runs that are stopped, lengthened, or cannot write down what they did: the weights are there.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::thread::sleep;
use std::time::Duration;

use crate::common::runs::{COMPACT, KERAS, KOCH, prepared, small_run};
use omnishot::train::{Checkpoint, Preset};

const TRAIN: &str = env!("CARGO_BIN_EXE_siamese-train");
const EVAL: &str = env!("CARGO_BIN_EXE_siamese-eval");

/// The command that begins a run in `out`.
fn begin(folder: &Path, out: &str, run: (&str, &[&str]), steps: usize) -> Command {
    let mut command = Command::new(TRAIN);
    command.current_dir(folder).args(small_run(out, run, steps));
    command
}

fn resume(folder: &Path, out: &str, more: &[&str]) -> Output {
    let mut command = Command::new(TRAIN);
    command.current_dir(folder);
    command.args(["s.omni", "--out", out, "--resume", "--json"]);
    command.args(more).output().unwrap()
}

fn signal(process: u32) {
    let kill = Command::new("kill")
        .args(["-INT", &process.to_string()])
        .status();
    assert!(kill.unwrap().success());
}

/// Begins a long run, sends it SIGINT twice with a pause between, and gives its exit code.
fn interrupted(folder: &Path, out: &str, pause: Duration, more: &[&str]) -> Option<i32> {
    let mut command = begin(folder, out, ("compact", &COMPACT), 1_000_000);
    let mut child = command.args(more).stdout(Stdio::piped()).spawn().unwrap();
    let mut records = BufReader::new(child.stdout.take().unwrap()).lines();
    records.next().unwrap().unwrap();
    signal(child.id());
    sleep(pause);
    signal(child.id());
    records.count();
    child.wait().unwrap().code()
}

#[test]
fn a_signal_that_comes_twice_at_once_stops_as_one_does() {
    let folder = prepared();
    let at = folder.path();
    for milliseconds in [0, 15, 40] {
        let out = format!("run{milliseconds}");
        // Steps so long that the second signal comes before the first is obeyed.
        let long = ["--set", "batch.drawings=1024", "--set", "network.width=8"];
        let pause = Duration::from_millis(milliseconds);
        assert_eq!(interrupted(at, &out, pause, &long), Some(130));
        assert!(at.join(&out).join("weights.safetensors").exists(), "{out}");
        let steps = Checkpoint::open(&at.join(&out)).unwrap().progress.steps;
        let metrics = fs::read_to_string(at.join(&out).join("metrics.jsonl")).unwrap();
        assert_eq!(steps, metrics.lines().count() as u64);
    }
}

#[test]
fn a_run_goes_on_when_nobody_reads_what_it_prints() {
    let folder = prepared();
    let mut command = begin(folder.path(), "r", ("compact", &COMPACT), 6);
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    // The pipe is closed after one line.
    let mut records = BufReader::new(child.stdout.take().unwrap()).lines();
    records.next().unwrap().unwrap();
    drop(records);
    assert!(child.wait().unwrap().success());
    let metrics = fs::read_to_string(folder.path().join("r/metrics.jsonl")).unwrap();
    assert_eq!(metrics.lines().count(), 6);
    assert!(folder.path().join("r/weights.safetensors").exists());
}

fn weights_and_metrics(folder: &Path, out: &str) -> (Vec<u8>, Vec<String>) {
    let at = folder.join(out);
    let metrics = fs::read_to_string(at.join("metrics.jsonl")).unwrap();
    let loss = |line: &str| {
        let record: serde_json::Value = serde_json::from_str(line).unwrap();
        format!("{} {}", record["step"], record["loss"])
    };
    (
        fs::read(at.join("weights.safetensors")).unwrap(),
        metrics.lines().map(loss).collect(),
    )
}

#[test]
fn a_run_that_was_lengthened_is_the_one_that_was_long_from_the_start() {
    let folder = prepared();
    let at = folder.path();
    for run in [("keras", &KERAS[..]), ("koch", &KOCH)] {
        let [whole, short] = [format!("{}-whole", run.0), format!("{}-short", run.0)];
        // The last weights, so that it is no matter that a run is scored at its last step.
        let last = ["--set", "keep=last"];
        let end = |out: &str, steps| begin(at, out, run, steps).args(last).output().unwrap();
        assert!(end(&whole, 24).status.success());
        assert!(end(&short, 11).status.success());
        let told = resume(at, &short, &["--steps", "24"]);
        assert!(told.status.success(), "{told:?}");
        assert_eq!(
            weights_and_metrics(at, &whole),
            weights_and_metrics(at, &short)
        );
        let settings = fs::read_to_string(at.join(&short).join("settings.toml")).unwrap();
        assert_eq!(Preset::parse(&settings, &[]).unwrap().steps, 24);
        let told = resume(at, &short, &["--steps", "23"]);
        let text = String::from_utf8(told.stderr).unwrap();
        assert!(
            !told.status.success() && text.contains("taken 24 steps"),
            "{text}"
        );
    }
    let mut command = begin(at, "compact", ("compact", &COMPACT), 6);
    assert!(command.output().unwrap().status.success());
    let told = resume(at, "compact", &["--steps", "9"]);
    let text = String::from_utf8(told.stderr).unwrap();
    assert!(
        !told.status.success() && text.contains("another folder"),
        "{text}"
    );
    assert!(resume(at, "compact", &["--steps", "6"]).status.success());
}

#[test]
fn a_record_that_cannot_be_written_does_not_cost_the_weights() {
    let folder = prepared();
    let at = folder.path();
    let mut command = begin(at, "run", ("compact", &COMPACT), 24);
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut records = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(records.by_ref().take(7).all(|line| line.is_ok()));
    child.kill().unwrap();
    child.wait().unwrap();
    // No file may grow beyond what the checkpoint takes, and the records are as long already.
    let checkpoint = fs::metadata(at.join("run/checkpoint.safetensors")).unwrap();
    let most = checkpoint.len() / 1024 + 2;
    let metrics = at.join("run/metrics.jsonl");
    let kept = fs::read_to_string(&metrics).unwrap();
    let first = kept.lines().next().unwrap();
    let padding = "x".repeat(1024 * most as usize - first.len() - 40);
    fs::write(
        &metrics,
        format!("{first}\n{{\"step\":1,\"padding\":\"{padding}\"}}\n"),
    )
    .unwrap();
    let line = format!("trap '' XFSZ; ulimit -f {most}; exec {TRAIN} s.omni --out run --resume");
    let output = Command::new("bash")
        .args(["-c", &line])
        .current_dir(at)
        .output()
        .unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("metrics.jsonl: cannot be written"), "{text}");
    assert!(at.join("run/weights.safetensors").exists());
}

#[test]
fn what_a_killed_export_left_in_a_runs_folder_is_cleared_away() {
    let folder = prepared();
    let at = folder.path();
    let mut command = begin(at, "run", ("compact", &COMPACT), 4);
    assert!(command.output().unwrap().status.success());
    for more in [&["--resume"][..], &["--force"]] {
        let left = at.join("run/.omnishot-Ab12Cd");
        fs::create_dir(&left).unwrap();
        fs::write(left.join("network.pt"), b"half").unwrap();
        let mut again = Command::new(TRAIN);
        again.current_dir(at).args(["s.omni", "--out", "run"]);
        if more == ["--force"] {
            again.args(&small_run("run", ("compact", &COMPACT), 4)[3..]);
        }
        let output = again.args(more).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        assert!(!left.exists());
    }
}

#[test]
fn a_checkpoint_for_weights_is_told_where_the_weights_are() {
    let folder = prepared();
    let at = folder.path();
    let mut command = begin(at, "run", ("compact", &COMPACT), 4);
    assert!(command.output().unwrap().status.success());
    let output = Command::new(EVAL)
        .current_dir(at)
        .args(["s.omni", "--weights", "run/checkpoint.safetensors"])
        .output()
        .unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success());
    assert!(
        text.contains("checkpoint; the weights lie beside it in weights.safetensors"),
        "{text}"
    );
}
