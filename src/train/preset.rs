//! Everything a training run depends on, as one readable TOML file.

use serde::{Deserialize, Serialize};
use tch::Device;

use super::batch::Batch;
use super::objective::Objective;
use super::optimizer::OptimizerOptions;
use super::precision::Precision;
use super::range::RangeError;
use crate::distort::{Distortion, DistortionError};
use crate::model::{NetworkShape, ShapeError};
use crate::presets::PRESETS;
use crate::sample::ComposedError;

/// A training run but for its seed and its store.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preset {
    /// Batches to train on, at most.
    pub steps: u64,
    /// Steps of an epoch, which some optimizers count in; 0 for those of a table of pairs, which
    /// has epochs of its own. With fewer, a schedule of many epochs fits into a short training.
    pub epoch_steps: u64,
    /// Background alphabets that are held out, to see one-shot accuracy on new ones.
    pub validation_alphabets: usize,
    /// Tasks that a validation score is taken over, 1-shot within a held-out alphabet: 20-way, or
    /// fewer where the store has no more (see [`crate::sample::ValidationTasks`]).
    pub validation_tasks: u64,
    /// Steps from one validation score to the next.
    pub validation_every: u64,
    /// Scores in a row without gain after which training ends; 0 for never.
    pub patience: u64,
    /// Which weights are the result.
    pub keep: Keep,
    /// By how much the covariance within classes is shrunk, by whose inverse root the result's embeddings
    /// are multiplied, from 0.001 to 1,000 (see [`super::normalize_within_classes`]); 0 leaves them as they
    /// were learned. Scores of held-out alphabets on the way are of embeddings as they are then.
    #[serde(default, skip_serializing_if = "is_nothing")]
    pub within_class: f64,
    /// What the network's arithmetic is done in while it learns.
    pub precision: Precision,
    /// What pixels are on their way to the network.
    #[serde(default)]
    pub pixels: Pixels,
    /// Whether a GPU's steps are captured once and replayed as CUDA graphs. The weights are the
    /// same; a GPU that works alone is far faster with it.
    #[serde(default = "yes")]
    pub graph: bool,
    /// Whether a GPU gives the same weights, byte for byte, for the same seed, program and card
    /// model. Without, cuDNN looks for faster ways that may round differently each time.
    #[serde(default = "yes")]
    pub deterministic: bool,
    /// What is drawn into a batch.
    pub batch: Batch,
    /// The network.
    pub network: NetworkShape,
    /// What is minimised.
    pub objective: Objective,
    /// How it is minimised.
    pub optimizer: OptimizerOptions,
    /// How drawings are distorted.
    pub distortion: Distortion,
}

/// Which weights are the result of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Keep {
    /// Those of the last step.
    Last,
    /// Those of the best validation score, the first of equals.
    Best,
}

/// What pixels are on their way to the network. It learns from floats in any case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Pixels {
    /// Bytes for a GPU, a quarter of the way's width; floats for a CPU, which has no way to go.
    #[default]
    Auto,
    /// 32-bit floats.
    F32,
    /// Bytes: shades of 1/255.
    U8,
}

impl Pixels {
    /// What it comes to on a device: never [`Pixels::Auto`].
    #[must_use]
    pub fn resolve(self, device: Device) -> Pixels {
        match self {
            Pixels::Auto if device.is_cuda() => Pixels::U8,
            Pixels::Auto => Pixels::F32,
            resolved => resolved,
        }
    }
}

/// What a setting is where the text has none.
fn yes() -> bool {
    true
}

/// Whether settings need not mention it.
fn is_nothing(value: &f64) -> bool {
    *value == 0.0
}

/// Why a preset is refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PresetError {
    /// No preset of that name ships with the program.
    #[error(
        "there is no preset {0:?}; there are {names}, and files that end in .toml",
        names = Preset::names()
    )]
    Unknown(String),
    /// The text is not TOML, or has unknown or missing fields.
    #[error("the settings cannot be read")]
    Toml(#[from] toml::de::Error),
    /// A value of the distortion is out of its range.
    #[error(transparent)]
    Distortion(#[from] DistortionError),
    /// No network has the shape.
    #[error(transparent)]
    Network(#[from] ShapeError),
    /// No such classes can be composed.
    #[error(transparent)]
    Composed(#[from] ComposedError),
    /// Another value is out of its range.
    #[error(transparent)]
    Range(#[from] RangeError),
    /// A setting that is to be changed is not `name=value`.
    #[error("{0:?} is no setting; give the name of a setting and a value, as in batch.pairs=64")]
    Setting(String),
}

impl Preset {
    /// The names and the texts of the presets that ship with the program.
    pub const SHIPPED: [(&str, &str); 9] = PRESETS;

    /// The names of the presets that ship with the program, as a sentence lists them.
    #[must_use]
    pub fn names() -> String {
        Preset::SHIPPED.map(|(name, _)| name).join(", ")
    }

    /// The text of a preset that ships with the program.
    ///
    /// # Errors
    /// [`PresetError::Unknown`] if there is none of that name.
    pub fn shipped_text(name: &str) -> Result<&'static str, PresetError> {
        let named = Preset::SHIPPED.iter().find(|(known, _)| *known == name);
        let (_, text) = named.ok_or_else(|| PresetError::Unknown(name.to_owned()))?;
        Ok(text)
    }

    /// A preset that ships with the program.
    ///
    /// # Errors
    /// [`PresetError::Unknown`] if there is none of that name.
    pub fn shipped(name: &str) -> Result<Preset, PresetError> {
        Preset::parse(Preset::shipped_text(name)?, &[])
    }

    /// The preset with nothing left to the machine: see [`Precision::resolve`] and
    /// [`Pixels::resolve`]. A GPU learns from a batch as a whole, since shards are a CPU's way to
    /// keep all its cores busy.
    #[must_use]
    pub fn resolved(mut self, device: Device) -> Preset {
        self.precision = self.precision.resolve(device);
        self.pixels = self.pixels.resolve(device);
        if let (Batch::Classes(batch), true) = (&mut self.batch, device.is_cuda()) {
            batch.shards = 1;
        }
        self
    }

    /// The preset with batches that `world` ranks can share: its shards raised to the next multiple
    /// of `world`, where there are shards. Whoever computes a shard, its statistics are its own, so that
    /// the settings and not the ranks say what is learned. Pairs are shared out as they are.
    #[must_use]
    pub fn shared_by(mut self, world: u64) -> Preset {
        let in_shards = self.learns_in_shards();
        if let (Batch::Classes(batch), true) = (&mut self.batch, in_shards) {
            let world = usize::try_from(world).unwrap_or(usize::MAX);
            batch.shards = batch
                .shards
                .checked_next_multiple_of(world)
                .unwrap_or(world);
        }
        self
    }

    /// Reads and checks a preset, each setting of `changes` (`optimizer.learning_rate=1e-3`)
    /// in place of the text's own; places of a list count from 0 (`network.filters.0=32`). The
    /// value is TOML; quotes around a lone word may be left out.
    ///
    /// # Errors
    /// If the text is not a preset, a change names no setting, or a value is out of its range.
    pub fn parse(text: &str, changes: &[String]) -> Result<Preset, PresetError> {
        let mut settings = toml::Value::Table(toml::from_str(text)?);
        for change in changes {
            let refused = || PresetError::Setting(change.clone());
            let (path, value) = change.split_once('=').ok_or_else(refused)?;
            let value: toml::Value = toml::from_str(&format!("value = {value}"))
                .or_else(|_| toml::from_str(&format!("value = {value:?}")))
                .map(|mut table: toml::Table| table.remove("value"))?
                .ok_or_else(refused)?;
            let (parents, name) = path.rsplit_once('.').unwrap_or(("", path));
            let mut place = &mut settings;
            for parent in parents.split('.').filter(|parent| !parent.is_empty()) {
                place = inner(place, parent).ok_or_else(refused)?;
            }
            // Names that were not there are refused below, as unknown fields.
            let whole = matches!(inner(place, name), Some(toml::Value::Float(_)));
            let value = match value {
                toml::Value::Integer(number) if whole => toml::Value::Float(number as f64),
                value => value,
            };
            match place {
                toml::Value::Table(table) => {
                    table.insert(name.to_owned(), value);
                }
                list => *inner(list, name).ok_or_else(refused)? = value,
            }
        }
        let preset: Preset = settings.try_into()?;
        preset.check()?;
        Ok(preset)
    }
}

/// What a table has of a name, or a list at a place.
fn inner<'a>(settings: &'a mut toml::Value, name: &str) -> Option<&'a mut toml::Value> {
    match settings {
        toml::Value::Table(table) => table.get_mut(name),
        toml::Value::Array(list) => list.get_mut(name.parse::<usize>().ok()?),
        _ => None,
    }
}
