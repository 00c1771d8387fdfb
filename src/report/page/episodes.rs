//! Meta-Dataset's episodes on the page.

use maud::{Markup, html};

use super::charts::bar;
use super::scores::{
    PARTS, caption, frame, heading_row, look, name_cell, published_part, scale_column,
};
use crate::eval::{Episodes, Evaluation, Role};
use crate::report::figures::{EPISODES, episode_shape, interval, percent};
use crate::report::published::{Task, beside};

/// Columns of the table.
const COLUMNS: usize = 4;

/// The table of episodes.
pub(super) fn section(evaluation: &Evaluation, episodes: &Episodes) -> Markup {
    let published = beside(evaluation, Some(Task::Episodes));
    let of = |role: Role| {
        let systems = episodes.systems.iter();
        systems.filter(move |system| system.role == role)
    };
    let reference = of(Role::Network).next().map(|system| system.percent);
    let title = episode_shape(episodes);
    html! {
        section id="episodes" {
            h2 { (EPISODES) }
            (frame(&title, html! {
                table class="scores" {
                    (caption(&title))
                    thead {
                        tr {
                            th scope="col" { "System" }
                            th scope="col" class="figure" { "Right" }
                            (scale_column())
                            th scope="col" class="figure" { "95% interval" br; small { "over episodes" } }
                        }
                    }
                    @for (role, heading) in PARTS {
                        @if role == Role::Baseline && !published.is_empty() {
                            (published_part("Published", COLUMNS, published, reference))
                        }
                        @if of(role).next().is_some() {
                            tbody {
                                (heading_row(heading, COLUMNS))
                                @for system in of(role) {
                                    tr {
                                        (name_cell(evaluation, &system.system, system.role))
                                        td class="figure" { b { (percent(system.percent)) } }
                                        td { (bar(system.percent, Some(system.interval), look(system.role), reference)) }
                                        td class="figure" { (interval(system.interval)) }
                                    }
                                }
                            }
                        }
                    }
                }
            }))
            @if !published.is_empty() { p class="small" { (Task::Episodes.caveat()) } }
        }
    }
}
