// SPDX-License-Identifier: Apache-2.0
// The order of the checks: that f is a function; its gradients and their gradients, each of them
// computed again, scaled, and compared with differences; away from kinks.
#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include <tempo/gradient.hpp>

#include "autograd/leaf_check.hpp"
#include "graph/trace.hpp"

namespace tempo {

namespace {

void require_float64(const Tensor& t, const std::string& what) {
  if (t.dtype() != float64)
    throw ShapeError("gradcheck: " + what + " is " + to_string(t.shape(), t.dtype()) +
                     "; gradients are checked in float64.\n  cast(x, float64) makes it so.");
}

Tensor direction(const Shape& shape, int64_t seed) {
  return random_normal(shape, 0, 1, float64, seed);
}

std::string numbered(const std::string& name, std::size_t i, std::size_t n) {
  return n > 1 ? name + " " + std::to_string(i) : name;
}

// Weights in float64 from which a value was computed, besides those that are known.
std::vector<Leaf> other_weights(const Tensors& results, const std::vector<Leaf>& known) {
  std::vector<Leaf> found;
  std::set<const void*> seen;
  for (const Leaf& leaf : known) seen.insert(leaf.weight.handle());
  std::vector<Value*> open;
  for (const Tensor& y : results) open.push_back(y.handle());
  while (!open.empty()) {
    Value* const value = open.back();
    open.pop_back();
    if (!value->tracked ||
        !seen.insert(value->from ? static_cast<void*>(value->from.get()) : value).second)
      continue;
    if (value->from)
      for (const Ref<Value>& input : value->from->inputs) open.push_back(input.get());
    else if (value->weight && !value->frozen && value->type.dtype == float64)
      found.push_back({value->path.empty() ? "a parameter that f reads" : value->path,
                       to_tensor(Ref<Value>::share(value))});
  }
  return found;
}

class GradientCheck {
 public:
  GradientCheck(const std::function<Tensors()>& f, const std::vector<Leaf>& leaves,
                const GradCheckOptions& options)
      : f_(f), leaves_(leaves), options_(options) {
    const Tensors results = numbers();
    if (results.empty() && !leaves.empty())
      throw ShapeError("gradcheck: f gives no numbers; only float32 and float64 have gradients.");
    for (std::size_t k = 0; k < results.size(); ++k) {
      require_float64(results[k], results.size() > 1 ? "result " + std::to_string(k) + " of f"
                                                     : "the result of f");
      onto_.push_back({numbered("dy", k, results.size()),
                       parameter(direction(results[k].shape(),
                                           options.seed + 1000 * static_cast<int64_t>(k)))});
    }
    for (Leaf& more : other_weights(results, leaves)) leaves_.push_back(std::move(more));
    if (leaves_.empty()) throw Error("gradcheck: there is no float64 input to check.");
    for (const Leaf& leaf : leaves_) {
      weights_.push_back(leaf.weight);
      before_.push_back(leaf.weight.to_vector());
      directions_.push_back(
          direction(leaf.weight.shape(), options.seed + 1 + static_cast<int64_t>(weights_.size())));
    }
  }
  ~GradientCheck() { put_back(); }
  GradientCheck(const GradientCheck&) = delete;
  GradientCheck& operator=(const GradientCheck&) = delete;

  GradCheck run() {
    constexpr int most_moves = 8;
    GradCheck report = checked();
    for (int move = 1; move <= most_moves && at_a_kink(report); ++move) {
      move_away(move);
      if (!std::isfinite(value_of(values_))) continue;
      report = checked();
      report.moved = move;
    }
    return report;
  }

 private:
  Tensors numbers() const {
    Tensors found;
    for (const Tensor& y : f_())
      if (is_floating(y.dtype())) found.push_back(y);
    return found;
  }
  Tensors projected() const {
    Tensors terms = numbers();
    for (std::size_t k = 0; k < terms.size(); ++k) terms[k] = terms[k] * onto_[k].weight;
    return terms;
  }
  Tensors slopes() const {
    Tensors terms = gradient(total(projected()), weights_);
    for (std::size_t i = 0; i < terms.size(); ++i) terms[i] = terms[i] * directions_[i];
    return terms;
  }

  static bool at_a_kink(const GradCheck& report) {
    return std::any_of(report.rows.begin(), report.rows.end(), [](const GradCheck::Row& row) {
      return !row.smooth && std::isfinite(row.gradient) && std::isfinite(row.difference);
    });
  }

  GradCheck checked() const {
    GradCheck report;
    report.tolerance = options_.tolerance;
    std::vector<Leaf> leaves = leaves_;
    if (!check_order(1, values_, leaves, report) || options_.order < 2 || at_a_kink(report))
      return report;
    leaves.insert(leaves.end(), onto_.begin(), onto_.end());
    const Terms terms = [this] { return slopes(); };
    check_order(2, terms, leaves, report);
    return report;
  }

  // Checks one order; returns whether the gradients can be differentiated again.
  bool check_order(int number, const Terms& terms, const std::vector<Leaf>& leaves,
                   GradCheck& report) const {
    const double once = value_of(terms), twice = value_of(terms);
    if (!std::isfinite(once)) {
      if (number == 1) throw Error("gradcheck: f is not finite at these inputs; choose others.");
      throw Error("gradcheck: the gradients of f are not finite at these inputs; choose others.");
    }
    if (once != twice && number == 1)
      throw Error(
          "gradcheck: f gave two values for the same inputs.\n"
          "  It must be a pure function: fix the seed of its dropout, reset its state.");
    if (once != twice) {
      add_row(report, {.order = number, .input = leaves[0].name, .error = 1, .fault = changes});
      return false;
    }
    Tensors weights;
    for (const Leaf& leaf : leaves) weights.push_back(leaf.weight);
    const Tensors first = gradient(total(terms()), weights);
    const CheckedOrder order{number, terms, once, rounding_of(terms, weights, options_.seed)};
    std::vector<GradCheck::Row> rows;
    for (std::size_t i = 0; i < leaves.size(); ++i)
      rows.push_back(check_leaf(order, leaves[i], first[i], options_));
    judge_what_vanishes(terms, weights, first, rows);
    const bool repeats = compare_again(terms, weights, first, rows);
    bool finite = true;
    for (GradCheck::Row& row : rows) {
      finite = finite && std::isfinite(row.gradient);
      add_row(report, std::move(row));
    }
    return repeats && finite;
  }

  // Accepts gradients that are pure rounding, such as that of a bias before a softmax, and zeros if
  // the other effects are no larger than what rounding hides.
  void judge_what_vanishes(const Terms& terms, const Tensors& weights, const Tensors& gradients,
                           std::vector<GradCheck::Row>& rows) const {
    const auto fails = [&](const GradCheck::Row& row) {
      return row.smooth && (!row.judged || row.error > options_.tolerance);
    };
    if (std::none_of(rows.begin(), rows.end(), fails)) return;
    const std::vector<Tensors> beside = gradients_beside(terms, weights, options_.seed);
    double effect = 0, size = 0;
    for (std::size_t i = 0; i < weights.size(); ++i)
      effect = std::max(effect, greatest_of(gradients[i]) * typical_size(weights[i]));
    for (const Tensor& term : values_()) size += sum(abs(term)).item();
    for (std::size_t i = 0; i < rows.size(); ++i) {
      GradCheck::Row& row = rows[i];
      if (!fails(row)) continue;
      double greatest = greatest_of(gradients[i]), change = 0;
      for (const Tensors& its : beside) {
        greatest = std::max(greatest, greatest_of(its[i]));
        change = std::max(change, greatest_of(its[i] - gradients[i]));
      }
      const bool is_rounding = change > 1e-3 * greatest;
      const double scale = typical_size(weights[i]);
      const bool vanishes = row.judged      ? is_rounding && greatest * scale <= 1e-12 * size
                            : greatest == 0 ? row.uncertainty * scale <= 1e-6 * effect
                                            : is_rounding;
      if (vanishes) row = {.order = row.order, .input = row.input, .shape = row.shape};
    }
  }
  static double greatest_of(const Tensor& t) {
    double most = 0;
    for (const double x : t.to_vector())
      if (std::isfinite(x)) most = std::max(most, std::abs(x));
    return most;
  }

  static constexpr const char* changes = "the gradient is another one when it is computed again";

  // Checks that gradients computed again are equal bit by bit, and that -1024 times the incoming
  // gradient gives -1024 times the gradients.
  static bool compare_again(const Terms& terms, const Tensors& weights, const Tensors& first,
                            std::vector<GradCheck::Row>& rows) {
    constexpr double factor = -1024;
    const Tensors again = gradient(total(terms()), weights);
    const Tensors larger = gradient(factor * total(terms()), weights),
                  smaller = gradient(total(terms()) / factor, weights);
    bool repeats = true;
    for (std::size_t i = 0; i < weights.size(); ++i) {
      const std::vector<double> a = first[i].to_vector(), b = again[i].to_vector(),
                                c = larger[i].to_vector(), d = smaller[i].to_vector();
      const double most_off = 1e-9 * greatest_of(first[i]);
      for (std::size_t k = 0; k < a.size(); ++k) {
        if (!std::isfinite(a[k])) continue;
        const bool same = a[k] == b[k];
        const bool in_proportion = std::abs(c[k] / factor - a[k]) <= most_off &&
                                   std::abs(d[k] * factor - a[k]) <= most_off;
        if (same && in_proportion) continue;
        rows[i].fault = same ? "the gradient is not in proportion to what comes in (dy)" : changes;
        rows[i].error = std::max(rows[i].error, 1.0);
        rows[i].smooth = true;
        repeats = repeats && same;
        break;
      }
    }
    return repeats;
  }

  // Moves each element by up to a twentieth, so that it keeps its sign; zeros by a typical size.
  void move_away(int times) const {
    int64_t seed = options_.seed + 77 * times;
    for (std::size_t i = 0; i < weights_.size(); ++i) {
      const Shape shape = weights_[i].shape();
      const std::vector<double> shares =
          random_uniform(shape, -0.05, 0.05, float64, ++seed).to_vector();
      std::vector<double> values = before_[i];
      double squares = 0;
      for (const double x : values) squares += x * x;
      const double size = squares > 0 ? std::sqrt(squares / static_cast<double>(values.size())) : 1;
      for (std::size_t k = 0; k < values.size(); ++k)
        values[k] += shares[k] * (values[k] == 0 ? size : values[k]);
      assign(weights_[i], tensor(values, shape, float64));
    }
  }
  void put_back() const {
    for (std::size_t i = 0; i < weights_.size(); ++i)
      assign(weights_[i], tensor(before_[i], weights_[i].shape(), float64));
  }

  const std::function<Tensors()>& f_;
  std::vector<Leaf> leaves_, onto_;
  const GradCheckOptions& options_;
  Tensors weights_, directions_;
  std::vector<std::vector<double>> before_;
  const Terms values_ = [this] { return projected(); };
};

}  // namespace

void add_row(GradCheck& report, GradCheck::Row row) {
  if (std::isnan(row.error)) row.error = std::numeric_limits<double>::infinity();
  report.worst = std::max(report.worst, row.error);
  report.rows.push_back(std::move(row));
}

GradCheck check_gradients(const std::function<Tensors()>& f, const std::vector<Leaf>& leaves,
                          const GradCheckOptions& options) {
  if (Trace::current()) throw Error("gradcheck: there are no values while a step is traced.");
  for (const Leaf& leaf : leaves) require_float64(leaf.weight, leaf.name);
  const Recording on;  // even if the caller has switched it off
  return GradientCheck(f, leaves, options).run();
}

GradCheck check_gradients(const std::function<Tensor()>& f, const std::vector<Leaf>& leaves,
                          const GradCheckOptions& options) {
  return check_gradients(std::function<Tensors()>([&f] { return Tensors{f()}; }), leaves, options);
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
    leaves.push_back({name, arguments[i], inputs[i].rank() == 3});
  }
  return check_gradients([&] { return Tensors{f(arguments)}; }, leaves, options);
}

}  // namespace tempo
