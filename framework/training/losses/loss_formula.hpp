// SPDX-License-Identifier: Apache-2.0
// A loss as a formula with its options, and a row of the table of losses that a text may name.
#pragma once

#include <cmath>

#include "training/losses/labels.hpp"
#include "training/losses/loss_state.hpp"
#include "training/settings.hpp"

namespace tempo {

// Probabilities are clipped to [tiny, nearly_one] in both dtypes; 1 - 1e-7 is as float32 rounds it.
inline constexpr double tiny = 1e-7, nearly_one = 0.99999988079071044921875;

inline constexpr const char* last_layer_fix =
    "The model's last layer must give as many values for a sample as y holds.";

// The options of all losses; each loss has some of them.
void describe_loss(auto& setting, auto& o) {
  if constexpr (requires { o.delta; }) setting("delta", o.delta, Range{.at_least = 0});
  if constexpr (requires { o.q; }) setting("q", o.q, Range{.at_least = 1e-6, .at_most = 1});
  if constexpr (requires { o.apply_class_balancing; })
    setting("apply_class_balancing", o.apply_class_balancing);
  if constexpr (requires { o.alpha; }) setting("alpha", o.alpha, Range{.at_least = 0});
  if constexpr (requires { o.beta; }) setting("beta", o.beta, Range{.at_least = 0});
  if constexpr (requires { o.gamma; }) setting("gamma", o.gamma, Range{.at_least = 0});
  if constexpr (requires { o.margin; }) {
    setting("margin", o.margin, Range{.at_least = 0, .at_most = 1});
    setting("remove_diagonal", o.remove_diagonal);
  }
  if constexpr (requires { o.from_logits; }) setting("from_logits", o.from_logits);
  if constexpr (requires { o.label_smoothing; }) setting("label_smoothing", o.label_smoothing);
  if constexpr (requires { o.axis; }) setting("axis", o.axis);
  if constexpr (requires { o.ignore_class; }) setting("ignore_class", o.ignore_class);
  if constexpr (requires { o.mask_index; }) setting("mask_index", o.mask_index);
  setting("reduction", o.reduction);
}

void require_valid(const std::string& who, auto o) {
  const SettingsCheck range(who);
  describe_loss(range, o);
  if constexpr (requires { o.label_smoothing; })
    if (!(o.label_smoothing >= 0 && o.label_smoothing <= 1))
      throw Error(who + ": label_smoothing is " + sdk::shortest(o.label_smoothing) +
                  "; it must lie in [0, 1].");
}

// F::names are the names that a text may use; the first one is written to files.
template <class F, class O>
struct LossFormula : LossState {
  using Options = O;
  explicit LossFormula(const Options& o)
      : LossState(F::names[0], written(o), o.reduction), options(o) {
    require_valid(name, options);
  }
  static std::string written(Options o) {
    SettingsWriter writer(F::names[0]);
    describe_loss(writer, o);
    return writer.text();
  }
  // y_true and y_pred, cast to one dtype and brought to one shape.
  Pair same_shape(const Tensor& y_true, const Tensor& y_pred,
                  const char* fix = last_layer_fix) const {
    Pair pair = aligned(cast(y_true, y_pred.dtype()), y_pred);
    if (pair.y_true.shape() != pair.y_pred.shape()) shapes_differ(name, y_true, y_pred, fix);
    return pair;
  }
  // The pair for a loss over one axis, at each place of all the others; neutral numbers stand where
  // the loss does not count.
  Pair counted(const Pair& pair, int axis, const Weighting& weighting) const {
    const Tensor kept = weighting.kept_across(pair.y_pred, place_of(axis, pair.y_pred));
    return {only(kept, pair.y_true, neutral_target), only(kept, pair.y_pred, neutral_prediction)};
  }
  // The axis of y_pred, counted from 0.
  int place_of(int axis, const Tensor& y_pred) const {
    const Shape shape = y_pred.shape();
    if (shape.empty())
      throw ShapeError(name + ": y_pred is a scalar; it needs an axis of classes.");
    if (axis < -shape.rank() || axis >= shape.rank())
      throw ShapeError(name + ": axis is " + std::to_string(axis) + ", and y_pred is " +
                       to_string(shape, y_pred.dtype()) + ".\n  It must lie in [" +
                       std::to_string(-shape.rank()) + ", " + std::to_string(shape.rank() - 1) +
                       "].");
    return axis < 0 ? axis + shape.rank() : axis;
  }
  Options options;
};

// The pair for an error that is a mean over the last axis. If the only axis is that of the samples,
// or if a mask reaches the last axis, each element is a loss of its own.
inline Pair with_last_axis(const Pair& pair, const Weighting& weighting) {
  const Shape shape = pair.y_pred.shape();
  return shape.rank() <= 1 || weighting.reaches_last_axis_of(shape)
             ? Pair{expand_dims(pair.y_true, -1), expand_dims(pair.y_pred, -1)}
             : pair;
}

using LossRef = std::shared_ptr<const LossState>;

template <class F>
Named<LossRef> loss_row() {
  return {{std::begin(F::names), std::end(F::names)}, [](SettingsReader& reader) -> LossRef {
            typename F::Options options;
            describe_loss(reader, options);
            return std::make_shared<F>(options);
          }};
}

using LossRows = std::vector<Named<LossRef>>;
LossRows error_losses();        ///< of numbers: the distance from the targets
LossRows margin_losses();       ///< hinges
LossRows probability_losses();  ///< of classes
LossRows overlap_losses();      ///< of areas, and of pairs within a batch
LossRows sequence_losses();     ///< of sequences of labels

}  // namespace tempo
