// SPDX-License-Identifier: Apache-2.0
// The full texts of errors that users read, in one place. For losses, optimizers and fit see
// training_test; for plugins, plugin_test.
#define BOOST_TEST_MODULE errors
#include <climits>
#include <functional>

#include <tempo/tempo.hpp>

#include "testing.hpp"

using namespace tempo;
using tempo::testing::error_of;

namespace {

enum Kind { plain, shape, plugin };

struct Case {
  const char* name;
  Kind kind;
  std::function<void()> fails;
  const char* text;
};

template <std::size_t N>
void check(const Case (&cases)[N]) {
  for (const Case& c : cases) BOOST_TEST_CONTEXT(c.name) {
      BOOST_CHECK_EQUAL(c.kind == shape    ? error_of<ShapeError>(c.fails)
                        : c.kind == plugin ? error_of<PluginError>(c.fails)
                                           : error_of(c.fails),
                        c.text);
    }
}

Tensor f32(const Shape& s) { return ones(s, float32); }
Tensor f64(const Shape& s) { return ones(s, float64); }
Tensor i32(const Shape& s) { return ones(s, int32); }

// --- a model in parts, as users write it: the paths of its weights are what errors name

struct EncoderOptions {
  int units = 4;
};
void describe(auto& option, EncoderOptions& o) { option("units", o.units, "Size of the output."); }
struct Encoder : LayerOf<EncoderOptions> {
  Encoder(EncoderOptions o = {}) : LayerOf(o), lstm(LSTM({.units = options.units})) {}
  void add_children(Children& add) { add(lstm); }
  Tensor call(const Tensor& x, const CallOptions&) { return lstm(x); }
  Layer lstm;
};

// --- cells with one mistake each

struct CellOptions {
  int units = 3;
  std::string how = "";
};
void describe(auto& option, CellOptions& o) {
  option("units", o.units, "Size of the state.");
  option("how", o.how, "What is wrong.");
}
struct Wrong : Cell<CellOptions> {
  using Cell::Cell;
  Step step(const Tensor& x, const State& s) const {
    const Tensor& h = s[0];
    if (options.how == "item") return {.output = h * sum(x).item(), .state = s};
    if (options.how == "if") {
      if (h.element(0) > 0) return {.output = x, .state = s};
    }
    if (options.how == "data") return {.output = h * h.data<float>()[0], .state = s};
    if (options.how == "third state") return {.output = s[2], .state = s};
    if (options.how == "as") return {.output = s.as<2>()[0], .state = s};
    if (options.how == "assign") assign(weight, h);
    if (options.how == "another output") {
      static int calls = 0;
      return {.output = calls++ > 0 ? 2 * h : h, .state = s};
    }
    if (options.how == "wide") return {.output = h, .state = {concat({h, h})}};
    return {.output = h, .state = s};
  }
  Tensor weight = parameter(zeros({2, 3}), "w");
};
// Cells that ask their call for something, or are asked.
struct Asking : Cell<CellOptions> {
  using Cell::Cell;
  State initial(const StepCall&) const {
    if (options.how == "no first state") return {};
    if (options.how == "wide first state") return {f32({2, 4})};
    return {Tensor{}};
  }
  Tensors once(const StepCall& call) const {
    if (options.how == "constant once") return {call.constants[0]};
    if (options.how == "nothing once") return {Tensor{}};
    return {};
  }
  Step step(const Tensor& x, const State& s, const StepCall& call) const {
    if (options.how == "constant") return {.output = x + call.constants[1], .state = s};
    if (options.how == "once") return {.output = x + call.once[0], .state = s};
    return {.output = x, .state = s};
  }
};
struct Two : Cell<CellOptions> {
  using Cell::Cell;
  static constexpr int sequence_count = 2;
  Step step(const Tensors& x, const State& s) const { return {.output = x[0], .state = s}; }
};
std::function<void()> asks(const char* how) {
  return [how] { RNN(Asking({.how = how}))(f32({2, 5, 4}), {.constants = {f32({1})}}); };
}

std::function<void()> runs(const char* how) {
  return [how] { RNN(Wrong({.how = how}))(f32({2, 5, 4})); };
}

Tensor escaped;

const Step keep_state(const Tensor& x, const State& s) { return {.output = x, .state = s}; }

}  // namespace

BOOST_AUTO_TEST_CASE(shapes_and_dtypes_that_do_not_fit_an_op) {
  const Case cases[] = {
      {"matmul", shape,
       [] {
         matmul(f32({32, 20, 8}), parameter(f32({16, 256}), "encoder/lstm/kernel"));
       },
       "matmul: inner sizes differ\n"
       "  a  [32, 20, 8] float32\n"
       "  b  [16, 256] float32   encoder/lstm/kernel\n"
       "  The last axis of a (8) must equal the second to last axis of b (16)."},
      {"matmul, transposed", shape,
       [] {
         matmul(f32({3, 4}), f32({5, 6}), true, false);
       },
       "matmul: inner sizes differ\n"
       "  a  [3, 4] float32\n"
       "  b  [5, 6] float32\n"
       "  The second to last axis of a (3) must equal the second to last axis of b (5)."},
      {"matmul of a vector", shape,
       [] {
         matmul(f32({3, 4}), f32({4}));
       },
       "matmul: needs two axes or more\n"
       "  a  [3, 4] float32\n"
       "  b  [4] float32\n"
       "  expand_dims(x, 0) makes a row of a vector."},
      {"matmul of batches", shape,
       [] {
         matmul(f32({2, 3, 4}), f32({5, 4, 6}));
       },
       "matmul: leading axes do not broadcast\n"
       "  a  [2, 3, 4] float32\n"
       "  b  [5, 4, 6] float32\n"
       "  All axes but the last two must be equal, or 1."},
      {"add", shape,
       [] {
         f32({2, 3}) + f32({2, 4});
       },
       "add: shapes do not broadcast\n"
       "  a  [2, 3] float32\n"
       "  b  [2, 4] float32\n"
       "  Axis -1 is 3 in one and 4 in the other; extents must be equal, or 1."},
      {"float32 with float64", shape,
       [] {
         f32({2, 3}) * f64({2, 3});
       },
       "multiply: dtypes differ\n"
       "  a  [2, 3] float32\n"
       "  b  [2, 3] float64\n"
       "  One operand is float32, the other float64; cast(x, float32) makes them agree."},
      {"float32 with int32", shape, [] { i32({2}) - f32({2}); },
       "subtract: dtypes differ\n"
       "  a  [2] int32\n"
       "  b  [2] float32\n"
       "  One operand is int32, the other float32; cast(x, float32) makes them agree."},
      {"matmul of integers", shape,
       [] {
         matmul(i32({2, 2}), i32({2, 2}));
       },
       "matmul: needs float32 or float64\n"
       "  a  [2, 2] int32\n"
       "  b  [2, 2] int32\n"
       "  cast(x, float32) makes it so."},
      {"where", shape, [] { where(f32({2}), f32({2}), f32({2})); },
       "where: the condition must be bool\n"
       "  a  [2] float32\n"
       "  b  [2] float32\n"
       "  c  [2] float32\n"
       "  A comparison (x > 0) or cast(x, bool_) makes it so."},
      {"no such axis", shape,
       [] {
         sum(f32({2, 3}), 2);
       },
       "sum: axis 2 of a tensor with 2 axes.\n"
       "  It must lie in [-2, 1]."},
      {"softmax", shape,
       [] {
         softmax(f32({2, 3}), -3);
       },
       "softmax: axis -3 of a tensor with 2 axes.\n"
       "  It must lie in [-2, 1]."},
      {"logsumexp", shape,
       [] {
         logsumexp(f32({2, 3}), 2);
       },
       "logsumexp: axis 2 of a tensor with 2 axes.\n"
       "  It must lie in [-2, 1]."},
      {"an axis of a tensor without axes", shape, [] { reverse(f32({}), 0); },
       "reverse: axis 0 of a tensor with no axes."},
      {"an axis named twice", shape,
       [] {
         sum(f32({2, 3}), {0, -2});
       },
       "sum: axis -2, counted from the end, is named twice\n"
       "  a  [2, 3] float32"},
      {"a softmax of integers", shape,
       [] {
         softmax(i32({2, 3}));
       },
       "softmax: needs float32 or float64, got [2, 3] int32.\n"
       "  cast(x, float32) makes it so."},
      {"a layer_norm of integers", shape,
       [] {
         layer_norm(i32({2, 3}));
       },
       "layer_norm: needs float32 or float64, got [2, 3] int32.\n"
       "  cast(x, float32) makes it so."},
      {"a dropout of integers", shape,
       [] {
         dropout(i32({2, 3}), 0.5);
       },
       "dropout: needs float32 or float64, got [2, 3] int32.\n"
       "  cast(x, float32) makes it so."},
      {"reshape", shape,
       [] {
         reshape(f32({2, 3}), {4, 2});
       },
       "reshape: counts differ\n"
       "  a  [2, 3] float32\n"
       "  [2, 3] has 6 elements, which do not make [4, 2]."},
      {"reshape with two unknowns", shape,
       [] {
         reshape(f32({2, 3}), {-1, -1});
       },
       "reshape: cannot become [-1, -1]\n"
       "  a  [2, 3] float32\n"
       "  Extents are at least 0; one of them may be -1."},
      {"reshape to a count that overflows", shape,
       [] {
         reshape(f32({2, 3}), {int64_t{1} << 32, int64_t{1} << 32, -1});
       },
       "reshape: counts differ\n"
       "  a  [2, 3] float32\n"
       "  [2, 3] has 6 elements, which do not make [4294967296, 4294967296, -1]."},
      {"broadcast_to a count that overflows", shape,
       [] {
         broadcast_to(f32({1, 3}), {int64_t{1} << 62, 3});
       },
       "broadcast_to: [4611686018427387904, 3] has more elements than 64 bits can address.\n"
       "  a  [1, 3] float32\n"
       "  Is one of its extents a product that overflowed, or a size in bytes?"},
      {"a one_hot that overflows", shape, [] { one_hot(i32({4}), int64_t{1} << 62); },
       "one_hot: [4, 4611686018427387904] has more elements than 64 bits can address.\n"
       "  a  [4] int32\n"
       "  Is one of its extents a product that overflowed, or a size in bytes?"},
      {"a pad that overflows", shape,
       [] {
         pad(f32({0, 2}), 0, INT64_MAX, INT64_MAX);
       },
       "pad: an axis cannot have 9223372036854775807 + 9223372036854775807 elements: 64 bits do "
       "not count as many\n"
       "  a  [0, 2] float32"},
      {"a concat that overflows", shape,
       [] {
         const Tensor empty = f32({int64_t{1} << 62, 0});
         concat({empty, empty}, 0);
       },
       "concat: an axis cannot have 4611686018427387904 + 4611686018427387904 elements: 64 bits do "
       "not count as many\n"
       "  a  [4611686018427387904, 0] float32\n"
       "  b  [4611686018427387904, 0] float32"},
      {"a split that overflows", shape,
       [] {
         split(f32({2, 0}), {INT64_MAX, INT64_MAX, 4}, 1);
       },
       "split: an axis cannot have 9223372036854775807 + 9223372036854775807 elements: 64 bits do "
       "not count as many\n"
       "  a  [2, 0] float32"},
      {"broadcast_to", shape,
       [] {
         broadcast_to(f32({2, 3}), {2, 4});
       },
       "broadcast_to: [2, 3] does not broadcast to [2, 4]\n"
       "  a  [2, 3] float32\n"
       "  Aligned at the last axis, each extent must be equal, or 1 in the first."},
      {"concat", shape,
       [] {
         concat({f32({2, 3}), f32({3, 3})});
       },
       "concat: shapes differ beside the axis\n"
       "  a  [2, 3] float32\n"
       "  b  [3, 3] float32\n"
       "  All axes but -1 must be equal."},
      {"concat of nothing", shape, [] { concat({}); }, "concat: no tensors given."},
      {"stack", shape,
       [] {
         stack({f32({2, 3}), f32({3, 3})});
       },
       "stack: the tensors must be alike; the first is [2, 3] float32, number 1 (counted from 0) "
       "[3, 3] float32."},
      {"split", shape,
       [] {
         split<4>(f32({2, 6}));
       },
       "split: axis -1 of [2, 6] float32 does not divide into 4 equal parts."},
      {"slice", shape,
       [] {
         slice(f32({2, 3}), 1, 2, 5);
       },
       "slice: [2, 5) along axis 1 of [2, 3] float32, which has 3 there.\n"
       "  Both ends must lie in [-3, 3], and the first not after the second."},
      {"slice before the axis", shape,
       [] {
         slice(f32({2, 3}), 1, -5, 3);
       },
       "slice: [-5, 3) along axis 1 of [2, 3] float32, which has 3 there.\n"
       "  Both ends must lie in [-3, 3], and the first not after the second."},
      {"slice up to before the axis", shape,
       [] {
         slice(f32({2, 3}), -1, 0, -4);
       },
       "slice: [0, -4) along axis -1 of [2, 3] float32, which has 3 there.\n"
       "  Both ends must lie in [-3, 3], and the first not after the second."},
      {"slice that ends before it begins", shape,
       [] {
         slice(f32({2, 3}), 1, 2, 1);
       },
       "slice: [2, 1) along axis 1 of [2, 3] float32, which has 3 there.\n"
       "  Both ends must lie in [-3, 3], and the first not after the second."},
      {"take", shape,
       [] {
         take(f32({2, 3}), 2);
       },
       "take: index 2 along axis 0 of [2, 3] float32, which has 2 there."},
      {"take before the axis", shape,
       [] {
         take(f32({2, 3}), -4, 1);
       },
       "take: index -4 along axis 1 of [2, 3] float32, which has 3 there."},
      {"take far before the axis", shape,
       [] {
         take(f32({2, 3}), -7, 1);
       },
       "take: index -7 along axis 1 of [2, 3] float32, which has 3 there."},
      {"take as far as numbers go", shape,
       [] {
         take(f32({2, 3}), INT64_MIN, 1);
       },
       "take: index -9223372036854775808 along axis 1 of [2, 3] float32, which has 3 there."},
      {"take from a tensor without axes", shape, [] { take(f32({}), 0); },
       "take: axis 0 of a tensor with no axes."},
      {"transpose of a vector", shape, [] { transpose(f32({3})); },
       "transpose: [3] float32 has no two axes to swap."},
      {"transpose", shape,
       [] {
         transpose(f32({2, 3}), {0, 0});
       },
       "transpose: the permutation must name every axis once\n"
       "  a  [2, 3] float32"},
      {"squeeze", shape,
       [] {
         squeeze(f32({2, 3}), 0);
       },
       "squeeze: axis 0 of [2, 3] float32 is not 1."},
      {"gather", plain,
       [] {
         gather(f32({5, 2}), tensor<int32_t>({1, 7}, {2}));
       },
       "gather: index 7 is outside the table's first axis of 5; it must be from 0 to 4."},
      {"gather below zero", plain,
       [] {
         gather(f32({5, 2}), tensor<int32_t>({-1}, {1}));
       },
       "gather: index -1 is outside the table's first axis of 5; it must be from 0 to 4."},
      {"gather by reals", shape,
       [] {
         gather(f32({5, 2}), f32({2}));
       },
       "gather: indices must be int32 or int64\n"
       "  a  [5, 2] float32\n"
       "  b  [2] float32\n"
       "  cast(indices, int64) makes them so."},
      {"too many axes", shape,
       [] {
         expand_dims(f32({1, 1, 1, 1, 1, 1, 1, 1}), 0);
       },
       "Shape: more than 8 axes; reshape to merge some of them."},
      {"a negative extent", shape,
       [] {
         zeros({2, -3});
       },
       "zeros: [2, -3] is no shape: extents are at least 0."},
      {"a negative extent of random numbers", shape, [] { random_uniform({-2}, 0, 1); },
       "random_uniform: [-2] is no shape: extents are at least 0."},
      {"a negative extent of values", shape,
       [] {
         tensor<float>({1, 2}, {-1, -2});
       },
       "tensor: [-1, -2] is no shape: extents are at least 0."},
      {"a count that overflows", shape,
       [] {
         zeros({(int64_t{1} << 62) + 1, 4});
       },
       "zeros: [4611686018427387905, 4] has more elements than 64 bits can address.\n"
       "  Is one of its extents a product that overflowed, or a size in bytes?"},
      {"a count that overflows to 0", shape,
       [] {
         randn({int64_t{1} << 40, int64_t{1} << 40});
       },
       "randn: [1099511627776, 1099511627776] has more elements than 64 bits can address.\n"
       "  Is one of its extents a product that overflowed, or a size in bytes?"},
      {"no memory", plain, [] { zeros({int64_t{1} << 45}); },
       "zeros: [35184372088832] float32 needs 140737488355328 bytes, more memory than there is.\n"
       "  Make an extent smaller, or work in parts."},
      {"no memory for random numbers", plain,
       [] {
         randn({int64_t{1} << 25, int64_t{1} << 20}, float64);
       },
       "randn: [33554432, 1048576] float64 needs 281474976710656 bytes, more memory than "
       "there is.\n"
       "  Make an extent smaller, or work in parts."},
      {"an axis of a shape", shape,
       [] {
         (void)Shape{2, 3}[2];
       },
       "Shape: axis 2 of [2, 3].\n"
       "  It must lie in [-2, 1]."},
      {"an axis of a scalar", shape, [] { (void)Shape{}.back(); },
       "Shape: axis -1 of [], which has no axes."},
      {"an element", shape,
       [] {
         f32({2, 3}).element(6);
       },
       "element: 6 is outside [2, 3] float32, which has 6 elements, counted from 0."},
      {"an element below zero", shape,
       [] {
         f32({2, 3}).element(-1);
       },
       "element: -1 is outside [2, 3] float32, which has 6 elements, counted from 0."},
      {"arange", plain, [] { arange(0, 1, 0); }, "arange: a step of 0 never reaches stop."},
      {"arange without end", plain, [] { arange(0, HUGE_VAL); },
       "arange: start, stop and step must be finite.\n"
       "  start is 0, stop inf, step 1."},
      {"arange from NaN", plain, [] { arange(NAN, 1, 0.5); },
       "arange: start, stop and step must be finite.\n"
       "  start is nan, stop 1, step 0.5."},
      {"arange with a tiny step", plain, [] { arange(0, 1, 1e-300); },
       "arange: these are more elements than 64 bits can address.\n"
       "  start is 0, stop 1, step 1e-300."},
      {"arange that overflows", plain, [] { arange(1e308, -1e308, -1); },
       "arange: these are more elements than 64 bits can address.\n"
       "  start is 1e+308, stop -1e+308, step -1."},
      {"arange beyond memory", plain, [] { arange(0, 1e17); },
       "arange: [100000000000000000] float32 needs 400000000000000000 bytes, more memory than "
       "there is.\n"
       "  Make an extent smaller, or work in parts."},
      {"arange beyond its dtype", plain, [] { arange(0, 4e9, 1e9, int32); },
       "arange: dtype int32 cannot hold all of these numbers.\n"
       "  start is 0, stop 4000000000, step 1000000000."},
      {"arange beyond float32", plain, [] { arange(0, 1e39, 5e38, float32); },
       "arange: dtype float32 cannot hold all of these numbers.\n"
       "  start is 0, stop 1e+39, step 5e+38."},
      {"full of what is no integer", shape, [] { full({2}, 0.5, int32); },
       "full: 0.5 is no int32.\n"
       "  Give a whole number that it holds, or the dtype float32."},
      {"full beyond its dtype", shape, [] { full({2}, 3e9, int32); },
       "full: 3000000000 is no int32.\n"
       "  Give a whole number that it holds, or the dtype float32."},
      {"full beyond float32", shape, [] { full({2}, -1e300); },
       "full: -1e+300 is no float32.\n"
       "  Give a number that it holds, or the dtype float64."},
      {"a number beyond the dtype it meets", shape, [] { i32({2}) * HUGE_VAL; },
       "the number inf meets a tensor of dtype int32, which cannot hold it.\n"
       "  cast(x, float32) first."},
      {"random_uniform the wrong way round", plain, [] { random_uniform({2}, 1, -1); },
       "random_uniform: no number is uniform from 1 to -1.\n"
       "  Both must be finite, the second not below the first."},
      {"random_uniform without end", plain, [] { random_uniform({2}, 0, HUGE_VAL); },
       "random_uniform: no number is uniform from 0 to inf.\n"
       "  Both must be finite, the second not below the first."},
      {"random_uniform over more than float32", plain,
       [] { random_uniform({2}, -3e38, 3e38, float32); },
       "random_uniform: 6e+38 is beyond float32.\n"
       "  Give smaller numbers, or the dtype float64."},
      {"random_normal beyond float32", plain, [] { random_normal({2}, 1e39, 1, float32); },
       "random_normal: 1e+39 is beyond float32.\n"
       "  Give smaller numbers, or the dtype float64."},
      {"random_normal", plain, [] { random_normal({2}, 0, -1); },
       "random_normal: no number is normal with the mean 0 and the deviation -1.\n"
       "  Both must be finite, the second not below 0."},
      {"random_normal of integers", shape, [] { random_normal({2}, 0, 1, int32); },
       "random_normal: random numbers are float32 or float64, not int32.\n"
       "  cast(x, int32) makes integers of them."},
      {"dropout", plain, [] { dropout(f32({2}), 1.5); },
       "dropout: a rate of 1.5; it must lie in [0, 1]."},
      {"item", shape,
       [] {
         f32({2, 3}).item();
       },
       "item: needs a tensor with one element, got [2, 3] float32.\n"
       "  Reduce it first: sum(x), mean(x) or max(x)."},
      {"data", shape, [] { f32({2}).data<double>(); },
       "data: the tensor is float32, asked for as float64.\n"
       "  cast(x, float64) makes it so."},
      {"tensor", shape,
       [] {
         tensor<float>({1, 2, 3}, {2, 2});
       },
       "tensor: 3 values do not fill [2, 2], which has 4."},
      {"no tensor", plain, [] { f32({2}) + Tensor{}; },
       "add: input 1, counted from 0, was never given a value (it is Tensor{}).\n"
       "  If it is a weight, build gives it one: kernel = add(\"kernel\", ...)."},
      {"shape of no tensor", plain, [] { Tensor{}.shape(); },
       "Tensor: this one was never given a value (it is Tensor{})."},
  };
  check(cases);
}

// A number is counted from the end once, and not until it fits.
BOOST_AUTO_TEST_CASE(an_axis_or_an_index_far_before_the_first_is_none) {
  const std::string axis = ": axis @ of a tensor with 3 axes.\n  It must lie in [-3, 2].",
                    of_result = ": axis @ of a tensor with 4 axes.\n  It must lie in [-4, 3].",
                    of_loss =
                        ": axis is @, and y_pred is [3, 3, 3] float32.\n"
                        "  It must lie in [-3, 2].",
                    along = " along axis 0 of [3, 3, 3] float32, which has 3 there.",
                    ends = "\n  Both ends must lie in [-3, 3], and the first not after the second.",
                    rows =
                        "gather: index @ is outside the table's first axis of 3; it must be "
                        "from 0 to 2.",
                    of_layer =
                        ": axis is [@], the input has 3 axes.\n"
                        "  It names axes after the batch, each once; -1 is the last.",
                    of_areas =
                        ": axis holds @, and y_pred is [3, 3, 3] float32.\n"
                        "  Its axes count from 0, or from -1 at the end; each comes once.";
  const Tensor x = f32({3, 3, 3});
  const struct {
    std::string text;  // with @ for the number
    std::function<void(int)> fails;
  } cases[] = {
      {"take" + axis, [&](int far) { take(x, 0, far); }},
      {"slice" + axis, [&](int far) { slice(x, far, 0, 1); }},
      {"split" + axis,
       [&](int far) {
         split(x, {1, 2}, far);
       }},
      {"split" + axis, [&](int far) { split<3>(x, far); }},
      {"concat" + axis,
       [&](int far) {
         concat({x, x}, far);
       }},
      {"concat" + axis, [&](int far) { concat(Tensors{x}, far); }},
      {"squeeze" + axis, [&](int far) { squeeze(x, far); }},
      {"transpose" + axis,
       [&](int far) {
         transpose(x, {0, far, 1});
       }},
      {"swap_axes" + axis, [&](int far) { swap_axes(x, far, 0); }},
      {"swap_axes" + axis, [&](int far) { swap_axes(x, 0, far); }},
      {"reverse" + axis, [&](int far) { reverse(x, far); }},
      {"pad" + axis, [&](int far) { pad(x, far, 1, 1); }},
      {"windows" + axis, [&](int far) { windows(x, far, 2); }},
      {"overlap_add" + axis, [&](int far) { overlap_add(x, far, 1, 1, 1, 3); }},
      {"expand_dims" + of_result, [&](int far) { expand_dims(x, far); }},
      {"stack" + of_result,
       [&](int far) {
         stack({x, x}, far);
       }},
      {"sum" + axis, [&](int far) { sum(x, far); }},
      {"sum" + axis,
       [&](int far) {
         sum(x, {0, far});
       }},
      {"mean" + axis, [&](int far) { mean(x, far); }},
      {"var" + axis, [&](int far) { var(x, far); }},
      {"max" + axis, [&](int far) { max(x, far); }},
      {"min" + axis, [&](int far) { min(x, far); }},
      {"argmax" + axis, [&](int far) { argmax(x, far); }},
      {"cumsum" + axis, [&](int far) { cumsum(x, far); }},
      {"softmax" + axis, [&](int far) { softmax(x, far); }},
      {"log_softmax" + axis, [&](int far) { log_softmax(x, far); }},
      {"logsumexp" + axis, [&](int far) { logsumexp(x, far); }},
      {"Shape: axis @ of [3, 3, 3].\n  It must lie in [-3, 2].",
       [&](int far) { (void)x.shape()[far]; }},
      {"take: index @" + along, [&](int far) { take(x, far); }},
      {"x[...]: index @" + along, [&](int far) { (void)x[far]; }},
      {"x[...]: index @" + along, [&](int far) { (void)x(far, all); }},
      {"x[...]: slice(@, end)" + along, [&](int far) { (void)x[slice(far, end)]; }},
      {"x[...]: slice(0, @)" + along, [&](int far) { (void)x[slice(0, far)]; }},
      {"x[...]: slice(@, @)" + along, [&](int far) { (void)x[slice(far, far)]; }},
      {"x[...]: slice(@, end, 2)" + along, [&](int far) { (void)x[slice(far, end, 2)]; }},
      {"x[...]: slice(@, end, -1)" + along, [&](int far) { (void)x[slice(far, end, -1)]; }},
      {"x[...]: slice(-1, @, -1)" + along, [&](int far) { (void)x[slice(-1, far, -1)]; }},
      {"slice: [@, 3)" + along + ends, [&](int far) { slice(x, 0, far, 3); }},
      {"slice: [0, @)" + along + ends, [&](int far) { slice(x, 0, 0, far); }},
      {"slice: [@, @)" + along + ends, [&](int far) { slice(x, 0, far, far); }},
      {rows,
       [&](int far) {
         gather(x, tensor<int32_t>({0, far}, {2}));
       }},
      {rows,
       [&](int far) {
         gather(x, tensor<int64_t>({far, 0}, {2}));
       }},
      {"samples: there is no place @ in x, [3, 3, 3] float32.\n  Its places are 0 to 2; negative "
       "ones count from the end.",
       [&](int far) { samples(x, std::vector<int64_t>{far}); }},
      {"cosine_similarity" + of_loss, [&](int far) { CosineSimilarity({.axis = far})(x, x); }},
      {"binary_crossentropy" + of_loss, [&](int far) { BinaryCrossentropy({.axis = far})(x, x); }},
      {"categorical_crossentropy" + of_loss,
       [&](int far) { CategoricalCrossentropy({.axis = far})(x, x); }},
      {"sparse_categorical_crossentropy" + of_loss,
       [&](int far) {
         SparseCategoricalCrossentropy({.axis = far})(zeros({3, 3}), x);
       }},
      {"dice" + of_areas, [&](int far) { Dice({.axis = {far}})(x, x); }},
      {"tversky" + of_areas, [&](int far) { Tversky({.axis = {far}})(x, x); }},
      {"Softmax" + of_layer, [&](int far) { Softmax({.axis = {far}})(x); }},
      {"LayerNormalization" + of_layer, [&](int far) { LayerNormalization({.axis = {far}})(x); }},
      {"BatchNormalization" + axis, [&](int far) { BatchNormalization({.axis = far})(x); }},
      {"Concatenate: axis is @, the inputs are [3, 3, 3] and [3, 3, 3].\n  They have the same "
       "axes, and the same extents but along that one.",
       [&](int far) {
         Concatenate({.axis = far})({x, x});
       }},
  };
  for (const auto& c : cases)
    for (const int far : {-5, -6, -7, -9, INT_MIN}) {
      std::string text = c.text;
      for (std::size_t at; (at = text.find('@')) != text.npos;)
        text.replace(at, 1, std::to_string(far));
      BOOST_TEST(error_of([&] { c.fails(far); }) == text);
    }
}

BOOST_AUTO_TEST_CASE(a_layer_over_time_after_one_that_gives_its_last_output) {
  const auto said_of = [](const char* name, const std::string& words) {
    return words + "\n  " + name +
           " needs every step of the sequence, and lstm before it gives its last output only.\n"
           "  Make lstm with .return_sequences = true.";
  };
  const auto needs = [](const std::string& who) {
    return who + ": needs [batch, time, features], got [1, 2].";
  };
  const struct {
    Layer next;
    std::string text;
  } cases[] = {
      {LSTM({.units = 2, .name = "top"}), said_of("top", needs("LSTM"))},
      {GRU({.units = 2, .return_sequences = true, .name = "top"}), said_of("top", needs("GRU"))},
      {SimpleRNN({.units = 2, .name = "top"}), said_of("top", needs("SimpleRNN"))},
      {Masking({.name = "top"}), said_of("top", needs("Masking"))},
      {Bidirectional(LSTM({.units = 2}), {.name = "top"}), said_of("top", needs("LSTM"))},
  };
  for (const auto& c : cases) {
    const Layer first = LSTM({.units = 2}), dense = Dense({.units = 2});
    BOOST_CHECK_EQUAL(error_of<ShapeError>([&] {
                        Sequential({first, c.next})(f32({1, 3, 1}));
                      }),
                      c.text);
    BOOST_CHECK_EQUAL(error_of<ShapeError>([&] {
                        Sequential({first, Dropout({.rate = 0.1}), dense, c.next})(f32({1, 3, 1}));
                      }),
                      c.text);
    Model model({first, c.next}, [&](const Tensors& in) { return c.next(first(in[0])); });
    BOOST_CHECK_EQUAL(error_of<ShapeError>([&] { model(f32({1, 3, 1})); }), c.text);
  }
  BOOST_TEST(error_of<ShapeError>([] {
               Sequential({Bidirectional(GRU({.units = 1})), LSTM({.units = 2})})(f32({1, 3, 1}));
             }).find("Make bidirectional with .return_sequences = true.") != std::string::npos);
  const Layer lstm = LSTM({.units = 2}), dense = Dense({.units = 3}), gru = GRU({.units = 2});
  Model between({lstm, dense, gru}, [=](const Tensors& in) { return gru(dense(lstm(in[0]))); });
  BOOST_CHECK_EQUAL(error_of<ShapeError>([&] {
                      between(f32({1, 3, 1}));
                    }),
                    "GRU: needs [batch, time, features], got [1, 3].\n"
                    "  lstm gives its last output only; if that is what came here, make lstm with "
                    ".return_sequences = true.");
  // If nothing was lost, nothing is said.
  BOOST_TEST(error_of<ShapeError>([] {
               Sequential({Dense({.units = 2}), LSTM({.units = 2})})(f32({1, 2}));
             }).find("return_sequences") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_layer_with_an_input_of_another_size_than_it_was_built_for) {
  const Layer encoder = Encoder({.units = 64});
  encoder(f32({32, 20, 16}));
  BOOST_CHECK_EQUAL(error_of<ShapeError>([&] {
                      encoder(f32({32, 20, 8}));
                    }),
                    "matmul: inner sizes differ\n"
                    "  a  [32, 8] float32   input of encoder/lstm\n"
                    "  b  [16, 256] float32   encoder/lstm/kernel\n"
                    "  The last axis of a (8) must equal the second to last axis of b (16).\n"
                    "  encoder/lstm was built for 16 features; this input has 8.");
  const Layer dense = Dense({.units = 3});
  dense(f32({2, 4}));
  BOOST_CHECK_EQUAL(error_of<ShapeError>([&] {
                      dense(f32({2, 5}));
                    }),
                    "matmul: inner sizes differ\n"
                    "  a  [2, 5] float32   input of dense\n"
                    "  b  [4, 3] float32   dense/kernel\n"
                    "  The last axis of a (5) must equal the second to last axis of b (4).\n"
                    "  dense was built for 4 features; this input has 5.");
  BOOST_CHECK_EQUAL(error_of<ShapeError>([&] {
                      dense(f64({2, 4}));
                    }),
                    "input of dense is float64, its weights are float32.\n"
                    "  cast(x, float32), or make the layer with {.dtype = float64}.");
}

BOOST_AUTO_TEST_CASE(layers_and_their_options) {
  const Case cases[] = {
      {"unknown option", plain,
       [] {
         layer("Dense", {{"unit", 3}});
       },
       "Dense: there is no option `unit`; did you mean `units`?\n"
       "  It has units, activation, use_bias, kernel_initializer, bias_initializer, "
       "kernel_regularizer, bias_regularizer, kernel_constraint, bias_constraint, "
       "activity_regularizer, trainable, dtype, name."},
      {"an integer", plain,
       [] {
         layer("Dense", {{"units", "many"}});
       },
       "Dense: option `units` is an integer, got \"many\"."},
      {"an integer, not a number", plain,
       [] {
         layer("Dense", {{"units", 2.5}});
       },
       "Dense: option `units` is an integer, got 2.5."},
      {"a bool", plain,
       [] {
         layer("Dense", {{"units", 2}, {"use_bias", 2}});
       },
       "Dense: option `use_bias` is true or false, got 2."},
      {"a number", plain,
       [] {
         layer("Dropout", {{"rate", "half"}});
       },
       "Dropout: option `rate` is a number, got \"half\"."},
      {"an activation", plain,
       [] {
         layer("Dense", {{"units", 2}, {"activation", 3}});
       },
       "Dense: option `activation` is the name of an activation, got 3."},
      {"an unknown activation", plain, [] { Dense({.units = 2, .activation = "tahn"}); },
       "activation `tahn`: there is none by that name; did you mean `tanh`?\n"
       "  There are linear, relu, tanh, sigmoid, softmax, log_softmax, softplus, softsign, elu, "
       "selu, gelu, silu, swish, mish, exponential, leaky_relu, relu6, hard_sigmoid, hard_tanh, "
       "hard_silu, log_sigmoid, celu, glu, hard_shrink, soft_shrink, tanh_shrink, threshold, "
       "squareplus, sparse_plus, sparse_sigmoid, hard_swish, sparsemax."},
      {"an activation in capitals", plain,
       [] {
         layer("Dense", {{"units", 2}, {"activation", "RELU"}});
       },
       "activation `RELU`: there is none by that name; did you mean `relu`?\n"
       "  There are linear, relu, tanh, sigmoid, softmax, log_softmax, softplus, softsign, elu, "
       "selu, gelu, silu, swish, mish, exponential, leaky_relu, relu6, hard_sigmoid, hard_tanh, "
       "hard_silu, log_sigmoid, celu, glu, hard_shrink, soft_shrink, tanh_shrink, threshold, "
       "squareplus, sparse_plus, sparse_sigmoid, hard_swish, sparsemax.\n"
       "  This happened in creation of dense (Dense of plugin `tempo`)."},
      {"an activation like no other", plain, [] { LSTM({.units = 2, .activation = "cubic"}); },
       "activation `cubic`: there is none by that name.\n"
       "  There are linear, relu, tanh, sigmoid, softmax, log_softmax, softplus, softsign, elu, "
       "selu, gelu, silu, swish, mish, exponential, leaky_relu, relu6, hard_sigmoid, hard_tanh, "
       "hard_silu, log_sigmoid, celu, glu, hard_shrink, soft_shrink, tanh_shrink, threshold, "
       "squareplus, sparse_plus, sparse_sigmoid, hard_swish, sparsemax."},
      {"an unknown initializer", plain, [] { Dense({.units = 2, .kernel_initializer = "glorot"}); },
       "Dense: option `kernel_initializer`: initializer `glorot`: there is none by that name; did "
       "you mean `glorot_normal`?\n"
       "  There are constant, glorot_normal, glorot_uniform, he_normal, he_uniform, identity, "
       "lecun_normal, lecun_uniform, ones, orthogonal, random_normal, random_uniform, "
       "truncated_normal, variance_scaling, zeros."},
      {"an argument that an initializer does not take", plain,
       [] { Dense({.units = 2, .kernel_initializer = "zeros(1)"}); },
       "Dense: option `kernel_initializer`: initializer `zeros(1)`: it has too many arguments."},
      {"an initializer like no other", plain,
       [] {
         Initializer("xavier")({2, 2});
       },
       "initializer `xavier`: there is none by that name.\n"
       "  There are constant, glorot_normal, glorot_uniform, he_normal, he_uniform, identity, "
       "lecun_normal, lecun_uniform, ones, orthogonal, random_normal, random_uniform, "
       "truncated_normal, variance_scaling, zeros."},
      {"an initializer that is not closed", plain,
       [] { Dense({.units = 2, .kernel_initializer = "constant(1"}); },
       "Dense: option `kernel_initializer`: initializer `constant(1`: its parenthesis is not "
       "closed."},
      {"an option like no other", plain,
       [] {
         layer("Dense", {{"temperature", 3}});
       },
       "Dense: there is no option `temperature`.\n"
       "  It has units, activation, use_bias, kernel_initializer, bias_initializer, "
       "kernel_regularizer, bias_regularizer, kernel_constraint, bias_constraint, "
       "activity_regularizer, trainable, dtype, name."},
      {"an integer that its field cannot hold", plain,
       [] {
         layer("Dense", {{"units", int64_t{4294967299}}});
       },
       "option `units` is 4294967299; it must be within [-2147483648, 2147483647].\n"
       "  This happened in creation of dense (Dense of plugin `tempo`)."},
      {"an id that is no number", plain,
       [] {
         Embedding({.input_dim = 5, .output_dim = 2})(tensor<float>({1, NAN}, {1, 2}));
       },
       "embedding: id 1 of [1, 2] float32 is nan; ids are whole numbers from 0 to input_dim - 1, "
       "here 4.\n"
       "  input_dim is the largest id plus 1; numbers that are no ids need no Embedding."},
      {"an id that is not whole", plain,
       [] {
         Embedding({.input_dim = 5, .output_dim = 2})(tensor<float>({1.7f, 2}, {1, 2}));
       },
       "embedding: id 0 of [1, 2] float32 is 1.7; ids are whole numbers from 0 to input_dim - 1, "
       "here 4.\n"
       "  input_dim is the largest id plus 1; numbers that are no ids need no Embedding."},
      {"an id outside of the vocabulary, in a sequence of another length", plain,
       [] {
         const Layer words = Embedding({.input_dim = 10, .output_dim = 3, .name = "words"});
         words(i32({1, 5}));
         words(tensor<int32_t>({1, 10}, {1, 2}));
       },
       "words: id 1 of [1, 2] int32 is 10; ids are whole numbers from 0 to input_dim - 1, here 9.\n"
       "  input_dim is the largest id plus 1; numbers that are no ids need no Embedding."},
      {"an id below 0", plain,
       [] {
         Embedding({.input_dim = 5, .output_dim = 2})(tensor<int64_t>({0, -1}, {1, 2}));
       },
       "embedding: id 1 of [1, 2] int64 is -1; ids are whole numbers from 0 to input_dim - 1, here "
       "4.\n"
       "  input_dim is the largest id plus 1; numbers that are no ids need no Embedding."},
      {"more units than a matrix has columns", plain,
       [] {
         LSTM({.units = 536870912})(f32({1, 2, 3}));
       },
       "LSTM: units is 536870912; its weights would have 4 * units columns, and a matrix has at "
       "most 2147483647.\n"
       "  units can be 536870911 at most."},
      {"more units than three gates can have", plain,
       [] {
         Bidirectional(GRU({.units = 2000000000}))(f32({1, 2, 3}));
       },
       "GRU: units is 2000000000; its weights would have 3 * units columns, and a matrix has at "
       "most 2147483647.\n"
       "  units can be 715827882 at most.\n"
       "  This happened in build of bidirectional (Bidirectional of plugin `tempo`)."},
      {"four axes", shape,
       [] {
         LSTM({.units = 2})(f32({2, 3, 4, 5}));
       },
       "LSTM: needs [batch, time, features], got [2, 3, 4, 5].\n"
       "  reshape(x, {batch, time, -1}) makes one axis of the features."},
      {"too small", plain, [] { Dense({.units = -2}); },
       "Dense: option `units` is -2; it must be at least 0."},
      {"out of range", plain, [] { Dropout({.rate = 1.5}); },
       "Dropout: option `rate` is 1.5; it must be within [0, 1]."},
      {"not a number", plain, [] { Dropout({.rate = std::nan("")}); },
       "Dropout: option `rate` is nan; it must be within [0, 1]."},
      {"padding that integers cannot be", plain,
       [] {
         Masking({.mask_value = 0.5})(i32({1, 2, 3}));
       },
       "Masking: mask_value is 0.5; the input is [1, 2, 3] int32, no element of which can be "
       "that.\n  cast(x, float32) makes numbers of it."},
      {"choices", plain, [] { Bidirectional(LSTM({.units = 2}), {.merge_mode = "add"}); },
       "Bidirectional: option `merge_mode` is \"add\"; it must be one of concat|sum|mul|ave|none."},
      {"dtype", plain, [] { Dense({.units = 2, .dtype = int32}); },
       "Dense: option `dtype` is int32; weights are float32 or float64."},
      {"twice", plain,
       [] {
         layer("Dense", {{"units", 2}, {"units", 3}});
       },
       "Dense: option `units` is given twice."},
      {"a list", plain,
       [] {
         layer("Dense", {{"units", Shape{1, 2}}});
       },
       "Dense: option `units` is an integer, got [1, 2]."},
      {"units not set", plain,
       [] {
         LSTM({})(f32({2, 3, 4}));
       },
       "LSTM: units is not set; it is the size of the output.\n"
       "  Give it: LSTM({.units = 32}), or {\"units\", 32} by name."},
      {"units of Dense not set", plain,
       [] {
         Dense({})(f32({2, 3}));
       },
       "Dense: units is not set; it is the size of the output.\n"
       "  Give it: Dense({.units = 32}), or {\"units\", 32} by name."},
      {"no layer", plain,
       [] {
         Layer{}(f32({2, 3}));
       },
       "Layer: this one was never given a value (it is Layer{})."},
      {"no input", plain, [] { Dense({.units = 2}).call({}); }, "dense: called without an input."},
      {"a layer before a value", plain, [] { Dense({.units = 2})(Tensor{}); },
       "dense: input 0 was never given a value (it is Tensor{})."},
      {"two inputs", shape,
       [] {
         LSTM({.units = 2}).call({f32({2, 3, 4}), f32({2, 2})});
       },
       "LSTM: takes one input, got 2.\n"
       "  States go into the call's options: {.initial_state = {h}}."},
      {"no time axis", shape,
       [] {
         LSTM({.units = 2})(f32({2, 3}));
       },
       "LSTM: needs [batch, time, features], got [2, 3].\n"
       "  expand_dims(x, -1) makes a feature of each number, expand_dims(x, 0) a batch of one "
       "sequence."},
      {"a layer as a cell", plain, [] { RNN(LSTM({.units = 2})); },
       "RNN: it runs a cell; LSTM is a layer.\n"
       "  cell(\"LSTM\", {{\"units\", 32}}) is a cell by its name."},
      {"no cell", plain, [] { RNN(Layer{}); },
       "RNN: no cell is given.\n"
       "  RNN(MyCell({.units = 32})) runs one."},
      {"not recurrent", plain, [] { Bidirectional(Dense({.units = 2})); },
       "Bidirectional: it runs a recurrent layer, such as LSTM; Dense has no option "
       "`go_backwards`."},
      {"states", shape,
       [] {
         LSTM({.units = 2})(f32({2, 3, 4}), {.initial_state = {f32({2, 2})}});
       },
       "LSTM: initial_state does not fit its states\n"
       "  given     [2, 2]\n"
       "  required  [2, 2], [2, 2]\n"
       "  Give one tensor for each state, in the order of return_state."},
      {"a state of integers", shape,
       [] {
         GRU({.units = 2})(f32({1, 2, 3}), {.initial_state = {i32({1, 2})}});
       },
       "initial_state of gru is int32, its weights are float32.\n"
       "  cast(h, float32) makes it so."},
      {"a mask of ids of another time", shape,
       [] {
         Embedding({.input_dim = 2, .output_dim = 3})(i32({1, 3}), {.mask = f32({1, 4}) > 0});
       },
       "with_mask: the mask does not fit the tensor\n"
       "  tensor  [1, 3, 3] float32\n"
       "  mask    [1, 4] bool\n"
       "  It must be bool, of the tensor's first axes: [batch, time], true where a step counts.\n"
       "  This happened in call of embedding (Embedding of plugin `tempo`)."},
      {"a mask of another time", shape,
       [] {
         LSTM({.units = 2})(f32({2, 3, 4}), {.mask = f32({2, 4}) > 0});
       },
       "LSTM: the mask does not fit the input\n"
       "  mask   [2, 4] bool\n"
       "  input  [2, 3, 4]\n"
       "  It must be [2, 3] bool: [batch, time], true where a step counts."},
      {"constants", plain,
       [] {
         LSTM({.units = 2})(f32({2, 3, 4}), {.constants = {f32({2})}});
       },
       "LSTM: takes no constants; RNN hands them to the step of a cell."},
      {"constants of a layer", plain,
       [] {
         Dense({.units = 2})(f32({2, 3}), {.constants = {f32({2})}});
       },
       "Dense: takes no constants.\n"
       "  RNN hands them to the step of a cell; a layer that reads them has `static constexpr bool "
       "takes_constants = true;`."},
      {"first states of a layer", plain,
       [] {
         Dense({.units = 2})(f32({2, 3}), {.initial_state = {f32({2, 2})}});
       },
       "Dense: takes no initial_state.\n"
       "  Recurrent layers do; another layer that reads it has `static constexpr bool takes_states "
       "= true;`."},
      {"first states of a layer that works step by step", plain,
       [] {
         TimeDistributed(LSTM({.units = 2}))(f32({2, 3, 4, 5}), {.initial_state = {f32({2, 2})}});
       },
       "TimeDistributed: takes no initial_state.\n"
       "  Recurrent layers do; another layer that reads it has `static constexpr bool takes_states "
       "= true;`."},
      {"constants of a cell", plain,
       [] {
         RNN(Wrong({.units = 3}))(f32({2, 3, 4}), {.constants = {f32({2})}});
       },
       "Wrong: its step takes no constants.\n"
       "  Give it a third argument, `const StepCall& call`: they are its call.constants.\n"
       "  This happened in call of rnn (RNN of plugin `tempo`)."},
      {"stateful", shape,
       [] {
         const Layer lstm = LSTM({.units = 2, .stateful = true});
         lstm(f32({2, 3, 4}));
         lstm(f32({5, 3, 4}));
       },
       "LSTM: it is stateful and keeps the state of 2 sequences; this batch has 5.\n"
       "  Use batches of one size, or call reset_state() first."},
  };
  check(cases);
}

BOOST_AUTO_TEST_CASE(names_that_nothing_has) {
  const std::string text = error_of<PluginError>([] { layer("Lstm"); });
  BOOST_TEST(text.starts_with("there is no layer named `Lstm`; did you mean `LSTM`?\n"
                              "  Known layers: "),
             text);
  BOOST_TEST(text.find("\n  A plugin is found in ") != text.npos, text);
  BOOST_TEST(text.ends_with(", in the folders of TEMPO_PLUGIN_PATH, or by load_plugin(path)."),
             text);
  const std::string other_case = error_of<PluginError>([] { layer("bidir"); });
  BOOST_TEST(
      other_case.starts_with("there is no layer named `bidir`; did you mean `Bidirectional`?\n"),
      other_case);
  const std::string no_cell = error_of<PluginError>([] { cell("Dense"); });
  BOOST_TEST(no_cell.starts_with("there is no cell named `Dense`.\n"
                                 "  There is a layer of that name; RNN takes a cell.\n"
                                 "  Known cells: "),
             no_cell);
  const std::string known = no_cell.substr(no_cell.find("Known cells: "));
  for (const char* name : {" ConvLSTM1D, ", " GRU, ", " LSTM, ", " MinGRU, ", " SimpleRNN, "})
    BOOST_TEST(known.find(name) != known.npos, no_cell);
  BOOST_CHECK_EQUAL(error_of<PluginError>([] { sdk::Op("matmull"); }),
                    "there is no op named `matmull`; load the plugin that has it first.");
}

BOOST_AUTO_TEST_CASE(steps_that_cannot_be_traced) {
  const Case cases[] = {
      {"reading an item", plain, runs("item"),
       "a value was read while a step is traced; there is none yet.\n"
       "  item(), data() and `if` on a tensor see no number there: use where(condition, a, b) to "
       "choose.\n"
       "  This happened in step of rnn/wrong (Wrong)."},
      {"if", plain, runs("if"),
       "a value was read while a step is traced; there is none yet.\n"
       "  item(), data() and `if` on a tensor see no number there: use where(condition, a, b) to "
       "choose.\n"
       "  This happened in step of rnn/wrong (Wrong)."},
      {"reading data", plain, runs("data"),
       "a value was read while a step is traced; there is none yet.\n"
       "  item(), data() and `if` on a tensor see no number there: use where(condition, a, b) to "
       "choose.\n"
       "  This happened in step of rnn/wrong (Wrong)."},
      {"as", shape, runs("as"),
       "State: it holds 1 tensors, read as 2.\n"
       "  This happened in step of rnn/wrong (Wrong)."},
      {"a state too many", plain, runs("third state"),
       "State: state 2 is asked for; it holds 1, counted from 0.\n"
       "  A cell has state_count states, or as many as its state_shapes gives.\n"
       "  This happened in step of rnn/wrong (Wrong)."},
      {"assign", plain, runs("assign"),
       "assign: weight `w` cannot change while a step is traced.\n"
       "  This happened in step of rnn/wrong (Wrong)."},
      {"wide", shape, runs("wide"),
       "rnn/wrong (Wrong): its step changes the type of state 0\n"
       "  before  [2, 3] float32\n"
       "  after   [2, 6] float32\n"
       "  A state must keep its shape and dtype; does state_shapes give the size that step makes?"},
      {"escaped", plain,
       [] {
         scan(
             [](const Tensor& x, const State& s) -> Step {
               escaped = 2 * x;
               return {.output = x, .state = s};
             },
             f32({2, 5, 3}), {f32({2, 3})});
         escaped + 1;
       },
       "add: a placeholder of a traced step was used after the step ended.\n"
       "  Return what the step computes as its output or state; do not store it."},
      {"stateful in a step", plain,
       [] {
         const Layer kept = LSTM({.units = 2, .stateful = true});
         scan(
             [&](const Tensor& x, const State& s) -> Step {
               return {.output = kept(expand_dims(x, 1)), .state = s};
             },
             f32({2, 5, 3}), {f32({2, 3})});
       },
       "lstm: it is stateful, and it is called inside a step that is traced, "
       "which cannot keep its state from one call to the next.\n"
       "  Use its cell in the step, with the state as one of the step's own, or make the layer "
       "with .stateful = false."},
      {"reading what escaped", plain, [] { escaped.element(0); },
       "a value was read while a step is traced; there is none yet.\n"
       "  item(), data() and `if` on a tensor see no number there: use where(condition, a, b) to "
       "choose."},
      {"state of another shape", shape,
       [] {
         scan(
             [](const Tensor& x, const State& s) -> Step {
               return {.output = x, .state = {concat({s[0], s[0]})}};
             },
             f32({2, 5, 3}), {f32({2, 3})});
       },
       "scan: state 0 changes its type in the step\n"
       "  before  [2, 3] float32\n"
       "  after   [2, 6] float32\n"
       "  A state must keep its shape and dtype; does the initial state have the size of the "
       "cell?"},
      {"fewer states", shape,
       [] {
         scan([](const Tensor& x, const State&) -> Step { return {.output = x, .state = {}}; },
              f32({2, 5, 3}), {f32({2, 3})});
       },
       "scan: the step was given 1 states and returned 0.\n"
       "  Return {.output = ..., .state = {...}} with every state, in order."},
      {"no output", shape,
       [] {
         scan([](const Tensor&, const State& s) -> Step { return {.output = {}, .state = s}; },
              f32({2, 5, 3}), {f32({2, 3})});
       },
       "scan: the step returned no output; set .output."},
      {"no time", shape,
       [] {
         scan(keep_state, f32({2}), {f32({2, 3})});
       },
       "scan: a sequence needs [batch, time, ...], got [2] float32."},
      {"sequences of different lengths", shape,
       [] {
         scan([](const Tensors& x, const State& s) -> Step { return {.output = x[0], .state = s}; },
              Tensors{f32({2, 5, 3}), f32({2, 6, 3})}, {f32({2, 3})});
       },
       "scan: the sequences have different numbers of steps\n"
       "  sequence 0  [2, 5, 3] float32\n"
       "  sequence 1  [2, 6, 3] float32\n"
       "  The time axis, the second, must be the same."},
  };
  check(cases);
}

BOOST_AUTO_TEST_CASE(cells_that_ask_for_what_is_not_there) {
  const Case cases[] = {
      {"a constant", plain, asks("constant"),
       "Asking: it reads constants[1], and there is 1.\n"
       "  Give them to the call, rnn(x, {.constants = {c}}); Stream, explain and gradcheck take "
       "them "
       "in their options."},
      {"a constant before the first step", plain,
       [] {
         RNN(Asking({.how = "constant once"}))(f32({2, 5, 4}));
       },
       "Asking: it reads constants[0], and there are 0.\n"
       "  Give them to the call, rnn(x, {.constants = {c}}); Stream, explain and gradcheck take "
       "them "
       "in their options."},
      {"what is made once", plain, asks("once"),
       "Asking: it reads once[0], and there are 0.\n  It is what the cell's `once` returns.\n"
       "  This happened in call of rnn (RNN of plugin `tempo`)."},
      {"an output that is a state at its first call alone", plain,
       [] {
         RNN(Wrong({.how = "another output"}))(f32({2, 5, 4}), {.mask = f32({2, 5}) > 0});
       },
       "RNN: the step of its cell returned a state as its output at one call, and another value at "
       "the next.\n  A step must be a pure function of its arguments, of the cell's weights and "
       "options and of call.training."},
      {"nothing made once", plain, asks("nothing once"),
       "Asking: its `once` gives no value (Tensor{}) as number 0.\n  Leave it out, or give zeros.\n"
       "  This happened in call of rnn (RNN of plugin `tempo`)."},
      {"a first state too few", shape, asks("no first state"),
       "Asking: its `initial` gives 0 states, and it has 1.\n"
       "  Give one for each, in order; Tensor{} stands for zeros.\n"
       "  This happened in call of rnn (RNN of plugin `tempo`)."},
      {"a first state of another shape", shape, asks("wide first state"),
       "Asking: its `initial` gives state 0 as [2, 4]; it must be [2, 3], or broadcast to it.\n"
       "  This happened in call of rnn (RNN of plugin `tempo`)."},
      {"two sequences for one", shape,
       [] {
         RNN(Asking())({f32({2, 5, 4}), f32({2, 5, 4})});
       },
       "Asking: its step takes 1 sequence, got 2.\n"
       "  A step with `const Tensors& x` takes several; states go into the call's options: "
       "{.initial_state = {h}}.\n"
       "  This happened in build of rnn (RNN of plugin `tempo`)."},
      {"one sequence for two", shape,
       [] {
         RNN(Two())(f32({2, 5, 4}));
       },
       "Two: its step takes 2 sequences, got 1.\n"
       "  Give them all, in order: rnn({x0, x1})."},
      {"sequences of different batches", shape,
       [] {
         RNN(Two())({f32({2, 5, 4}), f32({3, 5})});
       },
       "RNN: its sequences do not fit together\n"
       "  sequence 0  [2, 5, 4]\n"
       "  sequence 1  [3, 5]\n"
       "  Each is [batch, time, ...], of the same batch and time."},
      {"constants that no layer takes", plain,
       [] {
         Sequential({LSTM({.units = 2}), Dense({.units = 1})})(f32({2, 5, 4}),
                                                               {.constants = {f32({1})}});
       },
       "sequential: constants were given, and none of its layers takes any.\n"
       "  A cell that RNN runs takes them by a third argument of its step, `const StepCall& "
       "call`."},
  };
  check(cases);
}

BOOST_AUTO_TEST_CASE(gradients_of_ones_own) {
  const Tensor x = parameter(f32({2, 3}));
  const Case cases[] = {
      {"of a bool", shape,
       [&] { custom_gradient(x > 0, {x}, [](const Tensor& dy) { return dy; }); },
       "custom_gradient: the value is [2, 3] bool; only float32 and float64 have gradients.\n"
       "  cast(value, x.dtype()) makes numbers of it."},
      {"to integers", shape,
       [&] { custom_gradient(x, {i32({2})}, [](const Tensor& dy) { return dy; }); },
       "custom_gradient: input 0 is [2] int32; only float32 and float64 have gradients."},
      {"one for two", shape,
       [&] {
         custom_gradient(x, {x, x}, [](const Tensor& dy) { return dy; });
       },
       "custom_gradient: the rule gave 1 gradients for 2 inputs.\n"
       "  Return one for each input, in order; Tensor{} where none flows."},
      {"of another shape", shape,
       [&] { custom_gradient(x, {x}, [](const Tensor& dy) { return sum(dy, 1); }); },
       "custom_gradient: gradient 0 of the rule does not fit its input\n"
       "  input     [2, 3] float32\n"
       "  gradient  [2] float32\n"
       "  It needs the input's dtype, and its shape or one that it broadcasts to."},
      {"that reads a number", plain,
       [&] { custom_gradient(x, {x}, [](const Tensor& dy) { return dy.element(0) * dy; }); },
       "a value was read while a step is traced; there is none yet.\n"
       "  item(), data() and `if` on a tensor see no number there: use where(condition, a, b) to "
       "choose."},
      {"that draws", plain,
       [&] { custom_gradient(x, {x}, [](const Tensor& dy) { return dropout(dy, 0.5); }); },
       "custom_gradient: the rule draws random numbers; it would draw others each time.\n"
       "  Draw them before, and let the rule read them."},
  };
  check(cases);
}

BOOST_AUTO_TEST_CASE(weights_and_gradients) {
  const Tensor w = parameter(f32({2, 3}), "dense/kernel");
  const Case cases[] = {
      {"assign of another shape", shape,
       [&] {
         assign(w, f32({3, 2}));
       },
       "assign: the value does not fit the weight\n"
       "  weight  [2, 3] float32   dense/kernel\n"
       "  value   [3, 2] float32"},
      {"assign of another dtype", shape,
       [&] {
         assign(w, f64({2, 3}));
       },
       "assign: the value does not fit the weight\n"
       "  weight  [2, 3] float32   dense/kernel\n"
       "  value   [2, 3] float64"},
      {"assign to a value", plain, [] { assign(f32({2}), f32({2})); },
       "assign: [2] float32 is not a weight; make it with parameter(x)."},
      {"parameter of integers", shape, [] { parameter(i32({2})); },
       "parameter: needs float32 or float64, got [2] int32."},
      {"not tracked", plain,
       [&] {
         const Tensor x = f32({2, 3});
         gradient(sum(x * w), {x});
       },
       "gradient: input 0, [2, 3] float32, is not tracked.\n"
       "  Make it with parameter(x) before it is used; values computed under NoGradient are not "
       "tracked either."},
      {"of an integer", shape, [&] { gradient(argmax(w), {w}); },
       "gradient: y is [2] int64; only float32 and float64 have gradients."},
      {"dy of another shape", shape, [&] { gradient(2 * w, {w}, f32({3})); },
       "gradient: dy must have the shape of y\n"
       "  y   [2, 3] float32\n"
       "  dy  [3] float32"},
      {"stale", plain,
       [&] {
         const Tensor loss = sum(square(w));
         assign(w, 0.5 * w);
         gradient(loss, {w});
       },
       "gradient: weight `dense/kernel` was assigned to after `square` used it.\n"
       "  Compute the loss again before asking for its gradient; update weights last."},
      {"no weight", plain, [] { assign(Tensor{}, f32({2})); },
       "assign: the weight was never given a value (it is Tensor{})."},
      {"no value", plain, [&] { assign(w, Tensor{}); },
       "assign: the value was never given a value (it is Tensor{})."},
      {"gradient of nothing", plain, [&] { gradient(Tensor{}, {w}); },
       "gradient: y was never given a value (it is Tensor{})."},
      {"gradient to nothing", plain, [&] { gradient(sum(w), {Tensor{}}); },
       "gradient: input 0 was never given a value (it is Tensor{})."},
      {"parameter of nothing", plain, [] { parameter(Tensor{}); },
       "parameter: its value was never given a value (it is Tensor{})."},
      {"a mask on a parameter", plain, [&] { with_mask(w, f32({2}) > 0); },
       "with_mask: a parameter carries no mask; put it on what is computed from it."},
      {"a mask of another time on a tensor", shape,
       [] {
         with_mask(f32({2, 3, 4}), f32({2, 4}) > 0);
       },
       "with_mask: the mask does not fit the tensor\n"
       "  tensor  [2, 3, 4] float32\n"
       "  mask    [2, 4] bool\n"
       "  It must be bool, of the tensor's first axes: [batch, time], true where a step counts."},
      {"a mask of numbers", shape,
       [] {
         Dense({.units = 1})(f32({2, 3, 4}), {.mask = f32({2, 3})});
       },
       "with_mask: the mask does not fit the tensor\n"
       "  tensor  [2, 3, 1] float32\n"
       "  mask    [2, 3] float32\n"
       "  It must be bool, of the tensor's first axes: [batch, time], true where a step counts.\n"
       "  This happened in call of dense (Dense of plugin `tempo`)."},
      {"a mask on nothing", plain, [] { with_mask(Tensor{}, Tensor{}); },
       "with_mask: the tensor was never given a value (it is Tensor{})."},
  };
  check(cases);
}

BOOST_AUTO_TEST_CASE(streams) {
  const auto built = [](const std::vector<Layer>& layers) {
    Sequential model(layers);
    model.build({{-1, -1, 2}});
    return model;
  };
  const auto step = [&](auto number, std::size_t n_x, std::size_t n_y) {
    Stream stream(built({LSTM({.units = 3}), Dense({.units = 1})}), {.batch = 2});
    const std::vector<decltype(number)> x(n_x);
    std::vector<decltype(number)> y(n_y);
    stream.step(x, y);
  };
  const Case cases[] = {
      {"not built", plain, [] { Stream(Sequential({LSTM({.units = 3})})); },
       "Stream: sequential does not know the shape of its input yet.\n"
       "  Call it, or build it: model.build({{-1, -1, features}})."},
      {"one of two inputs", shape,
       [] {
         const Layer lstm = LSTM({.units = 3});
         Model both({lstm}, [=](const Tensors& in) { return lstm(in[0] + in[1]); });
         both({f32({1, 2, 3}), f32({1, 2, 3})});
         std::vector<float> x(3), y(3);
         Stream(both).step(x, y);
       },
       "Stream: a step from x of 3 to y of 3 numbers of float32\n"
       "  x must be  [1, 3] float32 and [1, 3] float32\n"
       "  y must be  [1, 3] float32"},
      {"no time", shape,
       [] {
         Model squares({}, [](const Tensors& in) { return square(in[0]); });
         squares(f32({4}));
         Stream{squares};
       },
       "Stream: model takes [-1]; it needs [batch, time, ...]."},
      {"no batch", plain, [&] { Stream(built({LSTM({.units = 3})}), {.batch = 0}); },
       "Stream: .batch is 0; it must be at least 1."},
      {"backwards", plain, [&] { Stream(built({GRU({.units = 3, .go_backwards = true})})); },
       "Stream: a scan runs from the last step to the first; it needs the whole sequence.\n"
       "  This happened in call of gru (GRU of plugin `tempo`)."},
      {"in both directions", plain,
       [&] {
         Stream(built(
             {LSTM({.units = 3, .return_sequences = true}), Bidirectional(LSTM({.units = 3}))}));
       },
       "Stream: a scan runs from the last step to the first; it needs the whole sequence.\n"
       "  This happened in call of bidirectional/backward_lstm (LSTM of plugin `tempo`)."},
      {"a mean over time", plain,
       [] {
         const Layer lstm = LSTM({.units = 3, .return_sequences = true});
         Model pooled({lstm}, [=](const Tensors& in) { return mean(lstm(in[0]), 1); });
         pooled(f32({1, 2, 3}));
         Stream{pooled};
       },
       "Stream: step 3 of model depends on the steps before it, and not by the state of a "
       "recurrent layer.\n"
       "  What lies between recurrent layers must treat each step alone; a mean over time, say, "
       "does not."},
      {"a state from the input", plain,
       [] {
         const Layer rnn = SimpleRNN({.units = 3});
         Model fed({rnn}, [=](const Tensors& in) {
           return rnn(in[0], {.initial_state = {take(in[0], 0, 1)}});
         });
         fed(f32({1, 2, 3}));
         Stream{fed};
       },
       "Stream: an initial state depends on the input; a state can only begin with what is known "
       "before the first step."},
      {"random numbers", plain,
       [] {
         const Layer rnn = SimpleRNN({.units = 3});
         Model noisy({rnn}, [=](const Tensors& in) { return rnn(dropout(in[0], 0.5)); });
         noisy(f32({1, 2, 3}));
         Stream{noisy};
       },
       "Stream: a step draws random numbers; it would have others each time."},
      {"sizes", shape, [&] { step(1.0f, 2, 2); },
       "Stream: a step from x of 2 to y of 2 numbers of float32\n"
       "  x must be  [2, 2] float32\n"
       "  y must be  [2, 1] float32"},
      {"dtype", shape, [&] { step(1.0, 4, 2); },
       "Stream: a step from x of 4 to y of 2 numbers of float64\n"
       "  x must be  [2, 2] float32\n"
       "  y must be  [2, 1] float32"},
  };
  check(cases);
}
