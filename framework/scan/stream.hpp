// SPDX-License-Identifier: Apache-2.0
// Functions of one time step that run again and again, as streamed models do: a scan over one step
// in them is recorded as its step, and its states are carried from run to run.
#pragma once

#include <functional>
#include <optional>
#include <span>

#include "graph/trace.hpp"
#include "program/run/execution.hpp"

namespace tempo {

/// While one exists, a scan over one step in its trace is recorded as its step, with carried
/// states.
class StreamTrace {
 public:
  StreamTrace();

  /// The one whose trace this thread is in; null inside of a step or of an inner trace.
  static StreamTrace* current();

  using PlainLoop = std::vector<Ref<Value>> (*)(const tempo_scan&, int64_t);
  std::vector<Ref<Value>> inlined(const tempo_scan& call, PlainLoop plain_loop);

  struct Carried {
    Ref<Value> initial, before, next;
  };
  Trace trace;
  std::vector<Carried> carried;

 private:
  Scoped<StreamTrace*> innermost_;
};

/// A traced function of one step, with the values that it reads besides x.
struct TracedStream {
  Program step, initial;  // initial: makes the states before the first step
  std::vector<Ref<Value>> captured;
};

class Streamer {
 public:
  /// f maps x, one tensor of each type, to one result. Other values that it reads are bound to the
  /// weights of the time of each run. In int8, products with weights are rounded (quantise).
  Streamer(const std::function<Tensor(const Tensors&)>& f, const std::vector<TensorType>& x,
           bool in_int8 = false);

  const TensorType& result() const;
  /// The stages of a step.
  const Executable& executable() const { return step_; }
  /// Runs one step from the data of each x to y. Allocates nothing.
  void run(std::span<const void* const> x, void* y);
  /// Sets the states to those before the first step.
  void reset();

 private:
  Streamer(TracedStream traced, const std::vector<TensorType>& x, bool in_int8);
  bool weights_changed() const;
  void prepare();

  Executable step_, initial_;  // initial_: makes the states before the first step
  std::vector<Ref<Value>> captured_;
  std::vector<uint64_t> versions_;  // of captured values, when it was prepared
  std::vector<Array> states_;
  std::vector<View> inputs_, outputs_, initial_states_;
  std::optional<Execution> execution_;
  Execution::Shard shard_{};
  std::vector<std::optional<std::size_t>> x_blocks_;  // for each x that is read
  int64_t steps_ = 0;
};

}  // namespace tempo
