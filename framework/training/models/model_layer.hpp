// SPDX-License-Identifier: Apache-2.0
// A model as a layer of others.
#pragma once

#include "training/models/model_state.hpp"

namespace tempo {

/// The layer that a model is in others; the same one as long as it is held. Making it and letting
/// it go change the names of the model's layers.
Layer layer_of(const std::shared_ptr<ModelState>& model);
/// That layer, if it is held; else Layer{}.
Layer held_layer_of(const ModelState& model);
/// The model that a layer is; null: it is none.
std::shared_ptr<ModelState> model_in(const Layer& layer);

}  // namespace tempo
