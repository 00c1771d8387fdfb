//! What to draw: seeded streams, splits, batches, pairs and one-shot tasks, as ids only.
//!
//! Nothing here reads a pixel.

mod batch;
mod composed;
mod counts;
mod koch;
mod order;
mod pairs;
mod split;
pub mod table;
mod task;
mod validation;

pub use batch::{BatchItem, BatchSampler, BatchScratch, BatchShape, POSES};
pub use composed::{
    ComposedClass, ComposedDrawing, ComposedError, ComposedSampler, ComposedShape, Composition,
    Compositions, Placement, SIBLINGS,
};
pub use counts::PairCounts;
pub use koch::{RecipeError, TableRecipe, VERIFICATION_ALPHABETS};
pub use order::Order;
pub use pairs::{MOST_PAIRS, PairError, PairItem, PairSampler, PairScratch, PairShape, WITHIN_ALL};
pub use split::{TrainingSplit, alphabets_of, characters_of};
pub use table::{PairTable, TableEntry, TableError};
pub use task::{Scope, Task, TaskError, TaskSampler, TaskScratch, TaskShape};
pub use validation::{VALIDATION_WAYS, ValidationTasks};
