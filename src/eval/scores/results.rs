//! What an evaluation found, as plain values: what the report, `--json` and the CSV files say.
//!
//! Nothing here depends on the time, the machine or the number of threads, so that the same
//! weights, store and seed give the same report, byte for byte.

use serde::{Deserialize, Serialize};

use crate::embed::{Score, Ties};
use crate::eval::tasks::Protocol;
use crate::model::Card;

/// Everything that one call found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// What was scored, on what, and how.
    pub provenance: Provenance,
    /// Scores on tasks, a protocol each; the official runs first, if they were asked for.
    pub protocols: Vec<ProtocolScores>,
    /// Accuracy over the number of ways.
    pub curve: Option<Curve>,
    /// Same or different: Koch's verification task.
    pub verification: Option<Verification>,
    /// Meta-Dataset's episodes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub episodes: Option<Episodes>,
    /// One-shot classification of MNIST's digits.
    pub digits: Option<ProtocolScores>,
    /// How each network was trained, where its record lies beside its weights.
    pub training: Vec<TrainingRecord>,
}

/// What was scored, on what, and how.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Provenance {
    /// Program and version that scored.
    pub program: String,
    /// SHA-256 of the store.
    pub store: String,
    /// Whether the store's alphabets are made up, so that nothing compares with what is published.
    pub made_up: bool,
    /// The seed that all random tasks and pairs were drawn from.
    pub seed: u64,
    /// What a tie counts for.
    pub ties: Ties,
    /// The networks.
    pub networks: Vec<ScoredNetwork>,
}

/// A network that was scored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScoredNetwork {
    /// What the report calls it.
    pub name: String,
    /// BLAKE3 of its file.
    pub digest: String,
    /// Numbers that training changed.
    pub parameters: u64,
    /// What it is and what it has seen.
    pub card: Card,
    /// Evaluation alphabets that it was trained on: anything but none voids its scores.
    pub seen: Vec<String>,
}

/// What a system is in a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// A network, each drawing embedded once and undistorted, each query answered alone.
    Network,
    /// A network with something added that the headline must not have: distorted copies of the
    /// test drawings, or all queries of a run answered together.
    Variant,
    /// What every learner must beat, or is compared with.
    Baseline,
    /// Answers from outside, by another program.
    Outside,
}

impl Role {
    /// What a system of this role is with something added.
    pub(in crate::eval) fn variant(self) -> Role {
        match self {
            Role::Network => Role::Variant,
            other => other,
        }
    }
}

/// The scores of all systems by one protocol.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProtocolScores {
    /// How its questions were chosen.
    pub protocol: Protocol,
    /// What it asks, in a line.
    pub title: String,
    /// Characters to choose among; the most, if the runs differ.
    pub ways: usize,
    /// Support drawings of each.
    pub shots: usize,
    /// Questions asked.
    pub trials: u64,
    /// The seed the tasks were drawn from; none for fixed ones.
    pub seed: Option<u64>,
    /// Right answers of one who guesses, in percent.
    pub chance: f64,
    /// The systems: networks, their variants, baselines.
    pub systems: Vec<SystemScore>,
    /// Mean and spread over the networks, if there are several.
    pub spread: Option<Spread>,
    /// The first network against each other system, on the same tasks.
    pub comparisons: Vec<PairedTest>,
    /// What all networks get wrong together, if there are several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shared: Option<SharedErrors>,
}

/// Questions that every network got wrong: what more networks like them would not mend.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct SharedErrors {
    /// How many networks there are.
    pub networks: usize,
    /// Questions that none of them got right, counted as `right`, among those asked.
    pub all_wrong: Score,
    /// Questions that all of them answered by one and the same wrong way, counted likewise.
    pub same_wrong: Score,
}

/// One system's score.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SystemScore {
    /// Its name.
    pub system: String,
    /// What it is.
    pub role: Role,
    /// Right answers among questions.
    pub score: Score,
    /// Its share in percent.
    pub percent: f64,
    /// Wilson's 95% interval of the share, in percent.
    pub interval: [f64; 2],
    /// The 95% interval in percent when whole runs or alphabets are drawn anew (bootstrap):
    /// what another choice of them might have given. None where there is one group or none.
    pub group_interval: Option<[f64; 2]>,
    /// Questions on which two ways shared the first place, or a similarity was no number.
    pub tied: u64,
    /// How often the right way is among the most similar ones, a tie counting against it; none
    /// where a system gives answers alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub among_first: Vec<AmongFirst>,
    /// Scores by run or alphabet of the query, in the protocol's order.
    pub groups: Vec<GroupScore>,
}

/// How often the right way is among the `first` most similar.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct AmongFirst {
    /// How many ways count, fewer than a task has.
    pub first: u32,
    /// Questions whose right way is among them.
    pub score: Score,
    /// Its share in percent.
    pub percent: f64,
}

/// A score on one run or one alphabet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GroupScore {
    /// The run or alphabet.
    pub name: String,
    /// Right answers among questions.
    pub score: Score,
}

/// Mean and spread of several figures.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// How many there are.
    pub count: usize,
    /// Their mean.
    pub mean: f64,
    /// Their standard deviation, by n - 1.
    pub deviation: f64,
    /// The 95% interval of the mean, by Student's t.
    pub interval: [f64; 2],
    /// The least of them.
    pub least: f64,
    /// The greatest.
    pub greatest: f64,
}

/// McNemar's exact test of two systems on the same tasks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PairedTest {
    /// The one.
    pub first: String,
    /// The other.
    pub second: String,
    /// Tasks that only the one got right.
    pub only_first: u64,
    /// Tasks that only the other got right.
    pub only_second: u64,
    /// How likely so uneven a split, or a more uneven one, is if both are equally good.
    pub p: f64,
}

/// Accuracy over the number of ways (Bouma's walk-through). Who guesses has 100 / ways.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Curve {
    /// Tasks for each number of ways.
    pub trials: u64,
    /// The numbers of ways, ascending.
    pub ways: Vec<usize>,
    /// A line each.
    pub lines: Vec<CurveLine>,
}

/// One line of a curve.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CurveLine {
    /// The system, and the characters it was asked about.
    pub name: String,
    /// Percent right for each number of ways.
    pub percent: Vec<f64>,
}

/// Meta-Dataset's episodes (Triantafillou et al. 2020): within an alphabet, of many ways and unequal
/// numbers of support drawings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Episodes {
    /// Episodes asked.
    pub episodes: u64,
    /// Their queries together.
    pub queries: u64,
    /// The fewest and the most ways of an episode.
    pub ways: [usize; 2],
    /// The seed they were drawn from.
    pub seed: u64,
    /// Right answers of one who guesses, in percent: the mean over episodes.
    pub chance: f64,
    /// The systems.
    pub systems: Vec<EpisodeScore>,
}

/// One system's score on episodes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EpisodeScore {
    /// Its name.
    pub system: String,
    /// What it is.
    pub role: Role,
    /// The mean over episodes of the share of right answers, in percent.
    pub percent: f64,
    /// Its 95% interval in percent, by the normal law over episodes, as the benchmark has it.
    pub interval: [f64; 2],
    /// Right answers among all queries together.
    pub score: Score,
}

/// Koch's verification task (2015, section 4.1): do two drawings show one character?
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Verification {
    /// Pairs scored, half of them same.
    pub pairs: u64,
    /// Alphabets and drawers of the pairs scored.
    pub scored_on: String,
    /// Alphabets and drawers of the pairs that thresholds were chosen by.
    pub chosen_on: String,
    /// The systems.
    pub systems: Vec<VerificationScore>,
}

/// One system's verification.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VerificationScore {
    /// Its name.
    pub system: String,
    /// What it is.
    pub role: Role,
    /// Pairs rightly told at the threshold chosen on other pairs.
    pub score: Score,
    /// Its share in percent.
    pub percent: f64,
    /// Wilson's 95% interval of the share, in percent.
    pub interval: [f64; 2],
    /// Area under the ROC: how likely a same pair is more alike than a different one. 0 to 1.
    pub auc: f64,
    /// Bootstrap's 95% interval of the area.
    pub auc_interval: [f64; 2],
    /// The error in percent where as large a share of same pairs is refused as of different
    /// pairs is taken.
    pub equal_error: f64,
    /// Bootstrap's 95% interval of it.
    pub equal_error_interval: [f64; 2],
    /// Points of the ROC, from (0, 0) to (1, 1): share of different pairs taken for same, share
    /// of same pairs found. Thinned to at most 200.
    pub roc: Vec<[f64; 2]>,
}

/// What `metrics.jsonl` beside a network's weights says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrainingRecord {
    /// The network's name.
    pub network: String,
    /// (step, mean loss since the point before).
    pub loss: Vec<(u64, f64)>,
    /// (step, accuracy on held-out background alphabets in percent).
    pub validation: Vec<(u64, f64)>,
    /// Ways of the tasks behind those accuracies; none if they are of different ways, or the
    /// record is of a program that did not tell.
    #[serde(default)]
    pub validation_ways: Option<u64>,
}
