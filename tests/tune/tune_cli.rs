//! `siamese-tune` as a user runs it: to its end, killed, twice at once, and its best trained again.

use crate::common;
use crate::common::small;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread::sleep;
use std::time::Duration;

use omnishot::tune::{Entry, Journal, Outcome, Trial};
use tempfile::TempDir;

const TUNE: &str = env!("CARGO_BIN_EXE_siamese-tune");
const TRAIN: &str = env!("CARGO_BIN_EXE_siamese-train");
/// Trials of a search, two more than are drawn at random.
const TRIALS: usize = 10;

/// A store, a small preset and a space in a folder.
struct Bench(TempDir);

impl Bench {
    fn new() -> Bench {
        let bench = Bench(tempfile::tempdir().unwrap());
        let options = omnishot::synthetic::SyntheticOptions {
            seed: 5,
            background: 3,
            evaluation: 1,
            characters_per_alphabet: 6..=8,
            drawers: 4,
        };
        let alphabets = omnishot::synthetic::synthesize(&options);
        let runs = Vec::new();
        let archive = omnishot::archive::Archive { alphabets, runs };
        fs::write(bench.path("s.omni"), common::store_bytes(&archive)).unwrap();
        let tiny = [
            "network.width=2",
            "network.dimensions=8",
            "batch.drawings=12",
            "batch.alphabet_characters=4",
        ];
        let preset = small::with("compact", 12, &tiny);
        fs::write(bench.path("p.toml"), toml::to_string(&preset).unwrap()).unwrap();
        let space = "optimizer.learning_rate = { low = 1e-4, high = 1e-1, log = true }
            network.dropout = { low = 0, high = 0.5 }
            batch.poses = { choices = [1, 4, 8] }";
        fs::write(bench.path("space.toml"), space).unwrap();
        bench
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// The command of a search into the folder `out`, of scores at every third of 12 steps.
    fn tune(&self, out: &str, more: &[&str]) -> Command {
        let mut command = Command::new(TUNE);
        command.current_dir(self.0.path()).args([
            "--store",
            "s.omni",
            "--preset",
            "p.toml",
            "--space",
            "space.toml",
            "--threads",
            "1",
            "--checkpoint-every",
            "2",
            "--device",
            "cpu",
            "--seed",
            "2",
            "--out",
            out,
        ]);
        command.arg("--trials").arg(TRIALS.to_string()).args(more);
        command
    }

    fn journal(&self, out: &str) -> Journal {
        let bytes = fs::read(self.path(out).join("journal.jsonl")).unwrap();
        Journal::parse(&bytes).unwrap().0.unwrap()
    }

    /// Events of the journal, as they were written.
    fn events(&self, out: &str) -> Vec<Entry> {
        let text = fs::read_to_string(self.path(out).join("journal.jsonl")).unwrap();
        let entry = |line| {
            let mut value: serde_json::Value = serde_json::from_str(line).unwrap();
            serde_json::from_value(value["entry"].take()).unwrap()
        };
        text.lines().map(entry).collect()
    }
}

fn done(output: &Output) -> String {
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// Lines of a journal that is being written.
fn lines(path: &Path) -> usize {
    let bytes = fs::read(path).unwrap_or_default();
    bytes.iter().filter(|&&byte| byte == b'\n').count()
}

/// What came of the trials, whoever did them.
fn outcomes(journal: &Journal) -> Vec<Trial> {
    assert!(journal.trials.iter().all(|trial| trial.ended.is_some()));
    journal.trials.clone()
}

#[test]
fn a_search_that_is_killed_again_and_again_is_the_one_that_never_was() {
    let bench = Bench::new();
    let text = done(&bench.tune("whole", &[]).output().unwrap());
    let whole = outcomes(&bench.journal("whole"));
    assert_eq!(whole.len(), TRIALS);
    let stopped = whole
        .iter()
        .filter(|t| matches!(t.ended, Some((Outcome::Pruned, ..))));
    assert!(stopped.count() > 0, "the rule stops some");

    let journal = bench.path("killed").join("journal.jsonl");
    let mut kills = 0;
    for more in [3, 5, 7, 4, 6] {
        let enough = lines(&journal) + more;
        let mut search = bench
            .tune("killed", &[])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        while lines(&journal) < enough && search.try_wait().unwrap().is_none() {
            sleep(Duration::from_millis(1));
        }
        kills += usize::from(search.try_wait().unwrap().is_none());
        search.kill().unwrap();
        search.wait().unwrap();
    }
    assert!(kills >= 3, "killed {kills} times");
    let again = done(&bench.tune("killed", &[]).output().unwrap());
    assert_eq!(outcomes(&bench.journal("killed")), whole);
    assert_eq!(again, text, "and says the same");
    let left = fs::read_dir(bench.path("killed")).unwrap().count();
    assert_eq!(left, 2, "the journal and the page");

    // The same command once more has nothing to do, and another search is not this one.
    let before = fs::read(&journal).unwrap();
    assert_eq!(done(&bench.tune("killed", &[]).output().unwrap()), text);
    assert_eq!(fs::read(&journal).unwrap(), before);
    let other = bench.tune("killed", &["--random"]).output().unwrap();
    let told = String::from_utf8_lossy(&other.stderr).into_owned();
    assert!(
        !other.status.success() && told.contains("another study"),
        "{told}"
    );

    // The best is what the table says, when it is trained again.
    let (_, command) = text.split_once("the best again:\n").unwrap();
    let arguments = command.strip_prefix("siamese-train ").unwrap();
    let train = format!("'{TRAIN}' --threads 1 --device cpu {arguments}");
    let shell = Command::new("sh")
        .current_dir(bench.0.path())
        .args(["-c", &train])
        .output();
    done(&shell.unwrap());
    let metrics = fs::read_to_string(bench.path("best").join("metrics.jsonl")).unwrap();
    let last: serde_json::Value = serde_json::from_str(metrics.lines().last().unwrap()).unwrap();
    let best = bench.journal("whole").ranking()[0];
    if matches!(whole[best.0].ended, Some((Outcome::Finished, ..))) {
        assert_eq!(last["validation"].as_f64(), Some(best.1));
    }

    let ways = last["validation_ways"].as_u64().unwrap();
    assert_eq!(ways, bench.journal("whole").study.ways);
    assert!(text.contains(&format!("({ways}-way)")), "{text}");
    let page = fs::read_to_string(bench.path("whole").join("tuning.html")).unwrap();
    for part in [
        "<svg",
        "optimizer.learning_rate",
        "The best trials",
        "What mattered",
    ] {
        assert!(page.contains(part), "{part}");
    }
    assert_eq!(
        page.matches("<circle").count(),
        TRIALS,
        "a point for each trial"
    );
}

#[test]
fn two_at_once_never_work_on_one_trial() {
    let bench = Bench::new();
    let searches = [(); 2].map(|()| {
        let mut search = bench.tune("both", &["--json"]);
        search
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    });
    let ended: usize = searches
        .map(|search| done(&search.wait_with_output().unwrap()).lines().count())
        .iter()
        .sum();
    assert_eq!(ended, TRIALS);
    let events = bench.events("both");
    let count = |which: fn(&Entry) -> bool| events.iter().filter(|entry| which(entry)).count();
    assert_eq!(count(|entry| matches!(entry, Entry::Begun { .. })), TRIALS);
    assert_eq!(count(|entry| matches!(entry, Entry::Ended { .. })), TRIALS);
    assert_eq!(count(|entry| matches!(entry, Entry::Taken { .. })), 0);
    outcomes(&bench.journal("both"));
}

#[test]
fn mistakes_are_told_before_anything_is_written() {
    let bench = Bench::new();
    fs::write(bench.path("bad.toml"), "no.such = { low = 0, high = 1 }").unwrap();
    let scored = "validation_tasks = { low = 10, high = 20 }";
    fs::write(bench.path("scored.toml"), scored).unwrap();
    for (arguments, says) in [
        (&["--space", "bad.toml"][..], "is no setting"),
        (&["--space", "none.toml"], "cannot be read"),
        (&["--space", "none"], "there is no space"),
        (&["--validation-alphabets", "0"], "holds no alphabets out"),
        (
            &["--validation-alphabets", "999"],
            "leaves none to train on",
        ),
        (&["--space", "scored.toml"], "searches validation_tasks"),
        (&["--set", "stepps=1"], "unknown field"),
    ] {
        let kept = ["--space", "--preset"]
            .iter()
            .any(|&flag| arguments[0] == flag);
        let mut command = Command::new(TUNE);
        command.current_dir(bench.0.path());
        command.args(["--store", "s.omni", "--preset", "p.toml", "--out", "none"]);
        if !kept {
            command.args(["--space", "space.toml"]);
        }
        let output = command.args(arguments).output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            !output.status.success() && told.contains(says),
            "{arguments:?}: {told}"
        );
        assert!(!bench.path("none").exists(), "{arguments:?}");
    }
}
