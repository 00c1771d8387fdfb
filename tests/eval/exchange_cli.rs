//! The folder that tasks are exported to, the command line of siamese-eval export-tasks and
//! score, and Omniglot's own runs through files.

use crate::common::tasks;
use std::fs;
use std::path::{Path, PathBuf};

use crate::common::{listing, program, text};
use omnishot::archive::{self, ReadOptions};
use omnishot::eval::exchange::{self, ExchangeError, Format, TaskFile, score_predictions};
use omnishot::eval::{Pixel, TaskSet, Ties};
use omnishot::store::export::ExportError;
use omnishot::store::{self, Store, WriteOptions};

fn siamese_eval(folder: &Path, arguments: &str) -> assert_cmd::assert::Assert {
    program(env!("CARGO_BIN_EXE_siamese-eval"), folder, arguments)
}

fn succeeds(folder: &Path, arguments: &str) -> String {
    let assert = siamese_eval(folder, arguments).success();
    text(&assert.get_output().stdout)
}

fn fails(folder: &Path, arguments: &str) -> String {
    let assert = siamese_eval(folder, arguments).failure();
    assert_eq!(text(&assert.get_output().stdout), "", "{arguments}");
    text(&assert.get_output().stderr)
}

fn folder_with_store() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("s.omni"), tasks::made_up_bytes()).unwrap();
    folder
}

#[test]
fn tasks_go_out_and_answers_come_in() {
    let folder = folder_with_store();
    let folder = folder.path();
    let said = succeeds(
        folder,
        "export-tasks s.omni --out t --protocol within --ways 5 --shots 2 --trials 50 --seed 3 \
         --format npz",
    );
    assert!(said.starts_with("t: 50 tasks, "), "{said}");
    assert_eq!(listing(&folder.join("t")), ["drawings.npz", "tasks.json"]);
    let file = TaskFile::open(&folder.join("t/tasks.json")).unwrap();
    assert_eq!((file.ways, file.shots, file.seed), (5, 2, Some(3)));
    let images = tasks::images(&folder.join("t"));
    let cosine = tasks::neighbour_csv(&file, &images, Pixel::Cosine);
    let uniform = tasks::shot_csv(&file, |_, _| 1.0);
    fs::write(folder.join("cosine.csv"), &cosine).unwrap();
    fs::write(folder.join("flat.csv"), &uniform).unwrap();
    let named = [("cosine".to_owned(), cosine), ("flat".to_owned(), uniform)];
    for (option, ties) in [("", Ties::Against), (" --ties first", Ties::First)] {
        let expected = score_predictions(&file, &named, ties).unwrap();
        let score = format!("score cosine.csv flat.csv --tasks t/tasks.json{option}");
        let json = succeeds(folder, &format!("{score} --json"));
        assert_eq!(
            json,
            serde_json::to_string_pretty(&expected).unwrap() + "\n"
        );
        let table = succeeds(folder, &score);
        let line = |name: &str| table.lines().find(|line| line.starts_with(name)).unwrap();
        let percent = expected.systems[0].percent;
        assert!(
            line("cosine").contains(&format!("{percent:.2}%")),
            "{table}"
        );
        assert!(line("flat").ends_with(" 50"), "{table}");
        assert!(line("chance").ends_with(" 20.00%"), "{table}");
        let test = &expected.comparisons[0];
        let counts = format!("cosine {}, flat {}: p ", test.only_first, test.only_second);
        assert!(table.contains(&counts), "{table}");
    }
}

#[test]
fn refusals_say_what_to_do() {
    let folder = folder_with_store();
    let folder = folder.path();
    assert_eq!(
        succeeds(folder, "export-tasks s.omni --out t")
            .lines()
            .count(),
        1
    );
    assert_eq!(listing(&folder.join("t")), ["drawings", "tasks.json"]);
    let error = fails(folder, "export-tasks s.omni --out t");
    assert!(
        error.contains("not empty") && error.contains("--force"),
        "{error}"
    );
    succeeds(folder, "export-tasks s.omni --out t --force");
    for arguments in [
        "export-tasks s.omni --out u --ways 5",
        "export-tasks s.omni --out u --protocol mine",
        "export-tasks s.omni --out u --protocol within --trials 0",
        "export-tasks s.omni --out u --protocol within --ways 99",
        "export-tasks none.omni --out u",
        "score --tasks t/tasks.json",
        "score none.csv --tasks t/tasks.json",
        "score s.omni --tasks t/tasks.json",
        "score s.omni --tasks s.omni",
    ] {
        let error = fails(folder, arguments);
        assert!(!error.contains("panicked"), "{arguments}: {error}");
    }
    assert_eq!(listing(folder), ["s.omni", "t"]);
    fs::write(folder.join("p.csv"), "task,answer\n0,1\n0,1\n").unwrap();
    let error = fails(folder, "score p.csv --tasks t/tasks.json");
    assert_eq!(
        error,
        "siamese-eval: p: line 3: task 0 was answered on line 2 already\n"
    );
}

#[test]
fn a_folder_is_replaced_only_if_told_and_keeps_what_is_not_ours() {
    let store = tasks::made_up();
    let set = TaskSet::lake_runs(&store).unwrap();
    let (folder, _) = tasks::exported(&store, &set, Format::Png);
    let out = folder.path().join("out");
    fs::write(out.join("predictions.csv"), "mine").unwrap();
    let error = exchange::export(&store, &set, &out, Format::Npz, false).unwrap_err();
    assert!(matches!(
        error,
        ExchangeError::Export(ExportError::NotEmpty { .. })
    ));
    assert_eq!(listing(&out), ["drawings", "predictions.csv", "tasks.json"]);
    exchange::export(&store, &set, &out, Format::Npz, true).unwrap();
    assert_eq!(
        listing(&out),
        ["drawings.npz", "predictions.csv", "tasks.json"]
    );
    let none = TaskSet {
        tasks: Vec::new(),
        group_of: Vec::new(),
        ..set
    };
    let nowhere = folder.path().join("none");
    let error = exchange::export(&store, &none, &nowhere, Format::Png, false).unwrap_err();
    assert!(matches!(error, ExchangeError::Tasks { .. }), "{error}");
    assert_eq!(listing(folder.path()), ["out"]);
}

/// The official runs, scored through files alone, give what nearest neighbours are known for.
#[test]
fn omniglots_runs_through_files_score_as_published() {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/omniglot");
    let zips = std::env::var_os("OMNIGLOT_DIR").map_or_else(|| beside.into(), PathBuf::from);
    let inputs = ["images_evaluation.zip", "all_runs.zip"].map(|name| zips.join(name));
    if !inputs.iter().all(|path| path.is_file()) {
        eprintln!(
            "SKIPPED: no Omniglot in {}; set OMNIGLOT_DIR",
            zips.display()
        );
        return;
    }
    let archive = archive::read(&inputs, ReadOptions::default()).unwrap();
    let packed = tempfile::tempdir().unwrap();
    let path = packed.path().join("o.omni");
    // Quickly: nobody keeps it.
    let options = WriteOptions {
        level: 1,
        overwrite: false,
        ..WriteOptions::default()
    };
    store::write(&path, &archive, options, |_| ()).unwrap();
    let store = Store::open(&path).unwrap();
    let set = TaskSet::lake_runs(&store).unwrap();
    let (folder, file) = tasks::exported(&store, &set, Format::Png);
    let images = tasks::images(&folder.path().join("out"));
    let predictions = [("l2", Pixel::L2), ("cosine", Pixel::Cosine)]
        .map(|(name, pixel)| (name.to_owned(), tasks::neighbour_csv(&file, &images, pixel)));
    let scores = score_predictions(&file, &predictions, Ties::Against).unwrap();
    let right: Vec<u64> = scores.systems.iter().map(|s| s.score.right).collect();
    assert_eq!((right, scores.trials), (vec![76, 87], 400));
}
