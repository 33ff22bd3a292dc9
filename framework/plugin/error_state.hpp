// The last error of each thread, as it stands on the C side.
#pragma once

#include <tempo/plugin.h>

#include <string>

namespace tempo {

/// Keeps category and text. The same text again is the same error on its way up: its serial stays.
tempo_status fail(tempo_status category, const char* text);
const char* last_error(uint64_t* serial);

}  // namespace tempo
