// SPDX-License-Identifier: Apache-2.0
// Aligns losses, masks and sample weights, and reduces them to one number.
#include "training/losses/reduction.hpp"

#include <algorithm>
#include <utility>

#include "graph/mask.hpp"
#include "training/settings.hpp"

namespace tempo {

Reduction reduction_from(const std::string& who, const std::string& name) {
  static constexpr std::pair<const char*, Reduction> reductions[] = {
      {"sum_over_batch_size", Reduction::sum_over_batch_size},
      {"mean", Reduction::sum_over_batch_size},
      {"sum", Reduction::sum},
      {"mean_with_sample_weight", Reduction::mean_with_sample_weight},
      {"none", Reduction::none},
  };
  std::vector<std::string> known;
  for (const auto& [its_name, reduction] : reductions) {
    if (name == its_name) return reduction;
    known.emplace_back(its_name);
  }
  unknown_name(who, "reduction", name, known);
}

namespace {

// Whether the axes of `longer` after the first `rank` are all of extent 1.
bool ends_in_ones(const Shape& longer, int rank) {
  return std::all_of(longer.begin() + rank, longer.end(), [](int64_t n) { return n == 1; });
}

Tensor with_rank(const Tensor& x, int rank) {
  if (rank == x.rank()) return x;
  const Shape before = x.shape();
  Shape shape(before.begin(), before.begin() + std::min(rank, before.rank()));
  while (shape.rank() < rank) shape.push_back(1);
  return reshape(x, shape);
}

}  // namespace

Pair aligned(const Tensor& y_true, const Tensor& y_pred) {
  const int t = y_true.rank(), p = y_pred.rank();
  if (t > p && ends_in_ones(y_true.shape(), p))
    return p == 1 ? Pair{y_true, with_rank(y_pred, t)} : Pair{with_rank(y_true, p), y_pred};
  if (p > t && ends_in_ones(y_pred.shape(), t)) return {with_rank(y_true, p), y_pred};
  return {y_true, y_pred};
}

Tensor without_ones(const Tensor& x, int rank) {
  return x.rank() > rank && ends_in_ones(x.shape(), rank) ? with_rank(x, rank) : x;
}

void shapes_differ(const std::string& who, const Tensor& y_true, const Tensor& y_pred,
                   const std::string& fix) {
  throw ShapeError(who + ": y_true and y_pred do not fit\n  y_true  " +
                   to_string(y_true.shape(), y_true.dtype()) + "\n  y_pred  " +
                   to_string(y_pred.shape(), y_pred.dtype()) + "\n  " + fix);
}

namespace {

bool all_true(const Tensor& mask) {
  if (mask.traced()) return false;
  const bool* const first = mask.data<bool>();
  return std::all_of(first, first + mask.count(), [](bool b) { return b; });
}

// `part` with as many axes as `whole`, unless a surplus axis is not of extent 1.
Tensor with_axes_of(const Shape& whole, const Tensor& part) {
  const Tensor cut = without_ones(part, whole.rank());
  return cut.rank() > whole.rank() ? cut : with_rank(cut, whole.rank());
}

// Whether `part` broadcasts to the shape of `whole`.
bool fits(const Shape& part, const Shape& whole) {
  if (part.rank() != whole.rank()) return false;
  for (int axis = 0; axis < part.rank(); ++axis)
    if (part[axis] != whole[axis] && part[axis] != 1) return false;
  return true;
}

// The logical or over the axes after the first `rank`.
Tensor any_of_rest(const Tensor& mask, int rank) {
  Axes rest;
  for (int axis = rank; axis < mask.rank(); ++axis) rest.push_back(axis);
  return rest.empty() ? mask : sum(cast(mask, int32), rest) > 0;
}

Shape without(const Shape& shape, int axis) {
  Shape others;
  for (int i = 0; i < shape.rank(); ++i)
    if (i != axis) others.push_back(shape[i]);
  return others;
}

std::string side_by_side(std::string name, const Tensor& part, const std::string& losses) {
  std::string second = "losses";
  name.resize(std::max(name.size(), second.size()), ' ');
  second.resize(name.size(), ' ');
  return "\n  " + name + "  " + to_string(part.shape(), part.dtype()) + "\n  " + second + "  " +
         losses;
}

}  // namespace

Weighting::Weighting(std::string who, const Tensor& mask, const Tensor& sample_weight)
    : who_(std::move(who)), weight_(sample_weight) {
  if (mask) masks_.push_back({mask, all_true(mask)});
  if (!weight_ || weight_.tracked()) return;
  const Tensor nonzero = not_equal(weight_, 0);
  if (!all_true(nonzero)) nonzero_ = nonzero;
}

Weighting Weighting::and_mask(const Tensor& mask) const {
  Weighting out = *this;
  if (mask) out.masks_.push_back({mask, all_true(mask)});
  return out;
}

Tensor Weighting::fitted_mask(const Tensor& mask, const Shape& losses) const {
  const Tensor fitted = any_of_rest(with_axes_of(losses, mask), losses.rank());
  if (fits(fitted.shape(), losses)) return fitted;
  throw ShapeError(who_ + ": the mask of y_pred does not fit the losses" +
                   side_by_side("mask", mask, to_string(losses)) +
                   "\n  A loss is one number, or one for each sample, [batch], or step, [batch, "
                   "time]; with_mask(y_pred, {}) takes the mask off.");
}

Tensor Weighting::masked_in(const Shape& losses) const {
  Tensor in;
  for (const Mask& mask : masks_) {
    const Tensor fitted = fitted_mask(mask.in, losses);
    if (!mask.all) in = both(in, fitted);
  }
  return in;
}

Tensor Weighting::kept(const Shape& losses) const {
  const Tensor in = masked_in(losses);
  const Tensor nonzero = nonzero_ ? with_axes_of(losses, nonzero_) : nonzero_;
  return nonzero && fits(nonzero.shape(), losses) ? both(in, nonzero) : in;
}

void Weighting::require_whole_along(const Tensor& x, int axis) const {
  const Shape shape = x.shape();
  const int at = axis < 0 ? axis + shape.rank() : axis;
  for (const Mask& mask : masks_)
    if (const Shape in = mask.in.shape(); at >= 0 && at < in.rank() && in[at] != 1)
      throw ShapeError(
          who_ + ": the mask of y_pred tells elements apart along axis " + std::to_string(at) +
          ", and these are taken together\n  y_pred  " + to_string(shape, x.dtype()) +
          "\n  mask    " + to_string(in, mask.in.dtype()) +
          "\n  A mask says which samples or steps count, here " + to_string(without(shape, at)) +
          ". Numbers of steps need an axis behind that of the steps: expand_dims(y, -1)."
          "\n  Where it rules classes out, Softmax gives these a share of 0, and "
          "with_mask(y, {}) then takes it off.");
}

Tensor Weighting::kept_across(const Tensor& x, int axis) const {
  require_whole_along(x, axis);
  const int at = axis < 0 ? axis + x.rank() : axis;
  const Tensor kept = this->kept(without(x.shape(), at));
  return kept ? expand_dims(kept, at) : kept;
}

Tensor Weighting::factors(const Shape& losses, DType dtype) const {
  const Tensor in = masked_in(losses);
  if (!weight_) return in ? cast(in, dtype) : in;
  const Tensor weight = with_axes_of(losses, weight_);
  if (fits(weight.shape(), losses)) return only(in, cast(weight, dtype));
  const std::string of_losses = to_string(losses, dtype);
  if (losses.rank() == 0)
    throw ShapeError(who_ + ": sample_weight was given, and the loss is one number for the batch" +
                     side_by_side("sample_weight", weight_, of_losses) +
                     "\n  Weights need a loss for each sample, [batch]: take the mean over the "
                     "other axes only, or leave sample_weight out.");
  throw ShapeError(who_ + ": the weights do not fit the losses" +
                   side_by_side("weights", weight_, of_losses) +
                   "\n  sample_weight and masks are [batch], or [batch, time] for a loss at each "
                   "step.");
}

Tensor Weighting::kept_of(const Shape& x, int axes) const {
  Tensor kept;
  const auto add = [&](const Tensor& part) {
    const Tensor fitted = with_axes_of(x, any_of_rest(part, axes));
    if (fits(fitted.shape(), x)) kept = both(kept, fitted);
  };
  for (const Mask& mask : masks_)
    if (!mask.all) add(mask.in);
  if (nonzero_) add(nonzero_);
  return kept;
}

std::optional<Shape> Weighting::shape() const {
  std::optional<Shape> most;
  if (weight_) most = weight_.shape();
  for (const Mask& mask : masks_)
    if (!most || mask.in.rank() > most->rank()) most = mask.in.shape();
  return most;
}

int Weighting::rank() const {
  int most = nonzero_ ? nonzero_.rank() : 0;
  for (const Mask& mask : masks_)
    if (!mask.all) most = std::max(most, mask.in.rank());
  return most;
}

bool Weighting::reaches_last_axis_of(const Shape& x) const {
  return std::any_of(masks_.begin(), masks_.end(), [&](const Mask& mask) {
    return mask.in.rank() >= x.rank() && mask.in.shape()[x.rank() - 1] != 1;
  });
}

Tensor reduce(const Tensor& losses, const Weighting& weighting, Reduction reduction) {
  const Shape shape = losses.shape();
  const Tensor factors = weighting.factors(shape, losses.dtype());
  Tensor weighted = only(weighting.kept(shape), losses);
  if (factors) weighted = weighted * factors;
  if (reduction == Reduction::none || weighted.rank() == 0) return weighted;
  const Tensor total = sum(weighted);
  if (reduction == Reduction::sum) return total;
  if (reduction == Reduction::mean_with_sample_weight && factors) {
    const Tensor divisor = sum(broadcast_to(factors, shape));
    return where(equal(divisor, 0), 0, total / where(equal(divisor, 0), 1, divisor));
  }
  if (const Tensor in = weighting.masked_in(shape))
    return total / maximum(sum(cast(broadcast_to(in, shape), losses.dtype())), 1);
  return total / static_cast<double>(std::max<int64_t>(1, losses.count()));
}

}  // namespace tempo
