// SPDX-License-Identifier: Apache-2.0
// How a loss per sample becomes one number: sample weights, masks, reductions. Ranks are made equal
// as in Keras: axes of extent 1 at the end come or go.
#pragma once

#include <optional>
#include <string>

#include <tempo/ops.hpp>

namespace tempo {

enum class Reduction { sum_over_batch_size, sum, mean_with_sample_weight, none };
/// From its name; `who` is named in the Error for one that does not exist.
Reduction reduction_from(const std::string& who, const std::string& name);

/// y_true and y_pred with ranks made equal.
struct Pair {
  Tensor y_true, y_pred;
};
Pair aligned(const Tensor& y_true, const Tensor& y_pred);
/// x without axes of extent 1 at its end, down to `rank` axes.
Tensor without_ones(const Tensor& x, int rank);
/// The ShapeError that names both.
[[noreturn]] void shapes_differ(const std::string& who, const Tensor& y_true, const Tensor& y_pred,
                                const std::string& fix);

/// What of a batch counts, and how much: by masks (bool, true = counts) and by sample weights. Both
/// begin with the axes of the losses: [batch], [batch, time]. A weight of 0 takes a loss out as a
/// mask does, unless the weight is tracked and wants its gradient.
class Weighting {
 public:
  /// `who` is named in errors; mask and sample_weight may be Tensor{}.
  explicit Weighting(std::string who, const Tensor& mask = {}, const Tensor& sample_weight = {});
  /// This one, with another mask (or Tensor{}) that must hold, too.
  Weighting and_mask(const Tensor& mask) const;

  /// Of losses of this shape, those that the masks leave in, to be broadcast against them; Tensor{}
  /// for all. Losses of fewer axes than a mask count where it leaves any of theirs in.
  Tensor masked_in(const Shape& losses) const;
  /// As masked_in, and not of weight 0.
  Tensor kept(const Shape& losses) const;
  /// Of what takes the elements along an axis of x together and gives one value at each place of
  /// the others: as kept, with an axis of 1 there.
  Tensor kept_across(const Tensor& x, int axis) const;
  /// Throws ShapeError for a mask that tells the elements along this axis of x apart.
  void require_whole_along(const Tensor& x, int axis) const;
  /// What such losses are multiplied by, 0 where a mask leaves them out; Tensor{} for 1. Throws
  /// ShapeError for weights that do not fit.
  Tensor factors(const Shape& losses, DType dtype) const;

  /// As kept, of what a loss is made from, by the first `axes` axes of masks and weights. What does
  /// not fit leaves nothing out.
  Tensor kept_of(const Shape& x, int axes) const;
  /// Of the mask or the weights that have the most axes; none where all counts the same.
  std::optional<Shape> shape() const;
  /// The most axes of a mask or of weights that leave something out.
  int rank() const;
  /// Whether a mask has an axis for the last one of x.
  bool reaches_last_axis_of(const Shape& x) const;

 private:
  Tensor fitted_mask(const Tensor& mask, const Shape& losses) const;

  struct Mask {
    Tensor in;
    bool all;  // leaves in all
  };

  std::string who_;
  std::vector<Mask> masks_;
  Tensor weight_, nonzero_;  // nonzero_ is Tensor{} where no weight is 0
};

/// x, with `other` where it is not kept: there, neither its value is read nor its gradient. `kept`
/// may be Tensor{}.
inline Tensor only(const Tensor& kept, const Tensor& x, double other = 0) {
  return kept ? where(kept, x, other) : x;
}

/// One number (or, with none, one per sample) from losses per sample.
Tensor reduce(const Tensor& losses, const Weighting& weighting, Reduction reduction);

}  // namespace tempo
