// SPDX-License-Identifier: Apache-2.0
// The linear chain against a plain loop over all sequences of tags.
#define BOOST_TEST_MODULE crf
#include <tempo/gradcheck.hpp>
#include <tempo/tempo.hpp>

#include "files.hpp"

using namespace tempo;
using namespace tempo::testing;

namespace {

Tensor numbers(const std::vector<double>& values, const Shape& shape) {
  return tensor(values, shape, float64);
}

using Tags = std::vector<int64_t>;

// All sequences of tags of a length.
std::vector<Tags> all_sequences(std::size_t length, int64_t tags) {
  std::vector<Tags> all{{}};
  for (std::size_t t = 0; t < length; ++t) {
    std::vector<Tags> longer;
    for (const Tags& begun : all)
      for (int64_t tag = 0; tag < tags; ++tag) {
        longer.push_back(begun);
        longer.back().push_back(tag);
      }
    all = longer;
  }
  return all;
}

// The weights of a CRF as numbers, and the score of a sequence under them.
struct Chain {
  int64_t tags;
  std::vector<double> transitions, left, right;  // transitions[before * tags + tag]
  explicit Chain(const Layer& crf)
      : tags(crf.weights()[0].shape()[0]), transitions(crf.weights()[0].to_vector()) {
    const auto n = static_cast<std::size_t>(tags);
    left = right = std::vector<double>(n, 0);
    if (crf.weights().size() > 1) {
      left = crf.weights()[1].to_vector();
      right = crf.weights()[2].to_vector();
    }
  }
  // `scores` [time][tags] are those of the steps that count.
  double score(const std::vector<std::vector<double>>& scores, const Tags& sequence) const {
    if (sequence.empty()) return 0;
    double total = left[static_cast<std::size_t>(sequence.front())] +
                   right[static_cast<std::size_t>(sequence.back())];
    for (std::size_t t = 0; t < sequence.size(); ++t) {
      total += scores[t][static_cast<std::size_t>(sequence[t])];
      if (t > 0)
        total += transitions[static_cast<std::size_t>(sequence[t - 1] * tags + sequence[t])];
    }
    return total;
  }
};

// The scores of a row at the steps that count.
std::vector<std::vector<double>> counted_scores(const Tensor& x, const Tensor& mask, int64_t row) {
  std::vector<std::vector<double>> out;
  for (int64_t t = 0; t < x.shape()[1]; ++t)
    if (mask.element(row * x.shape()[1] + t) != 0) out.push_back(take(take(x, row), t).to_vector());
  return out;
}
Tags counted_tags(const Tensor& tags, const Tensor& mask, int64_t row) {
  Tags out;
  for (int64_t t = 0; t < tags.shape()[1]; ++t)
    if (const int64_t at = row * tags.shape()[1] + t; mask.element(at) != 0)
      out.push_back(static_cast<int64_t>(tags.element(at)));
  return out;
}

Layer ready(const Layer& layer, const Tensor& x, int64_t seed = 7) {
  layer.build({x.shape()}, float64);
  for (const Tensor& w : layer.weights())
    assign(w, random_normal(w.shape(), 0, 1, float64, seed++));
  return layer;
}

const Tensor mask = tensor<bool>(
    {1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 1, 1, 1, 1, 0, 1, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0},
    {6, 5});
const Tensor x = normal({6, 5, 4});
Tensor random_tags(int64_t tags, int64_t seed) {
  return cast(uniform(0, static_cast<double>(tags), {6, 5}, seed), int64);
}

}  // namespace

BOOST_AUTO_TEST_CASE(likelihood_and_best_tags_of_all_sequences) {
  for (const bool boundary : {false, true})
    for (const int64_t n : {1, 2, 3, 4}) {
      const Tensor scores = slice(x, -1, 0, n), tags = random_tags(n, 3);
      const Layer crf = ready(CRF({.use_boundary = boundary}), scores);
      const Chain chain(crf);
      const Tensors got = crf.call({scores}, {.mask = mask});
      BOOST_TEST((got[1].shape() == Shape{6, 5, n, n}));
      const Tensor likelihood = crf_log_likelihood(got[1], tags);
      check_same("the mask", mask_of(got[0]), mask);
      BOOST_TEST((got[0].dtype() == int64));
      for (int64_t row = 0; row < 6; ++row) {
        const auto of_row = counted_scores(scores, mask, row);
        double total = 0, best = -1e300;
        Tags likeliest;
        for (const Tags& sequence : all_sequences(of_row.size(), n)) {
          const double score = chain.score(of_row, sequence);
          total += std::exp(score);
          if (score <= best) continue;
          best = score;
          likeliest = sequence;
        }
        const double expected =
            chain.score(of_row, counted_tags(tags, mask, row)) - std::log(total);
        BOOST_TEST(std::abs(likelihood.element(row) - expected) < 1e-12);
        BOOST_TEST(counted_tags(got[0], mask, row) == likeliest, boost::test_tools::per_element());
      }
      check_same("0 where a mask is", where(mask, 0, got[0]), zeros({6, 5}, int64));
    }
}

// Worked out by hand: one step has the likelihoods of a softmax; with two steps, two tags and only
// a transition of ln 3 from 0 to 1, the sequence 0 1 has three parts of six.
BOOST_AUTO_TEST_CASE(small_chains) {
  const Layer crf = CRF({.use_boundary = false, .chain_initializer = zeros(), .dtype = float64});
  const Tensor one = numbers({std::log(1), std::log(3)}, {1, 1, 2});
  const Tensors of_one = crf.call({one});
  check_close("one step", crf_log_likelihood(of_one[1], tensor<int64_t>({1}, {1, 1})),
              full({1}, std::log(0.75), float64), 1e-12);
  assign(crf.weights()[0], numbers({0, std::log(3), 0, 0}, {2, 2}));
  const Tensors of_two = crf.call({zeros({1, 2, 2}, float64)});
  check_close("two steps", crf_log_likelihood(of_two[1], tensor<int64_t>({0, 1}, {1, 2})),
              full({1}, std::log(0.5), float64), 1e-12);
  check_same("the best", of_two[0], tensor<int64_t>({0, 1}, {1, 2}));
}

BOOST_AUTO_TEST_CASE(units_are_a_projection) {
  const Layer with = ready(CRF({.units = 3}), x), without = CRF({.dtype = float64});
  without.build({{6, 5, 3}});
  const Tensors w = with.weights();
  BOOST_REQUIRE_EQUAL(w.size(), 5u);
  for (std::size_t i = 0; i < 3; ++i) assign(without.weights()[i], w[i + 2]);
  check_close("potentials", with.call({x})[1], without.call({matmul(x, w[0]) + w[1]})[1], 1e-12);
}

BOOST_AUTO_TEST_CASE(gradients) {
  for (const CRFOptions& o : {CRFOptions{}, CRFOptions{.units = 3, .use_boundary = false}}) {
    const GradCheck layer = gradcheck(CRF(o), Shape{2, 3, 3});
    BOOST_TEST(layer.passed(), layer);
  }
  const Tensor tags = tensor<int64_t>({0, 1, 2, 1, 2, 2, 0, 0, 1, 1}, {2, 5});
  for (const Tensor& m : {Tensor{}, slice(mask, 0, 2, 4)}) {
    const GradCheck report =
        gradcheck([&](const Tensors& in) { return crf_log_likelihood(in[0], tags, m); },
                  {normal({2, 5, 3, 3})});
    BOOST_TEST(report.passed(), report);
  }
}

// The gradient of the likelihood with respect to a score is 1 at a tag, minus its probability.
BOOST_AUTO_TEST_CASE(marginals) {
  const Tensor scores = parameter(slice(slice(x, 0, 0, 1), -1, 0, 3)), none = zeros({1, 5}, int64);
  const Layer crf = ready(CRF(), scores);
  const Chain chain(crf);
  const auto [slope] = gradient(-crf_log_likelihood(crf.call({scores})[1], none), {scores});
  const auto of_row = counted_scores(scores, ones({1, 5}, bool_), 0);
  std::vector<double> expected(15, 0);
  double total = 0;
  for (const Tags& sequence : all_sequences(5, 3)) {
    const double p = std::exp(chain.score(of_row, sequence));
    total += p;
    for (std::size_t t = 0; t < 5; ++t)
      expected[t * 3 + static_cast<std::size_t>(sequence[t])] += p;
  }
  for (double& p : expected) p /= total;
  for (std::size_t t = 0; t < 5; ++t) expected[t * 3] -= 1;
  check_close("marginals", slope, tensor(expected, {1, 5, 3}, float64), 1e-12);
}

BOOST_AUTO_TEST_CASE(what_a_mask_takes_out_reaches_nothing) {
  const Layer crf = ready(CRF({.units = 3}), x);
  Tensors expected;
  for (const double padding : {0.0, 1e300, std::nan("")}) {
    const Tensor leaf = parameter(where(expand_dims(mask, -1), x, padding));
    // Invalid tags at masked steps have no effect either.
    const Tensor tags = where(mask, random_tags(3, 5), static_cast<int64_t>(-7));
    const Tensors results = crf.call({leaf}, {.mask = mask});
    const Tensor loss = Loss("crf_loss")(tags, results[1]);
    Tensors leaves = crf.weights();
    leaves.push_back(leaf);
    const Tensors first = gradient(loss, leaves), second = gradient(mixed(first), leaves);
    Tensors got{loss, results[0]};
    got.insert(got.end(), first.begin(), first.end());
    got.insert(got.end(), second.begin(), second.end());
    if (expected.empty()) expected = got;
    for (std::size_t i = 0; i < got.size(); ++i) {
      BOOST_TEST(std::isfinite(sum(abs(cast(got[i], float64))).item()));
      check_close(std::to_string(i), got[i], expected[i], 1e-12);
    }
  }
}

BOOST_AUTO_TEST_CASE(the_loss_is_a_mean_over_sequences) {
  const Layer crf = ready(CRF(), slice(x, -1, 0, 3));
  const Tensor tags = random_tags(3, 4), p = crf.call({slice(x, -1, 0, 3)}, {.mask = mask})[1];
  const Tensor each = -crf_log_likelihood(p, tags);
  // The last row has no step that counts.
  check_close("mean", Loss("crf_loss")(tags, p), sum(each) / 5, 1e-12);
  check_close("by its other name", Loss("crf(reduction=sum)")(tags, p), sum(each), 1e-12);
  const Tensor weights = numbers({1, 0, 2, 0, 1, 1}, {6});
  check_close("weighted", CRFLoss({.reduction = "sum"})(tags, p, weights), sum(each * weights),
              1e-12);
  BOOST_TEST(CRFLoss().name() == "crf_loss");
  BOOST_TEST(CRFLoss().reads() == 1);
  BOOST_TEST(Loss("mse").reads() == 0);
}

// Tags that depend on their neighbours: 0; 1 after an id of 1; 2 after two of them.
BOOST_AUTO_TEST_CASE(a_tagger_learns_and_predicts_tags) {
  set_seed(3);
  const int64_t n = 96, time = 8;
  std::vector<int> ids, tags;
  const std::vector<double> numbers = uniform(0, 1, {n, time}).to_vector();
  for (int64_t row = 0; row < n; ++row) {
    const int64_t length = 3 + row % 6;
    int run = 0;
    for (int64_t t = 0; t < time; ++t) {
      const bool in = t < length;
      const int id = !in ? 0 : numbers[static_cast<std::size_t>(row * time + t)] < 0.5 ? 1 : 2;
      run = id == 1 ? run + 1 : 0;
      ids.push_back(id);
      tags.push_back(in ? std::min(run, 2) : 0);
    }
  }
  const Tensor words = tensor(ids, {n, time}), truth = tensor(tags, {n, time});
  Sequential model({Embedding({.input_dim = 3, .output_dim = 4, .mask_zero = true}),
                    Bidirectional(LSTM({.units = 6, .return_sequences = true})),
                    Dense({.units = 3}), CRF()});
  model.compile(
      {.optimizer = Adam({.learning_rate = 0.05}), .loss = "crf_loss", .metrics = {"accuracy"}});
  const History history = model.fit(
      words, truth, {.batch_size = 16, .epochs = 25, .validation_split = 0.25, .verbose = 0});
  BOOST_TEST(history["loss"].back() < 0.2 * history["loss"].front());
  BOOST_TEST(history["val_loss"].back() < 0.3 * history["val_loss"].front());
  BOOST_TEST(history["accuracy"].back() > 0.95);

  const Tensor predicted = model.predict(words);
  BOOST_TEST((predicted.shape() == Shape{n, time}));
  BOOST_TEST((predicted.dtype() == int64));
  const Tensor counts = words > 0;
  const double right =
      sum(cast(logical_and(equal(predicted, cast(truth, int64)), counts), float64)).item();
  BOOST_TEST(right / sum(cast(counts, float64)).item() > 0.95);

  const std::string path = in_folder("crf.safetensors");
  model.save(path);
  Model loaded = load_model(path);
  check_same("predicted again", loaded.predict(words), predicted);
  BOOST_TEST(loaded.loss().name() == "crf_loss");
  BOOST_TEST(loaded.evaluate(words, truth)["loss"] == model.evaluate(words, truth)["loss"]);
}

BOOST_AUTO_TEST_CASE(errors) {
  const Tensor p = normal({2, 5, 3, 3}), tags = zeros({2, 5}, int64);
  BOOST_TEST(error_of([] {
               CRF()(normal({2, 3}));
             }) ==
             "CRF: needs [batch, time, features], got [2, 3].\n"
             "  A recurrent layer before it needs .return_sequences = true.");
  BOOST_TEST(error_of([&] {
               CRF()({x, mask});
             }) == "CRF: takes one input, got 2.\n  A mask rides on it: crf(with_mask(x, mask)).");
  BOOST_TEST(
      error_of([&] {
        crf_log_likelihood(normal({2, 5, 3}), tags);
      }) ==
      "crf_log_likelihood: potentials are [2, 5, 3] float64; they must be [batch, time, tags, "
      "tags], as a linear-chain layer gives them.");
  BOOST_TEST(
      error_of([&] {
        crf_log_likelihood(p, normal({2, 5}));
      }) ==
      "crf_log_likelihood: tags are [2, 5] float64; they must be int32 or int64 [2, 5], a tag "
      "for each step of the potentials.");
  const std::string tags_are =
      "; tags are whole numbers from 0 to 2, as the potentials have 3 tags.\n  A mask leaves out "
      "steps that have no tag.";
  for (const int64_t none : {3, -1})
    for (const int64_t step : {1, 4}) {  // and at the end of a sequence
      std::vector<int64_t> given(10);
      given[static_cast<std::size_t>(step)] = none;
      BOOST_TEST(error_of([&] {
                   crf_log_likelihood(p, tensor(given, {2, 5}));
                 }) == "crf_log_likelihood: id " + std::to_string(step) +
                           " of [2, 5, 1] int64 is " + std::to_string(none) + tags_are);
    }
  BOOST_TEST(error_of([&] {
               crf_decode(p, ones({2, 4}, bool_));
             }) ==
             "crf_decode: the mask does not fit the potentials\n  mask        [2, 4] bool\n"
             "  potentials  [2, 5, 3, 3] float64\n  It must be [2, 5] bool.");
  BOOST_TEST(error_of([&] {
               Loss("crf_loss")(tags, normal({2, 5, 3}));
             }) ==
             "crf_loss: y_pred is [2, 5, 3] float64; it must be the potentials of a linear chain, "
             "[batch, time, tags, tags].\n  They are the second result of a linear-chain layer: "
             "make it the model's last.");
  BOOST_TEST(error_of([&] {
               Loss("crf_loss")(zeros({2, 4}, int64), p);
             }) ==
             "crf_loss: y_true and y_pred do not fit\n  y_true  [2, 4] int64\n"
             "  y_pred  [2, 5, 3, 3] float64\n  y_true holds a tag for each step, [batch, time].");
  BOOST_TEST(error_of([&] {
               Loss("crf_loss")(full({2, 5}, 3, int64), p);
             }) ==
             "crf_loss: y_true[0, 0] is 3; it must be a class number, a whole number in [0, 2], as "
             "y_pred has 3 classes.\n  Classes count from 0; a mask, a sample_weight of 0 or "
             "ignore_class leaves a sample out.");
}
