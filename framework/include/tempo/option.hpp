// SPDX-License-Identifier: Apache-2.0
// Options are described once, beside the formula: describe(option, o) calls
// option("units", o.units, "Size of the state.") for each field. Checking, parsing, saving, help
// and the reference page are derived from that.
#pragma once

#include <limits>

#include <tempo/activation.hpp>
#include <tempo/constraint.hpp>
#include <tempo/initializer.hpp>
#include <tempo/option_list.hpp>
#include <tempo/regularizer.hpp>

namespace tempo TEMPO_HIDDEN {

/// The limits of an option's value.
struct Limits {
  double at_least = -std::numeric_limits<double>::infinity();
  double at_most = std::numeric_limits<double>::infinity();
  const char* choices = nullptr;  ///< "concat|sum|mul"
};
inline Limits at_least(double low) { return {.at_least = low}; }
inline Limits between(double low, double high) { return {.at_least = low, .at_most = high}; }
inline Limits one_of(const char* choices) { return {.choices = choices}; }

namespace sdk {

template <class T>
constexpr uint32_t option_kind() {
  if constexpr (std::is_same_v<T, bool>)
    return TEMPO_OPTION_BOOL;
  else if constexpr (std::is_integral_v<T>)
    return TEMPO_OPTION_INT;
  else if constexpr (std::is_floating_point_v<T>)
    return TEMPO_OPTION_REAL;
  else if constexpr (std::is_same_v<T, std::string>)
    return TEMPO_OPTION_TEXT;
  else if constexpr (std::is_same_v<T, Initializer>)
    return TEMPO_OPTION_INITIALIZER;
  else if constexpr (std::is_same_v<T, Activation>)
    return TEMPO_OPTION_ACTIVATION;
  else if constexpr (std::is_same_v<T, Regularizer>)
    return TEMPO_OPTION_REGULARIZER;
  else if constexpr (std::is_same_v<T, Constraint>)
    return TEMPO_OPTION_CONSTRAINT;
  else if constexpr (std::is_same_v<T, DType>)
    return TEMPO_OPTION_DTYPE;
  else if constexpr (std::is_same_v<T, Layer>)
    return TEMPO_OPTION_LAYER;
  else {
    static_assert(
        std::is_same_v<T, Shape>,
        "an option is a number, bool, text, Initializer, Regularizer, Constraint, Activation, "
        "DType, Layer or Shape");
    return TEMPO_OPTION_SHAPE;
  }
}

/// Visits the described options and then those that every layer has. A class L that shares its
/// option struct with another has a static `describe` for its part of the options.
template <class L = void, class Visitor, class Options>
void visit_options(Visitor& visitor, Options& options) {
  if constexpr (requires { L::describe(visitor, options); })
    L::describe(visitor, options);
  else
    describe(visitor, options);
  if constexpr (requires { options.activity_regularizer; } && !CellClass<L>)
    visitor("activity_regularizer", options.activity_regularizer,
            "Penalty of its outputs, divided by the batch size, that is added to the loss.");
  if constexpr (requires { options.trainable; })
    visitor("trainable", options.trainable, "Whether optimizers change its weights.");
  if constexpr (requires { options.dtype; })
    visitor("dtype", options.dtype,
            "Of its weights: float32 or float64; automatic is the default dtype.");
  if constexpr (requires { options.name; })
    visitor("name", options.name, "Its name in paths and tables; empty gives one.");
}

/// Collects the descriptions.
struct OptionTable {
  std::deque<std::string> texts;
  std::vector<tempo_option> options;

  template <class T>
  void operator()(const char* name, T& field, const char* sentence, const Limits& limits = {}) {
    constexpr uint32_t kind = option_kind<T>();
    texts.push_back(text_of(field));
    options.push_back({sizeof(tempo_option), kind, name, sentence, texts.back().c_str(),
                       limits.at_least, limits.at_most, limits.choices});
  }
  template <class T>
  static std::string text_of(const T& field) {
    if constexpr (std::is_same_v<T, bool>)
      return field ? "true" : "false";
    else if constexpr (std::is_arithmetic_v<T>)
      return shortest(static_cast<double>(field));
    else if constexpr (std::is_same_v<T, std::string>)
      return field;
    else if constexpr (requires { field.text(); })
      return field.text();
    else if constexpr (std::is_same_v<T, Activation>)
      return field.name();
    else if constexpr (std::is_same_v<T, DType>)
      return name_of(field);
    else if constexpr (std::is_same_v<T, Shape>)
      return to_string(field);
    else
      return "";
  }
};

/// Sets fields from the options that came over the boundary; the others keep their defaults.
struct OptionReader {
  OptionReader(const tempo_attribute* first, uint32_t n) : options(first, n) {}

  Strided<tempo_attribute> options;

  template <class T>
  void operator()(const char* name, T& field, const char*, const Limits& = {}) const {
    const tempo_attribute* const o = given(options, name);
    if (!o) return;
    if constexpr (std::is_same_v<T, bool>)
      field = o->integer != 0;
    else if constexpr (std::is_integral_v<T>)
      field = in_range<T>(o->name, o->integer);
    else if constexpr (std::is_floating_point_v<T>)
      field =
          static_cast<T>(o->kind == TEMPO_INT64_VALUE ? static_cast<double>(o->integer) : o->real);
    else if constexpr (std::is_same_v<T, DType>)
      field = static_cast<DType>(o->integer);
    else if constexpr (std::is_same_v<T, Layer>)
      field = Layer::borrowed(o->layer);
    else if constexpr (std::is_same_v<T, Shape>)
      field = o->kind == TEMPO_INT64_VALUE ? Shape{o->integer} : Shape(o->list, o->list + o->count);
    else
      field = T(std::string(o->text));
  }

 private:
  template <class T>
  static T in_range(const char* name, int64_t value) {
    constexpr T low = std::numeric_limits<T>::lowest(), high = std::numeric_limits<T>::max();
    const bool below = std::is_unsigned_v<T> ? value < 0 : value < static_cast<int64_t>(low);
    const bool above = value > 0 && static_cast<uint64_t>(value) > static_cast<uint64_t>(high);
    if (below || above)
      throw Error(std::string("option `") + name + "` is " + std::to_string(value) +
                  "; it must be within [" + std::to_string(low) + ", " + std::to_string(high) +
                  "].");
    return static_cast<T>(value);
  }
};

/// The options of a struct on their way over the boundary.
struct OptionWriter {
  OptionList list;

  template <class T>
  void operator()(const char* name, T& field, const char*, const Limits& = {}) {
    if constexpr (std::is_integral_v<T> || std::is_same_v<T, DType>)
      list.add(name, static_cast<int64_t>(field));
    else if constexpr (std::is_floating_point_v<T>)
      list.add(name, static_cast<double>(field));
    else if constexpr (std::is_same_v<T, Layer>)
      list.add(name, field);
    else if constexpr (std::is_same_v<T, Shape>)
      list.add(name, std::vector<int64_t>(field.begin(), field.end()));
    else
      list.add(name, OptionTable::text_of(field));
  }
  const tempo_attribute* data() const { return list.all().data(); }
  uint32_t size() const { return static_cast<uint32_t>(list.all().size()); }
};

/// The options that every layer has, whether its own options mention them or not.
struct CommonOptions {
  Regularizer activity_regularizer;
  bool trainable = true;
  DType dtype = DType::automatic;
  std::string name;
};
void describe(auto&, CommonOptions&) {}  // visit_options has their sentences

/// "cell" or "layer", for messages: one of each may have the same name.
inline const char* kind_of(const tempo_layer_type& type) {
  return type.kind == TEMPO_CELL ? "cell" : "layer";
}

/// The description of an option, among the type's own or those that every layer has; null if there
/// is none. A cell has no activity_regularizer, because its output is not a layer's.
inline const tempo_option* described(const tempo_layer_type& type, std::string_view name) {
  static const OptionTable& common = []() -> const OptionTable& {
    auto& made = *new OptionTable;  // for the life of the process
    CommonOptions options;
    visit_options(made, options);
    return made;
  }();
  for (const tempo_option& o : Strided(type.options, type.n_options))
    if (name == o.name) return &o;
  if (type.kind == TEMPO_CELL && name == "activity_regularizer") return nullptr;
  for (const tempo_option& o : common.options)
    if (name == o.name) return &o;
  return nullptr;
}

}  // namespace sdk

/// Makes the layer or cell of this name from an option struct, as the factories LSTM({...}) and
/// Dense({...}) do.
template <class Options>
Layer make_layer(const char* name, Options options, uint32_t kind = TEMPO_LAYER) {
  sdk::OptionWriter writer;
  sdk::visit_options(writer, options);
  tempo_layer* out = nullptr;
  sdk::check(sdk::host().make_layer(kind, name, writer.data(), writer.size(), &out));
  return Layer(out);
}

}  // namespace tempo
