// SPDX-License-Identifier: Apache-2.0
// A step of elementwise ops on few rows runs as channels, tile by tile of several steps, with the
// same bits on any number of threads.
#define BOOST_TEST_MODULE channels
#include <functional>

#include <tempo/scan.hpp>

#include "program_passes.hpp"
#include "scan/explain.hpp"

using namespace tempo;
using namespace tempo::testing;

namespace {

Tensor number(const Shape& shape, int64_t key) { return parameter(normal(shape, key)); }

struct Row {
  const char* what;
  std::function<Step(const Tensors& x, const State& s)> step;
  Tensors x, state;
  bool channels = true, gradient = true;  // whether these Programs run as channels
};

// With 40 channels, a tile has 12 steps.
std::vector<Row> rows(int64_t time, int64_t units = 40) {
  const Tensor a = number({1, time, units}, 1), b = number({1, time, units}, 2),
               h = number({1, units}, 3), g = number({1, units}, 4), u = number({units}, 5),
               twice = number({2 * units}, 14), many = number({3, time, 2}, 7),
               of_many = number({3, 2}, 8);
  return {
      {"a linear recurrence",
       [](const Tensors& x, const State& s) {
         const Tensor next = sigmoid(x[0]) * s[0] + x[1];
         return Step{next, {next}};
       },
       {a, b},
       {h}},
      {"parts of one input",
       [](const Tensors& x, const State& s) {
         auto [z, c] = split<2>(x[0]);
         const Tensor gate = sigmoid(z), next = (1 - gate) * s[0] + gate * c;
         return Step{next, {next}};
       },
       {number({1, time, 2 * units}, 6)},
       {h}},
      {"a bias of both parts",
       [twice](const Tensors& x, const State& s) {
         auto [z, c] = split<2>(x[0] + twice);
         const Tensor gate = sigmoid(z), next = (1 - gate) * s[0] + gate * c;
         return Step{next, {next}};
       },
       {number({1, time, 2 * units}, 6)},
       {h}},
      {"a state of two parts",
       [](const Tensors& x, const State& s) {
         auto [re, im] = split<2>(s[0]);
         const Tensor next_re = tanh(0.5 * re - im + x[0]), next_im = tanh(0.5 * im + re);
         return Step{next_re, {concat({next_re, next_im})}};
       },
       {a},
       {number({1, 2 * units}, 13)},
       true,
       false},
      {"two states that read each other",
       [u](const Tensors& x, const State& s) {
         const Tensor re = u * s[0] - 0.5 * s[1], im = u * s[1] + 0.5 * s[0];
         return Step{re * im, {tanh(re + x[0]), tanh(im + x[1])}};
       },
       {a, b},
       {h, g}},
      {"a state and its next one under other shapes",
       [units](const Tensors& x, const State& s) {
         const Tensor now = reshape(s[0], {1, 1, units});
         const Tensor next = tanh(reshape(x[0], {1, 1, units}) + 0.5 * now);
         return Step{next * now, {reshape(next, {1, units})}};
       },
       {a},
       {h}},
      {"two rows that each read both, as one row",
       [units](const Tensors& x, const State& s) {
         const Tensor next = tanh(x[0] + 0.5 * s[0]), all = reshape(next, {1, 2 * units});
         return Step{next, {next, tanh(x[1] * all + 0.5 * s[1])}};
       },
       {number({2, time, units}, 15), number({2, time, 2 * units}, 16)},
       {number({2, units}, 17), number({2, 2 * units}, 18)},
       false,
       false},
      {"an output of the state before the step",
       [](const Tensors& x, const State& s) {
         const Tensor next = tanh(x[0] + 0.5 * s[0]);
         return Step{s[0], {next}};
       },
       {a},
       {h}},
      {"what is made of the state before the step and not read by the next one",
       [](const Tensors& x, const State& s) {
         const Tensor next = tanh(x[0] + 0.5 * s[0]);
         return Step{sin(s[0]) * x[1] + square(s[0]), {next}};
       },
       {a, b},
       {h}},
      {"a state that stays",
       [](const Tensors& x, const State& s) {
         const Tensor next = tanh(x[0] * s[1] + 0.5 * s[0]);
         return Step{next, {next, s[1]}};
       },
       {a},
       {h, g}},
      {"one number for each step, and a condition",
       [](const Tensors& x, const State& s) {
         const Tensor next = where(x[1] > 0, tanh(x[0] + 0.5 * s[0]), s[0] * x[1]);
         return Step{next, {next}};
       },
       {a, number({1, time, 1}, 9)},
       {h},
       true,
       false},
      {"some rows side by side",
       [](const Tensors& x, const State& s) {
         const Tensor next = tanh(x[0] + 0.5 * s[0]);
         return Step{next + s[0], {next}};
       },
       {many},
       {of_many}},
      {"some rows of two parts, with a number for each",
       [u](const Tensors& x, const State& s) {
         auto [z, c] = split<2>(x[0]);
         const Tensor next = sigmoid(z + u) * s[0] + c * x[1];
         return Step{next, {next}};
       },
       {number({3, time, 2 * units}, 10), number({3, time, 1}, 11)},
       {number({3, units}, 12)},
       true,
       false},
      {"states that change places",
       [](const Tensors& x, const State& s) {
         return Step{s[0] * s[1], {s[1], tanh(s[0] + x[0])}};
       },
       {a},
       {h, g},
       false,
       false},
      {"bytes of which nobody reads a half, before a state",
       [units](const Tensors& x, const State& s) {
         const Tensor from = sigmoid(x[0]), positive = s[1] > 0;
         const Tensor next = where(slice(positive, -1, 0, units), s[0], from);
         return Step{next * s[0], {next, 0.9 * s[1] + x[1]}};
       },
       {a, number({1, time, 2 * units}, 15)},
       {h, number({1, 2 * units}, 16)},
       true,
       false},
      {"a fold",
       [](const Tensors& x, const State& s) {
         const Tensor next = tanh(x[0] + mean(s[0], -1, true));
         return Step{next, {next}};
       },
       {a},
       {h},
       false,
       false},
  };
}

Tensors results(const Row& row, ScanOptions options, bool with_gradients) {
  const Scanned done = scan(row.step, row.x, row.state, options);
  Tensors all{done.output};
  all.insert(all.end(), done.state.begin(), done.state.end());
  if (!with_gradients) return all;
  Tensors of = row.x;
  of.insert(of.end(), row.state.begin(), row.state.end());
  Tensor loss = scalar(0, float64);
  for (std::size_t i = 0; i < all.size(); ++i)
    loss = loss + sum(sin(all[i]) * normal(all[i].shape(), 20 + static_cast<int64_t>(i)));
  for (const Tensor& d : gradient(loss, of)) all.push_back(d);
  return all;
}

}  // namespace

BOOST_AUTO_TEST_CASE(channels_are_the_plain_loop_in_any_direction_and_in_stretches) {
  for (const Row& row : rows(30))
    for (bool reverse : {false, true})
      for (bool last_only : {false, true})
        for (bool recompute : {false, true})
          for (int64_t steps : {5, 100}) BOOST_TEST_CONTEXT(row.what << ", " << steps) {
              const ShortStretches stretches(steps);
              ScanOptions how{.reverse = reverse, .last_only = last_only, .recompute = recompute};
              const Tensors got = results(row, how, true);
              how.plain = true;
              const Tensors expected = results(row, how, true);
              for (std::size_t i = 0; i < expected.size(); ++i)
                check_close(std::to_string(i), got[i], expected[i], 1e-11);
            }
}

BOOST_AUTO_TEST_CASE(a_plan_says_that_its_elements_are_channels) {
  for (const Row& row : rows(7)) BOOST_TEST_CONTEXT(row.what) {
      const ProgramLog log;
      results(row, {}, true);
      const auto says_so = [](const LoggedProgram& l) {
        return to_string(l.recurrence->optimised()).find("  channels are independent\n") !=
               std::string::npos;
      };
      BOOST_TEST(says_so(log.programs().at(0)) == row.channels);
      if (row.gradient) BOOST_TEST(says_so(log.programs().at(1)));
    }
}

BOOST_AUTO_TEST_CASE(threads_take_channels_and_change_no_bit) {
  for (const Row& row : rows(4000, 100)) BOOST_TEST_CONTEXT(row.what) {
      if (!row.channels || row.x[0].shape()[2] < 2 * ChannelLoop::fewest) continue;
      const ProgramLog log;
      Tensors of[3];
      for (int n : {1, 2, 3}) {
        const Threads use(n);
        of[n - 1] = results(row, {}, true);
      }
      const LoggedProgram& forward = log.programs().at(0);
      BOOST_TEST(forward.recurrence->optimised().shards(forward.time) > 1);
      for (std::size_t i = 0; i < of[0].size(); ++i) {
        check_same(std::to_string(i) + " on 2 threads", of[1][i], of[0][i]);
        check_same(std::to_string(i) + " on 3 threads", of[2][i], of[0][i]);
      }
    }
}

// z, the candidate and the state before: 12 bytes per element and step, for any number of steps.
BOOST_AUTO_TEST_CASE(the_gradient_of_a_min_gru_keeps_three_numbers_of_each_element) {
  const int64_t units = 16;
  const Tensor kernel = parameter(cast(normal({4, 2 * units}, 1), float32)),
               bias = parameter(cast(normal({2 * units}, 2), float32)),
               x = parameter(cast(normal({1, 9, 4}, 3), float32));
  const auto step = [&](const Tensor& now, const State& s) {
    auto [z, c] = split<2>(matmul(now, kernel) + bias);
    const Tensor gate = sigmoid(z), next = (1 - gate) * s[0] + gate * c;
    return Step{next, {next}};
  };
  const ProgramLog log;
  gradient(sum(scan(step, x, {zeros({1, units})}).output), Tensors{kernel, bias, x});
  const RecurrenceRef forward = log.programs().at(0).recurrence;
  std::size_t bytes = 0;
  for (ValueId v : forward->read_by_gradient()) bytes += forward->normalised().type(v).bytes();
  BOOST_TEST(bytes == 3 * sizeof(float) * units);
}
