// scan as the host offers it: the plain loop, or a traced Program applied as one op.
#pragma once

#include "graph/value.hpp"

namespace tempo {

/// Runs a recurrence; the outputs, then the last states.
std::vector<Ref<Value>> run_scan(const tempo_scan& call);

}  // namespace tempo
