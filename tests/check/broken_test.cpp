// SPDX-License-Identifier: Apache-2.0
// Plugins with one fault each, and the check that finds it; beside each kind a sound plugin, in
// which the same checks find nothing.
#define BOOST_TEST_MODULE broken
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <span>

#include <boost/test/unit_test.hpp>

#include "check/checking.hpp"

using namespace checking;

namespace {

struct Broken {
  const char* plugin;
  const char* part;  // "": the plugin itself
  const char* check;
  const char* outcome;
  const char* text;  // a part of the finding
};

std::string quoted(const std::string& text) { return "'" + text + "'"; }

Found found_in(const std::string& file, const std::string& part, const std::string& check) {
  const std::string its = part.empty() ? "" : " --part " + quoted(part);
  const auto all = findings("--reproduce 1 --only " + check + its + " " + quoted(file));
  const auto at = all.find((part.empty() ? "" : part + " ") + check);
  return at == all.end() ? Found{"not there", ""} : at->second;
}

void compare(const std::string& file, const Broken& broken) {
  BOOST_TEST_CONTEXT(file << " " << broken.part << " " << broken.check) {
    const Found found = found_in(file, broken.part, broken.check);
    BOOST_TEST(found.outcome == broken.outcome, found.outcome << ": " << found.text);
    BOOST_TEST(found.text.find(broken.text) != std::string::npos, found.text);
  }
}
void compare(std::span<const Broken> all) {
  for (const Broken& broken : all) compare(file_of(broken.plugin), broken);
}

// A changed copy of a plugin's file.
class Copy {
 public:
  explicit Copy(const std::string& name)
      : path_((fs::temp_directory_path() / ("broken_" + std::to_string(getpid()) + "_" + name))
                  .string()) {
    fs::copy_file(file_of("good"), path_, fs::copy_options::overwrite_existing);
  }
  ~Copy() { fs::remove(path_); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace

BOOST_AUTO_TEST_CASE(a_file_that_is_no_plugin_is_found_before_it_is_loaded) {
  const Copy folder("folder.so"), fifo("fifo.so"), open("open.so"), arm("arm.so"), cut("cut.so"),
      text("text.so"), stripped("stripped.so");
  fs::remove(folder.path());
  fs::create_directory(folder.path());
  fs::remove(fifo.path());
  BOOST_REQUIRE(mkfifo(fifo.path().c_str(), 0600) == 0);
  BOOST_REQUIRE(chmod(open.path().c_str(), 0777) == 0);
  {
    std::fstream file(arm.path(), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(18);
    file.put('\xb7');  // EM_AARCH64
  }
  {
    std::fstream file(stripped.path(), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(40);  // the offset of the section headers, and then their number
    file.write("\0\0\0\0\0\0\0", 8);
    file.seekp(60);
    file.write("\0\0\0", 4);
  }
  fs::resize_file(cut.path(), 5000);
  std::ofstream(text.path()) << "no shared object";
  compare(folder.path(), {"", "", "regular", "failed", "this is a folder, not a plugin."});
  compare(fifo.path(), {"", "", "regular", "failed", "this is a FIFO, not a regular file"});
  compare("/no/such.so", {"", "", "regular", "failed", "there is no such file."});
  compare(open.path(), {"", "", "owners", "failed", "anybody can write to it"});
  compare(arm.path(), {"", "", "machine", "failed", "it is built for 64-bit Arm (aarch64)"});
  compare(text.path(), {"", "", "machine", "failed", "this is not a shared object"});
  compare(cut.path(), {"", "", "whole", "failed", "it is cut short: it has 5000 of "});
  compare(stripped.path(), {"", "", "entry", "skipped", "it has no table of sections"});
  compare(stripped.path(), {"", "", "fast-math", "ok", ""});
  fs::remove(fifo.path());
}

BOOST_AUTO_TEST_CASE(a_file_that_is_built_as_none_should_be_is_found) {
  compare(std::to_array<Broken>(
      {{"no_plugin", "", "entry", "failed", "it does not export tempo_plugin_v1."},
       {"exports_v2", "", "entry", "failed", "not export tempo_plugin_v1, but tempo_plugin_v2."},
       {"exports_more", "", "entry", "warning",
        "it exports 1 more than tempo_plugin_v1: compress."},
       {"linked", "", "needs", "failed", "it is linked with libtempo.so"},
       {"unresolved", "", "needs", "failed",
        "nothing that it is linked with has a_function_that_nobody_has."},
       {"patched", "", "hardened", "failed", "its code is changed when it is loaded"},
       {"says_nothing_of_stack", "", "hardened", "failed", "makes the stack of its process exec"},
       {"with_path", "", "hardened", "warning", "it looks for libraries in /build/of/somebody"},
       {"sanitized", "", "sanitized", "failed", "it needs __asan_report_load4"},
#ifndef __clang__  // which marks no variable as unique
       {"shares", "", "unique", "warning", "it shares variables with whatever else has them: "},
#endif
       {"fast_math", "", "fast-math", "failed", "it is linked with crtfastm"}}));
}

BOOST_AUTO_TEST_CASE(what_a_plugin_should_not_say_of_itself_is_found) {
  compare(std::to_array<Broken>(
      {{"dawdles_at_start", "", "prompt", "warning", "to load it takes 2"},
       {"of_process", "", "repeatable", "failed",
        "in another process it has something else: `op of"},
       {"ignores", "", "failing-start", "failed", "as if all were well where register_op fails."},
       {"goes_on_about", "", "lengths", "warning", "the summary of op says has 999 letters"},
       {"takes_a_name", "", "names", "warning", "`Danse` is easily taken for `Dense`"},
       {"misnumbered", "", "version", "warning", "its version is `one`, not of the form 1.2.3"},
       {"misnumbered", "", "version", "warning", "its name is `My-Plugin`"},
       {"answers_anew", "", "constant", "failed", "returns another description each time"},
       {"renames", "", "constant", "failed", "its description changes after it was loaded"}}));
}

BOOST_AUTO_TEST_CASE(wrong_options_are_found) {
  compare(std::to_array<Broken>(
      {{"broken_values", "OddOptions", "texts", "failed", crashed},
       {"broken_values", "OddOptions", "choices", "failed",
        "option `mode` has the choice `b`, with which it fails: "},
       {"broken_values", "OddOptions", "ranges", "warning", "option `factor` can only be 0.5"},
       {"broken_values", "OddOptions", "ranges", "warning",
        "option `depth` is an integer, and its limit 9.5 is none"},
       {"broken_values", "OddOptions", "option-names", "warning",
        "option `trainabel` is a letter away from `trainable`"},
       {"broken_values", "OddOptions", "option-names", "warning",
        "option `sead` is a letter away from `seed`"},
       {"broken_values", "CrashesOfDepth", "drawn", "failed", crashed},
       {"broken_values", "CrashesOfDepth", "drawn", "failed",
        "--reproduce 1 tries the same again."}}));
}

BOOST_AUTO_TEST_CASE(wrong_shapes_are_found) {
  compare(std::to_array<Broken>(
      {{"broken_values", "MakesNaN", "integers", "failed", "of int32 it makes NaN"},
       {"broken_values", "TakesFewFeatures", "features", "failed", crashed},
       {"broken_values", "BuildsAnew", "other-features", "failed",
        "after it was given other features, a result"},
       {"broken_values", "TakesTwo", "inputs", "failed", crashed},
       {"broken_values", "WeighsTheBatch", "weights", "failed",
        "its weights depend on the batch: "},
       {"broken_values", "BeginsInFloat32 cell", "states", "failed", "state 0"},
       {"broken_values", "PromisesMore", "outputs", "failed", "it says that result 0 is "},
       {"broken_values", "CountsFeatures", "huge", "failed", crashed}}));
}

BOOST_AUTO_TEST_CASE(wrong_values_are_found) {
  compare(std::to_array<Broken>(
      {{"broken_values", "DependsOnTheProcess", "processes", "failed",
        "in another process it has something else: `result 0: bits "},
       {"broken_values", "DrawsWhenLoaded", "processes", "failed", "`result 0: bits "},
       {"broken_values", "Alternates cell", "pure", "failed",
        "traced again its step is another one, which has `"},
       {"broken_values", "KeepsAWeight", "retraced", "failed",
        "with other weights and inputs than in its first call, a result"},
       {"broken_values", "SpreadsNaN", "special", "failed",
        "where another sequence of the batch is nan, a result"},
       {"broken_values", "CountsCalls", "reset", "failed", "after reset_state the first result"},
       {"broken_values", "DividesByTheMask", "whole-masks", "failed",
        "with a mask in which no step counts a result is"},
       {"broken_values", "SeesTracing cell", "plain", "failed", "compiled, the result"}}));
}

BOOST_AUTO_TEST_CASE(wrong_gradients_are_found) {
  compare(std::to_array<Broken>(
      {{"broken_values", "WrongInTraining", "grad-varied", "failed", "in training"},
       {"broken_values", "WrongInFloat32", "grad-float32", "failed", "in float32, beside float64"},
       {"broken_values", "NaNInTraining", "grad-varied", "failed", "in training"},
       {"broken_values", "FailsOfOne", "grad-varied", "failed", "of [1, 7, 4] of size 5.00"},
       {"broken_values", "NaNInFloat32", "grad-float32", "failed", "the gradient is not finite"},
       {"broken_values", "WrongNextTime", "grad-again", "failed", "computed again, a gradient"},
       {"broken_values", "HasAnIdleWeight", "used", "warning",
        "no result changes with has_an_idle_weight/idle"},
       {"sound", "Halves", "modes", "warning", "in training, result"}}));
}

BOOST_AUTO_TEST_CASE(what_is_done_to_handles_and_to_the_process_is_found) {
  compare(std::to_array<Broken>(
      {{"broken_ownership", "KeepsACount", "counts", "failed",
        "it still holds 20 counts of tensors"},
       {"broken_ownership", "KeepsALayer", "counts", "failed", " counts of layers"},
       {"broken_ownership", "ReleasesItsInput", "handles", "failed",
        "release: the tensor is lent to it alone: it has no count of it to give away."},
       {"broken_ownership", "KeepsABorrowedHandle", "handles", "failed",
        "view: the tensor was released before, or lent for a call that is over."},
       {"broken_ownership", "MakesUpAHandle", "handles", "failed",
        "finish: the tensor is none that the host gave it."},
       {"gives_what_is_lent", "Saying", "handles", "failed",
        "call of Saying gives result 0: the tensor is lent to it alone"},
       {"broken_ownership", "IgnoresFailures", "failures", "failed",
        "where call 1 of random_key fails, it goes on as if all were well"},
       {"broken_ownership", "CrashesWhereTheHostFails", "failures", "failed", crashed},
       {"broken_ownership", "Prints", "untouched", "failed",
        "made and called it prints: Prints is called."},
       {"broken_ownership", "Translates", "untouched", "failed",
        "to make and call it changes the locale: "},
       {"broken_ownership", "BlocksSignals", "untouched", "failed",
        "to make and call it changes the signals that are blocked: "}}));
}

BOOST_AUTO_TEST_CASE(what_keeps_a_cell_from_being_fast_is_told_with_its_line) {
  compare(
      std::to_array<Broken>({{"broken_ownership", "AddsBeforeItsProduct cell", "hoist", "warning",
                              ":rnn/adds_before_its_product/first) runs at every step for %"},
                             {"broken_ownership", "ComputesItTwice cell", "merge", "warning",
                              "rnn/computes_it_twice/second) is computed apart from"},
                             {"broken_ownership", "AddsUp cell", "fuse", "warning", "= cumsum(%"},
                             {"broken_ownership", "TracesEachTime", "traced-once", "warning",
                              "each call traces its step again"}}));
}

BOOST_AUTO_TEST_CASE(wrong_ops_are_found) {
  compare(std::to_array<Broken>(
      {{"broken_ownership", "op owned_ChangesItsType", "infer", "failed", "float"},
       {"broken_ownership", "op owned_LeavesTheLast", "memory", "failed",
        "it leaves elements of result 0 as they were"},
       {"broken_ownership", "op owned_AddsToItsResult", "memory", "failed", "or reads them"},
       {"broken_ownership", "op owned_WrongOfFloat32", "op-float32", "failed",
        "of float32, the result"},
       {"broken_ownership", "op owned_KeepsAThreadsNumber", "kernel-threads", "failed",
        "on another thread, the result"},
       {"broken_ownership", "op owned_CutsGradients", "linear", "failed",
        "where dy is 2 a - 300 b, the gradient to input 0"},
       {"broken_ownership", "op owned_KeepsADy", "op-handles", "failed", "its vjp keeps "},
       {"broken_ownership", "op owned_RemembersTheFirst", "wanted", "failed",
        "where it alone is asked for, the gradient to input 1"}}));
  compare(std::to_array<Broken>(
      {{"sound", "op sound_forgets", "gradient", "failed", "gradcheck: FAILED"},
       {"broken_values", "op same", "gradient", "failed", "a gradient that does not fit it"},
       {"broken_values", "op tanh", "gradient", "failed", "times as large as it should be"}}));
  compare(std::to_array<Broken>(
      {{"broken_ownership", "op owned_WritesPastTheEnd", "memory", "failed", "of result 0."},
       {"broken_ownership", "op owned_WritesBeforeTheBeginning", "memory", "failed",
        "of result 0."},
       {"broken_ownership", "op owned_ReadsPastTheEnd", "memory", "failed", "input 0."},
       {"broken_ownership", "op owned_WritesItsInput", "memory", "failed", "input 0."}}));
}

BOOST_AUTO_TEST_CASE(wrong_functions_are_found_in_a_plugin_of_functions_alone) {
  const auto found = findings(file_of("functions_alone") +
                              " --only described --only gives --only derivative --only in-float32");
  compare(found,
          {{"described", "ok", ""},
           {"activation wave gives", "ok", ""},
           {"activation wave derivative", "ok", ""},
           {"activation wave in-float32", "ok", ""},
           {"activation waves_too_steeply derivative", "failed", "gradcheck: FAILED"},
           {"activation waves_in_float32 gives", "failed", "of float64 it gives float32"},
           {"activation waves_roughly in-float32", "failed", "of float32, the result"},
           {"activation refuses gives", "skipped", "none of the inputs that are tried fits it"},
           {"initializer halves gives", "ok", ""},
           {"initializer halves derivative", "skipped", "nobody differentiates it"},
           {"initializer halves_of_float64 gives", "failed",
            "it was asked for [6, 4] float32 and gave [6, 4] float64"},
           {"initializer no_numbers gives", "failed", "a weight [6, 4] float64 has the value nan"},
           {"loss quartic gives", "ok", ""},
           {"loss quartic derivative", "ok", ""},
           {"loss quartic in-float32", "ok", ""},
           {"loss quartic_of_the_truth derivative", "failed", "gradcheck: FAILED"},
           {"metric quartic_metric gives", "ok", ""},
           {"metric counts_up gives", "failed", "computed again, it is "},
           {"optimizer descends gives", "ok", ""},
           {"optimizer sums_up gives", "failed", "sums_up"}});
}

// The checks that find those faults find nothing in these plugins.
BOOST_AUTO_TEST_CASE(nothing_is_found_in_what_is_sound) {
  const auto sound = [](const std::string& plugin, const std::string& part,
                        const std::string& checks) {
    std::string only;
    std::istringstream names(checks);
    for (std::string name; names >> name;) only += " --only " + name;
    for (const auto& [what, found] :
         findings("--reproduce 1" + only + (part.empty() ? "" : " --part " + quoted(part)) + " " +
                  file_of(plugin)))
      BOOST_TEST(found.outcome == "ok", what << ": " << found.text);
  };
  for (const char* layer : {"Drops", "Normalizes", "DoesWithout"}) {
    const auto all = findings("--reproduce 1 --part " + quoted(layer) + " " + file_of("sound"));
    BOOST_TEST(all.size() > 40u);
    for (const auto& [what, found] : all)
      BOOST_TEST((found.outcome == "ok" || found.outcome == "skipped"), what << ": " << found.text);
  }
  compare(std::to_array<Broken>(
      {{"sound", "Drops", "modes", "skipped", "it draws numbers in training"},
       {"sound", "Normalizes", "modes", "skipped", "in training it moves weights"},
       {"sound", "op sound_nowhere", "gradient", "skipped", "it makes finite numbers of none"}}));
  for (const char* op : {"log", "root", "arc_cosine", "arc_coshine", "powers"})
    sound("sound", std::string("op sound_") + op,
          "runs infer memory op-float32 kernel-threads gradient linear op-handles");
  sound("does_without", "", "failing-start");
  sound("with_libcxx", "", "needs");
  sound("good", "",
        "regular owners machine whole entry needs hardened sanitized unique fast-math prompt "
        "repeatable failing-start lengths names version constant");
#if !TEMPO_ADDRESS_SANITIZER && !TEMPO_THREAD_SANITIZER  // which end who asks for too much memory
  sound("broken_values", "SoundLayer", "drawn huge");
#endif
  sound("broken_values", "SoundLayer",
        "texts integers features other-features inputs weights processes retraced "
        "special reset whole-masks grad-varied grad-float32 grad-again used");
  sound("broken_values", "SoundCell cell", "states pure causal backwards plain recompute fuse");
  sound("broken_ownership", "Healthy", "counts handles failures untouched outlived streamed");
  sound("broken_ownership", "ComputesItTwice cell", "hoist fuse traced-once streamed");
  sound("broken_ownership", "op owned_SoundSquare",
        "infer memory op-float32 kernel-threads linear op-handles");
}

// `tempo layers` says which plugin ends the process that loads it, and lists the others.
BOOST_AUTO_TEST_CASE(a_plugin_that_crashes_does_not_take_tempo_layers_with_it) {
  const fs::path folder = fs::temp_directory_path() / ("layers_" + std::to_string(getpid()));
  fs::create_directory(folder);
  for (const char* name : {"crashes_at_start", "good", "exits_at_start"})
    fs::copy_file(file_of(name), folder / (std::string(name) + ".so"));
  const std::string path = "TEMPO_PLUGIN_PATH=" + folder.string() + " ";
  const Finished list = run("layers", path);
  BOOST_TEST(list.code == 0);
  for (const std::string& part :
       {"good 1.2.3   " + (folder / "good.so").string(), std::string("\n  layer  Dense "),
        "Could not be loaded:\n  plugin " + (folder / "crashes_at_start.so").string() + ": " +
            crashed,
        "\n  plugin " + (folder / "exits_at_start.so").string() + ": " + without_a_word})
    BOOST_TEST(list.output.find(part) != std::string::npos, part << " is not in\n" << list.output);
  const Finished one = run("layers LSTM", path);
  BOOST_TEST(one.code == 1);
  BOOST_TEST(one.output.starts_with("tempo: layers: a plugin ends the process"), one.output);
  fs::remove_all(folder);
}

// Output of a plugin while it loads is not taken for an error, nor for a part of one.
BOOST_AUTO_TEST_CASE(an_error_of_tempo_layers_is_told_beside_a_plugin_that_prints) {
  const fs::path folder = fs::temp_directory_path() / ("prints_" + std::to_string(getpid()));
  fs::create_directory(folder);
  fs::copy_file(file_of("prints_at_start"), folder / "prints.so");
  const Finished unknown =
      run("layers LSTMM", "TEMPO_PLUGIN_TRACE=1 TEMPO_PLUGIN_PATH=" + folder.string() + " ");
  BOOST_TEST(unknown.code == 1);
  for (const char* part : {"Thank you for loading this plugin!\n", "SHA-256",
                           "\ntempo: there is no layer named `LSTMM`; did you mean `LSTM`?\n"})
    BOOST_TEST(unknown.output.find(part) != std::string::npos, part << " is not in\n"
                                                                    << unknown.output);
  BOOST_TEST(unknown.output.find("ends the process") == std::string::npos, unknown.output);
  fs::remove_all(folder);
}
