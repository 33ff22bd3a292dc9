// SPDX-License-Identifier: Apache-2.0
// A recurrence with matrix states as several: what comes before these states, the states alone, and
// what is made of them.
#pragma once

#include "scan/recurrence.hpp"

namespace tempo {

/// The names of the parts in a log: the one with the matrix states, those before and after it.
inline constexpr const char *part_of_matrices = "matrix state",
                            *part_ahead = "before the matrix state",
                            *part_behind = "after the matrix state";

struct RecurrenceParts {
  /// A result of a part.
  struct Place {
    std::size_t part, result;
  };
  /// An input of the whole, or a sequence that a part before made.
  using Input = std::variant<ForwardInput, Place>;
  struct Part {
    RecurrenceRef recurrence;
    std::vector<Input> inputs;  // in the order of its Program
    bool matrices;              // it has the matrix states
  };
  std::vector<Part> parts;     // in the order in which they run
  std::vector<Place> results;  // of the whole
};

/// The parts of a recurrence, if it has matrix states whose matrices read no other; or null.
std::shared_ptr<const RecurrenceParts> parts_of(const TracedRecurrence& recurrence);

/// Applies one part after the other. For a `gradient`, matrix states are kept at the ends of
/// segments alone; with `recompute` nothing else is kept at each step but what goes from part to
/// part.
std::vector<Ref<Value>> apply_in_parts(const RecurrenceParts& parts,
                                       const std::vector<Ref<Value>>& inputs, int64_t time,
                                       bool gradient, bool recompute);

}  // namespace tempo
