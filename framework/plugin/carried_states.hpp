// SPDX-License-Identifier: Apache-2.0
// Recurrences that continue from one call of a model to its next, so that the model can see long
// sequences piece by piece.
#pragma once

#include <map>
#include <string>

#include "graph/value.hpp"
#include "tensor/function_ref.hpp"
#include "tensor/scoped.hpp"

namespace tempo {

/// The last states of a model's recurrences. A recurrence is identified by the layer that runs it
/// and by the number of recurrences that this layer ran before it in the same call.
class CarriedStates {
 public:
  /// The first result of a layer's call.
  struct Output {
    std::string layer;
    Tensor value;
  };

  /// While one exists, recurrences of this thread over `batch` sequences of at most `time` steps
  /// begin with their last states of the previous call. Gradients do not flow through these.
  class Call {
   public:
    /// `outputs` receives the outputs of the layers in the order in which they finish; null: none.
    Call(CarriedStates& states, int64_t batch, int64_t time,
         std::vector<Output>* outputs = nullptr);

   private:
    Scoped<CarriedStates*> innermost_;
  };
  /// The states of the innermost Call on this thread; null if there is none, or in a traced step.
  static CarriedStates* current();

  /// The results of `run` for a scan of `layer` (null: of none), begun with the carried states.
  using Results = std::vector<Ref<Value>>;
  Results run(const tempo_scan& scan, const tempo_layer* layer,
              FunctionRef<Results(const tempo_scan&)> run);
  void note(const tempo_layer& layer, const Tensor& output);
  /// Outputs [batch, time, ...] of a layer that repeat the previous output at masked steps: those
  /// before the first step that counts get the last output of the previous call.
  Tensor held(const Tensor& outputs, const Tensor& mask, const tempo_layer& layer);

  /// The path of the layer whose recurrence ran from the last step to the first, and so carries
  /// nothing; "" if there is none.
  const std::string& backwards() const { return backwards_; }

 private:
  using Place = std::pair<const tempo_layer*, int64_t>;
  bool sees(const Shape& x) const;
  std::map<Place, Tensors> last_;
  std::map<Place, Tensor> last_output_;               // of layers that hold outputs
  std::map<const tempo_layer*, int64_t> run_, held_;  // counts within this call
  int64_t batch_ = 0, time_ = 0;
  std::vector<Output>* outputs_ = nullptr;
  std::string backwards_;
};

}  // namespace tempo
