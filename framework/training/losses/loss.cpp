// SPDX-License-Identifier: Apache-2.0
// The Loss handle: reduces y_true and y_pred to one number.
#include "ops/call_text.hpp"
#include "plugin/functions.hpp"
#include "training/losses/loss_state.hpp"

namespace tempo {

namespace {

struct UserLoss : LossState {
  UserLoss(std::shared_ptr<const Loss::Function> f, const std::string& its_name,
           const std::string& its_reduction)
      : LossState(its_name, "", its_reduction), function(std::move(f)) {}

  // If the function gives fewer losses than a mask has elements, it reads the steps itself: it is
  // called again, with the steps as they are.
  Tensor values(const Tensor& y_true, const Tensor& y_pred,
                const Weighting& weighting) const override {
    const Pair pair = aligned(cast(y_true, y_pred.dtype()), y_pred);
    const Tensor mask = mask_of(y_pred);
    const Tensor losses = called(pair, weighting, weighting.rank(), mask);
    require_of_samples(losses, pair.y_pred);
    if (losses.rank() >= weighting.rank()) return losses;
    return called(pair, weighting, losses.rank(), mask);
  }

  std::shared_ptr<const Loss::Function> function;

 private:
  Tensor called(const Pair& pair, const Weighting& weighting, int axes, const Tensor& mask) const {
    const auto& [t, p] = pair;
    Tensor said = only(weighting.kept_of(p.shape(), axes), p, neutral_prediction);
    if (mask) said = with_mask(said, mask);
    const Tensor losses =
        (*function)(only(weighting.kept_of(t.shape(), axes), t, neutral_target), said);
    if (!losses) throw Error(name + ": the loss function returned no value (Tensor{}).");
    return losses;
  }
  void require_of_samples(const Tensor& losses, const Tensor& y_pred) const {
    const Shape given = losses.shape(), p = y_pred.shape();
    if (given.count() == 1 || p.empty() || (!given.empty() && given[0] == p[0])) return;
    throw ShapeError(name + ": the loss function gave " + to_string(given, losses.dtype()) +
                     " for " + std::to_string(p[0]) + " samples\n  y_pred  " +
                     to_string(p, y_pred.dtype()) +
                     "\n  It must give one for each sample, [batch], or for each step, [batch, "
                     "time], or one number: mean(square(y - p), -1), say.");
  }
};

}  // namespace

namespace {
struct PluginLoss : Loss::Function {
  explicit PluginLoss(std::unique_ptr<const tempo_function> its) : function(std::move(its)) {}
  Tensor operator()(const Tensor& y_true, const Tensor& y_pred) const override {
    return call_function(*function, {y_true, y_pred}, 1)[0];
  }
  std::unique_ptr<const tempo_function> function;
};
}  // namespace

std::shared_ptr<const LossState> plugin_loss(uint32_t kind, const std::string& text) {
  const bool is_loss = kind == TEMPO_LOSS;
  auto bound = bound_function(
      kind, text, is_loss ? std::vector<std::string>{"reduction"} : std::vector<std::string>{});
  if (!bound) return nullptr;
  const CallText call("loss", text);
  const std::string* const given = call.find("reduction");
  const std::string reduction = is_loss && given ? *given : "sum_over_batch_size";
  const std::string name = bound->name, options = options_text(*bound);
  auto made =
      std::make_shared<UserLoss>(std::make_shared<PluginLoss>(std::move(bound)), name, reduction);
  made->text =
      name + "(" + options + (options.empty() ? "" : ", ") + "reduction=" + reduction + ")";
  if (!is_loss) made->text = options.empty() ? name : name + "(" + options + ")";
  return made;
}

void require_given(const std::string& who, const Tensor& y_true, const Tensor& y_pred) {
  if (!y_true || !y_pred)
    throw Error(who + ": " + (y_true ? "y_pred" : "y_true") +
                " was never given a value (it is Tensor{}).");
}

Tensor LossState::losses(const Tensor& y_true, const Tensor& y_pred,
                         const Weighting& weighting) const {
  return values(y_true, is_floating(y_pred.dtype()) ? y_pred : cast(y_pred, default_dtype()),
                weighting);
}

Loss::Loss(std::shared_ptr<const Function> function, const std::string& name,
           const std::string& reduction)
    : state_(std::make_shared<UserLoss>(std::move(function), name, reduction)) {}

const LossState& Loss::required() const {
  if (!state_) throw Error("Loss: this one was never given a value (it is Loss{}).");
  return *state_;
}

Tensor Loss::operator()(const Tensor& y_true, const Tensor& y_pred,
                        const Tensor& sample_weight) const {
  const LossState& state = required();
  require_given(state.name, y_true, y_pred);
  const Weighting weighting(state.name, mask_of(y_pred), sample_weight);
  const Tensor losses = state.losses(y_true, y_pred, weighting);
  return reduce(losses, weighting.and_mask(mask_of(losses)), state.reduction);
}

Tensor Loss::values(const Tensor& y_true, const Tensor& y_pred) const {
  const LossState& state = required();
  require_given(state.name, y_true, y_pred);
  return state.losses(y_true, y_pred, Weighting(state.name, {}));
}

int Loss::reads() const { return required().reads(); }
bool Loss::of_whole_sequences() const { return required().of_whole_sequences(); }
std::string Loss::name() const { return required().name; }
std::string Loss::text() const { return required().text; }

}  // namespace tempo
