// SPDX-License-Identifier: Apache-2.0
// The part of the host table for layers and cells.
#include "ops/defaults.hpp"
#include "plugin/host.hpp"
#include "plugin/layer.hpp"
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

void retain_layer(tempo_layer* layer) {
  if (layer) layer->count.fetch_add(1, std::memory_order_relaxed);
}
void release_layer(tempo_layer* layer) {
  if (layer && layer->count.fetch_sub(1, std::memory_order_acq_rel) == 1) delete layer;
}

void view_layer(const tempo_layer* layer, tempo_layer_view* out) {
  if (!can_show(layer, "view_layer", "layer", out)) return;
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
}

// A layer and the types of its inputs.
void require_typed(const tempo_layer* layer, const tempo_type* inputs, uint32_t n,
                   const char* function) {
  require(layer, function, "layer");
  require_list(inputs, n, function, "inputs");
}

// A layer, a call of it, and room for what it gives.
void require_call(const tempo_layer* layer, const tempo_call* call, tempo_tensor** results,
                  uint32_t capacity, const uint32_t* count, const char* function) {
  require(layer, function, "layer");
  require(call, function, "call");
  require_list(results, capacity, function, "results");
  require(count, function, "count");
  const tempo_call all = whole(*call);
  require_list(all.inputs, all.n_inputs, function, "inputs");
  require_list(all.states, all.n_states, function, "states");
  require_list(all.constants, all.n_constants, function, "constants");
  require_list(all.once, all.n_once, function, "once");
}

std::vector<TensorType> types_of(const tempo_type* types, uint32_t n) {
  std::vector<TensorType> out;
  for (const tempo_type& type : Elements(types, n, "a list of types")) out.push_back(type_of(type));
  return out;
}

tempo_status build_layer(tempo_layer* layer, const tempo_type* inputs, uint32_t n) {
  return guarded([&] {
    require_typed(layer, inputs, n, "build_layer");
    const DType asked = n > 0 ? sdk::dtype_of(inputs[0]) : DType::automatic;
    build(*layer, types_of(inputs, n), is_floating(asked) ? asked : DType::automatic);
  });
}

void give(const tempo_layer& layer, const Tensors& made, tempo_tensor** results, uint32_t capacity,
          uint32_t* count) {
  if (made.size() > capacity)
    throw Error(layer.path() + ": it returned " + std::to_string(made.size()) +
                " tensors, room was made for " + std::to_string(capacity) + ".");
  *count = static_cast<uint32_t>(made.size());
  hand_over(made, results);
}

tempo_status call_layer(tempo_layer* layer, const tempo_call* options, tempo_tensor** results,
                        uint32_t capacity, uint32_t* count) {
  return guarded([&] {
    require_call(layer, options, results, capacity, count, "call_layer");
    give(*layer, call(*layer, whole(*options)), results, capacity, count);
  });
}

tempo_status layer_states(tempo_layer* cell, const tempo_type* inputs, uint32_t n, tempo_type* out,
                          uint32_t capacity, uint32_t* count) {
  return guarded([&] {
    require_typed(cell, inputs, n, "layer_states");
    require_list(out, capacity, "layer_states", "states");
    require(count, "layer_states", "count");
    const std::vector<TensorType> types = states(*cell, types_of(inputs, n));
    if (types.size() > capacity)
      throw Error(cell->path() + ": it has " + std::to_string(types.size()) +
                  " states, room was made for " + std::to_string(capacity) + ".");
    *count = static_cast<uint32_t>(types.size());
    for (std::size_t i = 0; i < types.size(); ++i)
      out[i] = sdk::to_abi(types[i].dtype, types[i].shape);
  });
}

// Of a dtype that is not said, the types say so: the cell's weights decide.
std::vector<TensorType> as_said(const tempo_type* types, uint32_t n) {
  std::vector<TensorType> out = types_of(types, n);
  const Elements all(types, n, "a list of types");
  std::transform(all.begin(), all.end(), out.begin(), out.begin(),
                 [](const tempo_type& said, const TensorType& type) {
                   return TensorType{sdk::dtype_of(said), type.shape};
                 });
  return out;
}

tempo_status layer_initial(tempo_layer* cell, const tempo_type* inputs, uint32_t n,
                           const tempo_call* options, tempo_tensor** results, uint32_t capacity,
                           uint32_t* count) {
  return guarded([&] {
    require_typed(cell, inputs, n, "layer_initial");
    require_call(cell, options, results, capacity, count, "layer_initial");
    give(*cell, initial_states(*cell, as_said(inputs, n), whole(*options)), results, capacity,
         count);
  });
}

tempo_status layer_once(tempo_layer* cell, const tempo_type* inputs, uint32_t n,
                        const tempo_call* options, tempo_tensor** results, uint32_t capacity,
                        uint32_t* count) {
  return guarded([&] {
    require_typed(cell, inputs, n, "layer_once");
    require_call(cell, options, results, capacity, count, "layer_once");
    give(*cell, made_once(*cell, as_said(inputs, n), whole(*options)), results, capacity, count);
  });
}

tempo_status reset_layer(tempo_layer* layer) {
  return guarded([&] {
    require(layer, "reset_layer", "layer");
    reset(*layer);
  });
}

tempo_status set_layer_trainable(tempo_layer* layer, int32_t trainable) {
  return guarded([&] {
    require(layer, "set_trainable", "layer");
    set_trainable(*layer, trainable != 0);
  });
}

tempo_tensor* layer_weight(const tempo_layer* layer, uint32_t index) {
  tempo_tensor* found = nullptr;
  guarded([&] {
    require(layer, "layer_weight", "layer");
    const std::vector<Value*> all = layer->weights();
    if (index < all.size()) found = all[index];
  });
  return found;
}
tempo_layer* layer_child(const tempo_layer* layer, uint32_t index) {
  tempo_layer* found = nullptr;
  guarded([&] {
    require(layer, "layer_child", "layer");
    if (index < layer->children.size()) found = layer->children[index].handle();
  });
  return found;
}

tempo_status add_weight_to(tempo_layer* self, const tempo_weight* weight, tempo_tensor** out) {
  return guarded([&] {
    require(self, "add_weight", "self");
    require(weight, "add_weight", "weight");
    require(out, "add_weight", "out");
    *out = add_weight(*self, whole(*weight)).retained();
  });
}
tempo_status add_child_to(tempo_layer* self, const char* name, tempo_layer* child) {
  return guarded([&] {
    require(self, "add_child", "self");
    require(name, "add_child", "name");
    if (self->instance && !self->building.is_mine())
      throw Error(self->path() + ": child `" + name +
                  "` is added when it is made already.\n  A layer adds what it is made of in its "
                  "create or its build.");
    add_child(*self, name, Layer::borrowed(child));
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
  table.set_trainable = &set_layer_trainable;
  table.layer_weight = &layer_weight;
  table.layer_child = &layer_child;
  table.add_weight = &add_weight_to;
  table.add_child = &add_child_to;
}

}  // namespace tempo
