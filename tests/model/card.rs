//! What lies beside the weights that ship, for whoever finds them elsewhere, and what they say
//! themselves.

use std::fs;
use std::path::Path;

use omnishot::weights::{Card, PRETRAINED, TensorFile};

fn beside(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/weights");
    fs::read_to_string(folder.join(name)).unwrap()
}

/// The card that the weights carry.
fn card() -> Card {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("w.safetensors");
    fs::write(&path, PRETRAINED).unwrap();
    Card::of(&TensorFile::open(&path, 1 << 30, false).unwrap()).unwrap()
}

#[test]
fn the_configuration_beside_the_weights_is_their_card() {
    let mut config: serde_json::Value = serde_json::from_str(&beside("config.json")).unwrap();
    let fields = config.as_object_mut().unwrap();
    for name in ["model_type", "library_name"] {
        assert_eq!(fields.remove(name).unwrap(), "omnishot");
    }
    assert_eq!(config, serde_json::to_value(card()).unwrap());
}

#[test]
fn the_front_matter_of_the_weights_says_what_the_project_and_the_document_do() {
    let text = beside("PRETRAINED.md");
    let (matter, document) = text
        .strip_prefix("---\n")
        .unwrap()
        .split_once("\n---\n")
        .unwrap();
    let has = |line: &str| {
        matter
            .lines()
            .any(|of| of.trim_start_matches([' ', '-']) == line)
    };
    let manifest = include_str!("../../Cargo.toml");
    assert!(manifest.contains("license = \"MIT\"") && has("license: mit"));
    assert!(manifest.contains("name = \"omnishot\"") && has("library_name: omnishot"));
    for line in [
        "pipeline_tag: image-feature-extraction",
        "accuracy",
        "safetensors",
        "onnx",
    ] {
        assert!(has(line), "{line}");
    }
    let value = matter
        .lines()
        .find_map(|line| line.trim().strip_prefix("value: "));
    let told = format!("| official runs | 399 of 400 ({}%) |", value.unwrap());
    assert!(document.contains(&told), "{told}");
    let network = card().network;
    let told = format!(
        "{0} x {0} pixels, width 32, {1} dimensions",
        network.side(),
        network.dimensions()
    );
    assert!(document.contains(&told), "{told}");
}
