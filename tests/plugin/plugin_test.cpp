// SPDX-License-Identifier: Apache-2.0
// Plugins: loading them, every way in which it fails, and what plugins can do wrong.
#define BOOST_TEST_MODULE plugin
#include <sys/wait.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <tempo/tempo.hpp>

#include "plugins/good.hpp"
#include "testing.hpp"

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

#if defined(__SANITIZE_ADDRESS__)
// g++ 12's LeakSanitizer crashes when it reads the thread-local variables of shared objects that
// were opened while threads ran ("Tracer caught signal 11"); valgrind finds nothing there.
extern "C" const char* __lsan_default_options();
extern "C" const char* __lsan_default_options() { return "use_tls=0"; }
// glibc keeps globally what it needed to open a library; only the main thread's thread-local
// variables lead to what OfThread keeps for it.
extern "C" const char* __lsan_default_suppressions();
extern "C" const char* __lsan_default_suppressions() {
  return "leak:add_to_global_resize\nleak:of_thread.hpp\n";
}
#endif

using namespace tempo;
using namespace tempo::testing;
namespace fs = std::filesystem;
namespace unit = boost::unit_test;

namespace {

std::string file_of(const std::string& name) {
  return fs::canonical(TEMPO_TEST_PLUGINS).string() + "/" + name + ".so";
}
void load(const std::string& name) { load_plugin(file_of(name)); }

fs::path scratch(const std::string& name) {
  const fs::path folder = fs::path(TEMPO_TEST_PLUGINS).parent_path() / "plugin_test_files";
  fs::create_directories(folder);
  return folder / name;
}

// The text of the PluginError that must be thrown, with PATH for the file's own path.
std::string refusal(const std::string& path) {
  std::string text = error_of<PluginError>([&] { load_plugin(path); });
  for (std::size_t at; (at = text.find(path)) != text.npos;) text.replace(at, path.size(), "PATH");
  return text;
}

struct Finished {
  std::string output;
  int code;
};
Finished run(const std::string& command) {
  Finished finished{"", -1};
  FILE* pipe = popen((command + " 2>&1").c_str(), "r");
  BOOST_REQUIRE(pipe);
  char buffer[4096];
  while (const std::size_t n = fread(buffer, 1, sizeof buffer, pipe))
    finished.output.append(buffer, n);
  const int status = pclose(pipe);
  finished.code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return finished;
}

// Runs a disabled test case of this program alone, in a process without children.
Finished run_child(const std::string& test, const std::string& environment) {
  BOOST_REQUIRE(!std::getenv("TEMPO_TEST_CHILD"));
  return run(environment + " TEMPO_TEST_CHILD=1 TEMPO_TEST_LOADED= timeout 60 " +
             unit::framework::master_test_suite().argv[0] + " --run_test=" + test +
             " --report_level=no");
}

}  // namespace

// --- what a plugin can have

BOOST_AUTO_TEST_CASE(a_plugins_ops_have_values_and_gradients_to_second_order) {
  load("good");
  const Tensor x = normal({3, 4}), w = normal({3}, 2);
  check_close("squash", good::squash(x, 0.7), 0.7 * x / sqrt(1 + square(x)), 1e-14);
  check_close("squash float32", good::squash(cast(x, float32), 0.7),
              cast(good::squash(x, 0.7), float32), 1e-6);
  const sdk::Op scale_rows("test_scale_rows");
  check_close("scale_rows", scale_rows(x, w), x * expand_dims(w, -1), 0);

  const GradCheck squash =
      gradcheck([](const Tensors& in) { return good::squash(in[0], 0.7); }, {x});
  BOOST_TEST(squash.passed(), squash);
  BOOST_TEST(squash.rows.size() == 3u);  // of x, to first and second order, and of dy
  const GradCheck rows =
      gradcheck([&](const Tensors& in) { return scale_rows(in[0], in[1]); }, {x, w});
  BOOST_TEST(rows.passed(), rows);
}

BOOST_AUTO_TEST_CASE(an_op_of_a_plugin_says_what_it_needs) {
  load("good");
  const sdk::Op squash("test_squash"), scale_rows("test_scale_rows");
  BOOST_CHECK_EQUAL(error_of<ShapeError>([&] {
                      scale_rows(ones({2, 3}), ones({3}));
                    }),
                    "good.test_scale_rows: needs [rows, columns] and [rows]\n"
                    "  a  [2, 3] float32\n"
                    "  b  [3] float32");
  BOOST_CHECK_EQUAL(error_of<ShapeError>([&] {
                      scale_rows(ones({2, 3}));
                    }),
                    "good.test_scale_rows: needs 2 inputs, got 1\n"
                    "  a  [2, 3] float32");
  BOOST_CHECK_EQUAL(error_of<ShapeError>([&] { squash(cast(ones({2}), int64)); }),
                    "good.test_squash: needs float32 or float64\n"
                    "  a  [2] int64");
}

struct Run {
  Tensor y;
  Tensors gradients;
};
Run run_of(const Layer& layer, const Tensor& x) {
  Run run{layer(x), {}};
  Tensors inputs = layer.weights();
  inputs.push_back(x);
  run.gradients = gradient(sum(square(run.y)), inputs);
  return run;
}
void check_same_runs(const Layer& linked, const Layer& loaded, const Tensor& x) {
  const Run a = run_of(linked, x), b = run_of(loaded, x);
  check_same("value", a.y, b.y);
  BOOST_REQUIRE_EQUAL(a.gradients.size(), b.gradients.size());
  for (std::size_t i = 0; i < a.gradients.size(); ++i)
    check_same("gradient", a.gradients[i], b.gradients[i]);
  BOOST_TEST(max(abs(a.gradients[0])).item() > 0);
}

BOOST_AUTO_TEST_CASE(linked_into_the_program_or_loaded_as_a_plugin_is_the_same_bit_for_bit) {
  load("good");
  for (const DType dtype : {float32, float64}) {
    const Tensor x = parameter(cast(normal({3, 5, 4}), dtype));
    set_default_dtype(dtype);
    check_same_runs(
        RNN(good::SquashCell({.units = 7, .factor = 0.8}), {.return_sequences = true}),
        RNN(cell("Squash", {{"units", 7}, {"factor", 0.8}}), {.return_sequences = true}), x);
    check_same_runs(
        good::SquashLayer({.units = 6, .mode = "twice", .activation = "sigmoid"}),
        layer("SquashDense", {{"units", 6}, {"mode", "twice"}, {"activation", "sigmoid"}}), x);
    set_default_dtype(float32);
  }
}

BOOST_AUTO_TEST_CASE(a_recurrence_over_a_plugins_op_has_gradients_to_second_order) {
  load("good");
  set_default_dtype(float64);
  const Layer rnn = RNN(cell("Squash", {{"units", 2}}));
  rnn.build({{2, 3, 4}});
  const GradCheck report =
      gradcheck([&](const Tensors& in) { return rnn(in[0]); }, {normal({2, 3, 4})});
  BOOST_TEST(report.passed(), report);
  set_default_dtype(float32);
}

BOOST_AUTO_TEST_CASE(a_plugin_can_be_written_in_c) {
  load("plain_c");
  check_same("with what its type has for all of its kind", layer("Times")(ones({2, 2})),
             full({2, 2}, 2));
  check_same("Times", layer("Times", {{"factor", 3}})(ones({2, 2})), full({2, 2}, 3));
  BOOST_CHECK_EQUAL(
      error_of([] {
        layer("Times", {{"factor", 2e9}});
      }),
      "Times: option `factor` is 2000000000; it must be within [-1000000000, 1000000000].");
}

BOOST_AUTO_TEST_CASE(two_plugins_built_from_two_versions_of_the_headers_run_their_own) {
  load("versions_These");
  load("versions_Other");
  const Layer these = layer("ReportThese"), other = layer("ReportOther");
  const Tensor x = cast(uniform(0.5, 2, {2, 3}), float32);
  for (int round = 0; round < 2; ++round) {
    check_same("this program's own", these(x), reverse(sdk::selu(x), 1));
    check_close("the other version's", other(x), sum(10 * sdk::selu(x), 1), 1e-6);
    const auto said_by = [&](const Layer& report) {
      return error_of([&] { report(x, {.training = true}); });
    };
    BOOST_CHECK_EQUAL(said_by(these),
                      "Report says [2, 3]\n  This happened in call of report_these (ReportThese of "
                      "plugin `versions_These`).");
    BOOST_CHECK_EQUAL(said_by(other),
                      "Report says <2, 3]\n  This happened in call of report_other (ReportOther of "
                      "plugin `versions_Other`).");
  }
  BOOST_CHECK_EQUAL(to_string(x.shape()), "[2, 3]");
}

// --- refused

BOOST_AUTO_TEST_CASE(no_name_of_a_file_makes_a_plugin_one_of_tempos) {
  const fs::path file = scratch("tempo_named.so");
  fs::copy_file(file_of("named_as_tempo"), file, fs::copy_options::overwrite_existing);
  BOOST_TEST(refusal(fs::canonical(file).string())
                 .starts_with("plugin PATH: its name is `tempo`, which Tempo's own layers begin"));
}

BOOST_AUTO_TEST_CASE(a_file_that_is_no_plugin_is_told_apart) {
  BOOST_CHECK_EQUAL(refusal(scratch("nothing.so").string()), "plugin PATH: there is no such file.");
  BOOST_CHECK_EQUAL(refusal(fs::canonical(TEMPO_TEST_PLUGINS).string()),
                    "plugin PATH: this is a folder, not a plugin.\n"
                    "  Name one .so file in it, or put the folder into TEMPO_PLUGIN_PATH.");
  const std::string text = scratch("text.so").string();
  std::ofstream(text) << "a text\n";
  BOOST_CHECK_EQUAL(refusal(text),
                    "plugin PATH: this is not a shared object.\n"
                    "  A plugin is built with tempo_add_plugin, or with -shared -fPIC.");
  std::ofstream(text) << "\177ELF and then nothing of the kind";
  BOOST_CHECK_EQUAL(refusal(text),
                    "plugin PATH: it is cut short: it has 33 of 64 bytes.\n"
                    "  Is it still being copied?");
  BOOST_CHECK_EQUAL(
      refusal(file_of("no_plugin")),
      "plugin PATH: this is a shared object but not a Tempo plugin; it does not export "
      "tempo_plugin_v1.\n  Does it use TEMPO_PLUGIN(...)?");
  BOOST_CHECK_EQUAL(
      refusal(file_of("unresolved")),
      "plugin PATH: it cannot be loaded: PATH: undefined symbol: a_function_that_nobody_has");
}

struct Refused {
  const char* name;
  const char* text;
};
const Refused refused[] = {
    {"exports_v2",
     "plugin PATH: it is made for version 2 of the plugin ABI; this Tempo takes version 1 alone.\n"
     "  Build the plugin with this Tempo's headers, or use the Tempo that it was built for."},
    {"missing_function",
     "plugin PATH: it calls the host's function `tell_the_time` of version 1.6 of the plugin ABI "
     "or later, which this Tempo, of version 1.0, does not have.\n"
     "  Use a newer Tempo; or build the plugin with TEMPO_ABI_MINOR defined as that of this one."},
    {"ill_named",
     "plugin PATH: its name `my plugin` is not of 1 to 64 letters, digits, `_`, `-` and `.`, as "
     "names of what it has begin with it."},
    {"named_as_tempo",
     "plugin PATH: its name is `tempo`, which Tempo's own layers begin with.\n"
     "  Give it a name of its own; Tempo's own plugins are those in its folder of plugins."},
    {"returns_nothing", "plugin PATH: tempo_plugin_v1 returned nothing."},
    {"entry_throws", "plugin PATH: tempo_plugin_v1 failed: thrown out of the entry"},
    {"without_name", "plugin PATH: its description is incomplete (size, name, version or init)."},
    {"small_struct", "plugin PATH: its description is incomplete (size, name, version or init)."},
    {"init_fails", "plugin PATH: its init failed: the licence server is on holiday."},
    {"init_fails_silently", "plugin PATH: its init failed: it does not say why."},
    {"init_throws", "plugin PATH: its init failed: thrown out of init"},
    {"init_throws_int", "plugin PATH: its init failed: an exception that is not a std::exception"},
    {"registers_twice", "plugin PATH: its init failed: layer `Refused` is registered twice."},
    {"incomplete_layer",
     "plugin PATH: its init failed: register_layer: the description is incomplete (size, kind, "
     "name, summary, "
     "create, destroy, build, call or, of a cell, states)."},
    {"cell_without_states",
     "plugin PATH: its init failed: register_layer: the description is incomplete (size, kind, "
     "name, summary, "
     "create, destroy, build, call or, of a cell, states)."},
    {"incomplete_option",
     "plugin PATH: its init failed: register_layer: layer `Refused`: the description of option 0 "
     "is incomplete "
     "(size, kind, name, sentence or standard)."},
    {"incomplete_op",
     "plugin PATH: its init failed: register_op: the description is incomplete (size, name, "
     "summary, infer or "
     "kernel)."},
};

BOOST_AUTO_TEST_CASE(every_way_to_be_refused_has_its_own_sentence) {
  for (int round = 0; round < 2; ++round)  // the second time, it is already in the process
    for (const Refused& r : refused) BOOST_TEST_CONTEXT(r.name) {
        BOOST_CHECK_EQUAL(refusal(file_of(r.name)), r.text);
      }
  BOOST_CHECK_EQUAL(error_of([] { layer("Refused"); }).substr(0, 35),
                    "there is no layer named `Refused`.\n");
}

BOOST_AUTO_TEST_CASE(loading_twice_is_loading_once) {
  load("good");
  load("good");
  const fs::path link = scratch("good_too.so");
  fs::remove(link);
  fs::create_symlink(file_of("good"), link);
  load_plugin(link.string());
  int n = 0;
  for (const PluginContents& p : all_plugins().plugins) n += p.name == "good";
  BOOST_TEST(n == 1);
}

// --- callbacks that throw

struct Thrown {
  const char* kind;
  const char* words;
};
const Thrown thrown[] = {
    {"std", "the valve is stuck"},
    {"other", "an exception that is not a std::exception"},
    {"tempo", "the valve has no format"},
    {"shape",
     "matmul: inner sizes differ\n  a  [2, 3] float32\n  b  [4, 5] float32\n"
     "  The last axis of a (3) must equal the second to last axis of b (4)."},
};

BOOST_AUTO_TEST_CASE(a_layer_that_throws_in_any_callback_is_named) {
  load("throws");
  const Tensor x = ones({2, 3});
  for (const Thrown& t : thrown) {
    const auto made = [&](const char* where) {
      return layer("ThrowingLayer", {{"where", where}, {"what", t.kind}});
    };
    const auto text = [&](const char* where) {
      return t.words + ("\n  This happened in " + std::string(where)) +
             " of throwing_layer (ThrowingLayer of plugin `throws`).";
    };
    BOOST_CHECK_EQUAL(error_of([&] { made("create"); }), text("creation"));
    BOOST_CHECK_EQUAL(error_of([&] { made("build")(x); }), text("build"));
    BOOST_CHECK_EQUAL(error_of([&] { made("call")(x); }), text("call"));
    BOOST_CHECK_EQUAL(error_of([&] { made("reset").reset_state(); }), text("reset"));
  }
  check_same("the process goes on", layer("ThrowingLayer")(x), x);
}

BOOST_AUTO_TEST_CASE(a_cell_that_throws_in_any_callback_is_named_through_the_layer_that_runs_it) {
  load("throws");
  const Tensor x = ones({2, 5, 2});
  for (const Thrown& t : thrown) {
    const auto rnn = [&](const char* where) {
      return RNN(cell("ThrowingCell", {{"where", where}, {"what", t.kind}}));
    };
    const auto text = [&](const char* where, const char* path) {
      return t.words + ("\n  This happened in " + std::string(where)) + " of " + path +
             " (ThrowingCell of plugin `throws`).";
    };
    BOOST_CHECK_EQUAL(error_of([&] { rnn("create"); }), text("creation", "throwing_cell"));
    BOOST_CHECK_EQUAL(error_of([&] { rnn("build")(x); }), text("build", "rnn/throwing_cell"));
    BOOST_CHECK_EQUAL(error_of([&] { rnn("states")(x); }), text("states", "rnn/throwing_cell"));
    BOOST_CHECK_EQUAL(error_of([&] { rnn("step")(x); }), text("step", "rnn/throwing_cell"));
  }
  check_same("the process goes on", RNN(cell("ThrowingCell"))(x), take(x, 4, 1));
}

BOOST_AUTO_TEST_CASE(an_op_that_throws_in_any_callback_is_named) {
  load("throws");
  const Tensor x = parameter(ones({2, 3}));
  const sdk::Op infer("throws_infer"), kernel("throws_kernel"), vjp("throws_vjp");
  for (const Thrown& t : thrown) {
    const bool shape = std::string(t.kind) == "shape";
    const auto text = [&](const char* where) {
      return t.words + ("\n  This happened in " + std::string(where)) + " (op throws_" + where +
             " of plugin `throws`).";
    };
    if (!shape) BOOST_CHECK_EQUAL(error_of([&] { infer(x, {{"what", t.kind}}); }), text("infer"));
    BOOST_CHECK_EQUAL(error_of([&] { kernel(x, {{"what", t.kind}}); }), text("kernel"));
    BOOST_CHECK_EQUAL(error_of([&] {
                        gradient(sum(vjp(x, {{"what", t.kind}})), {x});
                      }),
                      text("vjp"));
  }
  check_same("the process goes on", vjp(x), x);
}

BOOST_AUTO_TEST_CASE(exceptions_let_out_by_a_plugin_without_the_sdk_are_caught) {
  load("raw");
  const Tensor x = ones({2, 2});
  const auto made = [](const std::string& how) {
    return layer("RawLayer", {{"how", how.c_str()}});
  };
  const auto text = [](const std::string& what, const char* where) {
    return what + "\n  This happened in " + where + " of raw_layer (RawLayer of plugin `raw`).";
  };
  const std::string foreign = "an exception that is not a std::exception";
  BOOST_CHECK_EQUAL(error_of([&] { made("create std"); }), text("let out of create", "creation"));
  BOOST_CHECK_EQUAL(error_of([&] { made("create int"); }), text(foreign, "creation"));
  BOOST_CHECK_EQUAL(error_of([&] { made("build std")(x); }), text("let out of build", "build"));
  BOOST_CHECK_EQUAL(error_of([&] { made("build int")(x); }), text(foreign, "build"));
  BOOST_CHECK_EQUAL(error_of([&] { made("call std")(x); }), text("let out of call", "call"));
  BOOST_CHECK_EQUAL(error_of([&] { made("call int")(x); }), text(foreign, "call"));
  BOOST_CHECK_EQUAL(error_of([&] { made("reset std").reset_state(); }),
                    text("let out of reset", "reset"));
  BOOST_CHECK_EQUAL(
      error_of([&] {
        state_shapes(cell("RawCell", {{"how", "states std"}}), 2);
      }),
      "let out of states\n  This happened in states of raw_cell (RawCell of plugin `raw`).");
  const sdk::Op op("raw_op");
  BOOST_CHECK_EQUAL(error_of([&] {
                      op(x, {{"how", "infer"}});
                    }),
                    "let out of infer\n  This happened in infer (op raw_op of plugin `raw`).");
  BOOST_CHECK_EQUAL(error_of([&] {
                      op(x, {{"how", "kernel"}});
                    }),
                    foreign + "\n  This happened in kernel (op raw_op of plugin `raw`).");
  made("destroy std")(x);  // there is nobody to tell
  check_same("the process goes on", made("")(x), x);
}

// --- results that cannot be

BOOST_AUTO_TEST_CASE(a_layer_that_returns_what_cannot_be_is_named) {
  load("raw");
  const Tensor x = ones({2, 2});
  const auto said = [&](const char* how) {
    return error_of<PluginError>([&] { layer("RawLayer", {{"how", how}})(x); });
  };
  BOOST_CHECK_EQUAL(said("none"),
                    "raw_layer (RawLayer of plugin `raw`): it returned no tensor from call.");
  BOOST_CHECK_EQUAL(said("null"),
                    "raw_layer (RawLayer of plugin `raw`): it returned a null tensor, result 1.");
  BOOST_CHECK_EQUAL(said("too many"),
                    "raw_layer (RawLayer of plugin `raw`): it says that it returned 1000 tensors; "
                    "at most 64 can be returned.");
  BOOST_CHECK_EQUAL(said("creates nothing"),
                    "raw_layer (RawLayer of plugin `raw`): its create made nothing.");
  error_of([&] { matmul(x, ones({3, 3})); });  // the text of another failure
  BOOST_CHECK_EQUAL(
      said("silent"),
      "call of raw_layer (RawLayer of plugin `raw`) failed without saying why (status 1).");
  BOOST_CHECK_EQUAL(
      error_of([&] {
        layer("RawLayer", {{"how", "strange status"}})(x);
      }),
      "status 77 is none\n  This happened in call of raw_layer (RawLayer of plugin `raw`).");
  BOOST_CHECK_EQUAL(
      error_of<ShapeError>([&] {
        layer("RawLayer", {{"how", "fails after all"}})(x);
      }),
      "changed its mind\n  This happened in call of raw_layer (RawLayer of plugin `raw`).");
}

BOOST_AUTO_TEST_CASE(a_cell_that_begins_with_what_cannot_be_is_named) {
  load("raw");
  const StepCall call{.inputs = {{4, 3}}, .dtype = float32};
  const auto begins = [&](const char* how) {
    return error_of([&] { initial_state(cell("RawCell", {{"how", how}}), call); });
  };
  const std::string who = "raw_cell (RawCell of plugin `raw`): ";
  BOOST_CHECK_EQUAL(begins(""), "nothing was thrown");
  BOOST_CHECK_EQUAL(
      begins("initial std"),
      "let out of initial\n  This happened in initial of raw_cell (RawCell of plugin `raw`).");
  BOOST_CHECK_EQUAL(begins("many first"), who +
                                              "it says that it returned 5000 tensors; at most 64 "
                                              "can be returned.");
  BOOST_CHECK_EQUAL(begins("null first"), who + "it returned a null tensor, result 0.");
  BOOST_CHECK_EQUAL(begins("none first"), who + "it begins with 0 states, and it has 1.");
  BOOST_CHECK_EQUAL(begins("other first"),
                    who + "it begins with state 0 as [7, 2]; it must be [4, 2].");
  const auto makes = [&](const char* how) {
    return error_of([&] { once(cell("RawCell", {{"how", how}}), call); });
  };
  BOOST_CHECK_EQUAL(makes(""), "nothing was thrown");
  BOOST_CHECK_EQUAL(
      makes("once std"),
      "let out of once\n  This happened in once of raw_cell (RawCell of plugin `raw`).");
  BOOST_CHECK_EQUAL(makes("null once"), who + "it returned a null tensor, result 0.");
}

BOOST_AUTO_TEST_CASE(a_cell_whose_states_cannot_be_is_named) {
  load("raw");
  load("throws");
  const auto said = [](const char* how) {
    return error_of([&] { state_shapes(cell("RawCell", {{"how", how}}), 4); });
  };
  BOOST_CHECK_EQUAL(said("many states"),
                    "raw_cell (RawCell of plugin `raw`): it says that it has 5000 states; at most "
                    "64 are possible.");
  BOOST_CHECK_EQUAL(said("deep state"),
                    "raw_cell (RawCell of plugin `raw`): state 0 has a type that cannot be: a "
                    "tensor has at most 8 axes, not 99.");
  BOOST_CHECK_EQUAL(
      said("negative state"),
      "raw_cell (RawCell of plugin `raw`): state 0 has a type that cannot be: [4, -2] "
      "is no shape: extents are at least 0.");

  const auto run = [](const char* how) {
    return error_of([&] { RNN(cell("WrongCell", {{"how", how}, {"units", 3}}))(ones({2, 5, 4})); });
  };
  const std::string who = "rnn/wrong_cell (WrongCell of plugin `throws`): ";
  BOOST_CHECK_EQUAL(
      run("states without batch"),
      who + "state 0 of a batch of 2 has the shape [3]; its first axis must be the batch.");
  BOOST_CHECK_EQUAL(run("two states"), who +
                                           "its step was given 1 state and returned 2.\n  Return "
                                           "{.output = ..., .state = {...}} with "
                                           "every state, in order.");
  BOOST_CHECK_EQUAL(run("wide state"), who +
                                           "its step changes the type of state 0\n  before  [2, 3] "
                                           "float32\n  after   [2, 6] float32\n"
                                           "  A state must keep its shape and dtype; does "
                                           "state_shapes give the size that step makes?");
  BOOST_CHECK_EQUAL(run("other dtype"), who +
                                            "its step changes the type of state 0\n  before  [2, "
                                            "3] float32\n  after   [2, 3] float64\n"
                                            "  A state must keep its shape and dtype; does "
                                            "state_shapes give the size that step makes?");
  BOOST_CHECK_EQUAL(run("no batch"), who +
                                         "the output of its step has lost the batch\n  input   [2, "
                                         "4] float32\n  output  [4] float32\n"
                                         "  The first axis of both is the batch.");
  const std::string null =
      "a layer returned a tensor without a value (Tensor{}).\n  This happened in step of "
      "rnn/wrong_cell (WrongCell of "
      "plugin `throws`).";
  BOOST_CHECK_EQUAL(run("null output"), null);
  BOOST_CHECK_EQUAL(run("null state"), null);
  BOOST_CHECK_EQUAL(run(""), "nothing was thrown");
}

BOOST_AUTO_TEST_CASE(a_cell_is_given_as_many_states_as_it_has) {
  load("good");
  const Layer squash = cell("Squash", {{"units", 3}});
  BOOST_CHECK_EQUAL(error_of<ShapeError>([&] {
                      squash(ones({2, 4}));
                    }),
                    "squash: its step needs 2 states, was given 0.\n  state_shapes(cell, batch) "
                    "tells their shapes.");
  BOOST_CHECK_EQUAL(error_of<ShapeError>([&] {
                      step(squash, ones({2, 4}), {zeros({2, 3})});
                    }),
                    "squash: its step needs 2 states, was given 1.\n  state_shapes(cell, batch) "
                    "tells their shapes.");
  BOOST_TEST(step(squash, ones({2, 4}), {zeros({2, 3}), zeros({2, 3})}).output.shape() ==
             (Shape{2, 3}));
}

BOOST_AUTO_TEST_CASE(an_op_that_returns_what_cannot_be_is_named) {
  load("raw");
  load("throws");
  const Tensor x = parameter(ones({2, 3}));
  const sdk::Op op("raw_op"), wrong_gradient("wrong_gradient");
  const auto said = [&](const char* how) {
    return error_of<PluginError>([&] { op(x, {{"how", how}}); });
  };
  BOOST_CHECK_EQUAL(said("deep"),
                    "op raw_op of plugin `raw`: it inferred a type that cannot be: a tensor "
                    "has at most 8 axes, not 99.");
  BOOST_CHECK_EQUAL(said("dtype"),
                    "op raw_op of plugin `raw`: it inferred a type that cannot be: there is no "
                    "dtype with the number 12.");
  BOOST_CHECK_EQUAL(said("bfloat16"),
                    "op raw_op of plugin `raw`: it inferred a type that cannot be: bfloat16 has a "
                    "number, and no tensor can have it yet.");
  BOOST_CHECK_EQUAL(said("elsewhere"),
                    "op raw_op of plugin `raw`: it inferred a type that cannot be: its field "
                    "`device` is 1, and tensors lie in the processor's memory alone, 0.");
  BOOST_CHECK_EQUAL(said("negative"),
                    "op raw_op of plugin `raw`: it inferred a type that cannot be: [-4, 3] is "
                    "no shape: extents are at least 0.");
  BOOST_CHECK(op(x, {{"how", "automatic"}}).dtype() == default_dtype());
  BOOST_CHECK_EQUAL(
      error_of<PluginError>([&] { gradient(sum(wrong_gradient(x)), {x}); }),
      "op wrong_gradient of plugin `throws`: its vjp gave input 0 a gradient that does not fit it\n"
      "  input     [2, 3] float32\n  gradient  [3, 2] float32");
}

// --- a user's own exception, and the floating-point mode

struct Leak : std::runtime_error {
  Leak(const char* what, int n) : std::runtime_error(what), litres(n) {}
  int litres;
};
struct Flood {
  int metres;
};
struct LeakyOptions {
  int units = 2;
  bool flood = false;
};
void describe(auto& option, LeakyOptions& o) {
  option("units", o.units, "Size of the state.");
  option("flood", o.flood, "Whether it is too late.");
}
struct LeakyCell : Cell<LeakyOptions> {
  using Cell::Cell;
  Step step(const Tensor&, const State&) const {
    if (options.flood) throw Flood{3};
    throw Leak("the pipe burst", 7);
  }
};

BOOST_AUTO_TEST_CASE(a_users_own_exception_comes_back_as_what_it_was) {
  const Tensor x = ones({2, 3, 4});
  const Layer leaky = RNN(LeakyCell({.units = 2})),
              flooded = Bidirectional(RNN(LeakyCell({.units = 2, .flood = true})));
  for (int round = 0; round < 2; ++round) {
    BOOST_CHECK_EXCEPTION(leaky(x), Leak, [](const Leak& leak) {
      return leak.litres == 7 && std::string(leak.what()) == "the pipe burst";
    });
    BOOST_CHECK_EXCEPTION(flooded(x), Flood, [](const Flood& flood) { return flood.metres == 3; });
    BOOST_CHECK_THROW(matmul(ones({2, 3}), ones({4, 5})), ShapeError);  // not the earlier one
  }
}

#if defined(__x86_64__)
BOOST_AUTO_TEST_CASE(child_loads_fast_math, *unit::disabled()) {
  const unsigned before = _mm_getcsr() & ~0x3fu;
  load("fast_math");
  BOOST_CHECK_EQUAL(_mm_getcsr() & ~0x3fu, before);
  volatile float tiny = std::numeric_limits<float>::denorm_min();
  BOOST_TEST(tiny * 1.0f > 0.0f);
  layer("FastLayer")(ones({1}));
}

BOOST_AUTO_TEST_CASE(the_floating_point_mode_is_restored_and_it_is_said) {
  const Finished child = run_child("child_loads_fast_math", "");
  BOOST_TEST(child.code == 0);
  BOOST_TEST(child.output.find(
                 "tempo: plugin " + file_of("fast_math") +
                 " changed the floating-point mode when it was loaded, as what is linked with "
                 "-ffast-math does; it was restored.\n") != std::string::npos,
             child.output);
}
#endif

// --- finding

std::string loaded_from_path() {
  const char* labels = std::getenv("TEMPO_TEST_LOADED");
  return labels ? labels : "";
}

// Two folders: one with C, one with a folder, B and, later in the alphabet, B again.
std::string plugin_path() {
  const fs::path first = scratch("path_1"), second = scratch("path_2");
  for (const fs::path& folder : {first, second}) {
    fs::remove_all(folder);
    fs::create_directories(folder);
  }
  fs::copy_file(file_of("path_B"), second / "1_b.so");
  fs::copy_file(file_of("path_B"), second / "2_b.so");
  fs::copy_file(file_of("path_C"), first / "9_c.so");
  std::ofstream(first / "README.txt") << "not looked at\n";
  return "TEMPO_PLUGIN_PATH=" + second.string() + "::" + first.string() + ":" +
         scratch("missing").string();
}

BOOST_AUTO_TEST_CASE(child_finds_by_name, *unit::disabled()) {
  layer("Dense", {{"units", 2}});
  BOOST_CHECK_EQUAL(loaded_from_path(), "");
  layer("FromPathB");
  BOOST_CHECK_EQUAL(loaded_from_path(), "BBC");
  const std::string folder = fs::canonical(scratch("path_2")).string(),
                    missing = scratch("missing").string();
  const std::string failures = error_of([] { layer("FromPathA"); });
  const std::string expected =
      "  These could not be loaded:\n    plugin " + folder +
      "/2_b.so: the name of its layer `path_B.FromPath` is already taken by plugin `path_B` (" +
      folder + "/1_b.so).\n      Load only one of them, or rename one.\n";
  BOOST_TEST(failures.find(expected) != std::string::npos, failures);
  BOOST_TEST(failures.ends_with("    TEMPO_PLUGIN_PATH: there is no folder " + missing + "."),
             failures);
  BOOST_CHECK_EQUAL(loaded_from_path(), "BBC");
}

BOOST_AUTO_TEST_CASE(the_plugin_path_is_loaded_whole_in_order_when_a_name_is_unknown) {
  const Finished child = run_child("child_finds_by_name", plugin_path());
  BOOST_TEST(child.code == 0, child.output);
}

BOOST_AUTO_TEST_CASE(child_loads_a_model, *unit::disabled()) {
  const std::string file = scratch("from_path.safetensors").string();
  const std::string text = error_of([&] { load_model(file); });
  BOOST_TEST(
      text.find("its layer `FromPathB` is of plugin `path_B` 1.0.0, which is not loaded.\n") !=
          std::string::npos,
      text);
  BOOST_TEST(text.find("\n  Load the plugin that has it first: load_plugin(path). A model file "
                       "never searches TEMPO_PLUGIN_PATH.") != std::string::npos,
             text);
  BOOST_CHECK_EQUAL(loaded_from_path(), "");
  load_plugin(scratch("path_2/1_b.so").string());
  const auto model = load_model(file);
  BOOST_CHECK_EQUAL(loaded_from_path(), "B");
}

BOOST_AUTO_TEST_CASE(a_model_file_never_searches_the_plugin_path) {
  const std::string environment = plugin_path();
  load("path_B");
  Sequential model({layer("FromPathB"), Dense({.units = 2})});
  model.build({{2, 3}});
  model.save(scratch("from_path.safetensors").string());
  const Finished child = run_child("child_loads_a_model", environment);
  BOOST_TEST(child.code == 0, child.output);
}

BOOST_AUTO_TEST_CASE(child_asks_for_a_path, *unit::disabled()) {
  BOOST_TEST(error_of([] {
               layer("x/../../outside");
             }).starts_with("there is no layer named `x/../../outside`.\n"));
  BOOST_CHECK_EQUAL(loaded_from_path(), "");
}

BOOST_AUTO_TEST_CASE(a_name_with_a_path_in_it_leads_to_no_file) {
  const fs::path folder = scratch("folder");
  fs::create_directories(folder / "tempo_x");
  fs::copy_file(file_of("path_A"), scratch("outside.so"), fs::copy_options::overwrite_existing);
  const Finished child =
      run_child("child_asks_for_a_path", "TEMPO_PLUGIN_FOLDER=" + folder.string());
  BOOST_TEST(child.code == 0, child.output);
}

// --- what runs

BOOST_AUTO_TEST_CASE(explain_prints_the_programs_of_a_recurrence_and_leaves_the_layer_alone) {
  load("good");
  const Layer rnn = RNN(cell("Squash", {{"units", 3}}));
  const std::string text = explain(rnn, {2, 5, 4});
  BOOST_TEST(!rnn.built());
  BOOST_TEST(text.starts_with(
                 "RNN of plugin `tempo` on [2, 5, 4] float32\n\nforward Program, as written\n"),
             text);
  for (const char* part :
       {"\nforward Program, after hoist (for a scan)\n", "\ngradient Program, as written\n",
        "\ngradient Program, after sink (for a scan)\n",
        " bytes kept for the gradient at each step\n", "test_squash(", "input"})
    BOOST_TEST(text.find(part) != std::string::npos, part << " is not in\n" << text);
  BOOST_TEST(explain(cell("Squash"), {2, 5, 4})
                 .starts_with("Squash of plugin `good` on [2, 5, 4] float32\n\nforward Program"));
  BOOST_CHECK_EQUAL(explain(Dense({.units = 3}), {2, 4}),
                    "Dense of plugin `tempo` on [2, 4] float32\n\nThere is no recurrence in it: no "
                    "scan runs, each op "
                    "runs once.\n");
  BOOST_CHECK_EQUAL(explain(Embedding({.input_dim = 3, .output_dim = 2}), {2, 4}, int32),
                    "Embedding of plugin `tempo` on [2, 4] int32\n\nThere is no recurrence in "
                    "it: no scan runs, "
                    "each op runs once.\n");
  // A call reads its arguments as the layer itself reads them.
  const Tensor x = zeros({2, 5, 4}), ends = tensor({5, 3}), mask = mask_of_lengths(ends, 5);
  const std::string masked = explain(rnn, Tensors{x}, {.mask = mask});
  BOOST_TEST(masked.find("where(") != std::string::npos, masked);
  BOOST_TEST(explain(rnn, Tensors{with_mask(x, mask)}) == masked);
  BOOST_TEST(explain(rnn, Tensors{x}, {.lengths = ends}) == masked);
  const auto with_states = [&](const Layer& given) {
    return error_of([&] { explain(given, Tensors{x}, {.initial_state = {zeros({2, 7})}}); });
  };
  for (const Layer& given : {rnn, cell("Squash")})
    BOOST_TEST(with_states(given) != "nothing was thrown");
  const NoGradient off;
  BOOST_TEST(explain(rnn, {2, 5, 4}).find("gradient Program") != std::string::npos);
}

// --- the `tempo` command

Finished tempo_command(const std::string& arguments, const std::string& environment = "") {
  const fs::path program = fs::path(TEMPO_TEST_PLUGINS) / "../../bin/tempo";
  return run(environment + " " + program.lexically_normal().string() + " " + arguments);
}

BOOST_AUTO_TEST_CASE(tempo_lists_what_is_installed_and_what_could_not_be) {
  const Finished all = tempo_command("--plugin " + file_of("good") + " layers", plugin_path());
  BOOST_TEST(all.code == 0);
  for (const std::string& part :
       {std::string("\n  layer  LSTM  Long short-term memory (Hochreiter and Schmidhuber, 1997).\n "
                    " cell   LSTM  One step of an LSTM.\n"),
        "good 1.2.3   " + file_of("good") +
            "\n  cell   Squash           A cell for tests.\n  layer  SquashDense      A layer for "
            "tests.\n"
            "  op     test_squash      x / sqrt(1 + x²).\n  op     test_scale_rows  Each row times "
            "its weight.\n",
        std::string("\n  layer  FromPathB\n"), std::string("\nCould not be loaded:\n  plugin "),
        std::string(
            "/2_b.so: the name of its layer `path_B.FromPath` is already taken by plugin `path_B` "
            "(")})
    BOOST_TEST(all.output.find(part) != std::string::npos, part << " is not in\n" << all.output);
}

BOOST_AUTO_TEST_CASE(tempo_describes_a_layer_by_its_options) {
  const Finished layer = tempo_command("--plugin " + file_of("good") + " layers SquashDense");
  BOOST_TEST(layer.code == 0);
  BOOST_CHECK_EQUAL(layer.output,
                    "SquashDense, a layer of plugin good 1.2.3\n"
                    "A layer for tests.\n"
                    "  option      type        default  allowed\n"
                    "  units       integer     2        at least 1    Size of the output.\n"
                    "  mode        text        plain    plain, twice  What is done first.\n"
                    "  activation  activation  tanh                   Of the output.\n");
  // Small numbers are not rounded to none.
  for (const auto& [name, row] :
       {std::pair("RMSNormalization",
                  "  epsilon               number       1e-06      at least 0  "
                  "Added to the mean square.\n"),
        std::pair("LayerNormLSTM",
                  "  epsilon                  number       0.001      at least "
                  "1e-12  Added to the variance, which is 0 of the state that "
                  "sequences begin with.\n")}) {
    const Finished small = tempo_command(std::string("layers ") + name);
    BOOST_TEST(small.output.find(row) != std::string::npos, small.output);
  }
  const Finished both = tempo_command("layers GRU");
  BOOST_TEST(both.output.find("GRU, a layer of plugin tempo ") == 0u);
  BOOST_TEST(both.output.find("\n\nGRU, a cell of plugin tempo ") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(tempo_explains_a_layer_made_with_options) {
  const Finished lstm = tempo_command(
      "explain LSTM units=3 return_sequences=true dtype=float64 activation=relu --shape 2,5,4 "
      "--dtype float64");
  BOOST_TEST(lstm.code == 0, lstm.output);
  BOOST_TEST(lstm.output.starts_with(
                 "LSTM of plugin `tempo` on [2, 5, 4] float64\n\nforward Program, as written\n"),
             lstm.output);
  BOOST_TEST(lstm.output.find("= relu(") != std::string::npos, lstm.output);
  for (const char* same : {"trainable=false --shape 2,5", "dtype=float32 --shape '[2, 5]'"})
    BOOST_TEST(
        tempo_command(std::string("explain Dropout rate=1e-7 ") + same).output ==
            "Dropout of plugin `tempo` on [2, 5] float32\n\nThere is no recurrence in it: no "
            "scan runs, each op runs once.\n",
        same);
  const std::string two = "explain CfC units=3 --shape 2,5,4 --shape 2,5,1";
  for (const char* more : {"", " --stream"}) {
    const Finished cfc = tempo_command(two + more);
    BOOST_TEST(cfc.code == 0, cfc.output);
    BOOST_TEST(cfc.output.find("[2, 1]") != std::string::npos, cfc.output);
  }
  // The shortest text that reads back as the number.
  for (const auto& [given, written] : {std::pair("0.25", "0.25"),
                                       {"1e-7", "1e-07"},
                                       {"0.0000001", "1e-07"},
                                       {"1e-300", "1e-300"},
                                       {"1.10", "1.1"},
                                       {"0.30000000000000004", "0.30000000000000004"},
                                       {"2", "2"}}) {
    const Finished squash =
        tempo_command("--plugin " + file_of("good") + " explain Squash units=3 factor=" + given +
                      " --shape 2,5,4");
    BOOST_TEST(squash.output.find(std::string("test_squash(%7; factor=") + written + ")") !=
                   std::string::npos,
               squash.output);
  }
}

struct Said {
  const char* arguments;
  const char* text;
};
const Said said[] = {
    {"explain LSTM unit=3 --shape 2,5,4",
     "tempo: LSTM: there is no option `unit`; did you mean `units`?\n  It has units, activation, "
     "use_bias, kernel_initializer, recurrent_initializer, bias_initializer, kernel_regularizer, "
     "recurrent_regularizer, bias_regularizer, kernel_constraint, recurrent_constraint, "
     "bias_constraint, recurrent_activation, unit_forget_bias, dropout, recurrent_dropout, seed, "
     "implementation, return_sequences, return_state, go_backwards, stateful, "
     "zero_output_for_mask, trainable_initial_state, recompute, unroll, use_cudnn, "
     "activity_regularizer, trainable, dtype, name.\n"},
    {"explain LSTM units=three --shape 2,5,4",
     "tempo: LSTM: option `units` is an integer, got \"three\".\n"},
    {"explain LSTM units=99999999999999999999 --shape 2,5,4",
     "tempo: LSTM: option `units` is 99999999999999999999; it must fit into 64 bits.\n"},
    {"explain Dropout rate=1e400 --shape 2,5",
     "tempo: Dropout: option `rate` is 1e400; it must fit into 64 bits.\n"},
    {"explain Dropout rate=-1e-9 --shape 2,5",
     "tempo: Dropout: option `rate` is -1e-09; it must be within [0, 1].\n"},
    {"explain Dropout rate=nan --shape 2,5",
     "tempo: Dropout: option `rate` is nan; it must be within [0, 1].\n"},
    {"explain Dropout trainable=maybe --shape 2,5",
     "tempo: Dropout: option `trainable` is true or false, got \"maybe\".\n"},
    {"explain Dropout trainable=false trainable=true --shape 2,5",
     "tempo: Dropout: option `trainable` is given twice.\n"},
    {"explain LSTM units=-3 --shape 2,5,4",
     "tempo: LSTM: option `units` is -3; it must be at least 0.\n"},
    {"explain LSTM units=3 use_bias=maybe --shape 2,5,4",
     "tempo: LSTM: option `use_bias` is true or false, got \"maybe\".\n"},
    {"explain LSTM units=3 units=4 --shape 2,5,4", "tempo: LSTM: option `units` is given twice.\n"},
    {"explain LSTM 3 --shape 2,5,4",
     "tempo: `3` is not an option; write NAME=VALUE, as in units=128.\n"},
    {"explain LSTM units=3 --shape 2,five,4",
     "tempo: --shape is 2,five,4; write the sizes of the input, as in --shape 64,100,128.\n"},
    {"explain LSTM units=3 --shape 2]5,5,4",
     "tempo: --shape is 2]5,5,4; write the sizes of the input, as in --shape 64,100,128.\n"},
    {"explain LSTM units=3 --shape [2,5,4",
     "tempo: --shape is [2,5,4; write the sizes of the input, as in --shape 64,100,128.\n"},
    {"explain LSTM units=3 --shape '2 5,5,4'",
     "tempo: --shape is 2 5,5,4; write the sizes of the input, as in --shape 64,100,128.\n"},
    {"explain LSTM units=3 --shape ''",
     "tempo: --shape is ; write the sizes of the input, as in --shape 64,100,128.\n"},
    {"explain LSTM units=3 --shape 2,5,99999999999999999999",
     "tempo: --shape is 99999999999999999999; it must fit into 64 bits.\n"},
    {"explain LSTM units=3 --shape 2,5,9223372036854775807",
     "tempo: --shape is 2,5,9223372036854775807.\n  Shape: [2, 5, 9223372036854775807] has more "
     "elements than 64 bits can address.\n  Is one of its extents a product that overflowed, or a "
     "size in bytes?\n"},
    {"explain LSTM units=3 --shape 2,5,4 --shape 3,5,4",
     "tempo: LSTM: takes one input, got 2.\n  States go into the call's options: {.initial_state = "
     "{h}}.\n"},
    {"explain LSTM units=3 --shape 2,0,4",
     "tempo: --shape is 2,0,4; write the sizes of the input, as in --shape 64,100,128.\n"},
    {"explain LSTM units=3 --shape 2,5,4 --dtype float16",
     "tempo: --dtype is float16; an input is float32, float64, int32 or int64.\n"},
    {"explain LSTM units=3", "tempo: --shape is required\n  tempo --help tells how it is used.\n"},
    {"lyers",
     "tempo: The following argument was not expected: lyers\n  tempo --help tells how it is "
     "used.\n"},
    {"--plugin /no/such.so layers", "tempo: plugin /no/such.so: there is no such file.\n"},
};

BOOST_AUTO_TEST_CASE(tempo_says_what_is_wrong_and_exits_with_1) {
  for (const Said& s : said) BOOST_TEST_CONTEXT(s.arguments) {
      const Finished finished = tempo_command(s.arguments);
      BOOST_CHECK_EQUAL(finished.output, s.text);
      BOOST_CHECK_EQUAL(finished.code, 1);
    }
  for (const auto& [initializer, why] :
       {std::pair("constant(1e400)", "`value` is `1e400`, which does not fit into 64 bits"),
        std::pair("orthogonal(gain=nan)", "`gain` is `nan`, not a number")}) {
    const std::string output =
        tempo_command(std::string("explain LSTM units=3 'kernel_initializer=") + initializer +
                      "' --shape 2,5,4")
            .output;
    BOOST_TEST(output.find(why) != std::string::npos, output);
  }
  const Finished unknown = tempo_command("layers LSMT");
  BOOST_TEST(unknown.code == 1);
  BOOST_TEST(
      unknown.output.starts_with("tempo: there is no layer named `LSMT`; did you mean `LSTM`?\n"),
      unknown.output);
}

BOOST_AUTO_TEST_CASE(tempo_tells_its_version) {
  std::ifstream lists(TEMPO_SOURCE_DIR "/CMakeLists.txt");
  std::string line, version;
  while (version.empty() && std::getline(lists, line))
    if (const std::size_t at = line.find("project(tempo VERSION "); at != line.npos)
      version = line.substr(at + 22, line.find(' ', at + 22) - at - 22);
  const Finished said_by = tempo_command("--version");
  BOOST_CHECK_EQUAL(said_by.output, "tempo " + version + ", plugin ABI 1.0\n");
  BOOST_CHECK_EQUAL(said_by.code, 0);
}
