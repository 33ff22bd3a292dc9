// SPDX-License-Identifier: Apache-2.0
// The state of a Model: its layers and function, the settings of compile, and what a first call
// showed.
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

/// The shape with -1 for the batch, its first axis.
Shape with_free_batch(Shape shape);

/// Where a fit stands in its samples.
struct Place {
  int64_t batch = 0;              // of the epoch: how many are done
  int64_t round = 0;              // through the samples
  int64_t at = 0;                 // how many batches of that round are done
  GeneratorState generator = {};  // before the order of that round was drawn
};

struct ModelState {
  std::string name;
  std::vector<Layer> layers;                        // each once
  std::vector<std::string> names;                   // of the layers in this model, all different
  std::shared_ptr<const Model::Function> function;  // none: the layers one after the other
  bool finds_layers = false;                        // those that the function calls first
  std::vector<Layer> unlisted;  // models that it calls, and that are not `layers`
  Claim found;                  // what the function calls
  bool named = false;           // by its maker
  bool trainable = true;        // what layers are set to that come
  // It as a layer, while there is one, which keeps this state; under the lock of models.
  tempo_layer* as_layer = nullptr;

  /// What the first call showed, with -1 for extents that are not fixed; empty before it.
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
  Loss loss;                                      // none: there are several outputs
  std::vector<Metric> metrics, weighted_metrics;  // likewise
  Objective objective;
  std::atomic<bool> stop{false};
  bool interrupted = false;       // the latest fit, by Ctrl-C
  std::optional<Place> place;     // of the fit that runs, between two batches of an epoch
  bool goes_on = false;           // a callback's on_train_begin loaded where fit shall go on
  bool warned = false;            // of weights that no gradient reaches
  bool reach_is_known = false;    // that gradients reach the model's own weights alone
  bool reach_is_checked = false;  // which weights the loss reaches without penalties
  bool mask_is_known = false;     // that y_pred has the mask of its steps, or it was said
  std::atomic<std::thread::id> trained_by{};    // none: no fit is running
  std::shared_ptr<History> history;             // of the latest fit
  int64_t epoch = 0;                            // that fit finished last, counted from 1
  std::map<std::string, std::string> metadata;  // the user's own texts

  // Of a model from a file that was in training: where the generator stood. The first fit goes on
  // from there, unless set_seed was called in between.
  struct Resumes {
    GeneratorState generator;
    int64_t seedings;
    std::optional<Place> place = {};
  };
  std::optional<Resumes> resumes;
  // Of one that was saved with functions that were not given: the error of who needs them, and the
  // JSON that says which.
  std::string not_compiled, needs;

  /// Whether all of its layers are built.
  bool built() const;
  /// "Sequential" or "Model", for errors.
  const char* kind() const { return function ? "Model" : "Sequential"; }
  void add(const Layer& layer);
  Tensors call(const Tensors& x, const CallOptions& given);
  void build(const Shapes& inputs, DType dtype);
  /// For inputs and constants of these types.
  void build(const Seen& of);
  /// The layer that this model is to the function that calls it now; Layer{}: none does, or it is
  /// called as it is.
  static Layer in_function(const std::shared_ptr<ModelState>& model);
  Tensors weights() const;
  Tensors trainable_weights() const;

  // Of quantised(model): the model, and its weights in int8.
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

/// For the parts of libtempo that work on a model beside fit, as callbacks do.
struct ModelAccess {
  static ModelState& state(const Model& model) { return *model.state_; }
  /// The model of that state.
  static Model of(std::shared_ptr<ModelState> state) {
    Model model(std::vector<Layer>{}, std::string{});
    model.state_ = std::move(state);
    return model;
  }
  static const std::shared_ptr<ModelState>& shared(const Model& model) { return model.state_; }
};

}  // namespace tempo
