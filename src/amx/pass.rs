//! The compact network there and back.

use super::conv::{Back, Convolution, Geometry};
use super::input::{STEM, by_pixel, look_through};
use super::norm::{self, Norm, Place, round};
use super::parameters::{Layer, Parameters};
use super::residual::{Image, Normed, Residual, Room, place};
use super::tile::{Block, DEPTH, Multiply, Scalar, Tiles};
use super::wide::Wide;
use super::{back, kernel};
use crate::weights::CompactShape;

/// Drawings of a batch must be a multiple of this, and so must the channels of every layer.
pub const MULTIPLE: usize = DEPTH;

/// The compact network in training, for batches of one size: all but the norm of its embeddings.
#[derive(Debug)]
pub struct Pass {
    drawings: usize,
    side: usize,
    dimensions: usize,
    windows: Image,
    stem: Normed,
    stem_output: Image,
    /// Of the stem's kernel, `[to, 25]`.
    stem_gradient: Vec<f32>,
    blocks: Vec<Residual>,
    features: Image,
    /// What features were multiplied by: rows.
    mask: Option<Vec<u16>>,
    project: Convolution,
    project_kernel: Vec<u16>,
    to_features: Back,
    room: Room,
    pub(super) wide: Option<Wide>,
}

/// Whether such a network can pass with such a batch.
#[must_use]
pub fn fits(shape: CompactShape, drawings: usize) -> bool {
    let multiple = |size: i64| size > 0 && size % MULTIPLE as i64 == 0;
    multiple(shape.width) && multiple(shape.dimensions) && multiple(drawings as i64)
}

impl Pass {
    /// # Panics
    /// If the shape and the batch do not [fit](fits).
    #[must_use]
    pub fn new(shape: CompactShape, drawings: usize) -> Pass {
        assert!(fits(shape, drawings));
        let size = |size: i64| usize::try_from(size).expect("sizes of a network are small");
        let (width, dimensions, half) = (size(shape.width), size(shape.dimensions), shape.side / 2);
        let stem = Geometry {
            from: DEPTH,
            to: width,
            width: 1,
            stride: 1,
            padding: 0,
            side: half,
        };
        let project = Geometry {
            from: 8 * width,
            to: dimensions,
            width: half / 8,
            stride: 1,
            padding: 0,
            side: half / 8,
        };
        let most = half * half * width * drawings;
        let features = project.in_pixels() * drawings * project.from;
        let of_project = dimensions * drawings;
        Pass {
            drawings,
            side: shape.side,
            dimensions,
            windows: Image::new(half * half * drawings * DEPTH),
            stem: Normed::new(stem, drawings),
            stem_output: Image::new(most),
            stem_gradient: vec![0.0; width * STEM * STEM],
            blocks: (0..3)
                .map(|at| Residual::new(width << at, half >> at, drawings))
                .collect(),
            features: Image::new(features),
            mask: None,
            project: Convolution::new(project, drawings),
            project_kernel: vec![0; project.taps() * project.from * project.to],
            to_features: Back::new(&[project], drawings),
            room: Room {
                output: vec![0; most],
                input: vec![0; most],
                hidden: vec![0; most],
                raw: vec![0; most.max(of_project)],
                columns: vec![0; most.max(of_project)],
            },
            wide: Wide::detect(),
        }
    }

    /// Embeds `images` `[drawings, side, side]` with the statistics of the batch: `[drawings,
    /// dimensions]`, to which the norm of embeddings is still to be applied. `mask`, `[drawings,
    /// features]`, multiplies features.
    ///
    /// Without tile registers it takes a thousand times as long, for the same result.
    ///
    /// # Panics
    /// If something is of another size than the network and the batch.
    #[must_use]
    pub fn forward(
        &mut self,
        parameters: &Parameters<&[f32]>,
        images: &[f32],
        mask: Option<&[f32]>,
    ) -> Vec<f32> {
        match Tiles::set_up() {
            Some(tiles) => self.forward_by(&tiles, parameters, images, mask),
            None => self.forward_by(&Scalar, parameters, images, mask),
        }
    }

    /// The gradients of all parameters by a loss whose gradient by the last batch's embeddings is
    /// `gradient`, `[drawings, dimensions]`.
    ///
    /// # Panics
    /// If `gradient` is of another size.
    #[must_use]
    pub fn backward(&mut self, gradient: &[f32]) -> Parameters<&[f32]> {
        match Tiles::set_up() {
            Some(tiles) => self.backward_by(&tiles, gradient),
            None => self.backward_by(&Scalar, gradient),
        }
        self.gradients()
    }

    /// The convolutions of the blocks, in the order of their layers.
    fn of_blocks(&self) -> impl Iterator<Item = &Normed> {
        let blocks = self.blocks.iter();
        blocks.flat_map(|block| [&block.first, &block.second, &block.shortcut])
    }

    /// What the last way back found.
    pub(super) fn gradients(&self) -> Parameters<&[f32]> {
        fn layer<'a>(kernel: &'a [f32], norm: &'a Norm) -> Layer<&'a [f32]> {
            let [scale, shift] = &norm.gradients;
            Layer {
                kernel,
                scale,
                shift,
            }
        }
        let layers = self
            .of_blocks()
            .map(|normed| layer(&normed.convolution.gradient[..], &normed.norm));
        Parameters {
            layers: std::iter::once(layer(&self.stem_gradient[..], &self.stem.norm))
                .chain(layers)
                .collect(),
            project: &self.project.gradient,
        }
    }

    /// Mean and variance of what each layer's norm was given in the last batch, in the order of
    /// [`Parameters::layers`]; the variance is a sample's.
    #[must_use]
    pub fn statistics(&self) -> Vec<[Vec<f32>; 2]> {
        let all = std::iter::once(&self.stem).chain(self.of_blocks());
        all.map(|layer| layer.norm.statistics()).collect()
    }

    pub(super) fn forward_by(
        &mut self,
        multiply: &impl Multiply,
        parameters: &Parameters<&[f32]>,
        images: &[f32],
        mask: Option<&[f32]>,
    ) -> Vec<f32> {
        assert_eq!(images.len(), self.drawings * self.side * self.side);
        self.set(parameters);
        let (wide, drawings) = (self.wide, self.drawings);
        look_through(images, self.side, drawings, &mut self.windows.rows);
        norm::pair_up(wide, DEPTH, &self.windows.rows, &mut self.windows.pairs);
        self.stem
            .forward(multiply, wide, &self.windows.rows, drawings);
        let line = self.stem.norm.line();
        let output = &mut self.stem_output;
        norm::activate(
            wide,
            (&self.stem.raw, &line),
            None,
            &mut output.rows,
            &mut output.pairs,
        );
        let mut input = &self.stem_output;
        for block in &mut self.blocks {
            block.forward(multiply, wide, input, drawings);
            input = &block.output;
        }
        self.silence(mask);
        let mut embeddings = vec![0.0; drawings * self.dimensions];
        self.project
            .forward(multiply, &self.features.rows, |at, block| {
                copy_block(block, place(at, drawings, self.dimensions), &mut embeddings);
            });
        embeddings
    }

    /// Multiplies the last block's output by the mask: the features.
    fn silence(&mut self, mask: Option<&[f32]>) {
        let output = &self.blocks[self.blocks.len() - 1].output;
        let features = &mut self.features;
        let Geometry { from, .. } = self.project.geometry;
        self.mask = mask.map(|mask| {
            assert_eq!(mask.len(), features.rows.len());
            by_pixel(mask, self.drawings, self.project.geometry.in_pixels())
        });
        match &self.mask {
            Some(mask) => {
                norm::multiply(self.wide, &output.rows, mask, &mut features.rows);
                norm::pair_up(self.wide, from, &features.rows, &mut features.pairs);
            }
            None => {
                features.rows.copy_from_slice(&output.rows);
                features.pairs.copy_from_slice(&output.pairs);
            }
        }
    }

    fn set(&mut self, parameters: &Parameters<&[f32]>) {
        let stem = &parameters.layers[0];
        assert_eq!(parameters.layers.len(), 1 + 3 * self.blocks.len());
        assert_eq!(stem.kernel.len(), STEM * STEM * self.stem.norm.scale.len());
        let rows = self.stem.kernel.chunks_exact_mut(DEPTH);
        for (out, kernel) in rows.zip(stem.kernel.chunks_exact(STEM * STEM)) {
            for (out, value) in out.iter_mut().zip(kernel) {
                *out = round(*value);
            }
        }
        self.stem.set(self.wide, stem);
        for (block, layers) in self
            .blocks
            .iter_mut()
            .zip(parameters.layers[1..].chunks_exact(3))
        {
            block.set(self.wide, layers);
        }
        let taps = self.project.geometry.taps();
        let wide = self.wide;
        kernel::by_place(wide, parameters.project, taps, &mut self.project_kernel);
        self.project.set_kernel(wide, &self.project_kernel);
        self.to_features.set_kernels(wide, &[&self.project_kernel]);
    }

    pub(super) fn backward_by(&mut self, multiply: &impl Multiply, gradient: &[f32]) {
        assert_eq!(gradient.len(), self.drawings * self.dimensions);
        let (wide, drawings) = (self.wide, self.drawings);
        self.through_projection(multiply, gradient);
        let room = &mut self.room;
        for at in (0..self.blocks.len()).rev() {
            let (before, rest) = self.blocks.split_at_mut(at);
            let before = before.last();
            let input = before.map_or(&self.stem_output, |block| &block.output);
            room.through(multiply, wide, &mut rest[0], input, drawings);
            std::mem::swap(&mut room.output, &mut room.input);
        }
        let (output, windows) = (&self.stem_output, &self.windows);
        room.through_stem(multiply, wide, &mut self.stem, output, windows);
        let rows = self.stem.convolution.gradient.chunks_exact(DEPTH);
        for (out, row) in self.stem_gradient.chunks_exact_mut(STEM * STEM).zip(rows) {
            out.copy_from_slice(&row[..STEM * STEM]);
        }
    }

    /// The gradient of the projection; that of the features is left in [`Room::output`].
    fn through_projection(&mut self, multiply: &impl Multiply, gradient: &[f32]) {
        let (wide, drawings, channels) = (self.wide, self.drawings, self.project.geometry.from);
        let room = &mut self.room;
        let rows = &mut room.raw[..gradient.len()];
        for (out, value) in rows.iter_mut().zip(gradient) {
            *out = round(*value);
        }
        let columns = &mut room.columns[..gradient.len()];
        back::turn(wide, self.dimensions, drawings, rows, columns);
        (self.project).kernel_gradient(multiply, wide, columns, &self.features.pairs);
        let features = self.features.rows.len();
        let out = &mut room.input[..features];
        self.to_features.backward(multiply, rows, |at, block| {
            norm::lay_down(wide, block, place(at, drawings, channels), out);
        });
        let to = &mut room.output[..features];
        match &self.mask {
            Some(mask) => norm::multiply(wide, &room.input[..features], mask, to),
            None => to.copy_from_slice(&room.input[..features]),
        }
    }
}

fn copy_block(block: &Block, place: Place, out: &mut [f32]) {
    for (row, values) in block.chunks_exact(DEPTH).enumerate() {
        let at = (place.row + row) * place.channels + place.channel;
        out[at..][..DEPTH].copy_from_slice(values);
    }
}
