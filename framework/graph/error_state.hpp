// SPDX-License-Identifier: Apache-2.0
// The last error of each thread, as it stands on the C side.
#pragma once

#include <string>

#include <tempo/plugin.h>

namespace tempo {

/// Keeps category and text. The same text again is the same error on its way up: its serial stays.
tempo_status fail(tempo_status category, const char* text);
/// Its text; the serial is 0 when there is none.
const char* last_error(uint64_t* serial);
/// More words for the same error: an exception in flight still comes back to its thrower.
void amend_error(const std::string& text);
/// While one lives, the thread has no error but new ones: a callback that fails without words is
/// not given the words of another. Then it has the one before again, if that is still wanted.
class ErrorSetAside {
 public:
  ErrorSetAside() noexcept;
  ~ErrorSetAside();
  ErrorSetAside(const ErrorSetAside&) = delete;
  ErrorSetAside& operator=(const ErrorSetAside&) = delete;
  /// What failed in the meantime is the thread's error.
  void replace() { wanted_ = false; }

 private:
  std::string text_;
  uint64_t serial_ = 0;
  bool wanted_ = true;
};

}  // namespace tempo
