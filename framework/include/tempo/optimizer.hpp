// Optimizers: how weights follow their gradients. An optimizer is a handle; copies are the same
// one.
#pragma once

#include <tempo/tensor.hpp>

#include <memory>

namespace tempo TEMPO_HIDDEN {

struct OptimizerState;

/// Changes weights by their gradients, and keeps what it remembers of each weight (its slots).
/// Made by its class, or from a text: "adam", "adam(learning_rate=0.01, clipnorm=1)". It knows
/// weights by their identity, so one optimizer may serve several models, and layers of one name;
/// its iterations are then those of all. Settings out of range are refused with an Error.
class Optimizer {
 public:
  /// No optimizer; false in a condition.
  Optimizer() = default;
  Optimizer(const char* text) : Optimizer(std::string(text)) {}
  TEMPO_API Optimizer(const std::string& text);

  explicit operator bool() const { return state_ != nullptr; }

  /// One update. Before the formula: gradients are clipped, then weights decay
  /// (w -= w * weight_decay * learning_rate). Gradients are given in the order of the weights, each
  /// weight once. Throws Error, and changes no weight and no slot, where a number would become NaN
  /// or infinite.
  TEMPO_API void step(const Tensors& weights, const Tensors& gradients);
  /// The gradients as `step` uses them.
  TEMPO_API Tensors clipped(const Tensors& gradients) const;

  TEMPO_API double learning_rate() const;
  TEMPO_API void set_learning_rate(double value);
  /// How many updates it has made.
  TEMPO_API int64_t iterations() const;

  /// No decay, from the next step on, for weights whose path contains one of these words, or for
  /// these weights.
  TEMPO_API void exclude_from_weight_decay(const std::vector<std::string>& words);
  TEMPO_API void exclude_from_weight_decay(const Tensors& weights);
  /// What the two were given so far.
  TEMPO_API const std::vector<std::string>& excluded_words() const;
  TEMPO_API const Tensors& excluded_weights() const;

  /// "adam"
  TEMPO_API std::string name() const;
  /// "adam(learning_rate=0.001, beta_1=0.9, ...)": what Optimizer(text) makes the same one from.
  TEMPO_API std::string text() const;

  using NamedTensors = std::vector<std::pair<std::string, Tensor>>;
  /// What it remembers, for files: "iterations", then for each weight in the order of its first
  /// update "lstm/kernel/m", ... The n-th weight is called "n" where it has no path, and the second
  /// of one path "lstm/kernel#2".
  TEMPO_API NamedTensors state() const;
  /// Goes on from what `state` gave; slots find their weights by path when these are next updated,
  /// those of one path in the same order. Throws Error, and changes nothing, where it is no state
  /// of this optimizer.
  TEMPO_API void restore(const NamedTensors& state);

  /// The same of these weights alone, under these paths: what an optimizer of several models has
  /// for one of them, `optimizer.state(model.named_weights())`. The iterations are the optimizer's.
  TEMPO_API NamedTensors state(const NamedTensors& weights) const;
  TEMPO_API void restore(const NamedTensors& state, const NamedTensors& weights);

 protected:
  explicit Optimizer(std::shared_ptr<OptimizerState> state) : state_(std::move(state)) {}

 private:
  OptimizerState& required() const;
  std::shared_ptr<OptimizerState> state_;
};

// Common options: weight_decay is decoupled (Loshchilov and Hutter, 2019). Of the clips at most one
// may be set: clipnorm bounds the norm of each gradient, clipvalue each element, global_clipnorm
// the norm of all gradients together. 0 turns each of them off. All numbers are finite and at least
// 0; momentum, rho and the betas are below 1.

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
