// What all optimizers share: clipping, weight decay, the bookkeeping of slots.
#include "training/optimizer_state.hpp"

#include "graph/value.hpp"
#include "training/settings.hpp"

#include <tempo/gradient.hpp>
#include <tempo/names.hpp>
#include <tempo/ops.hpp>

#include <array>
#include <cmath>

namespace tempo {

Tensor& Slots::operator()(const char* name) {
  for (auto& [known, value] : slots_)
    if (known == name) return value;
  return slots_.emplace_back(name, zeros_like(weight_)).second;
}

void OptimizerState::check() const {
  const auto refuse = [&](const char* option, double value, const char* rule) {
    throw Error(name() + ": " + option + " is " + shortest(value) + "; it must " + rule + ".");
  };
  const auto at_least_0 = [&](const char* option, double value) {
    if (!(value >= 0) || std::isinf(value)) refuse(option, value, "be a number of at least 0");
  };
  at_least_0("learning_rate", learning_rate);
  at_least_0("weight_decay", common.weight_decay);
  at_least_0("clipnorm", common.clipnorm);
  at_least_0("clipvalue", common.clipvalue);
  at_least_0("global_clipnorm", common.global_clipnorm);
  std::vector<std::string> clips;
  if (common.clipnorm > 0) clips.push_back("clipnorm=" + shortest(common.clipnorm));
  if (common.clipvalue > 0) clips.push_back("clipvalue=" + shortest(common.clipvalue));
  if (common.global_clipnorm > 0)
    clips.push_back("global_clipnorm=" + shortest(common.global_clipnorm));
  if (clips.size() > 1)
    throw Error(name() + ": only one of clipnorm, clipvalue and global_clipnorm may be set, got " +
                sdk::listed(clips) + ".");
}

namespace {

double norm(const Tensor& g) { return std::sqrt(sum(square(cast(g, float64))).item()); }

}  // namespace

Tensors OptimizerState::clipped(const Tensors& gradients) const {
  Tensors out = gradients;
  if (const double c = common.clipnorm; c > 0)
    for (Tensor& g : out) g = g * (c / std::max(norm(g), c));
  if (const double c = common.clipvalue; c > 0)
    for (Tensor& g : out) g = clip(g, -c, c);
  if (const double c = common.global_clipnorm; c > 0) {
    double squares = 0;
    for (const Tensor& g : out) squares += std::pow(norm(g), 2);
    for (Tensor& g : out) g = g * (c * std::min(1 / std::sqrt(squares), 1 / c));
  }
  return out;
}

Memory& OptimizerState::memory_of(const Tensor& weight) {
  const auto [at, is_new] = places.try_emplace(weight.handle(), memory.size());
  if (!is_new) return memory[at->second];
  const std::string path = weight.path();
  Memory& made = memory.emplace_back(
      Memory{.weight = weight, .key = path.empty() ? std::to_string(memory.size()) : path});
  for (const std::string& word : exclude_words)
    if (path.find(word) != std::string::npos) made.decays = false;
  for (const Tensor& excluded : exclude_weights)
    if (excluded.handle() == weight.handle()) made.decays = false;

  const std::string prefix = made.key + "/";
  for (auto i = restored.lower_bound(prefix);
       i != restored.end() && i->first.starts_with(prefix);) {
    const std::string name = i->first.substr(prefix.size());
    if (name.find('/') != std::string::npos) {
      ++i;
      continue;
    }
    if (i->second.shape() != weight.shape() || i->second.dtype() != weight.dtype())
      throw ShapeError(this->name() + ": what it remembered does not fit the weight\n  " +
                       i->first + "  " + to_string(i->second.shape(), i->second.dtype()) + "\n  " +
                       made.key + "  " + to_string(weight.shape(), weight.dtype()));
    made.slots.emplace_back(name, i->second.handle()->array);
    i = restored.erase(i);
  }
  return made;
}

// The formula of weight, slots and gradient in one pass. A slot that it asks for and that is not
// there begins as zeros.
Fused OptimizerState::fused_update(Memory& of) const {
  Slots::Named after;
  const auto formula = [&](const Tensors& x, const Tensors& numbers) {
    Slots::Named before;
    for (std::size_t i = 0; i < of.slots.size(); ++i)
      before.emplace_back(of.slots[i].first, x[1 + i]);
    Tensor w = x[0];
    Slots slots(w, before);
    if (common.weight_decay > 0 && of.decays) w = w - w * (common.weight_decay * numbers[0]);
    Tensors next_values{next(w, x.back(), numbers[1], slots)};
    after = slots.all();
    for (const auto& [name, value] : after) next_values.push_back(value);
    return next_values;
  };
  const TensorType& type = of.weight.handle()->type;
  Fused made(formula, std::vector<TensorType>(of.slots.size() + 2, type), 2);
  if (after.size() == of.slots.size()) return made;
  for (std::size_t i = of.slots.size(); i < after.size(); ++i)
    of.slots.emplace_back(after[i].first, zeros_like(of.weight).handle()->array);
  return fused_update(of);
}

void OptimizerState::update(const Tensor& weight, const Tensor& gradient) {
  Memory& mine = memory_of(weight);
  if (!mine.update) mine.update = fused_update(mine);
  Array g = gradient.handle()->array;
  std::vector<Array*> x;
  x.reserve(mine.slots.size() + 2);
  x.push_back(&weight.handle()->array);
  for (auto& [name, slot] : mine.slots) x.push_back(&slot);
  x.push_back(&g);
  (*mine.update)(x, std::array{learning_rate, rate()});
  ++weight.handle()->version;
}

void OptimizerState::step(const Tensors& weights, const Tensors& gradients) {
  if (weights.size() != gradients.size())
    throw Error(name() + ": step was given " + std::to_string(weights.size()) + " weights and " +
                std::to_string(gradients.size()) +
                " gradients.\n  It needs one gradient for each weight, in the same order.");
  for (std::size_t i = 0; i < weights.size(); ++i) {
    if (!weights[i] || !gradients[i])
      throw Error(name() + ": " + (weights[i] ? "gradient " : "weight ") + std::to_string(i) +
                  " was never given a value (it is Tensor{}).");
    if (!weights[i].handle()->weight)
      throw Error(name() + ": weight " + std::to_string(i) + ", " +
                  to_string(weights[i].handle()->type) +
                  ", is not a weight; make it with parameter(x).");
    if (gradients[i].traced())
      throw Error(name() + ": gradient " + std::to_string(i) +
                  " is a placeholder of a traced step; steps are taken outside of it.");
    const TensorType &w = weights[i].handle()->type, &g = gradients[i].handle()->type;
    if (!(w == g))
      throw ShapeError(name() + ": a gradient must have the " +
                       (w.shape == g.shape ? "dtype" : "shape") + " of its weight\n  weight    " +
                       to_string(w) + "  " + weights[i].path() + "\n  gradient  " + to_string(g));
  }
  const NoGradient updates;
  const Tensors g = clipped(gradients);
  for (std::size_t i = 0; i < weights.size(); ++i) update(weights[i], g[i]);
  ++iterations;
}

// --- The handle ---------------------------------------------------------------------------------

OptimizerState& Optimizer::required() const {
  if (!state_) throw Error("Optimizer: this one was never given a value (it is Optimizer{}).");
  return *state_;
}

void Optimizer::step(const Tensors& weights, const Tensors& gradients) {
  required().step(weights, gradients);
}

Tensors Optimizer::clipped(const Tensors& gradients) const {
  const NoGradient updates;
  return required().clipped(gradients);
}

double Optimizer::learning_rate() const { return required().learning_rate; }
void Optimizer::set_learning_rate(double value) {
  const double before = std::exchange(required().learning_rate, value);
  try {
    state_->check();
  } catch (...) {
    state_->learning_rate = before;
    throw;
  }
}
int64_t Optimizer::iterations() const { return required().iterations; }

void Optimizer::exclude_from_weight_decay(const std::vector<std::string>& words) {
  if (iterations() > 0)
    throw Error(name() + ": exclude_from_weight_decay must come before the first step.");
  for (const std::string& word : words) state_->exclude_words.push_back(word);
}
void Optimizer::exclude_from_weight_decay(const Tensors& weights) {
  if (iterations() > 0)
    throw Error(name() + ": exclude_from_weight_decay must come before the first step.");
  for (const Tensor& weight : weights) state_->exclude_weights.push_back(weight);
}

std::string Optimizer::name() const { return required().name(); }
std::string Optimizer::text() const { return required().text(); }

Optimizer::NamedTensors Optimizer::state() const {
  NamedTensors out{{"iterations", tensor<int64_t>({required().iterations}, {})}};
  for (const Memory& of : state_->memory)
    for (const auto& [name, slot] : of.slots)
      out.emplace_back(of.key + "/" + name, to_tensor(make_value(slot)));
  for (const auto& [name, value] : state_->restored) out.emplace_back(name, value);
  return out;
}

void Optimizer::restore(const NamedTensors& state) {
  OptimizerState& mine = required();
  mine.memory.clear();
  mine.places.clear();
  mine.restored.clear();
  for (const auto& [name, value] : state) {
    if (name == "iterations")
      mine.iterations = static_cast<int64_t>(value.item());
    else
      mine.restored.emplace(name, value);
  }
}

}  // namespace tempo
