// SPDX-License-Identifier: Apache-2.0
// The bar, the lines, and the format of their numbers.
#include "training/callbacks/progress.hpp"

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

// The remaining time: "42s", "3:05", "1:02:03".
std::string remaining(double seconds) {
  const auto s = static_cast<long long>(seconds);
  if (seconds > 3600) return formatted("%lld:%02lld:%02lld", s / 3600, s / 60 % 60, s % 60);
  if (seconds > 60) return formatted("%lld:%02lld", s / 60, s % 60);
  return formatted("%llds", s);
}

// "75ms/step"
std::string pace(double seconds) {
  if (seconds >= 1 || seconds == 0) return formatted("%.0fs/step", seconds);
  if (seconds >= 1e-3) return formatted("%.0fms/step", seconds * 1e3);
  return formatted("%.0fus/step", seconds * 1e6);
}

// " - accuracy: 0.5000 - loss: 0.0123 - val_loss: 0.0456": sorted by name, validation last.
std::string text_of(const Logs& logs) {
  std::vector<Logs::Entry> entries(logs.begin(), logs.end());
  std::sort(entries.begin(), entries.end(), [](const Logs::Entry& a, const Logs::Entry& b) {
    const bool a_last = a.first.starts_with("val_"), b_last = b.first.starts_with("val_");
    return a_last != b_last ? b_last : a.first < b.first;
  });
  std::string out;
  for (const auto& [name, value] : entries) out += " - " + name + ": " + short_number(value);
  return out;
}

}  // namespace

std::string short_number(double value) {
  const double size = std::abs(value);
  return formatted(size > 1e-3 && size < 1e16 ? "%.4f" : "%.4e", value);
}

Progress::Progress(int verbose, int64_t steps) : steps_(steps) {
  if (verbose < -1 || verbose > 2)
    throw Error("verbose is " + std::to_string(verbose) +
                "; it must be 0 (silent), 1 (a bar), 2 (a line per epoch) or -1 (1 on a terminal, "
                "else 2).");
  if (verbose == -1) verbose = isatty(STDOUT_FILENO) ? 1 : 2;
  style_ = verbose == 0 ? Style::silent : verbose == 1 ? Style::bar : Style::lines;
}

double Progress::seconds_since(Clock::time_point begin) const {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

// The first step is slower than the others, so it counts only if it is the only one.
double Progress::seconds_a_step(int64_t done) const {
  if (done == 0) return 0;
  if (done > 1 && after_first_ != Clock::time_point())
    return seconds_since(after_first_) / static_cast<double>(done - 1);
  return seconds_since(began_) / static_cast<double>(done);
}

void Progress::begin_epoch(int epoch, int epochs) {
  width_ = 0;
  done_ = 0;
  if (style_ == Style::silent) return;
  began_ = Clock::now();
  drawn_ = after_first_ = {};
  if (epochs > 1) std::cout << "Epoch " << epoch + 1 << "/" << epochs << "\n";
}

void Progress::batch(int64_t done, const Logs& logs) {
  done_ = done;
  if (style_ == Style::silent) return;
  if (done == 1) after_first_ = Clock::now();
  if (style_ != Style::bar || done == steps_) return;  // end_epoch draws the last one
  const auto now = Clock::now();
  if (now - drawn_ < std::chrono::milliseconds(50)) return;
  drawn_ = now;
  draw(done, logs);
  std::cout << std::flush;
}

// Only now is the number of steps of a range known.
void Progress::end_epoch(const Logs& logs) {
  if (steps_ == 0) steps_ = done_;
  if (style_ == Style::bar) {
    draw(steps_, logs);
    std::cout << std::endl;
  }
  if (style_ == Style::lines)
    std::cout << steps_ << "/" << steps_ << formatted(" - %.0fs - ", seconds_since(began_))
              << pace(seconds_a_step(steps_)) << text_of(logs) << std::endl;
}

void Progress::leave() const {
  if (style_ == Style::bar) std::cout << std::endl;
}

void Progress::draw(int64_t done, const Logs& logs) {
  static constexpr int64_t cells = 20;
  const auto repeated = [](int64_t n) {
    std::string out;
    for (int64_t i = 0; i < n; ++i) out += "━";
    return out;
  };
  const std::string total = steps_ > 0 ? std::to_string(steps_) : "?",
                    current = std::to_string(done);
  const std::string count =
      std::string(std::max(total.size(), current.size()) - current.size(), ' ') + current + "/" +
      total;
  const int64_t green = steps_ > 0 ? std::min(done, steps_) * cells / steps_ : 0;
  const double each = seconds_a_step(done);
  const std::string time = done >= steps_ ? formatted("%.0fs", seconds_since(began_))
                                          : remaining(each * static_cast<double>(steps_ - done));
  const std::string rest = " " + pace(each) + text_of(logs);
  const std::size_t width = count.size() + cells + time.size() + rest.size() + 2;
  std::cout << "\r\033[1m" << count << "\033[0m ";
  if (green > 0) std::cout << "\033[32m" << repeated(green) << "\033[0m";
  std::cout << "\033[37m" << repeated(cells - green) << "\033[0m \033[1m" << time << "\033[0m"
            << rest << std::string(width_ > width ? width_ - width : 0, ' ');
  width_ = width;
}

}  // namespace tempo
