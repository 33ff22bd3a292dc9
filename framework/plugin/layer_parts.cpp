// SPDX-License-Identifier: Apache-2.0
// The parts of a layer: its weights, its children, their names and their paths.
#include <algorithm>
#include <atomic>
#include <memory>
#include <new>
#include <set>

#include <tempo/gradient.hpp>

#include "ops/initializers.hpp"
#include "ops/regularizers.hpp"
#include "plugin/host.hpp"
#include "plugin/layer.hpp"
#include "plugin/layer_name.hpp"

namespace tempo {

namespace {

// Forgets the traced steps of the layer and of those that hold it: they must be traced anew.
void forget_steps(tempo_layer& layer) {
  layer.steps.clear();
  for (tempo_layer* holder : layer.holders) forget_steps(*holder);
}

struct FormerPath {
  std::string text;
  FormerPath* before = nullptr;
};
std::atomic<FormerPath*> former_paths{nullptr};

// A view may show the old path for as long as the weight lives. So if the new path needs more
// memory, the old text is kept for the life of the process.
void set_path(Value& weight, const std::string& path) {
  if (path.size() > weight.path.capacity()) {
    auto former = std::make_unique<FormerPath>();
    former->text.reserve(path.size());
    former->text.swap(weight.path);
    former->before = former_paths.load();
    while (!former_paths.compare_exchange_weak(former->before, former.get())) {
    }
    former.release();
  }
  weight.path = path;
}

void refresh_paths(tempo_layer& layer) {
  forget_steps(layer);  // traced steps show the paths
  for (const tempo_layer::Weight& w : layer.own) set_path(*w.value, layer.path() + "/" + w.name);
  for (const Layer& child : layer.children) refresh_paths(*child.handle());
}

// Whether `inner` is a child of `layer`, directly or not.
bool holds(const tempo_layer& layer, const tempo_layer& inner) {
  return std::any_of(inner.holders.begin(), inner.holders.end(), [&](const tempo_layer* holder) {
    return holder == &layer || holds(layer, *holder);
  });
}

}  // namespace

namespace {

// The rules of a weight, tried on its first value, so that a rule that does not fit is refused here
// and not in a step of training.
std::unique_ptr<const WeightRules> rules_of(const std::string& path, const tempo_weight& given,
                                            const Tensor& value) {
  auto rules = std::make_unique<WeightRules>();
  if (given.regularizer) rules->penalty = regularizer(given.regularizer);
  if (given.constraint) rules->projection = constraint(given.constraint);
  if (!rules->penalty && !rules->projection) return nullptr;
  const NoGradient trying;
  try {
    for (const auto& rule : {rules->penalty, rules->projection})
      if (rule) rule(value);
  } catch (const MissingFunction&) {  // prediction needs no rules
  } catch (const Error& error) {
    throw ShapeError(path + ": " + error.what());
  }
  return rules;
}

void refresh_frozen(tempo_layer& layer) {
  for (const tempo_layer::Weight& w : layer.own)
    w.value->frozen = !w.trainable || !layer.is_trainable();
  for (const Layer& child : layer.children) refresh_frozen(*child.handle());
}

void set_flags(tempo_layer& layer, bool trainable) {
  forget_steps(layer);  // a step may read it
  layer.trainable = trainable;
  layer.was_set = true;
  layer.options.set("trainable", int64_t{trainable});
  for (const Layer& child : layer.children) set_flags(*child.handle(), trainable);
}

}  // namespace

void set_trainable(tempo_layer& layer, bool trainable) {
  set_flags(layer, trainable);
  refresh_frozen(layer);
}

namespace {
// The given value, or that of the initializer.
Tensor first_value(const tempo_layer& self, const std::string& who, const tempo_weight& given) {
  if (given.value && (given.type || given.initializer))
    throw Error(who + " is added with a value and with a type or an initializer.\n  It begins as " +
                "the one or as the other makes it.");
  if (given.value) return Tensor::borrowed(given.value);
  if (!given.type || !given.initializer)
    throw Error(who + " is added without a value (it is Tensor{}).\n  A type and an initializer " +
                "stand for one.");
  if (const std::string fault = fault_of(*given.type); !fault.empty())
    throw ShapeError(who + " has a type that cannot be: " + fault);
  TensorType type = type_of(*given.type);
  const DType its = self.dtype;
  if (given.type->dtype == TEMPO_AUTOMATIC && its != DType::automatic) type.dtype = its;
  return initialize(given.initializer, type);
}
}  // namespace

Tensor add_weight(tempo_layer& self, const tempo_weight& given) {
  if (!given.name) throw Error(self.path() + ": a weight is added without a name.");
  const char* const name = given.name;
  require_name(self.path() + ", name of a weight", name);
  const Tensor value = first_value(self, self.path() + ": weight `" + name + "`", given);
  if (!self.building.is_mine())
    throw Error(self.path() + ": weight `" + name +
                "` is added outside of its build.\n  Weights that come later are in no file and no "
                "optimizer.");
  for (const tempo_layer::Weight& w : self.own)
    if (w.name == name) throw Error(self.path() + ": it has a weight `" + name + "` already.");
  if (value.traced())
    throw Error(self.path() + ": weight `" + name +
                "` was added while a step is traced; build the layer before it is used in a step.");
  if (given.trainable && !is_floating(value.dtype()))
    throw Error(self.path() + ": weight `" + name + "` is " +
                to_string(value.shape(), value.dtype()) +
                ", and optimizers change float32 and float64 alone.\n  Add it with .trainable = "
                "false.");
  Ref<Value> weight = make_value(value.handle()->array);
  weight->weight = true;
  weight->tracked = is_floating(value.dtype());
  weight->frozen = given.trainable == 0 || !self.is_trainable();
  weight->path.reserve(64);  // so that a longer path rarely moves it
  set_path(*weight, self.path() + "/" + name);
  weight->rules = rules_of(weight->path, given, value);
  self.own.push_back({name, weight, given.trainable != 0});
  return to_tensor(std::move(weight));
}

void add_child(tempo_layer& self, const char* name, const Layer& child) {
  if (!child)
    throw Error(self.path() + ": child `" + name + "` was never given a value (it is Layer{}).");
  tempo_layer& added = *child.handle();
  if (&added == &self || holds(added, self))
    throw Error(self.path() + ": child `" + name + "` holds it, so it cannot be a child of it.");
  std::vector<std::string> taken;
  for (const Layer& other : self.children) {
    if (other.handle() == &added) return;
    taken.push_back(other.name());
  }
  const bool first = added.holders.empty();  // a shared child keeps its name
  const std::string wanted = first ? name : added.name;
  const std::string its_name = name_beside(self.path(), taken, child, wanted);
  if (!first && its_name != wanted)
    throw Error(self.path() + ": two of its layers are named `" + wanted + "`, and `" +
                added.path() + "` keeps its name.\n  Give each a name of its own.");
  added.holders.push_back(&self);
  self.children.push_back(child);
  if (first) name_layer(child, its_name);
  refresh_frozen(added);
}

namespace {
void let_go(const tempo_layer& self, tempo_layer& child) noexcept {
  std::erase(child.holders, &self);
  refresh_frozen(child);
  try {
    refresh_paths(child);
  } catch (const std::bad_alloc&) {  // errors then show the old paths
  }
}
}  // namespace

void let_go_of_children(tempo_layer& self) noexcept {
  for (const Layer& child : self.children) let_go(self, *child.handle());
}

void forget_build(tempo_layer& self) noexcept {
  self.own.clear();
  for (const tempo_layer* added : self.of_build) {
    const auto at = std::find_if(self.children.begin(), self.children.end(),
                                 [&](const Layer& child) { return child.handle() == added; });
    const Layer child = *at;  // its destroy may look at the other children
    self.children.erase(at);
    let_go(self, *child.handle());
  }
  self.of_build.clear();
}

void name_layer(const Layer& layer, const std::string& name) {
  require_name(layer.type_name() + ", name", name);
  layer.handle()->name = name;
  layer.handle()->named = true;
  refresh_paths(*layer.handle());
}

std::string name_beside(const std::string& who, const std::vector<std::string>& taken,
                        const Layer& layer, const std::string& wanted) {
  const std::set<std::string> all(taken.begin(), taken.end());
  if (!all.count(wanted)) return wanted;
  const tempo_attribute* own = layer.handle()->options.find("name");
  if (own && own->text && *own->text)
    throw Error(who + ": two layers are named `" + wanted + "`.\n  Give each a name of its own.");
  int number = 1;
  while (all.count(wanted + "_" + std::to_string(number))) ++number;
  return wanted + "_" + std::to_string(number);
}

}  // namespace tempo
