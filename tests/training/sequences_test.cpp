// SPDX-License-Identifier: Apache-2.0
// Padding against the results of Keras's tests, and draws against the probabilities that the logits
// give.
#define BOOST_TEST_MODULE sequences
#include <tempo/tempo.hpp>

#include "testing.hpp"

using namespace tempo;
using tempo::testing::check_same;
using tempo::testing::error_of;

namespace {

const std::vector<std::vector<int64_t>> steps = {{1}, {1, 2}, {1, 2, 3}};
constexpr double infinite = std::numeric_limits<double>::infinity();

struct Padding {
  const char* what;
  PadOptions options;
  Tensor expected;
};

const std::vector<Padding>& paddings() {
  static const std::vector<Padding> all = {
      {"by default zeros come before", {}, tensor({{0, 0, 1}, {0, 1, 2}, {1, 2, 3}})},
      {"longer than the longest",
       {.maxlen = 4},
       tensor({{0, 0, 0, 1}, {0, 0, 1, 2}, {0, 1, 2, 3}})},
      {"behind", {.maxlen = 3, .padding = "post"}, tensor({{1, 0, 0}, {1, 2, 0}, {1, 2, 3}})},
      {"another value", {.maxlen = 3, .value = 1}, tensor({{1, 1, 1}, {1, 1, 2}, {1, 2, 3}})},
      {"the first steps are cut off",
       {.maxlen = 2, .truncating = "pre"},
       tensor({{0, 1}, {1, 2}, {2, 3}})},
      {"the last steps are cut off",
       {.maxlen = 2, .truncating = "post"},
       tensor({{0, 1}, {1, 2}, {1, 2}})},
      {"post and post",
       {.maxlen = 2, .padding = "post", .truncating = "post", .value = -1},
       tensor({{1, -1}, {1, 2}, {1, 2}})},
      {"wide ids", {.maxlen = 1, .dtype = int64}, tensor<int64_t>({1, 2, 3}, {3, 1})},
      {"reals with a fraction between",
       {.dtype = float32, .value = 0.5},
       tensor<float>({0.5f, 0.5f, 1, 0.5f, 1, 2, 1, 2, 3}, {3, 3})},
  };
  return all;
}

// The share of each class, and the largest difference that chance explains.
struct Draws {
  const char* what;
  std::vector<double> p;  // their logarithms are the logits
  SampleOptions options;
  std::vector<double> expected;
};

const Draws draws[] = {
    {"as the logits say", {0.1, 0.2, 0.3, 0.4}, {}, {0.1, 0.2, 0.3, 0.4}},
    {"they need not sum to 1", {1, 2, 3, 4}, {}, {0.1, 0.2, 0.3, 0.4}},
    // p^2 in the same proportions: 1, 4, 9, 16 of 30
    {"cold ones sharpen",
     {0.1, 0.2, 0.3, 0.4},
     {.temperature = 0.5},
     {1 / 30.0, 4 / 30.0, 9 / 30.0, 16 / 30.0}},
    // sqrt(p): 1, 2, 3 of 6
    {"hot ones flatten", {1, 4, 9}, {.temperature = 2}, {1 / 6.0, 2 / 6.0, 3 / 6.0}},
    {"the two likeliest", {0.4, 0.1, 0.2, 0.3}, {.top_k = 2}, {4 / 7.0, 0, 0, 3 / 7.0}},
    {"of equal ones the first", {0.25, 0.25, 0.25, 0.25}, {.top_k = 2}, {0.5, 0.5, 0, 0}},
    {"more than there are", {0.5, 0.5}, {.top_k = 9}, {0.5, 0.5}},
    {"those that have 0.6 together",
     {0.1, 0.4, 0.3, 0.2},
     {.top_p = 0.6},
     {0, 4 / 7.0, 3 / 7.0, 0}},
    {"one may be enough", {0.1, 0.7, 0.2}, {.top_p = 0.01}, {0, 1, 0}},
    {"top_p is of what top_k leaves",
     {0.4, 0.3, 0.2, 0.1},
     {.top_k = 2, .top_p = 0.57},
     {1, 0, 0, 0}},
    {"what cannot be is never drawn", {0, 0.5, 0, 0.5}, {}, {0, 0.5, 0, 0.5}},
    {"the likeliest", {0.2, 0.3, 0.3, 0.2}, {.temperature = 0}, {0, 1, 0, 0}},
};

struct Refused {
  std::function<void()> fails;
  const char* text;
};

}  // namespace

BOOST_AUTO_TEST_CASE(sequences_are_padded_as_in_keras) {
  for (const Padding& c : paddings())
    check_same(c.what, pad_sequences(steps, c.options), c.expected);
}

BOOST_AUTO_TEST_CASE(numbers_of_any_kind_are_padded) {
  check_same("written in braces", pad_sequences({{7, 8}, {9}}), tensor({{7, 8}, {0, 9}}));
  check_same("an empty one", pad_sequences({{7, 8}, {}}), tensor({{7, 8}, {0, 0}}));
  check_same("reals", pad_sequences({{1.5, 2.5}, {3.5}}, {.padding = "post"}),
             tensor<float>({1.5f, 2.5f, 3.5f, 0}, {2, 2}));
  check_same("float",
             pad_sequences(std::vector<std::vector<float>>{{1.5f}, {}}, {.dtype = float64}),
             tensor<double>({1.5, 0}, {2, 1}, float64));
  check_same("no sequences", pad_sequences(std::vector<std::vector<int64_t>>{}, {.maxlen = 3}),
             zeros({0, 3}, int32));
  check_same(
      "exact beyond 2^53",
      pad_sequences(std::vector<std::vector<int64_t>>{{(int64_t{1} << 60) + 1}}, {.dtype = int64}),
      tensor<int64_t>({(int64_t{1} << 60) + 1}, {1, 1}));
}

BOOST_AUTO_TEST_CASE(sequences_of_features_are_padded) {
  const Tensors of_two = {tensor<float>({1, 2}, {1, 2}), tensor<float>({3, 4, 5, 6, 7, 8}, {3, 2})};
  check_same("before and cut", pad_sequences(of_two, {.maxlen = 2}),
             tensor<float>({0, 0, 1, 2, 5, 6, 7, 8}, {2, 2, 2}));
  check_same("behind", pad_sequences(of_two, {.padding = "post", .value = -1}),
             tensor<float>({1, 2, -1, -1, -1, -1, 3, 4, 5, 6, 7, 8}, {2, 3, 2}));
}

BOOST_AUTO_TEST_CASE(classes_come_as_often_as_they_should) {
  constexpr int64_t n = 20000;
  for (const Draws& c : draws) BOOST_TEST_CONTEXT(c.what) {
      const auto classes = static_cast<int64_t>(c.p.size());
      const Tensor logits =
          broadcast_to(log(tensor<double>(c.p, {classes}, float64)), {n, classes});
      SampleOptions options = c.options;
      options.seed = 3;
      const Tensor drawn = sample(logits, options);
      BOOST_TEST((drawn.shape() == Shape{n} && drawn.dtype() == int64));
      std::vector<double> share(c.p.size());
      for (const int64_t one : drawn.to_vector<int64_t>())
        share.at(static_cast<std::size_t>(one)) += 1.0 / n;
      for (std::size_t i = 0; i < share.size(); ++i) {
        const double p = c.expected[i];  // five deviations of a binomial share; none where p is 0
        BOOST_TEST(std::abs(share[i] - p) <= 5 * std::sqrt(p * (1 - p) / n) + 1e-9,
                   "class " << i << ": " << share[i] << ", expected " << p);
      }
    }
}

BOOST_AUTO_TEST_CASE(draws_follow_the_seed) {
  const Tensor logits = zeros({200, 10});
  set_seed(4);
  const Tensor first = sample(logits), second = sample(logits);
  set_seed(4);
  check_same("the same seed", sample(logits), first);
  BOOST_TEST(sum(not_equal(first, second)).item() > 100);
  check_same("a seed of its own", sample(logits, {.seed = 8}), sample(logits, {.seed = 8}));
  BOOST_TEST((sample(zeros({5})).shape() == Shape{}));
  BOOST_TEST((sample(zeros({2, 3, 5})).shape() == Shape{2, 3}));
}

BOOST_AUTO_TEST_CASE(what_is_wrong_is_refused) {
  const Refused refused[] = {
      {[] { pad_sequences(steps, {.padding = "front"}); },
       "pad_sequences: it has no padding `front`.\n  There are pre, post."},
      {[] { pad_sequences(steps, {.truncating = "pos"}); },
       "pad_sequences: it has no truncating `pos`; did you mean `post`?\n  There are pre, post."},
      {[] { pad_sequences(steps, {.maxlen = -1}); },
       "pad_sequences: maxlen is -1; it is at least 1, or 0 for the length of the longest "
       "sequence."},
      {[] { pad_sequences(steps, {.value = 0.5}); },
       "pad_sequences: the value to pad with is 0.5, which int32 does not hold.\n  Give another "
       ".dtype, as float32 or int64."},
      {[] {
         pad_sequences(std::vector<std::vector<int64_t>>{{1}, {2, 3000000000}});
       },
       "pad_sequences: step 1 of sequence 1 is 3000000000, which int32 does not hold.\n  Give "
       "another .dtype, as float32 or int64."},
      {[] {
         pad_sequences({{1.0}, {1e300}}, {.dtype = float32});
       },
       "pad_sequences: step 0 of sequence 1 is 1e+300, which float32 does not hold.\n  Give "
       "another .dtype, as float64."},
      {[] {
         pad_sequences({{1.0}, {1.5}}, {.dtype = int32});
       },
       "pad_sequences: step 0 of sequence 1 is 1.5, which int32 does not hold.\n  Give another "
       ".dtype, as float32 or int64."},
      {[] {
         pad_sequences(Tensors{zeros({2, 3}), zeros({2, 4})});
       },
       "pad_sequences: sequence 1 is [2, 4] float32; each must be [time, features...], all of the "
       "same dtype and features."},
      {[] { pad_sequences(Tensors{}); },
       "pad_sequences: there are no sequences, so nobody knows their features."},
      {[] { sample(zeros({3}, int32)); },
       "sample: logits are [3] int32; they must be floating numbers [..., classes]."},
      {[] {
         sample(zeros({2, 0}));
       },
       "sample: logits are [2, 0] float32; they must be floating numbers [..., classes]."},
      {[] { sample(zeros({3}), {.temperature = -1}); },
       "sample: temperature is -1; it must be a finite number, at least 0 (which takes the "
       "likeliest)."},
      {[] { sample(zeros({3}), {.top_k = -2}); },
       "sample: top_k is -2; it must be at least 1, or 0 for all classes."},
      {[] { sample(zeros({3}), {.top_p = 0}); },
       "sample: top_p is 0; it must be above 0, and at most 1 (which keeps all classes)."},
      {[] {
         sample(tensor<float>({0, std::nanf(""), 0}, {3}));
       },
       "sample: the logit of class 1 is nan; logits are finite, or -inf for what is never drawn."},
      {[] { sample(full({2}, -infinite)); },
       "sample: all logits of a row are -inf, so there is no class to draw."},
  };
  for (const Refused& c : refused) BOOST_CHECK_EQUAL(error_of(c.fails), c.text);
}
