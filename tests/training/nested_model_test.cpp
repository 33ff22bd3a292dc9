// SPDX-License-Identifier: Apache-2.0
// Models that are layers of others, and models that find the layers that their function calls.
#define BOOST_TEST_MODULE nested_model
#include <unistd.h>

#include <cstdio>

#include <tempo/tempo.hpp>

#include "testing.hpp"

using namespace tempo;
using testing::check_close;
using testing::check_same;
using testing::error_of;
using testing::normal;

namespace {

const Tensor x = cast(normal({8, 4, 3}), float32), y = cast(normal({8, 1}, 2), float32);

std::string names_of(const Model& model) {
  std::string names;
  for (const auto& [name, weight] : model.named_weights()) names += name + " ";
  return names;
}

Sequential encoder(const std::string& name = "") {
  return Sequential({LSTM({.units = 3, .return_sequences = true}),
                     Dropout({.rate = 0.2, .seed = 4}), LSTM({.units = 2})},
                    name);
}
Sequential nested(const std::string& name = "encoder") {
  set_seed(5);
  Sequential model({encoder(name), Dense({.units = 1})});
  model.compile({.optimizer = Adam({.learning_rate = 0.01}), .loss = "mse"});
  model.build({{-1, 4, 3}});
  return model;
}
Sequential flat() {
  set_seed(5);
  Sequential model({LSTM({.units = 3, .return_sequences = true}), Dropout({.rate = 0.2, .seed = 4}),
                    LSTM({.units = 2}), Dense({.units = 1})});
  model.compile({.optimizer = Adam({.learning_rate = 0.01}), .loss = "mse"});
  model.build({{-1, 4, 3}});
  return model;
}

struct Path {
  std::string text = "/tmp/tempo_nested_model_test_" + std::to_string(getpid());
  ~Path() { std::remove(text.c_str()); }
};

struct CallingOptions {
  Layer inner;
};
void describe(auto& option, CallingOptions& o) { option("inner", o.inner, "What it calls."); }
// A layer that does not pass on the options of its call.
struct Calling : LayerOf<CallingOptions> {
  using LayerOf::LayerOf;
  void add_children(Children& add) { add(options.inner); }
  Tensor call(const Tensor& given, const CallOptions&) const { return options.inner(given); }
};

const std::string inner_paths =
    "lstm/kernel lstm/recurrent_kernel lstm/bias lstm_1/kernel lstm_1/recurrent_kernel "
    "lstm_1/bias ";
const std::string outer_paths =
    "encoder/lstm/kernel encoder/lstm/recurrent_kernel encoder/lstm/bias encoder/lstm_1/kernel "
    "encoder/lstm_1/recurrent_kernel encoder/lstm_1/bias dense/kernel dense/bias ";

}  // namespace

// --- A model is a layer -------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_model_in_a_model_trains_as_its_layers_would) {
  Sequential in = nested(), out = flat();
  const FitOptions options{.batch_size = 4, .epochs = 3, .seed = 1, .verbose = 0};
  const History a = in.fit(x, y, options), b = out.fit(x, y, options);
  BOOST_TEST(a["loss"] == b["loss"], boost::test_tools::per_element());
  BOOST_TEST(names_of(in) == outer_paths);
  for (std::size_t i = 0; i < in.weights().size(); ++i)
    check_same(in.weights()[i].path(), in.weights()[i], out.weights()[i]);
  check_same("predict", in.predict(x), out.predict(x));  // dropout is inactive in both
}

BOOST_AUTO_TEST_CASE(its_weights_are_its_own_and_the_other_models) {
  Sequential part = encoder("encoder");
  Sequential whole({part, Dense({.units = 1})});
  whole.build({{-1, 4, 3}});
  BOOST_TEST(part.built());
  BOOST_TEST(names_of(part) == inner_paths);
  BOOST_TEST(names_of(whole) == outer_paths);
  BOOST_TEST(whole.count_params() == part.count_params() + 3);
  for (std::size_t i = 0; i < part.weights().size(); ++i)
    BOOST_TEST(part.weights()[i].handle() == whole.weights()[i].handle());
  // The same layer twice; its weights count once.
  Sequential twice({part});
  Model both([=](const Tensors& in) { return part(in[0]) + part(reverse(in[0], 1)); });
  both.build({{-1, 4, 3}});
  BOOST_TEST(both.weights().size() == 6u);
  BOOST_TEST(both.layers().size() == 1u);
  BOOST_TEST(twice.layers()[0].handle() == both.layers()[0].handle());
  // A layer that the model calls, and that is also part of another layer that it calls.
  const Layer first = part.layers()[0];
  Model ways([=](const Tensors& in) { return part(first(in[0])); });
  ways.build({{-1, 4, 3}});
  BOOST_TEST(ways.layers().size() == 2u);
  BOOST_TEST(ways.weights().size() == 6u);
  BOOST_TEST(ways.count_params() == part.count_params());
}

BOOST_AUTO_TEST_CASE(paths_and_freezing_are_those_of_the_holders_that_are_left) {
  Sequential part = encoder("encoder");
  part.build({{-1, 4, 3}});
  const auto path = [&] { return part.weights()[0].path(); };
  BOOST_TEST(path() == "lstm/kernel");
  {
    const Layer as_layer = part;
    BOOST_TEST(path() == "encoder/lstm/kernel");
  }
  BOOST_TEST(path() == "lstm/kernel");
  {
    const Sequential whole({part, Dense({.units = 1})});
    const Sequential other({part});
    BOOST_TEST(path() == "encoder/lstm/kernel");
  }
  BOOST_TEST(path() == "lstm/kernel");

  const Layer dense = Dense({.units = 2});
  {
    const Layer frozen = TimeDistributed(dense, {.trainable = false, .name = "each"});
    frozen.build({{2, 4, 3}});
    BOOST_TEST(dense.trainable_weights().empty());
    BOOST_TEST(dense.weights()[0].path().starts_with("each/"));
  }
  BOOST_TEST(dense.trainable_weights().size() == 2u);
  BOOST_TEST(!dense.weights()[0].path().starts_with("each/"));
}

BOOST_AUTO_TEST_CASE(the_summary_shows_it_as_one_row) {
  Sequential model = nested();
  const std::string text = model.summary_text();
  BOOST_TEST(
      text.find("│ encoder (Sequential)            │ (None, 2)              │           132 │") !=
          std::string::npos,
      text);
  BOOST_TEST(text.find("lstm") == std::string::npos);
  BOOST_TEST(text.find("Total params: 135 (") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(several_models_get_names_like_layers) {
  Sequential two({encoder(), Sequential({Dense({.units = 2})}), Dense({.units = 1})});
  BOOST_TEST(sdk::listed(two.layer_names()) == "sequential, sequential_1, dense");
  BOOST_TEST(error_of([] {
               Sequential({encoder("a"), Sequential({Dense({.units = 1})}, "a")});
             }) == "Sequential: two layers are named `a`.\n  Give each a name of its own.");
}

BOOST_AUTO_TEST_CASE(a_list_of_models_is_no_copy) {
  Sequential part({Dense({.units = 2})});
  Sequential whole({part});
  whole.add(Dense({.units = 1}));
  BOOST_TEST(part.layers().size() == 1u);
  BOOST_TEST(whole.layers().size() == 2u);
  Sequential pair({part, Sequential({Dense({.units = 3})})});
  BOOST_TEST(pair.layers().size() == 2u);
  const Sequential copy(part);
  BOOST_TEST(copy.layers()[0].handle() == part.layers()[0].handle());
}

BOOST_AUTO_TEST_CASE(a_model_that_grows_grows_in_its_holder) {
  Sequential part("part");
  Sequential whole({part, Dense({.units = 1})});
  part.add(Dense({.units = 2}));
  whole.build({{-1, 3}});
  BOOST_TEST(names_of(whole) == "part/dense/kernel part/dense/bias dense/kernel dense/bias ");
}

BOOST_AUTO_TEST_CASE(it_is_frozen_with_all_its_layers) {
  Sequential model = nested();
  model.layers()[0].set_trainable(false);
  BOOST_TEST(model.trainable_weights().size() == 2u);
  model.layers()[0].set_trainable(true);
  BOOST_TEST(model.trainable_weights().size() == 8u);
  model.set_trainable(false);
  BOOST_TEST(model.trainable_weights().empty());
  model.set_trainable(true);

  Sequential part = encoder("encoder");
  part.set_trainable(false);
  Sequential whole({part, Dense({.units = 1})});
  whole.compile({.optimizer = "sgd", .loss = "mse"});
  whole.fit(x, y, {.verbose = 0});
  BOOST_TEST(whole.trainable_weights().size() == 2u);
}

BOOST_AUTO_TEST_CASE(training_and_masks_pass_through) {
  Sequential inner({Dropout({.rate = 0.5, .seed = 1})});
  Sequential whole({inner, Dense({.units = 1, .use_bias = false, .kernel_initializer = "ones"})});
  const Tensor given = ones({64, 1});
  BOOST_TEST(min(whole(given)).item() == 1);
  BOOST_TEST(min(whole(given, {.training = true})).item() == 0);

  Sequential ids({Embedding({.input_dim = 4, .output_dim = 2, .mask_zero = true})});
  Sequential masked({ids, LSTM({.units = 2, .return_sequences = true})});
  BOOST_TEST(mask_of(masked(tensor<int64_t>({1, 2, 0, 3, 0, 0}, {2, 3}))).to_vector() ==
                 (std::vector<double>{1, 1, 0, 1, 0, 0}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_call_that_is_not_told_is_in_training_where_its_caller_is) {
  const Layer drop = Dropout({.rate = 1}), keep = Dense({.units = 1, .kernel_initializer = "ones"});
  const Tensor given = ones({2, 1});
  const auto sums = [&](const Model& model) {  // outside of training, and in it
    return std::vector<double>{sum(model(given)).item(),
                               sum(model(given, {.training = true})).item()};
  };
  const auto same = boost::test_tools::per_element();
  const Sequential stack({drop, keep});
  const Model told([=](const Tensors&in) { return keep(drop(in[0])); }),
      kept([=](const Tensors&in) { return keep(drop(in[0], {.training = false})); }),
      inner([=](const Tensors&in) { return stack(in[0]); }),
      outer([=](const Tensors&in) { return inner(in[0]); });
  BOOST_TEST(sums(told) == (std::vector<double>{2, 0}), same);
  BOOST_TEST(sums(kept) == (std::vector<double>{2, 2}), same);
  BOOST_TEST(sums(inner) == (std::vector<double>{2, 0}), same);
  BOOST_TEST(sums(outer) == (std::vector<double>{2, 0}), same);
  BOOST_TEST(
      sums(Sequential({Layer(Calling(CallingOptions{drop}))})) == (std::vector<double>{2, 0}),
      same);
  BOOST_TEST(sum(drop(given)).item() == 2);
}

BOOST_AUTO_TEST_CASE(a_file_holds_it) {
  const Path path;
  Sequential model = nested();
  model.layers()[0].children()[0].set_trainable(false);
  model.fit(x, y, {.batch_size = 4, .epochs = 2, .seed = 1, .verbose = 0});
  model.save(path.text);
  Sequential loaded = load_model(path.text);
  BOOST_TEST(names_of(loaded) == outer_paths);
  BOOST_TEST(loaded.trainable_weights().size() == 5u);
  Sequential resumed = nested();
  resumed.layers()[0].children()[0].set_trainable(false);
  resumed.load(path.text);
  const FitOptions rest{.batch_size = 4, .epochs = 4, .seed = 1, .initial_epoch = 2, .verbose = 0};
  const History a = model.fit(x, y, rest);
  BOOST_TEST(a["loss"] == loaded.fit(x, y, rest)["loss"], boost::test_tools::per_element());
  BOOST_TEST(a["loss"] == resumed.fit(x, y, rest)["loss"], boost::test_tools::per_element());

  Sequential other({Sequential({LSTM({.units = 3, .return_sequences = true}),
                                Dropout({.rate = 0.3, .seed = 4}), LSTM({.units = 2})},
                               "encoder"),
                    Dense({.units = 1})});
  BOOST_TEST(error_of([&] { other.load(path.text); }) ==
             path.text +
                 ": its model is not made as sequential is; nothing was changed\n"
                 "  different   encoder/dropout.rate  0.2 in the file, 0.3 in the model");
}

BOOST_AUTO_TEST_CASE(a_file_keeps_that_it_is_frozen) {
  const Path path;
  Sequential model = nested();
  model.layers()[0].set_trainable(false);
  model.save(path.text);
  Sequential loaded = load_model(path.text);
  BOOST_TEST(!loaded.layers()[0].trainable());
  BOOST_TEST(loaded.trainable_weights().size() == 2u);
}

BOOST_AUTO_TEST_CASE(a_stateful_layer_in_it_keeps_its_state_out_of_validation) {
  const auto fitted = [](bool inner, bool validated) {
    set_seed(6);
    const Layer lstm = LSTM({.units = 2, .stateful = true});
    Sequential model = inner ? Sequential({Layer(Sequential({lstm})), Dense({.units = 1})})
                             : Sequential({lstm, Dense({.units = 1})});
    model.compile({.optimizer = "sgd", .loss = "mse"});
    FitOptions options{.batch_size = 4, .epochs = 3, .shuffle = false, .verbose = 0};
    if (validated) options.validation_data = {slice(x, 0, 0, 4) * 3, slice(y, 0, 0, 4)};
    return model.fit(x, y, options)["loss"];
  };
  const auto plain = fitted(false, false);
  BOOST_TEST(fitted(false, true) == plain, boost::test_tools::per_element());
  BOOST_TEST(fitted(true, true) == plain, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_stream_runs_it) {
  Sequential model(
      {Sequential({LSTM({.units = 3, .return_sequences = true})}), Dense({.units = 1})});
  const Tensor whole = model(slice(x, 0, 0, 1));
  Stream stream(model);
  for (int64_t t = 0; t < 4; ++t) {
    const std::vector<float> now = take(slice(x, 0, 0, 1), t, 1).to_vector<float>();
    std::vector<float> out(1);
    stream.step(now, out);
    BOOST_TEST(out[0] == whole.element(t), boost::test_tools::tolerance(1e-5));
  }
}

BOOST_AUTO_TEST_CASE(a_model_of_a_function_is_a_layer_too) {
  const Path path;
  const auto make = [] {
    set_seed(5);
    const Layer a = Dense({.units = 2, .activation = "tanh"}), b = Dense({.units = 2});
    const Model sum([=](const Tensors& in) { return a(in[0]) + b(in[0]); }, "sum");
    Sequential model({sum, Dense({.units = 1})});
    model.compile({.optimizer = "adam", .loss = "mse"});
    return model;
  };
  Sequential model = make();
  const Tensor in = take(x, 0, 1);
  model.fit(in, y, {.epochs = 2, .verbose = 0});
  BOOST_TEST(names_of(model) ==
             "sum/dense/kernel sum/dense/bias sum/dense_1/kernel sum/dense_1/bias dense/kernel "
             "dense/bias ");
  BOOST_TEST(model.summary_text().find("sum (Model)") != std::string::npos);
  model.save(path.text);
  BOOST_TEST(error_of([&] { load_model(path.text); }) ==
             path.text +
                 ": its model `sum` was made from a function, which no file can hold.\n  Make the "
                 "models in the program as they were made then, then model.load(path), or "
                 "model.load_weights(path).");
  Sequential again = make();
  again.load(path.text);
  check_same("predict", again.predict(in), model.predict(in));
  BOOST_TEST(error_of([&] { recreated(model.layers()[0]); })
                 .find("it is a model, and no second one "
                       "can be made") != std::string::npos);
}

// --- A function shows its layers ----------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_function_shows_its_layers_at_the_first_call_in_their_order) {
  const Layer first = LSTM({.units = 2}), second = Dense({.units = 2}), third = Dense({.units = 1});
  Model model(
      [=](const Tensors& in) { return third(second(first(in[0])) + second(first(in[0]))); });
  BOOST_TEST(model.layers().empty());
  BOOST_TEST(
      error_of([&] { model.get_layer("lstm"); }) ==
      "model: it has no layers yet.\n  Its function is called for the first time by build or "
      "a call, and shows them then.");
  model.build({{-1, 4, 3}});
  BOOST_TEST(sdk::listed(model.layer_names()) == "lstm, dense, dense_1");
  BOOST_TEST(names_of(model) ==
             "lstm/kernel lstm/recurrent_kernel lstm/bias dense/kernel dense/bias dense_1/kernel "
             "dense_1/bias ");
  BOOST_TEST(model.summary_text().find("dense_1 (Dense)") != std::string::npos);
  // Layers that a layer calls are its own.
  const Layer both = Bidirectional(LSTM({.units = 2}));
  Model outer([=](const Tensors& in) { return both(in[0]); });
  outer.build({{-1, 4, 3}});
  BOOST_TEST(sdk::listed(outer.layer_names()) == "bidirectional");
}

BOOST_AUTO_TEST_CASE(it_trains_saves_and_goes_on_as_with_a_list) {
  const Path path;
  const auto make = [](bool with_list) {
    const Layer lstm = LSTM({.units = 2}), head = Dense({.units = 1});
    const auto function = [=](const Tensors& in) { return head(lstm(in[0])); };
    Model model = with_list ? Model({lstm, head}, function) : Model(function);
    model.compile({.optimizer = Adam({.learning_rate = 0.01}), .loss = "mse"});
    return model;
  };
  Model found = make(false), listed_one = make(true);
  const FitOptions first{.batch_size = 4, .epochs = 2, .seed = 1, .verbose = 0};
  const auto fitted = [&](Model& model) {
    set_seed(5);
    return model.fit(x, y, first)["loss"];
  };
  BOOST_TEST(fitted(found) == fitted(listed_one), boost::test_tools::per_element());
  found.save(path.text);
  Model resumed = make(false);
  resumed.load(path.text);
  const FitOptions rest{.batch_size = 4, .epochs = 4, .seed = 1, .initial_epoch = 2, .verbose = 0};
  BOOST_TEST(resumed.fit(x, y, rest)["loss"] == found.fit(x, y, rest)["loss"],
             boost::test_tools::per_element());
  for (std::size_t i = 0; i < found.weights().size(); ++i)
    check_same(found.weights()[i].path(), resumed.weights()[i], found.weights()[i]);
}

BOOST_AUTO_TEST_CASE(a_list_that_misses_a_layer_names_it) {
  const Layer lstm = LSTM({.units = 2}), head = Dense({.units = 1});
  Model model({head}, [=](const Tensors& in) { return head(lstm(in[0])); });
  const std::string text =
      "model: its function calls `lstm`, which is not in the model's list of layers, so it would "
      "be neither trained, saved nor counted.\n  Put `lstm` into the list, or give no list: "
      "Model(function) finds its layers; or make it with .trainable = false, if it shall stay as "
      "it is.";
  BOOST_TEST(error_of([&] { model(x); }) == text);
  BOOST_TEST(error_of([&] { model.build({{-1, 4, 3}}); }) == text);
  model.compile({.optimizer = "sgd", .loss = "mse"});
  BOOST_TEST(error_of([&] { model.fit(x, y, {.verbose = 0}); }) == text);
  lstm.set_trainable(false);
  BOOST_TEST(model(x).count() == 8);
  // A model whose layers are in the list, and a layer without weights, may be missing from it.
  const Layer a = Dense({.units = 2}), b = Dense({.units = 1}), dropout = Dropout({.rate = 0.1});
  const Sequential stack({a, b});
  Model inner({a, b}, [=](const Tensors& in) { return stack(dropout(in[0])); });
  BOOST_TEST(inner(ones({2, 3})).count() == 2);
  // A trained model that is missing is an Error; a frozen one is not part of the model.
  Sequential part({Dense({.units = 2})}, "part");
  Model outer({b}, [=](const Tensors& in) { return b(part(in[0])); });
  BOOST_TEST(error_of([&] {
               outer(ones({2, 3}));
             }).starts_with("model: its function calls `part`"));
  part.set_trainable(false);
  for (int call = 0; call < 2; ++call) BOOST_TEST(outer(ones({2, 3})).count() == 2);
  BOOST_TEST(outer.weights().size() == 2u);
}

BOOST_AUTO_TEST_CASE(a_function_that_fails_shows_its_layers_the_next_time) {
  const Layer lstm = LSTM({.units = 2});
  Model model([=](const Tensors& in) { return lstm(in[0]); });
  BOOST_TEST(error_of([&] { model(ones({2, 3})); }) != "nothing was thrown");
  BOOST_TEST(model.layers().empty());
  BOOST_TEST(model(x).count() == 16);
  BOOST_TEST(model.layers().size() == 1u);
  Model itself([&](const Tensors& in) { return itself(in[0]); });
  BOOST_TEST(error_of([&] { itself(x); }).find("its function calls the model itself") !=
             std::string::npos);
  Model with_list({lstm}, [&](const Tensors& in) { return with_list(in[0]); });
  BOOST_TEST(error_of([&] { with_list(x); }).find("its function calls the model itself") !=
             std::string::npos);
}
