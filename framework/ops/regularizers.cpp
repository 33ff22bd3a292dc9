// SPDX-License-Identifier: Apache-2.0
// Regularizers and constraints as compositions of ops. Names, arguments and defaults are those of
// Keras.
#include "ops/regularizers.hpp"

#include <algorithm>
#include <cctype>
#include <map>

#include <tempo/length.hpp>
#include <tempo/ops.hpp>

#include "ops/argument_text.hpp"
#include "tensor/process_lock.hpp"

namespace tempo {

namespace {

using Function = std::function<Tensor(const Tensor& w)>;

struct Definition {
  std::vector<std::string> arguments;
  std::function<Function(const ArgumentText& text)> make;
};
using Definitions = std::map<std::string, Definition>;

constexpr double epsilon = 1e-7;  // as in Keras, it prevents a division by a norm of 0

// Zeros on the diagonal, ones elsewhere.
Tensor apart(int64_t n, DType dtype) {
  const Tensor each = arange(0, static_cast<double>(n));
  return cast(not_equal(expand_dims(each, 0), expand_dims(each, 1)), dtype);
}

// A penalty on the cosines between the rows of a matrix, or its columns.
Function orthogonal(double factor, const std::string& mode, const ArgumentText& text) {
  if (mode != "rows" && mode != "columns")
    text.fail("`mode` is `" + mode + "`; it may be rows or columns");
  return [=](const Tensor& w) {
    if (w.rank() != 2)
      throw ShapeError("orthogonal_regularizer: needs a matrix, got " +
                       to_string(w.shape(), w.dtype()) + ".");
    const bool rows = mode == "rows";
    const Tensor unit = sdk::unit(w, {rows ? 1 : 0}, 1e-6);
    const int64_t n = w.shape()[rows ? 0 : 1];
    if (n < 2) return sum(w * 0);
    const Tensor cosines = matmul(unit, unit, !rows, rows) * apart(n, w.dtype());
    const double pairs = 0.5 * static_cast<double>(n) * static_cast<double>(n - 1);
    return factor * 0.5 / pairs * sum(abs(cosines));
  };
}

// Functions of the program, by name; under the lock of ops.
std::map<std::string, Function>& own_functions() {
  static auto& all = *new std::map<std::string, Function>;
  return all;
}

Function find_own(const std::string& name) {
  const ProcessLock lock(ProcessLock::ops);
  const auto at = own_functions().find(name);
  return at == own_functions().end() ? Function() : at->second;
}

// The function of this name now; if there is none, the one of this name when it is needed.
Function own_penalty(const std::string& name) {
  return [name, known = find_own(name)](const Tensor& w) {
    const Function penalty = known ? known : find_own(name);
    if (!penalty)
      throw MissingFunction(
          "the regularizer `" + name +
          "` is a function of the program that saved the model, which no file can hold.\n  "
          "Give it before fit: own_regularizer(\"" +
          name + "\", f).");
    const Tensor out = penalty(w);
    if (!out || out.count() != 1)
      throw ShapeError("the regularizer `" + name + "` gave " +
                       (out ? to_string(out.shape(), out.dtype()) : "no value (Tensor{})") +
                       "; a penalty is one number: sum(...) of it, say.");
    return reshape(out, {});
  };
}

const Definitions& regularizers() {
  using Text = ArgumentText;
  static const auto& all = *new const Definitions{
      {"l1",
       {{"l1"},
        [](const Text& text) -> Function {
          const double l1 = text.not_negative("l1", 0.01);
          return [=](const Tensor& w) { return l1 * sum(abs(w)); };
        }}},
      {"l2",
       {{"l2"},
        [](const Text& text) -> Function {
          const double l2 = text.not_negative("l2", 0.01);
          return [=](const Tensor& w) { return l2 * sum(square(w)); };
        }}},
      {"l1_l2",
       {{"l1", "l2"},
        [](const Text& text) -> Function {
          const double l1 = text.not_negative("l1", 0), l2 = text.not_negative("l2", 0);
          return [=](const Tensor& w) { return l1 * sum(abs(w)) + l2 * sum(square(w)); };
        }}},
      {"own", {{"name"}, [](const Text& text) { return own_penalty(text.word("name", "")); }}},
      {"orthogonal_regularizer",
       {{"factor", "mode"},
        [](const Text& text) {
          return orthogonal(text.not_negative("factor", 0.01), text.word("mode", "rows"), text);
        }}},
  };
  return all;
}

const Definitions& constraints() {
  using Text = ArgumentText;
  static const auto& all = *new const Definitions{
      {"max_norm",
       {{"max_value", "axis"},
        [](const Text& text) -> Function {
          const double most = text.not_negative("max_value", 2);
          return [most, axes = text.axes("axis", {0})](const Tensor& w) {
            const Tensor n = sdk::length(w, axes);
            return w * (clip(n, 0, most) / (epsilon + n));
          };
        }}},
      {"non_neg",
       {{}, [](const Text&) -> Function { return [](const Tensor& w) { return maximum(w, 0); }; }}},
      {"unit_norm",
       {{"axis"},
        [](const Text& text) -> Function {
          return [axes = text.axes("axis", {0})](const Tensor& w) {
            return w / (epsilon + sdk::length(w, axes));
          };
        }}},
      {"min_max_norm",
       {{"min_value", "max_value", "rate", "axis"},
        [](const Text& text) -> Function {
          const double least = text.not_negative("min_value", 0),
                       most = text.not_negative("max_value", 1), rate = text.finite("rate", 1);
          if (least > most) text.fail("`min_value` must not be above `max_value`");
          if (rate < 0 || rate > 1) text.fail("`rate` must be within [0, 1]");
          return [=, axes = text.axes("axis", {0})](const Tensor& w) {
            const Tensor n = sdk::length(w, axes);
            const Tensor wanted = rate * clip(n, least, most) + (1 - rate) * n;
            return w * (wanted / (epsilon + n));
          };
        }}},
  };
  return all;
}

Function made(const char* kind, const std::string& text, const Definitions& definitions) {
  if (text.empty()) return {};
  ArgumentText parsed(kind, text);
  if (parsed.name() == "l1l2") parsed.rename("l1_l2");  // from the class name
  const auto at = definitions.find(parsed.name());
  if (at == definitions.end()) {
    std::vector<std::string> names;
    for (const auto& [name, definition] : definitions)
      if (name != "own") names.push_back(name);
    parsed.unknown(names);
  }
  parsed.expect(at->second.arguments);
  return at->second.make(parsed);
}

}  // namespace

Function regularizer(const std::string& text) { return made("regularizer", text, regularizers()); }
std::string add_own_regularizer(const std::string& name, Function penalty) {
  const auto in_words = [](unsigned char c) { return std::isalnum(c) || c == '_'; };
  if (name.empty() || !std::all_of(name.begin(), name.end(), in_words))
    throw Error("own_regularizer: `" + name +
                "` is no word; a name is of letters, digits and underscores.");
  {
    const ProcessLock lock(ProcessLock::ops);
    std::swap(own_functions()[name], penalty);  // the former one is destroyed after the lock
  }
  return "own(name=" + name + ")";
}

Function constraint(const std::string& text) { return made("constraint", text, constraints()); }

}  // namespace tempo
