//! Networks.

mod compact;
mod context;
mod convolve;
mod device;
mod distance;
mod error;
mod file;
mod kinds;
mod koch;
mod network;
mod script;
mod shape;
mod tensors;
mod weights;

pub(crate) use compact::unit_rows;
pub use compact::{Compact, CompactShape};
pub use context::{Context, ContextShape};
pub use device::{exact_arithmetic, parse_device};
pub use distance::Distance;
pub use error::ShapeError;
pub use file::{Card, Model, PRETRAINED};
pub use kinds::{MatchingShape, SiameseShape};
pub use koch::{Koch, KochShape};
pub use network::{Comparison, Head, Network, Tower};
pub use shape::{HeadShape, NetworkShape, TowerShape};
pub use tensors::{ModelError, TensorFile, save_tensors};
pub use weights::{initialise, ordered};
