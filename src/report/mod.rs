//! Pictures and tables of what is in a store and of what a model answers, and the page of an
//! evaluation and of a search for settings.

mod canvas;
mod composed;
mod events;
#[cfg(feature = "torch")]
mod figures;
#[cfg(feature = "torch")]
mod page;
#[cfg(feature = "torch")]
mod published;
mod replay;
mod sheet;
#[cfg(feature = "torch")]
mod spreadsheet;
#[cfg(feature = "torch")]
mod terminal;

pub use canvas::{Canvas, Ink, Scale};
pub use composed::composed_sheet;
pub use events::{EventError, EventWriter};
#[cfg(feature = "torch")]
pub use page::{page, tuning_page, tuning_text};
#[cfg(feature = "torch")]
pub use published::{Published, Task};
pub use replay::{Cell, Panel, Replay, replay_sheet};
pub use sheet::{MOST_CELLS, SheetError, TaskPicture, contact_sheet, task_sheet};
#[cfg(feature = "torch")]
pub use spreadsheet::tables;
#[cfg(feature = "torch")]
pub use terminal::text;
