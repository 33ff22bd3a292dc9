// SPDX-License-Identifier: Apache-2.0
// Plugins whose callbacks do what they must not: they leave the thread changed, call themselves,
// add at the wrong time, leave fields unset. Each gets an error, and the process goes on.
#define BOOST_TEST_MODULE careless
#include <cfenv>
#include <cstring>
#include <filesystem>
#include <functional>
#include <limits>
#include <stdexcept>
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

// --- while it is made, and when it is gone

namespace {

struct Use {
  const char* callback;  // the callback that leads to it
  tempo_status (*use)(tempo_layer* self);
};

// Arguments for the functions below, all as good as possible.
struct Asked {
  Tensor x = ones({2, 3}), h = ones({2, 2});
  tempo_tensor *in[1] = {x.handle()}, *state[1] = {h.handle()}, *out[4] = {};
  tempo_type type = sdk::to_abi(float32, {2, 3}), types[4] = {};
  tempo_inputs inputs{sizeof inputs, 1, &type};
  tempo_results results{sizeof results, 4, 0, out};
  tempo_result_types room{sizeof room, 4, 0, types};
  tempo_call call{};
  Asked() {
    call.size = sizeof call;
    call.n_inputs = call.n_states = 1;
    call.types = &type;
    call.inputs = in;
    call.states = state;
  }
};
const Use uses[] = {
    {"build",
     [](tempo_layer* self) {
       const Asked g;
       return host().build_layer(self, &g.inputs);
     }},
    {"build",
     [](tempo_layer* self) {
       Asked g;
       return host().call_layer(self, &g.call, &g.results);
     }},
    {"states",
     [](tempo_layer* self) {
       Asked g;
       return host().layer_states(self, &g.inputs, &g.room);
     }},
    {"build",
     [](tempo_layer* self) {
       Asked g;
       return host().layer_initial(self, &g.call, &g.results);
     }},
    {"build",
     [](tempo_layer* self) {
       Asked g;
       return host().layer_once(self, &g.call, &g.results);
     }},
    {"build",
     [](tempo_layer* self) {
       Asked g;
       return host().layer_outputs(self, &g.inputs, &g.room);
     }},
    {"reset", [](tempo_layer* self) { return host().reset_layer(self); }},
};

// The use that is tried, the layer that tries it, and its result in destroy.
const Use* tried = nullptr;
tempo_layer* its_self = nullptr;
int times_destroyed = 0;
std::string said_in_destroy;

void make_resettable_cell(RawLayer& raw) {
  raw.as_cell();
  raw.type.reset = [](void*, void* instance, tempo_layer*) {
    return instance ? tempo_status{TEMPO_OK} : host().fail(TEMPO_ERROR, "without an instance");
  };
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_layer_cannot_be_used_in_its_create) {
  for (const Use& use : uses) BOOST_TEST_CONTEXT(&use - uses) {
      RawLayer raw;
      make_resettable_cell(raw);
      raw.create = use.use;
      BOOST_TEST(error_of<PluginError>([&] { raw.make(); }) ==
                 std::string("raw (Raw): its ") + use.callback +
                     " is asked for in its create.\n  It can be used once it is made.");
    }
}

BOOST_AUTO_TEST_CASE(a_layer_cannot_be_used_in_its_destroy_and_is_destroyed_once) {
  for (const Use& use : uses) BOOST_TEST_CONTEXT(&use - uses) {
      RawLayer raw;
      make_resettable_cell(raw);
      tried = &use;
      times_destroyed = 0;
      raw.create = [](tempo_layer* self) {
        its_self = self;
        return tempo_status{TEMPO_OK};
      };
      raw.type.destroy = [](void*, void*) {
        if (++times_destroyed > 1) return tempo_status{TEMPO_ERROR};
        const tempo_status status = tried->use(its_self);
        said_in_destroy = status == TEMPO_OK ? "" : host().last_error(nullptr);
        return status;
      };
      raw.make();
      BOOST_TEST(times_destroyed == 1);
      BOOST_TEST(said_in_destroy == std::string("raw (Raw): its ") + use.callback +
                                        " is asked for in its destroy, when it is gone.");
    }
}

BOOST_AUTO_TEST_CASE(a_layer_that_is_held_or_added_to_in_its_destroy_is_destroyed_once) {
  static Layer child;
  child = Dense({.units = 2});
  RawLayer raw;
  times_destroyed = 0;
  raw.create = [](tempo_layer* self) {
    its_self = self;
    return tempo_status{TEMPO_OK};
  };
  raw.type.destroy = [](void*, void*) {
    if (++times_destroyed > 1) return tempo_status{TEMPO_ERROR};
    host().retain_layer(its_self);
    host().release_layer(its_self);
    const Layer borrowed = Layer::borrowed(its_self);
    return host().add_child(its_self, "late", child.handle());
  };
  raw.make();
  BOOST_TEST(times_destroyed == 1);
  child.set_trainable(false);  // it asks its holders; there are none
  BOOST_TEST(child.name() == "dense");
  child = Layer();
}

// --- a build that is undone

namespace {

// Adds a Dense of two units, as "inner", and builds it.
tempo_status add_inner(tempo_layer* self) {
  const Asked g;
  const Layer inner = Dense({.units = 2});
  const tempo_status status = host().add_child(self, "inner", inner.handle());
  return status == TEMPO_OK ? host().build_layer(inner.handle(), &g.inputs) : status;
}
std::vector<std::string> paths_of(const Tensors& weights) {
  std::vector<std::string> out;
  for (const Tensor& w : weights) out.push_back(w.path());
  return out;
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_build_that_is_tried_again_finds_nothing_of_the_first) {
  RawLayer raw;
  bool fails = true;
  const Layer of_create = Dense({.units = 1});
  raw.create = [&](tempo_layer* self) {
    return host().add_child(self, "of_create", of_create.handle());
  };
  raw.build = [&](tempo_layer* self) {
    const tempo_status status = add_inner(self);
    return status == TEMPO_OK && fails ? host().fail(TEMPO_ERROR, "no licence") : status;
  };
  const Layer layer = raw.make();
  BOOST_TEST(error_of([&] { layer(ones({2, 3})); }).starts_with("no licence"));
  BOOST_TEST(layer.weights().empty());
  fails = false;
  layer(ones({2, 3}));
  const std::vector<std::string> expected{"raw/inner/kernel", "raw/inner/bias"};
  BOOST_TEST(paths_of(layer.weights()) == expected, boost::test_tools::per_element());
  tempo_layer* child = nullptr;
  BOOST_TEST(host().layer_child(layer.handle(), 0, &child) == TEMPO_OK);
  BOOST_TEST(child == of_create.handle());
}

BOOST_AUTO_TEST_CASE(a_build_that_a_models_undoes_leaves_no_child) {
  RawLayer raw, other;
  bool fails = true;
  raw.build = &add_inner;
  other.build = [&](tempo_layer*) {
    return fails ? host().fail(TEMPO_ERROR, "no licence") : tempo_status{TEMPO_OK};
  };
  Sequential model({raw.make({{"name", "first"}}), other.make({{"name", "second"}})});
  BOOST_TEST(error_of([&] { model.build({{2, 3}}); }).starts_with("no licence"));
  fails = false;
  model.build({{2, 3}});
  const std::vector<std::string> expected{"first/inner/kernel", "first/inner/bias"};
  BOOST_TEST(paths_of(model.weights()) == expected, boost::test_tools::per_element());
}

// --- texts of a view

BOOST_AUTO_TEST_CASE(a_name_and_a_path_that_were_seen_can_be_read_after_a_layer_is_renamed) {
  for (const std::string before : {"a", "an_inner_layer_of_a_long_name"})
    BOOST_TEST_CONTEXT(before) {
      const Layer inner = Dense({.units = 2});
      RawLayer first, second;
      std::string name = before;
      first.create = second.create = [&](tempo_layer* self) {
        return host().add_child(self, name.c_str(), inner.handle());
      };
      Layer holder = first.make();
      inner(ones({1, 3}));
      tempo_layer_view layer{};
      layer.size = sizeof layer;
      sdk::check(host().view_layer(inner.handle(), &layer));
      tempo_view weight{};
      weight.size = sizeof weight;
      sdk::check(host().view(inner.weights()[0].handle(), &weight));
      BOOST_TEST(weight.path == "raw/" + before + "/kernel");
      holder = Layer();  // without it the path is shorter
      name = std::string(200, 'n');
      const Layer other = second.make();
      BOOST_TEST(inner.weights()[0].path() == "raw/" + name + "/kernel");
      const std::string shown = layer.name, path_shown = weight.path;
      BOOST_TEST((shown == before || shown == name), shown);
      BOOST_TEST((path_shown == before + "/kernel" || path_shown == "raw/" + name + "/kernel"),
                 path_shown);
    }
}

// --- error texts

BOOST_AUTO_TEST_CASE(a_failure_keeps_its_words_while_other_callbacks_run) {
  RawLayer inner;
  inner.type.destroy = [](void*, void*) { return host().fail(TEMPO_ERROR, "words of destroy"); };
  inner.type.get_extension = [](void*, const char*) -> const void* { return nullptr; };
  const std::pair<const char*, void (*)(tempo_layer * another)> between[] = {
      {"one is destroyed", [](tempo_layer*) {}},
      {"one is called",
       [](tempo_layer* another) {
         Asked g;
         g.call.n_states = 0;
         host().call_layer(another, &g.call, &g.results);
         host().release(g.out[0]);
       }},
      {"one is asked for what it has",
       [](tempo_layer* another) {
         const void* its = nullptr;
         host().layer_extension(another, "a/1", &its);
       }},
  };
  for (const auto& [how, run] : between) BOOST_TEST_CONTEXT(how) {
      RawLayer raw;
      raw.before_call = [&, run = run](tempo_layer*, const tempo_call&) {
        tempo_layer* another = nullptr;
        sdk::check(host().make_layer_of(&inner.type, nullptr, 0, &another));
        const tempo_status status = host().fail(TEMPO_SHAPE_ERROR, "no licence");
        run(another);
        host().release_layer(another);
        return status;
      };
      const Layer layer = raw.make();
      BOOST_TEST(error_of<ShapeError>([&] { layer(ones({2, 3})); }) == "no licence" + happened);
    }
}

// --- extensions of a type or a plugin

namespace {
const void* leaves_recording_off(void*, const char*) {
  host().recording(0, nullptr);
  return nullptr;
}
const void* asks_itself(void*, const char* id) {
  const void* its = nullptr;
  host().layer_extension(its_self, id, &its);
  return its;
}
const void* throws(void*, const char*) { throw std::runtime_error("no shelf"); }
const void* asks_its_plugin(void*, const char* id) { return plugin_extension("deep", id); }
}  // namespace

BOOST_AUTO_TEST_CASE(get_extension_is_a_callback_as_all_others) {
  const char* const left_off = "it changed whether this thread remembers where values come from";
  const auto said = [](decltype(tempo_layer_type::get_extension) get_extension) {
    RawLayer raw;
    raw.type.get_extension = get_extension;
    const Layer layer = raw.make();
    its_self = layer.handle();
    return error_of([&] { layer.extension("a/1"); });
  };
  BOOST_TEST(said(&leaves_recording_off).starts_with(left_off));
  BOOST_TEST(said(&asks_itself) == "nothing was thrown");
  BOOST_TEST(said(&throws) == "no shelf\n  This happened in get_extension of raw (Raw).");

  const auto said_by_plugin = [](const char* name, decltype(tempo_plugin::get_extension) its) {
    commit({name, "1", std::string(name) + ".so", {}, {}, {}, its, nullptr});
    return error_of([&] { plugin_extension(name, "a/1"); });
  };
  BOOST_TEST(said_by_plugin("off", &leaves_recording_off).starts_with(left_off));
  BOOST_TEST(said_by_plugin("shelfless", &throws) ==
             "no shelf\n  This happened in get_extension (plugin `shelfless`).");
  BOOST_TEST(said_by_plugin("deep", &asks_its_plugin).starts_with("callbacks of layers call one"));
  const Tensor w = parameter(ones({2}));
  check_same("gradient", gradient(sum(w * w), {w})[0], full({2}, 2));
}

// --- fields that are not set

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
  dense.build({});  // does nothing, because it is built
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
  // If no gradient is asked for, it does not matter.
  check_same("beside it", gradient(sum(op(ones({2})) + w * w), {w})[0], full({2}, 2));
  check_same("stopped", gradient(sum(op(stop_gradient(w)) + w * w), {w})[0], full({2}, 2));
}

// --- arguments of a function live until it returns

namespace {

int destroyed = 0;

tempo_tensor* made_of(const Shape& shape) {
  const tempo_type type = sdk::to_abi(float32, shape);
  tempo_tensor* out = nullptr;
  sdk::check(host().make(&type, nullptr, &out));
  return out;
}
// Releases the only count of t; a new tensor may then lie at its address.
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
  const char* text;  // "" if it is accepted
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
     "layer `Raw`: its option `` has a name that is not of 1 to 64 letters, digits and `_`, the "
     "first no digit."},
    {"of an option of no kind", [](auto&, auto& o) { o.kind = 99; },
     "layer `Raw`: the description of option 0 is incomplete"},
    {"of options that would lie askew", [](auto&, auto& o) { o.size = sizeof o + 3; },
     "layer `Raw`: the description of option 0 is incomplete"},
    {"of options that would lie too far off", [](auto&, auto& o) { o.size = 1u << 30; },
     "layer `Raw`: the description of option 0 says that it has 1073741824 bytes; at most 4096 are "
     "possible.\n  Its field `size` is set by whoever provides it."},
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
