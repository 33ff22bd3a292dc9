#include "plugin/error_state.hpp"

#include <atomic>

namespace tempo {

namespace {
struct LastError {
  std::string text;
  uint64_t serial = 0;
};
thread_local LastError last;
std::atomic<uint64_t> serials{0};
}  // namespace

tempo_status fail(tempo_status category, const char* text) {
  if (!text) text = "(no text)";
  if (last.serial == 0 || last.text != text) {
    last.text = text;
    last.serial = ++serials;
  }
  return category == TEMPO_OK ? TEMPO_ERROR : category;
}

const char* last_error(uint64_t* serial) {
  if (serial) *serial = last.serial;
  return last.text.c_str();
}

void amend_error(const std::string& text) { last.text = text; }

void forget_error() {
  if (last.serial == 0) return;
  last.text.clear();
  last.serial = 0;
}

}  // namespace tempo
