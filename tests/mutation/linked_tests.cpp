// SPDX-License-Identifier: Apache-2.0
// The cases of the test programs whose objects are linked into this one, each as a part.
#include <filesystem>

#include <boost/test/results_collector.hpp>
#include <boost/test/tree/traverse.hpp>
#include <boost/test/tree/visitor.hpp>
#include <boost/test/unit_test.hpp>
#include <boost/test/unit_test_log.hpp>

#include "mutation/suites.hpp"

namespace tempo::mutation {

namespace {

namespace boost_test = boost::unit_test;

// Two files may have cases of one name.
struct NamedByFile : boost_test::test_tree_visitor {
  bool visit(const boost_test::test_unit& unit) override {
    if (unit.p_type != boost_test::TUT_CASE) return true;
    const std::string path(unit.p_file_name.begin(), unit.p_file_name.end());
    auto& mine = const_cast<boost_test::test_unit&>(unit);
    mine.p_name.value = std::filesystem::path(path).stem().string() + ": " + unit.p_name.get();
    ids.push_back(unit.p_id);
    return true;
  }
  std::vector<boost_test::test_unit_id> ids;
};

bool passes(boost_test::test_unit_id id) {
  boost_test::unit_test_log.set_threshold_level(boost_test::log_nothing);
  boost_test::framework::run(id);
  return boost_test::results_collector.results(id).passed();
}

}  // namespace

// Those with the label "long" are left out.
std::vector<Part> linked_tests() {
  std::string program = "mutation", signals = "--catch_system_errors=no",
              quiet = "--report_level=no";
  char* words[] = {program.data(), signals.data(), quiet.data(), nullptr};
  NamedByFile cases;
  boost_test::traverse_test_tree(boost_test::framework::master_test_suite(), cases, true);
  boost_test::framework::init([] { return true; }, 3, words);
  boost_test::framework::finalize_setup_phase();
  std::vector<Part> parts;
  for (const boost_test::test_unit_id id : cases.ids) {
    const auto& unit = boost_test::framework::get<boost_test::test_case>(id);
    if (!unit.has_label("long"))
      parts.push_back({unit.p_name.get(), [id] { return passes(id); }, true});
  }
  return parts;
}

}  // namespace tempo::mutation
