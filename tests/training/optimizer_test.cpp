// SPDX-License-Identifier: Apache-2.0
// Optimizers against their formulas, computed with plain numbers.
#define BOOST_TEST_MODULE optimizer
#include <set>
#include <thread>

#include <tempo/gradient.hpp>
#include <tempo/optimizer.hpp>

#include "files.hpp"

using namespace tempo;
using testing::error_of;

namespace {

const double gradients[] = {0.5, -2, 1e-3, 0.25, 3};  // of the five steps of each case

struct Scalar {  // the numbers that a formula keeps
  double w = 1.5, a = 0, b = 0, c = 0;
};

struct RuleCase {
  const char* optimizer;
  void (*step)(Scalar& s, double g, double t);
};

const RuleCase rule_cases[] = {
    {"sgd(learning_rate=0.1)", [](Scalar& s, double g, double) { s.w -= 0.1 * g; }},
    {"sgd(learning_rate=0.1, momentum=0.9)",
     [](Scalar& s, double g, double) { s.w += s.a = 0.9 * s.a - 0.1 * g; }},
    {"sgd(learning_rate=0.1, momentum=0.9, nesterov=true)",
     [](Scalar& s, double g, double) {
       s.a = 0.9 * s.a - 0.1 * g;
       s.w += 0.9 * s.a - 0.1 * g;
     }},
    {"rmsprop(learning_rate=0.1, rho=0.8, epsilon=1e-3)",
     [](Scalar& s, double g, double) {
       s.a = 0.8 * s.a + 0.2 * g * g;
       s.w -= 0.1 * g / std::sqrt(s.a + 1e-3);
     }},
    {"rmsprop(learning_rate=0.1, momentum=0.7, centered=true, epsilon=1e-3)",
     [](Scalar& s, double g, double) {
       s.a = 0.9 * s.a + 0.1 * g * g;
       s.b = 0.9 * s.b + 0.1 * g;
       s.c = 0.7 * s.c + 0.1 * g / std::sqrt(s.a - s.b * s.b + 1e-3);
       s.w -= s.c;
     }},
    {"adam(learning_rate=0.1, beta_1=0.8, beta_2=0.95, epsilon=1e-3)",
     [](Scalar& s, double g, double t) {
       s.a += (g - s.a) * 0.2;
       s.b += (g * g - s.b) * 0.05;
       s.w -= 0.1 * std::sqrt(1 - std::pow(0.95, t)) / (1 - std::pow(0.8, t)) * s.a /
              (std::sqrt(s.b) + 1e-3);
     }},
    {"adam(learning_rate=0.1, beta_1=0.8, beta_2=0.5, amsgrad=true)",
     [](Scalar& s, double g, double t) {
       s.a += (g - s.a) * 0.2;
       s.b += (g * g - s.b) * 0.5;
       s.c = std::max(s.c, s.b);
       s.w -= 0.1 * std::sqrt(1 - std::pow(0.5, t)) / (1 - std::pow(0.8, t)) * s.a /
              (std::sqrt(s.c) + 1e-7);
     }},
    {"sgd(learning_rate=0.1, weight_decay=0.25)",
     [](Scalar& s, double g, double) { s.w = s.w - s.w * 0.25 * 0.1 - 0.1 * g; }},
    {"sgd(learning_rate=0.1, clipvalue=0.4)",
     [](Scalar& s, double g, double) { s.w -= 0.1 * std::min(0.4, std::max(-0.4, g)); }},
    {"sgd(learning_rate=0.1, clipnorm=0.4)",
     [](Scalar& s, double g, double) { s.w -= 0.1 * g * 0.4 / std::max(std::abs(g), 0.4); }},
    {"adamw(learning_rate=0.1)",
     [](Scalar& s, double g, double t) {
       s.w -= s.w * 0.004 * 0.1;
       s.a += (g - s.a) * 0.1;
       s.b += (g * g - s.b) * 0.001;
       s.w -= 0.1 * std::sqrt(1 - std::pow(0.999, t)) / (1 - std::pow(0.9, t)) * s.a /
              (std::sqrt(s.b) + 1e-7);
     }},
    {"adamax(learning_rate=0.1, beta_1=0.8, beta_2=0.5, epsilon=1e-3)",
     [](Scalar& s, double g, double t) {
       s.a += (g - s.a) * 0.2;
       s.b = std::max(0.5 * s.b, std::abs(g));
       s.w -= 0.1 * s.a / ((1 - std::pow(0.8, t)) * (s.b + 1e-3));
     }},
    {"nadam(learning_rate=0.1, beta_1=0.8, beta_2=0.5, epsilon=1e-3)",
     [](Scalar& s, double g, double t) {
       const auto u = [](double step) { return 0.8 * (1 - 0.5 * std::pow(0.96, step)); };
       s.c = (t == 1 ? 1 : s.c) * u(t);
       s.a += (g - s.a) * 0.2;
       s.b += (g * g - s.b) * 0.5;
       const double m = u(t + 1) * s.a / (1 - s.c * u(t + 1)) + (1 - u(t)) * g / (1 - s.c);
       s.w -= 0.1 * m / (std::sqrt(s.b / (1 - std::pow(0.5, t))) + 1e-3);
     }},
    {"lion(learning_rate=0.1, beta_1=0.9, beta_2=0.5)",
     [](Scalar& s, double g, double) {
       s.w -= 0.1 * (0.9 * s.a + 0.1 * g > 0 ? 1 : -1);
       s.a = 0.5 * s.a + 0.5 * g;
     }},
    {"lamb(learning_rate=0.1, beta_1=0.8, beta_2=0.5, epsilon=1e-3, weight_decay=0.1)",
     [](Scalar& s, double g, double t) {
       s.w -= s.w * 0.1 * 0.1;
       s.a += (g - s.a) * 0.2;
       s.b += (g * g - s.b) * 0.5;
       const double u =
           s.a / (1 - std::pow(0.8, t)) / (std::sqrt(s.b / (1 - std::pow(0.5, t))) + 1e-3);
       s.w -= 0.1 * std::abs(s.w) / std::abs(u) * u;
     }},
    {"adagrad(learning_rate=0.1, initial_accumulator_value=0.5, epsilon=1e-3)",
     [](Scalar& s, double g, double) {
       s.a += g * g;
       s.w -= 0.1 * g / std::sqrt(0.5 + s.a + 1e-3);
     }},
    {"adadelta(learning_rate=0.5, rho=0.8, epsilon=1e-3)",
     [](Scalar& s, double g, double) {
       s.a = 0.8 * s.a + 0.2 * g * g;
       const double d = std::sqrt(s.b + 1e-3) / std::sqrt(s.a + 1e-3) * g;
       s.b = 0.8 * s.b + 0.2 * d * d;
       s.w -= 0.5 * d;
     }},
    {"ftrl(learning_rate=0.1, learning_rate_power=-0.25, initial_accumulator_value=0.5, "
     "l1_regularization_strength=0.3, l2_regularization_strength=0.2, "
     "l2_shrinkage_regularization_strength=0.1, beta=0.4)",
     [](Scalar& s, double g, double) {
       const double before = std::pow(0.5 + s.a, 0.25);
       s.a += g * g;
       const double after = std::pow(0.5 + s.a, 0.25);
       s.b += g + 2 * 0.1 * s.w - (after - before) / 0.1 * s.w;
       const double l2 = 0.2 + 0.4 / (2 * 0.1);
       s.w = (std::min(0.3, std::max(-0.3, s.b)) - s.b) / (after / 0.1 + 2 * l2);
     }},
    {"adafactor(learning_rate=0.5, beta_2_decay=-0.7, epsilon_1=1e-4, epsilon_2=0.6, "
     "clip_threshold=0.9)",
     [](Scalar& s, double g, double t) {
       const double past = 1 - std::pow(t, -0.7);
       s.a = past * s.a + (1 - past) * (g * g + 1e-4);
       const double u = g / std::sqrt(s.a);
       s.w -= std::max(0.6, std::abs(s.w)) * std::min(0.5, 1 / std::sqrt(t)) * u /
              std::max(1.0, std::abs(u) / 0.9);
     }},
};

Tensor weight(double value, const char* path = "", DType dtype = float64) {
  return parameter(full({2}, value, dtype), path);
}

}  // namespace

BOOST_AUTO_TEST_CASE(optimizers_follow_their_formulas) {
  for (const RuleCase& c : rule_cases)
    for (const DType dtype : {float32, float64}) {
      Optimizer optimizer = c.optimizer;
      const Tensor w = parameter(full({1}, 1.5, dtype), "w");
      Scalar plain;
      double t = 0;
      for (const double g : gradients) {
        optimizer.step({w}, {full({1}, g, dtype)});
        c.step(plain, g, ++t);
        // After each step: a weight that ends at 0 does not show what it was divided by.
        testing::check_close(c.optimizer, w, full({1}, plain.w, dtype),
                             dtype == float32 ? 1e-5 : 1e-13);
      }
      BOOST_TEST(optimizer.iterations() == 5);
    }
}

BOOST_AUTO_TEST_CASE(the_defaults_are_those_of_keras) {
  BOOST_TEST(SGD().text() ==
             "sgd(learning_rate=0.01, momentum=0, nesterov=false, weight_decay=0, clipnorm=0, "
             "clipvalue=0, "
             "global_clipnorm=0)");
  BOOST_TEST(RMSprop().text() ==
             "rmsprop(learning_rate=0.001, rho=0.9, momentum=0, epsilon=1e-07, centered=false, "
             "weight_decay=0, "
             "clipnorm=0, clipvalue=0, global_clipnorm=0)");
  BOOST_TEST(Adam().text() ==
             "adam(learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-07, amsgrad=false, "
             "weight_decay=0, "
             "clipnorm=0, clipvalue=0, global_clipnorm=0)");
  const Optimizer changed = Adam({.learning_rate = 0.1, .amsgrad = true, .global_clipnorm = 2});
  BOOST_TEST(Optimizer(changed.text()).text() == changed.text());
  BOOST_TEST(Optimizer("RMSprop").name() == "rmsprop");
}

BOOST_AUTO_TEST_CASE(every_optimizer_has_the_defaults_of_keras) {
  const std::string common = "weight_decay=0, clipnorm=0, clipvalue=0, global_clipnorm=0)";
  const std::string moments = "(learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-07, ";
  const std::pair<Optimizer, std::string> cases[] = {
      {AdamW(), "adamw" + moments +
                    "amsgrad=false, weight_decay=0.004, clipnorm=0, clipvalue=0, "
                    "global_clipnorm=0)"},
      {Adamax(), "adamax" + moments + common},
      {Nadam(), "nadam" + moments + common},
      {Lamb(), "lamb" + moments + common},
      {Lion(), "lion(learning_rate=0.001, beta_1=0.9, beta_2=0.99, " + common},
      {Adagrad(),
       "adagrad(learning_rate=0.001, initial_accumulator_value=0.1, epsilon=1e-07, " + common},
      {Adadelta(), "adadelta(learning_rate=0.001, rho=0.95, epsilon=1e-07, " + common},
      {Ftrl(),
       "ftrl(learning_rate=0.001, learning_rate_power=-0.5, initial_accumulator_value=0.1, "
       "l1_regularization_strength=0, l2_regularization_strength=0, "
       "l2_shrinkage_regularization_strength=0, beta=0, " +
           common},
      {Adafactor(),
       "adafactor(learning_rate=0.001, beta_2_decay=-0.8, epsilon_1=1e-30, epsilon_2=0.001, "
       "clip_threshold=1, " +
           common},
  };
  for (const auto& [optimizer, text] : cases) {
    BOOST_TEST(optimizer.text() == text);
    BOOST_TEST(Optimizer(optimizer.name()).text() == text);
    BOOST_TEST(Optimizer(text).text() == text);
  }
  BOOST_TEST(Optimizer("AdamW").name() == "adamw");
  BOOST_TEST(error_of([] { Optimizer("adaax"); }).find("did you mean `adamax`?") !=
             std::string::npos);
  BOOST_TEST(error_of([] { Ftrl({.learning_rate_power = 0.5}); }) ==
             "ftrl: learning_rate_power is 0.5; it must be a number of at most 0.");
  BOOST_TEST(error_of([] { Ftrl({.learning_rate = 0}); }) ==
             "ftrl: learning_rate is 0; it must be a number above 0.");
  Optimizer ends_at_0 =
      Ftrl({.learning_rate = PiecewiseConstantDecay({.boundaries = {0}, .values = {0.1, 0}})});
  const Tensors w{parameter(ones({2}))};
  ends_at_0.step(w, w);
  BOOST_TEST(error_of([&] { ends_at_0.step(w, w); }) ==
             "ftrl: the learning rate is 0 at this step, and it must be above 0.");
  for (const char* text : {"adam(learning_rate=)", "sgd(learning_rate= , momentum=0.5)"})
    BOOST_TEST(error_of([&] { Optimizer{text}; }) != "", text);
}

// For a matrix, Adafactor keeps two vectors; the others keep slots of the weight's shape.
BOOST_AUTO_TEST_CASE(every_optimizer_goes_on_from_what_it_remembers) {
  for (const char* text : {"adamw", "adamax", "nadam", "lion", "lamb", "adagrad", "adadelta",
                           "ftrl(l1_regularization_strength=0.01)", "adafactor"})
    BOOST_TEST_CONTEXT(text) {
      const Tensor first = testing::normal({3, 4}, 1), b = testing::normal({4}, 2);
      const Tensors w{parameter(first, "kernel"), parameter(b, "bias")},
          again{parameter(first, "kernel"), parameter(b, "bias")};
      const auto g = [&](int64_t seed) {
        return Tensors{testing::normal({3, 4}, seed), testing::normal({4}, seed + 10)};
      };
      Optimizer straight = text, before = text;
      for (const int64_t seed : {3, 4}) {
        straight.step(w, g(seed));
        before.step(again, g(seed));
      }
      Optimizer after = text;
      after.restore(before.state({{"a", again[0]}, {"b", again[1]}}),
                    {{"a", again[0]}, {"b", again[1]}});
      straight.step(w, g(5));
      after.step(again, g(5));
      testing::check_same("kernel", w[0], again[0]);
      testing::check_same("bias", w[1], again[1]);
      BOOST_TEST(max(abs(w[0] - first)).item() > 1e-7);
    }
  Adafactor adafactor;
  const Tensor w = parameter(ones({3, 4}), "w");
  adafactor.step({w}, {ones({3, 4})});
  BOOST_TEST(to_string(adafactor.state()[1].second.shape()) == "[3]");
  BOOST_TEST(to_string(adafactor.state()[2].second.shape()) == "[4]");
  BOOST_TEST(error_of([&] {
               Adafactor().restore({{"w/r", ones({4})}, {"w/c", ones({4})}}, {{"w", w}});
             }) ==
             "adafactor: what it remembered does not fit the weight\n  w/r  [4] float32\n"
             "  w  [3, 4] float32");
}

// By hand, for unequal rows.
BOOST_AUTO_TEST_CASE(adafactor_keeps_a_row_and_a_column_of_a_matrix) {
  const Tensor w = parameter(tensor(std::vector<double>{1, 2, 3, 4}, {2, 2}, float64), "w");
  Adafactor optimizer({.learning_rate = 0.5});
  optimizer.step({w}, {tensor(std::vector<double>{1, -2, 3, 0.5}, {2, 2}, float64)});
  // r = (2.5, 4.625), c = (5, 2.125), v = r c / mean(r); rms(w) = sqrt(7.5)
  const double r[] = {2.5, 4.625}, c[] = {5, 2.125}, g[] = {1, -2, 3, 0.5};
  double u[4], squares = 0;
  for (int i = 0; i < 4; ++i) {
    u[i] = g[i] / std::sqrt(r[i / 2] / 3.5625 * c[i % 2]);
    squares += u[i] * u[i] / 4;
  }
  for (int i = 0; i < 4; ++i)
    BOOST_TEST(
        w.element(i) == i + 1 - std::sqrt(7.5) * 0.5 * u[i] / std::max(1.0, std::sqrt(squares)),
        boost::test_tools::tolerance(1e-12));
}

BOOST_AUTO_TEST_CASE(clips_bound_each_gradient_or_all_together) {
  const Tensor a = tensor<double>({50, 100}, {2}), b = tensor<double>({100, 100}, {2});
  const auto check = [](const char* what, const Tensor& got, const std::vector<double>& expected) {
    testing::check_close(what, got, tensor(expected, {2}), 1e-12);
  };
  check("clipnorm", SGD({.clipnorm = 1}).clipped({b})[0], {std::sqrt(0.5), std::sqrt(0.5)});
  check("clipnorm, within", SGD({.clipnorm = 1000}).clipped({b})[0], {100, 100});
  check("clipvalue", SGD({.clipvalue = 60}).clipped({a})[0], {50, 60});
  check("global_clipnorm", SGD({.global_clipnorm = 1}).clipped({a})[0],
        {std::sqrt(0.2), std::sqrt(0.8)});
  const Tensors both = SGD({.global_clipnorm = 1}).clipped({a, b});
  const double all = std::sqrt(2500.0 + 3 * 10000);
  check("global_clipnorm of two", both[0], {50 / all, 100 / all});
  check("global_clipnorm of two", both[1], {100 / all, 100 / all});
  check("global_clipnorm, zero", SGD({.global_clipnorm = 1}).clipped({0 * a})[0], {0, 0});
}

BOOST_AUTO_TEST_CASE(a_norm_is_right_where_its_squares_are_too_large_or_too_small) {
  struct {
    DType dtype;
    double size, clip, expected;
  } const cases[] = {
      {float64, 1e200, 1, 0.5},
      {float64, 1e308, 1, 0.5},
      {float64, -1e200, 4, -2},
      {float64, 1e-200, 1e-201, 5e-202},
      {float64, 1e-310, 1, 1e-310},
      {float64, 1e200, 1e300, 1e200},
      {float32, 1e30, 1, 0.5},
      {float32, 3e38, 1, 0.5},
      {float32, 3e38, 1e38, 5e37},
      {float32, 1e-30, 1, 1e-30},
      {float32, 1e-30, 1e-32, 5e-33},
      {float64, 0, 1, 0},
      {float32, 0, 1, 0},
  };
  for (const auto& c : cases) BOOST_TEST_CONTEXT(name_of(c.dtype) << " of " << c.size) {
      const Tensor g = full({4}, c.size, c.dtype), right = full({4}, c.expected, c.dtype);
      const double largest = std::max(std::abs(c.expected), 1e-300);
      for (const Optimizer& o :
           {Optimizer(SGD({.clipnorm = c.clip})), Optimizer(SGD({.global_clipnorm = c.clip}))}) {
        const Tensor got = o.clipped({g})[0];
        BOOST_TEST(max(abs(cast(got, float64) - cast(right, float64))).item() <= 1e-6 * largest);
      }
    }
  // With 10^4 elements, the norm itself is too large for a float.
  const Tensor wide = SGD({.clipnorm = 1}).clipped({full({10000}, 3e38)})[0];
  testing::check_close("wide", wide, full({10000}, 0.01), 1e-6);
  // One large and one small gradient together; and one without elements.
  const Tensors both =
      SGD({.global_clipnorm = 1})
          .clipped({full({1}, 1e200, float64), full({1}, 1.0, float64), zeros({0}, float64)});
  BOOST_TEST(both[0].item() == 1);
  BOOST_TEST(both[1].item() == 1e-200, boost::test_tools::tolerance(1e-12));
}

BOOST_AUTO_TEST_CASE(an_update_that_would_not_be_finite_changes_nothing) {
  const double inf = HUGE_VAL;
  struct {
    const char* what;
    const char* optimizer;
    double weight, gradient;
    DType dtype;
    const char* expected;
  } const cases[] = {
      {"0 / 0", "adam(epsilon=0)", 1, 0, float32, "make b/kernel NaN or infinite"},
      {"0 / 0, centered", "rmsprop(epsilon=0, centered=true)", 1, 0, float64, "make b/kernel NaN"},
      {"0 / 0, amsgrad", "adam(epsilon=0, amsgrad=true)", 1, 0, float64, "make b/kernel NaN"},
      {"a square too large", "adam", 1, 1e30, float32, "make `v` of b/kernel NaN or infinite"},
      {"a square too large", "rmsprop", 1, 1e30, float32, "make `velocity` of b/kernel NaN"},
      {"a weight too large", "sgd(learning_rate=1e10)", 1, -1e30, float32, "make b/kernel NaN"},
      {"a step too large", "sgd(learning_rate=1e10, momentum=0.5)", 1, 1e300, float64,
       "Likely: a learning_rate or gradients that are too large"},
      {"NaN gradient", "sgd", 1, NAN, float32, "Its gradient holds NaN or infinite numbers"},
      {"infinite gradient", "sgd(clipnorm=1)", 1, inf, float64, "Its gradient holds NaN"},
      {"NaN weight", "adam", NAN, 1, float32, "It held NaN or infinite numbers before"},
  };
  for (const auto& c : cases)
    for (const int64_t size : {3, 20001}) BOOST_TEST_CONTEXT(c.what << ", " << size) {
        const auto made = [&](double value) {
          return parameter(full({size}, value, c.dtype), value == c.weight ? "b/kernel" : "a/bias");
        };
        const Tensor first = made(2), last = made(c.weight);
        const Tensor fine = full({size}, 0.5, c.dtype), bad = full({size}, c.gradient, c.dtype);
        const Optimizer settings = c.optimizer;
        Optimizer optimizer = c.optimizer;
        const std::string text = error_of([&] { optimizer.step({first, last}, {fine, bad}); });
        BOOST_TEST(text.find(c.expected) != std::string::npos, text);
        BOOST_TEST(text.starts_with(settings.name() + ": this update would "), text);
        BOOST_TEST(first.element(0) == 2);
        BOOST_TEST((last.element(size - 1) == c.weight || std::isnan(c.weight)));
        BOOST_TEST(optimizer.iterations() == 0);
        for (const auto& [name, value] : optimizer.state())
          BOOST_TEST(max(abs(cast(value, float64))).item() == 0, name);
      }
  // One bad element of many is enough, and the next step goes on as if nothing had happened.
  std::vector<double> g(20001, 0.5);
  g[19999] = NAN;
  const Tensor w = weight(1), wide = parameter(ones({20001}, float64), "wide");
  Adam adam;
  BOOST_CHECK_THROW(adam.step({w, wide}, {full({2}, 1, float64), tensor(g, {20001})}), Error);
  adam.step({w, wide}, {full({2}, 1, float64), full({20001}, 1, float64)});
  BOOST_TEST(w.element(0) == 0.999, boost::test_tools::tolerance(1e-6));
  BOOST_TEST(wide.element(19999) == w.element(0));
}

// Large weights are updated in place, after all values are known to stay finite.
BOOST_AUTO_TEST_CASE(a_large_weight_is_updated_in_place_and_still_whole_or_not_at_all) {
  constexpr int64_t size = 20001, few = 667, parts = 30;
  for (const char* text :
       {"adam", "adam(amsgrad=true)", "adam(weight_decay=0.01)", "adamax", "nadam", "lion",
        "adagrad", "rmsprop", "rmsprop(momentum=0.9)", "rmsprop(centered=true)",
        "sgd(momentum=0.9)", "sgd(momentum=0.9, nesterov=true)"})
    BOOST_TEST_CONTEXT(text) {
      const auto filled = [](double value) { return full({size}, value, float32); };
      const Tensor x = random_uniform({size}, -1.0, 1.0, float32, 1),
                   g = random_uniform({size}, -1.0, 1.0, float32, 2);
      const Tensor a = parameter(1 * x, "a"), b = parameter(1 * x, "b");
      Tensors small, small_g;  // the same in weights that are too small to be updated in place
      for (int64_t i = 0; i * few < size; ++i) {
        small.push_back(parameter(slice(x, 0, i * few, std::min(size, (i + 1) * few))));
        small_g.push_back(slice(g, 0, i * few, std::min(size, (i + 1) * few)));
      }
      Optimizer optimizer = text, of_small = text;
      BOOST_REQUIRE_EQUAL(small.size(), std::size_t{parts});
      const auto step = [&](const Tensor& of_a, const Tensor& of_b) {
        return error_of([&] { optimizer.step({a, b}, {of_a, of_b}); });
      };
      const std::string fine = "nothing was thrown";
      BOOST_TEST(step(g, g) == fine);
      const float* const place = a.data<float>();
      BOOST_TEST(step(g, g) == fine);
      BOOST_TEST(a.data<float>() == place);
      // Tensors that others hold stay as they were, and make no difference.
      const auto held = optimizer.state();
      const std::vector<double> m = held[1].second.to_vector();
      BOOST_TEST(step(g, g) == fine);
      BOOST_TEST((held[1].second.to_vector() == m));
      const auto all_bits = [&] {
        std::vector<std::vector<double>> bits{a.to_vector(), b.to_vector()};
        for (const auto& [name, value] : optimizer.state()) bits.push_back(value.to_vector());
        return bits;
      };
      const auto before = all_bits();
      std::vector<double> one_bad(size, 0.5);
      one_bad[size - 1] = NAN;
      for (const Tensor& bad : {cast(tensor(one_bad, {size}), float32), filled(HUGE_VAL)}) {
        BOOST_TEST(step(g, bad).find("would make") != std::string::npos);
        BOOST_TEST((all_bits() == before));
      }
      for (int i = 0; i < 4; ++i) of_small.step(small, small_g);
      BOOST_TEST(step(g, g) == fine);
      testing::check_same("in place or not", a, concat(small, 0));
      assign(b, filled(NAN));
      const std::vector<double> was = a.to_vector();
      BOOST_TEST(step(g, g).find("It held NaN or infinite numbers before") != std::string::npos);
      BOOST_TEST((a.to_vector() == was));
    }
}

// For equal gradients, the mean of squares and the square of the mean differ only by rounding.
BOOST_AUTO_TEST_CASE(a_centered_spread_is_never_below_epsilon) {
  const Tensor w = parameter(ones({50}));
  RMSprop optimizer({.learning_rate = 1e-6, .centered = true});
  const Tensor g = random_uniform({50}, 90.0, 110.0, float32, 3);
  for (int i = 0; i < 500; ++i) optimizer.step({w}, {g});
  BOOST_TEST(max(abs(w)).item() < 200);  // 500 steps of 1e-6 * 110 / sqrt(1e-7)
}

BOOST_AUTO_TEST_CASE(a_weight_is_found_by_identity_not_by_its_path) {
  // Two layers of one name, in a loop of your own.
  const Tensor a = weight(1, "dense/kernel"), b = parameter(ones({3}, float64), "dense/kernel");
  const Tensor c = weight(1, "dense/kernel"), d = parameter(ones({3}, float64), "dense/kernel");
  Adam first, second;
  const Tensor ga = full({2}, 1, float64), gb = full({3}, -2, float64);
  first.step({a, b}, {ga, gb});
  second.step({c, d}, {ga, gb});
  std::string names;
  for (const auto& [name, value] : first.state()) names += name + "\n";
  BOOST_TEST(names ==
             "iterations\ndense/kernel/m\ndense/kernel/v\ndense/kernel#2/m\ndense/kernel#2/v\n");
  Adam again;
  again.restore(first.state());
  again.step({a, b}, {ga, gb});
  second.step({c, d}, {ga, gb});
  testing::check_same("first", a, c);
  testing::check_same("second", b, d);
  BOOST_TEST(error_of([&] {
               first.step({a, b, a}, {ga, gb, ga});
             }).starts_with("adam: step was given the weight dense/kernel twice."));
  BOOST_TEST(first.iterations() == 1);
  testing::check_same("not half a step", a, c);
}

BOOST_AUTO_TEST_CASE(of_an_optimizer_of_several_models_each_has_its_weights_alone) {
  const Tensor a = weight(1, "dense/kernel"), b = weight(1, "dense/kernel");
  const Tensor g = full({2}, 1, float64);
  Adam adam;
  adam.step({a}, {g});
  adam.step({b}, {3 * g});
  const auto of_a = adam.state({{"x", a}}), of_b = adam.state({{"y/z", b}});
  BOOST_TEST(of_a.size() == 3u);
  BOOST_TEST(of_a[1].first == "x/m");
  BOOST_TEST(of_b[1].first == "y/z/m");
  BOOST_TEST(of_a[1].second.element(0) == 0.1, boost::test_tools::tolerance(1e-12));
  BOOST_TEST(of_b[1].second.element(0) == 0.3, boost::test_tools::tolerance(1e-12));
  adam.restore(of_b, {{"y/z", a}});
  BOOST_TEST(adam.state({{"x", a}})[1].second.element(0) == of_b[1].second.element(0));
  BOOST_TEST(adam.iterations() == 2);
  BOOST_TEST(error_of([&] {
               adam.restore(of_a, {{"other", weight(1)}});
             }) == "adam: `x/m` belongs to none of the weights.");
  BOOST_TEST(adam.state({{"x", a}})[1].second.element(0) == of_b[1].second.element(0));
}

BOOST_AUTO_TEST_CASE(a_state_that_is_not_one_is_refused_whole) {
  Adam adam;
  const Tensor w = weight(1, "w");
  adam.step({w}, {full({2}, 1, float64)});
  const auto refused = [&](const Optimizer::NamedTensors& state, const std::string& expected) {
    BOOST_TEST(error_of([&] { adam.restore(state); }).find(expected) != std::string::npos,
               error_of([&] { adam.restore(state); }));
    BOOST_TEST(adam.iterations() == 1);
    BOOST_TEST(adam.state().size() == 3u);
  };
  const auto count = [](int64_t n) { return tensor<int64_t>({n}, {}); };
  refused({{"iterations", count(-1)}},
          "adam: iterations is -1; it must be one int64 of at least 0");
  refused({{"w/v", zeros({2})}, {"iterations", count(INT64_MAX)}}, "must be one int64");
  refused({{"iterations", full({}, 2.5)}}, "iterations is 2.5");
  refused({{"iterations", tensor<int64_t>({1, 2}, {2})}}, "iterations is [2] int64");
  refused({{"w/momentum", zeros({2})}},
          "adam: it cannot go on from `momentum` of w.\n  With its settings it keeps m, v of each "
          "weight");
  refused({{"w", zeros({2})}}, "`w` is not of the form weight/slot");
  refused({{"w/m", Tensor{}}}, "`w/m` was never given a value");
}

namespace {

// What an option may be, whichever optimizer has it.
struct SettingCase {
  std::vector<const char*> settings;
  const char* rule;  // of the Error for a number out of its range
  std::vector<const char*> good, bad;
  std::vector<const char*> no_such = {"x", "", "1e", "1 2", "0x1"};  // are none at all
  const char* beside = "";
  std::string_view optimizer = "";  // whose setting is not as that of the others

  bool is_of(const std::string& name, const std::string& setting) const {
    return (optimizer == "" || optimizer == name) &&
           std::find(settings.begin(), settings.end(), setting) != settings.end();
  }
};

// The first row that fits.
const SettingCase setting_cases[] = {
    {.settings = {"learning_rate"},
     .rule = "a number above 0",
     .good = {"1e-300", "0.5", "1"},
     .bad = {"0", "-0", "-1", "nan", "inf", "-inf"},
     .optimizer = "ftrl"},
    {{"learning_rate"},
     "a number of at least 0",
     {"0", "0.5", "1", "1e300"},
     {"-1", "-1e-300", "nan", "inf", "-inf"}},
    {{"weight_decay", "clipnorm", "clipvalue", "global_clipnorm", "epsilon", "epsilon_1",
      "epsilon_2", "initial_accumulator_value", "l1_regularization_strength",
      "l2_regularization_strength", "l2_shrinkage_regularization_strength", "beta",
      "loss_scale_factor"},
     "a number of at least 0",
     {"0", "0.5", "1", "1e300"},
     {"-1", "-1e-300", "nan", "inf", "-inf"}},
    {{"momentum", "rho", "beta_1", "beta_2"},
     "a number of at least 0 and below 1",
     {"0", "0.5", "0.9999999999999999"},
     {"1", "2", "-1", "-1e-300", "nan", "inf", "-inf"}},
    {{"ema_momentum"},
     "a number of at least 0 and of at most 1",
     {"0", "0.5", "1"},
     {"1.0000000000000002", "2", "-1", "-1e-300", "nan", "inf", "-inf"}},
    {{"learning_rate_power", "beta_2_decay"},
     "a number of at most 0",
     {"0", "-0.5", "-1e300"},
     {"1", "1e-300", "nan", "inf", "-inf"}},
    {{"clip_threshold"},
     "a number of at least 1e-06",
     {"1e-06", "1", "1e300"},
     {"0", "9e-07", "-1", "nan", "inf", "-inf"}},
    {{"gradient_accumulation_steps"},
     "a number of at least 0",
     {"0", "1", "2147483647"},
     {"-1", "-2147483648"},
     {"x", "", "1.5", "nan", "inf", "2147483648", "1e3"}},
    {{"ema_overwrite_frequency"},
     "a number of at least 0",
     {"0", "1", "2147483647"},
     {"-1", "-2147483648"},
     {"x", "", "1.5", "nan", "inf", "2147483648", "1e3"},
     ", use_ema=true"},
    {{"nesterov", "centered", "amsgrad", "use_ema"},
     "",
     {"true", "false", "True", "False"},
     {},
     {"x", "", "0", "1", "TRUE", "yes", "nan"}},
};

// "a, b, c." behind `begin`
std::vector<std::string> listed_in(const std::string& text, const std::string& begin) {
  std::vector<std::string> names;
  const std::size_t first = text.find(begin);
  BOOST_REQUIRE(first != std::string::npos);
  for (std::size_t at = first + begin.size(), end; at < text.size(); at = end + 2) {
    end = text.find_first_of(",.", at);
    names.push_back(text.substr(at, end - at));
  }
  return names;
}

}  // namespace

BOOST_AUTO_TEST_CASE(settings_out_of_range_are_refused_wherever_they_come_from) {
  std::set<std::string> known, seen;
  for (const SettingCase& c : setting_cases) known.insert(c.settings.begin(), c.settings.end());
  for (const std::string& name : listed_in(error_of([] { Optimizer("?"); }), "There are "))
    for (const std::string& setting :
         listed_in(error_of([&] { Optimizer(name + "(?=1)"); }), "It has ")) {
      seen.insert(setting);
      BOOST_TEST(known.contains(setting), "no row for " << setting << " of " << name);
      const SettingCase* const row =
          std::find_if(std::begin(setting_cases), std::end(setting_cases),
                       [&](const SettingCase& c) { return c.is_of(name, setting); });
      if (row != std::end(setting_cases)) {
        const SettingCase& c = *row;
        const auto of = [&](const std::string& value) {
          return name + "(" + setting + "=" + value + c.beside + ")";
        };
        const auto error = [&](const std::string& value) {
          return error_of([&] { Optimizer(of(value)); });
        };
        for (const char* good : c.good)
          BOOST_TEST(error(good) == "nothing was thrown", of(good) << ": " << error(good));
        for (const char* bad : c.bad)
          BOOST_TEST(error(bad) == Optimizer(name).name() + ": " + setting + " is " + bad +
                                       "; it must be " + c.rule + ".");
        for (const char* none : c.no_such)
          BOOST_TEST(error(none).find(setting) != std::string::npos, of(none)
                                                                         << ": " << error(none));
      }
    }
  BOOST_TEST(seen == known, boost::test_tools::per_element());
  BOOST_TEST(error_of([] { Adam({.beta_1 = 1}); }) ==
             "adam: beta_1 is 1; it must be a number of at least 0 and below 1.");
  BOOST_TEST(error_of([] { RMSprop({.rho = NAN}); }) ==
             "rmsprop: rho is nan; it must be a number of at least 0 and below 1.");
  Adam adam;
  for (const double rate : {-1.0, static_cast<double>(NAN), HUGE_VAL, -HUGE_VAL}) {
    BOOST_CHECK_THROW(adam.set_learning_rate(rate), Error);
    BOOST_TEST(adam.learning_rate() == 0.001);
  }
}

BOOST_AUTO_TEST_CASE(weights_can_be_left_out_of_decay) {
  const Tensor a = weight(2, "lstm/kernel"), b = weight(2, "lstm/bias"),
               c = weight(2, "dense/kernel");
  RMSprop optimizer({.learning_rate = 1, .weight_decay = 0.004});
  optimizer.exclude_from_weight_decay({"bias"});
  optimizer.exclude_from_weight_decay(Tensors{c});
  const Tensor zero = full({2}, 0, float64);
  for (int i = 0; i < 3; ++i) optimizer.step({a, b, c}, {zero, zero, zero});
  BOOST_TEST(a.element(0) == 1.9760959, boost::test_tools::tolerance(1e-7));
  BOOST_TEST(b.element(0) == 2);
  BOOST_TEST(c.element(0) == 2);
  optimizer.exclude_from_weight_decay({"lstm"});  // from now on
  const double before = a.element(0);
  optimizer.step({a, b, c}, {zero, zero, zero});
  BOOST_TEST(a.element(0) == before);
}

BOOST_AUTO_TEST_CASE(the_learning_rate_can_change_on_the_way) {
  const Tensor w = weight(1);
  SGD optimizer({.learning_rate = 0.5});
  optimizer.step({w}, {full({2}, 1, float64)});
  optimizer.set_learning_rate(0.25);
  BOOST_TEST(optimizer.learning_rate() == 0.25);
  optimizer.step({w}, {full({2}, 1, float64)});
  BOOST_TEST(w.element(0) == 0.25);
  const Optimizer copy = optimizer;  // the same optimizer
  BOOST_TEST(copy.iterations() == 2);
  BOOST_TEST(error_of([&] { optimizer.set_learning_rate(-1); }) ==
             "sgd: learning_rate is -1; it must be a number of at least 0.");
  BOOST_TEST(optimizer.learning_rate() == 0.25);
}

// Updates run in place, but only if nobody else would notice.
BOOST_AUTO_TEST_CASE(what_shares_bytes_with_a_weight_stays_as_it_was) {
  for (const char* text : {"sgd", "sgd(momentum=0.9, nesterov=true)", "rmsprop(momentum=0.5)",
                           "adam", "adam(amsgrad=true, weight_decay=0.1)"}) {
    const Tensor first = testing::normal({3, 40}, 1), g = testing::normal({3, 40}, 2);
    const Tensor w = parameter(first), watched = parameter(first);
    Optimizer optimizer = text, watching = text;
    std::vector<std::vector<double>> seen;
    Tensors held;
    for (int i = 0; i < 4; ++i) {
      optimizer.step({w}, {g});
      watching.step({watched}, {g});
      testing::check_same(text, watched, w);
      held.push_back(reshape(watched, {120}));
      for (const auto& [name, value] : watching.state()) held.push_back(value);
      while (seen.size() < held.size()) seen.push_back(held[seen.size()].to_vector());
    }
    for (std::size_t i = 0; i < held.size(); ++i) BOOST_TEST(held[i].to_vector() == seen[i]);
    testing::check_same("what the weight was made of", first, testing::normal({3, 40}, 1));
  }
}

BOOST_AUTO_TEST_CASE(what_an_optimizer_remembers_can_be_carried_over) {
  for (const char* text :
       {"sgd(momentum=0.9)", "rmsprop(momentum=0.5, centered=true)", "adam(amsgrad=true)"}) {
    const Tensor straight_a = weight(1, "a/kernel"), straight_b = weight(2);
    const Tensor a = weight(1, "a/kernel"), b = weight(2);
    Optimizer straight = text, first = text, second = text;
    const auto run = [](Optimizer& o, const Tensor& x, const Tensor& y, int steps) {
      for (int i = 0; i < steps; ++i) o.step({x, y}, {x * 0.3 + 1, y * y});
    };
    run(straight, straight_a, straight_b, 7);
    run(first, a, b, 3);
    second.restore(first.state());
    BOOST_TEST(second.iterations() == 3);
    BOOST_TEST(second.state().size() == first.state().size());
    run(second, a, b, 4);
    testing::check_same(text, a, straight_a);
    testing::check_same(text, b, straight_b);
  }
  Adam adam;
  const Tensor w = weight(1, "lstm/kernel");
  adam.step({w}, {full({2}, 1, float64)});
  std::string names;
  for (const auto& [name, value] : adam.state())
    names += name + " " + to_string(value.shape(), value.dtype()) + "\n";
  BOOST_TEST(names ==
             "iterations [] int64\nlstm/kernel/m [2] float64\nlstm/kernel/v [2] float64\n");

  Adam other;
  other.restore({{"lstm/kernel/m", zeros({3}, float64)}});
  BOOST_TEST(error_of<ShapeError>([&] { other.step({w}, {full({2}, 1, float64)}); }) ==
             "adam: what it remembered does not fit the weight\n"
             "  lstm/kernel/m  [3] float64\n"
             "  lstm/kernel  [2] float64");
}

BOOST_AUTO_TEST_CASE(a_loop_of_ones_own_learns) {
  set_seed(3);
  const Tensor x = randn({64, 3}), truth = tensor<double>({1, -2, 3}, {3, 1});
  const Tensor y = matmul(x, cast(truth, float32));
  const Tensor w = parameter(zeros({3, 1}), "w");
  Adam adam({.learning_rate = 0.1, .clipnorm = 1.0});
  for (int i = 0; i < 300; ++i) {
    const Tensor loss = mean(square(matmul(x, w) - y));
    adam.step({w}, gradient(loss, Tensors{w}));
  }
  testing::check_close("w", w, cast(truth, float32), 1e-3);
}

BOOST_AUTO_TEST_CASE(errors_of_optimizers_say_what_is_wrong) {
  BOOST_TEST(error_of([] { Optimizer("adma"); }) ==
             "optimizer `adma`: there is none by that name; did you mean `adam`?\n  There are sgd, "
             "rmsprop, RMSprop, adam, adamw, AdamW, adamax, nadam, lion, lamb, adagrad, adadelta, "
             "ftrl, adafactor.");
  for (const char* name : {"sgd", "rmsprop", "RMSprop", "adam", "AdamW"})
    BOOST_TEST(Optimizer(Optimizer(name).text()).text() == Optimizer(name).text(), name);
  BOOST_TEST(error_of([] { Optimizer("Adams(weight_decay=0.01)"); })
                 .starts_with("optimizer `Adams(weight_decay=0.01)`: there is none by that name; "
                              "did you mean `adam`?"));
  BOOST_TEST(error_of([] { Optimizer("adam(lr=0.1)"); }) ==
             "optimizer `adam(lr=0.1)`: it has no option `lr`. It has "
             "learning_rate, beta_1, "
             "beta_2, epsilon, amsgrad, weight_decay, clipnorm, clipvalue, global_clipnorm, "
             "use_ema, ema_momentum, ema_overwrite_frequency, loss_scale_factor, "
             "gradient_accumulation_steps.");
  BOOST_TEST(error_of([] { Optimizer("adam(0.1)"); }) ==
             "optimizer `adam(0.1)`: `0.1` is not of the form key=value.");
  BOOST_TEST(error_of([] { Optimizer("adam(=0.1)"); }) ==
             "optimizer `adam(=0.1)`: `0.1` is not of the form key=value.");
  BOOST_TEST(error_of([] { Optimizer("adam(epsilon=1"); }) ==
             "optimizer `adam(epsilon=1`: its parenthesis is not closed.");
  BOOST_TEST(error_of([] { Optimizer("adam(epsilon=1) and"); }) ==
             "optimizer `adam(epsilon=1) and`: `and` follows its parenthesis.");
  BOOST_TEST(error_of([] { Optimizer("adam)"); }) ==
             "optimizer `adam)`: its parenthesis is not opened.");
  BOOST_TEST(error_of([] { Optimizer("adam(,)"); }) ==
             "optimizer `adam(,)`: an argument is missing.");
  BOOST_TEST(error_of([] { Optimizer("adam(epsilon=1, epsilon=2)"); }) ==
             "optimizer `adam(epsilon=1, epsilon=2)`: `epsilon` is given twice.");
  BOOST_TEST(error_of([] { Optimizer("adam(amsgrad=maybe)"); }) ==
             "optimizer `adam(amsgrad=maybe)`: `maybe` given as amsgrad is not true or false.");
  BOOST_TEST(error_of([] { Optimizer("adam(amsgrad=True)"); }) == "nothing was thrown");
  BOOST_TEST(error_of([] { Optimizer("(epsilon=1)"); }) ==
             "optimizer `(epsilon=1)`: it has no name.");
  BOOST_TEST(error_of([] { Optimizer("adam(learning_rate=fast)"); }) ==
             "learning_rate `fast`: there is none by that name.\n  There are exponential_decay, "
             "piecewise_constant_decay, polynomial_decay, inverse_time_decay, cosine_decay, "
             "cosine_decay_restarts.");
  BOOST_TEST(
      error_of([] { Adam({.clipnorm = 1, .global_clipnorm = 2}); }) ==
      "adam: only one of clipnorm, clipvalue and global_clipnorm may be set, got clipnorm=1, "
      "global_clipnorm=2.");
  BOOST_TEST(error_of([] { SGD({.clipvalue = -1}); }) ==
             "sgd: clipvalue is -1; it must be a number of at least 0.");
  SGD sgd;
  const Tensor w = weight(1, "dense/kernel");
  BOOST_TEST(error_of([&] { sgd.step({w}, {}); }) ==
             "sgd: step was given 1 weights and 0 gradients.\n"
             "  It needs one gradient for each weight, in the same order.");
  BOOST_TEST(error_of<ShapeError>([&] { sgd.step({w}, {full({3}, 1, float64)}); }) ==
             "sgd: a gradient must have the shape of its weight\n"
             "  weight    [2] float64  dense/kernel\n"
             "  gradient  [3] float64");
  sgd.step({w}, {full({2}, 1, float64)});
  BOOST_TEST(error_of<ShapeError>([&] { sgd.step({w}, {full({2}, 1, float32)}); }) ==
             "sgd: a gradient must have the dtype of its weight\n"
             "  weight    [2] float64  dense/kernel\n"
             "  gradient  [2] float32");
  BOOST_TEST(error_of([&] { sgd.step({full({2}, 1, float64)}, {full({2}, 1, float64)}); }) ==
             "sgd: weight 0, [2] float64, is not a weight; make it with parameter(x).");
  BOOST_TEST(error_of([&] { sgd.step({w}, {Tensor{}}); }) ==
             "sgd: gradient 0 was never given a value (it is Tensor{}).");
  // Waiting gradients would be lost in an update of other weights.
  SGD twice({.gradient_accumulation_steps = 2});
  const Tensor other = weight(1, "dense/bias"), slope = full({2}, 1, float64);
  twice.step({w}, {slope});
  for (const Tensors& others : {Tensors{other}, Tensors{w, other}})
    BOOST_TEST(
        error_of([&] { twice.step(others, Tensors(others.size(), slope)); }) ==
        "sgd: step was given other weights than the 1 before it, whose gradients wait for one "
        "update.\n  With gradient_accumulation_steps = 2 the steps of an update have the same "
        "weights: set them before the first of these, or have an optimizer for each set of "
        "weights.");
  twice.step({w}, {slope});
  twice.step({w, other}, {slope, slope});
  BOOST_TEST(error_of([&] { twice.step({w}, {slope}); }).starts_with("sgd: step was given other"));
  twice.step({other, w}, {slope, slope});
  BOOST_TEST(twice.iterations() == 2);
  BOOST_TEST(error_of([] { Adafactor({.clip_threshold = 0}); }) ==
             "adafactor: clip_threshold is 0; it must be a number of at least 1e-06.");
  BOOST_TEST(error_of([] { Optimizer().iterations(); }) ==
             "Optimizer: this one was never given a value (it is Optimizer{}).");
}

BOOST_AUTO_TEST_CASE(an_optimizer_steps_in_one_thread_at_a_time) {
  const Tensor w = parameter(ones({2})), g = ones({2});
  std::string text;
  Optimizer sgd;
  sgd = SGD({.learning_rate = LearningRate([&](int64_t) {
               std::thread([&] { text = error_of([&] { sgd.step({w}, {g}); }); }).join();
               return 0.1;
             })});
  sgd.step({w}, {g});
  testing::check_error(text,
                       "step was called while another thread is in the middle of a step of it");
  BOOST_TEST(sgd.iterations() == 1);
}
