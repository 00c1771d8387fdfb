//! The commands of the README and of all other documents, one after the other, on made-up data and
//! made small.

#[path = "../readme/documents.rs"]
mod documents;
#[path = "../readme/ways.rs"]
mod ways;

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::common::page;
use crate::common::runs::{COMPACT, KERAS};
use documents::{DOCUMENTS, root};
use omnishot::archive::page_to_png;
use ways::{WAYS, Way};

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
    // A shell takes quotes off; none of ours has a space inside.
    let mut words: Vec<String> = (command.split_whitespace())
        .map(|word| word.trim_matches('\'').to_owned())
        .collect();
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
        "siamese-embed" => env!("CARGO_BIN_EXE_siamese-embed"),
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
fn every_command_of_the_documents_works_or_is_known_to_be_tested_elsewhere() {
    let folder = tempfile::tempdir().unwrap();
    pictures(folder.path());
    // What a user has from the two commands at the top.
    run(
        "omni-pack build drawings.omni --synthetic 1",
        &[],
        folder.path(),
    );
    let mut used = [false; WAYS.len()];
    for document in DOCUMENTS {
        for command in commands(&fs::read_to_string(root().join(document)).unwrap()) {
            // The longest that it begins with.
            let way = (WAYS.iter().enumerate())
                .filter(|(_, (begin, _))| command.starts_with(begin))
                .max_by_key(|(_, (begin, _))| begin.len());
            let (place, (_, way)) =
                way.unwrap_or_else(|| panic!("{document}: no test knows: {command}"));
            used[place] = true;
            match way {
                Way::Run(more) => run(&command, more, folder.path()),
                Way::Instead(other) => run(other, &[], folder.path()),
                Way::Elsewhere(why) => {
                    let mut words = why.split([' ', ';']);
                    let test = words.find(|word| word.starts_with("tests/"));
                    let is_there = test.is_none_or(|test| root().join(test).exists());
                    assert!(!why.is_empty() && is_there, "{command}: {why}");
                }
            }
        }
    }
    for ((begin, _), used) in WAYS.iter().zip(used) {
        assert!(used, "no document has a command {begin} any more");
    }
}
