// SPDX-License-Identifier: Apache-2.0
// Values that hold for a while: a variable's value, and the latest of many things.
#define BOOST_TEST_MODULE scoped
#include "tensor/scoped.hpp"

#include <memory>
#include <stdexcept>
#include <string>
#include <thread>

#include <boost/test/unit_test.hpp>

#include "tensor/recent.hpp"

using namespace tempo;

namespace {
thread_local std::string in_force = "outside";
}

BOOST_AUTO_TEST_CASE(the_value_before_comes_back) {
  {
    const Scoped outer(in_force, "outer");
    BOOST_TEST(in_force == "outer");
    try {
      const Scoped inner(in_force, "inner");
      BOOST_TEST(in_force == "inner");
      BOOST_TEST(inner.before() == "outer");
      throw std::runtime_error("out of it");
    } catch (const std::runtime_error&) {
    }
    BOOST_TEST(in_force == "outer");
    std::string elsewhere;
    std::thread([&] { elsewhere = in_force; }).join();
    BOOST_TEST(elsewhere == "outside");
  }
  BOOST_TEST(in_force == "outside");
}

namespace {

std::string kept(Recent<std::string>& recent) {
  std::string all;
  for (const char* one : {"a", "b", "c", "d"})
    if (recent.find([&](const std::string& s) { return s == one; })) all += one;
  return all;
}

}  // namespace

BOOST_AUTO_TEST_CASE(what_nobody_asked_for_the_longest_makes_room) {
  Recent<std::string> recent(2);
  BOOST_TEST(recent.add("a") == "a");
  recent.add("b");
  BOOST_TEST(kept(recent) == "ab");
  BOOST_TEST(*recent.find([](const std::string& s) { return s == "a"; }) == "a");
  std::list<std::string> dropped;
  recent.add("c", dropped);
  BOOST_TEST(dropped.size() == 1u);
  BOOST_TEST(dropped.front() == "b");
  BOOST_TEST(kept(recent) == "ac");
  BOOST_TEST(recent.clear().size() == 2u);
  BOOST_TEST(kept(recent) == "");
}

BOOST_AUTO_TEST_CASE(what_made_room_ends_with_dropped) {
  Recent<std::shared_ptr<int>> recent(1);
  const auto first = std::make_shared<int>(1);
  {
    std::list<std::shared_ptr<int>> dropped;
    recent.add(first);
    recent.add(std::make_shared<int>(2), dropped);
    BOOST_TEST(first.use_count() == 2);
  }
  BOOST_TEST(first.use_count() == 1);
}
