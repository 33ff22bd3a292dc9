// SPDX-License-Identifier: Apache-2.0
// Users' cells, as users of LibTorch would write them.
#include "cells.hpp"

namespace bench {

namespace {

using torch::Tensor;
using Weights = std::vector<Tensor>;

Tensor user_lstm(const Tensor& x, Weights& state, const Weights& w) {
  const Tensor &h = state[0], &c = state[1];
  const Tensor i = torch::sigmoid(torch::matmul(x, w[0]) + torch::matmul(h, w[1]) + w[2]);
  const Tensor f = torch::sigmoid(torch::matmul(x, w[3]) + torch::matmul(h, w[4]) + w[5]);
  const Tensor g = torch::tanh(torch::matmul(x, w[6]) + torch::matmul(h, w[7]) + w[8]);
  const Tensor o = torch::sigmoid(torch::matmul(x, w[9]) + torch::matmul(h, w[10]) + w[11]);
  const Tensor next_c = f * c + i * g;
  const Tensor next_h = o * torch::tanh(next_c);
  state = {next_h, next_c};
  return next_h;
}

Tensor peephole(const Tensor& x, Weights& state, const Weights& w) {
  const Tensor &h = state[0], &c = state[1];
  const auto z = torch::chunk(torch::matmul(x, w[0]) + torch::addmm(w[2], h, w[1]), 4, -1);
  const Tensor i = torch::sigmoid(z[0] + w[3] * c);
  const Tensor f = torch::sigmoid(z[1] + w[4] * c);
  const Tensor next_c = f * c + i * torch::tanh(z[2]);
  const Tensor next_h = torch::sigmoid(z[3] + w[5] * next_c) * torch::tanh(next_c);
  state = {next_h, next_c};
  return next_h;
}

Tensor minimal_gated(const Tensor& x, Weights& state, const Weights& w) {
  const Tensor& h = state[0];
  const auto z = torch::chunk(torch::matmul(x, w[0]), 2, -1);
  const Tensor f = torch::sigmoid(z[0] + torch::matmul(h, w[1]));
  const Tensor c = torch::tanh(z[1] + torch::matmul(f * h, w[2]));
  const Tensor next = (1 - f) * h + f * c;
  state = {next};
  return next;
}

Tensor layer_norm_lstm(const Tensor& x, Weights& state, const Weights& w) {
  constexpr double epsilon = 1e-3;
  const Tensor &h = state[0], &c = state[1];
  const int64_t units = h.size(1);
  const auto z = torch::chunk(
      torch::layer_norm(torch::matmul(x, w[0]), {4 * units}, w[3], {}, epsilon) +
          torch::layer_norm(torch::matmul(h, w[1]), {4 * units}, w[4], {}, epsilon) + w[2],
      4, -1);
  const Tensor next_c = torch::sigmoid(z[1]) * c + torch::sigmoid(z[0]) * torch::tanh(z[2]);
  const Tensor next_h =
      torch::sigmoid(z[3]) * torch::tanh(torch::layer_norm(next_c, {units}, w[5], w[6], epsilon));
  state = {next_h, next_c};
  return next_h;
}

Tensor lstm_step(const Tensor& x, const Tensor& h, const Tensor& c, Weights& next,
                 const Weights& w) {
  const auto z = torch::chunk(torch::matmul(x, w[0]) + torch::addmm(w[2], h, w[1]), 4, -1);
  const Tensor next_c = torch::sigmoid(z[1]) * c + torch::sigmoid(z[0]) * torch::tanh(z[2]);
  const Tensor next_h = torch::sigmoid(z[3]) * torch::tanh(next_c);
  next = {next_h, next_c};
  return next_h;
}

// One mask for all steps, of the input, of the state or of both, kept beside the state.
Tensor with_dropout(const Tensor& x, Weights& state, const Weights& w, bool input, bool recurrent) {
  if (state.size() == 2) {
    state.push_back(input ? torch::dropout(torch::ones_like(x), 0.2, true) : Tensor());
    state.push_back(recurrent ? torch::dropout(torch::ones_like(state[0]), 0.2, true) : Tensor());
  }
  const Tensor of_x = state[2], of_h = state[3];
  Weights next;
  const Tensor y =
      lstm_step(input ? x * of_x : x, recurrent ? state[0] * of_h : state[0], state[1], next, w);
  state = {next[0], next[1], of_x, of_h};
  return y;
}
Tensor recurrent_dropout_lstm(const Tensor& x, Weights& state, const Weights& w) {
  return with_dropout(x, state, w, false, true);
}
Tensor both_dropouts_lstm(const Tensor& x, Weights& state, const Weights& w) {
  return with_dropout(x, state, w, true, true);
}

// The last feature of x says whether the step counts.
Tensor masked_lstm(const Tensor& x, Weights& state, const Weights& w) {
  const int64_t features = x.size(1) - 1;
  const Tensor counts = x.narrow(1, features, 1) > 0, h = state[0], c = state[1];
  Weights next;
  lstm_step(x.narrow(1, 0, features), h, c, next, w);
  state = {torch::where(counts, next[0], h), torch::where(counts, next[1], c)};
  return state[0];
}

using Shapes = std::vector<std::vector<int64_t>>;

Shapes one_state(int64_t batch, int64_t, int64_t units) { return {{batch, units}}; }
Shapes two_states(int64_t batch, int64_t, int64_t units) {
  return {{batch, units}, {batch, units}};
}

constexpr Loop loops[] = {
    {"UserLSTM", user_lstm, two_states},
    {"Peephole", peephole, two_states},
    {"MinimalGated", minimal_gated, one_state},
    {"LayerNormLSTM", layer_norm_lstm, two_states},
    {"RecurrentDropoutLSTM", recurrent_dropout_lstm, two_states},
    {"BothDropoutsLSTM", both_dropouts_lstm, two_states},
    {"MaskedLSTM", masked_lstm, two_states},
};

const Loop* loop_of(const std::string& cell) {
  for (const Loop& loop : loops)
    if (loop.cell == cell) return &loop;
  for (const Loop& loop : matrix_loops)
    if (loop.cell == cell) return &loop;
  return nullptr;
}

}  // namespace

bool has_loop(const std::string& cell) { return loop_of(cell) != nullptr; }

Tensor run_in_a_loop(const std::string& cell, const Tensor& x, int64_t units,
                     const Weights& weights) {
  const Loop* loop = loop_of(cell);
  if (!loop) throw Unsupported("LibTorch has no cell " + cell);
  Weights state, outputs;
  for (const std::vector<int64_t>& shape : loop->states(x.size(0), x.size(2), units))
    state.push_back(torch::zeros(shape, x.options().requires_grad(false)));
  for (const Tensor& now : x.unbind(1)) outputs.push_back(loop->step(now, state, weights));
  return torch::stack(outputs, 1);
}

}  // namespace bench
