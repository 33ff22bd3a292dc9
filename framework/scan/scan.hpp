// SPDX-License-Identifier: Apache-2.0
// scan as the host offers it: the plain loop, or a traced Program applied as one op.
#pragma once

#include "scan/traced_step.hpp"

namespace tempo {

/// Runs a recurrence; the outputs, then the last states. `steps` are those of the layer in whose
/// call it runs, in training or not; null: there is none.
std::vector<Ref<Value>> run_scan(const tempo_scan& call, TraceCache* steps, bool in_training);

}  // namespace tempo
