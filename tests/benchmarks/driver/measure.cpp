// SPDX-License-Identifier: Apache-2.0
// Rounds in which the contestants take turns.
#include "measure.hpp"

#include <algorithm>
#include <cmath>

#include "check.hpp"
#include "peak.hpp"
#include "settings.hpp"

namespace bench {

namespace {

constexpr double turn_seconds =
    0.04;  // short jobs are repeated so that a turn lasts this long, warm as in training

struct Entrant {
  Timing timing;
  std::unique_ptr<Process> process;
  int64_t repeats = 1;
};

using Peaks = std::map<std::pair<std::string, int>, double>;

bool same(const Job& a, const Job& b) { return to_text(a) == to_text(b); }

Entrant* find(std::vector<Entrant>& all, const std::string& program, const Job& job) {
  for (Entrant& e : all)
    if (e.timing.program == program && same(e.timing.job, job)) return &e;
  return nullptr;
}

void enter(std::vector<Entrant>& all, const std::string& program, const Job& job) {
  if (find(all, program, job)) return;
  Entrant e;
  e.timing.program = program;
  e.timing.job = job;
  try {
    Candidate best = best_settings(program, job);
    e.timing.settings = std::move(best.settings);
    e.process = std::move(best.process);
    e.repeats =
        std::clamp(static_cast<int64_t>(turn_seconds / best.seconds), int64_t{1}, int64_t{100'000});
    all.push_back(std::move(e));
  } catch (const Unsupported& why) {
    if (program == "tempo") throw;
  }
}

std::vector<Entrant> entrants_of(const Block& block) {
  std::vector<Entrant> all;
  for (const Line& line : block.lines) {
    enter(all, "tempo", line.job);
    for (const Peer& peer : line.peers) enter(all, peer.program, peer.job);
  }
  return all;
}

void take_turns(std::vector<Entrant>& all, int rounds, Peaks& peaks) {
  const std::size_t n = all.size();
  for (int round = 0; round < rounds; ++round) {
    for (auto& [what, best] : peaks) best = std::max(best, fma_peak(what.first, what.second));
    for (std::size_t i = 0; i < n; ++i) {
      Entrant& e = all[(i + static_cast<std::size_t>(round)) % n];
      e.timing.seconds.push_back(e.process->run(e.repeats));
    }
  }
  for (Entrant& e : all) {
    e.timing.megabytes = e.process->megabytes();
    e.timing.allocations = e.process->allocations();
  }
}

Row row_of(const Line& line, const Block& block, std::vector<Entrant>& all, const Peaks& peaks) {
  Row row{block.group, block.title, line, find(all, "tempo", line.job)->timing, {}, {}, 0};
  for (const Peer& peer : line.peers)
    if (const Entrant* e = find(all, peer.program, peer.job)) row.peers[peer.program] = e->timing;
  if (line.against >= 0) {
    const Job& other = block.lines[static_cast<std::size_t>(line.against)].job;
    row.against = ratio(find(all, "tempo", other)->timing, row.tempo);
  }
  row.peak = peaks.at({line.job.dtype, line.job.threads});
  return row;
}

}  // namespace

double Timing::least() const { return *std::min_element(seconds.begin(), seconds.end()); }

Ratio ratio(const Timing& other, const Timing& this_one) {
  std::vector<double> rounds;
  for (std::size_t i = 0; i < this_one.seconds.size(); ++i)
    rounds.push_back(other.seconds[i] / this_one.seconds[i]);
  std::sort(rounds.begin(), rounds.end());
  const std::size_t quarter = rounds.size() / 4;
  return {other.least() / this_one.least(), rounds[quarter], rounds[rounds.size() - 1 - quarter]};
}

std::vector<Row> measure(const Block& block, int rounds, const Report& progress) {
  static Peaks peaks;
  const Job& first = block.lines[0].job;
  const std::string where = block.title + ", " + to_text(first.size) + ", " +
                            std::to_string(first.threads) +
                            (first.threads == 1 ? " thread" : " threads");
  progress(where + ": comparing results");
  check_results(block);
  progress(where + ": finding settings");
  std::vector<Entrant> all = entrants_of(block);
  Peaks here;
  for (const Line& line : block.lines) {
    const std::pair key(line.job.dtype, line.job.threads);
    here[key] = peaks[key];
  }
  progress(where + ": " + std::to_string(all.size()) + " contestants, " + std::to_string(rounds) +
           " rounds");
  take_turns(all, rounds, here);
  for (const auto& [key, best] : here) peaks[key] = best;
  std::vector<Row> rows;
  for (const Line& line : block.lines) rows.push_back(row_of(line, block, all, here));
  return rows;
}

}  // namespace bench
