// SPDX-License-Identifier: Apache-2.0
// torch::nn's recurrent modules under one name, with weights in Keras's layout on the outside.
#pragma once

#include <functional>

#include "cells.hpp"

namespace bench {

/// LSTM, GRU, SimpleRNN of torch::nn, batch first, or a cell in a loop.
class Recurrent {
 public:
  Recurrent(const std::string& cell, int64_t features, int64_t units, torch::Dtype dtype,
            const std::string& prefix = "");

  /// All outputs; `state` (h, or h and c) is the initial one, and becomes the last one.
  torch::Tensor operator()(const torch::Tensor& x, std::vector<torch::Tensor>* state = nullptr);
  /// The last output of each sequence with this many steps, by a PackedSequence.
  torch::Tensor last_of(const torch::Tensor& x, const torch::Tensor& lengths);
  std::vector<torch::Tensor> parameters() const;
  /// torch::nn has two biases, Keras one (except GRU): the second one learns or stays 0.
  void second_bias_learns(bool yes);
  /// The gradients, by the names of `weights_of`.
  Results gradients() const;

 private:
  torch::Tensor gates_reordered(const torch::Tensor& keras) const;
  std::vector<torch::Tensor> keras_from_torch(const std::vector<torch::Tensor>& own) const;
  void take(const std::vector<torch::Tensor>& keras);

  std::string cell_;
  int64_t units_;
  std::vector<Weight> listed_;
  std::vector<torch::Tensor> looped_;  // weights of a cell in a loop
  torch::nn::LSTM lstm_ = nullptr;
  torch::nn::GRU gru_ = nullptr;
  torch::nn::RNN rnn_ = nullptr;
};

/// A tensor made from `numbers`.
torch::Tensor made(const Weight& weight, torch::Dtype dtype);
torch::Tensor made(const std::string& name, const std::vector<int64_t>& shape, torch::Dtype dtype);
std::vector<double> to_vector(const torch::Tensor& t);

}  // namespace bench
