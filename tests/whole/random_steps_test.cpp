// SPDX-License-Identifier: Apache-2.0
// Whatever a step does, scan equals its plain loop, in values and gradients, in stretches and on
// threads.
#define BOOST_TEST_MODULE random_steps
#include "random_steps.hpp"

#include <cstdlib>

#include "program/plan/surroundings.hpp"
#include "program/run/rows/ending_rows.hpp"
#include "program_passes.hpp"
#include "scan/explain.hpp"

using namespace tempo;
using namespace tempo::testing;

namespace {

Tensors results(const RandomRecurrence& r, bool plain) {
  const Scanned done = r.run(plain);
  Tensors all{done.output};
  all.insert(all.end(), done.state.begin(), done.state.end());
  return all;
}

Tensors with_gradients(const RandomRecurrence& r, bool plain, bool second_order) {
  Tensors all = results(r, plain);
  const Tensors variables = r.variables(), first = gradient(mixed(all), variables);
  all.insert(all.end(), first.begin(), first.end());
  if (!second_order) return all;
  const Tensors second = gradient(mixed(first), variables);
  all.insert(all.end(), second.begin(), second.end());
  return all;
}

// TEMPO_SEEDS=FROM:TO tries other seeds.
std::pair<uint64_t, uint64_t> seeds() {
  const char* const given = std::getenv("TEMPO_SEEDS");
  if (!given) return {0, 400};
  char* colon = nullptr;
  const uint64_t from = std::strtoull(given, &colon, 10);
  BOOST_REQUIRE(*colon == ':');
  return {from, std::strtoull(colon + 1, nullptr, 10)};
}

}  // namespace

BOOST_AUTO_TEST_CASE(scan_is_the_plain_loop) {
  const auto [from, to] = seeds();
  for (uint64_t seed = from; seed < to; ++seed) BOOST_TEST_CONTEXT("seed " << seed) {
      const RandomRecurrence r = random_recurrence(seed);
      const bool second_order = !r.large;
      const Tensors plain = with_gradients(r, true, second_order),
                    traced = with_gradients(r, false, second_order);
      for (std::size_t i = 0; i < plain.size(); ++i)
        check_close(std::to_string(i), traced[i], plain[i], 1e-9);
      const ShortStretches few(2);
      const Tensors in_stretches = with_gradients(r, false, second_order);
      for (std::size_t i = 0; i < plain.size(); ++i)
        check_close(std::to_string(i) + " in stretches", in_stretches[i], plain[i], 1e-9);
    }
}

BOOST_AUTO_TEST_CASE(channels_are_the_plain_loop) {
  const auto [from, to] = seeds();
  int64_t channels = 0, programs = 0;
  for (uint64_t seed = from; seed < to; ++seed) BOOST_TEST_CONTEXT("seed " << seed) {
      const RandomRecurrence r = random_elementwise(seed, 1 + static_cast<int64_t>(seed % 23));
      const Tensors plain = with_gradients(r, true, true);
      const ProgramLog log;
      const Tensors traced = with_gradients(r, false, true);
      for (const LoggedProgram& p : log.programs())
        channels += p.recurrence->optimised().plan().channels.has_value();
      programs += static_cast<int64_t>(log.programs().size());
      const ShortStretches few(4);
      const Tensors in_stretches = with_gradients(r, false, true);
      for (std::size_t i = 0; i < plain.size(); ++i) {
        check_close(std::to_string(i), traced[i], plain[i], 1e-9);
        check_close(std::to_string(i) + " in stretches", in_stretches[i], plain[i], 1e-9);
      }
    }
  BOOST_TEST(3 * channels > programs, channels << " of " << programs);
}

namespace {

// The step with a condition that ends each row somewhere.
Scanned run_with_ends(const RandomRecurrence& r, bool plain) {
  const Shape shape = r.x[0].shape();
  Random random(r.seed * 31 + 7);
  std::vector<int64_t> lengths;
  for (int64_t row = 0; row < shape[0]; ++row) lengths.push_back(random.below(shape[1] + 1));
  Tensors x = r.x;
  x.push_back(expand_dims(mask_of_lengths(tensor(lengths, {shape[0]}), shape[1]), -1));
  const auto step = [&r, &shape](const Tensors& now, const State& s) -> Step {
    Step done = r.step(Tensors(now.begin(), now.end() - 1), s);
    const auto choose = [&](const Tensor& a, const Tensor& b) {
      Shape aligned{shape[0]};
      while (aligned.rank() < a.rank()) aligned.push_back(1);
      return where(a.rank() == 2 ? now.back() : reshape(now.back(), aligned), a, b);
    };
    const Shape out = done.output.shape();
    if (out.rank() != 2 || out[0] != shape[0]) done.output = done.state[0];
    done.output = choose(done.output, scalar(0, float64));
    for (std::size_t k = 0; k < s.size(); ++k) done.state[k] = choose(done.state[k], s[k]);
    return done;
  };
  ScanOptions how = r.options;
  how.plain = plain;
  how.last_only = false;
  return scan(step, x, r.state, how);
}

Tensors ended_with_gradients(const RandomRecurrence& r, bool plain) {
  const Scanned done = run_with_ends(r, plain);
  Tensors all{done.output};
  all.insert(all.end(), done.state.begin(), done.state.end());
  const Tensors first = gradient(mixed(all), r.variables());
  all.insert(all.end(), first.begin(), first.end());
  if (r.large) return all;
  const Tensors second = gradient(mixed(first), r.variables());
  all.insert(all.end(), second.begin(), second.end());
  return all;
}

}  // namespace

BOOST_AUTO_TEST_CASE(rows_that_have_ended_change_nothing) {
  const auto [from, to] = seeds();
  for (uint64_t seed = from; seed < to; ++seed) BOOST_TEST_CONTEXT("seed " << seed) {
      const RandomRecurrence r = random_recurrence(seed);
      const Tensors plain = ended_with_gradients(r, true);
      const EndedRows treat(EndedRows::left_out);
      const Tensors whole = ended_with_gradients(r, false);
      const ShortStretches few(2);
      const Tensors in_stretches = ended_with_gradients(r, false);
      for (std::size_t i = 0; i < plain.size(); ++i) {
        check_close(std::to_string(i), whole[i], plain[i], 1e-9);
        check_close(std::to_string(i) + " in stretches", in_stretches[i], plain[i], 1e-9);
      }
    }
}

BOOST_AUTO_TEST_CASE(each_pass_keeps_the_invariants) {
  const auto [from, to] = seeds();
  for (uint64_t seed = from; seed < to; ++seed) {
    const std::string what = "seed " + std::to_string(seed);
    const ProgramLog log;
    with_gradients(random_recurrence(seed), false, false);
    for (const LoggedProgram& p : log.programs()) {
      verified(what + " " + p.what, before_gradient, p.recurrence->as_written());
      verified(what + " " + p.what, for_scan, p.recurrence->as_written());
    }
  }
}

BOOST_AUTO_TEST_CASE(threads_change_no_bit) {
  const auto [from, to] = seeds();
  for (uint64_t seed = from; seed < to; ++seed) BOOST_TEST_CONTEXT("seed " << seed) {
      const RandomRecurrence r =
          seed % 8 == 7 ? random_elementwise(seed, 4000) : random_recurrence(seed);
      if (!r.large && !r.elementwise) continue;
      Tensors of[3];
      for (int n : {1, 2, 3}) {
        const Threads use(n);
        of[n - 1] = with_gradients(r, false, false);
      }
      for (std::size_t i = 0; i < of[0].size(); ++i) {
        check_same(std::to_string(i) + " on 2 threads", of[1][i], of[0][i]);
        check_same(std::to_string(i) + " on 3 threads", of[2][i], of[0][i]);
      }
    }
}
