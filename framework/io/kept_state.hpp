// The states that stateful layers keep between calls, out of a model and into it.
#pragma once

#include <tempo/model.hpp>

namespace tempo {

using NamedTensors = Optimizer::NamedTensors;

/// Of each layer of the model that keeps a state: "/state/encoder/lstm/0", ... No weight's path
/// begins with "/".
NamedTensors kept_states(const Model& model);

/// Throws Error where these are no states of the model's layers.
void require_states(const Model& model, const NamedTensors& states);
/// The layers that have none among them forget theirs.
void keep_states(const Model& model, const NamedTensors& states);

}  // namespace tempo
