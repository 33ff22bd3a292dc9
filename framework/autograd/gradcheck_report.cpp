// SPDX-License-Identifier: Apache-2.0
// Writes the results of gradcheck as text.
#include <algorithm>
#include <cmath>
#include <iomanip>
#include <ostream>

#include <tempo/gradcheck.hpp>
#include <tempo/names.hpp>

#include "tensor/place.hpp"

namespace tempo {

namespace {

void explain_kink(std::ostream& out, const GradCheck::Row& row) {
  out << std::setprecision(6) << "\n    not ";
  if (!std::isfinite(row.left - row.right)) {
    out << "finite beside this value, however small the step; choose other values";
    return;
  }
  out << "smooth here: the slope is " << row.left;
  if (std::abs(row.left - row.right) > 1e-3 * std::max(std::abs(row.left), std::abs(row.right)))
    out << " to the left and " << row.right << " to the right";
  else
    out << " within a step of " << row.step << " and another within a larger one";
  out << "; choose other values";
}

void print_failure(std::ostream& out, const GradCheck::Row& row) {
  if (row.error > 0 && row.step > 0) {
    out << std::setprecision(3) << " at " << place_in(row.shape, row.element)
        << std::setprecision(12) << ": gradient " << row.gradient << ", difference "
        << row.difference << std::setprecision(2) << " (within " << row.uncertainty << ")";
  }
  if (!row.smooth) explain_kink(out, row);
  if (!row.fault.empty()) out << "\n    " << sdk::indented(row.fault, "    ");
  if (row.factor != 0)
    out << std::setprecision(6) << "\n    all that is wrong is " << row.factor
        << " times as large as it should be";
  if (row.steps.empty()) return;
  out << std::setprecision(2) << "\n    errors of the steps of time:";
  for (const double error : row.steps) out << ' ' << error;
}

void print_list(std::ostream& out, const char* what, const std::vector<std::string>& list,
                const char* between) {
  for (std::size_t i = 0; i < list.size(); ++i) out << (i == 0 ? what : between) << list[i];
  if (!list.empty()) out << '\n';
}

}  // namespace

bool GradCheck::passed() const { return !rows.empty() && worst <= tolerance; }

std::ostream& operator<<(std::ostream& out, const GradCheck& report) {
  const std::ios_base::fmtflags flags = out.flags();
  const std::streamsize precision = out.precision();
  out << std::defaultfloat << std::setprecision(3)
      << "gradcheck: " << (report.passed() ? "passed" : "FAILED") << ", worst error "
      << report.worst << " (tolerance " << report.tolerance << ")\n";
  for (const GradCheck::Row& row : report.rows) {
    const bool wrong = !(row.error <= report.tolerance);
    if (!wrong && !row.when.empty()) continue;
    out << "  order " << row.order << "  " << row.input << "  " << to_string(row.shape);
    if (!row.when.empty()) out << "  " << row.when;
    if (row.shape.count() == 0)
      out << "  has no element to check";
    else
      out << std::setprecision(3) << "  error " << row.error;
    if (wrong)
      print_failure(out, row);
    else if (!row.reached)
      out << "  UNREACHED: no result changes with it";
    out << '\n';
  }
  if (report.moved > 0)
    out << "  There is a kink at the values that were given; these were moved by up to a "
           "twentieth, "
        << report.moved << (report.moved == 1 ? " time.\n" : " times.\n");
  print_list(out, "  Also checked: ", report.varied, ", ");
  print_list(out, "  Not checked: ", report.refused, "\n  Not checked: ");
  out.flags(flags);
  out.precision(precision);
  return out;
}

}  // namespace tempo
