//! Several ranks learn what one learns, and none waits for ever for one that is gone.

use crate::common;
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use crate::common::drawings::made_up;
use crate::common::runs::{COMPACT, KOCH, MATCHING, SIAMESE, free_port, prepared, small_run};
use omnishot::train::Checkpoint;

const TRAIN: &str = env!("CARGO_BIN_EXE_siamese-train");

/// A compact network in two shards.
fn two_shards() -> Vec<&'static str> {
    [&COMPACT[..], &["batch.shards=2"]].concat()
}

/// What a run is called with.
fn arguments(out: &str, preset: &str, steps: usize, changes: &[&str]) -> Vec<String> {
    let mut all = small_run(out, (preset, changes), steps);
    all.extend(["--timeout", "20"].map(str::to_owned));
    all
}

fn alone(folder: &Path, arguments: &[String]) -> Output {
    let mut command = Command::new(TRAIN);
    command
        .current_dir(folder)
        .args(arguments)
        .output()
        .unwrap()
}

fn launched(folder: &Path, ranks: u64, arguments: &[String]) -> Output {
    let mut command = Command::new(TRAIN);
    command.current_dir(folder).arg("launch").arg("--nproc");
    command.arg(ranks.to_string()).args(arguments);
    command.output().unwrap()
}

fn losses(output: &Output) -> Vec<f64> {
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    let loss = |line: &str| {
        let record: serde_json::Value = serde_json::from_str(line).unwrap();
        record["loss"].as_f64().unwrap()
    };
    text.lines().map(loss).collect()
}

/// One rank as torchrun would start it.
fn rank(folder: &Path, rank: u64, world: u64, port: u16, arguments: &[String]) -> Child {
    let mut command = Command::new(TRAIN);
    command.current_dir(folder).args(arguments);
    command.env("RANK", rank.to_string());
    command.env("WORLD_SIZE", world.to_string());
    command.env("MASTER_ADDR", "127.0.0.1");
    command.env("MASTER_PORT", port.to_string());
    command.stdin(Stdio::null());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().unwrap()
}

/// Waits for an end that must be a failure, and gives what was said.
fn failure(child: Child) -> String {
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    said
}

#[test]
fn two_and_four_ranks_learn_what_one_learns() {
    let folder = prepared();
    let begin = |out| arguments(out, "koch", 100, &KOCH);
    let one = losses(&alone(folder.path(), &begin("one")));
    assert_eq!(one.len(), 100);
    for (ranks, out) in [(2, "two"), (4, "four")] {
        let more = losses(&launched(folder.path(), ranks, &begin(out)));
        assert_eq!(more.len(), 100);
        for (step, (a, b)) in one.iter().zip(&more).enumerate() {
            assert!((a - b).abs() < 2e-6 * a.abs(), "{ranks}, {step}: {a} {b}");
        }
    }
}

/// Whoever computes a shard: with two, no sum has another order, so that the weights are the same
/// files.
#[test]
fn two_ranks_with_a_shard_each_are_one_with_two() {
    let folder = prepared();
    let begin = |out| {
        let mut all = arguments(out, "fast", 20, &two_shards());
        let at = all.iter().position(|text| text == "--threads").unwrap();
        "2".clone_into(&mut all[at + 1]); // shared among the shards of a process
        all
    };
    let one = losses(&alone(folder.path(), &begin("one")));
    let mut each = begin("two");
    let at = each.iter().position(|text| text == "--threads").unwrap();
    "1".clone_into(&mut each[at + 1]);
    let two = losses(&launched(folder.path(), 2, &each));
    assert_eq!(one.len(), 20);
    for (a, b) in one.iter().zip(&two) {
        assert!((a - b).abs() < 1e-6, "{a} {b}"); // a sum of f32 and one of f64
    }
    let weights = |out: &str| fs::read(folder.path().join(out).join("weights.safetensors"));
    assert_eq!(weights("one").unwrap(), weights("two").unwrap());
}

#[test]
fn a_run_of_two_ranks_goes_on_with_one_and_with_four() {
    let folder = prepared();
    // Nothing is scored on the way: a rank that waits for a score saves nothing.
    let begin = |out| {
        let all = arguments(out, "koch", 40, &KOCH).into_iter();
        let never = |text: String| text.replace("validation_every=7", "validation_every=40");
        all.map(never).collect::<Vec<String>>()
    };
    let whole = losses(&alone(folder.path(), &begin("whole")));
    // Two ranks are stopped by the death of one.
    let port = free_port();
    let begin = begin("run");
    let mut first = rank(folder.path(), 0, 2, port, &begin);
    let mut second = rank(folder.path(), 1, 2, port, &begin);
    let mut lines = BufReader::new(first.stdout.take().unwrap()).lines();
    for _ in 0..12 {
        lines.next().unwrap().unwrap();
    }
    second.kill().unwrap();
    second.wait().unwrap();
    let began = Instant::now();
    let rest = lines.count();
    let said = failure(first);
    assert!(said.contains("rank 0 of 2 waited in vain"), "{said}");
    assert!(began.elapsed() < Duration::from_secs(20), "{said}");
    let checkpoint = Checkpoint::open(&folder.path().join("run")).unwrap();
    let steps = checkpoint.progress.steps;
    assert_eq!(steps, 12 + rest as u64);
    for ranks in [1, 4] {
        let out = format!("run{ranks}");
        let copy = folder.path().join(&out);
        fs::create_dir(&copy).unwrap();
        for name in ["checkpoint.safetensors", "metrics.jsonl", "settings.toml"] {
            fs::copy(folder.path().join("run").join(name), copy.join(name)).unwrap();
        }
        let mut resume: Vec<String> = ["s.omni", "--resume", "--json", "--out"]
            .map(str::to_owned)
            .into();
        resume.push(out);
        let rest = losses(&launched(folder.path(), ranks, &resume));
        assert_eq!(rest.len() as u64, 40 - steps);
        for (a, b) in whole[steps as usize..].iter().zip(&rest) {
            assert!((a - b).abs() < 2e-6 * a.abs(), "{ranks}: {a} {b}");
        }
    }
}

#[test]
#[cfg(unix)]
fn a_rank_that_hangs_ends_the_others_in_time() {
    let folder = prepared();
    let port = free_port();
    let mut begin = arguments("run", "siamese", 100_000, &SIAMESE);
    let at = begin.iter().position(|text| text == "--timeout").unwrap();
    "3".clone_into(&mut begin[at + 1]);
    let mut first = rank(folder.path(), 0, 2, port, &begin);
    let mut second = rank(folder.path(), 1, 2, port, &begin);
    let mut lines = BufReader::new(first.stdout.take().unwrap()).lines();
    for _ in 0..3 {
        lines.next().unwrap().unwrap();
    }
    // Tensors go from rank to rank by a socket, not by memory that someone must clean up.
    for child in [&first, &second] {
        let maps = fs::read_to_string(format!("/proc/{}/maps", child.id()));
        assert!(!maps.unwrap_or_default().contains("/dev/shm"));
    }
    let stopped = Command::new("kill")
        .args(["-STOP", &second.id().to_string()])
        .status()
        .unwrap();
    assert!(stopped.success());
    lines.count();
    let said = failure(first);
    assert!(said.contains("waited in vain"), "{said}");
    Checkpoint::open(&folder.path().join("run")).unwrap();
    second.kill().unwrap();
    second.wait().unwrap();
    // Nothing holds the port any more.
    TcpListener::bind(("127.0.0.1", port)).unwrap();
}

#[test]
fn the_ranks_of_a_launcher_that_is_killed_stop_with_a_checkpoint() {
    let folder = prepared();
    let mut command = Command::new(TRAIN);
    command.current_dir(folder.path());
    command.args(["launch", "--nproc", "2"]);
    command.args(arguments("run", "koch", 1_000_000, &KOCH));
    let mut launcher = command
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(launcher.stdout.take().unwrap()).lines();
    for _ in 0..7 {
        lines.next().unwrap().unwrap();
    }
    launcher.kill().unwrap();
    launcher.wait().unwrap();
    // The pipe ends when the last rank has.
    let steps = 7 + lines.count() as u64;
    let checkpoint = Checkpoint::open(&folder.path().join("run")).unwrap();
    assert_eq!(checkpoint.progress.steps, steps);
}

#[test]
fn ranks_that_differ_are_refused_at_once() {
    let folder = prepared();
    let koch = |changes: &[&str]| arguments("run", "koch", 20, &[&KOCH, changes].concat());
    let mut seed = koch(&[]);
    let at = seed.iter().position(|text| text == "--seed").unwrap();
    "6".clone_into(&mut seed[at + 1]);
    let other = prepared();
    let mut archive = common::unpack(&made_up());
    archive.alphabets.pop();
    archive.runs.clear();
    let bytes = common::store_bytes(&archive);
    fs::write(other.path().join("s.omni"), bytes).unwrap();
    let cases = [
        (folder.path(), 2, seed, "a seed other than rank 0's"),
        (
            folder.path(),
            2,
            koch(&["network.units=13"]),
            "settings other than rank 0's",
        ),
        (other.path(), 2, koch(&[]), "a store other than rank 0's"),
        (folder.path(), 3, koch(&[]), "WORLD_SIZE 3"),
    ];
    for (place, world, differs, expected) in cases {
        let port = free_port();
        let mut begin = koch(&[]);
        begin.push("--force".to_owned());
        let first = rank(folder.path(), 0, 2, port, &begin);
        let second = rank(place, 1, world, port, &differs);
        for said in [failure(second), failure(first)] {
            assert!(said.contains(expected), "{expected}: {said}");
        }
    }
}

#[test]
fn what_cannot_be_shared_or_started_is_said() {
    let folder = prepared();
    let refused = |ranks, preset, changes: &[&str], expected: &str| {
        let output = launched(folder.path(), ranks, &arguments("run", preset, 5, changes));
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains(expected), "{said}");
    };
    refused(2, "matching", &MATCHING, "one rank alone");
    refused(3, "fast", &two_shards(), "batch.shards");
    let unknown = ["nothing=1"];
    refused(2, "koch", &unknown, "rank");
    let mut half = Command::new(TRAIN);
    half.current_dir(folder.path()).env("WORLD_SIZE", "2");
    half.args(arguments("run", "koch", 5, &KOCH));
    let said = half.output().unwrap();
    let said = String::from_utf8_lossy(&said.stderr).into_owned();
    assert!(said.contains("RANK"), "{said}");
}
