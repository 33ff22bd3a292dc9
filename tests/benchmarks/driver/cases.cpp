// SPDX-License-Identifier: Apache-2.0
// Groups of cases: sizes, cells, and which peers do the same job.
#include "cases.hpp"

#include <algorithm>
#include <functional>

#include "benchmarks/cells.hpp"

namespace bench {

namespace {

const std::vector<Size> default_sizes = {
    {32, 50, 64, 128},  {64, 100, 128, 128}, {32, 100, 256, 256},
    {64, 50, 256, 512}, {128, 20, 192, 192}, {16, 200, 64, 64},
    {1, 100, 128, 128}, {7, 33, 19, 61},     {13, 77, 130, 129}};
const std::vector<Size> float64_sizes = {{32, 100, 256, 256}, {64, 50, 256, 512}};
const std::vector<Size> zoo_sizes = {{16, 128, 256, 256}};
const std::vector<Size> int8_sizes = {
    {1, 100, 128, 128}, {1, 100, 512, 512}, {8, 100, 256, 256}, {32, 100, 256, 256}};
const std::vector<Size> doubling_sizes = {{32, 100, 256, 256}, {64, 100, 128, 128}};

const std::vector<std::string> all_cells = {"LSTM",          "UserLSTM", "Peephole", "MinimalGated",
                                            "LayerNormLSTM", "GRU",      "SimpleRNN"};
// In these cells, each head has a matrix as its state.
const std::vector<std::string> matrix_cells = {"MLSTM", "GatedDeltaNet", "RWKV7", "Mamba2",
                                               "M2RNN"};

// It only runs inference.
void add_onnxruntime(Line& line) {
  const Job& job = line.job;
  if (job.dtype == "float32" &&
      (job.mode == "forward" || job.mode.ends_with("stream") || job.mode == "int8"))
    line.peers.push_back({"onnxruntime", job});
}

Line line_of(const std::string& mode, const std::string& cell, const std::string& dtype, Size size,
             int threads, bool with_peers = true) {
  Line line{cell, {mode, cell, dtype, size, threads}};
  if (!with_peers) return line;
  Job job = line.job;
  line.peers.push_back({"libtorch", job});
  job.cell = cell_named(cell).onednn;
  if (!job.cell.empty() && dtype == "float32" && (mode == "gradient" || mode == "forward"))
    line.peers.push_back({"onednn", job});
  add_onnxruntime(line);
  return line;
}

// These cells at one size, with the others compared to the first.
Block cells_at(const std::string& group, const std::string& title, const std::string& mode,
               const std::vector<std::string>& names, const std::string& dtype, Size size,
               int threads) {
  Block block{group, title, {}};
  for (const std::string& name : names) {
    block.lines.push_back(line_of(mode, name, dtype, size, threads));
    if (block.lines.size() > 1 && names[0] == "LSTM") {
      block.lines.back().against = 0;
      block.lines.back().against_what = "of LSTM";
    }
  }
  return block;
}

Block threads_at(Size size, int threads) {
  Block block{"threads", "threads: forward and backward", {}};
  for (const char* cell : {"LSTM", "GRU"}) {
    const int at = static_cast<int>(block.lines.size());
    block.lines.push_back(line_of("gradient", cell, "float32", size, threads, false));
    block.lines.push_back(line_of("gradient", cell, "float32", size, 1, false));
    block.lines[static_cast<std::size_t>(at)].against = at + 1;
    block.lines[static_cast<std::size_t>(at)].against_what = "of 1 thread";
  }
  return block;
}

Block doubling_at(Size size, int threads) {
  Size twice = size;
  twice.time *= 2;
  Line line = line_of("gradient", "LSTM", "float32", size, threads, false);
  line.against = 1;
  line.against_what = "x for 2 T";
  return {"doubling",
          "doubling of T: forward and backward",
          {line, line_of("gradient", "LSTM", "float32", twice, threads, false)}};
}

// The cost of a training step with an option of the layer or of the call.
Block options_at(Size size, int threads) {
  return cells_at("options", "training step with an option: cell, Dense(1), Adam", "train",
                  {"LSTM", "MaskedLSTM", "EndingLSTM", "DropoutLSTM", "RecurrentDropoutLSTM",
                   "BothDropoutsLSTM", "LayerNormLSTM", "StatefulLSTM", "TwoSequencesLSTM"},
                  "float32", size, threads);
}

// The difference is the work of fit itself, in ms per epoch or microseconds per batch.
Block fit_at(Size size, int threads) {
  Block block{"fit",
              "fit's own cost, ms an epoch and us a batch: " + std::to_string(epoch_batches) +
                  " batches, SimpleRNN(1), Dense(1), Adam",
              {line_of("fit", "SimpleRNN", "float32", size, threads, false),
               line_of("loop", "SimpleRNN", "float32", size, threads, false)}};
  block.lines[0].what = "fit";
  block.lines[1].what = "a loop";
  block.lines[0].against = 1;
  block.lines[0].against_what = "of a loop";
  return block;
}

// A cell forward and with its gradient, beside a loop written by hand with the same products.
Block beside_hand(const std::string& group, const std::string& title, const std::string& cell,
                  Size size, int threads) {
  Block block{group, title, {}};
  for (const char* mode : {"forward", "gradient"}) {
    Line line = line_of(mode, cell, "float32", size, threads, false);
    line.what = cell + " " + mode;
    line.peers.push_back({"hand", line.job});
    line.peers.push_back({"libtorch", line.job});
    block.lines.push_back(std::move(line));
  }
  return block;
}

Block linear_at(Size size, int threads) {
  return beside_hand("linear", "linear recurrence beside a loop written by hand", "MinGRU", size,
                     threads);
}

// Cells with heads: those that also have a form written by hand, and those with matrix states. Each
// of the latter has its own block, because LibTorch's gradients take some GB.
std::vector<Block> zoo_at(Size size, int threads) {
  Block block{"zoo", "cells with heads: forward and backward", {}};
  for (const char* cell : {"LSTM", "SLSTM", "SLSTMByHand", "RGLRU", "RGLRUByHand"})
    block.lines.push_back(line_of("gradient", cell, "float32", size, threads, false));
  for (std::size_t at : {1u, 3u}) {
    block.lines[at].against = static_cast<int>(at) + 1;
    block.lines[at].against_what = "of by hand";
  }
  std::vector<Block> blocks{block};
  for (const std::string& cell : matrix_cells)
    blocks.push_back(
        beside_hand("zoo", "matrix states beside a loop written by hand", cell, size, threads));
  return blocks;
}

// Jobs in int8, beside the same in float.
Block int8_at(const std::string& mode, const std::string& title, Size size, int threads) {
  Block block{"int8", title, {}};
  for (const char* cell : {"LSTM", "GRU"}) {
    const int as_float = static_cast<int>(block.lines.size());
    block.lines.push_back(line_of(mode, cell, "float32", size, threads, false));
    const std::string in_int8 = mode == "stream" ? "int8_stream" : "int8";
    block.lines.push_back(line_of(in_int8, cell, "float32", size, threads, false));
    block.lines.back().what += ", int8";
    for (const int at : {as_float, as_float + 1})
      add_onnxruntime(block.lines[static_cast<std::size_t>(at)]);
    block.lines.back().against = as_float;
    block.lines.back().against_what = "of float";
  }
  return block;
}

struct Group {
  const char* name;
  std::vector<Size> sizes;
  bool fixed;  // its size is part of its meaning: --sizes leaves it out
  std::function<std::vector<Block>(Size, int threads)> make;
};

const std::vector<Group>& groups() {
  static const std::vector<Group> all = {
      {"gradient", default_sizes, false,
       [](Size s, int n) {
         return std::vector{
             cells_at("gradient", "forward and backward", "gradient", all_cells, "float32", s, n)};
       }},
      {"forward", default_sizes, false,
       [](Size s, int n) {
         return std::vector{cells_at("forward", "forward, no gradient", "forward",
                                     {"LSTM", "GRU", "SimpleRNN"}, "float32", s, n)};
       }},
      {"int8", int8_sizes, false,
       [](Size s, int n) {
         std::vector blocks{int8_at("forward", "forward, no gradient, in int8", s, n)};
         if (s.batch != 1 || n != 1) return blocks;
         s.time = 1;
         blocks.push_back(int8_at("stream", "streaming step: cell, Dense(1), in int8", s, n));
         return blocks;
       }},
      {"train", default_sizes, false,
       [](Size s, int n) {
         return std::vector{cells_at("train", "training step: cell, Dense(1), Adam", "train",
                                     {"LSTM", "GRU", "SimpleRNN"}, "float32", s, n)};
       }},
      {"options", default_sizes, false,
       [](Size s, int n) { return std::vector{options_at(s, n)}; }},
      {"float64", float64_sizes, false,
       [](Size s, int n) {
         return std::vector{cells_at("float64", "forward and backward, float64", "gradient",
                                     {"LSTM", "GRU"}, "float64", s, n)};
       }},
      {"threads", default_sizes, false,
       [](Size s, int n) {
         if (n < 2 || s.units < 128 || s.batch < 32) return std::vector<Block>{};
         return std::vector{threads_at(s, n)};
       }},
      {"zoo", zoo_sizes, false, zoo_at},
      {"linear",
       {{1, 10000, 128, 128}, {32, 100, 128, 128}},
       true,
       [](Size s, int n) { return std::vector{linear_at(s, n)}; }},
      {"doubling", doubling_sizes, false,
       [](Size s, int n) { return std::vector{doubling_at(s, n)}; }},
      {"tiny",
       {{32, 15, 1, 10}},
       true,
       [](Size s, int n) {
         return std::vector{cells_at("tiny", "tiny training step: SimpleRNN(10), Dense(1), Adam",
                                     "train", {"SimpleRNN"}, "float32", s, n)};
       }},
      {"fit", {{1, 1, 1, 1}}, true, [](Size s, int n) { return std::vector{fit_at(s, n)}; }},
      {"streaming",
       {{1, 1, 1, 32}},
       true,
       [](Size s, int n) {
         return std::vector{cells_at("streaming", "streaming step: LSTM(32), Dense(1)", "stream",
                                     {"LSTM"}, "float32", s, n)};
       }},
      {"language",
       {{20, 20, 10000, 200}},
       true,
       [](Size s, int n) {
         return std::vector{cells_at("language", "language model: Embedding, 2 x LSTM, Dense, SGD",
                                     "language", {"LSTM"}, "float32", s, n)};
       }},
  };
  return all;
}

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// The names that are cells; throws if a name is neither a cell nor a group.
std::vector<std::string> cells_among(const std::vector<std::string>& names) {
  std::vector<std::string> found;
  for (const std::string& name : names) {
    if (contains(all_cells, name) || contains(matrix_cells, name)) {
      found.push_back(name);
      continue;
    }
    const auto same = [&](const Group& g) { return g.name == name; };
    if (std::none_of(groups().begin(), groups().end(), same))
      throw std::runtime_error("--only " + name + ": neither a group (" + group_names() +
                               ") nor a cell, as LSTM or Peephole");
  }
  return found;
}

// Keeps the lines of a block that have these cells, and those that they are compared with.
bool keep_cells(Block& block, const std::vector<std::string>& names) {
  const auto wanted = [&](const Line& l) { return contains(names, l.job.cell); };
  if (std::none_of(block.lines.begin(), block.lines.end(), wanted)) return false;
  if (block.lines[0].against >= 0) return true;  // pairs stay whole
  std::vector<Line> kept{block.lines[0]};
  for (std::size_t i = 1; i < block.lines.size(); ++i)
    if (wanted(block.lines[i])) kept.push_back(block.lines[i]);
  block.lines = kept;
  return true;
}

void leave_out(Block& block, const std::string& program) {
  for (Line& line : block.lines)
    std::erase_if(line.peers, [&](const Peer& p) { return p.program == program; });
}

// Compares each line with the same job of an earlier build only.
void put_beside_before(Block& block) {
  for (Line& line : block.lines) line.peers = {{"before", line.job}};
}

}  // namespace

std::string group_names() {
  std::string text;
  for (const Group& g : groups()) text += (text.empty() ? "" : ", ") + std::string(g.name);
  return text;
}

std::vector<Block> blocks_of(const Choice& choice) {
  const std::vector<std::string> only_cells = cells_among(choice.only);
  const bool groups_named = only_cells.size() < choice.only.size();
  std::vector<Block> out;
  for (const Group& group : groups()) {
    const bool named = contains(choice.only, group.name);
    if (groups_named ? !named : group.fixed && !choice.sizes.empty()) continue;
    for (const Size& size : group.fixed || choice.sizes.empty() ? group.sizes : choice.sizes)
      for (const int threads : choice.threads)
        for (Block& block : group.make(size, threads)) {
          if (!only_cells.empty() && !keep_cells(block, only_cells)) continue;
          if (choice.before) put_beside_before(block);
          if (choice.onnxruntime.empty()) leave_out(block, "onnxruntime");
          out.push_back(std::move(block));
        }
  }
  return out;
}

}  // namespace bench
