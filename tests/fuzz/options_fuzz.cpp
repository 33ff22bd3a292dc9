// SPDX-License-Identifier: Apache-2.0
// Options of layers by their names, as the command line and files have them. Input: a byte that
// says which layer, then a line NAME=VALUE for each option.
#include <tempo/load.hpp>

#include "command/options.hpp"
#include "fuzz.hpp"
#include "io/models/layer_json.hpp"

using namespace tempo;
using namespace tempo::fuzz;

namespace {

const std::vector<const tempo_layer_type*>& types() {
  static const std::vector<const tempo_layer_type*> all = [] {
    std::vector<const tempo_layer_type*> found;
    for (const PluginContents& plugin : all_plugins().plugins)
      found.insert(found.end(), plugin.layers.begin(), plugin.layers.end());
    return found;
  }();
  return all;
}

Layer make(const tempo_layer_type& type, std::string_view lines) {
  sdk::OptionList options;
  while (!lines.empty()) {
    const std::size_t end = std::min(lines.find('\n'), lines.size());
    command::add_option(options, type, std::string(lines.substr(0, end)));
    lines.remove_prefix(std::min(end + 1, lines.size()));
  }
  return sdk::make_layer(type, options);
}

}  // namespace

std::vector<std::string> fuzz::seeds() {
  std::vector<std::string> out;
  for (std::size_t i = 0; i < types().size(); ++i) {
    const auto kind = static_cast<char>(i);
    std::string all;
    for (const tempo_option& o : std::span(types()[i]->options, types()[i]->n_options)) {
      const std::string line = std::string(o.name) + "=" + o.standard;
      out.push_back(kind + line);
      if (*o.standard) all += line + "\n";
    }
    out.push_back(kind + all);
  }
  return out;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  Input input(data, size);
  const tempo_layer_type& type = *types()[input.byte() % types().size()];
  Layer made;
  if (!answers([&] { made = make(type, input.rest()); })) return 0;
  const auto description = LayerWriter{}(made);
  require(LayerWriter{}(LayerReader({})(description)) == description,
          "a layer's description reads as the same");
  return 0;
}
