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
    hand_over_layer(new_layer(require_type(kind, name, Search::everywhere), {options, n}), out);
  });
}

tempo_status make_layer_of(const tempo_layer_type* type, const tempo_attribute* options, uint32_t n,
                           tempo_layer** out) {
  return guarded([&] { hand_over_layer(new_layer(*type, {options, n}), out); });
}

void retain_layer(tempo_layer* layer) { layer->count.fetch_add(1, std::memory_order_relaxed); }
void release_layer(tempo_layer* layer) {
  if (layer->count.fetch_sub(1, std::memory_order_acq_rel) == 1) delete layer;
}

void view_layer(const tempo_layer* layer, tempo_layer_view* out) {
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

std::vector<TensorType> types_of(const tempo_type* types, uint32_t n) {
  std::vector<TensorType> out;
  for (uint32_t i = 0; i < n; ++i) out.push_back(type_of(types[i]));
  return out;
}

tempo_status build_layer(tempo_layer* layer, const tempo_type* inputs, uint32_t n) {
  return guarded([&] {
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
  return guarded([&] { give(*layer, call(*layer, whole(*options)), results, capacity, count); });
}

tempo_status layer_states(tempo_layer* cell, const tempo_type* inputs, uint32_t n, tempo_type* out,
                          uint32_t capacity, uint32_t* count) {
  return guarded([&] {
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
  for (uint32_t i = 0; i < n; ++i) out[i].dtype = sdk::dtype_of(types[i]);
  return out;
}

tempo_status layer_initial(tempo_layer* cell, const tempo_type* inputs, uint32_t n,
                           const tempo_call* options, tempo_tensor** results, uint32_t capacity,
                           uint32_t* count) {
  return guarded([&] {
    give(*cell, initial_states(*cell, as_said(inputs, n), whole(*options)), results, capacity,
         count);
  });
}

tempo_status layer_once(tempo_layer* cell, const tempo_type* inputs, uint32_t n,
                        const tempo_call* options, tempo_tensor** results, uint32_t capacity,
                        uint32_t* count) {
  return guarded([&] {
    give(*cell, made_once(*cell, as_said(inputs, n), whole(*options)), results, capacity, count);
  });
}

tempo_status reset_layer(tempo_layer* layer) {
  return guarded([&] { reset(*layer); });
}

tempo_status set_layer_trainable(tempo_layer* layer, int32_t trainable) {
  return guarded([&] { set_trainable(*layer, trainable != 0); });
}

tempo_tensor* layer_weight(const tempo_layer* layer, uint32_t index) {
  const std::vector<Value*> all = layer->weights();
  return index < all.size() ? all[index] : nullptr;
}
tempo_layer* layer_child(const tempo_layer* layer, uint32_t index) {
  return index < layer->children.size() ? layer->children[index].handle() : nullptr;
}

tempo_status add_weight_to(tempo_layer* self, const tempo_weight* weight, tempo_tensor** out) {
  return guarded([&] { *out = add_weight(*self, whole(*weight)).retained(); });
}
tempo_status add_child_to(tempo_layer* self, const char* name, tempo_layer* child) {
  return guarded([&] { add_child(*self, name, Layer::borrowed(child)); });
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
