// SPDX-License-Identifier: Apache-2.0
// Calls a layer's callbacks: their owner for errors, their arguments, and room for their results.
#pragma once

#include <algorithm>

#include "graph/callback.hpp"
#include "graph/value.hpp"
#include "plugin/layer.hpp"
#include "plugin/registry.hpp"

namespace tempo {

inline std::vector<tempo_type> to_abi(const std::vector<TensorType>& types) {
  std::vector<tempo_type> out;
  for (const TensorType& t : types) out.push_back(sdk::to_abi(t.dtype, t.shape));
  return out;
}

/// `what` names the callback in errors: "build".
Callee callee_of(const tempo_layer& layer, const char* what);
/// Throws Error if there is no instance to pass to the callback.
void require_instance(const tempo_layer& layer, const char* what);

/// Runs a callback that takes the layer's instance.
template <class F>
void run_callback_of(const tempo_layer& layer, const char* what, F&& callback) {
  if (!layer.instance) require_instance(layer, what);
  run_callback(callback, [&] { return callee_of(layer, what); });
}

/// An extension of a type or a plugin, from its `get_extension`; null if it has none of that id.
template <class WhoIsIt>
const void* extension(const void* (*get_extension)(void* user, const char* id), void* user,
                      const char* id, WhoIsIt&& callee) {
  const void* its = nullptr;
  if (get_extension) run_callback([&] { return its = get_extension(user, id), TEMPO_OK; }, callee);
  return its;
}

/// The types of a layer's inputs as a callback sees them; borrows from `types`.
inline tempo_inputs inputs_of(const std::vector<tempo_type>& types) {
  return {sizeof(tempo_inputs), static_cast<uint32_t>(types.size()), types.data()};
}

/// The types that a callback returns for these inputs; `thing` names their kind: "state".
std::vector<TensorType> said_types(tempo_layer& layer, const char* what, const char* thing,
                                   decltype(tempo_layer_type::states) callback,
                                   const std::vector<TensorType>& inputs);

/// Room for the results of a call; releases those that nobody took.
struct Results {
  tempo_tensor* raw[TEMPO_MAX_OUTPUTS] = {};
  tempo_results abi{sizeof(tempo_results), TEMPO_MAX_OUTPUTS, 0, raw};

  Results() = default;
  Results(const Results&) = delete;
  Results& operator=(const Results&) = delete;
  ~Results() {
    for (tempo_tensor* t : raw)
      if (t) release(t);
  }
  Tensors take() {
    Tensors out;
    for (uint32_t i = 0; i < std::min(abi.count, TEMPO_MAX_OUTPUTS); ++i)
      out.emplace_back(std::exchange(raw[i], nullptr));
    return out;
  }
};

/// While one exists, called_layer() returns `layer`.
class BeingCalled {
 public:
  explicit BeingCalled(tempo_layer& layer);
  tempo_layer* before() const { return innermost_.before(); }

 private:
  Scoped<tempo_layer*> innermost_;
};

}  // namespace tempo
