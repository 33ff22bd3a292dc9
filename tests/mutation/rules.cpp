// SPDX-License-Identifier: Apache-2.0
// Rules and steps are written in ops: each is traced, and its lines are computed one after the
// other, one of them changed.
#include <map>
#include <optional>

#include <tempo/load.hpp>

#include "graph/op.hpp"
#include "graph/trace.hpp"
#include "mutation/mutants.hpp"
#include "plugin/layer.hpp"
#include "scan/scan.hpp"

namespace tempo::mutation {

namespace {

struct Line {
  const OpDefinition* op;
  Attributes attributes;
  std::vector<Ref<Value>> inputs;
  std::size_t n_results;
};

std::vector<Ref<Value>> run(const Line& line) {
  return apply(*line.op, line.inputs, line.attributes, line.n_results);
}

std::string operand(std::size_t i, const char* what) {
  return "operand " + std::to_string(i) + what;
}

Ref<Value> changed(const Ref<Value>& value, const std::string& change) {
  const Tensor y = to_tensor(value);
  if (change == "negated") return to_value(-y);
  if (change == "doubled") return to_value(2 * y);
  if (change == "dropped") return to_value(0 * y);
  return value;
}

// The lines of one run of a rule.
class Run {
 public:
  explicit Run(const std::string& site) : site_(site) {}

  void know(const Ref<Value>& value) { pool_.push_back(value); }

  std::vector<Ref<Value>> compute(Line line) {
    const int ordinal = ordinals_[line.op->name]++;
    std::vector<Ref<Value>> results;
    if (mode().is_armed(site_, line.op->name, ordinal)) {
      results = change(std::move(line));
    } else {
      results = run(line);
      if (makes_zeros(*line.op, line.attributes)) zeros_.insert(identity(*results[0]));
      if (mode().found) mode().note(site_, line.op->name, ordinal, changes_of(line, results));
    }
    for (const Ref<Value>& value : results) pool_.push_back(value);
    return results;
  }

  // Result k, which no line made.
  Ref<Value> pass_on(const Ref<Value>& value, std::size_t k) {
    const int ordinal = static_cast<int>(k);
    mode().note(site_, "result", ordinal, changes_of(*value));
    if (!mode().is_armed(site_, "result", ordinal)) return value;
    *mode().applied = true;
    return changed(value, mode().armed->change);
  }

 private:
  // Of a value that a line or a rule gives.
  std::vector<std::string> changes_of(const Value& value) const {
    if (!is_floating(value.type.dtype) || zeros_.contains(identity(value))) return {};
    return {"negated", "doubled", "dropped"};
  }

  std::vector<std::string> changes_of(const Line& line,
                                      const std::vector<Ref<Value>>& results) const {
    std::vector<std::string> out;
    if (results.empty()) return out;  // nothing that anybody could read
    out = changes_of(*results[0]);
    for (std::size_t i = 0; i < line.inputs.size(); ++i) {
      if (!out.empty() && line.inputs.size() > 1 && !changes_of(*line.inputs[i]).empty())
        out.push_back(operand(i, " dropped"));
      if (line.op->kernel || i == 0) out.push_back(operand(i, " from elsewhere"));
    }
    for (std::string& more :
         shared_changes({line.op, line.inputs.size(), results.size(), line.attributes}))
      out.push_back(std::move(more));
    return out;
  }

  std::vector<Ref<Value>> change(Line line) {
    const std::string& name = mode().armed->change;
    for (std::size_t i = 0; i < line.inputs.size(); ++i) {
      Ref<Value>& input = line.inputs[i];
      if (name == operand(i, " dropped")) input = changed(input, "dropped");
      if (name != operand(i, " from elsewhere")) continue;
      const Ref<Value> other = elsewhere(*input);
      if (!other) return run(line);
      input = other;
    }
    if (name == "operands swapped") std::swap(line.inputs[0], line.inputs[1]);
    line.attributes = changed_attributes(line.attributes, name);
    *mode().applied = true;
    std::vector<Ref<Value>> results = run(line);
    if (name == "results swapped") std::swap(results[0], results[1]);
    results[0] = changed(results[0], name);
    return results;
  }

  // Another value of the same type, the latest; two that are 0 are the same.
  Ref<Value> elsewhere(const Value& value) const {
    const auto is_zero = [&](const Value& v) { return zeros_.contains(identity(v)); };
    for (std::size_t i = pool_.size(); i-- > 0;) {
      const Value& other = *pool_[i];
      if (other.type.shape == value.type.shape && other.type.dtype == value.type.dtype &&
          identity(other) != identity(value) && !(is_zero(other) && is_zero(value)))
        return pool_[i];
    }
    return {};
  }

  const std::string& site_;
  std::map<std::string, int> ordinals_;
  std::vector<Ref<Value>> pool_;  // what there is to be mistaken for another
  std::set<ValueIdentity> zeros_;
};

}  // namespace

Tensors recorded(const std::string& site, const std::function<Tensors()>& rule) {
  if (!mode().looks_at(site)) return rule();
  std::map<ValueIdentity, Ref<Value>> now;
  std::set<ValueIdentity> given;
  std::vector<Ref<Application>> lines;
  std::vector<Ref<Value>> own;
  Run run(site);
  bool draws = false;
  {
    Trace trace;
    for (const Tensor& t : rule()) own.push_back(t ? trace.own(to_value(t)) : Ref<Value>());
    draws = !trace.keys().empty();
    lines = trace.applications();
    for (const Trace::Capture& c : trace.captures()) {
      given.insert(identity(*c.inside));
      now[identity(*c.inside)] = c.outside;
      run.know(c.outside);
    }
  }
  if (draws) return rule();  // its random keys are the other trace's
  for (const Ref<Application>& a : lines) {
    Line line{a->op, a->attributes, {}, a->types.size()};
    for (const Ref<Value>& input : a->inputs) line.inputs.push_back(now.at(identity(*input)));
    std::vector<Ref<Value>> made = run.compute(std::move(line));
    for (std::size_t k = 0; k < made.size(); ++k)
      now[ValueIdentity{a.get(), k}] = std::move(made[k]);
  }
  Tensors out(own.size());
  for (std::size_t k = 0; k < own.size(); ++k) {
    if (!own[k]) continue;
    const ValueIdentity inside = identity(*own[k]);
    out[k] = to_tensor(given.contains(inside) ? run.pass_on(now.at(inside), k) : now.at(inside));
  }
  return out;
}

namespace {

// The names of those that come with the framework; the others are of tests.
std::set<std::string>& cells() {
  static std::set<std::string> names;
  return names;
}

void watch(OpDefinition& op) {
  if (op.name == "custom_gradient") return;  // its lines are a user's
  for (std::size_t i = 0; i < op.vjp.size(); ++i) {
    if (!op.vjp[i]) continue;
    op.vjp[i] = [rule = op.vjp[i], site = "vjp " + op.name + "." + std::to_string(i)](
                    const Vjp& v) { return recorded(site, [&] { return Tensors{rule(v)}; })[0]; };
  }
  if (op.vjp_all)
    op.vjp_all = [rule = op.vjp_all, site = "vjp " + op.name](const Vjp& v,
                                                              const std::vector<bool>& wanted) {
      return recorded(site, [&] { return rule(v, wanted); });
    };
}

}  // namespace

void watch_rules() {
  for (const PluginContents& plugin : all_plugins().plugins)
    for (const tempo_layer_type* layer : plugin.layers)
      if (layer->kind == TEMPO_CELL) cells().insert(layer->name);
  for (const OpDefinition* op : all_ops()) watch(const_cast<OpDefinition&>(*op));
}

bool is_watched(const tempo_layer& layer) {
  return layer.children.empty() && cells().contains(layer.type.name);
}

}  // namespace tempo::mutation

// --- what the linker puts in place of functions of the framework, which stay under __real_

namespace tempo {

// A cell that is run by a layer of its own.
Tensors real_call(tempo_layer& layer,
                  const tempo_call& call) asm("__real__ZN5tempo4callER11tempo_layerRK10tempo_call");
Tensors watched_call(tempo_layer& layer, const tempo_call& call) asm(
    "__wrap__ZN5tempo4callER11tempo_layerRK10tempo_call");

Tensors watched_call(tempo_layer& layer, const tempo_call& call) {
  if (layer.type.kind != TEMPO_CELL || !layer.built() || !mutation::is_watched(layer))
    return real_call(layer, call);
  return mutation::recorded(std::string("cell ") + layer.type.name,
                            [&] { return real_call(layer, call); });
}

// A layer that runs its own step, as LSTM does.
using Values = std::vector<Ref<Value>>;
Values real_scan(const tempo_scan& call, TraceCache* steps, bool in_training) asm(
    "__real__ZN5tempo8run_scanERK10tempo_scanPNS_10TraceCacheEb");
Values watched_scan(const tempo_scan& call, TraceCache* steps, bool in_training) asm(
    "__wrap__ZN5tempo8run_scanERK10tempo_scanPNS_10TraceCacheEb");

namespace {

struct LayersStep {
  const tempo_scan& given;
  std::string site;

  Tensors results(const tempo_step& step) const {
    std::vector<tempo_tensor*> raw(step.n_outputs + step.n_states);
    tempo_step own = step;
    own.results = raw.data();
    const tempo_status status = given.step(given.user, &own);
    Tensors out = sdk::adopt(raw);
    sdk::check(status);
    return out;
  }
  static tempo_status run(void* user, const tempo_step* step) noexcept {
    return sdk::guarded([&] {
      const LayersStep& me = *static_cast<const LayersStep*>(user);
      const Tensors out = mutation::recorded(me.site, [&] { return me.results(*step); });
      for (std::size_t i = 0; i < out.size(); ++i) step->results[i] = out[i].retained();
    });
  }
};

}  // namespace

Values watched_scan(const tempo_scan& call, TraceCache* steps, bool in_training) {
  const tempo_layer* const layer = called_layer();
  if (!layer || !mutation::is_watched(*layer)) return real_scan(call, steps, in_training);
  LayersStep step{call, std::string("cell ") + layer->type.name};
  tempo_scan watched = call;
  watched.step = &LayersStep::run;
  watched.user = &step;
  return real_scan(watched, steps, in_training);
}

}  // namespace tempo
