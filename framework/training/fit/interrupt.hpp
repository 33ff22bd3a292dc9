// SPDX-License-Identifier: Apache-2.0
// Ctrl-C during a fit.
#pragma once

namespace tempo {

/// While one lives, the first SIGINT is noted in place of ending the process; the second ends it.
/// A program that handles or ignores SIGINT itself keeps that. Fits inside others, and in other
/// threads, see the same one.
class Interruptible {
 public:
  Interruptible();
  /// The last one puts back what SIGINT did before.
  ~Interruptible();
  Interruptible(const Interruptible&) = delete;
  Interruptible& operator=(const Interruptible&) = delete;

  /// Whether SIGINT came.
  static bool requested();
};

}  // namespace tempo
