// SPDX-License-Identifier: Apache-2.0
// Reverse-mode gradients of any tensor with respect to any tracked one, to any order.
#pragma once

#include <tempo/ops.hpp>

namespace tempo TEMPO_HIDDEN {

/// The gradients of sum(y * dy) with respect to each of `inputs`, in their shapes; dy defaults to
/// ones. An input that y does not depend on gets zeros. Throws if an input is not tracked (see
/// parameter), or if a weight on the way was assigned to since y was computed.
inline Tensors gradient(const Tensor& y, const Tensors& inputs, const Tensor& dy = {}) {
  std::vector<tempo_tensor*> out(inputs.size());
  const std::vector<tempo_tensor*> in = sdk::handles(inputs);
  sdk::check(sdk::host().gradient(y.handle(), dy.handle(), in.data(),
                                  static_cast<uint32_t>(in.size()), out.data()));
  return sdk::adopt(out);
}

/// `auto [da, db] = gradient(loss, {a, b});`
template <std::size_t N>
std::array<Tensor, N> gradient(const Tensor& y, const Tensor (&inputs)[N], const Tensor& dy = {}) {
  Tensors all = gradient(y, Tensors(inputs, inputs + N), dy);
  std::array<Tensor, N> out;
  for (std::size_t i = 0; i < N; ++i) out[i] = std::move(all[i]);
  return out;
}

namespace sdk {

template <class F>
struct GradientRule {
  F& rule;

  static tempo_status run(void* self, const tempo_rule* asked) noexcept {
    return guarded([&] {
      const Tensors made = static_cast<GradientRule*>(self)->of(Tensor::borrowed(asked->dy));
      if (made.size() != asked->n_inputs)
        throw ShapeError("custom_gradient: the rule gave " + std::to_string(made.size()) +
                         " gradients for " + std::to_string(asked->n_inputs) +
                         " inputs.\n  Return one for each input, in order; Tensor{} where none "
                         "flows.");
      for (std::size_t i = 0; i < made.size(); ++i) asked->gradients[i] = made[i].retained();
    });
  }

 private:
  Tensors of(const Tensor& dy) {
    if constexpr (std::is_invocable_r_v<Tensor, F&, const Tensor&>)
      return {rule(dy)};
    else
      return rule(dy);
  }
};

}  // namespace sdk

/// `value` with a gradient of your own: for an incoming dy, inputs[i] gets the i-th tensor of
/// rule(dy), in the input's shape or one that it broadcasts to, or nothing for Tensor{}. No
/// gradient flows through the ops that computed `value`. A rule for one input may return a Tensor.
///
///     Tensor spike = custom_gradient(cast(u > 0, u.dtype()), {u}, [&](const Tensor& dy) {
///       return dy / square(1 + 10 * abs(u));
///     });
///
/// The rule is called here, once, with a placeholder for dy, and its ops are recorded. It may read
/// any tensors, and is differentiated like any other rule. In a step of a recurrence, the forward
/// pass computes nothing but `value`.
template <class F>
requires std::is_invocable_v<F&, const Tensor&> Tensor custom_gradient(const Tensor& value,
                                                                       const Tensors& inputs,
                                                                       F&& rule) {
  using Rule = sdk::GradientRule<std::remove_reference_t<F>>;
  Rule bound{rule};
  const std::vector<tempo_tensor*> in = sdk::handles(inputs);
  const tempo_custom_gradient custom{sizeof custom,  static_cast<uint32_t>(in.size()),
                                     value.handle(), in.data(),
                                     &Rule::run,     &bound};
  tempo_tensor* out = nullptr;
  sdk::check(sdk::host().custom_gradient(&custom, &out));
  return Tensor(out);
}

/// While one lives, the ops of this thread do not record their inputs: no gradient can be asked for
/// through them, and they keep no memory. Use it for prediction and for updates.
class NoGradient {
 public:
  NoGradient() { sdk::check(sdk::host().recording(0, &before_)); }
  ~NoGradient() { sdk::host().recording(before_, nullptr); }
  NoGradient(const NoGradient&) = delete;
  NoGradient& operator=(const NoGradient&) = delete;

 private:
  int32_t before_ = 1;
};

}  // namespace tempo
