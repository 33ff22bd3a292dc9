// Metrics: a value per sample, averaged over all samples seen.
#include "training/labels.hpp"
#include "training/loss_state.hpp"
#include "training/settings.hpp"

#include <tempo/gradient.hpp>
#include <tempo/metric.hpp>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

namespace tempo {

struct MetricState {
  enum class Kind { by_shape, accuracy, binary, categorical, sparse, loss };

  Kind kind = Kind::loss;
  std::string name = {};
  std::string text = {};
  double threshold = 0.5;
  std::optional<int64_t> ignore_class = {};
  Loss loss = {};
  bool crossentropy_by_shape = false;
  double total = 0;
  double count = 0;

  /// A number per sample or step. What `weighting` leaves out may be any, NaN as well. A mask that
  /// is found rides on the result.
  Tensor values(const Tensor& y_true, const Tensor& y_pred, const Weighting& weighting);

 private:
  void choose(const Tensor& y_true, const Tensor& y_pred);
  Tensor equal_elements(const Tensor& y_true, const Tensor& y_pred,
                        const Weighting& weighting) const;
  Tensor equal_classes(const Tensor& y_true, const Tensor& y_pred,
                       const Weighting& weighting) const;
};

namespace {

using Kind = MetricState::Kind;

void describe(auto& setting, BinaryAccuracyOptions& o) {
  setting("threshold", o.threshold);
  setting("name", o.name);
}

void describe(auto& setting, SparseCategoricalAccuracyOptions& o) {
  setting("ignore_class", o.ignore_class);
  setting("name", o.name);
}

enum class Labels { binary, categorical, sparse };

// As Keras resolves "accuracy" and "crossentropy".
Labels labels_of(const Shape& y_true, const Shape& y_pred) {
  if (y_pred.rank() <= 1 || y_pred.back() == 1) return Labels::binary;
  if (y_true.rank() < y_pred.rank() || y_true.back() == 1) return Labels::sparse;
  return Labels::categorical;
}

const char* const fix = "A metric compares one value of y_true with each of y_pred.";

// 1 where it is right and 0 where it is wrong; NaN where what was said is NaN, which is neither.
Tensor rated(const Tensor& right, const Tensor& said) {
  const Tensor rate = cast(right, float64);
  return is_floating(said.dtype())
             ? where(equal(said, said), rate, std::numeric_limits<double>::quiet_NaN())
             : rate;
}

}  // namespace

void MetricState::choose(const Tensor& y_true, const Tensor& y_pred) {
  if (kind != Kind::by_shape && !crossentropy_by_shape) return;
  const Labels labels = labels_of(y_true.shape(), y_pred.shape());
  if (crossentropy_by_shape)
    loss = labels == Labels::binary   ? Loss("binary_crossentropy")
           : labels == Labels::sparse ? Loss("sparse_categorical_crossentropy")
                                      : Loss("categorical_crossentropy");
  else
    kind = labels == Labels::binary   ? Kind::binary
           : labels == Labels::sparse ? Kind::sparse
                                      : Kind::categorical;
  crossentropy_by_shape = false;
}

Tensor MetricState::equal_elements(const Tensor& y_true, const Tensor& y_pred,
                                   const Weighting& weighting) const {
  auto [t, p] = aligned(y_true, y_pred);
  if (t.shape() != p.shape()) shapes_differ(name, y_true, y_pred, fix);
  t = only(weighting.kept(t.shape()), t);
  if (kind == Kind::binary) {
    require_zeros_and_ones(name, t);
    const Tensor said = is_floating(p.dtype()) ? p : cast(p, float64);
    return rated(equal(not_equal(t, 0), said > threshold), p);
  }
  require_numbers(name, t);
  if (t.dtype() == p.dtype()) return rated(equal(t, p), p);
  const DType both = is_floating(t.dtype()) || is_floating(p.dtype()) ? float64 : int64;
  return rated(equal(cast(t, both), cast(p, both)), p);
}

Tensor MetricState::equal_classes(const Tensor& y_true, const Tensor& y_pred,
                                  const Weighting& weighting) const {
  if (y_pred.rank() == 0) shapes_differ(name, y_true, y_pred, fix);
  const Tensor found = argmax(y_pred, -1), greatest = max(y_pred, -1);
  if (kind == Kind::categorical) {
    Tensor kept = weighting.kept(found.shape());
    if (y_true.rank() == y_pred.rank() && kept) kept = expand_dims(kept, -1);
    const Tensor t = y_true.rank() == y_pred.rank() ? only(kept, y_true) : y_true;
    require_numbers(name, t);
    if (t.shape() != y_pred.shape()) shapes_differ(name, y_true, y_pred, fix);
    return rated(equal(argmax(t, -1), found), greatest);
  }
  const Tensor labels = without_ones(y_true, found.rank());
  if (labels.shape() != found.shape()) shapes_differ(name, y_true, y_pred, fix);
  const ClassNumbers of(name, labels, y_pred.shape().back(), ignore_class, weighting);
  const Tensor values = rated(equal(of.labels, found), greatest);
  return of.not_ignored ? with_mask(values, of.not_ignored) : values;
}

Tensor MetricState::values(const Tensor& y_true, const Tensor& y_pred, const Weighting& weighting) {
  choose(y_true, y_pred);
  switch (kind) {
    case Kind::accuracy:
    case Kind::binary: return equal_elements(y_true, y_pred, weighting);
    case Kind::categorical:
    case Kind::sparse: return equal_classes(y_true, y_pred, weighting);
    default: return loss.required().losses(y_true, y_pred, weighting);
  }
}

namespace {

// A name that is given in code: it must be as it was when the metric's text is read from a file.
const std::string& readable(const std::string& name) {
  static const char* const blank = " \t\n";
  const bool trimmed =
      name.empty() || (!std::strchr(blank, name.front()) && !std::strchr(blank, name.back()));
  if (trimmed && name.find_first_of(",\"'") == std::string::npos) return name;
  throw Error(
      "metric: the name `" + name +
      "` could not be read back from a file.\n  Leave out commas, quotes, and blanks at its "
      "ends.");
}

std::shared_ptr<MetricState> simple(Kind kind, const std::string& name,
                                    const std::string& class_name) {
  return std::make_shared<MetricState>(
      MetricState{.kind = kind,
                  .name = name,
                  .text = name == class_name ? name : class_name + "(name=" + name + ")"});
}

template <class Options>
std::string written(const char* name, Options options) {
  SettingsWriter writer(name);
  describe(writer, options);
  return writer.text();
}

std::shared_ptr<MetricState> binary(const BinaryAccuracyOptions& options) {
  if (std::isnan(options.threshold))
    throw Error("binary_accuracy: threshold is NaN; it must be a number.");
  return std::make_shared<MetricState>(MetricState{.kind = Kind::binary,
                                                   .name = options.name,
                                                   .text = written("binary_accuracy", options),
                                                   .threshold = options.threshold});
}

std::shared_ptr<MetricState> sparse(const SparseCategoricalAccuracyOptions& options) {
  return std::make_shared<MetricState>(
      MetricState{.kind = Kind::sparse,
                  .name = options.name,
                  .text = written("sparse_categorical_accuracy", options),
                  .ignore_class = options.ignore_class});
}

using MetricRef = std::shared_ptr<MetricState>;

// The name in logs of a metric that is given none.
std::string beginning(const std::string& text) { return text.substr(0, text.find('(')); }

template <Kind kind>
MetricRef of_kind(SettingsReader& reader) {
  std::string name = beginning(reader.text());
  reader("name", name);
  return std::make_shared<MetricState>(
      MetricState{.kind = kind, .name = name, .text = reader.text()});
}

MetricRef accuracy_of_elements(SettingsReader& reader) {
  std::string name = "accuracy";
  reader("name", name);
  return simple(Kind::accuracy, name, "Accuracy");
}

MetricRef binary_accuracy(SettingsReader& reader) {
  BinaryAccuracyOptions options;
  describe(reader, options);
  return binary(options);
}

MetricRef sparse_accuracy(SettingsReader& reader) {
  SparseCategoricalAccuracyOptions options{.name = beginning(reader.text())};
  describe(reader, options);
  const MetricRef made = sparse(options);
  made->text = reader.text();
  return made;
}

MetricRef crossentropy(SettingsReader& reader) {
  const MetricRef made = of_kind<Kind::loss>(reader);
  made->crossentropy_by_shape = true;
  return made;
}

// Those that are no losses.
std::span<const Named<MetricRef>> metrics() {
  static const auto& rows = *new const std::vector<Named<MetricRef>>{
      {{"accuracy", "acc"}, of_kind<Kind::by_shape>},
      {{"Accuracy"}, accuracy_of_elements},
      {{"binary_accuracy"}, binary_accuracy},
      {{"categorical_accuracy"}, of_kind<Kind::categorical>},
      {{"sparse_categorical_accuracy"}, sparse_accuracy},
      {{"crossentropy", "ce"}, crossentropy},
  };
  return rows;
}

MetricRef from_text(const std::string& text) {
  SettingsReader reader("metric", text);
  if (const auto* row = row_for(reader, metrics())) return read_by(*row, reader);
  const std::vector<std::string> losses = loss_names();
  if (std::find(losses.begin(), losses.end(), reader.name()) == losses.end()) {
    std::vector<std::string> known = names_in(metrics());
    known.insert(known.end(), losses.begin(), losses.end());
    reader.unknown(known);
  }
  return std::make_shared<MetricState>(
      MetricState{.name = beginning(text), .text = text, .loss = Loss(text)});
}

}  // namespace

Metric::Metric(const std::string& text) : state_(from_text(text)) {}
Metric::Metric(const Loss& loss)
    : state_(std::make_shared<MetricState>(
          MetricState{.name = loss.name(), .text = loss.text(), .loss = loss})) {}
Accuracy::Accuracy(const std::string& name)
    : Metric(simple(MetricState::Kind::accuracy, readable(name), "Accuracy")) {}
BinaryAccuracy::BinaryAccuracy(const BinaryAccuracyOptions& options) : Metric(binary(options)) {
  readable(options.name);
}
CategoricalAccuracy::CategoricalAccuracy(const std::string& name)
    : Metric(simple(MetricState::Kind::categorical, readable(name), "categorical_accuracy")) {}
SparseCategoricalAccuracy::SparseCategoricalAccuracy(const std::string& name)
    : Metric(simple(MetricState::Kind::sparse, readable(name), "sparse_categorical_accuracy")) {}
SparseCategoricalAccuracy::SparseCategoricalAccuracy(
    const SparseCategoricalAccuracyOptions& options)
    : Metric(sparse(options)) {
  readable(options.name);
}

void Metric::update(const Tensor& y_true, const Tensor& y_pred, const Tensor& sample_weight) {
  const NoGradient watching;
  require_given(state_->name, y_true, y_pred);
  const Weighting given(state_->name, mask_of(y_pred), sample_weight);
  const Tensor found = state_->values(y_true, y_pred, given);
  const Weighting weighting = given.and_mask(mask_of(found));
  const Shape shape = found.shape();
  const Tensor factors = weighting.factors(shape, float64);
  if (found.count() == 0) return;
  // A sample counts as the mean over its steps, weighted ones as the mean of the products.
  const auto of_samples = [](const Tensor& t) {
    Axes rest;
    for (int axis = 1; axis < t.rank(); ++axis) rest.push_back(axis);
    return sum(rest.empty() ? t : mean(t, rest)).item();
  };
  const Tensor values = only(weighting.kept(shape), cast(found, float64));
  state_->total += of_samples(factors ? values * factors : values);
  state_->count += factors         ? of_samples(broadcast_to(factors, shape))
                   : shape.empty() ? 1
                                   : static_cast<double>(shape.front());
}

double Metric::result() const { return state_->count == 0 ? 0 : state_->total / state_->count; }
void Metric::reset() { state_->total = state_->count = 0; }
std::string Metric::name() const { return state_->name; }
std::string Metric::text() const { return state_->text; }
bool Metric::higher_is_better() const { return state_->kind != MetricState::Kind::loss; }
Metric Metric::fresh() const {
  Metric made(std::make_shared<MetricState>(*state_));
  made.reset();
  return made;
}

}  // namespace tempo
