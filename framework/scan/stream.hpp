// SPDX-License-Identifier: Apache-2.0
// A function of one time step that is run again and again: scans over one step in it are their
// steps, and their states go on from run to run. What a model needs to be streamed.
#pragma once

#include <functional>
#include <optional>
#include <span>

#include "graph/trace.hpp"
#include "program/run/execution.hpp"

namespace tempo {

/// While one lives, a scan over one step that is called in its trace is recorded as its step, with
/// states that are carried.
class StreamTrace {
 public:
  StreamTrace();

  /// The one in whose trace this thread is; null inside of a step or of a trace within.
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

/// A function of one step that was traced, and what it reads besides x.
struct TracedStream {
  Program step, initial;  // initial: the states before the first step
  std::vector<Ref<Value>> captured;
};

class Streamer {
 public:
  /// f maps x, one tensor of each type, to one result; what it reads besides is bound to the
  /// weights as they are at each run. In int8, products with weights are rounded (quantise).
  Streamer(const std::function<Tensor(const Tensors&)>& f, const std::vector<TensorType>& x,
           bool in_int8 = false);

  const TensorType& result() const;
  /// How a step runs.
  const Executable& executable() const { return step_; }
  /// One step, from the data of each x to y. Allocates nothing.
  void run(std::span<const void* const> x, void* y);
  /// The states become what they are before the first step.
  void reset();

 private:
  Streamer(TracedStream traced, const std::vector<TensorType>& x, bool in_int8);
  bool weights_changed() const;
  void prepare();

  Executable step_, initial_;  // initial_: the states before the first step
  std::vector<Ref<Value>> captured_;
  std::vector<uint64_t> versions_;  // of what is captured, when it was prepared
  std::vector<Array> states_;
  std::vector<View> inputs_, outputs_, initial_states_;
  std::optional<Execution> execution_;
  Execution::Shard shard_{};
  std::vector<std::optional<std::size_t>> x_blocks_;  // of each x that is read
  int64_t steps_ = 0;
};

}  // namespace tempo
