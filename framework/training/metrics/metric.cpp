// SPDX-License-Identifier: Apache-2.0
// The Metric handle: running numbers over the samples that were seen.
#include <algorithm>
#include <cstring>
#include <limits>

#include <tempo/gradient.hpp>

#include "plugin/functions.hpp"
#include "plugin/registry.hpp"
#include "training/metrics/metric_state.hpp"

namespace tempo {

void MeanMetric::add(const Tensor& y_true, const Tensor& y_pred, const Weighting& given) {
  const Tensor found = values(y_true, y_pred, given);
  const Weighting weighting = given.and_mask(mask_of(found));
  const Shape shape = found.shape();
  const Tensor factors = weighting.factors(shape, float64);
  if (found.count() == 0) return;
  // A sample is the mean over its steps; with weights, the mean of the products.
  const auto of_samples = [](const Tensor& t) {
    Axes rest;
    for (int axis = 1; axis < t.rank(); ++axis) rest.push_back(axis);
    return sum(rest.empty() ? t : mean(t, rest)).item();
  };
  const Tensor counted = only(weighting.kept(shape), cast(found, float64));
  total += of_samples(factors ? counted * factors : counted);
  count += factors         ? of_samples(broadcast_to(factors, shape))
           : shape.empty() ? 1
                           : static_cast<double>(shape.front());
}

Tensor unless_nan(const Tensor& made, const Tensor& said) {
  const Tensor numbers = cast(made, float64);
  return is_floating(said.dtype())
             ? where(equal(said, said), numbers, std::numeric_limits<double>::quiet_NaN())
             : numbers;
}

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

namespace {

// The metrics that are not losses.
std::span<const Named<MetricRef>> metrics() {
  static const auto& rows = []() -> const MetricRows& {
    auto& all = *new MetricRows;
    for (const MetricRows& more : {accuracy_metrics(), error_metrics(), confusion_metrics(),
                                   score_metrics(), value_metrics(), overlap_metrics()})
      all.insert(all.end(), more.begin(), more.end());
    return all;
  }();
  return rows;
}

struct PluginMetric : MeanMetric {
  PluginMetric(std::shared_ptr<const LossState> its, uint32_t its_flags)
      : each(std::move(its)), flags(its_flags) {
    name = each->name;
    text = each->text;
  }
  Tensor values(const Tensor& y_true, const Tensor& y_pred, const Weighting& weighting) override {
    return each->losses(y_true, y_pred, weighting);
  }
  MetricRef copy() const override { return std::make_shared<PluginMetric>(*this); }
  std::optional<bool> higher_is_better() const override {
    if (flags & TEMPO_HIGHER_IS_BETTER) return true;
    if (flags & TEMPO_LOWER_IS_BETTER) return false;
    return {};
  }

  std::shared_ptr<const LossState> each;
  uint32_t flags;
};

std::vector<std::string> own_metrics() {
  std::vector<std::string> known = names_in(metrics());
  for (const std::string& name : loss_names())
    if (std::find(known.begin(), known.end(), name) == known.end()) known.push_back(name);
  return known;
}
[[maybe_unused]] const bool told = tell_own_names(TEMPO_METRIC, &own_metrics);

MetricRef from_text(const std::string& text) {
  SettingsReader reader("metric", text);
  if (const auto* row = row_for(reader, metrics())) return read_by(*row, reader);
  const std::vector<std::string> losses = loss_names();
  const bool is_loss = std::find(losses.begin(), losses.end(), reader.name()) != losses.end() ||
                       !whole_function_name(TEMPO_LOSS, reader.spelled()).empty();
  if (is_loss) return loss_metric(beginning(text), text, Loss(text));
  if (auto each = plugin_loss(TEMPO_METRIC, text))
    return std::make_shared<PluginMetric>(each,
                                          find_function_type(TEMPO_METRIC, each->name)->flags);
  std::vector<std::string> known = own_metrics();
  for (const std::string& name : function_names(TEMPO_METRIC)) known.push_back(name);
  reader.unknown(known);
}

}  // namespace

Metric::Metric(const std::string& text) : state_(from_text(text)) {}
Metric::Metric(const Loss& loss) : state_(loss_metric(loss.name(), loss.text(), loss)) {}

void Metric::update(const Tensor& y_true, const Tensor& y_pred, const Tensor& sample_weight) {
  const OneAtATime::Turn turn(&state_->updates);
  if (!turn)
    throw Error(state_->name +
                ": update was called while another thread is in the middle of an update of it.\n  "
                "Give each thread a metric of its own; copies of one are the same metric.");
  const NoGradient watching;
  require_given(state_->name, y_true, y_pred);
  state_->add(y_true, y_pred, Weighting(state_->name, mask_of(y_pred), sample_weight));
}

double Metric::result() const { return state_->result(); }
std::vector<double> Metric::results() const { return state_->results(); }
std::vector<Metric> Metric::parts() const {
  std::vector<Metric> all;
  for (const MetricRef& part : state_->parts()) all.push_back(Metric(part));
  return all.empty() ? std::vector<Metric>{fresh()} : all;
}
void Metric::reset() { state_->reset(); }
std::string Metric::name() const { return state_->name; }
std::string Metric::text() const { return state_->text; }
std::optional<bool> Metric::higher_is_better() const { return state_->higher_is_better(); }
Metric Metric::fresh() const {
  Metric made(state_->copy());
  made.reset();
  return made;
}

}  // namespace tempo
