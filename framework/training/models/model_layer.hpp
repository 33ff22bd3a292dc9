// SPDX-License-Identifier: Apache-2.0
// A model as a layer of others.
#pragma once

#include "training/models/model_state.hpp"

namespace tempo {

/// The layer that stands for the model in other models; the same one as long as it is held. Making
/// and releasing it change the names of the model's layers.
Layer layer_of(const std::shared_ptr<ModelState>& model);
/// The same layer if it is held, else Layer{}.
Layer held_layer_of(const ModelState& model);
/// The model that a layer stands for; null if it stands for none.
std::shared_ptr<ModelState> model_in(const Layer& layer);

}  // namespace tempo
