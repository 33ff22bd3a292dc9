// SPDX-License-Identifier: Apache-2.0
// Layers and cells in use: the instance of a tempo_layer handle, its weights and children.
#pragma once

#include <atomic>
#include <functional>
#include <span>

#include <tempo/option_list.hpp>

#include "plugin/claim.hpp"
#include "scan/traced_step.hpp"
#include "tensor/scoped.hpp"

namespace tempo {

/// The number of states of a cell for this number of sequences; with 0 sequences it is not known.
struct alignas(8) StatesOfCell {  // one word, so that clang reads and writes it at once, too
  uint32_t sequences = 0, count = 0;
};

}  // namespace tempo

struct tempo_layer {
  tempo_layer(const tempo_layer_type& kind, std::span<const tempo_attribute> given);
  ~tempo_layer();
  tempo_layer(const tempo_layer&) = delete;
  tempo_layer& operator=(const tempo_layer&) = delete;

  struct Weight {
    std::string name;
    tempo::Ref<tempo::Value> value;
    bool trainable = true;  // unless the layer is frozen
  };

  /// While its destroy runs it has this count or a larger one, so that what borrows it then does
  /// not destroy it again.
  static constexpr uint32_t ended = uint32_t{1} << 31;
  std::atomic<uint32_t> count{1};
  const tempo_layer_type& type;
  tempo::sdk::OptionList options;
  void* instance = nullptr;  // null until its create has returned, and from its destroy on
  std::string name;
  std::vector<tempo_layer*> holders;  // it is a child of these; the path of the first comes first
  std::vector<Weight> own;
  std::vector<tempo::Layer> children;
  std::vector<const tempo_layer*> of_build;  // those of its children that its build has added
  uint64_t id;
  std::atomic<tempo::DType> dtype{tempo::DType::automatic};
  bool trainable = true;
  bool named = false;      // by its option, or by the model or layer that took it in
  bool over_time = false;  // it, or the layer it is made from, has the option return_sequences
  bool last_only = false;  // which is false
  tempo::Claim building;   // once it was built, calls read what is here and change none of it but
                           // what guards itself
  std::vector<tempo::TensorType> built_for;
  std::atomic<tempo::StatesOfCell> states_of_cell{};  // when it was last asked
  // Sequences in its last call; 0 before it and after a reset. A stateful layer keeps their states.
  std::atomic<int64_t> batch{0};
  tempo::TraceCache steps{[this] { return weights(); }};
  bool was_set = false;  // trainable, since it was made
  std::function<tempo::Tensor(const tempo::Tensor&)> activity_penalty;  // of its outputs; or empty

  /// "encoder/lstm"
  std::string path() const;
  bool built() const { return building.is_done(); }
  bool has_ended() const { return count.load(std::memory_order_relaxed) >= ended; }
  /// What its options say; automatic where they do not.
  tempo::DType given_dtype() const;
  /// Its own weights and its children's, each once; those of a layer that another thread is
  /// building are not there yet.
  std::vector<tempo::Value*> weights() const;
  /// Whether neither it nor a layer that holds it is frozen.
  bool is_trainable() const;
};

namespace tempo {

/// A new layer; options are checked against the type's description.
Layer new_layer(const tempo_layer_type& type, std::span<const tempo_attribute> options);
/// `asked`: of its weights, where its options do not say.
void build(tempo_layer& layer, const std::vector<TensorType>& inputs,
           DType asked = DType::automatic);
/// Makes as if build had not been called; nobody has seen its weights yet.
void unbuild(tempo_layer& layer) noexcept;
Tensors call(tempo_layer& layer, const tempo_call& call);
/// If the time axis is missing because `before`, the layer before this one, gave its last output
/// only, the error names both.
void explain_lost_time(const tempo_layer& layer, const ShapeError& error,
                       const std::string& before);
/// Whether the innermost call on this thread of a layer or a model is in training.
bool in_training();
/// While one lives, that is so, if it is told; else it stays as it was.
class InTraining {
 public:
  explicit InTraining(int32_t told);

 private:
  Scoped<bool> before_;
};
/// The layer that is being called on this thread, the innermost; null: none.
tempo_layer* called_layer();
/// While one lives, it notes which layers are called on this thread, and the shapes that they give.
class GivenShapes {
 public:
  GivenShapes();
  /// The innermost of this thread, if what runs is called by its maker and by no layer between.
  static GivenShapes* current();
  /// The innermost of this thread.
  static GivenShapes* innermost();
  /// That of the first result of the layer's last call; empty when it was not called.
  Shape of(const tempo_layer& layer) const;
  /// The layers that were called by its maker, not by other layers, each once, as they came.
  const std::vector<Layer>& called() const { return called_; }
  void note(tempo_layer& layer, const tempo_layer* caller, const Shape& shape);

 private:
  const tempo_layer* maker_;  // the layer in whose call it lives; null: none
  std::vector<std::pair<const tempo_layer*, Shape>> given_;
  std::vector<Layer> called_;
  Scoped<GivenShapes*> outer_;
};
/// The types of a cell's states, [batch, ...] each, for inputs that have these types at one step.
std::vector<TensorType> states(tempo_layer& cell, const std::vector<TensorType>& inputs);
/// The types of what it gives for such inputs, for which it is built: as its `outputs` says, or by
/// a call on types alone. A cell's is its output at one step.
std::vector<TensorType> output_types(tempo_layer& layer, const std::vector<TensorType>& inputs);
/// As its `outputs` says; empty: it has none.
std::vector<TensorType> promised_outputs(tempo_layer& layer, const std::vector<TensorType>& inputs);
/// The states that it begins with: its own, or zeros of the dtype of the first input.
Tensors initial_states(tempo_layer& cell, const std::vector<TensorType>& inputs,
                       const tempo_call& call);
/// What it makes before the first step.
Tensors made_once(tempo_layer& cell, const std::vector<TensorType>& inputs, const tempo_call& call);
/// Whether it or a layer in it reads the constants of a call.
bool takes_constants(const tempo_layer& layer);
/// While one lives, the states that scans of this thread begin with are seen here, the latest ones.
/// Scans of no steps then do without their step, and cells make nothing before it: what a step
/// needs of a call may not be there.
class FirstStates {
 public:
  FirstStates();
  static FirstStates* current();
  /// Whether this scan was seen and is done with: its results are there.
  bool sees(const tempo_scan& scan, tempo_tensor** results);

  Tensors states;

 private:
  Scoped<FirstStates*> innermost_;
};

/// Forgets the state that it and its children keep between calls.
void reset(tempo_layer& layer);
Tensor add_weight(tempo_layer& self, const tempo_weight& weight);
/// Freezes a layer with its children, or lets optimizers change them again.
void set_trainable(tempo_layer& layer, bool trainable);
/// A child that is named as another one gets a number, as in a model.
void add_child(tempo_layer& self, const char* name, const Layer& child);
/// Its children have a holder less: their paths, and whether they are frozen, are as without it.
void let_go_of_children(tempo_layer& self) noexcept;
/// The weights and children that its build has added are gone, so that another one starts afresh.
void forget_build(tempo_layer& self) noexcept;
/// Renames a layer, and with it the paths of its weights.
void name_layer(const Layer& layer, const std::string& name);
/// What a layer is called beside those of these names: `wanted`, or that and a number, "dense_1".
/// Throws Error, which begins with `who`, where two were given the same name by their options.
std::string name_beside(const std::string& who, const std::vector<std::string>& taken,
                        const Layer& layer, const std::string& wanted);

/// A weight, and its path from where a walk began.
struct WeightOnPath {
  std::string path;
  Value* value;
};
/// Each weight of these layers and of the layers in them once, where it is met first. Who counts,
/// updates or saves weights takes them from here, so a layer that is used twice has one set.
std::vector<Value*> weights_of(std::span<const Layer> layers);
/// The same with paths, which begin with these names of the layers.
std::vector<WeightOnPath> weights_on_paths(std::span<const Layer> layers,
                                           std::span<const std::string> names);

}  // namespace tempo
