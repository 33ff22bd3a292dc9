// SPDX-License-Identifier: Apache-2.0
// The settings that are tried for each peer, and the trial.
#include "settings.hpp"

#include <algorithm>
#include <cstdlib>

namespace bench {

namespace {

// Combines each value with all settings so far; "" leaves the variable unset. If the environment
// sets it already, that is the only value.
void choose(std::vector<Settings>& all, const char* name, std::vector<std::string> values) {
  if (const char* given = std::getenv(name)) values = {given};
  std::vector<Settings> out;
  for (const Settings& settings : all)
    for (const std::string& value : values) {
      out.push_back(settings);
      if (!value.empty()) out.back().emplace(name, value);
    }
  all = std::move(out);
}

// Debian 12's OpenBLAS runs its oldest kernels on processors that are newer than itself.
std::vector<std::string> openblas_cores() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512vl")) return {"SkylakeX", ""};
  if (__builtin_cpu_supports("avx2")) return {"Haswell", ""};
#endif
  return {""};
}

// Tempo is given its threads and chooses the rest itself, as for its users. A peer may run on fewer
// threads than asked for if that is faster.
std::vector<Settings> candidates(const std::string& program, int threads) {
  std::vector<std::string> counts{std::to_string(threads)};
  if (threads > 1) counts.push_back("1");
  if (program == "tempo" || program == "before" || program == "hand")
    return {{{"TEMPO_NUM_THREADS", counts[0]}}};
  std::vector<Settings> out(1);
  if (program == "onnxruntime") {
    choose(out, "BENCH_THREADS", counts);
    return out;
  }
  choose(out, "OMP_NUM_THREADS", counts);
  if (program == "onednn") {
    choose(out, "BENCH_WEIGHTS", {"packed", "plain"});
    choose(out, "BENCH_SEQUENCES", {"direct", "reordered"});
  } else {
    choose(out, "OPENBLAS_NUM_THREADS", counts);
    choose(out, "OPENBLAS_CORETYPE", openblas_cores());
  }
  return out;
}

}  // namespace

Settings any_settings(const std::string& program, int threads) {
  return candidates(program, threads).front();
}

Candidate best_settings(const std::string& program, const Job& job) {
  constexpr int tries = 3;
  constexpr double hopeless = 1.5;  // times slower than the best so far, in the shortest of some
  constexpr double no_hiccup = 4;   // the same, in a single long run
  Candidate best;
  for (const Settings& settings : candidates(program, job.threads)) {
    auto process = std::make_unique<Process>(program, job, settings);
    const double first = process->run(1);
    if (best.process && first > no_hiccup * best.seconds && best.seconds > 0.02) continue;
    double seconds = std::min({process->run(1), process->run(1), process->run(1)});
    if (best.process && seconds > hopeless * best.seconds) continue;
    const int64_t repeats = std::max<int64_t>(1, static_cast<int64_t>(0.01 / seconds));
    for (int i = 0; i < tries; ++i) seconds = std::min(seconds, process->run(repeats));
    if (!best.process || seconds < best.seconds) best = {settings, std::move(process), seconds};
  }
  return best;
}

}  // namespace bench
