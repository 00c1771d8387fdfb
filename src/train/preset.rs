//! Everything a training run depends on, as one readable TOML file.

use serde::{Deserialize, Serialize};

use crate::distort::{Distortion, Refusal};
use crate::model::CompactShape;
use crate::sample::BatchShape;

/// A training run but for its seed and its store.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preset {
    /// Batches to train on.
    pub steps: u64,
    /// Background alphabets that are held out, to see one-shot accuracy on new ones.
    pub validation_alphabets: usize,
    /// Tasks that a validation score is taken over.
    pub validation_tasks: u64,
    /// Steps from one validation score to the next.
    pub validation_every: u64,
    /// What is drawn into a batch.
    pub batch: Batch,
    /// The network.
    pub network: CompactShape,
    /// What is minimised.
    pub objective: Objective,
    /// How it is minimised.
    pub optimizer: Optimizer,
    /// How drawings are distorted.
    pub distortion: Distortion,
}

/// What is drawn into a batch: see [`BatchShape`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Batch {
    /// Drawings in a batch.
    pub drawings: usize,
    /// The most characters that its one alphabet gives, two drawings each.
    pub alphabet_characters: usize,
}

impl From<Batch> for BatchShape {
    fn from(batch: Batch) -> BatchShape {
        let Batch {
            drawings,
            alphabet_characters,
        } = batch;
        BatchShape {
            drawings,
            alphabet_characters,
        }
    }
}

/// The parts of the loss.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Objective {
    /// Inverse temperature of the softmax over all training classes.
    pub scale: f64,
    /// What the cosine with the right class is lowered by.
    pub margin: f64,
    /// Inverse temperature of the contrast among drawings of one alphabet.
    pub contrast_scale: f64,
}

/// AdamW with warm-up and cosine decay, and an average of the weights.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Optimizer {
    /// The highest learning rate.
    pub learning_rate: f64,
    /// Steps of linear rise to it.
    pub warmup_steps: u64,
    /// Decay of matrices and kernels; norms and class vectors do not decay.
    pub weight_decay: f64,
    /// Decay of the exponential average of weights, which is what is scored and saved.
    pub average: f64,
}

/// Why a preset is refused.
#[derive(Debug, thiserror::Error)]
pub enum PresetError {
    /// No preset of that name ships with the program.
    #[error("there is no preset {0:?}; there is: compact")]
    Unknown(String),
    /// The text is not TOML, or has unknown or missing fields.
    #[error("the settings cannot be read")]
    Toml(#[from] toml::de::Error),
    /// A value of the distortion is out of its range.
    #[error(transparent)]
    Distortion(#[from] Refusal),
    /// Another value is out of its range.
    #[error("the settings' {field} is {value}; it must be {range}")]
    Range {
        /// The field.
        field: &'static str,
        /// Its value.
        value: String,
        /// What it may be.
        range: &'static str,
    },
}

impl Preset {
    /// A preset that ships with the program.
    ///
    /// # Errors
    /// [`PresetError::Unknown`] if there is none of that name.
    pub fn shipped(name: &str) -> Result<Preset, PresetError> {
        match name {
            "compact" => Preset::parse(include_str!("compact.toml")),
            _ => Err(PresetError::Unknown(name.to_owned())),
        }
    }

    /// Reads and checks a preset.
    ///
    /// # Errors
    /// If the text is not a preset, or a value is out of its range.
    pub fn parse(text: &str) -> Result<Preset, PresetError> {
        let preset: Preset = toml::from_str(text)?;
        preset.check()?;
        Ok(preset)
    }

    /// Checks that every value is in its range.
    ///
    /// # Errors
    /// [`PresetError::Range`] for the first that is not.
    pub fn check(&self) -> Result<(), PresetError> {
        let Preset {
            batch,
            network,
            optimizer,
            ..
        } = self;
        let checks: [(bool, &'static str, String, &'static str); 7] = [
            (
                self.steps > 0,
                "steps",
                self.steps.to_string(),
                "at least 1",
            ),
            (
                self.validation_every > 0,
                "validation_every",
                self.validation_every.to_string(),
                "at least 1",
            ),
            (
                (2..=65_536).contains(&batch.drawings),
                "batch.drawings",
                batch.drawings.to_string(),
                "2 to 65,536",
            ),
            (
                (1..=batch.drawings / 2).contains(&batch.alphabet_characters),
                "batch.alphabet_characters",
                batch.alphabet_characters.to_string(),
                "from 1 to half of batch.drawings",
            ),
            (
                network.check().is_ok(),
                "network",
                format!("{network:?}"),
                "a side of 16 to 96 in steps of 16, widths above 0, dropout below 1",
            ),
            (
                optimizer.learning_rate.is_finite() && optimizer.learning_rate > 0.0,
                "optimizer.learning_rate",
                optimizer.learning_rate.to_string(),
                "above 0",
            ),
            (
                (0.0..1.0).contains(&optimizer.average),
                "optimizer.average",
                optimizer.average.to_string(),
                "from 0 to below 1",
            ),
        ];
        self.distortion.check()?;
        match checks.into_iter().find(|check| !check.0) {
            Some((_, field, value, range)) => Err(PresetError::Range {
                field,
                value,
                range,
            }),
            None => Ok(()),
        }
    }
}
