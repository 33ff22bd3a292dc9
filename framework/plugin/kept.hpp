// SPDX-License-Identifier: Apache-2.0
// Reads and restores the values that instances of layers keep besides weights, and migrates options
// of earlier versions.
#pragma once

#include <span>
#include <string>
#include <utility>
#include <vector>

#include "plugin/layer.hpp"

/// The receiver of the values of a `save` or a `migrate`.
struct tempo_saving {
  std::string who;
  bool of_instance;  // it takes integers and tensors alone
  tempo::sdk::OptionList values;
  std::vector<std::pair<std::string, tempo::Tensor>> tensors = {};
};

namespace tempo {

/// Takes a value; `to` must belong to the save or migrate that is running. An Error says who gave
/// what.
void save_value(tempo_saving* to, const tempo_attribute& value);

/// A layer that keeps something, by its path from the start of a walk.
struct KeepingLayer {
  std::string path;
  tempo_layer* layer;
};
/// The layers that keep something among these and their children, each once.
std::vector<KeepingLayer> keeping_layers(std::span<const Layer> layers,
                                         std::span<const std::string> names);

/// A value that an instance keeps; an integer is an int64 tensor without axes.
struct InstanceValue {
  std::string name;
  Tensor value;
  bool is_count;
};
std::vector<InstanceValue> kept_by(tempo_layer& layer);
/// Gives the values back to the layer; they were saved by this `version` of its type.
void put_back(tempo_layer& layer, const std::vector<InstanceValue>& values, uint32_t version);

/// Converts options of an earlier version to the present one.
void migrate(const tempo_layer_type& type, const std::string& who, uint32_t version,
             const sdk::OptionList& from, sdk::OptionList& to);

}  // namespace tempo
