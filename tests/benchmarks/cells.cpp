// SPDX-License-Identifier: Apache-2.0
// The table of cells: their weights and the operations of their products.
#include "cells.hpp"

namespace bench {

namespace {

std::vector<Weight> gated(int64_t features, int64_t units, int64_t gates) {
  return {{"kernel", {features, gates * units}},
          {"recurrent_kernel", {units, gates * units}},
          {"bias", {gates * units}}};
}

std::vector<Weight> simple_rnn(int64_t features, int64_t units) {
  return gated(features, units, 1);
}
std::vector<Weight> lstm(int64_t features, int64_t units) { return gated(features, units, 4); }
std::vector<Weight> gru(int64_t features, int64_t units) {
  std::vector<Weight> w = gated(features, units, 3);
  w[2].shape = {2, 3 * units};
  return w;
}
std::vector<Weight> user_lstm(int64_t features, int64_t units) {
  std::vector<Weight> w;
  for (const char* gate : {"i", "f", "g", "o"}) {
    w.push_back({std::string("kernel_") + gate, {features, units}});
    w.push_back({std::string("recurrent_") + gate, {units, units}});
    w.push_back({std::string("bias_") + gate, {units}});
  }
  return w;
}
std::vector<Weight> peephole(int64_t features, int64_t units) {
  std::vector<Weight> w = lstm(features, units);
  for (const char* gate : {"i", "f", "o"}) w.push_back({std::string("peephole_") + gate, {units}});
  return w;
}
std::vector<Weight> minimal_gated(int64_t features, int64_t units) {
  return {{"kernel", {features, 2 * units}},
          {"recurrent_forget", {units, units}},
          {"recurrent_candidate", {units, units}}};
}
std::vector<Weight> layer_norm_lstm(int64_t features, int64_t units) {
  std::vector<Weight> w = lstm(features, units);
  // With 1 the recurrence is chaotic: after 100 steps, rounding alone makes results differ.
  for (const char* name : {"gamma_input", "gamma_recurrent"}) w.push_back({name, {4 * units}, 0.3});
  w.push_back({"gamma_state", {units}, 1});
  w.push_back({"beta_state", {units}});
  return w;
}
std::vector<Weight> min_gru(int64_t features, int64_t units) {
  return {{"kernel", {features, 2 * units}}, {"bias", {2 * units}}};
}

// Cells in which each head has a part of the units (tempo/zoo.hpp).
std::vector<Weight> slstm(int64_t features, int64_t units) {
  const int64_t of_head = units / heads;
  return {{"kernel", {features, 4 * units}},
          {"recurrent", {heads, of_head, 4 * of_head}},
          {"bias", {4 * units}}};
}
std::vector<Weight> slstm_by_hand(int64_t features, int64_t units) {
  const int64_t of_head = units / heads;
  std::vector<Weight> w{{"kernel", {features, 4 * units}}};
  for (int64_t head = 0; head < heads; ++head)
    w.push_back({"recurrent_" + std::to_string(head), {of_head, 4 * of_head}});
  w.push_back({"bias", {4 * units}});
  return w;
}
std::vector<Weight> rg_lru(int64_t, int64_t units) {
  const int64_t of_head = units / heads;
  return {{"kernel_a", {heads, of_head, of_head}},
          {"kernel_x", {heads, of_head, of_head}},
          {"bias_a", {units}},
          {"bias_x", {units}},
          {"lambda", {units}}};
}
std::vector<Weight> rg_lru_by_hand(int64_t, int64_t units) {
  std::vector<Weight> w;
  for (const char* gate : {"kernel_a_", "kernel_x_"})
    for (int64_t head = 0; head < heads; ++head)
      w.push_back({gate + std::to_string(head), {units / heads, units / heads}});
  for (const char* name : {"bias_a", "bias_x", "lambda"}) w.push_back({name, {units}});
  return w;
}

// Cells whose heads have matrix states, as in the zoo (layers/zoo).
std::vector<Weight> mlstm(int64_t features, int64_t units) {
  return {{"kernel", {features, 4 * units}},
          {"bias", {4 * units}},
          {"gate_kernel", {features, 2 * heads}},
          {"gate_bias", {2 * heads}}};
}
std::vector<Weight> gated_delta_net(int64_t features, int64_t units) {
  return {{"kernel", {features, 4 * units}},
          {"gate_kernel", {features, 2 * heads}},
          {"rate", {heads}},
          {"rate_bias", {heads}, -2},
          {"scale", {units / heads}, 1}};
}
std::vector<Weight> rwkv7(int64_t features, int64_t units) {
  const std::vector<int64_t> of_heads{heads, units / heads};
  return {{"mix", {6, features}, 0.5},
          {"kernel", {3, features, units}},
          {"down", {3, features, low_rank}},
          {"up", {3, low_rank, units}},
          {"decay_bias", {units}, -2},
          {"rate_bias", {units}},
          {"removal", of_heads, 0.7},
          {"renewal", of_heads, 1},
          {"bonus", of_heads},
          {"gamma", of_heads, 1},
          {"beta", of_heads}};
}
std::vector<Weight> mamba2(int64_t features, int64_t units) {
  const int64_t channels = units + 2 * state_size;
  return {{"kernel", {features, units + channels + heads}},
          {"conv_kernel", {convolution_width, channels}},
          {"conv_bias", {channels}},
          {"rate", {heads}},
          {"rate_bias", {heads}, -2},
          {"direct", {heads, 1}, 1},
          {"scale", {units}, 1}};
}
std::vector<Weight> m2rnn(int64_t features, int64_t units) {
  const int64_t of_head = units / heads;
  return {{"kernel", {features, 4 * units + heads}},
          {"conv_kernel", {convolution_width, 3 * units}},
          {"conv_bias", {3 * units}},
          {"recurrent", {heads, of_head, of_head}, 0, of_head},
          {"rate", {heads}},
          {"rate_bias", {heads}, -2},
          {"direct", {heads, of_head}, 1},
          {"scale", {units}, 1}};
}

bool is_matrix(const Weight& w) { return w.name != "bias" && w.shape.size() >= 2; }
bool reads_the_state(const Weight& w) { return w.name.starts_with("recurrent"); }

double flop_of_language_model(const Size& s) {
  const auto rows = static_cast<double>(s.batch * s.time), units = static_cast<double>(s.units);
  const double lstm_layer = 2 * rows * 4 * units * 2 * units;
  const double dense = 2 * rows * units * static_cast<double>(s.features);
  return 3 * (2 * lstm_layer + dense);
}

}  // namespace

// UserLSTM is the formula of LSTM, as a user writes it with four separate weight matrices. All
// cells from DropoutLSTM on are LSTM: with one mask for all steps of the input, of the state, and
// of both; with steps that do not count; with sequences that end early; with the state of the
// previous call; with two sequences that are read side by side.
const std::vector<Cell> cells = {
    {"LSTM", "LSTM", lstm},
    {"UserLSTM", "LSTM", user_lstm},
    {"Peephole", "Peephole", peephole},
    {"MinimalGated", "", minimal_gated},
    {"LayerNormLSTM", "", layer_norm_lstm},
    {"GRU", "GRU", gru},
    {"SimpleRNN", "SimpleRNN", simple_rnn},
    {"MinGRU", "", min_gru},
    {"DropoutLSTM", "", lstm, true},
    {"RecurrentDropoutLSTM", "", lstm, true},
    {"BothDropoutsLSTM", "", lstm, true},
    {"MaskedLSTM", "", lstm},
    {"EndingLSTM", "", lstm},
    {"StatefulLSTM", "", lstm},
    {"TwoSequencesLSTM", "", lstm},
    {"SLSTM", "", slstm},
    {"SLSTMByHand", "", slstm_by_hand},
    {"RGLRU", "", rg_lru},
    {"RGLRUByHand", "", rg_lru_by_hand},
    {"MLSTM", "", mlstm},
    {"GatedDeltaNet", "", gated_delta_net},
    {"RWKV7", "", rwkv7},
    {"Mamba2", "", mamba2},
    {"M2RNN", "", m2rnn},
};

int64_t Weight::count() const {
  int64_t n = 1;
  for (const int64_t extent : shape) n *= extent;
  return n;
}

double Weight::spread() const {
  return is_matrix(*this) ? 1 / std::sqrt(static_cast<double>(shape[shape.size() - 2])) : 0.1;
}

const Cell& cell_named(const std::string& name) {
  for (const Cell& cell : cells)
    if (cell.name == name) return cell;
  throw Unsupported("no cell " + name);
}

std::vector<Weight> weights_of(const Job& job) {
  return cell_named(job.cell).weights(job.size.features, job.size.units);
}

std::vector<int64_t> lengths_of(const Size& s) {
  std::vector<int64_t> out;
  for (int64_t i = 0; i < s.batch; ++i) {
    const int64_t place = i * 37 % s.batch + 1;  // in no order, unless 37 divides the batch
    out.push_back((place * s.time + s.batch - 1) / s.batch);
  }
  return out;
}

std::vector<uint8_t> mask_of(const Size& s) {
  std::vector<uint8_t> out;
  for (const double v : numbers<double>("mask", s.batch * s.time)) out.push_back(v < 0.8);
  return out;
}

double flop(const Job& job) {
  if (job.mode == "language") return flop_of_language_model(job.size);
  double from_input = 0, from_state = 0;
  for (const Weight& w : weights_of(job))
    if (is_matrix(w))
      (reads_the_state(w) ? from_state : from_input) += static_cast<double>(w.count() * w.rows);
  double steps = static_cast<double>(job.size.batch * job.size.time);
  if (job.cell == "EndingLSTM") {
    steps = 0;
    for (const int64_t n : lengths_of(job.size)) steps += static_cast<double>(n);
  }
  const double scale = 2 * steps;
  if (job.mode == "gradient") return scale * 3 * (from_input + from_state);
  if (job.mode == "train") return scale * (2 * from_input + 3 * from_state);  // x has no gradient
  return scale * (from_input + from_state);
}

std::vector<int64_t> ids(const std::string& name, int64_t count, int64_t end) {
  std::vector<int64_t> out;
  for (const double unit : numbers<double>(name, count, 0.5, 0.5))
    out.push_back(static_cast<int64_t>(unit * static_cast<double>(end)));
  return out;
}

}  // namespace bench
