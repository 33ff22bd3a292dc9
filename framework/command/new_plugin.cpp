// SPDX-License-Identifier: Apache-2.0
// `tempo new plugin`: an example under another name, in a folder that is complete or absent.
#include "new_plugin.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <system_error>

#include <tempo/host.hpp>
#include <tempo/load.hpp>
#include <tempo/names.hpp>

#include "commands.hpp"

namespace tempo::command {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t longest = 60;

// Names of targets that CMake reserves.
const char* const targets[] = {"all",           "clean",   "edit_cache",     "help",
                               "install",       "package", "package_source", "preinstall",
                               "rebuild_cache", "test"};

bool is_letter(char c) { return c >= 'a' && c <= 'z'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

// "my_cell" from "My-Cell"; "" if no letters are left.
std::string as_name(const std::string& text) {
  std::string name;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    const bool capital = std::isupper(c) != 0;
    if (capital && !name.empty() && name.back() != '_' &&
        std::islower(static_cast<unsigned char>(text[i - 1])))
      name += '_';
    const char small = static_cast<char>(std::tolower(c));
    if (is_letter(small) || (is_digit(small) && !name.empty()))
      name += small;
    else if (!name.empty() && name.back() != '_')
      name += '_';
  }
  name = name.substr(0, longest);
  while (name.ends_with('_')) name.pop_back();
  return name;
}

// "MyCell" from "my_cell".
std::string type_name(const std::string& name) {
  std::string type;
  bool first = true;
  for (const char c : name) {
    if (c != '_')
      type += first ? static_cast<char>(std::toupper(static_cast<unsigned char>(c))) : c;
    first = c == '_';
  }
  return type;
}

void require_legal(const std::string& name) {
  const bool legal = !name.empty() && name.size() <= longest && is_letter(name[0]) &&
                     std::all_of(name.begin(), name.end(),
                                 [](char c) { return is_letter(c) || is_digit(c) || c == '_'; });
  if (!legal) {
    const std::string near = as_name(name);
    throw Error("new plugin: `" + name + "` cannot be its name: one is of at most " +
                std::to_string(longest) + " small letters, digits and `_`, the first a letter." +
                (near.empty() || near == name ? "" : "\n  Did you mean `" + near + "`?"));
  }
  if (std::find(std::begin(targets), std::end(targets), name) != std::end(targets))
    throw Error("new plugin: `" + name +
                "` cannot be its name: CMake has a target of that name.\n" + "  `" + name +
                "_cell` can.");
}

[[noreturn]] void taken(const std::string& what, const std::string& name, const std::string& by) {
  throw Error("new plugin: there is " + what + " `" + name + "` already" +
              (by.empty() ? "" : ", " + by) + ".\n  Choose another name.");
}

// Names are compared without regard to case: MyGru beside MyGRU would be a trap.
void require_free(const std::string& name) {
  const std::string type = sdk::in_small_letters(type_name(name));
  for (const PluginContents& plugin : all_plugins().plugins) {
    const std::string by = "of plugin " + plugin.name + " " + plugin.version + ", " + plugin.path;
    if (plugin.name == name) taken("a plugin", name, plugin.version + ", " + plugin.path);
    for (const tempo_layer_type* layer : plugin.layers)
      if (sdk::in_small_letters(layer->name) == type)
        taken(layer->kind == TEMPO_CELL ? "a cell" : "a layer", layer->name, by);
  }
  const tempo_op* op = nullptr;
  if (sdk::host().find_op(name.c_str(), &op) == TEMPO_OK) taken("an op", name, "");
}

const PluginExample& example_named(const std::string& name) {
  std::vector<std::string> known;
  for (const PluginExample& example : plugin_examples()) {
    if (example.name == name) return example;
    known.push_back(example.name);
  }
  throw Error("new plugin: there is no example named `" + name + "`" +
              sdk::did_you_mean(name, known) + "\n" + list_plugin_examples());
}

std::string text_of(const PluginExample& example, const std::string& file) {
  for (const ExampleFile& f : example.files)
    if (f.name == file) return f.text;
  throw Error("new plugin: the example " + std::string(example.name) + " has no " + file + ".");
}

// "MinimalGated, a cell in C++": the heading of its README.
std::string heading(const PluginExample& example) {
  const std::string text = text_of(example, "README.md");
  return text.substr(2, text.find('\n') - 2);
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  for (std::size_t at = 0; (at = text.find(from, at)) != text.npos; at += to.size())
    text.replace(at, from.size(), to);
  return text;
}

// The licence line is for the examples; a new plugin belongs to its author.
std::string without_licence(const std::string& text) {
  return text.starts_with("// SPDX-License-Identifier:") ? text.substr(text.find('\n') + 1) : text;
}

std::string reason() { return std::generic_category().message(errno); }

// A folder that is removed unless it gets its final name.
class NewFolder {
 public:
  explicit NewFolder(const std::string& name) : name_(name), path_("." + name + ".XXXXXX") {
    if (!mkdtemp(path_.data())) fail("a folder cannot be made here: " + reason());
    const mode_t mask = umask(0);
    umask(mask);
    chmod(path_.c_str(), 0777 & ~mask);
  }
  ~NewFolder() {
    std::error_code ignored;
    if (!path_.empty()) fs::remove_all(path_, ignored);
  }
  NewFolder(const NewFolder&) = delete;
  NewFolder& operator=(const NewFolder&) = delete;

  void write(const std::string& file, const std::string& text) {
    errno = 0;
    std::ofstream out(path_ + "/" + file, std::ios::binary);
    out << text;
    out.close();
    if (!out) fail(file + " cannot be written: " + reason());
  }
  void name_it() {
    std::error_code failed;
    fs::rename(path_, name_, failed);
    if (failed) fail("its folder cannot be named " + name_ + ": " + failed.message());
    path_.clear();
  }

 private:
  [[noreturn]] void fail(const std::string& why) const {
    throw Error("new plugin: " + why + ".\n  Nothing is left of it.");
  }
  std::string name_, path_;
};

}  // namespace

std::string list_plugin_examples() {
  std::string text = "  It can begin as";
  for (const PluginExample& example : plugin_examples())
    text += "\n    " + sdk::padded(example.name, 17) + heading(example);
  return text;
}

std::string new_plugin(const std::string& name, const std::string& like) {
  const PluginExample& example = example_named(like);
  require_legal(name);
  std::error_code ignored;
  if (fs::symlink_status(name, ignored).type() != fs::file_type::not_found)
    throw Error("new plugin: there is " + name + " in " + fs::current_path(ignored).string() +
                " already; it is left as it is.\n  Choose another name, or another folder.");
  require_free(name);

  const std::string title = heading(example), type = title.substr(0, title.find(','));
  NewFolder folder(name);
  std::string made;
  for (const ExampleFile& file : example.files) {
    const std::string path = replaced(file.name, example.name, name);
    const std::string text = replaced(without_licence(file.text), example.name, name);
    folder.write(path, replaced(text, type, type_name(name)));
    made += "  " + name + "/" + path + "\n";
  }
  folder.name_it();
  return made + "\n  cd " + name + "\n  cmake -S . -B build && cmake --build build\n" +
         "  tempo check build/" + name + ".so\n";
}

}  // namespace tempo::command
