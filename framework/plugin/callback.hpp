// SPDX-License-Identifier: Apache-2.0
// Calling a plugin: what its callbacks throw, and failures without words, become errors that say
// which plugin and which layer or op they came from.
#pragma once

#include <exception>
#include <string>

#include "plugin/error_state.hpp"

namespace tempo {

/// Who was called, for the text of an error.
struct Callee {
  std::string callback;  // "call of lstm_1"
  std::string owner;     // "LSTM of plugin `lstm`"
  std::string names[2];  // an error that has one of these words says enough
};

/// The words of the callback that has just failed; "" when it had none.
std::string last_words();
/// Throws what the failed status of a callback stands for.
[[noreturn]] void throw_failure(tempo_status status, const Callee& callee);

/// The status of a callback; a plugin without the SDK may let exceptions out.
template <class F>
tempo_status status_of(F&& callback) noexcept {
  forget_error();
  try {
    return callback();
  } catch (const std::exception& e) {
    return fail(TEMPO_ERROR, e.what());
  } catch (...) {
    return fail(TEMPO_ERROR, "an exception that is not a std::exception");
  }
}

/// Runs a callback; `callee()` is asked for only when it fails.
template <class F, class WhoIsIt>
void run_callback(F&& callback, WhoIsIt&& callee) {
  if (const tempo_status status = status_of(callback)) throw_failure(status, callee());
}

}  // namespace tempo
