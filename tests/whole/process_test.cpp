// SPDX-License-Identifier: Apache-2.0
// A process may fork at any point, and child and parent go on.
#define BOOST_TEST_MODULE process
#include <atomic>
#include <thread>

#include "children.hpp"

using namespace tempo;
using namespace tempo::testing;

// ThreadSanitizer does not follow threads that the child of a process of several threads starts.
constexpr bool child_may_start_threads = !TEMPO_THREAD_SANITIZER;

// Before anything else in this program uses the pool of threads.
BOOST_AUTO_TEST_CASE(a_fork_before_use) {
  child_is_right("the child has threads of its own", [] {
    set_threads(3);
    if (threads() != 3) return wrong;
    const Layer both = long_scans();
    const NoGradient off;
    return std::isfinite(both(long_sequence()).element(0)) ? right : wrong;
  });
}

BOOST_AUTO_TEST_CASE(a_fork_after_use) {
  const Threads two(2);
  const Layer both = long_scans();
  const Tensor x = long_sequence();
  const std::vector<double> expected = both(x).to_vector(), fitted = trained();
  child_is_right("exit", [&] { return right; });
  child_is_right("two scans beside one another",
                 [&] { return both(x).to_vector() == expected ? right : wrong; });
  child_is_right("scans that nobody reads", [&] {
    const Tensor first = both(x), second = both(x);
    return right;
  });
  child_is_right("training", [&] { return trained() == fitted ? right : wrong; });
  if (child_may_start_threads)
    child_is_right("threads of the child", [&] {
      set_threads(4);
      std::vector<double> got[3];
      std::vector<std::thread> all;
      for (auto& mine : got) all.emplace_back([&] { mine = both(x).to_vector(); });
      for (std::thread& t : all) t.join();
      for (const auto& mine : got)
        if (mine != expected) return wrong;
      return trained() == fitted ? right : wrong;
    });
  child_is_right("a child of the child", [&] {
    return child([&] { return both(x).to_vector() == expected ? right : wrong; }) == "ended with 0"
               ? right
               : wrong;
  });
}

// Batches of a range are made ahead on a thread that the child does not have.
BOOST_AUTO_TEST_CASE(a_fork_in_a_callback_of_fit) {
  const std::vector<Batch> batches(
      6, {.x = cast(normal({4, 3}), float32), .y = cast(normal({4, 1}), float32)});
  const auto losses = [&](int64_t prefetch, const std::function<void()>& at_second) {
    set_seed(3);
    Sequential model({Dense({.units = 1})});
    model.compile({.optimizer = SGD(), .loss = "mse"});
    const LambdaCallback look({.on_train_batch_end = [&](int64_t batch, const Logs&) {
      if (batch == 1) at_second();
    }});
    return model.fit(
        batches, {.epochs = 2, .callbacks = {look}, .prefetch = prefetch, .verbose = 0})["loss"];
  };
  const std::vector<double> expected = losses(0, [] {});
  const auto fork_in = [&](int64_t prefetch) {
    bool forked = false;
    pid_t pid = -1;
    std::string refusal;
    std::vector<double> got;
    const auto fit = [&] {
      got = losses(prefetch, [&] {
        if (!forked) pid = ::fork();
        forked = true;
      });
    };
    try {
      fit();
    } catch (const Error& e) {
      refusal = e.what();
    }
    if (pid == 0)
      std::exit(prefetch == 0 ? (got == expected ? right : wrong)
                              : (refusal.find("forked") != std::string::npos &&
                                         refusal.find(".prefetch = 0") != std::string::npos &&
                                         (!child_may_start_threads || losses(2, [] {}) == expected)
                                     ? right
                                     : wrong));
    BOOST_TEST(refusal == "");
    BOOST_TEST(got == expected);
    return ended(pid);
  };
  for (const int64_t prefetch : {0, 2}) BOOST_TEST(fork_in(prefetch) == "ended with 0");
}

// The scan is under way on another thread, left for later, or done: the child reads the same.
BOOST_AUTO_TEST_CASE(a_scan_that_runs_at_the_fork) {
  const Threads two(2);
  const Layer lstm = LSTM({.units = 160, .return_sequences = true});
  const Tensor x = samples(1, 400, 40);
  const NoGradient off;
  const std::vector<double> expected = lstm(x).to_vector();
  for (int round = 0; round < 8; ++round) {
    const Tensor running = lstm(x), left = lstm(x);  // the second one makes the first begin
    ::usleep(static_cast<useconds_t>(300 * round));
    child_is_right("read after " + std::to_string(300 * round) + " us", [&] {
      return running.to_vector() == expected && left.to_vector() == expected ? right : wrong;
    });
    BOOST_TEST(running.to_vector() == expected);
  }
}

BOOST_AUTO_TEST_CASE(a_fork_from_a_thread) {
  const Threads two(2);
  const Layer both = long_scans();
  const Tensor x = long_sequence();
  std::string outcome;
  std::thread([&] {
    const NoGradient off;
    const std::vector<double> expected = both(x).to_vector();
    outcome = child([&] { return both(x).to_vector() == expected ? right : wrong; });
  }).join();
  BOOST_TEST(outcome == "ended with 0");
}

#if !TEMPO_ADDRESS_SANITIZER  // a child may wait for a lock of its allocator, without Tempo, too
// Other threads may be in the middle of anything: a trace, a plan, a draw, a block of memory.
BOOST_AUTO_TEST_CASE(forks_while_others_work) {
  const Threads two(2);
  std::atomic<bool> stop{false};
  std::vector<std::thread> others;
  others.emplace_back([&] {
    while (!stop) trained();
  });
  others.emplace_back([&] {
    for (int64_t n = 1; !stop; ++n) {  // another step is traced and planned each time
      const Layer gru = GRU({.units = static_cast<int>(1 + n % 50)});
      const Tensor y = gru(samples(1 + n % 7, 3, 4)) + randn({1});
      (void)gradient(sum(y), gru.weights());
    }
  });
  others.emplace_back([&] {
    while (!stop) own_regularizer("theirs", [](const Tensor& w) { return sum(w); });
  });
  const Layer both = long_scans();
  const Tensor x = long_sequence();
  const NoGradient off;
  const std::vector<double> expected = both(x).to_vector(), fitted = trained();
  for (int round = 0; round < 40; ++round)
    child_is_right("round " + std::to_string(round), [&] {
      if (both(x).to_vector() != expected) return wrong;
      own_regularizer("mine", [](const Tensor& w) { return sum(w); });
      return trained() == fitted ? right : wrong;
    });
  stop = true;
  for (std::thread& t : others) t.join();
}
#endif

namespace {

std::atomic<bool> building{false}, go_on{false};

struct NoOptions {};
void describe(auto&, NoOptions&) {}

struct Slow : LayerOf<NoOptions> {
  using LayerOf::LayerOf;
  void build(Weights&, const Shape&) {
    building = true;
    while (!go_on) ::usleep(1000);
  }
  Tensor call(const Tensor& x, const CallOptions&) { return x; }
};

}  // namespace

BOOST_AUTO_TEST_CASE(a_layer_that_is_built_at_the_fork_is_an_error) {
  const Layer slow = Slow();
  std::thread other([&] { slow(ones({1, 1})); });
  while (!building) ::usleep(1000);
  child_is_right("the child is told", [&] {
    const std::string error = error_of([&] { slow(ones({1, 1})); });
    return error.find("when this process was forked") != error.npos ? right : wrong;
  });
  go_on = true;
  other.join();
  slow(ones({1, 1}));
}

namespace {

struct Computes {
  ~Computes() { (void)(model ? model(samples(2, 5, 6)) : ones({2}) + 1).to_vector(); }
  Layer model = {};
};
struct Fails {
  ~Fails() {
    if (error_of([] { zeros({2, 3}) + zeros({4, 5}); }).find("[4, 5]") == std::string::npos)
      std::abort();
  }
};

}  // namespace

// They are destroyed after the thread's own objects, and may use everything.
BOOST_AUTO_TEST_CASE(objects_with_static_lifetime) {
  for (const bool after_use : {false, true})
    child_is_right(after_use ? "made after use" : "made before use", [&] {
      const auto use = [] {
        (void)trained();
        (void)error_of([] { zeros({2, 3}) + zeros({4, 5}); });
      };
      if (after_use) use();
      static Layer layer, cell;
      static Sequential model;
      static Tensor tensor, waits;
      static Optimizer optimizer;
      static std::vector<Stream> streams;
      static EarlyStopping callback({.monitor = "loss"});
      static Loss loss = "mse";
      static Metric metric = "mae";
      static Computes computes;
      static Fails fails;
      use();
      layer = LSTM({.units = 4});
      layer(samples(2, 5, 6));
      computes.model = layer;
      cell = tempo::cell("GRU", {{"units", 3}});
      model = Sequential({GRU({.units = 4, .return_sequences = true}), Dense({.units = 2})});
      tensor = sum(model(samples(2, 5, 6)));
      waits = long_scans()(long_sequence());
      optimizer = Adam();
      optimizer.step(model.trainable_weights(), gradient(tensor, model.trainable_weights()));
      streams.emplace_back(model);
      metric.update(ones({2, 1}), zeros({2, 1}));
      (void)error_of([] { zeros({2, 3}) + zeros({4, 5}); });
      return right;
    });
}

BOOST_AUTO_TEST_CASE(thread_local_objects) {
  const Threads two(2);
  std::thread([] {
    thread_local Layer layer;
    thread_local Tensor tensor;
    thread_local Fails fails;
    (void)&fails;
    layer = long_scans();
    tensor = layer(long_sequence());
    (void)error_of([] { zeros({2, 3}) + zeros({4, 5}); });
  }).join();
}
