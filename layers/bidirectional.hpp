// SPDX-License-Identifier: Apache-2.0
// A recurrent layer in both directions.
#pragma once

#include <tempo/cell.hpp>

namespace tempo TEMPO_HIDDEN {

struct BidirectionalOptions {
  std::string merge_mode = "concat";
  Layer backward_layer = {};
  Regularizer activity_regularizer = {};
  bool trainable = true;
  DType dtype = DType::automatic;
  std::string name = "";
  Layer layer = {};  ///< set by Bidirectional(layer, options)
};

inline void describe(auto& option, BidirectionalOptions& o) {
  option("layer", o.layer, "The recurrent layer that is run in both directions.");
  option("merge_mode", o.merge_mode,
         "How the outputs of the two directions become one; none gives both.",
         one_of("concat|sum|mul|ave|none"));
  option("backward_layer", o.backward_layer,
         "Runs backwards in place of a copy of `layer`; it must go the other way. A copy draws "
         "other random numbers.");
}

/// Runs one recurrent layer forwards and one backwards over the same sequence (Schuster and
/// Paliwal, 1997).
class BidirectionalLayer : public LayerOf<BidirectionalOptions> {
 public:
  BidirectionalLayer(BidirectionalOptions o = {}) : LayerOf(std::move(o)) {
    const Layer& layer = options.layer;
    if (!layer)
      throw Error(
          "Bidirectional: no layer is given.\n  Bidirectional(LSTM({.units = 32})) runs one.");
    require_recurrent(layer);
    return_sequences_ = flag(layer, "return_sequences");
    const bool backwards = flag(layer, "go_backwards");
    if (options.backward_layer) check_opposite(layer, options.backward_layer);
    const Layer& other = options.backward_layer ? options.backward_layer : layer;
    // Padding must give 0 in both outputs, because they are merged at every step.
    forward_ = recreated(drawing(layer, false), {{"name", ("forward_" + layer.name()).c_str()},
                                                 {"zero_output_for_mask", return_sequences_}});
    backward_ = recreated(drawing(other, !options.backward_layer),
                          {{"name", ("backward_" + other.name()).c_str()},
                           {"zero_output_for_mask", return_sequences_},
                           {"go_backwards", !backwards}});
  }

  void add_children(Children& add) {
    add(forward_);
    add(backward_);
  }

  void build(Weights& add, const Shapes& inputs) {
    forward_.build(inputs, add.dtype());
    backward_.build(inputs, add.dtype());
  }

  Tensors call(const Tensors& inputs, const CallOptions& call) {
    const State& initial = call.initial_state;
    if (initial.size() % 2 != 0)
      throw ShapeError("Bidirectional: initial_state holds " + std::to_string(initial.size()) +
                       " tensors.\n  Give the states of the forward layer, then as many of the "
                       "backward layer.");
    const auto half = initial.begin() + static_cast<std::ptrdiff_t>(initial.size() / 2);
    CallOptions one = call;
    one.initial_state = State(initial.begin(), half);
    Tensors forward = forward_.call(inputs, one);
    one.initial_state = State(half, initial.end());
    Tensors backward = backward_.call(inputs, one);
    if (return_sequences_) backward[0] = reverse(backward[0], 1);

    Tensors out = merged(forward[0], backward[0]);
    if (return_sequences_ && call.mask)
      for (Tensor& t : out) t = with_mask(t, call.mask);
    out.insert(out.end(), forward.begin() + 1, forward.end());
    out.insert(out.end(), backward.begin() + 1, backward.end());
    return out;
  }

  void reset_state() {
    forward_.reset_state();
    backward_.reset_state();
  }

 private:
  /// A copy of this layer and of the layers in it. With `others`, seeds give other random numbers
  /// than in the original.
  static Layer drawing(const Layer& original, bool others) {
    const tempo_layer_view v = original.view();
    sdk::OptionList changed;
    for (tempo_attribute o : sdk::Strided(v.options, v.n_options)) {
      const std::string name = o.name;
      if (o.kind == TEMPO_LAYER_VALUE && o.layer) {
        changed.add(name, drawing(Layer::borrowed(o.layer), others));
      } else {
        if (name == "seed" && o.integer >= 0 && others) o.integer ^= int64_t{1} << 40;
        changed.add(o);
      }
    }
    return sdk::make_layer(*v.type, changed);
  }

  Tensors merged(const Tensor& forward, const Tensor& backward) const {
    if (options.merge_mode == "concat") return {concat({forward, backward}, -1)};
    if (options.merge_mode == "sum") return {forward + backward};
    if (options.merge_mode == "mul") return {forward * backward};
    if (options.merge_mode == "ave") return {0.5 * (forward + backward)};
    return {forward, backward};
  }

  static const tempo_option* described(const Layer& layer, const std::string& name) {
    const tempo_layer_type& type = *layer.view().type;
    for (const tempo_option& o : sdk::Strided(type.options, type.n_options))
      if (name == o.name) return &o;
    return nullptr;
  }
  /// The value of a bool option, as given or by default.
  static bool flag(const Layer& layer, const std::string& name) {
    const tempo_layer_view v = layer.view();
    for (const tempo_attribute& o : sdk::Strided(v.options, v.n_options))
      if (name == o.name) return o.integer != 0;
    const tempo_option* option = described(layer, name);
    return option && std::string(option->standard) == "true";
  }
  static void require_recurrent(const Layer& layer) {
    for (const char* name : {"go_backwards", "return_sequences", "zero_output_for_mask"})
      if (layer.is_cell() || !described(layer, name))
        throw Error("Bidirectional: it runs a recurrent layer, such as LSTM; " + layer.type_name() +
                    (layer.is_cell() ? " is a cell.\n  RNN(cell) makes a layer of it."
                                     : std::string(" has no option `") + name + "`."));
  }
  static void check_opposite(const Layer& layer, const Layer& backward) {
    require_recurrent(backward);
    if (flag(layer, "go_backwards") == flag(backward, "go_backwards"))
      throw Error(
          "Bidirectional: layer and backward_layer run the same way.\n  Set .go_backwards = "
          "true in one of them.");
    for (const char* name : {"return_sequences", "return_state", "stateful"})
      if (flag(layer, name) != flag(backward, name))
        throw Error(std::string("Bidirectional: `") + name + "` is " +
                    (flag(layer, name) ? "true" : "false") + " in layer and " +
                    (flag(backward, name) ? "true" : "false") +
                    " in backward_layer.\n  It must be the same in both.");
  }

  Layer forward_, backward_;
  bool return_sequences_ = false;
};

/// A recurrent layer in both directions; its states are the forward ones, then the backward ones.
inline Layer Bidirectional(const Layer& layer, BidirectionalOptions options = {}) {
  options.layer = layer;
  return make_layer("Bidirectional", options);
}
TEMPO_OPTIONS(Layer Bidirectional, BidirectionalOptions, const Layer&);

}  // namespace tempo
