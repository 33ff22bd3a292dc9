// SPDX-License-Identifier: Apache-2.0
// One file, opened and asked for its plugin: every way to be refused has its sentence here.
#include "plugin/loader.hpp"

#include <dlfcn.h>

#include <cfenv>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>

#include "plugin/callback.hpp"
#include "tensor/process_lock.hpp"

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

namespace tempo {

namespace fs = std::filesystem;

namespace {

// Rounding mode and, on x86, the flush-to-zero bits: a library linked with -ffast-math flips them.
struct FloatingPoint {
  int rounding = std::fegetround();
#if defined(__x86_64__)
  unsigned control = _mm_getcsr() & ~0x3fu;  // without the sticky exception flags
#endif
  bool operator==(const FloatingPoint&) const = default;
  void restore() const {
    std::fesetround(rounding);
#if defined(__x86_64__)
    _mm_setcsr(control);
#endif
  }
};

// Puts the floating-point mode back when a plugin has come in, and says so.
class FloatingPointGuard {
 public:
  explicit FloatingPointGuard(const std::string& path) : path_(path) {}
  FloatingPointGuard(const FloatingPointGuard&) = delete;
  FloatingPointGuard& operator=(const FloatingPointGuard&) = delete;
  ~FloatingPointGuard() {
    if (FloatingPoint{} == before_) return;
    before_.restore();
    std::cerr << "tempo: plugin " << path_
              << " changed the floating-point mode when it was loaded, as what is linked with "
                 "-ffast-math "
                 "does; it was restored.\n";
  }

 private:
  const std::string& path_;
  const FloatingPoint before_;
};

[[noreturn]] void refuse(const std::string& path, const std::string& why) {
  throw PluginError("plugin " + path + ": " + why);
}

void require_shared_object(const std::string& path) {
  std::error_code ignored;
  if (!fs::exists(path, ignored)) refuse(path, "there is no such file.");
  if (fs::is_directory(path, ignored))
    refuse(path,
           "this is a folder, not a plugin.\n"
           "  Name one .so file in it, or put the folder into TEMPO_PLUGIN_PATH.");
  std::ifstream file(path, std::ios::binary);
  if (!file) refuse(path, "the file cannot be read.");
  char magic[4] = {};
  if (!file.read(magic, 4) || std::string(magic, 4) != "\177ELF")
    refuse(path,
           "this is not a shared object.\n"
           "  A plugin is built with tempo_add_plugin, or with -shared -fPIC.");
}

std::string dotted(uint32_t major, uint32_t minor) {
  return std::to_string(major) + "." + std::to_string(minor);
}

[[noreturn]] void refuse_version(const std::string& path, const std::string& theirs) {
  refuse(path,
         "it is made for version " + theirs + " of the plugin ABI; this Tempo takes version " +
             dotted(TEMPO_ABI_MAJOR, TEMPO_ABI_MINOR) +
             " alone.\n  Build the plugin with this Tempo's headers, or use the Tempo that it "
             "was built for.");
}

// The symbol that a plugin of this major version exports.
std::string entry_name(uint32_t major) { return "tempo_plugin_v" + std::to_string(major); }

[[noreturn]] void no_entry(const std::string& path, void* library) {
  for (uint32_t major = 0; major < 10; ++major)
    if (dlsym(library, entry_name(major).c_str())) refuse_version(path, std::to_string(major));
  refuse(path, "this is a shared object but not a Tempo plugin; it does not export " +
                   entry_name(TEMPO_ABI_MAJOR) + ".\n  Does it use TEMPO_PLUGIN(...)?");
}

void require_fitting(const std::string& path, const tempo_plugin* plugin) {
  if (!plugin) refuse(path, entry_name(TEMPO_ABI_MAJOR) + " returned nothing.");
  if (plugin->minor != TEMPO_ABI_MINOR)
    refuse_version(path, dotted(TEMPO_ABI_MAJOR, plugin->minor));
  if (plugin->size < sizeof(tempo_plugin) || !plugin->init || !plugin->name || !plugin->version)
    refuse(path, "its description is incomplete (size, name, version or init).");
}

[[noreturn]] void refuse_with_words(const std::string& path, const std::string& what) {
  const std::string words = last_words();
  refuse(path, what + " failed: " + (words.empty() ? "it does not say why." : words));
}

void initialize(const std::string& path, void* library) {
  const std::string name = entry_name(TEMPO_ABI_MAJOR);
  const auto entry = reinterpret_cast<decltype(&tempo_plugin_v0)>(dlsym(library, name.c_str()));
  if (!entry) no_entry(path, library);
  const tempo_plugin* plugin = nullptr;
  if (status_of([&] { return plugin = entry(), TEMPO_OK; })) refuse_with_words(path, name);
  require_fitting(path, plugin);
  tempo_registry registry{plugin->name, plugin->version, path, {}, {}};
  if (status_of([&] { return plugin->init(tempo_host_v0(), &registry); }))
    refuse_with_words(path, "its init");
  commit(std::move(registry));
}

void* open(const std::string& path) {
  require_shared_object(path);
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library) refuse(path, std::string("it cannot be loaded: ") + dlerror());
  return library;
}

}  // namespace

void load_plugin_file(const std::string& path) {
  // what came of it: "", or the error
  static auto& seen = *new std::map<std::string, std::string>;
  const ProcessLock lock(ProcessLock::loading);
  std::error_code error;
  const fs::path real = fs::canonical(path, error);
  const std::string key = error ? path : real.string();
  if (const auto at = seen.find(key); at != seen.end()) {
    if (!at->second.empty()) throw PluginError(at->second);
    return;
  }
  const FloatingPointGuard guard(key);
  void* library = open(key);
  std::string& outcome = seen[key];  // from here on it stays in the process, so once is enough
  try {
    initialize(key, library);
  } catch (const Error& e) {
    outcome = e.what();
    throw;
  }
}

std::string library_path() {
  Dl_info info{};
  if (!dladdr(reinterpret_cast<void*>(&tempo_host_v0), &info) || !info.dli_fname) return "";
  std::error_code ignored;
  return fs::canonical(info.dli_fname, ignored).string();
}

}  // namespace tempo
