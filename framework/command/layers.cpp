// SPDX-License-Identifier: Apache-2.0
// `tempo layers`: the installed layers by plugin, or the options of one layer, as tables.
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <span>

#include <tempo/layer.hpp>
#include <tempo/load.hpp>
#include <tempo/names.hpp>
#include <tempo/option.hpp>

#include "commands.hpp"
#include "plugin/debug/host.hpp"

namespace tempo::command {

namespace {

using Row = std::vector<std::string>;
using sdk::kind_of;
using sdk::padded;

// Columns of equal width, except the last.
std::string table(const std::vector<Row>& rows) {
  std::vector<std::size_t> widths;
  for (const Row& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string text;
  for (const Row& row : rows) {
    std::string line = " ";
    for (std::size_t i = 0; i < row.size(); ++i)
      line += " " + padded(row[i], i + 1 < row.size() ? widths[i] + 1 : 0);
    text += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
  }
  return text;
}

const char* type_of(const tempo_option& option) {
  switch (option.kind) {
    case TEMPO_OPTION_INT: return "integer";
    case TEMPO_OPTION_REAL: return "number";
    case TEMPO_OPTION_BOOL: return "bool";
    case TEMPO_OPTION_TEXT: return "text";
    case TEMPO_OPTION_INITIALIZER: return "initializer";
    case TEMPO_OPTION_ACTIVATION: return "activation";
    case TEMPO_OPTION_DTYPE: return "dtype";
    case TEMPO_OPTION_LAYER: return "layer or cell";
    case TEMPO_OPTION_SHAPE: return "shape";
    case TEMPO_OPTION_REGULARIZER: return "regularizer";
    case TEMPO_OPTION_CONSTRAINT: return "constraint";
    default: return "?";
  }
}

// The allowed values: "at least 1", "0 to 1", "sum, mul or concat".
std::string allowed(const tempo_option& option) {
  if (option.choices) {
    std::string text = option.choices;
    for (std::size_t at = 0; (at = text.find('|', at)) != text.npos; at += 2)
      text.replace(at, 1, ", ");
    return text;
  }
  const bool low = std::isfinite(option.at_least), high = std::isfinite(option.at_most);
  if (low && high) return sdk::shortest(option.at_least) + " to " + sdk::shortest(option.at_most);
  if (low) return "at least " + sdk::shortest(option.at_least);
  if (high) return "at most " + sdk::shortest(option.at_most);
  return "";
}

std::string description(const PluginContents& plugin, const tempo_layer_type& type) {
  std::string text = std::string(type.name) + ", a " + kind_of(type) + " of plugin " + plugin.name +
                     " " + plugin.version + "\n";
  if (*type.summary) text += std::string(type.summary) + "\n";
  if (type.n_options == 0) return text + "It has no options.\n";
  std::vector<Row> rows{{"option", "type", "default", "allowed", ""}};
  for (const tempo_option& o : std::span(type.options, type.n_options))
    rows.push_back({o.name, type_of(o), *o.standard ? o.standard : "-", allowed(o), o.sentence});
  return text + table(rows);
}

}  // namespace

namespace {
std::string listed(const PluginContents& plugin) {
  std::vector<Row> rows;
  for (const tempo_layer_type* type : plugin.layers)
    rows.push_back({kind_of(*type), type->name, type->summary});
  for (const tempo_op_type* op : plugin.ops) rows.push_back({"op", op->name, op->summary});
  for (const PluginContents::Function& f : plugin.functions)
    rows.push_back({f.kind, f.type->name, f.type->summary});
  return plugin.name + " " + plugin.version + "   " + plugin.path + "\n" + table(rows);
}
}  // namespace

std::string list_plugin(const std::string& path) {
  sdk::check(check_extension().load_only(path.c_str()));
  std::error_code ignored;
  const std::string real = std::filesystem::canonical(path, ignored).string();
  for (const PluginContents& plugin : all_plugins().plugins)
    if (plugin.path == real) return listed(plugin);
  return "";
}

std::string list_layers() {
  const PluginList list = all_plugins();
  std::string text;
  for (const PluginContents& plugin : list.plugins) text += listed(plugin);
  if (list.plugins.empty()) text += "No plugin is installed.\n";
  if (!list.failures.empty()) text += "\nCould not be loaded:\n";
  for (const std::string& failure : list.failures)
    text += "  " + sdk::indented(failure, "  ") + "\n";
  return text;
}

std::string describe_layer(const std::string& name) {
  std::string text;
  for (const PluginContents& plugin : all_plugins().plugins)
    for (const tempo_layer_type* type : plugin.layers)
      if (type->name == name || plugin.name + "." + type->name == name)
        text += (text.empty() ? "" : "\n") + description(plugin, *type);
  if (text.empty()) layer(name);  // throws, with the nearest name
  return text;
}

}  // namespace tempo::command
