// Files as wholes: written atomically, read completely.
#include "io/atomic_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <system_error>

#include <tempo/error.hpp>

namespace fs = std::filesystem;

namespace tempo {
namespace {

std::string reason() { return std::generic_category().message(errno); }

// Another name in the same folder: a rename only swaps entries within one file system.
fs::path beside(const fs::path& path) {
  static std::atomic<unsigned> serial{0};
  fs::path name = path;
  name += ".tmp-" + std::to_string(::getpid()) + "-" + std::to_string(serial++);
  return name;
}

}  // namespace

AtomicFile::AtomicFile(const fs::path& path) : path_(path) {
  std::error_code ignored;
  if (fs::is_symlink(path_, ignored)) path_ = fs::weakly_canonical(path_, ignored);
  const fs::file_status there = fs::status(path_, ignored);
  if (fs::exists(there) && !fs::is_regular_file(there))
    throw Error(path.string() + ": there is something else than a file of that name" +
                (fs::is_directory(there) ? " (a directory)." : "."));
  temporary_ = beside(path_);
  descriptor_ = ::open(temporary_.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0666);
  if (descriptor_ < 0) fail("cannot be written");
  if (struct stat before{}; ::stat(path_.c_str(), &before) == 0)
    (void)::fchmod(descriptor_, before.st_mode & 07777);
}

AtomicFile::~AtomicFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
  if (!committed_) ::unlink(temporary_.c_str());
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
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) fail("could not be put in its place");
  committed_ = true;
  const fs::path folder = path_.has_parent_path() ? path_.parent_path() : fs::path(".");
  if (const int d = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); d >= 0) {
    (void)::fsync(d);  // the new name, too, outlives a power cut where the file system can do it
    ::close(d);
  }
}

void AtomicFile::fail(const char* what) const {
  const std::string why = reason();
  std::error_code ignored;
  throw Error(path_.string() + ": " + what + ": " + why + "." +
              (fs::exists(path_, ignored) ? "\n  The file that was there is unchanged." : ""));
}

void write_file(const fs::path& path, std::string_view content) {
  AtomicFile file(path);
  file.write(content);
  file.commit();
}

}  // namespace tempo
