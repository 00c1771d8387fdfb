//! A run that is killed and resumed is the run that was never stopped, bit for bit.

use crate::common;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use crate::common::runs::{
    COMPACT, COMPOSED, KERAS, KOCH, MATCHING, SIAMESE, SOFTMAX, prepared, small_run,
};
use omnishot::train::Checkpoint;

const TRAIN: &str = env!("CARGO_BIN_EXE_siamese-train");
const STEPS: usize = 24;

/// Small settings of each kind of batch, objective and optimizer.
const RUNS: [(&str, &[&str]); 9] = [
    ("compact", &COMPACT),
    ("fast", &COMPACT),
    ("thorough", &COMPACT),
    ("composed", &COMPOSED),
    ("siamese", &SIAMESE),
    ("keras", &KERAS),
    ("koch", &KOCH),
    ("softmax", &SOFTMAX),
    ("matching", &MATCHING),
];

/// The command that begins a run in `out`.
fn begin(folder: &Path, out: &str, run: (&str, &[&str])) -> Command {
    let mut command = Command::new(TRAIN);
    command.current_dir(folder);
    command.args(small_run(out, run, STEPS));
    command
}

fn resume(folder: &Path, out: &str, store: &str) -> Command {
    let mut command = Command::new(TRAIN);
    command.current_dir(folder);
    command.args([
        store,
        "--out",
        out,
        "--resume",
        "--checkpoint-every",
        "5",
        "--json",
    ]);
    command
}

fn output(command: &mut Command) -> Output {
    command.output().unwrap()
}

fn refusal(command: &mut Command) -> String {
    let output = output(command);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(!text.contains("panicked"), "{text}");
    text
}

/// Starts a command, lets it write `lines` records, and kills it on the spot.
fn kill_after(command: &mut Command, lines: usize) {
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut records = BufReader::new(child.stdout.take().unwrap()).lines();
    for _ in 0..lines {
        records.next().unwrap().unwrap();
    }
    child.kill().unwrap(); // SIGKILL
    child.wait().unwrap();
}

/// What a run leaves that must not depend on how it came about.
fn result(folder: &Path, out: &str) -> (Vec<u8>, Vec<[serde_json::Value; 4]>) {
    let at = folder.join(out);
    let weights = fs::read(at.join("weights.safetensors")).unwrap();
    let metrics = fs::read_to_string(at.join("metrics.jsonl")).unwrap();
    let record = |line: &str| {
        let record: serde_json::Value = serde_json::from_str(line).unwrap();
        ["step", "loss", "learning_rate", "validation"].map(|field| record[field].clone())
    };
    (weights, metrics.lines().map(record).collect())
}

#[test]
fn a_killed_run_goes_on_as_if_never_stopped() {
    let folder = prepared();
    let at = folder.path();
    for run in RUNS {
        let whole = run.0;
        assert!(output(&mut begin(at, whole, run)).status.success());
        let (weights, records) = result(at, whole);
        assert_eq!(records.len(), STEPS);
        let best = fs::read(at.join(whole).join("best.safetensors")).ok();
        // Within the first stretch, on a checkpoint, behind one, before the last step; and twice.
        for kills in [&[1][..], &[5], &[13], &[22], &[8, 4]] {
            let out = format!("{whole}-{kills:?}");
            kill_after(&mut begin(at, &out, run), kills[0]);
            for &lines in &kills[1..] {
                kill_after(&mut resume(at, &out, "s.omni"), lines);
            }
            let resumed = output(resume(at, &out, "s.omni").args(["--workers", "3"]));
            assert!(resumed.status.success(), "{resumed:?}");
            let (got, got_records) = result(at, &out);
            assert_eq!(records, got_records, "{out}");
            assert_eq!(weights, got, "{out}");
            assert_eq!(best, fs::read(at.join(&out).join("best.safetensors")).ok());
            let left = fs::read_dir(at.join(&out)).unwrap();
            let torn = left
                .flatten()
                .filter(|e| e.file_name().to_string_lossy().starts_with('.'));
            assert_eq!(torn.count(), 0, "{out} has files half written");
        }
    }
}

#[test]
fn ctrl_c_leaves_a_checkpoint_and_exits_130() {
    let folder = prepared();
    let at = folder.path();
    let run = RUNS[0];
    assert!(output(&mut begin(at, "whole", run)).status.success());
    let mut child = begin(at, "stopped", run)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let rest = stopped_by("-INT", &mut child);
    assert!(rest < STEPS - 1, "it stopped");
    assert!(at.join("stopped/weights.safetensors").exists());
    assert!(
        output(&mut resume(at, "stopped", "s.omni"))
            .status
            .success()
    );
    assert_eq!(result(at, "whole"), result(at, "stopped"));
    // There is nothing left to do, and doing it changes nothing.
    assert!(
        output(&mut resume(at, "stopped", "s.omni"))
            .status
            .success()
    );
    assert_eq!(result(at, "whole"), result(at, "stopped"));
}

/// What batch systems send before they kill.
#[test]
fn sigterm_leaves_a_checkpoint_of_the_last_step_and_exits_130() {
    let folder = prepared();
    let at = folder.path();
    let mut endless = begin(at, "stopped", RUNS[1]);
    let mut child = (endless.args(["--steps", "1000000"]))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let rest = stopped_by("-TERM", &mut child);
    let checkpoint = Checkpoint::open(&at.join("stopped")).unwrap();
    assert_eq!(checkpoint.progress.steps, 1 + rest as u64);
}

/// Sends a signal after the first record; gives how many more came.
fn stopped_by(signal: &str, child: &mut Child) -> usize {
    let mut records = BufReader::new(child.stdout.take().unwrap()).lines();
    records.next().unwrap().unwrap();
    let kill = Command::new("kill")
        .args([signal, &child.id().to_string()])
        .status();
    assert!(kill.unwrap().success());
    let rest = records.count();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    rest
}

#[test]
fn what_is_another_run_is_refused() {
    let folder = prepared();
    let at = folder.path();
    kill_after(&mut begin(at, "run", RUNS[1]), 12);
    let path = at.join("run/checkpoint.safetensors");
    let sound = fs::read(&path).unwrap();

    let mut other = common::small_archive();
    other.alphabets[0].characters.truncate(2);
    fs::write(at.join("other.omni"), common::store_bytes(&other)).unwrap();
    let text = refusal(&mut resume(at, "run", "other.omni"));
    assert!(text.contains("it was trained from the store"), "{text}");

    for place in [sound.len() / 2, sound.len() - 1, sound.len() - 40] {
        let mut flipped = sound.clone();
        flipped[place] ^= 1;
        fs::write(&path, &flipped).unwrap();
        let text = refusal(&mut resume(at, "run", "s.omni"));
        assert!(text.contains("digest is not that"), "{place}: {text}");
    }
    for length in [0, 9, sound.len() / 2, sound.len() - 1] {
        fs::write(&path, &sound[..length]).unwrap();
        let text = refusal(&mut resume(at, "run", "s.omni"));
        assert!(text.contains("checkpoint.safetensors"), "{text}");
    }
    let text = String::from_utf8_lossy(&sound)
        .find("\\\"streams\\\":1")
        .unwrap();
    let mut newer = sound.clone();
    newer[text + 12] = b'2';
    let end = newer.len() - 32;
    let seal = blake3::hash(&newer[..end]);
    newer[end..].copy_from_slice(seal.as_bytes());
    fs::write(&path, &newer).unwrap();
    let text = refusal(&mut resume(at, "run", "s.omni"));
    assert!(text.contains("its streams is 2"), "{text}");

    // Another run's weights under this run's name: refused by name and shape.
    kill_after(&mut begin(at, "compact", RUNS[0]), 6);
    fs::write(
        &path,
        fs::read(at.join("compact/weights.safetensors")).unwrap_or_default(),
    )
    .unwrap();
    refusal(&mut resume(at, "run", "s.omni"));

    fs::write(&path, &sound).unwrap();
    assert!(output(&mut resume(at, "run", "s.omni")).status.success());
}

/// A disk that is full, as far as the program can tell: no file may grow beyond 4 KiB.
#[test]
fn a_full_disk_leaves_the_last_checkpoint() {
    let folder = prepared();
    let at = folder.path();
    kill_after(&mut begin(at, "run", RUNS[0]), 7);
    let path = at.join("run/checkpoint.safetensors");
    let before = fs::read(&path).unwrap();
    assert!(before.len() > 8192);
    let line = format!(
        "trap '' XFSZ; ulimit -f 4; exec {TRAIN} s.omni --out run --resume --checkpoint-every 5"
    );
    let full = Command::new("bash")
        .args(["-c", &line])
        .current_dir(at)
        .output()
        .unwrap();
    let text = String::from_utf8(full.stderr).unwrap();
    assert_eq!(full.status.code(), Some(1), "{text}");
    assert!(text.contains("checkpoint.safetensors"), "{text}");
    assert_eq!(before, fs::read(&path).unwrap());
    assert!(output(&mut resume(at, "run", "s.omni")).status.success());
    assert!(output(&mut begin(at, "whole", RUNS[0])).status.success());
    assert_eq!(result(at, "whole"), result(at, "run"));
}

#[test]
fn two_runs_do_not_share_a_folder() {
    let folder = prepared();
    let at = folder.path();
    let mut command = begin(at, "run", RUNS[0]);
    let mut child = command
        .args(["--steps", "100000"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut records = BufReader::new(child.stdout.take().unwrap()).lines();
    records.next().unwrap().unwrap();
    let text = refusal(&mut resume(at, "run", "s.omni"));
    assert!(text.contains("another run is writing"), "{text}");
    child.kill().unwrap();
    child.wait().unwrap();
}
