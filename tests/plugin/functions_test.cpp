// SPDX-License-Identifier: Apache-2.0
// What plugins add by name besides layers and ops; names that several plugins use; promised types;
// and extensions.
#define BOOST_TEST_MODULE functions
#include <filesystem>

#include <tempo/tempo.hpp>

#include "plugin/registry.hpp"
#include "plugins/rich.hpp"
#include "raw_layer.hpp"
#include "testing.hpp"

using namespace tempo;
using namespace tempo::testing;

namespace {

std::string plugin_file(const std::string& name) {
  return std::filesystem::canonical(TEMPO_TEST_PLUGINS).string() + "/" + name + ".so";
}

// Collects stderr while it lives.
class Heard {
 public:
  Heard() : before_(std::cerr.rdbuf(text_.rdbuf())) {}
  ~Heard() { std::cerr.rdbuf(before_); }
  std::string text() const { return text_.str(); }

 private:
  std::ostringstream text_;
  std::streambuf* before_;
};

std::string heard_at_load;
struct Loaded {
  Loaded() {
    const Heard heard;
    load_plugin(plugin_file("rich"));
    load_plugin(plugin_file("lean"));
    heard_at_load = heard.text();
  }
};
BOOST_TEST_GLOBAL_FIXTURE(Loaded);

const Tensor x = tensor<float>({-2, -1, 0, 0.5, 1, 3}, {2, 3});
Tensor swoosh(const Tensor& t, double beta = 1) { return t * sigmoid(beta * t); }

}  // namespace

// --- names

BOOST_AUTO_TEST_CASE(a_name_of_tempos_stays_tempos_and_loading_says_so) {
  const std::string rich = plugin_file("rich");
  BOOST_CHECK_EQUAL(heard_at_load,
                    "tempo: plugin " + rich +
                        ": its layer `Dense` has the name of one of Tempo's; it is found as "
                        "`org.rich.Dense` alone.\n"
                        "tempo: plugin " +
                        rich +
                        ": its activation `relu` has the name of one of Tempo's; it is found as "
                        "`org.rich.relu` alone.\n");
  check_same("theirs", layer("org.rich.Dense")(x), 2 * x);
  BOOST_TEST(layer("Dense", {{"units", 4}})(x).shape() == (Shape{2, 4}));
  BOOST_TEST(layer("tempo.Dense", {{"units", 4}})(x).shape() == (Shape{2, 4}));
  BOOST_TEST(Dense({.units = 4})(x).shape() == (Shape{2, 4}));
  check_same("relu", Activation("relu")(x), relu(x));
  check_same("org.rich.relu", Activation("org.rich.relu")(x), 100 * x);
}

BOOST_AUTO_TEST_CASE(a_name_that_two_plugins_have_is_neithers) {
  BOOST_CHECK_EQUAL(error_of<PluginError>([] { layer("Promise"); }),
                    "the layer `Promise` is not one alone: the plugins `org.rich` and `lean` have "
                    "it.\n  Say which: `org.rich.Promise` or `lean.Promise`.");
  BOOST_CHECK_EQUAL(
      error_of([] { Activation("swoosh"); }),
      "the activation `swoosh` is not one alone: the plugins `org.rich` and `lean` have it.\n"
      "  Say which: `org.rich.swoosh` or `lean.swoosh`.");
  check_same("lean's", Activation("lean.swoosh")(x), 100 * x);
  BOOST_TEST(layer("Meter").type_name() == "Meter");
  BOOST_TEST(
      error_of([] { layer("lean.Meter"); }).starts_with("there is no layer named `lean.Meter`"));
  BOOST_TEST(error_of([] { layer("org.rich.Prommise"); }).find("lean.Promise") !=
             std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_plugin_that_comes_twice_is_refused_by_its_whole_names) {
  const std::string copy =
      (std::filesystem::temp_directory_path() / ("rich_" + std::to_string(getpid()) + ".so"))
          .string();
  std::filesystem::copy_file(plugin_file("rich"), copy);
  const std::string text = error_of<PluginError>([&] { load_plugin(copy); });
  std::filesystem::remove(copy);
  BOOST_TEST(text.find("the name of its layer `org.rich.Meter` is already taken by plugin "
                       "`org.rich` (" +
                       plugin_file("rich") + ").") != text.npos,
             text);
}

BOOST_AUTO_TEST_CASE(ops_are_found_by_both_names) {
  load_plugin(plugin_file("good"));
  const Tensor expected = sdk::Op("test_squash")(x);
  check_same("whole", sdk::Op("good.test_squash")(x), expected);
  check_same("tempo's", sdk::Op("tempo.tanh")(x), tanh(x));
  BOOST_TEST(
      error_of([] { sdk::Op("good.tanh"); }).starts_with("there is no op named `good.tanh`"));
  BOOST_TEST(error_of([] { sdk::Op("tempo.test_squash"); }) != "");
  BOOST_TEST(error_of([] {
               sdk::Op("test_squash")(ones({2}, int64));
             }).starts_with("good.test_squash: needs float32 or float64"));
}

// --- functions

BOOST_AUTO_TEST_CASE(an_activation_of_a_plugin_is_one_like_others) {
  check_same("as it is", Activation("org.rich.swoosh")(x), swoosh(x));
  check_same("named", Activation("org.rich.swoosh(beta=2)")(x), swoosh(x, 2));
  check_same("in order", Activation("org.rich.swoosh(2, 2)")(x), pow(swoosh(x, 2), 2));
  check_same("words", Activation("org.rich.swoosh(mode=double, negative=true)")(x),
             -(2 * swoosh(x)));
  const Layer dense = Dense({.units = 3, .activation = "org.rich.swoosh(beta=2)"});
  const Tensor y = dense(x);
  check_same("in a layer", y, swoosh(matmul(x, dense.weights()[0]) + dense.weights()[1], 2));
  const Layer rnn = SimpleRNN({.units = 3, .activation = "org.rich.swoosh"});
  const Tensor sequence = random_normal({2, 4, 3}, 0, 1, float32, 3);
  check_close("in a step", rnn(sequence), rnn(sequence), 0);
  BOOST_TEST(
      gradcheck(Activation("org.rich.swoosh"), {random_normal({2, 3}, 0, 1, float64, 5)}).passed());
  BOOST_TEST(explain(rnn, {2, 4, 3}).find("sigmoid") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(arguments_that_do_not_fit_are_named) {
  const std::pair<const char*, const char*> cases[] = {
      {"org.rich.swoosh(beta=-1)",
       "activation `org.rich.swoosh(beta=-1)`: `beta` is `-1`; it must be within [0, inf]."},
      {"org.rich.swoosh(power=1.5)",
       "activation `org.rich.swoosh(power=1.5)`: `power` is `1.5`; it must be an integer."},
      {"org.rich.swoosh(beta=fast)",
       "activation `org.rich.swoosh(beta=fast)`: `beta` is `fast`; it must be a number."},
      {"org.rich.swoosh(negative=2)",
       "activation `org.rich.swoosh(negative=2)`: `negative` is `2`; it must be true or false."},
      {"org.rich.swoosh(mode=triple)",
       "activation `org.rich.swoosh(mode=triple)`: `mode` is `triple`; it must be one of "
       "plain|double."},
      {"org.rich.swoosh(betta=1)",
       "activation `org.rich.swoosh(betta=1)`: it has no option `betta`"},
      {"org.rich.swoosh(1, 1, true, plain, 9)",
       "activation `org.rich.swoosh(1, 1, true, plain, 9)`: it has too many arguments."},
      {"org.rich.swoosh(1, beta=2)",
       "activation `org.rich.swoosh(1, beta=2)`: `beta` is given twice."},
      {"org.rich.swosh",
       "activation `org.rich.swosh`: there is none by that name; did you mean `org.rich.swoosh`?"},
  };
  for (const auto& [given, text] : cases) BOOST_TEST_CONTEXT(given) {
      const std::string got = error_of([&, given = given] { Activation a(given); });
      BOOST_TEST(got.starts_with(text), got);
    }
}

BOOST_AUTO_TEST_CASE(an_initializer_of_a_plugin_makes_weights) {
  const Tensor expected = tensor<float>({0, 2, 0, 2, 0, 2}, {2, 3});
  check_same("alone", Initializer("stripes")({2, 3}), expected);
  check_same("with arguments", Initializer("org.rich.stripes(high=5)")({2, 2}, float64),
             tensor<double>({0, 5, 0, 5}, {2, 2}, float64));
  const Layer dense = Dense({.units = 3, .kernel_initializer = "org.rich.stripes"});
  dense.build({{1, 2}});
  check_same("in a layer", dense.weights()[0], expected);
  const auto drawn = [](const char* text) { return Initializer(text)({4}); };
  check_same("of a seed", drawn("stripes(high=-1, seed=3)"), drawn("stripes(high=-1, seed=3)"));
  BOOST_TEST((drawn("stripes(high=-1)").to_vector() != drawn("stripes(high=-1)").to_vector()));
  const std::string text = error_of([] { Dense({.units = 3, .kernel_initializer = "strips"}); });
  BOOST_TEST(text.find("org.rich.stripes") != text.npos, text);
}

BOOST_AUTO_TEST_CASE(a_loss_and_a_metric_of_a_plugin_train_and_are_saved) {
  const Tensor y = ones({4, 2}), p = full({4, 2}, 3.0);
  BOOST_TEST(Loss("quartic")(y, p).item() == 16);
  BOOST_TEST(Loss("org.rich.quartic(weight=0.5, reduction=sum)")(y, p).item() == 32);
  const Tensor weights = tensor<float>({1, 0, 0, 1}, {4});
  BOOST_TEST(Loss("quartic")(y, p, weights).item() == 8);
  BOOST_TEST(Loss("quartic").text() == "org.rich.quartic(weight=1, reduction=sum_over_batch_size)");
  BOOST_TEST(Loss("quartic").name() == "org.rich.quartic");

  Metric within("org.rich.within(weight=2.5)");
  within.update(y, concat({full({2, 2}, 2.0), full({2, 2}, 9.0)}, 0));
  BOOST_TEST(within.result() == 0.5);
  BOOST_TEST((within.higher_is_better() == true));
  Metric as_metric("quartic");
  as_metric.update(y, p);
  BOOST_TEST(as_metric.result() == 16);
  BOOST_TEST(error_of([] { Loss("quartik"); }).find("org.rich.quartic") != std::string::npos);
  BOOST_TEST(error_of([] { Metric("withinn"); }).find("org.rich.within") != std::string::npos);

  const std::string path =
      (std::filesystem::temp_directory_path() / ("functions_" + std::to_string(getpid()))).string();
  set_seed(3);
  Sequential model({Dense({.units = 2, .activation = "org.rich.swoosh"})});
  model.compile({.optimizer = "heavy(learning_rate=0.01, momentum=0.5)",
                 .loss = "quartic",
                 .metrics = {"org.rich.within"}});
  const Tensor in = random_normal({16, 3}, 0, 1, float32, 1), out = 0.5 * slice(in, 1, 0, 2);
  const History first = model.fit(in, out, {.epochs = 30, .verbose = 0});
  BOOST_TEST(first["loss"].back() < 0.5 * first["loss"].front());
  BOOST_TEST(first.contains("org.rich.within"));
  model.save(path);
  Sequential loaded = load_model(path);
  std::filesystem::remove(path);
  BOOST_TEST(loaded.optimizer().text() == model.optimizer().text());
  BOOST_TEST(loaded.optimizer().iterations() == model.optimizer().iterations());
  const auto more = [&](Sequential& of) { return of.fit(in, out, {.epochs = 3, .verbose = 0}); };
  const History a = more(model), b = more(loaded);
  BOOST_TEST(a["loss"] == b["loss"], boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(an_optimizer_of_a_plugin_is_its_formula) {
  const Tensor w = parameter(tensor<float>({1, 2}, {2}));
  Optimizer heavy("org.rich.heavy(learning_rate=0.1, momentum=0.5, weight_decay=0)");
  BOOST_TEST(heavy.name() == "org.rich.heavy");
  heavy.step({w}, {ones({2})});
  check_close("first", w, tensor<float>({0.9f, 1.9f}, {2}), 1e-6);
  heavy.step({w}, {ones({2})});
  check_close("second", w, tensor<float>({0.75f, 1.75f}, {2}), 1e-6);
  for (const auto& [name, value] : heavy.state())
    if (name == "0/count") check_same("the number of each update", value, full({2}, 3.0));
  Optimizer again(heavy.text());
  again.restore(heavy.state());
  BOOST_TEST(again.iterations() == 2);
  BOOST_CHECK_EQUAL(error_of([] { Optimizer("heavy(momentum=2)"); }),
                    "optimizer `heavy(momentum=2)`: `momentum` is `2`; it must be within [0, 1].");
  BOOST_TEST(error_of([] { Optimizer("heavy(clip=2)"); }).find("it has no option `clip`") !=
             std::string::npos);
  BOOST_TEST(error_of([] { Optimizer("hevy"); }).find("org.rich.heavy") != std::string::npos);
  Optimizer shrinks("shrinks");
  BOOST_CHECK_EQUAL(error_of<PluginError>([&] { shrinks.step({w}, {ones({2})}); }),
                    "optimizer org.rich.shrinks: of a weight [2] float32 it makes one of [] "
                    "float32.");
}

BOOST_AUTO_TEST_CASE(descriptions_of_functions_that_are_wrong_are_refused) {
  struct Case {
    uint32_t kind;
    void (*change)(tempo_function_type& type, tempo_option& option);
    const char* text;
  };
  const Case cases[] = {
      {5, [](auto&, auto&) {}, "register_type: there is no kind with the number 5."},
      {TEMPO_LOSS, [](auto& t, auto&) { t.size = 56; },
       "register_type: the description is incomplete (size, name, summary or call)."},
      {TEMPO_LOSS, [](auto& t, auto&) { t.call = nullptr; },
       "register_type: the description is incomplete (size, name, summary or call)."},
      {TEMPO_LOSS, [](auto& t, auto&) { t.name = "my loss"; },
       "register_type: loss `my loss`: its name is not of 1 to 64 letters"},
      {TEMPO_LOSS, [](auto&, auto& o) { o.kind = TEMPO_OPTION_LAYER; },
       "register_type: loss `f`: its option `beta` is neither an integer, a number"},
      {TEMPO_LOSS, [](auto&, auto& o) { o.kind = TEMPO_OPTION_TEXT, o.name = "reduction"; },
       "register_type: loss `f`: its option `reduction` is one that Tempo reads itself."},
      {TEMPO_OPTIMIZER, [](auto&, auto& o) { o.name = "learning_rate"; },
       "register_type: optimizer `f`: its option `learning_rate` is one that Tempo reads itself."},
      {TEMPO_LOSS, [](auto& t, auto&) { t.slots = "m"; },
       "register_type: loss `f`: only an optimizer has slots."},
      {TEMPO_OPTIMIZER, [](auto& t, auto&) { t.slots = "m|v|m"; },
       "register_type: optimizer `f`: its slots `m|v|m` are not names"},
      {TEMPO_LOSS, [](auto& t, auto&) { t.flags = 1; },
       "register_type: loss `f`: it has a flag that this Tempo does not know."},
      {TEMPO_METRIC, [](auto& t, auto&) { t.reserved = 1; },
       "register_type: metric `f`: it has a flag that this Tempo does not know."},
  };
  for (const Case& c : cases) BOOST_TEST_CONTEXT(c.text) {
      tempo_option option{sizeof option, TEMPO_OPTION_REAL, "beta", "Of it.", "1", 0, 2, nullptr};
      tempo_function_type type{};
      type.size = sizeof type;
      type.n_options = 1;
      type.name = "f";
      type.summary = "";
      type.options = &option;
      type.call = [](void*, const tempo_function_call*) { return tempo_status{TEMPO_OK}; };
      c.change(type, option);
      tempo_registry mine{"p", "1", "p.so", {}, {}};
      const Registering now(mine);
      const std::string text =
          error_of([&] { sdk::check(sdk::host().register_type(&mine, c.kind, &type)); });
      BOOST_TEST(text.starts_with(c.text), text);
      BOOST_TEST(mine.functions.empty());
    }
}

// --- promised types

BOOST_AUTO_TEST_CASE(types_are_told_without_a_call) {
  BOOST_TEST(output_shapes(layer("org.rich.Promise"), {{2, 3}}).at(0) == (Shape{2, 6}));
  BOOST_TEST(output_shapes(layer("org.rich.Promise", {{"more", 1}}), {{2, 3}}).at(0) ==
             (Shape{2, 7}));
  // layers that promise nothing are called on types alone
  BOOST_TEST(output_shapes(Dense({.units = 5}), {{2, 3}}).at(0) == (Shape{2, 5}));
  const Shapes lstm = output_shapes(LSTM({.units = 4, .return_state = true}), {{2, 1000000, 3}});
  BOOST_REQUIRE(lstm.size() == 3u);
  BOOST_TEST(lstm[0] == (Shape{2, 4}));
  BOOST_TEST(output_shapes(tempo::cell("LSTM", {{"units", 4}}), {{2, 3}}).at(0) == (Shape{2, 4}));
  BOOST_TEST(output_shapes(tempo::cell("LSTM", {{"units", 4}}), {{2, 3}}).size() == 1u);
}

BOOST_AUTO_TEST_CASE(a_summary_shows_a_promise_that_is_not_kept) {
  const auto summary = [](int more) {
    Sequential model({layer("org.rich.Promise", {{"more", more}}), Dense({.units = 1})});
    model(ones({2, 3}));
    return model.summary_text();
  };
  BOOST_TEST(summary(0).find("(None, 6) ") != std::string::npos, summary(0));
  BOOST_TEST(summary(0).find("as it says") == std::string::npos, summary(0));
  BOOST_TEST(summary(1).find("(None, 6), not (None, 7) as it says") != std::string::npos,
             summary(1));
}

// --- extensions

BOOST_AUTO_TEST_CASE(extensions_go_both_ways) {
  const auto* text = static_cast<const char*>(plugin_extension("org.rich", "rich.text/1"));
  BOOST_REQUIRE(text);
  BOOST_TEST(text == std::string("rich indeed"));
  BOOST_TEST(!plugin_extension("org.rich", "rich.text/2"));
  BOOST_TEST(!plugin_extension("lean", "rich.text/1"));
  BOOST_TEST(error_of([] { plugin_extension("nobodys", "a/1"); }) ==
             "plugin_extension: no plugin `nobodys` is loaded.");
  const auto* answer = static_cast<const int*>(layer("Meter").extension("rich.answer/1"));
  BOOST_REQUIRE(answer);
  BOOST_TEST(*answer == 42);
  BOOST_TEST(!layer("Meter").extension("rich.answer/2"));
  BOOST_TEST(!Dense({.units = 1}).extension("rich.answer/1"));
  BOOST_TEST(sdk::host().get_extension("tempo.check/1"));
  BOOST_TEST(!sdk::host().get_extension("tempo.check/2"));
  BOOST_TEST(!sdk::host().get_extension(nullptr));
}

// --- weights

BOOST_AUTO_TEST_CASE(a_weight_of_an_automatic_dtype_has_its_layers) {
  RawLayer raw;
  raw.build = [](tempo_layer* self) {
    const tempo_type type = sdk::to_abi(DType::automatic, {3});
    tempo_weight weight{};
    weight.size = sizeof weight;
    weight.trainable = 1;
    weight.name = "w";
    weight.type = &type;
    weight.initializer = "ones";
    tempo_tensor* out = nullptr;
    const tempo_status status = sdk::host().add_weight(self, &weight, &out);
    sdk::host().release(out);
    return status;
  };
  for (const DType dtype : {float32, float64}) {
    const Layer layer = raw.make({{"dtype", dtype}});
    layer(ones({2}, dtype));
    BOOST_TEST((layer.weights().at(0).dtype() == dtype), name_of(dtype));
  }
}
