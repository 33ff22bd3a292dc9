// SPDX-License-Identifier: Apache-2.0
// Decides in which files a name is searched, and when.

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <utility>

#include <tempo/names.hpp>

#include "ops/snake_case.hpp"
#include "plugin/loader.hpp"
#include "tensor/environment.hpp"
#include "tensor/process_lock.hpp"

namespace tempo {

namespace fs = std::filesystem;

namespace {

std::atomic<bool> named_alone{false};  // load only the files that are named

std::vector<std::string> files_of(const std::string& folder, std::vector<std::string>& failures) {
  std::vector<std::string> paths;
  std::error_code unreadable;
  for (fs::directory_iterator at(folder, unreadable), end; !unreadable && at != end;
       at.increment(unreadable))
    if (at->path().extension() == ".so") paths.push_back(at->path().string());
  if (unreadable)
    failures.push_back("folder " + folder + " of plugins: " + unreadable.message() + ".");
  std::sort(paths.begin(), paths.end());
  return paths;
}

void load_all(const std::string& folder, std::vector<std::string>& failures) {
  for (const std::string& path : files_of(folder, failures)) try {
      load_plugin_file(path);
    } catch (const Error& e) {
      failures.push_back(e.what());
    }
}

[[noreturn]] void unknown(uint32_t kind, const std::string& name, Search search) {
  const bool is_cell = kind == TEMPO_CELL;
  std::vector<std::string> failures = load_installed();
  if (search == Search::everywhere)
    failures.insert(failures.end(), load_plugin_path().begin(), load_plugin_path().end());
  const std::string what = is_cell ? "cell" : "layer";
  const std::vector<std::string> names = type_names(kind);
  std::string text = "there is no " + what + " named `" + name + "`";
  if (find_type(is_cell ? TEMPO_LAYER : TEMPO_CELL, name))
    text += is_cell
                ? ".\n  There is a layer of that name; RNN takes a cell."
                : ".\n  There is a cell of that name; wrap it: RNN(cell(\"" + name + "\", {...})).";
  else
    text += sdk::did_you_mean(name, names);
  text += "\n  Known " + what + "s: " + (names.empty() ? "none" : sdk::listed(names)) + ".";
  text +=
      search == Search::everywhere
          ? "\n  A plugin is found in " + plugin_folder() +
                ", in the folders of TEMPO_PLUGIN_PATH, or by load_plugin(path)."
          : "\n  Load the plugin that has it first: load_plugin(path). A model file never searches "
            "TEMPO_PLUGIN_PATH.";
  if (!failures.empty()) text += "\n  These could not be loaded:";
  constexpr std::size_t most = 10;
  for (std::size_t i = 0; i < std::min(most, failures.size()); ++i)
    text += "\n    " + sdk::indented(failures[i], "    ");
  if (failures.size() > most)
    text += "\n    and " + std::to_string(failures.size() - most) + " more.";
  throw PluginError(text);
}

std::vector<std::string> folders_of(const char* path) {
  std::vector<std::string> folders;
  for (std::string rest = path ? path : ""; !rest.empty();) {
    const std::size_t colon = rest.find(':');
    if (colon != 0) folders.push_back(rest.substr(0, colon));
    rest = colon == rest.npos ? "" : rest.substr(colon + 1);
  }
  return folders;
}

}  // namespace

std::string plugin_folder() {
  if (const char* folder = environment("TEMPO_PLUGIN_FOLDER"); folder && *folder) return folder;
  return (fs::path(library_path()).parent_path() / "tempo" / "plugins").string();
}

std::vector<std::string> plugin_files() {
  std::vector<std::string> all, ignored;
  std::vector<std::string> folders = folders_of(environment("TEMPO_PLUGIN_PATH"));
  folders.insert(folders.begin(), plugin_folder());
  for (const std::string& folder : folders) {
    const std::vector<std::string> its = files_of(folder, ignored);
    all.insert(all.end(), its.begin(), its.end());
  }
  return all;
}

std::vector<std::string> load_installed() {
  std::vector<std::string> failures;
  if (!named_alone) load_all(plugin_folder(), failures);
  return failures;
}

const std::vector<std::string>& load_plugin_path() {
  static bool done = false;
  static auto& failures = *new std::vector<std::string>;
  const ProcessLock lock(ProcessLock::loading);  // a plugin's init may ask for a layer, too
  if (named_alone || std::exchange(done, true)) return failures;
  for (const std::string& folder : folders_of(environment("TEMPO_PLUGIN_PATH"))) {
    std::error_code ignored;
    if (fs::is_directory(folder, ignored))
      load_all(folder, failures);
    else
      failures.push_back("TEMPO_PLUGIN_PATH: there is no folder " + folder + ".");
  }
  return failures;
}

void load_only(const std::string& path) {
  named_alone = true;
  load_plugin_file(path);
}

const tempo_layer_type& require_type(uint32_t kind, const std::string& name, Search search) {
  if (const tempo_layer_type* type = find_type(kind, name)) return *type;
  const std::string file =
      plugin_folder() + "/tempo_" + snake_case(parts_of_name(name).second) + ".so";
  const bool plain = name.find('/') == name.npos && !named_alone;
  if (std::error_code ignored; plain && fs::exists(file, ignored)) load_plugin_file(file);
  if (const tempo_layer_type* type = find_type(kind, name)) return *type;
  load_installed();  // a file with several layers is named after one of them at most
  if (const tempo_layer_type* type = find_type(kind, name)) return *type;
  if (search == Search::everywhere) load_plugin_path();
  if (const tempo_layer_type* type = find_type(kind, name)) return *type;
  unknown(kind, name, search);
}

}  // namespace tempo
