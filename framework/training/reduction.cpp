#include "training/reduction.hpp"

#include "training/settings.hpp"

namespace tempo {

Reduction reduction_from(const std::string& who, const std::string& name) {
  if (name == "sum_over_batch_size" || name == "mean") return Reduction::sum_over_batch_size;
  if (name == "sum") return Reduction::sum;
  if (name == "mean_with_sample_weight") return Reduction::mean_with_sample_weight;
  if (name == "none") return Reduction::none;
  unknown_name(who + ", reduction", name,
               {"sum_over_batch_size", "sum", "mean_with_sample_weight", "none"});
}

Pair aligned(const Tensor& y_true, const Tensor& y_pred) {
  const int t = y_true.rank(), p = y_pred.rank();
  if (t == p + 1 && y_true.shape().back() == 1)
    return p == 1 ? Pair{y_true, expand_dims(y_pred, -1)} : Pair{squeeze(y_true, -1), y_pred};
  if (p == t + 1 && y_pred.shape().back() == 1)
    return t == 1 ? Pair{expand_dims(y_true, -1), y_pred} : Pair{y_true, squeeze(y_pred, -1)};
  return {y_true, y_pred};
}

void shapes_differ(const std::string& who, const Tensor& y_true, const Tensor& y_pred,
                   const std::string& fix) {
  throw ShapeError(who + ": y_true and y_pred do not fit\n  y_true  " +
                   to_string(y_true.shape(), y_true.dtype()) + "\n  y_pred  " +
                   to_string(y_pred.shape(), y_pred.dtype()) + "\n  " + fix);
}

namespace {

bool broadcasts(const Shape& a, const Shape& b) {
  for (int i = 1; i <= std::min(a.rank(), b.rank()); ++i)
    if (a[-i] != b[-i] && a[-i] != 1 && b[-i] != 1) return false;
  return true;
}

bool begins_with(const Shape& whole, const Shape& begin) {
  return begin.rank() <= whole.rank() &&
         Shape(whole.begin(), whole.begin() + begin.rank()) == begin;
}

}  // namespace

Tensor fitted_weight(const std::string& who, const Tensor& weight, const Tensor& values) {
  Tensor w = cast(weight, values.dtype());
  if (w.rank() == values.rank() + 1 && w.shape().back() == 1) w = squeeze(w, -1);
  if (w.rank() < values.rank() && begins_with(values.shape(), w.shape()))
    while (w.rank() > 0 && w.rank() < values.rank()) w = expand_dims(w, -1);
  if (w.rank() > values.rank() || !broadcasts(w.shape(), values.shape()))
    throw ShapeError(
        who + ": the weights do not fit the losses\n  weights  " +
        to_string(weight.shape(), weight.dtype()) + "\n  losses   " +
        to_string(values.shape(), values.dtype()) +
        "\n  sample_weight and masks are [batch], or [batch, time] for a loss at each step.");
  return w;
}

Tensor reduce(const std::string& who, const Tensor& values, const Tensor& weight,
              const Tensor& mask, Reduction reduction) {
  Tensor weights;
  if (mask) {
    weights = fitted_weight(who, mask, values);
    if (reduction == Reduction::sum_over_batch_size) {
      const double total = static_cast<double>(mask.count());
      weights = weights * (total / maximum(sum(cast(mask, values.dtype())), 1));
    }
  }
  if (weight) {
    const Tensor given = fitted_weight(who, weight, values);
    weights = weights ? weights * given : given;
  }
  Tensor weighted = weights ? values * weights : values;
  if (reduction == Reduction::none || weighted.rank() == 0) return weighted;
  Tensor total = sum(weighted);
  if (reduction == Reduction::sum) return total;
  if (reduction == Reduction::mean_with_sample_weight && weights) {
    const Tensor divisor = sum(broadcast_to(weights, weighted.shape()));
    return where(equal(divisor, 0), 0, total / where(equal(divisor, 0), 1, divisor));
  }
  return total / static_cast<double>(std::max<int64_t>(1, weighted.count()));
}

}  // namespace tempo
