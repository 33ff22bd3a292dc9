// SPDX-License-Identifier: Apache-2.0
// The only search for the weights of layers: it visits each layer once, however often it is used.
#include <unordered_set>

#include "plugin/layer.hpp"

namespace tempo {

namespace {

class WeightSearch {
 public:
  /// A null `path`: the paths of the weights are not asked for.
  void visit(const tempo_layer& layer, const std::string* path) {
    if (!met_.insert(&layer).second) return;
    if (layer.built() || layer.building.is_mine())
      for (const tempo_layer::Weight& w : layer.own)
        found.push_back({path ? *path + "/" + w.name : std::string(), w.value.get()});
    for (const Layer& child : layer.children) {
      const tempo_layer& inner = *child.handle();
      if (!path) {
        visit(inner, nullptr);
        continue;
      }
      const std::string inner_path = *path + "/" + inner.name;
      visit(inner, &inner_path);
    }
  }
  std::vector<Value*> values() const {
    std::vector<Value*> out;
    out.reserve(found.size());
    for (const WeightOnPath& w : found) out.push_back(w.value);
    return out;
  }

  std::vector<WeightOnPath> found;

 private:
  std::unordered_set<const tempo_layer*> met_;
};

}  // namespace

std::vector<Value*> weights_of(std::span<const Layer> layers) {
  WeightSearch search;
  for (const Layer& layer : layers) search.visit(*layer.handle(), nullptr);
  return search.values();
}

std::vector<WeightOnPath> weights_on_paths(std::span<const Layer> layers,
                                           std::span<const std::string> names) {
  WeightSearch search;
  for (std::size_t i = 0; i < layers.size(); ++i) search.visit(*layers[i].handle(), &names[i]);
  return std::move(search.found);
}

}  // namespace tempo

std::vector<tempo::Value*> tempo_layer::weights() const {
  tempo::WeightSearch search;
  search.visit(*this, nullptr);
  return search.values();
}
