// SPDX-License-Identifier: Apache-2.0
// Makes one mistake after the other and counts those that the suites find.
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <set>

#include <tempo/tensor.hpp>

#include "mutation/table.hpp"

namespace {

using namespace tempo::mutation;

constexpr const char* usage =
    "usage: mutation [--only TEXT] [--these FILE] [--piece I/N] [--sample N] [--list] [--parts] "
    "[--findings]\n"
    "  --only TEXT  the mutants whose text holds TEXT\n"
    "  --these FILE those whose texts are lines of a file\n"
    "  --piece I/N  every N-th, from the I-th on: all pieces are all\n"
    "  --sample N   N of them, spread over all\n"
    "  --list       their texts alone\n"
    "  --parts      what is run for them, with its seconds of the processor\n"
    "  --findings   also what found each\n";

struct Arguments {
  std::string only, these;
  std::size_t sample = 0, piece = 1, pieces = 1;
  bool list = false, parts = false, findings = false;

  bool are_all() const { return only.empty() && these.empty() && sample == 0 && pieces == 1; }
};

bool read(int count, char** words, Arguments& out) {
  for (int i = 1; i < count; ++i) {
    const std::string word = words[i];
    if (word == "--sample" && i + 1 < count)
      out.sample = std::strtoull(words[++i], nullptr, 10);
    else if (word == "--piece" && i + 1 < count &&
             std::sscanf(words[i + 1], "%zu/%zu", &out.piece, &out.pieces) == 2 && out.piece >= 1 &&
             out.piece <= out.pieces)
      ++i;
    else if (word == "--only" && i + 1 < count)
      out.only = words[++i];
    else if (word == "--these" && i + 1 < count)
      out.these = words[++i];
    else if (word == "--list")
      out.list = true;
    else if (word == "--parts")
      out.parts = true;
    else if (word == "--findings")
      out.findings = true;
    else
      return false;
  }
  return true;
}

std::set<std::string> lines_of(const std::string& path) {
  std::ifstream in(path);
  std::set<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.insert(line);
  if (lines.empty()) throw tempo::Error("mutation: " + path + " has no lines.");
  return lines;
}

std::vector<Candidate> chosen(std::vector<Candidate> all, const Arguments& arguments) {
  std::erase_if(all, [&](const Candidate& c) {
    return c.mutant.text().find(arguments.only) == std::string::npos;
  });
  if (!arguments.these.empty()) {
    const std::set<std::string> these = lines_of(arguments.these);
    std::erase_if(all, [&](const Candidate& c) { return !these.contains(c.mutant.text()); });
  }
  std::vector<Candidate> some;
  for (std::size_t i = arguments.piece - 1; i < all.size(); i += arguments.pieces)
    some.push_back(std::move(all[i]));
  if (arguments.sample == 0 || arguments.sample >= some.size()) return some;
  std::vector<Candidate> sample;
  for (std::size_t i = 0; i < arguments.sample; ++i)
    sample.push_back(some[i * some.size() / arguments.sample]);
  return sample;
}

void print(const Trials& trials, const std::vector<Candidate>& candidates,
           const std::vector<Finding>& findings) {
  constexpr const char* words[] = {"not made", "survived", "differs", "crashed", "took too long"};
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    std::cout << candidates[i].mutant.text() << ": " << words[findings[i].how];
    if (findings[i].is_kill()) std::cout << " in " << trials.name_of(findings[i].part);
    if (findings[i].how == Finding::survived)
      for (const std::size_t part : candidates[i].parts) std::cout << "; " << trials.name_of(part);
    std::cout << '\n';
  }
}

}  // namespace

int main(int count, char** words) try {
  Arguments arguments;
  if (!read(count, words, arguments)) {
    std::cerr << usage;
    return 2;
  }
  const auto began = std::chrono::steady_clock::now();
  const auto workers = static_cast<std::size_t>(std::max(1L, sysconf(_SC_NPROCESSORS_ONLN)));
  tempo::set_threads(1);
  watch_rules();
  for (const std::string& pass : unwatched_passes())
    throw tempo::Error(
        "mutation: the pass \"" + pass +
        "\" is not watched.\n  Add it to TEMPO_PASSES in tests/mutation/programs.cpp "
        "and to the list in tests/CMakeLists.txt.");
  Trials trials(workers);
  const std::vector<Candidate> candidates = chosen(trials.candidates(), arguments);
  if (arguments.list) {
    for (const Candidate& c : candidates) std::cout << c.mutant.text() << '\n';
    return 0;
  }
  if (arguments.parts) {
    for (std::size_t i = 0; i < trials.size(); ++i)
      std::cout << trials.seconds_of(i) << "  " << trials.name_of(i) << '\n';
    return 0;
  }
  const std::vector<Finding> findings = trials.findings(candidates);
  if (arguments.findings) print(trials, candidates, findings);
  const bool enough = report(trials, candidates, findings, arguments.are_all());
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  std::cout << "in " << static_cast<int>(took.count()) << " s by " << workers << " processes\n";
  return enough ? 0 : 1;
} catch (const std::exception& e) {
  std::cerr << e.what() << '\n';
  return 2;
}
