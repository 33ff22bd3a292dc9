// SPDX-License-Identifier: Apache-2.0
// Several threads use one built model at once: each gets the results that one thread gets, bit for
// bit.
#define BOOST_TEST_MODULE threads
#include <atomic>
#include <functional>
#include <mutex>
#include <set>
#include <thread>

#include <tempo/layers.hpp>
#include <tempo/tempo.hpp>

#include "testing.hpp"

using namespace tempo;
using namespace tempo::testing;

namespace {

constexpr int64_t features = 4;

Tensor samples(int64_t n, int64_t time = 5) {
  return cast(normal({n, time, features}, n), float32);
}

/// Runs f(thread) on n threads at once; returns the texts of their errors.
std::vector<std::string> at_once(int n, const std::function<void(int)>& f) {
  std::atomic<int> ready{0};
  std::mutex mutex;
  std::vector<std::string> errors;
  std::vector<std::thread> all;
  for (int i = 0; i < n; ++i)
    all.emplace_back([&, i] {
      ++ready;
      while (ready < n) std::this_thread::yield();
      try {
        f(i);
      } catch (const std::exception& e) {
        const std::lock_guard lock(mutex);
        errors.push_back(e.what());
      }
    });
  for (std::thread& t : all) t.join();
  return errors;
}

void all_went_well(const std::vector<std::string>& errors) {
  for (const std::string& error : errors) BOOST_ERROR(error);
}

/// Whether a has the bits of b. Boost's own checks may be used on one thread only.
bool same(const Tensor& a, const Tensor& b) {
  return a.shape() == b.shape() && a.to_vector() == b.to_vector();
}

Sequential model_of(const std::string& kind) {
  const std::vector<Layer> rest{Dense({.units = 3}), Dropout({.rate = 0.3})};
  std::vector<Layer> layers;
  if (kind == "LSTM") layers = {LSTM({.units = 6})};
  if (kind == "GRU") layers = {GRU({.units = 6, .return_sequences = true}), GRU({.units = 4})};
  if (kind == "SimpleRNN") layers = {SimpleRNN({.units = 6, .recompute = true})};
  if (kind == "Bidirectional") layers = {Bidirectional(LSTM({.units = 5}))};
  if (kind == "RNN of a cell") layers = {RNN(cell("LSTM", {{"units", 6}}))};
  if (kind == "masked") layers = {Masking(), LSTM({.units = 6})};
  layers.insert(layers.end(), rest.begin(), rest.end());
  Sequential model(layers);
  model.build({{-1, -1, features}});
  model.compile({.optimizer = SGD(), .loss = "mse", .metrics = {"mae"}});
  return model;
}

const char* const kinds[] = {"LSTM",          "GRU",           "SimpleRNN",
                             "Bidirectional", "RNN of a cell", "masked"};

// More than the traced steps that a layer keeps, so that some are dropped while others run.
constexpr int64_t most = 40;

}  // namespace

BOOST_AUTO_TEST_CASE(predict_with_varying_batch_sizes) {
  for (const char* kind : kinds) {
    const Sequential model = model_of(kind);
    std::vector<Tensor> x(1), expected(1);
    for (int64_t n = 1; n <= most; ++n) x.push_back(samples(n));
    const Sequential single = model_of(kind);
    for (std::size_t i = 0; i < model.weights().size(); ++i)
      assign(single.weights()[i], model.weights()[i]);
    for (int64_t n = 1; n <= most; ++n)
      expected.push_back(single.predict(x[static_cast<std::size_t>(n)]));
    std::atomic<int> wrong{0};
    all_went_well(at_once(4, [&](int thread) {
      for (int round = 0; round < 3; ++round)
        for (int64_t k = 0; k < most; ++k) {
          const auto n = static_cast<std::size_t>((7 * k + 11 * thread + round) % most + 1);
          wrong += !same(model.predict(x[n]), expected[n]);
        }
    }));
    BOOST_TEST(wrong == 0, kind << ": " << wrong << " of the predictions differ");
  }
}

BOOST_AUTO_TEST_CASE(calls_with_equal_shapes_and_their_gradients) {
  for (const char* kind : kinds) {
    const Sequential model = model_of(kind);
    const Tensor x = samples(8);
    const auto gradients = [&] { return gradient(sum(model(x)), model.trainable_weights()); };
    const Tensor expected = model(x);
    const Tensors expected_gradients = gradients();
    std::atomic<int> wrong{0};
    all_went_well(at_once(4, [&](int) {
      for (int round = 0; round < 20; ++round) {
        wrong += !same(model(x), expected);
        const Tensors got = gradients();
        for (std::size_t i = 0; i < got.size(); ++i) wrong += !same(got[i], expected_gradients[i]);
        const NoGradient off;
        wrong += !same(model(x), expected);
      }
    }));
    BOOST_TEST(wrong == 0, kind << ": " << wrong << " differ");
  }
}

BOOST_AUTO_TEST_CASE(one_graph_is_walked_by_many) {
  const Sequential model = model_of("GRU");
  const Tensor loss = sum(square(model(samples(3))));
  const Tensors weights = model.trainable_weights(), expected = gradient(loss, weights);
  std::atomic<int> wrong{0};
  all_went_well(at_once(4, [&](int) {
    for (int round = 0; round < 10; ++round) {
      const Tensors got = gradient(loss, weights);
      for (std::size_t i = 0; i < got.size(); ++i) wrong += !same(got[i], expected[i]);
    }
  }));
  BOOST_TEST(wrong == 0);
}

// The threads' first calls come at the same time: one of them builds, the others wait for it.
BOOST_AUTO_TEST_CASE(the_first_call_builds_once) {
  for (int round = 0; round < 50; ++round) {
    const Sequential model({LSTM({.units = 6, .return_sequences = true}),
                            Bidirectional(GRU({.units = 3})), Dense({.units = 2})});
    const Tensor x = samples(2 + round % 3);
    std::vector<Tensor> got(4);
    all_went_well(at_once(4, [&](int i) { got[static_cast<std::size_t>(i)] = model(x); }));
    for (const Tensor& y : got) BOOST_TEST(same(y, got[0]));
    BOOST_TEST(model.weights().size() == 3u + 6u + 2u);
    BOOST_TEST(model.input_shapes().size() == 1u);
  }
}

// A model that a function calls, and that is not in its list, is made a layer once: that gives
// names to what the other threads call.
BOOST_AUTO_TEST_CASE(a_frozen_model_is_called_in_a_function) {
  for (const bool built : {false, true})
    for (int round = 0; round < 20; ++round) {
      std::vector<Layer> layers;
      for (int i = 0; i < 6; ++i) layers.push_back(Dense({.units = features}));
      Sequential inner(layers);
      const Layer head = Dense({.units = 1});
      const Tensor x = take(samples(2), 0, 1), expected = head(inner(x));
      inner.set_trainable(false);
      const Model model({head}, [=](const Tensors& in) { return head(inner(in[0])); });
      if (built) model(x);
      std::atomic<int> wrong{0};
      all_went_well(at_once(4, [&](int) {
        for (int call = 0; call < 50; ++call) wrong += !same(model.predict(x), expected);
      }));
      BOOST_TEST(wrong == 0);
    }
}

BOOST_AUTO_TEST_CASE(a_build_that_fails_is_tried_again_by_the_next) {
  const Layer lstm = LSTM({.units = 6});
  const Tensor bad = zeros({2}), good = samples(2);
  for (int round = 0; round < 20; ++round) {
    const std::vector<std::string> errors = at_once(4, [&](int i) { lstm(i % 2 ? good : bad); });
    BOOST_TEST(errors.size() == 2u);
    BOOST_TEST(lstm.weights().size() == 3u);
  }
}

BOOST_AUTO_TEST_CASE(a_stream_for_each_thread) {
  const Sequential model({GRU({.units = 6, .return_sequences = true}), Dense({.units = 2})});
  const Tensor x = samples(1, 30);
  const std::vector<double> whole = model(x).to_vector();
  std::atomic<int> wrong{0};
  all_went_well(at_once(4, [&](int) {
    for (int round = 0; round < 5; ++round) {
      Stream stream(model);
      for (int64_t t = 0; t < 30; ++t) {
        float y[2];
        stream.step(std::span(x.data<float>() + t * features, features), y);
        for (int k = 0; k < 2; ++k)
          wrong += std::abs(y[k] - whole[static_cast<std::size_t>(2 * t + k)]) > 1e-5;
      }
    }
  }));
  BOOST_TEST(wrong == 0);
}

BOOST_AUTO_TEST_CASE(a_stream_refuses_a_second_thread_in_the_middle_of_a_step) {
  const Sequential model({LSTM({.units = 200})});
  model(samples(1, 2));
  Stream stream(model);
  std::atomic<bool> refused{false};
  const std::vector<std::string> errors = at_once(2, [&](int) {
    const std::vector<float> x(features);
    std::vector<float> y(200);
    try {
      for (int i = 0; i < 1000000 && !refused; ++i) stream.step(x, y);
    } catch (...) {
      refused = true;
      throw;
    }
  });
  BOOST_TEST_REQUIRE(!errors.empty());
  for (const std::string& e : errors)
    BOOST_TEST(e ==
               "Stream: another thread is in the middle of a step of it.\n  Give each thread a "
               "Stream of its own; several of one model may run side by side.");
}

BOOST_AUTO_TEST_CASE(models_are_trained_side_by_side) {
  const auto trained = [](int64_t seed) {
    Sequential model({LSTM({.units = 6,
                            .kernel_initializer = glorot_uniform({.seed = seed}),
                            .recurrent_initializer = orthogonal({.seed = seed})}),
                      Dropout({.rate = 0.2, .seed = seed}),
                      Dense({.units = 1, .kernel_initializer = glorot_uniform({.seed = seed})})});
    model.compile({.optimizer = Adam(), .loss = "mse"});
    const Tensor x = samples(20), y = sum(sum(x, -1), -1, true);
    model.fit(x, y, {.batch_size = 7, .epochs = 3, .seed = seed, .verbose = 0});
    return model.predict(x);
  };
  std::vector<Tensor> expected, got(4);
  for (int i = 0; i < 4; ++i) expected.push_back(trained(i));
  all_went_well(at_once(4, [&](int i) { got[static_cast<std::size_t>(i)] = trained(i); }));
  for (std::size_t i = 0; i < 4; ++i) BOOST_TEST(same(got[i], expected[i]), "model " << i);
}

BOOST_AUTO_TEST_CASE(numbers_are_drawn_once_and_of_one_seed) {
  std::vector<std::vector<double>> drawn(4);
  set_seed(3);
  all_went_well(at_once(4, [&](int i) {
    for (int round = 0; round < 200; ++round)
      drawn[static_cast<std::size_t>(i)].push_back(randn({1}).item());
  }));
  std::set<double> all;
  for (const auto& of_one : drawn) all.insert(of_one.begin(), of_one.end());
  BOOST_TEST(all.size() == 800u);

  std::set<double> known;  // of the seeds 1 and 2
  for (int64_t seed : {1, 2}) {
    set_seed(seed);
    for (int i = 0; i < 2000; ++i) known.insert(randn({1}).item());
  }
  std::atomic<int> foreign{0};
  set_seed(1);
  all_went_well(at_once(2, [&](int i) {
    for (int round = 0; round < 500; ++round)
      if (i)
        set_seed(1 + round % 2);
      else
        foreign += !known.contains(randn({1}).item());
  }));
  BOOST_TEST(foreign == 0);
}

BOOST_AUTO_TEST_CASE(the_number_of_threads_may_change_meanwhile) {
  const Threads back(threads());
  const Sequential model = model_of("LSTM");
  const Tensor x = samples(64, 20), expected = model.predict(x);
  std::atomic<int> wrong{0};
  all_went_well(at_once(3, [&](int i) {
    for (int round = 0; round < 30; ++round)
      if (i == 0)
        set_threads(1 + round % 4);
      else
        wrong += !same(model.predict(x), expected);
  }));
  BOOST_TEST(wrong == 0);
}

BOOST_AUTO_TEST_CASE(plugins_are_loaded_by_whoever_asks_first) {
  std::atomic<int> made{0};
  all_went_well(at_once(4, [&](int) {
    for (const char* name : {"LSTM", "GRU", "Dense", "SimpleRNN"})
      made += layer(name, {{"units", 2}}).type_name() == name;
    all_plugins();
  }));
  BOOST_TEST(made == 16);
}

// Two threads cannot share the state with which its calls go on.
BOOST_AUTO_TEST_CASE(a_stateful_layer_is_one_threads) {
  const Layer lstm = LSTM({.units = 32, .stateful = true});
  const Tensor x = samples(8, 200);
  lstm(x);
  const std::vector<std::string> errors = at_once(4, [&](int) {
    for (int round = 0; round < 50; ++round) lstm(x);
  });
  for (const std::string& error : errors)
    BOOST_TEST(error.find("another thread is in the middle of a call of it") != error.npos, error);
  lstm(x);  // it is as before
}
