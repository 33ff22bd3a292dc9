// SPDX-License-Identifier: Apache-2.0
// The parts that all pictures share: a format and a size, texts that gnuplot cannot execute, and a
// file that is complete or absent.
#pragma once

#include <gnuplot-iostream.h>

#include <functional>
#include <ostream>
#include <string>

namespace tempo {

/// The text in quotes for a script; Error if it is not UTF-8.
std::string quoted_for_gnuplot(const std::string& text);

/// The texts around a picture.
struct Labels {
  const std::string &title, &x_label, &y_label;
};

/// Sets the fonts, the frame's colours and the labels. `above` is the space that the title leaves
/// between itself and the picture, in lines of text.
void set_frame(std::ostream& gp, const Labels& labels, double above);

/// Runs gnuplot on the script that `write` makes, for a .svg or .png file of this size. Returns its
/// absolute path. `who` begins the errors.
std::string draw_picture(const char* who, const std::string& path, int width, int height,
                         const std::function<void(gnuplotio::Gnuplot& gp)>& write);

}  // namespace tempo
