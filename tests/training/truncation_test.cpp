// SPDX-License-Identifier: Apache-2.0
// Truncated backpropagation through time: fit on pieces of sequences equals a loop over them with
// stateful layers.
#define BOOST_TEST_MODULE truncation
#include <csignal>

#include <tempo/tempo.hpp>

#include "testing.hpp"

using namespace tempo;
using testing::check_close;
using testing::check_same;
using testing::error_of;

namespace {

constexpr int64_t samples_in_all = 6, time_steps = 11, features = 2;
const Tensor x = random_normal({samples_in_all, time_steps, features}, 0, 1, float32, 1);
const Tensor at_steps = random_normal({samples_in_all, time_steps, 1}, 0, 1, float32, 2);
const Tensor at_ends = random_normal({samples_in_all, 1}, 0, 1, float32, 3);
const Tensor step_weights = random_uniform({samples_in_all, time_steps}, 0.5, 2, float32, 4);
const Tensor lengths = tensor<int64_t>({11, 9, 4, 1, 8, 3}, {6});
const Tensor padded = with_mask(x, mask_of_lengths(lengths, time_steps));

using Layers = std::vector<Layer>;

struct MinimalGatedOptions {
  int units = 3;
};
void describe(auto& option, MinimalGatedOptions& o) { option("units", o.units, "Of the state."); }
struct MinimalGatedCell : Cell<MinimalGatedOptions> {
  using Cell::Cell;
  void build(Weights& add, const Shape& input) {
    kernel = add("kernel", {input.back(), options.units}, glorot_uniform());
    recurrent = add("recurrent", {options.units, options.units}, orthogonal());
  }
  Step step(const Tensor& now, const State& s) const {
    const Tensor f = sigmoid(matmul(now, kernel) + matmul(s[0], recurrent));
    const Tensor next = (1 - f) * s[0] + f * tanh(matmul(now, kernel));
    return {.output = next, .state = {next}};
  }
  Tensor kernel, recurrent;
};

// Stateful for the loop by hand, not for fit.
struct Kind {
  const char* what;
  Layers (*layers)(bool stateful, bool sequences);
};
const Kind recurrent[] = {
    {"LSTM",
     [](bool stateful, bool sequences) -> Layers {
       return {LSTM({.units = 3, .return_sequences = sequences, .stateful = stateful})};
     }},
    {"GRU",
     [](bool stateful, bool sequences) -> Layers {
       return {GRU({.units = 3, .return_sequences = sequences, .stateful = stateful})};
     }},
    {"SimpleRNN",
     [](bool stateful, bool sequences) -> Layers {
       return {SimpleRNN({.units = 3, .return_sequences = sequences, .stateful = stateful})};
     }},
    {"a cell of one's own",
     [](bool stateful, bool sequences) -> Layers {
       return {RNN(MinimalGatedCell(), {.return_sequences = sequences, .stateful = stateful})};
     }},
    {"stacked cells",
     [](bool stateful, bool sequences) -> Layers {
       return {RNN({cell("LSTM", {{"units", 3}}), cell("GRU", {{"units", 2}})},
                   {.return_sequences = sequences, .stateful = stateful})};
     }},
    {"two layers, with dropout and norms between them",
     [](bool stateful, bool sequences) -> Layers {
       return {LSTM({.units = 3,
                     .dropout = 0.2,
                     .recurrent_dropout = 0.2,
                     .return_sequences = true,
                     .stateful = stateful}),
               LayerNormalization(), Dropout({.rate = 0.2}),
               GRU({.units = 2, .return_sequences = sequences, .stateful = stateful})};
     }},
    {"a layer in a model in the model",
     [](bool stateful, bool sequences) -> Layers {
       return {Sequential({LSTM({.units = 3, .return_sequences = true, .stateful = stateful})}),
               LSTM({.units = 2, .return_sequences = sequences, .stateful = stateful})};
     }},
};

Sequential made(const Kind& of, bool stateful, bool sequences, const CompileOptions& compiled) {
  set_seed(5);
  Layers layers = of.layers(stateful, sequences);
  layers.push_back(Dense({.units = 1}));
  Sequential model(layers);
  model.build({{-1, -1, features}});
  model.compile(compiled);
  return model;
}

Tensor steps(const Tensor& t, int64_t begin, int64_t end) { return slice(t, 1, begin, end); }
Tensor rows(const Tensor& t, int64_t begin, int64_t end) { return slice(t, 0, begin, end); }

CompileOptions adam() {
  return {.optimizer = Adam({.learning_rate = 0.05}), .loss = "mse", .metrics = {"mae"}};
}

// The loop that a user writes without it; returns the loss of the epoch.
double loop_over_pieces(Sequential& model, const Tensor& input, const Tensor& y,
                        const Tensor& weight, int64_t batch, int64_t piece) {
  double sum_of_losses = 0;
  for (int64_t first = 0; first < samples_in_all; first += batch) {
    model.reset_state();
    for (int64_t begin = 0; begin < time_steps; begin += piece) {
      const int64_t end = std::min(begin + piece, time_steps);
      const auto part = [&](const Tensor& t) {
        return t ? steps(rows(t, first, first + batch), begin, end) : t;
      };
      const Logs logs = model.train_on_batch(part(input), part(y), {.sample_weight = part(weight)});
      sum_of_losses += logs["loss"] * static_cast<double>(batch * (end - begin));
    }
  }
  return sum_of_losses / static_cast<double>(samples_in_all * time_steps);
}

void check_weights(const std::string& what, const Model& got, const Model& expected,
                   double tolerance = 0) {
  const Tensors a = got.weights(), b = expected.weights();
  BOOST_REQUIRE(a.size() == b.size());
  for (std::size_t i = 0; i < a.size(); ++i)
    check_close(what + ", " + a[i].path(), a[i], b[i], tolerance);
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_fit_by_pieces_is_a_loop_over_them_with_stateful_layers) {
  for (const Kind& of : recurrent)
    for (const bool weighted : {false, true}) {
      Sequential by_hand = made(of, true, true, adam()), model = made(of, false, true, adam());
      const Tensor weight = weighted ? step_weights : Tensor{};
      set_seed(7);
      const double expected = loop_over_pieces(by_hand, x, at_steps, weight, 3, 4);
      set_seed(7);
      const History history = model.fit(x, at_steps,
                                        {.batch_size = 3,
                                         .shuffle = false,
                                         .sample_weight = weight,
                                         .truncate = 4,  // 4, 4 and 3 steps
                                         .verbose = 0});
      check_weights(of.what, model, by_hand);
      BOOST_TEST_CONTEXT(of.what) BOOST_TEST(std::abs(history["loss"][0] - expected) < 1e-6);
      BOOST_TEST(model.optimizer().iterations() == 6);
    }
}

BOOST_AUTO_TEST_CASE(a_mask_counts_in_each_piece_as_it_does_in_a_loop) {
  // The mean loss of a piece is over its steps that count, and without any there is no update; a
  // loop by hand must skip such pieces.
  for (const Kind& of : recurrent) {
    Sequential by_hand = made(of, true, true, adam()), model = made(of, false, true, adam());
    const Tensor short_ones = samples(padded, {2, 3, 5}), y = samples(at_steps, {2, 3, 5});
    set_seed(7);
    double expected = 0;
    for (const auto& [begin, end, counted] :
         {std::tuple<int64_t, int64_t, double>{0, 3, 3 + 1 + 3}, {3, 6, 1}})
      expected += counted * by_hand.train_on_batch(steps(short_ones, begin, end),
                                                   steps(y, begin, end))["loss"];
    set_seed(7);
    const History history =
        model.fit(short_ones, y, {.shuffle = false, .truncate = 3, .verbose = 0});
    check_weights(of.what, model, by_hand);
    BOOST_TEST_CONTEXT(of.what) BOOST_TEST(std::abs(history["loss"][0] - expected / 8) < 1e-6);
    BOOST_TEST(model.optimizer().iterations() == 2);
  }
}

namespace {
// The history of two epochs that change no weight.
History unchanged(const Kind& of, const Tensor& input, const Tensor& y, const Tensor& weight,
                  int64_t truncate) {
  Sequential model = made(of, false, true,
                          {.optimizer = SGD({.learning_rate = 0}),
                           .loss = "mse",
                           .metrics = {"mae", "mse"},
                           .weighted_metrics = {"mae"}});
  return model.fit(input, y,
                   {.batch_size = 4,
                    .epochs = 2,
                    .validation_data = {.x = input, .y = y},
                    .seed = 1,
                    .sample_weight = weight,
                    .truncate = truncate,
                    .verbose = 0});
}

void check_history(const std::string& what, const History& got, const History& expected,
                   const std::vector<std::string>& names) {
  for (const std::string& name : names)
    for (std::size_t epoch = 0; epoch < 2; ++epoch)
      BOOST_TEST(std::abs(got[name][epoch] - expected[name][epoch]) < 1e-5,
                 what << ", " << name << ": " << got[name][epoch] << ", expected "
                      << expected[name][epoch]);
}
}  // namespace

// If the mask is dropped, the outputs of steps that do not count are read.
const Kind dropping{
    "a layer whose mask is dropped", [](bool stateful, bool sequences) -> Layers {
      return {LSTM({.units = 4, .return_sequences = true, .stateful = stateful}),
              Reshape({.target_shape = {-1, 4}}),
              SimpleRNN({.units = 2, .return_sequences = sequences, .stateful = stateful})};
    }};

BOOST_AUTO_TEST_CASE(without_updates_the_losses_are_those_of_whole_sequences) {
  for (const Kind& of : {recurrent[0], recurrent[4], recurrent[6], dropping})
    for (const Tensor& input : {x, padded})
      for (const Tensor& weight : {Tensor{}, step_weights, step_weights(all, 0)})
        check_history(of.what, unchanged(of, input, at_steps, weight, 4),
                      unchanged(of, input, at_steps, weight, 0), {"loss", "val_loss", "val_mae"});
}

BOOST_AUTO_TEST_CASE(metrics_see_each_piece_as_a_batch) {
  // These count samples, so pieces of equal length give what whole sequences give.
  const Tensor input = steps(x, 0, 8), y = steps(at_steps, 0, 8);
  for (const Tensor& weight : {Tensor{}, step_weights(all, 0)})
    check_history("8 steps", unchanged(recurrent[0], input, y, weight, 4),
                  unchanged(recurrent[0], input, y, weight, 0),
                  {"loss", "mae", "mse", "weighted_mae"});
}

BOOST_AUTO_TEST_CASE(sequences_no_longer_than_a_piece_are_trained_as_ever) {
  Sequential whole = made(recurrent[5], false, true, adam()),
             pieces = made(recurrent[5], false, true, adam());
  for (Sequential* model : {&whole, &pieces}) {
    set_seed(8);
    model->fit(x, at_steps,
               {.batch_size = 4, .epochs = 2, .truncate = model == &pieces ? 11 : 0, .verbose = 0});
  }
  check_weights("11 steps", pieces, whole);
}

// --- Targets at the end of the sequences

BOOST_AUTO_TEST_CASE(a_truth_at_the_end_trains_the_last_piece_which_is_a_whole_one) {
  for (const Kind& of : recurrent) {
    Sequential by_hand = made(of, true, false, adam()), model = made(of, false, false, adam());
    set_seed(7);
    {
      const NoGradient on_the_way;
      for (const auto& [begin, end] : {std::pair<int64_t, int64_t>{0, 3}, {3, 7}})
        by_hand(steps(x, begin, end), {.training = true});
    }
    const double expected = by_hand.train_on_batch(steps(x, 7, 11), at_ends)["loss"];
    set_seed(7);
    const History history = model.fit(x, at_ends, {.shuffle = false, .truncate = 4, .verbose = 0});
    check_weights(of.what, model, by_hand);
    BOOST_TEST_CONTEXT(of.what) BOOST_TEST(std::abs(history["loss"][0] - expected) < 1e-6);
    BOOST_TEST(model.optimizer().iterations() == 1);
  }
}

BOOST_AUTO_TEST_CASE(each_sequence_is_trained_where_it_ends) {
  // Sequences of 11, 9, 4, 1, 8 and 3 steps, in pieces of 3, 4 and 4.
  Sequential by_hand = made(recurrent[0], true, false, adam()),
             model = made(recurrent[0], false, false, adam());
  const auto piece = [&](int64_t begin, int64_t end, const std::vector<float>& ending) {
    // The loop's loss is over all samples; in Keras, weights of 0 and 1 count in its divisor.
    double count = 0;
    for (const float e : ending) count += e;
    const Tensor weight = tensor<float>(ending, {6}) * (6 / count);
    return by_hand.train_on_batch(steps(padded, begin, end), at_ends,
                                  {.sample_weight = weight})["loss"] *
           count;
  };
  double expected = piece(0, 3, {0, 0, 0, 1, 0, 1});
  expected += piece(3, 7, {0, 0, 1, 0, 0, 0});
  expected += piece(7, 11, {1, 1, 0, 0, 1, 0});
  const History history =
      model.fit(padded, at_ends, {.shuffle = false, .truncate = 4, .verbose = 0});
  check_weights("ends", model, by_hand, 1e-6);
  BOOST_TEST(std::abs(history["loss"][0] - expected / 6) < 1e-6);
}

// --- Models of a function, several inputs and outputs

BOOST_AUTO_TEST_CASE(a_model_of_a_function_goes_on_call_by_call) {
  // A layer that runs twice in a call has two states; an input without a time axis stays whole.
  const Tensor context = random_normal({samples_in_all, 3}, 0, 1, float32, 9);
  const auto model_for = [] {
    set_seed(5);
    const Layer shared = LSTM({.units = 2, .return_sequences = true}), head = Dense({.units = 1});
    Model model({shared, head}, [=](const Tensors& in) {
      const Tensor first = shared(in[0]), second = shared(first);
      const Tensor outside = broadcast_to(expand_dims(mean(in[1], -1, true), 1),
                                          {in[0].shape()[0], in[0].shape()[1], 1});
      return Tensors{head(concat({second, outside})), second};
    });
    model.build({{-1, -1, features}, {-1, 3}});
    model.compile({.optimizer = SGD({.learning_rate = 0}), .losses = {"mse", "mae"}});
    return model;
  };
  const Tensors y{at_steps, concat({at_steps, at_steps})};
  Model whole = model_for(), pieces = model_for();
  const History expected = whole.fit({x, context}, y, {.shuffle = false, .verbose = 0});
  const History got = pieces.fit({x, context}, y, {.shuffle = false, .truncate = 4, .verbose = 0});
  for (const char* name : {"loss", "output_1_loss", "output_2_loss"})
    BOOST_TEST_CONTEXT(name) BOOST_TEST(std::abs(got[name][0] - expected[name][0]) < 1e-6);
}

BOOST_AUTO_TEST_CASE(a_sequence_within_each_step_begins_anew) {
  // TimeDistributed runs an LSTM over the 3 parts of each step; pieces also have 3 steps.
  const Tensor parts = random_normal({2, 7, 3, 2}, 0, 1, float32, 1);
  const Tensor y = random_normal({2, 7, 1}, 0, 1, float32, 2);
  std::vector<History> both;
  for (const int64_t truncate : {0, 3}) {
    set_seed(5);
    Sequential model({TimeDistributed(Bidirectional(LSTM({.units = 2}))),
                      LSTM({.units = 2, .return_sequences = true}), Dense({.units = 1})});
    model.compile({.optimizer = SGD({.learning_rate = 0}), .loss = "mse"});
    both.push_back(model.fit(parts, y, {.truncate = truncate, .verbose = 0}));
  }
  BOOST_TEST(std::abs(both[0]["loss"][0] - both[1]["loss"][0]) < 1e-6);
}

BOOST_AUTO_TEST_CASE(stateful_layers_go_on_after_the_batch_and_others_begin_anew) {
  for (const bool stateful : {false, true}) {
    Sequential model =
        made(recurrent[0], stateful, true, {.optimizer = SGD({.learning_rate = 0}), .loss = "mse"});
    const History twice =
        model.fit(x, at_steps, {.epochs = 2, .shuffle = false, .truncate = 4, .verbose = 0});
    BOOST_TEST((twice["loss"][0] == twice["loss"][1]) == !stateful);
  }
}

// --- Other features of fit

namespace {
struct SeesBatches : Callback {
  void on_train_batch_end(int64_t batch, const Logs&) override { seen.push_back(batch); }
  std::vector<int64_t> seen;
};
}  // namespace

BOOST_AUTO_TEST_CASE(a_batch_is_one_of_whole_sequences_and_a_piece_is_an_iteration) {
  for (const int accumulated : {1, 3}) {
    Sequential model = made(
        recurrent[0], false, true,
        {.optimizer = Adam({.loss_scale_factor = 8, .gradient_accumulation_steps = accumulated}),
         .loss = "mse"});
    const auto batches = std::make_shared<SeesBatches>();
    const History history = model.fit(
        x, at_steps, {.batch_size = 2, .callbacks = {batches}, .truncate = 4, .verbose = 0});
    BOOST_TEST(batches->seen == (std::vector<int64_t>{0, 1, 2}));
    BOOST_TEST(history.params().steps == 3);
    BOOST_TEST(model.optimizer().iterations() == 9 / accumulated);
  }
}

BOOST_AUTO_TEST_CASE(ctrl_c_ends_it_after_a_piece) {
  Sequential model = made(recurrent[0], false, true, adam());
  int calls = 0;
  model.compile({.optimizer = Adam(), .loss = [&](const Tensor& t, const Tensor& p) {
                   if (++calls == 2) std::raise(SIGINT);
                   return mean(square(t - p), -1);
                 }});
  const History history = model.fit(x, at_steps, {.epochs = 3, .truncate = 4, .verbose = 0});
  BOOST_TEST(model.interrupted());
  BOOST_TEST(model.optimizer().iterations() == 2);
  BOOST_TEST(history.epochs().empty());
}

BOOST_AUTO_TEST_CASE(a_refused_label_is_named_by_its_place_in_the_whole) {
  Sequential model({LSTM({.units = 3, .return_sequences = true}), Dense({.units = 4})});
  model.compile(
      {.optimizer = Adam(), .loss = SparseCategoricalCrossentropy({.from_logits = true})});
  std::vector<int64_t> labels(samples_in_all * time_steps, 1);
  labels[2 * time_steps + 9] = 7;
  const std::string text = error_of([&] {
    model.fit(x, tensor(labels, {samples_in_all, time_steps}),
              {.shuffle = false, .truncate = 4, .verbose = 0});
  });
  BOOST_TEST(text.find("y[2, 9] is 7") != text.npos, text);
}

// --- What it cannot do

BOOST_AUTO_TEST_CASE(models_that_need_the_whole_sequence_are_refused_and_left_as_they_were) {
  const std::string leave_out =
      ".\n  All but the recurrent layers must work step by step. Leave truncate out; .recompute = "
      "true of a recurrent layer saves its memory and keeps the whole gradient.";
  const Layer lstm = LSTM({.units = 3, .return_sequences = true});
  struct {
    const char* what;
    Layers layers;
    Tensor x, y;
    Loss loss;
    std::string error;
  } const cases[] = {
      {"both directions",
       {Bidirectional(lstm)},
       x,
       at_steps,
       "mse",
       "`bidirectional/backward_lstm` runs from the last step to the first" + leave_out},
      {"backwards",
       {LSTM({.units = 3, .return_sequences = true, .go_backwards = true})},
       x,
       at_steps,
       "mse",
       "`lstm` runs from the last step to the first" + leave_out},
      {"a convolution over time",
       {LSTM({.units = 3, .return_sequences = true}),
        Conv1D({.filters = 1, .kernel_size = 2, .padding = "causal"})},
       x,
       at_steps,
       "mse",
       "`conv1d` gives something else for pieces of a sequence than for the whole" + leave_out},
      {"a mean over time",
       {LSTM({.units = 3, .return_sequences = true}), GlobalAveragePooling1D(),
        Dense({.units = 1})},
       x,
       at_ends,
       "mse",
       "`global_average_pooling1d` gives something else for pieces of a sequence than for the "
       "whole" +
           leave_out},
      {"CTC",
       {LSTM({.units = 3, .return_sequences = true})},
       x,
       ones({samples_in_all, time_steps}, int32),
       "ctc",
       "the loss `ctc` takes a sequence as a whole" + leave_out},
      {"no time axis",
       {Dense({.units = 1})},
       at_ends(all, 0),
       at_ends,
       "mse",
       "x is [6], which has no time axis.\n  It cuts sequences, [batch, time, ...], along time."},
      {"an output at each step, and a truth at the end",
       {LSTM({.units = 3, .return_sequences = true}), Dense({.units = 1})},
       x,
       at_ends,
       "mse",
       "the model gives an output at each step, and y is [6, 1] float32.\n  y needs a target at "
       "each "
       "of the 11 steps, [batch, time, ...]; or the last recurrent layer does without "
       "return_sequences."},
      {"a mask that a layer makes, and a truth at the end",
       {Masking(), LSTM({.units = 3}), Dense({.units = 1})},
       x,
       at_ends,
       "mse",
       "y has no time axis, and a layer makes a mask, which tells too late where a sequence ends.\n"
       "  Give x its mask before: with_mask(x, mask), [batch, time], true where a step counts."},
  };
  for (const auto& c : cases) {
    Sequential model(c.layers);
    model.compile({.optimizer = Adam(), .loss = c.loss});
    BOOST_TEST_CONTEXT(c.what)
    BOOST_TEST(error_of([&] { model.fit(c.x, c.y, {.truncate = 4, .verbose = 0}); }) ==
               "Sequential.fit: truncate is 4, and " + c.error);
  }
  Sequential flat({LSTM({.units = 3, .return_sequences = true}), Flatten(), Dense({.units = 1})});
  flat.compile({.optimizer = Adam(), .loss = "mse"});
  const std::string text = error_of([&] { flat.fit(x, at_ends, {.truncate = 4, .verbose = 0}); });
  BOOST_TEST(
      text.find("truncate is 4, and the model takes no sequences of any length") != text.npos,
      text);
  BOOST_TEST(!flat.built());
  BOOST_TEST(error_of([&] { flat.fit(x, at_ends, {.truncate = -1, .verbose = 0}); }) ==
             "Sequential.fit: truncate is -1; it must be at least 0.");
}
