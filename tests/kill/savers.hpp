// SPDX-License-Identifier: Apache-2.0
// What can be saved, with a number in it that tells one file from the next.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace tempo::testing {

struct Saver {
  std::string name;  ///< of the file, too
  void (*save)(const std::string& path, int64_t n);
  /// The number of a file; throws Error unless the file is whole.
  int64_t (*number)(const std::string& path);
};

const std::vector<Saver>& savers();

}  // namespace tempo::testing
