// SPDX-License-Identifier: Apache-2.0
// A plugin's own op: its C callbacks in the form of any other op.
#include <algorithm>

#include <tempo/names.hpp>

#include "plugin/callback.hpp"
#include "plugin/host.hpp"
#include "plugin/registry.hpp"
#include "tensor/few.hpp"
#include "tensor/strides.hpp"

namespace tempo {

namespace {

// Attributes as the C side reads them; borrows from `from`. A step of a stream allocates nothing.
Few<tempo_attribute> to_abi(const Attributes& from) {
  Few<tempo_attribute> out(from.entries().size());
  std::size_t n = 0;
  for (const auto& [name, value] : from.entries()) {
    tempo_attribute a{};
    a.size = sizeof a;
    a.name = name.c_str();
    if (const auto* i = std::get_if<int64_t>(&value)) {
      a.kind = TEMPO_INT64_VALUE;
      a.integer = *i;
    } else if (const auto* d = std::get_if<double>(&value)) {
      a.kind = TEMPO_DOUBLE_VALUE;
      a.real = *d;
    } else if (const auto* s = std::get_if<std::string>(&value)) {
      a.kind = TEMPO_TEXT_VALUE;
      a.text = s->c_str();
    } else if (const auto* l = std::get_if<std::vector<int64_t>>(&value)) {
      a.kind = TEMPO_LIST_VALUE;
      a.list = l->data();
      a.count = l->size();
    }
    out[n++] = a;
  }
  return out;
}
template <class T>
const T* first_of(const Few<T>& all) {
  return std::span<const T>(all).data();
}
template <class T>
uint32_t count_of(const Few<T>& all) {
  return static_cast<uint32_t>(std::span<const T>(all).size());
}

Callee callee(const tempo_op_type& type, const char* what) {
  return {what, "op " + with_plugin(type), {type.name, type.name}};
}

template <class F>
void run_callback_of(const tempo_op_type& type, const char* what, F&& callback) {
  run_callback(callback, [&] { return callee(type, what); });
}

std::string at_fault(const tempo_op_type& type) { return "op " + with_plugin(type) + ": "; }

std::vector<TensorType> infer(const tempo_op_type& type, const TypeCall& call) {
  if (call.inputs.size() != type.n_inputs)
    throw ShapeError("needs " + sdk::counted(type.n_inputs, "input") + ", got " +
                     std::to_string(call.inputs.size()));
  Few<tempo_type> inputs(call.inputs.size());
  for (std::size_t i = 0; i < call.inputs.size(); ++i)
    inputs[i] = sdk::to_abi(call.inputs[i].dtype, call.inputs[i].shape);
  const Few<tempo_attribute> attributes = to_abi(call.attributes);
  tempo_type result{};
  result.size = sizeof result;
  const tempo_status status = status_of([&] {
    return type.infer(first_of(inputs), type.n_inputs, first_of(attributes), count_of(attributes),
                      &result);
  });
  if (status == TEMPO_SHAPE_ERROR && !last_words().empty())
    throw ShapeError(last_words());  // its own rule: whoever applies the op names it
  if (status != TEMPO_OK) throw_failure(status, callee(type, "infer"));
  if (const std::string fault = fault_of(result); !fault.empty())
    throw PluginError(at_fault(type) + "it inferred a type that cannot be: " + fault);
  return {type_of(result)};
}

// A bool is one byte, 0 or 1, and what reads them counts on it.
void require_bools(const tempo_op_type& type, const View& result) {
  const auto* bytes = static_cast<const unsigned char*>(result.data);
  const auto n = static_cast<std::size_t>(result.shape().count());
  if (result.dtype() == bool_ &&
      std::any_of(bytes, bytes + n, [](unsigned char b) { return b > 1; }))
    throw PluginError(at_fault(type) + "its kernel gave a bool that is neither 0 nor 1.");
}

void run(const tempo_op_type& type, const KernelCall& call) {
  const std::size_t n = call.inputs.size();
  Few<tempo_type> inputs(n);
  Few<const void*> data(n);
  for (std::size_t i = 0; i < n; ++i) {
    inputs[i] = sdk::to_abi(call.inputs[i].dtype(), call.inputs[i].shape());
    data[i] = call.inputs[i].data;
  }
  const Few<tempo_attribute> attributes = to_abi(call.attributes);
  const tempo_type result = sdk::to_abi(call.outputs[0].dtype(), call.outputs[0].shape());
  run_callback_of(type, "kernel", [&] {
    return type.kernel(first_of(inputs), first_of(data), type.n_inputs, first_of(attributes),
                       count_of(attributes), &result, call.outputs[0].data);
  });
  require_bools(type, call.outputs[0]);
}

// It may have the shape that the input was broadcast to.
bool fits(const Tensor& gradient, const Tensor& input) {
  const Shape shapes[] = {gradient.shape(), input.shape()};
  return gradient.dtype() == input.dtype() && broadcast_shapes(shapes) == gradient.shape();
}

Tensor vjp(const tempo_op_type& type, uint32_t index, const Vjp& v) {
  Tensors inputs;
  for (std::size_t i = 0; i < v.n_inputs(); ++i) inputs.push_back(v.x(i));
  const std::vector<tempo_tensor*> handles = sdk::handles(inputs);
  const Few<tempo_attribute> attributes = to_abi(v.attributes());
  const Tensor y = v.y();
  tempo_tensor* raw = nullptr;
  const tempo_status status = status_of([&] {
    return type.vjp(index, handles.data(), type.n_inputs, y.handle(), v.dy().handle(),
                    first_of(attributes), count_of(attributes), &raw);
  });
  const Tensor gradient(raw);  // also where it fails after all
  if (status != TEMPO_OK) throw_failure(status, callee(type, "vjp"));
  const std::string which = "its vjp gave input " + std::to_string(index);
  if (!gradient) throw PluginError(at_fault(type) + which + " no gradient.");
  if (!fits(gradient, inputs[index]))
    throw PluginError(at_fault(type) + which + " a gradient that does not fit it\n  input     " +
                      to_string(inputs[index].shape(), inputs[index].dtype()) + "\n  gradient  " +
                      to_string(gradient.shape(), gradient.dtype()));
  return gradient;
}

}  // namespace

namespace {
// A gradient of 0 in its place would be a model that learns nothing, without a word.
[[noreturn]] void no_vjp(const tempo_op_type& type) {
  throw PluginError(at_fault(type) +
                    "a gradient is asked for through it, and it has no vjp.\n  stop_gradient(x) "
                    "says that none is to flow.");
}
}  // namespace

void define_plugin_op(const tempo_op_type& type) {
  OpDefinition op{.name = type.name,
                  .type = [&type](const TypeCall& call) { return infer(type, call); },
                  .kernel = [&type](const KernelCall& call) { run(type, call); }};
  for (uint32_t i = 0; i < type.n_inputs; ++i)
    op.vjp.push_back([&type, i](const Vjp& v) {
      if (!type.vjp) no_vjp(type);
      return vjp(type, i, v);
    });
  define(std::move(op));
}

}  // namespace tempo
