// SPDX-License-Identifier: Apache-2.0
// The parts of a model file: one safetensors file whose metadata describes layers and training as
// JSON, with weights by path and the state of the optimizer.
#pragma once

#include <string>

#include <nlohmann/json.hpp>

#include <tempo/model.hpp>

#include "plugin/layer_name.hpp"

namespace tempo {

namespace model_file {

/// The version of the description. A file of a newer version is refused; unknown members are
/// ignored.
inline constexpr int version = 1;
inline constexpr const char* key = "tempo";  // of the description in the metadata

/// Whether Tempo itself uses this name in the metadata.
inline bool is_own(const std::string& name) { return name == "format" || name == key; }

/// The layers, the shapes of the inputs, and the name.
nlohmann::ordered_json describe(const Model& model);

}  // namespace model_file
}  // namespace tempo
