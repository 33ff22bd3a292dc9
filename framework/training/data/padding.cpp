// SPDX-License-Identifier: Apache-2.0
// Pads sequences to one length, as keras.utils.pad_sequences does.
#include <algorithm>

#include <tempo/ops.hpp>
#include <tempo/sequences.hpp>

#include "training/settings.hpp"

namespace tempo {

namespace {

bool at_the_end(const char* option, const std::string& side) {
  if (side != "pre" && side != "post") unknown_name("pad_sequences", option, side, {"pre", "post"});
  return side == "post";
}

// The steps of a sequence that stay, and the place of the first one.
struct Placing {
  Placing(const PadOptions& options, std::size_t longest)
      : pads_end(at_the_end("padding", options.padding)),
        cuts_end(at_the_end("truncating", options.truncating)),
        length(options.maxlen > 0 ? options.maxlen : static_cast<int64_t>(longest)) {
    if (options.maxlen < 0)
      throw Error("pad_sequences: maxlen is " + std::to_string(options.maxlen) +
                  "; it is at least 1, or 0 for the length of the longest sequence.");
  }
  int64_t kept(int64_t steps) const { return std::min(steps, length); }
  int64_t from(int64_t steps) const { return cuts_end ? 0 : steps - kept(steps); }
  int64_t to(int64_t steps) const { return pads_end ? 0 : length - kept(steps); }

  bool pads_end, cuts_end;
  int64_t length;
};

std::size_t longest(const auto& sequences) {
  std::size_t most = 0;
  for (const auto& sequence : sequences) most = std::max(most, sequence.size());
  return most;
}

bool holds(DType dtype, double value) { return sdk::holds(dtype, value); }
bool holds(DType dtype, int64_t value) {
  return dtype == int32   ? value == static_cast<int32_t>(value)
         : dtype == bool_ ? value == 0 || value == 1
                          : true;
}

void require_held(DType dtype, auto value, const std::string& what) {
  if (holds(dtype, value)) return;
  std::string text;
  if constexpr (std::is_same_v<decltype(value), double>)
    text = sdk::shortest(value);
  else
    text = std::to_string(value);
  throw Error("pad_sequences: " + what + " is " + text + ", which " + name_of(dtype) +
              " does not hold.\n  Give another .dtype, as " +
              (dtype == float32 ? "float64." : "float32 or int64."));
}

template <class T>
Tensor padded(const std::vector<std::vector<T>>& sequences, const PadOptions& options,
              DType dtype) {
  const Placing placing(options, longest(sequences));
  require_held(dtype, options.value, "the value to pad with");
  const Shape shape{static_cast<int64_t>(sequences.size()), placing.length};
  const Tensor filled = full(shape, options.value, std::is_same_v<T, double> ? float64 : int64);
  std::vector<T> out(filled.data<T>(), filled.data<T>() + filled.count());
  for (std::size_t i = 0; i < sequences.size(); ++i) {
    const std::vector<T>& row = sequences[i];
    const auto steps = static_cast<int64_t>(row.size());
    for (std::size_t at = 0; at < row.size(); ++at)
      require_held(dtype, row[at],
                   "step " + std::to_string(at) + " of sequence " + std::to_string(i));
    const auto first = row.begin() + placing.from(steps);
    std::copy(first, first + placing.kept(steps),
              out.begin() + static_cast<int64_t>(i) * placing.length + placing.to(steps));
  }
  return tensor(out, shape, dtype);
}

}  // namespace

Tensor pad_sequences(const std::vector<std::vector<int64_t>>& sequences,
                     const PadOptions& options) {
  if (is_floating(options.dtype)) {  // the padding value may have a fraction
    std::vector<std::vector<double>> numbers;
    for (const auto& one : sequences) numbers.emplace_back(one.begin(), one.end());
    return pad_sequences(numbers, options);
  }
  return padded(sequences, options, options.dtype == DType::automatic ? int32 : options.dtype);
}

Tensor pad_sequences(const std::vector<std::vector<double>>& sequences, const PadOptions& options) {
  return padded(sequences, options,
                options.dtype == DType::automatic ? default_dtype() : options.dtype);
}

Tensor pad_sequences(const Tensors& sequences, const PadOptions& options) {
  if (sequences.empty())
    throw Error("pad_sequences: there are no sequences, so nobody knows their features.");
  std::size_t most = 0;
  const Tensor& first = sequences.front();
  const Shape shape = first ? first.shape() : Shape{};
  for (std::size_t i = 0; i < sequences.size(); ++i) {
    const Tensor& x = sequences[i];
    const Shape its_shape = x ? x.shape() : Shape{};
    const bool same = x && shape.rank() > 0 && its_shape.rank() == shape.rank() &&
                      x.dtype() == first.dtype() &&
                      std::equal(shape.begin() + 1, shape.end(), its_shape.begin() + 1);
    if (!same)
      throw ShapeError("pad_sequences: sequence " + std::to_string(i) + " is " +
                       (x ? to_string(x.shape(), x.dtype()) : "Tensor{}") +
                       "; each must be [time, features...], all of the same dtype and features.");
    most = std::max(most, static_cast<std::size_t>(x.shape().front()));
  }
  const Placing placing(options, most);
  const DType dtype = options.dtype == DType::automatic ? first.dtype() : options.dtype;
  require_held(dtype, options.value, "the value to pad with");
  Tensors rows;
  for (const Tensor& x : sequences) {
    const int64_t steps = x.shape().front(), kept = placing.kept(steps), from = placing.from(steps);
    Shape rest = x.shape();
    const auto fill = [&](int64_t count) {
      rest[0] = count;
      return full(rest, options.value, dtype);
    };
    const int64_t before = placing.to(steps);
    rows.push_back(concat({fill(before), cast(slice(x, 0, from, from + kept), dtype),
                           fill(placing.length - before - kept)},
                          0));
  }
  return stack(rows, 0);
}

}  // namespace tempo
