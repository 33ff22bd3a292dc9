// SPDX-License-Identifier: Apache-2.0
// A process may end at any point. The program itself starts no thread and never uses Tempo, so that
// its children are as fresh as a new program.
#define BOOST_TEST_MODULE exit
#include <thread>

#include "children.hpp"

using namespace tempo;
using namespace tempo::testing;

namespace {

class Exits : public Callback {
 public:
  explicit Exits(bool quick) : quick_(quick) {}
  void on_train_batch_end(int64_t number, const Logs&) override {
    if (number == 2) quick_ ? std::quick_exit(right) : std::exit(right);
  }

 private:
  bool quick_;
};

void fit_that_exits(bool quick) {
  Sequential model = small_model();
  const Tensor x = samples(64, 20, 6), y = sum(sum(x, -1), -1, true);
  model.fit(x, y, {.batch_size = 4, .callbacks = {Exits(quick)}, .verbose = 0});
}

}  // namespace

BOOST_AUTO_TEST_CASE(exits_at_any_point) {
  for (const bool used_before : {true, false}) {
    const std::string when = used_before ? ", after use" : "";
    const auto ends_right = [&](const std::string& what, const std::function<int()>& f) {
      child_is_right(what + when, [&] {
        const Threads two(2);
        if (used_before) (void)long_scans()(long_sequence()).to_vector();
        return f();
      });
    };
    for (const bool quick : {false, true})
      ends_right(quick ? "quick_exit in a callback" : "exit in a callback", [&] {
        fit_that_exits(quick);
        return wrong;
      });
    ends_right("exit in a thread", [&] {
      std::thread([] { fit_that_exits(false); }).join();
      return wrong;
    });
    ends_right("exit while threads train", [&] {
      for (int i = 0; i < 3; ++i)
        std::thread([] {
          for (;;) trained();
        }).detach();
      std::thread([] {
        const Tensor a = ones({300, 300}, float64);
        for (;;) (void)matmul(a, a).element(0);
      }).detach();
      ::usleep(20000);
      return right;
    });
    ends_right("scans are left in a thread that has ended", [&] {
      Tensor left;
      std::thread([&] { left = long_scans()(long_sequence()); }).join();
      return std::isfinite(left.element(0)) ? right : wrong;
    });
  }
}
