#pragma once

#include <cstdint>

namespace bench {

/// Calls of malloc and its like in this process so far, from any of its libraries.
int64_t allocations_so_far();

}  // namespace bench
