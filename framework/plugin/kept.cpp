// SPDX-License-Identifier: Apache-2.0
// Calls the callbacks save, load and migrate of layers.
#include "plugin/kept.hpp"

#include <unordered_set>

#include "plugin/host.hpp"
#include "plugin/layer_callback.hpp"
#include "plugin/layer_name.hpp"

namespace tempo {

namespace {

constexpr std::size_t most_values = 1000;

thread_local const tempo_saving* saving_now = nullptr;

// Does not read through the pointer: it may be left over from a save that has ended.
void require_now(const tempo_saving* to) {
  if (to == saving_now) return;
  throw PluginError(
      "save_value: `to` is not that of a save or a migrate that runs on this thread.\n  Values are "
      "saved while the callback that was given it runs, and on its thread.");
}

class KeptSearch {
 public:
  void visit(tempo_layer& layer, const std::string& path) {
    if (!met_.insert(&layer).second) return;
    if (layer.type.save) found.push_back({path, &layer});
    for (const Layer& child : layer.children)
      visit(*child.handle(), path + "/" + child.handle()->name);
  }
  std::vector<KeepingLayer> found;

 private:
  std::unordered_set<const tempo_layer*> met_;
};

tempo_attribute tensor_value(const std::string& name, const Tensor& value) {
  tempo_attribute a{};
  a.size = sizeof a;
  a.kind = TEMPO_TENSOR_VALUE;
  a.name = name.c_str();
  a.tensor = value.handle();
  return a;
}

}  // namespace

void save_value(tempo_saving* given, const tempo_attribute& value) {
  require_now(given);
  tempo_saving& to = *given;
  const auto refuse = [&](const std::string& why) { throw PluginError(to.who + ": " + why); };
  if (!value.name) refuse("it saves a value without a name.");
  require_name(to.who + ", name of what it saves", value.name);
  const std::string its = std::string("`") + value.name + "`";
  const auto is_it = [&](const auto& known) { return known.first == value.name; };
  if (to.values.find(value.name) || std::any_of(to.tensors.begin(), to.tensors.end(), is_it))
    refuse("it saves " + its + " twice.");
  if (to.values.all().size() + to.tensors.size() >= most_values)
    refuse("it saves more than " + std::to_string(most_values) + " values.");
  if (value.kind == TEMPO_TENSOR_VALUE) {
    if (!to.of_instance) refuse(its + " is a tensor, and no option is.");
    if (!value.tensor) refuse(its + " is a tensor without a value.");
    const Tensor tensor = Tensor::borrowed(value.tensor);
    if (tensor.traced()) refuse(its + " is a placeholder of a step, which has no value.");
    to.tensors.emplace_back(value.name, tensor);
    return;
  }
  if (to.of_instance && value.kind != TEMPO_INT64_VALUE)
    refuse(its + " is neither an integer nor a tensor.");
  if (value.kind > TEMPO_TENSOR_VALUE || (value.kind == TEMPO_TEXT_VALUE && !value.text))
    refuse(its + " has no kind or no value.");
  if (value.kind == TEMPO_LIST_VALUE)
    require_list(value.list, value.count, (to.who + ": save_value").c_str(), value.name);
  tempo_attribute clean = value;  // the fields of other kinds may never have been set
  if (value.kind != TEMPO_TEXT_VALUE) clean.text = nullptr;
  if (value.kind != TEMPO_LIST_VALUE) clean.list = nullptr;
  if (value.kind != TEMPO_LAYER_VALUE) clean.layer = nullptr;
  clean.tensor = nullptr;
  to.values.add(clean);
}

std::vector<KeepingLayer> keeping_layers(std::span<const Layer> layers,
                                         std::span<const std::string> names) {
  KeptSearch search;
  for (std::size_t i = 0; i < layers.size(); ++i) search.visit(*layers[i].handle(), names[i]);
  return std::move(search.found);
}

std::vector<InstanceValue> kept_by(tempo_layer& layer) {
  tempo_saving to{layer.path(), true, {}};
  const Scoped now(saving_now, &to);
  run_callback_of(layer, "save",
                  [&] { return layer.type.save(layer.type.user, layer.instance, &layer, &to); });
  std::vector<InstanceValue> out;
  for (const tempo_attribute& a : to.values.all())
    out.push_back({a.name, tensor<int64_t>({a.integer}, {}), true});
  for (const auto& [name, value] : to.tensors) out.push_back({name, value, false});
  return out;
}

void put_back(tempo_layer& layer, const std::vector<InstanceValue>& values, uint32_t version) {
  std::vector<tempo_attribute> all;
  for (const InstanceValue& v : values) {
    all.push_back(tensor_value(v.name, v.value));
    if (!v.is_count) continue;
    all.back().kind = TEMPO_INT64_VALUE;
    all.back().tensor = nullptr;
    all.back().integer = v.value.data<int64_t>()[0];
  }
  const tempo_saved saved{sizeof saved, version, static_cast<uint32_t>(all.size()), all.data()};
  run_callback_of(layer, "load",
                  [&] { return layer.type.load(layer.type.user, layer.instance, &layer, &saved); });
}

void migrate(const tempo_layer_type& type, const std::string& who, uint32_t version,
             const sdk::OptionList& from, sdk::OptionList& to) {
  const std::vector<tempo_attribute>& all = from.all();
  const tempo_saved saved{sizeof saved, version, static_cast<uint32_t>(all.size()), all.data()};
  tempo_saving made{who, false, {}};
  const Scoped now(saving_now, &made);
  run_callback([&] { return type.migrate(type.user, &saved, &made); },
               [&] {
                 return Callee{"migrate of " + who, with_plugin(type), {who, type.name}};
               });
  for (const tempo_attribute& a : made.values.all()) to.add(a);
}

}  // namespace tempo
