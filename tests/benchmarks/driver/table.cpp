// SPDX-License-Identifier: Apache-2.0
// The lines of the table on a terminal, its summary, and JSON.
#include "table.hpp"

#include <algorithm>
#include <iomanip>
#include <sstream>
#include <thread>
#include <utility>

#include <nlohmann/json.hpp>

#include "figures.hpp"
#include "peak.hpp"

namespace bench {

namespace {

std::string to_text(const Ratio& r) {
  const auto part = [](double v) { return number(v, v < 10 ? 2 : 1); };
  return part(r.of_minima) + " (" + part(r.lower) + "-" + part(r.upper) + ")";
}

std::string line_of(const std::vector<std::string>& cells) {
  std::vector<int> widths{22, 18, 3, 8, 8, 8, 6};
  widths.resize(cells.size() - 3, 18);  // the peers
  for (const int last : {29, 16, 0}) widths.push_back(last);
  std::ostringstream out;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const bool right = i >= 4 && i <= 6;
    out << (right ? std::right : std::left) << std::setw(widths[i]) << cells[i]
        << (i == 6 ? "   " : "  ");
  }
  std::string line = out.str();
  return line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t n = values.size();
  return (values[n / 2] + values[(n - 1) / 2]) / 2;
}

// "gradient: LSTM float32, 1 thread": shared by rows that differ only in size.
std::string kind_of(const Row& row) {
  const Job& j = row.line.job;
  return row.group + ": " + row.line.what + " " + j.dtype + ", " + std::to_string(j.threads) +
         (j.threads == 1 ? " thread" : " threads");
}

}  // namespace

std::string head(int rounds, const Choice& choice) {
  std::vector<std::string> columns{"what", "batch,time,fea,uni", "thr", "type", "ms", "GFLOP/s",
                                   "peak"};
  std::string names;
  for (const Column& peer : peers_of(choice)) {
    columns.push_back(peer.name);
    names += (names.empty() ? "" : ", ") + peer.name;
  }
  for (const char* last : {"beside", "MB", "notes"}) columns.push_back(last);
  std::ostringstream out;
  out << processor() << ", " << std::thread::hardware_concurrency() << " processors, "
      << instruction_set() << "; peak of fused multiply-adds, GFLOP/s:";
  for (const char* dtype : {"float32", "float64"})
    for (const int n : choice.threads) {
      double best = 0;
      for (int i = 0; i < 10; ++i) best = std::max(best, fma_peak(dtype, n));
      out << ' ' << dtype << " on " << n << ": " << number(best, 1) << ';';
    }
  out << "\nEach contestant is a process, asked in turn in " << rounds
      << " rounds; results are compared "
      << "before they are timed.\nms: the least time; GFLOP/s: of the matrix products only; "
      << names << ": "
      << "their least time over Tempo's (more than 1: Tempo is faster),\nin brackets the quartiles "
         "of the "
      << "rounds' ratios; beside: another line's least time over this one's; MB: peak resident "
         "memory of\n"
      << "Tempo (" << names
      << "). Forward and backward: from dy of all outputs, dense, to the "
         "gradients of x "
      << "and of all weights.\n\n"
      << line_of(columns);
  return out.str();
}

std::string title(const Block& block) { return "-- " + block.title + "\n"; }

std::string text(const Row& row, const Choice& choice) {
  const Job& job = row.line.job;
  std::string share = "-";
  if (row.peak > 0) share = number(100 * gigaflops(row) / row.peak, 1) + "%";
  std::vector<std::string> columns{row.line.what,
                                   to_text(job.size),
                                   std::to_string(job.threads),
                                   job.dtype,
                                   short_number(row.tempo.least() * 1e3),
                                   number(gigaflops(row), 1),
                                   share};
  for (const Column& peer : peers_of(choice)) {
    const Timing* timing = peer_of(row, peer.program);
    columns.push_back(timing ? to_text(ratio(*timing, row.tempo)) : "-");
  }
  columns.push_back(row.against ? to_text(*row.against) + " " + row.line.against_what : "-");
  columns.push_back(memory(row, choice));
  columns.push_back(notes(row));
  return line_of(columns);
}

std::string foot(const std::vector<Row>& rows, const Choice& choice) {
  std::map<std::string, std::vector<double>> ratios;  // of each kind and peer, over all sizes
  std::vector<std::string> order;
  std::map<std::string, int> settings;
  const auto add = [&](const Row& row, const std::string& who, const Timing* peer) {
    if (!peer) return;
    const std::string key = kind_of(row) + ", beside " + who;
    if (ratios[key].empty()) order.push_back(key);
    ratios[key].push_back(ratio(*peer, row.tempo).of_minima);
    ++settings[who + " on " + std::to_string(row.line.job.threads) + ": " +
               bench::to_text(peer->settings)];
  };
  for (const Row& row : rows)
    for (const Column& peer : peers_of(choice)) add(row, peer.name, peer_of(row, peer.program));
  std::ostringstream out;
  const char* heading = "\nOver the sizes: median, least\n";
  for (const std::string& key : order)
    if (const auto& r = ratios[key]; r.size() > 1) {
      out << std::exchange(heading, "") << "  " << std::left << std::setw(62) << key
          << number(median(r), 2) << "  " << number(*std::min_element(r.begin(), r.end()), 2)
          << "\n";
    }
  if (!settings.empty()) out << "\nSettings found fastest (number of rows)\n";
  for (const auto& [what, count] : settings) out << "  " << what << " (" << count << ")\n";
  return out.str();
}

nlohmann::json json(const std::vector<Row>& rows, int rounds) {
  const auto contestant = [](const Timing& t) {
    return nlohmann::json{
        {"seconds", t.seconds}, {"megabytes", t.megabytes}, {"settings", t.settings}};
  };
  nlohmann::json lines = nlohmann::json::array();
  for (const Row& row : rows) {
    const Job& job = row.line.job;
    nlohmann::json line{{"mode", job.mode},
                        {"cell", job.cell},
                        {"dtype", job.dtype},
                        {"batch", job.size.batch},
                        {"time", job.size.time},
                        {"features", job.size.features},
                        {"units", job.size.units},
                        {"threads", job.threads},
                        {"ms", row.tempo.least() * 1e3},
                        {"gigaflops", gigaflops(row)},
                        {"peak_gigaflops", row.peak},
                        {"allocations", row.tempo.allocations},
                        {"tempo", contestant(row.tempo)}};
    const auto add_ratio = [&](const std::string& name, const Ratio& r) {
      line[name] = {{"ratio_of_minima", r.of_minima},
                    {"lower_quartile", r.lower},
                    {"upper_quartile", r.upper}};
    };
    for (const auto& [name, peer] : row.peers) {
      line[name] = contestant(peer);
      add_ratio("beside_" + name, ratio(peer, row.tempo));
    }
    if (row.against) {
      add_ratio("against", *row.against);
      line["against"]["what"] = row.line.against_what;
    }
    lines.push_back(std::move(line));
  }
  return {{"processor", processor()},
          {"instruction_set", instruction_set()},
          {"rounds", rounds},
          {"lines", lines}};
}

}  // namespace bench
