// SPDX-License-Identifier: Apache-2.0
// The locks of the process. They are in one place because a fork must find all of them free.
#pragma once

#include <cstddef>

namespace tempo {

/// Holds one of the process's locks; a thread may hold the same one several times. A fork waits for
/// all of them. So in the child, where no other thread runs, none is held, and nothing that they
/// guard is half-made. The locks and their purposes, in the order in which a thread may take them:
class ProcessLock {
 public:
  enum Of : std::size_t {
    loading,    ///< loading of plugins
    making,     ///< cached Programs, their plans and gradients
    registry,   ///< registered layers and their plugins
    ops,        ///< registered ops, and a program's own regularizers
    pool,       ///< the number of threads
    shapes,     ///< the shapes found by the first call of a model
    models,     ///< the layers that stand for models
    steps,      ///< the lists of layers' traced steps
    generator,  ///< the global random generator
    buffers,    ///< buffers that wait for reuse
    signals,    ///< the handler of Ctrl-C
    watching,   ///< the records on a plugin that is being checked
    n_locks
  };
  explicit ProcessLock(Of what);
  ~ProcessLock();
  ProcessLock(const ProcessLock&) = delete;
  ProcessLock& operator=(const ProcessLock&) = delete;

 private:
  Of what_;
};

/// Surrounds every call of OpenBLAS and LAPACK; any number of threads may be inside. A fork waits
/// until none is, because it copies their buffers and their lock in the present state. The end of
/// the process waits, too: OpenBLAS then frees its buffers, and later callers wait for ever.
class InBlas {
 public:
  InBlas();
  ~InBlas();
  InBlas(const InBlas&) = delete;
  InBlas& operator=(const InBlas&) = delete;
};

/// The number of forks between this process and the one that loaded Tempo. Work that another thread
/// had begun before the last fork is never finished here.
int forks();

}  // namespace tempo
