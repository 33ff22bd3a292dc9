// SPDX-License-Identifier: Apache-2.0
// A value with its author's own gradient. The rule is traced when it is given, so that an
// application holds what the rule reads as inputs, and not a function over somebody's tensors.
#include "autograd/custom_gradient.hpp"

#include <map>
#include <optional>

#include "graph/mask.hpp"
#include "graph/trace.hpp"
#include "tensor/process_lock.hpp"
#include "tensor/strides.hpp"

namespace tempo {

namespace {

/// The computation of a rule, as ops on numbered values: first the values that it reads, then dy,
/// then the results of each line.
struct Rule {
  struct Line {
    const OpDefinition* op;
    Attributes attributes;
    std::vector<std::size_t> inputs;
    std::size_t n_results;
  };
  std::size_t n_read = 0;
  std::vector<Line> lines;
  std::vector<std::optional<std::size_t>> gradients;  // for each input
};

using RuleRef = std::shared_ptr<const Rule>;

std::string key_of(const Rule& rule) {
  std::string key = std::to_string(rule.n_read);
  for (const Rule::Line& line : rule.lines) {
    key += ";" + line.op->name + "(" + exact_text(line.attributes) + ")";
    for (std::size_t i : line.inputs) key += std::to_string(i) + ",";
    key += std::to_string(line.n_results);
  }
  for (const auto& g : rule.gradients) key += g ? ">" + std::to_string(*g) : ">";
  return key;
}

// Equal rules are one object, so that steps with the same trace share a Program.
RuleRef shared(Rule rule) {
  static auto& known = *new std::map<std::string, std::weak_ptr<const Rule>>;
  const std::string key = key_of(rule);
  const ProcessLock lock(ProcessLock::ops);
  if (const auto at = known.find(key); at != known.end())
    if (RuleRef same = at->second.lock()) return same;
  std::erase_if(known, [](const auto& entry) { return entry.second.expired(); });
  const RuleRef made = std::make_shared<const Rule>(std::move(rule));
  known[key] = made;
  return made;
}

// The gradients of all inputs for an incoming gradient.
Tensors run(const Rule& rule, const Vjp& v) {
  std::vector<Ref<Value>> values;
  for (std::size_t i = 0; i < rule.n_read; ++i) values.push_back(to_value(v.x(i)));
  values.push_back(to_value(v.dy()));
  for (const Rule::Line& line : rule.lines) {
    std::vector<Ref<Value>> inputs;
    for (std::size_t i : line.inputs) inputs.push_back(values[i]);
    for (Ref<Value>& made : apply(*line.op, std::move(inputs), line.attributes, line.n_results))
      values.push_back(std::move(made));
  }
  Tensors out(rule.n_read);
  for (std::size_t i = 0; i < rule.gradients.size(); ++i)
    if (const auto g = rule.gradients[i]) out[i + 1] = to_tensor(values[*g]);
  return out;
}

// y = a; the rule maps dy to gradients of the inputs after a. The values that it reads come last.
const OpDefinition& custom_gradient_op = define({
    .name = "custom_gradient",
    .type =
        [](const TypeCall& call) {
          (void)call.attributes.handle("rule");  // an Error if it is applied by its name alone
          return std::vector<TensorType>{call.inputs[0]};
        },
    .vjp_all =
        [](const Vjp& v, const std::vector<bool>&) {
          return run(*static_cast<const Rule*>(v.attributes().handle("rule").get()), v);
        },
    .cheap = true,
    .mask = [](const MaskCall& call) { return mask_of(call.inputs[0]); },
});

std::string named(const Tensor& t) { return to_string(t.shape(), t.dtype()); }

void require_fit(const Tensors& gradients, const Tensors& inputs) {
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (!gradients[i]) continue;
    const Shape shapes[] = {gradients[i].shape(), inputs[i].shape()};
    if (gradients[i].dtype() != inputs[i].dtype() || broadcast_shapes(shapes) != shapes[0])
      throw ShapeError("custom_gradient: gradient " + std::to_string(i) +
                       " of the rule does not fit its input\n  input     " + named(inputs[i]) +
                       "\n  gradient  " + named(gradients[i]) +
                       "\n  It needs the input's dtype, and its shape or one that it broadcasts "
                       "to.");
  }
}

/// Records a rule: the values that it reads, in the order of the op's inputs, and its ops.
class Recorder {
 public:
  explicit Recorder(const Tensors& given) {
    for (const Tensor& t : given) read_.push_back(to_value(t));
  }

  RuleRef record(const Tensor& value, const Tensors& inputs,
                 const std::function<Tensors(const Tensor&)>& rule) {
    const MaskPause without_masks;
    Trace trace;
    const Ref<Value> dy = trace.placeholder({value.dtype(), value.shape()});
    const Tensors gradients = rule(to_tensor(dy));
    require_fit(gradients, inputs);
    std::vector<Ref<Value>> own;
    for (const Tensor& g : gradients) own.push_back(g ? trace.own(to_value(g)) : Ref<Value>());
    if (!trace.keys().empty())
      throw Error(
          "custom_gradient: the rule draws random numbers; it would draw others each time.\n  "
          "Draw them before, and let the rule read them.");
    number(trace, dy);
    for (const Ref<Value>& g : own)
      rule_.gradients.push_back(g ? std::optional(numbers_.at(identity(*g))) : std::nullopt);
    return shared(std::move(rule_));
  }
  std::vector<Ref<Value>> read() const { return read_; }

 private:
  void number(const Trace& trace, const Ref<Value>& dy) {
    for (const Trace::Capture& c : trace.captures()) {
      std::size_t at = 0;
      while (at < read_.size() && identity(*read_[at]) != identity(*c.outside)) ++at;
      if (at == read_.size()) read_.push_back(c.outside);
      numbers_[identity(*c.inside)] = at;
    }
    std::size_t next = rule_.n_read = read_.size();
    numbers_[identity(*dy)] = next++;
    for (const Ref<Application>& a : trace.applications()) {
      Rule::Line line{a->op, a->attributes, {}, a->types.size()};
      for (const Ref<Value>& input : a->inputs)
        line.inputs.push_back(numbers_.at(identity(*input)));
      for (std::size_t k = 0; k < line.n_results; ++k) numbers_[ValueIdentity{a.get(), k}] = next++;
      rule_.lines.push_back(std::move(line));
    }
  }

  std::vector<Ref<Value>> read_;
  std::map<ValueIdentity, std::size_t> numbers_;
  Rule rule_;
};

}  // namespace

Tensor custom_gradient_of(const Tensor& value, const Tensors& inputs,
                          const std::function<Tensors(const Tensor&)>& rule) {
  if (!is_floating(value.dtype()))
    throw ShapeError("custom_gradient: the value is " + named(value) +
                     "; only float32 and float64 have gradients.\n  cast(value, x.dtype()) makes "
                     "numbers of it.");
  for (std::size_t i = 0; i < inputs.size(); ++i)
    if (!is_floating(inputs[i].dtype()))
      throw ShapeError("custom_gradient: input " + std::to_string(i) + " is " + named(inputs[i]) +
                       "; only float32 and float64 have gradients.");
  Tensors given{value};
  given.insert(given.end(), inputs.begin(), inputs.end());
  Recorder recorder(given);
  const RuleRef made = recorder.record(value, inputs, rule);
  return to_tensor(std::move(
      apply(custom_gradient_op, recorder.read(), {{"rule", Attributes::Handle(made)}}, 1)[0]));
}

}  // namespace tempo
