//! One-shot classification of MNIST's digits, by a network that was trained on Omniglot alone.
//!
//! Koch (2015, section 4.4): 400 tasks of ten ways and one shot from MNIST's test set, without
//! fine-tuning; the published scores are 26.5% for the nearest neighbour in pixels and 70.3%
//! for the siamese network. Which images its tasks held is not published, so ours are drawn
//! from a seed.

use std::borrow::Cow;

use rayon::prelude::*;
use tch::Tensor;

use super::score::{Score, stands_out};
use crate::archive::Digits;
use crate::distort::Distorter;
use crate::distort::grey::{KOCH_SIDE, enlarge};
use crate::model::{Comparison, Model};
use crate::seed::{Purpose, Stream};

/// Digits there are, and so the most ways.
const DIGITS: usize = 10;
/// The most shots and trials: far more than any protocol has, and few enough for every task to
/// keep to its own stretch of the stream.
const MOST_SHOTS: usize = 1_000;
const MOST_TRIALS: u64 = 1_000_000;
/// The most images in one forward pass, and the most pixels.
const MOST_IMAGES: usize = 256;
const MOST_PIXELS: usize = 600_000;

/// Which tasks are asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DigitTrials {
    /// Digits to choose among, 2 to 10; 10 in the paper.
    pub ways: usize,
    /// Support images of each digit, 1 to 1,000; 1 in the paper.
    pub shots: usize,
    /// Tasks, 1 to 1,000,000; 400 in the paper.
    pub trials: u64,
    /// What they are drawn from.
    pub seed: u64,
}

impl DigitTrials {
    /// Koch (2015), section 4.4: 400 tasks, 10-way 1-shot.
    #[must_use]
    pub fn koch(seed: u64) -> DigitTrials {
        DigitTrials {
            ways: DIGITS,
            shots: 1,
            trials: 400,
            seed,
        }
    }
}

/// One classification to make: the query shows the digit of way `answer`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DigitTask {
    /// Support images, `shots` of each way in turn: way `w` has `w * shots..(w + 1) * shots`.
    pub support: Vec<u32>,
    /// The image to classify; not one of the support.
    pub query: u32,
    /// The right way, uniform over all.
    pub answer: usize,
}

/// Why no such tasks can be drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DigitRefusal {
    /// A number is out of its range.
    #[error("{what} is {value}; it must lie from {least} to {most}")]
    Range {
        /// What the number is.
        what: &'static str,
        /// What it is set to.
        value: u64,
        /// The least it may be.
        least: u64,
        /// The most it may be.
        most: u64,
    },
    /// There are not enough images.
    #[error(
        "{ways} ways of {shots} shots take {ways} digits with more than {shots} images, and \
         {found} have so many; lower one of them, or give a larger set"
    )]
    TooFew {
        /// Ways that were asked for.
        ways: usize,
        /// Shots that were asked for.
        shots: usize,
        /// Digits with enough images.
        found: usize,
    },
}

/// Tasks from a set of digits.
#[derive(Clone, Debug)]
pub struct DigitTasks<'a> {
    digits: &'a Digits,
    trials: DigitTrials,
    /// The images of each digit that has enough of them, ascending.
    classes: Vec<Vec<u32>>,
}

impl<'a> DigitTasks<'a> {
    /// The tasks of these trials from these digits.
    ///
    /// # Errors
    /// If a number of the trials is out of its range, or there are too few images.
    pub fn new(digits: &'a Digits, trials: DigitTrials) -> Result<DigitTasks<'a>, DigitRefusal> {
        for (what, value, least, most) in [
            ("the number of ways", trials.ways as u64, 2, DIGITS as u64),
            (
                "the number of shots",
                trials.shots as u64,
                1,
                MOST_SHOTS as u64,
            ),
            ("the number of trials", trials.trials, 1, MOST_TRIALS),
        ] {
            if !(least..=most).contains(&value) {
                return Err(DigitRefusal::Range {
                    what,
                    value,
                    least,
                    most,
                });
            }
        }
        let mut classes = vec![Vec::new(); DIGITS];
        // Far fewer than 2^32 are read of a file.
        for (at, &label) in (0u32..).zip(digits.labels()) {
            classes[usize::from(label)].push(at);
        }
        classes.retain(|images| images.len() > trials.shots);
        if classes.len() < trials.ways {
            return Err(DigitRefusal::TooFew {
                ways: trials.ways,
                shots: trials.shots,
                found: classes.len(),
            });
        }
        Ok(DigitTasks {
            digits,
            trials,
            classes,
        })
    }

    /// What is asked.
    #[must_use]
    pub fn trials(&self) -> DigitTrials {
        self.trials
    }

    /// Task `index`: a pure function of seed, labels and index. The digits stand in random
    /// order; each image of a digit is as likely as another.
    ///
    /// # Panics
    /// If `index` is 2^48 or more.
    #[must_use]
    pub fn draw(&self, index: u64) -> DigitTask {
        let DigitTrials { ways, shots, .. } = self.trials;
        let mut stream = Stream::new(self.trials.seed, Purpose::Digits, index);
        let mut order: Vec<&Vec<u32>> = self.classes.iter().collect();
        stream.choose_front(&mut order, ways);
        let answer = stream.index(ways);
        let mut support = Vec::with_capacity(ways * shots);
        let (mut query, mut images) = (0, Vec::new());
        for (way, &class) in order[..ways].iter().enumerate() {
            images.clone_from(class);
            // One image more of the query's digit, so that the query is none of the support.
            stream.choose_front(&mut images, shots + usize::from(way == answer));
            support.extend(&images[..shots]);
            if way == answer {
                query = images[shots];
            }
        }
        DigitTask {
            support,
            query,
            answer,
        }
    }

    /// All tasks in turn.
    fn all(&self) -> impl Iterator<Item = DigitTask> + '_ {
        (0..self.trials.trials).map(|index| self.draw(index))
    }

    /// The score of the nearest neighbour in pixels, by Euclidean distance: the way of the one
    /// support image that is nearest to the query. With `side` above that of the digits both
    /// are enlarged first ([`enlarge`]). Exact, in whole numbers; a tie of two ways is wrong.
    ///
    /// # Panics
    /// If `side` is below that of the digits, or above 105.
    #[must_use]
    pub fn nearest(&self, side: usize) -> Score {
        let (digits, from, pixels) = (self.digits, self.digits.side(), side * side);
        let images: Cow<'_, [u8]> = if side == from {
            Cow::Borrowed(digits.images())
        } else {
            let mut large = vec![0; digits.len() * pixels];
            (large.par_chunks_exact_mut(pixels).enumerate())
                .for_each(|(at, out)| out.copy_from_slice(&enlarge(digits.image(at), from, side)));
            Cow::Owned(large)
        };
        let image = |at: u32| &images[at as usize * pixels..][..pixels];
        let is_right = |index| {
            let task = self.draw(index);
            let query = image(task.query);
            let nearness: Vec<i64> = (task.support.chunks_exact(self.trials.shots))
                .map(|way| {
                    let distances = way.iter().map(|&at| squared_distance(query, image(at)));
                    -distances.min().expect("every way has a shot")
                })
                .collect();
            stands_out(&nearness) == Some(task.answer)
        };
        let right = (0..self.trials.trials)
            .into_par_iter()
            .filter(|&index| is_right(index));
        Score {
            right: right.count() as u64,
            asked: self.trials.trials,
        }
    }

    /// The score of a network: the way whose support images are, on the mean, most like the
    /// query by the network's own comparison; a tie is wrong. Digits are shown to it as
    /// [`Distorter::plain_grey`] makes them, each image once and alone.
    ///
    /// # Panics
    /// If the model's card did not pass its check.
    #[must_use]
    pub fn network(&self, model: &Model) -> Score {
        let embedded = Embedded::of(model, self);
        let mut score = Score::default();
        for task in self.all() {
            let ways: Vec<f64> = (task.support.chunks_exact(self.trials.shots))
                .map(|way| {
                    let alike = way.iter().map(|&at| embedded.similarity(task.query, at));
                    alike.sum::<f64>() / way.len() as f64
                })
                .collect();
            score.count(stands_out(&ways) == Some(task.answer));
        }
        score
    }
}

/// The sum of the squared differences: at most 11,025 · 255².
fn squared_distance(a: &[u8], b: &[u8]) -> i64 {
    let squares = a
        .iter()
        .zip(b)
        .map(|(&a, &b)| u32::from(a.abs_diff(b)).pow(2));
    i64::from(squares.sum::<u32>())
}

/// Embeddings of the images that some tasks use.
struct Embedded {
    dimensions: usize,
    comparison: Comparison,
    /// Of each image of the set its place among the embeddings, if it has one.
    rows: Vec<Option<usize>>,
    values: Vec<f32>,
}

impl Embedded {
    fn of(model: &Model, tasks: &DigitTasks) -> Embedded {
        let digits = tasks.digits;
        let mut used = vec![false; digits.len()];
        for task in tasks.all() {
            for &at in task.support.iter().chain([&task.query]) {
                used[at as usize] = true;
            }
        }
        let images: Vec<usize> = (0..digits.len()).filter(|&at| used[at]).collect();
        let mut rows = vec![None; digits.len()];
        for (row, &at) in images.iter().enumerate() {
            rows[at] = Some(row);
        }
        let side = model.card.network.side();
        let dimensions = model.card.network.dimensions() as usize;
        let mut distorter = Distorter::new(model.card.distortion)
            .expect("a model's card is checked when it is read");
        let mut values = Vec::with_capacity(images.len() * dimensions);
        for chunk in images.chunks((MOST_PIXELS / (side * side)).clamp(1, MOST_IMAGES)) {
            let mut pixels = vec![0f32; chunk.len() * side * side];
            for (&at, out) in chunk.iter().zip(pixels.chunks_exact_mut(side * side)) {
                distorter.plain_grey(digits.image(at), digits.side(), side, out);
            }
            values.extend(embed(model, &pixels));
        }
        Embedded {
            dimensions,
            comparison: model.network.comparison(),
            rows,
            values,
        }
    }

    /// How alike two images are by the network's own measure: see
    /// [`Embeddings::similarity`](super::Embeddings::similarity).
    fn similarity(&self, a: u32, b: u32) -> f64 {
        let row = |at: u32| {
            let row = self.rows[at as usize].expect("the images of all tasks are embedded");
            &self.values[row * self.dimensions..][..self.dimensions]
        };
        let pairs = row(a)
            .iter()
            .zip(row(b))
            .map(|(&a, &b)| (f64::from(a), f64::from(b)));
        match &self.comparison {
            Comparison::Cosine => pairs.map(|(a, b)| a * b).sum(),
            Comparison::Distance { weights, bias } => {
                let weighted = weights.iter().zip(pairs);
                let sum: f64 = weighted
                    .map(|(&w, (a, b))| f64::from(w) * (a - b).abs())
                    .sum();
                f64::from(*bias) + sum
            }
        }
    }
}

/// Embeds images, side² pixels each, to as many embeddings in a row.
fn embed(model: &Model, pixels: &[f32]) -> Vec<f32> {
    let side = model.card.network.side() as i64;
    let images = Tensor::from_slice(pixels).view([-1, 1, side, side]);
    let embedded = model.embed(&images).to_device(tch::Device::Cpu);
    Vec::try_from(embedded.flatten(0, -1)).expect("embeddings are flat and f32")
}

/// How one system did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DigitLine {
    /// Its name, as a table shows it.
    pub system: String,
    /// Its score.
    pub score: Score,
}

/// Scores the baselines, and the network if there is one, on the same tasks: the nearest
/// neighbour in the pixels as they are, at the 35 pixels of Koch (2015, section 4.4) if they are
/// fewer, then the network.
#[must_use]
pub fn score_digits(tasks: &DigitTasks, model: Option<&Model>) -> Vec<DigitLine> {
    let side = tasks.digits.side();
    let enlarged = (side < KOCH_SIDE).then_some(KOCH_SIDE);
    let mut lines: Vec<DigitLine> = [Some(side), enlarged]
        .into_iter()
        .flatten()
        .map(|side| DigitLine {
            system: format!("pixel 1-NN, L2, {side} x {side}"),
            score: tasks.nearest(side),
        })
        .collect();
    if let Some(model) = model {
        let (seed, steps) = (model.card.seed, model.card.steps);
        lines.push(DigitLine {
            system: format!("network, seed {seed}, {steps} steps"),
            score: tasks.network(model),
        });
    }
    lines
}
