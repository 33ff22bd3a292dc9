// SPDX-License-Identifier: Apache-2.0
// The call that docs/architecture/one-call.md follows, and what the page says about it.
#define BOOST_TEST_MODULE one_call
#include <regex>

#include <boost/test/unit_test.hpp>

#include <tempo/tempo.hpp>

using namespace tempo;

BOOST_AUTO_TEST_CASE(the_call_gives_outputs_and_gradients_of_the_shapes_that_the_page_says) {
  const Tensor x = randn({32, 50, 64});

  Layer lstm = LSTM({.units = 128});
  Tensor y = lstm(x);
  Tensors gradients = gradient(sum(y), lstm.weights());

  BOOST_TEST((y.shape() == Shape{32, 128}));
  BOOST_REQUIRE(gradients.size() == 3u);
  BOOST_TEST((lstm.weights()[0].shape() == Shape{64, 512}));
  BOOST_TEST((gradients[0].shape() == Shape{64, 512}));
}

// Removes the numbers of values and the column widths that follow from them: compilers differ in
// which operand of a sum is recorded first.
static std::string unnumbered(const std::string& text) {
  return std::regex_replace(std::regex_replace(text, std::regex("%[0-9]+"), "%"), std::regex(" +"),
                            " ");
}

BOOST_AUTO_TEST_CASE(it_runs_as_the_page_says) {
  const std::string text = unnumbered(explain(LSTM({.units = 128}), {32, 50, 64}));
  for (const char* line : {
           "%7 = matmul(%3:x, %1:lstm/kernel)",
           "product [32, 64] x packed [64, 512] + [32, 128] x packed [128, 512], plus a row",
           "matmul(%9:x, %39; transpose_a=1, transpose_b=0)    [64, 512] float32  summed over time",
       })
    BOOST_TEST(text.find(unnumbered(line)) != std::string::npos, line << " is not in\n" << text);
}
