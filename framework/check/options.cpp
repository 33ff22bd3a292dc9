// SPDX-License-Identifier: Apache-2.0
// Checks of options: each is set to another value, saved, loaded and compared.
#include <cstdlib>

#include <tempo/option.hpp>

#include "check/checks.hpp"
#include "plugin/words.hpp"

namespace tempo::conformance {

namespace {

// Options that change how a layer computes, not its results.
const std::vector<Except> without_effect = {
    {"recompute", "changes memory and time"},
    {"unroll", "Keras's, accepted"},
    {"implementation", "Keras's, accepted"},
    {"use_cudnn", "Keras's, accepted"},
};

// Options without an effect unless another one is set, if the layer has that.
const std::vector<Together> usual = {
    {"seed", {{"dropout", 0.5}}},
};

double number_of(const std::string& text) { return std::strtod(text.c_str(), nullptr); }

std::vector<int64_t> list_of(const std::string& text) {  // "[2, 3]", or one number
  std::vector<int64_t> list;
  const char* at = text.c_str() + (text.starts_with('[') ? 1 : 0);
  while (*at && *at != ']') {
    char* end = nullptr;
    list.push_back(std::strtoll(at, &end, 10));
    if (end == at) return {};  // no number
    at = *end == ',' ? end + 1 : end;
  }
  return list;
}

double within(const tempo_option& o, double value) {
  return std::min(std::max(value, o.at_least), o.at_most);
}

// Values other than the default.
std::vector<Given> others(const Subject& subject, const tempo_option& o) {
  std::vector<Given> all;
  for (const Given& given : subject.row().values)
    if (given.name == o.name) all.push_back(given);
  if (!all.empty()) return all;
  const std::string standard = subject.standard(o), name = o.name;
  switch (o.kind) {
    case TEMPO_OPTION_INT: {
      const auto now = static_cast<int64_t>(number_of(standard));
      const auto next = static_cast<int64_t>(within(o, static_cast<double>(now + 1)));
      return {{o.name, next != now ? next : now - 1}};
    }
    case TEMPO_OPTION_REAL: {
      const double now = number_of(standard), next = within(o, now + 0.25);
      return {{o.name, next != now ? next : within(o, now - 0.25)}};
    }
    case TEMPO_OPTION_BOOL: return {{o.name, standard != "true"}};
    case TEMPO_OPTION_INITIALIZER:
      return {{o.name, "random_uniform(minval=-0.3, maxval=0.4, seed=8)"}};
    case TEMPO_OPTION_ACTIVATION: return {{o.name, standard == "softsign" ? "tanh" : "softsign"}};
    case TEMPO_OPTION_DTYPE: return {{o.name, static_cast<int64_t>(float64)}};
    case TEMPO_OPTION_SHAPE: {
      std::vector<int64_t> next = list_of(standard);
      for (int64_t& extent : next) ++extent;
      if (!next.empty()) return {{o.name, next}};
      break;
    }
    case TEMPO_OPTION_TEXT:
      if (o.choices) {
        for (const std::string& word : words_of(o.choices))
          if (word != standard) all.emplace_back(o.name, word);
        return all;
      }
      break;
    default: break;
  }
  if (name == "name") return {{o.name, "another"}};
  if (name.ends_with("_regularizer")) return {{o.name, "l2(0.03)"}};
  if (name.ends_with("_constraint")) return {{o.name, "non_neg"}};
  throw NeedsRow("add a value to try for option `" + name + "` to .values of its row, in " +
                     "tests/conformance/rows.cpp",
                 "");
}

// The option set to its default, as the description states it.
std::optional<Given> as_described(const tempo_option& o) {
  const std::string standard = o.standard;
  switch (o.kind) {
    case TEMPO_OPTION_INT: return Given(o.name, static_cast<int64_t>(number_of(standard)));
    case TEMPO_OPTION_REAL: return Given(o.name, number_of(standard));
    case TEMPO_OPTION_BOOL: return Given(o.name, standard == "true");
    case TEMPO_OPTION_SHAPE: return Given(o.name, list_of(standard));
    case TEMPO_OPTION_DTYPE: return Given(o.name, static_cast<int64_t>(DType::automatic));
    case TEMPO_OPTION_LAYER: return {};
    default: return Given(o.name, standard);
  }
}

// The options that are set beside the one under test.
std::vector<Given> beside(const Subject& subject, const std::string& option) {
  std::vector<Given> all;
  if (!subject.is_cell() && subject.describes("return_sequences"))
    all.emplace_back("return_sequences", true);
  for (const Together& together : usual)
    if (together.option == option)
      for (const Given& given : together.with)
        if (subject.describes(given.name)) all.push_back(given);
  for (const Together& together : subject.row().together)
    if (together.option == option)
      all.insert(all.end(), together.with.begin(), together.with.end());
  std::erase_if(all, [&](const Given& given) { return given.name == option; });
  return all;
}

std::vector<Given> with(std::vector<Given> all, const Given& more) {
  std::erase_if(all, [&](const Given& given) { return given.name == more.name; });
  all.push_back(more);
  return all;
}

// A model of the layer that has been called in training, like one that is saved during training.
Sequential in_use(const Subject& subject, const std::vector<Given>& options) {
  set_seed(7);
  Sequential model({subject.make(options)});
  DType dtype = default_dtype();
  for (const Given& given : options)
    if (given.name == "dtype") dtype = static_cast<DType>(std::get<int64_t>(given.value));
  const Tensors x = subject.inputs(dtype);
  (void)model.call(x, {.training = true});
  model.reset_state();
  return model;
}

void require_saved(const Subject& subject, const Sequential& model, const std::string& what) {
  const Sequential loaded = saved_and_loaded(subject, model);
  const std::string difference = subject.seen(model).difference(subject.seen(loaded));
  require(difference.empty(),
          "made with " + what + ", saved and loaded, it has another " + difference);
}

}  // namespace

void check_saved(const Subject& subject) {
  require_saved(subject, in_use(subject, {}), "its defaults");
  for (const tempo_option& o : std::span(subject.type().options, subject.type().n_options))
    for (const Given& other : others(subject, o))
      require_saved(subject, in_use(subject, with(beside(subject, o.name), other)),
                    to_string(other));
}

void check_defaults(const Subject& subject) {
  std::vector<Given> all;
  for (const tempo_option& o : std::span(subject.type().options, subject.type().n_options)) {
    const auto& given = subject.row().options;
    const bool needed =
        std::any_of(given.begin(), given.end(), [&](const Given& g) { return g.name == o.name; });
    if (const auto described = as_described(o); described && !needed) all.push_back(*described);
  }
  if (all.empty()) throw Inapplicable("it has no options with defaults");
  const Seen expected = subject.seen(in_use(subject, {}));
  for (const Given& one : all) {
    const std::string difference = expected.difference(subject.seen(in_use(subject, {one})));
    require(difference.empty(),
            "given " + to_string(one) + ", its described default, it has another " + difference);
  }
}

void check_effects(const Subject& subject) {
  if (subject.type().n_options == 0) throw Inapplicable("it has no options");
  for (const tempo_option& o : std::span(subject.type().options, subject.type().n_options)) {
    const bool none = std::any_of(without_effect.begin(), without_effect.end(),
                                  [&](const Except& except) { return except.check == o.name; });
    if (none) continue;
    const std::vector<Given> base = beside(subject, o.name);
    const Seen before = subject.seen(in_use(subject, base));
    for (const Given& other : others(subject, o))
      require(!before.difference(subject.seen(in_use(subject, with(base, other)))).empty(),
              to_string(other) + " changes nothing that can be seen");
  }
}

}  // namespace tempo::conformance
