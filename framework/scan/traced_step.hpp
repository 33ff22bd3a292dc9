// SPDX-License-Identifier: Apache-2.0
// A step of a recurrence: it is run, traced into a Program, and cached by its layer.
#pragma once

#include <functional>
#include <memory>

#include "scan/recurrence.hpp"
#include "tensor/recent.hpp"

namespace tempo {

/// The results of one step, n_outputs and n_states of them, checked against the states before it.
/// Neither they nor the step's arguments have masks.
std::vector<Ref<Value>> run_step(const tempo_scan& call, std::vector<Ref<Value>> x,
                                 std::vector<Ref<Value>> states);

/// Random numbers drawn in a step: `count` of the step's keys, from `offset` on.
struct Draw {
  int64_t offset, count;
  bool single;  // one key [2], not a row of [count, 2]
};

/// A step's Program, and the outside values that it reads, in the Program's order.
struct TracedStep {
  RecurrenceRef recurrence;
  std::vector<Ref<Value>> captured;
  std::vector<Draw> draws;
  bool of_one_call = false;  // Trace::tie_to_call
};

/// Runs the step on placeholders, and finds the Program of its trace.
TracedStep trace_step(const tempo_scan& call);

/// The traced steps of one layer. A step whose call has a step_id is a pure function of its
/// arguments, the layer's weights, and the call's constants with their masks. It is traced once for
/// each step_id and each set of types of these, in training and not: inner layers that are not told
/// use the mode of the caller. A step that reads something else, looks at a value or adds a loss is
/// traced each time. Several threads may use the cache at once; a step that is evicted lives on
/// wherever it still runs.
class TraceCache {
 public:
  explicit TraceCache(std::function<std::vector<Value*>()> weights)
      : weights_(std::move(weights)) {}
  TracedStep traced(const tempo_scan& call, bool in_training);
  void clear();

 private:
  struct Source {
    Value* weight;         // held by the layer; null: it is a constant of the call
    std::size_t constant;  // the index among constants and masks
  };
  // A constant of a call, or the mask of the one before it.
  struct Constant {
    TensorType type;
    bool is_mask;
    std::size_t first;  // the index of the first that is the same tensor
    friend bool operator==(const Constant&, const Constant&) = default;
  };
  struct Entry {
    Entry(const tempo_scan& call, bool in_training);
    bool fits(const tempo_scan& call, const std::vector<Constant>& constants,
              bool in_training) const;
    tempo_scan call;  // with the numbers of the call; types replace its tensors
    bool in_training;
    DType default_dtype;
    std::vector<TensorType> sequences, states;  // sequences: types of one step
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
