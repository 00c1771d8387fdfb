//! Batches of drawings by class, for losses that compare all drawings of a batch.
//!
//! A class is a character in one pose: upright or turned by quarters, four classes for
//! each character (Santoro et al. 2016; Vinyals et al. 2016), and mirrored as well, eight.
//! Part of a batch is *one alphabet* in one pose, two drawings by different drawers of
//! each of many of its characters: that is the comparison a within-alphabet one-shot task
//! asks for. The rest comes from everywhere.

use std::ops::Range;

use super::split::characters_of;
use crate::seed::{Purpose, Stream};
use crate::store::{AlphabetId, CharacterId, DrawingId, Store};

/// Poses of a square: four quarter turns, and four of its mirror image.
pub const POSES: u32 = 8;

/// The shape of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchShape {
    /// Drawings in a batch.
    pub drawings: usize,
    /// The most characters that its one alphabet gives, two drawings each.
    pub alphabet_characters: usize,
    /// Poses of a character, each of which makes a class of its own: 4 for the quarter turns, 8
    /// with those of its mirror image; 1 leaves it upright.
    pub poses: u32,
}

/// One drawing of a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BatchItem {
    /// The drawing.
    pub drawing: DrawingId,
    /// Its pose: 0 to 3 quarter turns clockwise; from 4, as many less 4 of its mirror image.
    pub pose: u8,
    /// Its class: the character's place among the training characters, times the number of
    /// poses, plus the pose.
    pub class: u32,
}

/// What drawing a batch needs besides its items; one for each worker.
#[derive(Clone, Debug, Default)]
pub struct BatchScratch(Vec<usize>);

/// Draws batch after batch from the characters of some alphabets.
#[derive(Clone, Debug)]
pub struct BatchSampler {
    shape: BatchShape,
    seed: u64,
    /// Characters of each alphabet, and the first one's place among all.
    alphabets: Vec<(Range<CharacterId>, usize)>,
    /// Drawings of each character, in the order of the classes.
    drawings: Vec<Range<DrawingId>>,
}

impl BatchSampler {
    /// A sampler over `alphabets` under `seed`. Characters that have a single drawing
    /// are classes but never in the part that compares two drawings.
    ///
    /// # Panics
    /// If there are no alphabets, or the shape has no drawings, more of the one alphabet than
    /// of all, or other than 1 to 8 poses.
    #[must_use]
    pub fn new(
        store: &Store,
        alphabets: &[AlphabetId],
        shape: BatchShape,
        seed: u64,
    ) -> BatchSampler {
        assert!(!alphabets.is_empty(), "there is no alphabet to train on");
        assert!(shape.drawings > 0 && 2 * shape.alphabet_characters <= shape.drawings);
        assert!((1..=POSES).contains(&shape.poses));
        let mut drawings = Vec::new();
        let mut parts = Vec::new();
        for characters in characters_of(store, alphabets) {
            parts.push((characters.clone(), drawings.len()));
            drawings.extend(characters.map(|id| store.character(id).drawings.clone()));
        }
        BatchSampler {
            shape,
            seed,
            alphabets: parts,
            drawings,
        }
    }

    /// Number of classes: the number of characters times the number of poses.
    #[must_use]
    pub fn classes(&self) -> u32 {
        self.drawings.len() as u32 * self.shape.poses
    }

    /// Drawings in a batch.
    #[must_use]
    pub fn shape(&self) -> BatchShape {
        self.shape
    }

    /// Draws batch `index` into `items` and returns how many of them, at the front, are
    /// of the one alphabet. A pure function of seed, store and index, whatever `scratch` and
    /// `items` hold; with the same two again and again, nothing is allocated.
    ///
    /// # Panics
    /// If `index` is 2^48 or more.
    pub fn draw(
        &self,
        index: u64,
        scratch: &mut BatchScratch,
        items: &mut Vec<BatchItem>,
    ) -> usize {
        let mut stream = Stream::new(self.seed, Purpose::Batch, index);
        items.clear();
        let (characters, first) = &self.alphabets[stream.index(self.alphabets.len())];
        let poses = self.shape.poses;
        let pose = stream.below(poses);
        let chosen = &mut scratch.0;
        chosen.clear();
        let whole = *first..first + characters.len();
        chosen.extend(whole.filter(|&c| self.drawings[c].len() > 1));
        let count = chosen.len().min(self.shape.alphabet_characters);
        stream.choose_front(chosen, count);
        for &character in &chosen[..count] {
            let drawings = &self.drawings[character];
            for place in stream.two_below(drawings.len() as u32) {
                items.push(item(drawings.start + place, character, pose, poses));
            }
        }
        let alphabet_part = items.len();
        while items.len() < self.shape.drawings {
            let character = stream.index(self.drawings.len());
            let drawings = &self.drawings[character];
            let drawing = drawings.start + stream.below(drawings.len() as u32);
            items.push(item(drawing, character, stream.below(poses), poses));
        }
        alphabet_part
    }
}

fn item(drawing: DrawingId, character: usize, pose: u32, poses: u32) -> BatchItem {
    BatchItem {
        drawing,
        pose: pose as u8,
        class: character as u32 * poses + pose,
    }
}
