// Model files: one safetensors file whose metadata describes layers and training as JSON, with the
// weights by path and what the optimizer remembers.
#include <algorithm>
#include <set>
#include <span>

#include <tempo/model.hpp>

#include "io/json_reader.hpp"
#include "io/layer_json.hpp"
#include "io/safetensors.hpp"
#include "ops/defaults.hpp"
#include "plugin/layer.hpp"

namespace tempo {
namespace {

using json = nlohmann::ordered_json;

constexpr int version = 1;
constexpr std::size_t deepest = 48;  // of 16 layers in layers, with their options
constexpr const char* key = "tempo";
const std::string slot_prefix = "optimizer:";  // no layer's path begins so

// --- Writing
// --------------------------------------------------------------------------------------

json describe_training(const Model& model) {
  json metrics = json::array(), weighted = json::array();
  for (const Metric& m : model.metrics()) metrics.push_back(m.text());
  for (const Metric& m : model.weighted_metrics()) weighted.push_back(m.text());
  const GeneratorState generator = generator_state();
  return {{"generator", {{"seed", generator.seed}, {"stream", generator.stream}}},
          {"optimizer", model.optimizer() ? model.optimizer().text() : ""},
          {"loss", model.loss() ? model.loss().text() : ""},
          {"metrics", metrics},
          {"weighted_metrics", weighted}};
}

// A layer with the option `calls` draws numbers that depend on how often it was called.
json describe(const Layer& layer) {
  json out = to_json(layer);
  const tempo_layer_type& type = *layer.view().type;
  for (const tempo_option& option : std::span(type.options, type.n_options))
    if (std::string("calls") == option.name && layer.handle()->calls > 0) {
      json& calls = out["options"]["calls"];
      calls = (calls.is_null() ? 0 : calls.get<int64_t>()) + layer.handle()->calls;
    }
  return out;
}

json describe(const Model& model) {
  json inputs = json::array(), layers = json::array();
  const Shapes shapes = model.input_shapes();
  const std::vector<DType> dtypes = model.input_dtypes();
  for (std::size_t i = 0; i < shapes.size(); ++i)
    inputs.push_back({{"shape", std::vector<int64_t>(shapes[i].begin(), shapes[i].end())},
                      {"dtype", name_of(dtypes[i])}});
  for (const Layer& layer : model.layers()) layers.push_back(describe(layer));
  return {
      {"version", version},   {"kind", model.is_sequential() ? "sequential" : "function"},
      {"name", model.name()}, {"inputs", inputs},
      {"layers", layers},     {"training", model.compiled() ? describe_training(model) : json()}};
}

Safetensors weights_of(const Model& model, const std::string& path) {
  Safetensors out;
  for (const Tensor& w : model.weights()) out.tensors.emplace_back(w.path(), w);
  if (!model.built() && out.tensors.empty())
    throw Error(path + ": " + model.name() + " has no weights yet, so there is nothing to save.\n" +
                "  They are made by the first call, or by model.build({{-1, 15, 1}}).");
  out.metadata["format"] = key;
  return out;
}

// --- Reading
// --------------------------------------------------------------------------------------

bool is_slot(const std::string& name) { return name.starts_with(slot_prefix); }

std::string type_text(const Tensor& t) { return to_string(t.shape(), t.dtype()); }

/// What is wrong with these weights for this model, a line for each; "" when they fit.
std::string differences(const Tensors& weights, const Safetensors& file) {
  std::string text;
  std::set<std::string> known;
  for (const Tensor& w : weights) {
    const Tensor found = file.find(w.path());
    known.insert(w.path());
    if (!found)
      text += "\n  missing     " + w.path() + "  " + type_text(w);
    else if (type_text(found) != type_text(w))
      text += "\n  different   " + w.path() + "  " + type_text(found) + " in the file, " +
              type_text(w) + " in the model";
  }
  for (const auto& [name, tensor] : file.tensors)
    if (!is_slot(name) && !known.contains(name))
      text += "\n  unexpected  " + name + "  " + type_text(tensor);
  return text;
}

void put_weights(const Tensors& weights, const Safetensors& file, const std::string& path,
                 const std::string& name) {
  if (const std::string text = differences(weights, file); !text.empty())
    throw FormatError(path + ": its weights are not those of " + name + "; nothing was changed" +
                      text);
  for (const Tensor& w : weights) assign(w, file.find(w.path()));
}

// Reads the description of one file; errors name the file.
class ModelReader {
 public:
  ModelReader(const std::string& path, const LoadOptions& options)
      : path_(path), given_(options.cells), file_(read_safetensors(path)) {
    given_.insert(given_.end(), options.layers.begin(), options.layers.end());
  }

  Sequential read() {
    try {
      return read(description());
    } catch (const json::exception& e) {
      damaged(e.what());
    }
  }

 private:
  [[noreturn]] void fail(const std::string& what) const { throw FormatError(path_ + ": " + what); }
  [[noreturn]] void damaged(const std::string& how) const {
    fail("its description of the model is damaged: it " + how);
  }

  json description() const {
    const auto found = file_.metadata.find(key);
    if (found == file_.metadata.end())
      fail(
          "it holds weights only, and no model.\n  Make the model in the program, then "
          "model.load_weights(path).");
    json d;
    try {
      d = read_json<json>(found->second, deepest);
    } catch (const FormatError& e) {
      damaged(e.what());
    }
    if (const int theirs = d.at("version").get<int>(); theirs != version)
      fail("it is of version " + std::to_string(theirs) +
           " of Tempo's model files; this Tempo reads version " + std::to_string(version) + ".");
    if (d.at("kind") != "sequential")
      fail(
          "its model was made from a function, which no file can hold.\n  Make the model in the "
          "program "
          "as it was made then, then model.load_weights(path).");
    return d;
  }

  Sequential read(const json& d) const {
    std::vector<Layer> layers;
    for (const json& layer : d.at("layers")) layers.push_back(read_layer(layer));
    Sequential model(layers, d.at("name").get<std::string>());
    Shapes shapes;
    for (const json& input : d.at("inputs"))
      shapes.push_back(Shape(input.at("shape").get<std::vector<int64_t>>()));
    if (!shapes.empty())
      model.build(shapes, dtype(d.at("inputs").at(0).at("dtype").get<std::string>()));
    put_weights(model.weights(), file_, path_, model.name());
    if (!d.at("training").is_null()) compile(model, d.at("training"));
    return model;
  }

  Layer read_layer(const json& layer) const {
    try {
      return layer_from_json(layer, given_);
    } catch (const PluginError& e) {
      throw PluginError(
          path_ + ": " + e.what() +
          "\n  A class of this program is given by its name: load_model(path, {.cells = "
          "{cell<MyCell>(\"My\")}}).");
    } catch (const FormatError& e) {
      fail(e.what());
    } catch (const Error& e) {  // an option this Tempo doesn't know or allow
      fail(e.what());
    }
  }

  DType dtype(const std::string& name) const {
    for (const DType t : {float32, float64, int32, int64, bool_})
      if (name == name_of(t)) return t;
    fail("\"" + name + "\" is not a dtype.");
  }

  static std::vector<Metric> metrics(const json& texts) {
    std::vector<Metric> out;
    for (const json& entry : texts)
      if (const auto text = entry.get<std::string>(); !text.empty()) out.emplace_back(text);
    return out;
  }

  // A user's own loss and metrics are not in the file: compile again with them, and with
  // model.optimizer(), which remembers what it did.
  void compile(Model& model, const json& training) const {
    Optimizer optimizer(training.at("optimizer").get<std::string>());
    Optimizer::NamedTensors slots;
    for (const auto& [name, tensor] : file_.tensors)
      if (is_slot(name)) slots.emplace_back(name.substr(slot_prefix.size()), tensor);
    optimizer.restore(slots);
    if (optimizer.iterations() > 0 &&
        training.contains("generator")) {  // it was in training: it goes on so
      const json& generator = training.at("generator");
      restore_generator({.seed = generator.at("seed").get<int64_t>(),
                         .stream = generator.at("stream").get<int64_t>()});
    }
    const auto loss = training.at("loss").get<std::string>();
    model.compile({.optimizer = optimizer,
                   .loss = loss.empty() ? Loss() : Loss(loss),
                   .metrics = metrics(training.at("metrics")),
                   .weighted_metrics = metrics(training.at("weighted_metrics"))});
  }

  std::string path_;
  std::vector<Registration> given_;
  Safetensors file_;
};

}  // namespace

void Model::save(const std::string& path) const {
  Safetensors file = weights_of(*this, path);
  file.metadata[key] = describe(*this).dump();
  if (compiled()) {
    Optimizer::NamedTensors slots = optimizer().state();
    std::sort(slots.begin(), slots.end(), [](auto& a, auto& b) { return a.first < b.first; });
    for (const auto& [name, tensor] : slots) file.tensors.emplace_back(slot_prefix + name, tensor);
  }
  write_safetensors(path, file);
}

void Model::save_weights(const std::string& path) const {
  write_safetensors(path, weights_of(*this, path));
}

void Model::load_weights(const std::string& path) {
  const Safetensors file = read_safetensors(path);
  if (!built() && weights().empty() && !file.tensors.empty())
    throw Error(path + ": " + name() + " has no weights yet to load it into.\n" +
                "  They are made by the first call, or by model.build({{-1, 15, 1}}).");
  put_weights(weights(), file, path, name());
}

Sequential load_model(const std::string& path, const LoadOptions& options) {
  return ModelReader(path, options).read();
}

}  // namespace tempo
