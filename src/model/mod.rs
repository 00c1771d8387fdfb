//! Networks.

mod compact;
mod convolve;
mod device;
mod distance;
mod file;
mod koch;
mod matching;
mod network;
mod script;
mod siamese;
mod tensors;
mod weights;

pub(crate) use compact::unit_rows;
pub use compact::{Compact, CompactShape};
pub use device::{exact_arithmetic, parse_device};
pub use distance::Distance;
pub use file::{Card, Model, PRETRAINED};
pub use koch::{Koch, KochShape};
pub use matching::{Context, Matching, MatchingShape};
pub use network::{Comparison, Network, NetworkShape};
pub use siamese::{Siamese, SiameseShape};
pub use tensors::{ModelError, TensorFile, save_tensors};
pub use weights::{initialise, ordered};
