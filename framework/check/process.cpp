// SPDX-License-Identifier: Apache-2.0
// Reads the state of the whole process, and captures its output.
#include "check/process.hpp"

#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cfenv>
#include <clocale>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "check/subject.hpp"

namespace tempo::conformance {

std::vector<std::pair<std::string, std::string>> of_this_process() {
  std::vector<std::pair<std::string, std::string>> all;
  std::error_code ignored;
  const auto add = [&](const char* what, const std::string& value) {
    all.emplace_back(what, value);
  };
  add("the folder it is in", std::filesystem::current_path(ignored).string());
  const char* const locale = std::setlocale(LC_ALL, nullptr);
  add("the locale", locale ? locale : "");
  const mode_t mask = umask(0);
  umask(mask);
  add("the umask", std::to_string(mask));
  add("the rounding", std::to_string(std::fegetround()));
  std::size_t threads = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/task", ignored)) {
    (void)entry;
    ++threads;
  }
  add("the number of threads", std::to_string(threads));
  std::string handlers;
  for (int signal = 1; signal < NSIG; ++signal) {
    struct sigaction now {};
    if (sigaction(signal, nullptr, &now) == 0 && now.sa_handler != SIG_DFL)
      handlers += std::to_string(signal) + (now.sa_handler == SIG_IGN ? "i " : " ");
  }
  add("the signals that are handled", handlers);
  sigset_t blocked;
  pthread_sigmask(SIG_SETMASK, nullptr, &blocked);
  std::string mask_of_signals;
  for (int signal = 1; signal < NSIG; ++signal)
    if (sigismember(&blocked, signal) == 1) mask_of_signals += std::to_string(signal) + " ";
  add("the signals that are blocked", mask_of_signals);
  return all;
}

void require_unchanged(const std::vector<std::pair<std::string, std::string>>& before,
                       const std::string& doing) {
  const auto after = of_this_process();
  for (std::size_t i = 0; i < before.size(); ++i)
    require(before[i] == after[i], doing + " changes " + before[i].first + ": " + before[i].second +
                                       " before, " + after[i].second + " after");
}

void says_no_more() { unsetenv("TEMPO_PLUGIN_TRACE"); }

Kept::Kept() : file_(memfd_create("kept", MFD_CLOEXEC)) {
  fflush(nullptr);
  for (int i = 0; i < 2; ++i) {
    before_[i] = fcntl(i + 1, F_DUPFD_CLOEXEC, 10);
    dup2(file_, i + 1);
  }
}

std::string Kept::text() {
  give_back();
  std::string out(2000, '\0');
  const ssize_t n = pread(file_, out.data(), out.size(), 0);
  out.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
  return out;
}

void Kept::give_back() {
  fflush(nullptr);
  for (int i = 0; i < 2; ++i)
    if (before_[i] >= 0) {
      dup2(before_[i], i + 1);
      close(before_[i]);
      before_[i] = -1;
    }
}

}  // namespace tempo::conformance
