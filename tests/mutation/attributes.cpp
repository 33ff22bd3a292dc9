// SPDX-License-Identifier: Apache-2.0
// Changes that rules and Programs share: of an op's attributes, and of the order of its operands.
#include <algorithm>
#include <set>

#include "graph/op.hpp"
#include "mutation/mutants.hpp"

namespace tempo::mutation {

namespace {

bool is_flag(const std::string& name) {
  return name.starts_with("transpose") || name == "keepdims" || name == "reverse" ||
         name == "borrow";
}

Attributes::Value changed_value(const std::string& name, const Attributes::Value& value) {
  if (const auto* whole = std::get_if<int64_t>(&value)) {
    if (is_flag(name)) return int64_t{*whole == 0};
    if (name == "axis") return int64_t{*whole == -1 ? -2 : -1};
    return *whole + 1;
  }
  if (const auto* real = std::get_if<double>(&value)) return *real == 0 ? 1.0 : 1.5 * *real;
  if (const auto* list = std::get_if<std::vector<int64_t>>(&value)) {
    std::vector<int64_t> other = *list;
    if (other.size() > 1)
      std::rotate(other.begin(), other.begin() + 1, other.end());
    else if (other.size() == 1)
      other[0] = other[0] == -1 ? -2 : other[0] < 0 ? -1 : other[0] + 1;
    return other;
  }
  return value;
}

bool commutes(const OpDefinition& op) {
  static const std::set<std::string> all{"add",   "multiply",  "minimum",     "maximum",
                                         "equal", "not_equal", "logical_and", "logical_or"};
  return all.contains(op.name);
}

}  // namespace

bool makes_zeros(const OpDefinition& op, const Attributes& attributes) {
  return op.name == "fill" && attributes.real("value") == 0;
}

bool is_seen(const OpDefinition& op, std::size_t operand, const std::string& change,
             bool beside_zero) {
  using Names = std::set<std::string>;
  static const Names even{"square", "abs", "cos"}, signs{"sign"}, equalities{"equal", "not_equal"},
      orders{"greater", "greater_equal", "less", "less_equal"};
  if (!op.kernel && operand > 0) return false;  // its result is the first one
  if (change == "negated")
    return !even.contains(op.name) && !(beside_zero && equalities.contains(op.name));
  if (change == "doubled")
    return !signs.contains(op.name) &&
           !(beside_zero && (equalities.contains(op.name) || orders.contains(op.name)));
  return true;
}

std::vector<std::string> shared_changes(const LineShape& line) {
  std::vector<std::string> out;
  if (line.n_inputs > 1 && !commutes(*line.op)) out.push_back("operands swapped");
  if (line.n_outputs > 1) out.push_back("results swapped");
  for (const auto& [name, value] : line.attributes.entries())
    if (!std::holds_alternative<Attributes::Handle>(value) && changed_value(name, value) != value)
      out.push_back("attribute " + name);
  return out;
}

Attributes changed_attributes(const Attributes& attributes, const std::string& change) {
  Attributes out = attributes;
  for (const auto& [name, value] : attributes.entries())
    if (change == "attribute " + name) out.set(name, changed_value(name, value));
  return out;
}

std::string Mutant::text() const {
  return site + ": " + op + " " + std::to_string(ordinal) + ": " + change;
}

Mode& mode() {
  static Mode now;
  return now;
}

}  // namespace tempo::mutation
