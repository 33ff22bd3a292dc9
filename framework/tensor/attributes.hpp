// SPDX-License-Identifier: Apache-2.0
// The arguments of an op besides its inputs, by name: axes, sizes, factors.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <tempo/error.hpp>

namespace tempo {

class Attributes {
 public:
  using Handle = std::shared_ptr<const void>;
  using Value = std::variant<int64_t, double, std::string, std::vector<int64_t>, Handle>;
  using Entry = std::pair<std::string, Value>;

  Attributes() = default;
  Attributes(std::initializer_list<Entry> entries) : entries_(entries) {}

  bool has(std::string_view name) const { return find(name) != nullptr; }
  void reserve(std::size_t n) { entries_.reserve(n); }
  void set(std::string_view name, Value value);
  const std::vector<Entry>& entries() const { return entries_; }

  int64_t integer(std::string_view name) const { return get<int64_t>(name); }
  int64_t integer(std::string_view name, int64_t otherwise) const {
    return has(name) ? integer(name) : otherwise;
  }
  double real(std::string_view name) const { return get<double>(name); }
  const std::string& text(std::string_view name) const { return get<std::string>(name); }
  const std::vector<int64_t>& list(std::string_view name) const {
    return get<std::vector<int64_t>>(name);
  }
  const Handle& handle(std::string_view name) const { return get<Handle>(name); }

 private:
  const Value* find(std::string_view name) const {
    for (const Entry& e : entries_)
      if (e.first == name) return &e.second;
    return nullptr;
  }
  template <class T>
  const T& get(std::string_view name) const {
    const Value* value = find(name);
    const T* typed = value ? std::get_if<T>(value) : nullptr;
    if (!typed) fail(name, value != nullptr);
    return *typed;
  }
  [[noreturn, gnu::cold]] static void fail(std::string_view name, bool is_there);
  std::vector<Entry> entries_;
};

/// "axis=-1, sizes=[2, 3]": the form used in printed Programs and in error texts.
std::string to_string(const Attributes& attributes);
/// A lossless text: equal for the same values and the same handles, and different for all others.
std::string exact_text(const Attributes& attributes);

}  // namespace tempo
