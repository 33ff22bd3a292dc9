// SPDX-License-Identifier: Apache-2.0
// Options of a layer as the command line has them: NAME=VALUE, read by the layer's own description.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <tempo/option_list.hpp>

namespace tempo::command {

/// "3,4" or "[3, 4]"; none where it is not a list of integers. `what` begins the Error of one that
/// does not fit into 64 bits.
std::optional<std::vector<int64_t>> parse_list(const std::string& what, const std::string& text);

/// Reads "units=128". A value that cannot be read as what the description asks for stays a text,
/// and a name that it does not have is kept: the layer itself refuses both, in its own words. A
/// number that does not fit into 64 bits is an Error.
void add_option(sdk::OptionList& options, const tempo_layer_type& type,
                const std::string& assignment);

}  // namespace tempo::command
