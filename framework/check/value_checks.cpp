// SPDX-License-Identifier: Apache-2.0
// Further checks of values: results are the same in each trace, in each process, in both
// directions, and in the plain loop.
#include <algorithm>
#include <cmath>
#include <limits>

#include <tempo/explain.hpp>
#include <tempo/gradient.hpp>
#include <tempo/option.hpp>

#include "check/plugin_check.hpp"
#include "check/subject.hpp"

namespace tempo::conformance {

namespace {

void require_cell(const Subject& subject) {
  if (!subject.is_cell()) throw Inapplicable("it is no cell");
}

// Two layers of float64 with the same weights.
Layer twin_of(const Subject& subject, const Layer& layer, const Tensors& x) {
  const Layer twin = subject.ready(x);
  const Tensors from = layer.weights(), to = twin.weights();
  require(from.size() == to.size(), "made again it has other weights");
  for (std::size_t i = 0; i < from.size(); ++i) assign(to[i], from[i]);
  return twin;
}

// A cell in an RNN that returns its states after the outputs.
Layer over_time(const Layer& cell, std::initializer_list<Option> more) {
  std::vector<Option> all{{"cell", cell.handle()}, {"return_sequences", true}};
  all.insert(all.end(), more.begin(), more.end());
  tempo_layer* out = nullptr;
  sdk::check(sdk::host().make_layer(TEMPO_LAYER, "RNN",
                                    reinterpret_cast<const tempo_attribute*>(all.data()),
                                    static_cast<uint32_t>(all.size()), &out));
  return Layer(out);
}
// A built cell with weights that all differ; several RNNs share it.
Layer ready_cell(const Subject& subject, const Tensors& x) {
  return subject.ready(x).children().at(0);
}
Tensors reversed(const Tensors& x) {
  Tensors out;
  for (const Tensor& t : x) out.push_back(reverse(t, 1));
  return out;
}
Tensors first_steps(const Tensors& x, int64_t n) {
  Tensors out;
  for (const Tensor& t : x) out.push_back(t.rank() > 1 ? slice(t, 1, 0, n) : t);
  return out;
}

// --- repeated runs

// Results and weights bit by bit: a line for each.
void check_processes(const Subject& subject) {
  set_seed(7);
  std::string lines;
  for (const auto& [what, bits] : subject.seen(subject.make()).parts)
    lines += what + ": bits " + std::to_string(std::hash<std::string>{}(bits)) + "\n";
  throw Saw(lines);
}

std::string first_other_line(const std::string& a, const std::string& b) {
  const auto at = std::mismatch(a.begin(), a.end(), b.begin(), b.end());
  const auto place = static_cast<std::size_t>(at.second - b.begin());
  const std::size_t begin = place == 0 ? 0 : b.rfind('\n', place - 1) + 1;
  return b.substr(begin, b.find('\n', begin) - begin);
}

void check_pure(const Subject& subject) {
  const Tensors x = subject.inputs(default_dtype());
  const Layer layer = subject.make();
  const std::string once = explain(layer, x);
  if (once.find("There is no recurrence in it") != once.npos)
    throw Inapplicable("it has no step that is traced");
  (void)results(layer, x);
  const std::string again = explain(layer, x);
  require(once == again, "traced again its step is another one, which has `" +
                             first_other_line(once, again) + "`");
}

// Values that were read while a step was traced must not remain in the trace.
void check_retraced(const Subject& subject) {
  const NoGradient off;
  const Tensors x = subject.inputs(float64), others = subject.inputs(float64, {}, 40);
  const Layer layer = subject.ready(x);
  (void)results(layer, x);
  int64_t seed = 300;
  for (const Tensor& w : layer.trainable_weights())
    assign(w, random_normal(w.shape(), 0, 0.3, w.dtype(), ++seed));
  layer.reset_state();
  const Layer twin = twin_of(subject, layer, others);
  require_close("with other weights and inputs than in its first call, a result",
                results(layer, others), results(twin, others), 0);
}

// --- NaN, infinities and extreme numbers

// Changes the first sequence to extreme values; the others must give the same results.
void check_special(const Subject& subject) {
  const NoGradient off;
  const Tensors x = subject.inputs(float64);
  const Layer layer = subject.ready(x), trained = subject.ready(x);  // training may change it
  const Tensors expected = results(layer, x);
  const auto others = [](const Tensor& t) { return slice(t, 0, 1, t.shape()[0]); };
  bool any = false;
  for (const double value : {std::nan(""), HUGE_VAL, -HUGE_VAL, 1e308, 1e-310, 0.0}) {
    Tensors given;
    for (const Tensor& t : x) {
      any |= is_floating(t.dtype());
      given.push_back(
          is_floating(t.dtype())
              ? concat({full(slice(t, 0, 0, 1).shape(), value, t.dtype()), others(t)}, 0)
              : t);
    }
    layer.reset_state();
    const Tensors got = results(layer, given);
    for (std::size_t i = 0; i < got.size(); ++i)
      if (got[i].rank() > 0 && got[i].shape()[0] == x[0].shape()[0])
        require_close(
            "where another sequence of the batch is " + sdk::shortest(value) + ", a result",
            others(got[i]), others(expected[i]), 1e-12);
    trained.reset_state();
    (void)results(trained, given, true);
  }
  if (!any) throw Inapplicable("its inputs are no numbers");
}

// --- over time

void check_causal(const Subject& subject) {
  require_cell(subject);
  const NoGradient off;
  const Tensors x = subject.inputs(float64, {.more_time = 10});
  const Layer layer = subject.ready(x);
  const Tensor whole = results(layer, x)[0];
  for (const int64_t n : {1, 2, 5}) {
    const Tensor begin = results(layer, first_steps(x, n))[0];
    require_close("of the first " + std::to_string(n) + " of " + std::to_string(whole.shape()[1]) +
                      " steps, the result",
                  begin, slice(whole, 1, 0, n), 1e-12);
  }
}

void check_reset(const Subject& subject) {
  const NoGradient off;
  const bool is_stateful = subject.describes("stateful");
  const Tensors x = subject.inputs(float64);
  Layer layer =
      subject.ready(x, is_stateful ? std::vector<Given>{{"stateful", true}} : std::vector<Given>{});
  if (subject.is_cell())
    layer = over_time(ready_cell(subject, x), {{"stateful", true}, {"dtype", int64_t{1}}});
  layer.reset_state();
  const Tensors first = results(layer, x);
  (void)results(layer, x);
  const OtherWeights before(layer);
  (void)results(layer, subject.inputs(float64, {}, 40), true);
  before.put_back();
  layer.reset_state();
  require_close("after reset_state the first result", results(layer, x), first, 0);
}

// The registered layer that runs another one in both directions, found by its options.
const tempo_layer_type& of_both_directions() {
  for (const PluginContents& plugin : all_plugins().plugins)
    for (const tempo_layer_type* type : plugin.layers)
      if (sdk::described(*type, "merge_mode") && sdk::described(*type, "layer")) return *type;
  throw Inapplicable("no layer that is installed runs another one in both directions");
}

void check_backwards(const Subject& subject) {
  require_cell(subject);
  const NoGradient off;
  const Tensors x = subject.inputs(float64);
  const Layer cell = ready_cell(subject, x);
  const Tensor forward = over_time(cell, {})(reversed(x)),
               backward = over_time(cell, {{"go_backwards", true}})(x);
  require_close("with go_backwards, the result", backward, forward, 1e-12);
  const Layer inner = over_time(cell, {});
  sdk::OptionList options;
  options.add("layer", inner);
  options.add("dtype", static_cast<int64_t>(float64));
  const Tensor y = sdk::make_layer(of_both_directions(), options)(x);
  require(y.shape()[0] == x[0].shape()[0], "in both directions it gives " + to_string(y.shape()));
}

void check_whole_masks(const Subject& subject) {
  if (!subject.has_time()) throw Inapplicable("its input has no time");
  const NoGradient off;
  const Tensors x = subject.inputs(float64);
  const Layer layer = subject.ready(x);
  const auto all = [&](bool counts) {
    Tensors masks;
    for (std::size_t i = 0; i < x.size(); ++i)
      masks.push_back(
          subject.row().inputs[i].has_time()
              ? tensor(std::vector<bool>(
                           static_cast<std::size_t>(x[i].shape()[0] * x[i].shape()[1]), counts),
                       {x[i].shape()[0], x[i].shape()[1]})
              : Tensor());
    layer.reset_state();
    Tensors out;
    for (const Tensor& y : results(layer, masked(x, masks))) out.push_back(with_mask(y, {}));
    return out;
  };
  layer.reset_state();
  const Tensors expected = results(layer, x);
  require_close("with a mask in which each step counts, a result", all(true), expected, 1e-12);
  for (const Tensor& y : all(false))
    for (const double value : is_floating(y.dtype()) ? y.to_vector() : std::vector<double>())
      require(std::isfinite(value),
              "with a mask in which no step counts a result is " + sdk::shortest(value));
}

// The compiled loop must give the same as its steps run one by one, op by op.
void check_plain(const Subject& subject) {
  require_cell(subject);
  const NoGradient off;
  const Tensors x = subject.inputs(float64);
  const Layer rnn = subject.ready(x), cell = rnn.children().at(0);
  StepCall call{.dtype = float64};
  for (const Tensor& t : x) call.inputs.push_back(take(t, 0, 1).shape());
  const Tensors made = once(cell, call);
  call.once.assign(made.begin(), made.end());
  const Scanned plain =
      scan([&](const Tensors& now, const State& s) { return step(cell, now, s, call); }, x,
           initial_state(cell, call), {.plain = true});
  require_close("compiled, the result", results(rnn, x)[0], plain.output, 1e-9);
}

void check_recompute(const Subject& subject) {
  require_cell(subject);
  const Tensors x = parameters(subject.inputs(float64, {.more_time = 9}));
  const Layer cell = ready_cell(subject, x);
  const auto gradients = [&](bool recompute) {
    const Layer layer = over_time(cell, {{"recompute", recompute}, {"dtype", int64_t{1}}});
    const Tensor total = mixed(results(layer, x));
    const Tensors to = leaves(layer, x);
    if (to.empty() || !total.tracked()) throw Inapplicable("nothing in it has a gradient");
    return gradient(total, to);
  };
  require_close("with recompute, a gradient", gradients(true), gradients(false), 1e-9);
}

}  // namespace

void add_value_checks(PluginChecks& all) {
  all.push_back({"processes", "another process gives the same bits", &check_processes,
                 PluginCheck::usual, false, true});
  all.push_back({"pure", "its step is the same each time it is traced", &check_pure});
  all.push_back({"retraced", "nothing of its first call stays in later ones", &check_retraced});
  all.push_back({"special", "NaN, infinities and the smallest numbers spoil no other sequence",
                 &check_special});
  all.push_back({"causal", "of a cell, a step depends on no later one", &check_causal});
  all.push_back({"reset", "reset_state gives the first result again", &check_reset});
  all.push_back({"backwards", "a cell runs backwards, and in both directions", &check_backwards});
  all.push_back({"whole-masks", "a mask of all steps changes nothing, one of none makes no NaN",
                 &check_whole_masks});
  all.push_back({"plain", "a compiled cell gives what its plain loop gives", &check_plain});
  all.push_back(
      {"recompute", "a cell has the same gradients when its steps run again", &check_recompute});
}

}  // namespace tempo::conformance
