// A file that is there complete or not at all: written beside its place, then renamed onto it.
#pragma once

#include <filesystem>
#include <string_view>

namespace tempo {

class AtomicFile {
 public:
  /// Opens a temporary file in the folder of `path`; what stands at `path` stays until commit.
  explicit AtomicFile(const std::filesystem::path& path);
  /// Without a commit, takes the temporary file away.
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(const void* data, std::size_t bytes);
  void write(std::string_view text) { write(text.data(), text.size()); }
  int descriptor() const { return descriptor_; }
  /// Where it is until commit.
  const std::filesystem::path& temporary() const { return temporary_; }

  /// Puts it on disk and in its place.
  void commit();

 private:
  [[noreturn]] void fail(const char* what) const;

  std::filesystem::path path_, temporary_;
  int descriptor_ = -1;
  bool committed_ = false;
};

/// Writes a whole file so.
void write_file(const std::filesystem::path& path, std::string_view content);

}  // namespace tempo
