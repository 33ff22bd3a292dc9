// SPDX-License-Identifier: Apache-2.0
// Truncated backpropagation through time: a batch of long sequences gets one update for each piece.
#pragma once

#include "training/fit/update.hpp"

namespace tempo {

/// The updates of a fit with `.truncate` (Williams and Peng, 1990).
class Truncation {
 public:
  /// Pieces of `steps` steps; 0 for whole sequences.
  Truncation(std::string who, const Model& handle, ModelState& model, Updates& update,
             int64_t steps)
      : who_(std::move(who)), handle_(handle), model_(model), update_(update), steps_(steps) {}

  /// One update for each piece in turn, until Ctrl-C. The first batch of more than one piece shows
  /// whether the model can be run in pieces; throws Error if it cannot.
  void operator()(const Dataset& given, Tracker& tracker, int epoch, int64_t number);

 private:
  [[noreturn]] void refuse(const std::string& what, const std::string& fix) const;
  /// The number of steps of the sequences.
  int64_t time_of(const Dataset& batch) const;
  Dataset piece_of(const Dataset& batch, int64_t begin, int64_t end) const;
  /// Runs the first steps of a few sequences as a whole and in pieces.
  void try_out(const Dataset& batch);
  void build(const Dataset& few);
  void require_same(const std::vector<CarriedStates::Output>& whole,
                    const std::vector<std::vector<CarriedStates::Output>>& pieces) const;
  void find_time_axes(const Dataset& batch, const Tensors& whole, const Tensors& piece);
  void update_by_pieces(const Dataset& batch, Tracker& tracker, int epoch, int64_t number);

  std::string who_;
  Model handle_;
  ModelState& model_;
  Updates& update_;
  int64_t steps_;
  bool tried_ = false;
  bool at_each_step_ = true;  // whether the targets have a time axis
};

}  // namespace tempo
