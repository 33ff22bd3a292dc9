// SPDX-License-Identifier: Apache-2.0
// Layers of the zoo as loops over plain numbers read them: their weights, their inputs, their
// names.
#pragma once

#include <set>

#include <tempo/load.hpp>
#include <tempo/tempo.hpp>

#include "zoo/numbers.hpp"

namespace tempo::testing {

inline NamedWeights weights_of(const Layer& layer) {
  NamedWeights named;
  for (const Tensor& w : layer.weights()) {
    const std::string path = w.path();
    named.all[path.substr(path.rfind('/') + 1)] = w.to_vector();
  }
  return named;
}

/// Row b of a batch as a sequence of rows of features.
inline Rows sequence(const Tensor& x, int64_t b) {
  const Tensor one = take(cast(x, float64), b);
  Rows rows;
  for (int64_t t = 0; t < one.shape()[0]; ++t) rows.push_back(take(one, t).to_vector());
  return rows;
}

/// The names of the layers that the plugins of the zoo have.
inline std::set<std::string> names_in_the_zoo() {
  std::set<std::string> names;
  for (const PluginContents& plugin : all_plugins().plugins)
    if (plugin.path.find("/tempo_zoo_") != std::string::npos)
      for (const tempo_layer_type* type : plugin.layers) names.insert(type->name);
  return names;
}

}  // namespace tempo::testing
