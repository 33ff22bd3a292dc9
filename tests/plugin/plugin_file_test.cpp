// SPDX-License-Identifier: Apache-2.0
// Files that are no plugins, incomplete, or not safe: each is refused before any of its code runs.
#define BOOST_TEST_MODULE plugin_file
#include "plugin/plugin_file.hpp"

#include <elf.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <random>

#include <tempo/tempo.hpp>

#include "plugin/elf.hpp"
#include "plugin/sha256.hpp"
#include "tensor/sanitizers.hpp"
#include "testing.hpp"

using namespace tempo;
using namespace tempo::testing;
namespace fs = std::filesystem;

namespace {

// A folder that nobody else can write to.
struct Folder {
  fs::path path = fs::temp_directory_path() / ("tempo_plugin_file_" + std::to_string(getpid()));
  Folder() {
    fs::remove_all(path);
    fs::create_directory(path);
    fs::permissions(path, fs::perms::owner_all);
  }
  ~Folder() {
    fs::permissions(path, fs::perms::owner_all);
    fs::remove_all(path);
  }
  std::string operator/(const char* name) const { return (path / name).string(); }
};

std::string good_file() { return fs::canonical(TEMPO_TEST_PLUGINS).string() + "/good.so"; }

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}
void write_file(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

template <class T>
T& at(std::string& bytes, std::size_t offset) {
  return *reinterpret_cast<T*>(bytes.data() + offset);
}
Elf64_Ehdr& header(std::string& bytes) { return at<Elf64_Ehdr>(bytes, 0); }
// The first segment of this kind.
Elf64_Phdr& segment(std::string& bytes, uint32_t type) {
  for (std::size_t i = 0; i < header(bytes).e_phnum; ++i) {
    auto& s = at<Elf64_Phdr>(bytes, header(bytes).e_phoff + i * sizeof(Elf64_Phdr));
    if (s.p_type == type) return s;
  }
  throw std::out_of_range("no such segment");
}
Elf64_Dyn& dynamic(std::string& bytes, Elf64_Sxword tag) {
  const Elf64_Phdr& s = segment(bytes, PT_DYNAMIC);
  for (std::size_t i = 0; i < s.p_filesz / sizeof(Elf64_Dyn); ++i) {
    auto& d = at<Elf64_Dyn>(bytes, s.p_offset + i * sizeof(Elf64_Dyn));
    if (d.d_tag == tag) return d;
  }
  throw std::out_of_range("no such entry");
}

constexpr const char* rebuild = "\n  Build or copy it again.";
constexpr const char* built = "\n  A plugin is built with tempo_add_plugin, or with -shared -fPIC.";

struct Row {
  const char* how;
  std::function<void(std::string& bytes)> change;
  std::string text;
};
const Row rows[] = {
    {"as it was built", [](auto&) {}, ""},
    {"empty", [](auto& b) { b.clear(); }, std::string("the file is empty.") + built},
    {"a text", [](auto& b) { b = "a text\n"; },
     std::string("this is not a shared object.") + built},
    {"a script", [](auto& b) { b = "#!/bin/sh\nrm -rf ~\n"; },
     std::string("this is a script, not a shared object.") + built},
    {"an archive", [](auto& b) { b = "!<arch>\n"; },
     std::string("this is not a shared object.") + built},
    {"an object file", [](auto& b) { header(b).e_type = ET_REL; },
     std::string("this is an object file, which is not linked yet.") + built},
    {"a program", [](auto& b) { header(b).e_type = ET_EXEC; },
     std::string("this is a program, not a shared object.") + built},
    {"of 32 bits", [](auto& b) { header(b).e_ident[EI_CLASS] = ELFCLASS32; },
     "it is built for 32-bit processors; this Tempo runs on x86-64."},
    {"of another order of bytes", [](auto& b) { header(b).e_ident[EI_DATA] = ELFDATA2MSB; },
     "it is built for processors with another order of bytes; this Tempo runs on x86-64."},
    {"of another processor", [](auto& b) { header(b).e_machine = EM_AARCH64; },
     "it is built for 64-bit Arm (aarch64); this Tempo runs on x86-64.\n  Build it on this "
     "machine, or with a compiler for it."},
    {"of a processor that nobody knows", [](auto& b) { header(b).e_machine = 4242; },
     "it is built for a processor with the number 4242; this Tempo runs on x86-64."},
    {"half a header", [](auto& b) { b.resize(33); },
     "it is cut short: it has 33 of 64 bytes.\n  Is it still being copied?"},
    {"without segments", [](auto& b) { header(b).e_phnum = 0; },
     std::string("it is damaged: it has no table of segments.") + rebuild},
    {"with a table of segments that is far away",
     [](auto& b) { header(b).e_phoff = UINT64_MAX - 8; }, "it is cut short: it has "},
    {"with a segment that is far away",
     [](auto& b) { segment(b, PT_LOAD).p_offset = UINT64_MAX - 8; }, "it is cut short: it has "},
    {"with a segment that is larger in the file", [](auto& b) { segment(b, PT_LOAD).p_memsz = 1; },
     "it is damaged: segment 0 of its "},
    {"with a segment of all memory", [](auto& b) { segment(b, PT_LOAD).p_memsz = UINT64_MAX; },
     "it is damaged: segment 0 of its "},
    {"with a segment that is not aligned", [](auto& b) { segment(b, PT_LOAD).p_align = 4095; },
     "it is damaged: segment 0 of its "},
    {"without a dynamic section", [](auto& b) { segment(b, PT_DYNAMIC).p_type = PT_NULL; },
     std::string("it is damaged: it has no dynamic section.") + rebuild},
    {"with a dynamic section elsewhere",
     [](auto& b) { segment(b, PT_DYNAMIC).p_vaddr += uint64_t{1} << 40; },
     std::string("it is damaged: a part that the linker reads is not loaded.") + rebuild},
    {"with a dynamic section that is loaded from elsewhere",
     [](auto& b) { segment(b, PT_DYNAMIC).p_vaddr -= 0x100; },
     std::string("it is damaged: a part that the linker reads is not what is loaded there.") +
         rebuild},
    {"with two dynamic sections", [](auto& b) { segment(b, PT_NOTE) = segment(b, PT_DYNAMIC); },
     std::string("it is damaged: it has several dynamic sections.") + rebuild},
    {"with one size twice",
     [](auto& b) {
       Elf64_Dyn& other = dynamic(b, DT_RELACOUNT);
       other.d_tag = DT_RELASZ;
       other.d_un.d_val = uint64_t{1} << 40;
     },
     std::string("it is damaged: its dynamic section has the entry 8 twice.") + rebuild},
    {"with a library whose name is elsewhere",
     [](auto& b) { dynamic(b, DT_NEEDED).d_un.d_val = uint64_t{1} << 40; },
     std::string("it is damaged: a name of it lies outside of its names.") + rebuild},
    {"with names that do not end", [](auto& b) { dynamic(b, DT_STRSZ).d_un.d_val -= 2; },
     std::string("it is damaged: its table of names has no end.") + rebuild},
    {"with a first function elsewhere",
     [](auto& b) { dynamic(b, DT_INIT).d_un.d_ptr = uint64_t{1} << 40; },
     std::string("it is damaged: what runs first or last in it is no code of it.") + rebuild},
    {"with a last function among its data",
     [](auto& b) { dynamic(b, DT_FINI).d_un.d_ptr = dynamic(b, DT_STRTAB).d_un.d_ptr; },
     std::string("it is damaged: what runs first or last in it is no code of it.") + rebuild},
    {"with relocations of another size", [](auto& b) { dynamic(b, DT_RELAENT).d_un.d_val = 16; },
     std::string("it is damaged: its tables are not those of a 64-bit processor.") + rebuild},
    {"with sections that are gone", [](auto& b) { header(b).e_shoff = b.size(); },
     "it is cut short: it has "},
    {"with names elsewhere", [](auto& b) { dynamic(b, DT_STRTAB).d_un.d_ptr = uint64_t{1} << 40; },
     std::string("it is damaged: its table of names lies outside of it.") + rebuild},
    {"with more names than there are",
     [](auto& b) { dynamic(b, DT_STRSZ).d_un.d_val = UINT64_MAX; },
     std::string("it is damaged: its table of names lies outside of it.") + rebuild},
    {"with relocations elsewhere",
     [](auto& b) { dynamic(b, DT_RELA).d_un.d_ptr = uint64_t{1} << 40; },
     std::string("it is damaged: its table of relocations lies outside of it.") + rebuild},
    {"with constructors elsewhere",
     [](auto& b) { dynamic(b, DT_INIT_ARRAY).d_un.d_ptr = uint64_t{1} << 40; },
     std::string("it is damaged: its table of constructors lies outside of it.") + rebuild},
    {"with names of no size", [](auto& b) { dynamic(b, DT_STRSZ).d_un.d_val = 0; },
     std::string("it is damaged: it has no table of names.") + rebuild},
    {"without symbols", [](auto& b) { dynamic(b, DT_SYMTAB).d_tag = DT_DEBUG; },
     std::string("it is damaged: it has no table of symbols.") + rebuild},
};

}  // namespace

#if defined(__x86_64__)
BOOST_AUTO_TEST_CASE(a_file_that_is_no_whole_plugin_of_this_machine_has_its_sentence) {
  const Folder folder;
  const std::string good = read_file(good_file()), path = folder / "it.so";
  for (const Row& row : rows) BOOST_TEST_CONTEXT(row.how) {
      std::string bytes = good;
      row.change(bytes);
      write_file(path, bytes);
      const std::string fault = fault_of_plugin_file(path);
      if (row.text.empty())
        BOOST_TEST(fault == "");
      else
        BOOST_TEST(fault.starts_with(row.text), fault << "\n  must begin with\n" << row.text);
    }
}
#endif

// Every 24th length, and lengths around the ends of the headers: without the check, opening many of
// these files would end the process by SIGBUS.
BOOST_AUTO_TEST_CASE(a_plugin_that_is_still_being_copied_is_told_at_each_length) {
  const Folder folder;
  const std::string good = read_file(good_file()), path = folder / "it.so";
  const std::string whole = " of " + std::to_string(good.size()) + " bytes.";
  write_file(path, good);
  for (std::size_t length = good.size() - 1; length > 4;
       length -= std::min<std::size_t>(length, 977)) {
    fs::resize_file(path, length);
    const std::string fault = fault_of_plugin_file(path);
    BOOST_TEST(fault.starts_with("it is cut short: it has " + std::to_string(length) + " of "),
               length << ": " << fault);
    if (length > sizeof(Elf64_Ehdr) + 20 * sizeof(Elf64_Phdr))
      BOOST_TEST(fault.find(whole) != fault.npos, length << ": " << fault);
    BOOST_TEST(error_of<PluginError>([&] { load_plugin(path); }).find(fault) != std::string::npos);
  }
}

// Damaged headers never lead the reader out of the file.
BOOST_AUTO_TEST_CASE(headers_of_any_bytes_are_read_or_refused) {
  const Folder folder;
  const std::string good = read_file(good_file()), path = folder / "it.so";
  std::mt19937 random(1);
  int refused = 0;
  for (int i = 0; i < 2000; ++i) {
    std::string bytes = good;
    const Elf64_Phdr& d = segment(bytes, PT_DYNAMIC);
    const std::size_t from = i % 2 ? d.p_offset : 0,
                      size = i % 2
                                 ? d.p_filesz
                                 : sizeof(Elf64_Ehdr) + header(bytes).e_phnum * sizeof(Elf64_Phdr);
    for (int k = 0; k < 1 + i % 3; ++k) bytes[from + random() % size] = static_cast<char>(random());
    write_file(path, bytes);
    refused += !fault_of_plugin_file(path).empty();
  }
  BOOST_TEST(refused > 500);
}

// A malicious file has as many of everything as fit into it.
BOOST_AUTO_TEST_CASE(a_file_of_very_many_entries_or_segments_is_looked_at_in_no_time) {
  const auto seconds_of = [](const std::string& bytes) {
    const auto read = [&](void* to, uint64_t size, uint64_t at) {
      std::memcpy(to, bytes.data() + at, size);
      return true;
    };
    const std::clock_t start = std::clock();
    BOOST_TEST(fault_of_elf(bytes.size(), read) == "");
    return static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
  };
  const std::string good = read_file(good_file());
  const auto append = [](std::string& bytes, const auto& all) {
    bytes.resize((bytes.size() + 4095) / 4096 * 4096);
    const std::size_t at = bytes.size();
    bytes.append(reinterpret_cast<const char*>(all.data()), all.size() * sizeof all[0]);
    return at;
  };

  std::string bytes = good;
  std::vector<Elf64_Dyn> entries(segment(bytes, PT_DYNAMIC).p_filesz / sizeof(Elf64_Dyn));
  std::memcpy(entries.data(), bytes.data() + segment(bytes, PT_DYNAMIC).p_offset,
              entries.size() * sizeof(Elf64_Dyn));
  std::erase_if(entries, [](const Elf64_Dyn& e) { return e.d_tag == DT_NULL; });
  for (int i = 0; i < 300000; ++i) entries.push_back({0x100000 + i, {0}});
  entries.push_back({DT_NULL, {0}});
  const uint64_t size = entries.size() * sizeof(Elf64_Dyn), far = uint64_t{1} << 40;
  const std::size_t at_entries = append(bytes, entries);
  segment(bytes, PT_GNU_STACK) = {PT_LOAD, PF_R, at_entries, far, far, size, size, 4096};
  segment(bytes, PT_DYNAMIC) = {PT_DYNAMIC, PF_R, at_entries, far, far, size, size, 8};
  BOOST_TEST(seconds_of(bytes) < 0.5);

  bytes = good;
  std::vector<Elf64_Phdr> segments(header(bytes).e_phnum);
  std::memcpy(segments.data(), bytes.data() + header(bytes).e_phoff,
              segments.size() * sizeof(Elf64_Phdr));
  for (uint64_t i = 0; i < 30000; ++i)
    segments.push_back({PT_LOAD, PF_R, 0, far + 4096 * i, 0, 1, 1, 4096});
  for (uint64_t i = 0; i < 30000; ++i)
    segments.push_back({PT_GNU_RELRO, PF_R, 0, far + 4096 * 29999, 0, 1, 1, 1});
  const std::size_t at_segments = append(bytes, segments);
  header(bytes).e_phoff = at_segments;
  header(bytes).e_phnum = static_cast<Elf64_Half>(segments.size());
  BOOST_TEST(seconds_of(bytes) < 0.5);
}

BOOST_AUTO_TEST_CASE(what_is_no_regular_file_is_not_opened) {
  const Folder folder;
  const std::string fifo = folder / "fifo.so", socket_path = folder / "socket.so",
                    loop = folder / "loop.so", dangling = folder / "dangling.so";
  BOOST_REQUIRE(mkfifo(fifo.c_str(), 0600) == 0);
  BOOST_TEST(fault_of_plugin_file(fifo) == "this is a FIFO, not a regular file; it is not read.");
  BOOST_TEST(sha256_of_file(fifo) == "");
  const int listening = socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, socket_path.c_str(), sizeof address.sun_path - 1);
  BOOST_REQUIRE(bind(listening, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  BOOST_TEST(fault_of_plugin_file(socket_path) ==
             "this is a socket, not a regular file; it is not read.");
  close(listening);
  BOOST_TEST(fault_of_plugin_file("/dev/zero") ==
             "this is a device, not a regular file; it is not read.");
  BOOST_TEST(fault_of_plugin_file(folder.path.string()).starts_with("this is a folder"));
  fs::create_symlink("loop.so", loop);
  BOOST_TEST(fault_of_plugin_file(loop).starts_with("the file cannot be read: "));
  fs::create_symlink("nothing", dangling);
  BOOST_TEST(fault_of_plugin_file(dangling) == "there is no such file.");
}

BOOST_AUTO_TEST_CASE(a_fifo_among_the_plugins_does_not_stop_the_search) {
  const Folder folder;
  BOOST_REQUIRE(mkfifo((folder / "a.so").c_str(), 0600) == 0);
  const std::string before = std::getenv("TEMPO_PLUGIN_FOLDER");
  setenv("TEMPO_PLUGIN_FOLDER", folder.path.c_str(), 1);
  const std::string text = error_of([] { layer("Unknown"); });
  setenv("TEMPO_PLUGIN_FOLDER", before.c_str(), 1);
  BOOST_TEST(text.find("a.so: this is a FIFO, not a regular file; it is not read.") != text.npos,
             text);
}

BOOST_AUTO_TEST_CASE(a_file_that_anybody_can_write_to_is_not_run) {
  const Folder folder;
  const std::string path = folder / "it.so";
  fs::copy_file(good_file(), path);
  BOOST_TEST(fault_of_plugin_file(path) == "");
  chmod(path.c_str(), 0666);
  BOOST_TEST(fault_of_plugin_file(path) ==
             "anybody can write to it, and so have code of theirs run here.\n  chmod o-w closes "
             "it, once you know who wrote it.");
  chmod(path.c_str(), 0644);
  chmod(folder.path.c_str(), 0777);
  const std::string open_folder = "anybody can write to its folder, " + folder.path.string() +
                                  ", and so have code of theirs run here.\n  chmod o-w " +
                                  folder.path.string() +
                                  " closes it, once you know who wrote the "
                                  "file.";
  BOOST_TEST(fault_of_plugin_file(path) == open_folder);
  chmod(folder.path.c_str(), 01777);  // as /tmp: others cannot replace it
  BOOST_TEST(fault_of_plugin_file(path) == "");
  if (geteuid() == 0) {
    BOOST_REQUIRE(chown(path.c_str(), 12345, 12345) == 0);
    BOOST_TEST(fault_of_plugin_file(path) == open_folder);  // it belongs to another user
  }
  chmod(folder.path.c_str(), 0700);
  BOOST_TEST(fault_of_plugin_file(path) == "");
}

BOOST_AUTO_TEST_CASE(a_folder_above_that_anybody_can_write_to_counts_as_well) {
  const Folder folder;
  const std::string inner = folder / "inner", path = folder / "inner/it.so";
  fs::create_directory(inner);
  fs::copy_file(good_file(), path);
  fs::create_symlink(path, folder / "link.so");
  BOOST_TEST(fault_of_plugin_file(path) == "");
  chmod(folder.path.c_str(), 0777);
  const std::string text = "anybody can write to " + folder.path.string() +
                           ", which its folder lies in, and so have code of theirs run here.\n  "
                           "chmod o-w " +
                           folder.path.string() + " closes it, once you know who wrote the file.";
  BOOST_TEST(fault_of_plugin_file(path) == text);
  BOOST_TEST(fault_of_plugin_file(folder / "link.so") == text);
  BOOST_TEST(error_of<PluginError>([&] { load_plugin(path); }).find(text) != std::string::npos);
  chmod(folder.path.c_str(), 01777);  // as /tmp: others cannot replace the folder in it
  BOOST_TEST(fault_of_plugin_file(path) == "");
  if (geteuid() == 0) {
    BOOST_REQUIRE(chown(inner.c_str(), 12345, 12345) == 0);
    BOOST_TEST(fault_of_plugin_file(path) == text);
  }
}

// given/it.so, where outer/given -> ../places/given, it.so -> ../between/next.so -> /.../real/it.so
BOOST_AUTO_TEST_CASE(folders_that_the_links_on_the_way_lie_in_count_as_well) {
  const Folder folder;
  for (const char* name : {"between", "real", "outer", "places", "places/given", "places/between"})
    fs::create_directory(folder / name);
  fs::copy_file(good_file(), folder / "real/it.so");
  fs::create_symlink("../between/next.so", folder / "places/given/it.so");
  fs::create_symlink(folder / "real/it.so", folder / "places/between/next.so");
  fs::create_symlink("../places/given", folder / "outer/given");
  const std::string path = folder / "outer/given/it.so";
  BOOST_TEST(fault_of_plugin_file(path) == "");
  const struct {
    const char* open;
    const char* which;
  } cases[] = {{"real", "its folder, "},
               {"places/between", ", which the link next.so on the way to it lies in"},
               {"places/given", ", which the link it.so on the way to it lies in"},
               {"places", ", which a folder on the way to it lies in"},
               {"outer", ", which the link given on the way to it lies in"},
               {"", ", which its folder lies in"},
               {"between", nullptr}};
  for (const auto& c : cases) BOOST_TEST_CONTEXT("open: " << c.open) {
      const std::string it = *c.open ? folder / c.open : folder.path.string();
      const fs::perms before = fs::status(it).permissions();
      chmod(it.c_str(), 0777);
      const std::string fault = fault_of_plugin_file(path);
      fs::permissions(it, before);
      if (!c.which)
        BOOST_TEST(fault == "");  // nothing is looked up in this folder
      else
        BOOST_TEST((fault.find(c.which) != fault.npos && fault.find(' ' + it) != fault.npos),
                   fault << "\n  must have\n"
                         << c.which);
    }
}

// Otherwise a plugin in TEMPO_PLUGIN_PATH would run with rights that the user does not have.
#if !TEMPO_ADDRESS_SANITIZER  // its LeakSanitizer may not look into a process with more rights
BOOST_AUTO_TEST_CASE(a_program_with_more_rights_than_its_user_reads_no_variable) {
  const Folder folder;
  struct statvfs seen {};
  if (geteuid() != 0 || statvfs(folder.path.c_str(), &seen) != 0 || (seen.f_flag & ST_NOSUID))
    return;  // it needs root, and a file system that allows such programs
  const std::string program = folder / "tempo", plugins = folder / "plugins";
  fs::copy_file(fs::path(TEMPO_TEST_PLUGINS) / "../../bin/tempo", program);
  fs::create_directory(plugins);
  fs::copy_file(good_file(), plugins + "/good.so");
  chmod(folder.path.c_str(), 0755);
  const auto output = [&](const std::string& variables, const std::string& arguments) {
    const std::string command = variables + " " + program + " " + arguments + " 2>&1";
    std::string text;
    FILE* pipe = popen(command.c_str(), "r");
    BOOST_REQUIRE(pipe);
    char buffer[4096];
    while (const std::size_t n = fread(buffer, 1, sizeof buffer, pipe)) text.append(buffer, n);
    pclose(pipe);
    return text;
  };
  chmod(program.c_str(), 0755);
  const auto layers = [&] {
    return output("TEMPO_PLUGIN_TRACE=1 TEMPO_PLUGIN_PATH=" + plugins, "layers");
  };
  const char* const others[] = {"TEMPO_NUM_THREADS", "TEMPO_INSTRUCTION_SET"};
  const auto explained = [&](const std::string& variable) {
    return output(variable + "=none", "explain LSTM units=2 --shape 2,3,4");
  };
  const std::string plain = layers();
  BOOST_TEST(plain.find("SquashDense") != plain.npos, plain);
  BOOST_TEST(plain.find("SHA-256") != plain.npos, plain);
  for (const char* variable : others)
    BOOST_TEST(explained(variable).find(variable) != plain.npos, explained(variable));
  BOOST_REQUIRE(chown(program.c_str(), 12345, 12345) == 0);
  chmod(program.c_str(), 04755);
  const std::string other = layers();
  BOOST_TEST(other.find("SquashDense") == other.npos, other);
  BOOST_TEST(other.find("SHA-256") == other.npos, other);
  BOOST_TEST(other.find("LSTM") != other.npos, other);
  for (const char* variable : others)
    BOOST_TEST(explained(variable).find(variable) == plain.npos, explained(variable));
}
#endif

BOOST_AUTO_TEST_CASE(sha256_is_that_of_fips_180_4) {
  const auto of = [](const std::string& text) {
    Sha256 sum;
    for (std::size_t i = 0; i < text.size(); i += 61)
      sum.add(text.data() + i, std::min<std::size_t>(61, text.size() - i));
    return sum.digest();
  };
  BOOST_TEST(of("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  BOOST_TEST(of("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  BOOST_TEST(of("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq") ==
             "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  BOOST_TEST(of(std::string(1000000, 'a')) ==
             "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

BOOST_AUTO_TEST_CASE(each_file_that_is_tried_is_traced_when_asked_for) {
  std::ostringstream said;
  std::streambuf* const before = std::cerr.rdbuf(said.rdbuf());
  setenv("TEMPO_PLUGIN_TRACE", "1", 1);
  load_plugin(good_file());
  error_of([] { load_plugin("/no/such.so"); });
  unsetenv("TEMPO_PLUGIN_TRACE");
  error_of([] { load_plugin("/no/other.so"); });
  std::cerr.rdbuf(before);
  const std::string text = said.str();
  for (const std::string& line :
       {"tempo: plugin " + good_file() + ": it is opened.\n",
        "tempo: plugin " + good_file() + ": good 1.2.3 is loaded. SHA-256 " +
            sha256_of_file(good_file()) + "\n",
        std::string("tempo: plugin /no/such.so: there is no such file. SHA-256 unknown\n")})
    BOOST_TEST(text.find(line) != text.npos, line << "is not in\n" << text);
  BOOST_TEST(text.find("/no/other.so") == text.npos);
  BOOST_TEST(text.find("/no/such.so: it is opened") == text.npos);
}
