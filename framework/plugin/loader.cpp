// SPDX-License-Identifier: Apache-2.0
// Opens one file and asks it for its plugin; each reason to refuse it has its own sentence here.
#include "plugin/loader.hpp"

#include <dlfcn.h>

#include <filesystem>
#include <iostream>
#include <map>

#include "graph/callback.hpp"
#include "plugin/debug/host.hpp"
#include "plugin/debug/table.hpp"
#include "plugin/description.hpp"
#include "plugin/host.hpp"
#include "plugin/layer_name.hpp"
#include "plugin/plugin_file.hpp"
#include "plugin/words.hpp"
#include "tensor/environment.hpp"
#include "tensor/floating_point.hpp"
#include "tensor/process_lock.hpp"

namespace tempo {

namespace fs = std::filesystem;

namespace {

// Restores the floating-point mode if loading a plugin changed it, and reports that.
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
             std::to_string(TEMPO_ABI_MAJOR) +
             " alone.\n  Build the plugin with this Tempo's headers, or use the Tempo that it "
             "was built for.");
}

// A host function that the plugin needs and this host lacks would be a call through a null pointer.
void require_functions(const std::string& path, const tempo_plugin& plugin) {
  if (!plugin.needs || !*plugin.needs) return;
  for (const std::string& name : words_of(plugin.needs))
    if (!debug::has_function(name.c_str()))
      refuse(path, "it calls the host's function `" + name + "` of version " +
                       dotted(TEMPO_ABI_MAJOR, plugin.minor) +
                       " of the plugin ABI or later, which this Tempo, of version " +
                       dotted(TEMPO_ABI_MAJOR, TEMPO_ABI_MINOR) +
                       ", does not have.\n  Use a newer Tempo; or build the plugin with "
                       "TEMPO_ABI_MINOR defined as that of this one.");
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
  if (!plugin->init || !plugin->name || !plugin->version)
    refuse(path, "its description is incomplete (size, name, version or init).");
  try {
    require_text("its name", plugin->name);
    require_text("its version", plugin->version);
  } catch (const Error& e) {
    refuse(path, e.what());
  }
  if (!is_plugin_name(plugin->name))
    refuse(path, std::string("its name `") + plugin->name +
                     "` is not of 1 to 64 letters, digits, `_`, `-` and `.`, as names of what it "
                     "has begin with it.");
  require_functions(path, *plugin);
}

[[noreturn]] void refuse_with_words(const std::string& path, const std::string& what) {
  const std::string words = last_words();
  refuse(path, what + " failed: " + (words.empty() ? "it does not say why." : words));
}

// Whether the file, or a link to it, lies in the folder of Tempo's own plugins.
bool is_installed(const std::string& given, const std::string& real) {
  std::error_code error;
  const fs::path folder = fs::canonical(plugin_folder(), error);
  if (error) return false;
  const fs::path of_given = fs::canonical(fs::absolute(given, error).parent_path(), error);
  return fs::path(real).parent_path() == folder || (!error && of_given == folder);
}

// `given_path` is the path as it was given, `path` the file that it leads to.
void initialize(const std::string& given_path, const std::string& path, void* library) {
  const std::string name = entry_name(TEMPO_ABI_MAJOR);
  const auto entry = reinterpret_cast<decltype(&tempo_plugin_v1)>(dlsym(library, name.c_str()));
  if (!entry) no_entry(path, library);
  const tempo_plugin* given = nullptr;
  if (status_of([&] { return given = entry(), TEMPO_OK; })) refuse_with_words(path, name);
  if (!given) refuse(path, name + " returned nothing.");
  if (given->size < TEMPO_PLUGIN_SIZE_1_0)
    refuse(path, "its description is incomplete (size, name, version or init).");
  const tempo_plugin mine = whole(*given), *const plugin = &mine;
  require_fitting(path, plugin);
  if (mine.name == std::string(own_plugin) && !is_installed(given_path, path))
    refuse(path,
           "its name is `tempo`, which Tempo's own layers begin with.\n  Give it a name of "
           "its own; Tempo's own plugins are those in its folder of plugins.");
  tempo_registry registry{plugin->name, plugin->version,       path,        {}, {},
                          {},           plugin->get_extension, plugin->user};
  {
    const Registering now(registry);
    if (status_of([&] {
          return plugin->init(plugin->user, host_for(path, entry, tempo_host_v1()), &registry);
        }))
      refuse_with_words(path, "its init");
  }
  // Tempo's own layers are registered first, so that they keep their short names.
  if (plugin->name != std::string(own_plugin) && !registry.layers.empty()) load_installed();
  for (const std::string& note : commit(std::move(registry)))
    std::cerr << "tempo: " << note << "\n";
}

void* open(const std::string& path) {
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library) refuse(path, std::string("it cannot be loaded: ") + dlerror());
  return library;
}

// TEMPO_PLUGIN_TRACE=1: reports each file that is tried, and the result.
bool is_traced() {
  const char* wanted = environment("TEMPO_PLUGIN_TRACE");
  return wanted && std::string(wanted) == "1";
}
// The last line of the trace, if opening the file ends the process.
void trace_opening(const std::string& path) {
  if (is_traced()) std::cerr << "tempo: plugin " << path << ": it is opened." << std::endl;
}
void trace(const std::string& path, const std::string& error) {
  if (!is_traced()) return;
  std::string outcome = error.substr(0, error.find('\n'));
  for (const tempo_registry& p : loaded_plugins())
    if (error.empty() && p.path == path)
      outcome = "plugin " + path + ": " + p.plugin + " " + p.version + " is loaded.";
  const std::string sum = sha256_of_file(path);
  std::cerr << "tempo: " << outcome << " SHA-256 " << (sum.empty() ? "unknown" : sum) << "\n";
}

}  // namespace

void load_plugin_file(const std::string& path) {
  // the result for each file: "", or the error
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
  bool stays = false;  // an opened file stays in the process, and is not tried again
  try {
    if (const std::string fault = fault_of_plugin_file(path); !fault.empty()) refuse(key, fault);
    trace_opening(key);
    void* library = open(key);
    stays = true;
    seen[key];
    initialize(path, key, library);
  } catch (const Error& e) {
    if (stays) seen[key] = e.what();
    trace(key, e.what());
    throw;
  }
  trace(key, "");
}

std::string library_path() {
  Dl_info info{};
  if (!dladdr(reinterpret_cast<void*>(&tempo_host_v1), &info) || !info.dli_fname) return "";
  std::error_code ignored;
  return fs::canonical(info.dli_fname, ignored).string();
}

}  // namespace tempo
