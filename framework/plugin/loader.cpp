// SPDX-License-Identifier: Apache-2.0
// One file, opened and asked for its plugin: every way to be refused has its sentence here.
#include "plugin/loader.hpp"

#include <dlfcn.h>
#include <stdlib.h>  // secure_getenv

#include <filesystem>
#include <iostream>
#include <map>

#include "plugin/callback.hpp"
#include "plugin/debug/host.hpp"
#include "plugin/layer_name.hpp"
#include "plugin/plugin_file.hpp"
#include "tensor/floating_point.hpp"
#include "tensor/process_lock.hpp"

namespace tempo {

namespace fs = std::filesystem;

namespace {

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
  try {
    require_text("its name", plugin->name);
    require_text("its version", plugin->version);
  } catch (const Error& e) {
    refuse(path, e.what());
  }
}

[[noreturn]] void refuse_with_words(const std::string& path, const std::string& what) {
  const std::string words = last_words();
  refuse(path, what + " failed: " + (words.empty() ? "it does not say why." : words));
}

bool is_installed(const std::string& path) {
  std::error_code ignored;
  return fs::path(path).parent_path() == fs::canonical(plugin_folder(), ignored);
}

void initialize(const std::string& path, void* library) {
  const std::string name = entry_name(TEMPO_ABI_MAJOR);
  const auto entry = reinterpret_cast<decltype(&tempo_plugin_v0)>(dlsym(library, name.c_str()));
  if (!entry) no_entry(path, library);
  const tempo_plugin* plugin = nullptr;
  if (status_of([&] { return plugin = entry(), TEMPO_OK; })) refuse_with_words(path, name);
  require_fitting(path, plugin);
  tempo_registry registry{plugin->name, plugin->version, path, {}, {}};
  {
    const Registering now(registry);
    if (status_of([&] {
          return plugin->init(plugin->user, host_for(path, entry, tempo_host_v0()), &registry);
        }))
      refuse_with_words(path, "its init");
  }
  if (!is_installed(path) && !registry.layers.empty()) load_installed();  // their names are taken
  commit(std::move(registry));
}

void* open(const std::string& path) {
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library) refuse(path, std::string("it cannot be loaded: ") + dlerror());
  return library;
}

// TEMPO_PLUGIN_TRACE=1: says of each file that is tried which file it was and what came of it.
void trace(const std::string& path, const std::string& error) {
  const char* wanted = secure_getenv("TEMPO_PLUGIN_TRACE");
  if (!wanted || std::string(wanted) != "1") return;
  std::string outcome = error.substr(0, error.find('\n'));
  for (const tempo_registry& p : loaded_plugins())
    if (error.empty() && p.path == path)
      outcome = "plugin " + path + ": " + p.plugin + " " + p.version + " is loaded.";
  const std::string sum = sha256_of_file(path);
  std::cerr << "tempo: " << outcome << " SHA-256 " << (sum.empty() ? "unknown" : sum) << "\n";
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
  bool stays = false;  // in the process, once it was opened: then it is tried once
  try {
    if (const std::string fault = fault_of_plugin_file(path); !fault.empty()) refuse(key, fault);
    void* library = open(key);
    stays = true;
    seen[key];
    initialize(key, library);
  } catch (const Error& e) {
    if (stays) seen[key] = e.what();
    trace(key, e.what());
    throw;
  }
  trace(key, "");
}

std::string library_path() {
  Dl_info info{};
  if (!dladdr(reinterpret_cast<void*>(&tempo_host_v0), &info) || !info.dli_fname) return "";
  std::error_code ignored;
  return fs::canonical(info.dli_fname, ignored).string();
}

}  // namespace tempo
