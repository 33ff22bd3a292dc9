// SPDX-License-Identifier: Apache-2.0
// Saving when the system fails: whichever call fails, the old file or the new one is there, whole,
// and nothing is left beside it; even while others read.
#define BOOST_TEST_MODULE saving
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <filesystem>
#include <thread>

#include <tempo/tempo.hpp>

#include "kill/savers.hpp"
#include "testing.hpp"

using namespace tempo;
using namespace tempo::testing;
namespace fs = std::filesystem;

namespace {

// Which of the calls below fails, and how. Calls of libraries end here, because a program's own
// functions take precedence over those of the C library.
struct Failure {
  std::atomic<int> calls_before{-1};  ///< below 0: none fails
  std::atomic<int> error{0};
  std::atomic<bool> short_writes{false};

  bool now() {
    if (calls_before < 0 || calls_before-- > 0) return false;
    errno = error;
    return true;
  }
} failure;

}  // namespace

extern "C" {
ssize_t write(int descriptor, const void* data, std::size_t bytes) {
  if (failure.now()) return -1;
  if (failure.short_writes) bytes = std::min<std::size_t>(bytes, 4096);
  return ::syscall(SYS_write, descriptor, data, bytes);
}
int fsync(int descriptor) {
  return failure.now() ? -1 : static_cast<int>(::syscall(SYS_fsync, descriptor));
}
int fdatasync(int descriptor) {
  return failure.now() ? -1 : static_cast<int>(::syscall(SYS_fdatasync, descriptor));
}
int fchmod(int descriptor, mode_t mode) noexcept {
  return failure.now() ? -1 : static_cast<int>(::syscall(SYS_fchmod, descriptor, mode));
}
int rename(const char* from, const char* to) noexcept {
  return failure.now()
             ? -1
             : static_cast<int>(::syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0));
}
int linkat(int from_folder, const char* from, int to_folder, const char* to, int flags) noexcept {
  return failure.now()
             ? -1
             : static_cast<int>(::syscall(SYS_linkat, from_folder, from, to_folder, to, flags));
}
int open(const char* path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  const bool makes = flags & O_CREAT || (flags & O_TMPFILE) == O_TMPFILE;
  const mode_t mode = makes ? va_arg(rest, mode_t) : 0;
  va_end(rest);
  return failure.now() ? -1 : static_cast<int>(::syscall(SYS_openat, AT_FDCWD, path, flags, mode));
}
}

namespace {

struct Folder {
  Folder() { fs::create_directories(path); }
  ~Folder() { fs::remove_all(path); }
  std::vector<std::string> names() const {
    std::vector<std::string> all;
    for (const auto& entry : fs::directory_iterator(path))
      all.push_back(entry.path().filename().string());
    return all;
  }
  fs::path path = fs::temp_directory_path() / ("tempo_saving_test_" + std::to_string(::getpid()));
};

// Saves while the call after `calls_before` others fails. Returns whether there was this call.
bool fails(const Saver& saver, const std::string& path, int calls_before, int error) {
  saver.save(path, 1);
  failure.error = error;
  failure.calls_before = calls_before;
  const std::string text = error_of([&] { saver.save(path, 2); });
  const bool failed = failure.calls_before.exchange(-1) < 0;
  const int64_t there = saver.number(path);
  if (text == "nothing was thrown")
    BOOST_TEST(there == 2);
  else
    BOOST_TEST((there == 1 || there == 2), there << " is there after: " << text);
  BOOST_TEST((failed || there == 2));
  return failed;
}

}  // namespace

BOOST_AUTO_TEST_CASE(whichever_call_fails_a_whole_file_is_there_and_nothing_beside_it) {
  const Folder folder;
  for (const Saver& saver : savers())
    for (const int error : {ENOSPC, EIO, EINTR, EACCES}) {
      if (saver.name == "picture.svg" && error != ENOSPC) continue;  // gnuplot is slow
      const std::string path = (folder.path / saver.name).string();
      int calls = 0;
      for (bool more = true; more; ++calls)
        BOOST_TEST_CONTEXT(saver.name << ", call " << calls << ", "
                                      << std::generic_category().message(error)) {
          more = fails(saver, path, calls, error);
          BOOST_TEST(folder.names() == std::vector<std::string>{saver.name},
                     boost::test_tools::per_element());
        }
      BOOST_TEST(calls > 4, saver.name << ": only " << calls << " calls were seen");
      fs::remove(path);
    }
}

BOOST_AUTO_TEST_CASE(a_system_that_writes_little_at_a_time_gets_all_of_it) {
  const Folder folder;
  for (const Saver& saver : savers()) {
    const std::string path = (folder.path / saver.name).string();
    failure.short_writes = true;
    saver.save(path, 3);
    failure.short_writes = false;
    BOOST_TEST(saver.number(path) == 3, saver.name);
  }
}

BOOST_AUTO_TEST_CASE(who_reads_while_another_saves_sees_the_old_file_or_the_new_one) {
  const Folder folder;
  for (const Saver& saver : savers()) {
    if (saver.name == "picture.svg") continue;  // not a file that Tempo reads
    const std::string path = (folder.path / saver.name).string();
    saver.save(path, 0);
    std::atomic<int64_t> saved{0};
    std::atomic<bool> enough{false};
    std::thread writer([&] {
      for (int64_t n = 1; !enough; ++n) {
        saver.save(path, n);
        saved = n;
      }
    });
    std::string said = "nothing was thrown";
    for (int i = 0; i < 100 && said == "nothing was thrown"; ++i) {
      const int64_t before = saved;
      int64_t seen = -1;
      said = error_of([&] { seen = saver.number(path); });
      BOOST_TEST(seen >= before, saver.name);
      BOOST_TEST(seen <= saved + 1, saver.name);
    }
    enough = true;
    writer.join();
    BOOST_CHECK_EQUAL(said, "nothing was thrown");
  }
}
