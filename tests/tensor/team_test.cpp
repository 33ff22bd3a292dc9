// SPDX-License-Identifier: Apache-2.0
// A team does each piece of each turn once, whichever threads help, and ends with its leader.
#define BOOST_TEST_MODULE team
#include "tensor/team.hpp"

#include <algorithm>
#include <chrono>
#include <numeric>
#include <thread>
#include <vector>

#include "tensor/parallel.hpp"
#include "testing.hpp"

using namespace tempo;
using namespace tempo::testing;

namespace {

// Within lead(): whether another thread has come, or comes soon.
bool is_helped(Team& team) {
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  std::vector<std::thread::id> who(static_cast<std::size_t>(team.size()));
  do {
    team.share([&](int64_t i) { who[static_cast<std::size_t>(i)] = std::this_thread::get_id(); });
  } while (std::count(who.begin(), who.end(), who[0]) == team.size() &&
           std::chrono::steady_clock::now() < give_up);
  return std::count(who.begin(), who.end(), who[0]) < team.size();
}

// Each piece reads what all pieces wrote in the turn before, without a lock.
int64_t total_of_turns(Team& team, int64_t turns, bool helped = false) {
  const auto size = static_cast<std::size_t>(team.size());
  std::vector<int64_t> from(size, 1), to(size, 0);
  team.lead([&] {
    if (helped) BOOST_TEST(is_helped(team));
    for (int64_t n = 0; n < turns; ++n) {
      team.share([&](int64_t i) {
        to[static_cast<std::size_t>(i)] =
            std::accumulate(from.begin(), from.end(), int64_t{0}) % 1009 + i;
      });
      std::swap(from, to);
    }
  });
  return std::accumulate(from.begin(), from.end(), int64_t{0});
}

int64_t expected(int64_t size, int64_t turns) {
  std::vector<int64_t> from(static_cast<std::size_t>(size), 1);
  for (int64_t n = 0; n < turns; ++n) {
    const int64_t sum = std::accumulate(from.begin(), from.end(), int64_t{0}) % 1009;
    std::iota(from.begin(), from.end(), sum);
  }
  return std::accumulate(from.begin(), from.end(), int64_t{0});
}

}  // namespace

BOOST_AUTO_TEST_CASE(each_piece_of_each_turn_is_done_once) {
  for (int threads : {1, 2, 3}) {
    const Threads use(threads);
    for (int64_t size : {1, 2, 3, 5}) BOOST_TEST_CONTEXT(threads << " threads, team of " << size) {
        Team team(size);
        for (int64_t turns : {0, 1, 7, 3000})
          BOOST_CHECK_EQUAL(total_of_turns(team, turns, threads > 1 && size > 1),
                            expected(size, turns));
      }
  }
}

BOOST_AUTO_TEST_CASE(more_teams_than_threads_end) {
  const Threads use(3);
  std::vector<int64_t> totals(8);
  parallel_for(8, 1, [&](int64_t first, int64_t last) {
    for (int64_t k = first; k < last; ++k) {
      Team team(3);
      totals[static_cast<std::size_t>(k)] = total_of_turns(team, 500 + k);
    }
  });
  for (int64_t k = 0; k < 8; ++k)
    BOOST_CHECK_EQUAL(totals[static_cast<std::size_t>(k)], expected(3, 500 + k));
}

BOOST_AUTO_TEST_CASE(an_error_of_the_leader_ends_the_team) {
  const Threads use(2);
  Team team(2);
  const auto fail = [&] {
    team.lead([&] {
      team.share([](int64_t) {});
      throw Error("the leader's");
    });
  };
  BOOST_CHECK_EXCEPTION(fail(), Error,
                        [](const Error& e) { return std::string(e.what()) == "the leader's"; });
  BOOST_CHECK_EQUAL(total_of_turns(team, 100), expected(2, 100));
}
