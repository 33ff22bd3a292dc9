// SPDX-License-Identifier: Apache-2.0
// Reduces losses per sample to one number: sample weights, masks, reductions. Ranks are made equal
// as in Keras: axes of extent 1 are added or removed at the end.
#pragma once

#include <optional>
#include <string>

#include <tempo/ops.hpp>

namespace tempo {

enum class Reduction { sum_over_batch_size, sum, mean_with_sample_weight, none };
/// The reduction of this name; throws Error, with `who` in it, if there is none.
Reduction reduction_from(const std::string& who, const std::string& name);

/// y_true and y_pred with equal ranks.
struct Pair {
  Tensor y_true, y_pred;
};
Pair aligned(const Tensor& y_true, const Tensor& y_pred);
/// x without trailing axes of extent 1, down to `rank` axes.
Tensor without_ones(const Tensor& x, int rank);
/// Throws the ShapeError that names both shapes.
[[noreturn]] void shapes_differ(const std::string& who, const Tensor& y_true, const Tensor& y_pred,
                                const std::string& fix);

/// The losses of a batch that count, and their weights: by masks (bool, true = counts) and by
/// sample weights. Both begin with the axes of the losses: [batch], [batch, time]. A weight of 0
/// leaves a loss out as a mask does, unless the weight is tracked and its gradient is wanted.
class Weighting {
 public:
  /// `who` is named in errors; mask and sample_weight may be Tensor{}.
  explicit Weighting(std::string who, const Tensor& mask = {}, const Tensor& sample_weight = {});
  /// A copy with one more mask (or Tensor{}), which must be true, too.
  Weighting and_mask(const Tensor& mask) const;

  /// The mask of losses of this shape, to be broadcast against them; Tensor{} if all are left in.
  /// If losses have fewer axes than a mask, one counts if the mask leaves in any element of it.
  Tensor masked_in(const Shape& losses) const;
  /// As masked_in, but false also where the weight is 0.
  Tensor kept(const Shape& losses) const;
  /// For an op that reduces x along an axis to one value at each place of the other axes: as kept,
  /// with extent 1 on that axis.
  Tensor kept_across(const Tensor& x, int axis) const;
  /// Throws ShapeError for a mask that varies along this axis of x.
  void require_whole_along(const Tensor& x, int axis) const;
  /// The factors of losses of this shape, 0 where a mask leaves them out; Tensor{} for 1. Throws
  /// ShapeError for weights that do not fit.
  Tensor factors(const Shape& losses, DType dtype) const;

  /// As kept, for a tensor that losses are computed from, by the first `axes` axes of masks and
  /// weights. A mask or weights that do not fit it leave nothing out.
  Tensor kept_of(const Shape& x, int axes) const;
  /// The shape of the mask or the weights with the most axes; none if all losses count the same.
  std::optional<Shape> shape() const;
  /// The largest rank of a mask, or of weights, that leaves something out.
  int rank() const;
  /// Whether a mask has an axis for the last axis of x.
  bool reaches_last_axis_of(const Shape& x) const;

 private:
  Tensor fitted_mask(const Tensor& mask, const Shape& losses) const;

  struct Mask {
    Tensor in;
    bool all;  // whether the mask is true everywhere
  };

  std::string who_;
  std::vector<Mask> masks_;
  Tensor weight_, nonzero_;  // nonzero_ is Tensor{} if no weight is 0
};

/// x, with `other` where it is not kept: there neither the value nor the gradient of x is read.
/// `kept` may be Tensor{}.
inline Tensor only(const Tensor& kept, const Tensor& x, double other = 0) {
  return kept ? where(kept, x, other) : x;
}

/// One number from losses per sample; with Reduction::none, one per sample.
Tensor reduce(const Tensor& losses, const Weighting& weighting, Reduction reduction);

}  // namespace tempo
