// SPDX-License-Identifier: Apache-2.0
// A model in int8 is as near to its float model as its rounding steps allow, with any cells.
#define BOOST_TEST_MODULE quantised
#include <cstdio>
#include <filesystem>

#include <tempo/tempo.hpp>

#include "testing.hpp"

using namespace tempo;
using namespace tempo::testing;

namespace {

struct TwoFloorsOptions {
  int units = 3;
};
void describe(auto& option, TwoFloorsOptions& o) {
  option("units", o.units, "Size of the output.");
}

// A user's cell: two products in one step, of concatenations.
struct TwoFloorsCell : Cell<TwoFloorsOptions> {
  using Cell::Cell;
  static constexpr int state_count = 2;
  void build(Weights& add, const Shape& input) {
    kernel = add("kernel", {input.back() + options.units, options.units}, glorot_uniform());
    upper = add("upper", {2 * options.units, 2 * options.units}, glorot_uniform());
  }
  Step step(const Tensor& x, const State& s) const {
    const Tensor h = tanh(matmul(concat({x, s[0]}), kernel));
    const auto [gate, candidate] = split<2>(matmul(concat({h, s[1]}), upper));
    const Tensor f = sigmoid(gate), next = f * s[1] + (1 - f) * tanh(candidate);
    return {.output = next, .state = {h, next}};
  }
  Tensor kernel, upper;
};

// A step with its own loop, over the features of x.
struct LoopOptions {
  int units = 4;
};
void describe(auto& option, LoopOptions& o) { option("units", o.units, "Size of the output."); }
struct LoopCell : Cell<LoopOptions> {
  using Cell::Cell;
  void build(Weights& add, const Shape&) {
    recurrent = add("recurrent", {options.units, options.units}, glorot_uniform());
    kernel = add("kernel", {1, options.units}, glorot_uniform());
  }
  Step step(const Tensor& x, const State& outer) const {
    const Scanned inner = scan(
        [this](const Tensor& part, const State& s) {
          const Tensor next = tanh(matmul(part, kernel) + matmul(s[0], recurrent));
          return Step{next, {next}};
        },
        expand_dims(x, 2), {outer[0]});
    return {inner.state[0], {inner.state[0]}};
  }
  Tensor recurrent, kernel;
};

// x [batch, heads * k] times a matrix for each head, [heads, k, n] or its transpose.
Tensor by_heads(const Tensor& x, const Tensor& matrices, bool transposed) {
  const int64_t heads = matrices.shape()[0];
  const Tensor rows = reshape(x, {x.shape()[0], heads, 1, x.shape()[1] / heads});
  const Tensor y = matmul(rows, matrices, false, transposed);
  return reshape(y, {y.shape()[0], heads * y.shape()[3]});
}

struct HeadsOptions {
  int units = 12;
  int heads = 3;
};
void describe(auto& option, HeadsOptions& o) {
  option("units", o.units, "Size of the output.");
  option("heads", o.heads, "How many matrices there are.");
}

// Every head has its own matrices.
struct HeadsCell : Cell<HeadsOptions> {
  using Cell::Cell;
  void build(Weights& add, const Shape& input) {
    const int64_t heads = options.heads, width = options.units / heads;
    kernel = add("kernel", {heads, input.back() / heads, width}, glorot_uniform());
    recurrent = add("recurrent", {heads, width, width}, glorot_uniform());
  }
  Step step(const Tensor& x, const State& s) const {
    const Tensor next = tanh(by_heads(x, kernel, false) + by_heads(s[0], recurrent, true));
    return {next, {next}};
  }
  Tensor kernel, recurrent;
};

// Three products of heads: one reads x; one reads a product and is read by the next state; and one
// reads that state, and nothing in the step reads it.
struct HeadProductsCell : Cell<HeadsOptions> {
  using Cell::Cell;
  void build(Weights& add, const Shape& input) {
    const int64_t width = input.back() / options.heads;
    const Shape matrices{options.heads, width, width};
    of_input = add("of_input", matrices, glorot_uniform());
    of_state = add("of_state", matrices, glorot_uniform());
    after = add("after", matrices, glorot_uniform());
  }
  Step step(const Tensor& x, const State& s) const {
    const Tensor y = by_heads(s[0], of_state, true);
    return {concat({by_heads(x, of_input, false), y, by_heads(s[0], after, false)}), {x + 0 * y}};
  }
  Tensor of_input, of_state, after;
};

struct Case {
  const char* name;
  std::function<Model()> model;
  bool streams = true;
};

const Case cases[] = {
    {"lstm",
     [] {
       return Sequential({LSTM({.units = 24}), Dense({.units = 3})});
     }},
    {"gru", [] { return Sequential({GRU({.units = 24, .bias_initializer = glorot_uniform()})}); }},
    {"gru, reset before", [] { return Sequential({GRU({.units = 17, .reset_after = false})}); }},
    {"simple rnn, every step",
     [] {
       return Sequential({SimpleRNN({.units = 9, .return_sequences = true}),
                          Dense({.units = 6, .activation = "relu"})});
     }},
    {"two layers",
     [] {
       return Sequential({LSTM({.units = 20, .return_sequences = true}), GRU({.units = 7})});
     }},
    {"a user's cell",
     [] { return Sequential({RNN(TwoFloorsCell(TwoFloorsOptions{.units = 11}))}); }},
    {"heads", [] { return Sequential({RNN(HeadsCell(HeadsOptions{}))}); }},
    {"a loop in a step", [] { return Sequential({RNN(LoopCell(LoopOptions{}))}); }},
    {"masks",
     [] {
       return Sequential({Masking({.mask_value = 0}), LSTM({.units = 12})});
     }},
    {"both directions",
     [] {
       return Sequential({Bidirectional(GRU({.units = 8})), Dense({.units = 2})});
     },
     false},
    {"a function",
     [] {
       const Layer rnn = GRU({.units = 8, .return_sequences = true}), out = Dense({.units = 2});
       return Model({rnn, out}, [=](const Tensors& x) { return out(rnn(x[0])); });
     }},
};

constexpr int64_t features = 6;

Tensor samples(int64_t batch, int64_t time, int64_t seed = 3) {
  return random_uniform({batch, time, features}, -1, 1, float32, seed);
}

Model built(const Case& c) {
  Model model = c.model();
  model.build({{-1, -1, features}});
  return model;
}

double largest_difference(const Tensor& a, const Tensor& b) {
  return max(abs(cast(a - b, float64))).item();
}

}  // namespace

// For one product: half a rounding step for each element on either side.
BOOST_AUTO_TEST_CASE(a_dense_is_off_by_no_more_than_its_rounding_steps_add_up_to) {
  for (const int64_t k : {1, 5, 64, 300}) {
    Sequential model({Dense({.units = 33})});
    model.build({{-1, k}});
    const Tensor x = random_normal({20, k}, 0, 1, float32, 5), w = abs(model.weights()[0]);
    const Tensor x_step = max(abs(x), -1, true) / 127, w_step = max(w, -2, true) / 127;
    const Tensor bound = 0.5 * x_step * sum(w, -2, true) + 0.5 * w_step * sum(abs(x), -1, true) +
                         0.25 * static_cast<double>(k) * x_step * w_step;
    const Tensor error = abs(quantised(model)(x) - model(x));
    BOOST_TEST(max(error - bound).item() < 1e-5);
    if (k > 1) BOOST_TEST(max(error).item() > 1e-4);
  }
}

// Values from -1 to 1 have steps of 1 / 127; errors of a few steps add up over time.
BOOST_AUTO_TEST_CASE(a_model_in_int8_is_near_its_float_model) {
  for (const Case& c : cases) BOOST_TEST_CONTEXT(c.name) {
      const Model model = built(c);
      const Model rounded = quantised(model);
      const Tensor x = samples(7, 12);
      const Tensor expected = model.predict(x);
      const QuantisationError error = quantisation_error(rounded, x);
      const double step = error.largest_output / 127;
      BOOST_TEST(error.largest < 4 * step);
      BOOST_TEST(error.largest > 0.01 * step);
      BOOST_TEST(error.mean < step);
      BOOST_TEST(error.mean > 0);
      check_close("call and predict", rounded(x), rounded.predict(x), 0);
      BOOST_TEST(largest_difference(rounded(x), expected) == error.largest,
                 boost::test_tools::tolerance(1e-5));
      check_close("the float model is as it was", model.predict(x), expected, 0);
    }
}

// For x [batch, time, features] at each step, by one Dense for each head.
Tensor one_by_one(const Tensor& x, const Tensor& matrices, bool transposed) {
  const int64_t heads = matrices.shape()[0], width = x.shape().back() / heads;
  Tensors all;
  for (int64_t h = 0; h < heads; ++h) {
    Sequential dense({Dense({.units = static_cast<int>(width), .use_bias = false})});
    dense.build({{-1, -1, width}});
    const Tensor w = take(matrices, h, 0);
    assign(dense.weights()[0], transposed ? transpose(w) : w);
    all.push_back(quantised(dense)(slice(x, -1, h * width, (h + 1) * width)));
  }
  return concat(all, -1);
}

BOOST_AUTO_TEST_CASE(a_product_of_heads_is_that_of_each_head_with_its_matrix) {
  constexpr int64_t heads = 3, width = 20, time = 5, n = heads * width;
  for (const int64_t batch : {1, 2, 7, 40}) BOOST_TEST_CONTEXT("batch " << batch) {
      const HeadsOptions options{.units = n, .heads = heads};
      Sequential model({RNN(HeadProductsCell(options), {.return_sequences = true})});
      model.build({{-1, -1, n}});
      const Tensor x = random_normal({batch, time, n}, 0, 1, float32, 7);
      const Tensor before = concat({zeros({batch, 1, n}), slice(x, 1, 0, time - 1)}, 1);
      const Tensor y = quantised(model)(x);
      const Tensors w = model.weights();
      const auto part = [&](int64_t i) { return slice(y, -1, i * n, (i + 1) * n); };
      check_same("of x", part(0), one_by_one(x, w[0], false));
      check_same("of the state", part(1), one_by_one(before, w[1], true));
      check_same("after the step", part(2), one_by_one(before, w[2], false));
      BOOST_TEST(largest_difference(y, model(x)) > 1e-3);
    }
}

BOOST_AUTO_TEST_CASE(a_stream_in_int8_gives_what_predict_gives) {
  for (const Case& c : cases)
    for (const int64_t batch : {1, 3}) {
      if (!c.streams) continue;
      BOOST_TEST_CONTEXT(c.name << ", batch " << batch) {
        const Model model = built(c);
        const Model rounded = quantised(model);
        constexpr int64_t time = 6;
        const Tensor x = samples(batch, time);
        Stream stream(rounded, {.batch = batch});
        std::vector<float> y(static_cast<std::size_t>(stream.output_shape().count()));
        for (int64_t t = 0; t < time; ++t) {
          const std::vector<double> now = take(x, t, 1).to_vector();
          stream.step(std::vector<float>(now.begin(), now.end()), y);
          Tensor whole = rounded.predict(slice(x, 1, 0, t + 1));
          if (whole.rank() == 3) whole = take(whole, t, 1);
          check_close("step " + std::to_string(t), tensor(y, whole.shape()), whole, 0);
        }
        BOOST_TEST(explain(rounded, StreamOptions{}).find("int8") != std::string::npos);
        BOOST_TEST(explain(model, StreamOptions{}).find("int8") == std::string::npos);
      }
    }
}

BOOST_AUTO_TEST_CASE(threads_and_batches_do_not_change_a_bit) {
  Sequential model({LSTM({.units = 96, .return_sequences = true}), Dense({.units = 40})});
  model.build({{-1, -1, features}});
  const Model rounded = quantised(model);
  const Tensor x = samples(48, 40);
  const Tensor one = [&] {
    const Threads threads(1);
    return rounded.predict(x, {.batch_size = 48});
  }();
  const Threads threads(2);
  check_same("two threads", rounded.predict(x, {.batch_size = 48}), one);
  check_same("in batches of 7", rounded.predict(x, {.batch_size = 7}), one);
}

BOOST_AUTO_TEST_CASE(no_steps_no_rows_and_one_of_each) {
  Sequential model({GRU({.units = 5, .return_sequences = true}), Dense({.units = 1})});
  model.build({{-1, -1, features}});
  const Model rounded = quantised(model);
  BOOST_TEST((rounded(samples(0, 4)).shape() == Shape{0, 4, 1}));
  BOOST_TEST((rounded(samples(2, 0)).shape() == Shape{2, 0, 1}));
  BOOST_TEST(largest_difference(rounded(samples(1, 1)), model(samples(1, 1))) < 0.03);
  Sequential narrow({SimpleRNN({.units = 1})});
  narrow.build({{-1, -1, 1}});
  const Tensor x = random_uniform({1, 3, 1}, -1, 1, float32, 4);
  BOOST_TEST(largest_difference(quantised(narrow)(x), narrow(x)) < 0.03);
}

BOOST_AUTO_TEST_CASE(weights_that_change_are_rounded_anew) {
  Sequential model({LSTM({.units = 6}), Dense({.units = 2})});
  model.build({{-1, -1, features}});
  const Model rounded = quantised(model);
  Stream stream(rounded);
  const Tensor x = samples(1, 1);
  const std::vector<double> numbers = x.to_vector();
  const std::vector<float> now(numbers.begin(), numbers.end());
  std::vector<float> y(2);
  const Tensor before = rounded(x);
  for (const Tensor& w : model.weights()) assign(w, w * 2);
  const Tensor after = rounded(x);
  BOOST_TEST(largest_difference(before, after) > 0.01);
  BOOST_TEST(largest_difference(after, model(x)) < 0.03);
  stream.step(now, y);
  check_same("of the stream", tensor(y, {1, 2}), after);
  for (const Tensor& w : model.weights()) assign(w, w / 2);
  check_same("and back", rounded(x), before);
}

BOOST_AUTO_TEST_CASE(what_is_not_finite_is_seen) {
  Sequential model({LSTM({.units = 6}), Dense({.units = 2})});
  model.build({{-1, -1, features}});
  const Model rounded = quantised(model);
  const double nan = std::numeric_limits<double>::quiet_NaN();
  Tensor x = samples(2, 3);
  const Tensor row = stack({zeros({3, features}), full({3, features}, nan)}, 0);
  const std::vector<double> y = rounded(x + row).to_vector();
  BOOST_TEST(!std::isnan(y[0]));
  BOOST_TEST(!std::isnan(y[1]));
  BOOST_TEST(std::isnan(y[2]));
  BOOST_TEST(std::isnan(y[3]));
  BOOST_TEST(std::isnan(quantisation_error(rounded, x + row).largest));
}

BOOST_AUTO_TEST_CASE(the_error_of_a_stateful_model_is_of_one_beginning_and_leaves_its_states) {
  set_seed(3);
  Sequential model({LSTM({.units = 16, .stateful = true}), Dense({.units = 4})});
  const Tensor x = samples(8, 5);
  model.predict(x);
  const Model rounded = quantised(model);
  const auto from_zeros = [&](const Model& of) {
    model.reset_state();
    return of.predict(x);
  };
  const Tensor in_int8 = from_zeros(rounded), first = from_zeros(model), second = model.predict(x);
  const double right = max(abs(in_int8 - first)).item();
  check_same("both begin anew", from_zeros(model), first);
  BOOST_TEST(quantisation_error(rounded, x).largest == right, boost::test_tools::tolerance(1e-4));
  check_same("it goes on", model.predict(x), second);
}

BOOST_AUTO_TEST_CASE(what_a_model_in_int8_cannot_do_is_an_error) {
  Sequential model({LSTM({.units = 6}), Dense({.units = 2})}, "small");
  BOOST_TEST(error_of([&] { quantised(model); }) ==
             "quantised: small is not built, so it has no weights yet.\n"
             "  Build or call it first: model.build({{-1, -1, features}}).");
  model.build({{-1, -1, features}});
  Model rounded = quantised(model);
  const Tensor x = samples(4, 3), y = zeros({4, 2});
  BOOST_TEST(quantised(rounded).name() == "small");

  const std::string no_gradient =
      "gradient: a product in int8 has none; it is of quantised(model), which is for inference.\n"
      "  Train the model that this was made of: both have the same weights.";
  BOOST_TEST(error_of([&] { gradient(sum(rounded(x)), model.weights()); }) == no_gradient);
  const Model recurrent = quantised(Sequential({model.layers()[0]}));
  BOOST_TEST(error_of([&] { gradient(sum(recurrent(x)), model.weights()); }) == no_gradient);

  rounded.compile({.optimizer = Adam(), .loss = "mse"});
  BOOST_TEST(error_of([&] {
               rounded.fit(x, y);
             }).find("small: it was called in training, and is in int8, which is for inference.") !=
             std::string::npos);
  BOOST_TEST(rounded.evaluate(x, y)["loss"] > 0);

  const std::string path =
      (std::filesystem::temp_directory_path() / "tempo_quantised_test.safetensors").string();
  BOOST_TEST(error_of([&] { rounded.save(path); }) ==
             path +
                 ": small is in int8, which no file holds.\n  Save the float model that it was "
                 "made of, and call quantised(load_model(path)).");
  BOOST_TEST(!std::filesystem::exists(path));
  rounded.save_weights(path);
  model.load_weights(path);
  std::filesystem::remove(path);

  BOOST_TEST(error_of([&] {
               Sequential({rounded, Dense({.units = 2})});
             }) ==
             "small: a model in int8 cannot be part of another.\n  Make the other of the float "
             "model, and call quantised on that.");
  BOOST_TEST(error_of([&] {
               scan(
                   [&](const Tensor& now, const State& s) {
                     const Tensor next = rounded(expand_dims(now, 1)) + s[0];
                     return Step{next, {next}};
                   },
                   x, {zeros({4, 2})});
             }) ==
             "small: a model in int8 was called in a step of scan.\n  Call the float model there, "
             "and quantised on the model that has the scan.");
  BOOST_TEST(error_of([&] { quantisation_error(model, x); }) ==
             "quantisation_error: small is a float model.\n  Give it what quantised made: "
             "quantisation_error(quantised(model), samples).");

  Sequential exact({Dense({.units = 2, .dtype = float64})}, "exact");
  exact.build({{-1, 3}}, float64);
  BOOST_TEST(error_of([&] { quantised(exact); }) ==
             "quantised: exact has no weight that is a matrix of float32; nothing of it can run in "
             "int8.");
}

BOOST_AUTO_TEST_CASE(an_error_prints_in_parts_of_the_largest_output) {
  std::ostringstream text;
  text << QuantisationError{0.25, 0.125, 0.5};
  BOOST_TEST(text.str() == "largest error 0.25, mean 0.125, of outputs up to 0.5 (50 %)");
}
