//! Networks.

mod compact;
mod context;
mod convolve;
mod device;
mod distance;
mod embedder;
mod file;
mod graph;
mod koch;
mod network;
mod script;
mod tensors;
mod tiled;
mod weights;

pub use compact::Compact;
pub use context::Context;
pub use device::{exact_arithmetic, parse_device};
pub use distance::Distance;
pub use file::Model;
pub use koch::Koch;
pub use network::{Head, Network, Tower};
pub use tensors::save_tensors;
pub use weights::{initialise, ordered};

#[doc(inline)]
pub use crate::embed::Comparison;
#[doc(inline)]
pub use crate::weights::{
    Card, CompactShape, ContextShape, HeadShape, KochShape, MatchingShape, ModelError,
    NetworkShape, PRETRAINED, ShapeError, SiameseShape, TensorFile, TowerShape,
};
