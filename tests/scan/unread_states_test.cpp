// SPDX-License-Identifier: Apache-2.0
// A state that the loss does not read gets no gradient, rather than one of zeros: zeros times an
// infinite slope would be NaN in the values from which it is made.
#define BOOST_TEST_MODULE unread_states
#include <tempo/layers.hpp>

#include "testing.hpp"

using namespace tempo;
using namespace tempo::testing;

BOOST_AUTO_TEST_CASE(a_state_that_only_watches_gives_no_gradient) {
  const Tensor counts = cast(reshape(tensor({1, 1, 0, 1, 1}), {1, 5, 1}), float64),
               x = parameter(normal({3, 5, 4}, 1) * counts), h = parameter(normal({3, 4}, 2)),
               norm = parameter(zeros({3, 1}, float64)), total = parameter(zeros({3, 1}, float64));
  // The last state watches the second one, which watches the input; the first goes its own way.
  const auto step = [](const Tensors& now, const State& s) -> Step {
    const Tensor next = tanh(now[0] + 0.5 * s[0]),
                 seen = 0.9 * s[1] + sqrt(sum(square(now[0]), -1, true));
    return {.output = next, .state = {next, seen, s[2] + s[1]}};
  };
  for (const bool recompute : {false, true}) {
    const auto run = [&](bool plain, const auto& loss_of) {
      const Scanned done =
          scan(step, Tensors{x}, {h, norm, total}, {.plain = plain, .recompute = recompute});
      return gradient(loss_of(done), Tensors{x, h, norm, total});
    };
    const auto check = [&](const char* what, const auto& loss_of) {
      const Tensors got = run(false, loss_of), expected = run(true, loss_of);
      for (std::size_t i = 0; i < got.size(); ++i)
        check_close(std::string(what) + ", " + std::to_string(i), got[i], expected[i], 1e-12);
    };
    check("outputs alone", [](const Scanned& r) { return sum(sin(r.output)); });
    check("the state that is the output", [](const Scanned& r) { return sum(sin(r.state[0])); });
    check("both", [](const Scanned& r) { return sum(r.output) + sum(square(r.state[0])); });
  }
}
