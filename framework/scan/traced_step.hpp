// SPDX-License-Identifier: Apache-2.0
// A step of a recurrence: run, traced into a Program, and kept by the layer that it belongs to.
#pragma once

#include <functional>
#include <memory>

#include "scan/recurrence.hpp"
#include "tensor/recent.hpp"

namespace tempo {

/// The results of one step, n_outputs and n_states of them, checked against the states before. Of a
/// step neither these nor its arguments carry masks.
std::vector<Ref<Value>> run_step(const tempo_scan& call, std::vector<Ref<Value>> x,
                                 std::vector<Ref<Value>> states);

/// Random numbers that a step draws: `count` keys of those of one step, from `offset` on.
struct Draw {
  int64_t offset, count;
  bool single;  // one key [2], not a row of [count, 2]
};

/// A step's Program, and what it reads besides the arguments of the step, in the Program's order.
struct TracedStep {
  RecurrenceRef recurrence;
  std::vector<Ref<Value>> captured;
  std::vector<Draw> draws;
  bool of_one_call = false;  // Trace::tie_to_call
};

/// Runs the step on placeholders and finds the Program of its trace.
TracedStep trace_step(const tempo_scan& call);

/// The traced steps of one layer. Those whose call has a step_id are pure functions of their
/// arguments, of the layer's weights and of the call's constants, with the masks that ride on
/// these. They are traced once for each step_id and type of all that, in training and not: layers
/// in a step that are not told are where its caller is. One that reads something else, looks at a
/// value or adds a loss is traced each time. Threads may ask at once; a step that is dropped for
/// another lives on where it runs.
class TraceCache {
 public:
  explicit TraceCache(std::function<std::vector<Value*>()> weights)
      : weights_(std::move(weights)) {}
  TracedStep traced(const tempo_scan& call, bool in_training);
  void clear();

 private:
  struct Source {
    Value* weight;         // of the layer, which keeps it; null: a constant of the call
    std::size_t constant;  // its number among those and their masks
  };
  // A constant of a call, or a mask that rides on the one before it.
  struct Constant {
    TensorType type;
    bool is_mask;
    std::size_t first;  // the number of the first one that is the same tensor
    friend bool operator==(const Constant&, const Constant&) = default;
  };
  struct Entry {
    Entry(const tempo_scan& call, bool in_training);
    bool fits(const tempo_scan& call, const std::vector<Constant>& constants,
              bool in_training) const;
    tempo_scan call;  // its numbers; the types stand for its tensors
    bool in_training;
    DType default_dtype;
    std::vector<TensorType> sequences, states;  // sequences: of one step
    std::vector<Constant> constants;
    RecurrenceRef recurrence;
    std::vector<Source> sources;
    std::vector<Draw> draws;
  };
  using EntryRef = std::shared_ptr<const Entry>;
  static std::vector<Constant> constants_of(const tempo_scan& call);
  bool find_sources(const TracedStep& step, const tempo_scan& call, Entry& entry) const;
  EntryRef find(const tempo_scan& call, bool in_training);
  void keep(EntryRef entry, const tempo_scan& call);

  std::function<std::vector<Value*>()> weights_;
  Recent<EntryRef> entries_{16};  // under the lock of steps
};

}  // namespace tempo
