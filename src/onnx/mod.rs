//! Networks without libtorch: a network is a graph of a few operations, which this program runs by
//! itself or writes as an ONNX file. What is written is what is run.

mod build;
mod export;
mod graph;
mod kernels;
mod proto;
mod session;

pub use build::Tensors;
pub use graph::Graph;
pub use session::Session;
