#include "settings.hpp"

#include <algorithm>

namespace bench {

namespace {

// Tempo is asked for its threads and chooses the rest itself, as do its users. A peer may run on
// fewer threads than asked for where that is faster.
std::vector<Settings> candidates(const std::string& program, int threads) {
  std::vector<std::string> counts{std::to_string(threads)};
  if (threads > 1) counts.push_back("1");
  std::vector<Settings> out;
  if (program == "onednn") {
    for (const std::string& omp : counts)
      for (const char* weights : {"packed", "plain"})
        out.push_back({{"OMP_NUM_THREADS", omp}, {"BENCH_WEIGHTS", weights}});
  } else if (program == "libtorch") {
    for (const std::string& omp : counts)
      for (const std::string& blas : counts)
        out.push_back({{"OMP_NUM_THREADS", omp}, {"OPENBLAS_NUM_THREADS", blas}});
  } else {
    out.push_back({{"TEMPO_NUM_THREADS", counts[0]}});
  }
  return out;
}

}  // namespace

Settings any_settings(const std::string& program, int threads) {
  return candidates(program, threads).front();
}

Candidate best_settings(const std::string& program, const Job& job) {
  constexpr int tries = 3;
  Candidate best;
  for (const Settings& settings : candidates(program, job.threads)) {
    auto process = std::make_unique<Process>(program, job, settings);
    process->run(1);
    double seconds = process->run(1);
    const int64_t repeats = std::max<int64_t>(1, static_cast<int64_t>(0.01 / seconds));
    for (int i = 0; i < tries; ++i) seconds = std::min(seconds, process->run(repeats));
    if (!best.process || seconds < best.seconds) best = {settings, std::move(process), seconds};
  }
  return best;
}

}  // namespace bench
