// SPDX-License-Identifier: Apache-2.0
// Curves: the content and look of a plot, as a gnuplot script.
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include <tempo/plot.hpp>

#include "io/encoding.hpp"
#include "io/pictures/picture.hpp"

namespace tempo {
namespace {

// Distinct for every kind of colour vision and, in this order, in print without colours.
constexpr std::array<const char*, 6> colours = {"#1f4e79", "#e8702a", "#3a9d6e",
                                                "#c2579b", "#8c8c8c", "#d4a017"};

using Points = std::vector<std::pair<double, double>>;

int64_t length_of(const Curve& curve, const Tensor& t, const char* which) {
  const Shape shape = t.shape();
  if (shape.count() != 0 && shape.count() != *std::max_element(shape.begin(), shape.end()))
    throw ShapeError("plot: the " + std::string(which) + " of \"" + curve.label + "\" is " +
                     to_string(shape, t.dtype()) +
                     ".\n  A curve needs [n] or [n, 1]: take one column of it.");
  return shape.count();
}

Points points_of(const Curve& curve) {
  const int64_t n = length_of(curve, curve.y, "y");
  if (curve.x && length_of(curve, curve.x, "x") != n)
    throw ShapeError("plot: \"" + curve.label + "\" has " + std::to_string(n) +
                     " values in y and " + std::to_string(curve.x.count()) + " in x.");
  Points points;
  for (int64_t i = 0; i < n; ++i)
    points.emplace_back(curve.x ? curve.x.element(i) : static_cast<double>(i), curve.y.element(i));
  return points;
}

std::vector<Points> drawable(const std::vector<Curve>& curves, bool log_y) {
  std::vector<Points> all;
  bool any = false;
  for (const Curve& curve : curves) {
    Points points = points_of(curve);
    for (auto& [x, y] : points) {
      if (!std::isfinite(x) || !std::isfinite(y) || (log_y && y <= 0))
        y = std::numeric_limits<double>::quiet_NaN();  // a gap in the line
      any = any || !std::isnan(y);
    }
    all.push_back(std::move(points));
  }
  if (!any)
    throw Error(log_y ? "plot: nothing to draw: no value is finite and above 0."
                      : "plot: nothing to draw: no value is finite.");
  return all;
}

struct Range {
  double low = std::numeric_limits<double>::infinity(), high = -low;
  void add(double v) { low = std::min(low, v), high = std::max(high, v); }
};

// The range of the values plus a margin that does not cross 0: a count must not look as if it could
// be negative.
Range y_range(const std::vector<Points>& curves, bool log_y) {
  Range r;
  for (const Points& points : curves)
    for (const auto& [x, y] : points)
      if (!std::isnan(y)) r.add(y);
  if (log_y) return {r.low / 1.2, r.high * 1.2};
  const double room =
      r.high > r.low ? 0.05 * (r.high - r.low) : std::max(0.05 * std::abs(r.high), 1e-6);
  return {r.low >= 0 ? std::max(0.0, r.low - room) : r.low - room,
          r.high <= 0 ? std::min(0.0, r.high + room) : r.high + room};
}

void set_axes(std::ostream& gp, const PlotOptions& o, const Range& y, bool legend) {
  // From top to bottom: the title, the legend, the curves. None overlaps another.
  set_frame(gp, {o.title, o.x_label, o.y_label}, legend ? 1.2 : 0.2);
  gp << "set tmargin " << 1.2 + (o.title.empty() ? 0 : 2) + (legend ? 1.3 : 0) << '\n'
     << "set border 3\n"
        "set grid linetype 1 linecolor '#dcdcdc' linewidth 0.7\n"
        "set format '%g'\n"
        "set autoscale xfix\n"
        "set offsets graph 0.01, graph 0.01, 0, 0\n";
  gp.precision(17);  // keeps a narrow range far from 0 exact
  gp << "set yrange [" << y.low << ':' << y.high << "]\n";
  if (o.log_y.value_or(false)) gp << "set logscale y\n";
  gp << (legend ? "set key at graph 1, graph 1.02 right bottom horizontal Left reverse noenhanced "
                  "samplen 2 textcolor '#202020'\n"
                : "unset key\n");
}

void draw(gnuplotio::Gnuplot& gp, const std::vector<Curve>& curves,
          const std::vector<Points>& points) {
  gp << "plot ";
  for (std::size_t i = 0; i < curves.size(); ++i) {
    const char* colour = colours[i % colours.size()];
    gp << (i ? ", " : "") << "'-' title " << quoted_for_gnuplot(curves[i].label)
       << (points[i].size() > 1 ? " with lines linewidth " : " with points pointtype 7 linewidth ")
       << (points[i].size() > 400 ? "1.4" : "2.2") << " linecolor '" << colour << "'";
  }
  gp << '\n';
  for (const Points& p : points) gp.send1d(p);
}

// The curve of one name in a History, by epoch.
Curve curve_of(const std::string& label, const History& history, const std::string& name) {
  if (history.epochs().empty())
    throw Error("plot: " + (label == name ? "this History" : "the History of " + in_quotes(label)) +
                " is empty: no epoch was run.");
  std::vector<double> epochs;
  for (const int epoch : history.epochs(name)) epochs.push_back(epoch + 1);
  const auto n = static_cast<int64_t>(epochs.size());
  return {label, tensor(history[name], {n}, float64), tensor(epochs, {n}, float64)};
}

std::string plot_by_epoch(const std::vector<Curve>& curves, const std::string& what,
                          const std::string& path, PlotOptions o) {
  Range all;
  for (const Curve& curve : curves)
    for (const auto& [epoch, value] : points_of(curve)) all.add(value);
  if (o.x_label.empty()) o.x_label = "epoch";
  if (o.y_label.empty()) o.y_label = what;
  if (!o.log_y) o.log_y = all.low > 0 && all.high > 100 * all.low;
  return plot(curves, path, o);
}

}  // namespace

std::string plot(const std::vector<Curve>& curves, const std::string& path,
                 const PlotOptions& options) {
  const std::vector<Points> points = drawable(curves, options.log_y.value_or(false));
  const bool legend =
      std::any_of(curves.begin(), curves.end(), [](auto& c) { return !c.label.empty(); });
  return draw_picture("plot", path, options.width, options.height, [&](gnuplotio::Gnuplot& gp) {
    set_axes(gp, options, y_range(points, options.log_y.value_or(false)), legend);
    draw(gp, curves, points);
  });
}

std::string plot(const History& history, const std::string& path, const PlotOptions& options) {
  return plot(history, {"loss"}, path, options);
}

std::string plot(const History& history, const std::vector<std::string>& names,
                 const std::string& path, const PlotOptions& options) {
  std::vector<Curve> curves;
  for (const std::string& name : names) {
    curves.push_back(curve_of(name, history, name));
    if (const std::string validation = "val_" + name; history.contains(validation))
      curves.push_back(curve_of(validation, history, validation));
  }
  return plot_by_epoch(curves, names.size() == 1 ? names[0] : "", path, options);
}

std::string plot(const std::vector<TrainingRun>& runs, const std::string& name,
                 const std::string& path, const PlotOptions& options) {
  std::vector<Curve> curves;
  for (const TrainingRun& run : runs) curves.push_back(curve_of(run.label, run.history, name));
  return plot_by_epoch(curves, name, path, options);
}

}  // namespace tempo
