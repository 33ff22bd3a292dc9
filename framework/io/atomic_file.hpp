// SPDX-License-Identifier: Apache-2.0
// A file that exists completely or not at all: written without a name, then put in its place.
#pragma once

#include <filesystem>
#include <string_view>

namespace tempo {

class AtomicFile {
 public:
  /// Opens a file without a name in the folder of `path`, or under a random name if the file system
  /// has no nameless files. The file at `path` stays until commit. A symbolic link stays a link:
  /// its target is written, whether it exists yet or not.
  explicit AtomicFile(const std::filesystem::path& path);
  /// Without a commit, no trace of it is left.
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(const void* data, std::size_t bytes);
  void write(std::string_view text) { write(text.data(), text.size()); }
  /// Open for reading and writing.
  int descriptor() const { return descriptor_; }

  /// Syncs the file to disk and puts it in its place, with the mode of the file that was there.
  void commit();

 private:
  void open();
  void put_in_place();
  void link_in_place();
  void sync_folder() const;
  std::filesystem::path folder() const;
  [[noreturn]] void fail(const char* what) const;

  std::filesystem::path path_, target_;  // as given; with its links followed
  std::filesystem::path temporary_;      // its name before commit, if it has one
  int descriptor_ = -1;
};

}  // namespace tempo
