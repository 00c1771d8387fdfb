//! A batch as a picture: every drawing just as the network gets it, with what it is.

use super::canvas::{Canvas, Ink, LETTER_WIDTH, LINE_HEIGHT};
use super::contact::{FRAME, GAP, MARGIN, MOST_CELLS, SheetError, letters};
use crate::distort::Pixel;
use crate::loader::{ClassBatch, PairBatch, TableBatch, TaskBatch};
use crate::store::{DrawingId, Store};

/// The most pixels of a sheet: 400 MB while it is drawn.
const MOST_PIXELS: u64 = 1 << 27;

/// One picture of a panel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cell {
    /// `side`² pixels row by row, 255 for full ink.
    pub ink: Vec<u8>,
    /// A word or two below it.
    pub caption: String,
    /// Whether it has the frame of what is right.
    pub marked: bool,
}

/// What belongs together: a pair, a task, or all drawings by class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Panel {
    /// The line above it.
    pub heading: String,
    /// Cells side by side, at least 1.
    pub columns: usize,
    /// Its pictures.
    pub cells: Vec<Cell>,
    /// Lines of text beside them.
    pub lines: Vec<String>,
}

/// A batch that can be drawn.
pub trait Replay {
    /// The panels of batch number `index` of a stream over `store`.
    fn panels(&self, store: &Store, index: u64) -> Vec<Panel>;
}

/// Alphabet, character and drawer of a drawing.
fn name(store: &Store, id: DrawingId) -> String {
    let entry = store.character(store.character_of(id));
    let alphabet = &store.alphabet(entry.alphabet).name;
    format!("{alphabet}/{}, drawer {}", entry.name, drawer(store, id))
}

fn drawer(store: &Store, id: DrawingId) -> u16 {
    let character = store.character_of(id);
    let place = id - store.character(character).drawings.start;
    let drawer = store.drawers(character).nth(place as usize);
    drawer.expect("every drawing has a drawer")
}

fn cell<P: Pixel>(pixels: &[P], caption: &str, marked: bool) -> Cell {
    let full: f64 = P::INK.into();
    // A pixel of whole steps of 1/255 stays what it is; others are rounded for the eye.
    let byte = |&pixel: &P| (255.0 * pixel.into() / full).round() as u8;
    Cell {
        ink: pixels.iter().map(byte).collect(),
        caption: caption.to_owned(),
        marked,
    }
}

impl<P: Pixel> PairBatch<P> {
    fn panel(&self, store: &Store, place: usize, heading: &str) -> Panel {
        let item = self.items[place];
        let kind = if item.same { "same" } else { "different" };
        let [left, right] = self.pictures(place);
        Panel {
            heading: format!("{heading}: {kind}"),
            columns: 2,
            cells: vec![
                cell(left, "left", item.same),
                cell(right, "right", item.same),
            ],
            lines: vec![name(store, item.left), name(store, item.right)],
        }
    }
}

impl<P: Pixel> Replay for PairBatch<P> {
    fn panels(&self, store: &Store, index: u64) -> Vec<Panel> {
        let pairs = self.items.len();
        let first = index * pairs as u64;
        (0..pairs)
            .map(|place| self.panel(store, place, &format!("pair {}", first + place as u64)))
            .collect()
    }
}

impl<P: Pixel> Replay for TableBatch<P> {
    fn panels(&self, store: &Store, _: u64) -> Vec<Panel> {
        let panel = |(place, entry): (usize, &crate::sample::TableEntry)| {
            let heading = format!("pair {}, copy {}", entry.pair, entry.copy);
            self.pairs.panel(store, place, &heading)
        };
        self.entries.iter().enumerate().map(panel).collect()
    }
}

impl<P: Pixel> Replay for TaskBatch<P> {
    fn panels(&self, store: &Store, index: u64) -> Vec<Panel> {
        let tasks = self.tasks.len();
        let queries = self.queries.chunks_exact(self.queries.len() / tasks);
        let supports = self.support.chunks_exact(self.support.len() / tasks);
        let numbers = index * tasks as u64..;
        (numbers.zip(&self.tasks).zip(queries.zip(supports)))
            .map(|((number, task), (query, support))| {
                // Each way is another character, so the first one's drawings tell the shots.
                let shown = |&id: &DrawingId| store.character_of(id);
                let first = shown(&task.support[0]);
                let shots = task.support.iter().map(shown);
                let shots = shots.take_while(|&way| way == first).count();
                let pictures = support.chunks_exact(query.len()).enumerate();
                let support = pictures.map(|(place, picture)| {
                    let way = place / shots;
                    cell(picture, &format!("way {way}"), way == task.answer)
                });
                let ways = task.support.len() / shots;
                let lines = task.support.chunks_exact(shots).enumerate();
                let lines = lines.map(|(way, drawings)| {
                    let mut line = format!("way {way}: {}", name(store, drawings[0]));
                    for &id in &drawings[1..] {
                        line += &format!(" and {}", drawer(store, id));
                    }
                    line
                });
                let asked = format!("query: {}", name(store, task.query));
                Panel {
                    heading: format!("task {number}: the query shows way {}", task.answer),
                    columns: (ways as f64).sqrt().ceil() as usize * shots,
                    cells: support.chain([cell(query, "query", false)]).collect(),
                    lines: [asked].into_iter().chain(lines).collect(),
                }
            })
            .collect()
    }
}

impl<P: Pixel> Replay for ClassBatch<P> {
    fn panels(&self, store: &Store, index: u64) -> Vec<Panel> {
        let drawings = self.classes.len();
        let pictures = self.images.chunks_exact(self.images.len() / drawings);
        let all = self.classes.iter().zip(pictures).enumerate();
        let cells = all.map(|(place, (class, picture))| {
            let caption = format!("{place}: {class}");
            cell(picture, &caption, place < self.alphabet_part)
        });
        let own = self.items.iter().map(|item| {
            let names = name(store, item.drawing);
            format!("{names}, pose {}", item.pose)
        });
        let composed = self.composed.iter().map(|drawing| {
            let [base, other] = drawing.drawings.map(|id| name(store, id));
            format!("{base}, with {other}")
        });
        let lines = own.chain(composed).enumerate();
        let lines = lines.map(|(place, line)| format!("{place}: {line}"));
        vec![Panel {
            heading: format!("batch {index}: place and class; framed: of one alphabet"),
            columns: (drawings as f64).sqrt().ceil() as usize,
            cells: cells.collect(),
            lines: lines.collect(),
        }]
    }
}

/// Measures of one panel.
struct Measure {
    /// From one cell to the next: to the right, and down.
    step: (u32, u32),
    /// Where the lines begin, from the panel's left.
    lines: u32,
    size: (u32, u32),
}

impl Measure {
    fn of(panel: &Panel, side: u32) -> Measure {
        let captions = panel.cells.iter().map(|cell| letters(&cell.caption));
        let caption = captions.max().unwrap_or(0) * LETTER_WIDTH;
        let step = (
            side.max(caption) + GAP + FRAME,
            side + LINE_HEIGHT + GAP + FRAME,
        );
        let columns = panel.columns as u32;
        let rows = (panel.cells.len() as u32).div_ceil(columns);
        let texts = panel.lines.iter().map(|line| letters(line));
        let lines = FRAME + columns * step.0;
        let width = lines + texts.max().unwrap_or(0) * LETTER_WIDTH;
        let height = (rows * step.1).max(panel.lines.len() as u32 * LINE_HEIGHT);
        Measure {
            step,
            lines,
            size: (
                width.max(letters(&panel.heading) * LETTER_WIDTH) + 3 * GAP,
                LINE_HEIGHT + GAP + height + GAP,
            ),
        }
    }
}

/// Draws panels of pictures `side` pixels wide, one pixel for each; what is right has a solid
/// frame, and the headings say it in words.
///
/// # Errors
/// [`SheetError::TooMany`] if the panels have more than [`MOST_CELLS`] pictures, and
/// [`SheetError::TooLarge`] if the sheet would have more than 2^27 pixels.
///
/// # Panics
/// If there are no panels, or a picture does not have `side`² pixels.
pub fn replay_sheet(title: &str, side: usize, panels: &[Panel]) -> Result<Canvas, SheetError> {
    assert!(!panels.is_empty(), "a sheet of no panels");
    let cells = panels.iter().map(|panel| panel.cells.len()).sum();
    if cells > MOST_CELLS {
        return Err(SheetError::TooMany { cells });
    }
    let side = side as u32;
    let measures: Vec<_> = panels.iter().map(|p| Measure::of(p, side)).collect();
    let most = |size: fn(&Measure) -> u32| measures.iter().map(size).max().unwrap_or(0);
    let step = (most(|m| m.size.0), most(|m| m.size.1));
    // Panels are wider than high or the other way round: a sheet that is about square.
    let columns = (panels.len() as f64 * f64::from(step.1) / f64::from(step.0)).sqrt();
    let columns = (columns.round() as u32).clamp(1, panels.len() as u32);
    let rows = (panels.len() as u32).div_ceil(columns);
    let width = (columns * step.0).max(letters(title) * LETTER_WIDTH);
    let top = MARGIN + LINE_HEIGHT + GAP;
    let (width, height) = (width + 2 * MARGIN, top + rows * step.1 + MARGIN);
    if u64::from(width) * u64::from(height) > MOST_PIXELS {
        return Err(SheetError::TooLarge { width, height });
    }
    let mut canvas = Canvas::new(width, height);
    canvas.text(MARGIN, MARGIN, title, Ink::Black);
    for (index, (panel, measure)) in (0u32..).zip(panels.iter().zip(&measures)) {
        let (column, row) = (index % columns, index / columns);
        let place = (MARGIN + column * step.0, top + row * step.1);
        draw_panel(&mut canvas, place, side, panel, measure);
    }
    Ok(canvas)
}

fn draw_panel(
    canvas: &mut Canvas,
    (x, y): (u32, u32),
    side: u32,
    panel: &Panel,
    measure: &Measure,
) {
    canvas.text(x, y, &panel.heading, Ink::Black);
    let top = y + LINE_HEIGHT + GAP;
    for (index, cell) in panel.cells.iter().enumerate() {
        let column = (index % panel.columns) as u32;
        let row = (index / panel.columns) as u32;
        let place = (
            x + FRAME + column * measure.step.0,
            top + row * measure.step.1,
        );
        canvas.grey(place.0, place.1, side, &cell.ink);
        canvas.frame(place, side, 1, Ink::Grey);
        if cell.marked {
            canvas.frame(place, side, FRAME, Ink::Right);
        }
        canvas.text(place.0, place.1 + side + FRAME, &cell.caption, Ink::Black);
    }
    for (index, line) in (0u32..).zip(&panel.lines) {
        let y = top + index * LINE_HEIGHT;
        canvas.text(x + measure.lines, y, line, Ink::Black);
    }
}
