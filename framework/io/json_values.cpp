// SPDX-License-Identifier: Apache-2.0
// Reads values of JSON from untrusted files.
#include "io/json_values.hpp"

#include <tempo/error.hpp>

namespace tempo {

using json = nlohmann::ordered_json;

int64_t integer_of(const json& value, const std::string& what) {
  const bool too_large =
      value.is_number_unsigned() && value.get<uint64_t>() > static_cast<uint64_t>(INT64_MAX);
  if (!value.is_number_integer() || too_large) {
    std::string text = value.is_structured() ? value.type_name() : value.dump();
    if (text.size() > 40) text = text.substr(0, 40) + "...";
    throw FormatError(what + " is " + text + "; it must be an integer" +
                      (too_large ? " of 64 bits." : "."));
  }
  return value.get<int64_t>();
}

const json& list_of(const json& value, std::size_t most, const std::string& what) {
  if (!value.is_array()) throw FormatError(what + " are not a list.");
  if (value.size() > most)
    throw FormatError("it has " + std::to_string(value.size()) + " " + what + "; at most " +
                      std::to_string(most) + " are read.");
  return value;
}

std::string text_of(const json& value, const std::string& what) {
  if (!value.is_string()) throw FormatError(what + " is not a text.");
  return value.get<std::string>();
}

}  // namespace tempo
