// SPDX-License-Identifier: Apache-2.0
// Layers that make one tensor from several. Steps that are masked in one input are masked in the
// result, as with `a + b` and `concat`.
#pragma once

#include <tempo/layers/lists.hpp>
#include <tempo/layers/sequences.hpp>
#include <tempo/length.hpp>

namespace tempo TEMPO_HIDDEN {

namespace sdk {

/// "[2, 3] and [2, 4]"
inline std::string shapes_text(const Tensors& tensors) {
  std::string text;
  for (std::size_t i = 0; i < tensors.size(); ++i)
    text += (i == 0                    ? ""
             : i + 1 == tensors.size() ? " and "
                                       : ", ") +
            to_string(tensors[i].shape());
  return text;
}

/// The inputs of a layer that merges, each with the mask that was given to the call, if any.
inline Tensors to_merge(const char* who, Tensors x, const CallOptions& call, std::size_t exactly) {
  const std::string needs = exactly ? "takes two inputs" : "takes two inputs or more";
  if (exactly ? x.size() != exactly : x.size() < 2)
    throw Error(std::string(who) + ": " + needs + ", got " + std::to_string(x.size()) +
                ".\n  Give them in one list, layer({a, b}), in a Model with a function.");
  for (const Tensor& t : x)
    if (t.rank() < 1 || t.shape()[0] != x[0].shape()[0])
      throw ShapeError(std::string(who) + ": the inputs are " + shapes_text(x) +
                       "; all begin with the same batch.");
  if (call.mask && call.mask.handle() != mask_of(x[0]).handle())
    for (Tensor& t : x) t = with_mask(t, call.mask);
  return x;
}

/// A factor of a product; its masked steps cannot make the other factor's gradient NaN.
inline Tensor factor(const Tensor& x) {
  const Tensor mask = mask_of(x), its = usable(x, mask);
  return its.handle() == x.handle() ? x : with_mask(its, mask);
}

}  // namespace sdk

/// Folds two or more inputs elementwise, one after the other. Their shapes broadcast as in NumPy;
/// an input with fewer axes gets axes of 1 after its batch.
class MergeLayer : public LayerOf<NamedOptions> {
 public:
  Tensors call(const Tensors& inputs, const CallOptions& call) const {
    const Tensors x = sdk::to_merge(who_, inputs, call, exactly_);
    int rank = 0;
    for (const Tensor& t : x) rank = std::max(rank, t.rank());
    require_broadcast(x, rank);
    Tensor y = of_rank(x[0], rank);
    for (std::size_t i = 1; i < x.size(); ++i) y = fold_(y, of_rank(x[i], rank));
    return {finish_ ? finish_(y, x.size()) : y};
  }

 protected:
  using Fold = Tensor (*)(const Tensor& a, const Tensor& b);
  using Finish = Tensor (*)(const Tensor& y, std::size_t n);
  MergeLayer(NamedOptions o, const char* who, Fold fold, Finish finish = nullptr,
             std::size_t exactly = 0)
      : LayerOf(std::move(o)), who_(who), fold_(fold), finish_(finish), exactly_(exactly) {}

 private:
  static Tensor of_rank(Tensor x, int rank) {
    while (x.rank() < rank) x = expand_dims(x, 1);
    return x;
  }
  void require_broadcast(const Tensors& x, int rank) const {
    for (int axis = 1; axis < rank; ++axis) {
      int64_t extent = 1;
      for (const Tensor& t : x) {
        const int its = axis - (rank - t.rank());  // 0 and below: an axis of 1 will stand there
        const int64_t here = its < 1 ? 1 : t.shape()[its];
        if (here != 1 && extent != 1 && here != extent)
          throw ShapeError(std::string(who_) + ": the inputs are " + sdk::shapes_text(x) +
                           "; along each axis their extents are equal, or 1.");
        if (here != 1) extent = here;
      }
    }
  }

  const char* who_;
  Fold fold_;
  Finish finish_;
  std::size_t exactly_;
};

/// a + b + ...
class AddLayer : public MergeLayer {
 public:
  AddLayer(NamedOptions o = {})
      : MergeLayer(std::move(o), "Add", [](const Tensor& a, const Tensor& b) { return a + b; }) {}
};
/// a - b
class SubtractLayer : public MergeLayer {
 public:
  SubtractLayer(NamedOptions o = {})
      : MergeLayer(
            std::move(o), "Subtract", [](const Tensor& a, const Tensor& b) { return a - b; },
            nullptr, 2) {}
};
/// a * b * ...
class MultiplyLayer : public MergeLayer {
 public:
  MultiplyLayer(NamedOptions o = {})
      : MergeLayer(std::move(o), "Multiply", [](const Tensor& a, const Tensor& b) {
          return sdk::factor(a) * sdk::factor(b);
        }) {}
};
/// (a + b + ...) / n
class AverageLayer : public MergeLayer {
 public:
  AverageLayer(NamedOptions o = {})
      : MergeLayer(
            std::move(o), "Average", [](const Tensor& a, const Tensor& b) { return a + b; },
            [](const Tensor& y, std::size_t n) {
              sdk::require_floating("Average", y);
              return y / static_cast<double>(n);
            }) {}
};
/// The maximum, elementwise.
class MaximumLayer : public MergeLayer {
 public:
  MaximumLayer(NamedOptions o = {})
      : MergeLayer(std::move(o), "Maximum",
                   [](const Tensor& a, const Tensor& b) { return maximum(a, b); }) {}
};
/// The minimum, elementwise.
class MinimumLayer : public MergeLayer {
 public:
  MinimumLayer(NamedOptions o = {})
      : MergeLayer(std::move(o), "Minimum",
                   [](const Tensor& a, const Tensor& b) { return minimum(a, b); }) {}
};

/// The sum of all inputs: `Add()({a, b})`.
inline Layer Add(const NamedOptions& options = {}) { return make_layer("Add", options); }
TEMPO_OPTIONS(Layer Add, NamedOptions);
/// The first input minus the second.
inline Layer Subtract(const NamedOptions& options = {}) { return make_layer("Subtract", options); }
TEMPO_OPTIONS(Layer Subtract, NamedOptions);
/// The product of all inputs, elementwise.
inline Layer Multiply(const NamedOptions& options = {}) { return make_layer("Multiply", options); }
TEMPO_OPTIONS(Layer Multiply, NamedOptions);
/// The mean of all inputs, elementwise.
inline Layer Average(const NamedOptions& options = {}) { return make_layer("Average", options); }
TEMPO_OPTIONS(Layer Average, NamedOptions);
/// The maximum of all inputs, elementwise.
inline Layer Maximum(const NamedOptions& options = {}) { return make_layer("Maximum", options); }
TEMPO_OPTIONS(Layer Maximum, NamedOptions);
/// The minimum of all inputs, elementwise.
inline Layer Minimum(const NamedOptions& options = {}) { return make_layer("Minimum", options); }
TEMPO_OPTIONS(Layer Minimum, NamedOptions);

struct ConcatenateOptions {
  int axis = -1;
  Regularizer activity_regularizer = {};
  std::string name = "";
};
inline void describe(auto& option, ConcatenateOptions& o) {
  option("axis", o.axis, "Along which the inputs lie side by side; -1 is the last.");
}

/// Joins inputs along an axis. If that is the features, a step counts if it counts in all inputs.
/// If it is time, the masks are joined like the inputs; all steps of an input without a mask count
/// then.
class ConcatenateLayer : public LayerOf<ConcatenateOptions> {
 public:
  using LayerOf::LayerOf;

  Tensors call(const Tensors& inputs, const CallOptions& call) const {
    const Tensors x = sdk::to_merge("Concatenate", inputs, call, 0);
    const int rank = x[0].rank(), axis = options.axis;
    bool fits = axis >= -rank && axis < rank;
    for (const Tensor& t : x) {
      fits = fits && t.rank() == rank;
      for (int i = 0; fits && i < rank; ++i)
        fits = i == (axis < 0 ? axis + rank : axis) || t.shape()[i] == x[0].shape()[i];
    }
    if (!fits)
      throw ShapeError("Concatenate: axis is " + std::to_string(axis) + ", the inputs are " +
                       sdk::shapes_text(x) + ".\n  They have the same axes, and the same extents " +
                       "but along that one.");
    return {concat(x, axis)};
  }
};

/// Inputs side by side; its options are ConcatenateOptions.
inline Layer Concatenate(const ConcatenateOptions& options = {}) {
  return make_layer("Concatenate", options);
}
TEMPO_OPTIONS(Layer Concatenate, ConcatenateOptions);

struct DotOptions {
  Integers axes = {};
  bool normalize = false;
  Regularizer activity_regularizer = {};
  std::string name = "";
};
inline void describe(auto& option, DotOptions& o) {
  option("axes", sdk::as_list(o.axes),
         "Axis of each of the two inputs that is summed over: one number for both, or two.");
  option("normalize", o.normalize,
         "Whether vectors along these axes are made 1 long first: the result is their cosine.");
}

/// Sums the products of two inputs along an axis of each, sample by sample: [batch, a..., n] and
/// [batch, n, b...] to [batch, a..., b...]; two vectors give [batch, 1]. The result has no mask.
class DotLayer : public LayerOf<DotOptions> {
 public:
  using LayerOf::LayerOf;

  Tensors call(const Tensors& inputs, const CallOptions&) const {
    Tensors x = sdk::to_merge("Dot", inputs, {}, 2);
    const Axes axes = summed(x);
    for (std::size_t i = 0; i < 2; ++i) {
      x[i] = sdk::without_mask(x[i]);
      if (options.normalize) x[i] = sdk::unit(x[i], {axes[i]}, 1e-7);
    }
    Shape shape{x[0].shape()[0]};
    const Tensor a = to_the_end(x[0], axes[0], &shape);  // [batch, m, n]
    const Tensor b = to_the_end(x[1], axes[1], &shape);  // [batch, k, n]
    if (shape.rank() == 1) shape.push_back(1);
    return {reshape(matmul(a, b, false, true), shape)};
  }

 private:
  /// The axes, counted from 0.
  Axes summed(const Tensors& x) const {
    const Shape& given = options.axes;
    if (given.empty())
      throw Error(
          "Dot: axes is not set; it is the axis of each input that is summed over.\n"
          "  Give one for both, Dot({.axes = -1}), or one each, Dot({.axes = {2, 1}}).");
    Axes axes;
    for (int i = 0; i < 2; ++i) {
      const int rank = x[static_cast<std::size_t>(i)].rank();
      const int64_t axis = given[i == 0 ? 0 : -1];
      axes.push_back(sdk::axis_after_batch(axis, rank));
      if (given.rank() > 2 || axes.back() == 0)
        throw ShapeError("Dot: axes is " + to_string(given) + ", the inputs are " +
                         sdk::shapes_text(x) +
                         ".\n  Name one axis after the batch for both, or one each.");
    }
    if (x[0].shape()[axes[0]] != x[1].shape()[axes[1]])
      throw ShapeError("Dot: axis " + std::to_string(axes[0]) + " of " + to_string(x[0].shape()) +
                       " has " + std::to_string(x[0].shape()[axes[0]]) + " elements, axis " +
                       std::to_string(axes[1]) + " of " + to_string(x[1].shape()) + " has " +
                       std::to_string(x[1].shape()[axes[1]]) + "; both are as long.");
    return axes;
  }
  /// [batch, rest, n] with this axis as the last; the extents of the rest are added to `shape`.
  static Tensor to_the_end(const Tensor& x, int axis, Shape* shape) {
    Axes order;
    int64_t rest = 1;
    for (int i = 0; i < x.rank(); ++i) {
      if (i == axis) continue;
      order.push_back(i);
      if (i == 0) continue;
      rest *= x.shape()[i];
      shape->push_back(x.shape()[i]);
    }
    order.push_back(axis);
    return reshape(transpose(x, order), {x.shape()[0], rest, x.shape()[axis]});
  }
};

/// Sums of products of two inputs; its options are DotOptions.
inline Layer Dot(const DotOptions& options) { return make_layer("Dot", options); }
TEMPO_OPTIONS(Layer Dot, DotOptions);

}  // namespace tempo
