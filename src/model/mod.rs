//! Networks.

mod compact;
mod device;
mod file;
mod weights;

pub(crate) use compact::unit_rows;
pub use compact::{Compact, CompactShape};
pub use device::{hand_over, parse_device};
pub use file::{Card, Model, ModelError};
pub use weights::{initialise, ordered};
