// SPDX-License-Identifier: Apache-2.0
// CTC and its decoding against plain loops over all alignments.
#define BOOST_TEST_MODULE ctc
#include <map>

#include <tempo/gradcheck.hpp>
#include <tempo/tempo.hpp>

#include "files.hpp"

using namespace tempo;
using namespace tempo::testing;

namespace {

Tensor numbers(const std::vector<double>& values, const Shape& shape) {
  return tensor(values, shape, float64);
}

// For a parameter, which cannot carry a mask itself.
Tensor masked(const Tensor& x, const Tensor& its_mask) { return with_mask(1 * x, its_mask); }

using Labels = std::vector<int64_t>;

// The labels of an alignment: repeated labels become one, then blanks are removed.
Labels collapsed(const Labels& alignment, int64_t blank) {
  Labels out;
  for (std::size_t t = 0; t < alignment.size(); ++t)
    if (alignment[t] != blank && (t == 0 || alignment[t] != alignment[t - 1]))
      out.push_back(alignment[t]);
  return out;
}

// The probability of each labelling that the steps of a row can have.
std::map<Labels, double> probabilities(const Tensor& logits, const Tensor& mask, int64_t row,
                                       int64_t blank) {
  const Tensor p = softmax(with_mask(logits, {}));
  const int64_t time = p.shape()[1], classes = p.shape()[2];
  std::map<Labels, double> alignments{{{}, 1}};
  for (int64_t t = 0; t < time; ++t) {
    if (mask && mask.element(row * time + t) == 0) continue;
    std::map<Labels, double> longer;
    for (const auto& [begun, probability] : alignments)
      for (int64_t c = 0; c < classes; ++c) {
        Labels next = begun;
        next.push_back(c);
        longer[next] = probability * p.element((row * time + t) * classes + c);
      }
    alignments = longer;
  }
  std::map<Labels, double> out;
  for (const auto& [alignment, probability] : alignments)
    out[collapsed(alignment, blank)] += probability;
  return out;
}

Labels row_of(const Tensor& labels, int64_t row, int64_t filler) {
  Labels out;
  for (int64_t i = 0; i < labels.shape()[1]; ++i) {
    const auto label = static_cast<int64_t>(labels.element(row * labels.shape()[1] + i));
    if (label != filler && label != -1) out.push_back(label);
  }
  return out;
}

const Tensor logits = normal({6, 5, 3});
const Tensor mask = tensor<bool>(
    {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 1, 1, 1, 1, 1, 0, 1, 0, 1, 1, 1, 1, 1, 1, 0},
    {6, 5});
// With a blank of 0 and of 2; padded with the blank and with -1.
const Tensor labels_0 =
    tensor<int>({1, 2, 0, 1, 1, 2, 2, 1, -1, 0, 0, 0, 1, 0, 0, 2, 2, -1}, {6, 3});
const Tensor labels_2 =
    tensor<int>({1, 0, 2, 1, 1, 0, 0, 1, -1, 2, 2, 2, 1, 2, 2, 0, 0, -1}, {6, 3});

}  // namespace

BOOST_AUTO_TEST_CASE(the_probability_of_all_alignments) {
  for (const bool masked : {false, true})
    for (const int blank : {0, 2}) {
      const Tensor y = blank == 0 ? labels_0 : labels_2;
      const CTC loss({.mask_index = blank, .reduction = "none"});
      const Tensor its_mask = masked ? mask : Tensor{};
      const Tensor got = loss(y, with_mask(logits, its_mask));
      BOOST_TEST((got.shape() == Shape{6}));
      for (int64_t row = 0; row < 6; ++row) {
        const auto all = probabilities(logits, its_mask, row, blank);
        const auto at = all.find(row_of(y, row, blank));
        BOOST_REQUIRE(at != all.end());
        BOOST_TEST(std::abs(got.element(row) + std::log(at->second)) < 1e-12);
      }
      check_close("the mean", CTC({.mask_index = blank})(y, with_mask(logits, its_mask)), mean(got),
                  1e-12);
      check_close("of numbers", loss(cast(y, float64), with_mask(logits, its_mask)), got, 1e-12);
    }
}

// By hand: three steps, and all classes equally likely. Of 8 alignments of one label and the blank,
// 0 1 0, 1 0 0, 0 0 1, 1 1 0, 0 1 1 and 1 1 1 are the label once, 1 0 1 twice, 0 0 0 never.
BOOST_AUTO_TEST_CASE(alignments_counted_by_hand) {
  const Tensor even = zeros({3, 3, 2}, float64);
  const Tensor y = tensor<int>({1, 0, 1, 1, 0, 0}, {3, 2});
  check_close("ln", Loss("ctc(reduction=none)")(y, even),
              numbers({std::log(8.0 / 6), std::log(8), std::log(8)}, {3}), 1e-12);
}

BOOST_AUTO_TEST_CASE(labels_that_do_not_fit_cost_infinity) {
  const Tensor p = parameter(normal({3, 3, 3}));
  // 1 1 needs a blank in between, so 3 steps; 1 1 2 needs 4. The third sample has 1 step.
  const Tensor y = tensor<int>({1, 1, 0, 1, 1, 2, 1, 2, 0}, {3, 3});
  const Tensor steps = tensor<bool>({1, 1, 1, 1, 1, 1, 0, 0, 1}, {3, 3});
  const Tensor each = Loss("ctc(reduction=none)")(y, masked(p, steps));
  BOOST_TEST(std::isfinite(each.element(0)));
  BOOST_TEST(each.element(1) == HUGE_VAL);
  BOOST_TEST(each.element(2) == HUGE_VAL);
  const auto [slope] = gradient(each, {p});
  const auto [alone] = gradient(take(each, 0), {p});
  check_close("their gradient is 0", slope, alone, 1e-15);
  check_close("to any order", gradient(sum(square(slope)), {p})[0],
              gradient(sum(square(alone)), {p})[0], 1e-15);
}

BOOST_AUTO_TEST_CASE(gradients) {
  for (const Tensor& its_mask : {Tensor{}, mask}) {
    const GradCheck report = gradcheck(
        [&](const Tensors& in) {
          return Loss("ctc(reduction=none)")(labels_0, masked(in[0], its_mask));
        },
        {logits});
    BOOST_TEST(report.passed(), report);
  }
}

BOOST_AUTO_TEST_CASE(long_sequences_do_not_underflow) {
  const Tensor p = cast(normal({2, 2000, 5}), float32);
  const Tensor y = cast(uniform(1, 5, {2, 100}), int64);
  const double got = Loss("ctc")(y, p).item(), precise = Loss("ctc")(y, cast(p, float64)).item();
  BOOST_TEST(std::abs(got - precise) < 1e-4 * precise);
  const Tensor leaf = parameter(p);
  BOOST_TEST(std::isfinite(sum(gradient(Loss("ctc")(y, leaf), {leaf})[0]).item()));
}

BOOST_AUTO_TEST_CASE(what_does_not_count_reaches_nothing) {
  Tensors expected;
  for (const double padding : {0.0, 1e300, std::nan("")}) {
    const Tensor weight = numbers({1, 1, 1, 1, 1, 0}, {6});
    Tensor p = where(expand_dims(mask, -1), logits, padding);
    p = parameter(where(reshape(weight, {6, 1, 1}) > 0, p, padding));
    const Tensor y = where(expand_dims(weight > 0, -1), labels_0, static_cast<double>(-9));
    const Tensor loss = Loss("ctc")(y, masked(p, mask), weight);
    const Tensors leaves{p}, first = gradient(loss, leaves),
                             second = gradient(mixed(first), leaves);
    const Tensors got{loss, first[0], second[0]};
    if (expected.empty()) expected = got;
    for (std::size_t i = 0; i < got.size(); ++i) {
      BOOST_TEST(std::isfinite(sum(abs(got[i])).item()));
      check_close(std::to_string(i), got[i], expected[i], 1e-12);
    }
  }
}

// --- Decoding -----------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(beam_search_finds_the_likeliest_labels) {
  for (const bool masked : {false, true})
    for (const int blank : {0, 2}) {
      const Tensor its_mask = masked ? mask : Tensor{};
      const CTCDecoded got = ctc_decode(
          with_mask(logits, its_mask),
          {.strategy = "beam_search", .beam_width = 500, .top_paths = 4, .mask_index = blank});
      BOOST_TEST((got.labels.shape() == Shape{4, 6, 5}));
      BOOST_TEST((got.scores.shape() == Shape{6, 4}));
      for (int64_t row = 0; row < 6; ++row) {
        std::vector<std::pair<double, Labels>> all;
        for (const auto& [labels, p] : probabilities(logits, its_mask, row, blank))
          all.emplace_back(-p, labels);
        std::sort(all.begin(), all.end());
        for (int64_t path = 0; path < 4; ++path) {
          const auto& [p, labels] = all[static_cast<std::size_t>(path)];
          BOOST_TEST(std::abs(got.scores.element(row * 4 + path) - std::log(-p)) < 1e-12);
          BOOST_TEST(row_of(take(got.labels, path), row, -1) == labels,
                     boost::test_tools::per_element());
        }
      }
    }
}

BOOST_AUTO_TEST_CASE(greedy_takes_the_likeliest_class_of_each_step) {
  // The likeliest classes are 1 1 0 1 2 2, each with e^2 against two of e^0.
  const Tensor p = 2 * one_hot(tensor<int>({1, 1, 0, 1, 2, 2}, {1, 6}), 3, float64);
  const double each = 2 - std::log(std::exp(2) + 2);
  const CTCDecoded got = ctc_decode(p);
  check_same("labels", got.labels, tensor<int64_t>({1, 1, 2, -1, -1, -1}, {1, 1, 6}));
  check_close("score", got.scores, full({1, 1}, 6 * each, float64), 1e-12);
  check_same("not merged", ctc_decode(p, {.merge_repeated = false}).labels,
             tensor<int64_t>({1, 1, 1, 2, 2, -1}, {1, 1, 6}));
  check_same("another blank", ctc_decode(p, {.mask_index = 2}).labels,
             tensor<int64_t>({1, 0, 1, -1, -1, -1}, {1, 1, 6}));
  const Tensor of_four = tensor<bool>({1, 1, 1, 1, 0, 0}, {1, 6});
  const CTCDecoded cut = ctc_decode(with_mask(p, of_four));
  check_same("of the steps that count", cut.labels,
             tensor<int64_t>({1, 1, -1, -1, -1, -1}, {1, 1, 6}));
  check_close("their score", cut.scores, full({1, 1}, 4 * each, float64), 1e-12);
}

// A narrow beam drops prefixes; its probability of a result is never too high.
BOOST_AUTO_TEST_CASE(a_narrow_beam) {
  const CTCDecoded one = ctc_decode(logits, {.strategy = "beam_search", .beam_width = 1}),
                   all = ctc_decode(logits, {.strategy = "beam_search", .beam_width = 500});
  for (int64_t row = 0; row < 6; ++row) {
    BOOST_TEST(one.scores.element(row) <= all.scores.element(row) + 1e-12);
    const double p = probabilities(logits, {}, row, 0)[row_of(take(one.labels, 0), row, -1)];
    BOOST_TEST(one.scores.element(row) <= std::log(p) + 1e-12);
  }
}

BOOST_AUTO_TEST_CASE(few_results) {
  const CTCDecoded got = ctc_decode(zeros({1, 1, 2}, float64),
                                    {.strategy = "beam_search", .beam_width = 5, .top_paths = 3});
  check_close("scores", got.scores, numbers({std::log(0.5), std::log(0.5), -HUGE_VAL}, {1, 3}),
              1e-12);
  check_same("labels", got.labels, tensor<int64_t>({-1, 1, -1}, {3, 1, 1}));
}

// --- In a model ---------------------------------------------------------------------------------

// Three symbols, each shown for two or three steps; labels have no places.
BOOST_AUTO_TEST_CASE(a_model_learns_labels_without_places) {
  set_seed(5);
  const int64_t n = 64, time = 12;
  std::vector<float> shown;
  std::vector<int> labels;
  const std::vector<double> numbers = uniform(0, 1, {n, 12}).to_vector();
  for (int64_t row = 0; row < n; ++row) {
    const double* random = &numbers[static_cast<std::size_t>(row * 12)];
    std::vector<int> steps;
    for (int i = 0; i < 4; ++i) {
      const int symbol = 1 + static_cast<int>(random[i] * 3);
      labels.push_back(i < 3 + row % 2 ? symbol : 0);
      for (int k = 0; i < 3 + row % 2 && k < (random[4 + i] < 0.5 ? 1 : 2); ++k)
        steps.push_back(symbol);
      if (i < 3 + row % 2) steps.push_back(4);  // silence
    }
    steps.resize(static_cast<std::size_t>(time), 0);
    for (const int step : steps)
      for (int f = 1; f < 5; ++f) shown.push_back(step == f ? 1.0F : 0.0F);
  }
  const Tensor x = tensor(shown, {n, time, 4}), y = tensor(labels, {n, 4});
  Sequential model({Masking(), GRU({.units = 12, .return_sequences = true}), Dense({.units = 4})});
  model.compile({.optimizer = Adam({.learning_rate = 0.03}), .loss = "ctc"});
  const History history = model.fit(x, y, {.batch_size = 16, .epochs = 40, .verbose = 0});
  BOOST_TEST(history["loss"].back() < 0.1 * history["loss"].front());
  const Tensor predicted = model.predict(x);
  const CTCDecoded greedy = ctc_decode(predicted),
                   beam = ctc_decode(predicted, {.strategy = "beam_search", .beam_width = 10});
  int right = 0;
  for (int64_t row = 0; row < n; ++row)
    right += row_of(take(greedy.labels, 0), row, -1) == row_of(y, row, 0) &&
             row_of(take(beam.labels, 0), row, -1) == row_of(y, row, 0);
  BOOST_TEST(right > 58);
  const std::string path = in_folder("ctc.safetensors");
  model.save(path);
  BOOST_TEST(load_model(path).loss().text() == "ctc(mask_index=0, reduction=sum_over_batch_size)");
}

BOOST_AUTO_TEST_CASE(labels_that_do_not_fit_into_the_steps_are_named) {
  // 4 steps; the mask of sample 2 counts 2 of them.
  const Tensor x = with_mask(random_normal({3, 4, 2}, 0, 1, float32, 1),
                             mask_of_lengths(tensor<int64_t>({4, 4, 2}, {3}), 4));
  const std::string lead =
      "Sequential.fit: the loss is infinite in epoch 1, batch 1.\n  The weights are as they were "
      "before this batch.\n  ";
  const std::string fix =
      " for them, so that no path leads through: its loss is infinite whatever the weights.\n  "
      "Leave it out by a sample_weight of 0, or give more steps: a mask that counts more, fewer "
      "strides, shorter labels.";
  struct {
    std::vector<int> y;  // [3, 5]
    std::vector<float> weight;
    std::string said;
  } const cases[] = {
      {{1, 2, 1, 2, 1, 1, 2, 0, 0, 0, 1, 0, 0, 0, 0},
       {1, 1, 1},
       lead + "y[0] has 5 labels, and y_pred has 4 steps" + fix},
      {{1, 2, 0, 0, 0, 1, 1, 1, 0, 0, 1, 0, 0, 0, 0},
       {1, 1, 1},
       lead + "y[1] has 3 labels, needs 2 blanks between equal ones, and y_pred has 4 steps" + fix},
      {{1, 2, 0, 0, 0, 1, 1, 2, 0, 0, 1, 2, 1, 0, 0},
       {1, 1, 1},
       lead + "y[2] has 3 labels, and y_pred has 2 steps" + fix},
      {{1, 2, 1, 2, 1, 1, 1, 2, 0, 0, 1, 2, 0, 0, 0}, {0, 1, 1}, "nothing was thrown"},
  };
  for (const auto& c : cases) {
    Sequential model({GRU({.units = 3, .return_sequences = true}), Dense({.units = 3})});
    model.compile({.optimizer = Adam(), .loss = "ctc"});
    BOOST_TEST(error_of([&] {
                 model.fit(
                     x, tensor(c.y, {3, 5}),
                     {.shuffle = false, .sample_weight = tensor(c.weight, {3}), .verbose = 0});
               }) == c.said);
  }
}

BOOST_AUTO_TEST_CASE(errors) {
  const Tensor p = normal({2, 5, 3});
  const auto said = [&](const std::vector<double>& labels) {
    return error_of([&] {
      Loss("ctc")(tensor(labels, {2, static_cast<int64_t>(labels.size()) / 2}, float64), p);
    });
  };
  BOOST_TEST(
      said({1, 2, 1, 3}) ==
      "ctc: y_true[1, 1] is 3; it must be a class number, a whole number in [0, 2], as y_pred "
      "has 3 classes.\n  Fill rows up with 0 (mask_index) or -1 behind their labels.");
  BOOST_TEST(
      said({1, 1.5, 1, 0}) ==
      "ctc: y_true[0, 1] is 1.5; it must be a class number, a whole number in [0, 2], as "
      "y_pred has 3 classes.\n  Fill rows up with 0 (mask_index) or -1 behind their labels.");
  BOOST_TEST(said({1, 0, 2, 2, 2, 2}) ==
             "ctc: y_true[0, 2] is 2; it must be 0 (mask_index) or -1, as what stands before it.\n"
             "  Labels come first in a row, and what fills it up behind them.");
  BOOST_TEST(error_of([&] {
               Loss("ctc")(zeros({3, 2}, int64), p);
             }) ==
             "ctc: y_true and y_pred do not fit\n  y_true  [3, 2] int64\n  y_pred  [2, 5, 3] "
             "float64\n  y_true holds a row of labels for each sample, [batch, length], y_pred "
             "logits, [batch, time, classes].");
  BOOST_TEST(error_of([&] {
               Loss("ctc(mask_index=3)")(zeros({2, 2}, int64), p);
             }) ==
             "ctc: mask_index is 3, and y_pred has 3 classes.\n  It must lie in [0, 2]: the class "
             "that stands for no label.");
  BOOST_TEST(error_of([&] {
               ctc_decode(normal({2, 3}));
             }) ==
             "ctc_decode: logits are [2, 3] float64; they must be float32 or float64 [batch, time, "
             "classes].");
  std::vector<double> numbers = p.to_vector();
  for (const double none : {std::nan(""), HUGE_VAL}) {
    numbers[(1 * 5 + 2) * 3 + 1] = none;
    const Tensor broken = tensor(numbers, {2, 5, 3});
    for (const char* strategy : {"greedy", "beam_search"})
      BOOST_TEST(
          error_of([&] { ctc_decode(broken, {.strategy = strategy}); }) ==
          "ctc_decode: logits[1, 2] give no probabilities: NaN or inf is among them, or all are "
          "-inf.\n  Look for what made the model's output so, or mask steps that do not count.");
    const Tensor counted = not_equal(arange(0, 10, 1, int64), 7);
    const Tensor masked = with_mask(broken, reshape(counted, {2, 5}));
    BOOST_TEST(ctc_decode(masked).labels.shape()[2] == 5);
  }
  BOOST_TEST(error_of([&] { ctc_decode(p, {.mask_index = 4}); }) ==
             "ctc_decode: mask_index is 4, and there are 3 classes.\n  It is the class that stands "
             "for no label, counted from 0.");
  BOOST_TEST(error_of([&] { ctc_decode(p, {.top_paths = 2}); }) ==
             "ctc_decode: top_paths is 2, and greedy finds one path.\n  Set .strategy = "
             "\"beam_search\".");
  BOOST_TEST(
      error_of(
          [&] { ctc_decode(p, {.strategy = "beam_search", .beam_width = 2, .top_paths = 3}); }) ==
      "ctc_decode: beam_width is 2 and top_paths 3.\n  Both are at least 1, and top_paths at "
      "most beam_width.");
  BOOST_TEST(error_of([&] { ctc_decode(p, {.strategy = "beam"}); }) ==
             "ctc_decode: it has no strategy `beam`; did you mean `beam_search`?\n  There are "
             "greedy, beam_search.");
}
