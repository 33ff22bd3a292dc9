// SPDX-License-Identifier: Apache-2.0
// Files are written completely or not at all, whatever exists at the name, and are read as they
// were at one moment.
#define BOOST_TEST_MODULE files
#include "files.hpp"

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <thread>

#include <tempo/tempo.hpp>

using namespace tempo;
using namespace tempo::testing;
namespace fs = std::filesystem;
using std::string;

namespace {

// While one lives, no file may grow beyond `bytes` bytes, as on a full disk.
struct FullDisk {
  explicit FullDisk(rlim_t bytes) {
    std::signal(SIGXFSZ, SIG_IGN);
    ::getrlimit(RLIMIT_FSIZE, &before);
    const rlimit low{bytes, before.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &low);
  }
  ~FullDisk() { ::setrlimit(RLIMIT_FSIZE, &before); }
  rlimit before{};
};

// All functions that write a file, and all that read one.
struct Writer {
  const char* name;
  void (*write)(const string& path);
};
const Writer writers[] = {
    {"a.npy", [](const string& path) { save_npy(path, ones({3})); }},
    {"a.safetensors",
     [](const string& path) {
       save_tensors(path, {{"a", ones({3})}});
     }},
    {"a.svg",
     [](const string& path) {
       plot({{"a", ones({3})}}, path);
     }},
};
struct Reader {
  const char* name;
  void (*read)(const string& path);
};
const Reader readers[] = {
    {"npy", [](const string& path) { load_npy(path); }},
    {"safetensors", [](const string& path) { load_tensors(path); }},
    {"csv", [](const string& path) { read_csv(path); }},
    {"model", [](const string& path) { load_model(path); }},
};

// A folder that is empty at first.
fs::path fresh(const string& name) {
  const fs::path folder = in_folder(name);
  fs::remove_all(folder);
  fs::create_directories(folder);
  return folder;
}
std::size_t entries(const fs::path& folder) {
  return static_cast<std::size_t>(
      std::distance(fs::directory_iterator(folder), fs::directory_iterator()));
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_file_that_cannot_be_written_leaves_the_old_one_as_it_was) {
  const string path = in_folder("kept.safetensors");
  save_tensors(path, {{"a", ones({4})}});
  const string before = read(path);
  const int files = files_in_folder();
  {
    const FullDisk full(1000);
    check_error(error_of([&] {
                  save_tensors(path, {{"a", ones({1000})}});
                }),
                path +
                    ": could not be written to its end: File too large.\n"
                    "  The file that was there is unchanged.");
    check_error(error_of([&] { save_npy(path, ones({1000})); }), "could not be written to its end");
  }
  BOOST_TEST((read(path) == before));
  BOOST_TEST(files_in_folder() == files);
  check_error(error_of([] {
                save_tensors("/no/such/folder/x", {{"a", ones({1})}});
              }),
              "/no/such/folder/x: cannot be written: No such file or directory");
  check_error(error_of([] { save_tensors("/tmp", {{"a", ones({1})}}); }), "(a directory)");
  check_error(error_of([] {
                save_tensors("/dev/null", {{"a", ones({1})}});
              }),
              "something else than a file");
  if (::geteuid() == 0) return;  // root may write to every folder
  ::chmod(fs::path(path).parent_path().c_str(), 0555);
  check_error(error_of([&] {
                save_tensors(path, {{"a", ones({2})}});
              }),
              "cannot be written: Permission denied");
  ::chmod(fs::path(path).parent_path().c_str(), 0755);
  BOOST_TEST((read(path) == before));
}

BOOST_AUTO_TEST_CASE(what_a_killed_program_left_is_in_nobodys_way) {
  const fs::path folder = fresh("stale");
  const string path = folder / "m.npy";
  const string begin = path + ".tmp-" + std::to_string(::getpid()) + '-';
  for (int i = 0; i < 20; ++i) std::ofstream(begin + std::to_string(i)) << "left";
  std::ofstream(folder / ".m.npy.tempo") << "left";
  for (int i = 0; i < 20; ++i) save_npy(path, full({1}, i));
  check_same("the last", load_npy(path), full({1}, 19));
  BOOST_TEST(entries(folder) == 21u);
}

BOOST_AUTO_TEST_CASE(names_may_be_as_long_as_the_file_system_takes_them) {
  const fs::path folder = fresh("long");
  for (const std::size_t length : {240u, 241u, 250u, 255u}) {
    const string path = folder / (string(length - 4, 'n') + ".npy");
    for (const int value : {1, 2}) {
      save_npy(path, full({1}, value));
      check_same("read", load_npy(path), full({1}, value));
    }
  }
  BOOST_TEST(entries(folder) == 4u);
  check_error(error_of([&] { save_npy(folder / string(256, 'n'), ones({1})); }),
              "nnn: cannot be written: File name too long");
}

BOOST_AUTO_TEST_CASE(symbolic_links_stay_and_what_they_lead_to_is_written) {
  const fs::path folder = fresh("links");
  fs::create_directories(folder / "store");
  for (const Writer& writer : writers) BOOST_TEST_CONTEXT(writer.name) {
      const fs::path link = folder / writer.name, target = folder / "store" / writer.name;
      fs::create_symlink(fs::path("store") / writer.name, link);
      for (int again = 0; again < 2; ++again) {  // at first the link leads to nothing
        writer.write(link);
        BOOST_TEST(fs::is_symlink(link));
        BOOST_TEST(fs::is_regular_file(fs::symlink_status(target)));
        fs::resize_file(target, 0);
      }
    }
  fs::create_symlink(folder / "far.npy", folder / "store/back.npy");  // absolute, in two steps
  fs::create_symlink("store/back.npy", folder / "there.npy");
  save_npy(folder / "there.npy", ones({2}));
  check_same("two links", load_npy(folder / "far.npy"), ones({2}));

  fs::create_symlink("loop.npy", folder / "loop.npy");
  const string loop = folder / "loop.npy";
  check_error(error_of([&] { save_npy(loop, ones({1})); }),
              loop + ": cannot be written: Too many levels of symbolic links");
  for (const Reader& reader : readers)
    check_error(error_of<FormatError>([&] { reader.read(loop); }),
                loop + ": cannot be read: Too many levels of symbolic links");
  fs::create_symlink("no/such/x.npy", folder / "astray.npy");
  check_error(error_of([&] { save_npy(folder / "astray.npy", ones({1})); }),
              "astray.npy: cannot be written: No such file or directory");
}

BOOST_AUTO_TEST_CASE(a_file_keeps_its_mode) {
  const string path = in_folder("mode.npy");
  save_npy(path, ones({1}));
  for (const mode_t mode : {0600u, 0644u, 0444u}) {
    ::chmod(path.c_str(), mode);
    save_npy(path, ones({2}));
    struct stat now {};
    ::stat(path.c_str(), &now);
    BOOST_TEST((now.st_mode & 07777) == mode);
  }
}

BOOST_AUTO_TEST_CASE(whatever_is_no_file_is_named_with_its_path) {
  const fs::path folder = fresh("other");
  const string fifo = folder / "fifo", file = folder / "file";
  BOOST_REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
  std::ofstream(file) << "1\n";
  const struct {
    string path, expected;
  } cases[] = {
      {folder, ": a directory, not a file."},
      {fifo, ": not a regular file."},
      {"/dev/null", ": not a regular file."},
      {folder / "none", ": no such file."},
      {file + "/x", ": cannot be read: Not a directory."},
      {folder / string(300, 'n'), ": cannot be read: File name too long."},
  };
  for (const Reader& reader : readers) BOOST_TEST_CONTEXT(reader.name) {
      for (const auto& c : cases)
        check_error(error_of<FormatError>([&] { reader.read(c.path); }), c.path + c.expected);
      check_error(error_of<FormatError>([&] { reader.read(""); }), "\"\": no such file");
      check_error(error_of<FormatError>([&] { reader.read(file + string("\0x", 2)); }),
                  "a file's name has no byte of 0");
      if (::geteuid() == 0) continue;  // root may read everything
      ::chmod(file.c_str(), 0);
      check_error(error_of<FormatError>([&] { reader.read(file); }),
                  file + ": cannot be read: Permission denied.");
      ::chmod(file.c_str(), 0600);
    }
  for (const Writer& writer : writers) BOOST_TEST_CONTEXT(writer.name) {
      const string name = writer.name, end = name.substr(name.find('.'));
      fs::create_directories(folder / name);
      check_error(error_of([&] { writer.write(folder / name); }), name + ": there is something");
      fs::create_symlink(fifo, folder / ("to" + end));
      check_error(error_of([&] { writer.write(folder / ("to" + end)); }),
                  "to" + end + ": there is");
      check_error(error_of([&] { writer.write(file + "/x" + end); }),
                  file + "/x" + end + ": cannot be written: Not a directory");
      check_error(error_of([&] { writer.write(folder / ("a" + string(1, '\0') + end)); }),
                  "a file's name has no byte of 0");
    }
  check_error(error_of([] { save_npy("", ones({1})); }), "\"\": cannot be written: a file needs a");
  check_error(error_of([&] { save_npy((folder / "new/").string(), ones({1})); }),
              "new/: cannot be written: Is a directory");
}

BOOST_AUTO_TEST_CASE(a_file_larger_than_memory_is_an_error) {
  const string path = write("sparse.csv", "1\n");
  fs::resize_file(path, uintmax_t{1} << 43);
  check_error(error_of<FormatError>([&] { read_csv(path); }),
              path + ": there is no memory for its");
  const string npy = write("sparse.npy", "");
  save_npy(npy, ones({1}));
  string header = read(npy).substr(0, 128);
  header.replace(header.find("(1,)"), 19, "(2199023255552,), }");
  const string large = write("large.npy", header);
  fs::resize_file(large, 128 + (uintmax_t{1} << 43));
  check_error(error_of<FormatError>([&] { load_npy(large); }),
              large + ": there is no memory for [");
}

BOOST_AUTO_TEST_CASE(a_reader_beside_a_writer_sees_the_old_file_or_the_new_one) {
  const fs::path folder = fresh("raced");
  const string path = folder / "raced.npy";
  save_npy(path, full({1000}, 1));
  std::atomic<bool> stop{false};
  std::vector<std::thread> savers;
  for (int first : {0, 1})
    savers.emplace_back([&, first] {
      for (int i = first; !stop; ++i) save_npy(path, full({1000 + 500 * (i % 3)}, i % 3));
    });
  for (int i = 0; i < 300; ++i) {
    const Tensor read = load_npy(path);
    check_same("whole", read, full({read.count()}, read.element(0)));
  }
  stop = true;
  for (std::thread& saver : savers) saver.join();
  BOOST_TEST(entries(folder) == 1u);
}
