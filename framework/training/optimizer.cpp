// What all optimizers share: clipping, weight decay, the bookkeeping of slots.
#include "training/optimizer_state.hpp"

#include "graph/value.hpp"
#include "training/settings.hpp"

#include <tempo/gradient.hpp>
#include <tempo/ops.hpp>

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
                listed(clips) + ".");
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

Slots& OptimizerState::slots_of(const Tensor& weight) {
  const auto [at, is_new] = places.try_emplace(weight.handle(), memory.size());
  if (!is_new) return memory[at->second];
  const std::string path = weight.path();
  Slots& slots = memory.emplace_back(weight, path.empty() ? std::to_string(memory.size()) : path);
  for (const std::string& word : exclude_words)
    if (path.find(word) != std::string::npos) slots.decays = false;
  for (const Tensor& excluded : exclude_weights)
    if (excluded.handle() == weight.handle()) slots.decays = false;

  const std::string prefix = slots.key() + "/";
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
                       slots.key() + "  " + to_string(weight.shape(), weight.dtype()));
    slots.begin_with(name, i->second);
    i = restored.erase(i);
  }
  return slots;
}

// The formula in one pass over weight, gradient and slots. A slot that it asks for and that is not
// there begins as zeros.
Fused OptimizerState::fused_update(const Tensor& weight, const Tensor& gradient,
                                   Slots& slots) const {
  std::vector<std::string> names;
  const auto formula = [&](const Tensors& x, const Tensors& numbers) {
    Slots traced(x[0], slots.key());
    for (std::size_t i = 0; i < slots.all().size(); ++i)
      traced.begin_with(slots.all()[i].first, x[2 + i]);
    Tensor w = x[0];
    if (common.weight_decay > 0 && slots.decays) w = w - w * (common.weight_decay * numbers[0]);
    Tensors out{next(w, x[1], numbers[1], traced)};
    for (const auto& [name, value] : traced.all()) {
      names.push_back(name);
      out.push_back(value);
    }
    return out;
  };
  Tensors like{weight, gradient};
  for (const auto& [name, value] : slots.all()) like.push_back(value);
  Fused update(formula, like, 2);
  if (names.size() == slots.all().size()) return update;
  for (std::size_t i = slots.all().size(); i < names.size(); ++i)
    slots.begin_with(names[i], zeros_like(weight));
  return fused_update(weight, gradient, slots);
}

// All of it happens or nothing.
void OptimizerState::update(const Tensor& weight, const Tensor& gradient) {
  Slots& slots = slots_of(weight);
  if (!slots.update) slots.update = fused_update(weight, gradient, slots);
  Tensors x{weight, gradient};
  for (const auto& [name, value] : slots.all()) x.push_back(value);
  Tensors next_values = (*slots.update)(x, {learning_rate, rate()});
  assign(weight, next_values[0]);
  for (std::size_t i = 0; i < slots.all().size(); ++i)
    slots.become(i, std::move(next_values[1 + i]));
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
  for (const Slots& slots : state_->memory)
    for (const auto& [name, value] : slots.all()) out.emplace_back(slots.key() + "/" + name, value);
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
