// SPDX-License-Identifier: Apache-2.0
// The same content as tempo.cpp, written with LibTorch.
#include <torch/torch.h>

#include <cstdio>
#include <limits>

struct NetImpl : torch::nn::Module {
  NetImpl()
      : rnn(register_module("rnn", torch::nn::RNN(torch::nn::RNNOptions(1, 10).batch_first(true)))),
        dense(register_module("dense", torch::nn::Linear(10, 1))) {}
  torch::Tensor forward(const torch::Tensor& x) {
    return dense(std::get<0>(rnn(x)).select(1, x.size(1) - 1));
  }
  torch::nn::RNN rnn;
  torch::nn::Linear dense;
};
TORCH_MODULE(Net);

int main() {
  torch::Tensor series = torch::sin(torch::arange(-10.0, 10.0, 0.1)).to(torch::kFloat32);
  torch::Tensor x = series.unfold(0, 15, 1).slice(0, 0, 185).unsqueeze(-1).contiguous();
  torch::Tensor y = series.slice(0, 15).unsqueeze(-1);

  Net model;
  torch::optim::Adam adam(model->parameters());
  double best = std::numeric_limits<double>::infinity();
  for (int epoch = 1, waited = 0; epoch <= 1000 && waited < 5; ++epoch) {
    double total = 0;
    const torch::Tensor order = torch::randperm(x.size(0));
    for (int64_t begin = 0; begin < x.size(0); begin += 32) {
      const torch::Tensor rows = order.slice(0, begin, begin + 32);
      torch::Tensor loss = torch::mse_loss(model(x.index_select(0, rows)), y.index_select(0, rows));
      adam.zero_grad();
      loss.backward();
      adam.step();
      total += loss.item<double>() * static_cast<double>(rows.size(0));
    }
    const double loss = total / static_cast<double>(x.size(0));
    std::printf("Epoch %d/1000 - loss: %.4f\n", epoch, loss);
    waited = loss < best ? 0 : waited + 1;
    best = std::min(best, loss);
  }
}
