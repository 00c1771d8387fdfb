//! The command line of omni-bench: one digest whatever makes it, and refusals.

use std::fs;
use std::path::Path;

use crate::common::{program, small_archive, store_bytes, text};
use omnishot::sample::{PairTable, TableRecipe};
use omnishot::store::Store;

fn omni_bench(folder: &Path, arguments: &str) -> assert_cmd::assert::Assert {
    program(env!("CARGO_BIN_EXE_omni-bench"), folder, arguments)
}

fn succeeds(folder: &Path, arguments: &str) -> String {
    let assert = omni_bench(folder, arguments).success();
    text(&assert.get_output().stdout)
}

fn folder_with_store() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("s.omni"), store_bytes(&small_archive())).unwrap();
    let store = Store::open(&folder.path().join("s.omni")).unwrap();
    let recipe = TableRecipe::training(&store, 0, 10, 3, 1).unwrap();
    PairTable::write(&folder.path().join("t.pairs"), &store, &recipe, false).unwrap();
    folder
}

/// The streams as pinned: the digest, and the stream in words.
const PINNED: [(&str, &str, &str); 7] = [
    (
        "",
        "82410aa455e73a8c",
        "8 pairs a batch, 128/256 of the different ones within an alphabet; f32",
    ),
    (
        "--pixel u8",
        "c6e2947661f9333e",
        "8 pairs a batch, 128/256 of the different ones within an alphabet; u8",
    ),
    (
        "--stream classes",
        "5dc3ece353780d93",
        "16 drawings by class a batch; f32",
    ),
    (
        "--stream classes --pixel u8",
        "08715312a894a511",
        "16 drawings by class a batch; u8",
    ),
    (
        "--stream tasks --tasks 3 --ways 2",
        "b76c5a328dd2d8e6",
        "3 tasks a batch, 2 ways 1 shots within alphabets; f32",
    ),
    (
        "--stream tasks --ways 2 --shots 2 --scope between --plain --pixel u8",
        "d56945c29ee9bfcf",
        "8 tasks a batch, 2 ways 2 shots between alphabets, plain; u8",
    ),
    (
        "--stream table --table t.pairs --pixel u8",
        "54fd19e02e7d0942",
        "8 pairs of a table a batch; u8",
    ),
];

#[test]
fn one_digest_for_any_workers_ranks_and_depth() {
    let folder = folder_with_store();
    let folder = folder.path();
    let mut got = Vec::new();
    for (stream, _, words) in PINNED {
        let stream = format!("digest s.omni --seed 3 --pairs 8 --to 24 {stream}");
        let digest = succeeds(folder, &stream);
        let (hex, said) = digest.split_once("  ").unwrap();
        let expected = format!("{words}, koch at 105 x 105, seed 3, batches 0..24\n");
        assert_eq!(said, expected);
        got.push(hex[..16].to_owned());
        for how in [
            "--workers 2",
            "--workers 3 --depth 1",
            "--workers 7 --depth 64",
            "--ranks 2 --workers 2",
            "--ranks 3 --depth 2",
            "--ranks 4 --workers 16",
        ] {
            assert_eq!(
                succeeds(folder, &format!("{stream} {how}")),
                digest,
                "{how}"
            );
        }
    }
    assert_eq!(got, PINNED.map(|(_, pinned, _)| pinned));
}

#[test]
fn other_streams_have_other_digests() {
    let folder = folder_with_store();
    let mut seen = std::collections::BTreeSet::new();
    for stream in [
        "--pairs 8 --to 4",
        "--pairs 8 --to 3",
        "--pairs 8 --to 4 --from 1",
        "--pairs 4 --to 4",
        "--pairs 8 --to 4 --seed 4",
        "--pairs 8 --to 4 --law compact",
        "--pairs 8 --to 4 --side 48",
        "--pairs 8 --to 4 --within 0",
        "--pairs 8 --to 4 --pixel u8",
        "--pairs 8 --to 4 --stream classes",
        "--pairs 8 --to 4 --stream table --table t.pairs",
        "--pairs 8 --to 4 --stream tasks --ways 2",
        "--pairs 8 --to 4 --stream tasks --ways 2 --plain",
        "--pairs 8 --to 4 --stream tasks --ways 2 --shots 2",
    ] {
        let digest = succeeds(folder.path(), &format!("digest s.omni {stream}"));
        assert!(seen.insert(digest[..64].to_owned()), "{stream}");
    }
}

#[test]
fn a_resumed_stream_is_the_rest_of_the_whole() {
    let folder = folder_with_store();
    let whole = succeeds(folder.path(), "digest s.omni --pairs 4 --to 9 --each");
    let whole: Vec<_> = whole.lines().filter(|l| l.contains("  batch ")).collect();
    assert_eq!(whole.len(), 9);
    for from in [0, 1, 4, 8] {
        let rest = succeeds(
            folder.path(),
            &format!("digest s.omni --pairs 4 --from {from} --to 9 --each --workers 3 --ranks 2"),
        );
        let rest: Vec<_> = rest.lines().filter(|l| l.contains("  batch ")).collect();
        assert_eq!(rest, whole[from..], "from {from}");
    }
}

#[test]
fn times_are_numbers() {
    let folder = folder_with_store();
    for stream in ["classes", "tasks --ways 2", "table --table t.pairs"] {
        let quick = "loader s.omni --pairs 4 --windows 1 --seconds 0.002 --workers 1";
        let table = succeeds(
            folder.path(),
            &format!("{quick} --stream {stream} --pixel u8"),
        );
        assert!(table.contains("no loader"), "{table}");
    }
    let quick = "loader s.omni --pairs 4 --windows 1 --seconds 0.01";
    let json: serde_json::Value =
        serde_json::from_str(&succeeds(folder.path(), &format!("{quick} --json"))).unwrap();
    let rows = json["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 7);
    assert!(
        rows.iter()
            .all(|row| row["pairs_per_second"].as_f64().unwrap() > 0.0)
    );
    assert!(json["mean_ink"].as_f64().unwrap() > 0.005);
    assert!(succeeds(folder.path(), quick).contains("no loader"));
    // A buffer for each worker and for the reader, unless told otherwise.
    let ahead = |json: &serde_json::Value| {
        let rows = json["rows"].as_array().unwrap().clone();
        let depth = |row: serde_json::Value| row["depth"].as_u64().unwrap();
        rows.into_iter().map(depth).collect::<Vec<_>>()
    };
    assert_eq!(ahead(&json), [4, 5, 0, 0, 0, 4, 5]);
    let told = succeeds(folder.path(), &format!("{quick} --json --depth 2"));
    assert_eq!(
        ahead(&serde_json::from_str(&told).unwrap()),
        [2, 2, 0, 0, 0, 2, 2]
    );
    let growth = "growth s.omni --pairs 4 --batches 2,4 --sides 16 --classes 2 --windows 1";
    let table = succeeds(folder.path(), &format!("{growth} --seconds 0.002"));
    assert!(
        table.contains("| 4 pairs a batch |") && table.contains("| 2 workers |"),
        "{table}"
    );
    let quick = "store s.omni --rounds 1 --random 10";
    let json: serde_json::Value =
        serde_json::from_str(&succeeds(folder.path(), &format!("{quick} --json"))).unwrap();
    assert_eq!(json["drawings"], 10);
    assert!(json["random_decoded_us"].as_f64().unwrap() > 0.0);
    assert!(succeeds(folder.path(), quick).contains("open and read all"));
}

/// Readings come at each period, and go on where the last loader was dropped.
#[test]
fn a_soak_reads_on_and_finds_nothing_left() {
    let folder = folder_with_store();
    // Small batches: the first loaders of large ones may take more from the system than a soak
    // of a second forgives.
    let soak = "soak s.omni --minutes 0.02 --period 0.2 --workers 2 --side 16 --pixel u8";
    let mut said = succeeds(folder.path(), &format!("{soak} --pairs 4 --seed 5 --json"));
    let verdict = said.split_off(said.find("4 pairs a batch").unwrap());
    let readings: Vec<serde_json::Value> = said
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert!(readings.len() > 1, "{said}");
    for reading in &readings {
        assert!(reading["resident_kib"].as_u64().unwrap() > 0);
        assert_eq!(
            reading["threads"], 1,
            "a loader's threads outlive it: {reading}"
        );
        assert_eq!(reading["files"], readings[0]["files"]);
    }
    for two in readings.windows(2) {
        assert!(two[0]["batches"].as_u64() < two[1]["batches"].as_u64());
        assert!(two[0]["seconds"].as_u64() <= two[1]["seconds"].as_u64());
    }
    let last = &readings[readings.len() - 1];
    let counted = format!(
        "{} batches by {} loaders in ",
        last["batches"],
        readings.len()
    );
    assert!(
        verdict.contains("seed 5") && verdict.contains(&counted),
        "{verdict}"
    );
    assert!(verdict.contains("; 1 thread, "), "{verdict}");
    assert_eq!(verdict.lines().count(), 1);

    // Without --json the verdict alone is said.
    let said = succeeds(folder.path(), &format!("{soak} --stream tasks --ways 2"));
    assert_eq!(said.lines().count(), 1, "{said}");
}

#[test]
fn bad_arguments_are_told_apart_from_bad_data() {
    let folder = folder_with_store();
    for (arguments, code, says) in [
        ("", 2, "Usage"),
        ("digest", 2, "--help"),
        ("digest s.omni --workers 0", 2, "--workers"),
        ("digest s.omni --depth 0", 2, "--depth"),
        ("digest s.omni --ranks 0", 2, "--ranks"),
        ("digest s.omni --side 106", 2, "--side"),
        ("digest s.omni --pairs 0", 2, "--pairs"),
        ("digest s.omni --stream none", 2, "--stream"),
        ("digest s.omni --pixel u16", 2, "--pixel"),
        ("digest s.omni --within 257", 2, "--within"),
        ("digest s.omni --pairs 3", 1, "a batch of 3 pairs"),
        ("loader s.omni --seconds nan", 2, "--seconds"),
        ("growth s.omni --sides 1", 2, "--sides"),
        ("digest s.omni --alphabets 0", 2, "--alphabets"),
        ("loader s.omni --windows 0", 2, "--windows"),
        ("store s.omni --rounds 0", 2, "--rounds"),
        ("soak s.omni --minutes 0", 2, "--minutes"),
        ("soak s.omni --minutes nan", 2, "--minutes"),
        ("soak s.omni --minutes 10001", 2, "--minutes"),
        ("soak s.omni --period 0", 2, "--period"),
        ("soak s.omni --period inf", 2, "--period"),
        ("soak s.omni --workers 0", 2, "--workers"),
        ("soak s.omni --depth 1025", 2, "--depth"),
        ("soak s.omni --pairs 3", 1, "a batch of 3 pairs"),
        ("soak none.omni", 1, "No such file"),
        ("digest s.omni --from 9 --to 9", 1, "no batch from 9 to 9"),
        ("digest none.omni", 1, "No such file"),
        ("loader none.omni", 1, "No such file"),
        ("store none.omni", 1, "No such file"),
    ] {
        let assert = omni_bench(folder.path(), arguments).code(code);
        let message = String::from_utf8(assert.get_output().stderr.clone()).unwrap();
        assert!(message.contains(says), "{arguments}: {message}");
    }
}

#[test]
fn a_plan_names_a_number_of_workers() {
    let folder = folder_with_store();
    let quick = "plan s.omni --preset siamese --windows 1 --seconds 0.01";
    let open = succeeds(folder.path(), quick);
    assert!(
        open.contains("| 1 | ") && open.contains("1 worker keeps"),
        "{open}"
    );
    let few = succeeds(folder.path(), &format!("{quick} --consumer 1"));
    assert!(
        few.contains("drawings/s: 1,") && few.contains("a tenth to spare"),
        "{few}"
    );
    let many = succeeds(folder.path(), &format!("{quick} --consumer 4000000000"));
    assert!(many.contains("No number of workers"), "{many}");
}
