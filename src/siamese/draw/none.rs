//! None of these: thresholds for as many classes, and as many drawings of each, as a page has.
//!
//! The drawings that they are found on are embedded once: another number of classes asks for much
//! the same ones again.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Mutex, PoisonError};

use super::known::{Digest, Known};
use crate::embed::{Comparison, Embedder, RejectionError, RejectionPlan, Threshold};
use crate::store::Store;
use crate::weights::Card;

/// The share of unknown drawings that a threshold may take for one of the classes: that of
/// `siamese-classify`.
const ACCEPTED: f64 = 0.05;

/// A store that thresholds are found on.
pub struct Calibration {
    store: Store,
    known: Known,
    /// Held while one is found: another would take its cores.
    found: Mutex<HashMap<(usize, usize), f64>>,
}

impl Calibration {
    /// Thresholds found on `store`.
    ///
    /// # Errors
    /// If none can be found on it by this network.
    pub fn new(store: Store, embedder: &dyn Embedder) -> Result<Calibration, RejectionError> {
        let least = RejectionPlan::of_support(1, 1, ACCEPTED, embedder.card().seed);
        Threshold::find(embedder, &store, RejectionPlan { tasks: 2, ..least })?;
        Ok(Calibration {
            store,
            known: Known::default(),
            found: Mutex::default(),
        })
    }

    /// The threshold for `ways` classes of `shots` drawings each.
    ///
    /// # Errors
    /// If the store has too few drawings of a character, or is damaged.
    pub fn find(
        &self,
        embedder: &dyn Embedder,
        ways: usize,
        shots: usize,
    ) -> Result<f64, RejectionError> {
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(score) = found.get(&(ways, shots)) {
            return Ok(*score);
        }
        let remembering = Remembering {
            embedder,
            known: &self.known,
        };
        let plan = RejectionPlan::of_support(ways, shots, ACCEPTED, embedder.card().seed);
        let score = Threshold::find(&remembering, &self.store, plan)?.score;
        found.insert((ways, shots), score);
        Ok(score)
    }
}

/// A network that embeds no image twice.
struct Remembering<'a> {
    embedder: &'a dyn Embedder,
    known: &'a Known,
}

impl Embedder for Remembering<'_> {
    fn card(&self) -> &Card {
        self.embedder.card()
    }

    fn comparison(&self) -> Comparison {
        self.embedder.comparison()
    }

    fn embed_images(&self, images: &[f32]) -> Vec<f32> {
        let side = self.card().network.side();
        let images: Vec<&[f32]> = images.chunks_exact(side * side).collect();
        let digests: Vec<Digest> = images.iter().map(|image| digest(image)).collect();
        let at = |places: &[usize]| {
            let pixels = places.iter().flat_map(|&place| images[place]);
            Ok::<_, Infallible>(pixels.copied().collect())
        };
        let Ok(rows) = self.known.embed(self.embedder, &digests, at);
        rows.iter().flat_map(|row| row.iter().copied()).collect()
    }

    fn at_once(&self) -> (usize, usize) {
        self.embedder.at_once()
    }
}

fn digest(image: &[f32]) -> Digest {
    let bytes: Vec<u8> = image.iter().flat_map(|value| value.to_le_bytes()).collect();
    *blake3::hash(&bytes).as_bytes()
}
