// SPDX-License-Identifier: Apache-2.0
// The rules by which the masks of an op's inputs become those of its results. A mask [batch, time]
// covers the first axes of a tensor; each rule states what an op does to these axes.
#pragma once

#include "graph/value.hpp"
#include "tensor/scoped.hpp"

namespace tempo {

/// The arguments of a mask rule: the inputs with their masks, and the shape of the k-th result.
struct MaskCall {
  const Tensors& inputs;
  const Attributes& attributes;
  const OpDefinition& op;
  const Shape& result;
  std::size_t k;
};

/// True where both masks are; the one with fewer axes is broadcast. Tensor{} is true everywhere.
Tensor both(const Tensor& a, const Tensor& b);

namespace masks {

/// For elementwise ops: the masks are broadcast like their inputs, and combined by "and".
Tensor elementwise(const MaskCall& call);
/// For ops that keep the first axes of an input as the first axes of the result.
Tensor leading(const MaskCall& call);
/// For ops along `axis` or `axes` after which indices there mean something else: the mask is kept
/// if all of these come after its own axes, and lost if one is among them.
Tensor of_features(const MaskCall& call);
/// For ops along `axis` or `axes` that move steps: the same is done to the mask.
Tensor along(const MaskCall& call);
/// For reshape: kept if the axes of the mask remain the first ones.
Tensor reshaped(const MaskCall& call);
/// For transpose: the mask's axes may be permuted among themselves.
Tensor permuted(const MaskCall& call);
/// For matmul: rows of the first input are rows of the result.
Tensor of_rows(const MaskCall& call);
/// For gather: the mask of the indices or, without one, the rows of the table's mask.
Tensor by_index(const MaskCall& call);

}  // namespace masks

/// The masks of the results, Tensor{} if there is none; empty if no input has one.
Tensors masks_of_results(const OpDefinition& op, const std::vector<Ref<Value>>& inputs,
                         const Attributes& attributes, const std::vector<TensorType>& types);

/// The same node under another handle, with this mask or none: gradients see no difference.
Ref<Value> remasked(const Value& value, Ref<Value> mask);

/// While one exists, ops on this thread ignore masks: for gradients.
class MaskPause {
 public:
  MaskPause();

 private:
  Scoped<bool> paused_;
};

}  // namespace tempo
