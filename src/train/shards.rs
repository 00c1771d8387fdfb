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

use super::learner::Learner;
use super::objective;
use super::preset::Objective;
use crate::loader::ClassBatch;
use crate::model::{Compact, Model, Network, hand_over};
use crate::ranks::RankError;

/// What a shard learns with; its values lie in the learner's own memory.
struct Replica {
    model: Model,
    class_vectors: Tensor,
}

impl Replica {
    fn of(device: Device, original: &Model, class_vectors: &Tensor) -> Replica {
        let model = Model::new(original.card.clone(), device);
        let both = model.learning().into_iter().zip(original.learning());
        for ((_, mut copy), (_, own)) in both {
            copy.set_data(&own);
        }
        Replica {
            model,
            class_vectors: class_vectors.detach().set_requires_grad(true),
        }
    }
}

/// The drawings of one shard.
struct Part {
    images: Tensor,
    classes: Tensor,
    /// Dropout's mask.
    keep: Tensor,
    kind: Kind,
    objective: Objective,
    /// What its mean loss counts for.
    share: f64,
}

/// A shard between its embeddings and its gradients.
struct Pending {
    embeddings: Tensor,
    loss: Tensor,
}

impl Part {
    fn embed(&self, network: &Compact, class_vectors: &Tensor) -> Pending {
        let embeddings = network.embed_training(&self.images, &self.keep, self.kind);
        let loss = objective::by_class(&embeddings, &self.classes, class_vectors, self.objective);
        Pending {
            loss: loss * self.share,
            embeddings,
        }
    }
}

impl Pending {
    /// The gradients of the loss, and of what has the gradient `pull` by the embeddings.
    fn gradients(
        self,
        network: &Compact,
        pull: Option<Tensor>,
        parameters: &[&Tensor],
    ) -> Vec<Tensor> {
        let loss = match pull {
            Some(pull) => self.loss + (self.embeddings * pull).sum(Kind::Float),
            None => self.loss,
        };
        network.gradients(&loss, parameters)
    }
}

/// A thread that learns from a shard of every batch.
struct Worker {
    parts: Sender<Part>,
    begun: Receiver<(Tensor, f64)>,
    pulls: Sender<Option<Tensor>>,
    gradients: Receiver<Vec<Tensor>>,
    thread: JoinHandle<()>,
}

impl Worker {
    fn start(replica: Replica, number: usize) -> Worker {
        let (parts, to_do) = bounded::<Part>(1);
        let (embedded, begun) = bounded(1);
        let (pulls, pulled) = bounded(1);
        let (done, gradients) = bounded(1);
        let work = move || {
            let Network::Compact(network) = &replica.model.network else {
                unreachable!("a preset's parts fit together");
            };
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
                let Ok(pull) = pulled.recv() else { return };
                if done
                    .send(pending.gradients(network, pull, &parameters))
                    .is_err()
                {
                    return;
                }
            }
        };
        let thread = std::thread::Builder::new().name(format!("shard {number}"));
        Worker {
            parts,
            begun,
            pulls,
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
    pub(super) fn start(
        shards: usize,
        device: Device,
        original: &Model,
        class_vectors: &Tensor,
    ) -> Shards {
        let worker = |number| {
            let replica = Replica::of(device, original, class_vectors);
            Worker::start(replica, number)
        };
        Shards {
            workers: (1..shards).map(worker).collect(),
        }
    }

    /// This rank's part of the loss of a batch, when it was known, and of the gradients of the
    /// learner's parameters. The contrast counts for the first rank.
    ///
    /// # Errors
    /// If another rank is gone.
    ///
    /// # Panics
    /// If a shard's thread has panicked.
    pub(super) fn learn(
        &self,
        learner: &Learner,
        batch: &ClassBatch,
    ) -> Result<(f64, Instant, Vec<Tensor>), RankError> {
        const GONE: &str = "a shard's thread does not end before the learner";
        let Network::Compact(network) = &learner.model.network else {
            unreachable!("a preset's parts fit together");
        };
        let shards = 1 + self.workers.len() as i64;
        let ranks = learner.ranks;
        let images = learner.images(&batch.images);
        let classes = hand_over(&batch.classes, learner.device);
        let keep = learner.keep(learner.preset.batch.drawings(), 1);
        // Neighbours go to different shards, so that each gets its share of the alphabet.
        let part = |number: i64| {
            let own = |all: &Tensor| all.slice(0, number, None, shards).contiguous();
            Part {
                images: own(&images),
                classes: own(&classes),
                keep: own(&keep),
                kind: learner.kind(),
                objective: learner.preset.objective,
                share: 1.0 / (shards as f64 * ranks.world() as f64),
            }
        };
        for (number, worker) in (1..).zip(&self.workers) {
            worker.parts.send(part(number)).expect(GONE);
        }
        let pending = part(0).embed(network, &learner.class_vectors);
        let mut loss = pending.loss.double_value(&[]);
        let mut embeddings = vec![pending.embeddings.detach()];
        for worker in &self.workers {
            let (own, part) = worker.begun.recv().expect(GONE);
            embeddings.push(own);
            loss += part;
        }
        let own = Tensor::stack(&embeddings, 1).flatten(0, 1);
        // [world, n, d] to [n * world, d]: neighbours are of different ranks.
        let together = ranks.all_gather(&own)?.transpose(0, 1).flatten(0, 1);
        let together = together.set_requires_grad(true);
        let (part, objective) = (batch.alphabet_part, learner.preset.objective);
        let pull = objective::within_alphabet(&together, part, objective).map(|contrast| {
            if ranks.first() {
                loss += contrast.double_value(&[]);
            }
            Tensor::run_backward(&[contrast], &[&together], false, false).remove(0)
        });
        let (rank, world) = (ranks.rank() as i64, ranks.world() as i64);
        let pull = |number: i64| {
            let first = rank + number * world;
            Some(pull.as_ref()?.slice(0, first, None, shards * world))
        };
        let forwarded = Instant::now();
        for (number, worker) in (1..).zip(&self.workers) {
            worker.pulls.send(pull(number)).expect(GONE);
        }
        let parameters: Vec<&Tensor> = learner.parameters().collect();
        let mut gradients = pending.gradients(network, pull(0), &parameters);
        for worker in &self.workers {
            let more = worker.gradients.recv().expect(GONE);
            for (sum, more) in gradients.iter_mut().zip(more) {
                *sum += more;
            }
        }
        Ok((loss, forwarded, gradients))
    }
}

impl Drop for Shards {
    fn drop(&mut self) {
        for Worker {
            parts,
            pulls,
            thread,
            ..
        } in self.workers.drain(..)
        {
            drop((parts, pulls));
            // A panic in it has been told by what it left undone.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::lesson::Lesson;
    use super::super::preset::Preset;
    use super::*;
    use crate::model::Card;
    use crate::ranks::Ranks;

    fn learner<'a>(preset: &'a Preset, alone: &'a Ranks) -> Learner<'a> {
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
        };
        Learner::new(preset, card, Device::Cpu, CLASSES, 0, alone).unwrap()
    }

    const CLASSES: u32 = 9;
    const AREA: usize = 16 * 16;

    /// Twelve drawings, the first eight of one alphabet, each `times` times in a row.
    fn batch(times: usize) -> ClassBatch {
        let drawing = |number: usize| {
            let pixel = move |at: usize| (((number * 31 + at * 7) % 97) as f32 / 96.0).powi(4);
            (0..AREA).map(pixel)
        };
        let each = |number| std::iter::repeat_n(number, times);
        let numbers = || (0..12 / times).flat_map(each);
        ClassBatch {
            images: numbers().flat_map(drawing).collect(),
            classes: numbers().map(|number| (number % 9) as i64).collect(),
            alphabet_part: 8,
            items: Vec::new(),
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
            let preset = |shards: usize| {
                let changes = changes.map(str::to_owned).into_iter();
                let changes: Vec<String> =
                    changes.chain([format!("batch.shards={shards}")]).collect();
                Preset::parse(Preset::shipped_text(name).unwrap(), &changes).unwrap()
            };
            let (whole, cut) = (preset(1), preset(shards));
            let alone = Ranks::alone();
            let (whole, cut) = (learner(&whole, &alone), learner(&cut, &alone));
            let batch = batch(shards);
            let loss = batch.loss(&whole);
            let inputs: Vec<&Tensor> = whole.parameters().collect();
            let expected = Tensor::run_backward(&[&loss], &inputs, false, false);
            let (value, _, gradients) = cut.shards.as_ref().unwrap().learn(&cut, &batch).unwrap();
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
        let alone = Ranks::alone();
        let mut learner = learner(&preset, &alone);
        let batch = batch(2);
        let losses: Vec<f64> = (0..30)
            .map(|_| learner.step(&batch, false).unwrap().0)
            .collect();
        // The whole batch's loss under the weights as they are now is the next step's.
        let whole = batch.loss(&learner).double_value(&[]);
        let (next, ..) = learner.step(&batch, false).unwrap();
        assert!((next / whole - 1.0).abs() < 1e-4, "{next} and {whole}");
        assert!(next < losses[0] - 1.0, "{losses:?}");
    }
}
