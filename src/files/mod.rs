//! Files that are there whole or not at all, and files as bytes.
//!
//! [`publish`] is how every file of this program comes to be. `faults` has each of its steps
//! refused in the unit tests of the rooms that write. `map` maps a file that is read.

mod error;
pub mod faults;
mod map;
mod publish;

pub use error::PublishError;
pub use map::Bytes;
pub use publish::{is_publishing, publish};
