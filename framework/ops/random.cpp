// SPDX-License-Identifier: Apache-2.0
// Tensors made from attributes and a key alone.
#include "tensor/kernels/random.hpp"

#include "ops/known.hpp"
#include "ops/types.hpp"
#include "tensor/kernels/movement.hpp"

namespace tempo {
namespace {

// y = value everywhere
const auto& defined_fill = define(
    fill_op, {
                 .name = "fill",
                 .type =
                     [](const TypeCall& call) {
                       require_inputs(call, 0);
                       return std::vector<TensorType>{{dtype_attribute(call.attributes),
                                                       Shape(call.attributes.list("shape"))}};
                     },
                 .kernel = fill_kernel(),
             });

// Keys [..., 2] give [..., shape]: each key makes its own numbers.
std::vector<TensorType> random_type(const TypeCall& call) {
  require_inputs(call, 1);
  const TensorType& key = call.inputs[0];
  if (key.dtype != int64 || key.shape.empty() || key.shape.back() != 2)
    throw ShapeError("a key is int64 [2]: seed and stream");
  const DType dtype = dtype_attribute(call.attributes);
  require(Accepts::floating, dtype);
  Shape shape(key.shape.begin(), key.shape.end() - 1);
  for (int64_t extent : call.attributes.list("shape")) shape.push_back(extent);
  return {{dtype, shape}};
}

Kernel for_each_key(const Kernel& kernel) {
  return [kernel](const KernelCall& call) {
    const View &keys = call.inputs[0], &y = call.outputs[0];
    const int64_t n = keys.count() / 2;
    if (n == 0) return;
    const View key_rows = keys.reshaped({n, 2}), y_rows = y.reshaped({n, y.count() / n});
    for (int64_t i = 0; i < n; ++i) {
      const View key[] = {key_rows.at(i)}, part[] = {y_rows.at(i)};
      kernel({key, part, call.attributes});
    }
  };
}

// y ~ uniform in [0, 1)
const auto& random_uniform_op = define({
    .name = "random_uniform",
    .type = random_type,
    .kernel = for_each_key(uniform_kernel()),
});

// y ~ standard normal
const auto& random_normal_op = define({
    .name = "random_normal",
    .type = random_type,
    .kernel = for_each_key(normal_kernel()),
});

}  // namespace
}  // namespace tempo
