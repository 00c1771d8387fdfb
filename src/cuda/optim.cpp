// Steps of optimizers over whole lists of tensors: on a GPU a few kernels for all of them, and none
// of them waits for the device, so that a CUDA graph can hold them. On a CPU they do the same, one
// tensor after the other. No headers of CUDA are needed.
//
// What a step multiplies by is a tensor without dimensions, so that a graph that has been captured
// can be replayed with another value. Rust's side is in optim.rs; told.hpp says what is returned.

#include "told.hpp"

#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/_foreach_add.h>
#include <ATen/ops/_foreach_mul.h>
#include <ATen/ops/_foreach_sub.h>
#include <ATen/ops/_fused_adamw.h>
#include <ATen/ops/empty_like.h>

#include <cstddef>
#include <vector>

namespace {

using omnishot::told;
using Tensors = std::vector<at::Tensor>;

Tensors list(at::Tensor* const* tensors, size_t count) {
  Tensors all;
  all.reserve(count);
  for (size_t at = 0; at < count; ++at) all.push_back(*tensors[at]);
  return all;
}

// Lists that a step goes through together: as many in each, of one shape, kind and device.
void pair(const Tensors& values, const char* what, const Tensors& others) {
  TORCH_CHECK(values.size() == others.size(), values.size(), " tensors that learn, and ", others.size(), " ", what);
  for (size_t at = 0; at < values.size(); ++at) {
    const auto &value = values[at], &other = others[at];
    TORCH_CHECK(value.defined() && other.defined(), "tensor ", at, " of the ", what, " is not there");
    TORCH_CHECK(
        value.sizes() == other.sizes() && value.scalar_type() == other.scalar_type() &&
            value.device() == other.device(),
        "tensor ", at, " of the ", what, " is ", other.scalar_type(), " ", other.sizes(), " on ", other.device(),
        ", and what learns is ", value.scalar_type(), " ", value.sizes(), " on ", value.device());
  }
}

// A number of the step: 0-dimensional, f32, on the device of what learns.
void number(const Tensors& values, const char* what, const at::Tensor& number) {
  TORCH_CHECK(
      number.defined() && number.dim() == 0 && number.scalar_type() == at::kFloat,
      "the ", what, " is no f32 tensor without dimensions");
  for (const auto& value : values) {
    TORCH_CHECK(
        number.device() == value.device(),
        "the ", what, " is on ", number.device(), ", and a tensor that learns on ", value.device());
  }
}

} // namespace

extern "C" {

void omnishot_cuda_free(char* said) { free(said); }

// One step of AdamW. `step` is the number of this step, from 1: the caller adds one before. The fused
// kernel goes through memory without asking in which order a tensor lies there, so that gradients of
// another order are copied first, and any other tensor of another order is refused.
char* omnishot_fused_adamw(
    at::Tensor* const* values, at::Tensor* const* gradients, at::Tensor* const* first, at::Tensor* const* second,
    size_t count, const at::Tensor* step, const at::Tensor* rate, double beta1, double beta2, double epsilon,
    double decay) {
  return told([&] {
    if (count == 0) return;
    at::NoGradGuard guard;
    const auto own = list(values, count), firsts = list(first, count), seconds = list(second, count);
    auto slopes = list(gradients, count);
    pair(own, "gradients", slopes);
    pair(own, "first moments", firsts);
    pair(own, "second moments", seconds);
    number(own, "step", *step);
    number(own, "learning rate", *rate);
    for (size_t at = 0; at < count; ++at) {
      TORCH_CHECK(own[at].is_non_overlapping_and_dense(), "tensor ", at, " that learns has gaps in memory");
      TORCH_CHECK(
          own[at].strides() == firsts[at].strides() && own[at].strides() == seconds[at].strides(),
          "the moments of tensor ", at, " lie in another order in memory than what learns");
      if (own[at].strides() != slopes[at].strides()) slopes[at] = at::empty_like(own[at]).copy_(slopes[at]);
    }
    const Tensors steps(count, *step);
    at::_fused_adamw_(
        own, slopes, firsts, seconds, {}, steps, *rate, beta1, beta2, decay, epsilon, /*amsgrad=*/false,
        /*maximize=*/false);
  });
}

// averages += weight * (sources - averages)
char* omnishot_average(
    at::Tensor* const* averages, at::Tensor* const* sources, size_t count, const at::Tensor* weight) {
  return told([&] {
    if (count == 0) return;
    at::NoGradGuard guard;
    const auto own = list(averages, count), others = list(sources, count);
    pair(own, "sources", others);
    number(own, "weight", *weight);
    const auto ways = at::_foreach_sub(others, own);
    at::_foreach_mul_(ways, *weight);
    at::_foreach_add_(own, ways);
  });
}

// velocities = momentum * velocities - rate * (gradients + 2 * l2 * values); values += velocities
char* omnishot_momentum_step(
    at::Tensor* const* values, at::Tensor* const* gradients, at::Tensor* const* velocities, size_t count,
    const at::Tensor* rate, const at::Tensor* momentum, double l2) {
  return told([&] {
    if (count == 0) return;
    at::NoGradGuard guard;
    const auto own = list(values, count), slopes = list(gradients, count), last = list(velocities, count);
    pair(own, "gradients", slopes);
    pair(own, "velocities", last);
    number(own, "learning rate", *rate);
    number(own, "momentum", *momentum);
    Tensors ways;
    if (l2 != 0.0) {
      ways = at::_foreach_add(slopes, own, 2.0 * l2);
      at::_foreach_mul_(ways, *rate);
    } else {
      ways = at::_foreach_mul(slopes, *rate);
    }
    at::_foreach_mul_(last, *momentum);
    at::_foreach_sub_(last, ways);
    at::_foreach_add_(own, last);
  });
}

// gradients += 2 * l2 * values
char* omnishot_add_l2(at::Tensor* const* gradients, at::Tensor* const* values, size_t count, double l2) {
  return told([&] {
    if (count == 0) return;
    at::NoGradGuard guard;
    const auto slopes = list(gradients, count), own = list(values, count);
    pair(own, "gradients", slopes);
    at::_foreach_add_(slopes, own, 2.0 * l2);
  });
}

} // extern "C"
