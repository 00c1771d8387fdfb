//! Steps of optimizers over whole lists of tensors, in a few kernels on a GPU; on a CPU, too.
//!
//! None of them waits for the device, and all that changes from step to step is a tensor without
//! dimensions (f32, on the device of what learns), so that a graph can hold them. None of them is
//! recorded for gradients. Lists that belong together are of as many tensors, alike in shape,
//! kind and device.
#![allow(unsafe_code)]

use std::ffi::c_char;

use tch::Tensor;
use torch_sys::C_tensor;

use super::error::CudaError;
use super::face::heard;

/// A list of tensors in C.
type List = *const *const C_tensor;

// `optim.cpp`.
unsafe extern "C" {
    fn omnishot_fused_adamw(
        values: List,
        gradients: List,
        first: List,
        second: List,
        count: usize,
        step: *const C_tensor,
        rate: *const C_tensor,
        beta1: f64,
        beta2: f64,
        epsilon: f64,
        decay: f64,
    ) -> *mut c_char;
    fn omnishot_average(
        averages: List,
        sources: List,
        count: usize,
        weight: *const C_tensor,
    ) -> *mut c_char;
    fn omnishot_momentum_step(
        values: List,
        gradients: List,
        velocities: List,
        count: usize,
        rate: *const C_tensor,
        momentum: *const C_tensor,
        l2: f64,
    ) -> *mut c_char;
    fn omnishot_add_l2(gradients: List, values: List, count: usize, l2: f64) -> *mut c_char;
}

/// Lists of one length, whose pointers may go to C.
fn lists<const N: usize>(
    names: [&str; N],
    all: [&[Tensor]; N],
) -> Result<[Vec<*const C_tensor>; N], CudaError> {
    for (name, list) in names.iter().zip(&all) {
        if list.len() != all[0].len() {
            let (own, other) = (all[0].len(), list.len());
            return Err(CudaError::Failed {
                message: format!("{own} {}, and {other} {name}", names[0]),
            });
        }
    }
    Ok(all.map(|list| list.iter().map(Tensor::as_ptr).collect()))
}

/// A step of AdamW (Loshchilov & Hutter 2019) by libtorch's fused kernel; Adam, if `decay` is 0.
pub struct FusedAdamW<'a> {
    /// What learns, without gaps in memory; each is changed.
    pub values: &'a [Tensor],
    /// Of each its gradient.
    pub gradients: &'a [Tensor],
    /// Of each its first moment, made by `zeros_like`; changed.
    pub first: &'a [Tensor],
    /// Of each its second moment, made by `zeros_like`; changed.
    pub second: &'a [Tensor],
    /// The number of this step, from 1. It is left as it is: the caller adds one before each
    /// step, once for all calls that make up one step.
    pub step: &'a Tensor,
    /// The learning rate.
    pub rate: &'a Tensor,
    /// What values shrink by, times the learning rate, beside the gradient.
    pub decay: f64,
    /// How much of each moment is kept.
    pub betas: [f64; 2],
    /// Added to the root of the second moment.
    pub epsilon: f64,
}

impl FusedAdamW<'_> {
    /// Takes the step.
    ///
    /// # Errors
    /// [`CudaError::Failed`] if the lists do not belong together, or are not as said;
    /// [`CudaError::OutOfMemory`].
    pub fn step(&self) -> Result<(), CudaError> {
        let [values, gradients, first, second] = lists(
            ["values", "gradients", "first moments", "second moments"],
            [self.values, self.gradients, self.first, self.second],
        )?;
        // SAFETY: each list is of as many tensors as the first, all borrowed until the call
        // returns; libtorch counts its own references to what a GPU still works on.
        heard(unsafe {
            omnishot_fused_adamw(
                values.as_ptr(),
                gradients.as_ptr(),
                first.as_ptr(),
                second.as_ptr(),
                values.len(),
                self.step.as_ptr(),
                self.rate.as_ptr(),
                self.betas[0],
                self.betas[1],
                self.epsilon,
                self.decay,
            )
        })
    }
}

/// `averages += weight * (sources - averages)`
///
/// # Errors
/// As [`FusedAdamW::step`].
pub fn average(averages: &[Tensor], sources: &[Tensor], weight: &Tensor) -> Result<(), CudaError> {
    let [own, others] = lists(["averages", "sources"], [averages, sources])?;
    // SAFETY: as in `FusedAdamW::step`.
    heard(unsafe { omnishot_average(own.as_ptr(), others.as_ptr(), own.len(), weight.as_ptr()) })
}

/// Gradient descent with momentum and a penalty of `l2` on the sum of squares:
/// `velocities = momentum * velocities - rate * (gradients + 2 * l2 * values)`, then `values += velocities`.
///
/// # Errors
/// As [`FusedAdamW::step`].
pub fn momentum_step(
    values: &[Tensor],
    gradients: &[Tensor],
    velocities: &[Tensor],
    rate: &Tensor,
    momentum: &Tensor,
    l2: f64,
) -> Result<(), CudaError> {
    let names = ["values", "gradients", "velocities"];
    let [values, gradients, velocities] = lists(names, [values, gradients, velocities])?;
    // SAFETY: as in `FusedAdamW::step`.
    heard(unsafe {
        omnishot_momentum_step(
            values.as_ptr(),
            gradients.as_ptr(),
            velocities.as_ptr(),
            values.len(),
            rate.as_ptr(),
            momentum.as_ptr(),
            l2,
        )
    })
}

/// The gradient of a penalty of `l2` on the sum of squares: `gradients += 2 * l2 * values`.
///
/// # Errors
/// As [`FusedAdamW::step`].
pub fn add_l2(gradients: &[Tensor], values: &[Tensor], l2: f64) -> Result<(), CudaError> {
    let [gradients, values] = lists(["gradients", "values"], [gradients, values])?;
    // SAFETY: as in `FusedAdamW::step`.
    heard(unsafe { omnishot_add_l2(gradients.as_ptr(), values.as_ptr(), gradients.len(), l2) })
}
