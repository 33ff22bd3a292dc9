// SPDX-License-Identifier: Apache-2.0
// Layers and their options as JSON, and back: the description in a model file.
#pragma once

#include <map>
#include <span>
#include <vector>

#include <nlohmann/json.hpp>

#include <tempo/plugin.hpp>

namespace tempo {

/// A file with more layers is refused before memory is allocated for them.
inline constexpr std::size_t most_layers = 100000;

/// The layers of one model as JSON: {"kind": "layer", "type": "LSTM", "name": "lstm_1", "options":
/// {"units": 10, ...}, "plugin": "tempo", "plugin_version": "0.1.0"}, with "version" if its type
/// has one. Layers and cells among the options have the same form, and models among the layers are
/// {"kind": "model", "type": "Sequential", "layers": [...]}. A layer that came before is written as
/// its number alone, {"kind": "again", "number": 2}.
class LayerWriter {
 public:
  /// `to_be_made`: whether a reader makes layers from it, and must find each type by its name.
  explicit LayerWriter(bool to_be_made = true) : to_be_made_(to_be_made) {}
  nlohmann::ordered_json operator()(const Layer& layer) { return write(layer, DType::automatic); }
  nlohmann::ordered_json write_plain(const tempo_layer_type& type, const tempo_attribute& option) {
    return write(type, option, DType::automatic);
  }

 private:
  nlohmann::ordered_json write(const Layer& layer, DType dtype);
  nlohmann::ordered_json write(const tempo_layer_type& type, const tempo_attribute& option,
                               DType dtype);
  void require_type_apart(const tempo_layer_view& layer);

  bool to_be_made_;
  int depth_ = 0;  // the depth of the layer that is being written
  std::map<uint64_t, std::size_t> numbers_;
  // By kind, plugin and name: the type, and the name of the first layer that has it.
  std::map<std::pair<uint32_t, std::string>, std::pair<const tempo_layer_type*, std::string>>
      types_;
};

/// Makes new layers from these descriptions. A type is one of `given` or an installed one: a file
/// names layers, never files. Throws PluginError if a type does not exist, FormatError if the JSON
/// does not describe a layer.
class LayerReader {
 public:
  explicit LayerReader(std::span<const Registration> given) : given_(given) {}
  Layer operator()(const nlohmann::ordered_json& description) { return read(description, 0); }
  void add_plain(sdk::OptionList& options, const tempo_layer_type& type, const std::string& name,
                 const nlohmann::ordered_json& value) {
    add(options, type, name, value, 0);
  }

 private:
  Layer read(const nlohmann::ordered_json& description, int depth);
  Layer read_model(const nlohmann::ordered_json& description, int depth);
  const tempo_layer_type& find(uint32_t kind, const nlohmann::ordered_json& description) const;
  void add(sdk::OptionList& options, const tempo_layer_type& type, const std::string& name,
           const nlohmann::ordered_json& value, int depth);

  std::span<const Registration> given_;
  std::vector<Layer> made_;  // in the order of their descriptions
};

/// Migrates the descriptions in a file to the versions of `layers`, if theirs are older.
void migrate_layers(std::span<const Layer> layers, nlohmann::ordered_json& theirs);

}  // namespace tempo
