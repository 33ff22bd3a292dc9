// SPDX-License-Identifier: Apache-2.0
// Applies an op: infers the types of its results, then computes or records them.
#include <algorithm>

#include <tempo/elementwise.hpp>

#include "graph/mask.hpp"
#include "graph/trace.hpp"
#include "tensor/few.hpp"

namespace tempo {

namespace {

thread_local bool is_recording = true;

std::string describe(const Value& value) {
  return to_string(value.type) + (value.path.empty() ? "" : "   " + value.path);
}

Few<TensorType> types_of(const std::vector<Ref<Value>>& values) {
  Few<TensorType> types(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) types[i] = values[i]->type;
  return types;
}

// The ShapeError of the type rule, with the op's name before it and the operands after it.
[[noreturn]] void explain_mismatch(const OpDefinition& op, const std::vector<Ref<Value>>& inputs,
                                   const ShapeError& why) {
  const std::string words = why.what();
  const std::size_t first_line = words.find('\n');
  std::string text = op.name + ": " + words.substr(0, first_line);
  for (std::size_t i = 0; i < inputs.size() && i < 8; ++i)
    text += std::string("\n  ") + static_cast<char>('a' + i) + "  " + describe(*inputs[i]);
  if (first_line != std::string::npos) text += words.substr(first_line);
  throw ShapeError(text);
}

bool records(const OpDefinition& op, const std::vector<Ref<Value>>& inputs) {
  if (!op.differentiable()) return false;
  for (const Ref<Value>& v : inputs)
    if (v->tracked) return true;
  return false;
}

Ref<Application> remember(const OpDefinition& op, std::vector<Ref<Value>> inputs,
                          Attributes attributes, std::vector<TensorType> types) {
  Ref<Application> application(new Application);
  application->op = &op;
  application->attributes = std::move(attributes);
  if (std::any_of(inputs.begin(), inputs.end(), [](const auto& v) { return v->weight; }))
    for (const Ref<Value>& v : inputs) application->versions.push_back(v->version);
  application->inputs = std::move(inputs);
  application->types = std::move(types);
  application->serial = next_serial();
  return application;
}

std::vector<Ref<Value>> results_of(const Ref<Application>& application) {
  std::vector<Ref<Value>> results;
  results.reserve(application->types.size());
  for (std::size_t k = 0; k < application->types.size(); ++k)
    results.push_back(result_of(application, k));
  return results;
}

// For the results of a traced step while recording is off: no gradient flows back through them.
void stop_gradients(const Application& application, std::vector<Ref<Value>>& results) {
  const bool may_go_back = records(*application.op, application.inputs);
  for (Ref<Value>& v : results) {
    if (v->tracked && may_go_back) v = to_value(stop_gradient(to_tensor(v)));
    v->tracked = false;
  }
}

// Works on arrays of its own, so that weights may be assigned in the meantime.
void compute_later(const OpDefinition& op, const std::vector<Ref<Value>>& inputs,
                   const Attributes& attributes, std::vector<Array>& results) {
  std::vector<Array> arrays;
  arrays.reserve(inputs.size());
  for (const Ref<Value>& v : inputs) arrays.push_back(v->array);
  for (const Array& a : arrays) a.finish();
  defer(results, [&op, in = std::move(arrays), out = results, attributes] {
    Few<View> from(in.size()), to(out.size());
    for (std::size_t i = 0; i < in.size(); ++i) from[i] = in[i].view();
    for (std::size_t k = 0; k < out.size(); ++k) to[k] = out[k].place();
    op.kernel({from, to, attributes});
  });
}

std::vector<Array> compute(const OpDefinition& op, const std::vector<Ref<Value>>& inputs,
                           const Attributes& attributes, const std::vector<TensorType>& types) {
  for (const Ref<Value>& v : inputs)
    if (v->trace)
      throw Error(op.name +
                  ": a placeholder of a traced step was used after the step ended.\n"
                  "  Return what the step computes as its output or state; do not store it.");
  std::vector<Array> arrays;
  arrays.reserve(types.size());
  if (!op.kernel) {
    arrays.push_back(inputs[0]->array.reshaped(types[0].shape));
    return arrays;
  }
  for (const TensorType& type : types) arrays.emplace_back(type);
  if (std::all_of(types.begin(), types.end(), [](const auto& t) { return t.shape.count() == 0; }))
    return arrays;  // there is nothing to compute
  if (op.deferred && op.deferred(attributes)) {
    compute_later(op, inputs, attributes, arrays);
    return arrays;
  }
  Few<View> in(inputs.size()), out(types.size());
  for (std::size_t i = 0; i < inputs.size(); ++i) in[i] = inputs[i]->array.view();
  for (std::size_t k = 0; k < types.size(); ++k) out[k] = arrays[k].place();
  op.kernel({in, out, attributes});
  return arrays;
}

}  // namespace

bool recording() { return is_recording; }
bool set_recording(bool on) { return std::exchange(is_recording, on); }
Recording::Recording() : recording_(is_recording, true) {}

std::vector<Ref<Value>> apply(const OpDefinition& op, std::vector<Ref<Value>> inputs,
                              Attributes attributes, std::size_t n_results) {
  const Few<TensorType> input_types = types_of(inputs);
  std::vector<TensorType> types;
  try {
    types = op.type({input_types, attributes, n_results});
    for (const TensorType& type : types)
      if (const std::string fault = type.shape.fault(); !fault.empty()) throw ShapeError(fault);
  } catch (const ShapeError& why) {
    explain_mismatch(op, inputs, why);
  }
  if (types.size() != n_results)
    throw Error(op.name + ": it gives " + std::to_string(types.size()) +
                (types.size() == 1 ? " result" : " results") + ", and is asked for " +
                std::to_string(n_results) + ".");
  // Before placeholders replace the inputs: a mask belongs to a handle, but one placeholder stands
  // for all handles.
  const Tensors masks = masks_of_results(op, inputs, attributes, types);
  std::vector<Ref<Value>> results;
  if (Trace* const trace = Trace::current()) {
    for (Ref<Value>& v : inputs) v = trace->own(v);
    Ref<Application> application =
        remember(op, std::move(inputs), std::move(attributes), std::move(types));
    application->trace = trace->id();
    trace->record(application);
    results = results_of(application);
    if (!is_recording) stop_gradients(*application, results);
  } else {
    std::vector<Array> arrays = compute(op, inputs, attributes, types);
    if (is_recording && records(op, inputs)) {
      Ref<Application> application =
          remember(op, std::move(inputs), std::move(attributes), std::move(types));
      application->arrays = std::move(arrays);
      results = results_of(application);
    } else {
      results.reserve(arrays.size());
      for (Array& array : arrays) results.push_back(make_value(std::move(array)));
    }
  }
  for (std::size_t k = 0; k < masks.size(); ++k)
    if (masks[k]) results[k]->mask = to_value(masks[k]);
  return results;
}

Tensor apply(const OpDefinition& op, const Tensors& inputs, Attributes attributes) {
  std::vector<Ref<Value>> values;
  values.reserve(inputs.size());
  for (const Tensor& t : inputs) values.push_back(to_value(t));
  return to_tensor(std::move(apply(op, std::move(values), std::move(attributes), 1)[0]));
}

}  // namespace tempo
