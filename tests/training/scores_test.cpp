// SPDX-License-Identifier: Apache-2.0
// Scores of classes by hand, and of entities against counts by seqeval 1.2 for the same tags.
#define BOOST_TEST_MODULE scores
#include <sstream>

#include <tempo/tempo.hpp>

#include "testing.hpp"

using namespace tempo;
using tempo::testing::check_same;
using tempo::testing::error_of;

namespace {

using Tags = std::vector<std::string>;

// "B-PS I-PS | O": two sequences.
std::vector<Tags> sequences(const std::string& text) {
  std::vector<Tags> out(1);
  std::istringstream in(text);
  for (std::string word; in >> word;)
    if (word == "|")
      out.emplace_back();
    else
      out.back().push_back(word);
  return out;
}

struct Counted {
  const char* type;
  double right, said, there;
};

struct Case {
  const char* what;
  const char *y_true, *y_pred;
  bool strict;
  std::vector<Counted> expected;
};

const char* const mixed_true =
    "O I-DT I-DT O O O B-LC B-DT B-PS | B-LC | I-PS I-DT B-DT B-PS O B-LC I-PS I-PS B-PS O O I-PS "
    "B-PS B-PS | B-PS B-LC I-PS O O O";
const char* const mixed_pred =
    "O O I-DT I-LC O O I-PS B-DT O | B-LC | I-PS I-DT B-DT I-DT O B-LC I-PS I-PS B-DT O O I-PS "
    "B-PS B-PS | I-PS B-LC I-PS B-PS I-LC O";
const char* const long_true =
    "O I-DT I-LC I-DT B-LC I-LC I-LC I-DT I-LC | I-DT | I-DT O I-PS O I-LC I-DT I-PS I-LC I-DT "
    "B-DT O I-DT O I-DT | I-DT B-PS I-DT O I-PS I-DT";
const char* const long_pred =
    "O I-PS I-LC I-DT B-LC I-LC I-LC I-DT I-LC | I-DT | I-DT O I-PS B-LC I-LC I-DT I-PS I-LC I-PS "
    "B-DT O I-DT O I-LC | O B-PS I-DT O I-PS I-DT";

const Case cases[] = {
    {"all right", "B-PS I-PS O", "B-PS I-PS O", false, {{"PS", 1, 1, 1}}},
    {"an end too early", "B-PS I-PS I-PS O", "B-PS I-PS O O", false, {{"PS", 0, 1, 1}}},
    {"a type that is not there", "B-PS O", "B-PS B-LC", false, {{"LC", 0, 1, 0}, {"PS", 1, 1, 1}}},
    {"an entity does not go on into the next sequence",
     "B-PS | I-PS",
     "B-PS | I-PS",
     false,
     {{"PS", 2, 2, 2}}},
    {"nothing there and nothing said", "O O", "O O", false, {}},
    {"drawn BIO tags",
     mixed_true,
     mixed_pred,
     false,
     {{"DT", 2, 5, 4}, {"LC", 3, 5, 4}, {"PS", 7, 9, 10}}},
    {"the same, strictly",
     mixed_true,
     mixed_pred,
     true,
     {{"DT", 1, 3, 2}, {"LC", 3, 3, 4}, {"PS", 2, 3, 6}}},
    {"many I", long_true, long_pred, false, {{"DT", 9, 9, 13}, {"LC", 4, 6, 5}, {"PS", 4, 6, 4}}},
    {"many I, strictly",
     long_true,
     long_pred,
     true,
     {{"DT", 1, 1, 1}, {"LC", 1, 2, 1}, {"PS", 1, 1, 1}}},
    {"drawn BIOES tags",
     "S-LC E-PS S-DT O O B-LC B-PS O S-DT | O | I-LC O S-PS O O O I-PS I-DT O E-PS B-PS S-DT E-PS "
     "I-DT | S-LC O E-DT E-PS B-DT B-LC",
     "S-LC E-PS S-PS O B-PS B-LC B-PS O S-DT | S-PS | E-LC O S-PS O O B-LC S-PS I-DT O E-PS B-PS "
     "S-DT S-LC I-DT | O O E-DT O B-DT B-LC",
     false,
     {{"DT", 6, 6, 7}, {"LC", 4, 6, 5}, {"PS", 6, 9, 8}}},
};

double share(double a, double b) { return b == 0 ? 0 : a / b; }

void check(const ClassScore& s, double right, double said, double there) {
  const double p = share(right, said), r = share(right, there);
  BOOST_TEST(s.precision == p);
  BOOST_TEST(s.recall == r);
  BOOST_TEST(std::abs(s.f1 - share(2 * p * r, p + r)) < 1e-15);
  BOOST_TEST(static_cast<double>(s.support) == there);
}

std::string text_of(const ScoreReport& report) {
  std::ostringstream out;
  out << report;
  return out.str();
}

}  // namespace

BOOST_AUTO_TEST_CASE(entities_are_counted_as_seqeval_counts_them) {
  for (const Case& c : cases) BOOST_TEST_CONTEXT(c.what) {
      const ScoreReport report =
          entity_report(sequences(c.y_true), sequences(c.y_pred), {.strict = c.strict});
      BOOST_TEST_REQUIRE(report.classes.size() == c.expected.size());
      double right = 0, said = 0, there = 0, recalls = 0;
      for (std::size_t i = 0; i < c.expected.size(); ++i) {
        const Counted& e = c.expected[i];
        BOOST_TEST(report.classes[i].name == e.type);
        check(report.classes[i], e.right, e.said, e.there);
        right += e.right, said += e.said, there += e.there, recalls += share(e.right, e.there);
      }
      check(report.micro, right, said, there);
      const double types = static_cast<double>(c.expected.size());
      BOOST_TEST(std::abs(report.macro.recall - share(recalls, types)) < 1e-15);
      // Recalls weighted by support are the share of all entities that were found.
      BOOST_TEST(std::abs(report.weighted.recall - report.micro.recall) < 1e-15);
    }
}

BOOST_AUTO_TEST_CASE(entities_say_where_they_are) {
  const auto found = entities({"O", "B-PS", "I-PS", "B-PS", "I-LC", "O", "S-DT"});
  const std::vector<Entity> expected = {{"PS", 1, 3}, {"PS", 3, 4}, {"LC", 4, 5}, {"DT", 6, 7}};
  BOOST_TEST((found == expected));
  BOOST_TEST((entities({"I", "O", "B"}) == std::vector<Entity>{{"_", 0, 1}, {"_", 2, 3}}));
  BOOST_TEST(entities(Tags{}).empty());
}

BOOST_AUTO_TEST_CASE(entities_are_marked_in_the_text) {
  const Tags tokens = {"박", "씨", "는", " ", "서", "울"},
             tags = sequences("B-PS O O O B-LC I-LC")[0];
  BOOST_TEST(mark_entities(tokens, tags, {.colours = false}) == "[박 PS]씨는 [서울 LC]");
  BOOST_TEST(mark_entities({"in", "New", "York"}, {"O", "B-LC", "I-LC"},
                           {.separator = " ", .colours = false}) == "in [New York LC]");
  const std::string coloured = mark_entities(tokens, tags, {.colours = true});
  BOOST_TEST(coloured.find("\x1b[1;3") != coloured.npos);
  BOOST_TEST(coloured.find("[박 PS]\x1b[0m씨는 ") != coloured.npos);
}

BOOST_AUTO_TEST_CASE(classes_are_counted_by_what_they_were_taken_for) {
  const Tensor y_true = tensor<int32_t>({0, 1, 2, 2, 1, 0, 2}, {7});
  const Tensor y_pred = tensor<int32_t>({0, 2, 2, 2, 1, 1, 0}, {7});
  const std::vector<int64_t> counts = {1, 1, 0, 0, 1, 1, 1, 0, 2};
  check_same("rows are what is true", confusion_matrix(y_true, y_pred), tensor(counts, {3, 3}));
  check_same("as reals, in columns",
             confusion_matrix(reshape(cast(y_true, float32), {7, 1}), cast(y_pred, int64)),
             tensor(counts, {3, 3}));
  check_same("a class that is not there",
             confusion_matrix(tensor<int32_t>({0, 1}, {2}), tensor<bool>({true, true}, {2}),
                              {.num_classes = 3}),
             tensor<int64_t>({0, 1, 0, 0, 1, 0, 0, 0, 0}, {3, 3}));
  const Tensor padded = with_mask(tensor<int32_t>({1, 0, 7, 1}, {2, 2}),
                                  tensor<bool>({true, true, false, true}, {2, 2}));
  check_same("what the mask leaves out may be anything",
             confusion_matrix(tensor<int32_t>({1, 1, -5, 1}, {2, 2}), padded),
             tensor<int64_t>({0, 0, 1, 2}, {2, 2}));

  // Precision 1/2, 1/2, 2/3; recall 1/2, 1/2, 2/3; 4 of 7 are right.
  const ScoreReport report =
      classification_report(y_true, y_pred, {.target_names = {"ham", "스팸", "other"}});
  check(report["ham"], 1, 2, 2);
  check(report["스팸"], 1, 2, 2);
  check(report["other"], 2, 3, 3);
  check(report.micro, 4, 7, 7);
  BOOST_TEST(std::abs(report.macro.precision - (0.5 + 0.5 + 2.0 / 3) / 3) < 1e-15);
  BOOST_TEST(text_of(report) ==
             "              precision    recall  f1-score   support\n"
             "\n"
             "         ham       0.50      0.50      0.50         2\n"
             "        스팸       0.50      0.50      0.50         2\n"
             "       other       0.67      0.67      0.67         3\n"
             "\n"
             "    accuracy       0.57      0.57      0.57         7\n"
             "   macro avg       0.56      0.56      0.56         7\n"
             "weighted avg       0.57      0.57      0.57         7\n");
}

// As in scikit-learn: without names, only classes that occur; with names, all of them.
BOOST_AUTO_TEST_CASE(classes_that_do_not_come_count_only_where_they_are_named) {
  const struct {
    const char* what;
    std::vector<int32_t> y_true, y_pred;
    std::vector<std::string> target_names, classes;
    double macro;  // recall
  } rows[] = {
      {"from 1", {1, 2, 2}, {1, 2, 2}, {}, {"1", "2"}, 1},
      {"a gap", {0, 7}, {0, 7}, {}, {"0", "7"}, 1},
      {"far apart", {7, 2000000000}, {7, 2000000000}, {}, {"7", "2000000000"}, 1},
      {"only said", {0, 0}, {0, 3}, {}, {"0", "3"}, 0.25},
      {"with names", {1, 2, 2}, {1, 2, 2}, {"a", "b", "c"}, {"a", "b", "c"}, 2 / 3.0},
  };
  for (const auto& row : rows) BOOST_TEST_CONTEXT(row.what) {
      const Shape shape{static_cast<int64_t>(row.y_true.size())};
      const ScoreReport report = classification_report(
          tensor(row.y_true, shape), tensor(row.y_pred, shape), {.target_names = row.target_names});
      std::vector<std::string> names;
      for (const ClassScore& c : report.classes) names.push_back(c.name);
      BOOST_TEST(names == row.classes, boost::test_tools::per_element());
      BOOST_TEST(report.macro.recall == row.macro);
    }
}

BOOST_AUTO_TEST_CASE(what_is_wrong_is_refused) {
  struct Refused {
    std::function<void()> fails;
    const char* text;
  };
  const Refused refused[] = {
      {[] {
         confusion_matrix(zeros({3}, int32), zeros({3, 2}));
       },
       "confusion_matrix: y_true and y_pred hold different numbers of classes\n  y_true  [3] "
       "int32\n  y_pred  [3, 2] float32\n  Of scores [..., classes], argmax(y_pred) are the "
       "classes."},
      {[] { confusion_matrix(zeros({1}, int32), tensor<float>({0.7f}, {1})); },
       "confusion_matrix: y_pred holds 0.699999988079071; classes are whole numbers from 0.\n  Of "
       "scores, argmax(y_pred) or y_pred > 0.5 are the classes."},
      {[] { confusion_matrix(tensor<int32_t>({-1}, {1}), zeros({1}, int32)); },
       "confusion_matrix: y_true holds -1; classes are whole numbers from 0.\n  Of scores, "
       "argmax(y_pred) or y_pred > 0.5 are the classes."},
      {[] { confusion_matrix(full({2}, 4, int32), zeros({2}, int32), {.num_classes = 4}); },
       "confusion_matrix: num_classes says that there are 4 classes, numbered from 0, but there is "
       "a class 4."},
      {[] { classification_report(ones({2}, int32), Tensor{}); },
       "classification_report: y_pred was never given a value (it is Tensor{})."},
      {[] { classification_report(ones({2}, int32), zeros({2}, int32))["ham"]; },
       "ScoreReport: it has no class `ham`.\n  There are 0, 1."},
      {[] {
         entities({"O", "PS"});
       },
       "entities: tag 1 is \"PS\"; tags are O, B-TYPE and I-TYPE, or E-TYPE and S-TYPE."},
      {[] { entities({"B-"}); },
       "entities: tag 0 is \"B-\"; tags are O, B-TYPE and I-TYPE, or E-TYPE and S-TYPE."},
      {[] { entities({"S-PS"}, {.strict = true}); },
       "entities: tag 0 is \"S-PS\"; tags are O, B-TYPE and I-TYPE."},
      {[] {
         entity_report({{"O"}}, {{"O"}, {"O"}});
       },
       "entity_report: y_true has 1 sequences of tags, y_pred 2."},
      {[] {
         entity_report({{"O"}}, {{"O", "O"}});
       },
       "entity_report: sequence 0 has 1 tags in y_true, 2 in y_pred."},
      {[] { mark_entities({"a"}, {}); },
       "mark_entities: there are 1 tokens and 0 tags; each token has one."},
  };
  for (const Refused& c : refused) BOOST_CHECK_EQUAL(error_of(c.fails), c.text);
}
