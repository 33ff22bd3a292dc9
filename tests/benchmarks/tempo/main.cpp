// SPDX-License-Identifier: Apache-2.0
// Tempo's jobs, as scripts would run them.
#include <tempo/layers/zoo/gated_delta_net.hpp>
#include <tempo/layers/zoo/m2rnn.hpp>
#include <tempo/layers/zoo/mamba2.hpp>
#include <tempo/layers/zoo/min_gru.hpp>
#include <tempo/layers/zoo/mlstm.hpp>
#include <tempo/layers/zoo/rwkv7.hpp>

#include "allocations.hpp"
#include "benchmarks/cells.hpp"
#include "cells.hpp"
#include "zoo.hpp"

namespace bench {

namespace {

Layer recurrent(const Job& job, bool return_sequences) {
  const int units = static_cast<int>(job.size.units);
  const auto of_user = [&](const Layer& cell) {
    return RNN(cell, {.return_sequences = return_sequences});
  };
  if (job.cell == "LSTM" || job.cell == "MaskedLSTM" || job.cell == "EndingLSTM")
    return LSTM({.units = units, .return_sequences = return_sequences});
  if (job.cell == "StatefulLSTM")
    return LSTM({.units = units, .return_sequences = return_sequences, .stateful = true});
  const bool both = job.cell == "BothDropoutsLSTM";
  if (both || job.cell == "DropoutLSTM" || job.cell == "RecurrentDropoutLSTM")
    return LSTM({.units = units,
                 .dropout = both || job.cell == "DropoutLSTM" ? 0.2 : 0,
                 .recurrent_dropout = both || job.cell == "RecurrentDropoutLSTM" ? 0.2 : 0,
                 .return_sequences = return_sequences});
  if (job.cell == "GRU") return GRU({.units = units, .return_sequences = return_sequences});
  if (job.cell == "SimpleRNN")
    return SimpleRNN({.units = units, .return_sequences = return_sequences});
  if (job.cell == "MinGRU") return of_user(MinGRUCell({.units = units}));
  if (job.cell == "UserLSTM") return of_user(UserLSTMCell({.units = units}));
  if (job.cell == "Peephole") return of_user(PeepholeCell({.units = units}));
  if (job.cell == "MinimalGated") return of_user(MinimalGatedCell({.units = units}));
  if (job.cell == "TwoSequencesLSTM") return of_user(TwoSequencesLSTMCell({.units = units}));
  if (job.cell == "LayerNormLSTM") return of_user(LayerNormLSTMCell({.units = units}));
  if (job.cell == "SLSTM") return of_user(SLSTMCell({.units = units}));
  if (job.cell == "SLSTMByHand") return of_user(SLSTMByHandCell({.units = units}));
  if (job.cell == "RGLRU") return of_user(RGLRUCell({.units = units}));
  if (job.cell == "RGLRUByHand") return of_user(RGLRUByHandCell({.units = units}));
  if (job.cell == "MLSTM") return of_user(MLSTMCell({.units = units, .heads = heads}));
  if (job.cell == "GatedDeltaNet")
    return of_user(GatedDeltaNetCell({.units = units, .heads = heads}));
  if (job.cell == "RWKV7")
    return of_user(RWKV7Cell({.units = units, .heads = heads, .rank = low_rank}));
  if (job.cell == "Mamba2")
    return of_user(Mamba2Cell({.units = units,
                               .heads = heads,
                               .state_size = state_size,
                               .conv_width = convolution_width}));
  if (job.cell == "M2RNN")
    return of_user(M2RNNCell({.units = units, .heads = heads, .conv_width = convolution_width}));
  throw Unsupported("Tempo has no cell " + job.cell);
}

Tensor made(const std::string& name, const Shape& shape) {
  return tensor(numbers<double>(name, shape.count()), shape);
}

void set(const Tensors& weights, const std::vector<Weight>& wanted) {
  if (weights.size() < wanted.size()) throw std::runtime_error("Tempo: fewer weights than listed");
  for (std::size_t i = 0; i < wanted.size(); ++i)
    assign(weights[i], tensor(numbers<double>(wanted[i]), Shape(wanted[i].shape)));
}

class OverSequence : public Work {
 public:
  explicit OverSequence(const Job& job)
      : wanted_(weights_of(job)),
        layer_(recurrent(job, true)),
        with_gradient_(job.mode == "gradient") {
    const Size& s = job.size;
    x_ = made("x", {s.batch, s.time, s.features});
    if (with_gradient_) x_ = parameter(x_);
    dy_ = made("dy", {s.batch, s.time, s.units});
    layer_.build({x_.shape()});
    set(layer_.weights(), wanted_);
    to_ = layer_.trainable_weights();
    to_.push_back(x_);
  }

  void run() override {
    y_ = {};  // as a script's results end with its step
    gradients_.clear();
    if (with_gradient_) {
      y_ = layer_(x_);
      gradients_ = gradient(y_, to_, dy_);
    } else {
      const NoGradient off;
      y_ = layer_(x_);
    }
    y_.element(0);  // results that nobody reads may not be computed yet
    for (const Tensor& g : gradients_) g.element(0);
  }

  Results results() override {
    run();
    run();
    Results out{{"y", y_.to_vector()}};
    for (std::size_t i = 0; i < gradients_.size(); ++i)
      out.push_back(
          {"d" + (i < wanted_.size() ? wanted_[i].name : "x"), gradients_[i].to_vector()});
    return out;
  }

 private:
  std::vector<Weight> wanted_;
  Layer layer_;
  bool with_gradient_;
  Tensor x_, dy_, y_;
  Tensors to_, gradients_;
};

class OverSequenceInInt8 : public Work {
 public:
  explicit OverSequenceInInt8(const Job& job) : model_(model_of(job)) {
    const Size& s = job.size;
    x_ = made("x", {s.batch, s.time, s.features});
  }

  void run() override {
    const NoGradient off;
    y_ = {};
    y_ = model_(x_);
    y_.element(0);
  }
  Results results() override {
    run();
    return {{"y", y_.to_vector()}};
  }

 private:
  static Model model_of(const Job& job) {
    Sequential model({recurrent(job, true)});
    model.build({{-1, -1, job.size.features}});
    set(model.weights(), weights_of(job));
    return quantised(model);
  }

  Model model_;
  Tensor x_, y_;
};

class TrainingStep : public Work {
 public:
  explicit TrainingStep(const Job& job)
      : layer_(recurrent(job, false)),
        dense_(Dense({.units = 1})),
        adam_({.learning_rate = learning_rate, .epsilon = epsilon}) {
    const Size& s = job.size;
    x_ = {made("x", {s.batch, s.time, s.features})};
    if (job.cell == "TwoSequencesLSTM") {
      const int64_t half = s.features / 2;
      x_ = split(x_[0], {half, s.features - half});
    }
    if (job.cell == "MaskedLSTM") {
      const std::vector<uint8_t> counts = mask_of(s);
      options_.mask = tensor(std::vector<bool>(counts.begin(), counts.end()), {s.batch, s.time});
    }
    if (job.cell == "EndingLSTM") options_.lengths = tensor(lengths_of(s), {s.batch});
    y_ = made("target", {s.batch, 1});
    output();  // builds the layers
    layer_.reset_state();
    std::vector<Weight> wanted = weights_of(job);
    wanted.push_back({"dense_kernel", {s.units, 1}});
    wanted.push_back({"dense_bias", {1}});
    weights_ = layer_.trainable_weights();
    for (const Tensor& w : dense_.trainable_weights()) weights_.push_back(w);
    set(weights_, wanted);
  }

  void run() override {
    const Tensor loss = mean(square(output() - y_));
    adam_.step(weights_, gradient(loss, weights_));
    loss_ = loss.item();
  }

  Results results() override {
    Named losses{"losses", {}};
    for (int i = 0; i < checked_steps; ++i) {
      run();
      losses.values.push_back(loss_);
    }
    return {losses};
  }

 private:
  Tensor output() { return dense_(layer_.call(x_, options_)[0], {.training = true}); }

  Layer layer_, dense_;
  CallOptions options_{.training = true};
  Adam adam_;
  Tensors x_, weights_;
  Tensor y_;
  double loss_ = 0;
};

// Samples in memory, batch by batch in order.
class Epoch : public Work {
 public:
  explicit Epoch(const Job& job)
      : by_fit_(job.mode == "fit"),
        batch_(job.size.batch),
        model_({recurrent(job, false), Dense({.units = 1})}),
        adam_({.learning_rate = learning_rate, .epsilon = epsilon}) {
    const Size& s = job.size;
    x_ = made("x", {epoch_batches * s.batch, s.time, s.features});
    y_ = made("target", {epoch_batches * s.batch, 1});
    model_.build({{-1, s.time, s.features}});
    std::vector<Weight> wanted = weights_of(job);
    wanted.push_back({"dense_kernel", {s.units, 1}});
    wanted.push_back({"dense_bias", {1}});
    set(model_.weights(), wanted);
    weights_ = model_.trainable_weights();
    model_.compile({.optimizer = adam_, .loss = "mse"});
  }

  void run() override {
    if (by_fit_)
      loss_ =
          model_.fit(x_, y_, {.batch_size = batch_, .shuffle = false, .verbose = 0})["loss"].back();
    else
      loop();
  }

  Results results() override {
    run();
    return {{"loss", {loss_}}};
  }

 private:
  void loop() {
    const MeanSquaredError mse;
    double total = 0;
    for (const auto& [x, y] : batches(x_, y_, {.size = batch_, .shuffle = false})) {
      const Tensor loss = mse(y, model_(x, {.training = true}));
      adam_.step(weights_, gradient(loss, weights_));
      total += loss.item();
    }
    loss_ = total / static_cast<double>(epoch_batches);
  }

  bool by_fit_;
  int64_t batch_;
  Sequential model_;
  Adam adam_;
  Tensor x_, y_;
  Tensors weights_;
  double loss_ = 0;
};

template <class T>
class StreamingStep : public Work {
 public:
  explicit StreamingStep(const Job& job)
      : stream_(model_of(job)), x_(numbers<T>("x", job.size.features)), y_(1) {}

  void run() override { stream_.step(x_, y_); }

  Results results() override {
    Named y{"y", {}};
    for (int i = 0; i < 20; ++i) {
      run();
      y.values.push_back(static_cast<double>(y_[0]));
    }
    return {y};
  }

 private:
  static Model model_of(const Job& job) {
    Sequential model({recurrent(job, false), Dense({.units = 1})});
    model.build({{1, 1, job.size.features}});
    std::vector<Weight> wanted = weights_of(job);
    wanted.push_back({"dense_kernel", {job.size.units, 1}});
    wanted.push_back({"dense_bias", {1}});
    set(model.weights(), wanted);
    return job.mode == "int8_stream" ? quantised(model) : model;
  }

  Stream stream_;
  std::vector<T> x_, y_;
};

class LanguageModel : public Work {
 public:
  explicit LanguageModel(const Job& job)
      : model_({Embedding({.input_dim = static_cast<int>(job.size.features),
                           .output_dim = static_cast<int>(job.size.units)}),
                recurrent(job, true), recurrent(job, true),
                Dense({.units = static_cast<int>(job.size.features)})}) {
    const Size& s = job.size;
    const auto words = [&](const char* name) {
      return tensor(ids(name, s.batch * s.time, s.features), {s.batch, s.time});
    };
    x_ = words("words");
    y_ = words("next words");
    model_.build({x_.shape()});
    std::vector<Weight> wanted{{"embeddings", {s.features, s.units}}};
    for (const char* layer : {"first_", "second_"})
      for (Weight w : cell_named(job.cell).weights(s.units, s.units)) {
        w.name = layer + w.name;
        wanted.push_back(w);
      }
    wanted.push_back({"dense_kernel", {s.units, s.features}});
    wanted.push_back({"dense_bias", {s.features}});
    set(model_.weights(), wanted);
    weights_ = model_.trainable_weights();
  }

  void run() override {
    const Tensor loss = loss_of_(y_, model_(x_, {.training = true}));
    sgd_.step(weights_, gradient(loss, weights_));
    loss_ = loss.item();
  }

  Results results() override {
    Named losses{"losses", {}};
    for (int i = 0; i < checked_steps; ++i) {
      run();
      losses.values.push_back(loss_);
    }
    return {losses};
  }

 private:
  Sequential model_;
  SparseCategoricalCrossentropy loss_of_{{.from_logits = true}};
  SGD sgd_{{.learning_rate = 1}};
  Tensor x_, y_;
  Tensors weights_;
  double loss_ = 0;
};

std::unique_ptr<Work> make(const Job& job) {
  set_default_dtype(job.dtype == "float64" ? float64 : float32);
  if (job.mode == "gradient" || job.mode == "forward") return std::make_unique<OverSequence>(job);
  if (job.mode == "train") return std::make_unique<TrainingStep>(job);
  if (job.mode == "fit" || job.mode == "loop") return std::make_unique<Epoch>(job);
  if (job.mode == "stream" && job.dtype == "float64")
    return std::make_unique<StreamingStep<double>>(job);
  if (job.mode == "stream" || job.mode == "int8_stream")
    return std::make_unique<StreamingStep<float>>(job);
  if (job.mode == "int8") return std::make_unique<OverSequenceInInt8>(job);
  if (job.mode == "language") return std::make_unique<LanguageModel>(job);
  throw Unsupported("Tempo: no mode " + job.mode);
}

}  // namespace
}  // namespace bench

int main() { return bench::serve(bench::make, bench::count_allocations); }
