// SPDX-License-Identifier: Apache-2.0
// Where the examples find what they read: corpora, which are other people's and no part of Tempo,
// lie in $TEMPO_DATA; `./dev data NAME` brings them there.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>

#include <tempo/error.hpp>

namespace tempo {

struct Corpus {
  std::string_view name, file, what, licence, sha256, address, origin;
};

inline constexpr Corpus corpora[] = {
#define CORPUS(...) {__VA_ARGS__},
#include "data/corpora.def"
#undef CORPUS
};

/// $TEMPO_DATA, or ~/.cache/tempo/data where it is not set.
inline std::filesystem::path data_folder() {
  if (const char* folder = std::getenv("TEMPO_DATA"); folder && *folder) return folder;
  const char* home = std::getenv("HOME");
  return std::filesystem::path(home ? home : ".") / ".cache/tempo/data";
}

/// The path of a corpus's file, $TEMPO_DATA/NAME/FILE. Throws Error where it is not there: whose it
/// is, where it is had, and what to type.
inline std::string corpus(const std::string& name) {
  std::string names;
  for (const Corpus& c : corpora) {
    names.append(names.empty() ? "" : ", ").append(c.name);
    if (c.name != name) continue;
    const std::filesystem::path path = data_folder() / c.name / c.file;
    if (std::filesystem::is_regular_file(path)) return path.string();
    throw Error("there is no " + path.string() + "\n  It is " + std::string(c.what) + ": " +
                std::string(c.origin) + " (" + std::string(c.licence) + ").\n  `./dev data " +
                name + "` brings it there, from\n  " + std::string(c.address) +
                "\n  TEMPO_DATA names the folder, where it is another one.");
  }
  throw Error("there is no corpus " + name + "; there are: " + names + ".");
}

/// Whether an example is to run its short mode, NAME --short: the same program, with less training.
inline bool short_run(int argc, char** argv) {
  for (int i = 1; i < argc; ++i)
    if (std::string_view(argv[i]) == "--short") return true;
  return false;
}

}  // namespace tempo
