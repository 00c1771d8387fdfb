//! What holds of products, loops and the pass.

use std::io::Write;

use proptest::prelude::*;

use super::tile::{BLOCK, Block, Multiply, Operand, Scalar, Steps, Tiles};
use super::*;
use crate::weights::CompactShape;

/// Tile registers, or a line that says that this machine has none.
fn tiles() -> Option<Tiles> {
    let tiles = Tiles::set_up();
    if tiles.is_none() {
        // Not captured by the test harness.
        let _ = writeln!(
            std::io::stderr(),
            "skipped: this machine has no tile registers"
        );
    }
    tiles
}

proptest! {
    /// Any bits but infinities and what is no number: of these, which bits come out is not promised.
    #[test]
    fn tile_registers_multiply_as_the_law_says(
        bits in prop::collection::vec(any::<u16>(), 4096),
        starts in prop::collection::vec((0usize..512, 0usize..512), 1..6),
        wild in any::<bool>(),
    ) {
        let Some(tiles) = tiles() else { return Ok(()) };
        let tame = |bits: u16| {
            // Exponents around that of 1, or any but the largest: sums may overflow then.
            let exponent = (bits >> 7) & 0xFF;
            let exponent = if wild { exponent % 200 } else { 120 + exponent % 12 };
            (bits & 0x807F) | exponent << 7
        };
        let values: Vec<u16> = bits.into_iter().map(tame).collect();
        let mut steps = Steps::default();
        for (left, right) in starts {
            steps.push(left, right);
        }
        let left = Operand { values: &values, base: 7, row: 64, second: 1024 };
        let right = Operand { values: &values, base: 3, row: 32, second: 512 };
        let (mut ours, mut law): (Block, Block) = ([0.5; BLOCK * BLOCK], [0.0; BLOCK * BLOCK]);
        tiles.product(&steps, left, right, &mut ours);
        Scalar.product(&steps, left, right, &mut law);
        for (ours, law) in ours.iter().zip(&law) {
            let same = ours.to_bits() == law.to_bits() || ours.is_nan() && law.is_nan();
            prop_assert!(same, "{ours} and {law}");
        }
    }
}

/// The smallest network, whose last maps have one pixel.
const SHAPE: CompactShape = CompactShape {
    side: 16,
    width: 32,
    dimensions: 32,
    dropout: 0.0,
};
const DRAWINGS: usize = 32;

fn wave(len: usize, rate: f32) -> Vec<f32> {
    (0..len).map(|at| (at as f32 * rate).sin()).collect()
}

fn parameters() -> Parameters<Vec<f32>> {
    let layer = |from: usize, to: usize, places: usize| Layer {
        kernel: wave(to * from * places, 0.7)
            .iter()
            .map(|value| value / ((from * places) as f32).sqrt())
            .collect(),
        scale: wave(to, 0.3).iter().map(|wave| 1.0 + 0.2 * wave).collect(),
        shift: wave(to, 0.9).iter().map(|wave| 0.2 * wave).collect(),
    };
    let mut layers = vec![layer(1, 32, 25)];
    for from in [32, 64, 128] {
        let to = 2 * from;
        layers.extend([layer(from, to, 9), layer(to, to, 9), layer(from, to, 1)]);
    }
    Parameters {
        layers,
        project: wave(32 * 256, 0.11),
    }
}

fn borrowed(parameters: &Parameters<Vec<f32>>) -> Parameters<&[f32]> {
    parameters.map(|values| &values[..])
}

/// Embeddings, then the gradients of all parameters, in bits.
fn step(multiply: &impl Multiply, wide: bool, mask: bool) -> Vec<Vec<u32>> {
    let mut pass = Pass::new(SHAPE, DRAWINGS);
    if !wide {
        pass.wide = None;
    }
    let parameters = parameters();
    let ink = |wave: &f32| f32::from(*wave > 0.8);
    let images: Vec<f32> = wave(DRAWINGS * 16 * 16, 0.37).iter().map(ink).collect();
    let heard = |wave: &f32| f32::from(*wave > -0.8);
    let heard: Vec<f32> = wave(DRAWINGS * 256, 1.7).iter().map(heard).collect();
    let mask = mask.then_some(&heard[..]);
    let embeddings = pass.forward_by(multiply, &borrowed(&parameters), &images, mask);
    pass.backward_by(multiply, &wave(embeddings.len(), 0.21));
    let gradients = pass.gradients();
    let all = std::iter::once(&embeddings[..]).chain(gradients.each().copied());
    all.map(|values| values.iter().map(|value| value.to_bits()).collect())
        .collect()
}

/// So a run does not depend on which registers its machine has, as far as this room goes.
#[test]
fn a_pass_is_the_same_in_plain_rust() {
    for mask in [false, true] {
        let plain = step(&Scalar, false, mask);
        let zero = |bits: &u32| f32::from_bits(*bits) == 0.0;
        assert!(plain.iter().all(|values| !values.iter().all(zero)));
        assert_eq!(step(&Scalar, true, mask), plain);
        if let Some(tiles) = tiles() {
            assert_eq!(step(&tiles, true, mask), plain);
            assert_eq!(step(&tiles, false, mask), plain);
        }
    }
}

/// A pass keeps its memory from batch to batch, and nothing of what was in it.
#[test]
fn a_batch_leaves_nothing_to_the_next() {
    let parameters = parameters();
    let images: [Vec<f32>; 2] = [0.37, 0.61].map(|rate| wave(DRAWINGS * 16 * 16, rate));
    let mask = vec![2.0; DRAWINGS * 256];
    let gradient = wave(DRAWINGS * 32, 0.21);
    let mut used = Pass::new(SHAPE, DRAWINGS);
    let _ = used.forward(&borrowed(&parameters), &images[0], Some(&mask));
    let _ = used.backward(&wave(DRAWINGS * 32, 0.4));
    let mut new = Pass::new(SHAPE, DRAWINGS);
    let both = [&mut used, &mut new].map(|pass| {
        let embeddings = pass.forward(&borrowed(&parameters), &images[1], None);
        let gradients = format!("{:?}", pass.backward(&gradient));
        (embeddings, gradients, pass.statistics())
    });
    assert!(both[0] == both[1]);
}

/// A run that diverges must end, and not go on with zeros.
#[test]
fn what_is_no_number_is_not_lost() {
    for layer in [0, 2, 9] {
        let mut parameters = parameters();
        parameters.layers[layer].kernel[0] = f32::NAN;
        let mut pass = Pass::new(SHAPE, DRAWINGS);
        let images = wave(DRAWINGS * 16 * 16, 0.37);
        let embeddings = pass.forward(&borrowed(&parameters), &images, None);
        assert!(
            embeddings.iter().all(|value| value.is_nan()),
            "layer {layer}"
        );
    }
}

#[test]
fn only_whole_blocks_fit() {
    let fits_with = |width, dimensions, drawings| {
        let shape = CompactShape {
            width,
            dimensions,
            ..SHAPE
        };
        fits(shape, drawings)
    };
    assert!(fits_with(32, 32, 32) && fits_with(64, 256, 96));
    assert!(!fits_with(16, 32, 32) && !fits_with(32, 100, 32));
    assert!(!fits_with(32, 32, 48) && !fits_with(32, 32, 0));
}
