// SPDX-License-Identifier: Apache-2.0
// Reads from a model the values that its layers keep, and writes them into a model.
#include "io/models/kept_values.hpp"

#include "io/json_values.hpp"

namespace tempo {

using json = nlohmann::ordered_json;

namespace {
std::vector<KeepingLayer> layers_of(const Model& model) {
  return keeping_layers(model.layers(), model.layer_names());
}
}  // namespace

KeptValues KeptValues::of(const Model& model) {
  KeptValues out;
  for (const KeepingLayer& its : layers_of(model))
    if (std::vector<InstanceValue> values = kept_by(*its.layer); !values.empty())
      out.layers_[its.path] = {std::move(values), its.layer->type.version};
  return out;
}

void KeptValues::add(const std::string& name, const Tensor& value) {
  const bool is_count = name.starts_with(counts);
  const std::string rest = name.substr(std::string(is_count ? counts : tensors).size());
  const std::size_t slash = rest.rfind('/');
  if (slash == rest.npos || slash == 0 || slash + 1 == rest.size())
    throw FormatError("`" + name + "` is not what a layer keeps.");
  if (is_count && (value.dtype() != int64 || value.rank() != 0))
    throw FormatError("`" + name + "` is " + to_string(value.shape(), value.dtype()) +
                      "; it must be one int64.");
  layers_[rest.substr(0, slash)].values.push_back({rest.substr(slash + 1), value, is_count});
}

void KeptValues::set_versions(const json& versions) {
  if (!versions.is_object()) throw FormatError("the versions of what layers keep are no list.");
  for (const auto& [path, version] : versions.items()) {
    const int64_t number = integer_of(version, "the version of what a layer keeps");
    if (number < 0 || number > UINT32_MAX)
      throw FormatError("the version of what a layer keeps is " + std::to_string(number) + ".");
    if (const auto at = layers_.find(path); at != layers_.end())
      at->second.version = static_cast<uint32_t>(number);
  }
}

NamedTensors KeptValues::named() const {
  NamedTensors out;
  for (const auto& [path, of] : layers_)
    for (const InstanceValue& v : of.values)
      out.emplace_back((v.is_count ? counts : tensors) + path + "/" + v.name, v.value);
  return out;
}

json KeptValues::versions() const {
  json out = json::object();
  for (const auto& [path, of] : layers_)
    if (of.version > 0) out[path] = of.version;
  return out;
}

void KeptValues::put_into(const Model& model) const {
  const std::vector<KeepingLayer> keeping = layers_of(model);
  for (const auto& [path, of] : layers_)
    if (std::none_of(keeping.begin(), keeping.end(),
                     [&path = path](const KeepingLayer& its) { return its.path == path; }))
      throw Error("`" + of.values.at(0).name + "` of `" + path +
                  "` belongs to no layer that keeps something.");
  std::vector<std::pair<tempo_layer*, std::vector<InstanceValue>>> changed;
  try {
    for (const KeepingLayer& its : keeping)
      if (const auto at = layers_.find(its.path); at != layers_.end()) {
        changed.emplace_back(its.layer, kept_by(*its.layer));
        put_back(*its.layer, at->second.values, at->second.version);
      }
  } catch (...) {
    for (auto& [layer, before] : changed) put_back(*layer, before, layer->type.version);
    throw;
  }
}

}  // namespace tempo
