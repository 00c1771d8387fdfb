//! Embeddings that were made before, by what they were made of: the least recently made are
//! forgotten first.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

/// The most bytes of embeddings that are kept.
const MOST_BYTES: usize = 64 << 20;
/// The least embeddings that are kept, of however many dimensions: what one request may hold.
const LEAST: usize = 1024;

/// An embedding, `[dimensions]`.
pub type Embedding = Arc<[f32]>;

/// The digest of what was embedded.
pub type Digest = [u8; 32];

/// Embeddings by digest.
#[derive(Default)]
pub struct Known(Mutex<Inside>);

#[derive(Default)]
struct Inside {
    embeddings: HashMap<Digest, Embedding>,
    /// The digests in the order in which they came.
    order: VecDeque<Digest>,
}

impl Known {
    /// The embedding of a digest, if it is still known.
    pub fn get(&self, digest: &Digest) -> Option<Embedding> {
        let inside = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        inside.embeddings.get(digest).cloned()
    }

    /// Keeps an embedding.
    pub fn keep(&self, digest: Digest, embedding: Embedding) {
        let mut inside = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let most = (MOST_BYTES / size_of_val(&*embedding).max(1)).max(LEAST);
        if inside.embeddings.insert(digest, embedding).is_none() {
            inside.order.push_back(digest);
        }
        while inside.order.len() > most {
            if let Some(first) = inside.order.pop_front() {
                inside.embeddings.remove(&first);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(number: usize) -> Digest {
        *blake3::hash(&number.to_le_bytes()).as_bytes()
    }

    #[test]
    fn the_first_are_forgotten_when_there_are_too_many() {
        let known = Known::default();
        let long: Embedding = vec![0.0; MOST_BYTES / 4 / LEAST].into();
        for number in 0..LEAST + 3 {
            known.keep(digest(number), Arc::clone(&long));
            known.keep(digest(number), Arc::clone(&long));
        }
        assert!(known.get(&digest(2)).is_none());
        assert!(known.get(&digest(3)).is_some() && known.get(&digest(LEAST + 2)).is_some());
    }
}
