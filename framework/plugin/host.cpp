// The host table: plugin.h on one side, the framework on the other.
#include "autograd/walk.hpp"
#include "graph/trace.hpp"
#include "ops/defaults.hpp"
#include "ops/initializers.hpp"
#include "plugin/error_state.hpp"
#include "plugin/layer.hpp"
#include "plugin/loader.hpp"
#include "scan/scan.hpp"

#include <algorithm>
#include <cstring>

namespace tempo {

namespace {

using sdk::guarded;

// What the caller knows of a struct; the rest is 0.
template <class Struct>
Struct whole(const Struct& given) {
  if (given.size == sizeof given) return given;
  Struct all{};
  std::memcpy(&all, &given, std::min<std::size_t>(given.size, sizeof all));
  all.size = sizeof all;
  return all;
}
// Fills in what the caller has room for.
template <class Struct>
void show(const Struct& seen, Struct* room) {
  if (room->size == sizeof seen)
    *room = seen;
  else
    std::memcpy(room, &seen, std::min<std::size_t>(room->size, sizeof seen));
}

TensorType type_of(const tempo_type& type) {
  if (type.rank > TEMPO_MAX_RANK)
    throw ShapeError("a tensor may have at most 8 axes, got " + std::to_string(type.rank) + ".");
  if (type.dtype < TEMPO_AUTOMATIC || type.dtype > TEMPO_BOOL)
    throw ShapeError("there is no dtype with the number " + std::to_string(type.dtype) + ".");
  DType dtype = sdk::dtype_of(type);
  if (dtype == DType::automatic) dtype = default_dtype();
  const Shape shape = sdk::shape_of(type);
  for (const int64_t extent : shape)
    if (extent < 0)
      throw ShapeError("a tensor cannot have the shape " + to_string(shape) +
                       "; no axis can be negative.");
  return {dtype, shape};
}

Attributes attributes_of(const tempo_attribute* attributes, uint32_t n) {
  Attributes out;
  out.reserve(n);
  for (uint32_t i = 0; i < n; ++i) {
    const tempo_attribute& a = attributes[i];
    switch (a.kind) {
      case TEMPO_INT64_VALUE: out.set(a.name, a.integer); break;
      case TEMPO_DOUBLE_VALUE: out.set(a.name, a.real); break;
      case TEMPO_TEXT_VALUE: out.set(a.name, std::string(a.text)); break;
      case TEMPO_LIST_VALUE: out.set(a.name, std::vector<int64_t>(a.list, a.list + a.count)); break;
      default: throw Error(std::string("attribute `") + a.name + "`: an op takes no layer.");
    }
  }
  return out;
}

void require_given(const tempo_tensor* tensor, const char* what) {
  if (!tensor) throw Error(std::string(what) + " was never given a value (it is Tensor{}).");
}
void require_given(const tempo_tensor* tensor, const char* what, uint32_t i) {
  if (!tensor) require_given(tensor, (what + std::to_string(i)).c_str());
}

std::vector<Ref<Value>> share(tempo_tensor* const* tensors, uint32_t n) {
  std::vector<Ref<Value>> out;
  out.reserve(n);
  for (uint32_t i = 0; i < n; ++i) {
    require_given(tensors[i], "input ", i);
    out.push_back(Ref<Value>::share(tensors[i]));
  }
  return out;
}

void hand_over(std::vector<Ref<Value>> from, tempo_tensor** to) {
  for (std::size_t i = 0; i < from.size(); ++i) to[i] = from[i].give_up();
}
void hand_over(const Tensors& from, tempo_tensor** to) {
  for (std::size_t i = 0; i < from.size(); ++i) to[i] = from[i].retained();
}
void hand_over(const Layer& from, tempo_layer** to) {
  sdk::host().retain_layer(from.handle());
  *to = from.handle();
}

// --- tensors

tempo_status make(const tempo_type* type, const void* data, tempo_tensor** out) {
  return guarded([&] {
    Array array(type_of(*type));
    if (data)
      std::memcpy(array.view().data, data, array.type().bytes());
    else
      std::memset(array.view().data, 0, array.type().bytes());
    *out = make_value(std::move(array)).give_up();
  });
}

tempo_status finish(const tempo_tensor* tensor) {
  return guarded([&] { tensor->array.finish(); });
}

void view(const tempo_tensor* tensor, tempo_view* out) {
  uint32_t flags = 0;
  if (tensor->tracked) flags |= TEMPO_TRACKED;
  if (tensor->trace) flags |= TEMPO_TRACED;
  if (tensor->frozen) flags |= TEMPO_FROZEN;
  if (!tensor->array.done()) flags |= TEMPO_PENDING;
  show({.size = out->size,
        .flags = flags,
        .type = sdk::to_abi(tensor->type.dtype, tensor->type.shape),
        .data = tensor->trace ? nullptr : tensor->array.place().data,
        .path = tensor->path.c_str(),
        .mask = tensor->mask.get()},
       out);
}

void require_mask_fits(const TensorType& tensor, const TensorType& mask) {
  const int rank = mask.shape.rank();
  if (mask.dtype == bool_ && rank <= tensor.shape.rank() &&
      std::equal(mask.shape.begin(), mask.shape.end(), tensor.shape.begin()))
    return;
  throw ShapeError("with_mask: the mask does not fit the tensor\n  tensor  " + to_string(tensor) +
                   "\n  mask    " + to_string(mask) +
                   "\n  It must be bool, of the tensor's first axes: [batch, time], true where a "
                   "step counts.");
}

// The same node under another handle: gradients see no difference.
tempo_status with_mask(tempo_tensor* tensor, tempo_tensor* mask, tempo_tensor** out) {
  return guarded([&] {
    require_given(tensor, "with_mask: the tensor");
    if (!tensor->from && tensor->tracked)
      throw Error("with_mask: a parameter carries no mask; put it on what is computed from it.");
    if (mask) require_mask_fits(tensor->type, mask->type);
    Ref<Value> masked(new Value);
    masked->type = tensor->type;
    masked->array = tensor->array;
    masked->from = tensor->from;
    masked->index = tensor->index;
    masked->trace = tensor->trace;
    masked->tracked = tensor->tracked;
    masked->path = tensor->path;
    if (mask) masked->mask = Ref<Value>::share(mask);
    *out = masked.give_up();
  });
}

tempo_status parameter(tempo_tensor* value, const char* path, tempo_tensor** out) {
  return guarded([&] {
    require_given(value, "parameter: its value");
    if (!is_floating(value->type.dtype))
      throw ShapeError("parameter: needs float32 or float64, got " + to_string(value->type) + ".");
    if (value->trace)
      throw Error("parameter: a placeholder of a traced step has no value to start from.");
    Ref<Value> made = make_value(value->array);
    made->tracked = true;
    made->weight = true;
    made->path = path ? path : "";
    *out = made.give_up();
  });
}

tempo_status assign(tempo_tensor* weight, tempo_tensor* value) {
  return guarded([&] {
    require_given(weight, "assign: the weight");
    require_given(value, "assign: the value");
    const std::string name = weight->path.empty() ? "(no name)" : weight->path;
    if (!weight->weight)
      throw Error("assign: " + to_string(weight->type) +
                  " is not a weight; make it with parameter(x).");
    if (value->trace || weight->trace)
      throw Error("assign: weight `" + name + "` cannot change while a step is traced.");
    if (!(weight->type == value->type))
      throw ShapeError("assign: the value does not fit the weight\n  weight  " +
                       to_string(weight->type) + "   " + name + "\n  value   " +
                       to_string(value->type));
    weight->array = value->array;
    ++weight->version;
  });
}

// --- ops, scan, gradients

tempo_status find_op_by_name(const char* name, const tempo_op** out) {
  return guarded([&] {
    *out = find_op(name);
    if (!*out)
      throw PluginError(std::string("there is no op named `") + name +
                        "`; load the plugin that has it first.");
  });
}

tempo_status apply_op(const tempo_op* op, tempo_tensor* const* inputs, uint32_t n_inputs,
                      const tempo_attribute* attributes, uint32_t n_attributes,
                      tempo_tensor** results, uint32_t n_results) {
  return guarded([&] {
    hand_over(
        apply(*op, share(inputs, n_inputs), attributes_of(attributes, n_attributes), n_results),
        results);
  });
}

tempo_status scan(const tempo_scan* given, tempo_tensor** results) {
  return guarded([&] {
    const tempo_scan call = whole(*given);
    for (uint32_t i = 0; i < call.n_sequences; ++i)
      require_given(call.sequences[i], "scan: sequence ", i);
    for (uint32_t i = 0; i < call.n_states; ++i) require_given(call.states[i], "scan: state ", i);
    for (uint32_t i = 0; i < call.n_constants; ++i)
      require_given(call.constants[i], "scan: constant ", i);
    tempo_layer* const layer = called_layer();
    if (FirstStates* seen = FirstStates::current()) {
      seen->states.clear();
      for (uint32_t i = 0; i < call.n_states; ++i)
        seen->states.push_back(Tensor::borrowed(call.states[i]));
    }
    hand_over(run_scan(call, layer ? &layer->steps : nullptr), results);
  });
}

tempo_status gradient(tempo_tensor* y, tempo_tensor* dy, tempo_tensor* const* inputs, uint32_t n,
                      tempo_tensor** gradients) {
  return guarded([&] {
    require_given(y, "gradient: y");
    Tensors in;
    in.reserve(n);
    for (uint32_t i = 0; i < n; ++i) {
      require_given(inputs[i], "gradient: input ", i);
      in.push_back(Tensor::borrowed(inputs[i]));
    }
    hand_over(gradient_of(Tensor::borrowed(y), Tensor::borrowed(dy), in), gradients);
  });
}

int32_t recording_switch(int32_t on) { return set_recording(on != 0); }

tempo_status initialize_tensor(const char* initializer, const tempo_type* type,
                               tempo_tensor** out) {
  return guarded([&] { *out = initialize(initializer, type_of(*type)).retained(); });
}

tempo_status random_key_for(int64_t seed, tempo_tensor** out) {
  return guarded([&] { *out = random_key(seed).retained(); });
}

// --- layers

tempo_status make_layer_by_name(uint32_t kind, const char* name, const tempo_attribute* options,
                                uint32_t n, tempo_layer** out) {
  return guarded([&] {
    hand_over(new_layer(require_type(kind, name, Search::everywhere), {options, n}), out);
  });
}

tempo_status make_layer_of(const tempo_layer_type* type, const tempo_attribute* options, uint32_t n,
                           tempo_layer** out) {
  return guarded([&] { hand_over(new_layer(*type, {options, n}), out); });
}

void retain_layer(tempo_layer* layer) { layer->count.fetch_add(1, std::memory_order_relaxed); }
void release_layer(tempo_layer* layer) {
  if (layer->count.fetch_sub(1, std::memory_order_acq_rel) == 1) delete layer;
}

void view_layer(const tempo_layer* layer, tempo_layer_view* out) {
  const std::vector<tempo_attribute>& options = layer->options.all();
  const DType dtype = layer->dtype == DType::automatic ? default_dtype() : layer->dtype.load();
  show({.size = out->size,
        .flags = layer->built() ? uint32_t{TEMPO_BUILT} : 0u,
        .id = layer->id,
        .name = layer->name.c_str(),
        .type = &layer->type,
        .options = options.data(),
        .n_options = static_cast<uint32_t>(options.size()),
        .dtype = static_cast<tempo_dtype>(dtype)},
       out);
}

tempo_status build_layer(tempo_layer* layer, const tempo_type* inputs, uint32_t n) {
  return guarded([&] {
    std::vector<TensorType> types;
    for (uint32_t i = 0; i < n; ++i) types.push_back(type_of(inputs[i]));
    build(*layer, types);
  });
}

tempo_status call_layer(tempo_layer* layer, const tempo_call* options, tempo_tensor** results,
                        uint32_t capacity, uint32_t* count) {
  return guarded([&] {
    const Tensors out = call(*layer, whole(*options));
    if (out.size() > capacity)
      throw Error(layer->path() + ": it returned " + std::to_string(out.size()) +
                  " tensors, room was made for " + std::to_string(capacity) + ".");
    *count = static_cast<uint32_t>(out.size());
    hand_over(out, results);
  });
}

tempo_status layer_states(tempo_layer* cell, int64_t batch, tempo_type* out, uint32_t capacity,
                          uint32_t* count) {
  return guarded([&] {
    const std::vector<TensorType> types = states(*cell, batch);
    if (types.size() > capacity)
      throw Error(cell->path() + ": it has " + std::to_string(types.size()) +
                  " states, room was made for " + std::to_string(capacity) + ".");
    *count = static_cast<uint32_t>(types.size());
    for (std::size_t i = 0; i < types.size(); ++i)
      out[i] = sdk::to_abi(types[i].dtype, types[i].shape);
  });
}

tempo_status reset_layer(tempo_layer* layer) {
  return guarded([&] { reset(*layer); });
}

tempo_tensor* layer_weight(const tempo_layer* layer, uint32_t index) {
  const std::vector<Value*> all = layer->weights();
  return index < all.size() ? all[index] : nullptr;
}
tempo_layer* layer_child(const tempo_layer* layer, uint32_t index) {
  return index < layer->children.size() ? layer->children[index].handle() : nullptr;
}

tempo_status add_weight_to(tempo_layer* self, const char* name, tempo_tensor* value,
                           int32_t trainable, tempo_tensor** out) {
  return guarded(
      [&] { *out = add_weight(*self, name, Tensor::borrowed(value), trainable != 0).retained(); });
}
tempo_status add_child_to(tempo_layer* self, const char* name, tempo_layer* child) {
  return guarded([&] { add_child(*self, name, Layer::borrowed(child)); });
}

// --- registration

tempo_status register_layer(tempo_registry* registry, const tempo_layer_type* type) {
  return guarded([&] { add(*registry, type); });
}
tempo_status register_op(tempo_registry* registry, const tempo_op_type* type) {
  return guarded([&] { add(*registry, type); });
}

const tempo_host table{
    .size = sizeof(tempo_host),
    .minor = TEMPO_ABI_MINOR,
    .fail = &fail,
    .last_error = &last_error,
    .make = &make,
    .retain = [](tempo_tensor* t) { retain(t); },
    .release = [](tempo_tensor* t) { release(t); },
    .view = &view,
    .finish = &finish,
    .with_mask = &with_mask,
    .parameter = &parameter,
    .assign = &assign,
    .find_op = &find_op_by_name,
    .apply = &apply_op,
    .scan = &scan,
    .gradient = &gradient,
    .recording = &recording_switch,
    .initialize = &initialize_tensor,
    .random_key = &random_key_for,
    .make_layer = &make_layer_by_name,
    .make_layer_of = &make_layer_of,
    .retain_layer = &retain_layer,
    .release_layer = &release_layer,
    .view_layer = &view_layer,
    .build_layer = &build_layer,
    .call_layer = &call_layer,
    .layer_states = &layer_states,
    .reset_layer = &reset_layer,
    .layer_weight = &layer_weight,
    .layer_child = &layer_child,
    .add_weight = &add_weight_to,
    .add_child = &add_child_to,
    .register_layer = &register_layer,
    .register_op = &register_op,
};

}  // namespace

}  // namespace tempo

extern "C" TEMPO_API const tempo_host* tempo_host_v0(void) { return &tempo::table; }
