//! Vinyals's split: tasks among characters that were set aside, each turned by quarters of a circle
//! into four classes.
//!
//! Vinyals et al. (2016) train on 1,200 of the 1,623 characters and test on the other 423, in 20-way
//! tasks between alphabets; Snell, Swersky & Zemel (2017) published which. In the order of the files
//! those are numbers 1,201 to 1,623, so the test characters are all of Lake's evaluation set, and a
//! network that learned from the background set has seen none of them. It learned from fewer.

use std::ops::Range;

use super::task_set::{Protocol, TaskSet};
use crate::archive::Split;
use crate::eval::error::EvalError;
use crate::sample::{Task, alphabets_of, characters_of};
use crate::seed::{Purpose, Stream};
use crate::store::{CharacterId, DrawingId, Store};

/// Omniglot's characters, of both sets.
const BACKGROUND: usize = 964;
const EVALUATION: usize = 659;
/// The last of all that Vinyals set aside.
const TEST: usize = 423;
/// Quarter turns, each a class.
pub(in crate::eval) const TURNS: u32 = 4;

/// A drawing and how often it is turned by a quarter, as one number.
#[must_use]
pub(in crate::eval) fn turned(drawing: DrawingId, turns: u32) -> u32 {
    drawing * TURNS + turns
}

/// The drawing, and how often it is turned by a quarter.
#[must_use]
pub(in crate::eval) fn parts(turned: u32) -> (DrawingId, u32) {
    (turned / TURNS, turned % TURNS)
}

/// Vinyals's test characters, in the store's order.
///
/// # Errors
/// If the store does not hold all of Omniglot's characters, or 2^30 drawings or more.
fn test_characters(store: &Store) -> Result<Vec<CharacterId>, EvalError> {
    let of = |split| -> Vec<CharacterId> {
        let each = characters_of(store, &alphabets_of(store, split));
        each.into_iter().flatten().collect()
    };
    let (background, mut evaluation) = (of(Split::Background), of(Split::Evaluation));
    let whole = (background.len(), evaluation.len()) == (BACKGROUND, EVALUATION);
    if !whole || store.drawings() >= 1 << 30 {
        return Err(EvalError::NotOmniglot {
            background: background.len(),
            evaluation: evaluation.len(),
        });
    }
    evaluation.drain(..EVALUATION - TEST);
    Ok(evaluation)
}

impl TaskSet {
    /// `trials` tasks of Vinyals's test characters: classes and drawings uniform, the query none
    /// of its class's support. Drawings are numbered as [`turned`] does it, and who drew what is
    /// not looked at, as in the papers.
    ///
    /// # Errors
    /// If the store does not hold all of Omniglot's characters, or a character has too few
    /// drawings.
    pub(in crate::eval) fn vinyals(
        store: &Store,
        (ways, shots): (usize, usize),
        seed: u64,
        trials: u64,
    ) -> Result<TaskSet, EvalError> {
        let characters = test_characters(store)?;
        let drawings = |id: CharacterId| store.character(id).drawings.clone();
        let classes: Vec<(Range<DrawingId>, u32)> = (characters.iter())
            .flat_map(|&id| (0..TURNS).map(move |turns| (drawings(id), turns)))
            .collect();
        let fewest = classes.iter().map(|(drawings, _)| drawings.len()).min();
        if ways > classes.len() || fewest.is_none_or(|fewest| fewest <= shots) {
            return Err(crate::sample::TaskError { ways, shots }.into());
        }
        let alphabet_of = |id| store.character(id).alphabet;
        let mut alphabets: Vec<_> = characters.iter().map(|&id| alphabet_of(id)).collect();
        alphabets.dedup();
        let draw = |index| task(&classes, ways, shots, seed, index);
        let tasks: Vec<Task> = (0..trials).map(draw).collect();
        let group = |task: &Task| {
            let asked = alphabet_of(store.character_of(parts(task.query).0));
            let place = alphabets.iter().position(|&alphabet| alphabet == asked);
            place.expect("all are of these alphabets") as u32
        };
        Ok(TaskSet {
            protocol: Protocol::Vinyals,
            shots,
            seed: Some(seed),
            groups: (alphabets.iter())
                .map(|&id| store.alphabet(id).name.clone())
                .collect(),
            group_of: tasks.iter().map(group).collect(),
            tasks,
        })
    }
}

/// Task `index`: a pure function of seed, classes and index.
fn task(
    classes: &[(Range<DrawingId>, u32)],
    ways: usize,
    shots: usize,
    seed: u64,
    index: u64,
) -> Task {
    let mut stream = Stream::new(seed, Purpose::Turned, index);
    let mut order: Vec<usize> = (0..classes.len()).collect();
    stream.choose_front(&mut order, ways);
    let answer = stream.index(ways);
    let mut task = Task {
        answer,
        ..Task::default()
    };
    for (way, &class) in order[..ways].iter().enumerate() {
        let (drawings, turns) = &classes[class];
        let mut drawings: Vec<DrawingId> = drawings.clone().collect();
        // One drawing more of the query's class, so that the query is none of the support.
        stream.choose_front(&mut drawings, shots + usize::from(way == answer));
        let turn = |&drawing: &DrawingId| turned(drawing, *turns);
        task.support.extend(drawings[..shots].iter().map(turn));
        if way == answer {
            task.query = turn(&drawings[shots]);
        }
    }
    task
}
