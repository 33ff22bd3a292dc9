// SPDX-License-Identifier: Apache-2.0
// gradcheck of a layer: a copy of it in float64, with respect to its inputs, constants and weights.
#include <tempo/option_list.hpp>

#include "autograd/gradcheck.hpp"

namespace tempo {

namespace {

// In float64, each floating one a leaf by this name; "input", or "input 0" of several.
Tensors checked_leaves(const char* name, const Tensors& given, std::vector<Leaf>& leaves) {
  Tensors out;
  for (const Tensor& t : given) {
    out.push_back(is_floating(t.dtype()) ? parameter(cast(t, float64)) : t);
    const std::string number = given.size() > 1 ? " " + std::to_string(out.size() - 1) : "";
    if (out.back().tracked()) leaves.push_back({name + number, out.back()});
  }
  return out;
}

}  // namespace

GradCheck gradcheck(const Layer& layer, const Tensors& inputs, const GradCheckOptions& options) {
  const Layer checked = recreated(layer, {{"dtype", float64}});
  if (checked.is_cell())
    throw Error("gradcheck: " + checked.type_name() +
                " is a cell; check the layer that runs it: RNN(cell).");
  std::vector<Leaf> leaves;
  const Tensors x = checked_leaves("input", inputs, leaves),
                constants = checked_leaves("constant", options.constants, leaves);
  Shapes shapes;
  for (const Tensor& t : x) shapes.push_back(t.shape());
  checked.build(shapes, float64);
  for (const Tensor& w : checked.trainable_weights()) leaves.push_back({w.path(), w});
  // Each result counts by a different random weight, so that no two can make up for each other.
  // Those that are no numbers have no gradient.
  const auto all_results = [&] {
    Tensor total = scalar(0, float64);
    int64_t seed = options.seed;
    for (const Tensor& y : checked.call(x, {.constants = constants}))
      if (is_floating(y.dtype()))
        total = total + sum(y * random_normal(y.shape(), 0, 1, float64, ++seed));
    return total;
  };
  return check_gradients(all_results, leaves, options);
}

GradCheck gradcheck(const Layer& layer, const Shape& input, const GradCheckOptions& options) {
  return gradcheck(layer, Tensors{random_normal(input, 0, 1, float64, options.seed)}, options);
}

}  // namespace tempo
