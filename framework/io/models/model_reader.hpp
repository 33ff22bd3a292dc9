// SPDX-License-Identifier: Apache-2.0
// Reads model files, which are untrusted: everything is checked before anything is changed.
#pragma once

#include <map>
#include <optional>

#include "io/models/kept_values.hpp"
#include "io/models/layer_json.hpp"
#include "io/models/model_file.hpp"
#include "io/tensors/safetensors.hpp"
#include "ops/defaults.hpp"
#include "training/models/model_state.hpp"

namespace tempo {

/// Reads one file; every Error that it throws begins with the file's name.
class ModelReader {
 public:
  ModelReader(const Source& source, const LoadOptions& options);
  /// From the content of a file that was read already, of `bytes` bytes in all.
  ModelReader(std::string path, uint64_t bytes, Safetensors content, const LoadOptions& options);

  /// A new model. It is compiled if the file's model was and its functions are given.
  Sequential make();
  /// Reads weights and training into a model that was made and compiled as the file's model.
  void resume(Model& model);
  /// Reads the weights alone.
  void put_weights(Model& model);

 private:
  /// The checked description of the training.
  struct Training {
    Optimizer optimizer = {};
    std::vector<std::string> words = {};
    Tensors left_out = {};
    GeneratorState generator = {};
    std::optional<Place> place = {};  // within an epoch
    int64_t epoch = 0;
    Loss loss = {};
    double loss_weight = 1;
    std::vector<Metric> metrics = {}, weighted_metrics = {};
    std::vector<Output> outputs = {};  // in place of the four above, if several
    std::string missing = {};          // the user's functions that were not given
    std::string needs = {};            // the JSON that names them
  };

  /// Splits the content of the file into weights, slots and states.
  void take(Safetensors content);
  [[noreturn]] void fail(const std::string& what) const { throw FormatError(path_ + ": " + what); }
  /// Runs f; each exception becomes an Error that names the file.
  template <class F>
  auto naming(F&& f) const;

  nlohmann::ordered_json description() const;
  DType dtype(const nlohmann::ordered_json& name) const;
  void build(Model& model, const nlohmann::ordered_json& description) const;
  std::string weight_differences(const Optimizer::NamedTensors& weights) const;
  void require_weights(const Optimizer::NamedTensors& weights, const Model& model) const;
  void assign_weights(const Optimizer::NamedTensors& weights) const;

  Training training(const nlohmann::ordered_json& from,
                    const Optimizer::NamedTensors& weights) const;
  std::optional<Loss> loss(const nlohmann::ordered_json& from, std::string& missing) const;
  std::optional<std::vector<Metric>> metrics(const nlohmann::ordered_json& from,
                                             std::string& missing) const;
  std::vector<Output> outputs(const nlohmann::ordered_json& from, std::string& missing) const;
  void compile(Model& model, const Training& training) const;
  void put_metadata(Model& model) const;
  void put_kept(const Model& model, const nlohmann::ordered_json& description);

  std::string path_;
  uint64_t bytes_;
  const LoadOptions& options_;
  std::vector<Registration> given_;
  Safetensors file_;
  std::map<std::string, Tensor> weights_;
  Optimizer::NamedTensors slots_, states_;
  KeptValues kept_;
};

}  // namespace tempo
