// SPDX-License-Identifier: Apache-2.0
// Checks of what a layer keeps, counts and leaves behind.
#include <malloc.h>

#include <sstream>
#include <thread>

#include <tempo/gradient.hpp>
#include <tempo/names.hpp>

#include "check/plugin_check.hpp"
#include "check/process.hpp"
#include "check/subject.hpp"
#include "plugin/debug/host.hpp"

namespace tempo::conformance {

namespace {

// Makes a layer, calls it, and computes a gradient.
void use(const Subject& subject, const Tensors& x) {
  const Layer layer = subject.make({{"dtype", static_cast<int64_t>(float64)}});
  const Tensor total = mixed(layer.call(x));
  const Tensors to = leaves(layer, x);
  if (!to.empty() && total.tracked()) gradient(total, to);
}

void check_two_threads(const Subject& subject) {
  const NoGradient off;
  const Tensors x = subject.inputs(default_dtype());
  const Layer layer = subject.make();
  const Tensors expected = layer.call(x);
  std::string faults[2];
  const auto call_often = [&](std::string& fault) {
    const NoGradient off_here;
    try {
      for (int i = 0; i < 50; ++i) require_close("a result", layer.call(x), expected, 0);
    } catch (const std::exception& error) {
      fault = error.what();
    }
  };
  std::thread other(call_often, std::ref(faults[1]));
  call_often(faults[0]);
  other.join();
  for (const std::string& fault : faults) require(fault.empty(), fault);
}

// --- memory

void check_leaks(const Subject& subject) {
  set_threads(1);
  const Tensors x = parameters(subject.inputs(float64));
  const auto round = [&] {
    for (int i = 0; i < 30; ++i) use(subject, x);
    return static_cast<int64_t>(mallinfo2().uordblks + mallinfo2().hblkhd);
  };
  // Caches fill in the first rounds; that is not a leak.
  for (int i = 0; i < 6; ++i) round();
  int64_t before = round();
  int rounds_that_grew = 0;
  int64_t grown = 0;
  for (int i = 0; i < 5; ++i) {
    const int64_t now = round();
    rounds_that_grew += now - before >= 30 * 16;
    grown += now - before;
    before = now;
  }
  require(rounds_that_grew < 5, "each time that it is made and called " +
                                    std::to_string(grown / 150) + " bytes are left behind");
}

// --- counts

struct Live {
  int64_t tensors, layers, instances;
};
Live live() {
  const auto count = tempo::check_extension().live;
  return {count(TEMPO_LIVE_TENSORS), count(TEMPO_LIVE_LAYERS), count(TEMPO_LIVE_INSTANCES)};
}
// The handles held in addition to `before`, as text; "" if there are none.
std::string more_than(const Live& before) {
  const Live now = live();
  std::string out;
  const auto add = [&](int64_t n, const char* what, const char* of) {
    if (n > 0) out += (out.empty() ? "" : ", ") + sdk::counted(n, what) + of;
  };
  add(now.tensors - before.tensors, "count", " of tensors");
  add(now.layers - before.layers, "count", " of layers");
  add(now.instances - before.instances, "instance", "");
  return out;
}

void check_counts(const Subject& subject) {
  const Tensors x = parameters(subject.inputs(float64));
  for (int i = 0; i < 3; ++i) use(subject, x);  // fills all permanent caches
  const Live before = live();
  for (int i = 0; i < 20; ++i) use(subject, x);
  const std::string kept = more_than(before);
  require(kept.empty(), "when 20 were made, called and given back it still holds " + kept);
}

void check_handles(const Subject& subject) {
  const Tensors x = parameters(subject.inputs(float64));
  std::string failed;
  try {
    for (int i = 0; i < 2; ++i) use(subject, x);
    const Layer layer = subject.ready(subject.inputs(float64));
    layer.reset_state();
    for (const bool training : {false, true})
      (void)results(layer, subject.inputs(float64), training);
  } catch (const Error& error) {
    failed = error.what();
  }
  std::string faults;
  for (uint32_t i = 0; const char* fault = tempo::check_extension().fault(i); ++i)
    if (i < 10) faults += std::string(i ? "\n  " : "") + fault;
  require(faults.empty(), faults);
  require(failed.empty(), "it was not called: " + failed);
}

// The functions of the host used to make and call it, and the number of calls of each.
std::vector<std::pair<std::string, uint64_t>> functions_used(const Subject& subject,
                                                             const Tensors& x) {
  const tempo_check_host& host = tempo::check_extension();
  std::vector<std::pair<std::string, uint64_t>> all;
  for (uint32_t i = 0; const char* name = host.function(i); ++i)
    all.emplace_back(name, host.calls(name));
  use(subject, x);
  for (auto& [name, calls] : all) calls = host.calls(name.c_str()) - calls;
  std::erase_if(all, [](const auto& used) { return used.second == 0 || cannot_fail(used.first); });
  return all;
}

// If a function of the host fails, its caller must fail, too, unless it only asked and can do
// without; and nothing may be left behind.
void check_failures(const Subject& subject) {
  const Tensors x = parameters(subject.inputs(float64));
  for (int i = 0; i < 2; ++i) use(subject, x);
  for (const auto& [name, calls] : functions_used(subject, x))
    for (const uint64_t nth : {uint64_t{1}, calls}) {
      const std::string which = "where call " + std::to_string(nth) + " of " + name + " fails";
      const auto run = [&, function = name]() -> std::string {
        const Live before = live();
        tempo::check_extension().fail(function.c_str(), nth);
        try {
          use(subject, x);
        } catch (const Error&) {
          tempo::check_extension().fail(nullptr, 0);
          const std::string kept = more_than(before);
          return kept.empty() ? "" : ", it still holds " + kept;
        }
        return only_asks(function) ? "" : ", it goes on as if all were well";
      };
      std::string found;
      try {
        found = in_fork(run);
      } catch (const Fault& fault) {
        throw Fault(which + ": " + fault.what());
      }
      require(found.empty(), which + found);
    }
}

// --- state of the process

void check_untouched(const Subject& subject) {
  set_threads(1);  // so that Tempo starts no threads later
  says_no_more();
  const Tensors x = parameters(subject.inputs(float64));
  (void)sum(matmul(ones({64, 64}), ones({64, 64}))).item();  // starts all that Tempo itself starts
  const auto before = of_this_process();
  std::string said;
  {
    Kept kept;
    for (int i = 0; i < 3; ++i) use(subject, x);
    said = kept.text();
  }
  require(said.empty(), "made and called it prints: " + said);
  require_unchanged(before, "to make and call it");
}

// Results and gradients must be able to outlive their layer.
void check_outlived(const Subject& subject) {
  const Tensors x = parameters(subject.inputs(float64));
  const auto run = [&](bool outlives) {
    set_seed(7);
    Layer layer = subject.ready(x);
    const Tensors to = leaves(layer, x);
    const Tensor total = mixed(results(layer, x));
    if (outlives) layer = Layer();
    if (to.empty() || !total.tracked()) return Tensors{total};
    return gradient(total, to);
  };
  require_close("of a layer that is gone, a gradient", run(true), run(false), 0);
}

}  // namespace

void add_ownership_checks(PluginChecks& all) {
  all.push_back(
      {"together", "called by two threads at once it gives the same bits", &check_two_threads});
  all.push_back({"leaks",
                 "what is made, called and differentiated again and again takes no more memory",
                 &check_leaks});
  all.push_back({"counts", "it gives back each tensor and layer that it was given a count of",
                 &check_counts, PluginCheck::watching});
  all.push_back({"handles", "it uses no handle that it was not given, or gave back", &check_handles,
                 PluginCheck::watching});
  all.push_back(
      {"failures",
       "where a function of the host that it needs fails it does, and leaves nothing behind",
       &check_failures, PluginCheck::watching});
  all.push_back({"untouched",
                 "made and called it prints nothing and changes nothing of the process",
                 &check_untouched});
  all.push_back({"outlived", "its results can be used when it is gone", &check_outlived});
}

}  // namespace tempo::conformance
