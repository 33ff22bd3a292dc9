// SPDX-License-Identifier: Apache-2.0
// A fit, evaluation or step that runs on a model: it decides who may train, and restores what it
// must leave as it was.
#pragma once

#include "training/models/kept_state.hpp"
#include "training/models/model_state.hpp"

namespace tempo {

/// Throws Error if the model was not compiled.
void require_compiled(const std::string& who, const ModelState& model);

/// While one exists, only its thread trains the model; throws Error if another thread does.
class SoleTrainer {
 public:
  SoleTrainer(const std::string& who, ModelState& model);
  ~SoleTrainer() {
    if (!inner_) model_.trained_by = std::thread::id();
  }
  SoleTrainer(const SoleTrainer&) = delete;
  SoleTrainer& operator=(const SoleTrainer&) = delete;
  /// Whether it runs inside another one, in a callback.
  bool inner() const { return inner_; }

 private:
  ModelState& model_;
  bool inner_;
};

/// One fit of a model. Inside another fit it restores that one's flags, place and record.
class Run {
 public:
  Run(const std::string& who, ModelState& model, const FitParams& params);
  ~Run();
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;

  std::shared_ptr<History> history;

 private:
  ModelState& model_;
  SoleTrainer sole_;
  bool stop_before_ = false, interrupted_before_ = false;
  std::optional<Place> place_before_;
  std::shared_ptr<History> before_;
};

/// Throws Error if another thread is known to be training the weights.
void require_untrained_elsewhere(const std::string& who, const ModelState& model);

/// The result of f. In a callback of fit, it leaves the states that layers keep as they were.
template <class F>
auto beside_training(const std::string& who, const Model& model, const ModelState& state, F f) {
  require_untrained_elsewhere(who, state);
  return state.trained_by == std::this_thread::get_id() ? with_states_apart(model, f) : f();
}

/// If a file was loaded, random numbers continue as in the program that saved it. Returns the place
/// in the epoch at which the file was saved, if that was within a fit.
std::optional<Place> take_up(ModelState& model);

}  // namespace tempo
