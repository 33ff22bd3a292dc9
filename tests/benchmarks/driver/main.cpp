// SPDX-License-Identifier: Apache-2.0
// ./dev bench: one table of Tempo beside oneDNN, LibTorch and ONNX Runtime.
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <sstream>
#include <thread>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "markdown.hpp"
#include "table.hpp"

namespace bench {

namespace {

std::vector<Size> sizes_from(const std::string& text) {
  std::vector<Size> out;
  std::istringstream all(text);
  for (std::string one; std::getline(all, one, ';');) {
    std::istringstream in(one);
    Size s;
    char a = 0, b = 0, c = 0;
    in >> s.batch >> a >> s.time >> b >> s.features >> c >> s.units;
    if (!in || a != ',' || b != ',' || c != ',' || in.peek() != EOF ||
        std::min({s.batch, s.time, s.features, s.units}) < 1)
      throw std::runtime_error(
          "--sizes " + one +
          ": needs batch,time,features,units, as 32,50,64,128; several with ';' between");
    out.push_back(s);
  }
  return out;
}

std::vector<int> default_threads() {
  return std::thread::hardware_concurrency() > 1 ? std::vector{1, 2} : std::vector{1};
}

// The version of the package onnxruntime-node in this folder, as 1.30.
std::string version_of_onnxruntime(const std::string& folder) {
  std::ifstream in(folder + "/package.json");
  const std::string version = nlohmann::json::parse(in).at("version");
  return version.substr(0, version.rfind('.'));
}

// On a terminal, one line that the next one replaces; nothing in a file.
void show_progress(const std::string& now) {
  if (isatty(STDERR_FILENO)) std::cerr << "\r\033[K" << now << std::flush;
}

// `markdown_file` is empty, or the file to which the tables are written at the end.
void run(const Choice& choice, int rounds, bool as_json, const std::string& markdown_file) {
  const std::vector<Block> blocks = blocks_of(choice);
  if (blocks.empty()) throw std::runtime_error("nothing to measure with these options");
  if (!markdown_file.empty() && !std::ofstream(markdown_file, std::ios::app))
    throw std::runtime_error("--markdown " + markdown_file + ": cannot be written");
  if (!as_json) std::cout << head(rounds, choice) << std::flush;
  std::vector<Row> rows;
  std::string last_title;
  for (const Block& block : blocks) {
    std::vector<Row> measured = measure(block, rounds, show_progress);
    show_progress("");
    for (Row& row : measured) {
      if (!as_json && last_title != block.title) std::cout << title(block);
      last_title = block.title;
      if (!as_json) std::cout << text(row, choice) << std::flush;
      rows.push_back(std::move(row));
    }
  }
  if (as_json)
    std::cout << json(rows, rounds).dump(1) << '\n';
  else
    std::cout << foot(rows, choice);
  if (!markdown_file.empty()) std::ofstream(markdown_file) << markdown(rows, rounds, choice);
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
  CLI::App app{"Tempo beside oneDNN, LibTorch and ONNX Runtime, turn by turn, one table"};
  bool as_json = false;
  int threads = 0, rounds = 15;
  std::string sizes, before, markdown_file;
  bench::Choice choice;
  app.add_flag("--json", as_json, "JSON with the time of every round instead of the table");
  app.add_option("--markdown", markdown_file,
                 "also write the tables to FILE; docs/performance/results.md if none is given")
      ->expected(0, 1)
      ->default_str("docs/performance/results.md")
      ->type_name("[FILE]");
  app.add_option("--sizes", sizes, "batch,time,features,units; several with ';' between")
      ->type_name("B,T,I,H[;...]");
  app.add_option("--threads", threads, "threads that each contestant may use; 1, then 2")
      ->check(CLI::PositiveNumber);
  app.add_option("--rounds", rounds, "turns of each contestant; 15")->check(CLI::PositiveNumber);
  app.add_option("--only", choice.only,
                 "groups (" + bench::group_names() + ") or cells, as LSTM or Peephole")
      ->delimiter(',');
  app.add_option("--before", before, "bench_tempo of an earlier build, which is the one peer then")
      ->check(CLI::ExistingFile);
  CLI11_PARSE(app, argc, argv);
  std::signal(SIGPIPE, SIG_IGN);  // the missing answer reports a contestant that has ended
  try {
    choice.before = !before.empty();
    bench::lies_at("before", before);
    if (const char* folder = std::getenv("TEMPO_ONNXRUNTIME"); folder && !choice.before) {
      choice.onnxruntime = bench::version_of_onnxruntime(folder);
      bench::lies_at("onnxruntime", BENCH_SOURCE_DIR "/onnxruntime/main.js");
    }
    choice.sizes = bench::sizes_from(sizes);
    choice.threads = threads ? std::vector{threads} : bench::default_threads();
    bench::run(choice, rounds, as_json, markdown_file);
  } catch (const std::exception& e) {
    std::cerr << "bench: " << e.what() << '\n';
    return 1;
  }
  return 0;
}
