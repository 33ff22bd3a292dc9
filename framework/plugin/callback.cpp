// SPDX-License-Identifier: Apache-2.0
// Runs a callback of a plugin, and writes who failed into its error.
#include "plugin/callback.hpp"

#include <cctype>

#include <tempo/error.hpp>

namespace tempo {

namespace {

bool has_word(const std::string& text, const std::string& word) {
  const auto inside = [&](std::size_t i) {
    return i < text.size() && (std::isalnum(static_cast<unsigned char>(text[i])) || text[i] == '_');
  };
  for (std::size_t at = text.find(word); at != text.npos; at = text.find(word, at + 1))
    if (!(at > 0 && inside(at - 1)) && !inside(at + word.size())) return true;
  return false;
}

}  // namespace

std::string last_words() {
  uint64_t serial = 0;
  const char* text = last_error(&serial);
  return serial ? text : "";
}

void throw_failure(tempo_status status, const Callee& callee) {
  std::string text = last_words();
  const std::string place = callee.callback + " (" + callee.owner + ")";
  if (text.empty())
    throw PluginError(place + " failed without saying why (status " + std::to_string(status) +
                      ").");
  if (!has_word(text, callee.names[0]) && !has_word(text, callee.names[1]))
    text += "\n  This happened in " + place + ".";
  switch (status) {
    case TEMPO_SHAPE_ERROR: throw ShapeError(text);
    case TEMPO_PLUGIN_ERROR: throw PluginError(text);
    case TEMPO_FORMAT_ERROR: throw FormatError(text);
    default: amend_error(text); throw Error(text);
  }
}

}  // namespace tempo
