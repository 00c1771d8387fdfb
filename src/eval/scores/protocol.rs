//! The questions of one protocol with every system's answers, and what they add up to.

use super::answers::Answers;
use super::results::{AmongFirst, GroupScore, ProtocolScores, Role, SharedErrors, SystemScore};
use super::statistics::{group_interval, mcnemar, spread};
use crate::embed::Score;
use crate::eval::tasks::TaskSet;

/// The questions of one protocol, and every system's answers.
#[derive(Clone, Debug)]
pub struct ProtocolRun {
    /// The questions.
    pub set: TaskSet,
    /// Each system's name, what it is, and its answers, in the order they were asked.
    pub systems: Vec<(String, Role, Answers)>,
}

impl ProtocolRun {
    /// Questions that nobody was asked yet.
    #[must_use]
    pub fn new(set: TaskSet) -> ProtocolRun {
        ProtocolRun {
            set,
            systems: Vec::new(),
        }
    }

    /// Adds a system's answers to all of them.
    pub fn add(&mut self, name: &str, role: Role, answers: Answers) {
        self.systems.push((name.to_owned(), role, answers));
    }

    /// What it all adds up to. The seed is that of resampling.
    #[must_use]
    pub fn scores(&self, seed: u64) -> ProtocolScores {
        let set = &self.set;
        let systems: Vec<SystemScore> = (self.systems.iter())
            .map(|(name, role, answers)| score(set, name, *role, answers, seed))
            .collect();
        let networks = systems.iter().filter(|s| s.role == Role::Network);
        let percents: Vec<f64> = networks.map(|s| s.percent).collect();
        let first = (self.systems.iter())
            .find(|s| s.1 == Role::Network)
            .or(self.systems.first());
        let others = self
            .systems
            .iter()
            .filter(|s| first.is_some_and(|f| f.0 != s.0));
        let comparisons = first.into_iter().flat_map(|(name, _, answers)| {
            others.clone().map(move |(other, _, others)| {
                mcnemar((name, answers.right(set)), (other, others.right(set)))
            })
        });
        ProtocolScores {
            protocol: set.protocol,
            title: set.title(),
            ways: set.ways(),
            shots: set.shots,
            trials: set.tasks.len() as u64,
            seed: set.seed,
            chance: set.chance(),
            comparisons: comparisons.collect(),
            spread: spread(&percents),
            shared: self.shared_errors(),
            systems,
        }
    }

    fn networks(&self) -> Vec<&Answers> {
        let networks = self.systems.iter().filter(|s| s.1 == Role::Network);
        networks.map(|(_, _, answers)| answers).collect()
    }

    /// The questions that all networks answered by one and the same wrong way, with that way; none
    /// unless there are several networks.
    #[must_use]
    pub fn same_wrong(&self) -> Vec<(usize, usize)> {
        let networks = self.networks();
        let (Some(first), true) = (networks.first(), networks.len() > 1) else {
            return Vec::new();
        };
        let questions = first.chosen.iter().zip(&self.set.tasks).enumerate();
        let wrong = questions.filter_map(|(question, (&chosen, task))| {
            let way = chosen.filter(|&way| way != task.answer)?;
            let same = |answers: &&Answers| answers.chosen[question] == Some(way);
            networks.iter().all(same).then_some((question, way))
        });
        wrong.collect()
    }

    fn shared_errors(&self) -> Option<SharedErrors> {
        let networks = self.networks();
        let mut all_wrong = Score::default();
        for (question, task) in self.set.tasks.iter().enumerate() {
            let wrong = |answers: &&Answers| answers.chosen[question] != Some(task.answer);
            all_wrong.count(networks.iter().all(wrong));
        }
        (networks.len() > 1).then(|| SharedErrors {
            networks: networks.len(),
            all_wrong,
            same_wrong: Score {
                right: self.same_wrong().len() as u64,
                asked: all_wrong.asked,
            },
        })
    }
}

/// The numbers of ways that the right one may be among, where a task has more.
const AMONG_FIRST: [u32; 2] = [2, 5];

fn score(set: &TaskSet, name: &str, role: Role, answers: &Answers, seed: u64) -> SystemScore {
    let score = answers.score(set);
    let groups = answers.group_scores(set);
    let (low, high) = score.interval();
    SystemScore {
        system: name.to_owned(),
        role,
        score,
        percent: score.percent(),
        interval: [low, high],
        group_interval: group_interval(&groups, seed),
        tied: answers.tied,
        among_first: (AMONG_FIRST.into_iter())
            .filter(|&first| (first as usize) < set.ways())
            .filter_map(|first| {
                let score = answers.among(first)?;
                Some(AmongFirst {
                    first,
                    score,
                    percent: score.percent(),
                })
            })
            .collect(),
        groups: (set.groups.iter().zip(groups))
            .map(|(name, score)| GroupScore {
                name: name.clone(),
                score,
            })
            .collect(),
    }
}
