// SPDX-License-Identifier: Apache-2.0
// The callbacks of a layer that is a model, and the function that makes one.
#include "training/models/model_layer.hpp"

#include <tempo/gradient.hpp>

#include "graph/trace.hpp"
#include "plugin/side_effects.hpp"
#include "tensor/process_lock.hpp"

namespace tempo {

namespace {

struct Instance {
  std::shared_ptr<ModelState> model;
  tempo_layer* layer;
};

tempo_status create(void*, tempo_layer* self, const tempo_creation*, void**) {
  return sdk::guarded([&] {
    throw Error(self->name +
                ": it is a model, and no second one can be made from its options.\n  Make another "
                "model as this one was made.");
  });
}

tempo_status destroy(void*, void* instance) {
  const std::unique_ptr<Instance> of(static_cast<Instance*>(instance));
  const ProcessLock lock(ProcessLock::models);
  if (of->model->as_layer == of->layer) of->model->as_layer = nullptr;
  return TEMPO_OK;
}

// Traces on types alone, unless a layer reads values in its call; any batch may follow.
tempo_status build(void*, void* instance, tempo_layer*, const tempo_inputs* inputs) {
  return sdk::guarded([&] {
    ModelState& model = *static_cast<Instance*>(instance)->model;
    if (model.built()) return;
    ModelState::Seen of;
    for (const tempo_type& type : std::span(inputs->types, inputs->count)) {
      of.inputs.push_back(sdk::shape_of(type));
      if (of.inputs.back().rank() > 0) of.inputs.back()[0] = -1;
      of.input_dtypes.push_back(sdk::dtype_of(type));
    }
    SideEffects of_trying;
    try {
      const Trace types_alone;
      return model.build(of);
    } catch (const FormatError&) {
      throw;
    } catch (const Error&) {
    }
    model.build(of);
  });
}

Tensors borrowed(tempo_tensor* const* tensors, uint32_t n) {
  Tensors out;
  for (uint32_t i = 0; i < n; ++i) out.push_back(Tensor::borrowed(tensors[i]));
  return out;
}

tempo_status call(void*, void* instance, tempo_layer*, const tempo_call* call,
                  tempo_results* results) {
  return sdk::guarded([&] {
    ModelState& model = *static_cast<Instance*>(instance)->model;
    const Tensors out = model.call(borrowed(call->inputs, call->n_inputs),
                                   {.training = call->training != 0,
                                    .mask = Tensor::borrowed(call->mask),
                                    .initial_state = borrowed(call->states, call->n_states),
                                    .constants = borrowed(call->constants, call->n_constants)});
    if (out.size() > results->capacity)
      throw Error(model.name + ": it returned " + std::to_string(out.size()) +
                  " tensors; at most " + std::to_string(results->capacity) + " can be returned.");
    results->count = static_cast<uint32_t>(out.size());
    for (std::size_t i = 0; i < out.size(); ++i) results->tensors[i] = out[i].retained();
  });
}

tempo_layer_type type_named(const char* name, const char* summary) {
  tempo_layer_type type{};
  type.size = sizeof type;
  type.kind = TEMPO_LAYER;
  type.name = name;
  type.summary = summary;
  type.create = &create;
  type.destroy = &destroy;
  type.build = &build;
  type.call = &call;
  return type;
}
const tempo_layer_type sequential = type_named("Sequential", "A stack of layers."),
                       of_function = type_named("Model", "Layers and a function of them.");

}  // namespace

// If the last holder has just released the layer, destroy is waiting for the lock: the memory still
// exists, and its count is 0 or that of one that has ended.
Layer held_layer_of(const ModelState& model) {
  const ProcessLock lock(ProcessLock::models);
  tempo_layer* const layer = model.as_layer;
  uint32_t count = layer ? layer->count.load(std::memory_order_relaxed) : 0;
  while (count > 0 && count < tempo_layer::ended)
    if (layer->count.compare_exchange_weak(count, count + 1, std::memory_order_acq_rel))
      return Layer(layer);
  return {};
}

Layer layer_of(const std::shared_ptr<ModelState>& model) {
  if (model->float_model)
    throw Error(
        model->name +
        ": a model in int8 cannot be part of another.\n  Make the other of the float model, "
        "and call quantised on that.");
  const ProcessLock lock(ProcessLock::models);
  if (Layer held = held_layer_of(*model)) return held;
  sdk::OptionList options;
  if (model->named) options.add("name", model->name);
  if (!model->trainable) options.add("trainable", int64_t{0});
  const tempo_layer_type& type = model->function ? of_function : sequential;
  Layer made(new tempo_layer(type, options.all()));
  tempo_layer& layer = *made.handle();
  layer.name = model->name;
  layer.instance = new Instance{model, &layer};
  for (std::size_t i = 0; i < model->layers.size(); ++i)
    add_child(layer, model->names[i].c_str(), model->layers[i]);
  model->as_layer = &layer;
  return made;
}

std::shared_ptr<ModelState> model_in(const Layer& layer) {
  const tempo_layer& of = *layer.handle();
  if (&of.type != &sequential && &of.type != &of_function) return nullptr;
  return static_cast<Instance*>(of.instance)->model;
}

}  // namespace tempo
