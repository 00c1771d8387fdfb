//! Pictures to look at: what is in a store, a batch just as a network gets it, and one-shot tasks
//! with their answers.

mod canvas;
mod composed;
mod contact;
mod replay;

pub use canvas::{Canvas, Ink, Scale};
pub use composed::composed_sheet;
pub use contact::{MOST_CELLS, SheetError, TaskPicture, contact_sheet, task_sheet};
pub use replay::{Cell, Panel, Replay, replay_sheet};
