// SPDX-License-Identifier: Apache-2.0
// Runs callbacks: exceptions and failures without a text become errors that name the step, or the
// layer or op and its plugin, that they came from.
#pragma once

#include <exception>
#include <string>

#include "graph/error_state.hpp"
#include "tensor/floating_point.hpp"

namespace tempo {

/// The owner of a callback, for the text of an error.
struct Callee {
  std::string callback;  // "call of lstm_1"
  std::string owner;     // "LSTM of plugin `lstm`"
  std::string names[2];  // an error with one of these in it needs no further names
};

/// The text of the callback that has just failed; "" if it gave none.
std::string last_words();
/// Throws the exception that the failed status of a callback stands for.
[[noreturn]] void throw_failure(tempo_status status, const Callee& callee);

/// Throws the exception for a failed status of a function that was given for one call. The error
/// has the function's own text or, without one, says that for example "scan: the step" has failed.
void check_function(tempo_status status, const char* function);

/// While one exists, a callback runs on this thread; it must leave the thread as it found it.
class InCallback {
 public:
  InCallback();
  ~InCallback();
  InCallback(const InCallback&) = delete;
  InCallback& operator=(const InCallback&) = delete;

  /// Callbacks that call one another without end would overflow the stack.
  bool is_too_deep() const;
  tempo_status refuse() const;
  bool left_as_found() const;
  /// Restores what the callback changed; if it had succeeded, that makes it fail.
  tempo_status put_back(tempo_status status) const;

 private:
  const bool recording_;
  const FloatingPoint floating_point_;
};

/// The status of a callback; a plugin without the SDK may throw exceptions. If the callback fails,
/// its error becomes the thread's last error. If it succeeds, the last error stays as it was: the
/// caller may be about to return its own.
template <class F>
tempo_status status_of(F&& callback, bool at_any_depth = false) noexcept {
  ErrorSetAside before;
  const InCallback now;
  tempo_status status = TEMPO_OK;
  try {
    if (now.is_too_deep() && !at_any_depth)
      status = now.refuse();
    else
      status = callback();
  } catch (const std::exception& e) {
    status = fail(TEMPO_ERROR, e.what());
  } catch (...) {
    status = fail(TEMPO_ERROR, "an exception that is not a std::exception");
  }
  if (!now.left_as_found()) status = now.put_back(status);
  if (status != TEMPO_OK) before.replace();
  return status;
}

/// Runs a callback; `callee()` is called only if it fails.
template <class F, class WhoIsIt>
void run_callback(F&& callback, WhoIsIt&& callee) {
  if (const tempo_status status = status_of(callback)) throw_failure(status, callee());
}

}  // namespace tempo
