// SPDX-License-Identifier: Apache-2.0
// Starts the child process. Its input and output are files, never pipes, so that neither side can
// wait for the other or be ended by SIGPIPE.
#include "io/pictures/gnuplot.hpp"

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <system_error>

#include <tempo/error.hpp>

extern char** environ;

namespace tempo {
namespace {

constexpr const char* advice = "\n  On Debian and Ubuntu: apt install gnuplot-nox";

std::string system_text(int code) { return std::generic_category().message(code); }

std::string content_of(std::FILE* file) {
  std::string text(2000, '\0');
  const ssize_t n = ::pread(::fileno(file), text.data(), text.size(), 0);
  text.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  return text;
}

struct FileActions {
  FileActions() { posix_spawn_file_actions_init(&actions); }
  ~FileActions() { posix_spawn_file_actions_destroy(&actions); }
  FileActions(const FileActions&) = delete;
  FileActions& operator=(const FileActions&) = delete;
  posix_spawn_file_actions_t actions{};
};

[[noreturn]] void fail_without_gnuplot() {
  throw Error(
      std::string("gnuplot: pictures are drawn by gnuplot, and there is none on the PATH.") +
      advice);
}

pid_t spawn(int input, int output, int errors) {
  FileActions files;
  posix_spawn_file_actions_adddup2(&files.actions, input, 0);
  posix_spawn_file_actions_adddup2(&files.actions, output, 1);
  posix_spawn_file_actions_adddup2(&files.actions, errors, 2);
  // The user's own ~/.gnuplot is ignored, so that a picture looks the same everywhere.
  char name[] = "gnuplot", plain[] = "--default-settings";
  char* arguments[] = {name, plain, nullptr};
  pid_t child = 0;
  const int error = ::posix_spawnp(&child, name, &files.actions, nullptr, arguments, environ);
  if (error == ENOENT) fail_without_gnuplot();
  if (error != 0)
    throw Error("gnuplot: it cannot be started: " + system_text(error) + "." + advice);
  return child;
}

}  // namespace

ScratchFile scratch_file() {
  ScratchFile file(std::tmpfile());
  if (!file) throw Error("gnuplot: no temporary file can be made: " + system_text(errno) + ".");
  return file;
}

void run_gnuplot(std::FILE* script, int output) {
  std::fflush(script);
  ::lseek(::fileno(script), 0, SEEK_SET);
  const ScratchFile errors = scratch_file();
  const pid_t child = spawn(::fileno(script), output, ::fileno(errors.get()));
  int status = 0;
  while (::waitpid(child, &status, 0) < 0)
    if (errno != EINTR) throw Error("gnuplot: it was lost: " + system_text(errno) + ".");
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return;
  constexpr int not_started = 127;  // if posix_spawn returned before it could know
  if (WIFEXITED(status) && WEXITSTATUS(status) == not_started) fail_without_gnuplot();
  const std::string words = content_of(errors.get());
  throw Error(
      "gnuplot: it failed" +
      (WIFSIGNALED(status) ? " (signal " + std::to_string(WTERMSIG(status)) + ")" : std::string()) +
      (words.empty() ? "." : "; it said:\n" + words));
}

}  // namespace tempo
