// SPDX-License-Identifier: Apache-2.0
// Functions that plugins register by name: found by a text, bound to their arguments, and called.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include <tempo/activation.hpp>
#include <tempo/option_list.hpp>

#include "graph/value.hpp"

/// A function bound to its arguments, for the life of the process.
struct tempo_function {
  uint32_t kind = 0;
  const tempo_function_type* type = nullptr;  // null: the activation is Tempo's own
  std::string name;                           // such as "my_plugin.swoosh", also in errors
  tempo::sdk::OptionList options = {};
  std::optional<tempo::Activation> own = {};
};

namespace tempo {

/// The whole name of a plugin's function of this kind; "" if no plugin has it.
std::string whole_function_name(uint32_t kind, const std::string& name);

/// The text given for an option, which is found by its name or its number in the description.
using Argument = std::function<std::optional<std::string>(const char* key, std::size_t number)>;
/// The function of this whole name with all its options, given ones and defaults. Throws Error,
/// which begins with `who`, if an option does not match its description.
std::unique_ptr<const tempo_function> bound_function(uint32_t kind, const std::string& name,
                                                     const std::string& who,
                                                     const Argument& argument);
/// From "name(value, key=value)"; null if no plugin has it. Skips the keys that are in `besides`.
std::unique_ptr<const tempo_function> bound_function(uint32_t kind, const std::string& text,
                                                     const std::vector<std::string>& besides = {});
/// The options as a text, "beta=2, ..."; "" if there are none.
std::string options_text(const tempo_function& function);

/// The function of this text, for the life of the process; the Error for an unknown one lists all.
const tempo_function& lasting_function(uint32_t kind, const std::string& text);

Tensors call_function(const tempo_function& function, const Tensors& inputs, std::size_t n_results,
                      const TensorType* type = nullptr);

}  // namespace tempo
