//! Embeddings that were made before, by what they were made of: the least recently made are
//! forgotten first. It stands before the network, which embeds only what is not known.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use crate::embed::{Embedder, batch_size};

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
    /// The embeddings of what has these digests, in their order. Of those that are not known, each
    /// once and as many at once as the network takes best, `images` makes the images
    /// `[n, side, side]` by their places among the digests.
    ///
    /// # Errors
    /// The first of `images`; what was embedded before it is known.
    pub fn embed<E>(
        &self,
        embedder: &dyn Embedder,
        digests: &[Digest],
        images: impl Fn(&[usize]) -> Result<Vec<f32>, E>,
    ) -> Result<Vec<Embedding>, E> {
        let (mut found, mut new) = (BTreeMap::new(), BTreeMap::new());
        for (place, digest) in digests.iter().enumerate() {
            match self.get(digest) {
                Some(embedding) => drop(found.insert(digest, embedding)),
                None => drop(new.insert(digest, place)),
            }
        }
        let new: Vec<usize> = new.into_values().collect();
        for places in new.chunks(batch_size(embedder)) {
            let embeddings = embedder.embed_images(&images(places)?);
            let rows = embeddings.chunks_exact(embeddings.len() / places.len());
            for (&place, row) in places.iter().zip(rows) {
                let embedding: Embedding = row.into();
                self.keep(digests[place], Arc::clone(&embedding));
                // Here as well: it may be forgotten again before the last of them is embedded.
                found.insert(&digests[place], embedding);
            }
        }
        Ok(digests.iter().map(|digest| found[digest].clone()).collect())
    }

    /// The embedding of a digest, if it is still known.
    fn get(&self, digest: &Digest) -> Option<Embedding> {
        let inside = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        inside.embeddings.get(digest).cloned()
    }

    /// Keeps an embedding.
    fn keep(&self, digest: Digest, embedding: Embedding) {
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
    use std::cell::Cell;
    use std::convert::Infallible;

    use super::*;
    use crate::embed::Comparison;
    use crate::onnx::Session;
    use crate::weights::Card;

    /// A network that counts the images that it embeds, two at once.
    struct Counting(Session, Cell<usize>);

    impl Embedder for Counting {
        fn card(&self) -> &Card {
            self.0.card()
        }

        fn comparison(&self) -> Comparison {
            self.0.comparison()
        }

        fn embed_images(&self, images: &[f32]) -> Vec<f32> {
            let each = self.card().network.side().pow(2);
            assert!((1..=2).contains(&(images.len() / each)));
            self.1.set(self.1.get() + images.len() / each);
            self.0.embed_images(images)
        }

        fn at_once(&self) -> (usize, usize) {
            (2, usize::MAX)
        }
    }

    #[test]
    fn only_what_is_new_is_embedded_and_that_once() {
        let counting = Counting(Session::pretrained(), Cell::new(0));
        let each = counting.card().network.side().pow(2);
        let known = Known::default();
        let ask = |numbers: &[usize]| {
            let digests: Vec<Digest> = numbers.iter().map(|&number| digest(number)).collect();
            let rows = known.embed(&counting, &digests, |places| {
                let shade = |place: &usize| 1.0 / numbers[*place] as f32;
                let images = places.iter().flat_map(|place| vec![shade(place); each]);
                Ok::<_, Infallible>(images.collect())
            });
            rows.unwrap()
        };
        let rows = ask(&[1, 2, 1, 3]);
        assert_eq!(counting.1.get(), 3);
        assert!(rows[0] == rows[2] && rows[0] != rows[1] && rows[1] != rows[3]);
        let again = ask(&[3, 4, 2]);
        assert_eq!(counting.1.get(), 4);
        assert!(again[0] == rows[3] && again[2] == rows[1]);
        // What was embedded before an error is not lost.
        let digests = [5, 6, 7].map(digest);
        let refused = known.embed(&counting, &digests, |places| match places.len() {
            2 => Ok(vec![0.5; 2 * each]),
            _ => Err("no picture"),
        });
        assert_eq!(refused.unwrap_err(), "no picture");
        assert_eq!(counting.1.get(), 6);
        let unknown = digests.iter().filter(|digest| known.get(digest).is_none());
        assert_eq!(unknown.count(), 1);
    }

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
