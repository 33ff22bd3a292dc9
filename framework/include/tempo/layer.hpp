// Layers and cells in use: counted handles, called with tensors. Where they come from (a plugin,
// this script) makes no difference.
#pragma once

#include <tempo/scan.hpp>

namespace tempo TEMPO_HIDDEN {

/// What a call may be given besides its inputs.
struct CallOptions {
  bool training = false;
  Tensor mask = {};          ///< [batch, time] bool, true = use; overrides the mask of the input
  State initial_state = {};  ///< of a recurrent layer; zeros when none is given
  Tensors constants = {};    ///< tensors from outside for the step, the third argument of `step`
};

using Shapes = std::vector<Shape>;

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
}  // namespace sdk

/// A layer (a function of tensors) or a cell (one time step), with its weights and children.
/// Copies are the same layer. Built at the first call, or by build.
class Layer {
 public:
  Layer() = default;
  explicit Layer(tempo_layer* owned) : handle_(owned) {}
  /// A cell or layer class of this script or plugin; it goes the same way as one of a plugin's.
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
  /// All results: with return_state, the output and then the states.
  Tensors call(const Tensors& inputs, const CallOptions& options = {}) const {
    const std::vector<tempo_tensor*> in = sdk::handles(inputs),
                                     states = sdk::handles(options.initial_state),
                                     constants = sdk::handles(options.constants);
    tempo_call abi{};
    abi.size = sizeof abi;
    abi.training = options.training;
    abi.n_inputs = static_cast<uint32_t>(in.size());
    abi.n_states = static_cast<uint32_t>(states.size());
    abi.n_constants = static_cast<uint32_t>(constants.size());
    abi.inputs = in.data();
    abi.states = states.data();
    abi.constants = constants.data();
    abi.mask = options.mask.handle();
    tempo_tensor* results[TEMPO_MAX_OUTPUTS] = {};
    uint32_t count = 0;
    sdk::check(sdk::host().call_layer(required(), &abi, results, TEMPO_MAX_OUTPUTS, &count));
    Tensors out;
    for (uint32_t i = 0; i < count; ++i) out.emplace_back(results[i]);
    return out;
  }

  /// Makes the weights for inputs of these shapes; does nothing when they are there.
  void build(const Shapes& inputs, DType dtype = DType::automatic) const {
    std::vector<tempo_type> types;
    for (const Shape& s : inputs) types.push_back(sdk::to_abi(dtype, s));
    sdk::check(
        sdk::host().build_layer(required(), types.data(), static_cast<uint32_t>(types.size())));
  }
  bool built() const { return view().flags & TEMPO_BUILT; }

  /// "lstm_1"
  std::string name() const { return view().name; }
  /// "LSTM"
  std::string type_name() const { return view().type->name; }
  bool is_cell() const { return view().type->kind == TEMPO_CELL; }

  /// Its own weights and its children's, in the order of creation.
  Tensors weights() const {
    Tensors out;
    for (uint32_t i = 0; tempo_tensor* w = sdk::host().layer_weight(required(), i); ++i)
      out.push_back(Tensor::borrowed(w));
    return out;
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
    for (uint32_t i = 0; tempo_layer* c = sdk::host().layer_child(required(), i); ++i)
      out.push_back(borrowed(c));
    return out;
  }
  /// Forgets the state that a stateful layer keeps between calls.
  void reset_state() const { sdk::check(sdk::host().reset_layer(required())); }

  tempo_layer_view view() const {
    tempo_layer_view v{};
    v.size = sizeof v;
    sdk::host().view_layer(required(), &v);
    return v;
  }

 private:
  tempo_layer* required() const {
    if (!handle_) throw Error("Layer: this one was never given a value (it is Layer{}).");
    return handle_;
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

/// A layer of the same kind and options, with weights of its own; `changes` override options.
inline Layer recreated(const Layer& original, std::initializer_list<Option> changes = {}) {
  const tempo_layer_view v = original.view();
  std::vector<tempo_attribute> options(v.options, v.options + v.n_options);
  std::vector<Layer> inner;  // keeps recreated children until they are taken over
  for (tempo_attribute& o : options)
    if (o.kind == TEMPO_LAYER_VALUE && o.layer) {
      inner.push_back(recreated(Layer::borrowed(o.layer)));
      o.layer = inner.back().handle();
    }
  for (const Option& change : changes) {
    bool found = false;
    for (tempo_attribute& o : options)
      if (std::string(o.name) == change.abi().name) {
        o = change.abi();
        found = true;
      }
    if (!found) options.push_back(change.abi());
  }
  tempo_layer* out = nullptr;
  sdk::check(sdk::host().make_layer_of(v.type, options.data(),
                                       static_cast<uint32_t>(options.size()), &out));
  return Layer(out);
}

/// One step of a cell in use.
inline Step step(const Layer& cell, const Tensor& x, const State& state,
                 const Tensors& constants = {}, bool training = false) {
  Tensors results =
      cell.call({x}, {.training = training, .initial_state = state, .constants = constants});
  return {.output = results.at(0), .state = Tensors(results.begin() + 1, results.end())};
}

/// The shapes of a cell's states.
inline Shapes state_shapes(const Layer& cell, int64_t batch) {
  tempo_type types[TEMPO_MAX_OUTPUTS] = {};
  uint32_t count = 0;
  sdk::check(sdk::host().layer_states(cell.handle(), batch, types, TEMPO_MAX_OUTPUTS, &count));
  Shapes out;
  for (uint32_t i = 0; i < count; ++i) out.push_back(sdk::shape_of(types[i]));
  return out;
}

}  // namespace tempo
