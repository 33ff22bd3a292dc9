// SPDX-License-Identifier: Apache-2.0
// Work that is left for later: long scans that leave threads idle run side by side, without any
// difference to a reader.
#define BOOST_TEST_MODULE deferred
#include <unistd.h>

#include <cstdio>
#include <thread>

#include <tempo/io.hpp>
#include <tempo/layers.hpp>
#include <tempo/optimizer.hpp>

#include "graph/value.hpp"
#include "tensor/parallel.hpp"
#include "testing.hpp"

using namespace tempo;
using namespace tempo::testing;

namespace {

bool is_done(const Tensor& x) { return x.handle()->array.done(); }

Tensor sequence(int64_t batch, int64_t features) {
  return cast(normal({batch, 60, features}), float32);
}

struct Run {
  Tensor y;
  Tensors gradients;
};

Run run(const Layer& layer, const Tensor& x) {
  const Tensor y = layer(x);
  Tensors to = layer.trainable_weights();
  to.push_back(x);
  return {y, gradient(mean(square(y)), to)};
}

// A step that looks up a table: a missing index is an error of the run, not of the call.
Tensor looked_up(const Tensor& index) {
  const Tensor table = cast(normal({4, 192}), float32);
  const Tensor u = 0.1f * cast(normal({192, 192}, 2), float32);
  const auto step = [&](const Tensor& i, const State& s) {
    Tensor next = tanh(gather(table, i) + matmul(s[0], u));
    return Step{next, {next}};
  };
  return scan(step, index, {zeros({1, 192}, float32)}).output;
}

}  // namespace

BOOST_AUTO_TEST_CASE(both_directions_have_the_same_bits_on_any_number_of_threads) {
  for (const int64_t batch : {1, 4}) {
    const Tensor x = parameter(sequence(batch, 40));
    const Layer both = Bidirectional(LSTM({.units = 160, .return_sequences = true})),
                last = Bidirectional(GRU({.units = 192}), {.merge_mode = "sum"});
    for (const Layer& layer : {both, last}) {
      Run expected;
      for (const int n : {1, 2, 3}) {
        const Threads here(n);
        const Run got = run(layer, x);
        if (n == 1) expected = got;
        const std::string what = "batch " + std::to_string(batch) + " on " + std::to_string(n);
        check_same(what + ": y", got.y, expected.y);
        for (std::size_t i = 0; i < got.gradients.size(); ++i)
          check_same(what + ": gradient " + std::to_string(i), got.gradients[i],
                     expected.gradients[i]);
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(a_long_scan_waits_for_its_reader_where_a_thread_is_idle) {
  const Layer lstm = LSTM({.units = 160, .return_sequences = true}),
              tiny = SimpleRNN({.units = 10});
  const Tensor x = sequence(1, 40);
  {
    const Threads one(1);
    BOOST_CHECK(is_done(lstm(x)));
  }
  const Threads two(2);
  BOOST_CHECK(is_done(tiny(x)));
  const Tensor y = lstm(x);
  BOOST_CHECK(!is_done(y));
  BOOST_CHECK_EQUAL(to_string(y.shape()), "[1, 60, 160]");  // this does not read it
  BOOST_CHECK(!is_done(y));
  y.element(0);
  BOOST_CHECK(is_done(y));
}

BOOST_AUTO_TEST_CASE(what_was_left_begins_on_another_thread_when_more_is_left) {
  const Threads two(2);
  std::atomic<bool> begun{false};
  std::thread::id first;
  Array a[] = {Array(float32, {1})}, b[] = {Array(float32, {1})};
  defer(a, [&, to = a[0].place()] {
    first = std::this_thread::get_id();
    *to.as<float>() = 1;
    begun = true;
    begun.notify_all();
  });
  BOOST_CHECK(!a[0].done());
  defer(b, [&, to = b[0].place()] { *to.as<float>() = 2; });
  BOOST_CHECK(!b[0].done());
  begun.wait(false);
  BOOST_CHECK_EQUAL(*a[0].as<float>(), 1);
  BOOST_CHECK(first != std::this_thread::get_id());
  BOOST_CHECK_EQUAL(*b[0].as<float>(), 2);
}

BOOST_AUTO_TEST_CASE(a_file_waits_for_what_it_writes) {
  const Threads two(2);
  const Tensor y = LSTM({.units = 160, .return_sequences = true})(sequence(1, 40));
  BOOST_REQUIRE(!is_done(y));
  const std::string path = "/tmp/tempo_deferred_" + std::to_string(::getpid()) + ".npy";
  save_npy(path, y);
  check_same("read back", load_npy(path), y);
  std::remove(path.c_str());
}

BOOST_AUTO_TEST_CASE(weights_that_change_do_not_change_what_waits) {
  const Layer lstm = LSTM({.units = 160});
  const Tensor x = sequence(1, 40);
  const Run before = [&] {
    const Threads one(1);
    return run(lstm, parameter(x));
  }();
  const Threads two(2);
  const NoGradient off;
  const Tensor assigned = lstm(x);
  const Tensors weights = lstm.trainable_weights();
  std::vector<Tensor> values;
  for (const Tensor& w : weights) values.push_back(1 * w);
  for (const Tensor& w : weights) assign(w, zeros_like(w));
  check_same("after assign", assigned, before.y);

  for (std::size_t i = 0; i < weights.size(); ++i) assign(weights[i], 1 * values[i]);
  values.clear();
  const Tensor updated = lstm(x);
  SGD sgd({.learning_rate = 1.0});
  sgd.step(weights, Tensors(before.gradients.begin(), before.gradients.end() - 1));
  check_same("after an update in place", updated, before.y);
}

BOOST_AUTO_TEST_CASE(an_error_reaches_all_who_read) {
  const std::vector<int64_t> outside(1000, 4);
  const Tensor index = tensor(outside, {1, 1000});
  std::string at_once;
  {
    const Threads one(1);
    at_once = error_of([&] { looked_up(index); });
  }
  BOOST_REQUIRE(at_once.find("gather") != std::string::npos);
  const Threads two(2);
  const Tensor y = looked_up(index);
  const auto text_of = [](auto f) {
    const std::string text = error_of(f);
    return text.substr(std::min(text.size(), text.find("gather")));
  };
  const std::string expected = at_once.substr(at_once.find("gather"));
  BOOST_CHECK_EQUAL(text_of([&] { y.element(0); }), expected);
  BOOST_CHECK_EQUAL(text_of([&] { y.data<float>(); }), expected);
  BOOST_CHECK_EQUAL(text_of([&] { tanh(y); }), expected);
  const Tensor good = looked_up(zeros({1, 1000}, int64));
  BOOST_CHECK(std::isfinite(good.element(0)));
}

BOOST_AUTO_TEST_CASE(a_view_says_whether_there_is_data_to_read) {
  const Threads two(2);
  const Layer lstm = LSTM({.units = 160});
  const Tensor y = lstm(sequence(1, 40));
  BOOST_REQUIRE(!is_done(y));
  BOOST_CHECK(y.view().flags & TEMPO_PENDING);
  BOOST_REQUIRE(sdk::host().finish(y.handle()) == TEMPO_OK);
  BOOST_CHECK(is_done(y));
  const tempo_view ready = y.view();
  BOOST_CHECK(!(ready.flags & TEMPO_PENDING));
  BOOST_CHECK_EQUAL(static_cast<const float*>(ready.data)[0], static_cast<float>(y.element(0)));
}
