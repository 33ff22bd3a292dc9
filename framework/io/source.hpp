// SPDX-License-Identifier: Apache-2.0
// What a reader reads: a file, or bytes in memory under a name. Readers are written once, for both.
#pragma once

#include <cstdint>
#include <filesystem>
#include <new>
#include <stdexcept>
#include <string>
#include <string_view>

#include <tempo/error.hpp>

#include "tensor/array.hpp"

namespace tempo {

class Source {
 public:
  virtual ~Source() = default;
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;

  /// The path, or what else an error begins with.
  const std::string& name() const { return name_; }
  uint64_t size() const { return size_; }
  /// `bytes` bytes from `at` on, which must be there.
  virtual void read(uint64_t at, void* to, std::size_t bytes) const = 0;

  /// Part of it, or all.
  std::string text(uint64_t at, std::size_t bytes) const;
  std::string text() const { return text(0, size_); }
  /// The elements of one tensor, which lie as Tempo has them from `at` on.
  Array array(uint64_t at, const TensorType& type) const;
  /// An array to fill, or a FormatError where there is no memory for it.
  Array room_for(const TensorType& type) const;

  /// Throws FormatError; `what` is the rest of a sentence.
  [[noreturn]] void fail(const std::string& what) const;

 protected:
  Source(std::string name, uint64_t size) : name_(std::move(name)), size_(size) {}

  std::string name_;
  uint64_t size_ = 0;
};

/// A regular file, held open: whoever replaces it under its name meanwhile changes nothing here.
class FileSource final : public Source {
 public:
  /// FormatError where there is none, or it is something else, or may not be read.
  explicit FileSource(const std::filesystem::path& path);
  /// Bytes of a file that is open already; the descriptor stays the caller's.
  FileSource(const std::filesystem::path& path, int descriptor);
  ~FileSource() override;
  void read(uint64_t at, void* to, std::size_t bytes) const override;

 private:
  void look();

  int descriptor_ = -1;
  bool mine_ = true;
};

/// Bytes that the caller keeps.
class MemorySource final : public Source {
 public:
  MemorySource(std::string name, std::string_view bytes)
      : Source(std::move(name), bytes.size()), bytes_(bytes) {}
  void read(uint64_t at, void* to, std::size_t bytes) const override;

 private:
  std::string_view bytes_;
};

/// What f gives, which reads a file or folder of this name. Where there is no memory for it, or the
/// system refuses, it is a FormatError that begins with the name.
template <class F>
auto reading(const std::string& name, F f) -> decltype(f()) {
  const auto no_memory = [&] {
    return FormatError(name + ": there is no memory for what it holds.");
  };
  try {
    return f();
  } catch (const std::bad_alloc&) {
    throw no_memory();
  } catch (const std::length_error&) {
    throw no_memory();
  } catch (const std::filesystem::filesystem_error& e) {
    throw FormatError(name + ": " + e.code().message() + ".");
  }
}

}  // namespace tempo
