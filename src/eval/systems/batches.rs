//! Images embedded a batch at a time, by several processes.

use crate::embed::Work;
use crate::eval::error::EvalError;
use crate::ranks::Ranks;
use crate::store::{DrawingId, StoreError};

/// Does all of it together with other ranks; `watch` hears of how many images of how many are done.
pub(super) fn dealt<F>(
    work: &Work<'_, F>,
    ranks: &Ranks,
    mut watch: impl FnMut(usize, usize),
) -> Result<Vec<f32>, EvalError>
where
    F: Fn(&[DrawingId], &mut [f32]) -> Result<(), StoreError>,
{
    ranks.partition(work.batches(), |batch| {
        let rows = work.batch(batch)?;
        watch(work.done_with(batch), work.ids.len());
        Ok(rows)
    })
}
