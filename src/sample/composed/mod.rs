//! Classes composed of two characters: more kinds of drawings than there are characters.
//!
//! What a network learns of new characters is bounded by how many characters it has seen. A
//! composed class is a base and another character, arranged in one of five ways
//! ([`Composition`]); each of its drawings is made of any drawings of the two, arranged a little
//! differently. Joining characters of several alphabets into new classes goes back to Santoro et
//! al. (2016), who turn them; parts in new arrangements are what Lake et al. (2015) take
//! characters to be.
//!
//! Classes come in *families* of four siblings, which stand in a batch together as the characters
//! of one alphabet do: two other characters, each in two places of one base, so that a sibling
//! differs from the next in its mark, in the mark's place, or in both. Half of the families take
//! both characters from one alphabet, half from different ones.
//!
//! No two classes are the same: with all kinds, families are numbered through kinds and alphabets
//! in turn, and within those by a shuffled [`Order`](super::Order) of every base with two others, each
//! other being in one pair of a base alone. So class `c` is a pure function of (seed, `c`), and
//! its drawing `n` of (seed, `c`, `n`).

mod layout;
mod pools;

use std::ops::Range;

use thiserror::Error;

pub use layout::{Composition, Compositions, Placement};

use super::split::characters_of;
use crate::seed::{Purpose, Stream};
use crate::store::{AlphabetId, CharacterId, DrawingId, Store};
use pools::Pool;

/// Classes of a family.
pub const SIBLINGS: u32 = 4;
/// Drawings of a family in a batch: two of each class.
const FAMILY_DRAWINGS: usize = 2 * SIBLINGS as usize;
/// Drawings of a class that are told apart.
const NUMBERS: u32 = 1 << 20;
/// The most classes that are told apart.
const MOST_CLASSES: u64 = 1 << 24;

/// How many composed classes there are, and how many drawings of them in a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ComposedShape {
    /// Composed classes, a multiple of 4.
    pub classes: u32,
    /// Drawings of them in a batch, a multiple of 8: two of each class of a family.
    pub drawings: usize,
    /// The kinds of composition that there are, as many families of each.
    pub kinds: Compositions,
}

/// Why no classes can be composed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ComposedError {
    /// Families would be torn apart.
    #[error("{classes} composed classes: give a multiple of 4, from 4 up")]
    Classes {
        /// Classes that were asked for.
        classes: u32,
    },
    /// A batch would have half a family, or one twice.
    #[error(
        "{drawings} composed drawings in a batch: give a multiple of 8, from 8 to twice the \
         composed classes ({classes})"
    )]
    Drawings {
        /// Drawings that were asked for.
        drawings: usize,
        /// Composed classes.
        classes: u32,
    },
    /// There is no way to compose them.
    #[error("no kind of composition is named: give marked, beside, stacked, overlaid or parts")]
    NoKind,
    /// The characters do not suffice.
    #[error(
        "{classes} composed classes, all different, take more characters than there are: these \
         make {most}; give fewer classes, more kinds or more alphabets"
    )]
    TooMany {
        /// Classes that were asked for.
        classes: u32,
        /// Classes that there can be.
        most: u64,
    },
}

/// What a composed class is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ComposedClass {
    /// How it is composed.
    pub kind: Composition,
    /// Its base, and the other character.
    pub characters: [CharacterId; 2],
    /// Where each of them lies.
    pub places: [Placement; 2],
}

/// A drawing of a composed class.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ComposedDrawing {
    /// The class, from 0.
    pub class: u32,
    /// The drawings of its base and of the other character.
    pub drawings: [DrawingId; 2],
    /// Where each of them lies.
    pub places: [Placement; 2],
}

/// Draws composed classes, their drawings, and those of batch after batch.
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
/// use omnishot_data::sample::{ComposedSampler, ComposedShape, Compositions, alphabets_of};
///
/// let store = Store::open(&path)?;
/// let training = alphabets_of(&store, Split::Background);
/// let shape = ComposedShape { classes: 200, drawings: 16, kinds: Compositions::ALL };
/// let sampler = ComposedSampler::new(&store, &training, shape, 7)?;
/// let (class, drawing) = (sampler.class(123), sampler.drawing(123, 0));
/// assert_eq!(drawing.drawings.map(|id| store.character_of(id)), class.characters);
/// // Siblings differ in one character or its place.
/// assert_eq!(sampler.class(122).characters[0], class.characters[0]);
/// assert_ne!(sampler.class(122).characters[1], class.characters[1]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct ComposedSampler {
    shape: ComposedShape,
    seed: u64,
    kinds: Vec<Composition>,
    characters: Vec<CharacterId>,
    /// Drawings of each character.
    drawings: Vec<Range<DrawingId>>,
    /// Where the characters come from, in turn: one alphabet, or two.
    pools: Vec<Pool>,
}

impl ComposedSampler {
    /// A sampler of classes composed of the characters of `alphabets` alone, under `seed`.
    ///
    /// # Errors
    /// If the numbers do not fit each other, or there are too few characters for so many classes.
    ///
    /// # Panics
    /// If an alphabet is not one of the store's.
    pub fn new(
        store: &Store,
        alphabets: &[AlphabetId],
        shape: ComposedShape,
        seed: u64,
    ) -> Result<ComposedSampler, ComposedError> {
        shape.check()?;
        let (mut characters, mut parts) = (Vec::new(), Vec::new());
        for part in characters_of(store, alphabets) {
            parts.push(characters.len()..characters.len() + part.len());
            characters.extend(part);
        }
        let kinds: Vec<Composition> = shape.kinds.iter().collect();
        let pools = Pool::all(&parts, seed);
        let pairs = pools.iter().map(Pool::pairs).min().unwrap_or(0);
        let most = u64::from(SIBLINGS) * pairs * (kinds.len() * pools.len()) as u64;
        let most = most.min(MOST_CLASSES);
        let classes = shape.classes;
        if u64::from(classes) > most {
            return Err(ComposedError::TooMany { classes, most });
        }
        Ok(ComposedSampler {
            shape,
            seed,
            kinds,
            drawings: (characters.iter())
                .map(|&id| store.character(id).drawings.clone())
                .collect(),
            characters,
            pools,
        })
    }

    /// Its classes and batches.
    #[must_use]
    pub fn shape(&self) -> ComposedShape {
        self.shape
    }

    /// Class `class`: a pure function of seed, store and class.
    ///
    /// # Panics
    /// If there are not so many classes.
    #[must_use]
    pub fn class(&self, class: u32) -> ComposedClass {
        let (family, sibling) = self.family_of(class);
        ComposedClass {
            kind: family.kind,
            characters: family.parts(sibling).map(|part| self.characters[part]),
            places: family.places(sibling),
        }
    }

    /// Drawing `number` of class `class`: a pure function of seed, store, class and number.
    ///
    /// # Panics
    /// If there are not so many classes, or `number` is 2^20 or more.
    #[must_use]
    pub fn drawing(&self, class: u32, number: u32) -> ComposedDrawing {
        assert!(number < NUMBERS, "drawing {number} is not below {NUMBERS}");
        let (family, sibling) = self.family_of(class);
        self.drawing_of(&family, sibling, (class, number))
    }

    /// Draws the composed part of batch `index` into `items`: two drawings of each class of some
    /// families, one after the other. A pure function of seed, store and index.
    ///
    /// The families are parted into as many ranges as a batch has families, and each range gives
    /// one: so none is there twice.
    ///
    /// # Panics
    /// If `index` is 2^48 or more.
    pub fn draw(&self, index: u64, items: &mut Vec<ComposedDrawing>) {
        let stream = &mut Stream::new(self.seed, Purpose::ComposedBatch, index);
        let families = u64::from(self.shape.classes / SIBLINGS);
        let shown = (self.shape.drawings / FAMILY_DRAWINGS) as u64;
        items.clear();
        for place in 0..shown {
            let [first, end] = [place, place + 1].map(|place| (place * families / shown) as u32);
            let place = first + stream.below(end - first);
            let family = self.family(place);
            for sibling in 0..SIBLINGS {
                let class = SIBLINGS * place + sibling;
                let numbers = stream.two_below(NUMBERS);
                let drawing = |number| self.drawing_of(&family, sibling, (class, number));
                items.extend(numbers.map(drawing));
            }
        }
    }

    /// A class's family, and which of it the class is.
    fn family_of(&self, class: u32) -> (Family, u32) {
        let classes = self.shape.classes;
        assert!(class < classes, "composed class {class} of {classes}");
        (self.family(class / SIBLINGS), class % SIBLINGS)
    }

    /// Family `family`: a pure function of seed, store and family.
    fn family(&self, family: u32) -> Family {
        let (kinds, pools) = (self.kinds.len() as u32, self.pools.len() as u32);
        let kind = self.kinds[(family % kinds) as usize];
        let pool = &self.pools[(family / kinds % pools) as usize];
        let (base, others) = pool.pair(kind, u64::from(family / kinds / pools));
        let stream = &mut Stream::new(self.seed, Purpose::Composed, FAMILIES + u64::from(family));
        Family {
            kind,
            base,
            others,
            arrangements: layout::arrangements(kind, stream),
        }
    }

    /// Drawing `number` of a class, which is this sibling of its family.
    fn drawing_of(
        &self,
        family: &Family,
        sibling: u32,
        (class, number): (u32, u32),
    ) -> ComposedDrawing {
        let item = u64::from(class) * u64::from(NUMBERS) + u64::from(number);
        let stream = &mut Stream::new(self.seed, Purpose::ComposedDrawing, item);
        ComposedDrawing {
            class,
            drawings: family.parts(sibling).map(|part| {
                let drawings = &self.drawings[part];
                drawings.start + stream.below(drawings.len() as u32)
            }),
            places: (family.places(sibling)).map(|place| layout::by_hand(place, stream)),
        }
    }
}

/// What the classes of a family are made of.
struct Family {
    kind: Composition,
    /// Places of its base and of the two others among all characters.
    base: usize,
    others: [usize; 2],
    arrangements: [[Placement; 2]; 2],
}

impl Family {
    /// The places of a sibling's characters among all.
    fn parts(&self, sibling: u32) -> [usize; 2] {
        [self.base, self.others[(sibling % 2) as usize]]
    }

    /// Where they lie.
    fn places(&self, sibling: u32) -> [Placement; 2] {
        self.arrangements[(sibling / 2) as usize]
    }
}

/// The first item of the stream that is of a family; those before are of [`pools`].
const FAMILIES: u64 = 1 << 40;

impl ComposedShape {
    /// Refuses numbers that do not fit each other.
    ///
    /// # Errors
    /// [`ComposedError`] but [`ComposedError::TooMany`], which depends on the characters.
    pub fn check(&self) -> Result<(), ComposedError> {
        let ComposedShape {
            classes,
            drawings,
            kinds,
        } = *self;
        if classes == 0 || !classes.is_multiple_of(SIBLINGS) {
            return Err(ComposedError::Classes { classes });
        }
        let whole = drawings > 0 && drawings.is_multiple_of(FAMILY_DRAWINGS);
        if !whole || drawings > 2 * classes as usize {
            return Err(ComposedError::Drawings { drawings, classes });
        }
        if kinds.iter().next().is_none() {
            return Err(ComposedError::NoKind);
        }
        Ok(())
    }
}
