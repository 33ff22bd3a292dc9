// How a loss per sample becomes one number: sample weights, masks, reductions. Ranks are made equal
// as in Keras: an axis of extent 1 at the end comes or goes.
#pragma once

#include <tempo/ops.hpp>

#include <string>

namespace tempo {

enum class Reduction { sum_over_batch_size, sum, mean_with_sample_weight, none };
/// From its name; `who` is named in the Error for one that does not exist.
Reduction reduction_from(const std::string& who, const std::string& name);

/// y_true and y_pred with ranks made equal.
struct Pair {
  Tensor y_true, y_pred;
};
Pair aligned(const Tensor& y_true, const Tensor& y_pred);
/// The ShapeError that names both.
[[noreturn]] void shapes_differ(const std::string& who, const Tensor& y_true, const Tensor& y_pred,
                                const std::string& fix);

/// `weight` in the dtype of `values` and in a shape that broadcasts against them.
Tensor fitted_weight(const std::string& who, const Tensor& weight, const Tensor& values);

/// One number (or, with none, one per sample) from losses per sample; weight and mask may be
/// Tensor{}.
Tensor reduce(const std::string& who, const Tensor& values, const Tensor& weight,
              const Tensor& mask, Reduction reduction);

}  // namespace tempo
