//! Dropout: which features of a batch a step silences (Srivastava et al. 2014).
//!
//! A step's mask is a pure function of (seed, step), so that it can be made ahead, by any
//! thread, and is the same on every device.

use crate::loader::RankSlice;
use crate::model::NetworkShape;
use crate::seed::{Purpose, Stream};

/// What a run's dropout masks follow from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Dropout {
    seed: u64,
    /// Drawings of a whole batch.
    drawings: usize,
    /// Features of a drawing.
    features: usize,
    /// How probable it is that a feature is silenced, in 1/65,536.
    silenced: u32,
    /// Which drawings are this rank's, of those of each tower.
    places: RankSlice,
    /// Drawings lie in so many equal parts, of which ranks share each.
    towers: usize,
}

impl Dropout {
    /// The dropout of a network that learns from batches of `drawings`; none where nothing is
    /// silenced.
    pub(super) fn new(
        network: NetworkShape,
        (drawings, towers): (usize, usize),
        seed: u64,
        places: RankSlice,
    ) -> Option<Dropout> {
        let (dropout, features) = network.dropout()?;
        Some(Dropout {
            seed,
            drawings,
            features: features as usize,
            silenced: (dropout * 65_536.0) as u32,
            places,
            towers,
        })
    }

    /// What a feature that stays is multiplied by, so that the sum of all stays what it was.
    pub(super) fn scale(&self) -> f64 {
        let scale = 1.0 / (1.0 - f64::from(self.silenced) / 65_536.0);
        f64::from(scale as f32)
    }

    /// Features of a drawing: the length of a row of the mask.
    pub(super) fn features(&self) -> usize {
        self.features
    }

    /// Features of this rank's drawings together: the length of [`Dropout::mask`].
    pub(super) fn len(&self) -> usize {
        let own = self.places.count(self.drawings / self.towers);
        self.towers * own * self.features
    }

    /// Of each feature of this rank's drawings in the batch of `step` a 1 if it stays, else a
    /// 0: `[n, features]`. The mask of the first drawings is the same however many there are.
    pub(super) fn mask(&self, step: u64, mask: &mut [u8]) {
        let mut stream = Stream::new(self.seed, Purpose::Dropout, step);
        let mut waiting = None; // a word decides on two features, its upper half first
        let mut stays = || {
            let half = waiting.take().unwrap_or_else(|| {
                let word = stream.word();
                waiting = Some(word & 0xFFFF);
                word >> 16
            });
            u8::from(half >= self.silenced)
        };
        let of_a_tower = self.drawings / self.towers;
        let mut rows = mask.chunks_exact_mut(self.features);
        for place in 0..self.drawings {
            let own = self.places.has(place % of_a_tower);
            match if own { rows.next() } else { None } {
                Some(row) => row.iter_mut().for_each(|feature| *feature = stays()),
                None => (0..self.features).for_each(|_| {
                    stays();
                }),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::CompactShape;

    fn dropout(towers: usize, places: RankSlice, dropout: f64) -> Option<Dropout> {
        let shape = CompactShape {
            side: 16,
            width: 3,
            dimensions: 4,
            dropout,
        };
        Dropout::new(shape.into(), (12, towers), 5, places)
    }

    fn mask(dropout: &Dropout, step: u64) -> Vec<u8> {
        let mut mask = vec![0; dropout.len()];
        dropout.mask(step, &mut mask);
        mask
    }

    #[test]
    fn the_share_that_is_silenced_is_what_was_asked_for_and_each_step_has_its_own() {
        let half = dropout(1, RankSlice::WHOLE, 0.5).unwrap();
        let many: Vec<u8> = (0..100).flat_map(|step| mask(&half, step)).collect();
        let kept = many.iter().map(|&kept| f64::from(kept)).sum::<f64>() / many.len() as f64;
        // 28,800 features: six standard deviations.
        assert!((kept - 0.5).abs() < 6.0 * 0.5 / 28_800f64.sqrt(), "{kept}");
        assert!((half.scale() - 2.0).abs() < 1e-12);
        assert_ne!(mask(&half, 0), mask(&half, 1));
        assert!(dropout(1, RankSlice::WHOLE, 0.0).is_none());
    }

    #[test]
    fn ranks_have_their_own_drawings_rows_of_the_whole_mask() {
        for towers in [1, 2] {
            let whole = mask(&dropout(towers, RankSlice::WHOLE, 0.3).unwrap(), 9);
            let rows: Vec<&[u8]> = whole.chunks(24).collect();
            for rank in 0..3 {
                let own = mask(&dropout(towers, RankSlice::of(rank, 3), 0.3).unwrap(), 9);
                let expected = (rows.chunks(12 / towers))
                    .flat_map(|tower| tower.iter().skip(rank as usize).step_by(3))
                    .flat_map(|row| row.iter().copied());
                assert_eq!(own, expected.collect::<Vec<u8>>());
            }
        }
    }
}
