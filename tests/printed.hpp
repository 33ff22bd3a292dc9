// SPDX-License-Identifier: Apache-2.0
// Catches what a program prints.
#pragma once

#include <iostream>
#include <sstream>

namespace tempo::testing {

/// Catches what is printed on a stream while it lives.
class Printed {
 public:
  explicit Printed(std::ostream& on = std::cout) : on_(on), before_(on.rdbuf(text_.rdbuf())) {}
  ~Printed() { on_.rdbuf(before_); }
  Printed(const Printed&) = delete;
  Printed& operator=(const Printed&) = delete;
  std::string text() const { return text_.str(); }

 private:
  std::ostream& on_;
  std::ostringstream text_;
  std::streambuf* before_;
};

}  // namespace tempo::testing
