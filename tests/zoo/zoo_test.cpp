// SPDX-License-Identifier: Apache-2.0
// The cells of the zoo: their numbers against loops written from their papers, the compiled loop
// against the plain one to second order, and a line for each in docs/cells.md. tests/conformance
// checks the rest, as for every layer.
#define BOOST_TEST_MODULE zoo
#include <fstream>
#include <functional>
#include <regex>
#include <set>

#include <tempo/load.hpp>
#include <tempo/tempo.hpp>
#include <tempo/zoo.hpp>

#include "plain_loop.hpp"
#include "zoo/more_papers.hpp"
#include "zoo/of_layers.hpp"
#include "zoo/papers.hpp"

using namespace tempo;
using namespace tempo::testing;

namespace {

using Loop = std::function<std::vector<Row>(const NamedWeights&, const std::vector<Rows>&)>;

struct Case {
  const char* name;
  Layer layer, cell;  // with the same options; no cell if only the layer is registered
  Loop paper;
  Tensors x;
};

// A loop over one sequence, with its other arguments.
template <class F, class... Told>
Loop one(F loop, Told... told) {
  return [=](const NamedWeights& w, const std::vector<Rows>& x) { return loop(w, x[0], told...); };
}

std::vector<Case> with_heads() {
  const Tensors x{0.8 * normal({3, 5, 4}, 3)};
  return {
      {"minGRU", MinGRU({.units = 6, .return_sequences = true}), cell("MinGRU", {{"units", 6}}),
       one(papers::min_gru), x},
      {"minLSTM", MinLSTM({.units = 6, .return_sequences = true}), cell("MinLSTM", {{"units", 6}}),
       one(papers::min_lstm), x},
      {"sLSTM", SLSTM({.units = 6, .heads = 2, .return_sequences = true}),
       cell("SLSTM", {{"units", 6}, {"heads", 2}}), one(papers::slstm, 2u, false), x},
      {"sLSTM, exponential",
       SLSTM(
           {.units = 6, .heads = 3, .forget_activation = "exponential", .return_sequences = true}),
       cell("SLSTM", {{"units", 6}, {"heads", 3}, {"forget_activation", "exponential"}}),
       one(papers::slstm, 3u, true), x},
      {"mLSTM", MLSTM({.units = 6, .heads = 2, .return_sequences = true}),
       cell("MLSTM", {{"units", 6}, {"heads", 2}}), one(papers::mlstm, 2u, false), x},
      {"mLSTM, exponential",
       MLSTM(
           {.units = 6, .heads = 1, .forget_activation = "exponential", .return_sequences = true}),
       cell("MLSTM", {{"units", 6}, {"heads", 1}, {"forget_activation", "exponential"}}),
       one(papers::mlstm, 1u, true), x},
      {"RG-LRU", RGLRU({.units = 6, .heads = 2, .conv_width = 3, .return_sequences = true}),
       cell("RGLRU", {{"units", 6}, {"heads", 2}, {"conv_width", 3}}),
       one(papers::rg_lru, 2u, true), x},
      {"RG-LRU alone", RGLRU({.units = 6, .heads = 1, .conv_width = 1, .return_sequences = true}),
       cell("RGLRU", {{"units", 6}, {"heads", 1}, {"conv_width", 1}}),
       one(papers::rg_lru, 1u, false), x},
      {"Gated DeltaNet", GatedDeltaNet({.units = 6, .heads = 2, .return_sequences = true}),
       cell("GatedDeltaNet", {{"units", 6}, {"heads", 2}}), one(papers::gated_delta_net, 2u), x},
      {"RWKV-7", RWKV7({.units = 6, .heads = 2, .rank = 2, .return_sequences = true}),
       cell("RWKV7", {{"units", 6}, {"heads", 2}, {"rank", 2}}), one(papers::rwkv7, 2u), x},
      {"Mamba-2",
       Mamba2({.units = 6, .heads = 2, .state_size = 3, .conv_width = 2, .return_sequences = true}),
       cell("Mamba2", {{"units", 6}, {"heads", 2}, {"state_size", 3}, {"conv_width", 2}}),
       one(papers::mamba2, 2u, true), x},
      {"Mamba-2 alone",
       Mamba2({.units = 6, .heads = 3, .state_size = 2, .conv_width = 1, .return_sequences = true}),
       cell("Mamba2", {{"units", 6}, {"heads", 3}, {"state_size", 2}, {"conv_width", 1}}),
       one(papers::mamba2, 3u, false), x},
  };
}

std::vector<Case> relatives() {
  const Tensors x{0.8 * normal({3, 5, 4}, 3)}, as_wide{0.8 * normal({3, 5, 6}, 3)};
  return {
      {"peephole", PeepholeLSTM({.units = 6, .return_sequences = true}),
       cell("PeepholeLSTM", {{"units", 6}}), one(papers::lstm, true, 0, 0), x},
      {"layer norm", LayerNormLSTM({.units = 6, .epsilon = 0.01, .return_sequences = true}),
       cell("LayerNormLSTM", {{"units", 6}, {"epsilon", 0.01}}), one(papers::layer_norm_lstm, 0.01),
       x},
      {"zoneout",
       ZoneoutLSTM(
           {.units = 6, .memory_zoneout = 0.4, .state_zoneout = 0.1, .return_sequences = true}),
       cell("ZoneoutLSTM", {{"units", 6}, {"memory_zoneout", 0.4}, {"state_zoneout", 0.1}}),
       one(papers::lstm, false, 0.4, 0.1), x},
      {"recurrent dropout", RecurrentDropoutLSTM({.units = 6, .return_sequences = true}),
       cell("RecurrentDropoutLSTM", {{"units", 6}}), one(papers::lstm, false, 0, 0), x},
      {"IndRNN", IndRNN({.units = 6, .return_sequences = true}), cell("IndRNN", {{"units", 6}}),
       one(papers::ind_rnn), x},
      {"SRU", SRU({.units = 6, .return_sequences = true}), cell("SRU", {{"units", 6}}),
       one(papers::sru), x},
      {"SRU without a projection", SRU({.units = 6, .return_sequences = true}),
       cell("SRU", {{"units", 6}}), one(papers::sru), as_wide},
      {"LRU", LRU({.units = 6, .state_size = 3, .return_sequences = true}),
       cell("LRU", {{"units", 6}, {"state_size", 3}}), one(papers::lru), x},
      {"RHN", RHN({.units = 6, .depth = 2, .return_sequences = true}),
       cell("RHN", {{"units", 6}, {"depth", 2}}), one(papers::rhn, 2u), x},
      {"LIF", LIF({.units = 6, .decay = 0.8, .threshold = 0.3, .return_sequences = true}),
       cell("LIF", {{"units", 6}, {"decay", 0.8}, {"threshold", 0.3}}), one(papers::lif, 0.8, 0.3),
       x},
      {"block GRU", BlockGRU({.units = 6, .heads = 2, .return_sequences = true}),
       cell("BlockGRU", {{"units", 6}, {"heads", 2}}), one(papers::block_gru, 2u), x},
      {"M2RNN", M2RNN({.units = 6, .heads = 2, .conv_width = 3, .return_sequences = true}),
       cell("M2RNN", {{"units", 6}, {"heads", 2}, {"conv_width", 3}}), one(papers::m2rnn, 2u, true),
       x},
      {"M2RNN alone", M2RNN({.units = 6, .heads = 3, .conv_width = 1, .return_sequences = true}),
       cell("M2RNN", {{"units", 6}, {"heads", 3}, {"conv_width", 1}}),
       one(papers::m2rnn, 3u, false), x},
  };
}

// A loop over several sequences, with its other arguments.
template <class F, class... Told>
Loop several(F loop, Told... told) {
  return [=](const NamedWeights& w, const std::vector<Rows>& x) { return loop(w, x, told...); };
}

std::vector<Case> of_time() {
  const Tensor x = 0.8 * normal({3, 5, 4}, 3), gap = uniform(0, 2, {3, 5, 1}, 5),
               observed = uniform(0, 1, {3, 5, 4}, 4) > 0.4, since = uniform(0, 2, {3, 5, 4}, 6),
               mass = uniform(0, 1, {3, 5, 2}, 7), memory = normal({3, 2, 3}, 8);
  return {
      {"GRU-D",
       GRUD({.units = 6, .return_sequences = true}),
       cell("GRUD", {{"units", 6}}),
       several(papers::gru_d),
       {x, observed, since}},
      {"CfC",
       CfC({.units = 6, .backbone_units = 5, .return_sequences = true}),
       cell("CfC", {{"units", 6}, {"backbone_units", 5}}),
       several(papers::cfc),
       {x}},
      {"CfC with gaps",
       CfC({.units = 6, .backbone_units = 5, .return_sequences = true}),
       cell("CfC", {{"units", 6}, {"backbone_units", 5}}),
       several(papers::cfc),
       {x, gap}},
      {"LTC",
       LTC({.units = 6, .unfolds = 3, .return_sequences = true}),
       cell("LTC", {{"units", 6}, {"unfolds", 3}}),
       several(papers::ltc, 3),
       {x}},
      {"LTC with gaps",
       LTC({.units = 6, .unfolds = 2, .return_sequences = true}),
       cell("LTC", {{"units", 6}, {"unfolds", 2}}),
       several(papers::ltc, 2),
       {x, gap}},
      {"phased",
       PhasedLSTM({.units = 6, .open_ratio = 0.6, .return_sequences = true}),
       cell("PhasedLSTM", {{"units", 6}, {"open_ratio", 0.6}}),
       several(papers::phased_lstm, 0.6, 0),
       {x}},
      {"phased with times",
       PhasedLSTM({.units = 6, .open_ratio = 0.6, .return_sequences = true}),
       cell("PhasedLSTM", {{"units", 6}, {"open_ratio", 0.6}}),
       several(papers::phased_lstm, 0.6, 0),
       {x, gap}},
      {"MC-LSTM",
       MCLSTM({.units = 6, .return_sequences = true}),
       cell("MCLSTM", {{"units", 6}}),
       several(papers::mc_lstm),
       {mass, x}},
      {"LMU",
       LMU({.units = 6, .order = 3, .theta = 4, .return_sequences = true}),
       cell("LMU", {{"units", 6}, {"order", 3}, {"theta", 4.0}}),
       one(papers::lmu, 3u, 4.0),
       {x}},
      {"attention decoder",
       AttentionDecoder({.units = 6, .attention_units = 2, .return_sequences = true}),
       Layer{},
       several(papers::attention_decoder),
       {x, memory}},
  };
}

std::vector<Case> cases() {
  std::vector<Case> all = with_heads();
  for (const std::vector<Case>& more : {relatives(), of_time()})
    all.insert(all.end(), more.begin(), more.end());
  return all;
}

// Makes all weights differ. Those that are not trained stay, except GRU-D's mean.
void scatter(const Layer& layer) {
  Tensors changed = layer.trainable_weights();
  for (const Tensor& w : layer.weights())
    if (w.path().ends_with("/mean")) changed.push_back(w);
  int64_t seed = 70;
  for (const Tensor& w : changed) assign(w, 0.6 * normal(w.shape(), seed++));
}

std::string read(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(std::string(TEMPO_SOURCE_DIR) + "/" + path).rdbuf();
  return text.str();
}

}  // namespace

BOOST_FIXTURE_TEST_CASE(the_numbers_are_those_of_the_papers, InFloat64) {
  for (const Case& c : cases()) {
    c.layer.build(shapes_of(c.x));
    scatter(c.layer);
    const Tensor y = c.layer.call(c.x, {})[0];
    const NamedWeights weights = weights_of(c.layer);
    for (int64_t b = 0; b < y.shape()[0]; ++b) {
      std::vector<Rows> x;
      for (const Tensor& t : c.x) x.push_back(sequence(t, b));
      Row expected;
      for (const Row& row : c.paper(weights, x)) expected = joined(expected, row);
      check_close(c.name, take(y, b), tensor(expected, y.shape().without_first(), float64), 1e-12);
    }
  }
}

BOOST_FIXTURE_TEST_CASE(the_compiled_loop_is_the_plain_one_to_second_order, InFloat64) {
  for (const Case& c : cases())
    for (const bool training : {false, true}) {
      if (!c.cell) continue;
      const Layer rnn = RNN(c.cell, {.return_sequences = true, .return_state = true});
      rnn.build(shapes_of(c.x));
      randomize(rnn);
      const Tensors x = parameters(c.x), leaves = leaves_of(rnn, x, {});
      const CallOptions options{.training = training};
      set_seed(11);
      const Tensors got = to_second_order(rnn.call(x, options), leaves);
      set_seed(11);
      check_all(c.name, got, to_second_order(by_hand(c.cell, x, options, false), leaves), 1e-11);
    }
}

BOOST_AUTO_TEST_CASE(a_script_stacks_them_like_any_layer) {
  const auto [x, y] = windows(sin(arange(0.0, 30.0, 0.1)), {.steps = 12});
  set_seed(5);
  Sequential model({MinGRU({.units = 16, .return_sequences = true}),
                    Bidirectional(SLSTM({.units = 8, .heads = 2})), Dense({.units = 1})});
  model.compile({.optimizer = Adam({.learning_rate = 0.01}), .loss = "mse"});
  const History history = model.fit(x, y, {.epochs = 8, .verbose = 0});
  const std::vector<double> loss = history["loss"];
  BOOST_TEST(loss.back() < 0.1 * loss.front());
}

BOOST_FIXTURE_TEST_CASE(zoneout_keeps_some_units_and_changes_the_others, InFloat64) {
  const ZoneoutLSTMOptions options{
      .units = 40, .memory_zoneout = 0.5, .state_zoneout = 0.3, .return_state = true};
  const Layer layer = ZoneoutLSTM(options);
  const Tensor x = normal({5, 1, 3}), h = normal({5, 40}, 2), c = normal({5, 40}, 3);
  const Tensors mixed = layer.call({x}, {.initial_state = {h, c}});
  set_seed(4);
  const Tensors drawn = layer.call({x}, {.training = true, .initial_state = {h, c}});
  const Tensor olds[] = {h, c};
  const double rates[] = {options.state_zoneout, options.memory_zoneout};
  for (std::size_t i = 0; i < 2; ++i) {
    const Tensor now = (mixed[i + 1] - rates[i] * olds[i]) / (1 - rates[i]);
    const Tensor kept = equal(drawn[i + 1], olds[i]);
    check_close("a unit is old or new", drawn[i + 1], where(kept, olds[i], now), 1e-12);
    BOOST_TEST(std::abs(mean(cast(kept, float64)).item() - rates[i]) < 0.1);
  }
}

BOOST_FIXTURE_TEST_CASE(dropout_of_the_candidate_leaves_the_memory, InFloat64) {
  const Layer layer = RecurrentDropoutLSTM({.units = 40, .rate = 0.25, .return_state = true});
  const Tensor x = normal({5, 1, 3}), h = normal({5, 40}, 2), c = normal({5, 40}, 3);
  const CallOptions from_c{.initial_state = {h, c}}, from_0{.initial_state = {h, zeros_like(c)}};
  const Tensor kept = layer.call({x}, from_c)[2] - layer.call({x}, from_0)[2];  // f c
  const Tensor written = layer.call({x}, from_0)[2];
  set_seed(4);
  const Tensor drawn = layer.call({x}, {.training = true, .initial_state = {h, c}})[2];
  const Tensor dropped = less(abs(drawn - kept), 1e-12);
  check_close("a candidate is 0 or larger", drawn, where(dropped, kept, kept + written / 0.75),
              1e-12);
  BOOST_TEST(std::abs(mean(cast(dropped, float64)).item() - 0.25) < 0.1);
}

BOOST_FIXTURE_TEST_CASE(mass_is_neither_made_nor_lost, InFloat64) {
  const Layer layer = MCLSTM({.units = 6, .return_sequences = true, .return_state = true});
  const Tensor mass = uniform(0, 1, {3, 9, 2}), other = normal({3, 9, 4});
  const Tensors y = layer.call({mass, other}, {});
  const double left = sum(y[0]).item(), stored = sum(y[1]).item();
  BOOST_TEST(std::abs(left + stored - sum(mass).item()) < 1e-12);
  BOOST_TEST(left > 0.1);
}

BOOST_FIXTURE_TEST_CASE(a_spike_has_the_gradient_of_a_fast_sigmoid, InFloat64) {
  const Layer layer = LIF({.units = 2, .threshold = 0.5, .slope = 3});
  const Tensor x = parameter(tensor({{{0.4, 0.9}}}, float64));
  layer(x);
  for (const Tensor& w : layer.weights())
    assign(w, w.rank() == 2 ? tensor({{1.0, 0.0}, {0.0, 1.0}}, float64) : zeros({2}, float64));
  const Tensor y = layer(x);
  check_close("spikes", y, tensor({{0.0, 1.0}}, float64), 0);
  const Tensor dx = gradient(sum(y), {x})[0];
  check_close("gradient", dx, tensor({{{1 / (1.3 * 1.3), 1 / (2.2 * 2.2)}}}, float64), 1e-12);
}

BOOST_FIXTURE_TEST_CASE(a_masked_place_of_a_memory_is_not_read, InFloat64) {
  const Layer layer = AttentionDecoder({.units = 6, .return_sequences = true});
  const Tensor x = normal({3, 5, 4}), memory = normal({3, 4, 2}, 8);
  const Tensor mask = cast(concat({ones({3, 3}), zeros({3, 1})}), bool_);
  const Tensor short_one = layer({x, slice(memory, 1, 0, 3)});
  check_close("masked", layer({x, with_mask(memory, mask)}), short_one, 1e-12);
  BOOST_TEST(max(abs(layer({x, memory}) - short_one)).item() > 1e-3);
}

BOOST_AUTO_TEST_CASE(each_cell_has_its_line_with_formula_and_source) {
  static const std::regex line(R"re(\n\| `(\w+)` \| ([^|]+) \| `([^`]+)` \| ([^|]+) \|)re");
  const std::string page = read("docs/cells.md");
  std::set<std::string> described;
  for (std::sregex_iterator i(page.begin(), page.end(), line), end; i != end; ++i) {
    described.insert((*i)[1]);
    BOOST_TEST(std::regex_search((*i)[2].str(), std::regex("(19|20)\\d\\d")), (*i)[1]);
  }
  const std::set<std::string> names = names_in_the_zoo();
  BOOST_TEST(names == described, boost::test_tools::per_element());
  BOOST_TEST(names.contains("MinGRU"));
}
