// SPDX-License-Identifier: Apache-2.0
// Tracing: while a Trace exists, ops on this thread are recorded on placeholders, not computed.
#pragma once

#include "graph/value.hpp"
#include "tensor/scoped.hpp"

namespace tempo {

class Trace {
 public:
  Trace();

  /// The innermost trace of this thread, or null.
  static Trace* current();
  /// The trace around this one, or null.
  Trace* outer() const { return innermost_.before(); }

  uint64_t id() const { return id_; }
  /// A new placeholder of this trace.
  Ref<Value> placeholder(const TensorType& type);
  /// A placeholder for an argument of a step, which may depend on anything outside of it.
  Ref<Value> argument(const TensorType& type);
  /// The placeholder for a value from outside; the same one each time.
  Ref<Value> capture(const Ref<Value>& outside);
  /// The value itself if it belongs to this trace, else its capture.
  Ref<Value> own(const Ref<Value>& value) { return value->trace == id_ ? value : capture(value); }
  /// A placeholder for `n` random keys, int64 [n, 2] (for n = 0 a single key, [2]), which are drawn
  /// anew at every step of every run.
  Ref<Value> random_keys(int64_t n);
  void record(const Ref<Application>& application) { applications_.push_back(application); }

  /// Marks all traces of this thread as valid for one call only: code in them looks at a value, or
  /// has side effects that another call must repeat.
  static void tie_to_call();
  bool is_tied_to_call() const { return tied_to_call_; }
  /// Whether its caller, and the callers of the traces around it, record for gradients. The trace
  /// itself always records unless that is switched off within it, so that it serves all callers.
  bool is_recorded() const { return recorded_; }

  struct Capture {
    Ref<Value> outside, inside;
  };
  struct Keys {
    Ref<Value> placeholder;
    int64_t offset, count;  // earlier draws in this step; its own draws
  };
  const std::vector<Ref<Value>>& arguments() const { return arguments_; }
  const std::vector<Capture>& captures() const { return captures_; }
  const std::vector<Keys>& keys() const { return keys_; }
  const std::vector<Ref<Application>>& applications() const { return applications_; }

 private:
  uint64_t id_;
  bool tied_to_call_ = false;
  std::vector<Ref<Value>> arguments_;
  std::vector<Capture> captures_;
  std::vector<Keys> keys_;
  std::vector<Ref<Application>> applications_;
  const bool recorded_;
  const Recording recording_;
  Scoped<Trace*> innermost_;
};

/// Whether a gradient may be asked for later of the values computed now.
inline bool may_want_gradients() {
  const Trace* const trace = Trace::current();
  return recording() && (!trace || trace->is_recorded());
}

/// Whether code may depend on a value: it has one, and no step is being traced, which may run with
/// another value. Code that looks nevertheless ties the trace to its call.
inline bool may_go_by(const Value& value) { return !value.trace && !Trace::current(); }

/// While one exists, ops are computed although a step is being traced: for making weights.
class TracePause {
 public:
  TracePause();

 private:
  Scoped<Trace*> innermost_;
};

}  // namespace tempo
