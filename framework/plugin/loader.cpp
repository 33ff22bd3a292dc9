#include "plugin/loader.hpp"

#include "tensor/nearest.hpp"

#include <tempo/plugin.h>

#include <dlfcn.h>

#include <algorithm>
#include <cfenv>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <mutex>
#include <set>

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

void require_plugin_file(const std::string& path) {
  std::error_code ignored;
  if (!fs::exists(path, ignored))
    throw PluginError("plugin " + path + ": there is no such file.");
  if (fs::is_directory(path, ignored))
    throw PluginError("plugin " + path + ": this is a folder, not a plugin.\n"
                      "  Name one .so file in it, or put the folder into TEMPO_PLUGIN_PATH.");
  std::ifstream file(path, std::ios::binary);
  char magic[4] = {};
  if (!file.read(magic, 4) || std::string(magic, 4) != "\177ELF")
    throw PluginError("plugin " + path + ": this is not a shared object.\n"
                      "  A plugin is built with tempo_add_plugin, or with -shared -fPIC.");
}

[[noreturn]] void no_entry(const std::string& path, void* library) {
  for (int major = 2; major < 10; ++major)
    if (dlsym(library, ("tempo_plugin_v" + std::to_string(major)).c_str()))
      throw PluginError("plugin " + path + ": it is made for version " + std::to_string(major) +
                        " of the plugin ABI; this Tempo has version 1.\n  Build it against these "
                        "headers, or use a newer Tempo.");
  throw PluginError("plugin " + path + ": this is a shared object but not a Tempo plugin; it does not "
                    "export tempo_plugin_v1.\n  Does it use TEMPO_PLUGIN(...)?");
}

void require_version(const std::string& path, const tempo_plugin* plugin, uint32_t major) {
  if (!plugin) throw PluginError("plugin " + path + ": tempo_plugin_v1 returned nothing.");
  if (plugin->major != major)
    throw PluginError("plugin " + path + ": it says it is made for version " + std::to_string(plugin->major) +
                      " of the plugin ABI; this Tempo has version " + std::to_string(major) + ".");
  if (plugin->minimum_minor > TEMPO_ABI_MINOR)
    throw PluginError("plugin " + path + ": it needs at least version " + std::to_string(major) + "." +
                      std::to_string(plugin->minimum_minor) + " of the plugin ABI; this Tempo has " +
                      std::to_string(major) + "." + std::to_string(TEMPO_ABI_MINOR) + ".\n  Use a newer Tempo.");
  if (plugin->size < sizeof(tempo_plugin) || !plugin->init || !plugin->name || !plugin->version)
    throw PluginError("plugin " + path + ": its description is incomplete (size, name, version or init).");
}

void open(const std::string& path) {
  require_plugin_file(path);
  const FloatingPoint before;
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!(FloatingPoint{} == before)) {
    before.restore();
    std::cerr << "tempo: plugin " << path << " changed the floating-point mode when it was loaded (it "
              << "is linked with -ffast-math); it was restored.\n";
  }
  if (!library) throw PluginError("plugin " + path + ": it cannot be loaded: " + dlerror());
  const auto entry = reinterpret_cast<tempo_plugin_v1_function>(dlsym(library, "tempo_plugin_v1"));
  if (!entry) no_entry(path, library);
  const tempo_plugin* plugin = entry();
  require_version(path, plugin, TEMPO_ABI_MAJOR);
  tempo_registry registry{plugin->name, path, {}, {}};
  if (plugin->init(tempo_host_v1(), &registry) != TEMPO_OK)
    throw PluginError("plugin " + path + ": its init failed: " + sdk::host().last_error(nullptr));
  commit(registry);
}

std::vector<std::string> shared_objects(const std::string& folder) {
  std::vector<std::string> paths;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder, ignored))
    if (entry.path().extension() == ".so") paths.push_back(entry.path().string());
  std::sort(paths.begin(), paths.end());
  return paths;
}

// TEMPO_PLUGIN_PATH is loaded whole, in sorted order, once.
void load_plugin_path() {
  static std::once_flag once;
  std::call_once(once, [] {
    const char* folders = std::getenv("TEMPO_PLUGIN_PATH");
    std::string rest = folders ? folders : "";
    while (!rest.empty()) {
      const std::size_t colon = rest.find(':');
      for (const std::string& path : shared_objects(rest.substr(0, colon))) load_plugin_file(path);
      rest = colon == std::string::npos ? "" : rest.substr(colon + 1);
    }
  });
}

[[noreturn]] void unknown(uint32_t kind, const std::string& name, Search search) {
  load_installed();
  const std::string what = kind == TEMPO_CELL ? "cell" : "layer";
  std::vector<std::string> names;
  for (const RegisteredType& t : all_types())
    if (t.type->kind == kind) names.push_back(t.type->name);
  std::string text = "there is no " + what + " named `" + name + "`.";
  if (const std::string near = nearest(name, names); !near.empty()) text += "\n  Did you mean `" + near + "`?";
  if (find_type(kind == TEMPO_CELL ? TEMPO_LAYER : TEMPO_CELL, name))
    text += kind == TEMPO_CELL ? "\n  There is a layer of that name; RNN takes a cell."
                               : "\n  There is a cell of that name; wrap it: RNN(cell(\"" + name + "\", {...})).";
  text += "\n  Known " + what + "s:";
  for (const std::string& n : names) text += " " + n;
  text += search == Search::everywhere
              ? "\n  A plugin is found in " + plugin_folder() +
                    ", in the folders of TEMPO_PLUGIN_PATH, or by load_plugin(path)."
              : "\n  Load the plugin that has it first: load_plugin(path). A model file never searches "
                "TEMPO_PLUGIN_PATH.";
  throw PluginError(text);
}

}  // namespace

std::string plugin_folder() {
  if (const char* folder = std::getenv("TEMPO_PLUGIN_FOLDER"); folder && *folder) return folder;
  Dl_info info{};
  if (!dladdr(reinterpret_cast<void*>(&tempo_host_v1), &info) || !info.dli_fname) return "tempo/plugins";
  std::error_code ignored;
  const fs::path library = fs::canonical(info.dli_fname, ignored);
  return (library.parent_path() / "tempo" / "plugins").string();
}

void load_plugin_file(const std::string& path) {
  static std::recursive_mutex mutex;
  static std::set<std::string> loaded;
  const std::lock_guard lock(mutex);
  std::error_code error;
  const fs::path real = fs::canonical(path, error);
  const std::string key = error ? path : real.string();
  if (loaded.count(key)) return;
  open(key);
  loaded.insert(key);
}

std::vector<std::string> load_installed() {
  std::vector<std::string> failures;
  for (const std::string& path : shared_objects(plugin_folder())) try {
      load_plugin_file(path);
    } catch (const Error& e) {
      failures.push_back(e.what());
    }
  return failures;
}

const tempo_layer_type& require_type(uint32_t kind, const std::string& name, Search search) {
  if (const RegisteredType* t = find_type(kind, name)) return *t->type;
  const std::string file = plugin_folder() + "/tempo_" + snake_case(name) + ".so";
  if (std::error_code ignored; fs::exists(file, ignored)) load_plugin_file(file);
  if (const RegisteredType* t = find_type(kind, name)) return *t->type;
  if (search == Search::everywhere) load_plugin_path();
  if (const RegisteredType* t = find_type(kind, name)) return *t->type;
  unknown(kind, name, search);
}

}  // namespace tempo
