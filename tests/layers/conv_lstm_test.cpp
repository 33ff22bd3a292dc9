// SPDX-License-Identifier: Apache-2.0
// ConvLSTM1D, 2D and 3D against plain loops, against an LSTM in the cases where they equal one, and
// against each other. tests/reference/ has numbers of Keras.
#define BOOST_TEST_MODULE conv_lstm
#include <tempo/gradcheck.hpp>
#include <tempo/tempo.hpp>

#include "files.hpp"

using namespace tempo;
using namespace tempo::testing;

namespace {

Layer ready(const Layer& layer, const Tensor& x, int64_t seed = 7) {
  layer.build({x.shape()}, float64);
  for (const Tensor& w : layer.weights())
    assign(w, random_normal(w.shape(), 0, 0.4, float64, seed++));
  return layer;
}

// A plane [rows][columns][channels], with zeros around it.
struct Plane {
  int64_t rows, columns, channels;
  std::vector<double> values;
  double at(int64_t r, int64_t c, int64_t f) const {
    if (r < 0 || r >= rows || c < 0 || c >= columns) return 0;
    return values[static_cast<std::size_t>((r * columns + c) * channels + f)];
  }
};

// z[r, c, g] += sum over the kernel [size, size, channels, gates] of the places around (r, c) in x.
void add_convolved(const Plane& x, const Tensor& kernel, int64_t stride, int64_t dilation,
                   int64_t before, Plane& z) {
  const int64_t size = kernel.shape()[0];
  for (int64_t r = 0; r < z.rows; ++r)
    for (int64_t c = 0; c < z.columns; ++c)
      for (int64_t g = 0; g < z.channels; ++g) {
        double total = 0;
        for (int64_t i = 0; i < size; ++i)
          for (int64_t j = 0; j < size; ++j)
            for (int64_t f = 0; f < x.channels; ++f)
              total +=
                  x.at(r * stride + i * dilation - before, c * stride + j * dilation - before, f) *
                  kernel.element(((i * size + j) * x.channels + f) * z.channels + g);
        z.values[static_cast<std::size_t>((r * z.columns + c) * z.channels + g)] += total;
      }
}

double sigmoid_of(double x) { return 1 / (1 + std::exp(-x)); }

struct Case {
  const char* padding;
  int64_t stride, dilation, before, rows, columns;  // by hand, for planes of 5 x 4 and size 2
};

}  // namespace

// The definition: all planes h of one sequence, with a kernel of 2 x 2.
BOOST_AUTO_TEST_CASE(an_lstm_of_convolutions) {
  const int64_t filters = 3, channels = 2, time = 3;
  const Tensor x = normal({1, time, 5, 4, channels});
  const Case cases[] = {{"valid", 1, 1, 0, 4, 3},
                        {"same", 1, 1, 0, 5, 4},
                        {"valid", 2, 1, 0, 2, 2},
                        {"valid", 1, 3, 0, 2, 1}};
  for (const Case& c : cases) {
    const Layer layer = ready(ConvLSTM2D({.filters = filters,
                                          .kernel_size = {2},
                                          .strides = {c.stride},
                                          .padding = c.padding,
                                          .dilation_rate = {c.dilation, c.dilation},
                                          .return_sequences = true,
                                          .return_state = true}),
                              x);
    const Tensors w = layer.weights();
    BOOST_TEST((w[0].shape() == Shape{2, 2, channels, 4 * filters}));
    BOOST_TEST((w[1].shape() == Shape{2, 2, filters, 4 * filters}));
    BOOST_TEST((w[2].shape() == Shape{4 * filters}));
    Plane h{c.rows, c.columns, filters, {}};
    h.values.assign(static_cast<std::size_t>(c.rows * c.columns * filters), 0);
    Plane state = h;
    std::vector<double> all;
    for (int64_t t = 0; t < time; ++t) {
      const Plane now{5, 4, channels, take(take(x, 0), t).to_vector()};
      Plane z{c.rows, c.columns, 4 * filters, {}};
      for (int64_t place = 0; place < c.rows * c.columns; ++place)
        for (int64_t g = 0; g < 4 * filters; ++g) z.values.push_back(w[2].element(g));
      add_convolved(now, w[0], c.stride, c.dilation, c.before, z);
      add_convolved(h, w[1], 1, 1, 0, z);  // a size of 2 needs 1 zero, at the end
      for (std::size_t place = 0; place < static_cast<std::size_t>(c.rows * c.columns); ++place)
        for (std::size_t u = 0; u < static_cast<std::size_t>(filters); ++u) {
          const double* gates = &z.values[place * 12 + u];
          double& cell = state.values[place * 3 + u];
          cell = sigmoid_of(gates[3]) * cell + sigmoid_of(gates[0]) * std::tanh(gates[6]);
          h.values[place * 3 + u] = sigmoid_of(gates[9]) * std::tanh(cell);
        }
      all.insert(all.end(), h.values.begin(), h.values.end());
    }
    const Tensors got = layer.call({x});
    const std::string what = std::string(c.padding) + ", stride " + std::to_string(c.stride) +
                             ", dilation " + std::to_string(c.dilation);
    check_close(what, got[0], tensor(all, {1, time, c.rows, c.columns, filters}, float64), 1e-12);
    check_close(what + ", h", got[1], take(got[0], -1, 1), 1e-12);
    check_close(what + ", c", got[2],
                tensor(state.values, {1, c.rows, c.columns, filters}, float64), 1e-12);
  }
}

// With a kernel of one place, each place is an LSTM of its own.
BOOST_AUTO_TEST_CASE(of_one_place_it_is_an_lstm) {
  const Tensor x = normal({2, 5, 3, 4});
  const Layer conv =
      ready(ConvLSTM1D({.filters = 6, .kernel_size = {1}, .return_sequences = true}), x);
  const Layer lstm = LSTM({.units = 6, .return_sequences = true});
  lstm.build({{2, 5, 4}}, float64);
  for (std::size_t i = 0; i < 3; ++i)
    assign(lstm.weights()[i], reshape(conv.weights()[i], lstm.weights()[i].shape()));
  const Tensor y = conv(x);
  for (int64_t place = 0; place < 3; ++place)
    check_close("place", take(y, place, 2), lstm(take(x, place, 2)), 1e-12);
  BOOST_TEST(layer("ConvLSTM1D", {{"filters", 6}, {"kernel_size", 1}})(cast(x, float32)).rank() ==
             3);
}

// Along one axis, the results are the same with one, two and three axes.
BOOST_AUTO_TEST_CASE(one_formula_for_any_number_of_axes) {
  const Tensor x = normal({2, 4, 5, 3});
  const ConvLSTMOptions o{.filters = 2, .kernel_size = {3}, .padding = "same"};
  const Layer one = ready(ConvLSTM1D(o), x);
  ConvLSTMOptions flat = o;
  flat.kernel_size = {3, 1};
  const Layer two = ready(ConvLSTM2D(flat), reshape(x, {2, 4, 5, 1, 3}));
  flat.kernel_size = {1, 3, 1};
  const Layer three = ready(ConvLSTM3D(flat), reshape(x, {2, 4, 1, 5, 1, 3}));
  for (const Layer& wide : {two, three})
    for (std::size_t i = 0; i < 3; ++i)
      assign(wide.weights()[i], reshape(one.weights()[i], wide.weights()[i].shape()));
  check_close("2D", reshape(two(reshape(x, {2, 4, 5, 1, 3})), {2, 5, 2}), one(x), 1e-12);
  check_close("3D", reshape(three(reshape(x, {2, 4, 1, 5, 1, 3})), {2, 5, 2}), one(x), 1e-12);
}

BOOST_AUTO_TEST_CASE(channels_may_come_first) {
  const Tensor x = normal({2, 4, 5, 6, 3}), first = transpose(x, {0, 1, 4, 2, 3});
  ConvLSTMOptions o{.filters = 2,
                    .kernel_size = {3, 2},
                    .strides = {2, 1},
                    .return_sequences = true,
                    .return_state = true};
  const Layer last = ready(ConvLSTM2D(o), x);
  o.data_format = "channels_first";
  const Layer layer = ready(ConvLSTM2D(o), first);
  const Tensors expected = last.call({x}), got = layer.call({first});
  check_close("outputs", transpose(got[0], {0, 1, 3, 4, 2}), expected[0], 1e-12);
  for (const std::size_t i : {std::size_t{1}, std::size_t{2}})
    check_close("states", transpose(got[i], {0, 2, 3, 1}), expected[i], 1e-12);
  check_close(
      "from a state",
      transpose(layer.call({first}, {.initial_state = {got[1], got[2]}})[0], {0, 1, 3, 4, 2}),
      last.call({x}, {.initial_state = {expected[1], expected[2]}})[0], 1e-12);
  BOOST_TEST(error_of([&] {
               layer(normal({2, 3, 5, 2}));
             }) ==
             "ConvLSTM2D: needs [batch, time, channels, rows, columns], got steps of [2, 5, 2].\n"
             "  expand_dims(x, -1) makes a channel of each number.");
}

BOOST_AUTO_TEST_CASE(masks_states_and_directions) {
  const Tensor x = normal({2, 5, 4, 3});
  const Tensor mask = tensor<bool>({1, 1, 1, 0, 0, 0, 1, 1, 0, 1}, {2, 5});
  const auto made = [&](bool back) {
    return ready(
        ConvLSTM1D({.filters = 2, .kernel_size = {3}, .return_state = true, .go_backwards = back}),
        x);
  };
  for (const bool back : {false, true}) {
    const Layer layer = made(back);
    const Tensor padded = where(reshape(mask, {2, 5, 1, 1}), x, std::nan(""));
    const Tensors got = layer.call({padded}, {.mask = mask});
    const Tensor first = slice(take(x, 0), 0, 0, 3), row = take(x, 1);
    const Tensor second = stack({take(row, 1), take(row, 2), take(row, 4)});
    const Tensors a = layer.call({expand_dims(first, 0)}), b = layer.call({expand_dims(second, 0)});
    for (std::size_t i = 0; i < got.size(); ++i)
      check_close("masked", got[i], concat({a[i], b[i]}, 0), 1e-12);
  }
  const Layer layer = made(false);
  const Tensors half = layer.call({slice(x, 1, 0, 2)});
  check_close("from a state",
              layer.call({slice(x, 1, 2, 5)}, {.initial_state = {half[1], half[2]}})[0],
              layer.call({x})[0], 1e-12);
  check_close("backwards", made(true).call({reverse(x, 1)})[0], layer.call({x})[0], 1e-12);
  const Layer both =
      ready(Bidirectional(ConvLSTM1D({.filters = 2, .kernel_size = {3}}), {.dtype = float64}), x);
  BOOST_TEST((both(x).shape() == Shape{2, 2, 4}));
}

BOOST_AUTO_TEST_CASE(gradients) {
  const GradCheck one = gradcheck(ConvLSTM1D({.filters = 2, .kernel_size = {3}, .padding = "same"}),
                                  Shape{2, 3, 4, 2});
  BOOST_TEST(one.passed(), one);
  const GradCheck two = gradcheck(ConvLSTM2D({.filters = 2,
                                              .kernel_size = {2, 1},
                                              .strides = {1, 2},
                                              .use_bias = false,
                                              .return_sequences = true}),
                                  Shape{1, 2, 3, 3, 2});
  BOOST_TEST(two.passed(), two);
  const GradCheck three = gradcheck(
      ConvLSTM3D({.filters = 1, .kernel_size = {2}, .recompute = true}), Shape{1, 3, 2, 2, 3, 1});
  BOOST_TEST(three.passed(), three);
}

BOOST_AUTO_TEST_CASE(the_fast_way_is_the_plain_loop) {
  const Tensor x = cast(normal({3, 7, 6, 5, 2}), float32);
  const Layer layer = ConvLSTM2D({.filters = 4, .kernel_size = {3}, .return_sequences = true});
  const Tensor y = layer(x);
  const Tensors w = layer.weights();
  const Convolution valid{.size = {3, 3}, .strides = {1, 1}, .dilation = {1, 1}},
      same{.size = {3, 3}, .strides = {1, 1}, .dilation = {1, 1}, .padding = "same"};
  const auto step = [&](const Tensor& now, const State& s) -> Step {
    auto [i, f, g, o] = split<4>(valid(now, w[0]) + same(s[0], w[1]) + w[2]);
    const Tensor c = sigmoid(f) * s[1] + sigmoid(i) * tanh(g), h = sigmoid(o) * tanh(c);
    return {.output = h, .state = {h, c}};
  };
  const Tensor zero = zeros({3, 4, 3, 4});
  check_close("outputs", y, scan(step, x, {zero, zero}, {.plain = true}).output, 1e-6);
}

namespace {

struct Rates {
  double input, state;
};

StepCall training_call(const Shape& step) {
  StepCall call;
  call.training = true;
  call.inputs = {step};
  call.dtype = float64;
  return call;
}

Layer dropping_cell(const Rates& rates) {
  return cell("ConvLSTM1D", {{"filters", 2},
                             {"kernel_size", 3},
                             {"strides", 2},
                             {"dropout", rates.input},
                             {"recurrent_dropout", rates.state},
                             {"seed", 5},
                             {"dtype", static_cast<int64_t>(float64)}});
}

}  // namespace

BOOST_AUTO_TEST_CASE(dropout_draws_for_each_channel_at_each_place) {
  const Shape step{200, 5, 3};  // a kernel of 3 with a stride of 2 has 2 places on it
  const auto masks_of = [&](const Rates& rates) {
    const Layer one = dropping_cell(rates);
    one.build({step});
    return once(one, training_call(step));
  };
  const Tensors both = masks_of({0.3, 0.6});
  BOOST_REQUIRE_EQUAL(both.size(), 2u);
  BOOST_TEST((both[0].shape() == Shape{200, 5, 3}));
  BOOST_TEST((both[1].shape() == Shape{200, 2, 2}));
  for (const auto& [mask, rate] : {std::pair{both[0], 0.3}, std::pair{both[1], 0.6}}) {
    for (const double value : mask.to_vector())
      BOOST_TEST((value == 0 || std::abs(value - 1 / (1 - rate)) < 1e-12), value);
    BOOST_TEST(std::abs(mean(mask).item() - 1) < 0.15);
    BOOST_TEST(max(abs(take(mask, 0, 1) - take(mask, 1, 1))).item() > 0);  // one draw at each place
  }
  BOOST_TEST((masks_of({0.3, 0})[0].shape() == Shape{200, 5, 3}));
  BOOST_TEST((masks_of({0, 0.6})[0].shape() == Shape{200, 2, 2}));
  BOOST_TEST(masks_of({0, 0}).empty());
}

BOOST_AUTO_TEST_CASE(dropout_has_one_mask_for_all_steps_of_a_call) {
  const Tensor x = normal({2, 4, 5, 3});
  const Convolution of_input{.size = {3}, .strides = {2}, .dilation = {1}},
      of_state{.size = {3}, .strides = {1}, .dilation = {1}, .padding = "same"};
  for (const Rates& rates : {Rates{0.3, 0.4}, Rates{0.5, 0}, Rates{0, 0.5}, Rates{0, 0}}) {
    const Layer like = dropping_cell(rates);
    like.build({{2, 5, 3}});
    const Tensors made = once(like, training_call({2, 5, 3}));
    const Tensor none = ones({1, 1, 1}, float64);
    const Tensor m = rates.input > 0 ? made.front() : none,
                 n = rates.state > 0 ? made.back() : none;
    const Layer layer = ready(ConvLSTM1D({.filters = 2,
                                          .kernel_size = {3},
                                          .strides = {2},
                                          .dropout = rates.input,
                                          .recurrent_dropout = rates.state,
                                          .seed = 5,
                                          .return_sequences = true}),
                              x);
    const Tensors w = layer.weights();
    const auto run = [&](const Tensor& of_x, const Tensor& of_h) {
      const auto step = [&](const Tensor& now, const State& s) -> Step {
        auto [i, f, g, o] =
            split<4>(of_input(now * of_x, w[0]) + of_state(s[0] * of_h, w[1]) + w[2]);
        const Tensor c = sigmoid(f) * s[1] + sigmoid(i) * tanh(g), h = sigmoid(o) * tanh(c);
        return {.output = h, .state = {h, c}};
      };
      const Tensor zero = zeros({2, 2, 2}, float64);
      return scan(step, x, {zero, zero}, {.plain = true}).output;
    };
    const std::string what =
        "rates " + std::to_string(rates.input) + " and " + std::to_string(rates.state);
    const Tensor first = layer(x, {.training = true}), second = layer(x, {.training = true});
    check_close(what, first, run(m, n), 1e-12);
    BOOST_TEST((max(abs(second - first)).item() > 0.001) == (rates.input + rates.state > 0));
    check_close(what + ", not in training", layer(x), run(none, none), 1e-12);
  }
}

BOOST_AUTO_TEST_CASE(a_saved_model_goes_on_with_the_masks_it_had) {
  const Tensor x = normal({2, 3, 5, 2});
  Sequential model({ready(
      ConvLSTM1D(
          {.filters = 3, .kernel_size = {3}, .dropout = 0.4, .recurrent_dropout = 0.4, .seed = 11}),
      x)});
  (void)model(x, {.training = true});
  const std::string path = in_folder("dropping_conv_lstm.safetensors");
  model.save(path);
  const Tensor next = model(x, {.training = true});
  check_same("the second call", load_model(path)(x, {.training = true}), next);
}

BOOST_AUTO_TEST_CASE(saved_and_loaded) {
  const Tensor x = normal({2, 3, 5, 4, 2});
  Sequential model({ready(ConvLSTM2D({.filters = 3,
                                      .kernel_size = {3, 2},
                                      .strides = {2, 1},
                                      .padding = "same",
                                      .return_sequences = true}),
                          x)});
  const Tensor y = model(x);
  const std::string path = in_folder("conv_lstm.safetensors");
  model.save(path);
  check_same("loaded", load_model(path)(x), y);
}

BOOST_AUTO_TEST_CASE(errors) {
  BOOST_TEST(
      error_of([] { ConvLSTM2D({.kernel_size = {3}}); }) ==
      "ConvLSTM2D: filters is not set.\n  Give both: ConvLSTM2D({.filters = 32, .kernel_size "
      "= {3}}), or {\"filters\", 3} by name.");
  BOOST_TEST(error_of([] { ConvLSTM1D({.filters = 3}); }) ==
             "ConvLSTM1D: kernel_size is not set.\n  Give both: ConvLSTM1D({.filters = 32, "
             ".kernel_size = {3}}), or {\"kernel_size\", 3} by name.");
  BOOST_TEST(error_of([] {
               ConvLSTM3D({.filters = 3, .kernel_size = {3, 3}});
             }) ==
             "ConvLSTM3D: kernel_size is [3, 3]; it must be one number, or 3, at least 1 "
             "and less than 2^31.");
  BOOST_TEST(error_of([] {
               ConvLSTM1D({.filters = 3, .kernel_size = {5}, .dilation_rate = {int64_t{1} << 62}});
             }) ==
             "ConvLSTM1D: dilation_rate is [4611686018427387904]; it must be one number, at least "
             "1 and less than 2^31.");
  BOOST_TEST(
      error_of([] { ConvLSTM1D({.filters = 3, .kernel_size = {0}}); }) ==
      "ConvLSTM1D: kernel_size is [0]; it must be one number, at least 1 and less than 2^31.");
  BOOST_TEST(
      error_of([] {
        ConvLSTM2D({.filters = 3, .kernel_size = {3}, .strides = {2}, .dilation_rate = {1, 2}});
      }) == "ConvLSTM2D: strides is [2] and dilation_rate [1, 2].\n  One of them must be 1.");
  BOOST_TEST(error_of([] {
               ConvLSTM2D({.filters = 3, .kernel_size = {3}})(normal({2, 3, 5, 2}));
             }) ==
             "ConvLSTM2D: needs [batch, time, rows, columns, channels], got steps of [2, 5, 2].\n"
             "  expand_dims(x, -1) makes a channel of each number.");
  BOOST_TEST(
      error_of([] {
        ConvLSTM1D({.filters = 3, .kernel_size = {3}, .dtype = float64})(normal({2, 3, 2, 2}));
      }) ==
      "ConvLSTM1D: the kernel reaches over 3 places of spatial axis 0, and the input has 2.\n"
      "  .padding = \"same\" puts zeros around it.");
  BOOST_TEST(error_of([] {
               ConvLSTM2D({.filters = 3, .kernel_size = {3}, .padding = "causal"});
             }) == "ConvLSTM2D: option `padding` is \"causal\"; it must be one of valid|same.");
}
