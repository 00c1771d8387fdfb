//! One-shot classification of MNIST's digits, by a network that was trained on Omniglot alone.
//!
//! Koch (2015, section 4.4): 400 tasks of ten ways and one shot from MNIST's test set, without
//! fine-tuning; the published scores are 26.5% for the nearest neighbour in pixels and 70.3%
//! for the siamese network. Which images its tasks held is not published, so ours are drawn
//! from a seed.

use super::task_set::{Protocol, TaskSet};
use crate::archive::Digits;
use crate::eval::error::DigitError;
use crate::sample::Task;
use crate::seed::{Purpose, Stream};

/// Digits there are, and so the most ways.
const DIGITS: usize = 10;
/// The most shots and trials: far more than any protocol has, and few enough for every task to
/// keep to its own stretch of the stream.
const MOST_SHOTS: usize = 1_000;
const MOST_TRIALS: u64 = 1_000_000;

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
    pub fn new(digits: &'a Digits, trials: DigitTrials) -> Result<DigitTasks<'a>, DigitError> {
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
                return Err(DigitError::Range {
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
            return Err(DigitError::TooFew {
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
    pub fn draw(&self, index: u64) -> Task {
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
        Task {
            support,
            query,
            answer,
        }
    }

    /// All tasks in turn, a group for each digit.
    #[must_use]
    pub fn set(&self) -> TaskSet {
        let tasks: Vec<Task> = (0..self.trials.trials)
            .map(|index| self.draw(index))
            .collect();
        let digit = |task: &Task| u32::from(self.digits.labels()[task.query as usize]);
        TaskSet {
            protocol: Protocol::Digits,
            shots: self.trials.shots,
            seed: Some(self.trials.seed),
            groups: (0..DIGITS).map(|digit| digit.to_string()).collect(),
            group_of: tasks.iter().map(digit).collect(),
            tasks,
        }
    }
}
