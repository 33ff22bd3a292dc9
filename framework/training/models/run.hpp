// SPDX-License-Identifier: Apache-2.0
// A fit, evaluation or step that is at work on a model: who may train it, and what it leaves as it
// was.
#pragma once

#include "training/models/kept_state.hpp"
#include "training/models/model_state.hpp"

namespace tempo {

/// Throws Error where the model was not compiled.
void require_compiled(const std::string& who, const ModelState& model);

/// While one lives, its thread alone trains the model; throws Error where another one does.
class SoleTrainer {
 public:
  SoleTrainer(const std::string& who, ModelState& model);
  ~SoleTrainer() {
    if (!inner_) model_.trained_by = std::thread::id();
  }
  SoleTrainer(const SoleTrainer&) = delete;
  SoleTrainer& operator=(const SoleTrainer&) = delete;
  /// Whether it stands inside another one, of a callback.
  bool inner() const { return inner_; }

 private:
  ModelState& model_;
  bool inner_;
};

/// One fit of a model: inside another one it leaves that one's flags, place and record.
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

/// Throws Error where another thread is at work on the weights, as far as can be seen.
void require_untrained_elsewhere(const std::string& who, const ModelState& model);

/// What f gives; called in a callback of fit, it leaves training the states that layers keep.
template <class F>
auto beside_training(const std::string& who, const Model& model, const ModelState& state, F f) {
  require_untrained_elsewhere(who, state);
  return state.trained_by == std::this_thread::get_id() ? with_states_apart(model, f) : f();
}

/// Where a file was loaded, the random numbers go on as they would have in the program that saved
/// it; the place in the epoch that it was saved at, if it was within a fit.
std::optional<Place> take_up(ModelState& model);

}  // namespace tempo
