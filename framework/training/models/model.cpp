// SPDX-License-Identifier: Apache-2.0
// Models: naming, building and calling layers.
#include <algorithm>

#include "graph/value.hpp"
#include "plugin/layer.hpp"
#include "plugin/layer_name.hpp"
#include "tensor/process_lock.hpp"
#include "training/models/kept_state.hpp"
#include "training/models/model_layer.hpp"
#include "training/models/model_state.hpp"
#include "training/settings.hpp"

namespace tempo {

namespace {

[[noreturn]] void several_results(const std::string& model, const Layer& layer, std::size_t count,
                                  const Layer& next) {
  throw Error(model + ": `" + layer.name() + "` returns " + std::to_string(count) +
              " results, and `" + next.name() +
              "` after it takes one.\n  Only the last layer may return more (return_state, "
              "merge_mode none); Model with a function uses them all.");
}

void require_taken(const std::string& model, const std::vector<Layer>& layers) {
  if (std::any_of(layers.begin(), layers.end(),
                  [](const Layer& layer) { return takes_constants(*layer.handle()); }))
    return;
  throw Error(model +
              ": constants were given, and none of its layers takes any.\n  A cell that RNN runs "
              "takes them by a third argument of its step, `const StepCall& call`.");
}

// The nearest layer before this one that returns its last output only; "" if there is none.
std::string last_output_before(const std::vector<Layer>& layers, const Layer& layer) {
  std::string nearest;
  for (const Layer& before : layers) {
    if (&before == &layer) break;
    if (before.handle()->last_only) nearest = before.handle()->path();
  }
  return nearest;
}

Tensors call_in_turn(const std::vector<Layer>& layers, const Layer& layer, const Tensors& inputs,
                     const CallOptions& options) {
  try {
    return layer.call(inputs, options);
  } catch (const ShapeError& error) {
    const std::string before = last_output_before(layers, layer);
    if (!before.empty() && inputs[0].rank() < 3) explain_lost_time(*layer.handle(), error, before);
    throw;
  }
}

// The type of a constant, with -1 for the batch if its first axis has the extent of x's.
TensorType of_any_batch(const Tensor& constant, const Tensor& x) {
  const Shape shape = constant.shape(), given = x.shape();
  const bool batched = shape.rank() > 0 && given.rank() > 0 && shape[0] == given[0];
  return {constant.dtype(), batched ? with_free_batch(shape) : shape};
}

}  // namespace

Shape with_free_batch(Shape shape) {
  if (shape.rank() > 0) shape[0] = -1;
  return shape;
}

void ModelState::add(const Layer& layer) {
  if (!layer)
    throw Error(std::string(kind()) + ": layer " + std::to_string(layers.size()) +
                " was never given a value (it is Layer{}).");
  if (layer.is_cell())
    throw Error(std::string(kind()) + ": `" + layer.name() +
                "` is a cell, one time step.\n  Make a layer of it: RNN(" + layer.type_name() +
                "Cell({...})).");
  const bool again = std::any_of(layers.begin(), layers.end(), [&](const Layer& other) {
    return other.handle() == layer.handle();
  });
  if (again && function) return;  // the function may call it any number of times
  if (again)
    throw Error(std::string(kind()) + ": layer `" + layer.name() +
                "` was given twice.\n  Make a second layer, or use "
                "Model with a function that calls it twice.");
  const std::string its_name = name_beside(kind(), names, layer, layer.name());
  // A layer that is part of something else keeps its name from there.
  if (!layer.handle()->named) name_layer(layer, its_name);
  names.push_back(its_name);
  layers.push_back(layer);
  if (const Layer mine = held_layer_of(*this)) add_child(*mine.handle(), its_name.c_str(), layer);
  if (!trainable) layer.set_trainable(false);
  see({});
}

bool ModelState::built() const {
  return !layers.empty() &&
         std::all_of(layers.begin(), layers.end(), [](const Layer& each) { return each.built(); });
}

ModelState::Seen ModelState::seen() const {
  const ProcessLock lock(ProcessLock::shapes);
  return seen_;
}

void ModelState::see(Seen what) {
  const ProcessLock lock(ProcessLock::shapes);
  seen_ = std::move(what);
  has_seen_.store(!seen_.inputs.empty(), std::memory_order_release);
}

Tensors ModelState::call(const Tensors& x, const CallOptions& given) {
  if (float_model) return call_in_int8(x, given);
  const InTraining mode(given.training.abi());
  CallOptions options = given;
  options.training = in_training();
  if (x.empty()) throw Error(name + ": called without an input.");
  for (std::size_t i = 0; i < x.size(); ++i)
    if (!x[i])
      throw Error(name + ": input " + std::to_string(i) +
                  " was never given a value (it is Tensor{}).");
  const bool first = !has_seen_.load(std::memory_order_acquire);
  Seen now;
  Shapes* const outputs = first ? &now.layer_outputs : nullptr;
  Tensors results =
      function ? call_function(x, options, outputs) : call_layers(x, options, outputs);
  if (first) {
    for (const Tensor& t : x) {
      now.inputs.push_back(with_free_batch(t.shape()));
      now.input_dtypes.push_back(t.dtype());
    }
    for (const Tensor& t : options.constants) now.constants.push_back(of_any_batch(t, x[0]));
    see(std::move(now));
  }
  return results;
}

Tensors ModelState::call_layers(const Tensors& x, const CallOptions& options, Shapes* outputs) {
  if (layers.empty())
    throw Error(
        name +
        ": it has no layers.\n  Give them as Sequential model({...}), or by model.add(layer).");
  if (!options.constants.empty()) require_taken(name, layers);
  Tensors now = x;
  for (const Layer& layer : layers) {
    const bool first = &layer == &layers.front();
    CallOptions its = first ? options : CallOptions{.training = options.training};
    its.constants = takes_constants(*layer.handle()) ? options.constants : Tensors{};
    now = call_in_turn(layers, layer, now, its);
    const bool last = &layer == &layers.back();
    if (!last && now.size() > 1) several_results(name, layer, now.size(), *(&layer + 1));
    if (outputs) outputs->push_back(with_free_batch(now[0].shape()));
  }
  return now;
}

void ModelState::build(const Shapes& inputs, DType dtype) {
  build(Seen{inputs, std::vector<DType>(inputs.size(), dtype), {}});
}

namespace {
// Zeros of a shape. An unknown batch becomes 1; other unknown extents become `unknown`.
Tensor zeros_of(const std::string& model, const Shape& given, DType dtype, int64_t unknown) {
  Shape shape = given;
  for (int axis = 0; axis < shape.rank(); ++axis) {
    if (shape[axis] == 0 || shape[axis] < -1)
      throw ShapeError(
          model + ": build was given the shape " + to_string(given) +
          ".\n  Extents are positive; -1 stands for one that is not known, as the batch.");
    if (shape[axis] == -1) shape[axis] = axis == 0 ? 1 : unknown;
  }
  return zeros(shape, dtype);
}

[[noreturn]] void decides_a_weight(const std::string& name, const Shapes& inputs) {
  std::string given;
  for (const Shape& s : inputs) given += (given.empty() ? "" : ", ") + to_string(s);
  throw ShapeError(name + ": build was given " + given +
                   ", and a -1 there decides the size of a weight.\n"
                   "  Give build the features: model.build({{-1, -1, features}}). The model is as "
                   "it was, not built.");
}

void add_unbuilt(const std::vector<Layer>& layers, std::vector<Layer>& out) {
  for (const Layer& layer : layers) {
    if (!layer.built()) out.push_back(layer);
    add_unbuilt(layer.handle()->children, out);
  }
}
}  // namespace

// Layers find the shapes of their weights when they are called, so the model is called on zeros.
// Unknown extents are tried as 2 and as 3: an extent that differs between the two stays unknown.
void ModelState::build(const Seen& of) {
  if (of.inputs.empty()) throw Error(name + ": build needs the shape of each input.");
  std::vector<Layer> unbuilt;
  add_unbuilt(layers, unbuilt);
  try {
    build_by_probing(of);
  } catch (...) {
    for (const Layer& layer : unbuilt) unbuild(*layer.handle());
    see({});
    throw;
  }
}

void ModelState::build_by_probing(const Seen& of) {
  const Shapes& inputs = of.inputs;
  bool open = false;
  for (const Shape& s : inputs)
    for (int axis = 1; axis < s.rank(); ++axis) open = open || s[axis] == -1;

  const NoGradient probing;
  const auto probe = [&](int64_t unknown) {
    see({});
    Tensors x, constants;
    for (std::size_t i = 0; i < inputs.size(); ++i)
      x.push_back(zeros_of(name, inputs[i], of.input_dtypes[i], unknown));
    for (const TensorType& type : of.constants)
      constants.push_back(zeros_of(name, type.shape, type.dtype, unknown));
    call(x, {.training = false, .constants = constants});
    for (const Layer& layer : layers)
      if (layer.built()) layer.reset_state();
    return seen().layer_outputs;
  };
  Shapes outputs = probe(2);
  if (open) {
    const Shapes others = [&] {
      try {
        return probe(3);
      } catch (const ShapeError&) {
        decides_a_weight(name, inputs);
      }
    }();
    for (std::size_t i = 0; i < outputs.size(); ++i)
      for (int axis = 1; axis < outputs[i].rank(); ++axis)
        if (outputs[i][axis] != others[i][axis]) outputs[i][axis] = -1;
  }
  see({inputs, seen().input_dtypes, outputs, of.constants});
}

Tensors ModelState::weights() const {
  Tensors out;
  for (Value* w : weights_of(layers)) out.push_back(Tensor::borrowed(w));
  return out;
}

Tensors ModelState::trainable_weights() const {
  Tensors out;
  for (Value* w : weights_of(layers))
    if (!w->frozen) out.push_back(Tensor::borrowed(w));
  return out;
}

// --- The handle ---------------------------------------------------------------------------------

Model::Model(const std::vector<Layer>& layers, const std::string& name)
    : state_(std::make_shared<ModelState>()) {
  state_->name = name.empty() ? "sequential" : name;
  state_->named = !name.empty();
  require_text("Sequential, name", state_->name);
  for (const Layer& layer : layers) state_->add(layer);
}

Model::Model(const std::vector<Layer>& layers, std::shared_ptr<const Function> function,
             const std::string& name)
    : state_(std::make_shared<ModelState>()) {
  state_->name = name.empty() ? "model" : name;
  state_->named = !name.empty();
  require_text("Model, name", state_->name);
  state_->function = std::move(function);
  for (const Layer& layer : layers) state_->add(layer);
}

Model::Model(std::shared_ptr<const Function> function, const std::string& name)
    : Model(std::vector<Layer>{}, std::move(function), name) {
  state_->finds_layers = true;
}

Model::operator Layer() const { return layer_of(state_); }

void Model::add_layer(const Layer& layer) { state_->add(layer); }

Tensors Model::run_call(const Inputs& x, const CallOptions& options) const {
  if (const Layer layer = ModelState::in_function(state_)) return layer.call(x, options);
  return state_->call(x, options);
}
void Model::run_build(const Shapes& inputs, DType dtype) {
  with_states_apart(*this, [&] { state_->build(inputs, dtype); });
}

bool Model::built() const { return state_->built(); }
Shapes Model::input_shapes() const { return state_->seen().inputs; }
std::vector<DType> Model::input_dtypes() const { return state_->seen().input_dtypes; }

std::string Model::name() const { return state_->name; }
const std::vector<Layer>& Model::layers() const { return state_->layers; }
std::vector<std::string> Model::layer_names() const { return state_->names; }

Layer Model::get_layer(const std::string& name) const {
  const std::vector<std::string>& names = state_->names;
  const auto at = std::find(names.begin(), names.end(), name);
  if (at != names.end()) return state_->layers[static_cast<std::size_t>(at - names.begin())];
  if (names.empty())
    throw Error(state_->name + ": it has no layers" +
                (state_->finds_layers ? " yet.\n  Its function is called for the first time by "
                                        "build or a call, and shows them then."
                                      : "."));
  unknown_name(state_->name, "layer", name, names);
}

Tensors Model::weights() const { return state_->weights(); }
std::vector<std::pair<std::string, Tensor>> Model::named_weights() const {
  std::vector<std::pair<std::string, Tensor>> out;
  for (const WeightOnPath& w : weights_on_paths(state_->layers, state_->names))
    out.emplace_back(w.path, Tensor::borrowed(w.value));
  return out;
}
Tensors Model::trainable_weights() const { return state_->trainable_weights(); }
int64_t Model::count_params() const {
  int64_t n = 0;
  for (const Tensor& w : weights()) n += w.count();
  return n;
}
void Model::reset_state() const {
  for (const Layer& layer : state_->layers) layer.reset_state();
}

void Model::set_trainable(bool trainable) {
  state_->trainable = trainable;
  for (const Layer& layer : state_->layers) layer.set_trainable(trainable);
  if (const Layer layer = held_layer_of(*state_)) layer.set_trainable(trainable);
}

void Model::stop_training(bool stop) { state_->stop = stop; }
int Model::epoch() const { return static_cast<int>(state_->epoch); }
bool Model::compiled() const { return state_->compiled; }
Optimizer Model::optimizer() const { return state_->optimizer; }
Loss Model::loss() const { return state_->loss; }
const std::vector<Metric>& Model::metrics() const { return state_->metrics; }
const std::vector<Metric>& Model::weighted_metrics() const { return state_->weighted_metrics; }
bool Model::is_sequential() const { return !state_->function; }

}  // namespace tempo
