// SPDX-License-Identifier: Apache-2.0
// What the `tempo` command does, one function for each of its subcommands. They return the text to
// print, and throw Error.
#pragma once

#include <string>
#include <vector>

namespace tempo::command {

/// What is installed, by plugin, and which plugins could not be loaded.
std::string list_layers();
/// The layer and the cell of that name, with a table of their options.
std::string describe_layer(const std::string& name);
/// The Programs of a layer, made with options such as "units=128", on an input of this shape; or
/// the one of a stream of it.
std::string explain_layer(const std::string& name, const std::vector<std::string>& options,
                          const std::string& shape, const std::string& dtype, bool stream);

}  // namespace tempo::command
