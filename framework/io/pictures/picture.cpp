// SPDX-License-Identifier: Apache-2.0
// Turns a gnuplot script into a picture file.
#include "io/pictures/picture.hpp"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <string_view>

#include <tempo/error.hpp>

#include "io/atomic_file.hpp"
#include "io/encoding.hpp"
#include "io/pictures/gnuplot.hpp"
#include "io/source.hpp"

namespace fs = std::filesystem;

namespace tempo {
namespace {

// "svg" or "png"
std::string kind_of(const std::string& who, const fs::path& path) {
  const std::string extension = path.extension().string();
  if (extension == ".svg" || extension == ".png") return extension.substr(1);
  throw Error(who + ": " + path.string() + ": a picture's name ends in .svg or .png" +
              (extension.empty() ? "." : "; \"" + extension + "\" is not known."));
}

void set_terminal(const std::string& who, std::ostream& gp, const std::string& kind, int width,
                  int height) {
  if (width < 100 || height < 100 || width > 10000 || height > 10000)
    throw Error(who + ": a size of " + std::to_string(width) + " x " + std::to_string(height) +
                "; each side must lie in [100, 10000].");
  if (kind == "svg")
    gp << "set terminal svg size " << width << ',' << height
       << " dynamic font 'sans-serif,14' linewidth 1 background '#ffffff'\n";
  else
    gp << "set terminal pngcairo size " << 2 * width << ',' << 2 * height
       << " font 'sans-serif,10.5' fontscale 2 linewidth 2 pointscale 2 background '#ffffff'\n";
}

// A PNG ends with its end chunk, an SVG with its end tag: gnuplot can stop early and report
// nothing.
bool complete(const std::string& picture, const std::string& kind) {
  const std::string_view tail =
      std::string_view(picture).substr(picture.size() - std::min<std::size_t>(16, picture.size()));
  return tail.find(kind == "svg" ? "</svg>" : "IEND") != tail.npos;
}

}  // namespace

// In gnuplot's '...' there are no escapes and no commands. A quote is doubled; a newline would end
// the command, and an SVG allows no other control character.
std::string quoted_for_gnuplot(const std::string& text) {
  if (first_not_utf8(text) != text.npos)
    throw Error("picture: the text " + in_quotes(text) + " is not UTF-8.");
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'') out += '\'';
    out += static_cast<unsigned char>(c) < ' ' || c == '\x7f' ? ' ' : c;
  }
  return out + "'";
}

void set_frame(std::ostream& gp, const Labels& labels, double above) {
  gp << "set encoding utf8\n"
        "set border 3 linecolor '#606060' linewidth 1\n"
        "set tics nomirror scale 0.6 textcolor '#404040'\n";
  if (!labels.title.empty())
    gp << "set title " << quoted_for_gnuplot(labels.title)
       << " noenhanced font ',15' textcolor '#202020' offset 0," << above << '\n';
  if (!labels.x_label.empty())
    gp << "set xlabel " << quoted_for_gnuplot(labels.x_label)
       << " noenhanced textcolor '#404040'\n";
  if (!labels.y_label.empty())
    gp << "set ylabel " << quoted_for_gnuplot(labels.y_label)
       << " noenhanced textcolor '#404040'\n";
}

std::string draw_picture(const char* who, const std::string& path, int width, int height,
                         const std::function<void(gnuplotio::Gnuplot& gp)>& write) {
  const std::string kind = kind_of(who, path);
  const ScratchFile script = scratch_file();
  {
    gnuplotio::Gnuplot gp(::fdopen(::dup(::fileno(script.get())), "w"));  // closes its own copy
    set_terminal(who, gp, kind, width, height);
    write(gp);
  }
  AtomicFile picture(path);
  run_gnuplot(script.get(), picture.descriptor());
  if (!complete(FileSource(path, picture.descriptor()).text(), kind))
    throw Error(std::string(who) + ": gnuplot ended without finishing " + path + ".");
  picture.commit();
  return fs::absolute(path).lexically_normal().string();
}

}  // namespace tempo
