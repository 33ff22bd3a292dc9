// SPDX-License-Identifier: Apache-2.0
// Ctrl-C during a fit.
#pragma once

namespace tempo {

/// While one exists, the first SIGINT is recorded and does not end the process; the second one ends
/// it. If the program handles or ignores SIGINT itself, that stays. Nested fits, and fits in other
/// threads, see the same SIGINT.
class Interruptible {
 public:
  Interruptible();
  /// The last one restores the earlier handling of SIGINT.
  ~Interruptible();
  Interruptible(const Interruptible&) = delete;
  Interruptible& operator=(const Interruptible&) = delete;

  /// Whether SIGINT came.
  static bool requested();
};

}  // namespace tempo
