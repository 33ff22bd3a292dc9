// SPDX-License-Identifier: Apache-2.0
// Checks of calls: a call leaves nothing behind, and mode, seed, threads and neighbours in the
// batch do not change its results.
#include <tempo/gradient.hpp>

#include "check/checks.hpp"

namespace tempo::conformance {

namespace {

// While one exists, `n` threads are in use.
class Threads {
 public:
  explicit Threads(int n) { set_threads(n); }
  ~Threads() { set_threads(before_); }
  Threads(const Threads&) = delete;
  Threads& operator=(const Threads&) = delete;

 private:
  int before_ = threads();
};

// Results and gradients of a large batch.
Tensors large(const Subject& subject) {
  set_seed(7);
  const Tensors x = parameters(subject.inputs(float32, {.batch = 64, .more_time = 24}));
  const Layer layer = subject.make({{"dtype", static_cast<int64_t>(float32)}});
  Tensors all = results(layer, x, true);
  const Tensors to = leaves(layer, x);
  const Tensor total = mixed(all);
  if (to.empty() || !total.tracked()) return all;
  const Tensors gradients = gradient(total, to);
  all.insert(all.end(), gradients.begin(), gradients.end());
  return all;
}

Tensors row_of(const Tensors& batches, int64_t row) {
  Tensors all;
  for (const Tensor& t : batches) all.push_back(t ? slice(t, 0, row, row + 1) : t);
  return all;
}

}  // namespace

void check_calls(const Subject& subject) {
  const NoGradient off;
  const Tensors x = subject.inputs(float64), others = subject.inputs(float64, {}, 40);
  const Layer layer = subject.ready(x);
  const Tensors first = results(layer, x);
  require_close("called again, result", results(layer, x), first, 0);
  (void)results(layer, others);
  require_close("called with others between, result", results(layer, x), first, 0);
  const OtherWeights before(layer);
  (void)results(layer, masked(others, subject.masks(others)), true);
  before.put_back();
  require_close("called in training between, result", results(layer, x), first, 0);
}

// Distinguishes random numbers and moved weights in training from a fault.
void check_modes(const Subject& subject) {
  const NoGradient off;
  const Tensors x = subject.inputs(float64);
  const Layer layer = subject.ready(x);
  const Tensors expected = results(layer, x);
  const OtherWeights before(layer);
  const Tensors trained = results(layer, x, true);
  const std::string other = difference("in training, result", trained, expected, 1e-12);
  if (other.empty()) return;
  if (before.moved()) throw NeedsRow(other, "in training it moves weights that inference reads");
  if (!difference("", results(layer, x, true, 34), trained, 0).empty())
    throw NeedsRow(other, "it draws numbers in training");
  throw MayBeMeant(other);
}

void check_seed(const Subject& subject) {
  const auto run = [&] {
    set_seed(7);
    return subject.seen(subject.make());
  };
  const Seen once = run();
  const std::string difference = once.difference(run());
  require(difference.empty(), "with the same seed it has another " + difference);
}

void check_threads(const Subject& subject) {
  Tensors one, two;
  {
    const Threads use(1);
    one = large(subject);
  }
  const Threads use(2);
  two = large(subject);
  require_close("on 2 threads, result or gradient", two, one, 0);
}

void check_single_batches(const Subject& subject) {
  const NoGradient off;
  const Tensors x = subject.inputs(float64);
  const Layer layer = subject.ready(x);
  for (const bool with_mask : {false, true}) {
    if (with_mask && !subject.has_time()) continue;
    const Tensors masks = with_mask ? subject.masks(x) : Tensors(x.size());
    const Tensors whole = results(layer, masked(x, masks));
    for (int64_t row = 0; row < x[0].shape()[0]; ++row)
      require_close("sequence " + std::to_string(row) + " alone" +
                        (with_mask ? ", masked, result" : ", result"),
                    results(layer, masked(row_of(x, row), row_of(masks, row))), row_of(whole, row),
                    1e-12);
  }
}

}  // namespace tempo::conformance
