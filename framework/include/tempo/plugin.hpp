// SPDX-License-Identifier: Apache-2.0
// What a plugin includes: the SDK for cells, layers and ops, and TEMPO_PLUGIN, which makes a shared
// object of it. Headers only; links against nothing.
#pragma once

#include <array>
#include <span>
#include <string_view>

#include <tempo/cell.hpp>
#include <tempo/function.hpp>
#include <tempo/names.hpp>

namespace tempo TEMPO_HIDDEN {

/// Registers a cell class by its public name; `summary` is one sentence with the source.
template <sdk::CellClass C>
Registration cell(const char* name, const char* summary = "") {
  return {.type = sdk::type_of<C>(name, summary)};
}
/// Registers a layer class by its public name.
template <sdk::LayerClass L>
Registration layer(const char* name, const char* summary = "") {
  return {.type = sdk::type_of<L>(name, summary)};
}

struct OpType {
  DType dtype;
  Shape shape;
};

/// One use of an op: the types of its inputs and of its results, and its attributes.
class OpCall {
 public:
  /// `results` is empty in a call of the type rule, which has to find them.
  OpCall(std::span<const tempo_type> inputs, const sdk::Strided<tempo_attribute>& attributes,
         std::span<const tempo_type> results = {})
      : inputs_(inputs), attributes_(attributes), results_(results) {}

  std::size_t size() const { return inputs_.size(); }
  OpType input(std::size_t i) const { return of(inputs_[i]); }
  /// Known in the kernel only.
  OpType result(std::size_t k = 0) const { return of(results_[k]); }

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
  static OpType of(const tempo_type& type) { return {sdk::dtype_of(type), sdk::shape_of(type)}; }
  const tempo_attribute* find(const char* name, uint32_t kind) const {
    const tempo_attribute* const a = sdk::given(attributes_, name);
    return a && a->kind == kind ? a : nullptr;
  }
  std::span<const tempo_type> inputs_;
  sdk::Strided<tempo_attribute> attributes_;
  std::span<const tempo_type> results_;
};

/// The gradients that are asked for in one use of an op.
class OpGradient {
 public:
  explicit OpGradient(const tempo_op_gradient& asked) : asked_(asked) {}

  Tensor x(std::size_t i) const { return Tensor::borrowed(asked_.inputs[i]); }
  Tensor y(std::size_t k = 0) const { return Tensor::borrowed(asked_.results[k]); }
  /// The incoming gradient of result k; zeros if there is none.
  Tensor dy(std::size_t k = 0) const {
    if (asked_.dy[k]) return Tensor::borrowed(asked_.dy[k]);
    return zeros(y(k).shape(), y(k).dtype());
  }
  /// Whether the gradient to input i is asked for.
  bool wants(std::size_t i) const { return asked_.wanted[i] != 0; }
  Tensors inputs() const {
    Tensors out;
    for (uint32_t i = 0; i < asked_.n_inputs; ++i) out.push_back(x(i));
    return out;
  }
  sdk::Strided<tempo_attribute> attributes() const {
    return {asked_.attributes, asked_.n_attributes};
  }

 private:
  const tempo_op_gradient& asked_;
};

namespace sdk {

/// The C callbacks of an op class.
template <class O>
struct OpTrampolines {
  static constexpr uint32_t n_results = [] {
    if constexpr (requires { O::n_results; })
      return static_cast<uint32_t>(O::n_results);
    else
      return 1u;
  }();

  static tempo_status infer(void*, const tempo_op_call* abi) noexcept {
    return guarded([&] {
      const OpCall call({abi->input_types, abi->n_inputs}, {abi->attributes, abi->n_attributes});
      const std::vector<OpType> types = listed(O::type(call));
      if (types.size() != abi->n_results)
        throw ShapeError("it has " + counted(abi->n_results, "result") + ", and types for " +
                         std::to_string(types.size()) + ".");
      for (std::size_t k = 0; k < types.size(); ++k)
        abi->result_types[k] = to_abi(types[k].dtype, types[k].shape);
    });
  }

  static tempo_status kernel(void*, const tempo_op_call* abi) noexcept {
    return guarded([&] {
      const OpCall call({abi->input_types, abi->n_inputs}, {abi->attributes, abi->n_attributes},
                        {abi->result_types, abi->n_results});
      if constexpr (requires { O::kernel(call, abi->inputs, abi->results); })
        O::kernel(call, abi->inputs, abi->results);
      else if constexpr (requires { O::kernel(call, abi->inputs, abi->results[0]); })
        O::kernel(call, abi->inputs, abi->results[0]);
      else if (call.result().dtype == float32)
        typed_kernel<float>(call, *abi);
      else if (call.result().dtype == float64)
        typed_kernel<double>(call, *abi);
      else
        throw ShapeError(std::string("its kernel computes float32 and float64, not ") +
                         name_of(call.result().dtype) + ".");
    });
  }

  static tempo_status vjp(void*, const tempo_op_gradient* abi) noexcept {
    return guarded([&] {
      if constexpr (differentiable) {
        const Tensors made = gradients(OpGradient(*abi));
        if (made.size() != abi->n_inputs)
          throw ShapeError("its vjp gave " +
                           counted(static_cast<int64_t>(made.size()), "gradient") + " for " +
                           counted(abi->n_inputs, "input") + ".");
        for (std::size_t i = 0; i < made.size(); ++i) abi->gradients[i] = made[i].retained();
      }
    });
  }
  static constexpr bool of_each =
      requires(int i, const Tensors& x, const Tensor& y, const OpCall& call) {
    O::vjp(i, x, y, y, call);
  };
  static constexpr bool of_all = requires(const OpGradient& g) { O::vjp(g); };
  static constexpr bool differentiable = of_each || of_all;

 private:
  static std::vector<OpType> listed(OpType one) { return {std::move(one)}; }
  static std::vector<OpType> listed(std::vector<OpType> all) { return all; }

  static Tensors gradients(const OpGradient& g) {
    if constexpr (of_all) {
      return O::vjp(g);
    } else {
      static_assert(n_results == 1,
                    "an op of several results has `Tensors vjp(const OpGradient&)`");
      const Tensors x = g.inputs();
      std::vector<tempo_type> types;
      for (const Tensor& t : x) types.push_back(t.view().type);
      const OpCall call(types, g.attributes());
      Tensors out(x.size());
      for (std::size_t i = 0; i < x.size(); ++i)
        if (g.wants(i)) out[i] = O::vjp(static_cast<int>(i), x, g.y(), g.dy(), call);
      return out;
    }
  }

  template <class T>
  static void typed_kernel(const OpCall& call, const tempo_op_call& abi) {
    std::array<const T*, O::n_inputs> x;
    for (std::size_t i = 0; i < x.size(); ++i) {
      if (call.input(i).dtype != call.result().dtype)
        throw ShapeError("its kernel reads inputs of the dtype of its result alone.");
      x[i] = static_cast<const T*>(abi.inputs[i]);
    }
    if constexpr (n_results == 1) {
      O::kernel(call, x, static_cast<T*>(abi.results[0]));
    } else {
      std::array<T*, n_results> y;
      for (std::size_t k = 0; k < y.size(); ++k) {
        if (call.result(k).dtype != call.result().dtype)
          throw ShapeError("its kernel gives results of one dtype alone.");
        y[k] = static_cast<T*>(abi.results[k]);
      }
      O::kernel(call, x, y);
    }
  }
};

}  // namespace sdk

/// Registers an op class by its public name; sdk::Op("name") is how it is then used. It has
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
///
/// or all gradients that are asked for at once, with Tensor{} in place of the others:
///
///     static Tensors vjp(const OpGradient& g);
///
/// An op of several results has `n_results`, a std::vector<OpType> of their types, a kernel with
/// `const std::array<T*, 2>& y` or `void* const* y`, and the second form of vjp.
template <class O>
Registration op(const char* name, const char* summary = "") {
  using C = sdk::OpTrampolines<O>;
  static const tempo_op_type type{
      sizeof(tempo_op_type), O::n_inputs, C::n_results,
      /*flags=*/0,           name,        summary,
      /*user=*/nullptr,      &C::infer,   &C::kernel,   C::differentiable ? &C::vjp : nullptr};
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
      if (r.function) check(host().register_type(registry, r.kind, r.function));
    }
  });
}
}  // namespace sdk

}  // namespace tempo

/// Makes the one exported symbol: TEMPO_PLUGIN("name", "1.0.0", tempo::cell<MyCell>("My"), ...).
/// TEMPO_PLUGIN_WITH has, before the list, a function from an id to the extension that the plugin
/// offers under this id.
#define TEMPO_PLUGIN(plugin_name, plugin_version, ...) \
  TEMPO_PLUGIN_WITH(plugin_name, plugin_version, nullptr, __VA_ARGS__)
#define TEMPO_PLUGIN_WITH(plugin_name, plugin_version, extension, ...)                          \
  extern "C" TEMPO_API const tempo_plugin* tempo_plugin_v1(void) {                              \
    static const tempo_plugin plugin{                                                           \
        sizeof(tempo_plugin),                                                                   \
        TEMPO_ABI_MINOR,                                                                        \
        plugin_name,                                                                            \
        plugin_version,                                                                         \
        nullptr,                                                                                \
        [](void*, const tempo_host* table, tempo_registry* registry) -> tempo_status {          \
          return ::tempo::sdk::init(                                                            \
              table, registry, [] { return std::vector<::tempo::Registration>{__VA_ARGS__}; }); \
        },                                                                                      \
        TEMPO_ABI_NEEDS,                                                                        \
        extension};                                                                             \
    return &plugin;                                                                             \
  }
