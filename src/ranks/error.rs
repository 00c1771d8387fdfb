//! Why processes cannot work together, or no longer do.

use thiserror::Error;

/// Why processes cannot work together, or no longer do.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RankError {
    /// The environment says something of ranks that cannot be.
    #[error(
        "the environment's {name} is {value:?}; it must be {range}, as torchrun and `launch` set it"
    )]
    Environment {
        /// The variable.
        name: &'static str,
        /// What it holds; nothing if it is not set.
        value: String,
        /// What it may hold.
        range: &'static str,
    },
    /// This program was built to work alone.
    #[error(
        "WORLD_SIZE is {world}, and this program was built without the feature `distributed`: \
         build it with --features distributed, or take WORLD_SIZE out of the environment"
    )]
    NotBuilt {
        /// Processes that there were to be.
        world: u64,
    },
    /// The processes have not found each other.
    #[error("rank {rank} of {world} did not reach the others at {address}: {said}")]
    Meeting {
        /// This process.
        rank: u64,
        /// All.
        world: u64,
        /// Where they were to meet.
        address: String,
        /// What c10d said.
        said: String,
    },
    /// The ranks were started with different things.
    #[error(
        "rank {rank} has {what} other than rank 0's; all ranks must have the same (rank {own} has \
         {says})"
    )]
    Differs {
        /// What is different.
        what: &'static str,
        /// The first rank whose is.
        rank: u64,
        /// The rank that says so.
        own: u64,
        /// What it has.
        says: String,
    },
    /// Another rank is gone, or has not come in time.
    #[error(
        "rank {rank} of {world} waited in vain while {what}: another rank has stopped, died or \
         hung, whose own message says why ({said})"
    )]
    Exchange {
        /// What was exchanged.
        what: &'static str,
        /// This process.
        rank: u64,
        /// All.
        world: u64,
        /// What c10d said.
        said: String,
    },
}
