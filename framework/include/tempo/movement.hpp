// SPDX-License-Identifier: Apache-2.0
// Ops that move elements: shapes, parts, rows.
#pragma once

#include <algorithm>
#include <array>

#include <tempo/axes.hpp>

namespace tempo TEMPO_HIDDEN {

/// One extent may be -1; it is computed from the number of elements.
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
/// Removes an axis of extent 1.
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
  const int at = sdk::from_end("concat", axis, parts[0].rank());
  if (parts.size() == 1) return parts[0];
  tempo_tensor* out = nullptr;
  const std::vector<tempo_tensor*> in = sdk::handles(parts);
  op.run(in.data(), in.size(), {{"axis", at}}, &out, 1);
  return Tensor(out);
}
/// Joins tensors of one shape along a new axis.
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
                     ", which has " + std::to_string(extent) +
                     " there.\n  Both ends must lie in [" + std::to_string(-extent) + ", " +
                     std::to_string(extent) + "], and the first not after the second.");
  return sdk::part(x, at, first, stop);
}
/// The i-th part along an axis, without the axis: x[i]. A negative i counts from the axis's end.
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

namespace sdk {

/// n parts along an axis counted from the end, one at every `step` places: the axis is cut into
/// groups of `step` parts, and the first part of each group is kept.
inline Tensor strided(const Tensor& x, int axis, int64_t begin, int64_t n, int64_t step) {
  const int at = axis + x.rank();
  const int64_t extent = x.shape()[axis];
  if (n > 1 && begin + n * step > extent)  // the last part has no whole group
    return concat({strided(x, axis, begin, n - 1, step),
                   part(x, axis, begin + (n - 1) * step, begin + (n - 1) * step + 1)},
                  axis);
  if (n <= 1 || step == 1) return part(x, axis, begin, begin + n);
  Shape steps, one;
  for (int i = 0; i < x.rank(); ++i) {
    steps.push_back(i == at ? n : x.shape()[i]);
    one.push_back(i == at ? n : x.shape()[i]);
    if (i == at) steps.push_back(step);
  }
  const Tensor firsts =
      reshape(part(reshape(part(x, axis, begin, begin + n * step), steps), axis, 0, 1), one);
  const Tensor mask = mask_of(x);
  if (!mask) return firsts;
  return with_mask(firsts,
                   at < mask.rank() ? strided(mask, at - mask.rank(), begin, n, step) : mask);
}

[[noreturn, gnu::cold, gnu::noinline]] inline void outside_axis(const Tensor& x, int axis,
                                                                const std::string& index) {
  const std::string extent = std::to_string(x.shape()[axis]);
  throw ShapeError("x[...]: " + index + " along axis " + std::to_string(axis) + " of " +
                   to_string(x.shape(), x.dtype()) + ", which has " + extent + " there.");
}

/// x indexed along one axis, counted from the front.
inline Tensor indexed(const Tensor& x, int axis, const Index& index) {
  if (index.kind() == Index::whole) return x;
  const int at = axis - x.rank();
  const int64_t extent = x.shape()[axis];
  if (index.kind() == Index::place) {
    const int64_t i = index.at() < 0 ? index.at() + extent : index.at();
    if (i < 0 || i >= extent) outside_axis(x, axis, "index " + std::to_string(index.at()));
    return squeeze(part(x, at, i, i + 1), at);
  }
  const Slice& s = index.slice();
  const auto said = [&] {
    return "slice(" + std::to_string(s.begin) + ", " +
           (s.stop ? std::to_string(*s.stop) : std::string("end")) +
           (s.step == 1 ? ")" : ", " + std::to_string(s.step) + ")");
  };
  if (s.step == 0) throw ShapeError("x[...]: " + said() + " has a step of 0.");
  const auto place = [&](int64_t i) { return i < 0 ? i + extent : i; };
  const int64_t step = std::clamp(s.step, -extent - 1, extent + 1);  // a longer one reaches no more
  if (s.step < 0) {  // takes the same parts forwards, then reverses them
    if (extent == 0 && s.begin == -1 && !s.stop) return x;
    const int64_t first = place(s.begin), stop = s.stop ? place(*s.stop) : -1;
    if (first < 0 || first >= extent || stop < -1 || stop > first) outside_axis(x, axis, said());
    const int64_t n = (first - stop - step - 1) / -step;
    return reverse(strided(x, at, first + (n > 0 ? (n - 1) * step : 0), n, -step), axis);
  }
  const int64_t first = place(s.begin), stop = s.stop ? place(*s.stop) : extent;
  if (first < 0 || stop > extent || first > stop) outside_axis(x, axis, said());
  return strided(x, at, first, (stop - first + step - 1) / step, step);
}

}  // namespace sdk

inline Tensor Tensor::operator[](const Index& i) const { return (*this)(i); }

template <class... More>
Tensor Tensor::operator()(const Index& first, const More&... more) const {
  const Index indices[] = {first, Index(more)...};
  constexpr int n = 1 + static_cast<int>(sizeof...(More));
  if (n > rank())
    throw ShapeError("x[...]: " + std::to_string(n) + (n == 1 ? " index" : " indices") + " of " +
                     to_string(shape(), dtype()) + ", which has " +
                     (rank() == 0
                          ? "no axes."
                          : std::to_string(rank()) + ".\n  Give at most one for each axis."));
  Tensor x = *this;
  for (int axis = n - 1; axis >= 0; --axis) x = sdk::indexed(x, axis, indices[axis]);
  return x;
}
/// Pads with zeros before and after, along an axis.
inline Tensor pad(const Tensor& x, int axis, int64_t before, int64_t after) {
  static const sdk::Op op("pad");
  return op(x,
            {{"axis", sdk::from_end("pad", axis, x.rank())}, {"before", before}, {"after", after}});
}
/// The contents of a window of `size` places, `dilation` apart, which slides along an axis by
/// `stride`: x [..., n, ..., features] to [..., windows, ..., size * features]. Times a matrix it
/// is a convolution.
inline Tensor windows(const Tensor& x, int axis, int64_t size, int64_t stride = 1,
                      int64_t dilation = 1) {
  static const sdk::Op op("windows");
  return op(x, {{"axis", sdk::from_end("windows", axis, x.rank())},
                {"size", size},
                {"stride", stride},
                {"dilation", dilation}});
}
/// The transpose of windows: puts [..., n, ..., size * features] back into `extent` places and adds
/// those that overlap: [..., extent, ..., features].
inline Tensor overlap_add(const Tensor& x, int axis, int64_t size, int64_t stride, int64_t dilation,
                          int64_t extent) {
  static const sdk::Op op("overlap_add");
  return op(x, {{"axis", sdk::from_end("overlap_add", axis, x.rank())},
                {"size", size},
                {"stride", stride},
                {"dilation", dilation},
                {"extent", extent}});
}
/// Rows of a table by index: table [n, ...], indices (int32 or int64) [...] -> [..., ...].
inline Tensor gather(const Tensor& table, const Tensor& indices) {
  static const sdk::Op op("gather");
  return op(table, indices);
}
/// One-hot rows [..., depth] of indices [...]; an index out of range gives a row of zeros.
inline Tensor one_hot(const Tensor& indices, int64_t depth, DType dtype = DType::automatic) {
  static const sdk::Op op("one_hot");
  return op(indices, {{"depth", depth}, {"dtype", dtype}});
}

}  // namespace tempo
