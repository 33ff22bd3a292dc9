// SPDX-License-Identifier: Apache-2.0
// Every op: one row says where it is smooth and on which shapes; the suites do the rest.
#define BOOST_TEST_MODULE ops
#include <functional>
#include <map>
#include <numeric>
#include <set>

#include <tempo/activation.hpp>
#include <tempo/gradcheck.hpp>
#include <tempo/gradient.hpp>
#include <tempo/initializer.hpp>

#include "autograd/walk.hpp"
#include "graph/trace.hpp"
#include "op_cases.hpp"
#include "ops/known.hpp"
#include "testing.hpp"

namespace tempo {
namespace {

using namespace op_table;
using testing::check_close;
using testing::check_same;
using testing::error_of;
using List = std::vector<int64_t>;

const std::set<std::string> without_gradient{
    "sign",       "floor",      "ceil",    "round",         "equal",          "not_equal",
    "less",       "less_equal", "greater", "greater_equal", "logical_not",    "logical_and",
    "logical_or", "argmax",     "one_hot", "stop_gradient", "random_uniform", "random_normal",
    "fill",       "orthogonal", "index",   "usable_steps",  "least_squares"};
const std::set<std::string> in_other_tests{"custom_gradient", "int8_matmul", "scan"};

void check_gradients(const std::string& what, const std::function<Tensor(const Tensors&)>& f,
                     const Tensors& inputs) {
  const GradCheck report = gradcheck(f, inputs);
  BOOST_TEST(report.passed(), what << "\n" << report);
}

BOOST_AUTO_TEST_CASE(every_op_has_a_row_or_no_gradient) {
  std::set<std::string> rows;
  for (const OpCase& c : op_cases()) rows.insert(c.op);
  for (const OpDefinition* op : all_ops()) {
    if (in_other_tests.count(op->name)) continue;
    if (without_gradient.count(op->name)) {
      BOOST_TEST(!op->differentiable(), op->name << " has a gradient; give it a row in op_cases");
    } else {
      BOOST_TEST(rows.count(op->name) == 1u, op->name << " has no row in op_cases");
      BOOST_TEST(op->differentiable(), op->name << " has a row and no gradient");
    }
  }
  for (const std::string& name : rows) BOOST_TEST(find_op(name), name << " is no op");
}

// Bound before main, in another file than the ops.
const std::map<std::string, const OpDefinition*> known = {
    {"add", &add_op},           {"broadcast_to", &broadcast_to_op},
    {"cast", &cast_op},         {"concat", &concat_op},
    {"fill", &fill_op},         {"matmul", &matmul_op},
    {"negative", &negative_op}, {"reshape", &reshape_op},
    {"slice", &slice_op},       {"split", &split_op},
    {"sum_to", &sum_to_op},     {"transpose", &transpose_op}};

BOOST_AUTO_TEST_CASE(an_op_that_the_compiler_knows_is_the_one_of_its_name) {
  for (const auto& [name, op] : known) {
    BOOST_TEST(op == find_op(name), name);
    BOOST_TEST(op->name == name);
  }
}

BOOST_AUTO_TEST_CASE(gradients_to_second_order) {
  for (const OpCase& c : op_cases())
    check_gradients(
        title(c),
        [&](const Tensors& in) {
          Tensors flat;
          for (const Tensor& y : results(c, in)) flat.push_back(reshape(y, {-1}));
          return concat(flat);
        },
        made(c.inputs));
}

BOOST_AUTO_TEST_CASE(gradients_read_no_values) {
  for (const OpCase& c : op_cases()) {
    const std::string what = title(c);
    const Tensors like = made(c.inputs);
    Tensors inputs, differentiable;
    Trace trace;
    for (const Tensor& t : like) {
      inputs.push_back(to_tensor(trace.placeholder({t.dtype(), t.shape()})));
      if (inputs.back().tracked()) differentiable.push_back(inputs.back());
    }
    const Tensor y = results(c, inputs)[0];
    for (const Tensor& dx : walk({{y, ones_like(y)}}, differentiable))
      BOOST_TEST((dx && dx.traced()), what);
  }
}

BOOST_AUTO_TEST_CASE(linear_ops_make_of_a_sum_the_sum) {
  for (const OpCase& c : op_cases()) {
    if (!find_op(c.op)->linear) continue;
    const Tensors a = made(c.inputs);
    Tensors b, both;
    for (const Tensor& t : a) {
      b.push_back(testing::normal(t.shape(), 99 + static_cast<int64_t>(b.size())));
      both.push_back(t + b.back());
    }
    const Tensors of_a = results(c, a), of_b = results(c, b), of_both = results(c, both);
    for (std::size_t k = 0; k < of_a.size(); ++k)
      check_close(title(c), of_both[k], of_a[k] + of_b[k], 1e-14);
  }
}

BOOST_AUTO_TEST_CASE(pointwise_ops_keep_the_broadcast_shape) {
  for (const OpCase& c : op_cases()) {
    if (!find_op(c.op)->pointwise) continue;
    const Tensors inputs = made(c.inputs);
    Shape shape;
    for (const Tensor& t : inputs)
      shape = (zeros(shape, float64) + zeros(t.shape(), float64)).shape();
    BOOST_TEST((results(c, inputs)[0].shape() == shape), title(c));
  }
}

// --- Compositions -------------------------------------------------------------------------------

struct Composition {
  const char* name;
  std::function<Tensor(const Tensors&)> f;
  std::vector<Input> inputs;
};

const std::vector<Composition>& compositions() {
  using T = const Tensors&;
  static const std::vector<Composition> all{
      {"softmax", [](T x) { return softmax(x[0]); }, {normal(3, 4)}},
      {"softmax of an axis", [](T x) { return softmax(x[0], 1); }, {normal(2, 3, 4)}},
      {"log_softmax", [](T x) { return log_softmax(x[0]); }, {normal(3, 4)}},
      {"logsumexp", [](T x) { return logsumexp(x[0], 0); }, {normal(3, 4)}},
      {"layer_norm",
       [](T x) { return layer_norm(x[0], x[1], x[2]); },
       {normal(2, 3, 5), normal(5), normal(5)}},
      {"layer_norm alone", [](T x) { return layer_norm(x[0]); }, {normal(3, 5)}},
      {"elu", [](T x) { return elu(x[0], 0.7); }, {distinct({3, 4})}},
      {"gelu", [](T x) { return gelu(x[0]); }, {normal(3, 4)}},
      {"mean",
       [](T x) {
         return mean(x[0], {0, 2});
       },
       {normal(2, 3, 4)}},
      {"var", [](T x) { return var(x[0], 1); }, {normal(2, 3, 4)}},
      {"clip", [](T x) { return clip(x[0], -0.2, 0.3); }, {distinct({3, 4})}},
      {"stack", [](T x) { return stack(x, 1); }, {normal(3, 4), normal(3, 4)}},
      {"take", [](T x) { return take(x[0], -2, 1); }, {normal(2, 3, 4)}},
      {"swap_axes", [](T x) { return swap_axes(x[0], 0, -1); }, {normal(2, 3, 4)}},
      {"transpose", [](T x) { return transpose(x[0]); }, {normal(2, 3, 4)}},
      {"dropout", [](T x) { return dropout(x[0], 0.4, 5); }, {normal(5, 7)}},
      {"a power of a negative number", [](T x) { return pow(x[0], 3); }, {normal(3, 4)}},
      {"weak scalars", [](T x) { return 2 / (1 + square(x[0])) - x[0] / 3; }, {normal(3, 4)}},
      {"one part of three", [](T x) { return split<3>(x[0])[1]; }, {normal(2, 6)}},
      {"a tensor used twice", [](T x) { return matmul(x[0], x[0]) * x[0]; }, {normal(3, 3)}},
      {"products of products",
       [](T x) { return tanh(matmul(tanh(matmul(x[0], x[1])), x[2])); },
       {normal(2, 3), normal(3, 4), normal(4, 5)}},
  };
  return all;
}

BOOST_AUTO_TEST_CASE(gradients_of_compositions) {
  for (const Composition& c : compositions()) check_gradients(c.name, c.f, made(c.inputs));
}

BOOST_AUTO_TEST_CASE(gradients_of_activations) {
  for (const sdk::ActivationFunction& each : sdk::activations) {
    const std::string name = each.name, text = name == "threshold" ? "threshold(0.3, -2)" : name;
    check_gradients(name, [&](const Tensors& in) { return Activation(text)(in[0]); },
                    {distinct({5, 6})(1) * 3.7});
  }
}

// --- Values -------------------------------------------------------------------------------------

struct ValueCase {
  const char* op;
  std::vector<Input> inputs;
  std::function<double(double, double)> formula;
};

const std::vector<ValueCase>& value_cases() {
  const auto unary = [](double (*f)(double)) { return [f](double a, double) { return f(a); }; };
  static const std::vector<ValueCase> cases{
      {"negative", {normal(3, 4)}, [](double a, double) { return -a; }},
      {"exp", {normal(3, 4)}, unary(std::exp)},
      {"expm1", {normal(3, 4)}, unary(std::expm1)},
      {"log", {positive(3, 4)}, unary(std::log)},
      {"log1p", {positive(3, 4)}, unary(std::log1p)},
      {"sqrt", {positive(3, 4)}, unary(std::sqrt)},
      {"square", {normal(3, 4)}, [](double a, double) { return a * a; }},
      {"abs", {normal(3, 4)}, unary(std::fabs)},
      {"sign", {normal(3, 4)}, [](double a, double) { return a > 0 ? 1.0 : -1.0; }},
      {"floor", {normal(3, 4)}, unary(std::floor)},
      {"ceil", {normal(3, 4)}, unary(std::ceil)},
      {"round", {normal(3, 4)}, unary(std::nearbyint)},
      {"sin", {normal(3, 4)}, unary(std::sin)},
      {"cos", {normal(3, 4)}, unary(std::cos)},
      {"tanh", {normal(3, 4)}, unary(std::tanh)},
      {"sigmoid", {normal(3, 4)}, [](double a, double) { return 1 / (1 + std::exp(-a)); }},
      {"relu", {normal(3, 4)}, [](double a, double) { return a > 0 ? a : 0; }},
      {"softplus", {normal(3, 4)}, [](double a, double) { return std::log(1 + std::exp(a)); }},
      {"erf", {normal(3, 4)}, unary(std::erf)},
      {"stop_gradient", {normal(3, 4)}, [](double a, double) { return a; }},
      {"add", {normal(2, 3, 4), normal(3, 1)}, [](double a, double b) { return a + b; }},
      {"subtract", {normal(3, 4), normal(3, 4)}, [](double a, double b) { return a - b; }},
      {"multiply", {normal(3, 1), normal(4)}, [](double a, double b) { return a * b; }},
      {"divide", {normal(), positive(3, 4)}, [](double a, double b) { return a / b; }},
      {"pow", {positive(3, 4), normal(4)}, [](double a, double b) { return std::pow(a, b); }},
      {"mod",
       {normal(3, 4), normal(4)},
       [](double a, double b) { return a - b * std::floor(a / b); }},
      {"minimum", {normal(3, 4), normal(4)}, [](double a, double b) { return std::min(a, b); }},
      {"maximum", {normal(3, 4), normal(4)}, [](double a, double b) { return std::max(a, b); }},
      {"equal", {integers(2, {3, 4}), integers(2, {4})}, [](double a, double b) { return a == b; }},
      {"not_equal",
       {integers(2, {3, 4}), integers(2, {4})},
       [](double a, double b) { return a != b; }},
      {"less", {integers(3, {3, 4}), integers(3, {4})}, [](double a, double b) { return a < b; }},
      {"less_equal",
       {integers(3, {3, 4}), integers(3, {4})},
       [](double a, double b) { return a <= b; }},
      {"greater",
       {integers(3, {3, 4}), integers(3, {4})},
       [](double a, double b) { return a > b; }},
      {"greater_equal",
       {integers(3, {3, 4}), integers(3, {4})},
       [](double a, double b) { return a >= b; }},
      {"logical_and",
       {bools({3, 4}), bools({4})},
       [](double a, double b) { return a != 0 && b != 0; }},
      {"logical_or",
       {bools({3, 4}), bools({4})},
       [](double a, double b) { return a != 0 || b != 0; }},
      {"logical_not", {bools({3, 4})}, [](double a, double) { return a == 0; }},
  };
  return cases;
}

BOOST_AUTO_TEST_CASE(elementwise_values) {
  for (const ValueCase& c : value_cases())
    for (const DType dtype : {float32, float64}) {
      Tensors inputs = made(c.inputs);
      for (Tensor& t : inputs)
        if (is_floating(t.dtype())) t = cast(t, dtype);
      const Tensor y = results({c.op, {}}, inputs)[0];
      // Broadcasts by adding zeros: of the ops, only add has to be right for that.
      std::vector<std::vector<double>> in;
      for (const Tensor& t : inputs)
        in.push_back((cast(t, float64) + zeros(y.shape(), float64)).to_vector());
      std::vector<double> expected(in[0].size());
      for (std::size_t i = 0; i < expected.size(); ++i)
        expected[i] = c.formula(in[0][i], in.back()[i]);
      check_close(c.op, y, tensor(expected, y.shape(), y.dtype()), dtype == float32 ? 3e-7 : 1e-15);
    }
}

Tensor numbers(const std::vector<double>& values, const Shape& shape) {
  return tensor(values, shape, float64);
}
Tensor whole(const std::vector<int64_t>& values, const Shape& shape) {
  return tensor(values, shape);
}

// The ops themselves check, as a plugin may call them with anything.
BOOST_AUTO_TEST_CASE(windows_that_slide_nowhere_or_too_far_are_refused) {
  static const sdk::Op slide("windows"), add("overlap_add");
  const Tensor x = ones({3, 3, 3});
  struct {
    int64_t axis, size, stride, dilation;
    const char* text;
  } const cases[] = {
      {-3, 0, 1, 1, "size is 0, stride 1 and dilation 1; each must be at least 1"},
      {-3, 1, 0, 1, "size is 1, stride 0 and dilation 1; each must be at least 1"},
      {-3, 1, 1, -1, "size is 1, stride 1 and dilation -1; each must be at least 1"},
      {-3, INT64_MIN, 1, 1, "each must be at least 1"},
      {-1, 1, 1, 1, "windows lie along another axis than the last"},
      {-3, 3, 1, INT64_MAX, "an axis cannot have 2 x 9223372036854775807 elements"},
      {-3, INT64_MAX, 1, 2, "an axis cannot have 9223372036854775806 x 2 elements"},
      {-3, 9, 1, 1, nullptr},
  };
  for (const auto& c : cases)
    BOOST_TEST_CONTEXT(c.axis << ' ' << c.size << ' ' << c.stride << ' ' << c.dilation) {
      for (const auto* op : {&slide, &add}) {
        const std::string text = error_of<ShapeError>([&] {
          (*op)(x, {{"axis", c.axis},
                    {"size", c.size},
                    {"stride", c.stride},
                    {"dilation", c.dilation},
                    {"extent", int64_t{3}}});
        });
        BOOST_TEST((text != "" && (!c.text || text.find(c.text) != text.npos)), text);
      }
    }
  BOOST_TEST(error_of<ShapeError>([&] {
               overlap_add(x, 0, 1, INT64_MAX, 1, 3);
             }).find("an axis cannot have 2 x 9223372036854775807 elements") != std::string::npos);
  const Tensor none = parameter(zeros({0, 6})), sum_of_none = overlap_add(none, 0, 2, 1, 1, 4);
  check_same("of no windows", sum_of_none, zeros({4, 3}));
  check_same("its gradient", gradient(sum(sum_of_none), Tensors{none})[0], zeros({0, 6}));
}

BOOST_AUTO_TEST_CASE(values_of_movements_and_reductions) {
  const Tensor x = numbers({1, 2, 3, 4, 5, 6}, {2, 3});
  check_same("reshape", reshape(x, {3, -1}), numbers({1, 2, 3, 4, 5, 6}, {3, 2}));
  check_same("broadcast_to", broadcast_to(numbers({1, 2}, {2, 1}), {2, 2}),
             numbers({1, 1, 2, 2}, {2, 2}));
  check_same("sum_to", results({"sum_to", {}, {{"shape", List{2, 1}}}}, {x})[0],
             numbers({6, 15}, {2, 1}));
  check_same("transpose", transpose(x), numbers({1, 4, 2, 5, 3, 6}, {3, 2}));
  check_same("concat", concat({x, numbers({7, 8}, {2, 1})}),
             numbers({1, 2, 3, 7, 4, 5, 6, 8}, {2, 4}));
  check_same("split", split(x, {1, 2})[1], numbers({2, 3, 5, 6}, {2, 2}));
  check_same("slice", slice(x, -1, 1, 3), numbers({2, 3, 5, 6}, {2, 2}));
  check_same("reverse", reverse(x, 1), numbers({3, 2, 1, 6, 5, 4}, {2, 3}));
  check_same("pad", pad(x, 0, 1, 0), numbers({0, 0, 0, 1, 2, 3, 4, 5, 6}, {3, 3}));
  check_same("stack", stack({x, -x}, 1),
             numbers({1, 2, 3, -1, -2, -3, 4, 5, 6, -4, -5, -6}, {2, 2, 3}));
  check_same("gather", gather(x, whole({1, 0, 1}, {3})),
             numbers({4, 5, 6, 1, 2, 3, 4, 5, 6}, {3, 3}));
  const Tensor ramp = numbers({1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, {5, 2});
  check_same("windows", windows(ramp, 0, 2),
             numbers({1, 2, 3, 4, 3, 4, 5, 6, 5, 6, 7, 8, 7, 8, 9, 10}, {4, 4}));
  check_same("windows, dilated and with a stride", windows(ramp, 0, 2, 2, 2),
             numbers({1, 2, 5, 6, 5, 6, 9, 10}, {2, 4}));
  check_same("windows of columns", windows(reshape(ramp, {1, 5, 2}), -2, 1, 2),
             numbers({1, 2, 5, 6, 9, 10}, {1, 3, 2}));
  check_same("overlap_add", overlap_add(numbers({1, 2, 3, 4, 5, 6}, {3, 2}), 0, 2, 1, 1, 5),
             numbers({1, 5, 9, 6, 0}, {5, 1}));
  check_same("scatter_add",
             results({"scatter_add", {}, {{"rows", int64_t{2}}}}, {whole({1, 1}, {2}), x})[0],
             numbers({0, 0, 0, 5, 7, 9}, {2, 3}));
  check_same("one_hot", one_hot(whole({2, 0, 5}, {3}), 3, float64),
             numbers({0, 0, 1, 1, 0, 0, 0, 0, 0}, {3, 3}));
  check_same("one_hot of bools", one_hot(whole({1, 0}, {2}), 2, bool_),
             tensor<bool>({0, 1, 1, 0}, {2, 2}));
  const Tensor counts = tensor<bool>({0, 1, 1, 0, 0, 0, 1, 0, 1}, {3, 3});
  const Tensor steps = numbers({1, 2, 3, 4, 5, 6, 7, 8, 9}, {3, 3});
  const OpCase borrowing{"counted_steps", {}, {{"borrow", int64_t{1}}}};
  check_same("counted_steps", results(borrowing, {steps, counts})[0],
             numbers({2, 2, 3, 2, 2, 2, 7, 7, 9}, {3, 3}));
  check_same("counted_steps of none", results(borrowing, {steps, zeros({3, 3}, bool_)})[0],
             zeros({3, 3}, float64));
  check_same("counted_steps and zeros",
             results({"counted_steps", {}, {{"borrow", int64_t{0}}}}, {steps, counts})[0],
             numbers({0, 2, 3, 0, 0, 0, 7, 0, 9}, {3, 3}));
  const Tensor longer = concat({counts, zeros({3, 1}, bool_)}, 1);
  check_same("held_steps",
             results({"held_steps", {}, {{"reverse", int64_t{0}}}}, {steps, longer})[0],
             numbers({0, 2, 3, 3, 0, 0, 0, 0, 7, 7, 9, 9}, {3, 4}));
  check_same("held_steps, backwards",
             results({"held_steps", {}, {{"reverse", int64_t{1}}}}, {steps, longer})[0],
             numbers({2, 2, 3, 0, 0, 0, 0, 0, 7, 9, 9, 0}, {3, 4}));
  check_same("added_steps",
             results({"added_steps", {}, {{"reverse", int64_t{0}}, {"steps", int64_t{3}}}},
                     {numbers({1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}, {3, 4}), longer})[0],
             numbers({0, 2, 7, 0, 0, 0, 19, 0, 23}, {3, 3}));
  const double nan = std::numeric_limits<double>::quiet_NaN(), infinite = 1 / 0.0;
  const Tensor some = numbers({1, 2, nan, 4, -infinite, nan, 7, infinite, 9}, {3, 3, 1});
  check_same("usable_steps", results({"usable_steps", {}, {}}, {some, counts})[0],
             tensor<bool>({1, 1, 1, 1, 0, 0, 1, 0, 1}, {3, 3}));
  const Tensor large = where(equal(some, some), where(equal(abs(some), infinite), 1e16, some), 1);
  check_same("usable_steps of large ones", results({"usable_steps", {}, {}}, {large, counts})[0],
             tensor<bool>({1, 1, 1, 1, 0, 1, 1, 0, 1}, {3, 3}));
  const Tensor leaf = parameter(steps);
  const Tensor watched = results({"usable_gradient", {}, {}}, {leaf, counts})[0];
  check_same("usable_gradient", watched, steps);
  check_same("its gradient", gradient(sum(watched * steps), Tensors{leaf})[0], steps);
  check_same(
      "its gradient where a function overflows",
      gradient(sum(where(counts, watched, exp(where(counts, 0, 1e3 * watched)))), Tensors{leaf})[0],
      cast(counts, float64));
  const Tensor logits = testing::normal({4, 600}, 1), labels = whole({7, 0, 599, 256}, {4});
  check_close("cross_entropy", cross_entropy(logits, labels),
              logsumexp(logits) - sum(logits * one_hot(labels, 600, float64), -1), 1e-13);
  check_same("sum", sum(x, 0), numbers({5, 7, 9}, {3}));
  check_same("sum of all", sum(x), numbers({21}, {}));
  check_same("max", max(x, 1, true), numbers({3, 6}, {2, 1}));
  check_same("min", min(x), numbers({1}, {}));
  check_same("argmax", argmax(numbers({1, 3, 3, 5, 4, 5}, {2, 3})), whole({1, 0}, {2}));
  check_same("cumsum", cumsum(x, 1), numbers({1, 3, 6, 4, 9, 15}, {2, 3}));
  check_same("cumsum backwards", cumsum(x, 1, true), numbers({6, 5, 3, 15, 11, 6}, {2, 3}));
  check_same("where", where(x > 3, x, 0), numbers({0, 0, 0, 4, 5, 6}, {2, 3}));
  check_same("cast", cast(numbers({1.7, -1.7}, {2}), int64), whole({1, -1}, {2}));
  check_same("clip", clip(x, 2, 5), numbers({2, 2, 3, 4, 5, 5}, {2, 3}));
  check_same("matmul", matmul(x, transpose(x)), numbers({14, 32, 32, 77}, {2, 2}));
  check_same("matmul, b as it is stored", matmul(x, x, false, true),
             numbers({14, 32, 32, 77}, {2, 2}));
  check_same("take", take(x, -1), numbers({4, 5, 6}, {3}));
  check_same("integers", whole({1, 2}, {2}) * 3 + 1, whole({4, 7}, {2}));
  const Tensor most = tensor(std::vector<int32_t>{INT32_MAX, INT32_MIN}, {2}),
               least = tensor(std::vector<int32_t>{INT32_MIN}, {1});
  check_same("integers wrap around", most + 1,
             tensor(std::vector<int32_t>{INT32_MIN, INT32_MIN + 1}, {2}));
  check_same("a difference", most - 1, tensor(std::vector<int32_t>{INT32_MAX - 1, INT32_MAX}, {2}));
  check_same("a product", most * 2, tensor(std::vector<int32_t>{-2, 0}, {2}));
  check_same("a square", square(most), tensor(std::vector<int32_t>{1, 0}, {2}));
  check_same("a sum", sum(concat({most, most})), tensor(std::vector<int32_t>{-2}, {}));
  check_same("a running sum", cumsum(concat({least, least}), 0),
             tensor(std::vector<int32_t>{INT32_MIN, 0}, {2}));
  check_same("-least", -least, least);
  check_same("|least|", abs(least), least);
  check_same("sum of bools", sum(x > 2, 1), whole({1, 3}, {2}));
  check_same("arange of one", arange(2, 2.5, 1, float64), numbers({2}, {1}));
  check_same("arange of none", arange(2, 1, 1, float64), numbers({}, {0}));
  const int64_t odd = (int64_t{1} << 53) + 1;
  check_same("arange above 2^53", arange(0x1p53, 0x1p53 + 4, 1, int64),
             whole({odd - 1, odd, odd + 1, odd + 2}, {4}));
  check_same(
      "arange over most of int64", arange(-9e18, 9.1e18, 6e18, int64),
      whole({-9000000000000000000, -3000000000000000000, 3000000000000000000, 9000000000000000000},
            {4}));
  check_same("arange by halves, of integers", arange(0, 2, 0.5, int64), whole({0, 0, 1, 1}, {4}));
  check_same("arange backwards", arange(2, 0.5, -1, float64), numbers({2, 1}, {2}));
  check_same("softmax of nothing", softmax(zeros({2, 0})), zeros({2, 0}));
  check_same("logsumexp of nothing", logsumexp(zeros({2, 0}, float64)),
             numbers({-HUGE_VAL, -HUGE_VAL}, {2}));
  check_same("nothing at all", sum(zeros({0, 3}, float64), 0), numbers({0, 0, 0}, {3}));
  check_same("reshape of nothing", reshape(zeros({0, 3}), {0, -1}), zeros({0, 0}));
}

BOOST_AUTO_TEST_CASE(values_of_compositions) {
  const Tensor x = numbers({1, 2, 3, 1000, 1000, -1000}, {2, 3});
  const double total = std::exp(-2) + std::exp(-1) + 1;
  check_close("softmax", softmax(x),
              numbers({std::exp(-2) / total, std::exp(-1) / total, 1 / total, 0.5, 0.5, 0}, {2, 3}),
              1e-15);
  check_close("logsumexp", logsumexp(x), numbers({3 + std::log(total), 1000 + std::log(2)}, {2}),
              1e-15);
  check_close("log_softmax", log_softmax(slice(x, 0, 0, 1)),
              numbers({-2 - std::log(total), -1 - std::log(total), -std::log(total)}, {1, 3}),
              1e-15);
  check_close("var", var(slice(x, 0, 0, 1), 1), numbers({2.0 / 3}, {1}), 1e-15);
  check_close("layer_norm", layer_norm(slice(x, 0, 0, 1), {}, {}, 0),
              numbers({-std::sqrt(1.5), 0, std::sqrt(1.5)}, {1, 3}), 1e-15);
  const Tensor z = numbers({-2, -0.5, 0, 1}, {4});
  check_close("elu", elu(z), numbers({std::expm1(-2), std::expm1(-0.5), 0, 1}, {4}), 1e-15);
  check_close("gelu", gelu(z),  // x Phi(x), from tables of the normal distribution
              numbers({-0.04550026389635842, -0.15426876936299344, 0, 0.8413447460685429}, {4}),
              1e-14);
}

struct ActivationValue {
  const char* name;
  double at_minus_two, at_one_half;
};

BOOST_AUTO_TEST_CASE(values_of_activations) {
  const auto sigma = [](double x) { return 1 / (1 + std::exp(-x)); };
  const auto plus = [](double x) { return std::log1p(std::exp(x)); };
  const auto by_tanh = [](double x) {  // Hendrycks and Gimpel's approximation
    return x / 2 * (1 + std::tanh(std::sqrt(2 / std::acos(-1)) * (x + 0.044715 * x * x * x)));
  };
  const double scale = 1.0507009873554805, alpha = 1.6732632423543772;
  const ActivationValue values[] = {
      {"linear", -2, 0.5},
      {"", -2, 0.5},
      {"relu", 0, 0.5},
      {"tanh", std::tanh(-2), std::tanh(0.5)},
      {"sigmoid", sigma(-2), sigma(0.5)},
      {"softplus", plus(-2), plus(0.5)},
      {"softsign", -2.0 / 3, 1.0 / 3},
      {"elu", std::expm1(-2), 0.5},
      {"selu", scale * alpha * std::expm1(-2), scale * 0.5},
      {"silu", -2 * sigma(-2), 0.5 * sigma(0.5)},
      {"swish", -2 * sigma(-2), 0.5 * sigma(0.5)},
      {"mish", -2 * std::tanh(plus(-2)), 0.5 * std::tanh(plus(0.5))},
      {"exponential", std::exp(-2), std::exp(0.5)},
      {"leaky_relu", -0.4, 0.5},
      {"relu6", 0, 0.5},
      {"hard_sigmoid", -2.0 / 6 + 0.5, 0.5 / 6 + 0.5},
      {"hard_tanh", -1, 0.5},
      {"hard_silu", -2 * (-2.0 / 6 + 0.5), 0.5 * (0.5 / 6 + 0.5)},
      {"log_sigmoid", std::log(sigma(-2)), std::log(sigma(0.5))},
      {"gelu", -0.04550026389635842, 0.34573123063700656},
      {"gelu(approximate=true)", by_tanh(-2), by_tanh(0.5)},
      {"relu(negative_slope=0.1, max_value=0.25)", -0.2, 0.25},
      {"relu(threshold=1)", 0, 0},
      {"relu(0.5, inf, 1)", -1.5, -0.25},
      {"leaky_relu(0.1)", -0.2, 0.5},
      {" elu( alpha = 2 ) ", 2 * std::expm1(-2), 0.5},
      {"celu", std::expm1(-2), 0.5},
      {"celu(alpha=2)", 2 * std::expm1(-1), 0.5},
      {"hard_shrink", -2, 0},
      {"hard_shrink(0.25)", -2, 0.5},
      {"soft_shrink", -1.5, 0},
      {"soft_shrink(threshold=0.25)", -1.75, 0.25},
      {"tanh_shrink", -2 - std::tanh(-2), 0.5 - std::tanh(0.5)},
      {"threshold(0, 7)", 7, 0.5},
      {"threshold(default_value=-1, threshold=0.5)", -1, -1},
      {"squareplus", (-2 + std::sqrt(8)) / 2, (0.5 + std::sqrt(4.25)) / 2},
      {"squareplus(b=0)", 0, 0.5},
      {"sparse_plus", 0, 0.5625},
      {"sparse_sigmoid", 0, 0.75},
      {"softmax(axis=0)", sigma(-2.5), sigma(2.5)},
      {"log_softmax(0)", std::log(sigma(-2.5)), std::log(sigma(2.5))},
      {"sparsemax", 0, 1},
  };
  for (const ActivationValue& v : values)
    check_close(v.name, Activation(v.name)(numbers({-2, 0.5}, {2})),
                numbers({v.at_minus_two, v.at_one_half}, {2}), 1e-14);
  BOOST_TEST(Activation(nullptr).name() == "linear");
  BOOST_TEST(error_of([] { Activation("rleu"); })
                 .find("activation `rleu`: there is none by that name; "
                       "did you mean `relu`?\n  There are linear, relu, tanh") == 0u);
}

BOOST_AUTO_TEST_CASE(arguments_of_activations_that_do_not_fit_are_named) {
  const std::pair<const char*, const char*> errors[] = {
      {"leaky_relu(slope=0.1)",
       "it has no argument `slope`; did you mean `negative_slope`? It takes negative_slope."},
      {"tanh(1)", "it takes no arguments."},
      {"elu(1, 2)", "it has too many arguments."},
      {"elu(alpha=1, alpha=2)", "it has too many arguments."},
      {"threshold(1, threshold=2)", "`threshold` is given twice."},
      {"threshold(1)", "`default_value` is not given."},
      {"threshold", "`threshold` is not given."},
      {"elu(alpha=two)", "`alpha` is `two`, not a number."},
      {"elu(nan)", "`alpha` is `nan`, not a number."},
      {"softmax(axis=0.5)", "`axis` is `0.5`, not an integer."},
      {"elu(1", "its parenthesis is not closed."},
  };
  for (const auto& [text, why] : errors)
    BOOST_TEST(error_of([&made = text] { Activation refused(made); }) ==
               std::string("activation `") + text + "`: " + why);
}

// From Martins and Astudillo (2016): the sorted sums by hand.
BOOST_AUTO_TEST_CASE(sparsemax_is_the_nearest_point_of_the_simplex) {
  const double infinity = std::numeric_limits<double>::infinity(), none = std::nan("");
  const std::pair<std::vector<double>, std::vector<double>> cases[] = {
      {{0.1, 1.1, 0.2}, {0, 0.95, 0.05}},
      {{1, 2, 3}, {0, 0, 1}},
      {{2, 2, 2}, {1.0 / 3, 1.0 / 3, 1.0 / 3}},
      {{0.5, 0.25, 0.5}, {5.0 / 12, 1.0 / 6, 5.0 / 12}},
      {{-1e6, -1e6, -1e6 + 0.5}, {0.25 / 1.5, 0.25 / 1.5, 1 / 1.5}},
      {{-infinity, 0, 0.5}, {0, 0.25, 0.75}},
      {{none, 0, 1}, {none, none, none}},
  };
  for (const auto& [x, y] : cases) {
    const Tensor column = numbers(x, {3, 1}), expected = numbers(y, {3, 1});
    check_close("along the first axis", sparsemax(column, 0), expected, 1e-9);
    check_close("along the last", sparsemax(transpose(column)), transpose(expected), 1e-9);
  }
  BOOST_TEST((sparsemax(zeros({2, 0})).shape() == Shape{2, 0}));
  const Tensor of_gates = normal(4, 6)(3), parts = sparsemax(of_gates);
  check_close("shares", sum(parts, -1), ones({4}, float64), 1e-14);
  check_close("glu", Activation("glu")(of_gates),
              slice(of_gates, 1, 0, 3) * sigmoid(slice(of_gates, 1, 3, 6)), 1e-15);
  check_close("glu along the first axis", Activation("glu(axis=0)")(of_gates),
              slice(of_gates, 0, 0, 2) * sigmoid(slice(of_gates, 0, 2, 4)), 1e-15);
}

BOOST_AUTO_TEST_CASE(extreme_values) {
  const double huge = 1e4, infinity = std::numeric_limits<double>::infinity();
  const Tensor x = numbers({-huge, huge}, {2});
  check_same("sigmoid", sigmoid(x), numbers({0, 1}, {2}));
  check_same("softplus", softplus(x), numbers({0, huge}, {2}));
  check_same("tanh", tanh(x), numbers({-1, 1}, {2}));
  check_same("a small sigmoid", sigmoid(numbers({-700}, {1})), numbers({std::exp(-700)}, {1}));
  const Tensor nan = numbers({std::nan("")}, {1});
  for (const Tensor& y :
       {maximum(nan, 1), maximum(numbers({1}, {1}), nan), minimum(nan, 1),
        minimum(numbers({1}, {1}), nan), relu(nan), max(nan), abs(nan), sign(nan)})
    BOOST_TEST(std::isnan(y.item()));
  check_same("divide by 0", numbers({1}, {1}) / 0, numbers({infinity}, {1}));
}

BOOST_AUTO_TEST_CASE(integers_beside_a_number) {
  const double infinity = std::numeric_limits<double>::infinity();
  const Tensor x = numbers({-2.5, -0.5, 0.5, 1.5, 2.5, -infinity}, {6});
  check_same("floor", floor(x), numbers({-3, -1, 0, 1, 2, -infinity}, {6}));
  check_same("ceil", ceil(x), numbers({-2, -0.0, 1, 2, 3, -infinity}, {6}));
  check_same("round", round(x), numbers({-2, -0.0, 0, 2, 2, -infinity}, {6}));
  const Tensor whole = tensor(std::vector<int64_t>{(int64_t{1} << 53) + 1, -7}, {2});
  for (const Tensor& y : {floor(whole), ceil(whole), round(whole)})
    check_same("of integers", y, whole);
  check_same(
      "mod",
      mod(numbers({7, -7, 7, -7, 6, 5, -0.5}, {7}), numbers({3, 3, -3, -3, 3, infinity, 360}, {7})),
      numbers({1, 2, -2, -1, 0, 5, 359.5}, {7}));
  BOOST_TEST(std::isnan(mod(numbers({1}, {1}), 0).item()));
  BOOST_TEST(std::isnan(floor(numbers({std::nan("")}, {1})).item()));
}

BOOST_AUTO_TEST_CASE(functions_of_ops) {
  const Tensor tiny = numbers({1e-12, -1e-12}, {2});
  check_same("expm1", expm1(tiny), numbers({1e-12 + 5e-25, -1e-12 + 5e-25}, {2}));
  check_same("log1p", log1p(tiny), numbers({1e-12 - 5e-25, -1e-12 - 5e-25}, {2}));
  check_same("log_sigmoid", log_sigmoid(numbers({-1000, 0}, {2})),
             numbers({-1000, -std::log(2)}, {2}));
  const Tensor x = numbers({1, -3}, {1, 2});
  check_close("silu", silu(x), numbers({1 / (1 + std::exp(-1)), -3 / (1 + std::exp(3))}, {1, 2}),
              1e-15);
  check_same("softsign", softsign(x), numbers({0.5, -0.75}, {1, 2}));
  check_same("rsqrt", rsqrt(numbers({4, 0}, {2})),
             numbers({0.5, std::numeric_limits<double>::infinity()}, {2}));
  check_close("rms_norm", rms_norm(x, numbers({2, 1}, {2}), 0.5),
              numbers({2 / std::sqrt(5.5), -3 / std::sqrt(5.5)}, {1, 2}), 1e-15);
}

// A function at one point: its value, gradient and the gradient of that, by formula or limit.
struct EdgeCase {
  const char* name;
  std::function<Tensor(const Tensor&)> f;
  std::vector<double> x, y, first, second;
};

BOOST_AUTO_TEST_CASE(values_and_gradients_at_infinities) {
  const double inf = std::numeric_limits<double>::infinity(), nan = std::nan("");
  using T = const Tensor&;
  const auto log_sum = [](T x) { return logsumexp(x, -1, true); };
  const auto weighted = [](T y) { return y * numbers({1, 3}, {2}); };
  const double p = 1 / (1 + std::exp(-1)), q = 1 - p;  // softmax({1, 0})
  const EdgeCase cases[] = {
      {"logsumexp of -inf", log_sum, {-inf, -inf}, {-inf}, {0, 0}, {0, 0}},
      {"logsumexp of one -inf", log_sum, {-inf, 2}, {2}, {0, 1}, {0, 0}},
      {"logsumexp with -inf", log_sum, {1, -inf, 0}, {1 - std::log(p)}, {p, 0, q}, {0, 0, 0}},
      {"logsumexp of inf", log_sum, {inf, 0}, {inf}, {nan, 0}, {nan, nan}},
      {"logsumexp of NaN", log_sum, {nan, 0}, {nan}, {nan, nan}, {nan, nan}},
      {"logaddexp",
       [&](T x) {
         return logsumexp(stack({x, x}), 0);
       },
       {-inf, 3},
       {-inf, 3 + std::log(2)},
       {0, 1},
       {0, 0}},
      {"softmax with -inf",
       [&](T x) { return weighted(softmax(x)); },
       {-inf, 2},
       {0, 3},
       {0, 0},
       {0, 0}},
      {"softmax of -inf",
       [](T x) { return softmax(x); },
       {-inf, -inf},
       {nan, nan},
       {nan, nan},
       {nan, nan}},
      {"log_softmax with -inf",
       [](T x) { return log_softmax(x); },
       {-inf, 2},
       {-inf, 0},
       {1, -1},
       {0, 0}},
      {"log_softmax of -inf",
       [](T x) { return log_softmax(x); },
       {-inf, -inf},
       {nan, nan},
       {1, 1},
       {0, 0}},
      {"softplus",
       [](T x) { return softplus(x); },
       {-inf, inf, nan},
       {0, inf, nan},
       {0, 1, nan},
       {0, 0, nan}},
      {"log_sigmoid",
       [](T x) { return -softplus(-x); },
       {-inf, inf, nan},
       {-inf, 0, nan},
       {1, 0, nan},
       {0, 0, nan}},
      {"sigmoid",
       [](T x) { return sigmoid(x); },
       {-inf, inf, nan},
       {0, 1, nan},
       {0, 0, nan},
       {0, 0, nan}},
      {"tanh",
       [](T x) { return tanh(x); },
       {-inf, inf, nan},
       {-1, 1, nan},
       {0, 0, nan},
       {0, 0, nan}},
      {"exp",
       [](T x) { return exp(x); },
       {-inf, inf, nan},
       {0, inf, nan},
       {0, inf, nan},
       {0, inf, nan}},
      {"relu", [](T x) { return relu(x); }, {-inf, inf, nan}, {0, inf, nan}, {0, 1, 1}, {0, 0, 0}},
      {"clip",
       [](T x) { return clip(x, -1, 1); },
       {-inf, inf, nan},
       {-1, 1, nan},
       {0, 0, 1},
       {0, 0, 0}},
      {"elu",
       [](T x) { return elu(x); },
       {-inf, inf, nan},
       {-1, inf, nan},
       {0, 1, nan},
       {0, 0, nan}},
      {"a power of infinity",
       [](T x) { return pow(full({1}, HUGE_VAL, float64), x); },
       {-1},
       {0},
       {0},
       {0}},
      {"where",
       [](T x) { return where(abs(x) < 9, square(x), 0); },
       {-inf, inf, nan, 3},
       {0, 0, 0, 9},
       {nan, nan, nan, 6},
       {0, 0, 0, 2}},
      {"where before and behind",
       [](T x) {
         const Tensor ok = x > 0;
         return where(ok, log(where(ok, x, 1)), 0);
       },
       {-inf, nan, 0, 2},
       {0, 0, 0, std::log(2)},
       {0, 0, 0, 0.5},
       {0, 0, 0, -0.25}},
      {"the greatest",
       [](T x) { return max(x, 0, true) * 2; },
       {-inf, 1, inf},
       {inf},
       {0, 0, 2},
       {0, 0, 0}},
  };
  for (const EdgeCase& c : cases) {
    const auto expected = [](const std::vector<double>& values) {
      return numbers(values, {static_cast<int64_t>(values.size())});
    };
    const Tensor x = parameter(expected(c.x)), y = c.f(x), first = gradient(sum(y), {x})[0];
    check_close(c.name, y, expected(c.y), 1e-15);
    check_close(std::string(c.name) + ", gradient", first, expected(c.first), 1e-15);
    if (!first.tracked()) continue;
    check_close(std::string(c.name) + ", second order", gradient(sum(first), {x})[0],
                expected(c.second), 1e-15);
  }
}

BOOST_AUTO_TEST_CASE(gradients_where_two_answers_are_possible) {
  const auto gradient_at = [](const Tensor& at, const std::function<Tensor(const Tensor&)>& f) {
    const Tensor x = parameter(at);
    return gradient(f(x), {x})[0];
  };
  check_same("ties of max share",
             gradient_at(numbers({2, 1, 2}, {3}), [](auto& x) { return max(x); }),
             numbers({0.5, 0, 0.5}, {3}));
  check_same("ties of min over two axes share",
             gradient_at(numbers({1, 2, 1, 3, 1, 1, 2, 4}, {2, 4}), [](auto& x) { return min(x); }),
             numbers({0.25, 0, 0.25, 0, 0.25, 0.25, 0, 0}, {2, 4}));
  // If both operands are equal, the two together get the gradient once.
  const auto with_itself = [](Tensor (*f)(const Tensor&, const Tensor&)) {
    return [f](const Tensor& x) { return f(x + 0, x * 1); };
  };
  check_same("ties of maximum", gradient_at(numbers({2}, {1}), with_itself(maximum)),
             numbers({1}, {1}));
  check_same("ties of minimum", gradient_at(numbers({2}, {1}), with_itself(minimum)),
             numbers({1}, {1}));
  check_same("pow at 0",
             gradient_at(numbers({0, 0, 0}, {3}),
                         [](auto& x) {
                           return pow(x, numbers({0, 1, 2}, {3}));
                         }),
             numbers({0, 1, 0}, {3}));
  check_same("exponents of 0 and of a negative number",
             gradient_at(numbers({0, 2, 2, 3}, {4}),
                         [](auto& x) {
                           return pow(numbers({0, 0, -2, -2}, {4}), x);
                         }),
             numbers({0, 0, 0, 0}, {4}));
  check_same("relu at 0", gradient_at(numbers({0}, {1}), [](auto& x) { return relu(x); }),
             numbers({0}, {1}));
  check_same("clip at its border",
             gradient_at(numbers({-1, 1, 2}, {3}), [](auto& x) { return clip(x, -1, 1); }),
             numbers({1, 1, 0}, {3}));
  check_same("elu at 0", gradient_at(numbers({0}, {1}), [](auto& x) { return elu(x); }),
             numbers({1}, {1}));
  check_same("stop_gradient",
             gradient_at(numbers({3}, {1}), [](auto& x) { return x * stop_gradient(x); }),
             numbers({3}, {1}));
  check_close("a sure softmax",
              gradient_at(numbers({1000, -1000}, {2}), [](auto& x) { return take(softmax(x), 0); }),
              numbers({0, 0}, {2}), 0);
}

// --- Errors -------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(errors_say_the_rule_and_the_operands) {
  const Tensor a = zeros({2, 3}), b = parameter(zeros({4, 5}), "lstm/kernel");
  BOOST_TEST(error_of<ShapeError>([&] { matmul(a, b); }) ==
             "matmul: inner sizes differ\n  a  [2, 3] float32\n  b  [4, 5] float32   lstm/kernel\n"
             "  The last axis of a (3) must equal the second to last axis of b (4).");
  BOOST_TEST(
      error_of<ShapeError>([&] { add(a, b); }) ==
      "add: shapes do not broadcast\n  a  [2, 3] float32\n  b  [4, 5] float32   lstm/kernel\n"
      "  Axis -1 is 3 in one and 5 in the other; extents must be equal, or 1.");
  BOOST_TEST(error_of<ShapeError>([&] { add(a, zeros({3}, float64)); }) ==
             "add: dtypes differ\n  a  [2, 3] float32\n  b  [3] float64\n"
             "  One operand is float32, the other float64; cast(x, float32) makes them agree.");
  BOOST_TEST(error_of<ShapeError>([&] {
               cross_entropy(zeros({2, 3}), whole({0, 3}, {2}));
             }) == "cross_entropy: the label 3 is not one of 3 classes.");
  BOOST_TEST(
      error_of<ShapeError>([&] {
        cross_entropy(zeros({2, 3}), whole({0}, {1}));
      }) ==
      "cross_entropy: one label is needed for each row\n  a  [2, 3] float32\n  b  [1] int64\n"
      "  The shape of b must be that of a without its last axis.");
  BOOST_TEST(error_of<ShapeError>([&] { exp(whole({1}, {1})); }) ==
             "exp: needs float32 or float64\n  a  [1] int64\n  cast(x, float32) makes it so.");
  BOOST_TEST(error_of<ShapeError>([&] {
               reshape(a, {4, -1});
             }) ==
             "reshape: counts differ\n  a  [2, 3] float32\n"
             "  [2, 3] has 6 elements, which do not make [4, -1].");
  BOOST_TEST(error_of<ShapeError>([&] {
               concat({a, zeros({3, 3})}, 1);
             }) ==
             "concat: shapes differ beside the axis\n  a  [2, 3] float32\n  b  [3, 3] float32\n"
             "  All axes but -1 must be equal.");
  BOOST_TEST(error_of<ShapeError>([&] {
               split(a, {1, 1});
             }) ==
             "split: the sizes do not sum to the extent\n  a  [2, 3] float32\n"
             "  They make 2; the axis has 3.");
  BOOST_TEST(error_of<ShapeError>([&] { where(a, a, a); }) ==
             "where: the condition must be bool\n  a  [2, 3] float32\n  b  [2, 3] float32\n"
             "  c  [2, 3] float32\n  A comparison (x > 0) or cast(x, bool_) makes it so.");
  BOOST_TEST(error_of<ShapeError>([&] {
               broadcast_to(a, {3, 2});
             }).find("[2, 3] does not broadcast to [3, 2]") != std::string::npos);
  BOOST_TEST(error_of<ShapeError>([&] { tempo::apply(*find_op("add"), Tensors{a}); }) ==
             "add: needs 2 inputs, got 1\n  a  [2, 3] float32");
}

// --- Defaults, randomness, initializers ---------------------------------------------------------

BOOST_AUTO_TEST_CASE(the_default_dtype) {
  BOOST_TEST((zeros({2}).dtype() == float32));
  set_default_dtype(float64);
  BOOST_TEST((zeros({2}).dtype() == float64));
  BOOST_TEST((randn({2}).dtype() == float64));
  set_default_dtype(float32);
  BOOST_TEST(error_of([] { set_default_dtype(int64); }) ==
             "set_default_dtype: int64; it must be float32 or float64.");
}

BOOST_AUTO_TEST_CASE(seeds_decide_the_numbers) {
  set_seed(3);
  const Tensor first = randn({5, 7}), second = randn({5, 7});
  set_seed(3);
  check_same("the same seed", randn({5, 7}), first);
  BOOST_TEST(max(abs(first - second)).item() > 0.1);
  set_seed(0);
  BOOST_TEST(max(abs(randn({5, 7}) - random_normal({5, 7}, 0, 1, float32, 0))).item() > 0.1);
  const Tensor dropped = dropout(ones({10000}), 0.25, 1);
  BOOST_TEST(std::abs(mean(dropped).item() - 1) < 0.02);
  check_same("dropout scales", max(dropped), tensor(std::vector<double>{4.0 / 3}, {}));
}

BOOST_AUTO_TEST_CASE(a_shape_of_one_axis_is_a_shape) {
  const int64_t n = 10;
  const Tensor each[] = {random_uniform({10}, -1, 1),
                         random_uniform({10}, -1, 1, float64),
                         random_uniform({10}, -1, 1, float64, 3),
                         random_uniform({n}, 0.5, 2),
                         random_normal({10}, 0, 1),
                         random_normal({10}, 0, 1, float32, 3),
                         truncated_normal({10}, 0, 1),
                         truncated_normal({10}),
                         truncated_normal({n}, 1, 2, float64, 3),
                         full({10}, 1),
                         randn({10})};
  for (const Tensor& x : each) BOOST_TEST((x.shape() == Shape{10}));
  BOOST_TEST(max(each[0]).item() < 1);
  BOOST_TEST(min(each[0]).item() < 0);
  BOOST_TEST(max(abs(truncated_normal({1000}, 0, 1, float64, 3))).item() <= 2);
  check_same("a seed", random_normal({10}, 1, 2, float64, 3),
             1 + 2 * random_normal({10}, 0, 1, float64, 3));
}

struct InitializerCase {
  Initializer initializer;
  double mean, deviation, limit;  // no value lies further from the mean than `limit`
};

BOOST_AUTO_TEST_CASE(initializers_have_their_moments) {
  const double infinity = std::numeric_limits<double>::infinity(), cut = 0.87962566103423978;
  const double in = 200, out = 300;  // the kernel is [200, 300]
  const auto uniform = [](const Initializer& name, double limit) {
    return InitializerCase{name, 0, limit / std::sqrt(3), limit};
  };
  const auto truncated = [&](const Initializer& name, double deviation) {
    return InitializerCase{name, 0, deviation, 2 * deviation / cut};
  };
  const InitializerCase cases[] = {
      {zeros(), 0, 0, 0},
      {ones(), 1, 0, 0},
      {"one", 1, 0, 0},
      {constant(0.1), 0.1, 0, 1e-7},
      {"constant(0.1)", 0.1, 0, 1e-7},
      {"constant( value = 0.1 )", 0.1, 0, 1e-7},
      {"Constant(0.1)", 0.1, 0, 1e-7},
      {"random_normal", 0, 0.05, infinity},
      {random_normal(2, 0.5), 2, 0.5, infinity},
      {"truncated_normal", 0, 0.05 * cut, 0.1},
      {truncated_normal(1, 0.5, 3), 1, 0.5 * cut, 1},
      uniform("uniform", 0.05),
      uniform(random_uniform(-2, 2, 1), 2),
      uniform("RandomUniform(-2, 2, seed=1)", 2),
      uniform(glorot_uniform(), std::sqrt(6 / (in + out))),
      uniform("GlorotUniform", std::sqrt(6 / (in + out))),
      uniform("he_uniform", std::sqrt(6 / in)),
      uniform("lecun_uniform", std::sqrt(3 / in)),
      truncated("glorot_normal", std::sqrt(2 / (in + out))),
      truncated("he_normal", std::sqrt(2 / in)),
      truncated(lecun_normal({.seed = 5}), std::sqrt(1 / in)),
      uniform(variance_scaling({.scale = 3, .mode = "fan_out", .distribution = "uniform"}),
              std::sqrt(9 / out)),
      {"variance_scaling(2, fan_avg, untruncated_normal)", 0, std::sqrt(2 / ((in + out) / 2)),
       infinity},
  };
  set_seed(1);
  for (const InitializerCase& c : cases) {
    const std::string& name = c.initializer.text();
    const Tensor x = c.initializer({200, 300}, float64);
    const double centre = mean(x).item(), deviation = std::sqrt(var(x).item());
    BOOST_TEST(std::abs(centre - c.mean) <= 0.02 * c.deviation + 1e-15,
               name << ": mean " << centre);
    BOOST_TEST(std::abs(deviation - c.deviation) <= 0.01 * c.deviation + 1e-15,
               name << ": deviation " << deviation);
    BOOST_TEST(max(abs(x - c.mean)).item() <= c.limit * (1 + 1e-12), name << " reaches too far");
  }
}

BOOST_AUTO_TEST_CASE(initializers_with_structure) {
  const Tensor wide = orthogonal({3, 12}), tall = orthogonal({7, 3}, float64);
  check_close("rows", matmul(wide, wide, false, true), Initializer("identity")({3, 3}), 1e-6);
  check_close("columns", matmul(tall, tall, true, false), Initializer("identity")({3, 3}, float64),
              1e-14);
  const Tensor scaled = Initializer(orthogonal(2))({4, 4}, float64);
  check_close("gain", matmul(scaled, scaled, true, false), identity(4)({4, 4}, float64), 1e-14);
  check_same("a seed", glorot_uniform({.seed = 3})({3, 4}), glorot_uniform({.seed = 3})({3, 4}));
  check_same("identity", identity(2)({2, 3}, float64), numbers({2, 0, 0, 0, 2, 0}, {2, 3}));
  BOOST_TEST((identity({2, 3}).shape() == Shape{2, 3}));
  BOOST_TEST(truncated_normal(1, 2).text() == "truncated_normal(mean=1, stddev=2)");
  BOOST_TEST(random_normal(0, 1).text() == "random_normal(mean=0, stddev=1)");
  BOOST_TEST(random_uniform(-0.1, 0.1, 3).text() ==
             "random_uniform(minval=-0.1, maxval=0.1, seed=3)");
  BOOST_TEST((glorot_uniform({3, 4}).shape() == Shape{3, 4}));
  for (const char* name : {"Identity(2)", "IDENTITY(2)", " identity( gain = '2' ) "})
    check_same(name, Initializer(name)({2, 2}), identity(2)({2, 2}));
}

BOOST_AUTO_TEST_CASE(errors_of_initializers) {
  const auto text = [](const Initializer& of) { return error_of([&] { of({2, 2}); }); };
  BOOST_TEST(text("glorot_unifrom")
                 .find("initializer `glorot_unifrom`: there is none by that name; did "
                       "you mean `glorot_uniform`?\n  There are constant, ") == 0u);
  BOOST_TEST(text("constant(valeu=1)") ==
             "initializer `constant(valeu=1)`: it has no argument `valeu`; did you mean `value`? "
             "It takes value.");
  BOOST_TEST(text("constant(mu=1)") ==
             "initializer `constant(mu=1)`: it has no argument `mu`. It takes value.");
  BOOST_TEST(text("") == "initializer ``: it has no name.");
  BOOST_TEST(text("constant(a)") == "initializer `constant(a)`: `value` is `a`, not a number.");
  BOOST_TEST(text("constant(1, 2)") == "initializer `constant(1, 2)`: it has too many arguments.");
  BOOST_TEST(text("constant(1, value=2)") ==
             "initializer `constant(1, value=2)`: `value` is given twice.");
  BOOST_TEST(text("random_uniform(maxval=1, 0.5)") ==
             "initializer `random_uniform(maxval=1, 0.5)`: `maxval` is given twice.");
  BOOST_TEST(text("glorot_uniform(seed=1.5)") ==
             "initializer `glorot_uniform(seed=1.5)`: `seed` is `1.5`, not an integer.");
  BOOST_TEST(text("glorot_uniform(seed=9223372036854775808)") ==
             "initializer `glorot_uniform(seed=9223372036854775808)`: `seed` is "
             "`9223372036854775808`, which does not fit into 64 bits.");
  BOOST_TEST(text("constant(nan)") ==
             "initializer `constant(nan)`: `value` is `nan`, not a number.");
  BOOST_TEST(text(orthogonal(NAN)) ==
             "initializer `orthogonal(gain=nan)`: `gain` is `nan`, not a number.");
  BOOST_TEST(text(identity(HUGE_VAL)) ==
             "initializer `identity(gain=inf)`: `gain` must be finite.");
  BOOST_TEST(text(random_normal(0, -1)) ==
             "initializer `random_normal(mean=0, stddev=-1)`: `stddev` must not be below 0.");
  BOOST_TEST(text(truncated_normal(0, HUGE_VAL)) ==
             "initializer `truncated_normal(mean=0, stddev=inf)`: `stddev` must be finite.");
  BOOST_TEST(text(random_uniform(1, -1)) ==
             "initializer `random_uniform(minval=1, maxval=-1)`: `minval` must not be above "
             "`maxval`.");
  BOOST_TEST(text("variance_scaling(scale=inf)") ==
             "initializer `variance_scaling(scale=inf)`: `scale` must be finite.");
  BOOST_TEST(text("variance_scaling(scale=-1)") ==
             "initializer `variance_scaling(scale=-1)`: `scale` must be above 0.");
  BOOST_TEST(text("zeros(1)") == "initializer `zeros(1)`: it has too many arguments.");
  BOOST_TEST(text("constant(1") == "initializer `constant(1`: its parenthesis is not closed.");
  BOOST_TEST(error_of([] {
               orthogonal()({3});
             }).find("it needs two axes or more, not [3] float32.") != std::string::npos);
}

}  // namespace
}  // namespace tempo
