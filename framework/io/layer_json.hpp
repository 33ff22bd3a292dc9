// SPDX-License-Identifier: Apache-2.0
// Layers and their options as JSON, and back: what a model file says of them.
#pragma once

#include <map>
#include <span>
#include <vector>

#include <nlohmann/json.hpp>

#include <tempo/plugin.hpp>

namespace tempo {

/// The layers of one model as JSON: {"kind": "layer", "type": "LSTM", "name": "lstm_1",
/// "options": {"units": 10, ...}}; layers and cells among the options likewise; and models among
/// the layers, {"kind": "model", "type": "Sequential", "layers": [...]}. Of one that came before
/// there is its number alone, {"kind": "again", "number": 2}.
class LayerWriter {
 public:
  nlohmann::ordered_json operator()(const Layer& layer) { return write(layer, DType::automatic); }

 private:
  nlohmann::ordered_json write(const Layer& layer, DType dtype);
  nlohmann::ordered_json write(const tempo_layer_type& type, const tempo_attribute& option,
                               DType dtype);

  std::map<uint64_t, std::size_t> numbers_;
};

/// New layers of such descriptions. A type is one of `given` or an installed one: a file names
/// layers, never files. Throws PluginError when there is no such type, FormatError where the JSON
/// is no description of a layer.
class LayerReader {
 public:
  explicit LayerReader(std::span<const Registration> given) : given_(given) {}
  Layer operator()(const nlohmann::ordered_json& description) { return read(description, 0); }

 private:
  Layer read(const nlohmann::ordered_json& description, int depth);
  Layer read_model(const nlohmann::ordered_json& description, int depth);
  const tempo_layer_type& find(uint32_t kind, const std::string& name) const;
  void add(sdk::OptionList& options, const tempo_layer_type& type, const std::string& name,
           const nlohmann::ordered_json& value, int depth);

  std::span<const Registration> given_;
  std::vector<Layer> made_;  // in the order of their descriptions
};

}  // namespace tempo
