// SPDX-License-Identifier: Apache-2.0
// Counts allocations of this process.
#pragma once

#include <cstdint>

namespace bench {

/// Starts counting calls of malloc and its like, from any library of this process, or ends it and
/// gives their number.
int64_t count_allocations(bool start);

}  // namespace bench
