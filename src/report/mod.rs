//! The page, tables and events of an evaluation, of a training and of a search for settings.

mod events;
mod figures;
mod page;
mod published;
mod spreadsheet;
mod terminal;

pub use events::{EventError, EventWriter};
pub use page::{page, tuning_page, tuning_text};
pub use published::{Published, Task};
pub use spreadsheet::tables;
pub use terminal::text;
