//! Processes that work on one task together: who they are, and what they tell each other.
//!
//! A process is told by its environment that it is one of several ([`Place`], the contract of
//! PyTorch's `torchrun`), meets the others ([`Ranks::join`]), and from then on adds up, gathers
//! or compares tensors with them. The engine is libtorch's c10d, which PyTorch's
//! DistributedDataParallel runs on: Gloo on CPUs, NCCL on GPUs. It is built with the feature
//! `distributed`; without, there is [`Ranks::alone`], with which every exchange is nothing.
//!
//! All ranks make the same exchanges in the same order. One that waits longer than the timeout
//! for the others, or finds one gone, gets an error, and so will each exchange after it.
#![doc = include_str!("README.md")]

mod error;
#[cfg(feature = "distributed")]
mod group;
#[cfg(not(feature = "distributed"))]
#[path = "group_none.rs"]
mod group;
mod launch;
mod partition;
mod place;
mod reducer;
#[cfg(all(test, feature = "distributed"))]
mod tests;

pub use error::RankError;
pub use launch::{Launch, LaunchError, stop_with_launcher};
pub use place::Place;
pub use reducer::Reducer;

use std::time::Duration;

use group::Group;
use tch::{Device, Tensor};

/// The processes that work together, seen by one of them.
pub struct Ranks {
    rank: u64,
    world: u64,
    /// None of a process that works alone.
    group: Option<Group>,
}

impl Ranks {
    /// A process that works alone.
    #[must_use]
    pub fn alone() -> Ranks {
        Ranks {
            rank: 0,
            world: 1,
            group: None,
        }
    }

    /// Meets the other processes. `device` is where tensors will lie that are exchanged: NCCL
    /// carries those of a GPU, Gloo those of the CPU. No exchange, nor the meeting, waits
    /// longer than `timeout`.
    ///
    /// # Errors
    /// [`RankError::NotBuilt`] without the feature `distributed`; [`RankError::Meeting`] if the
    /// others do not come in time, two have one rank, or they do not agree on their number.
    pub fn join(place: &Place, device: Device, timeout: Duration) -> Result<Ranks, RankError> {
        let group = match place.world {
            1 => None,
            _ => Some(Group::join(place, device, timeout)?),
        };
        Ok(Ranks {
            rank: place.rank,
            world: place.world,
            group,
        })
    }

    /// This process among [`Ranks::world`], from 0.
    #[must_use]
    pub fn rank(&self) -> u64 {
        self.rank
    }

    /// How many processes there are.
    #[must_use]
    pub fn world(&self) -> u64 {
        self.world
    }

    /// Whether this is the process that scores, writes and speaks for all.
    #[must_use]
    pub fn first(&self) -> bool {
        self.rank == 0
    }

    /// The sums over all ranks of numbers.
    ///
    /// # Errors
    /// [`RankError::Exchange`] if another rank is gone, or does not come in time.
    pub fn sum<const N: usize>(&self, numbers: [f64; N]) -> Result<[f64; N], RankError> {
        if self.world == 1 {
            return Ok(numbers);
        }
        let mut all = Tensor::from_slice(&numbers).to_device(self.device());
        self.exchange("adding up numbers", |group| group.all_reduce(&mut all))?;
        let mut sums = [0.0; N];
        all.to_device(Device::Cpu).copy_data(&mut sums, N);
        Ok(sums)
    }

    /// From each rank its tensor `[n, ...]`, of one shape on all: `[world, n, ...]`.
    ///
    /// # Errors
    /// As [`Ranks::sum`].
    pub fn all_gather(&self, tensor: &Tensor) -> Result<Tensor, RankError> {
        let own = tensor.detach().contiguous();
        let Some(mut shape) = (self.world > 1).then(|| own.size()) else {
            return Ok(own.unsqueeze(0));
        };
        shape[0] *= self.world as i64;
        let mut all = Tensor::zeros(shape, (own.kind(), own.device()));
        self.exchange("gathering a tensor", |group| {
            group.all_gather(&mut all, own)
        })?;
        Ok(all.unflatten(0, [self.world as i64, -1]))
    }

    /// The first rank's number.
    ///
    /// # Errors
    /// As [`Ranks::sum`].
    pub fn broadcast(&self, number: f64) -> Result<f64, RankError> {
        let mut told = Tensor::from_slice(&[number]).to_device(self.device());
        self.exchange("taking the first rank's number", |group| {
            group.broadcast(&mut told)
        })?;
        Ok(told.double_value(&[0]))
    }

    /// Waits until all ranks have come as far.
    ///
    /// # Errors
    /// As [`Ranks::sum`].
    pub fn barrier(&self) -> Result<(), RankError> {
        self.exchange("waiting for all", Group::barrier)
    }

    /// Refuses to go on unless each of the named texts is the same on all ranks.
    ///
    /// # Errors
    /// On all ranks alike [`RankError::Differs`] for the first that is not, and
    /// [`RankError::Exchange`].
    pub fn agree(&self, named: &[(&'static str, String)]) -> Result<(), RankError> {
        if self.world == 1 {
            return Ok(());
        }
        let digests: Vec<u8> = (named.iter())
            .flat_map(|(_, text)| *blake3::hash(text.as_bytes()).as_bytes())
            .collect();
        let all = self.gather(&digests)?;
        let (ranks, first) = (all.chunks_exact(digests.len()), &all[..digests.len()]);
        for (at, (what, own)) in named.iter().enumerate() {
            let part = 32 * at..32 * (at + 1);
            let other = |rank: &[u8]| rank[part.clone()] != first[part.clone()];
            if let Some(rank) = ranks.clone().position(other) {
                return Err(RankError::Differs {
                    what,
                    rank: rank as u64,
                    own: self.rank,
                    says: own.clone(),
                });
            }
        }
        Ok(())
    }

    /// Where small tensors lie that are exchanged.
    fn device(&self) -> Device {
        (self.group.as_ref()).map_or(Device::Cpu, Group::device)
    }

    fn exchange(
        &self,
        what: &'static str,
        act: impl FnOnce(&Group) -> Result<(), String>,
    ) -> Result<(), RankError> {
        let Some(group) = &self.group else {
            return Ok(());
        };
        act(group).map_err(|said| self.failed(what, said))
    }

    fn failed(&self, what: &'static str, said: String) -> RankError {
        RankError::Exchange {
            what,
            rank: self.rank,
            world: self.world,
            said,
        }
    }
}
