//! What the programs have in common that ask one network about pictures.

use std::path::PathBuf;

use crate::archive::ScanOptions;
use crate::model::{Model, exact_arithmetic, parse_device};
use anyhow::Result;
use clap::Args;
use tch::Device;

/// Which network, and where it runs.
#[derive(Args)]
#[group(skip)]
pub struct NetworkArguments {
    /// Weights that siamese-train wrote.
    #[arg(long, short, value_name = "FILE", group = "network")]
    weights: Option<PathBuf>,
    /// The network that comes with the program, trained on Omniglot's background set.
    #[arg(long, group = "network")]
    pretrained: bool,
    /// Where the network runs: auto takes a GPU if there is one.
    #[arg(long, default_value = "auto", value_parser = parse_device)]
    device: Device,
}

impl NetworkArguments {
    /// The network, ready to be asked.
    pub fn load(&self) -> Result<Model> {
        exact_arithmetic(self.device)?;
        Ok(match &self.weights {
            Some(weights) => Model::load(weights, self.device)?,
            None => Model::pretrained(self.device),
        })
    }
}

/// How pictures are made ready for the network.
#[derive(Args)]
#[group(skip)]
pub struct PictureArguments {
    /// Cut out what each picture shows, as omni-pack build --cut does; --cut=false leaves it whole.
    /// Without it, as the pictures were made that the network was trained on.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    cut: Option<bool>,
    /// Keep shades of grey, as omni-pack build --grey does; --grey=false keeps ink alone. Without
    /// it, as the pictures were made that the network was trained on.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    grey: Option<bool>,
}

impl PictureArguments {
    /// As asked for, or else as usual.
    pub fn or(&self, usual: ScanOptions) -> ScanOptions {
        ScanOptions {
            cut: self.cut.unwrap_or(usual.cut),
            grey: self.grey.unwrap_or(usual.grey),
        }
    }
}

/// Says on standard error if pictures are made otherwise than those of a network's training.
pub fn warn_of_other_pictures(program: &str, model: &Model, scan: ScanOptions) {
    if let Some(trained) = model.card.pictures.filter(|trained| *trained != scan) {
        eprintln!(
            "{program}: the network was trained on pictures made {trained}, these are made {scan}: \
             expect worse answers"
        );
    }
}
