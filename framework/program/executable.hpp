// SPDX-License-Identifier: Apache-2.0
// A Program that is ready to run: caches hold it, explain prints it, and calls run it.
#pragma once

#include <span>

#include "program/plan/surroundings.hpp"
#include "program/run/rows/ending_rows.hpp"

namespace tempo {

class KeptProducts;

/// An optimised Program with its Plan and its Surroundings. Nothing in it depends on the number of
/// steps or on the caller's memory.
class Executable {
 public:
  /// `rows_end`: it is made for rows that end, and runs with them.
  explicit Executable(Program optimised, bool rows_end = false);

  const Program& program() const { return program_; }
  const Plan& plan() const { return plan_; }
  const Surroundings& surroundings() const { return surroundings_; }

  /// Inputs come in the Program's order. Sequences have time as their first axis, or as the second
  /// where the Program says so. Outputs must be allocated. `rows` must have the lengths of the
  /// condition among the sequences (leaves_rows_alone), of this Program or of the one that it is
  /// the gradient of. `whole` lists the inputs that are valid at each step although rows end. With
  /// `kept`, right sides are packed in the first run only.
  void run(int64_t time, std::span<const View> inputs, std::span<const View> outputs,
           const EndingRows* rows = nullptr, std::span<const int64_t> whole = {},
           const KeptProducts* kept = nullptr) const;
  /// Whether a run computes nothing for rows that have ended.
  bool drops_rows() const {
    return surroundings_.drops_rows && EndedRows::current() != EndedRows::computed;
  }
  /// The largest number of shards of rows for a run of this length.
  int64_t shards(int64_t time) const;
  /// The number of parts into which threads cut the columns of products, if there are no shards.
  int64_t column_parts(int64_t time) const;
  /// Whether a run of this length takes long and has fewer shards than there are threads.
  bool leaves_threads_idle(int64_t time) const;

  /// The stages of a step, and the costs of a run over this many steps.
  std::string explain(int64_t time) const;

 private:
  Program program_;
  Plan plan_;
  Surroundings surroundings_;
};

/// The stages of the loop, one per line.
std::string to_string(const Executable& executable);

}  // namespace tempo
