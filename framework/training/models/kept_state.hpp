// SPDX-License-Identifier: Apache-2.0
// The states that stateful layers keep between calls, out of a model and into it.
#pragma once

#include <type_traits>

#include <tempo/model.hpp>

namespace tempo {

/// Whether it keeps its state between calls, by its own option.
bool is_stateful(const Layer& layer);

using NamedTensors = Optimizer::NamedTensors;

/// Of each layer of the model that keeps a state: "/state/encoder/lstm/0", ... No weight's path
/// begins with "/".
NamedTensors kept_states(const Model& model);

/// Throws Error where these are no states of the model's layers.
void require_states(const Model& model, const NamedTensors& states);
/// The layers that have none among them forget theirs.
void keep_states(const Model& model, const NamedTensors& states);

/// What f gives, called while no layer keeps a state; afterwards each has the state of before.
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
