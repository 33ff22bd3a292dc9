// SPDX-License-Identifier: Apache-2.0
// From Keras's configurations to Tempo's options; what has no counterpart is an error.
#include "keras.hpp"

#include <map>
#include <set>

#include <tempo/layers.hpp>

#include "cells.hpp"

using namespace tempo;
using std::string;

namespace {

// What Keras writes into every configuration and no option is set by.
bool is_absent(const string& key, const Json& value) {
  static const std::set<string> of_no_option = {"trainable", "dtype", "name", "definition", "rank"};
  return of_no_option.count(key) || value.is_null();
}

const Json& config_of(const Json& node) {
  const Json& inner = entry(node, "config");
  return inner.is_null() ? node : inner;
}

string initializer_text(const Json& json) {
  if (json.is_string()) return json;
  string text;
  for (char c : json.at("class_name").get<string>()) {
    if (std::isupper(static_cast<unsigned char>(c)) && !text.empty()) text += '_';
    text += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  string arguments;
  for (const auto& [key, value] : entry(json, "config").items())
    if (!value.is_null())
      arguments += (arguments.empty() ? "" : ", ") + key + "=" +
                   (value.is_string() ? value.get<string>() : value.dump());
  return arguments.empty() ? text : text + "(" + arguments + ")";
}

// Options on their way to the host, with what they point to.
class OptionList {
 public:
  void add(const string& key, const Json& value) {
    const char* name = texts_.emplace_back(key).c_str();
    if (value.is_boolean())
      options_.emplace_back(name, value.get<bool>());
    else if (value.is_number_integer())
      options_.emplace_back(name, value.get<int64_t>());
    else if (value.is_number())
      options_.emplace_back(name, value.get<double>());
    else if (key.ends_with("_initializer"))
      add_text(name, initializer_text(value));
    else if (value.is_string())
      add_text(name, value);
    else if (key == "cell" || key.ends_with("layer"))
      options_.emplace_back(name, layers_.emplace_back(keras_layer(value)).handle());
    else
      throw std::runtime_error("no option `" + key + "`, given as " + value.dump());
  }
  Layer make(uint32_t kind, const string& type) const {
    tempo_layer* out = nullptr;
    sdk::check(sdk::host().make_layer(kind, type.c_str(),
                                      reinterpret_cast<const tempo_attribute*>(options_.data()),
                                      static_cast<uint32_t>(options_.size()), &out));
    return Layer(out);
  }

 private:
  void add_text(const char* name, const string& text) {
    options_.emplace_back(name, texts_.emplace_back(text).c_str());
  }
  std::deque<string> texts_;
  std::deque<Layer> layers_;
  std::vector<Option> options_;
};

// Python's literals: True, None, 3, 0.5, tanh.
Json literal(string text) {
  text.erase(0, text.find_first_not_of(" '\""));
  text.erase(text.find_last_not_of(" '\"") + 1);
  if (text == "True") return true;
  if (text == "False") return false;
  if (text == "None") return nullptr;
  const Json number = Json::parse(text, nullptr, false);
  return number.is_number() ? number : Json(text);
}

const std::map<string, std::vector<string>> positional_names = {
    {"Embedding", {"input_dim", "output_dim"}}, {"Dense", {"units", "activation"}},
    {"SimpleRNN", {"units", "activation"}},     {"LSTM", {"units", "activation"}},
    {"GRU", {"units", "activation"}},           {"Dropout", {"rate"}},
};

}  // namespace

Layer keras_layer(const Json& node) {
  string type = node.at("class_name");
  const Json& config = config_of(node);
  if (type == "OneStateRNNCell") return OneStateRNNCell({.units = config.at("units")});
  if (type == "TwoStatesRNNCell") return TwoStatesRNNCell({.units = config.at("units")});
  if (type == "MaskedDense") return MaskedDenseLayer({.units = 1});
  if (type == "StackedRNNCells") {
    std::vector<Layer> cells;
    for (const Json& cell : config.at("cells")) cells.push_back(keras_layer(cell));
    return StackedRNNCells(cells);
  }
  OptionList options;
  for (const auto& [key, value] : config.items()) {
    if (key == "class_name") continue;
    if (key == "merge_mode" && value.is_null())
      options.add(key, "none");
    else if (key.ends_with("activation") && value.is_null())
      options.add(key, "linear");
    else if (!is_absent(key, value))
      options.add(key, value);
  }
  if (type == "ConvLSTM") type += std::to_string(config.at("rank").get<int>()) + "D";  // their base
  if (type.ends_with("Cell")) return options.make(TEMPO_CELL, type.substr(0, type.size() - 4));
  return options.make(TEMPO_LAYER, type);
}

Layer keras_layer(const string& call) {
  const std::size_t open = call.find('('), close = call.rfind(')');
  Json node = {{"class_name", call.substr(0, open)}};
  std::size_t position = 0;
  for (std::size_t begin = open + 1; begin < close;) {
    const std::size_t end = std::min(call.find(',', begin), close);
    const string argument = call.substr(begin, end - begin);
    const std::size_t equals = argument.find('=');
    if (equals == string::npos)
      node[positional_names.at(node["class_name"]).at(position++)] = literal(argument);
    else
      node[string(literal(argument.substr(0, equals)))] = literal(argument.substr(equals + 1));
    begin = end + 1;
  }
  return keras_layer(node);
}

void set_weights(const Tensors& weights, const Json& values) {
  if (weights.size() != values.size())
    throw Mismatch("the layer has " + std::to_string(weights.size()) + " weights, the file " +
                   std::to_string(values.size()));
  std::size_t i = 0;
  for (const Json& value : values) {
    assign(weights[i], tensor_from(value, weights[i].dtype()));
    ++i;
  }
}

namespace {

string text_of(const Json& value) {
  if (value.is_object()) return call_text(value.at("class_name"), value.at("config"), {"name"});
  if (value.is_string()) return value.get<string>();
  if (value.is_boolean()) return value.get<bool>() ? "true" : "false";
  if (value.is_array()) {
    string list;
    for (const Json& element : value) list += (list.empty() ? "" : ", ") + text_of(element);
    return "[" + list + "]";
  }
  return value.dump();
}

}  // namespace

string call_text(const string& class_name, const Json& config, const std::set<string>& without) {
  string arguments;
  for (const auto& [key, value] : config.items())
    if (!value.is_null() && !without.count(key))
      arguments += (arguments.empty() ? "" : ", ") + key + "=" + text_of(value);
  return class_name + "(" + arguments + ")";
}

Optimizer keras_optimizer(const string& class_name, const Json& config) {
  // The one that Keras's test makes: lambda: 0.1.
  if (entry(config, "learning_rate") == "<callable>" && class_name == "SGD")
    return SGD({.learning_rate = [] { return 0.1; }});
  // relative_step has no effect in Keras: the rate is bounded by 1 / sqrt(t) in any case.
  return Optimizer(call_text(class_name, config, {"name", "relative_step"}));
}

LearningRate keras_schedule(const string& class_name, const Json& config) {
  return LearningRate::from_text(call_text(class_name, config, {"name"}));
}

Loss keras_loss(const string& class_name, const Json& config) {
  Json settings = config.is_object() ? config : Json::object();
  if (settings.contains("reduction") && settings["reduction"].is_null())
    settings["reduction"] = "none";
  return Loss(call_text(class_name, settings, {"name"}));
}
