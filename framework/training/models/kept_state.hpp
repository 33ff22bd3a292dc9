// SPDX-License-Identifier: Apache-2.0
// Reads and writes the states that the stateful layers of a model keep between calls.
#pragma once

#include <type_traits>

#include <tempo/model.hpp>

namespace tempo {

/// Whether the layer's own option makes it keep its state between calls.
bool is_stateful(const Layer& layer);

using NamedTensors = Optimizer::NamedTensors;

/// The state of each stateful layer of the model: "/state/encoder/lstm/0", ... No path of a weight
/// begins with "/".
NamedTensors kept_states(const Model& model);

/// Throws Error if these are not states of the model's layers.
void require_states(const Model& model, const NamedTensors& states);
/// Sets the states; a layer without one in `states` forgets its own.
void keep_states(const Model& model, const NamedTensors& states);

/// The result of f, which runs while no layer has a state; then the earlier states are restored.
template <class F>
auto with_states_apart(const Model& model, F f) {
  const NamedTensors before = kept_states(model);
  keep_states(model, {});
  const auto put_back = [&] { keep_states(model, before); };
  try {
    if constexpr (std::is_void_v<decltype(f())>) {
      f();
      put_back();
    } else {
      auto result = f();
      put_back();
      return result;
    }
  } catch (...) {
    put_back();
    throw;
  }
}

}  // namespace tempo
