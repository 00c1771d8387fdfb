//! The compact network's training pass in bf16, on the tile registers of Intel's processors (AMX).
//!
//! libtorch hands each layer to another kernel, which reads its input from memory, lays it out anew and
//! writes it back. On small maps that costs several times what the products do. Here one pass knows the
//! whole network, and every layer leaves its values as the next product reads them:
//!
//! ```text
//! images                      what each pixel of the stem sees, as channels
//!   convolution               products of blocks of 32 drawings by 32 channels, for each pixel
//!   norm and ReLU             rows for the next convolution, pairs of drawings for its kernel's gradient
//!   ...
//! embeddings [n, d]           the norm of embeddings, the loss and their gradients are libtorch's
//!   gradient of embeddings    columns of drawings for the kernel's gradient, rows for the input's
//!   ...
//! gradients of parameters
//! ```
//!
//! Drawings of a batch lie side by side for each pixel, so that a kernel's place that falls outside of
//! the image costs nothing, and no image is copied into windows but the first, which has one channel.
//! Activations and their gradients are rounded to bf16 between layers, as libtorch rounds them; sums are f32
//! in products and f64 over a batch.
//!
//! Each product has a twin in plain Rust with the same result bit for bit, and loops over values are compiled
//! from one source with and without wide registers.

mod back;
mod conv;
mod input;
mod kernel;
mod memory;
mod norm;
mod parameters;
mod pass;
mod residual;
#[cfg(test)]
mod tests;
mod tile;
mod wide;

pub use memory::keep_freed_memory;
pub use parameters::{Layer, Parameters};
pub use pass::{MULTIPLE, Pass, fits};
pub use tile::available;
