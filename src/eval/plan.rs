//! What an evaluation is to do, and the networks that take part.

use super::scores::Role;
use super::tasks::{DigitTrials, Protocol};
use crate::archive::Digits;
use crate::embed::Ties;
use crate::model::Model;

/// What to evaluate, and how.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// One-shot protocols with their shots, in the order of the report.
    pub protocols: Vec<(Protocol, usize)>,
    /// Ways of random tasks.
    pub ways: usize,
    /// Tasks of each random protocol.
    pub trials: u64,
    /// Tasks for each number of ways of the curve, which baselines do not have; no curve with 0.
    pub curve_trials: u64,
    /// Whether to take the verification task.
    pub verification: bool,
    /// Episodes by Meta-Dataset's law, which baselines without a network do not have; none with 0.
    pub episodes: u64,
    /// The seed of all random tasks and pairs.
    pub seed: u64,
    /// What a tie counts for.
    pub ties: Ties,
    /// Distorted copies of each drawing that a variant of each network (not of baselines)
    /// averages over; 0 for none.
    pub copies: usize,
    /// Whether a variant of each network (not of baselines) answers all queries of a run together.
    pub assignment: bool,
    /// Whether a variant of all networks (not of baselines) answers by the mean of their similarities.
    pub ensemble: bool,
    /// Whether to fill a gallery, for which the first network embeds all of the evaluation set.
    pub gallery: bool,
    /// Whether a variant of each network has its last layer trained on the support.
    pub fine_tuned: bool,
}

/// MNIST's digits, and what to ask about them.
pub struct DigitPlan {
    /// The digits.
    pub digits: Digits,
    /// The tasks.
    pub trials: DigitTrials,
}

/// A network that takes part.
pub struct Entrant {
    /// What the report calls it.
    pub name: String,
    /// Whether it is one of those that the evaluation is about, or a baseline.
    pub role: Role,
    /// The network.
    pub model: Model,
    /// BLAKE3 of its file.
    pub digest: String,
}

/// What goes on in an evaluation, for whoever waits for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A part begins.
    Begins(String),
    /// So many drawings of so many are embedded.
    Embedded(usize, usize),
    /// A part that was asked for cannot be had, and why.
    LeftOut(String),
}
