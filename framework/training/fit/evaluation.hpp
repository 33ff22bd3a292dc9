// SPDX-License-Identifier: Apache-2.0
// Loss and metrics of batches, within fit and on their own.
#pragma once

#include "training/batches/batch_feed.hpp"
#include "training/callbacks/callbacks.hpp"
#include "training/callbacks/progress.hpp"
#include "training/fit/tracker.hpp"

namespace tempo {

struct Evaluation {
  Progress* progress = nullptr;
  bool may_be_cut = false;  // by Ctrl-C; the caller checks for it
};

/// The logs of one epoch over these batches.
Logs evaluated(const std::string& who, ModelState& model, const Objective& objective,
               Tracker tracker, BatchFeed& batches, const Callbacks& callbacks,
               const Evaluation& how);

}  // namespace tempo
