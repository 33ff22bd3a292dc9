// SPDX-License-Identifier: Apache-2.0
// Batches of sequences of similar lengths: their members, padding and order.
#define BOOST_TEST_MODULE by_length
#include <algorithm>
#include <numeric>
#include <set>

#include <tempo/tempo.hpp>

#include "testing.hpp"

using namespace tempo;
using testing::check_same;
using testing::error_of;

namespace {

constexpr int64_t count = 23, time_steps = 12;

// Sequence i holds the number i at each of its 1 to 12 steps.
std::vector<int64_t> lengths_of_all() {
  std::vector<int64_t> out;
  for (int64_t i = 0; i < count; ++i) out.push_back(1 + i * 7 % 12);
  return out;
}
const std::vector<int64_t> all_lengths = lengths_of_all();
const Tensor lengths = tensor(all_lengths, {count});
const Tensor numbers = arange(0, count, 1, float32);
const Tensor x = where(expand_dims(mask_of_lengths(lengths, time_steps), -1),
                       broadcast_to(reshape(numbers, {count, 1, 1}), {count, time_steps, 1}), -1);
const Tensor at_steps = x * 2, at_ends = reshape(numbers, {count, 1}) * 3;

Tensors ragged(const Tensor& t) {
  Tensors out;
  for (int64_t i = 0; i < count; ++i)
    out.push_back(slice(t(static_cast<int>(i)), 0, 0, all_lengths[static_cast<std::size_t>(i)]));
  return out;
}

std::vector<Batch> taken(const BatchesByLength& range) { return {range.begin(), range.end()}; }

// The number of each sequence, which its first step holds.
std::vector<int64_t> members(const Batch& batch) {
  std::vector<int64_t> out;
  for (const double n : slice(batch.x[0], 1, 0, 1).to_vector())
    out.push_back(static_cast<int64_t>(n));
  return out;
}
std::vector<std::vector<int64_t>> members(const std::vector<Batch>& batches) {
  std::vector<std::vector<int64_t>> out;
  for (const Batch& b : batches) out.push_back(members(b));
  return out;
}

int64_t longest_of(const std::vector<int64_t>& of) {
  int64_t longest = 0;
  for (const int64_t i : of) longest = std::max(longest, all_lengths[static_cast<std::size_t>(i)]);
  return longest;
}

}  // namespace

BOOST_AUTO_TEST_CASE(each_sequence_is_in_one_batch_which_is_as_long_as_its_longest) {
  const std::pair<const char*, BatchesByLength> cases[] = {
      {"padded", batches_by_length(x, lengths, at_steps, {.size = 4, .seed = 1})},
      {"ragged", batches_by_length(ragged(x), ragged(at_steps), {.size = 4, .seed = 1})},
      {"in order", batches_by_length(x, lengths, at_steps, {.size = 4, .shuffle = false})},
      {"in pools", batches_by_length(x, lengths, at_steps, {.size = 4, .seed = 1, .pool = 2})},
  };
  for (const auto& [what, range] : cases) {
    std::multiset<int64_t> seen;
    const std::vector<Batch> batches = taken(range);
    BOOST_TEST(batches.size() == 6u, what);
    BOOST_TEST(range.size() == 6, what);
    for (const Batch& batch : batches) {
      const std::vector<int64_t> who = members(batch);
      seen.insert(who.begin(), who.end());
      const auto n = static_cast<int64_t>(who.size());
      std::vector<int64_t> its;
      for (const int64_t i : who) its.push_back(all_lengths[static_cast<std::size_t>(i)]);
      const int64_t longest = longest_of(who);
      const Tensor mask = mask_of_lengths(tensor(its, {n}), longest);
      BOOST_TEST(batch.x[0].shape() == (Shape{n, longest, 1}), what);
      check_same(what, cast(mask_of(batch.x[0]), int32), cast(mask, int32));
      // Targets of the same steps; after the end they are -2, or 0 where this test padded them.
      const Tensor counts = expand_dims(mask, -1);
      check_same(what, where(counts, batch.y[0], 0), where(counts, batch.x[0] * 2, 0));
    }
    BOOST_TEST(seen.size() == static_cast<std::size_t>(count), what);
    BOOST_TEST(
        std::set<int64_t>(seen.begin(), seen.end()).size() == static_cast<std::size_t>(count),
        what);
  }
}

BOOST_AUTO_TEST_CASE(ragged_sequences_make_the_batches_of_padded_ones) {
  const ByLengthOptions options{.size = 5, .seed = 3};
  const std::vector<Batch> a = taken(
                               batches_by_length(where(x >= 0, x, 0), lengths, at_ends, options)),
                           b = taken(batches_by_length(ragged(x), at_ends, options));
  BOOST_REQUIRE(a.size() == b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    check_same("x", a[i].x[0], b[i].x[0]);
    check_same("y", a[i].y[0], b[i].y[0]);
  }
}

BOOST_AUTO_TEST_CASE(little_is_padded_and_the_shortest_come_first_without_shuffling) {
  const auto padding = [](const BatchesByLength& range) {
    int64_t steps = 0;
    for (const Batch& batch : range) steps += batch.x[0].shape()[0] * batch.x[0].shape()[1];
    return steps - std::accumulate(all_lengths.begin(), all_lengths.end(), int64_t{0});
  };
  const int64_t sorted =
      padding(batches_by_length(x, lengths, at_ends, {.size = 4, .shuffle = false}));
  BOOST_TEST(padding(batches_by_length(x, lengths, at_ends, {.size = 4, .seed = 1})) == sorted);
  BOOST_TEST(padding(batches_by_length(x, lengths, at_ends, {.size = 4, .seed = 1, .pool = 1})) >
             sorted);
  BOOST_TEST(sorted == 2 + 2 + 5 + 4 + 4 + 1);  // 1 1 2 2, 3 3 4 4, 5 5 6 7, ..., 11 12 12
  int64_t before = 0;
  for (const Batch& batch : batches_by_length(x, lengths, at_ends, {.size = 4, .shuffle = false})) {
    BOOST_TEST(batch.x[0].shape()[1] >= before);
    before = batch.x[0].shape()[1];
  }
}

BOOST_AUTO_TEST_CASE(a_seed_tells_the_order_of_each_pass) {
  const auto passes = [](int64_t seed) {
    const BatchesByLength range = batches_by_length(x, lengths, at_ends, {.size = 4, .seed = seed});
    return std::pair{members(taken(range)), members(taken(range))};
  };
  BOOST_TEST((passes(1) == passes(1)));
  BOOST_TEST((passes(1) != passes(2)));
  BOOST_TEST((passes(1).first != passes(1).second));
  const auto drawn = [&](int64_t seed) {
    set_seed(seed);
    return passes(-1);
  };
  BOOST_TEST((drawn(1) == drawn(1)));
  BOOST_TEST((drawn(1) != drawn(2)));
}

BOOST_AUTO_TEST_CASE(weights_and_further_inputs_come_along) {
  const Tensor context = reshape(numbers, {count, 1}) * 10;
  const Tensor step_weights = abs(at_steps(all, all, 0)), weights = numbers;
  for (const Tensor& w : {weights, step_weights})
    for (const Batch& batch :
         batches_by_length({x, context}, lengths, at_ends, {.size = 4, .sample_weight = w})) {
      const Tensor first = slice(batch.x[0], 1, 0, 1);
      check_same("context", batch.x[1], reshape(first, {-1, 1}) * 10);
      BOOST_TEST(!mask_of(batch.x[1]));
      const Tensor its = batch.sample_weight;
      BOOST_TEST(its.rank() == w.rank());
      check_same("weights", its.rank() == 1 ? its : its(all, 0),
                 reshape(first, {-1}) * (its.rank() == 1 ? 1 : 2));
      if (its.rank() == 2) BOOST_TEST(its.shape()[1] == batch.x[0].shape()[1]);
    }
  // Weights on the second axis of y are as wide as that axis, also if it has one column.
  const Tensor three = ones({count, 3}), twelve = ones({count, time_steps});
  const auto widths_are = [](int64_t width, const Tensor& y, const ByLengthOptions& options) {
    for (const Batch& batch : batches_by_length(x, lengths, y, options))
      BOOST_TEST(batch.sample_weight.shape()[1] == width);
  };
  widths_are(3, three, {.size = 4, .sample_weight = three});
  widths_are(12, twelve, {.size = 4, .y_has_time = false, .sample_weight = twelve});
  widths_are(1, at_steps, {.size = 4, .sample_weight = at_ends});
}

BOOST_AUTO_TEST_CASE(a_model_learns_from_it_as_from_padded_samples) {
  // One batch of all samples: the same loss, and the same weights but for rounding.
  const auto model_for = [] {
    set_seed(5);
    Sequential model({LSTM({.units = 3}), Dense({.units = 1})});
    model.build({{-1, -1, 1}});
    model.compile({.optimizer = SGD({.learning_rate = 0.01}), .loss = "mse"});
    return model;
  };
  Sequential expected = model_for(), model = model_for();
  const Tensor small = x / 10, y = at_ends / 10;
  const History history = expected.fit(with_mask(small, mask_of_lengths(lengths, time_steps)), y,
                                       {.batch_size = count, .epochs = 3, .verbose = 0});
  const History its =
      model.fit(batches_by_length(small, lengths, y, {.size = count}), {.epochs = 3, .verbose = 0});
  for (std::size_t epoch = 0; epoch < 3; ++epoch)
    BOOST_TEST(std::abs(its["loss"][epoch] - history["loss"][epoch]) < 1e-4);
}

BOOST_AUTO_TEST_CASE(padding_may_stand_in_front) {
  // Reversed, sequences that are padded in front are padded at their ends.
  const Tensor weights = abs(at_steps(all, all, 0)), gaps = x(all, all, 0) < 20;
  const auto backwards = [](const Tensor& t) { return reverse(t, 1); };
  const auto all_backwards = [&](const Tensors& of) {
    Tensors out;
    for (const Tensor& t : of) out.push_back(reverse(t, 0));
    return out;
  };
  const ByLengthOptions options{.size = 4, .seed = 1},
      in_front{.size = 4, .seed = 1, .padding = "pre"};
  ByLengthOptions weighted = options, weighted_in_front = in_front;
  weighted.sample_weight = weights;
  weighted_in_front.sample_weight = backwards(weights);
  const std::tuple<const char*, BatchesByLength, BatchesByLength> cases[] = {
      {"padded", batches_by_length(x, lengths, at_steps, weighted),
       batches_by_length(backwards(x), lengths, backwards(at_steps), weighted_in_front)},
      {"with a mask of their own", batches_by_length(with_mask(x, gaps), lengths, at_ends, options),
       batches_by_length(with_mask(backwards(x), backwards(gaps)), lengths, at_ends, in_front)},
      {"ragged", batches_by_length(ragged(x), ragged(at_steps), options),
       batches_by_length(all_backwards(ragged(x)), all_backwards(ragged(at_steps)), in_front)},
  };
  for (const auto& [what, behind, front] : cases) {
    const std::vector<Batch> a = taken(behind), b = taken(front);
    BOOST_REQUIRE(a.size() == b.size());
    for (std::size_t i = 0; i < a.size(); ++i) {
      check_same(what, b[i].x[0], backwards(a[i].x[0]));
      check_same(what, cast(mask_of(b[i].x[0]), int32), backwards(cast(mask_of(a[i].x[0]), int32)));
      check_same(what, b[i].y[0], a[i].y[0].rank() == 3 ? backwards(a[i].y[0]) : a[i].y[0]);
      if (a[i].sample_weight) check_same(what, b[i].sample_weight, backwards(a[i].sample_weight));
    }
  }
}

BOOST_AUTO_TEST_CASE(a_mask_of_x_stays_beside_that_of_the_lengths) {
  std::vector<bool> every_second;
  for (int64_t step = 0; step < time_steps; ++step) every_second.push_back(step % 2 == 0);
  const Tensor gap = tensor(every_second, {time_steps});
  const Tensor given = with_mask(x, broadcast_to(gap, {count, time_steps}));
  for (const Batch& batch : batches_by_length(given, lengths, at_ends, {.size = 4})) {
    const int64_t longest = batch.x[0].shape()[1];
    const Tensor counts = batch.x[0](all, all, 0) >= 0, first = slice(gap, 0, 0, longest);
    check_same("mask", cast(mask_of(batch.x[0]), int32), cast(logical_and(counts, first), int32));
  }
}

BOOST_AUTO_TEST_CASE(padding_on_a_side_that_was_not_said_is_found) {
  using Ids = std::vector<std::vector<int64_t>>;
  const Ids ids = {{5}, {7, 8, 9}};
  const Tensor y = arange(0, 2), its_lengths = tensor(std::vector<int64_t>{1, 3}, {2});
  const std::string text =
      "batches_by_length: the sequences of x look padded in front.\n  .padding = \"pre\" takes "
      "them so, .padding = \"post\" as padded at their ends.";
  const auto refusal = [&](const Ids& rows, const std::vector<int64_t>& of,
                           const ByLengthOptions& options = {}) {
    return error_of([&] { batches_by_length(pad_sequences(rows), tensor(of, {2}), y, options); });
  };
  BOOST_TEST(refusal(ids, {1, 3}) == text);
  BOOST_TEST(refusal({{0, 5}, {7, 8}}, {1, 2}) == text);
  for (const Ids& behind : {Ids{{5, 0}, {7, 8}}, Ids{{0, 0}, {7, 8}}, Ids{{5, 9}, {7, 8}}})
    BOOST_TEST(refusal(behind, {1, 2}) == "nothing was thrown");
  BOOST_TEST(refusal({{5, 6}, {7, 8}}, {2, 2}) == "nothing was thrown");
  BOOST_TEST(refusal(ids, {1, 3}, {.padding = "post"}) == "nothing was thrown");

  // The padding is gone, and the mask covers what is left.
  const ByLengthOptions one{.size = 1, .shuffle = false};
  for (const char* side : {"pre", "post", ""}) {
    ByLengthOptions options = one;
    if (*side) options.padding = side;
    const BatchesByLength range =
        *side ? batches_by_length(pad_sequences(ids, {.padding = side}), its_lengths, y, options)
              : batches_by_length(ids, y, options);
    const std::vector<Batch> batches = taken(range);
    check_same(side, batches[0].x[0], tensor<int32_t>({5}, {1, 1}));
    check_same(side, batches[1].x[0], tensor<int32_t>({7, 8, 9}, {1, 3}));
    for (const Batch& b : batches)
      check_same(side, cast(mask_of(b.x[0]), int32), ones_like(b.x[0]));
  }
  const std::vector<Batch> tagged = taken(batches_by_length(ids, Ids{{1}, {2, 3, 4}}, one));
  check_same("tags", tagged[1].y[0], tensor<int32_t>({2, 3, 4}, {1, 3}));
}

BOOST_AUTO_TEST_CASE(y_of_as_many_classes_as_there_are_steps_is_asked_about) {
  std::vector<int64_t> classes;
  for (int64_t i = 0; i < count; ++i) classes.push_back(i % time_steps);
  const Tensor one_hot = to_categorical(tensor(classes, {count})),
               tags = cast(x(all, all, 0), int32);
  BOOST_TEST(
      error_of([&] { batches_by_length(x, lengths, one_hot); }) ==
      "batches_by_length: y is [23, 12] float32, and x has as many steps: these may be "
      "targets of the steps, or of 12 classes.\n  .y_has_time = true (or false) says which.");
  BOOST_TEST(error_of([&] { batches_by_length(x, lengths, at_ends, {.y_has_time = true}); }) ==
             "batches_by_length: .y_has_time is true, and no y is [n, 12, ...].");
  const auto width_is = [](const BatchesByLength& range, bool of_time) {
    for (const Batch& b : range)
      BOOST_TEST(b.y[0].shape()[1] == (of_time ? b.x[0].shape()[1] : time_steps));
  };
  width_is(batches_by_length(x, lengths, one_hot, {.size = 4, .y_has_time = false}), false);
  width_is(batches_by_length(x, lengths, one_hot, {.size = 4, .y_has_time = true}), true);
  width_is(batches_by_length(x, lengths, tags, {.size = 4}), true);

  // The same holds for a further x, which may instead have as many features.
  BOOST_TEST(
      error_of([&] {
        batches_by_length({x, one_hot}, lengths, at_ends);
      }) ==
      "batches_by_length: a further x is [23, 12] float32, and x has as many steps: these may "
      "be numbers of the steps, or of 12 features of a sample.\n  .x_has_time = true (or "
      "false) says which.");
  BOOST_TEST(error_of([&] { batches_by_length(x, lengths, at_ends, {.x_has_time = true}); }) ==
             "batches_by_length: .x_has_time is true, and no further x is [n, 12, ...].");
  const auto second_is = [](const BatchesByLength& range, bool of_time) {
    for (const Batch& b : range) {
      BOOST_TEST(b.x[1].shape()[1] == (of_time ? b.x[0].shape()[1] : time_steps));
      BOOST_TEST(static_cast<bool>(mask_of(b.x[1])) == of_time);
    }
  };
  second_is(batches_by_length({x, one_hot}, lengths, at_ends, {.size = 4, .x_has_time = false}),
            false);
  second_is(batches_by_length({x, one_hot}, lengths, at_ends, {.size = 4, .x_has_time = true}),
            true);
  second_is(batches_by_length({x, tags}, lengths, at_ends, {.size = 4}), true);
}

BOOST_AUTO_TEST_CASE(what_does_not_fit_is_refused) {
  Tensors wrong = ragged(x);
  wrong[3] = ones({4, 2});
  const std::pair<std::string, std::function<void()>> cases[] = {
      {"batches_by_length: size is 0; it must be at least 1.",
       [] { batches_by_length(x, lengths, at_ends, {.size = 0}); }},
      {"batches_by_length: pool is 0; it must be at least 1.",
       [] { batches_by_length(x, lengths, at_ends, {.pool = 0}); }},
      {"batches_by_length: lengths is [23] float32; it must be int32 or int64 [23], one for each "
       "sequence.",
       [] { batches_by_length(x, numbers, at_ends); }},
      {"batches_by_length: lengths[1] is 8; the sequences have 5 steps.",
       [] { batches_by_length(slice(x, 1, 0, 5), lengths, at_ends); }},
      {"batches_by_length: x is [23] float32, which has no time axis.\n  Padded sequences are [n, "
       "time, ...].",
       [] { batches_by_length(numbers, lengths, at_ends); }},
      {"batches_by_length: sequences[3] is [4, 2] float32, and sequences[0] is [1, 1] float32.\n  "
       "Sequences are [time, ...], alike but for their time.",
       [&] { batches_by_length(wrong, at_ends); }},
      {"batches_by_length: there are 23 sequences, and y holds 2.\n  It needs one entry for each, "
       "along the first axis.",
       [] { batches_by_length(ragged(x), slice(at_ends, 0, 0, 2)); }},
      {"batches_by_length: it has no padding `front`.\n  There are pre, post.",
       [] { batches_by_length(x, lengths, at_ends, {.padding = "front"}); }},
      {"batches_by_length: sample_weight is [23, 14] float32; it must be [23], or [23, 12], a "
       "weight "
       "for each step.\n  Pad or cut the weights as the sequences are, to 12 steps.",
       [] {
         batches_by_length(x, lengths, at_steps, {.sample_weight = ones({count, 14})});
       }},
      {"batches_by_length: sample_weight is [23, 5] float32; it must be [23], or [23, 12], a "
       "weight "
       "for each step.\n  Pad or cut the weights as the sequences are, to 12 steps.",
       [] {
         batches_by_length(ragged(x), ragged(at_steps), {.sample_weight = ones({count, 5})});
       }},
      {"batches_by_length: there are no sequences.", [] { batches_by_length(Tensors{}, at_ends); }},
  };
  for (const auto& [text, f] : cases) BOOST_TEST(error_of(f) == text);
}
