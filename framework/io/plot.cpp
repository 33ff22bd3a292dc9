// SPDX-License-Identifier: Apache-2.0
// Pictures: what is drawn and how it looks, as a script for gnuplot.
#include <gnuplot-iostream.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <limits>

#include <tempo/plot.hpp>

#include "io/atomic_file.hpp"
#include "io/encoding.hpp"
#include "io/gnuplot.hpp"
#include "io/source.hpp"

namespace fs = std::filesystem;

namespace tempo {
namespace {

// Apart from each other for every kind of sight and, in their order, in print without colours.
constexpr std::array<const char*, 6> colours = {"#1f4e79", "#e8702a", "#3a9d6e",
                                                "#c2579b", "#8c8c8c", "#d4a017"};

using Points = std::vector<std::pair<double, double>>;

// Gnuplot's '...' knows no escapes and no commands; a quote is doubled, a line end would end the
// command, and no other control character may stand in an SVG.
std::string quoted(const std::string& text) {
  if (first_not_utf8(text) != text.npos)
    throw Error("plot: the text " + in_quotes(text) + " is not UTF-8.");
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'') out += '\'';
    out += static_cast<unsigned char>(c) < ' ' || c == '\x7f' ? ' ' : c;
  }
  return out + "'";
}

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

// "svg" or "png"
std::string kind_of(const fs::path& path) {
  const std::string extension = path.extension().string();
  if (extension == ".svg" || extension == ".png") return extension.substr(1);
  throw Error("plot: " + path.string() + ": a picture's name ends in .svg or .png" +
              (extension.empty() ? "." : "; \"" + extension + "\" is not known."));
}

void set_terminal(std::ostream& gp, const std::string& kind, const PlotOptions& o) {
  if (o.width < 100 || o.height < 100 || o.width > 10000 || o.height > 10000)
    throw Error("plot: a size of " + std::to_string(o.width) + " x " + std::to_string(o.height) +
                "; each side must lie in [100, 10000].");
  if (kind == "svg")
    gp << "set terminal svg size " << o.width << ',' << o.height
       << " dynamic font 'sans-serif,14' linewidth 1 background '#ffffff'\n";
  else
    gp << "set terminal pngcairo size " << 2 * o.width << ',' << 2 * o.height
       << " font 'sans-serif,10.5' fontscale 2 linewidth 2 pointscale 2 background '#ffffff'\n";
}

struct Range {
  double low = std::numeric_limits<double>::infinity(), high = -low;
  void add(double v) { low = std::min(low, v), high = std::max(high, v); }
};

// The values with some room, which does not cross 0: a count is not shown as if it could be
// negative.
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

void set_frame(std::ostream& gp, const PlotOptions& o, const Range& y, bool legend) {
  gp << "set encoding utf8\n"
        "set border 3 linecolor '#606060' linewidth 1\n"
        "set tics nomirror scale 0.6 textcolor '#404040'\n"
        "set grid linetype 1 linecolor '#dcdcdc' linewidth 0.7\n"
        "set format '%g'\n"
        "set autoscale xfix\n"
        "set offsets graph 0.01, graph 0.01, 0, 0\n";
  gp.precision(17);  // a narrow range far from 0 stays one
  gp << "set yrange [" << y.low << ':' << y.high << "]\n";
  if (o.log_y.value_or(false)) gp << "set logscale y\n";
  // From above: the title, the legend, the curves. None of them covers another.
  gp << "set tmargin " << 1.2 + (o.title.empty() ? 0 : 2) + (legend ? 1.3 : 0) << '\n';
  if (!o.title.empty())
    gp << "set title " << quoted(o.title) << " noenhanced font ',15' textcolor '#202020' offset 0,"
       << (legend ? 1.2 : 0.2) << '\n';
  if (!o.x_label.empty())
    gp << "set xlabel " << quoted(o.x_label) << " noenhanced textcolor '#404040'\n";
  if (!o.y_label.empty())
    gp << "set ylabel " << quoted(o.y_label) << " noenhanced textcolor '#404040'\n";
  gp << (legend ? "set key at graph 1, graph 1.02 right bottom horizontal Left reverse noenhanced "
                  "samplen 2 textcolor '#202020'\n"
                : "unset key\n");
}

void draw(gnuplotio::Gnuplot& gp, const std::vector<Curve>& curves,
          const std::vector<Points>& points) {
  gp << "plot ";
  for (std::size_t i = 0; i < curves.size(); ++i) {
    const char* colour = colours[i % colours.size()];
    gp << (i ? ", " : "") << "'-' title " << quoted(curves[i].label)
       << (points[i].size() > 1 ? " with lines linewidth " : " with points pointtype 7 linewidth ")
       << (points[i].size() > 400 ? "1.4" : "2.2") << " linecolor '" << colour << "'";
  }
  gp << '\n';
  for (const Points& p : points) gp.send1d(p);
}

// The commands, in a file.
ScratchFile script(const std::vector<Curve>& curves, const std::string& kind,
                   const PlotOptions& o) {
  const std::vector<Points> points = drawable(curves, o.log_y.value_or(false));
  const bool legend =
      std::any_of(curves.begin(), curves.end(), [](auto& c) { return !c.label.empty(); });
  ScratchFile file = scratch_file();
  gnuplotio::Gnuplot gp(::fdopen(::dup(::fileno(file.get())), "w"));  // closes its own
  set_terminal(gp, kind, o);
  set_frame(gp, o, y_range(points, o.log_y.value_or(false)), legend);
  draw(gp, curves, points);
  return file;
}

// A PNG ends with its end chunk, an SVG with its end tag: gnuplot can stop early and report
// nothing.
bool complete(const std::string& picture, const std::string& kind) {
  const std::string_view tail =
      std::string_view(picture).substr(picture.size() - std::min<std::size_t>(16, picture.size()));
  return tail.find(kind == "svg" ? "</svg>" : "IEND") != tail.npos;
}

}  // namespace

std::string plot(const std::vector<Curve>& curves, const std::string& path,
                 const PlotOptions& options) {
  const std::string kind = kind_of(path);
  const ScratchFile commands = script(curves, kind, options);
  AtomicFile picture(path);
  run_gnuplot(commands.get(), picture.descriptor());
  if (!complete(FileSource(path, picture.descriptor()).text(), kind))
    throw Error("plot: gnuplot ended without finishing " + path + ".");
  picture.commit();
  return fs::absolute(path).lexically_normal().string();
}

std::string plot(const History& history, const std::string& path, const PlotOptions& options) {
  std::vector<double> epochs;
  for (const int epoch : history.epochs()) epochs.push_back(epoch + 1);
  if (epochs.empty()) throw Error("plot: this History is empty: no epoch was run.");
  const auto n = static_cast<int64_t>(epochs.size());
  std::vector<Curve> curves;
  Range all;
  for (const char* name : {"loss", "val_loss"}) {
    if (!history.contains(name)) continue;
    const std::vector<double>& values = history[name];
    curves.push_back({name, tensor(values, {n}, float64), tensor(epochs, {n}, float64)});
    for (const double v : values) all.add(v);
  }
  PlotOptions o = options;
  if (o.x_label.empty()) o.x_label = "epoch";
  if (o.y_label.empty()) o.y_label = "loss";
  if (!o.log_y) o.log_y = all.low > 0 && all.high > 100 * all.low;
  return plot(curves, path, o);
}

}  // namespace tempo
