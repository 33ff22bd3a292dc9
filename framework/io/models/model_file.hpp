// SPDX-License-Identifier: Apache-2.0
// What a model file is made of: one safetensors file whose metadata describes layers and training
// as JSON, with the weights by path and what the optimizer remembers.
#pragma once

#include <string>

#include <nlohmann/json.hpp>

#include <tempo/model.hpp>

#include "plugin/layer_name.hpp"

namespace tempo {

namespace model_file {

/// Of the description. A file of a newer version is refused; members that this version does not
/// know are passed over.
inline constexpr int version = 1;
inline constexpr const char* key = "tempo";  // of the description in the metadata

/// Whether this name in the metadata is no user's.
inline bool is_own(const std::string& name) { return name == "format" || name == key; }

/// Layers, input shapes and name.
nlohmann::ordered_json describe(const Model& model);

}  // namespace model_file
}  // namespace tempo
