// SPDX-License-Identifier: Apache-2.0
// Reads the dynamic section and the symbol tables of a complete file (the loader's elf.cpp checks
// that it is one); reads stay inside its bytes in any case.
#include "check/shared_object.hpp"

#include <elf.h>

#include <cstring>
#include <fstream>
#include <iterator>
#include <map>

#include "check/subject.hpp"

namespace tempo::conformance {

namespace {

class Reader {
 public:
  explicit Reader(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    bytes_.assign(std::istreambuf_iterator<char>(file), {});
    header_ = at<Elf64_Ehdr>(0);
    segments_ = many<Elf64_Phdr>(header_.e_phoff, header_.e_phnum);
    sections_ = many<Elf64_Shdr>(header_.e_shoff, header_.e_shnum);
    for (const Elf64_Phdr& s : segments_)
      if (s.p_type == PT_DYNAMIC)
        for (const Elf64_Dyn& entry : many<Elf64_Dyn>(s.p_offset, s.p_filesz / sizeof(Elf64_Dyn))) {
          if (entry.d_tag == DT_NULL) break;
          dynamic_.push_back(entry);
        }
  }

  SharedObject all() {
    SharedObject object;
    const uint64_t names = in_file(value(DT_STRTAB));
    for (const Elf64_Dyn& entry : dynamic_) {
      if (entry.d_tag == DT_NEEDED) object.needed.push_back(text(names + entry.d_un.d_val));
      if (entry.d_tag == DT_RPATH || entry.d_tag == DT_RUNPATH)
        object.run_path = text(names + entry.d_un.d_val);
      object.patches_code |=
          entry.d_tag == DT_TEXTREL || (entry.d_tag == DT_FLAGS && (entry.d_un.d_val & DF_TEXTREL));
    }
    object.executable_stack = true;  // the default if the file does not say
    for (const Elf64_Phdr& s : segments_)
      if (s.p_type == PT_GNU_STACK) object.executable_stack = s.p_flags & PF_X;
    if (sections_.empty())
      throw Inapplicable("it has no table of sections, where symbols are told");
    for (const Elf64_Shdr& s : sections_) {
      if (s.sh_type == SHT_DYNSYM) add_symbols(s, object);
      if (s.sh_type == SHT_SYMTAB) add_locals(s, object);
    }
    return object;
  }

 private:
  template <class T>
  T at(uint64_t offset) const {
    T out;
    if (offset > bytes_.size() || bytes_.size() - offset < sizeof out)
      throw Fault("it cannot be read: a part of it lies outside of the file.");
    std::memcpy(&out, bytes_.data() + offset, sizeof out);
    return out;
  }
  template <class T>
  std::vector<T> many(uint64_t offset, uint64_t n) const {
    std::vector<T> out;
    for (uint64_t i = 0; i < n; ++i) out.push_back(at<T>(offset + i * sizeof(T)));
    return out;
  }
  std::string text(uint64_t offset) const {
    if (offset >= bytes_.size()) throw Fault("it cannot be read: a name lies outside of the file.");
    return std::string(bytes_.c_str() + offset);
  }
  uint64_t value(Elf64_Sxword tag) const {
    for (const Elf64_Dyn& entry : dynamic_)
      if (entry.d_tag == tag) return entry.d_un.d_val;
    return 0;
  }
  uint64_t in_file(uint64_t address) const {
    for (const Elf64_Phdr& s : segments_)
      if (s.p_type == PT_LOAD && address >= s.p_vaddr && address - s.p_vaddr < s.p_filesz)
        return s.p_offset + (address - s.p_vaddr);
    return bytes_.size();
  }

  void add_symbols(const Elf64_Shdr& table, SharedObject& object) const {
    const uint64_t names = in_file(value(DT_STRTAB)), versions = value(DT_VERSYM);
    const auto all = many<Elf64_Sym>(table.sh_offset, table.sh_size / sizeof(Elf64_Sym));
    for (std::size_t i = 1; i < all.size(); ++i) {
      const Elf64_Sym& s = all[i];
      const unsigned bind = ELF64_ST_BIND(s.st_info);
      if (bind == STB_LOCAL) continue;
      const uint16_t version = versions ? at<uint16_t>(in_file(versions) + 2 * i) : uint16_t{0};
      object.symbols.push_back({text(names + s.st_name), s.st_shndx != SHN_UNDEF, bind == STB_WEAK,
                                bind == STB_GNU_UNIQUE, (version & 0x7fff) > 1});
    }
  }
  void add_locals(const Elf64_Shdr& table, SharedObject& object) const {
    if (table.sh_link >= sections_.size()) return;
    const uint64_t names = sections_[table.sh_link].sh_offset;
    for (const auto& s : many<Elf64_Sym>(table.sh_offset, table.sh_size / sizeof(Elf64_Sym)))
      if (s.st_name) object.locals.push_back(text(names + s.st_name));
  }

  std::string bytes_;
  Elf64_Ehdr header_{};
  std::vector<Elf64_Phdr> segments_;
  std::vector<Elf64_Shdr> sections_;
  std::vector<Elf64_Dyn> dynamic_;
};

}  // namespace

SharedObject read_shared_object(const std::string& path) { return Reader(path).all(); }

}  // namespace tempo::conformance
