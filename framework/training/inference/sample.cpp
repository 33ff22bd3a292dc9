// SPDX-License-Identifier: Apache-2.0
// Draws classes from logits, among all classes or the likeliest.
#include "training/inference/sample.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include <tempo/gradient.hpp>
#include <tempo/ops.hpp>

namespace tempo {

namespace {

void require(const SampleOptions& o) {
  if (!(o.temperature >= 0) || !std::isfinite(o.temperature))
    throw Error("sample: temperature is " + sdk::shortest(o.temperature) +
                "; it must be a finite number, at least 0 (which takes the likeliest).");
  if (o.top_k < 0)
    throw Error("sample: top_k is " + std::to_string(o.top_k) +
                "; it must be at least 1, or 0 for all classes.");
  if (!(o.top_p > 0 && o.top_p <= 1))
    throw Error("sample: top_p is " + sdk::shortest(o.top_p) +
                "; it must be above 0, and at most 1 (which keeps all classes).");
}

// The class that `uniform` in [0, 1) draws from one row; classes of equal logits keep their
// order.
int64_t drawn(const double* logits, int64_t classes, double uniform, const SampleOptions& o) {
  std::vector<int64_t> order(static_cast<std::size_t>(classes));
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](int64_t a, int64_t b) { return logits[a] > logits[b]; });
  const double most = logits[order[0]];
  if (o.temperature == 0) return order[0];
  if (o.top_k > 0 && o.top_k < classes) order.resize(static_cast<std::size_t>(o.top_k));
  std::vector<double> p;
  for (const int64_t c : order) p.push_back(std::exp((logits[c] - most) / o.temperature));
  double total = std::accumulate(p.begin(), p.end(), 0.0);
  if (o.top_p < 1) {
    double together = 0;
    std::size_t kept = 0;
    while (kept < p.size() && together < o.top_p * total) together += p[kept++];
    p.resize(kept);
    total = together;
  }
  double left = uniform * total;
  std::size_t at = 0;
  while (at + 1 < p.size() && left >= p[at]) left -= p[at++];
  while (at > 0 && p[at] == 0) --at;  // rounding led to a class of probability 0
  return order[at];
}

}  // namespace

Tensor sample(const Tensor& logits, const SampleOptions& options) {
  const int64_t rows = logits && logits.rank() > 0 && logits.shape().back() > 0
                           ? logits.count() / logits.shape().back()
                           : 0;
  return sampled(logits, random_uniform({rows}, float64, options.seed), options);
}

Tensor sampled(const Tensor& logits, const Tensor& uniform, const SampleOptions& options) {
  require(options);
  if (!logits || logits.rank() == 0 || logits.shape().back() == 0 || !is_floating(logits.dtype()))
    throw ShapeError("sample: logits are " +
                     (logits ? to_string(logits.shape(), logits.dtype()) : "Tensor{}") +
                     "; they must be floating numbers [..., classes].");
  const NoGradient off;
  const int64_t classes = logits.shape().back(), rows = logits.count() / classes;
  const std::vector<double> scores = logits.to_vector();
  for (std::size_t i = 0; i < scores.size(); ++i)
    if (std::isnan(scores[i]) || scores[i] == std::numeric_limits<double>::infinity())
      throw Error("sample: the logit of class " +
                  std::to_string(static_cast<int64_t>(i) % classes) + " is " +
                  sdk::shortest(scores[i]) +
                  "; logits are finite, or -inf for what is never drawn.");
  std::vector<int64_t> out;
  for (int64_t row = 0; row < rows; ++row) {
    const double* const of_row = scores.data() + row * classes;
    if (*std::max_element(of_row, of_row + classes) == -std::numeric_limits<double>::infinity())
      throw Error("sample: all logits of a row are -inf, so there is no class to draw.");
    out.push_back(drawn(of_row, classes, uniform.element(row), options));
  }
  const Shape shape = logits.shape();
  return tensor(out, Shape(shape.begin(), shape.end() - 1));
}

}  // namespace tempo
