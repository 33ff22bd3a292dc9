// Gradients against central differences in float64.
#include "autograd/gradcheck.hpp"

#include "graph/trace.hpp"

#include <tempo/gradient.hpp>

#include <iomanip>
#include <limits>
#include <ostream>

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
  /// At a kink, left and right differ as much at half the step; where f is smooth, half as much.
  bool smooth(double scale) const {
    const double jump = std::abs(right() - left());
    const double jump_at_whole = std::abs(after - 2 * here + before) / step;
    const bool kink_here = jump > 0.1 * scale && jump > 0.7 * jump_at_whole;
    const bool kink_nearby = std::abs(at_half() - at_whole()) > 0.1 * scale;
    return std::isfinite(jump) && !kink_here && !kink_nearby;
  }

 private:
  double at_whole() const { return (after - before) / (2 * step); }
  double at_half() const { return (after_half - before_half) / step; }
};

std::vector<Around> around_each_element(const Terms& f, const Tensor& weight, double least_step) {
  const std::vector<double> values = weight.to_vector();
  const double here = value_of(f);
  std::vector<Around> all;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto moved = [&](double by) {
      std::vector<double> changed = values;
      changed[i] += by;
      assign(weight, tensor(changed, weight.shape(), float64));
      return value_of(f);
    };
    const double step = std::max(least_step, 1e-7 * std::abs(values[i]));  // far above its rounding
    all.push_back({step, here, moved(step), moved(-step), moved(step / 2), moved(-step / 2)});
  }
  assign(weight, tensor(values, weight.shape(), float64));
  return all;
}

GradCheck::Row check_leaf(const Terms& terms, const Leaf& leaf, const Tensor& gradient, int order,
                          const GradCheckOptions& options) {
  const std::vector<double> gradients = gradient.to_vector();
  const std::vector<Around> values = around_each_element(terms, leaf.weight, options.step);
  // Below this, a gradient cannot be told from rounding.
  double scale = std::max(1e-5 * size_of_terms(terms), 1e-100);
  for (std::size_t i = 0; i < gradients.size(); ++i)
    scale = std::max({scale, std::abs(gradients[i]), std::abs(values[i].slope())});
  GradCheck::Row row{.order = order, .input = leaf.name, .shape = leaf.weight.shape()};
  row.error = -1;
  for (std::size_t i = 0; i < gradients.size(); ++i) {
    double error = std::abs(gradients[i] - values[i].slope()) / scale;
    // At a kink, the mean of two slopes proves nothing; one of them is not the gradient.
    if (!values[i].smooth(scale))
      error = std::max(
          error, std::max(std::abs(gradients[i] - values[i].left()),
                          std::abs(gradients[i] - values[i].right())) /
                     std::max({scale, std::abs(values[i].left()), std::abs(values[i].right())}));
    if (std::isnan(error)) error = std::numeric_limits<double>::infinity();
    if (error <= row.error) continue;
    row.error = error;
    row.element = static_cast<int64_t>(i);
    row.gradient = gradients[i];
    row.difference = values[i].slope();
    row.smooth = error <= options.tolerance || values[i].smooth(scale);
    row.left = values[i].left();
    row.right = values[i].right();
  }
  row.error = std::max(row.error, 0.0);
  return row;
}

void check_terms(const Terms& terms, const std::vector<Leaf>& leaves, const Tensors& gradients,
                 int order, const GradCheckOptions& options, GradCheck& report) {
  const double once = value_of(terms), twice = value_of(terms);
  if (!std::isfinite(once))
    throw Error("gradcheck: f is not finite at these inputs; choose others.");
  if (once != twice)
    throw Error(
        "gradcheck: f gave two values for the same inputs.\n"
        "  It must be a pure function: fix the seed of its dropout, reset its state.");
  for (std::size_t i = 0; i < leaves.size(); ++i) {
    report.rows.push_back(check_leaf(terms, leaves[i], gradients[i], order, options));
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

// Gradients need the memory of where values came from, also where the caller does without.
struct Recording {
  bool before = set_recording(true);
  ~Recording() { set_recording(before); }
};

}  // namespace

GradCheck check_gradients(const std::function<Tensor()>& f, const std::vector<Leaf>& leaves,
                          const GradCheckOptions& options) {
  if (Trace::current()) throw Error("gradcheck: there are no values while a step is traced.");
  if (leaves.empty()) throw Error("gradcheck: there is no float64 input to check.");
  for (const Leaf& leaf : leaves) require_float64(leaf.weight, leaf.name);
  const Recording on;
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

  GradCheck report;
  report.tolerance = options.tolerance;
  check_terms(values, leaves, gradient(total(values()), weights), 1, options, report);
  if (options.order > 1)
    check_terms(slopes, leaves, gradient(total(slopes()), weights), 2, options, report);
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

bool GradCheck::passed() const { return !rows.empty() && worst <= tolerance; }

std::ostream& operator<<(std::ostream& out, const GradCheck& report) {
  const std::ios_base::fmtflags flags = out.flags();
  const std::streamsize precision = out.precision();
  out << std::defaultfloat << std::setprecision(3)
      << "gradcheck: " << (report.passed() ? "passed" : "FAILED") << ", worst error "
      << report.worst << " (tolerance " << report.tolerance << ")\n";
  for (const GradCheck::Row& row : report.rows) {
    out << "  order " << row.order << "  " << row.input << "  " << to_string(row.shape)
        << std::setprecision(3) << "  error " << row.error << " at "
        << place_in(row.shape, row.element) << std::setprecision(12) << ": gradient "
        << row.gradient << ", difference " << row.difference;
    if (!row.smooth) {
      out << std::setprecision(6) << "\n    not smooth here: the slope is " << row.left;
      if (std::abs(row.left - row.right) > 1e-3 * std::max(std::abs(row.left), std::abs(row.right)))
        out << " to the left and " << row.right << " to the right; choose other values";
      else  // a jump at this value, or a kink between the half and the whole step
        out << " within half a step and another within a whole one; choose other values";
    }
    out << '\n';
  }
  out.flags(flags);
  out.precision(precision);
  return out;
}

}  // namespace tempo
