//! What the programs have in common that ask one network about pictures.

use std::path::PathBuf;

use crate::archive::ScanOptions;
use crate::embed::{Embedder, OtherPictures};
#[cfg(feature = "torch")]
use crate::model::{Model, exact_arithmetic, parse_device};
use crate::onnx::Session;
use crate::store::Store;
use anyhow::Result;
#[cfg(feature = "torch")]
use anyhow::{Error, bail};
use clap::Args;
#[cfg(feature = "torch")]
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
    #[cfg(feature = "torch")]
    #[command(flatten)]
    engine: EngineArguments,
}

/// What runs the network.
#[cfg(feature = "torch")]
#[derive(Args)]
#[group(skip)]
struct EngineArguments {
    /// What runs the network.
    #[arg(long, value_enum, default_value_t = Engine::Libtorch)]
    engine: Engine,
    /// Where libtorch runs the network; auto, and leaving it out, takes a GPU if there is one.
    #[arg(long, value_parser = parse_device)]
    device: Option<Device>,
}

/// What runs a network.
#[cfg(feature = "torch")]
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Engine {
    /// This program alone, on the CPU.
    Rust,
    /// libtorch, on the CPU or a GPU.
    Libtorch,
}

#[cfg(feature = "torch")]
impl EngineArguments {
    /// Where libtorch runs the network; `None` if it does not.
    fn device(&self) -> Result<Option<Device>> {
        match (self.engine, self.device) {
            (Engine::Libtorch, Some(device)) => Ok(Some(device)),
            (Engine::Libtorch, None) => Ok(Some(parse_device("auto").map_err(Error::msg)?)),
            (Engine::Rust, Some(device)) if device.is_cuda() => {
                bail!("--engine rust runs on the CPU alone: leave --device out, or the engine")
            }
            (Engine::Rust, _) => Ok(None),
        }
    }
}

impl NetworkArguments {
    /// The network, ready to be asked.
    pub fn load(&self) -> Result<Box<dyn Embedder>> {
        #[cfg(feature = "torch")]
        if let Some(device) = self.engine.device()? {
            exact_arithmetic(device)?;
            return Ok(Box::new(match &self.weights {
                Some(weights) => Model::load(weights, device)?,
                None => Model::pretrained(device),
            }));
        }
        Ok(Box::new(match &self.weights {
            Some(weights) => Session::load(weights)?,
            None => Session::pretrained(),
        }))
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
    /// How pictures are made for `embedder`: as asked for, or else as those that it was trained on
    /// were, or those of the store that a threshold is found on. On standard error `program` warns
    /// of other pictures than its training's.
    ///
    /// # Errors
    /// If the store's pictures are made otherwise, so that its threshold would not hold.
    pub fn settle(
        &self,
        program: &str,
        embedder: &dyn Embedder,
        store: Option<&Store>,
    ) -> Result<ScanOptions> {
        let trained = embedder.card().pictures;
        let usual = trained
            .or(store.and_then(Store::pictures))
            .unwrap_or_default();
        let scan = ScanOptions {
            cut: self.cut.unwrap_or(usual.cut),
            grey: self.grey.unwrap_or(usual.grey),
        };
        if let Some(store) = store {
            OtherPictures::refuse(store, scan)?;
        }
        if let Some(trained) = trained.filter(|trained| *trained != scan) {
            eprintln!(
                "{program}: the network was trained on pictures made {trained}, these are made {scan}: \
                 expect worse answers"
            );
        }
        Ok(scan)
    }
}
