// SPDX-License-Identifier: Apache-2.0
// Two plugins of this source are built, from two versions of the SDK's headers. What it reports
// comes from inline functions, and from variables in them, that differ between the versions; LABEL
// tells the plugins apart.
#include <tempo/plugin.hpp>

namespace {

struct Options {};
void describe(auto&, Options&) {}

// Called through a pointer, so that the function itself is in this object, as it is at -O0.
template <class F>
F out_of_line(F f) {
  F volatile pointer = f;
  return pointer;
}

struct ReportLayer : tempo::LayerOf<Options> {
  using LayerOf::LayerOf;
  tempo::Tensor call(const tempo::Tensor& x, const tempo::CallOptions& call) {
    std::string (*shown)(const tempo::Shape&) = &tempo::to_string;
    const std::string text = out_of_line(shown)(x.shape());
    if (call.training) throw tempo::Error("Report says " + text);
    return out_of_line(&tempo::reverse)(out_of_line(&tempo::sdk::selu)(x), 1);
  }
};

}  // namespace

TEMPO_PLUGIN("versions_" LABEL, "1.0.0", tempo::layer<ReportLayer>("Report" LABEL))
