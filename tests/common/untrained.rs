//! Networks with first weights.
#![allow(dead_code, reason = "the bench does not use all of it")]

use omnishot::model::{Card, Model};
use omnishot::train::Preset;
use tch::Device;

/// A network of first weights, of a kind.
pub fn model(preset: &str, changes: &[&str], training: &[&str]) -> Model {
    let changes: Vec<String> = changes.iter().map(|&change| change.to_owned()).collect();
    let text = Preset::shipped_text(preset).expect("the preset ships with the program");
    let preset = Preset::parse(text, &changes).expect("the changes are sound");
    let card = Card {
        program: "a test".to_owned(),
        network: preset.network,
        distortion: preset.distortion,
        seed: 1,
        steps: 0,
        batch: 1,
        store: String::new(),
        training: training.iter().map(|&name| name.to_owned()).collect(),
        validation: Vec::new(),
        pictures: None,
    };
    let model = Model::new(card, Device::Cpu);
    preset.network.initialise(model.weights(), 1);
    model
}

/// A small one that embeds to eight dimensions.
pub fn compact(training: &[&str]) -> Model {
    let small = ["network.side=32", "network.width=2", "network.dimensions=8"];
    model("compact", &small, training)
}
