//! Where the figures come from: the summary at the top, all of it at the end.

use maud::{Markup, html};

use super::scores::frame;
use crate::eval::{Evaluation, ScoredNetwork};
use crate::report::figures::{count, short, ties};

/// What was scored on what, in a few lines.
pub(super) fn summary(evaluation: &Evaluation) -> Markup {
    let provenance = &evaluation.provenance;
    let networks: Vec<&str> = (provenance.networks.iter())
        .map(|network| network.name.as_str())
        .collect();
    html! {
        p class="summary" {
            @if networks.is_empty() {
                "No network; "
            } @else {
                (networks.join(", ")) "; "
            }
            @if provenance.made_up { "made-up alphabets; " }
            "store " code { (short(&provenance.store)) } "; seed " (provenance.seed)
            "; " (ties(provenance.ties)) "; " (provenance.program) ". "
            a href="#provenance" { "All of it" }
        }
    }
}

/// Everything that another would need to find the same figures, and the rules they follow.
pub(super) fn section(evaluation: &Evaluation) -> Markup {
    let provenance = &evaluation.provenance;
    let made_up = if provenance.made_up {
        "made up: compares with nothing published"
    } else {
        "as packed, not made up"
    };
    html! {
        section id="provenance" {
            h2 { "Provenance" }
            dl class="facts" {
                dt { "Program" } dd { (provenance.program) }
                dt { "Store, SHA-256" } dd { code { (provenance.store) } }
                dt { "Alphabets" } dd { (made_up) }
                dt { "Seed of tasks and pairs" } dd { (provenance.seed) }
                dt { "Ties" } dd { (ties(provenance.ties)) }
            }
            h3 { "Rules" }
            ul class="rules" {
                li { "The query is never in the support; in tasks of the store the two are by different drawers." }
                li { "Norms use the statistics of training; each drawing is embedded alone, so that no answer depends on other questions." }
                li { "Nothing was chosen by the questions asked: not weights, not steps, not settings. Thresholds of verification were chosen on other pairs." }
                li { "Two ways that share the first place, or a similarity that is no number, are a tie. Here " (ties(provenance.ties)) "." }
                li { "Intervals: Wilson’s for a share; the bootstrap’s by drawing whole runs or alphabets anew, and for areas and equal errors the pairs of either kind; Student’s t for the mean over networks." }
                li { "McNemar’s test is exact and two-sided, on the same tasks." }
                li { "The same weights, store and seed give this file again, byte for byte." }
            }
            @if !provenance.networks.is_empty() {
                h3 { "Networks" }
                (networks(&provenance.networks))
                @for network in &provenance.networks { (card(network)) }
            }
        }
    }
}

fn networks(networks: &[ScoredNetwork]) -> Markup {
    let title = "The networks that were scored";
    frame(
        title,
        html! {
            table class="networks" {
                caption { span { (title) } }
                thead {
                    tr {
                        th scope="col" { "Network" }
                        th scope="col" class="figure" { "Parameters" }
                        th scope="col" class="figure" { "Seed" }
                        th scope="col" class="figure" { "Steps" }
                        th scope="col" class="figure" { "Drawings" br; small { "in a batch" } }
                        th scope="col" class="figure" { "Alphabets" br; small { "trained + held out" } }
                        th scope="col" { "Evaluation alphabets seen" }
                        th scope="col" { "BLAKE3 of its file" }
                    }
                }
                tbody {
                    @for network in networks {
                        tr {
                            th scope="row" { (network.name) }
                            td class="figure" { (count(network.parameters)) }
                            td class="figure" { (network.card.seed) }
                            td class="figure" { (count(network.card.steps)) }
                            td class="figure" { (network.card.batch) }
                            td class="figure" {
                                (network.card.training.len()) " + " (network.card.validation.len())
                            }
                            td {
                                @if network.seen.is_empty() { "none" } @else {
                                    span class="mark void" { "void" } " " (network.seen.join(", "))
                                }
                            }
                            td { code { (short(&network.digest)) "…" } }
                        }
                    }
                }
            }
        },
    )
}

/// A network's digest and card, whole.
fn card(network: &ScoredNetwork) -> Markup {
    let card = serde_json::to_string_pretty(&network.card)
        .expect("a card is numbers, texts and lists of texts");
    html! {
        details {
            summary { "Card of " (network.name) }
            p class="small" { "BLAKE3 of its file: " code { (network.digest) } }
            pre tabindex="0" { (card) }
        }
    }
}
