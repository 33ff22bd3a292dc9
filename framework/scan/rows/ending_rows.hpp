// SPDX-License-Identifier: Apache-2.0
// Batches with rows that end before the sequence does, as the step's own condition says.
#pragma once

#include "scan/recurrence.hpp"

namespace tempo {

/// The rows of a step's sequences that end early, if a condition of the step leaves each row alone
/// from its end on and leaving them out saves enough; else null. `kept` is the recurrence to be
/// applied; `gradient`: one may be asked for.
EndingRowsRef ending_rows(const TracedRecurrence& step, const TracedRecurrence& kept,
                          const std::vector<Ref<Value>>& inputs, int64_t time, bool gradient);

/// apply_recurrence for such a step: rows are sorted by length, and nothing is computed for ended
/// rows.
std::vector<Ref<Value>> apply_sorted(const TracedRecurrence& step, const RecurrenceRef& kept,
                                     std::vector<Ref<Value>> inputs, int64_t time,
                                     const EndingRowsRef& rows);

}  // namespace tempo
