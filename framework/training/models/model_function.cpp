// SPDX-License-Identifier: Apache-2.0
// Models of a function: finds the layers that it calls, and explains its calls in errors.
#include <algorithm>
#include <unordered_set>

#include "graph/value.hpp"
#include "tensor/scoped.hpp"
#include "training/models/model_layer.hpp"

namespace tempo {

namespace {

// The innermost model whose function runs on this thread, and whether its layers are being found.
struct RunningFunction {
  const ModelState* model = nullptr;
  bool finds = false;
};
thread_local RunningFunction running_function;

// A function may change an output before the next layer reads it, so the order of layers is
// unknown.
[[noreturn]] void explain_function(const std::vector<Layer>& layers, const GivenShapes& given,
                                   const ShapeError& error) {
  const std::string words = error.what();
  if (words.find("[batch, time") != words.npos && words.find("return_sequences") == words.npos)
    for (const Layer& layer : layers)
      if (const tempo_layer& before = *layer.handle();
          before.last_only && given.of(before).rank() == 2)
        throw ShapeError(words.substr(0, words.find('\n')) + "\n  " + before.path() +
                         " gives its last output only; if that is what came here, make " +
                         before.path() + " with .return_sequences = true.");
  throw;
}

}  // namespace

// A model is made a layer in the first call only, while other threads wait: that changes the names
// of its layers, which calls read. A model met first in a later call is called without a layer.
Layer ModelState::in_function(const std::shared_ptr<ModelState>& model) {
  if (!GivenShapes::current()) return {};
  const auto& [caller, finds] = running_function;
  if (finds) return layer_of(model);
  for (const std::vector<Layer>* all : {&caller->layers, &caller->unlisted})
    for (const Layer& layer : *all)
      if (model_in(layer) == model) return layer;
  return {};
}

// Whether this thread is to find the layers that the function calls. If another thread is doing it,
// this one waits.
bool ModelState::is_to_find_layers() {
  if (found.is_done()) return false;
  switch (found.ask()) {
    case Claim::done: return false;
    case Claim::mine: return true;
    case Claim::inner: throw Error(name + ": its function calls the model itself.");
    case Claim::lost: break;
  }
  throw Error(
      name +
      ": another thread called it for the first time when this process was forked, and that "
      "thread is not here.\n  Build models before the fork.");
}

void ModelState::require_listed(const GivenShapes& given) const {
  const std::vector<Value*> mine = weights_of(layers);
  const std::unordered_set<const Value*> known(mine.begin(), mine.end());
  for (const Layer& layer : given.called())
    for (const Value* w : layer.handle()->weights())
      if (!w->frozen && !known.contains(w))
        throw Error(name + ": its function calls `" + layer.name() +
                    "`, which is not in the model's list of layers, so it would be neither "
                    "trained, saved nor counted.\n  Put `" +
                    layer.name() +
                    "` into the list, or give no list: Model(function) finds its layers; or make "
                    "it with .trainable = false, if it shall stay as it is.");
}

Tensors ModelState::run_function(const Tensors& x, const CallOptions& options,
                                 const GivenShapes& given) {
  Tensors results;
  try {
    results = (*function)(x, options);
  } catch (const ShapeError& error) {
    explain_function(given.called(), given, error);
  }
  if (results.empty() || !results[0]) throw Error(name + ": its function returned no tensor.");
  return results;
}

void ModelState::keep_called(const GivenShapes& given) {
  const auto is_listed = [&](const Layer& layer) {
    return std::any_of(layers.begin(), layers.end(),
                       [&](const Layer& other) { return other.handle() == layer.handle(); });
  };
  unlisted.clear();  // from a first call that failed
  for (const Layer& layer : given.called())
    if (finds_layers)
      add(layer);
    else if (model_in(layer) && !is_listed(layer))
      unlisted.push_back(layer);
}

Tensors ModelState::call_function(const Tensors& x, const CallOptions& options, Shapes* outputs) {
  const bool finding = is_to_find_layers();
  const GivenShapes given;
  const Scoped<RunningFunction> running(running_function, {this, finding});
  Tensors results;
  try {
    results = run_function(x, options, given);
    if (finding) keep_called(given);
  } catch (...) {
    if (finding) found.failed();
    throw;
  }
  if (finding) found.made();
  if (outputs) require_listed(given);
  if (outputs)
    for (const Layer& layer : layers)
      outputs->push_back(with_free_batch(given.of(*layer.handle())));
  return results;
}

}  // namespace tempo
