// SPDX-License-Identifier: Apache-2.0
// The part of the host table for tensors, ops, scan and gradients.
#include "autograd/custom_gradient.hpp"
#include "autograd/walk.hpp"
#include "graph/callback.hpp"
#include "graph/mask.hpp"
#include "graph/trace.hpp"
#include "ops/defaults.hpp"
#include "ops/initializers.hpp"
#include "ops/regularizers.hpp"
#include "plugin/carried_states.hpp"
#include "plugin/host.hpp"
#include "plugin/layer.hpp"
#include "plugin/registry.hpp"
#include "plugin/side_effects.hpp"
#include "scan/int8/in_int8.hpp"
#include "scan/scan.hpp"

namespace tempo {

namespace {

using sdk::guarded;

// A traced op runs later, when the default dtype may have changed, so the present one is fixed now.
int64_t settled(const char* name, int64_t value) {
  const bool open = std::strcmp(name, "dtype") == 0 && value == TEMPO_AUTOMATIC;
  return open ? static_cast<int64_t>(default_dtype()) : value;
}

Attributes attributes_of(const tempo_attribute* attributes, uint32_t n) {
  require_list(attributes, n, "apply", "attributes");
  Attributes out;
  out.reserve(n);
  for (const tempo_attribute& a : Elements(attributes, n, "apply")) {
    require(a.name, "apply", "name of an attribute");
    switch (a.kind) {
      case TEMPO_INT64_VALUE: out.set(a.name, settled(a.name, a.integer)); break;
      case TEMPO_DOUBLE_VALUE: out.set(a.name, a.real); break;
      case TEMPO_TEXT_VALUE:
        require(a.text, "apply", "text of an attribute");
        out.set(a.name, std::string(a.text));
        break;
      case TEMPO_LIST_VALUE:
        require_list(a.list, a.count, "apply", "list of an attribute");
        out.set(a.name, std::vector<int64_t>(a.list, a.list + a.count));
        break;
      case TEMPO_LAYER_VALUE:
      case TEMPO_TENSOR_VALUE:
        throw Error(std::string("attribute `") + a.name + "`: an op takes no layer or tensor.");
      default:
        throw Error(std::string("attribute `") + a.name + "`: there is no kind with the number " +
                    std::to_string(a.kind) + ".");
    }
  }
  return out;
}

int64_t from_end(int64_t axis, int rank) { return axis >= 0 && axis < rank ? axis - rank : axis; }

// Lets axes count from the end: a Program may run an op over all steps at once, with one more axis
// in front. The caller may count them from the front. An axis out of range is left to the op.
void count_axes_from_end(const tempo_op& op, const std::vector<Ref<Value>>& inputs,
                         Attributes& attributes) {
  if (op.leading_axis == LeadingAxis::changes || op.pointwise || inputs.empty() || !inputs[0])
    return;
  const int rank = inputs[0]->type.shape.rank();
  if (attributes.has("axis")) attributes.set("axis", from_end(attributes.integer("axis"), rank));
  for (const char* name : {"axes", "permutation"}) {
    if (!attributes.has(name)) continue;
    std::vector<int64_t> axes = attributes.list(name);
    for (int64_t& axis : axes) axis = from_end(axis, rank);
    attributes.set(name, std::move(axes));
  }
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

// --- tensors

// A bool is one byte, 0 or 1; kernels rely on it.
void require_bools(const char* function, const void* data, std::size_t n) {
  const auto* bytes = static_cast<const unsigned char*>(data);
  const auto other = std::find_if(bytes, bytes + n, [](unsigned char b) { return b > 1; });
  if (other != bytes + n)
    throw Error(std::string(function) + ": element " + std::to_string(other - bytes) +
                " of the bools is " + std::to_string(*other) + "; each is 0 or 1.");
}

tempo_status make(const tempo_type* type, const void* data, tempo_tensor** out) {
  return guarded([&] {
    require(type, "make", "type");
    require(out, "make", "out");
    Array array(type_of(*type));
    if (data && array.type().dtype == bool_) require_bools("make", data, array.type().bytes());
    if (data)
      std::memcpy(array.view().data, data, array.type().bytes());
    else
      std::memset(array.view().data, 0, array.type().bytes());
    *out = make_value(std::move(array)).give_up();
  });
}

tempo_status finish(const tempo_tensor* tensor) {
  return guarded([&] {
    require_given(tensor, "finish: the tensor");
    Trace::tie_to_call();
    tensor->array.finish();
  });
}

tempo_status view(const tempo_tensor* tensor, tempo_view* out) {
  return guarded([&] {
    require_shown(tensor, "view", "tensor", out);
    uint32_t flags = 0;
    if (tensor->tracked) flags |= TEMPO_TRACKED;
    if (!may_go_by(*tensor)) flags |= TEMPO_TRACED;
    if (tensor->frozen) flags |= TEMPO_FROZEN;
    const bool looked_at_in_a_trace = !tensor->trace && Trace::current();  // `finish` records it
    if (looked_at_in_a_trace || !tensor->array.done()) flags |= TEMPO_PENDING;
    show({.size = out->size,
          .flags = flags,
          .type = sdk::to_abi(tensor->type.dtype, tensor->type.shape),
          .data = tensor->trace ? nullptr : tensor->array.place().data,
          .path = tensor->path.c_str(),
          .mask = tensor->mask.get()},
         out);
  });
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

tempo_status with_mask(tempo_tensor* tensor, tempo_tensor* mask, tempo_tensor** out) {
  return guarded([&] {
    require(out, "with_mask", "out");
    require_given(tensor, "with_mask: the tensor");
    if (!tensor->from && tensor->tracked)
      throw Error("with_mask: a parameter carries no mask; put it on what is computed from it.");
    if (mask) require_mask_fits(tensor->type, mask->type);
    *out = remasked(*tensor, Ref<Value>::share(mask)).give_up();
  });
}

tempo_status parameter(tempo_tensor* value, const char* path, tempo_tensor** out) {
  return guarded([&] {
    require(out, "parameter", "out");
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
    if (value->trace || weight->trace || Trace::current())
      throw Error("assign: weight `" + name + "` cannot change while a step is traced.");
    if (!(weight->type == value->type))
      throw ShapeError("assign: the value does not fit the weight\n  weight  " +
                       to_string(weight->type) + "   " + name + "\n  value   " +
                       to_string(value->type));
    if (SideEffects* seen = SideEffects::current()) seen->is_assigned(*weight);
    exchange_array(*weight, value->array);
  });
}

tempo_status penalize(const char* text, tempo_tensor* weight, tempo_tensor** out) {
  return guarded([&] {
    require(text, "penalize", "regularizer");
    require(out, "penalize", "out");
    require_given(weight, "a regularizer: the tensor");
    const Tensor w = Tensor::borrowed(weight);
    const auto penalty = regularizer(text);
    *out = (penalty ? penalty(w) : scalar(0, w.dtype())).retained();
  });
}

tempo_status constrain(const char* text, tempo_tensor* weight, tempo_tensor** out) {
  return guarded([&] {
    require(text, "constrain", "constraint");
    require(out, "constrain", "out");
    require_given(weight, "a constraint: the tensor");
    const Tensor w = Tensor::borrowed(weight);
    const auto projection = constraint(text);
    *out = (projection ? projection(w) : w).retained();
  });
}

tempo_status add_loss(tempo_tensor* loss) {
  return guarded([&] {
    require_given(loss, "add_loss: the loss");
    const TensorType& type = loss->type;
    if (type.shape.count() != 1 || !is_floating(type.dtype))
      throw ShapeError("add_loss: a loss is one number, float32 or float64, got " +
                       to_string(type) + ".\n  sum(x) or mean(x) makes one of it.");
    Trace::tie_to_call();
    if (SideEffects* seen = SideEffects::current()) seen->add_loss(Tensor::borrowed(loss));
  });
}

// --- ops, scan, gradients

tempo_status find_op_by_name(const char* name, const tempo_op** out) {
  return guarded([&] {
    require(name, "find_op", "name");
    require(out, "find_op", "out");
    *out = find_op_named(name);
    if (!*out)
      throw PluginError(std::string("there is no op named `") + name +
                        "`; load the plugin that has it first.");
  });
}

tempo_status apply_op(const tempo_op* op, tempo_tensor* const* inputs, uint32_t n_inputs,
                      const tempo_attribute* attributes, uint32_t n_attributes,
                      tempo_tensor** results, uint32_t n_results) {
  return guarded([&] {
    require(op, "apply", "op");
    require_list(inputs, n_inputs, "apply", "inputs");
    require_list(results, n_results, "apply", "results");
    std::vector<Ref<Value>> values = share(inputs, n_inputs), made;
    Attributes its_attributes = attributes_of(attributes, n_attributes);
    count_axes_from_end(*op, values, its_attributes);
    if (const InInt8* in_int8 = InInt8::current())
      made = in_int8->product(*op, values, its_attributes);
    if (made.empty()) made = apply(*op, std::move(values), std::move(its_attributes), n_results);
    CarriedStates* const carried = CarriedStates::current();
    const tempo_layer* const layer = called_layer();
    if (carried && layer && op->name == "held_steps")
      made[0] = to_value(carried->held(to_tensor(made[0]), Tensor::borrowed(inputs[1]), *layer));
    hand_over(std::move(made), results);
  });
}

tempo_status scan(const tempo_scan* given, tempo_tensor** results) {
  return guarded([&] {
    require(given, "scan", "scan");
    const tempo_scan call = whole(*given, "scan");
    if (!call.step) throw Error("scan: `step` is NULL.");
    require_list(call.sequences, call.n_sequences, "scan", "sequences");
    require_list(call.states, call.n_states, "scan", "states");
    require_list(call.constants, call.n_constants, "scan", "constants");
    require_list(results, uint64_t{call.n_outputs} + call.n_states, "scan", "results");
    for (uint32_t i = 0; i < call.n_sequences; ++i)
      require_given(call.sequences[i], "scan: sequence ", i);
    for (uint32_t i = 0; i < call.n_states; ++i) require_given(call.states[i], "scan: state ", i);
    for (uint32_t i = 0; i < call.n_constants; ++i)
      require_given(call.constants[i], "scan: constant ", i);
    const Held held(call);
    tempo_layer* const layer = called_layer();
    if (FirstStates* seen = FirstStates::current(); seen && seen->sees(call, results)) return;
    const auto run = [&](const tempo_scan& it) {
      return run_scan(it, layer ? &layer->steps : nullptr, in_training());
    };
    CarriedStates* const carried = CarriedStates::current();
    hand_over(carried ? carried->run(call, layer, run) : run(call), results);
  });
}

tempo_status gradient(tempo_tensor* y, tempo_tensor* dy, tempo_tensor* const* inputs, uint32_t n,
                      tempo_tensor** gradients) {
  return guarded([&] {
    require_given(y, "gradient: y");
    require_list(inputs, n, "gradient", "inputs");
    require_list(gradients, n, "gradient", "gradients");
    Tensors in;
    in.reserve(n);
    for (uint32_t i = 0; i < n; ++i) {
      require_given(inputs[i], "gradient: input ", i);
      in.push_back(Tensor::borrowed(inputs[i]));
    }
    hand_over(gradient_of(Tensor::borrowed(y), Tensor::borrowed(dy), in), gradients);
  });
}

tempo_status custom_gradient(const tempo_custom_gradient* given, tempo_tensor** out) {
  return guarded([&] {
    require(given, "custom_gradient", "custom");
    require(out, "custom_gradient", "out");
    const tempo_custom_gradient custom = whole(*given, "custom_gradient");
    require_list(custom.inputs, custom.n_inputs, "custom_gradient", "inputs");
    if (!custom.rule) throw Error("custom_gradient: `rule` is NULL.");
    require_given(custom.value, "custom_gradient: the value");
    Tensors in;
    for (uint32_t i = 0; i < custom.n_inputs; ++i) {
      require_given(custom.inputs[i], "custom_gradient: input ", i);
      in.push_back(Tensor::borrowed(custom.inputs[i]));
    }
    const auto run_rule = [&](const Tensor& dy) {
      std::vector<tempo_tensor*> made(custom.n_inputs);
      const tempo_rule asked{sizeof asked, custom.n_inputs, dy.handle(), made.data()};
      const tempo_status status = status_of([&] { return custom.rule(custom.user, &asked); });
      const Tensors gradients = sdk::adopt(made);
      check_function(status, "custom_gradient: the rule");
      return gradients;
    };
    *out = custom_gradient_of(Tensor::borrowed(custom.value), in, run_rule).retained();
  });
}

tempo_status recording_switch(int32_t on, int32_t* before) {
  const bool was_on = set_recording(on != 0);
  if (before) *before = was_on;
  return TEMPO_OK;
}

tempo_status initialize_tensor(const char* initializer, const tempo_type* type,
                               tempo_tensor** out) {
  return guarded([&] {
    require(initializer, "initialize", "initializer");
    require(type, "initialize", "type");
    require(out, "initialize", "out");
    *out = initialize(initializer, type_of(*type)).retained();
  });
}

tempo_status random_key_for(int64_t seed, tempo_tensor** out) {
  return guarded([&] {
    require(out, "random_key", "out");
    *out = random_key(seed).retained();
  });
}

}  // namespace

void add_tensor_functions(tempo_host& table) {
  table.make = &make;
  table.retain = [](tempo_tensor* t) {
    if (t) retain(t);
    return tempo_status{TEMPO_OK};
  };
  table.release = [](tempo_tensor* t) {
    if (t) release(t);
    return tempo_status{TEMPO_OK};
  };
  table.view = &view;
  table.finish = &finish;
  table.with_mask = &with_mask;
  table.parameter = &parameter;
  table.assign = &assign;
  table.find_op = &find_op_by_name;
  table.apply = &apply_op;
  table.scan = &scan;
  table.gradient = &gradient;
  table.custom_gradient = &custom_gradient;
  table.recording = &recording_switch;
  table.initialize = &initialize_tensor;
  table.random_key = &random_key_for;
  table.penalize = &penalize;
  table.constrain = &constrain;
  table.add_loss = &add_loss;
}

}  // namespace tempo
