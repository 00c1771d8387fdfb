//! A convolution as products of blocks: which pixel of the input meets which of the output.

use super::kernel;
use super::tile::{BLOCK, Block, DEPTH, Multiply, Operand, Steps, TILE};
use super::wide::Wide;

/// The sizes of a convolution.
#[derive(Clone, Copy, Debug)]
pub(super) struct Geometry {
    /// Channels of the input and the output, multiples of 32.
    pub from: usize,
    pub to: usize,
    /// Width and height of the kernel.
    pub width: usize,
    /// Pixels between one look at the input and the next.
    pub stride: usize,
    /// Pixels of zeros around the input.
    pub padding: usize,
    /// Width and height of the input.
    pub side: usize,
}

impl Geometry {
    /// Width and height of the output.
    pub(super) fn out_side(&self) -> usize {
        (self.side + 2 * self.padding - self.width) / self.stride + 1
    }

    /// Places of the kernel.
    pub(super) fn taps(&self) -> usize {
        self.width * self.width
    }

    pub(super) fn in_pixels(&self) -> usize {
        self.side * self.side
    }

    pub(super) fn out_pixels(&self) -> usize {
        self.out_side() * self.out_side()
    }

    /// All meetings: pixel of the output, place of the kernel, pixel of the input.
    fn meetings(self) -> impl Iterator<Item = [usize; 3]> {
        let out = self.out_side();
        (0..out * out).flat_map(move |pixel| {
            (0..self.taps()).filter_map(move |tap| {
                let at = |pixel: usize, tap: usize| {
                    (pixel * self.stride + tap)
                        .checked_sub(self.padding)
                        .filter(|&at| at < self.side)
                };
                let y = at(pixel / out, tap / self.width)?;
                let x = at(pixel % out, tap % self.width)?;
                Some([pixel, tap, y * self.side + x])
            })
        })
    }
}

/// A convolution of `drawings` images at once, and its kernel laid out for products.
///
/// Images lie pixel by pixel: `rows` are `[pixel, drawing, channel]`; `pairs` hold two drawings side by
/// side, `[pixel, drawing / 2, channel, 2]`; `columns` are `[pixel, channel, drawing]`.
#[derive(Debug)]
pub(super) struct Convolution {
    pub geometry: Geometry,
    pub drawings: usize,
    /// For each pixel of the output: rows of the input times [`Convolution::forward_kernel`].
    forward: Vec<Steps>,
    /// For each place of the kernel: columns of the output's gradient times pairs of the input.
    kernel: Vec<Steps>,
    forward_kernel: Vec<u16>,
    /// What [`Convolution::kernel_gradient`] made last.
    pub gradient: Vec<f32>,
}

/// How far into a packed kernel the blocks of a tap's `row`-th 32 rows begin.
fn packed_at(tap: usize, row: usize, rows: usize, columns: usize) -> usize {
    (tap * (rows / DEPTH) + row) * (columns / BLOCK) * 2 * TILE
}

impl Convolution {
    pub(super) fn new(geometry: Geometry, drawings: usize) -> Convolution {
        let Geometry { from, to, .. } = geometry;
        let mut forward = vec![Steps::default(); geometry.out_pixels()];
        let mut kernel = vec![Steps::default(); geometry.taps()];
        for [pixel, tap, input] in geometry.meetings() {
            for row in 0..from / DEPTH {
                let left = input * drawings * from + row * DEPTH;
                forward[pixel].push(left, packed_at(tap, row, from, to));
            }
            for part in 0..drawings / DEPTH {
                let left = pixel * to * drawings + part * DEPTH;
                let right = (input * drawings + part * DEPTH) * from;
                kernel[tap].push(left, right);
            }
        }
        Convolution {
            geometry,
            drawings,
            forward,
            kernel,
            forward_kernel: vec![0; geometry.taps() * from * to],
            gradient: vec![0.0; geometry.taps() * from * to],
        }
    }

    /// Takes another kernel, `[place, to, from]`.
    pub(super) fn set_kernel(&mut self, wide: Option<Wide>, kernel: &[u16]) {
        let Geometry { from, to, .. } = self.geometry;
        let sizes = kernel.chunks_exact(from * to);
        for (tap, out) in sizes.zip(self.forward_kernel.chunks_exact_mut(from * to)) {
            kernel::pack_columns(wide, tap, from, out);
        }
    }

    /// Convolves `rows`, and gives every block of the output to `take`: its pixel, its first drawing and
    /// its first channel.
    pub(super) fn forward(
        &self,
        multiply: &impl Multiply,
        rows: &[u16],
        take: impl FnMut([usize; 3], &Block),
    ) {
        let Geometry { from, to, .. } = self.geometry;
        let kernel = &self.forward_kernel;
        products(
            multiply,
            &self.forward,
            (rows, from),
            (kernel, to),
            self.drawings,
            take,
        );
    }

    /// Writes the gradient of the kernel, `[to, from, place]`, of `columns` of the output's gradient and
    /// `pairs` of the input.
    pub(super) fn kernel_gradient(
        &mut self,
        multiply: &impl Multiply,
        wide: Option<Wide>,
        columns: &[u16],
        pairs: &[u16],
    ) {
        let Geometry { from, to, .. } = self.geometry;
        let taps = self.geometry.taps();
        let gradient = &mut self.gradient;
        let mut blocks = vec![[0.0; BLOCK * BLOCK]; taps];
        for first in (0..to).step_by(BLOCK) {
            let left = Operand {
                values: columns,
                base: first * self.drawings,
                row: self.drawings,
                second: self.drawings * BLOCK / 2,
            };
            for input in (0..from).step_by(BLOCK) {
                let right = Operand {
                    values: pairs,
                    base: input * 2,
                    row: from * 2,
                    second: BLOCK,
                };
                for (steps, block) in self.kernel.iter().zip(&mut blocks) {
                    multiply.product(steps, left, right, block);
                }
                for row in 0..BLOCK {
                    let at = ((first + row) * from + input) * taps;
                    kernel::from_places(wide, &blocks, row, &mut gradient[at..][..BLOCK * taps]);
                }
            }
        }
    }
}

/// The way back through convolutions of the same input: the input's gradient of the outputs'.
#[derive(Debug)]
pub(super) struct Back {
    from: usize,
    to: usize,
    drawings: usize,
    /// For each pixel of the input: rows of the outputs' gradients times the kernels.
    steps: Vec<Steps>,
    kernels: Vec<u16>,
}

impl Back {
    /// Of convolutions that agree in channels; their outputs' gradients lie one after the other.
    pub(super) fn new(all: &[Geometry], drawings: usize) -> Back {
        let Geometry { from, to, .. } = all[0];
        let mut steps = vec![Steps::default(); all[0].in_pixels()];
        let (mut taps, mut pixels) = (0, 0);
        for geometry in all {
            for [pixel, tap, input] in geometry.meetings() {
                for row in 0..to / DEPTH {
                    let left = (pixels + pixel) * drawings * to + row * DEPTH;
                    steps[input].push(left, packed_at(taps + tap, row, to, from));
                }
            }
            taps += geometry.taps();
            pixels += geometry.out_pixels();
        }
        Back {
            from,
            to,
            drawings,
            steps,
            kernels: vec![0; taps * from * to],
        }
    }

    /// Takes other kernels, each `[place, to, from]`, in the order of the convolutions.
    pub(super) fn set_kernels(&mut self, wide: Option<Wide>, kernels: &[&[u16]]) {
        let taps = kernels
            .iter()
            .flat_map(|kernel| kernel.chunks_exact(self.from * self.to));
        let out = self.kernels.chunks_exact_mut(self.from * self.to);
        for (tap, out) in taps.zip(out) {
            kernel::pack_rows(wide, tap, self.from, out);
        }
    }

    /// Gives every block of the input's gradient to `take`, as [`Convolution::forward`] does.
    pub(super) fn backward(
        &self,
        multiply: &impl Multiply,
        rows: &[u16],
        take: impl FnMut([usize; 3], &Block),
    ) {
        let (rows, kernels) = ((rows, self.to), (&self.kernels[..], self.from));
        products(multiply, &self.steps, rows, kernels, self.drawings, take);
    }
}

/// Gives the product of each pixel's steps to `take`, block by block: of rows and a packed kernel, each with
/// how many values a row of it has.
fn products(
    multiply: &impl Multiply,
    pixels: &[Steps],
    (rows, channels): (&[u16], usize),
    (kernel, columns): (&[u16], usize),
    drawings: usize,
    mut take: impl FnMut([usize; 3], &Block),
) {
    let mut block = [0.0; BLOCK * BLOCK];
    for column in (0..columns).step_by(BLOCK) {
        let right = kernel_operand(kernel, column);
        for (pixel, steps) in pixels.iter().enumerate() {
            for drawing in (0..drawings).step_by(BLOCK) {
                let left = row_operand(rows, drawing, channels);
                multiply.product(steps, left, right, &mut block);
                take([pixel, drawing, column], &block);
            }
        }
    }
}

/// Rows of images from a drawing on.
fn row_operand(values: &[u16], drawing: usize, channels: usize) -> Operand<'_> {
    Operand {
        values,
        base: drawing * channels,
        row: channels,
        second: BLOCK / 2 * channels,
    }
}

/// A packed kernel from a column on.
fn kernel_operand(values: &[u16], column: usize) -> Operand<'_> {
    Operand {
        values,
        base: column / BLOCK * 2 * TILE,
        row: DEPTH,
        second: TILE,
    }
}
