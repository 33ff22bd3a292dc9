// SPDX-License-Identifier: Apache-2.0
// Models of a function: its layers are found where they are called, and its calls explained.
#include <unordered_set>

#include "graph/value.hpp"
#include "training/model_state.hpp"

namespace tempo {

namespace {

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

// Whether this thread is the one that finds the layers. Another that does so is waited for.
bool ModelState::is_to_find_layers() {
  if (!finds_layers || found.is_done()) return false;
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

Tensors ModelState::call_function(const Tensors& x, const CallOptions& options, Shapes* outputs) {
  const bool finding = is_to_find_layers();
  const GivenShapes given;
  Tensors results;
  try {
    results = run_function(x, options, given);
    if (finding)
      for (const Layer& layer : given.called()) add(layer);
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
