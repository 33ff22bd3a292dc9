// SPDX-License-Identifier: Apache-2.0
// The fits, evaluations and steps that run on a model.
#include "training/models/run.hpp"

namespace tempo {

namespace {

[[noreturn]] void refuse(const std::string& who) {
  throw Error(who +
              ": another thread is training this model, or changing it.\n  Train one model in one "
              "thread at a time, and use it elsewhere before or after that; copies of a Model are "
              "the same model.");
}

}  // namespace

void require_compiled(const std::string& who, const ModelState& model) {
  if (model.compiled) return;
  if (!model.not_compiled.empty())
    throw Error(who + ": the model is not compiled: " + model.not_compiled);
  throw Error(
      who +
      ": the model was not compiled.\n  Call model.compile({.optimizer = Adam(), .loss = \"mse\"}) "
      "first.");
}

SoleTrainer::SoleTrainer(const std::string& who, ModelState& model) : model_(model) {
  const std::thread::id me = std::this_thread::get_id();
  std::thread::id owner;
  if (!model.trained_by.compare_exchange_strong(owner, me) && owner != me) refuse(who);
  inner_ = owner == me;
}

void require_untrained_elsewhere(const std::string& who, const ModelState& model) {
  const std::thread::id owner = model.trained_by;
  if (owner != std::thread::id() && owner != std::this_thread::get_id()) refuse(who);
}

Run::Run(const std::string& who, ModelState& model, const FitParams& params)
    : model_(model), sole_(who, model) {
  history = std::make_shared<History>(params);
  stop_before_ = model.stop;
  model.stop = false;
  interrupted_before_ = std::exchange(model.interrupted, false);
  place_before_ = std::exchange(model.place, {});
  before_ = std::exchange(model.history, history);
}

Run::~Run() {
  model_.place = place_before_;
  model_.goes_on = false;
  if (!sole_.inner()) return;
  model_.stop = stop_before_;
  model_.interrupted = interrupted_before_;
  model_.history = before_;
}

std::optional<Place> take_up(ModelState& model) {
  const auto resumes = std::exchange(model.resumes, {});
  if (!resumes) return {};
  if (resumes->seedings == seedings()) restore_generator(resumes->generator);
  return resumes->place;
}

}  // namespace tempo
