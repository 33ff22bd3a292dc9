// Reverse-mode gradients of any tensor with respect to any tracked one, to any order.
#pragma once

#include <tempo/ops.hpp>

namespace tempo TEMPO_HIDDEN {

/// The gradients of sum(y * dy) with respect to each of `inputs`, of their shapes; dy defaults to
/// ones. An input that y does not depend on gets zeros. Throws when an input is not tracked (see
/// parameter), or when a weight on the way was assigned to since y was computed.
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

/// While one lives, this thread's ops do not remember where their values came from: no gradient
/// can be asked for through them, and they keep no memory. For prediction and for updates.
class NoGradient {
 public:
  NoGradient() : before_(sdk::host().recording(0)) {}
  ~NoGradient() { sdk::host().recording(before_); }
  NoGradient(const NoGradient&) = delete;
  NoGradient& operator=(const NoGradient&) = delete;

 private:
  int32_t before_;
};

}  // namespace tempo
