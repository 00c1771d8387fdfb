//! The questions of a protocol.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::archive::Split;
use crate::eval::error::EvalError;
use crate::sample::{Scope, Task, TaskError, TaskSampler, TaskShape, alphabets_of};
use crate::store::{AlphabetId, DrawingId, Store};

/// How one-shot questions are chosen. Figures of one are not to be mixed with those of
/// another: within an alphabet is much harder than between alphabets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Protocol {
    /// The runs that the store holds: Lake's 20 official ones of Omniglot.
    LakeRuns,
    /// Random tasks, each of characters of one alphabet.
    Within,
    /// Random tasks of characters of all alphabets together.
    Between,
    /// Random tasks of MNIST's digits; `digits` in files of programs before.
    #[serde(rename = "mnist", alias = "digits")]
    Digits,
    /// Random tasks of the characters that Vinyals et al. (2016) set aside, turned by quarters.
    Vinyals,
}

/// A name that no protocol has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name:?} is no protocol; it is lake-runs, within or between")]
pub struct UnknownProtocol {
    /// The name.
    pub name: String,
}

impl FromStr for Protocol {
    type Err = UnknownProtocol;

    fn from_str(name: &str) -> Result<Protocol, UnknownProtocol> {
        (Protocol::ALL.into_iter())
            .find(|protocol| protocol.name() == name)
            .ok_or_else(|| UnknownProtocol {
                name: name.to_owned(),
            })
    }
}

impl Protocol {
    /// The protocols of a store.
    pub const ALL: [Protocol; 3] = [Protocol::LakeRuns, Protocol::Within, Protocol::Between];

    /// Its name on command lines and in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Protocol::LakeRuns => "lake-runs",
            Protocol::Within => "within",
            Protocol::Between => "between",
            Protocol::Digits => "mnist",
            Protocol::Vinyals => "vinyals",
        }
    }

    /// Whether its questions are drawn at random from a store's evaluation set.
    #[must_use]
    pub fn is_random(self) -> bool {
        match self {
            Protocol::Within | Protocol::Between => true,
            Protocol::LakeRuns | Protocol::Digits | Protocol::Vinyals => false,
        }
    }

    /// Whether its drawings are turned, so that each turn of a drawing is one by itself, which no
    /// store has and a network embeds for this protocol alone.
    #[must_use]
    pub fn is_turned(self) -> bool {
        match self {
            Protocol::Vinyals => true,
            Protocol::LakeRuns | Protocol::Within | Protocol::Between | Protocol::Digits => false,
        }
    }

    /// What the groups of its questions are, in a word.
    #[must_use]
    pub fn group_word(self) -> &'static str {
        match self {
            Protocol::LakeRuns => "run",
            Protocol::Within | Protocol::Between | Protocol::Vinyals => "alphabet",
            Protocol::Digits => "group",
        }
    }

    /// Its name in a list of contents: `Official runs`, `Within, 20-way 5-shot`.
    #[must_use]
    pub fn short_name(self, ways: usize, shots: usize) -> String {
        let name = match self {
            Protocol::LakeRuns => return "Official runs".to_owned(),
            Protocol::Within => "Within",
            Protocol::Between => "Between",
            Protocol::Digits => "MNIST",
            Protocol::Vinyals => "Vinyals's split",
        };
        format!("{name}, {ways}-way {shots}-shot")
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// The questions of a protocol, in a fixed order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskSet {
    /// How they were chosen.
    pub protocol: Protocol,
    /// Support drawings of each way.
    pub shots: usize,
    /// The seed they were drawn from; none for those of the store.
    pub seed: Option<u64>,
    /// The questions.
    pub tasks: Vec<Task>,
    /// Names of the runs, or of the queries' alphabets.
    pub groups: Vec<String>,
    /// The group of each question.
    pub group_of: Vec<u32>,
}

impl TaskSet {
    /// The runs that a store holds, a question for each query. `None` if it holds none.
    #[must_use]
    pub fn lake_runs(store: &Store) -> Option<TaskSet> {
        let runs = store.runs();
        let mut set = TaskSet {
            protocol: Protocol::LakeRuns,
            shots: 1,
            seed: None,
            tasks: Vec::new(),
            groups: runs.iter().map(|run| run.name.clone()).collect(),
            group_of: Vec::new(),
        };
        for (group, run) in (0..).zip(runs) {
            for &(query, answer) in &run.queries {
                set.tasks.push(Task {
                    support: run.support.clone(),
                    query,
                    answer: usize::from(answer),
                });
                set.group_of.push(group);
            }
        }
        (!set.tasks.is_empty()).then_some(set)
    }

    /// Tasks 0 to `trials` of a sampler over `alphabets`: see [`TaskSampler::draw`].
    ///
    /// # Errors
    /// As [`TaskSampler::new`].
    pub fn random(
        store: &Store,
        alphabets: &[AlphabetId],
        shape: TaskShape,
        seed: u64,
        trials: u64,
    ) -> Result<TaskSet, TaskError> {
        let sampler = TaskSampler::new(store, alphabets, shape, seed)?;
        let tasks: Vec<Task> = (0..trials).map(|index| sampler.draw(index)).collect();
        let alphabet_of = |id: DrawingId| store.character(store.character_of(id)).alphabet;
        let mut asked: Vec<AlphabetId> = tasks.iter().map(|task| alphabet_of(task.query)).collect();
        let mut groups = asked.clone();
        groups.sort_unstable();
        groups.dedup();
        for alphabet in &mut asked {
            let place = groups.binary_search(alphabet);
            *alphabet = place.expect("every alphabet is among the groups") as u32;
        }
        Ok(TaskSet {
            protocol: match shape.scope {
                Scope::Within => Protocol::Within,
                Scope::Between => Protocol::Between,
            },
            shots: shape.shots,
            seed: Some(seed),
            tasks,
            groups: (groups.iter())
                .map(|&id| store.alphabet(id).name.clone())
                .collect(),
            group_of: asked,
        })
    }

    /// The questions of a protocol: the store's own, or `trials` random tasks of its evaluation set,
    /// which `ways`, `shots` and `seed` are for.
    ///
    /// # Errors
    /// If the store holds no runs, the evaluation set has too few characters, or the protocol is
    /// none of a store.
    pub fn of_protocol(
        store: &Store,
        protocol: Protocol,
        (ways, shots): (usize, usize),
        seed: u64,
        trials: u64,
    ) -> Result<TaskSet, EvalError> {
        let scope = match protocol {
            Protocol::LakeRuns => return TaskSet::lake_runs(store).ok_or(EvalError::NoRuns),
            Protocol::Digits => return Err(EvalError::NoDigits),
            Protocol::Vinyals => return TaskSet::vinyals(store, (ways, shots), seed, trials),
            Protocol::Within => Scope::Within,
            Protocol::Between => Scope::Between,
        };
        let shape = TaskShape { ways, shots, scope };
        let alphabets = alphabets_of(store, Split::Evaluation);
        Ok(TaskSet::random(store, &alphabets, shape, seed, trials)?)
    }

    /// The ways of a task.
    #[must_use]
    pub fn ways_of(&self, task: &Task) -> usize {
        task.support.len() / self.shots
    }

    /// The most ways of a task; 0 if there are none.
    #[must_use]
    pub fn ways(&self) -> usize {
        let ways = self.tasks.iter().map(|task| self.ways_of(task));
        ways.max().unwrap_or(0)
    }

    /// Right answers of one who guesses, in percent.
    #[must_use]
    pub fn chance(&self) -> f64 {
        let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
        for task in &self.tasks {
            *counts.entry(self.ways_of(task)).or_default() += 1;
        }
        let right: f64 = counts
            .iter()
            .map(|(&ways, &n)| n as f64 / ways as f64)
            .sum();
        100.0 * right / self.tasks.len().max(1) as f64
    }

    /// Every drawing that a task shows, some of them many times.
    pub fn drawings(&self) -> impl Iterator<Item = DrawingId> + '_ {
        (self.tasks.iter()).flat_map(|task| task.support.iter().copied().chain([task.query]))
    }

    /// What it asks, without the numbers of ways and shots.
    #[must_use]
    pub fn title(&self) -> String {
        match self.protocol {
            Protocol::LakeRuns => {
                format!(
                    "The store's {} one-shot runs, within an alphabet",
                    self.groups.len()
                )
            }
            Protocol::Within => "Random tasks within an alphabet of the evaluation set".to_owned(),
            Protocol::Between => {
                "Random tasks over all characters of the evaluation set".to_owned()
            }
            Protocol::Digits => "MNIST's digits, at 35 pixels enlarged to a page".to_owned(),
            Protocol::Vinyals => {
                "Random tasks over Vinyals's 423 test characters, each in four turns".to_owned()
            }
        }
    }
}
