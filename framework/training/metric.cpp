// Metrics: a value per sample, averaged over all samples seen.
#include "training/loss_state.hpp"
#include "training/settings.hpp"

#include <tempo/gradient.hpp>
#include <tempo/metric.hpp>

namespace tempo {

struct MetricState {
  enum class Kind { by_shape, accuracy, binary, categorical, sparse, loss };

  Kind kind = Kind::loss;
  std::string name = {};
  std::string text = {};
  double threshold = 0.5;
  Loss loss = {};
  bool crossentropy_by_shape = false;
  double total = 0;
  double count = 0;

  Tensor values(const Tensor& y_true, const Tensor& y_pred);
};

namespace {

using Kind = MetricState::Kind;

void describe(auto& setting, BinaryAccuracyOptions& o) {
  setting("threshold", o.threshold);
  setting("name", o.name);
}

enum class Labels { binary, categorical, sparse };

// As Keras resolves "accuracy" and "crossentropy".
Labels labels_of(const Shape& y_true, const Shape& y_pred) {
  if (y_pred.empty() || y_pred.back() == 1) return Labels::binary;
  if (y_true.rank() < y_pred.rank() || y_true.back() == 1) return Labels::sparse;
  return Labels::categorical;
}

const char* const fix = "A metric compares one value of y_true with each of y_pred.";

Tensor same_class(const Tensor& y_true, const Tensor& y_pred, const Tensor& labels) {
  const Tensor found = argmax(y_pred, -1);
  if (labels.shape() != found.shape()) shapes_differ("accuracy", y_true, y_pred, fix);
  return equal(labels, found);
}

}  // namespace

Tensor MetricState::values(const Tensor& y_true, const Tensor& y_pred) {
  if (crossentropy_by_shape) {
    const Labels labels = labels_of(y_true.shape(), y_pred.shape());
    loss = labels == Labels::binary   ? Loss("binary_crossentropy")
           : labels == Labels::sparse ? Loss("sparse_categorical_crossentropy")
                                      : Loss("categorical_crossentropy");
    crossentropy_by_shape = false;
  }
  if (kind == Kind::by_shape) {
    const Labels labels = labels_of(y_true.shape(), y_pred.shape());
    kind = labels == Labels::binary   ? Kind::binary
           : labels == Labels::sparse ? Kind::sparse
                                      : Kind::categorical;
  }
  switch (kind) {
    case Kind::accuracy:
    case Kind::binary: {
      const Tensor said = kind == Kind::binary ? cast(y_pred > threshold, y_true.dtype())
                                               : cast(y_pred, y_true.dtype());
      const auto [t, p] = aligned(y_true, said);
      if (t.shape() != p.shape()) shapes_differ(name, y_true, y_pred, fix);
      return equal(t, p);
    }
    case Kind::categorical: return same_class(y_true, y_pred, argmax(y_true, -1));
    case Kind::sparse: {
      const bool extra =
          y_true.rank() == y_pred.rank() && y_true.rank() > 0 && y_true.shape().back() == 1;
      return same_class(y_true, y_pred, cast(extra ? squeeze(y_true, -1) : y_true, int64));
    }
    default: return loss.values(y_true, y_pred);
  }
}

namespace {

std::shared_ptr<MetricState> simple(Kind kind, const std::string& name,
                                    const std::string& class_name) {
  return std::make_shared<MetricState>(
      MetricState{.kind = kind,
                  .name = name,
                  .text = name == class_name ? name : class_name + "(name=" + name + ")"});
}

std::shared_ptr<MetricState> binary(const BinaryAccuracyOptions& given) {
  BinaryAccuracyOptions options = given;
  SettingsWriter writer("binary_accuracy");
  describe(writer, options);
  return std::make_shared<MetricState>(MetricState{.kind = Kind::binary,
                                                   .name = options.name,
                                                   .text = writer.text(),
                                                   .threshold = options.threshold});
}

std::vector<std::string> metric_names() {
  std::vector<std::string> names = {"accuracy",
                                    "acc",
                                    "binary_accuracy",
                                    "categorical_accuracy",
                                    "sparse_categorical_accuracy",
                                    "crossentropy"};
  names.insert(names.end(), loss_names().begin(), loss_names().end());
  return names;
}

std::shared_ptr<MetricState> from_text(const std::string& text) {
  SettingsReader reader("metric", text);
  const std::string& name = reader.name();
  const auto named = [&](Kind kind) {
    std::string log_name = text.substr(0, text.find('('));
    reader("name", log_name);
    reader.finish();
    std::shared_ptr<MetricState> made = simple(kind, log_name, name);
    made->text = text;
    return made;
  };
  if (text == "Accuracy") return simple(Kind::accuracy, "accuracy", "Accuracy");
  if (name == "accuracy" && text[0] == 'A') return named(Kind::accuracy);
  if (name == "accuracy" || name == "acc") return named(Kind::by_shape);
  if (name == "categorical_accuracy") return named(Kind::categorical);
  if (name == "sparse_categorical_accuracy") return named(Kind::sparse);
  if (name == "binary_accuracy") {
    BinaryAccuracyOptions options;
    describe(reader, options);
    reader.finish();
    return binary(options);
  }
  if (name == "crossentropy" || name == "ce") {
    std::shared_ptr<MetricState> made = named(Kind::loss);
    made->crossentropy_by_shape = true;
    return made;
  }
  const std::vector<std::string>& losses = loss_names();
  if (name != "bce" && std::find(losses.begin(), losses.end(), name) == losses.end())
    reader.unknown(metric_names());
  return std::make_shared<MetricState>(
      MetricState{.name = text.substr(0, text.find('(')), .text = text, .loss = Loss(text)});
}

}  // namespace

Metric::Metric(const std::string& text) : state_(from_text(text)) {}
Metric::Metric(const Loss& loss)
    : state_(std::make_shared<MetricState>(
          MetricState{.name = loss.name(), .text = loss.text(), .loss = loss})) {}
Accuracy::Accuracy(const std::string& name)
    : Metric(simple(MetricState::Kind::accuracy, name, "Accuracy")) {}
BinaryAccuracy::BinaryAccuracy(const BinaryAccuracyOptions& options) : Metric(binary(options)) {}
CategoricalAccuracy::CategoricalAccuracy(const std::string& name)
    : Metric(simple(MetricState::Kind::categorical, name, "categorical_accuracy")) {}
SparseCategoricalAccuracy::SparseCategoricalAccuracy(const std::string& name)
    : Metric(simple(MetricState::Kind::sparse, name, "sparse_categorical_accuracy")) {}

void Metric::update(const Tensor& y_true, const Tensor& y_pred, const Tensor& sample_weight) {
  const NoGradient watching;
  const Tensor found = state_->values(y_true, y_pred);
  Tensor values = cast(found, is_floating(y_pred.dtype()) ? y_pred.dtype() : default_dtype());
  Tensor weights;
  for (const Tensor& part : {mask_of(y_pred), mask_of(found), sample_weight}) {
    if (!part) continue;
    const Tensor fitted = fitted_weight(state_->name, part, values);
    weights = weights ? weights * fitted : fitted;
  }
  // A sample counts as the mean over its steps, weighted ones as the mean of the products.
  const auto of_samples = [](const Tensor& t) {
    Axes rest;
    for (int axis = 1; axis < t.rank(); ++axis) rest.push_back(axis);
    return rest.empty() ? t : mean(t, rest);
  };
  if (weights) {
    weights = broadcast_to(weights, values.shape());
    values = values * weights;
    state_->count += sum(cast(of_samples(weights), float64)).item();
  } else {
    state_->count += values.rank() > 0 ? static_cast<double>(values.shape().front()) : 1;
  }
  state_->total += sum(cast(of_samples(values), float64)).item();
}

double Metric::result() const { return state_->count == 0 ? 0 : state_->total / state_->count; }
void Metric::reset() { state_->total = state_->count = 0; }
std::string Metric::name() const { return state_->name; }
std::string Metric::text() const { return state_->text; }
bool Metric::higher_is_better() const { return state_->kind != MetricState::Kind::loss; }

}  // namespace tempo
