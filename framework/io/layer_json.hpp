// Layers and their options as JSON, and back: what a model file says of them.
#pragma once

#include <span>

#include <nlohmann/json.hpp>
#include <tempo/plugin.hpp>

namespace tempo {

/// {"kind": "layer", "type": "LSTM", "name": "lstm_1", "options": {"units": 10, ...}}; layers and
/// cells among the options likewise.
nlohmann::ordered_json to_json(const Layer& layer);

/// A new layer of that description. Its type is one of `given` or an installed one: a file names
/// layers, never files. Throws PluginError when there is no such type.
Layer layer_from_json(const nlohmann::ordered_json& description,
                      std::span<const Registration> given);

}  // namespace tempo
