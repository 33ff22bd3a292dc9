// SPDX-License-Identifier: Apache-2.0
// What a shared object says of itself: its symbols and what it needs, read without running it.
#pragma once

#include <string>
#include <vector>

namespace tempo::conformance {

struct SharedObject {
  struct Symbol {
    std::string name;
    bool defined = false, weak = false, unique = false;
    bool versioned = false;  // undefined: a library it needs says that it has it
  };
  std::vector<Symbol> symbols;      // that others see, or that it wants of others
  std::vector<std::string> locals;  // names of its own; none where they were stripped
  std::vector<std::string> needed;  // libraries
  std::string run_path;             // where these are looked for
  bool patches_code = false;        // relocations in what is executed
  bool executable_stack = false;
};

/// Of a file that the loader would open; throws Fault where it cannot be read.
SharedObject read_shared_object(const std::string& path);

}  // namespace tempo::conformance
