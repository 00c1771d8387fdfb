//! Tables of scores: a protocol's systems, its runs or alphabets, and verification.

use maud::{Markup, html};

use super::charts::{Bar, bar};
use crate::eval::{Evaluation, PairedTest, ProtocolScores, Role, Spread, SystemScore};
use crate::report::figures::{
    NONE, among_first, count, first_network, interval, is_void, number, percent, probability,
    shape, shared, title,
};
use crate::report::published::{Published, Task, beside};

/// The parts of a table, in order: what begins each, and the systems in it.
pub(super) const PARTS: [(Role, &str); 4] = [
    (
        Role::Network,
        "Networks: each drawing embedded once, each question answered alone",
    ),
    (Role::Baseline, "Baselines, on the same questions"),
    (
        Role::Outside,
        "Answers from another program, on the same questions",
    ),
    (
        Role::Variant,
        "Variants: something added that the headline must not have, such as distorted copies or a \
         run's questions answered together",
    ),
];

/// A table that scrolls in its own frame where it is too wide.
pub(super) fn frame(caption: &str, table: Markup) -> Markup {
    html! {
        div class="frame" role="region" tabindex="0" aria-label=(caption) { (table) }
    }
}

/// A caption that stays in sight when its table scrolls.
pub(super) fn caption(text: &str) -> Markup {
    html! { caption { span { (text) } } }
}

/// One protocol: its systems, what was published for such tasks, and its runs or alphabets.
pub(super) fn protocol(evaluation: &Evaluation, protocol: &ProtocolScores, id: &str) -> Markup {
    let task = Task::of(protocol);
    let published = beside(evaluation, task);
    html! {
        section id=(id) {
            h2 {
                (title(evaluation, protocol)) " "
                span class="shape" { (protocol.ways) "-way " (protocol.shots) "-shot" }
            }
            (table(evaluation, protocol, published))
            @for line in among_first(protocol).chain(shared(protocol)) {
                p class="small" { (line) }
            }
            @if let (Some(task), false) = (task, published.is_empty()) {
                p class="small" { (task.caveat()) }
            }
            (groups(evaluation, protocol))
        }
    }
}

fn table(evaluation: &Evaluation, protocol: &ProtocolScores, published: &[Published]) -> Markup {
    let first = first_network(protocol);
    let reference = first.map(|system| system.percent);
    let word = protocol.protocol.group_word();
    let heading = format!("{}: {}", protocol.protocol, shape(protocol));
    let of = |role: Role| {
        protocol
            .systems
            .iter()
            .filter(move |system| system.role == role)
    };
    frame(
        &heading,
        html! {
            table class="scores" {
                (caption(&shape(protocol)))
                thead {
                    tr {
                        th scope="col" { "System" }
                        th scope="col" class="figure" { "Right" }
                        (scale_column())
                        th scope="col" class="figure" { "95% interval" br; small { "Wilson" } }
                        th scope="col" class="figure" { "by " (word) br; small { "bootstrap, 95%" } }
                        th scope="col" class="figure" { "of" br; small { "questions" } }
                        th scope="col" class="figure" { "Ties" }
                        th scope="col" class="figure" {
                            "McNemar’s p" br;
                            small { "against " (first.map_or("the first", |system| system.system.as_str())) }
                        }
                    }
                }
                @for (role, heading) in PARTS {
                    @if role == Role::Baseline && !published.is_empty() {
                        (published_part("Published", 8, published, reference))
                    }
                    @if role == Role::Baseline || of(role).next().is_some() {
                        tbody class=[(role == Role::Variant).then_some("variants")] {
                            (heading_row(heading, 8))
                            @for system in of(role) {
                                (system_row(evaluation, protocol, system, reference))
                            }
                            @if let (Role::Network, Some(spread)) = (role, &protocol.spread) {
                                (spread_row(spread, reference))
                            }
                            @if role == Role::Baseline {
                                tr {
                                    th scope="row" { "Guessing" }
                                    td class="figure" { (percent(protocol.chance)) }
                                    td { (bar(protocol.chance, None, Bar::Other, reference)) }
                                    td colspan="5" class="note" {}
                                }
                            }
                        }
                    }
                }
            }
        },
    )
}

/// The head of a column of bars.
pub(super) fn scale_column() -> Markup {
    html! {
        th scope="col" class="bars" {
            span class="scale" aria-label="bars from 0 to 100 percent" {
                span { "0" } span { "50" } span { "100%" }
            }
        }
    }
}

/// A row that begins a part of a table.
pub(super) fn heading_row(heading: &str, columns: usize) -> Markup {
    html! {
        tr class="part" { th scope="rowgroup" colspan=(columns) { span { (heading) } } }
    }
}

/// The part of a table that shows published figures, under `heading`; the last of the table's
/// `columns` are theirs for notes.
pub(super) fn published_part(
    heading: &str,
    columns: usize,
    published: &[Published],
    reference: Option<f64>,
) -> Markup {
    html! {
        tbody class="published" {
            (heading_row(heading, columns))
            @for figure in published {
                tr {
                    th scope="row" { (figure.system) small { (figure.source) } }
                    td class="figure" { (percent(figure.percent)) }
                    td { (bar(figure.percent, None, Bar::Published, reference)) }
                    td colspan=(columns - 3) class="note" { (figure.note) }
                }
            }
        }
    }
}

/// A system's name with the marks that it must not be seen without.
pub(super) fn name_cell(evaluation: &Evaluation, system: &str, role: Role) -> Markup {
    html! {
        th scope="row" {
            (system)
            @if role == Role::Variant { " " span class="mark" { "variant" } }
            @if is_void(evaluation, system, role) { " " span class="mark void" { "void" } }
        }
    }
}

/// How the bars of a role look.
pub(super) fn look(role: Role) -> Bar {
    match role {
        Role::Network => Bar::Ours,
        Role::Variant => Bar::Variant,
        Role::Baseline | Role::Outside => Bar::Other,
    }
}

fn system_row(
    evaluation: &Evaluation,
    protocol: &ProtocolScores,
    system: &SystemScore,
    reference: Option<f64>,
) -> Markup {
    let mut tests = protocol.comparisons.iter();
    let test = tests.find(|test| test.second == system.system);
    html! {
        tr {
            (name_cell(evaluation, &system.system, system.role))
            td class="figure" { b { (percent(system.percent)) } }
            td { (bar(system.percent, Some(system.interval), look(system.role), reference)) }
            td class="figure" { (interval(system.interval)) }
            td class="figure" { (system.group_interval.map_or(NONE.to_owned(), interval)) }
            td class="figure" { (count(system.score.right)) " / " (count(system.score.asked)) }
            td class="figure" { (count(system.tied)) }
            td class="figure" { @if let Some(test) = test { (paired(test)) } }
        }
    }
}

fn paired(test: &PairedTest) -> Markup {
    let counts = format!(
        "right alone: {} on {}, {} on {}",
        test.first,
        count(test.only_first),
        test.second,
        count(test.only_second)
    );
    html! {
        span title=(counts) {
            (probability(test.p)) br;
            small { (count(test.only_first)) " : " (count(test.only_second)) }
        }
    }
}

fn spread_row(spread: &Spread, reference: Option<f64>) -> Markup {
    html! {
        tr class="mean" {
            th scope="row" { "Mean of " (spread.count) " networks" }
            td class="figure" { b { (percent(spread.mean)) } }
            td { (bar(spread.mean, Some(spread.interval), Bar::Ours, reference)) }
            td class="figure" { (interval(spread.interval)) br; small { "Student’s t" } }
            td colspan="4" class="note" {
                "standard deviation " (number(spread.deviation, 2)) ", from "
                (number(spread.least, 2)) " to " (number(spread.greatest, 2))
            }
        }
    }
}

/// Scores by run or alphabet: the first network's as bars, all systems' as counts.
fn groups(evaluation: &Evaluation, protocol: &ProtocolScores) -> Markup {
    let word = protocol.protocol.group_word();
    let systems: Vec<&SystemScore> = (protocol.systems.iter())
        .filter(|system| !system.groups.is_empty())
        .collect();
    let Some(first) = first_network(protocol).or(systems.first().copied()) else {
        return html! {};
    };
    let title = format!(
        "Right answers by {word}; bars: {}, with Wilson's 95% interval",
        first.system
    );
    if first.groups.is_empty() {
        return html! {};
    }
    html! {
        h3 { "By " (word) }
        (frame(&title, html! {
            table class="groups" {
                (caption(&title))
                thead {
                    tr {
                        th scope="col" { (capital(word)) }
                        (scale_column())
                        th scope="col" class="figure" { "of" }
                        @for system in &systems {
                            (column_name(evaluation, system))
                        }
                    }
                }
                tbody {
                    @for group in &first.groups {
                        @let (low, high) = group.score.interval();
                        tr {
                            th scope="row" { (group.name) }
                            td { (bar(group.score.percent(), Some([low, high]), look(first.role), None)) }
                            td class="figure muted" { (count(group.score.asked)) }
                            @for system in &systems {
                                @let own = system.groups.iter().find(|own| own.name == group.name);
                                td class="figure" {
                                    (own.map_or(NONE.to_owned(), |own| count(own.score.right)))
                                }
                            }
                        }
                    }
                }
            }
        }))
    }
}

fn column_name(evaluation: &Evaluation, system: &SystemScore) -> Markup {
    html! {
        th scope="col" class="figure named" {
            (system.system)
            @if system.role == Role::Variant { " " span class="mark" { "variant" } }
            @if is_void(evaluation, &system.system, system.role) { " " span class="mark void" { "void" } }
        }
    }
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    let first = letters.next();
    first.map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
}
