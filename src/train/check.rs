//! Which settings are refused, and why.

use tch::Device;

use super::optimizer::{Layer, OptimizerOptions};
use super::precision::Precision;
use super::preset::{Batch, ClassBatch, Objective, Preset, PresetError};
use crate::model::NetworkShape;
use crate::sample::POSES;

/// One condition: whether it holds, the field, its value, and what it may be.
type Check = (bool, &'static str, String, &'static str);

/// The layers of Koch's network: what its optimizers name.
const LAYERS: [&str; 6] = ["conv1", "conv2", "conv3", "conv4", "fc", "score"];

/// More would say no more, and take all memory.
const MOST_VALIDATION_TASKS: u64 = 10_000_000;

impl Preset {
    /// Checks that every value is in its range, and that the parts fit together.
    ///
    /// # Errors
    /// [`PresetError::Range`] for the first that is not.
    pub fn check(&self) -> Result<(), PresetError> {
        let mut checks: Vec<Check> = vec![
            (
                self.steps > 0,
                "steps",
                self.steps.to_string(),
                "at least 1",
            ),
            (
                self.network.check().is_ok(),
                "network",
                format!("{:?}", self.network),
                "a shape that leaves something of an image, with widths above 0 and dropout below 1",
            ),
            (
                self.fits(),
                "network, batch and objective",
                format!(
                    "{:?}, {:?} and {:?}",
                    self.network, self.batch, self.objective
                ),
                "compact, classes and metric or softmax, or matching, classes and matching, or koch \
                 or siamese, pairs or table, and verification",
            ),
        ];
        checks.push((
            matches!(self.precision, Precision::F32 | Precision::Tf32)
                || !matches!(self.network, NetworkShape::Matching(_)),
            "precision",
            format!("{:?}", self.precision).to_lowercase(),
            "f32 or tf32 for a matching network",
        ));
        if let Objective::Softmax(objective) = self.objective {
            let scale = objective.scale;
            let sound = scale > 0.0 && scale <= 1000.0;
            checks.push((
                sound,
                "objective.scale",
                scale.to_string(),
                "above 0, to 1,000",
            ));
        }
        checks.extend(self.check_validation());
        checks.extend(self.check_batch());
        checks.extend(self.check_optimizer());
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

    /// Checks that a device can do what the settings ask for.
    ///
    /// # Errors
    /// [`PresetError::Range`] if tf32 is asked of a CPU.
    pub fn check_device(&self, device: Device) -> Result<(), PresetError> {
        if self.precision == Precision::Tf32 && !device.is_cuda() {
            return Err(PresetError::Range {
                field: "precision",
                value: "tf32".to_owned(),
                range: "f32, bf16 or auto on a CPU: tf32 is an arithmetic of GPUs",
            });
        }
        Ok(())
    }

    fn check_validation(&self) -> [Check; 2] {
        [
            (
                self.validation_every > 0,
                "validation_every",
                self.validation_every.to_string(),
                "at least 1",
            ),
            (
                (1..=MOST_VALIDATION_TASKS).contains(&self.validation_tasks),
                "validation_tasks",
                self.validation_tasks.to_string(),
                "1 to 10,000,000",
            ),
        ]
    }

    /// Whether the loss can be taken of such batches by such a network.
    fn fits(&self) -> bool {
        matches!(
            (&self.network, &self.batch, &self.objective),
            (
                NetworkShape::Compact(_),
                Batch::Classes(_),
                Objective::Metric(_) | Objective::Softmax(_)
            ) | (
                NetworkShape::Matching(_),
                Batch::Classes(_),
                Objective::Matching
            ) | (
                NetworkShape::Koch(_) | NetworkShape::Siamese(_),
                Batch::Pairs(_) | Batch::Table(_),
                Objective::Verification
            )
        )
    }

    fn check_batch(&self) -> Vec<Check> {
        let pairs = |pairs: usize, even: bool| {
            let sound = (2..=16_384).contains(&pairs) && (pairs.is_multiple_of(2) || !even);
            let range = "an even number from 2 to 16,384";
            (sound, "batch.pairs", pairs.to_string(), range)
        };
        match self.batch {
            Batch::Classes(batch) => vec![
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
                    (1..=POSES).contains(&batch.poses),
                    "batch.poses",
                    batch.poses.to_string(),
                    "1 to 8",
                ),
                (
                    self.check_shards(batch),
                    "batch.shards",
                    batch.shards.to_string(),
                    "a divisor of batch.drawings that leaves 2 or more; 1 for a matching network",
                ),
            ],
            Batch::Pairs(batch) => vec![
                pairs(batch.pairs, true),
                (
                    batch.within_alphabet <= 256,
                    "batch.within_alphabet",
                    batch.within_alphabet.to_string(),
                    "0 to 256",
                ),
            ],
            Batch::Table(batch) => vec![pairs(batch.pairs, false)],
        }
    }

    fn check_shards(&self, batch: ClassBatch) -> bool {
        let compact = matches!(self.network, NetworkShape::Compact(_));
        (1..=batch.drawings / 2).contains(&batch.shards)
            && batch.drawings.is_multiple_of(batch.shards)
            && (compact || batch.shards == 1)
    }

    fn check_optimizer(&self) -> Vec<Check> {
        let rate = |rate: f64| {
            let field = "optimizer's learning_rate";
            (
                rate.is_finite() && rate > 0.0,
                field,
                rate.to_string(),
                "above 0",
            )
        };
        let share = |field, value: f64| {
            let sound = (0.0..1.0).contains(&value);
            (sound, field, value.to_string(), "from 0 to below 1")
        };
        match &self.optimizer {
            OptimizerOptions::AdamW(options) => vec![
                rate(options.learning_rate),
                share("optimizer.average", options.average),
                share("optimizer.weight_decay", options.weight_decay),
            ],
            OptimizerOptions::Adam(options) => {
                let mut checks = vec![rate(options.learning_rate)];
                checks.extend(options.l2.values().map(|&l2| share("optimizer.l2", l2)));
                checks.push(self.check_layers(options.l2.keys(), false));
                checks
            }
            OptimizerOptions::Sgd(options) => {
                let decay = options.decay;
                let mut checks = vec![
                    (
                        decay > 0.0 && decay <= 1.0,
                        "optimizer.decay",
                        decay.to_string(),
                        "above 0, to 1",
                    ),
                    share("optimizer.first_momentum", options.first_momentum),
                    (
                        self.epoch_steps > 0 || matches!(self.batch, Batch::Table(_)),
                        "epoch_steps",
                        self.epoch_steps.to_string(),
                        "at least 1, since the optimizer counts epochs",
                    ),
                ];
                for &Layer {
                    learning_rate,
                    momentum,
                    l2,
                } in options.layers.values()
                {
                    checks.push(rate(learning_rate));
                    checks.push(share("optimizer.layers' momentum", momentum));
                    checks.push(share("optimizer.layers' l2", l2));
                }
                checks.push(self.check_layers(options.layers.keys(), true));
                checks
            }
        }
    }

    /// Layers are named that the network has; with `all`, each of them.
    fn check_layers<'a>(&self, names: impl Iterator<Item = &'a String>, all: bool) -> Check {
        let names: Vec<&str> = names.map(String::as_str).collect();
        let koch = matches!(self.network, NetworkShape::Koch(_));
        let known = names.iter().all(|name| koch && LAYERS.contains(name));
        let sound = known && (!all || names.len() == LAYERS.len());
        let range = "conv1 to conv4, fc and score of a koch network";
        (sound, "optimizer's layers", names.join(", "), range)
    }
}
