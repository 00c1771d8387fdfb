//! What falls to one of several ranks: whole batches, or places of every batch.

/// Every `world`-th number from `rank` on: what one of `world` ranks has of a sequence. What stands
/// at a number, that number alone says, so that the ranks together see what one would see.
///
/// Work is dealt to ranks in one of two ways, and a process uses one of them alone:
///
/// | what is dealt | set by | for |
/// |---|---|---|
/// | batches, each of them whole | [`LoaderOptions::batches`](super::LoaderOptions::batches) | processes that learn apart: Python, `omni-bench digest` |
/// | places: all ranks make a part of every batch | [`PairBatches::sliced`](super::PairBatches::sliced) and its kin | ranks that learn one network together: the trainer |
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RankSlice {
    rank: u64,
    world: u64,
}

impl RankSlice {
    /// All of it.
    pub const WHOLE: RankSlice = RankSlice { rank: 0, world: 1 };

    /// What rank `rank` of `world` has.
    ///
    /// # Panics
    /// If `rank` is not below `world`.
    #[must_use]
    pub fn of(rank: u64, world: u64) -> RankSlice {
        assert!(rank < world, "rank {rank} of {world}");
        RankSlice { rank, world }
    }

    /// How many of the first `whole` numbers are in it.
    #[must_use]
    pub fn count(self, whole: usize) -> usize {
        let after = (whole as u64).saturating_sub(self.rank);
        after.div_ceil(self.world) as usize
    }

    /// The number of what is at `place` of the slice.
    #[must_use]
    pub fn place(self, place: usize) -> u64 {
        self.rank + self.world * place as u64
    }

    /// Whether a number is in it.
    #[must_use]
    pub fn has(self, number: usize) -> bool {
        number as u64 % self.world == self.rank
    }

    /// From one of its numbers to the next: how many ranks there are.
    #[must_use]
    pub fn step(self) -> u64 {
        self.world
    }

    /// Its first number that is not below `start`, which lies at least `world` below 2^64.
    #[must_use]
    pub fn first_from(self, start: u64) -> u64 {
        start + (self.rank + self.world - start % self.world) % self.world
    }

    /// Leaves of a whole batch's items those whose places are in it.
    pub(super) fn keep<T>(self, items: &mut Vec<T>) {
        self.keep_from(0, items);
    }

    /// [`RankSlice::keep`] of the items from place `first` on.
    pub(super) fn keep_from<T>(self, first: usize, items: &mut Vec<T>) {
        let mut place = first;
        items.retain(|_| {
            let own = self.has(place);
            place += 1;
            own
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn slices_make_the_whole(whole in 0usize..300, world in 1u64..9) {
            let mut seen: Vec<u64> = Vec::new();
            for rank in 0..world {
                let slice = RankSlice::of(rank, world);
                let mut kept: Vec<u64> = (0..whole as u64).collect();
                slice.keep(&mut kept);
                let places: Vec<u64> = (0..slice.count(whole)).map(|at| slice.place(at)).collect();
                prop_assert_eq!(&kept, &places);
                seen.extend(kept);
            }
            seen.sort_unstable();
            prop_assert_eq!(seen, (0..whole as u64).collect::<Vec<u64>>());
        }

        #[test]
        fn a_slice_goes_on_from_any_number(start in 0usize..1000, rank in 0u64..9, more in 1u64..9) {
            let slice = RankSlice::of(rank, rank + more);
            let first = (start..).find(|&number| slice.has(number)).map(|number| number as u64);
            prop_assert_eq!(first, Some(slice.first_from(start as u64)));
        }
    }
}
