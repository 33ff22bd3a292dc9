// SPDX-License-Identifier: Apache-2.0
// Records which layers are called, by whom, and the shapes of their results.
#include <algorithm>

#include "plugin/layer.hpp"

namespace tempo {

namespace {
thread_local GivenShapes* given_shapes = nullptr;
}

GivenShapes::GivenShapes() : maker_(called_layer()), outer_(given_shapes, this) {}

GivenShapes* GivenShapes::innermost() { return given_shapes; }

GivenShapes* GivenShapes::current() {
  return given_shapes && given_shapes->maker_ == called_layer() ? given_shapes : nullptr;
}

Shape GivenShapes::of(const tempo_layer& layer) const {
  const auto at = std::find_if(given_.rbegin(), given_.rend(),
                               [&](const auto& given) { return given.first == &layer; });
  return at == given_.rend() ? Shape{} : at->second;
}

void GivenShapes::note(tempo_layer& layer, const tempo_layer* caller, const Shape& shape) {
  given_.emplace_back(&layer, shape);
  const auto is_it = [&](const Layer& other) { return other.handle() == &layer; };
  if (caller == maker_ && std::none_of(called_.begin(), called_.end(), is_it))
    called_.push_back(Layer::borrowed(&layer));
  if (GivenShapes* const outer = outer_.before()) outer->note(layer, caller, shape);
}

}  // namespace tempo
