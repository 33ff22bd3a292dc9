// SPDX-License-Identifier: Apache-2.0
// The first values of the zoo's weights, if a paper or its authors' program says what they are.
#define BOOST_TEST_MODULE initial_values
#include <functional>

#include <tempo/zoo.hpp>

#include "testing.hpp"
#include "zoo/of_layers.hpp"

using namespace tempo;
using namespace tempo::testing;

namespace {

using Read = std::function<Row(const NamedWeights&)>;

// The values read lie within [low, high], and fill it except for a fifth at either end.
struct Range {
  const char* what;
  Layer layer;
  Shapes inputs;
  Read read;
  double low, high;
};

Read whole(const char* name) {
  return [=](const NamedWeights& w) { return w[name]; };
}
// In each of `of` equal rows, the part of `n` numbers that begins at `begin`.
Read part(const char* name, std::size_t of, std::size_t begin, std::size_t n) {
  return [=](const NamedWeights& w) {
    Row all;
    for (std::size_t i = 0; i < of; ++i) all = joined(all, range(cut(w[name], i, of), begin, n));
    return all;
  };
}
template <class F>
Read through(F f, const Read& read) {
  return [=](const NamedWeights& w) { return each(f, read(w)); };
}
double glorot(double in, double out) { return std::sqrt(6 / (in + out)); }

// Kernels that are drawn uniformly within [-most, most].
Range even(const char* what, const Layer& layer, const Shapes& inputs, const char* name,
           double most) {
  return {what, layer, inputs, whole(name), -most, most};
}
Range constantly(const char* what, const Layer& layer, const Shapes& inputs, const Read& read,
                 double value) {
  return {what, layer, inputs, read, value, value};
}

std::vector<Range> ranges() {
  constexpr auto exponent = [](double v) { return std::exp(v); };
  constexpr auto small = [](double v) { return std::log(soft_plus(v)) / std::log(10.0); };
  const Shapes x{{2, 3, 4}}, three{{2, 3, 4}, {2, 3, 4}, {2, 3, 4}}, two{{2, 3, 2}, {2, 3, 4}};
  const double third = logistic(3), sixth = logistic(6);
  const Layer rwkv = RWKV7({.units = 64, .heads = 4}), block = BlockGRU({.units = 64}),
              lstm_bias[] = {PeepholeLSTM({.units = 64}), LayerNormLSTM({.units = 64}),
                             ZoneoutLSTM({.units = 64}), RecurrentDropoutLSTM({.units = 64}),
                             PhasedLSTM({.units = 64})};
  std::vector<Range> all{
      even("minGRU", MinGRU({.units = 64}), x, "kernel", glorot(4, 128)),
      even("minLSTM", MinLSTM({.units = 64}), x, "kernel", glorot(4, 192)),
      {"sLSTM, bias of f", SLSTM({.units = 64}), x, part("bias", 4, 32, 16), 3, 6},
      {"sLSTM, exponential, f", SLSTM({.units = 64, .forget_activation = "exponential"}), x,
       through(exponent, part("bias", 4, 32, 16)), third, sixth},
      constantly("sLSTM, bias of z and i", SLSTM({.units = 64}), x, part("bias", 4, 0, 32), 0),
      even("sLSTM", SLSTM({.units = 64}), x, "recurrent", 0.25),
      {"mLSTM, bias of f", MLSTM({.units = 64, .heads = 16}), x, part("gate_bias", 1, 16, 16), 3,
       6},
      {"mLSTM, exponential, f",
       MLSTM({.units = 64, .heads = 16, .forget_activation = "exponential"}), x,
       through(exponent, part("gate_bias", 1, 16, 16)), third, sixth},
      {"mLSTM, bias of i", MLSTM({.units = 64, .heads = 64}), x,
       through([](double v) { return v > 0 ? 0.1 : -0.1; }, part("gate_bias", 1, 0, 64)), -0.1,
       0.1},
      constantly("mLSTM, gates", MLSTM({.units = 64}), x, whole("gate_kernel"), 0),
      {"RG-LRU, a^8", RGLRU({.units = 256}), x,
       through([](double v) { return std::pow(logistic(v), 8); }, whole("a_parameter")), 0.9,
       0.999},
      {"Gated DeltaNet, rate", GatedDeltaNet({.units = 256, .heads = 64}), x,
       through(exponent, whole("rate")), 0, 16},
      {"Gated DeltaNet, step", GatedDeltaNet({.units = 256, .heads = 64}), x,
       through(small, whole("rate_bias")), -3, -1},
      {"RWKV-7, mix", RWKV7({.units = 64}), {{2, 3, 64}}, part("mix", 6, 1, 63), 0, 1},
      {"RWKV-7, removal", rwkv, x, whole("removal"), 0.66, 0.76},
      constantly("RWKV-7, renewal", rwkv, x, whole("renewal"), 1.02),
      constantly("RWKV-7, bonus", rwkv, x, whole("bonus"), -0.04),
      constantly("RWKV-7, down", rwkv, x, whole("down"), 0),
      {"RWKV-7, decay bias", rwkv, x, whole("decay_bias"), -8, 3},
      {"RWKV-7, keys", RWKV7({.units = 64}), x, part("kernel", 1, 256, 256), -0.025, 0.025},
      {"RWKV-7, receptance", RWKV7({.units = 64}), x, part("kernel", 1, 0, 256), -0.25, 0.25},
      {"Mamba-2, rate", Mamba2({.units = 256, .heads = 64}), x, through(exponent, whole("rate")), 1,
       16},
      {"Mamba-2, step", Mamba2({.units = 256, .heads = 64}), x, through(small, whole("rate_bias")),
       -3, -1},
      {"M2RNN, rate", M2RNN({.units = 256, .heads = 64}), x, through(exponent, whole("rate")), 0,
       16},
      {"M2RNN, recurrent", M2RNN({.units = 64}), x, whole("recurrent"), 0, 1},
      {"block GRU, keys of blocks", block, x, whole("gate_kernel"), -2.3 / 8, 2.3 / 8},
      constantly("block GRU, bias", block, x, whole("gate_bias"), 0),
      {"IndRNN", IndRNN({.units = 64}), x, whole("recurrent"), 0, 1},
      even("SRU", SRU({.units = 64}), x, "recurrent", 0.125),
      constantly("RHN, bias of t", RHN({.units = 64}), x, part("bias", 3, 64, 64), -2),
      constantly("RHN, bias of h", RHN({.units = 64}), x, part("bias", 3, 0, 64), 0),
      {"LRU, radius", LRU({.units = 6, .state_size = 256}), x,
       through([](double v) { return std::exp(-std::exp(v)); }, whole("nu")), 0.4, 0.99},
      {"LRU, phase", LRU({.units = 6, .state_size = 256}), x, through(exponent, whole("theta")), 0,
       6.283},
      even("LIF", LIF({.units = 64}), x, "kernel", glorot(4, 64)),
      constantly("GRU-D, mean", GRUD({.units = 64}), three, whole("mean"), 0),
      constantly("CfC, bias", CfC({.units = 64}), x, whole("bias"), 0),
      constantly("LTC, time constant", LTC({.units = 64}), x, through(soft_plus, whole("tau")), 1),
      {"LTC, A", LTC({.units = 64}), x, whole("A"), -1, 1},
      {"phased, period", PhasedLSTM({.units = 256}), x,
       through([](double v) { return std::log(v); }, whole("period")), 0, std::log(1000)},
      {"phased, shift", PhasedLSTM({.units = 256}), x,
       [](const NamedWeights& w) {
         Row shares;
         for (std::size_t j = 0; j < w["shift"].size(); ++j)
           shares.push_back(w["shift"][j] / w["period"][j]);
         return shares;
       },
       0, 1},
      constantly("MC-LSTM, bias of o", MCLSTM({.units = 64}), two, whole("out_bias"), -3),
      {"MC-LSTM, bias of R", MCLSTM({.units = 64}), two, whole("move_bias"), 0, 1},
      {"LMU, e_x", LMU({.units = 64}), {{2, 3, 48}}, part("signal", 1, 0, 48), -0.25, 0.25},
      {"LMU, e_h", LMU({.units = 48}), x, part("signal", 1, 4, 48), -0.25, 0.25},
      constantly("LMU, e_m", LMU({.units = 48}), x, part("signal", 1, 52, 16), 0),
      constantly("attention decoder", AttentionDecoder({.units = 64}), {{2, 3, 4}, {2, 5, 4}},
                 whole("bias"), 0),
  };
  for (const Layer& layer : lstm_bias) {
    all.push_back(constantly("bias of f", layer, x, part("bias", 1, 64, 64), 1));
    all.push_back(constantly("bias of i", layer, x, part("bias", 1, 0, 64), 0));
  }
  return all;
}

}  // namespace

BOOST_AUTO_TEST_CASE(weights_begin_where_the_papers_say) {
  set_seed(1);
  std::set<std::string> seen;
  for (const Range& r : ranges()) {
    r.layer.build(r.inputs);
    seen.insert(r.layer.type_name());
    const Row values = r.read(weights_of(r.layer));
    const double least = *std::min_element(values.begin(), values.end()),
                 most = *std::max_element(values.begin(), values.end()),
                 slack = 1e-5 * std::max(1.0, std::abs(r.high)), fifth = (r.high - r.low) / 5;
    BOOST_TEST((least >= r.low - slack && least <= r.low + fifth + slack),
               r.what << ": the least is " << least << ", of [" << r.low << ", " << r.high << "]");
    BOOST_TEST(
        (most <= r.high + slack && most >= r.high - fifth - slack),
        r.what << ": the greatest is " << most << ", of [" << r.low << ", " << r.high << "]");
  }
  BOOST_TEST(seen == names_in_the_zoo(), boost::test_tools::per_element());
}
