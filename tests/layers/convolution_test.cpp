// SPDX-License-Identifier: Apache-2.0
// Conv1D against plain loops of its formula.
#define BOOST_TEST_MODULE convolution
#include <tempo/gradcheck.hpp>
#include <tempo/tempo.hpp>

#include "files.hpp"

using namespace tempo;
using namespace tempo::testing;

namespace {

Tensor numbers(const std::vector<double>& values, const Shape& shape) {
  return tensor(values, shape, float64);
}

Layer ready(const Layer& layer, const Tensor& x, int64_t seed = 7) {
  layer.build({x.shape()}, float64);
  for (const Tensor& w : layer.weights())
    assign(w, random_normal(w.shape(), 0, 0.5, float64, seed++));
  return layer;
}

double at(const Tensor& x, int64_t a, int64_t b, int64_t c) {
  return x.element((a * x.shape()[1] + b) * x.shape()[2] + c);
}

// The definition, place by place; `before` zeros come before the sequence.
Tensor convolved(const Tensor& x, const Tensor& kernel, const Tensor& bias, const Conv1DOptions& o,
                 int64_t before, int64_t places) {
  const int64_t batch = x.shape()[0], time = x.shape()[1], each = kernel.shape()[1],
                filters = kernel.shape()[2], of_group = filters / o.groups;
  std::vector<double> y;
  for (int64_t n = 0; n < batch; ++n)
    for (int64_t t = 0; t < places; ++t)
      for (int64_t f = 0; f < filters; ++f) {
        double total = bias ? bias.element(f) : 0;
        for (int64_t j = 0; j < o.kernel_size; ++j) {
          const int64_t step = t * o.strides + j * o.dilation_rate - before;
          if (step < 0 || step >= time) continue;
          for (int64_t c = 0; c < each; ++c)
            total += at(x, n, step, f / of_group * each + c) * at(kernel, j, c, f);
        }
        y.push_back(total);
      }
  return tensor(y, {batch, places, filters}, float64);
}

const Tensor x = normal({2, 9, 4});

struct Case {
  Conv1DOptions options;
  int64_t before, places;  // worked out by hand, for 9 steps
};
const Case cases[] = {
    {{.filters = 3, .kernel_size = 1}, 0, 9},
    {{.filters = 3, .kernel_size = 4}, 0, 6},
    {{.filters = 3, .kernel_size = 3, .strides = 2}, 0, 4},
    {{.filters = 3, .kernel_size = 2, .strides = 4}, 0, 2},
    {{.filters = 3, .kernel_size = 3, .dilation_rate = 3}, 0, 3},
    {{.filters = 3, .kernel_size = 3, .padding = "same"}, 1, 9},
    {{.filters = 3, .kernel_size = 4, .padding = "same"}, 1, 9},
    {{.filters = 3, .kernel_size = 3, .padding = "same", .dilation_rate = 2}, 2, 9},
    // 5 places of 4, which span (5 - 1) * 2 + 4 = 12 steps: 3 zeros, the odd one at the end
    {{.filters = 3, .kernel_size = 4, .strides = 2, .padding = "same"}, 1, 5},
    // 3 places, of which the last begins at 8
    {{.filters = 3, .kernel_size = 1, .strides = 4, .padding = "same"}, 0, 3},
    {{.filters = 3, .kernel_size = 3, .padding = "causal"}, 2, 9},
    {{.filters = 3, .kernel_size = 3, .padding = "causal", .dilation_rate = 4}, 8, 9},
    {{.filters = 3, .kernel_size = 3, .strides = 2, .padding = "causal"}, 2, 5},
    {{.filters = 6, .kernel_size = 3, .padding = "same", .groups = 2}, 1, 9},
    {{.filters = 4, .kernel_size = 3, .groups = 4, .use_bias = false}, 0, 7},
};

std::string text_of(const Conv1DOptions& o) {
  return "size " + std::to_string(o.kernel_size) + ", strides " + std::to_string(o.strides) + ", " +
         o.padding + ", dilation " + std::to_string(o.dilation_rate) + ", groups " +
         std::to_string(o.groups);
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_sum_over_the_steps_of_a_window) {
  for (const Case& c : cases) {
    const Layer layer = ready(Conv1D(c.options), x);
    const Tensors w = layer.weights();
    BOOST_TEST(
        (w[0].shape() == Shape{c.options.kernel_size, 4 / c.options.groups, c.options.filters}));
    check_close(text_of(c.options), layer(x),
                convolved(x, w[0], w.size() > 1 ? w[1] : Tensor{}, c.options, c.before, c.places),
                1e-12);
    Conv1DOptions first = c.options;
    first.data_format = "channels_first";
    const Layer swapped = ready(Conv1D(first), swap_axes(x, 1, 2));
    check_same(text_of(c.options) + ", channels first", swapped(swap_axes(x, 1, 2)),
               swap_axes(layer(x), 1, 2));
    const Tensor mask = take(x, 0, -1) > 0;
    check_same(text_of(c.options) + ", channels first, masked",
               swapped(swap_axes(x, 1, 2), {.mask = mask}),
               swap_axes(with_mask(layer(x, {.mask = mask}), {}), 1, 2));
  }
  const Layer plain = ready(Conv1D({.filters = 3, .kernel_size = 2}), x),
              bent = ready(Conv1D({.filters = 3, .kernel_size = 2, .activation = "tanh"}), x);
  check_close("activation", bent(x), tanh(plain(x)), 1e-12);
}

BOOST_AUTO_TEST_CASE(features_by_themselves) {
  for (const Case& c : cases) {
    if (c.options.groups != 1) continue;
    const Conv1DOptions& o = c.options;
    const Layer deep = ready(DepthwiseConv1D({.kernel_size = o.kernel_size,
                                              .strides = o.strides,
                                              .padding = o.padding,
                                              .depth_multiplier = 2,
                                              .dilation_rate = o.dilation_rate}),
                             x);
    const Tensors w = deep.weights();
    BOOST_REQUIRE((w[0].shape() == Shape{o.kernel_size, 4, 2}));
    Tensors each;  // a convolution for each feature, whose filters are its sums
    for (int64_t f = 0; f < 4; ++f)
      each.push_back(convolved(slice(x, 2, f, f + 1), slice(w[0], 1, f, f + 1),
                               slice(w[1], 0, 2 * f, 2 * f + 2), o, c.before, c.places));
    check_close(text_of(o) + ", depthwise", deep(x), concat(each), 1e-12);

    const Layer separable = ready(SeparableConv1D({.filters = 3,
                                                   .kernel_size = o.kernel_size,
                                                   .strides = o.strides,
                                                   .padding = o.padding,
                                                   .dilation_rate = o.dilation_rate,
                                                   .depth_multiplier = 2,
                                                   .activation = "tanh"}),
                                  x);
    const Tensors s = separable.weights();
    BOOST_REQUIRE((s[1].shape() == Shape{1, 8, 3}));
    assign(w[0], s[0]);
    assign(w[1], zeros({8}, float64));
    check_close(text_of(o) + ", separable", separable(x),
                tanh(matmul(deep(x), take(s[1], 0)) + s[2]), 1e-12);
  }
}

BOOST_AUTO_TEST_CASE(the_other_way) {
  struct Transposed {
    Conv1DTransposeOptions options;
    int64_t cut, count;  // of 4 steps: outputs cut off in front, and outputs that stay
  };
  const Transposed transposed[] = {
      {{.filters = 2, .kernel_size = 3}, 0, 6},
      {{.filters = 2, .kernel_size = 3, .strides = 2}, 0, 9},
      {{.filters = 2, .kernel_size = 3, .strides = 2, .padding = "same"}, 0, 8},
      {{.filters = 2, .kernel_size = 4, .strides = 2, .padding = "same"}, 1, 8},
      {{.filters = 2, .kernel_size = 5, .padding = "same"}, 2, 4},
      {{.filters = 2, .kernel_size = 2, .strides = 3}, 0, 12},
      {{.filters = 2, .kernel_size = 2, .strides = 3, .padding = "same"}, 0, 12},
      {{.filters = 2, .kernel_size = 3, .strides = 2, .output_padding = 1}, 0, 10},
      {{.filters = 2, .kernel_size = 3, .strides = 2, .padding = "same", .output_padding = 1},
       0,
       8},
      {{.filters = 2, .kernel_size = 3, .strides = 2, .padding = "same", .output_padding = 0},
       1,
       7},
      {{.filters = 2, .kernel_size = 3, .dilation_rate = 2}, 0, 8},
      {{.filters = 2, .kernel_size = 3, .padding = "same", .dilation_rate = 2}, 2, 4},
  };
  const Tensor in = slice(x, 1, 0, 4);
  for (const Transposed& t : transposed) {
    const Conv1DTransposeOptions& o = t.options;
    const Layer layer = ready(Conv1DTranspose(o), in);
    const Tensors w = layer.weights();
    BOOST_REQUIRE((w[0].shape() == Shape{o.kernel_size, 2, 4}));
    std::vector<double> expected;
    for (int64_t n = 0; n < 2; ++n)
      for (int64_t place = t.cut; place < t.cut + t.count; ++place)
        for (int64_t filter = 0; filter < 2; ++filter) {
          double total = w[1].element(filter);
          for (int64_t time = 0; time < 4; ++time)
            for (int64_t j = 0; j < o.kernel_size; ++j)
              for (int64_t f = 0; time * o.strides + j * o.dilation_rate == place && f < 4; ++f)
                total +=
                    w[0].element((j * 2 + filter) * 4 + f) * in.element((n * 4 + time) * 4 + f);
          expected.push_back(total);
        }
    const std::string what = "size " + std::to_string(o.kernel_size) + ", strides " +
                             std::to_string(o.strides) + ", " + o.padding + ", dilation " +
                             std::to_string(o.dilation_rate) + ", output_padding " +
                             std::to_string(o.output_padding);
    check_close(what, layer(in), tensor(expected, {2, t.count, 2}, float64), 1e-12);
    Conv1DTransposeOptions first = o;
    first.data_format = "channels_first";
    check_same(what + ", channels first",
               ready(Conv1DTranspose(first), swap_axes(in, 1, 2))(swap_axes(in, 1, 2)),
               swap_axes(layer(in), 1, 2));
    const Tensor mask = tensor<bool>({1, 1, 0, 0, 1, 0, 1, 1}, {2, 4});
    const Tensor masked = layer(where(expand_dims(mask, -1), in, std::nan("")), {.mask = mask});
    check_close(what + ", masked", masked, layer(where(expand_dims(mask, -1), in, 0)), 1e-12);
    BOOST_TEST(!mask_of(masked));
  }
}

// A literal, worked out by hand: 1 2 3 4 with kernel 1 10, and 1 before it.
BOOST_AUTO_TEST_CASE(a_causal_one_reads_no_later_step) {
  const Layer layer =
      Conv1D({.filters = 1, .kernel_size = 2, .padding = "causal", .dtype = float64});
  layer.build({{1, 4, 1}});
  assign(layer.weights()[0], numbers({1, 10}, {2, 1, 1}));
  check_close("causal", layer(numbers({1, 2, 3, 4}, {1, 4, 1})),
              numbers({10, 21, 32, 43}, {1, 4, 1}), 1e-12);
}

BOOST_AUTO_TEST_CASE(masked_steps_are_zeros) {
  const Tensor mask = tensor<bool>({1, 1, 1, 1, 1, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1}, {2, 9});
  const Tensor padded = where(expand_dims(mask, -1), x, std::nan(""));
  const auto with = [](const char* padding, int strides) {
    return ready(Conv1D({.filters = 3, .kernel_size = 3, .strides = strides, .padding = padding}),
                 x);
  };
  for (const char* padding : {"same", "causal"}) {
    const Layer layer = with(padding, 1);
    const Tensor y = layer(padded, {.mask = mask});
    check_close(padding, slice(slice(y, 0, 0, 1), 1, 0, 5),
                layer(slice(slice(x, 0, 0, 1), 1, 0, 5)), 1e-12);
    check_close("all of it", slice(y, 0, 1, 2), layer(slice(x, 0, 1, 2)), 1e-12);
    check_same("mask", mask_of(y), mask);
    check_same("each second one", mask_of(with(padding, 2)(padded, {.mask = mask})),
               tensor<bool>({1, 1, 1, 0, 0, 1, 1, 1, 1, 1}, {2, 5}));
  }
  const Tensor y = with("valid", 1)(padded, {.mask = mask});
  check_same("windows that count", mask_of(y),
             tensor<bool>({1, 1, 1, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1}, {2, 7}));
  check_same("of each second window", mask_of(with("valid", 2)(padded, {.mask = mask})),
             tensor<bool>({1, 1, 0, 0, 1, 1, 1, 1}, {2, 4}));
  BOOST_TEST(!mask_of(with("same", 1)(x)));

  // The contents of masked steps affect no gradient.
  const Layer layer = with("causal", 1);
  const Tensor leaf = parameter(padded);
  const Tensor result = layer(leaf, {.mask = mask});
  const Tensors leaves{leaf, layer.weights()[0], layer.weights()[1]},
      first = gradient(sum(sin(where(expand_dims(mask, -1), result, 0))), leaves);
  for (const Tensor& dx : first) BOOST_TEST(std::isfinite(sum(abs(dx)).item()));
}

BOOST_AUTO_TEST_CASE(gradients) {
  for (const Case& c : cases) {
    const GradCheck report = gradcheck(Conv1D(c.options), Shape{2, 9, 4});
    BOOST_TEST(report.passed(), text_of(c.options) << "\n" << report);
  }
}

BOOST_AUTO_TEST_CASE(saved_and_loaded) {
  for (const Case& c : cases) {
    Sequential model({ready(Conv1D(c.options), x)});
    const Tensor y = model(x);
    const std::string path = in_folder("conv1d.safetensors");
    model.save(path);
    check_same(text_of(c.options), load_model(path)(x), y);
  }
}

BOOST_AUTO_TEST_CASE(errors) {
  BOOST_TEST(error_of([] { Conv1D({.kernel_size = 3}); }) ==
             "Conv1D: filters is not set.\n  Give both: Conv1D({.filters = 32, .kernel_size = 3}), "
             "or {\"filters\", 32} by name.");
  BOOST_TEST(error_of([] { Conv1D({.filters = 3}); }) ==
             "Conv1D: kernel_size is not set.\n  Give both: Conv1D({.filters = 32, .kernel_size = "
             "3}), or {\"kernel_size\", 3} by name.");
  BOOST_TEST(error_of([] {
               Conv1D({.filters = 3, .kernel_size = 2, .strides = 2, .dilation_rate = 3});
             }) == "Conv1D: strides is 2 and dilation_rate 3.\n  One of them must be 1.");
  BOOST_TEST(error_of([] { Conv1D({.filters = 4, .kernel_size = 2, .groups = 3})(x); }) ==
             "Conv1D: the features of the input, 4, do not divide into 3 groups.\n"
             "  groups must divide the features and the filters.");
  BOOST_TEST(error_of([] { Conv1D({.filters = 3, .kernel_size = 2, .groups = 2})(x); }) ==
             "Conv1D: the filters, 3, do not divide into 2 groups.\n"
             "  groups must divide the features and the filters.");
  BOOST_TEST(error_of([] { Conv1D({.filters = 3, .kernel_size = 5, .dilation_rate = 3})(x); }) ==
             "Conv1D: the kernel reaches over 13 steps, and the input has 9.\n"
             "  .padding = \"same\" or \"causal\" puts zeros around it.");
  BOOST_TEST(
      error_of([] {
        Conv1D({.filters = 3, .kernel_size = 5})(normal({2, 9}));
      }) ==
      "Conv1D: needs [batch, time, features], got [2, 9].\n"
      "  expand_dims(x, -1) makes a feature of each number, expand_dims(x, 0) a batch of one "
      "sequence.");
  BOOST_TEST(error_of([] { Conv1D({.filters = 3, .kernel_size = 5, .padding = "full"}); }) ==
             "Conv1D: option `padding` is \"full\"; it must be one of valid|same|causal.");
  BOOST_TEST(error_of([] { Conv1D({.filters = 3, .kernel_size = 5, .data_format = "first"}); }) ==
             "Conv1D: option `data_format` is \"first\"; it must be one of "
             "channels_last|channels_first.");
  BOOST_TEST(error_of([] { DepthwiseConv1D({}); }) ==
             "DepthwiseConv1D: kernel_size is not set.\n  Give it: DepthwiseConv1D({.kernel_size = "
             "3}), or {\"kernel_size\", 3} by name.");
  BOOST_TEST(error_of([] { Conv1DTranspose({.filters = 3}); }) ==
             "Conv1DTranspose: kernel_size is not set.\n  Give both: Conv1DTranspose({.filters = "
             "32, .kernel_size = 3}), or {\"kernel_size\", 3} by name.");
  BOOST_TEST(
      error_of([] {
        Conv1DTranspose({.filters = 3, .kernel_size = 2, .strides = 2, .output_padding = 2});
      }) ==
      "Conv1DTranspose: output_padding is 2, and strides 2.\n  It must be less than strides.");
  BOOST_TEST(error_of([] {
               Conv1D({.filters = 3, .kernel_size = 2})(x, {.mask = ones({2, 8}, bool_)});
             }) ==
             "Conv1D: the mask does not fit the input\n  mask   [2, 8] bool\n  input  [2, 9, 4]\n"
             "  It must be [2, 9] bool: [batch, time], true where a step counts.");
}
