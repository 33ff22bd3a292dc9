// SPDX-License-Identifier: Apache-2.0
// Losses that ask for a margin between the right and the wrong side.
#include "training/losses/loss_formula.hpp"

namespace tempo {

namespace {

// Labels 0 and 1 become -1 and 1; others stay as they are.
Tensor signs_of(const std::string& who, const Tensor& t) {
  require_numbers(who, t);
  if (t.count() == 0) return t;
  const Tensor binary = min(cast(logical_or(equal(t, 0), equal(t, 1)), t.dtype()));
  return where(binary > 0.5, 2 * t - 1, t);
}

template <class F>
struct HingeFormulaOf : LossFormula<F, MeanErrorOptions> {
  using LossFormula<F, MeanErrorOptions>::LossFormula;
  Tensor values(const Tensor& y_true, const Tensor& y_pred,
                const Weighting& weighting) const override {
    const auto [t, p] =
        this->counted(with_last_axis(this->same_shape(y_true, y_pred), weighting), -1, weighting);
    return mean(F::of(maximum(1 - signs_of(this->name, t) * p, 0)), -1);
  }
};

struct HingeFormula : HingeFormulaOf<HingeFormula> {
  using HingeFormulaOf::HingeFormulaOf;
  static constexpr const char* names[] = {"hinge"};
  static Tensor of(const Tensor& x) { return x; }
};

struct SquaredHingeFormula : HingeFormulaOf<SquaredHingeFormula> {
  using HingeFormulaOf::HingeFormulaOf;
  static constexpr const char* names[] = {"squared_hinge"};
  static Tensor of(const Tensor& x) { return square(x); }
};

struct CategoricalHingeFormula : LossFormula<CategoricalHingeFormula, MeanErrorOptions> {
  using LossFormula::LossFormula;
  static constexpr const char* names[] = {"categorical_hinge"};
  Tensor values(const Tensor& y_true, const Tensor& y_pred,
                const Weighting& weighting) const override {
    const auto [t, p] = counted(same_shape(y_true, y_pred), -1, weighting);
    require_numbers(name, t);
    return maximum(max((1 - t) * p, -1) - sum(t * p, -1) + 1, 0);
  }
};

}  // namespace

LossRows margin_losses() {
  return {loss_row<HingeFormula>(), loss_row<SquaredHingeFormula>(),
          loss_row<CategoricalHingeFormula>()};
}

Hinge::Hinge(const MeanErrorOptions& options) : Loss(std::make_shared<HingeFormula>(options)) {}
SquaredHinge::SquaredHinge(const MeanErrorOptions& options)
    : Loss(std::make_shared<SquaredHingeFormula>(options)) {}
CategoricalHinge::CategoricalHinge(const MeanErrorOptions& options)
    : Loss(std::make_shared<CategoricalHingeFormula>(options)) {}

}  // namespace tempo
