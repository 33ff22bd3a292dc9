// SPDX-License-Identifier: Apache-2.0
// A Program ready to run: what is cached, explained and run.
#pragma once

#include <span>

#include "program/plan/surroundings.hpp"
#include "program/run/rows/ending_rows.hpp"

namespace tempo {

class KeptProducts;

/// An optimised Program with its Plan and what a run does besides the stages. Nothing in it depends
/// on the number of steps or on the caller's memory.
class Executable {
 public:
  /// One that is made for rows that end is run with them.
  explicit Executable(Program optimised, bool rows_end = false);

  const Program& program() const { return program_; }
  const Plan& plan() const { return plan_; }
  const Surroundings& surroundings() const { return surroundings_; }

  /// Inputs come in the Program's order, sequences with the time axis first, or second where the
  /// Program says so; outputs are allocated. `rows` must have the lengths that the condition among
  /// the sequences has (leaves_rows_alone), here or in the Program that this one is a gradient of.
  /// `whole` names the inputs in which each step means something, though rows end. With `kept`, a
  /// right side is packed for the first run alone.
  void run(int64_t time, std::span<const View> inputs, std::span<const View> outputs,
           const EndingRows* rows = nullptr, std::span<const int64_t> whole = {},
           const KeptProducts* kept = nullptr) const;
  /// Whether a run computes nothing for a row that has ended.
  bool drops_rows() const {
    return surroundings_.drops_rows && EndedRows::current() != EndedRows::computed;
  }
  /// In how many shards of rows such a run is cut, at most.
  int64_t shards(int64_t time) const;
  /// Into how many parts the columns of its products are cut for threads, where shards are not.
  int64_t column_parts(int64_t time) const;
  /// Whether such a run is long and has fewer shards than there are threads.
  bool leaves_threads_idle(int64_t time) const;

  /// How a step runs, and what a run over this many steps costs.
  std::string explain(int64_t time) const;

 private:
  Program program_;
  Plan plan_;
  Surroundings surroundings_;
};

/// The stages of the loop, a line each.
std::string to_string(const Executable& executable);

}  // namespace tempo
