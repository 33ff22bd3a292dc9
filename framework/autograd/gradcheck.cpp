// SPDX-License-Identifier: Apache-2.0
// Gradients against central differences in float64.
#include "autograd/gradcheck.hpp"

#include <iomanip>
#include <limits>
#include <ostream>

#include <tempo/gradient.hpp>

#include "graph/trace.hpp"

namespace tempo {

namespace {

// The value that is differentiated is a sum of these, so that their sizes tell its rounding error.
using Terms = std::function<Tensors()>;

Tensor total(const Tensors& terms) {
  Tensor sum_of_all;
  for (const Tensor& term : terms) sum_of_all = sum_of_all ? sum_of_all + sum(term) : sum(term);
  return sum_of_all;
}

double value_of(const Terms& terms) { return total(terms()).item(); }

double size_of_terms(const Terms& terms) {
  double size = 0;
  for (const Tensor& term : terms()) size += sum(abs(term)).item();
  return size;
}

Tensor direction(const Shape& shape, int64_t seed) {
  return random_normal(shape, 0, 1, float64, seed);
}

// The values of f around one element of a weight, and their slopes.
struct Around {
  double step, here, after, before, after_half, before_half;

  /// Central differences at the whole and half step, extrapolated to a step of 0 (Richardson,
  /// 1911).
  double slope() const { return (4 * at_half() - at_whole()) / 3; }
  double left() const { return (here - before_half) / (step / 2); }
  double right() const { return (after_half - here) / (step / 2); }
  /// What the slope changes by when the step is halved.
  double bend() const { return std::abs(at_half() - at_whole()); }
  bool finite() const { return std::isfinite(slope()) && std::isfinite(right() - left()); }
  /// At a kink, left and right differ as much at half the step; where f is smooth, half as much.
  bool smooth(double scale) const {
    const double jump = std::abs(right() - left());
    const double jump_at_whole = std::abs(after - 2 * here + before) / step;
    const bool kink_here = jump > 0.1 * scale && jump > 0.7 * jump_at_whole;
    const bool kink_nearby = bend() > 0.1 * scale;
    return finite() && !kink_here && !kink_nearby;
  }
  /// How far from it a gradient is, in parts of the scale.
  double error(double gradient, double scale) const {
    double error = std::abs(gradient - slope()) / scale;
    // At a kink, the mean of two slopes proves nothing; one of them is not the gradient.
    if (!smooth(scale))
      error = std::max(error, std::max(std::abs(gradient - left()), std::abs(gradient - right())) /
                                  std::max({scale, std::abs(left()), std::abs(right())}));
    return std::isnan(error) ? std::numeric_limits<double>::infinity() : error;
  }

 private:
  double at_whole() const { return (after - before) / (2 * step); }
  double at_half() const { return (after_half - before_half) / step; }
};

// One element of a weight after the other, moved and put back.
class Neighbourhood {
 public:
  Neighbourhood(const Terms& f, const Tensor& weight)
      : f_(f), weight_(weight), values_(weight.to_vector()), here_(value_of(f)) {}

  std::size_t count() const { return values_.size(); }

  /// With a step of this size, or where f ends within it, one much smaller than the way to its end.
  Around around(std::size_t i, double least_step) const {
    double step = std::max(least_step, 1e-7 * std::abs(values_[i]));  // far above its rounding
    Around found = at(i, step);
    if (found.finite()) return found;
    for (int tries = 0; tries < most_tries && !found.finite(); ++tries) found = at(i, step /= 8);
    return found.finite() ? at(i, step / 64) : found;
  }

  /// Smaller steps, as long as the slope may be as far from the gradient as it is because f bends.
  /// At a kink, and in the noise of rounding, halving the step does not straighten it.
  void refine(std::size_t i, double gradient, double scale, double tolerance, Around& found) const {
    for (int tries = 0; tries < most_tries; ++tries) {
      const double error = found.error(gradient, scale);
      if (error <= tolerance || error * scale > 2 * found.bend()) return;
      const Around next = at(i, found.step / 2);
      if (!next.finite() || next.bend() > 0.5 * found.bend()) return;
      found = next;
    }
  }

 private:
  static constexpr int most_tries = 14;

  Around at(std::size_t i, double step) const {
    const auto moved = [&](double by) {
      std::vector<double> changed = values_;
      changed[i] += by;
      assign(weight_, tensor(changed, weight_.shape(), float64));
      return value_of(f_);
    };
    const Around found{step, here_, moved(step), moved(-step), moved(step / 2), moved(-step / 2)};
    assign(weight_, tensor(values_, weight_.shape(), float64));
    return found;
  }

  const Terms& f_;
  const Tensor& weight_;
  std::vector<double> values_;
  double here_;
};

// The size of a weight's gradient. Below the least, a gradient cannot be told from rounding.
double scale_of(const std::vector<double>& gradients, const std::vector<Around>& values,
                double least) {
  double scale = std::max(least, 1e-100);
  for (std::size_t i = 0; i < gradients.size(); ++i)
    for (const double slope : {gradients[i], values[i].slope()})
      if (std::isfinite(slope)) scale = std::max(scale, std::abs(slope));
  return scale;
}

// `steps`, one for each element, are those to begin with, and become those that were good.
GradCheck::Row check_leaf(const Terms& terms, const Leaf& leaf, const Tensor& gradient, int order,
                          const GradCheckOptions& options, std::vector<double>& steps) {
  const std::vector<double> gradients = gradient.to_vector();
  const double least = 1e-5 * size_of_terms(terms);
  const Neighbourhood neighbourhood(terms, leaf.weight);
  std::vector<Around> values;
  for (std::size_t i = 0; i < neighbourhood.count(); ++i)
    values.push_back(neighbourhood.around(i, steps[i]));
  const double at_first = scale_of(gradients, values, least);
  for (std::size_t i = 0; i < values.size(); ++i)
    neighbourhood.refine(i, gradients[i], at_first, options.tolerance, values[i]);
  for (std::size_t i = 0; i < values.size(); ++i)
    if (values[i].finite()) steps[i] = values[i].step;
  const double scale = scale_of(gradients, values, least);
  GradCheck::Row row{.order = order, .input = leaf.name, .shape = leaf.weight.shape()};
  row.error = -1;
  for (std::size_t i = 0; i < gradients.size(); ++i) {
    const double error = values[i].error(gradients[i], scale);
    if (error <= row.error) continue;
    row.error = error;
    row.element = static_cast<int64_t>(i);
    row.gradient = gradients[i];
    row.difference = values[i].slope();
    row.smooth = error <= options.tolerance || values[i].smooth(scale);
    row.left = values[i].left();
    row.right = values[i].right();
    row.step = values[i].step;
  }
  row.error = std::max(row.error, 0.0);
  return row;
}

// A weight's gradient ends where it ends itself, if not before: its steps serve the next order,
// too.
using Steps = std::vector<std::vector<double>>;

void check_terms(const Terms& terms, const std::vector<Leaf>& leaves, const Tensors& gradients,
                 int order, const GradCheckOptions& options, Steps& steps, GradCheck& report) {
  const double once = value_of(terms), twice = value_of(terms);
  if (!std::isfinite(once))
    throw Error("gradcheck: f is not finite at these inputs; choose others.");
  if (once != twice)
    throw Error(
        "gradcheck: f gave two values for the same inputs.\n"
        "  It must be a pure function: fix the seed of its dropout, reset its state.");
  for (std::size_t i = 0; i < leaves.size(); ++i) {
    report.rows.push_back(check_leaf(terms, leaves[i], gradients[i], order, options, steps[i]));
    report.worst = std::max(report.worst, report.rows.back().error);
  }
}

void require_float64(const Tensor& t, const std::string& what) {
  if (t.dtype() != float64)
    throw ShapeError("gradcheck: " + what + " is " + to_string(t.shape(), t.dtype()) +
                     "; gradients are checked in float64.\n  cast(x, float64) makes it so.");
}

std::string place_in(const Shape& shape, int64_t element) {
  Shape place = shape;
  for (int axis = shape.rank() - 1; axis >= 0; --axis) {
    place[axis] = element % shape[axis];
    element /= shape[axis];
  }
  return to_string(place);
}

}  // namespace

GradCheck check_gradients(const std::function<Tensor()>& f, const std::vector<Leaf>& leaves,
                          const GradCheckOptions& options) {
  if (Trace::current()) throw Error("gradcheck: there are no values while a step is traced.");
  if (leaves.empty()) throw Error("gradcheck: there is no float64 input to check.");
  for (const Leaf& leaf : leaves) require_float64(leaf.weight, leaf.name);
  const Recording on;  // also where the caller does without
  const Tensor y = f();
  require_float64(y, "the result of f");

  Tensors weights, directions;
  for (const Leaf& leaf : leaves) {
    weights.push_back(leaf.weight);
    directions.push_back(
        direction(leaf.weight.shape(), options.seed + 1 + static_cast<int64_t>(weights.size())));
  }
  const Tensor onto = direction(y.shape(), options.seed);
  const Terms values = [&] { return Tensors{f() * onto}; };
  const Terms slopes = [&] {
    Tensors terms = gradient(total(values()), weights);
    for (std::size_t i = 0; i < terms.size(); ++i) terms[i] = terms[i] * directions[i];
    return terms;
  };

  Steps steps;
  for (const Tensor& weight : weights)
    steps.emplace_back(static_cast<std::size_t>(weight.count()), options.step);
  GradCheck report;
  report.tolerance = options.tolerance;
  check_terms(values, leaves, gradient(total(values()), weights), 1, options, steps, report);
  if (options.order > 1)
    check_terms(slopes, leaves, gradient(total(slopes()), weights), 2, options, steps, report);
  return report;
}

GradCheck gradcheck(const std::function<Tensor(const Tensors&)>& f, const Tensors& inputs,
                    const GradCheckOptions& options) {
  Tensors arguments = inputs;
  std::vector<Leaf> leaves;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (!is_floating(inputs[i].dtype())) continue;
    const std::string name = "input " + std::to_string(i);
    require_float64(inputs[i], name);
    arguments[i] = parameter(inputs[i], name);
    leaves.push_back({name, arguments[i]});
  }
  return check_gradients([&] { return f(arguments); }, leaves, options);
}

namespace {

void explain_kink(std::ostream& out, const GradCheck::Row& row) {
  out << std::setprecision(6) << "\n    not ";
  if (!std::isfinite(row.left - row.right)) {
    out << "finite beside this value, however small the step; choose other values";
    return;
  }
  out << "smooth here: the slope is " << row.left;
  if (std::abs(row.left - row.right) > 1e-3 * std::max(std::abs(row.left), std::abs(row.right)))
    out << " to the left and " << row.right << " to the right";
  else  // a jump at this value, or a kink between the half and the whole step
    out << " within half a step and another within a whole one";
  out << "; choose other values, or a .step below " << row.step;
}

}  // namespace

bool GradCheck::passed() const { return !rows.empty() && worst <= tolerance; }

std::ostream& operator<<(std::ostream& out, const GradCheck& report) {
  const std::ios_base::fmtflags flags = out.flags();
  const std::streamsize precision = out.precision();
  out << std::defaultfloat << std::setprecision(3)
      << "gradcheck: " << (report.passed() ? "passed" : "FAILED") << ", worst error "
      << report.worst << " (tolerance " << report.tolerance << ")\n";
  for (const GradCheck::Row& row : report.rows) {
    out << "  order " << row.order << "  " << row.input << "  " << to_string(row.shape);
    if (row.shape.count() == 0) {
      out << "  has no element to check\n";
      continue;
    }
    out << std::setprecision(3) << "  error " << row.error << " at "
        << place_in(row.shape, row.element) << std::setprecision(12) << ": gradient "
        << row.gradient << ", difference " << row.difference;
    if (!row.smooth) explain_kink(out, row);
    out << '\n';
  }
  out.flags(flags);
  out.precision(precision);
  return out;
}

}  // namespace tempo
