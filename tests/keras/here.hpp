// SPDX-License-Identifier: Apache-2.0
// What Tempo has of a framework's classes, functions and arguments, as the program itself tells it.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace keras {

/// An argument of a class or function here. A default that means "it must be given" or "none" is
/// one of the words that `is_nothing` knows.
struct Argument {
  std::string name;
  std::string standard;
};

struct Here {
  std::vector<Argument> arguments;
  const Argument* find(const std::string& name) const;
};

/// What there is under the name that Keras uses in this section; none: nothing.
std::optional<Here> here(const std::string& section, const std::string& name);

/// What tells that a class is there that has no entry in fields.cpp; "" for nothing.
std::string unlisted(const std::string& section, const std::string& name);

/// Whether a default stands for nothing: "", "none", "not given", "automatic", -1, 0, inf, linear,
/// channels_last.
bool is_nothing(const std::string& standard);

}  // namespace keras
