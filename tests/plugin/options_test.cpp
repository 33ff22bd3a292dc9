// SPDX-License-Identifier: Apache-2.0
// Lists of options: copies, and lookups of given and described options.
#define BOOST_TEST_MODULE options
#include <array>

#include <tempo/layers.hpp>
#include <tempo/option.hpp>
#include <tempo/plugin.hpp>

#include "testing.hpp"

using namespace tempo;
using namespace tempo::testing;

BOOST_AUTO_TEST_CASE(a_list_owns_what_its_options_point_to) {
  std::string name = "text", text = "before";
  std::vector<int64_t> numbers{1, 2};
  const auto list = std::make_unique<sdk::OptionList>();
  {
    const Layer inner = Dense({.units = 3, .name = "inner"});
    list->add(name, text);
    list->add("list", numbers);
    list->add("layer", inner);
    list->add("none", Layer());
    list->add("integer", int64_t{7});
    list->add("real", 0.5);
  }
  const sdk::OptionList copy(list->all());
  name = text = "later";
  numbers = {3, 4};
  for (const sdk::OptionList* all : std::to_array<const sdk::OptionList*>({list.get(), &copy})) {
    BOOST_TEST(all->find("text")->text == std::string("before"));
    BOOST_TEST(all->find("list")->count == 2u);
    BOOST_TEST(all->find("list")->list[1] == 2);
    BOOST_TEST(Layer::borrowed(all->find("layer")->layer).name() == "inner");
    BOOST_TEST(!all->find("none")->layer);
    BOOST_TEST(all->find("none")->kind == uint32_t{TEMPO_LAYER_VALUE});
    BOOST_TEST(all->find("integer")->integer == 7);
    BOOST_TEST(all->find("real")->real == 0.5);
    BOOST_TEST(!all->find("tex"));
    BOOST_TEST(all->all().size() == 6u);
  }
  const auto address = [](const sdk::OptionList& l) -> const void* { return l.find("text")->text; };
  BOOST_TEST(address(copy) != address(*list));  // each has its own texts
}

BOOST_AUTO_TEST_CASE(an_option_of_a_layer_is_found_by_name) {
  const Layer dense = Dense({.units = 3, .trainable = false});
  BOOST_TEST(sdk::given(dense, "units")->integer == 3);
  BOOST_TEST(sdk::given(dense, "trainable")->integer == 0);
  BOOST_TEST(!sdk::given(dense, "unit"));
}

namespace {

struct NeedyOptions {
  int units = 0;
  double rate = 0.5;
};
void describe(auto& option, NeedyOptions& o) {
  option("units", o.units, "Size of the state.", at_least(1));
  option("rate", o.rate, "What share is taken in.", between(0, 1));
}
struct NeedyCell : Cell<NeedyOptions> {
  using Cell::Cell;
  Step step(const Tensor&, const State& s) const { return {.output = s[0], .state = {s[0]}}; }
};

}  // namespace

BOOST_AUTO_TEST_CASE(an_option_whose_default_is_out_of_its_limits_must_be_given) {
  const tempo_layer_type* const type = cell<NeedyCell>("Needy").type;
  const auto make = [&](std::initializer_list<sdk::Attribute> options) {
    tempo_layer* out = nullptr;
    sdk::check(sdk::host().make_layer_of(type,
                                         reinterpret_cast<const tempo_attribute*>(options.begin()),
                                         static_cast<uint32_t>(options.size()), &out));
    return Layer(out);
  };
  BOOST_TEST(error_of([&] { make({}); }) ==
             "Needy: option `units` is not given, and has no default; it must be at least 1.");
  BOOST_TEST(error_of([&] {
               make({{"rate", 0.25}});
             }) ==
             "Needy: option `units` is not given, and has no default; it must be at least 1.");
  BOOST_TEST(make({{"units", 3}}).is_cell());
}

namespace {

struct NumberOptions {
  double none = 0, tiny = 1e-7, least = 5e-324, below = -2.5e-9, tenth = 0.1, long_one = 0.1 + 0.2,
         whole = 100000, large = 1e20;
  int64_t count = 1000000;
};
void describe(auto& option, NumberOptions& o) {
  option("none", o.none, "0.");
  option("tiny", o.tiny, "An epsilon.");
  option("least", o.least, "The least number.");
  option("below", o.below, "Below 0.");
  option("tenth", o.tenth, "No double is it.");
  option("long_one", o.long_one, "All digits.");
  option("whole", o.whole, "A whole number.");
  option("large", o.large, "One with an exponent.");
  option("count", o.count, "An integer.");
}
struct NumberLayer : LayerOf<NumberOptions> {
  using LayerOf::LayerOf;
  Tensor call(const Tensor& x, const CallOptions&) const { return x; }
};

}  // namespace

BOOST_AUTO_TEST_CASE(the_default_of_a_number_is_written_as_it_reads_back) {
  const tempo_layer_type& type = *layer<NumberLayer>("Number").type;
  const NumberOptions o;
  const struct {
    const char *name, *text;
    double value;
  } cases[] = {
      {"none", "0", o.none},         {"tiny", "1e-07", o.tiny},
      {"least", "5e-324", o.least},  {"below", "-2.5e-09", o.below},
      {"tenth", "0.1", o.tenth},     {"long_one", "0.30000000000000004", o.long_one},
      {"whole", "100000", o.whole},  {"large", "1e+20", o.large},
      {"count", "1000000", 1000000},
  };
  for (const auto& c : cases) BOOST_TEST_CONTEXT(c.name) {
      const tempo_option* const its = sdk::described(type, c.name);
      BOOST_REQUIRE(its);
      BOOST_TEST(its->standard == std::string(c.text));
      BOOST_TEST(std::strtod(its->standard, nullptr) == c.value);
    }
}

BOOST_AUTO_TEST_CASE(an_option_that_is_a_number_comes_as_one_also_where_an_integer_is_given) {
  static double seen = -1;
  tempo_layer_type type = *cell<NeedyCell>("Needy").type;
  type.create = [](void*, tempo_layer*, const tempo_creation* c, void** instance) {
    const tempo_attribute* const rate =
        tempo_attribute_of(c->options, c->n_options, "rate", TEMPO_DOUBLE_VALUE);
    seen = rate ? rate->real : -1;
    *instance = &seen;
    return tempo_status{TEMPO_OK};
  };
  type.destroy = [](void*, void*) { return tempo_status{TEMPO_OK}; };
  const auto given = [&](const sdk::Attribute& rate) {
    sdk::OptionList options;
    options.add("units", int64_t{3});
    options.add(rate.abi());
    sdk::make_layer(type, options);
    return seen;
  };
  BOOST_TEST(given({"rate", 1}) == 1);
  BOOST_TEST(given({"rate", 0.25}) == 0.25);
  BOOST_TEST(error_of([&] {
               given({"rate", 2});
             }) == "Needy: option `rate` is 2; it must be within [0, 1].");
}

BOOST_AUTO_TEST_CASE(what_every_layer_has_is_described_for_each) {
  tempo_layer_type bare{};  // a type that describes no options
  const tempo_layer_type& lstm = *LSTM({.units = 1}).view().type;
  struct Case {
    const char* name;
    int of_lstm, of_bare;  // -1: not described
  };
  const Case cases[] = {
      {"units", TEMPO_OPTION_INT, -1},
      {"activation", TEMPO_OPTION_ACTIVATION, -1},
      {"trainable", TEMPO_OPTION_BOOL, TEMPO_OPTION_BOOL},
      {"dtype", TEMPO_OPTION_DTYPE, TEMPO_OPTION_DTYPE},
      {"name", TEMPO_OPTION_TEXT, TEMPO_OPTION_TEXT},
      {"unit", -1, -1},
      {"", -1, -1},
  };
  const auto kind = [](const tempo_option* o) { return o ? static_cast<int>(o->kind) : -1; };
  for (const Case& c : cases) BOOST_TEST_CONTEXT(c.name) {
      BOOST_TEST(kind(sdk::described(lstm, c.name)) == c.of_lstm);
      BOOST_TEST(kind(sdk::described(bare, c.name)) == c.of_bare);
    }
  const auto own = std::span(lstm.options, lstm.n_options);
  BOOST_TEST(sdk::described(lstm, "units") >= own.data());
  BOOST_TEST(sdk::described(lstm, "units") < own.data() + own.size());
}
