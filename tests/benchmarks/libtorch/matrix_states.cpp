// SPDX-License-Identifier: Apache-2.0
// Cells with matrix states, as users of LibTorch would write them.
#include "cells.hpp"

namespace bench {

namespace {

using torch::Tensor;
using Weights = std::vector<Tensor>;
using Shapes = std::vector<std::vector<int64_t>>;

// x [batch, heads * width] as [batch, heads, width], and back.
Tensor in_heads(const Tensor& x) { return x.unflatten(1, {int64_t{heads}, x.size(1) / heads}); }
Tensor joined(const Tensor& x) { return x.flatten(1); }

// a b^T and S x for each head.
Tensor outer_product(const Tensor& a, const Tensor& b) { return a.unsqueeze(-1) * b.unsqueeze(-2); }
Tensor times(const Tensor& S, const Tensor& x) {
  return torch::matmul(S, x.unsqueeze(-1)).squeeze(-1);
}

Tensor unit_length(const Tensor& x) {
  return x / torch::sqrt(torch::square(x).sum(-1, true) + 1e-6);
}
Tensor rms_norm(const Tensor& x, const Tensor& scale) {
  return x * torch::rsqrt(torch::square(x).mean(-1, true) + 1e-5) * scale;
}

Tensor mlstm(const Tensor& x, Weights& state, const Weights& w) {
  const Tensor &C = state[0], &n = state[1];
  const int64_t width = C.size(3);
  const auto z = torch::chunk(in_heads(torch::matmul(x, w[0])), 4, -1);
  const auto bias = torch::chunk(w[1].view({heads, 4 * width}), 4, -1);
  const auto gates = torch::chunk(torch::addmm(w[3], x, w[2]), 2, -1);  // [batch, heads]
  const Tensor q = z[0] + bias[0], v = z[2] + bias[2];
  const Tensor k = z[1] / std::sqrt(static_cast<double>(width)) + bias[1];
  const Tensor f = torch::log_sigmoid(gates[1]);
  // The first step has nothing to keep.
  const Tensor m = state.size() > 2 ? state[2] : torch::full_like(f.detach(), -INFINITY);
  const Tensor next_m = torch::maximum(f + m, gates[0]);
  const Tensor keep = torch::exp(f + m - next_m).unsqueeze(-1);
  const Tensor write = torch::exp(gates[0] - next_m).unsqueeze(-1);
  const Tensor next_C = keep.unsqueeze(-1) * C + outer_product(write * v, k);
  const Tensor next_n = keep * n + write * k;
  const Tensor size =
      torch::maximum(torch::abs((next_n * q).sum(-1, true)), torch::exp(-next_m).unsqueeze(-1));
  state = {next_C, next_n, next_m};
  return joined(torch::sigmoid(z[3] + bias[3]) * times(next_C, q) / size);
}
Shapes mlstm_states(int64_t batch, int64_t, int64_t units) {
  const int64_t width = units / heads;
  return {{batch, heads, width, width}, {batch, heads, width}};
}

Tensor gated_delta_net(const Tensor& x, Weights& state, const Weights& w) {
  const auto z = torch::chunk(in_heads(torch::matmul(x, w[0])), 4, -1);
  const auto gates = torch::chunk(torch::matmul(x, w[1]), 2, -1);  // [batch, heads]
  const Tensor a = torch::exp(-torch::exp(w[2]) * torch::softplus(gates[0] + w[3]));
  const Tensor b = torch::sigmoid(gates[1]).unsqueeze(-1);
  const Tensor query = unit_length(torch::silu(z[0])), key = unit_length(torch::silu(z[1]));
  const Tensor kept = a.unsqueeze(-1).unsqueeze(-1) * state[0];
  const Tensor change = b * (torch::silu(z[2]) - times(kept, key));
  state[0] = kept + outer_product(change, key);
  const Tensor read = times(state[0], query) / std::sqrt(static_cast<double>(key.size(-1)));
  return joined(rms_norm(read, w[4]) * torch::silu(z[3]));
}
Shapes one_matrix(int64_t batch, int64_t, int64_t units) {
  return {{batch, heads, units / heads, units / heads}};
}

Tensor rwkv7(const Tensor& x, Weights& state, const Weights& w) {
  const Tensor &last = state[0], &S = state[1];
  const auto mixed = [&](int64_t i) { return x + (last - x) * w[0][i]; };
  const auto project = [&](int64_t i) { return in_heads(torch::matmul(mixed(i), w[1][i])); };
  const auto low = [&](int64_t i) { return torch::matmul(mixed(3 + i), w[2][i]); };
  const Tensor r = project(0), k = project(1), v = project(2);
  const Tensor decay = in_heads(w[4] + torch::matmul(torch::tanh(low(0)), w[3][0]));
  const Tensor a = torch::sigmoid(in_heads(w[5] + torch::matmul(low(1), w[3][1])));
  const Tensor gate = torch::matmul(torch::sigmoid(low(2)), w[3][2]);
  const Tensor removed = unit_length(k * w[6]), written = k * (1 + (a - 1) * w[7]);
  const Tensor decayed = S * torch::exp(-std::exp(-0.5) * torch::sigmoid(decay)).unsqueeze(-2);
  const Tensor next =
      decayed - outer_product(times(S, removed), a * removed) + outer_product(v, written);
  const int64_t width = r.size(-1);
  const Tensor normed =
      torch::layer_norm(times(next, r), {width}, {}, {}, 1e-5 * static_cast<double>(width));
  const Tensor out = normed * w[9] + w[10] + (r * w[8] * written).sum(-1, true) * v;
  state = {x, next};
  return gate * joined(out);
}
Shapes rwkv7_states(int64_t batch, int64_t features, int64_t units) {
  return {{batch, features}, {batch, heads, units / heads, units / heads}};
}

// Convolves `now` [batch, channels] with earlier steps, oldest first; `now` ends the next `window`.
Tensor convolved(const Tensor& now, Tensor& window, const Tensor& kernel, const Tensor& bias) {
  const Tensor seen = torch::cat({window, now.unsqueeze(1)}, 1);  // [batch, width, channels]
  window = seen.slice(1, 1);
  return (seen * kernel).sum(1) + bias;
}

Tensor mamba2(const Tensor& x, Weights& state, const Weights& w) {
  const int64_t units = w[6].size(0), channels = w[2].size(0);
  const auto z = torch::split_with_sizes(torch::matmul(x, w[0]), {units, channels, heads}, -1);
  const Tensor inner = torch::silu(convolved(z[1], state[1], w[1], w[2]));
  const auto parts = torch::split_with_sizes(inner, {units, state_size, state_size}, -1);
  const Tensor u = in_heads(parts[0]);
  const Tensor dt = torch::softplus(z[2] + w[4]).unsqueeze(-1);  // [batch, heads, 1]
  const Tensor keep = torch::exp(-dt * torch::exp(w[3]).unsqueeze(-1));
  state[0] = keep.unsqueeze(-1) * state[0] + outer_product(dt * u, parts[1].unsqueeze(1));
  const Tensor y = joined(times(state[0], parts[2].unsqueeze(1)) + w[5] * u);
  return rms_norm(y * torch::silu(z[0]), w[6]);
}
Shapes mamba2_states(int64_t batch, int64_t, int64_t units) {
  return {{batch, heads, units / heads, state_size},
          {batch, convolution_width - 1, units + 2 * state_size}};
}

Tensor m2rnn(const Tensor& x, Weights& state, const Weights& w) {
  const int64_t units = w[7].size(0);
  const auto z = torch::split_with_sizes(torch::matmul(x, w[0]), {units, 3 * units, heads}, -1);
  const Tensor inner = torch::silu(convolved(z[1], state[1], w[1], w[2]));
  const auto parts = torch::chunk(inner, 3, -1);
  const Tensor q = in_heads(parts[0]), k = in_heads(parts[1]), v = in_heads(parts[2]);
  const Tensor f = torch::exp(-torch::exp(w[4]) * torch::softplus(z[2] + w[5]));
  const Tensor keep = f.unsqueeze(-1).unsqueeze(-1);
  const Tensor Z = torch::tanh(torch::matmul(state[0], w[3]) + outer_product(k, v));
  state[0] = keep * state[0] + (1 - keep) * Z;
  const Tensor y = torch::matmul(q.unsqueeze(-2), state[0]).squeeze(-2) + w[6] * v;
  return rms_norm(joined(y) * torch::silu(z[0]), w[7]);
}
Shapes m2rnn_states(int64_t batch, int64_t, int64_t units) {
  return {{batch, heads, units / heads, units / heads}, {batch, convolution_width - 1, 3 * units}};
}

}  // namespace

const std::vector<Loop> matrix_loops = {
    {"MLSTM", mlstm, mlstm_states}, {"GatedDeltaNet", gated_delta_net, one_matrix},
    {"RWKV7", rwkv7, rwkv7_states}, {"Mamba2", mamba2, mamba2_states},
    {"M2RNN", m2rnn, m2rnn_states},
};

}  // namespace bench
