// Optimizers: how weights follow their gradients. An optimizer is a handle; copies are the same
// one.
#pragma once

#include <tempo/tensor.hpp>

#include <memory>

namespace tempo TEMPO_HIDDEN {

struct OptimizerState;

/// Changes weights by their gradients, and keeps what it remembers of each weight (its slots).
/// Made by its class, or from a text: "adam", "adam(learning_rate=0.01, clipnorm=1)".
class Optimizer {
 public:
  /// No optimizer; false in a condition.
  Optimizer() = default;
  Optimizer(const char* text) : Optimizer(std::string(text)) {}
  TEMPO_API Optimizer(const std::string& text);

  explicit operator bool() const { return state_ != nullptr; }

  /// One update. Before the formula: gradients are clipped, then weights decay
  /// (w -= w * weight_decay * learning_rate). Gradients are given in the order of the weights.
  TEMPO_API void step(const Tensors& weights, const Tensors& gradients);
  /// The gradients as `step` uses them.
  TEMPO_API Tensors clipped(const Tensors& gradients) const;

  TEMPO_API double learning_rate() const;
  TEMPO_API void set_learning_rate(double value);
  /// How many updates it has made.
  TEMPO_API int64_t iterations() const;

  /// No decay for weights whose path contains one of these words, or for these weights. Asked for
  /// before the first step.
  TEMPO_API void exclude_from_weight_decay(const std::vector<std::string>& words);
  TEMPO_API void exclude_from_weight_decay(const Tensors& weights);

  /// "adam"
  TEMPO_API std::string name() const;
  /// "adam(learning_rate=0.001, beta_1=0.9, ...)": what Optimizer(text) makes the same one from.
  TEMPO_API std::string text() const;

  using NamedTensors = std::vector<std::pair<std::string, Tensor>>;
  /// What it remembers, for files: "iterations", then for each weight in the order of its first
  /// update "lstm/kernel/m", ... (the n-th weight without a path is called "n").
  TEMPO_API NamedTensors state() const;
  /// Goes on from what `state` gave; slots find their weights by path when these are next updated.
  TEMPO_API void restore(const NamedTensors& state);

 protected:
  explicit Optimizer(std::shared_ptr<OptimizerState> state) : state_(std::move(state)) {}

 private:
  OptimizerState& required() const;
  std::shared_ptr<OptimizerState> state_;
};

// Common options: weight_decay is decoupled (Loshchilov and Hutter, 2019). Of the clips at most one
// may be set: clipnorm bounds the norm of each gradient, clipvalue each element, global_clipnorm
// the norm of all gradients together. 0 turns each of them off.

struct SGDOptions {
  double learning_rate = 0.01;
  double momentum = 0;
  bool nesterov = false;
  double weight_decay = 0;
  double clipnorm = 0;
  double clipvalue = 0;
  double global_clipnorm = 0;
};

/// Gradient descent, with momentum (Polyak, 1964; Nesterov's form: Sutskever et al., 2013).
class SGD : public Optimizer {
 public:
  TEMPO_API SGD(const SGDOptions& options = {});
};

struct RMSpropOptions {
  double learning_rate = 0.001;
  double rho = 0.9;
  double momentum = 0;
  double epsilon = 1e-7;
  bool centered = false;
  double weight_decay = 0;
  double clipnorm = 0;
  double clipvalue = 0;
  double global_clipnorm = 0;
};

/// Steps divided by a running root mean square of the gradient (Hinton, 2012; centered: Graves,
/// 2013).
class RMSprop : public Optimizer {
 public:
  TEMPO_API RMSprop(const RMSpropOptions& options = {});
};

struct AdamOptions {
  double learning_rate = 0.001;
  double beta_1 = 0.9;
  double beta_2 = 0.999;
  double epsilon = 1e-7;
  bool amsgrad = false;
  double weight_decay = 0;
  double clipnorm = 0;
  double clipvalue = 0;
  double global_clipnorm = 0;
};

/// Adaptive moments (Kingma and Ba, 2015; amsgrad: Reddi et al., 2018).
class Adam : public Optimizer {
 public:
  TEMPO_API Adam(const AdamOptions& options = {});
};

}  // namespace tempo
