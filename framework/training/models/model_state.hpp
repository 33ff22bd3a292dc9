// SPDX-License-Identifier: Apache-2.0
// The state of a Model: its layers and function, the settings of compile, and the findings of the
// first call.
#pragma once

#include <atomic>
#include <map>
#include <optional>
#include <thread>

#include <tempo/model.hpp>

#include "ops/defaults.hpp"
#include "plugin/layer.hpp"
#include "scan/int8/weights.hpp"
#include "training/models/objective.hpp"

namespace tempo {

/// The shape with -1 for its first axis, the batch.
Shape with_free_batch(Shape shape);

/// A place of a fit in its samples.
struct Place {
  int64_t batch = 0;              // batches of the epoch that are done
  int64_t round = 0;              // the round through the samples
  int64_t at = 0;                 // batches of that round that are done
  GeneratorState generator = {};  // before the order of the round was drawn
};

struct ModelState {
  std::string name;
  std::vector<Layer> layers;                        // each once
  std::vector<std::string> names;                   // of the layers in this model, all different
  std::shared_ptr<const Model::Function> function;  // null: the layers run one after the other
  bool finds_layers = false;                        // whether the function's first call finds them
  std::vector<Layer> unlisted;  // models that it calls and that are not in `layers`
  Claim found;                  // whether the layers of the function have been found
  bool named = false;           // whether its maker named it
  bool trainable = true;        // the setting of layers that are added
  // The model as a layer, as long as one exists; it keeps this state. Under the lock of models.
  tempo_layer* as_layer = nullptr;

  /// The types in the first call, with -1 for extents that are not fixed; empty before it.
  struct Seen {
    Shapes inputs;
    std::vector<DType> input_dtypes;
    Shapes layer_outputs;
    std::vector<TensorType> constants = {};
  };
  Seen seen() const;
  void see(Seen what);

  bool compiled = false;
  Optimizer optimizer;
  Loss loss;                                      // empty if there are several outputs
  std::vector<Metric> metrics, weighted_metrics;  // empty if there are several outputs
  Objective objective;
  std::atomic<bool> stop{false};
  bool interrupted = false;       // whether Ctrl-C ended the latest fit
  std::optional<Place> place;     // of the fit that runs, between two batches of an epoch
  bool goes_on = false;           // whether on_train_begin loaded a state that fit continues
  bool warned = false;            // about weights that no gradient reaches
  bool reach_is_known = false;    // whether gradients reach the model's own weights alone
  bool reach_is_checked = false;  // whether the reach of the loss without penalties was checked
  bool mask_is_known = false;     // whether y_pred has its mask, or a warning about it was given
  std::atomic<std::thread::id> trained_by{};    // no thread: no fit is running
  std::shared_ptr<History> history;             // of the latest fit
  int64_t epoch = 0;                            // the last finished epoch of it, counted from 1
  std::map<std::string, std::string> metadata;  // the user's own texts

  // For a model from a file that was saved in training: the state of the generator. The first fit
  // continues from it, unless set_seed was called in between.
  struct Resumes {
    GeneratorState generator;
    int64_t seedings;
    std::optional<Place> place = {};
  };
  std::optional<Resumes> resumes;
  // For a model that was saved with functions that were not given: the error of whoever needs them,
  // and the JSON that names them.
  std::string not_compiled, needs;

  /// Whether all layers are built.
  bool built() const;
  /// "Sequential" or "Model", as errors call it.
  const char* kind() const { return function ? "Model" : "Sequential"; }
  void add(const Layer& layer);
  Tensors call(const Tensors& x, const CallOptions& given);
  void build(const Shapes& inputs, DType dtype);
  /// Builds for inputs and constants of these types.
  void build(const Seen& of);
  /// The layer that stands for this model in the function that calls it now; Layer{} if there is no
  /// such function, or if the model is called without a layer.
  static Layer in_function(const std::shared_ptr<ModelState>& model);
  Tensors weights() const;
  Tensors trainable_weights() const;

  // For quantised(model): the original model, and its weights in int8.
  std::shared_ptr<ModelState> float_model;
  std::unique_ptr<Int8Weights> int8_weights;

 private:
  void build_by_probing(const Seen& of);
  Tensors call_in_int8(const Tensors& x, const CallOptions& given);
  Tensors call_layers(const Tensors& x, const CallOptions& options, Shapes* outputs);
  Tensors call_function(const Tensors& x, const CallOptions& options, Shapes* outputs);
  Tensors run_function(const Tensors& x, const CallOptions& options, const GivenShapes& given);
  bool is_to_find_layers();
  void keep_called(const GivenShapes& given);
  void require_listed(const GivenShapes& given) const;

  std::atomic<bool> has_seen_{false};
  Seen seen_;  // under the lock of shapes
};

/// Access for parts of libtempo that work on a model beside fit, such as callbacks.
struct ModelAccess {
  static ModelState& state(const Model& model) { return *model.state_; }
  /// The model that has this state.
  static Model of(std::shared_ptr<ModelState> state) {
    Model model(std::vector<Layer>{}, std::string{});
    model.state_ = std::move(state);
    return model;
  }
  static const std::shared_ptr<ModelState>& shared(const Model& model) { return model.state_; }
};

}  // namespace tempo
