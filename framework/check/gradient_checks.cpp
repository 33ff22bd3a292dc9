// SPDX-License-Identifier: Apache-2.0
// Further checks of gradients beside those of the conformance suite: all that gradcheck can do.
#include <algorithm>
#include <sstream>

#include <tempo/gradcheck.hpp>
#include <tempo/gradient.hpp>

#include "check/plugin_check.hpp"
#include "check/subject.hpp"

namespace tempo::conformance {

namespace {

bool is_in_float32(const GradCheck::Row& row) { return row.when.starts_with("in float32"); }

// gradcheck of the layer as it is, and varied.
GradCheck varied(const Subject& subject) {
  if (subject.row().inputs.size() > 1) throw Inapplicable("it takes several inputs");
  if (subject.row().inputs[0].ids > 0) throw Inapplicable("its inputs are no numbers");
  const Layer layer = subject.make();
  if (leaves(subject.ready(subject.inputs(float64)), parameters(subject.inputs(float64))).empty())
    throw Inapplicable("it has neither weights nor inputs that are numbers");
  const GradCheck found = gradcheck(layer, subject.inputs(float64, {.batch = 2})[0].shape());
  if (std::any_of(found.rows.begin(), found.rows.end(), [&](const GradCheck::Row& row) {
        return row.when.empty() && !(row.error <= found.tolerance);
      }))
    throw Inapplicable("its gradient is wrong as it is, which grad1 and grad2 say");
  return found;
}

void require_right(const GradCheck& found, bool float32_alone) {
  GradCheck seen = found;
  std::erase_if(seen.rows, [&](const GradCheck::Row& row) {
    return row.when.empty() || is_in_float32(row) != float32_alone;
  });
  if (seen.rows.empty())
    throw Inapplicable(found.refused.empty() ? "there is nothing to compare"
                                             : "it refuses: " + found.refused[0]);
  seen.worst = 0;
  for (const GradCheck::Row& row : seen.rows)
    seen.worst = row.error > seen.worst || row.error != row.error ? row.error : seen.worst;
  std::ostringstream text;
  text << seen;
  require(seen.passed(), text.str());
}

void check_varied(const Subject& subject) { require_right(varied(subject), false); }
void check_gradient_in_float32(const Subject& subject) { require_right(varied(subject), true); }

Tensors gradients_of(const Layer& layer, const Tensors& x, bool training) {
  const Tensors to = leaves(layer, x);
  layer.reset_state();
  const Tensor total = mixed(results(layer, x, training));
  if (to.empty() || !total.tracked()) throw Inapplicable("nothing in it has a gradient");
  return gradient(total, to);
}

void check_again(const Subject& subject) {
  const Tensors x = parameters(subject.inputs(float64)),
                others = parameters(subject.inputs(float64, {.batch = 5}, 40));
  const Layer layer = subject.ready(x);
  const Tensors first = gradients_of(layer, x, true);
  require_close("computed again, a gradient", gradients_of(layer, x, true), first, 0);
  (void)gradients_of(layer, others, true);
  (void)gradients_of(layer, others, false);
  require_close("computed again after others, a gradient", gradients_of(layer, x, true), first, 0);
}

// A weight without effect is saved, loaded and updated for nothing.
void check_used(const Subject& subject) {
  const NoGradient off;
  const Tensors x = subject.inputs(float64);
  const Layer layer = subject.ready(x);
  const auto seen = [&](bool training) {
    layer.reset_state();
    return results(layer, x, training);
  };
  const Tensors calm = seen(false), trained = seen(true);
  const auto same = [](const Tensors& a, const Tensors& b) {
    try {
      require_close("", a, b, 0);
      return true;
    } catch (const Fault&) {
      return false;
    }
  };
  std::string unused;
  for (const Tensor& w : layer.weights()) {
    if (!is_floating(w.dtype()) || w.count() == 0) continue;
    const Tensor before = stop_gradient(w) * 1;
    assign(w, before + random_normal(w.shape(), 0.3, 0.5, w.dtype(), 91));
    if (same(seen(false), calm) && same(seen(true), trained))
      unused += (unused.empty() ? "" : ", ") + w.path();
    assign(w, before);
  }
  if (!unused.empty()) throw Warning("no result changes with " + unused);
}

}  // namespace

void add_gradient_checks(PluginChecks& all) {
  all.push_back({"grad-varied",
                 "gradients are right in training, with a mask, from a state, at other sizes",
                 &check_varied});
  all.push_back(
      {"grad-float32", "gradients in float32 are those in float64", &check_gradient_in_float32});
  all.push_back({"grad-again", "gradients are the same each time", &check_again});
  all.push_back({"used", "each weight changes a result", &check_used});
}

}  // namespace tempo::conformance
