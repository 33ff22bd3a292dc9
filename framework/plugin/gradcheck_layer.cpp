// gradcheck of a layer: a copy of it in float64, with respect to its input and its weights.
#include "autograd/gradcheck.hpp"

namespace tempo {

GradCheck gradcheck(const Layer& layer, const Shape& input, const GradCheckOptions& options) {
  const Layer checked = recreated(layer, {{"dtype", float64}});
  if (checked.is_cell())
    throw Error("gradcheck: " + checked.type_name() +
                " is a cell; check the layer that runs it: RNN(cell).");
  const Tensor x = parameter(random_normal(input, 0, 1, float64, options.seed));
  checked.build({input}, float64);
  std::vector<Leaf> leaves{{"input", x}};
  for (const Tensor& w : checked.trainable_weights()) leaves.push_back({w.path(), w});
  // Each result counts by a different random weight, so that no two can make up for each other.
  const auto all_results = [&] {
    Tensor total = scalar(0, float64);
    int64_t seed = options.seed;
    for (const Tensor& y : checked.call({x}))
      total = total + sum(y * random_normal(y.shape(), 0, 1, float64, ++seed));
    return total;
  };
  return check_gradients(all_results, leaves, options);
}

}  // namespace tempo
