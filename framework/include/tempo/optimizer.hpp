// SPDX-License-Identifier: Apache-2.0
// Optimizers change weights by their gradients. They are handles; copies are the same one.
#pragma once

#include <memory>

#include <tempo/schedule.hpp>
#include <tempo/tensor.hpp>

namespace tempo TEMPO_HIDDEN {

struct OptimizerState;
class ModelReader;

/// Changes weights by their gradients, and keeps its slots, what it remembers, for each weight.
/// Made from its class or a text: "adam", "adam(learning_rate=0.01, clipnorm=1)". It knows weights
/// by identity, not by name, so one optimizer may serve several models, and layers of one name; its
/// iterations are then those of all. Settings out of range are Errors. One thread at a time.
class Optimizer {
 public:
  /// No optimizer; false in a condition.
  Optimizer() = default;
  Optimizer(const char* text) : Optimizer(std::string(text)) {}
  TEMPO_API Optimizer(const std::string& text);

  explicit operator bool() const { return state_ != nullptr; }

  /// Makes one update. Before the formula, gradients are divided by the loss_scale_factor, averaged
  /// with those of earlier steps that wait (gradient_accumulation_steps), and clipped; then weights
  /// decay (w -= w * weight_decay * learning_rate). Gradients are given in the order of the
  /// weights, each weight once. Throws Error, and changes no weight and no slot, if a number would
  /// become NaN or infinite.
  TEMPO_API void step(const Tensors& weights, const Tensors& gradients);
  /// The gradients as the formula gets them.
  TEMPO_API Tensors clipped(const Tensors& gradients) const;

  /// The loss whose gradients `step` takes: multiplied by loss_scale_factor if that is set. fit
  /// does so by itself.
  TEMPO_API Tensor scale_loss(const Tensor& loss) const;

  /// The rate of the next update; a schedule or a function computes it from the number of steps.
  TEMPO_API double learning_rate() const;
  /// Throws Error if the learning rate follows a schedule or a function.
  TEMPO_API void set_learning_rate(double value);
  TEMPO_API bool has_schedule() const;
  /// The number of updates made. Steps that only accumulate do not count.
  TEMPO_API int64_t iterations() const;

  /// Whether it was made with use_ema.
  TEMPO_API bool has_averages() const;
  /// Sets the weights to their running averages, as at the end of fit. A weight that was never
  /// updated has no average, and stays. Throws Error if use_ema was not set.
  TEMPO_API void use_averages(const Tensors& weights);
  /// Swaps weights and averages; a second call swaps them back. No step may be taken in between.
  /// Throws Error if use_ema was not set.
  TEMPO_API void swap_averages(const Tensors& weights);
  /// Whether weights and averages are swapped at present.
  TEMPO_API bool swapped_averages() const;

  /// From the next step on, weights whose path contains one of these words do not decay, nor do
  /// these weights.
  TEMPO_API void exclude_from_weight_decay(const std::vector<std::string>& words);
  TEMPO_API void exclude_from_weight_decay(const Tensors& weights);
  /// All that the two functions were given so far.
  TEMPO_API const std::vector<std::string>& excluded_words() const;
  TEMPO_API const Tensors& excluded_weights() const;

  /// "adam"
  TEMPO_API std::string name() const;
  /// "adam(learning_rate=0.001, beta_1=0.9, ...)": from it, Optimizer(text) makes the same one.
  TEMPO_API std::string text() const;

  using NamedTensors = std::vector<std::pair<std::string, Tensor>>;
  /// Its state, for files: "iterations", then the slots of each weight in the order of first
  /// updates, "lstm/kernel/m", ... The n-th weight is called "n" if it has no path, and the second
  /// of one path "lstm/kernel#2". "accumulated" and "swapped_averages" come after the iterations if
  /// they are not 0.
  TEMPO_API NamedTensors state() const;
  /// Goes on from a result of `state`. Slots find their weights by path when these are next
  /// updated; weights of one path are taken in the same order. Throws Error, and changes nothing,
  /// if it is no state of this optimizer.
  TEMPO_API void restore(const NamedTensors& state);

  /// The same for these weights alone, under these paths: the part that belongs to one of several
  /// models, `optimizer.state(model.named_weights())`. The iterations are the optimizer's.
  TEMPO_API NamedTensors state(const NamedTensors& weights) const;
  TEMPO_API void restore(const NamedTensors& state, const NamedTensors& weights);

 protected:
  explicit Optimizer(std::shared_ptr<OptimizerState> state) : state_(std::move(state)) {}

 private:
  friend class ModelReader;
  OptimizerState& required() const;
  std::shared_ptr<OptimizerState> state_;
};

// Common options: weight_decay is decoupled (Loshchilov and Hutter, 2019). At most one of the clips
// may be set: clipnorm bounds the norm of each gradient, clipvalue each element, global_clipnorm
// the norm of all gradients together. 0 turns each of them off. All numbers are finite and at least
// 0, unless an option says otherwise; momentum, rho and the betas are below 1. The formulas and the
// defaults are Keras's; t counts the updates, from 1.
//
// use_ema keeps an exponential running average of each weight: the first update sets it to the
// weight, each later one to ema_momentum average + (1 - ema_momentum) weight. The weights become
// their averages at the end of fit, and every ema_overwrite_frequency updates unless that is 0.
// With gradient_accumulation_steps of 2 or more, that many steps (of the same weights) make one
// update, by the mean of their gradients; in fit these are batches. (In Keras the average moves
// with each of these steps, here with each update.) loss_scale_factor, 0 for none, keeps gradients
// from vanishing: fit multiplies the loss by it, and step divides the gradients.

struct SGDOptions {
  LearningRate learning_rate = 0.01;
  double momentum = 0;
  bool nesterov = false;
  double weight_decay = 0;
  double clipnorm = 0;
  double clipvalue = 0;
  double global_clipnorm = 0;
  bool use_ema = false;
  double ema_momentum = 0.99;
  int ema_overwrite_frequency = 0;
  double loss_scale_factor = 0;
  int gradient_accumulation_steps = 0;
};

/// Gradient descent, with momentum (Polyak, 1964; Nesterov's form: Sutskever et al., 2013).
class SGD : public Optimizer {
 public:
  TEMPO_API SGD(const SGDOptions& options = {});
  TEMPO_OPTIONS(SGD, SGDOptions);
};

struct RMSpropOptions {
  LearningRate learning_rate = 0.001;
  double rho = 0.9;
  double momentum = 0;
  double epsilon = 1e-7;
  bool centered = false;
  double weight_decay = 0;
  double clipnorm = 0;
  double clipvalue = 0;
  double global_clipnorm = 0;
  bool use_ema = false;
  double ema_momentum = 0.99;
  int ema_overwrite_frequency = 0;
  double loss_scale_factor = 0;
  int gradient_accumulation_steps = 0;
};

/// Steps divided by a running root mean square of the gradient (Hinton, 2012; centered: Graves,
/// 2013).
class RMSprop : public Optimizer {
 public:
  TEMPO_API RMSprop(const RMSpropOptions& options = {});
  TEMPO_OPTIONS(RMSprop, RMSpropOptions);
};

struct AdamOptions {
  LearningRate learning_rate = 0.001;
  double beta_1 = 0.9;
  double beta_2 = 0.999;
  double epsilon = 1e-7;
  bool amsgrad = false;
  double weight_decay = 0;
  double clipnorm = 0;
  double clipvalue = 0;
  double global_clipnorm = 0;
  bool use_ema = false;
  double ema_momentum = 0.99;
  int ema_overwrite_frequency = 0;
  double loss_scale_factor = 0;
  int gradient_accumulation_steps = 0;
};

/// Adaptive moments (Kingma and Ba, 2015; amsgrad: Reddi et al., 2018).
class Adam : public Optimizer {
 public:
  TEMPO_API Adam(const AdamOptions& options = {});
  TEMPO_OPTIONS(Adam, AdamOptions);
};

struct AdamWOptions {
  LearningRate learning_rate = 0.001;
  double beta_1 = 0.9;
  double beta_2 = 0.999;
  double epsilon = 1e-7;
  bool amsgrad = false;
  double weight_decay = 0.004;
  double clipnorm = 0;
  double clipvalue = 0;
  double global_clipnorm = 0;
  bool use_ema = false;
  double ema_momentum = 0.99;
  int ema_overwrite_frequency = 0;
  double loss_scale_factor = 0;
  int gradient_accumulation_steps = 0;
};

/// Adam with weight decay (Loshchilov and Hutter, 2019).
class AdamW : public Optimizer {
 public:
  TEMPO_API AdamW(const AdamWOptions& options = {});
  TEMPO_OPTIONS(AdamW, AdamWOptions);
};

struct AdamaxOptions {
  LearningRate learning_rate = 0.001;
  double beta_1 = 0.9;
  double beta_2 = 0.999;
  double epsilon = 1e-7;
  double weight_decay = 0;
  double clipnorm = 0;
  double clipvalue = 0;
  double global_clipnorm = 0;
  bool use_ema = false;
  double ema_momentum = 0.99;
  int ema_overwrite_frequency = 0;
  double loss_scale_factor = 0;
  int gradient_accumulation_steps = 0;
};

/// Adam with the largest gradient in place of the root mean square (Kingma and Ba, 2015, section
/// 7): u = max(beta_2 u, |g|);  w - lr m / ((1 - beta_1^t) (u + epsilon)).
class Adamax : public Optimizer {
 public:
  TEMPO_API Adamax(const AdamaxOptions& options = {});
  TEMPO_OPTIONS(Adamax, AdamaxOptions);
};

struct NadamOptions {
  LearningRate learning_rate = 0.001;
  double beta_1 = 0.9;
  double beta_2 = 0.999;
  double epsilon = 1e-7;
  double weight_decay = 0;
  double clipnorm = 0;
  double clipvalue = 0;
  double global_clipnorm = 0;
  bool use_ema = false;
  double ema_momentum = 0.99;
  int ema_overwrite_frequency = 0;
  double loss_scale_factor = 0;
  int gradient_accumulation_steps = 0;
};

/// Adam with Nesterov's momentum (Dozat, 2016), whose beta_1 warms up: beta_1 (1 - 0.96^t / 2).
class Nadam : public Optimizer {
 public:
  TEMPO_API Nadam(const NadamOptions& options = {});
  TEMPO_OPTIONS(Nadam, NadamOptions);
};

struct AdagradOptions {
  LearningRate learning_rate = 0.001;
  double initial_accumulator_value = 0.1;
  double epsilon = 1e-7;
  double weight_decay = 0;
  double clipnorm = 0;
  double clipvalue = 0;
  double global_clipnorm = 0;
  bool use_ema = false;
  double ema_momentum = 0.99;
  int ema_overwrite_frequency = 0;
  double loss_scale_factor = 0;
  int gradient_accumulation_steps = 0;
};

/// Steps divided by the root of the sum of all squared gradients (Duchi et al., 2011):
/// a = a + g^2;  w - lr g / sqrt(a + epsilon).
class Adagrad : public Optimizer {
 public:
  TEMPO_API Adagrad(const AdagradOptions& options = {});
  TEMPO_OPTIONS(Adagrad, AdagradOptions);
};

struct AdadeltaOptions {
  LearningRate learning_rate = 0.001;
  double rho = 0.95;
  double epsilon = 1e-7;
  double weight_decay = 0;
  double clipnorm = 0;
  double clipvalue = 0;
  double global_clipnorm = 0;
  bool use_ema = false;
  double ema_momentum = 0.99;
  int ema_overwrite_frequency = 0;
  double loss_scale_factor = 0;
  int gradient_accumulation_steps = 0;
};

/// Steps in the units of the weights (Zeiler, 2012): d = g sqrt(D + epsilon) / sqrt(G + epsilon),
/// where G and D are running means of g^2 and d^2;  w - lr d. The paper has a learning rate of 1.
class Adadelta : public Optimizer {
 public:
  TEMPO_API Adadelta(const AdadeltaOptions& options = {});
  TEMPO_OPTIONS(Adadelta, AdadeltaOptions);
};

struct FtrlOptions {
  LearningRate learning_rate = 0.001;
  double learning_rate_power = -0.5;  ///< at most 0
  double initial_accumulator_value = 0.1;
  double l1_regularization_strength = 0;
  double l2_regularization_strength = 0;
  double l2_shrinkage_regularization_strength = 0;  ///< added to the gradient only
  double beta = 0;
  double weight_decay = 0;
  double clipnorm = 0;
  double clipvalue = 0;
  double global_clipnorm = 0;
  bool use_ema = false;
  double ema_momentum = 0.99;
  int ema_overwrite_frequency = 0;
  double loss_scale_factor = 0;
  int gradient_accumulation_steps = 0;
};

/// Follow the regularized leader (McMahan et al., 2013), for sparse models: an l1 strength makes
/// weights exactly 0. The learning rate must be above 0.
class Ftrl : public Optimizer {
 public:
  TEMPO_API Ftrl(const FtrlOptions& options = {});
  TEMPO_OPTIONS(Ftrl, FtrlOptions);
};

struct LionOptions {
  LearningRate learning_rate = 0.001;
  double beta_1 = 0.9;
  double beta_2 = 0.99;
  double weight_decay = 0;
  double clipnorm = 0;
  double clipvalue = 0;
  double global_clipnorm = 0;
  bool use_ema = false;
  double ema_momentum = 0.99;
  int ema_overwrite_frequency = 0;
  double loss_scale_factor = 0;
  int gradient_accumulation_steps = 0;
};

/// The sign of a momentum (Chen et al., 2023): w - lr sign(beta_1 m + (1 - beta_1) g), then
/// m = beta_2 m + (1 - beta_2) g.
class Lion : public Optimizer {
 public:
  TEMPO_API Lion(const LionOptions& options = {});
  TEMPO_OPTIONS(Lion, LionOptions);
};

struct LambOptions {
  LearningRate learning_rate = 0.001;
  double beta_1 = 0.9;
  double beta_2 = 0.999;
  double epsilon = 1e-7;
  double weight_decay = 0;
  double clipnorm = 0;
  double clipvalue = 0;
  double global_clipnorm = 0;
  bool use_ema = false;
  double ema_momentum = 0.99;
  int ema_overwrite_frequency = 0;
  double loss_scale_factor = 0;
  int gradient_accumulation_steps = 0;
};

/// Adam whose step is scaled by the weight's norm, for large batches (You et al., 2020):
/// u = m_hat / (sqrt(v_hat) + epsilon);  w - lr |w| / |u| u, and w - lr u if a norm is 0.
class Lamb : public Optimizer {
 public:
  TEMPO_API Lamb(const LambOptions& options = {});
  TEMPO_OPTIONS(Lamb, LambOptions);
};

struct AdafactorOptions {
  LearningRate learning_rate = 0.001;
  double beta_2_decay = -0.8;  ///< at most 0: means of squares keep 1 - t^this of the old mean
  double epsilon_1 = 1e-30;    ///< is added to squared gradients
  double epsilon_2 = 0.001;    ///< the smallest scale of a weight
  double clip_threshold = 1;   ///< bounds the root mean square of a step, before its scale
  double weight_decay = 0;
  double clipnorm = 0;
  double clipvalue = 0;
  double global_clipnorm = 0;
  bool use_ema = false;
  double ema_momentum = 0.99;
  int ema_overwrite_frequency = 0;
  double loss_scale_factor = 0;
  int gradient_accumulation_steps = 0;
};

/// Adam that keeps the mean square of each row and column, not of each element (Shazeer and Stern,
/// 2018), for weights of two axes or more. Its step is scaled by the root mean square of the
/// weight, at the smaller of the rates learning_rate and 1 / sqrt(t).
class Adafactor : public Optimizer {
 public:
  TEMPO_API Adafactor(const AdafactorOptions& options = {});
  TEMPO_OPTIONS(Adafactor, AdafactorOptions);
};

}  // namespace tempo
