// SPDX-License-Identifier: Apache-2.0
// Reads a model file in two passes: the first checks everything, the second changes the model.
#include "io/models/model_reader.hpp"

#include <algorithm>
#include <set>

#include "graph/trace.hpp"
#include "io/json_reader.hpp"
#include "io/json_values.hpp"
#include "io/models/layer_json.hpp"
#include "ops/initializers.hpp"
#include "plugin/layer.hpp"
#include "training/models/kept_state.hpp"
#include "training/models/model_state.hpp"
#include "training/models/run.hpp"

namespace tempo {

using json = nlohmann::ordered_json;
using namespace model_file;

namespace {

constexpr std::size_t deepest = 48;  // room for 16 layers in layers, with their options

std::string type_text(const Tensor& t) { return to_string(t.shape(), t.dtype()); }

Shape shape_of(const json& value) {
  Shape shape;
  for (const json& extent : list_of(value, Shape::max_rank, "axes of an input"))
    shape.push_back(integer_of(extent, "an extent of an input"));
  return shape;
}

// --- The differences between the layers of a file and of a model

bool matters(const std::string& option) {
  return option != "seed" && option != "trainable" &&
         option.find("initializer") == std::string::npos;
}

void compare_layers(const json& theirs, const json& mine, const std::string& holder,
                    std::string& text);

void compare(const json& theirs, const json& mine, const std::string& path, std::string& text) {
  const auto differ = [&](const std::string& what, const json& a, const json& b) {
    text += "\n  different   " + path + what + "  " + a.dump().substr(0, 100) + " in the file, " +
            b.dump().substr(0, 100) + " in the model";
  };
  for (const char* field : {"kind", "type", "name", "number"})
    if (theirs.value(field, json()) != mine.value(field, json()))
      return differ(std::string(": ") + field, theirs.value(field, json()),
                    mine.value(field, json()));
  // A class that moved from a program into a plugin, or back, is the same class.
  if (theirs.contains("plugin") && mine.contains("plugin") &&
      theirs.at("plugin") != mine.at("plugin"))
    return differ(": plugin", theirs.at("plugin"), mine.at("plugin"));
  if (!theirs.contains("options") || !mine.contains("options")) return;
  const json& options = mine.at("options");
  for (const auto& [name, value] : theirs.at("options").items()) {
    const auto here = options.find(name);
    if (here == options.end() || !matters(name) || value == *here) continue;
    if (value.is_object() && here->is_object())
      compare(value, *here, path + "." + name, text);
    else
      differ("." + name, value, *here);
  }
  if (theirs.contains("layers") && mine.contains("layers"))
    compare_layers(list_of(theirs.at("layers"), most_layers, "layers"), mine.at("layers"), path,
                   text);
}

// `holder` is the path of the inner model that holds the layers; "" for the model itself.
void compare_layers(const json& theirs, const json& mine, const std::string& holder,
                    std::string& text) {
  for (std::size_t i = 0; i < std::min(theirs.size(), mine.size()); ++i)
    compare(theirs[i], mine[i], (holder.empty() ? "" : holder + "/") + mine[i].value("name", ""),
            text);
  if (theirs.size() != mine.size())
    text += "\n  different   " + std::to_string(theirs.size()) + " layers" +
            (holder.empty() ? "" : " of " + holder) + " in the file, " +
            std::to_string(mine.size()) + " in the model";
}

std::string layer_differences(const json& theirs, const json& mine) {
  std::string text;
  compare_layers(theirs, mine, "", text);
  return text;
}

}  // namespace

template <class F>
auto ModelReader::naming(F&& f) const {
  const auto named = [&](const std::string& text) {
    return text.starts_with(path_ + ": ") ? text : path_ + ": " + text;
  };
  try {
    return reading(path_, f);
  } catch (const PluginError& e) {
    throw PluginError(named(e.what()));
  } catch (const Error& e) {
    throw FormatError(named(e.what()));
  } catch (const json::exception& e) {
    const std::string text = e.what();  // "[json.exception.out_of_range.403] key 'name' not found"
    const std::size_t end = text.find("] ");
    fail("its description of the model is damaged: " +
         (end == text.npos ? text : text.substr(end + 2)) + '.');
  }
}

ModelReader::ModelReader(const Source& source, const LoadOptions& options)
    : ModelReader(source.name(), source.size(), Safetensors(), options) {
  take(naming([&] { return read_safetensors(source); }));
}

ModelReader::ModelReader(std::string path, uint64_t bytes, Safetensors content,
                         const LoadOptions& options)
    : path_(std::move(path)), bytes_(bytes), options_(options), given_(options.cells) {
  given_.insert(given_.end(), options.layers.begin(), options.layers.end());
  take(std::move(content));
}

void ModelReader::take(Safetensors content) {
  file_ = std::move(content);
  const std::string prefix = slot_prefix;
  for (const auto& [name, tensor] : file_.tensors)
    if (name.starts_with(prefix))
      slots_.emplace_back(name.substr(prefix.size()), tensor);
    else if (name.starts_with("/state/"))
      states_.emplace_back(name, tensor);
    else if (KeptValues::is_one(name))
      naming([&, &its_name = name, &value = tensor] { kept_.add(its_name, value); });
    else
      weights_.emplace(name, tensor);
}

json ModelReader::description() const {
  const auto found = file_.metadata.find(key);
  if (found == file_.metadata.end())
    fail(
        "it holds weights only, and no model.\n  Make the model in the program, then "
        "model.load_weights(path).");
  json d;
  try {
    d = read_json<json>(found->second, deepest);
  } catch (const FormatError& e) {
    fail(std::string("its description of the model is damaged: it ") + e.what());
  }
  const json& theirs = d.at("version");
  if (const int64_t n = integer_of(theirs, "its version"); n != version)
    fail("it is of version " + std::to_string(n) +
         " of Tempo's model files; this Tempo reads version " + std::to_string(version) + ".");
  list_of(d.at("layers"), most_layers, "layers");
  return d;
}

DType ModelReader::dtype(const json& name) const {
  const auto found =
      name.is_string() ? dtype_named(name.get_ref<const std::string&>()) : std::nullopt;
  if (found && *found != DType::automatic) return *found;
  fail(name.dump().substr(0, 100) + " is not a dtype.");
}

// Layers learn the shapes of their weights when the model is called. Here it is called on types
// alone: nothing is computed, however long the sequences in the file are. If a layer reads values
// in its call, real numbers are needed.
void ModelReader::build(Model& model, const json& description) const {
  ModelState::Seen seen;
  int64_t elements = 0;
  const auto count = [&](const Shape& shape) {
    int64_t n = 1;
    for (const int64_t extent : shape)
      if (extent > 0 && __builtin_mul_overflow(n, extent, &n)) n = INT64_MAX / 2000;
    elements += std::min(n, INT64_MAX / 2000);
  };
  for (const json& input : list_of(description.at("inputs"), 1000, "inputs")) {
    seen.inputs.push_back(shape_of(input.at("shape")));
    seen.input_dtypes.push_back(dtype(input.at("dtype")));
    count(seen.inputs.back());
  }
  if (description.contains("constants"))
    for (const json& constant : list_of(description.at("constants"), 1000, "constants")) {
      seen.constants.push_back({dtype(constant.at("dtype")), shape_of(constant.at("shape"))});
      count(seen.constants.back().shape);
    }
  if (seen.inputs.empty()) return;
  const auto make = [&] { with_states_apart(model, [&] { model.state_->build(seen); }); };
  const ValuesFromFile values(bytes_);
  try {
    const Trace types_alone;
    make();
  } catch (const FormatError&) {
    throw;
  } catch (const Error&) {
    if (elements > 1 << 20) throw;
    make();
  }
}

std::string ModelReader::weight_differences(const Optimizer::NamedTensors& weights) const {
  std::string text;
  std::set<std::string> known;
  for (const auto& [path, w] : weights) {
    const auto found = weights_.find(path);
    known.insert(path);
    if (found == weights_.end())
      text += "\n  missing     " + path + "  " + type_text(w);
    else if (type_text(found->second) != type_text(w))
      text += "\n  different   " + path + "  " + type_text(found->second) + " in the file, " +
              type_text(w) + " in the model";
  }
  for (const auto& [name, tensor] : file_.tensors)
    if (weights_.contains(name) && !known.contains(name))
      text += "\n  unexpected  " + name + "  " + type_text(tensor);
  return text;
}

void ModelReader::require_weights(const Optimizer::NamedTensors& weights,
                                  const Model& model) const {
  if (const std::string text = weight_differences(weights); !text.empty())
    fail("its weights are not those of " + model.name() + "; nothing was changed" + text);
}

void ModelReader::assign_weights(const Optimizer::NamedTensors& weights) const {
  for (const auto& [path, w] : weights) assign(w, weights_.at(path));
}

void ModelReader::put_kept(const Model& model, const json& description) {
  if (description.contains("kept_versions")) kept_.set_versions(description.at("kept_versions"));
  kept_.put_into(model);
}

void ModelReader::put_metadata(Model& model) const {
  for (const auto& [name, text] : file_.metadata)
    if (!is_own(name)) model.state_->metadata[name] = text;
}

Sequential ModelReader::make() {
  return naming([&] {
    const json d = description();
    if (d.at("kind") != "sequential")
      fail(
          "its model was made from a function, which no file can hold.\n  Make the model in the "
          "program as it was made then, then model.load(path), or model.load_weights(path).");
    std::vector<Layer> layers;
    LayerReader read(given_);
    try {
      for (const json& layer : d.at("layers")) layers.push_back(read(layer));
    } catch (const PluginError& e) {
      throw PluginError(
          std::string(e.what()) +
          "\n  A class of this program is given by its name: load_model(path, {.cells = "
          "{cell<MyCell>(\"My\")}}).");
    }
    Sequential model(layers, text_of(d.at("name"), "the model's name"));
    build(model, d);
    const Optimizer::NamedTensors weights = model.named_weights();
    require_weights(weights, model);
    std::optional<Training> found;
    if (!d.at("training").is_null()) found = training(d.at("training"), weights);
    require_states(model, states_);
    put_kept(model, d);
    assign_weights(weights);
    keep_states(model, states_);
    put_metadata(model);
    if (found) compile(model, *found);
    return model;
  });
}

void ModelReader::resume(Model& model) {
  naming([&] {
    json d = description();
    migrate_layers(model.layers(), d.at("layers"));
    if (model.weights().empty()) build(model, d);
    const json mine = describe(model);
    const Optimizer::NamedTensors weights = model.named_weights();
    const std::string differences =
        layer_differences(d.at("layers"), mine.at("layers")) + weight_differences(weights);
    if (!differences.empty())
      fail("its model is not made as " + model.name() + " is; nothing was changed" + differences);
    std::optional<Training> found;
    if (!d.at("training").is_null()) found = training(d.at("training"), weights);
    if (found && model.compiled()) {
      Optimizer trial(model.optimizer().text());
      if (trial.name() != found->optimizer.name())
        fail("it was trained with another optimizer; nothing was changed\n  in the file   " +
             found->optimizer.text() + "\n  in the model  " + trial.text());
      trial.restore(slots_, weights);
    }
    require_states(model, states_);
    put_kept(model, d);  // may throw, before anything else is changed
    assign_weights(weights);
    model.reset_state();
    put_kept(model, d);  // again, as a reset makes a layer forget it
    keep_states(model, states_);
    put_metadata(model);
    if (!found) return;
    if (!model.compiled()) return compile(model, *found);
    Optimizer optimizer = model.optimizer();
    optimizer.restore(slots_, weights);
    if (!optimizer.has_schedule()) optimizer.set_learning_rate(found->optimizer.learning_rate());
    optimizer.exclude_from_weight_decay(found->words);
    optimizer.exclude_from_weight_decay(found->left_out);
    model.state_->epoch = found->epoch;
    if (optimizer.iterations() > 0 || found->place)
      model.state_->resumes = ModelState::Resumes{found->generator, seedings(), found->place};
  });
}

void ModelReader::put_weights(Model& model) {
  naming([&] {
    const Optimizer::NamedTensors weights = model.named_weights();
    if (!model.built() && weights.empty() && !file_.tensors.empty())
      throw Error(path_ + ": " + model.name() + " has no weights yet to load it into.\n" +
                  "  They are made by the first call, or by model.build({{-1, 15, 1}}).");
    require_weights(weights, model);
    assign_weights(weights);
  });
}

void Model::load_weights(const std::string& path) {
  const SoleTrainer sole(std::string(state_->kind()) + ".load_weights", *state_);
  reading(path, [&] { ModelReader(FileSource(path), {}).put_weights(*this); });
}

void Model::load(const std::string& path) {
  const SoleTrainer sole(std::string(state_->kind()) + ".load", *state_);
  reading(path, [&] { ModelReader(FileSource(path), {}).resume(*this); });
}

Sequential load_model(const std::string& path, const LoadOptions& options) {
  return reading(path, [&] { return ModelReader(FileSource(path), options).make(); });
}

}  // namespace tempo
