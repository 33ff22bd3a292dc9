// SPDX-License-Identifier: Apache-2.0
// Copies steps of sequences, by a mask of the steps that count.
#include "tensor/kernels/masked.hpp"

#include <algorithm>
#include <cstring>

#include "tensor/finite.hpp"
#include "tensor/parallel.hpp"

namespace tempo {

namespace {

class Steps {
 public:
  explicit Steps(const KernelCall& call)
      : x_(call.inputs[0].as<char>()),
        y_(call.outputs[0].as<char>()),
        counts_(call.inputs[1].as<const unsigned char>()),
        all_(call.inputs[1].count()),
        per_row_(call.inputs[1].shape()[1]),
        bytes_(call.inputs[0].type.bytes() / static_cast<std::size_t>(all_)) {
    if (call.attributes.integer("borrow")) of_any_ = first_of(0, all_, 1);
  }

  void run_row(int64_t row) const {
    const int64_t begin = row * per_row_, end = begin + per_row_;
    const bool borrows = of_any_ < all_;
    int64_t other = -1;
    for (int64_t i = begin; i < end;) {
      const int64_t masked = first_of(i, end, 0);
      std::memcpy(place(y_, i), place(x_, i), bytes_ * static_cast<std::size_t>(masked - i));
      i = masked;
      if (borrows && other < 0 && i < end) {
        const int64_t own = first_of(begin, end, 1);
        other = own < end ? own : of_any_;
      }
      for (; i < end && !counts_[i]; ++i)
        if (borrows)
          std::memcpy(place(y_, i), place(x_, other), bytes_);
        else
          std::memset(place(y_, i), 0, bytes_);
    }
  }

 private:
  int64_t first_of(int64_t begin, int64_t end, unsigned char what) const {
    const void* at = std::memchr(counts_ + begin, what, static_cast<std::size_t>(end - begin));
    return at ? static_cast<const unsigned char*>(at) - counts_ : end;
  }
  char* place(char* of, int64_t step) const { return of + static_cast<std::size_t>(step) * bytes_; }

  char *x_, *y_;
  const unsigned char* counts_;
  int64_t all_, per_row_;
  std::size_t bytes_;      // of one step
  int64_t of_any_ = all_;  // the first step of the batch that can be borrowed
};

// Its squares, and sums of them, are far from overflow.
constexpr float most_usable = 1e15F;

// Calls f(step, held) for each step of a row; held is the step < `steps` that it repeats; -1: none.
template <class F>
void for_held(const unsigned char* counts, int64_t time, int64_t steps, bool reverse, F f) {
  int64_t held = -1;
  for (int64_t n = 0; n < time; ++n) {
    const int64_t t = reverse ? time - 1 - n : n;
    if (t < steps && counts[t]) held = t;
    f(t, held);
  }
}

// Calls f(row) for each row of a mask, on several threads if there is enough work.
template <class F>
void for_rows(const View& mask, const View& y, F f) {
  if (y.count() == 0) return;
  const int64_t rows = mask.shape()[0], elements = std::max<int64_t>(1, y.count() / rows);
  parallel_for(rows, std::max<int64_t>(1, elements_per_task / elements),
               [&](int64_t begin, int64_t end) {
                 for (int64_t row = begin; row < end; ++row) f(row);
               });
}

}  // namespace

Kernel held_steps_kernel() {
  return [](const KernelCall& call) {
    const View &y = call.inputs[0], &mask = call.inputs[1], &out = call.outputs[0];
    const int64_t steps = y.shape()[1], time = mask.shape()[1];
    const bool reverse = call.attributes.integer("reverse") != 0;
    for_rows(mask, out, [&](int64_t row) {
      const std::size_t step = out.type.bytes() / static_cast<std::size_t>(mask.count());
      const char* const from = y.as<char>() + static_cast<std::size_t>(row * steps) * step;
      char* const to = out.as<char>() + static_cast<std::size_t>(row * time) * step;
      for_held(mask.as<const unsigned char>() + row * time, time, steps, reverse,
               [&](int64_t t, int64_t held) {
                 char* const at = to + static_cast<std::size_t>(t) * step;
                 if (held < 0)
                   std::memset(at, 0, step);
                 else
                   std::memcpy(at, from + static_cast<std::size_t>(held) * step, step);
               });
    });
  };
}

Kernel added_steps_kernel() {
  return [](const KernelCall& call) {
    const View &dy = call.inputs[0], &mask = call.inputs[1], &out = call.outputs[0];
    const int64_t steps = out.shape()[1], time = mask.shape()[1];
    const bool reverse = call.attributes.integer("reverse") != 0;
    std::memset(out.data, 0, out.type.bytes());
    dispatch_floating(dy.dtype(), "added_steps", [&]<class T>(T) {
      for_rows(mask, dy, [&](int64_t row) {
        const int64_t step = dy.count() / mask.count();
        const T* const from = dy.as<const T>() + row * time * step;
        T* const to = out.as<T>() + row * steps * step;
        for_held(mask.as<const unsigned char>() + row * time, time, steps, reverse,
                 [&](int64_t t, int64_t held) {
                   if (held < 0) return;
                   for (int64_t i = 0; i < step; ++i) to[held * step + i] += from[t * step + i];
                 });
      });
    });
  };
}

Kernel counted_steps_kernel() {
  return [](const KernelCall& call) {
    const Shape& mask = call.inputs[1].shape();
    if (mask.count() == 0) return;
    const Steps steps(call);
    const int64_t row_elements = std::max<int64_t>(1, call.inputs[0].count() / mask[0]);
    parallel_for(mask[0], std::max<int64_t>(1, elements_per_task / row_elements),
                 [&](int64_t begin, int64_t end) {
                   for (int64_t row = begin; row < end; ++row) steps.run_row(row);
                 });
  };
}

Kernel usable_steps_kernel() {
  return [](const KernelCall& call) {
    const View &x = call.inputs[0], &mask = call.inputs[1], &y = call.outputs[0];
    const int64_t steps = mask.count(), elements = steps == 0 ? 0 : x.count() / steps;
    dispatch_floating(x.dtype(), "usable_steps", [&]<class T>(T) {
      parallel_for(steps, std::max<int64_t>(1, elements_per_task / std::max<int64_t>(1, elements)),
                   [&](int64_t begin, int64_t end) {
                     for (int64_t i = begin; i < end; ++i)
                       y.as<bool>()[i] =
                           mask.as<const bool>()[i] ||
                           run_is_within(x.as<const T>() + i * elements, elements, most_usable);
                   });
    });
  };
}

}  // namespace tempo
