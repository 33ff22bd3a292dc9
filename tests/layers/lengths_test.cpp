// SPDX-License-Identifier: Apache-2.0
// Sequences of several lengths in a batch: lengths act as masks. Steps after the longest sequence
// are not computed, and the bits are those with a mask.
#define BOOST_TEST_MODULE lengths
#include <tempo/tempo.hpp>

#include "testing.hpp"

using namespace tempo;
using namespace tempo::testing;

namespace {

const Tensor lengths = tensor({3, 5, 0, 1});
// Two more steps than the longest sequence has.
Tensor sequences() { return normal({4, 7, 3}); }

}  // namespace

BOOST_AUTO_TEST_CASE(lengths_are_a_mask) {
  check_same("mask_of_lengths", mask_of_lengths(tensor({2, 0, 3}), 3),
             tensor({{true, true, false}, {false, false, false}, {true, true, true}}));
  const Tensor x = sequences();
  const Layer lstm = LSTM({.units = 2, .return_sequences = true, .dtype = float64});
  const Tensor mask = mask_of_lengths(lengths, 7);
  check_same("in a call", lstm(x, {.lengths = lengths}), lstm(x, {.mask = mask}));
  check_same("it goes on", mask_of(lstm(x, {.lengths = lengths})), mask);
  const Tensor gap = broadcast_to(not_equal(reshape(arange(0, 7), {1, 7}), 1), {4, 7});
  check_same("beside a mask", mask_of(lstm(x, {.mask = gap, .lengths = lengths})),
             logical_and(mask, gap));
  Sequential model({lstm, Dense({.units = 1, .dtype = float64})});
  check_same("of a model", mask_of(model(x, {.lengths = lengths})), mask);
}

// The plain definition: each sequence alone, cut at its end.
BOOST_AUTO_TEST_CASE(each_sequence_is_as_if_it_were_alone) {
  const Tensor x = sequences();
  for (const bool backwards : {false, true})
    for (const bool zero : {false, true}) {
      const Layer lstm = LSTM({.units = 2,
                               .return_sequences = true,
                               .return_state = true,
                               .go_backwards = backwards,
                               .zero_output_for_mask = zero,
                               .dtype = float64});
      const auto [y, h, c] = lstm.call<3>(x, {.lengths = lengths});
      BOOST_TEST(to_string(y.shape()) == "[4, 7, 2]");
      for (int64_t row = 0; row < 4; ++row) {
        const auto n = static_cast<int64_t>(lengths.element(row));
        if (n == 0) continue;
        const auto [alone, last, cell] = lstm.call<3>(x(slice(row, row + 1), slice(0, n)));
        const int64_t first = backwards ? 7 - n : 0;
        check_close("outputs", y(slice(row, row + 1), slice(first, first + n)), alone, 1e-14);
        check_close("h", h[slice(row, row + 1)], last, 1e-14);
        check_close("c", c[slice(row, row + 1)], cell, 1e-14);
        const Tensor rest = backwards ? y(row, slice(0, first)) : y(row, slice(n, end));
        const Tensor held = zero || backwards
                                ? zeros_like(rest)
                                : broadcast_to(alone(0, slice(n - 1, n)), rest.shape());
        check_close("behind its end", rest, held, 1e-14);
      }
    }
}

// A last sequence as long as time keeps every step.
BOOST_AUTO_TEST_CASE(what_is_cut_off_changes_no_bit) {
  const Tensor x = sequences();
  const Layer cells[] = {
      LSTM({.units = 2, .return_sequences = true, .dtype = float64}),
      GRU({.units = 2, .return_sequences = true, .go_backwards = true, .dtype = float64}),
      GRU({.units = 2, .dtype = float64}),
      Bidirectional(SimpleRNN({.units = 2, .return_sequences = true, .dtype = float64}),
                    {.dtype = float64})};
  for (const Layer& layer : cells) {
    const Tensor longer = concat({x, normal({1, 7, 3}, 9)}, 0), all = tensor({3, 5, 0, 1, 7});
    const Tensor input = parameter(x), whole = parameter(longer);
    const Tensor cut = layer(1 * input, {.lengths = lengths}),
                 full = layer(1 * whole, {.lengths = all});
    check_same(layer.name(), cut, full[slice(0, 4)]);
    check_close("gradient", gradient(sum(sin(cut)), Tensors{input})[0],
                gradient(sum(sin(full[slice(0, 4)])), Tensors{whole})[0][slice(0, 4)], 1e-14);
  }
}

BOOST_AUTO_TEST_CASE(padding_that_is_no_number_is_not_read) {
  const Tensor x = where(expand_dims(mask_of_lengths(lengths, 7), -1), sequences(), NAN);
  const Layer lstm = LSTM({.units = 2, .return_sequences = true, .dtype = float64});
  const Tensor clean = where(equal(x, x), x, 0);
  const Tensor y = lstm(x, {.lengths = lengths}), expected = lstm(clean, {.lengths = lengths});
  check_same("values", y, expected);
  // Values that are not chosen reach no weight: 0 times NaN is NaN.
  const Tensors weights = lstm.weights(), got = gradient(sum(sin(y)), weights),
                known = gradient(sum(sin(expected)), weights);
  for (std::size_t i = 0; i < weights.size(); ++i)
    check_same("gradient of " + weights[i].path(), got[i], known[i]);
}

BOOST_AUTO_TEST_CASE(lengths_that_do_not_fit_are_refused) {
  const Layer lstm = LSTM({.units = 2});
  const Tensor x = ones({2, 3, 4}, float32);
  BOOST_CHECK_EQUAL(error_of<ShapeError>([&] {
                      lstm(x, {.lengths = tensor({1, 2, 3})});
                    }),
                    "lstm: the lengths do not fit the input\n  lengths  [3] int32\n"
                    "  input    [2, 3, 4]\n  There must be one for each sequence: [batch].");
  BOOST_CHECK_EQUAL(error_of([&] {
                      lstm(x, {.lengths = tensor({1, 4})});
                    }),
                    "lengths: sequence 1, counted from 0, has the length 4; it must lie in [0, 3], "
                    "the steps that there are.");
  BOOST_CHECK_EQUAL(error_of<ShapeError>([&] {
                      lstm(x, {.lengths = tensor({1.0, 2.0})});
                    }),
                    "lengths: needs [batch] int32 or int64, a length for each sequence, got [2] "
                    "float32.");
}
