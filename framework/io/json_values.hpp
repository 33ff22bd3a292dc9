// SPDX-License-Identifier: Apache-2.0
// Values of JSON that must be of one kind; each throws FormatError for another kind.
#pragma once

#include <cstdint>
#include <string>

#include <nlohmann/json.hpp>

namespace tempo {

/// An integer that int64 holds: "version is 1.5; it must be an integer."
int64_t integer_of(const nlohmann::ordered_json& value, const std::string& what);
/// "the optimizer is not a text."
std::string text_of(const nlohmann::ordered_json& value, const std::string& what);
/// The value, which is a list of at most `most` items: "layers are not a list."
const nlohmann::ordered_json& list_of(const nlohmann::ordered_json& value, std::size_t most,
                                      const std::string& what);

}  // namespace tempo
