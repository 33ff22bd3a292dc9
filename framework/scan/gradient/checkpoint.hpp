// SPDX-License-Identifier: Apache-2.0
// A long recurrence in segments: only the states between them are kept (Chen et al., 2016,
// "Training deep nets with sublinear memory cost").
#pragma once

#include "scan/recurrence.hpp"

namespace tempo {

/// As apply_recurrence, but its gradient runs each segment of about sqrt(time) steps again: the
/// memory between the passes, and in the gradient, grows with the square root of time.
std::vector<Ref<Value>> apply_in_segments(const RecurrenceRef& recurrence,
                                          std::vector<Ref<Value>> inputs, int64_t time);

}  // namespace tempo
