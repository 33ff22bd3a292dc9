// SPDX-License-Identifier: Apache-2.0
// Cells of the zoo that read time: gaps if steps are masked or run backwards, rhythms of many
// steps, and values that were never observed.
#define BOOST_TEST_MODULE gaps
#include <functional>

#include <tempo/tempo.hpp>
#include <tempo/zoo.hpp>

#include "plain_loop.hpp"
#include "zoo/more_papers.hpp"
#include "zoo/of_layers.hpp"

using namespace tempo;
using namespace tempo::testing;

namespace {

struct OfGaps {
  const char* name;
  std::function<Layer(bool backwards)> make;
};
const OfGaps of_gaps[] = {
    {"CfC", [](bool b) { return CfC({.units = 3, .backbone_units = 4, .go_backwards = b}); }},
    {"LTC", [](bool b) { return LTC({.units = 3, .unfolds = 2, .go_backwards = b}); }}};

// Two layers of the same weights, one for each direction.
std::pair<Layer, Layer> both(const OfGaps& of, const Tensors& x) {
  const Layer forward = of.make(false), backward = of.make(true);
  forward.build(shapes_of(x));
  backward.build(shapes_of(x));
  randomize(forward);
  const Tensors from = forward.weights(), to = backward.weights();
  for (std::size_t i = 0; i < to.size(); ++i) assign(to[i], from[i]);
  return {forward, backward};
}

// These steps of row b.
Tensor steps_of(const Tensor& x, int64_t b, const std::vector<int64_t>& at) {
  Tensors steps;
  for (const int64_t t : at) steps.push_back(take(take(x, b), t));
  return expand_dims(stack(steps), 0);
}

}  // namespace

BOOST_FIXTURE_TEST_CASE(a_step_that_is_run_backwards_has_the_gap_to_the_one_after_it, InFloat64) {
  const Tensor x = normal({2, 5, 4}), gap = uniform(0.1, 2, {2, 5, 1}, 4);
  for (const OfGaps& of : of_gaps) {
    const auto [forward, backward] = both(of, {x, gap});
    for (int64_t b = 0; b < 2; ++b)
      check_close(
          of.name, take(backward({x, gap}), b),
          take(forward({steps_of(x, b, {4, 3, 2, 1, 0}), steps_of(gap, b, {0, 4, 3, 2, 1})}), 0),
          1e-12);
  }
}

BOOST_FIXTURE_TEST_CASE(gaps_are_those_between_steps_that_count, InFloat64) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const Tensor counts = cast(
      tensor({{1.0, 1.0, 0.0, 1.0, 0.0}, {0.0, 1.0, 1.0, 1.0, 1.0}, {1.0, 1.0, 1.0, 1.0, 1.0}}),
      bool_);
  const std::vector<std::vector<int64_t>> at{{0, 1, 3}, {1, 2, 3, 4}, {0, 1, 2, 3, 4}};
  const Tensor spoiled = where(expand_dims(counts, -1), uniform(0.1, 2, {3, 5, 1}, 4), nan);
  const Tensor x = normal({3, 5, 4});
  for (const OfGaps& of : of_gaps) {
    const auto [forward, backward] = both(of, {x, spoiled});
    const Tensor y = forward({x, spoiled}, {.mask = counts}),
                 back = backward({x, spoiled}, {.mask = counts});
    for (int64_t b = 0; b < 3; ++b) {
      const std::vector<int64_t>& mine = at[static_cast<std::size_t>(b)];
      const Tensor seen = steps_of(x, b, mine), between = steps_of(spoiled, b, mine);
      check_close(of.name, take(y, b), take(forward({seen, between}), 0), 1e-12);
      check_close(of.name, take(back, b), take(backward({seen, between}), 0), 1e-12);
    }
  }
}

BOOST_FIXTURE_TEST_CASE(both_directions_have_the_gaps_of_their_steps, InFloat64) {
  const Tensor x = normal({2, 5, 4}), gap = uniform(0.1, 2, {2, 5, 1}, 4);
  for (const OfGaps& of : of_gaps) {
    const auto [forward, backward] = both(of, {x, gap});
    const Layer two = Bidirectional(of.make(false));
    two.build(shapes_of({x, gap}));
    const Tensors from = forward.weights(), to = two.weights();
    for (std::size_t i = 0; i < to.size(); ++i) assign(to[i], from[i % from.size()]);
    check_close(of.name, two({x, gap}), concat({forward({x, gap}), backward({x, gap})}), 1e-12);
  }
}

BOOST_FIXTURE_TEST_CASE(a_gap_below_0_is_none, InFloat64) {
  const Layer layer = LTC({.units = 3, .return_sequences = true});
  const Tensor x = normal({2, 50, 4}), gap = normal({2, 50, 1}, 4);
  check_same("LTC", layer({x, gap}), layer({x, maximum(gap, 0)}));
}

BOOST_AUTO_TEST_CASE(gaps_may_be_whole_numbers_or_flags) {
  const Tensor x = cast(normal({2, 5, 4}), float32), flags = uniform(0, 1, {2, 5, 1}, 4) > 0.5;
  const Layer layers[] = {CfC({.units = 3}), LTC({.units = 3}), PhasedLSTM({.units = 3})};
  for (const Layer& layer : layers)
    for (const DType dtype : {int64, int32, bool_, float64})
      check_same(layer.type_name(), layer({x, cast(flags, dtype)}),
                 layer({x, cast(flags, float32)}));
  const Tensor counts = cast(tensor({{1.0, 1.0, 0.0, 1.0, 0.0}, {0.0, 1.0, 1.0, 1.0, 1.0}}), bool_);
  const Layer back = CfC({.units = 3, .go_backwards = true});
  for (const DType dtype : {int64, bool_})
    check_same("backwards", back({x, cast(flags, dtype)}, {.mask = counts}),
               back({x, cast(flags, float32)}, {.mask = counts}));
  const Layer grud = GRUD({.units = 3});
  const Tensor observed = cast(normal({2, 5, 4}, 8) > 0, float32),
               since = cast(2 * observed, int64);
  check_same("GRUD", grud({x, observed, since}), grud({x, observed, cast(since, float32)}));
}

BOOST_FIXTURE_TEST_CASE(what_is_missing_may_be_anything, InFloat64) {
  const Layer layer = GRUD({.units = 6});
  const Tensor x = normal({3, 5, 4}), observed = uniform(0, 1, {3, 5, 4}, 4) > 0.4,
               since = uniform(0, 2, {3, 5, 4}, 6);
  const Tensor sound = parameter(x),
               spoiled = parameter(where(observed, x, std::numeric_limits<double>::quiet_NaN()));
  const Tensor a = layer.call({sound, observed, since}, {})[0],
               b = layer.call({spoiled, observed, since}, {})[0];
  check_same("values", b, a);
  check_all("gradients", gradient(mixed({b}), leaves_of(layer, {spoiled}, {})),
            gradient(mixed({a}), leaves_of(layer, {sound}, {})), 0);
}

BOOST_FIXTURE_TEST_CASE(what_was_not_yet_observed_is_the_mean, InFloat64) {
  const Layer layer = GRUD({.units = 6});
  const Tensor x = normal({3, 5, 4}), never = zeros({3, 5, 4}), since = uniform(0, 2, {3, 5, 4}, 6);
  layer.build(shapes_of({x, never, since}));
  randomize(layer);
  for (const Tensor& w : layer.weights())
    if (w.path().ends_with("/mean")) assign(w, tensor({3.0, -2.0, 5.0, 1.0}, float64));
  const Tensor now = layer({x, never, since});
  for (const Tensor& w : layer.weights())
    if (w.path().ends_with("decay_x_bias")) assign(w, 7 + w);
  check_close("whatever its decay", layer({x, never, since}), now, 1e-12);
}

BOOST_FIXTURE_TEST_CASE(a_closed_gate_leaks_in_training, InFloat64) {
  const Tensor x = normal({2, 9, 4}), time = uniform(0, 20, {2, 9, 1}, 4);
  for (const Tensors& given : {Tensors{x}, Tensors{x, time}}) {
    const Layer layer = PhasedLSTM(
        {.units = 6, .max_period = 20, .open_ratio = 0.3, .leak = 0.2, .return_sequences = true});
    const Tensor y = layer(given, {.training = true});
    for (int64_t b = 0; b < 2; ++b) {
      std::vector<Rows> rows;
      for (const Tensor& t : given) rows.push_back(sequence(t, b));
      Row expected;
      for (const Row& row : papers::phased_lstm(weights_of(layer), rows, 0.3, 0.2))
        expected = joined(expected, row);
      check_close("phased", take(y, b), tensor(expected, {9, 6}, float64), 1e-12);
    }
  }
}

BOOST_FIXTURE_TEST_CASE(a_rhythm_is_that_of_times_that_are_1_apart, InFloat64) {
  const Layer layer = PhasedLSTM({.units = 6, .max_period = 9, .open_ratio = 0.6});
  const Tensor x = normal({2, 40, 4}),
               time = broadcast_to(reshape(arange(0, 40, 1, float64), {1, 40, 1}), {2, 40, 1});
  const Tensor alone = layer(x), timed = layer({x, time});
  check_close("values", alone, timed, 1e-12);
  const Tensors leaves = leaves_of(layer, {}, {});
  check_all("gradients", gradient(mixed({alone}), leaves), gradient(mixed({timed}), leaves), 1e-10);
}

BOOST_AUTO_TEST_CASE(a_rhythm_does_not_grow_coarse) {
  const Layer layer = PhasedLSTM({.units = 6, .max_period = 9, .return_state = true});
  const Tensors end = layer.call({zeros({1, 5000, 2})});
  BOOST_TEST(max(abs(end[3])).item() < 2.1);  // a float has all digits of numbers this small
}

BOOST_AUTO_TEST_CASE(where_a_rhythm_is_no_weight) {
  const Layer layer = PhasedLSTM({.units = 6, .trainable_initial_state = true});
  (void)layer(zeros({1, 5, 2}));
  std::set<std::string> states;
  for (const Tensor& w : layer.weights())
    if (const std::size_t at = w.path().find("initial_state"); at != std::string::npos)
      states.insert(w.path().substr(at));
  BOOST_TEST(states == (std::set<std::string>{"initial_state_0", "initial_state_1"}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(the_first_call_with_a_mask_draws_no_more_than_others) {
  const Tensor x = cast(normal({2, 5, 4}), float32);
  const Tensor mask = cast(tensor({{1.0, 1.0, 1.0, 0.0, 0.0}, {1.0, 0.0, 1.0, 1.0, 1.0}}), bool_);
  for (const bool sequences : {false, true}) {
    const Layer layers[] = {ZoneoutLSTM({.units = 8, .return_sequences = sequences}),
                            RecurrentDropoutLSTM({.units = 8, .return_sequences = sequences})};
    for (const Layer& layer : layers) {
      layer.build({x.shape()});
      const auto call = [&] {
        set_seed(5);
        return layer(x, {.training = true, .mask = mask});
      };
      const Tensor first = call();
      check_same(layer.type_name(), call(), first);
    }
  }
}
