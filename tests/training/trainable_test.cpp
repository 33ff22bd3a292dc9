// SPDX-License-Identifier: Apache-2.0
// Layers that are frozen and unfrozen, before and after they are built.
#define BOOST_TEST_MODULE trainable
#include <unistd.h>

#include <cstdio>

#include <tempo/tempo.hpp>

#include "testing.hpp"

using namespace tempo;
using testing::check_same;
using testing::normal;

namespace {

const Tensor x = cast(normal({8, 4, 3}), float32), y = cast(normal({8, 1}, 2), float32);

struct TwoOptions {
  bool trainable = true;
};
void describe(auto&, TwoOptions&) {}
// A weight that is trained, and one that is not.
struct TwoLayer : LayerOf<TwoOptions> {
  using LayerOf::LayerOf;
  void build(Weights& add, const Shape&) {
    trained = add("trained", {1}, ones());
    fixed = add("fixed", {1}, ones(), {.trainable = false});
  }
  Tensor call(const Tensor& given, const CallOptions&) const { return given * trained * fixed; }
  Tensor trained, fixed;
};

Sequential three() {
  set_seed(3);
  return Sequential({Bidirectional(LSTM({.units = 2, .return_sequences = true})),
                     RNN(cell("GRU", {{"units", 2}})), Dense({.units = 1})});
}

std::vector<Tensor> copies(const Tensors& weights) {
  std::vector<Tensor> out;
  for (const Tensor& w : weights) out.push_back(tensor(w.to_vector<float>(), w.shape()));
  return out;
}

// For each layer, whether fit moved each of its weights: "101".
std::string moved(Sequential& model) {
  if (!model.built()) model.build({{-1, 4, 3}});
  const std::vector<Tensor> before = copies(model.weights());
  model.fit(x, y, {.batch_size = 4, .epochs = 2, .verbose = 0});
  std::string text;
  std::size_t i = 0;
  for (const Layer& layer : model.layers()) {
    text += text.empty() ? "" : " ";
    for (const Tensor& w : layer.weights())
      text += w.to_vector<float>() == before[i++].to_vector<float>() ? '0' : '1';
  }
  return text;
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_frozen_layer_keeps_its_bits_while_others_train_and_trains_again) {
  Sequential model = three();
  model.compile({.optimizer = Adam({.learning_rate = 0.01}), .loss = "mse"});
  BOOST_TEST(moved(model) == "111111 111 11");
  model.layers()[0].set_trainable(false);
  BOOST_TEST(moved(model) == "000000 111 11");
  model.layers()[1].set_trainable(false);
  BOOST_TEST(moved(model) == "000000 000 11");
  model.layers()[0].set_trainable(true);
  BOOST_TEST(moved(model) == "111111 000 11");
  model.layers()[0].children()[1].set_trainable(false);
  BOOST_TEST(moved(model) == "111000 000 11");
}

BOOST_AUTO_TEST_CASE(what_counts_weights_follows) {
  Sequential model = three();
  model.build({{-1, 4, 3}});
  const Layer both = model.layers()[0];
  const int64_t all = model.count_params(), its = both.count_params();
  const auto trained = [&] {
    int64_t n = 0;
    for (const Tensor& w : model.trainable_weights()) n += w.count();
    return n;
  };
  BOOST_TEST(both.trainable());
  BOOST_TEST(trained() == all);
  both.set_trainable(false);
  BOOST_TEST(!both.trainable());
  BOOST_TEST(!both.children()[0].trainable());
  BOOST_TEST(both.trainable_weights().empty());
  BOOST_TEST(trained() == all - its);
  BOOST_TEST(model.count_params() == all);
  BOOST_TEST(model.summary_text().find("Non-trainable params: " + std::to_string(its) + " (") !=
             std::string::npos);
  both.set_trainable(true);
  BOOST_TEST(trained() == all);
}

BOOST_AUTO_TEST_CASE(before_it_is_built_it_is_the_option) {
  Sequential model = three();
  for (const Layer& layer : model.layers()) layer.set_trainable(false);
  model.layers()[2].set_trainable(true);
  model.compile({.optimizer = "sgd", .loss = "mse"});
  BOOST_TEST(moved(model) == "000000 000 11");
  const Layer copy = recreated(model.layers()[1]);
  copy.build({{1, 2, 4}});
  BOOST_TEST(copy.trainable_weights().empty());
  // This holds even for a layer without an option of that name.
  const Layer dropout = Dropout({.rate = 0.5});
  dropout.set_trainable(false);
  BOOST_TEST(!dropout.trainable());
}

BOOST_AUTO_TEST_CASE(what_was_added_as_not_trainable_stays_so) {
  const Layer two = TwoLayer();
  two.build({{1, 1}});
  const auto frozen = [&] {
    std::string text;
    for (const Tensor& w : two.weights()) text += w.view().flags & TEMPO_FROZEN ? '1' : '0';
    return text;
  };
  BOOST_TEST(frozen() == "01");
  two.set_trainable(false);
  BOOST_TEST(frozen() == "11");
  two.set_trainable(true);
  BOOST_TEST(frozen() == "01");
}

BOOST_AUTO_TEST_CASE(a_file_keeps_what_is_frozen) {
  const std::string path = "/tmp/tempo_trainable_test_" + std::to_string(getpid());
  Sequential model = three();
  model.compile({.optimizer = "sgd", .loss = "mse"});
  model.layers()[0].children()[1].set_trainable(false);  // no option says this
  model.layers()[1].set_trainable(false);
  BOOST_TEST(moved(model) == "111000 000 11");
  model.save(path);
  Sequential loaded = load_model(path);
  BOOST_TEST(!loaded.layers()[1].trainable());
  BOOST_TEST(moved(loaded) == "111000 000 11");
  loaded.layers()[1].set_trainable(true);
  BOOST_TEST(moved(loaded) == "111000 111 11");
  std::remove(path.c_str());
}
