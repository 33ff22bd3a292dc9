// SPDX-License-Identifier: Apache-2.0
// A batch whose rows end before the sequence does, as the step's own condition says.
#pragma once

#include "scan/recurrence.hpp"

namespace tempo {

/// Which rows of a step's sequences end early, where a condition of the step leaves each row alone
/// from its end on, and to leave them out saves much; or null. `kept`: as it will be applied;
/// `gradient`: one may be asked for.
EndingRowsRef ending_rows(const TracedRecurrence& step, const TracedRecurrence& kept,
                          const std::vector<Ref<Value>>& inputs, int64_t time, bool gradient);

/// apply_recurrence of such a step: the rows are sorted by length, and nothing is computed for
/// those that have ended.
std::vector<Ref<Value>> apply_sorted(const TracedRecurrence& step, const RecurrenceRef& kept,
                                     std::vector<Ref<Value>> inputs, int64_t time,
                                     const EndingRowsRef& rows);

}  // namespace tempo
