// SPDX-License-Identifier: Apache-2.0
// Steps that a mask does not count are left out of a run, without any difference: results and
// gradients of both orders are those of a batch in which all steps are computed.
#define BOOST_TEST_MODULE ended_rows
#include <tempo/layers.hpp>

#include "program/plan/surroundings.hpp"
#include "program/run/rows/ending_rows.hpp"
#include "scan/explain.hpp"
#include "testing.hpp"

using namespace tempo;
using namespace tempo::testing;

namespace {

constexpr int64_t batch = 13, steps = 9, features = 3, units = 4;

struct InFloat64 {
  InFloat64() { set_default_dtype(float64); }
  ~InFloat64() { set_default_dtype(float32); }
};

struct Form {
  std::string name;
  bool sequences = true, backwards = false, zero = false, stateful = false, both = false;
};
const Form forms[] = {
    {"the last output", false},
    {"all outputs"},
    {"zeros behind the end", true, false, true},
    {"backwards", true, true},
    {"backwards, the last output", false, true},
    {"backwards, zeros", true, true, true},
    {"stateful", true, false, false, true},
    {"both directions", true, false, false, false, true},
    {"both directions, the last outputs", false, false, false, false, true},
};

struct NormalisedOptions {
  int units = 4;
};
void describe(auto& option, NormalisedOptions& o) { option("units", o.units, "Size."); }

// With a matrix for each gate, sums over time of matrices, and a value that is narrow.
struct NormalisedCell : tempo::Cell<NormalisedOptions> {
  using Cell::Cell;
  void build(Weights& add, const Shape& input) {
    const int64_t n = options.units;
    kernel = add("kernel", {input.back(), n}, glorot_uniform());
    gate = add("gate", {input.back(), 1}, glorot_uniform());
    recurrent = add("recurrent", {n, n}, orthogonal());
    gamma = add("gamma", {n}, ones());
  }
  Step step(const Tensor& x, const State& s) const {
    const Tensor u = sigmoid(matmul(x, gate));  // [batch, 1]
    const Tensor g = tanh(layer_norm(matmul(x, kernel) + matmul(s[0], recurrent), gamma));
    const Tensor next = u * s[0] + (1 - u) * g;
    return {.output = sin(next), .state = {next}};
  }
  Tensor kernel, gate, recurrent, gamma;
};

struct Kind {
  std::string name;
  Layer (*cell)();
  bool output_is_state = true;
};
const Kind kinds[] = {
    {"LSTM", []() -> Layer { return LSTMCell({.units = units}); }},
    {"GRU", []() -> Layer { return GRUCell({.units = units}); }},
    {"SimpleRNN", []() -> Layer { return SimpleRNNCell({.units = units}); }},
    {"a cell of one's own", []() -> Layer { return NormalisedCell({.units = units}); }, false},
    {"dropout of both kinds",
     []() -> Layer {
       return LSTMCell({.units = units, .dropout = 0.3, .recurrent_dropout = 0.3, .seed = 5});
     }},
    {"stacked cells",
     []() -> Layer {
       return StackedRNNCells({GRUCell({.units = 2}), LSTMCell({.units = units})});
     }},
};

Layer layer_of(const Kind& kind, const Form& form) {
  const Layer one = RNN(kind.cell(), {.return_sequences = form.sequences,
                                      .return_state = true,
                                      .go_backwards = form.backwards,
                                      .stateful = form.stateful,
                                      .zero_output_for_mask = form.zero});
  const Layer layer = form.both ? Bidirectional(one) : one;
  layer.build({{batch, steps, features}});
  int64_t seed = 7;
  for (const Tensor& w : layer.weights()) assign(w, 0.6 * normal(w.shape(), seed++));
  return layer;
}

// In no order; some rows have no step, and some have all.
const Tensor lengths = tensor({4, 9, 0, 1, 7, 7, 2, 9, 3, 0, 5, 1, 6});

// Counts some of the steps of most rows, and all or none of others.
Tensor with_gaps() {
  const Tensor some = normal({batch, steps}, 11) > -0.3,
               row = reshape(tensor({0, 0, 1, 0, 2, 0, 0, 0, 0, 0, 0, 1, 2}), {batch, 1});
  return logical_and(logical_or(some, equal(row, 2)), not_equal(row, 1));
}

struct Counted {
  std::string name;
  Tensor mask;
};
std::vector<Counted> masks() {
  const Tensor ended = mask_of_lengths(lengths, steps);
  return {{"lengths", ended}, {"gaps", with_gaps()}, {"padding before", reverse(ended, 1)}};
}

struct Treated {
  EndedRows::How forward, backward, second;
};
constexpr auto out = EndedRows::left_out, unknown = EndedRows::unknown,
               computed = EndedRows::computed;

// Makes two calls, as a stateful layer goes on; then gradients of first and second order.
Tensors all_of(const Kind& kind, const Form& form, const Tensor& x, const Tensor& mask,
               const Treated& how) {
  const Layer layer = layer_of(kind, form);
  Tensors to = layer.trainable_weights(), results;
  const Tensor input = parameter(x);
  to.push_back(input);
  {
    const EndedRows treat(how.forward);
    for (int call = 0; call < 2; ++call)
      for (const Tensor& t : layer.call(Tensors{1 * input}, {.training = true, .mask = mask}))
        results.push_back(t);
  }
  Tensors first, second;
  {
    const EndedRows treat(how.backward);
    first = gradient(mixed(results), to);
  }
  {
    const EndedRows treat(how.second);
    second = gradient(mixed(first), to);
  }
  results.insert(results.end(), first.begin(), first.end());
  results.insert(results.end(), second.begin(), second.end());
  return results;
}

void check_all(const std::string& what, const Tensors& got, const Tensors& expected) {
  BOOST_REQUIRE_EQUAL(got.size(), expected.size());
  for (std::size_t i = 0; i < got.size(); ++i)
    check_close(what + " " + std::to_string(i), got[i], expected[i], 1e-12);
}

}  // namespace

BOOST_AUTO_TEST_CASE(what_is_left_out_changes_nothing) {
  const InFloat64 doubles;
  const Tensor x = normal({batch, steps, features}, 3);
  for (const Counted& counted : masks())
    for (const Kind& kind : kinds)
      for (const Form& form : forms) {
        const std::string what = kind.name + ", " + form.name + ", " + counted.name;
        const auto all = [&](const Treated& how) {
          return all_of(kind, form, x, counted.mask, how);
        };
        const Tensors expected = all({unknown, unknown, unknown});
        check_all(what, all({out, out, out}), expected);
        check_all(what + ", computed by the gradient", all({out, computed, computed}), expected);
        check_all(what + ", computed by the second gradient", all({out, out, computed}), expected);
        check_all(what + ", computed by the first gradient alone", all({out, computed, out}),
                  expected);
        const ShortStretches few(2);
        check_all(what + ", in stretches", all({out, out, out}), expected);
      }
}

// A run that could not leave rows out would compute them all, and only the time would show it.
BOOST_AUTO_TEST_CASE(each_cell_and_its_gradient_leave_rows_out) {
  const InFloat64 doubles;
  for (const Kind& kind : kinds) BOOST_TEST_CONTEXT(kind.name) {
      const ProgramLog log;
      const Layer layer = layer_of(kind, {"all outputs"});
      const Tensor x = parameter(normal({batch, steps, features}, 3));
      Tensors to = layer.trainable_weights();
      to.push_back(x);
      const Tensor y = layer(1 * x, {.training = true, .lengths = lengths});
      gradient(sum(y), to);
      BOOST_TEST(log.programs().size() == 2u);
      for (const LoggedProgram& p : log.programs())
        BOOST_TEST(p.recurrence->for_ending_rows().drops_rows(), p.what);
    }
}

namespace {

// An accumulator that a condition stops, like the cell of a layer with a mask.
Tensors masked_sums(const Tensor& x, const Tensor& mask, const Tensor& w, bool backwards) {
  const Scanned done = scan(
      [&](const Tensors& now, const State& s) -> Step {
        const Tensor next = tanh(matmul(now[0], w) + s[0]);
        return {.output = where(now[1], next, 0), .state = {where(now[1], next, s[0])}};
      },
      {x, expand_dims(mask, -1)}, {zeros({x.shape()[0], w.shape()[1]}, float64)},
      {.reverse = backwards});
  Tensors results{done.output, done.state[0]};
  for (const Tensor& g : gradient(sum(sin(done.output)) + sum(done.state[0]), Tensors{x, w}))
    results.push_back(g);
  return results;
}

}  // namespace

// Values that are not computed may be NaN, which shows that they were left out.
BOOST_AUTO_TEST_CASE(what_does_not_count_is_not_computed) {
  const EndedRows treat(EndedRows::left_out);
  const Tensor x = normal({batch, steps, features}, 3), w = parameter(normal({features, units}, 4));
  for (const Counted& counted : masks())
    for (const bool backwards : {false, true}) {
      const Tensor &mask = counted.mask, counts = expand_dims(mask, -1);
      const Tensors got = masked_sums(parameter(where(counts, x, NAN)), mask, w, backwards),
                    expected = masked_sums(parameter(where(counts, x, 0)), mask, w, backwards);
      check_all(counted.name + (backwards ? ", backwards" : ", forwards"), got, expected);
    }
}

namespace {

Program forward_of(const Layer& layer, const CallOptions& options) {
  const ProgramLog log;
  layer.call(Tensors{zeros({batch, steps, features})}, options);
  return log.programs().at(0).recurrence->normalised();
}

}  // namespace

// The Programs that run have no condition: they are those of a layer without a mask. A last output
// that is no state is carried, and keeps its condition.
BOOST_AUTO_TEST_CASE(a_mask_leaves_nothing_in_the_programs_that_run) {
  const InFloat64 doubles;
  const auto loops_of = [](const Kind& kind, bool sequences, const CallOptions& options) {
    const ProgramLog log;
    const Layer layer = layer_of(kind, {"", sequences});
    const Tensor y = layer.call(Tensors{zeros({batch, steps, features})}, options)[0];
    gradient(sum(y), layer.trainable_weights());
    std::vector<std::string> loops;
    for (const LoggedProgram& p : log.programs())
      loops.push_back(
          to_string(options.mask ? p.recurrence->for_ending_rows() : p.recurrence->optimised()));
    return loops;
  };
  for (const Kind& kind : kinds)
    for (const bool sequences : {true, false})
      BOOST_TEST_CONTEXT(kind.name << (sequences ? ", all outputs" : ", the last one")) {
        const CallOptions none{.training = true}, masked{.training = true, .mask = with_gaps()};
        const std::vector<std::string> plain = loops_of(kind, sequences, none),
                                       loops = loops_of(kind, sequences, masked);
        BOOST_REQUIRE_EQUAL(loops.size(), 2u);
        for (std::size_t i = 0; i < 2; ++i) {
          if (sequences || kind.output_is_state)
            BOOST_TEST(loops[i].find("where") == std::string::npos, loops[i]);
          if (kind.output_is_state) BOOST_TEST(loops[i] == plain[i]);
        }
      }
}

BOOST_AUTO_TEST_CASE(an_output_that_is_a_state_is_carried_once) {
  const InFloat64 doubles;
  const CallOptions masked{.mask = with_gaps()};
  BOOST_TEST(forward_of(LSTM({.units = units}), masked).carried.size() == 2u);
  BOOST_TEST(forward_of(RNN(LSTMCell({.units = units})), masked).carried.size() == 2u);
  BOOST_TEST(forward_of(RNN(NormalisedCell({.units = units})), masked).carried.size() == 2u);
}

// Enough work for several threads, which share the remaining rows in each stretch.
BOOST_AUTO_TEST_CASE(threads_change_no_bit_of_rows_that_end) {
  constexpr int64_t rows = 90, time = 12;
  std::vector<int64_t> ends;
  for (int64_t i = 0; i < rows; ++i) ends.push_back(i * 37 % (time + 1));
  const Tensor x = cast(normal({rows, time, 32}, 3), float32),
               of_rows = logical_and(mask_of_lengths(tensor(ends, {rows}), time),
                                     normal({rows, time}, 4) > -1.0);
  for (const bool backwards : {false, true}) {
    const Layer lstm = LSTM(
        {.units = 64, .return_sequences = true, .return_state = true, .go_backwards = backwards});
    lstm.build({x.shape()});
    const auto run = [&](int threads, EndedRows::How how) {
      const Threads use(threads);
      const EndedRows treat(how);
      const Tensor input = parameter(x);
      Tensors to = lstm.trainable_weights(), all = lstm.call(Tensors{1 * input}, {.mask = of_rows});
      to.push_back(input);
      Tensor total = scalar(0);
      for (const Tensor& t : all) total = total + sum(sin(t));
      for (const Tensor& g : gradient(total, to)) all.push_back(g);
      for (const Tensor& t : all) t.element(0);  // a run may wait for its reader
      return all;
    };
    const Tensors one = run(1, EndedRows::left_out_where_it_pays),
                  plain = run(1, EndedRows::unknown);
    for (const int n : {2, 3}) {
      const Tensors more = run(n, EndedRows::left_out_where_it_pays);
      for (std::size_t i = 0; i < one.size(); ++i) {
        check_same(std::to_string(i) + " on " + std::to_string(n) + " threads", more[i], one[i]);
        check_close(std::to_string(i), one[i], plain[i], 2e-5);
      }
    }
  }
}

namespace {

constexpr int64_t side = 4;

struct SideOptions {
  int units = side;
};
void describe(auto& option, SideOptions& o) { option("units", o.units, "Size."); }

// Sums up the words in one constant, up to the length that another one gives.
struct SummingCell : tempo::Cell<SideOptions> {
  using Cell::Cell;
  Step step(const Tensor& x, const State& s, const StepCall& call) const {
    const auto one = [](const Tensors& now, const State& before) -> Step {
      const Tensor sum = tanh(now[0] + before[0]);
      return {.output = where(now[1], sum, 0), .state = {where(now[1], sum, before[0])}};
    };
    const Tensor read =
        scan(one, {call.constants[0], call.constants[1]}, {call.constants[2]}).state[0];
    const Tensor next = s[0] + x + read;
    return {.output = next, .state = {next}};
  }
};

}  // namespace

// Rows are sorted by values, and a step that is traced runs again with other values.
BOOST_AUTO_TEST_CASE(a_step_within_a_step_goes_by_the_lengths_of_its_call) {
  const Tensor words = normal({side, steps, side}, 3), x = normal({side, 2, side}, 4),
               first = zeros({side, side}, float64);
  const auto run = [&](EndedRows::How how) {
    const EndedRows treat(how);
    const Layer rnn = RNN(SummingCell(), {.dtype = float64});
    Tensors all;
    for (const int64_t end : {5, 9}) {
      const Tensor ends = tensor(std::vector<int64_t>{9, 9, 7, end}, {side}),
                   counts = expand_dims(mask_of_lengths(ends, steps), -1);
      all.push_back(rnn(x, {.constants = {words, counts, first}}));
    }
    return all;
  };
  check_all("a scan in a step", run(out), run(unknown));
}

// If the condition is not asked, the zero gradients of what it does not choose are the same at
// every step, and so is all that is computed from them alone.
BOOST_AUTO_TEST_CASE(what_is_chosen_within_a_step_gets_its_gradient) {
  const Tensor x = parameter(normal({5, 40, units}, 3)), u = normal({units, units}, 4),
               h = parameter(normal({5, units}, 5)),
               counts = expand_dims(mask_of_lengths(tensor({40, 3, 0, 21, 8}), 40), -1);
  const auto run = [&](EndedRows::How how) {
    const EndedRows treat(how);
    const Scanned done = scan(
        [&](const Tensors& n, const State& s) -> Step {
          const Tensor z = where(n[1], n[0] + s[0], matmul(tanh(s[0]), u)), next = tanh(z);
          return {.output = where(n[1], next, 0), .state = {where(n[1], next, s[0])}};
        },
        {x, counts}, {h});
    Tensors all{done.output, done.state[0]};
    for (const Tensor& g : gradient(mixed({done.output, done.state[0]}), {x, h})) all.push_back(g);
    return all;
  };
  check_all("chosen within", run(out), run(unknown));
}

// Only the ops on them tell the axes apart.
BOOST_AUTO_TEST_CASE(where_the_batch_has_the_size_of_the_cell) {
  const InFloat64 doubles;
  const Tensor x = normal({side, steps, side}, 3), ends = tensor({4, 9, 0, 7});
  for (const Kind& kind : kinds) {
    const auto run = [&](EndedRows::How how) {
      const EndedRows treat(how);
      const Layer layer = RNN(kind.cell(), {.return_sequences = true, .return_state = true});
      layer.build({x.shape()});
      int64_t seed = 7;
      for (const Tensor& w : layer.weights()) assign(w, 0.6 * normal(w.shape(), seed++));
      const Tensor input = parameter(x);
      Tensors to = layer.trainable_weights(),
              all = layer.call(Tensors{1 * input}, {.training = true, .lengths = ends});
      to.push_back(input);
      for (const Tensor& g : gradient(mixed(all), to)) all.push_back(g);
      return all;
    };
    check_all(kind.name, run(out), run(unknown));
  }

  // A value that is read both as rows and as a matrix is not sorted.
  const Tensor given = normal({side, side}, 5),
               counts = expand_dims(mask_of_lengths(ends, steps), -1);
  const auto run = [&](EndedRows::How how) {
    const EndedRows treat(how);
    const ProgramLog log;
    const Scanned done = scan(
        [&](const Tensors& now, const State& s) -> Step {
          const Tensor w = tanh(given), next = tanh(now[0] + matmul(s[0], w) + s[0] * w);
          return {.output = where(now[1], next, 0), .state = {where(now[1], next, s[0])}};
        },
        {x, counts}, {0.5 * normal({side, side}, 6)});
    BOOST_TEST(!log.programs().at(0).recurrence->by_row());
    BOOST_TEST(log.programs().at(0).recurrence->for_ending_rows().drops_rows());
    return Tensors{done.output, done.state[0]};
  };
  check_all("rows and a matrix", run(out), run(unknown));
}
