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
                     (rank == 0
                          ? "no axes."
                          : std::to_string(rank) + " axes.\n  It must lie in [" +
                                std::to_string(-rank) + ", " + std::to_string(rank - 1) + "]."));
  return axis < 0 ? axis : axis - rank;
}
inline std::vector<int64_t> from_end(const char* who, const Axes& axes, int rank) {
  std::vector<int64_t> out;
  for (int axis : axes) out.push_back(from_end(who, axis, rank));
  if (axes.empty())
    for (int axis = -rank; axis < 0; ++axis) out.push_back(axis);
  return out;
}

/// What a composition asks of x, before one of its parts does.
inline void require_floating(const char* who, const Tensor& x) {
  if (!is_floating(x.dtype()))
    throw ShapeError(std::string(who) + ": needs float32 or float64, got " +
                     to_string(x.shape(), x.dtype()) + ".\n  cast(x, float32) makes it so.");
}

}  // namespace sdk

// --- Made from nothing --------------------------------------------------------------------------

/// start, start + step, ... up to but without stop. [ceil((stop - start) / step)]
inline Tensor arange(double start, double stop, double step = 1, DType dtype = DType::automatic) {
  const auto fail = [&](const std::string& why) {
    throw Error("arange: " + why + "\n  start is " + sdk::shortest(start) + ", stop " +
                sdk::shortest(stop) + ", step " + sdk::shortest(step) + ".");
  };
  if (step == 0) throw Error("arange: a step of 0 never reaches stop.");
  if (!std::isfinite(start) || !std::isfinite(stop) || !std::isfinite(step))
    fail("start, stop and step must be finite.");
  const double n = std::max(0.0, std::ceil((stop - start) / step - 1e-9));
  if (!(n < 0x1p60)) fail("these are more elements than 64 bits can address.");
  const double last = start + step * (n - 1);
  if (!is_floating(dtype) && dtype != DType::automatic && n > 0 &&
      !(sdk::within(start, dtype) && sdk::within(last, dtype)))
    fail(std::string("dtype ") + name_of(dtype) + " cannot hold all of these numbers.");
  const Shape shape{static_cast<int64_t>(n)};
  return sdk::made("arange", shape, dtype, [&] {
    std::vector<double> values;
    try {
      values.resize(static_cast<std::size_t>(n));
    } catch (const std::bad_alloc&) {
      throw sdk::OutOfMemory();
    }
    for (std::size_t i = 0; i < values.size(); ++i)
      values[i] = start + step * static_cast<double>(i);
    return tensor(values, shape, dtype);
  });
}

namespace sdk {
/// The key of one draw, int64 [2]; seed < 0 takes the next one of the global generator.
inline Tensor random_key(int64_t seed = -1) {
  tempo_tensor* out = nullptr;
  check(host().random_key(seed, &out));
  return Tensor(out);
}
}  // namespace sdk

namespace sdk {
inline void require_random(const char* who, DType dtype) {
  if (!is_floating(dtype) && dtype != DType::automatic)
    throw ShapeError(std::string(who) + ": random numbers are float32 or float64, not " +
                     name_of(dtype) + ".\n  cast(x, " + name_of(dtype) +
                     ") makes integers of them.");
}
}  // namespace sdk

/// Uniform in [low, high). `seed` < 0 draws from the generator that set_seed starts.
inline Tensor random_uniform(const Shape& shape, double low = 0, double high = 1,
                             DType dtype = DType::automatic, int64_t seed = -1) {
  sdk::require_random("random_uniform", dtype);
  if (!(low <= high) || !std::isfinite(high - low))
    throw Error("random_uniform: no number is uniform from " + sdk::shortest(low) + " to " +
                sdk::shortest(high) + ".\n  Both must be finite, the second not below the first.");
  static const sdk::Op op("random_uniform");
  return sdk::made("random_uniform", shape, dtype, [&] {
    const Tensor unit = op(sdk::random_key(seed), {{"shape", shape}, {"dtype", dtype}});
    return low == 0 && high == 1 ? unit : low + (high - low) * unit;
  });
}
namespace sdk {
inline Tensor standard_normal(const char* who, const Shape& shape, DType dtype, int64_t seed) {
  static const Op op("random_normal");
  require_random(who, dtype);
  return made(who, shape, dtype, [&] {
    return op(random_key(seed), {{"shape", shape}, {"dtype", dtype}});
  });
}
}  // namespace sdk

/// Normal (Gaussian) numbers.
inline Tensor random_normal(const Shape& shape, double mean = 0, double stddev = 1,
                            DType dtype = DType::automatic, int64_t seed = -1) {
  if (!std::isfinite(mean) || !(stddev >= 0) || !std::isfinite(stddev))
    throw Error("random_normal: no number is normal with the mean " + sdk::shortest(mean) +
                " and the deviation " + sdk::shortest(stddev) +
                ".\n  Both must be finite, the second not below 0.");
  const Tensor unit = sdk::standard_normal("random_normal", shape, dtype, seed);
  return mean == 0 && stddev == 1 ? unit : mean + stddev * unit;
}
/// Standard normal numbers.
inline Tensor randn(const Shape& shape, DType dtype = DType::automatic) {
  return sdk::standard_normal("randn", shape, dtype, -1);
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
inline Tensor transpose(const Tensor& x) {
  if (x.rank() < 2)
    throw ShapeError("transpose: " + to_string(x.shape(), x.dtype()) + " has no two axes to swap.");
  return swap_axes(x, -1, -2);
}

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
  for (std::size_t i = 1; i < parts.size(); ++i)
    if (parts[i].shape() != parts[0].shape() || parts[i].dtype() != parts[0].dtype())
      throw ShapeError("stack: the tensors must be alike; the first is " +
                       to_string(parts[0].shape(), parts[0].dtype()) + ", number " +
                       std::to_string(i) + " (counted from 0) " +
                       to_string(parts[i].shape(), parts[i].dtype()) + ".");
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
namespace sdk {
/// x[..., begin:end, ...] along an axis from the end, by positions from the front.
inline Tensor part(const Tensor& x, int axis, int64_t begin, int64_t end) {
  static const Op op("slice");
  return op(x, {{"axis", axis}, {"begin", begin}, {"end", end}});
}
}  // namespace sdk
/// x[..., begin:end, ...] along an axis; negative positions count from the end of the axis.
inline Tensor slice(const Tensor& x, int axis, int64_t begin, int64_t end) {
  const Shape shape = x.shape();
  const int at = sdk::from_end("slice", axis, shape.rank());
  const int64_t extent = shape[at];
  const int64_t first = begin < 0 ? begin + extent : begin, stop = end < 0 ? end + extent : end;
  if (first < 0 || stop > extent || first > stop)
    throw ShapeError("slice: [" + std::to_string(begin) + ", " + std::to_string(end) +
                     ") along axis " + std::to_string(axis) + " of " + to_string(shape, x.dtype()) +
                     ", which has " + std::to_string(extent) + " there.");
  return sdk::part(x, at, first, stop);
}
/// The i-th part along an axis, which is cut: x[i]. A negative i counts from the end of the axis.
inline Tensor take(const Tensor& x, int64_t i, int axis = 0) {
  const Shape shape = x.shape();
  const int at = sdk::from_end("take", axis, shape.rank());
  const int64_t extent = shape[at];
  if (i < -extent || i >= extent)
    throw ShapeError("take: index " + std::to_string(i) + " along axis " + std::to_string(axis) +
                     " of " + to_string(shape, x.dtype()) + ", which has " +
                     std::to_string(extent) + " there.");
  const int64_t place = i < 0 ? i + extent : i;
  return squeeze(sdk::part(x, at, place, place + 1), at);
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

namespace sdk {
inline Tensor reduced(const Op& op, const char* who, const Tensor& x, const Axes& axes,
                      bool keepdims) {
  if (x.rank() == 0) return x;
  return op(x, {{"axes", from_end(who, axes, x.rank())}, {"keepdims", keepdims}});
}
}  // namespace sdk

#define TEMPO_REDUCTION(name)                                                         \
  inline Tensor name(const Tensor& x, const Axes& axes = {}, bool keepdims = false) { \
    static const sdk::Op op(#name);                                                   \
    return sdk::reduced(op, #name, x, axes, keepdims);                                \
  }                                                                                   \
  inline Tensor name(const Tensor& x, int axis, bool keepdims = false) {              \
    return name(x, Axes{axis}, keepdims);                                             \
  }
TEMPO_REDUCTION(max)
TEMPO_REDUCTION(min)
#undef TEMPO_REDUCTION

/// Of bools: how many are true, int64.
inline Tensor sum(const Tensor& x, const Axes& axes = {}, bool keepdims = false) {
  static const sdk::Op op("sum");
  return sdk::reduced(op, "sum", x.dtype() == bool_ ? cast(x, int64) : x, axes, keepdims);
}
inline Tensor sum(const Tensor& x, int axis, bool keepdims = false) {
  return sum(x, Axes{axis}, keepdims);
}

namespace sdk {
inline Tensor mean_of(const Tensor& x, const Axes& axes, bool keepdims) {
  const Tensor total = sum(x, axes, keepdims);
  const auto n =
      static_cast<double>(x.count()) / static_cast<double>(std::max<int64_t>(1, total.count()));
  return total / n;
}
/// What a composition along axes asks of x and them.
inline void require_along(const char* who, const Tensor& x, const Axes& axes) {
  require_floating(who, x);
  if (x.rank() > 0) from_end(who, axes, x.rank());
}
}  // namespace sdk

inline Tensor mean(const Tensor& x, const Axes& axes = {}, bool keepdims = false) {
  sdk::require_along("mean", x, axes);
  return sdk::mean_of(x, axes, keepdims);
}
inline Tensor mean(const Tensor& x, int axis, bool keepdims = false) {
  return mean(x, Axes{axis}, keepdims);
}
/// The mean squared distance from the mean (divided by n).
inline Tensor var(const Tensor& x, const Axes& axes = {}, bool keepdims = false) {
  sdk::require_along("var", x, axes);
  return sdk::mean_of(square(x - sdk::mean_of(x, axes, true)), axes, keepdims);
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

namespace sdk {
/// log(sum(exp(x))) with the axis kept as 1; an x of no elements along it makes -inf.
inline Tensor log_of_sum(const Tensor& x, int axis) {
  if (x.count() == 0) return log(sum(x, axis, true));
  const double most = x.dtype() == float32 ? 0x1.fffffep127 : 0x1.fffffffffffffp1023;
  const Tensor top = clip(stop_gradient(max(x, axis, true)), -most, most);
  const Tensor total = sum(exp(x - top), axis, true);
  const Tensor none = equal(total, 0);  // all are -inf
  return where(none, -HUGE_VAL, log(where(none, 1, total)) + top);
}
}  // namespace sdk

/// log(sum(exp(x))) without overflow. Of -inf alone it is -inf and passes a gradient of 0, with an
/// inf among them it is inf.
inline Tensor logsumexp(const Tensor& x, int axis = -1, bool keepdims = false) {
  sdk::require_along("logsumexp", x, {axis});
  const Tensor kept = sdk::log_of_sum(x, axis);
  return keepdims ? kept : squeeze(kept, axis);
}
/// ln of softmax: -inf where x is; NaN where softmax is.
inline Tensor log_softmax(const Tensor& x, int axis = -1) {
  sdk::require_along("log_softmax", x, {axis});
  return x - sdk::log_of_sum(x, axis);
}
/// e^x / sum(e^x): 0 where x is -inf. What is -inf alone, or has an inf or NaN along the axis, has
/// no such shares: all NaN, as in NumPy's formula and PyTorch.
inline Tensor softmax(const Tensor& x, int axis = -1) {
  sdk::require_along("softmax", x, {axis});
  if (x.count() == 0) return x;
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
  sdk::require_floating("elu", x);
  return where(x > 0, x, alpha * (exp(minimum(x, 0)) - 1));
}
/// x times the normal distribution function of x (Hendrycks and Gimpel, 2016), exact form.
inline Tensor gelu(const Tensor& x) {
  sdk::require_floating("gelu", x);
  return 0.5 * x * (1 + erf(x * 0.70710678118654752));
}
/// (x - mean) / sqrt(var + epsilon) over the last axis (Ba et al., 2016); gamma, beta may be
/// Tensor{}.
inline Tensor layer_norm(const Tensor& x, const Tensor& gamma = {}, const Tensor& beta = {},
                         double epsilon = 1e-3) {
  sdk::require_along("layer_norm", x, {-1});
  const Tensor centred = x - mean(x, -1, true);
  Tensor y = centred * (1 / sqrt(mean(square(centred), -1, true) + epsilon));
  if (gamma) y = y * gamma;
  if (beta) y = y + beta;
  return y;
}

/// Each element 0 with probability `rate`, else scaled by 1 / (1 - rate) (Srivastava et al., 2014).
inline Tensor dropout(const Tensor& x, double rate, int64_t seed = -1) {
  if (!(rate >= 0 && rate <= 1))
    throw Error("dropout: a rate of " + sdk::shortest(rate) + "; it must lie in [0, 1].");
  sdk::require_floating("dropout", x);
  if (rate == 0) return x;
  if (rate == 1) return zeros_like(x);
  const Tensor kept = random_uniform(x.shape(), 0, 1, x.dtype(), seed) >= rate;
  return where(kept, x / (1 - rate), 0);
}

}  // namespace tempo
