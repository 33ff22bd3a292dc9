// The ops, as functions of tensors: those of elementwise.hpp, and all others. Axes may be negative.
#pragma once

#include <tempo/elementwise.hpp>

#include <algorithm>
#include <array>
#include <cmath>

namespace tempo TEMPO_HIDDEN {

/// Axes to reduce over; {} means all of them.
using Axes = std::vector<int>;

namespace sdk {

/// An axis of a tensor of this rank, counted from the end (-1 is the last), as ops keep them.
inline int from_end(const char* who, int axis, int rank) {
  if (axis < -rank || axis >= rank)
    throw ShapeError(std::string(who) + ": axis " + std::to_string(axis) + " of a tensor with " +
                     std::to_string(rank) + " axes.\n  It must lie in [" + std::to_string(-rank) +
                     ", " + std::to_string(rank - 1) + "].");
  return axis < 0 ? axis : axis - rank;
}
inline std::vector<int64_t> from_end(const char* who, const Axes& axes, int rank) {
  std::vector<int64_t> out;
  for (int axis : axes) out.push_back(from_end(who, axis, rank));
  if (axes.empty())
    for (int axis = -rank; axis < 0; ++axis) out.push_back(axis);
  return out;
}

}  // namespace sdk

// --- Made from nothing --------------------------------------------------------------------------

/// start, start + step, ... up to but without stop. [ceil((stop - start) / step)]
inline Tensor arange(double start, double stop, double step = 1, DType dtype = DType::automatic) {
  if (step == 0) throw Error("arange: a step of 0 never reaches stop.");
  const double n = std::ceil((stop - start) / step - 1e-9);
  std::vector<double> values(n > 0 ? static_cast<std::size_t>(n) : 0);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = start + step * static_cast<double>(i);
  return tensor(values, {static_cast<int64_t>(values.size())}, dtype);
}

namespace sdk {
/// The key of one draw, int64 [2]; seed < 0 takes the next one of the global generator.
inline Tensor random_key(int64_t seed = -1) {
  tempo_tensor* out = nullptr;
  check(host().random_key(seed, &out));
  return Tensor(out);
}
}  // namespace sdk

/// Uniform in [low, high). `seed` < 0 draws from the generator that set_seed starts.
inline Tensor random_uniform(const Shape& shape, double low = 0, double high = 1,
                             DType dtype = DType::automatic, int64_t seed = -1) {
  static const sdk::Op op("random_uniform");
  return sdk::made("random_uniform", shape, dtype, [&] {
    const Tensor unit = op(sdk::random_key(seed), {{"shape", shape}, {"dtype", dtype}});
    return low == 0 && high == 1 ? unit : low + (high - low) * unit;
  });
}
/// Normal (Gaussian) numbers.
inline Tensor random_normal(const Shape& shape, double mean = 0, double stddev = 1,
                            DType dtype = DType::automatic, int64_t seed = -1) {
  static const sdk::Op op("random_normal");
  return sdk::made("random_normal", shape, dtype, [&] {
    const Tensor unit = op(sdk::random_key(seed), {{"shape", shape}, {"dtype", dtype}});
    return mean == 0 && stddev == 1 ? unit : mean + stddev * unit;
  });
}
/// Standard normal numbers.
inline Tensor randn(const Shape& shape, DType dtype = DType::automatic) {
  return random_normal(shape, 0, 1, dtype);
}

// --- Shape --------------------------------------------------------------------------------------

/// One extent may be -1 and is worked out from the count.
inline Tensor reshape(const Tensor& x, const Shape& shape) {
  static const sdk::Op op("reshape");
  return op(x, {{"shape", shape}});
}
inline Tensor broadcast_to(const Tensor& x, const Shape& shape) {
  static const sdk::Op op("broadcast_to");
  return op(x, {{"shape", shape}});
}
/// `permutation` names the axes of x in the order of the result.
inline Tensor transpose(const Tensor& x, const Axes& permutation) {
  static const sdk::Op op("transpose");
  if (static_cast<int>(permutation.size()) != x.rank())
    throw ShapeError("transpose: " + std::to_string(permutation.size()) + " axes given for " +
                     to_string(x.shape(), x.dtype()) + "; name every axis once.");
  return permutation.empty()
             ? x
             : op(x, {{"permutation", sdk::from_end("transpose", permutation, x.rank())}});
}
inline Tensor swap_axes(const Tensor& x, int a, int b) {
  const int rank = x.rank();
  a = sdk::from_end("swap_axes", a, rank) + rank;
  b = sdk::from_end("swap_axes", b, rank) + rank;
  Axes axes(static_cast<std::size_t>(rank));
  for (int i = 0; i < rank; ++i) axes[static_cast<std::size_t>(i)] = i == a ? b : i == b ? a : i;
  return transpose(x, axes);
}
/// Swaps the last two axes.
inline Tensor transpose(const Tensor& x) { return swap_axes(x, -1, -2); }

/// A new axis of extent 1 at `axis` of the result.
inline Tensor expand_dims(const Tensor& x, int axis) {
  Shape s;
  const int rank = x.rank(), at = sdk::from_end("expand_dims", axis, rank + 1) + rank + 1;
  for (int i = 0; i <= rank; ++i)
    s.push_back(i < at ? x.shape()[i] : i == at ? 1 : x.shape()[i - 1]);
  return reshape(x, s);
}
/// Cuts an axis of extent 1.
inline Tensor squeeze(const Tensor& x, int axis) {
  const Shape from = x.shape();
  const int at = sdk::from_end("squeeze", axis, from.rank()) + from.rank();
  if (from[at] != 1)
    throw ShapeError("squeeze: axis " + std::to_string(axis) + " of " + to_string(from, x.dtype()) +
                     " is not 1.");
  Shape s;
  for (int i = 0; i < from.rank(); ++i)
    if (i != at) s.push_back(from[i]);
  return reshape(x, s);
}

inline Tensor concat(const Tensors& parts, int axis = -1) {
  static const sdk::Op op("concat");
  if (parts.empty()) throw ShapeError("concat: no tensors given.");
  if (parts.size() == 1) return parts[0];
  tempo_tensor* out = nullptr;
  const std::vector<tempo_tensor*> in = sdk::handles(parts);
  op.run(in.data(), in.size(), {{"axis", sdk::from_end("concat", axis, parts[0].rank())}}, &out, 1);
  return Tensor(out);
}
/// Tensors of one shape side by side along a new axis.
inline Tensor stack(const Tensors& parts, int axis = 0) {
  if (parts.empty()) throw ShapeError("stack: no tensors given.");
  const int at = sdk::from_end("stack", axis, parts[0].rank() + 1);
  Tensors expanded;
  for (const Tensor& t : parts) expanded.push_back(expand_dims(t, at));
  return concat(expanded, at);
}
/// Parts of the given sizes along an axis.
inline Tensors split(const Tensor& x, const std::vector<int64_t>& sizes, int axis = -1) {
  static const sdk::Op op("split");
  std::vector<tempo_tensor*> out(sizes.size());
  tempo_tensor* in = x.handle();
  op.run(&in, 1, {{"axis", sdk::from_end("split", axis, x.rank())}, {"sizes", sizes}}, out.data(),
         out.size());
  return sdk::adopt(out);
}
/// N equal parts along an axis: `auto [i, f] = split<2>(z);`
template <std::size_t N>
std::array<Tensor, N> split(const Tensor& x, int axis = -1) {
  const int64_t extent = x.shape()[sdk::from_end("split", axis, x.rank())];
  if (extent % static_cast<int64_t>(N) != 0)
    throw ShapeError("split: axis " + std::to_string(axis) + " of " +
                     to_string(x.shape(), x.dtype()) + " does not divide into " +
                     std::to_string(N) + " equal parts.");
  Tensors parts = split(x, std::vector<int64_t>(N, extent / static_cast<int64_t>(N)), axis);
  std::array<Tensor, N> out;
  for (std::size_t i = 0; i < N; ++i) out[i] = std::move(parts[i]);
  return out;
}
/// x[..., begin:end, ...] along an axis; negative positions count from the end of the axis.
inline Tensor slice(const Tensor& x, int axis, int64_t begin, int64_t end) {
  static const sdk::Op op("slice");
  const Shape shape = x.shape();
  const int at = sdk::from_end("slice", axis, shape.rank()) + shape.rank();
  const int64_t extent = shape[at];
  if (begin < 0) begin += extent;
  if (end < 0) end += extent;
  if (begin < 0 || end > extent || begin > end)
    throw ShapeError("slice: [" + std::to_string(begin) + ", " + std::to_string(end) +
                     ") along axis " + std::to_string(axis) + " of " + to_string(shape, x.dtype()) +
                     ", which has " + std::to_string(extent) + " there.");
  Shape sizes = shape;
  sizes[at] = end - begin;
  return op(x, {{"axis", at - shape.rank()}, {"begin", begin}, {"end", end}});
}
/// The i-th part along an axis, which is cut: x[i].
inline Tensor take(const Tensor& x, int64_t i, int axis = 0) {
  const int64_t extent = x.shape()[sdk::from_end("take", axis, x.rank())];
  const int64_t at = i < 0 ? i + extent : i;
  return squeeze(slice(x, axis, at, at + 1), axis);
}
inline Tensor reverse(const Tensor& x, int axis) {
  static const sdk::Op op("reverse");
  return op(x, {{"axes", sdk::from_end("reverse", Axes{axis}, x.rank())}});
}
/// Zeros put before and after along an axis.
inline Tensor pad(const Tensor& x, int axis, int64_t before, int64_t after) {
  static const sdk::Op op("pad");
  return op(x,
            {{"axis", sdk::from_end("pad", axis, x.rank())}, {"before", before}, {"after", after}});
}
/// Rows of a table by index: table [n, ...], indices (int32 or int64) [...] -> [..., ...].
inline Tensor gather(const Tensor& table, const Tensor& indices) {
  static const sdk::Op op("gather");
  return op(table, indices);
}
/// Indices [...] to rows [..., depth] with a single 1; an index outside gives a row of zeros.
inline Tensor one_hot(const Tensor& indices, int64_t depth, DType dtype = DType::automatic) {
  static const sdk::Op op("one_hot");
  return op(indices, {{"depth", depth}, {"dtype", dtype}});
}

// --- Linear algebra -----------------------------------------------------------------------------

/// a [..., m, k] times b [..., k, n]; leading axes broadcast.
inline Tensor matmul(const Tensor& a, const Tensor& b) {
  static const sdk::Op op("matmul");
  return op(a, b);
}
/// As matmul, with the last two axes of an operand read as swapped.
inline Tensor matmul(const Tensor& a, const Tensor& b, bool transpose_a, bool transpose_b) {
  static const sdk::Op op("matmul");
  return op(a, b, {{"transpose_a", transpose_a}, {"transpose_b", transpose_b}});
}

// --- Reductions ---------------------------------------------------------------------------------

#define TEMPO_REDUCTION(name)                                                               \
  inline Tensor name(const Tensor& x, const Axes& axes = {}, bool keepdims = false) {       \
    static const sdk::Op op(#name);                                                         \
    if (x.rank() == 0) return x;                                                            \
    return op(x, {{"axes", sdk::from_end(#name, axes, x.rank())}, {"keepdims", keepdims}}); \
  }                                                                                         \
  inline Tensor name(const Tensor& x, int axis, bool keepdims = false) {                    \
    return name(x, Axes{axis}, keepdims);                                                   \
  }
TEMPO_REDUCTION(sum)
TEMPO_REDUCTION(max)
TEMPO_REDUCTION(min)
#undef TEMPO_REDUCTION

inline Tensor mean(const Tensor& x, const Axes& axes = {}, bool keepdims = false) {
  const Tensor total = sum(x, axes, keepdims);
  const auto n =
      static_cast<double>(x.count()) / static_cast<double>(std::max<int64_t>(1, total.count()));
  return total / n;
}
inline Tensor mean(const Tensor& x, int axis, bool keepdims = false) {
  return mean(x, Axes{axis}, keepdims);
}
/// The mean squared distance from the mean (divided by n).
inline Tensor var(const Tensor& x, const Axes& axes = {}, bool keepdims = false) {
  return mean(square(x - mean(x, axes, true)), axes, keepdims);
}
inline Tensor var(const Tensor& x, int axis, bool keepdims = false) {
  return var(x, Axes{axis}, keepdims);
}
/// The position of the largest element along an axis, int64; the first of equal ones.
inline Tensor argmax(const Tensor& x, int axis = -1) {
  static const sdk::Op op("argmax");
  return op(x, {{"axis", sdk::from_end("argmax", axis, x.rank())}});
}
/// Running sums along an axis.
inline Tensor cumsum(const Tensor& x, int axis, bool reversed = false) {
  static const sdk::Op op("cumsum");
  return op(x, {{"axis", sdk::from_end("cumsum", axis, x.rank())}, {"reverse", reversed}});
}

// --- Compositions -------------------------------------------------------------------------------

/// log(sum(exp(x))) without overflow.
inline Tensor logsumexp(const Tensor& x, int axis = -1, bool keepdims = false) {
  const Tensor top = stop_gradient(max(x, axis, true));
  const Tensor kept = log(sum(exp(x - top), axis, true)) + top;
  return keepdims ? kept : squeeze(kept, axis);
}
inline Tensor log_softmax(const Tensor& x, int axis = -1) { return x - logsumexp(x, axis, true); }
inline Tensor softmax(const Tensor& x, int axis = -1) {
  const Tensor e = exp(x - stop_gradient(max(x, axis, true)));
  return e / sum(e, axis, true);
}
/// ln(sum(e^logits)) - logits[label] over the last axis: logits [..., classes], labels [...] (int32
/// or int64, from 0 to classes - 1) to [...].
inline Tensor cross_entropy(const Tensor& logits, const Tensor& labels) {
  static const sdk::Op op("cross_entropy");
  return op(logits, labels);
}
/// x for x > 0, else alpha (e^x - 1) (Clevert et al., 2015).
inline Tensor elu(const Tensor& x, double alpha = 1) {
  return where(x > 0, x, alpha * (exp(minimum(x, 0)) - 1));
}
/// x times the normal distribution function of x (Hendrycks and Gimpel, 2016), exact form.
inline Tensor gelu(const Tensor& x) { return 0.5 * x * (1 + erf(x * 0.70710678118654752)); }
/// (x - mean) / sqrt(var + epsilon) over the last axis (Ba et al., 2016); gamma, beta may be
/// Tensor{}.
inline Tensor layer_norm(const Tensor& x, const Tensor& gamma = {}, const Tensor& beta = {},
                         double epsilon = 1e-3) {
  const Tensor centred = x - mean(x, -1, true);
  Tensor y = centred * (1 / sqrt(mean(square(centred), -1, true) + epsilon));
  if (gamma) y = y * gamma;
  if (beta) y = y + beta;
  return y;
}

/// Each element 0 with probability `rate`, else scaled by 1 / (1 - rate) (Srivastava et al., 2014).
inline Tensor dropout(const Tensor& x, double rate, int64_t seed = -1) {
  if (!(rate >= 0 && rate <= 1))
    throw Error("dropout: a rate of " + std::to_string(rate) + "; it must lie in [0, 1].");
  if (rate == 0) return x;
  if (rate == 1) return zeros_like(x);
  const Tensor kept = random_uniform(x.shape(), 0, 1, x.dtype(), seed) >= rate;
  return where(kept, x / (1 - rate), 0);
}

}  // namespace tempo
