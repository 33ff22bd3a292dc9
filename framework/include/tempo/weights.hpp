// SPDX-License-Identifier: Apache-2.0
// The parts of a layer or cell: it adds its weights when it is built, and its layers when it is
// made.
#pragma once

#include <concepts>

#include <tempo/option.hpp>

namespace tempo TEMPO_HIDDEN {

/// The options of a weight besides its first value.
struct WeightOptions {
  bool trainable = true;
  Regularizer regularizer = {};  ///< its penalty is added to the loss of training
  Constraint constraint = {};    ///< applied after each step of an optimizer
};

/// Adds weights to a layer or cell that is being built.
class Weights {
 public:
  explicit Weights(tempo_layer* self) : self_(self) {}
  /// Adds a weight of the layer's dtype.
  Tensor operator()(const char* name, const Shape& shape, const Initializer& initializer,
                    const WeightOptions& options = {}) {
    const tempo_type type = sdk::to_abi(dtype(), shape);
    tempo_weight weight = described(name, options);
    weight.type = &type;
    weight.initializer = initializer.text().c_str();
    return added(weight);
  }
  TEMPO_OPTIONS(Tensor operator(), WeightOptions, const char*, const Shape&, const Initializer&);
  /// Adds a weight with this first value.
  Tensor operator()(const char* name, const Tensor& value, const WeightOptions& options = {}) {
    tempo_weight weight = described(name, options);
    weight.value = value.handle();
    return added(weight);
  }
  TEMPO_OPTIONS(Tensor operator(), WeightOptions, const char*, const Tensor&);
  /// With `trainable` as the only option.
  Tensor operator()(const char* name, const Shape& shape, const Initializer& initializer,
                    std::same_as<bool> auto trainable) {
    return (*this)(name, shape, initializer, WeightOptions{.trainable = trainable});
  }
  Tensor operator()(const char* name, const Tensor& value, std::same_as<bool> auto trainable) {
    return (*this)(name, value, WeightOptions{.trainable = trainable});
  }
  DType dtype() const { return static_cast<DType>(Layer::borrowed(self_).view().dtype); }

 private:
  /// The result borrows from `options`.
  static tempo_weight described(const char* name, const WeightOptions& options) {
    tempo_weight weight{};
    weight.size = sizeof weight;
    weight.trainable = options.trainable;
    weight.name = name;
    weight.regularizer = options.regularizer.text().c_str();
    weight.constraint = options.constraint.text().c_str();
    return weight;
  }
  Tensor added(const tempo_weight& weight) {
    tempo_tensor* out = nullptr;
    sdk::check(sdk::host().add_weight(self_, &weight, &out));
    return Tensor(out);
  }
  tempo_layer* self_;
};

/// Adds one number to the loss of the model that is trained or evaluated on this thread; for the
/// call of a layer. Does nothing if there is no model. Loops of your own use AddedLosses.
inline void add_loss(const Tensor& loss) { sdk::check(sdk::host().add_loss(loss.handle())); }

/// Adds the layers that a layer is made of; their weights then belong to it, too.
class Children {
 public:
  explicit Children(tempo_layer* self) : self_(self) {}
  void operator()(const Layer& child) {
    sdk::check(sdk::host().add_child(self_, child.view().name, child.handle()));
  }

 private:
  tempo_layer* self_;
};

}  // namespace tempo
