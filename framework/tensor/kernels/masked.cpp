#include "tensor/kernels/masked.hpp"

#include "tensor/finite.hpp"
#include "tensor/parallel.hpp"

#include <algorithm>
#include <cstring>

namespace tempo {

namespace {

class Steps {
 public:
  explicit Steps(const KernelCall& call)
      : x_(call.inputs[0]), mask_(call.inputs[1]), y_(call.outputs[0]) {
    if (call.attributes.integer("borrow")) of_any_ = first_of(0, mask_.count());
  }
  bool borrows() const { return of_any_ < mask_.count(); }
  int64_t per_row() const { return mask_.shape()[1]; }
  int64_t elements() const { return y_.count() / mask_.count(); }

  void run_row(int64_t row) const {
    const int64_t begin = row * per_row(), end = begin + per_row(),
                  own = borrows() ? first_of(begin, end) : end, other = own < end ? own : of_any_;
    for (int64_t i = begin; i < end; ++i)
      if (counts()[i] || borrows())
        std::memcpy(place(y_, i), place(x_, counts()[i] ? i : other), bytes());
      else
        std::memset(place(y_, i), 0, bytes());
  }

 private:
  const unsigned char* counts() const { return mask_.as<const unsigned char>(); }
  int64_t first_of(int64_t begin, int64_t end) const {
    return std::find(counts() + begin, counts() + end, 1) - counts();
  }
  std::size_t bytes() const { return static_cast<std::size_t>(elements()) * size_of(y_.dtype()); }
  char* place(const View& v, int64_t step) const {
    return v.as<char>() + static_cast<std::size_t>(step) * bytes();
  }

  const View &x_, &mask_, &y_;
  int64_t of_any_ = mask_.count();
};

}  // namespace

Kernel counted_steps_kernel() {
  return [](const KernelCall& call) {
    const Shape& mask = call.inputs[1].shape();
    if (mask.count() == 0) return;
    const Steps steps(call);
    const int64_t row_elements = std::max<int64_t>(1, steps.elements() * steps.per_row());
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
                       y.as<bool>()[i] = mask.as<const bool>()[i] ||
                                         run_is_finite(x.as<const T>() + i * elements, elements);
                   });
    });
  };
}

}  // namespace tempo
