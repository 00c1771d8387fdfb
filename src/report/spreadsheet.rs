//! An evaluation as CSV files, for other programs: full precision, a header each.

use csv::Writer;

use super::figures::role;
use crate::eval::{Evaluation, ProtocolScores, SystemScore};

/// The files' names and texts.
///
/// All seven are always there, so that a reader finds what it expects: `scores.csv`, `groups.csv`,
/// `curve.csv`, `roc.csv`, `episodes.csv`, `verification.csv` and `comparisons.csv`. A cell is empty where there
/// is no such figure. Shares and intervals are in percent, areas and points of the ROC from 0
/// to 1.
#[must_use]
pub fn tables(evaluation: &Evaluation) -> Vec<(String, String)> {
    let files = [
        ("scores.csv", scores(evaluation)),
        ("groups.csv", groups(evaluation)),
        ("curve.csv", curve(evaluation)),
        ("roc.csv", roc(evaluation)),
        ("episodes.csv", episodes(evaluation)),
        ("verification.csv", verification(evaluation)),
        ("comparisons.csv", comparisons(evaluation)),
    ];
    files
        .map(|(name, text)| (name.to_owned(), text))
        .into_iter()
        .collect()
}

/// Rows of one width under a header.
struct Table(Writer<Vec<u8>>);

impl Table {
    fn new(header: &[&str]) -> Table {
        let mut table = Table(Writer::from_writer(Vec::new()));
        table.row(header.iter().map(|&name| name.to_owned()));
        table
    }

    fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.0
            .write_record(cells)
            .expect("a Vec takes every byte, and all rows have the header's width");
    }

    fn text(self) -> String {
        let bytes = self.0.into_inner().expect("a Vec takes every byte");
        String::from_utf8(bytes).expect("all cells are text")
    }
}

fn protocols(evaluation: &Evaluation) -> impl Iterator<Item = &ProtocolScores> {
    evaluation.protocols.iter().chain(&evaluation.digits)
}

fn systems(evaluation: &Evaluation) -> impl Iterator<Item = (&ProtocolScores, &SystemScore)> {
    protocols(evaluation).flat_map(|protocol| {
        let systems = protocol.systems.iter();
        systems.map(move |system| (protocol, system))
    })
}

/// A protocol's name, ways and shots: what tells two protocols apart.
fn key(protocol: &ProtocolScores) -> [String; 3] {
    [
        protocol.protocol.to_string(),
        protocol.ways.to_string(),
        protocol.shots.to_string(),
    ]
}

fn optional(value: Option<impl ToString>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

fn scores(evaluation: &Evaluation) -> String {
    let mut table = Table::new(&[
        "protocol",
        "ways",
        "shots",
        "trials",
        "seed",
        "system",
        "role",
        "right",
        "asked",
        "percent",
        "low",
        "high",
        "group_low",
        "group_high",
        "tied",
    ]);
    for (protocol, system) in systems(evaluation) {
        let rest = [
            protocol.trials.to_string(),
            optional(protocol.seed),
            system.system.clone(),
            role(system.role).to_owned(),
            system.score.right.to_string(),
            system.score.asked.to_string(),
            system.percent.to_string(),
            system.interval[0].to_string(),
            system.interval[1].to_string(),
            optional(system.group_interval.map(|interval| interval[0])),
            optional(system.group_interval.map(|interval| interval[1])),
            system.tied.to_string(),
        ];
        table.row(key(protocol).into_iter().chain(rest));
    }
    table.text()
}

fn groups(evaluation: &Evaluation) -> String {
    let mut table = Table::new(&[
        "protocol", "ways", "shots", "system", "role", "group", "right", "asked", "percent",
    ]);
    for (protocol, system) in systems(evaluation) {
        for group in &system.groups {
            let rest = [
                system.system.clone(),
                role(system.role).to_owned(),
                group.name.clone(),
                group.score.right.to_string(),
                group.score.asked.to_string(),
                group.score.percent().to_string(),
            ];
            table.row(key(protocol).into_iter().chain(rest));
        }
    }
    table.text()
}

fn curve(evaluation: &Evaluation) -> String {
    let mut table = Table::new(&["line", "ways", "trials", "percent"]);
    if let Some(curve) = &evaluation.curve {
        for line in &curve.lines {
            for (ways, percent) in curve.ways.iter().zip(&line.percent) {
                table.row([
                    line.name.clone(),
                    ways.to_string(),
                    curve.trials.to_string(),
                    percent.to_string(),
                ]);
            }
        }
    }
    table.text()
}

fn roc(evaluation: &Evaluation) -> String {
    let mut table = Table::new(&["system", "role", "different_taken", "same_found"]);
    let systems = evaluation.verification.iter().flat_map(|v| &v.systems);
    for system in systems {
        for [taken, found] in &system.roc {
            table.row([
                system.system.clone(),
                role(system.role).to_owned(),
                taken.to_string(),
                found.to_string(),
            ]);
        }
    }
    table.text()
}

fn episodes(evaluation: &Evaluation) -> String {
    let mut table = Table::new(&[
        "system", "role", "episodes", "right", "asked", "percent", "low", "high",
    ]);
    if let Some(found) = &evaluation.episodes {
        for system in &found.systems {
            table.row([
                system.system.clone(),
                role(system.role).to_owned(),
                found.episodes.to_string(),
                system.score.right.to_string(),
                system.score.asked.to_string(),
                system.percent.to_string(),
                system.interval[0].to_string(),
                system.interval[1].to_string(),
            ]);
        }
    }
    table.text()
}

fn verification(evaluation: &Evaluation) -> String {
    let mut table = Table::new(&[
        "system",
        "role",
        "right",
        "asked",
        "percent",
        "low",
        "high",
        "auc",
        "auc_low",
        "auc_high",
        "equal_error",
        "equal_error_low",
        "equal_error_high",
        "scored_on",
        "chosen_on",
    ]);
    if let Some(verification) = &evaluation.verification {
        for system in &verification.systems {
            table.row([
                system.system.clone(),
                role(system.role).to_owned(),
                system.score.right.to_string(),
                system.score.asked.to_string(),
                system.percent.to_string(),
                system.interval[0].to_string(),
                system.interval[1].to_string(),
                system.auc.to_string(),
                system.auc_interval[0].to_string(),
                system.auc_interval[1].to_string(),
                system.equal_error.to_string(),
                system.equal_error_interval[0].to_string(),
                system.equal_error_interval[1].to_string(),
                verification.scored_on.clone(),
                verification.chosen_on.clone(),
            ]);
        }
    }
    table.text()
}

fn comparisons(evaluation: &Evaluation) -> String {
    let mut table = Table::new(&[
        "protocol",
        "ways",
        "shots",
        "first",
        "second",
        "only_first",
        "only_second",
        "p",
    ]);
    for protocol in protocols(evaluation) {
        for test in &protocol.comparisons {
            let rest = [
                test.first.clone(),
                test.second.clone(),
                test.only_first.to_string(),
                test.only_second.to_string(),
                test.p.to_string(),
            ];
            table.row(key(protocol).into_iter().chain(rest));
        }
    }
    table.text()
}
