// SPDX-License-Identifier: Apache-2.0
// A matrix as a grid of colours, written as a gnuplot script.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>

#include <tempo/number.hpp>
#include <tempo/plot.hpp>

#include "io/pictures/picture.hpp"

namespace tempo {
namespace {

struct Cells {
  explicit Cells(const Tensor& matrix) {
    if (!matrix) throw Error("heat_map: the matrix was never given a value (it is Tensor{}).");
    if (matrix.rank() != 2 || matrix.count() == 0)
      throw ShapeError("heat_map: a matrix is [rows, columns], got " +
                       to_string(matrix.shape(), matrix.dtype()) +
                       ".\n  Of a batch of attention weights, take one: weights(0).");
    rows = matrix.shape()[0];
    columns = matrix.shape()[1];
    for (int64_t i = 0; i < matrix.count(); ++i) {
      values.push_back(matrix.element(i));
      if (!std::isfinite(values.back())) continue;
      low = std::min(low, values.back());
      high = std::max(high, values.back());
    }
    if (low > high) throw Error("heat_map: nothing to draw: no value is finite.");
  }
  double at(int64_t row, int64_t column) const {
    return values[static_cast<std::size_t>(row * columns + column)];
  }

  int64_t rows = 0, columns = 0;
  std::vector<double> values;
  double low = std::numeric_limits<double>::infinity(), high = -low;
};

void set_names(std::ostream& gp, const char* axis, const std::vector<std::string>& names,
               int64_t count, const char* which) {
  if (!names.empty() && static_cast<int64_t>(names.size()) != count)
    throw Error("heat_map: there are " + std::to_string(count) + " " + which + ", and " +
                std::to_string(names.size()) + " names of " + which + ".");
  constexpr int64_t most_numbers = 20;
  if (names.empty()) {
    gp << "set " << axis << "tics 0," << (count - 1) / most_numbers + 1 << " format '%g'\n";
    return;
  }
  gp << "set " << axis << "tics (";
  for (std::size_t i = 0; i < names.size(); ++i)
    gp << (i ? ", " : "") << quoted_for_gnuplot(names[i]) << ' ' << i;
  gp << ") noenhanced\n";
}

// Whole numbers as they are, shares with two decimals, others with three significant digits.
std::vector<std::string> texts_of(const Cells& cells) {
  const auto each = [&](auto test) {
    return std::all_of(cells.values.begin(), cells.values.end(),
                       [&](double v) { return !std::isfinite(v) || test(v); });
  };
  constexpr double most = 1e6;
  const bool whole = each([](double v) { return v == std::round(v) && std::abs(v) <= most; });
  const bool share = each([](double v) { return std::abs(v) <= 1; });
  std::vector<std::string> texts;
  for (const double value : cells.values) {
    char text[32];
    std::snprintf(text, sizeof text, whole ? "%.0f" : share ? "%.2f" : "%.3g", value);
    texts.emplace_back(std::isfinite(value) ? text : "");
  }
  return texts;
}

// Whether the texts fit beside each other, if the columns take four fifths of the picture's width.
bool fit(const std::vector<std::string>& texts, int64_t columns, int width) {
  constexpr double letter = 9, of_columns = 0.8;
  std::size_t longest = 0;
  for (const std::string& text : texts) longest = std::max(longest, text.size());
  return letter * static_cast<double>(longest) * static_cast<double>(columns) <= of_columns * width;
}

void set_axes(std::ostream& gp, const Cells& cells, const HeatMapOptions& o) {
  set_frame(gp, {o.title, o.x_label, o.y_label}, 0.2);
  gp << "unset key\nset border 0\nset tics scale 0\n"
     << "set xrange [-0.5:" << cells.columns - 1 << ".5]\n"
     << "set yrange [" << cells.rows - 1 << ".5:-0.5]\n";
  set_names(gp, "x", o.columns, cells.columns, "columns");
  set_names(gp, "y", o.rows, cells.rows, "rows");
  constexpr std::size_t letters_in_a_line = 80;
  std::size_t longest = 0;
  for (const std::string& name : o.columns) longest = std::max(longest, name.size() + 1);
  if (longest * o.columns.size() > letters_in_a_line) gp << "set xtics rotate by -45 left\n";
}

// Sends the colours and, in black or white, the numbers on them.
void draw(gnuplotio::Gnuplot& gp, const Cells& cells, double low, double high,
          const std::vector<std::string>& texts) {
  const bool numbers = !texts.empty();
  constexpr double dark = 0.55;
  constexpr int64_t most_with_gaps = 2500;
  gp << "set palette defined (0 '#ffffff', 0.25 '#c9dbea', 0.6 '#5b8db8', 1 '#1f4e79')\n"
     << "plot '-' using 1:2:($1-0.5):($1+0.5):($2-0.5):($2+0.5):3 with boxxyerror fillcolor "
        "palette "
     << "fillstyle solid 1 "
     << (cells.rows * cells.columns > most_with_gaps ? "noborder" : "border rgb '#ffffff'")
     << (numbers ? ", '-' using 1:2:3:4 with labels textcolor rgb variable\n" : "\n");
  for (const bool is_number : {false, true}) {
    if (is_number && !numbers) break;
    for (int64_t row = 0; row < cells.rows; ++row)
      for (int64_t column = 0; column < cells.columns; ++column) {
        const double value = cells.at(row, column);
        if (!std::isfinite(value)) continue;
        gp << column << ' ' << row << ' ';
        if (is_number)
          gp << texts[static_cast<std::size_t>(row * cells.columns + column)]
             << ((value - low) / (high - low) > dark ? " 0xffffff" : " 0x202020");
        else
          gp << value;
        gp << '\n';
      }
    gp << "e\n";
  }
}

}  // namespace

std::string heat_map(const Tensor& matrix, const std::string& path, const HeatMapOptions& options) {
  const Cells cells(matrix);
  const double low = options.low.value_or(std::min(0.0, cells.low));
  const double high = options.high.value_or(cells.high > low ? cells.high : low + 1);
  if (!(low < high))
    throw Error("heat_map: .low is " + sdk::shortest(low) + " and .high " + sdk::shortest(high) +
                "; low must lie below high.");
  std::vector<std::string> texts = texts_of(cells);
  if (!options.values.value_or(fit(texts, cells.columns, options.width))) texts.clear();
  return draw_picture("heat_map", path, options.width, options.height, [&](gnuplotio::Gnuplot& gp) {
    set_axes(gp, cells, options);
    gp.precision(17);
    gp << "set cbrange [" << low << ':' << high << "]\n";
    draw(gp, cells, low, high, texts);
  });
}

}  // namespace tempo
