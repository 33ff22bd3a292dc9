// The Loss handle: from y_true and y_pred to one number.
#include "training/loss_state.hpp"

namespace tempo {

namespace {

struct UserLoss : LossState {
  UserLoss(std::shared_ptr<const Loss::Function> f, const std::string& its_name,
           const std::string& its_reduction)
      : LossState(its_name, "", its_reduction), function(std::move(f)) {}
  Tensor values(const Tensor& y_true, const Tensor& y_pred) const override {
    const auto [t, p] = aligned(cast(y_true, y_pred.dtype()), y_pred);
    Tensor result = (*function)(t, p);
    if (!result) throw Error(name + ": the loss function returned no value (Tensor{}).");
    return result;
  }
  std::shared_ptr<const Loss::Function> function;
};

void require_given(const std::string& who, const Tensor& y_true, const Tensor& y_pred) {
  if (!y_true || !y_pred)
    throw Error(who + ": " + (y_true ? "y_pred" : "y_true") +
                " was never given a value (it is Tensor{}).");
}

}  // namespace

Loss::Loss(std::shared_ptr<const Function> function, const std::string& name,
           const std::string& reduction)
    : state_(std::make_shared<UserLoss>(std::move(function), name, reduction)) {}

const LossState& Loss::required() const {
  if (!state_) throw Error("Loss: this one was never given a value (it is Loss{}).");
  return *state_;
}

Tensor Loss::operator()(const Tensor& y_true, const Tensor& y_pred,
                        const Tensor& sample_weight) const {
  const Tensor losses = values(y_true, y_pred);
  Tensor mask = mask_of(y_pred);
  if (const Tensor found = mask_of(losses)) mask = mask ? logical_and(mask, found) : found;
  return reduce(name(), losses, sample_weight, mask, state_->reduction);
}

Tensor Loss::values(const Tensor& y_true, const Tensor& y_pred) const {
  require_given(required().name, y_true, y_pred);
  return state_->values(y_true,
                        is_floating(y_pred.dtype()) ? y_pred : cast(y_pred, default_dtype()));
}

std::string Loss::name() const { return required().name; }
std::string Loss::text() const { return required().text; }

}  // namespace tempo
