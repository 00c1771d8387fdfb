//! Drawings on the page: failed tasks, nearest drawings, and the map of an alphabet.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use maud::{Markup, html};

use super::charts::coordinate;
use crate::archive::picture_to_png;
use crate::eval::{EmbeddingMap, Failure, Gallery, Neighbours};
use crate::image::Picture;
use crate::report::figures::number;

/// A drawing as a picture that the page itself holds.
fn picture(drawing: &Picture, alt: &str, title: Option<&str>) -> Markup {
    let source = format!(
        "data:image/png;base64,{}",
        STANDARD.encode(picture_to_png(drawing))
    );
    html! {
        span class="ink" { img src=(source) alt=(alt) title=[title] width="105" height="105"; }
    }
}

/// Failed tasks that are shown at once; more of them are folded away.
const SHOWN: usize = 9;

/// Tasks that the network failed.
pub(super) fn failures(gallery: &Gallery) -> Markup {
    html! {
        section id="failures" {
            h2 { "Questions it got wrong" }
            p class="lead" {
                "Left: the drawing to classify. Right: one drawing of each character to choose \
                 among, with the similarity that " b { (gallery.network) } " found. "
            }
            (cards(&gallery.failures, "what it chose"))
        }
    }
}

/// Tasks that all networks failed alike.
pub(super) fn shared(gallery: &Gallery) -> Markup {
    html! {
        section id="shared" {
            h2 { "Questions that all networks got wrong alike" }
            p class="lead" {
                "Each network chose the same wrong character. More networks of their kind would \
                 not mend these."
            }
            (cards(&gallery.shared, "what all chose"))
        }
    }
}

/// Failed tasks, the first of them in sight.
fn cards(failures: &[Failure], chosen: &str) -> Markup {
    let (shown, folded) = failures.split_at(SHOWN.min(failures.len()));
    html! {
        ul class="key-row" {
            li { span class="way right sample" {} "solid frame, ✓: the right answer" }
            li { span class="way chosen sample" {} "dashed frame, ✗: " (chosen) }
        }
        div class="cards" {
            @for failure in shown { (card(failure)) }
        }
        @if !folded.is_empty() {
            details {
                summary { "Show " (folded.len()) " more" }
                div class="cards" {
                    @for failure in folded { (card(failure)) }
                }
            }
        }
    }
}

fn card(failure: &Failure) -> Markup {
    let similarity = |way: usize| {
        let found = failure.similarities.get(way);
        found.map_or_else(String::new, |&similarity| number(similarity, 2))
    };
    html! {
        article class="card" {
            h3 { (failure.place) }
            div class="task" {
                figure class="query" {
                    (picture(&failure.query, "the drawing to classify", None))
                    figcaption { "query" }
                }
                div class="support" {
                    @for (way, page) in failure.support.iter().enumerate() {
                        @let (class, alt, word) = part(failure, way);
                        figure class={ "way " (class) } {
                            (picture(page, &format!("way {}{alt}", way + 1), None))
                            figcaption {
                                (similarity(way))
                                @if !word.is_empty() { b { (word) } }
                            }
                        }
                    }
                }
            }
            @if failure.chosen.is_none() {
                p class="small" { "No way stood out: two shared the first place. A tie is no answer." }
            }
        }
    }
}

/// Class, spoken words and written word of a way.
fn part(failure: &Failure, way: usize) -> (&'static str, &'static str, &'static str) {
    if way == failure.answer {
        ("right", ", the right answer", "✓ right")
    } else if failure.chosen == Some(way) {
        ("chosen", ", chosen, wrong", "✗ chosen")
    } else {
        ("", "", "")
    }
}

/// Drawings and those nearest to them.
pub(super) fn neighbours(gallery: &Gallery) -> Markup {
    html! {
        section id="nearest" {
            h2 { "Nearest drawings" }
            p class="lead" {
                "What " b { (gallery.network) } " finds most alike among all drawings of alphabets \
                 it has not seen, the nearest first."
            }
            ul class="key-row" {
                li { span class="way right sample" {} "solid frame, ✓: the same character" }
                li { span class="way chosen sample" {} "dashed frame, ✗: another" }
            }
            div class="cards" {
                @for neighbours in &gallery.neighbours {
                    (row(neighbours))
                }
            }
        }
    }
}

fn row(neighbours: &Neighbours) -> Markup {
    html! {
        article class="card" {
            h3 { (neighbours.label) }
            div class="task" {
                figure class="query" {
                    (picture(&neighbours.query, "the drawing", None))
                    figcaption { "drawing" }
                }
                div class="support" {
                    @for near in &neighbours.nearest {
                        @let (class, word) = if near.same { ("right", "✓ same") } else { ("chosen", "✗ other") };
                        figure class={ "way " (class) } {
                            (picture(&near.page, &near.label, Some(&near.label)))
                            figcaption { (number(near.similarity, 2)) b { (word) } }
                        }
                    }
                }
            }
        }
    }
}

/// An alphabet as the network sees it: each drawing is its own mark, joined to the middle of
/// its character's drawings.
pub(super) fn map(network: &str, map: &EmbeddingMap) -> Markup {
    let label = format!(
        "{} drawings of {} characters of {} laid out in the plane, near each other if the \
         network finds them alike",
        map.points.len(),
        map.characters.len(),
        map.alphabet
    );
    // Room at the edges for half a drawing.
    let place = |share: f64| {
        3.0 + 94.0
            * if share.is_finite() {
                share.clamp(0.0, 1.0)
            } else {
                0.5
            }
    };
    let middles = middles(map);
    html! {
        section id="map" {
            h2 { "An unseen alphabet as the network sees it" }
            p class="lead" {
                b { (map.alphabet) } ": drawings lie near each other where " b { (network) } " finds \
                 them alike (t-SNE: near means alike, far says little). A thin line joins each to the \
                 middle of its character's drawings; a long line is a drawing among strangers."
            }
            div class="map" role="img" aria-label=(label) {
                svg viewBox="0 0 100 100" preserveAspectRatio="none" aria-hidden="true" {
                    @for point in &map.points {
                        @if let Some(Some(middle)) = middles.get(point.character) {
                            line class={ "spoke s" (point.character % 6) }
                                x1=(hundredth(place(middle[0]))) y1=(hundredth(place(middle[1])))
                                x2=(hundredth(place(point.at[0]))) y2=(hundredth(place(point.at[1]))) {}
                        }
                    }
                }
                @for point in &map.points {
                    @let name = map.characters.get(point.character).map(String::as_str);
                    span style=(format!("left:{}%;top:{}%", coordinate(place(point.at[0])), coordinate(place(point.at[1])))) {
                        (picture(&point.page, "", name))
                    }
                }
            }
        }
    }
}

fn hundredth(value: f64) -> String {
    number(value, 2)
}

/// The middle of each character's points; none where it has no points.
fn middles(map: &EmbeddingMap) -> Vec<Option<[f64; 2]>> {
    (0..map.characters.len())
        .map(|character| {
            let own = map
                .points
                .iter()
                .filter(|point| point.character == character);
            let own: Vec<[f64; 2]> = own.map(|point| point.at).collect();
            let mean = |axis: usize| own.iter().map(|at| at[axis]).sum::<f64>() / own.len() as f64;
            (!own.is_empty()).then(|| [mean(0), mean(1)])
        })
        .collect()
}
