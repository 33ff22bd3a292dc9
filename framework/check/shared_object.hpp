// SPDX-License-Identifier: Apache-2.0
// The symbols and needs of a shared object, read without running it.
#pragma once

#include <string>
#include <vector>

namespace tempo::conformance {

struct SharedObject {
  struct Symbol {
    std::string name;
    bool defined = false, weak = false, unique = false;
    bool versioned = false;  // if undefined: whether a needed library declares it
  };
  std::vector<Symbol> symbols;      // exported, or wanted from others
  std::vector<std::string> locals;  // its private names; none if they were stripped
  std::vector<std::string> needed;  // libraries
  std::string run_path;             // the folders to search for these
  bool patches_code = false;        // whether relocations change its code
  bool executable_stack = false;
};

/// Reads a file that the loader would open; throws Fault if it cannot be read.
SharedObject read_shared_object(const std::string& path);

}  // namespace tempo::conformance
