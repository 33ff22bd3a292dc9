// SPDX-License-Identifier: Apache-2.0
// Sums over time in float32. Thousands of successive additions lose small addends. So in a long run
// the sum is put aside from time to time, and grows again from zero.
#include <algorithm>
#include <cstring>

#include "program/run/execution.hpp"
#include "tensor/parallel.hpp"

namespace tempo {

namespace {

// A sum that grows stretch by stretch may be large beside the work of a stretch.
constexpr int64_t most_stretches = 64;

int64_t elements(const std::vector<GrowingSum>& sums) {
  return sums.empty() ? 0 : sums.back().before + sums.back().count;
}

}  // namespace

void Execution::add_to(const View& part, const View& total) {
  dispatch_floating(part.dtype(), "scan", [&]<class T>(T) {
    const T* from = part.as<T>();
    T* to = total.as<T>();
    for (int64_t i = 0; i < part.count(); ++i) to[i] += from[i];
  });
}

// 0 for a run that is not long.
std::size_t Execution::bytes_aside() const {
  if (time_ <= Surroundings::most_summed) return 0;
  return static_cast<std::size_t>(elements(surroundings_.step_sums) +
                                  elements(surroundings_.stretch_sums)) *
         sizeof(double);
}

// Calls f(sum, the part put aside) for each element.
template <class F>
void Execution::for_sums(const std::vector<GrowingSum>& sums, double* aside, F f) const {
  constexpr int64_t grain = 1 << 15;
  for (const GrowingSum& s : sums) {
    float* const sum = s.result ? outputs_[*s.result].as<float>()
                                : reinterpret_cast<float*>(address_of(outside(s.value), bases_));
    double* const of_sum = aside + s.before;
    parallel_for(s.count, grain, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) f(sum[i], of_sum[i]);
    });
  }
}

void Execution::start_aside() const { std::memset(aside_, 0, bytes_aside()); }

void Execution::put_aside() const {
  if (bytes_aside() == 0) return;
  const auto put = [](float& sum, double& aside) {
    aside += static_cast<double>(sum);
    sum = 0;
  };
  const int64_t stretch = stretch_.index + 1,
                most_of_steps = std::max<int64_t>(1, Surroundings::most_summed / steps_at_once_);
  if (stretch % most_of_steps == 0) for_sums(surroundings_.step_sums, aside_, put);
  if (stretch % most_stretches == 0)
    for_sums(surroundings_.stretch_sums, aside_ + elements(surroundings_.step_sums), put);
}

void Execution::take_back() const {
  if (bytes_aside() == 0) return;
  const auto take = [](float& sum, double& aside) {
    sum = static_cast<float>(aside + static_cast<double>(sum));
  };
  for_sums(surroundings_.step_sums, aside_, take);
  for_sums(surroundings_.stretch_sums, aside_ + elements(surroundings_.step_sums), take);
}

}  // namespace tempo
