// SPDX-License-Identifier: Apache-2.0
// The state of a Loss: its formula per sample, and its reduction.
#pragma once

#include <tempo/loss.hpp>

#include "training/losses/reduction.hpp"

namespace tempo {

struct LossState {
  LossState(std::string its_name, std::string its_text, const std::string& its_reduction)
      : name(std::move(its_name)),
        text(std::move(its_text)),
        reduction(reduction_from(name, its_reduction)) {}
  virtual ~LossState() = default;
  /// One loss per sample. Samples that `weighting` leaves out are not read; their losses may be any
  /// finite numbers. A mask that the formula itself finds rides on the result.
  Tensor losses(const Tensor& y_true, const Tensor& y_pred, const Weighting& weighting) const;

  /// The index of the model's result that the loss reads.
  virtual int reads() const { return 0; }
  virtual bool of_whole_sequences() const { return false; }

  /// A sample whose loss is infinite for any weights, with the reason: "has 3 labels, ...".
  struct Cause {
    int64_t sample;  // of the batch
    std::string text;
  };
  /// The first sample of that kind that counts; none if the formula knows none.
  virtual std::optional<Cause> why_infinite(const Tensor& /*y_true*/, const Tensor& /*y_pred*/,
                                            const Tensor& /*sample_weight*/) const {
    return {};
  }

  std::string name;
  std::string text;
  Reduction reduction;

 private:
  /// The losses of a floating y_pred.
  virtual Tensor values(const Tensor& y_true, const Tensor& y_pred,
                        const Weighting& weighting) const = 0;
};

/// Replace targets and predictions that do not count: every formula and its derivatives are finite
/// at these values.
inline constexpr double neutral_target = 0, neutral_prediction = 0.5;

void require_given(const std::string& who, const Tensor& y_true, const Tensor& y_pred);

/// A plugin's loss or, of the kind TEMPO_METRIC, the values of which its metric is the mean; null
/// if no plugin has it.
std::shared_ptr<const LossState> plugin_loss(uint32_t kind, const std::string& text);

/// The names by which a loss may be asked for.
std::vector<std::string> loss_names();

}  // namespace tempo
