//! What a report draws beside its figures.

mod tsne;

use rayon::prelude::*;

use crate::archive::Split;
use crate::embed::Embeddings;
use crate::eval::scores::ProtocolRun;
use crate::eval::systems::{Network, System};
use crate::eval::tasks::TaskSet;
use crate::image::Picture;
use crate::seed::{Purpose, Stream};
use crate::store::{AlphabetId, DrawingId, PageCache, StoreError};
use tsne::layout;

/// Drawings to look at: of the first network of an evaluation.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Gallery {
    /// The network's name; empty if there is none.
    pub network: String,
    /// Tasks it failed, at most a few dozen, the official runs' first.
    pub failures: Vec<Failure>,
    /// Tasks that all networks answered by one and the same wrong way, if there are several.
    pub shared: Vec<Failure>,
    /// Drawings and the ones nearest to them.
    pub neighbours: Vec<Neighbours>,
    /// An alphabet that it has not seen, as it sees it.
    pub map: Option<EmbeddingMap>,
}

/// A task that a network failed.
#[derive(Clone, Debug, PartialEq)]
pub struct Failure {
    /// Protocol and run or alphabet, as `lake-runs, run07`.
    pub place: String,
    /// The drawing to classify.
    pub query: Picture,
    /// One drawing of each way.
    pub support: Vec<Picture>,
    /// The right way.
    pub answer: usize,
    /// The way it chose; none if two shared the first place.
    pub chosen: Option<usize>,
    /// Its similarity of the query to each way; none where several networks are meant.
    pub similarities: Vec<f64>,
}

/// A drawing and those nearest to it among all drawings of unseen alphabets, itself left out.
#[derive(Clone, Debug, PartialEq)]
pub struct Neighbours {
    /// The drawing.
    pub query: Picture,
    /// Its alphabet and character.
    pub label: String,
    /// The nearest first.
    pub nearest: Vec<Neighbour>,
}

/// A drawing near another.
#[derive(Clone, Debug, PartialEq)]
pub struct Neighbour {
    /// The drawing.
    pub page: Picture,
    /// Its alphabet and character.
    pub label: String,
    /// How alike the network finds the two.
    pub similarity: f64,
    /// Whether both show one character.
    pub same: bool,
}

/// Drawings of one alphabet laid out in the plane, near each other if the network finds them
/// alike (t-SNE).
#[derive(Clone, Debug, PartialEq)]
pub struct EmbeddingMap {
    /// The alphabet.
    pub alphabet: String,
    /// Names of its characters.
    pub characters: Vec<String>,
    /// Its drawings.
    pub points: Vec<MapPoint>,
}

/// One drawing of a map.
#[derive(Clone, Debug, PartialEq)]
pub struct MapPoint {
    /// Place, each from 0 to 1.
    pub at: [f64; 2],
    /// Index into the characters.
    pub character: usize,
    /// The drawing.
    pub page: Picture,
}

/// The most failed tasks of each protocol that are shown.
const MOST_FAILURES: usize = 12;
/// The most tasks that are shown of those that all networks failed alike.
const MOST_SHARED: usize = 20;
/// Drawings whose neighbours are shown, and neighbours of each.
const QUERIES: usize = 8;
const NEAREST: usize = 8;
/// The most drawings of a map.
const MOST_POINTS: usize = 800;

/// At most so many of some, spread over all of them, so that one hard alphabet does not fill the page.
fn spread_over<T: Copy>(all: &[T], most: usize) -> Vec<T> {
    let shown = all.len().min(most);
    (0..shown)
        .map(|place| all[place * all.len() / shown])
        .collect()
}

/// A question that was answered wrongly, with one drawing of each way.
fn failure(
    pages: &PageCache,
    set: &TaskSet,
    question: usize,
    chosen: Option<usize>,
) -> Result<Failure, StoreError> {
    let task = &set.tasks[question];
    let page = |&id: &DrawingId| pages.drawn(id).map(Picture::from);
    let firsts = task.support.iter().step_by(set.shots);
    let group = &set.groups[set.group_of[question] as usize];
    Ok(Failure {
        place: format!("{}, {group}", set.protocol),
        query: page(&task.query)?,
        support: firsts.map(page).collect::<Result<_, _>>()?,
        answer: task.answer,
        chosen,
        similarities: Vec::new(),
    })
}

impl Gallery {
    /// Adds questions that a network answered wrongly, of those that it was asked, from as many
    /// groups as it takes.
    ///
    /// # Errors
    /// If a drawing cannot be read.
    pub fn add_failures(
        &mut self,
        pages: &PageCache,
        run: &ProtocolRun,
        network: &Network<'_>,
    ) -> Result<(), StoreError> {
        let (set, system) = (&run.set, network.name());
        let Some((_, _, answers)) = run.systems.iter().find(|(name, ..)| name == system) else {
            return Ok(());
        };
        let wrong: Vec<usize> = (answers.right(set).enumerate())
            .filter(|(_, right)| !right)
            .map(|(question, _)| question)
            .collect();
        let shown = spread_over(&wrong, MOST_FAILURES);
        let similarities = network.similarities_of(set, &shown)?;
        for (question, similarities) in shown.into_iter().zip(similarities) {
            let chosen = answers.chosen[question];
            let failure = failure(pages, set, question, chosen)?;
            self.failures.push(Failure {
                similarities,
                ..failure
            });
        }
        Ok(())
    }

    /// Shows questions that all networks answered by one and the same wrong way, of each protocol
    /// as many.
    ///
    /// # Errors
    /// If a drawing cannot be read.
    pub fn add_shared(
        &mut self,
        pages: &PageCache,
        runs: &[ProtocolRun],
    ) -> Result<(), StoreError> {
        let each = MOST_SHARED / runs.len().max(1);
        for run in runs {
            for (question, way) in spread_over(&run.same_wrong(), each) {
                let failure = failure(pages, &run.set, question, Some(way))?;
                self.shared.push(failure);
            }
        }
        Ok(())
    }

    /// Shows some drawings, by the seed, with those nearest to them among all that were embedded
    /// of `split`.
    ///
    /// # Errors
    /// If a drawing cannot be read.
    pub fn add_neighbours(
        &mut self,
        pages: &PageCache,
        embeddings: &Embeddings,
        split: Split,
        seed: u64,
    ) -> Result<(), StoreError> {
        let store = pages.store();
        let alphabet = |id| store.alphabet(store.character(store.character_of(id)).alphabet);
        let all = embeddings.drawings().iter().copied();
        let all: Vec<DrawingId> = all.filter(|&id| alphabet(id).split == split).collect();
        let label = |id| {
            let character = &store.character(store.character_of(id)).name;
            format!("{}, {character}", alphabet(id).name)
        };
        let mut queries = all.clone();
        let shown = QUERIES.min(queries.len());
        Stream::new(seed, Purpose::Gallery, 0).choose_front(&mut queries, shown);
        for &query in &queries[..shown] {
            let others = all.iter().filter(|&&id| id != query);
            let mut alike: Vec<(f64, DrawingId)> = others
                .map(|&id| (embeddings.similarity(query, id), id))
                .collect();
            alike.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
            let near = |&(similarity, id): &(f64, DrawingId)| {
                Ok(Neighbour {
                    page: pages.drawn(id)?.into(),
                    label: label(id),
                    similarity,
                    same: store.character_of(id) == store.character_of(query),
                })
            };
            self.neighbours.push(Neighbours {
                query: pages.drawn(query)?.into(),
                label: label(query),
                nearest: (alike.iter().take(NEAREST).map(near))
                    .collect::<Result<_, StoreError>>()?,
            });
        }
        Ok(())
    }

    /// Maps one of the alphabets, chosen by the seed among those small enough and embedded.
    ///
    /// # Errors
    /// If a drawing cannot be read.
    pub fn add_map(
        &mut self,
        pages: &PageCache,
        embeddings: &Embeddings,
        alphabets: &[AlphabetId],
        seed: u64,
    ) -> Result<(), StoreError> {
        let store = pages.store();
        let drawings = |id: AlphabetId| -> Vec<DrawingId> {
            let characters = store.alphabet(id).characters.clone();
            characters
                .flat_map(|c| store.character(c).drawings.clone())
                .collect()
        };
        let embedded = |id: &DrawingId| embeddings.drawings().binary_search(id).is_ok();
        let fits = |id: &AlphabetId| {
            let drawings = drawings(*id);
            drawings.len() <= MOST_POINTS && drawings.iter().all(embedded)
        };
        let fitting: Vec<AlphabetId> = alphabets.iter().copied().filter(fits).collect();
        if fitting.is_empty() {
            return Ok(());
        }
        let chosen = fitting[Stream::new(seed, Purpose::Gallery, 1).index(fitting.len())];
        let ids = drawings(chosen);
        let square = |a, b| {
            let (itself, other) = (embeddings.similarity(a, a), embeddings.similarity(a, b));
            (2.0 * (itself - other)).max(0.0) // of unit vectors |a - b|^2 = 2 (1 - cosine)
        };
        let squares: Vec<f64> = (ids.par_iter())
            .flat_map_iter(|&a| ids.iter().map(move |&b| square(a, b)))
            .collect();
        let places = layout(&squares, ids.len());
        let alphabet = store.alphabet(chosen);
        let point = |(&id, at): (&DrawingId, [f64; 2])| {
            Ok(MapPoint {
                at,
                character: (store.character_of(id) - alphabet.characters.start) as usize,
                page: pages.drawn(id)?.into(),
            })
        };
        let names = alphabet
            .characters
            .clone()
            .map(|id| store.character(id).name.clone());
        self.map = Some(EmbeddingMap {
            alphabet: alphabet.name.clone(),
            characters: names.collect(),
            points: (ids.iter().zip(places).map(point)).collect::<Result<_, StoreError>>()?,
        });
        Ok(())
    }
}
