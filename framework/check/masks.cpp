// SPDX-License-Identifier: Apache-2.0
// Checks of masks: masked steps have no effect, and masks stay with the steps.
#include <cmath>
#include <limits>

#include <tempo/gradient.hpp>

#include "check/checks.hpp"

namespace tempo::conformance {

namespace {

void require_time(const Subject& subject) {
  if (!subject.has_time()) throw Inapplicable("its input has no time");
}

// The mask of the first input that has one.
Tensor first_mask(const Tensors& masks) {
  for (const Tensor& mask : masks)
    if (mask) return mask;
  return {};
}

bool has_steps_of(const Tensor& y, const Tensor& mask) {
  const Shape shape = y.shape(), steps = mask.shape();
  return shape.rank() >= 2 && shape[0] == steps[0] && shape[1] == steps[1];
}

// The mask with trailing axes of extent 1, to the rank of y.
Tensor aligned(const Tensor& mask, const Tensor& y) {
  Shape shape = mask.shape();
  while (shape.rank() < y.rank()) shape.push_back(1);
  return reshape(mask, shape);
}

// x with `padding` at masked steps.
Tensors padded(const Tensors& x, const Tensors& masks, double padding) {
  Tensors all;
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (!masks[i]) {
      all.push_back(x[i]);
      continue;
    }
    const bool numbers = is_floating(x[i].dtype());
    all.push_back(where(aligned(masks[i], x[i]), x[i], numbers ? padding : 1.0));
  }
  return all;
}

// y with 0 at masked steps: of its own mask, and of the input's mask if y has its steps.
Tensor counted_part(const Tensor& y, const Tensor& mask) {
  Tensor counted = cast(with_mask(y, {}), float64);
  if (const Tensor own = mask_of(y)) counted = where(aligned(own, counted), counted, 0);
  if (has_steps_of(counted, mask)) counted = where(aligned(mask, counted), counted, 0);
  return counted;
}

// The results that count, and the gradients of their sum, which must be 0 at masked steps.
Tensors all_that_counts(const Layer& layer, const Tensors& x, const Tensors& masks, bool training) {
  const Tensors leaf = parameters(x);
  Tensors given;  // a parameter carries no mask
  for (const Tensor& t : leaf) given.push_back(t.tracked() ? t * 1 : t);
  const Tensor mask = first_mask(masks);
  layer.reset_state();
  Tensors all;
  for (const Tensor& y : results(layer, masked(given, masks), training))
    all.push_back(counted_part(y, mask));
  const Tensors to = leaves(layer, leaf);
  const Tensor total = mixed(all);
  if (to.empty() || !total.tracked()) return all;
  const Tensors gradients = gradient(total, to);
  all.insert(all.end(), gradients.begin(), gradients.end());
  for (std::size_t i = 0; i < leaf.size(); ++i) {
    if (!leaf[i].tracked() || !masks[i]) continue;
    const Tensor its = gradient(total, {leaf[i]})[0];
    require_close("the gradient to an input at masked steps",
                  where(aligned(masks[i], its), zeros_like(its), its), zeros_like(its), 0);
  }
  return all;
}

void check_padding(const Subject& subject, const std::vector<double>& paddings) {
  require_time(subject);
  const Tensors x = subject.inputs(float64), masks = subject.masks(x);
  const Layer layer = subject.ready(x);
  for (const bool training : {false, true}) {
    const Tensors expected = all_that_counts(layer, padded(x, masks, 0.5), masks, training);
    for (const double padding : paddings) {
      const Tensors got = all_that_counts(layer, padded(x, masks, padding), masks, training);
      for (std::size_t i = 0; i < got.size(); ++i)
        require_close("padded with " + sdk::shortest(padding) +
                          (training ? ", in training, " : ", ") + "what counts, number " +
                          std::to_string(i),
                      got[i], expected[i], 1e-12);
    }
  }
}

}  // namespace

void check_mask(const Subject& subject) { check_padding(subject, {0, -3, 100}); }

void check_padding_of_nan(const Subject& subject) {
  constexpr double squares_to_infinity = 1e200;
  check_padding(subject,
                {std::nan(""), std::numeric_limits<double>::infinity(), squares_to_infinity});
}

void check_mask_is_passed_on(const Subject& subject) {
  require_time(subject);
  const NoGradient off;
  const Tensors x = subject.inputs(float64), masks = subject.masks(x);
  const Layer layer = subject.ready(x);
  const Tensor mask = first_mask(masks);
  for (const bool training : {false, true}) {
    layer.reset_state();
    const Tensor y = results(layer, masked(x, masks), training)[0];
    const Tensor passed = mask_of(y);
    if (has_steps_of(y, mask)) {
      require(static_cast<bool>(passed), "its result has the steps of the input and no mask");
      require_close("the mask of its result", passed, mask, 0);
    } else {
      require(!passed || passed.shape() != mask.shape(),
              "its result has no steps of the input, and their mask");
    }
    require(!mask_of(results(layer, x, training)[0]), "it makes a mask where none is given");
  }
}

}  // namespace tempo::conformance
