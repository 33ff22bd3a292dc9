// SPDX-License-Identifier: Apache-2.0
// Pictures of numbers: a training's losses, a forecast beside the truth. Drawn by gnuplot, which is
// looked for when a picture is asked for, not before.
#pragma once

#include <tempo/callback.hpp>
#include <tempo/misspelt.hpp>
#include <tempo/tensor.hpp>

namespace tempo TEMPO_HIDDEN {

/// One line of a picture: y against x. A y may be [n] or [n, 1]; without x, it is 0, 1, 2, ...
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

/// Draws curves into a .svg or .png file and returns its absolute path. The file is complete or not
/// there. Throws Error when gnuplot is missing or fails.
TEMPO_API std::string plot(const std::vector<Curve>& curves, const std::string& path,
                           const PlotOptions& options = {});
TEMPO_OPTIONS(std::string plot, PlotOptions, const std::vector<Curve>&, const std::string&);

/// Draws the losses that fit recorded, by epoch.
TEMPO_API std::string plot(const History& history, const std::string& path,
                           const PlotOptions& options = {});
TEMPO_OPTIONS(std::string plot, PlotOptions, const History&, const std::string&);

}  // namespace tempo
