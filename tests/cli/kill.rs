//! Processes that are killed at random moments: what is left opens, nothing is lost, and who goes
//! on ends where a process that was never killed ends.
//!
//! Ten kills of each kind; `OMNISHOT_KILLS=200` for more, `OMNISHOT_SEED` for other moments.

use crate::common;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use crate::common::drawings::made_up;
use omnishot::seed::{Purpose, Stream};
use omnishot::store::Store;

const PACK: &str = env!("CARGO_BIN_EXE_omni-pack");

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |value| value.parse().unwrap())
}

fn kills() -> u64 {
    number("OMNISHOT_KILLS", 10)
}

/// Random moments within something that takes a while.
struct Moments(Stream);

impl Moments {
    fn new(kind: u64) -> Moments {
        Moments(Stream::new(
            number("OMNISHOT_SEED", 1),
            Purpose::Bootstrap,
            kind,
        ))
    }

    /// A share from 0 to 1.
    fn share(&mut self) -> f64 {
        f64::from(self.0.below(1 << 20)) / f64::from(1 << 20)
    }

    /// Half of them anywhere in the whole, half in its last fifth, where the file is written.
    fn writing(&mut self, whole: Duration) -> Duration {
        let (share, late) = (self.share(), self.0.below(2) == 0);
        whole.mul_f64(if late { 0.8 + 0.2 * share } else { share })
    }

    /// So many steps of a run, and a moment after them that is as long as some steps take. By
    /// steps and not by time alone: on a machine that gets slower, a run that is always killed
    /// before its first checkpoint would never end.
    #[cfg(feature = "torch")]
    fn training(&mut self, step: Duration) -> (usize, Duration) {
        (self.0.index(13), step.mul_f64(4.0 * self.share()))
    }
}

/// Lets a process live for a while; how it ended, and `None` if it was killed.
fn live(mut child: Child, time: Duration) -> Option<ExitStatus> {
    std::thread::sleep(time);
    child.kill().unwrap(); // SIGKILL; nothing if it has ended
    let status = child.wait().unwrap();
    status.code().map(|_| status)
}

/// Removes what a killed writer may leave: temporary files and nothing else but `known`.
fn sweep(folder: &Path, known: &[&str]) -> usize {
    let mut left = 0;
    for name in common::listing(folder) {
        if name.starts_with(".omnishot-") {
            fs::remove_file(folder.join(name)).unwrap();
            left += 1;
        } else {
            assert!(known.contains(&name.as_str()), "{name}");
        }
    }
    left
}

fn pack(folder: &Path, input: &str) -> Command {
    let mut command = Command::new(PACK);
    command.current_dir(folder).stdout(Stdio::null());
    command.args(["build", "--force", "s.omni", input, "--allow-missing"]);
    command.args(["--level", "9", "--threads", "1"]);
    command
}

#[test]
fn a_store_survives_packers_that_are_killed() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let whole = common::unpack(&made_up());
    let mut part = whole.clone();
    part.runs.clear();
    for alphabet in &mut part.alphabets {
        alphabet.characters.truncate(5);
    }
    // The two stores that turns are taken between, and the time that packing takes.
    let mut stores = Vec::new();
    for (name, archive) in [("whole", &whole), ("part", &part)] {
        fs::write(at.join("s.omni"), common::store_bytes(archive)).unwrap();
        let export = Command::new(PACK)
            .current_dir(at)
            .args(["export", "s.omni", name])
            .output();
        assert!(export.unwrap().status.success());
        let began = Instant::now();
        assert!(pack(at, name).status().unwrap().success());
        stores.push((name, fs::read(at.join("s.omni")).unwrap(), began.elapsed()));
    }
    let (mut moments, mut killed, mut replaced, mut left) = (Moments::new(1), 0, 0, 0);
    while killed < kills() {
        for (name, new, time) in &stores {
            let before = fs::read(at.join("s.omni")).unwrap();
            let child = pack(at, name).spawn().unwrap();
            let ended = live(child, moments.writing(*time));
            let now = fs::read(at.join("s.omni")).unwrap();
            assert!(now == before || now == *new, "{} bytes", now.len());
            Store::open(&at.join("s.omni")).unwrap().verify().unwrap();
            left += sweep(at, &["part", "s.omni", "whole"]);
            match ended {
                None => {
                    killed += 1;
                    replaced += u64::from(now == *new && now != before);
                }
                Some(status) => assert!(status.success() && now == *new),
            }
        }
    }
    for (name, new, _) in &stores {
        assert!(pack(at, name).status().unwrap().success());
        assert!(fs::read(at.join("s.omni")).unwrap() == *new);
    }
    eprintln!("packing: {killed} kills; {replaced} after the rename; {left} temporary files left");
}

#[cfg(feature = "torch")]
mod training {
    //! Runs, that are begun or resumed after each kill.

    use std::io::{BufRead, BufReader};

    use omnishot::train::Checkpoint;

    use super::*;

    const TRAIN: &str = env!("CARGO_BIN_EXE_siamese-train");
    const STEPS: usize = 40;

    /// Begins a run in `out`, or goes on with the one that is there.
    fn train(at: &Path, out: &str) -> Command {
        let mut command = Command::new(TRAIN);
        command.current_dir(at).stdout(Stdio::piped());
        command.args(["s.omni", "--out", out, "--checkpoint-every", "3", "--json"]);
        if Checkpoint::path(&at.join(out)).exists() {
            command.arg("--resume");
            return command;
        }
        // best.safetensors may be there of a run whose checkpoint never was.
        command.args([
            "--preset",
            "compact",
            "--seed",
            "5",
            "--threads",
            "1",
            "--force",
        ]);
        let steps = format!("steps={STEPS}");
        for change in [
            "batch.drawings=16",
            "batch.alphabet_characters=6",
            "network.side=32",
            "network.width=2",
            "network.dimensions=8",
            "validation_alphabets=2",
            "validation_tasks=20",
            "validation_every=7",
            "keep=best",
            &steps,
        ] {
            command.args(["--set", change]);
        }
        command
    }

    /// Lets a run live for so many records, and then for a while; how it ended, and `None` if it
    /// was killed.
    fn live_for(mut child: Child, (records, while_after): (usize, Duration)) -> Option<ExitStatus> {
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let seen = lines.by_ref().take(records).map(Result::unwrap).count();
        if seen < records {
            return Some(child.wait().unwrap());
        }
        live(child, while_after)
    }

    /// The weights, and step and loss of every record.
    fn result(at: &Path, out: &str) -> (Vec<u8>, Vec<[serde_json::Value; 3]>) {
        let at = at.join(out);
        let metrics = fs::read_to_string(at.join("metrics.jsonl")).unwrap();
        let record = |line: &str| {
            let record: serde_json::Value = serde_json::from_str(line).unwrap();
            ["step", "loss", "validation"].map(|field| record[field].clone())
        };
        let weights = fs::read(at.join("weights.safetensors")).unwrap();
        (weights, metrics.lines().map(record).collect())
    }

    #[test]
    fn a_run_survives_kills_and_ends_where_it_would_have_ended() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path();
        let bytes = common::store_bytes(&common::unpack(&made_up()));
        fs::write(at.join("s.omni"), bytes).unwrap();
        let began = Instant::now();
        assert!(train(at, "whole").output().unwrap().status.success());
        let step = began.elapsed() / STEPS as u32;
        let whole = result(at, "whole");
        assert_eq!(whole.1.len(), STEPS);
        let (mut moments, mut killed, mut runs) = (Moments::new(2), 0, 0);
        while killed < kills() {
            let out = format!("run{runs}");
            let mut steps = 0;
            loop {
                let child = train(at, &out).spawn().unwrap();
                let ended = live_for(child, moments.training(step));
                if Checkpoint::path(&at.join(&out)).exists() {
                    let now = Checkpoint::open(&at.join(&out)).unwrap().progress.steps;
                    assert!(now >= steps, "{out}: from step {steps} back to {now}");
                    steps = now;
                } else {
                    assert_eq!(steps, 0, "{out}: a checkpoint is gone");
                }
                match ended {
                    Some(status) => {
                        assert!(status.success(), "{out}");
                        break;
                    }
                    None => killed += 1,
                }
            }
            runs += 1;
            assert!(whole == result(at, &out), "{out}");
            let torn = |name: &String| name.starts_with(".omnishot-");
            assert!(!common::listing(&at.join(&out)).iter().any(torn), "{out}");
            fs::remove_dir_all(at.join(&out)).unwrap();
        }
        eprintln!("training: {killed} kills in {runs} runs, each as one that was never killed");
    }
}
