//! Which settings are refused, and why: what several of them must have in common. The range of
//! each stands where the setting does.

use tch::Device;

use super::batch::{Batch, SHARDS};
use super::optimizer::OptimizerOptions;
use super::precision::Precision;
use super::preset::{Preset, PresetError};
use super::range::RangeError;
use crate::model::{HeadShape, TowerShape};
use crate::sample::ComposedShape;

/// More would say no more, and take all memory.
const MOST_VALIDATION_TASKS: u64 = 10_000_000;

impl Preset {
    /// Checks that every value is in its range, and that the parts fit together.
    ///
    /// # Errors
    /// [`PresetError::Distortion`], [`PresetError::Network`], [`PresetError::Composed`] or
    /// [`PresetError::Range`] for the first that is not.
    pub fn check(&self) -> Result<(), PresetError> {
        self.distortion.check()?;
        RangeError::unless(self.steps > 0, "steps", self.steps, "at least 1")?;
        self.network.check()?;
        self.check_parts()?;
        self.objective.check()?;
        let every = self.validation_every;
        RangeError::unless(every > 0, "validation_every", every, "at least 1")?;
        let tasks = self.validation_tasks;
        let sound = (1..=MOST_VALIDATION_TASKS).contains(&tasks);
        RangeError::unless(sound, "validation_tasks", tasks, "1 to 10,000,000")?;
        self.check_composed()?;
        self.check_within_class()?;
        self.batch.check()?;
        self.check_shards()?;
        self.optimizer.check()?;
        self.check_epochs()?;
        Ok(self.check_layers()?)
    }

    /// Checks that a device can do what the settings ask for.
    ///
    /// # Errors
    /// [`PresetError::Range`] if tf32 is asked of a CPU.
    pub fn check_device(&self, device: Device) -> Result<(), PresetError> {
        let range = "f32, bf16 or auto on a CPU: tf32 is an arithmetic of GPUs";
        let sound = self.precision != Precision::Tf32 || device.is_cuda();
        Ok(RangeError::unless(sound, "precision", "tf32", range)?)
    }

    /// Whether a batch can be learned from in shards: each drawing is compared by itself.
    pub(super) fn learns_in_shards(&self) -> bool {
        match self.network.head {
            HeadShape::Cosine => true,
            HeadShape::Distance | HeadShape::Context(_) => false,
        }
    }

    /// The loss can be taken of such batches by such a network, in such arithmetic.
    fn check_parts(&self) -> Result<(), RangeError> {
        let (network, batch, objective) = (self.network, &self.batch, self.objective);
        RangeError::unless(
            objective.fits(network.head, batch),
            "network, batch and objective",
            format!("{network:?}, {batch:?} and {objective:?}"),
            "compact, classes and metric or softmax, or matching, classes and matching, or koch \
             or siamese, pairs or table, and verification",
        )?;
        let sound = match network.head {
            HeadShape::Cosine | HeadShape::Distance => true,
            HeadShape::Context(_) => matches!(self.precision, Precision::F32 | Precision::Tf32),
        };
        let precision = format!("{:?}", self.precision).to_lowercase();
        let range = "f32 or tf32 for a matching network";
        RangeError::unless(sound, "precision", precision, range)
    }

    /// Composed classes are learned as others are, each by its vector.
    fn check_composed(&self) -> Result<(), PresetError> {
        let Some(composed) = self.batch.composed() else {
            return Ok(());
        };
        ComposedShape::from(composed).check()?;
        let (field, objective) = ("batch.composed", self.objective);
        let value = format!("{composed:?} with {objective:?}");
        let range = "left out, where no class has a vector: it takes a metric or softmax objective";
        let sound = objective.has_class_vectors();
        Ok(RangeError::unless(sound, field, value, range)?)
    }

    /// Embeddings are normalised in a compact network's last layer.
    fn check_within_class(&self) -> Result<(), RangeError> {
        let shrinkage = self.within_class;
        let folds = match (self.network.tower, self.network.head) {
            (TowerShape::Compact(_), HeadShape::Cosine) => true,
            (TowerShape::Compact(_), HeadShape::Distance | HeadShape::Context(_))
            | (TowerShape::Koch(_), _) => false,
        };
        let sound = shrinkage == 0.0 || folds && (1e-3..=1e3).contains(&shrinkage);
        let range = "0, or for a compact network with a cosine 0.001 to 1,000";
        RangeError::unless(sound, "within_class", shrinkage, range)
    }

    fn check_shards(&self) -> Result<(), RangeError> {
        let shards = self.batch.shards();
        let sound = shards == 1 || self.learns_in_shards();
        RangeError::unless(sound, "batch.shards", shards, SHARDS)
    }

    fn check_epochs(&self) -> Result<(), RangeError> {
        let sound = !self.optimizer.counts_epochs()
            || self.epoch_steps > 0
            || matches!(self.batch, Batch::Table(_));
        let range = "at least 1, since the optimizer counts epochs";
        RangeError::unless(sound, "epoch_steps", self.epoch_steps, range)
    }

    /// Layers are named that the network has; each of them, where every layer has numbers.
    fn check_layers(&self) -> Result<(), RangeError> {
        let known = self.network.layers();
        let (names, all): (Vec<&str>, bool) = match &self.optimizer {
            OptimizerOptions::AdamW(_) => return Ok(()),
            OptimizerOptions::Adam(options) => {
                (options.l2.keys().map(String::as_str).collect(), false)
            }
            OptimizerOptions::Sgd(options) => {
                (options.layers.keys().map(String::as_str).collect(), true)
            }
        };
        let every = !known.is_empty() && names.len() == known.len();
        let sound = names.iter().all(|name| known.contains(name)) && (!all || every);
        let range = "conv1 to conv4, fc and score of a koch network";
        RangeError::unless(sound, "optimizer's layers", names.join(", "), range)
    }
}
