// The formulas of the losses, each with its options.
#include "training/finite.hpp"
#include "training/labels.hpp"
#include "training/loss_state.hpp"
#include "training/settings.hpp"

#include <array>
#include <cmath>
#include <limits>

namespace tempo {

namespace {

// Probabilities are held within these, in both dtypes: 1 - 1e-7 as float32 has it.
constexpr double lowest = 1e-7, highest = 0.99999988079071044921875;
constexpr double infinity = std::numeric_limits<double>::infinity();

const char* const last_layer_fix =
    "The model's last layer must give as many values for a sample as y holds.";

// All options that losses have; each has some of them.
void describe(auto& setting, auto& o) {
  if constexpr (requires { o.from_logits; }) setting("from_logits", o.from_logits);
  if constexpr (requires { o.label_smoothing; }) setting("label_smoothing", o.label_smoothing);
  if constexpr (requires { o.axis; }) setting("axis", o.axis);
  if constexpr (requires { o.ignore_class; }) setting("ignore_class", o.ignore_class);
  setting("reduction", o.reduction);
}

void require_valid(const std::string& who, const auto& o) {
  if constexpr (requires { o.label_smoothing; })
    if (!(o.label_smoothing >= 0 && o.label_smoothing <= 1))
      throw Error(who + ": label_smoothing is " + sdk::shortest(o.label_smoothing) +
                  "; it must lie in [0, 1].");
}

// F::names are those that a text may use; the first is the one that is written.
template <class F, class O>
struct Formula : LossState {
  using Options = O;
  explicit Formula(const Options& o) : LossState(F::names[0], written(o), o.reduction), options(o) {
    require_valid(name, options);
  }
  static std::string written(Options o) {
    SettingsWriter writer(F::names[0]);
    describe(writer, o);
    return writer.text();
  }
  // y_true and y_pred of one dtype and shape.
  Pair same_shape(const Tensor& y_true, const Tensor& y_pred,
                  const char* fix = last_layer_fix) const {
    Pair pair = aligned(cast(y_true, y_pred.dtype()), y_pred);
    if (pair.y_true.shape() != pair.y_pred.shape()) shapes_differ(name, y_true, y_pred, fix);
    return pair;
  }
  // Those of a loss at each place of all axes but one, with neutral numbers for what does not
  // count.
  Pair counted(const Pair& pair, int axis, const Weighting& weighting) const {
    const Shape shape = pair.y_pred.shape();
    if (shape.empty())
      throw ShapeError(name + ": y_pred is a scalar; it needs an axis of classes.");
    if (axis < -shape.rank() || axis >= shape.rank())
      throw ShapeError(name + ": axis is " + std::to_string(axis) + ", and y_pred is " +
                       to_string(shape, pair.y_pred.dtype()) + ".\n  It must lie in [" +
                       std::to_string(-shape.rank()) + ", " + std::to_string(shape.rank() - 1) +
                       "].");
    const int at = axis < 0 ? axis + shape.rank() : axis;
    Shape losses;
    for (int i = 0; i < shape.rank(); ++i)
      if (i != at) losses.push_back(shape[i]);
    Tensor kept = weighting.kept(losses);
    if (kept) kept = expand_dims(kept, at);
    return {only(kept, pair.y_true, neutral_target), only(kept, pair.y_pred, neutral_prediction)};
  }
  Options options;
};

// Of an error that is a mean over the last axis. Where there is only the axis of the samples, or
// where a mask tells the elements of the last axis apart, each of them is a loss of its own.
Pair with_last_axis(const Pair& pair, const Weighting& weighting) {
  const Shape shape = pair.y_pred.shape();
  return shape.rank() <= 1 || weighting.reaches_last_axis_of(shape)
             ? Pair{expand_dims(pair.y_true, -1), expand_dims(pair.y_pred, -1)}
             : pair;
}

struct SquaredErrorFormula : Formula<SquaredErrorFormula, MeanErrorOptions> {
  using Formula::Formula;
  static constexpr const char* names[] = {"mean_squared_error", "mse"};
  Tensor values(const Tensor& y_true, const Tensor& y_pred,
                const Weighting& weighting) const override {
    const auto [t, p] =
        counted(with_last_axis(same_shape(y_true, y_pred), weighting), -1, weighting);
    return mean(square(t - p), -1);
  }
};

struct AbsoluteErrorFormula : Formula<AbsoluteErrorFormula, MeanErrorOptions> {
  using Formula::Formula;
  static constexpr const char* names[] = {"mean_absolute_error", "mae"};
  Tensor values(const Tensor& y_true, const Tensor& y_pred,
                const Weighting& weighting) const override {
    const auto [t, p] =
        counted(with_last_axis(same_shape(y_true, y_pred), weighting), -1, weighting);
    return mean(abs(t - p), -1);
  }
};

// share cost, where no share of an infinite cost is nothing: 0 log 0 = 0.
Tensor shared(const Tensor& share, const Tensor& cost) {
  const Tensor nothing = logical_and(equal(share, 0), equal(cost, infinity));
  return share * where(nothing, 0, cost);
}

struct BinaryFormula : Formula<BinaryFormula, BinaryCrossentropyOptions> {
  using Formula::Formula;
  static constexpr const char* names[] = {"binary_crossentropy", "bce"};
  Tensor values(const Tensor& y_true, const Tensor& y_pred,
                const Weighting& weighting) const override {
    Pair pair = same_shape(y_true, y_pred);
    if (options.axis == -1) pair = with_last_axis(pair, weighting);
    auto [t, p] = counted(pair, options.axis, weighting);
    require_probabilities(name, t);
    if (const double s = options.label_smoothing; s != 0) t = t * (1 - s) + s / 2;
    return mean(
        options.from_logits ? of_logits(t, p) : of_probabilities(t, clip(p, lowest, highest)),
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
  return log(clip(p / sum(p, axis, true), lowest, highest));
}

struct CategoricalFormula : Formula<CategoricalFormula, CategoricalCrossentropyOptions> {
  using Formula::Formula;
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
    auto [t, p] = counted(pair, options.axis, weighting);
    require_numbers(name, t);
    if (const double s = options.label_smoothing; s != 0)
      t = t * (1 - s) + s / static_cast<double>(p.shape()[options.axis]);
    const Tensor logs = log_probabilities(p, options.from_logits, options.axis);
    return is_finite(logs) ? -sum(t * logs, options.axis) : sum(shared(t, -logs), options.axis);
  }
};

struct SparseFormula : Formula<SparseFormula, SparseCategoricalCrossentropyOptions> {
  using Formula::Formula;
  static constexpr const char* names[] = {"sparse_categorical_crossentropy"};
  Tensor values(const Tensor& y_true, const Tensor& y_pred,
                const Weighting& weighting) const override {
    const int rank = std::max(0, y_pred.rank() - 1);
    const Tensor labels = without_ones(y_true, rank);
    if (y_pred.rank() == 0 || labels.shape() != without_classes(y_pred.shape()))
      shapes_differ(
          name, y_true, y_pred,
          y_true.shape() == y_pred.shape()
              ? "For one-hot labels use categorical_crossentropy; this loss takes class numbers."
              : "y_true holds a class number where y_pred holds its last axis of classes.");
    const ClassNumbers of(name, labels, y_pred.shape().back(), options.ignore_class, weighting);
    const Tensor p = only(of.kept ? expand_dims(of.kept, -1) : of.kept, y_pred, neutral_prediction);
    const Tensor losses = options.from_logits
                              ? cross_entropy(p, of.labels)
                              : -at_labels(log_probabilities(p, false, -1), of.labels);
    return of.not_ignored ? with_mask(only(of.not_ignored, losses), of.not_ignored) : losses;
  }

 private:
  // What x holds at each label, picked out of all of it in a row.
  static Tensor at_labels(const Tensor& x, const Tensor& labels) {
    const Tensor rows = arange(0, static_cast<double>(labels.count()), 1, int64);
    const auto classes = static_cast<double>(x.shape().back());
    return reshape(gather(reshape(x, {-1}), rows * classes + reshape(labels, {-1})),
                   labels.shape());
  }
  static Shape without_classes(const Shape& s) { return Shape(s.begin(), s.end() - 1); }
};

using LossRef = std::shared_ptr<const LossState>;

template <class F>
Named<LossRef> row() {
  return {{std::begin(F::names), std::end(F::names)}, [](SettingsReader& reader) -> LossRef {
            typename F::Options options;
            describe(reader, options);
            return std::make_shared<F>(options);
          }};
}

std::span<const Named<LossRef>> losses() {
  static const auto& rows =
      *new const std::array{row<SquaredErrorFormula>(), row<AbsoluteErrorFormula>(),
                            row<BinaryFormula>(), row<CategoricalFormula>(), row<SparseFormula>()};
  return rows;
}

}  // namespace

std::vector<std::string> loss_names() { return names_in(losses()); }

Loss::Loss(const std::string& text) : state_(made_from({"loss", text}, losses())) {}

MeanSquaredError::MeanSquaredError(const MeanErrorOptions& options)
    : Loss(std::make_shared<SquaredErrorFormula>(options)) {}
MeanAbsoluteError::MeanAbsoluteError(const MeanErrorOptions& options)
    : Loss(std::make_shared<AbsoluteErrorFormula>(options)) {}
BinaryCrossentropy::BinaryCrossentropy(const BinaryCrossentropyOptions& options)
    : Loss(std::make_shared<BinaryFormula>(options)) {}
CategoricalCrossentropy::CategoricalCrossentropy(const CategoricalCrossentropyOptions& options)
    : Loss(std::make_shared<CategoricalFormula>(options)) {}
SparseCategoricalCrossentropy::SparseCategoricalCrossentropy(
    const SparseCategoricalCrossentropyOptions& options)
    : Loss(std::make_shared<SparseFormula>(options)) {}

}  // namespace tempo
