//! A block of two convolutions and a shortcut, there and back.

use super::back::{self, Gradient};
use super::conv::{Back, Convolution, Geometry};
use super::kernel;
use super::norm::{self, Norm, Place};
use super::parameters::Layer;
use super::tile::Multiply;
use super::wide::Wide;

/// Images of all drawings of a batch, pixel by pixel.
#[derive(Debug)]
pub(super) struct Image {
    /// `[pixel, drawing, channel]`.
    pub rows: Vec<u16>,
    /// `[pixel, drawing / 2, channel, 2]`.
    pub pairs: Vec<u16>,
}

impl Image {
    pub(super) fn new(values: usize) -> Image {
        Image {
            rows: vec![0; values],
            pairs: vec![0; values],
        }
    }
}

/// A convolution and its norm.
#[derive(Debug)]
pub(super) struct Normed {
    pub convolution: Convolution,
    pub norm: Norm,
    /// What the convolution made, rounded: rows.
    pub raw: Vec<u16>,
    /// The kernel, `[place, to, from]`.
    pub kernel: Vec<u16>,
}

impl Normed {
    pub(super) fn new(geometry: Geometry, drawings: usize) -> Normed {
        let rows = geometry.out_pixels() * drawings;
        Normed {
            convolution: Convolution::new(geometry, drawings),
            norm: Norm::new(geometry.to, rows),
            raw: vec![0; rows * geometry.to],
            kernel: vec![0; geometry.taps() * geometry.from * geometry.to],
        }
    }

    /// Takes new values, the kernel's by place.
    pub(super) fn set(&mut self, wide: Option<Wide>, layer: &Layer<&[f32]>) {
        self.convolution.set_kernel(wide, &self.kernel);
        self.norm.scale.copy_from_slice(layer.scale);
        self.norm.shift.copy_from_slice(layer.shift);
    }

    pub(super) fn forward(
        &mut self,
        multiply: &impl Multiply,
        wide: Option<Wide>,
        input: &[u16],
        drawings: usize,
    ) {
        let (norm, raw) = (&mut self.norm, &mut self.raw);
        norm.clear();
        let channels = self.convolution.geometry.to;
        self.convolution.forward(multiply, input, |at, block| {
            norm::keep(wide, block, place(at, drawings, channels), raw, norm);
        });
    }
}

pub(super) fn place(
    [pixel, drawing, channel]: [usize; 3],
    drawings: usize,
    channels: usize,
) -> Place {
    Place {
        row: pixel * drawings + drawing,
        channel,
        channels,
    }
}

/// Two convolutions and a shortcut.
#[derive(Debug)]
pub(super) struct Residual {
    pub first: Normed,
    pub second: Normed,
    pub shortcut: Normed,
    pub hidden: Image,
    pub output: Image,
    /// Through the first convolution and the shortcut.
    pub to_input: Back,
    /// Through the second convolution.
    pub to_hidden: Back,
}

impl Residual {
    pub(super) fn new(from: usize, side: usize, drawings: usize) -> Residual {
        let to = 2 * from;
        let geometry = |from, width, stride, side| Geometry {
            from,
            to,
            width,
            stride,
            padding: width / 2,
            side,
        };
        let first = geometry(from, 3, 2, side);
        let second = geometry(to, 3, 1, side / 2);
        let shortcut = geometry(from, 1, 2, side);
        let values = first.out_pixels() * drawings * to;
        Residual {
            first: Normed::new(first, drawings),
            second: Normed::new(second, drawings),
            shortcut: Normed::new(shortcut, drawings),
            hidden: Image::new(values),
            output: Image::new(values),
            to_input: Back::new(&[first, shortcut], drawings),
            to_hidden: Back::new(&[second], drawings),
        }
    }

    pub(super) fn set(&mut self, wide: Option<Wide>, layers: &[Layer<&[f32]>]) {
        let all = [&mut self.first, &mut self.second, &mut self.shortcut];
        for (normed, layer) in all.into_iter().zip(layers) {
            let places = normed.convolution.geometry.taps();
            kernel::by_place(wide, layer.kernel, places, &mut normed.kernel);
            normed.set(wide, layer);
        }
        self.to_input
            .set_kernels(wide, &[&self.first.kernel, &self.shortcut.kernel]);
        self.to_hidden.set_kernels(wide, &[&self.second.kernel]);
    }

    pub(super) fn forward(
        &mut self,
        multiply: &impl Multiply,
        wide: Option<Wide>,
        input: &Image,
        drawings: usize,
    ) {
        self.first.forward(multiply, wide, &input.rows, drawings);
        let line = self.first.norm.line();
        let hidden = &mut self.hidden;
        norm::activate(
            wide,
            (&self.first.raw, &line),
            None,
            &mut hidden.rows,
            &mut hidden.pairs,
        );
        self.second
            .forward(multiply, wide, &self.hidden.rows, drawings);
        self.shortcut.forward(multiply, wide, &input.rows, drawings);
        let (line, short) = (self.second.norm.line(), self.shortcut.norm.line());
        let output = &mut self.output;
        norm::activate(
            wide,
            (&self.second.raw, &line),
            Some((&self.shortcut.raw, &short)),
            &mut output.rows,
            &mut output.pairs,
        );
    }
}

/// Room for gradients, as large as the largest layer needs.
#[derive(Debug)]
pub(super) struct Room {
    /// Of a block's output and of its input: rows.
    pub output: Vec<u16>,
    pub input: Vec<u16>,
    /// Of the values between a block's convolutions: rows.
    pub hidden: Vec<u16>,
    /// Of what convolutions made: rows, those of a shortcut after those of the first convolution.
    pub raw: Vec<u16>,
    pub columns: Vec<u16>,
}

impl Room {
    /// The gradients of a block's parameters; that of its input is left in [`Room::input`].
    pub(super) fn through(
        &mut self,
        multiply: &impl Multiply,
        wide: Option<Wide>,
        block: &mut Residual,
        input: &Image,
        drawings: usize,
    ) {
        let Geometry { from, to, .. } = block.first.convolution.geometry;
        let values = block.output.rows.len();
        let columns = &mut self.columns[..values];
        let (first_raw, short_raw) = self.raw[..2 * values].split_at_mut(values);

        let Residual {
            first,
            second,
            shortcut,
            hidden,
            output,
            ..
        } = block;
        let gradient = &self.output[..values];
        let of_output = (gradient, &output.rows[..]);
        let [sums, products, short_products] =
            back::reduce(wide, of_output, to, &second.raw, Some(&shortcut.raw));
        let factors = shortcut.norm.back(&sums, &short_products);
        let before = Gradient::of(of_output, &shortcut.raw, &factors);
        back::spread(wide, before, drawings, short_raw, columns);
        (shortcut.convolution).kernel_gradient(multiply, wide, columns, &input.pairs);
        let factors = second.norm.back(&sums, &products);
        let before = Gradient::of(of_output, &second.raw, &factors);
        back::spread(wide, before, drawings, first_raw, columns);
        (second.convolution).kernel_gradient(multiply, wide, columns, &hidden.pairs);
        let gradient = &mut self.hidden[..values];
        block.to_hidden.backward(multiply, first_raw, |at, block| {
            norm::lay_down(wide, block, place(at, drawings, to), gradient);
        });

        let of_hidden = (&*gradient, &hidden.rows[..]);
        let [sums, products, _] = back::reduce(wide, of_hidden, to, &first.raw, None);
        let factors = first.norm.back(&sums, &products);
        let before = Gradient::of(of_hidden, &first.raw, &factors);
        back::spread(wide, before, drawings, first_raw, columns);
        (first.convolution).kernel_gradient(multiply, wide, columns, &input.pairs);
        let out = &mut self.input[..input.rows.len()];
        let raw = &self.raw[..2 * values];
        block.to_input.backward(multiply, raw, |at, block| {
            norm::lay_down(wide, block, place(at, drawings, from), out);
        });
    }

    /// The gradients of the stem's parameters, of [`Room::output`]; its kernel has 32 places.
    pub(super) fn through_stem(
        &mut self,
        multiply: &impl Multiply,
        wide: Option<Wide>,
        stem: &mut Normed,
        output: &Image,
        windows: &Image,
    ) {
        let drawings = stem.convolution.drawings;
        let values = output.rows.len();
        let channels = stem.convolution.geometry.to;
        let of_output = (&self.output[..values], &output.rows[..]);
        let [sums, products, _] = back::reduce(wide, of_output, channels, &stem.raw, None);
        let factors = stem.norm.back(&sums, &products);
        let before = Gradient::of(of_output, &stem.raw, &factors);
        let (rows, columns) = (&mut self.raw[..values], &mut self.columns[..values]);
        back::spread(wide, before, drawings, rows, columns);
        (stem.convolution).kernel_gradient(multiply, wide, columns, &windows.pairs);
    }
}
