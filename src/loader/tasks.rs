//! Batches of N-way k-shot tasks as pictures, for learners that are trained as they are asked.

use std::sync::Arc;

use super::painter::Painter;
use super::picture::Pictures;
use super::queue::Produce;
use crate::distort::{Distorter, Distortion, DistortionError, Pixel};
use crate::sample::{Task, TaskSampler, TaskScratch};
use crate::seed::Purpose;
use crate::store::{PageCache, StoreError};

/// Tasks as pictures. Ground is 0, ink 1.0 (`f32`) or 255 (`u8`).
#[derive(Clone, Debug, PartialEq)]
pub struct TaskBatch<P> {
    /// Pixels of the support, `[tasks, ways, shots, 1, side, side]` row by row.
    pub support: Vec<P>,
    /// Pixels of the queries, `[tasks, 1, side, side]` row by row.
    pub queries: Vec<P>,
    /// The right way of each task.
    pub answers: Vec<i64>,
    /// Which drawings they are, in order.
    pub tasks: Vec<Task>,
}

/// In bytes: of each task its support (`u32` each, way by way), its query (`u32`) and its
/// answer (`i64`); the pixels of the support of all tasks, then those of their queries.
impl<P: Pixel> Pictures for TaskBatch<P> {
    type Pixel = P;

    fn pixels(&self) -> [&[P]; 2] {
        [&self.support, &self.queries]
    }

    fn pixels_mut(&mut self) -> [&mut [P]; 2] {
        [&mut self.support, &mut self.queries]
    }

    fn labels(&self, bytes: &mut Vec<u8>) {
        for (task, answer) in self.tasks.iter().zip(&self.answers) {
            let ids = task.support.iter().chain([&task.query]);
            bytes.extend(ids.flat_map(|id| id.to_le_bytes()));
            bytes.extend(answer.to_le_bytes());
        }
    }
}

/// Makes [`TaskBatch`]es: task `j` of batch `i` is task `n = i · tasks + j` of the sampler,
/// and with `d` drawings in a task, its support's drawing `k` is distorted by item `n · d + k`
/// of the stream [`Purpose::TaskDistort`], its query by item `n · d + d - 1`.
pub struct TaskBatches<P> {
    painter: Painter<P>,
    sampler: TaskSampler,
    tasks: usize,
    plain: bool,
}

impl<P: Pixel> TaskBatches<P> {
    /// Batches of `tasks` tasks, of pictures `side` pixels wide and high, 2 to 105.
    ///
    /// # Errors
    /// If a value of the distortion, or the side, is out of its range.
    ///
    /// # Panics
    /// If `tasks` is 0.
    pub fn new(
        pages: Arc<PageCache>,
        sampler: TaskSampler,
        tasks: usize,
        distortion: Distortion,
        side: usize,
        seed: u64,
    ) -> Result<TaskBatches<P>, DistortionError> {
        assert!(tasks > 0, "a batch of no tasks");
        Ok(TaskBatches {
            painter: Painter::new(pages, distortion, side, seed)?,
            sampler,
            tasks,
            plain: false,
        })
    }

    /// The same tasks undistorted: of the law only the source's side holds
    /// ([`Distorter::plain`]).
    #[must_use]
    pub fn plain(self) -> TaskBatches<P> {
        TaskBatches {
            plain: true,
            ..self
        }
    }

    /// The sampler that chooses the drawings.
    #[must_use]
    pub fn sampler(&self) -> &TaskSampler {
        &self.sampler
    }

    /// Width and height of the pictures in pixels.
    #[must_use]
    pub fn side(&self) -> usize {
        self.painter.side()
    }

    /// Drawings in the support of one task.
    fn support(&self) -> usize {
        self.sampler.shape().ways * self.sampler.shape().shots
    }
}

impl<P: Pixel> Produce for TaskBatches<P> {
    type Batch = TaskBatch<P>;
    type Scratch = (Distorter, TaskScratch);

    fn batch(&self) -> TaskBatch<P> {
        TaskBatch {
            support: self.painter.blank(self.tasks * self.support()),
            queries: self.painter.blank(self.tasks),
            answers: vec![0; self.tasks],
            tasks: (0..self.tasks)
                .map(|_| Task {
                    support: Vec::with_capacity(self.support()),
                    ..Task::default()
                })
                .collect(),
        }
    }

    fn scratch(&self) -> Self::Scratch {
        (self.painter.distorter(), TaskScratch::default())
    }

    fn fill(
        &self,
        index: u64,
        (distorter, scratch): &mut Self::Scratch,
        batch: &mut TaskBatch<P>,
    ) -> Result<(), StoreError> {
        assert!(index < 1 << 48, "batch {index} is not below 2^48");
        let pixels = self.painter.area();
        let drawings = self.support() as u64 + 1;
        let supports = batch.support.chunks_exact_mut(self.support() * pixels);
        let queries = batch.queries.chunks_exact_mut(pixels);
        let pictures = supports.zip(queries);
        let labels = batch.tasks.iter_mut().zip(&mut batch.answers);
        let numbers = index * self.tasks as u64..;
        for (number, ((task, answer), (support, query))) in numbers.zip(labels.zip(pictures)) {
            self.sampler.draw_into(number, scratch, task);
            let items = number * drawings..;
            let support = support.chunks_exact_mut(pixels).zip(&task.support);
            let all = support.chain([(query, &task.query)]);
            for (item, (picture, &drawing)) in items.zip(all) {
                let mut stream =
                    (!self.plain).then(|| self.painter.stream(Purpose::TaskDistort, item));
                (self.painter).paint(distorter, (drawing, 0), stream.as_mut(), picture)?;
            }
            *answer = task.answer as i64;
        }
        Ok(())
    }
}
