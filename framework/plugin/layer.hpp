// Layers and cells in use: the instance behind a tempo_layer handle, its weights and children.
#pragma once

#include "scan/traced_step.hpp"

#include <tempo/layer.hpp>

#include <atomic>
#include <deque>
#include <optional>
#include <span>

namespace tempo {

/// Options with the texts, lists and layers that they point to.
class OptionStore {
 public:
  OptionStore() = default;
  explicit OptionStore(std::span<const tempo_attribute> options);
  OptionStore(const OptionStore&) = delete;
  OptionStore& operator=(const OptionStore&) = delete;
  const std::vector<tempo_attribute>& all() const { return attributes_; }
  const tempo_attribute* find(const std::string& name) const;

 private:
  std::vector<tempo_attribute> attributes_;
  std::deque<std::string> texts_;
  std::deque<std::vector<int64_t>> lists_;
  std::vector<Layer> layers_;
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
  };

  std::atomic<uint32_t> count{1};
  const tempo_layer_type& type;
  tempo::OptionStore options;
  void* instance = nullptr;
  std::string name;
  tempo_layer* parent = nullptr;  // holds this one; its path comes first
  std::vector<Weight> own;
  std::vector<tempo::Layer> children;
  uint64_t id;
  tempo::DType dtype = tempo::DType::automatic;
  bool trainable = true;
  bool built = false;
  std::vector<tempo::TensorType> built_for;
  std::optional<uint32_t> n_states;  // of a cell, once it was asked
  tempo::Shape gave;                 // the shape of its last call's first result
  int64_t calls = 0;                 // in training
  tempo::StepCache steps{[this] { return weights(); }};

  /// "encoder/lstm"
  std::string path() const;
  /// Its own weights and its children's.
  std::vector<tempo::Value*> weights() const;
};

namespace tempo {

/// A new layer; options are checked against the type's description.
Layer new_layer(const tempo_layer_type& type, std::span<const tempo_attribute> options);
void build(tempo_layer& layer, const std::vector<TensorType>& inputs);
Tensors call(tempo_layer& layer, const tempo_call& call);
/// The layer that is being called on this thread, the innermost; null: none.
tempo_layer* called_layer();
/// The types of a cell's states for this batch, [batch, ...] each.
std::vector<TensorType> states(tempo_layer& cell, int64_t batch);
/// Forgets the state that it and its children keep between calls.
void reset(tempo_layer& layer);
Tensor add_weight(tempo_layer& self, const char* name, const Tensor& value, bool trainable);
void add_child(tempo_layer& self, const char* name, const Layer& child);
/// Renames a layer, and with it the paths of its weights.
void name_layer(const Layer& layer, const std::string& name);

}  // namespace tempo
