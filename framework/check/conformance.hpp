// SPDX-License-Identifier: Apache-2.0
// The conformance suite: what every layer and cell must do, checked from one table. A layer is
// found by its registration, so a new plugin is checked without a change here; a row says what a
// layer needs to be made, and which check does not apply to it and why.
#pragma once

#include <concepts>
#include <iosfwd>
#include <string>
#include <variant>
#include <vector>

#include <tempo/load.hpp>
#include <tempo/option_list.hpp>

namespace tempo::conformance {

/// An option by name and value. A layer is made anew for each layer that is given it.
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
  int64_t ids = 0;        ///< above 0: whole numbers below it
  bool positive = false;  ///< numbers above 0, as times are
  bool has_time() const { return shape.rank() > 2 || (ids > 0 && shape.rank() == 2); }
};

/// A check that does not apply, and why. The suite fails where it would have passed.
struct Except {
  std::string check;
  std::string reason;
};

/// Options that go with one that has no effect alone.
struct Together {
  std::string option;
  std::vector<Given> with;
};

struct Row {
  std::string layer;      ///< its registered name; a cell's with " cell" after it
  std::string form = "";  ///< tells several rows of one layer apart
  std::vector<Given> options = {};
  std::vector<Input> inputs = {Input{}};
  std::vector<Given> values = {};  ///< to try, of options for which the kind says none
  std::vector<Together> together = {};
  std::vector<Except> except = {};
  bool holes = true;  ///< whether masks may have steps that count after some that do not
};

struct Outcome {
  enum Kind { passed, excepted, failed } kind = passed;
  std::string text = "";  ///< why it is excepted or failed
};

/// One layer in one form: what each check said.
struct Line {
  std::string layer;
  std::vector<Outcome> outcomes;
};

/// The names of the checks, in the order of a line's outcomes.
std::vector<std::string> check_names();
/// One sentence for each.
std::vector<std::string> check_sentences();

struct Report {
  std::vector<Line> lines;
  int failures() const;
  /// What a check said of a layer; throws std::out_of_range where there is no such line or check.
  const Outcome& at(const std::string& layer, const std::string& check) const;
};
/// The table, layers by checks, then what is excepted and why, then what failed.
std::ostream& operator<<(std::ostream& out, const Report& report);

/// Runs all checks on all layers and cells of the plugins. A layer without a row is made with
/// {"units", 5}, where it has that, and is given [3, 7, 4].
Report check(const std::vector<PluginContents>& plugins, const std::vector<Row>& known);

}  // namespace tempo::conformance
