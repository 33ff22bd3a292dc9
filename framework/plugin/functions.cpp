// SPDX-License-Identifier: Apache-2.0
// Reads the arguments of plugin functions, and calls them.
#include "plugin/functions.hpp"

#include <charconv>
#include <map>

#include <tempo/names.hpp>
#include <tempo/number.hpp>
#include <tempo/option.hpp>

#include "graph/callback.hpp"
#include "ops/call_text.hpp"
#include "ops/defaults.hpp"
#include "ops/initializers.hpp"
#include "plugin/registry.hpp"
#include "tensor/process_lock.hpp"

namespace tempo {

namespace {

template <class T>
std::optional<T> parsed(const std::string& text) {
  T number{};
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc{} || stop != end) return std::nullopt;
  return number;
}

void add_option(const std::string& who, const tempo_option& option, const std::string& text,
                sdk::OptionList& to) {
  const auto refuse = [&](const std::string& what) {
    throw Error(who + ": `" + option.name + "` is `" + text + "`; it must be " + what + ".");
  };
  const auto require_within = [&](double value) {
    if (!(value >= option.at_least && value <= option.at_most))
      refuse("within [" + sdk::shortest(option.at_least) + ", " + sdk::shortest(option.at_most) +
             "]");
  };
  switch (option.kind) {
    case TEMPO_OPTION_INT: {
      const auto number = parsed<int64_t>(text);
      if (!number) refuse("an integer");
      require_within(static_cast<double>(*number));
      return to.add(option.name, *number);
    }
    case TEMPO_OPTION_REAL: {
      const auto number = parsed<double>(text);
      if (!number) refuse("a number");
      require_within(*number);
      return to.add(option.name, *number);
    }
    case TEMPO_OPTION_BOOL: {
      const bool yes = text == "true" || text == "True";
      if (!yes && text != "false" && text != "False") refuse("true or false");
      return to.add(option.name, int64_t{yes});
    }
    default:
      if (option.choices && !sdk::among(option.choices, text.c_str()))
        refuse(std::string("one of ") + option.choices);
      to.add(option.name, text);
  }
}

Callee callee(const tempo_function& f) {
  return {"call", std::string(name_of_kind(f.kind)) + " " + f.name, {f.type->name, f.name}};
}

Tensors own_value(const tempo_function& f, const Tensors& inputs, std::size_t n_results) {
  if (inputs.size() != 1 || n_results != 1)
    throw Error("call_function: an activation has one input and one result.");
  return {(*f.own)(inputs[0])};
}

}  // namespace

std::string whole_function_name(uint32_t kind, const std::string& name) {
  const tempo_function_type* const type = find_function_type(kind, name);
  if (!type) return "";
  for (const tempo_registry& p : loaded_plugins())
    for (const tempo_registry::Function& f : p.functions)
      if (f.type == type) return p.plugin + "." + type->name;
  return "";
}

std::unique_ptr<const tempo_function> bound_function(uint32_t kind, const std::string& name,
                                                     const std::string& who,
                                                     const Argument& argument) {
  auto made = std::make_unique<tempo_function>();
  made->kind = kind;
  made->type = find_function_type(kind, name);
  made->name = name;
  for (uint32_t i = 0; i < made->type->n_options; ++i) {
    const tempo_option& option = *tempo_option_at(made->type->options, i);
    add_option(who, option, argument(option.name, i).value_or(option.standard), made->options);
  }
  return made;
}

std::unique_ptr<const tempo_function> bound_function(uint32_t kind, const std::string& text,
                                                     const std::vector<std::string>& besides) {
  const CallText call(name_of_kind(kind), text);
  const std::string name = whole_function_name(kind, call.spelled);
  if (name.empty()) return nullptr;
  const tempo_function_type& type = *find_function_type(kind, name);
  std::vector<std::string> keys;
  for (uint32_t i = 0; i < type.n_options; ++i)
    keys.push_back(tempo_option_at(type.options, i)->name);
  std::vector<std::string> known = keys;
  known.insert(known.end(), besides.begin(), besides.end());
  for (std::size_t i = 0; i < call.arguments.size(); ++i) {
    const std::string& key = call.arguments[i].first;
    if (key.empty() && i >= keys.size()) call.fail("it has too many arguments");
    if (!key.empty() && std::find(known.begin(), known.end(), key) == known.end())
      call.fail("it has no option `" + key + "`" + sdk::did_you_mean(key, known) +
                (known.empty() ? "" : " It has " + sdk::listed(known)));
    if (key.empty() && call.find(keys[i])) call.fail("`" + keys[i] + "` is given twice");
  }
  return bound_function(
      kind, name, std::string(name_of_kind(kind)) + " `" + text + "`",
      [&](const char* key, std::size_t number) -> std::optional<std::string> {
        if (number < call.arguments.size() && call.arguments[number].first.empty())
          return call.arguments[number].second;
        const std::string* const given = call.find(key);
        return given ? std::optional(*given) : std::nullopt;
      });
}

std::string options_text(const tempo_function& function) {
  std::string out;
  for (const tempo_attribute& o : function.options.all()) {
    const tempo_option* described = nullptr;
    for (uint32_t i = 0; i < function.type->n_options; ++i)
      if (const tempo_option* its = tempo_option_at(function.type->options, i);
          std::string_view(its->name) == o.name)
        described = its;
    const bool is_bool = described && described->kind == TEMPO_OPTION_BOOL;
    out += std::string(out.empty() ? "" : ", ") + o.name + "=" +
           (is_bool                        ? (o.integer ? "true" : "false")
            : o.kind == TEMPO_INT64_VALUE  ? std::to_string(o.integer)
            : o.kind == TEMPO_DOUBLE_VALUE ? sdk::shortest(o.real)
                                           : std::string(o.text));
  }
  return out;
}

const tempo_function& lasting_function(uint32_t kind, const std::string& text) {
  static auto& all =
      *new std::map<std::pair<uint32_t, std::string>, std::unique_ptr<const tempo_function>>;
  {
    const ProcessLock lock(ProcessLock::registry);
    if (const auto at = all.find({kind, text}); at != all.end()) return *at->second;
  }
  std::unique_ptr<const tempo_function> made;
  if (kind == TEMPO_ACTIVATION && sdk::ActivationText::is_known(text)) {
    auto own = std::make_unique<tempo_function>();
    own->kind = kind;
    own->name = text;
    own->own = Activation(text);
    made = std::move(own);
  } else {
    made = bound_function(kind, text);
  }
  if (!made) {
    std::vector<std::string> names = function_names(kind);
    if (kind == TEMPO_ACTIVATION)
      for (const sdk::ActivationFunction& each : sdk::activations) names.push_back(each.name);
    CallText(name_of_kind(kind), text).unknown(names);
  }
  const ProcessLock lock(ProcessLock::registry);
  return *all.try_emplace({kind, text}, std::move(made)).first->second;
}

Tensors call_function(const tempo_function& f, const Tensors& inputs, std::size_t n_results,
                      const TensorType* type) {
  if (f.own) return own_value(f, inputs, n_results);
  const std::vector<tempo_tensor*> in = sdk::handles(inputs);
  std::vector<tempo_tensor*> made(n_results);
  const std::vector<tempo_attribute>& options = f.options.all();
  const tempo_type of_result = type ? sdk::to_abi(type->dtype, type->shape) : tempo_type{};
  const tempo_function_call call{.size = sizeof call,
                                 .n_options = static_cast<uint32_t>(options.size()),
                                 .options = options.data(),
                                 .n_inputs = static_cast<uint32_t>(in.size()),
                                 .n_results = static_cast<uint32_t>(n_results),
                                 .inputs = in.data(),
                                 .type = type ? &of_result : nullptr,
                                 .results = made.data()};
  const tempo_status status = status_of([&] { return f.type->call(f.type->user, &call); });
  Tensors out = sdk::adopt(made);  // also if it failed after all
  if (status != TEMPO_OK) throw_failure(status, callee(f));
  for (std::size_t i = 0; i < out.size(); ++i)
    if (!out[i])
      throw PluginError(std::string(name_of_kind(f.kind)) + " " + f.name + ": it gave no result " +
                        std::to_string(i) + ".");
  if (type && !(out[0].handle()->type == *type))
    throw PluginError("initializer " + f.name + ": it was asked for " + to_string(*type) +
                      " and gave " + to_string(out[0].handle()->type) + ".");
  return out;
}

namespace {

// Initializers of plugins, for names that ops does not know.
OtherInitializer plugins_initializer(const std::string& text) {
  std::shared_ptr<const tempo_function> bound = bound_function(TEMPO_INITIALIZER, text, {"seed"});
  if (!bound) return nullptr;
  const CallText call("initializer", text);
  const std::string* const given = call.find("seed");
  const std::optional<int64_t> seed = given ? parsed<int64_t>(*given) : int64_t{-1};
  if (!seed) call.fail("`seed` is `" + *given + "`, not an integer");
  return [bound, key = *seed](const TensorType& type) {
    return call_function(*bound, {random_key(key)}, 1, &type)[0];
  };
}
std::vector<std::string> plugins_initializers() { return function_names(TEMPO_INITIALIZER); }

[[maybe_unused]] const bool are_known = [] {
  set_other_initializers(&plugins_initializer, &plugins_initializers);
  tell_own_names(TEMPO_INITIALIZER, &initializer_names);
  return tell_own_names(TEMPO_ACTIVATION, [] {
    std::vector<std::string> names;
    for (const sdk::ActivationFunction& each : sdk::activations) names.push_back(each.name);
    return names;
  });
}();

}  // namespace

}  // namespace tempo
