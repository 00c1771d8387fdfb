//! A shuffled order that is nowhere written down: any place of it is computed alone.
//!
//! A Feistel network (Luby & Rackoff 1988) over the least even number of bits that holds all
//! entries is a permutation whatever its round function; places that fall outside the entries
//! are sent through again until they fall inside (cycle walking, Black & Rogaway 2002), less
//! than four times on average. So an epoch of a billion entries costs no memory, and starting in
//! its middle costs nothing.

use crate::seed::{Purpose, Stream};

const ROUNDS: usize = 8;

/// The order in which one epoch visits `entries` entries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    entries: u64,
    /// Bits of half a place.
    half: u32,
    keys: [u64; ROUNDS],
}

impl Order {
    /// The order of epoch `epoch` under `seed`: a pure function of the two and of `entries`.
    ///
    /// # Panics
    /// If there are no entries or more than 2^60, or `epoch` is 2^48 or more.
    #[must_use]
    pub fn new(seed: u64, epoch: u64, entries: u64) -> Order {
        Order::by(Stream::new(seed, Purpose::Order, epoch), entries)
    }

    /// The order that a stream says: a pure function of its first 16 words and of `entries`.
    ///
    /// # Panics
    /// If there are no entries or more than 2^60.
    pub(super) fn by(mut stream: Stream, entries: u64) -> Order {
        assert!((1..=1 << 60).contains(&entries), "{entries} entries");
        let bits = u64::BITS - (entries - 1).leading_zeros();
        let keys = [(); ROUNDS].map(|()| u64::from(stream.word()) << 32 | u64::from(stream.word()));
        Order {
            entries,
            half: bits.div_ceil(2).max(1),
            keys,
        }
    }

    /// The entry that is visited at `place`: each entry at one place.
    ///
    /// # Panics
    /// If `place` is not below the number of entries.
    #[must_use]
    pub fn entry(&self, place: u64) -> u64 {
        assert!(place < self.entries, "place {place} of {}", self.entries);
        let mut entry = self.mix(place);
        while entry >= self.entries {
            entry = self.mix(entry);
        }
        entry
    }

    /// The Feistel network, over `2 half` bits.
    fn mix(&self, place: u64) -> u64 {
        let mask = (1 << self.half) - 1;
        let (mut left, mut right) = (place >> self.half, place & mask);
        for key in self.keys {
            (left, right) = (right, left ^ (scatter(right ^ key) & mask));
        }
        left << self.half | right
    }
}

/// Every bit of the result hangs on every bit of `x` (the finalizer of SplitMix64, Steele et al.
/// 2014).
fn scatter(x: u64) -> u64 {
    let x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ (x >> 31)
}
