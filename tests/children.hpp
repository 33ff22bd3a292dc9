// SPDX-License-Identifier: Apache-2.0
// Runs children of a test: processes that do something and end. A child that hangs is killed, and
// counts as a failure.
#pragma once

#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <functional>

#include <tempo/layers.hpp>
#include <tempo/tempo.hpp>

#include "tensor/sanitizers.hpp"
#include "testing.hpp"

#if TEMPO_ADDRESS_SANITIZER
// A forked child lacks the other threads, so LeakSanitizer would report their memory, slowly.
extern "C" int __lsan_is_turned_off();
extern "C" int __lsan_is_turned_off() { return 1; }
#endif

namespace tempo::testing {

constexpr int right = 0, wrong = 1, threw = 2;
constexpr auto patience = std::chrono::seconds(120);

/// "ended with 0": how a child ended. A child that hangs is killed.
inline std::string ended(pid_t pid) {
  const auto begin = std::chrono::steady_clock::now();
  for (int status = 0; std::chrono::steady_clock::now() - begin < patience; ::usleep(1000))
    if (::waitpid(pid, &status, WNOHANG) == pid)
      return WIFEXITED(status) ? "ended with " + std::to_string(WEXITSTATUS(status))
                               : "killed by signal " + std::to_string(WTERMSIG(status));
  ::kill(pid, SIGKILL);
  ::waitpid(pid, nullptr, 0);
  return "hung";
}

/// How a child ends that runs f and exits with its result.
inline std::string child(const std::function<int()>& f) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    int code = threw;
    try {
      code = f();
    } catch (const std::exception& e) {
      std::fprintf(stderr, "child: %s\n", e.what());
    }
    std::exit(code);
  }
  return ended(pid);
}

inline void child_is_right(const std::string& what, const std::function<int()>& f) {
  BOOST_TEST(child(f) == "ended with 0", what);
}

inline Tensor samples(int64_t n, int64_t time, int64_t features) {
  return cast(normal({n, time, features}), float32);
}

/// Two long scans: each is left for later, and one is begun on another thread.
inline Layer long_scans() { return Bidirectional(LSTM({.units = 160, .return_sequences = true})); }
inline Tensor long_sequence() { return samples(1, 60, 40); }

inline Sequential small_model() {
  Sequential model({LSTM({.units = 8,
                          .kernel_initializer = glorot_uniform({.seed = 1}),
                          .recurrent_initializer = orthogonal({.seed = 2})}),
                    Dense({.units = 1, .kernel_initializer = glorot_uniform({.seed = 3})})});
  model.compile({.optimizer = Adam(), .loss = "mse"});
  return model;
}

/// The results of a model that was trained in this process.
inline std::vector<double> trained() {
  Sequential model = small_model();
  const Tensor x = samples(64, 20, 6), y = sum(sum(x, -1), -1, true);
  model.fit(x, y, {.batch_size = 16, .epochs = 2, .seed = 1, .verbose = 0});
  return model.predict(x).to_vector();
}

}  // namespace tempo::testing
