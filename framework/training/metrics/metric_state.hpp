// SPDX-License-Identifier: Apache-2.0
// The state of a Metric, and rows of the table of metrics that a text may name.
#pragma once

#include <tempo/metric.hpp>
#include <tempo/shared.hpp>

#include "training/losses/labels.hpp"
#include "training/losses/loss_state.hpp"
#include "training/settings.hpp"

namespace tempo {

struct MetricState {
  virtual ~MetricState() = default;
  /// Adds a batch. Elements that `given` leaves out may have any value, even NaN.
  virtual void add(const Tensor& y_true, const Tensor& y_pred, const Weighting& given) = 0;
  virtual double result() const = 0;
  /// All numbers of a metric that has several.
  virtual std::vector<double> results() const { return {result()}; }
  /// One metric for each of several numbers; none if there is only one.
  virtual std::vector<std::shared_ptr<MetricState>> parts() const { return {}; }
  virtual void reset() = 0;
  virtual std::shared_ptr<MetricState> copy() const = 0;
  /// Whether larger is better; none if unknown.
  virtual std::optional<bool> higher_is_better() const = 0;

  /// The state of a loss; Error for Loss{}.
  static const LossState& state_of(const Loss& loss) { return loss.required(); }

  std::string name;
  std::string text;
  OneAtATime updates;

 protected:
  static Tensor losses_of(const Loss& loss, const Tensor& y_true, const Tensor& y_pred,
                          const Weighting& weighting) {
    return loss.required().losses(y_true, y_pred, weighting);
  }
};

/// A metric that is the mean of a value per sample.
struct MeanMetric : MetricState {
  /// A value per sample or step. A mask that is found rides on the result.
  virtual Tensor values(const Tensor& y_true, const Tensor& y_pred, const Weighting& weighting) = 0;
  void add(const Tensor& y_true, const Tensor& y_pred, const Weighting& given) final;
  double result() const override { return count == 0 ? 0 : total / count; }
  void reset() final { total = count = 0; }

  double total = 0;
  double count = 0;
};

/// `made`, which was computed from predictions, as float64; NaN where `said` is NaN, as NaN is
/// neither right nor wrong, and no class. `said` is the prediction or, for an argmax, the maximum.
Tensor unless_nan(const Tensor& made, const Tensor& said);

/// The reason why y_true and y_pred of different shapes do not go together.
inline constexpr const char* one_for_each =
    "A metric compares one value of y_true with each of y_pred.";

/// Checks a name given in code: it must read back unchanged from the metric's text in a file.
const std::string& readable(const std::string& name);

/// The name that a metric without one has in logs.
inline std::string beginning(const std::string& text) { return text.substr(0, text.find('(')); }

/// A metric with options: M::names as for a loss, and M::describe(setting, options).
template <class M, class O, class Base>
struct MetricOf : Base {
  using Options = O;
  explicit MetricOf(const Options& o) : options(o) {
    SettingsWriter writer(M::names[0]);
    Options described = o;
    M::describe(writer, described);
    writer("name", described.name);
    const SettingsCheck range(M::names[0]);
    M::describe(range, described);
    this->name = readable(o.name);
    this->text = writer.text();
  }
  std::shared_ptr<MetricState> copy() const override {
    return std::make_shared<M>(static_cast<const M&>(*this));
  }
  Options options;
};

using MetricRef = std::shared_ptr<MetricState>;
using MetricRows = std::vector<Named<MetricRef>>;

template <class M>
Named<MetricRef> metric_row() {
  return {{std::begin(M::names), std::end(M::names)}, [](SettingsReader& reader) -> MetricRef {
            typename M::Options options;
            options.name = beginning(reader.text());
            M::describe(reader, options);
            reader("name", options.name);
            auto made = std::make_shared<M>(options);
            made->text = reader.text();
            return made;
          }};
}

enum class Labels { binary, categorical, sparse };
/// The kind of labels, as Keras resolves "accuracy" and "crossentropy".
inline Labels labels_of(const Shape& y_true, const Shape& y_pred) {
  if (y_pred.rank() <= 1 || y_pred.back() == 1) return Labels::binary;
  if (y_true.rank() < y_pred.rank() || y_true.back() == 1) return Labels::sparse;
  return Labels::categorical;
}

/// The mean of a loss. Loss{} is a crossentropy that the shapes choose.
MetricRef loss_metric(const std::string& name, const std::string& text, const Loss& loss);

MetricRows accuracy_metrics();   ///< shares of right predictions
MetricRows error_metrics();      ///< means of losses, and numbers that follow from them
MetricRows confusion_metrics();  ///< counts of right and wrong decisions, and their rates
MetricRows score_metrics();      ///< of sums for each class or output
MetricRows value_metrics();      ///< means, sums and correlations
MetricRows overlap_metrics();    ///< of classes

}  // namespace tempo
