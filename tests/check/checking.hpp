// SPDX-License-Identifier: Apache-2.0
// Runs `tempo check`, and compares what it finds with what it should.
#pragma once

#include <sys/wait.h>

#include <cstdio>
#include <filesystem>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include "tensor/sanitizers.hpp"

namespace checking {
namespace fs = std::filesystem;

inline std::string file_of(const std::string& name) {
  return fs::canonical(TEMPO_TEST_PLUGINS).string() + "/" + name + ".so";
}

inline const char* const crashed = "it was ended by signal 11 (Segmentation fault).";
// ThreadSanitizer has a word on who exits while it is loaded.
inline const char* const without_a_word = TEMPO_THREAD_SANITIZER
                                              ? "it ended the process, exit code 66."
                                              : "it ended the process without a word.";

struct Finished {
  std::string output;
  int code;
};
inline std::string program() {
  return (fs::path(TEMPO_TEST_PLUGINS) / "../../bin/tempo").lexically_normal().string();
}
// `before` is what the shell does first.
inline Finished run(const std::string& arguments, const std::string& before = "") {
  Finished finished{"", -1};
  FILE* pipe = popen((before + program() + " " + arguments + " 2>&1").c_str(), "r");
  BOOST_REQUIRE(pipe);
  char buffer[4096];
  while (const std::size_t n = fread(buffer, 1, sizeof buffer, pipe))
    finished.output.append(buffer, n);
  const int status = pclose(pipe);
  finished.code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return finished;
}

inline Finished check(const std::string& arguments, const std::string& before = "") {
  return run("check " + arguments, before);
}

struct Found {
  std::string outcome, text;
};
// By "part check".
inline std::map<std::string, Found> findings(const std::string& arguments,
                                             const std::string& before = "") {
  const Finished finished = check("--json " + arguments, before);
  std::map<std::string, Found> all;
  std::istringstream lines(finished.output);
  for (std::string line; std::getline(lines, line);) {
    const auto f = nlohmann::json::parse(line);
    const std::string of = f["of"];
    all[(of.empty() ? "" : of + " ") + f["check"].get<std::string>()] = {f["outcome"], f["text"]};
  }
  bool any_failed = false;
  for (const auto& [name, found] : all) any_failed |= found.outcome == "failed";
  BOOST_TEST(finished.code == (any_failed ? 1 : 0));
  return all;
}

struct Expected {
  const char* what;  // part and check
  const char* outcome;
  const char* text;  // that is in it
};

inline void compare(const std::map<std::string, Found>& found, const std::vector<Expected>& all) {
  for (const Expected& e : all) BOOST_TEST_CONTEXT(e.what) {
      const auto at = found.find(e.what);
      BOOST_REQUIRE(at != found.end());
      BOOST_TEST(at->second.outcome == e.outcome, at->second.outcome << ": " << at->second.text);
      BOOST_TEST(at->second.text.find(e.text) != std::string::npos, at->second.text);
    }
}

}  // namespace checking
