// SPDX-License-Identifier: Apache-2.0
// Counts allocations of this process.
#pragma once

#include <cstdint>

namespace bench {

/// Starts to count calls of malloc and similar functions, from any library of this process; or ends
/// this and returns their number.
int64_t count_allocations(bool start);

}  // namespace bench
