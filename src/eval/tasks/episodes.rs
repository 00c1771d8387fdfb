//! Meta-Dataset's episodes of Omniglot (Triantafillou et al. 2020): as many ways as the alphabet
//! allows, and another number of support drawings for each.
//!
//! The law is that of its published sampler (`meta_dataset/data/sampling.py`, with the settings of
//! its benchmark): an alphabet, each as likely; 5 to 50 ways, each number as likely, of its
//! characters; of each character 10 queries, or half of its drawings if that is fewer for one of
//! them; a size of the whole support, and shares of it by the number of drawings, times a factor
//! from a half to two whose logarithm is uniform. Who drew what is not looked at, as there.

use crate::eval::error::EvalError;
use crate::seed::{Purpose, Stream};
use crate::store::{AlphabetId, CharacterId, DrawingId, Store};

/// The fewest and the most ways of an episode.
const FEWEST_WAYS: usize = 5;
const MOST_WAYS: usize = 50;
/// The most queries of a character.
const MOST_QUERIES: usize = 10;
/// What a character adds to the size of the support at most, and the most of all together.
const MOST_OF_EACH: usize = 100;
const MOST_SUPPORT: usize = 500;

/// One episode: queries that are asked about one support.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Episode {
    /// The support drawings of each way, one or more.
    pub support: Vec<Vec<DrawingId>>,
    /// The drawings to classify, each with its right way; as many of each way.
    pub queries: Vec<(DrawingId, usize)>,
}

/// Episodes from a store's alphabets, in a fixed order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EpisodeSet {
    /// The seed they were drawn from.
    pub seed: u64,
    /// The episodes.
    pub episodes: Vec<Episode>,
}

impl EpisodeSet {
    /// Episodes 0 to `count`, each a pure function of seed, store and its number. Alphabets with
    /// fewer than five characters of two drawings or more are left out.
    ///
    /// # Errors
    /// If none is left.
    ///
    /// # Panics
    /// If `count` is above 2^48.
    pub fn draw(
        store: &Store,
        alphabets: &[AlphabetId],
        seed: u64,
        count: u64,
    ) -> Result<EpisodeSet, EvalError> {
        let askable = |&id: &AlphabetId| -> Vec<CharacterId> {
            let characters = store.alphabet(id).characters.clone();
            let enough = |id: &CharacterId| store.character(*id).drawings.len() >= 2;
            characters.filter(enough).collect()
        };
        let mut pools: Vec<Vec<CharacterId>> = alphabets.iter().map(askable).collect();
        pools.retain(|pool| pool.len() >= FEWEST_WAYS);
        if pools.is_empty() {
            return Err(EvalError::NoEpisodes);
        }
        let episodes = (0..count).map(|index| {
            let mut stream = Stream::new(seed, Purpose::Episode, index);
            let pool = &pools[stream.index(pools.len())];
            episode(store, pool.clone(), &mut stream)
        });
        Ok(EpisodeSet {
            seed,
            episodes: episodes.collect(),
        })
    }

    /// Every drawing that an episode shows, some of them many times.
    pub fn drawings(&self) -> impl Iterator<Item = DrawingId> + '_ {
        self.episodes.iter().flat_map(|episode| {
            let support = episode.support.iter().flatten().copied();
            support.chain(episode.queries.iter().map(|&(query, _)| query))
        })
    }

    /// Queries of all episodes together.
    #[must_use]
    pub fn queries(&self) -> u64 {
        let each = self.episodes.iter();
        each.map(|episode| episode.queries.len() as u64).sum()
    }

    /// The fewest and the most ways of an episode; zeros if there are none.
    #[must_use]
    pub fn ways(&self) -> [usize; 2] {
        let ways = || self.episodes.iter().map(|episode| episode.support.len());
        [ways().min().unwrap_or(0), ways().max().unwrap_or(0)]
    }

    /// Right answers of one who guesses, in percent: the mean over episodes.
    #[must_use]
    pub fn chance(&self) -> f64 {
        let shares = (self.episodes.iter()).map(|episode| 100.0 / episode.support.len() as f64);
        shares.sum::<f64>() / self.episodes.len().max(1) as f64
    }
}

/// An episode of some of an alphabet's characters.
fn episode(store: &Store, mut pool: Vec<CharacterId>, stream: &mut Stream) -> Episode {
    let most = MOST_WAYS.min(pool.len());
    let ways = FEWEST_WAYS + stream.index(most - FEWEST_WAYS + 1);
    stream.choose_front(&mut pool, ways);
    let characters = &pool[..ways];
    let drawings = |&id: &CharacterId| store.character(id).drawings.clone();
    let has: Vec<usize> = (characters.iter()).map(|id| drawings(id).len()).collect();
    let halves = has.iter().map(|has| has / 2);
    let queries = halves.fold(MOST_QUERIES, usize::min);
    let shots = shots(&has, queries, stream);
    let mut episode = Episode::default();
    for (way, (id, shots)) in characters.iter().zip(shots).enumerate() {
        let mut drawings: Vec<DrawingId> = drawings(id).collect();
        stream.choose_front(&mut drawings, shots + queries);
        let asked = drawings[shots..shots + queries].iter();
        episode.queries.extend(asked.map(|&query| (query, way)));
        drawings.truncate(shots);
        episode.support.push(drawings);
    }
    episode
}

/// How many support drawings each way gets, one or more, of characters that have so many drawings
/// and of which `queries` are asked about.
fn shots(has: &[usize], queries: usize, stream: &mut Stream) -> Vec<usize> {
    let left = || has.iter().map(|has| has - queries);
    let share = u64::from(stream.word());
    // One more than the floor, so that the size is no less than the number of ways.
    let size = left().map(|left| ((share * left.min(MOST_OF_EACH) as u64) >> 32) as usize + 1);
    let size = size.sum::<usize>().min(MOST_SUPPORT);
    let weight = |&has: &usize| has as f64 * libm::exp2(stream.signed_unit());
    let weights: Vec<f64> = has.iter().map(weight).collect();
    let all: f64 = weights.iter().sum();
    let spare = (size - has.len()) as f64; // beside the one that each has anyway
    let each = weights.iter().zip(left());
    each.map(|(weight, left)| left.min((weight / all * spare) as usize + 1))
        .collect()
}
