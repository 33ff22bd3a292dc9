// SPDX-License-Identifier: Apache-2.0
// Wraps the callbacks of a watched plugin, between the host and the plugin.
#include "plugin/debug/callbacks.hpp"

#include <algorithm>
#include <cstddef>
#include <deque>
#include <string>
#include <type_traits>
#include <unordered_map>

#include "plugin/debug/handles.hpp"
#include "plugin/debug/memory.hpp"
#include "plugin/host.hpp"
#include "tensor/process_lock.hpp"

namespace tempo::debug {

namespace {

// The layer of each instance: a `destroy` is not told its layer.
class LayersInUse {
 public:
  void add(void* instance, tempo_layer* layer) {
    const ProcessLock lock(ProcessLock::watching);
    all_.emplace(instance, layer);
  }
  tempo_layer* take(void* instance) {
    const ProcessLock lock(ProcessLock::watching);
    const auto at = all_.find(instance);
    if (at == all_.end()) return nullptr;
    tempo_layer* const layer = at->second;
    all_.erase(at);
    return layer;
  }
  int64_t count() const {
    const ProcessLock lock(ProcessLock::watching);
    return static_cast<int64_t>(all_.size());
  }

 private:
  std::unordered_multimap<void*, tempo_layer*> all_;
};
LayersInUse& layers_in_use() {
  static auto& it = *new LayersInUse;
  return it;
}

// The `user` of a watched type: the original type beside the watched one.
struct Layered {
  tempo_layer_type original, watched;
  std::string by(const char* callback) const {
    return std::string(callback) + " of " + original.name;
  }
};
struct Opped {
  tempo_op_type original, watched;
  std::string by(const char* callback) const {
    return std::string(callback) + " of op " + original.name;
  }
};
struct Functioned {
  tempo_function_type original, watched;
};
template <class Type>
Type& one_more() {
  static auto& all = *new std::deque<Type>;
  const ProcessLock lock(ProcessLock::watching);
  return all.emplace_back();
}

// A callback that borrows and returns no handles: it only gets its own `user` back.
template <auto Member>
struct PassedOn;
template <class Type, class... A, tempo_status (*Type::*Member)(void*, A...)>
struct PassedOn<Member> {
  static tempo_status call(void* user, A... arguments) {
    const auto& type =
        static_cast<
            const std::conditional_t<std::is_same_v<Type, tempo_layer_type>, Layered, Opped>*>(user)
            ->original;
    return (type.*Member)(type.user, arguments...);
  }
  static void put_into(Type& type) {
    if (type.*Member) type.*Member = &call;
  }
};

const Layered& layered(void* user) { return *static_cast<const Layered*>(user); }
const Opped& opped(void* user) { return *static_cast<const Opped*>(user); }

tempo_status create(void* user, tempo_layer* self, const tempo_creation* creation,
                    void** instance) {
  const tempo_layer_type& type = layered(user).original;
  lent_for_good(self);
  for (uint32_t i = 0; i < creation->n_options; ++i)
    lent_for_good(tempo_attribute_at(creation->options, i)->layer);
  const tempo_status status = type.create(type.user, self, creation, instance);
  if (status == TEMPO_OK) layers_in_use().add(*instance, self);
  return status;
}
tempo_status destroy(void* user, void* instance) {
  const tempo_layer_type& type = layered(user).original;
  forget(layers_in_use().take(instance));  // before another layer can get its address
  return type.destroy(type.user, instance);
}

// Shared by all callbacks that get a call and make tensors.
template <class Callback>
tempo_status making(void* user, const char* name, Callback callback, void* instance,
                    tempo_layer* self, const tempo_call* call, tempo_results* results) {
  const Layered& mine = layered(user);
  Lending lending;
  lending.lend(call->inputs, call->inputs ? call->n_inputs : 0);
  lending.lend(call->states, call->n_states);
  lending.lend(call->constants, call->n_constants);
  lending.lend(call->once, call->n_once);
  lending.lend(call->mask);
  const tempo_status status = callback(mine.original.user, instance, self, call, results);
  hand_over(results->tensors, std::min(results->count, results->capacity), mine.by(name));
  return status;
}
tempo_status call(void* user, void* instance, tempo_layer* self, const tempo_call* call,
                  tempo_results* results) {
  return making(user, "call", layered(user).original.call, instance, self, call, results);
}
tempo_status initial(void* user, void* instance, tempo_layer* self, const tempo_call* call,
                     tempo_results* states) {
  return making(user, "initial", layered(user).original.initial, instance, self, call, states);
}
tempo_status once(void* user, void* instance, tempo_layer* self, const tempo_call* call,
                  tempo_results* results) {
  return making(user, "once", layered(user).original.once, instance, self, call, results);
}
tempo_status load(void* user, void* instance, tempo_layer* self, const tempo_saved* saved) {
  const tempo_layer_type& type = layered(user).original;
  Lending lending;
  for (uint32_t i = 0; i < saved->n_values; ++i)
    if (const tempo_attribute* value = tempo_attribute_at(saved->values, i);
        value->kind == TEMPO_TENSOR_VALUE)
      lending.lend(value->tensor);
  return type.load(type.user, instance, self, saved);
}
tempo_status call_of_function(void* user, const tempo_function_call* call) {
  const tempo_function_type& type = static_cast<const Functioned*>(user)->original;
  Lending lending;
  lending.lend(call->inputs, call->n_inputs);
  const tempo_status status = type.call(type.user, call);
  hand_over(call->results, call->n_results, std::string("call of ") + type.name);
  return status;
}
tempo_status kernel(void* user, const tempo_op_call* call) {
  const Opped& mine = opped(user);
  if (!watches_memory()) return mine.original.kernel(mine.original.user, call);
  return run_guarded(mine.original, *call, mine.by("kernel"));
}
tempo_status vjp(void* user, const tempo_op_gradient* gradient) {
  const Opped& mine = opped(user);
  Lending lending;
  lending.lend(gradient->inputs, gradient->n_inputs);
  lending.lend(gradient->results, gradient->n_results);
  lending.lend(gradient->dy, gradient->n_results);
  const tempo_status status = mine.original.vjp(mine.original.user, gradient);
  hand_over(gradient->gradients, gradient->n_inputs, mine.by("vjp"));
  return status;
}

}  // namespace

int64_t live_instances() { return layers_in_use().count(); }

// A callback missing from the list below would get the `user` of this file.
static_assert(sizeof(tempo_layer_type) == offsetof(tempo_layer_type, get_extension) +
                                              sizeof(tempo_layer_type::get_extension) &&
                  sizeof(tempo_op_type) ==
                      offsetof(tempo_op_type, vjp) + sizeof(tempo_op_type::vjp) &&
                  sizeof(tempo_function_type) ==
                      offsetof(tempo_function_type, call) + sizeof(tempo_function_type::call),
              "a new callback has its line below");

const tempo_layer_type& watched(const tempo_layer_type& type) {
  Layered& mine = one_more<Layered>();
  mine.original = mine.watched = whole(type);
  tempo_layer_type& it = mine.watched;
  it.user = &mine;
  if (it.create) it.create = &create;
  if (it.destroy) it.destroy = &destroy;
  PassedOn<&tempo_layer_type::build>::put_into(it);
  if (it.call) it.call = &call;
  PassedOn<&tempo_layer_type::states>::put_into(it);
  if (it.initial) it.initial = &initial;
  if (it.once) it.once = &once;
  PassedOn<&tempo_layer_type::reset>::put_into(it);
  PassedOn<&tempo_layer_type::outputs>::put_into(it);
  PassedOn<&tempo_layer_type::save>::put_into(it);
  if (it.load) it.load = &load;
  PassedOn<&tempo_layer_type::migrate>::put_into(it);
  if (it.get_extension)
    it.get_extension = [](void* user, const char* id) {
      const tempo_layer_type& its = layered(user).original;
      return its.get_extension(its.user, id);
    };
  return it;
}

const tempo_op_type& watched(const tempo_op_type& type) {
  Opped& mine = one_more<Opped>();
  mine.original = mine.watched = whole(type);
  tempo_op_type& it = mine.watched;
  it.user = &mine;
  PassedOn<&tempo_op_type::infer>::put_into(it);
  if (it.kernel) it.kernel = &kernel;
  if (it.vjp) it.vjp = &vjp;
  return it;
}

const tempo_function_type& watched(const tempo_function_type& type) {
  Functioned& mine = one_more<Functioned>();
  mine.original = mine.watched = whole(type);
  mine.watched.user = &mine;
  if (type.call) mine.watched.call = &call_of_function;
  return mine.watched;
}

WatchedScan::WatchedScan(const tempo_scan& given) : scan(whole(given)), given_(scan) {
  if (!scan.step) return;
  scan.step = &step;
  scan.user = this;
}
tempo_status WatchedScan::step(void* user, const tempo_step* step) {
  const tempo_scan& given = static_cast<WatchedScan*>(user)->given_;
  Lending lending;
  lending.lend(step->sequences, step->n_sequences);
  lending.lend(step->states, step->n_states);
  const tempo_status status = given.step(given.user, step);
  hand_over(step->results, uint64_t{step->n_outputs} + step->n_states, "a step of a scan");
  return status;
}

WatchedRule::WatchedRule(const tempo_custom_gradient& given)
    : custom(whole(given)), given_(custom) {
  if (!custom.rule) return;
  custom.rule = &rule;
  custom.user = this;
}
tempo_status WatchedRule::rule(void* user, const tempo_rule* rule) {
  const tempo_custom_gradient& given = static_cast<WatchedRule*>(user)->given_;
  Lending lending;
  lending.lend(rule->dy);
  const tempo_status status = given.rule(given.user, rule);
  hand_over(rule->gradients, rule->n_inputs, "a rule of custom_gradient");
  return status;
}

}  // namespace tempo::debug
