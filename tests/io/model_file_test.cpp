// SPDX-License-Identifier: Apache-2.0
// Untrusted model files, and the parts of a training that a file holds.
#define BOOST_TEST_MODULE model_file
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <thread>

#include <tempo/tempo.hpp>

#include "testing.hpp"

using namespace tempo;
using namespace tempo::testing;
namespace fs = std::filesystem;
using std::string;

namespace {

// A folder of this program's own, which is removed at the end.
struct Folder {
  Folder() { fs::create_directories(path); }
  ~Folder() { fs::remove_all(path); }
  fs::path path = fs::temp_directory_path() / ("tempo_model_file_" + std::to_string(::getpid()));
};
string in_folder(const string& name) {
  static const Folder folder;
  return (folder.path / name).string();
}

string quoted(const string& text) {
  string out = "\"";
  for (const char c : text) out += c == '"' || c == '\\' ? string{'\\', c} : string{c};
  return out + "\"";
}

// Makes a model file with this description and no tensors.
string file_of(const string& description) {
  const string path = in_folder("made.safetensors");
  const string header = R"({"__metadata__":{"tempo":)" + quoted(description) + "}}";
  const uint64_t length = header.size();
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(&length), sizeof length)
      .write(header.data(), static_cast<std::streamsize>(length));
  return path;
}

string layer_text(const string& options, const string& type = "Dense", const string& name = "l") {
  return R"({"kind":"layer","type":")" + type + R"(","name":")" + name +
         R"(","dtype":"float32","options":)" + options + "}";
}

string model_text(const string& layers,
                  const string& inputs = R"([{"shape":[-1,4,2],"dtype":"float32"}])",
                  const string& training = "null") {
  return R"({"version":1,"kind":"sequential","name":"s","inputs":)" + inputs + R"(,"layers":[)" +
         layers + R"(],"training":)" + training + "}";
}

void check_error(const string& got, const string& expected) {
  BOOST_TEST(got.find(expected) != string::npos, "expected: " << expected << "\ngot: " << got);
}

}  // namespace

BOOST_AUTO_TEST_CASE(nests_are_refused_before_anything_follows_them_down) {
  const auto nest = [](std::size_t depth) { return string(depth, '[') + string(depth, ']'); };
  string objects = "1";
  for (int i = 0; i < 5000; ++i) objects = R"({"a":)" + objects + "}";
  for (const string& deep : {nest(100), nest(100000), objects})
    for (const string& text :
         {model_text(layer_text(R"({"units":)" + deep + "}")), model_text(deep),
          model_text("", R"([{"shape":)" + deep + R"(,"dtype":"float32"}])"),
          model_text("", "[]", deep), deep}) {
      const string path = file_of(text);
      string got;
      std::thread([&] { got = error_of<FormatError>([&] { load_model(path); }); }).join();
      check_error(got, path +
                           ": its description of the model is damaged: it nests deeper than the "
                           "format does");
    }
}

BOOST_AUTO_TEST_CASE(what_a_small_file_speaks_of_is_not_made) {
  struct {
    const char* what;
    string text, expected;
  } const cases[] = {
      {"units", model_text(layer_text(R"({"units":30000})", "LSTM")),
       "more than the file can hold"},
      {"2^30 units", model_text(layer_text(R"({"units":1073741824})")), "more than the file can"},
      {"a long sequence",
       model_text(layer_text(R"({"units":2})", "LSTM"),
                  R"([{"shape":[-1,1000000000000,2],"dtype":"float32"}])"),
       "missing     l/kernel  [2, 8] float32"},
      {"no weights", model_text(layer_text(R"({"units":3})")), "missing     l/kernel  [2, 3]"},
      {"a fraction of a version", R"({"version":1.5})",
       "its version is 1.5; it must be an integer"},
      {"a version that wraps", R"({"version":4294967297,"layers":[]})", "is of version 4294967297"},
      {"a fraction of a shape",
       model_text(layer_text(R"({"units":3})"), R"([{"shape":[1.5,2],"dtype":"float32"}])"),
       "an extent of an input is 1.5; it must be an integer"},
      {"a seed of 2^63",
       model_text(layer_text(R"({"rate":0.5,"seed":9223372036854775808})", "Dropout")),
       "option `seed` is 9223372036854775808; it must be an integer of 64 bits"},
      {"a seed of 1.5", model_text(layer_text(R"({"rate":0.5,"seed":1.5})", "Dropout")), "`seed`"},
      {"a long option name", model_text(layer_text("{\"" + string(5000000, 'u') + "\":1}")),
       "an option's name has 5000000 letters"},
      {"a layer before itself", model_text(R"({"kind":"again","number":0})"),
       "there is no layer 0 before it"},
      {"layers that are no list", R"({"version":1,"layers":{}})", "layers are not a list"},
      {"two layers of one name",
       model_text(layer_text(R"({"units":3})") + "," + layer_text(R"({"units":3})")),
       "two layers are named `l`"},
  };
  for (const auto& c : cases) BOOST_TEST_CONTEXT(c.what) {
      const string path = file_of(c.text);
      const string text = error_of<FormatError>([&] { load_model(path); });
      check_error(text, c.expected);
      BOOST_TEST(text.starts_with(path + ": "), text.substr(0, 200));
    }
}

namespace {

Tensor error_squared(const Tensor& t, const Tensor& p) { return mean(square(t - p), -1); }

struct Trained {
  Tensor x = random_normal({8, 4, 2}, 0, 1, float32, 1),
         y = random_normal({8, 1}, 0, 1, float32, 2);

  void fit(Model& model, int from, int to) const {
    model.fit(x, y, {.batch_size = 4, .epochs = to, .initial_epoch = from, .verbose = 0});
  }
};

void check_equal_weights(const Model& a, const Model& b) {
  const Tensors left = a.weights(), right = b.weights();
  BOOST_REQUIRE(left.size() == right.size());
  for (std::size_t i = 0; i < left.size(); ++i) check_same(left[i].path(), right[i], left[i]);
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_model_of_a_users_own_loss_is_loaded_with_it_or_says_what_it_needs) {
  const Trained data;
  const string path = in_folder("own.safetensors");
  const auto compiled = [&] {
    set_seed(5);
    Sequential model({LSTM({.units = 3}), Dense({.units = 1})});
    model.compile({.optimizer = "adam",
                   .loss = Loss(error_squared, "mine"),
                   .metrics = {Loss(error_squared, "watched"), "mae"}});
    data.fit(model, 0, 2);
    return model;
  };
  Sequential straight = compiled();
  straight.save(path);
  data.fit(straight, 2, 4);
  const OwnMetric watched{"watched", error_squared};
  {
    Sequential with = load_model(path, {.losses = {{"mine", error_squared}}, .metrics = {watched}});
    BOOST_TEST(with.metrics().size() == 2u);
    BOOST_TEST(with.loss().name() == "mine");
    BOOST_TEST(with.epoch() == 2);
    data.fit(with, 2, 4);
    check_equal_weights(straight, with);
  }
  Sequential without = load_model(path);
  BOOST_TEST(!without.compiled());
  const string text = error_of([&] { data.fit(without, 2, 4); });
  check_error(text, "Sequential.fit: the model is not compiled: " + path +
                        " was saved with the loss `mine`, the metric `watched`, which no file");
  check_error(text, "model.compile({.optimizer = model.optimizer(), .loss = f})");
  without.save(path);  // it still knows what it needs, and what it did
  without = load_model(path, {.metrics = {watched}});
  BOOST_TEST(!without.compiled());
  without.compile({.optimizer = without.optimizer(), .loss = Loss(error_squared, "mine")});
  data.fit(without, 2, 4);
  check_equal_weights(straight, without);
}

// Any state of a training is also in its file.
BOOST_AUTO_TEST_CASE(training_goes_on_in_a_new_model_bit_by_bit) {
  const Trained data;
  const string path = in_folder("resumed.safetensors");
  const char* optimizers[] = {"sgd", "sgd(momentum=0.9, nesterov=true, clipnorm=0.5)",
                              "rmsprop(centered=true, momentum=0.5, weight_decay=0.1)",
                              "adam(global_clipnorm=0.1)", "adam(amsgrad=true, weight_decay=0.1)"};
  for (const char* text : optimizers)
    for (const int64_t seed : {-1, 3})
      for (const bool functional : {false, true}) BOOST_TEST_CONTEXT(text << seed << functional) {
          const auto made = [&]() -> Model {
            const Layer lstm = LSTM({.units = 3}), drop = Dropout({.rate = 0.4, .seed = seed}),
                        head = Dense({.units = 1});
            Model model = functional ? Model({lstm, drop, head},
                                             [=](const Tensors& in, const CallOptions& call) {
                                               const CallOptions mode{.training = call.training};
                                               return head(drop(lstm(in[0], mode), mode), mode);
                                             })
                                     : Model(Sequential({lstm, drop, head}));
            Optimizer optimizer = text;
            optimizer.exclude_from_weight_decay({"bias"});
            model.build({{-1, 4, 2}});
            optimizer.exclude_from_weight_decay(Tensors{head.weights()[0]});
            model.compile({.optimizer = optimizer, .loss = "mse"});
            return model;
          };
          set_seed(4);
          Model straight = made();
          data.fit(straight, 0, 2);
          straight.optimizer().set_learning_rate(0.003);  // as a callback does
          straight.save(path);
          data.fit(straight, 2, 5);

          set_seed(99);
          Model other = made();
          other.load(path);
          BOOST_TEST(other.optimizer().learning_rate() == 0.003);
          BOOST_TEST(other.epoch() == 2);
          data.fit(other, other.epoch(), 5);
          check_equal_weights(straight, other);
          if (functional) continue;
          Model loaded = load_model(path);
          BOOST_TEST(loaded.optimizer().excluded_words() == std::vector<string>{"bias"});
          BOOST_TEST(loaded.optimizer().excluded_weights().size() == 1u);
          data.fit(loaded, loaded.epoch(), 5);
          check_equal_weights(straight, loaded);
        }
}

BOOST_AUTO_TEST_CASE(stateful_layers_go_on_from_the_states_they_kept) {
  const Trained data;
  const string path = in_folder("stateful.safetensors");
  const auto made = [] {
    Sequential model({LSTM({.units = 3, .return_sequences = true, .stateful = true}),
                      Bidirectional(GRU({.units = 2, .return_sequences = true, .stateful = true})),
                      RNN(SimpleRNNCell({.units = 2}), {.stateful = true}), Dense({.units = 1})});
    model.compile({.optimizer = "adam", .loss = "mse"});
    return model;
  };
  Sequential straight = made();
  data.fit(straight, 0, 2);
  straight.save(path);
  Sequential loaded = load_model(path), other = made();
  other.load(path);
  data.fit(straight, 2, 4);
  for (Sequential* again : {&loaded, &other}) {
    data.fit(*again, 2, 4);
    check_equal_weights(straight, *again);
  }
  straight.reset_state();
  straight.save(path);
  other.load(path);  // which makes it forget what it kept
  check_same("reset", other.predict(data.x), straight.predict(data.x));
}

BOOST_AUTO_TEST_CASE(a_model_that_was_never_compiled_goes_on_from_its_states) {
  const Trained data;
  const string path = in_folder("uncompiled.safetensors");
  const auto made = [] { return Sequential({GRU({.units = 3, .stateful = true})}); };
  Sequential straight = made(), other = made();
  straight.predict(data.x);
  straight.save(path);
  Sequential loaded = load_model(path);
  other.load(path);
  const Tensor expected = straight.predict(data.x);
  for (Sequential* again : {&loaded, &other})
    check_same("goes on", again->predict(data.x), expected);
}

BOOST_AUTO_TEST_CASE(the_weight_of_the_one_loss_is_kept) {
  const Trained data;
  const string path = in_folder("loss_weight.safetensors");
  for (const Loss& loss : {Loss("mse"), Loss(error_squared, "mine")}) {
    Sequential model({LSTM({.units = 3}), Dense({.units = 1})});
    model.compile({.optimizer = "sgd", .loss = loss, .loss_weights = {0.5}});
    data.fit(model, 0, 1);
    model.save(path);
    load_model(path).save(path);  // even if it needs a function that is not given
    Sequential loaded = load_model(path, {.losses = {{"mine", error_squared}}});
    BOOST_TEST(loaded.evaluate(data.x, data.y)["loss"] == model.evaluate(data.x, data.y)["loss"]);
    data.fit(model, 1, 2);
    data.fit(loaded, 1, 2);
    check_equal_weights(model, loaded);
  }
  const string training =
      R"({"optimizer":"sgd","loss":"mse","loss_weight":"1","metrics":[],"weighted_metrics":[]})";
  const string inputs = R"([{"shape":[-1,2],"dtype":"float32"}])";
  check_error(error_of<FormatError>([&] {
                load_model(file_of(model_text(layer_text("{}", "Flatten"), inputs, training)));
              }),
              "the weight of a loss is no number");
}

BOOST_AUTO_TEST_CASE(loading_leaves_the_global_generator_alone) {
  const Trained data;
  const string path = in_folder("generator.safetensors");
  Sequential model({LSTM({.units = 3}), Dense({.units = 1})});
  model.compile({.optimizer = "adam", .loss = "mse"});
  data.fit(model, 0, 2);
  model.save(path);
  set_seed(7);
  const Tensor expected = randn({4});
  set_seed(7);
  Sequential loaded = load_model(path);
  model.load(path);
  check_same("drawn", randn({4}), expected);
}

BOOST_AUTO_TEST_CASE(a_model_that_is_made_otherwise_is_named_and_left_as_it_was) {
  const Trained data;
  const string path = in_folder("otherwise.safetensors");
  const auto made = [&](const Layer& first, const char* optimizer) {
    Sequential model({first, Dense({.units = 1})});
    model.compile({.optimizer = optimizer, .loss = "mse"});
    data.fit(model, 0, 1);
    return model;
  };
  made(LSTM({.units = 3}), "adam").save(path);
  const auto refused = [&](const Layer& first, const char* optimizer, const string& expected) {
    Sequential model = made(first, optimizer);
    const Tensor before = model.predict(data.x);
    const string text = error_of<FormatError>([&] { model.load(path); });
    check_error(text, expected);
    check_error(text, path + ": ");
    check_same("as before", model.predict(data.x), before);
    BOOST_TEST(model.optimizer().iterations() == 2);
  };
  refused(LSTM({.units = 4}), "adam", "lstm.units  3 in the file, 4 in the model");
  refused(LSTM({.units = 3, .activation = "relu"}), "adam",
          "lstm.activation  \"tanh\" in the file, \"relu\" in the model");
  refused(GRU({.units = 3}), "adam", "type  \"LSTM\" in the file, \"GRU\" in the model");
  refused(LSTM({.units = 3}), "sgd", "it was trained with another optimizer");
  refused(LSTM({.units = 3}), "adam(amsgrad=true)", "lacks");
  check_error(error_of<FormatError>([&] {
                Sequential longer({LSTM({.units = 3}), Dense({.units = 1}), Dense({.units = 1})});
                longer.load(path);
              }),
              "2 layers in the file, 3 in the model");
  Sequential fresh({LSTM({.units = 3}), Dense({.units = 1})});  // neither built nor compiled
  fresh.load(path);
  BOOST_TEST(fresh.optimizer().iterations() == 2);
}

BOOST_AUTO_TEST_CASE(one_optimizer_of_two_models_saves_for_each_what_is_its_own) {
  Optimizer optimizer = Adam();
  Sequential a({Dense({.units = 2})}), b({Dense({.units = 2})});
  for (Sequential* model : {&a, &b}) model->compile({.optimizer = optimizer, .loss = "mse"});
  for (Sequential* model : {&a, &b, &b}) model->fit(ones({4, 3}), ones({4, 2}), {.verbose = 0});
  const string path = in_folder("two.safetensors");
  for (Sequential* model : {&a, &b}) {
    model->save(path);
    Sequential loaded = load_model(path);
    BOOST_TEST(loaded.optimizer().iterations() == 3);
    const auto mine = optimizer.state(model->named_weights());
    const auto its = loaded.optimizer().state(loaded.named_weights());
    BOOST_REQUIRE(mine.size() == 5u);
    for (std::size_t i = 0; i < mine.size(); ++i)
      check_same(mine[i].first, its[i].second, mine[i].second);
  }
}

BOOST_AUTO_TEST_CASE(options_that_are_no_finite_numbers_are_kept) {
  const string path = in_folder("infinite.safetensors");
  for (const double value : {HUGE_VAL, -HUGE_VAL, static_cast<double>(NAN), 0.1}) {
    Sequential model({Masking({.mask_value = value}), LSTM({.units = 2})});
    model.build({{-1, 3, 2}});
    model.save(path);
    const Sequential loaded = load_model(path);
    const tempo_layer_view v = loaded.layers()[0].view();
    for (uint32_t i = 0; i < v.n_options; ++i)
      if (string(v.options[i].name) == "mask_value")
        BOOST_TEST(
            (v.options[i].real == value || (std::isnan(value) && std::isnan(v.options[i].real))));
  }
}

namespace {

// Of [batch, 4, 3], and gives the same.
struct HeldTwice {
  const char* what;
  std::function<Model()> made;
  std::size_t weights;    // with those of the LSTM below
  std::size_t again = 1;  // layers that the file has as a number alone
};

Layer below() { return LSTM({.units = 3, .return_sequences = true}); }

const HeldTwice held_twice[] = {
    {"a layer in two layers",
     [] {
       const Layer dense = Dense({.units = 3});
       return Sequential({below(), TimeDistributed(dense), TimeDistributed(dense)});
     },
     5},
    {"in three",
     [] {
       const Layer dense = Dense({.units = 3});
       return Sequential(
           {TimeDistributed(dense), below(), TimeDistributed(dense), TimeDistributed(dense)});
     },
     5, 2},
    {"in the model and in a layer of it",
     [] {
       const Layer dense = Dense({.units = 3});
       return Sequential({below(), dense, TimeDistributed(dense)});
     },
     5},
    {"in a layer, then in the model",
     [] {
       const Layer dense = Dense({.units = 3});
       return Sequential({below(), TimeDistributed(dense), dense});
     },
     5},
    {"in the model and in a model in it",
     [] {
       const Layer dense = Dense({.units = 3});
       return Sequential({below(), dense, Sequential({dense, Dense({.units = 3})})});
     },
     7},
    {"a layer that holds one",
     [] {
       const Layer each = TimeDistributed(Dense({.units = 3}));
       return Sequential({below(), each, Sequential({each})});
     },
     5},
    {"a model in two models",
     [] {
       const Layer part = Sequential({Dense({.units = 3}), Dropout({.rate = 0.3})});
       return Sequential({below(), Sequential({part}, "first"), Sequential({part}, "second")});
     },
     5},
    {"a cell in two layers",
     [] {
       const Layer its = cell("GRU", {{"units", 3}});
       return Sequential({below(), RNN(its, {.return_sequences = true}),
                          RNN(its, {.return_sequences = true, .go_backwards = true})});
     },
     6},
    {"a cell above itself",
     [] {
       const Layer its = cell("SimpleRNN", {{"units", 3}});
       return Sequential({below(), RNN({its, its, its}, {.return_sequences = true})});
     },
     6, 2},
    {"a cell in layers that keep their states",
     [] {
       const Layer its = cell("LSTM", {{"units", 3}});
       const RNNOptions options{.return_sequences = true, .stateful = true};
       return Sequential({below(), RNN(its, options), RNN(its, options)});
     },
     6},
    {"a layer that counts",
     [] {
       const Layer noise = Dropout({.rate = 0.4, .seed = 3});
       return Sequential({below(), TimeDistributed(noise), TimeDistributed(noise)});
     },
     3},
    {"a layer that keeps averages",
     [] {
       const Layer norm = BatchNormalization();
       return Sequential({below(), TimeDistributed(norm), TimeDistributed(norm)});
     },
     7},
    {"a frozen layer",
     [] {
       const Layer dense = Dense({.units = 3});
       Sequential model({below(), TimeDistributed(dense), TimeDistributed(dense)});
       dense.set_trainable(false);
       return model;
     },
     5},
    {"two at once",
     [] {
       const Layer a = Dense({.units = 3, .name = "a"}), b = Dense({.units = 3, .name = "b"});
       return Sequential({below(), TimeDistributed(a), TimeDistributed(b), TimeDistributed(b),
                          TimeDistributed(a)});
     },
     7, 2},
    {"a layer that a function calls twice",
     [] {
       const Layer dense = Dense({.units = 3}), lstm = below();
       return Model([=](const Tensors& in) { return dense(tanh(dense(lstm(in[0])))); });
     },
     5, 0},
};

std::size_t count_of(const string& text, const string& part) {
  std::size_t n = 0;
  for (std::size_t at = text.find(part); at != string::npos; at = text.find(part, at + 1)) ++n;
  return n;
}

string bytes_of(const string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace

// In the file, too, it is one layer: saved once, updated once.
BOOST_AUTO_TEST_CASE(a_layer_that_is_held_twice_is_one_layer_in_the_file) {
  const string path = in_folder("twice.safetensors"), weights = in_folder("twice_w.safetensors"),
               copy = in_folder("twice_copy.safetensors");
  const Tensor x = random_normal({8, 4, 3}, 0, 1, float32, 1),
               y = random_normal({8, 4, 3}, 0, 1, float32, 2);
  for (const HeldTwice& c : held_twice) BOOST_TEST_CONTEXT(c.what) {
      const auto made = [&] {
        Model model = c.made();
        model.compile({.optimizer = Adam({.learning_rate = 0.01}), .loss = "mse"});
        model.build({{-1, 4, 3}});
        return model;
      };
      const auto fit = [&](Model& model, int from, int to) {
        return model.fit(
            x, y, {.batch_size = 4, .epochs = to, .initial_epoch = from, .verbose = 0})["loss"];
      };
      set_seed(3);
      Model straight = made();
      fit(straight, 0, 2);
      straight.save(path);
      straight.save_weights(weights);
      const auto losses = fit(straight, 2, 4);
      const Tensor said = straight.predict(x, {.batch_size = 4});
      BOOST_TEST(straight.weights().size() == c.weights);
      BOOST_TEST(count_of(bytes_of(path), R"(\"again\")") == c.again);

      Model of_weights = made(), resumed = made();  // of other numbers
      of_weights.load_weights(weights);
      const std::map<string, Tensor> in_file = load_tensors(weights);
      BOOST_REQUIRE(in_file.size() == c.weights);
      for (const auto& [name, value] : of_weights.named_weights())
        check_same(name, value, in_file.at(name));

      resumed.load(path);
      std::vector<Model> others{resumed};
      if (straight.is_sequential()) others.push_back(load_model(path));
      for (Model& other : others) {
        BOOST_TEST(other.trainable_weights().size() == straight.trainable_weights().size());
        other.save(copy);
        BOOST_TEST((bytes_of(copy) == bytes_of(path)));
        BOOST_TEST(fit(other, 2, 4) == losses, boost::test_tools::per_element());
        check_equal_weights(straight, other);
        check_same("predicted", other.predict(x, {.batch_size = 4}), said);
      }
    }
}

BOOST_AUTO_TEST_CASE(one_layer_held_twice_is_not_two_of_one_kind) {
  const string path = in_folder("twice.safetensors");
  const auto made = [](bool twice) {
    const Layer first = Dense({.units = 3}), second = Dense({.units = 3});
    Sequential model(
        {TimeDistributed(first), TimeDistributed(twice ? first : second, {.name = "second"})});
    model.build({{-1, 4, 3}});
    return model;
  };
  for (const bool twice : {false, true}) {
    made(twice).save(path);
    Sequential other = made(!twice);
    const Tensor before = other.predict(ones({1, 4, 3}));
    const string text = error_of<FormatError>([&] { other.load(path); });
    check_error(text, "nothing was changed\n  different   second.layer: kind  " +
                          string(twice ? R"("again" in the file, "layer" in the model)"
                                       : R"("layer" in the file, "again" in the model)"));
    check_same("as before", other.predict(ones({1, 4, 3})), before);
  }
}
