// SPDX-License-Identifier: Apache-2.0
// Memory: what a run of a Program allocates, and what stays for the gradient.
#define BOOST_TEST_MODULE allocation
#include <malloc.h>

#include <array>
#include <atomic>
#include <cstdlib>
#include <new>

#include <tempo/tempo.hpp>

#include "scan/explain.hpp"
#include "scan/recurrence.hpp"
#include "tensor/sanitizers.hpp"
#include "testing.hpp"

namespace {
std::atomic<int64_t> allocations = 0, allocated_bytes = 0, live_bytes = 0;

void* counted(std::size_t bytes, std::size_t alignment) {
  ++allocations;
  allocated_bytes += static_cast<int64_t>(bytes);
  bytes = (bytes + alignment - 1) / alignment * alignment;
  void* const made = std::aligned_alloc(alignment, bytes);
  if (!made) throw std::bad_alloc();
  live_bytes += static_cast<int64_t>(malloc_usable_size(made));
  return made;
}
void freed(void* buffer) {
  live_bytes -= static_cast<int64_t>(malloc_usable_size(buffer));
  std::free(buffer);
}
}  // namespace

// These replace the library's functions in the whole process.
void* operator new(std::size_t bytes) { return counted(bytes, alignof(std::max_align_t)); }
void* operator new(std::size_t bytes, std::align_val_t alignment) {
  return counted(bytes, static_cast<std::size_t>(alignment));
}
void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept {
  return counted(bytes, alignof(std::max_align_t));
}
void* operator new(std::size_t bytes, std::align_val_t alignment, const std::nothrow_t&) noexcept {
  return counted(bytes, static_cast<std::size_t>(alignment));
}
void operator delete(void* buffer) noexcept { freed(buffer); }
void operator delete(void* buffer, std::size_t) noexcept { freed(buffer); }
void operator delete(void* buffer, std::align_val_t) noexcept { freed(buffer); }
void operator delete(void* buffer, std::size_t, std::align_val_t) noexcept { freed(buffer); }

using namespace tempo;
using namespace tempo::testing;

namespace {

// With a sanitizer no buffer waits to be used again, so each one is counted.
constexpr bool buffers_wait = !TEMPO_ADDRESS_SANITIZER && !TEMPO_THREAD_SANITIZER;

template <class F>
int64_t allocations_of(F&& f) {
  const int64_t before = allocations;
  f();
  return allocations - before;
}
template <class F>
int64_t bytes_of(F&& f) {
  const int64_t before = allocated_bytes;
  f();
  return allocated_bytes - before;
}

// The Programs of a layer, forward and backward.
std::vector<LoggedProgram> programs_of(const Layer& layer, const Tensor& x) {
  const ProgramLog log;
  const Tensor y = layer(x);
  gradient(sum(square(y)), layer.trainable_weights());
  return log.programs();
}

// Runs a Program on zeros any number of times.
class Run {
 public:
  Run(const TracedRecurrence& recurrence, int64_t time) : recurrence_(recurrence), time_(time) {
    const Program& p = recurrence.normalised();
    for (std::size_t i = 0; i < p.n_inputs(); ++i) {
      const ProgramValue& v = p[p.input(i)];
      add({v.type.dtype, v.role == Role::sequence ? v.type.shape.prepended(time) : v.type.shape},
          inputs_);
    }
    for (const TensorType& type : result_types(p, time)) add(type, outputs_);
  }
  void operator()() const { recurrence_.optimised().run(time_, inputs_, outputs_); }

 private:
  void add(const TensorType& type, std::vector<View>& to) {
    arrays_.emplace_back(type);
    to.push_back(arrays_.back().view());
    std::memset(to.back().data, 0, type.bytes());
  }
  const TracedRecurrence& recurrence_;
  int64_t time_;
  std::vector<Array> arrays_;
  std::vector<View> inputs_, outputs_;
};

}  // namespace

BOOST_AUTO_TEST_CASE(a_run_of_a_program_takes_all_its_memory_from_buffers_that_wait) {
  const Tensor x = normal({3, 6, 5});
  const Layer layers[] = {SimpleRNN({.units = 4, .return_sequences = true, .dtype = float64}),
                          LSTM({.units = 4, .dtype = float64}),
                          GRU({.units = 4, .return_sequences = true, .dtype = float64}),
                          GRU({.units = 4, .reset_after = false, .dtype = float64})};
  for (const Layer& layer : layers) {
    for (const LoggedProgram& logged : programs_of(layer, x)) {
      const Run run(*logged.recurrence, 6);
      run();
      const int64_t counted = allocations_of(run);
      BOOST_TEST((counted == 0 || !buffers_wait), layer.name() << ", " << logged.what);
    }
  }
}

// Prediction keeps the output of each step of a row; the values it is made from live for one
// stretch. For the gradient, h, c and four gates are kept.
BOOST_AUTO_TEST_CASE(prediction_keeps_nothing_for_the_gradient) {
  constexpr int64_t features = 16, units = 64;
  const Layer lstm = LSTM({.units = units, .return_sequences = true});
  lstm(zeros({1, 1, features}));
  const auto bytes_per_step = [&](int64_t few, int64_t many) {
    const auto run = [&](int64_t time) {
      const Tensor x = zeros({1, time, features});
      return bytes_of([&] { lstm(x).element(0); });  // read, or it would run in another test case
    };
    const int64_t less = run(few);
    return static_cast<double>(run(many) - less) / static_cast<double>(many - few);
  };
  const double needed = 4 * units;
  {
    const NoGradient off;
    const double predicting = bytes_per_step(2000, 6200);
    BOOST_TEST(predicting < 1.2 * needed);
    BOOST_TEST(predicting > 0.8 * needed);
  }
  BOOST_TEST(bytes_per_step(2100, 6300) > 6 * needed);
}

BOOST_AUTO_TEST_CASE(a_step_of_a_stream_allocates_nothing) {
  load_plugin(TEMPO_TEST_PLUGINS "/good.so");
  const Sequential models[] = {
      Sequential({LSTM({.units = 32}), Dense({.units = 1})}),
      Sequential({GRU({.units = 8, .return_sequences = true}), Dense({.units = 3}),
                  GRU({.units = 4, .reset_after = false}), Dense({.units = 1})}),
      Sequential({Masking(MaskingOptions{}), SimpleRNN({.units = 5}),
                  Dense({.units = 1, .activation = "softmax"})}),
      Sequential({RNN(cell("Squash", {{"units", 5}})), Dense({.units = 1})})};  // a plugin's op
  std::vector<Model> all;
  for (const Sequential& model : models) {
    model(zeros({1, 1, 2}));
    all.push_back(model);
    all.push_back(quantised(model));
  }
  for (const Model& model : all) {
    Stream stream(model);
    const std::vector<float> x{1, 2};
    std::vector<float> y(1);
    const auto steps = [&] {
      for (int i = 0; i < 3; ++i) stream.step(x, y);
    };
    const auto allocates_nothing = [](auto&& f) { return allocations_of(f) == 0 || !buffers_wait; };
    BOOST_TEST(allocates_nothing(steps));
    for (const Tensor& w : model.weights()) assign(w, 2.0 * w);
    BOOST_TEST(allocates_nothing(steps));
    BOOST_TEST(allocates_nothing([&] { stream.reset(); }));
    BOOST_TEST(allocates_nothing(steps));
  }
}

// Buffers that wait for reuse count as well: so the run that needs less comes first, and the slabs
// have a size that no other test case leaves.
BOOST_AUTO_TEST_CASE(what_is_computed_again_is_not_kept) {
  constexpr int64_t batch = 8, units = 48, time = 400;
  // In units of what the gradient reads of a step of the batch: four gates, c, the states before.
  const auto steps_of_memory = [&](bool recompute) {
    const Layer lstm = LSTM({.units = units, .recompute = recompute});
    const Tensor x = zeros({batch, time, 1});
    lstm.build({x.shape()});
    const int64_t before = live_bytes;
    const Tensor y = lstm(x);
    const double kept = static_cast<double>(live_bytes - before);
    for (const Tensor& d : gradient(sum(y), lstm.trainable_weights())) d.element(0);
    const double all = static_cast<double>(live_bytes - before);
    constexpr double step = batch * 7 * units * sizeof(float);
    return std::array<double, 2>{kept / step, all / step};
  };
  const auto [kept_of_segments, segments] = steps_of_memory(true);
  const auto [kept_of_all, all] = steps_of_memory(false);
  BOOST_TEST(kept_of_segments < 45);  // about 2 sqrt(time)
  BOOST_TEST(segments < 120);
  BOOST_TEST(kept_of_all > 400);
  BOOST_TEST(all > 400);
}

BOOST_AUTO_TEST_CASE(giving_memory_back_takes_none) {
  std::vector<Array> arrays;
  for (int64_t n = 1; n < (int64_t{1} << 22); n += 1 + n / 9)
    arrays.emplace_back(float32, Shape{n});
  BOOST_TEST(allocations_of([&] { arrays.clear(); }) == 0);
}
