// What is behind a Loss: its formula per sample, and its reduction.
#pragma once

#include "training/reduction.hpp"

#include <tempo/loss.hpp>

namespace tempo {

struct LossState {
  LossState(std::string its_name, std::string its_text, const std::string& its_reduction)
      : name(std::move(its_name)),
        text(std::move(its_text)),
        reduction(reduction_from(name, its_reduction)) {}
  virtual ~LossState() = default;
  /// A loss per sample, from y_pred of a floating dtype and its own mask removed. A mask that the
  /// formula itself finds rides on the result.
  virtual Tensor values(const Tensor& y_true, const Tensor& y_pred) const = 0;

  std::string name;
  std::string text;
  Reduction reduction;
};

/// The names a loss may be asked for by.
const std::vector<std::string>& loss_names();

}  // namespace tempo
