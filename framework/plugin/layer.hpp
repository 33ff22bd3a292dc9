// SPDX-License-Identifier: Apache-2.0
// Layers and cells in use: the instance of a tempo_layer handle, its weights and its children.
#pragma once

#include <atomic>
#include <functional>
#include <span>

#include <tempo/option_list.hpp>

#include "plugin/claim.hpp"
#include "scan/traced_step.hpp"
#include "tensor/scoped.hpp"

namespace tempo {

/// The number of states of a cell with `sequences` inputs; 0 sequences: not known yet.
struct alignas(8) StatesOfCell {  // one word, which clang needs for a single read or write
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
    bool trainable = true;  // as long as the layer is not frozen
  };

  /// While its destroy runs, the count is at least this, so that a temporary holder does not
  /// destroy it again.
  static constexpr uint32_t ended = uint32_t{1} << 31;
  std::atomic<uint32_t> count{1};
  const tempo_layer_type& type;
  tempo::sdk::OptionList options;
  void* instance = nullptr;  // null before create has returned, and once destroy has begun
  std::string name;
  std::vector<tempo_layer*> holders;  // the layers that hold it; the path of the first comes first
  std::vector<Weight> own;
  std::vector<tempo::Layer> children;
  std::vector<const tempo_layer*> of_build;  // the children that its build added
  uint64_t id;
  std::atomic<tempo::DType> dtype{tempo::DType::automatic};
  bool trainable = true;
  bool named = false;      // by its option, or by the model or layer that holds it
  bool over_time = false;  // whether it, or a layer in its options, has return_sequences
  bool last_only = false;  // whether that option is false
  tempo::Claim building;   // once it is built, calls only read this struct, except for members that
                           // guard themselves
  std::vector<tempo::TensorType> built_for;
  std::atomic<tempo::StatesOfCell> states_of_cell{};  // as they were last asked for
  // Sequences in its last call; 0 before it and after a reset. A stateful layer keeps their states.
  std::atomic<int64_t> batch{0};
  tempo::TraceCache steps{[this] { return weights(); }};
  bool was_set = false;  // whether trainable was set since it was made
  std::function<tempo::Tensor(const tempo::Tensor&)> activity_penalty;  // of its outputs; or empty

  /// Its path: "encoder/lstm".
  std::string path() const;
  bool built() const { return building.is_done(); }
  bool has_ended() const { return count.load(std::memory_order_relaxed) >= ended; }
  /// The dtype in its options; automatic if they have none.
  tempo::DType given_dtype() const;
  /// Its own weights and those of its children, each once; without those of a layer that another
  /// thread is building now.
  std::vector<tempo::Value*> weights() const;
  /// Whether neither it nor any layer that holds it is frozen.
  bool is_trainable() const;
};

namespace tempo {

/// A new layer; its options are checked against the type's description.
Layer new_layer(const tempo_layer_type& type, std::span<const tempo_attribute> options);
/// `asked`: the dtype of its weights, if its options have none.
void build(tempo_layer& layer, const std::vector<TensorType>& inputs,
           DType asked = DType::automatic);
/// Undoes a build whose weights nobody has seen yet.
void unbuild(tempo_layer& layer) noexcept;
Tensors call(tempo_layer& layer, const tempo_call& call);
/// If the time axis is missing because `before`, the previous layer, returned its last output only,
/// the error names both.
void explain_lost_time(const tempo_layer& layer, const ShapeError& error,
                       const std::string& before);
/// Whether the innermost call of a layer or model on this thread is in training.
bool in_training();
/// While one exists, in_training() gives `told`, if it is told; otherwise nothing changes.
class InTraining {
 public:
  explicit InTraining(int32_t told);

 private:
  Scoped<bool> before_;
};
/// The innermost layer that is being called on this thread; null if there is none.
tempo_layer* called_layer();
/// While one exists, it records the layers called on this thread, and the shapes of their results.
class GivenShapes {
 public:
  GivenShapes();
  /// The innermost one on this thread, unless a layer runs that was called since it was made.
  static GivenShapes* current();
  /// The innermost one on this thread.
  static GivenShapes* innermost();
  /// The shape of the first result of the layer's last call; empty if it was not called.
  Shape of(const tempo_layer& layer) const;
  /// The layers that its maker called itself, each once, in the order of their first calls.
  const std::vector<Layer>& called() const { return called_; }
  void note(tempo_layer& layer, const tempo_layer* caller, const Shape& shape);

 private:
  const tempo_layer* maker_;  // the layer in whose call it was made; null if there is none
  std::vector<std::pair<const tempo_layer*, Shape>> given_;
  std::vector<Layer> called_;
  Scoped<GivenShapes*> outer_;
};
/// The types of a cell's states, [batch, ...] each, for inputs of these types at one step.
std::vector<TensorType> states(tempo_layer& cell, const std::vector<TensorType>& inputs);
/// The types of the results for inputs of these types, for which it is built: from its callback
/// `outputs`, or from a call on types alone. A cell's is the type of its output at one step.
std::vector<TensorType> output_types(tempo_layer& layer, const std::vector<TensorType>& inputs);
/// The types from its callback `outputs`; empty if it has none.
std::vector<TensorType> promised_outputs(tempo_layer& layer, const std::vector<TensorType>& inputs);
/// The states that a recurrence begins with: the cell's own, or zeros in the first input's dtype.
Tensors initial_states(tempo_layer& cell, const std::vector<TensorType>& inputs,
                       const tempo_call& call);
/// The tensors that the cell makes before the first step.
Tensors made_once(tempo_layer& cell, const std::vector<TensorType>& inputs, const tempo_call& call);
/// Whether the layer, or a layer in it, reads the constants of a call.
bool takes_constants(const tempo_layer& layer);
/// While one exists, it records the states with which the latest scan of this thread began. Scans
/// of zero steps then skip their step, and cells make nothing before it: a step may need parts of a
/// call that are missing.
class FirstStates {
 public:
  FirstStates();
  static FirstStates* current();
  /// Whether this scan was recorded and is finished: then its results are set.
  bool sees(const tempo_scan& scan, tempo_tensor** results);

  Tensors states;

 private:
  Scoped<FirstStates*> innermost_;
};

/// Forgets the states that the layer and its children keep between calls.
void reset(tempo_layer& layer);
Tensor add_weight(tempo_layer& self, const tempo_weight& weight);
/// Freezes a layer and its children, or lets optimizers change them again.
void set_trainable(tempo_layer& layer, bool trainable);
/// A child with the name of another child gets a number, as in a model.
void add_child(tempo_layer& self, const char* name, const Layer& child);
/// Releases its children: their paths, and whether they are frozen, no longer depend on it.
void let_go_of_children(tempo_layer& self) noexcept;
/// Removes the weights and children that its build added, so that another build can start afresh.
void forget_build(tempo_layer& self) noexcept;
/// Renames a layer, and with it the paths of its weights.
void name_layer(const Layer& layer, const std::string& name);
/// The name of a layer beside the taken names: `wanted`, or with a number, "dense_1". Throws Error,
/// which begins with `who`, if the layer's own option names it and the name is taken.
std::string name_beside(const std::string& who, const std::vector<std::string>& taken,
                        const Layer& layer, const std::string& wanted);

/// A weight, and its path from the start of a walk.
struct WeightOnPath {
  std::string path;
  Value* value;
};
/// Each weight of these layers and of the layers in them, once, where it is first met. All code
/// that counts, updates or saves weights uses this, so a layer that is used twice has one set.
std::vector<Value*> weights_of(std::span<const Layer> layers);
/// The same with paths, which begin with these names of the layers.
std::vector<WeightOnPath> weights_on_paths(std::span<const Layer> layers,
                                           std::span<const std::string> names);

}  // namespace tempo
