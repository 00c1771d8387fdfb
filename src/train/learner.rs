//! A network that learns: everything that a step changes.

use std::path::Path;

use tch::nn::VarStore;
use tch::{Device, Tensor};

use super::batch_loss::LossInput;
use super::objective::Objective;
use super::optimizer::{Ema, Horizon, Optimizer};
use super::preset::Preset;
use crate::cuda::CudaError;
use crate::model::{Card, Model, ModelError, initialise, ordered};

/// The state of training: everything that a step changes.
pub struct Learner {
    pub(super) model: Model,
    /// The average of the model's weights over the steps, if the optimizer takes one.
    averaged: Option<(Model, Ema)>,
    /// A vector for each class `[classes, d]`; none for losses without classes.
    pub(super) class_vectors: Tensor,
    optimizer: Optimizer,
    objective: Objective,
    /// Classes from this one on count only where a batch shows them.
    sampled_from: Option<i64>,
    kind: tch::Kind,
    /// Steps taken.
    pub steps: u64,
}

impl Learner {
    /// A learner with first weights. `epoch_steps` are the steps of an epoch.
    #[must_use]
    pub fn new(
        preset: &Preset,
        card: Card,
        device: Device,
        classes: u32,
        epoch_steps: u64,
    ) -> Learner {
        let seed = card.seed;
        let model = Model::new(card.clone(), device);
        preset.network.initialise(model.weights(), seed);
        let class_store = VarStore::new(device);
        let size = [i64::from(classes), preset.network.dimensions()];
        let class_vectors = class_store.root().zeros("class_vectors", &size);
        if classes > 0 {
            initialise(&class_store, seed ^ CLASS_VECTORS);
        }
        let decay = preset.optimizer.average();
        let averaged = decay.map(|decay| averaged(&model, card, decay));
        let horizon = Horizon {
            steps: preset.steps,
            epoch_steps,
        };
        let vectors = (classes > 0).then(|| class_vectors.shallow_clone());
        Learner {
            optimizer: Optimizer::new(&preset.optimizer, horizon, model.learning(), vectors),
            model,
            averaged,
            class_vectors,
            objective: preset.objective,
            sampled_from: preset.batch.sampled_from(classes),
            kind: preset.precision.kind(device),
            steps: 0,
        }
    }

    /// What a batch's loss is taken with.
    pub(super) fn loss_input(&self) -> LossInput<'_> {
        LossInput {
            network: &self.model.network,
            class_vectors: &self.class_vectors,
            objective: self.objective,
            sampled_from: self.sampled_from,
            kind: self.kind,
        }
    }

    /// The tensors that learn, in the order of their gradients.
    pub(super) fn parameters(&self) -> Vec<&Tensor> {
        self.optimizer.parameters().collect()
    }

    /// The gradients of a loss by the tensors that learn.
    pub(super) fn gradients(&self, loss: &Tensor) -> Vec<Tensor> {
        self.model.network.gradients(loss, &self.parameters())
    }

    /// Says how long the next step is, and gives its learning rate.
    pub(super) fn begin_update(&mut self) -> f64 {
        self.steps += 1;
        if let Some((_, average)) = &mut self.averaged {
            average.begin();
        }
        self.optimizer.begin()
    }

    /// Takes the step that was begun along `gradients`.
    ///
    /// # Errors
    /// If a device's memory is used up.
    pub(super) fn update(&mut self, gradients: &[Tensor]) -> Result<(), CudaError> {
        self.optimizer.apply(gradients)?;
        match &mut self.averaged {
            Some((_, average)) => average.apply(),
            None => Ok(()),
        }
    }

    /// The network to score: its average, where there is one.
    pub fn result(&self) -> &Model {
        match &self.averaged {
            Some((averaged, _)) => averaged,
            None => &self.model,
        }
    }

    /// The network to score, for good.
    pub fn into_result(self) -> Model {
        let mut model = match self.averaged {
            Some((averaged, _)) => averaged,
            None => self.model,
        };
        model.card.steps = self.steps;
        model
    }

    /// Writes the network to score.
    pub fn save_result(&mut self, path: &Path) -> Result<(), ModelError> {
        let model = match &mut self.averaged {
            Some((averaged, _)) => averaged,
            None => &mut self.model,
        };
        model.card.steps = self.steps;
        model.save(path)
    }

    /// Everything that a step changes, by name.
    pub fn state(&self) -> Vec<(String, Tensor)> {
        let mut state: Vec<(String, Tensor)> = Vec::new();
        let mut add = |part: &str, tensors: Vec<(String, Tensor)>| {
            let named = |(name, tensor)| (format!("{part}.{name}"), tensor);
            state.extend(tensors.into_iter().map(named));
        };
        add("network", ordered(self.model.weights()));
        if let Some((averaged, _)) = &self.averaged {
            add("average", ordered(averaged.weights()));
        }
        add("optimizer", self.optimizer.state());
        if self.class_vectors.numel() > 0 {
            let vectors = self.class_vectors.shallow_clone();
            state.push(("class_vectors".to_owned(), vectors));
        }
        state
    }

    /// Goes on as after `steps` steps; the state's tensors are the caller's to set.
    pub fn resume(&mut self, steps: u64) {
        self.steps = steps;
        self.optimizer.resume(steps);
        if let Some((_, average)) = &mut self.averaged {
            average.resume(steps);
        }
    }

    /// What a step changes without learning it: the network's running statistics.
    pub(super) fn statistics(&self) -> Vec<Tensor> {
        let learning = self.model.learning();
        let learns = |name: &String| learning.iter().any(|(known, _)| known == name);
        (ordered(self.model.weights()).into_iter())
            .filter(|(name, _)| !learns(name))
            .map(|(_, tensor)| tensor)
            .collect()
    }
}

/// A copy of the model that its weights are averaged into.
fn averaged(model: &Model, card: Card, decay: f64) -> (Model, Ema) {
    let mut averaged = Model::new(card, model.weights().device());
    (averaged.weights_mut())
        .copy(model.weights())
        .expect("both have the same variables");
    averaged.weights_mut().freeze();
    let pairs = (ordered(averaged.weights()).into_iter())
        .zip(ordered(model.weights()))
        .map(|((_, average), (_, source))| (average, source))
        .collect();
    (averaged, Ema::new(pairs, decay))
}

/// Parts the class vectors' first values from the network's.
const CLASS_VECTORS: u64 = 0x636C_6173_7365_7321;
