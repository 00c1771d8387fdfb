//! A made-up evaluation with every part, and drawings to go with it.

use omnishot::archive::Alphabet;
use omnishot::distort::Distortion;
use omnishot::eval::{
    AmongFirst, Curve, CurveLine, EmbeddingMap, EpisodeScore, Episodes, Evaluation, Failure,
    Gallery, GroupScore, MapPoint, Neighbour, Neighbours, PairedTest, Protocol, ProtocolScores,
    Provenance, Role, Score, ScoredNetwork, SharedErrors, Spread, SystemScore, Ties,
    TrainingRecord, Verification, VerificationScore,
};
use omnishot::image::Picture;
use omnishot::model::{Card, CompactShape, NetworkShape};
use omnishot::synthetic::{SyntheticOptions, synthesize};

pub fn network(name: &str, seed: u64) -> ScoredNetwork {
    ScoredNetwork {
        name: name.to_owned(),
        digest: "5f1d".repeat(16),
        parameters: 1_923_456,
        card: Card {
            program: "omnishot 0.2.0".to_owned(),
            network: NetworkShape::from(CompactShape {
                side: 48,
                width: 32,
                dimensions: 256,
                dropout: 0.1,
            }),
            distortion: Distortion::COMPACT,
            seed,
            steps: 1400,
            batch: 128,
            store: "ab12".repeat(16),
            training: vec!["Alphabet_of_the_Magi".to_owned(), "Balinese".to_owned()],
            validation: vec!["Tagalog".to_owned()],
            pictures: None,
        },
        seen: Vec::new(),
    }
}

/// Half of the wrong answers, or four of five, are right within the first two or five.
fn among_first(first: u32, score: Score) -> AmongFirst {
    let wrong = score.asked - score.right;
    let score = Score {
        right: score.asked - wrong / u64::from(first),
        ..score
    };
    AmongFirst {
        first,
        score,
        percent: score.percent(),
    }
}

/// A system that was right in so many of 20 questions in each group, by turns.
pub fn system(name: &str, role: Role, rights: &[u64], groups: &[String]) -> SystemScore {
    let groups: Vec<GroupScore> = (groups.iter().zip(rights.iter().cycle()))
        .map(|(name, &right)| GroupScore {
            name: name.clone(),
            score: Score { right, asked: 20 },
        })
        .collect();
    let score = Score {
        right: groups.iter().map(|group| group.score.right).sum(),
        asked: groups.iter().map(|group| group.score.asked).sum(),
    };
    let (low, high) = score.interval();
    SystemScore {
        system: name.to_owned(),
        role,
        score,
        percent: score.percent(),
        interval: [low, high],
        group_interval: Some([low - 1.25, (high + 0.75).min(100.0)]),
        tied: u64::from(role == Role::Baseline) * 3,
        among_first: match role {
            Role::Network => [2, 5].map(|first| among_first(first, score)).to_vec(),
            _ => Vec::new(),
        },
        groups,
    }
}

pub fn protocol(name: Protocol, title: &str, shots: usize, groups: &[String]) -> ProtocolScores {
    let systems = vec![
        system(
            "compact, seed 1",
            Role::Network,
            &[20, 19, 18, 20, 19],
            groups,
        ),
        system("compact, seed 2", Role::Network, &[19, 19, 20], groups),
        system(
            "compact, seed 1, 8 copies",
            Role::Variant,
            &[20, 20, 19],
            groups,
        ),
        system("pixel 1-NN, cosine", Role::Baseline, &[4, 5, 3, 6], groups),
        system(
            "modified Hausdorff",
            Role::Baseline,
            &[11, 13, 12, 15, 14, 17, 8],
            groups,
        ),
    ];
    let against = |second: &str, only_first, only_second, p| PairedTest {
        first: "compact, seed 1".to_owned(),
        second: second.to_owned(),
        only_first,
        only_second,
        p,
    };
    ProtocolScores {
        protocol: name,
        title: title.to_owned(),
        ways: 20,
        shots,
        trials: 20 * groups.len() as u64,
        seed: (name != Protocol::LakeRuns).then_some(7),
        chance: 5.0,
        systems,
        spread: Some(Spread {
            count: 2,
            mean: 96.375,
            deviation: 0.53,
            interval: [91.6, 101.1],
            least: 96.0,
            greatest: 96.75,
        }),
        shared: Some(SharedErrors {
            networks: 2,
            all_wrong: Score {
                right: 9,
                asked: 400,
            },
            same_wrong: Score {
                right: 7,
                asked: 400,
            },
        }),
        comparisons: vec![
            against("compact, seed 2", 6, 9, 0.607),
            against("compact, seed 1, 8 copies", 2, 5, 0.453),
            against("pixel 1-NN, cosine", 296, 1, 1e-80),
            against("modified Hausdorff", 141, 2, 1e-37),
        ],
    }
}

fn verified(name: &str, role: Role, right: u64, bend: f64) -> VerificationScore {
    let score = Score {
        right,
        asked: 10_000,
    };
    let (low, high) = score.interval();
    VerificationScore {
        system: name.to_owned(),
        role,
        score,
        percent: score.percent(),
        interval: [low, high],
        auc: 1.0 - bend / (1.0 + bend),
        auc_interval: [0.95 - bend, 0.99 - bend / 2.0],
        equal_error: 100.0 - score.percent(),
        equal_error_interval: [100.0 - high, 100.0 - low],
        roc: (0..=100)
            .map(|step| f64::from(step) / 100.0)
            .map(|share| [share * share, (share * share).powf(bend)])
            .collect(),
    }
}

fn episodes() -> Episodes {
    let system = |name: &str, role, percent: f64| EpisodeScore {
        system: name.to_owned(),
        role,
        percent,
        interval: [percent - 0.35, percent + 0.35],
        score: Score {
            right: 90_000,
            asked: 96_000,
        },
    };
    Episodes {
        episodes: 600,
        queries: 96_000,
        ways: [5, 47],
        seed: 7,
        chance: 8.5,
        systems: vec![
            system("compact, seed 1", Role::Network, 95.5),
            system("matching", Role::Baseline, 93.25),
        ],
    }
}

pub fn evaluation() -> Evaluation {
    let runs: Vec<String> = (1..=20).map(|run| format!("run{run:02}")).collect();
    let names = [
        "Angelic",
        "Atemayar_Qelisayer",
        "Atlantean",
        "Aurek-Besh",
        "Avesta",
        "Ge_ez",
        "Glagolitic",
        "Gurmukhi",
        "Kannada",
        "Keble",
        "Malayalam",
        "Manipuri",
        "Mongolian",
        "Old_Church_Slavonic_(Cyrillic)",
        "Oriya",
        "Sylheti",
        "Syriac_(Serto)",
        "Tengwar",
        "Tibetan",
        "ULOG",
    ];
    let alphabets: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
    let ways: Vec<usize> = (1..=12).map(|step| 5 * step).collect();
    let line = |name: &str, fall: f64| CurveLine {
        name: name.to_owned(),
        percent: ways
            .iter()
            .map(|&ways| 100.0 - fall * (ways as f64).sqrt())
            .collect(),
    };
    let within = "Random tasks within an alphabet of the evaluation set";
    let between = "Random tasks between alphabets of the evaluation set";
    let mut digits = protocol(
        Protocol::Digits,
        "MNIST's digits, never seen in training",
        1,
        &runs[..10],
    );
    (digits.ways, digits.chance) = (10, 10.0);
    Evaluation {
        provenance: Provenance {
            program: "omnishot 0.2.0".to_owned(),
            store: "ab12cd34".repeat(8),
            made_up: false,
            seed: 7,
            ties: Ties::Against,
            networks: vec![network("compact, seed 1", 1), network("compact, seed 2", 2)],
        },
        protocols: vec![
            protocol(
                Protocol::LakeRuns,
                "Lake's 20 official runs, within an alphabet",
                1,
                &runs,
            ),
            protocol(Protocol::Within, within, 1, &alphabets),
            protocol(Protocol::Within, within, 5, &alphabets),
            protocol(Protocol::Between, between, 1, &alphabets),
            protocol(Protocol::Between, between, 5, &alphabets),
        ],
        curve: Some(Curve {
            trials: 550,
            lines: vec![
                line("compact, seed 1: unseen alphabets, within", 1.9),
                line("compact, seed 1: unseen alphabets, between", 0.8),
                line("compact, seed 1: training alphabets", 0.6),
                line("pixel 1-NN, cosine: unseen alphabets, between", 10.5),
            ],
            ways,
        }),
        episodes: Some(episodes()),
        verification: Some(Verification {
            pairs: 10_000,
            scored_on: "10 evaluation alphabets, drawers 17 to 20".to_owned(),
            chosen_on: "3 held-out background alphabets, drawers 13 to 16".to_owned(),
            systems: vec![
                verified("compact, seed 1", Role::Network, 9_731, 0.012),
                verified("compact, seed 2", Role::Network, 9_688, 0.02),
                verified("pixel 1-NN, cosine", Role::Baseline, 6_450, 0.45),
            ],
        }),
        digits: Some(digits),
        training: (1..=2u64)
            .map(|seed| TrainingRecord {
                network: format!("compact, seed {seed}"),
                loss: (1..=140)
                    .map(|step| {
                        let t = step as f64;
                        (
                            10 * step,
                            1.0 + 7.0 / (1.0 + t / 9.0) + 0.08 * (t * seed as f64).sin(),
                        )
                    })
                    .collect(),
                validation: (1..=14)
                    .map(|step| (100 * step, 90.0 - 40.0 / (step + seed) as f64))
                    .collect(),
                validation_ways: Some(20),
            })
            .collect(),
    }
}

/// An evaluation in which everything that can be empty is.
pub fn empty() -> Evaluation {
    let mut evaluation = evaluation();
    evaluation.provenance.networks.clear();
    evaluation.protocols.clear();
    evaluation.training.clear();
    (evaluation.curve, evaluation.verification, evaluation.digits) = (None, None, None);
    evaluation.episodes = None;
    evaluation
}

/// Drawings of a made-up alphabet of 24 characters by 12 drawers.
pub fn alphabet() -> Alphabet {
    let options = SyntheticOptions {
        seed: 3,
        background: 0,
        evaluation: 1,
        characters_per_alphabet: 24..=24,
        drawers: 12,
    };
    synthesize(&options).remove(0)
}

pub fn gallery(failures: usize) -> Gallery {
    let alphabet = alphabet();
    let page = |character: usize, drawer: usize| -> Picture {
        let drawing = &alphabet.characters[character % 24].drawings[drawer % 12];
        drawing.page.into()
    };
    let failure = |number: usize| Failure {
        place: format!("lake-runs, run{:02}", number + 1),
        query: page(number, 1),
        support: (0..20).map(|way| page(way, 2)).collect(),
        answer: number % 20,
        chosen: (number % 4 != 3).then_some((number + 7) % 20),
        similarities: (0..20).map(|way| 0.9 - 0.04 * f64::from(way)).collect(),
    };
    let nearest = |number: usize| Neighbours {
        query: page(number, 0),
        label: format!("{}, character{:02}", alphabet.name, number + 1),
        nearest: (1..=10)
            .map(|near| Neighbour {
                page: page(number + near / 6, near),
                label: format!("{}, character{:02}", alphabet.name, number + 1 + near / 6),
                similarity: 0.97 - 0.03 * near as f64,
                same: near < 6,
            })
            .collect(),
    };
    let point = |character: usize, drawer: usize| {
        let (c, d) = (character as f64, drawer as f64);
        MapPoint {
            at: [
                0.1 + 0.16 * (character % 6) as f64 + 0.03 * (d * 2.1 + c).cos() + 0.02 * c.sin(),
                0.14 + 0.24 * (character / 6) as f64 + 0.045 * (d * 1.7 + c).sin() + 0.03 * c.cos(),
            ],
            character,
            page: page(character, drawer),
        }
    };
    Gallery {
        network: "compact, seed 1".to_owned(),
        failures: (0..failures).map(failure).collect(),
        shared: (0..failures.min(3)).map(failure).collect(),
        neighbours: (0..6).map(nearest).collect(),
        map: Some(EmbeddingMap {
            alphabet: alphabet.name.clone(),
            characters: alphabet.characters.iter().map(|c| c.name.clone()).collect(),
            points: (0..24)
                .flat_map(|character| (0..12).map(move |drawer| point(character, drawer)))
                .collect(),
        }),
    }
}
