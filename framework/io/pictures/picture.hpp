// SPDX-License-Identifier: Apache-2.0
// What every picture needs: a kind and a size, texts that gnuplot does not run, a file that is
// complete or not there.
#pragma once

#include <gnuplot-iostream.h>

#include <functional>
#include <ostream>
#include <string>

namespace tempo {

/// A text for a script, in quotes; Error where it is not UTF-8.
std::string quoted_for_gnuplot(const std::string& text);

/// What stands around every picture.
struct Labels {
  const std::string &title, &x_label, &y_label;
};

/// Sets fonts, colours of the frame, and the labels. `above` is the room in lines of text that the
/// title leaves between itself and the picture.
void set_frame(std::ostream& gp, const Labels& labels, double above);

/// Runs gnuplot on the script that `write` makes, for a .svg or .png file of this size; returns
/// its absolute path. `who` begins the errors.
std::string draw_picture(const char* who, const std::string& path, int width, int height,
                         const std::function<void(gnuplotio::Gnuplot& gp)>& write);

}  // namespace tempo
