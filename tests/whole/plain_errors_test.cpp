// SPDX-License-Identifier: Apache-2.0
// Errors that must name their true cause, and mistakes that were once accepted silently: full
// texts, besides those of errors_test.
#define BOOST_TEST_MODULE plain_errors
#include <tempo/tempo.hpp>

#include "files.hpp"
#include "printed.hpp"

using namespace tempo;
using namespace tempo::testing;

namespace {

struct CellOptions {
  int units = 3;
  std::string how = "";
};
void describe(auto& option, CellOptions& o) {
  option("units", o.units, "Size of the state.");
  option("how", o.how, "What is wrong.");
}
struct Wrong : Cell<CellOptions> {
  using Cell::Cell;
  Step step(const Tensor& x, const State& s) const {
    if (options.how == "item") return {.output = x * sum(x).item(), .state = s};
    if (options.how == "state") return {.output = s[2], .state = s};
    if (options.how == "own") throw std::runtime_error("mine");
    return {.output = x, .state = s};
  }
};

Tensor ids() { return tensor({{3, 1, 0, 0}, {2, 0, 0, 0}}); }

}  // namespace

BOOST_AUTO_TEST_CASE(an_error_in_a_step_of_the_users_says_where_it_happened) {
  const auto runs = [](const char* how) {
    return [how] { RNN(Wrong({.how = how}), {.name = "top"})(ones({2, 3, 3})); };
  };
  BOOST_CHECK_EQUAL(error_of(runs("item")),
                    "a value was read while a step is traced; there is none yet.\n"
                    "  item(), data() and `if` on a tensor see no number there: use "
                    "where(condition, a, b) to choose.\n"
                    "  This happened in step of top/wrong (Wrong).");
  BOOST_CHECK_EQUAL(error_of(runs("state")),
                    "State: state 2 is asked for; it holds 1, counted from 0.\n"
                    "  A cell has state_count states, or as many as its state_shapes gives.\n"
                    "  This happened in step of top/wrong (Wrong).");
  BOOST_CHECK_EXCEPTION(runs("own")(), std::runtime_error,
                        [](const std::exception& e) { return std::string(e.what()) == "mine"; });
}

BOOST_AUTO_TEST_CASE(a_loss_of_ones_own_gives_a_number_for_each_sample) {
  const Tensor y = ones({8, 3}), p = zeros({8, 3});
  const Loss over_samples([](const Tensor& t, const Tensor& s) { return mean(abs(t - s), 0); },
                          "mine");
  BOOST_CHECK_EQUAL(error_of<ShapeError>([&] { over_samples(y, p); }),
                    "mine: the loss function gave [3] float32 for 8 samples\n"
                    "  y_pred  [8, 3] float32\n"
                    "  It must give one for each sample, [batch], or for each step, [batch, time], "
                    "or one number: mean(square(y - p), -1), say.");
  for (const Axes& axes : {Axes{-1}, Axes{0, 1}}) {
    const Loss right([&](const Tensor& t, const Tensor& s) { return mean(abs(t - s), axes); });
    BOOST_TEST(right(y, p).item() == 1);
  }
  const Loss one([](const Tensor& t, const Tensor& s) {
    return mean(abs(t - s), Axes{0, 1}, true);
  });
  BOOST_TEST(one(y, p).item() == 1);
}

BOOST_AUTO_TEST_CASE(a_model_whose_build_failed_is_not_built) {
  const Layer lstm = LSTM({.units = 3}), dense = Dense({.units = 1});
  Sequential model({lstm, dense});
  BOOST_CHECK_EQUAL(error_of<ShapeError>([&] {
                      model.build({{-1, 5, -1}});
                    }),
                    "sequential: build was given [-1, 5, -1], and a -1 there decides the size of a "
                    "weight.\n  Give build the features: model.build({{-1, -1, features}}). The "
                    "model is as it was, not built.");
  BOOST_TEST(!lstm.built());
  BOOST_TEST(!dense.built());
  BOOST_TEST(model.weights().size() == 0u);
  BOOST_TEST(model.input_shapes().size() == 0u);
  model.build({{-1, 5, 2}});  // the size that was tried: the trial leaves nothing behind
  for (const Tensor& w : model.weights()) assign(w, zeros_like(w));
  check_same("of these weights", model(ones({4, 5, 2})), zeros({4, 1}));
  Sequential other({LSTM({.units = 3}), LSTM({.units = 3})});
  BOOST_TEST(error_of([&] {
               other.build({{-1, 5, 7}});
             }).find("return_sequences") != std::string::npos);
  BOOST_TEST(!other.layers()[0].built());
}

BOOST_AUTO_TEST_CASE(a_mask_that_is_lost_before_the_loss_is_said_once) {
  const auto said_by = [](const std::function<Tensor(const Tensor&)>& f, int fits) {
    const Layer words = Embedding({.input_dim = 5, .output_dim = 3, .mask_zero = true}),
                dense = Dense({.units = 2});
    Model model({words, dense}, [=](const Tensors& in) { return f(dense(words(in[0]))); });
    model.compile({.optimizer = SGD(), .loss = "mse"});
    const Printed printed(std::cerr);
    for (int i = 0; i < fits; ++i)
      model.fit(ids(), zeros({2, 4, 2}), {.batch_size = 1, .epochs = 2, .verbose = 0});
    return printed.text();
  };
  const auto summed = [](const Tensor& h) {
    const auto step = [](const Tensor& x, const State& s) -> Step {
      return {.output = s[0] + x, .state = {s[0] + x}};
    };
    return scan(step, h, {zeros({h.shape()[0], 2})}).output;
  };
  BOOST_CHECK_EQUAL(
      said_by(summed, 2),
      "tempo: Model.fit: y_pred [1, 4, 2] float32 has no mask, and a sequence that it "
      "was made of has one, which is lost in `scan`; padding counts in the loss.\n"
      "  with_mask(y, mask_of(x)) puts it back; with_mask(x, {}) takes it off on "
      "purpose, and is silent.\n");
  BOOST_CHECK_EQUAL(said_by([&](const Tensor& h) { return relu(summed(h)); }, 1).find("`scan`") !=
                        std::string::npos,
                    true);
  BOOST_CHECK_EQUAL(said_by([&](const Tensor& h) { return with_mask(summed(h), mask_of(h)); }, 1),
                    "");
  BOOST_CHECK_EQUAL(said_by([&](const Tensor& h) { return summed(with_mask(h, {})); }, 1), "");
  BOOST_CHECK_EQUAL(said_by([](const Tensor& h) { return 2 * h; }, 1), "");
}

BOOST_AUTO_TEST_CASE(a_suggestion_means_the_same_thing) {
  BOOST_TEST(
      error_of([] { Loss("rmse"); }).starts_with("loss `rmse`: there is none by that name.\n"));
  BOOST_TEST(Metric("rmse").name() == "rmse");  // which is different from mse
  const std::vector<std::string> known{
      "mse", "mae", "acc", "adam", "sgd", "relu", "tanh", "units", "root_mean_squared_error"};
  const std::pair<const char*, const char*> slips[] = {{"rmse", "root_mean_squared_error"},
                                                       {"adma", "adam"},
                                                       {"adm", "adam"},
                                                       {"sdg", "sgd"},
                                                       {"tahn", "tanh"},
                                                       {"unit", "units"},
                                                       {"untis", "units"},
                                                       {"ReLU", "relu"},
                                                       {"lrelu", "relu"},
                                                       {"roc", ""},
                                                       {"nse", ""},
                                                       {"fan", ""},
                                                       {"f1", ""},
                                                       {"cubic", ""}};
  for (const auto& [word, meant] : slips) BOOST_TEST(sdk::suggestion(word, known) == meant, word);
}

BOOST_AUTO_TEST_CASE(numbers_that_fit_is_given_are_refused_by_their_names) {
  Sequential model({Dense({.units = 1})});
  model.compile({.optimizer = SGD(), .loss = "mse"});
  const Tensor x = ones({4, 2}), y = ones({4, 1});
  BOOST_CHECK_EQUAL(error_of([&] { model.fit(x, y, {.epochs = 0}); }),
                    "Sequential.fit: epochs is 0; it must be at least 1.\n"
                    "  It is the number of the last epoch; a model that needs no training predicts "
                    "without fit.");
  BOOST_CHECK_EQUAL(error_of([&] { model.fit(x, y, {.initial_epoch = -1}); }),
                    "Sequential.fit: initial_epoch is -1; it must be at least 0, the number of "
                    "epochs that are done.");
}

BOOST_AUTO_TEST_CASE(what_is_at_fault_is_named) {
  BOOST_CHECK_EQUAL(error_of([] {
                      Embedding({.input_dim = 4, .output_dim = 2})(tensor({{1, 4}}));
                    }),
                    "embedding: id 1 of [1, 2] int32 is 4; ids are whole numbers from 0 to "
                    "input_dim - 1, here 3.\n"
                    "  input_dim is the largest id plus 1; numbers that are no ids need no "
                    "Embedding.");
  const std::string file = write("table.csv", "day,city,rain\n1,Ulm,2.5\n");
  BOOST_CHECK_EQUAL(error_of<FormatError>([&] { read_csv(file); }),
                    file +
                        ": line 2: column \"city\": \"Ulm\" is not a number.\n"
                        "  .columns = {...} names the columns that are wanted.");
}

BOOST_AUTO_TEST_CASE(a_prediction_remembers_nothing_and_a_call_does) {
  Sequential model({LSTM({.units = 3})});
  const Tensor x = ones({2, 3, 4});
  BOOST_TEST(model(x).tracked());
  BOOST_TEST(!model.predict(x).tracked());
  const NoGradient off;
  BOOST_TEST(!model(x).tracked());
}
