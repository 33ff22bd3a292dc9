// SPDX-License-Identifier: Apache-2.0
// The reasons why a cell is slower than it could be. Each is a warning, as it may be intended.
#include <optional>
#include <sstream>

#include <tempo/gradient.hpp>
#include <tempo/stream.hpp>

#include "check/plugin_check.hpp"
#include "check/subject.hpp"
#include "plugin/debug/host.hpp"

namespace tempo::conformance {

namespace {

// The notes on one pass from the Programs of a call.
void say_notes(const Subject& subject, const std::string& pass) {
  const Tensors x = subject.inputs(default_dtype());
  const Layer layer = subject.make();
  (void)results(layer, x);
  const char* text = nullptr;
  const std::vector<tempo_tensor*> handles = sdk::handles(x);
  sdk::check(tempo::check_extension().notes(layer.handle(), handles.data(),
                                            static_cast<uint32_t>(handles.size()), &text));
  std::string found;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);)
    if (line.starts_with(pass + ": "))
      found += (found.empty() ? "" : "\n") + line.substr(pass.size() + 2);
  if (!found.empty()) throw Warning(found);
}
void check_hoist(const Subject& subject) { say_notes(subject, "hoist"); }
void check_merge(const Subject& subject) { say_notes(subject, "merge"); }
void check_fuse(const Subject& subject) { say_notes(subject, "fuse"); }

uint64_t calls_of_host() {
  const tempo_check_host& host = tempo::check_extension();
  uint64_t n = 0;
  for (uint32_t i = 0; const char* name = host.function(i); ++i) n += host.calls(name);
  return n;
}

void check_streamed(const Subject& subject) {
  if (subject.row().inputs.size() > 1) throw Inapplicable("it takes several inputs");
  const NoGradient off;
  const Tensors x = subject.inputs(float64);
  Sequential model({subject.ready(x)});
  (void)model.call(x);
  std::optional<Stream> stream;
  try {
    stream.emplace(model, StreamOptions{.batch = x[0].shape()[0]});
  } catch (const Error&) {
    throw Inapplicable("it cannot be streamed");
  }
  const std::vector<double> now = take(x[0], 0, 1).to_vector();
  std::vector<double> y(static_cast<std::size_t>(stream->output_shape().count()));
  stream->step(std::span<const double>(now), y);
  const uint64_t before = calls_of_host();
  for (int i = 0; i < 10; ++i) stream->step(std::span<const double>(now), y);
  const uint64_t per_step = (calls_of_host() - before) / 10;
  if (per_step > 0)
    throw Warning("each streamed step calls the host " + std::to_string(per_step) +
                  " times; a step that is traced once calls it never");
}

void check_traced_once(const Subject& subject) {
  const NoGradient off;
  const Tensors x = subject.inputs(default_dtype());
  const Layer layer = subject.make();
  const tempo_check_host& host = tempo::check_extension();
  const auto calls = [&] {
    const uint64_t before = host.calls("apply");
    (void)results(layer, x);
    return host.calls("apply") - before;
  };
  const uint64_t first = calls(), scans = host.calls("scan");
  (void)calls();
  const uint64_t later = calls();
  if (!subject.is_cell() && scans == 0) throw Inapplicable("it runs no scan");
  if (first > 0 && later >= first)
    throw Warning("each call traces its step again, with " + std::to_string(later) +
                  " ops.\n  Give the scan a step_id, if the step depends on its arguments, the "
                  "weights and the constants alone.");
}

}  // namespace

void add_speed_checks(PluginChecks& all) {
  all.push_back({"hoist", "products that do not read the state leave the loop", &check_hoist});
  all.push_back({"merge", "products of one left side are one product", &check_merge});
  all.push_back({"fuse", "elementwise ops run together, with no call between them", &check_fuse});
  all.push_back({"streamed", "a streamed step does not call the plugin", &check_streamed,
                 PluginCheck::watching});
  all.push_back({"traced-once", "its step is traced at its first call alone", &check_traced_once,
                 PluginCheck::watching});
}

}  // namespace tempo::conformance
