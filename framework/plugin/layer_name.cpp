// SPDX-License-Identifier: Apache-2.0
// Checks names: length, UTF-8, control characters.
#include "plugin/layer_name.hpp"

#include <algorithm>
#include <string_view>

#include <tempo/error.hpp>

#include "plugin/utf8.hpp"

namespace tempo {

namespace {

// As an error shows it: bytes that are not printable become `?`.
std::string shown(std::string name) {
  if (!is_utf8(name))
    for (char& c : name)
      if (static_cast<unsigned char>(c) >= 0x80) c = '?';
  for (char& c : name)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  if (name.size() > longest_name) name = name.substr(0, 40) + "...";
  return "`" + name + "`";
}

}  // namespace

void require_text(const std::string& who, const std::string& name) {
  if (name.empty()) throw Error(who + ": it is empty.\n  Give it a character or more.");
  if (!is_utf8(name)) throw Error(who + ": " + shown(name) + " is not UTF-8, which files hold.");
  if (std::any_of(name.begin(), name.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; }))
    throw Error(who + ": " + shown(name) + " holds a control character, such as a line's end.");
  if (name.size() > longest_name)
    throw Error(who + ": " + shown(name) + " has " + std::to_string(name.size()) +
                " bytes; at most " + std::to_string(longest_name) + " are allowed.");
}

void require_name(const std::string& who, const std::string& name) {
  require_text(who, name);
  if (name.find('/') != std::string::npos)
    throw Error(who + ": " + shown(name) +
                " holds a `/`, which stands between the names in a weight's path, "
                "\"encoder/forward/kernel\".\n  Use another character, such as `_`.");
  if (name.starts_with(slot_prefix))
    throw Error(who + ": " + shown(name) + " begins with `" + slot_prefix +
                "`, as what a file keeps of the optimizer does.\n  Use "
                "another name.");
}

}  // namespace tempo
