// SPDX-License-Identifier: Apache-2.0
// The two sources of bytes: a regular file that is held open, and memory.
#include "io/source.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>
#include <stdexcept>
#include <system_error>

#include "io/encoding.hpp"

namespace tempo {
namespace {

std::string reason() { return std::generic_category().message(errno); }

}  // namespace

void Source::fail(const std::string& what) const { throw FormatError(name_ + ": " + what); }

std::string Source::text(uint64_t at, std::size_t bytes) const try {
  std::string out(bytes, '\0');
  read(at, out.data(), bytes);
  return out;
} catch (const std::bad_alloc&) {
  fail("there is no memory for its " + std::to_string(bytes) + " bytes.");
} catch (const std::length_error&) {
  fail("there is no memory for its " + std::to_string(bytes) + " bytes.");
}

Array Source::room_for(const TensorType& type) const try {
  return Array(type);
} catch (const std::bad_alloc&) {
  fail("there is no memory for " + to_string(type) + ", " + std::to_string(type.bytes()) +
       " bytes.");
}

Array Source::array(uint64_t at, const TensorType& type) const {
  Array out = room_for(type);
  if (type.bytes() > 0) read(at, out.as<char>(), type.bytes());
  return out;
}

FileSource::FileSource(const std::filesystem::path& path) : Source(path.string(), 0) {
  if (name_.find('\0') != name_.npos)
    throw FormatError(in_quotes(name_) + ": a file's name has no byte of 0.");
  // Without O_NONBLOCK, opening a FIFO would wait here for a writer.
  descriptor_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor_ >= 0) {
    look();
    return;
  }
  if (name_.empty()) throw FormatError("\"\": no such file: a file needs a name.");
  if (errno == ENOENT) fail("no such file.");
  if (errno == ENXIO || errno == ENODEV) fail("not a regular file.");
  fail("cannot be read: " + reason() + ".");
}

FileSource::FileSource(const std::filesystem::path& path, int descriptor)
    : Source(path.string(), 0), descriptor_(descriptor), mine_(false) {
  look();
}

FileSource::~FileSource() {
  if (mine_ && descriptor_ >= 0) ::close(descriptor_);
}

void FileSource::look() {
  struct stat found {};
  const bool seen = ::fstat(descriptor_, &found) == 0;
  const std::string why = seen ? "" : reason();
  if (seen && S_ISREG(found.st_mode)) {
    size_ = static_cast<uint64_t>(found.st_size);
    return;
  }
  if (mine_) ::close(std::exchange(descriptor_, -1));
  if (!seen) fail("cannot be read: " + why + ".");
  fail(S_ISDIR(found.st_mode) ? "a directory, not a file." : "not a regular file.");
}

void FileSource::read(uint64_t at, void* to, std::size_t bytes) const {
  char* out = static_cast<char*>(to);
  while (bytes > 0) {
    const ssize_t n = ::pread(descriptor_, out, bytes, static_cast<off_t>(at));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail("cannot be read: " + reason() + ".");
    if (n == 0) fail("it became shorter while it was read.");
    out += n;
    at += static_cast<uint64_t>(n);
    bytes -= static_cast<std::size_t>(n);
  }
}

void MemorySource::read(uint64_t at, void* to, std::size_t bytes) const {
  if (bytes > 0) std::memcpy(to, bytes_.substr(at, bytes).data(), bytes);
}

}  // namespace tempo
