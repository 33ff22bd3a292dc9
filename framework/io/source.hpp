// SPDX-License-Identifier: Apache-2.0
// The input of a reader: a file, or named bytes in memory. Each reader is written once, for both.
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

  /// The path or other name with which errors begin.
  const std::string& name() const { return name_; }
  uint64_t size() const { return size_; }
  /// Reads `bytes` bytes from `at` on; they must exist.
  virtual void read(uint64_t at, void* to, std::size_t bytes) const = 0;

  /// A part of the bytes as text, or all of them.
  std::string text(uint64_t at, std::size_t bytes) const;
  std::string text() const { return text(0, size_); }
  /// One tensor whose elements are stored from `at` on in Tempo's own layout.
  Array array(uint64_t at, const TensorType& type) const;
  /// An array to fill; FormatError if there is no memory for it.
  Array room_for(const TensorType& type) const;

  /// Throws FormatError with the name; `what` is the rest of the sentence.
  [[noreturn]] void fail(const std::string& what) const;

 protected:
  Source(std::string name, uint64_t size) : name_(std::move(name)), size_(size) {}

  std::string name_;
  uint64_t size_ = 0;
};

/// A regular file, held open: replacing the file under its name has no effect here.
class FileSource final : public Source {
 public:
  /// FormatError if the file does not exist, is not regular, or cannot be read.
  explicit FileSource(const std::filesystem::path& path);
  /// Reads a file that is open already; the caller still owns the descriptor.
  FileSource(const std::filesystem::path& path, int descriptor);
  ~FileSource() override;
  void read(uint64_t at, void* to, std::size_t bytes) const override;

 private:
  void look();

  int descriptor_ = -1;
  bool mine_ = true;
};

/// Bytes that the caller owns.
class MemorySource final : public Source {
 public:
  MemorySource(std::string name, std::string_view bytes)
      : Source(std::move(name), bytes.size()), bytes_(bytes) {}
  void read(uint64_t at, void* to, std::size_t bytes) const override;

 private:
  std::string_view bytes_;
};

/// The result of f, which reads a file or folder of this name. If memory runs out or the system
/// refuses, a FormatError is thrown that begins with the name.
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
