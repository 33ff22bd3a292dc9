// SPDX-License-Identifier: Apache-2.0
// `tempo check` finds each planted fault by the check that is meant for it, survives it, and finds
// nothing in a plugin without faults.
#define BOOST_TEST_MODULE check
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <thread>

#include <boost/test/unit_test.hpp>

#include "check/checking.hpp"

using namespace checking;

BOOST_AUTO_TEST_CASE(a_layer_that_ends_its_process_is_found_and_the_check_goes_on) {
  const auto found = findings(
      file_of("broken") + " --only made --only ranks --only options --only runs --only gradient");
  compare(found, {
                     {"load", "ok", ""},
                     {"Sound made", "ok", ""},
                     {"Sound ranks", "ok", ""},
                     {"Sound options", "ok", ""},
                     {"CrashesInCreate made", "failed", crashed},
                     {"CrashesInBuild made", "failed", crashed},
                     {"CrashesInCall made", "failed", crashed},
                     {"CrashesInDestroy made", "failed", crashed},
                     {"ExitsInCall made", "failed", "it ended the process without a word."},
                     {"AbortsInCall made", "failed", "it was ended by signal 6 (Aborted)."},
                     {"Terminates made", "failed", "it was ended by signal 6 (Aborted)."},
                     {"Terminates made", "failed", "not caught"},
                     {"DividesByZero made", "failed",
                      "it was ended by signal 8 (Floating point exception)."},
                     {"OverflowsTheStack made", "failed", crashed},
                     {"CrashingCell cell made", "failed", crashed},
                     {"CrashesOnOneAxis made", "ok", ""},
                     {"CrashesOnOneAxis ranks", "failed", crashed},
                     {"CrashesOnNoSequences made", "ok", ""},
                     {"CrashesOnNoSequences ranks", "failed", "it was ended by signal 8"},
                     {"CrashesOnItsOption made", "ok", ""},
                     {"CrashesOnItsOption options", "failed", crashed},
                     {"op broken_SoundOp runs", "ok", ""},
                     {"op broken_SoundOp gradient", "ok", ""},
                     {"op broken_CrashingOp runs", "failed", crashed},
                     {"op broken_WrongGradientOp runs", "ok", ""},
                     {"op broken_WrongGradientOp gradient", "failed", "gradcheck: FAILED"},
                     {"op broken_CrashingGradientOp gradient", "failed", crashed},
                     {"op broken_UnwrittenOp runs", "failed", "computed again, the result"},
                     {"op broken_NoGradientOp gradient", "warning", "it has no gradient"},
                     {"op broken_RoundsUpOp runs", "failed", "it changed the floating-point mode"},
                 });
  BOOST_TEST(found.count("CrashesInCall ranks") == 0u);  // not made, so not checked further
}

BOOST_AUTO_TEST_CASE(what_a_layer_leaves_behind_is_found) {
  std::vector<Expected> expected = {
      {"described", "warning", "SaysNothing has no summary"},
      {"described", "warning", "option `units` of SaysNothing has no sentence"},
      {"Sound leaks", "ok", ""},
      {"Sound together", "ok", ""},
      {"KeepsAVariable together", "failed", "a result"},
  };
#if !TEMPO_ADDRESS_SANITIZER && !TEMPO_THREAD_SANITIZER  // whose memory malloc does not count
  expected.push_back({"LeaksTensors leaks", "failed", " bytes are left behind"});
  expected.push_back({"LeaksMemory leaks", "failed", " bytes are left behind"});
#endif
  compare(findings(file_of("broken") + " --only leaks --only together --only described"), expected);
}

BOOST_AUTO_TEST_CASE(what_a_plugin_does_while_it_is_loaded_is_found) {
  struct Case {
    const char* plugin;
    Expected expected;
  };
  const Case cases[] = {
      {"crashes", {"load", "failed", crashed}},
      {"babbles", {"load", "failed", "It said: Sch\xef\xbf\xbdn."}},
      {"is_killed",
       {"load", "failed",
        "it was ended by signal 9 (Killed), by somebody, or by the system, which had no memory "
        "left."}},
      {"exits", {"load", "failed", without_a_word}},
      {"throws", {"load", "failed", "it was ended by signal 6 (Aborted)."}},
      {"prints", {"quiet", "failed", "to load it prints: Thank you for loading this plugin!"}},
      {"moves", {"quiet", "failed", "to load it changes the folder it is in: "}},
      {"translates", {"quiet", "failed", "to load it changes the locale: "}},
      {"unmasks", {"quiet", "failed", "to load it changes the umask: "}},
      {"handles", {"quiet", "failed", "to load it changes the signals that are handled: "}},
      {"threads", {"quiet", "failed", "to load it changes the number of threads: "}},
  };
  for (const Case& c : cases)
    compare(findings(file_of(c.plugin + std::string("_at_start")) + " --only quiet"), {c.expected});
  // The findings do not depend on where programs look for plugins, nor on what those print.
  const fs::path folder = fs::temp_directory_path() / ("quiet_" + std::to_string(getpid()));
  fs::create_directory(folder);
  const fs::path copy = folder / "prints.so";
  fs::copy_file(file_of("prints_at_start"), copy);
  for (const std::string variable : {"TEMPO_PLUGIN_PATH", "TEMPO_PLUGIN_FOLDER"})
    compare(findings(copy.string() + " --only quiet", variable + "=" + folder.string() + " "),
            {{"quiet", "failed", "to load it prints: Thank you for loading this plugin!"}});
  fs::remove_all(folder);
  compare(findings(file_of("good") + " --only quiet", "TEMPO_PLUGIN_TRACE=1 "),
          {{"quiet", "ok", ""}});
  compare(findings(file_of("fast_math") + " --only quiet"), {{"quiet", "ok", ""}});
  compare(findings(file_of("hangs_at_start") + " --only load --seconds 5"),
          {{"load", "failed", "it did not end within 5 seconds."}});
  compare(findings("/no/such.so"),
          {{"load", "failed", "plugin /no/such.so: there is no such file."}});
}

BOOST_AUTO_TEST_CASE(a_plugin_without_a_fault_passes_all_checks) {
  std::string only;  // its dense layer passes no mask on
  for (const char* name : {"load", "quiet", "described", "made", "options", "ranks", "together",
                           "leaks", "grad2", "saved", "stream", "runs", "gradient"})
    only += std::string(" --only ") + name;
  const Finished good = check(file_of("good") + only);
  BOOST_TEST(good.output.find("FAILED") == std::string::npos, good.output);
  BOOST_TEST(good.output.starts_with("good 1.2.3   " + file_of("good") + "\n"), good.output);
  BOOST_TEST(good.output.find("\n  Squash cell") != std::string::npos, good.output);
  BOOST_TEST(good.output.find(", 0 failed\n") != std::string::npos, good.output);
  BOOST_TEST(good.code == 0);
}

BOOST_AUTO_TEST_CASE(one_check_can_be_run_here_for_a_debugger) {
  const std::string one = "--in-process --only runs --part 'op broken_SoundOp' ";
  BOOST_TEST(check(one + file_of("broken")).output == "ok\n");
  const Finished wrong =
      check("--in-process --only gradient --part 'op broken_WrongGradientOp' " + file_of("broken"));
  BOOST_TEST(wrong.output.starts_with("FAILED: gradcheck: FAILED"), wrong.output);
  BOOST_TEST(wrong.code == 1);
}

BOOST_AUTO_TEST_CASE(it_tells_its_checks_and_what_it_does_not_know) {
  const Finished list = check("--list");
  for (const char* part :
       {"Of a plugin:\n  load ", "\nOf each layer and cell:\n  made ", "\n  grad1 ", "\n  leaks ",
        "\nOf each op:\n  runs ", "\nOf each function:\n  gives "})
    BOOST_TEST(list.output.find(part) != std::string::npos, part << " is not in\n" << list.output);
  std::ifstream file(TEMPO_SOURCE_DIR "/docs/check.md");
  const std::string page{std::istreambuf_iterator<char>(file), {}};
  BOOST_TEST(page.find("```text\n" + list.output + "```\n") != std::string::npos,
             "docs/check.md does not have the list of checks that `tempo check --list` prints");
  const Finished unknown = check("--only grad3 " + file_of("good"));
  BOOST_TEST(
      unknown.output.starts_with("tempo: there is no check `grad3`; did you mean `grad1`?\n"),
      unknown.output);
  BOOST_TEST(unknown.code == 1);
  BOOST_TEST(check("").output.starts_with("tempo: check: the plugin's file is required"));
}

namespace {

// The child processes, among all processes, that check this file.
std::vector<pid_t> children_that_check(const std::string& file) {
  std::vector<pid_t> found;
  for (const fs::directory_entry& entry : fs::directory_iterator("/proc")) {
    std::ifstream words(entry.path() / "cmdline");
    const std::string line{std::istreambuf_iterator<char>(words), {}};
    if (line.find(file) != line.npos && line.find("--in-process") != line.npos)
      found.push_back(std::stoi(entry.path().filename().string()));
  }
  return found;
}

// Waits until there are some, or none; returns false after a minute.
bool come_to(bool some, const std::string& file) {
  for (int i = 0; i < 600; ++i) {
    if (children_that_check(file).empty() != some) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  return false;
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_child_ends_with_the_check) {
  const std::string file = file_of("hangs_at_start");
  const pid_t parent = fork();
  if (parent == 0) {
    execl(program().c_str(), "tempo", "check", "--only", "load", file.c_str(), nullptr);
    _exit(127);
  }
  BOOST_TEST(come_to(true, file));
  kill(parent, SIGKILL);
  waitpid(parent, nullptr, 0);
  BOOST_TEST(come_to(false, file));
  for (const pid_t left : children_that_check(file)) kill(left, SIGKILL);
}

BOOST_AUTO_TEST_CASE(what_a_child_has_started_ends_with_it) {
  const std::string file = file_of("leaves_at_start");
  compare(findings(file + " --only load"), {{"load", "ok", ""}});
  const std::vector<pid_t> left = children_that_check(file);
  BOOST_TEST(left.size() == 0u);
  for (const pid_t process : left) kill(process, SIGKILL);
}

BOOST_AUTO_TEST_CASE(a_child_is_seen_to_end_where_children_are_ignored) {
  const Finished good = check("--only load --seconds 20 " + file_of("good"), "trap '' CHLD; exec ");
  BOOST_TEST(good.output.find("1 checks, 0 warnings, 0 skipped, 0 failed") != std::string::npos,
             good.output);
}

BOOST_AUTO_TEST_CASE(a_plugin_that_another_one_needs_is_loaded_in_the_child) {
  const std::string crashes = "--plugin " + file_of("crashes_at_start");
  compare(findings("--only load " + crashes + " " + file_of("good")),
          {{"load", "failed", crashed}});
}

BOOST_AUTO_TEST_CASE(options_that_do_nothing_are_refused) {
  for (const char* given :
       {"--in-process --json ", "--in-process --seconds 5 ", "--in-process --megabytes 100 ",
        "--in-process --only load --only quiet "}) {
    const Finished refused = check(given + file_of("good"));
    BOOST_TEST(refused.code == 1, given << refused.output);
    BOOST_TEST(refused.output.find("--in-process") != std::string::npos, refused.output);
  }
}
