// SPDX-License-Identifier: Apache-2.0
// Errors in calls of layers, in texts that name the layer.
#pragma once

#include <string>

#include "plugin/layer.hpp"

namespace tempo {

/// The beginning of an error about the layer: "rnn/my_cell (MyCell of plugin `mine`): ".
std::string at_fault(const tempo_layer& layer);

void require_inputs(const tempo_layer& layer, const tempo_call& call);
/// A stateful layer cannot be called inside a step: the step is traced once for all time steps, so
/// it keeps nothing from one step to the next. A trace for a stream carries the states itself.
void require_keeps_state(const tempo_layer& layer);
/// Also checks the `count` that the layer's callback set.
void require_results(const tempo_layer& layer, const Tensors& results, uint32_t count);
/// The results that scan and its callers rely on: an output, and as many states as were given, of
/// the same types, all with the batch as the first axis.
void require_step(const tempo_layer& cell, const Tensors& results, const tempo_call& call);

/// If the layer was built for other sizes than it got, names that as the mismatch's likely cause.
[[noreturn]] void explain_sizes(const tempo_layer& layer, const ShapeError& error,
                                const tempo_call& call);
/// Throws if an op got different dtypes in a layer whose weights have another floating dtype than
/// its inputs.
void explain_dtypes(const tempo_layer& layer, const ShapeError& error, const tempo_call& call);

}  // namespace tempo
