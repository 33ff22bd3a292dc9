// SPDX-License-Identifier: Apache-2.0
// The end of a normalization: multiplies its result by gamma, and adds beta.
#pragma once

#include <tempo/cell.hpp>

namespace tempo TEMPO_HIDDEN {

/// The options of gamma and beta, which several normalizations share.
inline void describe_center_and_scale(auto& option, auto& o) {
  option("center", o.center, "Whether beta is added.");
  option("scale", o.scale, "Whether the result is multiplied by gamma.");
  option("beta_initializer", o.beta_initializer,
         "First values of beta, which has the extents of axis.");
  option("gamma_initializer", o.gamma_initializer,
         "First values of gamma, which has the extents of axis.");
  option("beta_regularizer", o.beta_regularizer, "Penalty of beta, added to the loss.");
  option("gamma_regularizer", o.gamma_regularizer, "Penalty of gamma, added to the loss.");
  option("beta_constraint", o.beta_constraint, "What beta fulfils after each update.");
  option("gamma_constraint", o.gamma_constraint, "What gamma fulfils after each update.");
}

/// gamma and beta; Tensor{} for one that is not asked for.
struct CenterAndScale {
  template <class Options>
  void build(Weights& add, const Shape& shape, const Options& o) {
    if (o.scale)
      gamma = add("gamma", shape, o.gamma_initializer,
                  {.regularizer = o.gamma_regularizer, .constraint = o.gamma_constraint});
    if (o.center)
      beta = add("beta", shape, o.beta_initializer,
                 {.regularizer = o.beta_regularizer, .constraint = o.beta_constraint});
  }

  Tensor gamma, beta;
};

}  // namespace tempo
