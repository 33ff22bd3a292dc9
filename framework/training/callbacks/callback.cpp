// SPDX-License-Identifier: Apache-2.0
// The parts that all callbacks and histories share, and the errors for unknown names.
#include <algorithm>
#include <cmath>
#include <ostream>

#include <tempo/callback.hpp>
#include <tempo/error.hpp>
#include <tempo/names.hpp>

#include "training/callbacks/progress.hpp"

namespace tempo {

namespace {

[[noreturn]] void no_such(const std::string& who, const std::string& name,
                          const std::vector<std::string>& names) {
  if (names.empty()) throw Error(who + ": there is no `" + name + "`; nothing was recorded yet.");
  throw Error(who + ": there is no `" + name + "`; it has " + sdk::listed(names) + ".");
}

}  // namespace

void Callback::not_attached() {
  throw Error(
      "Callback: model() was asked for outside of training.\n  It is there while fit, evaluate or "
      "predict runs with this callback, in the functions that they call (on_train_begin, ...), not "
      "in a constructor or afterwards.");
}

double Logs::operator[](const std::string& name) const {
  if (const double* value = find(name)) return *value;
  std::vector<std::string> names;
  for (const Entry& e : entries_) names.push_back(e.first);
  no_such("Logs", name, names);
}

std::ostream& operator<<(std::ostream& out, const Logs& logs) {
  bool first = true;
  for (const auto& [name, value] : logs) {
    out << (first ? "" : " - ") << name << ": " << short_number(value);
    first = false;
  }
  return out;
}

const History::Series* History::find(const std::string& name) const {
  for (const Series& s : series_)
    if (s.name == name) return &s;
  return nullptr;
}

const History::Series& History::series(const std::string& name) const {
  if (const Series* const found = find(name)) return *found;
  no_such("History", name, names());
}

const std::vector<double>& History::operator[](const std::string& name) const {
  return series(name).values;
}

const std::vector<int>& History::epochs(const std::string& name) const {
  return series(name).epochs;
}

bool History::contains(const std::string& name) const { return find(name) != nullptr; }

std::vector<std::string> History::names() const {
  std::vector<std::string> out;
  for (const Series& s : series_) out.push_back(s.name);
  return out;
}

void History::add(int epoch, const Logs& logs) {
  epochs_.push_back(epoch);
  for (const auto& [name, value] : logs) {
    auto of = std::find_if(series_.begin(), series_.end(),
                           [&wanted = name](const Series& s) { return s.name == wanted; });
    if (of == series_.end()) of = series_.insert(of, {name, {}, {}});
    of->epochs.push_back(epoch);
    of->values.push_back(value);
  }
}

}  // namespace tempo
