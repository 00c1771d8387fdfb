//! The pages of an evaluation and of a search for settings: one HTML file each, which holds all it shows, and fetches nothing.
//!
//! It reads without scripts and without colour, on a phone and on paper. All texts are escaped by
//! the templates. The same evaluation gives the same bytes.

mod charts;
mod curves;
mod drawings;
mod episodes;
mod provenance;
mod scores;
mod tuning;
mod verification;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::figures::{first_network, headline, interval, percent, sentence, warnings};
use crate::eval::{Evaluation, Gallery, ProtocolScores, Role};

pub use tuning::{tuning_page, tuning_text};

/// The style sheet, which the page holds.
const STYLE: &str = include_str!("style.css");
/// What a browser may load for the page: nothing but what the page holds.
const POLICY: &str = "default-src 'none'; img-src data:; style-src 'unsafe-inline'";

/// The whole HTML file.
///
/// Sections of what was not evaluated are left out. Variants stand in a part of their own, never
/// in the headline; published figures stand only beside tasks of their kind, and not at all
/// beside made-up drawings.
#[must_use]
pub fn page(evaluation: &Evaluation, gallery: &Gallery) -> String {
    let sections = sections(evaluation, gallery);
    let body = html! {
        header { (opening(evaluation)) }
        nav aria-label="Contents" {
            ul {
                @for section in &sections {
                    li { a href={ "#" (section.id) } { (section.name) } }
                }
            }
        }
        main {
            @for section in &sections { (section.body) }
        }
    };
    document("One-shot evaluation", &body)
}

/// An HTML file that holds all it shows.
fn document(title: &str, body: &Markup) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                title { (title) }
                link rel="icon" href="data:,";
                style { (PreEscaped(STYLE)) }
            }
            body { (body) }
        }
    };
    page.into_string()
}

/// One part of the page.
struct Section {
    id: String,
    /// What the contents call it.
    name: String,
    body: Markup,
}

impl Section {
    fn new(id: &str, name: &str, body: Markup) -> Section {
        Section {
            id: id.to_owned(),
            name: name.to_owned(),
            body,
        }
    }
}

fn sections(evaluation: &Evaluation, gallery: &Gallery) -> Vec<Section> {
    let mut sections = Vec::new();
    let first = headline(evaluation);
    let others = evaluation.protocols.iter();
    let others = others.filter(|&other| !first.is_some_and(|first| std::ptr::eq(first, other)));
    for (place, protocol) in first.into_iter().chain(others).enumerate() {
        let id = format!("protocol-{}", place + 1);
        let body = scores::protocol(evaluation, protocol, &id);
        sections.push(Section::new(&id, &short_name(protocol), body));
    }
    if let Some(curve) = &evaluation.curve {
        sections.push(Section::new("ways", "Over ways", curves::ways(curve)));
    }
    if let Some(found) = &evaluation.episodes {
        let body = episodes::section(evaluation, found);
        sections.push(Section::new("episodes", "Episodes", body));
    }
    if let Some(verified) = &evaluation.verification {
        let body = verification::section(evaluation, verified);
        sections.push(Section::new("verification", "Verification", body));
    }
    if let Some(digits) = &evaluation.digits {
        let body = scores::protocol(evaluation, digits, "digits");
        sections.push(Section::new("digits", "Digits", body));
    }
    if !gallery.failures.is_empty() {
        sections.push(Section::new(
            "failures",
            "Wrong answers",
            drawings::failures(gallery),
        ));
    }
    if !gallery.shared.is_empty() {
        let body = drawings::shared(gallery);
        sections.push(Section::new("shared", "Wrong by all", body));
    }
    if !gallery.neighbours.is_empty() {
        sections.push(Section::new(
            "nearest",
            "Nearest drawings",
            drawings::neighbours(gallery),
        ));
    }
    if let Some(map) = &gallery.map {
        let body = drawings::map(&gallery.network, map);
        sections.push(Section::new("map", "Map", body));
    }
    if !evaluation.training.is_empty() {
        let body = curves::training(&evaluation.training);
        sections.push(Section::new("training", "Training", body));
    }
    let body = provenance::section(evaluation);
    sections.push(Section::new("provenance", "Provenance", body));
    sections
}

/// A protocol's name for the contents: see [`Protocol::short_name`](crate::eval::Protocol::short_name).
fn short_name(protocol: &ProtocolScores) -> String {
    let (ways, shots) = (protocol.ways, protocol.shots);
    protocol.protocol.short_name(ways, shots)
}

/// Title, result, warnings, and the first network's figures at a glance.
fn opening(evaluation: &Evaluation) -> Markup {
    let protocols = evaluation.protocols.iter().chain(&evaluation.digits);
    let tiles: Vec<(String, f64, [f64; 2])> = protocols
        .filter_map(|protocol| {
            let system = first_network(protocol)?;
            Some((short_name(protocol), system.percent, system.interval))
        })
        .chain(evaluation.verification.iter().filter_map(|verified| {
            let mut systems = verified.systems.iter();
            let system = systems.find(|system| system.role == Role::Network)?;
            Some(("Verification".to_owned(), system.percent, system.interval))
        }))
        .collect();
    let first = evaluation.provenance.networks.first();
    html! {
        h1 { "One-shot evaluation" }
        p class="result" { (sentence(evaluation)) }
        @for warning in warnings(evaluation) {
            p class="warning" role="alert" { strong { "Warning. " } (warning) }
        }
        (provenance::summary(evaluation))
        @if !tiles.is_empty() {
            dl class="tiles" {
                @for (name, share, ends) in tiles {
                    div {
                        dt { (name) }
                        dd { b { (percent(share)) } span { (interval(ends)) } }
                    }
                }
            }
            @if let Some(first) = first {
                p class="small" {
                    "Right answers of " b { (first.name) } ", with Wilson’s 95% interval. In the tables \
                     a dashed line through the bars marks this network."
                }
            }
        }
    }
}
