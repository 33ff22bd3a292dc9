// SPDX-License-Identifier: Apache-2.0
// The part of the host table for layers and cells.
#include "ops/defaults.hpp"
#include "plugin/host.hpp"
#include "plugin/kept.hpp"
#include "plugin/layer.hpp"
#include "plugin/layer_callback.hpp"
#include "plugin/loader.hpp"

namespace tempo {

namespace {

using sdk::guarded;

void hand_over_layer(const Layer& from, tempo_layer** to) {
  sdk::host().retain_layer(from.handle());
  *to = from.handle();
}

tempo_status make_layer_by_name(uint32_t kind, const char* name, const tempo_attribute* options,
                                uint32_t n, tempo_layer** out) {
  return guarded([&] {
    require(name, "make_layer", "name");
    require_list(options, n, "make_layer", "options");
    require(out, "make_layer", "out");
    if (kind > TEMPO_CELL)
      throw Error("make_layer: there is no kind with the number " + std::to_string(kind) + ".");
    hand_over_layer(new_layer(require_type(kind, name, Search::everywhere),
                              Elements(options, n, "make_layer").all()),
                    out);
  });
}

tempo_status make_layer_of(const tempo_layer_type* type, const tempo_attribute* options, uint32_t n,
                           tempo_layer** out) {
  return guarded([&] {
    require(type, "make_layer_of", "type");
    require_list(options, n, "make_layer_of", "options");
    require(out, "make_layer_of", "out");
    hand_over_layer(new_layer(*type, Elements(options, n, "make_layer_of").all()), out);
  });
}

tempo_status retain_layer(tempo_layer* layer) {
  if (layer) layer->count.fetch_add(1, std::memory_order_relaxed);
  return TEMPO_OK;
}
tempo_status release_layer(tempo_layer* layer) {
  if (layer && layer->count.fetch_sub(1, std::memory_order_acq_rel) == 1) delete layer;
  return TEMPO_OK;
}

tempo_status view_layer(const tempo_layer* layer, tempo_layer_view* out) {
  return guarded([&] {
    require_shown(layer, "view_layer", "layer", out);
    const std::vector<tempo_attribute>& options = layer->options.all();
    const DType dtype = layer->dtype == DType::automatic ? default_dtype() : layer->dtype.load();
    show({.size = out->size,
          .flags = (layer->built() ? uint32_t{TEMPO_BUILT} : 0u) |
                   (layer->is_trainable() ? uint32_t{TEMPO_TRAINABLE} : 0u),
          .id = layer->id,
          .name = layer->name.c_str(),
          .type = &layer->type,
          .options = options.data(),
          .n_options = static_cast<uint32_t>(options.size()),
          .dtype = static_cast<tempo_dtype>(dtype)},
         out);
  });
}

// Checks a layer and the list of types for its inputs.
tempo_inputs required(const tempo_layer* layer, const tempo_inputs* inputs, const char* function) {
  require(layer, function, "layer");
  require(inputs, function, "inputs");
  const tempo_inputs all = whole(*inputs, function);
  require_list(all.types, all.count, function, "types");
  return all;
}

// Checks a call, of a layer or of a callback before the first step, and the room for its results.
tempo_call required(const tempo_layer* layer, const tempo_call* call, const tempo_results* results,
                    const char* function) {
  require(layer, function, "layer");
  require(call, function, "call");
  require_room(results, function, "results");
  require_list(results->tensors, results->capacity, function, "tensors");
  const tempo_call all = whole(*call, function);
  require_list(all.states, all.n_states, function, "states");
  require_list(all.constants, all.n_constants, function, "constants");
  require_list(all.once, all.n_once, function, "once");
  return all;
}

std::vector<TensorType> types_of(const tempo_type* types, uint32_t n) {
  std::vector<TensorType> out;
  for (const tempo_type& type : Elements(types, n, "a list of types")) out.push_back(type_of(type));
  return out;
}

tempo_status build_layer(tempo_layer* layer, const tempo_inputs* given) {
  return guarded([&] {
    const tempo_inputs inputs = required(layer, given, "build_layer");
    const Layer held = Layer::borrowed(layer);
    const DType asked = inputs.count > 0 ? sdk::dtype_of(inputs.types[0]) : DType::automatic;
    build(*layer, types_of(inputs.types, inputs.count),
          is_floating(asked) ? asked : DType::automatic);
  });
}

void give(const tempo_layer& layer, const Tensors& made, tempo_results* results) {
  if (made.size() > results->capacity)
    throw Error(layer.path() + ": it returned " + std::to_string(made.size()) +
                " tensors, room was made for " + std::to_string(results->capacity) + ".");
  results->count = static_cast<uint32_t>(made.size());
  hand_over(made, results->tensors);
}

tempo_status call_layer(tempo_layer* layer, const tempo_call* given, tempo_results* results) {
  return guarded([&] {
    const tempo_call all = required(layer, given, results, "call_layer");
    require_list(all.inputs, all.n_inputs, "call_layer", "inputs");
    const Layer held = Layer::borrowed(layer);
    const Held tensors(all);
    give(*layer, call(*layer, all), results);
  });
}

void give(const tempo_layer& layer, const std::vector<TensorType>& types, const char* what,
          tempo_result_types* room) {
  if (types.size() > room->capacity)
    throw Error(layer.path() + ": it has " + std::to_string(types.size()) + " " + what +
                ", room was made for " + std::to_string(room->capacity) + ".");
  room->count = static_cast<uint32_t>(types.size());
  for (std::size_t i = 0; i < types.size(); ++i)
    room->types[i] = sdk::to_abi(types[i].dtype, types[i].shape);
}

tempo_status layer_states(tempo_layer* cell, const tempo_inputs* given, tempo_result_types* room) {
  return guarded([&] {
    const tempo_inputs inputs = required(cell, given, "layer_states");
    require_room(room, "layer_states", "states");
    require_list(room->types, room->capacity, "layer_states", "types");
    const Layer held = Layer::borrowed(cell);
    give(*cell, states(*cell, types_of(inputs.types, inputs.count)), "states", room);
  });
}

// Leaves an automatic dtype automatic: the cell's weights then decide.
std::vector<TensorType> as_said(const tempo_type* types, uint32_t n) {
  std::vector<TensorType> out = types_of(types, n);
  const Elements all(types, n, "a list of types");
  std::transform(all.begin(), all.end(), out.begin(), out.begin(),
                 [](const tempo_type& said, const TensorType& type) {
                   return TensorType{sdk::dtype_of(said), type.shape};
                 });
  return out;
}

// Shared by the functions for what a cell makes before its first step.
template <class Make>
tempo_status before_steps(tempo_layer* cell, const tempo_call* given, tempo_results* results,
                          const char* function, Make&& make) {
  return guarded([&] {
    tempo_call call = required(cell, given, results, function);
    require_list(call.types, call.n_inputs, function, "types");
    const std::vector<TensorType> inputs = as_said(call.types, call.n_inputs);
    call.inputs = nullptr;
    const Layer held = Layer::borrowed(cell);
    const Held tensors(call);
    give(*cell, make(*cell, inputs, call), results);
  });
}
tempo_status layer_initial(tempo_layer* cell, const tempo_call* call, tempo_results* states) {
  return before_steps(cell, call, states, "layer_initial", initial_states);
}
tempo_status layer_once(tempo_layer* cell, const tempo_call* call, tempo_results* results) {
  return before_steps(cell, call, results, "layer_once", made_once);
}

tempo_status layer_outputs(tempo_layer* layer, const tempo_inputs* given,
                           tempo_result_types* room) {
  return guarded([&] {
    const tempo_inputs inputs = required(layer, given, "layer_outputs");
    require_room(room, "layer_outputs", "outputs");
    require_list(room->types, room->capacity, "layer_outputs", "types");
    const Layer held = Layer::borrowed(layer);
    give(*layer, output_types(*layer, types_of(inputs.types, inputs.count)), "outputs", room);
  });
}

tempo_status save_value_into(tempo_saving* to, const tempo_attribute* value) {
  return guarded([&] {
    require(to, "save_value", "to");
    require(value, "save_value", "value");
    save_value(to, Elements(value, 1, "save_value").all()[0]);
  });
}

tempo_status layer_extension(const tempo_layer* layer, const char* id, const void** out) {
  return guarded([&] {
    require(layer, "layer_extension", "layer");
    require(id, "layer_extension", "id");
    require(out, "layer_extension", "out");
    const tempo_layer_type& type = layer->type;
    *out = extension(type.get_extension, type.user, id,
                     [&] { return callee_of(*layer, "get_extension"); });
  });
}

tempo_status reset_layer(tempo_layer* layer) {
  return guarded([&] {
    require(layer, "reset_layer", "layer");
    const Layer held = Layer::borrowed(layer);
    reset(*layer);
  });
}

tempo_status set_layer_trainable(tempo_layer* layer, int32_t trainable) {
  return guarded([&] {
    require(layer, "set_trainable", "layer");
    set_trainable(*layer, trainable != 0);
  });
}

tempo_status layer_weight(const tempo_layer* layer, uint32_t index, tempo_tensor** out) {
  return guarded([&] {
    require(layer, "layer_weight", "layer");
    require(out, "layer_weight", "out");
    const std::vector<Value*> all = layer->weights();
    *out = index < all.size() ? all[index] : nullptr;
  });
}
tempo_status layer_child(const tempo_layer* layer, uint32_t index, tempo_layer** out) {
  return guarded([&] {
    require(layer, "layer_child", "layer");
    require(out, "layer_child", "out");
    *out = index < layer->children.size() ? layer->children[index].handle() : nullptr;
  });
}

tempo_status add_weight_to(tempo_layer* self, const tempo_weight* weight, tempo_tensor** out) {
  return guarded([&] {
    require(self, "add_weight", "self");
    require(weight, "add_weight", "weight");
    require(out, "add_weight", "out");
    *out = add_weight(*self, whole(*weight, "add_weight")).retained();
  });
}
tempo_status add_child_to(tempo_layer* self, const char* name, tempo_layer* child) {
  return guarded([&] {
    require(self, "add_child", "self");
    require(name, "add_child", "name");
    const bool in_build = self->building.is_mine();
    if ((self->instance || self->has_ended()) && !in_build)
      throw Error(self->path() + ": child `" + name +
                  "` is added when it is made already.\n  A layer adds what it is made of in its "
                  "create or its build.");
    const std::size_t before = self->children.size();
    if (in_build) self->of_build.reserve(self->of_build.size() + 1);
    add_child(*self, name, Layer::borrowed(child));
    if (in_build && self->children.size() > before) self->of_build.push_back(child);
  });
}

}  // namespace

void add_layer_functions(tempo_host& table) {
  table.make_layer = &make_layer_by_name;
  table.make_layer_of = &make_layer_of;
  table.retain_layer = &retain_layer;
  table.release_layer = &release_layer;
  table.view_layer = &view_layer;
  table.build_layer = &build_layer;
  table.call_layer = &call_layer;
  table.layer_states = &layer_states;
  table.layer_initial = &layer_initial;
  table.layer_once = &layer_once;
  table.reset_layer = &reset_layer;
  table.layer_outputs = &layer_outputs;
  table.layer_extension = &layer_extension;
  table.save_value = &save_value_into;
  table.set_trainable = &set_layer_trainable;
  table.layer_weight = &layer_weight;
  table.layer_child = &layer_child;
  table.add_weight = &add_weight_to;
  table.add_child = &add_child_to;
}

}  // namespace tempo
