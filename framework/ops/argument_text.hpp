// SPDX-License-Identifier: Apache-2.0
// Parses the text of an initializer, regularizer or constraint: "name(argument, key=argument)".
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "ops/call_text.hpp"

namespace tempo {

class ArgumentText {
 public:
  /// `kind` is what the text stands for: "initializer".
  ArgumentText(const std::string& kind, const std::string& text) : call_(kind, text) {}

  const std::string& name() const { return call_.name; }
  /// Replaces an alias by the name that it stands for.
  void rename(const std::string& name) { call_.name = name; }
  /// Sets the names of the arguments; those given without a name take them in this order. An
  /// argument of any other name is an Error.
  void expect(const std::vector<std::string>& keys);
  double number(const std::string& key, double otherwise) const;
  double finite(const std::string& key, double otherwise) const;
  /// A number that is finite and not below 0.
  double not_negative(const std::string& key, double otherwise) const;
  int64_t integer(const std::string& key, int64_t otherwise) const;
  /// A list of axes: "0" or "[0, 1]".
  std::vector<int> axes(const std::string& key, const std::vector<int>& otherwise) const;
  std::string word(const std::string& key, const std::string& otherwise) const;
  /// Throws the error of this text: the reason, then the text.
  [[noreturn]] void fail(const std::string& why) const { call_.fail(why); }
  [[noreturn]] void unknown(const std::vector<std::string>& known) const { call_.unknown(known); }

 private:
  template <class T>
  T parsed(const std::string& key, T otherwise, const char* what) const;
  template <class T>
  T read(const std::string& key, const std::string& value, const char* what) const;

  CallText call_;
};

}  // namespace tempo
