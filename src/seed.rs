//! Every random decision: a pure function of (seed, purpose, index).
//!
//! Item `i` of a stream is read from its own stretch of a ChaCha8 key stream:
//! the key comes from the seed, the nonce names the purpose, and the block
//! counter starts at `i · 65,536`. No generator is shared or advanced from one
//! item to the next, so workers, ranks and resumption need no state, and item
//! one million costs what item zero costs.
//!
//! Decisions are made in integers, so they are the same on every machine. The
//! stream's version is part of the key: a change to what is drawn must raise
//! [`STREAM_VERSION`], and the golden digests in the tests must be renewed with it.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// Version of all streams; part of every key.
pub const STREAM_VERSION: u32 = 1;

/// What a stream is for. Two purposes never share a key stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u64)]
pub enum Purpose {
    /// Made-up alphabets.
    Synthetic = 1,
    /// Which background alphabets are held out for validation.
    Validation = 2,
    /// Which drawings a training batch holds.
    Batch = 3,
    /// How the drawings of a batch by class are distorted.
    Distort = 4,
    /// Which drawings a one-shot task holds.
    Task = 5,
    /// First weights of a network.
    Weights = 6,
    /// Which activations dropout silences.
    Dropout = 7,
    /// Which verification pairs are drawn.
    Pair = 8,
    /// Resampling for confidence intervals.
    Bootstrap = 9,
    /// Which drawings a fixed table of pairs holds.
    Table = 10,
    /// How the copies of a table's pairs are distorted.
    Copy = 11,
    /// How the drawings of a batch of pairs are distorted.
    PairDistort = 12,
    /// How the drawings of a batch of tasks are distorted.
    TaskDistort = 13,
    /// In which order an epoch visits the entries of a table.
    Order = 14,
    /// Which handwritten digits a one-shot task holds.
    Digits = 15,
    /// Which of several tied ways an evaluation answers with, if that is the rule.
    Tie = 16,
    /// How an evaluation distorts copies of its drawings.
    TestDistort = 17,
    /// Which drawings an evaluation shows.
    Gallery = 18,
    /// How the drawings that tasks are exported with are numbered.
    Export = 19,
    /// Which settings a search tries.
    Tune = 20,
    /// What composed classes are made of.
    Composed = 21,
    /// Which composed classes a training batch shows.
    ComposedBatch = 22,
    /// Which drawings a drawing of a composed class is made of, and where they lie.
    ComposedDrawing = 23,
    /// Which alphabet, characters and drawings an episode of Meta-Dataset's law holds.
    Episode = 24,
    /// Which drawings a task of turned characters holds.
    Turned = 25,
}

/// Random numbers of one item of one stream.
///
/// ```
/// use omnishot_data::seed::{Purpose, Stream};
///
/// let mut stream = Stream::new(7, Purpose::Batch, 1_000_000); // costs what item 0 costs
/// let (card, turn) = (stream.below(52), stream.signed_unit());
/// assert!(card < 52 && (-1.0..1.0).contains(&turn));
/// let mut again = Stream::new(7, Purpose::Batch, 1_000_000);
/// assert_eq!((again.below(52), again.signed_unit()), (card, turn));
/// ```
#[derive(Clone, Debug)]
pub struct Stream(ChaCha8Rng);

impl Stream {
    /// Blocks of 16 words between two items: an item may draw a million words.
    const BLOCKS_PER_ITEM: u128 = 1 << 16;

    /// The numbers of item `index` (below 2^48) of the stream `purpose` under `seed`.
    ///
    /// # Panics
    /// If `index` is 2^48 or more: its block counter would wrap onto another item's.
    #[must_use]
    pub fn new(seed: u64, purpose: Purpose, index: u64) -> Stream {
        assert!(index < 1 << 48, "stream index {index} is not below 2^48");
        let mut key = *b"omnishot stream, version xx seed";
        key[..8].copy_from_slice(&seed.to_le_bytes());
        key[24..28].copy_from_slice(&STREAM_VERSION.to_le_bytes());
        let mut rng = ChaCha8Rng::from_seed(key);
        rng.set_stream(purpose as u64);
        rng.set_word_pos(u128::from(index) * Self::BLOCKS_PER_ITEM * 16);
        Stream(rng)
    }

    /// A uniform 32-bit word.
    #[inline]
    pub fn word(&mut self) -> u32 {
        self.0.next_u32()
    }

    /// Fills a slice with the words, little-endian, that [`Stream::word`] would give. A word that
    /// the slice ends in is used up.
    #[inline]
    pub fn fill(&mut self, bytes: &mut [u8]) {
        self.0.fill_bytes(bytes);
    }

    /// A uniform whole number in `0..bound`, without bias (Lemire 2019).
    ///
    /// # Panics
    /// If `bound` is 0.
    #[inline]
    pub fn below(&mut self, bound: u32) -> u32 {
        assert!(bound > 0, "no number lies below 0");
        // 2^32 mod bound products too many fall on the low results: reject those.
        let reject_below = bound.wrapping_neg() % bound;
        loop {
            let product = u64::from(self.word()) * u64::from(bound);
            if product as u32 >= reject_below {
                return (product >> 32) as u32;
            }
        }
    }

    /// [`Stream::below`] for lengths of slices.
    ///
    /// # Panics
    /// If `bound` is 0 or does not fit 32 bits.
    #[inline]
    pub fn index(&mut self, bound: usize) -> usize {
        let bound = u32::try_from(bound).expect("no slice here is longer than 2^32");
        self.below(bound) as usize
    }

    /// Two different whole numbers in `0..bound`: every ordered pair is as likely.
    ///
    /// # Panics
    /// If `bound` is below 2.
    #[inline]
    pub fn two_below(&mut self, bound: u32) -> [u32; 2] {
        let one = self.below(bound);
        // One number fewer for the other: skip over the first.
        let other = self.below(bound - 1);
        [one, other + u32::from(other >= one)]
    }

    /// True in `numerator` of `denominator` cases.
    ///
    /// # Panics
    /// If `denominator` is 0.
    #[inline]
    pub fn chance(&mut self, numerator: u32, denominator: u32) -> bool {
        self.below(denominator) < numerator
    }

    /// A uniform multiple of 2^-31 in `-1.0..1.0`: exact, so the same on every machine.
    #[inline]
    pub fn signed_unit(&mut self) -> f64 {
        f64::from(self.word() as i32) / f64::from(1u32 << 31)
    }

    /// A uniform multiple of 2^-32 in `0.0..1.0`.
    #[inline]
    pub fn unit(&mut self) -> f64 {
        f64::from(self.word()) / 4_294_967_296.0
    }

    /// Puts a slice in uniform random order (Fisher and Yates).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for end in (1..items.len()).rev() {
            items.swap(end, self.index(end + 1));
        }
    }

    /// Brings `count` uniformly chosen items, in random order, to the front of the slice.
    ///
    /// # Panics
    /// If the slice holds fewer than `count` items.
    pub fn choose_front<T>(&mut self, items: &mut [T], count: usize) {
        assert!(count <= items.len(), "{count} of {} items", items.len());
        for start in 0..count {
            items.swap(start, start + self.index(items.len() - start));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_words_are_pinned() {
        let words = |seed, purpose, index| {
            let mut stream = Stream::new(seed, purpose, index);
            [stream.word(), stream.word(), stream.word()]
        };
        let all = [
            words(0, Purpose::Batch, 0),
            words(0, Purpose::Batch, 1),
            words(0, Purpose::Distort, 0),
            words(1, Purpose::Batch, 0),
            words(u64::MAX, Purpose::Task, (1 << 48) - 1),
        ];
        let digest = blake3::hash(format!("{all:?}").as_bytes()).to_hex();
        assert_eq!(&digest[..16], "a82053ce3017d505");
    }

    #[test]
    fn items_of_all_streams_differ() {
        let mut seen = std::collections::HashSet::new();
        for seed in 0..4 {
            for purpose in [Purpose::Batch, Purpose::Distort, Purpose::Task] {
                for index in 0..64 {
                    let mut stream = Stream::new(seed, purpose, index);
                    assert!(seen.insert((stream.word(), stream.word(), stream.word())));
                }
            }
        }
    }

    #[test]
    fn below_is_uniform() {
        // 60,000 draws over 6 faces: chi-square with 5 degrees stays under 20.5 in 99.9% of seeds.
        let mut counts = [0f64; 6];
        let mut stream = Stream::new(7, Purpose::Batch, 0);
        for _ in 0..60_000 {
            counts[stream.index(6)] += 1.0;
        }
        let chi: f64 = counts.iter().map(|n| (n - 1e4).powi(2) / 1e4).sum();
        assert!(chi < 20.5, "chi-square {chi}");
    }

    #[test]
    fn shuffles_and_choices_are_uniform() {
        let mut orders = std::collections::HashMap::new();
        let mut firsts = [0u32; 5];
        for index in 0..24_000 {
            let mut stream = Stream::new(3, Purpose::Task, index);
            let mut items = [0, 1, 2, 3];
            stream.shuffle(&mut items);
            *orders.entry(items).or_insert(0u32) += 1;
            let mut five = [0, 1, 2, 3, 4];
            stream.choose_front(&mut five, 2);
            assert_ne!(five[0], five[1]);
            firsts[five[1] as usize] += 1;
        }
        assert_eq!(orders.len(), 24);
        assert!(
            orders.values().all(|n| (850..1150).contains(n)),
            "{orders:?}"
        );
        assert!(
            firsts.iter().all(|n| (4500..5100).contains(n)),
            "{firsts:?}"
        );
    }
}
