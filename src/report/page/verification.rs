//! Koch's verification task on the page: its table and the ROC.

use maud::{Markup, html};

use super::charts::bar;
use super::curves::roc;
use super::scores::{
    PARTS, caption, frame, heading_row, look, name_cell, published_part, scale_column,
};
use crate::eval::{Evaluation, Role, Verification, VerificationScore};
use crate::report::figures::{count, interval, number, percent};
use crate::report::published::{Task, beside};

/// The table of a verification and the ROC.
pub(super) fn section(evaluation: &Evaluation, verification: &Verification) -> Markup {
    let published = beside(evaluation, Some(Task::Verification));
    let systems = &verification.systems;
    let of = |role: Role| systems.iter().filter(move |system| system.role == role);
    let reference = of(Role::Network).next().map(|system| system.percent);
    let title = format!(
        "verification: {} pairs, half of them same, of {}",
        count(verification.pairs),
        verification.scored_on
    );
    html! {
        section id="verification" {
        h2 { "Verification: same or different?" }
        p class="lead" {
            "Do two drawings show one character? " (count(verification.pairs)) " pairs, half of them \
             same, of " (verification.scored_on) ". Each threshold was chosen on other pairs: "
            (verification.chosen_on) "."
        }
        (frame(&title, html! {
            table class="scores" {
                (caption(&title))
                thead {
                    tr {
                        th scope="col" { "System" }
                        th scope="col" class="figure" { "Right" }
                        (scale_column())
                        th scope="col" class="figure" { "95% interval" br; small { "Wilson" } }
                        th scope="col" class="figure" { "Area under ROC" br; small { "bootstrap, 95%" } }
                        th scope="col" class="figure" { "Equal error, %" br; small { "bootstrap, 95%" } }
                    }
                }
                @for (role, heading) in PARTS {
                    @if role == Role::Baseline && !published.is_empty() {
                        (published_part("Published, by the pairs trained on", 6, published, reference))
                    }
                    @if of(role).next().is_some() {
                        tbody class=[(role == Role::Variant).then_some("variants")] {
                            (heading_row(heading, 6))
                            @for system in of(role) { (verification_row(evaluation, system, reference)) }
                        }
                    }
                }
            }
        }))
        @if !published.is_empty() { p class="small" { (Task::Verification.caveat()) } }
        (roc(systems))
        }
    }
}

fn verification_row(
    evaluation: &Evaluation,
    system: &VerificationScore,
    reference: Option<f64>,
) -> Markup {
    let [low, high] = system.auc_interval;
    html! {
        tr {
            (name_cell(evaluation, &system.system, system.role))
            td class="figure" { b { (percent(system.percent)) } }
            td { (bar(system.percent, Some(system.interval), look(system.role), reference)) }
            td class="figure" { (interval(system.interval)) }
            td class="figure" {
                (number(system.auc, 4)) br; small { (number(low, 4)) " to " (number(high, 4)) }
            }
            td class="figure" {
                (number(system.equal_error, 2)) br;
                small { (interval(system.equal_error_interval)) }
            }
        }
    }
}
