// SPDX-License-Identifier: Apache-2.0
// Precision, recall and F1 from counts, and a table of them.
#include "training/metrics/score_report.hpp"

#include <algorithm>
#include <cstdio>
#include <ostream>

#include <tempo/error.hpp>

#include "plugin/utf8.hpp"
#include "training/metrics/confusion.hpp"
#include "training/settings.hpp"

namespace tempo {

namespace {

// The number of terminal columns of a text: East Asian characters take two.
std::size_t columns(const std::string& text) {
  std::size_t out = 0;
  for (std::size_t i = 0; i < text.size(); ++out) {
    const std::size_t length = std::max<std::size_t>(utf8_length(text, i), 1);
    const std::string_view c = std::string_view(text).substr(i, length);
    const bool hangul_jamo = c >= "\u1100" && c <= "\u115f";
    const bool wide = c >= "\u2e80" && c <= "\ud7a3", compatible = c >= "\uf900" && c <= "\ufaff";
    const bool full_width = c >= "\uff00" && c <= "\uff60";
    if (length >= 3 && (hangul_jamo || wide || compatible || full_width)) ++out;
    i += length;
  }
  return out;
}

void print_row(std::ostream& out, const ClassScore& s, std::size_t width) {
  char numbers[80];
  std::snprintf(numbers, sizeof numbers, "  %9.2f %9.2f %9.2f %9lld", s.precision, s.recall, s.f1,
                static_cast<long long>(s.support));
  out << std::string(width - columns(s.name), ' ') << s.name << numbers << '\n';
}

}  // namespace

ClassScore score_of(const std::string& name, const Decisions& n) {
  const auto of = [](int64_t a, int64_t b) {
    return ratio(static_cast<double>(a), static_cast<double>(b));
  };
  return {.name = name,
          .precision = of(n.right, n.said),
          .recall = of(n.right, n.there),
          .f1 = of(2 * n.right, n.said + n.there),
          .support = n.there};
}

ScoreReport report_of(const std::vector<std::pair<std::string, Decisions>>& classes,
                      const std::string& name_of_all) {
  ScoreReport out;
  Decisions all;
  ClassScore macro{.name = "macro avg"}, weighted{.name = "weighted avg"};
  for (const auto& [name, n] : classes) {
    all.there += n.there;
    all.said += n.said;
    all.right += n.right;
    out.classes.push_back(score_of(name, n));
  }
  const auto add = [](ClassScore& to, const ClassScore& s, double share) {
    to.precision += share * s.precision;
    to.recall += share * s.recall;
    to.f1 += share * s.f1;
  };
  for (const ClassScore& s : out.classes) {
    add(macro, s, 1 / static_cast<double>(out.classes.size()));
    add(weighted, s, ratio(static_cast<double>(s.support), static_cast<double>(all.there)));
  }
  macro.support = weighted.support = all.there;
  out.micro = score_of(name_of_all, all);
  out.macro = macro;
  out.weighted = weighted;
  return out;
}

const ClassScore& ScoreReport::operator[](const std::string& name) const {
  std::vector<std::string> known;
  for (const ClassScore& s : classes) {
    if (s.name == name) return s;
    known.push_back(s.name);
  }
  unknown_name("ScoreReport", "class", name, known);
}

std::ostream& operator<<(std::ostream& out, const ScoreReport& report) {
  std::size_t width = columns("weighted avg");
  for (const ClassScore& s : report.classes) width = std::max(width, columns(s.name));
  out << std::string(width, ' ') << "  precision    recall  f1-score   support\n\n";
  for (const ClassScore& s : report.classes) print_row(out, s, width);
  out << '\n';
  for (const ClassScore* s : {&report.micro, &report.macro, &report.weighted})
    print_row(out, *s, width);
  return out;
}

}  // namespace tempo
