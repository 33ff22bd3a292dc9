// SPDX-License-Identifier: Apache-2.0
// Sequences that a model generates, against calls of the same model on all steps so far.
#define BOOST_TEST_MODULE generate
#include <algorithm>
#include <set>

#include <tempo/tempo.hpp>

#include "testing.hpp"

using namespace tempo;
using tempo::testing::error_of;

namespace {

using Ids = std::vector<int64_t>;

// Classes are tried in sample's order, the likeliest first.
int64_t drawn(const Tensor& probabilities, double uniform) {
  std::vector<std::pair<double, int64_t>> by_chance;
  for (int64_t c = 0; c < probabilities.count(); ++c)
    by_chance.emplace_back(-probabilities.element(c), c);
  std::sort(by_chance.begin(), by_chance.end());
  for (const auto& [p, c] : by_chance)
    if ((uniform += p) < 0) return c;
  return by_chance.back().second;
}

Sequential model_of_ids(int classes) {
  set_seed(2);
  Sequential model({Embedding({.input_dim = classes, .output_dim = 6}),
                    LSTM({.units = 8, .return_sequences = true}), Dense({.units = classes})});
  model.build({{-1, -1}}, int32);
  for (const Tensor& w : model.weights()) assign(w, 4 * w);  // so that logits differ
  return model;
}

// Calls the model on the whole sequence so far; each call draws with the next number.
Ids by_calls(const Model& model, Ids ids, int64_t length, double temperature, int64_t seed) {
  const std::size_t given = ids.size();
  const Tensor uniform = random_uniform({length}, float64, seed);
  for (int64_t i = 0; i < length; ++i) {
    const Tensor logits =
        model.predict(pad_sequences(std::vector<Ids>{ids}));  // [1, time, classes]
    ids.push_back(drawn(softmax(cast(logits[0][-1], float64) / std::max(temperature, 1e-9)),
                        uniform.element(i)));
  }
  return {ids.begin() + static_cast<std::ptrdiff_t>(given), ids.end()};
}

}  // namespace

BOOST_AUTO_TEST_CASE(it_goes_on_as_calls_on_all_so_far_do) {
  const Sequential model = model_of_ids(9);
  for (const double temperature : {0.0, 0.5, 2.0}) BOOST_TEST_CONTEXT(temperature) {
      const Ids found =
          generate(model, {3, 1, 4}, {.length = 20, .temperature = temperature, .seed = 5});
      BOOST_TEST(found == by_calls(model, {3, 1, 4}, 20, temperature, 5),
                 boost::test_tools::per_element());
      const std::set<int64_t> different(found.begin(), found.end());
      if (temperature == 2) BOOST_TEST(different.size() > 3u);
      if (temperature < 2) continue;
      // Neighbouring seeds have nothing in common, not even shifted by one.
      const Ids next =
          generate(model, {3, 1, 4}, {.length = 20, .temperature = temperature, .seed = 6});
      BOOST_TEST(!std::equal(found.begin() + 1, found.end(), next.begin()));
    }
}

BOOST_AUTO_TEST_CASE(it_ends_where_it_is_told) {
  const Sequential model = model_of_ids(9);
  const Ids all = generate(model, {3}, {.length = 30, .temperature = 3, .seed = 1});
  const int64_t end = all[7];
  const auto first = std::find(all.begin(), all.end(), end) + 1;
  BOOST_TEST((generate(model, {3}, {.length = 30, .temperature = 3, .seed = 1, .end = end}) ==
              Ids(all.begin(), first)));
  BOOST_TEST(generate(model, {3}, {.length = 0}).empty());
  set_seed(6);
  const Ids one = generate(model, {3}, {.temperature = 3});
  BOOST_TEST(one.size() == 100u);
  set_seed(6);
  BOOST_TEST((generate(model, {3}, {.temperature = 3}) == one));
}

BOOST_AUTO_TEST_CASE(what_is_wrong_is_refused) {
  const Sequential model = model_of_ids(9);
  Sequential of_numbers({LSTM({.units = 2})});
  of_numbers.build({{-1, -1, 3}});
  BOOST_TEST(error_of([&] { generate(model, {}); }) ==
             "generate: start is empty; a model needs an id to go on from.");
  BOOST_TEST(error_of([&] { generate(model, {1}, {.length = -1}); }) ==
             "generate: length is -1; it must be at least 0.");
  BOOST_TEST(error_of([&] { generate(of_numbers, {1}); }) ==
             "generate: sequential takes [1, 3] and gives [1, 2] at a step.\n  It must take an id, "
             "[1], and give logits, [1, classes]: an Embedding first, a Dense layer of all classes "
             "last.");
}
