// The reverse walk. The only place that un-broadcasts and accumulates.
#include "autograd/walk.hpp"

#include <tempo/ops.hpp>

#include <algorithm>
#include <map>
#include <unordered_map>
#include <unordered_set>

namespace tempo {

namespace {

// A value's identity in the graph: the same result of an application may have several handles.
struct Key {
  const void* node;
  std::size_t index;
  friend bool operator<(const Key& a, const Key& b) {
    return a.node != b.node ? a.node < b.node : a.index < b.index;
  }
};

Key key_of(const Value& value) {
  if (value.from) return {value.from.get(), value.index};
  return {&value, 0};
}

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
    for (const Tensor& input : inputs) wanted_.emplace(key_of(*input.handle()), true);
    for (const Seed& seed : seeds) collect(seed.y);
    std::sort(order_.begin(), order_.end(),
              [](const auto& a, const auto& b) { return a->serial > b->serial; });
    for (const Seed& seed : seeds) accumulate(gradients_[key_of(*seed.y.handle())], seed.dy);
    for (const Ref<Application>& application : order_) step(*application);
  }

  Tensor gradient(const Tensor& input) {
    const auto at = gradients_.find(key_of(*input.handle()));
    return at == gradients_.end() ? Tensor{} : at->second;
  }

 private:
  // Whether a gradient is wanted of this value or of one it was computed from.
  bool leads(const Value& value) const {
    if (!value.tracked) return false;
    if (wanted_.count(key_of(value))) return true;
    return value.from && leads_.at(value.from.get());
  }

  // Depth first without recursion, so that a graph may be as deep as memory allows.
  void collect(const Tensor& y) {
    if (!y.handle()->from) return;
    std::vector<Application*> open{y.handle()->from.get()};
    while (!open.empty()) {
      Application* application = open.back();
      if (leads_.count(application)) {
        open.pop_back();
        continue;
      }
      bool ready = true;
      for (const Ref<Value>& input : application->inputs)
        if (input->tracked && input->from && !leads_.count(input->from.get())) {
          open.push_back(input->from.get());
          ready = false;
        }
      if (!ready) continue;
      open.pop_back();
      const bool leading = application->op->differentiable() &&
                           std::any_of(application->inputs.begin(), application->inputs.end(),
                                       [&](const Ref<Value>& input) { return leads(*input); });
      leads_[application] = leading;
      if (leading) order_.push_back(Ref<Application>::share(application));
    }
  }

  // One application: the gradients of its results become those of its inputs.
  void step(const Application& application) {
    Tensors dy(application.types.size());
    bool any = false;
    for (std::size_t k = 0; k < dy.size(); ++k) {
      const Key key{&application, k};
      const auto at = gradients_.find(key);
      if (at == gradients_.end()) continue;
      dy[k] = at->second;
      any = true;
      if (!wanted_.count(key)) gradients_.erase(at);  // used up: its memory goes back
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
    if (gradient) accumulate(gradients_[key_of(input)], unbroadcast(gradient, input.type));
  }

  std::map<Key, bool> wanted_;
  std::unordered_map<const Application*, bool> leads_;
  std::vector<Ref<Application>> order_;
  std::map<Key, Tensor> gradients_;
};

}  // namespace

Tensors walk(const std::vector<Seed>& seeds, const Tensors& inputs) {
  Walk walk(seeds, inputs);
  Tensors out;
  for (const Tensor& input : inputs) out.push_back(walk.gradient(input));
  return out;
}

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
  Tensors out = walk({{y, dy ? dy : ones_like(y)}}, inputs);
  for (std::size_t i = 0; i < out.size(); ++i)
    if (!out[i]) out[i] = zeros_like(inputs[i]);
  return out;
}

}  // namespace tempo
