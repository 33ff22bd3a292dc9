// SPDX-License-Identifier: Apache-2.0
// The built-in layers, as a script uses them: shapes, states, masks, options, and the errors if
// something does not fit. tests/reference/ has numbers of Keras.
#define BOOST_TEST_MODULE layers
#include <set>

#include <tempo/layers.hpp>

#include "testing.hpp"

using namespace tempo;
using namespace tempo::testing;

namespace {

const Shape input_shape{3, 5, 4};

// A layer with weights that all differ, for x.
Layer ready(const Layer& layer, const Tensor& x, int64_t seed = 7) {
  layer.build({x.shape()});
  for (const Tensor& w : layer.weights())
    assign(w, cast(random_normal(w.shape(), 0, 0.4, float64, seed++), w.dtype()));
  return layer;
}

void copy_weights(const Layer& from, const Layer& to) {
  const Tensors source = from.weights(), target = to.weights();
  BOOST_REQUIRE_EQUAL(source.size(), target.size());
  for (std::size_t i = 0; i < source.size(); ++i) assign(target[i], source[i]);
}

Tensor mask_of_rows(const std::vector<std::vector<bool>>& rows) {
  std::vector<bool> all;
  for (const auto& row : rows) all.insert(all.end(), row.begin(), row.end());
  return tensor(all, {static_cast<int64_t>(rows.size()), static_cast<int64_t>(rows[0].size())});
}

// The three recurrent layers, each made from the options they share.
struct Form {
  bool return_sequences = false, return_state = false, go_backwards = false, stateful = false;
  bool zero_output_for_mask = false, recompute = false;
};
struct Kind {
  const char* name;
  std::size_t states;
};
const Kind kinds[] = {{"SimpleRNN", 1}, {"LSTM", 2}, {"GRU", 1}};

Layer make(const Kind& kind, const Form& form, int units = 7) {
  return layer(kind.name, {{"units", units},
                           {"return_sequences", form.return_sequences},
                           {"return_state", form.return_state},
                           {"go_backwards", form.go_backwards},
                           {"stateful", form.stateful},
                           {"zero_output_for_mask", form.zero_output_for_mask},
                           {"recompute", form.recompute},
                           {"dtype", float64}});
}

struct SizeOptions {
  int units = 0;
};
void describe(auto& option, SizeOptions& o) { option("units", o.units, "Size."); }

// Its state is [batch, 2, units], its output [batch, 3].
struct WideStateCell : Cell<SizeOptions> {
  using Cell::Cell;
  Shapes state_shapes(int64_t batch) const { return {{batch, 2, options.units}}; }
  void build(Weights& add, const Shape& input) {
    kernel = add("kernel", {input.back(), options.units}, glorot_uniform());
    readout = add("readout", {options.units, 3}, glorot_uniform());
  }
  Step step(const Tensor& x, const State& s) const {
    Tensor next = tanh(s[0] + expand_dims(matmul(x, kernel), 1));
    return {.output = matmul(sum(next, 1), readout), .state = {next}};
  }
  Tensor kernel, readout;
};

// Accepts only inputs above 0.
struct LogarithmCell : Cell<SizeOptions> {
  using Cell::Cell;
  void build(Weights& add, const Shape& input) {
    kernel = add("kernel", {input.back(), options.units}, glorot_uniform());
  }
  Step step(const Tensor& x, const State& s) const {
    Tensor next = tanh(matmul(log(x), kernel) + 0.5 * s[0]);
    return {.output = next, .state = {next}};
  }
  Tensor kernel;
};

// Its input is an id, at most 3.
struct LookupCell : Cell<SizeOptions> {
  using Cell::Cell;
  void build(Weights& add, const Shape&) {
    table = add("table", {4, options.units}, glorot_uniform());
  }
  Step step(const Tensor& id, const State& s) const {
    Tensor next = tanh(gather(table, id) + s[0]);
    return {.output = next, .state = {next}};
  }
  Tensor table;
};

// Reads a tensor from outside at each step.
struct AttendingCell : Cell<SizeOptions> {
  using Cell::Cell;
  void build(Weights& add, const Shape& input) {
    kernel = add("kernel", {input.back(), options.units}, glorot_uniform());
  }
  Step step(const Tensor& x, const State& s, const StepCall& call) const {
    Tensor next = tanh(matmul(x, kernel) + s[0] * call.constants[0]);
    return {.output = next, .state = {next}};
  }
  Tensor kernel;
};

}  // namespace

BOOST_AUTO_TEST_CASE(bidirectional_lstm_of_the_tutorial) {
  const Tensor x = tensor<double>({0.1, 4.2, 1.5, 1.1, 2.8, 1.0, 3.1, 2.5, 0.7, 1.1,
                                   0.3, 2.1, 1.5, 2.1, 0.1, 2.2, 1.4, 0.5, 0.9, 1.1},
                                  {1, 4, 5});
  const auto both = Bidirectional(LSTM({.units = 3,
                                        .return_state = true,
                                        .kernel_initializer = constant(0.1),
                                        .recurrent_initializer = constant(0.1),
                                        .bias_initializer = zeros()}));
  const Tensors five = both.call({x});
  BOOST_REQUIRE_EQUAL(five.size(), 5u);
  const double f = 0.6303139, b = 0.7038734;
  check_close("output", five[0], tensor<double>({f, f, f, b, b, b}, {1, 6}), 1e-6);
  check_close("forward h", five[1], full({1, 3}, f), 1e-6);
  check_close("forward c", five[2], full({1, 3}, 1.5707087), 1e-6);
  check_close("backward h", five[3], full({1, 3}, b), 1e-6);
  check_close("backward c", five[4], full({1, 3}, 1.6402446), 1e-6);
}

BOOST_AUTO_TEST_CASE(what_is_returned) {
  const Tensor x = normal(input_shape);
  for (const Kind& kind : kinds)
    for (bool sequences : {false, true})
      for (bool state : {false, true}) {
        const Tensors out =
            make(kind, {.return_sequences = sequences, .return_state = state}).call({x});
        BOOST_TEST(out.size() == (state ? 1 + kind.states : 1));
        BOOST_TEST((out[0].shape() == (sequences ? Shape{3, 5, 7} : Shape{3, 7})));
        for (std::size_t i = 1; i < out.size(); ++i) BOOST_TEST((out[i].shape() == Shape{3, 7}));
        if (state) check_same("h", out[1], sequences ? take(out[0], -1, 1) : out[0]);
      }
}

BOOST_AUTO_TEST_CASE(backwards_is_forwards_over_the_reversed_input) {
  const Tensor x = normal(input_shape);
  for (const Kind& kind : kinds) {
    const Layer forwards = ready(make(kind, {.return_sequences = true, .return_state = true}), x);
    const Layer backwards = ready(
        make(kind, {.return_sequences = true, .return_state = true, .go_backwards = true}), x);
    const Tensors expected = forwards.call({reverse(x, 1)}), got = backwards.call({x});
    for (std::size_t i = 0; i < got.size(); ++i) check_close(kind.name, got[i], expected[i], 1e-12);
  }
}

BOOST_AUTO_TEST_CASE(a_state_continues_a_sequence) {
  const Tensor x = normal(input_shape);
  const Tensor first = slice(x, 1, 0, 2), rest = slice(x, 1, 2, 5);
  for (const Kind& kind : kinds) {
    const Layer whole = ready(make(kind, {}), x);
    const Layer parts = ready(make(kind, {.return_state = true}), x);
    const Tensors before = parts.call({first});
    const Tensors after =
        parts.call({rest}, {.initial_state = Tensors(before.begin() + 1, before.end())});
    check_close(kind.name, after[0], whole(x), 1e-12);

    const Layer stateful = ready(make(kind, {.stateful = true}), x);
    stateful(first);
    check_close(std::string("stateful ") + kind.name, stateful(rest), whole(x), 1e-12);
    stateful.reset_state();
    check_close(std::string("reset ") + kind.name, stateful(x), whole(x), 1e-12);
    // A state that is given takes precedence over the kept one.
    check_close("given",
                stateful(rest, {.initial_state = Tensors(before.begin() + 1, before.end())}),
                whole(x), 1e-12);
  }
}

BOOST_AUTO_TEST_CASE(a_kept_state_is_a_value) {
  const Tensor x = normal(input_shape);
  const Layer rnn = ready(make(kinds[1], {.stateful = true}), x);
  rnn(x);
  const Tensor y = sum(rnn(x));  // a reverse walk would enter the first call
  BOOST_TEST(gradient(y, rnn.weights()).size() == 3u);
  assign(rnn.weights()[0], 2 * rnn.weights()[0]);
  const Tensor next = sum(rnn(x));
  gradient(next, rnn.weights());
}

// errors_test checks the text.
BOOST_AUTO_TEST_CASE(a_stateful_layer_is_refused_in_a_trace_and_keeps_nothing_of_it) {
  const Tensor x = normal({3, 2, 5, 4});
  const Layer rnn = ready(make(kinds[2], {.stateful = true}), take(x, 0, 1));
  const Tensor expected = rnn(take(x, 0, 1));
  rnn.reset_state();
  const auto step = [&](const Tensor& now, const State& s) {
    return Step{.output = rnn(now), .state = {s[0] + 1}};
  };
  BOOST_CHECK_THROW(scan(step, x, {zeros({3, 1}, float64)}), Error);
  check_same("from zeros", rnn(take(x, 0, 1)), expected);
}

BOOST_AUTO_TEST_CASE(masked_steps_do_not_count) {
  const Tensor x = normal(input_shape);
  const Tensor mask = mask_of_rows({{1, 1, 1, 0, 0}, {0, 0, 1, 1, 1}, {1, 0, 1, 0, 1}});
  const Tensor row_steps[] = {
      slice(take(x, 0), 0, 0, 3), slice(take(x, 1), 0, 2, 5),
      stack({take(take(x, 2), 0), take(take(x, 2), 2), take(take(x, 2), 4)})};
  for (const Kind& kind : kinds)
    for (bool back : {false, true}) {
      const Layer masked = ready(make(kind, {.return_state = true, .go_backwards = back}), x);
      const Layer bare = ready(make(kind, {.return_state = true, .go_backwards = back}), x);
      const Tensors got = masked.call({x}, {.mask = mask});
      for (int64_t row = 0; row < 3; ++row) {
        const Tensors expected = bare.call({expand_dims(row_steps[row], 0)});
        for (std::size_t i = 0; i < got.size(); ++i)
          check_close(kind.name, slice(got[i], 0, row, row + 1), expected[i], 1e-12);
      }
    }
}

BOOST_AUTO_TEST_CASE(outputs_of_masked_steps) {
  const Tensor x = normal({1, 5, 4});
  const Tensor mask = mask_of_rows({{0, 1, 0, 0, 1}});
  for (const Kind& kind : kinds) {
    const State initial(kind.states, ones({1, 7}, float64));
    const CallOptions call{.mask = mask, .initial_state = initial};
    const Tensor y = take(ready(make(kind, {.return_sequences = true}), x)(x, call), 0);
    check_same("before the first one", take(y, 0), zeros({7}, float64));
    check_same("repeated", take(y, 2), take(y, 1));
    check_same("repeated again", take(y, 3), take(y, 1));

    const Layer zero =
        ready(make(kind, {.return_sequences = true, .zero_output_for_mask = true}), x);
    const Tensor z = take(zero(x, call), 0);
    for (int64_t t : {0, 2, 3}) check_same("zero", take(z, t), zeros({7}, float64));
    for (int64_t t : {1, 4}) check_close("kept", take(z, t), take(y, t), 1e-12);

    const Tensor none = mask_of_rows({{0, 0, 0, 0, 0}});
    const Layer last = ready(make(kind, {.return_state = true}), x);
    const Tensors out = last.call({x}, {.mask = none, .initial_state = initial});
    check_same("nothing was read", out[0], zeros({1, 7}, float64));
    for (std::size_t i = 1; i < out.size(); ++i) check_same("state", out[i], initial[i - 1]);
  }
}

// The last output is that of the last step that counts: padding changes nothing.
BOOST_AUTO_TEST_CASE(zeros_for_masked_steps_are_of_sequences_alone) {
  const Tensor x = normal({1, 5, 4}), mask = mask_of_rows({{1, 1, 1, 0, 0}});
  const Form form{.return_state = true, .zero_output_for_mask = true};
  for (const Kind& kind : kinds) {
    const Layer rnn = ready(make(kind, form), x);
    const Tensors padded = rnn.call({x}, {.mask = mask}), cut = rnn.call({slice(x, 1, 0, 3)});
    for (std::size_t i = 0; i < cut.size(); ++i) check_same(kind.name, padded[i], cut[i]);
    const Layer both = ready(Bidirectional(make(kind, form), {.dtype = float64}), x);
    check_same("in both directions", both(x, {.mask = mask}), both(slice(x, 1, 0, 3)));
  }
}

// A recurrence whose values, gradients and gradients of gradients are finite, and the same for any
// padding.
struct MaskedKind {
  std::string name;
  std::size_t states;
  std::function<Layer(const Form&)> make;
};
std::vector<MaskedKind> masked_kinds() {
  std::vector<MaskedKind> all;
  for (const Kind& kind : kinds) {
    all.push_back({kind.name, kind.states, [=](const Form& f) { return make(kind, f); }});
    all.push_back({std::string("Bidirectional ") + kind.name, 2 * kind.states, [=](const Form& f) {
                     return Bidirectional(make(kind, f), {.dtype = float64});
                   }});
  }
  all.push_back({"a cell that is defined for some inputs", 1, [](const Form& f) {
                   return RNN(LogarithmCell({.units = 7}),
                              {.return_sequences = f.return_sequences,
                               .return_state = f.return_state,
                               .go_backwards = f.go_backwards,
                               .zero_output_for_mask = f.zero_output_for_mask,
                               .recompute = f.recompute,
                               .dtype = float64});
                 }});
  return all;
}
std::vector<Form> masked_forms() {
  std::vector<Form> all;
  for (bool sequences : {false, true})
    for (bool backwards : {false, true})
      for (bool zero : {false, true})
        for (bool recompute : {false, true})
          all.push_back({.return_sequences = sequences,
                         .return_state = true,
                         .go_backwards = backwards,
                         .zero_output_for_mask = zero,
                         .recompute = recompute});
  return all;
}

// Returns results, their gradients, and the gradients of those.
Tensors all_of(const Layer& rnn, const Tensor& x, const Tensor& mask, const State& initial) {
  Tensors all = rnn.call({x}, {.mask = mask, .initial_state = initial});
  Tensors leaves = rnn.trainable_weights();
  leaves.push_back(x);
  leaves.insert(leaves.end(), initial.begin(), initial.end());
  const Tensors first = gradient(sin(mixed(all)), leaves), second = gradient(mixed(first), leaves);
  all.insert(all.end(), first.begin(), first.end());
  all.insert(all.end(), second.begin(), second.end());
  return all;
}

BOOST_AUTO_TEST_CASE(what_a_mask_takes_out_reaches_nothing) {
  const Tensor counted = abs(normal(input_shape)) + 0.1;
  const Tensor mask = mask_of_rows({{1, 1, 1, 0, 0}, {0, 0, 1, 0, 1}, {0, 0, 0, 0, 0}});
  const double inf = std::numeric_limits<double>::infinity();
  for (const MaskedKind& kind : masked_kinds())
    for (const Form& form : masked_forms())
      for (bool given : {false, true}) {
        State initial;
        for (std::size_t i = 0; given && i < kind.states; ++i)
          initial.push_back(parameter(normal({3, 7}, 20 + static_cast<int64_t>(i))));
        const Layer rnn = ready(kind.make(form), counted);
        Tensors expected;
        for (const double padding : {1.0, 0.0, -1.0, 1e300, inf, std::nan("")}) {
          const Tensor x = parameter(where(expand_dims(mask, -1), counted, padding));
          const Tensors got = all_of(rnn, x, mask, initial);
          if (expected.empty()) expected = got;
          for (std::size_t i = 0; i < got.size(); ++i) {
            const std::string what = kind.name + ", padded with " + std::to_string(padding) +
                                     ", result " + std::to_string(i);
            BOOST_TEST(std::isfinite(sum(abs(got[i])).item()), what);
            check_close(what, got[i], expected[i], 1e-12);
          }
        }
      }
}

// The same holds if the state came from an earlier call.
BOOST_AUTO_TEST_CASE(what_a_mask_takes_out_does_not_reach_the_state_that_is_kept) {
  const Tensor mask = mask_of_rows({{1, 0, 1, 0, 0}, {0, 0, 0, 0, 0}, {1, 1, 1, 1, 1}});
  const Tensor x = where(expand_dims(mask, -1), normal(input_shape), std::nan(""));
  for (const Kind& kind : kinds) {
    const Layer stateful = ready(make(kind, {.return_sequences = true, .stateful = true}), x),
                once = ready(make(kind, {.return_sequences = true}), x);
    stateful(x, {.mask = mask});
    const Tensor twice = concat({x, x}, 1), of_twice = concat({mask, mask}, 1);
    check_close(kind.name, slice(stateful(x, {.mask = mask}), 0, 2, 3),
                slice(slice(once(twice, {.mask = of_twice}), 1, 5, 10), 0, 2, 3), 1e-12);
  }
}

BOOST_AUTO_TEST_CASE(a_state_that_is_no_number_is_the_callers) {
  const Tensor x = normal({2, 3, 4}), mask = mask_of_rows({{0, 0, 0}, {1, 1, 1}});
  const Layer gru = ready(make(kinds[2], {.return_state = true}), x);
  Tensor h = where(tensor<bool>({true, false}, {2, 1}), full({2, 7}, std::nan(""), float64), 0);
  const Tensors out = gru.call({x}, {.mask = mask, .initial_state = {h}});
  BOOST_TEST(std::isnan(out[1].element(0)));
  BOOST_TEST(std::isfinite(sum(slice(out[1], 0, 1, 2)).item()));
}

// Nor does it reach a gradient of a value that reads the other rows, to second order.
BOOST_AUTO_TEST_CASE(a_state_of_a_row_that_never_runs_reaches_no_gradient) {
  const Tensor x = parameter(normal({2, 3, 4})), mask = mask_of_rows({{0, 0, 0}, {1, 0, 1}}),
               positive = abs(normal({2, 7}, 5)) + 0.1;
  const Tensor broken = where(tensor<bool>({true, false}, {2, 1}),
                              full({2, 7}, std::nan(""), float64), positive),
               sound = where(tensor<bool>({true, false}, {2, 1}), 0, positive);
  for (const MaskedKind& kind : masked_kinds())
    for (const Form& form : masked_forms()) BOOST_TEST_CONTEXT(kind.name) {
        const Layer rnn = ready(kind.make(form), x);
        Tensors of = rnn.weights();
        of.push_back(x);
        const auto gradients = [&](const Tensor& state) {
          const Tensors out =
              rnn.call({x}, {.mask = mask, .initial_state = State(kind.states, state)});
          Tensor total = scalar(0, float64);
          for (const Tensor& t : out) total = total + sum(square(slice(t, 0, 1, 2)));
          Tensors all = gradient(total, of);
          Tensor size = scalar(0, float64);
          for (const Tensor& g : all) size = size + sum(square(g));
          for (const Tensor& g : gradient(size, of)) all.push_back(g);
          return all;
        };
        const Tensors expected = gradients(sound), got = gradients(broken);
        for (std::size_t i = 0; i < got.size(); ++i)
          check_close(std::to_string(i), got[i], expected[i], 1e-12);
      }
}

BOOST_AUTO_TEST_CASE(ids_that_a_mask_takes_out_are_not_looked_up) {
  const Tensor mask = mask_of_rows({{1, 1, 0}, {0, 0, 0}});
  const Layer rnn = RNN(LookupCell({.units = 3}), {.return_state = true});
  const Tensor expected = rnn.call({tensor<int>({1, 2, 0, 0, 0, 0}, {2, 3})}, {.mask = mask})[1];
  check_same("state", rnn.call({tensor<int>({1, 2, -1, 99, -1, 99}, {2, 3})}, {.mask = mask})[1],
             expected);
}

BOOST_AUTO_TEST_CASE(of_no_steps_the_state_is_the_initial_one) {
  const Tensor h = normal({2, 7}, 5), c = normal({2, 7}, 6);
  for (const MaskedKind& kind : masked_kinds())
    for (const Form& form : masked_forms())
      for (bool masked : {false, true})
        for (int64_t batch : {0, 2}) {
          const Layer rnn = ready(kind.make(form), normal({2, 3, 4}));
          State given, zero;
          for (std::size_t i = 0; i < kind.states; ++i) {
            given.push_back(slice(i % 2 ? c : h, 0, 0, batch));
            zero.push_back(zeros({batch, 7}, float64));
          }
          const Tensor x = zeros({batch, 0, 4}, float64), mask = zeros({batch, 0}, bool_);
          const auto check = [&](const State& initial, const State& expected) {
            const Tensors out =
                rnn.call({x}, {.mask = masked ? mask : Tensor{}, .initial_state = initial});
            BOOST_REQUIRE_EQUAL(out.size(), 1 + kind.states);
            const int64_t size = kind.name.find("Bidirectional") == 0 ? 14 : 7;
            check_same(
                kind.name, out[0],
                zeros(form.return_sequences ? Shape{batch, 0, size} : Shape{batch, size}, float64));
            for (std::size_t i = 0; i < expected.size(); ++i)
              check_same(kind.name + ", state", out[1 + i], expected[i]);
          };
          check(given, given);
          check({}, zero);
        }
}

BOOST_AUTO_TEST_CASE(no_steps_between_others_change_no_state) {
  const Tensor x = normal(input_shape);
  for (const Kind& kind : kinds) {
    const Layer stateful = ready(make(kind, {.stateful = true}), x),
                once = ready(make(kind, {}), x);
    stateful(slice(x, 1, 0, 2));
    stateful(slice(x, 1, 2, 2));
    check_close(kind.name, stateful(slice(x, 1, 2, 5)), once(x), 1e-12);
  }
}

BOOST_AUTO_TEST_CASE(steps_can_be_computed_again) {
  const Tensor x = parameter(normal({3, 16, 4}));
  const Tensor mask = greater(normal({3, 16}, 3), -0.5);
  for (const Kind& kind : kinds)
    for (const bool sequences : {false, true})
      for (const Tensor& m : {Tensor{}, mask}) {
        const Layer kept = make(kind, {.return_sequences = sequences}),
                    again = make(kind, {.return_sequences = sequences, .recompute = true});
        const auto run = [&](const Layer& l) {
          l.build({x.shape()}, float64);
          for (std::size_t i = 0; i < l.weights().size(); ++i)
            assign(l.weights()[i], kept.weights()[i]);
          const Tensor y = l(x, {.mask = m});
          Tensors inputs = l.trainable_weights();
          inputs.push_back(x);
          Tensors all = gradient(sum(sin(y)), inputs);
          all.push_back(y);
          return all;
        };
        const Tensors expected = run(kept), got = run(again);
        for (std::size_t i = 0; i < got.size(); ++i)
          check_close(kind.name, got[i], expected[i], 1e-12);
      }
}

BOOST_AUTO_TEST_CASE(masks_are_passed_on) {
  const Tensor ids = tensor<int>({3, 1, 0, 2, 0, 0}, {2, 3});
  const Tensor expected = mask_of_rows({{1, 1, 0}, {1, 0, 0}});
  Tensor y = Embedding({.input_dim = 4, .output_dim = 4, .mask_zero = true})(ids);
  check_same("Embedding", mask_of(y), expected);
  for (const Layer& next : {LSTM({.units = 3, .return_sequences = true}),
                            Bidirectional(GRU({.units = 3, .return_sequences = true})),
                            Dropout({.rate = 0.5}), Dense({.units = 2})}) {
    y = next(y, {.training = true});
    BOOST_REQUIRE_MESSAGE(mask_of(y), next.name());
    check_same(next.name(), mask_of(y), expected);
  }
  // A mask of words is also one of their letters, and a mask of samples one of their steps.
  const Layer table = Embedding({.input_dim = 4, .output_dim = 4, .mask_zero = true});
  check_same("of letters",
             mask_of(table(tensor<int>({3, 1, 0, 2, 9, -1}, {1, 3, 2}),
                           {.mask = mask_of_rows({{1, 1, 0}})})),
             tensor<bool>({true, true, false, true, false, false}, {1, 3, 2}));
  check_same("of steps", mask_of(table(ids, {.mask = tensor<bool>({true, false}, {2})})),
             mask_of_rows({{1, 1, 0}, {0, 0, 0}}));
  BOOST_TEST(!mask_of(LSTM({.units = 3})(y)));
  BOOST_TEST(!mask_of(Embedding({.input_dim = 4, .output_dim = 4})(ids)));
  const Tensor back = LSTM({.units = 3, .return_sequences = true, .go_backwards = true})(y);
  check_same("the mask goes with the outputs", mask_of(back), reverse(expected, 1));
  const Tensor other = mask_of_rows({{1, 1, 1}, {1, 1, 1}});
  check_same("a mask of the call wins", mask_of(Dense({.units = 2})(y, {.mask = other})), other);
}

// The mask [batch, time] covers the first axes; an op does to the mask what it does to these.
BOOST_AUTO_TEST_CASE(ops_pass_masks_on) {
  const Tensor mask = mask_of_rows({{1, 1, 0}, {1, 0, 0}}),
               other = mask_of_rows({{1, 1, 1}, {0, 0, 1}}), both = logical_and(mask, other);
  const Tensor plain = normal({2, 3, 4}), h = with_mask(plain, mask),
               g = with_mask(normal({2, 3, 4}, 2), other), w = normal({4, 5}, 3);
  const Tensor none;
  const struct {
    const char* name;
    Tensor result, expected;
  } cases[] = {
      {"h + h", h + h, mask},
      {"2 * h", 2 * h, mask},
      {"h + bias", h + normal({4}), mask},
      {"bias + h", normal({4}) + h, mask},
      {"h and a constant", h * plain, mask},
      {"h + g", h + g, both},
      {"-h", -h, mask},
      {"relu", relu(h), mask},
      {"cast", cast(h, float32), mask},
      {"a comparison", h > 0, mask},
      {"where", where(plain > 0, h, g), both},
      {"softmax", softmax(h), mask},
      {"layer_norm", layer_norm(h, normal({4}), normal({4})), mask},
      {"stop_gradient", stop_gradient(h), mask},
      {"dropout", dropout(h, 0.5), mask},
      {"an activation", Activation("gelu")(h), mask},
      {"concat of features", concat({h, g}), both},
      {"concat with what has none", concat({plain, h}), mask},
      {"split of features", split<2>(h)[1], mask},
      {"slice of features", slice(h, -1, 1, 3), mask},
      {"slice of the batch", slice(h, 0, 1, 2), slice(mask, 0, 1, 2)},
      {"slice of time", slice(h, 1, 1, 3), slice(mask, 1, 1, 3)},
      {"split of time", split(h, {1, 2}, 1)[1], slice(mask, 1, 1, 3)},
      {"concat of time", concat({h, plain}, 1), concat({mask, ones({2, 3}, bool_)}, 1)},
      {"concat of the batch", concat({h, g}, 0), concat({mask, other}, 0)},
      {"reverse", reverse(h, 1), reverse(mask, 1)},
      {"reverse of features", reverse(h, 2), mask},
      {"samples", gather(h, tensor<int>({1, 1, 0}, {3})),
       gather(mask, tensor<int>({1, 1, 0}, {3}))},
      {"matmul", matmul(h, w), mask},
      {"a weight's matmul", matmul(normal({2, 5, 3}), h), none},
      {"scores", matmul(h, g, false, true), mask},
      {"sum of features", sum(h, -1), mask},
      {"mean of features", mean(h, -1, true), mask},
      {"argmax", argmax(h), mask},
      {"sum of time", sum(h, 1), none},
      {"max of time", max(h, 1, true), none},
      {"mean of all", mean(h), none},
      {"the last step", take(h, -1, 1), none},
      {"the last step of one feature", take(slice(h, 2, 0, 1), -1, 1), none},
      {"cumsum", cumsum(h, 1), mask},
      {"a new last axis", expand_dims(h, -1), mask},
      {"without its last axis", squeeze(slice(h, 2, 0, 1), 2), mask},
      {"features in two axes", reshape(h, {2, 3, 2, 2}), mask},
      {"other steps", reshape(h, {2, 2, 6}), none},
      {"time first", swap_axes(h, 0, 1), transpose(mask)},
      {"features before time", swap_axes(h, 1, 2), none},
      {"more rows", broadcast_to(slice(h, 0, 0, 1), {5, 3, 4}),
       broadcast_to(slice(mask, 0, 0, 1), {5, 3})},
      {"ids", one_hot(with_mask(tensor<int>({1, 2, 0, 1, 0, 0}, {2, 3}), mask), 3), mask},
  };
  for (const auto& c : cases) {
    const Tensor got = mask_of(c.result);
    BOOST_TEST(static_cast<bool>(got) == static_cast<bool>(c.expected), c.name);
    if (got && c.expected) check_same(c.name, got, c.expected);
  }
}

BOOST_AUTO_TEST_CASE(gradients_have_no_masks) {
  const Tensor x = parameter(normal({2, 3, 4}));
  const Tensor h = with_mask(1 * x, mask_of_rows({{1, 1, 0}, {1, 0, 0}}));
  const Tensor dx = gradient(sum(square(sin(h) * h)), Tensors{x})[0];
  BOOST_TEST(!mask_of(dx));
  check_same("the same", dx, gradient(sum(square(sin(1 * x) * x)), Tensors{x})[0]);
}

BOOST_AUTO_TEST_CASE(padding_changes_nothing_behind_ops) {
  const Layer words = Embedding({.input_dim = 9, .output_dim = 3, .mask_zero = true}),
              tags = Embedding({.input_dim = 4, .output_dim = 2, .mask_zero = true}),
              lstm = LSTM({.units = 4, .return_sequences = true}), last = GRU({.units = 2});
  const auto run = [&](const Tensor& w, const Tensor& t) {
    const Tensor x = layer_norm(concat({words(w), tags(t)})), h = lstm(relu(x));
    return last(tanh(h) + 2 * h);
  };
  const Tensor w = tensor<int>({5, 7, 2, 0, 0}, {1, 5}), t = tensor<int>({1, 3, 2, 0, 0}, {1, 5});
  check_close("padded", run(w, t), run(slice(w, 1, 0, 3), slice(t, 1, 0, 3)), 1e-6);
}

// Masked ids may be anything.
BOOST_AUTO_TEST_CASE(an_embedding_passes_a_mask_on) {
  const Tensor mask = mask_of_rows({{1, 1, 0}, {1, 0, 1}});
  const Layer table = Embedding({.input_dim = 4, .output_dim = 2}),
              zero = Embedding({.input_dim = 4, .output_dim = 2, .mask_zero = true});
  const Tensor ids = tensor<float>({3, 0, NAN, 1, -1, 99}, {2, 3});
  BOOST_CHECK_EQUAL(
      error_of([&] { table(ids, {.mask = mask}); }).find("id 5 of") != std::string::npos, true);
  const Tensor fit = tensor<float>({3, 0, NAN, 1, -1, 2}, {2, 3});
  check_same("mask", mask_of(table(fit, {.mask = mask})), mask);
  check_same("mask of ids", mask_of(table(with_mask(fit, mask))), mask);
  check_same("and of 0", mask_of(zero(fit, {.mask = mask})), mask_of_rows({{1, 0, 0}, {1, 0, 1}}));
}

BOOST_AUTO_TEST_CASE(padding_is_marked) {
  const Tensor x = tensor<double>({1, 0, -1, -1, 0, 0, -1, 2}, {2, 2, 2});
  const Tensor y = Masking({.mask_value = -1})(x);
  check_same("steps", y, tensor<double>({1, 0, 0, 0, 0, 0, -1, 2}, {2, 2, 2}));
  check_same("mask", mask_of(y), mask_of_rows({{1, 0}, {1, 1}}));
  check_same("0", mask_of(Masking()(x)), mask_of_rows({{1, 1}, {0, 1}}));

  const double inf = std::numeric_limits<double>::infinity(), nan = std::nan("");
  for (const double padding : {nan, inf, -inf}) {
    const Tensor padded = parameter(where(expand_dims(mask_of(y), -1), x, padding));
    const Tensor marked = Masking({.mask_value = padding})(padded);
    check_same("steps", marked, y);
    check_same("mask", mask_of(marked), mask_of(y));
    check_same("gradient", gradient(sum(marked), Tensors{padded})[0],
               cast(broadcast_to(expand_dims(mask_of(y), -1), {2, 2, 2}), x.dtype()));
  }
  // If only one of its features is padding, a step is not padding.
  const Tensor half = tensor<double>({nan, 1, nan, nan}, {1, 2, 2});
  check_same("half", mask_of(Masking({.mask_value = nan})(half)), mask_of_rows({{1, 0}}));
  const Tensor ids = tensor<int>({-1, -1, 2, -1}, {1, 2, 2});
  check_same("integers", mask_of(Masking({.mask_value = -1})(ids)), mask_of_rows({{0, 1}}));
  const Tensor frames = tensor<double>({0, 0, 0, 0, 0, 0, 0, 3}, {1, 2, 2, 2});
  check_same("frames", mask_of(Masking()(frames)), mask_of_rows({{0, 1}}));
}

// Results that are thrown away affect neither the weights nor the steps that count.
BOOST_AUTO_TEST_CASE(dense_on_padding_of_no_numbers) {
  const Tensor mask = mask_of_rows({{0, 1, 1}, {1, 0, 0}, {0, 0, 0}});
  const Tensor clean = normal({3, 3, 4});
  const Layer dense = ready(Dense({.units = 2, .dtype = float64}), clean);
  const auto loss = [&](const Tensor& x) {
    const Tensor y = dense(with_mask(1 * x, mask));
    return sum(square(where(expand_dims(mask_of(y), -1), y, 0)));
  };
  const Tensor x = parameter(clean);
  Tensors wanted = dense.weights();
  wanted.push_back(x);
  const Tensors expected = gradient(loss(x), wanted);
  for (const double padding : {1e300, std::numeric_limits<double>::infinity(), std::nan("")}) {
    wanted.back() = parameter(where(expand_dims(mask, -1), clean, padding));
    const Tensors got = gradient(loss(wanted.back()), wanted);
    for (std::size_t i = 0; i < got.size(); ++i) check_same("gradient", got[i], expected[i]);
  }
  const Tensor other = where(expand_dims(mask, -1), clean, 3);  // padding of numbers is read
  check_same("output", dense(with_mask(other, mask)), dense(other));
}

BOOST_AUTO_TEST_CASE(cells_of_any_shape) {
  const WideStateCell cell({.units = 6});
  const Tensor x = randn(input_shape);
  const Tensor mask = mask_of_rows({{1, 1, 1, 0, 0}, {0, 0, 1, 1, 1}, {1, 0, 1, 0, 1}});
  const Layer rnn = RNN(cell, {.return_sequences = true, .return_state = true});
  const Tensors out = rnn.call({x}, {.mask = mask});
  BOOST_TEST((out[0].shape() == Shape{3, 5, 3}));
  BOOST_TEST((out[1].shape() == Shape{3, 2, 6}));
  const Tensors short_row = rnn.call({slice(slice(x, 0, 0, 1), 1, 0, 3)});
  check_close("masked state", slice(out[1], 0, 0, 1), short_row[1], 1e-6);
  check_close("repeated output", take(slice(out[0], 0, 0, 1), 4, 1), take(short_row[0], 2, 1),
              1e-6);
  BOOST_TEST(RNN(cell)(x).shape().rank() == 2);
}

BOOST_AUTO_TEST_CASE(constants_reach_the_step) {
  const Tensor x = randn(input_shape);
  const Layer rnn = RNN(AttendingCell({.units = 6}));
  const Tensor none = rnn(x, {.constants = {zeros({3, 6})}});
  check_close("without memory", none, tanh(matmul(take(x, -1, 1), rnn.weights()[0])), 1e-6);
  const Tensor memory = parameter(randn({3, 6}));
  const Tensor y = rnn(x, {.constants = {memory}});
  BOOST_TEST(max(abs(y - none)).item() > 1e-3);
  BOOST_TEST(max(abs(gradient(sum(y), Tensors{memory})[0])).item() > 1e-3);
  BOOST_TEST(error_of([&] {
               LSTM({.units = 3})(x, {.constants = {memory}});
             }) == "LSTM: takes no constants; RNN hands them to the step of a cell.");
  BOOST_TEST(
      error_of([&] {
        RNN(WideStateCell({.units = 6}))
        (x, {.constants = {memory}});
      }) ==
      "WideState: its step takes no constants.\n  Give it a third argument, `const StepCall& "
      "call`: they are its call.constants.\n"
      "  This happened in call of rnn (RNN of plugin `tempo`).");
}

BOOST_AUTO_TEST_CASE(merge_modes) {
  const Tensor x = normal(input_shape);
  const auto both = [&](const char* mode, bool sequences) {
    return ready(Bidirectional(LSTM({.units = 7, .return_sequences = sequences, .dtype = float64}),
                               {.merge_mode = mode}),
                 x)
        .call({x});
  };
  for (bool sequences : {false, true}) {
    const Tensors two = both("none", sequences);
    BOOST_REQUIRE_EQUAL(two.size(), 2u);
    check_same("concat", both("concat", sequences)[0], concat({two[0], two[1]}));
    check_same("sum", both("sum", sequences)[0], two[0] + two[1]);
    check_same("mul", both("mul", sequences)[0], two[0] * two[1]);
    check_close("ave", both("ave", sequences)[0], (two[0] + two[1]) / 2, 1e-15);
  }
}

BOOST_AUTO_TEST_CASE(bidirectional_forms) {
  const Tensor x = normal(input_shape);
  const auto lstm = [](bool back) {
    return LSTM({.units = 7,
                 .return_state = true,
                 .go_backwards = back,
                 .stateful = true,
                 .dtype = float64});
  };
  const Layer given = ready(Bidirectional(lstm(false), {.backward_layer = lstm(true)}), x);
  const Layer copied = ready(Bidirectional(lstm(false)), x);
  const Tensors expected = copied.call({x}), got = given.call({x});
  BOOST_REQUIRE_EQUAL(got.size(), 5u);
  for (std::size_t i = 0; i < got.size(); ++i) check_same("backward_layer", got[i], expected[i]);

  const Tensors second = copied.call({x});
  BOOST_TEST(max(abs(second[0] - expected[0])).item() > 1e-3);
  copied.reset_state();
  check_same("reset", copied(x), expected[0]);
  check_same("initial_state",
             copied.call({x}, {.initial_state = Tensors(got.begin() + 1, got.end())})[0],
             second[0]);

  std::set<std::string> paths;
  for (const Tensor& w : copied.weights()) paths.insert(w.path());
  BOOST_TEST(paths.count("bidirectional/forward_lstm/kernel") == 1u);
  BOOST_TEST(paths.count("bidirectional/backward_lstm/recurrent_kernel") == 1u);
  const Layer cells = Bidirectional(RNN(WideStateCell({.units = 6})));
  BOOST_TEST((cells(randn(input_shape)).shape() == Shape{3, 6}));
  BOOST_TEST(cells.weights().size() == 4u);
}

BOOST_AUTO_TEST_CASE(weights_and_their_first_values) {
  const Tensor x = randn(input_shape);
  const auto built = [&](const Layer& layer) {
    layer.build({x.shape()});
    return layer;
  };
  BOOST_TEST(built(SimpleRNN({.units = 7})).count_params() == 7 * (4 + 7 + 1));
  BOOST_TEST(built(LSTM({.units = 7})).count_params() == 4 * 7 * (4 + 7 + 1));
  BOOST_TEST(built(GRU({.units = 7})).count_params() == 3 * 7 * (4 + 7 + 2));
  BOOST_TEST(built(GRU({.units = 7, .reset_after = false})).count_params() == 3 * 7 * (4 + 7 + 1));
  BOOST_TEST(built(Dense({.units = 7, .use_bias = false})).count_params() == 4 * 7);

  const Layer lstm =
      built(LSTM({.units = 2, .bias_initializer = constant(0.5), .name = "encoder"}));
  BOOST_TEST(lstm.weights()[0].path() == "encoder/kernel");
  BOOST_TEST(lstm.weights()[1].path() == "encoder/recurrent_kernel");
  check_same("bias", lstm.weights()[2], tensor<double>({.5, .5, 1, 1, .5, .5, .5, .5}, {8}));
  const Layer plain = built(LSTM({.units = 1, .unit_forget_bias = false}));
  check_same("bias", plain.weights()[2], zeros({4}));
  const Tensor u = lstm.weights()[1];
  check_close("orthogonal", matmul(u, transpose(u)), Initializer("identity")({2, 2}), 1e-5);

  const Layer exact = built(LSTM({.units = 2, .dtype = float64}));
  for (const Tensor& w : exact.weights()) BOOST_TEST((w.dtype() == float64));
  BOOST_TEST(built(GRU({.units = 2, .trainable = false})).trainable_weights().empty());
}

BOOST_AUTO_TEST_CASE(by_name_as_by_struct) {
  const Tensor x = normal(input_shape);
  const Layer a =
      ready(LSTM({.units = 7, .recurrent_activation = "hard_sigmoid", .dtype = float64}), x);
  const Layer b = ready(
      layer("LSTM", {{"units", 7}, {"recurrent_activation", "hard_sigmoid"}, {"dtype", float64}}),
      x);
  check_same("LSTM", b(x), a(x));
  const Layer c = RNN(
      cell("LSTM", {{"units", 7}, {"recurrent_activation", "hard_sigmoid"}, {"dtype", float64}}));
  c.build({x.shape()});
  copy_weights(a, c);
  check_same("RNN of the cell", c(x), a(x));
}

BOOST_AUTO_TEST_CASE(dense_reads_the_last_axis) {
  const Tensor x = normal({3, 2, 5, 4});
  const Layer dense = ready(Dense({.units = 7, .activation = "relu", .dtype = float64}), x);
  const Tensor y = dense(x);
  BOOST_TEST((y.shape() == Shape{3, 2, 5, 7}));
  check_close("rank 2", reshape(y, {30, 7}), dense(reshape(x, {30, 4})), 1e-12);
}

BOOST_AUTO_TEST_CASE(embedding_reads_ids_of_any_type) {
  const Layer table = Embedding({.input_dim = 5, .output_dim = 2});
  const std::vector<int> ids{4, 0, 2, 4};
  const Tensor y = table(tensor(ids, {2, 2}));
  BOOST_TEST((y.shape() == Shape{2, 2, 2}));
  check_same("row", take(take(y, 0), 0), take(table.weights()[0], 4));
  for (DType dtype : {int64, float32, float64})
    check_same(name_of(dtype), table(tensor(ids, {2, 2}, dtype)), y);
  BOOST_TEST(max(abs(table.weights()[0])).item() <= 0.05);
}

BOOST_AUTO_TEST_CASE(dropout_in_training) {
  const Tensor x = ones({100, 100});
  const Layer drop = Dropout({.rate = 0.3, .seed = 5});
  check_same("prediction", drop(x), x);
  const Tensor first = drop(x, {.training = true}), second = drop(x, {.training = true});
  BOOST_TEST(std::abs(mean(first).item() - 1) < 0.03);
  BOOST_TEST(max(abs(first - second)).item() > 0.5);
  const Layer again = Dropout({.rate = 0.3, .seed = 5});
  check_same("the same seed", again(x, {.training = true}), first);
  check_same("and the next call", again(x, {.training = true}), second);
  check_same("nothing", Dropout({.rate = 0})(x, {.training = true}), x);
}

BOOST_AUTO_TEST_CASE(options_that_do_not_fit) {
  const Tensor x = randn(input_shape);
  BOOST_TEST(error_of([&] {
               LSTM({})
               (x);
             }) ==
             "LSTM: units is not set; it is the size of the output.\n"
             "  Give it: LSTM({.units = 32}), or {\"units\", 32} by name.");
  for (const char* name : {"Dense", "SimpleRNN", "GRU"})
    BOOST_TEST(
        error_of([&] { layer(name)(x); }).starts_with(std::string(name) + ": units is not set"));
  BOOST_TEST(error_of([&] { Embedding({.input_dim = 3})(x); }) ==
             "Embedding: output_dim is not set.\n"
             "  Give both: Embedding({.input_dim = 2000, .output_dim = 64}).");
  BOOST_TEST(
      error_of([&] { Bidirectional(LSTM({.units = 3}), {.merge_mode = "add"}); }) ==
      "Bidirectional: option `merge_mode` is \"add\"; it must be one of concat|sum|mul|ave|none.");
  BOOST_TEST(error_of([&] { Bidirectional(Dense({.units = 3})); }) ==
             "Bidirectional: it runs a recurrent layer, such as LSTM; Dense has no option "
             "`go_backwards`.");
  BOOST_TEST(error_of([&] { Bidirectional(WideStateCell({.units = 3})); }) ==
             "Bidirectional: it runs a recurrent layer, such as LSTM; WideState is a cell.\n"
             "  RNN(cell) makes a layer of it.");
  BOOST_TEST(error_of([&] { Bidirectional(Layer{}); }) ==
             "Bidirectional: no layer is given.\n  Bidirectional(LSTM({.units = 32})) runs one.");
  BOOST_TEST(error_of([&] { RNN(Layer{}); }) ==
             "RNN: no cell is given.\n  RNN(MyCell({.units = 32})) runs one.");
  BOOST_TEST(error_of([&] { RNN(LSTM({.units = 3})); }) ==
             "RNN: it runs a cell; LSTM is a layer.\n"
             "  cell(\"LSTM\", {{\"units\", 32}}) is a cell by its name.");
  BOOST_TEST(error_of([&] {
               Bidirectional(LSTM({.units = 3}), {.backward_layer = LSTM({.units = 3})});
             }) ==
             "Bidirectional: layer and backward_layer run the same way.\n"
             "  Set .go_backwards = true in one of them.");
  BOOST_TEST(error_of([&] {
               Bidirectional(LSTM({.units = 3}),
                             {.backward_layer =
                                  LSTM({.units = 3, .return_state = true, .go_backwards = true})});
             }) ==
             "Bidirectional: `return_state` is false in layer and true in backward_layer.\n"
             "  It must be the same in both.");
}

BOOST_AUTO_TEST_CASE(a_cell_has_no_options_of_a_recurrence) {
  for (const Kind& kind : kinds)
    BOOST_TEST(error_of([&] {
                 cell(kind.name, {{"return_sequences", true}});
               }).find("there is no option `return_sequences`") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(inputs_that_do_not_fit) {
  const Tensor x = randn(input_shape);
  BOOST_TEST(
      error_of<ShapeError>([&] {
        LSTM({.units = 3})(randn({3, 5}));
      }) ==
      "LSTM: needs [batch, time, features], got [3, 5].\n  expand_dims(x, -1) makes a feature "
      "of each number, expand_dims(x, 0) a batch of one sequence.");
  BOOST_TEST(error_of<ShapeError>([&] { Dense({.units = 3})(randn({3})); }) ==
             "Dense: needs [batch, ..., features], got [3].\n"
             "  expand_dims(x, 0) makes a batch of one of it.");
  BOOST_TEST(error_of([&] {
               LSTM({.units = 3}).call({x, x});
             }) ==
             "LSTM: takes one input, got 2.\n"
             "  States go into the call's options: {.initial_state = {h}}.");
  BOOST_TEST(error_of([&] {
               Dense({.units = 3}).call({x, x});
             }) == "Dense: takes one input, got 2.");
  BOOST_TEST(error_of<ShapeError>([&] {
               LSTM({.units = 3})(x, {.initial_state = {zeros({3, 3})}});
             }) ==
             "LSTM: initial_state does not fit its states\n  given     [3, 3]\n"
             "  required  [3, 3], [3, 3]\n"
             "  Give one tensor for each state, in the order of return_state.");
  BOOST_TEST(error_of<ShapeError>([&] {
               GRU({.units = 3})(x, {.initial_state = {zeros({2, 3})}});
             }) ==
             "GRU: initial_state does not fit its states\n  given     [2, 3]\n  required  [3, 3]\n"
             "  Give one tensor for each state, in the order of return_state.");
  BOOST_TEST(error_of<ShapeError>([&] {
               Bidirectional(GRU({.units = 3}))(x, {.initial_state = {zeros({3, 3})}});
             }) ==
             "Bidirectional: initial_state holds 1 tensors.\n  Give the states of the forward "
             "layer, then as many of the backward layer.");
  BOOST_TEST(
      error_of<ShapeError>([&] {
        SimpleRNN({.units = 3})(x, {.mask = mask_of_rows({{1, 1}})});
      }) ==
      "SimpleRNN: the mask does not fit the input\n  mask   [1, 2] bool\n  input  [3, 5, 4]\n"
      "  It must be [3, 5] bool: [batch, time], true where a step counts.");
  BOOST_TEST(error_of<ShapeError>([&] {
               LSTM({.units = 3})(x, {.mask = ones({3, 5})});
             }).find("mask   [3, 5] float32") != std::string::npos);
  const Tensor wide = cast(x, float64);
  BOOST_TEST(error_of<ShapeError>([&] {
               LSTM({.units = 3, .dtype = float64})
               (x);
             }) ==
             "input of lstm is float32, its weights are float64.\n"
             "  cast(x, float64), or make the layer with {.dtype = float32}.");
  BOOST_TEST(error_of<ShapeError>([&] { Dense({.units = 3, .name = "out"})(wide); }) ==
             "input of out is float64, its weights are float32.\n"
             "  cast(x, float32), or make the layer with {.dtype = float64}.");
  BOOST_TEST(error_of<ShapeError>([&] { Bidirectional(GRU({.units = 3}))(wide); }) ==
             "input of bidirectional/forward_gru is float64, its weights are float32.\n"
             "  cast(x, float32), or make the layer with {.dtype = float64}.");
  BOOST_TEST(error_of<ShapeError>([&] {
               GRU({.units = 3})(x, {.initial_state = {zeros({3, 3}, float64)}});
             }) ==
             "initial_state of gru is float64, its weights are float32.\n"
             "  cast(h, float32), or make the layer with {.dtype = float64}.");
  const Layer stateful = LSTM({.units = 3, .stateful = true});
  stateful(x);
  BOOST_TEST(error_of<ShapeError>([&] {
               stateful(randn({2, 5, 4}));
             }) ==
             "LSTM: it is stateful and keeps the state of 3 sequences; this batch has 2.\n"
             "  Use batches of one size, or call reset_state() first.");
  const Layer lstm = LSTM({.units = 3, .name = "encoder"});
  lstm(x);
  BOOST_TEST(error_of<ShapeError>([&] {
               lstm(randn({3, 5, 8}));
             }).find("encoder was built for 4 features; this input has 8.") != std::string::npos);
}

// --- Layers in layers ---------------------------------------------------------------------------

namespace {

struct TwinOptions {
  Layer first = {}, second = {};
  bool trainable = true;
  std::string name = "";
};
void describe(auto& option, TwinOptions& o) {
  option("first", o.first, "Runs first.");
  option("second", o.second, "Runs on what the first gives.");
}
// Two layers one after the other, which may be the same one.
struct Twin : LayerOf<TwinOptions> {
  using LayerOf::LayerOf;
  void add_children(Children& add) {
    add(options.first);
    add(options.second);
  }
  Tensor call(const Tensor& x, const CallOptions&) { return options.second(options.first(x)); }
};

std::string paths_of(const Layer& layer) {
  std::string paths;
  for (const Tensor& w : layer.weights()) paths += w.path() + " ";
  return paths;
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_layer_that_is_held_twice_has_one_set_of_weights_under_its_first_path) {
  const Layer shared = Dense({.units = 2, .use_bias = false});
  const Layer twice = Twin({.first = shared, .second = shared});
  twice.build({{1, 2}});
  (void)twice(ones({1, 2}));
  BOOST_TEST(paths_of(twice) == "twin/dense/kernel ");
  BOOST_TEST(twice.count_params() == 4);
  {
    const Layer outer = Twin({.first = twice, .second = shared, .name = "outer"});
    BOOST_TEST(outer.count_params() == 4);
    BOOST_TEST(paths_of(outer) == "outer/twin/dense/kernel ");
  }
  BOOST_TEST(paths_of(shared) == "twin/dense/kernel ");
  const Layer alone = Twin({.first = twice, .second = Dense({.units = 3}), .name = "next"});
  BOOST_TEST(paths_of(alone) == "next/twin/dense/kernel ");
}

BOOST_AUTO_TEST_CASE(layers_of_one_name_get_numbers_in_a_layer_too) {
  const Layer pair = Twin({.first = Dense({.units = 2}), .second = Dense({.units = 1})});
  (void)pair(ones({1, 3}));
  BOOST_TEST(paths_of(pair) ==
             "twin/dense/kernel twin/dense/bias twin/dense_1/kernel twin/dense_1/bias ");
  BOOST_TEST(error_of([] {
               Layer(Twin({.first = Dense({.units = 2, .name = "a"}),
                           .second = Dense({.units = 1, .name = "a"})}));
             }) == "twin: two layers are named `a`.\n  Give each a name of its own.");
}

BOOST_AUTO_TEST_CASE(a_layer_is_frozen_when_one_that_holds_it_is) {
  for (const bool built : {false, true})
    for (const bool frozen_first : {false, true}) {
      const Layer shared = Dense({.units = 2});
      if (built) shared.build({{1, 2}});
      const Layer one = Twin({.first = shared, .second = shared, .trainable = !frozen_first});
      const Layer other = Twin({.first = shared, .second = shared, .trainable = frozen_first});
      shared.build({{1, 2}});
      BOOST_TEST(one.weights().size() == 2u);
      BOOST_TEST(one.trainable_weights().empty());
      BOOST_TEST(other.trainable_weights().empty());
    }
}

BOOST_AUTO_TEST_CASE(a_name_that_no_file_could_hold_is_refused_when_the_layer_is_made) {
  const auto named = [](const std::string& name) {
    return error_of([&] { Dense({.units = 1, .name = name}); });
  };
  BOOST_TEST(named("") == "nothing was thrown");  // the default one
  BOOST_TEST(named("가중치 1.a") == "nothing was thrown");
  BOOST_TEST(named(std::string(254, 'x')) == "nothing was thrown");
  BOOST_TEST(named("a/b") ==
             "Dense, name: `a/b` holds a `/`, which stands between the names in a weight's path, "
             "\"encoder/forward/kernel\".\n  Use another character, such as `_`.");
  BOOST_TEST(named("optimizer:x") ==
             "Dense, name: `optimizer:x` begins with `optimizer:`, as what a file keeps of the "
             "optimizer does.\n  Use another name.");
  for (const char* bytes :
       {"\xff", "a\xc3", "\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\x80"})
    BOOST_TEST(named(bytes).ends_with("is not UTF-8, which files hold."), named(bytes));
  BOOST_TEST(named("a\nb") ==
             "Dense, name: `a?b` holds a control character, such as a line's end.");
  BOOST_TEST(named(std::string(255, 'x')) == "Dense, name: `" + std::string(40, 'x') +
                                                 "...` has 255 bytes; at most 254 are allowed.");
}
