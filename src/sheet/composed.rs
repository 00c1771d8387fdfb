//! A sheet of composed classes: what each is made of, and drawings of it.

use super::canvas::{Canvas, Ink, LETTER_WIDTH, LINE_HEIGHT, Scale};
use super::contact::{GAP, MARGIN, MOST_CELLS, SheetError, letters};
use crate::image::Drawn;
use crate::loader::Composer;
use crate::sample::{ComposedSampler, SIBLINGS};
use crate::store::PageCache;

/// Drawings of each class.
const DRAWINGS: u32 = 12;
/// Room for a class's number and kind.
const LABEL: u32 = 16 * LETTER_WIDTH;

/// So many families of composed classes from family `first` on: a row for each class, in which a
/// drawing of its base and one of the other character come before drawings of the class.
///
/// # Errors
/// [`SheetError::Store`] if a drawing cannot be read, [`SheetError::TooMany`] if the sheet would
/// have more than [`MOST_CELLS`] places.
///
/// # Panics
/// If there are not so many families, or none is wanted.
pub fn composed_sheet(
    pages: &PageCache,
    sampler: &ComposedSampler,
    first: u32,
    families: u32,
) -> Result<Canvas, SheetError> {
    let rows = families * SIBLINGS;
    let cells = (rows * (DRAWINGS + 2)) as usize;
    if cells > MOST_CELLS {
        return Err(SheetError::TooMany { cells });
    }
    let step = Scale::Half.side() + GAP / 2;
    let (left, top) = (MARGIN + LABEL, MARGIN + LINE_HEIGHT + GAP);
    let title = format!("composed classes: what they are made of, and {DRAWINGS} drawings of each");
    let width = left + (DRAWINGS + 2) * step + GAP;
    let width = width.max(MARGIN + letters(&title) * LETTER_WIDTH) + MARGIN;
    let height = top + rows * step + families * GAP + MARGIN;
    let mut canvas = Canvas::new(width, height);
    canvas.text(MARGIN, MARGIN, &title, Ink::Black);
    let mut composer = Composer::new();
    for row in 0..rows {
        let number = SIBLINGS * first + row;
        let class = sampler.class(number);
        let y = top + row * step + row / SIBLINGS * GAP;
        let kind = format!("{:?}", class.kind).to_lowercase();
        let middle = y + (Scale::Half.side() - LINE_HEIGHT) / 2;
        canvas.text(MARGIN, middle, &format!("{number} {kind}"), Ink::Black);
        let mut cell = |column: u32, x: u32, drawn: Drawn<'_>| {
            let x = left + column * step + x;
            canvas.page(x, y, drawn, Scale::Half);
            canvas.frame((x, y), Scale::Half.side(), 1, Ink::Grey);
        };
        for (column, character) in (0..).zip(class.characters) {
            let drawing = pages.store().character(character).drawings.start;
            cell(column, 0, pages.drawn(drawing)?);
        }
        for drawing in 0..DRAWINGS {
            let page = composer.page(pages, &sampler.drawing(number, drawing))?;
            cell(2 + drawing, GAP, Drawn::from(&page));
        }
    }
    Ok(canvas)
}
