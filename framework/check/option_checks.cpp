// SPDX-License-Identifier: Apache-2.0
// Further checks of options: at their limits, at random, by name.
#include <algorithm>
#include <cmath>
#include <optional>
#include <random>

#include <tempo/names.hpp>
#include <tempo/option.hpp>

#include "check/plugin_check.hpp"
#include "check/subject.hpp"
#include "plugin/debug/host.hpp"
#include "plugin/words.hpp"

namespace tempo::conformance {

namespace {

sdk::Strided<tempo_option> options_of(const Subject& subject) {
  return {subject.type().options, subject.type().n_options};
}
std::string named(const tempo_option& o) { return std::string("option `") + o.name + "`"; }

void make_or_be_refused(const Subject& subject, const Given& given) {
  try {
    (void)subject.make({given});
  } catch (const Error&) {  // which says why not
  }
}

// The host refuses most of these values; the check looks for a crash in the plugin.
void check_limits(const Subject& subject) {
  for (const tempo_option& o : options_of(subject)) {
    if (o.kind == TEMPO_OPTION_INT) {
      for (const double limit : {o.at_least, o.at_most})
        if (std::abs(limit) < 1e15)
          make_or_be_refused(subject, {o.name, static_cast<int64_t>(limit)});
      for (const int64_t value : {INT64_MIN, int64_t{-1}, int64_t{0}, int64_t{1}, INT64_MAX})
        make_or_be_refused(subject, {o.name, value});
    } else if (o.kind == TEMPO_OPTION_REAL) {
      for (const double value : {o.at_least, o.at_most, 1e-300, 1e300, HUGE_VAL, std::nan("")})
        make_or_be_refused(subject, {o.name, value});
    } else if (o.kind == TEMPO_OPTION_SHAPE) {
      for (const std::vector<int64_t>& list :
           std::vector<std::vector<int64_t>>{{}, {0}, {-1, INT64_MAX}, {1, 2, 3, 4, 5, 6, 7, 8}})
        make_or_be_refused(subject, {o.name, list});
    }
  }
}

void check_texts(const Subject& subject) {
  bool any = false;
  for (const tempo_option& o : options_of(subject)) {
    if (o.kind != TEMPO_OPTION_TEXT) continue;
    any = true;
    for (const std::string& text :
         {std::string(), std::string(10000, 'a'), std::string("\xff"), std::string("a\nb%s%n")})
      make_or_be_refused(subject, {o.name, text});
  }
  if (!any) throw Inapplicable("it has no texts");
}

void check_choices(const Subject& subject) {
  bool any = false;
  for (const tempo_option& o : options_of(subject)) {
    if (!o.choices) continue;
    any = true;
    const std::vector<std::string> words = words_of(o.choices);
    for (std::size_t i = 0; i < words.size(); ++i) {
      for (std::size_t k = 0; k < i; ++k)
        require(words[k] != words[i], named(o) + " has the choice `" + words[i] + "` twice");
      try {
        (void)results(subject.make({{o.name, words[i]}}), subject.inputs(default_dtype()));
      } catch (const Error& error) {
        throw Fault(named(o) + " has the choice `" + words[i] +
                    "`, with which it fails: " + error.what());
      }
    }
  }
  if (!any) throw Inapplicable("it has no choices");
}

void check_ranges(const Subject& subject) {
  std::string found;
  const auto add = [&](const std::string& what) { found += (found.empty() ? "" : "; ") + what; };
  for (const tempo_option& o : options_of(subject)) {
    if (o.kind != TEMPO_OPTION_INT && o.kind != TEMPO_OPTION_REAL) continue;
    if (o.at_least == o.at_most)
      add(named(o) + " can only be " + sdk::shortest(o.at_least) + ", so that it is none");
    if (o.kind != TEMPO_OPTION_INT) continue;
    for (const double limit : {o.at_least, o.at_most})
      if (std::isfinite(limit) && limit != std::floor(limit))
        add(named(o) + " is an integer, and its limit " + sdk::shortest(limit) + " is none");
  }
  if (!found.empty()) throw Warning(found);
}

void check_option_names(const Subject& subject) {
  std::vector<std::string> read_by_tempo{"return_state", "go_backwards", "stateful"};
  for (uint32_t i = 0; const char* own = tempo::check_extension().own_option(i); ++i)
    read_by_tempo.emplace_back(own);
  std::string found;
  for (const tempo_option& o : options_of(subject))
    for (const std::string& known : read_by_tempo)
      if (o.name != known && std::string(o.name).size() > 3 &&
          sdk::edit_distance(sdk::in_small_letters(o.name), known) <= 1)
        found += (found.empty() ? "" : "; ") + named(o) + " is a letter away from `" + known +
                 "`, which Tempo reads";
  if (!found.empty()) throw Warning(found);
}

// --- at random

class Draw {
 public:
  explicit Draw(int64_t seed) : engine_(static_cast<uint64_t>(seed)) {}
  std::size_t below(std::size_t n) { return engine_() % n; }
  template <class T>
  T one_of(std::initializer_list<T> all) {
    return all.begin()[below(all.size())];
  }

 private:
  std::mt19937_64 engine_;
};

Given drawn(const tempo_option& o, Draw& draw) {
  switch (o.kind) {
    case TEMPO_OPTION_INT:
      return {o.name, draw.one_of<int64_t>({-1, 0, 1, 2, 3, 5, 16, 63, INT64_C(1) << 31,
                                            INT64_C(1) << 62, INT64_MIN, INT64_MAX})};
    case TEMPO_OPTION_REAL:
      return {o.name, draw.one_of({0.0, 0.5, 1.0, -1.0, 1e-300, 1e300, HUGE_VAL, std::nan(""),
                                   o.at_least, o.at_most})};
    case TEMPO_OPTION_BOOL: return {o.name, draw.below(2) == 1};
    case TEMPO_OPTION_SHAPE: {
      std::vector<int64_t> list(draw.below(4));
      for (int64_t& n : list) n = draw.one_of<int64_t>({-1, 0, 1, 2, 3, INT64_MAX});
      return {o.name, list};
    }
    case TEMPO_OPTION_INITIALIZER:
      return {o.name, draw.one_of<const char*>({"zeros", "ones", "glorot_uniform(seed=2)", "no"})};
    case TEMPO_OPTION_ACTIVATION:
      return {o.name, draw.one_of<const char*>({"tanh", "relu", "softmax", "", "no"})};
    case TEMPO_OPTION_DTYPE: return {o.name, draw.one_of<int64_t>({0, 1, 2, 4, -1, 99})};
    case TEMPO_OPTION_TEXT:
      if (o.choices && draw.below(4) > 0) {
        const std::vector<std::string> words = words_of(o.choices);
        return {o.name, words[draw.below(words.size())]};
      }
      [[fallthrough]];
    default:
      return {o.name, draw.one_of<const char*>({"", "l2(0.1)", "max_norm(1)", "\xff", "%s"})};
  }
}

void check_drawn(const Subject& subject) {
  Draw draw(Seed::of_this_process());
  const NoGradient off;
  const Tensors x = subject.inputs(default_dtype());
  const sdk::Strided<tempo_option> options = options_of(subject);
  if (options.size() == 0) throw Inapplicable("it has no options");
  for (int round = 0; round < 200; ++round) {
    std::vector<Given> given;
    std::string text;
    for (std::size_t n = draw.below(3) + 1; n > 0; --n) {  // of more, one is often refused
      const tempo_option& o = options[draw.below(options.size())];
      const bool again = std::any_of(given.begin(), given.end(),
                                     [&](const Given& before) { return before.name == o.name; });
      if (o.kind == TEMPO_OPTION_LAYER || again) continue;
      given.push_back(drawn(o, draw));
      text += " " + to_string(given.back());
    }
    try {
      (void)results(subject.make(given), x);
    } catch (const Error&) {  // which says why not
    } catch (const std::exception& error) {
      throw Fault("with" + text + " it throws what is no tempo::Error: " + error.what());
    }
  }
}

// --- saved options

void check_extremes(const Subject& subject) {
  bool any = false;
  for (const tempo_option& o : options_of(subject)) {
    std::vector<Given> values;
    if (o.kind == TEMPO_OPTION_REAL)
      for (const double value : {1e-300, 0.1 + 0.2, -HUGE_VAL, HUGE_VAL, o.at_least, o.at_most})
        values.emplace_back(o.name, value);
    for (const Given& given : values) {
      Layer made;
      std::optional<Sequential> model;
      try {
        made = subject.make({given});
        model.emplace(Sequential({made}));
        (void)model->call(subject.inputs(default_dtype()));
      } catch (const Error&) {
        continue;  // it may refuse the value
      }
      any = true;
      const Layer loaded = saved_and_loaded(subject, *model).layers().at(0);
      const auto value = [&](const Layer& layer) {
        const Layer its = subject.is_cell() ? layer.children().at(0) : layer;
        const tempo_layer_view v = its.view();
        const tempo_attribute* const found =
            tempo_attribute_of(v.options, v.n_options, o.name, TEMPO_DOUBLE_VALUE);
        return found ? found->real : std::strtod(o.standard, nullptr);
      };
      require(value(loaded) == value(made), "made with " + to_string(given) +
                                                ", saved and loaded, it has " +
                                                sdk::shortest(value(loaded)));
    }
  }
  if (!any) throw Inapplicable("it has no numbers that can be so small or so large");
}

}  // namespace

void add_option_checks(PluginChecks& all) {
  all.push_back({"options",
                 "it is made with the smallest and largest values of each option, or refuses them",
                 &check_limits});
  all.push_back({"texts", "it is made with any text, or refuses it", &check_texts});
  all.push_back({"choices", "each of its choices works", &check_choices});
  all.push_back({"ranges", "limits are such that something lies within", &check_ranges});
  all.push_back(
      {"option-names", "no option is a slip of one that Tempo reads", &check_option_names});
  all.push_back({"drawn", "made with options that are drawn it works or says why not", &check_drawn,
                 PluginCheck::usual, true});
  all.push_back(
      {"extremes", "very small and very large numbers come back from a file", &check_extremes});
}

}  // namespace tempo::conformance
