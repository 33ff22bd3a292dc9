// Forecasts next month's sunspot number from the last two years, and compares with what is simple:
// the month before, and a linear model.
//   sunspots [seed]
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

int main(int, char** argv) {
  const auto data = std::filesystem::path(argv[0]).parent_path() / "data/monthly-sunspots.csv";
  set_seed(argv[1] ? std::atoi(argv[1]) : 1);

  Tensor series = read_csv(data, {.columns = {"sunspots"}});  // [2820, 1]
  const int64_t months = series.shape()[0], steps = 24;
  const int64_t held_out = months / 5;                       // the last 20 % are the test,
  const int64_t validated = (months - held_out) / 5;         // the last 20 % of the rest validate
  const int64_t trained = months - held_out - validated;

  // Scaled by what the training part shows, and nothing else.
  Tensor known = slice(series, 0, 0, trained);
  const double centre = mean(known).item(), spread = std::sqrt(var(known).item());
  auto [x, y] = windows((series - centre) / spread, {.steps = steps});  // the first y is month `steps`
  auto months_of = [=](const Tensor& all, int64_t begin, int64_t end) {
    return slice(all, 0, begin - steps, end - steps);
  };
  auto train = [&, x = x, y = y](const Tensor& t) { return months_of(t, steps, trained); };
  auto validation = [&](const Tensor& t) { return months_of(t, trained, months - held_out); };
  auto test = [&](const Tensor& t) { return months_of(t, months - held_out, months); };

  Sequential model({LSTM({.units = 32}), Dense({.units = 1})});
  model.compile({.optimizer = Adam(), .loss = "mse"});
  History history = model.fit(train(x), train(y), {
      .epochs = 100,
      .callbacks = {EarlyStopping({.patience = 10, .restore_best_weights = true})},
      .validation_data = {.x = validation(x), .y = validation(y)},
  });
  model.summary();

  // A linear model of the same window: least squares on the training part.
  Tensor linear_x = cast(reshape(x, {-1, steps}), float64), linear_y = cast(y, float64);
  linear_x = concat({linear_x, ones({linear_x.shape()[0], 1}, float64)});
  Tensor linear = matmul(test(linear_x), least_squares(train(linear_x), train(linear_y)));

  Tensor truth = slice(series, 0, months - held_out, months);
  Tensor forecast = model.predict(test(x)) * spread + centre;
  const double persistence = rmse(truth, slice(series, 0, months - held_out - 1, months - 1));
  const double own = rmse(truth, forecast);
  std::cout << "one month ahead, root mean squared error over the last " << held_out << " months\n"
            << "  the month before   " << persistence << '\n'
            << "  linear, 24 months  " << rmse(test(linear_y), linear) * spread << '\n'
            << "  LSTM, 24 months    " << own << " (" << own / persistence << " of the month before)\n";

  Tensor year = 1749 + arange(static_cast<double>(months - held_out), static_cast<double>(months)) / 12;
  std::cout << plot(history, "sunspots_loss.svg", {.title = "Training on sunspots, 1749 to 1899"}) << '\n'
            << plot({{"observed", truth, year}, {"forecast one month ahead", forecast, year}},
                    "sunspots_forecast.png",
                    {.title = "Monthly sunspot numbers", .x_label = "year", .y_label = "sunspots"})
            << '\n';
  return own < persistence ? 0 : 1;
}
