// SPDX-License-Identifier: Apache-2.0
// Checks of functions that plugins add: activations, initializers, losses, metrics, optimizers.
#include <cmath>
#include <sstream>

#include <tempo/gradcheck.hpp>
#include <tempo/gradient.hpp>
#include <tempo/initializer.hpp>
#include <tempo/metric.hpp>
#include <tempo/optimizer.hpp>

#include "check/plugin_check.hpp"
#include "check/subject.hpp"

namespace tempo::conformance {

namespace {

constexpr const char* no_shape = "none of the inputs that are tried fits it";

void require_finite(const std::string& what, const Tensor& t) {
  for (const double value : is_floating(t.dtype()) ? t.to_vector() : std::vector<double>())
    require(std::isfinite(value), what + " " + to_string(t.shape(), t.dtype()) + " has the value " +
                                      sdk::shortest(value));
}
bool is_finite(const Tensor& t) {
  for (const double value : t.to_vector())
    if (!std::isfinite(value)) return false;
  return true;
}

// Inputs that a loss may take: numbers, probabilities, one-hot classes, and class numbers.
struct Compared {
  Tensor truth, predicted;
};
std::vector<Compared> tried(DType dtype) {
  const auto normal = [&](const Shape& shape, int64_t seed) {
    return cast(random_normal(shape, 0, 1, float64, seed), dtype);
  };
  const auto shares = [&](int64_t seed) {
    return cast(random_uniform({3, 4}, 0.2, 0.8, float64, seed), dtype);
  };
  const Tensor classes = tensor<double>({1, 0, 0, 0, 0, 0, 1, 0, 0, 1, 0, 0}, {3, 4}, float64);
  return {{normal({3, 4}, 3), normal({3, 4}, 4)},
          {normal({2, 5, 4}, 3), normal({2, 5, 4}, 4)},
          {shares(3), shares(4)},
          {cast(classes, dtype), softmax(normal({3, 4}, 4))},
          {tensor<int64_t>({0, 2, 1}, {3}, int64), softmax(normal({3, 4}, 4))}};
}

// The tried inputs for which the loss, or the value of which a metric is the mean, is finite.
std::vector<Compared> taken(const Loss& loss, DType dtype) {
  std::vector<Compared> all;
  for (const Compared& c : tried(dtype)) try {
      if (is_finite(loss.values(c.truth, c.predicted))) all.push_back(c);
    } catch (const PluginError&) {  // it broke the rules for functions
      throw;
    } catch (const Error&) {  // which says why not
    }
  if (all.empty()) throw Inapplicable(no_shape);
  return all;
}

std::vector<Tensor> taken(const Activation& activation, DType dtype) {
  std::vector<Tensor> all;
  for (const Shape& shape : {Shape{3, 4}, Shape{2, 5, 4}, Shape{4}, Shape{}}) try {
      const Tensor x = cast(random_normal(shape, 0, 1, float64, 3), dtype);
      if (is_finite(activation(x))) all.push_back(x);
    } catch (const PluginError&) {
      throw;
    } catch (const Error&) {
    }
  if (all.empty()) throw Inapplicable(no_shape);
  return all;
}

// --- the results of each kind

void run_activation(const std::string& name, DType dtype) {
  const Activation activation(name);
  for (const Tensor& x : taken(activation, dtype)) {
    const Tensor y = activation(x);
    require(y.dtype() == dtype,
            std::string("of ") + name_of(dtype) + " it gives " + name_of(y.dtype()));
    require_close("computed again, the result", activation(x), y, 0);
  }
}

void run_initializer(const std::string& name, DType dtype) {
  const Initializer initializer(name + "(seed=3)");
  for (const Shape& shape : {Shape{6, 4}, Shape{4}, Shape{3, 2, 4}}) try {
      const Tensor w = initializer(shape, dtype);
      require_finite("a weight", w);
      require_close("drawn again of one seed, a weight", initializer(shape, dtype), w, 0);
    } catch (const PluginError&) {
      throw;
    } catch (const Error&) {
    }
}

void run_loss(const std::string& name, DType dtype) {
  const Loss loss(name);
  for (const Compared& c : taken(loss, dtype)) {
    const Tensor values = loss.values(c.truth, c.predicted);
    require(values.dtype() == dtype,
            std::string("of ") + name_of(dtype) + " it gives " + name_of(values.dtype()));
    require_close("computed again, the loss", loss.values(c.truth, c.predicted), values, 0);
  }
}

void run_metric(const std::string& name, DType dtype) {
  int n = 0;
  for (const Compared& c : tried(dtype)) try {
      Metric metric(name), again(name);
      metric.update(c.truth, c.predicted);
      again.update(c.truth, c.predicted);
      const double once = metric.result(), twice = again.result();
      require(once == twice || (std::isnan(once) && std::isnan(twice)),
              "computed again, it is " + sdk::shortest(twice) + ", not " + sdk::shortest(once));
      ++n;
    } catch (const PluginError&) {
      throw;
    } catch (const Error&) {
    }
  if (n == 0) throw Inapplicable(no_shape);
}

void run_optimizer(const std::string& name, DType dtype) {
  const auto stepped = [&] {
    Tensors weights, gradients;
    for (const Shape& shape : {Shape{3, 4}, Shape{4}}) {
      weights.push_back(parameter(cast(random_normal(shape, 0, 1, float64, 3), dtype)));
      gradients.push_back(cast(random_normal(shape, 0, 1, float64, 4), dtype));
    }
    Optimizer optimizer(name);
    for (int step = 0; step < 3; ++step) optimizer.step(weights, gradients);
    return weights;
  };
  const Tensors once = stepped();
  for (const Tensor& w : once) require_finite("after three steps, a weight", w);
  require_close("stepped again, a weight", stepped(), once, 0);
}

// Made with its defaults; the check `described` examines these.
void require_made(const PluginFunction& f) {
  try {
    if (f.kind == "activation") (void)Activation(f.name);
    if (f.kind == "loss") (void)Loss(f.name);
    if (f.kind == "metric") (void)Metric(f.name);
    if (f.kind == "optimizer") (void)Optimizer(f.name);
  } catch (const Error& error) {
    throw Inapplicable(std::string("it is not made with its defaults: ") + error.what());
  }
}

void check_gives(const PluginFunction& f) {
  require_made(f);
  for (const DType dtype : {float64, float32}) {
    if (f.kind == "activation") run_activation(f.name, dtype);
    if (f.kind == "initializer") run_initializer(f.name, dtype);
    if (f.kind == "loss") run_loss(f.name, dtype);
    if (f.kind == "metric") run_metric(f.name, dtype);
    if (f.kind == "optimizer") run_optimizer(f.name, dtype);
  }
}

// --- gradients

void require_right(const GradCheck& report) {
  std::ostringstream text;
  text << report;
  require(report.passed(), text.str());
}

void check_derivative(const PluginFunction& f) {
  require_made(f);
  if (f.kind == "activation") {
    const Activation activation(f.name);
    for (const Tensor& x : taken(activation, float64))
      require_right(gradcheck([&](const Tensors& in) { return activation(in[0]); }, {x}));
  } else if (f.kind == "loss") {
    const Loss loss(f.name);
    for (const Compared& c : taken(loss, float64))
      require_right(gradcheck(loss, c.truth, c.predicted));
  } else {
    throw Inapplicable("nobody differentiates it");
  }
}

void check_in_float32(const PluginFunction& f) {
  require_made(f);
  constexpr double tolerance = 1e-5;
  if (f.kind == "activation") {
    const Activation activation(f.name);
    for (const Tensor& x : taken(activation, float32))
      require_close("of float32, the result", cast(activation(x), float64),
                    activation(cast(x, float64)), tolerance);
  } else if (f.kind == "loss") {
    const Loss loss(f.name);
    for (const Compared& c : taken(loss, float32)) {
      const Tensor truth = is_floating(c.truth.dtype()) ? cast(c.truth, float64) : c.truth;
      require_close("of float32, the loss", cast(loss.values(c.truth, c.predicted), float64),
                    loss.values(truth, cast(c.predicted, float64)), tolerance);
    }
  } else {
    throw Inapplicable("there is nothing to compare");
  }
}

}  // namespace

void add_function_checks(PluginChecks& all) {
  all.push_back({"gives", "it takes tensors or says why not, and gives what one of its kind does",
                 &check_gives});
  all.push_back({"derivative", "the gradient of an activation or a loss is the slope of its values",
                 &check_derivative});
  all.push_back({"in-float32", "of float32 it gives what it gives of float64", &check_in_float32});
}

}  // namespace tempo::conformance
