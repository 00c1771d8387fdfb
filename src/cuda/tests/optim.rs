//! The optimizers against their formulas in f64, on a CPU.

use tch::{Device, Kind, Tensor};

use super::super::{CudaError, FusedAdamW, add_l2, average, momentum_step};

/// What f32 leaves of numbers near one after a few steps.
const CLOSE: f64 = 2e-6;

fn scalar(value: f64) -> Tensor {
    Tensor::full([0; 0], value, (Kind::Float, Device::Cpu))
}

/// Tensors of several shapes, of numbers that differ.
fn tensors(seed: f64) -> Vec<Tensor> {
    [vec![3, 4], vec![70_001], vec![2, 1, 5, 5]]
        .into_iter()
        .map(|shape: Vec<i64>| {
            let count: i64 = shape.iter().product();
            let numbers = Tensor::arange(count, (Kind::Float, Device::Cpu));
            (numbers * (0.1 + seed) + seed).sin().reshape(shape)
        })
        .collect()
}

fn zeros(like: &[Tensor]) -> Vec<Tensor> {
    like.iter().map(Tensor::zeros_like).collect()
}

fn copies(of: &[Tensor]) -> Vec<Tensor> {
    of.iter().map(Tensor::copy).collect()
}

/// All numbers of all tensors.
fn numbers(tensors: &[Tensor]) -> Vec<f64> {
    let flat: Vec<Tensor> = tensors.iter().map(|t| t.reshape([-1])).collect();
    Vec::try_from(Tensor::cat(&flat, 0).to_kind(Kind::Double)).unwrap()
}

fn assert_close(found: &[Tensor], expected: &[f64]) {
    let found = numbers(found);
    assert_eq!(found.len(), expected.len());
    for (at, (found, expected)) in found.iter().zip(expected).enumerate() {
        assert!(
            (found - expected).abs() < CLOSE,
            "number {at} is {found}, not {expected}"
        );
    }
}

struct State {
    values: Vec<Tensor>,
    first: Vec<Tensor>,
    second: Vec<Tensor>,
    step: Tensor,
    rate: Tensor,
}

impl State {
    fn new(values: Vec<Tensor>) -> State {
        State {
            first: zeros(&values),
            second: zeros(&values),
            values,
            step: scalar(0.0),
            rate: scalar(0.0),
        }
    }

    fn step(&self, gradients: &[Tensor], decay: f64) -> Result<(), CudaError> {
        FusedAdamW {
            values: &self.values,
            gradients,
            first: &self.first,
            second: &self.second,
            step: &self.step,
            rate: &self.rate,
            decay,
            betas: [0.9, 0.999],
            epsilon: 1e-8,
        }
        .step()
    }
}

#[test]
fn fused_adamw_follows_the_paper() {
    let mut state = State::new(tensors(0.3));
    let mut expected = numbers(&state.values);
    let mut moments = vec![[0.0; 2]; expected.len()];
    for t in 1..=5 {
        let gradients = tensors(f64::from(t));
        let rate = 1e-2 / f64::from(t); // through the same tensor each time, as a graph sees it
        let _ = state.step.g_add_scalar_(1.0);
        let _ = state.rate.fill_(rate);
        state.step(&gradients, 0.05).unwrap();
        for ((value, [first, second]), gradient) in expected
            .iter_mut()
            .zip(&mut moments)
            .zip(numbers(&gradients))
        {
            *first = 0.9 * *first + 0.1 * gradient;
            *second = 0.999 * *second + 0.001 * gradient * gradient;
            let way = *first / (1.0 - 0.9_f64.powi(t));
            let size = (*second / (1.0 - 0.999_f64.powi(t))).sqrt();
            *value -= rate * 0.05 * *value + rate * way / (size + 1e-8);
        }
        assert_close(&state.values, &expected);
    }
    let (first, second): (Vec<f64>, Vec<f64>) = moments.into_iter().map(|[f, s]| (f, s)).unzip();
    assert_close(&state.first, &first);
    assert_close(&state.second, &second);
    assert_eq!(state.step.double_value(&[]), 5.0, "the caller counts");
}

#[test]
fn a_gradient_of_another_order_in_memory_is_the_same_gradient() {
    let gradient = tensors(0.7).swap_remove(0);
    let other = gradient.transpose(0, 1).contiguous().transpose(0, 1);
    assert_ne!(gradient.stride(), other.stride());
    let results: Vec<Vec<f64>> = [gradient, other]
        .map(|gradient| {
            let mut state = State::new(vec![tensors(0.3).swap_remove(0)]);
            let _ = state.step.fill_(1.0);
            let _ = state.rate.fill_(0.01);
            state.step(&[gradient], 0.0).unwrap();
            numbers(&state.values)
        })
        .into();
    assert_eq!(results[0], results[1]);
}

#[test]
fn what_learns_may_be_a_leaf_and_is_not_recorded() {
    let value = Tensor::full([3], 1.0, (Kind::Float, Device::Cpu)).set_requires_grad(true);
    let gradient = [value.ones_like()];
    let mut state = State::new(vec![value]);
    let _ = state.step.fill_(1.0);
    let _ = state.rate.fill_(0.5);
    state.step(&gradient, 0.0).unwrap();
    let (rate, momentum) = (scalar(0.25), scalar(0.9));
    let velocities = zeros(&gradient);
    momentum_step(&state.values, &gradient, &velocities, &rate, &momentum, 0.0).unwrap();
    average(&state.values, &gradient, &scalar(0.5)).unwrap();
    let value = &state.values[0];
    assert!(value.requires_grad() && value.is_leaf());
    assert!((value.double_value(&[2]) - 0.625).abs() < CLOSE); // 1, 0.5, 0.25, then half way to 1
}

#[test]
fn the_average_goes_part_of_the_way() {
    let (averages, sources) = (tensors(0.3), tensors(0.9));
    let sources_before = numbers(&sources);
    let expected: Vec<f64> = (numbers(&averages).iter().zip(&sources_before))
        .map(|(average, source)| average + 0.125 * (source - average))
        .collect();
    average(&averages, &sources, &scalar(0.125)).unwrap();
    assert_close(&averages, &expected);
    assert_eq!(numbers(&sources), sources_before);
}

#[test]
fn momentum_and_penalty_follow_their_formula() {
    for l2 in [0.0, 0.25] {
        let values = tensors(0.3);
        let velocities = zeros(&values);
        let (mut rate, mut momentum) = (scalar(0.0), scalar(0.0));
        let mut expected = numbers(&values);
        let mut last = vec![0.0; expected.len()];
        for (own_rate, own_momentum) in [(0.125, 0.5), (0.0625, 0.75), (0.25, 0.875)] {
            let gradients = tensors(own_rate);
            let before = numbers(&gradients);
            let _ = rate.fill_(own_rate);
            let _ = momentum.fill_(own_momentum);
            momentum_step(&values, &gradients, &velocities, &rate, &momentum, l2).unwrap();
            assert_eq!(numbers(&gradients), before);
            for ((value, last), gradient) in expected.iter_mut().zip(&mut last).zip(before) {
                *last = own_momentum * *last - own_rate * (gradient + 2.0 * l2 * *value);
                *value += *last;
            }
            assert_close(&values, &expected);
            assert_close(&velocities, &last);
        }
    }
}

#[test]
fn the_penalty_is_part_of_the_gradient() {
    let (gradients, values) = (tensors(0.3), tensors(0.9));
    let expected: Vec<f64> = (numbers(&gradients).iter().zip(numbers(&values)))
        .map(|(gradient, value)| gradient + 0.5 * value)
        .collect();
    add_l2(&gradients, &values, 0.25).unwrap();
    assert_close(&gradients, &expected);
}

#[test]
fn nothing_to_learn_is_no_error() {
    State::new(vec![]).step(&[], 0.0).unwrap();
    average(&[], &[], &scalar(1.0)).unwrap();
    momentum_step(&[], &[], &[], &scalar(1.0), &scalar(1.0), 0.1).unwrap();
    add_l2(&[], &[], 0.1).unwrap();
}

fn refused(result: Result<(), CudaError>, part: &str) {
    match result {
        Err(CudaError::Failed { message }) => assert!(message.contains(part), "{message}"),
        other => panic!("{other:?}, not refused for {part:?}"),
    }
}

#[test]
fn lists_that_do_not_belong_together_are_refused_and_nothing_changes() {
    let state = State::new(tensors(0.3));
    let before = numbers(&state.values);
    let shorter = &tensors(0.5)[..2];
    refused(state.step(shorter, 0.0), "3 values, and 2 gradients");
    let mut other = tensors(0.5);
    other[1] = Tensor::zeros([5], (Kind::Float, Device::Cpu));
    refused(
        state.step(&other, 0.0),
        "tensor 1 of the gradients is Float [5]",
    );
    other[1] = state.values[1].to_kind(Kind::Double);
    refused(add_l2(&other, &state.values, 0.1), "Double");
    refused(average(&state.values, &other, &scalar(0.5)), "Double");
    let one = scalar(1.0);
    let result = momentum_step(
        &state.values,
        &copies(&state.values),
        &other,
        &one,
        &one,
        0.0,
    );
    refused(result, "of the velocities");
    assert_eq!(numbers(&state.values), before);
}

#[test]
fn numbers_of_a_step_are_f32_without_dimensions() {
    let tensors = tensors(0.3);
    let other = copies(&tensors);
    for wrong in [scalar(0.5).reshape([1]), scalar(0.5).to_kind(Kind::Double)] {
        let says = "is no f32 tensor without dimensions";
        refused(average(&tensors, &other, &wrong), says);
        let result = momentum_step(&tensors, &other, &other, &scalar(1.0), &wrong, 0.0);
        refused(result, "the momentum is no f32");
    }
}

#[test]
fn moments_of_another_order_in_memory_are_refused() {
    let mut state = State::new(vec![tensors(0.3).swap_remove(0)]);
    let _ = state.step.fill_(1.0);
    state.second[0] = state.second[0].transpose(0, 1).contiguous().transpose(0, 1);
    refused(
        state.step(&[tensors(0.5).swap_remove(0)], 0.0),
        "another order in memory",
    );
    let mut state = State::new(vec![tensors(0.3).swap_remove(0).slice(1, 0, 4, 2)]);
    let _ = state.step.fill_(1.0);
    let gradient = [state.values[0].copy()];
    refused(state.step(&gradient, 0.0), "gaps in memory");
}
