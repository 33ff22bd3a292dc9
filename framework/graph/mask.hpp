// SPDX-License-Identifier: Apache-2.0
// The rules by which the masks of an op's inputs become those of its results. A mask [batch, time]
// is of the first axes of a tensor; each rule says what an op does to these axes.
#pragma once

#include "graph/value.hpp"
#include "tensor/scoped.hpp"

namespace tempo {

/// What a mask rule sees: the inputs with their masks, and the shape of the k-th result.
struct MaskCall {
  const Tensors& inputs;
  const Attributes& attributes;
  const OpDefinition& op;
  const Shape& result;
  std::size_t k;
};

/// Where both masks hold; of fewer axes, one holds for all that follow. Tensor{} holds everywhere.
Tensor both(const Tensor& a, const Tensor& b);

namespace masks {

/// For ops on elements: what broadcasting makes of each mask; where several differ, their "and".
Tensor elementwise(const MaskCall& call);
/// For ops that leave the first axes of an input as the first of the result.
Tensor leading(const MaskCall& call);
/// For ops along `axis` or `axes` that change the meaning of what they run along: kept if all of
/// those come after the axes of the mask, lost if one is among them.
Tensor of_features(const MaskCall& call);
/// For ops along `axis` or `axes` that do to the mask what they do to the steps.
Tensor along(const MaskCall& call);
/// For reshape: kept where the axes of the mask stay the first ones.
Tensor reshaped(const MaskCall& call);
/// For transpose: the mask's axes may change places among each other.
Tensor permuted(const MaskCall& call);
/// For matmul: rows of the first input are rows of the result.
Tensor of_rows(const MaskCall& call);
/// For gather: the mask of the indices, or the rows of the table's.
Tensor by_index(const MaskCall& call);

}  // namespace masks

/// The masks of the results, Tensor{} where there is none; empty if no input has one.
Tensors masks_of_results(const OpDefinition& op, const std::vector<Ref<Value>>& inputs,
                         const Attributes& attributes, const std::vector<TensorType>& types);

/// The same node under another handle, with this mask, or with none: gradients see no difference.
Ref<Value> remasked(const Value& value, Ref<Value> mask);

/// While one lives, the ops of this thread do without masks: those of a gradient.
class MaskPause {
 public:
  MaskPause();

 private:
  Scoped<bool> paused_;
};

}  // namespace tempo
