// SPDX-License-Identifier: Apache-2.0
// Layers around layers and cells: stacks of cells, a layer at each step, both directions of any
// cell; and the options of all recurrences: first states that are learned, and options of Keras
// that change nothing.
#define BOOST_TEST_MODULE wrappers
#include <tempo/explain.hpp>
#include <tempo/gradcheck.hpp>
#include <tempo/io.hpp>
#include <tempo/layers.hpp>
#include <tempo/stream.hpp>

#include "files.hpp"
#include "plugins/modern_cells.hpp"
#include "testing.hpp"

using namespace tempo;
using namespace tempo::testing;

namespace {

constexpr int64_t batch = 3, steps = 5, features = 4;

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

void check_all(const std::string& what, const Tensors& got, const Tensors& expected,
               double tolerance) {
  BOOST_REQUIRE_EQUAL(got.size(), expected.size());
  for (std::size_t i = 0; i < got.size(); ++i)
    check_close(what + ", result " + std::to_string(i), got[i], expected[i], tolerance);
}

std::string paths_of(const Layer& layer) {
  std::string paths;
  for (const Tensor& w : layer.weights()) paths += w.path() + " ";
  return paths;
}

const Tensor some_mask = tensor<bool>({true, true, true, false, false, false, false, true, true,
                                       true, true, false, true, false, true},
                                      {batch, steps});

Layer lstm_cell(int64_t units) { return cell("LSTM", {{"units", units}}); }
Layer gru_cell(int64_t units) { return cell("GRU", {{"units", units}}); }

// Its state is [batch, 2, units], its output [batch, 3].
struct WideStateCell : Cell<ModernOptions> {
  using Cell::Cell;
  Shapes state_shapes(int64_t rows) const { return {{rows, 2, options.units}}; }
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

}  // namespace

// --- StackedRNNCells -----------------------------------------------------------------------------

BOOST_FIXTURE_TEST_CASE(a_stack_of_cells_is_layers_one_after_the_other, InFloat64) {
  const Tensor x = parameter(0.8 * normal({batch, steps, features}, 3));
  for (const bool sequences : {false, true})
    for (const bool backwards : {false, true})
      for (const bool masked : {false, true})
        for (const bool recompute : {false, true}) {
          const auto layer = [&](const Layer& of, bool last) {
            return RNN(of, {.return_sequences = sequences || !last,
                            .return_state = true,
                            .go_backwards = backwards,
                            .recompute = recompute});
          };
          const Layer stack = ready(RNN({lstm_cell(5), gru_cell(6), WideStateCell({.units = 2})},
                                        {.return_sequences = sequences,
                                         .return_state = true,
                                         .go_backwards = backwards,
                                         .recompute = recompute}));
          const Layer first = layer(lstm_cell(5), false), second = layer(gru_cell(6), false),
                      third = layer(WideStateCell({.units = 2}), true);
          const CallOptions call{.mask = masked ? some_mask : Tensor{}};
          Tensors expected{x}, their;
          std::size_t next = 0;
          for (const Layer& l : {first, second, third}) {
            Tensor& y = expected[0];
            if (backwards && next > 0) y = reverse(y, 1);  // it is in the order of processing
            l.build({y.shape()});
            for (const Tensor& w : l.weights()) assign(w, stack.weights()[next++]);
            const Tensors out = l.call({y}, call);
            y = out[0];
            expected.insert(expected.end(), out.begin() + 1, out.end());
            for (const Tensor& w : l.trainable_weights()) their.push_back(w);
          }
          const Tensors got = stack.call({x}, call);
          BOOST_REQUIRE_EQUAL(got.size(), 1 + 2 + 1 + 1u);
          check_all("stack", got, expected, 1e-12);

          Tensors leaves = stack.trainable_weights();
          leaves.push_back(x);
          their.push_back(x);
          check_all("gradient", gradient(mixed(got), leaves), gradient(mixed(expected), their),
                    1e-11);
        }
}

BOOST_FIXTURE_TEST_CASE(a_stack_hands_on_what_its_cells_see_of_a_call, InFloat64) {
  const Tensor x = 0.8 * normal({batch, steps, 3}, 3), memory = normal({batch, 2, 3}, 7);
  // Attention reads constants and makes keys once, dropout draws once, and a reset has a state to
  // learn and reads a second sequence.
  const Layer stack = ready(
      RNN({AttentionCell({.units = 5}), DroppedCell({.units = 4}), lstm_cell(3), MaximumCell()},
          {.return_sequences = true}),
      x.shape());
  const Layer first = RNN(AttentionCell({.units = 5}), {.return_sequences = true}),
              second = RNN(DroppedCell({.units = 4}), {.return_sequences = true}),
              third = LSTM({.units = 3, .return_sequences = true}),
              fourth = RNN(MaximumCell(), {.return_sequences = true});
  const CallOptions with_memory{.training = true, .constants = {memory}}, alone{.training = true};
  const auto by_layers = [&] {
    return fourth(third(second(first(x, with_memory), alone), alone), alone);
  };
  by_layers();
  std::size_t next = 0;
  for (const Layer& l : {first, second, third, fourth})
    for (const Tensor& w : l.weights()) assign(w, stack.weights().at(next++));
  BOOST_TEST(next == stack.weights().size());
  set_seed(6);
  const Tensor expected = by_layers();
  set_seed(6);
  check_close("in training", stack(x, with_memory), expected, 1e-12);

  const Layer resets = RNN({ResetCell({.units = 4}), gru_cell(3)});
  const Layer reset = RNN(ResetCell({.units = 4}), {.return_sequences = true}),
              gru = GRU({.units = 3});
  const Tensor flags = uniform(0, 1, {batch, steps}, 6) > 0.7;
  (void)resets({x, flags});
  (void)gru(reset({x, flags}));
  (void)ready(resets);
  next = 0;
  for (const Layer& l : {reset, gru})
    for (const Tensor& w : l.weights()) assign(w, resets.weights().at(next++));
  check_close("two sequences", resets({x, flags}), gru(reset({x, flags})), 1e-12);

  BOOST_TEST(
      error_of([&] {
        RNN({lstm_cell(3), gru_cell(2)})(x, {.constants = {memory}});
      })
          .starts_with("StackedRNNCells: the steps of its cells take no constants.\n  Give one "
                       "a third argument, `const StepCall& call`: they are its "
                       "call.constants."));
}

BOOST_FIXTURE_TEST_CASE(a_stack_is_a_cell_like_any_other, InFloat64) {
  const Tensor x = 0.8 * normal({batch, steps, features}, 3);
  const auto stack = [] { return StackedRNNCells({lstm_cell(3), gru_cell(4), lstm_cell(2)}); };
  const Layer rnn = RNN(stack(), {.return_sequences = true});
  rnn.build({x.shape()});
  BOOST_TEST(paths_of(rnn) ==
             "rnn/stacked_rnn_cells/lstm/kernel rnn/stacked_rnn_cells/lstm/recurrent_kernel "
             "rnn/stacked_rnn_cells/lstm/bias rnn/stacked_rnn_cells/above/gru/kernel "
             "rnn/stacked_rnn_cells/above/gru/recurrent_kernel "
             "rnn/stacked_rnn_cells/above/gru/bias rnn/stacked_rnn_cells/above/lstm/kernel "
             "rnn/stacked_rnn_cells/above/lstm/recurrent_kernel "
             "rnn/stacked_rnn_cells/above/lstm/bias ");
  BOOST_TEST((state_shapes(stack(), 7) == Shapes{{7, 3}, {7, 3}, {7, 4}, {7, 2}, {7, 2}}));

  const Layer both = ready(Bidirectional(RNN(stack(), {.return_sequences = true})));
  const Layer ahead = RNN(stack(), {.return_sequences = true}),
              back = RNN(stack(), {.return_sequences = true, .go_backwards = true});
  std::size_t next = 0;
  for (const Layer& l : {ahead, back}) {
    l.build({x.shape()});
    for (const Tensor& w : l.weights()) assign(w, both.weights()[next++]);
  }
  check_close("Bidirectional", both(x), concat({ahead(x), reverse(back(x), 1)}), 1e-12);

  Sequential model({rnn, Dense({.units = 2})});
  const Tensor expected = model(x);
  Stream stream(model, {.batch = static_cast<int>(batch)});
  std::vector<double> y(batch * 2);
  for (int64_t t = 0; t < steps; ++t) {
    stream.step(take(x, t, 1).to_vector(), y);
    check_close("stream", tensor(y, {batch, 2}), take(expected, t, 1), 1e-12);
  }
  const std::string path = in_folder("stack.safetensors");
  model.save(path);
  check_same("saved", load_model(path)(x), expected);

  const Layer whole = ready(RNN(stack())), parts = ready(RNN(stack(), {.stateful = true}));
  parts(slice(x, 1, 0, 2));
  check_close("stateful", parts(slice(x, 1, 2, 5)), whole(x), 1e-12);
  const GradCheck report = gradcheck(RNN(stack(), {.return_sequences = true}), {2, 4, 3});
  BOOST_TEST(report.passed(), report);
  BOOST_TEST(explain(RNN(stack()), {2, 4, 3}).find("gradient Program") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_stack_that_cannot_be) {
  BOOST_TEST(error_of([] { StackedRNNCells({lstm_cell(3)}); }) ==
             "StackedRNNCells: it stacks two cells or more, got 1.\n  RNN(cell) runs one.");
  BOOST_TEST(error_of([] {
               RNN({lstm_cell(3), GRU({.units = 3})});
             }) ==
             "StackedRNNCells: it stacks cells; GRU is a layer.\n  Layers are stacked in a "
             "Sequential; cell(\"GRU\", {{\"units\", 32}}) is a cell by its name.");
  BOOST_TEST(error_of([] {
               StackedRNNCells({lstm_cell(3), Layer{}});
             }) ==
             "StackedRNNCells: a cell is missing.\n  Give them from below to above: "
             "StackedRNNCells({cell(\"LSTM\", {{\"units\", 32}}), MyCell({.units = 16})}).");
}

// --- Bidirectional -------------------------------------------------------------------------------

BOOST_FIXTURE_TEST_CASE(the_two_directions_may_be_any_two_cells, InFloat64) {
  const Tensor x = 0.8 * normal({batch, steps, features}, 3);
  const auto forward = [] { return RNN(gru_cell(4), {.return_sequences = true}); };
  const auto backward = [] {
    return RNN({lstm_cell(3), DroppedCell({.units = 2})},
               {.return_sequences = true, .go_backwards = true});
  };
  const Layer both = ready(Bidirectional(forward(), {.backward_layer = backward()}));
  const Layer one = forward(), other = backward();
  std::size_t next = 0;
  for (const Layer& l : {one, other}) {
    l.build({x.shape()});
    for (const Tensor& w : l.weights()) assign(w, both.weights()[next++]);
  }
  for (const Tensor& mask : {Tensor{}, some_mask}) {
    const auto zeroed = [&](const Tensor& y) {  // as Bidirectional requires of both
      return mask ? where(expand_dims(mask, -1), y, 0) : y;
    };
    check_close(
        "both", both(x, {.mask = mask}),
        concat({zeroed(one(x, {.mask = mask})), zeroed(reverse(other(x, {.mask = mask}), 1))}),
        1e-12);
  }
  const std::string path = in_folder("both.safetensors");
  Sequential model({both});
  const Tensor expected = model(x);
  model.save(path);
  check_same("saved", load_model(path, {.cells = {cell<DroppedCell>("Dropped")}})(x), expected);
}

// --- TimeDistributed -----------------------------------------------------------------------------

namespace {

struct NoOptions {};
void describe(auto&, NoOptions&) {}

// Returns for each sample whether it counts; -1 if there is no mask.
struct CountingLayer : LayerOf<NoOptions> {
  using LayerOf::LayerOf;
  Tensor call(const Tensor& x, const CallOptions& call) const {
    const Tensor counts =
        call.mask ? cast(call.mask, x.dtype()) : full({x.shape()[0]}, -1, x.dtype());
    return counts.rank() == 1 ? expand_dims(counts, -1) : counts;
  }
};

}  // namespace

BOOST_FIXTURE_TEST_CASE(a_layer_at_each_step_is_the_layer_of_each_step, InFloat64) {
  struct {
    const char* name;
    std::function<Layer()> make;
    Shape input;
  } const cases[] = {
      {"Dense", [] { return Dense({.units = 2, .activation = "tanh"}); }, {batch, steps, features}},
      {"Dense of frames", [] { return Dense({.units = 2}); }, {batch, steps, 3, features}},
      {"LSTM", [] { return LSTM({.units = 2}); }, {batch, steps, 3, features}},
      {"sequences", [] { return GRU({.units = 2, .return_sequences = true}); }, {2, 4, 3, 5}},
      {"states", [] { return LSTM({.units = 2, .return_state = true}); }, {2, 4, 3, 5}},
      {"twice", [] { return TimeDistributed(GRU({.units = 2})); }, {2, 4, 3, 2, 5}},
  };
  for (const auto& c : cases) {
    const Tensor x = parameter(normal(c.input, 3));
    const Layer at_each = ready(TimeDistributed(c.make()), c.input), alone = c.make();
    (void)alone.call({take(x, 0, 1)});
    for (std::size_t i = 0; i < alone.weights().size(); ++i)
      assign(alone.weights()[i], at_each.weights()[i]);
    const Tensors got = at_each.call({x});
    std::vector<Tensors> by_step;
    for (int64_t t = 0; t < c.input[1]; ++t) by_step.push_back(alone.call({take(x, t, 1)}));
    for (std::size_t i = 0; i < got.size(); ++i) {
      Tensors all;
      for (const Tensors& out : by_step) all.push_back(out[i]);
      check_close(c.name, got[i], stack(all, 1), 1e-12);
    }
    const GradCheck report = gradcheck(TimeDistributed(c.make()), c.input);
    BOOST_TEST(report.passed(), c.name << "\n" << report);
  }
}

BOOST_FIXTURE_TEST_CASE(a_layer_at_each_step_keeps_the_mask, InFloat64) {
  const Tensor x = normal({batch, steps, features}, 3);
  const Layer dense = ready(TimeDistributed(Dense({.units = 2})));
  check_same("kept", mask_of(dense(with_mask(x, some_mask))), some_mask);
  check_same("of the call", mask_of(dense(x, {.mask = some_mask})), some_mask);
  BOOST_TEST(!mask_of(dense(x)));

  const Layer count = TimeDistributed(CountingLayer());
  check_same("none", count(x), full({batch, steps, 1}, -1, float64));
  check_same("of samples", count(x, {.mask = some_mask}),
             expand_dims(cast(some_mask, float64), -1));
  // In a sample that does not count, no step counts.
  const Tensor frames = normal({batch, steps, 2, features}, 3);
  const Tensor of_frames = count(frames, {.mask = some_mask});
  check_same("of whole samples", of_frames,
             broadcast_to(expand_dims(cast(some_mask, float64), -1), {batch, steps, 2}));
  check_same("is as it was", mask_of(of_frames), some_mask);
  const Tensor inner = uniform(0, 1, {batch, steps, 2}, 5) > 0.5;
  const Tensor counted = count(frames, {.mask = inner});
  check_same("of the steps in samples", counted, cast(inner, float64));
  check_same("some part of it counts", mask_of(counted), max(cast(inner, float64), 2) > 0);
  const Layer words = TimeDistributed(GRU({.units = 2, .return_sequences = true}));
  check_same("its own mask", mask_of(words(frames, {.mask = inner})), inner);
  check_same("none of its own", mask_of(words(frames, {.mask = some_mask})), some_mask);

  // The statistics are those of the steps that count.
  const Layer alone = BatchNormalization({.momentum = 0}),
              norm = TimeDistributed(BatchNormalization({.momentum = 0}));
  const CallOptions training{.training = true, .mask = some_mask};
  (void)norm(x, training), (void)alone(x, training);
  check_all("statistics", norm.weights(), alone.weights(), 1e-12);
  const Layer of_parts = TimeDistributed(BatchNormalization({.momentum = 0})),
              flat = BatchNormalization({.momentum = 0});
  (void)of_parts(frames, training), (void)flat(frames, training);
  check_all("statistics of parts", of_parts.weights(), flat.weights(), 1e-12);

  // Whole numbers; masked ones need not be ids.
  const Layer letters = TimeDistributed(Embedding({.input_dim = 5, .output_dim = 2}));
  const Tensor in_words = tensor<bool>({true, true, false, true, false, false}, {2, 3});
  const Tensor vectors =
      letters(with_mask(tensor<int>({1, 2, 3, 4, 9, -1, 2, 2, 0, -1, 9, 9}, {2, 3, 2}), in_words));
  check_same("of words", mask_of(vectors), in_words);
  check_same("of letters", where(reshape(in_words, {2, 3, 1, 1}), with_mask(vectors, {}), 0),
             where(reshape(in_words, {2, 3, 1, 1}),
                   letters(tensor<int>({1, 2, 3, 4, 0, 0, 2, 2, 0, 0, 0, 0}, {2, 3, 2})), 0));

  // Masked steps affect no weight.
  const Layer steep = ready(TimeDistributed(Dense({.units = 2, .activation = "exponential"})));
  for (const Layer& layer : {dense, steep})
    for (const double padding : {std::nan(""), 1e4, 1e300}) {
      const Tensor spoiled = where(expand_dims(some_mask, -1), x, padding);
      const auto gradients = [&](const Tensor& given) {
        const Tensor y = layer(given, {.mask = some_mask});
        return gradient(sum(square(where(expand_dims(some_mask, -1), y, 0))), layer.weights());
      };
      check_all("weights", gradients(spoiled), gradients(x), 1e-12);
    }

  BOOST_TEST(error_of<ShapeError>([&] { dense(x, {.mask = slice(some_mask, 1, 0, 2)}); }) ==
             "TimeDistributed: the mask does not fit the input\n  mask   [3, 2] bool\n  input  [3, "
             "5, 4]\n  It must be [3, 5] bool: [batch, time], true where a step counts.");
}

BOOST_AUTO_TEST_CASE(a_layer_at_each_step_in_a_model) {
  const Tensor x = cast(normal({batch, steps, features}, 3), float32);
  Sequential model({GRU({.units = 3, .return_sequences = true}),
                    TimeDistributed(Dropout({.rate = 0.5, .seed = 3})),
                    TimeDistributed(Dense({.units = 2}))});
  const Tensor expected = model(x);
  BOOST_TEST(model.named_weights().back().first == "time_distributed_1/dense/bias");
  Stream stream(model, {.batch = static_cast<int>(batch)});
  std::vector<float> y(batch * 2), now;
  for (int64_t t = 0; t < steps; ++t) {
    now.clear();
    for (const double value : take(x, t, 1).to_vector()) now.push_back(static_cast<float>(value));
    stream.step(now, y);
    check_close("stream", tensor(y, {batch, 2}), take(expected, t, 1), 1e-5);
  }
  const auto fit = [&](Model& m, int from, int to) {
    m.fit(x, ones({batch, steps, 2}),
          {.epochs = to, .seed = 7, .initial_epoch = from, .verbose = 0});
  };
  model.compile({.optimizer = "adam", .loss = "mse"});
  fit(model, 0, 2);
  const std::string path = in_folder("each.safetensors");
  model.save(path);
  Model loaded = load_model(path);
  fit(model, 2, 4);
  fit(loaded, 2, 4);
  check_same("goes on", loaded(x), model(x));
  const Tensor none = zeros({0, steps, features});
  BOOST_TEST((model(none).shape() == Shape{0, steps, 2}));
  BOOST_TEST((model(zeros({2, 0, features})).shape() == Shape{2, 0, 2}));
}

BOOST_AUTO_TEST_CASE(a_layer_at_each_step_that_cannot_be) {
  BOOST_TEST(error_of([] { TimeDistributed(Layer{}); }) ==
             "TimeDistributed: no layer is given.\n  TimeDistributed(Dense({.units = 32})) applies "
             "one.");
  BOOST_TEST(error_of([] { TimeDistributed(lstm_cell(3)); }) ==
             "TimeDistributed: it applies a layer; LSTM is a cell.\n  RNN(cell) makes a layer of "
             "it.");
  BOOST_TEST(error_of<ShapeError>([] {
               TimeDistributed(Dense({.units = 3}))(randn({3, 5}));
             }) ==
             "TimeDistributed: needs [batch, time, features], got [3, 5].\n  expand_dims(x, -1) "
             "makes a feature of each number, expand_dims(x, 0) a batch of one sequence.");
  const Tensor x = randn({batch, steps, features});
  BOOST_TEST(error_of([&] {
               TimeDistributed(Dense({.units = 3})).call({x, x});
             }) == "TimeDistributed: takes one input, got 2.");
}

// --- What all recurrences share ------------------------------------------------------------------

namespace {

struct Learning {
  const char* name;
  std::function<Layer(bool learns)> make;
  Shapes states;  // of one row
};
const Learning learning[] = {
    {"SimpleRNN",
     [](bool learns) {
       return SimpleRNN({.units = 5, .return_sequences = true, .trainable_initial_state = learns});
     },
     {{1, 5}}},
    {"LSTM",
     [](bool learns) {
       return LSTM({.units = 5, .return_sequences = true, .trainable_initial_state = learns});
     },
     {{1, 5}, {1, 5}}},
    {"GRU backwards, recomputed",
     [](bool learns) {
       return GRU({.units = 5,
                   .return_sequences = true,
                   .go_backwards = true,
                   .trainable_initial_state = learns,
                   .recompute = true});
     },
     {{1, 5}}},
    {"RNN",
     [](bool learns) {
       return RNN(WideStateCell({.units = 5}),
                  {.return_sequences = true, .trainable_initial_state = learns});
     },
     {{1, 2, 5}}},
    {"a stack",
     [](bool learns) {
       return RNN({lstm_cell(3), gru_cell(2)},
                  {.return_sequences = true, .trainable_initial_state = learns});
     },
     {{1, 3}, {1, 3}, {1, 2}}},
};

}  // namespace

BOOST_FIXTURE_TEST_CASE(a_first_state_can_be_learned, InFloat64) {
  const Tensor x = normal({batch, steps, features}, 3);
  for (const Learning& c : learning) BOOST_TEST_CONTEXT(c.name) {
      const Layer learns = c.make(true), plain = c.make(false);
      learns.build({x.shape()});
      plain.build({x.shape()});
      const std::size_t n = plain.weights().size();
      const Tensors all = learns.weights();
      const auto own = static_cast<std::ptrdiff_t>(c.states.size());
      BOOST_REQUIRE_EQUAL(all.size(), n + c.states.size());
      // A layer's own weights come before those of its cells.
      Tensors first, rest;
      for (const Tensor& w : all)
        (w.path().find("initial_state_") != std::string::npos ? first : rest).push_back(w);
      BOOST_REQUIRE_EQUAL(static_cast<std::ptrdiff_t>(first.size()), own);
      for (std::size_t i = 0; i < first.size(); ++i) {
        BOOST_TEST(first[i].path() == learns.name() + "/initial_state_" + std::to_string(i));
        BOOST_TEST((first[i].shape() == c.states[i]));
        BOOST_TEST(first[i].tracked());
      }
      for (std::size_t i = 0; i < n; ++i) assign(plain.weights()[i], rest[i]);
      check_same("begins as zeros", learns(x), plain(x));

      State initial;
      for (std::size_t i = 0; i < first.size(); ++i) {
        assign(first[i], normal(first[i].shape(), 30 + static_cast<int64_t>(i)));
        Shape shape = first[i].shape();
        shape[0] = batch;
        initial.push_back(parameter(broadcast_to(first[i], shape)));
      }
      for (const Tensor& mask : {Tensor{}, some_mask}) {
        const Tensor got = learns(x, {.mask = mask}),
                     expected = plain(x, {.mask = mask, .initial_state = initial});
        check_close("given", got, expected, 1e-12);
        const Tensors gradients = gradient(sum(sin(got)), first),
                      theirs = gradient(sum(sin(expected)), initial);
        for (std::size_t i = 0; i < first.size(); ++i)
          check_close("gradient", gradients[i], sum(theirs[i], 0, true), 1e-11);
      }
      State given;
      for (const Tensor& s : initial) given.push_back(2 * s);
      check_close("a state that is given wins", learns(x, {.initial_state = given}),
                  plain(x, {.initial_state = given}), 1e-12);
      if (std::string(c.name).find("backwards") != std::string::npos) continue;
      Sequential model({learns});
      const Tensor expected = model(x);
      const auto width = static_cast<std::size_t>(batch * expected.shape().back());
      Stream stream(model, {.batch = static_cast<int>(batch)});
      std::vector<double> y(width);
      for (int round = 0; round < 2; ++round) {
        for (int64_t t = 0; t < steps; ++t) {
          stream.step(take(x, t, 1).to_vector(), y);
          check_close("stream", tensor(y, {batch, expected.shape().back()}), take(expected, t, 1),
                      1e-12);
        }
        stream.reset();
      }
      const std::string path = in_folder("learned.safetensors");
      model.save(path);
      check_same("saved", load_model(path, {.cells = {cell<WideStateCell>("WideState")}})(x),
                 expected);
    }
}

BOOST_FIXTURE_TEST_CASE(a_learned_first_state_in_other_layers, InFloat64) {
  const Tensor x = normal({batch, steps, features}, 3);
  const Layer both = ready(Bidirectional(LSTM({.units = 3, .trainable_initial_state = true})));
  BOOST_TEST(paths_of(both).find("bidirectional/backward_lstm/initial_state_1") !=
             std::string::npos);
  const Layer parts = ready(GRU({.units = 3, .stateful = true, .trainable_initial_state = true})),
              whole = ready(GRU({.units = 3, .trainable_initial_state = true}));
  for (int round = 0; round < 2; ++round) {
    parts(slice(x, 1, 0, 2));
    check_close("goes on", parts(slice(x, 1, 2, 5)), whole(x), 1e-12);
    parts.reset_state();
  }
  // A cell with another first state learns from that.
  const Layer maximum = RNN(MaximumCell(), {.trainable_initial_state = true});
  check_same("maximum", maximum(x), max(x, 1));
  check_same("its first state", maximum.weights()[0],
             full({1, features}, -std::numeric_limits<double>::infinity(), float64));
  BOOST_TEST(GRU({.units = 3, .trainable_initial_state = true, .trainable = false})
                 .trainable_weights()
                 .empty());
  const GradCheck report =
      gradcheck(LSTM({.units = 3, .trainable_initial_state = true}), {2, 4, 3});
  BOOST_TEST(report.passed(), report);
}

BOOST_AUTO_TEST_CASE(options_of_keras_that_change_nothing) {
  const Tensor x = cast(normal({batch, steps, features}, 3), float32);
  check_same("SimpleRNN", ready(SimpleRNN({.units = 3, .unroll = true}))(x),
             ready(SimpleRNN({.units = 3}))(x));
  check_same(
      "LSTM",
      ready(LSTM({.units = 3, .unroll = true, .implementation = 1, .use_cudnn = "false"}))(x),
      ready(LSTM({.units = 3}))(x));
  check_same("GRU",
             ready(GRU({.units = 3, .unroll = true, .implementation = 1, .use_cudnn = "true"}))(x),
             ready(GRU({.units = 3}))(x));
  check_same("RNN",
             ready(RNN(cell("LSTM", {{"units", 3}, {"implementation", 1}}), {.unroll = true}))(x),
             ready(RNN(cell("LSTM", {{"units", 3}})))(x));
  BOOST_TEST(error_of([] { LSTM({.units = 3, .implementation = 3}); }) ==
             "LSTM: option `implementation` is 3; it must be within [1, 2].");
  BOOST_TEST(error_of([] { GRU({.units = 3, .use_cudnn = "yes"}); }) ==
             "GRU: option `use_cudnn` is \"yes\"; it must be one of auto|true|false.");
}
