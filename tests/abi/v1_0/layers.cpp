// SPDX-License-Identifier: Apache-2.0
// A plugin of version 1.0 of the ABI in C++, without the SDK: a layer round another one, and one
// that scans. It includes the header as it was released, and is never changed.
#include <cstring>
#include <string>
#include <vector>

#include <tempo/plugin.h>

namespace {

const tempo_host* host = nullptr;

tempo_status apply2(const char* name, tempo_tensor* a, tempo_tensor* b, tempo_tensor** out) {
  const tempo_op* op = nullptr;
  tempo_tensor* inputs[2] = {a, b};
  const tempo_status status = host->find_op(name, &op);
  return status == TEMPO_OK ? host->apply(op, inputs, 2, nullptr, 0, out, 1) : status;
}

tempo_status nothing(void*, void*, tempo_layer*, const tempo_inputs*) { return TEMPO_OK; }

// --- y = inner(x) + x, and the mean of what it saw, which it keeps

struct Round {
  tempo_layer* inner = nullptr;
  tempo_tensor* last = nullptr;
  std::string mode;
};
Round& round_of(void* instance) { return *static_cast<Round*>(instance); }

tempo_status create_round(void*, tempo_layer* self, const tempo_creation* creation,
                          void** instance) {
  auto* it = new Round;
  for (uint32_t i = 0; i < creation->n_options; ++i) {
    const tempo_attribute* o = tempo_attribute_at(creation->options, i);
    if (std::strcmp(o->name, "inner") == 0) it->inner = o->layer;
    if (std::strcmp(o->name, "mode") == 0) it->mode = o->text;
  }
  *instance = it;
  if (!it->inner) return host->fail(TEMPO_ERROR, "Round: no layer is given");
  host->retain_layer(it->inner);
  return host->add_child(self, "inner", it->inner);
}
tempo_status destroy_round(void*, void* instance) {
  host->release_layer(round_of(instance).inner);
  host->release(round_of(instance).last);
  delete &round_of(instance);
  return TEMPO_OK;
}
tempo_status build_round(void*, void* instance, tempo_layer*, const tempo_inputs* inputs) {
  return host->build_layer(round_of(instance).inner, inputs);
}
tempo_status call_round(void*, void* instance, tempo_layer*, const tempo_call* call,
                        tempo_results* results) {
  Round& it = round_of(instance);
  tempo_tensor* inner[4] = {};
  tempo_results room{};
  room.size = sizeof room;
  room.capacity = 4;
  room.tensors = inner;
  tempo_call given{};
  given.size = sizeof given;
  given.training = -1;
  given.n_inputs = 1;
  given.inputs = call->inputs;
  tempo_status status = host->call_layer(it.inner, &given, &room);
  if (status == TEMPO_OK)
    status = apply2("tempo.add", inner[0], call->inputs[0], &results->tensors[0]);
  if (status == TEMPO_OK) results->count = 1;
  tempo_view seen{};
  seen.size = sizeof seen;
  if (status == TEMPO_OK && call->training && host->view(call->inputs[0], &seen) == TEMPO_OK &&
      !(seen.flags & TEMPO_TRACED)) {
    host->release(it.last);
    host->retain(it.last = call->inputs[0]);
  }
  for (tempo_tensor* t : inner) host->release(t);
  return status;
}
tempo_status outputs_round(void*, void*, tempo_layer*, const tempo_inputs* inputs,
                           tempo_result_types* outputs) {
  outputs->count = 1;
  outputs->types[0] = inputs->types[0];
  return TEMPO_OK;
}
tempo_status save_round(void*, void* instance, tempo_layer*, tempo_saving* to) {
  tempo_attribute last{};
  last.size = sizeof last;
  last.kind = TEMPO_TENSOR_VALUE;
  last.name = "last";
  last.tensor = round_of(instance).last;
  return last.tensor ? host->save_value(to, &last) : TEMPO_OK;
}
tempo_status load_round(void*, void* instance, tempo_layer*, const tempo_saved* saved) {
  const tempo_attribute* last =
      tempo_attribute_of(saved->values, saved->n_values, "last", TEMPO_TENSOR_VALUE);
  if (!last) return TEMPO_OK;
  host->retain(last->tensor);
  host->release(round_of(instance).last);
  round_of(instance).last = last->tensor;
  return TEMPO_OK;
}
// Version 0 called `mode` the style.
tempo_status migrate_round(void*, const tempo_saved* options, tempo_saving* to) {
  tempo_status status = TEMPO_OK;
  for (uint32_t i = 0; status == TEMPO_OK && i < options->n_values; ++i) {
    tempo_attribute value = *tempo_attribute_at(options->values, i);
    value.size = sizeof value;
    if (std::strcmp(value.name, "style") == 0) value.name = "mode";
    status = host->save_value(to, &value);
  }
  return status;
}
const void* extension_of_round(void*, const char* id) {
  static const int number = 10;
  return std::strcmp(id, "v1_0.number/1") == 0 ? &number : nullptr;
}

// --- the running sums over time, by a scan of the host's; its gradient is three times what it is

tempo_status create_sums(void* user, tempo_layer*, const tempo_creation*, void** instance) {
  *instance = user;
  return TEMPO_OK;
}
tempo_status destroy_sums(void*, void*) { return TEMPO_OK; }
tempo_status step_of_sums(void*, const tempo_step* step) {
  const tempo_status status =
      apply2("tempo.add", step->states[0], step->sequences[0], &step->results[0]);
  if (status == TEMPO_OK) host->retain(step->results[1] = step->results[0]);
  return status;
}
tempo_status rule_of_sums(void*, const tempo_rule* rule) {
  tempo_tensor* twice = nullptr;
  tempo_status status = apply2("tempo.add", rule->dy, rule->dy, &twice);
  if (status == TEMPO_OK) status = apply2("tempo.add", twice, rule->dy, &rule->gradients[0]);
  host->release(twice);
  return status;
}
tempo_status call_sums(void*, void*, tempo_layer*, const tempo_call* call, tempo_results* results) {
  tempo_view seen{};
  seen.size = sizeof seen;
  tempo_status status = host->view(call->inputs[0], &seen);
  if (status != TEMPO_OK) return status;
  if (seen.type.rank != 3) return host->fail(TEMPO_SHAPE_ERROR, "needs [batch, time, features]");
  tempo_type type = seen.type;
  type.rank = 2;
  type.shape[1] = seen.type.shape[2];
  tempo_tensor *first = nullptr, *done[2] = {nullptr, nullptr};
  status = host->make(&type, nullptr, &first);
  tempo_scan scan{};
  scan.size = sizeof scan;
  scan.n_sequences = scan.n_states = scan.n_outputs = 1;
  scan.sequences = call->inputs;
  scan.states = &first;
  scan.step = &step_of_sums;
  if (status == TEMPO_OK) status = host->scan(&scan, done);
  tempo_custom_gradient custom{};
  custom.size = sizeof custom;
  custom.n_inputs = 1;
  custom.value = done[0];
  custom.inputs = call->inputs;
  custom.rule = &rule_of_sums;
  if (status == TEMPO_OK) status = host->custom_gradient(&custom, &results->tensors[0]);
  if (status == TEMPO_OK) results->count = 1;
  for (tempo_tensor* t : {first, done[0], done[1]}) host->release(t);
  return status;
}

tempo_status init(void*, const tempo_host* table, tempo_registry* registry) {
  host = table;
  if (host->size < TEMPO_HOST_SIZE_1_0) return host->fail(TEMPO_PLUGIN_ERROR, "a host below 1.0");
  tempo_option options[2] = {};
  for (tempo_option& o : options) {
    o.size = sizeof o;
    o.sentence = "For a test.";
    o.standard = "";
  }
  options[0].kind = TEMPO_OPTION_LAYER;
  options[0].name = "inner";
  options[1].kind = TEMPO_OPTION_TEXT;
  options[1].name = "mode";
  options[1].standard = "plain";
  options[1].choices = "plain|fancy";
  tempo_layer_type round{};
  round.size = sizeof round;
  round.kind = TEMPO_LAYER;
  round.name = "Round";
  round.summary = "A layer and what it reads.";
  round.options = options;
  round.n_options = 2;
  round.version = 1;
  round.create = &create_round;
  round.destroy = &destroy_round;
  round.build = &build_round;
  round.call = &call_round;
  round.outputs = &outputs_round;
  round.save = &save_round;
  round.load = &load_round;
  round.migrate = &migrate_round;
  round.get_extension = &extension_of_round;
  tempo_layer_type sums{};
  sums.size = sizeof sums;
  sums.kind = TEMPO_LAYER;
  sums.name = "Sums";
  sums.summary = "Running sums.";
  sums.user = &host;
  sums.create = &create_sums;
  sums.destroy = &destroy_sums;
  sums.build = &nothing;
  sums.call = &call_sums;
  const tempo_status status = host->register_layer(registry, &round);
  return status == TEMPO_OK ? host->register_layer(registry, &sums) : status;
}

}  // namespace

extern "C" __attribute__((visibility("default"))) const tempo_plugin* tempo_plugin_v1(void) {
  static const tempo_plugin plugin{sizeof(tempo_plugin),
                                   TEMPO_ABI_MINOR,
                                   PLUGIN_NAME,
                                   "1.0.0",
                                   nullptr,
                                   &init,
                                   nullptr,
                                   nullptr};
  return &plugin;
}
