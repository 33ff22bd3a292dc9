// SPDX-License-Identifier: Apache-2.0
// Converts names of classes to names in texts.
#pragma once

#include <cctype>
#include <string>

namespace tempo {

/// "SimpleRNN" to "simple_rnn", "MSE" to "mse", as Keras names layers, losses and initializers.
inline std::string snake_case(const std::string& name) {
  std::string out;
  for (std::size_t i = 0; i < name.size(); ++i) {
    const auto upper = [&](std::size_t k) {
      return std::isupper(static_cast<unsigned char>(name[k])) != 0;
    };
    const auto lower = [&](std::size_t k) {
      return k < name.size() && std::islower(static_cast<unsigned char>(name[k])) != 0;
    };
    if (i > 0 && upper(i) && name[i - 1] != '_' && (lower(i - 1) || lower(i + 1))) out += '_';
    out += static_cast<char>(std::tolower(static_cast<unsigned char>(name[i])));
  }
  return out;
}

}  // namespace tempo
