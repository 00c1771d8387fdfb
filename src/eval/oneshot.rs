//! One-shot accuracy on held-out alphabets, for whoever trains.

use super::scores::Answers;
use super::systems::similarities;
use super::tasks::TaskSet;
use crate::embed::{Embeddings, Ties};
use crate::model::Model;
use crate::sample::{TrainingSplit, ValidationTasks};
use crate::store::{Store, StoreError};
use crate::train::Validation;

/// The answers of a network to the questions of a protocol, each drawing embedded once; with
/// the whole support in view, if the network takes that in.
///
/// # Errors
/// If a drawing cannot be read.
///
/// # Example
///
/// ```
/// # use omnishot::archive::Archive;
/// # use omnishot::synthetic::{SyntheticOptions, synthesize};
/// # use omnishot::store::{self, Store, WriteOptions};
/// # let options = SyntheticOptions { background: 2, evaluation: 1, drawers: 3, ..Default::default() };
/// # let archive = Archive { alphabets: synthesize(&options), runs: Vec::new() };
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("made-up.omni");
/// # store::write(&path, &archive, WriteOptions::default(), |_| ())?;
/// use omnishot::archive::Split;
/// use omnishot::eval::{TaskSet, Ties, answer};
/// use omnishot::model::Model;
/// use omnishot::sample::{Scope, TaskShape, alphabets_of};
///
/// let store = Store::open(&path)?;
/// let shape = TaskShape { ways: 5, shots: 1, scope: Scope::Within };
/// let set = TaskSet::random(&store, &alphabets_of(&store, Split::Evaluation), shape, 7, 10)?;
/// let answers = answer(&Model::pretrained(tch::Device::Cpu), &store, &set, Ties::Against)?;
/// let score = answers.score(&set);
/// assert!(score.percent() > set.chance());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn answer(
    model: &Model,
    store: &Store,
    set: &TaskSet,
    ties: Ties,
) -> Result<Answers, StoreError> {
    let embeddings = Embeddings::of(model, store, set.drawings())?;
    answer_embedded(model, &embeddings, set, ties)
}

/// [`answer`], where the drawings are embedded already.
///
/// # Errors
/// As [`similarities`].
///
/// # Panics
/// If a drawing was not embedded.
pub fn answer_embedded(
    model: &Model,
    embeddings: &Embeddings,
    set: &TaskSet,
    ties: Ties,
) -> Result<Answers, StoreError> {
    Ok(Answers::by(
        &similarities(model, embeddings, set)?,
        set,
        ties,
    ))
}

/// One-shot accuracy on held-out background alphabets, by the tasks of [`ValidationTasks`]: up to
/// 20-way, within an alphabet; `tasks` of them, at least 1, drawn by the model's seed. `None` if
/// none can be asked.
///
/// # Errors
/// If a drawing cannot be read.
pub fn validate(
    model: &Model,
    store: &Store,
    split: &TrainingSplit,
    tasks: u64,
) -> Result<Option<Validation>, StoreError> {
    let Some(ValidationTasks { shape, asked, .. }) = ValidationTasks::of(store, &split.validation)
    else {
        return Ok(None);
    };
    let Ok(set) = TaskSet::random(store, &asked, shape, model.card.seed, tasks) else {
        return Ok(None);
    };
    let score = answer(model, store, &set, Ties::Against)?.score(&set);
    Ok((score.asked > 0).then(|| Validation {
        accuracy: score.percent(),
        ways: shape.ways as u64,
    }))
}
