// SPDX-License-Identifier: Apache-2.0
// The text of an initializer, a regularizer or a constraint, read: "name(argument, key=argument)".
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "ops/call_text.hpp"

namespace tempo {

class ArgumentText {
 public:
  /// `kind` is what it stands for: "initializer".
  ArgumentText(const std::string& kind, const std::string& text) : call_(kind, text) {}

  const std::string& name() const { return call_.name; }
  /// The name that another one stands for.
  void rename(const std::string& name) { call_.name = name; }
  /// Names the arguments, in the order of those given without a name. One that is not among them
  /// is an Error.
  void expect(const std::vector<std::string>& keys);
  double number(const std::string& key, double otherwise) const;
  double finite(const std::string& key, double otherwise) const;
  /// Finite and not below 0.
  double not_negative(const std::string& key, double otherwise) const;
  int64_t integer(const std::string& key, int64_t otherwise) const;
  /// "0" or "[0, 1]"
  std::vector<int> axes(const std::string& key, const std::vector<int>& otherwise) const;
  std::string word(const std::string& key, const std::string& otherwise) const;
  /// The error of this text: why, and then the text.
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
