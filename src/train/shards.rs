//! A batch in shards: equal parts of its drawings that are learned from side by side, each on a
//! thread of its own.
//!
//! libtorch's own threads wait for each other after every operation; shards do so twice in a
//! step. Each normalises by the statistics of its own part ("ghost batches", Hoffer et al.
//! 2017), and the running statistics are the first one's. The contrast of a batch needs all of
//! its embeddings: it is taken of them on one thread, and each shard gets its gradient back.
//! Sums are taken in the order of the shards, so that a run does not depend on which was first.
//!
//! Several ranks share the shards of a batch: rank `r` of `w` has shards `r`, `r + w`, and so on.
//! Each takes the contrast of all embeddings, which they gather. So a batch in two shards is
//! learned from alike by one process and by two.

use std::thread::JoinHandle;
use std::time::Instant;

use crossbeam::channel::{Receiver, Sender, bounded};
use tch::{Device, Kind, Tensor};

use super::batch_loss::{FIT, LossInput, candidates};
use super::device_batch::DeviceBatch;
use super::learner::Learner;
use super::objective::{self, Objective};
use crate::model::{Model, Network};
use crate::ranks::{RankError, Ranks};

/// What a shard learns with; its values lie in the learner's own memory.
struct Replica {
    model: Model,
    class_vectors: Tensor,
}

impl Replica {
    fn of(device: Device, learner: &Learner) -> Replica {
        let model = Model::new(learner.model.card.clone(), device);
        let both = model.learning().into_iter().zip(learner.model.learning());
        for ((_, mut copy), (_, own)) in both {
            copy.set_data(&own);
        }
        Replica {
            model,
            class_vectors: learner.class_vectors.detach().set_requires_grad(true),
        }
    }
}

/// The drawings of one shard.
struct Part {
    images: Tensor,
    classes: Tensor,
    /// What features are multiplied by; none where nothing is silenced.
    mask: Option<Tensor>,
    kind: Kind,
    objective: Objective,
    sampled_from: Option<i64>,
    /// What its mean loss counts for.
    share: f64,
}

/// A shard between its embeddings and its gradients.
struct Pending {
    embeddings: Tensor,
    loss: Tensor,
}

impl Part {
    fn embed(&self, network: &Network, class_vectors: &Tensor) -> Pending {
        let embeddings = network.embed_training(&self.images, self.mask.as_ref(), self.kind);
        let candidates = candidates(class_vectors, &self.classes, self.sampled_from);
        let loss = objective::by_class(&embeddings, &candidates, self.objective);
        Pending {
            loss: loss * self.share,
            embeddings,
        }
    }
}

impl Pending {
    /// The gradients of the loss, and of what has the gradient `grad_output` by the embeddings.
    fn gradients(
        self,
        network: &Network,
        grad_output: Option<Tensor>,
        parameters: &[&Tensor],
    ) -> Vec<Tensor> {
        let loss = match grad_output {
            Some(gradient) => self.loss + (self.embeddings * gradient).sum(Kind::Float),
            None => self.loss,
        };
        network.gradients(&loss, parameters)
    }
}

/// A thread that learns from a shard of every batch.
struct Worker {
    parts: Sender<Part>,
    begun: Receiver<(Tensor, f64)>,
    grad_outputs: Sender<Option<Tensor>>,
    gradients: Receiver<Vec<Tensor>>,
    thread: JoinHandle<()>,
}

impl Worker {
    fn start(replica: Replica, number: usize) -> Worker {
        let (parts, to_do) = bounded::<Part>(1);
        let (embedded, begun) = bounded(1);
        let (grad_outputs, grad_output) = bounded(1);
        let (done, gradients) = bounded(1);
        let work = move || {
            let network = &replica.model.network;
            let learning = replica.model.learning();
            let parameters: Vec<&Tensor> = (learning.iter().map(|(_, tensor)| tensor))
                .chain([&replica.class_vectors])
                .collect();
            // Ends with the step in which the learner is gone.
            for part in to_do {
                let pending = part.embed(network, &replica.class_vectors);
                let said = (pending.embeddings.detach(), pending.loss.double_value(&[]));
                if embedded.send(said).is_err() {
                    return;
                }
                let Ok(gradient) = grad_output.recv() else {
                    return;
                };
                let gradients = pending.gradients(network, gradient, &parameters);
                if done.send(gradients).is_err() {
                    return;
                }
            }
        };
        let thread = std::thread::Builder::new().name(format!("shard {number}"));
        Worker {
            parts,
            begun,
            grad_outputs,
            gradients,
            thread: thread.spawn(work).expect("the system gives a thread"),
        }
    }
}

/// This rank's shards of every batch but the first, which is the caller's own work.
pub(super) struct Shards {
    workers: Vec<Worker>,
}

impl Shards {
    /// Threads for all of `shards` but the first.
    pub(super) fn start(shards: usize, device: Device, learner: &Learner) -> Shards {
        let worker = |number| Worker::start(Replica::of(device, learner), number);
        Shards {
            workers: (1..shards).map(worker).collect(),
        }
    }

    /// This rank's part of the loss of a batch, when it was known, and of the gradients of
    /// `parameters`, the learner's. The contrast counts for the first rank.
    ///
    /// # Errors
    /// If another rank is gone.
    ///
    /// # Panics
    /// If a shard's thread has panicked, or the batch is not one of classes.
    pub(super) fn learn(
        &self,
        input: LossInput,
        batch: &DeviceBatch,
        parameters: &[&Tensor],
        ranks: &Ranks,
    ) -> Result<(f64, Instant, Vec<Tensor>), RankError> {
        const GONE: &str = "a shard's thread does not end before the learner";
        let network = input.network;
        let parts = self.parts(input, batch, ranks.world());
        let mut parts = parts.into_iter();
        let first = parts.next().expect("there is at least one shard");
        for (worker, part) in self.workers.iter().zip(parts) {
            worker.parts.send(part).expect(GONE);
        }
        let pending = first.embed(network, input.class_vectors);
        let mut loss = pending.loss.double_value(&[]);
        let mut embeddings = vec![pending.embeddings.detach()];
        for worker in &self.workers {
            let (own, part) = worker.begun.recv().expect(GONE);
            embeddings.push(own);
            loss += part;
        }
        let own = Tensor::stack(&embeddings, 1).flatten(0, 1);
        let (contrast, grad_outputs) = self.contrast(input, batch, &own, ranks)?;
        loss += contrast;
        let forwarded = Instant::now();
        let mut grad_outputs = grad_outputs.into_iter();
        let first = grad_outputs.next().flatten();
        for (worker, gradient) in self.workers.iter().zip(grad_outputs) {
            worker.grad_outputs.send(gradient).expect(GONE);
        }
        let mut gradients = pending.gradients(network, first, parameters);
        for worker in &self.workers {
            let more = worker.gradients.recv().expect(GONE);
            for (sum, more) in gradients.iter_mut().zip(more) {
                *sum += more;
            }
        }
        Ok((loss, forwarded, gradients))
    }

    /// The drawings of each shard. Neighbours go to different ones, so that each gets its share
    /// of the alphabet.
    fn parts(&self, input: LossInput, batch: &DeviceBatch, world: u64) -> Vec<Part> {
        let shards = 1 + self.workers.len() as i64;
        let (classes, _) = batch.classes().expect(FIT);
        let (images, mask) = (batch.images(batch.drawings()), batch.mask(batch.drawings()));
        let part = |number: i64| {
            let own = |all: &Tensor| all.slice(0, number, None, shards).contiguous();
            Part {
                images: own(&images),
                classes: own(classes),
                mask: mask.as_ref().map(own),
                kind: input.kind,
                objective: input.objective,
                sampled_from: input.sampled_from,
                share: 1.0 / (shards as f64 * world as f64),
            }
        };
        (0..shards).map(part).collect()
    }

    /// What the contrast of all ranks' embeddings adds to this rank's loss, and its gradient by
    /// the embeddings of each shard; none where nothing is contrasted. `own` are this rank's.
    fn contrast(
        &self,
        input: LossInput,
        batch: &DeviceBatch,
        own: &Tensor,
        ranks: &Ranks,
    ) -> Result<(f64, Vec<Option<Tensor>>), RankError> {
        let shards = 1 + self.workers.len() as i64;
        // [world, n, d] to [n * world, d]: neighbours are of different ranks.
        let all = ranks.all_gather(own)?.transpose(0, 1).flatten(0, 1);
        let all = all.set_requires_grad(true);
        let (_, part) = batch.shape();
        let mut loss = 0.0;
        let gradient = objective::within_alphabet(&all, part, input.objective).map(|contrast| {
            if ranks.first() {
                loss = contrast.double_value(&[]);
            }
            Tensor::run_backward(&[contrast], &[&all], false, false).remove(0)
        });
        let (rank, world) = (ranks.rank() as i64, ranks.world() as i64);
        let of_shard = |number: i64| {
            let first = rank + number * world;
            Some(gradient.as_ref()?.slice(0, first, None, shards * world))
        };
        Ok((loss, (0..shards).map(of_shard).collect()))
    }
}

impl Drop for Shards {
    fn drop(&mut self) {
        for Worker {
            parts,
            grad_outputs,
            thread,
            ..
        } in self.workers.drain(..)
        {
            drop((parts, grad_outputs));
            // A panic in it has been told by what it left undone.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::device_batch::Targets;
    use super::super::preset::Preset;
    use super::super::step::Stepper;
    use super::*;
    use crate::model::Card;

    fn learner(preset: &Preset) -> Learner {
        let card = Card {
            program: String::new(),
            network: preset.network,
            distortion: preset.distortion,
            seed: 4,
            steps: 0,
            batch: preset.batch.drawings(),
            store: String::new(),
            training: Vec::new(),
            validation: Vec::new(),
            pictures: None,
        };
        Learner::new(preset, card, Device::Cpu, CLASSES, 0)
    }

    const CLASSES: u32 = 9;
    const SIDE: i64 = 16;

    /// Twelve drawings, the first eight of one alphabet, each `times` times in a row.
    fn batch(times: usize) -> DeviceBatch {
        let drawing = |number: usize| {
            let pixel = move |at: usize| (((number * 31 + at * 7) % 97) as f32 / 96.0).powi(4);
            (0..(SIDE * SIDE) as usize).map(pixel)
        };
        let each = |number| std::iter::repeat_n(number, times);
        let numbers = || (0..12 / times).flat_map(each);
        let pixels: Vec<f32> = numbers().flat_map(drawing).collect();
        let classes: Vec<i64> = numbers().map(|number| (number % 9) as i64).collect();
        DeviceBatch {
            pixels: Tensor::from_slice(&pixels).view([-1, 1, SIDE, SIDE]),
            targets: Targets::Classes(Tensor::from_slice(&classes), 8),
            mask: None,
            mask_scale: 1.0,
        }
    }

    /// Where each shard has the same drawings, its statistics are the whole batch's, and so
    /// are the loss and all gradients.
    #[test]
    fn shards_of_equal_drawings_learn_what_the_whole_batch_does() {
        tch::set_num_threads(1);
        for (name, shards) in [("compact", 2), ("softmax", 3)] {
            let changes = [
                "batch.drawings=12",
                "batch.alphabet_characters=4",
                "network.side=16",
                "network.width=2",
                "network.dimensions=8",
                "network.dropout=0",
            ];
            let changes = changes.map(str::to_owned);
            let preset = Preset::parse(Preset::shipped_text(name).unwrap(), &changes).unwrap();
            let (whole, cut) = (learner(&preset), learner(&preset));
            let batch = batch(shards);
            let loss = whole.loss_input().loss(&batch);
            let inputs = whole.parameters();
            let expected = Tensor::run_backward(&[&loss], &inputs, false, false);
            let shards = Shards::start(shards, Device::Cpu, &cut);
            let (value, _, gradients) = shards
                .learn(cut.loss_input(), &batch, &cut.parameters(), &Ranks::alone())
                .unwrap();
            assert!((value / loss.double_value(&[]) - 1.0).abs() < 1e-5);
            assert_eq!(gradients.len(), expected.len());
            for (got, expected) in gradients.iter().zip(&expected) {
                let apart = (got - expected).abs().max().double_value(&[]);
                let most = expected.abs().max().double_value(&[]);
                assert!(apart <= 1e-4 * most.max(1e-3), "{name}: {apart} of {most}");
            }
        }
    }

    /// A replica's weights are the learner's own, also after a step.
    #[test]
    fn every_step_of_the_learner_is_a_step_of_all_shards() {
        tch::set_num_threads(1);
        let changes = [
            "batch.drawings=12",
            "batch.alphabet_characters=4",
            "batch.shards=2",
            "network.side=16",
            "network.width=2",
            "network.dimensions=8",
            "network.dropout=0",
            "precision=f32",
            "optimizer.warmup_steps=0",
        ];
        let changes = changes.map(str::to_owned);
        let preset = Preset::parse(Preset::shipped_text("fast").unwrap(), &changes).unwrap();
        let mut learner = learner(&preset);
        let alone = Ranks::alone();
        let mut stepper = Stepper::new(&learner, &preset, Device::Cpu, &alone).unwrap();
        let batch = batch(2);
        let mut step = |learner: &mut Learner| {
            let taken = stepper.step(learner, &batch, false).unwrap();
            taken.loss.double_value(&[])
        };
        let losses: Vec<f64> = (0..30).map(|_| step(&mut learner)).collect();
        // The whole batch's loss under the weights as they are now is the next step's.
        let whole = learner.loss_input().loss(&batch).double_value(&[]);
        let next = step(&mut learner);
        assert!((next / whole - 1.0).abs() < 1e-4, "{next} and {whole}");
        assert!(next < losses[0] - 1.0, "{losses:?}");
    }
}
