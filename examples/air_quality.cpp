// SPDX-License-Identifier: Apache-2.0
// Forecasts the air of Beijing: PM2.5 in 1 to 24 hours, from 24 hours of eleven measurements, beside
// what is simple: that it stays as it is, and a linear model of the same window.
//   air_quality [--short]
#include <iostream>
#include <tempo/tempo.hpp>

#include "data.hpp"
#include "forecasts.hpp"
using namespace tempo;

const std::vector<int64_t> horizons = {1, 3, 6, 12, 24};

struct Part {
  Tensor x, truth, now;  // [n, 24, 11]; PM2.5 at the horizons [n, 5], in the last hour [n, 1]
};

int main(int argc, char** argv) {
  const bool brief = short_run(argc, argv);
  set_seed(1);

  // A gap becomes the hour before it; the first day has none, and is left out.
  Table air = read_table(corpus("pollution")).forward_fill({"pm2.5"}).without_missing({"pm2.5"});
  Tensor hours = concat({air.numbers({"pm2.5", "DEWP", "TEMP", "PRES", "Iws", "Is", "Ir"}),
                         air.one_hot("cbwd")});  // [43800, 11]

  // The last fifth is the test, the last tenth of the rest validates. What scales is of neither.
  const int64_t n = hours.shape()[0], known = n * 4 / 5, trained = known * 9 / 10;
  StandardScaler scaler, change;
  scaler.fit(slice(hours, 0, 0, trained));
  auto part = [&](int64_t begin, int64_t end) {
    auto [x, y] = windows(slice(hours, 0, begin, end),
                          {.steps = 24, .horizons = horizons, .targets = {0}});
    Tensor now = slice(slice(x, 1, 23, 24), 2, 0, 1);
    return Part{scaler.transform(x), reshape(y, {-1, 5}), reshape(now, {-1, 1})};
  };
  Part train = part(0, trained), validation = part(trained, known), test = part(known, n);

  // It learns by how much the air will differ from now; each horizon counts the same.
  Tensor target = change.fit_transform(train.truth - train.now);
  Tensor held_out = change.transform(validation.truth - validation.now);
  Sequential model({LSTM({.units = brief ? 4 : 32, .dropout = 0.2}), Dense({.units = 5})});
  model.compile({.optimizer = Adam(), .loss = "mse"});
  History history = model.fit(train.x, target, {
      .batch_size = 128,
      .epochs = brief ? 2 : 20,
      .callbacks = {EarlyStopping({.patience = 4, .restore_best_weights = true})},
      .validation_data = {.x = validation.x, .y = held_out},
  });
  model.summary();

  auto flat = [](const Tensor& x) {  // [n, 24 * 11 + 1]
    return concat({reshape(x, {x.shape()[0], -1}), ones({x.shape()[0], 1})});
  };
  Tensor linear = matmul(flat(test.x), least_squares(flat(train.x), target));
  Tensor lstm = test.now + change.inverse_transform(model.predict(test.x));

  std::cout << "root mean squared error of " << test.x.shape()[0]
            << " forecasts of PM2.5 within the last " << n - known << " hours\n";
  auto errors = print_errors("hours ahead", test.truth, horizons,
                             {{"as it is now", test.now},
                              {"linear, 24 hours", test.now + change.inverse_transform(linear)},
                              {"LSTM, 24 hours", lstm}});

  auto weeks = [&](const Tensor& all) {  // the first three, told three hours ahead
    return slice(slice(all, 1, 1, 2), 0, 0, std::min<int64_t>(500, all.shape()[0]));
  };
  std::cout << plot(errors, "air_errors.svg",
                    {.title = "Error of PM2.5 in Beijing, told ahead", .x_label = "hours ahead"})
            << '\n'
            << plot({{"measured", weeks(test.truth)}, {"told three hours before", weeks(lstm)}},
                    "air_forecast.svg",
                    {.title = "PM2.5 in Beijing", .x_label = "hour", .y_label = "ug/m3"})
            << '\n';
}
