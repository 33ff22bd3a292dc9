// SPDX-License-Identifier: Apache-2.0
// Rows of one title and number of threads become a table of sizes and cells.
#include "markdown.hpp"

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <memory>
#include <sstream>
#include <thread>

#include "figures.hpp"
#include "peak.hpp"

namespace bench {

namespace {

#ifdef __clang__
constexpr const char* compiler = __VERSION__;
#else
constexpr const char* compiler = "g++ " __VERSION__;
#endif

// The first line that a command prints, or `otherwise` if it fails.
std::string said_by(const char* command, const std::string& otherwise) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> pipe(popen(command, "r"), pclose);
  char line[200] = "";
  if (!pipe || !std::fgets(line, sizeof line, pipe.get())) return otherwise;
  std::string text = line;
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

std::string system_name() {
  std::ifstream in("/etc/os-release");
  for (std::string line; std::getline(in, line);)
    if (line.starts_with("PRETTY_NAME=")) return line.substr(13, line.size() - 14);
  return "system unknown";
}

std::string today() {
  const std::time_t now = std::time(nullptr);
  char text[16];
  std::strftime(text, sizeof text, "%Y-%m-%d", std::gmtime(&now));
  return text;
}

std::string threads_of(int n) { return std::to_string(n) + (n == 1 ? " thread" : " threads"); }

std::string times(const Ratio& r) { return number(r.of_minima, r.of_minima < 10 ? 2 : 1); }

std::string cell(const Row& row, const Choice& choice) {
  std::string text = short_number(row.tempo.least() * 1e3) + " ms";
  if (row.peak > 0) text += ", " + number(100 * gigaflops(row) / row.peak, 0) + " %";
  for (const Column& peer : peers_of(choice)) {
    if (row.line.peers.empty()) break;
    const Timing* timing = peer_of(row, peer.program);
    text += ", " + (timing ? times(ratio(*timing, row.tempo)) : "-");
  }
  if (row.against) text += "; " + times(*row.against) + " " + row.line.against_what;
  return text;
}

struct Table {
  std::string title;
  std::vector<std::string> cells;
  std::vector<const Row*> rows;
};

void add_once(std::vector<std::string>& all, const std::string& one) {
  if (std::find(all.begin(), all.end(), one) == all.end()) all.push_back(one);
}

std::vector<Table> tables_of(const std::vector<Row>& rows) {
  std::vector<Table> all;
  for (const Row& row : rows) {
    const std::string title = row.title + ", " + threads_of(row.line.job.threads);
    auto table =
        std::find_if(all.begin(), all.end(), [&](const Table& t) { return t.title == title; });
    if (table == all.end()) table = all.insert(table, Table{title, {}, {}});
    add_once(table->cells, row.line.what);
    table->rows.push_back(&row);
  }
  return all;
}

std::string line_of(const std::vector<std::string>& cells) {
  std::string text = "|";
  for (const std::string& c : cells) text += " " + c + " |";
  return text + "\n";
}

std::string spaced(const Size& size) {
  std::string text;
  for (const int64_t n : {size.batch, size.time, size.features, size.units})
    text += (text.empty() ? "" : ", ") + std::to_string(n);
  return text;
}

// A table of one column also has memory and notes.
std::string text_of(const Table& table, const Choice& choice) {
  const bool wide = table.cells.size() == 1;
  std::vector<std::string> head{"batch, time, features, units"}, sizes;
  head.insert(head.end(), table.cells.begin(), table.cells.end());
  if (wide) head.insert(head.end(), {"MB", "notes"});
  for (const Row* row : table.rows) add_once(sizes, spaced(row->line.job.size));
  std::string text = "## " + table.title + "\n\n" + line_of(head) + "|";
  for (std::size_t i = 0; i < head.size(); ++i) text += "---|";
  text += "\n";
  for (const std::string& size : sizes) {
    std::vector<std::string> line{size};
    for (const std::string& what : table.cells) {
      const auto row = std::find_if(table.rows.begin(), table.rows.end(), [&](const Row* r) {
        return r->line.what == what && spaced(r->line.job.size) == size;
      });
      const bool found = row != table.rows.end();
      line.push_back(found ? cell(**row, choice) : "");
      if (wide && found) line.insert(line.end(), {memory(**row, choice), notes(**row)});
    }
    text += line_of(line);
  }
  return text + "\n";
}

}  // namespace

std::string markdown(const std::vector<Row>& rows, int rounds, const Choice& choice) {
  std::string names;
  for (const Column& peer : peers_of(choice))
    names += (names.empty() ? "" : " and as ") + peer.name;
  std::ostringstream out;
  out << "<!-- Written by `./dev bench --markdown`. A new run replaces this file; what it means is "
         "in ../performance.md. -->\n\n# Results\n\n"
      << today() << ", commit " << said_by("git describe --always --dirty 2>/dev/null", "unknown")
      << ". " << processor() << ", " << std::thread::hardware_concurrency() << " processors, "
      << instruction_set() << "; " << system_name() << ", " << compiler << ".\n\n"
      << "Each contestant is a process, asked in turn in " << rounds
      << " rounds and stopped between its turns, at its own best settings.\n"
      << "In each cell: the least time; the share of the FMA peak, of the matrix products only; "
         "then how many times\nTempo is as fast as "
      << names
      << ". `-`: there is no such contestant.\nAfter a semicolon: another line's time over this "
         "one's. MB: peak resident memory of Tempo ("
      << "its peers).\n\n";
  for (const Table& table : tables_of(rows)) out << text_of(table, choice);
  std::string text = out.str();
  text.pop_back();
  return text;
}

}  // namespace bench
