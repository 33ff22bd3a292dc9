// Every value has its place before the loop starts: one block for what is fixed or used within its
// step, a slab [time, ...] for what is needed of every step.
#include "scan/execute.hpp"

#include <algorithm>
#include <cstring>
#include <map>

namespace tempo {

namespace {

void copy(const View& from, const View& to) { std::memcpy(to.data, from.data, from.type.bytes()); }

void add_to(const View& part, const View& total) {
  dispatch_floating(part.dtype(), "scan", [&]<class T>(T) {
    const T* from = part.as<T>();
    T* to = total.as<T>();
    for (int64_t i = 0; i < part.count(); ++i) to[i] += from[i];
  });
}

class Execution {
 public:
  Execution(const Program& p, int64_t time, std::span<const View> inputs, std::span<const View> outputs)
      : p_(p), time_(time), places_(p.values.size()), outputs_(outputs) {
    place_inputs(inputs);
    place_results();
    place_slabs();
    place_rest();
  }

  void run() {
    for (const Instruction& i : p_.before) over_time(i);
    for (int64_t n = 0; n < time_; ++n) step(p_.reverse ? time_ - 1 - n : n, n + 1 == time_);
    for (const Instruction& i : p_.after) over_time(i);
    deliver();
  }

 private:
  struct Place {
    View view;         // of one step, or of all of them
    bool slab = false;
  };

  Place& place(int v) { return places_[static_cast<std::size_t>(v)]; }
  const ProgramValue& value(int v) const { return p_.values[static_cast<std::size_t>(v)]; }
  TensorType slab_type(int v) const { return {value(v).type.dtype, value(v).type.shape.prepended(time_)}; }
  View at(int v, int64_t t) { return place(v).slab ? place(v).view.at(t) : place(v).view; }

  View allocate(const TensorType& type) {
    arrays_.emplace_back(type);
    return arrays_.back().view();
  }

  void place_inputs(std::span<const View> inputs) {
    for (std::size_t i = 0; i < inputs.size(); ++i)
      if (const int v = p_.input(i); value(v).standing == Standing::carried) {
        place(v) = {allocate(value(v).type), false};
        copy(inputs[i], place(v).view);
        incoming_.push_back(allocate(value(v).type));
      } else {
        place(v) = {inputs[i], value(v).standing == Standing::sequence};
      }
    for (int v : p_.carried) history_[v] = {};
  }

  // A sequence that is a result is written where the result is read.
  void place_results() {
    for (std::size_t k = 0; k < p_.results.size(); ++k) {
      const ProgramResult& r = p_.results[k];
      if (r.kind == ProgramResult::sum && !is_total(r.value))
        std::memset(outputs_[k].data, 0, outputs_[k].type.bytes());
      if (r.kind != ProgramResult::sequence) continue;
      if (value(r.value).standing == Standing::carried) {
        if (!history_[r.value].data) history_[r.value] = outputs_[k];
      } else if (!place(r.value).view.data && value(r.value).standing == Standing::sequence) {
        place(r.value) = {outputs_[k], true};
      }
    }
  }

  // What the sections outside the loop read or write of every step, and sums that are made at the end.
  void place_slabs() {
    for (const Instruction& i : p_.before)
      for (int v : i.outputs) need_slab(v);
    for (const Instruction& i : p_.after) {
      for (int v : i.inputs) need_slab(v);
      for (int v : i.outputs) need_slab(v);
    }
  }
  void need_slab(int v) {
    if (value(v).standing == Standing::fixed) return;
    if (value(v).standing == Standing::carried) {
      if (!history_[v].data) history_[v] = allocate(slab_type(v));
    } else if (!place(v).view.data) {
      place(v) = {allocate(slab_type(v)), true};
    }
  }
  void place_rest() {
    for (std::size_t v = 0; v < places_.size(); ++v)
      if (!places_[v].view.data) places_[v] = {allocate(p_.values[v].type), false};
  }

  void step(int64_t t, bool last) {
    for (const auto& [v, history] : history_)
      if (history.data) copy(place(v).view, history.at(t));
    for (const Instruction& i : p_.loop) apply_at(i, t);
    for (std::size_t k = 0; k < p_.results.size(); ++k) {
      const ProgramResult& r = p_.results[k];
      if (r.kind == ProgramResult::last && last && !made_after(r.value)) copy(at(r.value, t), outputs_[k]);
      if (r.kind == ProgramResult::sum && !made_after(r.value)) add_to(at(r.value, t), outputs_[k]);
    }
    for (std::size_t k = 0; k < p_.carried.size(); ++k) copy(at(p_.next[k], t), incoming_[k]);
    for (std::size_t k = 0; k < p_.carried.size(); ++k) std::swap(place(p_.carried[k]).view, incoming_[k]);
  }

  bool made_after(int v) const {
    return std::any_of(p_.after.begin(), p_.after.end(), [v](const Instruction& i) {
      return std::find(i.outputs.begin(), i.outputs.end(), v) != i.outputs.end();
    });
  }

  bool is_total(int v) const {
    return std::any_of(p_.after.begin(), p_.after.end(),
                       [v](const Instruction& i) { return i.summed && i.outputs[0] == v; });
  }

  // The results that the loop did not write: made behind it, or copies of what is there.
  void deliver() {
    const int64_t last = p_.reverse ? 0 : time_ - 1;
    for (std::size_t k = 0; k < p_.results.size(); ++k) {
      const ProgramResult& r = p_.results[k];
      const View& out = outputs_[k];
      if (r.kind == ProgramResult::sequence) {
        const View from = sequence_of(r.value);
        if (from.data == out.data) continue;
        for (int64_t t = 0; t < time_; ++t) copy(place(r.value).slab || history(r.value) ? from.at(t) : from, out.at(t));
      } else if (made_after(r.value)) {
        if (r.kind == ProgramResult::last) copy(at(r.value, last), out);
        else if (is_total(r.value)) copy(place(r.value).view, out);
        else
          for (int64_t t = 0; t < time_; ++t) add_to(at(r.value, t), out);
      }
    }
  }
  bool history(int v) const {
    const auto at = history_.find(v);
    return at != history_.end() && at->second.data;
  }
  View sequence_of(int v) { return history(v) ? history_[v] : place(v).view; }

  void apply(const Instruction& i) {
    if (i.op->kernel) i.op->kernel({in_, out_, i.attributes});
    else std::memcpy(out_[0].data, in_[0].data, out_[0].type.bytes());
  }
  void apply_at(const Instruction& i, int64_t t) {
    in_.clear();
    out_.clear();
    for (int v : i.inputs) in_.push_back(history(v) && t >= 0 && in_after_ ? history_[v].at(t) : at(v, t));
    for (int v : i.outputs) out_.push_back(at(v, t));
    apply(i);
  }

  // An instruction outside the loop: once if nothing in it depends on time, in one go if its op
  // keeps its meaning, else step by step.
  void over_time(const Instruction& i) {
    in_after_ = true;
    if (i.summed || in_one_go(i)) {
      in_.clear();
      out_.clear();
      for (int v : i.inputs) in_.push_back(sequence_of(v));
      for (int v : i.outputs) out_.push_back(place(v).view);
      if (i.summed) i.op->summed({in_, out_, i.attributes});
      else apply(i);
    } else if (value(i.outputs[0]).standing == Standing::fixed) {
      apply_at(i, 0);
    } else {
      for (int64_t t = 0; t < time_; ++t) apply_at(i, t);
    }
    in_after_ = false;
  }

  bool in_one_go(const Instruction& i) const {
    if (value(i.outputs[0]).standing == Standing::fixed) return false;
    const int rank = value(i.outputs[0]).type.shape.rank();
    if (!i.op->kernel) return value(i.inputs[0]).standing != Standing::fixed;
    if (i.op->leading_axis == LeadingAxis::changes) return false;
    for (int v : i.inputs) {
      const bool fixed = value(v).standing == Standing::fixed;
      if (fixed && i.op->leading_axis != LeadingAxis::broadcast) return false;
      const int own = value(v).type.shape.rank();
      if (i.op->leading_axis == LeadingAxis::broadcast && (fixed ? own > rank : own != rank)) return false;
    }
    return true;
  }

  const Program& p_;
  int64_t time_;
  std::vector<Place> places_;
  std::span<const View> outputs_;
  std::vector<Array> arrays_;
  std::map<int, View> history_;  // of carried values that are needed of every step
  std::vector<View> incoming_;   // the next state, until all of it is there
  std::vector<View> in_, out_;
  bool in_after_ = false;
};

}  // namespace

std::vector<TensorType> result_types(const Program& p, int64_t time) {
  std::vector<TensorType> types;
  for (const ProgramResult& r : p.results) {
    TensorType type = p.values[static_cast<std::size_t>(r.value)].type;
    if (r.kind == ProgramResult::sequence) type.shape = type.shape.prepended(time);
    types.push_back(type);
  }
  return types;
}

void execute(const Program& p, int64_t time, std::span<const View> inputs, std::span<const View> outputs) {
  Execution(p, time, inputs, outputs).run();
}

}  // namespace tempo
