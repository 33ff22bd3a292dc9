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

tempo_status create(void*, tempo_layer*, const tempo_creation* creation, void** instance) {
  Layer layer;
  if (const tempo_attribute* how =
          tempo_attribute_of(creation->options, creation->n_options, "how", TEMPO_TEXT_VALUE))
    layer.how = how->text;
  let_out(layer, "create");
  if (layer.how != "creates nothing") *instance = new Layer(layer);
  return TEMPO_OK;
}
tempo_status destroy(void*, void* instance) {
  const Layer layer = *static_cast<Layer*>(instance);
  delete static_cast<Layer*>(instance);
  let_out(layer, "destroy");
  return TEMPO_OK;
}
tempo_status build(void*, void* instance, tempo_layer*, const tempo_inputs*) {
  let_out(*static_cast<Layer*>(instance), "build");
  return TEMPO_OK;
}
tempo_status call(void*, void* instance, tempo_layer*, const tempo_call* call,
                  tempo_results* results) {
  const Layer& layer = *static_cast<Layer*>(instance);
  let_out(layer, "call");
  if (layer.how == "silent") return TEMPO_ERROR;
  if (layer.how == "strange status") return host->fail(77, "status 77 is none");
  if (layer.how == "no memory") return host->fail(TEMPO_OUT_OF_MEMORY, "3 TB are not there");
  if (layer.how == "fails after all") {
    results->count = 4000000000u;
    for (uint32_t i = 0; i < 2; ++i) host->retain(results->tensors[i] = call->inputs[0]);
    return host->fail(TEMPO_SHAPE_ERROR, "changed its mind");
  }
  results->count = layer.how == "none"       ? 0
                   : layer.how == "too many" ? 1000
                   : layer.how == "null"     ? 2
                                             : 1;
  if (results->count) host->retain(results->tensors[0] = call->inputs[0]);
  return TEMPO_OK;
}
tempo_status states(void*, void* instance, tempo_layer*, const tempo_inputs* inputs,
                    tempo_result_types* states) {
  const int64_t batch = inputs->types[0].shape[0];
  const Layer& layer = *static_cast<Layer*>(instance);
  let_out(layer, "states");
  states->count = layer.how == "many states" ? 5000 : 1;
  tempo_type& type = states->types[0];
  type = {sizeof(tempo_type), TEMPO_AUTOMATIC, 2, 0, {batch, 2}};
  if (layer.how == "deep state") type.rank = 99;
  if (layer.how == "negative state") type.shape[1] = -2;
  return TEMPO_OK;
}
tempo_status initial(void*, void* instance, tempo_layer*, const tempo_call* call,
                     tempo_results* states) {
  const Layer& layer = *static_cast<Layer*>(instance);
  let_out(layer, "initial");
  states->count = layer.how == "many first" ? 5000 : layer.how == "none first" ? 0 : 1;
  if (states->count == 0 || layer.how == "null first") return TEMPO_OK;
  const int64_t batch = layer.how == "other first" ? 7 : call->types[0].shape[0];
  const tempo_type type{sizeof(tempo_type), TEMPO_FLOAT32, 2, 0, {batch, 2}};
  return host->make(&type, nullptr, &states->tensors[0]);
}
tempo_status once(void*, void* instance, tempo_layer*, const tempo_call*, tempo_results* results) {
  const Layer& layer = *static_cast<Layer*>(instance);
  let_out(layer, "once");
  results->count = layer.how == "null once" ? 1 : 0;
  return TEMPO_OK;
}
tempo_status reset(void*, void* instance, tempo_layer*) {
  let_out(*static_cast<Layer*>(instance), "reset");
  return TEMPO_OK;
}

const tempo_option options[] = {
    {sizeof(tempo_option), TEMPO_OPTION_TEXT, "how", "What goes wrong.", "", 0, 0, nullptr}};
tempo_layer_type described(const char* name) {
  tempo_layer_type type{};
  type.size = sizeof type;
  type.name = name;
  type.summary = "";
  type.options = options;
  type.n_options = 1;
  type.create = &create;
  type.destroy = &destroy;
  type.build = &build;
  type.call = &call;
  type.reset = &reset;
  return type;
}
tempo_layer_type described_cell() {
  tempo_layer_type type = described("RawCell");
  type.kind = TEMPO_CELL;
  type.states = &states;
  type.initial = &initial;
  type.once = &once;
  return type;
}

std::string told(const tempo_op_call* call) {
  const tempo_attribute* const how =
      tempo_attribute_of(call->attributes, call->n_attributes, "how", TEMPO_TEXT_VALUE);
  return how ? how->text : "";
}
tempo_status infer(void*, const tempo_op_call* call) {
  tempo_type& result = call->result_types[0];
  result = call->input_types[0];
  const std::string how = told(call);
  if (how == "infer") throw std::runtime_error("let out of infer");
  if (how == "deep") result.rank = 99;
  if (how == "dtype") result.dtype = 12;
  if (how == "bfloat16") result.dtype = TEMPO_BFLOAT16;
  if (how == "elsewhere") result.device = 1;
  if (how == "automatic") result.dtype = TEMPO_AUTOMATIC;
  if (how == "negative") result.shape[0] = -4;
  return TEMPO_OK;
}
tempo_status kernel(void*, const tempo_op_call* call) {
  if (told(call) == "kernel") throw 7;
  return TEMPO_OK;
}
const tempo_op_type op_type{
    sizeof(tempo_op_type), 1, 1, 0, "raw_op", "", nullptr, &infer, &kernel, nullptr};

tempo_status init(void*, const tempo_host* table, tempo_registry* registry) {
  host = table;
  const tempo_layer_type layer_type = described("RawLayer"), cell_type = described_cell();
  if (const tempo_status status = host->register_layer(registry, &layer_type)) return status;
  if (const tempo_status status = host->register_layer(registry, &cell_type)) return status;
  return host->register_op(registry, &op_type);
}

const tempo_plugin plugin{
    sizeof(tempo_plugin), TEMPO_ABI_MINOR, "raw", "0.0.1", nullptr, &init, nullptr, nullptr};

}  // namespace

extern "C" __attribute__((visibility("default"))) const tempo_plugin* tempo_plugin_v1(void) {
  return &plugin;
}
