// SPDX-License-Identifier: Apache-2.0
// Noise in training; otherwise each of these layers returns its input.
#pragma once

#include <tempo/layers/dropout.hpp>
#include <tempo/layers/sequences.hpp>

namespace tempo TEMPO_HIDDEN {

struct GaussianNoiseOptions {
  double stddev = -1;
  int64_t seed = -1;
  Regularizer activity_regularizer = {};
  std::string name = "";
};
inline void describe(auto& option, GaussianNoiseOptions& o) {
  option("stddev", o.stddev, "Standard deviation of what is added.", at_least(0));
  sdk::describe_seed(option, o);
}

/// Adds normal numbers of mean 0 in training.
class GaussianNoiseLayer : public LayerOf<GaussianNoiseOptions> {
 public:
  using LayerOf::LayerOf;

  Tensor call(const Tensor& x, const CallOptions& call) {
    if (!call.training) return sdk::with_mask_of(call, x);
    sdk::require_floating("GaussianNoise", x);
    const int64_t seed = seeds_.next();
    return sdk::with_mask_of(call,
                             x + random_normal(x.shape(), 0, options.stddev, x.dtype(), seed));
  }

  void keep_state(Kept& keep) { seeds_.keep(keep); }

 private:
  sdk::Seeds seeds_{options.seed};
};

/// Normal numbers added in training; its options are GaussianNoiseOptions.
inline Layer GaussianNoise(const GaussianNoiseOptions& options) {
  return make_layer("GaussianNoise", options);
}
TEMPO_OPTIONS(Layer GaussianNoise, GaussianNoiseOptions);

struct NoiseRateOptions {
  double rate = -1;
  int64_t seed = -1;
  Regularizer activity_regularizer = {};
  std::string name = "";
};
inline void describe(auto& option, NoiseRateOptions& o) {
  option("rate", o.rate, "Share of the elements that dropout would set to 0.", between(0, 1));
  sdk::describe_seed(option, o);
}

namespace sdk {
/// Refuses a rate of 1, which leaves nothing to scale so that mean and variance stay.
inline void require_some_kept(const char* who, double rate) {
  if (rate == 1)
    throw Error(std::string(who) +
                ": rate is 1, which leaves nothing to scale up; it must be below 1.");
}
}  // namespace sdk

/// In training, multiplies by normal numbers of mean 1 and variance rate / (1 - rate), as in
/// dropout (Srivastava et al., 2014, section 10).
class GaussianDropoutLayer : public LayerOf<NoiseRateOptions> {
 public:
  GaussianDropoutLayer(NoiseRateOptions o = {}) : LayerOf(std::move(o)) {
    sdk::require_some_kept("GaussianDropout", options.rate);
  }

  Tensor call(const Tensor& x, const CallOptions& call) {
    if (!call.training) return sdk::with_mask_of(call, x);
    sdk::require_floating("GaussianDropout", x);
    const double deviation = std::sqrt(options.rate / (1 - options.rate));
    const Tensor factors = random_normal(x.shape(), 1, deviation, x.dtype(), seeds_.next());
    return sdk::with_mask_of(call, x * factors);
  }

  void keep_state(Kept& keep) { seeds_.keep(keep); }

 private:
  sdk::Seeds seeds_{options.seed};
};

/// Normal factors in training; its options are NoiseRateOptions.
inline Layer GaussianDropout(const NoiseRateOptions& options) {
  return make_layer("GaussianDropout", options);
}
TEMPO_OPTIONS(Layer GaussianDropout, NoiseRateOptions);

/// In training, sets whole features of [batch, time, features] to 0, at all steps of a sequence,
/// and scales the others by 1 / (1 - rate) (Tompson et al., 2014).
class SpatialDropout1DLayer : public LayerOf<NoiseRateOptions> {
 public:
  using LayerOf::LayerOf;

  Tensor call(const Tensor& x, const CallOptions& call) {
    sdk::require_sequence("SpatialDropout1D", x);
    if (!call.training) return sdk::with_mask_of(call, x);
    sdk::require_floating("SpatialDropout1D", x);
    const Shape draws{x.shape()[0], 1, x.shape()[2]};
    return sdk::with_mask_of(call, sdk::dropped(x, options.rate, draws, seeds_.next()));
  }

  void keep_state(Kept& keep) { seeds_.keep(keep); }

 private:
  sdk::Seeds seeds_{options.seed};
};

/// Dropout of whole features; its options are NoiseRateOptions.
inline Layer SpatialDropout1D(const NoiseRateOptions& options) {
  return make_layer("SpatialDropout1D", options);
}
TEMPO_OPTIONS(Layer SpatialDropout1D, NoiseRateOptions);

struct AlphaDropoutOptions {
  double rate = -1;
  Shape noise_shape = {};
  int64_t seed = -1;
  Regularizer activity_regularizer = {};
  std::string name = "";
};
inline void describe(auto& option, AlphaDropoutOptions& o) {
  option("rate", o.rate, "Share of the elements that are set to selu's least value.",
         between(0, 1));
  option("noise_shape", o.noise_shape,
         "Shape of the draws: 1 where one serves the whole axis, -1 for the input's extent.");
  sdk::describe_seed(option, o);
}

/// In training, sets random elements to the lowest value of selu, then scales and shifts all, so
/// that mean 0 and variance 1 stay (Klambauer et al., 2017, "alpha dropout").
class AlphaDropoutLayer : public LayerOf<AlphaDropoutOptions> {
 public:
  AlphaDropoutLayer(AlphaDropoutOptions o = {}) : LayerOf(std::move(o)) {
    sdk::require_some_kept("AlphaDropout", options.rate);
  }

  Tensor call(const Tensor& x, const CallOptions& call) {
    const Shape draws = sdk::noise_shape("AlphaDropout", options.noise_shape, x.shape());
    if (!call.training) return sdk::with_mask_of(call, x);
    sdk::require_floating("AlphaDropout", x);
    const double rate = options.rate, least = -1.0507009873554805 * 1.6732632423543772;
    const double scale = 1 / std::sqrt((1 - rate) * (1 + rate * least * least));
    const Tensor kept = random_uniform(draws, 0, 1, x.dtype(), seeds_.next()) >= rate;
    return sdk::with_mask_of(call, scale * where(kept, x, least) - scale * least * rate);
  }

  void keep_state(Kept& keep) { seeds_.keep(keep); }

 private:
  sdk::Seeds seeds_{options.seed};
};

/// Dropout for selu; its options are AlphaDropoutOptions.
inline Layer AlphaDropout(const AlphaDropoutOptions& options) {
  return make_layer("AlphaDropout", options);
}
TEMPO_OPTIONS(Layer AlphaDropout, AlphaDropoutOptions);

}  // namespace tempo
