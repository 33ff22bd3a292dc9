// SPDX-License-Identifier: Apache-2.0
// Options of layers, checked against their description.
#include "plugin/options.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>

#include <tempo/names.hpp>
#include <tempo/option.hpp>

#include "ops/initializers.hpp"

namespace tempo {

namespace {

const char* kind_name(uint32_t kind) {
  switch (kind) {
    case TEMPO_OPTION_INT: return "an integer";
    case TEMPO_OPTION_REAL: return "a number";
    case TEMPO_OPTION_BOOL: return "true or false";
    case TEMPO_OPTION_TEXT: return "a text";
    case TEMPO_OPTION_INITIALIZER:
      return "an initializer, as \"glorot_uniform\" or \"constant(0.1)\"";
    case TEMPO_OPTION_ACTIVATION: return "the name of an activation";
    case TEMPO_OPTION_DTYPE: return "float32 or float64";
    case TEMPO_OPTION_LAYER: return "a layer or cell";
    default: return "a list of integers";
  }
}

bool fits(const tempo_option& option, const tempo_attribute& given) {
  switch (option.kind) {
    case TEMPO_OPTION_INT:
    case TEMPO_OPTION_DTYPE: return given.kind == TEMPO_INT64_VALUE;
    case TEMPO_OPTION_BOOL:
      return given.kind == TEMPO_INT64_VALUE && (given.integer == 0 || given.integer == 1);
    case TEMPO_OPTION_REAL:
      return given.kind == TEMPO_DOUBLE_VALUE || given.kind == TEMPO_INT64_VALUE;
    case TEMPO_OPTION_TEXT:
    case TEMPO_OPTION_INITIALIZER:
    case TEMPO_OPTION_ACTIVATION: return given.kind == TEMPO_TEXT_VALUE;
    case TEMPO_OPTION_LAYER: return given.kind == TEMPO_LAYER_VALUE;
    default: return given.kind == TEMPO_LIST_VALUE || given.kind == TEMPO_INT64_VALUE;
  }
}

std::string value_text(const tempo_attribute& given) {
  switch (given.kind) {
    case TEMPO_INT64_VALUE: return std::to_string(given.integer);
    case TEMPO_DOUBLE_VALUE: return sdk::shortest(given.real);
    case TEMPO_TEXT_VALUE: return std::string("\"") + given.text + "\"";
    case TEMPO_LIST_VALUE: {
      std::string text = "[";
      for (uint64_t i = 0; i < given.count; ++i)
        text += (i ? ", " : "") + std::to_string(given.list[i]);
      return text + "]";
    }
    default: return "a layer";
  }
}

std::string limits_text(const tempo_option& option) {
  const std::string low = sdk::shortest(option.at_least), high = sdk::shortest(option.at_most);
  if (std::isinf(option.at_least) && std::isinf(option.at_most)) return "a number";
  if (std::isinf(option.at_most)) return "at least " + low;
  if (std::isinf(option.at_least)) return "at most " + high;
  return "within [" + low + ", " + high + "]";
}

// What came over the boundary may be anything.
void require_readable(const tempo_layer_type& type, const tempo_attribute& given) {
  const bool readable = given.name && given.kind <= TEMPO_LAYER_VALUE &&
                        (given.kind != TEMPO_TEXT_VALUE || given.text) &&
                        (given.kind != TEMPO_LIST_VALUE || given.list || given.count == 0);
  if (!readable)
    throw Error(std::string(type.name) + ": an option came without a name, a kind or its value.");
}

bool among(const char* choices, const std::string& text) {
  return ("|" + std::string(choices) + "|").find("|" + text + "|") != std::string::npos;
}

// Found here, not in the layer's build, which may be far from the typo.
void check_initializer(const std::string& who, const char* given) {
  if (!*given) return;
  try {
    require_initializer(given);
  } catch (const Error& e) {
    throw Error(who + ": " + e.what());
  }
}

void check_option(const tempo_layer_type& type, const tempo_option& option,
                  const tempo_attribute& given) {
  const std::string who = std::string(type.name) + ": option `" + option.name + "`";
  if (!fits(option, given))
    throw Error(who + " is " + kind_name(option.kind) + ", got " + value_text(given) + ".");
  if (option.kind == TEMPO_OPTION_INT || option.kind == TEMPO_OPTION_REAL) {
    const double value =
        given.kind == TEMPO_INT64_VALUE ? static_cast<double>(given.integer) : given.real;
    const bool open = std::isinf(option.at_least) && std::isinf(option.at_most);  // NaN, too
    if (!open && !(value >= option.at_least && value <= option.at_most))
      throw Error(who + " is " + value_text(given) + "; it must be " + limits_text(option) + ".");
  }
  if (option.choices && !among(option.choices, given.text))
    throw Error(who + " is " + value_text(given) + "; it must be one of " + option.choices + ".");
  if (option.kind == TEMPO_OPTION_INITIALIZER) check_initializer(who, given.text);
  if (option.kind == TEMPO_OPTION_DTYPE &&
      (given.integer < TEMPO_AUTOMATIC || given.integer > TEMPO_FLOAT64))
    throw Error(who + " is " + name_of(static_cast<DType>(given.integer)) +
                "; weights are float32 or float64.");
  if (option.kind == TEMPO_OPTION_SHAPE && given.kind == TEMPO_LIST_VALUE &&
      given.count > TEMPO_MAX_RANK)
    throw Error(who + " is " + value_text(given) + "; a shape has at most 8 axes.");
}

// A default may lie outside of the limits: such an option must be given.
void require_given(const tempo_layer_type& type, const tempo_option& option) {
  const bool number = option.kind == TEMPO_OPTION_INT || option.kind == TEMPO_OPTION_REAL;
  if (!number || !option.standard) return;
  double value = 0;
  const char* const end = option.standard + std::strlen(option.standard);
  if (std::from_chars(option.standard, end, value).ec != std::errc()) return;
  if (value < option.at_least || value > option.at_most)
    throw Error(std::string(type.name) + ": option `" + option.name +
                "` is not given, and has no default; it must be " + limits_text(option) + ".");
}

}  // namespace

void check_options(const tempo_layer_type& type, std::span<const tempo_attribute> options) {
  for (const tempo_attribute& given : options) {
    require_readable(type, given);
    if (sdk::given(options, given.name) != &given)
      throw Error(std::string(type.name) + ": option `" + given.name + "` is given twice.");
    const tempo_option* const found = sdk::described(type, given.name);
    if (!found) {
      std::vector<std::string> names;
      for (const tempo_option& o : std::span(type.options, type.n_options)) names.push_back(o.name);
      throw Error(std::string(type.name) + ": there is no option `" + given.name + "`" +
                  sdk::did_you_mean(given.name, names) + "\n  It has " +
                  (names.empty() ? "no options of its own" : sdk::listed(names)) + ".");
    }
    check_option(type, *found, given);
  }
  for (const tempo_option& option : std::span(type.options, type.n_options))
    if (!sdk::given(options, option.name)) require_given(type, option);
}

}  // namespace tempo
