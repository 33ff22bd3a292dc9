// SPDX-License-Identifier: Apache-2.0
// Converts from Keras's layouts to those of torch::nn, and gradients back.
#include "layers.hpp"

#include <algorithm>

namespace bench {

using torch::Tensor;
using Tensors = std::vector<Tensor>;

Tensor made(const Weight& weight, torch::Dtype dtype) {
  std::vector<double> values = numbers<double>(weight);
  return torch::from_blob(values.data(), weight.shape, torch::kFloat64).to(dtype, false, true);
}

Tensor made(const std::string& name, const std::vector<int64_t>& shape, torch::Dtype dtype) {
  int64_t count = 1;
  for (const int64_t extent : shape) count *= extent;
  std::vector<double> values = numbers<double>(name, count);
  return torch::from_blob(values.data(), shape, torch::kFloat64).to(dtype, false, true);
}

std::vector<double> to_vector(const Tensor& t) {
  const Tensor plain = t.detach().to(torch::kFloat64).contiguous();
  const double* first = plain.data_ptr<double>();
  return {first, first + plain.numel()};
}

Recurrent::Recurrent(const std::string& cell, int64_t features, int64_t units, torch::Dtype dtype,
                     const std::string& prefix)
    : cell_(cell), units_(units), listed_(cell_named(cell).weights(features, units)) {
  constexpr const char* lstms[] = {"LSTM", "EndingLSTM", "StatefulLSTM", "TwoSequencesLSTM",
                                   "DropoutLSTM"};
  if (std::count(std::begin(lstms), std::end(lstms), cell) > 0)
    lstm_ = torch::nn::LSTM(torch::nn::LSTMOptions(features, units).batch_first(true));
  else if (cell == "GRU")
    gru_ = torch::nn::GRU(torch::nn::GRUOptions(features, units).batch_first(true));
  else if (cell == "SimpleRNN")
    rnn_ = torch::nn::RNN(torch::nn::RNNOptions(features, units).batch_first(true));
  else if (!has_loop(cell))
    throw Unsupported("LibTorch has no cell " + cell);
  if (lstm_) lstm_->to(dtype);
  if (gru_) gru_->to(dtype);
  if (rnn_) rnn_->to(dtype);
  Tensors keras;
  for (Weight w : listed_) {
    w.name = prefix + w.name;
    keras.push_back(made(w, dtype));
  }
  if (has_loop(cell)) {
    for (Tensor& w : keras) looped_.push_back(w.requires_grad_(true));
  } else {
    take(keras);
  }
}

// GRU's gates are z, r, g in Keras and r, z, g in torch; swapping the first two goes both ways.
Tensor Recurrent::gates_reordered(const Tensor& keras) const {
  if (cell_ != "GRU") return keras;
  const auto gates = torch::chunk(keras, 3, -1);
  return torch::cat({gates[1], gates[0], gates[2]}, -1);
}

void Recurrent::take(const Tensors& keras) {
  const torch::NoGradGuard off;
  Tensors own = parameters();  // weight_ih, weight_hh, bias_ih, bias_hh
  own[0].copy_(gates_reordered(keras[0]).t());
  own[1].copy_(gates_reordered(keras[1]).t());
  const bool two_rows = keras[2].dim() == 2;
  const Tensor bias = gates_reordered(keras[2]);
  own[2].copy_(two_rows ? bias[0] : bias);
  if (two_rows)
    own[3].copy_(bias[1]);
  else
    own[3].zero_();
}

Tensors Recurrent::keras_from_torch(const Tensors& own) const {
  const Tensor bias = cell_ == "GRU" ? torch::stack({own[2], own[3]}) : own[2];
  return {gates_reordered(own[0].t()), gates_reordered(own[1].t()), gates_reordered(bias)};
}

Tensors Recurrent::parameters() const {
  if (lstm_) return lstm_->parameters();
  if (gru_) return gru_->parameters();
  if (rnn_) return rnn_->parameters();
  return looped_;
}

void Recurrent::second_bias_learns(bool yes) {
  if (!looped_.empty() || cell_ == "GRU") return;
  parameters()[3].requires_grad_(yes).mutable_grad() = Tensor();
}

Results Recurrent::gradients() const {
  Tensors all;
  for (const Tensor& p : parameters()) all.push_back(p.grad());
  if (looped_.empty()) all = keras_from_torch(all);
  Results out;
  for (std::size_t i = 0; i < listed_.size(); ++i)
    out.push_back({"d" + listed_[i].name, to_vector(all[i])});
  return out;
}

Tensor Recurrent::last_of(const Tensor& x, const Tensor& lengths) {
  const auto packed = torch::nn::utils::rnn::pack_padded_sequence(x, lengths, /*batch_first=*/true,
                                                                  /*enforce_sorted=*/false);
  const auto [all, last] = lstm_->forward_with_packed_input(packed);
  return std::get<0>(last)[0];
}

Tensor Recurrent::operator()(const Tensor& x, Tensors* state) {
  if (lstm_) {
    if (!state) return std::get<0>(lstm_(x));
    using States = std::tuple<Tensor, Tensor>;
    const auto [y, last] = state->empty() ? lstm_(x) : lstm_(x, States((*state)[0], (*state)[1]));
    *state = {std::get<0>(last), std::get<1>(last)};
    return y;
  }
  if (state) throw Unsupported("LibTorch's contestant streams an LSTM only");
  if (gru_) return std::get<0>(gru_(x));
  if (rnn_) return std::get<0>(rnn_(x));
  return run_in_a_loop(cell_, x, units_, looped_);
}

}  // namespace bench
