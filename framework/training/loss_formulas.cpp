// The formulas of the losses, each with its options.
#include "training/loss_state.hpp"
#include "training/settings.hpp"

namespace tempo {

namespace {

// Probabilities are held within these, in both dtypes: 1 - 1e-7 as float32 has it.
constexpr double lowest = 1e-7, highest = 0.99999988079071044921875;

const char* const last_layer_fix =
    "The model's last layer must give as many values for a sample as y holds.";

void describe(auto& setting, MeanErrorOptions& o) { setting("reduction", o.reduction); }

void describe(auto& setting, BinaryCrossentropyOptions& o) {
  setting("from_logits", o.from_logits);
  setting("label_smoothing", o.label_smoothing);
  setting("axis", o.axis);
  setting("reduction", o.reduction);
}

void describe(auto& setting, CategoricalCrossentropyOptions& o) {
  setting("from_logits", o.from_logits);
  setting("label_smoothing", o.label_smoothing);
  setting("axis", o.axis);
  setting("reduction", o.reduction);
}

void describe(auto& setting, SparseCategoricalCrossentropyOptions& o) {
  setting("from_logits", o.from_logits);
  setting("ignore_class", o.ignore_class);
  setting("reduction", o.reduction);
}

template <class Options>
struct Formula : LossState {
  Formula(const char* its_name, const Options& o)
      : LossState(its_name, written(its_name, o), o.reduction), options(o) {}
  static std::string written(const char* its_name, Options o) {
    SettingsWriter writer(its_name);
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
  Options options;
};

struct SquaredErrorFormula : Formula<MeanErrorOptions> {
  using Formula::Formula;
  Tensor values(const Tensor& y_true, const Tensor& y_pred) const override {
    const auto [t, p] = same_shape(y_true, y_pred);
    return t.rank() == 0 ? square(t - p) : mean(square(t - p), -1);
  }
};

struct AbsoluteErrorFormula : Formula<MeanErrorOptions> {
  using Formula::Formula;
  Tensor values(const Tensor& y_true, const Tensor& y_pred) const override {
    const auto [t, p] = same_shape(y_true, y_pred);
    return t.rank() == 0 ? abs(t - p) : mean(abs(t - p), -1);
  }
};

struct BinaryFormula : Formula<BinaryCrossentropyOptions> {
  using Formula::Formula;
  Tensor values(const Tensor& y_true, const Tensor& y_pred) const override {
    auto [t, p] = same_shape(y_true, y_pred);
    if (const double s = options.label_smoothing; s != 0) t = t * (1 - s) + s / 2;
    if (options.from_logits) return mean(softplus(p) - t * p, options.axis);
    p = clip(p, lowest, highest);
    return -mean(t * log(p) + (1 - t) * log(1 - p), options.axis);
  }
};

Tensor log_probabilities(const Tensor& p, bool from_logits, int axis) {
  if (from_logits) return log_softmax(p, axis);
  return log(clip(p / sum(p, axis, true), lowest, highest));
}

struct CategoricalFormula : Formula<CategoricalCrossentropyOptions> {
  using Formula::Formula;
  Tensor values(const Tensor& y_true, const Tensor& y_pred) const override {
    const bool class_numbers = y_pred.rank() > 0 && y_pred.shape().back() > 1 &&
                               (y_true.rank() == y_pred.rank() - 1 ||
                                (y_true.rank() == y_pred.rank() && y_true.shape().back() == 1));
    auto [t, p] =
        same_shape(y_true, y_pred,
                   class_numbers ? "For class numbers use sparse_categorical_crossentropy; this "
                                   "loss takes one-hot labels (one_hot makes them)."
                                 : last_layer_fix);
    if (const double s = options.label_smoothing; s != 0)
      t = t * (1 - s) + s / static_cast<double>(p.shape()[options.axis]);
    return -sum(t * log_probabilities(p, options.from_logits, options.axis), options.axis);
  }
};

struct SparseFormula : Formula<SparseCategoricalCrossentropyOptions> {
  using Formula::Formula;
  Tensor values(const Tensor& y_true, const Tensor& y_pred) const override {
    Tensor labels = y_true;
    if (labels.rank() == y_pred.rank() && labels.rank() > 0 && labels.shape().back() == 1)
      labels = squeeze(labels, -1);
    if (y_pred.rank() == 0 || labels.shape() != without_classes(y_pred.shape()))
      shapes_differ(
          name, y_true, y_pred,
          y_true.shape() == y_pred.shape()
              ? "For one-hot labels use categorical_crossentropy; this loss takes class numbers."
              : "y_true holds a class number where y_pred holds its last axis of classes.");
    labels = cast(labels, int64);
    Tensor valid;
    if (options.ignore_class) {
      valid = not_equal(labels, static_cast<double>(*options.ignore_class));
      labels = where(valid, labels, 0);
    }
    const int64_t classes = y_pred.shape().back();
    require_classes(labels, classes);

    if (!options.from_logits)
      return masked(-at_labels(log_probabilities(y_pred, false, -1), labels), valid);
    return masked(cross_entropy(y_pred, labels), valid);
  }

 private:
  static Tensor masked(const Tensor& losses, const Tensor& valid) {
    return valid ? with_mask(where(valid, losses, 0), valid) : losses;
  }
  // What x holds at each label, picked out of all of it in a row.
  static Tensor at_labels(const Tensor& x, const Tensor& labels) {
    const Tensor rows = arange(0, static_cast<double>(labels.count()), 1, int64);
    const auto classes = static_cast<double>(x.shape().back());
    return reshape(gather(reshape(x, {-1}), rows * classes + reshape(labels, {-1})),
                   labels.shape());
  }
  static Shape without_classes(const Shape& s) { return Shape(s.begin(), s.end() - 1); }
  void require_classes(const Tensor& labels, int64_t classes) const {
    if (labels.traced() || labels.count() == 0) return;
    const auto low = static_cast<int64_t>(min(labels).item()),
               high = static_cast<int64_t>(max(labels).item());
    if (low >= 0 && high < classes) return;
    throw Error(name + ": y_true holds the class number " + std::to_string(low < 0 ? low : high) +
                ", and y_pred has " + std::to_string(classes) +
                " classes.\n  Class numbers lie in [0, " + std::to_string(classes - 1) +
                "]; ignore_class leaves one out.");
  }
};

template <class F, class Options>
std::shared_ptr<const LossState> read(SettingsReader& reader, const char* name,
                                      Options options = {}) {
  describe(reader, options);
  reader.finish();
  return std::make_shared<F>(name, options);
}

std::shared_ptr<const LossState> from_text(const std::string& text) {
  SettingsReader reader("loss", text);
  const std::string& name = reader.name();
  if (name == "mse" || name == "mean_squared_error")
    return read<SquaredErrorFormula, MeanErrorOptions>(reader, "mean_squared_error");
  if (name == "mae" || name == "mean_absolute_error")
    return read<AbsoluteErrorFormula, MeanErrorOptions>(reader, "mean_absolute_error");
  if (name == "bce" || name == "binary_crossentropy")
    return read<BinaryFormula, BinaryCrossentropyOptions>(reader, "binary_crossentropy");
  if (name == "categorical_crossentropy")
    return read<CategoricalFormula, CategoricalCrossentropyOptions>(reader,
                                                                    "categorical_crossentropy");
  if (name == "sparse_categorical_crossentropy")
    return read<SparseFormula, SparseCategoricalCrossentropyOptions>(
        reader, "sparse_categorical_crossentropy");
  reader.unknown(loss_names());
}

}  // namespace

const std::vector<std::string>& loss_names() {
  static const std::vector<std::string> names = {"mse",
                                                 "mean_squared_error",
                                                 "mae",
                                                 "mean_absolute_error",
                                                 "binary_crossentropy",
                                                 "categorical_crossentropy",
                                                 "sparse_categorical_crossentropy"};
  return names;
}

Loss::Loss(const std::string& text) : state_(from_text(text)) {}

MeanSquaredError::MeanSquaredError(const MeanErrorOptions& options)
    : Loss(std::make_shared<SquaredErrorFormula>("mean_squared_error", options)) {}
MeanAbsoluteError::MeanAbsoluteError(const MeanErrorOptions& options)
    : Loss(std::make_shared<AbsoluteErrorFormula>("mean_absolute_error", options)) {}
BinaryCrossentropy::BinaryCrossentropy(const BinaryCrossentropyOptions& options)
    : Loss(std::make_shared<BinaryFormula>("binary_crossentropy", options)) {}
CategoricalCrossentropy::CategoricalCrossentropy(const CategoricalCrossentropyOptions& options)
    : Loss(std::make_shared<CategoricalFormula>("categorical_crossentropy", options)) {}
SparseCategoricalCrossentropy::SparseCategoricalCrossentropy(
    const SparseCategoricalCrossentropyOptions& options)
    : Loss(std::make_shared<SparseFormula>("sparse_categorical_crossentropy", options)) {}

}  // namespace tempo
