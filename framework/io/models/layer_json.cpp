// SPDX-License-Identifier: Apache-2.0
// Writes layers as JSON, and makes layers from untrusted JSON.
#include "io/models/layer_json.hpp"

#include <algorithm>
#include <cmath>
#include <sstream>

#include <tempo/option.hpp>

#include "io/json_values.hpp"
#include "plugin/description.hpp"
#include "plugin/kept.hpp"
#include "plugin/loader.hpp"
#include "training/models/model_layer.hpp"

namespace tempo {
namespace {

using json = nlohmann::ordered_json;  // options keep their order

constexpr int deepest_layers = 16;          // of layers inside layers
constexpr std::size_t longest_name = 1000;  // of any name in a file

// The numbers that JSON cannot write.
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

// Writes the plugin of the type, and the versions of both.
void note_origin(const tempo_layer_type& type, json& out) {
  if (const tempo_registry* its = plugin_of(type)) {
    out["plugin"] = its->plugin;
    out["plugin_version"] = its->version;
  }
  if (type.version > 0) out["version"] = type.version;
}

uint32_t version_in(const json& description) {
  if (!description.contains("version")) return 0;
  const int64_t version = integer_of(description.at("version"), "the version of a layer's type");
  if (version < 0 || version > UINT32_MAX)
    throw FormatError("the version of a layer's type is " + std::to_string(version) + ".");
  return static_cast<uint32_t>(version);
}

// "1.12.0" comes after "1.9"; a part that is not a number counts as 0.
bool is_older(const std::string& a, const std::string& b) {
  std::istringstream in_a(a), in_b(b);
  for (std::string x, y; in_a || in_b; x.clear(), y.clear()) {
    if (in_a) std::getline(in_a, x, '.');
    if (in_b) std::getline(in_b, y, '.');
    const long long i = std::strtoll(x.c_str(), nullptr, 10),
                    k = std::strtoll(y.c_str(), nullptr, 10);
    if (i != k) return i < k;
  }
  return false;
}

// An older plugin may misread a newer one's options. For Tempo itself the file's version decides.
void require_as_new(const tempo_layer_type& type, const json& description) {
  const tempo_registry* const here = plugin_of(type);
  if (here && here->plugin != own_plugin && description.contains("plugin_version")) {
    const std::string saved = text_of(description.at("plugin_version"), "a plugin's version");
    if (is_older(here->version, saved))
      throw Error(std::string("`") + type.name + "` was saved by plugin `" + here->plugin + "` " +
                  saved.substr(0, 100) + ", and " + here->version + " is loaded (" + here->path +
                  ").\n  Load that version, or a newer one.");
  }
  const uint32_t version = version_in(description);
  if (version > type.version)
    throw Error(std::string("`") + type.name + "` was saved by version " + std::to_string(version) +
                " of it, and version " + std::to_string(type.version) +
                " is here.\n  Load a newer one.");
}

// Notes the inner layers whose `trainable` was set after they were made, if no option holds them:
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

// `dtype` replaces an automatic dtype that is not resolved yet.
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

// A program may give the same name to several functions or classes; a file needs distinct names.
void LayerWriter::require_type_apart(const tempo_layer_view& layer) {
  const tempo_layer_type& mine = *layer.type;
  const tempo_registry* const its = plugin_of(mine);
  const std::string plugin = its ? its->plugin : "";
  const auto& [first, its_name] =
      types_.try_emplace({mine.kind, plugin + "." + mine.name}, &mine, layer.name).first->second;
  if (first->call == mine.call && first->user == mine.user) return;
  throw Error(std::string("save: `") + its_name + "` and `" + layer.name +
              "` are of two classes or functions that are both called " + mine.name +
              ", and a file has the name alone.\n  Give each a name of its own, as in Lambda(\"" +
              "doubled\", f).");
}

json LayerWriter::write(const Layer& layer, DType dtype) {
  const tempo_layer_view v = layer.view();
  const Scoped deeper(depth_, depth_ + 1);
  if (depth_ > deepest_layers)
    throw Error(std::string("save: `") + v.name + "` lies in more than " +
                std::to_string(deepest_layers - 1) + " layers, and a file holds " +
                std::to_string(deepest_layers) + " of them in one another at most.");
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
  json out = {{"kind", v.type->kind == TEMPO_CELL ? "cell" : "layer"},
              {"type", v.type->name},
              {"name", v.name},
              {"dtype", name_of(dtype)},
              {"options", options}};
  note_origin(*v.type, out);
  json set = json::object();
  note_set(*layer.handle(), "", set);
  if (!set.empty()) out["trainable"] = set;
  return out;
}

Layer LayerReader::read(const json& description, int depth) {
  if (depth == deepest_layers) throw FormatError("layers are nested more than 16 deep.");
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
  const tempo_layer_type& type = find(kind == "cell" ? TEMPO_CELL : TEMPO_LAYER, description);
  require_as_new(type, description);
  const uint32_t version = version_in(description);
  const std::string& name = name_in(description.at("name"), "a layer's name");
  sdk::OptionList given, options;
  for (const auto& [option, value] : description.at("options").items())
    add(given, type, name_in(option, "an option's name"), value, depth);
  if (version < type.version && type.migrate)
    migrate(type, name, version, given, options);
  else
    for (const tempo_attribute& option : given.all()) options.add(option);
  options.add("name", name);
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

namespace {

[[noreturn]] void not_there(uint32_t kind, const std::string& name, const std::string& plugin,
                            const json& description) {
  const std::string version =
      description.contains("plugin_version")
          ? " " + text_of(description.at("plugin_version"), "a plugin's version").substr(0, 100)
          : "";
  const std::string what = kind == TEMPO_CELL ? "cell" : "layer";
  std::string text = "its " + what + " `" + name + "` is of plugin `" + plugin + "`" + version;
  if (const tempo_registry* here = plugin_named(plugin))
    text += ", and `" + plugin + "` " + here->version + " (" + here->path + ") has none.";
  else
    text += ", which is not loaded.";
  for (const tempo_registry& other : loaded_plugins())
    for (const tempo_layer_type* type : other.layers)
      if (other.plugin != plugin && type->kind == kind && type->name == name)
        text += "\n  The " + what + " `" + other.plugin + "." + name + "` is another one.";
  throw PluginError(text +
                    "\n  Load the plugin that has it first: load_plugin(path). A model file never "
                    "searches TEMPO_PLUGIN_PATH.");
}

}  // namespace

const tempo_layer_type& LayerReader::find(uint32_t kind, const json& description) const {
  const std::string& name = name_in(description.at("type"), "a layer's type");
  for (const Registration& r : given_)
    if (r.type && r.type->kind == kind && name == r.type->name) return *r.type;
  // The name becomes a file name among the installed plugins, so it must be a plain one.
  if (!is_plain_name(name))
    throw FormatError("\"" + name + "\" cannot be the name of a layer or cell.");
  if (description.contains("plugin")) {
    const std::string& plugin = name_in(description.at("plugin"), "a layer's plugin");
    if (!is_plugin_name(plugin))
      throw FormatError("\"" + plugin + "\" cannot be the name of a plugin.");
    if (const tempo_layer_type* its = find_type(kind, plugin + "." + name)) return *its;
    if (plugin != own_plugin) {
      load_installed();
      if (const tempo_layer_type* its = find_type(kind, plugin + "." + name)) return *its;
      not_there(kind, name, plugin, description);
    }
  }
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

namespace {

// Migrates a layer's options in a file to the version of the model's layer. Layers among the
// options keep their places, and are migrated themselves.
void bring_up(const Layer& layer, json& theirs) {
  if (theirs.contains("layers") && theirs.at("layers").is_array()) {
    const std::vector<Layer> layers = layer.children();
    json& all = theirs.at("layers");
    for (std::size_t i = 0; i < std::min(layers.size(), all.size()); ++i)
      bring_up(layers[i], all.at(i));
  }
  if (!theirs.is_object() || !theirs.contains("options") || !theirs.at("options").is_object())
    return;
  const tempo_layer_type& type = *layer.view().type;
  if (theirs.value("type", json()) != type.name) return;  // reported as a difference
  json& options = theirs.at("options");
  for (auto& [name, value] : options.items()) {
    const tempo_attribute* const held = sdk::given(layer, name);
    if (value.is_object() && held && held->kind == TEMPO_LAYER_VALUE && held->layer)
      bring_up(Layer::borrowed(held->layer), value);
  }
  require_as_new(type, theirs);
  const uint32_t version = version_in(theirs);
  if (version >= type.version || !type.migrate) return;
  json stay = json::object(), moved = json::object();
  for (const auto& [name, value] : options.items())
    (value.is_object() || value.is_null() ? stay : moved)[name] = value;
  sdk::OptionList before, after;
  LayerReader reader({});
  for (const auto& [name, value] : moved.items()) reader.add_plain(before, type, name, value);
  migrate(type, layer.name(), version, before, after);
  LayerWriter writer;
  for (const tempo_attribute& option : after.all())
    stay[option.name] = writer.write_plain(type, option);
  options = stay;
}

}  // namespace

void migrate_layers(std::span<const Layer> layers, json& theirs) {
  for (std::size_t i = 0; i < std::min(layers.size(), theirs.size()); ++i)
    bring_up(layers[i], theirs.at(i));
}

}  // namespace tempo
