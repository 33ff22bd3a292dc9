// SPDX-License-Identifier: Apache-2.0
// Checks the owners and the kind of a plugin's file.
#include "plugin/plugin_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <deque>
#include <filesystem>
#include <vector>

#include "plugin/elf.hpp"
#include "plugin/sha256.hpp"

namespace tempo {

namespace fs = std::filesystem;

namespace {

// An open file, closed at the end of a block.
class OpenFile {
 public:
  // O_NONBLOCK: a FIFO must not wait for its other end.
  explicit OpenFile(const std::string& path)
      : number_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {}
  ~OpenFile() {
    if (number_ >= 0) close(number_);
  }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  int number() const { return number_; }
  bool read(void* to, uint64_t size, uint64_t at) const {
    return pread(number_, to, size, static_cast<off_t>(at)) == static_cast<ssize_t>(size);
  }

 private:
  int number_;
};

std::string fault_of_kind(mode_t mode) {
  if (S_ISREG(mode)) return "";
  if (S_ISDIR(mode))
    return "this is a folder, not a plugin.\n"
           "  Name one .so file in it, or put the folder into TEMPO_PLUGIN_PATH.";
  const char* what = S_ISFIFO(mode)                   ? "a FIFO"
                     : S_ISSOCK(mode)                 ? "a socket"
                     : S_ISCHR(mode) || S_ISBLK(mode) ? "a device"
                                                      : "of another kind";
  return std::string("this is ") + what + ", not a regular file; it is not read.";
}

bool is_trusted(uid_t owner) { return owner == 0 || owner == geteuid(); }

// Whether anybody can replace an entry of this folder. If the folder has the sticky bit, as /tmp
// has, only the owner of the entry can.
bool is_open(const fs::path& folder, const fs::path& entry) {
  struct stat its {
  }, seen{};
  if (stat(folder.c_str(), &its) != 0 || !(its.st_mode & S_IWOTH)) return false;
  const bool ours = lstat(entry.c_str(), &seen) == 0 && is_trusted(seen.st_uid);
  return !((its.st_mode & S_ISVTX) && ours);
}

// All paths that are looked up on the way to a file, in order, links and their targets included.
// Each is an absolute path whose folder is not a link.
std::vector<fs::path> looked_up(const fs::path& path) {
  constexpr int most_links = 40;  // as many as the system follows
  std::deque<fs::path> left(path.begin(), path.end());
  std::error_code ignored;
  std::vector<fs::path> out;
  fs::path here;
  for (int links = 0; !left.empty();) {
    const fs::path name = left.front();
    left.pop_front();
    if (name.is_absolute()) {
      here = name;
    } else if (name == "..") {
      here = here.parent_path();
    } else if (!name.empty() && name != ".") {
      out.push_back(here / name);
      const fs::path to = fs::read_symlink(out.back(), ignored);
      if (to.empty())
        here = out.back();
      else if (++links <= most_links)
        left.insert(left.begin(), to.begin(), to.end());
    }
  }
  return out;
}

bool is_above(const fs::path& folder, const fs::path& file) {
  return std::mismatch(folder.begin(), folder.end(), file.begin(), file.end()).first ==
         folder.end();
}

// Checks the innermost folder first.
std::string fault_of_folders(const std::string& path) {
  std::error_code ignored;
  const fs::path given = fs::absolute(path, ignored);
  const std::vector<fs::path> all = looked_up(given);
  for (auto entry = all.rbegin(); entry != all.rend(); ++entry) {
    const fs::path folder = entry->parent_path();
    if (!is_open(folder, *entry)) continue;
    const bool is_file = *entry == all.back() || *entry == given;
    std::string which;
    if (fs::is_symlink(*entry, ignored))
      which = ", which the link " + entry->filename().string() + " on the way to it lies in";
    else
      which = is_above(*entry, all.back()) ? ", which its folder lies in"
                                           : ", which a folder on the way to it lies in";
    return "anybody can write to " +
           (is_file ? "its folder, " + folder.string() : folder.string() + which) +
           ", and so have code of theirs run here.\n  chmod o-w " + folder.string() +
           " closes it, once you know who wrote the file.";
  }
  return "";
}

std::string fault_of_owners(const std::string& path, const struct stat& file) {
  if (file.st_mode & S_IWOTH)
    return "anybody can write to it, and so have code of theirs run here.\n  chmod o-w closes it, "
           "once you know who wrote it.";
  return fault_of_folders(path);
}

}  // namespace

std::string fault_of_plugin_file(const std::string& path) {
  constexpr PluginFilePart all[] = {PluginFilePart::kind, PluginFilePart::owners,
                                    PluginFilePart::machine, PluginFilePart::whole};
  for (const PluginFilePart part : all)
    if (std::string fault = fault_of_plugin_file(path, part); !fault.empty()) return fault;
  return "";
}

std::string fault_of_plugin_file(const std::string& path, PluginFilePart part) {
  struct stat seen {};
  if (stat(path.c_str(), &seen) != 0)
    return errno == ENOENT ? "there is no such file."
                           : std::string("the file cannot be read: ") + std::strerror(errno) + ".";
  if (std::string fault = fault_of_kind(seen.st_mode); !fault.empty()) return fault;
  const OpenFile file(path);
  if (file.number() < 0 || fstat(file.number(), &seen) != 0)
    return std::string("the file cannot be read: ") + std::strerror(errno) + ".";
  if (std::string fault = fault_of_kind(seen.st_mode); !fault.empty()) return fault;
  const auto bytes = static_cast<uint64_t>(seen.st_size);
  const auto read = [&](void* to, uint64_t size, uint64_t at) { return file.read(to, size, at); };
  switch (part) {
    case PluginFilePart::kind: return "";
    case PluginFilePart::owners: return fault_of_owners(path, seen);
    case PluginFilePart::machine: return fault_of_elf_kind(bytes, read);
    default: return fault_of_elf(bytes, read);
  }
}

std::string sha256_of_file(const std::string& path) {
  const OpenFile file(path);
  struct stat seen {};
  if (file.number() < 0 || fstat(file.number(), &seen) != 0 || !S_ISREG(seen.st_mode)) return "";
  Sha256 sum;
  std::vector<char> part(1 << 16);
  ssize_t n = 0;
  while ((n = read(file.number(), part.data(), part.size())) > 0)
    sum.add(part.data(), static_cast<std::size_t>(n));
  return n < 0 ? "" : sum.digest();
}

}  // namespace tempo
