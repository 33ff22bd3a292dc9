// SPDX-License-Identifier: Apache-2.0
// Inputs over which cells do not run, and invalid options: the errors name them, and a right call
// afterwards works.
#define BOOST_TEST_MODULE refusals
#include <tempo/stream.hpp>
#include <tempo/tempo.hpp>
#include <tempo/zoo.hpp>

#include "testing.hpp"
#include "zoo/of_layers.hpp"

using namespace tempo;
using namespace tempo::testing;

namespace {

void has(const std::string& text, const std::string& part) {
  BOOST_TEST(text.find(part) != std::string::npos, text);
}

}  // namespace

BOOST_AUTO_TEST_CASE(sequences_of_another_rank_are_refused_before_anything_is_built) {
  std::set<std::string> names = names_in_the_zoo();
  names.insert({"LSTM", "GRU", "SimpleRNN"});
  names.erase("AttentionDecoder");  // tested below
  for (const std::string& name : names) {
    const std::size_t n = name == "GRUD" ? 3 : name == "MCLSTM" ? 2 : 1;
    const auto all = [&](const Shape& shape) { return Tensors(n, zeros(shape)); };
    const std::initializer_list<Option> options{{"units", 16}};
    const Layer alone = layer(name, options), in_rnn = RNN(cell(name, options));
    for (const Layer& one : {alone, in_rnn})
      for (const Shape& shape : {Shape{2, 5}, Shape{2, 5, 3, 4}}) {
        has(error_of<ShapeError>([&] { one(all(shape)); }), name);
        BOOST_TEST(!one.built(), name);
      }
    BOOST_TEST(alone(all({2, 5, 4})).shape() == (Shape{2, 16}), name);
    BOOST_TEST(in_rnn(all({2, 5, 4})).shape() == (Shape{2, 16}), name);
  }
  const Layer decoder = AttentionDecoder({.units = 8});
  has(error_of([&] {
        decoder({zeros({2, 5}), zeros({2, 3, 4})});
      }),
      "AttentionDecoder: needs [batch, time, features], got [2, 5].");
  BOOST_TEST(decoder({zeros({2, 5, 4}), zeros({2, 3, 4})}).shape() == (Shape{2, 8}));
}

BOOST_AUTO_TEST_CASE(what_a_layer_cannot_run_over_is_said) {
  const Tensor x = zeros({2, 3, 4});
  has(error_of([&] {
        CfC({.units = 3})({x, zeros({2, 3})});
      }),
      "CfC, sequence 1: needs [batch, time, features], got [2, 3].");
  has(error_of([&] {
        CfC({.units = 3})({x, zeros({2, 3, 5}, int64)});
      }),
      "CfC: the second sequence of {x, gap} is [2, time, 5]; it must be [batch, time, 1]");
  has(error_of([&] {
        PhasedLSTM({.units = 3})({x, zeros({2, 3, 5})});
      }),
      "PhasedLSTM: the second sequence of {x, time} is [2, time, 5]; it must be [batch, time, 1]");
  has(error_of([&] {
        LTC({.units = 3})({x, x, x});
      }),
      "LTC: takes one or two sequences, got 3.\n  Give it x, or {x, gap}.");
  has(error_of([&] {
        RNN(cell("LTC", {{"units", 3}}))(zeros({2, 5}));
      }),
      "LTC: a step of sequence 0 of {x, gap} is [2]; it must be [batch, features].");
  has(error_of([&] {
        GRUD({.units = 3})
        (x);
      }),
      "GRUD: its step takes 3 sequences, got 1.\n  Give them all, in order: rnn({values, observed, "
      "since}).");
  has(error_of([&] { MCLSTM({.units = 3})(x); }), "in order: rnn({mass, other}).");
  const Layer grud = GRUD({.units = 3});
  for (int tries = 0; tries < 2; ++tries) {
    has(error_of([&] {
          grud({x, x, zeros({2, 3, 1})});
        }),
        "GRUD: {values, observed, since} have 4, 4, 1 features; all three need the same, 4.");
    (void)grud({x, x, x});
  }
  has(error_of([&] {
        LRU({.units = 3, .min_radius = 0.9, .max_radius = 0.5})
        (x);
      }),
      "LRU: min_radius is 0.9");
}

BOOST_AUTO_TEST_CASE(what_a_decoder_cannot_attend_to_is_said) {
  const Tensor x = zeros({2, 3, 4});
  has(error_of([&] { AttentionDecoder({.units = 3})(x); }),
      "AttentionDecoder: takes {x, memory}, got 1 inputs.\n  Call it as decoder({x, memory}).");
  has(error_of([&] {
        AttentionDecoder({.units = 3})({x, zeros({1, 3, 4})});
      }),
      "AttentionDecoder: the memory is [1, 3, 4] for x of [2, 3, 4].");
  has(error_of([&] {
        AttentionDecoder({.units = 3})({x, zeros({2, 0, 4})});
      }),
      "AttentionDecoder: the memory is [2, 0, 4], of no places");
  const Sequential model{AttentionDecoder({.units = 3, .return_sequences = true})};
  (void)model.call({x, x});
  has(error_of([&] { Stream stream(model); }), "AttentionDecoder: it does not run in a Stream");
}

BOOST_AUTO_TEST_CASE(what_runs_one_way_alone_has_no_other) {
  has(error_of([&] { Bidirectional(GRUD({.units = 3})); }), "GRUD has no option `go_backwards`");
}

BOOST_AUTO_TEST_CASE(units_that_the_heads_do_not_share_are_refused) {
  const Layer layer = MLSTM({.units = 6, .heads = 4});
  has(error_of([&] {
        layer(zeros({2, 3, 4}));
      }),
      "MLSTM: units is 6 and heads is 4; each head has the same number of units.\n  Make units a "
      "multiple of heads, or give {.heads = 1}.");
}

BOOST_AUTO_TEST_CASE(what_has_limits_is_finite_unless_it_begins_as_infinite) {
  const double nan = std::numeric_limits<double>::quiet_NaN(), inf = HUGE_VAL;
  has(error_of([&] { LIF({.units = 3, .threshold = nan}); }), "LIF: option `threshold` is nan");
  has(error_of([&] { LIF({.units = 3, .threshold = inf}); }),
      "LIF: option `threshold` is inf; it must be at least 0, and finite.");
  has(error_of([&] { LMU({.units = 3, .theta = inf}); }), "LMU: option `theta` is inf");
  has(error_of([&] { LMU({.units = 3, .order = 1 << 20}); }), "it must be within [1, 512]");
  has(error_of([&] { LayerNormLSTM({.units = 3, .epsilon = 0}); }), "option `epsilon` is 0");
  BOOST_TEST(error_of([&] { ReLU({.max_value = inf})(zeros({2, 3})); }) == "nothing was thrown");
  BOOST_TEST(error_of([&] {
               Masking({.mask_value = -inf})(zeros({2, 3, 4}));
             }) == "nothing was thrown");
  BOOST_TEST(error_of([&] {
               Masking({.mask_value = nan})(zeros({2, 3, 4}));
             }) == "nothing was thrown");
}

BOOST_AUTO_TEST_CASE(a_window_of_any_width_has_its_shape) {
  const Layer one = cell("M2RNN", {{"units", 8}, {"heads", 2}, {"conv_width", int64_t{1} << 30}});
  BOOST_TEST(state_shapes(one, 2).at(1) == (Shape{2, ((int64_t{1} << 30) - 1) * 24}));
}
