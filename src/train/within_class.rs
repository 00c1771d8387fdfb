//! The last touch: embeddings in which drawings of one class are spread alike in all directions.
//!
//! Within-class covariance normalisation (Hatch, Kajarekar & Stolcke 2006): directions in which drawings
//! of one character differ most say least of new characters. Embeddings are multiplied by the inverse
//! square root of that covariance, of the classes that teach, undistorted. The product goes into the
//! projection, so that the network stays what it is.

use tch::nn::BatchNormConfig;
use tch::{Device, Kind, Tensor, no_grad};

use crate::embed::Embeddings;
use crate::model::{Compact, Head, Model, Tower};
use crate::sample::characters_of;
use crate::store::{AlphabetId, Store, StoreError};

/// Normalises a network's embeddings by the covariance within the characters of `alphabets`, to which
/// `shrinkage` times its mean variance is added in all directions: above 0.
///
/// # Errors
/// If a drawing cannot be read.
///
/// # Panics
/// If the network is not compact, with a cosine.
pub fn normalize_within_classes(
    model: &mut Model,
    store: &Store,
    alphabets: &[AlphabetId],
    shrinkage: f64,
) -> Result<(), StoreError> {
    let map = inverse_root(&covariance(model, store, alphabets)?, shrinkage);
    let (Tower::Compact(network), Head::Cosine) = (&model.network.tower, &model.network.head)
    else {
        panic!("a preset's check lets compact networks with a cosine through alone");
    };
    no_grad(|| follow(network, &map));
    Ok(())
}

/// The mean over characters of how their drawings' embeddings vary, `[d, d]` in f64.
fn covariance(
    model: &Model,
    store: &Store,
    alphabets: &[AlphabetId],
) -> Result<Tensor, StoreError> {
    let characters = || characters_of(store, alphabets).into_iter().flatten();
    let drawings = |id| store.character(id).drawings.clone();
    let embeddings = Embeddings::of(model, store, characters().flat_map(drawings))?;
    let d = embeddings.dimensions() as i64;
    let mut sum = Tensor::zeros([d, d], (Kind::Double, Device::Cpu));
    let mut count = 0;
    for id in characters() {
        let rows: Vec<f32> = drawings(id)
            .flat_map(|id| embeddings.row(id).iter().copied())
            .collect();
        let rows = Tensor::from_slice(&rows)
            .view([-1, d])
            .to_kind(Kind::Double);
        let around = &rows - rows.mean_dim([0i64].as_slice(), true, Kind::Double);
        sum += around.tr().matmul(&around);
        count += rows.size()[0];
    }
    Ok(sum / (count.max(1) as f64))
}

/// The inverse square root of a covariance that is drawn towards a ball: symmetric, `[d, d]`.
fn inverse_root(covariance: &Tensor, shrinkage: f64) -> Tensor {
    let d = covariance.size()[0];
    let mean = covariance.trace().double_value(&[]) / d as f64;
    let ball = Tensor::eye(d, (Kind::Double, Device::Cpu));
    // Drawings that do not differ, as in made-up stores of one drawer, leave the ball alone.
    let shrunk = covariance + ball * (shrinkage * mean).max(1e-12);
    let (values, vectors) = shrunk.linalg_eigh("L");
    let map = (&vectors * values.clamp_min(1e-12).rsqrt()).matmul(&vectors.tr());
    // The cosine does not see the size, which should be that of before.
    &map / map.norm() * (d as f64).sqrt()
}

/// Has the network make `map` times what it made: of what the projection makes, the norm is a scale and
/// a shift by now.
fn follow(network: &Compact, map: &Tensor) {
    let norm = network.embedding_norm();
    let (Some(scale), Some(shift)) = (&norm.ws, &norm.bs) else {
        panic!("norms have a scale and a shift");
    };
    let epsilon = BatchNormConfig::default().eps;
    let double = |tensor: &Tensor| tensor.to_device(Device::Cpu).to_kind(Kind::Double);
    let scales = double(scale) / (double(&norm.running_var) + epsilon).sqrt();
    let shifts = double(shift) - &scales * double(&norm.running_mean);
    let projection = network.projection();
    let projected = map.matmul(&(double(projection) * scales.unsqueeze(1)));
    let set = |tensor: &Tensor, value: &Tensor| tensor.shallow_clone().copy_(value);
    set(projection, &projected);
    set(shift, &map.mv(&shifts));
    let _ = scale.shallow_clone().fill_(1.0);
    let _ = norm.running_mean.shallow_clone().fill_(0.0);
    let _ = (norm.running_var.shallow_clone()).fill_(1.0 - epsilon);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::archive::{Archive, Split};
    use crate::distort::Distortion;
    use crate::model::{Card, CompactShape, NetworkShape};
    use crate::sample::alphabets_of;
    use crate::store::{self, WriteOptions};
    use crate::synthetic::{SyntheticOptions, synthesize};

    const SHAPE: CompactShape = CompactShape {
        side: 16,
        width: 4,
        dimensions: 8,
        dropout: 0.0,
    };

    fn network() -> Model {
        let card = Card {
            program: String::new(),
            network: SHAPE.into(),
            distortion: Distortion::KOCH,
            seed: 4,
            steps: 0,
            batch: 2,
            store: String::new(),
            training: Vec::new(),
            validation: Vec::new(),
            pictures: None,
        };
        let model = Model::new(card, Device::Cpu);
        NetworkShape::from(SHAPE).initialise(model.weights(), 4);
        model
    }

    /// The network itself makes then what the map makes of its embeddings.
    #[test]
    fn a_network_takes_the_map_in() {
        let options = SyntheticOptions {
            background: 2,
            evaluation: 1,
            drawers: 4,
            ..Default::default()
        };
        let archive = Archive {
            alphabets: synthesize(&options),
            runs: Vec::new(),
        };
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("made-up.omni");
        store::write(&path, &archive, WriteOptions::default(), |_| ()).unwrap();
        let store = Store::open(&path).unwrap();
        let alphabets = alphabets_of(&store, Split::Background);
        let mut model = network();
        let rows = |model: &Model| {
            let all = Embeddings::of(model, &store, 0..store.drawings()).unwrap();
            Tensor::from_slice(all.values()).view([-1, SHAPE.dimensions])
        };
        let before = rows(&model);
        let map = inverse_root(&covariance(&model, &store, &alphabets).unwrap(), 0.1);
        normalize_within_classes(&mut model, &store, &alphabets, 0.1).unwrap();
        let expected = before.to_kind(Kind::Double).matmul(&map.tr());
        let lengths = expected.norm_scalaropt_dim(2.0, [1i64].as_slice(), true);
        let (after, expected) = (rows(&model), expected / lengths);
        let apart = (after.to_kind(Kind::Double) - expected).abs().max();
        assert!(apart.double_value(&[]) < 1e-4, "{apart:?}");
        let moved = (after - before).abs().max().double_value(&[]);
        assert!(moved > 0.01, "{moved}");
    }

    #[test]
    fn the_root_makes_a_covariance_a_ball() {
        let spread = Tensor::from_slice(&[2.0, 0.6, 0.6, 0.5f64]).view([2, 2]);
        let map = inverse_root(&spread, 1e-9);
        let ball = map.matmul(&spread).matmul(&map);
        let ball = &ball / ball.double_value(&[0, 0]);
        let off = (&ball - Tensor::eye(2, (Kind::Double, Device::Cpu)))
            .abs()
            .max();
        assert!(off.double_value(&[]) < 1e-6, "{off:?}");
        // Shrunk without end, it leaves all directions as they are.
        let all = inverse_root(&spread, 1e9);
        let apart = (all - Tensor::eye(2, (Kind::Double, Device::Cpu)))
            .abs()
            .max();
        assert!(apart.double_value(&[]) < 1e-6, "{apart:?}");
        // Nothing varies: nothing is changed.
        let still = inverse_root(&(spread * 0.0), 0.3);
        let apart = (still - Tensor::eye(2, (Kind::Double, Device::Cpu)))
            .abs()
            .max();
        assert!(apart.double_value(&[]) < 1e-6, "{apart:?}");
    }
}
