// SPDX-License-Identifier: Apache-2.0
// Dropout inside recurrences: which masks are drawn, what they affect, and that nothing else in a
// layer changes. The formulas are written out here with one mask for all steps.
#define BOOST_TEST_MODULE recurrent_dropout
#include <tempo/explain.hpp>
#include <tempo/gradcheck.hpp>
#include <tempo/io.hpp>
#include <tempo/layers.hpp>
#include <tempo/stream.hpp>

#include "files.hpp"
#include "testing.hpp"

using namespace tempo;
using namespace tempo::testing;

namespace {

constexpr int64_t batch = 4, steps = 6, features = 3, units = 5;

struct Rates {
  double input = 0, state = 0;
  int64_t seed = -1;
};

struct Kind {
  const char* name;
  std::size_t states;
  bool reset_after = true;
};
const Kind kinds[] = {{"SimpleRNN", 1}, {"LSTM", 2}, {"GRU", 1}, {"GRU", 1, false}};

Layer cell_of(const Kind& kind, const Rates& rates) {
  if (kind.reset_after)
    return cell(kind.name, {{"units", units},
                            {"dropout", rates.input},
                            {"recurrent_dropout", rates.state},
                            {"seed", rates.seed}});
  return cell(kind.name, {{"units", units},
                          {"dropout", rates.input},
                          {"recurrent_dropout", rates.state},
                          {"seed", rates.seed},
                          {"reset_after", false}});
}

struct Form {
  bool backwards = false, recompute = false, stateful = false, masked = false;
};
Layer over_time(const Layer& cell, const Form& form = {}) {
  return RNN(cell, {.return_sequences = true,
                    .return_state = true,
                    .go_backwards = form.backwards,
                    .stateful = form.stateful,
                    .recompute = form.recompute});
}

struct InFloat64 {
  InFloat64() { set_default_dtype(float64); }
  ~InFloat64() { set_default_dtype(float32); }
};

Layer ready(const Layer& layer, const Shape& input = {batch, steps, features}) {
  layer.build({input});
  int64_t seed = 70;
  for (const Tensor& w : layer.weights())
    assign(w, cast(0.6 * normal(w.shape(), seed++), w.dtype()));
  return layer;
}

StepCall training_call(int64_t rows = batch) {
  StepCall call;
  call.training = true;
  call.inputs = {{rows, features}};
  call.dtype = default_dtype();
  return call;
}

// The papers' formulas with masks m of x and n of h.
Step by_formula(const Kind& kind, const Tensors& w, const Tensor& x, const State& s,
                const Tensor& m, const Tensor& n) {
  const std::string name = kind.name;
  const Tensor h = s[0], xw = matmul(x * m, w[0]), seen = h * n;
  if (name == "SimpleRNN") {
    const Tensor next = tanh(xw + matmul(seen, w[1]) + w[2]);
    return {next, {next}};
  }
  if (name == "LSTM") {
    const auto [i, f, g, o] = split<4>(xw + matmul(seen, w[1]) + w[2]);
    const Tensor c = sigmoid(f) * s[1] + sigmoid(i) * tanh(g), next = sigmoid(o) * tanh(c);
    return {next, {next, c}};
  }
  const auto [xz, xr, xg] = split<3>(xw + (kind.reset_after ? take(w[2], 0) : w[2]));
  const auto [to_z, to_r, to_g] = split<3>(w[1]);
  const Tensor bias = kind.reset_after ? take(w[2], 1) : zeros({3 * units}, x.dtype());
  const auto [bz, br, bg] = split<3>(bias);
  const Tensor z = sigmoid(xz + matmul(seen, to_z) + bz), r = sigmoid(xr + matmul(seen, to_r) + br),
               g = tanh(xg + (kind.reset_after ? r * (matmul(seen, to_g) + bg)
                                               : matmul(r * seen, to_g)));
  const Tensor next = z * h + (1 - z) * g;
  return {next, {next}};
}

// All results of a layer that returns sequences and states. A masked step changes nothing.
Tensors by_hand(const Kind& kind, const Tensors& w, const Tensor& x, const Tensor& mask,
                const Tensor& m, const Tensor& n, bool backwards) {
  State state(kind.states, zeros({x.shape()[0], units}, x.dtype()));
  Tensor last = zeros({x.shape()[0], units}, x.dtype());
  Tensors outputs;
  for (int64_t i = 0; i < x.shape()[1]; ++i) {
    const int64_t t = backwards ? x.shape()[1] - 1 - i : i;
    const Step done = by_formula(kind, w, take(x, t, 1), state, m, n);
    const Tensor counts = mask ? expand_dims(take(mask, t, 1), -1) : ones({1, 1}, bool_);
    last = where(counts, done.output, last);
    for (std::size_t k = 0; k < state.size(); ++k)
      state[k] = where(counts, done.state[k], state[k]);
    outputs.push_back(last);
  }
  Tensors all{stack(outputs, 1)};
  all.insert(all.end(), state.begin(), state.end());
  return all;
}

// Returns values, gradients and gradients of these.
Tensors to_second_order(const Tensors& results, const Tensors& leaves) {
  const Tensors first = gradient(mixed(results), leaves), second = gradient(mixed(first), leaves);
  Tensors all = results;
  all.insert(all.end(), first.begin(), first.end());
  all.insert(all.end(), second.begin(), second.end());
  return all;
}

void check_all(const std::string& what, const Tensors& got, const Tensors& expected,
               double tolerance) {
  BOOST_REQUIRE_EQUAL(got.size(), expected.size());
  for (std::size_t i = 0; i < got.size(); ++i)
    check_close(what + ", result " + std::to_string(i), got[i], expected[i], tolerance);
}

double apart(const Tensor& a, const Tensor& b) { return max(abs(a - b)).item(); }

const CallOptions training{.training = true};

}  // namespace

BOOST_AUTO_TEST_CASE(masks_are_zeros_and_what_makes_up_for_them) {
  for (const Kind& kind : kinds) {
    const Layer one = cell_of(kind, {.input = 0.3, .state = 0.6, .seed = 5});
    one.build({{500, features}});
    const Tensors masks = once(one, training_call(500)), next = once(one, training_call(500));
    BOOST_REQUIRE_EQUAL(masks.size(), 2u);
    BOOST_TEST((masks[0].shape() == Shape{500, features}));
    BOOST_TEST((masks[1].shape() == Shape{500, units}));
    const double rates[] = {0.3, 0.6};
    for (std::size_t i = 0; i < 2; ++i) {
      const double scale = 1 / (1 - rates[i]);
      for (const double value : masks[i].to_vector())
        BOOST_TEST((value == 0 || std::abs(value - scale) < 1e-6), value);
      BOOST_TEST(std::abs(mean(masks[i]).item() - 1) < 0.12);
      BOOST_TEST(apart(masks[i], next[i]) > 0);
    }
    // One seed, and still different numbers.
    const Tensor both = cell_of(kind, {.input = 0.5, .state = 0.5, .seed = 5})
                            ? slice(masks[1], 1, 0, features) > 0
                            : Tensor{};
    BOOST_TEST(apart(cast(both, float32), cast(masks[0] > 0, float32)) > 0);
  }
}

BOOST_AUTO_TEST_CASE(what_is_not_dropped_has_no_mask) {
  for (const Kind& kind : kinds) {
    const auto made = [&](const Rates& rates, bool in_training) {
      StepCall call = training_call();
      call.training = in_training;
      const Layer one = cell_of(kind, rates);
      one.build({{batch, features}});
      Shapes shapes;
      for (const Tensor& t : once(one, call)) shapes.push_back(t.shape());
      return shapes;
    };
    BOOST_TEST(made({}, true).empty());
    BOOST_TEST(made({.input = 0.5, .state = 0.5}, false).empty());
    BOOST_TEST((made({.input = 0.5}, true) == Shapes{{batch, features}}));
    BOOST_TEST((made({.state = 0.5}, true) == Shapes{{batch, units}}));
  }
}

BOOST_FIXTURE_TEST_CASE(a_layer_is_its_formula_with_one_mask_for_all_steps, InFloat64) {
  const Tensor mask =
      tensor<bool>({true, true, true, true, false, false, false, true,  true, true,  true, true,
                    true, true, true, true, true,  true,  true,  false, true, false, true, false},
                   {batch, steps});
  const Tensor x = parameter(0.8 * normal({batch, steps, features}, 3));
  for (const Kind& kind : kinds)
    for (const Rates& rates : {Rates{0.3, 0.4, 9}, Rates{0.3, 0, 9}, Rates{0, 0.4, 9}})
      for (const Form& form : {Form{}, Form{.backwards = true}, Form{.recompute = true},
                               Form{.masked = true}, Form{.recompute = true, .masked = true}}) {
        const Layer like = cell_of(kind, rates);  // makes the masks of the first call, too
        like.build({{batch, features}});
        const Tensors made = once(like, training_call());
        const Tensor none = ones({1, 1}, float64);
        const Tensor m = rates.input > 0 ? made.front() : none,
                     n = rates.state > 0 ? made.back() : none;
        const Layer rnn = ready(over_time(cell_of(kind, rates), form));
        Tensors leaves = rnn.trainable_weights();
        leaves.push_back(x);
        const Tensor counts = form.masked ? mask : Tensor{};
        const Tensors got =
            to_second_order(rnn.call({x}, {.training = true, .mask = counts}), leaves);
        const Tensors expected =
            to_second_order(by_hand(kind, rnn.weights(), x, counts, m, n, form.backwards), leaves);
        check_all(kind.name, got, expected, 1e-10);
      }
}

BOOST_FIXTURE_TEST_CASE(gradients_in_training_are_those_of_the_values, InFloat64) {
  for (const Kind& kind : kinds) {
    const auto f = [&](const Tensors& in) {  // made anew: has the masks of its first call
      const Layer rnn = ready(over_time(cell_of(kind, {.input = 0.3, .state = 0.4, .seed = 2})));
      return mixed(rnn.call(
          {in[0]}, {.training = true, .initial_state = Tensors(in.begin() + 1, in.end())}));
    };
    Tensors inputs{0.8 * normal({batch, steps, features}, 3)};
    for (std::size_t i = 0; i < kind.states; ++i)
      inputs.push_back(normal({batch, units}, 20 + static_cast<int64_t>(i)));
    const GradCheck report = gradcheck(f, inputs);
    BOOST_TEST(report.passed(), kind.name << "\n" << report);
  }
}

BOOST_AUTO_TEST_CASE(a_layer_its_cell_and_its_class_drop_the_same) {
  const Tensor x = cast(normal({batch, steps, features}), float32);
  const auto check = [&](const Layer& layer, const Layer& by_cell, const Layer& by_class) {
    const Tensor expected = ready(layer)(x, training);
    check_same(layer.name(), ready(by_cell)(x, training), expected);
    check_same(layer.name(), ready(by_class)(x, training), expected);
    BOOST_TEST(apart(layer(x), expected) > 0.01);
  };
  const auto of = [](const char* name) {
    return RNN(
        cell(name, {{"units", 5}, {"dropout", 0.2}, {"recurrent_dropout", 0.5}, {"seed", 1}}));
  };
  check(SimpleRNN({.units = 5, .dropout = 0.2, .recurrent_dropout = 0.5, .seed = 1}),
        of("SimpleRNN"),
        RNN(SimpleRNNCell({.units = 5, .dropout = 0.2, .recurrent_dropout = 0.5, .seed = 1})));
  check(LSTM({.units = 5, .dropout = 0.2, .recurrent_dropout = 0.5, .seed = 1}), of("LSTM"),
        RNN(LSTMCell({.units = 5, .dropout = 0.2, .recurrent_dropout = 0.5, .seed = 1})));
  check(GRU({.units = 5, .dropout = 0.2, .recurrent_dropout = 0.5, .seed = 1}), of("GRU"),
        RNN(GRUCell({.units = 5, .dropout = 0.2, .recurrent_dropout = 0.5, .seed = 1})));
}

BOOST_AUTO_TEST_CASE(only_training_drops) {
  const Tensor x = cast(normal({batch, steps, features}), float32);
  for (const Kind& kind : kinds) {
    const Rates rates{.input = 0.5, .state = 0.5};
    const Layer plain = ready(over_time(cell_of(kind, {}))),
                dropping = ready(over_time(cell_of(kind, rates)));
    check_all(kind.name, dropping.call({x}), plain.call({x}), 0);
    const auto steps_of = [](const std::string& text) {  // without the layer's own name
      return text.substr(text.find('\n'));
    };
    BOOST_TEST(steps_of(explain(dropping, {batch, steps, features})) ==
               steps_of(explain(plain, {batch, steps, features})));

    Sequential model({RNN(cell_of(kind, rates)), Dense({.units = 2})});
    const Tensor expected = model(x), predicted = model.predict(x);
    check_same("predict", predicted, expected);
    Stream stream(model, {.batch = static_cast<int>(batch)});
    std::vector<float> y(batch * 2);
    for (int64_t t = 0; t < steps; ++t) {
      std::vector<float> now;
      for (const double value : take(x, t, 1).to_vector()) now.push_back(static_cast<float>(value));
      stream.step(now, y);
    }
    check_close("stream", tensor(y, {batch, 2}), expected, 1e-5);
  }
}

BOOST_AUTO_TEST_CASE(masks_are_new_at_each_call_and_of_the_seed) {
  const Tensor x = cast(normal({batch, steps, features}), float32);
  const auto run = [&](const Rates& rates, const Kind& kind) {
    const Layer rnn = ready(over_time(cell_of(kind, rates)));
    Tensors all;
    for (int i = 0; i < 3; ++i) {
      all.push_back(rnn(x, training));
      (void)rnn(x);  // draws nothing
    }
    return all;
  };
  for (const Kind& kind : kinds)
    for (const Rates& rates : {Rates{0.5, 0}, Rates{0, 0.5}}) {
      Rates seeded = rates, other = rates;
      seeded.seed = 3;
      other.seed = 4;
      const Tensors first = run(seeded, kind);
      BOOST_TEST(apart(first[0], first[1]) > 0.01);
      BOOST_TEST(apart(first[1], first[2]) > 0.01);
      check_all("the same seed", run(seeded, kind), first, 0);
      BOOST_TEST(apart(run(other, kind)[0], first[0]) > 0.01);
      set_seed(8);
      const Tensors unseeded = run(rates, kind);
      BOOST_TEST(apart(unseeded[0], unseeded[1]) > 0.01);
      set_seed(8);
      check_all("set_seed", run(rates, kind), unseeded, 0);
    }
}

BOOST_FIXTURE_TEST_CASE(one_thread_and_two_drop_the_same, InFloat64) {
  const Tensor x = parameter(normal({66, 9, features}));
  for (const Kind& kind : kinds)
    for (const bool recompute : {false, true}) {
      const auto run = [&](int n) {
        const Threads in_use(n);
        const Layer rnn = RNN(cell_of(kind, {.input = 0.3, .state = 0.4, .seed = 2}),
                              {.return_sequences = true, .recompute = recompute});
        Tensors leaves = ready(rnn, x.shape()).trainable_weights();
        leaves.push_back(x);
        return to_second_order({rnn(x, training)}, leaves);
      };
      check_all(kind.name, run(2), run(1), 0);
    }
}

BOOST_FIXTURE_TEST_CASE(a_stateful_layer_draws_for_each_part, InFloat64) {
  const Tensor x = normal({batch, steps, features}, 3);
  for (const Kind& kind : kinds) {
    const Rates rates{.input = 0.3, .state = 0.4, .seed = 6};
    const Layer parts = ready(over_time(cell_of(kind, rates), {.stateful = true})),
                other = ready(over_time(cell_of(kind, rates)));
    const Tensors first = parts.call({slice(x, 1, 0, 2)}, training),
                  second = parts.call({slice(x, 1, 2, 6)}, training);
    const Tensors before = other.call({slice(x, 1, 0, 2)}, training);
    check_all("first", first, before, 0);
    check_all(
        "second", second,
        other.call({slice(x, 1, 2, 6)},
                   {.training = true, .initial_state = Tensors(before.begin() + 1, before.end())}),
        0);
  }
}

BOOST_AUTO_TEST_CASE(all_can_be_dropped) {
  const Tensor x = cast(normal({batch, steps, features}), float32);
  const Layer of_input = ready(LSTM({.units = 5, .dropout = 1}));
  check_same("input", of_input(x, training), of_input(2 * x, training));
  BOOST_TEST(apart(of_input(x), of_input(2 * x)) > 0.01);
  const Layer of_state = ready(SimpleRNN({.units = 5, .recurrent_dropout = 1}));
  check_same("state", of_state(x, training), of_state(slice(x, 1, 5, 6)));
}

// The sequence is the same from both ends, and so are the weights: only the masks differ.
BOOST_FIXTURE_TEST_CASE(both_directions_draw_their_own, InFloat64) {
  const Tensor half = normal({batch, 3, features}, 3), x = concat({half, reverse(half, 1)}, 1);
  const auto outputs = [&](const Layer& rnn) {
    const Layer both = Bidirectional(rnn, {.merge_mode = "none"});
    both.build({x.shape()});
    const Tensors w = both.weights();
    for (std::size_t i = 0; i < w.size() / 2; ++i)
      for (const std::size_t k : {i, i + w.size() / 2})
        assign(w[k], normal(w[i].shape(), static_cast<int64_t>(i)));
    const Tensors still = both.call({x}), drawn = both.call({x}, training);
    check_close("without dropout", still[0], still[1], 1e-12);
    BOOST_TEST(apart(drawn[0], drawn[1]) > 0.01);
    return drawn;
  };
  for (const int64_t seed : {int64_t{-1}, int64_t{3}}) {
    const auto once_more = [&] {
      set_seed(5);
      Tensors all;
      for (const Layer& rnn : {LSTM({.units = 5, .recurrent_dropout = 0.5, .seed = seed}),
                               RNN(GRUCell({.units = 5, .dropout = 0.5, .seed = seed}))})
        for (const Tensor& t : outputs(rnn)) all.push_back(t);
      return all;
    };
    check_all("again", once_more(), once_more(), 0);
  }
}

namespace {

Model trained(const Layer& rnn) {
  Sequential model({rnn, Dense({.units = 1})});
  model.compile({.optimizer = "adam", .loss = "mse"});
  return model;
}
void fit(Model& model, int from, int to) {
  const Tensor x = cast(normal({12, 5, features}, 1), float32),
               y = cast(normal({12, 1}, 2), float32);
  model.fit(x, y, {.batch_size = 4, .epochs = to, .seed = 7, .initial_epoch = from, .verbose = 0});
}

struct Dropping {
  const char* name;
  std::function<Layer(int64_t seed)> make;
};
const Dropping dropping[] = {
    {"LSTM", [](int64_t seed) { return LSTM({.units = 3, .dropout = 0.4, .seed = seed}); }},
    {"GRU",
     [](int64_t seed) {
       return GRU({.units = 3, .dropout = 0.4, .recurrent_dropout = 0.2, .seed = seed});
     }},
    {"stateful",
     [](int64_t seed) {
       return SimpleRNN({.units = 3, .recurrent_dropout = 0.2, .seed = seed, .stateful = true});
     }},
    {"RNN",
     [](int64_t seed) {
       return RNN(cell("LSTM", {{"units", 3}, {"recurrent_dropout", 0.4}, {"seed", seed}}));
     }},
    {"stack",
     [](int64_t seed) {
       return RNN({cell("LSTM", {{"units", 3}, {"recurrent_dropout", 0.4}, {"seed", seed}}),
                   cell("GRU", {{"units", 2}, {"dropout", 0.4}, {"seed", seed}})});
     }},
    {"Bidirectional",
     [](int64_t seed) {
       return Bidirectional(LSTM({.units = 3, .recurrent_dropout = 0.4, .seed = seed}));
     }},
    {"Bidirectional RNN",
     [](int64_t seed) {
       return Bidirectional(
           RNN(cell("GRU", {{"units", 3}, {"recurrent_dropout", 0.4}, {"seed", seed}})));
     }},
    {"Bidirectional of two",
     [](int64_t seed) {
       return Bidirectional(
           LSTM({.units = 3, .recurrent_dropout = 0.4, .seed = seed}),
           {.backward_layer = GRU({.units = 3, .dropout = 0.2, .go_backwards = true})});
     }},
};

}  // namespace

BOOST_AUTO_TEST_CASE(a_saved_model_goes_on_with_the_masks_it_had) {
  const std::string path = in_folder("dropping.safetensors"), next = in_folder("next.safetensors");
  for (const Dropping& c : dropping)
    for (const int64_t seed : {int64_t{-1}, int64_t{3}}) BOOST_TEST_CONTEXT(c.name << seed) {
        set_seed(4);
        Model straight = trained(c.make(seed));
        fit(straight, 0, 2);
        straight.save(path);
        fit(straight, 2, 4);
        const auto check = [&](const char* how, const Model& got) {
          for (std::size_t i = 0; i < straight.weights().size(); ++i)
            check_same(how, got.weights()[i], straight.weights()[i]);
        };
        set_seed(99);
        Model loaded = load_model(path);
        fit(loaded, 2, 3);
        loaded.save(next);
        set_seed(98);
        Model again = load_model(next);
        fit(again, 3, 4);
        check("load_model, twice", again);
        for (const bool called : {false, true}) {
          set_seed(97);
          Model other = trained(c.make(seed));
          if (called) fit(other, 0, 1);
          other.load(path);
          fit(other, 2, 4);
          check("load", other);
        }
      }
}

BOOST_AUTO_TEST_CASE(rates_are_checked) {
  BOOST_TEST(error_of([] { LSTM({.units = 3, .dropout = 1.5}); }) ==
             "LSTM: option `dropout` is 1.5; it must be within [0, 1].");
  BOOST_TEST(error_of([] { GRU({.units = 3, .recurrent_dropout = -0.1}); }) ==
             "GRU: option `recurrent_dropout` is -0.1; it must be within [0, 1].");
  BOOST_TEST(error_of([] { SimpleRNN({.units = 3, .dropout = std::nan("")}); }) ==
             "SimpleRNN: option `dropout` is nan; it must be within [0, 1].");
  BOOST_TEST(error_of([] {
               cell("LSTM", {{"units", 3}, {"seed", -2}});
             }) == "LSTM: option `seed` is -2; it must be at least -1.");
}

// A cell that sees its call only for its masks still refuses constants.
BOOST_AUTO_TEST_CASE(constants_are_refused_as_before) {
  const Tensor x = cast(normal({batch, steps, features}), float32), c = ones({batch, 2});
  BOOST_TEST(error_of([&] {
               LSTM({.units = 3, .dropout = 0.5})(x, {.constants = {c}});
             }) == "LSTM: takes no constants; RNN hands them to the step of a cell.");
  const std::string refused =
      "GRU: its step takes no constants.\n  Give it a third argument, `const StepCall& call`: they "
      "are its call.constants.";
  for (const Layer& rnn : {RNN(cell("GRU", {{"units", 3}})), RNN(GRUCell({.units = 3}))})
    BOOST_TEST(error_of([&] { rnn(x, {.constants = {c}}); }).starts_with(refused));
}
