// SPDX-License-Identifier: Apache-2.0
// Forecasts sunspot numbers 1 to 24 months ahead from the last two years, and compares with what is
// simple: that they stay as they are, and a linear model of the same window.
//   sunspots [seed]
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <tempo/tempo.hpp>

#include "forecasts.hpp"
using namespace tempo;

const std::vector<int64_t> horizons = {1, 3, 6, 12, 24};

struct Part {
  Tensor x, truth, now;  // [n, 24, 1], at the horizons [n, 5], in the window's last month [n, 1]
};

int main(int argc, char** argv) {
  const auto data = std::filesystem::path(argv[0]).parent_path() / "data/monthly-sunspots.csv";
  set_seed(argc > 1 ? std::atoi(argv[1]) : 1);

  Tensor sunspots = read_csv(data, {.columns = {"sunspots"}});  // [2820, 1]
  const int64_t months = sunspots.shape()[0], steps = 24;
  const int64_t known = months * 4 / 5, trained = known * 4 / 5;  // the last fifth is the test

  auto part = [&](const Tensor& series, int64_t begin, int64_t end) {
    begin = std::max<int64_t>(0, begin - steps);  // the first window may lie before
    auto [x, y] = windows(slice(series, 0, begin, end), {.steps = steps, .horizons = horizons});
    return Part{x, reshape(y, {-1, 5}), reshape(slice(x, 1, steps - 1, steps), {-1, 1})};
  };
  // The numbers are counts: their square roots are about equally noisy everywhere.
  Tensor roots = sqrt(sunspots);
  Part train = part(roots, 0, trained), validation = part(roots, trained, known);
  Part test = part(roots, known, months);

  // It learns by how much a month will differ from now; each horizon counts the same.
  StandardScaler scaler, change;
  scaler.fit(slice(roots, 0, 0, trained));
  Tensor target = change.fit_transform(train.truth - train.now);
  Tensor held_out = change.transform(validation.truth - validation.now);
  Sequential model({GRU({.units = 32, .dropout = 0.1}), Dropout({.rate = 0.2}), Dense({.units = 5})});
  model.compile({.optimizer = Adam(), .loss = "mse"});
  History history = model.fit(scaler.transform(train.x), target, {
      .epochs = 100,
      .callbacks = {EarlyStopping({.patience = 10, .restore_best_weights = true})},
      .validation_data = {.x = scaler.transform(validation.x), .y = held_out},
  });
  model.summary();
  Tensor told = test.now + change.inverse_transform(model.predict(scaler.transform(test.x)));
  Tensor gru = square(maximum(told, 0));

  // A linear model of the numbers themselves.
  auto flat = [](const Tensor& x) {
    return concat({reshape(x, {-1, steps}), ones({x.shape()[0], 1})});
  };
  Part plain = part(sunspots, 0, trained), tested = part(sunspots, known, months);
  Tensor linear = matmul(flat(tested.x), least_squares(flat(plain.x), plain.truth));

  std::cout << "root mean squared error of " << tested.x.shape()[0] << " forecasts within the last "
            << months - known << " months\n";
  auto errors = print_errors("months ahead", tested.truth, horizons,
                             {{"as it is now", tested.now},
                              {"linear, 24 months", linear},
                              {"GRU, 24 months", gru}});

  auto a_year = [](const Tensor& all) { return slice(all, 1, 3, 4); };
  Tensor year = 1749 + slice(arange(0, static_cast<double>(months)), 0, known + 11, months - 12) / 12;
  std::cout << plot(errors, "sunspots_errors.svg",
                    {.title = "Error of forecasts of the sunspots", .x_label = "months ahead"})
            << '\n'
            << plot({{"observed", a_year(tested.truth), year},
                     {"told a year before", a_year(gru), year}},
                    "sunspots_forecast.svg",
                    {.title = "Monthly sunspot numbers", .x_label = "year", .y_label = "sunspots"})
            << '\n';
}
