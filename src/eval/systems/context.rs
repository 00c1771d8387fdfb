//! Tasks answered by a network, some of which look at the whole support set at once.

use rayon::prelude::*;
use tch::{Tensor, no_grad};

use super::scorer::Scorer;
use crate::embed::Embeddings;
use crate::eval::tasks::TaskSet;
use crate::model::{Context, Model};
use crate::sample::Task;
use crate::store::{DrawingId, StoreError};

/// The most tasks in one pass: enough to fill the matrix products, and 10 MB of embeddings for
/// 20 ways of 256 dimensions.
const MOST_TASKS: usize = 256;

/// A network's similarity of each question's query to each of its ways, given the embeddings of
/// their drawings by the same network: with the whole support in view, if the network takes that
/// in, else from pairs of drawings.
///
/// # Errors
/// None today: the embeddings are there.
///
/// # Panics
/// If a drawing was not embedded.
pub fn similarities(
    model: &Model,
    embeddings: &Embeddings,
    set: &TaskSet,
) -> Result<Vec<Vec<f64>>, StoreError> {
    match answer_in_context(model, embeddings, &set.tasks, set.shots) {
        Some(ways) => Ok(ways),
        None => (set.tasks.par_iter())
            .map(|task| embeddings.similarities(task, set.shots))
            .collect(),
    }
}

/// Log-probabilities of the ways of each task, given the embeddings of its drawings by the same
/// model; `None` if the network has no context and compares drawings in pairs. All tasks have
/// `shots` drawings of each way. A task's answer does not depend on the others'.
///
/// # Panics
/// If a task's support does not fit `shots`, or a drawing was not embedded.
#[must_use]
pub fn answer_in_context(
    model: &Model,
    embeddings: &Embeddings,
    tasks: &[Task],
    shots: usize,
) -> Option<Vec<Vec<f64>>> {
    let context = model.network.context()?;
    let answer = |batch| answer_batch(model, context, embeddings, batch, shots);
    Some(batches(tasks).flat_map(answer).collect())
}

/// [`answer_in_context`] of some tasks of a set alone, bit for bit: of batches that none of them is
/// in, nothing is asked.
pub(super) fn answer_some(
    model: &Model,
    embeddings: &Embeddings,
    set: &TaskSet,
    wanted: &[usize],
) -> Option<Vec<Vec<f64>>> {
    let context = model.network.context()?;
    let mut answers = vec![Vec::new(); set.tasks.len()];
    let mut first = 0;
    for batch in batches(&set.tasks) {
        let places = first..first + batch.len();
        if wanted.iter().any(|at| places.contains(at)) {
            let answered = answer_batch(model, context, embeddings, batch, set.shots);
            answers[places].clone_from_slice(&answered);
        }
        first += batch.len();
    }
    Some(wanted.iter().map(|&at| answers[at].clone()).collect())
}

/// Tasks that go through the network in one pass: as many drawings in each.
fn batches(tasks: &[Task]) -> impl Iterator<Item = &[Task]> {
    let alike = tasks.chunk_by(|a, b| a.support.len() == b.support.len());
    alike.flat_map(|tasks| tasks.chunks(MOST_TASKS))
}

/// [`answer_in_context`] of one of the [`batches`].
fn answer_batch(
    model: &Model,
    context: &Context,
    embeddings: &Embeddings,
    tasks: &[Task],
    shots: usize,
) -> Vec<Vec<f64>> {
    let device = model.weights().device();
    let gather = |ids: &mut dyn Iterator<Item = DrawingId>, shape: &[i64]| {
        let values: Vec<f32> = ids.flat_map(|id| embeddings.row(id)).copied().collect();
        Tensor::from_slice(&values).view(shape).to_device(device)
    };
    let t = tasks.len() as i64;
    let drawings = tasks[0].support.len();
    let d = model.card.network.dimensions();
    let mut support = tasks.iter().flat_map(|task| task.support.iter().copied());
    let support = gather(&mut support, &[t, drawings as i64, d]);
    let queries = gather(&mut tasks.iter().map(|task| task.query), &[t, d]);
    let logs = no_grad(|| context.answer(&support, &queries, shots as i64)); // [t, ways]
    let flat = logs.to_kind(tch::Kind::Double).flatten(0, -1);
    let flat = Vec::<f64>::try_from(flat.to_device(tch::Device::Cpu)).expect("flat and f64");
    let ways = flat.chunks_exact(drawings / shots);
    ways.map(<[f64]>::to_vec).collect()
}
