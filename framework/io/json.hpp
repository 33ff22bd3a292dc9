// JSON from files that nobody vouches for.
#pragma once

#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

namespace tempo {

/// Reads one JSON text, in time and memory linear in its length; members keep their order. Throws
/// FormatError, beginning with `what` ("model.safetensors: its header"), for a text that is no JSON
/// or not UTF-8, for arrays and objects nested more than `deepest` deep, and for an object that has
/// a name twice.
nlohmann::ordered_json parse_json(std::string_view text, int deepest, const std::string& what);

}  // namespace tempo
