// SPDX-License-Identifier: Apache-2.0
// Functions composed of ops.
#pragma once

#include <tempo/creation.hpp>
#include <tempo/movement.hpp>
#include <tempo/reduction.hpp>

namespace tempo TEMPO_HIDDEN {

namespace sdk {
/// log(sum(exp(x))) with the axis kept as 1; -inf if x has no elements along it.
inline Tensor log_of_sum(const Tensor& x, int axis) {
  if (x.count() == 0) return log(sum(x, axis, true));
  const double most = x.dtype() == float32 ? 0x1.fffffep127 : 0x1.fffffffffffffp1023;
  const Tensor top = clip(stop_gradient(max(x, axis, true)), -most, most);
  const Tensor total = sum(exp(x - top), axis, true);
  const Tensor none = equal(total, 0);  // all are -inf
  return where(none, -HUGE_VAL, log(where(none, 1, total)) + top);
}
}  // namespace sdk

/// log(sum(exp(x))) without overflow. If all x are -inf, it is -inf and its gradient is 0; if one
/// is inf, it is inf.
inline Tensor logsumexp(const Tensor& x, int axis = -1, bool keepdims = false) {
  sdk::require_along("logsumexp", x, {axis});
  const Tensor kept = sdk::log_of_sum(x, axis);
  return keepdims ? kept : squeeze(kept, axis);
}
/// ln of softmax: -inf where x is -inf, NaN where softmax is NaN.
inline Tensor log_softmax(const Tensor& x, int axis = -1) {
  sdk::require_along("log_softmax", x, {axis});
  return x - sdk::log_of_sum(x, axis);
}
/// e^x / sum(e^x): 0 where x is -inf. All are NaN if x is -inf everywhere along the axis, or has an
/// inf or NaN along it, as in NumPy's formula and PyTorch.
inline Tensor softmax(const Tensor& x, int axis = -1) {
  sdk::require_along("softmax", x, {axis});
  if (x.count() == 0) return x;
  const Tensor e = exp(x - stop_gradient(max(x, axis, true)));
  return e / sum(e, axis, true);
}
/// ln(sum(e^logits)) - logits[label] over the last axis: logits [..., classes], labels [...] (int32
/// or int64, from 0 to classes - 1) to [...].
inline Tensor cross_entropy(const Tensor& logits, const Tensor& labels) {
  static const sdk::Op op("cross_entropy");
  return op(logits, labels);
}
/// ln(1 / (1 + e^-x)), also where the sigmoid of x underflows.
inline Tensor log_sigmoid(const Tensor& x) { return -softplus(-x); }
/// x times the sigmoid of x (Elfwing et al., 2018), also called swish.
inline Tensor silu(const Tensor& x) { return x * sigmoid(x); }
/// x / (1 + |x|) (Turian et al., 2009).
inline Tensor softsign(const Tensor& x) {
  sdk::require_floating("softsign", x);
  return x / (1 + abs(x));
}
/// 1 / sqrt(x).
inline Tensor rsqrt(const Tensor& x) { return 1 / sqrt(x); }
/// x for x > 0, else alpha (e^x - 1) (Clevert et al., 2015).
inline Tensor elu(const Tensor& x, double alpha = 1) {
  sdk::require_floating("elu", x);
  return where(x > 0, x, alpha * (exp(minimum(x, 0)) - 1));
}
/// x times the normal distribution function of x (Hendrycks and Gimpel, 2016), exact form.
inline Tensor gelu(const Tensor& x) {
  sdk::require_floating("gelu", x);
  return 0.5 * x * (1 + erf(x * 0.70710678118654752));
}
/// (x - mean) / sqrt(var + epsilon) over the last axis (Ba et al., 2016); gamma, beta may be
/// Tensor{}.
inline Tensor layer_norm(const Tensor& x, const Tensor& gamma = {}, const Tensor& beta = {},
                         double epsilon = 1e-3) {
  sdk::require_along("layer_norm", x, {-1});
  const Tensor centred = x - mean(x, -1, true);
  Tensor y = centred * (1 / sqrt(mean(square(centred), -1, true) + epsilon));
  if (gamma) y = y * gamma;
  if (beta) y = y + beta;
  return y;
}

/// x / sqrt(mean(x^2) + epsilon) over the last axis (Zhang and Sennrich, 2019); gamma may be
/// Tensor{}.
inline Tensor rms_norm(const Tensor& x, const Tensor& gamma = {}, double epsilon = 1e-6) {
  sdk::require_along("rms_norm", x, {-1});
  const Tensor y = x * rsqrt(mean(square(x), -1, true) + epsilon);
  return gamma ? y * gamma : y;
}

/// The mask [batch, time] of sequences padded at their end, true before the end, from their lengths
/// [batch] (int32 or int64, each from 0 to time). For padding in front, `reverse` it along time.
inline Tensor mask_of_lengths(const Tensor& lengths, int64_t time) {
  const Shape shape = lengths.shape();
  if (shape.rank() != 1 || (lengths.dtype() != int32 && lengths.dtype() != int64))
    throw ShapeError("lengths: needs [batch] int32 or int64, a length for each sequence, got " +
                     to_string(shape, lengths.dtype()) + ".");
  if (lengths.has_value())
    for (int64_t i = 0; i < shape[0]; ++i)
      if (const double n = lengths.element(i); n < 0 || n > static_cast<double>(time))
        throw Error("lengths: sequence " + std::to_string(i) + ", counted from 0, has the length " +
                    sdk::shortest(n) + "; it must lie in [0, " + std::to_string(time) +
                    "], the steps that there are.");
  const Tensor steps = arange(0, static_cast<double>(time), 1, lengths.dtype());
  return less(reshape(steps, {1, time}), reshape(lengths, {shape[0], 1}));
}

/// Each element 0 with probability `rate`, else scaled by 1 / (1 - rate) (Srivastava et al., 2014).
inline Tensor dropout(const Tensor& x, double rate, int64_t seed = -1) {
  if (!(rate >= 0 && rate <= 1))
    throw Error("dropout: a rate of " + sdk::shortest(rate) + "; it must lie in [0, 1].");
  sdk::require_floating("dropout", x);
  if (rate == 0) return x;
  if (rate == 1) return zeros_like(x);
  const Tensor kept = random_uniform(x.shape(), 0, 1, x.dtype(), seed) >= rate;
  return where(kept, x / (1 - rate), 0);
}

}  // namespace tempo
