// Sets and tables of the values of a Program, for analyses.
#pragma once

#include "program/program.hpp"

#include <cassert>

namespace tempo {

class ValueSet {
 public:
  ValueSet() = default;
  explicit ValueSet(const ValueIds& values) { insert(values); }

  bool contains(ValueId v) const { return place(v) < has_.size() && has_[place(v)]; }
  bool contains_any(const ValueIds& values) const {
    return std::any_of(values.begin(), values.end(), [this](ValueId v) { return contains(v); });
  }
  bool contains_all(const ValueIds& values) const {
    return std::all_of(values.begin(), values.end(), [this](ValueId v) { return contains(v); });
  }
  /// Whether it was not in the set.
  bool insert(ValueId v) {
    if (contains(v)) return false;
    if (place(v) >= has_.size()) has_.resize(place(v) + 1, false);
    has_[place(v)] = true;
    return true;
  }
  /// Whether one of them was not in the set.
  bool insert(const ValueIds& values) {
    bool is_new = false;
    for (ValueId v : values) is_new |= insert(v);
    return is_new;
  }
  void erase(const ValueIds& values) {
    for (ValueId v : values)
      if (contains(v)) has_[place(v)] = false;
  }

 private:
  static std::size_t place(ValueId v) { return static_cast<std::size_t>(v.index); }
  std::vector<bool> has_;
};

/// Something for each value of a Program that is there when the table is made.
template <class T>
class ValueTable {
 public:
  ValueTable() = default;
  explicit ValueTable(const Program& program, const T& each = {})
      : items_(program.values.size(), each) {}
  T& operator[](ValueId v) { return items_[place(v)]; }
  const T& operator[](ValueId v) const { return items_[place(v)]; }

 private:
  std::size_t place(ValueId v) const {
    const auto k = static_cast<std::size_t>(v.index);
    assert(k < items_.size());
    return k;
  }
  std::vector<T> items_;
};

}  // namespace tempo
