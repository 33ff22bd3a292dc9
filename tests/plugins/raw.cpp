// SPDX-License-Identifier: Apache-2.0
// A plugin written against plugin.h alone, by an author who did not read it: its callbacks let
// exceptions out, fail without a word and return what cannot be.
#include <stdexcept>
#include <string>

#include <tempo/plugin.h>

namespace {

const tempo_host* host = nullptr;

struct Layer {
  std::string how;
};

void let_out(const Layer& layer, const std::string& where) {
  if (layer.how == where + " std") throw std::runtime_error("let out of " + where);
  if (layer.how == where + " int") throw 7;
}

tempo_status create(void*, tempo_layer*, const tempo_attribute* options, uint32_t n,
                    void** instance) {
  Layer layer;
  for (uint32_t i = 0; i < n; ++i)
    if (options[i].kind == TEMPO_TEXT_VALUE && std::string(options[i].name) == "how")
      layer.how = options[i].text;
  let_out(layer, "create");
  if (layer.how != "creates nothing") *instance = new Layer(layer);
  return TEMPO_OK;
}
void destroy(void* instance) {
  const Layer layer = *static_cast<Layer*>(instance);
  delete static_cast<Layer*>(instance);
  let_out(layer, "destroy");
}
tempo_status build(void* instance, tempo_layer*, const tempo_type*, uint32_t) {
  let_out(*static_cast<Layer*>(instance), "build");
  return TEMPO_OK;
}
tempo_status call(void* instance, tempo_layer*, const tempo_call* call, tempo_tensor** results,
                  uint32_t, uint32_t* count) {
  const Layer& layer = *static_cast<Layer*>(instance);
  let_out(layer, "call");
  if (layer.how == "silent") return TEMPO_ERROR;
  if (layer.how == "strange status") return host->fail(77, "status 77 is none");
  if (layer.how == "fails after all") {
    *count = 4000000000u;
    for (uint32_t i = 0; i < 2; ++i) host->retain(results[i] = call->inputs[0]);
    return host->fail(TEMPO_SHAPE_ERROR, "changed its mind");
  }
  *count = layer.how == "none" ? 0 : layer.how == "too many" ? 1000 : layer.how == "null" ? 2 : 1;
  if (*count) host->retain(results[0] = call->inputs[0]);
  return TEMPO_OK;
}
tempo_status states(void* instance, const tempo_type* inputs, uint32_t, tempo_type* types, uint32_t,
                    uint32_t* count) {
  const int64_t batch = inputs[0].shape[0];
  const Layer& layer = *static_cast<Layer*>(instance);
  let_out(layer, "states");
  *count = layer.how == "many states" ? 5000 : 1;
  types[0] = {sizeof(tempo_type), TEMPO_AUTOMATIC, 2, {batch, 2}};
  if (layer.how == "deep state") types[0].rank = 99;
  if (layer.how == "negative state") types[0].shape[1] = -2;
  return TEMPO_OK;
}
tempo_status initial(void* instance, const tempo_type* inputs, uint32_t, const tempo_call*,
                     tempo_tensor** results, uint32_t, uint32_t* count) {
  const Layer& layer = *static_cast<Layer*>(instance);
  let_out(layer, "initial");
  *count = layer.how == "many first" ? 5000 : layer.how == "none first" ? 0 : 1;
  if (*count == 0 || layer.how == "null first") return TEMPO_OK;
  const int64_t batch = layer.how == "other first" ? 7 : inputs[0].shape[0];
  const tempo_type type{sizeof(tempo_type), TEMPO_FLOAT32, 2, {batch, 2}};
  return host->make(&type, nullptr, &results[0]);
}
tempo_status once(void* instance, const tempo_type*, uint32_t, const tempo_call*, tempo_tensor**,
                  uint32_t, uint32_t* count) {
  const Layer& layer = *static_cast<Layer*>(instance);
  let_out(layer, "once");
  *count = layer.how == "null once" ? 1 : 0;
  return TEMPO_OK;
}
tempo_status reset(void* instance) {
  let_out(*static_cast<Layer*>(instance), "reset");
  return TEMPO_OK;
}

const tempo_option options[] = {
    {sizeof(tempo_option), TEMPO_OPTION_TEXT, "how", "What goes wrong.", "", 0, 0, nullptr}};
const tempo_layer_type layer_type{sizeof(tempo_layer_type),
                                  TEMPO_LAYER,
                                  "RawLayer",
                                  "",
                                  options,
                                  1,
                                  0,
                                  nullptr,
                                  &create,
                                  &destroy,
                                  &build,
                                  &call,
                                  nullptr,
                                  nullptr,
                                  nullptr,
                                  &reset};
const tempo_layer_type cell_type{sizeof(tempo_layer_type),
                                 TEMPO_CELL,
                                 "RawCell",
                                 "",
                                 options,
                                 1,
                                 0,
                                 nullptr,
                                 &create,
                                 &destroy,
                                 &build,
                                 &call,
                                 &states,
                                 &initial,
                                 &once,
                                 &reset};

tempo_status infer(const tempo_type* inputs, uint32_t, const tempo_attribute* attributes,
                   uint32_t n, tempo_type* result) {
  *result = inputs[0];
  const std::string how = n ? attributes[0].text : "";
  if (how == "infer") throw std::runtime_error("let out of infer");
  if (how == "deep") result->rank = 99;
  if (how == "dtype") result->dtype = 12;
  if (how == "automatic") result->dtype = TEMPO_AUTOMATIC;
  if (how == "negative") result->shape[0] = -4;
  return TEMPO_OK;
}
tempo_status kernel(const tempo_type*, const void* const*, uint32_t,
                    const tempo_attribute* attributes, uint32_t n, const tempo_type*, void*) {
  if (n && std::string(attributes[0].text) == "kernel") throw 7;
  return TEMPO_OK;
}
const tempo_op_type op_type{sizeof(tempo_op_type), 1, "raw_op", "", &infer, &kernel, nullptr};

tempo_status init(const tempo_host* table, tempo_registry* registry) {
  host = table;
  if (const tempo_status status = host->register_layer(registry, &layer_type)) return status;
  if (const tempo_status status = host->register_layer(registry, &cell_type)) return status;
  return host->register_op(registry, &op_type);
}

const tempo_plugin plugin{sizeof(tempo_plugin), TEMPO_ABI_MINOR, "raw", "0.0.1", &init};

}  // namespace

extern "C" __attribute__((visibility("default"))) const tempo_plugin* tempo_plugin_v0(void) {
  return &plugin;
}
