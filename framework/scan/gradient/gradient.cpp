// SPDX-License-Identifier: Apache-2.0
// The gradient of a Program as a Program with time reversed: sequences stay sequences, initial and
// last states change places, and the gradient of a fixed value is a sum over time. The rules are
// those of the ops: the reverse walk runs over the traced step while a second trace records it.
#include <algorithm>
#include <set>

#include <tempo/ops.hpp>

#include "autograd/walk.hpp"
#include "program/builder.hpp"
#include "program/passes/passes.hpp"
#include "scan/gradient/kept.hpp"
#include "scan/gradient/reached.hpp"
#include "scan/recurrence.hpp"

namespace tempo {

namespace {

class Differentiation {
 public:
  Differentiation(const TracedRecurrence& forward, const GradientRequest& request,
                  const ValueIds& there)
      : forward_(forward),
        p_(forward.normalised()),
        request_(request),
        kept_(p_, there),
        from_gradients_(computed_from(p_.loop, gradients_of(p_))) {
    for (int32_t n = 0; const Ref<Value>& node : forward.nodes())
      numbers_[identity(*node)] = ValueId{n++};
  }

  GradientProgram run() {
    {
      Trace trace;
      seed(trace);
      walk_back(trace);
      write(trace);
    }
    builder_.program.reverse = !p_.reverse;
    settle_roles(builder_.program);
    GradientProgram out;
    Program program = without_dead(std::move(builder_.program));
    drop_unread(program);
    out.sources = std::move(fixed_);
    out.sources.insert(out.sources.end(), sequences_.begin(), sequences_.end());
    out.sources.insert(out.sources.end(), carried_.begin(), carried_.end());
    out.recurrence = std::make_shared<TracedRecurrence>(
        std::move(program), std::move(builder_.nodes), place_of_condition(out.sources));
    out.result_of = std::move(result_of_);
    return out;
  }

 private:
  // The index of the forward step's condition among the inputs here, if it is one of them.
  std::optional<std::size_t> place_of_condition(const std::vector<GradientSource>& sources) const {
    for (std::size_t i = 0; i < sources.size(); ++i)
      if (const auto* input = std::get_if<ForwardInput>(&sources[i]);
          input && input->index == forward_.condition())
        return i;
    return {};
  }

  // The inputs that are gradients, if the Program is itself a gradient.
  static ValueSet gradients_of(const Program& p) {
    constexpr const char* names[] = {dkept_name, dy_name, dstate_name, dy_last_name};
    ValueSet found;
    for (std::size_t i = 0; i < p.n_inputs(); ++i)
      if (std::count(std::begin(names), std::end(names), p[p.input(i)].name) > 0)
        found.insert(p.input(i));
    return found;
  }
  const Ref<Value>& node(ValueId v) const { return forward_.nodes()[v.position()]; }
  bool floating(ValueId v) const { return is_floating(p_.type(v).dtype); }

  struct Carry {
    Ref<Value> placeholder;
    ValueId at;                        // the value whose gradient is carried
    std::vector<std::size_t> results;  // their gradients enter at the last step
    std::optional<std::size_t> state;  // whose gradient it is; if none, one of the last step only
  };

  // Makes a placeholder for each incoming gradient, and records where it enters.
  void seed(Trace& trace) {
    const ValueSet reached = what_results_read(p_, request_.dy);
    for (std::size_t k = 0; k < p_.carried.size(); ++k)
      if (floating(p_.carried[k]) && gets_a_gradient(k, reached))
        carries_.push_back({trace.placeholder(p_.type(p_.carried[k])), p_.next[k], {}, k});
    for (std::size_t r = 0; r < p_.results.size(); ++r) {
      if (!request_.dy[r]) continue;
      const ProgramResult& result = p_.results[r];
      if (result.kind == ProgramResult::last)
        seed_last(trace, r);
      else
        add_seed(trace, r, result.kind == ProgramResult::sequence ? sequence_dys_ : fixed_dys_);
    }
    for (const Carry& c : carries_)
      seeds_.push_back({to_tensor(node(c.at)), to_tensor(c.placeholder)});
  }
  // A state that no such result reads gets none: zeros would go back through all its makers.
  bool gets_a_gradient(std::size_t k, const ValueSet& reached) const {
    if (reached.contains(p_.carried[k])) return true;
    for (std::size_t r = 0; r < p_.results.size(); ++r)
      if (request_.dy[r] && p_.results[r] == ProgramResult{ProgramResult::last, p_.next[k]})
        return true;
    return false;
  }
  void add_seed(Trace& trace, std::size_t r,
                std::vector<std::pair<std::size_t, Ref<Value>>>& list) {
    list.push_back({r, trace.placeholder(p_.type(p_.results[r].value))});
    seeds_.push_back({to_tensor(node(p_.results[r].value)), to_tensor(list.back().second)});
  }
  // The gradient of the last state is the first carried gradient. That of another last value enters
  // at one step, and is zero at all others.
  void seed_last(Trace& trace, std::size_t r) {
    const ValueId v = p_.results[r].value;
    for (Carry& c : carries_) {
      if (!c.state || c.at != v) continue;
      return c.results.push_back(r);
    }
    carries_.push_back({trace.placeholder(p_.type(v)), v, {r}, {}});
  }
  GradientSource source_of(const Carry& c) const {
    if (c.results.empty()) return ZeroGradient{p_.first_state() + *c.state};
    return IncomingGradient{c.results};
  }

  void walk_back(Trace& trace) {
    Tensors inputs;
    for (std::size_t i = 0; i < p_.n_inputs(); ++i) inputs.push_back(to_tensor(node(p_.input(i))));
    Tensors asked;
    for (std::size_t i = 0; i < inputs.size(); ++i)
      if (asks(i)) asked.push_back(inputs[i]);
    const Tensors got = walk(seeds_, asked);
    gradients_.resize(inputs.size());
    for (std::size_t i = 0, k = 0; i < inputs.size(); ++i)
      if (asks(i)) gradients_[i] = got[k++];
    for (Carry& c : carries_) next_.push_back(next_of(c));
    // A rule may return a value of the forward step, or an outside one, unchanged: it is read, too.
    for (Tensors* made : {&gradients_, &next_})
      for (Tensor& t : *made)
        if (t) t = to_tensor(trace.own(to_value(t)));
  }
  bool asks(std::size_t i) const {
    return floating(p_.input(i)) && (request_.wanted[i] || p_.is_state(p_.input(i)));
  }
  Tensor next_of(const Carry& c) const {
    if (c.state)
      if (const Tensor& g = gradients_[p_.first_state() + *c.state]) return g;
    return full(c.placeholder->type.shape, 0, c.placeholder->type.dtype);
  }

  // --- the trace as a Program: inputs, then instructions, then results

  void write(Trace& trace) {
    for (const auto& [r, placeholder] : fixed_dys_)
      add_input(Role::fixed, placeholder, IncomingGradient{{r}}, dy_name);
    for (const auto& [r, placeholder] : sequence_dys_)
      add_input(Role::sequence, placeholder, IncomingGradient{{r}}, dy_name,
                p_.results[r].batch_first);
    for (const Carry& c : carries_)
      add_input(Role::carried, c.placeholder, source_of(c), c.state ? dstate_name : dy_last_name);
    kept_.cover(captured(trace));
    for (const Trace::Capture& c : trace.captures()) add_capture(c);
    for (const auto& [placeholder, v] : to_compute_) compute_again(placeholder, v);
    if (!trace.keys().empty())
      throw Error("scan: a gradient formula draws random numbers; it must not.");
    for (const Ref<Application>& a : recomputed_) builder_.add(*a);
    for (const Ref<Application>& a : trace.applications()) builder_.add(*a);
    for (std::size_t k = 0; k < carries_.size(); ++k)
      builder_.program.next.push_back(builder_.at(*next_[k].handle()));
    write_results();
  }

  void write_results() {
    result_of_.resize(p_.n_inputs());
    for (std::size_t i = 0; i < p_.n_inputs(); ++i) {
      if (!request_.wanted[i] || !gradients_[i]) continue;
      const ValueId v = p_.input(i);
      const ProgramResult::Kind kind = p_.is_fixed(v)      ? ProgramResult::sum
                                       : p_.is_sequence(v) ? ProgramResult::sequence
                                                           : ProgramResult::last;
      result_of_[i] = builder_.program.results.size();
      builder_.program.results.push_back(
          {kind, builder_.at(*gradients_[i].handle()), p_[v].batch_first});
    }
  }

  void add_input(Role role, const Ref<Value>& placeholder, GradientSource source,
                 std::string name = "", bool batch_first = false) {
    builder_.input(role, placeholder, std::move(name), batch_first);
    (role == Role::fixed      ? fixed_
     : role == Role::sequence ? sequences_
                              : carried_)
        .push_back(std::move(source));
  }

  // The values of the forward step that the rules read.
  ValueIds captured(const Trace& trace) const {
    ValueIds values;
    for (const Trace::Capture& c : trace.captures())
      if (const auto at = numbers_.find(identity(*c.outside)); at != numbers_.end())
        values.push_back(at->second);
    return values;
  }
  void add_capture(const Trace::Capture& capture) {
    const auto at = numbers_.find(identity(*capture.outside));
    if (at == numbers_.end())
      add_input(Role::fixed, capture.inside, OutsideValue{capture.outside});
    else if (!add_forward(capture.inside, at->second))
      to_compute_.push_back({capture.inside, at->second});
  }
  // Adds a value as an input if it is kept or is a forward input; false if it must be recomputed.
  bool add_forward(const Ref<Value>& placeholder, ValueId v) {
    if (kept_.has(v)) {
      add_input(Role::sequence, placeholder, KeptValue{v},
                from_gradients_.contains(v) ? dkept_name : kept_name);
    } else {
      std::size_t i = 0;
      while (i < p_.n_inputs() && p_.input(i) != v) ++i;
      if (i == p_.n_inputs()) return false;
      add_input(p_[v].role, placeholder, ForwardInput{i}, p_[v].name, p_[v].batch_first);
    }
    inputs_[v] = placeholder;
    return true;
  }

  // A value that is neither kept nor an input is computed again: its placeholder becomes the result
  // of a copy of the forward step's application.
  void compute_again(const Ref<Value>& placeholder, ValueId v) {
    const Ref<Value>& original = node(v);
    placeholder->from = again(original->from);
    placeholder->index = original->index;
  }
  Ref<Application> again(const Ref<Application>& original) {
    const auto at = again_.find(original.get());
    if (at != again_.end()) return at->second;
    Ref<Application> copy(new Application);
    copy->op = original->op;
    copy->attributes = original->attributes;
    for (const Ref<Value>& input : original->inputs) copy->inputs.push_back(forward_value(*input));
    copy->versions.assign(copy->inputs.size(), 0);
    copy->types = original->types;
    copy->serial = original->serial;  // so it is before its readers
    copy->trace = original->trace;
    again_[original.get()] = copy;
    recomputed_.push_back(copy);
    return copy;
  }
  Ref<Value> forward_value(const Value& forward) {
    const ValueId v = numbers_.at(identity(forward));
    if (const auto at = inputs_.find(v); at != inputs_.end()) return at->second;
    Ref<Value> placeholder(new Value);
    placeholder->type = forward.type;
    placeholder->trace = forward.trace;
    placeholder->tracked = forward.tracked;
    return add_forward(placeholder, v) ? placeholder
                                       : result_of(again(forward.from), forward.index);
  }

  // Inputs that nothing reads any more are dropped, so that the forward pass need not keep them.
  void drop_unread(Program& program) {
    ValueSet read;
    for (const Instruction& i : program.loop) read.insert(i.inputs);
    for (const ProgramResult& r : program.results) read.insert(r.value);
    for (std::size_t k = 0; k < program.carried.size(); ++k)
      if (program.next[k] != program.carried[k]) read.insert(program.next[k]);
    const auto drop = [&read](ValueIds& inputs, std::vector<GradientSource>& sources,
                              ValueIds* next) {
      for (std::size_t k = inputs.size(); k-- > 0;) {
        if (read.contains(inputs[k])) continue;
        const auto at = static_cast<std::ptrdiff_t>(k);
        inputs.erase(inputs.begin() + at);
        sources.erase(sources.begin() + at);
        if (next) next->erase(next->begin() + at);
      }
    };
    drop(program.fixed, fixed_, nullptr);
    drop(program.sequences, sequences_, nullptr);
    drop(program.carried, carried_, &program.next);
  }

  const TracedRecurrence& forward_;
  const Program& p_;
  const GradientRequest& request_;
  KeptChoice kept_;
  ValueSet from_gradients_;
  std::map<ValueIdentity, ValueId> numbers_;
  std::vector<Seed> seeds_;
  std::vector<Carry> carries_;
  std::vector<std::pair<std::size_t, Ref<Value>>> fixed_dys_, sequence_dys_;  // by result
  Tensors gradients_, next_;
  ProgramBuilder builder_;
  std::vector<GradientSource> fixed_, sequences_, carried_;
  std::map<const Application*, Ref<Application>> again_;  // forward application to its copy
  std::vector<Ref<Application>> recomputed_;
  std::vector<std::pair<Ref<Value>, ValueId>> to_compute_;
  std::map<ValueId, Ref<Value>> inputs_;  // the inputs of forward values
  std::vector<std::optional<std::size_t>> result_of_;
};

}  // namespace

GradientProgram differentiate(const TracedRecurrence& forward, const GradientRequest& request,
                              const ValueIds& kept) {
  return Differentiation(forward, request, kept).run();
}

}  // namespace tempo
