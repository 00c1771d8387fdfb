//! What drawings are told from in a softmax over very many classes.

use omnishot::train::{Candidates, softmax};
use tch::{Kind, Tensor};

fn numbers(rows: i64) -> Tensor {
    let number = |at: i64| ((at * 37 % 23) as f32 - 11.0) / 7.0;
    let all: Vec<f32> = (0..2 * rows).map(number).collect();
    Tensor::from_slice(&all).view([rows, 2])
}

/// Of each drawing the softmax over the classes that count for it, in plain numbers.
#[test]
fn a_drawing_is_told_from_known_classes_and_those_beside_it() {
    const KNOWN: i64 = 3;
    let classes = [0i64, 7, 4, 7, 2, 9];
    let (vectors, embeddings) = (numbers(10), numbers(6) * 0.7);
    let candidates = Candidates::sampled(&vectors, &Tensor::from_slice(&classes), KNOWN);
    let got = softmax(&embeddings, &candidates, 2.0).double_value(&[]);
    let logit = |i: usize, class: i64| {
        let axis = |k| embeddings.double_value(&[i as i64, k]) * vectors.double_value(&[class, k]);
        2.0 * (axis(0) + axis(1))
    };
    let mut sum = 0.0;
    for (i, &own) in classes.iter().enumerate() {
        let counted = [0, 1, 2, 4, 7, 9].map(|class| logit(i, class).exp());
        sum += counted.iter().sum::<f64>().ln() - logit(i, own);
    }
    assert!((got - sum / 6.0).abs() < 1e-5, "{got} {}", sum / 6.0);
}

/// What a batch does not show gets no gradient; and if it shows all, each gets the full softmax's.
#[test]
fn only_what_is_shown_learns() {
    let gradient = |classes: &[i64], of: &dyn Fn(&Tensor, &Tensor) -> Candidates| {
        let vectors = numbers(6).set_requires_grad(true);
        let embeddings = numbers(classes.len() as i64);
        let candidates = of(&vectors, &Tensor::from_slice(classes));
        let loss = softmax(&embeddings, &candidates, 1.0);
        Tensor::run_backward(&[loss], &[&vectors], false, false).remove(0)
    };
    let sampled = |vectors: &Tensor, classes: &Tensor| Candidates::sampled(vectors, classes, 2);
    let some = gradient(&[1, 3, 3], &sampled);
    let row = |row: i64| some.select(0, row).abs().sum(Kind::Float).double_value(&[]);
    assert!([0, 1, 3].iter().all(|&shown| row(shown) > 0.0));
    assert!([2, 4, 5].iter().all(|&other| row(other) == 0.0));
    let shown = [1, 3, 3, 2, 5, 4, 2];
    let (all, few) = (
        gradient(&shown, &Candidates::all),
        gradient(&shown, &sampled),
    );
    let apart = (&all - &few).abs().max().double_value(&[]);
    assert!(apart < 1e-5, "{apart}");
}
