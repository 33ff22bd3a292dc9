#include "plugin/registry.hpp"

#include <map>
#include <mutex>

namespace tempo {

namespace {

struct Types {
  std::mutex mutex;
  std::map<std::pair<std::string, uint32_t>, RegisteredType> all;
};
Types& types() {
  static Types all;
  return all;
}

[[noreturn]] void taken(const tempo_registry& mine, const std::string& what, const std::string& name,
                        const std::string& by) {
  throw PluginError("plugin `" + mine.plugin + "` (" + mine.path + "): the name of its " + what + " `" +
                    name + "` is already taken" + (by.empty() ? "." : " by " + by + ".") +
                    "\n  Load only one of them, or rename one.");
}

}  // namespace

void commit(const tempo_registry& registry) {
  Types& t = types();
  const std::lock_guard lock(t.mutex);
  for (const tempo_layer_type* type : registry.layers) {
    const auto at = t.all.find({type->name, type->kind});
    if (at != t.all.end())
      taken(registry, type->kind == TEMPO_CELL ? "cell" : "layer", type->name,
            "plugin `" + at->second.plugin + "` (" + at->second.path + ")");
  }
  for (const tempo_op_type* op : registry.ops)
    if (find_op(op->name)) taken(registry, "op", op->name, "");
  for (const tempo_layer_type* type : registry.layers)
    t.all[{type->name, type->kind}] = {type, registry.plugin, registry.path};
  for (const tempo_op_type* op : registry.ops) define_plugin_op(*op);
}

const RegisteredType* find_type(uint32_t kind, const std::string& name) {
  Types& t = types();
  const std::lock_guard lock(t.mutex);
  const auto at = t.all.find({name, kind});
  return at == t.all.end() ? nullptr : &at->second;
}

std::vector<RegisteredType> all_types() {
  Types& t = types();
  const std::lock_guard lock(t.mutex);
  std::vector<RegisteredType> out;
  for (const auto& [key, type] : t.all) out.push_back(type);
  return out;
}

}  // namespace tempo
