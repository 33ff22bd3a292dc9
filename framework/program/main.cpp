// The `tempo` command line: what is installed, and what runs.
#include <CLI/CLI.hpp>
#include <iostream>
#include <tempo/load.hpp>

#include "commands.hpp"
#include "version.hpp"

namespace {

using namespace tempo::program;

struct Arguments {
  std::vector<std::string> plugins;
  std::string name;
  std::vector<std::string> options;
  std::string shape;
  std::string dtype = "automatic";
};

std::string version_text() {
  return std::string("tempo ") + version + ", plugin ABI " + std::to_string(TEMPO_ABI_MAJOR) + "." +
         std::to_string(TEMPO_ABI_MINOR);
}

int run(int argc, char** argv) {
  Arguments given;
  CLI::App app("Recurrent networks in C++20: the layers that are installed, and what runs in them.",
               "tempo");
  app.set_version_flag("--version", version_text());
  app.add_option("--plugin", given.plugins, "Load this plugin, too.")
      ->type_name("PATH")
      ->take_all()
      ->expected(1);
  app.fallthrough();

  CLI::App* layers =
      app.add_subcommand("layers", "List the layers and cells, by plugin; of one, its options.");
  layers->add_option("name", given.name, "A layer or cell.")->type_name("NAME");

  CLI::App* explain = app.add_subcommand(
      "explain", "Print the Programs that a layer runs, before and after the passes.");
  explain->add_option("name", given.name, "A layer or cell.")->type_name("NAME")->required();
  explain->add_option("options", given.options, "Its options, as in units=128.")
      ->type_name("OPTION=VALUE");
  explain
      ->add_option("--shape", given.shape, "Of the input, as in 64,100,128: batch, time, features.")
      ->type_name("SIZES")
      ->required();
  explain->add_option("--dtype", given.dtype, "Of the input.")->type_name("DTYPE");

  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& asked) {  // --help and --version
    return app.exit(asked);
  } catch (const CLI::ParseError& error) {
    throw tempo::Error(std::string(error.what()) + "\n  tempo --help tells how it is used.");
  }
  for (const std::string& path : given.plugins) tempo::load_plugin(path);
  if (*explain)
    std::cout << explain_layer(given.name, given.options, given.shape, given.dtype);
  else if (*layers)
    std::cout << (given.name.empty() ? list_layers() : describe_layer(given.name));
  else
    std::cout << app.help();
  return std::cout.flush() ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << "tempo: " << error.what() << '\n';
    return 1;
  }
}
