//! The commands of the README, one after the other, on made-up data and made small.
#![cfg(feature = "torch")]
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod common;
#[path = "common/runs.rs"]
mod runs;

#[path = "common/drawings.rs"]
mod drawings;

use std::fs;
use std::path::Path;
use std::process::Command;

use common::page;
use omnishot::archive::page_to_png;
use runs::{COMPACT, KERAS};

/// What becomes of a command.
enum Way {
    /// It is run, with these arguments more, which make it small.
    Run(&'static [&'static str]),
    /// It is run with other words in place of its own, which are not here or take long.
    Instead(&'static str),
    /// It is not run, and why.
    Elsewhere(&'static str),
}

use Way::{Elsewhere, Instead, Run};

/// How each command begins, in the README's order, and what becomes of it.
const WAYS: [(&str, Way); 50] = [
    (
        "tools/demo --preset thorough",
        Elsewhere("takes 16 minutes"),
    ),
    ("tools/demo", Elsewhere("builds everything, and trains")),
    ("tools/test", Elsewhere("runs this")),
    (
        "siamese-eval drawings.omni --pretrained",
        Run(&["--trials", "20"]),
    ),
    ("cargo build", Elsewhere("this is built")),
    (
        "omni-pack build drawings.omni",
        Instead("omni-pack build drawings.omni --synthetic 1 --force"),
    ),
    ("omni-pack info", Run(&[])),
    ("omni-pack verify", Run(&[])),
    ("omni-pack pairs", Run(&[])),
    ("omni-pack preview", Run(&[])),
    ("omni-pack export", Run(&[])),
    (
        "omni-pack table",
        Instead("omni-pack table drawings.omni t.pairs --set training --pairs 960 --copies 8"),
    ),
    ("omni-bench loader", Elsewhere("tests/omni_bench.rs")),
    ("omni-bench digest", Run(&[])),
    ("omni-pack replay", Run(&[])),
    (
        "siamese-train drawings.omni --out run --seed 1",
        Run(&["SMALL"]),
    ),
    ("siamese-train drawings.omni --out run --resume", Run(&[])),
    ("siamese-train drawings.omni --out k", Run(&["KERAS"])),
    ("siamese-train --print", Run(&[])),
    (
        "cargo run --release --features distributed",
        Elsewhere("tests/ranks.rs"),
    ),
    (
        "siamese-tune --store drawings.omni --out search-k",
        Elsewhere("tests/tune_cli.rs"),
    ),
    (
        "siamese-tune --store drawings.omni --out search",
        Elsewhere("tests/tune_cli.rs"),
    ),
    (
        "siamese-eval drawings.omni --weights run/weights.safetensors --out",
        Run(&["--trials", "20"]),
    ),
    (
        "siamese-eval drawings.omni --weights a=",
        Instead(
            "siamese-eval drawings.omni --weights a=run/weights.safetensors b=run/weights.safetensors --baseline softmax=run/weights.safetensors --trials 20 --protocol within",
        ),
    ),
    (
        "siamese-eval drawings.omni --protocol within,curve",
        Instead("siamese-eval drawings.omni --protocol within,curve --shots 1 --trials 20 --json"),
    ),
    (
        "siamese-eval drawings.omni --weights run/weights.safetensors --mnist",
        Elsewhere("tests/mnist.rs"),
    ),
    ("siamese-eval export-tasks", Run(&["--trials", "20"])),
    (
        "python3 tools/predict_example.py",
        Elsewhere("tests/exchange_cli.rs"),
    ),
    ("siamese-eval score", Elsewhere("tests/exchange_cli.rs")),
    ("omni-pack build mine.omni", Run(&[])),
    ("siamese-train mine.omni", Run(&["SMALL", "--force"])),
    ("siamese-eval mine.omni", Run(&["--trials", "20"])),
    ("siamese-classify --support known --weights", Run(&[])),
    ("siamese-classify --support known --pretrained", Run(&[])),
    ("sudo apt-get", Elsewhere("brings fonts")),
    ("python3 tools/glyphs.py", Elsewhere("needs fonts")),
    ("omni-pack build glyphs.omni", Elsewhere("needs fonts")),
    ("siamese-train glyphs.omni", Elsewhere("needs fonts")),
    ("siamese-eval glyphs.omni", Elsewhere("needs fonts")),
    (
        "cargo run --release --locked --manifest-path tools/candle",
        Elsewhere("builds candle"),
    ),
    ("PYTHONPATH=tools/python", Elsewhere("tests/python.rs")),
    ("tools/fuzz/run", Elsewhere("runs for hours")),
    ("OMNISHOT_KILLS=200", Elsewhere("tests/kill.rs")),
    ("QUEUE_SCHEDULES", Elsewhere("tests/schedules.rs")),
    ("tools/sanitize", Elsewhere("builds everything again")),
    ("tools/mutants", Elsewhere("runs for hours")),
    ("omni-bench soak", Elsewhere("tests/omni_bench.rs")),
    ("tools/libtorch --cuda", Elsewhere("needs a GPU")),
    (
        "siamese-train drawings.omni --out run --preset fast",
        Elsewhere("the same on a GPU"),
    ),
    ("tools/gpu", Elsewhere("needs a GPU")),
];

/// The commands in the blocks of a document that are for a shell, without their remarks.
fn commands(text: &str) -> Vec<String> {
    let mut commands: Vec<String> = Vec::new();
    let (mut inside, mut open) = (false, false);
    for line in text.lines() {
        match line {
            "```sh" => inside = true,
            "```" => inside = false,
            line if inside && !line.trim().is_empty() => {
                let line = line
                    .split("  #")
                    .next()
                    .unwrap()
                    .split(" # ")
                    .next()
                    .unwrap()
                    .trim();
                let (part, more) = match line.strip_suffix('\\') {
                    Some(part) => (part.trim(), true),
                    None => (line, false),
                };
                match commands.last_mut().filter(|_| open) {
                    Some(last) => *last += &format!(" {part}"),
                    None => commands.push(part.replace("target/release/", "")),
                }
                open = more;
            }
            _ => {}
        }
    }
    commands
}

/// Pictures in groups, of classes enough for small tasks; known ones, and two to ask about.
fn pictures(folder: &Path) {
    let mut kind = 0;
    for group in ["groupA", "groupB", "groupC", "groupD"] {
        for class in 0..6 {
            let folder = folder.join(format!("pictures/{group}/{class}"));
            fs::create_dir_all(&folder).unwrap();
            for picture in 0..3 {
                fs::write(
                    folder.join(format!("{picture}.png")),
                    page_to_png(&page(kind)),
                )
                .unwrap();
                kind += 1;
            }
        }
    }
    for class in 0..3 {
        let known = folder.join(format!("known/{class}"));
        fs::create_dir_all(&known).unwrap();
        fs::write(known.join("1.png"), page_to_png(&page(class))).unwrap();
    }
    let scan = page_to_png(&page(1));
    fs::write(folder.join("scan.png"), &scan).unwrap();
    let photo = image::load_from_memory(&scan).unwrap().to_luma8();
    photo.save(folder.join("photo.jpg")).unwrap();
}

fn run(command: &str, more: &[&str], folder: &Path) {
    let mut words: Vec<String> = command.split_whitespace().map(str::to_owned).collect();
    for &word in more {
        let (small, preset): (&[&str], _) = match word {
            "SMALL" => (&COMPACT, "SMALL"),
            "KERAS" => (&KERAS[1..], "KERAS"),
            word => (&[], word),
        };
        let quick = ["steps=3", "validation_tasks=20"];
        match preset {
            "SMALL" | "KERAS" => {
                for change in small.iter().chain(&quick) {
                    words.extend(["--set".to_owned(), (*change).to_owned()]);
                }
            }
            word => words.push(word.to_owned()),
        }
    }
    let program = match words.remove(0).as_str() {
        "omni-pack" => env!("CARGO_BIN_EXE_omni-pack"),
        "omni-bench" => env!("CARGO_BIN_EXE_omni-bench"),
        "siamese-train" => env!("CARGO_BIN_EXE_siamese-train"),
        "siamese-eval" => env!("CARGO_BIN_EXE_siamese-eval"),
        "siamese-classify" => env!("CARGO_BIN_EXE_siamese-classify"),
        other => panic!("{other} is no program of this project"),
    };
    let output = Command::new(program)
        .args(&words)
        .current_dir(folder)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command}\n{words:?}\n{said}");
}

#[test]
fn every_command_of_the_readme_works_or_is_known_to_be_tested_elsewhere() {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let commands = commands(&fs::read_to_string(readme).unwrap());
    let folder = tempfile::tempdir().unwrap();
    pictures(folder.path());
    // What a user has from the two commands at the top.
    run(
        "omni-pack build drawings.omni --synthetic 1",
        &[],
        folder.path(),
    );
    let mut used = [false; WAYS.len()];
    for command in &commands {
        // The longest that it begins with.
        let way = (WAYS.iter().enumerate())
            .filter(|(_, (begin, _))| command.starts_with(begin))
            .max_by_key(|(_, (begin, _))| begin.len());
        let (place, (_, way)) = way.unwrap_or_else(|| panic!("no test knows: {command}"));
        used[place] = true;
        match way {
            Run(more) => run(command, more, folder.path()),
            Instead(other) => run(other, &[], folder.path()),
            Elsewhere(why) => assert!(!why.is_empty()),
        }
    }
    for ((begin, _), used) in WAYS.iter().zip(used) {
        assert!(used, "the README has no command {begin} any more");
    }
}
