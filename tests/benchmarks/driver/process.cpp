// SPDX-License-Identifier: Apache-2.0
// Starts a process, talks to it over pipes, and stops it.
#include "process.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <sstream>

namespace bench {

std::string to_text(const Settings& settings) {
  std::string text;
  for (const auto& [name, value] : settings) text += (text.empty() ? "" : " ") + name + "=" + value;
  return text;
}

namespace {

std::map<std::string, std::string>& paths() {
  static std::map<std::string, std::string> all;
  return all;
}

std::string path_of(const std::string& program) {
  if (const auto named = paths().find(program); named != paths().end()) return named->second;
  return std::filesystem::read_symlink("/proc/self/exe").parent_path() / ("bench_" + program);
}

}  // namespace

void lies_at(const std::string& program, const std::string& path) { paths()[program] = path; }

Process::Process(const std::string& program, const Job& job, const Settings& settings)
    : who_("bench_" + program + " (" + to_text(job) + ")") {
  try {
    start(program, settings);
    ask("prepare " + to_text(job));
    const std::string said = answer();
    if (said.starts_with("unsupported ")) throw Unsupported(said.substr(12));
    pause();
  } catch (...) {
    end();
    throw;
  }
}

Process::~Process() { end(); }

void Process::pause() { kill(pid_, SIGSTOP); }
void Process::resume() { kill(pid_, SIGCONT); }

void Process::end() {
  if (pid_ > 0) resume();
  if (to_) std::fclose(to_);  // the process ends with its input
  if (from_) std::fclose(from_);
  if (pid_ > 0) waitpid(pid_, nullptr, 0);
}

void Process::start(const std::string& program, const Settings& settings) {
  const std::string path = path_of(program);
  int in[2], out[2];
  if (pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC)) fail("has no pipe");
  pid_ = fork();
  if (pid_ < 0) fail("was not started");
  if (pid_ == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);  // it may be stopped when the driver dies
    dup2(in[0], STDIN_FILENO);
    dup2(out[1], STDOUT_FILENO);
    for (const auto& [name, value] : settings) setenv(name.c_str(), value.c_str(), 1);
    execl(path.c_str(), path.c_str(), nullptr);
    _exit(127);
  }
  close(in[0]);
  close(out[1]);
  to_ = fdopen(in[1], "w");
  from_ = fdopen(out[0], "r");
}

void Process::ask(const std::string& line) {
  resume();
  if (std::fprintf(to_, "%s\n", line.c_str()) < 0 || std::fflush(to_)) fail("has ended");
}

std::string Process::answer() {
  std::string line;
  int c;
  while ((c = std::fgetc(from_)) != EOF && c != '\n') line += static_cast<char>(c);
  if (c == EOF) fail("has ended");
  if (line.starts_with("error ")) fail("says: " + line.substr(6));
  return line;
}

void Process::fail(const std::string& why) const { throw std::runtime_error(who_ + " " + why); }

double Process::run(int64_t count) {
  ask("run " + std::to_string(count));
  const double seconds = std::stod(answer());
  pause();
  return seconds / static_cast<double>(count);
}

Results Process::results() {
  ask("results");
  Results out;
  for (std::string line = answer(); line != "end"; line = answer()) {
    std::istringstream in(line);
    std::string word, name;
    std::size_t count = 0;
    in >> word >> name >> count;
    if (word != "tensor") fail("sent '" + line + "' instead of a tensor");
    std::vector<double> values(count);
    if (std::fread(values.data(), sizeof(double), count, from_) != count) fail("has ended");
    out.push_back({name, std::move(values)});
  }
  pause();
  return out;
}

double Process::megabytes() {
  ask("memory");
  const double megabytes = std::stod(answer());
  pause();
  return megabytes;
}

int64_t Process::allocations() {
  ask("allocations");
  const int64_t count = std::stoll(answer());
  pause();
  return count;
}

}  // namespace bench
