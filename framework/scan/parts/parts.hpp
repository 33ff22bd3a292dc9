// SPDX-License-Identifier: Apache-2.0
// A recurrence with matrix states as several: the computations before these states, the states
// alone, and the computations after them.
#pragma once

#include "scan/recurrence.hpp"

namespace tempo {

/// The names of the parts in a log: that of the matrix states, and those before and after it.
inline constexpr const char *part_of_matrices = "matrix state",
                            *part_ahead = "before the matrix state",
                            *part_behind = "after the matrix state";

struct RecurrenceParts {
  /// A result of a part.
  struct Place {
    std::size_t part, result;
  };
  /// An input of the whole, or a sequence that an earlier part made.
  using Input = std::variant<ForwardInput, Place>;
  struct Part {
    RecurrenceRef recurrence;
    std::vector<Input> inputs;  // in the order of its Program
    bool matrices;              // whether it has the matrix states
  };
  std::vector<Part> parts;     // in the order in which they run
  std::vector<Place> results;  // for each result of the whole
};

/// The parts of a recurrence if it has matrix states that do not read one another; else null.
std::shared_ptr<const RecurrenceParts> parts_of(const TracedRecurrence& recurrence);

/// Applies one part after the other. For a `gradient`, matrix states are kept only at the ends of
/// segments. With `recompute`, nothing else is kept at each step except the sequences between the
/// parts.
std::vector<Ref<Value>> apply_in_parts(const RecurrenceParts& parts,
                                       const std::vector<Ref<Value>>& inputs, int64_t time,
                                       bool gradient, bool recompute);

}  // namespace tempo
