// SPDX-License-Identifier: Apache-2.0
// The conformance suite: rules for every layer and cell, checked from one table. Layers are found
// by their registration, so a new plugin is checked without a change here. A row holds the options
// that a layer needs, and the checks that do not apply to it, with reasons.
#pragma once

#include <concepts>
#include <iosfwd>
#include <string>
#include <variant>
#include <vector>

#include <tempo/load.hpp>
#include <tempo/option_list.hpp>

namespace tempo::conformance {

/// An option by name and value. For a layer as the value, each layer that gets it gets a new one.
struct Given {
  using MadeLayer = Layer (*)();
  Given(const char* option, int number) : name(option), value(int64_t{number}) {}
  template <std::same_as<bool> Flag>
  Given(const char* option, Flag flag) : name(option), value(int64_t{flag}) {}
  Given(const char* option, int64_t number) : name(option), value(number) {}
  Given(const char* option, double number) : name(option), value(number) {}
  Given(const char* option, const char* text) : name(option), value(std::string(text)) {}
  Given(const char* option, const std::string& text) : name(option), value(text) {}
  Given(const char* option, std::vector<int64_t> list) : name(option), value(std::move(list)) {}
  Given(const char* option, MadeLayer layer) : name(option), value(layer) {}

  std::string name;
  std::variant<int64_t, double, std::string, std::vector<int64_t>, MadeLayer> value;
};

std::string to_string(const Given& given);

/// An input of a layer: numbers, [batch, time, ...] or [batch, features], or ids.
struct Input {
  Shape shape = {3, 7, 4};
  int64_t ids = 0;        ///< if above 0: whole numbers below this
  bool positive = false;  ///< whether numbers are above 0, such as times
  bool has_time() const { return shape.rank() > 2 || (ids > 0 && shape.rank() == 2); }
};

/// A check that does not apply, and the reason. The suite fails if it would have passed.
struct Except {
  std::string check;
  std::string reason;
};

/// Options to set together with one that has no effect alone.
struct Together {
  std::string option;
  std::vector<Given> with;
};

struct Row {
  std::string layer;      ///< its registered name; for a cell followed by " cell"
  std::string form = "";  ///< distinguishes several rows of one layer
  std::vector<Given> options = {};
  std::vector<Input> inputs = {Input{}};
  std::vector<Given> values = {};  ///< values to try for options whose kind suggests none
  std::vector<Together> together = {};
  std::vector<Except> except = {};
  bool holes = true;  ///< whether masks may have steps that count after masked ones
};

struct Outcome {
  enum Kind { passed, excepted, failed } kind = passed;
  std::string text = "";  ///< why it was excepted or failed
};

/// One layer in one form: the outcome of each check.
struct Line {
  std::string layer;
  std::vector<Outcome> outcomes;
};

/// The names of the checks, in the order of a line's outcomes.
std::vector<std::string> check_names();
/// One sentence for each check.
std::vector<std::string> check_sentences();

struct Report {
  std::vector<Line> lines;
  int failures() const;
  /// The outcome of a check for a layer; throws std::out_of_range if either does not exist.
  const Outcome& at(const std::string& layer, const std::string& check) const;
};
/// Prints the table of layers and checks, then exceptions with their reasons, then failures.
std::ostream& operator<<(std::ostream& out, const Report& report);

/// Runs all checks on all layers and cells of the plugins. A layer without a row is made with
/// {"units", 5} if it has that option, and gets an input [3, 7, 4].
Report check(const std::vector<PluginContents>& plugins, const std::vector<Row>& known);

}  // namespace tempo::conformance
