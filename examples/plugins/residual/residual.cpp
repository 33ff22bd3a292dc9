// SPDX-License-Identifier: Apache-2.0
// What any layer gives, added to what it reads (He et al., 2016). The layer is found by its name.
#include <tempo/plugin.hpp>

namespace {

using namespace tempo;

struct ResidualOptions {
  std::string layer = "Dense";
  int units = 32;
  bool return_sequences = true;
  bool go_backwards = false;
  bool zero_output_for_mask = false;
};
void describe(auto& option, ResidualOptions& o) {
  option("layer", o.layer, "The name of the layer inside, which may be another plugin's.");
  option("units", o.units, "Of the layer inside, if it has that option.", at_least(1));
  option("return_sequences", o.return_sequences, "Whether each step is given, or the last alone.");
  option("go_backwards", o.go_backwards, "Whether time runs from the last step to the first.");
  option("zero_output_for_mask", o.zero_output_for_mask, "Whether masked steps give zeros.");
}

// y = layer(x) + x, or + x W where the sizes differ. Its options are those that Bidirectional asks of
// a layer that it runs in both directions.
struct ResidualLayer : LayerOf<ResidualOptions> {
  ResidualLayer(ResidualOptions o = {}) : LayerOf(std::move(o)) {
    inner = layer(options.layer);
    has_units = describes("units");
    if (has_units) inner = recreated(inner, {{"units", options.units}});
    if (describes("return_sequences")) inner = recreated(inner, {{"return_sequences", true}});
  }

  void add_children(Children& add) { add(inner); }

  void build(Weights& add, const Shape& input) {
    inner.build({input}, add.dtype());
    if (has_units && input.back() != options.units)
      projection = add("projection", {input.back(), options.units}, glorot_uniform());
  }

  Tensor call(const Tensor& input, const tempo::CallOptions& call) {
    const bool over_time = input.rank() == 3;  // [batch, time, features]
    Tensor x = over_time && call.mask ? with_mask(input, call.mask) : input;
    if (over_time && options.go_backwards) x = reverse(x, 1);

    const Tensor mask = over_time ? mask_of(x) : Tensor{};
    const Tensor skipped = counted(x, mask);
    Tensor y = inner(x, {.training = call.training}) +
               (projection ? matmul(skipped, projection) : skipped);
    if (!over_time) return y;
    if (!options.return_sequences) return last(y, mask);
    return mask ? with_mask(options.zero_output_for_mask ? counted(y, mask) : y, mask) : y;
  }

 private:
  bool describes(const char* option) const {
    return sdk::described(*inner.view().type, option) != nullptr;
  }
  // x [batch, time, features] with zeros at the steps that are masked.
  static Tensor counted(const Tensor& x, const Tensor& mask) {
    return mask ? where(expand_dims(mask, -1), x, 0) : x;
  }
  // The last step that counts, [batch, features].
  static Tensor last(const Tensor& y, const Tensor& mask) {
    if (!mask) return y(all, -1);
    const Tensor counts = cast(mask, int64);
    const Tensor after = sum(counts, -1, true) - cumsum(counts, 1);
    return sum(counted(y, logical_and(mask, equal(after, 0))), 1);
  }

  Layer inner;
  bool has_units;
  Tensor projection;
};

}  // namespace

TEMPO_PLUGIN("residual", "1.0.0",
             tempo::layer<ResidualLayer>("Residual", "A layer and what it reads, He et al., 2016"))
