//! The networks in plain PyTorch (`tools/load_weights.py`): every kind that a preset trains, with
//! the embeddings of this program.

use crate::common::untrained;
use std::path::Path;
use std::process::{Command, Output};

use omnishot::model::save_tensors;
use omnishot::train::Preset;
use tch::{Kind, Tensor};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tools/load_weights.py");

fn python(arguments: &[&str]) -> Option<Output> {
    let mut command = Command::new("python3");
    command.env("PYTHONDONTWRITEBYTECODE", "1").args(arguments);
    command.output().ok()
}

/// The kinds of networks that the script has, by its own list.
const KINDS: &str = "
import ast, sys
tree = ast.parse(open(sys.argv[1]).read())
names = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
for node in ast.walk(tree):
    if isinstance(node, ast.Dict) and all(isinstance(v, ast.Name) for v in node.values):
        assert {v.id for v in node.values} <= names
        print(*(key.value for key in node.keys))
";

#[test]
fn the_script_has_every_kind_of_network_that_a_preset_trains() {
    let Some(output) = python(&["-c", KINDS, SCRIPT]) else {
        eprintln!("SKIPPED: there is no python3 here");
        return;
    };
    let kinds = String::from_utf8(output.stdout).unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}");
    for (name, _) in Preset::SHIPPED {
        let network = Preset::shipped(name).unwrap().network;
        let network = serde_json::to_value(network).unwrap();
        let kind = network["kind"].as_str().unwrap();
        let known = kinds.split_whitespace().any(|known| known == kind);
        assert!(known, "{name}: no {kind} among {kinds}");
    }
}

#[test]
fn python_embeds_as_this_program_does() {
    let has = |what: &str| {
        let output = python(&["-c", &format!("import {what}")]);
        output.is_some_and(|output| output.status.success())
    };
    if let Some(missing) = ["torch", "safetensors"].into_iter().find(|what| !has(what)) {
        eprintln!("SKIPPED: python3 has no {missing} here");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    for (name, _) in Preset::SHIPPED {
        let model = untrained::model(name, &[], &[]);
        let side = model.card.network.side() as i64;
        let count = 3 * side * side;
        let places = Tensor::arange(count, (Kind::Double, tch::Device::Cpu));
        let ink = (places * 0.7).sin().gt(0.3).to_kind(Kind::Float);
        let images = ink.view([3, 1, side, side]);
        let embeddings = model.embed(&images);
        let [weights, expected] = ["weights", "images"].map(|part| {
            let file = format!("{name}-{part}.safetensors");
            folder.path().join(file)
        });
        model.save(&weights).unwrap();
        let tensors = vec![
            ("images".to_owned(), images),
            ("embeddings".to_owned(), embeddings),
        ];
        save_tensors(&expected, name.to_owned(), tensors, false).unwrap();
        let text = |path: &Path| path.to_str().unwrap().to_owned();
        let output = python(&[SCRIPT, &text(&weights), &text(&expected)]).unwrap();
        let told = String::from_utf8(output.stdout).unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{name}: {error}");
        let difference: f64 = told.split_whitespace().last().unwrap().parse().unwrap();
        assert!(difference < 1e-4, "{name}: {told}");
    }
}

/// The lines of the document beside the weights, run as they stand there.
#[test]
fn the_document_beside_the_weights_loads_them() {
    if python(&["-c", "import safetensors.torch"]).is_none_or(|output| !output.status.success()) {
        eprintln!("SKIPPED: python3 has no torch or no safetensors here");
        return;
    }
    let document = include_str!("../../src/weights/PRETRAINED.md");
    let (_, after) = document.split_once("```python\n").unwrap();
    let (lines, _) = after.split_once("```").unwrap();
    let mut command = Command::new("python3");
    let output = command
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(["-c", lines])
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}");
}
