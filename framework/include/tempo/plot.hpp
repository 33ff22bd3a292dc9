// SPDX-License-Identifier: Apache-2.0
// Pictures of numbers: a training's losses, a forecast beside the truth, a matrix. gnuplot draws
// them; it is looked for when a picture is asked for, not before.
#pragma once

#include <tempo/callback.hpp>
#include <tempo/misspelt.hpp>
#include <tempo/tensor.hpp>

namespace tempo TEMPO_HIDDEN {

/// One line of a picture: y, [n] or [n, 1], against x. If x is not given, it is 0, 1, 2, ...
struct Curve {
  std::string label = {};
  Tensor y = {};
  Tensor x = {};
};

struct PlotOptions {
  std::string title = {};
  std::string x_label = {};
  std::string y_label = {};
  std::optional<bool> log_y = {};  ///< unset: for a History whose values span more than two decades
  int width = 900;                 ///< of an SVG in pixels; a PNG has twice as many
  int height = 500;
};

/// Draws curves into a .svg or .png file and returns its absolute path. The file is written whole
/// or not at all. Throws Error if gnuplot is missing or fails.
TEMPO_API std::string plot(const std::vector<Curve>& curves, const std::string& path,
                           const PlotOptions& options = {});
TEMPO_OPTIONS(std::string plot, PlotOptions, const std::vector<Curve>&, const std::string&);

/// Draws the losses that fit recorded, by epoch.
TEMPO_API std::string plot(const History& history, const std::string& path,
                           const PlotOptions& options = {});
TEMPO_OPTIONS(std::string plot, PlotOptions, const History&, const std::string&);

/// Draws the numbers of these names that fit recorded, by epoch: {"accuracy"}, each beside its
/// validation number if there is one.
TEMPO_API std::string plot(const History& history, const std::vector<std::string>& names,
                           const std::string& path, const PlotOptions& options = {});
TEMPO_OPTIONS(std::string plot, PlotOptions, const History&, const std::vector<std::string>&,
              const std::string&);

/// One training among several: `{"LSTM", history}`.
struct TrainingRun {
  std::string label = {};
  History history = History();
};

/// Draws one of the numbers that fit recorded, such as "val_loss", of several runs, by epoch.
TEMPO_API std::string plot(const std::vector<TrainingRun>& runs, const std::string& name,
                           const std::string& path, const PlotOptions& options = {});
TEMPO_OPTIONS(std::string plot, PlotOptions, const std::vector<TrainingRun>&, const std::string&,
              const std::string&);

struct HeatMapOptions {
  std::string title = {};
  std::string x_label = {};
  std::string y_label = {};
  std::vector<std::string> rows = {};     ///< their names, from the top; none given: 0, 1, 2, ...
  std::vector<std::string> columns = {};  ///< their names, from the left
  std::optional<bool> values = {};        ///< prints numbers in the cells; unset: if there is room
  std::optional<double> low = {};   ///< is drawn white; unset: 0, or the lowest number if below
  std::optional<double> high = {};  ///< is drawn darkest; unset: the highest number
  int width = 700;                  ///< of an SVG in pixels; a PNG has twice as many
  int height = 600;
};

/// Draws a matrix [rows, columns] as a table of colours, its first row at the top: attention
/// weights, a confusion matrix. The cell of a number that is not finite stays white.
TEMPO_API std::string heat_map(const Tensor& matrix, const std::string& path,
                               const HeatMapOptions& options = {});
TEMPO_OPTIONS(std::string heat_map, HeatMapOptions, const Tensor&, const std::string&);

}  // namespace tempo
