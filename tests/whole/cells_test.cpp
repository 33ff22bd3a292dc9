// SPDX-License-Identifier: Apache-2.0
// Cells that see their call: each in all uses of a recurrent layer, against a loop by hand.
#define BOOST_TEST_MODULE cells
#include <tempo/explain.hpp>
#include <tempo/gradcheck.hpp>
#include <tempo/io.hpp>
#include <tempo/layers.hpp>
#include <tempo/load.hpp>
#include <tempo/stream.hpp>
#include <tempo/zoo.hpp>

#include "files.hpp"
#include "plain_loop.hpp"
#include "plugins/modern_cells.hpp"
#include "testing.hpp"

using namespace tempo;
using namespace tempo::testing;

namespace {

struct Case {
  const char* name;
  std::function<Layer()> make;
  Tensors x, constants;
  bool random = false;  // in training
  bool smooth = true;   // the gradient is that of the value
};

std::vector<Case> cases(int64_t batch = 4, int64_t steps = 6, int units = 5) {
  const ModernOptions size{units};
  const Tensor x = 0.8 * normal({batch, steps, 3}, 3);
  const Tensor observed = uniform(0, 1, {batch, steps, 3}, 4) > 0.4,
               gap = uniform(0, 2, {batch, steps, 3}, 5),
               resets = uniform(0, 1, {batch, steps}, 6) > 0.7;
  return {
      {"recurrent dropout", [=] { return Layer(DroppedCell(size)); }, {x}, {}, true},
      {"zoneout", [=] { return Layer(ZoneoutCell(size)); }, {x}, {}, true},
      {"GRU-D", [=] { return Layer(GRUDCell({.units = units})); }, {x, observed, gap}, {}},
      {"resets", [=] { return Layer(ResetCell(size)); }, {x, resets}, {}},
      {"spikes", [=] { return Layer(LIFCell({.units = units})); }, {x}, {}, false, false},
      {"attention", [=] { return Layer(AttentionCell(size)); }, {x}, {normal({batch, 2, 3}, 7)}},
      {"maximum", [=] { return Layer(MaximumCell(size)); }, {x}, {}}};
}

}  // namespace

BOOST_FIXTURE_TEST_CASE(a_layer_is_a_loop_over_its_cell_to_second_order, InFloat64) {
  for (const Case& c : cases())
    for (const bool training : {false, true})
      for (const bool backwards : {false, true})
        for (const bool recompute : {false, true}) {
          const Layer rnn = RNN(c.make(), {.return_sequences = true,
                                           .return_state = true,
                                           .go_backwards = backwards,
                                           .recompute = recompute});
          rnn.build(shapes_of(c.x));
          randomize(rnn);
          const Tensors x = parameters(c.x), constants = parameters(c.constants);
          const Tensors leaves = leaves_of(rnn, x, constants);
          const CallOptions options{.training = training, .constants = constants};
          set_seed(11);
          const Tensors got = to_second_order(rnn.call(x, options), leaves);
          set_seed(11);
          const Tensors expected =
              to_second_order(by_hand(rnn.children().at(0), x, options, backwards), leaves);
          check_all(std::string(c.name) + (training ? ", training" : "") +
                        (backwards ? ", backwards" : "") + (recompute ? ", recomputed" : ""),
                    got, expected, 1e-11);
        }
}

BOOST_AUTO_TEST_CASE(one_thread_and_two_give_the_same_bits) {
  for (const Case& c : cases(66, 9, 48))
    for (const bool recompute : {false, true}) {
      const Layer rnn = RNN(c.make(), {.return_sequences = true, .recompute = recompute});
      rnn.build(shapes_of(c.x));
      const Tensors x = parameters(c.x), constants = parameters(c.constants);
      const auto run = [&](int threads) {
        const Threads in_use(threads);
        set_seed(12);
        return to_second_order(rnn.call(x, {.training = true, .constants = constants}),
                               leaves_of(rnn, x, constants));
      };
      check_all(c.name, run(2), run(1), 0);
    }
}

BOOST_AUTO_TEST_CASE(what_is_made_once_is_new_at_each_call) {
  for (const Case& c : cases()) {
    const Layer rnn = RNN(c.make());
    const Tensors x = parameters(c.x), constants = parameters(c.constants);
    const CallOptions training{.training = true, .constants = constants},
        inference{.constants = constants};
    const Tensor first = rnn(x, training), second = rnn(x, training);
    BOOST_TEST((max(abs(first - second)).item() > 0) == c.random, c.name);
    check_same(c.name, rnn(x, inference), rnn(x, inference));
  }
}

BOOST_FIXTURE_TEST_CASE(linked_is_loaded, InFloat64) {
  load_plugin(std::string(TEMPO_TEST_PLUGINS) + "/modern_cells.so");
  for (const Case& c : cases()) {
    const Layer linked = RNN(c.make(), {.return_sequences = true, .return_state = true});
    const Layer loaded = RNN(cell(c.make().type_name(), {{"units", 5}}),
                             {.return_sequences = true, .return_state = true});
    for (const Layer& layer : {linked, loaded}) {
      layer.build(shapes_of(c.x));
      randomize(layer);
    }
    const Tensors x = parameters(c.x), constants = parameters(c.constants);
    const auto run = [&](const Layer& layer) {
      set_seed(13);
      return to_second_order(layer.call(x, {.training = true, .constants = constants}),
                             leaves_of(layer, x, constants));
    };
    check_all(c.name, run(loaded), run(linked), 0);
  }
}

BOOST_FIXTURE_TEST_CASE(a_masked_end_is_not_there, InFloat64) {
  constexpr int64_t steps = 6, counted = 4;
  for (const Case& c : cases())
    for (const bool backwards : {false, true}) {
      const Layer rnn = RNN(c.make(), {.return_state = true, .go_backwards = backwards});
      rnn.build(shapes_of(c.x));
      randomize(rnn);
      const Tensors constants = parameters(c.constants), x = parameters(c.x);
      Tensors spoiled = x;  // masked steps may hold anything
      const Tensor mask = cast(concat({ones({4, counted}), zeros({4, steps - counted})}), bool_);
      spoiled[0] = where(expand_dims(mask, -1), x[0], std::numeric_limits<double>::quiet_NaN());
      const CallOptions cut{.constants = constants}, masked{.mask = mask, .constants = constants};
      const Tensors leaves = leaves_of(rnn, x, constants);
      check_all(c.name, to_second_order(rnn.call(spoiled, masked), leaves),
                to_second_order(rnn.call(part(x, 0, counted), cut), leaves), 1e-11);
    }
}

BOOST_FIXTURE_TEST_CASE(bidirectional_is_two_layers, InFloat64) {
  for (const Case& c : cases()) {
    const Layer both = Bidirectional(RNN(c.make(), {.return_sequences = true}));
    both.build(shapes_of(c.x));
    randomize(both);
    const Layer one = RNN(c.make(), {.return_sequences = true}),
                other = RNN(c.make(), {.return_sequences = true, .go_backwards = true});
    std::size_t next = 0;
    for (const Layer& layer : {one, other}) {
      layer.build(shapes_of(c.x));
      for (const Tensor& w : layer.weights()) assign(w, both.weights()[next++]);
    }
    const CallOptions call{.constants = c.constants};
    check_close(c.name, both(c.x, call), concat({one(c.x, call), reverse(other(c.x, call), 1)}),
                1e-12);
  }
}

BOOST_FIXTURE_TEST_CASE(a_stateful_layer_goes_on, InFloat64) {
  for (const Case& c : cases()) {
    const Layer whole = RNN(c.make(), {.return_sequences = true}),
                parts = RNN(c.make(), {.return_sequences = true, .stateful = true});
    for (const Layer& layer : {whole, parts}) {
      layer.build(shapes_of(c.x));
      randomize(layer);
    }
    const CallOptions call{.constants = c.constants};
    const Tensor expected = whole(c.x, call);
    for (int round = 0; round < 2; ++round) {
      const Tensor first = parts(part(c.x, 0, 2), call), rest = parts(part(c.x, 2, 6), call);
      check_close(c.name, concat({first, rest}, 1), expected, 1e-12);
      parts.reset_state();
    }
  }
}

BOOST_FIXTURE_TEST_CASE(a_stream_is_the_whole_sequence, InFloat64) {
  for (const Case& c : cases()) {
    const Sequential model({RNN(c.make(), {.return_sequences = true}), Dense({.units = 2})});
    const CallOptions call{.constants = c.constants};
    model(c.x, call);
    randomize(model.layers()[0]);
    const Tensor expected = model(c.x, call);
    Stream stream(model, {.batch = 4, .constants = c.constants});
    BOOST_TEST(stream.input_shapes().size() == c.x.size());
    for (int round = 0; round < 2; ++round) {
      for (int64_t t = 0; t < 6; ++t) {
        std::vector<std::vector<double>> x;
        for (const Tensor& sequence : c.x) x.push_back(take(sequence, t, 1).to_vector());
        std::vector<double> y(8);
        if (x.size() == 1) stream.step(x[0], y);
        if (x.size() == 2) stream.step({x[0], x[1]}, y);
        if (x.size() == 3) stream.step({x[0], x[1], x[2]}, y);
        check_close(c.name, tensor(y, {4, 2}), take(expected, t, 1), 1e-12);
      }
      stream.reset();
    }
  }
}

BOOST_FIXTURE_TEST_CASE(kept_states_are_saved_though_a_step_needs_constants, InFloat64) {
  const Case c = cases()[5];
  const auto make = [&] {
    return Sequential({RNN(c.make(), {.stateful = true}), Dense({.units = 2})});
  };
  Model model = make();
  model.compile({.loss = "mse"});  // a kept value belongs to the training that is saved
  const CallOptions call{.constants = c.constants};
  model(part(c.x, 0, 2), call);
  const std::string path = in_folder("model.safetensors");
  model.save(path);
  const Tensor expected = model(part(c.x, 2, 6), call);
  const Model again = load_model(path, {.cells = {cell<AttentionCell>("Attention")}});
  check_same("after loading", again(part(c.x, 2, 6), call), expected);
}

BOOST_FIXTURE_TEST_CASE(explain_needs_no_build, InFloat64) {
  for (const Case& c : cases())
    for (const Layer& layer : {c.make(), RNN(c.make())}) {
      const std::string text = explain(layer, c.x, {.constants = c.constants});
      BOOST_TEST(text.find("forward Program") != text.npos, c.name);
      BOOST_TEST(text.find("gradient Program") != text.npos, c.name);
      BOOST_TEST(!layer.built());
    }
}

BOOST_FIXTURE_TEST_CASE(gradients_are_those_of_the_values, InFloat64) {
  for (const Case& c : cases()) {
    const GradCheck report =
        gradcheck(RNN(c.make(), {.return_sequences = true}), c.x, {.constants = c.constants});
    BOOST_TEST(report.passed() == c.smooth, c.name << "\n" << report);
    const auto checks = [&](const std::string& input) {
      return std::any_of(report.rows.begin(), report.rows.end(),
                         [&](const GradCheck::Row& row) { return row.input == input; });
    };
    BOOST_TEST(checks("constant") == !c.constants.empty(), c.name);
    BOOST_TEST(checks(c.x.size() > 1 ? "input 0" : "input"), c.name);
  }
}

BOOST_AUTO_TEST_CASE(a_dtype_that_is_asked_for_is_there) {
  const Layer cell = ZoneoutCell();
  cell.build({{2, 3}}, float64);
  for (const Tensor& w : cell.weights()) BOOST_TEST((w.dtype() == float64));
  const Layer dense = Dense({.units = 2});
  dense.build({{2, 3}}, float64);
  BOOST_TEST((dense(zeros({2, 3}, float64)).dtype() == float64));
}
