// SPDX-License-Identifier: Apache-2.0
// Losses: one number for how far predictions are from the targets.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include <tempo/misspelt.hpp>
#include <tempo/tensor.hpp>

namespace tempo TEMPO_HIDDEN {

struct LossState;
struct MetricState;

/// A loss, made from its class, from a text ("mse", "binary_crossentropy(from_logits=true)") or
/// from a function of y_true and y_pred that returns a loss per sample, [batch], or per step,
/// [batch, time], or one number:
///
///     .loss = [](const Tensor& y, const Tensor& p) { return mean(abs(y - p), -1); }
///
/// Losses per step are masked by Tempo; fewer losses are used as they are, so a function that
/// returns these must read mask_of(y_pred) itself. It is called once, or again if it gave fewer
/// losses than the mask has steps, and gets y_true in the dtype of y_pred. Several threads may use
/// one loss; a function of your own must allow that.
class Loss {
 public:
  /// A user's function, as libtempo calls it.
  class Function {
   public:
    virtual ~Function() = default;
    virtual Tensor operator()(const Tensor& y_true, const Tensor& y_pred) const = 0;
  };

  /// No loss; false in a condition.
  Loss() = default;
  Loss(const char* text) : Loss(std::string(text)) {}
  TEMPO_API Loss(const std::string& text);
  template <class F>
  requires(std::is_invocable_r_v<Tensor, const F&, const Tensor&, const Tensor&> &&
           !std::is_base_of_v<Loss, F>) Loss(F function, const std::string& name = "loss",
                                             const std::string& reduction = "sum_over_batch_size")
      : Loss(std::make_shared<Bound<F>>(std::move(function)), name, reduction) {}

  explicit operator bool() const { return state_ != nullptr; }

  /// The reduced loss. sample_weight scales the loss of each sample (or step). Elements that the
  /// mask of y_pred or a weight of 0 leaves out do not count: whatever y_true, y_pred and the
  /// weights hold there, even NaN, affects neither the loss nor a gradient, to any order. (A
  /// tracked weight of 0 gets its gradient.) If nothing is left, the loss is 0. Axes of extent 1 at
  /// the end of y_true or y_pred are added or removed. Throws ShapeError if y_true, y_pred and
  /// sample_weight do not fit, or if a mask has the axis that a loss reduces, such as that of the
  /// classes; and Error for an invalid label: see each loss.
  TEMPO_API Tensor operator()(const Tensor& y_true, const Tensor& y_pred,
                              const Tensor& sample_weight = {}) const;
  /// The losses before reduction and mask: of the shape of y_pred without the class axis.
  TEMPO_API Tensor values(const Tensor& y_true, const Tensor& y_pred) const;

  /// The index of the model's result that it reads, from 0; the last one if there are fewer.
  TEMPO_API int reads() const;
  /// Whether it needs whole sequences, so that no part of one has a loss: CRFLoss and CTC.
  TEMPO_API bool of_whole_sequences() const;

  /// "mean_squared_error"
  TEMPO_API std::string name() const;
  /// The text from which Loss(text) makes the same loss; "" for a user's function.
  TEMPO_API std::string text() const;

 protected:
  explicit Loss(std::shared_ptr<const LossState> state) : state_(std::move(state)) {}

 private:
  friend struct MetricState;
  template <class F>
  struct Bound : Function {
    explicit Bound(F f) : function(std::move(f)) {}
    Tensor operator()(const Tensor& y_true, const Tensor& y_pred) const override {
      return function(y_true, y_pred);
    }
    F function;
  };
  TEMPO_API Loss(std::shared_ptr<const Function> function, const std::string& name,
                 const std::string& reduction);
  const LossState& required() const;

  std::shared_ptr<const LossState> state_;
};

// A class may be ruled out, by a logit of -inf or a probability of 0. It adds nothing to the loss
// if its label is 0 (0 log 0 = 0), and its gradient is 0. From logits, the loss is infinite if its
// label is above 0, even by label_smoothing; the gradient is finite. Logits that are all -inf, or
// contain +inf, give no probabilities: the loss over classes is NaN. Binary ones are certain: +inf
// is a probability of 1, and -inf one of 0.
//
// `reduction` of each: "sum_over_batch_size" (the sum divided by the number of losses), "sum",
// "mean_with_sample_weight" (divided by the sum of the weights) or "none".

struct MeanErrorOptions {
  std::string reduction = "sum_over_batch_size";
};

/// mean((y_true - y_pred)^2) over the last axis.
class MeanSquaredError : public Loss {
 public:
  TEMPO_API MeanSquaredError(const MeanErrorOptions& options = {});
  TEMPO_OPTIONS(MeanSquaredError, MeanErrorOptions);
};

/// mean(|y_true - y_pred|) over the last axis.
class MeanAbsoluteError : public Loss {
 public:
  TEMPO_API MeanAbsoluteError(const MeanErrorOptions& options = {});
  TEMPO_OPTIONS(MeanAbsoluteError, MeanErrorOptions);
};

/// 100 mean(|y_true - y_pred| / max(|y_true|, 1e-7)) over the last axis.
class MeanAbsolutePercentageError : public Loss {
 public:
  TEMPO_API MeanAbsolutePercentageError(const MeanErrorOptions& options = {});
  TEMPO_OPTIONS(MeanAbsolutePercentageError, MeanErrorOptions);
};

/// mean((log(y_true + 1) - log(y_pred + 1))^2) over the last axis; numbers below 1e-7 count as
/// 1e-7.
class MeanSquaredLogarithmicError : public Loss {
 public:
  TEMPO_API MeanSquaredLogarithmicError(const MeanErrorOptions& options = {});
  TEMPO_OPTIONS(MeanSquaredLogarithmicError, MeanErrorOptions);
};

struct HuberOptions {
  double delta = 1;  ///< at least 0: the error at which the square turns into a line
  std::string reduction = "sum_over_batch_size";
};

/// mean(e^2 / 2 where e <= delta, else delta e - delta^2 / 2) over the last axis, of
/// e = |y_true - y_pred| (Huber, 1964).
class Huber : public Loss {
 public:
  TEMPO_API Huber(const HuberOptions& options = {});
  TEMPO_OPTIONS(Huber, HuberOptions);
};

/// mean(log(cosh(y_pred - y_true))) over the last axis.
class LogCosh : public Loss {
 public:
  TEMPO_API LogCosh(const MeanErrorOptions& options = {});
  TEMPO_OPTIONS(LogCosh, MeanErrorOptions);
};

/// mean(y_pred - y_true log(y_pred + 1e-7)) over the last axis.
class Poisson : public Loss {
 public:
  TEMPO_API Poisson(const MeanErrorOptions& options = {});
  TEMPO_OPTIONS(Poisson, MeanErrorOptions);
};

/// sum(t log(t / p)) over the last axis, with both clipped to [1e-7, 1] (Kullback and Leibler,
/// 1951).
class KLDivergence : public Loss {
 public:
  TEMPO_API KLDivergence(const MeanErrorOptions& options = {});
  TEMPO_OPTIONS(KLDivergence, MeanErrorOptions);
};

struct CosineSimilarityOptions {
  int axis = -1;  ///< the axis of the vectors
  std::string reduction = "sum_over_batch_size";
};

/// Minus the cosine of the angle between y_true and y_pred: -1 if they point the same way.
class CosineSimilarity : public Loss {
 public:
  TEMPO_API CosineSimilarity(const CosineSimilarityOptions& options = {});
  TEMPO_OPTIONS(CosineSimilarity, CosineSimilarityOptions);
};

/// mean(max(1 - t p, 0)) over the last axis. Labels are -1 and 1; a batch of 0 and 1 alone is
/// converted to them.
class Hinge : public Loss {
 public:
  TEMPO_API Hinge(const MeanErrorOptions& options = {});
  TEMPO_OPTIONS(Hinge, MeanErrorOptions);
};

/// mean(max(1 - t p, 0)^2) over the last axis, for the labels of Hinge.
class SquaredHinge : public Loss {
 public:
  TEMPO_API SquaredHinge(const MeanErrorOptions& options = {});
  TEMPO_OPTIONS(SquaredHinge, MeanErrorOptions);
};

/// max(max((1 - t) p) - sum(t p) + 1, 0) over the last axis, for one-hot t.
class CategoricalHinge : public Loss {
 public:
  TEMPO_API CategoricalHinge(const MeanErrorOptions& options = {});
  TEMPO_OPTIONS(CategoricalHinge, MeanErrorOptions);
};

struct BinaryCrossentropyOptions {
  bool from_logits = false;    ///< y_pred are logits, not probabilities
  double label_smoothing = 0;  ///< in [0, 1]: moves labels towards 1/2 by this share
  int axis = -1;               ///< the axis of the mean
  std::string reduction = "sum_over_batch_size";
};

/// -mean(t log p + (1 - t) log(1 - p)), with p clipped to [1e-7, 1 - 1e-7]. Labels lie in [0, 1].
class BinaryCrossentropy : public Loss {
 public:
  TEMPO_API BinaryCrossentropy(const BinaryCrossentropyOptions& options = {});
  TEMPO_OPTIONS(BinaryCrossentropy, BinaryCrossentropyOptions);
};

struct CategoricalCrossentropyOptions {
  bool from_logits = false;
  double label_smoothing = 0;  ///< in [0, 1]: moves labels towards 1 / classes by this share
  int axis = -1;               ///< the axis of the classes
  std::string reduction = "sum_over_batch_size";
};

/// -sum(t log p) for one-hot t, with p scaled to sum 1. Labels are any numbers but NaN.
class CategoricalCrossentropy : public Loss {
 public:
  TEMPO_API CategoricalCrossentropy(const CategoricalCrossentropyOptions& options = {});
  TEMPO_OPTIONS(CategoricalCrossentropy, CategoricalCrossentropyOptions);
};

struct SparseCategoricalCrossentropyOptions {
  bool from_logits = false;
  std::optional<int64_t> ignore_class = {};  ///< samples with this label do not count
  std::string reduction = "sum_over_batch_size";
  int axis = -1;  ///< the axis of y_pred's classes
};

/// -log p[t] for class numbers t, the whole numbers from 0 to classes - 1, of any dtype.
class SparseCategoricalCrossentropy : public Loss {
 public:
  TEMPO_API SparseCategoricalCrossentropy(const SparseCategoricalCrossentropyOptions& options = {});
  TEMPO_OPTIONS(SparseCategoricalCrossentropy, SparseCategoricalCrossentropyOptions);
};

struct BinaryFocalCrossentropyOptions {
  bool apply_class_balancing = false;  ///< weighs labels 1 by alpha and labels 0 by 1 - alpha
  double alpha = 0.25;
  double gamma = 2;  ///< at least 0: the larger, the less easy samples count
  bool from_logits = false;
  double label_smoothing = 0;  ///< in [0, 1]: moves labels towards 1/2 by this share
  int axis = -1;               ///< the axis of the mean
  std::string reduction = "sum_over_batch_size";
};

/// BinaryCrossentropy times (1 - q)^gamma, where q is the probability that y_pred gives the label
/// (Lin et al., 2017).
class BinaryFocalCrossentropy : public Loss {
 public:
  TEMPO_API BinaryFocalCrossentropy(const BinaryFocalCrossentropyOptions& options = {});
  TEMPO_OPTIONS(BinaryFocalCrossentropy, BinaryFocalCrossentropyOptions);
};

struct CategoricalFocalCrossentropyOptions {
  double alpha = 0.25;  ///< the weight of all classes
  double gamma = 2;     ///< at least 0: the larger, the less easy samples count
  bool from_logits = false;
  double label_smoothing = 0;  ///< in [0, 1]: moves labels towards 1 / classes by this share
  int axis = -1;               ///< the axis of the classes
  std::string reduction = "sum_over_batch_size";
};

/// -sum(alpha (1 - p)^gamma t log p) for one-hot t, with p scaled to sum 1 (Lin et al., 2017).
class CategoricalFocalCrossentropy : public Loss {
 public:
  TEMPO_API CategoricalFocalCrossentropy(const CategoricalFocalCrossentropyOptions& options = {});
  TEMPO_OPTIONS(CategoricalFocalCrossentropy, CategoricalFocalCrossentropyOptions);
};

struct CategoricalGeneralizedCrossEntropyOptions {
  double q = 0.5;  ///< in [1e-6, 1]: near 0 it is the crossentropy, at 1 the absolute error
  std::string reduction = "sum_over_batch_size";
};

/// (1 - p[t]^q) / q for class numbers t, for noisy labels (Zhang and Sabuncu, 2018).
class CategoricalGeneralizedCrossEntropy : public Loss {
 public:
  TEMPO_API CategoricalGeneralizedCrossEntropy(
      const CategoricalGeneralizedCrossEntropyOptions& options = {});
  TEMPO_OPTIONS(CategoricalGeneralizedCrossEntropy, CategoricalGeneralizedCrossEntropyOptions);
};

struct DiceOptions {
  std::vector<int> axis = {};  ///< of the sums; empty: all, and the batch has one loss
  std::string reduction = "sum_over_batch_size";
};

/// 1 - 2 sum(t p) / (sum(t) + sum(p) + 1e-7): how little two areas overlap (Dice, 1945). Over the
/// axes {1, 2} of [batch, time, classes], each sample has a loss.
class Dice : public Loss {
 public:
  TEMPO_API Dice(const DiceOptions& options = {});
  TEMPO_OPTIONS(Dice, DiceOptions);
};

struct TverskyOptions {
  double alpha = 0.5;          ///< the weight of false positives
  double beta = 0.5;           ///< the weight of false negatives
  std::vector<int> axis = {};  ///< of the sums; empty: all, and the batch has one loss
  std::string reduction = "sum_over_batch_size";
};

/// 1 - s / (s + alpha sum((1 - t) p) + beta sum(t (1 - p)) + 1e-7) with s = sum(t p) (Salehi et
/// al., 2017).
class Tversky : public Loss {
 public:
  TEMPO_API Tversky(const TverskyOptions& options = {});
  TEMPO_OPTIONS(Tversky, TverskyOptions);
};

struct CircleOptions {
  double gamma = 80;            ///< how sharp the loss is
  double margin = 0.4;          ///< in [0, 1]: how far apart classes should be
  bool remove_diagonal = true;  ///< a sample is no partner of itself
  std::string reduction = "sum_over_batch_size";
};

/// Pulls samples of one class together and others apart, within a batch (Sun et al., 2020): y_true
/// holds class numbers, y_pred vectors of length 1, [batch, features]. A sample without a partner
/// of its class, or without one of another class, does not count.
class Circle : public Loss {
 public:
  TEMPO_API Circle(const CircleOptions& options = {});
  TEMPO_OPTIONS(Circle, CircleOptions);
};

struct CTCOptions {
  int mask_index = 0;  ///< the class of the blank, which stands for no label
  std::string reduction = "sum_over_batch_size";
};

/// "ctc", connectionist temporal classification (Graves et al., 2006): -log of the probability that
/// logits y_pred [batch, time, classes] give to the labels y_true [batch, length], over all ways to
/// lay them along time with blanks between. Labels are whole numbers in [0, classes) and not the
/// blank; mask_index or -1 fills the rest of a row. The mask of y_pred says which steps count. Each
/// sample has a loss, [batch], which is infinite, with a gradient of 0, if the labels do not fit
/// into the steps.
class CTC : public Loss {
 public:
  TEMPO_API CTC(const CTCOptions& options = {});
  TEMPO_OPTIONS(CTC, CTCOptions);
};

struct CRFLossOptions {
  std::string reduction = "sum_over_batch_size";
};

/// "crf_loss": -log of the probability that a linear chain (Lafferty et al., 2001) gives to the
/// tags y_true [batch, time]. y_pred are its potentials [batch, time, tags, tags], the second
/// result of a linear-chain layer, which this loss reads. Each sample has a loss, [batch]; steps
/// that the mask of y_pred leaves out do not belong to the chain.
class CRFLoss : public Loss {
 public:
  TEMPO_API CRFLoss(const CRFLossOptions& options = {});
  TEMPO_OPTIONS(CRFLoss, CRFLossOptions);
};

}  // namespace tempo
