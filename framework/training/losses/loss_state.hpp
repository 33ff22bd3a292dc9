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
  /// A loss per sample. What `weighting` leaves out is not read; its losses are any finite numbers.
  /// A mask that the formula itself finds rides on the result.
  Tensor losses(const Tensor& y_true, const Tensor& y_pred, const Weighting& weighting) const;

  /// Which of a model's results it reads.
  virtual int reads() const { return 0; }
  virtual bool of_whole_sequences() const { return false; }

  /// A sample whose loss is infinite whatever the weights are: "has 3 labels, ...".
  struct Cause {
    int64_t sample;  // of the batch
    std::string text;
  };
  /// The first that counts; none where the formula knows none.
  virtual std::optional<Cause> why_infinite(const Tensor& /*y_true*/, const Tensor& /*y_pred*/,
                                            const Tensor& /*sample_weight*/) const {
    return {};
  }

  std::string name;
  std::string text;
  Reduction reduction;

 private:
  /// Of a y_pred that is floating.
  virtual Tensor values(const Tensor& y_true, const Tensor& y_pred,
                        const Weighting& weighting) const = 0;
};

/// In place of targets and predictions that do not count: every formula and its derivatives are
/// finite there.
inline constexpr double neutral_target = 0, neutral_prediction = 0.5;

void require_given(const std::string& who, const Tensor& y_true, const Tensor& y_pred);

/// A plugin's loss or, of the kind TEMPO_METRIC, what its metric is the mean of; null: no plugin
/// has it.
std::shared_ptr<const LossState> plugin_loss(uint32_t kind, const std::string& text);

/// The names a loss may be asked for by.
std::vector<std::string> loss_names();

}  // namespace tempo
