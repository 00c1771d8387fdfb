//! The way back through norm and ReLU, over rows of channels.

use super::norm::{Factors, Sums, float, lanes, lanes_mut, round};
use super::tile::BLOCK;
use super::wide::{LANES, Square, Wide, transpose, wide};

/// The gradient of what ReLU let through.
#[inline(always)]
fn let_through(gradient: &[u16], output: &[u16], at: usize) -> [f32; LANES] {
    let (gradient, output) = (lanes(gradient, at), lanes(output, at));
    let mut values = [0.0; LANES];
    for i in 0..LANES {
        // No branch, which would keep the loop narrow.
        values[i] = float(gradient[i] & u16::from(output[i] != 0).wrapping_neg());
    }
    values
}

/// Rows whose sums are added up in f32 before they are in f64.
const AT_ONCE: usize = 32;

wide! {
    /// The sums of the gradient that ReLU let through, and of its products with `first` and `second`.
    pub(super) fn reduce(
        of: (&[u16], &[u16]),
        channels: usize,
        first: &[u16],
        second: Option<&[u16]>,
    ) -> [Sums; 3] {
        let (gradient, output) = of;
        let mut all = [vec![0.0; channels], vec![0.0; channels], vec![0.0; channels]];
        for start in (0..gradient.len()).step_by(AT_ONCE * channels) {
            for channel in (0..channels).step_by(LANES) {
                let mut sums = [[0.0f32; LANES]; 3];
                for row in 0..AT_ONCE {
                    let at = start + row * channels + channel;
                    let through = let_through(gradient, output, at);
                    let ones = lanes(first, at);
                    for i in 0..LANES {
                        sums[0][i] += through[i];
                        sums[1][i] += through[i] * float(ones[i]);
                    }
                    if let Some(second) = second {
                        let others = lanes(second, at);
                        for i in 0..LANES {
                            sums[2][i] += through[i] * float(others[i]);
                        }
                    }
                }
                for (all, sums) in all.iter_mut().zip(sums) {
                    for (all, sum) in lanes_mut(all, channel).iter_mut().zip(sums) {
                        *all += f64::from(sum);
                    }
                }
            }
        }
        all
    }
}

/// The gradient on one side of a norm and ReLU.
#[derive(Clone, Copy)]
pub(super) struct Gradient<'a> {
    /// Of the output.
    gradient: &'a [u16],
    /// The output.
    output: &'a [u16],
    /// What the norm was given.
    raw: &'a [u16],
    factors: &'a Factors,
}

impl<'a> Gradient<'a> {
    /// Of a gradient and the output that it is of, what the norm was given, and its factors.
    pub(super) fn of(
        (gradient, output): (&'a [u16], &'a [u16]),
        raw: &'a [u16],
        factors: &'a Factors,
    ) -> Gradient<'a> {
        Gradient {
            gradient,
            output,
            raw,
            factors,
        }
    }

    #[inline(always)]
    fn at(&self, at: usize, channel: usize) -> [u16; LANES] {
        let through = let_through(self.gradient, self.output, at);
        let raw = lanes(self.raw, at);
        let [slope, by_value, constant] = self.factors;
        let (slope, by_value) = (lanes(slope, channel), lanes(by_value, channel));
        let constant = lanes(constant, channel);
        let mut bits = [0; LANES];
        for i in 0..LANES {
            bits[i] = round(through[i] * slope[i] + float(raw[i]) * by_value[i] + constant[i]);
        }
        bits
    }
}

wide! {
    /// The gradient of what the norm was given, as rows and as columns of `drawings`.
    pub(super) fn spread(
        from: Gradient<'_>,
        drawings: usize,
        rows: &mut [u16],
        columns: &mut [u16],
    ) {
        let channels = from.factors[0].len();
        by_columns::<WIDE>(channels, drawings, columns, |at, channel| {
            let even = from.at(at, channel);
            let odd = from.at(at + channels, channel);
            *lanes_mut(rows, at) = even;
            *lanes_mut(rows, at + channels) = odd;
            side_by_side(&even, &odd)
        });
    }
}

wide! {
    /// Rows of `channels` as columns of `drawings`.
    pub(super) fn turn(channels: usize, drawings: usize, rows: &[u16], columns: &mut [u16]) {
        by_columns::<WIDE>(channels, drawings, columns, |at, _| {
            side_by_side(lanes(rows, at), lanes(rows, at + channels))
        });
    }
}

/// Lays out columns of `drawings`, of what `pair` gives for a place in a row and the next row, and a channel.
#[inline(always)]
fn by_columns<const WIDE: bool>(
    channels: usize,
    drawings: usize,
    columns: &mut [u16],
    mut pair: impl FnMut(usize, usize) -> [u32; LANES],
) {
    for pixel in (0..columns.len()).step_by(drawings * channels) {
        for drawing in (0..drawings).step_by(BLOCK) {
            for channel in (0..channels).step_by(LANES) {
                let mut both = [[0u32; LANES]; BLOCK / 2];
                for (at, both) in both.iter_mut().enumerate() {
                    *both = pair(pixel + (drawing + 2 * at) * channels + channel, channel);
                }
                let at = pixel + channel * drawings + drawing;
                lay_columns::<WIDE>(&both, drawings, &mut columns[at..]);
            }
        }
    }
}

/// Two rows as pairs.
#[inline(always)]
fn side_by_side(even: &[u16; LANES], odd: &[u16; LANES]) -> [u32; LANES] {
    let mut both = [0; LANES];
    for i in 0..LANES {
        both[i] = u32::from(even[i]) | u32::from(odd[i]) << 16;
    }
    both
}

/// Writes the transpose of 16 by 16 pairs, each of its rows `apart` after the one before.
#[inline(always)]
pub(super) fn lay_columns<const WIDE: bool>(both: &Square, apart: usize, columns: &mut [u16]) {
    let turned = transpose::<WIDE>(both);
    for (i, turned) in turned.iter().enumerate() {
        let out: &mut [u16; BLOCK] = (&mut columns[i * apart..][..BLOCK]).try_into().expect("32");
        for j in 0..LANES {
            out[2 * j] = turned[j] as u16;
            out[2 * j + 1] = (turned[j] >> 16) as u16;
        }
    }
}
