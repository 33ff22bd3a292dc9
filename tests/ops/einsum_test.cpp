// SPDX-License-Identifier: Apache-2.0
// einsum against sums of products that are written out; its gradients, masks and errors.
#define BOOST_TEST_MODULE einsum
#include <map>

#include <tempo/tempo.hpp>

#include "testing.hpp"

using namespace tempo;
using namespace tempo::testing;

namespace {

// The sum, over all values of the letters, of the products of elements.
Tensor written_out(const std::vector<std::string>& terms, const std::string& result,
                   const Tensors& operands) {
  std::map<char, int64_t> size, at;
  for (std::size_t i = 0; i < terms.size(); ++i)
    for (std::size_t axis = 0; axis < terms[i].size(); ++axis)
      size[terms[i][axis]] = operands[i].shape()[static_cast<int>(axis)];
  const auto place = [&](const std::string& letters) {
    int64_t where = 0;
    for (const char c : letters) where = where * size[c] + at[c];
    return where;
  };
  std::string letters;
  for (const auto& [letter, extent] : size) letters += letter;
  Shape shape;
  for (const char c : result) shape.push_back(size[c]);
  std::vector<double> out(static_cast<std::size_t>(shape.count()), 0.0);
  const std::function<void(std::size_t)> walk = [&](std::size_t i) {
    if (i < letters.size()) {
      for (at[letters[i]] = 0; at[letters[i]] < size[letters[i]]; ++at[letters[i]]) walk(i + 1);
      return;
    }
    double product = 1;
    for (std::size_t k = 0; k < terms.size(); ++k) product *= operands[k].element(place(terms[k]));
    out[static_cast<std::size_t>(place(result))] += product;
  };
  walk(0);
  return tensor(out, shape, float64);
}

struct Case {
  const char* text;
  std::vector<std::string> terms;
  std::string result;
};
const Case cases[] = {
    {"ij,jk->ik", {"ij", "jk"}, "ik"},
    {"ij,jk", {"ij", "jk"}, "ik"},
    {"ij,kj->ik", {"ij", "kj"}, "ik"},
    {"ji,jk->ki", {"ji", "jk"}, "ki"},
    {"bij,bjk->bik", {"bij", "bjk"}, "bik"},
    {"bij,bkj->bik", {"bij", "bkj"}, "bik"},
    {"bji,bkj->kib", {"bji", "bkj"}, "kib"},
    {"bti,ij->btj", {"bti", "ij"}, "btj"},
    {"bi,bi->b", {"bi", "bi"}, "b"},
    {"bi,bi->bi", {"bi", "bi"}, "bi"},
    {"i,j->ij", {"i", "j"}, "ij"},
    {"i,j->ji", {"i", "j"}, "ji"},
    {"i,i", {"i", "i"}, ""},
    {"i,j->", {"i", "j"}, ""},
    {"ij->ji", {"ij"}, "ji"},
    {"ba", {"ba"}, "ab"},
    {"bij->j", {"bij"}, "j"},
    {"bij->", {"bij"}, ""},
    {"ijk->kij", {"ijk"}, "kij"},
    {"ii->i", {"ii"}, "i"},
    {"ii", {"ii"}, ""},
    {"iji->j", {"iji"}, "j"},
    {"iii->i", {"iii"}, "i"},
    {"bii,bi->bi", {"bii", "bi"}, "bi"},
    {"ai,bj,ij->ab", {"ai", "bj", "ij"}, "ab"},
    {"bhqd,bhkd->bhqk", {"bhqd", "bhkd"}, "bhqk"},
    {"bqhd,bkhd->bhqk", {"bqhd", "bkhd"}, "bhqk"},
    {"bhqk,bkhd->bqhd", {"bhqk", "bkhd"}, "bqhd"},
    {"bti,hio->bhto", {"bti", "hio"}, "bhto"},
    {"bi,j->b", {"bi", "j"}, "b"},
    {"Ab, bC -> AC", {"Ab", "bC"}, "AC"},
};

Tensors operands_of(const Case& c) {
  const std::map<char, int64_t> sizes{{'a', 2}, {'b', 3}, {'i', 4}, {'j', 5}, {'k', 2}, {'t', 6},
                                      {'h', 2}, {'q', 4}, {'d', 3}, {'o', 3}, {'A', 2}, {'C', 4}};
  Tensors out;
  for (const std::string& term : c.terms) {
    Shape shape;
    for (const char letter : term) shape.push_back(sizes.at(letter));
    out.push_back(normal(shape, 5 + static_cast<int64_t>(out.size())));
  }
  return out;
}

}  // namespace

BOOST_AUTO_TEST_CASE(einsum_is_the_sum_of_products_by_letters) {
  for (const Case& c : cases) {
    const Tensors operands = operands_of(c);
    check_close(c.text, einsum(c.text, operands), written_out(c.terms, c.result, operands), 1e-13);
  }
  const Tensor a = normal({2, 3}), b = normal({3, 4});
  check_same("as arguments", einsum("ij,jk->ik", a, b), matmul(a, b));
  check_same("the last two axes lie the other way", einsum("ij,kj->ik", a, normal({4, 3})),
             matmul(a, normal({4, 3}), false, true));
  check_same("no rows", einsum("ij,jk->ik", zeros({0, 3}), zeros({3, 2})), zeros({0, 2}));
  check_same("nothing to add up", einsum("ij,jk->ik", zeros({2, 0}), zeros({0, 3})), zeros({2, 3}));
}

BOOST_AUTO_TEST_CASE(gradients_of_einsum_hold_to_second_order) {
  for (const Case& c : cases) {
    const GradCheck report =
        gradcheck([&](const Tensors& in) { return einsum(c.text, in); }, operands_of(c));
    BOOST_TEST(report.passed(), c.text << "\n" << report);
  }
}

BOOST_AUTO_TEST_CASE(dots_stand_for_the_other_axes) {
  const Tensor x = normal({2, 3, 4, 5}), y = normal({2, 3, 5, 6}, 2), w = normal({5, 6}, 3),
               row = normal({3, 5, 6}, 4), one = normal({1, 3, 5, 6}, 5);
  check_close("products", einsum("...ij,...jk->...ik", x, y), matmul(x, y), 1e-13);
  check_close("implied", einsum("...ij,...jk", x, y), matmul(x, y), 1e-13);
  check_close("in one operand alone", einsum("...j,jk->...k", x, w), matmul(x, w), 1e-13);
  check_close("fewer axes", einsum("...ij,...jk->...ik", x, row), matmul(x, row), 1e-13);
  check_close("an axis of 1", einsum("...ij,...jk->...ik", x, one), matmul(x, one), 1e-13);
  check_same("a transpose", einsum("i...->...i", x), transpose(x, {1, 2, 3, 0}));
  check_close("sums of the rest", einsum("...i->...", x), sum(x, -1), 1e-13);
}

BOOST_AUTO_TEST_CASE(einsum_in_a_step_is_as_in_the_plain_loop) {
  const Tensor w = parameter(normal({4, 2, 3})), keys = normal({2, 5, 3});
  const auto step = [&](const Tensor& x, const State& s) -> Step {
    const Tensor q = einsum("bi,iho->bho", x, w);
    const Tensor next = tanh(s[0] + einsum("bho,bko->bh", q, softmax(keys)));
    return {.output = next, .state = {next}};
  };
  const Tensor x = normal({2, 6, 4}), h = zeros({2, 2}, float64);
  const Tensor fast = scan(step, x, {h}).output, plain = scan(step, x, {h}, {.plain = true}).output;
  check_close("values", fast, plain, 1e-13);
  check_close("gradients", gradient(sum(fast), Tensors{w})[0], gradient(sum(plain), Tensors{w})[0],
              1e-12);
}

BOOST_AUTO_TEST_CASE(einsum_keeps_masks_of_its_first_axes) {
  const Tensor mask = tensor({{true, true, false}, {true, false, false}}),
               other = tensor({{true, false, true}, {true, true, true}});
  const Tensor h = with_mask(normal({2, 3, 4}), mask), g = with_mask(normal({2, 3, 4}), other);
  const auto expect = [](const char* name, const Tensor& y, const Tensor& expected) {
    const Tensor got = mask_of(y);
    BOOST_TEST(static_cast<bool>(got) == static_cast<bool>(expected), name);
    if (got && expected) check_same(name, got, expected);
  };
  expect("a product", einsum("bti,io->bto", h, normal({4, 2})), mask);
  expect("heads", einsum("bti,iho->btho", h, normal({4, 2, 2})), mask);
  expect("both", einsum("bti,bti->bt", h, g), logical_and(mask, other));
  expect("a sum of features", einsum("bti->bt", h), mask);
  expect("time is gone", einsum("bti->bi", h), {});
  expect("time is elsewhere", einsum("bti->bit", h), {});
  expect("dots", einsum("...i->...", h), mask);
}

BOOST_AUTO_TEST_CASE(errors_of_einsum_name_letter_and_sizes) {
  const Tensor a = ones({2, 3}, float32), b = ones({4, 5}, float32);
  const struct {
    std::function<void()> fails;
    const char* text;
  } errors[] = {
      {[&] { einsum("ij,jk->ik", a, b); },
       "einsum \"ij,jk->ik\": the letter j is of two sizes\n"
       "  3 in operand 0, [2, 3] float32\n  4 in operand 1, [4, 5] float32"},
      {[&] { einsum("ii->i", a); },
       "einsum \"ii->i\": the letter i is of two sizes\n"
       "  2 in operand 0, [2, 3] float32\n  3 in operand 0, [2, 3] float32"},
      {[&] {
         einsum("...i,...j->...", a, ones({5, 4}, float32));
       },
       "einsum \"...i,...j->...\": an axis of \"...\" is of two sizes\n"
       "  2 in operand 0, [2, 3] float32\n  5 in operand 1, [5, 4] float32"},
      {[&] { einsum("ij,jk->ik", a); },
       "einsum \"ij,jk->ik\": it names 2 operands, and 1 is given."},
      {[&] { einsum("ij->ij", a, b); }, "einsum \"ij->ij\": it names 1 operand, and 2 are given."},
      {[&] { einsum("ijk->i", a); },
       "einsum \"ijk->i\": operand 0, counted from 0, has 3 axes in the text, and is [2, 3] "
       "float32."},
      {[&] { einsum("i->i", a); },
       "einsum \"i->i\": operand 0, counted from 0, has 1 axis in the text, and is [2, 3] "
       "float32."},
      {[&] { einsum("...ijk->i", a); },
       "einsum \"...ijk->i\": operand 0, counted from 0, has at least 3 axes in the text, and is "
       "[2, 3] float32."},
      {[&] { einsum("ij->ik", a); },
       "einsum \"ij->ik\": the letter k of the result is in no operand, so its size is not known."},
      {[&] { einsum("ij->ii", a); }, "einsum \"ij->ii\": the letter i stands twice in the result."},
      {[&] { einsum("i1->i", a); },
       "einsum \"i1->i\": `1` at place 1, counted from 0, is none of letters, ',', '->' and one "
       "'...' for each operand."},
      {[&] { einsum("ij->i,j", a); },
       "einsum \"ij->i,j\": `,` at place 5, counted from 0, is none of letters, ',', '->' and one "
       "'...' for each operand."},
      {[&] { einsum("...j->j", a); },
       "einsum \"...j->j\": the result has no place for \"...\"; sum over those axes afterwards."},
  };
  for (const auto& c : errors) BOOST_CHECK_EQUAL(error_of<ShapeError>(c.fails), c.text);
  BOOST_CHECK_EQUAL(error_of([&] { einsum("ij,jk->ik", a, Tensor{}); }),
                    "einsum \"ij,jk->ik\": operand 1, counted from 0, was never given a value (it "
                    "is Tensor{}).");
}
