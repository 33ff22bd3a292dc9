// SPDX-License-Identifier: Apache-2.0
// Writes the seeds, and runs each input: an Error is an answer, anything else a finding.
#include "fuzz.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "graph/value.hpp"
#include "plugin/loader.hpp"

namespace tempo::fuzz {

namespace {

void write(const std::filesystem::path& path, std::string_view content) {
  std::ofstream(path, std::ios::binary)
      .write(content.data(), static_cast<std::streamsize>(content.size()));
}

void write_seeds(const std::filesystem::path& folder) {
  std::filesystem::create_directories(folder);
  std::size_t n = 0;
  for (const std::string& seed : seeds()) write(folder / ("seed" + std::to_string(n++)), seed);
}

}  // namespace

void require(bool holds, std::string_view promise, std::string_view detail) {
  if (holds) return;
  std::fprintf(stderr, "broken promise: %.*s\n%.*s\n", static_cast<int>(promise.size()),
               promise.data(), static_cast<int>(detail.size()), detail.data());
  std::abort();
}

bool same(const Tensor& a, const Tensor& b) {
  const View x = a.handle()->array.view(), y = b.handle()->array.view();
  return x.type == y.type && (x.count() == 0 || std::memcmp(x.data, y.data, x.type.bytes()) == 0);
}

unsigned Input::byte() {
  if (rest_.empty()) return 0;
  const auto first = static_cast<unsigned char>(rest_.front());
  rest_.remove_prefix(1);
  return first;
}

std::string_view Input::text() {
  const std::size_t end = std::min(rest_.find('\xff'), rest_.size());
  const std::string_view found = rest_.substr(0, end);
  rest_.remove_prefix(std::min(end + 1, rest_.size()));
  return found;
}

std::string Input::repeated(std::size_t size) const {
  std::string out(size, '\0');
  for (std::size_t i = 0; i < size && !rest_.empty(); ++i) out[i] = rest_[i % rest_.size()];
  return out;
}

bool by_file(const uint8_t* data, std::size_t size) {
  constexpr uint64_t one_in = 64;
  uint64_t hash = 14695981039346656037u;  // FNV-1a
  for (std::size_t i = 0; i < size; ++i) hash = (hash ^ data[i]) * 1099511628211u;
  return (hash >> 32) % one_in == 0;
}

const std::string& scratch_file() {
  static const std::string path = [] {
    std::atexit([] { std::remove(scratch_file().c_str()); });
    return "/dev/shm/tempo_fuzz_" + std::to_string(::getpid());
  }();
  return path;
}

}  // namespace tempo::fuzz

// `--seeds=FOLDER` writes the seeds and ends. The plugins are there from the start: a name that
// none of them has is not looked for on the disk.
extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  tempo::load_installed();
  ::setenv("TEMPO_PLUGIN_FOLDER", "/dev/null", 1);
  constexpr std::string_view option = "--seeds=";
  for (int i = 1; i < *argc; ++i)
    if (const std::string_view given = (*argv)[i]; given.starts_with(option)) {
      tempo::fuzz::write_seeds(given.substr(option.size()));
      std::exit(0);
    }
  return 0;
}
