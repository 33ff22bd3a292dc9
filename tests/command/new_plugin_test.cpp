// SPDX-License-Identifier: Apache-2.0
// `tempo new plugin` writes a whole folder, or says why not and leaves nothing. A test of the
// install checks that its result builds.
#define BOOST_TEST_MODULE new_plugin
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <string>

#include <boost/test/unit_test.hpp>

namespace fs = std::filesystem;

namespace {

// An empty folder, in which the commands run.
struct Folder {
  fs::path path = fs::temp_directory_path() / ("tempo_new_plugin_" + std::to_string(getpid()));
  Folder() {
    fs::remove_all(path);
    fs::create_directory(path);
  }
  ~Folder() { fs::remove_all(path); }

  std::set<std::string> names(const std::string& below = "") const {
    std::set<std::string> all;
    for (const auto& entry : fs::directory_iterator(path / below))
      all.insert(entry.path().filename());
    return all;
  }
  std::string read(const std::string& file) const {
    std::ostringstream text;
    text << std::ifstream(path / file).rdbuf();
    return text.str();
  }
};

struct Finished {
  std::string output;
  int code;
};
// `before` is what the shell runs first.
Finished make(const Folder& folder, const std::string& arguments, const std::string& before = "") {
  const std::string program =
      (fs::path(TEMPO_TEST_PLUGINS) / "../../bin/tempo").lexically_normal().string();
  Finished finished{"", -1};
  FILE* pipe = popen(("cd " + folder.path.string() + " && " + before + program + " new plugin " +
                      arguments + " 2>&1")
                         .c_str(),
                     "r");
  BOOST_REQUIRE(pipe);
  char buffer[4096];
  while (const std::size_t n = fread(buffer, 1, sizeof buffer, pipe))
    finished.output.append(buffer, n);
  const int status = pclose(pipe);
  finished.code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return finished;
}

struct Row {
  const char* arguments;
  const char* text;  // how the error begins
};
const Row refused[] = {
    {"''", "tempo: new plugin: `` cannot be its name: one is of at most 60 small letters, digits"},
    {"9", "tempo: new plugin: `9` cannot be its name: one is of at most 60 small letters"},
    {"My-Unit",
     "tempo: new plugin: `My-Unit` cannot be its name: one is of at most 60 small "
     "letters, digits and `_`, the first a letter.\n  Did you mean `my_unit`?\n"},
    {"MyGRU",
     "tempo: new plugin: `MyGRU` cannot be its name: one is of at most 60 small letters, "
     "digits and `_`, the first a letter.\n  Did you mean `my_gru`?\n"},
    {"../unit", "tempo: new plugin: `../unit` cannot be its name: "},
    {"a234567890123456789012345678901234567890123456789012345678901",
     "tempo: new plugin: `a234567890123456789012345678901234567890123456789012345678901` cannot"},
    {"test",
     "tempo: new plugin: `test` cannot be its name: CMake has a target of that name.\n"
     "  `test_cell` can.\n"},
    {"taken", "tempo: new plugin: there is taken in "},
    {"dangling", "tempo: new plugin: there is dangling in "},
    {"lstm", "tempo: new plugin: there is a layer `LSTM` already, of plugin tempo "},
    {"tempo", "tempo: new plugin: there is a plugin `tempo` already, "},
    {"pre_lu", "tempo: new plugin: there is a layer `PReLU` already, of plugin tempo "},
    {"tanh", "tempo: new plugin: there is an op `tanh` already.\n  Choose another name.\n"},
    {"my_unit --like snak",
     "tempo: new plugin: there is no example named `snak`; did you mean `snake`?\n  It can begin "
     "as\n    ind_rnn          IndependentRNN, a cell in Rust\n    leaky_integrator "
     "LeakyIntegrator, a "
     "cell in C\n"},
};

}  // namespace

BOOST_AUTO_TEST_CASE(a_name_that_cannot_be_is_told_and_nothing_is_written) {
  const Folder folder;
  fs::create_directory(folder.path / "taken");
  fs::create_symlink("nowhere", folder.path / "dangling");
  for (const Row& row : refused) BOOST_TEST_CONTEXT(row.arguments) {
      const Finished finished = make(folder, row.arguments);
      BOOST_TEST(finished.code == 1);
      BOOST_TEST(finished.output.starts_with(row.text), finished.output);
      BOOST_TEST(folder.names() == (std::set<std::string>{"dangling", "taken"}),
                 boost::test_tools::per_element());
      BOOST_TEST(folder.names("taken").empty());
    }
}

BOOST_AUTO_TEST_CASE(an_example_is_written_under_its_new_name) {
  const Folder folder;
  const std::pair<std::string, std::string> examples[] = {{"minimal_gated", ".cpp"},
                                                          {"leaky_integrator", ".c"},
                                                          {"ind_rnn", ".rs"},
                                                          {"residual", ".cpp"},
                                                          {"snake", ".cpp"}};
  for (const auto& [like, suffix] : examples) BOOST_TEST_CONTEXT(like) {
      const std::string name = "my_" + (like == "snake" ? "wave" : like);
      const Finished finished = make(folder, name + " --like " + like);
      BOOST_TEST(finished.code == 0, finished.output);
      const std::string source = name + suffix;
      const std::set<std::string> files{"CMakeLists.txt", "README.md", source};
      BOOST_TEST(folder.names(name) == files, boost::test_tools::per_element());
      for (const std::string& file : files) {
        const std::string text = folder.read(name + "/" + file);
        BOOST_TEST(finished.output.find("  " + name + "/" + file + "\n") != std::string::npos);
        BOOST_TEST(text.find(name) != std::string::npos, file << " does not say " << name);
        BOOST_TEST(text.find("SPDX") == std::string::npos, file << " has a licence");
        if (name == "my_wave")
          BOOST_TEST(text.find("nake") == std::string::npos, file << " says snake");
      }
    }
}

BOOST_AUTO_TEST_CASE(a_folder_that_cannot_be_written_as_a_whole_is_not_there) {
  const Folder folder;
  const Finished full = make(folder, "my_unit", "trap '' XFSZ && ulimit -f 0 && ");
  BOOST_TEST(full.code == 1);
  BOOST_TEST(full.output.starts_with(
                 "tempo: new plugin: my_unit.cpp cannot be written: File too large.\n  Nothing is "
                 "left of it.\n"),
             full.output);
  BOOST_TEST(folder.names().empty());
}
