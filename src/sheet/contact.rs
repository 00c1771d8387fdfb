//! Sheets of many drawings: an alphabet by character and drawer, and one-shot tasks with
//! the right answer and, if a model was asked, its answer.

use thiserror::Error;

use super::canvas::{Canvas, Ink, LETTER_WIDTH, LINE_HEIGHT, Scale};
use crate::archive::Scanned;
use crate::image::{Drawn, Shades};
use crate::store::{AlphabetId, Decoder, DrawingId, Store, StoreError};

/// The most drawings on a sheet; a sheet of as many has some 30 million pixels.
pub const MOST_CELLS: usize = 10_000;
/// White around the sheet.
pub(super) const MARGIN: u32 = 12;
/// White between two drawings.
pub(super) const GAP: u32 = 8;
/// Thickness of the frames that say something.
pub(super) const FRAME: u32 = 3;

/// Why a sheet could not be drawn.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SheetError {
    /// A drawing could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// More than fits a picture that one can look at.
    #[error("{cells} drawings are too many for one sheet; the most is {MOST_CELLS}")]
    TooMany {
        /// Rows times columns of the sheet.
        cells: usize,
    },
    /// Few enough drawings, with too much room or text for each.
    #[error("a picture of {width} x {height} pixels is too large; draw fewer")]
    TooLarge {
        /// Its width.
        width: u32,
        /// Its height.
        height: u32,
    },
}

/// All drawings of an alphabet: a row for each character, a column for each drawer.
///
/// # Errors
/// [`SheetError::Store`] if a block is damaged, [`SheetError::TooMany`] if the sheet
/// would have more than [`MOST_CELLS`] places.
///
/// # Panics
/// If `id` is not below the number of alphabets.
pub fn contact_sheet(store: &Store, id: AlphabetId) -> Result<Canvas, SheetError> {
    let alphabet = store.alphabet(id);
    let mut columns: Vec<u16> = alphabet
        .characters
        .clone()
        .flat_map(|id| store.drawers(id))
        .collect();
    columns.sort_unstable();
    columns.dedup();
    let cells = columns.len() * alphabet.characters.len();
    if cells > MOST_CELLS {
        return Err(SheetError::TooMany { cells });
    }
    let names = (alphabet.characters.clone()).map(|id| letters(&store.character(id).name));
    let label = names.max().unwrap_or(0).min(40) * LETTER_WIDTH + GAP;
    let step = Scale::Half.side() + GAP / 2;
    let (left, top) = (MARGIN + label, MARGIN + 2 * LINE_HEIGHT + GAP);
    let title = format!(
        "{} ({}): {} characters by {} drawers",
        alphabet.name,
        alphabet.split,
        alphabet.characters.len(),
        columns.len()
    );
    let width = (left + columns.len() as u32 * step).max(MARGIN + letters(&title) * LETTER_WIDTH);
    let height = top + alphabet.characters.len() as u32 * step + MARGIN;
    let mut canvas = Canvas::new(width + MARGIN, height);
    canvas.text(MARGIN, MARGIN, &title, Ink::Black);
    for (column, drawer) in (0u32..).zip(&columns) {
        let drawer = drawer.to_string();
        let indent = (Scale::Half.side() - letters(&drawer) * LETTER_WIDTH) / 2;
        let x = left + column * step + indent;
        canvas.text(x, top - LINE_HEIGHT, &drawer, Ink::Black);
    }
    let mut decoder = store.decoder();
    for (row, id) in (0u32..).zip(alphabet.characters.clone()) {
        let y = top + row * step;
        let middle = y + (Scale::Half.side() - LINE_HEIGHT) / 2;
        let name: String = store.character(id).name.chars().take(40).collect();
        canvas.text(MARGIN, middle, &name, Ink::Black);
        let drawings = store.character(id).drawings.clone();
        for (drawing, drawer) in drawings.zip(store.drawers(id)) {
            let column = columns.partition_point(|&known| known < drawer) as u32;
            let x = left + column * step;
            canvas.page(x, y, decoder.drawn(drawing)?, Scale::Half);
            canvas.frame((x, y), Scale::Half.side(), 1, Ink::Grey);
        }
    }
    Ok(canvas)
}

/// A one-shot task and what was answered.
#[derive(Clone, Debug)]
pub struct TaskPicture {
    /// The drawing to classify.
    pub query: Scanned,
    /// One drawing of each class.
    pub support: Vec<Scanned>,
    /// Index of the right class in `support`.
    pub answer: usize,
    /// Index of the class that a model chose.
    pub predicted: Option<usize>,
    /// The model's score for each class.
    pub scores: Option<Vec<f32>>,
}

impl TaskPicture {
    /// A task whose drawings are read from a store; nothing has answered it yet.
    ///
    /// # Errors
    /// If a drawing cannot be read.
    ///
    /// # Panics
    /// If an id is not below the store's number of drawings.
    pub fn read(
        decoder: &mut Decoder,
        query: DrawingId,
        support: &[DrawingId],
        answer: usize,
    ) -> Result<TaskPicture, StoreError> {
        let mut read = |id| decoder.drawn(id).map(kept);
        let query = read(query)?;
        let support = support
            .iter()
            .map(|&id| read(id))
            .collect::<Result<_, _>>()?;
        Ok(TaskPicture {
            query,
            support,
            answer,
            predicted: None,
            scores: None,
        })
    }

    /// Whether the model was right, if it was asked.
    #[must_use]
    pub fn is_right(&self) -> Option<bool> {
        self.predicted.map(|predicted| predicted == self.answer)
    }
}

/// A drawing of its own.
fn kept(drawn: Drawn<'_>) -> Scanned {
    Scanned {
        page: *drawn.page,
        shades: drawn.shades.map(|shades| Shades::new(shades.to_vec())),
    }
}

/// Measures of the panels of a sheet; all have one size.
struct Layout {
    scale: Scale,
    /// Columns and rows of the largest support.
    grid: (u32, u32),
    /// Panels side by side.
    columns: u32,
    /// From one drawing to the next: to the right, and down.
    step: (u32, u32),
    panel: (u32, u32),
}

impl Layout {
    fn of(tasks: &[TaskPicture]) -> Layout {
        let ways = tasks.iter().map(|t| t.support.len()).max().unwrap_or(1);
        let scale = if tasks.len() == 1 {
            Scale::Whole
        } else {
            Scale::Half
        };
        let columns = (ways.max(1) as f64).sqrt().ceil() as u32;
        let grid = (columns, (ways.max(1) as u32).div_ceil(columns));
        let scores = tasks.iter().any(|task| task.scores.is_some());
        let space = scale.side() + GAP + FRAME;
        let step = (space, space + if scores { LINE_HEIGHT } else { 0 });
        // The query, a gap as wide as three, and the grid, below a line of text.
        let panel = (
            scale.side() + 3 * GAP + grid.0 * step.0 + 2 * GAP,
            LINE_HEIGHT + GAP + grid.1 * step.1 + 2 * GAP,
        );
        Layout {
            scale,
            grid,
            columns: (tasks.len() as f64).sqrt().ceil().max(1.0) as u32,
            step,
            panel,
        }
    }
}

/// Draws tasks, each as its query beside its support.
///
/// The right class has a solid frame. A model's answer has a tick in a disc if it is
/// right, a cross in a square and a dashed frame if it is wrong, so that the sheet reads
/// without colour; scores, if there are any, stand below their drawings.
///
/// # Errors
/// [`SheetError::TooMany`] if the tasks have more than [`MOST_CELLS`] drawings.
///
/// # Panics
/// If there are no tasks, or an index or the number of scores does not fit a support.
pub fn task_sheet(title: &str, tasks: &[TaskPicture]) -> Result<Canvas, SheetError> {
    assert!(!tasks.is_empty(), "a sheet of no tasks");
    let layout = Layout::of(tasks);
    let rows = (tasks.len() as u32).div_ceil(layout.columns);
    let cells = layout.grid.0 as usize * layout.grid.1 as usize + 1;
    let cells = cells.saturating_mul(layout.columns as usize * rows as usize);
    if cells > MOST_CELLS {
        return Err(SheetError::TooMany { cells });
    }
    let top = MARGIN + LINE_HEIGHT + GAP;
    let legend = legend(tasks);
    let text = letters(title).max(legend_width(&legend));
    let width = (layout.columns * layout.panel.0).max(text * LETTER_WIDTH);
    let height = top + rows * layout.panel.1 + LINE_HEIGHT + MARGIN;
    let mut canvas = Canvas::new(width + 2 * MARGIN, height);
    canvas.text(MARGIN, MARGIN, title, Ink::Black);
    for (index, task) in (0u32..).zip(tasks) {
        let x = MARGIN + index % layout.columns * layout.panel.0;
        let y = top + index / layout.columns * layout.panel.1;
        draw_task(&mut canvas, (x, y), index, task, &layout);
    }
    draw_legend(&mut canvas, height - MARGIN - LINE_HEIGHT, &legend);
    Ok(canvas)
}

fn draw_task(
    canvas: &mut Canvas,
    (x, y): (u32, u32),
    index: u32,
    task: &TaskPicture,
    layout: &Layout,
) {
    let ways = task.support.len();
    assert!(task.answer < ways && task.predicted.is_none_or(|p| p < ways));
    assert!(
        task.scores
            .as_ref()
            .is_none_or(|scores| scores.len() == ways)
    );
    let side = layout.scale.side();
    let number = index + 1;
    let (heading, ink) = match task.is_right() {
        None => (format!("task {number}: which is it?"), Ink::Black),
        Some(true) => (format!("task {number}: right"), Ink::Right),
        Some(false) => (format!("task {number}: WRONG"), Ink::Wrong),
    };
    canvas.text(x, y, &heading, ink);
    let top = y + LINE_HEIGHT + GAP;
    canvas.page(x + FRAME, top, task.query.drawn(), layout.scale);
    canvas.frame((x + FRAME, top), side, 1, Ink::Black);
    canvas.text(x + FRAME, top + side + 3, "query", Ink::Black);
    let left = x + FRAME + side + 3 * GAP;
    canvas.fill(
        (left - 3 * GAP / 2 - 1, top),
        (1, layout.grid.1 * layout.step.1 - GAP),
        Ink::Grey,
    );
    for (class, drawing) in task.support.iter().enumerate() {
        let (column, row) = (class as u32 % layout.grid.0, class as u32 / layout.grid.0);
        let place = (left + column * layout.step.0, top + row * layout.step.1);
        canvas.page(place.0, place.1, drawing.drawn(), layout.scale);
        canvas.frame(place, side, 1, Ink::Grey);
        if let Some(scores) = &task.scores {
            let score = format!("{:.2}", scores[class]);
            canvas.text(place.0, place.1 + side + FRAME + 1, &score, Ink::Black);
        }
        let chosen = task.predicted == Some(class);
        if class == task.answer {
            canvas.frame(place, side, FRAME, Ink::Right);
        } else if chosen {
            canvas.dashed_frame(place, side, FRAME, Ink::Wrong);
        }
        let corner = (place.0 + side - 13, place.1 - 2);
        match (chosen, class == task.answer) {
            (true, true) => canvas.tick(corner.0, corner.1),
            (true, false) => canvas.cross(corner.0, corner.1),
            (false, _) => {}
        }
    }
}

/// A mark of the legend and what it means.
type Meaning = (fn(&mut Canvas, u32, u32), &'static str);

/// Only the marks that stand on the sheet.
fn legend(tasks: &[TaskPicture]) -> Vec<Meaning> {
    let mut legend: Vec<Meaning> = vec![(
        |canvas, x, y| canvas.frame((x + FRAME, y + FRAME), 9, FRAME, Ink::Right),
        "the same character",
    )];
    let has = |right| tasks.iter().any(|task| task.is_right() == Some(right));
    if has(true) {
        legend.push((Canvas::tick, "the model's answer, right"));
    }
    if has(false) {
        legend.push((Canvas::cross, "the model's answer, wrong"));
    }
    legend
}

/// Letters of space between two entries of a legend, the mark included.
const LEGEND_SPACE: u32 = 6;

fn legend_width(legend: &[Meaning]) -> u32 {
    legend
        .iter()
        .map(|(_, what)| letters(what) + LEGEND_SPACE)
        .sum()
}

fn draw_legend(canvas: &mut Canvas, y: u32, legend: &[Meaning]) {
    let mut x = MARGIN;
    for (mark, what) in legend {
        mark(canvas, x, y - 2);
        canvas.text(x + 21, y, what, Ink::Black);
        x += (letters(what) + LEGEND_SPACE) * LETTER_WIDTH;
    }
}

pub(super) fn letters(text: &str) -> u32 {
    text.chars().count() as u32 // names have at most 255
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::Page;

    fn task(answer: usize, predicted: Option<usize>) -> TaskPicture {
        TaskPicture {
            query: Page::BLANK.into(),
            support: vec![Page::BLANK.into(); 9],
            answer,
            predicted,
            scores: None,
        }
    }

    #[test]
    fn right_and_wrong_differ_without_colour() {
        let grey = |predicted| {
            let canvas = task_sheet("t", &[task(4, predicted)]).unwrap();
            let (width, height) = canvas.dimensions();
            // Only the grid: the heading and the legend differ by their words anyway.
            let grid =
                (MARGIN + 2 * LINE_HEIGHT + 2 * GAP - FRAME)..(height - MARGIN - LINE_HEIGHT - 4);
            grid.flat_map(|y| (0..width).map(move |x| (x, y)))
                .map(|(x, y)| canvas.pixel(x, y) != [255; 3])
                .collect::<Vec<bool>>()
        };
        let (none, right, wrong) = (grey(None), grey(Some(4)), grey(Some(5)));
        assert_ne!(none, right);
        assert_ne!(none, wrong);
        assert_ne!(right, wrong);
    }

    #[test]
    fn sheets_of_any_size_are_drawn_or_refused() {
        for count in 1..20 {
            let tasks: Vec<_> = (0..count)
                .map(|i| task(i % 9, (i % 2 == 0).then_some(3)))
                .collect();
            let (width, height) = task_sheet("tasks", &tasks).unwrap().dimensions();
            assert!(width < 4000 && height < 4000);
        }
        let too_many = task_sheet("tasks", &vec![task(0, None); 2000]);
        assert!(matches!(too_many, Err(SheetError::TooMany { .. })));
    }
}
