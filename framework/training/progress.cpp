// SPDX-License-Identifier: Apache-2.0
// The bar, the lines, and the format of their numbers.
#include "training/progress.hpp"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <iostream>

#include <tempo/error.hpp>

namespace tempo {

namespace {

template <class... Values>
std::string formatted(const char* format, Values... values) {
  char text[64];
  std::snprintf(text, sizeof text, format, values...);
  return text;
}

// "42s", "3:05", "1:02:03"
std::string duration(double seconds) {
  const auto s = static_cast<long long>(seconds);
  if (s >= 3600) return formatted("%lld:%02lld:%02lld", s / 3600, s / 60 % 60, s % 60);
  if (s >= 60) return formatted("%lld:%02lld", s / 60, s % 60);
  return formatted("%llds", s);
}

// "75ms/step"
std::string pace(double seconds) {
  if (seconds >= 1 || seconds == 0) return formatted("%.0fs/step", seconds);
  if (seconds >= 1e-3) return formatted("%.0fms/step", seconds * 1e3);
  return formatted("%.0fus/step", seconds * 1e6);
}

Logs sorted(const Logs& logs) {
  std::vector<Logs::Entry> entries(logs.begin(), logs.end());
  std::sort(entries.begin(), entries.end());
  Logs out;
  for (const auto& [name, value] : entries) out.set(name, value);
  return out;
}

}  // namespace

std::string short_number(double value) {
  return formatted(std::abs(value) > 1e-3 || value == 0 ? "%.4f" : "%.4e", value);
}

Progress::Progress(int verbose, int64_t steps) : steps_(steps) {
  if (verbose < -1 || verbose > 2)
    throw Error("verbose is " + std::to_string(verbose) +
                "; it must be 0 (silent), 1 (a bar), 2 (a line per epoch) or -1 (1 on a terminal, "
                "else 2).");
  if (verbose == -1) verbose = isatty(STDOUT_FILENO) ? 1 : 2;
  style_ = verbose == 0 ? Style::silent : verbose == 1 ? Style::bar : Style::lines;
}

double Progress::seconds() const {
  return std::chrono::duration<double>(Clock::now() - began_).count();
}

void Progress::begin_epoch(int epoch, int epochs) {
  epoch_ = epoch;
  epochs_ = epochs;
  width_ = 0;
  if (style_ != Style::bar) return;
  began_ = Clock::now();
  drawn_ = {};
  if (epochs_ > 1) std::cout << "Epoch " << epoch_ + 1 << "/" << epochs_ << "\n";
}

void Progress::batch(int64_t done, const Logs& logs) {
  if (style_ != Style::bar || done == steps_) return;  // the end of the epoch draws the last one
  const auto now = Clock::now();
  if (now - drawn_ < std::chrono::milliseconds(50)) return;
  drawn_ = now;
  draw(done, logs);
  std::cout << std::flush;
}

void Progress::end_epoch(const Logs& logs) {
  if (style_ == Style::bar) {
    draw(steps_, logs);
    std::cout << std::endl;
  }
  if (style_ == Style::lines) {
    if (epochs_ > 0) std::cout << "Epoch " << epoch_ + 1 << "/" << epochs_ << " - ";
    std::cout << logs << std::endl;
  }
}

void Progress::draw(int64_t done, const Logs& logs) {
  static constexpr int64_t cells = 20;
  const std::string total = std::to_string(steps_), current = std::to_string(done);
  const int64_t green = steps_ > 0 ? done * cells / steps_ : cells;
  std::string bar = "\033[32m";
  for (int64_t i = 0; i < cells; ++i) bar += (i == green ? "\033[37m━" : "━");
  bar += "\033[0m";

  const double each = done > 0 ? seconds() / static_cast<double>(done) : 0;
  const bool finished = done >= steps_;
  std::string rest = " " +
                     duration(finished ? seconds() : each * static_cast<double>(steps_ - done)) +
                     " " + pace(each);
  for (const auto& [name, value] : sorted(logs)) rest += " - " + name + ": " + short_number(value);
  const std::string count = std::string(total.size() - current.size(), ' ') + current + "/" + total;
  const std::size_t width = count.size() + rest.size() + cells + 2;
  std::cout << "\r\033[1m" << count << "\033[0m " << bar << rest
            << std::string(width_ > width ? width_ - width : 0, ' ');
  width_ = width;
}

}  // namespace tempo
