// Counting and freeing of the graph's nodes. A chain of any length is freed without recursion.
#include "graph/value.hpp"

namespace tempo {

namespace {

struct Graveyard {
  std::vector<Value*> values;
  std::vector<Application*> applications;
  bool emptying = false;

  void empty() {
    if (emptying) return;
    emptying = true;
    while (!values.empty() || !applications.empty()) {
      if (!values.empty()) {
        Value* value = values.back();
        values.pop_back();
        delete value;
      } else {
        Application* application = applications.back();
        applications.pop_back();
        delete application;
      }
    }
    emptying = false;
  }
};

Graveyard& graveyard() {
  static thread_local Graveyard mine;
  return mine;
}

}  // namespace

void retain(Value* value) { value->count.fetch_add(1, std::memory_order_relaxed); }
void retain(Application* application) { application->count.fetch_add(1, std::memory_order_relaxed); }

void release(Value* value) {
  if (value->count.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  graveyard().values.push_back(value);
  graveyard().empty();
}

void release(Application* application) {
  if (application->count.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  graveyard().applications.push_back(application);
  graveyard().empty();
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
