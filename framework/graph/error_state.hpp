// SPDX-License-Identifier: Apache-2.0
// The last error of each thread, as the C side sees it.
#pragma once

#include <string>

#include <tempo/plugin.h>

namespace tempo {

/// Keeps category and text. The same text again is the same error passed on: its serial stays.
tempo_status fail(tempo_status category, const char* text);
/// The text of the last error; the serial is 0 if there is none.
const char* last_error(uint64_t* serial);
/// Replaces the text of the same error: an exception in flight still returns to its thrower.
void amend_error(const std::string& text);
/// While one exists, the thread has only new errors: a callback that fails without a text does not
/// get that of an earlier error. The earlier error is then restored, unless it was replaced.
class ErrorSetAside {
 public:
  ErrorSetAside() noexcept;
  ~ErrorSetAside();
  ErrorSetAside(const ErrorSetAside&) = delete;
  ErrorSetAside& operator=(const ErrorSetAside&) = delete;
  /// The error of the meantime becomes the thread's last error.
  void replace() { wanted_ = false; }

 private:
  std::string text_;
  uint64_t serial_ = 0;
  bool wanted_ = true;
};

}  // namespace tempo
