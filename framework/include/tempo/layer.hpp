// SPDX-License-Identifier: Apache-2.0
// Layers and cells in use: counted handles that are called with tensors. It makes no difference
// where they come from (a plugin, this script).
#pragma once

#include <tempo/misspelt.hpp>
#include <tempo/scan.hpp>

namespace tempo TEMPO_HIDDEN {

/// Whether a call is in training. If it is not given, it is as in Keras: a call inside a layer or a
/// model's function is in training if the outer call is, and a call on its own is not.
class Training {
 public:
  Training() = default;
  Training(bool training) : value_(training) {}
  operator bool() const { return value_ == 1; }
  /// 1, 0, or -1 if it was not given.
  int32_t abi() const { return value_; }

 private:
  int32_t value_ = -1;
};

/// The arguments of a call besides its inputs.
struct CallOptions {
  Training training = {};
  Tensor mask = {};          ///< [batch, time] bool, true = use; overrides the mask of the input
  Tensor lengths = {};       ///< [batch] int32 or int64; padding at the end; see mask_of_lengths
  State initial_state = {};  ///< of a recurrent layer; zeros if none is given
  Tensors constants = {};    ///< for the steps of cells, as their `call.constants`
};

using Shapes = std::vector<Shape>;

/// Tensors by number. Reading one that is not there throws an Error that names the reader.
class Given : public Tensors {
 public:
  using Tensors::Tensors;
  Given(const Tensors& tensors) : Tensors(tensors) {}
  /// The Error says that `who` reads number i of `what`; `fix` says how to provide it.
  Given(Tensors tensors, std::string who, const char* what, const char* fix)
      : Tensors(std::move(tensors)), who_(std::move(who)), what_(what), fix_(fix) {}

  const Tensor& operator[](std::size_t i) const {
    if (i >= size())
      throw Error(who_ + ": it reads " + what_ + "[" + std::to_string(i) + "], and there " +
                  (size() == 1 ? "is 1" : "are " + std::to_string(size())) + ".\n  " + fix_);
    return Tensors::operator[](i);
  }
  const Tensor& at(std::size_t i) const { return (*this)[i]; }

 private:
  std::string who_ = "a step";
  const char* what_ = "a list";
  const char* fix_ = "Give more of them.";
};

/// The call that a cell runs in, as the cell sees it. It is the same at every step.
struct StepCall {
  bool training = false;
  Given constants = {};            ///< given to the call: rnn(x, {.constants = {memory}})
  Given once = {};                 ///< made by the cell's `once` for this call
  Shapes inputs = {};              ///< shapes of the sequences at one step, [batch, ...]
  DType dtype = DType::automatic;  ///< of the floating sequences, or else of the weights
  /// The number of sequences in the batch.
  int64_t batch() const { return inputs.at(0)[0]; }
};

class Layer;

namespace sdk {
template <class C>
concept CellClass = requires(C c) {
  c.options;
  &C::step;
};
template <class L>
concept LayerClass = requires(L l) {
  l.options;
  &L::call;
}
&&!CellClass<L>;
template <class T>
Layer in_use(const T& described);

inline tempo_layer* required(tempo_layer* layer) {
  if (!layer) throw Error("Layer: this one was never given a value (it is Layer{}).");
  return layer;
}

inline std::string name_of(tempo_layer* layer) {
  tempo_layer_view v{};
  v.size = sizeof v;
  check(host().view_layer(required(layer), &v));
  return v.name;
}
/// The mask that a call gives by .mask, .lengths or both; Tensor{} if it gives none.
inline Tensor given_mask(const std::string& who, const Tensors& inputs, const CallOptions& call) {
  if (!call.lengths) return call.mask;
  const Shape x = inputs.at(0).shape();
  if (x.rank() < 2 || call.lengths.rank() != 1 || call.lengths.shape()[0] != x[0])
    throw ShapeError(who + ": the lengths do not fit the input\n  lengths  " +
                     to_string(call.lengths.shape(), call.lengths.dtype()) + "\n  input    " +
                     to_string(x) + "\n  There must be one for each sequence: [batch].");
  const Tensor mask = mask_of_lengths(call.lengths, x[1]);
  return call.mask ? logical_and(call.mask, mask) : mask;
}

/// Returns all results; only a cell's step gets `once`.
inline Tensors call_layer(tempo_layer* layer, const Tensors& inputs, const CallOptions& options,
                          const Tensors& once = {}) {
  const Tensor mask = options.lengths ? given_mask(name_of(layer), inputs, options) : options.mask;
  const std::vector<tempo_tensor*> in = handles(inputs), states = handles(options.initial_state),
                                   constants = handles(options.constants), made = handles(once);
  tempo_call abi{};
  abi.size = sizeof abi;
  abi.training = options.training.abi();
  abi.n_inputs = static_cast<uint32_t>(in.size());
  abi.n_states = static_cast<uint32_t>(states.size());
  abi.n_constants = static_cast<uint32_t>(constants.size());
  abi.n_once = static_cast<uint32_t>(made.size());
  abi.inputs = in.data();
  abi.states = states.data();
  abi.constants = constants.data();
  abi.once = made.data();
  abi.mask = mask.handle();
  return results_of(
      [&](tempo_results* results) { return host().call_layer(required(layer), &abi, results); });
}

inline std::vector<tempo_type> types_of(const Shapes& shapes, DType dtype) {
  std::vector<tempo_type> out;
  for (const Shape& s : shapes) out.push_back(to_abi(dtype, s));
  return out;
}
/// The result borrows from `types`.
inline tempo_inputs inputs_of(const std::vector<tempo_type>& types) {
  return {sizeof(tempo_inputs), static_cast<uint32_t>(types.size()), types.data()};
}
}  // namespace sdk

/// A layer (a function of tensors) or a cell (one time step), with its weights and children. Copies
/// are the same layer. It is built at the first call, or by build. Several threads may call it; a
/// stateful layer takes one call at a time, and a second call is an Error.
class Layer {
 public:
  Layer() = default;
  explicit Layer(tempo_layer* owned) : handle_(owned) {}
  /// A cell or layer class of this script or plugin; it is called like one of another plugin.
  template <class T>
  requires(sdk::CellClass<T> || sdk::LayerClass<T>) Layer(const T& described)
      : Layer(sdk::in_use(described)) {}
  Layer(const Layer& other) : handle_(other.handle_) {
    if (handle_) sdk::host().retain_layer(handle_);
  }
  Layer(Layer&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Layer& operator=(Layer other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  ~Layer() {
    if (handle_) sdk::host().release_layer(handle_);
  }
  static Layer borrowed(tempo_layer* handle) {
    if (handle) sdk::host().retain_layer(handle);
    return Layer(handle);
  }

  explicit operator bool() const { return handle_ != nullptr; }
  tempo_layer* handle() const { return handle_; }

  /// The first result of a call.
  Tensor operator()(const Tensor& x, const CallOptions& options = {}) const {
    return call({x}, options).at(0);
  }
  Tensor operator()(const Tensors& inputs, const CallOptions& options = {}) const {
    return call(inputs, options).at(0);
  }
  TEMPO_OPTIONS(Tensor operator(), CallOptions, const Tensor&) const;
  TEMPO_OPTIONS(Tensor operator(), CallOptions, const Tensors&) const;
  /// All results: with return_state, the output and then the states.
  Tensors call(const Tensors& inputs, const CallOptions& options = {}) const {
    return sdk::call_layer(handle_, inputs, options);
  }
  /// All N results: `auto [y, h, c] = lstm.call<3>(x);`
  template <std::size_t N>
  std::array<Tensor, N> call(const Tensor& x, const CallOptions& options = {}) const {
    return call<N>(Tensors{x}, options);
  }
  template <std::size_t N>
  std::array<Tensor, N> call(const Tensors& inputs, const CallOptions& options = {}) const {
    Tensors all = call(inputs, options);
    if (all.size() != N) not_as_many(all.size(), N);
    std::array<Tensor, N> out;
    for (std::size_t i = 0; i < N; ++i) out[i] = std::move(all[i]);
    return out;
  }
  TEMPO_OPTIONS(Tensors call, CallOptions, const Tensors&) const;

  /// Makes the weights for inputs of these shapes; does nothing if they exist.
  void build(const Shapes& inputs, DType dtype = DType::automatic) const {
    const std::vector<tempo_type> types = sdk::types_of(inputs, dtype);
    const tempo_inputs given = sdk::inputs_of(types);
    sdk::check(sdk::host().build_layer(required(), &given));
  }
  bool built() const { return view().flags & TEMPO_BUILT; }

  /// "lstm_1"
  std::string name() const { return view().name; }
  /// "LSTM"
  std::string type_name() const { return view().type->name; }
  bool is_cell() const { return view().type->kind == TEMPO_CELL; }

  /// Whether optimizers change its weights: neither it nor a layer that holds it is frozen.
  bool trainable() const { return view().flags & TEMPO_TRAINABLE; }
  /// Freezes it with all layers in it, or unfreezes them; also before it is built. Weights that
  /// were added as not trainable stay so. No other thread may use it meanwhile.
  void set_trainable(bool trainable) const {
    sdk::check(sdk::host().set_trainable(required(), trainable));
  }

  /// Its own weights and its children's, in the order of creation.
  Tensors weights() const {
    Tensors out;
    for (uint32_t i = 0;; ++i) {
      tempo_tensor* weight = nullptr;
      sdk::check(sdk::host().layer_weight(required(), i, &weight));
      if (!weight) return out;
      out.push_back(Tensor::borrowed(weight));
    }
  }
  Tensors trainable_weights() const {
    Tensors out;
    for (Tensor& w : weights())
      if (!(w.view().flags & TEMPO_FROZEN)) out.push_back(std::move(w));
    return out;
  }
  int64_t count_params() const {
    int64_t n = 0;
    for (const Tensor& w : weights()) n += w.count();
    return n;
  }
  std::vector<Layer> children() const {
    std::vector<Layer> out;
    for (uint32_t i = 0;; ++i) {
      tempo_layer* child = nullptr;
      sdk::check(sdk::host().layer_child(required(), i, &child));
      if (!child) return out;
      out.push_back(borrowed(child));
    }
  }
  /// Forgets the state that a stateful layer keeps between calls.
  void reset_state() const { sdk::check(sdk::host().reset_layer(required())); }

  /// The extension of its type under this id, "vendor.thing/1"; null if there is none.
  const void* extension(const char* id) const {
    const void* out = nullptr;
    sdk::check(sdk::host().layer_extension(required(), id, &out));
    return out;
  }

  tempo_layer_view view() const {
    tempo_layer_view v{};
    v.size = sizeof v;
    sdk::check(sdk::host().view_layer(required(), &v));
    return v;
  }

 private:
  tempo_layer* required() const { return sdk::required(handle_); }
  [[noreturn, gnu::cold, gnu::noinline]] void not_as_many(std::size_t given,
                                                          std::size_t taken) const {
    const tempo_layer_view v = view();
    bool keeps_state = false;
    for (const tempo_option& o : sdk::Strided(v.type->options, v.type->n_options))
      keeps_state |= std::string(o.name) == "return_state" && given == 1;
    throw Error(name() + ": it gives " + std::to_string(given) +
                (given == 1 ? " result" : " results") + ", taken as " + std::to_string(taken) +
                ".\n  " +
                (keeps_state && taken > given
                     ? "With .return_state = true it gives its states after the output."
                     : "call<" + std::to_string(given) + ">(x) takes them all."));
  }
  tempo_layer* handle_ = nullptr;
};

/// An option by name and value: {"units", 32}.
using Option = sdk::Attribute;

/// A layer by its name, found among the installed plugins and those that were loaded.
inline Layer layer(const std::string& name, std::initializer_list<Option> options = {}) {
  tempo_layer* out = nullptr;
  sdk::check(sdk::host().make_layer(TEMPO_LAYER, name.c_str(),
                                    reinterpret_cast<const tempo_attribute*>(options.begin()),
                                    static_cast<uint32_t>(options.size()), &out));
  return Layer(out);
}
/// A cell by its name, for RNN.
inline Layer cell(const std::string& name, std::initializer_list<Option> options = {}) {
  tempo_layer* out = nullptr;
  sdk::check(sdk::host().make_layer(TEMPO_CELL, name.c_str(),
                                    reinterpret_cast<const tempo_attribute*>(options.begin()),
                                    static_cast<uint32_t>(options.size()), &out));
  return Layer(out);
}

namespace sdk {

/// The dtype of states: that of the floating sequences, or else of the weights.
inline DType dtype_of_states(const Tensors& x, tempo_dtype weights) {
  for (const Tensor& t : x)
    if (is_floating(t.dtype())) return t.dtype();
  return static_cast<DType>(weights);
}

/// Tensors that a function of the host makes for a cell before the first step.
template <class Function>
Tensors before_steps(Function function, const Layer& cell, const StepCall& call) {
  const std::vector<tempo_type> inputs = types_of(call.inputs, call.dtype);
  const std::vector<tempo_tensor*> constants = handles(call.constants);
  tempo_call abi{};
  abi.size = sizeof abi;
  abi.training = call.training;
  abi.n_inputs = static_cast<uint32_t>(inputs.size());
  abi.n_constants = static_cast<uint32_t>(constants.size());
  abi.types = inputs.data();
  abi.constants = constants.data();
  return results_of(
      [&](tempo_results* results) { return function(required(cell.handle()), &abi, results); });
}

}  // namespace sdk

/// Runs one step of a cell in use; x are its sequences at one time.
inline Step step(const Layer& cell, const Tensors& x, const State& state,
                 const StepCall& call = {}) {
  const CallOptions options{
      .training = call.training, .initial_state = state, .constants = call.constants};
  Tensors results = sdk::call_layer(cell.handle(), x, options, call.once);
  return {.output = results.at(0), .state = Tensors(results.begin() + 1, results.end())};
}
inline Step step(const Layer& cell, const Tensor& x, const State& state,
                 const StepCall& call = {}) {
  return step(cell, Tensors{x}, state, call);
}

/// The states with which a cell begins, for call.inputs: its own, or zeros.
inline State initial_state(const Layer& cell, const StepCall& call) {
  return sdk::before_steps(sdk::host().layer_initial, cell, call);
}
/// The tensors that a cell makes before the first step; each step gets them as `call.once`.
inline Tensors once(const Layer& cell, const StepCall& call) {
  return sdk::before_steps(sdk::host().layer_once, cell, call);
}

/// The shapes of a cell's states, for sequences of these shapes at one step, [batch, ...].
inline Shapes state_shapes(const Layer& cell, const Shapes& inputs) {
  const std::vector<tempo_type> in = sdk::types_of(inputs, DType::automatic);
  const tempo_inputs given = sdk::inputs_of(in);
  tempo_type types[TEMPO_MAX_OUTPUTS] = {};
  tempo_result_types states{sizeof states, TEMPO_MAX_OUTPUTS, 0, types};
  sdk::check(sdk::host().layer_states(sdk::required(cell.handle()), &given, &states));
  Shapes out;
  for (uint32_t i = 0; i < states.count; ++i) out.push_back(sdk::shape_of(types[i]));
  return out;
}
/// The same for a cell whose states depend on the batch alone.
inline Shapes state_shapes(const Layer& cell, int64_t batch) {
  return state_shapes(cell, Shapes{{batch}});
}

/// The shapes of a layer's results for these inputs: as it declares them, or as a call on types
/// alone finds them. Builds the layer if it is not built. For a cell: of its output at one step.
inline Shapes output_shapes(const Layer& layer, const Shapes& inputs,
                            DType dtype = DType::automatic) {
  const std::vector<tempo_type> in = sdk::types_of(inputs, dtype);
  const tempo_inputs given = sdk::inputs_of(in);
  tempo_type types[TEMPO_MAX_OUTPUTS] = {};
  tempo_result_types outputs{sizeof outputs, TEMPO_MAX_OUTPUTS, 0, types};
  sdk::check(sdk::host().layer_outputs(sdk::required(layer.handle()), &given, &outputs));
  Shapes out;
  for (uint32_t i = 0; i < outputs.count; ++i) out.push_back(sdk::shape_of(types[i]));
  return out;
}

}  // namespace tempo
