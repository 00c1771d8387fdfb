//! Gradients that all ranks add up while they are still making them.
//!
//! As in PyTorch's DistributedDataParallel, gradients go in buckets of 25 MB, the last layers'
//! first: while a bucket is on its way, the backward pass makes the next. All ranks send the same
//! buckets in the same order, so that the sums do not depend on who was first.

use tch::Tensor;

use super::error::RankError;
use super::group::Watch;
use super::{Group, Ranks};

/// Adds up the gradients of some tensors over all ranks.
pub struct Reducer<'a> {
    ranks: &'a Ranks,
    /// None of a process that works alone.
    watch: Option<Watch>,
}

impl Ranks {
    /// What adds up the gradients of `parameters`: leaves of the graph that learn, of one kind,
    /// the same on all ranks.
    ///
    /// # Errors
    /// [`RankError::Exchange`] if libtorch cannot watch one of them.
    pub fn reducer<'t>(
        &self,
        parameters: impl Iterator<Item = &'t Tensor>,
    ) -> Result<Reducer<'_>, RankError> {
        let watched = |group: &Group| {
            let watch = Watch::new(group, parameters.map(Tensor::shallow_clone).collect());
            watch.map_err(|said| self.failed("watching the parameters", said))
        };
        Ok(Reducer {
            ranks: self,
            watch: self.group.as_ref().map(watched).transpose()?,
        })
    }
}

impl Reducer<'_> {
    /// The sums over all ranks of what `backward` gives: the gradients of the parameters, in
    /// their order. Those that one backward pass makes in it, on this thread, are on their way
    /// before it ends.
    ///
    /// # Errors
    /// [`RankError::Exchange`] if another rank is gone.
    ///
    /// # Panics
    /// If there are more gradients than parameters, or fewer.
    pub fn reduce_during(
        &mut self,
        backward: impl FnOnce() -> Vec<Tensor>,
    ) -> Result<Vec<Tensor>, RankError> {
        let Some(watch) = &mut self.watch else {
            return Ok(backward());
        };
        watch.begin();
        let mut gradients = backward();
        (watch.end(&mut gradients))
            .map_err(|said| self.ranks.failed("adding up gradients", said))?;
        Ok(gradients)
    }

    /// The sums over all ranks of gradients that are whole.
    ///
    /// # Errors
    /// As [`Reducer::reduce_during`].
    ///
    /// # Panics
    /// As [`Reducer::reduce_during`].
    pub fn reduce(&mut self, gradients: Vec<Tensor>) -> Result<Vec<Tensor>, RankError> {
        self.reduce_during(|| gradients)
    }
}
