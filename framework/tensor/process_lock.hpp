// SPDX-License-Identifier: Apache-2.0
// The locks of the process, in one place because a fork must find all of them free.
#pragma once

#include <cstddef>

namespace tempo {

/// Holds one of the process's locks; a thread may hold the same one more than once. A fork waits
/// for all of them, so that in the child, where no other thread goes on, none is held and nothing
/// that they guard is half-made. What a lock is for, in the order in which a thread takes them:
class ProcessLock {
 public:
  enum Of : std::size_t {
    loading,    ///< plugins come in
    making,     ///< what is known of Programs, their plans and gradients
    registry,   ///< who registered which layer
    ops,        ///< the registers of ops and of a program's own regularizers
    pool,       ///< the number of threads
    shapes,     ///< what the first call of a model showed
    models,     ///< which layer a model is
    steps,      ///< the lists of layers' traced steps
    generator,  ///< the global random generator
    buffers,    ///< memory that waits for its next user
    signals,    ///< who handles Ctrl-C
    watching,   ///< what is known of a plugin that is checked
    n_locks
  };
  explicit ProcessLock(Of what);
  ~ProcessLock();
  ProcessLock(const ProcessLock&) = delete;
  ProcessLock& operator=(const ProcessLock&) = delete;

 private:
  Of what_;
};

/// Stands around every call of OpenBLAS and LAPACK; any number of threads may be inside. A fork
/// waits until none is, for it copies their buffers and their lock as they are. So does the end of
/// the process, where OpenBLAS frees these buffers: who would call it after that waits for ever.
class InBlas {
 public:
  InBlas();
  ~InBlas();
  InBlas(const InBlas&) = delete;
  InBlas& operator=(const InBlas&) = delete;
};

/// How many forks lie between this process and the one that loaded Tempo. What another thread was
/// doing at the last of them is never finished.
int forks();

}  // namespace tempo
