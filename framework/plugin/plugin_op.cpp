// SPDX-License-Identifier: Apache-2.0
// A plugin's own op: its C callbacks in the form of an ordinary op.
#include <algorithm>

#include <tempo/names.hpp>

#include "graph/callback.hpp"
#include "plugin/host.hpp"
#include "plugin/registry.hpp"
#include "tensor/few.hpp"
#include "tensor/strides.hpp"

namespace tempo {

namespace {

// Attributes for the C side; borrows from `from`. Nothing is allocated in a step of a stream.
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

// The call as callbacks see it, without data and results; borrows from all its arguments.
tempo_op_call seen(const Few<tempo_type>& inputs, const Few<tempo_attribute>& attributes,
                   Few<tempo_type>& results) {
  tempo_op_call call{};
  call.size = sizeof call;
  call.n_inputs = count_of(inputs);
  call.n_results = count_of(results);
  call.n_attributes = count_of(attributes);
  call.attributes = first_of(attributes);
  call.input_types = first_of(inputs);
  call.result_types = &results[0];
  return call;
}

std::vector<TensorType> infer(const tempo_op_type& type, const TypeCall& call) {
  if (call.inputs.size() != type.n_inputs)
    throw ShapeError("needs " + sdk::counted(type.n_inputs, "input") + ", got " +
                     std::to_string(call.inputs.size()));
  Few<tempo_type> inputs(call.inputs.size()),
      results(type.n_results > 0 ? type.n_results : call.n_results);
  for (std::size_t i = 0; i < call.inputs.size(); ++i)
    inputs[i] = sdk::to_abi(call.inputs[i].dtype, call.inputs[i].shape);
  for (uint32_t k = 0; k < count_of(results); ++k) {
    results[k] = {};
    results[k].size = sizeof(tempo_type);
  }
  const Few<tempo_attribute> attributes = to_abi(call.attributes);
  const tempo_op_call asked = seen(inputs, attributes, results);
  const tempo_status status = status_of([&] { return type.infer(type.user, &asked); });
  if (status == TEMPO_SHAPE_ERROR && !last_words().empty())
    throw ShapeError(last_words());  // an error of its type rule: the caller names the op
  if (status != TEMPO_OK) throw_failure(status, callee(type, "infer"));
  std::vector<TensorType> out;
  for (const tempo_type& result : std::span<const tempo_type>(results)) {
    if (const std::string fault = fault_of(result); !fault.empty())
      throw PluginError(at_fault(type) + "it inferred a type that cannot be: " + fault);
    out.push_back(type_of(result));
  }
  return out;
}

// A bool is one byte, 0 or 1; its readers rely on it.
void require_bools(const tempo_op_type& type, const View& result) {
  const auto* bytes = static_cast<const unsigned char*>(result.data);
  const auto n = static_cast<std::size_t>(result.shape().count());
  if (result.dtype() == bool_ &&
      std::any_of(bytes, bytes + n, [](unsigned char b) { return b > 1; }))
    throw PluginError(at_fault(type) + "its kernel gave a bool that is neither 0 nor 1.");
}

void run(const tempo_op_type& type, const KernelCall& call) {
  const std::size_t n = call.inputs.size(), n_results = call.outputs.size();
  Few<tempo_type> inputs(n), result_types(n_results);
  Few<const void*> data(n);
  Few<void*> results(n_results);
  for (std::size_t i = 0; i < n; ++i) {
    inputs[i] = sdk::to_abi(call.inputs[i].dtype(), call.inputs[i].shape());
    data[i] = call.inputs[i].data;
  }
  for (std::size_t k = 0; k < n_results; ++k) {
    result_types[k] = sdk::to_abi(call.outputs[k].dtype(), call.outputs[k].shape());
    results[k] = call.outputs[k].data;
  }
  const Few<tempo_attribute> attributes = to_abi(call.attributes);
  tempo_op_call asked = seen(inputs, attributes, result_types);
  asked.inputs = first_of(data);
  asked.results = first_of(results);
  run_callback_of(type, "kernel", [&] { return type.kernel(type.user, &asked); });
  for (const View& result : call.outputs) require_bools(type, result);
}

// A gradient may have the shape to which the input was broadcast.
bool fits(const Tensor& gradient, const Tensor& input) {
  const Shape shapes[] = {gradient.shape(), input.shape()};
  return gradient.dtype() == input.dtype() && broadcast_shapes(shapes) == gradient.shape();
}

void require_gradient(const tempo_op_type& type, std::size_t i, const Tensor& gradient,
                      const Tensor& input) {
  const std::string which = "its vjp gave input " + std::to_string(i);
  if (!gradient)
    throw PluginError(at_fault(type) + which + " no gradient.\n  Zeros say that none flows.");
  if (!fits(gradient, input))
    throw PluginError(at_fault(type) + which + " a gradient that does not fit it\n  input     " +
                      to_string(input.shape(), input.dtype()) + "\n  gradient  " +
                      to_string(gradient.shape(), gradient.dtype()));
}

Tensors vjp(const tempo_op_type& type, const Vjp& v, const std::vector<bool>& wanted) {
  Tensors inputs, results;
  for (std::size_t i = 0; i < v.n_inputs(); ++i) inputs.push_back(v.x(i));
  for (std::size_t k = 0; k < v.n_results(); ++k) results.push_back(v.y(k));
  std::vector<tempo_tensor*> x = sdk::handles(inputs), y = sdk::handles(results), dy,
                             made(inputs.size());
  for (std::size_t k = 0; k < v.n_results(); ++k) dy.push_back(v.dy(k).handle());
  const std::vector<uint8_t> mask(wanted.begin(), wanted.end());
  const Few<tempo_attribute> attributes = to_abi(v.attributes());
  tempo_op_gradient asked{};
  asked.size = sizeof asked;
  asked.n_inputs = static_cast<uint32_t>(x.size());
  asked.n_results = static_cast<uint32_t>(y.size());
  asked.n_attributes = count_of(attributes);
  asked.attributes = first_of(attributes);
  asked.inputs = x.data();
  asked.results = y.data();
  asked.dy = dy.data();
  asked.wanted = mask.data();
  asked.gradients = made.data();
  const tempo_status status = status_of([&] { return type.vjp(type.user, &asked); });
  const Tensors gradients = sdk::adopt(made);  // also if it failed after all
  if (status != TEMPO_OK) throw_failure(status, callee(type, "vjp"));
  for (std::size_t i = 0; i < gradients.size(); ++i)
    if (wanted[i]) require_gradient(type, i, gradients[i], inputs[i]);
  return gradients;
}

}  // namespace

namespace {
// A zero gradient instead would silently make a model that learns nothing.
[[noreturn]] void no_vjp(const tempo_op_type& type) {
  throw PluginError(at_fault(type) +
                    "a gradient is asked for through it, and it has no vjp.\n  stop_gradient(x) "
                    "says that none is to flow.");
}
}  // namespace

void define_plugin_op(const tempo_op_type& type, const std::string& name) {
  OpDefinition op{.name = name,
                  .type = [&type](const TypeCall& call) { return infer(type, call); },
                  .kernel = [&type](const KernelCall& call) { run(type, call); }};
  op.vjp_all = [&type](const Vjp& v, const std::vector<bool>& wanted) {
    if (!type.vjp) no_vjp(type);
    return vjp(type, v, wanted);
  };
  define(std::move(op));
}

}  // namespace tempo
