//! Line charts as SVG: axes, lines told apart by dash and letter, and a legend.
//!
//! Colours, dashes and sizes of text are the style sheet's. Numbers that are not finite are left
//! out, so that no input makes a chart that a browser refuses.

use maud::{Markup, html};

use crate::report::figures::{count, number};

/// Width and height of a chart in its own units, near CSS pixels.
const WIDTH: f64 = 420.0;
const HEIGHT: f64 = 310.0;
/// Edges of the area that is plotted on.
const LEFT: f64 = 50.0;
const RIGHT: f64 = WIDTH - 26.0;
const TOP: f64 = 34.0;
const BOTTOM: f64 = HEIGHT - 50.0;
/// Least distance between two letters at the ends of lines.
const LETTER_STEP: f64 = 15.0;
/// Most points of a line; more are averaged.
const MOST_POINTS: usize = 240;
/// Colours and dashes that the style sheet has.
const STYLES: usize = 6;

/// One axis: its ends, and where its ticks are.
#[derive(Clone, Debug)]
pub(super) struct Axis<'a> {
    title: &'a str,
    low: f64,
    high: f64,
    step: f64,
}

impl<'a> Axis<'a> {
    /// An axis from 0 to 100.
    pub(super) fn percent(title: &'a str) -> Axis<'a> {
        Axis {
            title,
            low: 0.0,
            high: 100.0,
            step: 20.0,
        }
    }

    /// An axis that all the finite values fit on. Its ends are ticks if they are to be round.
    pub(super) fn covering(
        title: &'a str,
        values: impl Iterator<Item = f64>,
        round: bool,
    ) -> Axis<'a> {
        let finite = values.filter(|value| value.abs() < 1e15); // NaN is not below anything
        let (low, high) = finite.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
            (low.min(value), high.max(value))
        });
        let (low, high) = if low > high { (0.0, 1.0) } else { (low, high) };
        // One value alone still needs room on both sides.
        let least = (low.abs() * 1e-6).max(1e-9);
        let (low, high) = if high - low < least {
            (low - 0.5, high + 0.5)
        } else {
            (low, high)
        };
        let rough = (high - low) / 5.0;
        let power = 10f64.powf(rough.log10().floor());
        let factors = [1.0, 2.0, 5.0, 10.0];
        let step = factors.map(|factor| factor * power);
        let step = (step.into_iter().find(|&step| step >= 0.999 * rough)).unwrap_or(rough);
        if round {
            let (low, high) = ((low / step).floor() * step, (high / step).ceil() * step);
            Axis {
                title,
                low,
                high,
                step,
            }
        } else {
            Axis {
                title,
                low,
                high,
                step,
            }
        }
    }

    /// Where a value lies, 0 to 1; what is off the axis lies at its end.
    fn share(&self, value: f64) -> f64 {
        ((value - self.low) / (self.high - self.low)).clamp(0.0, 1.0)
    }

    fn ticks(&self) -> Vec<f64> {
        let first = (self.low / self.step - 1e-6).ceil();
        let last = (self.high / self.step + 1e-6).floor();
        let count = (last - first).clamp(0.0, 20.0) as usize;
        (0..=count)
            .map(|tick| (first + tick as f64) * self.step)
            .collect()
    }

    /// A tick's number: as many decimals as the step has, thousands as k, millions as M.
    fn label(&self, tick: f64) -> String {
        let most = self.low.abs().max(self.high.abs());
        let (scale, unit) = match most {
            1e9.. => return format!("{tick:.1e}"),
            2e6.. => (1e6, "M"),
            2e4.. => (1e3, "k"),
            _ => (1.0, ""),
        };
        let decimals = (-(self.step / scale).log10() - 1e-9).ceil().clamp(0.0, 9.0) as usize;
        let text = number(tick / scale, decimals);
        let text = text.parse().map_or(text, count);
        if tick == 0.0 { text } else { text + unit }
    }
}

/// A line of a chart.
#[derive(Clone, Debug)]
pub(super) struct Line {
    /// What the legend calls it.
    pub(super) name: String,
    /// Its points, ascending by the first number.
    pub(super) points: Vec<[f64; 2]>,
    /// Whether it is what guessing gives: thin, grey and dotted, without a letter.
    pub(super) guess: bool,
}

/// Where the letters of lines stand.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Letters {
    /// At the right end of each line.
    Ends,
    /// Where the line meets the falling diagonal: a ROC's point of equal errors.
    Diagonal,
}

/// A chart with a legend below. `label` says in a sentence what it shows.
pub(super) fn line_chart(
    label: &str,
    x: &Axis,
    y: &Axis,
    lines: &[Line],
    letters: Letters,
) -> Markup {
    let places: Vec<Vec<[f64; 2]>> = lines.iter().map(|line| places(line, x, y)).collect();
    let marks = match letters {
        Letters::Ends => end_marks(lines, &places),
        Letters::Diagonal => diagonal_marks(lines, &places),
    };
    html! {
        div class="chart" {
            svg class="plot" viewBox=(format!("0 0 {WIDTH} {HEIGHT}")) role="img" aria-label=(label) {
                title { (label) }
                (axes(x, y))
                @for (place, (line, points)) in lines.iter().zip(&places).enumerate() {
                    (polyline(points, &style(lines, place, line)))
                }
                @for (place, [x, y]) in marks {
                    text class={ "letter " (style(lines, place, &lines[place])) }
                        x=(coordinate(x)) y=(coordinate(y + 5.0)) { (letter(lines, place)) }
                }
            }
            (legend(lines))
        }
    }
}

/// A chart of a line, and of points of two kinds that it is drawn over: filled ones as its own,
/// and pale ones.
pub(super) fn scatter_chart(
    label: &str,
    (x, y): (&Axis, &Axis),
    line: Line,
    [filled, pale]: [Line; 2],
) -> Markup {
    let dots = [(places(&filled, x, y), "s0"), (places(&pale, x, y), "s1")];
    html! {
        div class="chart" {
            svg class="plot" viewBox=(format!("0 0 {WIDTH} {HEIGHT}")) role="img" aria-label=(label) {
                title { (label) }
                (axes(x, y))
                polyline class="line s0" points=(path(&places(&line, x, y))) {}
                @for (points, style) in &dots {
                    @for &[x, y] in points {
                        circle class={ "dot " (style) } cx=(coordinate(x)) cy=(coordinate(y)) r="3" {}
                    }
                }
            }
            (legend(&[line, pale]))
        }
    }
}

/// The points of a line on the chart; long lines are thinned to means of neighbours.
fn places(line: &Line, x: &Axis, y: &Axis) -> Vec<[f64; 2]> {
    let finite = |[x, y]: &&[f64; 2]| x.is_finite() && y.is_finite();
    let points: Vec<[f64; 2]> = line.points.iter().filter(finite).copied().collect();
    let size = points.len().div_ceil(MOST_POINTS).max(1);
    let mean = |points: &[[f64; 2]], axis: usize| {
        points.iter().map(|point| point[axis]).sum::<f64>() / points.len() as f64
    };
    (points.chunks(size))
        .map(|points| {
            [
                LEFT + (RIGHT - LEFT) * x.share(mean(points, 0)),
                BOTTOM - (BOTTOM - TOP) * y.share(mean(points, 1)),
            ]
        })
        .collect()
}

fn axes(x: &Axis, y: &Axis) -> Markup {
    html! {
        text class="axis-title" x="4" y="16" { (y.title) }
        @for tick in y.ticks() {
            @let at = coordinate(BOTTOM - (BOTTOM - TOP) * y.share(tick));
            line class="grid" x1=(LEFT) x2=(RIGHT) y1=(at) y2=(at) {}
            text class="tick" text-anchor="end" dominant-baseline="central" x=(LEFT - 8.0) y=(at) {
                (y.label(tick))
            }
        }
        @for tick in x.ticks() {
            @let at = coordinate(LEFT + (RIGHT - LEFT) * x.share(tick));
            line class="axis" x1=(at) x2=(at) y1=(BOTTOM) y2=(BOTTOM + 5.0) {}
            text class="tick" text-anchor="middle" x=(at) y=(BOTTOM + 20.0) { (x.label(tick)) }
        }
        line class="axis" x1=(LEFT) x2=(RIGHT) y1=(BOTTOM) y2=(BOTTOM) {}
        text class="axis-title" text-anchor="end" x=(RIGHT) y=(HEIGHT - 8.0) { (x.title) }
    }
}

fn polyline(points: &[[f64; 2]], style: &str) -> Markup {
    html! {
        @if points.len() > 1 {
            polyline class={ "line " (style) } points=(path(points)) {}
        }
        @if points.len() <= 24 {
            @for &[x, y] in points {
                circle class={ "dot " (style) } cx=(coordinate(x)) cy=(coordinate(y)) r="2.6" {}
            }
        }
    }
}

fn path(points: &[[f64; 2]]) -> String {
    let points = points.iter();
    let texts: Vec<String> = points
        .map(|&[x, y]| format!("{},{}", coordinate(x), coordinate(y)))
        .collect();
    texts.join(" ")
}

/// Letters beside the last points, moved apart where they would touch.
fn end_marks(lines: &[Line], places: &[Vec<[f64; 2]>]) -> Vec<(usize, [f64; 2])> {
    let lettered = lines.iter().zip(places).enumerate();
    let mut marks: Vec<(usize, [f64; 2])> = lettered
        .filter(|(_, (line, _))| !line.guess)
        .filter_map(|(place, (_, points))| points.last().map(|&[x, y]| (place, [x + 13.0, y])))
        .collect();
    marks.sort_by(|a, b| a.1[1].total_cmp(&b.1[1]));
    for place in 1..marks.len() {
        let least = marks[place - 1].1[1] + LETTER_STEP;
        marks[place].1[1] = marks[place].1[1].max(least);
    }
    // What was pushed below the plot moves up again, and pushes what is above it.
    let mut most = BOTTOM;
    for mark in marks.iter_mut().rev() {
        mark.1[1] = mark.1[1].min(most);
        most = mark.1[1] - LETTER_STEP;
    }
    marks
}

/// Letters inside the curve where it meets the falling diagonal.
fn diagonal_marks(lines: &[Line], places: &[Vec<[f64; 2]>]) -> Vec<(usize, [f64; 2])> {
    let mut marks: Vec<(usize, f64)> = Vec::new();
    for (place, (line, points)) in lines.iter().zip(places).enumerate() {
        let x = |point: &[f64; 2]| (point[0] - LEFT) / (RIGHT - LEFT);
        let y = |point: &[f64; 2]| (BOTTOM - point[1]) / (BOTTOM - TOP);
        let meets = points.iter().find(|&point| x(point) + y(point) >= 1.0);
        if let (false, Some(point)) = (line.guess, meets) {
            marks.push((place, x(point)));
        }
    }
    marks.sort_by(|a, b| a.1.total_cmp(&b.1));
    let mut least = 0.0;
    marks
        .into_iter()
        .map(|(place, share)| {
            // Right below the curve, along the diagonal.
            let share = f64::max(share + 0.035, least);
            least = share + 0.05;
            let share = share.min(0.97);
            let at = [LEFT + (RIGHT - LEFT) * share, TOP + (BOTTOM - TOP) * share];
            (place, at)
        })
        .collect()
}

fn legend(lines: &[Line]) -> Markup {
    html! {
        ul class="legend" {
            @for (place, line) in lines.iter().enumerate() {
                @let style = style(lines, place, line);
                li {
                    svg class="swatch" viewBox="0 0 34 14" aria-hidden="true" {
                        line class={ "line " (style) } x1="1" x2="33" y1="7" y2="7" {}
                    }
                    @if !line.guess {
                        b class={ "key " (style) } { (letter(lines, place)) }
                    }
                    span { (line.name) }
                }
            }
        }
    }
}

/// How many lines before this one have a letter.
fn rank(lines: &[Line], place: usize) -> usize {
    lines[..place].iter().filter(|line| !line.guess).count()
}

fn style(lines: &[Line], place: usize, line: &Line) -> String {
    if line.guess {
        "guess".to_owned()
    } else {
        format!("s{}", rank(lines, place) % STYLES)
    }
}

/// A to Z, then numbers.
fn letter(lines: &[Line], place: usize) -> String {
    let rank = rank(lines, place);
    match u8::try_from(rank) {
        Ok(rank @ 0..26) => char::from(b'A' + rank).to_string(),
        _ => (rank + 1).to_string(),
    }
}

/// A coordinate to a tenth, which no eye can tell from the number itself.
pub(super) fn coordinate(value: f64) -> String {
    let text = number(value, 1);
    text.strip_suffix(".0").map(str::to_owned).unwrap_or(text)
}

/// What a bar stands for, by its look.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Bar {
    /// A network of this report: filled.
    Ours,
    /// A network with something added: striped.
    Variant,
    /// What it is compared with here: filled, pale.
    Other,
    /// A published figure: an outline.
    Published,
}

/// A bar for a table's cell, 0 to 100 percent, with an interval and lines for the first
/// network and for guessing. It repeats what the row says in figures, so it is hidden from
/// those who listen.
pub(super) fn bar(
    percent: f64,
    interval: Option<[f64; 2]>,
    kind: Bar,
    reference: Option<f64>,
) -> Markup {
    let share = |value: f64| coordinate(value.clamp(0.0, 100.0)) + "%";
    let class = match kind {
        Bar::Ours => "ours",
        Bar::Variant => "variant",
        Bar::Other => "other",
        Bar::Published => "published",
    };
    html! {
        svg class="bar" aria-hidden="true" focusable="false" {
            line class="grid" x1="0" x2="0" y1="0" y2="24" {}
            line class="grid" x1="50%" x2="50%" y1="0" y2="24" {}
            line class="grid" x1="100%" x2="100%" y1="0" y2="24" {}
            @if percent.is_finite() {
                rect class=(class) x="0" y="6" width=(share(percent)) height="12" {}
            }
            @if let Some(reference) = reference.filter(|value| value.is_finite()) {
                line class="reference" x1=(share(reference)) x2=(share(reference)) y1="0" y2="24" {}
            }
            @if let Some([low, high]) = interval.filter(|ends| ends.iter().all(|e| e.is_finite())) {
                line class="whisker" x1=(share(low)) x2=(share(high)) y1="12" y2="12" {}
                line class="whisker" x1=(share(low)) x2=(share(low)) y1="8.5" y2="15.5" {}
                line class="whisker" x1=(share(high)) x2=(share(high)) y1="8.5" y2="15.5" {}
            }
        }
    }
}
