// SPDX-License-Identifier: Apache-2.0
// Sets and tables of the values of a Program, for analyses.
#pragma once

#include <cassert>

#include "program/program.hpp"

namespace tempo {

class ValueSet {
 public:
  ValueSet() = default;
  explicit ValueSet(const ValueIds& values) { insert(values); }

  bool contains(ValueId v) const { return v.position() < has_.size() && has_[v.position()]; }
  bool contains_any(const ValueIds& values) const {
    return std::any_of(values.begin(), values.end(), [this](ValueId v) { return contains(v); });
  }
  bool contains_all(const ValueIds& values) const {
    return std::all_of(values.begin(), values.end(), [this](ValueId v) { return contains(v); });
  }
  /// Adds a value; returns whether it is new.
  bool insert(ValueId v) {
    if (contains(v)) return false;
    if (v.position() >= has_.size()) has_.resize(v.position() + 1, false);
    has_[v.position()] = true;
    return true;
  }
  /// Adds values; returns whether any of them is new.
  bool insert(const ValueIds& values) {
    bool is_new = false;
    for (ValueId v : values) is_new |= insert(v);
    return is_new;
  }
  void erase(const ValueIds& values) {
    for (ValueId v : values)
      if (contains(v)) has_[v.position()] = false;
  }

 private:
  std::vector<bool> has_;
};

/// An entry for each value that the Program has when the table is made.
template <class T>
class ValueTable {
 public:
  ValueTable() = default;
  explicit ValueTable(const Program& program, const T& each = {})
      : items_(program.values.size(), each) {}
  T& operator[](ValueId v) { return items_[checked(v)]; }
  const T& operator[](ValueId v) const { return items_[checked(v)]; }

 private:
  std::size_t checked(ValueId v) const {
    assert(v.position() < items_.size());
    return v.position();
  }
  std::vector<T> items_;
};

}  // namespace tempo
