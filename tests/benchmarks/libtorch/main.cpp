// SPDX-License-Identifier: Apache-2.0
// LibTorch's jobs, as its users' scripts would run them.
#include <optional>

#include "layers.hpp"

namespace bench {

namespace {

using torch::Tensor;

torch::Dtype dtype_of(const Job& job) {
  return job.dtype == "float64" ? torch::kFloat64 : torch::kFloat32;
}

class OverSequence : public Work {
 public:
  explicit OverSequence(const Job& job)
      : cell_(job.cell, job.size.features, job.size.units, dtype_of(job)),
        with_gradient_(job.mode == "gradient") {
    const Size& s = job.size;
    x_ = made("x", {s.batch, s.time, s.features}, dtype_of(job)).requires_grad_(with_gradient_);
    dy_ = made("dy", {s.batch, s.time, s.units}, dtype_of(job));
  }

  void run() override {
    if (!with_gradient_) {
      const torch::InferenceMode on;
      y_ = cell_(x_);
      return;
    }
    for (const Tensor& p : cell_.parameters()) p.mutable_grad() = Tensor();
    x_.mutable_grad() = Tensor();
    y_ = cell_(x_);
    y_.backward(dy_);
  }

  Results results() override {
    run();
    run();
    Results out{{"y", to_vector(y_)}};
    if (!with_gradient_) return out;
    for (Named& d : cell_.gradients()) out.push_back(std::move(d));
    out.push_back({"dx", to_vector(x_.grad())});
    return out;
  }

 private:
  Recurrent cell_;
  bool with_gradient_;
  Tensor x_, dy_, y_;
};

torch::nn::Linear dense(int64_t from, int64_t to, torch::Dtype dtype) {
  torch::nn::Linear layer(from, to);
  layer->to(dtype);
  const torch::NoGradGuard off;
  layer->weight.copy_(made(Weight{"dense_kernel", {from, to}}, dtype).t());
  layer->bias.copy_(made(Weight{"dense_bias", {to}}, dtype));
  return layer;
}

template <class... Parts>
std::vector<Tensor> parameters_of(const Parts&... parts) {
  std::vector<Tensor> all;
  (
      [&] {
        for (const Tensor& p : parts.parameters()) all.push_back(p);
      }(),
      ...);
  return all;
}

// Shared by the two training jobs: a loss, its gradient, and an update.
template <class Optimizer>
class Training : public Work {
 public:
  void run() override {
    const Tensor loss = loss_of_batch();
    optimizer_->zero_grad();
    loss.backward();
    optimizer_->step();
    loss_ = loss.template item<double>();
  }

  Results results() override {
    Named losses{"losses", {}};
    for (Recurrent* cell : cells()) cell->second_bias_learns(false);  // as in Keras
    for (int i = 0; i < checked_steps; ++i) {
      run();
      losses.values.push_back(loss_);
    }
    for (Recurrent* cell : cells()) cell->second_bias_learns(true);
    return {losses};
  }

 protected:
  virtual Tensor loss_of_batch() = 0;
  virtual std::vector<Recurrent*> cells() = 0;
  std::optional<Optimizer> optimizer_;

 private:
  double loss_ = 0;
};

class TrainingStep : public Training<torch::optim::Adam> {
 public:
  explicit TrainingStep(const Job& job)
      : cell_(job.cell, job.size.features, job.size.units, dtype_of(job)),
        dense_(dense(job.size.units, 1, dtype_of(job))) {
    const Size& s = job.size;
    x_ = made("x", {s.batch, s.time, s.features}, dtype_of(job));
    if (job.cell == "TwoSequencesLSTM") {
      const std::vector<Tensor> both =
          x_.split_with_sizes({s.features / 2, s.features - s.features / 2}, 2);
      x_ = both[0].contiguous();
      second_ = both[1].contiguous();
    }
    if (job.cell == "MaskedLSTM") {
      const std::vector<uint8_t> mask = mask_of(s);
      const Tensor counts = torch::tensor(std::vector<double>(mask.begin(), mask.end()));
      x_ = torch::cat({x_, counts.to(dtype_of(job)).reshape({s.batch, s.time, 1})}, 2);
    }
    if (job.cell == "EndingLSTM") lengths_ = torch::tensor(lengths_of(s));
    drops_input_ = job.cell == "DropoutLSTM";
    stateful_ = job.cell == "StatefulLSTM";
    y_ = made("target", {s.batch, 1}, dtype_of(job));
    optimizer_.emplace(parameters_of(cell_, *dense_),
                       torch::optim::AdamOptions(learning_rate).eps(epsilon));
  }

 private:
  Tensor loss_of_batch() override { return torch::mse_loss(dense_(last_output()), y_); }
  Tensor last_output() {
    if (lengths_.defined()) return cell_.last_of(x_, lengths_);
    Tensor x = second_.defined() ? torch::cat({x_, second_}, 2) : x_;
    if (drops_input_)
      x = x * torch::dropout(torch::ones({x.size(0), 1, x.size(2)}, x.options()), 0.2, true);
    const Tensor y = cell_(x, stateful_ ? &state_ : nullptr);
    for (Tensor& s : state_) s = s.detach();
    return y.select(1, y.size(1) - 1);
  }
  std::vector<Recurrent*> cells() override { return {&cell_}; }
  Recurrent cell_;
  torch::nn::Linear dense_;
  Tensor x_, second_, lengths_, y_;
  std::vector<Tensor> state_;
  bool drops_input_ = false, stateful_ = false;
};

class StreamingStep : public Work {
 public:
  explicit StreamingStep(const Job& job)
      : cell_(job.cell, job.size.features, job.size.units, dtype_of(job)),
        dense_(dense(job.size.units, 1, dtype_of(job))),
        x_(made("x", {1, 1, job.size.features}, dtype_of(job))) {}

  void run() override {
    const torch::InferenceMode on;
    y_ = dense_(cell_(x_, &state_).select(1, 0)).item<double>();
  }

  Results results() override {
    Named y{"y", {}};
    for (int i = 0; i < 20; ++i) {
      run();
      y.values.push_back(y_);
    }
    return {y};
  }

 private:
  Recurrent cell_;
  torch::nn::Linear dense_;
  Tensor x_;
  std::vector<Tensor> state_;
  double y_ = 0;
};

class LanguageModel : public Training<torch::optim::SGD> {
 public:
  explicit LanguageModel(const Job& job)
      : embedding_(job.size.features, job.size.units),
        first_(job.cell, job.size.units, job.size.units, dtype_of(job), "first_"),
        second_(job.cell, job.size.units, job.size.units, dtype_of(job), "second_"),
        dense_(dense(job.size.units, job.size.features, dtype_of(job))) {
    const Size& s = job.size;
    const auto words = [&](const char* name) {
      std::vector<int64_t> values = ids(name, s.batch * s.time, s.features);
      return torch::from_blob(values.data(), {s.batch, s.time}, torch::kInt64).clone();
    };
    x_ = words("words");
    y_ = words("next words");
    {
      const torch::NoGradGuard off;
      embedding_->to(dtype_of(job));
      embedding_->weight.copy_(made(Weight{"embeddings", {s.features, s.units}}, dtype_of(job)));
    }
    optimizer_.emplace(parameters_of(*embedding_, first_, second_, *dense_),
                       torch::optim::SGDOptions(1));
  }

 private:
  Tensor loss_of_batch() override {
    const Tensor logits = dense_(second_(first_(embedding_(x_))));
    return torch::nn::functional::cross_entropy(logits.flatten(0, 1), y_.flatten());
  }
  std::vector<Recurrent*> cells() override { return {&first_, &second_}; }
  torch::nn::Embedding embedding_;
  Recurrent first_, second_;
  torch::nn::Linear dense_;
  Tensor x_, y_;
};

std::unique_ptr<Work> make(const Job& job) {
  // OMP_NUM_THREADS and OPENBLAS_NUM_THREADS, which the driver sets, give the number of threads.
  if (job.mode == "gradient" || job.mode == "forward") return std::make_unique<OverSequence>(job);
  if (job.mode == "train") return std::make_unique<TrainingStep>(job);
  if (job.mode == "stream") return std::make_unique<StreamingStep>(job);
  if (job.mode == "language") return std::make_unique<LanguageModel>(job);
  throw Unsupported("LibTorch: no mode " + job.mode);
}

}  // namespace
}  // namespace bench

int main() { return bench::serve(bench::make); }
