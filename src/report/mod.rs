//! Pictures and tables of what is in a store and of what a model answers.

mod canvas;
mod sheet;

pub use canvas::{Canvas, Ink, Scale};
pub use sheet::{MOST_CELLS, SheetError, TaskPicture, contact_sheet, task_sheet};
