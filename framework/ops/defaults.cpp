// SPDX-License-Identifier: Apache-2.0
// The default dtype and the global generator of random keys.
#include "ops/defaults.hpp"

#include <algorithm>
#include <atomic>

#include "graph/trace.hpp"
#include "ops/types.hpp"
#include "tensor/process_lock.hpp"

namespace tempo {

namespace {

std::atomic<DType> current_dtype{float32};

// Stream 0 is for explicit seeds, so that the global generator draws other numbers.
constexpr int64_t first_stream = 1;
GeneratorState generator{.seed = 0, .stream = first_stream};
std::atomic<int64_t> times_seeded{0};
thread_local GeneratorState* own = nullptr;

}  // namespace

void set_default_dtype(DType dtype) {
  if (!is_floating(dtype))
    throw Error(std::string("set_default_dtype: ") + name_of(dtype) +
                "; it must be float32 or float64.");
  current_dtype = dtype;
}

DType default_dtype() { return current_dtype; }

DType dtype_attribute(const Attributes& attributes) {
  const int64_t number = attributes.integer("dtype", static_cast<int64_t>(DType::automatic));
  const auto dtype = dtype_numbered(number);
  if (!dtype) throw ShapeError("no dtype has the number " + std::to_string(number));
  return *dtype == DType::automatic ? default_dtype() : *dtype;
}

void set_seed(int64_t seed) {
  restore_generator({.seed = seed, .stream = first_stream});
  ++times_seeded;
}

int64_t seedings() { return times_seeded; }

GeneratorState generator_state() {
  const ProcessLock lock(ProcessLock::generator);
  return generator;
}

void restore_generator(const GeneratorState& state) {
  const ProcessLock lock(ProcessLock::generator);
  generator = {.seed = state.seed, .stream = std::max(state.stream, first_stream)};
}

OwnGenerator::OwnGenerator(GeneratorState& state) : innermost_(own, &state) {}

GeneratorState beside_generator() {
  const GeneratorState now = generator_state();
  const auto mixed = (static_cast<uint64_t>(now.seed) + static_cast<uint64_t>(now.stream) * 2 + 1) *
                     0x9e3779b97f4a7c15u;
  return {.seed = static_cast<int64_t>(mixed >> 1), .stream = first_stream};
}

namespace {
// Takes n streams of the current seed.
GeneratorState take_streams(int64_t n) {
  if (own) return {own->seed, std::exchange(own->stream, own->stream + n)};
  const ProcessLock lock(ProcessLock::generator);
  const GeneratorState first = generator;
  generator.stream += n;
  return first;
}
}  // namespace

Ref<Value> next_random_keys(int64_t n) {
  Array keys(int64, {n, 2});
  const auto [seed, stream] = take_streams(n);
  for (int64_t i = 0; i < n; ++i) {
    keys.as<int64_t>()[2 * i] = seed;
    keys.as<int64_t>()[2 * i + 1] = stream + i;
  }
  return make_value(std::move(keys));
}

Tensor random_key(int64_t seed) {
  if (seed >= 0) return random_key(seed, 0);
  if (Trace* trace = Trace::current()) return to_tensor(trace->random_keys(0));
  return to_tensor(make_value(next_random_keys(1)->array.reshaped({2})));
}

Tensor random_key(int64_t seed, int64_t stream) {
  Array key(int64, {2});
  key.as<int64_t>()[0] = seed;
  key.as<int64_t>()[1] = stream;
  return to_tensor(make_value(std::move(key)));
}

}  // namespace tempo
