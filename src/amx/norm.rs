//! What lies between convolutions: batch norm and ReLU, there and back, over rows of channels.

use super::tile::{BLOCK, Block};
use super::wide::{LANES, Wide, wide};

/// What is added to a variance, as PyTorch does by default.
const EPSILON: f64 = 1e-5;

/// The value of bits of bf16.
#[inline(always)]
pub(super) fn float(bits: u16) -> f32 {
    f32::from_bits(u32::from(bits) << 16)
}

/// The nearest bf16, the even one of two. What is no number may come out as another such.
#[inline(always)]
pub(super) fn round(value: f32) -> u16 {
    let bits = value.to_bits();
    (bits.wrapping_add(0x7FFF + (bits >> 16 & 1)) >> 16) as u16
}

#[inline(always)]
pub(super) fn lanes<T: Copy>(values: &[T], at: usize) -> &[T; LANES] {
    values[at..][..LANES].try_into().expect("as many as asked")
}

#[inline(always)]
pub(super) fn lanes_mut<T: Copy>(values: &mut [T], at: usize) -> &mut [T; LANES] {
    (&mut values[at..][..LANES])
        .try_into()
        .expect("as many as asked")
}

/// A straight line for each channel: `slope · y + offset`.
#[derive(Clone, Debug, Default)]
pub(super) struct Line {
    pub slope: Vec<f32>,
    pub offset: Vec<f32>,
}

/// Sums over all pixels and drawings, for each channel.
pub(super) type Sums = Vec<f64>;

/// Batch norm over the channels of a batch.
#[derive(Debug)]
pub(super) struct Norm {
    pub scale: Vec<f32>,
    pub shift: Vec<f32>,
    /// The sum of each channel, then the sum of its squares.
    sums: [Sums; 2],
    /// How many values a channel has.
    count: f64,
    /// What [`Norm::back`] made last of scale and shift.
    pub gradients: [Vec<f32>; 2],
}

impl Norm {
    pub(super) fn new(channels: usize, count: usize) -> Norm {
        Norm {
            scale: vec![1.0; channels],
            shift: vec![0.0; channels],
            sums: [vec![0.0; channels], vec![0.0; channels]],
            count: count as f64,
            gradients: [vec![0.0; channels], vec![0.0; channels]],
        }
    }

    /// Forgets the last batch.
    pub(super) fn clear(&mut self) {
        self.sums.iter_mut().for_each(|sums| sums.fill(0.0));
    }

    /// Mean and variance of a channel in the batch.
    fn moments(&self, channel: usize) -> [f64; 2] {
        let mean = self.sums[0][channel] / self.count;
        let variance = self.sums[1][channel] / self.count - mean * mean;
        [mean, variance.max(0.0)]
    }

    /// The mean of each channel, and its variance as a sample's: what running statistics are of.
    pub(super) fn statistics(&self) -> [Vec<f32>; 2] {
        let sample = self.count / (self.count - 1.0).max(1.0);
        let all = (0..self.scale.len()).map(|channel| self.moments(channel));
        all.map(|[mean, variance]| (mean as f32, (variance * sample) as f32))
            .unzip::<_, _, Vec<f32>, Vec<f32>>()
            .into()
    }

    /// What it makes of a channel's values.
    pub(super) fn line(&self) -> Line {
        let all = (0..self.scale.len()).map(|channel| {
            let [mean, variance] = self.moments(channel);
            let slope = f64::from(self.scale[channel]) / (variance + EPSILON).sqrt();
            let offset = f64::from(self.shift[channel]) - slope * mean;
            (slope as f32, offset as f32)
        });
        let (slope, offset) = all.unzip();
        Line { slope, offset }
    }

    /// The way back, from the sums of the gradient and of the gradient times the values: writes the
    /// gradients of scale and shift, and gives the factors of [`super::back::spread`].
    pub(super) fn back(&mut self, gradient: &Sums, products: &Sums) -> Factors {
        let mut factors = Factors::default();
        for channel in 0..self.scale.len() {
            let [mean, variance] = self.moments(channel);
            let inverse = 1.0 / (variance + EPSILON).sqrt();
            let sum = gradient[channel];
            let product = (products[channel] - mean * sum) * inverse;
            let slope = f64::from(self.scale[channel]) * inverse;
            let by_value = -slope * inverse * product / self.count;
            let constant = -slope * sum / self.count - by_value * mean;
            self.gradients[0][channel] = product as f32;
            self.gradients[1][channel] = sum as f32;
            factors[0].push(slope as f32);
            factors[1].push(by_value as f32);
            factors[2].push(constant as f32);
        }
        factors
    }
}

/// The gradient of what a norm was given is that of its output times the first, plus the value times the
/// second, plus the third; each for every channel.
pub(super) type Factors = [Vec<f32>; 3];

/// Where a block lies among rows of channels: its first row, its first channel, and the channels.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub row: usize,
    pub channel: usize,
    pub channels: usize,
}

wide! {
    /// Rounds a block into `rows`, and adds its values to the sums of `norm`.
    pub(super) fn keep(block: &Block, place: Place, rows: &mut [u16], norm: &mut Norm) {
        let mut sums = [[0.0f32; BLOCK]; 2];
        for (row, values) in block.chunks_exact(BLOCK).enumerate() {
            let at = (place.row + row) * place.channels + place.channel;
            let out = &mut rows[at..][..BLOCK];
            for column in 0..BLOCK {
                let bits = round(values[column]);
                out[column] = bits;
                let value = float(bits);
                sums[0][column] += value;
                sums[1][column] += value * value;
            }
        }
        for (all, sums) in norm.sums.iter_mut().zip(sums) {
            for (all, sum) in all[place.channel..].iter_mut().zip(sums) {
                *all += f64::from(sum);
            }
        }
    }
}

wide! {
    /// Rounds a block into `rows`.
    pub(super) fn lay_down(block: &Block, place: Place, rows: &mut [u16]) {
        for (row, values) in block.chunks_exact(BLOCK).enumerate() {
            let at = (place.row + row) * place.channels + place.channel;
            let out = &mut rows[at..][..BLOCK];
            for column in 0..BLOCK {
                out[column] = round(values[column]);
            }
        }
    }
}

/// What a norm was given, and what it makes of it.
pub(super) type Normed<'a> = (&'a [u16], &'a Line);

#[inline(always)]
fn line_at((raw, line): Normed<'_>, at: usize, channel: usize) -> [f32; LANES] {
    let (slope, offset) = (lanes(&line.slope, channel), lanes(&line.offset, channel));
    let raw = lanes(raw, at);
    let mut values = [0.0; LANES];
    for i in 0..LANES {
        values[i] = float(raw[i]) * slope[i] + offset[i];
    }
    values
}

/// What is above zero of a value, or of the sum of two. What is no number stays none, so that a loss says it.
#[inline(always)]
fn activated(
    first: Normed<'_>,
    second: Option<Normed<'_>>,
    at: usize,
    channel: usize,
) -> [u16; LANES] {
    let mut values = line_at(first, at, channel);
    if let Some(second) = second {
        let others = line_at(second, at, channel);
        for i in 0..LANES {
            values[i] += others[i];
        }
    }
    let mut bits = [0; LANES];
    for i in 0..LANES {
        bits[i] = round(if values[i] <= 0.0 { 0.0 } else { values[i] });
    }
    bits
}

wide! {
    /// Norm and ReLU of one convolution, or of the sum of two, as rows and as pairs of rows.
    pub(super) fn activate(
        first: Normed<'_>,
        second: Option<Normed<'_>>,
        rows: &mut [u16],
        pairs: &mut [u16],
    ) {
        let channels = first.1.slope.len();
        for start in (0..rows.len()).step_by(2 * channels) {
            for channel in (0..channels).step_by(LANES) {
                let at = start + channel;
                let even = activated(first, second, at, channel);
                let odd = activated(first, second, at + channels, channel);
                *lanes_mut(rows, at) = even;
                *lanes_mut(rows, at + channels) = odd;
                interleave(&even, &odd, &mut pairs[start + 2 * channel..][..2 * LANES]);
            }
        }
    }
}

/// Lays two rows side by side, value by value.
#[inline(always)]
pub(super) fn interleave(even: &[u16; LANES], odd: &[u16; LANES], out: &mut [u16]) {
    let out: &mut [u16; 2 * LANES] = out.try_into().expect("twice as many");
    for i in 0..LANES {
        out[2 * i] = even[i];
        out[2 * i + 1] = odd[i];
    }
}

wide! {
    /// Lays rows of channels side by side, two and two.
    pub(super) fn pair_up(channels: usize, rows: &[u16], pairs: &mut [u16]) {
        for start in (0..rows.len()).step_by(2 * channels) {
            for channel in (0..channels).step_by(LANES) {
                let even = lanes(rows, start + channel);
                let odd = lanes(rows, start + channels + channel);
                interleave(even, odd, &mut pairs[start + 2 * channel..][..2 * LANES]);
            }
        }
    }
}

wide! {
    /// Multiplies each value by another.
    pub(super) fn multiply(values: &[u16], by: &[u16], out: &mut [u16]) {
        for (out, (value, by)) in out.iter_mut().zip(values.iter().zip(by)) {
            *out = round(float(*value) * float(*by));
        }
    }
}
