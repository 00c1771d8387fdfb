//! Batches of pairs: half show one character twice, half two different characters.
//!
//! This is what Koch, Zemel & Salakhutdinov (2015) train on, drawn afresh for every batch
//! in place of a fixed table. Inside a batch no character is used twice while there are
//! others: all characters are cards of one deck, which is dealt anew only
//! when it cannot serve the next pair. Pairs within an alphabet are dealt first, since they
//! alone need two cards of one alphabet; the order of the batch is shuffled afterwards.

use std::ops::Range;

use thiserror::Error;

use super::split::characters_of;
use crate::seed::{Purpose, Stream};
use crate::store::{AlphabetId, DrawingId, Store};

/// The most pairs of a batch.
pub const MOST_PAIRS: usize = 1 << 14;
/// What the share of pairs within an alphabet is counted in.
pub const WITHIN_ALL: u32 = 256;

/// The shape of a batch of pairs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PairShape {
    /// Pairs in a batch: even, 2 to [`MOST_PAIRS`].
    pub pairs: usize,
    /// Share of the different pairs that is drawn within one alphabet, in 1/256: 0 to
    /// [`WITHIN_ALL`]. The others are two characters from everywhere, so that a few of
    /// them (one in 30 or so, on Omniglot) share their alphabet by chance.
    pub within_alphabet: u32,
}

/// Two drawings to compare.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PairItem {
    /// The left drawing.
    pub left: DrawingId,
    /// The right drawing: another one.
    pub right: DrawingId,
    /// Whether they show the same character.
    pub same: bool,
}

impl PairItem {
    /// Appends it as 9 bytes: left and right (`u32`, little-endian), and 1 or 0.
    pub fn append_to(&self, bytes: &mut Vec<u8>) {
        bytes.extend(self.left.to_le_bytes());
        bytes.extend(self.right.to_le_bytes());
        bytes.push(u8::from(self.same));
    }
}

/// Why no pairs of a shape can be drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum PairError {
    /// Half of the pairs must be a whole number, and not too large.
    #[error("a batch of {pairs} pairs: give an even number from 2 to {MOST_PAIRS}")]
    Pairs {
        /// Pairs that were asked for.
        pairs: usize,
    },
    /// A share above the whole.
    #[error(
        "{share}/{WITHIN_ALL} of the different pairs within an alphabet: give at most {WITHIN_ALL}"
    )]
    Share {
        /// The share that was asked for.
        share: u32,
    },
    /// Too few characters to pair.
    #[error(
        "these alphabets have {characters} characters of two or more drawings, and {largest} at most \
         in one alphabet: pairs take two characters, within an alphabet two of one alphabet"
    )]
    TooFew {
        /// Characters of two or more drawings.
        characters: usize,
        /// The most of them in one alphabet.
        largest: usize,
    },
}

/// Draws batch after batch of pairs from the characters of some alphabets.
///
/// ```
/// # use omnishot_data::archive::Archive;
/// # use omnishot_data::synthetic::{SyntheticOptions, synthesize};
/// # use omnishot_data::store::{self, Store, WriteOptions};
/// # let options = SyntheticOptions { background: 2, evaluation: 1, drawers: 3, ..Default::default() };
/// # let archive = Archive { alphabets: synthesize(&options), runs: Vec::new() };
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("made-up.omni");
/// # store::write(&path, &archive, WriteOptions::default(), |_| ())?;
/// use omnishot_data::archive::Split;
/// use omnishot_data::sample::{PairSampler, PairScratch, PairShape, alphabets_of};
///
/// let store = Store::open(&path)?;
/// let shape = PairShape { pairs: 8, within_alphabet: 128 };
/// let sampler = PairSampler::new(&store, &alphabets_of(&store, Split::Background), shape, 7)?;
/// let (mut scratch, mut pairs) = (PairScratch::default(), Vec::new());
/// sampler.draw(41, &mut scratch, &mut pairs); // batch 41, whether or not 40 was drawn
/// assert_eq!(pairs.iter().filter(|pair| pair.same).count(), 4);
/// for pair in &pairs {
///     let [left, right] = [pair.left, pair.right].map(|id| store.character_of(id));
///     assert_eq!(pair.same, left == right);
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct PairSampler {
    shape: PairShape,
    seed: u64,
    /// Drawings of each character: of two at least, so that every character can be in
    /// pairs of either kind and none betrays the answer.
    characters: Vec<Range<DrawingId>>,
    /// Places in `characters` of each alphabet, one after another.
    alphabets: Vec<Range<u32>>,
}

impl PairSampler {
    /// A sampler over `alphabets` under `seed`. Characters that have a single drawing are
    /// left out.
    ///
    /// # Errors
    /// If the shape is out of its range, or there are not two characters to tell apart.
    ///
    /// # Panics
    /// If an alphabet is not one of the store's.
    pub fn new(
        store: &Store,
        alphabets: &[AlphabetId],
        shape: PairShape,
        seed: u64,
    ) -> Result<PairSampler, PairError> {
        let PairShape {
            pairs,
            within_alphabet: share,
        } = shape;
        if pairs % 2 != 0 || !(2..=MOST_PAIRS).contains(&pairs) {
            return Err(PairError::Pairs { pairs });
        }
        if share > WITHIN_ALL {
            return Err(PairError::Share { share });
        }
        let mut characters = Vec::new();
        let mut parts = Vec::new();
        for alphabet in characters_of(store, alphabets) {
            let start = characters.len() as u32;
            let drawings = alphabet.map(|id| store.character(id).drawings.clone());
            characters.extend(drawings.filter(|drawings| drawings.len() > 1));
            parts.push(start..characters.len() as u32);
        }
        let largest = parts.iter().map(ExactSizeIterator::len).max().unwrap_or(0);
        if characters.len() < 2 || (share > 0 && largest < 2) {
            return Err(PairError::TooFew {
                characters: characters.len(),
                largest,
            });
        }
        Ok(PairSampler {
            shape,
            seed,
            characters,
            alphabets: parts,
        })
    }

    /// The shape of every batch.
    #[must_use]
    pub fn shape(&self) -> PairShape {
        self.shape
    }

    /// Characters that it draws from.
    #[must_use]
    pub fn characters(&self) -> usize {
        self.characters.len()
    }

    /// Draws batch `index` into `items`: exactly half of the pairs are of one character,
    /// in random order, and (a, b) is as likely as (b, a). A pure function of seed, store and
    /// index, whatever `scratch` and `items` hold; with the same two again and again,
    /// nothing is allocated.
    ///
    /// # Panics
    /// If `index` is 2^48 or more.
    pub fn draw(&self, index: u64, scratch: &mut PairScratch, items: &mut Vec<PairItem>) {
        let mut stream = Stream::new(self.seed, Purpose::Pair, index);
        let mut deck = Deck::new(&self.alphabets, scratch);
        let half = self.shape.pairs / 2;
        let share = self.shape.within_alphabet;
        let within = (0..half)
            .filter(|_| stream.chance(share, WITHIN_ALL))
            .count();
        items.clear();
        for _ in 0..within {
            let characters = deck.two_of_one_alphabet(&mut stream);
            items.push(self.different(characters, &mut stream));
        }
        for _ in 0..half {
            let character = deck.one(&mut stream);
            items.push(self.same(character, &mut stream));
        }
        for _ in within..half {
            let characters = deck.two(&mut stream);
            items.push(self.different(characters, &mut stream));
        }
        stream.shuffle(items);
    }

    fn same(&self, character: u32, stream: &mut Stream) -> PairItem {
        same_pair(&self.characters[character as usize], stream)
    }

    fn different(&self, characters: [u32; 2], stream: &mut Stream) -> PairItem {
        different_pair(characters.map(|c| &self.characters[c as usize]), stream)
    }
}

/// Two different drawings of a character that has two at least.
pub(super) fn same_pair(drawings: &Range<DrawingId>, stream: &mut Stream) -> PairItem {
    let [left, right] = stream.two_below(drawings.len() as u32);
    PairItem {
        left: drawings.start + left,
        right: drawings.start + right,
        same: true,
    }
}

/// A drawing of each of two characters.
pub(super) fn different_pair(characters: [&Range<DrawingId>; 2], stream: &mut Stream) -> PairItem {
    let [left, right] =
        characters.map(|drawings| drawings.start + stream.below(drawings.len() as u32));
    PairItem {
        left,
        right,
        same: false,
    }
}

/// What drawing a batch of pairs needs besides its items; one for each worker.
#[derive(Clone, Debug, Default)]
pub struct PairScratch {
    /// Places of characters; each alphabet's lie where they lie in the sampler, those
    /// that are left in the deck before those that were dealt.
    cards: Vec<u32>,
    /// Cards of each alphabet that are left.
    left: Vec<u32>,
}

/// The characters that a batch has not used yet.
struct Deck<'a> {
    alphabets: &'a [Range<u32>],
    scratch: &'a mut PairScratch,
    /// Cards that are left in all alphabets together.
    total: u32,
}

impl<'a> Deck<'a> {
    /// A whole deck, in the order of the characters: the batch depends on nothing before it.
    fn new(alphabets: &'a [Range<u32>], scratch: &'a mut PairScratch) -> Deck<'a> {
        let characters = alphabets.last().map_or(0, |last| last.end);
        scratch.cards.clear();
        scratch.cards.extend(0..characters);
        let mut deck = Deck {
            alphabets,
            scratch,
            total: 0,
        };
        deck.refill();
        deck
    }

    /// Takes every card back.
    fn refill(&mut self) {
        let left = &mut self.scratch.left;
        left.clear();
        left.extend(self.alphabets.iter().map(|range| range.len() as u32));
        self.total = left.iter().sum();
    }

    /// Deals one card of an alphabet that has some.
    fn deal(&mut self, alphabet: usize, stream: &mut Stream) -> u32 {
        let left = &mut self.scratch.left[alphabet];
        let start = self.alphabets[alphabet].start;
        let place = (start + stream.below(*left)) as usize;
        *left -= 1;
        self.total -= 1;
        let last = (start + *left) as usize;
        self.scratch.cards.swap(place, last);
        self.scratch.cards[last]
    }

    /// An alphabet, as likely as its cards are many, among those with at least `least` of
    /// them; `None` if no alphabet has.
    fn alphabet(&self, least: u32, stream: &mut Stream) -> Option<usize> {
        let counts = || {
            self.scratch
                .left
                .iter()
                .map(|&n| if n < least { 0 } else { n })
        };
        let all = counts().sum();
        if all == 0 {
            return None;
        }
        let mut card = stream.below(all);
        counts().position(|count| match card.checked_sub(count) {
            Some(rest) => {
                card = rest;
                false
            }
            None => true,
        })
    }

    /// Any card: each that is left is as likely.
    fn one(&mut self, stream: &mut Stream) -> u32 {
        if self.total == 0 {
            self.refill();
        }
        let alphabet = self.alphabet(1, stream);
        self.deal(alphabet.expect("a sampler has two characters"), stream)
    }

    /// Any two different cards. A single one that is left does not serve: it might come
    /// again from the deck dealt anew.
    fn two(&mut self, stream: &mut Stream) -> [u32; 2] {
        if self.total < 2 {
            self.refill();
        }
        [self.one(stream), self.one(stream)]
    }

    /// Two different cards of one alphabet.
    fn two_of_one_alphabet(&mut self, stream: &mut Stream) -> [u32; 2] {
        let alphabet = self.alphabet(2, stream).or_else(|| {
            self.refill();
            self.alphabet(2, stream)
        });
        let alphabet = alphabet.expect("a sampler within alphabets has two characters in one");
        [self.deal(alphabet, stream), self.deal(alphabet, stream)]
    }
}
