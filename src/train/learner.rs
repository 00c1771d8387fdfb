//! A network that learns: everything that a step changes, and the step.

use std::path::Path;
use std::time::{Duration, Instant};

use tch::nn::VarStore;
use tch::{Cuda, Device, Kind, Tensor};

use super::objective;
use super::optimizer::{Adam, Average, Descent, Parameter, Sgd, learning_rate};
use super::preset::{Objective, Optimizer, Preset, Softmax};
use crate::loader::{ClassBatch, PairBatch, TableBatch};
use crate::model::{
    Card, Compact, CompactShape, Model, ModelError, Network, NetworkShape, hand_over, initialise,
    ordered,
};
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

/// A batch that a network learns from.
pub trait Lesson {
    /// The batch's loss, a scalar.
    fn loss(&self, learner: &Learner) -> Tensor;

    /// Its pixels `[n, 1, side, side]`, and what is said of each drawing or pair, as numbers:
    /// for whoever wants to see the batch that a loss went wrong on.
    fn contents(&self) -> (&[f32], Vec<f32>);
}

impl Lesson for ClassBatch {
    fn loss(&self, learner: &Learner) -> Tensor {
        let (network, vectors) = (&learner.model.network, &learner.class_vectors);
        let classes = || hand_over(&self.classes, learner.device);
        // The embeddings [n, d] of the first `n` drawings.
        let embed = |network: &Compact, n: usize| {
            let area = self.images.len() / self.classes.len();
            let images = learner.images(&self.images[..n * area]);
            network.embed_training(&images, &learner.keep(n as i64))
        };
        let (all, part) = (self.classes.len(), self.alphabet_part);
        match (network, learner.preset.objective) {
            (Network::Compact(network), Objective::Metric(metric)) => {
                let embeddings = embed(network, all);
                objective::loss(&embeddings, &classes(), vectors, part as i64, metric)
            }
            (Network::Compact(network), Objective::Softmax(Softmax { scale })) => {
                objective::softmax(&embed(network, all), &classes(), vectors, scale)
            }
            (Network::Matching(network), Objective::Matching) => {
                // An alphabet without second drawings makes tasks of one way, which any two
                // drawings do for: the answer is certain, and teaches nothing.
                let embeddings = embed(&network.embedder, part.max(2));
                objective::matching(&network.context, &embeddings)
            }
            _ => unreachable!("a preset's parts fit together"),
        }
    }

    fn contents(&self) -> (&[f32], Vec<f32>) {
        let classes = self.classes.iter().map(|&class| class as f32).collect();
        (&self.images, classes)
    }
}

impl Lesson for PairBatch<f32> {
    fn loss(&self, learner: &Learner) -> Tensor {
        let Network::Koch(network) = &learner.model.network else {
            unreachable!("a preset's parts fit together");
        };
        let (_, same) = self.contents();
        let same = hand_over(&same, learner.device);
        // Both towers are one network, so one pass serves both.
        let kind = learner.preset.precision.kind();
        let features = network.features_in(&learner.images(&self.images), kind); // [2n, units]
        let [left, right] = [0, 1].map(|tower| features.chunk(2, 0)[tower].shallow_clone());
        objective::verification(&network.logits(&left, &right), &same)
    }

    fn contents(&self) -> (&[f32], Vec<f32>) {
        let same = |item: &crate::sample::PairItem| f32::from(u8::from(item.same));
        (&self.images, self.items.iter().map(same).collect())
    }
}

impl Lesson for TableBatch<f32> {
    fn loss(&self, learner: &Learner) -> Tensor {
        self.pairs.loss(learner)
    }

    fn contents(&self) -> (&[f32], Vec<f32>) {
        self.pairs.contents()
    }
}

/// The state of training: everything that a step changes.
pub struct Learner<'a> {
    preset: &'a Preset,
    seed: u64,
    device: Device,
    model: Model,
    /// The average of the model's weights over the steps, if the optimizer takes one.
    averaged: Option<(Model, Average)>,
    /// A vector for each class `[classes, d]`; none for losses without classes.
    class_vectors: Tensor,
    descent: Descent,
    /// Steps of an epoch.
    epoch_steps: u64,
    /// Steps taken.
    pub steps: u64,
    /// Where the time went.
    pub profile: Profile,
}

impl<'a> Learner<'a> {
    /// A learner with first weights.
    pub fn new(
        preset: &'a Preset,
        card: Card,
        device: Device,
        classes: u32,
        epoch_steps: u64,
    ) -> Learner<'a> {
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
        let mut parameters: Vec<Parameter> = ordered(model.weights())
            .into_iter()
            .filter(|(_, tensor)| tensor.requires_grad())
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
        Learner {
            preset,
            seed,
            device,
            model,
            averaged,
            class_vectors,
            descent,
            epoch_steps,
            steps: 0,
            profile: Profile::default(),
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

    /// Trains on one batch; gives its loss and the learning rate.
    pub fn step(&mut self, batch: &impl Lesson) -> (f64, f64) {
        let began = Instant::now();
        let loss = batch.loss(self);
        let value = loss.double_value(&[]); // waits for the device
        let forwarded = Instant::now();
        let gradients = {
            let inputs: Vec<&Tensor> = self.descent.parameters().iter().map(|p| &p.value).collect();
            Tensor::run_backward(&[&loss], &inputs, false, false)
        };
        drop(loss);
        self.wait();
        let backwarded = Instant::now();
        let rate = self.update(&gradients);
        self.steps += 1;
        self.wait();
        self.profile.forward += forwarded - began;
        self.profile.backward += backwarded - forwarded;
        self.profile.update += backwarded.elapsed();
        (value, rate)
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

    fn images(&self, pixels: &[f32]) -> Tensor {
        let side = self.preset.network.side() as i64;
        hand_over(pixels, self.device).view([-1, 1, side, side])
    }

    /// Dropout's mask `[n, features]` of this step: 0, or 1 / (1 - dropout).
    fn keep(&self, n: i64) -> Tensor {
        let shape = match self.preset.network {
            NetworkShape::Compact(shape) => shape,
            NetworkShape::Matching(shape) => shape.embedder,
            NetworkShape::Koch(_) => unreachable!("Koch's network drops nothing out"),
        };
        keep(shape, self.seed, self.steps, n).to_device(self.device)
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
