// SPDX-License-Identifier: Apache-2.0
// Writes a model file: description, weights, and the state of the optimizer.
#include "io/models/model_file.hpp"

#include <algorithm>
#include <set>

#include "io/models/kept_values.hpp"
#include "io/models/layer_json.hpp"
#include "io/tensors/safetensors.hpp"
#include "ops/defaults.hpp"
#include "training/models/kept_state.hpp"
#include "training/models/model_state.hpp"

namespace tempo {

using json = nlohmann::ordered_json;
using namespace model_file;

namespace {

// A file holds the name of a user's function, not the function.
json text_or_name(const auto& of) {
  const std::string text = of.text();
  return text.empty() ? json{{"own", of.name()}} : json(text);
}

json texts_of(const std::vector<Metric>& metrics) {
  json out = json::array();
  for (const Metric& m : metrics) out.push_back(text_or_name(m));
  return out;
}

json describe_outputs(const Objective& objective) {
  json out = json::array();
  for (const Output& of : objective.outputs()) {
    json loss = of.loss ? text_or_name(of.loss) : json();
    // Unnamed functions are told apart by the names of their outputs.
    if (loss == json{{"own", "loss"}}) loss = {{"own", of.logged("loss")}};
    out.push_back({{"name", of.name},
                   {"loss", loss},
                   {"weight", of.weight},
                   {"metrics", texts_of(of.metrics)},
                   {"weighted_metrics", texts_of(of.weighted_metrics)}});
  }
  return out;
}

// The paths of the model's weights that were excluded from weight decay.
json paths_left_out(const Optimizer& optimizer, const Optimizer::NamedTensors& weights) {
  std::set<const tempo_tensor*> left_out;
  for (const Tensor& w : optimizer.excluded_weights()) left_out.insert(w.handle());
  json out = json::array();
  for (const auto& [path, w] : weights)
    if (left_out.contains(w.handle())) out.push_back(path);
  return out;
}

json describe_training(const ModelState& model, const Optimizer::NamedTensors& weights) {
  const GeneratorState generator = model.resumes && model.resumes->seedings == seedings()
                                       ? model.resumes->generator
                                       : generator_state();
  json out = {{"generator", {{"seed", generator.seed}, {"stream", generator.stream}}},
              {"optimizer", model.optimizer.text()},
              {"epoch", model.epoch},
              {"left_out_of_decay",
               {{"words", model.optimizer.excluded_words()},
                {"weights", paths_left_out(model.optimizer, weights)}}}};
  if (const auto& at = model.place)
    out["place"] = {
        {"batch", at->batch},
        {"round", at->round},
        {"at", at->at},
        {"generator", {{"seed", at->generator.seed}, {"stream", at->generator.stream}}}};
  if (model.compiled) {
    out["loss"] = model.loss ? text_or_name(model.loss) : json{{"own", "losses of all outputs"}};
    if (model.objective.has_several())
      out["outputs"] = describe_outputs(model.objective);
    else
      out["loss_weight"] = model.objective.outputs().at(0).weight;
    out["metrics"] = texts_of(model.metrics);
    out["weighted_metrics"] = texts_of(model.weighted_metrics);
  } else {  // loaded without the functions that it needs
    out.update(json::parse(model.needs));
  }
  return out;
}

Safetensors file_of(const Model& model, const std::string& path) {
  Safetensors out;
  out.tensors = model.named_weights();
  if (!model.built() && out.tensors.empty())
    throw Error(path + ": " + model.name() + " has no weights yet, so there is nothing to save.\n" +
                "  They are made by the first call, or by model.build({{-1, 15, 1}}).");
  out.metadata["format"] = key;
  return out;
}

}  // namespace

json model_file::describe(const Model& model) {
  json inputs = json::array(), layers = json::array();
  const Shapes shapes = model.input_shapes();
  const std::vector<DType> dtypes = model.input_dtypes();
  for (std::size_t i = 0; i < shapes.size(); ++i)
    inputs.push_back({{"shape", std::vector<int64_t>(shapes[i].begin(), shapes[i].end())},
                      {"dtype", name_of(dtypes[i])}});
  LayerWriter write(model.is_sequential());
  const std::vector<std::string> names = model.layer_names();
  for (std::size_t i = 0; i < names.size(); ++i)
    (layers.emplace_back(write(model.layers()[i])))["name"] = names[i];
  return {{"version", version},   {"kind", model.is_sequential() ? "sequential" : "function"},
          {"name", model.name()}, {"inputs", inputs},
          {"layers", layers},     {"training", nullptr}};
}

void Model::save(const std::string& path) const {
  if (state_->float_model)
    throw Error(
        path + ": " + name() +
        " is in int8, which no file holds.\n  Save the float model that it was made of, and "
        "call quantised(load_model(path)).");
  Safetensors file = file_of(*this, path);
  file.metadata.insert(state_->metadata.begin(), state_->metadata.end());
  json description = describe(*this);
  for (const TensorType& type : state_->seen().constants)
    description["constants"].push_back(
        {{"shape", std::vector<int64_t>(type.shape.begin(), type.shape.end())},
         {"dtype", name_of(type.dtype)}});
  const KeptValues kept = KeptValues::of(*this);
  for (const auto& [name, tensor] : kept.named()) file.tensors.emplace_back(name, tensor);
  if (json versions = kept.versions(); !versions.empty()) description["kept_versions"] = versions;
  if (compiled() || !state_->needs.empty()) {
    const Optimizer::NamedTensors weights = named_weights();
    description["training"] = describe_training(*state_, weights);
    Optimizer::NamedTensors slots = optimizer().state(weights);
    std::sort(slots.begin(), slots.end(), [](auto& a, auto& b) { return a.first < b.first; });
    for (const auto& [name, tensor] : slots) file.tensors.emplace_back(slot_prefix + name, tensor);
  }
  for (const auto& [name, tensor] : kept_states(*this)) file.tensors.emplace_back(name, tensor);
  try {
    file.metadata[key] = description.dump();
  } catch (const json::exception& e) {
    throw Error(path + ": a name or a text in it is not UTF-8: " + e.what());
  }
  write_safetensors(path, file);
}

void Model::save_weights(const std::string& path) const {
  write_safetensors(path, file_of(*this, path));
}

}  // namespace tempo
