//! Pieces of work that ranks share out among themselves.

use tch::kind::Element;
use tch::{Device, Tensor};

use super::Ranks;
use super::error::RankError;

/// Stands for the length of a piece that could not be had.
const FAILED: i64 = -1;

impl Ranks {
    /// What `work` gives for all of `pieces`, one after the other, on every rank; rank `r` of `w` works
    /// on the pieces `r`, `r + w`, and so on. It is the same for any number of ranks.
    ///
    /// # Errors
    /// What `work` says on the rank where it fails, and [`RankError::Exchange`] on the others.
    pub fn partition<T, E>(
        &self,
        pieces: usize,
        mut work: impl FnMut(usize) -> Result<Vec<T>, E>,
    ) -> Result<Vec<T>, E>
    where
        T: Element + Copy + Default,
        E: From<RankError>,
    {
        let (rank, world) = (self.rank as usize, self.world as usize);
        let mut own = Vec::new();
        let mut lengths = Vec::new();
        let mut failed = None;
        for piece in (rank..pieces).step_by(world) {
            match work(piece) {
                Ok(done) => {
                    lengths.push(done.len() as i64);
                    own.extend(done);
                }
                Err(error) if world == 1 => return Err(error),
                Err(error) => {
                    failed = Some(error);
                    lengths.push(FAILED);
                    break;
                }
            }
        }
        if world == 1 {
            return Ok(own);
        }
        let rounds = pieces.div_ceil(world);
        lengths.resize(rounds, 0);
        let lengths: Vec<i64> = self.gather(&lengths)?; // [world, rounds]
        if let Some(error) = failed {
            return Err(error);
        }
        let of_rank = |rank: usize| &lengths[rank * rounds..][..rounds];
        if let Some(other) = (0..world).find(|&rank| of_rank(rank).contains(&FAILED)) {
            let said = format!("rank {other} has failed at its part");
            return Err(self.failed("sharing work", said).into());
        }
        let sums = (0..world).map(|rank| of_rank(rank).iter().sum::<i64>());
        let most = sums.max().unwrap_or(0) as usize;
        own.resize(most, T::default());
        let all: Vec<T> = self.gather(&own)?; // [world, most]
        let mut left: Vec<&[T]> = all.chunks_exact(most.max(1)).collect();
        let mut whole = Vec::with_capacity(lengths.iter().sum::<i64>() as usize);
        for piece in 0..pieces {
            let rank = piece % world;
            let (first, rest) = left[rank].split_at(of_rank(rank)[piece / world] as usize);
            whole.extend_from_slice(first);
            left[rank] = rest;
        }
        Ok(whole)
    }

    /// Each rank's numbers, of which all have as many: those of rank 0, of rank 1, and so on.
    pub(super) fn gather<T: Element + Copy + Default>(
        &self,
        own: &[T],
    ) -> Result<Vec<T>, RankError> {
        let all = self.all_gather(&Tensor::from_slice(own).to_device(self.device()))?;
        let all = all.to_device(Device::Cpu).flatten(0, -1);
        let mut values = vec![T::default(); all.numel()];
        let count = values.len();
        all.copy_data(&mut values, count);
        Ok(values)
    }
}
