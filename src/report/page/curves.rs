//! Line charts of an evaluation: accuracy over ways, the ROC, and training.

use maud::{Markup, html};

use super::charts::{Axis, Letters, Line, line_chart};
use crate::eval::{Curve, TrainingRecord, VerificationScore};
use crate::report::figures::counted;

/// Accuracy over the number of ways, beside guessing.
pub(super) fn ways(curve: &Curve) -> Markup {
    let points = |percent: &[f64]| {
        let pairs = curve.ways.iter().zip(percent);
        pairs
            .map(|(&ways, &percent)| [ways as f64, percent])
            .collect()
    };
    let mut lines: Vec<Line> = (curve.lines.iter())
        .map(|line| Line {
            name: line.name.clone(),
            points: points(&line.percent),
            guess: false,
        })
        .collect();
    let chance: Vec<f64> = (curve.ways.iter())
        .map(|&ways| 100.0 / ways.max(1) as f64)
        .collect();
    lines.push(Line {
        name: "guessing".to_owned(),
        points: points(&chance),
        guess: true,
    });
    let x = Axis::covering(
        "characters to choose among (ways)",
        curve.ways.iter().map(|&ways| ways as f64),
        false,
    );
    let y = Axis::percent("right answers, %");
    let label =
        "Line chart: percent of right answers over the number of characters to choose among";
    html! {
        section id="ways" {
            h2 { "Accuracy over the number of ways" }
            p class="lead" { (counted(curve.trials, "task")) " for each number of ways." }
            (line_chart(label, &x, &y, &lines, Letters::Ends))
        }
    }
}

/// The ROC of each system, beside guessing.
pub(super) fn roc(systems: &[VerificationScore]) -> Markup {
    let percent = |point: &[f64; 2]| [100.0 * point[0], 100.0 * point[1]];
    let mut lines: Vec<Line> = (systems.iter())
        .map(|system| Line {
            name: system.system.clone(),
            points: system.roc.iter().map(percent).collect(),
            guess: false,
        })
        .collect();
    lines.push(Line {
        name: "guessing".to_owned(),
        points: vec![[0.0, 0.0], [100.0, 100.0]],
        guess: true,
    });
    let x = Axis::percent("different pairs taken for same, %");
    let y = Axis::percent("same pairs found, %");
    let label = "ROC: percent of same pairs found over percent of different pairs taken for same";
    html! {
        h3 { "ROC" }
        p class="small" {
            "A line nearer to the upper left corner is better. Letters stand below the points of equal error."
        }
        (line_chart(label, &x, &y, &lines, Letters::Diagonal))
    }
}

/// Loss and validation over steps, a line for each network.
pub(super) fn training(records: &[TrainingRecord]) -> Markup {
    let lines = |points: fn(&TrainingRecord) -> &[(u64, f64)]| -> Vec<Line> {
        (records.iter())
            .filter(|record| !points(record).is_empty())
            .map(|record| Line {
                name: record.network.clone(),
                points: (points(record).iter())
                    .map(|&(step, value)| [step as f64, value])
                    .collect(),
                guess: false,
            })
            .collect()
    };
    let mut scores = lines(|record| &record.validation);
    let scored = records
        .iter()
        .filter(|record| !record.validation.is_empty());
    for (line, record) in scores.iter_mut().zip(scored) {
        line.name += &match record.validation_ways {
            Some(ways) => format!(", {ways}-way"),
            None => ", ways not recorded".to_owned(),
        };
    }
    let charts = [
        (
            "Loss",
            "mean loss since the point before",
            lines(|record| &record.loss),
        ),
        (
            "Validation",
            "right answers on held-out background alphabets, %",
            scores,
        ),
    ];
    html! {
        section id="training" {
            h2 { "Training" }
            p class="lead" {
                "From the records beside the weights. Held-out alphabets are of the background set."
            }
            div class="charts" {
                @for (name, unit, lines) in &charts {
                    @if !lines.is_empty() {
                        div {
                            h3 { (name) }
                            (over_steps(name, unit, lines))
                        }
                    }
                }
            }
        }
    }
}

fn over_steps(name: &str, unit: &str, lines: &[Line]) -> Markup {
    let all = |axis: usize| {
        let points = lines.iter().flat_map(|line| &line.points);
        points.map(move |point| point[axis])
    };
    let x = Axis::covering("step", all(0).chain([0.0]), false);
    let y = Axis::covering(unit, all(1), true);
    let label = format!("Line chart, {name}: {unit}, over training steps");
    line_chart(&label, &x, &y, lines, Letters::Ends)
}
