// SPDX-License-Identifier: Apache-2.0
// The texts of errors in a call of a layer: its name, and the likely cause.
#include "plugin/layer_errors.hpp"

#include <algorithm>

#include <tempo/names.hpp>

#include "graph/trace.hpp"
#include "plugin/layer_callback.hpp"
#include "plugin/registry.hpp"
#include "scan/stream.hpp"

namespace tempo {

std::string at_fault(const tempo_layer& layer) {
  return layer.path() + " (" + with_plugin(layer.type) + "): ";
}

Callee callee_of(const tempo_layer& layer, const char* what) {
  const std::string path = layer.path();
  return {what + (" of " + path), with_plugin(layer.type), {path, layer.type.name}};
}

void require_instance(const tempo_layer& layer, const char* what) {
  if (layer.instance) return;
  throw PluginError(at_fault(layer) + "its " + what + " is asked for " +
                    (layer.has_ended() ? "in its destroy, when it is gone."
                                       : "in its create.\n  It can be used once it is made."));
}

void require_inputs(const tempo_layer& layer, const tempo_call& call) {
  if (call.n_inputs == 0) throw Error(layer.path() + ": called without an input.");
  for (uint32_t i = 0; i < call.n_inputs; ++i)
    if (!call.inputs[i])
      throw Error(layer.path() + ": input " + std::to_string(i) +
                  " was never given a value (it is Tensor{}).");
}

void require_keeps_state(const tempo_layer& layer) {
  if (!Trace::current() || StreamTrace::current()) return;
  const tempo_attribute* const stateful = layer.options.find("stateful");
  if (stateful && stateful->integer != 0)
    throw Error(
        layer.path() +
        ": it is stateful, and it is called inside a step that is traced, which cannot keep "
        "its state from one call to the next.\n  Use its cell in the step, with the state "
        "as one of the step's own, or make the layer with .stateful = false.");
}

void require_results(const tempo_layer& layer, const Tensors& results, uint32_t count) {
  if (count > TEMPO_MAX_OUTPUTS)
    throw PluginError(at_fault(layer) + "it says that it returned " + std::to_string(count) +
                      " tensors; at most " + std::to_string(TEMPO_MAX_OUTPUTS) +
                      " can be returned.");
  if (count == 0) throw PluginError(at_fault(layer) + "it returned no tensor from call.");
  for (uint32_t i = 0; i < count; ++i)
    if (!results[i])
      throw PluginError(at_fault(layer) + "it returned a null tensor, result " + std::to_string(i) +
                        ".");
}

void require_step(const tempo_layer& cell, const Tensors& results, const tempo_call& call) {
  const std::string who = at_fault(cell);
  if (results.size() != 1 + call.n_states)
    throw ShapeError(who + "its step was given " + sdk::counted(call.n_states, "state") +
                     " and returned " + std::to_string(results.size() - 1) +
                     ".\n  Return {.output = ..., .state = {...}} with every state, in order.");
  for (uint32_t i = 0; i < call.n_states; ++i) {
    const TensorType &before = call.states[i]->type, &after = results[1 + i].handle()->type;
    if (!(before == after))
      throw ShapeError(who + "its step changes the type of state " + std::to_string(i) +
                       "\n  before  " + to_string(before) + "\n  after   " + to_string(after) +
                       "\n  A state must keep its shape and dtype; does state_shapes give the size "
                       "that step makes?");
  }
  const TensorType &x = call.inputs[0]->type, &y = results[0].handle()->type;
  if (!x.shape.empty() && (y.shape.empty() || y.shape[0] != x.shape[0]))
    throw ShapeError(who + "the output of its step has lost the batch\n  input   " + to_string(x) +
                     "\n  output  " + to_string(y) + "\n  The first axis of both is the batch.");
}

namespace {

// Writes "input of encoder/lstm" after the operand that has the input's type, whole or at one step.
void name_input(std::string& text, const tempo_layer& layer, const TensorType& input) {
  std::vector<TensorType> types{input};
  if (input.shape.rank() > 2) {
    types.push_back({input.dtype, Shape{input.shape[0]}});
    for (int axis = 2; axis < input.shape.rank(); ++axis)
      types.back().shape.push_back(input.shape[axis]);
  }
  for (const TensorType& type : types) {
    const std::string line = "\n  a  " + to_string(type) + "\n";
    const std::size_t at = text.find(line);
    if (at == text.npos) continue;
    text.insert(at + line.size() - 1, "   input of " + layer.path());
    return;
  }
}

// Whether the error is of an op inside the layer and shows an operand that is the layer's input or
// a weight.
bool shows_input_or_weight(const std::string& text, const tempo_layer& layer) {
  if (text.find("\n  a  ") == text.npos) return false;
  if (text.find("   input of ") != text.npos) return true;
  return std::any_of(layer.own.begin(), layer.own.end(), [&](const tempo_layer::Weight& w) {
    return text.find("   " + w.value->path) != text.npos;
  });
}

}  // namespace

void explain_sizes(const tempo_layer& layer, const ShapeError& error, const tempo_call& call) {
  std::string text = error.what();
  const TensorType& given = call.inputs[0]->type;
  const Shape& built = layer.built_for.empty() ? Shape{} : layer.built_for[0].shape;
  if (!built.empty() && !given.shape.empty() && built.back() != given.shape.back() &&
      text.find("was built for") == std::string::npos) {
    name_input(text, layer, given);
    if (shows_input_or_weight(text, layer))
      text += "\n  " + layer.path() + " was built for " + std::to_string(built.back()) +
              " features; this input has " + std::to_string(given.shape.back()) + ".";
  }
  throw ShapeError(text);
}

void explain_dtypes(const tempo_layer& layer, const ShapeError& error, const tempo_call& call) {
  if (std::string(error.what()).find("makes them agree") == std::string::npos) return;
  const auto weight = std::find_if(layer.own.begin(), layer.own.end(),
                                   [](const auto& w) { return is_floating(w.value->type.dtype); });
  if (weight == layer.own.end()) return;
  const DType own = weight->value->type.dtype;
  const auto check = [&](const char* what, const char* name, tempo_tensor* const* given, uint32_t n,
                         bool may_be_ids = true) {
    for (uint32_t i = 0; i < n; ++i) {
      const DType dtype = given[i] ? given[i]->type.dtype : own;
      if (dtype != own && (is_floating(dtype) || !may_be_ids))
        throw ShapeError(
            std::string(what) + " of " + layer.path() + " is " + name_of(dtype) +
            ", its weights are " + name_of(own) + ".\n  cast(" + name + ", " + name_of(own) + ")" +
            (is_floating(dtype)
                 ? std::string(", or make the layer with {.dtype = ") + name_of(dtype) + "}."
                 : " makes it so."));
    }
  };
  const bool is_cell = layer.type.kind == TEMPO_CELL;
  check("input", "x", call.inputs, call.n_inputs);
  check(is_cell ? "state" : "initial_state", "h", call.states, call.n_states, false);
  check("constant", "c", call.constants, call.n_constants);
}

void explain_lost_time(const tempo_layer& layer, const ShapeError& error,
                       const std::string& before) {
  const std::string words = error.what();
  if (words.find("return_sequences") != words.npos) return;
  if (!layer.over_time && words.find("[batch, time") == words.npos) return;
  throw ShapeError(words.substr(0, words.find('\n')) + "\n  " + layer.path() +
                   " needs every step of the sequence, and " + before +
                   " before it gives its last output only.\n  Make " + before +
                   " with .return_sequences = true.");
}

}  // namespace tempo
