// SPDX-License-Identifier: Apache-2.0
// Plugins for TEMPO_PLUGIN_PATH: each writes LABEL into TEMPO_TEST_LOADED when it is loaded, and
// all have a layer of the same name.
#include <cstdlib>

#include <tempo/plugin.hpp>

namespace {

struct Options {};
void describe(auto&, Options&) {}

struct FromPath : tempo::LayerOf<Options> {
  using LayerOf::LayerOf;
  tempo::Tensor call(const tempo::Tensor& x, const tempo::CallOptions&) { return x; }
};

tempo::Registration noted() {
  const char* before = std::getenv("TEMPO_TEST_LOADED");
  setenv("TEMPO_TEST_LOADED", (std::string(before ? before : "") + LABEL).c_str(), 1);
  return tempo::layer<FromPath>("FromPath");
}

}  // namespace

TEMPO_PLUGIN("path_" LABEL, "1.0.0", noted(), tempo::layer<FromPath>("FromPath" LABEL))
