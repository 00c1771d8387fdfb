//! The house rules that a machine can check.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

#[path = "tidy/code.rs"]
mod code;
#[path = "readme/documents.rs"]
mod documents;
#[path = "tidy/prose.rs"]
mod prose;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use documents::{DOCUMENTS, root};

/// The rooms in the order that data flows: each may use only those before it.
const ROOMS: [&str; 24] = [
    "seed",
    "image",
    "files",
    "archive",
    "synthetic",
    "store",
    "sample",
    "distort",
    "loader",
    "presets",
    "sheet",
    "cli",
    "weights",
    "embed",
    "onnx",
    "amx",
    "cuda",
    "model",
    "ranks",
    "train",
    "eval",
    "tune",
    "report",
    "siamese",
];
/// The most lines of a file that one can read in one sitting.
const MOST_LINES: usize = 400;

fn sources(folder: &str) -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut found = Vec::new();
    for entry in walkdir::WalkDir::new(root) {
        let path = entry.unwrap().into_path();
        if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    assert!(!found.is_empty());
    found
}

#[test]
fn rooms_use_only_rooms_before_them() {
    for path in sources("src") {
        let inside = path.strip_prefix(env!("CARGO_MANIFEST_DIR")).unwrap();
        let part = inside.iter().nth(1).unwrap().to_str().unwrap();
        let room = part.strip_suffix(".rs").unwrap_or(part);
        let Some(rank) = ROOMS.iter().position(|known| *known == room) else {
            assert!(
                ["lib", "data", "bin"].contains(&room),
                "{}: no known room",
                inside.display()
            );
            continue;
        };
        let text = fs::read_to_string(&path).unwrap();
        let code = text
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"));
        for line in code {
            for used in line.split("crate::").skip(1) {
                let used: String = used.chars().take_while(|c| c.is_alphanumeric()).collect();
                let allowed = ROOMS[..=rank].contains(&used.as_str());
                assert!(allowed, "{}: uses {used}: {line}", inside.display());
            }
        }
    }
}

#[test]
fn files_are_short_and_say_what_they_are() {
    for folder in ["src", "tests", "benches", "tools"] {
        for path in sources(folder) {
            let text = fs::read_to_string(&path).unwrap();
            let lines = text.lines().count();
            assert!(lines <= MOST_LINES, "{}: {lines} lines", path.display());
            assert!(text.starts_with("//!"), "{}: has no header", path.display());
        }
    }
}

/// Lines of a body, from brace to brace. The goal for all but one of twenty is 30: lower the
/// last of these as they get shorter.
const MOST_BODY_LINES: usize = 70;
const MEDIAN_BODY_LINES: usize = 8;
const MOST_OF_95_PERCENT: usize = 39;

/// The sources of `src` that are no tests, by their paths from the root, without test code.
fn tested_code() -> BTreeMap<PathBuf, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let is_test = |path: &Path| path.ends_with("tests.rs") || path.iter().any(|p| p == "tests");
    sources("src")
        .into_iter()
        .map(|path| path.strip_prefix(root).unwrap().to_owned())
        .filter(|path| !is_test(path))
        .map(|path| {
            let text = fs::read_to_string(root.join(&path)).unwrap();
            (path, code::without_tests(&code::bare(&text)))
        })
        .collect()
}

#[test]
fn functions_are_short() {
    let mut lengths = Vec::new();
    for (path, code) in tested_code() {
        for function in code::functions(&code) {
            assert!(
                function.lines <= MOST_BODY_LINES,
                "{}: {} has {} lines",
                path.display(),
                function.name,
                function.lines
            );
            lengths.push(function.lines);
        }
    }
    lengths.sort_unstable();
    assert!(lengths.len() > 1000, "{} functions", lengths.len());
    let median = lengths[lengths.len() / 2];
    assert!(median <= MEDIAN_BODY_LINES, "the median is {median} lines");
    let of_95_percent = lengths[lengths.len() * 95 / 100];
    assert!(
        of_95_percent <= MOST_OF_95_PERCENT,
        "one of twenty has {of_95_percent} lines or more"
    );
}

/// Files of one room that use each other in a circle, each with its reason.
const CIRCLES: [(&[&str], &str); 1] = [(
    &["distort/simd", "distort/warp"],
    "the trait of pixels is sealed by their vector forms, which write what the warp writes",
)];

#[test]
fn files_of_a_room_use_each_other_in_no_circle() {
    let modules = tested_code().into_iter().filter_map(|(path, code)| {
        let inside = path.strip_prefix("src").unwrap().with_extension("");
        let parts = inside.iter().map(|part| part.to_str().unwrap().to_owned());
        let module: Vec<String> = parts.filter(|part| part != "mod").collect();
        let is_room = ROOMS.contains(&module[0].as_str());
        is_room.then_some((module, code))
    });
    let found = code::circles(&modules.collect());
    let known: BTreeSet<Vec<String>> = CIRCLES
        .iter()
        .map(|(files, _)| files.iter().map(|file| (*file).to_owned()).collect())
        .collect();
    let new: Vec<_> = found.difference(&known).collect();
    assert!(new.is_empty(), "new circles: {new:?}");
    let gone: Vec<_> = known.difference(&found).collect();
    assert!(
        gone.is_empty(),
        "no circles any more, strike them out: {gone:?}"
    );
}

#[test]
fn sources_are_taken_apart_as_they_are_meant() {
    let source = "use super::{a::A, b::{self, C}};\nfn one(text: [u8; 2]) {\n    let _ = '{';\n}\n\
                  trait T {\n    fn none(&self);\n}\n// fn no() {\n/* { */ fn two<'a>() -> &'a str { r#\"}\"# }\n\
                  #[cfg(test)]\nmod tests {\n    fn three() {}\n}\nfn four() {\n    crate::d::e();\n}\n";
    let bare = code::bare(source);
    assert_eq!(bare.lines().count(), source.lines().count());
    let code = code::without_tests(&bare);
    let functions = code::functions(&code);
    let lengths: Vec<_> = functions
        .iter()
        .map(|f| (f.name.as_str(), f.lines))
        .collect();
    assert_eq!(lengths, [("one", 3), ("two", 1), ("four", 3)]);
    let module = ["room".to_owned(), "own".to_owned()];
    let mut used: Vec<String> = code::used_paths(&code, &module)
        .iter()
        .map(|path| path.join("::"))
        .collect();
    used.sort_unstable();
    used.dedup();
    assert_eq!(
        used,
        ["d::e", "room", "room::a::A", "room::b::C", "room::b::self"]
    );
}

#[test]
fn files_that_use_each_other_are_found() {
    let file = |module: &str, code: &str| {
        let module = module.split('/').map(str::to_owned).collect::<Vec<_>>();
        (module, code.to_owned())
    };
    let files = [
        file("room", "use a::A;"),
        file("room/a", "use super::b::B; use super::Of;"),
        file("room/b", "use crate::room::c::C;"),
        file("room/c", "fn of() { super::a::of() }"),
        file("room/d", "use super::a::A; use crate::other::O;"),
        file("other", "use crate::room::d::D;"),
    ];
    let found = code::circles(&files.into_iter().collect());
    assert_eq!(
        Vec::from_iter(found),
        [["room/a", "room/b", "room/c"].map(str::to_owned)]
    );
}

#[test]
fn unsafe_code_stays_in_its_rooms() {
    for path in sources("src") {
        let text = fs::read_to_string(&path).unwrap();
        // The map, the faces of c10d and of CUDA, memory that CUDA owns or reads, and SIMD.
        let fenced = path.ends_with("files/map.rs")
            || path.ends_with("amx/memory.rs")
            || path.ends_with("amx/tile.rs")
            || path.ends_with("amx/wide.rs")
            || path.ends_with("ranks/group.rs")
            || path.ends_with("cuda/face.rs")
            || path.ends_with("cuda/optim.rs")
            || path.ends_with("cuda/page_locked.rs")
            || path.ends_with("cuda/upload.rs")
            || path.iter().any(|part| part == "simd");
        let allows = text.contains("allow(unsafe_code)");
        assert!(
            fenced || !allows,
            "{}: unsafe outside the mmap, libtorch and SIMD rooms",
            path.display()
        );
    }
}

/// The README is a front door: what goes further stands in the README of a room.
const MOST_README_LINES: usize = 180;
const MOST_CELL_WORDS: usize = 25;
const MOST_SENTENCE_WORDS: usize = 17;

fn document(name: &str) -> String {
    fs::read_to_string(root().join(name)).unwrap()
}

#[test]
fn the_readme_is_short_and_plain() {
    let text = document("README.md");
    let lines = text.lines().count();
    assert!(lines <= MOST_README_LINES, "README.md: {lines} lines");
    for cell in prose::cells(&text) {
        let words = cell.split_whitespace().count();
        assert!(words <= MOST_CELL_WORDS, "README.md: {words} words: {cell}");
    }
    let mut words: Vec<usize> = prose::sentences(&text)
        .iter()
        .map(|sentence| sentence.split_whitespace().count())
        .collect();
    assert!(words.len() > 20, "README.md: {} sentences", words.len());
    words.sort_unstable();
    let median = words[words.len() / 2];
    assert!(
        median <= MOST_SENTENCE_WORDS,
        "README.md: half of its sentences have {median} words or more"
    );
}

#[test]
fn the_readme_shows_the_figures_of_the_rooms() {
    let mut rooms = document("src/report/published.rs");
    for name in &DOCUMENTS[1..] {
        rooms += &document(name);
    }
    let rooms = prose::figures(&rooms);
    let shown: Vec<String> = prose::cells(&document("README.md"))
        .iter()
        .flat_map(|cell| prose::figures(cell))
        .collect();
    assert!(shown.len() > 10, "README.md: {} figures", shown.len());
    for figure in shown {
        assert!(rooms.contains(&figure), "README.md: no room has {figure}");
    }
}

#[test]
fn every_document_is_listed_for_the_test_of_its_commands() {
    let mut found = vec!["README.md".to_owned()];
    for folder in ["src", "tests", "benches", "tools", ".github"] {
        let entries = walkdir::WalkDir::new(root().join(folder)).into_iter();
        // What is built inside a tool is none of ours.
        let entries = entries.filter_entry(|entry| entry.file_name() != "target");
        for entry in entries {
            let path = entry.unwrap().into_path();
            if path.extension().is_some_and(|extension| extension == "md") {
                let inside = path.strip_prefix(root()).unwrap();
                found.push(inside.to_str().unwrap().to_owned());
            }
        }
    }
    found.sort_unstable();
    let mut listed = DOCUMENTS.map(str::to_owned);
    listed.sort_unstable();
    assert_eq!(found, listed);
}

#[test]
fn links_inside_the_documents_lead_somewhere() {
    let mut followed = 0;
    for name in DOCUMENTS {
        for link in prose::links(&document(name)) {
            if link.contains("://") {
                continue;
            }
            let (path, heading) = link.split_once('#').unwrap_or((&link, ""));
            let file = match path {
                "" => root().join(name),
                path => root().join(name).parent().unwrap().join(path),
            };
            assert!(file.exists(), "{name}: nothing is at {link}");
            if !heading.is_empty() {
                let headings = prose::headings(&fs::read_to_string(&file).unwrap());
                let is_there = headings.iter().any(|anchor| anchor == heading);
                assert!(is_there, "{name}: no heading is at {link}");
            }
            followed += 1;
        }
    }
    assert!(followed > 50, "{followed} links");
}

/// A tool that was taken apart and committed without its other half works where it was written,
/// and nowhere else.
#[test]
fn files_that_tools_call_are_there() {
    let mut called = 0;
    for entry in fs::read_dir(root().join("tools")).unwrap() {
        let path = entry.unwrap().path();
        let Some(text) = path
            .is_file()
            .then(|| fs::read_to_string(&path).unwrap())
            .filter(|text| text.starts_with("#!"))
        else {
            continue;
        };
        for after in text.split("$root/tools/").skip(1) {
            let is_name = |c: &char| c.is_ascii_alphanumeric() || "._/-".contains(*c);
            let name: String = after.chars().take_while(is_name).collect();
            let file = root().join("tools").join(&name);
            assert!(file.exists(), "{}: no tools/{name}", path.display());
            called += 1;
        }
    }
    assert!(called > 3, "{called} files");
}
