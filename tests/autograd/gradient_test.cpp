// SPDX-License-Identifier: Apache-2.0
// Tests the reverse walk as a user meets it, and the checker itself: wrong gradients are planted,
// and each must be caught.
#define BOOST_TEST_MODULE gradient
#include <tempo/gradcheck.hpp>
#include <tempo/gradient.hpp>
#include <tempo/layers.hpp>

#include "graph/value.hpp"
#include "tensor/kernels/pointwise.hpp"
#include "testing.hpp"

namespace tempo {
namespace {

using testing::check_close;
using testing::check_same;
using testing::error_of;
using testing::normal;
using testing::uniform;
using List = std::vector<int64_t>;

// --- The checker --------------------------------------------------------------------------------

// An op like `original`, with some of its gradient rules replaced.
struct Planted {
  const char* mistake;
  const char* original;
  std::vector<VjpRule> vjp;
  Tensors inputs;
  Attributes attributes = {};
  int caught_at_order = 1;
};

Tensor at_last_element(const Tensor& like, double value) {
  std::vector<double> factors(static_cast<std::size_t>(like.count()), 1);
  factors.back() = value;
  return tensor(factors, like.shape(), float64);
}

std::vector<Planted> planted_mistakes() {
  const Tensor x = normal({3, 4}), square_matrix = normal({3, 3}), sequence = normal({2, 5, 3});
  const Attributes along_time{{"axis", int64_t{-2}}, {"reverse", int64_t{0}}};
  using V = const Vjp&;
  return {
      {"a wrong sign", "tanh", {[](V v) { return -(v.dy() * (1 - square(v.y()))); }}, {x}},
      {"no transpose",
       "matmul",
       {[](V v) { return matmul(v.dy(), v.b()); },
        [](V v) { return matmul(transpose(v.a()), v.dy()); }},
       {square_matrix, normal({3, 3}, 2)}},
      {"a missing term",
       "divide",
       {[](V v) { return v.dy() / v.b(); }, {}},
       {x, uniform(1, 2, {3, 4})}},
      {"a missing term inside", "sigmoid", {[](V v) { return v.dy() * v.y(); }}, {x}},
      {"one step too late",
       "cumsum",
       {[](V v) { return pad(slice(cumsum(v.dy(), -2, true), -2, 1, 5), -2, 0, 1); }},
       {sequence},
       along_time},
      {"the wrong direction of time",
       "cumsum",
       {[](V v) { return cumsum(v.dy(), -2); }},
       {sequence},
       along_time},
      {"the wrong axis",
       "cumsum",
       {[](V v) { return cumsum(v.dy(), -1, true); }},
       {sequence},
       along_time},
      {"a missing factor", "square", {[](V v) { return v.dy() * v.a(); }}, {x}},
      {"a forgotten sum over what was broadcast",
       "add",
       {[](V v) { return v.dy(); }, [](V v) { return slice(v.dy(), 0, 0, 1); }},
       {x, normal({1, 4})}},
      {"a mean in place of a sum",
       "sum",
       {[](V v) { return broadcast_to(v.dy() / 4, v.a().shape()); }},
       {x},
       {{"axes", List{-1}}, {"keepdims", int64_t{1}}}},
      {"a wrong power",
       "sqrt",
       {[](V v) { return v.dy() / (2 * square(v.y())); }},
       {uniform(2, 3, {3, 4})}},
      {"swapped inputs",
       "subtract",
       {[](V v) { return -v.dy(); }, [](V v) { return v.dy(); }},
       {x, normal({3, 4}, 2)}},
      {"swapped factors",
       "multiply",
       {[](V v) { return v.dy() * v.a(); }, [](V v) { return v.dy() * v.b(); }},
       {x, normal({3, 4}, 2)}},
      {"a constant offset", "exp", {[](V v) { return v.dy() * (v.y() + 1e-4); }}, {x}},
      {"wrong in one element",
       "exp",
       {[](V v) { return v.dy() * v.y() * at_last_element(v.y(), 1.0001); }},
       {x}},
      {"a constant with too few digits",
       "erf",
       {[](V v) { return v.dy() * 1.1284 * exp(-square(v.a())); }},
       {x}},
      {"an input without a rule",
       "multiply",
       {[](V v) { return v.dy() * v.b(); }},
       {x, normal({3, 4}, 2)}},
      {"no rule at all", "sin", {}, {x}},
      {"the order of axes not put back",
       "transpose",
       {[](V v) {
         return transpose(v.dy(), {2, 0, 1});
       }},
       {normal({3, 3, 3})},
       {{"permutation", List{-1, -3, -2}}}},
      {"the wrong end of a slice",
       "slice",
       {[](V v) { return pad(v.dy(), -1, 2, 1); }},
       {x},
       {{"axis", int64_t{-1}}, {"begin", int64_t{1}}, {"end", int64_t{2}}}},
      {"rows that overwrite each other",
       "gather",
       {[](V v) {
         return matmul(one_hot(reshape(v.b(), {-1}), 4, float64) *
                           (1 - 0.5 * one_hot(reshape(v.b(), {-1}), 4, float64)),
                       v.dy(), true, false);
       }},
       {normal({4, 3}), tensor(List{1, 3, 1}, {3})}},
      {"right once, wrong twice: a part held constant",
       "square",
       {[](V v) { return 2 * v.dy() * stop_gradient(v.a()); }},
       {x},
       {},
       2},
      {"right once, wrong twice: dy held constant",
       "tanh",
       {[](V v) { return stop_gradient(v.dy()) * (1 - square(v.y())); }},
       {x},
       {},
       2},
  };
}

GradCheck check(const OpDefinition& op, const Planted& planted, double scale = 1) {
  // A product with the first input, so that dy depends on the inputs at second order.
  return gradcheck(
      [&](const Tensors& in) {
        const Tensor y = tempo::apply(op, in, planted.attributes);
        return y * scale * (1 + sum(square(in[0])));
      },
      planted.inputs);
}

const OpDefinition& plant(const Planted& planted) {
  OpDefinition op = *find_op(planted.original);
  op.name = std::string(planted.original) + " with " + planted.mistake;
  op.vjp = planted.vjp;
  return define(std::move(op));
}

BOOST_AUTO_TEST_CASE(planted_mistakes_are_caught) {
  for (const Planted& planted : planted_mistakes()) {
    const GradCheck right = check(*find_op(planted.original), planted);
    BOOST_TEST(right.passed(), planted.original << " is right\n" << right);
    const GradCheck wrong = check(plant(planted), planted);
    BOOST_TEST(!wrong.passed(), planted.original << " with " << planted.mistake << " passes\n"
                                                 << wrong);
    for (const GradCheck::Row& row : wrong.rows) {
      BOOST_TEST(row.smooth, planted.mistake << " is taken for a kink\n" << wrong);
      if (row.order < planted.caught_at_order)
        BOOST_TEST(row.error <= wrong.tolerance, planted.mistake << " shows too early\n" << wrong);
    }
  }
}

BOOST_AUTO_TEST_CASE(mistakes_are_caught_at_any_scale) {
  for (const double scale : {1e-8, 1e8})
    for (const Planted& planted : planted_mistakes()) {
      const OpDefinition* op = find_op(std::string(planted.original) + " with " + planted.mistake);
      BOOST_TEST(check(*find_op(planted.original), planted, scale).passed(), planted.original);
      BOOST_TEST(!check(*op, planted, scale).passed(), planted.mistake);
    }
}

BOOST_AUTO_TEST_CASE(a_mistake_that_hides_behind_a_large_gradient) {
  // Each input has its own scale: b's gradient is 10^6 times smaller than a's.
  OpDefinition op = *find_op("subtract");
  op.name = "a mistake in the small one";
  op.vjp[1] = [](const Vjp& v) { return -1.001 * v.dy(); };
  const OpDefinition& planted = define(std::move(op));
  const GradCheck report = gradcheck(
      [&](const Tensors& in) {
        return tempo::apply(planted, {in[0], 1e-4 * in[1]});
      },
      {normal({3}), normal({3}, 2)});
  BOOST_TEST(!report.passed(), report);
}

BOOST_AUTO_TEST_CASE(a_report_says_where) {
  const Planted planted{"an error at its end",
                        "exp",
                        {[](const Vjp& v) { return v.dy() * v.y() * at_last_element(v.y(), 2); }},
                        {normal({3, 4})}};
  const GradCheck report = check(plant(planted), planted);
  BOOST_TEST(report.rows.size() == 3u);  // the input at both orders, and dy at the second
  const GradCheck::Row& row = report.rows[0];
  BOOST_TEST(row.order == 1);
  BOOST_TEST(row.input == "input 0");
  BOOST_TEST(row.element == 11);
  BOOST_TEST(row.error > 1e-2);
  std::ostringstream text;
  text << report;
  BOOST_TEST(text.str().find("gradcheck: FAILED, worst error ") == 0u);
  BOOST_TEST(text.str().find("\n  order 1  input 0  [3, 4]  error ") != std::string::npos);
  BOOST_TEST(text.str().find(" at [2, 3]: gradient ") != std::string::npos);
  BOOST_TEST(text.str().find("not smooth") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_kink_nearby_is_not_in_the_way_and_values_at_one_are_moved) {
  for (const double at : {0.0, 1e-3, -1e-6}) {
    const GradCheck report = gradcheck([](const Tensors& in) { return relu(in[0]); },
                                       {tensor(std::vector<double>{1, at, -2}, {3}, float64)});
    BOOST_TEST(report.passed(), report);
    BOOST_TEST(report.moved == (at == 0 ? 1 : 0), report);
  }
}

BOOST_AUTO_TEST_CASE(a_kink_that_stays_is_said_to_be_one) {
  GradCheck::Row row{.order = 1, .input = "x", .shape = {2}, .when = ""};
  row.error = 1;
  row.step = 1e-3;
  row.smooth = false;
  row.left = -1;
  row.right = 2;
  GradCheck report;
  report.rows = {row};
  report.worst = 1;
  const auto says = [&](const char* words) {
    std::ostringstream text;
    text << report;
    BOOST_TEST(text.str().find(words) != std::string::npos, report);
  };
  says("not smooth here: the slope is -1 to the left and 2 to the right; choose other values\n");
  report.rows[0].left = 2;
  says("the slope is 2 within a step of 0.001 and another within a larger one; choose");
}

// If a function ends or bends within the step, smaller steps show whether its gradient is right.
struct NearAnEdge {
  const char* name;
  std::function<Tensor(const Tensor&)> f;
  std::vector<double> at;
};

std::vector<NearAnEdge> near_edges() {
  using T = const Tensor&;
  return {
      {"log", [](T x) { return log(x); }, {1e-3, 2}},
      {"log of a tiny number", [](T x) { return log(x); }, {1e-9, 3e-5}},
      {"log where the step does not reach 0", [](T x) { return log(x); }, {5e-3, 0.02, 0.3}},
      {"log of a large number", [](T x) { return log(x); }, {1e6}},
      {"log(1 + x)", [](T x) { return log(1 + x); }, {-0.9999, 0.5}},
      {"sqrt", [](T x) { return sqrt(x); }, {1e-5, 1}},
      {"a root", [](T x) { return pow(x, 0.5); }, {1e-5, 0.01, 4}},
      {"1 / x", [](T x) { return 1 / x; }, {0.03, 1}},
      {"square of large and small numbers", [](T x) { return square(x); }, {1e6, 1e-6, -1}},
      {"a logistic loss", [](T x) { return -log(1 - x); }, {0.999, 0.5}},
  };
}

BOOST_AUTO_TEST_CASE(gradients_near_the_edge_of_a_function) {
  for (const NearAnEdge& c : near_edges()) {
    const Tensor x = tensor(c.at, {static_cast<int64_t>(c.at.size())}, float64);
    const GradCheck report = gradcheck([&](const Tensors& in) { return c.f(in[0]); }, {x});
    BOOST_TEST(report.passed(), c.name << "\n" << report);
    const GradCheck wrong = gradcheck(
        [&](const Tensors& in) { return c.f(in[0]) + 1e-3 * stop_gradient(c.f(in[0])); }, {x});
    BOOST_TEST(!wrong.passed(), c.name << " with a part held constant passes\n" << wrong);
  }
}

BOOST_AUTO_TEST_CASE(what_is_not_finite_beside_a_value_is_said) {
  const GradCheck report = gradcheck([](const Tensors& in) { return in[0] * sqrt(in[0]); },
                                     {zeros({1}, float64) + 0.0}, {.order = 1});
  std::ostringstream text;
  text << report;
  BOOST_TEST(!report.passed(), report);
  BOOST_TEST(text.str().find("not finite beside this value") != std::string::npos, report);
}

BOOST_AUTO_TEST_CASE(what_gradcheck_refuses) {
  const auto twice = [](const Tensors& in) { return 2 * in[0]; };
  BOOST_TEST(error_of<ShapeError>([&] { gradcheck(twice, {zeros({3})}); }) ==
             "gradcheck: input 0 is [3] float32; gradients are checked in float64.\n"
             "  cast(x, float64) makes it so.");
  BOOST_TEST(error_of<ShapeError>([&] {
               gradcheck([](const Tensors& in) { return cast(in[0], float32); }, {normal({3})});
             }) ==
             "gradcheck: the result of f is [3] float32; gradients are checked in float64.\n"
             "  cast(x, float64) makes it so.");
  BOOST_TEST(error_of([&] { gradcheck(twice, {tensor(List{1}, {1})}); }) ==
             "gradcheck: there is no float64 input to check.");
  BOOST_TEST(error_of([&] {
               gradcheck([](const Tensors& in) { return dropout(in[0], 0.5); }, {normal({30})});
             }) ==
             "gradcheck: f gave two values for the same inputs.\n"
             "  It must be a pure function: fix the seed of its dropout, reset its state.");
  BOOST_TEST(error_of([&] {
               gradcheck([](const Tensors& in) { return log(in[0]); }, {zeros({1}, float64)});
             }) == "gradcheck: f is not finite at these inputs; choose others.");
  BOOST_TEST(error_of<ShapeError>([&] {
               gradcheck([](const Tensors& in) { return in[0] > 0; }, {normal({3})});
             }) == "gradcheck: f gives no numbers; only float32 and float64 have gradients.");
}

BOOST_AUTO_TEST_CASE(inputs_without_gradients_are_handed_on) {
  const Tensor indices = tensor(List{2, 0, 2}, {3});
  const GradCheck report = gradcheck(
      [&](const Tensors& in) {
        BOOST_TEST(in[1].handle() == indices.handle());
        return gather(in[0], in[1]);
      },
      {normal({4, 3}), indices});
  BOOST_TEST(report.passed(), report);
  BOOST_TEST(report.rows.size() == 3u);
}

BOOST_AUTO_TEST_CASE(the_inputs_stay_as_they_were) {
  const Tensor x = normal({3}), before = x + 0;
  gradcheck([](const Tensors& in) { return square(in[0]); }, {x});
  check_same("x", x, before);
}

BOOST_AUTO_TEST_CASE(gradients_within_f_and_without_recording) {
  const NoGradient off;
  const GradCheck report =
      gradcheck([](const Tensors& in) { return gradient(sum(exp(in[0]) * in[1]), {in[0]})[0]; },
                {normal({3}), normal({3}, 2)});
  BOOST_TEST(report.passed(), report);
}

// --- gradient -----------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(gradient_twice_on_one_loss) {
  const Tensor w = parameter(normal({3, 4}));
  const Tensor loss = sum(exp(w) * w);
  const Tensor first = gradient(loss, {w})[0];
  check_close("first", first, exp(w) * (1 + w), 1e-15);
  check_same("second", gradient(loss, {w})[0], first);
}

BOOST_AUTO_TEST_CASE(second_and_third_order) {
  const Tensor x = parameter(normal({5})), v = normal({5}, 2);
  const Tensor dx = gradient(sum(sin(x)), {x})[0];
  const Tensor d2x = gradient(sum(dx * v), {x})[0];
  const Tensor d3x = gradient(sum(d2x), {x})[0];
  check_close("first", dx, cos(x), 1e-15);
  check_close("second", d2x, -sin(x) * v, 1e-15);
  check_close("third", d3x, -cos(x) * v, 1e-15);
}

BOOST_AUTO_TEST_CASE(gradient_of_an_intermediate) {
  const Tensor x = parameter(normal({3}));
  const Tensor h = exp(x), y = h * h + x;
  const auto [dh, dx] = gradient(y, {h, x});
  check_close("dh", dh, 2 * h, 1e-15);
  check_close("dx", dx, 2 * h * h + 1, 1e-15);
  check_same("of itself", gradient(h, {h})[0], ones({3}, float64));
}

BOOST_AUTO_TEST_CASE(gradient_with_a_direction_and_without_a_path) {
  const Tensor x = parameter(normal({3})), unused = parameter(normal({2, 2}));
  const Tensor dy = normal({3}, 4);
  const auto gradients = gradient(square(x), {x, unused}, dy);
  check_close("dx", gradients[0], 2 * x * dy, 1e-15);
  check_same("unused", gradients[1], zeros({2, 2}, float64));
  check_same("stopped", gradient(stop_gradient(x) * 2, {x})[0], zeros({3}, float64));
  check_same("of one result of several", gradient(split<3>(x)[1], {x})[0],
             tensor(std::vector<double>{0, 1, 0}, {3}, float64));
}

BOOST_AUTO_TEST_CASE(gradients_keep_the_dtype) {
  const Tensor x = parameter(ones({3}));
  BOOST_TEST((gradient(2 * cast(cast(x, float64) * 0.5, float32), {x})[0].dtype() == float32));
}

BOOST_AUTO_TEST_CASE(a_weight_that_was_assigned_to) {
  const Tensor w = parameter(normal({3}), "lstm/kernel");
  const Tensor loss = sum(square(w));
  assign(w, normal({3}, 2));
  BOOST_TEST(error_of([&] { gradient(loss, {w}); }) ==
             "gradient: weight `lstm/kernel` was assigned to after `square` used it.\n"
             "  Compute the loss again before asking for its gradient; update weights last.");
  check_close("computed again", gradient(sum(square(w)), {w})[0], 2 * w, 1e-15);
}

BOOST_AUTO_TEST_CASE(what_gradient_refuses) {
  const Tensor x = parameter(normal({3})), plain = normal({3}, 2);
  BOOST_TEST(
      error_of([&] {
        gradient(x * plain, {x, plain});
      }) ==
      "gradient: input 1, [3] float64, is not tracked.\n  Make it with parameter(x) before it "
      "is used; values computed under NoGradient are not tracked either.");
  BOOST_TEST(error_of<ShapeError>([&] { gradient(x > 0, {x}); }) ==
             "gradient: y is [3] bool; only float32 and float64 have gradients.");
  BOOST_TEST(error_of<ShapeError>([&] { gradient(x, {x}, normal({4})); }) ==
             "gradient: dy must have the shape of y\n  y   [3] float64\n  dy  [4] float64");
  const NoGradient off;
  BOOST_TEST(!square(x).tracked());
}

BOOST_AUTO_TEST_CASE(a_chain_of_100000_ops) {
  const Tensor x = parameter(ones({1}, float64));
  {
    Tensor y = x;
    for (int i = 0; i < 100000; ++i) y = y + 1;
    check_same("value", y, tensor(std::vector<double>{100001}, {1}, float64));
    check_same("gradient", gradient(y, {x})[0], ones({1}, float64));
    Tensor kept = gradient(sum(square(y)), {x})[0];
    check_same("gradient of its square", kept, tensor(std::vector<double>{200002}, {1}, float64));
  }  // freed here, without recursion
  BOOST_TEST(x.tracked());
}

BOOST_AUTO_TEST_CASE(a_layer_is_checked_with_weights_of_its_own) {
  const Layer lstm = LSTM({.units = 7});
  const GradCheck report = gradcheck(lstm, Shape{3, 5, 4});
  BOOST_TEST(report.passed(), report);
  BOOST_TEST(!lstm.built());
  std::vector<std::string> checked;
  for (const GradCheck::Row& row : report.rows)
    if (row.order == 1 && row.when.empty())
      checked.push_back(row.input + " " + to_string(row.shape));
  const std::vector<std::string> expected{"input [3, 5, 4]", "lstm/kernel [4, 28]",
                                          "lstm/recurrent_kernel [7, 28]", "lstm/bias [28]"};
  BOOST_TEST(checked == expected, boost::test_tools::per_element());
  const GradCheck both =
      gradcheck(Bidirectional(GRU({.units = 2, .return_state = true})), {3, 5, 4});
  BOOST_TEST(both.passed(), both);
}

// --- Gradients of your own -----------------------------------------------------------------------

Tensor clipped_root(const Tensor& x) {
  const Tensor y = sqrt(x);
  return custom_gradient(y, {x}, [&](const Tensor& dy) { return dy * minimum(0.5 / y, 1); });
}

BOOST_AUTO_TEST_CASE(a_rule_takes_the_place_of_the_gradient) {
  const Tensor x = parameter(tensor<double>({0.01, 1, 4}, {3}, float64));
  const Tensor y = clipped_root(x);
  check_close("the value", y, sqrt(x), 0);
  check_close("the gradient", gradient(sum(y), {x})[0],
              tensor<double>({1, 0.5, 0.25}, {3}, float64), 1e-15);
  // a straight-through step; no gradient flows through the value
  const Tensor step =
      custom_gradient(cast(x > 1, float64), {x}, [](const Tensor& dy) { return 3 * dy; });
  check_close("straight through", gradient(sum(step), {x})[0], full({3}, 3, float64), 0);
}

BOOST_AUTO_TEST_CASE(a_rule_is_differentiated_again) {
  const Tensor a = parameter(uniform(0.5, 2, {3, 4}, 1)), b = parameter(uniform(0.5, 2, {4}, 2)),
               c = parameter(uniform(0.5, 2, {3, 4}, 3));
  // the gradient of a * log(b), written as usual by hand; c is only in the rule, as a factor of 1
  const auto f = [](const Tensors& x) {
    const Tensor y = x[0] * log(x[1]);
    return sum(square(custom_gradient(y, {x[0], x[1]}, [&](const Tensor& dy) -> Tensors {
      return {dy * log(x[1]), dy * x[0] / x[1]};
    })));
  };
  const GradCheck report = gradcheck(f, {a, b});
  BOOST_TEST(report.passed(), report);
  const Tensor y = custom_gradient(a, {a}, [&](const Tensor& dy) { return dy * square(c); });
  const Tensor first = gradient(sum(y), {a})[0];
  check_close("what the rule reads", gradient(sum(first), {c})[0], 2 * c, 1e-14);
}

BOOST_AUTO_TEST_CASE(a_rule_may_hold_a_part_of_itself_constant) {
  const Tensor a = parameter(normal({3})), c = parameter(normal({3}, 2));
  const Tensor y = custom_gradient(a, {a}, [&](const Tensor& dy) {
    const Tensor held = [&] {
      const NoGradient off;
      return square(c);
    }();
    return dy * held * c;
  });
  const Tensor first = gradient(sum(y), {a})[0];
  check_close("the gradient", first, square(c) * c, 1e-14);
  check_close("of the gradient", gradient(sum(first), {c})[0], square(c), 1e-14);
}

BOOST_AUTO_TEST_CASE(a_rule_may_be_the_gradient_of_another_function) {
  const Tensor x = parameter(normal({3})), w = parameter(normal({3}, 2)), wide = x * w;
  const Tensor slope = 1 - square(tanh(wide));
  const auto step = [&](const std::function<Tensor()>& smooth) {
    return custom_gradient(cast(x > 0, float64), {x, w}, [&](const Tensor& dy) {
      return gradient(smooth(), Tensors{x, w}, dy);
    });
  };
  for (const std::function<Tensor()>& smooth :
       {std::function<Tensor()>([&] { return tanh(x * w); }),
        std::function<Tensor()>([&] { return tanh(wide); }),  // half of the way is outside
        std::function<Tensor()>([y = tanh(wide)] { return y; })}) {
    const auto [of_x, of_w] = gradient(sum(step(smooth)), {x, w});
    check_close("of x", of_x, slope * w, 1e-14);
    check_close("of w", of_w, slope * x, 1e-14);
    check_close("and its own", gradient(sum(of_x), {x})[0], -2 * tanh(wide) * slope * square(w),
                1e-14);
  }
}

// Traced or not, it acts like stop_gradient.
BOOST_AUTO_TEST_CASE(a_step_may_hold_a_part_of_itself_constant) {
  const Tensor x = parameter(normal({3, 6, 4}, 1)), h = parameter(normal({3, 4}, 2)),
               w = parameter(0.3 * normal({4, 4}, 3));
  const auto run = [&](const ScanOptions& options, bool with_op) {
    const auto step = [&](const Tensor& now, const State& s) {
      const Tensor z = now + matmul(s[0], w);
      const auto gate_of = [&] { return sigmoid(matmul(z, w) + s[0]); };
      const auto held = [&] {
        const NoGradient off;
        BOOST_TEST(z.traced() != options.plain);
        const Tensor gate = gate_of();
        BOOST_TEST(!gate.tracked());
        return gate;
      };
      const Tensor next = (with_op ? stop_gradient(gate_of()) : held()) * tanh(z);
      return Step{next * now, {next}};
    };
    const Tensors leaves{x, h, w};
    const Scanned all = scan(step, x, {h}, options);
    Tensors out = gradient(sum(square(all.output)) + sum(all.state[0]), leaves);
    for (const Tensor& more : gradient(testing::mixed(out), leaves)) out.push_back(more);
    return out;
  };
  const Tensors expected = run({.plain = true}, true);
  for (const ScanOptions& options :
       {ScanOptions{.plain = true}, ScanOptions{}, ScanOptions{.recompute = true}}) {
    const Tensors got = run(options, false);
    for (std::size_t i = 0; i < got.size(); ++i)
      check_close("gradient " + std::to_string(i), got[i], expected[i], 1e-12);
  }
}

// The rule is recorded where it is given, and may run where the default dtype is another.
BOOST_AUTO_TEST_CASE(a_rule_has_the_default_dtype_of_where_it_is_given) {
  const Tensor x = parameter(ones({2}, float64));
  const Tensor y = custom_gradient(
      cast(x, float32), {x}, [](const Tensor& dy) { return cast(dy * exp(scalar(20)), float64); });
  const Tensor expected = gradient(sum(y), {x})[0];
  set_default_dtype(float64);
  const Tensor got = gradient(sum(y), {x})[0];
  set_default_dtype(float32);
  check_same("the gradient", got, expected);
}

BOOST_AUTO_TEST_CASE(a_rule_may_let_nothing_through) {
  const Tensor a = parameter(normal({3})), b = parameter(normal({3}, 2));
  const Tensor y = custom_gradient(a * b, {a, b}, [](const Tensor& dy) -> Tensors {
    return {Tensor{}, dy};
  });
  const auto [of_a, of_b] = gradient(sum(y), {a, b});
  check_same("none", of_a, zeros({3}, float64));
  check_same("as it comes", of_b, ones({3}, float64));
}

// The Program of a step has the rule in its gradient only.
BOOST_AUTO_TEST_CASE(a_rule_in_a_step_is_traced_into_its_gradient) {
  const Tensor x = parameter(uniform(0.2, 2, {3, 6, 4}, 1)),
               h = parameter(uniform(1, 2, {3, 4}, 2)),
               w = parameter(0.3 * uniform(0.1, 1, {4, 4}, 3));
  const auto step = [&](const Tensor& now, const State& s) {
    Tensor next = clipped_root(now + matmul(s[0], w));
    return Step{next * now, {next}};
  };
  const auto run = [&](const ScanOptions& options) {
    const Scanned all = scan(step, x, {h}, options);
    const Tensors leaves{x, h, w};
    const Tensors first = gradient(sum(square(all.output)) + sum(all.state[0]), leaves);
    Tensors out{all.output, all.state[0]};
    for (const Tensors& more : {first, gradient(sum(first[0] * x) + sum(square(first[2])), leaves)})
      out.insert(out.end(), more.begin(), more.end());
    return out;
  };
  const Tensors plain = run({.plain = true});
  for (const ScanOptions& options : {ScanOptions{}, ScanOptions{.recompute = true}}) {
    const Tensors got = run(options);
    for (std::size_t i = 0; i < got.size(); ++i)
      check_close("result " + std::to_string(i), got[i], plain[i], 1e-12);
  }
}

}  // namespace
}  // namespace tempo
