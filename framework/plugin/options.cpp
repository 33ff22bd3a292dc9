// SPDX-License-Identifier: Apache-2.0
// Options of layers, checked against their description.
#include "plugin/options.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <optional>
#include <string_view>

#include <tempo/names.hpp>
#include <tempo/option.hpp>

#include "ops/initializers.hpp"
#include "ops/regularizers.hpp"
#include "plugin/utf8.hpp"

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
    case TEMPO_OPTION_REGULARIZER: return "a regularizer, as \"l2\" or \"l1(0.001)\"";
    case TEMPO_OPTION_CONSTRAINT: return "a constraint, as \"non_neg\" or \"max_norm(3)\"";
    case TEMPO_OPTION_DTYPE: return "float32 or float64";
    case TEMPO_OPTION_LAYER: return "a layer or cell";
    default: return "an integer or a list of them";
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
    case TEMPO_OPTION_REGULARIZER:
    case TEMPO_OPTION_CONSTRAINT:
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

// The default of an option, if it is a number.
std::optional<double> default_of(const tempo_option& option) {
  if (!option.standard) return {};
  double value = 0;
  const char* const end = option.standard + std::strlen(option.standard);
  if (std::from_chars(option.standard, end, value).ec != std::errc()) return {};
  return value;
}

// A number with a limit must be finite, even towards the open side, unless its default is infinite.
bool is_within(const tempo_option& option, double value) {
  if (std::isinf(option.at_least) && std::isinf(option.at_most)) return true;  // NaN, too
  if (!(value >= option.at_least && value <= option.at_most)) return false;
  const std::optional<double> standard = default_of(option);
  return std::isfinite(value) || (standard && std::isinf(*standard));
}

constexpr uint64_t longest_list = 1 << 16;

// Checks an option from the caller, whose fields may hold anything.
void require_readable(const tempo_layer_type& type, const tempo_attribute& given) {
  const bool readable = given.name && given.kind <= TEMPO_LAYER_VALUE &&
                        (given.kind != TEMPO_TEXT_VALUE || given.text) &&
                        (given.kind != TEMPO_LIST_VALUE || given.list || given.count == 0) &&
                        (given.kind != TEMPO_LIST_VALUE || given.count <= longest_list);
  if (!readable)
    throw Error(std::string(type.name) + ": an option came without a name, a kind or its value.");
}

// Copies the fields of its kind; the other fields may never have been set.
tempo_attribute of_its_kind(const tempo_attribute& given) {
  tempo_attribute out{};
  out.size = sizeof out;
  out.kind = given.kind;
  out.name = given.name;
  switch (given.kind) {
    case TEMPO_INT64_VALUE: out.integer = given.integer; break;
    case TEMPO_DOUBLE_VALUE: out.real = given.real; break;
    case TEMPO_TEXT_VALUE: out.text = given.text; break;
    case TEMPO_LIST_VALUE:
      out.list = given.list;
      out.count = given.count;
      break;
    default: out.layer = given.layer;
  }
  return out;
}

// Checked here, since the layer's build may happen far from the typo.
void check_call(const std::string& who, uint32_t kind, const char* given) {
  if (!*given) return;
  try {
    if (kind == TEMPO_OPTION_INITIALIZER) require_initializer(given);
    if (kind == TEMPO_OPTION_REGULARIZER) regularizer(given);
    if (kind == TEMPO_OPTION_CONSTRAINT) constraint(given);
  } catch (const Error& e) {
    throw Error(who + ": " + e.what());
  }
}

void check_weights_dtype(const std::string& who, int64_t number) {
  const auto dtype = dtype_numbered(number);
  if (dtype && is_for_weights(*dtype)) return;
  throw Error(who + " is " + (dtype ? name_of(*dtype) : std::to_string(number)) +
              "; weights are float32 or float64.");
}

void check_option(const tempo_layer_type& type, const tempo_option& option,
                  const tempo_attribute& given) {
  const std::string who = std::string(type.name) + ": option `" + option.name + "`";
  if (!fits(option, given))
    throw Error(who + " is " + kind_name(option.kind) + ", got " + value_text(given) + ".");
  if (option.kind == TEMPO_OPTION_INT || option.kind == TEMPO_OPTION_REAL) {
    const double value =
        given.kind == TEMPO_INT64_VALUE ? static_cast<double>(given.integer) : given.real;
    if (!is_within(option, value))
      throw Error(who + " is " + value_text(given) + "; it must be " + limits_text(option) +
                  (std::isinf(value) ? ", and finite." : "."));
  }
  if (given.kind == TEMPO_TEXT_VALUE && !is_utf8(given.text))
    throw Error(who + " is not UTF-8, which files hold.");
  if (option.choices && !sdk::among(option.choices, given.text))
    throw Error(who + " is " + value_text(given) + "; it must be one of " + option.choices + ".");
  if (given.kind == TEMPO_TEXT_VALUE) check_call(who, option.kind, given.text);
  if (option.kind == TEMPO_OPTION_DTYPE) check_weights_dtype(who, given.integer);
  if (given.kind == TEMPO_LIST_VALUE && given.count > TEMPO_MAX_RANK)
    throw Error(who + " is " + value_text(given) + "; a shape has at most 8 axes.");
}

// If the default lies outside of the limits, the option must be given.
void require_given(const tempo_layer_type& type, const tempo_option& option) {
  const bool number = option.kind == TEMPO_OPTION_INT || option.kind == TEMPO_OPTION_REAL;
  const std::optional<double> standard = default_of(option);
  if (!number || !standard) return;
  if (*standard < option.at_least || *standard > option.at_most)
    throw Error(std::string(type.name) + ": option `" + option.name +
                "` is not given, and has no default; it must be " + limits_text(option) + ".");
}

}  // namespace

void check_options(const tempo_layer_type& type, std::span<const tempo_attribute> options,
                   sdk::OptionList& checked) {
  for (const tempo_attribute& one : options) {
    require_readable(type, one);
    const tempo_attribute given = of_its_kind(one);
    if (std::any_of(options.data(), &one, [&](const tempo_attribute& before) {
          return std::string_view(before.name) == one.name;
        }))
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
    const bool whole = given.kind == TEMPO_INT64_VALUE;
    if (whole && found->kind == TEMPO_OPTION_SHAPE)
      checked.add(given.name, std::vector<int64_t>{given.integer});
    else if (whole && found->kind == TEMPO_OPTION_REAL)
      checked.add(given.name, static_cast<double>(given.integer));
    else
      checked.add(given);
  }
  for (const tempo_option& option : std::span(type.options, type.n_options))
    if (!sdk::given(options, option.name)) require_given(type, option);
}

}  // namespace tempo
