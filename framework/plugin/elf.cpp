// SPDX-License-Identifier: Apache-2.0
// Reads untrusted ELF headers (System V ABI, chapters 4 and 5).
#include "plugin/elf.hpp"

#include <elf.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <vector>

namespace tempo {

namespace {

static_assert(sizeof(void*) == 8, "Tempo runs on 64-bit processors");
using Header = Elf64_Ehdr;
using Segment = Elf64_Phdr;
using Entry = Elf64_Dyn;

#if defined(__x86_64__)
constexpr unsigned this_machine = EM_X86_64;
#elif defined(__aarch64__)
constexpr unsigned this_machine = EM_AARCH64;
#elif defined(__riscv)
constexpr unsigned this_machine = EM_RISCV;
#elif defined(__powerpc64__)
constexpr unsigned this_machine = EM_PPC64;
#elif defined(__s390x__)
constexpr unsigned this_machine = EM_S390;
#else
constexpr unsigned this_machine = EM_NONE;  // accepts any
#endif

std::string machine_name(unsigned machine) {
  switch (machine) {
    case EM_X86_64: return "x86-64";
    case EM_386: return "32-bit x86";
    case EM_AARCH64: return "64-bit Arm (aarch64)";
    case EM_ARM: return "32-bit Arm";
    case EM_RISCV: return "RISC-V";
    case EM_PPC64: return "POWER";
    case EM_S390: return "IBM Z";
    default: return "a processor with the number " + std::to_string(machine);
  }
}

std::string built_for(const std::string& what) {
  return "it is built for " + what + "; this Tempo runs on " + machine_name(this_machine) +
         ".\n  Build it on this machine, or with a compiler for it.";
}
std::string damaged(const std::string& where) {
  return "it is damaged: " + where + ".\n  Build or copy it again.";
}

/// Whether [at, at + size) lies inside [from, from + room).
bool lies_in(uint64_t at, uint64_t size, uint64_t from, uint64_t room) {
  return at >= from && at - from <= room && size <= room - (at - from);
}
/// The end of a range; the largest number if it overflows.
uint64_t end_of(uint64_t at, uint64_t size) {
  return at > UINT64_MAX - size ? UINT64_MAX : at + size;
}

class Elf {
 public:
  Elf(uint64_t bytes, ReadBytes read) : bytes_(bytes), read_(read) {}

  std::string fault() {
    for (const auto check : {&Elf::fault_of_kind, &Elf::fault_of_length, &Elf::fault_of_segments,
                             &Elf::fault_of_dynamic, &Elf::fault_of_tables, &Elf::fault_of_names})
      if (std::string fault = (this->*check)(); !fault.empty()) return fault;
    return "";
  }

  std::string fault_of_kind() {
    const std::string no_library =
        ".\n  A plugin is built with tempo_add_plugin, or with -shared -fPIC.";
    if (bytes_ == 0) return "the file is empty" + no_library;
    char begin[4] = {};
    read(begin, std::min<uint64_t>(bytes_, sizeof begin), 0);
    if (begin[0] == '#' && begin[1] == '!')
      return "this is a script, not a shared object" + no_library;
    if (std::memcmp(begin, ELFMAG, SELFMAG) != 0) return "this is not a shared object" + no_library;
    if (!read(&header_, sizeof header_, 0)) return cut_short(sizeof header_);
    if (header_.e_ident[EI_CLASS] == ELFCLASS32) return built_for("32-bit processors");
    constexpr auto this_order =
        std::endian::native == std::endian::little ? ELFDATA2LSB : ELFDATA2MSB;
    if (header_.e_ident[EI_DATA] != this_order)
      return built_for("processors with another order of bytes");
    if (this_machine != EM_NONE && header_.e_machine != this_machine)
      return built_for(machine_name(header_.e_machine));
    if (header_.e_type == ET_REL)
      return "this is an object file, which is not linked yet" + no_library;
    if (header_.e_type != ET_DYN) return "this is a program, not a shared object" + no_library;
    return "";
  }

 private:
  bool read(void* to, uint64_t size, uint64_t at) const {
    return size == 0 || (lies_in(at, size, 0, bytes_) && read_(to, size, at));
  }
  template <class T>
  bool read_all(std::vector<T>& to, uint64_t count, uint64_t at) const {
    if (count > bytes_ / sizeof(T)) return false;
    to.resize(count);
    return read(to.data(), count * sizeof(T), at);
  }

  // Checks the length that the headers promise. A file that is still being copied is shorter.
  std::string fault_of_length() {
    if (header_.e_phentsize != sizeof(Segment) || header_.e_phnum == 0)
      return damaged("it has no table of segments");
    const uint64_t table = uint64_t{header_.e_phnum} * sizeof(Segment);
    const uint64_t sections = uint64_t{header_.e_shnum} * header_.e_shentsize;
    uint64_t needed = end_of(header_.e_phoff, table);
    const uint64_t whole = end_of(header_.e_shoff, sections);
    if (!read_all(segments_, header_.e_phnum, header_.e_phoff))
      return cut_short(std::max(needed, whole));
    for (const Segment& s : segments_)
      if (s.p_type != PT_NULL) needed = std::max(needed, end_of(s.p_offset, s.p_filesz));
    if (needed > bytes_) return cut_short(std::max(needed, whole));
    return whole > bytes_ ? cut_short(whole,
                                      " Or does its header tell of sections that a tool has "
                                      "taken off?")
                          : "";
  }

  std::string cut_short(uint64_t needed, const std::string& or_else = "") const {
    const std::string whole = needed == UINT64_MAX ? "" : " of " + std::to_string(needed);
    return "it is cut short: it has " + std::to_string(bytes_) + whole +
           " bytes.\n  Is it still being copied?" + or_else;
  }

  std::string fault_of_segments() {
    constexpr uint64_t most = uint64_t{1} << 46;  // more than the address space of a process
    for (std::size_t i = 0; i < segments_.size(); ++i) {
      const Segment& s = segments_[i];
      const std::string which =
          "segment " + std::to_string(i) + " of its " + std::to_string(segments_.size()) + " ";
      if (s.p_type != PT_LOAD) continue;
      if (s.p_memsz < s.p_filesz) return damaged(which + "is larger in the file than in memory");
      if (end_of(s.p_vaddr, s.p_memsz) > most) return damaged(which + "lies outside of memory");
      if (s.p_align > 1 &&
          (!std::has_single_bit(s.p_align) || (s.p_vaddr - s.p_offset) % s.p_align != 0))
        return damaged(which + "is not aligned");
      if (!loaded_.empty() && s.p_vaddr < end_of(loaded_.back()->p_vaddr, loaded_.back()->p_memsz))
        return damaged(which + "lies over the one before");
      loaded_.push_back(&s);
    }
    if (loaded_.empty()) return damaged("it has nothing to load");
    constexpr uint32_t read_by_linker[] = {PT_DYNAMIC, PT_PHDR, PT_TLS, PT_GNU_RELRO,
                                           PT_GNU_EH_FRAME};
    for (const Segment& s : segments_) {
      if (std::ranges::find(read_by_linker, s.p_type) == std::end(read_by_linker)) continue;
      if (s.p_filesz == 0) continue;
      const Segment* const in = loaded(s.p_vaddr, s.p_filesz);
      if (!in) return damaged("a part that the linker reads is not loaded");
      if (offset_in(*in, s.p_vaddr) != s.p_offset)
        return damaged("a part that the linker reads is not what is loaded there");
    }
    return "";
  }

  /// The segment that loads this range of memory from the file; null if none does.
  const Segment* loaded(uint64_t at, uint64_t size) const {
    const auto after = std::ranges::upper_bound(loaded_, at, {}, &Segment::p_vaddr);
    if (after == loaded_.begin()) return nullptr;
    const Segment* const in = after[-1];
    return lies_in(at, size, in->p_vaddr, in->p_filesz) ? in : nullptr;
  }
  /// The offset in the file of an address in this segment.
  static uint64_t offset_in(const Segment& segment, uint64_t address) {
    return segment.p_offset + (address - segment.p_vaddr);
  }

  /// The value of a tag that occurs once; 0 if it is missing.
  uint64_t value(Elf64_Sxword tag) const {
    for (const Entry& e : entries_)
      if (e.d_tag == tag) return e.d_un.d_val;
    return 0;
  }

  // If a tag occurred twice, one reader might take the first and another one the last.
  std::string fault_of_dynamic() {
    const auto is_dynamic = [](const Segment& s) { return s.p_type == PT_DYNAMIC; };
    const auto at = std::ranges::find_if(segments_, is_dynamic);
    if (at == segments_.end()) return damaged("it has no dynamic section");
    if (std::ranges::count_if(segments_, is_dynamic) > 1)
      return damaged("it has several dynamic sections");
    if (!read_all(entries_, at->p_filesz / sizeof(Entry), at->p_offset))
      return damaged("its dynamic section cannot be read");
    const auto end = std::ranges::find(entries_, DT_NULL, &Entry::d_tag);
    if (end == entries_.end()) return damaged("its dynamic section has no end");
    entries_.erase(end, entries_.end());
    constexpr Elf64_Sxword may_be_several[] = {DT_NEEDED, DT_AUXILIARY, DT_FILTER};
    std::vector<Elf64_Sxword> once;
    for (const Entry& e : entries_)
      if (std::ranges::find(may_be_several, e.d_tag) == std::end(may_be_several))
        once.push_back(e.d_tag);
    std::ranges::sort(once);
    const auto twice = std::ranges::adjacent_find(once);
    return twice == once.end()
               ? ""
               : damaged("its dynamic section has the entry " + std::to_string(*twice) + " twice");
  }

  // The addresses that the linker follows before any code runs, and the constants that it assumes.
  std::string fault_of_tables() {
    struct Table {
      Elf64_Sxword tag;
      const char* name;
      uint64_t size;
    };
    const Table tables[] = {{DT_STRTAB, "names", value(DT_STRSZ)},
                            {DT_SYMTAB, "symbols", sizeof(Elf64_Sym)},
                            {DT_GNU_HASH, "hashes", 4 * sizeof(uint32_t)},
                            {DT_HASH, "hashes", 2 * sizeof(uint32_t)},
                            {DT_RELA, "relocations", value(DT_RELASZ)},
                            {DT_RELR, "relocations", value(DT_RELRSZ)},
                            {DT_JMPREL, "relocations", value(DT_PLTRELSZ)},
                            {DT_INIT_ARRAY, "constructors", value(DT_INIT_ARRAYSZ)},
                            {DT_FINI_ARRAY, "destructors", value(DT_FINI_ARRAYSZ)},
                            {DT_VERSYM, "versions", sizeof(uint16_t)},
                            {DT_VERNEED, "versions", sizeof(Elf64_Verneed)},
                            {DT_VERDEF, "versions", sizeof(Elf64_Verdef)}};
    for (const Table& t : tables)
      for (const Entry& e : entries_)
        if (e.d_tag == t.tag && !loaded(e.d_un.d_ptr, t.size))
          return damaged(std::string("its table of ") + t.name + " lies outside of it");
    if (value(DT_STRTAB) == 0 || value(DT_SYMTAB) == 0)
      return damaged("it has no table of symbols");
    if (value(DT_STRSZ) == 0) return damaged("it has no table of names");
    const std::pair<Elf64_Sxword, uint64_t> constants[] = {{DT_SYMENT, sizeof(Elf64_Sym)},
                                                           {DT_RELAENT, sizeof(Elf64_Rela)},
                                                           {DT_RELRENT, sizeof(Elf64_Relr)},
                                                           {DT_PLTREL, DT_RELA}};
    for (const auto& [tag, known] : constants)
      for (const Entry& e : entries_)
        if (e.d_tag == tag && e.d_un.d_val != known)
          return damaged("its tables are not those of a 64-bit processor");
    for (const Entry& e : entries_) {
      if (e.d_tag != DT_INIT && e.d_tag != DT_FINI) continue;
      const Segment* const in = loaded(e.d_un.d_ptr, 1);
      if (!in || !(in->p_flags & PF_X))
        return damaged("what runs first or last in it is no code of it");
    }
    return "";
  }

  // Names must lie within the table of names, which must end with a 0.
  std::string fault_of_names() {
    const uint64_t size = value(DT_STRSZ), at = value(DT_STRTAB);
    char last = 1;
    if (!read(&last, 1, offset_in(*loaded(at, size), at) + size - 1) || last != 0)
      return damaged("its table of names has no end");
    for (const Entry& e : entries_)
      if ((e.d_tag == DT_NEEDED || e.d_tag == DT_SONAME || e.d_tag == DT_RPATH ||
           e.d_tag == DT_RUNPATH) &&
          e.d_un.d_val >= size)
        return damaged("a name of it lies outside of its names");
    return "";
  }

  uint64_t bytes_;
  ReadBytes read_;
  Header header_{};
  std::vector<Segment> segments_;
  std::vector<const Segment*> loaded_;  // sorted by address
  std::vector<Entry> entries_;          // of the dynamic section
};

}  // namespace

std::string fault_of_elf(uint64_t bytes, ReadBytes read) { return Elf(bytes, read).fault(); }
std::string fault_of_elf_kind(uint64_t bytes, ReadBytes read) {
  return Elf(bytes, read).fault_of_kind();
}

}  // namespace tempo
