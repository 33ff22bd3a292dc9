// SPDX-License-Identifier: Apache-2.0
// The host that watches a plugin: what it counts, what it makes fail, and that every function of
// the table goes through it.
#define BOOST_TEST_MODULE debug_host
#include <cstddef>
#include <filesystem>
#include <set>
#include <string>

#include <boost/test/unit_test.hpp>

#include <tempo/layer.hpp>
#include <tempo/load.hpp>

#include "plugin/debug/host.hpp"
#include "plugin/debug/table.hpp"

using namespace tempo;

namespace {

const tempo_check_host& watching() { return tempo::check_extension(); }

// The only plugin of this process that is watched.
Layer made() {
  static const bool loaded = [] {
    const std::string path = std::filesystem::canonical(TEMPO_TEST_PLUGINS).string() + "/good.so";
    watching().watch(path.c_str(), 0);
    load_plugin(path);
    return true;
  }();
  BOOST_REQUIRE(loaded);
  return layer("SquashDense", {{"units", 3}});
}

int64_t live(uint32_t kind) { return watching().live(kind); }

}  // namespace

BOOST_AUTO_TEST_CASE(every_function_of_the_table_is_watched) {
  std::set<std::string> names;
  for (uint32_t i = 0; const char* name = watching().function(i); ++i) names.insert(name);
  // From `fail` on, the table has only functions; `last_error` and `get_extension` cannot fail.
  const std::size_t all = (sizeof(tempo_host) - offsetof(tempo_host, fail)) / sizeof(void (*)());
  BOOST_TEST(names.size() == all - 2);
  for (const char* name : {"last_error", "get_extension"}) BOOST_TEST(names.count(name) == 0u);
  BOOST_TEST(watching().calls("no such function") == 0u);
}

BOOST_AUTO_TEST_CASE(what_a_plugin_holds_is_counted) {
  const int64_t instances = live(TEMPO_LIVE_INSTANCES), tensors = live(TEMPO_LIVE_TENSORS);
  {
    const Layer one = made();
    BOOST_TEST(live(TEMPO_LIVE_INSTANCES) == instances + 1);
    const uint64_t before = watching().calls("apply");
    (void)one(ones({2, 4}));
    BOOST_TEST(watching().calls("apply") > before);
    BOOST_TEST(live(TEMPO_LIVE_TENSORS) > tensors);  // its kernel
  }
  BOOST_TEST(live(TEMPO_LIVE_INSTANCES) == instances);
  const int64_t kept = live(TEMPO_LIVE_TENSORS);
  (void)made()(ones({2, 4}));
  BOOST_TEST(live(TEMPO_LIVE_TENSORS) == kept);
  BOOST_TEST(watching().fault(0) == nullptr);
  BOOST_TEST(std::string(watching().describe()->name) == "good");
}

BOOST_AUTO_TEST_CASE(the_call_that_is_told_to_fails_and_no_other) {
  const Layer one = made();
  const Tensor x = ones({2, 4}), expected = one(x);
  watching().fail("apply", 2);
  BOOST_CHECK_EXCEPTION((void)one(x), Error, [](const Error& e) {
    return std::string(e.what()).find("apply: it fails here, to see what comes of it.") !=
           std::string::npos;
  });
  BOOST_TEST(one(x).to_vector() == expected.to_vector());
  watching().fail("apply", 1);
  watching().fail(nullptr, 0);
  BOOST_TEST(one(x).to_vector() == expected.to_vector());
}

// The host reads no list whose count is wrong, and nothing beyond a struct's size: it refuses the
// former, and takes missing fields as 0.
BOOST_AUTO_TEST_CASE(what_is_none_of_a_plugins_is_not_looked_at) {
  const tempo_host& host = debug::watching_table(sdk::host());
  const auto words = [&] { return std::string(host.last_error(nullptr)); };
  const Layer dense = layer("Dense", {{"units", 2}});
  const tempo_type type = sdk::to_abi(float32, {2, 3});
  tempo_tensor *x = nullptr, *out = nullptr;
  tempo_layer* made_here = nullptr;
  BOOST_REQUIRE(host.make(&type, nullptr, &x) == TEMPO_OK);
  BOOST_REQUIRE(host.make_layer_of(dense.view().type, nullptr, 0, &made_here) == TEMPO_OK);
  const Tensor another = ones({2});
  tempo_tensor* const never_given = another.handle();
  tempo_tensor* const list[] = {x, never_given};
  const tempo_op* op = nullptr;
  BOOST_REQUIRE(host.find_op("add", &op) == TEMPO_OK);
  BOOST_TEST(host.apply(op, list, UINT32_MAX, nullptr, 0, &out, 1) != TEMPO_OK);
  BOOST_TEST(words().starts_with("apply: there are 4294967295 `inputs`"), words());

  tempo_call call{};
  call.size = 8;
  call.mask = never_given;
  tempo_results results{sizeof results, 1, 0, &out};
  BOOST_TEST(host.call_layer(made_here, &call, &results) != TEMPO_OK);
  BOOST_TEST(words().starts_with("call_layer: a struct says that it has 8 bytes"), words());
  host.release_layer(made_here);
  host.release(x);
}

BOOST_AUTO_TEST_CASE(a_layer_that_is_not_watched_is_not_counted) {
  const int64_t instances = live(TEMPO_LIVE_INSTANCES);
  const uint64_t calls = watching().calls("apply");
  (void)layer("Dense", {{"units", 2}})(ones({2, 4}));
  BOOST_TEST(live(TEMPO_LIVE_INSTANCES) == instances);
  BOOST_TEST(watching().calls("apply") == calls);
}
