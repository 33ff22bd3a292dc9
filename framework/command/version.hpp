#pragma once

namespace tempo::command {

/// Of Tempo: what project(tempo VERSION ...) in CMakeLists.txt says; plugin_test compares the two.
inline constexpr const char* version = "0.1.0";

}  // namespace tempo::command
