// SPDX-License-Identifier: Apache-2.0
// BatchNormalization: its formula, its moving statistics, masks, freezing and files.
#define BOOST_TEST_MODULE batch_normalization
#include <unistd.h>

#include <cstdio>

#include <tempo/tempo.hpp>

#include "testing.hpp"

using namespace tempo;
using testing::check_close;
using testing::check_same;
using testing::error_of;
using testing::normal;

namespace {

const CallOptions training{.training = true};

struct Moments {
  double mean = 0, variance = 0;
};

// The moments of these numbers, by the textbook formula.
Moments moments(const std::vector<double>& of) {
  Moments m;
  for (const double v : of) m.mean += v / static_cast<double>(of.size());
  for (const double v : of)
    m.variance += (v - m.mean) * (v - m.mean) / static_cast<double>(of.size());
  return m;
}

std::vector<double> feature(const Tensor& x, int64_t k) {  // of [.., features]
  std::vector<double> out;
  for (int64_t i = k; i < x.count(); i += x.shape().back()) out.push_back(x.element(i));
  return out;
}

Tensor copy(const Tensor& w) { return tensor(w.to_vector(), w.shape(), w.dtype()); }

struct CellWithNorm : Cell<sdk::CommonOptions> {
  using Cell::Cell;
  static constexpr int state_count = 0;
  static void describe(auto&, sdk::CommonOptions&) {}
  Step step(const Tensor& x, const State&, const StepCall& call) const {
    static const Layer inner = BatchNormalization({.name = "inner"});
    return {.output = inner(x, {.training = call.training})};
  }
};

}  // namespace

BOOST_AUTO_TEST_CASE(training_uses_the_batch_and_inference_the_moving_statistics) {
  const Tensor x = normal({4, 3, 2}) * 3 + 1;
  const Layer norm =
      BatchNormalization({.momentum = 0.9, .epsilon = 0.01, .dtype = float64, .name = "norm"});
  norm.build({x.shape()});
  std::string paths;
  for (const Tensor& w : norm.weights()) paths += w.path() + " ";
  BOOST_TEST(paths == "norm/gamma norm/beta norm/moving_mean norm/moving_variance ");
  const Tensors w = norm.weights();
  assign(w[0], tensor<double>({2, -0.5}, {2}, float64));
  assign(w[1], tensor<double>({0.25, 3}, {2}, float64));

  const Tensor trained = norm(x, training);
  const double gamma[] = {2, -0.5}, beta[] = {0.25, 3};
  double mean[2], variance[2];
  for (int64_t k = 0; k < 2; ++k) {
    const Moments m = moments(feature(x, k));
    const std::vector<double> in = feature(x, k), out = feature(trained, k);
    for (std::size_t i = 0; i < in.size(); ++i)
      BOOST_TEST(out[i] == gamma[k] * (in[i] - m.mean) / std::sqrt(m.variance + 0.01) + beta[k],
                 boost::test_tools::tolerance(1e-9));
    mean[k] = 0.1 * m.mean;
    variance[k] = 0.9 + 0.1 * m.variance;
    BOOST_TEST(w[2].element(k) == mean[k], boost::test_tools::tolerance(1e-12));
    BOOST_TEST(w[3].element(k) == variance[k], boost::test_tools::tolerance(1e-12));
  }
  const Tensor kept = copy(w[2]), inferred = norm(x);
  check_same("moving_mean", w[2], kept);  // inference changes nothing
  for (int64_t k = 0; k < 2; ++k) {
    const std::vector<double> in = feature(x, k), out = feature(inferred, k);
    for (std::size_t i = 0; i < in.size(); ++i)
      BOOST_TEST(out[i] == gamma[k] * (in[i] - mean[k]) / std::sqrt(variance[k] + 0.01) + beta[k],
                 boost::test_tools::tolerance(1e-9));
  }
}

BOOST_AUTO_TEST_CASE(its_options_are_those_of_keras) {
  const Tensor x = normal({5, 3, 4});
  const Layer plain = BatchNormalization({.center = false,
                                          .scale = false,
                                          .moving_mean_initializer = constant(2),
                                          .moving_variance_initializer = constant(4),
                                          .dtype = float64});
  check_close("moving", plain(x), (x - 2) / std::sqrt(4 + 1e-3), 1e-12);
  BOOST_TEST(plain.weights().size() == 2u);
  BOOST_TEST(plain.trainable_weights().empty());
  // The axis of time, as that of the features, is the last one after a transposition.
  for (const int axis : {1, -2}) {
    const Layer middle = BatchNormalization({.axis = axis, .dtype = float64}),
                last = BatchNormalization({.dtype = float64});
    const Tensor turned = transpose(x, {0, 2, 1});
    check_close("training", middle(x, training), transpose(last(turned, training), {0, 2, 1}),
                1e-12);
    for (std::size_t i = 0; i < 4; ++i)
      check_close("weights", middle.weights()[i], last.weights()[i], 1e-12);
    check_close("inference", middle(x), transpose(last(turned), {0, 2, 1}), 1e-12);
  }
  BOOST_TEST(error_of([] { BatchNormalization({.momentum = 1.5}); }) ==
             "BatchNormalization: option `momentum` is 1.5; it must be within [0, 1].");
  BOOST_TEST(error_of([] { BatchNormalization()(ones({3})); }) ==
             "BatchNormalization: needs [batch, ..., features], got [3].\n"
             "  expand_dims(x, 0) makes a batch of one of it.");
  BOOST_TEST(error_of([] {
               BatchNormalization({.axis = 3})(ones({2, 3}));
             }) ==
             "BatchNormalization: axis 3 of a tensor with 2 axes.\n  It must lie in [-2, 1].");
  BOOST_TEST((BatchNormalization()(ones({2, 3}), training).dtype() == float32));
}

BOOST_AUTO_TEST_CASE(gradients_go_through_the_statistics_of_the_batch) {
  const Layer norm = BatchNormalization({.dtype = float64});
  const Tensor mask = tensor<bool>({true, true, false, true, false, false, true, true}, {4, 2});
  norm.build({{4, 2, 3}});
  for (const Tensor& w : norm.trainable_weights()) assign(w, normal(w.shape(), 7));
  const auto check = [&](const char* what, const CallOptions& options) {
    const GradCheck found =
        gradcheck([&](const Tensors& in) { return with_mask(norm(in[0], options), {}); },
                  {normal({4, 2, 3})}, {.order = 2});
    BOOST_TEST(found.passed(), what << "\n" << found);
  };
  check("training", training);
  check("inference", {});
  check("masked", {.training = true, .mask = mask});
  const GradCheck whole = gradcheck(norm, Shape{4, 2, 3}, {.order = 2});
  BOOST_TEST(whole.passed(), whole);
}

BOOST_AUTO_TEST_CASE(masked_steps_do_not_count) {
  const Tensor mask = tensor<bool>({true, true, false, true, false, false}, {2, 3});
  Tensor x = normal({2, 3, 2});
  const Layer norm = BatchNormalization({.momentum = 0, .dtype = float64});
  const Tensor y = norm(x, {.training = true, .mask = mask});
  check_same("mask", mask_of(y), mask);
  for (int64_t k = 0; k < 2; ++k) {
    const std::vector<double> all = feature(x, k);
    const Moments m = moments({all[0], all[1], all[3]});
    BOOST_TEST(norm.weights()[2].element(k) == m.mean, boost::test_tools::tolerance(1e-6));
    BOOST_TEST(norm.weights()[3].element(k) == m.variance, boost::test_tools::tolerance(1e-6));
  }
  // Padding may hold anything.
  std::vector<double> spoilt = x.to_vector();
  spoilt[4] = spoilt[8] = NAN;
  spoilt[10] = 1e200;
  const Tensor bad = parameter(tensor(spoilt, x.shape(), float64)), good = parameter(x);
  const auto slopes = [&](const Tensor& at) {
    const Tensor out = norm(at, {.training = true, .mask = mask});
    const Tensor counted = where(expand_dims(mask, -1), with_mask(out, {}), 0);
    return gradient(sum(counted * normal(x.shape(), 9)), norm.trainable_weights());
  };
  const Tensors a = slopes(good), b = slopes(bad);
  for (std::size_t i = 0; i < a.size(); ++i) check_close("gradient", b[i], a[i], 1e-12);
}

BOOST_AUTO_TEST_CASE(a_mask_may_be_of_samples_and_of_parts_of_steps) {
  const std::pair<Shape, int> cases[] = {
      {{6, 2}, 1}, {{4, 3, 2}, 1}, {{4, 3, 2}, 2}, {{2, 3, 2, 2}, 2}, {{2, 3, 2, 2}, 3}};
  for (const auto& [shape, axes] : cases) {
    const Shape its(shape.begin(), shape.begin() + axes);
    std::vector<bool> counts;
    for (int64_t i = 0; i < its.count(); ++i) counts.push_back(i % 3 != 2);
    std::vector<double> numbers = normal(shape).to_vector();  // masked places may hold anything
    const std::size_t part = numbers.size() / counts.size();
    for (std::size_t i = 0; i < numbers.size(); ++i)
      if (!counts[i / part]) numbers[i] = NAN;
    const Tensor x = tensor(numbers, shape, float64), mask = tensor(counts, its);
    const Layer norm = BatchNormalization({.momentum = 0, .dtype = float64});
    const Tensor y = norm(x, {.training = true, .mask = mask});
    check_same("mask", mask_of(y), mask);
    for (int64_t k = 0; k < 2; ++k) {
      std::vector<double> counted;
      for (const double v : feature(x, k))
        if (!std::isnan(v)) counted.push_back(v);
      const Moments m = moments(counted);
      BOOST_TEST(norm.weights()[2].element(k) == m.mean, boost::test_tools::tolerance(1e-6));
      BOOST_TEST(norm.weights()[3].element(k) == m.variance, boost::test_tools::tolerance(1e-6));
    }
    const Tensor all = reshape(mask, Shape{its.count(), 1});
    const Tensor counted = where(all, reshape(with_mask(y, {}), {its.count(), -1}), 0);
    for (const Tensor& g : gradient(sum(square(counted)), norm.trainable_weights()))
      BOOST_TEST(std::isfinite(sum(g).item()));
  }
}

BOOST_AUTO_TEST_CASE(each_step_of_training_moves_the_statistics_once) {
  set_seed(2);
  const Tensor x = cast(normal({6, 2}), float32) + 5, y = zeros({6, 1});
  Sequential model({BatchNormalization({.momentum = 0.5}), Dense({.units = 1})});
  model.compile({.optimizer = SGD({.learning_rate = 0.01}), .loss = "mse"});
  BOOST_TEST(model.evaluate(x, y).contains("loss"));
  const Tensor moving = model.weights()[2];
  BOOST_TEST(moving.path() == "batch_normalization/moving_mean");
  BOOST_TEST(sum(abs(moving)).item() == 0);  // neither building nor evaluation changes them
  model.fit(x, y, {.batch_size = 6, .validation_data = {x, y}, .verbose = 0});
  check_close("one step", moving, 0.5 * mean(x, 0), 1e-5);
  model.fit(x, y, {.batch_size = 6, .epochs = 2, .verbose = 0});
  check_close("three steps", moving, 0.875 * mean(x, 0), 1e-5);
  model.predict(x);
  check_close("after predict", moving, 0.875 * mean(x, 0), 1e-5);
  // In a loop of your own.
  const Tensor loss = mean(square(model(x, training)));
  gradient(loss, model.trainable_weights());
  check_close("four calls", moving, 0.9375 * mean(x, 0), 1e-5);
}

BOOST_AUTO_TEST_CASE(an_update_that_fails_moves_nothing) {
  Sequential model({BatchNormalization(), Dense({.units = 1})});
  const Tensor x = cast(normal({4, 2}), float32);
  model.build({{-1, 2}});
  model.compile({.optimizer = "sgd", .loss = Loss([](const Tensor&, const Tensor& p) {
                                       return mean(log(p * 0 - 1));
                                     })});
  const Tensor before = copy(model.weights()[2]);
  BOOST_TEST(error_of([&] {
               model.fit(x, ones({4, 1}), {.verbose = 0});
             })
                 .starts_with("Sequential.fit: the loss is NaN in epoch 1, batch 1.\n"
                              "  The weights are as they were before this batch."));
  check_same("moving_mean", model.weights()[2], before);

  // The moving statistics are restored before a cause is looked for: no weight was wrong before.
  model.compile({.optimizer = "sgd", .loss = "mse"});
  const Tensor spoilt = where(equal(arange(0, 8, 1), 3), NAN, ones({8}));
  const std::string text = error_of([&] {
    model.fit(reshape(spoilt, {4, 2}), ones({4, 1}), {.verbose = 0});
  });
  BOOST_TEST(text.ends_with("x of this batch holds NaN or infinite numbers; clean the data first."),
             text);
}

BOOST_AUTO_TEST_CASE(a_frozen_one_runs_as_after_training) {
  const Tensor x = cast(normal({4, 2}), float32);
  Sequential model({BatchNormalization(), Dense({.units = 1})});
  model.compile({.optimizer = "sgd", .loss = "mse"});
  model.fit(x, ones({4, 1}), {.verbose = 0});
  const Layer norm = model.layers()[0];
  norm.set_trainable(false);
  std::vector<Tensor> before;
  for (const Tensor& w : norm.weights()) before.push_back(copy(w));
  check_same("call", norm(x, training), norm(x));
  model.fit(x, ones({4, 1}), {.verbose = 0});
  for (std::size_t i = 0; i < 4; ++i) check_same("weight", norm.weights()[i], before[i]);
  norm.set_trainable(true);
  norm(x, training);
  BOOST_TEST(norm.weights()[2].to_vector() != before[2].to_vector());
}

BOOST_AUTO_TEST_CASE(a_file_holds_the_statistics_and_training_goes_on_with_them) {
  const std::string path = "/tmp/tempo_batch_normalization_test_" + std::to_string(getpid());
  const Tensor x = cast(normal({8, 3, 2}), float32), y = cast(normal({8, 3, 1}, 2), float32);
  set_seed(4);
  Sequential model({BatchNormalization({.momentum = 0.8}), Dense({.units = 1})});
  model.compile({.optimizer = "adam", .loss = "mse"});
  model.fit(x, y, {.batch_size = 4, .epochs = 2, .verbose = 0});
  model.save(path);
  Sequential loaded = load_model(path);
  std::remove(path.c_str());
  check_same("predict", loaded.predict(x), model.predict(x));
  model.fit(x, y, {.batch_size = 4, .epochs = 4, .initial_epoch = 2, .verbose = 0});
  loaded.fit(x, y, {.batch_size = 4, .epochs = 4, .initial_epoch = 2, .verbose = 0});
  for (std::size_t i = 0; i < model.weights().size(); ++i)
    check_same(model.weights()[i].path(), loaded.weights()[i], model.weights()[i]);
  BOOST_TEST(model.summary_text().find("Non-trainable params: 4 (") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_step_that_is_traced_cannot_move_statistics) {
  const Layer rnn = RNN(Layer(CellWithNorm()), {.return_sequences = true});
  BOOST_TEST(rnn(ones({2, 3, 2})).count() == 12);
  BOOST_TEST(error_of([&] {
               rnn(ones({2, 3, 2}), training);
             }) ==
             "assign: weight `inner/moving_mean` cannot change while a step is traced.\n"
             "  This happened in step of rnn/cell_with_norm (CellWithNorm).");
}
