// SPDX-License-Identifier: Apache-2.0
// The files of a text that may be a folder, each as UTF-8.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace tempo {

/// The file, or all files below the folder in the order of their paths. Throws FormatError.
std::vector<std::filesystem::path> files_at(const std::string& path);
/// Without a byte order mark. Throws FormatError.
std::string text_of_file(const std::filesystem::path& file, const std::string& encoding);

}  // namespace tempo
