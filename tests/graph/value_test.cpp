// SPDX-License-Identifier: Apache-2.0
// Values: which are identical, how a weight changes, and what ops remember.
#define BOOST_TEST_MODULE value
#include "graph/value.hpp"

#include <tempo/gradient.hpp>

#include "testing.hpp"

using namespace tempo;
using namespace tempo::testing;

BOOST_AUTO_TEST_CASE(handles_of_one_result_are_one_value) {
  const Tensor w = parameter(normal({4}));
  const auto [first, second] = split<2>(w);
  const Tensor marked = with_mask(first, tensor<bool>({true, false}, {2}));
  const auto same = [](const Tensor& a, const Tensor& b) {
    return identity(*a.handle()) == identity(*b.handle());
  };
  BOOST_TEST((marked.handle() != first.handle()));
  BOOST_TEST(same(first, marked));
  BOOST_TEST(!same(first, second));
  BOOST_TEST(same(w, w));
  BOOST_TEST(!same(w, parameter(w)));
  BOOST_TEST(!same(zeros({2}), zeros({2})));
}

BOOST_AUTO_TEST_CASE(a_weight_with_another_array_has_another_version) {
  const Tensor w = parameter(full({2}, 1, float64));
  Value& value = *w.handle();
  const uint64_t version = value.version;
  const Array before = exchange_array(value, Array(float64, {2}));
  BOOST_TEST(before.as<double>()[0] == 1);
  BOOST_TEST(value.version == version + 1);
  BOOST_TEST((value.array.place().data != before.place().data));
  changed_in_place(value);
  BOOST_TEST(value.version == version + 2);
  assign(w, full({2}, 3, float64));
  BOOST_TEST(value.version == version + 3);
  BOOST_TEST(w.element(1) == 3);
}

BOOST_AUTO_TEST_CASE(recording_holds_within_no_gradient_and_ends) {
  const Tensor w = parameter(full({1}, 2, float64));
  const NoGradient off;
  BOOST_TEST(!square(w).tracked());
  try {
    const Recording on;
    BOOST_TEST(square(w).tracked());
    throw Error("out of it");
  } catch (const Error&) {
  }
  BOOST_TEST(!square(w).tracked());
}
