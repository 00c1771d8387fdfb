//! Adam (Kingma & Ba 2015) with either kind of weight decay (Loshchilov & Hutter 2019).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tch::{Device, Kind, Tensor, no_grad};

use super::super::range::RangeError;
use super::pieces::pieces;
use super::{Parameter, check_rate};
use crate::cuda::{self, CudaError, FusedAdamW};

const BETA1: f64 = 0.9;
const BETA2: f64 = 0.999;
const EPSILON: f64 = 1e-8;

/// AdamW with warm-up and cosine decay, and an average of the weights.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdamWOptions {
    /// The highest learning rate.
    pub learning_rate: f64,
    /// Steps of linear rise to it.
    pub warmup_steps: u64,
    /// Decay of matrices and kernels; norms and class vectors do not decay.
    pub weight_decay: f64,
    /// Decay of the exponential average of weights, which is what is scored and saved.
    pub average: f64,
}

/// Adam at one learning rate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdamOptions {
    /// The learning rate.
    pub learning_rate: f64,
    /// By layer, what the sum of its squared weights (not biases) counts for in the loss.
    pub l2: BTreeMap<String, f64>,
}

impl AdamWOptions {
    /// Refuses values out of range.
    pub(super) fn check(&self) -> Result<(), RangeError> {
        check_rate(self.learning_rate)?;
        RangeError::unless_share("optimizer.average", self.average)?;
        RangeError::unless_share("optimizer.weight_decay", self.weight_decay)
    }
}

impl AdamOptions {
    /// Refuses values out of range.
    pub(super) fn check(&self) -> Result<(), RangeError> {
        check_rate(self.learning_rate)?;
        (self.l2.values()).try_for_each(|&l2| RangeError::unless_share("optimizer.l2", l2))
    }
}

/// The learning rate of step `step` (from 0) of `steps`: a linear rise, then half a cosine down
/// to nothing.
#[must_use]
pub fn learning_rate(options: &AdamWOptions, step: u64, steps: u64) -> f64 {
    let warmup = options.warmup_steps.min(steps);
    if step < warmup {
        return options.learning_rate * (step + 1) as f64 / warmup as f64;
    }
    let progress = (step - warmup) as f64 / (steps - warmup).max(1) as f64;
    options.learning_rate * 0.5 * (1.0 + (std::f64::consts::PI * progress.min(1.0)).cos())
}

/// Adam and AdamW over a fixed list of tensors.
pub struct Adam {
    pub(super) parameters: Vec<Parameter>,
    /// Of each parameter the first and the second moment.
    pub(super) moments: Vec<[Tensor; 2]>,
    /// Steps taken, a scalar of f32 beside the parameters: what a step reads of it and of the rate can change
    /// from one replay of a captured step to the next.
    steps: Tensor,
    /// The learning rate, a scalar of f32 beside the parameters.
    rate: Tensor,
    /// None on a CPU.
    groups: Option<Vec<Group>>,
}

/// Parameters with the same penalties.
struct Group {
    places: Vec<usize>,
    decay: f64,
    l2: f64,
}

/// Parameters by their penalties.
fn groups(parameters: &[Parameter]) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for (place, &Parameter { decay, l2, .. }) in parameters.iter().enumerate() {
        let same = |group: &&mut Group| (group.decay, group.l2) == (decay, l2);
        match groups.iter_mut().find(same) {
            Some(group) => group.places.push(place),
            None => groups.push(Group {
                places: vec![place],
                decay,
                l2,
            }),
        }
    }
    groups
}

impl Adam {
    /// An optimizer of these tensors that has not taken a step.
    #[must_use]
    pub fn new(parameters: Vec<Parameter>) -> Adam {
        let zeros = |p: &Parameter| [0, 1].map(|_| p.value.zeros_like().detach());
        let device = parameters.first().map_or(Device::Cpu, |p| p.value.device());
        let zero = || Tensor::zeros([] as [i64; 0], (Kind::Float, device));
        Adam {
            moments: parameters.iter().map(zeros).collect(),
            groups: device.is_cuda().then(|| groups(&parameters)),
            parameters,
            steps: zero(),
            rate: zero(),
        }
    }

    /// Goes on as after `steps` steps; the moments are the caller's to set.
    pub(super) fn resume(&mut self, steps: u64) {
        let _ = self.steps.fill_(steps as f64);
    }

    /// Says how long the next step is. [`Adam::apply`] takes it.
    pub fn begin(&mut self, rate: f64) {
        let _ = self.rate.fill_(rate);
    }

    /// Takes the step that was begun along `gradients`, one for each parameter.
    ///
    /// # Errors
    /// If libtorch refuses, which it does if the device's memory is used up.
    pub fn apply(&mut self, gradients: &[Tensor]) -> Result<(), CudaError> {
        let _ = no_grad(|| self.steps.g_add_scalar_(1.0));
        match &self.groups {
            Some(groups) => self.apply_in_groups(groups, gradients),
            None => self.apply_in_pieces(gradients),
        }
    }

    /// By a few kernels for many tensors, as a GPU wants it.
    fn apply_in_groups(&self, groups: &[Group], gradients: &[Tensor]) -> Result<(), CudaError> {
        for Group { places, decay, l2 } in groups {
            let of = |tensor: &dyn Fn(usize) -> Tensor| {
                places.iter().map(|&at| tensor(at)).collect::<Vec<Tensor>>()
            };
            let values = of(&|at| self.parameters[at].value.shallow_clone());
            let gradients = of(&|at| gradients[at].shallow_clone());
            let moment = |which: usize| of(&|at| self.moments[at][which].shallow_clone());
            let all = [&values, &gradients, &moment(0), &moment(1)];
            let numbers = [&self.steps, &self.rate].map(Tensor::shallow_clone);
            step_of(all.map(|list| &list[..]), &numbers, *decay, *l2)?;
        }
        Ok(())
    }

    /// Piece by piece on all cores.
    fn apply_in_pieces(&self, gradients: &[Tensor]) -> Result<(), CudaError> {
        let slots = self.parameters.iter().zip(&self.moments).zip(gradients);
        for ((parameter, [first, second]), gradient) in slots {
            let &Parameter { decay, l2, .. } = parameter;
            let all = [&parameter.value, gradient, first, second];
            pieces(all, [&self.steps, &self.rate], |piece, numbers| {
                let one = piece.each_ref().map(std::slice::from_ref);
                step_of(one, &numbers, decay, l2)
            })?;
        }
        Ok(())
    }
}

/// A step of values along their gradients, with their moments, of this number and rate.
fn step_of(
    [values, gradients, first, second]: [&[Tensor]; 4],
    [step, rate]: &[Tensor; 2],
    decay: f64,
    l2: f64,
) -> Result<(), CudaError> {
    if l2 > 0.0 {
        cuda::add_l2(gradients, values, l2)?;
    }
    let step = FusedAdamW {
        values,
        gradients,
        first,
        second,
        step,
        rate,
        decay,
        betas: [BETA1, BETA2],
        epsilon: EPSILON,
    };
    step.step()
}

#[cfg(test)]
mod tests {
    use super::super::tests::{LEN, constant, parameter};
    use super::*;

    /// AdamW as its paper writes it, in plain f64.
    fn reference(mut value: f64, gradients: &[f64], rate: f64, decay: f64) -> f64 {
        let (mut first, mut second) = (0.0, 0.0);
        for (t, gradient) in (1..).zip(gradients) {
            first = BETA1 * first + (1.0 - BETA1) * gradient;
            second = BETA2 * second + (1.0 - BETA2) * gradient * gradient;
            let first = first / (1.0 - BETA1.powi(t));
            let second: f64 = second / (1.0 - BETA2.powi(t));
            value -= rate * decay * value;
            value -= rate * first / (second.sqrt() + EPSILON);
        }
        value
    }

    #[test]
    fn steps_follow_the_paper() {
        let gradients = [0.5, -2.0, 1e-3, 0.0, 7.0];
        let (value, parameter) = parameter(0.05, 0.0);
        let mut optimizer = Adam::new(vec![parameter]);
        for gradient in gradients {
            optimizer.begin(3e-3);
            optimizer.apply(&[constant(gradient)]).unwrap();
        }
        let expected = reference(1.5, &gradients, 3e-3, 0.05);
        assert!((value.double_value(&[0]) - expected).abs() < 1e-6);
        // A tensor of several pieces: its last element like its first.
        assert!((value.double_value(&[LEN - 1]) - expected).abs() < 1e-6);
    }

    /// What a device does, on the CPU: the same steps as in pieces, of several groups.
    #[test]
    fn a_devices_steps_are_the_cpus() {
        let start = || {
            [(0.05, 0.0), (0.0, 0.25), (0.05, 0.0)].map(|(decay, l2)| {
                let (_, mut parameter) = parameter(decay, l2);
                parameter.value = parameter.value.to_kind(Kind::Float);
                parameter
            })
        };
        let (mut cpu, mut device) = (Adam::new(start().into()), Adam::new(start().into()));
        device.groups = Some(groups(&device.parameters));
        for (resumed, gradient) in [(0, 0.5), (0, -2.0), (7, 1e-3), (0, 0.25)] {
            for adam in [&mut cpu, &mut device] {
                if resumed > 0 {
                    adam.resume(resumed);
                }
                adam.begin(3e-3);
                let gradients =
                    [1.0, 2.0, -1.0].map(|times| constant(gradient * times).to_kind(Kind::Float));
                adam.apply(&gradients).unwrap();
            }
        }
        for (ours, theirs) in cpu.parameters.iter().zip(&device.parameters) {
            let apart = (&ours.value - &theirs.value).abs().max().double_value(&[]);
            assert!(apart < 1e-6, "{apart}");
            assert!((&ours.value - 1.5).abs().max().double_value(&[]) > 1e-4);
        }
    }

    #[test]
    fn a_penalty_on_squares_is_part_of_the_gradient() {
        let (value, penalised) = parameter(0.0, 0.25);
        let mut adam = Adam::new(vec![penalised]);
        adam.begin(1e-3);
        adam.apply(&[constant(0.5)]).unwrap();
        let expected = reference(1.5, &[0.5 + 0.75], 1e-3, 0.0);
        assert!((value.double_value(&[0]) - expected).abs() < 1e-6);
    }
}
