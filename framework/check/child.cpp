// SPDX-License-Identifier: Apache-2.0
// Starts a child, reads its output, and ends it when its time is over.
#include "check/child.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <fstream>
#include <set>

#include <tempo/error.hpp>

#include "check/subject.hpp"
#include "tensor/sanitizers.hpp"

namespace tempo::conformance {

namespace {

constexpr int report_to = 3;  // the file descriptor in the child
constexpr std::size_t most_output = 1 << 16, most_report = 1 << 20;
using Clock = std::chrono::steady_clock;

// Both ends of a pipe, which are closed at the end of a block.
struct Pipe {
  int ends[2] = {-1, -1};  // the end to read from, the end to write to
  Pipe() {
    if (pipe2(ends, O_CLOEXEC) != 0)
      throw Error(std::string("check: a pipe cannot be made: ") + std::strerror(errno) + ".");
  }
  ~Pipe() {
    close_end(0);
    close_end(1);
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  void close_end(int i) {
    if (ends[i] >= 0) close(ends[i]);
    ends[i] = -1;
  }
  // Reads what is available; false at the end of the input. Keeps at most `most` bytes of text.
  bool read_into(std::string& text, std::size_t most) {
    char part[4096];
    const ssize_t n = read(ends[0], part, sizeof part);
    if (n < 0) return errno == EINTR || errno == EAGAIN;
    if (text.size() < most) text.append(part, static_cast<std::size_t>(n));
    return n > 0;
  }
};

void limit(__rlimit_resource what, uint64_t most, uint64_t last = 0) {
  const rlimit both{most, std::max(most, last)};
  setrlimit(what, &both);
}

uint64_t processor_seconds(const ChildLimits& limits) {  // of all its threads
  return static_cast<uint64_t>(limits.seconds) * 2;
}

// Runs in the child after the fork, so it makes only calls that are safe there.
[[noreturn]] void become(char* const* arguments, const Pipe& output, const Pipe& report,
                         const ChildLimits& limits, pid_t parent) {
  setpgid(0, 0);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(126);  // the parent has ended already
  // The descriptor of the report may be the number that the other pipe needs.
  const int to_report = fcntl(report.ends[1], F_DUPFD, 10),
            said = fcntl(output.ends[1], F_DUPFD, 10);
  dup2(said, STDOUT_FILENO);
  dup2(said, STDERR_FILENO);
  dup2(to_report, report_to);
  close(said);
  close(to_report);
  limit(RLIMIT_CORE, 0);
  limit(RLIMIT_CPU, processor_seconds(limits), processor_seconds(limits) + 1);  // SIGXCPU first
  if (!TEMPO_ADDRESS_SANITIZER && !TEMPO_THREAD_SANITIZER)  // these reserve terabytes of addresses
    limit(RLIMIT_AS, static_cast<uint64_t>(limits.megabytes) << 20);
  execv("/proc/self/exe", arguments);
  _exit(126);
}

// The children of this process, including orphans of its children that it adopted.
std::set<pid_t> children() {
  std::set<pid_t> all;
  const std::string me = std::to_string(getpid());
  std::ifstream list("/proc/" + me + "/task/" + me + "/children");
  for (pid_t child; list >> child;) all.insert(child);
  return all;
}

// While one exists, this process hears of the end of a child, and adopts processes that the child
// started when they lose their parent. At its end it kills them.
class Children {
 public:
  Children() {
    prctl(PR_GET_CHILD_SUBREAPER, &was_given_);
    prctl(PR_SET_CHILD_SUBREAPER, 1);
  }
  ~Children() {
    for (bool more = true; more;) {  // a killed process may leave children of its own
      more = false;
      for (const pid_t child : children())
        if (!before_.contains(child)) {
          kill(child, SIGKILL);
          more |= waitpid(child, nullptr, 0) == child;
        }
    }
    prctl(PR_SET_CHILD_SUBREAPER, was_given_);
    std::signal(SIGCHLD, handler_);
  }
  Children(const Children&) = delete;
  Children& operator=(const Children&) = delete;

 private:
  void (*handler_)(int) = std::signal(SIGCHLD, SIG_DFL);  // a parent may have had it ignored
  int was_given_ = 0;
  std::set<pid_t> before_ = children();
};

// Returns when the child closed both pipes or ended, or when its time is over.
bool listen(pid_t child, int& status, rusage& used, Pipe& output, Pipe& report, Ended& ended,
            Clock::time_point end) {
  pollfd open[2] = {{output.ends[0], POLLIN, 0}, {report.ends[0], POLLIN, 0}};
  Pipe* const pipes[2] = {&output, &report};
  std::string* const texts[2] = {&ended.output, &ended.report};
  constexpr std::size_t most[2] = {most_output, most_report};
  for (bool is_over = false;;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now());
    if (left.count() <= 0) return false;
    const int wait = is_over ? 0 : static_cast<int>(std::min<int64_t>(left.count(), 100));
    const int ready = poll(open, 2, wait);
    for (int i = 0; i < 2 && ready > 0; ++i)
      if (open[i].fd >= 0 && open[i].revents && !pipes[i]->read_into(*texts[i], most[i]))
        open[i].fd = -1;
    if (is_over && ready <= 0) return true;  // all that was written is read
    if (!is_over) is_over = wait4(child, &status, WNOHANG, &used) == child;
    if (is_over && open[0].fd < 0 && open[1].fd < 0) return true;
  }
}

}  // namespace

void write_report(const std::string& text) {
  for (std::size_t at = 0; at < text.size();) {
    const ssize_t n = write(report_to, text.data() + at, text.size() - at);
    if (n <= 0) return;
    at += static_cast<std::size_t>(n);
  }
}

Ended run_this_program(const std::vector<std::string>& arguments, const ChildLimits& limits) {
  std::vector<char*> all;
  std::string name = "tempo";
  all.push_back(name.data());
  for (const std::string& a : arguments) all.push_back(const_cast<char*>(a.c_str()));
  all.push_back(nullptr);
  Pipe output, report;
  const Children all_ended;
  const pid_t parent = getpid(), child = fork();
  if (child < 0)
    throw Error(std::string("check: a process cannot be started: ") + std::strerror(errno) + ".");
  if (child == 0) become(all.data(), output, report, limits, parent);
  setpgid(child, child);  // the child does the same: whichever is first
  output.close_end(1);
  report.close_end(1);
  Ended ended;
  int status = 0;
  rusage used{};
  const auto end = Clock::now() + std::chrono::seconds(limits.seconds);
  const bool in_time = listen(child, status, used, output, report, ended, end);
  kill(-child, SIGKILL);
  ended.used_up_processor =
      static_cast<uint64_t>(used.ru_utime.tv_sec + used.ru_stime.tv_sec) + 1 >=
      processor_seconds(limits);
  if (ended.report.size() > most_report) ended.report.clear();
  if (!in_time) {
    kill(child, SIGKILL);  // it may have left its group
    waitpid(child, &status, 0);
    ended.how = Ended::too_late;
  } else if (WIFSIGNALED(status)) {
    ended.how = Ended::by_signal;
    ended.number = WTERMSIG(status);
  } else {
    ended.number = WEXITSTATUS(status);
  }
  return ended;
}

namespace {
std::string why_of(const Ended& ended) {
  if (ended.number == SIGXCPU || (ended.number == SIGKILL && ended.used_up_processor))
    return ", as it used more time of the processor than it was given.";
  const std::string name = std::string(" (") + strsignal(ended.number) + ")";
  return ended.number == SIGKILL
             ? name + ", by somebody, or by the system, which had no memory left."
             : name + ".";
}
}  // namespace

std::string end_of(const Ended& ended, const ChildLimits& limits) {
  switch (ended.how) {
    case Ended::too_late:
      return "it did not end within " + std::to_string(limits.seconds) + " seconds.";
    case Ended::by_signal:
      return "it was ended by signal " + std::to_string(ended.number) + why_of(ended);
    case Ended::exited: break;
  }
  return ended.number == 0
             ? ""
             : "it ended the process, exit code " + std::to_string(ended.number) + ".";
}

namespace {

// Runs in the copy: the first letter of the text is the kind of outcome.
[[noreturn]] void say_and_end(const std::function<std::string()>& f, int to) {
  std::string text;
  try {
    text = "o" + f();
  } catch (const Inapplicable& reason) {
    text = std::string("s") + reason.what();
  } catch (const std::exception& fault) {
    text = std::string("f") + fault.what();
  } catch (...) {
    text = "fan exception that is not a std::exception";
  }
  fflush(nullptr);
  for (std::size_t at = 0; at < text.size();) {
    const ssize_t n = write(to, text.data() + at, text.size() - at);
    if (n <= 0) break;
    at += static_cast<std::size_t>(n);
  }
  _exit(0);
}

}  // namespace

std::string in_fork(const std::function<std::string()>& f) {
  Pipe answer;
  fflush(nullptr);
  const pid_t child = fork();
  if (child < 0)
    throw Error(std::string("check: a process cannot be started: ") + std::strerror(errno) + ".");
  if (child == 0) say_and_end(f, answer.ends[1]);
  answer.close_end(1);
  std::string text;
  while (answer.read_into(text, most_report)) {
  }
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  Ended ended;
  ended.how = WIFSIGNALED(status) ? Ended::by_signal : Ended::exited;
  ended.number = WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status);
  if (const std::string end = end_of(ended, {}); !end.empty()) throw Fault(end);
  if (text.empty()) throw Fault("it ended the process without a word.");
  if (text[0] == 's') throw Inapplicable(text.substr(1));
  if (text[0] == 'f') throw Fault(text.substr(1));
  return text.substr(1);
}

}  // namespace tempo::conformance
