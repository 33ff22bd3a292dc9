// SPDX-License-Identifier: Apache-2.0
// Plugins whose callbacks do what they must not: they leave the thread changed, call themselves,
// add at the wrong time, leave fields unset. Each is told so, and the process goes on.
#define BOOST_TEST_MODULE careless
#include <cfenv>
#include <cstring>
#include <filesystem>
#include <functional>
#include <limits>
#include <thread>

#include <tempo/tempo.hpp>

#include "plugin/description.hpp"
#include "plugin/registry.hpp"
#include "raw_layer.hpp"
#include "tensor/cpu.hpp"
#include "testing.hpp"

using namespace tempo;
using namespace tempo::testing;

namespace {

const tempo_host& host() { return sdk::host(); }
const std::string happened = "\n  This happened in call of raw (Raw).";

std::string said_by_call(const RawLayer& raw, const Tensor& x = ones({2, 3})) {
  const Layer layer = raw.make();
  return error_of([&] { layer(x); });
}

}  // namespace

// --- the thread is left as it was found

BOOST_AUTO_TEST_CASE(a_callback_that_leaves_recording_off_is_told_and_gradients_go_on) {
  RawLayer raw;
  raw.before_call = [](tempo_layer*, const tempo_call&) {
    host().recording(0, nullptr);
    return TEMPO_OK;
  };
  BOOST_TEST(said_by_call(raw) ==
             "it changed whether this thread remembers where values come from, and left it so: "
             "recording(0) is undone before a callback returns, or later gradients are 0." +
                 happened);
  const Tensor w = parameter(ones({2}));
  check_same("gradient", gradient(sum(w * w), {w})[0], full({2}, 2));
}

BOOST_AUTO_TEST_CASE(a_callback_that_fails_with_recording_off_keeps_its_own_words) {
  RawLayer raw;
  raw.build = [](tempo_layer*) {
    host().recording(0, nullptr);
    return host().fail(TEMPO_ERROR, "no licence");
  };
  BOOST_TEST(said_by_call(raw) == "no licence\n  This happened in build of raw (Raw).");
  const Tensor w = parameter(ones({2}));
  check_same("gradient", gradient(sum(w * w), {w})[0], full({2}, 2));
}

BOOST_AUTO_TEST_CASE(a_callback_that_changes_the_rounding_is_told_and_it_is_restored) {
  RawLayer raw;
  raw.before_call = [](tempo_layer*, const tempo_call&) {
    std::fesetround(FE_UPWARD);
    return TEMPO_OK;
  };
  BOOST_TEST(said_by_call(raw).starts_with("it changed the floating-point mode"));
  BOOST_TEST(std::fegetround() == FE_TONEAREST);
}

#if TEMPO_X86
BOOST_AUTO_TEST_CASE(a_callback_that_flushes_denormals_is_told_and_it_is_restored) {
  RawLayer raw;
  raw.create = [](tempo_layer*) {
    __builtin_ia32_ldmxcsr(__builtin_ia32_stmxcsr() | 0x8040);
    return TEMPO_OK;
  };
  BOOST_TEST(error_of([&] { raw.make(); }).starts_with("it changed the floating-point mode"));
  BOOST_TEST(!FlushDenormals::in_force());
}
#endif

// --- calls without an end

BOOST_AUTO_TEST_CASE(a_layer_that_makes_builds_or_calls_itself_is_told) {
  const char* const deep =
      "callbacks of layers call one another more than 100 deep; does one make, build or call "
      "itself?";
  RawLayer makes;
  makes.create = [&](tempo_layer*) {
    tempo_layer* another = nullptr;
    return host().make_layer_of(&makes.type, nullptr, 0, &another);
  };
  BOOST_TEST(error_of([&] { makes.make(); }).starts_with(deep));
  RawLayer calls;
  calls.before_call = [](tempo_layer* self, const tempo_call& call) {
    tempo_tensor* result = nullptr;
    tempo_results results{sizeof results, 1, 0, &result};
    return host().call_layer(self, &call, &results);
  };
  BOOST_TEST(said_by_call(calls).starts_with(deep));
  RawLayer builds;
  builds.build = [](tempo_layer* self) {
    const tempo_type type = sdk::to_abi(float32, {2, 3});
    const tempo_inputs inputs{sizeof inputs, 1, &type};
    return host().build_layer(self, &inputs);
  };
  BOOST_TEST(said_by_call(builds).starts_with("raw: it is called by its own build."));
  RawLayer holds;
  holds.create = [](tempo_layer* self) { return host().add_child(self, "me", self); };
  BOOST_TEST(error_of([&] {
               holds.make();
             }).starts_with("raw: child `me` holds it, so it cannot be a child of it."));
  check_same("the process goes on", RawLayer().make()(ones({2})), ones({2}));
}

// --- at the wrong time

BOOST_AUTO_TEST_CASE(what_a_layer_is_made_of_is_added_in_its_create_and_its_build) {
  const Tensor value = ones({3});
  const auto add_weight = [&](tempo_layer* self) {
    tempo_weight weight{};
    weight.size = sizeof weight;
    weight.trainable = 1;
    weight.name = "late";
    weight.value = value.handle();
    tempo_tensor* out = nullptr;
    const tempo_status status = host().add_weight(self, &weight, &out);
    host().release(out);
    return status;
  };
  RawLayer in_call;
  in_call.before_call = [&](tempo_layer* self, const tempo_call&) { return add_weight(self); };
  BOOST_TEST(said_by_call(in_call).starts_with(
      "raw: weight `late` is added outside of its build.\n  Weights that come later are in no file "
      "and no optimizer."));
  RawLayer in_create;
  in_create.create = add_weight;
  BOOST_TEST(error_of([&] {
               in_create.make();
             }).starts_with("raw: weight `late` is added outside of its build."));
  RawLayer in_build;
  in_build.build = add_weight;
  const Layer right = in_build.make();
  right(ones({2, 3}));
  BOOST_TEST(right.weights().size() == 1u);

  const Layer child = Dense({.units = 2});
  RawLayer adopts;
  adopts.before_call = [&](tempo_layer* self, const tempo_call&) {
    return host().add_child(self, "late", child.handle());
  };
  BOOST_TEST(
      said_by_call(adopts).starts_with("raw: child `late` is added when it is made already.\n"));
}

BOOST_AUTO_TEST_CASE(a_weight_of_whole_numbers_cannot_be_trained) {
  const Tensor whole = zeros({2}, int64);
  RawLayer raw;
  int32_t trainable = 1;
  raw.build = [&](tempo_layer* self) {
    tempo_weight weight{};
    weight.size = sizeof weight;
    weight.trainable = trainable;
    weight.name = "table";
    weight.value = whole.handle();
    tempo_tensor* out = nullptr;
    const tempo_status status = host().add_weight(self, &weight, &out);
    host().release(out);
    return status;
  };
  BOOST_TEST(said_by_call(raw) ==
             "raw: weight `table` is [2] int64, and optimizers change float32 and float64 alone.\n"
             "  Add it with .trainable = false.");
  trainable = 0;
  BOOST_TEST(said_by_call(raw) == "nothing was thrown");
}

// --- what is not said

BOOST_AUTO_TEST_CASE(fields_that_an_options_kind_does_not_have_are_not_read) {
  tempo_attribute units;
  std::memset(&units, 0x41, sizeof units);  // not zeroed, as is usual in C
  units.size = sizeof units;
  units.kind = TEMPO_INT64_VALUE;
  units.name = "units";
  units.integer = 3;
  tempo_layer* out = nullptr;
  BOOST_REQUIRE(host().make_layer(TEMPO_LAYER, "Dense", &units, 1, &out) == TEMPO_OK);
  const Layer dense(out);
  BOOST_TEST(dense(ones({2, 4})).shape() == (Shape{2, 3}));
  const tempo_attribute& kept = *sdk::given(dense, "units");
  BOOST_TEST(!kept.text);
  BOOST_TEST(!kept.list);
  BOOST_TEST(!kept.layer);
}

BOOST_AUTO_TEST_CASE(a_text_that_is_not_utf8_is_refused_before_a_file_has_to_hold_it) {
  BOOST_TEST(error_of([] {
               layer("Dense", {{"activation", "\xff"}});
             }) == "Dense: option `activation` is not UTF-8, which files hold.");
}

BOOST_AUTO_TEST_CASE(a_choice_is_one_of_them) {
  tempo_option mode{sizeof(tempo_option), TEMPO_OPTION_TEXT, "mode", "", "a", 0, 0, "a|b|c"};
  RawLayer raw;
  raw.type.options = &mode;
  raw.type.n_options = 1;
  for (const char* wrong : {"a|b", "|", "d"})
    BOOST_TEST(error_of([&] {
                 raw.make({{"mode", wrong}});
               }) ==
               std::string("Raw: option `mode` is \"") + wrong + "\"; it must be one of a|b|c.");
  BOOST_TEST(error_of([&] { raw.make({{"mode", "b"}}); }) == "nothing was thrown");
}

BOOST_AUTO_TEST_CASE(a_layer_is_built_for_an_input) {
  const Layer dense = Dense({.units = 1});
  BOOST_TEST(error_of([&] { dense.build({}); }) ==
             "dense: it is built without an input.\n  Give the shape of each: "
             "layer.build({{batch, features}}).");
  dense.build({{2, 3}});
  dense.build({});  // does nothing, as its weights are there
}

BOOST_AUTO_TEST_CASE(a_cells_states_begin_with_the_dtype_that_it_says) {
  RawLayer raw;
  tempo_dtype seen = TEMPO_AUTOMATIC;
  raw.as_cell();
  raw.state = [](tempo_type& state) { state.dtype = TEMPO_INT64; };
  raw.before_call = [&](tempo_layer*, const tempo_call& call) {
    tempo_view state{};
    state.size = sizeof state;
    host().view(call.states[0], &state);
    seen = state.type.dtype;
    return TEMPO_OK;
  };
  RNN(raw.make())(ones({1, 2, 3}));
  BOOST_TEST(seen == TEMPO_INT64);
}

BOOST_AUTO_TEST_CASE(a_gradient_through_an_op_without_one_is_an_error) {
  load_plugin(std::filesystem::canonical(TEMPO_TEST_PLUGINS).string() + "/raw.so");
  const sdk::Op op("raw_op");
  const Tensor w = parameter(ones({2}));
  BOOST_TEST(error_of<PluginError>([&] { gradient(sum(op(w)), {w}); }) ==
             "op raw_op of plugin `raw`: a gradient is asked for through it, and it has no vjp.\n"
             "  stop_gradient(x) says that none is to flow.");
  // Where none is asked for, it does not matter.
  check_same("beside it", gradient(sum(op(ones({2})) + w * w), {w})[0], full({2}, 2));
  check_same("stopped", gradient(sum(op(stop_gradient(w)) + w * w), {w})[0], full({2}, 2));
}

// --- what a function was given lives until it returns

namespace {

int destroyed = 0;

tempo_tensor* made_of(const Shape& shape) {
  const tempo_type type = sdk::to_abi(float32, shape);
  tempo_tensor* out = nullptr;
  sdk::check(host().make(&type, nullptr, &out));
  return out;
}
// Gives the only count of it back; what is made then may lie where it lay.
void let_go(tempo_tensor* t, Tensors& others) {
  host().release(t);
  for (int i = 0; i < 8; ++i) others.push_back(full({5}, 7));
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_layer_that_its_own_callback_lets_go_of_lives_until_the_function_returns) {
  for (const bool in_build : {true, false}) {
    RawLayer raw;
    int destroyed_inside = -1;
    destroyed = 0;
    raw.type.destroy = [](void*, void*) {
      ++destroyed;
      return tempo_status{TEMPO_OK};
    };
    const auto let_go_of = [&](tempo_layer* self) {
      host().release_layer(self);
      destroyed_inside = destroyed;
      return tempo_status{TEMPO_OK};
    };
    if (in_build) raw.build = let_go_of;
    if (!in_build)
      raw.before_call = [&](tempo_layer* self, const tempo_call&) { return let_go_of(self); };
    tempo_layer* layer = nullptr;
    sdk::check(host().make_layer_of(&raw.type, nullptr, 0, &layer));
    const Tensor x = ones({2, 3});
    tempo_tensor *in[] = {x.handle()}, *out[4] = {};
    const tempo_type type = sdk::to_abi(float32, {2, 3});
    const tempo_inputs inputs{sizeof inputs, 1, &type};
    tempo_call call{};
    call.size = sizeof call;
    call.n_inputs = 1;
    call.inputs = in;
    tempo_results results{sizeof results, 4, 0, out};
    sdk::check(in_build ? host().build_layer(layer, &inputs)
                        : host().call_layer(layer, &call, &results));
    host().release(out[0]);
    BOOST_TEST(destroyed_inside == 0);
    BOOST_TEST(destroyed == 1);
  }
}

BOOST_AUTO_TEST_CASE(an_input_that_the_callback_lets_go_of_lives_until_the_function_returns) {
  RawLayer raw;
  tempo_tensor *in[] = {made_of({2, 3})}, *out[4] = {};
  Tensors others;
  raw.before_call = [&](tempo_layer*, const tempo_call&) {
    let_go(in[0], others);
    return tempo_status{TEMPO_OK};
  };
  const Layer layer = raw.make();
  tempo_call call{};
  call.size = sizeof call;
  call.n_inputs = 1;
  call.inputs = in;
  tempo_results results{sizeof results, 4, 0, out};
  sdk::check(host().call_layer(layer.handle(), &call, &results));
  BOOST_TEST(Tensor(out[0]).shape() == (Shape{2, 3}));
}

BOOST_AUTO_TEST_CASE(a_state_that_the_step_lets_go_of_lives_until_the_scan_returns) {
  struct Given {
    tempo_tensor *sequence = made_of({2, 4, 3}), *state = made_of({2, 3});
    Tensors others;
  } given;
  tempo_tensor* out[1] = {};
  tempo_scan scan{};
  scan.size = sizeof scan;
  scan.n_sequences = scan.n_states = 1;
  scan.sequences = &given.sequence;
  scan.states = &given.state;
  scan.user = &given;
  scan.step = [](void* user, const tempo_step* step) {
    auto& its = *static_cast<Given*>(user);
    if (its.others.empty()) let_go(its.state, its.others);
    return host().retain(step->results[0] = step->states[0]);
  };
  BOOST_TEST(error_of([&] { sdk::check(host().scan(&scan, out)); }) == "nothing was thrown");
  if (out[0]) BOOST_TEST(Tensor(out[0]).shape() == (Shape{2, 3}));
  host().release(given.sequence);
}

// --- functions that are given for one call

namespace {

using Careless = std::function<tempo_status()>;

std::string said_by_scan(const Careless& careless, bool plain) {
  const Tensor x = ones({2, 4, 3}), h = ones({2, 3});
  tempo_tensor *sequence = x.handle(), *state = h.handle(), *out[1] = {};
  tempo_scan scan{};
  scan.size = sizeof scan;
  scan.n_sequences = scan.n_states = 1;
  scan.sequences = &sequence;
  scan.states = &state;
  scan.plain = plain;
  scan.user = const_cast<Careless*>(&careless);
  scan.step = [](void* user, const tempo_step* step) {
    host().retain(step->results[0] = step->states[0]);
    return (*static_cast<const Careless*>(user))();
  };
  const std::string said = error_of([&] { sdk::check(host().scan(&scan, out)); });
  host().release(out[0]);
  return said;
}

std::string said_by_rule(const Careless& careless) {
  const Tensor x = ones({2, 3});
  tempo_tensor *input = x.handle(), *out = nullptr;
  tempo_custom_gradient custom{};
  custom.size = sizeof custom;
  custom.value = x.handle();
  custom.n_inputs = 1;
  custom.inputs = &input;
  custom.user = const_cast<Careless*>(&careless);
  custom.rule = [](void* user, const tempo_rule* asked) {
    host().retain(asked->gradients[0] = asked->dy);
    return (*static_cast<const Careless*>(user))();
  };
  const std::string said = error_of([&] { sdk::check(host().custom_gradient(&custom, &out)); });
  host().release(out);
  return said;
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_step_or_a_rule_that_fails_without_words_gets_no_others) {
  const Careless without_words[] = {
      [] { return tempo_status{TEMPO_ERROR}; },
      [] { return host().fail(TEMPO_ERROR, ""); },
  };
  for (const Careless& careless : without_words) {
    (void)host().fail(TEMPO_ERROR, "an older failure");
    const std::string why = " failed without saying why (status 1).";
    for (const bool plain : {false, true})
      BOOST_TEST(said_by_scan(careless, plain) == "scan: the step" + why);
    BOOST_TEST(said_by_rule(careless) == "custom_gradient: the rule" + why);
  }
  const Careless with_words = [] { return host().fail(TEMPO_SHAPE_ERROR, "no licence"); };
  BOOST_TEST(said_by_scan(with_words, true) == "no licence");
  BOOST_TEST(said_by_rule(with_words) == "no licence");
}

BOOST_AUTO_TEST_CASE(a_step_or_a_rule_leaves_the_thread_as_it_was) {
  const auto rounds = [] {
    std::fesetround(FE_UPWARD);
    return tempo_status{TEMPO_OK};
  };
  const auto records_nothing = [] { return host().recording(0, nullptr); };
  for (const Careless& careless : {Careless(rounds), Careless(records_nothing)}) {
    for (const bool plain : {false, true})
      BOOST_TEST(said_by_scan(careless, plain).starts_with("it changed "));
    BOOST_TEST(said_by_rule(careless).starts_with("it changed "));
    BOOST_TEST(std::fegetround() == FE_TONEAREST);
    int32_t was_on = 0;
    host().recording(1, &was_on);
    BOOST_TEST(was_on == 1);
  }
}

// --- what a description must have

namespace {

struct Described {
  const char* how;
  std::function<void(tempo_layer_type& type, tempo_option& option)> change;
  const char* text;  // "" where it is taken
};
const double infinity = std::numeric_limits<double>::infinity();
const Described descriptions[] = {
    {"as it should be", [](auto&, auto&) {}, ""},
    {"with limits", [](auto&, auto& o) { o.at_least = 1, o.at_most = 9; }, ""},
    {"of a name with a dash", [](auto& t, auto&) { t.name = "My-Layer"; },
     "layer `My-Layer`: its name is not of 1 to 64 letters, digits and `_`, the first no digit.\n"
     "  A model that has it could be saved and not be loaded."},
    {"of a name with a dot", [](auto& t, auto&) { t.name = "vendor.Layer"; },
     "layer `vendor.Layer`: its name is not of"},
    {"of a name that is a path", [](auto& t, auto&) { t.name = "a/b"; },
     "layer `a/b`: its name is not of"},
    {"of a name that is not ASCII", [](auto& t, auto&) { t.name = "Löss"; },
     "layer `Löss`: its name is not of"},
    {"of a name of two lines", [](auto& t, auto&) { t.name = "A\nB"; },
     "layer `A\nB`: its name is not of"},
    {"of a name that is a number", [](auto& t, auto&) { t.name = "3D"; },
     "layer `3D`: its name is not of"},
    {"of a summary that is not UTF-8", [](auto& t, auto&) { t.summary = "\xff"; },
     "layer `Raw`: its summary is not UTF-8."},
    {"of a flag that nobody knows", [](auto& t, auto&) { t.flags = 1u << 20; },
     "layer `Raw`: it has a flag that this Tempo does not know."},
    {"of 4000 million options", [](auto& t, auto&) { t.n_options = 4000000000u; },
     "layer `Raw`: it has 4000000000 options; at most 1000 are possible."},
    {"of options that are not there", [](auto& t, auto&) { t.options = nullptr; },
     "layer `Raw`: it has no table of options, only their number."},
    {"of an option without a name", [](auto&, auto& o) { o.name = ""; },
     "layer `Raw`: its option `` has a name that is not of 1 to 64 letters, digits and `_`."},
    {"of an option of no kind", [](auto&, auto& o) { o.kind = 99; },
     "layer `Raw`: the description of option 0 is incomplete"},
    {"of options that would lie askew", [](auto&, auto& o) { o.size = sizeof o + 3; },
     "layer `Raw`: the description of option 0 is incomplete"},
    {"of limits that no number keeps", [](auto&, auto& o) { o.at_least = 10, o.at_most = 1; },
     "layer `Raw`: its option `size` must be at least 10.000000 and at most 1.000000, which no "
     "number is."},
    {"of limits that are no numbers",
     [](auto&, auto& o) { o.at_least = std::numeric_limits<double>::quiet_NaN(); },
     "layer `Raw`: its option `size` must be at least nan"},
    {"of a default that is no number", [](auto&, auto& o) { o.standard = "five"; },
     "layer `Raw`: its option `size` has the default `five`, which is none of its kind."},
    {"of a default that is no bool",
     [](auto&, auto& o) { o.kind = TEMPO_OPTION_BOOL, o.standard = "1"; },
     "layer `Raw`: its option `size` has the default `1`, which is none of its kind."},
    {"of numbers to choose from", [](auto&, auto& o) { o.choices = "1|2"; },
     "layer `Raw`: its option `size` has choices, and only texts can have them."},
    {"of a name that is a number", [](auto&, auto& o) { o.name = "name"; },
     "layer `Raw`: its option `name` must be a text, as Tempo reads it, too."},
    {"of a dtype that is a number", [](auto&, auto& o) { o.name = "dtype"; },
     "layer `Raw`: its option `dtype` must be a dtype, as Tempo reads it, too."},
    {"of a trainable that is a number", [](auto&, auto& o) { o.name = "trainable"; },
     "layer `Raw`: its option `trainable` must be a bool, as Tempo reads it, too."},
    {"of a seed that is a text",
     [](auto&, auto& o) { o.kind = TEMPO_OPTION_TEXT, o.name = "seed"; },
     "layer `Raw`: its option `seed` must be an integer, as Tempo reads it, too."},
    {"of states that a layer has not",
     [](auto& t, auto&) {
       t.states = [](void*, void*, tempo_layer*, const tempo_inputs*, tempo_result_types*) {
         return tempo_status{TEMPO_OK};
       };
     },
     "layer `Raw`: only a cell has states, initial and once."},
};

}  // namespace

BOOST_AUTO_TEST_CASE(a_description_is_whole_or_is_refused) {
  for (const Described& d : descriptions) BOOST_TEST_CONTEXT(d.how) {
      tempo_option option{sizeof(tempo_option),
                          TEMPO_OPTION_INT,
                          "size",
                          "Of it.",
                          "2",
                          -infinity,
                          infinity,
                          nullptr};
      RawLayer raw;
      raw.type.options = &option;
      raw.type.n_options = 1;
      d.change(raw.type, option);
      tempo_registry mine{"p", "1", "p.so", {}, {}};
      const Registering now(mine);
      const std::string text =
          error_of<PluginError>([&] { sdk::check(host().register_layer(&mine, &raw.type)); });
      const std::string expected =
          *d.text ? std::string("register_layer: ") + d.text : "nothing was thrown";
      BOOST_TEST(text.starts_with(expected), text << "\n  must begin with\n" << expected);
      BOOST_TEST(mine.layers.size() == (*d.text ? 0u : 1u));
    }
}

BOOST_AUTO_TEST_CASE(an_option_is_described_once) {
  const tempo_option options[] = {
      {sizeof(tempo_option), TEMPO_OPTION_INT, "size", "", "2", -infinity, infinity, nullptr},
      {sizeof(tempo_option), TEMPO_OPTION_REAL, "size", "", "2", -infinity, infinity, nullptr}};
  RawLayer raw;
  raw.type.options = options;
  raw.type.n_options = 2;
  BOOST_TEST(error_of([&] { raw.make(); }) ==
             "register_layer: layer `Raw`: its option `size` is described twice.");
}

BOOST_AUTO_TEST_CASE(an_op_has_64_inputs_and_results_at_most_and_no_flag_that_nobody_knows) {
  const auto said = [](uint32_t n_inputs, uint32_t n_results, uint32_t flags) {
    const auto does_nothing = [](void*, const tempo_op_call*) { return tempo_status{TEMPO_OK}; };
    const tempo_op_type op{sizeof op, n_inputs, n_results,    flags,        "wide",
                           "",        nullptr,  does_nothing, does_nothing, nullptr};
    tempo_registry mine{"p", "1", "p.so", {}, {}};
    const Registering now(mine);
    return error_of([&] { sdk::check(host().register_op(&mine, &op)); });
  };
  BOOST_TEST(said(4000000000u, 1, 0) ==
             "register_op: op `wide`: it takes 4000000000 inputs; at most 64 are possible.");
  BOOST_TEST(said(1, 65, 0) ==
             "register_op: op `wide`: it gives 65 results; at most 64 are possible.");
  BOOST_TEST(said(1, 1, 4) ==
             "register_op: op `wide`: it has a flag that this Tempo does not know.");
  BOOST_TEST(said(64, 64, 0) == "nothing was thrown");
}

BOOST_AUTO_TEST_CASE(a_plugin_registers_during_its_init_and_on_its_thread) {
  const char* const not_now =
      "register_layer: this registry is not that of an init that runs on this thread.\n  A plugin "
      "registers during its init alone.";
  RawLayer raw;
  tempo_registry mine{"p", "1", "p.so", {}, {}};
  const auto said = [&] {
    return error_of([&] { sdk::check(host().register_layer(&mine, &raw.type)); });
  };
  BOOST_TEST(said() == not_now);
  {
    const Registering now(mine);
    std::string of_another;
    std::thread([&] { of_another = said(); }).join();
    BOOST_TEST(of_another == not_now);
    tempo_registry inner{"q", "1", "q.so", {}, {}};
    {
      const Registering of_another_plugin(inner);
      BOOST_TEST(said() == not_now);
    }
    BOOST_TEST(said() == "nothing was thrown");
  }
  BOOST_TEST(said() == not_now);
}

BOOST_AUTO_TEST_CASE(a_name_of_a_type_is_one_that_a_file_can_hold) {
  for (const char* name :
       {"A", "_", "lstm_2", "LayerOf64LettersAndNotOneMoreaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"})
    BOOST_TEST(is_plain_name(name) == (std::strlen(name) <= 64), name);
  for (const char* name : {"", "1a", "a b", "a.b", "a-b", "a/b", "ä"})
    BOOST_TEST(!is_plain_name(name), name);
}

BOOST_AUTO_TEST_CASE(layers_that_a_file_could_not_give_back_are_not_saved) {
  const auto nested = [](int depth) {
    Layer inner = Dense({.units = 2});
    for (int i = 1; i < depth; ++i) inner = Sequential({inner});
    Sequential model({inner});
    model.build({{2, 3}});
    return model;
  };
  const std::string file =
      (std::filesystem::temp_directory_path() / "tempo_careless_test.safetensors").string();
  nested(16).save(file);
  BOOST_TEST(load_model(file)(ones({2, 3})).shape() == (Shape{2, 2}));
  BOOST_TEST(error_of([&] { nested(17).save(file); })
                 .find("lies in more than 15 layers, and a file holds 16 of them in one another at "
                       "most.") != std::string::npos);
  std::filesystem::remove(file);
}
