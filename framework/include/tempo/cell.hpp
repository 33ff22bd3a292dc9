// SPDX-License-Identifier: Apache-2.0
// Cells and layers are classes with options, weights and a formula. The same source serves in a
// script, in a test and in a plugin.
#pragma once

#include <concepts>
#include <deque>
#include <memory>

#include <tempo/cell_form.hpp>
#include <tempo/kept.hpp>
#include <tempo/weights.hpp>

namespace tempo TEMPO_HIDDEN {

namespace sdk {
template <class L>
struct Trampolines;
}

/// The base of a cell, one time step of a recurrence. A cell has
///   void build(Weights& add, const Shape& input);                  input [batch, features]
///   Step step(const Tensor& x, const State& s) const;              x [batch, features]
/// and `state_count` states [batch, options.units], which begin as zeros. If it needs more, it may
/// also have any of these:
///   Step step(..., const StepCall& call) const;      it reads call.training or call.constants
///   Step step(const Tensors& x, ...) const;          `sequence_count` sequences, x[0], x[1], ...
///   static constexpr const char* sequences = "{x, gap}";  their names, for errors
///   static constexpr int step_rank = 2;              each is [batch, features] at one step, which
///                                                    is checked before the cell is built
///   void build(Weights& add, const Shapes& inputs);  the shapes of all of them
///   Shapes state_shapes(int64_t batch) const;        other shapes; or (const Shapes& inputs)
///   State initial(const StepCall& call) const;       other first states, each of the state's shape
///                                                    or broadcast to it; Tensor{} for zeros
///   Tensors once(const StepCall& call) const;        made before the first step, from weights,
///                                                    constants and random numbers: call.once
/// `step` must be a pure function of its arguments, the weights and the options: it is traced once,
/// and not called again for arguments of the same types. A value that changes from call to call is
/// a weight (frozen, if it is not trained), a constant, or made by `once`, which runs at each call.
template <class Options>
class Cell {
 public:
  using options_type = Options;
  static constexpr int state_count = 1;
  static constexpr int sequence_count = 1;  ///< 0: any number
  Cell(Options o = {}) : options(std::move(o)) {}
  TEMPO_OPTIONS(Cell, Options);
  Options options;
};

/// The base of a layer, a function of tensors. A layer has
///   Tensor call(const Tensor& x, const CallOptions& call)          or
///   Tensors call(const Tensors& inputs, const CallOptions& call)
/// and, if it needs them, `void build(Weights& add, const Shape& input)`,
/// `void add_children(Children& add)` and `void reset_state()`. call.mask is the mask in force.
/// `Shapes output_shapes(const Shapes& inputs) const` gives the shapes of its results without a
/// call. `void keep_state(Kept& keep)` and what kept.hpp says is for cells, too.
///
/// In training a call may give a weight that is not trainable its next value,
/// `assign(moving_mean_, next)`, computed within NoGradient. fit restores the old value if the
/// update as a whole fails. Only one call at a time may do this (see OneAtATime), and no call in a
/// step that is traced.
///
/// A layer that reads call.initial_state but has no option return_state declares
/// `static constexpr bool takes_states = true;`; one that reads call.constants, `takes_constants`.
template <class Options>
class LayerOf {
 public:
  using options_type = Options;
  LayerOf(Options o = {}) : options(std::move(o)) {}
  TEMPO_OPTIONS(LayerOf, Options);
  Options options;

 protected:
  /// Whether neither this layer nor one that holds it is frozen.
  bool is_trainable() const { return Layer::borrowed(self_).trainable(); }

 private:
  template <class L>
  friend struct sdk::Trampolines;
  tempo_layer* self_ = nullptr;
};

namespace sdk {

/// The C callbacks of a cell or layer class.
template <class L>
struct Trampolines {
  static tempo_status create(void*, tempo_layer* self, const tempo_creation* creation,
                             void** instance) noexcept {
    return guarded([&] {
      typename L::options_type read{};
      OptionReader reader{creation->options, creation->n_options};
      visit_options<L>(reader, read);
      auto made = std::make_unique<L>(std::move(read));
      if constexpr (std::is_base_of_v<LayerOf<typename L::options_type>, L>)
        static_cast<LayerOf<typename L::options_type>&>(*made).self_ = self;
      if constexpr (requires(Children & add) { made->add_children(add); }) {
        Children add(self);
        made->add_children(add);
      }
      *instance = made.release();
    });
  }
  static tempo_status destroy(void*, void* instance) noexcept {
    return guarded([&] { delete static_cast<L*>(instance); });
  }

  static tempo_status build(void*, void* instance, tempo_layer* self,
                            const tempo_inputs* inputs) noexcept {
    return guarded([&] {
      L& me = *static_cast<L*>(instance);
      Weights add(self);
      if constexpr (CellClass<L>) CellForm<L>::require_steps(shapes_of(*inputs));
      if constexpr (requires { me.build(add, Shapes{}); })
        me.build(add, shapes_of(*inputs));
      else if constexpr (requires { me.build(add, Shape{}); })
        me.build(add, shape_of(inputs->types[0]));
      (void)me;
    });
  }

  static tempo_status call(void*, void* instance, tempo_layer* self, const tempo_call* call,
                           tempo_results* results) noexcept {
    return guarded([&] { give(run(*static_cast<L*>(instance), self, *call), *results); });
  }

  static tempo_status states(void*, void* instance, tempo_layer*, const tempo_inputs* inputs,
                             tempo_result_types* states) noexcept {
    return guarded([&] {
      give_shapes(CellForm<L>::state_shapes(*static_cast<const L*>(instance), shapes_of(*inputs)),
                  *states);
    });
  }
  static tempo_status outputs(void*, void* instance, tempo_layer*, const tempo_inputs* inputs,
                              tempo_result_types* outputs) noexcept {
    return guarded([&] {
      if constexpr (says_outputs)
        give_shapes(static_cast<const L*>(instance)->output_shapes(shapes_of(*inputs)), *outputs);
    });
  }
  static constexpr bool says_outputs = requires(const L& l, const Shapes& inputs) {
    { l.output_shapes(inputs) } -> std::same_as<Shapes>;
  };

  static constexpr bool keeps_state = requires(L & l, Kept& keep) { l.keep_state(keep); };
  static tempo_status save(void*, void* instance, tempo_layer*, tempo_saving* to) noexcept {
    return guarded([&] {
      Kept keep(to);
      if constexpr (keeps_state) static_cast<L*>(instance)->keep_state(keep);
    });
  }
  static tempo_status load(void*, void* instance, tempo_layer*, const tempo_saved* saved) noexcept {
    return guarded([&] {
      Kept keep(*saved);
      if constexpr (keeps_state) static_cast<L*>(instance)->keep_state(keep);
    });
  }
  static constexpr bool migrates = requires(OldOptions & old) { L::migrate(old); };
  static tempo_status migrate(void*, const tempo_saved* options, tempo_saving* to) noexcept {
    return guarded([&] {
      OldOptions old(*options);
      if constexpr (migrates) L::migrate(old);
      old.hand_over(to);
    });
  }
  static constexpr bool extends = requires(const char* id) { L::extension(id); };
  static const void* extension(void*, const char* id) noexcept {
    if constexpr (extends) return L::extension(id);
    return nullptr;
  }

  static tempo_status initial(void*, void* instance, tempo_layer*, const tempo_call* call,
                              tempo_results* states) noexcept {
    return guarded([&] {
      give(CellForm<L>::initial(*static_cast<const L*>(instance), before_steps(*call)), *states);
    });
  }
  static tempo_status once(void*, void* instance, tempo_layer*, const tempo_call* call,
                           tempo_results* results) noexcept {
    return guarded([&] {
      give(CellForm<L>::once(*static_cast<const L*>(instance), before_steps(*call)), *results);
    });
  }

  static tempo_status reset(void*, void* instance, tempo_layer*) noexcept {
    return guarded([&] {
      L& me = *static_cast<L*>(instance);
      if constexpr (requires { me.reset_state(); }) me.reset_state();
      (void)me;
    });
  }

 private:
  static Tensors borrow(tempo_tensor* const* tensors, uint32_t n) {
    Tensors out;
    for (uint32_t i = 0; i < n; ++i) out.push_back(Tensor::borrowed(tensors[i]));
    return out;
  }
  static void give(const Tensors& out, tempo_results& results) {
    if (out.size() > results.capacity)
      throw Error("a layer returned " + std::to_string(out.size()) + " tensors; at most " +
                  std::to_string(results.capacity) + " can be returned.");
    for (const Tensor& t : out)
      if (!t) throw Error("a layer returned a tensor without a value (Tensor{}).");
    results.count = static_cast<uint32_t>(out.size());
    for (std::size_t i = 0; i < out.size(); ++i) results.tensors[i] = out[i].retained();
  }
  static void give_shapes(const Shapes& shapes, tempo_result_types& room) {
    if (shapes.size() > room.capacity) throw Error("it has more types than can be asked for.");
    room.count = static_cast<uint32_t>(shapes.size());
    for (std::size_t i = 0; i < shapes.size(); ++i)
      room.types[i] = to_abi(DType::automatic, shapes[i]);
  }
  static StepCall before_steps(const tempo_call& call) {
    StepCall seen =
        CellForm<L>::seen(call.training != 0, borrow(call.constants, call.n_constants), {});
    seen.inputs = shapes_of({call.types, call.n_inputs});
    if (call.n_inputs > 0) seen.dtype = dtype_of(call.types[0]);
    return seen;
  }
  static Tensors run_step(const L& cell, tempo_layer* self, const Tensors& x,
                          const tempo_call& call) {
    const State state = borrow(call.states, call.n_states);
    // Its children refuse constants themselves.
    constexpr bool holds_others = requires(L & l, Children & add) { l.add_children(add); };
    if (call.n_constants > 0 && !CellForm<L>::takes_constants && !holds_others)
      throw Error(class_name<L>() +
                  ": its step takes no constants.\n  Give it a third argument, `const StepCall& "
                  "call`: they are its call.constants.");
    StepCall seen;
    if constexpr (CellForm<L>::sees_call) {
      seen = CellForm<L>::seen(call.training != 0, borrow(call.constants, call.n_constants),
                               borrow(call.once, call.n_once));
      for (const Tensor& t : x) seen.inputs.push_back(t.shape());
      seen.dtype = dtype_of_states(x, Layer::borrowed(self).view().dtype);
    }
    const Step step = CellForm<L>::step(cell, x, state, seen);
    Tensors out{step.output};
    out.insert(out.end(), step.state.begin(), step.state.end());
    return out;
  }
  // A layer must not be given what it does not read. One that holds others may hand it on.
  static void require_read(const CallOptions& call) {
    constexpr bool holds_others = requires(L & l, Children & add) { l.add_children(add); };
    constexpr bool has_states = requires(typename L::options_type & o) { o.return_state; };
    if constexpr (!holds_others && !requires { L::takes_constants; })
      if (!call.constants.empty())
        throw Error(
            class_name<L>() +
            ": takes no constants.\n  RNN hands them to the step of a cell; a layer that reads "
            "them has `static constexpr bool takes_constants = true;`.");
    bool reads_states = holds_others || has_states;
    if constexpr (requires { L::takes_states; }) reads_states = L::takes_states;
    if (!reads_states && !call.initial_state.empty())
      throw Error(
          class_name<L>() +
          ": takes no initial_state.\n  Recurrent layers do; another layer that reads it has "
          "`static constexpr bool takes_states = true;`.");
  }
  static Tensors run(L& me, tempo_layer* self, const tempo_call& call) {
    const Tensors inputs = borrow(call.inputs, call.n_inputs);
    if constexpr (CellClass<L>) {
      return run_step(me, self, inputs, call);  // a step is pure and takes `me` as const
    } else {
      CallOptions options{.training = call.training != 0,
                          .mask = Tensor::borrowed(call.mask),
                          .initial_state = borrow(call.states, call.n_states),
                          .constants = borrow(call.constants, call.n_constants)};
      require_read(options);
      if (!options.mask && !inputs.empty()) options.mask = mask_of(inputs[0]);
      if constexpr (requires {
                      { me.call(inputs, options) } -> std::same_as<Tensors>;
                    })
        return me.call(inputs, options);
      else if (inputs.size() == 1)
        return {me.call(inputs[0], options)};
      else
        throw Error(class_name<L>() + ": takes one input, got " + std::to_string(inputs.size()) +
                    ".");
    }
  }
};

/// Describes a layer or cell class to the host; all that it points to lives as long as the process.
template <class L>
const tempo_layer_type* type_of(const std::string& name, const std::string& summary) {
  struct Kept {
    std::string name, summary;
    OptionTable table;
    tempo_layer_type type;
  };
  static auto& all = *new std::deque<Kept>;  // reachable for as long as the object is loaded
  Kept& kept = all.emplace_back(Kept{name, summary, {}, {}});
  typename L::options_type defaults{};
  visit_options<L>(kept.table, defaults);
  tempo_layer_type& t = kept.type;
  t.size = sizeof t;
  t.kind = CellClass<L> ? TEMPO_CELL : TEMPO_LAYER;
  t.name = kept.name.c_str();
  t.summary = kept.summary.c_str();
  t.options = kept.table.options.data();
  t.n_options = static_cast<uint32_t>(kept.table.options.size());
  t.create = &Trampolines<L>::create;
  t.destroy = &Trampolines<L>::destroy;
  t.build = &Trampolines<L>::build;
  t.call = &Trampolines<L>::call;
  if constexpr (CellClass<L>) {
    using Form = CellForm<L>;
    t.states = &Trampolines<L>::states;
    if constexpr (Form::has_initial) t.initial = &Trampolines<L>::initial;
    if constexpr (Form::has_once) t.once = &Trampolines<L>::once;
    if constexpr (Form::takes_constants) t.flags = TEMPO_TAKES_CONSTANTS;
  } else if constexpr (requires { L::takes_constants; }) {
    if constexpr (L::takes_constants) t.flags = TEMPO_TAKES_CONSTANTS;
  }
  t.reset = &Trampolines<L>::reset;
  if constexpr (requires { L::version; }) t.version = static_cast<uint32_t>(L::version);
  if constexpr (Trampolines<L>::says_outputs) t.outputs = &Trampolines<L>::outputs;
  if constexpr (Trampolines<L>::keeps_state) {
    t.save = &Trampolines<L>::save;
    t.load = &Trampolines<L>::load;
  }
  if constexpr (Trampolines<L>::migrates) t.migrate = &Trampolines<L>::migrate;
  if constexpr (Trampolines<L>::extends) t.get_extension = &Trampolines<L>::extension;
  return &t;
}

template <class T>
Layer in_use(const T& described) {
  static const tempo_layer_type* type = type_of<T>(class_name<T>(), "");
  auto options = described.options;
  if constexpr (CellClass<T> && requires { options.activity_regularizer; })
    if (!options.activity_regularizer.text().empty())
      throw Error(
          class_name<T>() +
          ": activity_regularizer is an option of layers, and this is a cell.\n  Give it to "
          "the layer that runs it: RNN(cell, {.activity_regularizer = \"l2\"}).");
  OptionWriter writer;
  visit_options<T>(writer, options);
  tempo_layer* out = nullptr;
  check(host().make_layer_of(type, writer.data(), writer.size(), &out));
  return Layer(out);
}

}  // namespace sdk
}  // namespace tempo
