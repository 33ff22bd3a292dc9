// SPDX-License-Identifier: Apache-2.0
// The contestant's side of the protocol, and jobs as text.
#include "protocol.hpp"

#include <unistd.h>

#include <chrono>
#include <fstream>
#include <iostream>
#include <sstream>

namespace bench {

std::string to_text(const Size& s) {
  return std::to_string(s.batch) + "," + std::to_string(s.time) + "," + std::to_string(s.features) +
         "," + std::to_string(s.units);
}

std::string to_text(const Job& job) {
  std::ostringstream text;
  text << job.mode << ' ' << job.cell << ' ' << job.dtype << ' ' << job.size.batch << ' '
       << job.size.time << ' ' << job.size.features << ' ' << job.size.units << ' ' << job.threads;
  return text.str();
}

Job job_from(const std::string& text) {
  Job job;
  std::istringstream in(text);
  in >> job.mode >> job.cell >> job.dtype >> job.size.batch >> job.size.time >> job.size.features >>
      job.size.units >> job.threads;
  if (!in) throw std::runtime_error("not a job: " + text);
  return job;
}

namespace {

double highest_resident_megabytes() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;)
    if (double kilobytes = 0; word == "VmHWM:" && status >> kilobytes) return kilobytes / 1024;
  return 0;
}

double seconds_of(Work& work, int64_t count) {
  const auto start = std::chrono::steady_clock::now();
  for (int64_t i = 0; i < count; ++i) work.run();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

void send(std::ostream& out, const Results& results) {
  for (const Named& r : results) {
    out << "tensor " << r.name << ' ' << r.values.size() << '\n';
    out.write(reinterpret_cast<const char*>(r.values.data()),
              static_cast<std::streamsize>(r.values.size() * sizeof(double)));
  }
  out << "end\n";
}

std::string on_one_line(std::string text) {
  for (char& c : text)
    if (c == '\n') c = ' ';
  return text;
}

}  // namespace

int serve(std::unique_ptr<Work> (*make)(const Job&), int64_t (*count_allocations)(bool start)) {
  std::unique_ptr<Work> work;
  const auto answer = [&](const std::string& command, std::istream& rest) {
    std::ostringstream out;
    out.precision(9);
    if (command == "prepare") {
      std::string job;
      std::getline(rest, job);
      work = make(job_from(job));
      out << "ok\n";
    } else if (command == "memory") {
      out << highest_resident_megabytes() << '\n';
    } else if (!work) {
      throw std::runtime_error("'" + command + "' came before 'prepare'");
    } else if (command == "run") {
      int64_t count = 0;
      rest >> count;
      out << seconds_of(*work, count) << '\n';
    } else if (command == "results") {
      send(out, work->results());
    } else if (command == "allocations") {
      if (count_allocations) {
        count_allocations(true);
        work->run();
      }
      out << (count_allocations ? count_allocations(false) : -1) << '\n';
    } else {
      throw std::runtime_error("unknown command '" + command + "'");
    }
    return out.str();
  };
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream rest(line);
    std::string command;
    rest >> command;
    try {
      std::cout << answer(command, rest);
    } catch (const Unsupported& why) {
      std::cout << "unsupported " << on_one_line(why.what()) << '\n';
    } catch (const std::exception& e) {
      std::cout << "error " << on_one_line(e.what()) << '\n';
    }
    std::cout.flush();
  }
  return 0;
}

}  // namespace bench
