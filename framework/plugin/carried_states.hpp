// SPDX-License-Identifier: Apache-2.0
// Recurrences that go on from one call of a model to its next: the model sees long sequences piece
// by piece.
#pragma once

#include <map>
#include <string>

#include "graph/value.hpp"
#include "tensor/function_ref.hpp"
#include "tensor/scoped.hpp"

namespace tempo {

/// The states in which the recurrences of a model ended. A recurrence is known by the layer that
/// runs it and by how many that layer ran before it in the same call.
class CarriedStates {
 public:
  /// The first result of a layer's call.
  struct Output {
    std::string layer;
    Tensor value;
  };

  /// While one lives, the recurrences of this thread over `batch` sequences of at most `time` steps
  /// begin as they ended in the call before it. No gradient goes through.
  class Call {
   public:
    /// `outputs` gets what the layers give, in the order in which they are done; null: nothing.
    Call(CarriedStates& states, int64_t batch, int64_t time,
         std::vector<Output>* outputs = nullptr);

   private:
    Scoped<CarriedStates*> innermost_;
  };
  /// That of the call that lives on this thread; null: there is none, or a step is being traced.
  static CarriedStates* current();

  /// What `run` gives for this scan of a layer (null: of none), begun as the one before it ended.
  using Results = std::vector<Ref<Value>>;
  Results run(const tempo_scan& scan, const tempo_layer* layer,
              FunctionRef<Results(const tempo_scan&)> run);
  void note(const tempo_layer& layer, const Tensor& output);
  /// Outputs [batch, time, ...] of a layer that hold what came before where the mask does not
  /// count: those before the first step that does, also what came in the call before.
  Tensor held(const Tensor& outputs, const Tensor& mask, const tempo_layer& layer);

  /// The layer of a recurrence that ran from the last step to the first, and so carries nothing; ""
  /// when there was none.
  const std::string& backwards() const { return backwards_; }

 private:
  using Place = std::pair<const tempo_layer*, int64_t>;
  bool sees(const Shape& x) const;
  std::map<Place, Tensors> last_;
  std::map<Place, Tensor> last_output_;               // that holds
  std::map<const tempo_layer*, int64_t> run_, held_;  // in this call
  int64_t batch_ = 0, time_ = 0;
  std::vector<Output>* outputs_ = nullptr;
  std::string backwards_;
};

}  // namespace tempo
