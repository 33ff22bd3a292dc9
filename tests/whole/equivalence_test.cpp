// SPDX-License-Identifier: Apache-2.0
// What must be equal: linked and loaded, scan and its plain loop, a batch and its rows,
// Bidirectional and two layers, one thread and two; and every layer's gradients, to second order.
#define BOOST_TEST_MODULE equivalence
#include <tempo/layers.hpp>

#include "autograd/gradcheck.hpp"
#include "testing.hpp"

using namespace tempo;
using namespace tempo::testing;

namespace {

constexpr int64_t batch = 3, steps = 5, features = 4, units = 7;

struct InFloat64 {
  InFloat64() { set_default_dtype(float64); }
  ~InFloat64() { set_default_dtype(float32); }
};

void randomize(const Layer& layer, double size = 0.5) {
  int64_t seed = 7;
  for (const Tensor& w : layer.weights())
    assign(w, cast(size * random_normal(w.shape(), 0, 1, float64, seed++), w.dtype()));
}

Tensor sequences(int64_t time = steps) { return 0.8 * normal({batch, time, features}, 3); }

Tensor mask_with_gaps() {
  return tensor<bool>({true, true, true, false, false, false, true, false, true, true, true, false,
                       true, true, true},
                      {batch, steps});
}

// --- cells that a trace could get wrong

struct SizeOptions {
  int units = 7;
};
void describe(auto& option, SizeOptions& o) { option("units", o.units, "Size of the state."); }

struct SizedCell : Cell<SizeOptions> {
  using Cell::Cell;
  void build(Weights& add, const Shape& input) {
    kernel = add("kernel", {input.back(), options.units}, glorot_uniform());
    recurrent_kernel = add("recurrent_kernel", {options.units, options.units}, orthogonal());
  }
  Tensor kernel, recurrent_kernel;
};

struct TransposingCell : SizedCell {
  using SizedCell::SizedCell;
  Step step(const Tensor& x, const State& s) const {
    Tensor next = tanh(matmul(x, kernel) + matmul(s[0], transpose(recurrent_kernel)));
    return {.output = next, .state = {next}};
  }
};

struct BakedShapesCell : SizedCell {
  using SizedCell::SizedCell;
  Step step(const Tensor& x, const State& s) const {
    const int64_t n = x.shape()[0];
    const Tensor h = reshape(s[0] + zeros({n, options.units}), {n, options.units, 1});
    Tensor next =
        tanh(matmul(x, kernel) + matmul(reshape(h, {n, options.units}), recurrent_kernel));
    return {.output = next, .state = {next}};
  }
};

struct GatedByConstantCell : SizedCell {
  using SizedCell::SizedCell;
  Step step(const Tensor& x, const State& s, const StepCall& call) const {
    Tensor next = tanh(matmul(x, kernel) + matmul(s[0] * call.constants[0], recurrent_kernel));
    return {.output = next, .state = {next}};
  }
};

struct TwoSizesCell : SizedCell {
  using SizedCell::SizedCell;
  static constexpr int state_count = 2;
  Step step(const Tensor& x, const State& s) const {
    const auto& [slow, fast] = s.as<2>();
    Tensor next = tanh(matmul(concat({x, fast}), concat({kernel, recurrent_kernel}, 0)));
    Tensor mean = 0.9 * slow + 0.1 * next;
    return {.output = next - mean, .state = {mean, next}};
  }
};

struct CellCase {
  const char* name;
  std::function<Layer()> make;
  bool constant = false;
};
const CellCase cell_cases[] = {
    {"SimpleRNN",
     [] {
       return cell("SimpleRNN", {{"units", units}});
     }},
    {"SimpleRNN relu",
     [] {
       return cell("SimpleRNN", {{"units", units}, {"activation", "softplus"}});
     }},
    {"LSTM",
     [] {
       return cell("LSTM", {{"units", units}});
     }},
    {"LSTM without bias",
     [] {
       return cell("LSTM", {{"units", units}, {"use_bias", false}});
     }},
    {"GRU",
     [] {
       return cell("GRU", {{"units", units}});
     }},
    {"GRU reset before",
     [] {
       return cell("GRU", {{"units", units}, {"reset_after", false}});
     }},
    {"transposing", [] { return Layer(TransposingCell()); }},
    {"baked shapes", [] { return Layer(BakedShapesCell()); }},
    {"two sizes", [] { return Layer(TwoSizesCell()); }},
    {"constant", [] { return Layer(GatedByConstantCell()); }, true},
};

// The built-in layers, on [3, 5, 4] unless the case says otherwise.
struct LayerCase {
  const char* name;
  std::function<Layer()> make;
  bool masked = false;
  Tensor x = {};
};

std::vector<LayerCase> layer_cases() {
  const auto both = [](const char* mode) {
    return [mode] {
      return Bidirectional(LSTM({.units = 3, .return_sequences = true, .return_state = true}),
                           {.merge_mode = mode});
    };
  };
  return {
      {"Dense", [] { return Dense({.units = 7}); }},
      {"Dense tanh", [] { return Dense({.units = 7, .activation = "tanh"}); }},
      {"Dense softmax",
       [] { return Dense({.units = 7, .activation = "softmax", .use_bias = false}); }},
      {"Embedding", [] { return Embedding({.input_dim = 6, .output_dim = 7}); }, false,
       tensor<int>({0, 5, 2, 2, 4, 1, 0, 5, 3}, {3, 3})},
      {"Dropout", [] { return Dropout({.rate = 0.4}); }},
      {"Masking", [] { return Masking(); }},
      {"SimpleRNN", [] { return SimpleRNN({.units = 7}); }},
      {"SimpleRNN states",
       [] { return SimpleRNN({.units = 7, .return_sequences = true, .return_state = true}); }},
      {"SimpleRNN masked", [] { return SimpleRNN({.units = 7, .return_sequences = true}); }, true},
      {"LSTM", [] { return LSTM({.units = 7}); }},
      {"LSTM one step", [] { return LSTM({.units = 7}); }, false, normal({3, 1, 4})},
      {"LSTM states",
       [] { return LSTM({.units = 7, .return_sequences = true, .return_state = true}); }},
      {"LSTM backwards",
       [] { return LSTM({.units = 7, .return_sequences = true, .go_backwards = true}); }},
      {"LSTM masked", [] { return LSTM({.units = 7, .return_state = true}); }, true},
      {"LSTM masked with 0",
       [] { return LSTM({.units = 7, .return_sequences = true, .zero_output_for_mask = true}); },
       true},
      {"LSTM other gates",
       [] {
         return LSTM({.units = 7,
                      .activation = "softsign",
                      .recurrent_activation = "softplus",
                      .use_bias = false});
       }},
      {"GRU", [] { return GRU({.units = 7}); }},
      {"GRU states",
       [] { return GRU({.units = 7, .return_sequences = true, .return_state = true}); }},
      {"GRU reset before",
       [] { return GRU({.units = 7, .return_sequences = true, .reset_after = false}); }},
      {"GRU masked",
       [] { return GRU({.units = 7, .return_sequences = true, .go_backwards = true}); }, true},
      {"Bidirectional concat", both("concat")},
      {"Bidirectional mul", both("mul"), true},
      {"Bidirectional none", both("none")},
      {"Bidirectional of a cell",
       [] { return Bidirectional(RNN(TransposingCell()), {.merge_mode = "ave"}); }},
      {"RNN", [] { return RNN(TwoSizesCell(), {.return_sequences = true}); }},
      {"RNN masked", [] { return RNN(BakedShapesCell(), {.return_state = true}); }, true},
  };
}

Tensors call(const LayerCase& c, const Layer& layer, const Tensor& x) {
  return layer.call({x}, {.mask = c.masked ? mask_with_gaps() : Tensor{}});
}

}  // namespace

BOOST_FIXTURE_TEST_CASE(plain_loop_is_scan, InFloat64) {
  for (const CellCase& c : cell_cases)
    for (bool reverse : {false, true}) {
      const Layer cell = c.make();
      cell.build({{batch, features}});
      randomize(cell);
      const Tensor x = parameter(sequences());
      State first;
      for (const Shape& s : state_shapes(cell, batch)) first.push_back(parameter(normal(s, 11)));
      const Tensors constants(c.constant ? 1 : 0, normal({batch, units}, 12));
      const auto step = [&](const Tensor& now, const State& s) {
        return tempo::step(cell, now, s, {.constants = constants});
      };
      const auto value = [&](bool plain) {
        const Scanned r = scan(step, x, first, {.reverse = reverse, .plain = plain});
        Tensors all{r.output};
        all.insert(all.end(), r.state.begin(), r.state.end());
        return all;
      };
      Tensors variables = cell.weights();
      variables.push_back(x);
      variables.insert(variables.end(), first.begin(), first.end());

      const Tensors plain = value(true), traced = value(false);
      for (std::size_t i = 0; i < plain.size(); ++i)
        check_close(c.name, traced[i], plain[i], 1e-12);
      const Tensors g_plain = gradient(mixed(plain), variables),
                    g_traced = gradient(mixed(traced), variables);
      for (std::size_t i = 0; i < variables.size(); ++i)
        check_close(std::string(c.name) + " gradient", g_traced[i], g_plain[i], 1e-12);
      const Tensors h_plain = gradient(mixed(g_plain), variables),
                    h_traced = gradient(mixed(g_traced), variables);
      for (std::size_t i = 0; i < variables.size(); ++i)
        check_close(std::string(c.name) + " second order", h_traced[i], h_plain[i], 1e-12);
    }
}

BOOST_FIXTURE_TEST_CASE(linked_is_loaded, InFloat64) {
  const std::pair<Layer, Layer> pairs[] = {
      {DenseLayer({.units = 7, .activation = "gelu"}), Dense({.units = 7, .activation = "gelu"})},
      {SimpleRNNLayer({.units = 7}), SimpleRNN({.units = 7})},
      {LSTMLayer({.units = 7, .return_sequences = true}),
       LSTM({.units = 7, .return_sequences = true})},
      {GRULayer({.units = 7, .return_state = true}), GRU({.units = 7, .return_state = true})},
      {GRULayer({.units = 7, .reset_after = false}), GRU({.units = 7, .reset_after = false})},
      {RNNLayer({.cell = LSTMCell({.units = 7})}), RNN(cell("LSTM", {{"units", 7}}))},
      {BidirectionalLayer({.layer = LSTMLayer({.units = 7})}), Bidirectional(LSTM({.units = 7}))},
      {DropoutLayer({.rate = 0.3, .seed = 4}), Dropout({.rate = 0.3, .seed = 4})},
  };
  const Tensor x = parameter(sequences());
  for (const auto& [linked, loaded] : pairs) {
    for (const Layer& layer : {linked, loaded}) {
      layer.build({x.shape()});
      randomize(layer);
    }
    const Tensors a = linked.call({x}, {.training = true}),
                  b = loaded.call({x}, {.training = true});
    BOOST_REQUIRE_EQUAL(a.size(), b.size());
    for (std::size_t i = 0; i < a.size(); ++i) check_same(loaded.name(), a[i], b[i]);
    Tensors va = linked.weights(), vb = loaded.weights();
    va.push_back(x);
    vb.push_back(x);
    const Tensors ga = gradient(mixed(a), va), gb = gradient(mixed(b), vb);
    for (std::size_t i = 0; i < ga.size(); ++i)
      check_same(loaded.name() + " gradient", ga[i], gb[i]);
  }
}

BOOST_FIXTURE_TEST_CASE(bidirectional_is_two_layers, InFloat64) {
  const Tensor x = sequences();
  for (const char* kind : {"SimpleRNN", "LSTM", "GRU"})
    for (bool masked : {false, true}) {
      const auto one = [&](bool backwards) {
        return layer(kind, {{"units", 7},
                            {"return_sequences", true},
                            {"return_state", true},
                            {"go_backwards", backwards},
                            {"zero_output_for_mask", true}});
      };
      const Layer both = Bidirectional(one(false)), forward = one(false), backward = one(true);
      for (const Layer& l : {both, forward, backward}) l.build({x.shape()});
      randomize(both);
      const Tensors w = both.weights();
      const std::size_t n = w.size() / 2;
      for (std::size_t i = 0; i < n; ++i) {
        assign(forward.weights()[i], w[i]);
        assign(backward.weights()[i], w[n + i]);
      }
      const CallOptions options{.mask = masked ? mask_with_gaps() : Tensor{}};
      const Tensors f = forward.call({x}, options), b = backward.call({x}, options),
                    got = both.call({x}, options);
      check_same(kind, got[0], concat({f[0], reverse(b[0], 1)}));
      for (std::size_t i = 1; i < f.size(); ++i) {
        check_same("forward state", got[i], f[i]);
        check_same("backward state", got[f.size() - 1 + i], b[i]);
      }
    }
}

BOOST_FIXTURE_TEST_CASE(a_batch_is_its_rows, InFloat64) {
  for (const LayerCase& c : layer_cases()) {
    const Tensor x = c.x ? c.x : sequences();
    const Layer layer = c.make();
    layer.build({x.shape()});
    randomize(layer);
    const Tensors all = call(c, layer, x);
    for (int64_t row = 0; row < batch; ++row) {
      const auto of_row = [&](const Tensor& t) { return slice(t, 0, row, row + 1); };
      const Tensors alone =
          layer.call({of_row(x)}, {.mask = c.masked ? of_row(mask_with_gaps()) : Tensor{}});
      for (std::size_t i = 0; i < all.size(); ++i)
        check_close(c.name, alone[i], of_row(all[i]), 1e-12);
    }
  }
}

BOOST_FIXTURE_TEST_CASE(gradients_are_the_slopes, InFloat64) {
  for (const LayerCase& c : layer_cases()) {
    const Layer layer = c.make();
    const bool ids = c.x && !is_floating(c.x.dtype());
    const Tensor x = ids ? c.x : parameter(c.x ? c.x : sequences(3), "x");
    if (c.masked) continue;  // tested below, over all five steps
    layer.build({x.shape()});
    randomize(layer);
    std::vector<Leaf> leaves;
    if (!ids) leaves.push_back({"x", x});
    for (const Tensor& w : layer.weights()) leaves.push_back({w.path(), w});
    const GradCheck report = check_gradients([&] { return mixed(layer.call({x})); }, leaves, {});
    BOOST_TEST(report.passed(), c.name << ": " << report);
  }
}

BOOST_FIXTURE_TEST_CASE(gradients_of_masked_layers_are_the_slopes, InFloat64) {
  for (const LayerCase& c : layer_cases()) {
    if (!c.masked) continue;
    const Tensor x = parameter(sequences(), "x");
    const Layer layer = c.make();
    layer.build({x.shape()});
    randomize(layer);
    std::vector<Leaf> leaves{{"x", x}};
    for (const Tensor& w : layer.weights()) leaves.push_back({w.path(), w});
    const GradCheck report = check_gradients([&] { return mixed(call(c, layer, x)); }, leaves, {});
    BOOST_TEST(report.passed(), c.name << ": " << report);
  }
}

BOOST_FIXTURE_TEST_CASE(gradients_through_the_initial_state_and_constants, InFloat64) {
  const Tensor x = parameter(sequences(3), "x"), h = parameter(normal({batch, units}, 5), "h"),
               c = parameter(normal({batch, units}, 6), "c");
  for (const char* kind : {"SimpleRNN", "LSTM", "GRU"}) {
    const Layer rnn = layer(kind, {{"units", units}, {"return_sequences", true}});
    rnn.build({x.shape()});
    randomize(rnn);
    const bool two = kind == std::string("LSTM");
    const State initial = two ? State{h, c} : State{h};
    std::vector<Leaf> leaves{{"x", x}, {"h", h}};
    if (two) leaves.push_back({"c", c});
    const GradCheck report =
        check_gradients([&] { return mixed({rnn(x, {.initial_state = initial})}); }, leaves, {});
    BOOST_TEST(report.passed(), kind << ": " << report);
  }
  const Layer rnn = RNN(GatedByConstantCell());
  rnn.build({x.shape()});
  randomize(rnn);
  const GradCheck report =
      check_gradients([&] { return mixed({rnn(x, {.initial_state = {h}, .constants = {c}})}); },
                      {{"x", x}, {"h", h}, {"constant", c}}, {});
  BOOST_TEST(report.passed(), report);
}

BOOST_FIXTURE_TEST_CASE(gradients_in_training_with_dropout, InFloat64) {
  const Tensor x = parameter(sequences(), "x");
  const GradCheck report = check_gradients(  // a new layer draws the same numbers
      [&] { return mixed({Dropout({.rate = 0.4, .seed = 3})(x * x, {.training = true})}); },
      {{"x", x}}, {});
  BOOST_TEST(report.passed(), report);
}

BOOST_FIXTURE_TEST_CASE(nothing_is_read_stale, InFloat64) {
  const Tensor x = sequences();
  for (const CellCase& c : cell_cases) {
    const Layer rnn = RNN(c.make());
    rnn.build({x.shape()});
    for (int64_t call = 0; call < 3; ++call) {  // weights and constants change between calls
      for (const Tensor& w : rnn.weights()) assign(w, 0.5 * normal(w.shape(), 100 + call));
      const Tensors constants(c.constant ? 1 : 0, normal({batch, units}, 200 + call));
      const Layer cell = rnn.children().at(0);
      State state;
      for (const Shape& s : state_shapes(cell, batch)) state.push_back(zeros(s));
      Step now;
      for (int64_t t = 0; t < steps; ++t) {
        now = step(cell, take(x, t, 1), state, {.constants = constants});
        state = now.state;
      }
      check_close(c.name, rnn(x, {.constants = constants}), now.output, 1e-12);
    }
  }
}

BOOST_FIXTURE_TEST_CASE(a_lambda_may_capture_another_tensor_each_time, InFloat64) {
  const Tensor x = sequences();
  for (int64_t call = 0; call < 3; ++call) {
    const Tensor w = parameter(normal({features, units}, 300 + call));
    const auto step = [&](const Tensor& now, const State& s) {
      Tensor next = tanh(matmul(now, w) + 0.5 * s[0]);
      return Step{.output = next, .state = {next}};
    };
    const auto run = [&](bool plain) {
      return scan(step, x, {zeros({batch, units})}, {.plain = plain}).output;
    };
    check_close("values", run(false), run(true), 1e-12);
    check_close("gradient", gradient(sum(run(false)), Tensors{w})[0],
                gradient(sum(run(true)), Tensors{w})[0], 1e-12);
  }
}

BOOST_AUTO_TEST_CASE(threads_do_not_change_a_bit) {
  const Tensor x = cast(normal({33, 20, 19}), float32);
  for (const char* kind : {"SimpleRNN", "LSTM", "GRU"}) {
    const Layer rnn = Bidirectional(layer(kind, {{"units", 61}, {"return_sequences", true}}));
    rnn.build({x.shape()});
    randomize(rnn, 0.2);
    const int before = threads();
    Tensors results[3];
    for (int n : {1, 2, 3}) {
      set_threads(n);
      Tensors& r = results[n - 1];
      r = rnn.call({x});
      for (const Tensor& g : gradient(sum(square(r[0])), rnn.weights())) r.push_back(g);
    }
    set_threads(before);
    for (std::size_t i = 0; i < results[0].size(); ++i) {
      check_same(std::string(kind) + " with 2 threads", results[1][i], results[0][i]);
      check_same(std::string(kind) + " with 3 threads", results[2][i], results[0][i]);
    }
  }
}
