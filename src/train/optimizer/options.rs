//! What an optimizer is told.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// How it is minimised.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum OptimizerOptions {
    /// AdamW with warm-up and cosine decay, and an average of the weights.
    AdamW(AdamWOptions),
    /// Adam at one learning rate.
    Adam(AdamOptions),
    /// Gradient descent with momentum, each layer by its own numbers.
    Sgd(SgdOptions),
}

impl OptimizerOptions {
    /// Whether the learning rate of a step depends on how many there are in all.
    #[must_use]
    pub fn depends_on_steps(&self) -> bool {
        match self {
            OptimizerOptions::AdamW(_) => true,
            OptimizerOptions::Adam(_) | OptimizerOptions::Sgd(_) => false,
        }
    }
}

/// AdamW with warm-up and cosine decay, and an average of the weights.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdamWOptions {
    /// The highest learning rate.
    pub learning_rate: f64,
    /// Steps of linear rise to it.
    pub warmup_steps: u64,
    /// Decay of matrices and kernels; norms and class vectors do not decay.
    pub weight_decay: f64,
    /// Decay of the exponential average of weights, which is what is scored and saved.
    pub average: f64,
}

/// Adam at one learning rate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdamOptions {
    /// The learning rate.
    pub learning_rate: f64,
    /// By layer, what the sum of its squared weights (not biases) counts for in the loss.
    pub l2: BTreeMap<String, f64>,
}

/// Gradient descent with momentum (Koch 2015, section 3.2): layer `j` moves by
/// `-lr_j (gradient + 2 l2_j w) + momentum_j (last move)`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SgdOptions {
    /// What every learning rate is multiplied by after each epoch; 0.99 in the paper.
    pub decay: f64,
    /// The momentum of all layers in the first epoch; 0.5 in the paper.
    pub first_momentum: f64,
    /// Epochs in which it changes linearly to the layer's own.
    pub momentum_epochs: u64,
    /// The numbers of each layer, by its name.
    pub layers: BTreeMap<String, Layer>,
}

/// The numbers of a layer.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Layer {
    /// Learning rate in the first epoch; 1e-4 to 1e-1 in the paper.
    pub learning_rate: f64,
    /// Momentum at last; 0 to 1 in the paper.
    pub momentum: f64,
    /// What the sum of its squared weights (not biases) counts for in the loss; 0 to 0.1 in
    /// the paper.
    pub l2: f64,
}
