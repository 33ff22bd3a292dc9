// SPDX-License-Identifier: Apache-2.0
// The losses of classes: crossentropies, plain and focal.
#include <limits>

#include "training/finite.hpp"
#include "training/losses/loss_formula.hpp"

namespace tempo {

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

// share * cost, but 0 where the share is 0 and the cost infinite: 0 log 0 = 0.
Tensor shared(const Tensor& share, const Tensor& cost) {
  const Tensor nothing = logical_and(equal(share, 0), equal(cost, infinity));
  return share * where(nothing, 0, cost);
}

struct BinaryFormula : LossFormula<BinaryFormula, BinaryCrossentropyOptions> {
  using LossFormula::LossFormula;
  static constexpr const char* names[] = {"binary_crossentropy", "bce"};
  Tensor values(const Tensor& y_true, const Tensor& y_pred,
                const Weighting& weighting) const override {
    Pair pair = same_shape(y_true, y_pred);
    if (options.axis == -1) pair = with_last_axis(pair, weighting);
    auto [t, p] = counted(pair, options.axis, weighting);
    require_probabilities(name, t);
    if (const double s = options.label_smoothing; s != 0) t = t * (1 - s) + s / 2;
    return mean(
        options.from_logits ? of_logits(t, p) : of_probabilities(t, clip(p, tiny, nearly_one)),
        options.axis);
  }

 private:
  static Tensor of_probabilities(const Tensor& t, const Tensor& p) {
    return -(t * log(p) + (1 - t) * log(1 - p));
  }
  static Tensor of_logits(const Tensor& t, const Tensor& z) {
    if (is_finite(z)) return softplus(z) - t * z;
    return shared(t, softplus(-z)) + shared(1 - t, softplus(z));
  }
};

Tensor log_probabilities(const Tensor& p, bool from_logits, int axis) {
  if (from_logits) return log_softmax(p, axis);
  return log(clip(p / sum(p, axis, true), tiny, nearly_one));
}

struct CategoricalFormula : LossFormula<CategoricalFormula, CategoricalCrossentropyOptions> {
  using LossFormula::LossFormula;
  static constexpr const char* names[] = {"categorical_crossentropy"};
  Tensor values(const Tensor& y_true, const Tensor& y_pred,
                const Weighting& weighting) const override {
    const bool class_numbers = y_pred.rank() > 0 && y_pred.shape().back() > 1 &&
                               (y_true.rank() == y_pred.rank() - 1 ||
                                (y_true.rank() == y_pred.rank() && y_true.shape().back() == 1));
    const Pair pair =
        same_shape(y_true, y_pred,
                   class_numbers ? "For class numbers use sparse_categorical_crossentropy; this "
                                   "loss takes one-hot labels (one_hot makes them)."
                                 : last_layer_fix);
    require_classes(name, pair.y_pred, options.axis, one_class_loss);
    auto [t, p] = counted(pair, options.axis, weighting);
    require_probabilities(name, t);
    if (const double s = options.label_smoothing; s != 0)
      t = t * (1 - s) + s / static_cast<double>(p.shape()[options.axis]);
    const Tensor logs = log_probabilities(p, options.from_logits, options.axis);
    return is_finite(logs) ? -sum(t * logs, options.axis) : sum(shared(t, -logs), options.axis);
  }
};

// The elements of x at the labels: one index into the flattened x for each row.
Tensor at_labels(const Tensor& x, const Tensor& labels) {
  const Tensor rows = arange(0, static_cast<double>(labels.count()), 1, int64);
  const auto classes = static_cast<double>(x.shape().back());
  return reshape(gather(reshape(x, {-1}), rows * classes + reshape(labels, {-1})), labels.shape());
}

// The class numbers for y_pred, whose last axis holds the classes.
ClassNumbers classes_of(const std::string& who, const Tensor& y_true, const Tensor& y_pred,
                        std::optional<int64_t> ignore_class, const Weighting& weighting) {
  const Tensor labels = without_ones(y_true, std::max(0, y_pred.rank() - 1));
  const Shape all = y_pred.shape();
  if (all.empty() || labels.shape() != Shape(all.begin(), all.end() - 1))
    shapes_differ(
        who, y_true, y_pred,
        y_true.shape() == all
            ? "For one-hot labels use categorical_crossentropy; this loss takes class numbers."
            : "y_true holds a class number where y_pred holds its last axis of classes.");
  return {who, labels, all.back(), ignore_class, weighting};
}

struct SparseFormula : LossFormula<SparseFormula, SparseCategoricalCrossentropyOptions> {
  using LossFormula::LossFormula;
  static constexpr const char* names[] = {"sparse_categorical_crossentropy"};
  Tensor values(const Tensor& y_true, const Tensor& given,
                const Weighting& weighting) const override {
    weighting.require_whole_along(given, options.axis);
    const Tensor y_pred = options.axis == -1 ? given : with_classes_last(given);
    const ClassNumbers of = classes_of(name, y_true, y_pred, options.ignore_class, weighting);
    const Tensor p = only(of.kept ? expand_dims(of.kept, -1) : of.kept, y_pred, neutral_prediction);
    const Tensor losses = options.from_logits
                              ? cross_entropy(p, of.labels)
                              : -at_labels(log_probabilities(p, false, -1), of.labels);
    return of.not_ignored ? with_mask(only(of.not_ignored, losses), of.not_ignored) : losses;
  }

 private:
  Tensor with_classes_last(const Tensor& y_pred) const {
    const int at = place_of(options.axis, y_pred);
    Axes order;
    for (int axis = 0; axis < y_pred.rank(); ++axis)
      if (axis != at) order.push_back(axis);
    order.push_back(at);
    return transpose(y_pred, order);
  }
};

// |1 - p_t|^gamma times the crossentropy; p_t is the probability of the label.
struct BinaryFocalFormula : LossFormula<BinaryFocalFormula, BinaryFocalCrossentropyOptions> {
  using LossFormula::LossFormula;
  static constexpr const char* names[] = {"binary_focal_crossentropy"};
  Tensor values(const Tensor& y_true, const Tensor& y_pred,
                const Weighting& weighting) const override {
    Pair pair = same_shape(y_true, y_pred);
    if (options.axis == -1) pair = with_last_axis(pair, weighting);
    auto [t, p] = counted(pair, options.axis, weighting);
    require_probabilities(name, t);
    if (const double s = options.label_smoothing; s != 0) t = t * (1 - s) + s / 2;
    if (options.from_logits) p = sigmoid(p);
    const Tensor held = clip(p, tiny, nearly_one);
    // At 0, a power below 1 has an infinite slope.
    const Tensor missed = maximum(t * (1 - p) + (1 - t) * p, tiny);
    Tensor cost = -(t * log(held) + (1 - t) * log(1 - held)) * pow(missed, options.gamma);
    if (options.apply_class_balancing)
      cost = cost * (t * options.alpha + (1 - t) * (1 - options.alpha));
    return mean(cost, options.axis);
  }
};

struct CategoricalFocalFormula
    : LossFormula<CategoricalFocalFormula, CategoricalFocalCrossentropyOptions> {
  using LossFormula::LossFormula;
  static constexpr const char* names[] = {"categorical_focal_crossentropy"};
  Tensor values(const Tensor& y_true, const Tensor& y_pred,
                const Weighting& weighting) const override {
    const int axis = options.axis;
    const Pair pair = same_shape(y_true, y_pred);
    require_classes(name, pair.y_pred, axis, one_class_loss);
    auto [t, p] = counted(pair, axis, weighting);
    require_probabilities(name, t);
    if (const double s = options.label_smoothing; s != 0)
      t = t * (1 - s) + s / static_cast<double>(p.shape()[axis]);
    if (options.from_logits) p = softmax(p, axis);
    p = clip(p / sum(p, axis, true), tiny, nearly_one);
    return -sum(options.alpha * pow(1 - p, options.gamma) * t * log(p), axis);
  }
};

struct GeneralizedFormula
    : LossFormula<GeneralizedFormula, CategoricalGeneralizedCrossEntropyOptions> {
  using LossFormula::LossFormula;
  static constexpr const char* names[] = {"categorical_generalized_cross_entropy"};
  Tensor values(const Tensor& y_true, const Tensor& y_pred,
                const Weighting& weighting) const override {
    weighting.require_whole_along(y_pred, -1);
    const ClassNumbers of = classes_of(name, y_true, y_pred, {}, weighting);
    const Tensor p = only(of.kept ? expand_dims(of.kept, -1) : of.kept, y_pred, neutral_prediction);
    // A probability that underflows to 0 has an infinite slope.
    return (1 - pow(maximum(at_labels(p, of.labels), 1e-30), options.q)) / options.q;
  }
};

}  // namespace

LossRows probability_losses() {
  return {loss_row<BinaryFormula>(),           loss_row<CategoricalFormula>(),
          loss_row<SparseFormula>(),           loss_row<BinaryFocalFormula>(),
          loss_row<CategoricalFocalFormula>(), loss_row<GeneralizedFormula>()};
}

BinaryCrossentropy::BinaryCrossentropy(const BinaryCrossentropyOptions& options)
    : Loss(std::make_shared<BinaryFormula>(options)) {}
CategoricalCrossentropy::CategoricalCrossentropy(const CategoricalCrossentropyOptions& options)
    : Loss(std::make_shared<CategoricalFormula>(options)) {}
SparseCategoricalCrossentropy::SparseCategoricalCrossentropy(
    const SparseCategoricalCrossentropyOptions& options)
    : Loss(std::make_shared<SparseFormula>(options)) {}
BinaryFocalCrossentropy::BinaryFocalCrossentropy(const BinaryFocalCrossentropyOptions& options)
    : Loss(std::make_shared<BinaryFocalFormula>(options)) {}
CategoricalFocalCrossentropy::CategoricalFocalCrossentropy(
    const CategoricalFocalCrossentropyOptions& options)
    : Loss(std::make_shared<CategoricalFocalFormula>(options)) {}
CategoricalGeneralizedCrossEntropy::CategoricalGeneralizedCrossEntropy(
    const CategoricalGeneralizedCrossEntropyOptions& options)
    : Loss(std::make_shared<GeneralizedFormula>(options)) {}

}  // namespace tempo
