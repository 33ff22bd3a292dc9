// SPDX-License-Identifier: Apache-2.0
// The checks of a plugin's file before the linker opens it; here none ever does. Input: a byte of
// flags, then a whole file (flag 1), or else how long the file is, and changes of a small shared
// object: which word of 8 bytes, how it is changed, and by what.
#include <elf.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <fstream>
#include <iterator>

#include "fuzz.hpp"
#include "plugin/elf.hpp"
#include "plugin/plugin_file.hpp"
#include "plugin/sha256.hpp"

using namespace tempo;
using namespace tempo::fuzz;

namespace {

#if defined(__x86_64__)
constexpr uint16_t this_machine = EM_X86_64;
#elif defined(__aarch64__)
constexpr uint16_t this_machine = EM_AARCH64;
#else
constexpr uint16_t this_machine = EM_NONE;
#endif

// A shared object with one of everything that is looked at.
struct Object {
  Elf64_Ehdr header{};
  Elf64_Phdr segments[6]{};
  char names[32] = "\0libc.so.6\0tempo_plugin_v1";
  Elf64_Sym symbols[2]{};
  uint32_t hashes[8] = {1, 1, 1, 6, 0, 0, 0, 0};
  Elf64_Rela relocations[2]{};
  uint64_t constructors[2]{};
  uint8_t code[16] = {0xc3};
  Elf64_Dyn dynamic[24]{};  // from here on loaded a page further on
};
constexpr uint64_t first_page = offsetof(Object, dynamic), page = 4096;

Object right_object() {
  Object o;
  std::memcpy(o.header.e_ident, ELFMAG, SELFMAG);
  o.header.e_ident[EI_CLASS] = ELFCLASS64;
  o.header.e_ident[EI_DATA] = ELFDATA2LSB;
  o.header.e_ident[EI_VERSION] = EV_CURRENT;
  o.header.e_type = ET_DYN;
  o.header.e_machine = this_machine;
  o.header.e_version = EV_CURRENT;
  o.header.e_phoff = offsetof(Object, segments);
  o.header.e_ehsize = sizeof o.header;
  o.header.e_phentsize = sizeof o.segments[0];
  o.header.e_phnum = std::size(o.segments);
  const uint64_t rest = sizeof o - first_page;
  o.segments[0] = {PT_PHDR,           PF_R, sizeof o.header, sizeof o.header, 0, sizeof o.segments,
                   sizeof o.segments, 8};
  o.segments[1] = {PT_LOAD, PF_R | PF_X, 0, 0, 0, first_page, first_page, page};
  o.segments[2] = {PT_LOAD, PF_R | PF_W, first_page, first_page + page, 0, rest, rest + 64, page};
  o.segments[3] = {PT_DYNAMIC, PF_R | PF_W,      first_page,       first_page + page,
                   0,          sizeof o.dynamic, sizeof o.dynamic, 8};
  o.segments[4] = {PT_GNU_RELRO, PF_R, first_page, first_page + page, 0, rest, rest, 1};
  const Elf64_Dyn entries[] = {{DT_NEEDED, {1}},
                               {DT_SONAME, {11}},
                               {DT_STRTAB, {offsetof(Object, names)}},
                               {DT_STRSZ, {sizeof o.names}},
                               {DT_SYMTAB, {offsetof(Object, symbols)}},
                               {DT_SYMENT, {sizeof o.symbols[0]}},
                               {DT_GNU_HASH, {offsetof(Object, hashes)}},
                               {DT_HASH, {offsetof(Object, hashes)}},
                               {DT_RELA, {offsetof(Object, relocations)}},
                               {DT_RELASZ, {sizeof o.relocations}},
                               {DT_RELAENT, {sizeof o.relocations[0]}},
                               {DT_JMPREL, {offsetof(Object, relocations)}},
                               {DT_PLTREL, {DT_RELA}},
                               {DT_PLTRELSZ, {sizeof o.relocations[0]}},
                               {DT_INIT_ARRAY, {offsetof(Object, constructors)}},
                               {DT_INIT_ARRAYSZ, {sizeof o.constructors}},
                               {DT_INIT, {offsetof(Object, code)}},
                               {DT_FINI, {offsetof(Object, code)}}};
  std::copy(std::begin(entries), std::end(entries), o.dynamic);
  return o;
}

constexpr uint64_t odd_values[] = {0,
                                   1,
                                   2,
                                   7,
                                   8,
                                   page,
                                   0xffff,
                                   UINT32_MAX,
                                   1 << 16,
                                   uint64_t{1} << 40,
                                   1 << 22,
                                   INT64_MAX,
                                   UINT64_MAX,
                                   uint64_t{1} << 46,
                                   sizeof(Object),
                                   sizeof(Object) - 1,
                                   first_page};

std::string content_of(Input input) {
  if (input.byte() & 1) return std::string(input.rest());
  const Object right = right_object();
  std::string out(reinterpret_cast<const char*>(&right), sizeof right);
  const unsigned length = input.byte();
  const auto word = [&] { return 8 * (input.byte() % (sizeof right / 8)); };
  while (!input.rest().empty()) {
    const std::size_t at = word();
    const unsigned how = input.byte();
    uint64_t value = 0;
    std::memcpy(&value, &out[at], sizeof value);
    switch (how % 6) {
      case 0:
        for (unsigned i = 0; i < 8; ++i) value = value << 8 | input.byte();
        break;
      case 1: value = odd_values[input.byte() % std::size(odd_values)]; break;
      case 2: std::memcpy(&value, &out[word()], sizeof value); break;
      case 3: value += input.byte(); break;
      case 4: value -= input.byte(); break;
      default: {
        const unsigned shift = 8 * (how / 6 % 8);
        value = (value & ~(uint64_t{0xff} << shift)) | uint64_t{input.byte()} << shift;
      }
    }
    std::memcpy(&out[at], &value, sizeof value);
  }
  if (length > 0) out.resize(8 * (length - 1), '\0');
  return out;
}

// --- what the linker counts on, read as plainly as it can be

using Wide = unsigned __int128;  // no sum of two places is too large for it

class Accepted {
 public:
  explicit Accepted(const std::string& bytes) : bytes_(bytes) {
    take(&header_, 0);
    require(std::memcmp(header_.e_ident, ELFMAG, SELFMAG) == 0 && header_.e_type == ET_DYN,
            "it is a shared object");
    for (unsigned i = 0; i < header_.e_phnum; ++i) {
      segments_.emplace_back();
      take(&segments_.back(), Wide{header_.e_phoff} + i * sizeof(Elf64_Phdr));
    }
  }
  void hold() const {
    for (const Elf64_Phdr& a : segments_) {
      if (a.p_type != PT_LOAD) continue;
      require(Wide{a.p_offset} + a.p_filesz <= bytes_.size(), "a segment lies in the file");
      require(a.p_filesz <= a.p_memsz, "a segment has room in memory");
      for (const Elf64_Phdr& b : segments_)
        require(&a == &b || b.p_type != PT_LOAD || Wide{a.p_vaddr} + a.p_memsz <= b.p_vaddr ||
                    Wide{b.p_vaddr} + b.p_memsz <= a.p_vaddr,
                "no segment lies over another");
    }
    const auto is_dynamic = [](const Elf64_Phdr& s) { return s.p_type == PT_DYNAMIC; };
    const auto found = std::find_if(segments_.begin(), segments_.end(), is_dynamic);
    require(found != segments_.end(), "there is a dynamic section");
    uint64_t names = 0, size = 0;
    std::vector<uint64_t> named;
    for (uint64_t at = found->p_vaddr;; at += sizeof(Elf64_Dyn)) {
      Elf64_Dyn entry;
      std::memcpy(&entry, memory(at, sizeof entry), sizeof entry);
      if (entry.d_tag == DT_NULL) break;
      if (entry.d_tag == DT_STRTAB) names = entry.d_un.d_ptr;
      if (entry.d_tag == DT_STRSZ) size = entry.d_un.d_val;
      if (entry.d_tag == DT_SYMTAB) memory(entry.d_un.d_ptr, sizeof(Elf64_Sym));
      if (entry.d_tag == DT_NEEDED) named.push_back(entry.d_un.d_val);
    }
    for (const uint64_t name : named) {
      require(name < size, "a name lies within the names");
      uint64_t end = names + name;
      while (*memory(end, 1) != '\0') ++end;
      require(end < names + size, "a name ends within the names");
    }
  }

 private:
  template <class T>
  void take(T* to, Wide at) {
    require(at + sizeof *to <= bytes_.size(), "a header lies in the file");
    std::memcpy(to, bytes_.data() + static_cast<std::size_t>(at), sizeof *to);
  }
  const char* memory(uint64_t at, uint64_t size) const {
    for (const Elf64_Phdr& s : segments_)
      if (s.p_type == PT_LOAD && at >= s.p_vaddr && Wide{at} + size <= Wide{s.p_vaddr} + s.p_filesz)
        return bytes_.data() + s.p_offset + (at - s.p_vaddr);
    require(false, "what the linker reads is loaded");
    return nullptr;
  }

  const std::string& bytes_;
  Elf64_Ehdr header_{};
  std::vector<Elf64_Phdr> segments_;
};

void try_file(const std::string& content, const std::string& fault) {
  std::ofstream(scratch_file(), std::ios::binary) << content;
  require(fault_of_plugin_file(scratch_file(), PluginFilePart::whole) == fault,
          "a file is judged as its bytes are", fault);
  Sha256 sum;
  sum.add(content.data(), content.size());
  require(sha256_of_file(scratch_file()) == sum.digest(), "a file has the sum of its bytes");
}

}  // namespace

std::vector<std::string> fuzz::seeds() {
  const Object right = right_object();
  const std::string whole(reinterpret_cast<const char*>(&right), sizeof right);
  std::vector<std::string> out{std::string(2, '\0'), '\1' + whole, "\1#!/bin/sh\n",
                               '\1' + whole.substr(0, 40), '\1' + whole.substr(0, 400)};
  for (std::size_t word = 0; word < sizeof right / 8; ++word)
    for (const char value : {'\0', '\1', '\n', '\f'})  // of odd_values
      out.push_back(std::string(2, '\0') + static_cast<char>(word) + '\1' + value);
  return out;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  const std::string content = content_of({data, size});
  const auto read = [&](void* to, uint64_t n, uint64_t at) {
    require(at <= content.size() && n <= content.size() - at, "nothing beyond the file is read");
    std::memcpy(to, content.data() + at, n);
    return true;
  };
  const std::string kind = fault_of_elf_kind(content.size(), read);
  const std::string fault = fault_of_elf(content.size(), read);
  require(kind.empty() || fault == kind, "the kind of a file is looked at first", fault);
  if (fault.empty())
    Accepted(content).hold();
  else
    require(fault.ends_with('.') || fault.ends_with('?'), "a fault is a sentence", fault);
  if (by_file(data, size)) try_file(content, fault);
  return 0;
}
