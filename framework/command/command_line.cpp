// SPDX-License-Identifier: Apache-2.0
// The arguments of `tempo`, parsed with CLI11, and the commands that they select.
#include "command_line.hpp"

#include <ostream>

#include <CLI/CLI.hpp>

#include <tempo/load.hpp>
#include <tempo/version.hpp>

#include "check/child.hpp"
#include "commands.hpp"

namespace tempo::command {

namespace {

struct Arguments {
  std::vector<std::string> plugins;
  std::string name;
  std::vector<std::string> options;
  std::vector<std::string> shapes;
  std::string dtype = "automatic";
  bool stream = false;
  std::string path;
  bool list = false;
  std::string like = "minimal_gated";
  CheckOptions check;
};

CLI::App* add_new(CLI::App& app, Arguments& given) {
  CLI::App* const made = app.add_subcommand("new", "Write the beginning of a plugin of your own.");
  made->require_subcommand(1);
  CLI::App* const plugin = made->add_subcommand(
      "plugin", "In a folder of that name: its source, how it is built, and how it is used.");
  plugin->add_option("name", given.name, "Of the plugin, as my_unit; its cell or layer is MyUnit.")
      ->type_name("NAME")
      ->required();
  plugin->add_option("--like", given.like, "The example that it begins as.")
      ->type_name("EXAMPLE")
      ->capture_default_str();
  plugin->footer(list_plugin_examples);
  return made;
}

CLI::App* add_check(CLI::App& app, Arguments& given) {
  CLI::App* const check = app.add_subcommand(
      "check", "Check a plugin; a crash, a hang or an exit of it is a finding like any other.");
  check->add_option("plugin", given.path, "The file.")->type_name("PATH");
  check->add_flag("--list", given.list, "Tell the checks there are.");
  check->add_option("--only", given.check.only, "Run these checks alone.")
      ->type_name("NAME")
      ->take_all()
      ->expected(1)
      ->allow_extra_args(false);  // the plugin's file may follow
  CLI::Option* const here =
      check->add_flag("--in-process", given.check.in_process,
                      "Run one check, of --only, in this process, as a debugger needs it.");
  check->add_option("--part", given.check.part, "Check this layer, cell or op alone.")
      ->type_name("NAME");
  check->add_flag("--json", given.check.json, "Print a line of JSON for each check.")
      ->excludes(here);
  check->add_option("--seconds", given.check.seconds, "That one check may take.")
      ->check(CLI::Range(1, 86400))
      ->excludes(here);
  check->add_option("--megabytes", given.check.megabytes, "Of memory that one check may use.")
      ->check(CLI::Range(64, 1 << 24))
      ->excludes(here);
  check->add_option("--reproduce", given.check.seed, "Draw what a check tries from this seed.")
      ->type_name("SEED")
      ->check(CLI::Range(int64_t{1}, int64_t{1} << 53));
  check->add_flag("--report", given.check.report)->group("");
  return check;
}

std::string layers_here(const Arguments& given) {
  for (const std::string& path : given.plugins) load_plugin(path);
  if (!given.path.empty()) return list_plugin(given.path);
  return given.name.empty() ? list_layers() : describe_layer(given.name);
}

// The child of a scan sends its result, or an error, through its parent's pipe: the output of
// plugins goes elsewhere.
std::string layers_of(const Arguments& given) {
  if (!given.check.in_process) return scan_layers(given.name, given.plugins);
  if (!given.check.report) return layers_here(given);
  try {
    conformance::write_report(list_report(layers_here(given)));
  } catch (const std::exception& error) {
    conformance::write_report(error_report(error.what()));
  }
  return "";
}

std::string version_text() {
  return "tempo " TEMPO_VERSION ", plugin ABI " + std::to_string(TEMPO_ABI_MAJOR) + "." +
         std::to_string(TEMPO_ABI_MINOR);
}

}  // namespace

int run(int argc, const char* const* argv, std::ostream& out) {
  const std::string hint = "\n  tempo --help tells how it is used.";
  Arguments given;
  CLI::App app("Recurrent networks in C++20: the layers that are installed, and what runs in them.",
               "tempo");
  app.set_version_flag("--version", version_text());
  app.set_help_all_flag("--help-all", "Print the help of every command and exit");
  app.add_option("--plugin", given.plugins, "Load this plugin, too.")
      ->type_name("PATH")
      ->take_all()
      ->expected(1)
      ->allow_extra_args(false);  // the file of `check` may follow
  app.fallthrough();

  CLI::App* layers =
      app.add_subcommand("layers", "List the layers and cells, by plugin; of one, its options.");
  layers->add_option("name", given.name, "A layer or cell.")->type_name("NAME");
  layers->add_flag("--in-process", given.check.in_process,
                   "Load the plugins in this process, as a debugger needs it.");
  layers->add_option("--file", given.path)->group("");
  layers->add_flag("--report", given.check.report)->group("");

  CLI::App* explain = app.add_subcommand(
      "explain", "Print the Programs that a layer runs, before and after the passes.");
  explain->add_option("name", given.name, "A layer or cell.")->type_name("NAME")->required();
  explain->add_option("options", given.options, "Its options, as in units=128.")
      ->type_name("OPTION=VALUE");
  explain
      ->add_option("--shape", given.shapes,
                   "Of the input, as in 64,100,128: batch, time, features. Once for each of "
                   "several inputs.")
      ->type_name("SIZES")
      ->allow_extra_args(false)
      ->required();
  explain->add_option("--dtype", given.dtype, "Of the input.")->type_name("DTYPE");
  explain->add_flag("--stream", given.stream, "What a step of a stream of it runs.");

  const CLI::App* const check = add_check(app, given);
  const CLI::App* const made = add_new(app, given);

  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& asked) {  // --help and --version
    return app.exit(asked, out, out);
  } catch (const CLI::ArgumentMismatch& error) {
    const std::string text = error.what();
    const std::size_t twice = text.find(": At Most 1 required");
    throw Error((twice == text.npos ? text : text.substr(0, twice) + " is given twice.") + hint);
  } catch (const CLI::ParseError& error) {
    throw Error(error.what() + hint);
  }
  if (*check && !given.list && !given.check.in_process)
    given.check.others = given.plugins;  // a crash of these ends a child only
  else if (!*layers)
    for (const std::string& path : given.plugins) load_plugin(path);
  if (*check && !given.list) {
    if (given.path.empty()) throw Error("check: the plugin's file is required" + hint);
    const Checked done = check_plugin(given.path, given.check);
    out << done.text;
    return out.flush() && done.passed ? 0 : 1;
  }
  if (*check)
    out << list_checks();
  else if (*made)
    out << new_plugin(given.name, given.like);
  else if (*explain)
    out << explain_layer(given.name, given.options, given.shapes, given.dtype, given.stream);
  else if (*layers)
    out << layers_of(given);
  else
    out << app.help();
  return out.flush() ? 0 : 1;
}

}  // namespace tempo::command
