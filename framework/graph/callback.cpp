// SPDX-License-Identifier: Apache-2.0
// Runs a callback; its errors name the function that failed.
#include "graph/callback.hpp"

#include <cctype>

#include <tempo/error.hpp>
#include <tempo/host.hpp>

#include "graph/value.hpp"

namespace tempo {

namespace {

constexpr int deepest = 100;
thread_local int depth = 0;

bool has_word(const std::string& text, const std::string& word) {
  const auto inside = [&](std::size_t i) {
    return i < text.size() && (std::isalnum(static_cast<unsigned char>(text[i])) || text[i] == '_');
  };
  for (std::size_t at = text.find(word); at != text.npos; at = text.find(word, at + 1))
    if (!(at > 0 && inside(at - 1)) && !inside(at + word.size())) return true;
  return false;
}

}  // namespace

InCallback::InCallback() : recording_(recording()) { ++depth; }
InCallback::~InCallback() { --depth; }

bool InCallback::is_too_deep() const { return depth > deepest; }
tempo_status InCallback::refuse() const {
  return fail(TEMPO_ERROR,
              "callbacks of layers call one another more than 100 deep; does one make, build or "
              "call itself?");
}

bool InCallback::left_as_found() const {
  return recording() == recording_ && FloatingPoint{} == floating_point_;
}

tempo_status InCallback::put_back(tempo_status status) const {
  const bool of_recording = recording() != recording_;
  set_recording(recording_);
  floating_point_.restore();
  if (status != TEMPO_OK) return status;
  return fail(
      TEMPO_PLUGIN_ERROR,
      of_recording
          ? "it changed whether this thread remembers where values come from, and left it "
            "so: recording(0) is undone before a callback returns, or later gradients are 0."
          : "it changed the floating-point mode (rounding, denormals or traps) and left it "
            "so: later numbers would be others. It was restored.");
}

std::string last_words() {
  uint64_t serial = 0;
  const char* text = last_error(&serial);
  return serial ? text : "";
}

void check_function(tempo_status status, const char* function) {
  if (status != TEMPO_OK && last_words().empty())
    throw PluginError(std::string(function) + " failed without saying why (status " +
                      std::to_string(status) + ").");
  sdk::check(status);
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
    case TEMPO_OUT_OF_MEMORY: throw sdk::OutOfMemory(text);
    default: amend_error(text); throw Error(text);
  }
}

}  // namespace tempo
