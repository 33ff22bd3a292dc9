// SPDX-License-Identifier: Apache-2.0
// Functions that plugins add by name: found by a text, read with their arguments, and called.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include <tempo/activation.hpp>
#include <tempo/option_list.hpp>

#include "graph/value.hpp"

/// A function with its arguments, for the life of the process.
struct tempo_function {
  uint32_t kind = 0;
  const tempo_function_type* type = nullptr;  // null: the activation is Tempo's own
  std::string name;                           // "my_plugin.swoosh", and for errors
  tempo::sdk::OptionList options = {};
  std::optional<tempo::Activation> own = {};
};

namespace tempo {

/// The whole name of a plugin's function of that kind; "": no plugin has one. A text's name.
std::string whole_function_name(uint32_t kind, const std::string& name);

/// What a text says of an option, by its name and its number among the described ones.
using Argument = std::function<std::optional<std::string>(const char* key, std::size_t number)>;
/// The function of that whole name with all its options, as given or their defaults. Throws Error,
/// which begins with `who`, where one is not as it is described.
std::unique_ptr<const tempo_function> bound_function(uint32_t kind, const std::string& name,
                                                     const std::string& who,
                                                     const Argument& argument);
/// The same from "name(value, key=value)"; null: no plugin has it. Keys of `besides` are another's.
std::unique_ptr<const tempo_function> bound_function(uint32_t kind, const std::string& text,
                                                     const std::vector<std::string>& besides = {});
/// "beta=2, ...": its options as a text; "" for none.
std::string options_text(const tempo_function& function);

/// The function of that text, for the life of the process; an Error names those that there are.
const tempo_function& lasting_function(uint32_t kind, const std::string& text);

Tensors call_function(const tempo_function& function, const Tensors& inputs, std::size_t n_results,
                      const TensorType* type = nullptr);

}  // namespace tempo
