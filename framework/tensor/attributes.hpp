// What an op was asked to do besides its inputs: axes, sizes, factors, by name.
#pragma once

#include <tempo/error.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace tempo {

class Attributes {
 public:
  using Handle = std::shared_ptr<const void>;
  using Value = std::variant<int64_t, double, std::string, std::vector<int64_t>, Handle>;
  using Entry = std::pair<std::string, Value>;

  Attributes() = default;
  Attributes(std::initializer_list<Entry> entries) : entries_(entries) {}

  bool has(const std::string& name) const { return find(name) != nullptr; }
  void set(const std::string& name, Value value);
  const std::vector<Entry>& entries() const { return entries_; }

  int64_t integer(const std::string& name) const { return get<int64_t>(name); }
  int64_t integer(const std::string& name, int64_t otherwise) const {
    return has(name) ? integer(name) : otherwise;
  }
  double real(const std::string& name) const { return get<double>(name); }
  const std::string& text(const std::string& name) const { return get<std::string>(name); }
  const std::vector<int64_t>& list(const std::string& name) const {
    return get<std::vector<int64_t>>(name);
  }
  const Handle& handle(const std::string& name) const { return get<Handle>(name); }

 private:
  const Value* find(const std::string& name) const {
    for (const Entry& e : entries_)
      if (e.first == name) return &e.second;
    return nullptr;
  }
  template <class T>
  const T& get(const std::string& name) const {
    const Value* value = find(name);
    const T* typed = value ? std::get_if<T>(value) : nullptr;
    if (!typed) throw Error("attribute `" + name + "`: " + (value ? "of another kind" : "missing"));
    return *typed;
  }
  std::vector<Entry> entries_;
};

/// "axis=-1, sizes=[2, 3]": the form used in printed Programs and in error texts.
std::string to_string(const Attributes& attributes);

}  // namespace tempo
