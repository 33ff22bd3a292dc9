// SPDX-License-Identifier: Apache-2.0
// Every recurrent layer against its formula, written out and run as an eager loop: with as many
// units as features, so that only numbers tell weights apart, and with every activation.
#define BOOST_TEST_MODULE formulas
#include <tempo/layers.hpp>

#include "testing.hpp"

using namespace tempo;
using namespace tempo::testing;

namespace {

struct InFloat64 {
  InFloat64() { set_default_dtype(float64); }
  ~InFloat64() { set_default_dtype(float32); }
};

// The inputs of a formula besides x and the state.
struct Given {
  Tensors w;
  Activation activation, recurrent_activation;
};
using Formula = Step (*)(const Given& g, const Tensor& x, const State& s);

Step simple_rnn(const Given& g, const Tensor& x, const State& s) {
  const Tensor next = g.activation(matmul(x, g.w[0]) + matmul(s[0], g.w[1]) + g.w[2]);
  return {next, {next}};
}

Step lstm_of_gates(const Given& g, const Tensor& gates, const Tensor& c) {
  const auto [in, keep, candidate, out] = split<4>(gates);
  const Tensor next_c = g.recurrent_activation(keep) * c +
                        g.recurrent_activation(in) * g.activation(candidate),
               next_h = g.recurrent_activation(out) * g.activation(next_c);
  return {next_h, {next_h, next_c}};
}

Step lstm(const Given& g, const Tensor& x, const State& s) {
  return lstm_of_gates(g, matmul(x, g.w[0]) + matmul(s[0], g.w[1]) + g.w[2], s[1]);
}

Step gru_of(const Given& g, const Tensor& h, const Tensor& z, const Tensor& candidate) {
  const Tensor next = z * h + (1 - z) * g.activation(candidate);
  return {next, {next}};
}

Step gru_reset_after(const Given& g, const Tensor& x, const State& s) {
  const auto [xz, xr, xg] = split<3>(matmul(x, g.w[0]) + take(g.w[2], 0));
  const auto [hz, hr, hg] = split<3>(matmul(s[0], g.w[1]) + take(g.w[2], 1));
  const Tensor r = g.recurrent_activation(xr + hr);
  return gru_of(g, s[0], g.recurrent_activation(xz + hz), xg + r * hg);
}

Step gru_reset_before(const Given& g, const Tensor& x, const State& s) {
  const auto [xz, xr, xg] = split<3>(matmul(x, g.w[0]) + g.w[2]);
  const auto [to_z, to_r, to_g] = split<3>(g.w[1]);
  const Tensor r = g.recurrent_activation(xr + matmul(s[0], to_r));
  return gru_of(g, s[0], g.recurrent_activation(xz + matmul(s[0], to_z)),
                xg + matmul(r * s[0], to_g));
}

// For any number of axes: a product for each place of the kernel, with the input shifted to it.
Tensor convolved(const Tensor& x, const Tensor& kernel, bool same) {
  const int axes = kernel.rank() - 2;
  Tensor around = x;
  int64_t places = 1;
  for (int a = 0; a < axes; ++a) {
    const int64_t more = same ? kernel.shape()[a] - 1 : 0;
    around = pad(around, 1 + a, more / 2, more - more / 2);
    places *= kernel.shape()[a];
  }
  Tensor sum;
  for (int64_t place = 0; place < places; ++place) {
    Tensor part = around, w = kernel;
    int64_t rest = place;
    for (int a = axes - 1; a >= 0; --a) {
      const int64_t size = kernel.shape()[a], at = rest % size;
      rest /= size;
      part = slice(part, 1 + a, at, at + around.shape()[1 + a] - size + 1);
      w = take(w, at, a);
    }
    sum = sum ? sum + matmul(part, w) : matmul(part, w);
  }
  return sum;
}

template <bool same>
Step conv_lstm(const Given& g, const Tensor& x, const State& s) {
  return lstm_of_gates(g, convolved(x, g.w[0], same) + convolved(s[0], g.w[1], true) + g.w[2],
                       s[1]);
}

struct Setting {
  std::string activation = "tanh", recurrent_activation = "sigmoid";
  Tensor mask = {};
  bool zero_output = false, backwards = false;
};

// Returns the outputs of all steps, and the last states. A masked step changes no state.
Tensors by_hand(Formula formula, const Given& g, const Tensor& x, State state, const Setting& how) {
  const int64_t steps = x.shape()[1];
  Tensor last = 0 * state[0];
  Tensors outputs(static_cast<std::size_t>(steps));
  for (int64_t i = 0; i < steps; ++i) {
    const int64_t t = how.backwards ? steps - 1 - i : i;
    const Step done = formula(g, take(x, t, 1), state);
    Tensor counts = how.mask ? take(how.mask, t, 1) : ones({x.shape()[0]}, bool_);
    while (counts.rank() < done.output.rank()) counts = expand_dims(counts, -1);
    last = where(counts, done.output, how.zero_output ? 0 * last : last);
    for (std::size_t k = 0; k < state.size(); ++k)
      state[k] = where(counts, done.state[k], state[k]);
    outputs[static_cast<std::size_t>(i)] = last;
  }
  Tensors all{stack(outputs, 1)};
  all.insert(all.end(), state.begin(), state.end());
  return all;
}

template <class Options>
Options with(Options o, const Setting& how) {
  o.activation = how.activation;
  if constexpr (requires { o.recurrent_activation; })
    o.recurrent_activation = how.recurrent_activation;
  o.return_sequences = o.return_state = true;
  o.go_backwards = how.backwards;
  o.zero_output_for_mask = how.zero_output;
  return o;
}

struct Case {
  const char* layer;
  Formula formula;
  std::size_t states;
  Shape input, state;
  Layer (*make)(const Setting& how);
};

std::vector<Case> cases() {
  const Shape x{3, 4, 5}, h{3, 5};
  using How = const Setting&;
  return {
      {"SimpleRNN", simple_rnn, 1, x, h,
       [](How how) { return SimpleRNN(with(SimpleRNNOptions{.units = 5}, how)); }},
      {"LSTM", lstm, 2, x, h, [](How how) { return LSTM(with(LSTMOptions{.units = 5}, how)); }},
      {"GRU", gru_reset_after, 1, x, h,
       [](How how) { return GRU(with(GRUOptions{.units = 5}, how)); }},
      {"GRU, reset before", gru_reset_before, 1, x, h,
       [](How how) { return GRU(with(GRUOptions{.units = 5, .reset_after = false}, how)); }},
      {"ConvLSTM1D",
       conv_lstm<true>,
       2,
       {3, 4, 5, 2},
       {3, 5, 2},
       [](How how) {
         return ConvLSTM1D(
             with(ConvLSTMOptions{.filters = 2, .kernel_size = {3}, .padding = "same"}, how));
       }},
      {"ConvLSTM2D",
       conv_lstm<true>,
       2,
       {3, 4, 3, 4, 2},
       {3, 3, 4, 2},
       [](How how) {
         return ConvLSTM2D(
             with(ConvLSTMOptions{.filters = 2, .kernel_size = {2, 3}, .padding = "same"}, how));
       }},
      {"ConvLSTM3D",
       conv_lstm<false>,
       2,
       {3, 4, 4, 3, 5, 2},
       {3, 3, 2, 3, 2},
       [](How how) {
         return ConvLSTM3D(with(ConvLSTMOptions{.filters = 2, .kernel_size = {2, 2, 3}}, how));
       }},
  };
}

void check_case(const Case& c, const Setting& how) {
  const Layer layer = c.make(how);
  layer.build({c.input});
  int64_t seed = 70;
  for (const Tensor& w : layer.weights()) assign(w, 0.2 * normal(w.shape(), seed++));
  const Tensor x = 0.8 * normal(c.input, 3);
  State first;
  for (std::size_t k = 0; k < c.states; ++k) first.push_back(0.5 * normal(c.state, seed++));
  const Tensors got = layer.call({x}, {.mask = how.mask, .initial_state = first}),
                expected =
                    by_hand(c.formula, {layer.weights(), how.activation, how.recurrent_activation},
                            x, first, how);
  BOOST_REQUIRE_EQUAL(got.size(), expected.size());
  for (std::size_t k = 0; k < got.size(); ++k)
    check_close(std::string(c.layer) + ", " + how.activation + ", " + how.recurrent_activation +
                    ", result " + std::to_string(k),
                got[k], expected[k], 1e-12);
}

}  // namespace

BOOST_FIXTURE_TEST_CASE(with_every_activation, InFloat64, *boost::unit_test::label("long")) {
  for (const Case& c : cases())
    for (const sdk::ActivationFunction& f : sdk::activations) {
      const std::string name = f.name;
      if (name == "glu" || name == "threshold") continue;  // its width; its arguments
      if (c.input.rank() > 3 && name != "softsign") continue;
      if (name != "exponential") check_case(c, {.activation = name});  // it grows without bound
      check_case(c, {.recurrent_activation = name});
    }
}

BOOST_FIXTURE_TEST_CASE(with_two_that_are_not_the_usual_ones, InFloat64) {
  for (const Case& c : cases()) {
    check_case(c, {.activation = "softsign", .recurrent_activation = "softplus"});
    check_case(c, {.activation = "softplus", .recurrent_activation = "softsign"});
  }
}

BOOST_FIXTURE_TEST_CASE(with_a_mask, InFloat64) {
  const Tensor mask = tensor<bool>(
      {true, true, false, true, false, false, true, true, true, true, true, false}, {3, 4});
  for (const Case& c : cases())
    for (const bool backwards : {false, true})
      for (const bool zero_output : {false, true})
        check_case(c, {.mask = mask, .zero_output = zero_output, .backwards = backwards});
}
