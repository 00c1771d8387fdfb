//! Pictures and tables of what is in a store and of what a model answers.

mod canvas;
mod events;
mod replay;
mod sheet;

pub use canvas::{Canvas, Ink, Scale};
pub use events::{EventError, EventWriter};
pub use replay::{Cell, Panel, Replay, replay_sheet};
pub use sheet::{MOST_CELLS, SheetError, TaskPicture, contact_sheet, task_sheet};
