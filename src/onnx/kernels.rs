//! The operations of a graph on numbers. Maps lie with their channels last, so that what a window
//! sees lies in few pieces, and a convolution is one product of matrices whose result is the next
//! map as it lies.
//!
//! What is made of an image does not depend on the others: a row of a product is the same bit for
//! bit however many rows there are.

use ndarray::linalg::general_mat_mul;
use ndarray::{ArrayView2, ArrayViewMut2};

use super::graph::LEAST_LENGTH;

/// Maps `[n, side, side, channels]`, or rows `[n, channels]` with a side of 1.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Maps {
    pub side: usize,
    pub channels: usize,
    pub values: Vec<f32>,
}

/// A convolution, ready to run.
#[derive(Clone, Debug)]
pub(super) struct Convolution {
    /// `[width, width, from, to]`.
    kernel: Vec<f32>,
    bias: Vec<f32>,
    from: usize,
    width: usize,
    stride: usize,
    padding: usize,
}

/// Values of windows that are laid out at once: few enough for a cache.
const WINDOWS: usize = 1 << 17;
/// The least windows at once, since the kernel is copied for each product.
const LEAST_WINDOWS: usize = 64;

impl Maps {
    /// Images of one channel.
    pub fn images(side: usize, pixels: &[f32]) -> Maps {
        Maps {
            side,
            channels: 1,
            values: pixels.to_vec(),
        }
    }

    /// Values of one image's maps.
    fn each(&self) -> usize {
        self.side * self.side * self.channels
    }

    /// Nothing below 0; what is no number stays none.
    pub fn relu(mut self) -> Maps {
        for value in &mut self.values {
            *value = if *value < 0.0 { 0.0 } else { *value };
        }
        self
    }

    pub fn sigmoid(mut self) -> Maps {
        for value in &mut self.values {
            *value = 1.0 / (1.0 + (-*value).exp());
        }
        self
    }

    pub fn add(mut self, other: &Maps) -> Maps {
        let sums = self.values.iter_mut().zip(&other.values);
        sums.for_each(|(sum, value)| *sum += value);
        self
    }

    /// The greatest of each two by two pixels.
    pub fn max_pool(&self) -> Maps {
        let (side, channels) = (self.side / 2, self.channels);
        let mut values = Vec::with_capacity(self.values.len() / 4);
        for image in self.values.chunks_exact(self.each()) {
            for (y, x) in (0..side).flat_map(|y| (0..side).map(move |x| (y, x))) {
                let first = values.len();
                let at = |y: usize, x: usize| &image[(y * self.side + x) * channels..][..channels];
                values.extend_from_slice(at(2 * y, 2 * x));
                let most = &mut values[first..];
                for other in [(0, 1), (1, 0), (1, 1)] {
                    let other = at(2 * y + other.0, 2 * x + other.1);
                    for (most, &value) in most.iter_mut().zip(other) {
                        *most = if value > *most || value.is_nan() {
                            value
                        } else {
                            *most
                        };
                    }
                }
            }
        }
        Maps {
            side,
            channels,
            values,
        }
    }

    /// Rows, channel by channel, as a file's weights take them.
    pub fn flatten(&self) -> Maps {
        let (area, channels) = (self.side * self.side, self.channels);
        let mut values = Vec::with_capacity(self.values.len());
        for image in self.values.chunks_exact(self.each()) {
            for channel in 0..channels {
                values.extend((0..area).map(|at| image[at * channels + channel]));
            }
        }
        Maps {
            side: 1,
            channels: area * channels,
            values,
        }
    }

    /// The length of each row.
    pub fn lengths(&self) -> Maps {
        let length = |row: &[f32]| {
            let sum: f64 = row.iter().map(|&x| f64::from(x) * f64::from(x)).sum();
            sum.sqrt() as f32
        };
        Maps {
            side: 1,
            channels: 1,
            values: (self.values.chunks_exact(self.channels).map(length)).collect(),
        }
    }

    /// Nothing below [`LEAST_LENGTH`]; what is no number stays none.
    pub fn clip(mut self) -> Maps {
        for value in &mut self.values {
            *value = if *value < LEAST_LENGTH {
                LEAST_LENGTH
            } else {
                *value
            };
        }
        self
    }

    /// Each row over a number of its own.
    pub fn divide(mut self, by: &Maps) -> Maps {
        let rows = self.values.chunks_exact_mut(self.channels);
        for (row, by) in rows.zip(&by.values) {
            row.iter_mut().for_each(|value| *value /= by);
        }
        self
    }

    /// Rows times the transpose of `weight`, `[to, from]`, plus `bias`.
    pub fn gemm(&self, weight: &[f32], bias: &[f32]) -> Maps {
        let (from, to) = (self.channels, bias.len());
        let mut values = bias.repeat(self.values.len() / from);
        let weight = matrix(weight, from).reversed_axes();
        add_product(&self.values, weight, &mut values, from);
        Maps {
            side: 1,
            channels: to,
            values,
        }
    }
}

impl Convolution {
    /// Of a kernel `[to, from, width, width]`.
    pub fn new(
        kernel: &[f32],
        bias: Vec<f32>,
        width: usize,
        (stride, padding): (usize, usize),
    ) -> Convolution {
        let to = bias.len();
        let from = kernel.len() / (to * width * width);
        let taps = width * width;
        let at = |tap: usize, from_at: usize, to_at: usize| {
            kernel[(to_at * from + from_at) * taps + tap]
        };
        let kernel = (0..taps)
            .flat_map(|tap| (0..from).map(move |from| (tap, from)))
            .flat_map(|(tap, from)| (0..to).map(move |to| (tap, from, to)))
            .map(|(tap, from, to)| at(tap, from, to))
            .collect();
        Convolution {
            kernel,
            bias,
            from,
            width,
            stride,
            padding,
        }
    }

    pub fn run(&self, input: &Maps) -> Maps {
        let side = (input.side + 2 * self.padding - self.width) / self.stride + 1;
        let (area, to) = (side * side, self.bias.len());
        let count = input.values.len() / input.each() * area;
        let mut values = self.bias.repeat(count);
        let window = self.width * self.width * self.from;
        let at_once = (WINDOWS / window).max(LEAST_WINDOWS);
        let mut windows = vec![0f32; at_once.min(count) * window];
        for (piece, values) in values.chunks_mut(at_once * to).enumerate() {
            let first = piece * at_once;
            let windows = &mut windows[..values.len() / to * window];
            for (at, window) in (first..).zip(windows.chunks_exact_mut(window)) {
                let image = &input.values[at / area * input.each()..][..input.each()];
                let (y, x) = (at % area / side, at % side);
                self.lay_out(image, input.side, (y, x), window);
            }
            add_product(windows, matrix(&self.kernel, to), values, window);
        }
        Maps {
            side,
            channels: to,
            values,
        }
    }

    /// Copies what the window at an output pixel sees: `[width, width, from]`.
    fn lay_out(&self, image: &[f32], side: usize, (y, x): (usize, usize), window: &mut [f32]) {
        let row_len = self.width * self.from;
        let left = x * self.stride; // with the zeros around
        // The part of the window's rows that lies on the map.
        let from = self.padding.saturating_sub(left).min(self.width);
        let to = (side + self.padding).saturating_sub(left).min(self.width);
        for (down, out) in window.chunks_exact_mut(row_len).enumerate() {
            let row = (y * self.stride + down).checked_sub(self.padding);
            let Some(row) = row.filter(|&row| row < side && from < to) else {
                out.fill(0.0);
                continue;
            };
            let start = (row * side + left + from - self.padding) * self.from;
            let (before, rest) = out.split_at_mut(from * self.from);
            let (inside, after) = rest.split_at_mut((to - from) * self.from);
            before.fill(0.0);
            inside.copy_from_slice(&image[start..start + inside.len()]);
            after.fill(0.0);
        }
    }
}

fn matrix(values: &[f32], columns: usize) -> ArrayView2<'_, f32> {
    let shape = (values.len() / columns, columns);
    ArrayView2::from_shape(shape, values).expect("rows are whole")
}

/// Adds the product of `rows` of `from` numbers and a matrix `[from, to]` to `sums`.
fn add_product(rows: &[f32], by: ArrayView2<'_, f32>, sums: &mut [f32], from: usize) {
    let shape = (sums.len() / by.ncols(), by.ncols());
    let mut sums = ArrayViewMut2::from_shape(shape, sums).expect("rows are whole");
    general_mat_mul(1.0, &matrix(rows, from), &by, 1.0, &mut sums);
}
