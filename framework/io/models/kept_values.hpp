// SPDX-License-Identifier: Apache-2.0
// The values that layers keep besides weights, in model files: integers as
// /count/encoder/dropout/calls, tensors as /kept/encoder/my_layer/mean.
#pragma once

#include <map>

#include <nlohmann/json.hpp>

#include "plugin/kept.hpp"
#include "training/models/kept_state.hpp"

namespace tempo {

class KeptValues {
 public:
  /// Whether `name` is the name of such a value in a file.
  static bool is_one(const std::string& name) {
    return name.starts_with(counts) || name.starts_with(tensors);
  }
  /// The values that the model's layers keep now.
  static KeptValues of(const Model& model);
  /// Adds a value from a file. Throws FormatError for an impossible one.
  void add(const std::string& name, const Tensor& value);
  void set_versions(const nlohmann::ordered_json& versions);

  NamedTensors named() const;
  /// The versions of the types that have one, by path: {"encoder/my_layer": 2}.
  nlohmann::ordered_json versions() const;
  /// Throws Error, and changes nothing, if a value is not of a layer of the model. A layer without
  /// a value here stays as it is.
  void put_into(const Model& model) const;

 private:
  static constexpr const char *counts = "/count/", *tensors = "/kept/";
  struct OfLayer {
    std::vector<InstanceValue> values;
    uint32_t version = 0;
  };
  std::map<std::string, OfLayer> layers_;
};

}  // namespace tempo
