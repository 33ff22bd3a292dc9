// SPDX-License-Identifier: Apache-2.0
// The table of the watching host. Each function counts its calls, fails on demand, and checks the
// handles that it gets; then it calls the function of the real table.
#include "plugin/debug/table.hpp"

#include <algorithm>
#include <atomic>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include <tempo/host.hpp>

#include "plugin/debug/callbacks.hpp"
#include "plugin/debug/handles.hpp"
#include "plugin/host.hpp"

namespace tempo::debug {

namespace {

const tempo_host& real() { return sdk::host(); }

tempo_status refuse() {
  return real().fail(TEMPO_PLUGIN_ERROR, "a handle was given that is not the plugin's to use.");
}

// --- arguments and results that are handles

// A count that is too large for a list is not read: the host refuses it.
bool may_have_all(const std::string& by, tempo_tensor* const* tensors, uint32_t n) {
  for (uint32_t i = 0; tensors && n <= most_of_a_list && i < n; ++i)
    if (!may_use(tensors[i], by)) return false;
  return true;
}
bool may_have_all(const std::string& by, const tempo_call& call) {
  return may_have_all(by, call.inputs, call.n_inputs) &&
         may_have_all(by, call.states, call.n_states) &&
         may_have_all(by, call.constants, call.n_constants) &&
         may_have_all(by, call.once, call.n_once) && may_use(call.mask, by);
}
template <class T>
bool may_have(const std::string& by, const T& given) {
  if constexpr (std::is_convertible_v<T, const tempo_tensor*> ||
                std::is_convertible_v<T, const tempo_layer*>)
    return may_use(given, by);
  else if constexpr (std::is_same_v<T, const tempo_call*>)
    return !given || may_have_all(by, whole(*given));
  else if constexpr (std::is_same_v<T, const tempo_weight*>)
    return !given || may_use(whole(*given).value, by);
  else
    return true;
}

void note(tempo_tensor** out) { given(*out); }
void note(tempo_layer** out) { given(*out); }
template <class T>
void note(const T&) {}
void note(tempo_results* results) {
  for (uint32_t i = 0; i < results->count; ++i) given(results->tensors[i]);
}
void note_all(tempo_tensor* const* tensors, uint64_t n) {
  for (uint64_t i = 0; i < n; ++i) given(tensors[i]);
}

// --- one function

struct Counts {
  std::atomic<uint64_t> calls{0}, failing{0};  // the number of the call that is to fail
};

template <auto Member>
struct Real;
template <class... A, tempo_status (*tempo_host::*Member)(A...)>
struct Real<Member> {
  inline static Counts counts;

  // For functions whose handles are single arguments and single results.
  static tempo_status usual(const std::string& by, A... arguments) {
    if (!(may_have(by, arguments) && ...)) return refuse();
    const tempo_status status = (real().*Member)(arguments...);
    if (status == TEMPO_OK) (note(arguments), ...);
    return status;
  }
  template <auto Watched>
  static tempo_status call(A... arguments) {
    const std::string by = name();
    if (++counts.calls == counts.failing)
      return real().fail(TEMPO_ERROR, (by + ": it fails here, to see what comes of it.").c_str());
    return Watched(by, arguments...);
  }
  static const char*& name() {
    static const char* its = "";
    return its;
  }
};

// --- functions that need more than that

tempo_status retain(const std::string& by, tempo_tensor* tensor) {
  if (!may_use(tensor, by)) return refuse();
  given(tensor);
  return real().retain(tensor);
}
tempo_status release(const std::string& by, tempo_tensor* tensor) {
  return taken(tensor, by) ? real().release(tensor) : refuse();
}
tempo_status retain_layer(const std::string& by, tempo_layer* layer) {
  if (!may_use(layer, by)) return refuse();
  given(layer);
  return real().retain_layer(layer);
}
tempo_status release_layer(const std::string& by, tempo_layer* layer) {
  return taken(layer, by) ? real().release_layer(layer) : refuse();
}
tempo_status view(const std::string& by, const tempo_tensor* tensor, tempo_view* out) {
  if (!may_use(tensor, by)) return refuse();
  const tempo_status status = real().view(tensor, out);
  if (status == TEMPO_OK && out->size >= sizeof *out) lent_for_good(out->mask);
  return status;
}
tempo_status view_layer(const std::string& by, const tempo_layer* layer, tempo_layer_view* out) {
  if (!may_use(layer, by)) return refuse();
  const tempo_status status = real().view_layer(layer, out);
  if (status != TEMPO_OK || out->size < sizeof *out) return status;
  for (uint32_t i = 0; i < out->n_options; ++i)
    lent_for_good(tempo_attribute_at(out->options, i)->layer);
  return status;
}
tempo_status layer_weight(const std::string& by, const tempo_layer* layer, uint32_t index,
                          tempo_tensor** out) {
  if (!may_use(layer, by)) return refuse();
  const tempo_status status = real().layer_weight(layer, index, out);
  if (status == TEMPO_OK) lent_for_good(*out);
  return status;
}
tempo_status layer_child(const std::string& by, const tempo_layer* layer, uint32_t index,
                         tempo_layer** out) {
  if (!may_use(layer, by)) return refuse();
  const tempo_status status = real().layer_child(layer, index, out);
  if (status == TEMPO_OK) lent_for_good(*out);
  return status;
}
tempo_status apply(const std::string& by, const tempo_op* op, tempo_tensor* const* inputs,
                   uint32_t n_inputs, const tempo_attribute* attributes, uint32_t n_attributes,
                   tempo_tensor** results, uint32_t n_results) {
  if (!may_have_all(by, inputs, n_inputs)) return refuse();
  const tempo_status status =
      real().apply(op, inputs, n_inputs, attributes, n_attributes, results, n_results);
  if (status == TEMPO_OK) note_all(results, n_results);
  return status;
}
tempo_status scan(const std::string& by, const tempo_scan* given_scan, tempo_tensor** results) {
  if (!given_scan) return real().scan(given_scan, results);
  WatchedScan watched(*given_scan);
  const tempo_scan& it = watched.scan;
  if (!may_have_all(by, it.sequences, it.n_sequences) ||
      !may_have_all(by, it.states, it.n_states) || !may_have_all(by, it.constants, it.n_constants))
    return refuse();
  const tempo_status status = real().scan(&it, results);
  if (status == TEMPO_OK) note_all(results, uint64_t{it.n_outputs} + it.n_states);
  return status;
}
tempo_status gradient(const std::string& by, tempo_tensor* y, tempo_tensor* dy,
                      tempo_tensor* const* inputs, uint32_t n, tempo_tensor** gradients) {
  if (!may_use(y, by) || !may_use(dy, by) || !may_have_all(by, inputs, n)) return refuse();
  const tempo_status status = real().gradient(y, dy, inputs, n, gradients);
  if (status == TEMPO_OK) note_all(gradients, n);
  return status;
}
tempo_status custom_gradient(const std::string& by, const tempo_custom_gradient* custom,
                             tempo_tensor** out) {
  if (!custom) return real().custom_gradient(custom, out);
  WatchedRule watched(*custom);
  if (!may_use(watched.custom.value, by) ||
      !may_have_all(by, watched.custom.inputs, watched.custom.n_inputs))
    return refuse();
  const tempo_status status = real().custom_gradient(&watched.custom, out);
  if (status == TEMPO_OK) given(*out);
  return status;
}
tempo_status register_layer(const std::string&, tempo_registry* registry,
                            const tempo_layer_type* type) {
  const bool is_whole = type && type->size >= TEMPO_LAYER_TYPE_SIZE_1_0;
  return real().register_layer(registry, is_whole ? &watched(*type) : type);
}
tempo_status register_op(const std::string&, tempo_registry* registry, const tempo_op_type* type) {
  const bool is_whole = type && type->size >= TEMPO_OP_TYPE_SIZE_1_0;
  return real().register_op(registry, is_whole ? &watched(*type) : type);
}

tempo_status register_type(const std::string&, tempo_registry* registry, uint32_t kind,
                           const void* type) {
  const auto* const function = static_cast<const tempo_function_type*>(type);
  const bool is_whole =
      kind <= TEMPO_OPTIMIZER && function && function->size >= TEMPO_FUNCTION_TYPE_SIZE_1_0;
  return real().register_type(registry, kind, is_whole ? &watched(*function) : type);
}
tempo_status call_function(const std::string& by, const tempo_function* function,
                           tempo_tensor* const* inputs, uint32_t n_inputs, tempo_tensor** results,
                           uint32_t n_results) {
  if (!may_have_all(by, inputs, n_inputs)) return refuse();
  const tempo_status status = real().call_function(function, inputs, n_inputs, results, n_results);
  if (status == TEMPO_OK) note_all(results, n_results);
  return status;
}
tempo_status save_value(const std::string& by, tempo_saving* to, const tempo_attribute* value) {
  if (value && value->kind == TEMPO_TENSOR_VALUE && !may_use(value->tensor, by)) return refuse();
  return real().save_value(to, value);
}

// --- all functions

struct Function {
  const char* name;
  Counts* counts;
  void (*put_into)(tempo_host& table);
};

template <auto Member, auto Watched = &Real<Member>::usual>
Function row(const char* name) {
  Real<Member>::name() = name;
  return {name, &Real<Member>::counts,
          [](tempo_host& table) { table.*Member = &Real<Member>::template call<Watched>; }};
}

// `last_error` and `get_extension` are not here: they cannot fail.
#define ROW(function) row<&tempo_host::function>(#function)
#define ROW_OF_ITS_OWN(function) row<&tempo_host::function, &function>(#function)
const std::vector<Function>& functions() {
  static const auto& all = *new std::vector<Function>{ROW(fail),
                                                      ROW(make),
                                                      ROW_OF_ITS_OWN(retain),
                                                      ROW_OF_ITS_OWN(release),
                                                      ROW_OF_ITS_OWN(view),
                                                      ROW(finish),
                                                      ROW(with_mask),
                                                      ROW(parameter),
                                                      ROW(assign),
                                                      ROW(find_op),
                                                      ROW_OF_ITS_OWN(apply),
                                                      ROW_OF_ITS_OWN(scan),
                                                      ROW_OF_ITS_OWN(gradient),
                                                      ROW_OF_ITS_OWN(custom_gradient),
                                                      ROW(recording),
                                                      ROW(initialize),
                                                      ROW(random_key),
                                                      ROW(make_layer),
                                                      ROW(make_layer_of),
                                                      ROW_OF_ITS_OWN(retain_layer),
                                                      ROW_OF_ITS_OWN(release_layer),
                                                      ROW_OF_ITS_OWN(view_layer),
                                                      ROW(build_layer),
                                                      ROW(call_layer),
                                                      ROW(layer_states),
                                                      ROW(layer_initial),
                                                      ROW(layer_once),
                                                      ROW(reset_layer),
                                                      ROW_OF_ITS_OWN(layer_weight),
                                                      ROW_OF_ITS_OWN(layer_child),
                                                      ROW(add_weight),
                                                      ROW(add_child),
                                                      ROW_OF_ITS_OWN(register_layer),
                                                      ROW_OF_ITS_OWN(register_op),
                                                      ROW(penalize),
                                                      ROW(constrain),
                                                      ROW(add_loss),
                                                      ROW(set_trainable),
                                                      ROW(layer_outputs),
                                                      ROW_OF_ITS_OWN(save_value),
                                                      ROW(layer_extension),
                                                      ROW_OF_ITS_OWN(register_type),
                                                      ROW(find_function),
                                                      ROW_OF_ITS_OWN(call_function)};
  return all;
}
#undef ROW
#undef ROW_OF_ITS_OWN

Function const* function_named(const char* name) {
  for (const Function& f : functions())
    if (name && std::string_view(f.name) == name) return &f;
  return nullptr;
}

}  // namespace

const tempo_host& watching_table(const tempo_host& usual) {
  static tempo_host table;  // for the only plugin that is watched
  table = usual;
  for (const Function& f : functions()) f.put_into(table);
  return table;
}

bool has_function(const char* name) {
  return function_named(name) || std::string_view(name) == "last_error" ||
         std::string_view(name) == "get_extension";
}

uint32_t n_functions() { return static_cast<uint32_t>(functions().size()); }
const char* function_name(uint32_t i) { return i < n_functions() ? functions()[i].name : nullptr; }
uint64_t calls_of(const char* function) {
  const Function* const its = function_named(function);
  return its ? its->counts->calls.load() : 0;
}
void fail_call(const char* function, uint64_t nth) {
  for (const Function& f : functions()) f.counts->failing = 0;
  if (const Function* const its = function_named(function))
    its->counts->failing = its->counts->calls + nth;
}

}  // namespace tempo::debug
