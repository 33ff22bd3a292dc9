// SPDX-License-Identifier: Apache-2.0
// A cell's step is traced at the first call of its layer; its results always equal those of the
// plain loop.
#define BOOST_TEST_MODULE trace_cache
#include <tempo/layers.hpp>
#include <tempo/regularization.hpp>

#include "testing.hpp"

using namespace tempo;
using namespace tempo::testing;

namespace {

constexpr int64_t batch = 3, features = 4, units = 5;

struct Options {
  int units = 5;
  Activation activation = "tanh";
  DType dtype = DType::automatic;
};
void describe(auto& option, Options& o) {
  option("units", o.units, "Size of the state.");
  option("activation", o.activation, "Of the output.");
}

int steps_run = 0;

// Counts how often its step runs, traced or not.
struct CountingCell : Cell<Options> {
  using Cell::Cell;
  void build(Weights& add, const Shape& input) {
    kernel = add("kernel", {input.back(), options.units}, glorot_uniform());
    recurrent_kernel = add("recurrent_kernel", {options.units, options.units}, glorot_uniform());
  }
  Tensor before_activation(const Tensor& x, const Tensor& h) const {
    ++steps_run;
    return matmul(x, kernel) + matmul(h, transpose(recurrent_kernel));
  }
  Step step(const Tensor& x, const State& s) const {
    Tensor next = options.activation(before_activation(x, s[0]));
    return {.output = next, .state = {next}};
  }
  Tensor kernel, recurrent_kernel;
};

struct ScaledCell : CountingCell {
  using CountingCell::CountingCell;
  Step step(const Tensor& x, const State& s, const StepCall& call) const {
    Tensor z = before_activation(x, s[0]);
    for (std::size_t i = 0; i < call.constants.size(); ++i)
      z = z * (static_cast<double>(i + 1) * call.constants[i]);
    return {.output = tanh(z), .state = {tanh(z)}};
  }
};

// Reads a tensor that is neither argument nor weight.
struct CapturingCell : CountingCell {
  using CountingCell::CountingCell;
  static inline Tensor other = {};
  Step step(const Tensor& x, const State& s) const {
    Tensor next = tanh(before_activation(x, s[0]) + other);
    return {.output = next, .state = {next}};
  }
};

// Makes a tensor of the default dtype in the step.
struct CastingCell : CountingCell {
  using CountingCell::CountingCell;
  Step step(const Tensor& x, const State& s) const {
    const Tensor third = cast(scalar(1) / 3, x.dtype());
    Tensor next = tanh(before_activation(x, s[0]) + third);
    return {.output = next, .state = {next}};
  }
};

struct DroppingCell : CountingCell {
  using CountingCell::CountingCell;
  Step step(const Tensor& x, const State& s) const {
    Tensor next = tanh(before_activation(dropout(x, 0.3), dropout(s[0], 0.5)));
    return {.output = next, .state = {next}};
  }
};

// Parts of its step, and its `once`, let no gradient through.
struct StoppingCell : CountingCell {
  using CountingCell::CountingCell;
  Tensors once(const StepCall&) const {
    const NoGradient off;
    return {exp(mean(square(recurrent_kernel), -1))};
  }
  Step step(const Tensor& x, const State& s, const StepCall& call) const {
    const Tensor z = before_activation(x, s[0]) * call.once[0];
    const Tensor gate = [&] {
      const NoGradient off;
      return sigmoid(z + matmul(x, kernel));
    }();
    Tensor next = gate * tanh(z);
    return {.output = next, .state = {next}};
  }
};

Tensor sequences(int64_t rows = batch, int64_t time = 6, DType dtype = float64) {
  return cast(normal({rows, time, features}, 3), dtype);
}

Layer built(const Layer& cell, DType dtype = float64) {
  const Layer rnn = RNN(cell, {.dtype = dtype});
  rnn.build({{batch, 6, features}});
  return rnn;
}

// The number of steps that `f` runs.
template <class F>
int steps_of(F f) {
  steps_run = 0;
  f();
  return steps_run;
}

// The last output of a cell, one eager step after the other.
Tensor cell_by_hand(const Layer& cell, const Tensor& x, const Tensors& constants = {}) {
  Step now{{}, {zeros(state_shapes(cell, x.shape()[0]).at(0), x.dtype())}};
  StepCall call{.constants = constants, .inputs = {take(x, 0, 1).shape()}, .dtype = x.dtype()};
  call.once = once(cell, call);
  for (int64_t t = 0; t < x.shape()[1]; ++t) now = step(cell, take(x, t, 1), now.state, call);
  return now.output;
}
Tensor by_hand(const Layer& rnn, const Tensor& x, const Tensors& constants = {}) {
  return cell_by_hand(rnn.children().at(0), x, constants);
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_step_is_traced_once_for_each_type_of_arguments) {
  const Layer rnn = built(CountingCell());
  const Tensor x = sequences(), longer = sequences(batch, 9), wider = sequences(7),
               mask = greater(normal({batch, 6}), 0);
  const auto traces = [&](const Tensor& in, const CallOptions& options = {}) {
    return steps_of([&] { rnn(in, options); });
  };
  BOOST_TEST(traces(x) == 1);
  BOOST_TEST(traces(x) == 0);
  BOOST_TEST(traces(longer) == 0);
  BOOST_TEST(traces(wider) == 1);
  BOOST_TEST(traces(x, {.training = true}) == 1);
  BOOST_TEST(traces(x, {.initial_state = {normal({batch, units})}}) == 0);
  traces(x, {.mask = mask});  // and one step for the shape of its output
  BOOST_TEST(traces(x, {.mask = mask}) == 0);
  BOOST_TEST(traces(wider) == 0);
  BOOST_TEST(steps_of([&] { gradient(sum(rnn(x)), rnn.weights()); }) == 0);
  BOOST_TEST(steps_of([&] { rnn(x, {.mask = mask}); }) == 0);
}

BOOST_AUTO_TEST_CASE(of_many_types_the_one_not_asked_for_the_longest_is_traced_again) {
  const Layer rnn = built(CountingCell());
  const auto traces = [&](int64_t rows) { return steps_of([&] { rnn(sequences(rows)); }); };
  for (int64_t rows = 1; rows <= 16; ++rows) BOOST_TEST(traces(rows) == 1);
  BOOST_TEST(traces(1) == 0);
  BOOST_TEST(traces(17) == 1);
  BOOST_TEST(traces(1) == 0);
  BOOST_TEST(traces(2) == 1);
}

BOOST_AUTO_TEST_CASE(a_lambda_is_traced_at_every_call) {
  const Layer rnn = built(CountingCell()), cell = rnn.children().at(0);
  const auto run = [&] {
    scan([&](const Tensor& x, const State& s) { return step(cell, x, s); }, sequences(),
         {zeros({batch, units}, float64)});
  };
  run();
  BOOST_TEST(steps_of(run) == 1);
}

BOOST_AUTO_TEST_CASE(weights_are_read_as_they_are) {
  const Layer rnn = built(CountingCell());
  for (int64_t call = 0; call < 3; ++call) {
    for (const Tensor& w : rnn.weights()) assign(w, normal(w.shape(), 10 + call));
    for (const Tensor& x : {sequences(), sequences(7), sequences(batch, 9)})
      check_close("call " + std::to_string(call), rnn(x), by_hand(rnn, x), 1e-12);
  }
}

BOOST_AUTO_TEST_CASE(a_step_that_reads_another_tensor_is_traced_each_time) {
  const Layer rnn = built(CapturingCell());
  for (int64_t call = 0; call < 3; ++call) {
    CapturingCell::other = normal({units}, 20 + call);
    BOOST_TEST(steps_of([&] { rnn(sequences()); }) == 1);
    check_close("call " + std::to_string(call), rnn(sequences()), by_hand(rnn, sequences()), 1e-12);
  }
  CapturingCell::other = {};
}

BOOST_AUTO_TEST_CASE(constants_are_those_of_the_call) {
  const Layer rnn = built(ScaledCell());
  const Tensor x = sequences(), a = normal({batch, units}, 30), b = normal({batch, units}, 31);
  const auto check = [&](const char* what, const Tensors& constants) {
    check_close(what, rnn(x, {.constants = constants}), by_hand(rnn, x, constants), 1e-12);
  };
  check("one tensor twice", {a, a});  // nothing tells which of the two is read where
  check("two tensors", {a, b});
  check("in another order", {b, a});
  check("one tensor twice, again", {b, b});
  check("one", {a});
  check("one row for all", {slice(a, 0, 0, 1)});
  check("none", {});
  BOOST_TEST(steps_of([&] { rnn(x, {.constants = {b, a}}); }) == 0);

  const Layer square = built(ScaledCell({.units = batch}));
  const Tensor weight = square.weights()[1];
  for (const Tensor& constant : {weight, weight * 1.0, 2 * weight})
    check_close("a weight as a constant", square(x, {.constants = {constant}}),
                by_hand(square, x, {constant}), 1e-12);
}

BOOST_AUTO_TEST_CASE(a_layer_made_where_another_was_has_steps_of_its_own) {
  for (const char* activation : {"tanh", "sigmoid", "relu", "linear"}) {
    const Layer rnn = built(CountingCell({.activation = activation}));
    check_close(activation, rnn(sequences()), by_hand(rnn, sequences()), 1e-12);
  }
  for (const DType dtype : {float32, float64}) {
    const Layer rnn = built(CountingCell(), dtype);
    const Tensor x = sequences(batch, 6, dtype);
    check_close(name_of(dtype), rnn(x), by_hand(rnn, x), 1e-5);
  }
}

BOOST_AUTO_TEST_CASE(the_default_dtype_is_that_of_the_call) {
  const Layer rnn = built(CastingCell());
  for (const DType dtype : {float32, float64, float32}) {
    set_default_dtype(dtype);
    check_close(name_of(dtype), rnn(sequences()), by_hand(rnn, sequences()), 1e-12);
  }
  set_default_dtype(float32);
}

// Only the default dtype tells the two steps apart.
BOOST_AUTO_TEST_CASE(steps_of_other_default_dtypes_share_no_program) {
  const auto step = [](const Tensor& x, const State& s) -> Step {
    const Tensor next = s[0] + cast(cast(exp(scalar(20)), int64), x.dtype());
    return {.output = next, .state = {next}};
  };
  const State zero{zeros({batch, features}, float64)};
  for (const DType dtype : {float32, float64, float32}) {
    set_default_dtype(dtype);
    check_same(name_of(dtype), scan(step, sequences(), zero).output,
               scan(step, sequences(), zero, {.plain = true}).output);
  }
  set_default_dtype(float32);
}

BOOST_AUTO_TEST_CASE(a_state_of_another_dtype_is_an_error_at_any_call) {
  const Layer rnn = built(CountingCell());
  const auto error = [&] {
    return error_of([&] { rnn(sequences(), {.initial_state = {zeros({batch, units}, float32)}}); });
  };
  const std::string first = error();
  BOOST_TEST(first.find("float32") != std::string::npos, first);
  rnn(sequences());
  BOOST_TEST(error() == first);
}

// A step that is traced at a call without gradients runs again in calls with them.
BOOST_AUTO_TEST_CASE(what_a_step_lets_no_gradient_through_is_its_own_and_not_its_callers) {
  const Tensor x = parameter(sequences());
  for (const bool first_without : {false, true}) {
    const Layer rnn = built(StoppingCell());
    Tensors to = rnn.weights();
    to.push_back(x);
    if (first_without) {
      const NoGradient off;
      BOOST_TEST(steps_of([&] { BOOST_TEST(!rnn(x).tracked()); }) == 1);
    }
    for (int call = 0; call < 2; ++call) {
      Tensor y;
      BOOST_TEST(steps_of([&] { y = rnn(x); }) == (call == 0 && !first_without));
      const Tensors got = gradient(sum(sin(y)), to),
                    expected = gradient(sum(sin(by_hand(rnn, x))), to);
      for (std::size_t i = 0; i < to.size(); ++i)
        check_close("gradient " + std::to_string(i), got[i], expected[i], 1e-12);
    }
  }
}

BOOST_AUTO_TEST_CASE(random_numbers_are_drawn_anew) {
  const Layer rnn = built(DroppingCell());
  set_seed(5);
  const Tensor first = rnn(sequences()), second = rnn(sequences());
  BOOST_TEST(max(abs(first - second)).item() > 0);
  set_seed(5);
  check_close("as step by step", by_hand(rnn, sequences()), first, 1e-12);
  check_close("and at the second call", by_hand(rnn, sequences()), second, 1e-12);
}

namespace {

struct WrappingOptions {
  Layer layer = {};
};
void describe(auto& option, WrappingOptions& o) {
  option("layer", o.layer, "What is applied to each step.");
}

// Sums the outputs of a layer for all steps so far. The step has one id in all calls, and the layer
// is not told whether they are in training: it takes this from its caller.
struct WrappingLayer : LayerOf<WrappingOptions> {
  using LayerOf::LayerOf;
  void add_children(Children& add) { add(options.layer); }
  Tensor call(const Tensor& x, const CallOptions&) const {
    const auto step = [&](const Tensor& now, const State& s) -> Step {
      ++steps_run;
      const Tensor next = s[0] + options.layer(now);
      return {.output = next, .state = {next}};
    };
    return scan(step, x, {zeros({batch, features})}, {.step_id = 1}).output;
  }
};

}  // namespace

BOOST_AUTO_TEST_CASE(a_step_of_one_id_is_traced_in_training_and_not_in_training) {
  const Tensor x = cast(normal({batch, 6, features}), float32), sums = cumsum(x, 1);
  for (const bool training_first : {true, false}) {
    const Layer layer = WrappingLayer({.layer = GaussianNoise({.stddev = 1})});
    steps_run = 0;
    for (const bool training : {training_first, !training_first, training_first, !training_first}) {
      const Tensor y = layer(x, {.training = training});
      if (training)
        BOOST_TEST(max(abs(y - sums)).item() > 0.1);
      else
        check_close("the layer gives its input", y, sums, 1e-5);
    }
    BOOST_TEST(steps_run == 2);
  }
}

BOOST_AUTO_TEST_CASE(more_types_than_are_kept) {
  const Layer rnn = built(CountingCell());
  for (int round = 0; round < 2; ++round)
    for (int64_t rows = 1; rows <= 20; ++rows)
      check_close(std::to_string(rows) + " rows", rnn(sequences(rows)),
                  by_hand(rnn, sequences(rows)), 1e-12);
}

namespace {

// Attends to the constants, [batch, words, units] each, where their masks allow it.
struct AttendingCell : Cell<Options> {
  using Cell::Cell;
  void add_children(Children& add) { add(attention); }
  virtual Tensor of(const Tensor& memory) const { return memory; }
  Step step(const Tensor& x, const State& s, const StepCall& call) const {
    ++steps_run;
    Tensors inputs{expand_dims(s[0] + mean(x, -1, true), 1)};
    for (const Tensor& memory : call.constants) inputs.push_back(of(memory));
    const Tensor next = squeeze(attention(inputs), 1);
    return {.output = next, .state = {next}};
  }
  virtual ~AttendingCell() = default;
  Layer attention = Attention();
};
struct AttendingThroughAnOp : AttendingCell {
  using AttendingCell::AttendingCell;
  Tensor of(const Tensor& memory) const override { return tanh(memory); }
};
struct AttendingToWhatIsMadeOnce : AttendingCell {
  using AttendingCell::AttendingCell;
  Tensors once(const StepCall& call) const {
    return call.constants.empty() ? Tensors{} : Tensors{2 * call.constants[0]};
  }
  Step step(const Tensor& x, const State& s, const StepCall& call) const {
    StepCall made = call;
    made.constants = call.once;
    return AttendingCell::step(x, s, made);
  }
};

Tensor words_that_count(const std::vector<int64_t>& n) {
  return mask_of_lengths(tensor(n, {batch}), 4);
}

}  // namespace

BOOST_AUTO_TEST_CASE(masks_of_constants_are_those_of_the_call) {
  const Tensor x = sequences(), memory = normal({batch, 4, units}, 40),
               keys = normal({batch, 4, units}, 41), few = words_that_count({1, 2, 3}),
               more = words_that_count({4, 1, 2});
  const auto with = [](const Tensor& t, const Tensor& mask) { return with_mask(t, mask); };
  const std::vector<std::pair<std::string, Tensors>> calls = {
      {"none", {memory}},
      {"a mask", {with(memory, few)}},
      {"another", {with(memory, more)}},
      {"none again", {memory}},
      {"on the second of two", {memory, with(keys, few)}},
      {"on the first of two", {with(memory, few), keys}},
      {"one for both", {with(memory, few), with(keys, few)}},
      {"one for each", {with(memory, more), with(keys, few)}},
      {"one tensor with it and without", {with(2 * memory, few), 2 * memory}},
      {"masked by a constant", {with(memory, few), memory}},
      {"one tensor under two masks", {with(memory, more), with(memory, few)}}};
  const std::pair<std::string, Layer> kinds[] = {
      {"as they are", built(AttendingCell())},
      {"through an op", built(AttendingThroughAnOp())},
      {"in what is made once", built(AttendingToWhatIsMadeOnce())}};
  for (const auto& [kind, rnn] : kinds) {
    for (const auto& [what, constants] : calls)
      check_close(kind + ", " + what, rnn(x, {.constants = constants}), by_hand(rnn, x, constants),
                  1e-12);
    for (const auto& [what, constants] : calls)
      BOOST_TEST(
          steps_of([&, &layer = rnn, &given = constants] { layer(x, {.constants = given}); }) == 0,
          kind + ", " + what);
  }
}

namespace {

struct ReadingOptions {
  int units = 5;
  bool sequences = false;
};
void describe(auto& option, ReadingOptions& o) {
  option("units", o.units, "Size of the state.");
  option("sequences", o.sequences, "Whether the last of all outputs is read.");
}

// Reads the words up to the number, or by the mask, in its constants.
struct ReadingCell : Cell<ReadingOptions> {
  ReadingCell(ReadingOptions o = {})
      : Cell(o), encoder(LSTM({.units = o.units, .return_sequences = o.sequences})) {}
  void add_children(Children& add) { add(encoder); }
  Step step(const Tensor& words, const State& s, const StepCall& call) const {
    ++steps_run;
    CallOptions counted;
    (call.constants[0].dtype() == bool_ ? counted.mask : counted.lengths) = call.constants[0];
    const Tensor read = encoder(words, counted);
    const Tensor next = s[0] + (read.rank() == 3 ? take(read, -1, 1) : read);
    return {.output = next, .state = {next}};
  }
  Layer encoder;
};

// A number among its constants chooses what it does.
struct BranchingCell : CountingCell {
  using CountingCell::CountingCell;
  Step step(const Tensor& x, const State& s, const StepCall& call) const {
    const Tensor z = before_activation(x, s[0]);
    const Tensor next = call.constants[0].item() > 0 ? tanh(z) : sigmoid(z);
    return {.output = next, .state = {next}};
  }
};

}  // namespace

BOOST_AUTO_TEST_CASE(no_trace_goes_by_the_values_of_constants) {
  const Tensor words = cast(normal({batch, 3, 4, features}, 50), float64);
  const Tensors constants = {words_that_count({1, 2, 1}), words_that_count({4, 3, 2}),
                             tensor({1, 2, 0}), tensor({4, 0, 3})};
  for (const bool sequences : {false, true}) {
    const Layer rnn = RNN(ReadingCell({.sequences = sequences}), {.dtype = float64});
    for (int round = 0; round < 2; ++round)
      for (const Tensor& constant : constants) {
        const Tensor got = rnn(words, {.constants = {constant}});
        check_close(sequences ? "held outputs" : "last outputs", got,
                    by_hand(rnn, words, {constant}), 1e-12);
      }
    BOOST_TEST(steps_of([&] { rnn(words, {.constants = {constants[0]}}); }) == 0);
    const std::string error = error_of([&] { rnn(words, {.constants = {tensor({1, 5, 1})}}); });
    BOOST_TEST(error.find("the length 5; it must lie in [0, 4]") != std::string::npos, error);
  }

  const Layer branching = built(BranchingCell());
  for (const double number : {1.0, -1.0, 2.0}) {
    const Tensor constant = scalar(number, float64);
    check_close("what a number says", branching(sequences(), {.constants = {constant}}),
                by_hand(branching, sequences(), {constant}), 1e-12);
  }
}

namespace {

// Two recurrences of one layer.
struct TwoCells : LayerOf<Options> {
  using LayerOf::LayerOf;
  void add_children(Children& add) {
    add(first_cell);
    add(second_cell);
  }
  void build(Weights& add, const Shape& input) {
    for (const Layer& cell : {first_cell, second_cell})
      cell.build({{input[0], input[2]}}, add.dtype());
  }
  Tensors call(const Tensors& x, const CallOptions& call) {
    Tensors out = first.run("TwoCells", CellInUse(first_cell), RNNOptions{}, x, call, {});
    out.push_back(second.run("TwoCells", CellInUse(second_cell), RNNOptions{}, x, call, {})[0]);
    return out;
  }
  Layer first_cell = CountingCell(), second_cell = CountingCell();
  Recurrence first, second;
};

// Reads a constant, or else the tensor that it makes, of the same type.
struct GivenOrMadeCell : CountingCell {
  using CountingCell::CountingCell;
  Tensors once(const StepCall& call) const {
    return call.constants.empty() ? Tensors{sum(kernel, 0)} : Tensors{};
  }
  Step step(const Tensor& x, const State& s, const StepCall& call) const {
    const Tensor z = before_activation(x, s[0]);
    const Tensor next = tanh(call.constants.empty() ? z * call.once[0] : z + call.constants[0]);
    return {.output = next, .state = {next}};
  }
};

}  // namespace

BOOST_AUTO_TEST_CASE(a_layer_may_run_two_recurrences) {
  const Layer layer = TwoCells({.dtype = float64});
  const Tensor x = sequences();
  for (int call = 0; call < 2; ++call) {
    const Tensors got = layer.call(Tensors{x});
    for (std::size_t i = 0; i < 2; ++i)
      check_close("of cell " + std::to_string(i), got.at(i),
                  cell_by_hand(layer.children().at(i), x), 1e-12);
  }
}

BOOST_AUTO_TEST_CASE(what_is_given_is_not_taken_for_what_is_made_once) {
  const Layer rnn = built(GivenOrMadeCell());
  const Tensor x = sequences(), given = normal({units}, 60);
  for (const Tensors& constants : {Tensors{given}, Tensors{}, Tensors{given}})
    check_close(constants.empty() ? "made" : "given", rnn(x, {.constants = constants}),
                by_hand(rnn, x, constants), 1e-12);
  BOOST_TEST(steps_of([&] { rnn(x, {.constants = {given}}); }) == 0);
}

// An error of the first call is the same at each call.
BOOST_AUTO_TEST_CASE(what_a_step_does_besides_its_results_is_done_at_each_call) {
  const Tensor x = cast(normal({batch, 6, features}), float32);
  const Layer penalised = WrappingLayer({.layer = ActivityRegularization({.l2 = 1})}),
              regularised = WrappingLayer(
                  {.layer = Dense({.units = features, .activity_regularizer = "l2"})});
  for (const Layer& layer : {penalised, regularised}) {
    layer(x);
    const auto collected = [&] {
      const AddedLosses added;
      return layer(x);
    };
    const std::string error = error_of(collected);
    BOOST_TEST(error.find("a loss is added in a step that is traced") != std::string::npos, error);
  }

  const Layer normalization = BatchNormalization(), layer = WrappingLayer({.layer = normalization});
  layer.build({x.shape()});
  normalization.set_trainable(false);
  layer(x, {.training = true});
  normalization.set_trainable(true);
  const std::string error = error_of([&] { layer(x, {.training = true}); });
  BOOST_TEST(error.find("cannot change while a step is traced") != std::string::npos, error);
}

namespace {

// Keeps each of its sequences.
struct KeepingCell : Cell<Options> {
  using Cell::Cell;
  static constexpr int sequence_count = 0;
  Shapes state_shapes(const Shapes& inputs) const { return inputs; }
  Step step(const Tensors& x, const State&) const { return {.output = x.back(), .state = x}; }
};

}  // namespace

BOOST_AUTO_TEST_CASE(a_cell_has_the_states_that_its_sequences_ask_for) {
  const Layer rnn = RNN(KeepingCell(), {.return_state = true, .dtype = float64});
  const Tensor x = sequences();
  for (const std::size_t n : {2u, 3u, 2u, 1u}) BOOST_TEST(rnn.call(Tensors(n, x)).size() == 1 + n);
}

namespace {

// Points at a row of its memory: it has as many outputs as the memory has rows.
struct PointingCell : Cell<Options> {
  using Cell::Cell;
  Step step(const Tensor& x, const State& s, const StepCall& call) const {
    const Tensor& memory = call.constants[0];  // [batch, n, units]
    const Tensor next = s[0] + sum(x, -1, true);
    return {.output = sum(memory * expand_dims(next, 1), -1), .state = {next}};
  }
};

}  // namespace

BOOST_AUTO_TEST_CASE(an_output_has_the_shape_that_the_constants_of_its_call_give) {
  const Layer rnn = RNN(PointingCell({.units = units}), {.dtype = float64});
  const Tensor x = with_mask(
      sequences(), mask_of_lengths(tensor<int64_t>({1, 2, 2}, {batch}), sequences().shape()[1]));
  for (const int64_t n : {4, 7, 1, 4}) {
    const Tensor y = rnn(x, {.constants = {normal({batch, n, units}, n)}});
    BOOST_TEST((y.shape() == Shape{batch, n}));
  }
}
