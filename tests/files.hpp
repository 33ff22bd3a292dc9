// What tests of files share: a folder of their own, files in it, and tables of damaged ones.
#pragma once

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "testing.hpp"

namespace tempo::testing {

// A folder of this program's own, gone at its end.
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

}  // namespace tempo::testing
