//! Published figures, and which of our own they may stand beside.
//!
//! A figure belongs to one kind of task. Choosing among the characters of one alphabet is much
//! harder than choosing among characters of all of them, so the kinds are never mixed, and
//! nothing published stands beside scores on made-up drawings.

use crate::eval::{Evaluation, Protocol, ProtocolScores};

/// A published figure.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Published {
    /// The system, as its source calls it.
    pub system: &'static str,
    /// Percent right.
    pub percent: f64,
    /// Where it is from.
    pub source: &'static str,
    /// What it used, or how it was measured.
    pub note: &'static str,
}

const fn figure(
    system: &'static str,
    percent: f64,
    source: &'static str,
    note: &'static str,
) -> Published {
    Published {
        system,
        percent,
        source,
        note,
    }
}

/// A kind of task that figures were published for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    /// Lake's 20 official runs: 400 questions, 20-way 1-shot within an alphabet.
    Runs,
    /// 20-way 1-shot among characters of all alphabets.
    Between,
    /// Meta-Dataset's episodes of Omniglot.
    Episodes,
    /// Same or different (Koch 2015, table 1).
    Verification,
    /// MNIST's digits by a network of Omniglot, 10-way 1-shot (Koch 2015, table 3).
    Digits,
}

impl Task {
    /// All kinds.
    pub const ALL: [Task; 5] = [
        Task::Runs,
        Task::Between,
        Task::Episodes,
        Task::Verification,
        Task::Digits,
    ];

    /// The kind of a protocol's tasks; none if nothing was published for just such tasks.
    #[must_use]
    pub fn of(protocol: &ProtocolScores) -> Option<Task> {
        let size = (protocol.ways, protocol.shots, protocol.trials);
        match (protocol.protocol, size) {
            (Protocol::LakeRuns, (20, 1, 400)) => Some(Task::Runs),
            (Protocol::Between, (20, 1, _)) => Some(Task::Between),
            (Protocol::Vinyals, (20, 1, _)) => Some(Task::Between),
            (Protocol::Digits, (10, 1, _)) => Some(Task::Digits),
            _ => None,
        }
    }

    /// The figures, greatest first.
    #[must_use]
    pub fn figures(self) -> &'static [Published] {
        match self {
            Task::Runs => &RUNS,
            Task::Between => &BETWEEN,
            Task::Episodes => &EPISODES,
            Task::Verification => &VERIFICATION,
            Task::Digits => &DIGITS,
        }
    }

    /// How the published figures were taken, where that is not quite what ours are.
    #[must_use]
    pub fn caveat(self) -> &'static str {
        match self {
            Task::Runs => {
                "All are scores on the same 400 questions; systems differ in what they learned from."
            }
            Task::Between => {
                "Published between alphabets, on Vinyals's split: networks that trained on 1,200 characters \
                 and their quarter turns, asked about 423 of the 659 evaluation characters and their turns."
            }
            Task::Episodes => {
                "Published by networks that trained on 25 of the 30 background alphabets, most of them on \
                 seven other data sets as well, and on other episodes of the same law."
            }
            Task::Verification => {
                "Koch's pairs are 10,000 of 10 alphabets by drawers that training had not seen."
            }
            Task::Digits => "Which digits were asked is not published.",
        }
    }
}

const RUNS: [Published; 13] = [
    figure(
        "ConvARC, full context",
        98.5,
        "Shyam, Gupta & Dukkipati 2017",
        "images at 32 x 32; sees the whole support at once",
    ),
    figure(
        "ConvARC, naive",
        97.75,
        "Shyam, Gupta & Dukkipati 2017",
        "images at 32 x 32",
    ),
    figure(
        "BPL",
        96.7,
        "Lake, Salakhutdinov & Tenenbaum 2015",
        "strokes used",
    ),
    figure("People", 95.5, "Lake, Salakhutdinov & Tenenbaum 2015", ""),
    figure(
        "HBPL",
        95.2,
        "Koch, Zemel & Salakhutdinov 2015",
        "strokes used",
    ),
    figure(
        "Generative neuro-symbolic",
        94.3,
        "Feinman & Lake 2020",
        "strokes used",
    ),
    figure("RCN", 92.7, "George et al. 2017", "images"),
    figure(
        "Siamese network",
        92.0,
        "Koch, Zemel & Salakhutdinov 2015",
        "images, affine distortions; 40 alphabets used",
    ),
    figure(
        "Convnet",
        86.5,
        "Lake, Salakhutdinov & Tenenbaum 2015",
        "images",
    ),
    figure(
        "Modified Hausdorff distance",
        61.25,
        "Lake's demonstration of the runs",
        "learns nothing",
    ),
    figure(
        "1-NN, cosine of pixels",
        21.75,
        "this project's reference",
        "learns nothing; measured on the runs",
    ),
    figure(
        "1-NN",
        21.7,
        "Koch, Zemel & Salakhutdinov 2015",
        "learns nothing",
    ),
    figure(
        "1-NN, L2 of pixels",
        19.0,
        "this project's reference",
        "learns nothing; measured on the runs",
    ),
];

const BETWEEN: [Published; 5] = [
    figure("SNAIL", 97.64, "Mishra et al. 2018", "Vinyals's split"),
    figure(
        "Prototypical networks",
        96.0,
        "Snell, Swersky & Zemel 2017",
        "Vinyals's split",
    ),
    figure(
        "MAML",
        95.8,
        "Finn, Abbeel & Levine 2017",
        "Vinyals's split",
    ),
    figure(
        "Matching networks",
        93.8,
        "Vinyals et al. 2016",
        "Vinyals's split",
    ),
    figure(
        "1-NN",
        28.0,
        "Bouma's walk-through",
        "about; learns nothing",
    ),
];

const EPISODES: [Published; 8] = [
    figure(
        "TSA",
        94.96,
        "Li, Liu & Bilen 2022",
        "adapts to each support",
    ),
    figure(
        "URL",
        94.5,
        "Li, Liu & Bilen 2021",
        "distilled from eight networks",
    ),
    figure("URT", 94.4, "Liu et al. 2021", ""),
    figure(
        "ResNet-18 of Omniglot alone",
        93.8,
        "Li, Liu & Bilen 2021",
        "best of one data set",
    ),
    figure("SUR", 93.1, "Dvornik, Schmid & Mairal 2020", ""),
    figure(
        "CNAPs",
        91.7,
        "Requeima et al. 2019",
        "adapts to each support",
    ),
    figure(
        "Prototypical networks",
        79.6,
        "Triantafillou et al. 2020",
        "",
    ),
    figure("k-NN of features", 74.6, "Triantafillou et al. 2020", ""),
];

const VERIFICATION: [Published; 6] = [
    koch(
        "Siamese network, 1.35 million pairs",
        93.42,
        "150,000 and 8 affine copies of each",
    ),
    koch(
        "Siamese network, 810,000 pairs",
        93.15,
        "90,000 and 8 affine copies of each",
    ),
    koch(
        "Siamese network, 270,000 pairs",
        91.90,
        "30,000 and 8 affine copies of each",
    ),
    koch("Siamese network, 150,000 pairs", 91.63, "undistorted"),
    koch("Siamese network, 90,000 pairs", 91.54, "undistorted"),
    koch("Siamese network, 30,000 pairs", 90.61, "undistorted"),
];

const fn koch(system: &'static str, percent: f64, note: &'static str) -> Published {
    figure(system, percent, "Koch, Zemel & Salakhutdinov 2015", note)
}

const DIGITS: [Published; 2] = [
    figure(
        "Siamese network of Omniglot",
        70.3,
        "Koch, Zemel & Salakhutdinov 2015",
        "learned from Omniglot alone",
    ),
    figure(
        "1-NN",
        26.5,
        "Koch, Zemel & Salakhutdinov 2015",
        "learns nothing",
    ),
];

/// What was published for just such tasks: nothing if the drawings are made up.
pub(super) fn beside(evaluation: &Evaluation, task: Option<Task>) -> &'static [Published] {
    match task {
        Some(task) if !evaluation.provenance.made_up => task.figures(),
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_shares_in_falling_order_and_say_where_they_are_from() {
        for task in Task::ALL {
            let figures = task.figures();
            assert!(figures.is_sorted_by(|a, b| a.percent >= b.percent));
            for figure in figures {
                assert!(0.0 < figure.percent && figure.percent < 100.0);
                assert!(!figure.source.is_empty() && !task.caveat().is_empty());
            }
        }
    }
}
