// SPDX-License-Identifier: Apache-2.0
// A call as a text, "Name(value, key=value)", whose values may be calls or lists in brackets.
// Options and files name initializers, optimizers, losses and metrics in this form.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace tempo {

struct CallText {
  using Argument = std::pair<std::string, std::string>;  // key ("" if there is none) and value

  /// `kind` is what the text stands for: "optimizer".
  CallText(const std::string& kind, const std::string& text);

  const std::string* find(const std::string& key) const;
  void refuse_repeated() const;
  /// Throws the error of this text: what it stands for, and the reason.
  [[noreturn]] void fail(const std::string& why) const;
  /// Throws the error for a name that is not in `known`.
  [[noreturn]] void unknown(const std::vector<std::string>& known) const;

  std::string kind, text;
  std::string spelled;  ///< the name as it is given
  std::string name;     ///< in snake_case: MeanSquaredError is mean_squared_error, MSE is mse
  std::vector<Argument> arguments;
};

}  // namespace tempo
