//! Networks as those see them who ask about pictures: drawings go in, vectors come out, and vectors
//! are compared. No libtorch, whatever the network runs on.
//!
//! ```text
//! embedder     a network: images in, embeddings out
//! embeddings   drawings embedded once each
//! comparison   how alike two embeddings are, and one is to a class
//! classify     the classes of a support, ranked for a picture
//! rejection    a threshold for "none of these"
//! write        embeddings in files
//! ```

mod batches;
mod classify;
mod comparison;
mod dot;
mod embedder;
mod embeddings;
mod rejection;
mod score;
mod write;

#[cfg(feature = "torch")]
pub(crate) use batches::Work;
#[cfg(feature = "draw")]
pub(crate) use batches::batch_size;
pub use classify::{Answer, ContextError, Ranked, Support, classify};
pub use comparison::Comparison;
pub use embedder::{Embedder, distorter};
pub use embeddings::Embeddings;
#[cfg(feature = "torch")]
pub(crate) use embeddings::{draw, plain};
pub use rejection::{OtherPictures, RejectionError, RejectionPlan, Threshold};
pub use score::{Score, Ties, leaders, stands_out};
pub use write::{EmbeddingFormat, EmbeddingWriter, json_line};
