//! A network that learns: everything that a step changes, and the step.

use std::path::Path;
use std::time::{Duration, Instant};

use tch::nn::VarStore;
use tch::{Cuda, Device, Kind, Tensor};

use super::lesson::Lesson;
use super::optimizer::{Adam, Average, Descent, Parameter, Sgd, learning_rate};
use super::preset::{Optimizer, Preset};
use super::shards::Shards;
use crate::model::{Card, CompactShape, Model, ModelError, hand_over, initialise, ordered};
use crate::ranks::{RankError, Ranks, Reducer};
use crate::seed::{Purpose, Stream};

/// Where the time of a run went.
#[derive(Clone, Copy, Debug, Default)]
pub struct Profile {
    /// Waiting for batches.
    pub waiting: Duration,
    /// From a batch to its loss, handing it to the device included.
    pub forward: Duration,
    /// From the loss to the gradients.
    pub backward: Duration,
    /// From the gradients to the weights and their average.
    pub update: Duration,
    /// Scoring on held-out alphabets.
    pub scoring: Duration,
    /// Writing checkpoints and the best weights.
    pub saving: Duration,
}

/// The state of training: everything that a step changes.
pub struct Learner<'a> {
    pub(super) preset: &'a Preset,
    /// Who else learns the same from the rest of each batch.
    pub(super) ranks: &'a Ranks,
    seed: u64,
    pub(super) device: Device,
    pub(super) model: Model,
    /// The average of the model's weights over the steps, if the optimizer takes one.
    averaged: Option<(Model, Average)>,
    /// A vector for each class `[classes, d]`; none for losses without classes.
    pub(super) class_vectors: Tensor,
    descent: Descent,
    /// What adds up all ranks' gradients.
    reducer: Reducer<'a>,
    /// What batches are learned from by, if it is in shards.
    pub(super) shards: Option<Shards>,
    /// Steps of an epoch.
    epoch_steps: u64,
    /// Steps taken.
    pub steps: u64,
    /// Where the time went.
    pub profile: Profile,
}

impl<'a> Learner<'a> {
    /// A learner with first weights.
    ///
    /// # Errors
    /// As [`Ranks::reducer`].
    pub fn new(
        preset: &'a Preset,
        card: Card,
        device: Device,
        classes: u32,
        epoch_steps: u64,
        ranks: &'a Ranks,
    ) -> Result<Learner<'a>, RankError> {
        let seed = card.seed;
        let model = Model::new(card.clone(), device);
        preset.network.initialise(model.weights(), seed);
        let class_store = VarStore::new(device);
        let size = [i64::from(classes), preset.network.dimensions()];
        let class_vectors = class_store.root().zeros("class_vectors", &size);
        if classes > 0 {
            initialise(&class_store, seed ^ CLASS_VECTORS);
        }
        let averaged = match &preset.optimizer {
            Optimizer::AdamW(options) => {
                let mut averaged = Model::new(card, device);
                (averaged.weights_mut())
                    .copy(model.weights())
                    .expect("both have the same variables");
                averaged.weights_mut().freeze();
                let pairs = (ordered(averaged.weights()).into_iter())
                    .zip(ordered(model.weights()))
                    .map(|((_, average), (_, source))| (average, source))
                    .collect();
                Some((averaged, Average::new(pairs, options.average)))
            }
            _ => None,
        };
        let mut parameters: Vec<Parameter> = (model.learning().into_iter())
            .map(|(name, value)| penalised(&preset.optimizer, name, value))
            .collect();
        if classes > 0 {
            parameters.push(Parameter {
                name: "class_vectors".to_owned(),
                value: class_vectors.shallow_clone(),
                decay: 0.0,
                l2: 0.0,
            });
        }
        let descent = match &preset.optimizer {
            Optimizer::Sgd(options) => {
                let layers = (parameters.iter())
                    .map(|parameter| options.layers[layer(&parameter.name)])
                    .collect();
                Descent::Sgd(Sgd::new(parameters, layers))
            }
            _ => Descent::Adam(Adam::new(parameters)),
        };
        let shards = match preset.batch.shards() {
            1 => None,
            shards => {
                let own = shards / ranks.world() as usize;
                Some(Shards::start(own, device, &model, &class_vectors))
            }
        };
        Ok(Learner {
            preset,
            ranks,
            seed,
            device,
            model,
            averaged,
            class_vectors,
            reducer: ranks.reducer(descent.parameters().iter().map(|p| &p.value))?,
            descent,
            shards,
            epoch_steps,
            steps: 0,
            profile: Profile::default(),
        })
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
        add("optimizer", self.descent.state());
        if self.class_vectors.numel() > 0 {
            state.push((
                "class_vectors".to_owned(),
                self.class_vectors.shallow_clone(),
            ));
        }
        state
    }

    /// Goes on as after `steps` steps; the state's tensors are the caller's to set.
    pub fn resume(&mut self, steps: u64) {
        self.steps = steps;
        self.descent.resume(steps);
        if let Some((_, average)) = &mut self.averaged {
            average.resume(steps);
        }
    }

    /// Trains on this rank's share of one batch; gives the whole batch's loss, the learning rate, and
    /// whether any rank was `asked` to stop. All ranks take the same step and get the same answer.
    ///
    /// # Errors
    /// If another rank is gone; then nothing has changed but running statistics.
    pub fn step(
        &mut self,
        batch: &impl Lesson,
        asked: bool,
    ) -> Result<(f64, f64, bool), RankError> {
        let began = Instant::now();
        let (value, forwarded, gradients) = match (&self.shards, batch.classes()) {
            (Some(shards), Some(batch)) => {
                let (value, forwarded, own) = shards.learn(self, batch)?;
                (value, forwarded, self.reducer.reduce(own)?)
            }
            _ => {
                let loss = self.weigh(batch.loss(self), batch.drawings());
                let value = loss.double_value(&[]); // waits for the device
                let forwarded = Instant::now();
                let parameters = self.descent.parameters().iter();
                let inputs: Vec<&Tensor> = parameters.map(|p| &p.value).collect();
                let network = &self.model.network;
                let backward = || network.gradients(&loss, &inputs);
                (value, forwarded, self.reducer.reduce_during(backward)?)
            }
        };
        // All that can fail comes before anything is learned.
        let [value, asked] = self.ranks.sum([value, f64::from(u8::from(asked))])?;
        self.wait();
        let backwarded = Instant::now();
        let rate = self.update(&gradients);
        self.steps += 1;
        self.wait();
        self.profile.forward += forwarded - began;
        self.profile.backward += backwarded - forwarded;
        self.profile.update += backwarded.elapsed();
        Ok((value, rate, asked > 0.0))
    }

    /// The mean loss of a share of the batch, as what it counts for in the whole batch's.
    fn weigh(&self, loss: Tensor, drawings: usize) -> Tensor {
        match self.ranks.world() {
            1 => loss,
            _ => loss * (drawings as f64 / self.preset.batch.drawings() as f64),
        }
    }

    /// What a step changes without learning it: the network's running statistics.
    fn statistics(&self) -> Vec<Tensor> {
        let learning = self.model.learning();
        let learns = |name: &String| learning.iter().any(|(known, _)| known == name);
        (ordered(self.model.weights()).into_iter())
            .filter(|(name, _)| !learns(name))
            .map(|(_, tensor)| tensor)
            .collect()
    }

    /// The running statistics as they are, to be set again after a step that failed; none
    /// of a rank that is alone, whose steps do not fail.
    pub fn before_step(&self) -> Vec<Tensor> {
        match self.ranks.world() {
            1 => Vec::new(),
            _ => self.statistics().iter().map(Tensor::copy).collect(),
        }
    }

    /// Undoes what a step that failed has changed.
    pub fn undo_step(&mut self, before: &[Tensor]) {
        for (mut now, before) in self.statistics().into_iter().zip(before) {
            now.copy_(before);
        }
    }

    fn update(&mut self, gradients: &[Tensor]) -> f64 {
        let epoch = self.steps / self.epoch_steps.max(1);
        let rate = match (&mut self.descent, &self.preset.optimizer) {
            (Descent::Adam(adam), Optimizer::AdamW(options)) => {
                let rate = learning_rate(options, self.steps, self.preset.steps);
                adam.step(rate, gradients);
                rate
            }
            (Descent::Adam(adam), Optimizer::Adam(options)) => {
                adam.step(options.learning_rate, gradients);
                options.learning_rate
            }
            (Descent::Sgd(sgd), Optimizer::Sgd(options)) => {
                let factor = options.decay.powi(i32::try_from(epoch).unwrap_or(i32::MAX));
                let risen = (epoch as f64 / options.momentum_epochs.max(1) as f64).min(1.0);
                let first = options.first_momentum;
                sgd.step(factor, |own| first + risen * (own - first), gradients);
                factor
                    * options
                        .layers
                        .values()
                        .fold(0.0, |most, l| l.learning_rate.max(most))
            }
            _ => unreachable!("the optimizer was made from the preset"),
        };
        if let Some((_, average)) = &mut self.averaged {
            average.update();
        }
        rate
    }

    /// Waits for a GPU, so that times are of the part that took them.
    fn wait(&self) {
        if let Device::Cuda(gpu) = self.device {
            Cuda::synchronize(gpu as i64);
        }
    }

    /// The tensors that learn, in the order of their gradients.
    pub(super) fn parameters(&self) -> impl Iterator<Item = &Tensor> {
        self.descent.parameters().iter().map(|p| &p.value)
    }

    /// What the network's arithmetic is done in.
    pub(super) fn kind(&self) -> Kind {
        self.preset.precision.kind(self.device)
    }

    pub(super) fn images(&self, pixels: &[f32]) -> Tensor {
        let side = self.preset.network.side() as i64;
        hand_over(pixels, self.device).view([-1, 1, side, side])
    }

    /// Dropout's mask `[n, features]` of this step: 0, or 1 / (1 - dropout). The batch has `n`
    /// drawings, or twice `n / 2` which ranks share side by side; of what they share this gives
    /// the rank's own part.
    pub(super) fn keep(&self, n: usize, towers: i64) -> Tensor {
        let embedder = self.preset.network.embedder();
        let shape = embedder.expect("Koch's network drops nothing out");
        let all = keep(shape, self.seed, self.steps, n as i64);
        let (rank, world) = (self.ranks.rank() as i64, self.ranks.world() as i64);
        let own = match world {
            1 => all,
            _ => {
                let own = |half: &Tensor| half.slice(0, rank, None, world);
                Tensor::cat(&all.chunk(towers, 0).iter().map(own).collect::<Vec<_>>(), 0)
            }
        };
        own.to_device(self.device)
    }
}

/// A layer's name, of a parameter's.
fn layer(parameter: &str) -> &str {
    parameter.split('.').next().unwrap_or(parameter)
}

/// A parameter with what the optimizer's options say of it.
fn penalised(optimizer: &Optimizer, name: String, value: Tensor) -> Parameter {
    // Norms' scales and shifts and all biases have one dimension; they are left alone.
    let (decay, l2) = match optimizer {
        _ if value.dim() < 2 => (0.0, 0.0),
        Optimizer::AdamW(options) => (options.weight_decay, 0.0),
        Optimizer::Adam(options) => (0.0, *options.l2.get(layer(&name)).unwrap_or(&0.0)),
        Optimizer::Sgd(options) => (0.0, options.layers[layer(&name)].l2),
    };
    Parameter {
        name,
        value,
        decay,
        l2,
    }
}

fn keep(shape: CompactShape, seed: u64, step: u64, n: i64) -> Tensor {
    let (features, dropout) = (shape.features(), shape.dropout);
    if dropout == 0.0 {
        return Tensor::ones([n, features], (Kind::Float, Device::Cpu));
    }
    // Decided in 1/65,536ths: two activations for each word of the stream.
    let silenced = (dropout * 65_536.0) as u32;
    let scale = (1.0 / (1.0 - f64::from(silenced) / 65_536.0)) as f32;
    let mut stream = Stream::new(seed, Purpose::Dropout, step);
    let value = |half: u32| if half < silenced { 0.0 } else { scale };
    let words = (n * features + 1) / 2;
    let mut mask = Vec::with_capacity(2 * words as usize);
    for _ in 0..words {
        let word = stream.word();
        mask.extend([value(word >> 16), value(word & 0xFFFF)]);
    }
    mask.truncate((n * features) as usize);
    Tensor::from_slice(&mask).view([n, features])
}

/// Parts the class vectors' first values from the network's.
const CLASS_VECTORS: u64 = 0x636C_6173_7365_7321;
