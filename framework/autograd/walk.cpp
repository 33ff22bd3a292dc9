// SPDX-License-Identifier: Apache-2.0
// The reverse walk: the only place that un-broadcasts and accumulates gradients.
#include "autograd/walk.hpp"

#include <algorithm>

#include <tempo/ops.hpp>

#include "graph/mask.hpp"
#include "graph/trace.hpp"

namespace tempo {

namespace {

// A table with an entry for each value of a graph: a hash table in one array.
template <class T>
class Of {
 public:
  T* find(const ValueIdentity& key) {
    Slot& slot = slots_[place(key)];
    return slot.key.node ? &slot.value : nullptr;
  }
  T& operator[](const ValueIdentity& key) {
    if (2 * (used_ + 1) > slots_.size()) grow();
    Slot& slot = slots_[place(key)];
    if (!slot.key.node) ++used_;
    slot.key = key;
    return slot.value;
  }

 private:
  struct Slot {
    ValueIdentity key = {};
    T value = {};
  };
  std::size_t place(const ValueIdentity& key) const {
    const std::size_t mask = slots_.size() - 1;
    std::size_t at =
        ((reinterpret_cast<uintptr_t>(key.node) >> 6) + key.index) * uint64_t{0x9e3779b97f4a7c15} >>
            20 &
        mask;
    while (slots_[at].key.node && !(slots_[at].key == key)) at = (at + 1) & mask;
    return at;
  }
  void grow() {
    std::vector<Slot> before(2 * slots_.size());
    before.swap(slots_);
    for (Slot& slot : before)
      if (slot.key.node) slots_[place(slot.key)] = std::move(slot);
  }

  std::vector<Slot> slots_ = std::vector<Slot>(64);  // a power of two; at most half of it is used
  std::size_t used_ = 0;
};

Tensor unbroadcast(const Tensor& gradient, const TensorType& type) {
  static const sdk::Op sum_to("sum_to");
  return gradient.shape() == type.shape ? gradient : sum_to(gradient, {{"shape", type.shape}});
}

void accumulate(Tensor& into, Tensor part) { into = into ? into + part : std::move(part); }

[[noreturn]] void stale(const Application& application, const Value& weight) {
  throw Error("gradient: weight `" + (weight.path.empty() ? "(no name)" : weight.path) +
              "` was assigned to after `" + application.op->name +
              "` used it.\n  Compute the loss again before asking for its gradient; update weights "
              "last.");
}

class Walk {
 public:
  Walk(const std::vector<Seed>& seeds, const Tensors& inputs) {
    for (const Tensor& input : inputs) wanted_[identity(*input.handle())] = true;
    for (const Seed& seed : seeds) collect(seed.y);
    std::sort(order_.begin(), order_.end(),
              [](const auto& a, const auto& b) { return a->serial > b->serial; });
    for (const Seed& seed : seeds) accumulate(gradients_[identity(*seed.y.handle())], seed.dy);
    for (const Ref<Application>& application : order_) step(*application);
  }

  Tensor gradient(const Tensor& input) {
    const Tensor* found = gradients_.find(identity(*input.handle()));
    return found ? *found : Tensor{};
  }

 private:
  // Whether a gradient is wanted for this value, or for one that it was computed from.
  bool leads(const Value& value) {
    if (!value.tracked) return false;
    if (wanted_.find(identity(value))) return true;
    return value.from && *leads_.find({value.from.get()});
  }

  // Depth first without recursion, so that a graph may be as deep as memory allows.
  void collect(const Tensor& y) {
    if (!y.handle()->from) return;
    std::vector<Application*> open{y.handle()->from.get()};
    while (!open.empty()) {
      Application* application = open.back();
      if (leads_.find({application})) {
        open.pop_back();
        continue;
      }
      bool ready = true;
      for (const Ref<Value>& input : application->inputs)
        if (input->tracked && input->from && !leads_.find({input->from.get()})) {
          open.push_back(input->from.get());
          ready = false;
        }
      if (!ready) continue;
      open.pop_back();
      const bool leading = application->op->differentiable() &&
                           std::any_of(application->inputs.begin(), application->inputs.end(),
                                       [&](const Ref<Value>& input) { return leads(*input); });
      leads_[{application}] = leading;
      if (leading) order_.push_back(Ref<Application>::share(application));
    }
  }

  // Handles one application: gradients of its results become gradients of its inputs.
  void step(const Application& application) {
    Tensors dy(application.types.size());
    bool any = false;
    for (std::size_t k = 0; k < dy.size(); ++k) {
      const ValueIdentity key{&application, k};
      Tensor* const found = gradients_.find(key);
      if (!found || !*found) continue;
      dy[k] = *found;
      any = true;
      if (!wanted_.find(key)) *found = {};  // no longer needed: frees its memory
    }
    if (!any) return;
    std::vector<bool> wanted;
    for (std::size_t i = 0; i < application.inputs.size(); ++i) {
      const Value& input = *application.inputs[i];
      if (input.weight && input.version != application.versions[i]) stale(application, input);
      wanted.push_back(leads(input));
    }
    const Vjp vjp(application, dy);
    if (application.op->vjp_all) {
      Tensors gradients = application.op->vjp_all(vjp, wanted);
      for (std::size_t i = 0; i < gradients.size(); ++i)
        if (wanted[i]) give(*application.inputs[i], gradients[i]);
      return;
    }
    for (std::size_t i = 0; i < application.inputs.size(); ++i)
      if (wanted[i] && i < application.op->vjp.size() && application.op->vjp[i])
        give(*application.inputs[i], application.op->vjp[i](vjp));
  }

  void give(const Value& input, const Tensor& gradient) {
    if (gradient) accumulate(gradients_[identity(input)], unbroadcast(gradient, input.type));
  }

  Of<bool> wanted_, leads_;
  std::vector<Ref<Application>> order_;
  Of<Tensor> gradients_;
};

}  // namespace

Tensors walk(const std::vector<Seed>& seeds, const Tensors& inputs) {
  const MaskPause without_masks;
  Walk walk(seeds, inputs);
  Tensors out;
  for (const Tensor& input : inputs) out.push_back(walk.gradient(input));
  return out;
}

namespace {

// In a traced step, the path to an outside value ends at a placeholder; the walk continues from the
// value that the placeholder stands for.
class TracedWalk {
 public:
  explicit TracedWalk(const Tensors& inputs) : inputs_(inputs), to_(inputs) {
    for (const Trace* t = Trace::current(); t; t = t->outer()) {
      traces_.push_back(t->id());
      for (const Trace::Capture& c : t->captures())
        if (c.outside->tracked) add(c.inside, c.outside);
      for (const Ref<Value>& a : t->arguments()) add(a, {});
    }
  }

  Tensors gradients(std::vector<Seed> seeds) {
    Tensors out(inputs_.size());
    while (!seeds.empty()) {
      const Tensors got = walk(seeds, to_);
      for (std::size_t i = 0; i < out.size(); ++i)
        if (got[i]) accumulate(out[i], got[i]);
      seeds.clear();
      for (std::size_t k = out.size(); k < to_.size(); ++k) {
        if (!got[k]) continue;
        const Ref<Value>& behind = behind_[k - out.size()];
        if (!behind)
          require_within(to_[k]);
        else
          seeds.push_back({to_tensor(behind), got[k]});
      }
    }
    return out;
  }

 private:
  void add(const Ref<Value>& placeholder, Ref<Value> behind) {
    to_.push_back(to_tensor(placeholder));
    behind_.push_back(std::move(behind));
  }
  // The number of traces, from the innermost on, that a value is outside of.
  std::ptrdiff_t depth(const Tensor& t) const {
    return std::find(traces_.begin(), traces_.end(), t.handle()->trace) - traces_.begin();
  }
  // An argument of a step may depend on anything outside of it, in ways that the walk cannot see.
  void require_within(const Tensor& argument) const {
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
      const Value& input = *inputs_[i].handle();
      if (depth(inputs_[i]) > depth(argument))
        throw Error("gradient: input " + std::to_string(i) + ", " + to_string(input.type) +
                    (input.path.empty() ? "" : " `" + input.path + "`") +
                    ", is from outside of the step that is traced, and y depends on the step's "
                    "arguments, which may depend on it.\n  Let the step read a copy, `mine = 1 * "
                    "x`, and ask for the gradient of that.");
    }
  }

  const Tensors& inputs_;
  Tensors to_;                      // the inputs, then placeholders
  std::vector<Ref<Value>> behind_;  // the values that these stand for; empty: an argument
  std::vector<uint64_t> traces_;
};

}  // namespace

Tensors gradient_of(const Tensor& y, const Tensor& dy, const Tensors& inputs) {
  if (!is_floating(y.dtype()))
    throw ShapeError("gradient: y is " + to_string(y.shape(), y.dtype()) +
                     "; only float32 and float64 have gradients.");
  if (dy && dy.shape() != y.shape())
    throw ShapeError("gradient: dy must have the shape of y\n  y   " +
                     to_string(y.shape(), y.dtype()) + "\n  dy  " +
                     to_string(dy.shape(), dy.dtype()));
  for (std::size_t i = 0; i < inputs.size(); ++i)
    if (!inputs[i].tracked())
      throw Error(
          "gradient: input " + std::to_string(i) + ", " +
          to_string(inputs[i].shape(), inputs[i].dtype()) +
          ", is not tracked.\n  Make it with parameter(x) before it is used; values computed "
          "under NoGradient are not tracked either.");
  Tensors out = TracedWalk(inputs).gradients({{y, dy ? dy : ones_like(y)}});
  for (std::size_t i = 0; i < out.size(); ++i)
    if (!out[i]) out[i] = zeros_like(inputs[i]);
  return out;
}

}  // namespace tempo
