// SPDX-License-Identifier: Apache-2.0
// Walks over the stateful layers of a model, by path.
#include "training/models/kept_state.hpp"

#include <map>

#include <tempo/gradient.hpp>

#include "plugin/layer.hpp"

namespace tempo {

bool is_stateful(const Layer& layer) {
  const tempo_attribute* const stateful = sdk::given(layer, "stateful");
  return stateful && stateful->integer != 0;
}

namespace {

struct Stateful {
  std::string path;
  Layer layer;
};

// A layer that runs stateful children keeps no state itself.
bool find(const Layer& layer, const std::string& path, std::vector<Stateful>& out) {
  bool inside = false;
  for (const Layer& child : layer.children()) inside |= find(child, path + "/" + child.name(), out);
  if (inside) return true;
  const std::vector<TensorType>& inputs = layer.handle()->built_for;
  if (!is_stateful(layer) || inputs.empty() || inputs[0].shape.rank() < 2) return false;
  out.push_back({path, layer});
  return true;
}

std::vector<Stateful> stateful_layers(const Model& model) {
  std::vector<Stateful> out;
  const std::vector<std::string> names = model.layer_names();
  for (std::size_t i = 0; i < names.size(); ++i) find(model.layers()[i], names[i], out);
  return out;
}

// Inputs of zero steps: they leave a state unchanged.
Tensors no_steps(const Layer& layer, int64_t batch) {
  Tensors out;
  for (TensorType type : layer.handle()->built_for) {
    type.shape[0] = batch;
    type.shape[1] = 0;
    out.push_back(zeros(type.shape, type.dtype));
  }
  return out;
}

// The states with which the layer's next call on `batch` sequences begins.
Tensors next_states(const Layer& layer, int64_t batch) {
  const NoGradient off;
  const FirstStates seen;
  const int64_t before = layer.handle()->batch;
  layer.call(no_steps(layer, batch));
  if (before == 0) layer.reset_state();
  return seen.states;
}

std::string name_of(const Stateful& of, std::size_t i) {
  return "/state/" + of.path + "/" + std::to_string(i);
}

std::map<std::string, Tensor> by_name(const NamedTensors& states) {
  return {states.begin(), states.end()};
}

}  // namespace

NamedTensors kept_states(const Model& model) {
  NamedTensors out;
  for (const Stateful& of : stateful_layers(model)) {
    const int64_t batch = of.layer.handle()->batch;
    if (batch == 0) continue;
    const Tensors states = next_states(of.layer, batch);
    for (std::size_t i = 0; i < states.size(); ++i) out.emplace_back(name_of(of, i), states[i]);
  }
  return out;
}

void require_states(const Model& model, const NamedTensors& states) {
  std::map<std::string, Tensor> left = by_name(states);
  for (const Stateful& of : stateful_layers(model)) {
    const auto first = left.find(name_of(of, 0));
    if (first == left.end()) continue;
    const Shape& given = first->second.shape();
    const int64_t now = of.layer.handle()->batch, batch = given.empty() ? 0 : given[0];
    const Tensors expected = next_states(of.layer, now > 0 ? now : 1);
    for (std::size_t i = 0; i < expected.size(); ++i) {
      Shape shape = expected[i].shape();
      if (!shape.empty()) shape[0] = batch;
      const auto found = left.find(name_of(of, i));
      if (found == left.end() || batch < 1 || found->second.shape() != shape ||
          found->second.dtype() != expected[i].dtype())
        throw Error(of.path + ": what it kept does not fit; state " + std::to_string(i) + " is " +
                    (found == left.end()
                         ? std::string("missing")
                         : to_string(found->second.shape(), found->second.dtype())) +
                    ", and it needs " + to_string(shape, expected[i].dtype()) + ".");
      left.erase(found);
    }
  }
  if (!left.empty())
    throw Error("`" + left.begin()->first + "` belongs to no layer that keeps a state.");
}

void keep_states(const Model& model, const NamedTensors& states) {
  const std::map<std::string, Tensor> all = by_name(states);
  const NoGradient off;
  for (const Stateful& of : stateful_layers(model)) {
    of.layer.reset_state();
    Tensors its;
    for (auto at = all.find(name_of(of, 0)); at != all.end();
         at = all.find(name_of(of, its.size())))
      its.push_back(at->second);
    if (its.empty()) continue;
    const FirstStates without_a_step;
    of.layer.call(no_steps(of.layer, its[0].shape()[0]), {.initial_state = its});
  }
}

}  // namespace tempo
