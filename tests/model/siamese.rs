//! The commands that train and score, as a user runs them.

use crate::common;
use crate::common::digits;
use crate::common::untrained;
use std::fs;
use std::path::Path;
use std::process::Output;

use crate::common::drawings::made_up;
use assert_cmd::Command;
use omnishot::eval::{Evaluation, Protocol, Role};
use omnishot::model::{PRETRAINED, ordered};
use omnishot::train::Preset;
use tempfile::TempDir;

const TRAIN: &str = env!("CARGO_BIN_EXE_siamese-train");
const EVAL: &str = env!("CARGO_BIN_EXE_siamese-eval");

/// A folder with a store, and settings that train in a blink.
fn prepared() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let bytes = common::store_bytes(&common::unpack(&made_up()));
    fs::write(folder.path().join("s.omni"), bytes).unwrap();
    let changes = [
        "steps=4",
        "validation_alphabets=1",
        "validation_tasks=20",
        "validation_every=2",
        "batch.drawings=16",
        "batch.alphabet_characters=6",
        "network.side=32",
        "network.width=2",
        "network.dimensions=8",
    ];
    let text = Preset::shipped_text("compact").unwrap();
    let preset = Preset::parse(text, &changes.map(str::to_owned)).unwrap();
    fs::write(
        folder.path().join("tiny.toml"),
        toml::to_string(&preset).unwrap(),
    )
    .unwrap();
    folder
}

fn call(folder: &Path, program: &str, arguments: &[&str]) -> Output {
    Command::new(program)
        .current_dir(folder)
        .args(arguments)
        .output()
        .unwrap()
}

/// Standard error of a call that must fail, with exit code `code`.
fn refusal(folder: &Path, program: &str, arguments: &[&str], code: i32) -> String {
    let output = call(folder, program, arguments);
    assert_eq!(
        output.status.code(),
        Some(code),
        "{arguments:?}: {output:?}"
    );
    assert!(output.stdout.is_empty());
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(!text.contains("panicked"), "{text}");
    text
}

#[test]
fn a_run_leaves_weights_settings_and_a_record_of_each_step() {
    let folder = prepared();
    let train = [
        "s.omni",
        "--out",
        "run",
        "--preset",
        "tiny.toml",
        "--seed",
        "3",
        "--json",
    ];
    let output = call(folder.path(), TRAIN, &train);
    assert!(output.status.success(), "{output:?}");
    let run = folder.path().join("run");
    let metrics = fs::read_to_string(run.join("metrics.jsonl")).unwrap();
    assert_eq!(metrics.as_bytes(), output.stdout);
    assert_eq!(metrics.lines().count(), 4);
    for (step, line) in (1..).zip(metrics.lines()) {
        let record: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(record["step"], step);
        assert_eq!(record["validation"].is_null(), step % 2 == 1);
    }
    let settings = fs::read_to_string(run.join("settings.toml")).unwrap();
    // Nothing is left to the machine in what a run was made by.
    let asked = fs::read_to_string(folder.path().join("tiny.toml")).unwrap();
    assert_eq!(
        settings,
        asked.replace("pixels = \"auto\"", "pixels = \"f32\"")
    );

    let again = refusal(folder.path(), TRAIN, &train, 1);
    assert!(
        again.contains("exists already") && again.contains("--force"),
        "{again}"
    );

    let score = "s.omni --weights run/weights.safetensors --json --picture t.png --out eval \
                 --trials 200 --curve-trials 5 --tta 1 --joint --fine-tune --mnist .";
    let names = ["t10k-images.idx3-ubyte", "t10k-labels.idx1-ubyte"];
    digits::write(folder.path(), &digits::files(4), names);
    let score: Vec<&str> = score.split_whitespace().collect();
    let output = call(folder.path(), EVAL, &score);
    assert!(output.status.success(), "{output:?}");
    let report: Evaluation = serde_json::from_slice(&output.stdout).unwrap();
    let asked: Vec<_> = (report.protocols.iter())
        .map(|p| (p.protocol.name(), p.ways, p.shots, p.trials))
        .collect();
    assert_eq!(
        asked,
        [
            ("lake-runs", 20, 1, 400),
            ("within", 20, 1, 200),
            ("within", 20, 5, 200),
            ("between", 20, 1, 200),
            ("between", 20, 5, 200),
        ]
    );
    for protocol in &report.protocols {
        assert_eq!(protocol.chance, 5.0);
        let network = protocol.systems.iter().filter(|s| s.role == Role::Network);
        assert_eq!(network.count(), 1);
        let variants = protocol.systems.iter().filter(|s| s.role == Role::Variant);
        let assigned = protocol.protocol == Protocol::LakeRuns;
        assert_eq!(variants.count(), 2 + usize::from(assigned));
    }
    assert!(report.provenance.made_up && report.curve.is_some());
    let digits = report.digits.as_ref().unwrap();
    assert_eq!(
        (digits.systems.len(), digits.ways, digits.trials),
        (3, 10, 200)
    );
    assert_eq!(report.training[0].validation.len(), 2);
    // The same call, the same bytes; and it does not write over a report unasked.
    let again = refusal(folder.path(), EVAL, &score, 1);
    assert!(again.contains("--force"), "{again}");
    let files = || {
        let names = common::listing(&folder.path().join("eval"));
        let read = |name: &String| fs::read(folder.path().join("eval").join(name)).unwrap();
        names
            .iter()
            .map(|name| (name.clone(), read(name)))
            .collect::<Vec<_>>()
    };
    let (first, score) = (files(), [&score[..], &["--force"]].concat());
    assert!(first.iter().any(|(name, _)| name == "report.html"));
    assert_eq!(call(folder.path(), EVAL, &score).stdout, output.stdout);
    assert!(files() == first);
    assert!(
        fs::read(folder.path().join("t.png"))
            .unwrap()
            .starts_with(b"\x89PNG")
    );
}

#[test]
fn bad_input_is_one_clear_line() {
    let folder = prepared();
    let at = folder.path();
    let train = |arguments: &[&str], code| {
        let all = [&["s.omni", "--out", "run"], arguments].concat();
        refusal(at, TRAIN, &all, code)
    };
    for (arguments, code, says) in [
        (
            &["--preset", "nothing"][..],
            1,
            "there is no preset \"nothing\"",
        ),
        (&["--preset", "no.toml"], 1, "no.toml: cannot be read"),
        (&["--steps", "0"], 1, "steps is 0"),
        (
            &["--validation-alphabets", "6"],
            1,
            "6 background alphabets",
        ),
        (&["--device", "cuda:99"], 2, "GPU"),
        (&["--workers", "0"], 2, "--workers"),
        (&["--set", "width=3"], 1, "unknown field `width`"),
        (&["--precision", "f16"], 1, "unknown variant `f16`"),
        (&["--resume"], 1, "there is no such folder"),
        (&["--resume", "--seed", "3"], 2, "--seed"),
    ] {
        let text = train(arguments, code);
        assert!(text.contains(says), "{arguments:?}: {text}");
        assert!(!at.join("run/weights.safetensors").exists());
    }
    fs::write(at.join("typo.toml"), "stepps = 3").unwrap();
    let text = train(&["--preset", "typo.toml"], 1);
    assert!(
        text.contains("typo.toml") && text.contains("stepps"),
        "{text}"
    );

    let text = refusal(at, TRAIN, &["no.omni", "--out", "run"], 1);
    assert_eq!(text.matches("No such file").count(), 1, "{text}");
    let text = refusal(at, EVAL, &["tiny.toml"], 1);
    assert!(text.contains("is not an .omni store"), "{text}");
    for (arguments, code, says) in [
        (&["--protocol", "nothing"][..], 2, "--protocol"),
        (
            &["--ways", "40", "--protocol", "within"],
            1,
            "no 40-way 1-shot task",
        ),
        (
            &["--weights", "a/w.safetensors", "b/w.safetensors"],
            1,
            "No such file",
        ),
        (&["--weights", "=w.safetensors"], 2, "NAME=FILE"),
        (&["--picture", "t.png"], 2, "--weights"),
        (&["--mnist", "nowhere"], 1, "nowhere"),
    ] {
        let text = refusal(at, EVAL, &[&["s.omni"], arguments].concat(), code);
        assert!(text.contains(says), "{arguments:?}: {text}");
    }
    let text = refusal(at, EVAL, &["s.omni", "--weights", "s.omni"], 1);
    assert!(text.contains("is not a sound safetensors file"), "{text}");
}

/// The network that comes with the program needs no file; on made-up alphabets it is far from
/// what it scores on Omniglot's, and as far from guessing.
#[test]
fn the_pretrained_network_is_scored_at_once() {
    let folder = prepared();
    let score =
        "s.omni --pretrained --together --protocol lake-runs --picture t.png --onnx n.onnx --json";
    let score: Vec<&str> = score.split_whitespace().collect();
    let output = call(folder.path(), EVAL, &score);
    assert!(output.status.success(), "{output:?}");
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(errors.contains("fewer than two"), "{errors}");
    assert!(folder.path().join("t.png").is_file());
    let onnx = folder.path().join("n.onnx");
    assert!(fs::metadata(&onnx).unwrap().len() as usize > PRETRAINED.len() / 2);
    let report: Evaluation = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report.provenance.networks[0].name, "pretrained");
    let systems = &report.protocols[0].systems;
    let network = systems.iter().find(|s| s.role == Role::Network).unwrap();
    assert!(network.percent > 50.0, "{}", network.percent);

    fs::write(&onnx, "another's").unwrap();
    let again = refusal(folder.path(), EVAL, &score, 1);
    assert!(again.contains("n.onnx: exists already"), "{again}");
    assert_eq!(fs::read(&onnx).unwrap(), b"another's");

    let taken = "s.omni --pretrained --weights pretrained=x.safetensors";
    let taken: Vec<&str> = taken.split_whitespace().collect();
    let text = refusal(folder.path(), EVAL, &taken, 1);
    assert!(text.contains("pretrained"), "{text}");
}

/// The picture of a run shows the answers that the report counts.
#[test]
fn a_picture_obeys_the_rule_for_ties() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let bytes = common::store_bytes(&common::small_archive());
    fs::write(at.join("s.omni"), bytes).unwrap();
    // A network that finds everything alike.
    let model = untrained::compact(&[]);
    for (_, mut tensor) in ordered(model.weights()) {
        let _ = tch::no_grad(|| tensor.zero_());
    }
    model.save(&at.join("w.safetensors")).unwrap();
    let pictures = ["against", "first"].map(|ties| {
        let arguments = [
            "s.omni",
            "--weights",
            "w.safetensors",
            "--protocol",
            "lake-runs",
        ];
        let picture = format!("{ties}.png");
        let more = ["--ties", ties, "--picture", &picture, "--json"];
        let output = call(at, EVAL, &[&arguments[..], &more].concat());
        assert!(output.status.success(), "{output:?}");
        let report: Evaluation = serde_json::from_slice(&output.stdout).unwrap();
        let systems = &report.protocols[0].systems;
        let network = systems.iter().find(|s| s.role == Role::Network).unwrap();
        assert_eq!(network.tied, network.score.asked);
        fs::read(at.join(picture)).unwrap()
    });
    assert!(pictures[0] != pictures[1]);
}

#[test]
fn a_store_without_an_evaluation_set_is_told_how_to_have_one() {
    let folder = tempfile::tempdir().unwrap();
    let mut archive = common::small_archive();
    archive.alphabets.truncate(1);
    archive.runs.clear();
    fs::write(folder.path().join("s.omni"), common::store_bytes(&archive)).unwrap();
    let weights = folder.path().join("w.safetensors");
    untrained::compact(&[]).save(&weights).unwrap();
    let arguments = [
        "s.omni",
        "--weights",
        "w.safetensors",
        "--ways",
        "2",
        "--shots",
        "1",
    ];
    let told = refusal(folder.path(), EVAL, &arguments, 1);
    assert!(
        told.contains("no evaluation set") && told.contains("--evaluation GROUP"),
        "{told}"
    );
}
