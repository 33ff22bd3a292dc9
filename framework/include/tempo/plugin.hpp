// What a plugin includes: the SDK for cells, layers and ops, and TEMPO_PLUGIN, which makes a shared
// object of it. Headers only; links against nothing.
#pragma once

#include <tempo/cell.hpp>

namespace tempo TEMPO_HIDDEN {

/// One thing that a plugin registers, or that load_model is told of.
struct Registration {
  const tempo_layer_type* type = nullptr;
  const tempo_op_type* op = nullptr;
};

/// A cell class under its public name; `summary` is one sentence with the source.
template <sdk::CellClass C>
Registration cell(const char* name, const char* summary = "") {
  return {.type = sdk::type_of<C>(name, summary)};
}
/// A layer class under its public name.
template <sdk::LayerClass L>
Registration layer(const char* name, const char* summary = "") {
  return {.type = sdk::type_of<L>(name, summary)};
}

namespace sdk {
/// Runs a plugin's init: keeps the host table, then registers what `list` makes.
template <class List>
tempo_status init(const tempo_host* table, tempo_registry* registry, List list) noexcept {
  host_slot() = table;
  return guarded([&] {
    const std::vector<Registration> all = list();
    for (const Registration& r : all) {
      if (r.type) check(host().register_layer(registry, r.type));
      if (r.op) check(host().register_op(registry, r.op));
    }
  });
}
}  // namespace sdk

}  // namespace tempo

/// Makes the one exported symbol: TEMPO_PLUGIN("name", "1.0.0", tempo::cell<MyCell>("My"), ...).
#define TEMPO_PLUGIN(plugin_name, plugin_version, ...)                                            \
  extern "C" TEMPO_API const tempo_plugin* tempo_plugin_v1(void) {                                \
    static const tempo_plugin plugin{                                                             \
        sizeof(tempo_plugin),        TEMPO_ABI_MAJOR, 0, plugin_name, plugin_version,             \
        [](const tempo_host* table, tempo_registry* registry) -> tempo_status {                   \
          return ::tempo::sdk::init(table, registry, [] {                                         \
            return std::vector<::tempo::Registration>{__VA_ARGS__};                               \
          });                                                                                     \
        }};                                                                                       \
    return &plugin;                                                                               \
  }
