// SPDX-License-Identifier: Apache-2.0
// Workers share memory with this process and take the next task until there is none; a task runs
// in a child of its worker, with limits.
#include "mutation/trials.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <new>
#include <sstream>
#include <tuple>

#include <tempo/error.hpp>

#include "tensor/sanitizers.hpp"

namespace tempo::mutation {

namespace {

constexpr double least_seconds = 5, times_as_long = 20;  // of the processor, for one part
constexpr unsigned longest_wait = 300;                   // seconds of the clock: it waits for ever

// Memory that processes share, zero at first.
template <class T>
class Shared {
 public:
  explicit Shared(std::size_t n) : size_(std::max<std::size_t>(1, n) * sizeof(T)) {
    void* const made =
        mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (made == MAP_FAILED) throw Error("mutation: there is no memory to share.");
    data_ = static_cast<T*>(made);
  }
  ~Shared() { munmap(data_, size_); }
  Shared(const Shared&) = delete;
  Shared& operator=(const Shared&) = delete;
  T& operator[](std::size_t i) { return data_[i]; }

 private:
  std::size_t size_;
  T* data_;
};

class Folder {
 public:
  Folder() {
    std::string name = std::filesystem::temp_directory_path() / "tempo_mutants_XXXXXX";
    if (!mkdtemp(name.data())) throw Error("mutation: there is no folder to write to.");
    path_ = name;
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  std::filesystem::path file(std::size_t i) const { return path_ / std::to_string(i); }

 private:
  std::filesystem::path path_;
};

struct ChildEnd {
  int code = 0, signal = 0;
  double seconds = 0;  // of the processor
};

void be_quiet() {
  const int nowhere = open("/dev/null", O_WRONLY);
  dup2(nowhere, STDOUT_FILENO);
  dup2(nowhere, STDERR_FILENO);
}

ChildEnd in_child(const std::function<int()>& run) {
  const pid_t child = fork();
  if (child < 0) throw Error("mutation: there is no other process to be had.");
  if (child == 0) {
    const rlimit none{0, 0};
    setrlimit(RLIMIT_CORE, &none);
#if !TEMPO_ADDRESS_SANITIZER && !TEMPO_THREAD_SANITIZER  // which reserve terabytes
    constexpr rlim_t most = rlim_t{8} << 30;
    const rlimit memory{most, most};
    setrlimit(RLIMIT_AS, &memory);
#endif
    be_quiet();
    int code = 1;
    try {
      code = run();
    } catch (...) {
    }
    std::_Exit(code);
  }
  int status = 0;
  rusage used{};
  wait4(child, &status, 0, &used);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
  };
  return {WIFEXITED(status) ? WEXITSTATUS(status) : 0, WIFSIGNALED(status) ? WTERMSIG(status) : 0,
          seconds(used.ru_utime) + seconds(used.ru_stime)};
}

// From now on this process is ended by SIGPROF, or, if it waits for ever, by SIGALRM.
void limit_time(double seconds) {
  itimerval most{};
  most.it_value.tv_sec = static_cast<time_t>(seconds) + 1;
  setitimer(ITIMER_PROF, &most, nullptr);
  alarm(longest_wait);
}

void share_out(std::size_t tasks, std::size_t workers,
               const std::function<void(std::size_t)>& run) {
  Shared<std::atomic<std::size_t>> next(1);
  std::vector<pid_t> running;
  for (std::size_t w = 0; w < workers; ++w) {
    const pid_t worker = fork();
    if (worker < 0) throw Error("mutation: there is no other process to be had.");
    if (worker > 0) {
      running.push_back(worker);
      continue;
    }
    try {
      for (std::size_t i = next[0]++; i < tasks; i = next[0]++) run(i);
      std::_Exit(0);
    } catch (const std::exception& e) {
      std::cerr << e.what() << '\n';
      std::_Exit(1);
    }
  }
  bool all = true;
  for (const pid_t worker : running) {
    int status = 0;
    waitpid(worker, &status, 0);
    all = all && status == 0;
  }
  if (!all) throw Error("mutation: a worker has ended.");
}

void write(const std::set<Mutant>& mutants, const std::filesystem::path& path) {
  std::ofstream out(path);
  for (const Mutant& m : mutants)
    out << m.site << '\t' << m.op << '\t' << m.ordinal << '\t' << m.change << '\n';
  if (!out.flush()) throw Error("mutation: cannot write " + path.string() + ".");
}

std::vector<Mutant> read(const std::filesystem::path& path) {
  std::vector<Mutant> all;
  std::ifstream in(path);
  for (std::string line; std::getline(in, line);) {
    std::istringstream fields(line);
    Mutant m;
    std::string ordinal;
    std::getline(fields, m.site, '\t');
    std::getline(fields, m.op, '\t');
    std::getline(fields, ordinal, '\t');
    std::getline(fields, m.change);
    m.ordinal = std::stoi(ordinal);
    all.push_back(std::move(m));
  }
  return all;
}

std::string text_of(const std::filesystem::path& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}

bool holds(const Part& part, std::string& why) {
  try {
    return part.holds();
  } catch (const std::exception& e) {
    why = e.what();
    return false;
  }
}

}  // namespace

Trials::Trials(std::size_t workers) : workers_(workers), parts_(gradchecks()) {
  n_gradchecks_ = parts_.size();
  for (Part& part : comparisons()) parts_.push_back(std::move(part));
  seconds_.resize(parts_.size());
}

std::vector<Candidate> Trials::candidates() {
  const Folder folder;
  Shared<ChildEnd> ends(parts_.size());
  share_out(parts_.size(), workers_, [&](std::size_t i) {
    ends[i] = in_child([&] {
      std::set<Mutant> found;
      mode().found = &found;
      mode().verifies = true;
      std::string why;
      if (!holds(parts_[i], why)) {
        std::ofstream(folder.file(i)) << why;
        return 1;
      }
      write(found, folder.file(i));
      return 0;
    });
  });
  std::map<Mutant, std::vector<std::size_t>> met;
  for (std::size_t i = 0; i < parts_.size(); ++i) {
    if (ends[i].code != 0 || ends[i].signal != 0) {
      if (!parts_[i].may_notice)
        throw Error("mutation: without a mutant, `" + parts_[i].name + "` does not hold.\n  " +
                    text_of(folder.file(i)));
      std::cerr << "mutation: left out, as it does not hold alone and watched: " << parts_[i].name
                << '\n';
      continue;
    }
    seconds_[i] = ends[i].seconds;
    for (Mutant& m : read(folder.file(i))) met[std::move(m)].push_back(i);
  }
  std::vector<Candidate> all;
  for (auto& [mutant, parts] : met) {
    std::sort(parts.begin(), parts.end(), [&](std::size_t a, std::size_t b) {
      return std::tuple(!is_gradcheck(a), seconds_[a]) < std::tuple(!is_gradcheck(b), seconds_[b]);
    });
    all.push_back({mutant, std::move(parts)});
  }
  return all;
}

// The child says in shared memory how far it is.
Finding Trials::finding(const Candidate& candidate, Finding& shared) const {
  const ChildEnd end = in_child([&] {
    bool applied = false;
    mode().armed = &candidate.mutant;
    mode().applied = &applied;
    for (const std::size_t i : candidate.parts) {
      shared.part = i;
      mode().verifies = !is_gradcheck(i);
      limit_time(least_seconds + times_as_long * seconds_[i]);
      std::string why;
      const bool right = holds(parts_[i], why);
      if (applied) shared.how = Finding::survived;
      if (!right) return 1;
    }
    return 0;
  });
  Finding found = shared;
  if (end.signal == SIGPROF || end.signal == SIGALRM)
    found.how = Finding::too_long;
  else if (end.signal != 0)
    found.how = Finding::crashed;
  else if (end.code != 0)
    found.how = Finding::differs;
  return found;
}

std::vector<Finding> Trials::findings(const std::vector<Candidate>& candidates) const {
  Shared<Finding> found(candidates.size());
  share_out(candidates.size(), workers_, [&](std::size_t i) {
    found[i] = finding(candidates[i], found[i]);
    if (found[i].how == Finding::survived)
      std::cerr << "survived: " + candidates[i].mutant.text() + "\n";
  });
  return {&found[0], &found[0] + candidates.size()};
}

}  // namespace tempo::mutation
