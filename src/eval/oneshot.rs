//! One-shot accuracy on held-out alphabets, for whoever trains.

use super::context::likenesses;
use super::embedding::Embeddings;
use super::judge::Answers;
use super::score::{Score, Ties};
use super::task_set::TaskSet;
use crate::model::Model;
use crate::sample::{Scope, TaskShape, TrainingSplit};
use crate::store::{Store, StoreError};

/// The answers of a network to the questions of a protocol, each drawing embedded once; with
/// the whole support in view, if the network takes that in.
///
/// # Errors
/// If a drawing cannot be read.
///
/// # Example
///
/// ```
/// # use omnishot::archive::{Archive, SyntheticOptions, synthesize};
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
/// As [`likenesses`].
///
/// # Panics
/// If a drawing was not embedded.
pub fn answer_embedded(
    model: &Model,
    embeddings: &Embeddings,
    set: &TaskSet,
    ties: Ties,
) -> Result<Answers, StoreError> {
    Ok(Answers::by(&likenesses(model, embeddings, set)?, set, ties))
}

/// The most ways of a validation task.
const VALIDATION_WAYS: usize = 20;

/// One-shot accuracy in percent on held-out background alphabets: random tasks within an
/// alphabet, 20-way, or as many ways as the smallest of them has characters. The tasks are those
/// of the model's seed. 0 if the alphabets have no second drawings to ask about.
///
/// # Errors
/// If a drawing cannot be read.
pub fn validate(
    model: &Model,
    store: &Store,
    split: &TrainingSplit,
    tasks: u64,
) -> Result<f64, StoreError> {
    let sizes = split
        .validation
        .iter()
        .map(|&id| store.alphabet(id).characters.len());
    let ways = sizes.min().unwrap_or(1).min(VALIDATION_WAYS);
    let shape = TaskShape {
        ways,
        shots: 1,
        scope: Scope::Within,
    };
    let score = match TaskSet::random(store, &split.validation, shape, model.card.seed, tasks) {
        Ok(set) => answer(model, store, &set, Ties::Against)?.score(&set),
        Err(_) => Score::default(),
    };
    Ok(score.percent())
}
