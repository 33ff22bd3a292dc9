// SPDX-License-Identifier: Apache-2.0
// Sizes of 0 and 1 in every dimension: scan gives the results of its plain loop, or says why not.
#define BOOST_TEST_MODULE sizes
#include <tempo/tempo.hpp>

#include "program_passes.hpp"
#include "scan/explain.hpp"

using namespace tempo;
using namespace tempo::testing;

namespace {

struct Sizes {
  int64_t batch, time, features, units;
};

std::string to_string(const Sizes& s) {
  return tempo::to_string(Shape{s.batch, s.time, s.features}) + ", " + std::to_string(s.units) +
         " units";
}

std::vector<Sizes> all_sizes() {
  std::vector<Sizes> all;
  for (int64_t batch : {0, 1, 3})
    for (int64_t time : {1, 3})
      for (int64_t features : {0, 1, 2})
        for (int64_t units : {0, 1, 2}) all.push_back({batch, time, features, units});
  return all;
}

// --- cells

struct SizedOptions {
  int units = 7;
};
void describe(auto& option, SizedOptions& o) { option("units", o.units, "Size of the state."); }

// A product with a concatenation, a split, folds of rows, and two states.
struct FoldingCell : Cell<SizedOptions> {
  using Cell::Cell;
  static constexpr int state_count = 2;
  void build(Weights& add, const Shape& input) {
    kernel = add("kernel", {input.back() + options.units, 2 * options.units}, glorot_uniform());
    bias = add("bias", {2 * options.units}, zeros());
  }
  Step step(const Tensor& x, const State& s) const {
    const auto& [h, c] = s.as<2>();
    auto [f, g] = split<2>(matmul(concat({x, h}), kernel) + bias);
    const Tensor next_c = sigmoid(f) * c + tanh(g) * sum(h, -1, true);
    const Tensor next_h = next_c - mean(next_c, -1, true) + h;
    return {.output = concat({next_h, next_c, next_h}), .state = {next_h, next_c}};
  }
  Tensor kernel, bias;
};

// A matrix for each gate, elementwise ops on their results, and a product of the next state.
struct ApartCell : Cell<SizedOptions> {
  using Cell::Cell;
  void build(Weights& add, const Shape& input) {
    const int64_t units = options.units;
    for (int gate = 0; gate < 2; ++gate) {
      const std::string n = std::to_string(gate);
      kernel[gate] = add(("kernel_" + n).c_str(), {input.back(), units}, glorot_uniform());
      recurrent[gate] = add(("recurrent_" + n).c_str(), {units, units}, orthogonal());
      bias[gate] = add(("bias_" + n).c_str(), {units}, ones());
    }
  }
  Step step(const Tensor& x, const State& s) const {
    const auto gate = [&](int n) {
      return matmul(x, kernel[n]) + matmul(s[0], recurrent[n]) + bias[n];
    };
    const Tensor f = sigmoid(gate(0)), next = f * s[0] + (1 - f) * tanh(gate(1));
    return {.output = matmul(next, recurrent[0], false, true), .state = {next}};
  }
  Tensor kernel[2], recurrent[2], bias[2];
};

struct SizedCell {
  const char* name;
  std::function<Layer(int units)> make;
  int64_t fewest_units = 0;
};
const SizedCell cells[] = {
    {"SimpleRNN",
     [](int n) {
       return cell("SimpleRNN", {{"units", n}});
     },
     1},
    {"LSTM",
     [](int n) {
       return cell("LSTM", {{"units", n}});
     },
     1},
    {"GRU",
     [](int n) {
       return cell("GRU", {{"units", n}});
     },
     1},
    {"GRU reset before",
     [](int n) {
       return cell("GRU", {{"units", n}, {"reset_after", false}});
     },
     1},
    {"folding", [](int n) { return Layer(FoldingCell({.units = n})); }},
    {"gates apart", [](int n) { return Layer(ApartCell({.units = n})); }},
};

template <class F>
void for_each_cell(const F& f) {
  for (const SizedCell& c : cells)
    for (const Sizes& s : all_sizes()) {
      if (s.units < c.fewest_units) continue;
      const Layer cell = c.make(static_cast<int>(s.units));
      cell.build({{s.batch, s.features}});
      f(std::string(c.name) + " " + to_string(s), cell, s);
    }
}

Tensor numbers(const Shape& shape, int64_t seed) {
  return cast(0.8 * normal(shape, seed), float32);
}

struct Run {
  Run(Layer c, const Sizes& s)
      : cell(std::move(c)), x(parameter(numbers({s.batch, s.time, s.features}, 3))) {
    for (const Shape& shape : state_shapes(cell, s.batch))
      first.push_back(parameter(numbers(shape, 4)));
    variables = cell.weights();
    variables.push_back(x);
    variables.insert(variables.end(), first.begin(), first.end());
  }
  Tensors run(const ScanOptions& options) const {
    const auto step = [this](const Tensor& now, const State& s) {
      return tempo::step(cell, now, s);
    };
    const Scanned r = scan(step, x, first, options);
    Tensors all{r.output};
    all.insert(all.end(), r.state.begin(), r.state.end());
    return all;
  }
  Tensors slopes(const Tensors& of) const {
    Tensor total = scalar(0, float32);
    int64_t seed = 20;
    for (const Tensor& t : of) total = total + sum(sin(t) * numbers(t.shape(), seed++));
    return gradient(total, variables);
  }
  Layer cell;
  Tensor x;
  State first;
  Tensors variables;
};

void check_all(const std::string& what, const Tensors& got, const Tensors& expected) {
  BOOST_REQUIRE_EQUAL(got.size(), expected.size());
  for (std::size_t i = 0; i < got.size(); ++i)
    check_close(what + " " + std::to_string(i), got[i], expected[i], 1e-5);
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_scan_of_any_size_equals_its_plain_loop) {
  for_each_cell([](const std::string& name, const Layer& cell, const Sizes& sizes) {
    const Run r(cell, sizes);
    for (bool reverse : {false, true}) {  // for the last output only
      const Tensors plain = r.run({.reverse = reverse, .last_only = reverse, .plain = true}),
                    slopes = r.slopes(plain), second = r.slopes(slopes);
      for (bool recompute : {false, true}) {
        const std::string what =
            name + (reverse ? ", reverse" : "") + (recompute ? ", recompute" : "");
        const ScanOptions options{.reverse = reverse, .last_only = reverse, .recompute = recompute};
        const Tensors got = r.run(options), got_slopes = r.slopes(got);
        check_all(what, got, plain);
        check_all(what + ", gradient", got_slopes, slopes);
        check_all(what + ", second gradient", r.slopes(got_slopes), second);
        const NoGradient off;
        check_all(what + ", no gradient", r.run(options), plain);
      }
    }
  });
}

BOOST_AUTO_TEST_CASE(a_program_of_any_size_computes_the_same_after_each_pass) {
  for_each_cell([](const std::string& name, const Layer& cell, const Sizes& sizes) {
    const Run r(cell, sizes);
    const ProgramLog log;
    r.slopes(r.run({}));
    for (const LoggedProgram& p : log.programs())
      check_passes(name + ", " + p.what, p.recurrence->normalised(), sizes.time);
  });
}

// --- layers

namespace {

struct SizedLayer {
  const char* name;
  std::function<Layer()> make;
};
const SizedLayer layers[] = {
    {"LSTM", [] { return LSTM({.units = 2, .return_sequences = true, .return_state = true}); }},
    {"SimpleRNN backwards",
     [] { return SimpleRNN({.units = 2, .go_backwards = true, .zero_output_for_mask = true}); }},
    {"GRU", [] { return GRU({.units = 1, .return_sequences = true, .recompute = true}); }},
    {"Bidirectional", [] { return Bidirectional(LSTM({.units = 2, .return_sequences = true})); }},
    {"Bidirectional of a cell",
     [] { return Bidirectional(RNN(FoldingCell({.units = 2})), {.merge_mode = "sum"}); }},
    {"Dense", [] { return Dense({.units = 2, .activation = "softmax"}); }},
    {"Dropout", [] { return Dropout({.rate = 0.5, .seed = 1}); }},
    {"Masking", [] { return Masking(); }},
    {"Flatten", [] { return Flatten(); }},
    {"UpSampling1D", [] { return UpSampling1D(); }},
    {"ZeroPadding1D", [] { return ZeroPadding1D(); }},
    {"GlobalAveragePooling1D", [] { return GlobalAveragePooling1D(); }},
    {"LayerNormalization", [] { return LayerNormalization(); }},
    {"LayerNormalization of time", [] { return LayerNormalization({.axis = 1}); }},
    {"RMSNormalization", [] { return RMSNormalization({.epsilon = 0.1}); }},
    {"UnitNormalization", [] { return UnitNormalization(); }},
    {"Normalization", [] { return Normalization({.mean = 0.5, .variance = 2}); }},
    {"SpatialDropout1D", [] { return SpatialDropout1D({.rate = 0.5}); }},
    {"PReLU", [] { return PReLU({.alpha_initializer = constant(0.25)}); }},
    {"Softmax of time", [] { return Softmax({.axis = 1}); }},
    {"Activation", [] { return Layer(Activation("gelu")); }},
};

Tensors at_slopes(const Tensors& of, const Tensors& variables) {
  Tensor total = scalar(0, float32);
  for (const Tensor& t : of) total = total + sum(square(t));
  return gradient(total, variables);
}

}  // namespace

// A row of a batch has the results that it has alone; a batch without rows has none.
BOOST_AUTO_TEST_CASE(a_layer_of_any_size_gives_what_rows_give_alone) {
  for (const SizedLayer& c : layers)
    for (int64_t batch : {0, 1, 2})
      for (int64_t time : {0, 1, 3})
        for (int64_t features : {0, 1, 2})
          for (bool masked : {false, true}) {
            const Tensor x = parameter(numbers({batch, time, features}, 5)),
                         ones_of = ones({batch, time}, bool_);
            const std::string what = std::string(c.name) + " " + tempo::to_string(x.shape()) +
                                     (masked ? ", masked" : "");
            BOOST_TEST_CONTEXT(what) {
              const Layer layer = c.make();
              const auto results = [&](const Tensor& now, const Tensor& mask) {
                return layer.call({1 * now}, {.mask = masked ? mask : Tensor{}});
              };
              const Tensors all = results(x, ones_of);
              Tensors variables = layer.trainable_weights();
              variables.push_back(x);
              const Tensors slopes = at_slopes(all, variables);
              Tensors sums;
              for (const Tensor& w : variables) sums.push_back(zeros(w.shape(), float32));
              sums.pop_back();
              for (const Tensor& t : all) BOOST_TEST(t.shape()[0] == batch);
              for (int64_t row = 0; row < batch; ++row) {
                const Tensors alone =
                    results(slice(x, 0, row, row + 1), slice(ones_of, 0, row, row + 1));
                for (std::size_t i = 0; i < all.size(); ++i)
                  check_close(what, slice(all[i], 0, row, row + 1), alone[i], 1e-5);
                const Tensors parts = at_slopes(alone, variables);
                for (std::size_t i = 0; i < sums.size(); ++i) sums[i] = sums[i] + parts[i];
              }
              for (std::size_t i = 0; i < sums.size(); ++i)
                check_close(what + ", gradient of " + variables[i].path(), slopes[i], sums[i],
                            1e-5);
              BOOST_TEST((slopes.back().shape() == x.shape()));
            }
          }
}

BOOST_AUTO_TEST_CASE(a_model_predicts_and_streams_with_sizes_of_one_and_without_features) {
  for (int64_t features : {0, 1, 2})
    for (int units : {1, 2})
      for (int64_t batch : {1, 2}) {
        const Sequential model({LSTM({.units = units, .return_sequences = true}),
                                RNN(ApartCell({.units = units}), {.return_sequences = true}),
                                Dense({.units = 1}), GRU({.units = units}),
                                Dense({.units = units})});
        const Tensor x = numbers({batch, 3, features}, 6);
        const Tensor expected = model(x);
        check_close("prediction", model.predict(x), expected, 1e-5);
        Stream stream(model, {.batch = batch});
        std::vector<float> y(static_cast<std::size_t>(batch * units));
        for (int64_t t = 0; t < 3; ++t) stream.step(take(x, t, 1).to_vector<float>(), y);
        check_close("stream", tensor(y, {batch, units}), expected, 1e-5);
      }
}
