// SPDX-License-Identifier: Apache-2.0
// Checks of a plugin's file, which is read but not run.
#include <algorithm>

#include <tempo/names.hpp>

#include "check/plugin_check.hpp"
#include "check/shared_object.hpp"
#include "check/subject.hpp"
#include "plugin/debug/host.hpp"

namespace tempo::conformance {

namespace {

std::string fault_of(const std::string& path, uint32_t part) {
  return tempo::check_extension().file_fault(path.c_str(), part);
}

void check_kind(const std::string& path) {
  const std::string fault = fault_of(path, TEMPO_FILE_KIND);
  require(fault.empty(), fault);
}
// Faults of the earlier parts have checks of their own.
void check_part(const std::string& path, uint32_t part) {
  if (!fault_of(path, TEMPO_FILE_KIND).empty()) throw Inapplicable("it is no file to read");
  if (part == TEMPO_FILE_WHOLE && !fault_of(path, TEMPO_FILE_MACHINE).empty())
    throw Inapplicable("it is no shared object for this machine");
  const std::string fault = fault_of(path, part);
  require(fault.empty(), fault);
}
void check_owners(const std::string& path) { check_part(path, TEMPO_FILE_OWNERS); }
void check_machine(const std::string& path) { check_part(path, TEMPO_FILE_MACHINE); }
void check_whole(const std::string& path) { check_part(path, TEMPO_FILE_WHOLE); }

SharedObject readable(const std::string& path) {
  for (const uint32_t part : {TEMPO_FILE_KIND, TEMPO_FILE_MACHINE, TEMPO_FILE_WHOLE})
    if (!fault_of(path, part).empty()) throw Inapplicable("it is no whole shared object");
  return read_shared_object(path);
}

// The first few names, for an error.
std::string some(const std::vector<std::string>& names) {
  constexpr std::size_t most = 5;
  const auto end = names.begin() + static_cast<std::ptrdiff_t>(std::min(names.size(), most));
  return sdk::listed({names.begin(), end}) + (names.size() > most ? ", ..." : "");
}

void check_entry(const std::string& path) {
  const std::string entry = "tempo_plugin_v" + std::to_string(TEMPO_ABI_MAJOR);
  std::vector<std::string> others;
  bool has_it = false;
  for (const SharedObject::Symbol& s : readable(path).symbols) {
    if (!s.defined) continue;
    has_it |= s.name == entry;
    const bool of_linker = s.name == "_init" || s.name == "_fini" || s.name == "_end" ||
                           s.name == "_edata" || s.name == "__bss_start";
    if (s.name != entry && !of_linker) others.push_back(s.name);
  }
  require(has_it, "it does not export " + entry + (others.empty() ? "" : ", but " + some(others)) +
                      ".\n  TEMPO_PLUGIN(...) defines it.");
  if (!others.empty())
    throw Warning("it exports " + std::to_string(others.size()) + " more than " + entry + ": " +
                  some(others) +
                  ".\n  tempo_add_plugin hides them; another library's symbol of that name could "
                  "take their place.");
}

bool is_of_sanitizer(const std::string& name) {
  for (const char* begin : {"__asan_", "__tsan_", "__ubsan_", "__msan_", "__hwasan_", "__lsan_"})
    if (name.starts_with(begin)) return true;
  return false;
}
bool is_of_system(const std::string& library) {
  for (const char* begin : {"libc.so", "libm.so", "libstdc++.so", "libgcc_s.so", "libpthread.so",
                            "libdl.so", "librt.so", "ld-linux", "ld64.so", "libc++"})
    if (library.starts_with(begin)) return true;
  return false;
}

void check_needs(const std::string& path) {
  const SharedObject object = readable(path);
  std::vector<std::string> libraries, symbols;
  bool has_versions = true;  // whether its symbols have versions
  for (const std::string& library : object.needed) {
    has_versions &= !library.starts_with("libc++");
    require(!library.starts_with("libtempo.so"),
            "it is linked with " + library +
                ": it runs with that build of Tempo alone.\n  A plugin links against nothing; the "
                "host gives it all it needs.");
    if (!is_of_system(library)) libraries.push_back(library);
  }
  for (const SharedObject::Symbol& s : object.symbols)
    if (!s.defined && !s.weak && !s.versioned && !is_of_sanitizer(s.name))
      symbols.push_back(s.name);
  require(!libraries.empty() || !has_versions || symbols.empty(),
          "nothing that it is linked with has " + some(symbols) + ".");
  if (!libraries.empty())
    throw Warning("it needs " + some(libraries) + ", which must be there wherever it is loaded.");
}

void check_hardened(const std::string& path) {
  const SharedObject object = readable(path);
  require(!object.patches_code,
          "its code is changed when it is loaded (text relocations).\n  Compile it with -fPIC.");
  require(!object.executable_stack,
          "it makes the stack of its process executable.\n  Link it with -Wl,-z,noexecstack.");
  if (!object.run_path.empty() && !object.run_path.starts_with("$ORIGIN"))
    throw Warning("it looks for libraries in " + object.run_path +
                  ", which is not there on other machines (RPATH).");
}

void check_sanitized(const std::string& path) {
  const SharedObject object = readable(path);
  for (const SharedObject::Symbol& s : object.symbols)
    require(s.defined || !is_of_sanitizer(s.name),
            "it is built with a sanitizer (it needs " + s.name +
                "), and ends each process that was not.\n  Build it without -fsanitize.");
}

void check_unique(const std::string& path) {
  std::vector<std::string> unique;
  for (const SharedObject::Symbol& s : readable(path).symbols)
    if (s.unique) unique.push_back(s.name);
  if (!unique.empty())
    throw Warning("it shares variables with whatever else has them: " + some(unique) +
                  ".\n  -fno-gnu-unique or tempo_add_plugin keeps them its own.");
}

}  // namespace

void add_file_checks(PluginChecks& all) {
  all.push_back(
      {"regular", "it is a file that can be read: no folder, no FIFO, no device", &check_kind});
  all.push_back(
      {"owners", "nobody else can write to it or put another in its place", &check_owners});
  all.push_back({"machine", "it is a shared object for this processor", &check_machine});
  all.push_back({"whole", "all that its headers speak of is there, where it can be", &check_whole});
  all.push_back(
      {"entry", "it exports the symbol that Tempo looks for, and no other", &check_entry});
  all.push_back({"needs", "what it needs comes from the libraries of C and C++", &check_needs});
  all.push_back({"hardened",
                 "no code that is patched, no executable stack, no path to a build folder",
                 &check_hardened});
  all.push_back({"sanitized", "it is not built with a sanitizer", &check_sanitized});
  all.push_back({"unique", "it shares no variable with other libraries", &check_unique});
}

}  // namespace tempo::conformance
