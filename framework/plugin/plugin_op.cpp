// SPDX-License-Identifier: Apache-2.0
// A plugin's own op: its C callbacks in the form of any other op.
#include <tempo/names.hpp>

#include "plugin/callback.hpp"
#include "plugin/host.hpp"
#include "plugin/registry.hpp"
#include "tensor/strides.hpp"

namespace tempo {

namespace {

// Attributes as the C side reads them; borrows from `from`.
std::vector<tempo_attribute> to_abi(const Attributes& from) {
  std::vector<tempo_attribute> out;
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
    out.push_back(a);
  }
  return out;
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
  std::vector<tempo_type> inputs;
  for (const TensorType& t : call.inputs) inputs.push_back(sdk::to_abi(t.dtype, t.shape));
  const std::vector<tempo_attribute> attributes = to_abi(call.attributes);
  tempo_type result{};
  result.size = sizeof result;
  const tempo_status status = status_of([&] {
    return type.infer(inputs.data(), type.n_inputs, attributes.data(),
                      static_cast<uint32_t>(attributes.size()), &result);
  });
  if (status == TEMPO_SHAPE_ERROR && !last_words().empty())
    throw ShapeError(last_words());  // its own rule: whoever applies the op names it
  if (status != TEMPO_OK) throw_failure(status, callee(type, "infer"));
  if (const std::string fault = fault_of(result); !fault.empty())
    throw PluginError(at_fault(type) + "it inferred a type that cannot be: " + fault);
  return {type_of(result)};
}

void run(const tempo_op_type& type, const KernelCall& call) {
  std::vector<tempo_type> inputs;
  std::vector<const void*> data;
  for (const View& v : call.inputs) {
    inputs.push_back(sdk::to_abi(v.dtype(), v.shape()));
    data.push_back(v.data);
  }
  const std::vector<tempo_attribute> attributes = to_abi(call.attributes);
  const tempo_type result = sdk::to_abi(call.outputs[0].dtype(), call.outputs[0].shape());
  run_callback_of(type, "kernel", [&] {
    return type.kernel(inputs.data(), data.data(), type.n_inputs, attributes.data(),
                       static_cast<uint32_t>(attributes.size()), &result, call.outputs[0].data);
  });
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
  const std::vector<tempo_attribute> attributes = to_abi(v.attributes());
  const Tensor y = v.y();
  tempo_tensor* raw = nullptr;
  run_callback_of(type, "vjp", [&] {
    return type.vjp(index, handles.data(), type.n_inputs, y.handle(), v.dy().handle(),
                    attributes.data(), static_cast<uint32_t>(attributes.size()), &raw);
  });
  const Tensor gradient(raw);
  const std::string which = "its vjp gave input " + std::to_string(index);
  if (!gradient) throw PluginError(at_fault(type) + which + " no gradient.");
  if (!fits(gradient, inputs[index]))
    throw PluginError(at_fault(type) + which + " a gradient that does not fit it\n  input     " +
                      to_string(inputs[index].shape(), inputs[index].dtype()) + "\n  gradient  " +
                      to_string(gradient.shape(), gradient.dtype()));
  return gradient;
}

}  // namespace

void define_plugin_op(const tempo_op_type& type) {
  OpDefinition op{.name = type.name,
                  .type = [&type](const TypeCall& call) { return infer(type, call); },
                  .kernel = [&type](const KernelCall& call) { run(type, call); }};
  if (type.vjp)
    for (uint32_t i = 0; i < type.n_inputs; ++i)
      op.vjp.push_back([&type, i](const Vjp& v) { return vjp(type, i, v); });
  define(std::move(op));
}

}  // namespace tempo
