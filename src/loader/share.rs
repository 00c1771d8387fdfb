//! Which part of every batch a process makes, of several that share them.

/// The part of every batch that one of several processes makes: places `rank`, `rank + world`,
/// and so on. What stands at a place, and how it is distorted, the batch's number and the place
/// say alone, so that the processes together see what one would see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    rank: u64,
    world: u64,
}

impl Share {
    /// All of it.
    pub const WHOLE: Share = Share { rank: 0, world: 1 };

    /// The part of process `rank` of `world`.
    ///
    /// # Panics
    /// If `rank` is not below `world`.
    #[must_use]
    pub fn of(rank: u64, world: u64) -> Share {
        assert!(rank < world, "rank {rank} of {world}");
        Share { rank, world }
    }

    /// How many of `whole` places are in it.
    #[must_use]
    pub fn count(self, whole: usize) -> usize {
        let after = (whole as u64).saturating_sub(self.rank);
        after.div_ceil(self.world) as usize
    }

    /// The place in the whole batch of what is at `place` of the part.
    #[must_use]
    pub fn place(self, place: usize) -> u64 {
        self.rank + self.world * place as u64
    }

    /// Whether a place of the whole batch is in it.
    #[must_use]
    pub fn has(self, place: usize) -> bool {
        place as u64 % self.world == self.rank
    }

    /// Leaves of a whole batch's items those that are in it.
    pub(super) fn keep<T>(self, items: &mut Vec<T>) {
        let mut place = 0usize;
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
        fn parts_make_the_whole(whole in 0usize..300, world in 1u64..9) {
            let mut seen: Vec<u64> = Vec::new();
            for rank in 0..world {
                let share = Share::of(rank, world);
                let mut kept: Vec<u64> = (0..whole as u64).collect();
                share.keep(&mut kept);
                let places: Vec<u64> = (0..share.count(whole)).map(|at| share.place(at)).collect();
                prop_assert_eq!(&kept, &places);
                seen.extend(kept);
            }
            seen.sort_unstable();
            prop_assert_eq!(seen, (0..whole as u64).collect::<Vec<u64>>());
        }
    }
}
