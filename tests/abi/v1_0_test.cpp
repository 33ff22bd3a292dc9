// SPDX-License-Identifier: Apache-2.0
// Plugins built with the header of version 1.0 as it was released, in any way, load and run; so do
// those of a later header, whose structs and host table have more at their ends.
#define BOOST_TEST_MODULE v1_0
#include <dlfcn.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>

#include <tempo/tempo.hpp>

#include "testing.hpp"

using namespace tempo;
using namespace tempo::testing;

namespace {

const char* const builds[] = {TEMPO_V1_0_BUILDS};  // "", "_o0", "_lto", ...

std::string file_of(const std::string& name) {
  return std::filesystem::canonical(TEMPO_TEST_PLUGINS).string() + "/" + name + ".so";
}

struct Loaded {
  Loaded() {
    for (const std::string build : builds) {
      load_plugin(file_of("v1_0_everything" + build));
      load_plugin(file_of("v1_0_layers" + build));
    }
  }
};
BOOST_TEST_GLOBAL_FIXTURE(Loaded);

Sequential saved_and_loaded(const Model& model) {
  const std::string path =
      (std::filesystem::temp_directory_path() / ("v1_0_" + std::to_string(getpid()))).string();
  model.save(path);
  Sequential out = load_model(path);
  std::filesystem::remove(path);
  return out;
}

// Calls f for each build, with the plugin's name and its dot.
template <class F>
void for_each_build(const std::string& plugin, F&& f) {
  for (const std::string build : builds) BOOST_TEST_CONTEXT(plugin << build) {
      f(plugin + build + ".");
    }
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_cell_of_1_0_runs_trains_and_is_saved) {
  for_each_build("v1_0_everything", [](const std::string& its) {
    const Layer cell = tempo::cell(
        its + "Adder",
        {{"units", 2}, {"factor", 0.5}, {"activation", (its + "threefold(by=2)").c_str()}});
    const Layer rnn = RNN(cell, {.return_sequences = true});
    const Tensor x = ones({1, 3, 4});
    check_same("sums", rnn(x), tensor<float>({4, 4, 8, 8, 12, 12}, {1, 3, 2}));
    BOOST_TEST(output_shapes(cell, {{5, 4}}).at(0) == (Shape{5, 2}));
    BOOST_TEST(gradcheck(RNN(tempo::cell(its + "Adder")), {2, 3, 4}).passed());
    BOOST_TEST(error_of<ShapeError>([&] {
                 tempo::cell(its + "Adder").build({{1, 2, 3}});
               }).starts_with("needs [batch, features]"));

    Sequential model({RNN(tempo::cell(its + "Adder", {{"units", 3}})), Dense({.units = 1})});
    model.compile({.optimizer = its + "threefold(learning_rate=0.001)",
                   .loss = its + "threefold(by=0.5)",
                   .metrics = {its + "threefold"}});
    const Tensor y = zeros({1, 1});
    const History history = model.fit(x, y, {.epochs = 4, .verbose = 0});
    BOOST_TEST(history["loss"].back() < history["loss"].front());
    const Sequential loaded = saved_and_loaded(model);
    check_same("loaded", loaded(x), model(x));
    BOOST_TEST(loaded.optimizer().iterations() == 4);
  });
}

BOOST_AUTO_TEST_CASE(an_op_of_1_0_has_two_results_and_a_gradient) {
  for_each_build("v1_0_everything", [](const std::string& its) {
    for (const DType dtype : {float32, float64}) {
      const sdk::Op op((its + "both").c_str());
      const Tensor x = parameter(cast(tensor<float>({1, 2, 3}, {3}), dtype));
      tempo_tensor *in[] = {x.handle()}, *out[2] = {};
      op.run(in, 1, {}, out, 2);
      const Tensor twice(out[0]), squared(out[1]);
      check_same("twice", twice, 2 * x);
      check_same("squared", squared, square(x));
      check_same("gradient", gradient(sum(twice * 3) + sum(squared), {x})[0], 6 + 2 * x);
      check_same("of one", gradient(sum(squared), {x})[0], 2 * x);
    }
  });
}

BOOST_AUTO_TEST_CASE(functions_of_1_0_have_names) {
  for_each_build("v1_0_everything", [](const std::string& its) {
    const Tensor x = tensor<float>({-1, 2}, {1, 2});
    check_same("activation", Activation(its + "threefold")(x), 3 * x);
    check_same("initializer", Initializer(its + "threefold(by=7)")({2}), full({2}, 7.0));
    BOOST_TEST(Loss(its + "threefold")(x, zeros({1, 2})).item() == 9);
    BOOST_TEST((Metric(its + "threefold").higher_is_better() == false));
  });
}

BOOST_AUTO_TEST_CASE(layers_of_1_0_hold_others_and_scan) {
  for_each_build("v1_0_layers", [](const std::string& its) {
    const Tensor x = tensor<float>({1, 2, 3, 4}, {2, 2});
    const Layer round = layer(
        its + "Round", {{"inner", Dense({.units = 2, .kernel_initializer = "ones"}).handle()}});
    const Tensor expected = tensor<float>({4, 5, 10, 11}, {2, 2});
    check_same("round", round(x), expected);
    BOOST_TEST(output_shapes(round, {{7, 2}}).at(0) == (Shape{7, 2}));
    BOOST_TEST(round.children().size() == 1u);
    BOOST_TEST(error_of([&] { layer(its + "Round"); }).starts_with("Round: no layer is given"));
    BOOST_TEST(error_of([&] {
                 layer(its + "Round", {{"mode", "odd"}});
               }).find("plain|fancy") != std::string::npos);
    Sequential model({round});
    model(x, {.training = true});
    check_same("loaded", saved_and_loaded(model)(x), expected);

    const Tensor sequence = parameter(tensor<float>({1, 2, 3}, {1, 3, 1}));
    const Tensor sums = layer(its + "Sums")(sequence);
    check_same("sums", sums, tensor<float>({1, 3, 6}, {1, 3, 1}));
    check_same("gradient", gradient(sum(sums), {sequence})[0], full({1, 3, 1}, 3.0));
  });
}

BOOST_AUTO_TEST_CASE(extensions_of_1_0_are_found) {
  for (const std::string build : builds) {
    const auto* text =
        static_cast<const char*>(plugin_extension("v1_0_everything" + build, "v1_0.text/1"));
    BOOST_REQUIRE(text);
    BOOST_TEST(text == std::string("from 1.0"));
    const Layer round =
        layer("v1_0_layers" + build + ".Round", {{"inner", Dense({.units = 2}).handle()}});
    BOOST_REQUIRE(round.extension("v1_0.number/1"));
    BOOST_TEST(*static_cast<const int*>(round.extension("v1_0.number/1")) == 10);
  }
}

// --- a host of a later version gives a plugin of 1.0 structs with more at their ends

namespace {

template <class Struct>
struct Later {
  Struct base;
  uint64_t more[3] = {~uint64_t{0}, ~uint64_t{0}, ~uint64_t{0}};
  explicit Later(const Struct& from) : base(from) { base.size = sizeof *this; }
};

tempo_layer_type registered;  // by the plugin
tempo_status take(tempo_registry*, const tempo_layer_type* type) {
  registered = *type;
  static std::vector<tempo_option> options;  // the plugin's options lie on its stack
  for (uint32_t i = 0; i < type->n_options; ++i)
    options.push_back(*tempo_option_at(type->options, i));
  registered.options = options.data();
  return TEMPO_OK;
}

struct LaterHost {
  tempo_host base = sdk::host();
  tempo_status (*more[4])(void) = {};
  LaterHost() {
    base.size = sizeof *this;
    base.minor = 4;
    base.register_layer = &take;
    base.register_op = [](tempo_registry*, const tempo_op_type*) { return tempo_status{TEMPO_OK}; };
    base.register_type = [](tempo_registry*, uint32_t, const void*) {
      return tempo_status{TEMPO_OK};
    };
  }
};

tempo_status create(void*, tempo_layer* self, const tempo_creation* creation, void** instance) {
  std::vector<Later<tempo_attribute>> options;
  for (uint32_t i = 0; i < creation->n_options; ++i)
    options.emplace_back(*tempo_attribute_at(creation->options, i));
  Later<tempo_creation> later(*creation);
  later.base.options = options.empty() ? nullptr : &options[0].base;
  return registered.create(registered.user, self, &later.base, instance);
}
tempo_status build(void*, void* instance, tempo_layer* self, const tempo_inputs* inputs) {
  const Later<tempo_inputs> later(*inputs);
  return registered.build(registered.user, instance, self, &later.base);
}
tempo_status call(void*, void* instance, tempo_layer* self, const tempo_call* call,
                  tempo_results* results) {
  const Later<tempo_call> later(*call);
  Later<tempo_results> room(*results);
  const tempo_status status =
      registered.call(registered.user, instance, self, &later.base, &room.base);
  results->count = room.base.count;
  return status;
}
tempo_status states(void*, void* instance, tempo_layer* self, const tempo_inputs* inputs,
                    tempo_result_types* states) {
  const Later<tempo_inputs> later(*inputs);
  Later<tempo_result_types> room(*states);
  const tempo_status status =
      registered.states(registered.user, instance, self, &later.base, &room.base);
  states->count = room.base.count;
  return status;
}
tempo_status load(void*, void* instance, tempo_layer* self, const tempo_saved* saved) {
  std::vector<Later<tempo_attribute>> values;
  for (uint32_t i = 0; i < saved->n_values; ++i)
    values.emplace_back(*tempo_attribute_at(saved->values, i));
  Later<tempo_saved> later(*saved);
  later.base.values = values.empty() ? nullptr : &values[0].base;
  return registered.load(registered.user, instance, self, &later.base);
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_plugin_of_1_0_runs_in_a_later_host) {
  void* const library = dlopen(file_of("v1_0_everything_alone").c_str(), RTLD_NOW | RTLD_LOCAL);
  BOOST_REQUIRE(library);
  const auto entry =
      reinterpret_cast<decltype(&tempo_plugin_v1)>(dlsym(library, "tempo_plugin_v1"));
  BOOST_REQUIRE(entry);
  static const LaterHost host;
  BOOST_REQUIRE(entry()->init(entry()->user, &host.base, nullptr) == TEMPO_OK);
  BOOST_REQUIRE(registered.name == std::string("Adder"));

  static tempo_layer_type shim = registered;
  shim.create = &create;
  shim.build = &build;
  shim.call = &call;
  shim.states = shim.outputs = &states;
  shim.load = &load;
  const auto made = [] {
    const sdk::Attribute options[] = {{"units", 3}, {"factor", 0.5}, {"activation", "tanh"}};
    tempo_layer* out = nullptr;
    sdk::check(sdk::host().make_layer_of(&shim, &options[0].abi(), 3, &out));
    return RNN(Layer(out), {.return_sequences = true});
  };
  const Layer rnn = made();
  const Tensor x = ones({1, 2, 4});
  const double one = 0.5 * std::tanh(4.0);
  check_close("sums", rnn(x), tensor<double>({one, one, one, 2 * one, 2 * one, 2 * one}, {1, 2, 3}),
              1e-6);
  Sequential model({rnn, Dense({.units = 1})}), other({made(), Dense({.units = 1})});
  other(x);
  for (int i = 0; i < 3; ++i) model(x, {.training = true});
  const std::string path =
      (std::filesystem::temp_directory_path() / ("v1_0_" + std::to_string(getpid()))).string();
  model.save(path);
  other.load(path);  // puts back what it kept
  other.save(path);
  const Tensor kept = load_tensors(path).at("/count/rnn/adder/calls");
  std::filesystem::remove(path);
  BOOST_TEST(kept.item() == 3);
}

BOOST_AUTO_TEST_CASE(one_that_calls_a_later_function_is_refused_by_its_name) {
  const std::string text = error_of<PluginError>([] { load_plugin(file_of("later_needs")); });
  BOOST_TEST(
      text.find("it calls the host's function `grown` of version 1.1 of the plugin ABI or "
                "later, which this Tempo, of version 1.0, does not have.") != std::string::npos,
      text);
}
