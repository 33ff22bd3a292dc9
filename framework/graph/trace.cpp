// SPDX-License-Identifier: Apache-2.0
// The innermost trace of each thread.
#include "graph/trace.hpp"

namespace tempo {

namespace {
thread_local Trace* innermost = nullptr;
}

Trace::Trace() : id_(next_serial()), recorded_(may_want_gradients()), innermost_(innermost, this) {}
TracePause::TracePause() : innermost_(innermost, nullptr) {}

Trace* Trace::current() { return innermost; }

void Trace::tie_to_call() {
  for (Trace* t = innermost; t; t = t->outer()) t->tied_to_call_ = true;
}

Ref<Value> Trace::placeholder(const TensorType& type) {
  Ref<Value> value(new Value);
  value->type = type;
  value->trace = id_;
  value->tracked = is_floating(type.dtype);
  return value;
}

Ref<Value> Trace::argument(const TensorType& type) {
  arguments_.push_back(placeholder(type));
  return arguments_.back();
}

Ref<Value> Trace::capture(const Ref<Value>& outside) {
  for (const Capture& c : captures_)
    if (identity(*c.outside) == identity(*outside)) return c.inside;
  Ref<Value> inside = placeholder(outside->type);
  inside->path = outside->path;
  captures_.push_back({outside, inside});
  return inside;
}

Ref<Value> Trace::random_keys(int64_t n) {
  const int64_t offset = keys_.empty() ? 0 : keys_.back().offset + keys_.back().count;
  Ref<Value> keys = placeholder({int64, n ? Shape{n, 2} : Shape{2}});
  keys_.push_back({keys, offset, n ? n : 1});
  return keys;
}

}  // namespace tempo
