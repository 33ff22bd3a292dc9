// SPDX-License-Identifier: Apache-2.0
// Functions that a plugin adds by name: initializers, activations, losses, metrics and optimizers,
// each a class with options and a formula.
#pragma once

#include <deque>

#include <tempo/option.hpp>

namespace tempo TEMPO_HIDDEN {

/// One thing that a plugin registers, or that load_model is given.
struct Registration {
  const tempo_layer_type* type = nullptr;
  const tempo_op_type* op = nullptr;
  const tempo_function_type* function = nullptr;
  uint32_t kind = 0;  ///< of the function
};

/// The base of a function with options (numbers, bools and texts), which are described as those of
/// a layer. Its operator() takes and returns, all written in ops:
///
///     activation   Tensor (const Tensor& x)
///     initializer  Tensor (const Shape& shape, DType dtype, const Tensor& key)
///     loss         Tensor (const Tensor& y_true, const Tensor& y_pred), a loss for each sample
///     metric       the same; its value is the mean over all samples
///     optimizer    Tensors (const Tensor& w, const Tensor& g, const Tensor& rate,
///                  const Tensor& update, const Tensors& slots), the next w and the next slots
template <class Options>
class FunctionOf {
 public:
  using options_type = Options;
  FunctionOf(Options o = {}) : options(std::move(o)) {}
  Options options;
};
/// For functions without options.
struct Optionless {};
void describe(auto&, Optionless&) {}

namespace sdk {

/// The C callback of a function class.
template <class F, uint32_t kind>
struct FunctionTrampoline {
  static tempo_status call(void*, const tempo_function_call* abi) noexcept {
    return guarded([&] {
      typename F::options_type read{};
      OptionReader reader{abi->options, abi->n_options};
      visit_options<F>(reader, read);
      const F function(std::move(read));
      Tensors in;
      for (uint32_t i = 0; i < abi->n_inputs; ++i) in.push_back(Tensor::borrowed(abi->inputs[i]));
      const Tensors out = run(function, in, abi->type);
      if (out.size() != abi->n_results)
        throw Error("it gives " + counted(static_cast<int64_t>(out.size()), "tensor") + ", and " +
                    std::to_string(abi->n_results) + " are asked for.");
      for (std::size_t i = 0; i < out.size(); ++i) abi->results[i] = out[i].retained();
    });
  }

 private:
  static Tensors run(const F& f, const Tensors& in, [[maybe_unused]] const tempo_type* type) {
    if constexpr (kind == TEMPO_INITIALIZER)
      return {f(shape_of(*type), dtype_of(*type), in.at(0))};
    else if constexpr (kind == TEMPO_ACTIVATION)
      return {f(in.at(0))};
    else if constexpr (kind == TEMPO_OPTIMIZER)
      return f(in.at(0), in.at(1), in.at(2), in.at(3), Tensors(in.begin() + 4, in.end()));
    else
      return {f(in.at(0), in.at(1))};
  }
};

template <class F, uint32_t kind>
Registration function_of(const char* name, const char* summary, uint32_t flags = 0) {
  struct Kept {
    OptionTable table;
    tempo_function_type type;
  };
  static auto& all = *new std::deque<Kept>;  // reachable for as long as the object is loaded
  Kept& kept = all.emplace_back();
  typename F::options_type defaults{};
  visit_options<F>(kept.table, defaults);
  tempo_function_type& t = kept.type;
  t = {};
  t.size = sizeof t;
  t.n_options = static_cast<uint32_t>(kept.table.options.size());
  t.name = name;
  t.summary = summary;
  t.options = kept.table.options.data();
  if constexpr (requires { F::slots; }) t.slots = F::slots;
  t.flags = flags;
  t.call = &FunctionTrampoline<F, kind>::call;
  return {.function = &t, .kind = kind};
}

}  // namespace sdk

/// Registers a function under its public name, found as "name" and "plugin.name"; `summary` is one
/// sentence with the source.
template <class F>
Registration activation(const char* name, const char* summary = "") {
  return sdk::function_of<F, TEMPO_ACTIVATION>(name, summary);
}
template <class F>
Registration initializer(const char* name, const char* summary = "") {
  return sdk::function_of<F, TEMPO_INITIALIZER>(name, summary);
}
template <class F>
Registration loss(const char* name, const char* summary = "") {
  return sdk::function_of<F, TEMPO_LOSS>(name, summary);
}
enum class Better { unknown = 0, higher = TEMPO_HIGHER_IS_BETTER, lower = TEMPO_LOWER_IS_BETTER };
template <class F>
Registration metric(const char* name, const char* summary = "", Better better = Better::unknown) {
  return sdk::function_of<F, TEMPO_METRIC>(name, summary, static_cast<uint32_t>(better));
}
/// `static constexpr const char* slots = "m|v"` names the slots that it keeps for each weight.
template <class F>
Registration optimizer(const char* name, const char* summary = "") {
  return sdk::function_of<F, TEMPO_OPTIMIZER>(name, summary);
}

}  // namespace tempo
