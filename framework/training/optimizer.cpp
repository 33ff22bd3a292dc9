// What all optimizers share: weight decay, the bookkeeping of slots, a step made whole or not at
// all.
#include "training/optimizer_state.hpp"

#include "graph/trace.hpp"
#include "tensor/finite.hpp"
#include "training/settings.hpp"

#include <tempo/gradient.hpp>
#include <tempo/names.hpp>
#include <tempo/ops.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <span>

namespace tempo {

Tensor& Slots::operator()(const char* name) {
  for (auto& [known, value] : slots_)
    if (known == name) return value;
  return slots_.emplace_back(name, zeros_like(weight_)).second;
}

bool OptimizerState::decays(const Tensor& weight) const {
  const std::string path = weight.path();
  for (const std::string& word : exclude_words)
    if (path.find(word) != std::string::npos) return false;
  for (const Tensor& excluded : exclude_weights)
    if (excluded.handle() == weight.handle()) return false;
  return true;
}

void OptimizerState::find_what_decays() {
  for (Memory& of : memory)
    if (std::exchange(of.decays, decays(of.weight)) != of.decays) of.update.reset();
}

namespace {

// Bytes of a weight: the room for its next values is kept, and in the cache costs next to nothing.
constexpr std::size_t small = 1 << 16;

// What `state` calls a weight: its path or number, and which of several it is.
std::string key_of(const Tensor& weight, const std::deque<Memory>& others) {
  const std::string path = weight.path();
  const std::string first = path.empty() ? std::to_string(others.size()) : path;
  const auto taken = [&](const std::string& key) {
    return std::any_of(others.begin(), others.end(), [&](auto& of) { return of.key == key; });
  };
  std::string key = first;
  for (int n = 2; taken(key); ++n) key = first + "#" + std::to_string(n);
  return key;
}

// Calls f(entry, name of the slot) for each that is of this key.
void for_slots_of(std::map<std::string, Tensor>& entries, const std::string& key, const auto& f) {
  const std::string prefix = key + "/";
  for (auto i = entries.lower_bound(prefix); i != entries.end() && i->first.starts_with(prefix);) {
    const auto here = i++;
    const std::string name = here->first.substr(prefix.size());
    if (name.find('/') == std::string::npos) f(here, name);
  }
}

void require_fit(const std::string& who, const std::string& slot, const Tensor& value,
                 const std::string& key, const Tensor& weight) {
  if (value.handle()->type == weight.handle()->type) return;
  throw ShapeError(who + ": what it remembered does not fit the weight\n  " + slot + "  " +
                   to_string(value.handle()->type) + "\n  " + key + "  " +
                   to_string(weight.handle()->type));
}

}  // namespace

Memory& OptimizerState::memory_of(const Tensor& weight) {
  if (const auto at = places.find(weight.handle()); at != places.end()) return *at->second;
  Memory made{.weight = weight, .key = key_of(weight, memory), .decays = decays(weight)};
  for_slots_of(restored, made.key, [&](auto entry, const std::string& slot) {
    require_fit(name(), entry->first, entry->second, made.key, weight);
    made.slots.emplace_back(slot, entry->second.handle()->array);
  });
  for (const auto& [slot, array] : made.slots) restored.erase(made.key + "/" + slot);
  memory.push_back(std::move(made));
  return *(places[weight.handle()] = &memory.back());
}

// The formula of weight, slots and gradient in one pass. A slot that it asks for and that is not
// there begins as zeros.
Formula OptimizerState::update_formula(Memory& of) const {
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
  Formula made(formula, type, of.slots.size() + 2, 2);
  if (after.size() == of.slots.size()) return made;
  for (std::size_t i = of.slots.size(); i < after.size(); ++i)
    of.slots.emplace_back(after[i].first, zeros_like(of.weight).handle()->array);
  return update_formula(of);
}

std::vector<std::string> OptimizerState::slot_names() const {
  Trace trace;
  const TensorType one{float32, {1}}, rate{float32, {}};
  Slots slots(to_tensor(trace.placeholder(one)), {});
  next(to_tensor(trace.placeholder(one)), to_tensor(trace.placeholder(one)),
       to_tensor(trace.placeholder(rate)), slots);
  std::vector<std::string> names;
  for (const auto& [slot, value] : slots.all()) names.push_back(slot);
  return names;
}

void OptimizerState::require_slot(const std::string& slot, const std::string& of) const {
  const std::vector<std::string> known = slot_names();
  if (std::find(known.begin(), known.end(), slot) != known.end()) return;
  throw Error(name() + ": it cannot go on from `" + slot + "` of " + of +
              ".\n  With its settings " +
              (known.empty() ? "it keeps nothing of a weight"
                             : "it keeps " + sdk::listed(known) + " of each weight") +
              "; is this the state of another optimizer?");
}

// With |w|, |slots| and |g| up to 1e15 every formula stays below 1e31, where a float holds 3e38:
// squares are up to 1e30, and 1e3 * 3e15 / 1e-12 is the largest quotient. A second moment is not
// negative, once a root of it was finite.
bool OptimizerState::keeps_finite() const {
  constexpr double most = 1e3, least = 1e-12;
  return learning_rate <= most && rate() <= most && common.weight_decay <= most &&
         least_divisor() >= least;
}

bool OptimizerState::runs_in_place(const Memory& of, const Tensor& gradient) const {
  const tempo_tensor& weight = *of.weight.handle();
  const Array& g = gradient.handle()->array;
  g.finish();  // work that is left for later shares the weight
  return weight.type.bytes() > small && !of.slots.empty() && of.update &&
         of.update->runs_in_place() && of.moderate == weight.version && keeps_finite() &&
         weight.array.sole_owner() &&
         std::all_of(of.slots.begin(), of.slots.end(),
                     [](const auto& slot) { return slot.second.sole_owner(); }) &&
         all_within(g.view(), Formula::moderate);
}

Formula::Size OptimizerState::run(Memory& of, const Tensor& gradient,
                                  std::span<const View> next) const {
  std::vector<View> x;
  x.reserve(of.slots.size() + 2);
  x.push_back(of.weight.handle()->array.view());
  for (const auto& [slot, array] : of.slots) x.push_back(array.view());
  x.push_back(gradient.handle()->array.view());
  const Formula::Size size = (*of.update)(x, std::array{learning_rate, rate()}, next);
  of.stays_moderate = size == Formula::Size::moderate;
  return size;
}

void OptimizerState::prepare(Memory& of, const Tensor& gradient) {
  if (!of.update) of.update = update_formula(of);
  of.next.resize(of.slots.size() + 1);
  std::vector<View> next;
  next.reserve(of.next.size());
  for (Array& room : of.next) {
    if (!room || !room.sole_owner()) room = Array(of.weight.handle()->type);
    next.push_back(room.view());
  }
  if (run(of, gradient, next) != Formula::Size::not_finite) return;
  const auto bad = std::find_if_not(next.begin(), next.end(), all_finite);
  refuse(of, static_cast<std::size_t>(bad - next.begin()), gradient);
}

void OptimizerState::run_in_place(Memory& of, const Tensor& gradient) const {
  std::vector<View> next;
  next.reserve(of.slots.size() + 1);
  next.push_back(of.weight.handle()->array.view());
  for (const auto& [slot, array] : of.slots) next.push_back(array.view());
  run(of, gradient, next);
}

void OptimizerState::refuse(const Memory& of, std::size_t which, const Tensor& gradient) const {
  const auto finite = [](const Array& array) { return all_finite(array.view()); };
  const std::string weight = of.weight.path().empty() ? "weight " + of.key : of.weight.path();
  const std::string what = which == 0 ? weight : "`" + of.slots[which - 1].first + "` of " + weight;
  std::string cause =
      "Likely: a learning_rate or gradients that are too large (clipnorm = 1 bounds "
      "them), or an epsilon that is too small.\n  The settings: " +
      text();
  if (!finite(gradient.handle()->array)) cause = "Its gradient holds NaN or infinite numbers.";
  for (const auto& [slot, array] : of.slots)
    if (!finite(array)) cause = "`" + slot + "` of it held NaN or infinite numbers before.";
  if (!finite(of.weight.handle()->array)) cause = "It held NaN or infinite numbers before.";
  throw Error(name() + ": this update would make " + what +
              " NaN or infinite; no weight was changed.\n  " + cause);
}

void OptimizerState::require_step(const Tensors& weights, const Tensors& gradients) const {
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
}

void OptimizerState::take_next(Memory& of) const {
  std::swap(of.weight.handle()->array, of.next[0]);
  for (std::size_t k = 0; k < of.slots.size(); ++k) std::swap(of.slots[k].second, of.next[k + 1]);
  if (of.next[0].type().bytes() > small) of.next.clear();
}

// A step is made whole or not at all: the next values are made before any comes into force, but for
// those that are finite for sure.
void OptimizerState::step(const Tensors& weights, const Tensors& gradients) {
  require_step(weights, gradients);
  const NoGradient updates;
  const Tensors g = clipped(gradients);
  std::vector<Memory*> all;
  std::vector<std::size_t> prepared, in_place;
  all.reserve(weights.size());
  prepared.reserve(weights.size());
  in_place.reserve(weights.size());
  ++round;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    Memory& of = *all.emplace_back(&memory_of(weights[i]));
    if (std::exchange(of.round, round) == round)
      throw Error(name() + ": step was given the weight " +
                  (weights[i].path().empty() ? std::to_string(i) : weights[i].path()) +
                  " twice.\n  What uses a weight in two places has it once; its gradient is that "
                  "of both uses.");
    const bool at_once = runs_in_place(of, g[i]);
    (at_once ? in_place : prepared).push_back(i);
    if (!at_once) prepare(of, g[i]);
  }
  for (std::size_t i : in_place) run_in_place(*all[i], g[i]);
  for (std::size_t i : prepared) take_next(*all[i]);
  for (Memory* of : all) {
    const uint64_t version = ++of->weight.handle()->version;
    of->moderate = of->stays_moderate ? std::optional(version) : std::nullopt;
  }
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
  for (const std::string& word : words) required().exclude_words.push_back(word);
  state_->find_what_decays();
}
void Optimizer::exclude_from_weight_decay(const Tensors& weights) {
  for (const Tensor& weight : weights) required().exclude_weights.push_back(weight);
  state_->find_what_decays();
}
const std::vector<std::string>& Optimizer::excluded_words() const {
  return required().exclude_words;
}
const Tensors& Optimizer::excluded_weights() const { return required().exclude_weights; }

std::string Optimizer::name() const { return required().name(); }
std::string Optimizer::text() const { return required().text(); }

namespace {

Optimizer::NamedTensors beginning(const OptimizerState& of) {
  return {{"iterations", tensor<int64_t>({of.iterations}, {})}};
}

void add_slots(const Memory& of, const std::string& key, Optimizer::NamedTensors& to) {
  for (const auto& [slot, array] : of.slots)
    to.emplace_back(key + "/" + slot, to_tensor(make_value(array)));
}

// What `state` gave, looked through: the slots by their names, and the iterations, which must be
// such a number.
std::map<std::string, Tensor> slots_in(const OptimizerState& of,
                                       const Optimizer::NamedTensors& state, int64_t& iterations) {
  std::map<std::string, Tensor> slots;
  for (const auto& [name, value] : state) {
    if (!value) throw Error(of.name() + ": `" + name + "` was never given a value.");
    if (name == "iterations") {
      if (value.dtype() != int64 || value.count() != 1 || value.data<int64_t>()[0] < 0 ||
          value.data<int64_t>()[0] == INT64_MAX)
        throw Error(of.name() + ": iterations is " +
                    (value.count() == 1 ? sdk::shortest(value.item())
                                        : to_string(value.shape(), value.dtype())) +
                    "; it must be one int64 of at least 0.");
      iterations = value.data<int64_t>()[0];
      continue;
    }
    const std::size_t slash = name.rfind('/');
    if (slash == std::string::npos)
      throw Error(of.name() + ": `" + name + "` is not of the form weight/slot.");
    of.require_slot(name.substr(slash + 1), name.substr(0, slash));
    slots.emplace(name, value);
  }
  return slots;
}

}  // namespace

Optimizer::NamedTensors Optimizer::state() const {
  NamedTensors out = beginning(required());
  for (const Memory& of : state_->memory) add_slots(of, of.key, out);
  for (const auto& [name, value] : state_->restored) out.emplace_back(name, value);
  return out;
}

Optimizer::NamedTensors Optimizer::state(const NamedTensors& weights) const {
  NamedTensors out = beginning(required());
  for (const auto& [path, weight] : weights) {
    const auto known = state_->places.find(weight.handle());
    if (known != state_->places.end())
      add_slots(*known->second, path, out);
    else
      for_slots_of(state_->restored, path,
                   [&](auto entry, const std::string&) { out.push_back(*entry); });
  }
  return out;
}

void Optimizer::restore(const NamedTensors& state) {
  OptimizerState& mine = required();
  int64_t iterations = mine.iterations;
  std::map<std::string, Tensor> slots = slots_in(mine, state, iterations);
  mine.memory.clear();
  mine.places.clear();
  mine.iterations = iterations;
  mine.restored = std::move(slots);
}

void Optimizer::restore(const NamedTensors& state, const NamedTensors& weights) {
  OptimizerState& mine = required();
  int64_t iterations = mine.iterations;
  std::map<std::string, Tensor> slots = slots_in(mine, state, iterations);
  std::vector<std::pair<Memory*, std::vector<std::pair<std::string, Array>>>> found;
  for (const auto& named : weights) {
    auto& its = found.emplace_back(&mine.memory_of(named.second), 0).second;
    for_slots_of(slots, named.first, [&](auto entry, const std::string& slot) {
      require_fit(name(), entry->first, entry->second, named.first, named.second);
      its.emplace_back(slot, entry->second.handle()->array);
      slots.erase(entry);
    });
  }
  if (!slots.empty())
    throw Error(name() + ": `" + slots.begin()->first + "` belongs to none of the weights.");
  const std::vector<std::string> names = mine.slot_names();
  for (std::size_t i = 0; i < found.size(); ++i)
    if (const auto& its = found[i].second; !its.empty() && its.size() != names.size())
      throw Error(name() + ": the state of " + weights[i].first +
                  " lacks slots; with its settings " + "it keeps " + sdk::listed(names) + ".");
  for (auto& [of, its] : found) {
    of->slots = std::move(its);
    of->update.reset();
    of->next.clear();
  }
  mine.iterations = iterations;
}

}  // namespace tempo
