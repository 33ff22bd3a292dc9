// SPDX-License-Identifier: Apache-2.0
// Forecasts next month's sunspot number from the last two years, and compares with what is simple:
// the month before, and a linear model.
//   sunspots [seed]
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <tempo/tempo.hpp>
using namespace tempo;

// The w with the least |a w - b|, by conjugate gradients on the normal equations.
Tensor least_squares(const Tensor& a, const Tensor& b) {
  Tensor w = zeros({a.shape()[1], 1}, a.dtype());
  Tensor r = matmul(a, b, true, false), p = r;  // what is left, and where to go
  for (int i = 0; i < 500 && sum(square(r)).item() > 1e-18; ++i) {
    Tensor ap = matmul(a, matmul(a, p), true, false);
    Tensor rate = sum(square(r)) / sum(p * ap);
    w = w + rate * p;
    Tensor next = r - rate * ap;
    p = next + sum(square(next)) / sum(square(r)) * p;
    r = next;
  }
  return w;
}

double rmse(const Tensor& truth, const Tensor& forecast) {
  return std::sqrt(mean(square(truth - forecast)).item());
}

int main(int argc, char** argv) {
  const auto data = std::filesystem::path(argv[0]).parent_path() / "data/monthly-sunspots.csv";
  set_seed(argc > 1 ? std::atoi(argv[1]) : 1);

  Tensor sunspots = read_csv(data, {.columns = {"sunspots"}});  // [2820, 1]
  const int64_t months = sunspots.shape()[0], steps = 24;
  const int64_t tested = months / 5;                // the last 20 % are the test,
  const int64_t validated = (months - tested) / 5;  // the last 20 % of the rest validate
  const int64_t trained = months - tested - validated;

  // The numbers are counts: their square roots are about equally noisy everywhere. Centre and scale
  // come from the training part alone.
  Tensor roots = sqrt(sunspots), known = slice(roots, 0, 0, trained);
  const double centre = mean(known).item(), scale = std::sqrt(var(known).item());
  auto [x, y] = windows((roots - centre) / scale, {.steps = steps});  // y[0] is month `steps`
  Tensor before = take(x, -1, 1);                                     // the month before y

  auto part = [](int64_t begin, int64_t end) {
    return [=](const Tensor& all) { return slice(all, 0, begin - steps, end - steps); };
  };
  auto train = part(steps, trained), validation = part(trained, months - tested),
       test = part(months - tested, months);

  // It learns by how much a month differs from the one before.
  Tensor change = y - before;
  Sequential model({LSTM({.units = 32}), Dense({.units = 1})});
  model.compile({.optimizer = Adam(), .loss = "mse"});
  History history = model.fit(train(x), train(change), {
      .epochs = 100,
      .callbacks = {EarlyStopping({.patience = 10, .restore_best_weights = true})},
      .validation_data = {.x = validation(x), .y = validation(change)},
  });
  model.summary();
  Tensor forecast = square((test(before) + model.predict(test(x))) * scale + centre);

  // A linear model of the numbers themselves, on the same window: least squares on the training part.
  auto [lags, next] = windows(cast(sunspots, float64), {.steps = steps});
  Tensor a = reshape(lags, {-1, steps});
  a = concat({a, ones({a.shape()[0], 1}, float64)});
  Tensor linear = matmul(test(a), least_squares(train(a), train(next)));

  Tensor truth = slice(sunspots, 0, months - tested, months);
  const double persistence = rmse(truth, slice(sunspots, 0, months - tested - 1, months - 1));
  const double own = rmse(truth, forecast);
  std::cout << "one month ahead, root mean squared error over the last " << tested << " months\n"
            << "  the month before   " << persistence << '\n'
            << "  linear, 24 months  " << rmse(test(next), linear) << '\n'
            << "  LSTM, 24 months    " << own << ", " << own / persistence << " of the month before"
            << std::endl;

  Tensor year = 1749 + arange(static_cast<double>(months - tested), static_cast<double>(months)) / 12;
  std::cout << plot(history, "sunspots_loss.svg", {.title = "Training on the years to 1899"}) << '\n'
            << plot({{"observed", truth, year}, {"forecast one month ahead", forecast, year}},
                    "sunspots_forecast.png",
                    {.title = "Monthly sunspot numbers", .x_label = "year", .y_label = "sunspots"})
            << '\n';
  return own <= 0.95 * persistence ? 0 : 1;
}
