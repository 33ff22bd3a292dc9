// SPDX-License-Identifier: Apache-2.0
// Shared by tests of files: a folder of their own, files in it, and tables of damaged ones.
#pragma once

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>

#include "testing.hpp"

namespace tempo::testing {

// A folder of this program's own, which is removed at the end.
struct Folder {
  Folder() { std::filesystem::create_directories(path); }
  ~Folder() { std::filesystem::remove_all(path); }
  std::filesystem::path path =
      std::filesystem::temp_directory_path() / ("tempo_test_" + std::to_string(::getpid()));
};
inline std::string in_folder(const std::string& name) {
  static const Folder folder;
  return (folder.path / name).string();
}

inline std::string write(const std::string& name, const std::string& content) {
  const std::string path = in_folder(name);
  std::ofstream(path, std::ios::binary) << content;
  return path;
}
inline std::string read(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

inline int files_in_folder() {
  const std::filesystem::directory_iterator all(
      std::filesystem::path(in_folder("x")).parent_path());
  return static_cast<int>(std::distance(begin(all), end(all)));
}

inline void check_error(const std::string& got, const std::string& expected) {
  BOOST_TEST(got.find(expected) != std::string::npos, "expected: " << expected << "\ngot: " << got);
}

struct BadFile {
  const char* what;
  std::string content;
  std::string expected;
};

inline std::string little_endian(uint64_t n) {
  return {reinterpret_cast<const char*>(&n), sizeof n};
}

/// A tensor of each dtype, and one without elements.
inline std::map<std::string, Tensor> one_of_each() {
  return {
      {"f32", tensor<float>({1.5f, -2, 3e-40f, 4}, {2, 2})},
      {"f64", tensor<double>({1.0 / 3, -1e300}, {2}, float64)},
      {"i32", tensor<int32_t>({1, -2, 3}, {3, 1})},
      {"i64", tensor<int64_t>({int64_t{1} << 60}, {})},
      {"bool", tensor<bool>({true, false, true}, {3})},
      {"none", zeros({0, 4})},
  };
}

const std::string sixteen(16, '\0');

}  // namespace tempo::testing
