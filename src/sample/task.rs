//! N-way k-shot tasks: which drawings are the support, which is the query.

use std::ops::Range;

use super::split::characters_of;
use crate::seed::{Purpose, Stream};
use crate::store::{AlphabetId, CharacterId, DrawingId, Store};

/// Where the characters of one task come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// All from one alphabet, as in Lake's runs: the harder kind.
    Within,
    /// From all alphabets together, as in Vinyals et al. 2016.
    Between,
}

/// The shape of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TaskShape {
    /// Characters to choose among, N.
    pub ways: usize,
    /// Support drawings of each character, k.
    pub shots: usize,
    /// Where the characters come from.
    pub scope: Scope,
}

/// One classification to make: the query shows the character of way `answer`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    /// Support drawings, `shots` of each way in turn: way `w` has `w * shots..(w + 1) * shots`.
    pub support: Vec<DrawingId>,
    /// The drawing to classify; its drawer drew none of the support's drawings of its character.
    pub query: DrawingId,
    /// The right way, uniform over all.
    pub answer: usize,
}

/// Why no tasks of a shape can be drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "no {ways}-way {shots}-shot task can be drawn from these alphabets: it takes {ways} characters \
     with more than {shots} drawings"
)]
pub struct TooFew {
    /// Ways that were asked for.
    pub ways: usize,
    /// Shots that were asked for.
    pub shots: usize,
}

/// Draws task after task from some alphabets.
#[derive(Clone, Debug)]
pub struct TaskSampler<'a> {
    store: &'a Store,
    shape: TaskShape,
    seed: u64,
    /// Sets of characters, one for each alphabet, or one for all together; each
    /// character has more drawings than there are shots.
    pools: Vec<Vec<CharacterId>>,
}

impl<'a> TaskSampler<'a> {
    /// A sampler over `alphabets` under `seed`. Within alphabets, one with too few
    /// characters for a task is left out.
    ///
    /// # Errors
    /// If no alphabet (or, between alphabets, all of them together) has enough characters.
    pub fn new(
        store: &'a Store,
        alphabets: &[AlphabetId],
        shape: TaskShape,
        seed: u64,
    ) -> Result<TaskSampler<'a>, TooFew> {
        let enough = |range: Range<CharacterId>| -> Vec<CharacterId> {
            range
                .filter(|&id| store.character(id).drawings.len() > shape.shots)
                .collect()
        };
        let mut pools: Vec<Vec<CharacterId>> = characters_of(store, alphabets)
            .into_iter()
            .map(enough)
            .collect();
        if shape.scope == Scope::Between {
            pools = vec![pools.concat()];
        }
        pools.retain(|pool| pool.len() >= shape.ways);
        if pools.is_empty() || shape.ways == 0 || shape.shots == 0 {
            return Err(TooFew {
                ways: shape.ways,
                shots: shape.shots,
            });
        }
        Ok(TaskSampler {
            store,
            shape,
            seed,
            pools,
        })
    }

    /// The shape of every task.
    #[must_use]
    pub fn shape(&self) -> TaskShape {
        self.shape
    }

    /// Task `index`: a pure function of seed, store and index.
    ///
    /// The support's drawings of the query's character are by drawers other than the
    /// query's. Drawer numbers mean one person inside one alphabet only; there, wherever a
    /// character has enough drawings, no support drawing is by the query's drawer.
    ///
    /// # Panics
    /// If `index` is 2^48 or more.
    #[must_use]
    pub fn draw(&self, index: u64) -> Task {
        let TaskShape { ways, shots, .. } = self.shape;
        let mut stream = Stream::new(self.seed, Purpose::Task, index);
        let mut pool = self.pools[stream.index(self.pools.len())].clone();
        stream.choose_front(&mut pool, ways);
        let answer = stream.index(ways);
        let drawings = self.drawings(pool[answer]);
        let (query, drawer) = drawings[stream.index(drawings.len())];
        let mut support = Vec::with_capacity(ways * shots);
        for &character in &pool[..ways] {
            let mut drawings = self.drawings(character);
            // Each character has more than `shots` drawings and one at most by this drawer.
            drawings.retain(|&(_, other)| other != drawer);
            stream.choose_front(&mut drawings, shots);
            support.extend(drawings[..shots].iter().map(|&(id, _)| id));
        }
        Task {
            support,
            query,
            answer,
        }
    }

    /// A character's drawings, each with its drawer.
    fn drawings(&self, character: CharacterId) -> Vec<(DrawingId, u16)> {
        let ids = self.store.character(character).drawings.clone();
        ids.zip(self.store.drawers(character)).collect()
    }
}
