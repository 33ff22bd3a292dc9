// SPDX-License-Identifier: Apache-2.0
// The files of a text that may be a folder, each read as UTF-8.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace tempo {

/// The file, or all files below the folder, sorted by path. Throws FormatError.
std::vector<std::filesystem::path> files_at(const std::string& path);
/// The content without a byte order mark. Throws FormatError.
std::string text_of_file(const std::filesystem::path& file, const std::string& encoding);

}  // namespace tempo
