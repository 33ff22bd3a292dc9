// SPDX-License-Identifier: Apache-2.0
// What can be wrong with a call of a layer, in words that name the layer.
#pragma once

#include <string>

#include "plugin/layer.hpp"

namespace tempo {

/// "rnn/my_cell (MyCell of plugin `mine`): "
std::string at_fault(const tempo_layer& layer);

void require_inputs(const tempo_layer& layer, const tempo_call& call);
/// A stateful layer cannot be called inside a step: the step is traced once for all time steps, so
/// nothing is kept from one to the next. What a stream traces carries the states itself.
void require_keeps_state(const tempo_layer& layer);
/// The `count` that the layer's callback said is checked, too.
void require_results(const tempo_layer& layer, const Tensors& results, uint32_t count);
/// What scan and its callers count on: an output and as many states as were given, of their types,
/// all with the batch first.
void require_step(const tempo_layer& cell, const Tensors& results, const tempo_call& call);

/// A mismatch inside a layer that was built for other sizes has that as its likely cause.
[[noreturn]] void explain_sizes(const tempo_layer& layer, const ShapeError& error,
                                const tempo_call& call);
/// Throws where an op's dtypes differ in a layer whose weights have another floating dtype than
/// what it was given.
void explain_dtypes(const tempo_layer& layer, const ShapeError& error, const tempo_call& call);

}  // namespace tempo
