// What elementwise kernels share: broadcasting as runs of contiguous elements, cut into tasks.
#include "tensor/pointwise.hpp"

#include "tensor/independent.hpp"
#include "tensor/parallel.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace tempo {
namespace {

constexpr std::size_t most_inputs = 3;
constexpr int64_t tile_elements =
    256;  // of a repeated element, so that loops see only plain arrays

template <class Word>
void fill_words(char* tile, const char* element, int64_t n) {
  std::fill_n(reinterpret_cast<Word*>(tile), n, *reinterpret_cast<const Word*>(element));
}

void fill_tile(char* tile, const char* element, std::size_t size, int64_t n) {
  if (size == 1) return fill_words<uint8_t>(tile, element, n);
  if (size == 4) return fill_words<uint32_t>(tile, element, n);
  fill_words<uint64_t>(tile, element, n);
}

/// A pointwise call as rows: along a row, each input either advances with the output or stays.
class Rows {
 public:
  explicit Rows(const KernelCall& call)
      : inputs_(call.inputs), output_(call.outputs[0]), shape_(output_.shape()) {
    if (inputs_.size() > most_inputs) throw Error("pointwise: at most 3 inputs.");
    Strides strides[most_inputs + 1];
    for (std::size_t i = 0; i < inputs_.size(); ++i)
      strides[i] = broadcast_strides(inputs_[i].shape(), output_.shape());
    strides[inputs_.size()] = contiguous_strides(output_.shape());
    merge_axes(shape_, std::span(strides, inputs_.size() + 1));
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
      strides_[i] = strides[i];
      repeats_[i] = inputs_[i].count() == 1 || strides[i][last()] == 0;
    }
  }

  /// Runs the loop over elements begin to end of the output.
  void run(int64_t begin, int64_t end, PointwiseLoop loop) const {
    const int64_t row = shape_.back();
    while (begin < end) {
      const int64_t within = begin % row;
      const int64_t n = std::min(row - within, end - begin);
      run_row(begin, begin / row, within, n, loop);
      begin += n;
    }
  }

 private:
  std::size_t last() const { return static_cast<std::size_t>(shape_.rank() - 1); }

  const char* element(std::size_t input, int64_t row, int64_t within) const {
    const Strides& strides = strides_[input];
    int64_t offset = repeats_[input] ? 0 : within;
    for (int axis = shape_.rank() - 2; axis >= 0; --axis) {
      offset += row % shape_[axis] * strides[static_cast<std::size_t>(axis)];
      row /= shape_[axis];
    }
    return inputs_[input].as<const char>() +
           offset * static_cast<int64_t>(size_of(inputs_[input].dtype()));
  }

  void run_row(int64_t begin, int64_t row, int64_t within, int64_t n, PointwiseLoop loop) const {
    alignas(64) char tiles[most_inputs][tile_elements * sizeof(double)];
    const void* operands[most_inputs] = {};
    int64_t step = n;
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
      const char* first = element(i, row, within);
      operands[i] = first;
      if (!repeats_[i] || n == 1) continue;
      fill_tile(tiles[i], first, size_of(inputs_[i].dtype()), std::min(n, tile_elements));
      operands[i] = tiles[i];
      step = std::min(n, tile_elements);
    }
    char* y = output_.as<char>() + begin * static_cast<int64_t>(size_of(output_.dtype()));
    for (int64_t done = 0; done < n; done += step) {
      loop(operands, y, std::min(step, n - done));
      for (std::size_t i = 0; i < inputs_.size(); ++i)
        if (!repeats_[i]) operands[i] = advance(operands[i], step, inputs_[i].dtype());
      y += step * static_cast<int64_t>(size_of(output_.dtype()));
    }
  }

  static const void* advance(const void* p, int64_t elements, DType dtype) {
    return static_cast<const char*>(p) + elements * static_cast<int64_t>(size_of(dtype));
  }

  std::span<const View> inputs_;
  View output_;
  Shape shape_;
  Strides strides_[most_inputs] = {};
  bool repeats_[most_inputs] = {};
};

template <class Word>
void choose(const void* const* inputs, void* output, int64_t n) {
  const auto* condition = static_cast<const bool*>(inputs[0]);
  const auto* a = static_cast<const Word*>(inputs[1]);
  const auto* b = static_cast<const Word*>(inputs[2]);
  auto* y = static_cast<Word*>(output);
  TEMPO_INDEPENDENT
  for (int64_t i = 0; i < n; ++i) y[i] = condition[i] ? a[i] : b[i];
}

template <class To, class From>
To converted(From x) {
  if constexpr (std::is_floating_point_v<From> && std::is_same_v<To, bool>) {
    return x != 0;
  } else if constexpr (std::is_floating_point_v<From> && std::is_integral_v<To>) {
    constexpr To low = std::numeric_limits<To>::min(), high = std::numeric_limits<To>::max();
    if (x != x) return 0;
    if (x >= static_cast<From>(high)) return high;
    return x <= static_cast<From>(low) ? low : static_cast<To>(x);
  } else {
    return static_cast<To>(x);
  }
}

}  // namespace

void run_pointwise(const KernelCall& call, PointwiseLoop loop) {
  const int64_t count = call.outputs[0].count();
  if (count == 0) return;
  const Rows rows(call);
  parallel_for(count, elements_per_task,
               [&](int64_t begin, int64_t end) { rows.run(begin, end, loop); });
}

void refuse_dtype(DType dtype) {
  throw ShapeError(std::string("pointwise: this function is not defined for ") + name_of(dtype) +
                   ".\n  cast(x, float32) makes it so.");
}

Kernel where_kernel() {
  return [](const KernelCall& call) {
    const std::size_t size = size_of(call.outputs[0].dtype());
    run_pointwise(call, size == 1   ? choose<uint8_t>
                        : size == 4 ? choose<uint32_t>
                                    : choose<uint64_t>);
  };
}

Kernel cast_kernel() {
  return [](const KernelCall& call) {
    dispatch(call.inputs[0].dtype(), [&]<class From>(From) {
      dispatch(call.outputs[0].dtype(), [&]<class To>(To) {
        run_elementwise<From, To>(call, [](From x) { return converted<To>(x); });
      });
    });
  };
}

}  // namespace tempo
