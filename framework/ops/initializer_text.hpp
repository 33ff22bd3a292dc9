// SPDX-License-Identifier: Apache-2.0
// Parses the text of an initializer, including aliases of Keras.
#pragma once

#include "ops/argument_text.hpp"

namespace tempo {

class InitializerText : public ArgumentText {
 public:
  explicit InitializerText(const std::string& text);
  /// The argument `stddev`: finite and not below 0.
  double deviation(double otherwise) const { return not_negative("stddev", otherwise); }
};

}  // namespace tempo
