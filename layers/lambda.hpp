// SPDX-License-Identifier: Apache-2.0
// A function of this program as a layer.
#pragma once

#include <tempo/layers/sequences.hpp>
#include <tempo/plugin.hpp>
#include <tempo/shared.hpp>

namespace tempo TEMPO_HIDDEN {

namespace sdk {

/// Whether F is a function of x, or of x and the CallOptions, for one input or several.
template <class F, class X>
concept FunctionOf =
    std::invocable<const F&, const X&> || std::invocable<const F&, const X&, const CallOptions&>;

/// Runs a function that lives as long as the process.
template <class F>
class LambdaLayer : public LayerOf<NamedOptions> {
 public:
  using LayerOf::LayerOf;

  Tensors call(Tensors x, const CallOptions& call) const {
    if (call.mask && call.mask.handle() != mask_of(x[0]).handle())
      x[0] = with_mask(x[0], call.mask);
    if constexpr (FunctionOf<F, Tensor>) {
      if (x.size() != 1)
        throw Error("Lambda: its function takes one input, got " + std::to_string(x.size()) +
                    ".\n  A function of `const Tensors& x` takes several.");
      return run(x[0], call);
    } else {
      return run(x, call);
    }
  }

  const F* function = nullptr;

 private:
  template <class X>
  Tensors run(const X& x, const CallOptions& call) const {
    if constexpr (std::invocable<const F&, const X&, const CallOptions&>)
      return list((*function)(x, call));
    else
      return list((*function)(x));
  }
  static Tensors list(const Tensor& one) { return {one}; }
  static Tensors list(Tensors several) { return several; }
};

/// The layer type that a function has under this name.
template <class F>
const tempo_layer_type* type_of_function(const std::string& name, F f) {
  using L = LambdaLayer<F>;
  struct Kind {
    std::string name;
    F function;
    tempo_layer_type type;
  };
  static const tempo_layer_type& general = *type_of<L>("Lambda", "A function of this program.");
  static auto& all = *new KeptList<Kind>;
  // Only a function that holds nothing, or a pointer, can be recognised as the same.
  if constexpr (std::is_empty_v<F> || std::is_pointer_v<F>)
    for (const Kind& known : all) {
      if constexpr (std::is_pointer_v<F>)
        if (known.function != f) continue;
      if (known.name == name) return &known.type;
    }
  const auto create = [](void* user, tempo_layer* self, const tempo_creation* creation,
                         void** instance) noexcept -> tempo_status {
    const tempo_status status = Trampolines<L>::create(nullptr, self, creation, instance);
    if (status == TEMPO_OK) static_cast<L*>(*instance)->function = static_cast<const F*>(user);
    return status;
  };
  return &all.add({name, std::move(f), general},
                  [&](Kind& kind) {
                    kind.type.name = kind.name.c_str();
                    kind.type.user = &kind.function;
                    kind.type.create = create;
                  })
              .type;
}

inline void require_function_name(const std::string& name) {
  const auto is_plain = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
  };
  if (name.empty() || !std::all_of(name.begin(), name.end(), is_plain))
    throw Error("Lambda: \"" + name +
                "\" cannot be the name of a function in a file; it is letters, digits and _.");
}

}  // namespace sdk

/// A function as a type of layer, for a model that has it under this name:
/// `load_model(path, {.layers = {lambda("doubled", f)}})`.
template <class F>
requires(sdk::FunctionOf<F, Tensor> || sdk::FunctionOf<F, Tensors>) Registration
    lambda(const std::string& name, F f) {
  sdk::require_function_name(name);
  return {.type = sdk::type_of_function(name, std::move(f))};
}

/// A function of this program as a layer. It takes `const Tensor& x`, or `const Tensors& x` for
/// several inputs, and returns Tensor or Tensors; with `const CallOptions& call` as well, it sees
/// call.training and call.mask. The mask of the result is the one that its ops, or with_mask, give
/// it. A file holds only the name, and loading needs the function: see lambda. The function and
/// what it holds live as long as the process. Layers that it calls are not this layer's, so a model
/// does not train them.
template <class F>
requires(sdk::FunctionOf<F, Tensor> || sdk::FunctionOf<F, Tensors>) Layer
    Lambda(const std::string& name, F f) {
  return sdk::make_layer(*lambda(name, std::move(f)).type, {});
}
/// The same under the name Lambda.
template <class F>
requires(sdk::FunctionOf<F, Tensor> || sdk::FunctionOf<F, Tensors>) Layer Lambda(F f) {
  return Lambda("Lambda", std::move(f));
}

}  // namespace tempo
