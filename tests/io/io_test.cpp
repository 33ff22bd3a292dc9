// SPDX-License-Identifier: Apache-2.0
// Files and pictures: what is written is read back, and each wrong file has its
// error.
#define BOOST_TEST_MODULE io
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>

#include <tempo/tempo.hpp>
#include <tempo/xtensor.hpp>

#include "files.hpp"

using namespace tempo;
using namespace tempo::testing;
namespace fs = std::filesystem;
using std::string;

namespace {

// While one lives, an environment variable has another value.
struct Environment {
  Environment(const char* n, const string& value) : name(n) {
    if (const char* now = std::getenv(n)) before = now;
    ::setenv(n, value.c_str(), 1);
  }
  ~Environment() {
    if (before)
      ::setenv(name, before->c_str(), 1);
    else
      ::unsetenv(name);
  }
  const char* name;
  std::optional<string> before;
};

string safetensors(const string& header, const string& data = "") {
  return little_endian(header.size()) + header + data;
}

}  // namespace

// --- Tensors -------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(xtensor_arrays_become_tensors_and_come_back) {
  const xt::xarray<double> a = {{1, 2, 3}, {4, 5, 6}};
  const Tensor t = from_xtensor(xt::transpose(a));
  check_same("transposed", t, tensor<double>({1, 4, 2, 5, 3, 6}, {3, 2}, float64));
  BOOST_TEST((to_xtensor<double>(t) == xt::transpose(a)));
  check_same("bool", from_xtensor(a > 3),
             tensor<bool>({false, false, false, true, true, true}, {2, 3}));
}

BOOST_AUTO_TEST_CASE(tensors_are_printed_by_their_edges) {
  const auto printed = [](const Tensor& t) {
    std::ostringstream out;
    out << t;
    return out.str();
  };
  BOOST_TEST(printed(scalar(NAN)) == "nan  [] float32");
  BOOST_TEST(printed(tensor<double>({NAN, INFINITY, -INFINITY, 1}, {4}, float64)) ==
             "{nan, inf, -inf,  1.}  [4] float64");
  BOOST_TEST(printed(tensor<int64_t>({INT64_MIN, INT64_MAX}, {2})) ==
             "{-9223372036854775808,  9223372036854775807}  [2] int64");
  BOOST_TEST(printed(tensor<bool>({true, false}, {2, 1})) == "{{ true},\n {false}}  [2, 1] bool");
  BOOST_TEST(printed(zeros({3, 0})) == "empty [3, 0] float32");
  BOOST_TEST(printed(arange(0, 1001, 1, int32)) ==
             "{   0,    1,    2, ...,  998,  999, 1000}  [1001] int32");
  BOOST_TEST(printed(reshape(arange(0, 2000, 1, int32), {2, 1000})) ==
             "{{   0,    1,    2, ...,  997,  998,  999},\n"
             " {1000, 1001, 1002, ..., 1997, 1998, 1999}}  [2, 1000] int32");
  BOOST_TEST(printed(reshape(arange(0, 2000, 1, int32), {1000, 2})) ==
             "{{   0,    1},\n {   2,    3},\n {   4,    5},\n ..., \n {1994, 1995},\n"
             " {1996, 1997},\n {1998, 1999}}  [1000, 2] int32");
  // More elements than an int counts: only the edges of its pages are ever touched.
  const Tensor wide = zeros({(int64_t{1} << 31) + 8}, bool_);
  BOOST_TEST(printed(wide) == "{false, false, false, ..., false, false, false}  [2147483656] bool");
}

// --- Pictures ------------------------------------------------------------------------------------

namespace {

const std::vector<Curve> curves = {
    {"truth", tensor<float>({1, 2, 4}, {3})},
    {"forecast <&> it's", tensor<float>({1, 3}, {2, 1}), tensor<float>({1, 2}, {2})}};

// Makes a program called gnuplot that runs this script instead.
string pretender(const string& script) {
  const fs::path folder = in_folder("bin");
  fs::create_directories(folder);
  std::ofstream(folder / "gnuplot") << "#!/bin/sh\n" << script << '\n';
  fs::permissions(folder / "gnuplot", fs::perms::owner_all);
  return folder.string();
}

}  // namespace

BOOST_AUTO_TEST_CASE(pictures_are_complete_files_of_their_kind) {
  const string svg =
      plot(curves, in_folder("a.svg"), {.title = "A title", .x_label = "x", .y_label = "y"});
  BOOST_TEST(svg == in_folder("a.svg"));
  BOOST_TEST(read(svg).find("A title") != string::npos);
  BOOST_TEST(read(svg).find("forecast &lt;&amp;") != string::npos);
  const string odd = "it's `touch x`, $(touch x), \"@x\" %s {/Bold \\";
  const string quoted = read(plot(
      {{odd, tensor<float>({NAN, 1, INFINITY, 2}, {4})}, {"empty", zeros({0})}}, in_folder("b.svg"),
      {.title = odd + "\nsystem 'touch x'\x01", .x_label = odd, .y_label = odd}));
  BOOST_TEST(quoted.find("`touch x`, $(touch x), ") != string::npos);
  BOOST_TEST(quoted.find("{/Bold \\ system ") != string::npos);
  BOOST_TEST(!fs::exists("x"));
  const string png = plot(curves, in_folder("a.png"));
  BOOST_TEST(read(png).starts_with("\x89PNG"));

  History history({.epochs = 3});
  for (int epoch = 0; epoch < 3; ++epoch)
    history.add(epoch, Logs{{"loss", std::pow(0.1, epoch)}, {"val_loss", 1.0}});
  BOOST_TEST(read(plot(history, in_folder("h.svg"))).find("val_loss") != string::npos);
}

BOOST_AUTO_TEST_CASE(whatever_fit_recorded_is_drawn_by_epoch) {
  const auto recorded = [](double rate) {
    History history({.epochs = 3});
    for (int epoch = 0; epoch < 3; ++epoch)
      history.add(epoch, Logs{{"loss", std::pow(rate, epoch)},
                              {"accuracy", 1 - std::pow(rate, epoch)},
                              {"recall", 0.5},
                              {"val_accuracy", 0.25}});
    return history;
  };
  const History history = recorded(0.5);
  const string one = read(plot(history, {"accuracy"}, in_folder("one.svg")));
  for (const char* name : {">accuracy<", ">val_accuracy<", ">epoch<"})
    BOOST_TEST(one.find(name) != string::npos, name);
  BOOST_TEST(one.find(">loss<") == string::npos);
  const string two =
      read(plot(history, {"accuracy", "recall"}, in_folder("two.svg"), {.y_label = "share"}));
  for (const char* name : {">accuracy<", ">val_accuracy<", ">recall<", ">share<"})
    BOOST_TEST(two.find(name) != string::npos, name);
  const string several = read(plot({{"LSTM", history}, {"GRU", recorded(0.1)}}, "val_accuracy",
                                   in_folder("several.svg"), {.title = "Two of them"}));
  for (const char* name : {">LSTM<", ">GRU<", ">val_accuracy<", ">Two of them<"})
    BOOST_TEST(several.find(name) != string::npos, name);

  History gaps({.epochs = 4});  // as with .validation_freq = 2
  for (int epoch = 0; epoch < 4; ++epoch)
    gaps.add(epoch, epoch % 2 ? Logs{{"loss", 1}, {"val_loss", 2}} : Logs{{"loss", 1}});
  BOOST_TEST(read(plot(gaps, in_folder("gaps.svg"))).find(">val_loss<") != string::npos);

  check_error(error_of([&] { plot(history, {"precision"}, in_folder("p.svg")); }), "precision");
  check_error(error_of([&] {
                plot({{"LSTM", history}, {"GRU", History()}}, "loss", in_folder("p.svg"));
              }),
              "plot: the History of \"GRU\" is empty: no epoch was run.");
  check_error(error_of([&] { plot(history, std::vector<string>{}, in_folder("p.svg")); }),
              "nothing to draw");
}

BOOST_AUTO_TEST_CASE(a_matrix_is_drawn_with_its_names_and_numbers) {
  const Tensor matrix = tensor<float>({12, 3, 0, 40, 7.25, 1e6}, {2, 3});
  const string svg = read(heat_map(matrix, in_folder("m.svg"),
                                   {.title = "Confusion",
                                    .x_label = "told",
                                    .y_label = "true",
                                    .rows = {"가 <a>", "나"},
                                    .columns = {"x", "y", "it's z"}}));
  for (const char* text : {">Confusion<", ">told<", ">true<", ">가 &lt;a><", ">나<", ">x<",
                           ">it's z<", ">12<", ">40<", ">7.25<", ">1e+06<"})
    BOOST_TEST(svg.find(text) != string::npos, text);
  // The first row lies above: SVG counts from there.
  BOOST_TEST(svg.find(">가 &lt;a><") < svg.find(">나<"));
  const auto colours = [](const string& picture, const string& colour) {
    int count = 0;
    for (std::size_t at = 0; (at = picture.find(colour, at)) != string::npos; ++at) ++count;
    return count;
  };
  const string plain = read(heat_map(matrix, in_folder("m.svg"), {.values = false, .high = 100}));
  BOOST_TEST(plain.find(">12<") == string::npos);
  BOOST_TEST(colours(plain, "rgb( 31,  78, 121)") >= 1);
  const string gap = read(heat_map(tensor<float>({NAN, 0.5}, {1, 2}), in_folder("m.svg")));
  BOOST_TEST(gap.find("nan") == string::npos);
  BOOST_TEST(gap.find(">0.50<") != string::npos);
  BOOST_TEST(gap.find("-0.5<") == string::npos);  // columns and rows are counted, not measured
  const string counts = read(heat_map(tensor<int32_t>({12345, 0}, {1, 2}), in_folder("m.svg")));
  BOOST_TEST(counts.find(">12345<") != string::npos);
  const string many = read(heat_map(full({2, 40}, 0.25), in_folder("m.svg")));
  BOOST_TEST(many.find(">0.25<") == string::npos);  // there is no room
  BOOST_TEST(read(heat_map(ones({30, 30}), in_folder("m.png"))).starts_with("\x89PNG"));

  check_error(error_of([&] {
                heat_map(ones({2, 2, 2}), in_folder("p.svg"));
              }),
              "heat_map: a matrix is [rows, columns], got [2, 2, 2] float32.\n  Of a batch");
  check_error(error_of([&] {
                heat_map(full({2, 2}, NAN), in_folder("p.svg"));
              }),
              "heat_map: nothing to draw: no value is finite.");
  check_error(error_of([&] { heat_map(matrix, in_folder("p.svg"), {.rows = {"a"}}); }),
              "heat_map: there are 2 rows, and 1 names of rows.");
  check_error(error_of([&] { heat_map(matrix, in_folder("p.svg"), {.low = 5, .high = 5}); }),
              "heat_map: .low is 5 and .high 5; low must lie below high.");
  check_error(error_of([&] { heat_map(matrix, in_folder("p.pdf")); }),
              "p.pdf: a picture's name ends in .svg or .png; \".pdf\" is not known");
  check_error(error_of([&] { heat_map(matrix, in_folder("p.svg"), {.width = 1}); }),
              "heat_map: a size of 1 x ");
}

BOOST_AUTO_TEST_CASE(a_picture_that_cannot_be_drawn_is_an_error_and_no_file) {
  const int files = files_in_folder();
  const auto none = [&] { return !fs::exists(in_folder("p.svg")) && files_in_folder() == files; };
  const auto drawn = [] { plot(curves, in_folder("p.svg")); };

  check_error(error_of([] { plot(curves, in_folder("p.pdf")); }),
              "a picture's name ends in .svg or .png; \".pdf\" is not known");
  check_error(error_of([] { plot(curves, in_folder("p")); }),
              "a picture's name ends in .svg or .png.");
  check_error(error_of([] { plot(std::vector<Curve>{}, in_folder("p.svg")); }), "nothing to draw");
  check_error(error_of([] {
                plot({{"a", full({2}, NAN)}}, in_folder("p.svg"));
              }),
              "no value is finite");
  check_error(error_of([] {
                plot({{"a", -ones({2})}}, in_folder("p.svg"), {.log_y = true});
              }),
              "above 0");
  check_error(error_of([] { plot(History(), in_folder("p.svg")); }), "this History is empty");
  check_error(error_of([] { plot(curves, in_folder("p.svg"), {.title = "caf\xe9"}); }),
              "picture: the text \"caf\\xe9\" is not UTF-8");
  check_error(error_of<ShapeError>([] {
                plot({{"a", zeros({2, 2})}}, in_folder("p.svg"));
              }),
              "the y of \"a\" is [2, 2] float32");
  check_error(error_of<ShapeError>([] {
                plot({{"a", zeros({2}), zeros({3})}}, in_folder("p.svg"));
              }),
              "\"a\" has 2 values in y and 3 in x");
  check_error(error_of([] { plot(curves, "/no/such/folder/p.svg"); }), "cannot be written");
  BOOST_TEST(none());
  {
    const Environment empty("PATH", "");
    check_error(error_of(drawn),
                "there is none on the PATH.\n  On Debian and Ubuntu: apt install gnuplot-nox");
    BOOST_TEST(none());
  }
  const string before = std::getenv("PATH");
  {
    const Environment path("PATH", pretender("echo no such terminal >&2; exit 1") + ":" + before);
    check_error(error_of(drawn), "gnuplot: it failed; it said:\nno such terminal");
  }
  {
    const Environment path("PATH", pretender("kill -9 $$") + ":" + before);
    check_error(error_of(drawn), "gnuplot: it failed (signal 9)");
  }
  {
    const Environment path("PATH", pretender("echo '<svg'") + ":" + before);
    check_error(error_of(drawn), "gnuplot ended without finishing");
  }
  BOOST_TEST(!fs::exists(in_folder("p.svg")));
}

// --- Models --------------------------------------------------------------------------------------

namespace {

struct DecayOptions {
  int units = 4;
  double rate = 0.1;
};
void describe(auto& option, DecayOptions& o) {
  option("units", o.units, "Size of the state.");
  option("rate", o.rate, "How fast the state is forgotten.");
}
struct DecayCell : Cell<DecayOptions> {
  using Cell::Cell;
  void build(Weights& add, const Shape& input) {
    kernel = add("kernel", {input.back(), options.units}, glorot_uniform());
  }
  Step step(const Tensor& x, const State& s) const {
    const Tensor next = (1 - options.rate) * s[0] + tanh(matmul(x, kernel));
    return {.output = next, .state = {next}};
  }
  Tensor kernel;
};

const LoadOptions with_decay = {.cells = {cell<DecayCell>("Decay")}};

Sequential a_bit_of_everything() {
  return Sequential(
      {LSTM({.units = 3, .return_sequences = true, .kernel_initializer = constant(0.1)}),
       Bidirectional(GRU({.units = 2, .return_sequences = true}), {.merge_mode = "sum"}),
       RNN(DecayCell({.units = 5, .rate = 0.3}), {.return_sequences = true}),
       Bidirectional(RNN(DecayCell({.units = 2}))), Dropout({.rate = 0.25, .seed = 3}),
       Dense({.units = 2, .activation = "tanh", .trainable = false}), Dense({.units = 1})},
      "everything");
}

Samples data() { return {randn({40, 6, 2}), randn({40, 1})}; }

}  // namespace

BOOST_AUTO_TEST_CASE(a_loaded_model_predicts_what_the_saved_one_did) {
  set_seed(1);
  const auto [x, y] = data();
  Sequential model = a_bit_of_everything();
  model.compile({.optimizer = RMSprop({.learning_rate = 0.01, .clipnorm = 1.0 / 3}),
                 .loss = "mae",
                 .metrics = {"mse"},
                 .weighted_metrics = {"mae"}});
  model.fit(x, y, {.epochs = 2, .verbose = 0});
  const string path = in_folder("model.safetensors");
  model.save(path);

  set_seed(99);  // random numbers do not matter
  const Sequential loaded = load_model(path, with_decay);
  check_same("prediction", loaded.predict(x), model.predict(x));
  BOOST_TEST(loaded.name() == "everything");
  BOOST_TEST(loaded.summary_text() == model.summary_text());
  BOOST_TEST(loaded.optimizer().text() == model.optimizer().text());
  BOOST_TEST(loaded.optimizer().iterations() == model.optimizer().iterations());
  BOOST_TEST(loaded.loss().text() == model.loss().text());
  BOOST_TEST(loaded.evaluate(x, y)["mse"] == model.evaluate(x, y)["mse"]);
  const Tensors a = model.weights(), b = loaded.weights();
  for (std::size_t i = 0; i < a.size(); ++i) {
    check_same(a[i].path(), b[i], a[i]);
    BOOST_TEST(a[i].path() == b[i].path());
  }
  BOOST_TEST(loaded.trainable_weights().size() == model.trainable_weights().size());

  const string again = in_folder("again.safetensors");
  loaded.save(again);
  BOOST_TEST((read(again) == read(path)));
}

BOOST_AUTO_TEST_CASE(a_float64_model_is_loaded_as_one_whatever_the_default_is) {
  set_default_dtype(float64);
  Sequential model({Bidirectional(LSTM({.units = 3})), RNN(DecayCell()), Dense({.units = 1})});
  model = Sequential({Bidirectional(LSTM({.units = 3, .return_sequences = true})), RNN(DecayCell()),
                      Dense({.units = 1})});
  const Tensor x = randn({4, 5, 2});
  const Tensor y = model.predict(x);
  set_default_dtype(float32);
  model.save(in_folder("f64.safetensors"));
  check_same("float64", load_model(in_folder("f64.safetensors"), with_decay).predict(x), y);
}

BOOST_AUTO_TEST_CASE(fit_goes_on_where_it_stopped) {
  const char* optimizers[] = {"adam", "adam(amsgrad=true, weight_decay=0.01)",
                              "sgd(momentum=0.9, nesterov=true)",
                              "rmsprop(centered=true, momentum=0.5)"};
  for (const char* text : optimizers) BOOST_TEST_CONTEXT(text) {
      const auto trained = [&](bool interrupted) {
        set_seed(4);
        const auto [x, y] = data();
        Sequential model({GRU({.units = 4}), Dense({.units = 1})});
        model.compile({.optimizer = text, .loss = "mse"});
        model.fit(x, y, {.epochs = 3, .seed = 7, .verbose = 0});
        if (interrupted) {
          model.save(in_folder("stopped.safetensors"));
          model = load_model(in_folder("stopped.safetensors"));
        }
        model.fit(x, y, {.epochs = 6, .seed = 7, .initial_epoch = 3, .verbose = 0});
        return model.predict(x);
      };
      check_same("resumed", trained(true), trained(false));
    }
}

BOOST_AUTO_TEST_CASE(fit_goes_on_with_the_random_numbers_it_had) {
  struct {
    const char* name;
    int64_t dropout, shuffle;
    int times;
  } const cases[] = {{"unseeded", -1, 7, 1},
                     {"seeded", 3, 7, 1},
                     {"a large seed", INT64_MAX, 7, 1},
                     {"stopped twice", 3, 7, 2},
                     {"unseeded order, too", -1, -1, 2}};
  for (const auto& c : cases) BOOST_TEST_CONTEXT(c.name) {
      const auto trained = [&](bool interrupted) {
        set_seed(4);
        const auto [x, y] = data();
        Sequential model({GRU({.units = 4}), Dropout({.rate = 0.4, .seed = c.dropout}),
                          Dense({.units = 1}), Dropout({.rate = 0.1, .seed = c.dropout})});
        model.compile({.optimizer = "adam", .loss = "mse"});
        model.fit(x, y, {.epochs = 2, .seed = c.shuffle, .verbose = 0});
        for (int i = 0; interrupted && i < c.times; ++i) {
          model.save(in_folder("stopped.safetensors"));
          set_seed(99);  // like another process
          randn({3});
          model = load_model(in_folder("stopped.safetensors"));
        }
        model.fit(x, y, {.epochs = 4, .seed = c.shuffle, .initial_epoch = 2, .verbose = 0});
        if (interrupted && c.times > 1) {
          model.save(in_folder("stopped.safetensors"));
          model = load_model(in_folder("stopped.safetensors"));
        }
        model.fit(x, y, {.epochs = 6, .seed = c.shuffle, .initial_epoch = 4, .verbose = 0});
        return model.predict(x);
      };
      check_same("resumed", trained(true), trained(false));
    }
}

BOOST_AUTO_TEST_CASE(a_model_that_never_trained_leaves_the_generator_alone) {
  Sequential model({Dense({.units = 2})});
  model.compile({.optimizer = "adam", .loss = "mse"});
  model.build({{-1, 3}});
  model.save(in_folder("fresh.safetensors"));
  const auto drawn = [&](int seed) {
    set_seed(seed);
    load_model(in_folder("fresh.safetensors"));
    return randn({4});
  };
  BOOST_TEST(max(abs(drawn(1) - drawn(2))).item() > 0.01);
}

BOOST_AUTO_TEST_CASE(a_model_that_was_neither_built_nor_compiled_is_saved_once_it_has_weights) {
  Sequential model({Dense({.units = 2})});
  check_error(
      error_of([&] { model.save(in_folder("none.safetensors")); }),
      "has no weights yet, so there is nothing to save.\n  They are made by the first call");
  model.build({{-1, 3}});
  model.save(in_folder("some.safetensors"));
  const Sequential loaded = load_model(in_folder("some.safetensors"));
  BOOST_TEST(!loaded.compiled());
  BOOST_TEST(loaded.count_params() == 8);
}

BOOST_AUTO_TEST_CASE(a_model_file_names_what_it_needs) {
  Sequential model = a_bit_of_everything();
  model.build({{-1, 6, 2}});
  const string path = in_folder("needs.safetensors");
  model.save(path);
  const Environment plugins("TEMPO_PLUGIN_PATH", TEMPO_TEST_PLUGINS);  // it is not searched
  const string text = error_of<PluginError>([&] { load_model(path); });
  check_error(text, path + ": there is no cell named `Decay`");
  check_error(text, "load_model(path, {.cells = {cell<MyCell>(\"My\")}})");

  const auto damaged = [&](const string& from, const string& to) {
    string content = read(path);
    uint64_t length = 0;
    std::memcpy(&length, content.data(), sizeof length);
    string header = content.substr(sizeof length, length);
    const std::size_t at = header.find(from);
    BOOST_REQUIRE(at != string::npos);
    header.replace(at, from.size(), to);
    const string other =
        write("damaged.safetensors", safetensors(header, content.substr(sizeof length + length)));
    return error_of([&] { load_model(other, with_decay); });
  };
  check_error(damaged(R"(\"type\":\"LSTM\")", R"(\"type\":\"LSTN\")"), "; did you mean `LSTM`?");
  check_error(damaged(R"(\"type\":\"LSTM\")", R"(\"type\":\"/../../x\")"),
              "cannot be the name of a layer");
  check_error(damaged(R"(\"units\":3)", R"(\"unit\":3)"), "; did you mean `units`?");
  check_error(damaged(R"(\"units\":3)", R"(\"units\":\"3\")"),
              "option `units` is an integer, got \"3\"");
  check_error(damaged(R"(\"units\":3)", R"(\"units\":4)"),
              "different   lstm/kernel  [2, 12] float32 in the file, [2, 16] float32 in the model");
  check_error(damaged(R"({\"version\":1)", R"({\"version\":2)"),
              "is of version 2 of Tempo's model files");
  check_error(damaged(R"({\"version\":1)", R"({\"wersion\":1)"),
              "its description of the model is damaged");
  check_error(damaged(R"({\"version\":1)", R"({\"version\":)"),
              "its description of the model is damaged");
}

BOOST_AUTO_TEST_CASE(a_model_made_from_a_function_saves_its_weights_and_not_the_function) {
  const auto made = [] {
    const Layer first = LSTM({.units = 3}), second = Dense({.units = 1});
    return Model({first, second}, [=](const Tensors& in) { return second(first(in[0])); });
  };
  const Tensor x = randn({4, 5, 2});
  Model model = made(), other = made();
  const Tensor y = model.predict(x);
  other.predict(x);
  const string path = in_folder("function.safetensors"), weights = in_folder("weights.safetensors");
  model.save(path);
  model.save_weights(weights);
  for (const string& file : {path, weights}) {
    other.load_weights(file);
    check_same("weights", other.predict(x), y);
  }
  check_error(error_of<FormatError>([&] { load_model(path); }),
              "its model was made from a function, which no file can hold");
  check_error(error_of<FormatError>([&] { load_model(weights); }),
              "it holds weights only, and no model");
  check_error(error_of([&] { made().load_weights(weights); }),
              "has no weights yet to load it into");
}

BOOST_AUTO_TEST_CASE(weights_that_do_not_fit_are_listed_and_change_nothing) {
  Sequential small({LSTM({.units = 3}), Dense({.units = 1, .name = "head"})});
  Sequential large({LSTM({.units = 4, .use_bias = false}), Dense({.units = 1})});
  const Tensor x = randn({4, 5, 2});
  const Tensor y = large.predict(x);
  small.predict(x);
  const string path = in_folder("small.safetensors");
  small.save_weights(path);
  BOOST_TEST(
      error_of<FormatError>([&] { large.load_weights(path); }) ==
      path +
          ": its weights are not those of sequential; nothing was changed\n"
          "  different   lstm/kernel  [2, 12] float32 in the file, [2, 16] float32 in the model\n"
          "  different   lstm/recurrent_kernel  [3, 12] float32 in the file, [4, 16] float32 in "
          "the model\n"
          "  missing     dense/kernel  [4, 1] float32\n"
          "  missing     dense/bias  [1] float32\n"
          "  unexpected  lstm/bias  [12] float32\n"
          "  unexpected  head/kernel  [3, 1] float32\n"
          "  unexpected  head/bias  [1] float32");
  check_same("as before", large.predict(x), y);
}
