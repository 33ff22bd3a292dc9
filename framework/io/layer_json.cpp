// SPDX-License-Identifier: Apache-2.0
// Writes layers as JSON, and makes layers of JSON that nobody vouches for.
#include "io/layer_json.hpp"

#include <algorithm>
#include <cmath>
#include <sstream>

#include <tempo/option.hpp>

#include "io/json_values.hpp"
#include "plugin/description.hpp"
#include "plugin/layer.hpp"
#include "plugin/loader.hpp"
#include "training/model_layer.hpp"

namespace tempo {
namespace {

using json = nlohmann::ordered_json;  // options keep their order

constexpr int deepest = 16;  // layers in layers
constexpr std::size_t most_layers = 100000;
constexpr std::size_t longest_name = 1000;  // of what a file calls something

// The numbers that JSON has no form for.
struct Unwritable {
  const char* text;
  double value;
};
const Unwritable unwritable[] = {{"inf", HUGE_VAL}, {"-inf", -HUGE_VAL}, {"nan", NAN}};

json number(double value) {
  if (std::isnan(value)) return "nan";
  for (const Unwritable& u : unwritable)
    if (value == u.value) return u.text;
  return value;
}

// Whether it or a layer that it is made from has random numbers of a seed of its own.
bool has_seed(const tempo_layer& layer) {
  if (sdk::described(layer.type, "seed")) {
    const tempo_attribute* const seed = layer.options.find("seed");
    return seed && seed->integer >= 0;
  }
  bool holds_none = true;
  for (const tempo_attribute& o : layer.options.all()) {
    if (o.kind != TEMPO_LAYER_VALUE || !o.layer) continue;
    if (has_seed(*o.layer)) return true;
    holds_none = false;
  }
  return holds_none && sdk::described(layer.type, "calls");
}

// With the option `calls` these numbers depend on how often it was called.
void count_calls(const Layer& layer, const tempo_layer_type& type, json& options) {
  if (!sdk::described(type, "calls") || layer.handle()->calls == 0) return;
  if (!has_seed(*layer.handle())) return;
  json& calls = options["calls"];
  calls = (calls.is_null() ? 0 : calls.get<int64_t>()) + layer.handle()->calls;
}

// Which layers in it were frozen or let go after they were made, if no option says it:
// {"forward_lstm": false}.
void note_set(const tempo_layer& layer, const std::string& before, json& out) {
  for (const Layer& child : layer.children) {
    const tempo_layer& inner = *child.handle();
    const auto& options = layer.options.all();
    if (std::any_of(options.begin(), options.end(),
                    [&](const tempo_attribute& o) { return o.layer == &inner; }))
      continue;
    if (inner.was_set) out[before + inner.name] = inner.trainable;
    note_set(inner, before + inner.name + "/", out);
  }
}

void set_noted(const Layer& layer, const json& noted) {
  for (const auto& [path, trainable] : noted.items()) {
    Layer inner = layer;
    std::istringstream names(path);
    for (std::string name; std::getline(names, name, '/');) {
      const std::vector<Layer> children = inner.children();
      const auto at = std::find_if(children.begin(), children.end(),
                                   [&](const Layer& child) { return child.name() == name; });
      if (at == children.end())
        throw FormatError("`" + layer.name() + "` has no layer `" + path.substr(0, 100) +
                          "` in it, which is said to be trained or not.");
      inner = *at;
    }
    if (!trainable.is_boolean()) throw FormatError("whether a layer is trained is no bool.");
    inner.set_trainable(trainable.get<bool>());
  }
}

const std::string& name_in(const json& value, const std::string& what) {
  if (!value.is_string()) throw FormatError(what + " is not a text.");
  const auto& name = value.get_ref<const std::string&>();
  if (name.size() > longest_name)
    throw FormatError(what + " has " + std::to_string(name.size()) + " letters; at most " +
                      std::to_string(longest_name) + " are allowed.");
  return name;
}

DType dtype_of(const std::string& name) {
  const std::optional<DType> found = dtype_named(name);
  if (found && is_for_weights(*found)) return *found;
  throw FormatError("\"" + name + "\" is not a dtype of weights.");
}

}  // namespace

// `dtype` stands for an automatic one that nothing has fixed yet.
json LayerWriter::write(const tempo_layer_type& type, const tempo_attribute& option, DType dtype) {
  switch (option.kind) {
    case TEMPO_INT64_VALUE:
      if (const tempo_option* its = sdk::described(type, option.name);
          its && its->kind == TEMPO_OPTION_BOOL)
        return option.integer != 0;
      return option.integer;
    case TEMPO_DOUBLE_VALUE: return number(option.real);
    case TEMPO_TEXT_VALUE: return option.text;
    case TEMPO_LIST_VALUE: return std::vector<int64_t>(option.list, option.list + option.count);
    default: return option.layer ? write(Layer::borrowed(option.layer), dtype) : json();
  }
}

// Functions and classes of a program are called as it likes.
void LayerWriter::require_type_apart(const tempo_layer_view& layer) {
  const tempo_layer_type& mine = *layer.type;
  const auto& [first, its_name] =
      types_.try_emplace({mine.kind, mine.name}, &mine, layer.name).first->second;
  if (first->call == mine.call && first->user == mine.user) return;
  throw Error(std::string("save: `") + its_name + "` and `" + layer.name +
              "` are of two classes or functions that are both called " + mine.name +
              ", and a file has the name alone.\n  Give each a name of its own, as in Lambda(\"" +
              "doubled\", f).");
}

json LayerWriter::write(const Layer& layer, DType dtype) {
  const tempo_layer_view v = layer.view();
  const Scoped deeper(depth_, depth_ + 1);
  if (depth_ > deepest)
    throw Error(std::string("save: `") + v.name + "` lies in more than " +
                std::to_string(deepest - 1) + " layers, and a file holds " +
                std::to_string(deepest) + " of them in one another at most.");
  if (to_be_made_) require_type_apart(v);
  const auto [known, is_new] = numbers_.try_emplace(v.id, numbers_.size());
  if (!is_new) return {{"kind", "again"}, {"number", known->second}};
  if (v.flags & TEMPO_BUILT) dtype = static_cast<DType>(v.dtype);
  json options = json::object();
  if (const auto model = model_in(layer)) {
    json layers = json::array();
    for (const Layer& inner : layer.children()) layers.push_back(write(inner, dtype));
    if (const tempo_attribute* set = sdk::given(layer, "trainable"))
      options["trainable"] = set->integer != 0;
    return {{"kind", "model"},
            {"type", v.type->name},
            {"name", v.name},
            {"options", options},
            {"layers", layers}};
  }
  for (const tempo_attribute& option : std::span(v.options, v.n_options)) {
    const std::string name = option.name;
    if (name == "dtype" && static_cast<DType>(option.integer) != DType::automatic)
      dtype = static_cast<DType>(option.integer);
    if (name != "dtype" && name != "name") options[name] = write(*v.type, option, dtype);
  }
  count_calls(layer, *v.type, options);
  json out = {{"kind", v.type->kind == TEMPO_CELL ? "cell" : "layer"},
              {"type", v.type->name},
              {"name", v.name},
              {"dtype", name_of(dtype)},
              {"options", options}};
  json set = json::object();
  note_set(*layer.handle(), "", set);
  if (!set.empty()) out["trainable"] = set;
  return out;
}

Layer LayerReader::read(const json& description, int depth) {
  if (depth == deepest) throw FormatError("layers are nested more than 16 deep.");
  const std::string& kind = name_in(description.at("kind"), "a layer's kind");
  if (kind == "again") {
    const int64_t number = integer_of(description.at("number"), "the number of a layer");
    if (number < 0 || number >= static_cast<int64_t>(made_.size()) ||
        !made_[static_cast<std::size_t>(number)])
      throw FormatError("there is no layer " + std::to_string(number) + " before it.");
    return made_[static_cast<std::size_t>(number)];
  }
  const std::size_t place = made_.size();
  made_.emplace_back();
  if (kind == "model") return made_[place] = read_model(description, depth);
  if (kind != "layer" && kind != "cell")
    throw FormatError("a \"" + kind + "\" is neither layer, cell nor model.");
  const tempo_layer_type& type = find(kind == "cell" ? TEMPO_CELL : TEMPO_LAYER,
                                      name_in(description.at("type"), "a layer's type"));
  sdk::OptionList options;
  for (const auto& [name, value] : description.at("options").items())
    add(options, type, name_in(name, "an option's name"), value, depth);
  options.add("name", name_in(description.at("name"), "a layer's name"));
  options.add("dtype",
              static_cast<int64_t>(dtype_of(name_in(description.at("dtype"), "a layer's dtype"))));
  made_[place] = sdk::make_layer(type, options);
  if (description.contains("trainable")) set_noted(made_[place], description.at("trainable"));
  return made_[place];
}

Layer LayerReader::read_model(const json& description, int depth) {
  const std::string& name = name_in(description.at("name"), "a model's name");
  if (name_in(description.at("type"), "a model's type") != "Sequential")
    throw FormatError(
        "its model `" + name +
        "` was made from a function, which no file can hold.\n  Make the models in the "
        "program as they were made then, then model.load(path), or "
        "model.load_weights(path).");
  std::vector<Layer> layers;
  for (const json& inner : list_of(description.at("layers"), most_layers, "layers"))
    layers.push_back(read(inner, depth + 1));
  Sequential model(layers, name);
  const json& options = description.at("options");
  const Layer out = model;
  if (options.contains("trainable")) {
    if (!options.at("trainable").is_boolean())
      throw FormatError("whether a model is trained is no bool.");
    if (!options.at("trainable").get<bool>()) out.set_trainable(false);
  }
  return out;
}

const tempo_layer_type& LayerReader::find(uint32_t kind, const std::string& name) const {
  for (const Registration& r : given_)
    if (r.type && r.type->kind == kind && name == r.type->name) return *r.type;
  // A name leads to a file of that name among the installed plugins, so it must be nothing else.
  if (!is_plain_name(name))
    throw FormatError("\"" + name + "\" cannot be the name of a layer or cell.");
  try {
    return require_type(kind, name, Search::installed);
  } catch (const PluginError& e) {
    if (kind == TEMPO_CELL) throw;
    throw PluginError(std::string(e.what()) + "\n  A layer's class goes into .layers: load_model(" +
                      "path, {.layers = {layer<MyLayer>(\"My\")}}), a Lambda's function " +
                      "as lambda(\"my\", f); a cell's class into .cells.");
  }
}

void LayerReader::add(sdk::OptionList& options, const tempo_layer_type& type,
                      const std::string& name, const json& value, int depth) {
  const tempo_option* const its = sdk::described(type, name);
  const auto special = std::find_if(std::begin(unwritable), std::end(unwritable),
                                    [&](const Unwritable& u) { return value == u.text; });
  if (its && its->kind == TEMPO_OPTION_REAL && special != std::end(unwritable))
    return options.add(name, special->value);
  if (value.is_boolean()) return options.add(name, int64_t{value.get<bool>()});
  if (value.is_number_integer())
    return options.add(name, integer_of(value, "option `" + name + "`"));
  if (value.is_number()) return options.add(name, value.get<double>());
  if (value.is_string()) return options.add(name, value.get<std::string>());
  if (value.is_null()) return options.add(name, Layer());
  if (!value.is_array()) return options.add(name, read(value, depth + 1));
  std::vector<int64_t> list;
  for (const json& item : value) list.push_back(integer_of(item, "an item of `" + name + "`"));
  options.add(name, list);
}

}  // namespace tempo
