//! Uneven light: the shade of the ground from place to place.
//!
//! A coarse grid of median shades is walked from the border: from one cell to the next, light
//! changes little, and ink abruptly. What is not reached, ink and what it encloses, takes the
//! shade that lies evenly between the cells around it.

use super::decode::Picture;
use super::frame::median;

/// Cells along the longer side, at most, and pixels along a cell, at least.
const CELLS: usize = 64;
const LEAST_CELL: usize = 4;
/// How much the light changes at most from one cell to the next.
const STEP: f32 = 10.0;
/// Light that varies less is even.
const LEAST_RANGE: f32 = 12.0;
/// Steps of noise that even light may vary by.
const NOISE: f32 = 6.0;
/// Rounds in which the shades between are evened: as many as take a step across the grid and back.
const ROUNDS: usize = 600;

/// The shade of the ground at any pixel.
pub(super) struct Light {
    width: usize,
    height: usize,
    cell: usize,
    shades: Vec<f32>,
}

impl Light {
    /// `None` if the light is even, or the border does not show what it is.
    pub fn of(picture: &Picture) -> Option<Light> {
        let cell = picture
            .width
            .max(picture.height)
            .div_ceil(CELLS)
            .max(LEAST_CELL);
        let (width, height) = (picture.width.div_ceil(cell), picture.height.div_ceil(cell));
        if width.min(height) < 3 {
            return None;
        }
        let shade = |at: usize| {
            let (x, y) = (at % width * cell, at / width * cell);
            let rows = picture
                .shades
                .chunks_exact(picture.width)
                .skip(y)
                .take(cell);
            let right = picture.width.min(x + cell);
            f32::from(median(
                rows.flat_map(|row| &row[x..right]).copied().collect(),
            ))
        };
        let mut light = Light {
            width,
            height,
            cell,
            shades: (0..width * height).map(shade).collect(),
        };
        let found = light.shades.clone();
        let mut ground = light.reached()?;
        if light.is_even(&ground) {
            return None;
        }
        light.fill(&ground);
        // What is as the ground around it is ground too: the inside of a ring.
        for (at, ground) in ground.iter_mut().enumerate() {
            *ground |= (found[at] - light.shades[at]).abs() <= STEP;
        }
        light.shades = found;
        light.fill(&ground);
        Some(light)
    }

    fn near(&self, at: usize) -> impl Iterator<Item = usize> + use<> {
        let (width, height, x, y) = (self.width, self.height, at % self.width, at / self.width);
        let sides = [
            (x > 0, at.wrapping_sub(1)),
            (x + 1 < width, at + 1),
            (y > 0, at.wrapping_sub(width)),
            (y + 1 < height, at + width),
        ];
        sides.into_iter().filter(|side| side.0).map(|side| side.1)
    }

    fn on_border(&self, at: usize) -> bool {
        let (x, y) = (at % self.width, at / self.width);
        x == 0 || y == 0 || x + 1 == self.width || y + 1 == self.height
    }

    /// The cells that are reached in small steps from the border's middle shade; `None` if these
    /// are not most of the border.
    fn reached(&self) -> Option<Vec<bool>> {
        let all = 0..self.shades.len();
        let mut border: Vec<usize> = all.filter(|&at| self.on_border(at)).collect();
        border.sort_by(|&a, &b| self.shades[a].total_cmp(&self.shades[b]));
        let first = border[border.len() / 2];
        let mut reached = vec![false; self.shades.len()];
        reached[first] = true;
        let mut open = vec![first];
        while let Some(at) = open.pop() {
            for near in self.near(at) {
                if !reached[near] && (self.shades[near] - self.shades[at]).abs() <= STEP {
                    reached[near] = true;
                    open.push(near);
                }
            }
        }
        let held = border.iter().filter(|&&at| reached[at]).count();
        (held * 2 > border.len()).then_some(reached)
    }

    /// Does the ground vary no more than noise does?
    fn is_even(&self, ground: &[bool]) -> bool {
        let cells = || (0..ground.len()).filter(|&at| ground[at]);
        let mut shades: Vec<f32> = cells().map(|at| self.shades[at]).collect();
        shades.sort_by(f32::total_cmp);
        let few = shades.len() / 50;
        let range = shades[shades.len() - 1 - few] - shades[few];
        let steps = cells().flat_map(|at| {
            let near = self.near(at).filter(|&near| ground[near]);
            near.map(move |near| (self.shades[near] - self.shades[at]).abs())
        });
        let mut steps: Vec<f32> = steps.collect();
        steps.sort_by(f32::total_cmp);
        let step = steps.get(steps.len() / 2).copied().unwrap_or(0.0);
        range < LEAST_RANGE.max(NOISE * step)
    }

    /// Gives all other cells the shades that lie evenly between those of the ground.
    fn fill(&mut self, ground: &[bool]) {
        let known: Vec<f32> = (0..ground.len())
            .filter(|&at| ground[at])
            .map(|at| self.shades[at])
            .collect();
        let mean = known.iter().sum::<f32>() / known.len() as f32;
        let open: Vec<usize> = (0..ground.len()).filter(|&at| !ground[at]).collect();
        open.iter().for_each(|&at| self.shades[at] = mean);
        for _ in 0..ROUNDS {
            for &at in &open {
                let (sum, n) = self.near(at).fold((0.0, 0.0), |(sum, n), near| {
                    (sum + self.shades[near], n + 1.0)
                });
                self.shades[at] = sum / n;
            }
        }
    }

    /// Shades of the ground, of all pixels of row `y`.
    pub fn row(&self, y: usize, shades: &mut [f32]) {
        let place = |pixel: usize, cells: usize| {
            let place = (pixel as f32 + 0.5) / self.cell as f32 - 0.5;
            let place = place.clamp(0.0, (cells - 1) as f32);
            let first = (place as usize).min(cells - 2);
            (first, place - first as f32)
        };
        let (row, down) = place(y, self.height);
        let upper = &self.shades[row * self.width..][..self.width];
        let lower = &self.shades[(row + 1) * self.width..][..self.width];
        let line: Vec<f32> = (upper.iter().zip(lower))
            .map(|(a, b)| a + (b - a) * down)
            .collect();
        for (x, shade) in shades.iter_mut().enumerate() {
            let (column, along) = place(x, self.width);
            *shade = line[column] + (line[column + 1] - line[column]) * along;
        }
    }

    /// The lightest shade of the ground.
    pub fn most(&self) -> f32 {
        self.shades.iter().copied().fold(0.0, f32::max)
    }
}
