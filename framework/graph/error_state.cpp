// SPDX-License-Identifier: Apache-2.0
// Each thread's last error.
#include "graph/error_state.hpp"

#include <atomic>
#include <new>
#include <utility>

#include "tensor/of_thread.hpp"

namespace tempo {

namespace {
struct LastError {
  std::string text;
  uint64_t serial = 0;
};
using Last = OfThread<LastError>;
std::atomic<uint64_t> serials{0};
}  // namespace

tempo_status fail(tempo_status category, const char* text) {
  if (!text) text = "(no text)";
  const tempo_status status = category == TEMPO_OK ? TEMPO_ERROR : category;
  try {
    LastError& last = Last::get();
    if (last.serial != 0 && last.text == text) return status;
    last.serial = ++serials;
    try {
      std::string words(text);  // `text` may be a part of last.text
      last.text.swap(words);
    } catch (const std::bad_alloc&) {
      last.text = "out of memory";  // this text needs no allocation
    }
  } catch (const std::bad_alloc&) {  // the status alone must do
  }
  return status;
}

const char* last_error(uint64_t* serial) {
  const LastError* last = Last::find();
  if (serial) *serial = last ? last->serial : 0;
  return last ? last->text.c_str() : "";
}

void amend_error(const std::string& text) { Last::get().text = text; }

ErrorSetAside::ErrorSetAside() noexcept {
  LastError* last = Last::find();
  if (!last || last->serial == 0) return;
  text_.swap(last->text);
  serial_ = std::exchange(last->serial, 0);
}

ErrorSetAside::~ErrorSetAside() {
  LastError* last = wanted_ ? Last::find() : nullptr;
  if (!last) return;
  last->text.swap(text_);
  last->serial = serial_;
}

}  // namespace tempo
