// SPDX-License-Identifier: Apache-2.0
// What a plugin includes: the SDK for cells, layers and ops, and TEMPO_PLUGIN, which makes a shared
// object of it. Headers only; links against nothing.
#pragma once

#include <array>
#include <span>
#include <string_view>

#include <tempo/cell.hpp>

namespace tempo TEMPO_HIDDEN {

/// One thing that a plugin registers, or that load_model is told of.
struct Registration {
  const tempo_layer_type* type = nullptr;
  const tempo_op_type* op = nullptr;
};

/// A cell class under its public name; `summary` is one sentence with the source.
template <sdk::CellClass C>
Registration cell(const char* name, const char* summary = "") {
  return {.type = sdk::type_of<C>(name, summary)};
}
/// A layer class under its public name.
template <sdk::LayerClass L>
Registration layer(const char* name, const char* summary = "") {
  return {.type = sdk::type_of<L>(name, summary)};
}

struct OpType {
  DType dtype;
  Shape shape;
};

/// One use of an op: the types of its inputs and of its result, and its attributes.
class OpCall {
 public:
  OpCall(std::span<const tempo_type> inputs, std::span<const tempo_attribute> attributes,
         const tempo_type* result = nullptr)
      : inputs_(inputs), attributes_(attributes), result_(result) {}

  std::size_t size() const { return inputs_.size(); }
  OpType input(std::size_t i) const {
    return {sdk::dtype_of(inputs_[i]), sdk::shape_of(inputs_[i])};
  }
  /// Known in the kernel only.
  OpType result() const { return {sdk::dtype_of(*result_), sdk::shape_of(*result_)}; }

  int64_t integer(const char* name, int64_t otherwise) const {
    const tempo_attribute* a = find(name, TEMPO_INT64_VALUE);
    return a ? a->integer : otherwise;
  }
  double real(const char* name, double otherwise) const {
    if (const tempo_attribute* a = find(name, TEMPO_DOUBLE_VALUE)) return a->real;
    const tempo_attribute* a = find(name, TEMPO_INT64_VALUE);
    return a ? static_cast<double>(a->integer) : otherwise;
  }
  std::string text(const char* name, const std::string& otherwise) const {
    const tempo_attribute* a = find(name, TEMPO_TEXT_VALUE);
    return a ? a->text : otherwise;
  }
  std::vector<int64_t> list(const char* name) const {
    const tempo_attribute* a = find(name, TEMPO_LIST_VALUE);
    return a ? std::vector<int64_t>(a->list, a->list + a->count) : std::vector<int64_t>();
  }

 private:
  const tempo_attribute* find(const char* name, uint32_t kind) const {
    const tempo_attribute* const a = sdk::given(attributes_, name);
    return a && a->kind == kind ? a : nullptr;
  }
  std::span<const tempo_type> inputs_;
  std::span<const tempo_attribute> attributes_;
  const tempo_type* result_;
};

namespace sdk {

/// The C callbacks of an op class.
template <class O>
struct OpTrampolines {
  static tempo_status infer(const tempo_type* inputs, uint32_t n, const tempo_attribute* attributes,
                            uint32_t n_attributes, tempo_type* result) noexcept {
    return guarded([&] {
      const OpType type = O::type(OpCall({inputs, n}, {attributes, n_attributes}));
      *result = to_abi(type.dtype, type.shape);
    });
  }
  static tempo_status kernel(const tempo_type* inputs, const void* const* data, uint32_t n,
                             const tempo_attribute* attributes, uint32_t n_attributes,
                             const tempo_type* type, void* result) noexcept {
    return guarded([&] {
      const OpCall call({inputs, n}, {attributes, n_attributes}, type);
      if constexpr (requires { O::kernel(call, data, result); })
        O::kernel(call, data, result);
      else if (dtype_of(*type) == float32)
        typed_kernel<float>(call, data, result);
      else if (dtype_of(*type) == float64)
        typed_kernel<double>(call, data, result);
      else
        throw ShapeError(std::string("its kernel computes float32 and float64, not ") +
                         name_of(dtype_of(*type)) + ".");
    });
  }
  static tempo_status vjp(uint32_t index, tempo_tensor* const* inputs, uint32_t n,
                          tempo_tensor* result, tempo_tensor* dy, const tempo_attribute* attributes,
                          uint32_t n_attributes, tempo_tensor** gradient) noexcept {
    return guarded([&] {
      Tensors x;
      std::vector<tempo_type> types;
      for (uint32_t i = 0; i < n; ++i)
        types.push_back(x.emplace_back(Tensor::borrowed(inputs[i])).view().type);
      const OpCall call(types, {attributes, n_attributes});
      if constexpr (differentiable)
        *gradient =
            O::vjp(static_cast<int>(index), x, Tensor::borrowed(result), Tensor::borrowed(dy), call)
                .retained();
      (void)index, (void)result, (void)dy, (void)gradient;
    });
  }
  static constexpr bool differentiable = requires { &O::vjp; };

 private:
  template <class T>
  static void typed_kernel(const OpCall& call, const void* const* data, void* result) {
    std::array<const T*, O::n_inputs> x;
    for (std::size_t i = 0; i < x.size(); ++i) {
      if (call.input(i).dtype != call.result().dtype)
        throw ShapeError("its kernel reads inputs of the dtype of its result alone.");
      x[i] = static_cast<const T*>(data[i]);
    }
    O::kernel(call, x, static_cast<T*>(result));
  }
};

}  // namespace sdk

/// An op class under its public name; sdk::Op("name") is how it is then used. It has
///
///     static constexpr int n_inputs = 1;
///     static OpType type(const OpCall& call);  // of the result; a ShapeError says why not
///     template <class T>
///     static void kernel(const OpCall&, const std::array<const T*, 1>& x, T* y);
///
/// (or, for dtypes that differ, `const void* const* x, void* y`), all row-major, and, to be
/// differentiable, the gradient to input i, written in ops:
///
///     static Tensor vjp(int i, const Tensors& x, const Tensor& y, const Tensor& dy,
///                       const OpCall&);
template <class O>
Registration op(const char* name, const char* summary = "") {
  using C = sdk::OpTrampolines<O>;
  static const tempo_op_type type{sizeof(tempo_op_type),
                                  O::n_inputs,
                                  name,
                                  summary,
                                  &C::infer,
                                  &C::kernel,
                                  C::differentiable ? &C::vjp : nullptr};
  return {.op = &type};
}

namespace sdk {
/// Runs a plugin's init: keeps the host table, then registers what `list` makes.
template <class List>
tempo_status init(const tempo_host* table, tempo_registry* registry, List list) noexcept {
  host_slot() = table;
  return guarded([&] {
    const std::vector<Registration> all = list();
    for (const Registration& r : all) {
      if (r.type) check(host().register_layer(registry, r.type));
      if (r.op) check(host().register_op(registry, r.op));
    }
  });
}
}  // namespace sdk

}  // namespace tempo

/// Makes the one exported symbol: TEMPO_PLUGIN("name", "1.0.0", tempo::cell<MyCell>("My"), ...).
#define TEMPO_PLUGIN(plugin_name, plugin_version, ...)                                          \
  extern "C" TEMPO_API const tempo_plugin* tempo_plugin_v0(void) {                              \
    static const tempo_plugin plugin{                                                           \
        sizeof(tempo_plugin), TEMPO_ABI_MINOR, plugin_name, plugin_version,                     \
        [](const tempo_host* table, tempo_registry* registry) -> tempo_status {                 \
          return ::tempo::sdk::init(                                                            \
              table, registry, [] { return std::vector<::tempo::Registration>{__VA_ARGS__}; }); \
        }};                                                                                     \
    return &plugin;                                                                             \
  }
