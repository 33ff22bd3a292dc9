// SPDX-License-Identifier: Apache-2.0
// Layers that make one step from several, or from all.
#pragma once

#include <tempo/layers/sequences.hpp>

namespace tempo TEMPO_HIDDEN {

struct Pooling1DOptions {
  int pool_size = 2;
  int strides = 0;
  std::string padding = "valid";
  std::string data_format = "channels_last";
  Regularizer activity_regularizer = {};
  std::string name = "";
};
inline void describe(auto& option, Pooling1DOptions& o) {
  option("pool_size", o.pool_size, "Steps in a window.", at_least(1));
  option("strides", o.strides, "Steps from one window to the next; 0 is pool_size.", at_least(0));
  option("padding", o.padding,
         "valid: whole windows alone; same: ceil(time / strides) of them, which reach over both "
         "ends.",
         one_of("valid|same"));
  sdk::describe_data_format(option, o);
}

namespace sdk {

/// The windows of a pooling layer; `before` and `after` are numbers of steps outside of the
/// sequence.
struct Windows {
  int64_t size, stride, count, before, after;

  static Windows of(const char* who, const Pooling1DOptions& o, const Tensor& x) {
    require_sequence(who, x);
    require_floating(who, x);
    const int64_t time = x.shape()[1];
    Windows w{o.pool_size, o.strides ? o.strides : o.pool_size, 0, 0, 0};
    if (o.padding == "same") {
      w.count = (time + w.stride - 1) / w.stride;
      const int64_t outside = std::max<int64_t>((w.count - 1) * w.stride + w.size - time, 0);
      w.before = outside / 2;
      w.after = outside - w.before;
    } else {
      w.count = time < w.size ? 0 : (time - w.size) / w.stride + 1;
    }
    if (w.count < 1)
      throw ShapeError(std::string(who) + ": a window of " + std::to_string(w.size) +
                       " steps does not fit into " + to_string(x.shape()) +
                       ".\n  Make pool_size smaller, or padding \"same\".");
    return w;
  }

  /// The steps of each window: x [batch, time, features], which includes those outside of the
  /// sequence, to [batch, count, size, features].
  Tensor steps(const Tensor& x) const {
    const int64_t batch = x.shape()[0], features = x.shape()[2];
    if (size == stride)
      return reshape(slice(x, 1, 0, count * size), {batch, count, size, features});
    // Step i of all windows is every stride-th step from i on: the first of each group of `stride`.
    const int64_t missing = size - 1 + count * stride - x.shape()[1];
    const Tensor long_enough = missing > 0 ? pad(x, 1, 0, missing) : x;
    Tensors each;
    for (int64_t i = 0; i < size; ++i) {
      const Tensor groups = slice(long_enough, 1, i, i + count * stride);
      each.push_back(slice(reshape(groups, {batch, count, stride, features}), 2, 0, 1));
    }
    return concat(each, 2);
  }

  /// How many steps of each window lie within a sequence of `time` steps.
  std::vector<double> inside(int64_t time) const {
    std::vector<double> out;
    for (int64_t i = 0; i < count; ++i) {
      const int64_t first = i * stride - before;
      out.push_back(
          static_cast<double>(std::min(first + size, time) - std::max<int64_t>(first, 0)));
    }
    return out;
  }
};

}  // namespace sdk

/// The maximum of each window of steps, feature by feature: [batch, time, features] to [batch,
/// windows, features]. Masked steps count, and the mask is dropped, as in Keras.
class MaxPooling1DLayer : public LayerOf<Pooling1DOptions> {
 public:
  using LayerOf::LayerOf;

  Tensor call(const Tensor& given, const CallOptions&) const {
    const Tensor x = sdk::reordered(given, options.data_format);
    const sdk::Windows windows = sdk::Windows::of("MaxPooling1D", options, x);
    const auto least = [&](int64_t steps) {
      return full({x.shape()[0], steps, x.shape()[2]}, -HUGE_VAL, x.dtype());
    };
    Tensor all = sdk::without_mask(x);
    if (windows.before + windows.after > 0)
      all = concat({least(windows.before), all, least(windows.after)}, 1);
    return sdk::reordered(max(windows.steps(all), 2), options.data_format);
  }
};

/// The maximum of each window of steps; its options are Pooling1DOptions.
inline Layer MaxPooling1D(const Pooling1DOptions& options = {}) {
  return make_layer("MaxPooling1D", options);
}
TEMPO_OPTIONS(Layer MaxPooling1D, Pooling1DOptions);

/// The mean of each window, over its steps within the sequence: [batch, time, features] to [batch,
/// windows, features]. Masked steps count, and the mask is dropped, as in Keras.
class AveragePooling1DLayer : public LayerOf<Pooling1DOptions> {
 public:
  using LayerOf::LayerOf;

  Tensor call(const Tensor& given, const CallOptions&) const {
    const Tensor x = sdk::reordered(given, options.data_format);
    return sdk::reordered(means(x), options.data_format);
  }

 private:
  Tensor means(const Tensor& x) const {
    const sdk::Windows windows = sdk::Windows::of("AveragePooling1D", options, x);
    const Tensor bare = sdk::without_mask(x);
    if (windows.before + windows.after == 0) return mean(windows.steps(bare), 2);
    const Tensor total = sum(windows.steps(pad(bare, 1, windows.before, windows.after)), 2);
    return total / tensor(windows.inside(x.shape()[1]), {windows.count, 1}, x.dtype());
  }
};

/// The mean of each window of steps; its options are Pooling1DOptions.
inline Layer AveragePooling1D(const Pooling1DOptions& options = {}) {
  return make_layer("AveragePooling1D", options);
}
TEMPO_OPTIONS(Layer AveragePooling1D, Pooling1DOptions);

struct GlobalPooling1DOptions {
  std::string data_format = "channels_last";
  bool keepdims = false;
  Regularizer activity_regularizer = {};
  std::string name = "";
};
inline void describe(auto& option, GlobalPooling1DOptions& o) {
  sdk::describe_data_format(option, o);
  option("keepdims", o.keepdims, "Whether time stays as an axis of 1.");
}

/// The maximum of all steps, feature by feature: [batch, time, features] to [batch, features].
/// Masked steps count, as in Keras.
class GlobalMaxPooling1DLayer : public LayerOf<GlobalPooling1DOptions> {
 public:
  using LayerOf::LayerOf;

  Tensor call(const Tensor& given, const CallOptions&) const {
    const Tensor x = sdk::reordered(given, options.data_format);
    sdk::require_sequence("GlobalMaxPooling1D", x);
    if (x.shape()[1] == 0)
      throw ShapeError("GlobalMaxPooling1D: " + to_string(x.shape()) +
                       " has no steps, and so no greatest one.");
    return sdk::reordered(max(sdk::without_mask(x), 1, options.keepdims), options.data_format);
  }
};

/// The maximum of all steps; its options are GlobalPooling1DOptions.
inline Layer GlobalMaxPooling1D(const GlobalPooling1DOptions& options = {}) {
  return make_layer("GlobalMaxPooling1D", options);
}
TEMPO_OPTIONS(Layer GlobalMaxPooling1D, GlobalPooling1DOptions);

/// The mean of all steps that the mask counts: [batch, time, features] to [batch, features]. A
/// sequence without such steps gives 0 (Keras: NaN).
class GlobalAveragePooling1DLayer : public LayerOf<GlobalPooling1DOptions> {
 public:
  using LayerOf::LayerOf;

  Tensor call(const Tensor& given, const CallOptions& call) const {
    const Tensor x = sdk::reordered(given, options.data_format);
    return sdk::reordered(mean_of_counted(x, call), options.data_format);
  }

 private:
  Tensor mean_of_counted(const Tensor& x, const CallOptions& call) const {
    const char* const who = "GlobalAveragePooling1D";
    sdk::require_sequence(who, x);
    sdk::require_floating(who, x);
    const Tensor bare = sdk::without_mask(x);
    if (!call.mask && x.shape()[1] > 0) return mean(bare, 1, options.keepdims);
    const Tensor counts = call.mask ? sdk::mask_of_steps(who, x, call.mask)
                                    : ones({x.shape()[0], x.shape()[1], 1}, bool_);
    const Tensor n = sum(cast(counts, x.dtype()), 1, options.keepdims);
    return sum(where(counts, bare, 0), 1, options.keepdims) / maximum(n, 1);
  }
};

/// The mean of all steps; its options are GlobalPooling1DOptions.
inline Layer GlobalAveragePooling1D(const GlobalPooling1DOptions& options = {}) {
  return make_layer("GlobalAveragePooling1D", options);
}
TEMPO_OPTIONS(Layer GlobalAveragePooling1D, GlobalPooling1DOptions);

}  // namespace tempo
