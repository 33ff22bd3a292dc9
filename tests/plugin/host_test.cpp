// SPDX-License-Identifier: Apache-2.0
// The host table beyond the SDK: how plugins in other languages use it, and tables of another
// version.
#define BOOST_TEST_MODULE host
#include <cstddef>
#include <cstring>

#include <tempo/tempo.hpp>

#include "testing.hpp"

using namespace tempo;
using namespace tempo::testing;

namespace {

// h' = tanh(x + h / 2), with two outputs: h' and its square.
tempo_status step_of_two(void*, const tempo_step* step) {
  return sdk::guarded([&] {
    const Tensor h =
        tanh(Tensor::borrowed(step->sequences[0]) + 0.5f * Tensor::borrowed(step->states[0]));
    step->results[0] = h.retained();
    step->results[1] = square(h).retained();
    step->results[2] = h.retained();
  });
}

tempo_scan scan_of_two(tempo_tensor* const* x, tempo_tensor* const* state) {
  tempo_scan call{};
  call.size = sizeof call;
  call.n_sequences = call.n_states = 1;
  call.n_outputs = 2;
  call.sequences = x;
  call.states = state;
  call.step = &step_of_two;
  return call;
}

Tensors run(const tempo_scan& call) {
  std::vector<tempo_tensor*> results(3);
  sdk::check(sdk::host().scan(&call, results.data()));
  return sdk::adopt(results);
}

// Returns the first of its outputs, through the SDK.
Tensor one_output(const Tensor& x, const Tensor& state, const ScanOptions& options) {
  const auto step = [](const Tensor& now, const State& s) {
    const Tensor h = tanh(now + 0.5f * s[0]);
    return Step{h, {h}};
  };
  return scan(step, x, {state}, options).output;
}

}  // namespace

BOOST_AUTO_TEST_CASE(the_table_has_every_function) {
  const tempo_host& table = sdk::host();
  BOOST_TEST(table.size == sizeof(tempo_host));
  BOOST_TEST(table.minor == TEMPO_ABI_MINOR);
  for (std::size_t at = offsetof(tempo_host, fail); at < sizeof table; at += sizeof(void*)) {
    void* function = nullptr;
    std::memcpy(&function, reinterpret_cast<const char*>(&table) + at, sizeof function);
    BOOST_TEST(function != nullptr, "the function at " << at << " is missing");
  }
}

BOOST_AUTO_TEST_CASE(a_scan_may_have_several_outputs) {
  const Tensor x = parameter(cast(normal({2, 5, 3}), float32)),
               state = cast(normal({2, 3}), float32);
  tempo_tensor *const xs[] = {x.handle()}, *const states[] = {state.handle()};
  for (const ScanOptions& options :
       {ScanOptions{}, ScanOptions{.reverse = true}, ScanOptions{.last_only = true},
        ScanOptions{.plain = true}, ScanOptions{.recompute = true}}) {
    tempo_scan call = scan_of_two(xs, states);
    call.reverse = options.reverse;
    call.last_only = options.last_only;
    call.plain = options.plain;
    call.recompute = options.recompute;
    const Tensors both = run(call);
    const Tensor h = one_output(x, state, options);
    check_close("first output", both[0], h, 1e-6);
    check_close("second output", both[1], square(h), 1e-6);
    check_close("gradient", gradient(sum(both[0]) + 2.0f * sum(both[1]), {x})[0],
                gradient(sum(h) + 2.0f * sum(square(h)), {x})[0], 1e-5);
  }
}

BOOST_AUTO_TEST_CASE(what_a_struct_does_not_cover_is_neither_read_nor_written) {
  const Tensor x = ones({2, 5, 3});
  tempo_view view;
  std::memset(&view, 0x55, sizeof view);
  const tempo_view untouched = view;
  view.size = offsetof(tempo_view, path);
  sdk::host().view(x.handle(), &view);
  BOOST_TEST(view.size == offsetof(tempo_view, path));
  BOOST_TEST(view.data == x.data<float>());
  BOOST_TEST(std::memcmp(&view.path, &untouched.path, sizeof view - view.size) == 0);

  const Layer dense = Dense({.units = 2, .name = "narrow"});
  tempo_layer_view seen;
  std::memset(&seen, 0x55, sizeof seen);
  const tempo_layer_view before = seen;
  seen.size = offsetof(tempo_layer_view, type);
  sdk::host().view_layer(dense.handle(), &seen);
  BOOST_TEST(seen.name == std::string("narrow"));
  BOOST_TEST(std::memcmp(&seen.type, &before.type, sizeof seen - seen.size) == 0);
}

BOOST_AUTO_TEST_CASE(a_script_does_not_run_with_a_libtempo_of_another_version) {
  BOOST_TEST(sdk::of_this_version(nullptr) == nullptr);
  BOOST_TEST(sdk::of_this_version(&sdk::host()) == &sdk::host());
  tempo_host other = sdk::host();
  other.minor = 8;
  BOOST_TEST(sdk::of_this_version(&other, 8) == &other);
  BOOST_TEST(sdk::of_this_version(&other, 7) == &other);
  BOOST_CHECK_EQUAL(
      error_of<PluginError>([&] { sdk::of_this_version(&other, 9); }),
      "this program was compiled with version 1.0 of the plugin ABI; its libtempo has version "
      "1.8.\n  Install a newer libtempo, or compile it with the headers of that one.");
}
