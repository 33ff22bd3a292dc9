// SPDX-License-Identifier: Apache-2.0
// Options of a layer on the command line: NAME=VALUE, read by the layer's own description.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <tempo/option_list.hpp>

namespace tempo::command {

/// Reads "3,4" or "[3, 4]"; none if it is not a list of integers. `what` begins the Error for a
/// number that does not fit into 64 bits.
std::optional<std::vector<int64_t>> parse_list(const std::string& what, const std::string& text);

/// Reads "units=128". A value that does not match the description remains a text, and an unknown
/// name is kept: the layer refuses both with its own errors. A number that does not fit into 64
/// bits is an Error.
void add_option(sdk::OptionList& options, const tempo_layer_type& type,
                const std::string& assignment);

}  // namespace tempo::command
