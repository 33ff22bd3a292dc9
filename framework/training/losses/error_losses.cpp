// SPDX-License-Identifier: Apache-2.0
// Losses of numbers: how far they are from the targets.
#include <tempo/length.hpp>

#include "plugin/registry.hpp"
#include "training/losses/loss_formula.hpp"

namespace tempo {

namespace {

// A loss that is the mean of F::of(t, p) over the last axis.
template <class F, class O>
struct MeanFormula : LossFormula<F, O> {
  using LossFormula<F, O>::LossFormula;
  Tensor values(const Tensor& y_true, const Tensor& y_pred,
                const Weighting& weighting) const override {
    const auto [t, p] =
        this->counted(with_last_axis(this->same_shape(y_true, y_pred), weighting), -1, weighting);
    return mean(static_cast<const F&>(*this).of(t, p), -1);
  }
};

struct SquaredErrorFormula : MeanFormula<SquaredErrorFormula, MeanErrorOptions> {
  using MeanFormula::MeanFormula;
  static constexpr const char* names[] = {"mean_squared_error", "mse"};
  static Tensor of(const Tensor& t, const Tensor& p) { return square(t - p); }
};

struct AbsoluteErrorFormula : MeanFormula<AbsoluteErrorFormula, MeanErrorOptions> {
  using MeanFormula::MeanFormula;
  static constexpr const char* names[] = {"mean_absolute_error", "mae"};
  static Tensor of(const Tensor& t, const Tensor& p) { return abs(t - p); }
};

struct PercentageFormula : MeanFormula<PercentageFormula, MeanErrorOptions> {
  using MeanFormula::MeanFormula;
  static constexpr const char* names[] = {"mean_absolute_percentage_error", "mape"};
  static Tensor of(const Tensor& t, const Tensor& p) {
    return 100 * abs((t - p) / maximum(abs(t), tiny));
  }
};

struct LogarithmicFormula : MeanFormula<LogarithmicFormula, MeanErrorOptions> {
  using MeanFormula::MeanFormula;
  static constexpr const char* names[] = {"mean_squared_logarithmic_error", "msle"};
  Tensor of(const Tensor& t, const Tensor& p) const {
    require_numbers(name, t);
    const auto log1p = [](const Tensor& x) { return log(maximum(x, tiny) + 1); };
    return square(log1p(p) - log1p(t));
  }
};

struct HuberFormula : MeanFormula<HuberFormula, HuberOptions> {
  using MeanFormula::MeanFormula;
  static constexpr const char* names[] = {"huber"};
  Tensor of(const Tensor& t, const Tensor& p) const {
    const double delta = options.delta;
    const Tensor error = abs(p - t);
    return where(error <= delta, 0.5 * square(error), delta * error - 0.5 * delta * delta);
  }
};

// log(cosh(x)) = x + softplus(-2 x) - log 2; this form never overflows.
struct LogCoshFormula : MeanFormula<LogCoshFormula, MeanErrorOptions> {
  using MeanFormula::MeanFormula;
  static constexpr const char* names[] = {"log_cosh", "logcosh"};
  static Tensor of(const Tensor& t, const Tensor& p) {
    const Tensor x = p - t;
    return x + softplus(-2 * x) - std::log(2.0);
  }
};

struct PoissonFormula : MeanFormula<PoissonFormula, MeanErrorOptions> {
  using MeanFormula::MeanFormula;
  static constexpr const char* names[] = {"poisson"};
  static Tensor of(const Tensor& t, const Tensor& p) { return p - t * log(p + tiny); }
};

struct DivergenceFormula : LossFormula<DivergenceFormula, MeanErrorOptions> {
  using LossFormula::LossFormula;
  static constexpr const char* names[] = {"kl_divergence", "kld", "kullback_leibler_divergence"};
  Tensor values(const Tensor& y_true, const Tensor& y_pred,
                const Weighting& weighting) const override {
    const auto [t, p] = counted(same_shape(y_true, y_pred), -1, weighting);
    require_probabilities(name, t);
    const Tensor held = clip(t, tiny, 1);
    return sum(held * log(held / clip(p, tiny, 1)), -1);
  }
};

// A vector of length 0 stays as it is, and has no gradient.
struct CosineFormula : LossFormula<CosineFormula, CosineSimilarityOptions> {
  using LossFormula::LossFormula;
  static constexpr const char* names[] = {"cosine_similarity"};
  Tensor values(const Tensor& y_true, const Tensor& y_pred,
                const Weighting& weighting) const override {
    const int axis = options.axis;
    const auto [t, p] = counted(same_shape(y_true, y_pred), axis, weighting);
    return -sum(sdk::unit(t, {axis}, tiny) * sdk::unit(p, {axis}, tiny), axis);
  }
};

std::span<const Named<LossRef>> losses() {
  static const auto& rows = []() -> const LossRows& {
    auto& all = *new LossRows;
    for (const LossRows& more : {error_losses(), probability_losses(), margin_losses(),
                                 overlap_losses(), sequence_losses()})
      all.insert(all.end(), more.begin(), more.end());
    return all;
  }();
  return rows;
}

}  // namespace

LossRows error_losses() {
  return {loss_row<SquaredErrorFormula>(), loss_row<AbsoluteErrorFormula>(),
          loss_row<PercentageFormula>(),   loss_row<LogarithmicFormula>(),
          loss_row<HuberFormula>(),        loss_row<LogCoshFormula>(),
          loss_row<PoissonFormula>(),      loss_row<DivergenceFormula>(),
          loss_row<CosineFormula>()};
}

std::vector<std::string> loss_names() { return names_in(losses()); }

namespace {
LossRef from_text(const std::string& text) {
  SettingsReader reader("loss", text);
  if (const auto* row = row_for(reader, losses())) return read_by(*row, reader);
  if (LossRef plugins = plugin_loss(TEMPO_LOSS, text)) return plugins;
  std::vector<std::string> known = loss_names();
  for (const std::string& name : function_names(TEMPO_LOSS)) known.push_back(name);
  reader.unknown(known);
}
[[maybe_unused]] const bool told = tell_own_names(TEMPO_LOSS, &loss_names);
}  // namespace

Loss::Loss(const std::string& text) : state_(from_text(text)) {}

MeanSquaredError::MeanSquaredError(const MeanErrorOptions& options)
    : Loss(std::make_shared<SquaredErrorFormula>(options)) {}
MeanAbsoluteError::MeanAbsoluteError(const MeanErrorOptions& options)
    : Loss(std::make_shared<AbsoluteErrorFormula>(options)) {}
MeanAbsolutePercentageError::MeanAbsolutePercentageError(const MeanErrorOptions& options)
    : Loss(std::make_shared<PercentageFormula>(options)) {}
MeanSquaredLogarithmicError::MeanSquaredLogarithmicError(const MeanErrorOptions& options)
    : Loss(std::make_shared<LogarithmicFormula>(options)) {}
Huber::Huber(const HuberOptions& options) : Loss(std::make_shared<HuberFormula>(options)) {}
LogCosh::LogCosh(const MeanErrorOptions& options)
    : Loss(std::make_shared<LogCoshFormula>(options)) {}
Poisson::Poisson(const MeanErrorOptions& options)
    : Loss(std::make_shared<PoissonFormula>(options)) {}
KLDivergence::KLDivergence(const MeanErrorOptions& options)
    : Loss(std::make_shared<DivergenceFormula>(options)) {}
CosineSimilarity::CosineSimilarity(const CosineSimilarityOptions& options)
    : Loss(std::make_shared<CosineFormula>(options)) {}

}  // namespace tempo
