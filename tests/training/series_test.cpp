// SPDX-License-Identifier: Apache-2.0
// Prepares series and samples for training: windows, scalers, held-out parts, one-hot classes.
#define BOOST_TEST_MODULE series
#include <algorithm>
#include <cmath>
#include <functional>
#include <set>

#include <tempo/tempo.hpp>

#include "testing.hpp"

using namespace tempo;
using namespace tempo::testing;
using std::string;

namespace {

struct Refusal {
  const char* what;
  std::function<void()> action;
  const char* expected;
};

void check_refusals(const std::vector<Refusal>& all) {
  for (const Refusal& r : all) BOOST_TEST_CONTEXT(r.what) {
      const string got = error_of(r.action);
      BOOST_TEST(got.find(r.expected) != string::npos,
                 "expected: " << r.expected << "\ngot: " << got);
    }
}

std::multiset<double> values_of(const Tensor& t) {
  const std::vector<double> all = t.to_vector();
  return {all.begin(), all.end()};
}

// The number of elements that equal this number.
int64_t count_of(const Tensor& t, double number) {
  return static_cast<int64_t>(values_of(t).count(number));
}

}  // namespace

// --- Windows -------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(windows_tell_the_columns_and_the_times_that_are_asked_for) {
  const Tensor series = reshape(arange(0, 18), {6, 3});  // row t holds 3t, 3t + 1, 3t + 2
  const struct {
    const char* what;
    WindowOptions options;
    Tensor y;
  } table[] = {
      {"all columns", {.steps = 4}, tensor<float>({12, 13, 14, 15, 16, 17}, {2, 3})},
      {"one column", {.steps = 4, .targets = {1}}, tensor<float>({13, 16}, {2, 1})},
      {"two, in their order",
       {.steps = 4, .targets = {-1, 0}},
       tensor<float>({14, 12, 17, 15}, {2, 2})},
      {"two steps ahead", {.steps = 4, .horizon = 2, .targets = {0}}, tensor<float>({15}, {1, 1})},
      {"several steps ahead",
       {.steps = 2, .horizons = {1, 3}, .targets = {0}},
       tensor<float>({6, 12, 9, 15}, {2, 2, 1})},
      {"several steps, in their order, of two columns",
       {.steps = 3, .horizons = {2, 1}, .targets = {0, 2}},
       tensor<float>({12, 14, 9, 11, 15, 17, 12, 14}, {2, 2, 2})},
      {"one of several steps",
       {.steps = 5, .horizons = {1}},
       tensor<float>({15, 16, 17}, {1, 1, 3})},
      {"every second window",
       {.steps = 1, .stride = 2, .horizons = {1, 2}, .targets = {0}},
       tensor<float>({3, 6, 9, 12}, {2, 2, 1})},
  };
  for (const auto& row : table) {
    const Samples s = windows(series, row.options);
    check_same(row.what, s.y, row.y);
    const int64_t steps = row.options.steps;
    BOOST_TEST(s.x.shape() == Shape({row.y.shape()[0], steps, 3}), row.what);
    check_same(row.what, slice(s.x, 0, 0, 1), expand_dims(slice(series, 0, 0, steps), 0));
  }
  check_refusals({
      {"no such column", [&] { windows(series, {.steps = 2, .targets = {3}}); },
       "windows: there is no column 3 for .targets; the series has 3, counted from 0."},
      {"too far",
       [&] {
         windows(series, {.steps = 2, .horizons = {1, 5}});
       },
       "windows: 6 values are too few for windows of 2 and a horizon of 5; at least 7 are needed."},
      {"no time ahead",
       [&] {
         windows(series, {.steps = 2, .horizons = {1, 0}});
       },
       "steps, stride and horizon must be at least 1, got 2, 1 and 0."},
      {"both", [&] { windows(series, {.steps = 2, .horizon = 2, .horizons = {1}}); },
       "windows: both .horizon and .horizons were given"},
  });
}

// --- Scalers -------------------------------------------------------------------------------------

namespace {

const Tensor measured = tensor<double>({1, 2, 7, 3, 2, 7, 5, 8, 7}, {3, 3}, float64);

}  // namespace

// The numbers are from scikit-learn's classes of the same names.
BOOST_AUTO_TEST_CASE(scalers_scale_each_column_as_scikit_learn_does) {
  MinMaxScaler unit;
  check_same("min and max", unit.fit_transform(measured),
             tensor<double>({0, 0, 0, 0.5, 0, 0, 1, 1, 0}, {3, 3}, float64));
  check_same("beyond", unit.transform(tensor<double>({7, -1, 9}, {1, 3}, float64)),
             tensor<double>({1.5, -0.5, 2}, {1, 3}, float64));
  check_close("to another range", MinMaxScaler({.low = -1, .high = 3}).fit_transform(measured),
              tensor<double>({-1, -1, -1, 1, -1, -1, 3, 3, -1}, {3, 3}, float64), 1e-15);

  const double a = 1.224744871391589, b = 0.7071067811865475;
  StandardScaler standard;
  check_close("mean and deviation", standard.fit_transform(measured),
              tensor<double>({-a, -b, 0, 0, -b, 0, a, 2 * b, 0}, {3, 3}, float64), 1e-15);
  check_same("without deviation", StandardScaler({.with_std = false}).fit_transform(measured),
             tensor<double>({-2, -2, 0, 0, -2, 0, 2, 4, 0}, {3, 3}, float64));
  const double deviation = 1.632993161855452;
  check_close(
      "without mean", slice(StandardScaler({.with_mean = false}).fit_transform(measured), 1, 0, 1),
      tensor<double>({1 / deviation, 3 / deviation, 5 / deviation}, {3, 1}, float64), 1e-15);
  // A constant whose mean is not exact in float64: 0.1 three times.
  check_close("a constant", StandardScaler().fit_transform(full({3, 1}, 0.1, float64)),
              zeros({3, 1}, float64), 1e-15);
}

BOOST_AUTO_TEST_CASE(a_scaler_gives_back_the_numbers_that_were) {
  const Tensor series = tensor<float>({1e6f, 1e6f + 1, 1e6f + 5}, {3});
  StandardScaler standard;
  check_close("a series", standard.fit(series).inverse_transform(standard.transform(series)),
              series, 1e-7);
  BOOST_TEST(std::abs(mean(standard.transform(series)).item()) < 1e-6);

  MinMaxScaler scaler;
  const Tensor windows_of = reshape(concat({measured, measured}, 0), {2, 3, 3});
  scaler.fit(measured);
  check_close("windows", scaler.inverse_transform(scaler.transform(windows_of)), windows_of, 1e-15);
  check_same("a forecast of one column",
             scaler.inverse_transform(tensor<float>({0.5, 1}, {2, 1}), {1}),
             tensor<float>({5, 8}, {2, 1}));
  check_same("of two, in their order",
             scaler.inverse_transform(tensor<float>({0.5, 1}, {1, 2}), {-2, 0}),
             tensor<float>({5, 5}, {1, 2}));
  check_same("whole numbers", scaler.transform(tensor<int32_t>({3, 8, 7}, {1, 3})),
             tensor<float>({0.5, 1, 0}, {1, 3}));

  MinMaxScaler loaded;
  loaded.set_values(scaler.values());
  check_same("by its values", loaded.transform(measured), scaler.transform(measured));
}

BOOST_AUTO_TEST_CASE(a_scaler_refuses_what_it_does_not_know) {
  MinMaxScaler scaler;
  StandardScaler fitted;
  fitted.fit(measured);
  check_refusals({
      {"nothing fitted", [&] { scaler.transform(measured); },
       "MinMaxScaler: transform before fit: it knows no column yet.\n  scaler.fit(train)"},
      {"nothing fitted", [&] { scaler.values(); }, "MinMaxScaler: values before fit"},
      {"other columns",
       [&] {
         fitted.transform(ones({2, 2}));
       },
       "StandardScaler: it knows 3 columns, and x is [2, 2] float32."},
      {"a forecast of one column",
       [&] {
         fitted.inverse_transform(ones({2, 1}));
       },
       "inverse_transform(z, {0}) says that z is column 0."},
      {"no such column",
       [&] {
         fitted.inverse_transform(ones({2, 1}), {3});
       },
       "StandardScaler: there is no column 3; it knows 3, counted from 0."},
      {"gaps",
       [&] {
         scaler.fit(tensor<float>({1, NAN}, {2}));
       },
       "MinMaxScaler: x holds NaN or infinite numbers.\n  A table's forward_fill"},
      {"no rows",
       [&] {
         scaler.fit(zeros({0, 3}));
       },
       "there is nothing to fit to in [0, 3] float32."},
      {"no tensor", [&] { scaler.fit({}); }, "MinMaxScaler: x was never given a value"},
      {"no range", [] { MinMaxScaler({.low = 1, .high = 1}); },
       "low is 1 and high 1; low must lie below high"},
      {"other values",
       [&] {
         scaler.set_values({{"centre", ones({2})}});
       },
       "there is no \"width\"; scaler.values() has \"centre\" and \"width\"."},
      {"other shapes",
       [&] {
         scaler.set_values({{"centre", ones({2})}, {"width", ones({3})}});
       },
       "\"centre\" has 2 columns and \"width\" 3."},
      {"a width of 0",
       [&] {
         scaler.set_values({{"centre", ones({2})}, {"width", tensor<float>({1, 0}, {2})}});
       },
       "set_values: \"centre\" must hold finite numbers, and \"width\" such above 0."},
      {"a width that is none",
       [&] {
         scaler.set_values({{"centre", ones({2})}, {"width", tensor<float>({1, NAN}, {2})}});
       },
       "set_values: \"centre\" must hold finite numbers"},
      {"an infinite centre",
       [&] {
         scaler.set_values({{"centre", full({2}, INFINITY)}, {"width", ones({2})}});
       },
       "set_values: \"centre\" must hold finite numbers"},
  });
}

// --- Linear models ---------------------------------------------------------------------------

// The numbers are those of NumPy's lstsq, worked out by hand.
BOOST_AUTO_TEST_CASE(a_linear_model_has_the_least_squares) {
  const Tensor t = tensor<double>({0, 1, 2, 3}, {4, 1}, float64), one = ones({4, 1}, float64);
  const Tensor y = tensor<double>({-1, 0.2, 0.9, 2.1}, {4, 1}, float64);
  check_close("a line", least_squares(concat({t, one}), y),
              tensor<double>({1, -0.95}, {2, 1}, float64), 1e-12);
  check_close("two lines", least_squares(concat({t, one}), concat({y, 3 - 2 * y})),
              tensor<double>({1, -2, -0.95, 4.9}, {2, 2}, float64), 1e-12);
  check_close("of other units", least_squares(concat({1e6 * t, 1e-6 * one}), y),
              tensor<double>({1e-6, -0.95e6}, {2, 1}, float64), 1e-9);
  const Tensor twice = concat({t, one, t, 0 * one});
  check_close("columns that depend on each other", matmul(twice, least_squares(twice, y)),
              tensor<double>({-0.95, 0.05, 1.05, 2.05}, {4, 1}, float64), 1e-12);
  const Tensor wide = tensor<double>({3, 0, 4, 0, 5, 12}, {2, 3}, float64),
               two = ones({2, 1}, float64);
  check_close("fewer rows than columns", matmul(wide, least_squares(wide, two)), two, 1e-12);
  set_seed(1);
  const Tensor a = randn({200, 30}, float64), b = randn({200, 3}, float64);
  check_close("what is left is at right angles to each column",
              matmul(a, b - matmul(a, least_squares(a, b)), true, false), zeros({30, 3}, float64),
              1e-9);
  BOOST_TEST(name_of(least_squares(ones({2, 1}), ones({2, 1}, float64)).dtype()) == "float32");
  check_close("whole numbers",
              least_squares(tensor<int32_t>({1, 1, 2, 1, 3, 1}, {3, 2}),
                            tensor<float>({1, 1.5, 2}, {3, 1})),
              tensor<float>({0.5, 0.5}, {2, 1}), 1e-6);
  check_close("of numbers whose squares are infinite",
              least_squares(concat({1e200 * t, 1e-200 * one}), y),
              tensor<double>({1e-200, -0.95e200}, {2, 1}, float64), 1e-12);
  // One-hot columns beside a column of ones, each scaled: they are dependent but for rounding.
  std::vector<int64_t> numbers;
  for (int64_t i = 0; i < 300; ++i) numbers.push_back(i % 3);
  const Tensor classes = one_hot(tensor(numbers, {300}), 3, float64),
               noise = randn({300, 1}, float64);
  const Tensor dependent = concat({(classes - 1.0 / 3) / 0.4713, ones({300, 1}, float64)}),
               w = least_squares(dependent, noise);
  BOOST_TEST(max(abs(w)).item() < 1);
  check_refusals({
      {"other rows",
       [&] {
         least_squares(t, ones({3, 1}));
       },
       "least_squares: a must be [n, k] and b [n, m], got\n  a  [4, 1] float64\n  b  [3, 1] "
       "float32"},
      {"gaps",
       [&] {
         least_squares(t, full({4, 1}, NAN));
       },
       "holds NaN or infinite numbers"},
      {"what float32 does not hold",
       [&] {
         least_squares(full({2, 1}, 1e-30), full({2, 1}, 1e30));
       },
       "least_squares: w is not finite in float32.\n  Scale a and b first"},
  });
}

// --- Parts held out ------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_share_of_the_samples_is_held_out) {
  const Tensor x = reshape(arange(0, 20), {10, 2}), y = arange(0, 10);
  const struct {
    double test_size;
    int64_t test;
  } sizes[] = {{0.25, 3}, {0.2, 2}, {0.01, 1}, {0.9, 9}};  // as scikit-learn rounds: up
  for (const auto& size : sizes) BOOST_TEST_CONTEXT(size.test_size) {
      auto [train, test] = train_test_split(x, y, {.test_size = size.test_size, .seed = 3});
      BOOST_TEST(test.y.count() == size.test);
      BOOST_TEST(train.y.count() == 10 - size.test);
      check_same("x follows y", slice(concat({train.x, test.x}, 0), 1, 0, 1),
                 reshape(2 * concat({train.y, test.y}, 0), {10, 1}));
      BOOST_TEST((values_of(concat({train.y, test.y}, 0)) == values_of(y)));
    }
  const auto held_out = [&](int64_t seed) {
    return train_test_split(x, y, {.seed = seed}).test.y.to_vector();
  };
  BOOST_TEST(held_out(3) == held_out(3));
  BOOST_TEST(held_out(3) != held_out(4));
  set_seed(1);
  const auto first = held_out(-1);
  BOOST_TEST(held_out(-1) != first);
  set_seed(1);
  BOOST_TEST(held_out(-1) == first);

  auto [train, test] = train_test_split(x, y, {.test_size = 0.3, .shuffle = false});
  check_same("in order", test.y, tensor<float>({7, 8, 9}, {3}));
  check_same("in order", train.y, arange(0, 7));
  const TrainTestPlaces places = train_test_places(y, {.test_size = 0.3, .shuffle = false});
  BOOST_TEST(places.test == std::vector<int64_t>({7, 8, 9}));
}

BOOST_AUTO_TEST_CASE(samples_are_counted_from_either_end) {
  const Tensor x = reshape(arange(0, 6), {3, 2});
  check_same("in their order", samples(x, {2, 0, -1, -3}),
             tensor<float>({4, 5, 0, 1, 4, 5, 0, 1}, {4, 2}));
  check_refusals({{"beyond", [&] { samples(x, {-4}); }, "samples: there is no place -4 in x"}});
}

BOOST_AUTO_TEST_CASE(each_class_has_its_share_in_both_parts) {
  std::vector<int64_t> labels;
  for (int i = 0; i < 60; ++i) labels.push_back(i < 40 ? 0 : i < 54 ? 1 : 2);
  const Tensor y = tensor(labels, {60}), rows = to_categorical(y);
  for (int64_t seed = 0; seed < 5; ++seed) {
    auto [train, test] = train_test_split(y, y, {.stratify = true, .seed = seed});
    BOOST_TEST(test.y.count() == 15);  // of 40, 14 and 6: 10, 3.5 and 1.5
    BOOST_TEST(count_of(test.y, 0) == 10);
    BOOST_TEST(count_of(test.y, 1) + count_of(test.y, 2) == 5);
    BOOST_TEST(count_of(test.y, 1) >= 3);
    BOOST_TEST(count_of(test.y, 2) >= 1);
    auto [train_rows, test_rows] = train_test_split(y, rows, {.stratify = true, .seed = seed});
    check_same("one-hot rows are classes, too", test_rows.x, test.x);
  }
  check_refusals({
      {"a class of one",
       [&] {
         train_test_split(ones({4}), tensor<float>({0, 1, 0, 0}, {4}), {.stratify = true});
       },
       "train_test_split: .stratify needs two samples of each class, and that of y[1] has one."},
      {"NaN is no class",
       [&] {
         train_test_places(tensor<float>({0, 0, NAN, 1, 1}, {5}), {.stratify = true});
       },
       "train_test_places: .stratify needs the class of each sample, and y holds NaN or infinite "
       "numbers."},
      {"too many classes",
       [&] {
         train_test_split(ones({6}), tensor<float>({0, 1, 2, 0, 1, 2}, {6}),
                          {.test_size = 0.3, .stratify = true});
       },
       "3 classes do not fit into parts of 4 and 2 samples."},
      {"in order", [&] { train_test_split(y, y, {.shuffle = false, .stratify = true}); },
       ".stratify chooses by chance, and .shuffle = false keeps the order."},
      {"nothing left", [] { train_test_split(ones({1}), ones({1})); },
       "train_test_split: test_size is 0.25, which leaves none of 1 sample for training."},
      {"no share", [&] { train_test_split(y, y, {.test_size = 1}); },
       "train_test_split: test_size is 1; it must be strictly between 0 and 1."},
      {"no pair", [&] { train_test_split(y, ones({3})); },
       "train_test_split: x and y hold different numbers of samples"},
  });
}

// As Keras 3's to_categorical.
BOOST_AUTO_TEST_CASE(classes_become_rows) {
  const Tensor rows = tensor<float>({1, 0, 0, 0, 0, 1, 0, 1, 0}, {3, 3});
  check_same("numbers", to_categorical(tensor<int32_t>({0, 2, 1}, {3})), rows);
  check_same("of float32", to_categorical(tensor<float>({0, 2, 1}, {3})), rows);
  check_same("a column", to_categorical(tensor<int64_t>({0, 2, 1}, {3, 1})), rows);
  check_same("more classes", to_categorical(tensor<int64_t>({1}, {1}), 3),
             tensor<float>({0, 1, 0}, {1, 3}));
  check_same("another dtype", to_categorical(tensor<int64_t>({1}, {1}), 2, int32),
             tensor<int32_t>({0, 1}, {1, 2}));
  BOOST_TEST(to_categorical(zeros({2, 5}, int32), 4).shape() == Shape({2, 5, 4}));
  check_refusals({
      {"a fraction",
       [] {
         to_categorical(tensor<float>({0, 0.5}, {2}));
       },
       "to_categorical: element 1 of y is 0.5; a class is a whole number from 0."},
      {"below 0", [] { to_categorical(tensor<int32_t>({-1}, {1}), 3); },
       "element 0 of y is -1; a class is a whole number from 0 to 2."},
      {"too large", [] { to_categorical(tensor<int32_t>({3}, {1}), 3); }, "element 0 of y is 3"},
      {"nothing", [] { to_categorical(zeros({0}, int32)); },
       "to_categorical: of a y without elements num_classes must be given, at least 1."},
      {"fewer than none", [] { to_categorical(zeros({1}, int32), -1); },
       "to_categorical: num_classes is -1; it must be at least 1, or 0 for one more than"},
  });
}
