//! N-way k-shot tasks: which drawings are the support, which is the query.

use std::ops::Range;

use crate::seed::{Purpose, Stream};
use crate::store::{AlphabetId, CharacterId, DrawingId, Store};

/// Where the characters of one task come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "cli", derive(clap::ValueEnum))]
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
#[derive(Clone, Debug, Default, PartialEq, Eq)]
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
     of one alphabet (or of all, between them) with more drawings than {shots}; ask for fewer ways or shots"
)]
pub struct TaskError {
    /// Ways that were asked for.
    pub ways: usize,
    /// Shots that were asked for.
    pub shots: usize,
}

/// Characters of an alphabet that a task of so many shots can ask about: those with a drawing
/// more than its support takes.
pub(super) fn askable(
    store: &Store,
    alphabet: AlphabetId,
    shots: usize,
) -> impl Iterator<Item = CharacterId> + '_ {
    let characters = store.alphabet(alphabet).characters.clone();
    characters.filter(move |&id| store.character(id).drawings.len() > shots)
}

/// What drawing a task needs besides the task; one for each worker.
#[derive(Clone, Debug, Default)]
pub struct TaskScratch {
    pool: Vec<CharacterId>,
    drawings: Vec<DrawingId>,
}

/// Draws task after task from some alphabets.
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
/// use omnishot_data::sample::{Scope, TaskSampler, TaskShape, alphabets_of};
///
/// let store = Store::open(&path)?;
/// let shape = TaskShape { ways: 20, shots: 1, scope: Scope::Within };
/// let sampler = TaskSampler::new(&store, &alphabets_of(&store, Split::Evaluation), shape, 7)?;
/// let task = sampler.draw(0);
/// let right = task.support[task.answer];
/// assert_eq!(store.character_of(right), store.character_of(task.query));
/// assert_ne!(right, task.query);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct TaskSampler {
    shape: TaskShape,
    seed: u64,
    /// Sets of characters, one for each alphabet, or one for all together; each
    /// character has more drawings than there are shots.
    pools: Vec<Vec<CharacterId>>,
    /// Drawings of each character of the store.
    drawings: Vec<Range<DrawingId>>,
    /// Drawer of each drawing of the store.
    drawers: Vec<u16>,
}

impl TaskSampler {
    /// A sampler over `alphabets` under `seed`. Within alphabets, one with too few
    /// characters for a task is left out.
    ///
    /// # Errors
    /// If no alphabet (or, between alphabets, all of them together) has enough characters.
    pub fn new(
        store: &Store,
        alphabets: &[AlphabetId],
        shape: TaskShape,
        seed: u64,
    ) -> Result<TaskSampler, TaskError> {
        let mut pools: Vec<Vec<CharacterId>> = (alphabets.iter())
            .map(|&id| askable(store, id, shape.shots).collect())
            .collect();
        if shape.scope == Scope::Between {
            pools = vec![pools.concat()];
        }
        pools.retain(|pool| pool.len() >= shape.ways);
        if pools.is_empty() || shape.ways == 0 || shape.shots == 0 {
            return Err(TaskError {
                ways: shape.ways,
                shots: shape.shots,
            });
        }
        let characters = store.characters().iter();
        let ids = 0..store.characters().len() as CharacterId;
        Ok(TaskSampler {
            shape,
            seed,
            pools,
            drawings: characters.map(|entry| entry.drawings.clone()).collect(),
            drawers: ids.flat_map(|id| store.drawers(id)).collect(),
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
        let mut task = Task::default();
        self.draw_into(index, &mut TaskScratch::default(), &mut task);
        task
    }

    /// [`TaskSampler::draw`] into a task, whatever it and `scratch` hold; with the same two
    /// again and again, nothing is allocated.
    ///
    /// # Panics
    /// If `index` is 2^48 or more.
    pub fn draw_into(&self, index: u64, scratch: &mut TaskScratch, task: &mut Task) {
        let TaskShape { ways, shots, .. } = self.shape;
        let mut stream = Stream::new(self.seed, Purpose::Task, index);
        let TaskScratch { pool, drawings } = scratch;
        pool.clone_from(&self.pools[stream.index(self.pools.len())]);
        stream.choose_front(pool, ways);
        let answer = stream.index(ways);
        let asked = self.drawings[pool[answer] as usize].clone();
        let query = asked.start + stream.below(asked.len() as u32);
        let drawer = self.drawers[query as usize];
        task.support.clear();
        for &character in &pool[..ways] {
            drawings.clear();
            // Each character has more than `shots` drawings and one at most by this drawer.
            let others = self.drawings[character as usize].clone();
            drawings.extend(others.filter(|&id| self.drawers[id as usize] != drawer));
            stream.choose_front(drawings, shots);
            task.support.extend(&drawings[..shots]);
        }
        task.query = query;
        task.answer = answer;
    }
}
