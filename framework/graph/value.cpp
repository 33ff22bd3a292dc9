// SPDX-License-Identifier: Apache-2.0
// Counts and frees the nodes of the graph. A chain of any length is freed without recursion.
#include "graph/value.hpp"

namespace tempo {

namespace {

// It has no destructor: nodes in static variables are released after the thread's objects are gone.
struct Graveyard {
  Value* values = nullptr;
  Application* applications = nullptr;
  bool emptying = false;

  void empty() {
    if (emptying) return;
    emptying = true;
    while (values || applications) {
      if (values)
        delete std::exchange(values, values->next_dead);
      else
        delete std::exchange(applications, applications->next_dead);
    }
    emptying = false;
  }
};

thread_local Graveyard graveyard;

}  // namespace

void retain(Value* value) { value->count.fetch_add(1, std::memory_order_relaxed); }
void retain(Application* application) {
  application->count.fetch_add(1, std::memory_order_relaxed);
}

void release(Value* value) {
  if (value->count.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  value->next_dead = std::exchange(graveyard.values, value);
  graveyard.empty();
}

void release(Application* application) {
  if (application->count.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  application->next_dead = std::exchange(graveyard.applications, application);
  graveyard.empty();
}

uint64_t next_serial() {
  static std::atomic<uint64_t> serial{0};
  return ++serial;
}

Ref<Value> make_value(Array array) {
  Ref<Value> value(new Value);
  value->type = array.type();
  value->array = std::move(array);
  return value;
}

Array exchange_array(Value& weight, Array next) {
  changed_in_place(weight);
  return std::exchange(weight.array, std::move(next));
}

void changed_in_place(Value& weight) { ++weight.version; }

Ref<Value> result_of(const Ref<Application>& application, std::size_t k) {
  Ref<Value> value(new Value);
  value->type = application->types[k];
  if (!application->arrays.empty()) value->array = application->arrays[k];
  value->from = application;
  value->index = k;
  value->trace = application->trace;
  value->tracked = application->op->differentiable() && is_floating(value->type.dtype);
  return value;
}

}  // namespace tempo
