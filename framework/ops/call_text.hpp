// SPDX-License-Identifier: Apache-2.0
// A call as a text, "Name(value, key=value)", whose values may be calls or lists in brackets: how
// initializers, optimizers, losses and metrics are written in options and files.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace tempo {

struct CallText {
  using Argument = std::pair<std::string, std::string>;  // key, "" for none; value

  /// `kind` is what the text stands for: "optimizer".
  CallText(const std::string& kind, const std::string& text);

  const std::string* find(const std::string& key) const;
  void refuse_repeated() const;
  /// The error of this text: what it is, and why.
  [[noreturn]] void fail(const std::string& why) const;
  /// The error of a name that is not among the known ones.
  [[noreturn]] void unknown(const std::vector<std::string>& known) const;

  std::string kind, text;
  std::string spelled;  ///< the name as it is given
  std::string name;     ///< in snake_case: MeanSquaredError is mean_squared_error, MSE is mse
  std::vector<Argument> arguments;
};

}  // namespace tempo
