// SPDX-License-Identifier: Apache-2.0
// Checks of a plugin as a whole: its loading, and its descriptions.
#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <regex>
#include <set>
#include <sstream>

#include <tempo/names.hpp>
#include <tempo/option.hpp>

#include "check/plugin_check.hpp"
#include "check/process.hpp"
#include "check/shared_object.hpp"
#include "check/subject.hpp"
#include "plugin/debug/host.hpp"
#include "tensor/environment.hpp"

namespace tempo::conformance {

namespace {

using sdk::Strided;

// --- while it is being loaded

void check_load(const std::string& path) { (void)loaded(path); }

// Starts and loads everything that Tempo itself needs, but nothing that might load the plugin.
// After it Tempo starts no more threads, and does not print what it loads.
void warm_up(const std::string& path) {
  set_threads(1);
  says_no_more();
  (void)sum(matmul(ones({64, 64}), ones({64, 64}))).item();
  const char* const given = environment("TEMPO_PLUGIN_PATH");
  const std::string folders = given ? given : "";
  unsetenv("TEMPO_PLUGIN_PATH");
  for (uint32_t i = 0; const char* file = tempo::check_extension().plugin_file(i); ++i) {
    std::error_code ignored;
    if (!std::filesystem::equivalent(file, path, ignored)) try {
        load_plugin(file);
      } catch (const Error&) {  // `tempo layers` reports it
      }
  }
  if (given) setenv("TEMPO_PLUGIN_PATH", folders.c_str(), 1);  // its init may read it
}

// Removes the host's own messages about a plugin, and keeps those of the plugin.
const std::string of_the_mode = " changed the floating-point mode when it was loaded";
std::string without_the_hosts(const std::string& said) {
  std::istringstream lines(said);
  std::string others;
  for (std::string line; std::getline(lines, line);)
    if (!line.starts_with("tempo: plugin ") || line.find(of_the_mode) == line.npos)
      others += (others.empty() ? "" : "\n") + line;
  return others;
}

void check_quiet(const std::string& path) {
  warm_up(path);
  const auto before = of_this_process();
  std::string said;
  {
    Kept kept;
    load_plugin(path);
    said = without_the_hosts(kept.text());
  }
  require(said.empty(), "to load it prints: " + said);
  require_unchanged(before, "to load it");
}

void check_fast_math(const std::string& path) {
  const std::string fix =
      ".\n  Do not link with -ffast-math or -Ofast: denormal numbers are 0 for all of the process.";
  std::vector<std::string> locals;
  try {
    locals = read_shared_object(path).locals;
  } catch (const std::exception&) {  // then loading it is enough
  }
  require(std::find(locals.begin(), locals.end(), "set_fast_math") == locals.end(),
          "it is linked with crtfastm, which changes the floating-point mode" + fix);
  warm_up(path);
  Kept kept;
  load_plugin(path);
  require(kept.text().find(of_the_mode) == std::string::npos,
          "to load it changes the floating-point mode" + fix);
}

void check_prompt(const std::string& path) {
  warm_up(path);
  const auto begin = std::chrono::steady_clock::now();
  load_plugin(path);
  const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::steady_clock::now() - begin);
  if (took.count() > 50)
    throw Warning("to load it takes " + std::to_string(took.count()) +
                  " ms, where less than 1 is usual: each program that names a layer may wait for "
                  "it.");
}

// The description of one thing in a plugin.
struct Said {
  std::string of;  // "Squash", "op squash", "activation swoosh"
  const char* summary;
  Strided<tempo_option> options;
};
std::vector<Said> all_said(const PluginContents& plugin) {
  std::vector<Said> all;
  for (const tempo_layer_type* type : plugin.layers)
    all.push_back({type->name, type->summary, {type->options, type->n_options}});
  for (const tempo_op_type* op : plugin.ops)
    all.push_back({std::string("op ") + op->name, op->summary, {nullptr, 0}});
  for (const PluginContents::Function& f : plugin.functions)
    all.push_back(
        {f.kind + " " + f.type->name, f.type->summary, {f.type->options, f.type->n_options}});
  return all;
}

std::string option_lines(const Strided<tempo_option>& options) {
  std::string out;
  for (const tempo_option& o : options)
    out += "  " + std::string(o.name) + "=" + o.standard + " " + std::to_string(o.kind) + " " +
           sdk::shortest(o.at_least) + " " + sdk::shortest(o.at_most) + " " +
           (o.choices ? o.choices : "") + " " + o.sentence + "\n";
  return out;
}

// The whole description of a plugin, as text.
std::string described(const PluginContents& plugin) {
  std::string out = plugin.name + " " + plugin.version + "\n";
  for (const tempo_layer_type* type : plugin.layers) {
    out += registered_name(*type) + ": " + type->summary + " " + std::to_string(type->flags) + "\n";
    out += option_lines({type->options, type->n_options});
  }
  for (const tempo_op_type* op : plugin.ops)
    out += "op " + std::string(op->name) + ": " + op->summary + " " + std::to_string(op->n_inputs) +
           " " + std::to_string(op->n_results) + "\n";
  return out;
}

void check_repeatable(const std::string& path) { throw Saw(described(loaded(path))); }

// For each function of the host that its init calls: if that function fails, the init must fail,
// too, unless it only asked and can do without.
void check_failing_start(const std::string& path) {
  const tempo_check_host& host = tempo::check_extension();
  const auto used = [&]() -> std::string {
    (void)loaded(path);
    std::string names;
    for (uint32_t i = 0; const char* name = host.function(i); ++i)
      if (host.calls(name) > 0) names += std::string(name) + "\n";
    return names;
  };
  std::istringstream names(in_fork(used));
  for (std::string name; std::getline(names, name);) {
    if (cannot_fail(name)) continue;
    const auto load = [&]() -> std::string {
      host.fail(name.c_str(), 1);
      try {
        load_plugin(path);
      } catch (const Error&) {
        return "refused";
      }
      return "loaded";
    };
    std::string end;
    try {
      end = in_fork(load);
    } catch (const Fault& fault) {
      throw Fault("where " + name + " fails in its init: " + fault.what());
    }
    require(end == "refused" || only_asks(name),
            "its init goes on as if all were well where " + name +
                " fails.\n  It returns the status that it was given.");
  }
}

// --- its descriptions

bool is_allowed(const tempo_option& option) {
  if (option.choices) return sdk::among(option.choices, option.standard);
  if (option.kind != TEMPO_OPTION_INT && option.kind != TEMPO_OPTION_REAL) return true;
  const double value = std::strtod(option.standard, nullptr);
  return value >= option.at_least && value <= option.at_most;
}

// Collects findings that may be intended, and reports them together.
class Warnings {
 public:
  void add(const std::string& what) { all_ += (all_.empty() ? "" : "; ") + what; }
  void say() const {
    if (!all_.empty()) throw Warning(all_);
  }

 private:
  std::string all_;
};

void check_described(const PluginContents& plugin) {
  Warnings warnings;
  const std::vector<Said> all = all_said(plugin);
  require(!all.empty(), "it registers nothing");
  for (const auto& [of, summary, options] : all) {
    if (!*summary) warnings.add(of + " has no summary");
    for (const tempo_option& o : options) {
      const std::string its = "option `" + std::string(o.name) + "` of " + of;
      if (!*o.sentence) warnings.add(its + " has no sentence");
      if (!is_allowed(o))
        warnings.add("the default `" + std::string(o.standard) + "` of " + its +
                     " is not allowed, so that it must be given");
    }
  }
  warnings.say();
}

void check_version(const PluginContents& plugin) {
  static const std::regex semantic(
      "(0|[1-9][0-9]*)\\.(0|[1-9][0-9]*)\\.(0|[1-9][0-9]*)(-[0-9A-Za-z.-]+)?(\\+[0-9A-Za-z.-]+)?");
  static const std::regex plain("[a-z][a-z0-9_-]*(\\.[a-z][a-z0-9_-]*)*");
  Warnings warnings;
  if (!std::regex_match(plugin.version, semantic))
    warnings.add("its version is `" + plugin.version +
                 "`, not of the form 1.2.3: nobody can tell which of two is newer");
  if (!std::regex_match(plugin.name, plain) || plugin.name.size() > 64)
    warnings.add("its name is `" + plugin.name +
                 "`, not of small letters, digits and `_`, 64 at most");
  warnings.say();
}

void check_lengths(const PluginContents& plugin) {
  constexpr std::size_t most = 300;
  Warnings warnings;
  const auto look = [&](const std::string& what, const std::string& text) {
    if (text.size() > most)
      warnings.add(what + " has " + std::to_string(text.size()) + " letters; a sentence is meant");
    if (text.find('\n') != text.npos) warnings.add(what + " has several lines");
  };
  for (const auto& [of, summary, options] : all_said(plugin)) {
    look("the summary of " + of, summary);
    for (const tempo_option& o : options)
      look("the sentence on `" + std::string(o.name) + "` of " + of, o.sentence);
  }
  warnings.say();
}

std::string without_digits(std::string name) {
  std::erase_if(name, [](char c) { return c >= '0' && c <= '9'; });
  return sdk::in_small_letters(std::move(name));
}

// Warns of names of others that are one letter away from its own; a number is a real difference.
void check_near_names(const PluginContents& plugin) {
  std::set<std::string> own, others;
  for (const PluginContents& p : all_plugins().plugins)
    for (const tempo_layer_type* type : p.layers)
      (p.path == plugin.path ? own : others).insert(type->name);
  Warnings warnings;
  for (const std::string& name : own)
    for (const std::string& other : others) {
      const std::string a = without_digits(name), b = without_digits(other);
      if (a != b && std::min(a.size(), b.size()) > 2 && sdk::edit_distance(a, b) <= 1)
        warnings.add("`" + name + "` is easily taken for `" + other + "`");
    }
  warnings.say();
}

// The content of its description, with the texts that it points to.
std::string contents(const tempo_plugin& plugin) {
  std::string out = plugin.name + std::string("\n") + plugin.version + "\n";
  out.append(reinterpret_cast<const char*>(&plugin), sizeof plugin);
  return out;
}

void check_constant(const PluginContents& plugin) {
  const auto describe = tempo::check_extension().describe;
  const tempo_plugin* const first = describe();
  require(first != nullptr, "its entry point returns nothing when it is called again");
  const std::string before = contents(*first);
  for (const Subject& subject : subjects({plugin}, {})) try {
      (void)results(subject.make(), subject.inputs(default_dtype()));
    } catch (const Error&) {  // it has a check of its own
    }
  const tempo_plugin* const again = describe();
  require(again == first, "its entry point returns another description each time");
  require(contents(*again) == before, "its description changes after it was loaded");
}

}  // namespace

void add_loading_checks(PluginChecks& all) {
  using OnLoading = PluginCheck::OnLoading;
  all.push_back({"load", "the file is a whole plugin for this machine, and is loaded",
                 OnLoading{&check_load}});
  all.push_back({"quiet",
                 "to load it prints nothing; folder, locale, umask, rounding, signals and threads "
                 "stay",
                 OnLoading{&check_quiet}});
  all.push_back({"fast-math", "it is linked without -ffast-math", OnLoading{&check_fast_math}});
  all.push_back({"prompt", "it is loaded at once", OnLoading{&check_prompt}});
  all.push_back({"repeatable", "it has the same in each process", OnLoading{&check_repeatable},
                 PluginCheck::usual, false, true});
  all.push_back({"failing-start", "its init fails where a function of the host that it needs does",
                 OnLoading{&check_failing_start}, PluginCheck::watching});
  all.push_back({"described",
                 "each layer, op, function and option has a sentence, and each default is allowed",
                 &check_described});
  all.push_back({"version", "name and version have the form that others rely on", &check_version});
  all.push_back({"lengths", "what is said of it is short", &check_lengths});
  all.push_back({"names", "no name is easily taken for one of another plugin", &check_near_names});
  all.push_back({"constant", "what it says of itself stays as it is", &check_constant,
                 PluginCheck::watching});
}

}  // namespace tempo::conformance
