// SPDX-License-Identifier: Apache-2.0
// Writes into a nameless file (O_TMPFILE) if the file system supports that, else under a temporary
// name.
#include "io/atomic_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <functional>
#include <random>
#include <string>
#include <system_error>

#include <tempo/error.hpp>

#include "io/encoding.hpp"

namespace fs = std::filesystem;

namespace tempo {
namespace {

std::string reason(int code) { return std::generic_category().message(code); }

// The target of a path whose last part is a symbolic link, whether the target exists or not.
fs::path followed(const fs::path& path) {
  constexpr int most_links = 40;  // as many as the kernel follows
  fs::path at = path;
  for (int i = 0; i < most_links; ++i) {
    std::error_code error;
    const fs::path next = fs::read_symlink(at, error);
    if (error) return at;
    at = at.parent_path() / next;  // just `next` if it is absolute
  }
  throw Error(path.string() + ": cannot be written: " + reason(ELOOP) + ".");
}

void require_name(const fs::path& path) {
  const std::string& name = path.native();
  if (name.empty()) throw Error("\"\": cannot be written: a file needs a name.");
  if (name.find('\0') != name.npos)
    throw Error(in_quotes(name) + ": cannot be written: a file's name has no byte of 0.");
}

constexpr int attempts = 100;

// A fixed name for each file, so that a leftover is replaced; short enough for any file system.
std::string name_beside(const std::string& name) {
  constexpr std::size_t longest = 200;
  if (name.size() <= longest) return '.' + name + ".tempo";
  return '.' + name.substr(0, longest) + std::to_string(std::hash<std::string>()(name)) + ".tempo";
}

}  // namespace

AtomicFile::AtomicFile(const fs::path& path) : path_(path) {
  require_name(path_);
  target_ = followed(path_);
  struct stat there {};
  const bool exists = ::stat(target_.c_str(), &there) == 0;
  if (!exists && errno != ENOENT) fail("cannot be written");
  if (exists && !S_ISREG(there.st_mode))
    throw Error(path_.string() + ": there is something else than a file of that name" +
                (S_ISDIR(there.st_mode) ? " (a directory)." : "."));
  if (!target_.has_filename()) {
    errno = EISDIR;
    fail("cannot be written");
  }
  open();
  if (exists) (void)::fchmod(descriptor_, there.st_mode & 07777);
}

AtomicFile::~AtomicFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

fs::path AtomicFile::folder() const {
  return target_.has_parent_path() ? target_.parent_path() : fs::path(".");
}

void AtomicFile::open() {
  constexpr int flags = O_RDWR | O_CLOEXEC;
  constexpr mode_t mode = 0666;
  if (::access("/proc/self/fd", X_OK) == 0)  // commit names the file through it
    descriptor_ = ::open(folder().c_str(), O_TMPFILE | flags, mode);
  if (descriptor_ >= 0) return;
  std::random_device random;
  for (int i = 0; i < attempts && descriptor_ < 0 && (i == 0 || errno == EEXIST); ++i) {
    temporary_ = folder() / (".tempo-" + std::to_string(random()) + std::to_string(random()));
    descriptor_ = ::open(temporary_.c_str(), O_CREAT | O_EXCL | flags, mode);
  }
  if (descriptor_ < 0) temporary_.clear();
  if (descriptor_ < 0) fail("cannot be written");
}

void AtomicFile::write(const void* data, std::size_t bytes) {
  const char* at = static_cast<const char*>(data);
  while (bytes > 0) {
    const ssize_t n = ::write(descriptor_, at, bytes);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail("could not be written to its end");
    at += n;
    bytes -= static_cast<std::size_t>(n);
  }
}

void AtomicFile::commit() {
  if (::fsync(descriptor_) != 0) fail("could not be put on disk");
  put_in_place();
  sync_folder();
}

void AtomicFile::put_in_place() {
  if (temporary_.empty()) return link_in_place();
  if (::rename(temporary_.c_str(), target_.c_str()) != 0) fail("could not be put in its place");
  temporary_.clear();
}

// A link replaces nothing: if the target exists, the link is made beside it and renamed. A file
// already beside it is complete, left by a killed program or by another save of this moment. It is
// removed; that save finds its name gone, as if it had finished earlier.
void AtomicFile::link_in_place() {
  const std::string own = "/proc/self/fd/" + std::to_string(descriptor_);
  const auto link = [&](const fs::path& name) {
    return ::linkat(AT_FDCWD, own.c_str(), AT_FDCWD, name.c_str(), AT_SYMLINK_FOLLOW) == 0;
  };
  if (link(target_)) return;
  const fs::path beside = folder() / name_beside(target_.filename());
  for (int i = 0; i < attempts && errno == EEXIST; ++i) {
    if (link(beside)) {
      if (::rename(beside.c_str(), target_.c_str()) == 0) return;
      const int code = errno;
      if (code == ENOENT && ::access(target_.c_str(), F_OK) == 0) return;
      temporary_ = beside;  // so that it is removed
      errno = code;
      break;
    }
    if (errno == EEXIST && (::unlink(beside.c_str()) == 0 || errno == ENOENT)) errno = EEXIST;
  }
  fail("could not be put in its place");
}

// Makes the new name survive a power cut, too, if the file system supports that.
void AtomicFile::sync_folder() const {
  const int d = ::open(folder().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (d < 0) return;  // a folder that can be written but not read
  const int code = ::fsync(d) == 0 ? 0 : errno;
  ::close(d);
  if (code != 0 && code != EINVAL && code != ENOTSUP && code != EROFS)
    throw Error(path_.string() +
                ": is written, but its folder could not be put on disk: " + reason(code) + ".");
}

void AtomicFile::fail(const char* what) const {
  const std::string why = reason(errno);
  struct stat there {};
  throw Error(
      path_.string() + ": " + what + ": " + why + "." +
      (::stat(target_.c_str(), &there) == 0 ? "\n  The file that was there is unchanged." : ""));
}

}  // namespace tempo
