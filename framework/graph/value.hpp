// SPDX-License-Identifier: Apache-2.0
// Values and applications: they record how a Tensor was computed.
#pragma once

#include <atomic>
#include <functional>
#include <memory>

#include "graph/op.hpp"
#include "tensor/buffers.hpp"
#include "tensor/scoped.hpp"

struct tempo_tensor;

namespace tempo {

using Value = ::tempo_tensor;

void retain(Value* value);
void release(Value* value);
void retain(Application* application);
void release(Application* application);

/// A counted reference; it takes over one count, unless made by `share`.
template <class T>
class Ref {
 public:
  Ref() = default;
  explicit Ref(T* owned) : p_(owned) {}
  static Ref share(T* p) {
    if (p) retain(p);
    return Ref(p);
  }
  Ref(const Ref& other) : p_(other.p_) {
    if (p_) retain(p_);
  }
  Ref(Ref&& other) noexcept : p_(std::exchange(other.p_, nullptr)) {}
  Ref& operator=(Ref other) noexcept {
    std::swap(p_, other.p_);
    return *this;
  }
  ~Ref() {
    if (p_) release(p_);
  }
  T* get() const { return p_; }
  T* operator->() const { return p_; }
  T& operator*() const { return *p_; }
  explicit operator bool() const { return p_ != nullptr; }
  T* give_up() { return std::exchange(p_, nullptr); }

 private:
  T* p_ = nullptr;
};

/// One use of an op: its inputs and results. It is kept only if a gradient may be asked for, or
/// while a step is traced.
struct Application {
  static void* operator new(std::size_t bytes) { return take_buffer(bytes); }
  static void operator delete(void* buffer, std::size_t bytes) noexcept {
    give_back_buffer(static_cast<std::byte*>(buffer), bytes);
  }

  std::atomic<uint32_t> count{1};
  const OpDefinition* op = nullptr;
  Attributes attributes;
  std::vector<Ref<Value>> inputs;
  std::vector<uint64_t> versions;    // of the inputs at that time, if one is a weight
  std::vector<TensorType> types;     // of the results
  std::vector<Array> arrays;         // of the results; empty while traced
  uint64_t serial = 0;               // later applications have larger ones
  uint64_t trace = 0;                // the trace that recorded it; 0: it was computed
  Application* next_dead = nullptr;  // while it waits to be freed
};

/// The penalty and the projection of a weight in training. Empty functions do nothing.
struct WeightRules {
  std::function<Tensor(const Tensor& weight)> penalty;     // added to the loss
  std::function<Tensor(const Tensor& weight)> projection;  // applied to each next value
};

/// The serial number of the next application; these numbers order the graph.
uint64_t next_serial();

}  // namespace tempo

/// A Tensor's node: a result of an application, or a leaf.
struct tempo_tensor {
  static void* operator new(std::size_t bytes) { return tempo::take_buffer(bytes); }
  static void operator delete(void* buffer, std::size_t bytes) noexcept {
    tempo::give_back_buffer(static_cast<std::byte*>(buffer), bytes);
  }

  std::atomic<uint32_t> count{1};
  tempo::TensorType type;
  tempo::Array array;                   // empty while traced
  tempo::Ref<tempo::Application> from;  // empty: a leaf
  std::size_t index = 0;                // of the result among those of `from`
  tempo::Ref<tempo_tensor> mask;
  std::string path;      // of a weight
  uint64_t version = 0;  // of a weight: the number of assignments
  uint64_t trace = 0;    // the trace that it belongs to; 0: it has a value
  bool tracked = false;
  bool weight = false;
  bool frozen = false;                // a weight that optimizers do not change
  bool unmasked = false;              // its mask was removed on purpose
  uint64_t last_step = 0;             // its number as a result of only the last step; 0: it is none
  tempo_tensor* next_dead = nullptr;  // while it waits to be freed
  std::unique_ptr<const tempo::WeightRules> rules;  // of a weight; null: none
};

namespace tempo {

Ref<Value> make_value(Array array);
/// The k-th result of an application, as a new value.
Ref<Value> result_of(const Ref<Application>& application, std::size_t k);
inline Tensor to_tensor(Ref<Value> value) { return Tensor(value.give_up()); }
inline Ref<Value> to_value(const Tensor& tensor) { return Ref<Value>::share(tensor.handle()); }

/// Applies an op: infers the types, computes the results (or records them in a trace), and keeps
/// the application if a gradient may be asked for. Errors name the op.
std::vector<Ref<Value>> apply(const OpDefinition& op, std::vector<Ref<Value>> inputs,
                              Attributes attributes, std::size_t n_results);
/// The same on tensors, for one result.
Tensor apply(const OpDefinition& op, const Tensors& inputs, Attributes attributes = {});

/// The identity of a value: several handles may stand for the same result.
struct ValueIdentity {
  const void* node = nullptr;  // the application that made it, or the leaf itself
  std::size_t index = 0;
  friend auto operator<=>(const ValueIdentity&, const ValueIdentity&) = default;
};
inline ValueIdentity identity(const Value& value) {
  return value.from ? ValueIdentity{value.from.get(), value.index} : ValueIdentity{&value, 0};
}

/// Gives a weight another array of the same type, and raises its version; returns the former
/// array.
Array exchange_array(Value& weight, Array next);
/// The same for an array that was changed in place and that nothing else reads.
void changed_in_place(Value& weight);

/// Whether ops on this thread record their applications for gradients.
bool recording();
/// Sets whether they do; returns the former setting.
bool set_recording(bool on);
/// While one exists, they do, whatever was set before.
class Recording {
 public:
  Recording();

 private:
  Scoped<bool> recording_;
};

}  // namespace tempo
