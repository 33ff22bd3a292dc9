// SPDX-License-Identifier: Apache-2.0
// Runs each job once on every contestant and compares all results.
#include "check.hpp"

#include <algorithm>
#include <cmath>
#include <sstream>

#include "benchmarks/cells.hpp"
#include "settings.hpp"

namespace bench {

namespace {

// The largest difference allowed, relative to the largest element of the tensor. In int8, each
// contestant rounds in its own way.
double tolerance(const Job& job) {
  if (job.mode.starts_with("int8")) return 0.05;
  return job.dtype == "float64" ? 1e-10 : 2e-5;
}

Results results_of(const std::string& program, const Job& job) {
  return Process(program, job, any_settings(program, job.threads)).results();
}

const Named* find(const Results& results, const std::string& name) {
  for (const Named& r : results)
    if (r.name == name) return &r;
  return nullptr;
}

[[noreturn]] void stop(const Line& line, const Peer& peer, const std::string& why) {
  throw std::runtime_error("results differ: " + to_text(line.job) + "\n  Tempo beside " +
                           peer.program + ": " + why + "\n  Nothing is timed until they agree.");
}

void compare(const Named& ours, const Named& theirs, const Line& line, const Peer& peer) {
  if (ours.values.size() != theirs.values.size())
    stop(line, peer,
         ours.name + " has " + std::to_string(ours.values.size()) + " elements, theirs " +
             std::to_string(theirs.values.size()));
  double scale = 1e-30, worst = -1;
  std::size_t at = 0;
  for (const double v : theirs.values) scale = std::max(scale, std::abs(v));
  for (std::size_t i = 0; i < ours.values.size(); ++i) {
    const double apart = std::abs(ours.values[i] - theirs.values[i]);
    if (apart > worst || std::isnan(apart)) {
      worst = apart;
      at = i;
    }
    if (std::isnan(apart)) break;
  }
  if (worst <= tolerance(line.job) * scale) return;
  std::ostringstream why;
  why << ours.name << "[" << at << "] is " << ours.values[at] << ", theirs " << theirs.values[at]
      << "; that is " << worst / scale << " of the largest element, allowed are "
      << tolerance(line.job);
  stop(line, peer, why.str());
}

}  // namespace

void check_results(const Block& block) {
  for (const Line& line : block.lines) {
    if (line.peers.empty() || cell_named(line.job.cell).draws) continue;
    const Results ours = results_of("tempo", line.job);
    for (const Peer& peer : line.peers) {
      if (peer.job.cell != line.job.cell) continue;  // only its weights differ
      Results theirs;
      try {
        theirs = results_of(peer.program, peer.job);
      } catch (const Unsupported&) {
        continue;
      }
      for (const Named& mine : ours) {
        const Named* other = find(theirs, mine.name);
        if (!other) stop(line, peer, mine.name + " is missing there");
        compare(mine, *other, line, peer);
      }
    }
  }
}

}  // namespace bench
