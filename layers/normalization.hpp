// SPDX-License-Identifier: Apache-2.0
// Layers that bring numbers to a common scale: sample by sample, or by the statistics of data.
#pragma once

#include <tempo/layers/center_and_scale.hpp>
#include <tempo/layers/lists.hpp>
#include <tempo/layers/sequences.hpp>
#include <tempo/length.hpp>

namespace tempo TEMPO_HIDDEN {

struct LayerNormalizationOptions {
  Integers axis = -1;
  double epsilon = 1e-3;
  bool center = true;
  bool scale = true;
  Initializer beta_initializer = zeros();
  Initializer gamma_initializer = ones();
  Regularizer beta_regularizer = {};
  Regularizer gamma_regularizer = {};
  Regularizer activity_regularizer = {};
  Constraint beta_constraint = {};
  Constraint gamma_constraint = {};
  bool trainable = true;
  DType dtype = DType::automatic;
  std::string name = "";
};
inline void describe(auto& option, LayerNormalizationOptions& o) {
  option("axis", sdk::as_list(o.axis), "Axes that mean and variance are taken over, as one.");
  option("epsilon", o.epsilon, "Added to the variance.", at_least(0));
  describe_center_and_scale(option, o);
}

/// gamma (x - mean) / sqrt(variance + epsilon) + beta, over the features of each step alone (Ba et
/// al., 2016).
class LayerNormalizationLayer : public LayerOf<LayerNormalizationOptions> {
 public:
  using LayerOf::LayerOf;

  void build(Weights& add, const Shape& input) {
    weights_.build(add, sdk::extents(input, axes_of(input)), options);
  }

  Tensor call(const Tensor& x, const CallOptions& call) const {
    sdk::require_floating("LayerNormalization", x);
    const Axes axes = axes_of(x.shape());
    const Tensor given = sdk::usable(x, call.mask);
    const auto& [gamma, beta] = weights_;
    if (axes == Axes{x.rank() - 1})
      return sdk::with_mask_of(call, layer_norm(given, gamma, beta, options.epsilon));
    const auto flat = [](const Tensor& w) { return w ? reshape(w, {-1}) : w; };
    Axes order;
    for (int axis = 0; axis < x.rank(); ++axis)
      if (std::find(axes.begin(), axes.end(), axis) == axes.end()) order.push_back(axis);
    const auto left = static_cast<int>(order.size());
    order.insert(order.end(), axes.begin(), axes.end());
    const Tensor behind = transpose(given, order);  // the axes that are not named, then `axes`
    const Shape apart = behind.shape();
    Shape rows(apart.begin(), apart.begin() + left);
    rows.push_back(sdk::extents(x.shape(), axes).count());
    const Tensor y = layer_norm(reshape(behind, rows), flat(gamma), flat(beta), options.epsilon);
    Axes back(order.size());
    for (std::size_t i = 0; i < order.size(); ++i)
      back[static_cast<std::size_t>(order[i])] = static_cast<int>(i);
    return sdk::with_mask_of(call, transpose(reshape(y, apart), back));
  }

 private:
  Axes axes_of(const Shape& input) const {
    const Axes axes =
        sdk::axes_after_batch("LayerNormalization", "axis", options.axis, input.rank());
    if (axes.empty()) throw Error("LayerNormalization: axis names none; -1 is the features.");
    return axes;
  }
  CenterAndScale weights_;
};

/// Layer normalization; its options are LayerNormalizationOptions.
inline Layer LayerNormalization(const LayerNormalizationOptions& options = {}) {
  return make_layer("LayerNormalization", options);
}
TEMPO_OPTIONS(Layer LayerNormalization, LayerNormalizationOptions);

struct RMSNormalizationOptions {
  Integers axis = -1;
  double epsilon = 1e-6;
  Regularizer activity_regularizer = {};
  bool trainable = true;
  DType dtype = DType::automatic;
  std::string name = "";
};
inline void describe(auto& option, RMSNormalizationOptions& o) {
  option("axis", sdk::as_list(o.axis), "Axes that the mean square is taken over, as one.");
  option("epsilon", o.epsilon, "Added to the mean square.", at_least(0));
}

/// scale x / sqrt(mean(x^2) + epsilon), over the features of each step alone (Zhang and Sennrich,
/// 2019).
class RMSNormalizationLayer : public LayerOf<RMSNormalizationOptions> {
 public:
  using LayerOf::LayerOf;

  void build(Weights& add, const Shape& input) {
    scale_ = add("scale", sdk::extents(input, axes_of(input)), ones());
  }

  Tensor call(const Tensor& x, const CallOptions& call) const {
    sdk::require_floating("RMSNormalization", x);
    const Axes axes = axes_of(x.shape());
    const Tensor given = sdk::usable(x, call.mask);
    const Tensor root = sqrt(mean(square(given), axes, true) + options.epsilon);
    return sdk::with_mask_of(call, given / root * sdk::beside(scale_, axes, x.shape()));
  }

 private:
  Axes axes_of(const Shape& input) const {
    const Axes axes = sdk::axes_after_batch("RMSNormalization", "axis", options.axis, input.rank());
    if (axes.empty()) throw Error("RMSNormalization: axis names none; -1 is the features.");
    return axes;
  }
  Tensor scale_;
};

/// Normalization by the root mean square; its options are RMSNormalizationOptions.
inline Layer RMSNormalization(const RMSNormalizationOptions& options = {}) {
  return make_layer("RMSNormalization", options);
}
TEMPO_OPTIONS(Layer RMSNormalization, RMSNormalizationOptions);

struct UnitNormalizationOptions {
  Integers axis = -1;
  Regularizer activity_regularizer = {};
  std::string name = "";
};
inline void describe(auto& option, UnitNormalizationOptions& o) {
  option("axis", sdk::as_list(o.axis), "Axes that the length is taken over, as one.");
}

/// x / |x|: vectors of Euclidean length 1; a vector shorter than 1e-12 is divided by 1e-12.
class UnitNormalizationLayer : public LayerOf<UnitNormalizationOptions> {
 public:
  using LayerOf::LayerOf;

  Tensor call(const Tensor& x, const CallOptions& call) const {
    sdk::require_floating("UnitNormalization", x);
    const Axes axes = sdk::axes_after_batch("UnitNormalization", "axis", options.axis, x.rank());
    if (axes.empty()) throw Error("UnitNormalization: axis names none; -1 is the features.");
    return sdk::with_mask_of(call, sdk::unit(sdk::usable(x, call.mask), axes, 1e-12));
  }
};

/// Vectors of length 1; its options are UnitNormalizationOptions.
inline Layer UnitNormalization(const UnitNormalizationOptions& options = {}) {
  return make_layer("UnitNormalization", options);
}
TEMPO_OPTIONS(Layer UnitNormalization, UnitNormalizationOptions);

struct NormalizationOptions {
  Integers axis = -1;
  Reals mean = {};
  Reals variance = {};
  bool invert = false;
  Regularizer activity_regularizer = {};
  DType dtype = DType::automatic;
  std::string name = "";
};
inline void describe(auto& option, NormalizationOptions& o) {
  option("axis", sdk::as_list(o.axis),
         "Axes along which each place has a mean and a variance of its own; {}: one for all.");
  option("mean", sdk::as_text(o.mean),
         "Where it is known: one number, or one for each place. Otherwise adapt finds it.");
  option("variance", sdk::as_text(o.variance), "The same for the variance.");
  option("invert", o.invert, "Whether it goes the other way: x sqrt(variance) + mean.");
}

/// (x - mean) / sqrt(variance), of the data that adapt was given, or as the options say. Numbers
/// that are not floating become so. If adapt finds mean and variance, they are weights that no
/// optimizer changes; before that they are 0 and 1.
class NormalizationLayer : public LayerOf<NormalizationOptions> {
 public:
  NormalizationLayer(NormalizationOptions o = {}) : LayerOf(std::move(o)) {
    if (options.mean.given() != options.variance.given())
      throw Error(std::string("Normalization: ") + (options.mean.given() ? "mean" : "variance") +
                  " is given and " + (options.mean.given() ? "variance" : "mean") +
                  " is not.\n  Give both, or neither and call adapt(layer, data).");
    given_mean_ = options.mean.values("Normalization", "mean");
    given_variance_ = options.variance.values("Normalization", "variance");
    for (double v : given_variance_)
      if (v < 0)
        throw Error("Normalization: variance is " + options.variance.text +
                    "; a variance is at least 0.");
  }

  void build(Weights& add, const Shape& input) {
    dtype_ = add.dtype();
    if (options.mean.given()) return;
    const Shape shape = sdk::extents(input, axes_of(input));
    mean_ = add("mean", shape, zeros(), false);
    variance_ = add("variance", shape, ones(), false);
  }

  Tensor call(const Tensor& given, const CallOptions& call) const {
    const Tensor x = is_floating(given.dtype()) ? given : cast(given, dtype_);
    const Axes axes = axes_of(x.shape());
    const auto of = [&](const char* option, const Tensor& weight,
                        const std::vector<double>& values) {
      return sdk::beside(weight ? weight : spread(option, values, x, axes), axes, x.shape());
    };
    const Tensor mean = of("mean", mean_, given_mean_);
    const Tensor deviation = maximum(sqrt(of("variance", variance_, given_variance_)), 1e-7);
    return sdk::with_mask_of(call, options.invert ? x * deviation + mean : (x - mean) / deviation);
  }

 private:
  Axes axes_of(const Shape& input) const {
    return sdk::axes_after_batch("Normalization", "axis", options.axis, input.rank());
  }
  /// Numbers of an option, one for each place along the axes.
  static Tensor spread(const char* option, const std::vector<double>& values, const Tensor& x,
                       const Axes& axes) {
    const Shape places = sdk::extents(x.shape(), axes);
    if (values.size() == 1) return full(places, values[0], x.dtype());
    if (static_cast<int64_t>(values.size()) != places.count())
      throw ShapeError(std::string("Normalization: ") + option + " has " +
                       std::to_string(values.size()) + " numbers, for " +
                       std::to_string(places.count()) + " places along axis of the input " +
                       to_string(x.shape()) + ".\n  Give one for all, or one for each.");
    return tensor(values, places, x.dtype());
  }

  std::vector<double> given_mean_, given_variance_;
  Tensor mean_, variance_;
  DType dtype_ = DType::automatic;
};

/// Numbers of mean 0 and variance 1; its options are NormalizationOptions.
inline Layer Normalization(const NormalizationOptions& options = {}) {
  return make_layer("Normalization", options);
}
TEMPO_OPTIONS(Layer Normalization, NormalizationOptions);

/// Sets the mean and variance of a Normalization layer to those of data, in one batch or several.
/// Builds the layer. Throws Error if there are no data, or some are NaN or infinite.
inline void adapt(const Layer& layer, const Tensors& batches) {
  const std::string who = "adapt: `" + layer.name() + "`";
  if (layer.type_name() != "Normalization")
    throw Error(who + " is a " + layer.type_name() + "; Normalization alone is adapted.");
  if (batches.empty()) throw Error(who + " is shown no data.");
  layer.build({batches[0].shape()});
  const Tensors weights = layer.weights();
  if (weights.empty())
    throw Error(who + " was given its mean and variance; there is nothing to find out.");
  const tempo_attribute* const axis = sdk::given(layer, "axis");
  const Shape kept =
      axis ? Shape(axis->list, axis->list + axis->count) : NormalizationOptions{}.axis;
  Tensor mean_of_all, variance_of_all;
  double seen = 0;
  for (const Tensor& batch : batches) {
    const Axes axes = sdk::axes_after_batch("Normalization", "axis", kept, batch.rank());
    const Shape places = sdk::extents(batch.shape(), axes);
    if (places != weights[0].shape())
      throw ShapeError(who + " was built for " + to_string(weights[0].shape()) +
                       " places along its axis; data of " + to_string(batch.shape()) + " have " +
                       to_string(places) + ".");
    Axes others;
    for (int i = 0; i < batch.rank(); ++i)
      if (std::find(axes.begin(), axes.end(), i) == axes.end()) others.push_back(i);
    const auto n = static_cast<double>(sdk::extents(batch.shape(), others).count());
    if (n == 0) continue;
    const Tensor x = cast(batch, float64), its_mean = mean(x, others),
                 its_variance = var(x, others);
    seen += n;
    if (!mean_of_all) {
      mean_of_all = its_mean;
      variance_of_all = its_variance;
      continue;
    }
    const double share = n / seen;  // combines variances about the common mean (Chan et al., 1979)
    const Tensor apart = its_mean - mean_of_all;
    mean_of_all = mean_of_all + share * apart;
    variance_of_all =
        (1 - share) * variance_of_all + share * its_variance + share * (1 - share) * square(apart);
  }
  if (!mean_of_all) throw Error(who + " is shown no data.");
  for (const double v : variance_of_all.to_vector())
    if (!std::isfinite(v)) throw Error(who + " is shown data that hold NaN or infinite numbers.");
  assign(weights[0], cast(mean_of_all, weights[0].dtype()));
  assign(weights[1], cast(variance_of_all, weights[1].dtype()));
}
inline void adapt(const Layer& layer, const Tensor& data) { adapt(layer, Tensors{data}); }

}  // namespace tempo
