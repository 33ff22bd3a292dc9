// SPDX-License-Identifier: Apache-2.0
// The memory that an optimizer keeps of each weight, and the handle through which it is read.
#include <algorithm>

#include <tempo/gradient.hpp>
#include <tempo/names.hpp>
#include <tempo/ops.hpp>

#include "graph/trace.hpp"
#include "training/optimizers/optimizer_state.hpp"
#include "training/settings.hpp"

namespace tempo {

Tensor& Slots::operator()(const char* name, double first, const std::optional<Shape>& shape) {
  for (auto& [known, value] : slots_)
    if (known == name) return value;
  begun_.push_back({name, shape.value_or(weight_.shape()), first});
  return slots_.emplace_back(name, full(begun_.back().shape, first, weight_.dtype())).second;
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

// The key of a weight in `state`: its path or number, with a suffix if several have the same.
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

// Calls f(entry, slot name) for each entry of this key.
void for_slots_of(std::map<std::string, Tensor>& entries, const std::string& key, const auto& f) {
  const std::string prefix = key + "/";
  for (auto i = entries.lower_bound(prefix); i != entries.end() && i->first.starts_with(prefix);) {
    const auto here = i++;
    const std::string name = here->first.substr(prefix.size());
    if (name.find('/') == std::string::npos) f(here, name);
  }
}

using SlotArrays = std::vector<std::pair<std::string, Array>>;

void add_slot(const std::string& slot, const Tensor& value, SlotArrays& slots, Array& waiting) {
  if (slot == waiting_slot)
    waiting = value.handle()->array;
  else
    slots.emplace_back(slot, value.handle()->array);
}

std::vector<std::string> names_of(const OptimizerState::SlotTypes& types) {
  std::vector<std::string> names;
  for (const auto& [name, type] : types) names.push_back(name);
  return names;
}

// Sorts the slots into the order of the formula, whatever order they came in.
void put_in_order(SlotArrays& slots, const OptimizerState::SlotTypes& types) {
  const std::vector<std::string> names = names_of(types);
  const auto place = [&](const auto& slot) {
    return std::find(names.begin(), names.end(), slot.first) - names.begin();
  };
  std::sort(slots.begin(), slots.end(),
            [&](const auto& a, const auto& b) { return place(a) < place(b); });
}

bool has_average(const SlotArrays& slots) {
  return std::any_of(slots.begin(), slots.end(),
                     [](const auto& slot) { return slot.first == average_slot; });
}

// `entry` is the name of the weight followed by the slot: "lstm/kernel/m".
void require_fit(const OptimizerState& of, const std::string& entry, const Tensor& value,
                 const std::string& key, const Tensor& weight) {
  const TensorType& type = weight.handle()->type;
  const std::string slot = entry.substr(entry.rfind('/') + 1);
  auto kept = of.slots_of(type);
  kept.emplace_back(waiting_slot, type);
  for (const auto& [name, its_type] : kept)
    if (name == slot && value.handle()->type == its_type) return;
  throw ShapeError(of.name() + ": what it remembered does not fit the weight\n  " + entry + "  " +
                   to_string(value.handle()->type) + "\n  " + key + "  " + to_string(type));
}

}  // namespace

Memory& OptimizerState::memory_of(const Tensor& weight) {
  if (const auto at = places.find(weight.handle()); at != places.end()) return *at->second;
  Memory made{.weight = weight, .key = key_of(weight, memory), .decays = decays(weight)};
  for_slots_of(restored, made.key, [&](auto entry, const std::string& slot) {
    require_fit(*this, entry->first, entry->second, made.key, weight);
    add_slot(slot, entry->second, made.slots, made.waiting);
  });
  if (!made.slots.empty()) put_in_order(made.slots, slots_of(weight.handle()->type));
  for (const auto& [slot, array] : made.slots) restored.erase(made.key + "/" + slot);
  restored.erase(made.key + "/" + waiting_slot);
  made.averaged = has_average(made.slots);
  memory.push_back(std::move(made));
  return *(places[weight.handle()] = &memory.back());
}

Tensors OptimizerState::next_values(const Memory& of, const Tensors& x, const Tensors& numbers,
                                    Slots& slots) const {
  Tensor w = x[0];
  if (common.weight_decay > 0 && of.decays) w = w - w * (common.weight_decay * numbers[0]);
  constexpr auto rates = static_cast<std::ptrdiff_t>(std::tuple_size_v<Rates>);
  Tensors values{
      next(w, x.back(), Tensors(numbers.begin() + 1, numbers.begin() + 1 + rates), slots)};
  if (common.use_ema) {
    const Tensor& stays = numbers.back();
    Tensor& average = slots(average_slot);
    average = stays * average + (1 - stays) * values[0];
  }
  for (const auto& [name, value] : slots.all()) values.push_back(value);
  return values;
}

// The formula from weight, slots and gradient to their next values, for one pass over memory.
Formula OptimizerState::update_formula(Memory& of) const {
  std::vector<Slots::Begun> begun;
  const auto formula = [&](const Tensors& x, const Tensors& numbers) {
    Slots::Named before;
    for (std::size_t i = 0; i < of.slots.size(); ++i)
      before.emplace_back(of.slots[i].first, x[1 + i]);
    Slots slots(x[0], before);
    Tensors values = next_values(of, x, numbers, slots);
    begun = slots.begun();
    return values;
  };
  const TensorType& type = of.weight.handle()->type;
  Formula made(formula, type, of.slots.size() + 2, numbers_of(of).size());
  if (begun.empty()) return made;
  for (const Slots::Begun& b : begun)
    of.slots.emplace_back(b.name, full(type.shape, b.value, type.dtype).handle()->array);
  return update_formula(of);
}

OptimizerState::SlotTypes OptimizerState::slots_of(const TensorType& weight) const {
  Trace trace;
  Tensors numbers;
  for (std::size_t i = 0; i < std::tuple_size_v<Rates>; ++i)
    numbers.push_back(to_tensor(trace.placeholder({weight.dtype, {}})));
  const Tensor w = to_tensor(trace.placeholder(weight));
  Slots slots(w, {});
  next(w, to_tensor(trace.placeholder(weight)), numbers, slots);
  SlotTypes types;
  for (const auto& [slot, value] : slots.all()) types.emplace_back(slot, value.handle()->type);
  if (common.use_ema) types.emplace_back(average_slot, weight);
  return types;
}

void OptimizerState::require_slot(const std::string& slot, const std::string& of) const {
  std::vector<std::string> known;
  for (const Shape& shape : {Shape{1}, Shape{1, 1}})
    for (const std::string& name : names_of(slots_of({float32, shape})))
      if (std::find(known.begin(), known.end(), name) == known.end()) known.push_back(name);
  if (std::find(known.begin(), known.end(), slot) != known.end()) return;
  if (slot == waiting_slot && steps_per_update() > 1) return;
  throw Error(name() + ": it cannot go on from `" + slot + "` of " + of +
              ".\n  With its settings " +
              (known.empty() ? "it keeps nothing of a weight"
                             : "it keeps " + sdk::listed(known) + " of each weight") +
              "; is this the state of another optimizer?");
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

double Optimizer::learning_rate() const { return required().rate_now(); }
void Optimizer::set_learning_rate(double value) {
  if (required().schedule)
    throw Error(name() + ": its learning rate follows " +
                (state_->schedule->is_own() ? "a function" : state_->schedule->text()) +
                ", so it cannot be set.\n  Give it a number, .learning_rate = 0.001, to set it "
                "on the way.");
  const double before = std::exchange(required().learning_rate, value);
  try {
    state_->check();
  } catch (...) {
    state_->learning_rate = before;
    throw;
  }
}
bool Optimizer::has_schedule() const { return required().schedule.has_value(); }
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
  Optimizer::NamedTensors out;
  for (const auto& [name, value] : {std::pair<const char*, int64_t>{"iterations", of.iterations},
                                    {"accumulated", of.waiting},
                                    {"swapped_averages", of.swapped ? 1 : 0}})
    if (out.empty() || value != 0) out.emplace_back(name, tensor<int64_t>({value}, {}));
  return out;
}

void add_slots(const Memory& of, const std::string& key, Optimizer::NamedTensors& to) {
  for (const auto& [slot, array] : of.slots)
    to.emplace_back(key + "/" + slot, to_tensor(make_value(array)));
  if (of.waiting) to.emplace_back(key + "/" + waiting_slot, to_tensor(make_value(of.waiting)));
}

// The checked content of a `state`: slots by their names, and the counts, which must be valid
// numbers of steps.
struct GivenState {
  GivenState(const OptimizerState& of, const Optimizer::NamedTensors& state)
      : iterations(of.iterations) {
    for (const auto& [name, value] : state) {
      if (!value) throw Error(of.name() + ": `" + name + "` was never given a value.");
      if (name == "iterations")
        iterations = count_in(of, name, value, INT64_MAX / of.steps_per_update());
      else if (name == "accumulated")
        waiting = count_in(of, name, value, of.steps_per_update());
      else if (name == "swapped_averages")
        swapped = count_in(of, name, value, of.common.use_ema ? 2 : 1) == 1;
      else
        add(of, name, value);
    }
  }
  void apply_counts(OptimizerState& to) const {
    to.iterations = iterations;
    to.waiting = waiting;
    to.swapped = swapped;
  }

  int64_t iterations, waiting = 0;
  bool swapped = false;
  std::map<std::string, Tensor> slots;

 private:
  static int64_t count_in(const OptimizerState& of, const std::string& name, const Tensor& value,
                          int64_t below) {
    const bool one = value.dtype() == int64 && value.count() == 1;
    if (one && value.data<int64_t>()[0] >= 0 && value.data<int64_t>()[0] < below)
      return value.data<int64_t>()[0];
    throw Error(of.name() + ": " + name + " is " +
                (value.count() == 1 ? sdk::shortest(value.item())
                                    : to_string(value.shape(), value.dtype())) +
                "; it must be one int64 of at least 0" +
                (name == "iterations" ? "" : " and below " + std::to_string(below)) + ".");
  }
  void add(const OptimizerState& of, const std::string& name, const Tensor& value) {
    const std::size_t slash = name.rfind('/');
    if (slash == std::string::npos)
      throw Error(of.name() + ": `" + name + "` is not of the form weight/slot.");
    of.require_slot(name.substr(slash + 1), name.substr(0, slash));
    slots.emplace(name, value);
  }
};

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
  GivenState given(mine, state);
  mine.memory.clear();
  mine.places.clear();
  given.apply_counts(mine);
  mine.restored = std::move(given.slots);
}

void Optimizer::restore(const NamedTensors& state, const NamedTensors& weights) {
  OptimizerState& mine = required();
  GivenState given(mine, state);
  std::map<std::string, Tensor>& slots = given.slots;
  struct Found {
    Memory* of;
    SlotArrays slots = {};
    Array waiting = {};
  };
  std::vector<Found> found;
  for (const auto& named : weights) {
    Found& its = found.emplace_back(Found{&mine.memory_of(named.second)});
    for_slots_of(slots, named.first, [&](auto entry, const std::string& slot) {
      require_fit(mine, entry->first, entry->second, named.first, named.second);
      add_slot(slot, entry->second, its.slots, its.waiting);
      slots.erase(entry);
    });
  }
  if (!slots.empty())
    throw Error(name() + ": `" + slots.begin()->first + "` belongs to none of the weights.");
  for (std::size_t i = 0; i < found.size(); ++i) {
    SlotArrays& its = found[i].slots;
    if (its.empty()) continue;
    const OptimizerState::SlotTypes types = mine.slots_of(weights[i].second.handle()->type);
    put_in_order(its, types);
    const auto names = names_of(types);
    if (its.size() != names.size())
      throw Error(name() + ": the state of " + weights[i].first +
                  " lacks slots; with its settings " + "it keeps " + sdk::listed(names) + ".");
  }
  for (auto& [of, its, waiting] : found) {
    of->slots = std::move(its);
    of->averaged = has_average(of->slots);
    of->waiting = std::move(waiting);
    of->update.reset();
    of->next.clear();
  }
  given.apply_counts(mine);
}

}  // namespace tempo
