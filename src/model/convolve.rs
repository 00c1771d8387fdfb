//! Convolutions in f32 or bf16, with gradients that a CPU takes fast.

use std::cell::RefCell;

use tch::nn::{self, Path};
use tch::{Device, Kind, Tensor, no_grad};

/// A convolution without bias whose output is as large as its input, but for its stride.
#[derive(Debug)]
pub(super) struct Convolution {
    layer: nn::Conv2D,
    stride: i64,
    padding: i64,
    /// What a training pass left for [`gradients`]: the input and the output.
    passed: RefCell<Option<[Tensor; 2]>>,
}

impl Convolution {
    /// Makes the kernel, `weight` `[to, from, width, width]`, under `path`; the width is odd.
    pub(super) fn new(path: Path, from: i64, to: i64, width: i64, stride: i64) -> Convolution {
        let padding = width / 2;
        let config = nn::ConvConfig {
            stride,
            padding,
            bias: false,
            ..Default::default()
        };
        Convolution {
            layer: nn::conv2d(path, from, to, width, config),
            stride,
            padding,
            passed: RefCell::new(None),
        }
    }

    /// Convolves `input` `[n, c, h, w]` in the kind of its elements; kernel and gradient stay
    /// f32.
    ///
    /// In bf16, channels come last in memory, as oneDNN and tensor cores want them. On a CPU, the
    /// kernels of small maps get their gradients from [`gradients`] alone.
    ///
    /// # Panics
    /// If such a pass follows another before the gradients were taken.
    pub(super) fn forward(&self, input: &Tensor) -> Tensor {
        let through = |kernel: &Tensor| {
            let (stride, padding) = ([self.stride; 2], [self.padding; 2]);
            input.conv2d::<Tensor>(kernel, None, stride, padding, [1, 1], 1)
        };
        let kernel = &self.layer.ws;
        if input.kind() == Kind::Float {
            return through(kernel);
        }
        let cast = |kernel: &Tensor| channels_last(&kernel.to_kind(input.kind()));
        // Where the product was faster on a CPU: from 6x6 maps of the output down.
        let small = input.device() == Device::Cpu && input.size()[2] / self.stride <= 6;
        if !small || !input.requires_grad() || !kernel.requires_grad() {
            return through(&cast(kernel));
        }
        let output = through(&cast(&kernel.detach()));
        let both = [input.detach(), output.shallow_clone()];
        let earlier = self.passed.replace(Some(both));
        assert!(earlier.is_none(), "gradients are taken after each pass");
        output
    }

    /// The kernel, `[to, from, width, width]`.
    pub(super) fn kernel(&self) -> &Tensor {
        &self.layer.ws
    }

    /// The gradient of the kernel, `[to, from, width, width]`, by one matrix product: each window
    /// of the input that an output pixel sees, times that pixel's gradient.
    fn kernel_gradient(&self, input: &Tensor, output: &Tensor) -> Tensor {
        let windows = windows(input, self.layer.ws.size()[2], self.stride, self.padding);
        let output = output.permute([0, 2, 3, 1]).flatten(0, 2); // [n h' w', c']
        let product = output.tr().matmul(&windows); // [c', k k c]
        let [to, from, high, wide] = self.layer.ws.size()[..] else {
            unreachable!("kernels have four dimensions");
        };
        let product = product.view([to, high, wide, from]).permute([0, 3, 1, 2]);
        product.to_kind(Kind::Float).contiguous()
    }
}

/// The gradients of a loss by `parameters`, after one forward pass through `convolutions`.
///
/// oneDNN's own gradient of a kernel takes up to ten times as long as the forward pass where maps
/// are small; [`Convolution::forward`] leaves it out there, and here it is made from the gradient
/// of the output.
pub(super) fn gradients(
    loss: &Tensor,
    parameters: &[&Tensor],
    convolutions: &[&Convolution],
) -> Vec<Tensor> {
    let passed: Vec<(&Convolution, [Tensor; 2])> = (convolutions.iter())
        .filter_map(|&convolution| Some((convolution, convolution.passed.take()?)))
        .collect();
    let of = |parameter: &Tensor| {
        let is = |(convolution, _): &&(&Convolution, _)| {
            convolution.layer.ws.data_ptr() == parameter.data_ptr()
        };
        passed.iter().find(is)
    };
    let inputs: Vec<&Tensor> = (parameters.iter())
        .map(|&parameter| of(parameter).map_or(parameter, |(_, [_, output])| output))
        .collect();
    let gradients = Tensor::run_backward(&[loss], &inputs, false, false);
    let whole = parameters.iter().zip(gradients);
    no_grad(|| {
        whole
            .map(|(parameter, gradient)| match of(parameter) {
                Some((convolution, [input, _])) => convolution.kernel_gradient(input, &gradient),
                None => gradient,
            })
            .collect()
    })
}

/// The same memory order that a convolution's output has when its kernel's channels come last.
fn channels_last(tensor: &Tensor) -> Tensor {
    if let ([_, 1, high, wide], true) = (&tensor.size()[..], tensor.device().is_cuda()) {
        // Of one channel, both orders are one in memory; its stride says which is meant.
        let strides = [high * wide, 1, *wide, 1];
        return tensor.contiguous().as_strided(tensor.size(), strides, None);
    }
    tensor
        .permute([0, 2, 3, 1])
        .contiguous()
        .permute([0, 3, 1, 2])
}

/// The windows that the pixels of an output see, one a row: `[n h' w', k k c]`.
fn windows(input: &Tensor, width: i64, stride: i64, padding: i64) -> Tensor {
    let padded = input.permute([0, 2, 3, 1]); // [n, h, w, c]
    let padded = padded.constant_pad_nd([0, 0, padding, padding, padding, padding]);
    let side = (padded.size()[1] - width) / stride + 1;
    let reach = stride * (side - 1) + 1;
    let shifted = |y: i64, x: i64| {
        padded
            .slice(1, y, y + reach, stride)
            .slice(2, x, x + reach, stride)
    };
    let windows: Vec<Tensor> = (0..width)
        .flat_map(|y| (0..width).map(move |x| (y, x)))
        .map(|(y, x)| shifted(y, x))
        .collect();
    Tensor::cat(&windows, 3).flatten(0, 2)
}

#[cfg(test)]
mod tests {
    use tch::Reduction;
    use tch::nn::VarStore;

    use super::*;

    /// In f64 the gradient is taken as in bf16, and rounding hides no mistake.
    #[test]
    fn a_convolution_has_the_output_and_the_gradients_of_libtorchs() {
        for (width, stride, side) in [(3, 1, 3), (3, 2, 6), (3, 2, 5), (1, 2, 6), (5, 1, 4)] {
            let weights = VarStore::new(Device::Cpu);
            let layer = Convolution::new(weights.root() / "c", 4, 3, width, stride);
            let kind = (Kind::Double, Device::Cpu);
            let both = |ours: bool| {
                let input = Tensor::arange(2 * 4 * side * side, kind).sin();
                let input = input.view([2, 4, side, side]).set_requires_grad(true);
                let output = if ours {
                    layer.forward(&input)
                } else {
                    let kernel = layer.layer.ws.to_kind(Kind::Double);
                    let (stride, padding) = ([stride; 2], [width / 2; 2]);
                    input.conv2d::<Tensor>(&kernel, None, stride, padding, [1, 1], 1)
                };
                let target = Tensor::arange(output.numel() as i64, kind).cos();
                let loss = output.mse_loss(&target.view_as(&output), Reduction::Sum);
                assert_eq!(layer.passed.borrow().is_some(), ours);
                let mut all = gradients(&loss, &[&input, &layer.layer.ws], &[&layer]);
                all.push(output.detach());
                all
            };
            for (ours, plain) in both(true).iter().zip(both(false)) {
                assert_eq!(ours.size(), plain.size());
                let apart = (ours - &plain).abs().max().double_value(&[]);
                let most = plain.abs().max().double_value(&[]);
                assert!(apart <= 1e-6 * most, "{apart} of {most}");
            }
        }
    }
}
