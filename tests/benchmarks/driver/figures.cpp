// SPDX-License-Identifier: Apache-2.0
// The figures of a row as text, shared by the tables.
#include "figures.hpp"

#include <fstream>
#include <iomanip>
#include <sstream>

#include "benchmarks/cells.hpp"

namespace bench {

std::string processor() {
  std::ifstream in("/proc/cpuinfo");
  for (std::string line; std::getline(in, line);)
    if (line.starts_with("model name")) return line.substr(line.find(':') + 2);
  return "processor unknown";
}

std::string number(double value, int digits) {
  std::ostringstream out;
  out << std::fixed << std::setprecision(digits) << value;
  return out.str();
}

std::string short_number(double value) {
  return number(value, value < 0.1    ? 5
                       : value < 1    ? 4
                       : value < 10   ? 3
                       : value < 100  ? 2
                       : value < 1000 ? 1
                                      : 0);
}

std::vector<Column> peers_of(const Choice& choice) {
  if (choice.before) return {{"before", "before"}};
  std::vector<Column> all{{"onednn", "oneDNN"}, {"libtorch", "LibTorch"}, {"hand", "by hand"}};
  if (!choice.onnxruntime.empty())
    all.push_back({"onnxruntime", "ONNX Runtime " + choice.onnxruntime});
  return all;
}

const Timing* peer_of(const Row& row, const std::string& program) {
  const auto found = row.peers.find(program);
  return found == row.peers.end() ? nullptr : &found->second;
}

double gigaflops(const Row& row) { return flop(row.line.job) / row.tempo.least() / 1e9; }

std::string notes(const Row& row) {
  const Job& job = row.line.job;
  const Timing* libtorch = peer_of(row, "libtorch");
  const auto words = [&](const Timing& t) {
    return number(static_cast<double>(job.size.batch * job.size.time) / t.least(), 0);
  };
  if (job.mode == "language")
    return words(row.tempo) + " words/s" + (libtorch ? ", LibTorch " + words(*libtorch) : "");
  std::string text;
  if (job.mode.ends_with("stream")) {
    text = number(row.tempo.least() * 1e6, 2) + " us/step";
    if (libtorch) text += ", LibTorch " + number(libtorch->least() * 1e6, 2);
  }
  if (job.mode.ends_with("stream") || job.size.units < 64)
    text += (text.empty() ? "" : ", ") + std::to_string(row.tempo.allocations) + " allocations";
  return text;
}

std::string memory(const Row& row, const Choice& choice) {
  std::string peers;
  for (const Column& peer : peers_of(choice)) {
    const Timing* timing = peer_of(row, peer.program);
    peers += (peers.empty() ? "" : ", ") + (timing ? number(timing->megabytes, 0) : "-");
  }
  return number(row.tempo.megabytes, 0) + " (" + peers + ")";
}

}  // namespace bench
