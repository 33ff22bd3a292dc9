// SPDX-License-Identifier: Apache-2.0
// What layers keep besides weights, in model files: integers as /count/encoder/dropout/calls,
// tensors as /kept/encoder/my_layer/mean.
#pragma once

#include <map>

#include <nlohmann/json.hpp>

#include "plugin/kept.hpp"
#include "training/models/kept_state.hpp"

namespace tempo {

class KeptValues {
 public:
  /// Whether it is the name of such a value in a file.
  static bool is_one(const std::string& name) {
    return name.starts_with(counts) || name.starts_with(tensors);
  }
  /// What a model's layers keep now.
  static KeptValues of(const Model& model);
  /// Of a file. Throws FormatError for what cannot be.
  void add(const std::string& name, const Tensor& value);
  void set_versions(const nlohmann::ordered_json& versions);

  NamedTensors named() const;
  /// The versions of those types that have one, by path: {"encoder/my_layer": 2}.
  nlohmann::ordered_json versions() const;
  /// Throws Error, and changes nothing, where these are not of layers of the model. A layer of
  /// which nothing is here stays as it is.
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
