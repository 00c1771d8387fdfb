//! Several ranks score what one scores.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::common::runs::{free_port, prepared};
use crate::common::untrained::compact;

/// A program to be called in a folder, with one thread of arithmetic, as sums depend on their number.
fn eval(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_siamese-eval"));
    command.current_dir(folder).env("OMP_NUM_THREADS", "1");
    command
}

fn scored(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// The files of a folder, by name.
fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let read = |entry: fs::DirEntry| {
        let name = entry.file_name().into_string().unwrap();
        (name, fs::read(entry.path()).unwrap())
    };
    let mut all: Vec<_> = fs::read_dir(folder).unwrap().flatten().map(read).collect();
    all.sort();
    all
}

/// More than one piece of drawings and of questions, and every system that works on them.
#[test]
fn two_and_three_ranks_score_what_one_scores() {
    let folder = prepared();
    let at = folder.path();
    compact(&[]).save(&at.join("a.safetensors")).unwrap();
    let mut other = compact(&["Synthetic_01"]);
    other.card.seed = 2;
    other.save(&at.join("b.safetensors")).unwrap();
    let asked = "s.omni --weights a.safetensors b.safetensors --ways 5 --trials 300 \
                 --curve-trials 4 --tta 1 --fine-tune --together --json --out";
    let asked: Vec<&str> = asked.split_whitespace().collect();
    let one = scored(&eval(at).args(&asked).arg("one").output().unwrap());
    assert!(one.contains("fine-tuned") && one.contains("2 networks together"));
    for (ranks, out) in [("2", "two"), ("3", "three")] {
        let mut launch = eval(at);
        launch.args(["launch", "--nproc", ranks]).args(&asked);
        let more = scored(&launch.arg(out).output().unwrap());
        assert!(one == more, "{ranks} ranks: other scores");
        assert!(files(&at.join("one")) == files(&at.join(out)), "{ranks}");
    }
}

#[test]
fn ranks_that_are_asked_something_else_are_refused() {
    let folder = prepared();
    let port = free_port();
    let rank = |rank: &str, seed: &str| {
        let mut command = eval(folder.path());
        command.args([
            "s.omni",
            "--trials",
            "20",
            "--timeout",
            "30",
            "--seed",
            seed,
        ]);
        command.envs([("RANK", rank), ("WORLD_SIZE", "2")]);
        command.envs([
            ("MASTER_ADDR", "127.0.0.1"),
            ("MASTER_PORT", &port.to_string()),
        ]);
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        command.stderr(Stdio::piped()).spawn().unwrap()
    };
    for child in [rank("0", "1"), rank("1", "2")] {
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains("a plan other than rank 0's"), "{said}");
        assert!(output.stdout.is_empty());
    }
}

/// Two ranks would write the same folder at once.
#[test]
fn what_ranks_do_not_share_is_refused_to_several() {
    let folder = prepared();
    for asked in [
        &[
            "export-tasks",
            "s.omni",
            "--protocol",
            "within",
            "--out",
            "t",
        ][..],
        &["score", "answers.csv", "--tasks", "t/tasks.json"],
    ] {
        let mut rank = eval(folder.path());
        rank.envs([("RANK", "0"), ("WORLD_SIZE", "2")]);
        rank.envs([("MASTER_ADDR", "127.0.0.1"), ("MASTER_PORT", "1")]);
        let output = rank.args(asked).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(
            said.contains("work of one process, not of 2 ranks"),
            "{said}"
        );
    }
    assert!(!folder.path().join("t").exists());
}
