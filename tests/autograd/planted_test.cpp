// SPDX-License-Identifier: Apache-2.0
// Hundreds of wrong gradients are planted into functions, layers and cells: gradcheck finds each of
// them, and reports nothing where there is none.
#define BOOST_TEST_MODULE planted
#include <tempo/gradcheck.hpp>
#include <tempo/gradient.hpp>
#include <tempo/layers.hpp>
#include <tempo/loss.hpp>
#include <tempo/model.hpp>

#include "testing.hpp"

namespace tempo {
namespace {

using testing::normal;
using testing::uniform;
using F = std::function<Tensor(const Tensors&)>;
using Rule = std::function<Tensors(const Tensor& dy, const Tensors& x, const Tensor& y)>;
using List = std::vector<int64_t>;

std::string text_of(const GradCheck& report) {
  std::ostringstream text;
  text << report;
  return text.str();
}

// --- A function and its gradient ----------------------------------------------------------------

struct Right {
  const char* name;
  F f;
  Rule rule;
  Tensors inputs;
};

std::vector<Right> right_rules() {
  using T = const Tensor&;
  using X = const Tensors&;
  const Tensor x = normal({3, 4}) * 1.3;
  return {
      {"tanh",
       [](X in) { return tanh(in[0]); },
       [](T dy, X, T y) { return Tensors{dy * (1 - square(y))}; },
       {x}},
      {"sigmoid",
       [](X in) { return sigmoid(in[0]); },
       [](T dy, X, T y) { return Tensors{dy * y * (1 - y)}; },
       {x}},
      {"exp", [](X in) { return exp(in[0]); }, [](T dy, X, T y) { return Tensors{dy * y}; }, {x}},
      {"multiply",
       [](X in) { return in[0] * in[1]; },
       [](T dy, X in, T) {
         return Tensors{dy * in[1], dy * in[0]};
       },
       {x, normal({3, 4}, 2)}},
      {"divide",
       [](X in) { return in[0] / in[1]; },
       [](T dy, X in, T) {
         return Tensors{dy / in[1], -dy * in[0] / square(in[1])};
       },
       {x, uniform(0.5, 2, {3, 4})}},
      {"matmul",
       [](X in) { return matmul(in[0], in[1]); },
       [](T dy, X in, T) {
         return Tensors{matmul(dy, in[1], false, true), matmul(in[0], dy, true, false)};
       },
       {normal({4, 4}), normal({4, 4}, 2)}},
      {"softmax",
       [](X in) { return softmax(in[0]); },
       [](T dy, X, T y) { return Tensors{y * (dy - sum(dy * y, -1, true))}; },
       {x}},
      {"sum over time",
       [](X in) { return cumsum(square(in[0]), 1); },
       [](T dy, X in, T) { return Tensors{2 * in[0] * cumsum(dy, 1, true)}; },
       {normal({2, 5, 3})}},
  };
}

// --- How it is made wrong -----------------------------------------------------------------------

// 1 everywhere, but `value` at row-major places with this remainder.
Tensor but(const Shape& shape, double value, int64_t every, int64_t from = 0) {
  std::vector<double> factors(static_cast<std::size_t>(shape.count()), 1);
  for (int64_t i = from; i < shape.count(); i += every)
    factors[static_cast<std::size_t>(i)] = value;
  return tensor(factors, shape, float64);
}

struct Mistake {
  const char* name;
  // `calls` counts the calls of f.
  std::function<Tensors(const Rule& rule, const Tensor& dy, const Tensors& x, const Tensor& y,
                        int calls)>
      make;
};

template <class G>
Tensors each(Tensors gradients, G change) {
  for (Tensor& g : gradients) g = change(g);
  return gradients;
}
Tensors stopped(const Tensors& x) {
  return each(x, [](const Tensor& t) { return stop_gradient(t); });
}

std::vector<Mistake> mistakes() {
  using R = const Rule&;
  using T = const Tensor&;
  using X = const Tensors&;
  const auto changed = [](auto change) {
    return [change](R rule, T dy, X x, T y, int) { return each(rule(dy, x, y), change); };
  };
  return {
      {"a wrong sign", changed([](T g) { return -g; })},
      {"a factor of 1.5", changed([](T g) { return 1.5 * g; })},
      {"a factor of 1 + 4e-6", changed([](T g) { return (1 + 4e-6) * g; })},
      {"a last element that is wrong", changed([](T g) {
         return g * but(g.shape(), 1.001, g.shape().count(), g.shape().count() - 1);
       })},
      {"every second element dropped", changed([](T g) { return g * but(g.shape(), 0, 2); })},
      {"the order of an axis turned", changed([](T g) { return reverse(g, -1); })},
      {"an index that is off by one", changed([](T g) {
         return concat({slice(g, -1, 1, g.shape()[-1]), slice(g, -1, 0, 1)}, -1);
       })},
      {"a small constant added", changed([](T g) { return g + 1e-4; })},
      {"NaN in one element", changed([](T g) {
         return g * but(g.shape(), std::numeric_limits<double>::quiet_NaN(), g.shape().count());
       })},
      {"no gradient", changed([](T g) { return 0 * g; })},
      {"dy clipped at 3", [](R rule, T dy, X x, T y, int) { return rule(clip(dy, -3, 3), x, y); }},
      {"dy squared", [](R rule, T dy, X x, T y, int) { return rule(dy * abs(dy), x, y); }},
      {"dy cut off from the second order",
       [](R rule, T dy, X x, T y, int) { return rule(stop_gradient(dy), x, y); }},
      {"inputs cut off from the second order",
       [](R rule, T dy, X x, T y, int) { return rule(dy, stopped(x), stop_gradient(y)); }},
      {"wrong for large inputs alone",
       [](R rule, T dy, X x, T y, int) {
         const Tensor factor = where(abs(x[0]) > 1.2, 1.01 + 0 * x[0], 1);
         Tensors g = rule(dy, x, y);
         g[0] = g[0] * stop_gradient(factor);
         return g;
       }},
      {"wrong for small inputs alone",
       [](R rule, T dy, X x, T y, int) {
         Tensors g = rule(dy, x, y);
         g[0] = g[0] * stop_gradient(where(abs(x[0]) < 0.6, 1.01 + 0 * x[0], 1));
         return g;
       }},
      {"right at its first calls alone",
       [](R rule, T dy, X x, T y, int calls) {
         return each(rule(dy, x, y), [&](T g) { return calls < 5 ? g : 1.5 * g; });
       }},
      {"another one at each third call",
       [](R rule, T dy, X x, T y, int calls) {
         return each(rule(dy, x, y), [&](T g) { return calls % 3 == 0 ? 1.01 * g : g; });
       }},
  };
}

// Multiplies by a function of the inputs, so that dy depends on them at second order.
F with(const Right& right, const Mistake* mistake, int& calls) {
  return [&right, mistake, &calls](const Tensors& in) {
    Tensor y = right.f(in);
    ++calls;
    if (mistake)
      y = custom_gradient(
          y, in, [&](const Tensor& dy) { return mistake->make(right.rule, dy, in, y, calls); });
    return y * (1 + sum(square(in[0])));
  };
}

BOOST_AUTO_TEST_CASE(each_mistake_in_each_function_is_caught) {
  const std::vector<Right> rights = right_rules();
  const std::vector<Mistake> all = mistakes();
  int planted = 0;
  for (const Right& right : rights) {
    int calls = 0;
    const GradCheck none = gradcheck(with(right, nullptr, calls), right.inputs);
    BOOST_TEST(none.passed(), right.name << "\n" << none);
    const Mistake own{"its own rule", [](const Rule& rule, const Tensor& dy, const Tensors& x,
                                         const Tensor& y, int) { return rule(dy, x, y); }};
    const GradCheck by_hand = gradcheck(with(right, &own, calls), right.inputs);
    BOOST_TEST(by_hand.passed(), right.name << " by hand\n" << by_hand);
    for (const Mistake& mistake : all) {
      calls = 0;
      const GradCheck report = gradcheck(with(right, &mistake, calls), right.inputs);
      BOOST_TEST(!report.passed(), right.name << " with " << mistake.name << "\n" << report);
      ++planted;
    }
  }
  BOOST_TEST(planted >= 100);
}

// --- Mistakes that hide -------------------------------------------------------------------------

struct Hidden {
  const char* name;
  F wrong;
  Tensors inputs;
  GradCheckOptions options = {};
};

Tensor wrong_by(const Tensor& y, const Tensor& x, double factor, double slope) {
  return custom_gradient(y, {x}, [&](const Tensor& dy) { return factor * slope * dy; });
}

std::vector<Hidden> hidden_mistakes() {
  using X = const Tensors&;
  const Tensor small_beside_large = tensor<double>({1, 1, 1e-6, 1}, {4}, float64);
  const Tensor one_thousandth = tensor<double>({1, 1, 1e-4, 1}, {4}, float64);
  const auto scaled = [](const Tensor& sizes, double factor) {
    return [=](X in) {
      const Tensor x = in[0];
      return custom_gradient(sin(x) * sizes, {x}, [&](const Tensor& dy) {
        return dy * cos(x) * sizes * where(sizes < 1, factor + 0 * sizes, 1);
      });
    };
  };
  const auto offset_by = [](double offset, double factor) {
    return [=](X in) { return offset + wrong_by(in[0], in[0], factor, 1); };
  };
  const auto squares = [](double factor) {
    return [=](X in) {
      const Tensor x = in[0];
      return custom_gradient(square(x), {x}, [&](const Tensor& dy) { return factor * 2 * dy * x; });
    };
  };
  return {
      {"1.5 of an element of size 1e-6", scaled(small_beside_large, 1.5), {normal({4})}},
      {"1.001 of an element of size 1e-4", scaled(one_thousandth, 1.001), {normal({4})}},
      {"1.001 at inputs of 1e8", squares(1.001), {1e8 * normal({3})}},
      {"1.001 at inputs of 1e4", squares(1.001), {1e4 * normal({3})}},
      {"1.001 at inputs of 1e-4", squares(1.001), {1e-4 * normal({3})}},
      {"no gradient beside an offset of 1e12", offset_by(1e12, 0), {normal({3})}},
      {"no gradient beside an offset of 1e14", offset_by(1e14, 0), {normal({3, 4})}},
      {"1.0003 beside an offset of 1e9", offset_by(1e9, 1.0003), {normal({3, 4})}},
      {"1.5 beside an offset of 1e12", offset_by(1e12, 1.5), {normal({3, 4})}},
      {"1.5 beside an offset of 1e16", offset_by(1e16, 1.5), {normal({3, 4})}},
      {"1.5 beside a result of 1e16",
       [](X in) {
         return concat({1e16 * exp(in[0]), wrong_by(in[1], in[1], 1.5, 1)}, 0);
       },
       {normal({3, 4}), normal({3, 4}, 2)}},
      {"1.003 of what is computed in float32",
       [](X in) { return cast(sin(cast(wrong_by(1 * in[0], in[0], 1.003, 1), float32)), float64); },
       {normal({3, 4})},
       {.order = 1}},
      {"a wrong sign of values of 1e-120",
       [](X in) { return 1e-120 * wrong_by(in[0], in[0], -1, 1); },
       {normal({3})}},
      {"a stopped factor", [](X in) { return in[0] * stop_gradient(in[0]); }, {normal({3})}},
      {"order 2 less by 1e-4",
       [](X in) {
         const Tensor x = in[0];
         return custom_gradient(square(x), {x}, [&](const Tensor& dy) {
           return 2 * dy * ((1 - 1e-4) * x + 1e-4 * stop_gradient(x));
         });
       },
       {normal({3})}},
      {"the last step of time alone",
       [](X in) {
         const Tensor x = in[0];
         return custom_gradient(tanh(x), {x}, [&](const Tensor& dy) {
           const Tensor g = dy * (1 - square(tanh(x)));
           return concat({slice(g, 1, 0, 4), 1.01 * slice(g, 1, 4, 5)}, 1);
         });
       },
       {normal({2, 5, 3})}},
      {"a cut through time",
       [](X in) {
         Tensor h = zeros({2, 3}, float64);
         for (int64_t t = 0; t < 4; ++t)
           h = tanh(take(in[0], t, 1) + (t == 2 ? stop_gradient(h) : h));
         return h;
       },
       {normal({2, 4, 3})}},
      {"an infinite gradient",
       [](X in) { return sqrt(square(in[0])); },
       {tensor<double>({1, 0, 2}, {3}, float64)},
       {.order = 1}},
      {"a mean in place of a sum",
       [](X in) {
         return custom_gradient(in[0] + in[1], {in[0], in[1]}, [&](const Tensor& dy) -> Tensors {
           return {dy, mean(dy, 0, true)};
         });
       },
       {normal({3, 4}), normal({1, 4}, 2)}},
  };
}

BOOST_AUTO_TEST_CASE(mistakes_that_hide_are_caught) {
  for (const Hidden& h : hidden_mistakes()) {
    const GradCheck report = gradcheck(h.wrong, h.inputs, h.options);
    BOOST_TEST(!report.passed(), h.name << "\n" << report);
  }
}

// A cell or layer whose gradient is wrong only under some circumstances.
struct SlyOptions {
  int units = 3;
  std::string sly = "";
};
void describe(auto& option, SlyOptions& o) {
  option("units", o.units, "Size of the state.");
  option("sly", o.sly, "What is wrong.");
}

struct SlyCell : Cell<SlyOptions> {
  using Cell::Cell;
  void build(Weights& add, const Shape& input) {
    kernel = add("kernel", {input.back(), options.units}, glorot_uniform());
    recurrent_kernel = add("recurrent_kernel", {options.units, options.units}, orthogonal());
    unused = add("unused", {options.units}, zeros());
  }
  Step step(const Tensor& x, const State& s, const StepCall& call) const {
    const bool wrong = (options.sly == "training" && call.training) ||
                       (options.sly == "batch 1" && x.shape()[0] == 1) ||
                       (options.sly == "batch over 3" && x.shape()[0] > 3) ||
                       (options.sly == "features" && x.shape()[1] == 5) ||
                       (options.sly == "float32" && x.dtype() == float32) ||
                       options.sly == "always";
    const Tensor product = matmul(s[0], recurrent_kernel);
    const Tensor kept = wrong ? 0.5 * product + 0.5 * stop_gradient(product) : product;
    Tensor next = tanh(matmul(x, kernel) + kept);
    if (options.sly == "large")
      next = custom_gradient(next, {next}, [&](const Tensor& dy) {
        return dy * where(max(abs(x), -1, true) > 4, 1.1 + 0 * next, 1);
      });
    return {.output = next, .state = {next}};
  }
  Tensor kernel, recurrent_kernel, unused;
};

// A layer that fails, or gives NaN, only under some circumstances.
struct FailingLayer : LayerOf<SlyOptions> {
  using LayerOf::LayerOf;
  Tensor call(const Tensor& x, const CallOptions& call) const {
    const Tensor y = square(x);
    if (call.training && options.sly == "refuses") throw Error("It is not for training.");
    if (call.training && options.sly == "NaN in training") return y + log(x - stop_gradient(x) - 1);
    const bool no_number = options.sly == "NaN in float32" && x.dtype() == float32;
    return custom_gradient(y, {x}, [&](const Tensor& dy) {
      const Tensor dx = 2 * dy * x;
      return no_number ? log(-1 - square(dx)) : dx;
    });
  }
};

BOOST_AUTO_TEST_CASE(what_fails_in_a_variation_after_its_call_is_a_fault) {
  struct Case {
    const char* sly;
    const char* text;
  };
  for (const Case& c : {Case{"NaN in training",
                             "in training  error 1\n    gradcheck: f is not "
                             "finite at these inputs"},
                        Case{"NaN in float32", "in float32, beside float64  error inf"}}) {
    const GradCheck report = gradcheck(FailingLayer({.sly = c.sly}), Shape{3, 4});
    BOOST_TEST(!report.passed(), c.sly << "\n" << report);
    BOOST_TEST(text_of(report).find(c.text) != std::string::npos, c.sly << "\n" << report);
  }
  const GradCheck refused = gradcheck(FailingLayer({.sly = "refuses"}), Shape{3, 4});
  BOOST_TEST(refused.passed(), refused);
  BOOST_TEST(text_of(refused).find("Not checked: in training: It is not for training.") !=
                 std::string::npos,
             refused);
}

BOOST_AUTO_TEST_CASE(mistakes_under_some_circumstances_are_caught_by_variation) {
  for (const char* sly : {"training", "batch 1", "batch over 3", "features", "float32", "large"}) {
    const Layer cell = SlyCell({.sly = sly});
    const GradCheck report = gradcheck(cell, Shape{3, 3, 4});
    BOOST_TEST(!report.passed(), sly << "\n" << report);
    const GradCheck as_given = gradcheck(cell, Shape{3, 3, 4}, {.vary = false});
    BOOST_TEST(as_given.passed(), sly << "\n" << as_given);
  }
  const GradCheck right = gradcheck(SlyCell(), Shape{3, 3, 4});
  BOOST_TEST(right.passed(), right);
  BOOST_TEST(text_of(right).find("rnn/sly/unused  [3]  error 0  UNREACHED: no result changes") !=
                 std::string::npos,
             right);
  BOOST_TEST(text_of(right).find("Also checked: in training, of [1, 3, 4] of size 5.00, ") !=
                 std::string::npos,
             right);
}

// --- What a report says -------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_report_names_what_is_wrong) {
  const auto text = [](const F& f, const Tensors& in) { return text_of(gradcheck(f, in)); };
  const auto says = [](const std::string& report, const char* words) {
    BOOST_TEST(report.find(words) != std::string::npos, words << " is not in\n" << report);
  };
  says(text(
           [](const Tensors& in) {
             return custom_gradient(sin(in[0]), {in[0]},
                                    [&](const Tensor& dy) { return 1.5 * dy * cos(in[0]); });
           },
           {normal({5})}),
       "all that is wrong is 1.5 times as large as it should be");
  says(text([](const Tensors& in) { return in[0] * stop_gradient(exp(in[1])); },
            {normal({3}), normal({3}, 2)}),
       "no gradient reaches it, though the values change with it");
  says(text([](const Tensors& in) { return in[0] + 0 * sum(in[1]); }, {normal({3}), normal({2})}),
       "UNREACHED: no result changes with it");
  says(text([](const Tensors& in) { return sqrt(abs(in[0])) * 1; },
            {tensor<double>({1, 0, 2}, {3}, float64)}),
       "the gradient is not finite");
  says(text([](const Tensors& in) { return 1e14 + in[0]; }, {normal({3, 4})}),
       "    it cannot be judged: rounding of the values puts a difference off by up to ");
  int calls = 0;
  says(text(
           [&](const Tensors& in) {
             const double factor = ++calls % 2 == 0 ? 1 : 1.5;
             return custom_gradient(sin(in[0]), {in[0]},
                                    [&](const Tensor& dy) { return factor * dy * cos(in[0]); });
           },
           {normal({5})}),
       "the gradient is another one when it is computed again");
  says(text(
           [](const Tensors& in) {
             return custom_gradient(2 * in[0], {in[0]},
                                    [&](const Tensor& dy) { return 2 * clip(dy, -5, 5); });
           },
           {normal({5})}),
       "the gradient is not in proportion to what comes in (dy)");
  says(text(
           [](const Tensors& in) {
             const Tensor x = in[0];
             return custom_gradient(1 * x, {x}, [&](const Tensor& dy) {
               return concat({slice(dy, 1, 0, 2), 2 * slice(dy, 1, 2, 3)}, 1);
             });
           },
           {normal({2, 3, 2})}),
       "errors of the steps of time: 0 0 0.5");
}

// --- No false alarm -----------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(right_gradients_at_any_size_and_near_any_edge_pass) {
  using X = const Tensors&;
  struct Case {
    const char* name;
    F f;
    Tensor x;
  };
  const Case cases[] = {
      {"log at 1e-4", [](X in) { return log(in[0]); }, 1e-4 * uniform(0.1, 2, {6})},
      {"log at 1e4", [](X in) { return log(in[0]); }, 1e4 * uniform(0.1, 2, {6})},
      {"1 / x at 0.01", [](X in) { return 1 / in[0]; }, uniform(0.008, 0.012, {6})},
      {"sqrt at 0.005", [](X in) { return sqrt(in[0]); }, uniform(0.004, 0.006, {6})},
      {"sin(200 x)", [](X in) { return sin(200 * in[0]); }, normal({6})},
      {"sin at 1e4", [](X in) { return sin(in[0]); }, 1e4 * normal({6})},
      {"tanh at 1e-4", [](X in) { return tanh(in[0]) * in[0]; }, 1e-4 * normal({6})},
      {"square at 1e8", [](X in) { return square(in[0]); }, 1e8 * normal({6})},
      {"relu at 0", [](X in) { return relu(in[0]); },
       tensor<double>({1, 0, -2, 1e-3}, {4}, float64)},
      {"abs at 0", [](X in) { return abs(in[0]); }, zeros({3}, float64)},
      {"a tie", [](X in) { return max(in[0]); }, ones({3}, float64)},
      {"softsign at 0", [](X in) { return in[0] / (1 + abs(in[0])); }, zeros({3}, float64)},
      {"selu at 0", [](X in) { return sdk::selu(in[0]); }, zeros({3}, float64)},
      {"an offset of 1e6", [](X in) { return 1e6 + sin(in[0]); }, normal({3, 4})},
      {"a sum that is always 1", [](X in) { return sum(softmax(in[0]), -1); }, normal({3, 4})},
      {"a sign that is always 1 or -1", [](X in) { return in[0] / sqrt(square(in[0])); },
       normal({2, 1, 4})},
      {"steps", [](X in) { return floor(3 * in[0]) + in[0]; }, normal({3, 4})},
      {"sin in float32", [](X in) { return cast(sin(cast(in[0], float32)), float64); },
       normal({3, 4})},
      {"a product in float32",
       [](X in) {
         const Tensor x = cast(in[0], float32);
         return cast(tanh(matmul(x, transpose(x))), float64);
       },
       normal({3, 4})},
  };
  for (const Case& c : cases) {
    const GradCheck report = gradcheck(c.f, {c.x});
    BOOST_TEST(report.passed(), c.name << "\n" << report);
  }
  const GradCheck shifted =
      gradcheck([](X in) { return softmax(in[0] + in[1]) * in[0]; }, {normal({3, 4}), normal({1})});
  BOOST_TEST(shifted.passed(), "a shift before softmax, whose gradient is rounding\n" << shifted);
  const GradCheck moved = gradcheck([](X in) { return abs(in[0]); }, {zeros({3}, float64)});
  BOOST_TEST(moved.moved == 1);
  BOOST_TEST(text_of(moved).find("There is a kink at the values that were given; these were moved "
                                 "by up to a twentieth, 1 time.") != std::string::npos,
             moved);
}

BOOST_AUTO_TEST_CASE(recurrent_layers_with_kinks_pass) {
  for (const char* activation : {"softsign", "selu", "leaky_relu", "relu", "hard_sigmoid"})
    for (int64_t seed = 1; seed <= 3; ++seed) {
      const GradCheck report = gradcheck(SimpleRNN({.units = 8, .activation = activation}),
                                         Shape{3, 8, 5}, {.seed = seed, .vary = seed == 1});
      BOOST_TEST(report.passed(), activation << " of seed " << seed << "\n" << report);
    }
}

BOOST_AUTO_TEST_CASE(layers_cells_models_and_losses_are_checked) {
  const GradCheck cell = gradcheck(LSTMCell({.units = 3}), Shape{2, 3, 2});
  BOOST_TEST(cell.passed(), cell);
  const GradCheck ids = gradcheck(Embedding({.input_dim = 5, .output_dim = 3}), Shape{2, 4});
  BOOST_TEST(ids.passed(), ids);
  const GradCheck dropped = gradcheck(Dropout({.rate = 0.4}), Shape{3, 4}, {.training = true});
  BOOST_TEST(dropped.passed(), dropped);
  Sequential model({GRU({.units = 3}), Dense({.units = 2, .activation = "softmax"})});
  const GradCheck stack = gradcheck(model, {normal({2, 4, 3})});
  BOOST_TEST(stack.passed(), stack);
  BOOST_TEST(!model.built());
  Sequential stateful({GRU({.units = 2, .stateful = true, .dtype = float64})});
  const Tensor x = normal({2, 4, 3});
  (void)stateful(x);
  const Tensor second = stateful(x);
  stateful.reset_state();
  (void)stateful(x);
  const GradCheck kept = gradcheck(stateful, {x});
  BOOST_TEST(kept.passed(), kept);
  testing::check_same("it goes on with its state", stateful(x), second);
  const Tensor labels = tensor<double>({1, 0, 0, 1, 1, 0}, {3, 2}, float64);
  const GradCheck loss =
      gradcheck(CategoricalCrossentropy({.from_logits = true}), labels, normal({3, 2}));
  BOOST_TEST(loss.passed(), loss);
  const GradCheck wrong = gradcheck(Loss([](const Tensor& y, const Tensor& p) {
                                      return mean(square(y - stop_gradient(p)) * p, -1);
                                    }),
                                    labels, normal({3, 2}));
  BOOST_TEST(!wrong.passed(), wrong);
}

BOOST_AUTO_TEST_CASE(a_layer_of_2368_elements_passes_in_all_variations) {
  const GradCheck report = gradcheck(LSTM({.units = 16}), Shape{2, 8, 16});
  BOOST_TEST(report.passed(), report);
  BOOST_TEST(report.varied.size() == 8u, report);
  BOOST_TEST(report.refused.empty(), report);
}

// --- Random cells -------------------------------------------------------------------------------

struct RandomOptions {
  int units = 3;
  int seed = 0;
  std::string activation = "tanh", other = "sigmoid";
};
void describe(auto& option, RandomOptions& o) {
  option("units", o.units, "Size of the state.");
  option("seed", o.seed, "Which cell it is.");
  option("activation", o.activation, "Of a gate.");
  option("other", o.other, "Of the others.");
}

// Gates of x, the state and other gates, combined by the digits of the seed.
struct RandomCell : Cell<RandomOptions> {
  using Cell::Cell;
  static constexpr int state_count = 2;
  void build(Weights& add, const Shape& input) {
    kernel = add("kernel", {input.back(), 3 * options.units}, glorot_uniform());
    recurrent_kernel = add("recurrent_kernel", {options.units, 3 * options.units}, orthogonal());
    bias = add("bias", {3 * options.units}, random_normal(0, 0.3));
  }
  Tensor apply(const std::string& name, const Tensor& x) const {
    const Tensor y = Activation(name)(x);
    return y.shape() == x.shape() ? y : concat({y, y});  // for a function that halves the width
  }
  Step step(const Tensor& x, const State& s) const {
    const auto& [h, c] = s.as<2>();
    int digits = options.seed;
    const auto digit = [&](int n) {
      const int d = digits % n;
      digits /= n;
      return d;
    };
    auto [a, b, d] = split<3>(matmul(x, kernel) + bias);
    auto [ra, rb, rd] = split<3>(matmul(digit(2) == 0 ? h : h * tanh(c), recurrent_kernel));
    const Tensor gate = apply(options.other, a + ra);
    const Tensor made = apply(options.activation, digit(2) == 0 ? b + rb : b + gate * rb);
    Tensor next_c;
    switch (digit(4)) {
      case 0: next_c = 0.5 * c + gate * made; break;
      case 1: next_c = (1 - sigmoid(rd)) * c + sigmoid(rd) * made; break;
      case 2: next_c = tanh(made) + 0.3 * c * h; break;
      default: next_c = made / (1 + square(c)); break;
    }
    Tensor next_h;
    switch (digit(3)) {
      case 0: next_h = tanh(next_c) * sigmoid(d + rd); break;
      case 1: next_h = tanh(d + 0.5 * next_c); break;
      default: next_h = tanh(layer_norm(next_c) + 0.5 * h); break;
    }
    if (digit(2) == 0) return {.output = next_h, .state = {next_h, tanh(next_c)}};
    return {.output = next_h + d, .state = {tanh(next_c), next_h}};
  }
  Tensor kernel, recurrent_kernel, bias;
};

std::vector<std::string> all_activations() {
  std::vector<std::string> names;
  for (const sdk::ActivationFunction& f : sdk::activations)
    names.push_back(f.name == std::string("threshold") ? "threshold(0.1, -0.2)" : f.name);
  return names;
}

BOOST_AUTO_TEST_CASE(random_cells_with_right_gradients_pass) {
  const std::vector<std::string> names = all_activations();
  for (int seed = 0; seed < 500; ++seed) {
    const auto n = static_cast<int>(names.size());
    const RandomOptions options{.units = 4,
                                .seed = seed / 2,
                                .activation = names[static_cast<std::size_t>(seed % n)],
                                .other = names[static_cast<std::size_t>(seed / n % n)]};
    const GradCheck report =
        gradcheck(RNN(RandomCell(options)), Shape{2, 3, 3}, {.seed = seed + 1, .vary = false});
    BOOST_TEST(report.passed(), "cell " << seed << " of " << options.activation << " and "
                                        << options.other << "\n"
                                        << report);
  }
}

}  // namespace
}  // namespace tempo
