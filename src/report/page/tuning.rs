//! A search for settings: progress, the best trials, and what mattered.

use maud::{Markup, html};

use super::charts::{Axis, Bar, Line, bar, scatter_chart};
use super::document;
use crate::report::figures::{NONE, counted, number, percent};
use crate::tune::{Journal, Outcome, importance};

/// The most trials of a table.
const MOST_ROWS: usize = 10;

/// The whole HTML file of a search. `command` repeats its best trial.
#[must_use]
pub fn tuning_page(journal: &Journal, command: &str) -> String {
    let ranking = journal.ranking();
    let body = html! {
        header {
            h1 { "Search for settings" }
            p class="result" { (sentence(journal)) }
            p class="small" {
                "Accuracy is of " (journal.study.ways) "-way 1-shot tasks within alphabets of the background set that were held \
                 out by the seed " (journal.study.seed) "; the evaluation set has no part in it. The best of \
                 many trials is flattered by chance: only new alphabets say how good its settings are."
            }
        }
        main {
            @if !ranking.is_empty() {
                (progress(journal))
                (mattered(journal))
                (trials(journal, command))
            }
        }
    };
    document("Search for settings", &body)
}

/// The search in plain text: its best trials, what mattered, and the `command` that repeats the
/// best.
#[must_use]
pub fn tuning_text(journal: &Journal, command: &str) -> String {
    let mut text = format!("{}\n", sentence(journal));
    let ranking = journal.ranking();
    if ranking.is_empty() {
        return text;
    }
    text += "\ntrial  accuracy  steps  end       settings\n";
    for &(place, accuracy) in ranking.iter().take(MOST_ROWS) {
        let (how, steps) = end(journal, place);
        let accuracy = percent(accuracy);
        let settings = settings(journal, place).join(" ");
        text += &format!("{place:>5} {accuracy:>9} {steps:>6}  {how:<8}  {settings}\n");
    }
    text += "\nshare of the variance of accuracy that each setting explains alone\n";
    for (name, share) in by_importance(journal) {
        text += &format!("{:>6}  {name}\n", number(share, 2));
    }
    text + "\nthe best again:\n" + command + "\n"
}

fn sentence(journal: &Journal) -> String {
    let how = if journal.study.random {
        "at random"
    } else {
        "by Bayesian optimisation"
    };
    let ranking = journal.ranking();
    let ended = counted(ranking.len() as u64, "trial");
    match ranking.first() {
        Some(&(place, accuracy)) => format!(
            "{ended} {how}, of {}: the best is trial {place} with {} ({}-way).",
            counted(journal.space.dimensions().len() as u64, "setting"),
            percent(accuracy),
            journal.study.ways
        ),
        None => format!("{ended} {how}."),
    }
}

fn settings(journal: &Journal, place: usize) -> Vec<String> {
    journal.space.settings(&journal.trials[place].values)
}

/// How a trial ended, and after how many steps.
fn end(journal: &Journal, place: usize) -> (&'static str, String) {
    match journal.trials[place].ended {
        Some((Outcome::Finished, _, steps)) => ("finished", steps.to_string()),
        Some((Outcome::Pruned, _, steps)) => ("stopped", steps.to_string()),
        Some((Outcome::Diverged, _, steps)) => ("diverged", steps.to_string()),
        None => ("goes on", NONE.to_owned()),
    }
}

fn by_importance(journal: &Journal) -> Vec<(&str, f64)> {
    let names = journal.space.dimensions().iter().map(|d| d.name.as_str());
    let mut shares: Vec<(&str, f64)> = names.zip(importance(journal)).collect();
    shares.sort_by(|a, b| b.1.total_cmp(&a.1));
    shares
}

fn progress(journal: &Journal) -> Markup {
    let ended = journal.trials.iter().enumerate();
    let ended: Vec<(f64, Outcome, f64)> = ended
        .filter_map(|(place, trial)| {
            let (how, accuracy, _) = trial.ended?;
            Some((place as f64, how, accuracy))
        })
        .collect();
    let points = |finished: bool| -> Vec<[f64; 2]> {
        let kind = ended
            .iter()
            .filter(|(_, how, _)| (*how == Outcome::Finished) == finished);
        kind.map(|&(place, _, accuracy)| [place, accuracy])
            .collect()
    };
    let mut best = f64::NEG_INFINITY;
    let reached = ended.iter().map(|&(place, _, accuracy)| {
        best = best.max(accuracy);
        [place, best]
    });
    let line = |name: &str, points| Line {
        name: name.to_owned(),
        points,
        guess: false,
    };
    let reached = line(
        "best so far, and the trials that trained to their end",
        reached.collect(),
    );
    let filled = line("trained to its end", points(true));
    let pale = line("stopped, or diverged", points(false));
    let x = Axis::covering("trial", ended.iter().map(|e| e.0).chain([0.0]), false);
    let y = Axis::covering(
        "right answers on held-out background alphabets, %",
        ended.iter().map(|e| e.2),
        true,
    );
    let label = "Chart: percent of right answers of each trial, and the best so far";
    html! {
        section id="progress" {
            h2 { "Progress" }
            (scatter_chart(label, (&x, &y), reached, [filled, pale]))
        }
    }
}

fn mattered(journal: &Journal) -> Markup {
    html! {
        section id="importance" {
            h2 { "What mattered" }
            p class="lead" {
                "The share of the variance of accuracy among trials that each setting explains alone: trials \
                 in three groups by its value, less what chance explains. Settings that matter only together \
                 do not show, and with few trials the figures are rough."
            }
            table {
                thead { tr { th scope="col" { "setting" } th scope="col" { "share" } th scope="col" {} } }
                tbody {
                    @for (name, share) in by_importance(journal) {
                        tr {
                            th scope="row" { code { (name) } }
                            td { (number(share, 2)) }
                            td { (bar(100.0 * share, None, Bar::Ours, None)) }
                        }
                    }
                }
            }
        }
    }
}

fn trials(journal: &Journal, command: &str) -> Markup {
    html! {
        section id="trials" {
            h2 { "The best trials" }
            table {
                thead {
                    tr {
                        th scope="col" { "trial" } th scope="col" { "accuracy" } th scope="col" { "steps" }
                        th scope="col" { "end" } th scope="col" { "settings" }
                    }
                }
                tbody {
                    @for (place, accuracy) in journal.ranking().into_iter().take(MOST_ROWS) {
                        @let (how, steps) = end(journal, place);
                        tr {
                            th scope="row" { (place) }
                            td { (percent(accuracy)) }
                            td { (steps) }
                            td { (how) }
                            td class="small" { (settings(journal, place).join(" ")) }
                        }
                    }
                }
            }
            p class="lead" { "The best again:" }
            p { code { (command) } }
        }
    }
}
