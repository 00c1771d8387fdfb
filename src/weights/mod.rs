//! Files of trained networks: what shape a network has, what it has seen, and its tensors as plain
//! numbers. No libtorch: `model` and `onnx` make a network of them.

mod card;
mod compact;
mod context;
mod error;
mod file;
mod kinds;
mod koch;
mod shape;

pub use card::{Card, FILE_LIMIT, PRETRAINED, PRETRAINED_NAME};
pub use compact::CompactShape;
pub use context::ContextShape;
pub use error::{ModelError, ShapeError};
pub use file::TensorFile;
#[cfg(feature = "torch")]
pub(crate) use file::{CARD, SEAL, SEAL_LEN};
pub use kinds::{MatchingShape, SiameseShape};
pub use koch::KochShape;
pub use shape::{HeadShape, NetworkShape, TowerShape};
