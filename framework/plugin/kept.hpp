// SPDX-License-Identifier: Apache-2.0
// What instances of layers keep besides weights, out of them and into them; options that an earlier
// version had.
#pragma once

#include <span>
#include <string>
#include <utility>
#include <vector>

#include "plugin/layer.hpp"

/// Where a `save` or a `migrate` hands its values.
struct tempo_saving {
  std::string who;
  bool of_instance;  // integers and tensors alone
  tempo::sdk::OptionList values;
  std::vector<std::pair<std::string, tempo::Tensor>> tensors = {};
};

namespace tempo {

/// Takes a value in; `to` must be that of the save or migrate that runs. An Error says who gave
/// what.
void save_value(tempo_saving* to, const tempo_attribute& value);

/// A layer that keeps something, by its path from where a walk began.
struct KeepingLayer {
  std::string path;
  tempo_layer* layer;
};
/// Those of these layers and of the layers in them, each once.
std::vector<KeepingLayer> keeping_layers(std::span<const Layer> layers,
                                         std::span<const std::string> names);

/// What an instance keeps: an integer is an int64 tensor without axes.
struct InstanceValue {
  std::string name;
  Tensor value;
  bool is_count;
};
std::vector<InstanceValue> kept_by(tempo_layer& layer);
/// Puts it back, saved by this `version` of its type.
void put_back(tempo_layer& layer, const std::vector<InstanceValue>& values, uint32_t version);

/// Options of an earlier version as those of now.
void migrate(const tempo_layer_type& type, const std::string& who, uint32_t version,
             const sdk::OptionList& from, sdk::OptionList& to);

}  // namespace tempo
