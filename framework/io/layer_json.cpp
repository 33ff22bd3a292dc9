#include "io/layer_json.hpp"

#include <algorithm>
#include <cctype>
#include <deque>

#include "plugin/loader.hpp"

namespace tempo {
namespace {

using json = nlohmann::ordered_json;  // options keep their order

constexpr int deepest = 16;  // layers in layers

const tempo_option* described(const tempo_layer_type& type, const std::string& name) {
  for (const tempo_option& o : std::span(type.options, type.n_options))
    if (name == o.name) return &o;
  return nullptr;
}

// Of the three options that every layer has, `trainable` is the one whose type does not show.
bool is_bool(const tempo_layer_type& type, const std::string& name) {
  const tempo_option* option = described(type, name);
  return option ? option->kind == TEMPO_OPTION_BOOL : name == "trainable";
}

// `dtype` stands for an automatic one that nothing has fixed yet.
json to_json(const Layer& layer, DType dtype);

json to_json(const tempo_layer_type& type, const tempo_attribute& option, DType dtype) {
  switch (option.kind) {
    case TEMPO_INT64_VALUE:
      if (is_bool(type, option.name)) return option.integer != 0;
      return option.integer;
    case TEMPO_DOUBLE_VALUE: return option.real;
    case TEMPO_TEXT_VALUE: return option.text;
    case TEMPO_LIST_VALUE: return std::vector<int64_t>(option.list, option.list + option.count);
    default: return option.layer ? to_json(Layer::borrowed(option.layer), dtype) : json();
  }
}

json to_json(const Layer& layer, DType dtype) {
  const tempo_layer_view v = layer.view();
  if (v.flags & TEMPO_BUILT) dtype = static_cast<DType>(v.dtype);
  json options = json::object();
  for (const tempo_attribute& option : std::span(v.options, v.n_options)) {
    const std::string name = option.name;
    if (name == "dtype" && static_cast<DType>(option.integer) != DType::automatic)
      dtype = static_cast<DType>(option.integer);
    if (name != "dtype" && name != "name") options[name] = to_json(*v.type, option, dtype);
  }
  return {{"kind", v.type->kind == TEMPO_CELL ? "cell" : "layer"},
          {"type", v.type->name},
          {"name", v.name},
          {"dtype", name_of(dtype)},
          {"options", options}};
}

// Options on their way to a layer's create, with what they point to.
struct Options {
  std::deque<std::string> texts;
  std::deque<std::vector<int64_t>> lists;
  std::deque<Layer> layers;
  std::vector<tempo_attribute> all;

  void add(const std::string& name, uint32_t kind) {
    tempo_attribute a{};
    a.size = sizeof a;
    a.kind = kind;
    a.name = texts.emplace_back(name).c_str();
    all.push_back(a);
  }
};

class LayerReader {
 public:
  explicit LayerReader(std::span<const Registration> given) : given_(given) {}

  Layer read(const json& description, int depth) const {
    if (depth == deepest) throw FormatError("layers are nested more than 16 deep.");
    const auto& kind = description.at("kind").get_ref<const std::string&>();
    if (kind != "layer" && kind != "cell")
      throw FormatError("a \"" + kind + "\" is neither layer nor cell.");
    const tempo_layer_type& type = find(kind == "cell" ? TEMPO_CELL : TEMPO_LAYER,
                                        description.at("type").get_ref<const std::string&>());
    Options options;
    for (const auto& [name, value] : description.at("options").items())
      add(options, name, value, depth);
    options.add("name", TEMPO_TEXT_VALUE);
    options.all.back().text =
        options.texts.emplace_back(description.at("name").get<std::string>()).c_str();
    options.add("dtype", TEMPO_INT64_VALUE);
    options.all.back().integer =
        static_cast<int64_t>(dtype(description.at("dtype").get_ref<const std::string&>()));
    tempo_layer* out = nullptr;
    sdk::check(sdk::host().make_layer_of(&type, options.all.data(),
                                         static_cast<uint32_t>(options.all.size()), &out));
    return Layer(out);
  }

 private:
  const tempo_layer_type& find(uint32_t kind, const std::string& name) const {
    for (const Registration& r : given_)
      if (r.type && r.type->kind == kind && name == r.type->name) return *r.type;
    // A name leads to a file of that name among the installed plugins, so it must be nothing else.
    const bool plain = !name.empty() && std::all_of(name.begin(), name.end(), [](unsigned char c) {
      return std::isalnum(c) || c == '_';
    });
    if (!plain) throw FormatError("\"" + name + "\" cannot be the name of a layer or cell.");
    try {
      return require_type(kind, name, Search::installed);
    } catch (const PluginError& e) {
      if (kind == TEMPO_CELL) throw;
      throw PluginError(std::string(e.what()) +
                        "\n  A layer's class goes into .layers: load_model(" +
                        "path, {.layers = {layer<MyLayer>(\"My\")}}); a cell's into .cells.");
    }
  }

  static DType dtype(const std::string& name) {
    for (const DType t : {DType::automatic, float32, float64})
      if (name == name_of(t)) return t;
    throw FormatError("\"" + name + "\" is not a dtype of weights.");
  }

  void add(Options& options, const std::string& name, const json& value, int depth) const {
    if (value.is_boolean() || value.is_number_integer()) {
      options.add(name, TEMPO_INT64_VALUE);
      options.all.back().integer = value.is_boolean() ? value.get<bool>() : value.get<int64_t>();
    } else if (value.is_number()) {
      options.add(name, TEMPO_DOUBLE_VALUE);
      options.all.back().real = value.get<double>();
    } else if (value.is_string()) {
      options.add(name, TEMPO_TEXT_VALUE);
      options.all.back().text = options.texts.emplace_back(value.get<std::string>()).c_str();
    } else if (value.is_array()) {
      options.add(name, TEMPO_LIST_VALUE);
      const auto& list = options.lists.emplace_back(value.get<std::vector<int64_t>>());
      options.all.back().list = list.data();
      options.all.back().count = list.size();
    } else {
      options.add(name, TEMPO_LAYER_VALUE);
      if (value.is_null()) return;
      options.all.back().layer = options.layers.emplace_back(read(value, depth + 1)).handle();
    }
  }

  std::span<const Registration> given_;
};

}  // namespace

json to_json(const Layer& layer) { return to_json(layer, DType::automatic); }

Layer layer_from_json(const json& description, std::span<const Registration> given) {
  return LayerReader(given).read(description, 0);
}

}  // namespace tempo
