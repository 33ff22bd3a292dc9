// SPDX-License-Identifier: Apache-2.0
// Every op with a gradient: one row says where it is smooth and on which shapes.
#pragma once

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>

#include "graph/value.hpp"
#include "testing.hpp"

namespace tempo::op_table {

using List = std::vector<int64_t>;

// --- Inputs -------------------------------------------------------------------------------------

using Input = std::function<Tensor(int64_t seed)>;

template <class... Extent>
Input normal(Extent... extents) {
  return [=](int64_t seed) { return testing::normal({static_cast<int64_t>(extents)...}, seed); };
}
template <class... Extent>
Input positive(Extent... extents) {
  return [=](int64_t seed) {
    return testing::uniform(0.5, 2, {static_cast<int64_t>(extents)...}, seed);
  };
}
// Where functions saturate, beside places where they don't: an error is relative to the greatest.
inline Input far_and_near() {
  return [](int64_t) {
    return tensor(std::vector<double>{-300, 40, -0.5, 1, -20, 300}, {2, 3}, float64);
  };
}
inline Input far_below() {
  return [](int64_t) { return scalar(-20, float64); };
}
// Numbers that overflow if the maximum is not subtracted first.
inline Input huge() {
  return [](int64_t) {
    return tensor(std::vector<double>{1000, 998, 999.5, -1000, -999, -998.5}, {2, 3}, float64);
  };
}
inline Input whole() {
  return [](int64_t) { return tensor(std::vector<double>{0, 1, 2, 0, 3, -1}, {2, 3}, float64); };
}
inline Input integers(int64_t bound, const Shape& shape, DType dtype = int64) {
  return [=](int64_t seed) {
    return cast(testing::uniform(0, static_cast<double>(bound), shape, seed), dtype);
  };
}
inline Input bools(const Shape& shape) {
  return [=](int64_t seed) { return testing::normal(shape, seed) > 0; };
}
// Numbers that are 0.1 apart and at least `offset` from 0, in no order.
inline Input distinct(const Shape& shape, double offset = 0.05) {
  return [=](int64_t seed) {
    const auto n = static_cast<std::size_t>(shape.count());
    const std::vector<double> keys = testing::normal(shape, seed).to_vector();
    std::vector<std::size_t> order(n);
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::sort(order.begin(), order.end(), [&](auto a, auto b) { return keys[a] < keys[b]; });
    std::vector<double> values(n);
    for (std::size_t i = 0; i < n; ++i)
      values[order[i]] =
          0.1 * (static_cast<double>(i) - std::floor(static_cast<double>(n) / 2)) + offset;
    return tensor(values, shape, float64);
  };
}
inline Tensors made(const std::vector<Input>& inputs) {
  Tensors out;
  for (const Input& input : inputs) out.push_back(input(static_cast<int64_t>(out.size()) + 7));
  return out;
}

// --- The table ----------------------------------------------------------------------------------

struct OpCase {
  const char* op;
  std::vector<Input> inputs;
  Attributes attributes = {};
  std::size_t n_results = 1;
};

inline Attributes windows_attributes(int64_t size, int64_t stride, int64_t dilation,
                                     int64_t axis = -2) {
  return {{"axis", axis}, {"size", size}, {"stride", stride}, {"dilation", dilation}};
}
inline Attributes overlap_attributes(int64_t size, int64_t stride, int64_t dilation, int64_t extent,
                                     int64_t axis = -2) {
  Attributes out = windows_attributes(size, stride, dilation, axis);
  out.set("extent", extent);
  return out;
}

inline const std::vector<OpCase>& op_cases() {
  static const std::vector<OpCase> cases{
      {"negative", {normal(3, 4)}},
      {"exp", {normal(3, 4)}},
      {"expm1", {normal(3, 4)}},
      {"log", {positive(3, 4)}},
      {"log1p", {positive(3, 4)}},
      {"sqrt", {positive(3, 4)}},
      {"square", {normal(3, 4)}},
      {"abs", {distinct({3, 4})}},
      {"sin", {normal(3, 4)}},
      {"cos", {normal(3, 4)}},
      {"tanh", {normal(3, 4)}},
      {"tanh", {far_and_near()}},
      {"sigmoid", {normal(3, 4)}},
      {"sigmoid", {far_and_near()}},
      {"relu", {distinct({3, 4})}},
      {"softplus", {normal(3, 4)}},
      {"softplus", {far_and_near()}},
      {"erf", {normal(3, 4)}},
      {"cast", {normal(3, 4)}, {{"dtype", static_cast<int64_t>(float64)}}},

      // Scalars have the shape of constants, for which they may be mistaken.
      {"exp", {normal()}},
      {"expm1", {normal()}},
      {"log", {positive()}},
      {"log1p", {positive()}},
      {"sqrt", {positive()}},
      {"square", {normal()}},
      {"abs", {normal()}},
      {"sin", {normal()}},
      {"cos", {normal()}},
      {"tanh", {normal()}},
      {"sigmoid", {normal()}},
      {"relu", {normal()}},
      {"relu", {positive()}},
      {"softplus", {normal()}},
      {"erf", {normal()}},
      {"divide", {normal(), positive()}},
      {"pow", {positive(), normal()}},
      {"mod", {normal(), positive()}},
      {"minimum", {normal(), positive()}},
      {"minimum", {positive(), far_below()}},
      {"maximum", {normal(), far_below()}},
      {"maximum", {far_below(), positive()}},
      {"where", {bools({}), normal(), normal()}},

      {"add", {normal(3, 4), normal(3, 4)}},
      {"add", {normal(2, 3, 4), normal(3, 1)}},
      {"subtract", {normal(3, 4), normal(2, 1, 4)}},
      {"multiply", {normal(2, 3, 4), normal(3, 1)}},
      {"multiply", {normal(), normal(3, 4)}},
      {"divide", {normal(2, 3, 4), positive(3, 1)}},
      {"divide", {normal(1, 4), positive(3, 1)}},
      {"pow", {positive(2, 3), normal(2, 3)}},
      {"mod", {normal(2, 3, 4), positive(3, 1)}},
      {"pow", {positive(3, 1), normal(2, 1, 4)}},
      {"pow", {positive(2, 3), whole()}},
      {"minimum", {distinct({3, 4}), distinct({4}, 0.1)}},
      {"maximum", {distinct({3, 1}), distinct({2, 3, 4}, 0.1)}},
      {"where", {bools({3, 4}), normal(3, 4), normal(3, 4)}},
      {"where", {bools({3, 1}), normal(3, 4), normal(3, 4)}},
      {"where", {bools({4}), normal(3, 1), normal()}},
      {"where", {bools({2, 3, 1}), normal(3, 4), normal(1, 4)}},

      {"reshape", {normal(3, 4)}, {{"shape", List{2, -1}}}},
      {"reshape", {normal(1, 1)}, {{"shape", List{}}}},
      {"broadcast_to", {normal(3, 1)}, {{"shape", List{2, 3, 4}}}},
      {"sum_to", {normal(2, 3, 4)}, {{"shape", List{3, 1}}}},
      {"sum_to", {normal(2, 3)}, {{"shape", List{}}}},
      {"transpose", {normal(2, 3, 4)}, {{"permutation", List{-1, -3, -2}}}},
      {"concat", {normal(2, 3, 4), normal(2, 1, 4), normal(2, 5, 4)}, {{"axis", int64_t{-2}}}},
      {"split", {normal(2, 6)}, {{"axis", int64_t{-1}}, {"sizes", List{1, 3, 2}}}, 3},
      {"split", {normal(4, 3)}, {{"axis", int64_t{-2}}, {"sizes", List{1, 3}}}, 2},
      {"slice",
       {normal(2, 5, 3)},
       {{"axis", int64_t{-2}}, {"begin", int64_t{1}}, {"end", int64_t{4}}}},
      {"pad",
       {normal(2, 3)},
       {{"axis", int64_t{-2}}, {"before", int64_t{1}}, {"after", int64_t{2}}}},
      {"reverse", {normal(2, 3, 4)}, {{"axes", List{-1, -3}}}},
      {"windows", {normal(2, 5, 3)}, windows_attributes(2, 1, 1)},
      {"windows", {normal(2, 7, 2, 3)}, windows_attributes(3, 2, 1, -3)},
      {"windows", {normal(7, 2)}, windows_attributes(2, 1, 3)},
      {"overlap_add", {normal(2, 4, 6)}, overlap_attributes(2, 1, 1, 5)},
      {"overlap_add", {normal(3, 2, 6)}, overlap_attributes(3, 2, 1, 8, -3)},
      {"overlap_add", {normal(2, 4)}, overlap_attributes(2, 3, 2, 7)},
      {"gather", {normal(5, 3), integers(5, {2, 4})}},
      {"gather", {normal(5), integers(5, {7}, int32)}},
      {"scatter_add", {integers(5, {2, 4}), normal(2, 4, 3)}, {{"rows", int64_t{5}}}},

      {"cross_entropy", {normal(3, 5), integers(5, {3})}},
      {"cross_entropy", {far_and_near(), integers(3, {2}, int32)}},
      {"cross_entropy", {normal(2, 3, 300), integers(300, {2, 3})}},
      {"cross_entropy", {huge(), integers(3, {2})}},
      {"cross_entropy_slope", {normal(3, 5), integers(5, {3}), normal(3)}},
      {"cross_entropy_slope", {huge(), integers(3, {2}), normal(2)}},

      {"block_matmul", {normal(3, 2, 4), normal(2, 4, 5)}},
      {"block_matmul", {normal(2, 4), normal(2, 5, 4)}, {{"transpose_b", int64_t{1}}}},
      {"block_outer", {normal(3, 2, 4), normal(3, 2, 5)}},
      {"block_outer", {normal(2, 3, 2, 1), normal(2, 3, 2, 3)}},
      {"matmul", {normal(3, 4), normal(4, 5)}},
      {"matmul", {normal(4, 3), normal(4, 5)}, {{"transpose_a", int64_t{1}}}},
      {"matmul", {normal(3, 4), normal(5, 4)}, {{"transpose_b", int64_t{1}}}},
      {"matmul",
       {normal(4, 3), normal(5, 4)},
       {{"transpose_a", int64_t{1}}, {"transpose_b", int64_t{1}}}},
      {"matmul", {normal(2, 3, 4), normal(4, 5)}},
      {"matmul", {normal(2, 3, 4), normal(5, 4)}, {{"transpose_b", int64_t{1}}}},
      {"matmul", {normal(2, 4, 3), normal(4, 5)}, {{"transpose_a", int64_t{1}}}},
      {"matmul", {normal(3, 4), normal(2, 4, 5)}},
      // Square matrices may be mistaken for each other, and for their transposes.
      {"matmul", {normal(3, 3), normal(3, 3)}},
      {"matmul", {normal(2, 3, 3), normal(3, 3)}},
      {"matmul", {normal(2, 3, 3), normal(3, 3)}, {{"transpose_b", int64_t{1}}}},
      {"matmul", {normal(2, 3, 3), normal(2, 3, 3)}, {{"transpose_a", int64_t{1}}}},
      {"matmul", {normal(2, 1, 3, 4), normal(6, 4, 5)}},
      {"matmul", {normal(2, 3, 4), normal(2, 5, 4)}, {{"transpose_b", int64_t{1}}}},

      {"sum", {normal(2, 3, 4)}, {{"axes", List{-2}}, {"keepdims", int64_t{0}}}},
      {"sum", {normal(2, 3, 4)}, {{"axes", List{-1, -3}}, {"keepdims", int64_t{1}}}},
      {"max", {distinct({2, 3, 4})}, {{"axes", List{-2}}, {"keepdims", int64_t{0}}}},
      {"max", {distinct({2, 3, 4})}, {{"axes", List{-1, -3}}, {"keepdims", int64_t{1}}}},
      {"min", {distinct({2, 3, 4})}, {{"axes", List{-1, -2, -3}}, {"keepdims", int64_t{0}}}},
      {"cumsum", {normal(2, 3, 4)}, {{"axis", int64_t{-2}}, {"reverse", int64_t{0}}}},
      {"cumsum", {normal(2, 3, 4)}, {{"axis", int64_t{-1}}, {"reverse", int64_t{1}}}},
      {"counted_steps", {normal(2, 3, 4), bools({2, 3})}, {{"borrow", int64_t{0}}}},
      {"usable_gradient", {normal(2, 3, 4), bools({2, 3})}},
      {"held_steps", {normal(2, 3, 4), bools({2, 5})}, {{"reverse", int64_t{0}}}},
      {"held_steps", {normal(2, 3, 4), bools({2, 3})}, {{"reverse", int64_t{1}}}},
      {"added_steps",
       {normal(2, 5, 4), bools({2, 5})},
       {{"reverse", int64_t{0}}, {"steps", int64_t{3}}}},
  };
  return cases;
}

inline std::string title(const OpCase& c) {
  std::string text = c.op;
  for (const Tensor& t : made(c.inputs)) text += " " + to_string(t.shape());
  return text + " " + to_string(c.attributes);
}

inline Tensors results(const OpCase& c, const Tensors& inputs) {
  std::vector<Ref<Value>> values;
  for (const Tensor& t : inputs) values.push_back(to_value(t));
  Tensors out;
  for (Ref<Value>& y : apply(*find_op(c.op), std::move(values), c.attributes, c.n_results))
    out.push_back(to_tensor(std::move(y)));
  return out;
}

}  // namespace tempo::op_table
