// SPDX-License-Identifier: Apache-2.0
// The suite finds each fault of a plugin made of faults by the check that is meant for it, and
// nothing in a layer without faults; and what the suite prints.
#define BOOST_TEST_MODULE conformance
#include "check/conformance.hpp"

#include <algorithm>
#include <sstream>

#include <boost/test/unit_test.hpp>

using namespace tempo;
using namespace tempo::conformance;

namespace {

std::vector<PluginContents> plugin(const std::string& name) {
  load_plugin(TEMPO_TEST_PLUGINS "/" + name + ".so");
  std::vector<PluginContents> found;
  for (const PluginContents& each : all_plugins().plugins)
    if (each.name == name) found.push_back(each);
  return found;
}

const Report& faults() {
  static const Report report = check(plugin("faulty"), {});
  return report;
}

std::string failed(const Line& line) {
  std::string names;
  for (std::size_t i = 0; i < line.outcomes.size(); ++i)
    if (line.outcomes[i].kind == Outcome::failed) names += check_names()[i] + " ";
  return names;
}

// A layer with its fault, the check for which the fault is planted, and all checks that it fails.
struct Planted {
  const char* layer;
  const char* by;
  const char* fails;
};
const Planted planted[] = {
    {"SoundDense", "", ""},
    {"NeedsRow", "made", "made "},
    {"NeedsValue", "saved", "saved effect "},
    {"FixedBatch", "batch", "batch saved rows "},
    {"FixedTime", "time", "time "},
    {"GivesFloat32", "dtype", "dtype float32 grad1 grad2 trains stream "},
    {"WrongInFloat64", "float32", "float32 "},
    {"ThroughFloat32", "float32", "float32 "},
    {"WrongGradient", "grad1", "grad1 "},
    {"WrongSecondGradient", "grad2", "grad2 "},
    {"CountsPadding", "mask", "mask nan "},
    {"ReadsPadding", "mask", "mask nan "},
    {"SpreadsNaN", "nan", "nan "},
    {"LosesTheMask", "passes", "passes "},
    {"HiddenSetting", "saved", "float32 saved seed threads "},
    {"RefusesDefault", "default", "default "},
    {"IgnoresOption", "effect", "effect "},
    {"HalfTrained", "trains", "grad1 trains "},
    {"KeepsState", "calls", "grad1 grad2 mask nan trains calls modes rows "},
    {"MarkedByTraining", "calls", "saved calls "},
    {"OtherInTraining", "modes", "modes "},
    {"OwnRandomNumbers", "seed", "seed threads "},
    {"ThreadsMatter", "threads", "threads "},
    {"MixesTheBatch", "rows", "mask nan rows "},
    {"LooksBack", "stream", "mask nan stream "},
    {"Deaf cell", "trains", "grad1 trains "},
};

}  // namespace

BOOST_AUTO_TEST_CASE(each_planted_fault_is_found) {
  BOOST_TEST(faults().lines.size() == std::size(planted));
  for (const Line& line : faults().lines) {
    const auto its = std::find_if(std::begin(planted), std::end(planted),
                                  [&](const Planted& p) { return line.layer == p.layer; });
    BOOST_TEST_CONTEXT(line.layer) {
      BOOST_REQUIRE((its != std::end(planted)));
      BOOST_TEST((failed(line) + " ").find(its->by + std::string(" ")) != std::string::npos);
      BOOST_TEST(failed(line) == its->fails);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_layer_that_is_not_made_is_told_where_its_row_goes) {
  BOOST_TEST(faults().at("NeedsRow", "made").text ==
             "add a row for NeedsRow in tests/conformance/rows.cpp; by default it cannot be made: "
             "NeedsRow: size is not set.");
  const Report with_row =
      check(plugin("faulty"), {{.layer = "NeedsRow", .options = {{"size", 0}}}});
  BOOST_TEST(with_row.at("NeedsRow", "made").text ==
             "its row in tests/conformance/rows.cpp does not make it: NeedsRow: size is not set.");
  BOOST_TEST(faults().at("NeedsValue", "saved").text ==
             "add a value to try for option `pattern` to .values of its row, in "
             "tests/conformance/rows.cpp");
}

BOOST_AUTO_TEST_CASE(a_row_makes_a_layer_gives_values_and_says_what_does_not_apply) {
  const Report report =
      check(plugin("faulty"),
            {{.layer = "NeedsRow", .options = {{"size", 2}}, .except = {{"effect", "it has none"}}},
             {.layer = "NeedsValue", .values = {{"pattern", "-"}}},
             {.layer = "SoundDense", .form = "wide", .options = {{"units", 9}}},
             {.layer = "SoundDense", .form = "narrow", .except = {{"mask", "planted"}}},
             {.layer = "LosesTheMask", .except = {{"no_check", "planted"}}}});
  BOOST_TEST(report.at("NeedsRow", "made").text == "");
  BOOST_TEST((report.at("NeedsRow", "effect").kind == Outcome::excepted));
  BOOST_TEST(report.at("NeedsRow", "effect").text == "it has none");
  BOOST_TEST((report.at("NeedsValue", "saved").kind == Outcome::passed));
  BOOST_TEST((report.at("NeedsValue", "effect").kind == Outcome::passed));
  BOOST_TEST((report.at("SoundDense, wide", "saved").kind == Outcome::passed));
  BOOST_TEST(report.at("SoundDense, narrow", "mask").text ==
             "the row excepts it, and it does not fail; take the exception out of "
             "tests/conformance/rows.cpp");
  BOOST_TEST(report.at("LosesTheMask", "made").text ==
             "its row excepts `no_check`, and there is no such check");
}

BOOST_AUTO_TEST_CASE(the_table_has_a_line_for_each_layer_and_says_why_and_what_failed) {
  Report report;
  const std::size_t n = check_names().size();
  report.lines.push_back({"Right", std::vector<Outcome>(n)});
  report.lines.push_back({"Wrong one", std::vector<Outcome>(n)});
  report.lines[0].outcomes[1] = {Outcome::excepted, "a reason"};
  report.lines[1].outcomes[2] = {Outcome::failed, "a fault"};
  report.lines[1].outcomes[3] = {Outcome::failed, "a fault"};
  std::ostringstream text;
  text << report;
  const std::string table = text.str();
  const auto has = [&](const std::string& part) {
    BOOST_TEST((table.find(part) != table.npos), "not there: " << part << "\nin\n" << table);
  };
  has("layer      made    batch   time    dtype   float32");
  has("\nRight      ok      -       ok ");
  has("\nWrong one  ok      ok      FAILED  FAILED  ok ");
  has("\nDoes not apply, and why\n  Right | batch: a reason\n");
  has("\nFAILED\n  Wrong one | time, dtype: a fault\n");
  has("\n2 layers and cells, " + std::to_string(n) + " checks, 2 failed\n");
}
