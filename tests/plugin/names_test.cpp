// SPDX-License-Identifier: Apache-2.0
// "Did you mean": the known name that is suggested for an unknown one.
#define BOOST_TEST_MODULE names
#include <tempo/names.hpp>

#include "testing.hpp"

using namespace tempo;

namespace {

struct Case {
  std::string word;
  std::vector<std::string> known;
  std::string suggested;  // "" for none
};

const Case cases[] = {
    // a slip
    {"rellu", {"linear", "relu", "relu6"}, "relu"},
    {"adma", {"sgd", "rmsprop", "adam"}, "adam"},
    {"xavier", {"constant", "glorot_normal", "zeros"}, ""},
    {"avg", {"sum", "mean", "none"}, ""},
    // a beginning, a part
    {"glorot", {"zeros", "glorot_normal"}, "glorot_normal"},
    {"denser_layer", {"gru", "dense"}, "dense"},
    {"logits", {"axis", "from_logits"}, "from_logits"},
    {"lr", {"axis", "clr"}, "clr"},
    {"is", {"epsilon", "axis_of_sums"}, ""},
    // the first of equally near ones
    {"max", {"mix", "may"}, "mix"},
    // letter case
    {"lstm", {"GRU", "LSTM"}, "LSTM"},
    {"RELU", {"linear", "relu"}, "relu"},
    {"bidir", {"Dense", "Bidirectional"}, "Bidirectional"},
    {"DENSER_LAYER", {"gru", "dense"}, "dense"},
    {"Logits", {"axis", "from_logits"}, "from_logits"},
    {"RNN", {"Dense", "SimpleRnn"}, "SimpleRnn"},
    // nothing to go by
    {"", {"sgd", ""}, ""},
    {"sgd", {}, ""},
};

}  // namespace

BOOST_AUTO_TEST_CASE(a_name_that_may_be_a_slip_of_a_known_one_gets_that_one) {
  for (const Case& c : cases) BOOST_TEST_CONTEXT("`" << c.word << "`") {
      BOOST_TEST(sdk::suggestion(c.word, c.known) == c.suggested);
    }
}
