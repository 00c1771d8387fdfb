//! One file of all drawings: compressed, checksummed, mapped into memory.
//!
//! [`format`](mod@format) is the specification; [`write`](fn@write) makes a store and [`Store`] reads it.
#![doc = include_str!("README.md")]

mod cache;
mod error;
pub mod export;
pub mod format;
mod header;
mod index;
#[cfg(any(test, feature = "tests"))]
#[allow(clippy::unwrap_used, reason = "for tests alone")]
pub mod made_up;
mod read;
#[cfg(test)]
mod tests;
mod write;

pub use cache::PageCache;
pub use error::StoreError;
pub use index::{AlphabetEntry, AlphabetId, CharacterEntry, CharacterId, DrawingId, RunEntry};
pub use read::{Decoder, Store, StoreDigest};
pub use write::{WriteOptions, write};
