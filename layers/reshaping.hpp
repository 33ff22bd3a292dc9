// SPDX-License-Identifier: Apache-2.0
// Layers that move elements. As in Keras, none of them passes a mask on: their results have other
// steps, or none.
#pragma once

#include <tempo/layers/lists.hpp>
#include <tempo/layers/sequences.hpp>

namespace tempo TEMPO_HIDDEN {

struct FlattenOptions {
  std::string data_format = "channels_last";
  Regularizer activity_regularizer = {};
  std::string name = "";
};
inline void describe(auto& option, FlattenOptions& o) {
  option("data_format", o.data_format,
         "Whether the channels are the last axis, or the first one after the batch and are put "
         "last.",
         one_of("channels_last|channels_first"));
}

/// [batch, ...] to [batch, n], all elements of a sample side by side. The mask is dropped.
class FlattenLayer : public LayerOf<FlattenOptions> {
 public:
  using LayerOf::LayerOf;

  Tensor call(const Tensor& x, const CallOptions&) const {
    const Shape shape = x.shape();
    if (shape.empty()) throw ShapeError("Flatten: needs [batch, ...], got [].");
    Tensor bare = sdk::without_mask(x);
    if (options.data_format == "channels_first" && shape.rank() > 2) {
      Axes order{0};
      for (int axis = 2; axis < shape.rank(); ++axis) order.push_back(axis);
      order.push_back(1);
      bare = transpose(bare, order);
    }
    return reshape(bare, {shape[0], shape.without_first().count()});
  }
};

/// All elements of a sample side by side; its options are FlattenOptions.
inline Layer Flatten(const FlattenOptions& options = {}) { return make_layer("Flatten", options); }
TEMPO_OPTIONS(Layer Flatten, FlattenOptions);

struct ReshapeOptions {
  Shape target_shape = {};
  Regularizer activity_regularizer = {};
  std::string name = "";
};
inline void describe(auto& option, ReshapeOptions& o) {
  option("target_shape", o.target_shape,
         "Shape of a sample, without the batch; one -1 in it is worked out.");
}

/// [batch, ...] to [batch, target_shape...]. The mask is dropped.
class ReshapeLayer : public LayerOf<ReshapeOptions> {
 public:
  using LayerOf::LayerOf;

  Tensor call(const Tensor& x, const CallOptions&) const {
    return reshape(sdk::without_mask(x), sample(x.shape()).prepended(x.shape()[0]));
  }

 private:
  /// The target shape, with its -1 computed.
  Shape sample(const Shape& x) const {
    Shape target = options.target_shape;
    if (target.empty())
      throw Error(
          "Reshape: target_shape is not set; it is the shape of a sample.\n"
          "  Give it without the batch: Reshape({.target_shape = {-1, 4}}).");
    if (x.empty()) throw ShapeError("Reshape: needs [batch, ...], got [].");
    int64_t open = 0, fault = 0;
    Shape without_open;
    for (int64_t extent : target) {
      extent == -1 ? ++open : fault += extent < 0;
      if (extent >= 0) without_open.push_back(extent);
    }
    if (open > 1 || fault > 0)
      throw ShapeError("Reshape: target_shape is " + to_string(target) +
                       "; its extents are at least 0, and one may be -1.");
    const int64_t elements = x.without_first().count(), known = without_open.count();
    if (open ? known == 0 || elements % known != 0 : known != elements)
      throw ShapeError("Reshape: target_shape is " + to_string(target) + "; a sample of " +
                       to_string(x) + " has " + std::to_string(elements) +
                       (elements == 1 ? " element" : " elements") +
                       ", which do not fill it.\n  It is the shape without the batch.");
    for (int64_t& extent : target)
      if (extent == -1) extent = elements / known;
    return target;
  }
};

/// Samples in another shape; its options are ReshapeOptions.
inline Layer Reshape(const ReshapeOptions& options) { return make_layer("Reshape", options); }
TEMPO_OPTIONS(Layer Reshape, ReshapeOptions);

struct PermuteOptions {
  Shape dims = {};
  Regularizer activity_regularizer = {};
  std::string name = "";
};
inline void describe(auto& option, PermuteOptions& o) {
  option("dims", o.dims,
         "Axes of the input in the order of the output, counted from 1: the batch, 0, stays.");
}

/// Puts the axes after the batch in another order. The mask is dropped.
class PermuteLayer : public LayerOf<PermuteOptions> {
 public:
  using LayerOf::LayerOf;

  Tensor call(const Tensor& x, const CallOptions&) const {
    const Shape& dims = options.dims;
    Axes order{0};
    for (int64_t axis : dims)
      order.push_back(axis < 0 ? 0 : sdk::axis_after_batch(axis, dims.rank() + 1));
    Axes sorted = order;
    std::sort(sorted.begin(), sorted.end());
    for (int i = 0; i <= dims.rank(); ++i)
      if (sorted[static_cast<std::size_t>(i)] != i || dims.empty())
        throw Error("Permute: dims is " + to_string(dims) +
                    "; it names each axis after the batch once, counted from 1.\n"
                    "  Permute({.dims = {2, 1}}) swaps time and features.");
    if (x.rank() != dims.rank() + 1)
      throw ShapeError("Permute: dims is " + to_string(dims) + ", for inputs with " +
                       std::to_string(dims.rank() + 1) + " axes; got " + to_string(x.shape()) +
                       ".");
    return transpose(sdk::without_mask(x), order);
  }
};

/// The axes of samples in another order; its options are PermuteOptions.
inline Layer Permute(const PermuteOptions& options) { return make_layer("Permute", options); }
TEMPO_OPTIONS(Layer Permute, PermuteOptions);

struct RepeatVectorOptions {
  int n = 0;
  Regularizer activity_regularizer = {};
  std::string name = "";
};
inline void describe(auto& option, RepeatVectorOptions& o) {
  option("n", o.n, "How many steps are made of a vector.", at_least(1));
}

/// [batch, features] to [batch, n, features]: the same vector at each step, as a decoder reads it.
class RepeatVectorLayer : public LayerOf<RepeatVectorOptions> {
 public:
  using LayerOf::LayerOf;

  Tensor call(const Tensor& x, const CallOptions&) const {
    const Shape shape = x.shape();
    if (shape.rank() != 2)
      throw ShapeError("RepeatVector: needs [batch, features], got " + to_string(shape) +
                       ".\n  Of a sequence, a recurrent layer without return_sequences makes one "
                       "vector.");
    return broadcast_to(expand_dims(sdk::without_mask(x), 1), {shape[0], options.n, shape[1]});
  }
};

/// A vector as a sequence; its options are RepeatVectorOptions.
inline Layer RepeatVector(const RepeatVectorOptions& options) {
  return make_layer("RepeatVector", options);
}
TEMPO_OPTIONS(Layer RepeatVector, RepeatVectorOptions);

struct UpSampling1DOptions {
  int size = 2;
  Regularizer activity_regularizer = {};
  std::string name = "";
};
inline void describe(auto& option, UpSampling1DOptions& o) {
  option("size", o.size, "How many times each step is repeated.", at_least(1));
}

/// [batch, time, features] to [batch, size * time, features]: each step `size` times. The mask is
/// dropped.
class UpSampling1DLayer : public LayerOf<UpSampling1DOptions> {
 public:
  using LayerOf::LayerOf;

  Tensor call(const Tensor& x, const CallOptions&) const {
    sdk::require_sequence("UpSampling1D", x);
    const int64_t batch = x.shape()[0], time = x.shape()[1], features = x.shape()[2],
                  size = options.size;
    const Tensor steps = expand_dims(sdk::without_mask(x), 2);  // [batch, time, 1, features]
    return reshape(broadcast_to(steps, {batch, time, size, features}),
                   {batch, time * size, features});
  }
};

/// Each step several times; its options are UpSampling1DOptions.
inline Layer UpSampling1D(const UpSampling1DOptions& options = {}) {
  return make_layer("UpSampling1D", options);
}
TEMPO_OPTIONS(Layer UpSampling1D, UpSampling1DOptions);

namespace sdk {
/// The two numbers of an option for the ends of the time axis: one number for both, or one each.
inline std::pair<int64_t, int64_t> ends(const char* who, const char* option, const Shape& given) {
  bool fits = given.rank() == 1 || given.rank() == 2;
  for (int64_t steps : given) fits = fits && steps >= 0;
  if (!fits)
    throw Error(std::string(who) + ": " + option + " is " + to_string(given) +
                "; it is one number of steps, at least 0, or one for each end of the sequence.");
  return {given.front(), given.back()};
}
}  // namespace sdk

struct ZeroPadding1DOptions {
  Integers padding = 1;
  std::string data_format = "channels_last";
  Regularizer activity_regularizer = {};
  std::string name = "";
};
inline void describe(auto& option, ZeroPadding1DOptions& o) {
  option("padding", sdk::as_list(o.padding),
         "Steps of zeros before and after the sequence: one number for both, or two.");
  sdk::describe_data_format(option, o);
}

/// Puts steps of zeros before and after [batch, time, features]. The mask is dropped.
class ZeroPadding1DLayer : public LayerOf<ZeroPadding1DOptions> {
 public:
  using LayerOf::LayerOf;

  Tensor call(const Tensor& given, const CallOptions&) const {
    const auto [before, after] = sdk::ends("ZeroPadding1D", "padding", options.padding);
    const Tensor x = sdk::reordered(given, options.data_format);
    sdk::require_sequence("ZeroPadding1D", x);
    return sdk::reordered(pad(sdk::without_mask(x), 1, before, after), options.data_format);
  }
};

/// Zeros around a sequence; its options are ZeroPadding1DOptions.
inline Layer ZeroPadding1D(const ZeroPadding1DOptions& options = {}) {
  return make_layer("ZeroPadding1D", options);
}
TEMPO_OPTIONS(Layer ZeroPadding1D, ZeroPadding1DOptions);

struct Cropping1DOptions {
  Integers cropping = 1;
  Regularizer activity_regularizer = {};
  std::string name = "";
};
inline void describe(auto& option, Cropping1DOptions& o) {
  option("cropping", sdk::as_list(o.cropping),
         "Steps cut off at the beginning and the end: one number for both, or two.");
}

/// Cuts steps off [batch, time, features] at both ends. The mask is dropped.
class Cropping1DLayer : public LayerOf<Cropping1DOptions> {
 public:
  using LayerOf::LayerOf;

  Tensor call(const Tensor& x, const CallOptions&) const {
    const auto [begin, end] = sdk::ends("Cropping1D", "cropping", options.cropping);
    sdk::require_sequence("Cropping1D", x);
    const int64_t time = x.shape()[1];
    if (begin >= time || end >= time - begin)
      throw ShapeError("Cropping1D: cropping is " + to_string(options.cropping) +
                       ", which leaves no step of " + to_string(x.shape()) + ".");
    return slice(sdk::without_mask(x), 1, begin, time - end);
  }
};

/// A sequence without its ends; its options are Cropping1DOptions.
inline Layer Cropping1D(const Cropping1DOptions& options = {}) {
  return make_layer("Cropping1D", options);
}
TEMPO_OPTIONS(Layer Cropping1D, Cropping1DOptions);

}  // namespace tempo
