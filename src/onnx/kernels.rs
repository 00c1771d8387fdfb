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

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(count: usize, from: f32) -> Vec<f32> {
        (0..count)
            .map(|at| (from + at as f32 * 0.7).sin())
            .collect()
    }

    /// Channels last, of maps `[n, channels, side, side]`.
    fn maps(side: usize, channels: usize, values: &[f32]) -> Maps {
        let area = side * side;
        let place =
            |image: usize, at: usize, channel: usize| (image * channels + channel) * area + at;
        let images = 0..values.len() / (channels * area);
        let values = images
            .flat_map(|image| (0..area).map(move |at| (image, at)))
            .flat_map(|(image, at)| (0..channels).map(move |channel| (image, at, channel)))
            .map(|(image, at, channel)| values[place(image, at, channel)])
            .collect();
        Maps {
            side,
            channels,
            values,
        }
    }

    /// Even and odd kernels, a stride, zeros around, and more windows than are laid out at once.
    #[test]
    fn a_convolution_is_the_sum_over_its_windows() {
        let to = 4;
        for (side, from, width, stride, padding) in [
            (7, 3, 3, 1, 1),
            (8, 2, 5, 2, 2),
            (6, 3, 1, 2, 0),
            (9, 2, 4, 1, 0),
            (2, 2, 5, 1, 2),
            (40, 1, 3, 1, 1),
        ] {
            let images = 3;
            let input = numbers(images * from * side * side, 0.1);
            let (kernel, bias) = (numbers(to * from * width * width, 0.5), numbers(to, 0.9));
            let layer = Convolution::new(&kernel, bias.clone(), width, (stride, padding));
            let made = layer.run(&maps(side, from, &input));
            let out = (side + 2 * padding - width) / stride + 1;
            assert_eq!((made.side, made.channels), (out, to));
            assert_eq!(made.values.len(), images * out * out * to);
            let pixel = |image: usize, channel: usize, y: isize, x: isize| {
                let inside = 0..side as isize;
                if !inside.contains(&y) || !inside.contains(&x) {
                    return 0.0;
                }
                let at = ((image * from + channel) * side + y as usize) * side + x as usize;
                f64::from(input[at])
            };
            for (at, &value) in made.values.iter().enumerate() {
                let (place, of) = (at / to, at % to);
                let (image, y, x) = (place / (out * out), place / out % out, place % out);
                let mut sum = f64::from(bias[of]);
                for tap in 0..from * width * width {
                    let (channel, down, right) =
                        (tap / (width * width), tap / width % width, tap % width);
                    let y = (y * stride + down) as isize - padding as isize;
                    let x = (x * stride + right) as isize - padding as isize;
                    sum += f64::from(kernel[of * from * width * width + tap])
                        * pixel(image, channel, y, x);
                }
                assert!(
                    (f64::from(value) - sum).abs() < 1e-4,
                    "{side} {width}: {value}, {sum}"
                );
            }
        }
    }

    #[test]
    fn a_pool_takes_the_greatest_and_leaves_an_odd_row_out() {
        let input = [
            1.0,
            5.0,
            9.0, //
            2.0,
            3.0,
            9.0, //
            9.0,
            9.0,
            9.0, //
            -1.0,
            -5.0,
            0.0, //
            -2.0,
            f32::NAN,
            0.0, //
            0.0,
            0.0,
            0.0,
        ];
        let made = maps(3, 2, &input).max_pool();
        assert_eq!((made.side, made.channels, made.values[0]), (1, 2, 5.0));
        assert!(made.values[1].is_nan());
    }

    #[test]
    fn rows_are_flattened_channel_by_channel_and_multiplied() {
        let values = numbers(2 * 3 * 4, 0.0);
        let rows = maps(2, 3, &values).flatten();
        assert_eq!((rows.side, rows.channels), (1, 12));
        assert_eq!(rows.values, values);
        let weight = numbers(5 * 12, 2.0);
        let made = rows.gemm(&weight, &[1.0; 5]);
        let expected = (0..12).map(|at| values[12 + at] * weight[3 * 12 + at]);
        assert!((made.values[8] - 1.0 - expected.sum::<f32>()).abs() < 1e-5);
        assert_eq!(made.values.len(), 10);
    }

    #[test]
    fn a_row_of_zeros_has_no_direction() {
        let rows = Maps {
            side: 1,
            channels: 2,
            values: vec![3.0, 4.0, 0.0, 0.0],
        };
        let lengths = rows.lengths().clip();
        assert_eq!(rows.divide(&lengths).values, [0.6, 0.8, 0.0, 0.0]);
    }
}
