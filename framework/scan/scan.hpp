// SPDX-License-Identifier: Apache-2.0
// scan, as the host offers it: the plain loop, or a traced Program that is applied as one op.
#pragma once

#include "scan/traced_step.hpp"

namespace tempo {

/// Runs a recurrence; returns the outputs, then the last states. `steps` is the cache of the layer
/// in whose call it runs; null if there is none. `in_training`: whether that call is in training.
std::vector<Ref<Value>> run_scan(const tempo_scan& call, TraceCache* steps, bool in_training);

}  // namespace tempo
